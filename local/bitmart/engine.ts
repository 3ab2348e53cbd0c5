// The matching engine: books, orders and fills over exact decimals. Promises price-time priority, conserved money and
// orders that are final once finished. No I/O, no clock (the time is passed in), no knowledge of endpoints.
import { depthOf as levelsOf, enqueue, OTHER_SIDE, sidesOf, type Level } from '../exchange/book.ts';
import { floorTo, smaller, ZERO, type Decimal } from '../exchange/decimals.ts';
import { INSTRUMENTS, MAKER_RATE, TAKER_RATE, type Instrument } from './instruments.ts';
import { createLedger, type Ledger } from '../exchange/ledger.ts';
import { createTape, type Tape } from '../exchange/tape.ts';
import { crosses, holderOf, isOpen, reserveFor, wantedAt } from './orders.ts';
import type { CancelSource, Fill, LiveOrder, NewOrder, Now, Order, Side } from './orders.ts';

/** The holder of the seeded liquidity; pays no fees and never shows among the orders. */
export const HOUSE = 'house';

/** An order of the house, in spot. */
export const houseOrder = (
  instrument: Instrument,
  side: Side,
  type: 'limit' | 'ioc',
  price: Decimal,
  size: Decimal,
): NewOrder => ({
  uid: HOUSE,
  account: HOUSE,
  instrument,
  mode: 'spot',
  side,
  type,
  stpMode: 'none',
  clientOrderId: undefined,
  price,
  size,
  notional: price.times(size),
});
/** The holder of the fees taken. */
export const FEES = 'fees';

/** What a trade costs everybody but the house, as a part of its value. */
export interface Rates {
  readonly maker: Decimal;
  readonly taker: Decimal;
}

/** Every mutable thing of the engine in one record; only this folder's engine files touch it. */
export interface Floor {
  readonly rates: Rates;
  readonly ledger: Ledger;
  readonly tape: Tape;
  readonly queues: Map<string, Record<Side, LiveOrder[]>>;
  readonly orders: Map<string, LiveOrder>;
  /** The same orders by UID, and by UID and client order id; oldest first. */
  readonly ordersOf: Map<string, LiveOrder[]>;
  readonly fills: Map<string, Fill[]>;
  readonly mids: Map<string, Decimal>;
  lastId: number;
}

export const queueOf = (floor: Floor, symbol: string, side: Side): LiveOrder[] => sidesOf(floor.queues, symbol)[side];

/** 18 digits, as the venue's ids are; the lead keeps order ids and trade ids apart. */
const nextId = (floor: Floor, lead: '2127' | '1252'): string => {
  floor.lastId += 1;
  return `${lead}${String(floor.lastId).padStart(14, '0')}`;
};

const takerRateOf = ({ rates }: Floor, order: Order): Decimal => (order.uid === HOUSE ? ZERO : rates.taker);
const payCoin = (order: NewOrder | Order): string =>
  order.side === 'buy' ? order.instrument.quote : order.instrument.base;

/** Ends an order: out of the book, the frozen rest back to its owner. */
const finish = (floor: Floor, order: LiveOrder, end: 'filled' | 'canceled', source: CancelSource, now: Now): void => {
  const queue = queueOf(floor, order.instrument.symbol, order.side);
  const at = queue.indexOf(order);
  if (at >= 0) queue.splice(at, 1);
  floor.ledger.release(holderOf(order), payCoin(order), order.reserved);
  order.reserved = ZERO;
  order.state = end === 'canceled' && order.filledSize.gt(0) ? 'partially_canceled' : end;
  order.cancelSource = source;
  order.updateTime = now.venueMs;
  order.finishedAtMs = now.realMs;
};

export const cancelOrder = (floor: Floor, order: LiveOrder, source: CancelSource, now: Now): boolean => {
  if (!isOpen(order)) return false;
  finish(floor, order, 'canceled', source, now);
  return true;
};

/** One side of one trade: money moves, the fill is kept, the frozen amount follows what is still open. */
const settle = (
  floor: Floor,
  order: LiveOrder,
  role: Fill['role'],
  trade: Omit<Fill, 'order' | 'fee' | 'role'>,
): void => {
  const { uid, instrument } = order;
  const holder = holderOf(order);
  const rate = uid === HOUSE ? ZERO : floor.rates[role];
  const fee = trade.notional.times(rate).round(8, 0);
  const paid = order.side === 'buy' ? trade.notional.plus(fee) : trade.size;
  floor.ledger.spend(holder, payCoin(order), paid);
  if (order.side === 'buy') floor.ledger.credit(holder, instrument.base, trade.size);
  else floor.ledger.credit(holder, instrument.quote, trade.notional.minus(fee));
  floor.ledger.credit(FEES, instrument.quote, fee);
  order.filledSize = order.filledSize.plus(trade.size);
  order.filledNotional = order.filledNotional.plus(trade.notional);
  order.state = 'partially_filled';
  order.updateTime = trade.time;
  const needed = reserveFor(order, takerRateOf(floor, order));
  floor.ledger.release(holder, payCoin(order), order.reserved.minus(paid).minus(needed));
  order.reserved = needed;
  if (uid === HOUSE) return;
  const kept = floor.fills.get(uid) ?? [];
  kept.push({ ...trade, order, fee, role });
  floor.fills.set(uid, kept);
};

