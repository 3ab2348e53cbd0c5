// What the operator and strategies read, against the local exchange, and what of it the placing function carries: nothing.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { startLocalBitmart, type LocalBitmart } from '../../local/bitmart/server.ts';
import { bitmartReads } from '../../shared/bitmart/reads.ts';
import type { Market } from '../../shared/order/intent.ts';
import type { Reads } from '../../shared/order/reads.ts';
import type { NewOrder, Venue } from '../../shared/order/venue.ts';
import { atMarket, buy, fresh, inTime, instruction, KEY, long, optionsAt, soon, venueAt } from './fixture.ts';
import { startRecorder } from './recorder.ts';

const MARKETS = ['spot', 'margin', 'futures'] as const;

describe('an account', () => {
  let exchange: LocalBitmart;
  let reads: Reads;
  let venue: Venue;
  const account = fresh();
  const started = Date.now() - 1000;
  const resting: Readonly<Record<Market, NewOrder>> = {
    spot: buy(),
    margin: buy({ market: 'margin' }),
    futures: long(),
  };
  beforeAll(async () => {
    exchange = await startLocalBitmart();
    await fetch(`${exchange.controlUrl}/accounts`, { method: 'PUT', body: JSON.stringify(KEY) });
    reads = bitmartReads(optionsAt(exchange.spotUrl, exchange.futuresUrl));
    venue = venueAt(exchange.spotUrl, exchange.futuresUrl);
    const filled = [atMarket(buy(), { notional: '600' }), atMarket(buy({ market: 'margin' }), { notional: '600' }), atMarket(long(), { size: '0.012' })]; // prettier-ignore
    for (const order of [...Object.values(resting), ...filled]) {
      expect(await venue.submit(account, order, inTime())).toMatchObject({ kind: 'placed' });
    }
  });
  afterAll(() => exchange.close());

  test.each(MARKETS)('has balances of %s', async (market) => {
    const read = await reads.balances(account, market, soon());
    const usdt = { coin: 'USDT', available: expect.stringMatching(/^\d+(\.\d+)?$/), frozen: expect.any(String) };
    const more = market === 'margin' ? { symbol: 'BTC_USDT', borrowed: expect.any(String) } : {};
    expect(read).toMatchObject({ kind: 'read', balances: expect.arrayContaining([expect.objectContaining({ ...usdt, ...more })]) }); // prettier-ignore
  });
  test('has its position in coins', async () => {
    const held = { symbol: 'BTC_USDT', side: 'long', size: '0.012', positionMode: 'hedge', marginMode: 'cross', leverage: '10' }; // prettier-ignore
    const all = await reads.positions(account, soon());
    expect(all).toMatchObject({ kind: 'read', positions: [held] });
    expect(await reads.positions(account, soon(), 'BTC_USDT')).toMatchObject({ positions: [held] });
    expect(await reads.positions(account, soon(), 'ETH_USDT')).toEqual({ kind: 'read', positions: [] });
  });
  test('has a position mode, also where it holds nothing', async () => {
    expect(await reads.positionMode(account, soon())).toEqual({ kind: 'read', positionMode: 'hedge' });
    const flat = { account: 'flat', apiKey: 'key-of-flat', secretKey: 's', memo: 'm' };
    await fetch(`${exchange.controlUrl}/accounts`, { method: 'PUT', body: JSON.stringify(flat) });
    const [other, mode] = [fresh({ credentials: flat }), { market: 'futures', action: 'set-position-mode', positionMode: 'one-way' }]; // prettier-ignore
    expect(await venue.instruct(other, instruction(mode), inTime())).toEqual({ kind: 'done' });
    expect(await reads.positionMode(other, soon())).toEqual({ kind: 'read', positionMode: 'one-way' });
  });
  test.each(MARKETS)('has open orders of %s, and those of no other market', async (market) => {
    const one = { clientOrderId: resting[market].id, symbol: 'BTC_USDT', side: 'buy', state: 'open' };
    for (const symbol of [undefined, 'BTC_USDT']) {
      const read = await reads.openOrders(account, market, soon(), symbol);
      expect(read).toMatchObject({ kind: 'read', isComplete: true, orders: [one] });
    }
  });
  test.each(MARKETS)('has fills of %s in coins, with their fees', async (market) => {
    for (const since of [undefined, started]) {
      const read = await reads.fills(account, market, soon(), 'BTC_USDT', since);
      if (read.kind !== 'read') throw new Error(JSON.stringify(read));
      const [fill] = read.fills;
      expect(fill).toMatchObject({ symbol: 'BTC_USDT', side: 'buy', feeCoin: 'USDT', role: 'taker', at: expect.stringMatching(/Z$/) }); // prettier-ignore
      expect(Number(fill?.size)).toBeLessThan(0.013);
      expect(Number(fill?.fee)).toBeGreaterThan(0);
    }
    const later = await reads.fills(account, market, soon(), 'BTC_USDT', Date.now() + 60_000 * 10);
    expect(later).toMatchObject(market === 'futures' ? { kind: 'refused' } : { kind: 'read', fills: [] });
  });
  test.each(MARKETS)('has fee rates of %s, and is told when they change', async (market) => {
    const read = await reads.feeRates(account, market, soon(), 'BTC_USDT');
    expect(read).toMatchObject({ kind: 'read', note: expect.stringMatching(/8th, 18th and 28th/), rates: [{ of: 'BTC_USDT', maker: expect.stringMatching(/^0\.0/), taker: expect.stringMatching(/^0\.0/) }] }); // prettier-ignore
  });
  test('has a fee level', async () => {
    expect(await reads.feeRates(account, 'spot', soon())).toMatchObject({ kind: 'read', level: 'LV1' });
  });
});

