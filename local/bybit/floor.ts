// The exchange's memory, and the sums over it: what is free, what orders and positions hold back, what an order may trade.
// Promises never to change an order or a balance.
import { OTHER_SIDE, sidesOf, type Side } from '../exchange/book.ts';
import { smaller, ZERO, type Decimal } from '../exchange/decimals.ts';
import { createLedger, type Ledger } from '../exchange/ledger.ts';
import { entry } from '../exchange/tally.ts';
import { createTape, type Tape } from '../exchange/tape.ts';
import { reduces, restAt, signOf, type Fill, type LiveOrder, type NewOrder, type Order } from './orders.ts';
import { closing, leverageOf, marginOf, newAccount, positionOf, type Account } from './positions.ts';
import { RATES, type Product } from './products.ts';

/** The holder of the seeded liquidity; pays no fees and never shows among the orders. */
export const HOUSE = 'house';
/** The holder of the fees taken. */
export const FEES = 'fees';

/** Every mutable thing of the exchange in one record; only this folder's exchange files touch it. */
export interface Floor {
  readonly ledger: Ledger;
  readonly tape: Tape;
  /** By product. */
  readonly books: Map<string, Record<Side, LiveOrder[]>>;
  readonly orders: Map<string, LiveOrder>;
  /** The same orders by UID, and by UID and orderLinkId; oldest first. */
  readonly ordersOf: Map<string, LiveOrder[]>;
  /** Those closed, by UID and category, in the order in which they ended. */
  readonly closed: Map<string, LiveOrder[]>;
  /** Those accepted or open, by UID. */
  readonly working: Map<string, Set<LiveOrder>>;
  readonly fills: Map<string, Fill[]>;
  readonly accounts: Map<string, Account>;
  readonly mids: Map<string, Decimal>;
  lastId: number;
}

export const createFloor = (): Floor => ({
  ledger: createLedger(),
  tape: createTape(),
  books: new Map(),
  orders: new Map(),
  ordersOf: new Map(),
  closed: new Map(),
  working: new Map(),
  fills: new Map(),
  accounts: new Map(),
  mids: new Map(),
  lastId: 55_553_320,
});

export const accountOf = (floor: Floor, uid: string): Account => entry(floor.accounts, uid, newAccount);

export const bookOf = (floor: Floor, { key }: Product): Record<Side, LiveOrder[]> => sidesOf(floor.books, key);

export const facing = (floor: Floor, { product, side }: NewOrder): LiveOrder[] =>
  bookOf(floor, product)[OTHER_SIDE[side]];

export const midOf = (floor: Floor, product: Product): Decimal => floor.mids.get(product.key) ?? product.house.mid;

/** What an order could take out of the position that it makes smaller. */
export const reducible = (floor: Floor, { uid, product, positionIdx, side }: NewOrder): Decimal => {
  const { size } = positionOf(accountOf(floor, uid), product, positionIdx);
  return closing(size, signOf(side).times(size.abs()));
};

/** How much base coin an order may still trade at a price: one that reduces never more than is held. */
export const wanted = (floor: Floor, order: Order, price: Decimal): Decimal => {
  const rest = restAt(order, price);
  return order.product.category === 'linear' && reduces(order) ? smaller(rest, reducible(floor, order)) : rest;
};

/** Margin and taker fee for what a perpetual's order opens. */
export const marginFor = (floor: Floor, order: NewOrder, rest: Decimal): Decimal => {
  if (order.product.category === 'spot' || reduces(order)) return ZERO;
  const account = accountOf(floor, order.uid);
  const { size } = positionOf(account, order.product, order.positionIdx);
  const opens = rest.minus(closing(size, signOf(order.side).times(rest)));
  const value = opens.times(order.price);
  return value.div(leverageOf(account, order.product.symbol)).plus(value.times(RATES.linear.taker));
};

/** What a UID's working orders of perpetuals hold back, the one named left out. */
export const orderMargin = (floor: Floor, uid: string, except?: Order): Decimal =>
  [...(floor.working.get(uid) ?? [])]
    .filter((order) => order !== except)
    .reduce((sum, order) => sum.plus(marginFor(floor, order, order.qty.minus(order.filledQty))), ZERO);

export const positionMargin = (floor: Floor, uid: string): Decimal => {
  const account = accountOf(floor, uid);
  return [...account.positions.values()].reduce((sum, position) => sum.plus(marginOf(account, position)), ZERO);
};

/** What a UID may still spend of a coin: USDT also carries the margin. Unrealised profit is left out (the simplest reading). */
export const freeOf = (floor: Floor, uid: string, coin: string, except?: Order): Decimal => {
  const { available } = floor.ledger.balance(uid, coin);
  if (coin !== 'USDT') return available;
  return available
    .plus(accountOf(floor, uid).debt)
    .minus(positionMargin(floor, uid))
    .minus(orderMargin(floor, uid, except));
};
