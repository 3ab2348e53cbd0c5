// The execution test spec, E-050 to E-055: orders that are changed while they rest.
import assert from 'node:assert/strict';
import { equal, times, type Case } from '../bench.ts';
import type { Need } from '../grounds.ts';
import { carryOut, needsOf, resting, taken } from './common.ts';

const amending = (number: number, market: 'spot' | 'futures', need: Need): Case => ({
  number,
  title: `${market}: an amend changes price, size or both of a resting order, which keeps its id`,
  needs: [...needsOf(market), need],
  run: async (bench) => {
    const listing = bench.listing(market);
    const order = await resting(bench, bench.limit(listing));
    const before = await bench.row(order);
    const [price, size] = [times(listing.price, '0.8'), times(listing.lot, 2)];
    for (const [change, wanted] of [
      [{ price, size }, [price, size]],
      [{ price: times(listing.price, '0.85') }, [times(listing.price, '0.85'), size]],
      [{ size: listing.lot }, [times(listing.price, '0.85'), listing.lot]],
    ] as const) {
      await carryOut(bench, bench.amend(listing, order.id, change));
      const row = await bench.row(order);
      equal(row.price, wanted[0], 'price');
      equal(row.size, wanted[1], 'size');
      assert.deepEqual([row.state, row.venueOrderId], ['open', before.venueOrderId]);
    }
  },
});

export const amends: readonly Case[] = [
  amending(50, 'futures', 'futures-amend'),
  amending(51, 'spot', 'spot-amend'),
  {
    number: 52,
    title: 'An amend of a finished order is done and says so; of an unknown one it is denied as TARGET_NOT_FOUND',
    needs: ['futures', 'futures-amend'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const filled = await taken(bench, bench.atMarket(listing, 'buy'));
      const canceled = await resting(bench, bench.limit(listing));
      await carryOut(bench, bench.cancel(listing, canceled.id));
      const price = times(listing.price, '0.8');
      for (const [target, how] of [
        [filled, /already filled/],
        [canceled, /already canceled/],
      ] as const) {
        assert.match((await carryOut(bench, bench.amend(listing, target.id, { price }))).detail ?? '', how);
      }
      const lost = bench.amend(listing, 'nobodyplacedthis', { price });
      await bench.send(lost);
      await bench.endsWithout(lost, 'denied', 'TARGET_NOT_FOUND');
      equal((await bench.row(canceled)).price, String(canceled['price']), 'price');
    },
  },
  {
    number: 53,
    title: 'An amend is held to the minimums like a new order: one below them is denied, and the order stays as it was',
    needs: ['futures', 'futures-amend'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const order = await resting(bench, bench.limit(listing));
      const small = bench.amend(listing, order.id, { size: times(listing.minSize, '0.5') });
      await bench.send(small);
      await bench.endsWithout(small, 'denied', 'SIZE_BELOW_MINIMUM', RegExp(listing.minSize));
      equal((await bench.row(order)).size, listing.lot, 'size');
    },
  },
  ...(['lose-answer', 'lose-request'] as const).map((mishap, index): Case => ({
    number: 54 + index,
    title: `An amend whose ${mishap.slice(5)} is lost ends as done, and the order is as it was wanted`,
    needs: ['futures', 'futures-amend'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const order = await resting(bench, bench.limit(listing));
      const amends = bench.trouble('amend', mishap);
      const price = times(listing.price, '0.8');
      const amend = bench.amend(listing, order.id, { price });
      await carryOut(bench, amend);
      assert.equal(amends.struck(), 1);
      assert.equal(amends.seen(), mishap === 'lose-answer' ? 1 : 2, 'amends sent');
      const row = await bench.row(order);
      equal(row.price, price, 'price');
      equal(row.size, listing.lot, 'size');
    },
  })),
];
