// The one lane of an address, over all accounts: moments that lie one interval apart, given in the order they are asked for.
// Waits for no answer. Never sends by itself.
import type { Clock } from './clock.ts';

/** The one lane of an address: it spaces requests, and waits for no answer. */
export interface Slots {
  /** When the next one would be, ms. */
  readonly next: () => number;
  /** Takes the next one, and returns when it has come. */
  readonly take: () => Promise<void>;
}

/** @param intervalMs between two of them; undefined where nothing is counted by address */
export function slotsOf(intervalMs: number | undefined, clock: Clock): Slots {
  if (intervalMs === undefined) return { next: () => clock.now(), take: () => Promise.resolve() };
  // Timers know whole milliseconds.
  const apartMs = Math.ceil(intervalMs);
  let last = 0;
  let waiting = 0;
  const next = (): number => {
    const now = clock.now();
    // No further ahead than there are takers, in case the clock was set back.
    return Math.max(now, Math.min(last, now + waiting * apartMs) + apartMs);
  };
  const take = async (): Promise<void> => {
    const mine = next();
    last = mine;
    waiting += 1;
    await rest(clock, () => Math.min(waiting * apartMs, mine - clock.now()));
    waiting -= 1;
  };
  return { next, take };
}

/** Timers drop fractions of a millisecond and may fire early by one: what is missing is waited out. */
export async function rest(clock: Clock, leftMs: () => number): Promise<void> {
  await clock.sleep(leftMs());
  await clock.sleep(leftMs());
}
