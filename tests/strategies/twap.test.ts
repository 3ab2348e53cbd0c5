// TWAP: slices add up to the whole, no slice is ever made twice under another id, and what rounding takes is told.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import { roundDown } from '../../shared/order/instrument.ts';
import { twap } from '../../shared/strategies/twap.ts';
import { BTC, cents, findings, fired, mostById, notionalOf, ordersOf, prepared, price, sizeOf, START, START_MS, sum } from './fixture.ts'; // prettier-ignore

const MINUTE = 60_000;
const utc = (ms: number): string => new Date(ms).toISOString().replace('.000', '');
const good = {
  symbol: 'BTC_USDT',
  side: 'sell',
  size: '1',
  start: START,
  end: utc(START_MS + 10 * MINUTE),
  slices: 10,
};
/** A parent order of so many slices, a minute apart. */
const parent = (slices: number, more: object): object => ({
  ...good,
  slices,
  end: utc(START_MS + slices * MINUTE),
  ...more,
});
const size = (): fc.Arbitrary<string> =>
  fc.integer({ min: 100_000, max: 1_000_000_000 }).map((units) => new Big(units).div(10_000_000).toFixed());
const type = fc.constantFrom('ioc', 'limit');

describe('slices of a size', () => {
  test('add up to the whole rounded down to the step, differ by one step at most, and the loss is told', () => {
    fc.assert(
      fc.property(size(), fc.integer({ min: 1, max: 60 }), type, (whole, slices, kind) => {
        const plan = prepared(twap, parent(slices, { size: whole, type: kind }));
        // Dear enough that the smallest slice may be traded.
        const found = findings({ price: '100000000' });
        const decisions = Array.from({ length: slices }, (_, index) => fired(plan, START_MS + index * MINUTE, found));
        const sizes = decisions.flatMap(ordersOf).map(sizeOf);
        if (new Big(roundDown(whole, BTC.sizeStep)).lt(new Big(BTC.minSize).times(slices))) return;
        expect(sizes).toHaveLength(slices);
        expect(sum(sizes).toFixed()).toBe(roundDown(whole, BTC.sizeStep));
        const sorted = sizes.map(Number).toSorted((a, b) => a - b);
        expect((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)).toBeLessThan(0.0000101);
        const lost = new Big(whole).minus(sum(sizes));
        const notes = decisions.flatMap((each) => (each.kind === 'intents' ? each.notes : []));
        const told = notes.filter((note) => note.includes(`${lost.toFixed()} BTC of the whole are below the step`));
        expect(told).toHaveLength(lost.gt(0) ? slices : 0);
      }),
    );
  });

  test('never come to more than the whole, under double, late, early and missed firings at any prices', () => {
    const firing = fc.record({ index: fc.integer({ min: -3, max: 70 }), price: price() });
    fc.assert(
      fc.property(
        size(),
        fc.integer({ min: 1, max: 60 }),
        fc.array(firing, { maxLength: 100 }),
        (whole, slices, firings) => {
          const plan = prepared(twap, parent(slices, { size: whole }));
          const orders = firings.flatMap(({ index, price: now }) =>
            ordersOf(fired(plan, START_MS + index * MINUTE, findings({ price: now }))),
          );
          expect(mostById(orders, sizeOf).lte(whole)).toBe(true);
          // One id a slice, and one slice an id.
          const pairs = new Set(orders.map((order) => `${order.id} ${order.createdAt}`));
          expect(new Set(orders.map(({ id }) => id)).size).toBe(pairs.size);
          expect(new Set(orders.map(({ createdAt }) => createdAt)).size).toBe(pairs.size);
        },
      ),
    );
  });
});

describe('slices of a notional', () => {
  const buy = { side: 'buy', size: undefined };
  test('at market add up to the whole in steps of the price', () => {
    fc.assert(
      fc.property(cents(100_000, 10_000_000), fc.integer({ min: 1, max: 60 }), (notional, slices) => {
        const plan = prepared(twap, JSON.parse(JSON.stringify(parent(slices, { ...buy, notional, type: 'market' }))));
        const spent = Array.from({ length: slices }, (_, index) => fired(plan, START_MS + index * MINUTE, findings({ price: '60000' }))).flatMap(ordersOf).map(notionalOf); // prettier-ignore
        expect(sum(spent).toFixed()).toBe(notional);
      }),
    );
  });
  test('at a price never spend more than the whole, and what is below a step of the size is told', () => {
    fc.assert(
      fc.property(
        cents(1_000_000, 10_000_000),
        fc.integer({ min: 1, max: 20 }),
        price(),
        type,
        (notional, slices, now, kind) => {
          const plan = prepared(twap, JSON.parse(JSON.stringify(parent(slices, { ...buy, notional, type: kind }))));
          const decisions = Array.from({ length: slices }, (_, index) => fired(plan, START_MS + index * MINUTE, findings({ price: now }))); // prettier-ignore
          const orders = decisions.flatMap(ordersOf);
          if (orders.length === 0) return;
          const spent = sum(orders.map((order) => new Big(sizeOf(order)).times('price' in order ? order.price : '0')));
          const told = decisions.flatMap((each) => (each.kind === 'intents' ? each.notes : [])).flatMap((note) => /^(\S+) USDT of the slice/.exec(note)?.[1] ?? []); // prettier-ignore
          expect(
            spent
              .plus(sum(told))
              .minus(notional)
              .abs()
              .lte(slices * 1e-8),
          ).toBe(true);
          expect(spent.lte(notional)).toBe(true);
        },
      ),
    );
  });
});

