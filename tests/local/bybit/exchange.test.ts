// The exchange under random traffic: money is conserved, nothing goes below zero, price-time priority holds, and prices and
// quantities stay in their steps.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SIDES, type Side } from '../../../local/exchange/book.ts';
import { decimal, floorTo, ZERO, type Decimal } from '../../../local/exchange/decimals.ts';
import { createExchange, type Exchange } from '../../../local/bybit/exchange.ts';
import { HOUSE } from '../../../local/bybit/floor.ts';
import { isClosed, isOpen, restAt, type NewOrder, type TimeInForce } from '../../../local/bybit/orders.ts';
import { closing, entryOf, newAccount, positionOf, trade, unrealisedOf } from '../../../local/bybit/positions.ts';
import { limitPrice } from '../../../local/bybit/prices.ts';
import { bandOf, PRODUCTS, productOf, type Category, type Product } from '../../../local/bybit/products.ts';
import { defaultPromises } from '../../../local/bybit/promises.ts';

const UIDS = ['ann', 'bob', 'cyd'];

interface Place {
  readonly act: 'place';
  readonly who: number;
  readonly category: Category;
  readonly side: Side;
  readonly kind: TimeInForce | 'Market' | 'Value';
  readonly level: number;
  readonly steps: number;
  readonly reduceOnly: boolean;
}
type Action =
  | Place
  | { readonly act: 'cancel'; readonly which: number }
  | { readonly act: 'amend'; readonly which: number; readonly level: number; readonly steps: number }
  | { readonly act: 'move'; readonly category: Category; readonly level: number };

const level = fc.integer({ min: -6, max: 6 });
const steps = fc.integer({ min: 1, max: 60 });
const category = fc.constantFrom<Category>('spot', 'linear');
const actions = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ act: fc.constant('place' as const), who: fc.nat(2), category, side: fc.constantFrom(...SIDES), kind: fc.constantFrom<Place['kind']>('GTC', 'GTC', 'IOC', 'FOK', 'PostOnly', 'Market', 'Value'), level, steps, reduceOnly: fc.boolean() }) }, // prettier-ignore
    { weight: 2, arbitrary: fc.record({ act: fc.constant('cancel' as const), which: fc.nat(50) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('amend' as const), which: fc.nat(50), level, steps }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('move' as const), category, level }) },
  ),
  { minLength: 1, maxLength: 30 },
);

const btc = (of: Category): Product => {
  const product = productOf(of, 'BTCUSDT');
  if (!product) throw new Error(of);
  return product;
};

const orderOf = ({ who, category: of, side, kind, level: at, steps: size, reduceOnly }: Place): NewOrder => {
  const isMarket = kind === 'Market' || kind === 'Value';
  const isLinear = of === 'linear';
  const byValue = kind === 'Value' && !isLinear;
  const uid = UIDS[who] ?? '';
  return {
    uid,
    account: uid,
    product: btc(of),
    side,
    type: isMarket ? 'Market' : 'Limit',
    timeInForce: isMarket ? 'IOC' : kind,
    unit: byValue ? 'quote' : 'base',
    qty: byValue ? decimal(size).times('523.7') : decimal(size).times('0.053'),
    price: isMarket ? decimal(side === 'buy' ? 60_050 : 59_950) : decimal(60_000 + at),
    marketUnit: '',
    orderLinkId: '',
    reduceOnly: isLinear && reduceOnly,
    closeOnTrigger: false,
    positionIdx: 0,
    smpType: 'None',
    basePrice: decimal(60_000),
  };
};

const open = (): Exchange => {
  const exchange = createExchange({ venueMs: 1_700_000_000_000, realMs: 0 });
  for (const uid of UIDS) {
    for (const [coin, amount] of Object.entries({ USDT: '400000', BTC: '8' }))
      exchange.ledger.endow(uid, coin, decimal(amount));
  }
  return exchange;
};

