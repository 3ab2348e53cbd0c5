// Rebalancing: never more than is held or free, and in the end within the band, whatever the account holds.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import type { Instrument } from '../../shared/order/instrument.ts';
import type { Decimal } from '../../shared/order/intent.ts';
import type { Balance } from '../../shared/order/reads.ts';
import { rebalance } from '../../shared/strategies/rebalance.ts';
import type { Findings } from '../../shared/strategies/strategy.ts';
import {
  BTC,
  cents,
  fired,
  mostById,
  notionalOf,
  ordersOf,
  prepared,
  price,
  sizeOf,
  START,
  START_MS,
  sum,
} from './fixture.ts';

const COINS = ['BTC', 'ETH', 'SOL'] as const;
type Held = Readonly<Record<string, { readonly available: string; readonly frozen?: string }>>;
interface World {
  readonly held: Held;
  readonly prices: Readonly<Record<string, string>>;
  readonly rules?: Readonly<Record<string, Partial<Instrument>>>;
}

function findings({ held, prices, rules = {} }: World): Findings {
  const balances = Object.entries(held).map(([coin, { available, frozen = '0' }]): Balance => ({ coin, available, frozen })); // prettier-ignore
  const names = COINS.map((coin) => `${coin}_USDT`);
  const instruments = Object.fromEntries(names.map((symbol) => [symbol, { ...BTC, symbol, ...rules[symbol] }]));
  const books = Object.fromEntries(
    Object.entries(prices).map(([coin, mid]) => [
      `${coin}_USDT`,
      { bid: new Big(mid).minus('0.01').toFixed() as Decimal, ask: new Big(mid).plus('0.01').toFixed() as Decimal },
    ]),
  );
  return { instruments, books, candles: [], balances };
}

const grid = { start: START, intervalSeconds: 3600 };
const good = { ...grid, targets: { BTC: '50', ETH: '30' }, maxOrderNotional: '1000000000' };
const weights = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20 }))
  .map(([btc, eth, sol]) => ({ BTC: String(btc), ETH: String(eth), SOL: String(sol) }));
const amount = cents(0, 100_000_000);
const world = fc.record({
  held: fc.record({
    USDT: fc.record({ available: amount, frozen: amount }),
    BTC: fc.record({ available: amount, frozen: amount }),
    ETH: fc.record({ available: amount, frozen: amount }),
    SOL: fc.record({ available: amount, frozen: amount }),
  }),
  prices: fc.record({ BTC: price(), ETH: price(), SOL: price() }),
});

test('never sells more than is free, never buys for more than is free, keeps the limits, and sells first', () => {
  fc.assert(
    fc.property(
      world,
      weights,
      cents(500, 1e9),
      cents(500, 1e9),
      cents(0, 1e7),
      (of, targets, most, together, kept) => {
        const reserve = kept === '0' ? {} : { reserve: kept };
        const plan = prepared(rebalance, { ...grid, targets, maxOrderNotional: most, maxFiringNotional: together, ...reserve }); // prettier-ignore
        const orders = ordersOf(fired(plan, START_MS, findings(of)));
        const buys = orders.filter(({ side }) => side === 'buy');
        const sells = orders.filter(({ side }) => side === 'sell');
        const free = new Big(of.held.USDT.available).minus(kept);
        expect(sum(buys.map(notionalOf)).lte(free.lt(0) ? 0 : free)).toBe(true);
        const worths = orders.map((order) => {
          const coin = order.symbol.split('_')[0] as (typeof COINS)[number];
          if (order.side === 'sell') expect(new Big(sizeOf(order)).lte(of.held[coin].available)).toBe(true);
          return order.side === 'buy' ? new Big(notionalOf(order)) : new Big(sizeOf(order)).times(new Big(of.prices[coin]).minus('0.01')); // prettier-ignore
        });
        for (const worth of worths) expect(worth.lte(most)).toBe(true);
        expect(sum(worths).lte(together)).toBe(true);
        expect(orders).toEqual([...sells, ...buys]);
        expect(new Set(orders.map(({ symbol }) => symbol)).size).toBe(orders.length);
      },
    ),
    // Exact decimals are slow to shrink: a failure is told as it was found.
    { endOnFailure: true },
  );
});