describe('the price', () => {
  const priced = (more: object) => ordersOf(fired(prepared(twap, { ...good, ...more }), START_MS, findings({ price: '60000' })))[0]; // prettier-ignore
  test.each([
    ['a sell at the bid, less 10 bps', {}, '59940'],
    ['a sell near, at the ask', { priceFrom: 'near', offsetBps: 0, type: 'limit' }, '60000.01'],
    ['a sell dearer than the ask', { priceFrom: 'near', offsetBps: -5, type: 'limit' }, '60030.02'],
    ['a buy at the ask, and 10 bps', { side: 'buy' }, '60060.01'],
    ['a buy near, at the bid', { side: 'buy', priceFrom: 'near', offsetBps: 0, type: 'limit' }, '59999.99'],
  ])('of %s', (_, more, expected) => expect(priced(more)).toMatchObject({ price: expected }));
  test('is inside the collar and on the side that was asked for, whatever the market', () => {
    fc.assert(
      fc.property(
        price(),
        fc.integer({ min: -100, max: 100 }),
        fc.constantFrom('buy', 'sell'),
        (now, offsetBps, side) => {
          const plan = prepared(twap, { ...good, size: '1000000', side, offsetBps, type: 'limit' });
          const [order] = ordersOf(fired(plan, START_MS, findings({ price: now })));
          if (order === undefined || !('price' in order)) throw new Error('no order');
          const reference = new Big(order.collar?.referencePrice ?? '0');
          const worse = new Big(order.price).minus(reference).times(side === 'buy' ? 1 : -1);
          expect(worse.div(reference).times(10_000).lte(100)).toBe(true);
          expect(worse.div(reference).times(10_000).lte(offsetBps)).toBe(true);
        },
      ),
    );
  });
});

describe('a firing', () => {
  const plan = prepared(twap, good);
  test.each([
    ['before start', START_MS - MINUTE, /before start/],
    ['at the end', START_MS + 10 * MINUTE, /ended at/],
    ['long after it', START_MS + 100 * MINUTE, /ended at/],
  ])('%s makes nothing and says why', (_, scheduledAt, why) => {
    expect(fired(plan, scheduledAt, findings({ price: '60000' }))).toMatchObject({ kind: 'nothing', why: expect.stringMatching(why) }); // prettier-ignore
  });
  test('between two slices is refused', () => {
    expect(fired(plan, START_MS + 30_000, findings({ price: '60000' }))).toMatchObject({ kind: 'refused', why: expect.stringMatching(/no time of the grid/) }); // prettier-ignore
  });
  test.each([
    [
      'a slice below the smallest size',
      { size: '0.00008' },
      {},
      /0 BTC is below BTC_USDT's minimum of 0.00001; use fewer than 10/,
    ],
    ['a slice below the smallest value', { size: '0.0005' }, {}, /below BTC_USDT's minimum of 5; use fewer than 10/],
    ['a symbol that does not trade', {}, { tradable: false }, /takes no orders/],
  ])('with %s is refused, the first one already', (_, more, rules, why) => {
    const refused = fired(prepared(twap, { ...good, ...more }), START_MS, findings({ price: '60000', rules }));
    expect(refused).toMatchObject({ kind: 'refused', why: expect.stringMatching(why) });
  });
});

test.each([
  [{ ...good, notional: '5' }, /give either size or notional/],
  [{ ...good, size: undefined }, /give either size or notional/],
  [{ ...good, size: undefined, notional: '500' }, /notional is for buys alone/],
  [{ ...good, side: 'buy', type: 'market' }, /a market buy spends a notional/],
  [{ ...good, slices: 7 }, /end must lie 7 times a whole number of seconds/],
  [{ ...good, slices: 20 }, /end must lie 20 times/],
  [{ ...good, offsetBps: 101 }, /offsetBps must not be above maxDeviationBps/],
  [{ ...good, side: 'long' }, /side must be one of "buy", "sell"/],
])('wrong parameters are named: %j', (parameters, problem) => {
  const result = twap.prepare(parameters);
  expect(result).toMatchObject({ kind: 'wrong', problems: expect.arrayContaining([expect.stringMatching(problem)]) });
});
