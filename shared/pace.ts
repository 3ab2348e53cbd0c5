// Keeps the requests of one account one interval apart, whichever Lambda environments send them.
// When its turn comes is known before a request waits, but for what is before it in its lane: one that would be too late is
// refused at once, one whose time is over before its turn then, and neither uses anything up.
// Each also waits for the answer to the one before; p-throttle lets it out when it is one interval behind that; and `hold` keeps
// the invocation until its last request is one interval old, so that the next environment cannot come too close.
// Never sends by itself. A plain { limit: 40, interval: 2000 } would break a sliding window at every boundary.
import pThrottle from 'p-throttle';
import type { Clock } from './clock.ts';
import { rest, slotsOf } from './slots.ts';

/** A documented limit: at most `requests` in any `windowMs`. */
export interface Limit {
  readonly requests: number;
  readonly windowMs: number;
  /** What the dearest request of the lane counts as, where some count as several; 1 unless it says so. */
  readonly dearest?: number;
  /** It differs between accounts, and the usage headers tell which holds: theirs counts from the first answer on. */
  readonly isTold?: boolean;
}

/** What the usage headers said. `used` counts the calls of the window so far, by everybody on the account. */
export interface Usage {
  readonly limit: number;
  readonly used: number;
  /** When calls are taken again, ms by our clock; absent where the venue does not say, or there is nothing to wait for. */
  readonly resetAt?: number;
}

/** A limit that the venue counts by address, over all accounts and public calls, and this process's part of it. */
export interface Address {
  readonly limit: Limit;
  readonly share: number;
}

/** When a request may start at the latest, ms by our clock. */
export interface Latest {
  /** It starts before this, or not at all. */
  readonly until: number;
  /** When the invocation is stopped: it starts only if `hold` can return before that. Left out: nobody is stopped. */
  readonly holdBy?: number;
  /** What it counts as; 1 unless it says so. */
  readonly cost?: number;
}

export interface Pacer {
  /**
   * Runs `send` when its turn has come. `share` above 0, at most 1: this caller's part of the limit.
   * @returns undefined where its turn would come too late: it was not sent, and the lane is as if nobody had asked
   */
  run<T extends { readonly usage?: Usage | undefined }>(
    account: string,
    lane: string,
    limit: Limit,
    share: number,
    latest: Latest,
    send: () => Promise<T>,
  ): Promise<T | undefined>;
  /** Returns when every lane of the account is one interval old, and any brake is over or has no more time. */
  hold(account: string): Promise<void>;
}

/** Everything is of the last request that was sent. */
interface Lane {
  paceMs: number;
  cost: number;
  /** How many requests the venue says the window takes. */
  told: number | undefined;
  /** What was sent in the last window, and a little before. */
  recent: readonly { readonly at: number; readonly cost: number }[];
  windowMs: number;
  lastSentAt: number;
  holdBy: number;
  brakeUntil: number;
  gate: <T>(send: () => Promise<T>) => Promise<T>;
  /** Requests whose turn is not over. */
  waiting: number;
  tail: Promise<unknown>;
}

/**
 * The longest interval, ms. An invocation of 30 s must hold its tail for so long, after some seconds for the secret, the
 * rules and what comes before in its batch: a request with a longer one could never be sent. A key whose share comes to
 * more takes more than its part, at most one request in this time.
 */
const LONGEST_PACE_MS = 20_000;
/** What is still to be done when `hold` returns: visibilities are set, and the handler answers. */
const HOLD_MARGIN_MS = 500;

/**
 * The distance to the next request, ms: 53.2 for 40 in 2 s at a utilisation of 0.94, so at most 39 arrive in a window. Behind
 * one that counts as `cost` it is so long that the dearest one may follow, whatever has gone before: that needs no memory,
 * and so it holds over environments that take turns. After a whole window anything may follow.
 */
export function paceMs(
  { requests, windowMs, dearest = 1 }: Limit,
  utilisation: number,
  share: number,
  cost = 1,
): number {
  const ours = requests * share;
  const most = Math.max(1, Math.min(dearest, Math.floor(ours)));
  const apartMs = (cost * windowMs) / ((ours - most + 1) * utilisation);
  return Math.min(LONGEST_PACE_MS, most > 1 ? Math.min(windowMs / utilisation, apartMs) : apartMs);
}

/** Timers know whole milliseconds. */
function gateOf(intervalMs: number): Lane['gate'] {
  const interval = Math.ceil(intervalMs);
  const throttle = pThrottle({ limit: 1, interval, strict: true });
  return throttle((send: () => Promise<unknown>) => send()) as Lane['gate'];
}

/** What is left of the interval and of a brake, ms; never longer than they are, in case the clock was set back. */
function restMs(lane: Lane, apartMs: number, brakeUntil: number, now: number): number {
  const intervalMs = Math.min(apartMs, lane.lastSentAt + apartMs - now);
  return Math.max(0, intervalMs, Math.min(lane.windowMs, brakeUntil - now));
}

interface Turn {
  hasBegun: boolean;
  /** Nobody waits for it any more: it is not sent. */
  isGone: boolean;
}

/** What arrives may do so a little later than the next: so much of a window more counts as ours. */
const SLACK = 0.1;

