// The order, its states and its fills, and what it still wants and holds back. Promises that a market buy wants only what
// its money buys. Never moves money.
import { floorTo, type Decimal } from '../exchange/decimals.ts';
import { reaches, type Now, type Side } from '../exchange/book.ts';
import type { Instrument } from './instruments.ts';

export type { Now, Side };
export type OrderType = 'limit' | 'market' | 'limit_maker' | 'ioc';
export type StpMode = 'none' | 'cancel_maker' | 'cancel_taker' | 'cancel_both';
export type OrderState = 'new' | 'partially_filled' | 'filled' | 'canceled' | 'partially_canceled';
/** Which balance an order trades with: the spot wallet, or the pair's isolated margin account. */
export type OrderMode = 'spot' | 'iso_margin';
export type CancelSource = '' | 'user' | 'system' | 'stp';

/** What is asked for, after the instrument's rules were applied. Amounts that do not apply are zero. */
export interface NewOrder {
  readonly uid: string;
  readonly account: string;
  readonly instrument: Instrument;
  readonly mode: OrderMode;
  readonly side: Side;
  readonly type: OrderType;
  readonly stpMode: StpMode;
  readonly clientOrderId: string | undefined;
  readonly price: Decimal;
  readonly size: Decimal;
  /** Quote amount: what a market buy may spend; price times size for the others. */
  readonly notional: Decimal;
}

export interface Order extends Omit<NewOrder, 'clientOrderId'> {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly createTime: number;
  readonly createdAtMs: number;
  readonly state: OrderState;
  readonly cancelSource: CancelSource;
  readonly filledSize: Decimal;
  readonly filledNotional: Decimal;
  /** What is still frozen for it: quote coin for a buy, base coin for a sell. */
  readonly reserved: Decimal;
  readonly updateTime: number;
  readonly finishedAtMs: number;
}

/** The exchange alone changes an order; everybody else sees `Order`. */
export type LiveOrder = { -readonly [Field in keyof Order]: Order[Field] };

export interface Fill {
  readonly tradeId: string;
  readonly order: Order;
  readonly price: Decimal;
  readonly size: Decimal;
  readonly notional: Decimal;
  readonly fee: Decimal;
  readonly role: 'taker' | 'maker';
  readonly time: number;
}

/** Who has lent what is borrowed. */
export const LENDER = 'lender';

/** The ledger's holder of a UID's isolated margin account of one pair. */
export const marginHolder = (uid: string, symbol: string): string => `${uid} margin ${symbol}`;

/** Whose balance an order trades with. */
export const holderOf = ({ uid, mode, instrument }: NewOrder | Order): string =>
  mode === 'spot' ? uid : marginHolder(uid, instrument.symbol);

export const isOpen = (order: Order): boolean => order.state === 'new' || order.state === 'partially_filled';

const spendsNotional = (order: NewOrder | Order): boolean => order.type === 'market' && order.side === 'buy';

/** How much base coin an order still wants at a price; a market buy wants as many whole steps as its money buys. */
export const wantedAt = (order: Order, price: Decimal): Decimal =>
  spendsNotional(order)
    ? floorTo(order.notional.minus(order.filledNotional).div(price), order.instrument.step)
    : order.size.minus(order.filledSize);

/** What has to be frozen for the open rest of an order, in the coin it pays with. The fee of a buy comes on top. */
export const reserveFor = (order: Order, takerRate: Decimal): Decimal => {
  if (order.side === 'sell') return order.size.minus(order.filledSize);
  const rest = spendsNotional(order)
    ? order.notional.minus(order.filledNotional)
    : order.size.minus(order.filledSize).times(order.price);
  return rest.times(takerRate.plus(1));
};

export const crosses = (side: Side, type: OrderType, price: Decimal, makerPrice: Decimal): boolean =>
  type === 'market' || reaches(side, price, makerPrice);
