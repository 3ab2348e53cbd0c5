// Rate windows: who called which path how often, who is over the limit, who is banned. Promises a sliding window on a
// monotonic clock, counting refused calls as used. Never looks into a request.

export type Scope = 'IP' | 'KEY' | 'UID';

export interface Limit {
  readonly requests: number;
  readonly seconds: number;
  readonly scope: Scope;
}

export interface Arrival {
  readonly path: string;
  readonly limit: Limit;
  /** Who the limit counts: an address, a key or a UID. */
  readonly counted: string;
  /** Who is banned, and whose arrivals `maxInWindow` reports: the UID, or the address of a public call. */
  readonly owner: string;
  /** Milliseconds on a clock that never goes back. */
  readonly atMs: number;
  readonly banAfterRefusals: number;
  readonly banMs: number;
}

export interface PathReport {
  readonly count: number;
  readonly unanswered: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byCode: Readonly<Record<string, number>>;
  readonly maxInWindow: number;
}

export interface Windows {
  /** Counts one arrival. `used` is what the usage header says: all arrivals in the window, this one included. */
  arrive(arrival: Arrival): { readonly verdict: 'passed' | 'throttled' | 'banned'; readonly used: number };
  /** What is used at this moment, without counting anything. */
  used(path: string, limit: Limit, counted: string, atMs: number): number;
  /** Counts one finished request; without a status it was never answered. */
  finished(path: string, status?: number, code?: number): void;
  report(): Readonly<Record<string, PathReport>>;
  clear(): void;
}

interface Track {
  readonly arrived: number[];
  readonly passed: number[];
  readonly refused: number[];
}

interface Tally {
  count: number;
  unanswered: number;
  readonly byStatus: Record<string, number>;
  readonly byCode: Record<string, number>;
  maxInWindow: number;
}

/** Drops what has left the window (atMs - length, atMs] and says how much is left. */
const within = (times: number[], lengthMs: number, atMs: number): number => {
  let gone = 0;
  while (gone < times.length && (times[gone] ?? atMs) <= atMs - lengthMs) gone += 1;
  if (gone > 0) times.splice(0, gone);
  return times.length;
};

const bump = (counts: Record<string, number>, name: number): void => {
  counts[String(name)] = (counts[String(name)] ?? 0) + 1;
};

const entry = <Value>(map: Map<string, Value>, name: string, make: () => Value): Value => {
  const found = map.get(name) ?? make();
  map.set(name, found);
  return found;
};

export const createWindows = (): Windows => {
  const tracks = new Map<string, Track>();
  const owned = new Map<string, number[]>();
  const bans = new Map<string, number>();
  const tallies = new Map<string, Tally>();
  const trackOf = (path: string, counted: string): Track =>
    entry(tracks, `${path} ${counted}`, () => ({ arrived: [], passed: [], refused: [] }));
  const tallyOf = (path: string): Tally =>
    entry(tallies, path, () => ({ count: 0, unanswered: 0, byStatus: {}, byCode: {}, maxInWindow: 0 }));
  const countOwner = ({ path, limit, owner, atMs }: Arrival): void => {
    const times = entry(owned, `${path} ${owner}`, () => []);
    times.push(atMs);
    const tally = tallyOf(path);
    tally.maxInWindow = Math.max(tally.maxInWindow, within(times, limit.seconds * 1000, atMs));
  };
  return {
    arrive: (arrival) => {
      const { path, limit, counted, owner, atMs } = arrival;
      const lengthMs = limit.seconds * 1000;
      countOwner(arrival);
      const track = trackOf(path, counted);
      track.arrived.push(atMs);
      const used = within(track.arrived, lengthMs, atMs);
      if ((bans.get(owner) ?? atMs) > atMs) return { verdict: 'banned', used };
      if (within(track.passed, lengthMs, atMs) < limit.requests) {
        track.passed.push(atMs);
        return { verdict: 'passed', used };
      }
      track.refused.push(atMs);
      if (within(track.refused, lengthMs, atMs) <= arrival.banAfterRefusals) return { verdict: 'throttled', used };
      bans.set(owner, atMs + arrival.banMs);
      return { verdict: 'banned', used };
    },
    used: (path, limit, counted, atMs) => within(trackOf(path, counted).arrived, limit.seconds * 1000, atMs),
    finished: (path, status, code) => {
      const tally = tallyOf(path);
      tally.count += 1;
      if (status === undefined) tally.unanswered += 1;
      else bump(tally.byStatus, status);
      if (code !== undefined) bump(tally.byCode, code);
    },
    report: () => structuredClone(Object.fromEntries(tallies)),
    clear: () => {
      for (const memory of [tracks, owned, bans, tallies]) memory.clear();
    },
  };
};
