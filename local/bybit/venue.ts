// The venue around the exchange: registered keys, clock, promises, faults, limits, remembered ids. What control sets and
// endpoints read. Promises that DELETE /state brings everything but the registered keys back to the start. Never does I/O.
import type { Now } from '../exchange/book.ts';
import { decimal, ZERO } from '../exchange/decimals.ts';
import { createFaults, FAULT_NAMES, type Faults } from '../exchange/faults.ts';
import { createExchange, type Exchange } from './exchange.ts';
import { createLimits, type Limits } from './limits.ts';
import type { Refusal } from './codes.ts';
import { defaultPromises, type Promises } from './promises.ts';
import type { Category } from './products.ts';

/** The common faults, and three of a venue that accepts first and acts later. */
export const VENUE_FAULTS = [
  ...FAULT_NAMES,
  'hold', // passes the gateway and is acted on `ms` later, or refused with -1 where the promise refusesStaleInside stands
  'accept-then-reject', // accepted, then Rejected; `message` is the reason its record shows
  'accept-then-cancel', // accepted, then Cancelled
] as const;
export type VenueFault = (typeof VENUE_FAULTS)[number];

/** Three sites with keys of their own; a key of one is unknown to the others. */
export type Environment = 'live' | 'demo' | 'testnet';

export type Permission = 'read' | 'spot-trade' | 'future-trade' | 'withdraw';

export interface Key {
  readonly account: string;
  readonly apiKey: string;
  readonly secretKey: string;
  /** Keys of one UID share orders, balances, ids and limits. */
  readonly uid: string;
  readonly environment: Environment;
  readonly permissions: readonly Permission[];
  /** Addresses the key is bound to; empty is any. */
  readonly ips: readonly string[];
  /** Days that a key without address has left. */
  readonly deadlineDay: number;
  readonly expired: boolean;
  readonly frozen: boolean;
  readonly unified: boolean;
}

/** What an account starts with. */
export interface Endowment {
  readonly balances: Readonly<Record<string, string>>;
  readonly hedged: boolean;
  readonly paysInMnt: boolean;
}

export interface ServiceRow {
  readonly id: string;
  readonly title: string;
  readonly state: 'scheduled' | 'ongoing' | 'completed';
  readonly begin: string;
  readonly end: string;
  readonly href: string;
  readonly serviceTypes: readonly number[];
  readonly product: readonly number[];
  readonly uidSuffix: readonly number[];
  readonly maintainType: number;
  readonly env: number;
}

export interface Venue {
  readonly exchange: Exchange;
  readonly limits: Limits;
  readonly faults: Faults<VenueFault>;
  readonly timeScale: number;
  /** What this venue promises from the start, where it differs from the defaults. */
  readonly ownPromises: Partial<Promises>;
  readonly keys: Map<string, Key>;
  /** Per UID as registered, to which DELETE /state returns. */
  readonly endowments: Map<string, Endowment>;
  /** Real time until which an order is hidden from queries by a fault. */
  readonly hiddenUntil: Map<string, number>;
  /** Ids of refused orders, by UID and id, where they use one up. */
  readonly consumedIds: Map<string, { readonly category: Category; readonly symbol: string; readonly atMs: number }[]>;
  /** Signatures seen, with the real time until which they are in their window. */
  readonly seen: Map<string, number>;
  /** Real time of the last gift of demo money, by UID. */
  readonly gifts: Map<string, number>;
  readonly settings: {
    promises: Promises;
    clockOffsetMs: number;
    services: readonly ServiceRow[];
    restartedAtMs: number;
  };
  now(): Now;
  reset(): void;
}