const run = (exchange: Exchange, action: Action, atMs: number): void => {
  const now = { venueMs: 1_700_000_000_000 + atMs, realMs: atMs };
  const orders = exchange.orders();
  if (action.act === 'place') {
    exchange.accept(orderOf(action), { dueMs: atMs + (action.steps % 3), buyEnds: 'filled', end: undefined }, now);
  } else if (action.act === 'move') exchange.moveMarket(btc(action.category), decimal(60_000 + action.level), now);
  else {
    const order = orders[action.which % Math.max(1, orders.length)];
    if (!order || !isOpen(order)) return;
    if (action.act === 'cancel') exchange.cancelAt(order, atMs + 1);
    else if (order.unit === 'base') {
      exchange.amendAt(
        order,
        { price: decimal(60_000 + action.level), qty: decimal(action.steps).times('0.053') },
        atMs + 1,
      );
    }
  }
};

/** Every coin there is, debts and profits of positions at present prices included. */
const totalsOf = (exchange: Exchange): Record<string, string> => {
  const sums = new Map<string, Decimal>(exchange.ledger.totals());
  let usdt = sums.get('USDT') ?? ZERO;
  for (const uid of [...UIDS, HOUSE]) {
    const account = exchange.account(uid);
    usdt = usdt.plus(account.debt);
    for (const position of account.positions.values()) usdt = usdt.plus(unrealisedOf(position, decimal(60_000)));
  }
  sums.set('USDT', usdt);
  return Object.fromEntries([...sums].map(([coin, amount]) => [coin, amount.round(8).toFixed()]));
};

