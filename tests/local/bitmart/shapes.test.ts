// Every endpoint's answer against the recorded samples: the same keys, the same kinds of values, the same envelope.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { statusOf } from '../../../local/bitmart/codes.ts';
import { startLocalBitmart } from '../../../local/bitmart/server.ts';
import { control, find, get, MAIN, post, register, resting, submit, type Reply } from './client.ts';
import { localVenue } from './fixture.ts';

interface Sample {
  readonly response: { readonly status: number; readonly body: Reply['body'] };
}

const DATA = new URL('../../data/bitmart/', import.meta.url);
const load = (name: string): unknown => JSON.parse(readFileSync(new URL(name, DATA), 'utf8'));
const sample = (name: string): Sample => load(`samples/${name}.json`) as Sample;

/** The shape of a value: kinds instead of values, the first row for a list. */
const shape = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shape(inner)]));
  }
  return typeof value;
};

/** What the fact sheet lists beyond the (older) samples. */
const NEWER = ['stpMode', 'cancelSource', 'taker_fee_rate_D', 'maker_fee_rate_D'];
const withoutNewer = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNewer);
  if (typeof value === 'object' && value !== null) {
    const old = Object.entries(value).filter(([name]) => !NEWER.includes(name));
    return Object.fromEntries(old.map(([name, inner]) => [name, withoutNewer(inner)]));
  }
  return value;
};

const expectLike = (reply: Reply, name: string): void => {
  const { response } = sample(name);
  expect(reply.status).toBe(response.status);
  expect(reply.body.code).toBe(response.body.code);
  expect(reply.body.message).toBe(response.body.message);
  expect(shape(withoutNewer(reply.body))).toEqual(shape(response.body));
};

