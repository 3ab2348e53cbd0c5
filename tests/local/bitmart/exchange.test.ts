// The matching engine under random traffic: money is conserved, nothing goes below zero, price-time priority holds.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decimal, ZERO } from '../../../local/exchange/decimals.ts';
import { createExchange, type Exchange } from '../../../local/bitmart/exchange.ts';
import { isOpen, type NewOrder, type OrderType, type Side, type StpMode } from '../../../local/bitmart/orders.ts';

interface Place {
  readonly act: 'place';
  readonly who: number;
  readonly side: Side;
  readonly type: OrderType;
  readonly stpMode: StpMode;
  readonly level: number;
  readonly steps: number;
}
type Action =
  Place | { readonly act: 'cancel'; readonly which: number } | { readonly act: 'move'; readonly level: number };

const now = { venueMs: 1_700_000_000_000, realMs: 0 };
const UIDS = ['ann', 'bob', 'cyd'];

const place = (types: readonly OrderType[], stp: readonly StpMode[]): fc.Arbitrary<Place> =>
  fc.record({
    act: fc.constant('place' as const),
    who: fc.nat(2),
    side: fc.constantFrom<Side>('buy', 'sell'),
    type: fc.constantFrom(...types),
    stpMode: fc.constantFrom(...stp),
    level: fc.integer({ min: -6, max: 6 }),
    steps: fc.integer({ min: 1, max: 60 }),
  });
const cancel = fc.record({ act: fc.constant('cancel' as const), which: fc.nat(50) });
const move = fc.record({ act: fc.constant('move' as const), level: fc.integer({ min: -6, max: 6 }) });

const order = (
  exchange: Exchange,
  symbol: string,
  price: string,
  size: string,
  { who, side, type, stpMode }: Place,
): NewOrder => {
  const instrument = exchange.instrument(symbol);
  const uid = UIDS[who];
  if (!instrument || uid === undefined) throw new Error(symbol);
  const spends = type === 'market' && side === 'buy';
  return {
    uid,
    account: uid,
    instrument,
    mode: 'spot',
    side,
    type,
    stpMode,
    clientOrderId: undefined,
    price: type === 'market' ? ZERO : decimal(price),
    size: spends ? ZERO : decimal(size),
    notional: decimal(price).times(size),
  };
};

const totalsOf = (exchange: Exchange): Record<string, string> =>
  Object.fromEntries([...exchange.ledger.totals()].map(([currency, amount]) => [currency, amount.toFixed()]));

const open = (): Exchange => {
  const exchange = createExchange(now);
  for (const uid of UIDS) {
    for (const [currency, amount] of Object.entries({ USDT: '400000', BTC: '8', NEW: '1000' })) {
      exchange.ledger.endow(uid, currency, decimal(amount));
    }
  }
  return exchange;
};

const run = (exchange: Exchange, action: Action): void => {
  if (action.act === 'place') {
    const price = decimal(60_000 + action.level).toFixed(2);
    exchange.place(
      order(exchange, 'BTC_USDT', price, decimal(action.steps).times('0.05231').toFixed(), action),
      'filled',
      now,
    );
  } else if (action.act === 'move') {
    const instrument = exchange.instrument('BTC_USDT');
    if (instrument) exchange.moveMarket(instrument, decimal(60_000 + action.level), now);
  } else {
    const target = exchange.orders()[action.which];
    if (target) exchange.cancel(target, 'user', now);
  }
};

const checkBooks = (exchange: Exchange): void => {
  for (const uid of UIDS) {
    for (const currency of exchange.ledger.currencies(uid)) {
      const { available, frozen } = exchange.ledger.balance(uid, currency);
      expect(available.gte(0)).toBe(true);
      const reserved = exchange
        .ordersOf(uid)
        .filter((one) => (one.side === 'buy' ? one.instrument.quote : one.instrument.base) === currency)
        .reduce((sum, one) => sum.plus(one.reserved), ZERO);
      expect(frozen.toFixed()).toBe(reserved.toFixed());
    }
  }
  const bid = exchange.best('BTC_USDT', 'buy');
  const ask = exchange.best('BTC_USDT', 'sell');
  expect(bid && ask && bid.lt(ask)).toBe(true);
  for (const one of exchange.orders()) {
    expect(one.filledSize.lte(one.size.gt(0) ? one.size : '1e9')).toBe(true);
    expect(isOpen(one) || one.reserved.eq(0)).toBe(true);
    if (one.type === 'limit' && one.filledSize.gt(0)) {
      const within = one.filledNotional.cmp(one.filledSize.times(one.price));
      expect(one.side === 'buy' ? within <= 0 : within >= 0).toBe(true);
    }
  }
};

