// The matching engine: it takes orders in, books, matches and ends them. Promises price-time priority, orders that are final
// once finished, and for every end the reason that the order's record shows. No I/O, no clock (the time is passed in).
import { createHash } from 'node:crypto';
import { enqueue, reaches, type Now } from '../exchange/book.ts';
import { floorTo, smaller, ZERO, type Decimal } from '../exchange/decimals.ts';
import { entry } from '../exchange/tally.ts';
import { bookOf, facing, freeOf, HOUSE, marginFor, reducible, wanted, type Floor } from './floor.ts';
import {
  isClosed,
  isOpen,
  payCoin,
  reduces,
  reserveOf,
  restAt,
  type LiveOrder,
  type NewOrder,
  type Order,
} from './orders.ts';
import { settle } from './settlement.ts';

export type MarketBuyEnd = 'filled' | 'partially_canceled';

/** How an order ends other than filled. */
export interface End {
  readonly status: 'Cancelled' | 'Rejected';
  readonly rejectReason: string;
  readonly cancelType: string;
}

const ended = (rejectReason: string, cancelType = 'UNKNOWN'): End => ({
  status: 'Cancelled',
  rejectReason,
  cancelType,
});

export const BY_USER: End = ended('EC_PerCancelRequest', 'CancelByUser');

