// The futures exchange as its endpoints see it: customers' orders and positions, a house that quotes every contract
// around its price, and dead-man switches. Promises that what time does by itself (a switch that is due, a spot price
// that moved) has happened before anything is read or done: callers call `catchUp` first. No timers, no I/O.
import { depthOf, momentOf, type Level } from '../../exchange/book.ts';
import { floorTo, ZERO, type Decimal } from '../../exchange/decimals.ts';
import { HOUSE } from '../engine.ts';
import type { CancelSource, Now, Side } from '../orders.ts';
import type { Tape } from '../../exchange/tape.ts';
import { CONTRACTS, type Contract } from './contracts.ts';
import { bookOrder, cancelOrder, run, wouldCross } from './engine.ts';
import { accountOf, availableOf, bookOf, createFuturesFloor, depositOf, frozenOf, reserveFor } from './floor.ts';
import type { FuturesFloor } from './floor.ts';
import { midOf, moveTo, quote } from './house.ts';
import { isWorking, restOf, wayOf } from './orders.ts';
import type { FuturesFill, FuturesOrder, LiveFuturesOrder, NewFuturesOrder } from './orders.ts';
import type { FuturesAccount } from './positions.ts';

export interface Transfer {
  readonly amount: Decimal;
  readonly type: 'spot_to_contract' | 'contract_to_spot';
  readonly time: number;
}

export interface FuturesExchange {
  readonly tape: Tape;
  /** Ends what a due dead-man switch ends, and follows the spot prices. */
  catchUp(now: Now): void;
  contract(symbol: string): Contract | undefined;
  /** The price around which the house quotes; index, fair and mark price as well. */
  mid(contract: Contract): Decimal;
  /** Moves a contract that follows no spot symbol. */
  moveMarket(contract: Contract, mid: Decimal, now: Now): void;
  account(uid: string): FuturesAccount;
  /** Everyone who ever had an account, the house left out. */
  uids(): readonly string[];
  available(uid: string): Decimal;
  frozen(uid: string): Decimal;
  deposit(uid: string): Decimal;
  /** Books and matches an order; undefined when the balance does not carry it. */
  place(order: NewFuturesOrder, isWide: boolean, now: Now): FuturesOrder | undefined;
  cancel(order: FuturesOrder, source: CancelSource, now: Now): boolean;
  /** Cancels for the user once this real time has passed, unless the order is finished by then. */
  cancelAt(order: FuturesOrder, dueMs: number): void;
  /** Changes price and size of a working order, which goes to the end of its queue; false when the balance does not carry it. */
  modify(order: FuturesOrder, change: { readonly price: Decimal; readonly size: Decimal }, now: Now): boolean;
  wouldCross(order: NewFuturesOrder): boolean;
  depth(symbol: string, side: Side, levels: number): readonly Level[];
  orders(): readonly FuturesOrder[];
  order(orderId: string): FuturesOrder | undefined;
  ordersOf(uid: string, clientOrderId?: string): readonly FuturesOrder[];
  working(uid: string): readonly FuturesOrder[];
  fills(uid: string): readonly FuturesFill[];
  /** A UID's transfers from and to the spot wallet, newest first. */
  transfers(uid: string): Transfer[];
  /** Sets the dead-man switch of a UID's symbol; without a time it is off. */
  arm(uid: string, symbol: string, dueMs: number | undefined): void;
  /** Every wallet and all fees together, at present prices: changes only when somebody pays in or out. */
  total(): Decimal;
  reset(now: Now): void;
}

const followSpot = (floor: FuturesFloor, spotMid: (symbol: string) => Decimal | undefined, now: Now): void => {
  for (const contract of CONTRACTS) {
    const spot = contract.index === undefined ? undefined : spotMid(contract.index);
    if (!spot) continue;
    const mid = floorTo(spot, contract.tick);
    if (!mid.eq(midOf(floor, contract))) moveTo(floor, contract, mid, now);
  }
};

interface Switch {
  readonly uid: string;
  readonly symbol: string;
  readonly dueMs: number;
}

/** Cancels what was asked to be cancelled later, as of the moment each was due. */
const cancelDue = (floor: FuturesFloor, pending: Map<string, number>, now: Now): void => {
  for (const [orderId, dueMs] of [...pending]) {
    if (dueMs > now.realMs) continue;
    pending.delete(orderId);
    const order = floor.orders.get(orderId);
    if (order && cancelOrder(floor, order, 'user', momentOf(dueMs, now))) quote(floor, order.contract, now);
  }
};

/** Cancels what switches that are due cancel, as of the moment each was due. */
const strike = (floor: FuturesFloor, switches: Map<string, Switch>, now: Now): void => {
  const due = [...switches.values()].filter(({ dueMs }) => dueMs <= now.realMs).sort((a, b) => a.dueMs - b.dueMs);
  for (const { uid, symbol, dueMs } of due) {
    switches.delete(`${uid} ${symbol}`);
    const then = momentOf(dueMs, now);
    for (const order of [...(floor.working.get(uid) ?? [])]) {
      if (order.contract.symbol !== symbol) continue;
      cancelOrder(floor, order, 'system', then);
      quote(floor, order.contract, now);
    }
  }
};