/** One request that passed the door. */
export interface Call {
  readonly key: Key | undefined;
  readonly environment: Environment;
  readonly body: Readonly<Record<string, unknown>>;
  readonly query: URLSearchParams;
  readonly now: Now;
  /** How many orders of a batch the limit lets pass. */
  readonly granted: number;
  /** An active look-up lag: orders created since `sinceMs` stay hidden for `ms`. */
  readonly lag: { readonly ms: number; readonly sinceMs: number } | undefined;
  /** A fault: what becomes of an order after it was accepted. */
  readonly fate: { readonly status: 'Rejected' | 'Cancelled'; readonly reason: string } | undefined;
}
export type PrivateCall = Call & { readonly key: Key };
export type Answer = Refusal | { readonly result: object; readonly ext?: object };

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** The success message, which differs by page: never compare messages. */
  readonly message: 'OK' | '';
  /** Whether the demo host has it. */
  readonly demo: boolean;
}
export interface PublicEndpoint extends Route {
  readonly auth: 'NONE';
  readonly answer: (call: Call) => Answer;
}
export interface SignedEndpoint extends Route {
  readonly auth: 'SIGNED';
  /** undefined: what trading in the request's category takes. */
  readonly permission: Permission | undefined;
  /** Per category where both are given in two figures. */
  readonly limit: { readonly spot: number; readonly linear: number; readonly seconds: number };
  /** Counted per category, or for the UID as a whole. */
  readonly perCategory: boolean;
  /** Its limit is the account's level: orders a second. */
  readonly atLevel: boolean;
  /** Counted in orders: the rows of `request`. */
  readonly batch: boolean;
  /** The published answer lacks retExtInfo and time. */
  readonly bare: boolean;
  readonly answer: (call: PrivateCall) => Answer;
}
export type Endpoint = PublicEndpoint | SignedEndpoint;

type Named = 'method' | 'path' | 'permission' | 'answer';

/** A signed endpoint with what most of them share; `perSecond` is its limit in both categories. */
export const signed = (
  perSecond: number,
  of: Pick<SignedEndpoint, Named> & Partial<Omit<SignedEndpoint, Named>>,
): SignedEndpoint => ({
  auth: 'SIGNED',
  limit: { spot: perSecond, linear: perSecond, seconds: 1 },
  perCategory: true,
  atLevel: false,
  batch: false,
  bare: false,
  demo: true,
  message: 'OK',
  ...of,
});

const service = (id: string, title: string, product: number): ServiceRow => ({
  id,
  title,
  state: 'completed',
  begin: '1751596902000',
  end: '1751597011000',
  href: '',
  serviceTypes: [2, 3, 4, 5],
  product: [product],
  uidSuffix: [],
  maintainType: 1,
  env: 1,
});
const SERVICES = [
  service('4d95b2a0-587f-11f0-bcc9-56f28c94d6ea', 'spot', 1),
  service('19bb6f82-587f-11f0-bcc9-56f28c94d6ea', 'contract', 2),
];

const monotonicMs = (): number => performance.timeOrigin + performance.now();

export interface VenueOptions {
  /** The clock behind limits, lags and bans, which a test may replace; the venue's own is Date.now plus offset. */
  readonly realMs?: () => number;
  /** What DELETE /state returns to. */
  readonly promises?: Partial<Promises>;
}

export const createVenue = (timeScale: number, options: VenueOptions = {}): Venue => {
  const realMs = options.realMs ?? monotonicMs;
  const first = (): Venue['settings'] => ({
    promises: { ...defaultPromises(timeScale), ...options.promises },
    clockOffsetMs: 0,
    services: SERVICES,
    restartedAtMs: Number.NEGATIVE_INFINITY,
  });
  const settings = first();
  const now = (): Now => ({ venueMs: Date.now() + settings.clockOffsetMs, realMs: realMs() });
  const venue: Venue = {
    exchange: createExchange(now()),
    limits: createLimits(),
    faults: createFaults<VenueFault>(),
    timeScale,
    ownPromises: options.promises ?? {},
    keys: new Map(),
    endowments: new Map(),
    hiddenUntil: new Map(),
    consumedIds: new Map(),
    seen: new Map(),
    gifts: new Map(),
    settings,
    now,
    reset: () => {
      Object.assign(settings, first());
      const { limits, faults, hiddenUntil, consumedIds, seen, gifts } = venue;
      for (const memory of [limits, faults, hiddenUntil, consumedIds, seen, gifts]) memory.clear();
      venue.exchange.reset(now());
      for (const uid of venue.endowments.keys()) endow(venue, uid);
    },
  };
  return venue;
};

/** Gives a UID its registered balances and settings, or only some parts of them. */
export const endow = (
  venue: Venue,
  uid: string,
  parts: Partial<Endowment> | undefined = venue.endowments.get(uid),
): void => {
  const { ledger } = venue.exchange;
  const account = venue.exchange.account(uid);
  if (parts?.balances) {
    for (const coin of ledger.currencies(uid)) ledger.endow(uid, coin, ZERO);
    for (const [coin, amount] of Object.entries(parts.balances)) ledger.endow(uid, coin, decimal(amount));
    account.debt = ZERO;
  }
  if (parts?.hedged !== undefined) account.hedged = parts.hedged;
  if (parts?.paysInMnt !== undefined) account.paysInMnt = parts.paysInMnt;
};