/**
 * Until when a lane is left alone after an answer, ms. A window that is used up by ourselves needs no brake, that is what the
 * interval is for; one that others use too could refuse the next call. Where the venue does not say when, a whole window.
 */
function brakeAfter({ recent }: Lane, usage: Usage | undefined, windowMs: number, now: number): number {
  if (usage === undefined || usage.used < usage.limit) return 0;
  if (usage.resetAt !== undefined && usage.resetAt > now) return usage.resetAt;
  const ours = recent.reduce((sum, { cost }) => sum + cost, 0);
  return usage.used > ours ? now + windowMs : 0;
}

type Lanes = Map<string, Map<string, Lane>>;

function laneOf(accounts: Lanes, account: string, name: string): Lane {
  const lanes = accounts.get(account) ?? new Map<string, Lane>();
  accounts.set(account, lanes);
  const idle = { paceMs: 0, cost: 1, told: undefined, recent: [], windowMs: 0, lastSentAt: 0, holdBy: Infinity, brakeUntil: 0 }; // prettier-ignore
  const lane = lanes.get(name) ?? { ...idle, gate: gateOf(0), waiting: 0, tail: Promise.resolve() };
  lanes.set(name, lane);
  return lane;
}

/** A request is being sent. */
function mark(lane: Lane, sent: Pick<Lane, 'paceMs' | 'cost' | 'windowMs' | 'lastSentAt' | 'holdBy'>): void {
  const since = sent.lastSentAt - sent.windowMs * (1 + SLACK);
  const recent = [...lane.recent.filter(({ at }) => at >= since), { at: sent.lastSentAt, cost: sent.cost }];
  Object.assign(lane, { ...sent, recent });
}

/** What an answer says of the lane's limit. */
function heed(lane: Lane, usage: Usage | undefined, windowMs: number, now: number): void {
  const brakeUntil = brakeAfter(lane, usage, windowMs, now);
  // Somebody else uses the limit too: the next call could be the one too many.
  if (brakeUntil > 0) lane.brakeUntil = brakeUntil;
  lane.told = usage?.limit ?? lane.told;
}

/** What is before it in its lane may take longer than there is time: nobody waits for that. */
function unlessOver<T>(turn: Promise<T | undefined>, state: Turn, over: Promise<void>): Promise<T | undefined> {
  const given = over.then(() => {
    state.isGone = !state.hasBegun;
    return state.isGone ? undefined : turn;
  });
  return Promise.race([turn, given]);
}

/**
 * @param utilisation part of the limit to use, above 0 and at most 0.97
 * @param address where the venue counts by address, too
 */
export function pacer(utilisation: number, clock: Clock, address?: Address): Pacer {
  const apartMs = address && paceMs(address.limit, utilisation, address.share);
  const slots = slotsOf(apartMs, clock);
  const accounts: Lanes = new Map();
  return {
    run: async (account, name, limit, share, { until, holdBy = Infinity, cost = 1 }, send) => {
      const lane = laneOf(accounts, account, name);
      const own = limit.isTold === true ? { ...limit, requests: lane.told ?? limit.requests } : limit;
      const interval = paceMs(own, utilisation, share, cost);
      // After a changed share the longer of both intervals lies between the two requests.
      const apartMs = (): number => Math.max(lane.paceMs, paceMs(own, utilisation, share, lane.cost));
      const leftMs = (): number => restMs(lane, apartMs(), lane.brakeUntil, clock.now());
      const isTooLate = (slotAt = 0): boolean => {
        const turnAt = Math.max(slotAt, clock.now() + leftMs());
        return turnAt >= until || turnAt + interval > holdBy - HOLD_MARGIN_MS;
      };
      if (isTooLate(slots.next())) return undefined;
      const state: Turn = { hasBegun: false, isGone: false };
      const turn = lane.tail.then(async () => {
        if (state.isGone || isTooLate(slots.next())) return undefined;
        state.hasBegun = true;
        if (lane.paceMs !== interval || clock.now() < lane.lastSentAt) lane.gate = gateOf(interval);
        return lane.gate(async () => {
          // What the gate does not know of: a brake, what went before a gate that is new, a timer that fired early.
          await rest(clock, leftMs);
          const isLate = isTooLate(slots.next());
          if (!isLate) await slots.take();
          // It may have taken longer: environments freeze.
          if (isLate || isTooLate()) {
            lane.gate = gateOf(interval);
            return undefined;
          }
          mark(lane, { paceMs: interval, cost, windowMs: limit.windowMs, lastSentAt: clock.now(), holdBy });
          const answer = await send();
          heed(lane, answer.usage, limit.windowMs, clock.now());
          return answer;
        });
      });
      const isBusy = lane.waiting > 0;
      lane.waiting += 1;
      lane.tail = turn.catch(() => undefined).then(() => void (lane.waiting -= 1));
      if (!isBusy || until === Infinity) return turn;
      return unlessOver(turn, state, clock.sleep(until - clock.now()));
    },
    hold: async (account) => {
      for (const lane of accounts.get(account)?.values() ?? []) {
        // A brake is for what others use: it ends with the invocation. The interval does not, it was seen to fit.
        const brakeUntil = (): number => Math.min(lane.brakeUntil, lane.holdBy - HOLD_MARGIN_MS);
        await rest(clock, () => restMs(lane, lane.paceMs, brakeUntil(), clock.now()));
      }
    },
  };
}
