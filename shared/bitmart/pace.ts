// Keeps the requests of one account one interval apart, whichever Lambda environments send them.
// p-throttle decides when; each request also waits for the answer to the one before, and `hold` keeps the invocation
// until its last request is one interval old, so that the next environment cannot come too close.
// Never sends by itself. A plain { limit: 40, interval: 2000 } would break a sliding window at every boundary.
import pThrottle from 'p-throttle';
import type { Clock } from '../clock.ts';

/** A documented limit: at most `requests` in any `windowMs`. */
export interface Limit {
  readonly requests: number;
  readonly windowMs: number;
}

/** What the usage headers said. `used` counts the calls of the window so far, by everybody on the account. */
export interface Usage {
  readonly limit: number;
  readonly used: number;
}

export interface Pacer {
  /** Runs `send` when its turn has come. `share` above 0, at most 1: this caller's part of the limit. */
  run<T extends { readonly usage?: Usage | undefined }>(
    account: string,
    lane: string,
    limit: Limit,
    share: number,
    send: () => Promise<T>,
  ): Promise<T>;
  /** Returns when every lane of the account is one interval old, and any brake is over. */
  hold(account: string): Promise<void>;
}

interface Lane {
  readonly paceMs: number;
  readonly windowMs: number;
  readonly throttled: <T>(send: () => Promise<T>) => Promise<T>;
  lastSentAt: number;
  brakeUntil: number;
  tail: Promise<unknown>;
}

/** The distance between two requests, ms: 53.2 for 40 in 2 s at a utilisation of 0.94, so at most 39 arrive in a window. */
export function paceMs(limit: Limit, utilisation: number, share: number): number {
  return limit.windowMs / (limit.requests * utilisation * share);
}

/** @param utilisation part of the limit to use, above 0 and at most 0.97 */
export function pacer(utilisation: number, clock: Clock): Pacer {
  const accounts = new Map<string, Map<string, Lane>>();

  const laneOf = (account: string, name: string, limit: Limit, share: number): Lane => {
    const interval = paceMs(limit, utilisation, share);
    const lanes = accounts.get(account) ?? new Map<string, Lane>();
    accounts.set(account, lanes);
    const known = lanes.get(name);
    if (known?.paceMs === interval) return known;
    const throttle = pThrottle({ limit: 1, interval, strict: true });
    const throttled = throttle((send: () => Promise<unknown>) => send()) as Lane['throttled'];
    // A changed share makes a new lane; what the old one sent last still counts.
    const lane = {
      paceMs: interval,
      windowMs: limit.windowMs,
      throttled,
      lastSentAt: known?.lastSentAt ?? 0,
      brakeUntil: known?.brakeUntil ?? 0,
      tail: Promise.resolve() as Promise<unknown>,
    };
    if (known !== undefined) {
      lane.tail = known.tail.then(async () => {
        await rest(known);
        lane.brakeUntil = Math.max(lane.brakeUntil, known.brakeUntil);
      });
    }
    lanes.set(name, lane);
    return lane;
  };

  // Never longer than an interval, in case the clock was set back.
  const rest = (lane: Lane): Promise<void> =>
    clock.sleep(Math.min(lane.paceMs, lane.lastSentAt + lane.paceMs - clock.now()));

  return {
    run: (account, name, limit, share, send) => {
      const lane = laneOf(account, name, limit, share);
      const turn = lane.tail.then(async () => {
        if (lane.brakeUntil > clock.now()) await clock.sleep(lane.brakeUntil - clock.now());
        return lane.throttled(async () => {
          // Timers drop fractions of a millisecond and may fire early by one: what is missing is waited out.
          await rest(lane);
          lane.lastSentAt = clock.now();
          const answer = await send();
          // Somebody else uses the limit too: the next call could be the one too many.
          if (answer.usage !== undefined && answer.usage.used >= answer.usage.limit) {
            lane.brakeUntil = clock.now() + limit.windowMs;
          }
          return answer;
        });
      });
      lane.tail = turn.catch(() => undefined);
      return turn;
    },
    hold: async (account) => {
      for (const lane of accounts.get(account)?.values() ?? []) {
        await rest(lane);
        await clock.sleep(Math.min(lane.windowMs, lane.brakeUntil - clock.now()));
      }
    },
  };
}