const totalOf = (floor: FuturesFloor): Decimal => {
  let sum = floor.fees;
  for (const { wallet, positions } of floor.accounts.values()) {
    sum = sum.plus(wallet);
    for (const { contract, side, amount, value } of positions.values()) {
      const worth = midOf(floor, contract).times(amount).times(contract.coins);
      sum = side === 'long' ? sum.plus(worth).minus(value) : sum.plus(value).minus(worth);
    }
  }
  return sum;
};

/** What changes the book; each ends with the house quoting its whole ladder again. */
const writes = (floor: FuturesFloor): Pick<FuturesExchange, 'place' | 'cancel' | 'modify'> => {
  const live = ({ orderId }: FuturesOrder): LiveFuturesOrder | undefined => floor.orders.get(orderId);
  return {
    place: (asked, isWide, now) => {
      const reserve = reserveFor(floor, asked, asked.size);
      if (reserve.gt(0) && availableOf(floor, asked.uid).lt(reserve)) return undefined;
      const order = bookOrder(floor, asked, isWide, now);
      run(floor, order, now);
      quote(floor, asked.contract, now);
      return order;
    },
    cancel: (order, source, now) => {
      const own = live(order);
      const done = own !== undefined && cancelOrder(floor, own, source, now);
      quote(floor, order.contract, now);
      return done;
    },
    modify: (order, { price, size }, now) => {
      const own = live(order);
      if (!own || !isWorking(own)) return false;
      const reserve = reserveFor(floor, { ...own, price }, size.minus(own.dealSize));
      if (reserve.gt(0) && availableOf(floor, own.uid, own).lt(reserve)) return false;
      const queue = bookOf(floor, own.contract.symbol)[wayOf(own)];
      queue.splice(queue.indexOf(own), 1);
      Object.assign(own, { price, size, updateTime: now.venueMs });
      run(floor, own, now);
      quote(floor, own.contract, now);
      return true;
    },
  };
};

/** A futures exchange with its house quoting and no customers. Pure but for its own memory. */
export const createFuturesExchange = (spotMid: (symbol: string) => Decimal | undefined, now: Now): FuturesExchange => {
  const floor = createFuturesFloor();
  const switches = new Map<string, Switch>();
  const pending = new Map<string, number>();
  const transfers = new Map<string, Transfer[]>();
  const open = (at: Now): void => {
    for (const contract of CONTRACTS) quote(floor, contract, at);
  };
  open(now);
  return {
    tape: floor.tape,
    catchUp: (at) => {
      cancelDue(floor, pending, at);
      strike(floor, switches, at);
      followSpot(floor, spotMid, at);
    },
    contract: (symbol) => CONTRACTS.find((one) => one.symbol === symbol),
    mid: (contract) => midOf(floor, contract),
    moveMarket: (contract, mid, at) => moveTo(floor, contract, mid, at),
    account: (uid) => accountOf(floor, uid),
    uids: () => [...floor.accounts.keys()].filter((uid) => uid !== HOUSE),
    available: (uid) => availableOf(floor, uid),
    frozen: (uid) => frozenOf(floor, uid),
    deposit: (uid) => depositOf(floor, uid),
    ...writes(floor),
    cancelAt: ({ orderId }, dueMs) => {
      if (!pending.has(orderId)) pending.set(orderId, dueMs);
    },
    wouldCross: (order) => wouldCross(floor, order),
    depth: (symbol, side, levels) => depthOf(bookOf(floor, symbol)[side], restOf, levels),
    orders: () => [...floor.orders.values()],
    order: (orderId) => floor.orders.get(orderId),
    ordersOf: (uid, clientOrderId) =>
      floor.ordersOf.get(clientOrderId === undefined ? uid : `${uid} ${clientOrderId}`) ?? [],
    working: (uid) => [...(floor.working.get(uid) ?? [])],
    fills: (uid) => floor.fills.get(uid) ?? [],
    transfers: (uid) => {
      const made = transfers.get(uid) ?? [];
      transfers.set(uid, made);
      return made;
    },
    arm: (uid, symbol, dueMs) => {
      if (dueMs === undefined) switches.delete(`${uid} ${symbol}`);
      else switches.set(`${uid} ${symbol}`, { uid, symbol, dueMs });
    },
    total: () => totalOf(floor),
    reset: (at) => {
      const { tape, queues, orders, ordersOf, working, fills, accounts, mids } = floor;
      const memories = [tape, queues, orders, ordersOf, working, fills, accounts, mids, switches, pending, transfers];
      for (const memory of memories) memory.clear();
      floor.fees = ZERO;
      open(at);
    },
  };
};