describe('the matching engine', () => {
  test('conserves every currency, the house and the fees included, and freezes exactly what open orders need', () => {
    const types: OrderType[] = ['limit', 'market', 'limit_maker', 'ioc'];
    const stp: StpMode[] = ['none', 'cancel_maker', 'cancel_taker', 'cancel_both'];
    const actions = fc.array(fc.oneof({ weight: 8, arbitrary: place(types, stp) }, cancel, move), { maxLength: 40 });
    fc.assert(
      fc.property(actions, (all) => {
        const exchange = open();
        const before = totalsOf(exchange);
        for (const action of all) {
          run(exchange, action);
          expect(totalsOf(exchange)).toEqual(before);
        }
        checkBooks(exchange);
      }),
      { numRuns: 60 },
    );
  });

  test('matches by price, then by time: as a scan of all resting orders would', () => {
    interface Resting {
      readonly side: Side;
      readonly price: number;
      left: number;
      open: boolean;
    }
    const model = (placed: readonly Place[]): readonly number[] => {
      const orders: (Resting & { readonly size: number })[] = [];
      for (const { side, type, level, steps } of placed) {
        const taker = { side, price: level, left: steps, size: steps, open: true };
        const better = (a: Resting, b: Resting): boolean => (side === 'buy' ? a.price < b.price : a.price > b.price);
        for (;;) {
          const makers = orders.filter((one) => one.open && one.side !== side && !better(taker, one));
          // The first of the best: reduce keeps the earlier one where prices are equal.
          const maker = makers.reduce<Resting | undefined>(
            (best, one) => (best && !better(one, best) ? best : one),
            undefined,
          );
          if (!maker || taker.left === 0) break;
          const size = Math.min(maker.left, taker.left);
          maker.left -= size;
          taker.left -= size;
          maker.open = maker.left > 0;
        }
        taker.open = type === 'limit' && taker.left > 0;
        orders.push(taker);
      }
      return orders.map(({ size, left }) => size - left);
    };
    fc.assert(
      fc.property(fc.array(place(['limit', 'ioc'], ['none']), { maxLength: 30 }), (placed) => {
        const exchange = open();
        // The pair that has no house: only these orders meet. Sizes stay small enough for every balance.
        for (const one of placed) {
          const price = decimal(100 + one.level)
            .div(10_000)
            .toFixed(4);
          exchange.place(order(exchange, 'NEW_USDT', price, decimal(one.steps).div(10).toFixed(1), one), 'filled', now);
        }
        expect(exchange.orders().map(({ filledSize }) => filledSize.times(10).toNumber())).toEqual(model(placed));
      }),
      { numRuns: 150 },
    );
  });

  test('the house quotes the same book again after every order', () => {
    const exchange = open();
    const before = exchange
      .depth('BTC_USDT', 'sell', 50)
      .map(({ price, size }) => `${price.toFixed(2)} ${size.toFixed()}`);
    expect(before.slice(0, 3)).toEqual(['60000.01 0.25', '60000.51 0.5', '60001.01 0.75']);
    const buy: Place = { act: 'place', who: 0, side: 'buy', type: 'market', stpMode: 'none', level: 0, steps: 1 };
    const placed = exchange.place(order(exchange, 'BTC_USDT', '60000', '3', buy), 'filled', now);
    expect(placed?.state).toBe('filled');
    const after = exchange
      .depth('BTC_USDT', 'sell', 50)
      .map(({ price, size }) => `${price.toFixed(2)} ${size.toFixed()}`);
    expect(after).toEqual(before);
  });

  test('a moved market fills the orders it trades through at their own price', () => {
    const exchange = open();
    const ask: Place = { act: 'place', who: 0, side: 'sell', type: 'limit', stpMode: 'none', level: 0, steps: 1 };
    const placed = exchange.place(order(exchange, 'BTC_USDT', '60500', '7', ask), 'filled', now);
    const instrument = exchange.instrument('BTC_USDT');
    if (!placed || !instrument) throw new Error('not placed');
    expect(placed.state).toBe('new');
    exchange.moveMarket(instrument, decimal('61000'), now);
    expect([placed.state, placed.filledNotional.toFixed()]).toEqual(['filled', '423500']);
    expect(exchange.best('BTC_USDT', 'buy')?.toFixed()).toBe('60999.99');
  });

  test('a large order rests partially filled, and the house does not quote across it', () => {
    const exchange = open();
    const bid: Place = { act: 'place', who: 0, side: 'buy', type: 'limit', stpMode: 'none', level: 0, steps: 1 };
    const placed = exchange.place(order(exchange, 'BTC_USDT', '60000.01', '1', bid), 'filled', now);
    if (!placed) throw new Error('not placed');
    expect([placed.state, placed.filledSize.toFixed()]).toEqual(['partially_filled', '0.25']);
    expect(exchange.best('BTC_USDT', 'sell')?.toFixed()).toBe('60000.51');
    exchange.cancel(placed, 'user', now);
    expect([placed.state, placed.cancelSource]).toEqual(['partially_canceled', 'user']);
    expect(exchange.best('BTC_USDT', 'sell')?.toFixed()).toBe('60000.01');
  });
});
