// What one trade moves: coins on spot, a position and USDT on perpetuals, fees in the coin they fall due in. Promises
// conserved money: what one side pays the other gets, less fees that are kept. Never matches anything.
import type { Now } from '../exchange/book.ts';
import { smaller, ZERO, type Decimal } from '../exchange/decimals.ts';
import { accountOf, FEES, HOUSE, type Floor } from './floor.ts';
import { isClosed, leavesOf, payCoin, reserveOf, signOf, type LiveOrder } from './orders.ts';
import { trade as tradePosition } from './positions.ts';
import { MNT_PRICE, RATES } from './products.ts';

export interface Trade {
  readonly price: Decimal;
  readonly qty: Decimal;
  readonly now: Now;
}

const PLACES = 12;

/** Takes an amount of a coin that is free; the house's is as good as endless. */
const take = (floor: Floor, uid: string, coin: string, amount: Decimal): boolean => {
  if (!floor.ledger.freeze(uid, coin, amount)) return false;
  floor.ledger.spend(uid, coin, amount);
  return true;
};

/** Pays into, or out of, the USDT of a unified account; what the wallet cannot bear becomes a debt. */
const book = (floor: Floor, uid: string, amount: Decimal): void => {
  const account = accountOf(floor, uid);
  account.debt = account.debt.plus(amount);
  if (uid === HOUSE) return;
  if (account.debt.gt(0)) floor.ledger.credit(uid, 'USDT', account.debt);
  const paid = account.debt.gt(0)
    ? account.debt
    : smaller(account.debt.abs(), floor.ledger.balance(uid, 'USDT').available).times(-1);
  if (paid.lt(0)) take(floor, uid, 'USDT', paid.abs());
  account.debt = account.debt.minus(paid);
};

interface Fee {
  readonly coin: string;
  readonly amount: Decimal;
  readonly rate: Decimal;
}

/** The fee of one side. With MNT payment switched on it is MNT, as long as there is enough of it. */
const feeOf = (floor: Floor, order: LiveOrder, isMaker: boolean, { price, qty }: Trade): Fee => {
  const { uid, product, side } = order;
  const rate = uid === HOUSE ? ZERO : RATES[product.category][isMaker ? 'maker' : 'taker'];
  const value = price.times(qty).times(rate);
  const inMnt = value.div(MNT_PRICE).round(PLACES, 0);
  if (accountOf(floor, uid).paysInMnt && floor.ledger.balance(uid, 'MNT').available.gte(inMnt)) {
    return { coin: 'MNT', amount: inMnt, rate };
  }
  const inBase = product.category === 'spot' && side === 'buy';
  return inBase
    ? { coin: product.base, amount: qty.times(rate).round(PLACES, 0), rate }
    : { coin: product.quote, amount: value.round(PLACES, 0), rate };
};

/** Coins against coins; the fee comes out of what is received, or out of the MNT there is. */
const settleSpot = (floor: Floor, order: LiveOrder, { price, qty }: Trade, fee: Fee): void => {
  const { uid, product, side } = order;
  const { ledger } = floor;
  const value = price.times(qty);
  const [paid, got, gotCoin] = side === 'buy' ? [value, qty, product.base] : [qty, value, product.quote];
  const coin = payCoin(order);
  if (uid === HOUSE) take(floor, uid, coin, paid);
  else {
    ledger.spend(uid, coin, paid);
    const needed = isClosed(order) ? ZERO : reserveOf(order, order.filledQty, order.filledValue);
    ledger.release(uid, coin, order.reserved.minus(paid).minus(needed));
    order.reserved = needed;
  }
  if (fee.coin === gotCoin) ledger.credit(uid, gotCoin, got.minus(fee.amount));
  else {
    ledger.credit(uid, gotCoin, got);
    take(floor, uid, fee.coin, fee.amount);
  }
  ledger.credit(FEES, fee.coin, fee.amount);
};

/** A position moves, and what closing it brought goes to the wallet. Says how much was closed. */
const settleLinear = (floor: Floor, order: LiveOrder, { price, qty, now }: Trade, fee: Fee): Decimal => {
  const { uid, product, positionIdx, side } = order;
  const inUsdt = fee.coin === 'USDT';
  const change = signOf(side).times(qty);
  const at = { change, price, fee: inUsdt ? fee.amount : ZERO, time: now.venueMs };
  const { closed, realised } = tradePosition(accountOf(floor, uid), product, positionIdx, at);
  book(floor, uid, inUsdt ? realised.minus(fee.amount) : realised);
  if (!inUsdt) take(floor, uid, fee.coin, fee.amount);
  floor.ledger.credit(FEES, fee.coin, fee.amount);
  return closed;
};

/** Settles one side of one trade and keeps the fill of a customer. */
export const settle = (floor: Floor, order: LiveOrder, isMaker: boolean, trade: Trade): void => {
  const { uid, product } = order;
  const { price, qty, now } = trade;
  const value = price.times(qty);
  const fee = feeOf(floor, order, isMaker, trade);
  order.filledQty = order.filledQty.plus(qty);
  order.filledValue = order.filledValue.plus(value);
  order.status = 'PartiallyFilled';
  order.updateTime = now.venueMs;
  const isSpot = product.category === 'spot';
  if (isSpot) settleSpot(floor, order, trade, fee);
  const closedQty = isSpot ? ZERO : settleLinear(floor, order, trade, fee);
  if (uid === HOUSE) return;
  order.fees = new Map([...order.fees, [fee.coin, (order.fees.get(fee.coin) ?? ZERO).plus(fee.amount)]]);
  floor.lastId += 1;
  const kept = floor.fills.get(uid) ?? [];
  kept.push({
    execId: isSpot
      ? `219${String(floor.lastId).padStart(16, '0')}`
      : `e0cbe81d-0f18-5866-9415-${String(floor.lastId).padStart(12, '0')}`,
    seq: 4_688_000_000 + floor.lastId,
    order,
    price,
    qty,
    value,
    fee: fee.amount,
    feeCoin: fee.coin,
    feeRate: fee.rate,
    isMaker,
    leavesQty: leavesOf(order),
    closedQty,
    time: now.venueMs,
  });
  floor.fills.set(uid, kept);
};
