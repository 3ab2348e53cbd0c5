// Every endpoint's answer against the recorded samples: the same keys, the same kinds of values, the same envelope.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  control,
  create,
  get,
  linear,
  MAIN,
  OTHER,
  post,
  promise,
  register,
  resting,
  send,
  type Body,
  type Reply,
} from './client.ts';
import { localVenue } from './fixture.ts';

interface Sample {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query: string | null;
    readonly body: object | null;
  };
  readonly response: {
    readonly status: number;
    readonly body?: Body;
    readonly text?: string;
    readonly headers?: object;
  };
}

const DATA = new URL('../../data/bybit/', import.meta.url);
const load = (name: string): unknown => JSON.parse(readFileSync(new URL(name, DATA), 'utf8'));
const readSamples = (): readonly string[] =>
  readdirSync(new URL('samples/', DATA)).map((file) => file.replace('.json', ''));
const sample = (name: string): Sample => load(`samples/${name}.json`) as Sample;
const bodyOf = (name: string): Body => {
  const { body } = sample(name).response;
  if (!body) throw new Error(name);
  return body;
};

/** Objects whose keys are coins, and lists that may be empty here: kinds only. */
const LOOSE = ['cumFeeDetail', 'permissions', 'uidSuffix', 'nextPageCursor'];

/** The shape of a value: kinds instead of values, the first row for a list. */
const shape = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, LOOSE.includes(name) ? typeof inner : shape(inner)]),
  );
};

const expectLike = (reply: Reply, name: string): void => {
  const body = bodyOf(name);
  expect([name, reply.status, reply.body.retCode, reply.body.retMsg]).toEqual([
    name,
    sample(name).response.status,
    body.retCode,
    body.retMsg,
  ]);
  expect(shape(reply.body)).toEqual(shape(body));
};

const used = new Set<string>();
const like = (reply: Reply, name: string): void => {
  used.add(name);
  expectLike(reply, name);
};