describe('the local venue answers in the documented shapes', () => {
  const venue = localVenue(MAIN);

  const orderIdOf = (reply: Reply): string => (reply.body.data as { order_id: string }).order_id;

  test.each([
    ['system-time', '/system/time'],
    ['system-service', '/system/service'],
    ['spot-symbols-details', '/spot/v1/symbols/details'],
    ['spot-ticker-v3', '/spot/quotation/v3/ticker?symbol=BTC_USDT'],
    ['spot-books-v3', '/spot/quotation/v3/books?symbol=BTC_USDT&limit=1'],
    ['spot-wallet', '/spot/v1/wallet'],
    ['account-wallet', '/account/v1/wallet'],
    ['spot-user-fee', '/spot/v1/user_fee'],
    ['spot-trade-fee', '/spot/v1/trade_fee?symbol=BTC_USDT'],
  ])('%s', async (name, path) => {
    expectLike(await get(venue, path), name);
  });

  test('symbol details keep their thirty decimals and name a pair that does not trade yet', async () => {
    const { symbols } = (await get(venue, '/spot/v1/symbols/details')).body.data as {
      symbols: Record<string, unknown>[];
    };
    const published = sample('spot-symbols-details').response.body.data as { symbols: Record<string, unknown>[] };
    expect(symbols[0]).toEqual(published.symbols[0]);
    expect(symbols.map((one) => [one['symbol'], one['trade_status']])).toEqual([
      ['BTC_USDT', 'trading'],
      ['ETH_USDT', 'trading'],
      ['NEW_USDT', 'pre-trade'],
    ]);
  });

  test('lists without a sample: currencies, symbols, tickers, trades, klines', async () => {
    await submit(venue, { symbol: 'BTC_USDT', side: 'buy', type: 'market', notional: '600' });
    const data = async (path: string): Promise<unknown> => (await get(venue, path)).body.data;
    expect(await data('/spot/v1/currencies')).toMatchObject({
      currencies: expect.arrayContaining([
        { id: 'BTC', name: 'Bitcoin', withdraw_enabled: false, deposit_enabled: false },
      ]),
    });
    expect(await data('/spot/v1/symbols')).toEqual({ symbols: ['BTC_USDT', 'ETH_USDT', 'NEW_USDT'] });
    expect(shape(await data('/spot/quotation/v3/tickers'))).toEqual([['string']]);
    expect(((await data('/spot/quotation/v3/tickers')) as string[][])[0]).toHaveLength(13);
    expect(await data('/spot/quotation/v3/trades?symbol=BTC_USDT')).toEqual([
      ['BTC_USDT', expect.any(String), '60000.01', '0.00999', 'buy'],
    ]);
    expect(await data('/spot/quotation/v3/klines?symbol=BTC_USDT&step=60')).toEqual([
      [expect.stringMatching(/^\d{10}$/), '60000.01', '60000.01', '60000.01', '60000.01', '0.00999', '599.40'],
    ]);
    expect(await data('/spot/quotation/v3/lite-klines?symbol=ETH_USDT')).toEqual([]);
  });

  test('placing and cancelling', async () => {
    const placed = await submit(venue, resting('one'));
    expectLike(placed, 'spot-submit-order-limit');
    expectLike(
      await submit(venue, { symbol: 'ETH_USDT', side: 'buy', type: 'market', notional: '5' }),
      'spot-submit-order-market-buy',
    );
    const batch = {
      symbol: 'BTC_USDT',
      orderParams: [{ clientOrderId: 'two', size: '0.1', price: '8800', side: 'buy', type: 'limit' }],
      recvWindow: 5000,
    };
    const batched = await post(venue, '/spot/v4/batch_orders', batch);
    expectLike(batched, 'spot-batch-orders');
    const { orderIds } = (batched.body.data as { data: { orderIds: string[] } }).data;
    expectLike(
      await post(venue, '/spot/v3/cancel_order', { symbol: 'BTC_USDT', order_id: orderIdOf(placed) }),
      'spot-cancel-order',
    );
    const many = await post(venue, '/spot/v4/cancel_orders', { symbol: 'BTC_USDT', orderIds });
    expect(many.body.data).toEqual({
      successIds: orderIds,
      failIds: [],
      totalCount: 1,
      successCount: 1,
      failedCount: 0,
    });
    expect(many.body.message).toBe(sample('spot-cancel-orders').response.body.message);
    expectLike(await post(venue, '/spot/v4/cancel_all', { symbol: 'BTC_USDT', side: 'buy' }), 'spot-cancel-all');
  });

  test('queries', async () => {
    const orderId = orderIdOf(await submit(venue, resting('one')));
    await submit(venue, {
      symbol: 'BTC_USDT',
      side: 'buy',
      type: 'limit',
      size: '0.1',
      price: '61000',
      client_order_id: 'two',
    });
    const query = (path: string, body: object): Promise<Reply> => post(venue, `/spot/v4/query/${path}`, body);
    expectLike(await query('order', { orderId, recvWindow: 5000 }), 'spot-query-order');
    expectLike(await query('client-order', { clientOrderId: 'one' }), 'spot-query-client-order');
    expectLike(await query('open-orders', { symbol: 'BTC_USDT', orderMode: 'spot', limit: 10 }), 'spot-open-orders');
    expectLike(await query('history-orders', { symbol: 'BTC_USDT', limit: 10 }), 'spot-history-orders');
    expectLike(await query('trades', { symbol: 'BTC_USDT', limit: 10 }), 'spot-trades');
    const filled = ((await find(venue, 'two')).body.data as { orderId: string }).orderId;
    expectLike(await query('order-trades', { orderId: filled }), 'spot-order-trades');
  });

  test('margin placement', async () => {
    await register(venue, { ...MAIN, margin: { BTC_USDT: { USDT: '1000' } } });
    expectLike(await post(venue, '/spot/v1/margin/submit_order', resting()), 'spot-margin-submit-order');
  });

  /** Fields that newer payloads and the exchange's own reference of 2026-03 list beyond the samples. */
  const NEWER_FUTURES = ['account', 'position_mode', 'margin_type', 'mark_value', 'market_max_volume', 'funding_interval_hours', 'funding_time', 'status', 'delist_time', 'preset_take_profit_price_type', 'preset_stop_loss_price_type', 'preset_take_profit_price', 'preset_stop_loss_price']; // prettier-ignore
  const expectLikeFutures = (reply: Reply, name: string): void => {
    const { response } = sample(name);
    const known = JSON.stringify(response.body);
    const old = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(old);
      if (typeof value !== 'object' || value === null) return value;
      const kept = Object.entries(value).filter(
        ([field]) => !NEWER_FUTURES.includes(field) || known.includes(`"${field}"`),
      );
      return Object.fromEntries(kept.map(([field, inner]) => [field, old(inner)]));
    };
    expect([reply.status, reply.body.code, reply.body.message]).toEqual([
      response.status,
      response.body.code,
      response.body.message,
    ]);
    const { data } = old(reply.body) as Reply['body'];
    expect(shape(data)).toEqual(shape(response.body.data));
    expect(Object.keys(reply.body)).toEqual(expect.arrayContaining(['code', 'message', 'trace', 'data']));
  };

  test('futures', async () => {
    const act = (name: string, body: object): Promise<Reply> => post(venue, `/contract/private/${name}`, body);
    const read = (name: string): Promise<Reply> => get(venue, `/contract/private/${name}`);
    const order = { symbol: 'ETHUSDT', client_order_id: 'BM1234', side: 4, mode: 1, type: 'limit', leverage: '1', open_type: 'isolated', size: 10, price: '4000' }; // prettier-ignore
    expectLikeFutures(await get(venue, '/contract/public/details?symbol=BTCUSDT'), 'futures-contract-details');
    expectLikeFutures(await read('assets-detail'), 'futures-assets');
    expectLikeFutures(await act('set-position-mode', { position_mode: 'hedge_mode' }), 'futures-set-position-mode');
    expectLikeFutures(await read('position-v2?symbol=BTCUSDT'), 'futures-position-v2-hedge');
    const leverage = { symbol: 'BTCUSDT', leverage: '10', open_type: 'cross' };
    expectLikeFutures(await act('submit-leverage', leverage), 'futures-submit-leverage');
    expectLikeFutures(await act('submit-order', order), 'futures-submit-order-limit');
    const bought = await act('submit-order', { ...leverage, side: 1, type: 'market', size: 1 });
    expectLikeFutures(bought, 'futures-submit-order-market');
    expect(bought.body.data).toMatchObject({ price: 'market price' });
    const [{ order_id: orderId } = { order_id: '' }] = (await read('get-open-orders')).body.data as {
      order_id: string;
    }[];
    expectLikeFutures(await read(`order?symbol=ETHUSDT&order_id=${orderId}`), 'futures-order');
    expectLikeFutures(await read('get-open-orders?symbol=ETHUSDT&limit=10'), 'futures-open-orders');
    expectLikeFutures(await read('order-history?symbol=BTCUSDT'), 'futures-order-history');
    expectLikeFutures(await read('trades?symbol=BTCUSDT'), 'futures-trades');
    expectLikeFutures(await read('position?symbol=BTCUSDT'), 'futures-position');
    expectLikeFutures(await read('position-risk?symbol=BTCUSDT'), 'futures-position-risk');
    const change = { symbol: 'ETHUSDT', client_order_id: 'BM1234', price: '4100', size: 1 };
    expectLikeFutures(await act('modify-limit-order', change), 'futures-modify-limit-order');
    expectLikeFutures(await act('cancel-all-after', { symbol: 'BTCUSDT', timeout: 10 }), 'futures-cancel-all-after');
    expectLikeFutures(await act('cancel-order', { symbol: 'ETHUSDT', order_id: orderId }), 'futures-cancel-order');
    expectLikeFutures(await act('cancel-orders', { symbol: 'ETHUSDT' }), 'futures-cancel-orders');
    const poor = await act('submit-order', { ...order, client_order_id: 'BM1235', size: 500_000 });
    const { response } = sample('error-futures-insufficient');
    expect([poor.status, poor.body.code, poor.body.message]).toEqual([response.status, response.body.code, response.body.message]); // prettier-ignore
  });

  test('refusals', async () => {
    const order = { symbol: 'BTC_USDT', side: 'buy', type: 'limit', size: '1000', price: '7000' };
    expectLike(await submit(venue, order), 'error-balance');
    expectLike(await submit(venue, { ...order, size: '0.00001' }), 'error-min-notional');
    expectLike(await submit(venue, { ...order, symbol: 'NEW_USDT', size: '10' }), 'error-pair-no-api');
    await submit(venue, resting('abc123'));
    expectLike(await submit(venue, resting('abc123')), 'error-duplicate-client-order-id');
    await post(venue, '/spot/v3/cancel_order', { symbol: 'BTC_USDT', client_order_id: 'abc123' });
    expectLike(
      await post(venue, '/spot/v3/cancel_order', { symbol: 'BTC_USDT', client_order_id: 'abc123' }),
      'error-order-already-canceled',
    );
    expectLike(
      await post(venue, '/spot/v3/cancel_order', { symbol: 'BTC_USDT', order_id: '1' }),
      'error-order-does-not-exist-cancel',
    );
    expectLike(await find(venue, 'nosuchorder'), 'error-order-id-not-found-query');
    expectLike(await submit(venue, resting('x'), { ...MAIN, memo: 'another' }), 'error-sign-wrong');
    await control(venue, 'PUT', '/promises', { limitMakerCrossing: 'refuse' });
    expectLike(
      await submit(venue, { ...order, type: 'limit_maker', size: '1', price: '99999' }),
      'error-post-only-no-depth',
    );
  });

  test('unknown paths are 404, retired ones HTTP 200 with a code, a wrong method 405', async () => {
    const brief = ({ status, body }: Reply): readonly unknown[] => [status, body.code];
    expect(brief(await get(venue, '/spot/v9/nothing'))).toEqual([404, 30000]);
    expect(brief(await get(venue, '/contract/private/nothing'))).toEqual([404, 30000]);
    const elsewhere = await fetch(`${venue.spotUrl}/contract/private/order`);
    expect([elsewhere.status, await elsewhere.json()]).toEqual([200, expect.objectContaining({ code: 30030 })]);
    expect(brief(await post(venue, '/spot/v2/batch_orders', {}))).toEqual([200, 30031]);
    expect(brief(await get(venue, '/spot/v3/orders'))).toEqual([200, 30031]);
    expect(brief(await get(venue, '/spot/v2/submit_order'))).toEqual([405, 57001]);
  });
});

