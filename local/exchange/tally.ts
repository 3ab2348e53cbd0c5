// What was counted: arrivals in sliding windows, and how every request ended. Promises windows that are open at their old
// end: (at - length, at]. Never refuses anybody.

export interface PathReport {
  readonly count: number;
  readonly unanswered: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byCode: Readonly<Record<string, number>>;
  readonly maxInWindow: number;
}

export interface Tally {
  /** Counts `weight` arrivals of an owner, for `maxInWindow`. */
  arrived(path: string, owner: string, lengthMs: number, atMs: number, weight?: number): void;
  /** Counts one finished request; without a status it was never answered. */
  finished(path: string, status?: number, code?: number): void;
  report(): Readonly<Record<string, PathReport>>;
  clear(): void;
}

interface Row {
  count: number;
  unanswered: number;
  readonly byStatus: Record<string, number>;
  readonly byCode: Record<string, number>;
  maxInWindow: number;
}

/** Drops what has left the window (atMs - length, atMs] and says how much is left. */
export const within = (times: number[], lengthMs: number, atMs: number): number => {
  let gone = 0;
  while (gone < times.length && (times[gone] ?? atMs) <= atMs - lengthMs) gone += 1;
  if (gone > 0) times.splice(0, gone);
  return times.length;
};

export const entry = <Value>(map: Map<string, Value>, name: string, make: () => Value): Value => {
  const found = map.get(name) ?? make();
  map.set(name, found);
  return found;
};

const bump = (counts: Record<string, number>, name: number): void => {
  counts[String(name)] = (counts[String(name)] ?? 0) + 1;
};

export const createTally = (): Tally => {
  const owned = new Map<string, number[]>();
  const rows = new Map<string, Row>();
  const rowOf = (path: string): Row =>
    entry(rows, path, () => ({ count: 0, unanswered: 0, byStatus: {}, byCode: {}, maxInWindow: 0 }));
  return {
    arrived: (path, owner, lengthMs, atMs, weight = 1) => {
      const times = entry(owned, `${path} ${owner}`, () => []);
      for (let one = 0; one < weight; one += 1) times.push(atMs);
      const row = rowOf(path);
      row.maxInWindow = Math.max(row.maxInWindow, within(times, lengthMs, atMs));
    },
    finished: (path, status, code) => {
      const row = rowOf(path);
      row.count += 1;
      if (status === undefined) row.unanswered += 1;
      else bump(row.byStatus, status);
      if (code !== undefined) bump(row.byCode, code);
    },
    report: () => structuredClone(Object.fromEntries(rows)),
    clear: () => {
      owned.clear();
      rows.clear();
    },
  };
};