describe('the local venue answers in the documented shapes', () => {
  const venue = localVenue([MAIN, OTHER]);

  /** Sends what the sample's request is. */
  const asSampled = (name: string): Promise<Reply> => {
    const { method, path, query, body } = sample(name).request;
    if (method === 'GET') return get(venue, query === null ? path : `${path}?${query}`);
    return post(venue, path, body ?? {});
  };

  test.each([
    'system-time',
    'system-status',
    'spot-instruments',
    'linear-instruments',
    'spot-ticker',
    'spot-book',
    'price-limit',
    'account-info',
    'fee-rate',
    'key-information',
    'trade-behaviour',
    'wallet-balance',
    'set-leverage',
  ])(
    // prettier-ignore
    '%s',
    async (name) => like(await asSampled(name), name),
  );

  test('the rules of BTCUSDT are the published ones in both categories', async () => {
    for (const name of ['spot-instruments', 'linear-instruments']) {
      const published = bodyOf(name).result['list'] as readonly Record<string, unknown>[];
      const served = (await asSampled(name)).body.result['list'];
      expect(served).toEqual(published);
    }
  });

  test('placing, changing and cancelling, by id and all', async () => {
    like(await asSampled('spot-create-limit'), 'spot-create-limit');
    like(await asSampled('spot-amend'), 'spot-amend');
    like(await asSampled('spot-cancel'), 'spot-cancel');
    like(await asSampled('spot-create-market-buy'), 'spot-create-market-buy');
    await create(venue, resting('one'));
    like(await asSampled('spot-cancel-all'), 'spot-cancel-all');
    like(await asSampled('linear-create'), 'linear-create');
  });

  test('usage headers are named and valued as published', async () => {
    const { headers } = await asSampled('spot-create-limit');
    const published = sample('spot-create-limit').response.headers as Record<string, string>;
    expect(headers['x-bapi-limit']).toBe(published['X-Bapi-Limit']);
    expect(headers['x-bapi-limit-status']).toBe(published['X-Bapi-Limit-Status']);
    expect(headers['x-bapi-limit-reset-timestamp']).toMatch(/^\d{13}$/);
  });

  test('batches answer in two parallel lists', async () => {
    like(await asSampled('spot-create-batch'), 'spot-create-batch');
    await create(venue, { ...resting('b-1'), symbol: 'ETHUSDT', price: '2000' });
    like(await asSampled('spot-create-batch-duplicate'), 'spot-create-batch-duplicate');
    const placed = await asSampled('spot-create-batch-duplicate');
    expect(placed.body.retExtInfo).toEqual(bodyOf('spot-create-batch-duplicate').retExtInfo);
    const request = [{ symbol: 'BTCUSDT', orderLinkId: 'spot-btc-03' }, { symbol: 'ATOMUSDT', orderLinkId: '1666800494330512129' }]; // prettier-ignore
    const partly = await post(venue, '/v5/order/cancel-batch', { category: 'spot', request });
    like(partly, 'spot-cancel-batch-partial');
    expect(partly.body.retExtInfo).toEqual(bodyOf('spot-cancel-batch-partial').retExtInfo);
    await control(venue, 'DELETE', '/state');
    await promise(venue, { ordersPerSecond: { spot: 1, linear: 1 } });
    const over = await asSampled('spot-create-batch-over-limit');
    like(over, 'spot-create-batch-over-limit');
    expect(over.body.retExtInfo).toEqual(bodyOf('spot-create-batch-over-limit').retExtInfo);
  });

  const ID = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
  const order = { ...resting(ID), qty: '0.001' };

  test.each([
    ['spot-find-absent', undefined, {}],
    ['spot-find-open', order, {}],
    ['spot-find-filled', { ...order, price: '60000.1' }, {}],
    ['spot-find-post-only-crossed', { ...order, price: '60000.1', timeInForce: 'PostOnly' }, {}],
    ['spot-find-market-buy-partly', { ...resting(ID), orderType: 'Market', qty: '200', marketUnit: 'quoteCoin', timeInForce: 'IOC' }, { marketBuyEnds: 'partially_canceled' }], // prettier-ignore
  ])('%s', async (name, fields, promises) => {
    await promise(venue, promises);
    if (fields) expect((await create(venue, fields)).body.retCode).toBe(0);
    const reply = await asSampled(name);
    like(reply, name);
    const [row] = reply.body.result['list'] as readonly Record<string, unknown>[];
    const [published] = bodyOf(name).result['list'] as readonly Record<string, unknown>[];
    const told = [
      'orderStatus',
      'rejectReason',
      'cancelType',
      'marketUnit',
      'timeInForce',
      'orderType',
      'qty',
      'leavesQty',
    ];
    for (const field of told) expect([field, row?.[field]]).toEqual([field, published?.[field]]);
  });

  test('spot-find-rejected', async () => {
    await control(venue, 'PUT', '/faults', { faults: [{ path: '/v5/order/create', fault: 'accept-then-reject' }] });
    expect((await create(venue, order)).body.retCode).toBe(0);
    const reply = await asSampled('spot-find-rejected');
    like(reply, 'spot-find-rejected');
    expect(reply.body.result).toMatchObject({ list: [{ orderStatus: 'Rejected', rejectReason: 'EC_Others' }] });
  });

  test('perpetuals: open orders, history, fills, positions', async () => {
    await create(venue, linear({ symbol: 'ETHUSDT', qty: '0.10', price: '1600', orderLinkId: 'test-000005' }));
    like(await asSampled('linear-open-orders'), 'linear-open-orders');
    await create(venue, linear({ qty: '0.003', price: '60100', timeInForce: 'PostOnly' }));
    const crossed = await asSampled('linear-history-post-only');
    like(crossed, 'linear-history-post-only');
    expect(crossed.body.result).toMatchObject({
      list: [{ orderStatus: 'Cancelled', rejectReason: 'EC_PostOnlyWillTakeLiquidity', cumExecQty: '0.000' }],
    });
    await create(venue, linear({ orderType: 'Market', qty: '0.1', side: 'Sell' }));
    like(await asSampled('linear-fills'), 'linear-fills');
    // The published positions are of an inverse contract; the fields are the same.
    const positions = await get(venue, '/v5/position/list?category=linear&symbol=BTCUSDT');
    used.add('positions');
    expect(shape(positions.body)).toEqual(shape(bodyOf('positions')));
    expect(positions.body.result).toMatchObject({ list: [{ side: 'Sell', size: '0.1' }] });
  });

  test.each([
    ['error-duplicate-id-spot', resting('twice'), resting('twice')],
    ['error-duplicate-id-linear', linear({ orderLinkId: 'twice' }), linear({ orderLinkId: 'twice' })],
    ['error-id-too-long', undefined, resting('x'.repeat(46))],
    ['error-symbol', undefined, { ...resting(), symbol: 'NONEUSDT' }],
    ['error-insufficient-spot', undefined, { ...resting(), qty: '80' }],
    ['error-insufficient-linear', undefined, linear({ qty: '1000' })],
  ])('%s', async (name, before, fields) => {
    await promise(venue, { longestId: 45 });
    if (before) await create(venue, before);
    like(await create(venue, fields), name);
  });

  test('a price below the band names the limit', async () => {
    const reply = await create(venue, { ...resting(), side: 'Sell', price: '50000' });
    used.add('error-price-limit-low');
    const { retMsg, ...published } = bodyOf('error-price-limit-low');
    expect(shape(reply.body)).toEqual(shape({ ...published, retMsg }));
    expect(reply.body).toMatchObject({ retCode: published.retCode, retMsg: retMsg.replace('0.0025', '59700') });
  });

  test.each([['error-order-not-exist-cancel-spot'], ['error-order-not-exist-cancel-linear']])('%s', async (name) =>
    like(await asSampled(name), name),
  );

  test.each([
    ['error-server-timeout', { fault: 'code', code: 10000 }],
    ['error-request-timeout', { fault: 'code-after', code: 10016 }],
    ['error-expired-inside', { fault: 'code', code: -1 }],
    ['error-decimals', { fault: 'code', code: 12137, message: 'Order quantity has too many decimals.' }],
    ['error-duplicate-id-2023', { fault: 'code', code: 12141, message: 'Duplicate clientOrderId.' }],
  ])('%s comes as a fault', async (name, fault) => {
    await control(venue, 'PUT', '/faults', { faults: [{ path: '/v5/order/create', ...fault }] });
    like(await create(venue, order), name);
  });

  test('the door: key, signature, window, throttle', async () => {
    like(await create(venue, order, { as: { ...MAIN, apiKey: 'unknown' } }), 'error-key');
    like(await create(venue, order, { as: { ...MAIN, secretKey: 'wrong' } }), 'error-signature');
    like(await create(venue, order, { timestamp: Date.now() - 6_000 }), 'error-window');
    await promise(venue, { ordersPerSecond: { spot: 1, linear: 1 } });
    await create(venue, resting(), { as: OTHER });
    const throttled = await create(venue, resting(), { as: OTHER });
    like(throttled, 'error-throttled');
    expect(throttled.headers).toMatchObject({ 'x-bapi-limit': '1', 'x-bapi-limit-status': '0' });
    expect(Number(throttled.headers['x-bapi-limit-reset-timestamp'])).toBeGreaterThan(throttled.body.time - 50);
  });

  test('403 comes without JSON: as text for an address, as a page for a country', async () => {
    await promise(venue, { ipRequests: 1 });
    await get(venue, '/v5/market/time', { from: '127.0.0.9' });
    const banned = await get(venue, '/v5/market/time', { from: '127.0.0.9' });
    used.add('error-ip-403');
    expect([banned.status, banned.text]).toEqual([403, sample('error-ip-403').response.text]);
    await promise(venue, { blocksCountry: true });
    const blocked = await get(venue, '/v5/market/time');
    used.add('error-country-403');
    const { status, text = '' } = sample('error-country-403').response;
    expect([blocked.status, blocked.headers['content-type']]).toEqual([status, 'text/html']);
    expect(blocked.text.replaceAll(/\s+/g, '')).toBe(text.replaceAll(/\s+/g, ''));
  });

  test('linear tickers and candles have no sample; they come from the book and from trades', async () => {
    await create(venue, linear({ orderType: 'Market', qty: '0.1' }));
    const tickers = await get(venue, '/v5/market/tickers?category=linear&symbol=BTCUSDT');
    expect(tickers.body.result).toMatchObject({
      list: [{ lastPrice: '60000.1', markPrice: '60000.0', volume24h: '0.1' }],
    });
    const candles = await get(venue, '/v5/market/kline?category=linear&symbol=BTCUSDT&interval=60');
    expect(candles.body.result).toMatchObject({
      list: [[expect.stringMatching(/^\d{13}$/), '60000.1', '60000.1', '60000.1', '60000.1', '0.1', '6000.01']],
    });
    expect((await get(venue, '/v5/market/kline?category=spot&symbol=ETHUSDT&interval=D')).body.result['list']).toEqual(
      [],
    );
    expect((await get(venue, '/v5/market/kline?category=spot&symbol=ETHUSDT&interval=2')).body.retCode).toBe(10001);
  });

  test('every sample of REST has been produced above', () => {
    const all = readSamples().filter((name) => name !== 'ws-order');
    expect(all.filter((name) => !used.has(name))).toEqual([]);
  });

  test('every endpoint of the fact sheet is there, or is one that is left out on purpose', async () => {
    const LEFT_OUT = ['/v5/announcements/index', '/v5/order/pre-check', '/v5/position/trading-stop'];
    const endpoints = load('endpoints.json') as readonly { readonly method: 'GET' | 'POST'; readonly path: string }[];
    const missing: string[] = [];
    for (const { method, path } of endpoints) {
      const { status } = await send(venue.url, { method, target: path });
      if (status === 404) missing.push(path);
    }
    expect(missing).toEqual(LEFT_OUT);
  });

  test('a demo host has the endpoints that the fact sheet lists for it, and no others', async () => {
    const keyed = { ...MAIN, account: 'demo', apiKey: 'key-of-demo' };
    await register(venue, { ...keyed, environment: 'demo' });
    const endpoints = load('endpoints.json') as readonly { readonly method: 'GET' | 'POST'; readonly path: string; readonly demo?: boolean | string }[]; // prettier-ignore
    for (const { method, path, demo = false } of endpoints) {
      const ask = { as: keyed, url: venue.demoUrl };
      const reply = method === 'GET' ? await get(venue, path, ask) : await post(venue, path, { category: 'spot' }, ask);
      if (reply.status === 404) continue;
      expect([path, reply.body.retCode === 10017]).toEqual([path, demo !== true]);
    }
  });
});
