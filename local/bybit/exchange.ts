// The exchange as its endpoints see it: what is accepted now and acted on later, a house that quotes every product, and
// reads. Promises that what is due has happened before anything is read or done: callers call `catchUp` first. No timers.
import { depthOf, momentOf, rung, SIDES, type Level, type Now, type Side } from '../exchange/book.ts';
import { decimal, ZERO, type Decimal } from '../exchange/decimals.ts';
import type { Ledger } from '../exchange/ledger.ts';
import type { Tape } from '../exchange/tape.ts';
import {
  acceptOrder,
  amendOrder,
  bookOrder,
  BY_USER,
  carries,
  finish,
  houseOrder,
  runHouse,
  wouldCross,
} from './engine.ts';
import type { End, MarketBuyEnd } from './engine.ts';
import {
  accountOf,
  bookOf,
  createFloor,
  freeOf,
  HOUSE,
  midOf,
  orderMargin,
  positionMargin,
  reducible,
  type Floor,
} from './floor.ts';
import { isOpen, leavesOf, restAt, type Fill, type LiveOrder, type NewOrder, type Order } from './orders.ts';
import type { Account } from './positions.ts';
import { COINS, PRODUCTS, type Category, type Product } from './products.ts';

/** How an accepted order goes on: when, and whether it is booked at all. */
export interface Fate {
  readonly dueMs: number;
  readonly buyEnds: MarketBuyEnd;
  readonly end: End | undefined;
}

export interface Change {
  readonly price: Decimal;
  readonly qty: Decimal;
}

export interface Exchange {
  readonly ledger: Ledger;
  readonly tape: Tape;
  /** Does everything that is due by now, each thing as of the moment it was due. */
  catchUp(now: Now): void;
  /** Takes an order for processing; undefined when the balance does not carry it. */
  accept(order: NewOrder, fate: Fate, now: Now): Order | undefined;
  /** Cancels once that real time has come, unless the order is finished by then. */
  cancelAt(order: Order, dueMs: number): void;
  amendAt(order: Order, change: Change, dueMs: number): void;
  /** Whether the balance carries a change of an order. */
  carries(order: Order, change: Change): boolean;
  wouldCross(order: NewOrder): boolean;
  mid(product: Product): Decimal;
  depth(product: Product, side: Side, levels: number): readonly Level[];
  /** Moves the house's book; customers' orders that the new price trades through are filled at their own price. */
  moveMarket(product: Product, mid: Decimal, now: Now): void;
  /** Every order ever, except the house's, oldest first. */
  orders(): readonly Order[];
  order(orderId: string): Order | undefined;
  /** One customer's orders, oldest first; with an orderLinkId only those that carry it. */
  ordersOf(uid: string, orderLinkId?: string): readonly Order[];
  /** One customer's orders that are accepted or open, oldest first. */
  working(uid: string): readonly Order[];
  /** One customer's closed orders of a category, in the order in which they ended. */
  closed(uid: string, category: Category): readonly Order[];
  fills(uid: string): readonly Fill[];
  account(uid: string): Account;
  uids(): readonly string[];
  /** What a UID may still spend of a coin. */
  free(uid: string, coin: string): Decimal;
  orderMargin(uid: string): Decimal;
  positionMargin(uid: string): Decimal;
  /** What an order could take out of the position that it makes smaller. */
  reducible(order: NewOrder): Decimal;
  /** Forgets every order, fill, position and balance. Ids are never used twice, not even after this. */
  reset(now: Now): void;
}

/** Enough to quote for years. */
const HOUSE_FUNDS = decimal('1000000000000');

const asked = (product: Product, side: Side, { price, size }: Level, mid: Decimal): NewOrder => ({
  uid: HOUSE,
  account: HOUSE,
  product,
  side,
  type: 'Limit',
  timeInForce: 'GTC',
  unit: 'base',
  qty: size,
  price,
  marketUnit: '',
  orderLinkId: '',
  reduceOnly: false,
  closeOnTrigger: false,
  positionIdx: 0,
  smpType: 'None',
  basePrice: mid,
});

/** Takes the house out of a book. */
const withdraw = (floor: Floor, product: Product): void => {
  const book = bookOf(floor, product);
  for (const side of SIDES) book[side].splice(0, book[side].length, ...book[side].filter(({ uid }) => uid !== HOUSE));
};

/** The house's whole ladder anew, except where a customer's resting order stands in its way. */
const quote = (floor: Floor, product: Product, now: Now): void => {
  withdraw(floor, product);
  const book = bookOf(floor, product);
  const [bid, ask] = [book.buy[0]?.price, book.sell[0]?.price];
  const mid = midOf(floor, product);
  for (const side of SIDES) {
    const ladder: LiveOrder[] = [];
    for (let level = 0; level < product.house.levels; level += 1) {
      const step = rung(product.house, product.tick, mid, side, level);
      if (step.price.lte(0)) break;
      if (side === 'buy' ? ask && step.price.gte(ask) : bid && step.price.lte(bid)) continue;
      ladder.push(houseOrder(floor, asked(product, side, step, mid), now));
    }
    merge(book[side], ladder, side);
  }
};

