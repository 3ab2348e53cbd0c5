// What the operator and strategies read, against the local exchange, and what of it the placing functions carry: nothing.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { bybitReads } from '../../shared/bybit/reads.ts';
import type { Reads } from '../../shared/order/reads.ts';
import type { NewOrder, Venue } from '../../shared/order/venue.ts';
import { startRecorder } from '../bitmart/recorder.ts';
import {
  answer,
  atMarket,
  buy,
  control,
  fresh,
  inTime,
  localVenue,
  long,
  MAIN,
  optionsAt,
  refusal,
  refusePrices,
  soon,
  venueAt,
} from './fixture.ts';

const MARKETS = ['spot', 'futures'] as const;

describe('an account', () => {
  const exchange = localVenue([MAIN]);
  let reads: Reads;
  let venue: Venue;
  let resting: Readonly<Record<(typeof MARKETS)[number], NewOrder>>;
  const account = fresh();
  beforeEach(async () => {
    await refusePrices(exchange);
    reads = bybitReads(optionsAt(exchange.url));
    venue = venueAt(exchange.url);
    resting = { spot: buy(), futures: long() };
    const filled = [atMarket(buy(), { notional: '600' }), atMarket(long(), { size: '0.012' })];
    for (const order of [...Object.values(resting), ...filled]) {
      expect(await venue.submit(account, order, inTime())).toMatchObject({ kind: 'placed' });
    }
  });

  test('has one wallet, less what is bound: by spot orders, and for perpetuals by theirs and by positions too', async () => {
    const usdt = async (market: (typeof MARKETS)[number]) => {
      const read = await reads.balances(account, market, soon());
      if (read.kind !== 'read') throw new Error(JSON.stringify(read));
      return read.balances.find(({ coin }) => coin === 'USDT');
    };
    const [spot, futures] = [await usdt('spot'), await usdt('futures')];
    expect(spot).toMatchObject({ available: expect.stringMatching(/^99\d{4}(\.\d+)?$/), frozen: '500' });
    expect(Number(futures?.frozen)).toBeGreaterThan(500);
    expect(Number(futures?.available)).toBeLessThan(Number(spot?.available));
  });
  test('has its position in coins, and a mode also where it holds nothing', async () => {
    const held = { symbol: 'BTC_USDT', side: 'long', size: '0.012', positionMode: 'one-way', leverage: '10' };
    expect(await reads.positions(account, soon())).toMatchObject({ kind: 'read', positions: [held] });
    expect(await reads.positions(account, soon(), 'ETH_USDT')).toEqual({ kind: 'read', positions: [] });
    expect(await reads.positionMode(account, soon())).toEqual({ kind: 'read', positionMode: 'one-way' });
    const hedged = { account: 'hedged', apiKey: 'key-of-hedged', secretKey: 's', positionMode: 'hedge_mode' };
    await control(exchange, 'PUT', '/accounts', hedged);
    expect(await reads.positionMode(fresh({ credentials: hedged }), soon())).toEqual({
      kind: 'read',
      positionMode: 'hedge',
    });
  });
  test.each(MARKETS)('has open orders of %s, and no others', async (market) => {
    const one = { clientOrderId: resting[market].id, symbol: 'BTC_USDT', market, side: 'buy', state: 'open' };
    for (const symbol of [undefined, 'BTC_USDT']) {
      const read = await reads.openOrders(account, market, soon(), symbol);
      expect(read).toMatchObject({ kind: 'read', isComplete: true, orders: [one] });
    }
    expect(await reads.openOrders(account, market, soon(), 'ETH_USDT')).toMatchObject({ orders: [] });
  });
  test.each(MARKETS)(
    'has fills of %s with what they cost, newest first, of the time that is asked for',
    async (market) => {
      const one = { symbol: 'BTC_USDT', side: 'buy', role: 'taker', feeCoin: market === 'spot' ? 'BTC' : 'USDT' };
      const read = await reads.fills(account, market, soon(), undefined, Date.now() - 60_000);
      expect(read).toMatchObject({ kind: 'read', isComplete: true, fills: [one] });
      expect(await reads.fills(account, market, soon(), 'BTC_USDT', Date.now() + 30_000)).toMatchObject({ fills: [] });
      const month = await reads.fills(account, market, soon(), undefined, Date.now() - 30 * 86_400_000);
      expect(month).toMatchObject({ kind: 'read', isComplete: false });
    },
  );
  test('has fee rates, those that are alike told together', async () => {
    const note = expect.stringMatching(/level/);
    expect(await reads.feeRates(account, 'futures', soon(), 'BTC_USDT')).toEqual({
      kind: 'read',
      rates: [{ of: 'BTC_USDT', maker: '0.0001', taker: '0.0006' }],
      note,
    });
    expect(await reads.feeRates(account, 'spot', soon())).toMatchObject({
      rates: [{ of: expect.stringMatching(/^\d symbols, such as BTCUSDT$/) }],
    });
  });
  test('margin is refused in words', async () => {
    const said = { kind: 'refused', venueCode: 'MARKET_UNSUPPORTED' };
    expect(await reads.balances(account, 'margin', soon())).toMatchObject(said);
    expect(await reads.openOrders(account, 'margin', soon())).toMatchObject(said);
    expect(await reads.fills(account, 'margin', soon())).toMatchObject(said);
    expect(await reads.feeRates(account, 'margin', soon())).toMatchObject(said);
  });
  test('candles of spot are those that are over, oldest first', async () => {
    const minute = 60_000;
    const until = Date.now();
    const read = await reads.candles('spot', 'BTC_USDT', 1, 5, until, soon());
    if (read.kind !== 'read') throw new Error(JSON.stringify(read));
    for (const { openAt } of read.candles) {
      expect(openAt + minute).toBeLessThanOrEqual(until);
      expect(openAt).toBeGreaterThan(until - 6 * minute);
    }
    expect(read.candles.map(({ openAt }) => openAt)).toEqual(
      read.candles.map(({ openAt }) => openAt).toSorted((a, b) => a - b),
    );
  });
});

