// The signature is the recorded one, and what is signed is what is sent: the same text, whatever is in it; and the window in
// which a request is taken never outlives what it is for.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { compose, send, sign, windowOf, type Credentials, type Request } from '../../shared/bybit/wire.ts';
import type { Clock } from '../../shared/clock.ts';
import type { HttpRequest } from '../../shared/http.ts';
import type { Decimal } from '../../shared/order/intent.ts';
import type { NewOrder, TradingAccount, Venue } from '../../shared/order/venue.ts';
import { startRecorder, type Recorder } from '../bitmart/recorder.ts';
import { answer, fresh, transport, venueAt } from './fixture.ts';

interface Vector {
  readonly name: string;
  readonly source: string;
  readonly method: 'GET' | 'POST' | 'WS';
  readonly path: string;
  readonly query: string;
  readonly timestamp: string;
  readonly recv_window: string;
  readonly key: string;
  readonly secret: string;
  readonly body: string | null;
  readonly signed_string: string;
  readonly sign: string;
}
const { vectors } = JSON.parse(readFileSync(new URL('../data/bybit/signatures.json', import.meta.url), 'utf8')) as {
  readonly vectors: readonly Vector[];
};
const requests = vectors.filter(({ method }) => method !== 'WS');
const named = requests.map((vector) => [`${vector.name} (${vector.source})`, vector] as const);
const credentialsOf = ({ key, secret }: Vector): Credentials => ({ apiKey: key, secretKey: secret });

describe('the recorded vectors', () => {
  test('are many', () => expect(requests.length).toBeGreaterThan(30));
  test.each(named.filter(([, { sign: recorded }]) => recorded))('%s', (_, vector) => {
    const { timestamp, recv_window, body, query, key, method } = vector;
    const tail = method === 'POST' ? (body ?? '') : query;
    expect(sign(credentialsOf(vector), timestamp, recv_window, tail)).toBe(vector.sign);
    expect(`${timestamp}${key}${recv_window}${tail}`).toBe(vector.signed_string);
  });
  test('of POSTs come out of a composed request as they are', () => {
    const posts = requests.filter(({ method }) => method === 'POST');
    for (const vector of posts) {
      const body = JSON.parse(vector.body ?? '{}') as Request['body'];
      const request: Request = { method: 'POST', path: vector.path, body: body ?? {}, credentials: credentialsOf(vector), deadline: 0, windowMs: 5000 }; // prettier-ignore
      const composed = compose('https://host', request, Number(vector.timestamp));
      expect(composed.body).toBe(vector.body);
      expect(composed.headers).toMatchObject({
        'X-BAPI-SIGN': vector.sign,
        'X-BAPI-TIMESTAMP': vector.timestamp,
        'X-BAPI-RECV-WINDOW': vector.recv_window,
        'X-BAPI-API-KEY': vector.key,
      });
    }
    expect(posts.length).toBeGreaterThan(10);
  });
  test('of GETs come out of a composed request wherever the query is written the same way', () => {
    const gets = requests.filter(({ method }) => method === 'GET');
    const alike = gets.filter(({ query }) => new URLSearchParams(query).toString() === query);
    for (const vector of alike.filter(({ sign: recorded }) => recorded)) {
      const query = Object.fromEntries(new URLSearchParams(vector.query));
      const request: Request = { method: 'GET', path: vector.path, query, credentials: credentialsOf(vector), deadline: 0, windowMs: 5000 }; // prettier-ignore
      const composed = compose('https://host', request, Number(vector.timestamp));
      expect(composed.url).toBe(`https://host${vector.path}${vector.query === '' ? '' : `?${vector.query}`}`);
      expect(composed.headers['X-BAPI-SIGN']).toBe(vector.sign);
      expect(composed.body).toBeUndefined();
    }
    expect(alike.length).toBeGreaterThan(12);
  });
});

