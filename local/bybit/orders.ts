// The order, its states and its fills, in both categories. Promises that what an order still wants and holds back follows
// from what was filled. Never moves money.
import type { Side } from '../exchange/book.ts';
import { decimal, floorTo, ZERO, type Decimal } from '../exchange/decimals.ts';
import type { Category, Product } from './products.ts';

export type TimeInForce = 'GTC' | 'IOC' | 'FOK' | 'PostOnly';
export type SmpType = 'None' | 'CancelMaker' | 'CancelTaker' | 'CancelBoth';
/** 0 one-way, 1 the long and 2 the short side of hedge mode. */
export type PositionIdx = 0 | 1 | 2;
/** Accepted is ours: taken for processing, booked nowhere yet, and never shown to a customer. */
export type Status =
  'Accepted' | 'New' | 'PartiallyFilled' | 'Filled' | 'Cancelled' | 'PartiallyFilledCanceled' | 'Rejected';

/** What is asked for, after the product's rules were applied. */
export interface NewOrder {
  readonly uid: string;
  readonly account: string;
  readonly product: Product;
  readonly side: Side;
  readonly type: 'Limit' | 'Market';
  readonly timeInForce: TimeInForce;
  /** What `qty` counts: base coin, or for a market order by value quote coin. */
  readonly unit: 'base' | 'quote';
  readonly qty: Decimal;
  /** The limit; of a market order the price beyond which it does not trade. */
  readonly price: Decimal;
  readonly marketUnit: string;
  readonly orderLinkId: string;
  readonly reduceOnly: boolean;
  readonly closeOnTrigger: boolean;
  readonly positionIdx: PositionIdx;
  readonly smpType: SmpType;
  /** The market's price when it was asked for. */
  readonly basePrice: Decimal;
}

export interface Order extends NewOrder {
  readonly orderId: string;
  readonly createTime: number;
  readonly createdAtMs: number;
  readonly status: Status;
  readonly cancelType: string;
  readonly rejectReason: string;
  readonly filledQty: Decimal;
  readonly filledValue: Decimal;
  /** What was paid, by coin. */
  readonly fees: ReadonlyMap<string, Decimal>;
  /** What is frozen for it, spot alone: quote coin for a buy, base coin for a sell. */
  readonly reserved: Decimal;
  readonly updateTime: number;
  readonly finishedAtMs: number;
}

/** The exchange alone changes an order; everybody else sees `Order`. */
export type LiveOrder = { -readonly [Field in keyof Order]: Order[Field] };

export interface Fill {
  readonly execId: string;
  readonly seq: number;
  readonly order: Order;
  readonly price: Decimal;
  readonly qty: Decimal;
  readonly value: Decimal;
  readonly fee: Decimal;
  readonly feeCoin: string;
  readonly feeRate: Decimal;
  readonly isMaker: boolean;
  readonly leavesQty: Decimal;
  readonly closedQty: Decimal;
  readonly time: number;
}

export const isOpen = ({ status }: { readonly status: Status }): boolean =>
  status === 'New' || status === 'PartiallyFilled';
export const isClosed = (order: { readonly status: Status }): boolean => order.status !== 'Accepted' && !isOpen(order);

/** How much base coin an order still wants at a price; one by value as many whole steps as its money buys. */
export const restAt = (order: Order, price: Decimal): Decimal =>
  order.unit === 'quote'
    ? floorTo(order.qty.minus(order.filledValue).div(price), order.product.step)
    : order.qty.minus(order.filledQty);

/** The open rest in base coin as it is shown. */
export const leavesOf = (order: Order): Decimal =>
  !isClosed(order) && order.unit === 'base' ? order.qty.minus(order.filledQty) : ZERO;

/** The coin that a spot order pays with. */
export const payCoin = ({ side, product }: NewOrder): string => (side === 'buy' ? product.quote : product.base);

const ceilTo = (value: Decimal, step: Decimal): Decimal => value.div(step).round(0, 3).times(step);

/** What a spot order has to hold back for its rest; fees come out of what it receives. */
export const reserveOf = (order: NewOrder, filledQty = ZERO, filledValue = ZERO): Decimal => {
  const rest = order.qty.minus(order.unit === 'quote' ? filledValue : filledQty);
  if (order.side === 'buy') return order.unit === 'quote' ? rest : rest.times(order.price);
  return order.unit === 'quote' ? ceilTo(rest.div(order.price), order.product.step) : rest;
};

/** The value of an order by its limit; for the smallest value allowed. */
export const valueOf = ({ unit, qty, price }: NewOrder): Decimal => (unit === 'quote' ? qty : qty.times(price));

/** True for an order that may only make a position smaller: by its flag, or by its side of hedge mode. */
export const reduces = ({ reduceOnly, positionIdx, side }: NewOrder): boolean =>
  reduceOnly || (positionIdx === 1 && side === 'sell') || (positionIdx === 2 && side === 'buy');

/** 1 for what makes a long larger, -1 for the opposite. */
export const signOf = (side: Side): Decimal => decimal(side === 'buy' ? 1 : -1);

/** The code of one fact in the numbering of a category. */
export const coded = (category: Category, spot: number, linear: number): number =>
  category === 'spot' ? spot : linear;
