// Dollar-cost averaging: whatever fires twice, late or never, and whatever prices do, the budget is never passed.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import { dca } from '../../shared/strategies/dca.ts';
import { candle, cents, findings, fired, mostById, notionalOf, ordersOf, prepared, price, START, START_MS, sum } from './fixture.ts'; // prettier-ignore

const HOUR = 3600;
const good = { symbol: 'BTC_USDT', notional: '25', budget: '100', start: START, intervalSeconds: HOUR };
const at = (index: number): number => START_MS + index * HOUR * 1000;

describe('the budget', () => {
  test('is never passed, under any prices, dips, and double, late, early and missed firings in any order', () => {
    const dip = fc.record({ dipPerPercent: cents(1, 500), dipMaxMultiple: cents(100, 1000) });
    const firing = fc.record({ index: fc.integer({ min: -2, max: 60 }), price: price(), mean: price() });
    fc.assert(
      fc.property(
        cents(500, 100_000),
        cents(1, 1_000_000),
        fc.option(dip, { nil: {} }),
        fc.array(firing, { maxLength: 80 }),
        (notional, budget, weighting, firings) => {
          const plan = prepared(dca, { ...good, notional, budget, ...weighting });
          const orders = firings.flatMap(({ index, price: now, mean }) =>
            ordersOf(fired(plan, at(index), findings({ price: now, candles: [candle(mean)] }))),
          );
          expect(mostById(orders, notionalOf).lte(budget)).toBe(true);
        },
      ),
    );
  });

  test('is spent to the last whole order, and what is left then is too small to trade', () => {
    fc.assert(
      fc.property(cents(500, 50_000), cents(500, 500_000), (notional, budget) => {
        const plan = prepared(dca, { ...good, notional, budget });
        const firings = Math.ceil(Number(budget) / Number(notional)) + 3;
        const decisions = Array.from({ length: firings }, (_, index) =>
          fired(plan, at(index), findings({ price: '60000' })),
        );
        const left = new Big(budget).minus(sum(decisions.flatMap(ordersOf).map(notionalOf)));
        expect(left.gte(0)).toBe(true);
        expect(left.lt(5)).toBe(true);
        // And what follows says so, every time.
        expect(decisions.at(-1)).toMatchObject({ kind: 'nothing', why: expect.stringMatching(/budget/) });
      }),
    );
  });
});

test('the same firing makes the same id, and no two firings, schedules, accounts or strategies share one', () => {
  const plan = prepared(dca, { ...good, budget: '100000000' });
  const ids = [0, 1, 2, 500].flatMap((index) =>
    ['dcaMain', 'dcaOther', 'dca-Main'].flatMap((schedule) =>
      ['main', 'other'].flatMap((account) => {
        const make = (now: string) =>
          ordersOf(plan.decide({ schedule, account, scheduledAt: at(index), findings: findings({ price: now }) }));
        const [first, again] = [make('60000'), make('61234.5')];
        expect(first.map(({ id }) => id)).toEqual(again.map(({ id }) => id));
        return first.map(({ id }) => id);
      }),
    ),
  );
  expect(ids).toHaveLength(24);
  expect(new Set(ids).size).toBe(24);
});

describe('a dip', () => {
  const weighted = { ...good, budget: '1000', dipPerPercent: '0.5', dipMaxMultiple: '3' };
  const spent = (mean: string | undefined): string | undefined => {
    const candles = mean === undefined ? [] : [candle(mean), candle(mean)];
    return ordersOf(fired(prepared(dca, weighted), at(0), findings({ price: '99.99', candles }))).map(notionalOf)[0];
  };
  test.each([
    ['at the average', '100', '25'],
    ['above it', '50', '25'],
    ['2 % below it', '102.04081633', '50'],
    ['4 % below it', '104.16666666', '74.99'],
    ['far below it', '1000', '75'],
    ['with no candle to tell', undefined, '25'],
  ])('%s buys as much as it should', (_, mean, notional) => expect(spent(mean)).toBe(notional));
  test('never buys less than notional, nor more than the most', () => {
    fc.assert(
      fc.property(price(), price(), (now, mean) => {
        const plan = prepared(dca, weighted);
        const [order] = ordersOf(fired(plan, at(3), findings({ price: now, candles: [candle(mean)] })));
        const notional = new Big(order === undefined ? '0' : notionalOf(order));
        expect(notional.gte(25) && notional.lte(75)).toBe(true);
      }),
    );
  });
  test('asks for its candles, and without one asks for none', () => {
    expect(prepared(dca, weighted).needs.candles).toEqual({ symbol: 'BTC_USDT', minutes: 60, count: 24 });
    expect(prepared(dca, good).needs).toEqual({ symbols: ['BTC_USDT'] });
  });
});

