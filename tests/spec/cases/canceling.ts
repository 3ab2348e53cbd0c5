// The execution test spec, E-060 to E-087: cancels by id, by symbol, by side and by the dead-man switch.
import assert from 'node:assert/strict';
import { sleep, type Bench, type Case, type Intent, type Market } from '../bench.ts';
import { carryOut, endsCanceled, inEach, resting, taken } from './common.ts';

export const cancels: readonly Case[] = [
  ...inEach(
    60,
    (market) =>
      `${market}: a cancel takes the order it names and no other; it is done, and the order ends as canceled by the user`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const [order, neighbour] = [bench.limit(listing), bench.limit(listing)];
      await bench.send(order, neighbour);
      await bench.rests(order);
      await bench.rests(neighbour);
      await carryOut(bench, bench.cancel(listing, order.id));
      assert.equal(await bench.state(order), 'canceled');
      await endsCanceled(bench, order);
      assert.equal(await bench.state(neighbour), 'open');
      assert.deepEqual(bench.statuses(neighbour), ['accepted']);
    },
  ),
  ...inEach(
    63,
    (market) => `${market}: a cancel of a finished order is done and says so`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const filled = await taken(bench, bench.atMarket(listing, 'buy'));
      const canceled = await resting(bench, bench.limit(listing));
      await carryOut(bench, bench.cancel(listing, canceled.id));
      for (const [order, end] of [
        [filled, 'filled'],
        [canceled, 'canceled'],
      ] as const) {
        const report = await carryOut(bench, bench.cancel(listing, order.id));
        assert.match(report.detail ?? '', RegExp(`already (${end}|finished)`));
        assert.equal(await bench.state(order), end);
      }
    },
  ),
  ...inEach(
    66,
    (market) => `${market}: a cancel of an unknown order is rejected with the venue's code, and other orders stay`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = await resting(bench, bench.limit(listing));
      const cancel = bench.cancel(listing, 'nobodyplacedthis');
      await bench.send(cancel);
      await bench.endsWithout(cancel, 'rejected', 'VENUE_REFUSED');
      assert.match((await bench.letter(cancel)).attributes['venueCode'] ?? '', /^\w+$/);
      assert.equal(await bench.state(order), 'open');
    },
  ),
  ...inEach(
    69,
    (market) => `${market}: a cancel behind its order in one batch does not overtake it`,
    (bench, market) => neverOvertakes(bench, market, undefined),
  ),
  ...inEach(
    72,
    (market) => `${market}: a cancel behind its order does not overtake it when the order's answer is lost`,
    (bench, market) => neverOvertakes(bench, market, 'lose-answer'),
  ),
  ...inEach(
    75,
    (market) => `${market}: a cancel behind its order does not overtake it when the order's request is lost`,
    (bench, market) => neverOvertakes(bench, market, 'lose-request'),
  ),
  ...inEach(
    78,
    (market) => `${market}: a cancel whose answer is lost, or whose request is, ends as done with the order canceled`,
    async (bench, market) => {
      const listing = bench.listing(market);
      for (const mishap of ['lose-answer', 'lose-request'] as const) {
        const order = await resting(bench, bench.limit(listing));
        const lost = bench.trouble('cancel', mishap);
        await carryOut(bench, bench.cancel(listing, order.id));
        assert.equal(lost.struck(), 1);
        await endsCanceled(bench, order);
        lost.lift();
      }
    },
  ),
  {
    number: 81,
    title: 'A spot cancel-all by symbol takes every order of the symbol; orders of other symbols stay',
    run: (bench) => cancelsSymbol(bench, 'spot'),
  },
  {
    number: 82,
    title: 'A futures cancel-all by symbol takes every order of the symbol; orders of other symbols stay',
    needs: ['futures'],
    run: (bench) => cancelsSymbol(bench, 'futures'),
  },
  {
    number: 83,
    title: 'A spot cancel-all by side takes the orders of that side alone',
    needs: ['cancel-all-side'],
    run: (bench) => cancelsSide(bench, 'spot'),
  },
  {
    number: 84,
    title: 'A futures cancel-all by side takes the orders of that side alone',
    needs: ['futures', 'cancel-all-side-futures'],
    run: (bench) => cancelsSide(bench, 'futures'),
  },
  {
    number: 85,
    title:
      'A spot cancel-all without symbol and side takes every spot order of the account, and none of another account',
    needs: ['cancel-all-symbols'],
    run: async (bench) => {
      const account = await bench.account('other');
      const orders = [bench.limit(bench.listing('spot')), bench.limit(bench.listing('spot', 'other'))];
      const foreign = bench.limit(bench.listing('spot'), { account });
      await bench.send(...orders, foreign);
      for (const each of [...orders, foreign]) await bench.rests(each);
      await carryOut(bench, bench.intent({ action: 'cancel-all', market: 'spot' }));
      for (const each of orders) await endsCanceled(bench, each);
      assert.equal(await bench.state(foreign), 'open');
    },
  },
  {
    number: 86,
    title:
      'The dead-man switch cancels the orders of its symbol unless it is renewed in time, and none of another symbol',
    needs: ['futures', 'dead-man'],
    run: async (bench) => {
      const [listing, other] = [bench.listing('futures'), bench.listing('futures', 'other')];
      const [order, elsewhere] = [bench.limit(listing), bench.limit(other)];
      await bench.send(order, elsewhere);
      await bench.rests(order);
      await bench.rests(elsewhere);
      await carryOut(bench, deadMan(bench, 5));
      await sleep(3000);
      await carryOut(bench, deadMan(bench, 5));
      await sleep(3500);
      assert.equal(await bench.state(order), 'open', 'renewed in time');
      await endsCanceled(bench, order, 'system');
      assert.equal(await bench.state(elsewhere), 'open');
    },
  },
  {
    number: 87,
    title: 'A dead-man switch that is turned off cancels nothing',
    needs: ['futures', 'dead-man'],
    run: async (bench) => {
      const order = await resting(bench, bench.limit(bench.listing('futures')));
      await carryOut(bench, deadMan(bench, 5));
      await carryOut(bench, deadMan(bench, 0));
      await sleep(6500);
      assert.equal(await bench.state(order), 'open');
      assert.deepEqual(bench.statuses(order), ['accepted']);
    },
  },
];

