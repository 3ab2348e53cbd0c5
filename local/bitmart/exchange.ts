// The exchange as its endpoints see it: customers' orders, plus a house that quotes a fixed ladder on both sides.
// Promises that the house refills after every order, always the same way, and never trades on its own except when its
// price is moved. No I/O; the time is passed in.
import { rung, SIDES, type Level } from '../exchange/book.ts';
import { decimal, ZERO, type Decimal } from '../exchange/decimals.ts';
import { INSTRUMENTS, tickOf, type Instrument } from './instruments.ts';
import {
  cancelOrder,
  costOf,
  createFloor,
  depthOf,
  HOUSE,
  houseOrder,
  instrumentOf,
  placeOrder,
  queueOf,
  wouldCross,
} from './engine.ts';
import type { Floor } from './engine.ts';
import type { Ledger } from '../exchange/ledger.ts';
import { isOpen } from './orders.ts';
import type { CancelSource, Fill, LiveOrder, NewOrder, Now, Order, Side } from './orders.ts';
import type { Tape } from '../exchange/tape.ts';

export interface Exchange {
  readonly ledger: Ledger;
  readonly tape: Tape;
  readonly instruments: readonly Instrument[];
  instrument(symbol: string): Instrument | undefined;
  /** What an order would freeze: the currency and the amount. */
  costOf(order: NewOrder): { readonly currency: string; readonly amount: Decimal };
  /** Books and matches an order; undefined when the balance does not carry it. */
  place(order: NewOrder, marketBuyEnds: 'filled' | 'partially_canceled', now: Now): Order | undefined;
  /** Ends an open order and releases what it had frozen; false when it was finished already. */
  cancel(order: Order, source: CancelSource, now: Now): boolean;
  /** True when a limit order at this price would trade at once. */
  wouldCross(order: NewOrder): boolean;
  best(symbol: string, side: Side): Decimal | undefined;
  /** Price levels, best first, orders of one price added up. */
  depth(symbol: string, side: Side, levels: number): readonly Level[];
  /** Every order ever, except the house's, oldest first. */
  orders(): readonly Order[];
  order(orderId: string): Order | undefined;
  /** One customer's orders, oldest first; with a client order id only those that carry it. */
  ordersOf(uid: string, clientOrderId?: string): readonly Order[];
  fills(uid: string): readonly Fill[];
  /** The price around which the house quotes. */
  mid(instrument: Instrument): Decimal;
  /** Moves the house's book; customers' orders that the new price trades through are filled at their own price. */
  moveMarket(instrument: Instrument, mid: Decimal, now: Now): void;
  /** Forgets every order, fill and balance. Ids are never used twice, not even after this. */
  reset(now: Now): void;
}

/** Enough to quote for years; part of the conserved total like everybody's. */
const HOUSE_FUNDS = decimal('1000000000000');

const mine = (order: Order): boolean => order.uid === HOUSE;

const rungOf = (instrument: Instrument, mid: Decimal, side: Side, level: number): Level =>
  rung(instrument.house, tickOf(instrument), mid, side, level);

interface House {
  /** Brings every touched rung back to its full size, except where a customer's resting order stands in its way. */
  refill(instrument: Instrument, now: Now): void;
  withdraw(instrument: Instrument, now: Now): void;
  clear(): void;
}