test('every documented code travels with its documented HTTP status', () => {
  const rows = load('errors.json') as { code: number | string; http: number | null }[];
  const documented = rows.filter(
    ({ code, http }) => typeof code === 'number' && code < 90000 && typeof http === 'number',
  );
  const differing = documented.filter(({ code, http }) => statusOf(Number(code)) !== http);
  expect(differing.map(({ code, http }) => `${String(code)}: ${String(http)}`)).toEqual([]);
});

/** Every documented path that this venue serves; docs of what is left out are in local/bitmart/futures.ts. */
const SERVED =
  /^\/(system|spot\/(v1\/(currencies|symbols|wallet|user_fee|trade_fee|margin)|quotation|v[234]\/(?!algo|query\/algo|orders$))|account\/v1\/(wallet|transfer)|contract\/(public\/(details|depth|market-trade)|private\/(?!.*(plan|tp-sl|trail|claim|close-all))))/;

test('the limits are those of the endpoint list', async () => {
  const rows = load('endpoints.json') as {
    path: string;
    method: string;
    limit: { requests: number; seconds: number; scope: string } | null;
  }[];
  const venue = await startLocalBitmart();
  const served = rows.filter(({ path, limit }) => limit && SERVED.test(path));
  for (const { path, method, limit } of served) {
    const host = /^\/(contract|account\/v1\/transfer)/.test(path) ? venue.futuresUrl : venue.spotUrl;
    const response = await fetch(host + path, { method });
    const said = ['Limit', 'Reset', 'Mode'].map((name) => response.headers.get(`X-BM-RateLimit-${name}`));
    expect([path, ...said]).toEqual([path, String(limit?.requests), String(limit?.seconds), limit?.scope]);
  }
  expect(served.length).toBeGreaterThan(50);
  await venue.close();
});