test('keeps both limits over all firings of one time, whatever each of them found', () => {
  const limits = fc.record({ maxFiringNotional: cents(50_000, 1e7), reserve: cents(1, 1e7) });
  const worlds = fc.array(world, { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(worlds, weights, limits, (found, targets, { maxFiringNotional, reserve }) => {
      const plan = prepared(rebalance, { ...good, targets, maxFiringNotional, reserve });
      const orders = found.flatMap((of) => ordersOf(fired(plan, START_MS, findings(of))));
      const worth = (order: (typeof orders)[number]): string =>
        'notional' in order
          ? order.notional
          : new Big(sizeOf(order)).times(order.collar?.referencePrice ?? '0').toFixed();
      expect(mostById(orders, worth).lte(maxFiringNotional)).toBe(true);
      // Nothing is bought in between: each of them finds the same quote coin, and may not spend what another one does.
      const [first] = found;
      const USDT = first?.held.USDT ?? { available: '0', frozen: '0' };
      const kept = prepared(rebalance, { ...good, targets, reserve });
      const buys = found.flatMap((of) =>
        ordersOf(fired(kept, START_MS, findings({ ...of, held: { ...of.held, USDT } }))),
      );
      const free = new Big(USDT.available).minus(reserve);
      expect(mostById(buys, notionalOf).lte(free.lt(0) ? 0 : free)).toBe(true);
    }),
    { endOnFailure: true },
  );
});

/** The account after all orders were filled at the best prices, without fees. */
function after({ held, prices }: World, orders: ReturnType<typeof ordersOf>): Held {
  const now = Object.fromEntries(Object.entries(held).map(([coin, { available }]) => [coin, new Big(available)]));
  const add = (coin: string, by: Big): void => void (now[coin] = (now[coin] ?? new Big(0)).plus(by));
  for (const order of orders) {
    const [coin = ''] = order.symbol.split('_');
    const of = new Big(prices[coin] ?? '1');
    if (order.side === 'sell') {
      add(coin, new Big(sizeOf(order)).times(-1));
      add('USDT', new Big(sizeOf(order)).times(of.minus('0.01')));
    } else {
      add(coin, new Big(notionalOf(order)).div(of.plus('0.01')));
      add('USDT', new Big(notionalOf(order)).times(-1));
    }
  }
  return Object.fromEntries(
    Object.entries(now).map(([coin, each]) => [coin, { available: each.round(8, 0).toFixed() }]),
  );
}

test('comes into the band, and then does nothing', () => {
  const rich = fc.record({ USDT: cents(1e6, 1e9), BTC: cents(1, 1e4), ETH: cents(1, 1e6), SOL: cents(1, 1e6) });
  const near = fc.record({ BTC: cents(1e6, 1e7), ETH: cents(1e5, 1e6), SOL: cents(1e4, 1e5) });
  fc.assert(
    fc.property(rich, near, weights, fc.constantFrom('points', 'percent'), (amounts, prices, targets, bandIs) => {
      const plan = prepared(rebalance, { ...good, targets, bandIs, band: bandIs === 'points' ? '1' : '10' });
      let held: Held = Object.fromEntries(Object.entries(amounts).map(([coin, available]) => [coin, { available }]));
      let last = fired(plan, START_MS, findings({ held, prices }));
      for (let round = 0; round < 4 && last.kind === 'intents'; round += 1) {
        held = after({ held, prices }, ordersOf(last));
        last = fired(plan, START_MS + (round + 1) * 3_600_000, findings({ held, prices }));
      }
      expect(last).toMatchObject({ kind: 'nothing', why: 'every weight is within its band' });
    }),
  );
});

const PRICES = { BTC: '60000', ETH: '3000', SOL: '100' };
const balanced = { USDT: { available: '20000' }, BTC: { available: '0.83333' }, ETH: { available: '10' } };
const decided = (held: Held, more: object = {}, rules: World['rules'] = {}, prices: World['prices'] = PRICES) =>
  fired(prepared(rebalance, { ...good, ...more }), START_MS, findings({ held, prices, rules }));

describe('a firing', () => {
  test('within the band does nothing; outside of it brings back to the target, not to the edge', () => {
    expect(decided(balanced)).toEqual({ kind: 'nothing', why: 'every weight is within its band' });
    const astray = decided({ ...balanced, ETH: { available: '20' } });
    // 130,000 in all: 20 ETH are 60,000 and should be 39,000; BTC is 50,000 and should be 65,000.
    expect(ordersOf(astray)).toMatchObject([
      { symbol: 'ETH_USDT', side: 'sell', size: expect.stringMatching(/^7\.0/) },
      { symbol: 'BTC_USDT', side: 'buy', notional: expect.stringMatching(/^15000/) },
    ]);
  });
  test('counts what open orders bind as held, and does not sell it', () => {
    const bound = decided({ ...balanced, ETH: { available: '1', frozen: '19' } });
    expect(ordersOf(bound)).toMatchObject([{ symbol: 'ETH_USDT', size: '1' }, { side: 'buy' }]);
  });
  test('buys for what is free alone, and leaves the reserve', () => {
    const short = { USDT: { available: '1000', frozen: '39000' }, BTC: { available: '0.5' }, ETH: { available: '10' } };
    expect(ordersOf(decided(short))).toMatchObject([{ symbol: 'BTC_USDT', notional: '1000' }]);
    // Of 900 the five eighths that 50 are of 50 and 30: the rest is for the other coin, whoever asks for it when.
    expect(ordersOf(decided(short, { reserve: '100' }))).toMatchObject([{ symbol: 'BTC_USDT', notional: '562.5' }]);
    expect(decided(short, { reserve: '998' })).toMatchObject({ kind: 'nothing', why: expect.stringMatching(/below its minimum/) }); // prettier-ignore
  });
  test('gives a coin the same id whatever the others do', () => {
    const one = ordersOf(decided({ ...balanced, ETH: { available: '20' } }));
    const two = ordersOf(decided({ ...balanced, BTC: { available: '0.5' } }));
    const idOf = (orders: typeof one, symbol: string) => orders.find((order) => order.symbol === symbol)?.id;
    expect(idOf(one, 'BTC_USDT')).toBe(idOf(two, 'BTC_USDT'));
    expect(idOf(one, 'ETH_USDT')).not.toBe(idOf(one, 'BTC_USDT'));
  });
  test('skips what does not trade, and says so', () => {
    const skipped = decided({ ...balanced, ETH: { available: '20' } }, {}, { ETH_USDT: { tradable: false } });
    expect(skipped).toMatchObject({ kind: 'intents', notes: ['skipped: ETH_USDT takes no orders now'] });
    expect(ordersOf(skipped)).toMatchObject([{ symbol: 'BTC_USDT' }]);
  });
  test('is refused where something that is held has no price; what is not held may have none', () => {
    const unpriced = { BTC: PRICES.BTC, SOL: PRICES.SOL };
    expect(decided(balanced, {}, {}, unpriced)).toMatchObject({ kind: 'refused', why: expect.stringMatching(/ETH_USDT has no price/) }); // prettier-ignore
    const without = decided({ USDT: { available: '50000' }, BTC: { available: '0.5' } }, {}, {}, unpriced);
    expect(without).toMatchObject({ kind: 'intents', notes: ['skipped: ETH_USDT has no price'] });
  });
  test('off the grid is refused; before its start makes nothing', () => {
    const at = (ms: number) => fired(prepared(rebalance, good), ms, findings({ held: balanced, prices: PRICES }));
    expect(at(START_MS + 60_000)).toMatchObject({ kind: 'refused', why: expect.stringMatching(/no time of the grid/) });
    expect(at(START_MS - 60_000)).toMatchObject({ kind: 'nothing', why: expect.stringMatching(/before start/) });
    expect(prepared(rebalance, good).grid).toEqual({ start: START_MS, intervalSeconds: 3600 });
  });
  test('is refused where the limit of a firing leaves a coin less than its minimum, which it would never reach', () => {
    expect(decided(balanced, { maxFiringNotional: '13' })).toMatchObject({ kind: 'refused', why: expect.stringMatching(/part of ETH_USDT is 4\.88, below its minimum of 5; raise it/) }); // prettier-ignore
    expect(decided(balanced, { maxFiringNotional: '14' })).toMatchObject({ kind: 'nothing' });
  });
  test('on an empty account does nothing', () => expect(decided({})).toMatchObject({ kind: 'nothing' }));
});

test('a life as long as the interval is let be: one firing is over when the next one looks', () => {
  for (const seconds of [60, 300, 600]) {
    expect(rebalance.prepare({ ...good, intervalSeconds: seconds, lifeSeconds: seconds })).toMatchObject({ kind: 'prepared' }); // prettier-ignore
  }
});

test.each([
  [{ ...good, targets: { BTC: '60', ETH: '50' } }, /targets must be 1 to 10 coins/],
  [{ ...good, targets: {} }, /targets must be/],
  [{ ...good, targets: { BTC: 'x' } }, /targets\.BTC must be/],
  [{ ...good, targets: { BTC: '0' } }, /targets\.BTC must be/],
  [{ ...good, targets: { btc: '50' } }, /targets/],
  [{ ...good, targets: { USDT: '50' } }, /must not name the quote coin/],
  [{ ...grid, targets: { BTC: '50' } }, /maxOrderNotional is missing/],
  [{ targets: { BTC: '50' }, maxOrderNotional: '9' }, /intervalSeconds is missing/],
  [{ ...good, intervalSeconds: 299 }, /lifeSeconds \(300\) must not be above intervalSeconds \(299\)/],
])('wrong parameters are named: %j', (parameters, problem) => {
  const result = rebalance.prepare(parameters);
  expect(result).toMatchObject({ kind: 'wrong', problems: expect.arrayContaining([expect.stringMatching(problem)]) });
});
