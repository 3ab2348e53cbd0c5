// BitMart behind the seam: what goes out on the wire, and which verdict each kind of answer gives.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startLocalBitmart, type LocalBitmart } from '../../local/bitmart/server.ts';
import { signedRead } from '../../shared/aws/secrets.ts';
import { readCredentials } from '../../shared/bitmart/venue.ts';
import { send } from '../../shared/bitmart/wire.ts';
import { readPlace } from '../place.ts';
import type { NewOrder, Times, Venue } from '../../shared/order/venue.ts';
import { changed } from '../order/arbitraries.ts';
import {
  atMarket,
  buy,
  cancelOf,
  fresh,
  inTime,
  instruction,
  KEY,
  query,
  soon,
  transport,
  uniqueId,
  venueAt,
} from './fixture.ts';
import { startRecorder, type Recorder, type Script } from './recorder.ts';

const marketBuy = (): NewOrder => atMarket(buy(), { notional: '25' });

describe('on the wire', () => {
  let server: Recorder;
  let venue: Venue;
  beforeAll(async () => {
    server = await startRecorder();
    venue = venueAt(server.url);
  });
  beforeEach(() => {
    server.requests.length = 0;
    server.answer({ body: { code: 1000, message: 'OK', data: { order_id: '77' } } });
  });
  afterAll(() => server.close());
  const bodyOf = (index = 0): unknown => JSON.parse(server.requests[index]?.bytes.toString('utf8') ?? 'null');

  test.each([
    ['limit', 'limit'],
    ['limit-maker', 'limit_maker'],
    ['ioc', 'ioc'],
  ])('a %s order is spelled %s, with client_order_id in snake case', async (type, spelled) => {
    const order = buy({ type });
    expect(await venue.submit(fresh(), order, inTime())).toEqual({ kind: 'placed', venueOrderId: '77' });
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/spot/v2/submit_order' });
    const fields = { symbol: 'BTC_USDT', side: 'buy', type: spelled, size: '0.01', price: '50000' };
    expect(bodyOf()).toEqual({ ...fields, client_order_id: order.id });
  });
  test('a market buy has a notional alone, a market sell a size alone', async () => {
    const order = marketBuy();
    await venue.submit(fresh(), order, inTime());
    expect(bodyOf()).toEqual({ symbol: 'BTC_USDT', side: 'buy', type: 'market', notional: '25', client_order_id: order.id }); // prettier-ignore
    const sale = changed({ ...order }, ['notional'], { side: 'sell', size: '0.5' });
    await venue.submit(fresh(), sale as unknown as NewOrder, inTime());
    expect(bodyOf(1)).toEqual({ symbol: 'BTC_USDT', side: 'sell', type: 'market', size: '0.5', client_order_id: order.id }); // prettier-ignore
  });
  test('a cancel names the order by client_order_id', async () => {
    server.answer({ body: { code: 1000, message: 'OK', data: { result: true } } });
    expect(await venue.instruct(fresh(), cancelOf('target1'), inTime())).toEqual({ kind: 'done' });
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/spot/v3/cancel_order' });
    expect(bodyOf()).toEqual({ symbol: 'BTC_USDT', client_order_id: 'target1' });
  });
  test('a look-up asks by clientOrderId among the open orders, then among the past ones', async () => {
    server.answer({ status: 400, body: { code: 50005, message: 'Order Id not found', data: {} } });
    expect(await venue.find(fresh(), query('abc'), inTime())).toEqual({ kind: 'nothing' });
    expect(server.requests.map(({ url }) => url)).toEqual(Array(2).fill('/spot/v4/query/client-order'));
    expect([bodyOf(0), bodyOf(1)]).toEqual([
      { clientOrderId: 'abc', queryState: 'open' },
      { clientOrderId: 'abc', queryState: 'history' },
    ]);
    expect(server.requests.every(({ headers }) => headers['x-bm-sign'] !== undefined)).toBe(true);
  });
  test('a look-up that fails is not asked on', async () => {
    server.answer({ status: 500, body: '' });
    expect(await venue.find(fresh(), query('abc'), inTime())).toMatchObject({ kind: 'unknown' });
    expect(server.requests).toHaveLength(1);
  });
  test('public calls carry neither key nor signature', async () => {
    await venue.time(soon());
    await venue.book('spot', 'BTC_USDT', soon());
    await venue.instrument('spot', 'BTC_USDT', soon());
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /system/time',
      'GET /spot/quotation/v3/books?symbol=BTC_USDT&limit=1',
      'GET /spot/v1/symbols/details',
    ]);
    const names = server.requests.flatMap(({ headers }) => Object.keys(headers));
    expect(names.filter((name) => name.startsWith('x-bm'))).toEqual([]);
  });
  test('the broker of the account goes with its orders', async () => {
    const credentials = { apiKey: 'k', secretKey: 's', memo: '', brokerId: 'broker-7' };
    await venue.submit(fresh({ credentials }), buy(), inTime());
    await venue.submit(fresh(), buy(), inTime());
    expect(server.requests.map(({ headers }) => headers['x-bm-broker-id'])).toEqual(['broker-7', undefined]);
  });

  test('an order past its expiry when its turn comes is not sent', async () => {
    const account = fresh({ mandate: { state: 'active', limitShare: 0.25 } });
    const expiresAt = Date.now() + 150;
    const verdicts = await Promise.all([1, 2, 3].map(() => venue.submit(account, buy({ expiresAt }), inTime())));
    expect(verdicts.map(({ kind }) => kind)).toEqual(['placed', 'late', 'late']);
    expect(server.requests).toHaveLength(1);
    expect(await venue.instruct(account, cancelOf('x', { expiresAt: Date.now() }), inTime())).toMatchObject({
      kind: 'late',
    });
    expect(server.requests).toHaveLength(1);
  });
  test('nothing is sent with no time left for an answer', async () => {
    const verdict = await venue.submit(fresh(), buy(), inTime(Date.now() + 5));
    expect(verdict).toMatchObject({ kind: 'late', venueCode: 'NOT_SENT' });
    expect(verdict).toMatchObject({ detail: expect.stringMatching(/nothing was sent.*turn.*too late/) });
    expect(await venue.find(fresh(), query('x'), inTime(Date.now()))).toMatchObject({ kind: 'late' });
    expect(server.requests).toHaveLength(0);
  });
  test('of two cancel-alls in one batch the second is told at once as not sent, and the lane is free in its turn', async () => {
    const account = fresh();
    const cancelAll = () => instruction({ action: 'cancel-all' });
    const within = (): Times => inTime(Date.now() + 3000);
    expect(await venue.instruct(account, cancelAll(), within())).toEqual({ kind: 'done' });
    const asked = Date.now();
    const second = await venue.instruct(account, cancelAll(), within());
    expect(second).toMatchObject({ kind: 'late', venueCode: 'NOT_SENT' });
    expect(Date.now() - asked).toBeLessThan(200);
    expect(server.requests).toHaveLength(1);
    await venue.hold(account);
    expect(await venue.instruct(account, cancelAll(), within())).toEqual({ kind: 'done' });
  });
  test('what could not be held before the invocation is stopped is not sent', async () => {
    const late = { answerBy: Date.now() + 3000, holdBy: Date.now() + 3600 };
    expect(await venue.instruct(fresh(), instruction({ action: 'cancel-all' }), late)).toMatchObject({
      kind: 'late',
      venueCode: 'NOT_SENT',
    });
    expect(await venue.submit(fresh(), buy(), late)).toMatchObject({ kind: 'placed' });
  });
  test("a part of the user's limit is a part of the writes: look-ups are counted by key", async () => {
    const account = fresh({ mandate: { state: 'active', limitShare: 0.05 } });
    const started = Date.now();
    for (let time = 0; time < 3; time += 1)
      await venue.find(account, query('a', 'spot', { venueOrderId: '7' }), inTime());
    expect(server.requests).toHaveLength(3);
    // 25 in 2 s: two intervals of 85 ms, where a twentieth of that would make 3.4 s.
    expect(Date.now() - started).toBeLessThan(1000);
  });
  test('a request is signed after its wait, not before', async () => {
    const account = fresh({ mandate: { state: 'active', limitShare: 0.5 } });
    await Promise.all([1, 2, 3].map(() => venue.submit(account, buy(), inTime())));
    for (const { at, headers } of server.requests) {
      expect(Math.abs(at - Number(headers['x-bm-timestamp']))).toBeLessThan(90);
    }
    await venue.hold(account);
  });
});

