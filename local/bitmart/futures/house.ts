// The house: it quotes every contract around its price, a fixed ladder on both sides. Promises to stay out of the way of
// customers' resting orders, and to trade on its own only when its price is moved.
import { rung, SIDES, type Level } from '../../exchange/book.ts';
import { ZERO, type Decimal } from '../../exchange/decimals.ts';
import { HOUSE } from '../engine.ts';
import type { Now, Side } from '../orders.ts';
import type { Contract } from './contracts.ts';
import { bookOrder, run } from './engine.ts';
import { bookOf, type FuturesFloor } from './floor.ts';
import { join, restOf, type FuturesOrder, type FuturesSide, type NewFuturesOrder } from './orders.ts';

const houseOrder = (contract: Contract, way: Side, price: Decimal, size: Decimal): NewFuturesOrder => ({
  uid: HOUSE,
  account: HOUSE,
  contract,
  side: (way === 'buy' ? 1 : 4) satisfies FuturesSide,
  type: 'limit',
  mode: 3,
  stpMode: 1,
  clientOrderId: '',
  price,
  size,
  leverage: contract.maxLeverage,
  openType: 'cross',
  presets: { takeProfitPriceType: 0, stopLossPriceType: 0, takeProfitPrice: '', stopLossPrice: '' },
  positionMode: 'one_way_mode',
});

export const midOf = (floor: FuturesFloor, contract: Contract): Decimal =>
  floor.mids.get(contract.symbol) ?? contract.house.mid;

const rungOf = (contract: Contract, mid: Decimal, side: Side, level: number): Level =>
  rung(contract.house, contract.tick, mid, side, level);

const isHouse = (order: FuturesOrder): boolean => order.uid === HOUSE;

/** Takes the house out of a book. */
const withdraw = (floor: FuturesFloor, { symbol }: Contract): void => {
  const book = bookOf(floor, symbol);
  for (const side of SIDES) {
    const others = book[side].filter((order) => !isHouse(order));
    book[side].splice(0, book[side].length, ...others);
  }
};

/** The house's whole ladder anew, except where a customer's resting order stands in its way. */
export const quote = (floor: FuturesFloor, contract: Contract, now: Now): void => {
  withdraw(floor, contract);
  const book = bookOf(floor, contract.symbol);
  const [bid, ask] = [book.buy[0]?.price, book.sell[0]?.price];
  for (const side of SIDES) {
    for (let level = 0; level < contract.house.levels; level += 1) {
      const { price, size } = rungOf(contract, midOf(floor, contract), side, level);
      if (price.lte(0)) break;
      if (side === 'buy' ? ask !== undefined && price.gte(ask) : bid !== undefined && price.lte(bid)) continue;
      join(book[side], bookOrder(floor, houseOrder(contract, side, price, size), true, now));
    }
  }
};

/** The contract's new price: customers' orders that it trades through are filled at their own price. */
export const moveTo = (floor: FuturesFloor, contract: Contract, mid: Decimal, now: Now): void => {
  withdraw(floor, contract);
  floor.mids.set(contract.symbol, mid);
  for (const side of SIDES) {
    const { price } = rungOf(contract, mid, side, 0);
    const size = bookOf(floor, contract.symbol)
      [side === 'buy' ? 'sell' : 'buy'].filter((one) => (side === 'buy' ? one.price.lte(price) : one.price.gte(price)))
      .reduce((sum, one) => sum.plus(restOf(one)), ZERO);
    if (size.gt(0)) run(floor, bookOrder(floor, houseOrder(contract, side, price, size), true, now), now);
  }
  quote(floor, contract, now);
};
