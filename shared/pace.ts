// Keeps the requests of one account one interval apart, whichever Lambda environments send them.
// When its turn comes is known before a request waits, but for what is before it in its lane: one that would be too late is
// refused at once, one whose time is over before its turn then, and neither uses anything up.
// Each also waits for the answer to the one before; p-throttle lets it out when it is one interval behind that; and `hold` keeps
// the invocation until its last request is one interval old, so that the next environment cannot come too close.
// Never sends by itself. A plain { limit: 40, interval: 2000 } would break a sliding window at every boundary.
import pThrottle from 'p-throttle';
import type { Clock } from './clock.ts';

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

/** Where the venue does not say when, a whole window. */
function resetOf(usage: Usage | undefined, now: number, windowMs: number): number {
  const { resetAt = 0 } = usage ?? {};
  return resetAt > now ? resetAt : now + windowMs;
}

function isUsedUp(usage: Usage | undefined): boolean {
  return usage !== undefined && usage.used >= usage.limit;
}

/** What is before it in its lane may take longer than there is time: nobody waits for that. */
function unlessOver<T>(turn: Promise<T | undefined>, state: Turn, over: Promise<void>): Promise<T | undefined> {
  const given = over.then(() => {
    state.isGone = !state.hasBegun;
    return state.isGone ? undefined : turn;
  });
  return Promise.race([turn, given]);
}

/** The one lane of an address: it spaces requests, and waits for no answer. */
interface Slots {
  /** When the next one would be, ms. */
  readonly next: () => number;
  /** Takes the next one, and returns when it has come. */
  readonly take: () => Promise<void>;
}

function slotsOf(address: Address | undefined, utilisation: number, clock: Clock): Slots {
  if (address === undefined) return { next: () => clock.now(), take: () => Promise.resolve() };
  // Timers know whole milliseconds.
  const apartMs = Math.ceil(paceMs(address.limit, utilisation, address.share));
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
async function rest(clock: Clock, leftMs: () => number): Promise<void> {
  await clock.sleep(leftMs());
  await clock.sleep(leftMs());
}

/**
 * @param utilisation part of the limit to use, above 0 and at most 0.97
 * @param address where the venue counts by address, too
 */
export function pacer(utilisation: number, clock: Clock, address?: Address): Pacer {
  const slots = slotsOf(address, utilisation, clock);
  const accounts = new Map<string, Map<string, Lane>>();

  const laneOf = (account: string, name: string): Lane => {
    const lanes = accounts.get(account) ?? new Map<string, Lane>();
    accounts.set(account, lanes);
    const idle = { paceMs: 0, cost: 1, told: undefined, windowMs: 0, lastSentAt: 0, holdBy: Infinity, brakeUntil: 0 };
    const lane = lanes.get(name) ?? { ...idle, gate: gateOf(0), waiting: 0, tail: Promise.resolve() };
    lanes.set(name, lane);
    return lane;
  };

  return {
    run: async (account, name, limit, share, { until, holdBy = Infinity, cost = 1 }, send) => {
      const lane = laneOf(account, name);
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
          Object.assign(lane, { paceMs: interval, cost, windowMs: limit.windowMs, lastSentAt: clock.now(), holdBy });
          const answer = await send();
          // Somebody else uses the limit too: the next call could be the one too many.
          if (isUsedUp(answer.usage)) lane.brakeUntil = resetOf(answer.usage, clock.now(), limit.windowMs);
          lane.told = answer.usage?.limit ?? lane.told;
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