describe('the answer to a placement', () => {
  let server: Recorder;
  let venue: Venue;
  beforeAll(async () => {
    server = await startRecorder();
    venue = venueAt(server.url);
  });
  afterAll(() => server.close());

  const json = { 'Content-Type': 'application/json' };
  const html = '<!DOCTYPE html><title>Attention Required! | Cloudflare</title>';
  const answers: readonly (readonly [what: string, script: Script, verdict: object])[] = [
    ['with its id', { body: { code: 1000, data: { order_id: '9' } } }, { kind: 'placed', venueOrderId: '9' }],
    ['with its code as text', { body: { code: '1000', data: { order_id: '9' } } }, { kind: 'placed' }],
    ['200 without an order id', { body: { code: 1000, message: 'OK', data: {} } }, { kind: 'unknown' }],
    ['200 with data null', { body: { code: 1000, message: 'OK', data: null } }, { kind: 'unknown' }],
    ['200 without data', { body: { code: 1000 } }, { kind: 'unknown', venueCode: '1000' }],
    ['200 with an empty body', { body: '' }, { kind: 'unknown', venueCode: 'HTTP_2XX_BAD_BODY' }],
    ['200 with half a JSON', { headers: json, body: '{"code":1000,"da' }, { kind: 'unknown' }],
    ['200 with an array', { body: [1] }, { kind: 'unknown' }],
    ['200 with null', { body: 'null' }, { kind: 'unknown' }],
    ['200 without a code', { body: { data: { order_id: '9' } } }, { kind: 'unknown' }],
    ['200 with a code that is an object', { body: { code: {}, data: { order_id: '9' } } }, { kind: 'unknown' }],
    ['200 with a page', { body: html }, { kind: 'unknown' }],
    ['200 with a refusal', { body: { code: 30019, message: 'no' } }, { kind: 'unauthorised' }],
    ['200 with maintenance', { body: { code: 30016 } }, { kind: 'unavailable' }],
    ['200 with an unknown code', { body: { code: 54321 } }, { kind: 'unknown', venueCode: '54321' }],
    ['503 with a refusal', { status: 503, body: { code: 30018 } }, { kind: 'refused', venueCode: '30018' }],
    ['400 with a refusal', { status: 400, body: { code: 50020 } }, { kind: 'refused', tradingOver: false }],
    ['400 with the end', { status: 400, body: { code: 50040, message: 'trading has ended' } }, { kind: 'refused', tradingOver: true }], // prettier-ignore
    ['400 with a duplicate', { status: 400, body: { code: 50042 } }, { kind: 'duplicate', venueCode: '50042' }],
    ['400 with an empty body', { status: 400, body: '' }, { kind: 'unknown' }],
    ['404 with a page', { status: 404, body: html }, { kind: 'unknown' }],
    ['302', { status: 302, headers: { Location: '/' }, body: '' }, { kind: 'unknown' }],
    ['403 with a page', { status: 403, body: html }, { kind: 'banned', venueCode: 'HTTP_403_HTML', forMs: 1234 }],
    ['403 with a refused address', { status: 403, body: { code: 30010 } }, { kind: 'unauthorised' }],
    ['418', { status: 418, body: { code: 30017 } }, { kind: 'banned', forMs: 1234 }],
    ['418 without a body', { status: 418, body: '' }, { kind: 'banned', venueCode: 'HTTP_418' }],
    ['429', { status: 429, body: { code: 30013 } }, { kind: 'throttled', venueCode: '30013' }],
    ['429 without a body', { status: 429, body: '' }, { kind: 'throttled', venueCode: 'HTTP_429' }],
    ['429 with a page', { status: 429, body: html }, { kind: 'throttled' }],
    ['500 without a code', { status: 500, body: 'Internal Server Error' }, { kind: 'unknown', venueCode: 'HTTP_5XX_NO_CODE' }], // prettier-ignore
    ['502 with a page', { status: 502, body: html }, { kind: 'unknown' }],
    ['503 with a page', { status: 503, body: `\n  ${html}` }, { kind: 'unknown', venueCode: 'HTTP_503_HTML' }],
    ['504 with an empty body', { status: 504, body: '' }, { kind: 'unknown' }],
    ['a reset connection', { instead: 'reset' }, { kind: 'unknown', venueCode: 'TIMEOUT' }],
    ['an answer that is cut off', { instead: 'cut' }, { kind: 'unknown', venueCode: 'TIMEOUT' }],
  ];
  test.each(answers)('%s', async (_, script, verdict) => {
    server.answer(script);
    const before = Date.now();
    const given = await venue.submit(fresh(), buy(), inTime());
    expect(given).toMatchObject(verdict);
    if (given.kind === 'unknown') expect(given.signedAt).toBeGreaterThanOrEqual(before);
    if ('detail' in given) expect(given.detail).toMatch(/^[\x20-\x7e]+$/);
  });
  test('silence until the deadline is unknown', async () => {
    server.answer({ instead: 'silence' });
    const started = Date.now();
    expect(await venue.submit(fresh(), buy(), inTime(started + 120))).toMatchObject({
      kind: 'unknown',
      venueCode: 'TIMEOUT',
    });
    expect(Date.now() - started).toBeLessThan(1000);
  });
  test('nobody there is unavailable', async () => {
    const gone = await startRecorder();
    await gone.close();
    const verdict = await venueAt(gone.url).submit(fresh(), buy(), inTime());
    expect(verdict).toMatchObject({ kind: 'unavailable', venueCode: 'CONNECT_FAILED' });
  });
  test('a refused timestamp says whose clock is off, and by how much', async () => {
    server.answer(({ url }) =>
      url === '/system/time'
        ? { body: { code: 1000, data: { server_time: Date.now() + 90_000 } } }
        : { status: 401, body: { code: 30007, message: 'Header X-BM-TIMESTAMP range' } },
    );
    const verdict = await venue.submit(fresh(), buy(), inTime());
    expect(verdict).toMatchObject({ kind: 'unavailable', detail: expect.stringMatching(/90 s behind the venue's$/) });
    server.answer({ status: 401, body: { code: 30007 } });
    expect(await venue.submit(fresh(), buy(), inTime())).toMatchObject({ detail: expect.stringContaining('clock') });
  });
  test.each([
    ['a control character', '\u0000'],
    ['a foreign letter', 'é'],
    ['a space', ' '],
    ['nothing', ''],
    ['a success and a line end', '1000\n'],
    ['5000 letters', 'x'.repeat(5000)],
  ])('whose code is %s is unknown, under a code that fits into a letter', async (_, code) => {
    server.answer({ status: 400, body: { code, message: 'odd' } });
    const verdict = await venue.submit(fresh(), buy(), inTime());
    const venueCode = 'venueCode' in verdict ? verdict.venueCode : '';
    expect([verdict.kind, venueCode.slice(0, 70)]).toEqual(['unknown', expect.stringMatching(/^[\x21-\x7e]{1,64}$/)]);
  });
  test('to a cancel: false is done, an unknown order is finished, and the rest as for a placement', async () => {
    const verdict = async (script: Script) => {
      server.answer(script);
      return venue.instruct(fresh(), cancelOf('x'), inTime());
    };
    expect(await verdict({ body: { code: 1000, data: { result: false } } })).toMatchObject({ kind: 'done', detail: expect.stringContaining('already') }); // prettier-ignore
    expect(await verdict({ body: { code: 1000, data: true } })).toEqual({ kind: 'done' });
    for (const code of [50030, 50031])
      expect(await verdict({ status: 400, body: { code } })).toMatchObject({ kind: 'done' });
    for (const code of [50005, 50032, 50036]) {
      expect(await verdict({ status: 400, body: { code } })).toMatchObject({ kind: 'finished', venueCode: String(code) }); // prettier-ignore
    }
    expect(await verdict({ status: 500, body: '' })).toMatchObject({ kind: 'unknown' });
    expect(await verdict({ status: 429, body: '' })).toMatchObject({ kind: 'throttled' });
  });

  describe('usage headers', () => {
    const usage = async (used: string | undefined, limit: string | undefined) => {
      const headers = { ...(used === undefined ? {} : { 'X-BM-RateLimit-Remaining': used }), ...(limit === undefined ? {} : { 'X-BM-RateLimit-Limit': limit }) }; // prettier-ignore
      server.answer({ headers });
      return (await send(transport, server.url, { method: 'GET', path: '/', deadline: soon() }, Date.now)).usage;
    };
    test('count what was used, whatever their name says', async () => {
      expect(await usage('10', '600')).toEqual({ used: 10, limit: 600 });
      expect(await usage('0', '40')).toEqual({ used: 0, limit: 40 });
    });
    test.each([
      [undefined, undefined],
      ['10', undefined],
      [undefined, '40'],
      ['many', '40'],
      ['10', 'few'],
      ['10', '0'],
      ['1.5', '40'],
      ['10, 10', '40'],
      ['NaN', 'NaN'],
      ['Infinity', '40'],
    ])('that cannot be read are none: %j of %j', async (used, limit) => {
      expect(await usage(used, limit)).toBeUndefined();
    });
    test('are read from a refusal too', async () => {
      server.answer({ status: 429, body: '', headers: { 'X-BM-RateLimit-Remaining': '41', 'X-BM-RateLimit-Limit': '40' } }); // prettier-ignore
      const answer = await send(transport, server.url, { method: 'GET', path: '/', deadline: soon() }, Date.now);
      expect(answer.usage).toEqual({ used: 41, limit: 40 });
    });
  });
});

describe('instruments and book', () => {
  let server: Recorder;
  beforeAll(async () => {
    server = await startRecorder();
  });
  beforeEach(() => {
    server.requests.length = 0;
  });
  afterAll(() => server.close());
  const details = { symbol: 'BTC_USDT', price_max_precision: 2, quote_increment: '0.00001', base_min_size: '0.000010000000000000000000000000', min_buy_amount: '5.000000000000000000000000000000', min_sell_amount: '5.0', trade_status: 'trading' }; // prettier-ignore
  const table = (...symbols: readonly object[]): Script => ({ body: { code: 1000, data: { symbols } } });

  test('the recorded table becomes steps and minimums', async () => {
    server.answer(table(details, { ...details, symbol: 'OLD_USDT', trade_status: 'pre-trade' }));
    const venue = venueAt(server.url);
    expect(await venue.instrument('spot', 'BTC_USDT', soon())).toEqual({
      symbol: 'BTC_USDT',
      priceStep: '0.01',
      sizeStep: '0.00001',
      minSize: '0.00001',
      minNotional: { buy: '5', sell: '5' },
      tradable: true,
    });
    expect(await venue.instrument('spot', 'OLD_USDT', soon())).toMatchObject({ tradable: false });
    expect(await venue.instrument('spot', 'NO_USDT', soon())).toBe('unknown');
    expect(server.requests).toHaveLength(1);
  });
  test('one load is shared by all who wait for it', async () => {
    server.answer({ ...table(details), afterMs: 30 });
    const venue = venueAt(server.url);
    const all = await Promise.all([1, 2, 3, 4].map(() => venue.instrument('spot', 'BTC_USDT', soon())));
    expect(all.every((one) => one !== 'unknown' && one?.symbol === 'BTC_USDT')).toBe(true);
    expect(server.requests).toHaveLength(1);
  });
  test('a table that cannot be had gives no rules, and no symbol is called unknown for it', async () => {
    for (const script of [{ status: 500, body: '' }, { body: { code: 1000, data: {} } }, { body: { code: 30016 } }]) {
      server.answer(script);
      expect(await venueAt(server.url).instrument('spot', 'BTC_USDT', soon())).toBeUndefined();
    }
  });
  test('one unreadable row does not take the rules of all others', async () => {
    server.answer(table(details, { ...details, symbol: 'ODD_USDT', quote_increment: '' }));
    expect(await venueAt(server.url).instrument('spot', 'BTC_USDT', soon())).toMatchObject({ symbol: 'BTC_USDT' });
  });
  test.each([
    ['a quantity step of 0', { quote_increment: '0' }],
    ['a quantity step beyond 18 decimals', { quote_increment: '0.0000000000000000001' }],
    ['prices with -1 decimals', { price_max_precision: -1 }],
    ['decimals as text', { price_max_precision: '2' }],
    ['prices with 19 decimals', { price_max_precision: 19 }],
    ['prices with half a decimal', { price_max_precision: 1.5 }],
    ['prices with a hundred decimals', { price_max_precision: 100 }],
  ])('%s is no rule: it is passed over, and nobody divides by it', async (_, odd) => {
    server.answer(table({ ...details, ...odd }));
    const instrument = await venueAt(server.url).instrument('spot', 'BTC_USDT', soon());
    if (instrument === undefined || instrument === 'unknown') return;
    expect([instrument.sizeStep, instrument.priceStep].filter((step) => Number(step) === 0)).toEqual([]);
  });
  test('the book gives its best prices, and none where a side is empty', async () => {
    const venue = venueAt(server.url);
    const answer = (asks: unknown, bids: unknown): void =>
      server.answer({ body: { code: 1000, data: { asks, bids } } });
    answer([['31012.44', '69994.75267']], [['30000.00', '1.00000']]);
    expect(await venue.book('spot', 'BTC_USDT', soon())).toEqual({ ask: '31012.44', bid: '30000.00' });
    answer([], [['30000.00', '1.00000']]);
    expect(await venue.book('spot', 'BTC_USDT', soon())).toEqual({ bid: '30000.00' });
    answer([['cheap', '1']], []);
    expect(await venue.book('spot', 'BTC_USDT', soon())).toBeUndefined();
  });
});

describe('readCredentials', () => {
  const good = { apiKey: 'k', secretKey: 's', memo: 'm' };
  test('reads key, secret, memo and broker, and nothing else', () => {
    expect(readCredentials({ ...good, venue: 'bitmart', brokerId: 'b' })).toEqual({ ...good, brokerId: 'b' });
    expect(readCredentials({ ...good, memo: '' })).toEqual({ ...good, memo: '' });
  });
  test.each([
    ['apiKey', ''],
    ['apiKey', 'with space'],
    ['apiKey', 'k\n'],
    ['secretKey', ''],
    ['memo', 5],
    ['brokerId', ''],
    ['brokerId', 'a\r\nX: y'],
    ['venue', 'other'],
  ])('names a wrong %s (%j) and shows no value', (name, value) => {
    const reading = readCredentials({ ...good, secretKey: 'S3cret', [name]: value });
    expect(reading).toEqual({ unreadable: expect.stringMatching(new RegExp(`wrong fields: ${name};`)) });
    expect(JSON.stringify(reading)).not.toContain('S3cret');
  });
  test('names missing and unknown fields together', () => {
    expect(readCredentials({ apiKey: 'k', uid: 'x' })).toEqual({
      unreadable: expect.stringMatching(/secretKey, memo, uid \(unknown field\)/),
    });
  });
});

describe('against the local exchange', () => {
  let exchange: LocalBitmart;
  let venue: Venue;
  const account = fresh();
  const control = (method: string, path: string, body?: object): Promise<Response> =>
    fetch(exchange.controlUrl + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  beforeAll(async () => {
    exchange = await startLocalBitmart();
    venue = venueAt(exchange.spotUrl);
    await control('PUT', '/accounts', KEY);
  });
  afterAll(() => exchange.close());

  test('an order is placed, found, refused the second time, canceled, and found canceled', async () => {
    const order = buy();
    const placed = await venue.submit(account, order, inTime());
    expect(placed).toMatchObject({ kind: 'placed' });
    const found = await venue.find(account, query(order.id), inTime());
    expect(found).toMatchObject({ kind: 'found', order: { state: 'open', symbol: 'BTC_USDT', side: 'buy', type: 'limit' } }); // prettier-ignore
    if (placed.kind === 'placed' && found.kind === 'found') expect(found.order.venueOrderId).toBe(placed.venueOrderId);
    expect(await venue.submit(account, order, inTime())).toMatchObject({ kind: 'duplicate' });
    expect(await venue.instruct(account, cancelOf(order.id), inTime())).toMatchObject({ kind: 'done' });
    expect(await venue.find(account, query(order.id), inTime())).toMatchObject({
      kind: 'found',
      order: { state: 'canceled' },
    });
    expect((await venue.instruct(account, cancelOf(order.id), inTime())).kind).toMatch(/^(done|finished)$/);
  });
  test.each([
    ['a good key', {}, true, ''],
    ['another memo', { memo: 'my memo #1 e' }, false, 'memo'],
    ['a secret of another key', { secretKey: 'secret-of-other' }, false, 'secretKey'],
    ['a key that is not known', { apiKey: 'key-of-nobody' }, false, 'apiKey'],
    ['a key without its memo', { memo: undefined }, false, 'memo'],
  ])('a signed read proves %s, or says what to look at', async (_, more, isGood, named) => {
    const check = signedRead(venue, readPlace, 'main', soon);
    const proven = await check({ ...(account.credentials as object), ...more });
    expect(proven).toEqual({ isGood, detail: expect.stringContaining(named) });
    for (const value of Object.values(account.credentials as object)) expect(proven.detail).not.toContain(value);
  });
  test('an order that nobody placed is not found', async () => {
    expect(await venue.find(account, query(uniqueId()), inTime())).toEqual({ kind: 'nothing' });
  });
  test('a wrong memo is unauthorised and says where to look', async () => {
    const credentials = { apiKey: 'key-of-main', secretKey: 'secret-of-main', memo: 'my memo' };
    const verdict = await venue.submit(fresh({ credentials }), buy(), inTime());
    expect(verdict).toMatchObject({
      kind: 'unauthorised',
      venueCode: '30005',
      detail: expect.stringContaining('memo'),
    });
  });
  test('an order whose answer is lost is unknown, and there', async () => {
    const path = '/spot/v2/submit_order';
    await control('PUT', '/faults', { faults: [{ path, fault: 'drop-after', times: 1 }] });
    const order = buy();
    expect(await venue.submit(account, order, inTime())).toMatchObject({ kind: 'unknown' });
    expect(await venue.find(account, query(order.id), inTime())).toMatchObject({ kind: 'found' });
    await control('DELETE', '/faults');
  });
  test('rules, best prices and time are there', async () => {
    expect(await venue.instrument('spot', 'BTC_USDT', soon())).toMatchObject({ sizeStep: '0.00001', tradable: true });
    expect(await venue.instrument('spot', 'NEW_USDT', soon())).toMatchObject({ tradable: false });
    expect(await venue.instrument('spot', 'NO_USDT', soon())).toBe('unknown');
    expect(await venue.book('spot', 'BTC_USDT', soon())).toMatchObject({
      bid: expect.any(String),
      ask: expect.any(String),
    });
    expect(Math.abs(((await venue.time(soon())) ?? 0) - Date.now())).toBeLessThan(2000);
  });
});
