// The venue around the exchange: registered keys, clock, promises, faults, windows. What control sets and endpoints read.
// Promises that DELETE /state brings everything but the registered keys back to the start. Never does I/O.
import { decimal, type Decimal } from '../exchange/decimals.ts';
import { createExchange, type Exchange } from './exchange.ts';
import { createFaults, FAULT_NAMES, type Faults } from '../exchange/faults.ts';
import { createFuturesExchange, type FuturesExchange } from './futures/exchange.ts';
import type { PositionMode } from './futures/orders.ts';
import { createLoans, type Loans } from './loans.ts';
import { marginHolder, type Now, type OrderState } from './orders.ts';
import { defaultPromises, type Promises } from './promises.ts';
import type { Refusal } from './codes.ts';
import { createWindows, type Limit, type Windows } from './windows.ts';

/** The common faults, and one of margin: the loan goes through, the order does not (59009). */
export const VENUE_FAULTS = [...FAULT_NAMES, 'loan-only'] as const;
export type VenueFault = (typeof VENUE_FAULTS)[number];

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

/** What an account starts with, by currency; margin by pair and currency. */
export interface Endowment {
  readonly spot: Readonly<Record<string, string>>;
  readonly futures: Readonly<Record<string, string>>;
  readonly margin: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How futures positions are held at first. */
  readonly positionMode: PositionMode;
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
  readonly loans: Loans;
  readonly futures: FuturesExchange;
  readonly windows: Windows;
  readonly faults: Faults<VenueFault>;
  readonly timeScale: number;
  readonly keys: Map<string, Key>;
  /** Available balances per UID as registered, to which DELETE /state returns. */
  readonly endowments: Map<string, Endowment>;
  /** Real time until which an order is hidden from queries by a fault. */
  readonly hiddenUntil: Map<string, number>;
  /** Transfers made so far; their ids count on. */
  transfers: number;
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
  /** A fault: the loan of this margin order goes through, the order does not. */
  readonly loanOnly: boolean;
}
export type PrivateCall = Call & { readonly key: Key };
export type Answer = Refusal | { readonly data: unknown };

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly limit: Limit;
  /** The success message, which differs by family: never compare messages. */
  readonly message: 'OK' | 'Ok' | 'success';
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
  /** Beginnings of paths that belong to the other host: answered with 30030. */
  readonly elsewhere: readonly string[];
}

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
  const exchange = createExchange(now());
  const spotMid = (symbol: string): Decimal | undefined => {
    const instrument = exchange.instrument(symbol);
    return instrument && exchange.mid(instrument);
  };
  const venue: Venue = {
    exchange,
    loans: createLoans(exchange),
    futures: createFuturesExchange(spotMid, now()),
    windows: createWindows(),
    faults: createFaults(),
    timeScale,
    keys: new Map(),
    endowments: new Map(),
    hiddenUntil: new Map(),
    transfers: 0,
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
      venue.loans.clear();
      venue.futures.reset(now());
      for (const uid of venue.endowments.keys()) endow(venue, uid);
    },
  };
  return venue;
};

const give = (venue: Venue, holder: string, balances: Readonly<Record<string, string>>): void => {
  for (const [currency, amount] of Object.entries(balances)) {
    venue.exchange.ledger.endow(holder, currency, decimal(amount));
  }
};

/** Gives a UID its registered balances, or only some parts of them. */
export const endow = (
  venue: Venue,
  uid: string,
  parts: Partial<Endowment> | undefined = venue.endowments.get(uid),
): void => {
  give(venue, uid, parts?.spot ?? {});
  for (const [symbol, balances] of Object.entries(parts?.margin ?? {}))
    give(venue, marginHolder(uid, symbol), balances);
  const futures = parts?.futures?.['USDT'];
  if (futures !== undefined) venue.futures.account(uid).wallet = decimal(futures);
  if (parts?.positionMode) venue.futures.account(uid).positionMode = parts.positionMode;
};

/** What visibility needs to know of an order of any market. */
export interface Sighted {
  readonly orderId: string;
  readonly state: OrderState;
  readonly createdAtMs: number;
  readonly finishedAtMs: number;
}

/** True once the venue has dropped an order that was cancelled without a fill. */
export const forgotten = (order: Sighted, now: Now, afterMs: number): boolean =>
  order.state === 'canceled' && now.realMs - order.finishedAtMs > afterMs;

/** Whether a query of this call may show an order: not forgotten, and past every look-up lag. */
export const isShown = (
  venue: Venue,
  order: Sighted,
  { now, lag }: Call,
  {
    forgetsUnfilledAfterMs,
    showsOrdersWithinMs,
  }: Pick<Promises, 'forgetsUnfilledAfterMs' | 'showsOrdersWithinMs'> = venue.settings.promises,
): boolean => {
  if (forgotten(order, now, forgetsUnfilledAfterMs)) return false;
  if ((venue.hiddenUntil.get(order.orderId) ?? 0) > now.realMs) return false;
  const ageMs = now.realMs - order.createdAtMs;
  if (ageMs < showsOrdersWithinMs) return false;
  return !(lag && order.createdAtMs >= lag.sinceMs && ageMs < lag.ms);
};
