// Rate limits: calls or orders per UID, endpoint and category in a rolling second, and all calls of one address in five.
// Promises that at no moment more passes than the limit, in any window of that length. Never looks into a request.
import { createTally, entry, within, type Tally } from '../exchange/tally.ts';

export interface Ask {
  /** The endpoint, with its category where categories count apart. */
  readonly bucket: string;
  readonly uid: string;
  readonly limit: number;
  readonly lengthMs: number;
  /** How much is asked for: orders of a batch, otherwise 1. */
  readonly weight: number;
  /** Milliseconds on a clock that never goes back. */
  readonly atMs: number;
  readonly countsRefused: boolean;
}

export interface Grant {
  /** How much of what was asked for passes: the first part. */
  readonly granted: number;
  readonly limit: number;
  readonly remaining: number;
  /** When something is free again, on the same clock; undefined unless something was refused. */
  readonly resetAtMs: number | undefined;
}

export interface AddressRules {
  readonly requests: number;
  readonly banMs: number;
  readonly callsProlong: boolean;
}

export interface Limits extends Pick<Tally, 'finished' | 'report' | 'clear'> {
  ask(ask: Ask): Grant;
  /** Counts one call of an address; false once it is over 600 in 5 s, and then for as long as the ban lasts. */
  address(ip: string, rules: AddressRules, atMs: number): boolean;
}

const ADDRESS_MS = 5_000;
/** What control reports the calls of an address under. */
export const ADDRESS = 'address';

export const createLimits = (): Limits => {
  const passed = new Map<string, number[]>();
  const addresses = new Map<string, number[]>();
  const bans = new Map<string, number>();
  const tally = createTally();
  return {
    ask: ({ bucket, uid, limit, lengthMs, weight, atMs, countsRefused }) => {
      tally.arrived(bucket, uid, lengthMs, atMs, weight);
      const times = entry(passed, `${bucket} ${uid}`, () => []);
      const used = within(times, lengthMs, atMs);
      const granted = Math.max(0, Math.min(weight, limit - used));
      const counted = countsRefused ? weight : granted;
      for (let one = 0; one < counted; one += 1) times.push(atMs);
      const remaining = Math.max(0, limit - times.length);
      const oldest = times[Math.max(0, times.length - limit)] ?? atMs;
      return { granted, limit, remaining, resetAtMs: granted < weight ? oldest + lengthMs : undefined };
    },
    address: (ip, { requests, banMs, callsProlong }, atMs) => {
      tally.arrived(ADDRESS, ip, ADDRESS_MS, atMs);
      const until = bans.get(ip) ?? 0;
      if (until > atMs) {
        if (callsProlong) bans.set(ip, atMs + banMs);
        return false;
      }
      const times = entry(addresses, ip, () => []);
      if (within(times, ADDRESS_MS, atMs) < requests) {
        times.push(atMs);
        return true;
      }
      bans.set(ip, atMs + banMs);
      return false;
    },
    finished: (path, status, code) => tally.finished(path, status, code),
    report: () => tally.report(),
    clear: () => {
      for (const memory of [passed, addresses, bans, tally]) memory.clear();
    },
  };
};