describe('a read', () => {
  test('that fails says why, and one that cannot be read is none', async () => {
    const server = await startRecorder();
    const reads = bitmartReads(optionsAt(server.url));
    server.answer({ status: 401, body: { code: 30002 } });
    expect(await reads.balances(fresh(), 'spot', soon())).toMatchObject({ kind: 'unauthorised' });
    server.answer({ status: 429, body: '' });
    expect(await reads.fills(fresh(), 'futures', soon())).toMatchObject({ kind: 'throttled' });
    for (const data of [null, {}, 'x', [5], { wallet: [{}] }]) {
      server.answer({ body: { code: 1000, data } });
      for (const market of MARKETS) {
        for (const read of [
          reads.balances(fresh(), market, soon()),
          reads.openOrders(fresh(), market, soon()),
          reads.fills(fresh(), market, soon()),
          reads.positionMode(fresh(), soon()),
        ]) {
          // prettier-ignore
          expect(await read).toMatchObject({ kind: 'unavailable' });
        }
      }
    }
    await server.close();
  });
  test('tells a short of one-way mode by its sign, skips what is flat, and says when a list may go on', async () => {
    const server = await startRecorder();
    const reads = bitmartReads(optionsAt(server.url));
    const contract = { symbol: 'BTCUSDT', base_currency: 'BTC', quote_currency: 'USDT', contract_size: '0.001', price_precision: '0.1', vol_precision: '1', min_volume: '1' }; // prettier-ignore
    let data: unknown;
    server.answer(({ url }) => ({
      body: { code: 1000, data: url.includes('details') ? { symbols: [contract] } : data },
    }));
    const position = { symbol: 'BTCUSDT', current_amount: '5', position_amount: '-5', position_side: 'both', unrealized_pnl: '-1.5' }; // prettier-ignore
    data = [position, { ...position, current_amount: '0', position_amount: '5' }];
    expect(await reads.positions(fresh(), soon())).toEqual({
      kind: 'read',
      positions: [
        { symbol: 'BTC_USDT', side: 'short', size: '0.005', positionMode: 'one-way', unrealisedProfit: '-1.5' },
      ],
    });
    const order = { order_id: '1', client_order_id: '', size: '20', symbol: 'BTCUSDT', state: 2, side: 1, type: 'limit', deal_size: '0' }; // prettier-ignore
    data = Array.from({ length: 100 }, () => order);
    expect(await reads.openOrders(fresh(), 'futures', soon())).toMatchObject({ kind: 'read', isComplete: false });
    data = [order, { ...order, symbol: 'NOUSDT' }];
    expect(await reads.openOrders(fresh(), 'futures', soon())).toMatchObject({ kind: 'unavailable' });
    await server.close();
  });
  test('is no part of what places orders', () => {
    const folder = new URL('../../shared/bitmart/', import.meta.url);
    for (const name of readdirSync(folder)) {
      const text = readFileSync(new URL(name, folder), 'utf8');
      expect([name, name !== 'reads.ts' && text.includes("'./reads.ts'")]).toEqual([name, false]);
    }
  });
});

