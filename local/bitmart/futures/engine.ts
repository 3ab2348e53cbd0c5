// The futures matching engine: it books, matches and ends orders and moves positions. Promises price-time priority, reduce-only
// orders that never open anything, and orders that are final once finished. No I/O, no clock (the time is passed in).
import { smaller, ZERO, type Decimal } from '../../exchange/decimals.ts';
import { HOUSE } from '../engine.ts';
import type { CancelSource, Now } from '../orders.ts';
import { FUTURES_MAKER_RATE, FUTURES_TAKER_RATE } from './contracts.ts';
import { accountOf, bookOf, facing, shrunkBy, wanted, type FuturesFloor } from './floor.ts';
import { isWorking, join, reaches, reduces, restOf, wayOf } from './orders.ts';
import type { FuturesFill, FuturesOrder, LiveFuturesOrder, NewFuturesOrder } from './orders.ts';
import { amountHeld, closeSome, openMore, OPPOSITE, valueOf } from './positions.ts';

/** 17 digits, beyond 2^53 as seen live, so that neighbours collide in a double; 15 as in the older samples. */
const nextId = (floor: FuturesFloor, isWide: boolean): string => {
  floor.lastId += 1;
  return isWide ? `2345${String(floor.lastId).padStart(13, '0')}` : `22${String(floor.lastId).padStart(13, '0')}`;
};

const finish = (
  floor: FuturesFloor,
  order: LiveFuturesOrder,
  end: 'filled' | 'canceled',
  source: CancelSource,
  now: Now,
): void => {
  const queue = bookOf(floor, order.contract.symbol)[wayOf(order)];
  const at = queue.indexOf(order);
  if (at >= 0) queue.splice(at, 1);
  floor.working.get(order.uid)?.delete(order);
  order.state = end === 'canceled' && order.dealSize.gt(0) ? 'partially_canceled' : end;
  order.cancelSource = source;
  order.updateTime = now.venueMs;
  order.finishedAtMs = now.realMs;
};

export const cancelOrder = (floor: FuturesFloor, order: LiveFuturesOrder, source: CancelSource, now: Now): boolean => {
  if (!isWorking(order)) return false;
  finish(floor, order, 'canceled', source, now);
  return true;
};

/** Moves the positions of one side of a trade: what is held against it first, in hedge mode only what the side names. */
const settle = (
  floor: FuturesFloor,
  order: LiveFuturesOrder,
  role: FuturesFill['role'],
  { price, size, now }: { readonly price: Decimal; readonly size: Decimal; readonly now: Now },
): void => {
  const { uid, contract, leverage, openType } = order;
  const terms = { leverage, openType };
  const account = accountOf(floor, uid);
  const value = valueOf(contract, size, price);
  const rate = uid === HOUSE ? ZERO : role === 'Taker' ? FUTURES_TAKER_RATE : FUTURES_MAKER_RATE;
  const fee = value.times(rate).round(8, 0);
  const shrinks = reduces(order) || order.positionMode === 'one_way_mode';
  const trade = { size: shrinks ? size : ZERO, price, fee };
  const { closed, realised } = closeSome(account, contract, shrunkBy(order), trade);
  const opened = { size: size.minus(closed), price, fee: closed.gt(0) ? ZERO : fee, time: now.venueMs };
  if (!reduces(order)) openMore(account, contract, OPPOSITE[shrunkBy(order)], opened, terms);
  account.wallet = account.wallet.minus(fee);
  floor.fees = floor.fees.plus(fee);
  order.dealSize = order.dealSize.plus(size);
  order.dealValue = order.dealValue.plus(value);
  order.state = 'partially_filled';
  order.updateTime = now.venueMs;
  if (uid === HOUSE) return;
  floor.lastTrade += 1;
  const fill: FuturesFill = {
    tradeId: `1141${String(floor.lastTrade).padStart(10, '0')}`,
    order,
    price,
    size,
    fee,
    role,
    realised: closed.gt(0) ? realised : undefined,
    time: now.venueMs,
  };
  const kept = floor.fills.get(uid) ?? [];
  kept.push(fill);
  floor.fills.set(uid, kept);
};

