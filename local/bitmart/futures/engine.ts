// The futures matching engine: books of contracts, orders, fills, positions. Promises price-time priority, reduce-only
// orders that never open anything, and orders that are final once finished. No I/O, no clock (the time is passed in).
import { smaller, ZERO, type Decimal } from '../decimals.ts';
import { HOUSE } from '../engine.ts';
import type { CancelSource, Now, Side } from '../orders.ts';
import { createTape, type Tape } from '../tape.ts';
import { FUTURES_MAKER_RATE, FUTURES_TAKER_RATE } from './contracts.ts';
import { isWorking, join, reaches, reduces, restOf, wayOf } from './orders.ts';
import type { FuturesFill, FuturesOrder, LiveFuturesOrder, NewFuturesOrder } from './orders.ts';
import { amountHeld, closeSome, marginOf, openMore, OPPOSITE, valueOf } from './positions.ts';
import type { FuturesAccount, PositionSide } from './positions.ts';

/** Every mutable thing of the futures engine in one record; only this folder touches it. */
export interface FuturesFloor {
  readonly tape: Tape;
  readonly queues: Map<string, Record<Side, LiveFuturesOrder[]>>;
  readonly orders: Map<string, LiveFuturesOrder>;
  /** The same orders by UID, and by UID and client order id; oldest first. */
  readonly ordersOf: Map<string, LiveFuturesOrder[]>;
  /** Those still working, by UID. */
  readonly working: Map<string, Set<LiveFuturesOrder>>;
  readonly fills: Map<string, FuturesFill[]>;
  readonly accounts: Map<string, FuturesAccount>;
  readonly mids: Map<string, Decimal>;
  fees: Decimal;
  lastId: number;
  lastTrade: number;
}

export const createFuturesFloor = (): FuturesFloor => ({
  tape: createTape(),
  queues: new Map(),
  orders: new Map(),
  ordersOf: new Map(),
  working: new Map(),
  fills: new Map(),
  accounts: new Map(),
  mids: new Map(),
  fees: ZERO,
  lastId: 55_553_320,
  lastTrade: 853_920,
});

/** A UID's account; hedge mode at first (the venue knew no other mode until 2025). */
export const accountOf = (floor: FuturesFloor, uid: string): FuturesAccount => {
  const found = floor.accounts.get(uid) ?? {
    wallet: ZERO,
    positionMode: uid === HOUSE ? 'one_way_mode' : 'hedge_mode',
    terms: new Map(),
    positions: new Map(),
  };
  floor.accounts.set(uid, found);
  return found;
};

export const bookOf = (floor: FuturesFloor, symbol: string): Record<Side, LiveFuturesOrder[]> => {
  const sides = floor.queues.get(symbol) ?? { buy: [], sell: [] };
  floor.queues.set(symbol, sides);
  return sides;
};

export const facing = (floor: FuturesFloor, order: NewFuturesOrder): LiveFuturesOrder[] =>
  bookOf(floor, order.contract.symbol)[wayOf(order) === 'buy' ? 'sell' : 'buy'];

/** 17 digits, beyond 2^53 as seen live, so that neighbours collide in a double; 15 as in the older samples. */
const nextId = (floor: FuturesFloor, isWide: boolean): string => {
  floor.lastId += 1;
  return isWide ? `2345${String(floor.lastId).padStart(13, '0')}` : `22${String(floor.lastId).padStart(13, '0')}`;
};

/** The side of the position that an order of this way makes smaller. */
const shrunkBy = (order: NewFuturesOrder): PositionSide => (wayOf(order) === 'buy' ? 'short' : 'long');

/** How many contracts an order may still trade: reduce-only ones never more than is held. */
const wanted = (floor: FuturesFloor, order: FuturesOrder): Decimal => {
  const rest = restOf(order);
  if (!reduces(order)) return rest;
  return smaller(rest, amountHeld(accountOf(floor, order.uid), order.contract.symbol, shrunkBy(order)));
};

/** How much of an order would open or enlarge a position. */
const opening = (floor: FuturesFloor, order: NewFuturesOrder, size: Decimal): Decimal => {
  if (reduces(order)) return ZERO;
  if (order.positionMode === 'hedge_mode') return size;
  const against = amountHeld(accountOf(floor, order.uid), order.contract.symbol, shrunkBy(order));
  return size.gt(against) ? size.minus(against) : ZERO;
};

/** Margin and taker fee for what an order opens; a market order is priced at the best offer. */
export const reserveFor = (floor: FuturesFloor, order: NewFuturesOrder, size: Decimal): Decimal => {
  const price = order.type === 'limit' ? order.price : (facing(floor, order)[0]?.price ?? ZERO);
  const value = valueOf(order.contract, opening(floor, order, size), price);
  return value.div(order.leverage).plus(value.times(FUTURES_TAKER_RATE));
};

/** What a UID's working orders hold back, the one named left out. */
export const frozenOf = (floor: FuturesFloor, uid: string, except?: FuturesOrder): Decimal =>
  [...(floor.working.get(uid) ?? [])]
    .filter((order) => order !== except)
    .reduce((sum, order) => sum.plus(reserveFor(floor, order, restOf(order))), ZERO);

export const depositOf = (floor: FuturesFloor, uid: string): Decimal =>
  [...accountOf(floor, uid).positions.values()].reduce((sum, position) => sum.plus(marginOf(position)), ZERO);

/** Wallet less margin of positions and orders; unrealised profit and loss are left out (the simplest reading). */
export const availableOf = (floor: FuturesFloor, uid: string, except?: FuturesOrder): Decimal =>
  accountOf(floor, uid)
    .wallet.minus(depositOf(floor, uid))
    .minus(frozenOf(floor, uid, except));

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

/** What the book could give an order at once, other people's orders alone. */
const fillable = (floor: FuturesFloor, order: FuturesOrder): Decimal =>
  facing(floor, order)
    .filter((maker) => maker.uid !== order.uid && reaches(order, maker.price))
    .reduce((sum, maker) => sum.plus(wanted(floor, maker)), ZERO);

export const wouldCross = (floor: FuturesFloor, order: NewFuturesOrder): boolean => {
  const first = facing(floor, order)[0];
  return first !== undefined && reaches(order, first.price);
};

/** Matches an order that is not in the book and puts it where it belongs: finished, or in the queue. */
export const run = (floor: FuturesFloor, order: LiveFuturesOrder, now: Now): void => {
  const isKilled = order.mode === 2 && order.type === 'limit' && fillable(floor, order).lt(order.size);
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