describe('candles', () => {
  const HOUR = 3_600_000;
  const UNTIL = Date.UTC(2026, 10, 22, 19);
  const row = (at: number, close = '60000.5'): readonly string[] => [String(at / 1000), '60000', '61000', '59000', close, '1.5', '90000']; // prettier-ignore

  test('are those whose interval was over, oldest first, whatever else is answered and in which order', async () => {
    const server = await startRecorder();
    const reads = bitmartReads(optionsAt(server.url));
    // One that is still open, one too old, and one before a gap.
    const data = [UNTIL, UNTIL - HOUR, UNTIL - 3 * HOUR, UNTIL - 4 * HOUR].map((at) => row(at));
    server.answer({ body: { code: 1000, data } });
    const read = await reads.candles('spot', 'BTC_USDT', 60, 3, UNTIL, soon());
    const candle = { open: '60000', high: '61000', low: '59000', close: '60000.5', volume: '1.5' };
    expect(read).toEqual({ kind: 'read', candles: [UNTIL - 3 * HOUR, UNTIL - HOUR].map((openAt) => ({ openAt, ...candle })) }); // prettier-ignore
    const query = new URL(server.requests.at(-1)?.url ?? '', server.url).searchParams;
    expect(Object.fromEntries(query)).toEqual({
      ...{ symbol: 'BTC_USDT', step: '60', limit: '200' },
      after: String((UNTIL - 4 * HOUR) / 1000 - 1),
      before: String((UNTIL - HOUR) / 1000 + 1),
    });
    await server.close();
  });
  test('that cannot be read are none, and a failure says why', async () => {
    const server = await startRecorder();
    const reads = bitmartReads(optionsAt(server.url));
    for (const data of [null, {}, [['x']], [row(UNTIL, 'dear')]]) {
      server.answer({ body: { code: 1000, data } });
      expect(await reads.candles('spot', 'BTC_USDT', 60, 3, UNTIL, soon())).toMatchObject({ kind: 'unavailable' });
    }
    server.answer({ status: 429, body: '' });
    expect(await reads.candles('spot', 'BTC_USDT', 60, 3, UNTIL, soon())).toMatchObject({ kind: 'throttled' });
    await server.close();
  });
  test('of the local exchange are what has traded there', async () => {
    const exchange = await startLocalBitmart();
    await fetch(`${exchange.controlUrl}/accounts`, { method: 'PUT', body: JSON.stringify(KEY) });
    const reads = bitmartReads(optionsAt(exchange.spotUrl, exchange.futuresUrl));
    const order = atMarket(buy(), { notional: '600' });
    expect(await venueAt(exchange.spotUrl).submit(fresh(), order, inTime())).toMatchObject({ kind: 'placed' });
    // As it will be seen once the minute is over.
    const later = Date.now() + 60_000;
    const read = await reads.candles('spot', 'BTC_USDT', 1, 2, later, soon());
    const traded = { open: '60000.01', close: '60000.01', volume: '0.00999' };
    expect(read).toMatchObject({ kind: 'read', candles: [traded] });
    expect(await reads.candles('spot', 'ETH_USDT', 1, 2, later, soon())).toEqual({ kind: 'read', candles: [] });
    expect(await reads.candles('spot', 'NO_SUCH', 1, 2, later, soon())).toMatchObject({ kind: 'refused' });
    await exchange.close();
  });
});
