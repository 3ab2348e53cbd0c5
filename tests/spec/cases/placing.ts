// The execution test spec, E-001 to E-036: orders of every type, the venue's rules, what the account cannot pay.
import assert from 'node:assert/strict';
import { equal, plus, times, type Case } from '../bench.ts';
import type { Need } from '../grounds.ts';
import { clear, endsCanceled, inEach, isMostOf, needsOf, resting } from './common.ts';

const prevention = (number: number, market: 'spot' | 'futures', need: Need): Case => ({
  number,
  title: `${market}: self-trade prevention arrives: an account's order meets its own, and the one that was named is canceled`,
  needs: [...needsOf(market), need],
  run: async (bench) => {
    const listing = bench.listing(market, 'other');
    const inside = { price: listing.price };
    await bench.alone(listing, async () => {
      const maker = await resting(bench, bench.limit(listing, { ...inside, side: 'sell' }));
      const taker = bench.limit(listing, { ...inside, selfTradePrevention: 'cancel-taker' });
      await bench.send(taker);
      await endsCanceled(bench, taker, 'stp');
      assert.equal(await bench.state(maker), 'open');
      const second = bench.limit(listing, { ...inside, selfTradePrevention: 'cancel-maker' });
      await bench.send(second);
      await endsCanceled(bench, maker, 'stp');
      await bench.rests(second);
      await clear(bench, [second]);
    });
  },
});