export const deadMan = (bench: Bench, timeoutSeconds: number): Intent => {
  const { market, symbol } = bench.listing('futures');
  return bench.intent({ action: 'cancel-all-after', market, symbol, timeoutSeconds });
};

async function neverOvertakes(bench: Bench, market: Market, mishap: 'lose-answer' | 'lose-request' | undefined) {
  const listing = bench.listing(market);
  const order = bench.limit(listing);
  const cancel = bench.cancel(listing, order.id);
  const placements = bench.trouble('place', mishap ?? 'throttle', mishap === undefined ? 0 : 1);
  await bench.send(order, cancel);
  await bench.ends(cancel, 'done');
  assert.equal(await bench.state(order), 'canceled');
  await endsCanceled(bench, order);
  assert.equal(placements.seen(), mishap === 'lose-request' ? 2 : 1, 'placements');
}

async function cancelsSymbol(bench: Bench, market: 'spot' | 'futures'): Promise<void> {
  const [listing, other] = [bench.listing(market), bench.listing(market, 'other')];
  const orders = [bench.limit(listing), bench.limit(listing, { side: 'sell' }), bench.limit(listing)];
  const elsewhere = bench.limit(other);
  await bench.send(...orders, elsewhere);
  for (const each of [...orders, elsewhere]) await bench.rests(each);
  await carryOut(bench, bench.intent({ action: 'cancel-all', market, symbol: listing.symbol }));
  for (const each of orders) await endsCanceled(bench, each);
  assert.equal(await bench.state(elsewhere), 'open');
}

async function cancelsSide(bench: Bench, market: 'spot' | 'futures'): Promise<void> {
  const listing = bench.listing(market);
  const [buy, sell] = [bench.limit(listing), bench.limit(listing, { side: 'sell' })];
  await bench.send(buy, sell);
  await bench.rests(buy);
  await bench.rests(sell);
  await carryOut(bench, bench.intent({ action: 'cancel-all', market, symbol: listing.symbol, side: 'sell' }));
  await endsCanceled(bench, sell);
  assert.equal(await bench.state(buy), 'open');
}
