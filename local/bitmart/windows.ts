// Rate windows: who called which path how often, who is over the limit, who is banned. Promises a sliding window on a
// monotonic clock, counting refused calls as used. Never looks into a request.

import { createTally, entry, within, type Tally } from '../exchange/tally.ts';

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

export interface Windows extends Pick<Tally, 'finished' | 'report' | 'clear'> {
  /** Counts one arrival. `used` is what the usage header says: all arrivals in the window, this one included. */
  arrive(arrival: Arrival): { readonly verdict: 'passed' | 'throttled' | 'banned'; readonly used: number };
  /** What is used at this moment, without counting anything. */
  used(path: string, limit: Limit, counted: string, atMs: number): number;
}

interface Track {
  readonly arrived: number[];
  readonly passed: number[];
  readonly refused: number[];
}

export const createWindows = (): Windows => {
  const tracks = new Map<string, Track>();
  const bans = new Map<string, number>();
  const tally = createTally();
  const trackOf = (path: string, counted: string): Track =>
    entry(tracks, `${path} ${counted}`, () => ({ arrived: [], passed: [], refused: [] }));
  return {
    arrive: (arrival) => {
      const { path, limit, counted, owner, atMs } = arrival;
      const lengthMs = limit.seconds * 1000;
      tally.arrived(path, owner, lengthMs, atMs);
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
    finished: (path, status, code) => tally.finished(path, status, code),
    report: () => tally.report(),
    clear: () => {
      for (const memory of [tracks, bans, tally]) memory.clear();
    },
  };
};
