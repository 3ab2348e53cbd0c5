// The execution test spec, E-110 to E-127: what an account may do, and what an intent allows itself.
import assert from 'node:assert/strict';
import { equal, sleep, times, type Case } from '../bench.ts';
import { endsCanceled, inEach, resting, taken } from './common.ts';

export const mandates: readonly Case[] = [
  ...inEach(
    110,
    (market) => `${market}: a halted account places nothing, and cancels still pass`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = await resting(bench, bench.limit(listing));
      await bench.account('', { mandate: { state: 'halted' } });
      await sleep(bench.ground.mandateMs + 500);
      const [buy, sell] = [bench.limit(listing), bench.limit(listing, { side: 'sell' })];
      const cancel = bench.cancel(listing, order.id);
      await bench.send(buy, sell, cancel);
      for (const each of [buy, sell]) await bench.endsWithout(each, 'denied', 'TRADING_HALTED', /halted/);
      await bench.ends(cancel, 'done');
      await endsCanceled(bench, order);
    },
  ),
  {
    number: 113,
    title: 'spot: a reducing account sells and does not buy',
    run: async (bench) => {
      const listing = bench.listing('spot');
      await bench.account('', { mandate: { state: 'reducing' } });
      const [buy, sell] = [bench.limit(listing), bench.limit(listing, { side: 'sell' })];
      await bench.send(buy, sell);
      await bench.endsWithout(buy, 'denied', 'TRADING_REDUCING', /reducing/);
      await bench.rests(sell);
    },
  },
  {
    number: 114,
    title: 'margin: a reducing account places nothing, since a sale may borrow',
    needs: ['margin'],
    run: async (bench) => {
      const listing = bench.listing('margin');
      await bench.account('', { mandate: { state: 'reducing' } });
      const orders = [bench.limit(listing), bench.limit(listing, { side: 'sell' })];
      await bench.send(...orders);
      for (const each of orders) await bench.endsWithout(each, 'denied', 'TRADING_REDUCING', /reducing/);
    },
  },
  {
    number: 115,
    title: 'futures: a reducing account opens nothing and amends nothing; reduce-only orders and cancels pass',
    needs: ['futures', 'futures-amend'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      await taken(bench, bench.atMarket(listing, 'buy'));
      const order = await resting(bench, bench.limit(listing));
      await bench.account('', { mandate: { state: 'reducing' } });
      await sleep(bench.ground.mandateMs + 500);
      const opening = [bench.limit(listing), bench.atMarket(listing, 'sell')];
      const amend = bench.amend(listing, order.id, { size: times(listing.lot, 3) });
      const closing = bench.atMarket(listing, 'sell', { reduceOnly: true });
      const cancel = bench.cancel(listing, order.id);
      await bench.send(...opening, amend, closing, cancel);
      for (const each of [...opening, amend]) await bench.endsWithout(each, 'denied', 'TRADING_REDUCING', /reducing/);
      await bench.ends(closing, 'accepted', 'filled');
      await endsCanceled(bench, order);
      equal((await bench.row(order)).size, listing.lot, 'size');
      assert.deepEqual(await bench.positions(), []);
    },
  },
  ...inEach(
    116,
    (market) =>
      `${market}: an order worth more than maxOrderNotional is denied with both numbers, priced or at the market`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const maxOrderNotional = times(times(listing.lot, listing.price), '1.5');
      await bench.account('', { mandate: { state: 'active', maxOrderNotional } });
      const twice = times(listing.lot, 2);
      const large = market === 'futures' ? { size: twice } : { notional: times(twice, listing.price) };
      const denied = [
        bench.limit(listing, { size: twice }),
        bench.limit(listing, { side: 'sell', size: twice }),
        bench.atMarket(listing, 'buy', large),
        bench.atMarket(listing, 'sell', { size: twice }),
      ];
      const small = bench.limit(listing);
      await bench.send(...denied, small);
      await bench.rests(small);
      for (const each of denied)
        await bench.endsWithout(each, 'denied', 'NOTIONAL_ABOVE_MAXIMUM', RegExp(maxOrderNotional));
    },
  ),
  ...inEach(
    119,
    (market) => `${market}: a symbol that the mandate does not list is denied by name`,
    async (bench, market) => {
      const [listing, other] = [bench.listing(market), bench.listing(market, 'other')];
      await bench.account('', { mandate: { state: 'active', symbols: [listing.symbol] } });
      const [good, bad] = [bench.limit(listing), bench.limit(other)];
      await bench.send(bad, good);
      await bench.endsWithout(bad, 'denied', 'SYMBOL_NOT_ALLOWED', RegExp(other.symbol));
      await bench.rests(good);
    },
  ),
  ...inEach(
    122,
    (market) =>
      `${market}: a collar denies what the market, or the order's own price, is too far from; else the order goes`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const collar = (reference: string) => ({
        collar: { referencePrice: times(listing.price, reference), maxDeviationBps: 100 },
      });
      const good = bench.limit(listing, collar('1'));
      const denied = [
        bench.limit(listing, collar('0.9')),
        bench.limit(listing, collar('1.1')),
        bench.limit(listing, { ...collar('1'), price: times(listing.price, '1.05') }),
        bench.atMarket(listing, 'sell', collar('1.1')),
      ];
      await bench.send(...denied, good);
      for (const each of denied) await bench.endsWithout(each, 'denied', 'PRICE_OUTSIDE_COLLAR', /bps/);
      await bench.rests(good);
    },
  ),
  ...inEach(
    125,
    (market) => `${market}: an account in shadow mode sends nothing, and reports what it would have sent`,
    async (bench, market) => {
      const listing = bench.listing(market);
      await bench.account('', { mandate: { state: 'active', shadow: true } });
      const placements = bench.trouble('place', 'throttle', 0);
      const orders = [bench.limit(listing), bench.atMarket(listing, 'buy')];
      await bench.send(...orders);
      for (const order of orders) {
        assert.match((await bench.ends(order, 'done')).detail ?? '', /shadow/);
        await bench.absent(order);
      }
      assert.equal(placements.seen(), 0, 'placements');
    },
  ),
];
