// The execution test spec, E-090 to E-109: lost requests and answers, repeated messages and ids, expiry.
import assert from 'node:assert/strict';
import { equal, sleep, times, type Case } from '../bench.ts';
import { MARKETS, inEach, needsOf, resting } from './common.ts';

export const losses: readonly Case[] = [
  ...inEach(
    90,
    (market) =>
      `${market}: a placement whose answer is lost is looked up and reported as accepted: one request, one order`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'lose-answer');
      const order = bench.limit(bench.listing(market));
      await bench.send(order);
      await bench.rests(order);
      assert.deepEqual([placements.struck(), placements.seen()], [1, 1]);
    },
  ),
  ...inEach(
    93,
    (market) => `${market}: a placement whose request is lost is sent again once its absence is proven: one order`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'lose-request');
      const order = bench.limit(bench.listing(market));
      const sentAt = Date.now();
      await bench.send(order);
      await bench.rests(order);
      assert.deepEqual([placements.struck(), placements.seen()], [1, 2]);
      assert.ok(Date.now() - sentAt >= bench.ground.horizonMs, 'proven before it could be');
    },
  ),
  ...inEach(
    96,
    (market) =>
      `${market}: a placement whose answer is lost, and that look-ups do not show for a while, is not sent again`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'lose-answer');
      // As many questions as are asked before the horizon.
      const hidden = bench.trouble('look-up', 'show-nothing', 6);
      const order = bench.limit(bench.listing(market));
      await bench.send(order);
      await bench.rests(order);
      assert.ok(hidden.struck() > 0, 'it was looked for');
      assert.equal(placements.seen(), 1, 'placements');
    },
  ),
  ...inEach(
    99,
    (market) =>
      `${market}: a placement whose answer is lost while look-ups fail is neither sent again nor told until one succeeds`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'lose-answer');
      const broken = bench.trouble('look-up', 'break-down', Infinity);
      const order = bench.limit(bench.listing(market));
      await bench.send(order);
      await bench.until('a look-up', () => broken.struck() > 0);
      await sleep(2000);
      assert.deepEqual(bench.statuses(order), []);
      broken.lift();
      await bench.rests(order);
      assert.equal(placements.seen(), 1, 'placements');
    },
  ),
  ...inEach(
    102,
    (market) => `${market}: an intent that is sent twice makes one order`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'throttle', 0);
      const [order, behind] = [bench.limit(bench.listing(market)), bench.limit(bench.listing(market))];
      await bench.send(order);
      await bench.send(order);
      await bench.send(behind);
      await bench.rests(behind);
      await bench.rests(order);
      assert.equal(placements.seen(), 2, 'placements');
    },
  ),
  ...inEach(
    105,
    (market) =>
      `${market}: a second message with the same id, after SQS has forgotten the first, makes no second order`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = await resting(bench, bench.limit(listing));
      await sleep(bench.ground.deduplicationMs + 1000);
      const behind = bench.limit(listing);
      await bench.ground.system.send([{ ...order, createdAt: new Date().toISOString() }]);
      await bench.send(behind);
      await bench.rests(behind);
      await bench.until('a second report', () => bench.ground.system.reportsOf(order.id).length > 1);
      assert.deepEqual(bench.statuses(order), ['accepted']);
      assert.equal(await bench.state(order), 'open');
    },
    ['spot', 'futures'],
  ),
  {
    number: 108,
    title: 'An id that an order of other numbers has already is rejected as ID_REUSED, and that order stays',
    run: async (bench) => {
      const listing = bench.listing('spot');
      const order = await resting(bench, bench.limit(listing));
      await sleep(bench.ground.deduplicationMs + 1000);
      const other = { ...order, createdAt: new Date().toISOString(), size: times(listing.lot, 2) };
      await bench.ground.system.send([other]);
      assert.equal((await bench.ends(order, 'accepted', 'rejected')).reason, 'ID_REUSED');
      const row = await bench.row(order);
      equal(row.size, listing.lot, 'size');
    },
  },
  {
    number: 109,
    title: 'What is expired is never sent, in no market and of no action',
    run: async (bench) => {
      const past = { createdAt: ago(3000), expiresAt: ago(1000) };
      const markets = MARKETS.filter((market) => needsOf(market).every((need) => bench.can(need)));
      const order = await resting(bench, bench.limit(bench.listing('spot')));
      const placements = bench.trouble('place', 'throttle', 0);
      const late = [
        ...markets.map((market) => bench.limit(bench.listing(market), past)),
        bench.cancel(bench.listing('spot'), order.id, past),
      ];
      await bench.send(...late);
      for (const each of late) await bench.endsWithout(each, 'expired', 'INTENT_EXPIRED', /expired at/);
      assert.equal(placements.seen(), 0, 'placements');
      assert.equal(await bench.state(order), 'open');
    },
  },
];

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