describe('the venue sends the recorded requests', () => {
  const vectorOf = (name: string): Vector => {
    const found = vectors.find((vector) => vector.name === name && vector.source.startsWith('bybit-api'));
    if (found === undefined) throw new Error(`no vector ${name}`);
    return found;
  };
  /** A venue whose clock stands at the vectors' time, and what it sent. */
  const frozen = () => {
    const clock: Clock = { now: () => 1_764_000_000_123, sleep: () => Promise.resolve() };
    const sent: HttpRequest[] = [];
    const replies: Record<string, object> = {
      '/v5/account/user-setting-config': { lpaSpot: false, lpaPerp: true, smsef: false, fmsef: false },
      '/v5/account/info': { marginMode: 'REGULAR_MARGIN' },
      '/v5/order/realtime': { list: [] },
      '/v5/order/history': { list: [] },
    };
    const venue = venueAt('https://host', {
      clock,
      transport: (request) => {
        sent.push(request);
        const result = replies[new URL(request.url).pathname] ?? { orderId: '1', orderLinkId: '' };
        return Promise.resolve({ kind: 'response', status: 200, headers: {}, body: JSON.stringify(answer(result).body) });
      },
    });
    return { venue, sent };
  };
  const at = { answerBy: 1_764_000_003_000, holdBy: 1_764_000_030_000 };
  const EXPIRES = 1_764_000_060_000;
  const account = ({ key, secret }: Vector): TradingAccount =>
    fresh({ credentials: { apiKey: key, secretKey: secret } });
  const order = (more: object): NewOrder =>
    ({ action: 'place', market: 'spot', symbol: 'BTC_USDT', expiresAt: EXPIRES, ...more }) as NewOrder;
  const limit = (id: string, more: object): NewOrder => order({ id, type: 'limit', ...more });

  const orders: readonly (readonly [name: string, order: NewOrder])[] = [
    ['spot limit order', limit('a1b2c3d4e5f60718293a4b5c6d7e8f90', { side: 'buy', size: '0.001', price: '60000.1' })],
    ['spot market buy by value', order({ id: 'mb-0001', side: 'buy', type: 'market', notional: '25.5' })],
    ['spot market sell by base quantity', order({ id: 'ms_0001', side: 'sell', type: 'market', size: '0.001' })],
    ['spot post-only', order({ id: 'po-1', symbol: 'ETH_USDT', side: 'sell', type: 'limit-maker', size: '0.05', price: '9999.99' })],
    ['perpetual limit reduce-only', limit('lin-1', { market: 'futures', side: 'sell', size: '0.01', price: '70000', reduceOnly: true })],
  ]; // prettier-ignore
  const expectSent = (sent: readonly HttpRequest[], vector: Vector): void => {
    const request = sent.findLast(({ url }) => new URL(url).pathname === vector.path);
    expect(request?.body ?? new URL(request?.url ?? '').search.slice(1)).toBe(vector.method === 'POST' ? vector.body : vector.query);
    expect(request?.headers['X-BAPI-SIGN']).toBe(vector.sign);
  };
  test.each(orders)('%s', async (name, one) => {
    const vector = vectorOf(name);
    const { venue, sent } = frozen();
    expect(await venue.submit(account(vector), one, at)).toEqual({ kind: 'placed', venueOrderId: '1' });
    expectSent(sent, vector);
  });
  test('spot batch, two symbols', async () => {
    const vector = vectorOf('spot batch, two symbols');
    const { venue, sent } = frozen();
    await venue.submitAll(account(vector), [limit('b-1', { side: 'buy', size: '0.001', price: '60000' }), order({ id: 'b-2', symbol: 'ETH_USDT', side: 'sell', type: 'ioc', size: '0.05', price: '4000' })], at); // prettier-ignore
    expectSent(sent, vector);
  });
  test.each([
    ['cancel by client id', { action: 'cancel', symbol: 'BTC_USDT', target: 'a1b2c3d4e5f60718293a4b5c6d7e8f90' }],
    ['cancel all spot', { action: 'cancel-all' }],
    ['set leverage', { action: 'set-leverage', market: 'futures', symbol: 'BTC_USDT', leverage: '5', marginMode: 'cross' }],
  ])('%s', async (name, more) => {
    const vector = vectorOf(name);
    const { venue, sent } = frozen();
    const instruction = { id: 'i', market: 'spot', expiresAt: EXPIRES, ...more } as Parameters<Venue['instruct']>[1];
    expect(await venue.instruct(account(vector), instruction, at)).toMatchObject({ kind: 'done' });
    expectSent(sent, vector);
  });
  test.each(['find by client id (realtime)', 'history by client id'])('%s', async (name) => {
    const vector = vectorOf(name);
    const { venue, sent } = frozen();
    const query = { id: 'a1b2c3d4e5f60718293a4b5c6d7e8f90', market: 'spot', symbol: 'BTC_USDT' } as const;
    expect(await venue.find(account(vector), query, at)).toEqual({ kind: 'nothing' });
    expectSent(sent, vector);
  });
  test('an order that ends in two seconds is taken for two seconds, and one that ends later for the whole window', async () => {
    const vector = vectorOf('spot limit order');
    const { venue, sent } = frozen();
    for (const expiresAt of [1_764_000_002_123, 1_764_000_000_500, EXPIRES]) {
      await venue.submit(account(vector), limit('x', { side: 'buy', size: '0.001' as Decimal, price: '60000.1', expiresAt }), at);
    }
    const windows = sent.filter(({ url }) => url.endsWith('/order/create')).map(({ headers }) => headers['X-BAPI-RECV-WINDOW']);
    expect(windows).toEqual(['2000', '377', '5000']);
  });
}); // prettier-ignore

