// A table of a venue's rules that is loaded when first needed and kept for a while. An old one serves while it is read anew;
// one that cannot be had gives undefined. No guesses.
import type { Clock } from './clock.ts';

const LIFETIME_MS = 300_000;
/** Environments that started together do not read their tables together: up to so much of the lifetime lies between them. */
const JITTER = 0.2;
/** How long one load may take, whoever waits for it. */
const LOAD_MS = 10_000;
/** After a load that failed. */
const REST_MS = 1_000;
/** How often a waiting caller looks at its deadline. */
const SLICE_MS = 50;

/** A row by its name on the wire; `unknown`: not listed. undefined: not to be had, or not to be read. */
export type Rules<Row> = (name: string, deadline: number) => Promise<Row | 'unknown' | undefined>;
export type Table<Row> = ReadonlyMap<string, Row | undefined>;

export interface Keeping {
  readonly clock: Clock;
  /** From 0 to 1: spreads the reloading of tables. */
  readonly random?: () => number;
  /** Five minutes unless it says so. */
  readonly lifetimeMs?: number;
}

/**
 * A table that is loaded when first needed, and waited for until the caller's deadline. Kept for its lifetime; after that
 * the old one is given at once and a new one fetched behind it, for which only a name that is not in the old one waits.
 * A name that was in the table keeps its old row until two loads in a row lack it: a list that came cut short would deny
 * good orders as unknown.
 */
export function kept<Row>(
  fetch: (deadline: number) => Promise<Table<Row> | undefined>,
  { clock, random = Math.random, lifetimeMs = LIFETIME_MS }: Keeping,
): Rules<Row> {
  let table: Table<Row> | undefined;
  /** Names that the last load lacked. */
  let missing: ReadonlySet<string> = new Set();
  let goodUntil = 0;
  let restUntil = 0;
  let loading: Promise<void> | undefined;
  let askedAt = 0;
  const load = async (): Promise<void> => {
    askedAt = clock.now();
    const mine = askedAt;
    const fresh = await fetch(askedAt + LOAD_MS);
    // The environment was frozen while the answer was under way, and another has been asked for since.
    if (mine !== askedAt) return;
    // An answer that took longer tells of a time before a freeze.
    if (fresh === undefined || clock.now() - askedAt > LOAD_MS) restUntil = clock.now() + REST_MS;
    else {
      const doubtful = [...(table ?? [])].filter(([name]) => !fresh.has(name) && !missing.has(name));
      table = new Map([...fresh, ...doubtful]);
      missing = new Set(doubtful.map(([name]) => name));
      goodUntil = askedAt + lifetimeMs * (1 + JITTER * random());
    }
    loading = undefined;
  };
  const wait = async (deadline: number): Promise<void> => {
    const mine = loading;
    const slices = Math.ceil((deadline - clock.now()) / SLICE_MS);
    for (let left = slices; left > 0 && mine !== undefined && loading === mine; left--) {
      await Promise.race([mine, clock.sleep(Math.min(SLICE_MS, deadline - clock.now()))]);
    }
  };
  return async (name, deadline) => {
    const now = clock.now();
    if (now - askedAt > LOAD_MS) loading = undefined;
    if (now >= goodUntil && now >= restUntil) loading ??= load();
    if (table?.has(name) !== true) await wait(deadline);
    if (table === undefined) return undefined;
    return table.has(name) ? table.get(name) : 'unknown';
  };
}