const trade = (floor: Floor, taker: LiveOrder, maker: LiveOrder, size: Decimal, now: Now): void => {
  const { price } = maker;
  const at = { price, size, notional: price.times(size), time: now.venueMs };
  settle(floor, taker, 'taker', { ...at, tradeId: nextId(floor, '1252') });
  settle(floor, maker, 'maker', { ...at, tradeId: nextId(floor, '1252') });
  floor.tape.record(taker.instrument.symbol, { price, size, side: taker.side, timeMs: now.venueMs });
  if (wantedAt(maker, price).lte(0)) finish(floor, maker, 'filled', '', now);
};

/** Trades the taker against the book while prices cross, or until self-trade prevention stops it. */
const sweep = (floor: Floor, taker: LiveOrder, now: Now): void => {
  const queue = queueOf(floor, taker.instrument.symbol, OTHER_SIDE[taker.side]);
  for (let maker = queue[0]; maker && isOpen(taker); maker = queue[0]) {
    if (!crosses(taker.side, taker.type, taker.price, maker.price)) return;
    const size = smaller(wantedAt(taker, maker.price), wantedAt(maker, maker.price));
    if (size.lte(0)) return;
    if (maker.uid === taker.uid && taker.stpMode !== 'none') {
      if (taker.stpMode !== 'cancel_taker') finish(floor, maker, 'canceled', 'stp', now);
      if (taker.stpMode !== 'cancel_maker') finish(floor, taker, 'canceled', 'stp', now);
    } else {
      trade(floor, taker, maker, size, now);
    }
  }
};

/** The end of a taker's way: filled, resting in the book, or its rest cancelled. */
const land = (floor: Floor, order: LiveOrder, marketBuyEnds: 'filled' | 'partially_canceled', now: Now): void => {
  if (!isOpen(order)) return;
  const { instrument } = order;
  if (order.type === 'market' && order.side === 'buy') {
    const next = queueOf(floor, instrument.symbol, 'sell')[0];
    // What is left buys less than one step: money spent, as far as the venue is concerned.
    const spent =
      next !== undefined && floorTo(order.notional.minus(order.filledNotional).div(next.price), instrument.step).lte(0);
    const exact = order.filledNotional.eq(order.notional);
    if (exact || (spent && order.filledSize.gt(0) && marketBuyEnds === 'filled'))
      finish(floor, order, 'filled', '', now);
    else finish(floor, order, 'canceled', 'system', now);
  } else if (order.filledSize.gte(order.size)) finish(floor, order, 'filled', '', now);
  else if (order.type === 'limit' || order.type === 'limit_maker') {
    enqueue(queueOf(floor, instrument.symbol, order.side), order, order.side);
  } else finish(floor, order, 'canceled', 'system', now);
};

export const wouldCross = (floor: Floor, order: NewOrder): boolean => {
  const first = queueOf(floor, order.instrument.symbol, OTHER_SIDE[order.side])[0];
  return first !== undefined && crosses(order.side, order.type, order.price, first.price);
};

const keep = (floor: Floor, order: LiveOrder): void => {
  floor.orders.set(order.orderId, order);
  for (const index of [order.uid, `${order.uid} ${order.clientOrderId}`]) {
    const listed = floor.ordersOf.get(index) ?? [];
    listed.push(order);
    floor.ordersOf.set(index, listed);
  }
};

/** Books and matches an order, the house's too; undefined when the balance does not carry it. */
export const placeOrder = (
  floor: Floor,
  asked: NewOrder,
  marketBuyEnds: 'filled' | 'partially_canceled',
  now: Now,
): LiveOrder | undefined => {
  const orderId = nextId(floor, '2127');
  const order: LiveOrder = {
    ...asked,
    orderId,
    // Without an id of the client's the samples show the order id in its place.
    clientOrderId: asked.clientOrderId ?? orderId,
    createTime: now.venueMs,
    createdAtMs: now.realMs,
    state: 'new',
    cancelSource: '',
    filledSize: ZERO,
    filledNotional: ZERO,
    reserved: ZERO,
    updateTime: now.venueMs,
    finishedAtMs: 0,
  };
  const reserve = reserveFor(order, takerRateOf(floor, order));
  if (!floor.ledger.freeze(holderOf(order), payCoin(order), reserve)) return undefined;
  order.reserved = reserve;
  if (order.uid !== HOUSE) keep(floor, order);
  // A maker-only order that is too small or would take is accepted and then cancelled by the system (spot docs).
  const hopeless =
    order.type === 'limit_maker' && (wouldCross(floor, order) || order.notional.lt(order.instrument.minValue));
  if (hopeless) finish(floor, order, 'canceled', 'system', now);
  else {
    sweep(floor, order, now);
    land(floor, order, marketBuyEnds, now);
  }
  return order;
};

export const createFloor = (rates: Rates = { maker: MAKER_RATE, taker: TAKER_RATE }): Floor => ({
  rates,
  ledger: createLedger(),
  tape: createTape(),
  queues: new Map(),
  orders: new Map(),
  ordersOf: new Map(),
  fills: new Map(),
  mids: new Map(),
  lastId: 55_553_320,
});

export const costOf = (order: NewOrder): { readonly currency: string; readonly amount: Decimal } => ({
  currency: payCoin(order),
  amount: order.side === 'sell' ? order.size : order.notional.times(TAKER_RATE.plus(1)),
});

export const depthOf = (floor: Floor, symbol: string, side: Side, levels: number): readonly Level[] =>
  levelsOf(queueOf(floor, symbol, side), (order) => order.size.minus(order.filledSize), levels);

export const instrumentOf = (symbol: string): Instrument | undefined =>
  INSTRUMENTS.find((one) => one.symbol === symbol);