describe('what cannot be read', () => {
  test('is told as such, and half a list is none', async () => {
    const server = await startRecorder();
    try {
      const reads = bybitReads(optionsAt(server.url));
      const account = fresh();
      for (const [script, kind] of [
        [answer({ list: [{ coin: [{}] }] }), 'unavailable'],
        [answer({}), 'unavailable'],
        [refusal(10003), 'unauthorised'],
        [{ status: 500, body: '' }, 'unknown'],
        [refusal(10006), 'throttled'],
      ] as const) {
        server.answer(script);
        expect(await reads.balances(account, 'spot', soon())).toMatchObject({ kind });
        expect(await reads.positionMode(account, soon())).toMatchObject({ kind });
        expect(await reads.candles('spot', 'BTC_USDT', 1, 5, Date.now(), soon())).toMatchObject({
          kind: kind === 'unavailable' ? expect.any(String) : kind,
        });
      }
      server.answer(answer({ list: [{ orderId: '1' }] }));
      expect(await reads.openOrders(account, 'spot', soon())).toMatchObject({ kind: 'unavailable' });
    } finally {
      await server.close();
    }
  });
});

describe('the venue', () => {
  test('carries nothing of what only the operator and strategies read', () => {
    for (const file of [
      'venue',
      'orders',
      'instructions',
      'sightings',
      'standing',
      'calls',
      'answers',
      'instruments',
    ]) {
      const text = readFileSync(new URL(`../../shared/bybit/${file}.ts`, import.meta.url), 'utf8');
      expect([
        file,
        /from '\.\/(reads|candles|doctor|health|findings|probe|visit)\.ts'|readEndpoints/.test(text),
      ]).toEqual([file, false]);
    }
  });
});