describe('the exchange under random traffic', () => {
  test('conserves money, freezes exactly what open orders need, and keeps its book in order', () => {
    fc.assert(
      fc.property(actions, (asked) => {
        const exchange = open();
        const before = totalsOf(exchange);
        asked.forEach((action, at) => {
          run(exchange, action, at * 2);
          exchange.catchUp({ venueMs: 1_700_000_000_000 + at * 2, realMs: at * 2 });
        });
        exchange.catchUp({ venueMs: 1_700_000_001_000, realMs: 1_000 });
        expect(totalsOf(exchange)).toEqual(before);
        for (const uid of UIDS) {
          for (const coin of ['USDT', 'BTC']) {
            const { available, frozen } = exchange.ledger.balance(uid, coin);
            const held = exchange
              .ordersOf(uid)
              .filter(({ side }) => (side === 'buy') === (coin === 'USDT'))
              .reduce((sum, order) => sum.plus(order.reserved), ZERO);
            expect([available.gte(0), frozen.toFixed()]).toEqual([true, held.toFixed()]);
          }
          expect(exchange.account(uid).debt.lte(0)).toBe(true);
        }
        for (const order of exchange.orders()) {
          expect(order.status).not.toBe('Accepted');
          expect(floorTo(order.filledQty, order.product.step).eq(order.filledQty)).toBe(true);
          if (order.unit === 'base') expect(order.filledQty.lte(order.qty)).toBe(true);
          else expect(order.filledValue.lte(order.qty)).toBe(true);
          if (isClosed(order)) expect(order.reserved.eq(0)).toBe(true);
          if (order.status === 'PartiallyFilledCanceled') expect(order.product.category).toBe('spot');
          if (isOpen(order)) expect(restAt(order, order.price).gt(0)).toBe(true);
        }
        for (const of of ['spot', 'linear'] as const) {
          const [bid] = exchange.depth(btc(of), 'buy', 1);
          const [ask] = exchange.depth(btc(of), 'sell', 1);
          expect(bid && ask && bid.price.lt(ask.price)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('at one price the earlier order is filled first, and a better price before both', () => {
    const exchange = open();
    const bids: readonly (readonly [number, number])[] = [
      [0, 0],
      [1, 0],
      [2, 1],
    ];
    bids.forEach(([who, at], index) => {
      const now = { venueMs: index, realMs: index };
      const bid: Place = {
        act: 'place',
        who,
        category: 'spot',
        side: 'buy',
        kind: 'GTC',
        level: at,
        steps: 10,
        reduceOnly: false,
      };
      exchange.accept({ ...orderOf(bid), price: decimal(60_000).plus(decimal(at).div(20)) }, { dueMs: index, buyEnds: 'filled', end: undefined }, now); // prettier-ignore
      exchange.catchUp(now);
    });
    const filled = (): readonly string[] => UIDS.map((uid) => exchange.ordersOf(uid)[0]?.filledQty.toFixed() ?? '');
    const sell = (steps: number, atMs: number): void => {
      run(exchange, { act: 'place', who: 0, category: 'spot', side: 'sell', kind: 'Market', level: 0, steps, reduceOnly: false }, atMs); // prettier-ignore
      exchange.catchUp({ venueMs: atMs, realMs: atMs + 5 });
    };
    sell(5, 100);
    expect(filled()).toEqual(['0', '0', '0.265']);
    sell(10, 200);
    expect(filled()).toEqual(['0.265', '0', '0.53']);
    sell(10, 300);
    expect(filled()).toEqual(['0.53', '0.265', '0.53']);
  });

  test('a reduce-only order never makes a position larger or turns it round', () => {
    fc.assert(
      fc.property(actions, (asked) => {
        const exchange = open();
        asked.forEach((action, at) => {
          const sizes = UIDS.map((uid) => positionOf(exchange.account(uid), btc('linear'), 0).size);
          run(exchange, action, at * 10);
          exchange.catchUp({ venueMs: at * 10, realMs: at * 10 + 5 });
          if (action.act !== 'place' || !action.reduceOnly || action.category === 'spot') return;
          const size = sizes[action.who] ?? ZERO;
          const after = positionOf(exchange.account(UIDS[action.who] ?? ''), btc('linear'), 0).size;
          expect([after.abs().lte(size.abs()), after.times(size).gte(0)]).toEqual([true, true]);
        });
      }),
      { numRuns: 40 },
    );
  });
});

describe('numbers', () => {
  const product = fc.constantFrom(...PRODUCTS.filter(({ status }) => status === 'Trading'));

  test('a price is taken as it is, moved to the nearest allowed one, or refused; never anything else', () => {
    const promises = defaultPromises(1);
    fc.assert(
      fc.property(
        product,
        fc.constantFrom(...SIDES),
        fc.integer({ min: 1, max: 2_000_000 }),
        fc.boolean(),
        (of, side, ticks, moves) => {
          // prettier-ignore
          const price = of.tick.times(ticks);
          const mid = of.house.mid;
          const account = { ...newAccount(), lpaSpot: moves, lpaPerp: !moves };
          const taken = limitPrice(price.toFixed(), { product: of, mid, best: undefined }, side, account, promises);
          const { buyMax, sellMin } = bandOf(of, mid);
          const isInside = side === 'buy' ? price.lte(buyMax) : price.gte(sellMin);
          if ('refused' in taken) {
            const beyond = of.category === 'linear' && price.gt(of.maxPrice);
            expect(beyond || (!isInside && !moves)).toBe(true);
          } else {
            expect(taken.toFixed()).toBe((isInside ? price : side === 'buy' ? buyMax : sellMin).toFixed());
            expect(floorTo(taken, of.tick).eq(taken)).toBe(true);
          }
        },
      ),
    );
  });

  test('a position is the sum of its trades; realised and unrealised are what they brought', () => {
    const trades = fc.array(fc.record({ change: fc.integer({ min: -50, max: 50 }), price: fc.integer({ min: 1, max: 999 }) }), { maxLength: 30 }); // prettier-ignore
    fc.assert(
      fc.property(trades, fc.integer({ min: 1, max: 999 }), (done, mark) => {
        const account = newAccount();
        let [size, cash] = [ZERO, ZERO];
        for (const { change, price } of done.filter((one) => one.change !== 0)) {
          const before = positionOf(account, btc('linear'), 0).size;
          const { closed } = trade(account, btc('linear'), 0, {
            change: decimal(change),
            price: decimal(price),
            fee: ZERO,
            time: 1,
          });
          expect(closed.eq(closing(before, decimal(change)))).toBe(true);
          size = size.plus(change);
          cash = cash.minus(decimal(change).times(price));
        }
        const position = positionOf(account, btc('linear'), 0);
        expect(position.size.toFixed()).toBe(size.toFixed());
        expect(position.value.gte(0) && entryOf(position).gte(0)).toBe(true);
        const won = position.everRealised.plus(unrealisedOf(position, decimal(mark)));
        expect(won.round(12).toFixed()).toBe(cash.plus(size.times(mark)).round(12).toFixed());
      }),
    );
  });
});