describe('send', () => {
  let server: Recorder;
  beforeAll(async () => {
    server = await startRecorder();
  });
  beforeEach(() => {
    server.requests.length = 0;
    server.answer(answer({}));
  });
  afterAll(() => server.close());

  const credentials: Credentials = { apiKey: 'key-1', secretKey: 'sécret #1' };
  const ask = (more: Partial<Request>) =>
    send(transport, server.url, { method: 'POST', path: '/v5/order/create', credentials, deadline: Date.now() + 5000, windowMs: 5000, ...more }, Date.now, true); // prettier-ignore
  const expected = (as: Credentials, timestamp: unknown, tail: Buffer): string =>
    createHmac('sha256', as.secretKey)
      .update(Buffer.concat([Buffer.from(`${String(timestamp)}${as.apiKey}5000`), tail]))
      .digest('hex');

  test('signs exactly the text that it sends, for any body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })), async (body) => {
        server.requests.length = 0;
        const reply = await ask({ body });
        const [request] = server.requests;
        if (request === undefined) throw new Error('nothing arrived');
        expect(request.bytes.toString('utf8')).toBe(JSON.stringify(body));
        expect(request.headers['x-bapi-sign']).toBe(expected(credentials, reply.signedAt, request.bytes));
        expect(request.headers).toMatchObject({ 'x-bapi-timestamp': String(reply.signedAt), 'x-bapi-api-key': 'key-1' });
      }),
      { numRuns: 50 },
    );
  }); // prettier-ignore
  test('signs exactly the query that it sends, for any values, and no GET has a body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1 }), fc.string({ unit: 'grapheme' })), async (query) => {
        server.requests.length = 0;
        const reply = await ask({ method: 'GET', path: '/v5/order/realtime', query });
        const [request] = server.requests;
        if (request === undefined) throw new Error('nothing arrived');
        const tail = request.url.includes('?') ? request.url.slice(request.url.indexOf('?') + 1) : '';
        expect(request.headers['x-bapi-sign']).toBe(expected(credentials, reply.signedAt, Buffer.from(tail)));
        expect(request.bytes).toHaveLength(0);
        expect(request.headers['content-type']).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });
  test('sends no sign type, and a referer only where the account has a broker', async () => {
    await ask({ body: {} });
    await ask({ body: {}, credentials: { ...credentials, brokerId: 'broker-7' } });
    expect(server.requests.map(({ headers }) => headers.referer)).toEqual([undefined, 'broker-7']);
    for (const { headers } of server.requests) expect(Object.keys(headers)).not.toContain('x-bapi-sign-type');
  });
  test('neither signs nor names a key in a public call', async () => {
    await send(transport, server.url, { method: 'GET', path: '/v5/market/time', deadline: Date.now() + 5000, windowMs: 5000 }, Date.now, true); // prettier-ignore
    expect(Object.keys(server.requests[0]?.headers ?? {}).filter((name) => name.startsWith('x-bapi'))).toEqual([]);
  });
  test('never shows a secret in what it answers', async () => {
    server.answer(
      answer({}, { retCode: 10004, retMsg: 'Error sign, please check your signature generation algorithm.' }),
    );
    expect(JSON.stringify(await ask({ body: { a: '1' } }))).not.toMatch(/sécret|key-1/);
  });
  test('whatever the moment, the window ends with the order and is never longer than allowed', () => {
    const moment = fc.integer({ min: 0, max: 100_000 });
    fc.assert(
      fc.property(moment, moment, fc.integer({ min: 100, max: 10_000 }), (signedAt, livesMs, windowMs) => {
        const request: Request = { method: 'POST', path: '/', deadline: 0, windowMs, sendBefore: signedAt + livesMs };
        const window = windowOf(request, signedAt);
        expect(window).toBeGreaterThanOrEqual(1);
        expect(window).toBeLessThanOrEqual(Math.max(1, Math.min(windowMs, livesMs)));
      }),
    );
  });
});
