// The futures order, its sides, and the queues of a contract's book. Promises price-time priority: a better price first,
// at one price the earlier order first. Never touches a position.
import { enqueue, reaches as atOrBeyond } from '../../exchange/book.ts';
import type { Decimal } from '../../exchange/decimals.ts';
import type { CancelSource, OrderState, Side } from '../orders.ts';
import type { Contract } from './contracts.ts';

export type PositionMode = 'hedge_mode' | 'one_way_mode';
export type OpenType = 'cross' | 'isolated';
/** Hedge: 1 open long, 2 close short, 3 close long, 4 open short. One-way: 1 buy, 2 and 3 reduce only, 4 sell. */
export type FuturesSide = 1 | 2 | 3 | 4;
/** 1 good till cancelled, 2 fill or kill, 3 immediate or cancel, 4 maker only. */
export type TimeInForce = 1 | 2 | 3 | 4;
/** Self-trade prevention: cancels 1 the maker, 2 the taker, 3 both. */
export type StpMode = 1 | 2 | 3;

/** Take profit and stop loss that came with an opening order: kept and shown, never triggered here. */
export interface Presets {
  readonly takeProfitPriceType: number;
  readonly stopLossPriceType: number;
  readonly takeProfitPrice: string;
  readonly stopLossPrice: string;
}

/** What is asked for, after the contract's rules were applied. The price of a market order is zero. */
export interface NewFuturesOrder {
  readonly uid: string;
  readonly account: string;
  readonly contract: Contract;
  readonly side: FuturesSide;
  readonly type: 'limit' | 'market';
  readonly mode: TimeInForce;
  readonly stpMode: StpMode;
  readonly clientOrderId: string;
  readonly price: Decimal;
  /** Contracts, not coins. */
  readonly size: Decimal;
  readonly leverage: Decimal;
  readonly openType: OpenType;
  readonly presets: Presets;
  readonly positionMode: PositionMode;
}

export interface FuturesOrder extends NewFuturesOrder {
  readonly orderId: string;
  readonly createTime: number;
  readonly createdAtMs: number;
  readonly state: OrderState;
  readonly cancelSource: CancelSource;
  readonly dealSize: Decimal;
  /** Quote value of what was filled. */
  readonly dealValue: Decimal;
  readonly updateTime: number;
  readonly finishedAtMs: number;
}

/** The exchange alone changes an order; everybody else sees `FuturesOrder`. */
export type LiveFuturesOrder = { -readonly [Field in keyof FuturesOrder]: FuturesOrder[Field] };

export interface FuturesFill {
  readonly tradeId: string;
  readonly order: FuturesOrder;
  readonly price: Decimal;
  readonly size: Decimal;
  readonly fee: Decimal;
  readonly role: 'Taker' | 'Maker';
  /** What the closed part of the position brought; undefined when the fill closed nothing. */
  readonly realised: Decimal | undefined;
  readonly time: number;
}

export const wayOf = ({ side }: { readonly side: FuturesSide }): Side => (side <= 2 ? 'buy' : 'sell');

/** True for the sides that may only make a position smaller, in both position modes. */
export const reduces = ({ side }: { readonly side: FuturesSide }): boolean => side === 2 || side === 3;

export const isWorking = ({ state }: { readonly state: OrderState }): boolean =>
  state === 'new' || state === 'partially_filled';

export const restOf = (order: FuturesOrder): Decimal => order.size.minus(order.dealSize);

/** Whether an order would trade at a price of the other side. */
export const reaches = (order: NewFuturesOrder, price: Decimal): boolean =>
  order.type === 'market' || atOrBeyond(wayOf(order), order.price, price);

/** Puts an order into the queue of its way. */
export const join = (queue: LiveFuturesOrder[], order: LiveFuturesOrder): void => enqueue(queue, order, wayOf(order));