/** Trades the taker against the book while prices cross, or until self-trade prevention stops it. */
const sweep = (floor: FuturesFloor, taker: LiveFuturesOrder, now: Now): void => {
  const queue = facing(floor, taker);
  for (let maker = queue[0]; maker && isWorking(taker); maker = queue[0]) {
    if (!reaches(taker, maker.price)) return;
    const most = wanted(floor, maker);
    if (most.lte(0)) {
      // A resting reduce-only order whose position is gone.
      finish(floor, maker, 'canceled', 'system', now);
      continue;
    }
    if (maker.uid === taker.uid) {
      if (taker.stpMode !== 2) finish(floor, maker, 'canceled', 'stp', now);
      if (taker.stpMode !== 1) finish(floor, taker, 'canceled', 'stp', now);
      continue;
    }
    const size = smaller(wanted(floor, taker), most);
    if (size.lte(0)) return;
    const trade = { price: maker.price, size, now };
    settle(floor, taker, 'Taker', trade);
    settle(floor, maker, 'Maker', trade);
    const print = { price: maker.price, size, side: wayOf(taker), timeMs: now.venueMs };
    floor.tape.record(taker.contract.symbol, print);
    if (restOf(maker).lte(0)) finish(floor, maker, 'filled', '', now);
  }
};

/** How much of an order would be filled at once, up to where self-trade prevention would end it. */
const fillable = (floor: FuturesFloor, order: FuturesOrder): Decimal => {
  // What is left of a maker's position after its orders further ahead: reduce-only ones cannot share it.
  const left = new Map<string, Decimal>();
  let sum = ZERO;
  for (const maker of facing(floor, order)) {
    if (!reaches(order, maker.price) || (maker.uid === order.uid && order.stpMode !== 1)) break;
    if (maker.uid === order.uid) continue;
    const rest = restOf(maker);
    const holds =
      left.get(maker.uid) ?? amountHeld(accountOf(floor, maker.uid), maker.contract.symbol, shrunkBy(maker));
    if (reduces(maker) || maker.positionMode === 'one_way_mode') {
      left.set(maker.uid, holds.minus(smaller(rest, holds)));
    }
    sum = sum.plus(reduces(maker) ? smaller(rest, holds) : rest);
  }
  return smaller(sum, wanted(floor, order));
};

export const wouldCross = (floor: FuturesFloor, order: NewFuturesOrder): boolean => {
  const first = facing(floor, order)[0];
  return first !== undefined && reaches(order, first.price);
};

/** Matches an order that is not in the book and puts it where it belongs: finished, or in the queue. */
export const run = (floor: FuturesFloor, order: LiveFuturesOrder, now: Now): void => {
  const isKilled = order.mode === 2 && fillable(floor, order).lt(restOf(order));
  // How the venue ends a maker-only order that would take is not documented for futures; as on spot it is cancelled.
  if (isKilled || (order.mode === 4 && wouldCross(floor, order))) finish(floor, order, 'canceled', 'system', now);
  else sweep(floor, order, now);
  if (!isWorking(order)) return;
  if (restOf(order).lte(0)) finish(floor, order, 'filled', '', now);
  else if (order.type === 'market' || order.mode === 2 || order.mode === 3 || wanted(floor, order).lte(0)) {
    finish(floor, order, 'canceled', 'system', now);
  } else join(bookOf(floor, order.contract.symbol)[wayOf(order)], order);
};

/** A booked order that has not traded yet. */
export const bookOrder = (floor: FuturesFloor, asked: NewFuturesOrder, isWide: boolean, now: Now): LiveFuturesOrder => {
  const order: LiveFuturesOrder = {
    ...asked,
    // The house's orders use no ids up: customers' follow each other.
    orderId: asked.uid === HOUSE ? HOUSE : nextId(floor, isWide),
    createTime: now.venueMs,
    createdAtMs: now.realMs,
    state: 'new',
    cancelSource: '',
    dealSize: ZERO,
    dealValue: ZERO,
    updateTime: now.venueMs,
    finishedAtMs: 0,
  };
  if (order.uid === HOUSE) return order;
  floor.orders.set(order.orderId, order);
  for (const index of [order.uid, `${order.uid} ${order.clientOrderId}`]) {
    const listed = floor.ordersOf.get(index) ?? [];
    listed.push(order);
    floor.ordersOf.set(index, listed);
  }
  const working = floor.working.get(order.uid) ?? new Set();
  working.add(order);
  floor.working.set(order.uid, working);
  return order;
};