/** 19 digits on spot, a UUID on perpetuals, as in the samples; the same ids in every run. */
const nextId = (floor: Floor, order: NewOrder): string => {
  floor.lastId += 1;
  if (order.product.category === 'spot') return `166${String(floor.lastId).padStart(16, '0')}`;
  const hex = createHash('sha256').update(String(floor.lastId)).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(12, 15)}`, `a${hex.slice(15, 18)}`, hex.slice(18, 30)].join(
    '-',
  );
};

/** Ends an order: out of the book, the frozen rest back to its owner. */
export const finish = (floor: Floor, order: LiveOrder, end: 'Filled' | End, now: Now): void => {
  const queue = bookOf(floor, order.product)[order.side];
  const at = queue.indexOf(order);
  if (at >= 0) queue.splice(at, 1);
  floor.working.get(order.uid)?.delete(order);
  if (order.reserved.gt(0)) floor.ledger.release(order.uid, payCoin(order), order.reserved);
  order.reserved = ZERO;
  if (end === 'Filled') order.status = 'Filled';
  else {
    const partly = end.status === 'Cancelled' && order.filledQty.gt(0) && order.product.category === 'spot';
    order.status = partly ? 'PartiallyFilledCanceled' : end.status;
    order.rejectReason = end.rejectReason;
    order.cancelType = end.cancelType;
  }
  order.updateTime = now.venueMs;
  order.finishedAtMs = now.realMs;
  if (order.uid !== HOUSE) entry(floor.closed, `${order.uid} ${order.product.category}`, () => []).push(order);
};

/** Trades the taker against the book while prices cross, or until self-match prevention stops it. */
const sweep = (floor: Floor, taker: LiveOrder, now: Now): void => {
  const queue = facing(floor, taker);
  for (let maker = queue[0]; maker && !isClosed(taker); maker = queue[0]) {
    if (!reaches(taker.side, taker.price, maker.price)) return;
    const most = wanted(floor, maker, maker.price);
    if (most.lte(0)) {
      // A resting reduce-only order whose position is gone.
      finish(floor, maker, ended('EC_Others', 'CancelByReduceOnly'), now);
      continue;
    }
    if (maker.uid === taker.uid && taker.smpType !== 'None') {
      if (taker.smpType !== 'CancelTaker') finish(floor, maker, ended('EC_BySelfMatch', 'CancelBySmp'), now);
      if (taker.smpType !== 'CancelMaker') finish(floor, taker, ended('EC_BySelfMatch', 'CancelBySmp'), now);
      continue;
    }
    const qty = smaller(wanted(floor, taker, maker.price), most);
    if (qty.lte(0)) return;
    const trade = { price: maker.price, qty, now };
    settle(floor, taker, false, trade);
    settle(floor, maker, true, trade);
    floor.tape.record(taker.product.key, { price: maker.price, size: qty, side: taker.side, timeMs: now.venueMs });
    if (restAt(maker, maker.price).lte(0)) finish(floor, maker, 'Filled', now);
  }
};

/** How much of an order would be filled at once, up to where self-match prevention would end it. */
const fillable = (floor: Floor, order: Order): Decimal => {
  // What is left of a maker's position after its orders further ahead: reduce-only ones cannot share it.
  const left = new Map<string, Decimal>();
  let sum = ZERO;
  for (const maker of facing(floor, order)) {
    if (!reaches(order.side, order.price, maker.price)) break;
    if (maker.uid === order.uid && order.smpType === 'CancelMaker') continue;
    if (maker.uid === order.uid && order.smpType !== 'None') break;
    const rest = restAt(maker, maker.price);
    if (maker.product.category === 'spot' || !reduces(maker)) {
      sum = sum.plus(rest);
      continue;
    }
    const holder = `${maker.uid} ${maker.positionIdx}`;
    const holds = left.get(holder) ?? reducible(floor, maker);
    const part = smaller(rest, holds);
    left.set(holder, holds.minus(part));
    sum = sum.plus(part);
  }
  return sum;
};

export const wouldCross = (floor: Floor, order: NewOrder): boolean => {
  const first = facing(floor, order)[0];
  return first !== undefined && reaches(order.side, order.price, first.price);
};

/** Why a market order's rest was not traded: too little money for a step, the price bound, or nobody there. */
const endOfMarket = (floor: Floor, order: LiveOrder, buyEnds: MarketBuyEnd): 'Filled' | End => {
  const next = facing(floor, order)[0];
  if (order.unit === 'quote') {
    const rest = order.qty.minus(order.filledValue);
    const spent = next !== undefined && floorTo(rest.div(next.price), order.product.step).lte(0);
    if (rest.eq(0) || (spent && order.filledQty.gt(0) && buyEnds === 'filled')) return 'Filled';
    if (spent) return ended('EC_CancelByOrderValueZero');
  }
  return next && order.filledQty.gt(0) ? ended('EC_ReachMarketPriceLimit') : ended('EC_NoImmediateQtyToFill');
};

/** Matches an order that is not in the book and puts it where it belongs: finished, or in the queue. */
const run = (floor: Floor, order: LiveOrder, buyEnds: MarketBuyEnd, now: Now): void => {
  const needsAll = order.timeInForce === 'FOK';
  if (order.timeInForce === 'PostOnly' && wouldCross(floor, order)) {
    finish(floor, order, ended('EC_PostOnlyWillTakeLiquidity'), now);
  } else if (needsAll && fillable(floor, order).lt(wanted(floor, order, order.price))) {
    finish(floor, order, ended('EC_NoEnoughQtyToFill'), now);
  } else sweep(floor, order, now);
  if (isClosed(order)) return;
  if (order.unit === 'base' && order.qty.lte(order.filledQty)) finish(floor, order, 'Filled', now);
  else if (order.type === 'Market') finish(floor, order, endOfMarket(floor, order, buyEnds), now);
  else if (wanted(floor, order, order.price).lte(0))
    finish(floor, order, ended('EC_Others', 'CancelByReduceOnly'), now);
  else if (order.timeInForce === 'IOC' || order.timeInForce === 'FOK')
    finish(floor, order, ended('EC_NoImmediateQtyToFill'), now);
  else enqueue(bookOf(floor, order.product)[order.side], order, order.side);
};

const liveOf = (floor: Floor, asked: NewOrder, now: Now): LiveOrder => ({
  ...asked,
  orderId: asked.uid === HOUSE ? HOUSE : nextId(floor, asked),
  createTime: now.venueMs,
  createdAtMs: now.realMs,
  status: 'Accepted',
  cancelType: 'UNKNOWN',
  rejectReason: 'EC_NoError',
  filledQty: ZERO,
  filledValue: ZERO,
  fees: new Map(),
  reserved: ZERO,
  updateTime: now.venueMs,
  finishedAtMs: 0,
});

/** An order of the house, in the book at once; its balance is not looked at. */
export const houseOrder = (floor: Floor, asked: NewOrder, now: Now): LiveOrder => ({
  ...liveOf(floor, asked, now),
  status: 'New',
});

/** Whether the balance carries an order, or the change of one. */
export const carries = (floor: Floor, order: NewOrder, before?: Order): boolean => {
  if (order.product.category === 'linear') {
    const margin = marginFor(floor, order, order.qty.minus(before?.filledQty ?? ZERO));
    return margin.eq(0) || freeOf(floor, order.uid, 'USDT', before).gte(margin);
  }
  const coin = payCoin(order);
  const needed = reserveOf(order, before?.filledQty, before?.filledValue).minus(before?.reserved ?? ZERO);
  return needed.lte(0) || freeOf(floor, order.uid, coin).gte(needed);
};

/** Takes an order in without booking it, its money frozen; undefined when the balance does not carry it. */
export const acceptOrder = (floor: Floor, asked: NewOrder, now: Now): LiveOrder | undefined => {
  if (!carries(floor, asked)) return undefined;
  const order = liveOf(floor, asked, now);
  if (asked.product.category === 'spot') {
    const reserve = reserveOf(asked);
    if (!floor.ledger.freeze(asked.uid, payCoin(asked), reserve)) return undefined;
    order.reserved = reserve;
  }
  floor.orders.set(order.orderId, order);
  for (const index of [order.uid, `${order.uid} ${order.orderLinkId}`])
    entry(floor.ordersOf, index, () => []).push(order);
  entry(floor.working, order.uid, () => new Set()).add(order);
  return order;
};

/** Books an accepted order and matches it. */
export const bookOrder = (floor: Floor, order: LiveOrder, buyEnds: MarketBuyEnd, now: Now): void => {
  order.status = 'New';
  order.updateTime = now.venueMs;
  run(floor, order, buyEnds, now);
};

/** Matches an order of the house that is not to rest. */
export const runHouse = (floor: Floor, order: LiveOrder, now: Now): void => run(floor, order, 'filled', now);

/** Changes an open order, which goes to the end of its queue; nothing happens when the balance does not carry it any more. */
export const amendOrder = (
  floor: Floor,
  order: LiveOrder,
  { price, qty }: { readonly price: Decimal; readonly qty: Decimal },
  now: Now,
): boolean => {
  const changed = { ...order, price, qty };
  if (!isOpen(order) || qty.lte(order.filledQty) || !carries(floor, changed, order)) return false;
  if (order.product.category === 'spot') {
    const reserve = reserveOf(changed, order.filledQty, order.filledValue);
    const coin = payCoin(order);
    if (reserve.lt(order.reserved)) floor.ledger.release(order.uid, coin, order.reserved.minus(reserve));
    else if (!floor.ledger.freeze(order.uid, coin, reserve.minus(order.reserved))) return false;
    order.reserved = reserve;
  }
  const queue = bookOf(floor, order.product)[order.side];
  queue.splice(queue.indexOf(order), 1);
  Object.assign(order, { price, qty, updateTime: now.venueMs });
  run(floor, order, 'filled', now);
  return true;
};