export const placing: readonly Case[] = [
  ...inEach(
    1,
    (market) => `A ${market} limit order is accepted, rests, and is once in the book as it was asked for`,
    async (bench, market) => {
      const orders = [bench.limit(bench.listing(market)), bench.limit(bench.listing(market), { side: 'sell' })];
      await bench.send(...orders);
      for (const order of orders) {
        const row = await bench.rests(order);
        equal(row.size, String(order['size']), 'size');
        equal(row.price, String(order['price']), 'price');
      }
    },
  ),
  ...inEach(
    4,
    (market) => `A ${market} market buy ends filled, with average price, fee and fee coin as the book has them`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = bench.atMarket(listing, 'buy');
      await bench.send(order);
      const report = await bench.ends(order, 'accepted', 'filled');
      assert.equal(await bench.costs(order, report, listing), 'filled');
      const { filledSize, filledNotional } = await bench.row(order);
      if (order['size'] !== undefined) equal(filledSize, listing.lot, 'filled');
      else isMostOf(filledNotional, String(order['notional']));
    },
  ),
  ...inEach(
    7,
    (market) => `A ${market} market sell by size ends filled with that size`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = bench.atMarket(listing, 'sell');
      await bench.send(order);
      const report = await bench.ends(order, 'accepted', 'filled');
      equal(report.filledSize, listing.lot, 'filledSize');
      assert.equal(await bench.costs(order, report, listing), 'filled');
    },
  ),
  ...inEach(
    10,
    (market) =>
      `A ${market} ioc order that reaches the market is filled; one that does not is canceled and never rests`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const far = bench.limit(listing, { type: 'ioc' });
      const near = bench.limit(listing, { type: 'ioc', price: times(listing.price, '1.01') });
      await bench.send(far, near);
      const report = await bench.ends(near, 'accepted', 'filled');
      assert.equal(await bench.costs(near, report, listing), 'filled');
      await endsCanceled(bench, far, (await bench.row(far)).cancelSource);
      assert.equal((await bench.row(far)).type, 'ioc');
    },
  ),
  ...inEach(
    13,
    (market) =>
      `A ${market} maker-only order rests; one that would take never fills, whether the venue refuses or cancels it`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const rests = bench.limit(listing, { type: 'limit-maker' });
      const takes = bench.limit(listing, { type: 'limit-maker', price: times(listing.price, '1.01') });
      await bench.send(rests, takes);
      await bench.rests(rests);
      await bench.until('an end', () => ['rejected', 'canceled'].includes(bench.statuses(takes).at(-1) ?? ''));
      if (bench.statuses(takes).includes('rejected')) await bench.endsWithout(takes, 'rejected', 'VENUE_REFUSED');
      else await endsCanceled(bench, takes, (await bench.row(takes)).cancelSource);
    },
  ),
  {
    number: 16,
    title: 'A futures fill-or-kill order is filled as a whole, or canceled without a fill where the price offers less',
    needs: ['futures'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const whole = bench.limit(listing, { type: 'fok', price: times(listing.price, '1.01') });
      const best = plus(listing.price, listing.priceStep);
      const tooLarge = bench.limit(listing, { type: 'fok', price: best, size: times(listing.lot, 1000) });
      await bench.send(whole, tooLarge);
      const report = await bench.ends(whole, 'accepted', 'filled');
      equal(report.filledSize, listing.lot, 'filledSize');
      await endsCanceled(bench, tooLarge, (await bench.row(tooLarge)).cancelSource);
    },
  },
  {
    number: 17,
    title: 'A spot fill-or-kill order is filled as a whole',
    needs: ['spot-fok'],
    run: async (bench) => {
      const listing = bench.listing('spot');
      const whole = bench.limit(listing, { type: 'fok', price: times(listing.price, '1.01') });
      await bench.send(whole);
      equal((await bench.ends(whole, 'accepted', 'filled')).filledSize, listing.lot, 'filledSize');
      assert.equal(await bench.state(whole), 'filled');
    },
  },
  ...inEach(
    18,
    (market) => `${market}: price and size are rounded down to the venue's steps, never up`,
    async (bench, market) => {
      for (const which of ['main', 'other'] as const) {
        const listing = bench.listing(market, which);
        const price = times(listing.price, '0.9');
        const order = bench.limit(listing, {
          price: plus(price, times(listing.priceStep, '0.9')),
          size: plus(listing.lot, times(listing.sizeStep, '0.9')),
        });
        await bench.send(order);
        const row = await bench.rests(order);
        equal(row.price, price, 'price');
        equal(row.size, listing.lot, 'size');
      }
    },
  ),
  ...inEach(
    21,
    (market) => `${market}: a size below the minimum (futures: below one contract) is denied with the minimum`,
    async (bench, market) => {
      const listing = bench.listing(market, 'other');
      const order = bench.limit(listing, { size: times(listing.minSize, '0.5') });
      await bench.send(order);
      await bench.endsWithout(order, 'denied', 'SIZE_BELOW_MINIMUM', RegExp(listing.minSize.replace('.', '\\.')));
    },
  ),
  ...inEach(
    24,
    (market) => `${market}: an order worth less than the minimum is denied with the minimum`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = bench.limit(listing, { size: listing.minSize });
      const spent = bench.atMarket(listing, 'buy', { notional: times(listing.minNotional ?? '0', '0.5') });
      await bench.send(order, spent);
      for (const each of [order, spent]) {
        await bench.endsWithout(
          each,
          'denied',
          'NOTIONAL_BELOW_MINIMUM',
          RegExp(`minimum of ${listing.minNotional ?? ''}`),
        );
      }
    },
    ['spot', 'margin'],
  ),
  ...inEach(
    26,
    (market) => `${market}: an unknown symbol and one that does not trade now are denied by name`,
    async (bench, market) => {
      const listing = bench.listing(market, 'closed');
      const unknown = bench.limit({ ...listing, symbol: 'NOPE_USDT' });
      const closed = bench.limit(listing);
      await bench.send(unknown, closed);
      await bench.endsWithout(unknown, 'denied', 'SYMBOL_UNKNOWN', /NOPE_USDT/);
      await bench.endsWithout(closed, 'denied', 'SYMBOL_NOT_TRADING', RegExp(listing.symbol));
    },
  ),
  ...inEach(
    29,
    (market) => `${market}: what the account cannot pay is rejected with the venue's code, and not in the book`,
    async (bench, market) => {
      const account = await bench.account('poor', { isPoor: true });
      const order = bench.limit(bench.listing(market), { account });
      const placements = bench.trouble('place', 'throttle', 0, account);
      await bench.send(order);
      await bench.endsWithout(order, 'rejected', 'VENUE_REFUSED');
      assert.match((await bench.letter(order)).attributes['venueCode'] ?? '', /^\w+$/);
      assert.equal(placements.seen(), 1, 'it is sent once');
    },
  ),
  prevention(35, 'spot', 'self-trade-prevention'),
  prevention(36, 'futures', 'self-trade-prevention-futures'),
];