const createHouse = (floor: Floor): House => {
  const rungs = new Map<string, LiveOrder>();
  const at = (instrument: Instrument, side: Side, level: number): string => `${instrument.symbol} ${side} ${level}`;
  const blocked = (instrument: Instrument, side: Side, price: Decimal): boolean => {
    const theirs = queueOf(floor, instrument.symbol, side === 'buy' ? 'sell' : 'buy').find((order) => !mine(order));
    return theirs !== undefined && (side === 'buy' ? price.gte(theirs.price) : price.lte(theirs.price));
  };
  return {
    refill: (instrument, now) => {
      const mid = floor.mids.get(instrument.symbol) ?? instrument.house.mid;
      for (const side of SIDES) {
        for (let level = 0; level < instrument.house.levels; level += 1) {
          const place = at(instrument, side, level);
          const standing = rungs.get(place);
          if (standing && isOpen(standing) && standing.filledSize.eq(0)) continue;
          const { price, size } = rungOf(instrument, mid, side, level);
          if (price.lte(0) || blocked(instrument, side, price)) continue;
          if (standing) cancelOrder(floor, standing, 'system', now);
          const placed = placeOrder(floor, houseOrder(instrument, side, 'limit', price, size), 'filled', now);
          if (placed) rungs.set(place, placed);
        }
      }
    },
    withdraw: (instrument, now) => {
      for (const side of SIDES) {
        for (let level = 0; level < instrument.house.levels; level += 1) {
          const standing = rungs.get(at(instrument, side, level));
          if (standing) cancelOrder(floor, standing, 'system', now);
        }
      }
    },
    clear: () => rungs.clear(),
  };
};

/** Fills every customer's order that a new mid trades through, at the customer's price. */
const tradeThrough = (floor: Floor, instrument: Instrument, mid: Decimal, now: Now): void => {
  for (const side of SIDES) {
    const { price } = rungOf(instrument, mid, side, 0);
    const size = queueOf(floor, instrument.symbol, side === 'buy' ? 'sell' : 'buy')
      .filter((order) => (side === 'buy' ? order.price.lte(price) : order.price.gte(price)))
      .reduce((sum, order) => sum.plus(order.size).minus(order.filledSize), ZERO);
    if (size.gt(0)) placeOrder(floor, houseOrder(instrument, side, 'ioc', price, size), 'filled', now);
  }
};

const open = (floor: Floor, house: House, now: Now): void => {
  for (const instrument of INSTRUMENTS) {
    floor.ledger.endow(HOUSE, instrument.base, HOUSE_FUNDS);
    floor.ledger.endow(HOUSE, instrument.quote, HOUSE_FUNDS);
  }
  for (const instrument of INSTRUMENTS) house.refill(instrument, now);
};

/** An exchange with its house quoting and no customers. Pure but for its own memory. */
export const createExchange = (now: Now): Exchange => {
  const floor = createFloor();
  const house = createHouse(floor);
  open(floor, house, now);
  return {
    ledger: floor.ledger,
    tape: floor.tape,
    instruments: INSTRUMENTS,
    instrument: instrumentOf,
    costOf,
    place: (asked, marketBuyEnds, at) => {
      const order = placeOrder(floor, asked, marketBuyEnds, at);
      house.refill(asked.instrument, at);
      return order;
    },
    cancel: (order, source, at) => {
      const live = floor.orders.get(order.orderId);
      const done = live !== undefined && cancelOrder(floor, live, source, at);
      house.refill(order.instrument, at);
      return done;
    },
    wouldCross: (order) => wouldCross(floor, order),
    best: (symbol, side) => queueOf(floor, symbol, side)[0]?.price,
    depth: (symbol, side, levels) => depthOf(floor, symbol, side, levels),
    orders: () => [...floor.orders.values()],
    order: (orderId) => floor.orders.get(orderId),
    ordersOf: (uid, clientOrderId) =>
      floor.ordersOf.get(clientOrderId === undefined ? uid : `${uid} ${clientOrderId}`) ?? [],
    fills: (uid) => floor.fills.get(uid) ?? [],
    mid: (instrument) => floor.mids.get(instrument.symbol) ?? instrument.house.mid,
    moveMarket: (instrument, mid, at) => {
      house.withdraw(instrument, at);
      floor.mids.set(instrument.symbol, mid);
      tradeThrough(floor, instrument, mid, at);
      house.refill(instrument, at);
    },
    reset: (at) => {
      const { ledger, tape, queues, orders, ordersOf, fills, mids } = floor;
      for (const memory of [ledger, tape, queues, orders, ordersOf, fills, mids, house]) memory.clear();
      open(floor, house, at);
    },
  };
};
