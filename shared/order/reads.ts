// What the operator and strategies may read of an account, in neutral words. Types only.
// Nothing that places orders needs it: a read may be late, partial or refused, and proves nothing about an order.
import type { MarginMode, Market, Side } from './intent.ts';
import type { Sighting, TradingAccount, VenueOrder } from './venue.ts';

/** What was read, or why nothing could be. */
export type Reading<Content> =
  ({ readonly kind: 'read' } & Content) | Exclude<Sighting, { readonly kind: 'found' | 'nothing' }>;

export interface Balance {
  readonly coin: string;
  readonly available: string;
  /** Bound by open orders, and in futures by positions' margin where the venue counts it so. */
  readonly frozen: string;
  /** Isolated margin: the pair whose account it is. */
  readonly symbol?: string;
  /** Isolated margin: what is owed, interest not counted, and the interest. */
  readonly borrowed?: string;
  readonly interest?: string;
}

/** hedge: a long and a short side by side; one-way: one is set against the other. */
export type PositionMode = 'hedge' | 'one-way';

/** A position that is held; flat ones are left out. */
export interface Position {
  readonly symbol: string;
  readonly side: 'long' | 'short';
  /** In base coin. */
  readonly size: string;
  readonly positionMode: PositionMode;
  readonly entryPrice?: string;
  readonly markPrice?: string;
  readonly leverage?: string;
  readonly marginMode?: MarginMode;
  /** May be below 0. */
  readonly unrealisedProfit?: string;
  readonly liquidationPrice?: string;
}

export interface OpenOrder extends VenueOrder {
  /** Absent where the order was placed without one. */
  readonly clientOrderId?: string;
}

export interface Fill {
  readonly tradeId: string;
  readonly venueOrderId: string;
  readonly clientOrderId?: string;
  readonly symbol: string;
  readonly side: Side;
  readonly price: string;
  /** In base coin. */
  readonly size: string;
  /** Below 0: a rebate. */
  readonly fee: string;
  readonly feeCoin: string;
  readonly role: 'maker' | 'taker';
  /** UTC. */
  readonly at: string;
}

export interface FeeRate {
  /** A symbol, or what the venue has rates for: a class of pairs. */
  readonly of: string;
  readonly maker: string;
  readonly taker: string;
}

/** How long a candle is, in minutes: those that venues have in common. */
export const CANDLE_MINUTES = [1, 5, 15, 30, 60, 240, 1440] as const;
export type CandleMinutes = (typeof CANDLE_MINUTES)[number];

/** What traded in one interval. */
export interface Candle {
  /** When the interval began, ms. */
  readonly openAt: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  /** In base coin. */
  readonly volume: string;
}

/** Most candles that are asked for at once. */
export const MOST_CANDLES = 200;

/** A list that came back as long as lists can be may have more: `isComplete` is false then. */
export interface Reads {
  readonly balances: (
    account: TradingAccount,
    market: Market,
    deadline: number,
  ) => Promise<Reading<{ readonly balances: readonly Balance[] }>>;
  /** Futures. */
  readonly positions: (
    account: TradingAccount,
    deadline: number,
    symbol?: string,
  ) => Promise<Reading<{ readonly positions: readonly Position[] }>>;
  /** Of futures, whether positions are held or not. */
  readonly positionMode: (
    account: TradingAccount,
    deadline: number,
  ) => Promise<Reading<{ readonly positionMode: PositionMode }>>;
  readonly openOrders: (
    account: TradingAccount,
    market: Market,
    deadline: number,
    symbol?: string,
  ) => Promise<Reading<{ readonly orders: readonly OpenOrder[]; readonly isComplete: boolean }>>;
  /** Newest first. `since`: ms; without it what the venue shows by default. */
  readonly fills: (
    account: TradingAccount,
    market: Market,
    deadline: number,
    symbol?: string,
    since?: number,
  ) => Promise<Reading<{ readonly fills: readonly Fill[]; readonly isComplete: boolean }>>;
  /** The rates of a symbol, or of the account's level. `note`: when they change. */
  readonly feeRates: (
    account: TradingAccount,
    market: Market,
    deadline: number,
    symbol?: string,
  ) => Promise<Reading<{ readonly rates: readonly FeeRate[]; readonly level?: string; readonly note: string }>>;
  /**
   * Public, of spot (whose prices margin has, too). The candles of the last `count` whole intervals that were over at `until`, ms, oldest first; intervals in which
   * nothing traded may be left out. `count`: 1 to MOST_CANDLES.
   */
  readonly candles: (
    market: 'spot',
    symbol: string,
    minutes: CandleMinutes,
    count: number,
    until: number,
    deadline: number,
  ) => Promise<Reading<{ readonly candles: readonly Candle[] }>>;
}
