// The execution test spec, E-140 to E-151: fills, ends, and orders that are not shown any more.
import assert from 'node:assert/strict';
import { equal, times, type Bench, type Case, type Intent, type Market } from '../bench.ts';
import { carryOut, endsCanceled, inEach, resting } from './common.ts';

/** A buy of two lots between bid and ask, one of which another account sells to it. */
const partly = async (
  bench: Bench,
  market: Market,
  then: (order: Intent, sell: () => Promise<void>) => Promise<void>,
) => {
  const listing = bench.listing(market, 'other');
  const seller = await bench.account('seller');
  const { price, lot } = listing;
  const sell = async (): Promise<void> => {
    const sale = bench.limit(listing, { account: seller, side: 'sell', type: 'ioc', price });
    await bench.send(sale);
    await bench.ends(sale, 'accepted', 'filled');
  };
  await bench.alone(listing, async () => {
    const order = await resting(bench, bench.limit(listing, { price, size: times(lot, 2) }));
    await sell();
    const report = await bench.ends(order, 'accepted', 'partially-filled');
    equal(report.filledSize, lot, 'filledSize');
    assert.equal(await bench.state(order), 'partially-filled');
    await then(order, sell);
  });
};

export const following: readonly Case[] = [
  ...inEach(
    140,
    (market) =>
      `${market}: an order that is filled in part is told as partially-filled, and once it is whole, as filled, once`,
    (bench, market) =>
      partly(bench, market, async (order, sell) => {
        const listing = bench.listing(market, 'other');
        await sell();
        const report = await bench.ends(order, 'accepted', 'partially-filled', 'filled');
        equal(report.filledSize, times(listing.lot, 2), 'filledSize');
        assert.equal(await bench.costs(order, report, listing, false), 'filled');
      }),
  ),
  ...inEach(
    143,
    (market) => `${market}: an order that is filled in part and then canceled ends as canceled, with what was filled`,
    (bench, market) =>
      partly(bench, market, async (order) => {
        const listing = bench.listing(market, 'other');
        await carryOut(bench, bench.cancel(listing, order.id));
        const report = await bench.ends(order, 'accepted', 'partially-filled', 'canceled');
        assert.equal(report.cancelSource, bench.source(market, 'user'));
        equal(report.filledSize, listing.lot, 'filledSize');
        assert.equal(await bench.costs(order, report, listing, false), 'canceled');
      }),
  ),
  {
    number: 146,
    title: 'A market buy whose money is spent ends filled even where the venue ends it canceled',
    needs: ['spent-ends-canceled'],
    run: async (bench) => {
      const listing = bench.listing('spot');
      await bench.ground.spentEndsCanceled(true);
      const order = bench.atMarket(listing, 'buy');
      await bench.send(order);
      const report = await bench.ends(order, 'accepted', 'filled');
      await bench.ground.spentEndsCanceled(false);
      assert.equal(await bench.costs(order, report, listing), 'canceled');
    },
  },
  ...inEach(
    147,
    (market) => `${market}: an accepted order that the venue does not show any more ends as canceled, source unknown`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = bench.limit(listing);
      await bench.send(order);
      await bench.ends(order, 'accepted');
      bench.trouble('look-up', 'show-nothing', Infinity);
      await carryOut(bench, bench.cancel(listing, order.id));
      assert.equal(await bench.state(order), 'canceled');
      const report = await bench.ends(order, 'accepted', 'canceled');
      assert.equal(report.cancelSource, 'unknown');
      equal(report.filledSize, '0', 'filledSize');
      assert.match(report.detail ?? '', /does not show/);
    },
  ),
  {
    number: 150,
    title: 'A look-up that fails ends nothing: the order is followed on, and its end is told when it can be seen',
    run: async (bench) => {
      const listing = bench.listing('spot');
      const order = bench.limit(listing);
      await bench.send(order);
      await bench.ends(order, 'accepted');
      const broken = bench.trouble('look-up', 'break-down', Infinity);
      await carryOut(bench, bench.cancel(listing, order.id));
      await bench.until('a look-up', () => broken.struck() > 1);
      assert.deepEqual(bench.statuses(order), ['accepted']);
      broken.lift();
      await endsCanceled(bench, order);
    },
  },
  {
    number: 151,
    title:
      'An accepted spot order that the venue shows as failed ends as rejected, with a dead letter that holds its intent',
    run: async (bench) => {
      const order = bench.limit(bench.listing('spot'));
      await bench.send(order);
      await bench.ends(order, 'accepted');
      bench.trouble('look-up', 'show-failed', Infinity);
      const report = await bench.ends(order, 'accepted', 'rejected');
      assert.equal(report.reason, 'VENUE_REFUSED');
      const { attributes, body } = await bench.letter(order);
      assert.deepEqual([attributes['reason'], attributes['certainty']], ['VENUE_REFUSED', 'refused']);
      assert.deepEqual(JSON.parse(body), order);
    },
  },
];
