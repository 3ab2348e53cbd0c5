// The venue around the exchange: registered keys, clock, promises, faults, windows. What control sets and endpoints read.
// Promises that DELETE /state brings everything but the registered keys back to the start. Never does I/O.
import { decimal } from './decimals.ts';
import { createExchange, type Exchange } from './exchange.ts';
import { createFaults, type Faults } from './faults.ts';
import type { Now, Order } from './orders.ts';
import type { Refusal } from './codes.ts';
import { createWindows, type Limit, type Windows } from './windows.ts';

export type Permission = 'read' | 'spot-trade' | 'margin-trade' | 'future-trade' | 'withdraw';

export interface Key {
  readonly account: string;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly memo: string;
  /** Keys of one UID share orders, balances, client order ids and UID limits. */
  readonly uid: string;
  readonly permissions: readonly Permission[];
  /** Addresses the key is bound to; empty is any. */
  readonly ips: readonly string[];
  readonly expired: boolean;
  readonly frozen: boolean;
}

/** What the venue keeps to. Where sources leave behaviour open the default is the documented or the likelier one. */
export interface Promises {
  readonly refusesRepeatedIds: 'always' | 'whileOpen' | 'never';
  /** False: requests with old timestamps are accepted. */
  readonly refusesTimestamps: boolean;
  /** How long a new order cannot be found by any query. */
  readonly showsOrdersWithinMs: number;
  /** How long an order that was cancelled without a fill can still be found. */
  readonly forgetsUnfilledAfterMs: number;
  readonly limitMakerCrossing: 'cancel' | 'refuse';
  readonly marketBuyEnds: 'filled' | 'partially_canceled';
  readonly batch: 'atomic' | 'fewer-ids' | 'inner-code';
  /** Cancelling a finished order: its code (50030, 50031), or success with result false. */
  readonly cancelsFinished: 'code' | 'result-false';
  readonly banAfterRefusals: number;
  readonly banMs: number;
}

export interface ServiceState {
  readonly title: string;
  readonly service_type: 'spot' | 'contract' | 'account';
  readonly status: string;
  readonly start_time: number;
  readonly end_time: number;
}

export interface Venue {
  readonly exchange: Exchange;
  readonly windows: Windows;
  readonly faults: Faults;
  readonly timeScale: number;
  readonly keys: Map<string, Key>;
  /** Available balances per UID as registered, to which DELETE /state returns. */
  readonly endowments: Map<string, Readonly<Record<string, string>>>;
  /** Real time until which an order is hidden from queries by a fault. */
  readonly hiddenUntil: Map<string, number>;
  readonly settings: { promises: Promises; clockOffsetMs: number; services: readonly ServiceState[] };
  now(): Now;
  reset(): void;
}

/** One request that passed the door. */
export interface Call {
  readonly key: Key | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  readonly query: URLSearchParams;
  readonly now: Now;
  /** An active look-up lag: orders created since `sinceMs` stay hidden for `ms`. */
  readonly lag: { readonly ms: number; readonly sinceMs: number } | undefined;
}
export type PrivateCall = Call & { readonly key: Key };
export type Answer = Refusal | { readonly data: unknown };

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly limit: Limit;
  /** The success message, which differs by family: never compare messages. */
  readonly message: 'OK' | 'success';
}
export type Endpoint =
  | (Route & { readonly auth: 'NONE'; readonly answer: (call: Call) => Answer })
  | (Route & {
      readonly auth: 'KEYED' | 'SIGNED';
      readonly permission: Permission;
      readonly answer: (call: PrivateCall) => Answer;
    });

/** One market's part of the API; a further market is a further one of these in the server's list. */
export interface Market {
  readonly endpoints: readonly Endpoint[];
  /** Paths that once existed: answered with 30031. */
  readonly removed: readonly string[];
}

const MINUTE_MS = 60_000;

export const defaultPromises = (timeScale: number): Promises => ({
  refusesRepeatedIds: 'always',
  refusesTimestamps: true,
  showsOrdersWithinMs: 0,
  forgetsUnfilledAfterMs: 20 * MINUTE_MS,
  limitMakerCrossing: 'cancel',
  marketBuyEnds: 'filled',
  batch: 'atomic',
  cancelsFinished: 'code',
  banAfterRefusals: 20,
  banMs: MINUTE_MS * timeScale,
});

const service = (title: string, service_type: ServiceState['service_type']): ServiceState => ({
  title,
  service_type,
  status: '2',
  start_time: 1527777538000,
  end_time: 1527777538000,
});
const SERVICES = [service('Spot API Stop', 'spot'), service('Contract API Stop', 'contract')];

const monotonicMs = (): number => performance.timeOrigin + performance.now();

/** @param realMs the clock behind windows, lags and bans, which a test may replace; the venue's own is Date.now plus offset */
export const createVenue = (timeScale: number, realMs: () => number = monotonicMs): Venue => {
  const settings = {
    promises: defaultPromises(timeScale),
    clockOffsetMs: 0,
    services: SERVICES as readonly ServiceState[],
  };
  const now = (): Now => ({ venueMs: Date.now() + settings.clockOffsetMs, realMs: realMs() });
  const venue: Venue = {
    exchange: createExchange(now()),
    windows: createWindows(),
    faults: createFaults(),
    timeScale,
    keys: new Map(),
    endowments: new Map(),
    hiddenUntil: new Map(),
    settings,
    now,
    reset: () => {
      settings.promises = defaultPromises(timeScale);
      settings.clockOffsetMs = 0;
      settings.services = SERVICES;
      venue.windows.clear();
      venue.faults.clear();
      venue.hiddenUntil.clear();
      venue.exchange.reset(now());
      for (const uid of venue.endowments.keys()) endow(venue, uid);
    },
  };
  return venue;
};

/** Gives a UID its registered balances. */
export const endow = (venue: Venue, uid: string): void => {
  for (const [currency, amount] of Object.entries(venue.endowments.get(uid) ?? {})) {
    venue.exchange.ledger.endow(uid, currency, decimal(amount));
  }
};

/** True once the venue has dropped an order that was cancelled without a fill. */
export const forgotten = (venue: Venue, order: Order, now: Now): boolean =>
  order.state === 'canceled' && now.realMs - order.finishedAtMs > venue.settings.promises.forgetsUnfilledAfterMs;

/** Whether a query of this call may show an order: not forgotten, and past every look-up lag. */
export const isShown = (venue: Venue, order: Order, { now, lag }: Call): boolean => {
  if (forgotten(venue, order, now)) return false;
  if ((venue.hiddenUntil.get(order.orderId) ?? 0) > now.realMs) return false;
  const ageMs = now.realMs - order.createdAtMs;
  if (ageMs < venue.settings.promises.showsOrdersWithinMs) return false;
  return !(lag && order.createdAtMs >= lag.sinceMs && ageMs < lag.ms);
};