/** Puts the house's orders, best first, behind customers' of the same price. */
const merge = (queue: LiveOrder[], ladder: readonly LiveOrder[], side: Side): void => {
  const all = [...queue, ...ladder];
  all.sort((a, b) => (side === 'buy' ? b.price.cmp(a.price) : a.price.cmp(b.price)));
  queue.splice(0, queue.length, ...all);
};

/** A product's new price: customers' orders that it trades through are filled at their own price. */
const moveTo = (floor: Floor, product: Product, mid: Decimal, now: Now): void => {
  withdraw(floor, product);
  floor.mids.set(product.key, mid);
  for (const side of SIDES) {
    const { price } = rung(product.house, product.tick, mid, side, 0);
    const size = bookOf(floor, product)
      [side === 'buy' ? 'sell' : 'buy'].filter((one) => (side === 'buy' ? one.price.lte(price) : one.price.gte(price)))
      .reduce((sum, one) => sum.plus(restAt(one, one.price)), ZERO);
    if (size.lte(0)) continue;
    const taker = { ...asked(product, side, { price, size }, mid), timeInForce: 'IOC' as const };
    runHouse(floor, houseOrder(floor, taker, now), now);
  }
  quote(floor, product, now);
};

interface Due {
  readonly atMs: number;
  readonly act: (now: Now) => void;
}

/** Everything that was accepted and is still to be done, in the order in which it is due. */
const createAgenda = () => {
  let dues: Due[] = [];
  return {
    add: (atMs: number, act: Due['act']): void => {
      const at = dues.findIndex((due) => due.atMs > atMs);
      if (at < 0) dues.push({ atMs, act });
      else dues.splice(at, 0, { atMs, act });
    },
    catchUp: (now: Now): void => {
      for (let first = dues[0]; first && first.atMs <= now.realMs; first = dues[0]) {
        dues = dues.slice(1);
        first.act(momentOf(first.atMs, now));
      }
    },
    clear: (): void => {
      dues = [];
    },
  };
};

/** What is accepted now and done later; each ends with the house quoting its whole ladder again. */
const writes = (
  floor: Floor,
  agenda: ReturnType<typeof createAgenda>,
): Pick<Exchange, 'accept' | 'cancelAt' | 'amendAt' | 'carries'> => {
  const later = ({ orderId, product }: Order, dueMs: number, act: (order: LiveOrder, now: Now) => void): void => {
    agenda.add(dueMs, (now) => {
      const order = floor.orders.get(orderId);
      if (!order) return;
      act(order, now);
      quote(floor, product, now);
    });
  };
  return {
    accept: (order, { dueMs, buyEnds, end }, now) => {
      const accepted = acceptOrder(floor, order, now);
      if (!accepted) return undefined;
      later(accepted, dueMs, (live, at) => {
        if (end) finish(floor, live, end, at);
        else bookOrder(floor, live, buyEnds, at);
      });
      return accepted;
    },
    cancelAt: (order, dueMs) => {
      later(order, dueMs, (live, at) => {
        if (isOpen(live)) finish(floor, live, BY_USER, at);
      });
    },
    amendAt: (order, change, dueMs) => {
      later(order, dueMs, (live, at) => {
        amendOrder(floor, live, change, at);
      });
    },
    carries: (order, change) => carries(floor, { ...order, ...change }, order),
  };
};

/** An exchange with its house quoting and no customers. Pure but for its own memory. */
export const createExchange = (start: Now): Exchange => {
  const floor = createFloor();
  const agenda = createAgenda();
  const open = (now: Now): void => {
    for (const coin of COINS) floor.ledger.endow(HOUSE, coin, HOUSE_FUNDS);
    for (const product of PRODUCTS) quote(floor, product, now);
  };
  open(start);
  return {
    ledger: floor.ledger,
    tape: floor.tape,
    catchUp: (now) => agenda.catchUp(now),
    ...writes(floor, agenda),
    wouldCross: (order) => wouldCross(floor, order),
    mid: (product) => midOf(floor, product),
    depth: (product, side, levels) => depthOf(bookOf(floor, product)[side], leavesOf, levels),
    moveMarket: (product, mid, now) => moveTo(floor, product, mid, now),
    orders: () => [...floor.orders.values()],
    order: (orderId) => floor.orders.get(orderId),
    ordersOf: (uid, orderLinkId) => floor.ordersOf.get(orderLinkId === undefined ? uid : `${uid} ${orderLinkId}`) ?? [],
    working: (uid) => [...(floor.working.get(uid) ?? [])],
    closed: (uid, category) => floor.closed.get(`${uid} ${category}`) ?? [],
    fills: (uid) => floor.fills.get(uid) ?? [],
    account: (uid) => accountOf(floor, uid),
    uids: () => [...floor.accounts.keys()].filter((uid) => uid !== HOUSE),
    free: (uid, coin) => freeOf(floor, uid, coin),
    orderMargin: (uid) => orderMargin(floor, uid),
    positionMargin: (uid) => positionMargin(floor, uid),
    reducible: (order) => reducible(floor, order),
    reset: (now) => {
      const { ledger, tape, books, orders, ordersOf, closed, working, fills, accounts, mids } = floor;
      const memories = [ledger, tape, books, orders, ordersOf, closed, working, fills, accounts, mids, agenda];
      for (const memory of memories) memory.clear();
      open(now);
    },
  };
};
