// The floor of the futures exchange: its memory, and the sums over it that say what an order may still trade, what it
// holds back and what is free. Promises never to change an order or a position.
import { sidesOf } from '../../exchange/book.ts';
import { smaller, ZERO, type Decimal } from '../../exchange/decimals.ts';
import { HOUSE } from '../engine.ts';
import type { Side } from '../orders.ts';
import { createTape, type Tape } from '../../exchange/tape.ts';
import { FUTURES_TAKER_RATE } from './contracts.ts';
import { reduces, restOf, wayOf } from './orders.ts';
import type { FuturesFill, FuturesOrder, LiveFuturesOrder, NewFuturesOrder } from './orders.ts';
import { amountHeld, marginOf, valueOf, type FuturesAccount, type PositionSide } from './positions.ts';

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

/** A UID's account; hedge mode until its endowment says otherwise. */
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

export const bookOf = (floor: FuturesFloor, symbol: string): Record<Side, LiveFuturesOrder[]> =>
  sidesOf(floor.queues, symbol);

export const facing = (floor: FuturesFloor, order: NewFuturesOrder): LiveFuturesOrder[] =>
  bookOf(floor, order.contract.symbol)[wayOf(order) === 'buy' ? 'sell' : 'buy'];

/** The side of the position that an order of this way makes smaller. */
export const shrunkBy = (order: NewFuturesOrder): PositionSide => (wayOf(order) === 'buy' ? 'short' : 'long');

/** How many contracts an order may still trade: reduce-only ones never more than is held. */
export const wanted = (floor: FuturesFloor, order: FuturesOrder): Decimal => {
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