describe('a firing', () => {
  const plan = prepared(dca, good);
  test.each([
    ['before start', at(-1), /before start/],
    ['after the budget is gone', at(4), /went to the firings up to 2026-11-22T22:00:00/],
  ])('%s makes nothing and says why', (_, scheduledAt, why) => {
    expect(fired(plan, scheduledAt, findings({ price: '60000' }))).toMatchObject({ kind: 'nothing', why: expect.stringMatching(why) }); // prettier-ignore
  });
  test('off the grid is refused, and names the times next to it', () => {
    const why = expect.stringMatching(/no time of the grid.*20:00:00.*21:00:00.*correct the schedule/);
    expect(fired(plan, at(1) + 1000, findings({ price: '60000' }))).toMatchObject({ kind: 'refused', why });
  });
  test.each([
    ['a symbol that does not trade', { tradable: false }, /takes no orders/],
    ['a notional below the minimum', { minNotional: { buy: '30', sell: '5' } }, /minimum of 30; raise it/],
  ])('on %s is refused with a sentence', (_, rules, why) => {
    expect(fired(plan, at(0), findings({ price: '60000', rules }))).toMatchObject({ kind: 'refused', why: expect.stringMatching(why) }); // prettier-ignore
  });
  test('on a symbol without an ask is refused', () => {
    const found = { ...findings({ price: '60000' }), books: { BTC_USDT: {} } };
    expect(fired(plan, at(0), found)).toMatchObject({ kind: 'refused' });
  });
  test('lives from its scheduled time for its life, inside a collar, under its strategy', () => {
    const [order] = ordersOf(fired(prepared(dca, { ...good, lifeSeconds: 60, maxDeviationBps: 7 }), at(0), findings({ price: '60000' }))); // prettier-ignore
    expect(order).toMatchObject({
      id: expect.stringMatching(/^test20261122T190000[a-z0-9]{7}$/),
      createdAt: '2026-11-22T19:00:00.000Z',
      expiresAt: '2026-11-22T19:01:00.000Z',
      collar: { referencePrice: '60000.01', maxDeviationBps: 7 },
      strategy: 'dca',
    });
  });
});

test.each([
  [{}, /symbol is missing/],
  [{ ...good, notional: 25 }, /notional must be a positive decimal in quotes/],
  [{ ...good, start: '2026-02-30T00:00:00Z' }, /start must be a UTC time of whole seconds/],
  [{ ...good, start: '2026-11-22T19:00:00.500Z' }, /start must be/],
  [{ ...good, intervalSeconds: 5 }, /intervalSeconds must be a whole number from 60/],
  [{ ...good, lifeSeconds: 601 }, /lifeSeconds must be a whole number from 10 to 600/],
  [{ ...good, notioanl: '1' }, /notioanl is no parameter of dca/],
  [{ ...good, dipPerPercent: '1', dipMaxMultiple: '0.5' }, /dipMaxMultiple must be 1 or more/],
  ['x', /parameters must be one JSON object/],
  [null, /parameters must be one JSON object/],
])('wrong parameters are named: %j', (parameters, problem) => {
  const result = dca.prepare(parameters);
  expect(result).toMatchObject({ kind: 'wrong', problems: expect.arrayContaining([expect.stringMatching(problem)]) });
});
