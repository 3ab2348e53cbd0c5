// The door of the local Bybit: signatures over raw bytes, the clock rule, keys, addresses, environments, permissions.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ageOf, clockRefusal } from '../../../local/bybit/gate.ts';
import { isRefusal } from '../../../local/bybit/codes.ts';
import { defaultPromises } from '../../../local/bybit/promises.ts';
import {
  control,
  create,
  CREATE,
  get,
  linear,
  MAIN,
  ordersOf,
  post,
  promise,
  register,
  resting,
  send,
} from './client.ts';
import { localVenue } from './fixture.ts';

interface Vector {
  readonly source: string;
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'WS';
  readonly path: string;
  readonly query: string;
  readonly timestamp: string;
  readonly recv_window: string;
  readonly key: string;
  readonly secret: string;
  readonly body: string;
  readonly sign: string;
}
const { vectors } = JSON.parse(readFileSync(new URL('../../data/bybit/signatures.json', import.meta.url), 'utf8')) as {
  readonly vectors: readonly Vector[];
};
/** Signed requests over REST; public ones have no signature. */
const REST = vectors.filter(({ method, sign }) => method !== 'WS' && typeof sign === 'string');

describe('signatures', () => {
  const venue = localVenue([MAIN]);

  const headersOf = (vector: Vector, sign: string) => ({
    'x-bapi-api-key': vector.key,
    'x-bapi-timestamp': vector.timestamp,
    'x-bapi-recv-window': vector.recv_window,
    'x-bapi-sign': sign,
  });
  const play = async (vector: Vector, sign: string): Promise<number> => {
    const body = vector.method === 'POST' ? { body: vector.body } : {};
    const target = vector.query === '' ? vector.path : `${vector.path}?${vector.query}`;
    const method = vector.method === 'POST' ? 'POST' : 'GET';
    return (await send(venue.url, { method, target, headers: headersOf(vector, sign), ...body })).body.retCode;
  };

  test('every vector of both clients passes as it was sent, and no other signature does', async () => {
    expect(REST.length).toBeGreaterThan(30);
    for (const vector of REST) {
      await register(venue, { account: 'vectors', apiKey: vector.key, secretKey: vector.secret });
      // The vectors' clock stood still in the past.
      await control(venue, 'PUT', '/clock', { offsetMs: Number(vector.timestamp) - Date.now() });
      const name = `${vector.source}: ${vector.name}`;
      expect([name, [10002, 10003, 10004, 10005].includes(await play(vector, vector.sign))]).toEqual([name, false]);
      const turned = (vector.sign.startsWith('0') ? '1' : '0') + vector.sign.slice(1);
      expect([name, await play(vector, turned)]).toEqual([name, 10004]);
      expect([name, await play(vector, vector.sign.toUpperCase())]).toEqual([name, 10004]);
    }
  });

  test('a lone question mark signs an empty tail; another spelling of the same query is another tail', async () => {
    expect((await get(venue, '/v5/user/query-api?')).body.retCode).toBe(0);
    const query = '/v5/account/wallet-balance?accountType=UNIFIED&coin=BTC%2CUSDT';
    const signed = await get(venue, query);
    expect(signed.body.retCode).toBe(0);
    expect((await get(venue, query.replace('%2C', ','))).body.retCode).toBe(0);
  });

  test('the path is not signed: one signature fits another path for as long as its window is open', async () => {
    const timestamp = Date.now();
    const body = JSON.stringify(resting('anywhere'));
    const first = await post(venue, CREATE, body, { timestamp });
    const second = await post(venue, '/v5/order/cancel', body, { timestamp });
    expect([first.body.retCode, second.body.retCode]).toEqual([0, 0]);
  });

  test('what was signed must be what arrives, byte for byte', async () => {
    const good = await post(venue, CREATE, `{ "category":"spot",  "symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01","price":"50000"}`); // prettier-ignore
    expect(good.body.retCode).toBe(0);
    const text = JSON.stringify(resting('x'));
    const headers = { 'X-BAPI-API-KEY': MAIN.apiKey, 'X-BAPI-TIMESTAMP': String(Date.now()), 'X-BAPI-SIGN': '00' };
    expect((await send(venue.url, { method: 'POST', target: CREATE, body: text, headers })).body.retCode).toBe(10004);
  });

  test('missing authentication headers are a 401 without JSON, and a GET with a body is a 403', async () => {
    const bare = await send(venue.url, { method: 'POST', target: CREATE, body: '{}' });
    expect([bare.status, bare.text]).toEqual([401, '']);
    const target = '/v5/market/time';
    const loaded = await send(venue.url, { method: 'GET', target, body: '{}' });
    expect([loaded.status, loaded.body.retCode]).toEqual([403, Number.NaN]);
    expect((await send(venue.url, { method: 'GET', target: '/v5/order/cretae' })).status).toBe(404);
    expect((await send(venue.url, { method: 'GET', target: CREATE })).status).toBe(404);
  });

  test('a body that is no JSON object is a parameter error', async () => {
    for (const body of ['[]', 'null', '{', '"x"']) expect((await post(venue, CREATE, body)).body.retCode).toBe(10001);
  });
});

describe('the clock rule', () => {
  const venue = localVenue([MAIN]);

  const codeOf = (behindMs: number, window: number): number | undefined => {
    const serverMs = 1_764_000_000_123;
    const headers = { 'x-bapi-timestamp': String(serverMs - behindMs), 'x-bapi-recv-window': String(window) };
    const rest = { path: '/', query: new URLSearchParams(), rawQuery: '', body: Buffer.alloc(0), ip: '' };
    const age = ageOf({ method: 'GET', headers, ...rest }, serverMs);
    return isRefusal(age) ? age.refused : clockRefusal(age, defaultPromises(1))?.refused;
  };

  test('server time less window <= timestamp < server time + 1000, for any window and any offset', () => {
    fc.assert(
      fc.property(fc.integer({ min: -3000, max: 60_000 }), fc.integer({ min: 1, max: 50_000 }), (behindMs, window) => {
        expect(codeOf(behindMs, window)).toBe(behindMs <= window && behindMs > -1000 ? undefined : 10002);
      }),
    );
    expect([-1000, -999, 5000, 5001].map((behindMs) => codeOf(behindMs, 5000))).toEqual([10002, undefined, undefined, 10002]); // prettier-ignore
  });

  test('every call names its own window; without one it is five seconds', async () => {
    const old = (ageMs: number, recvWindow: string) =>
      create(venue, resting(), { timestamp: Date.now() - ageMs, recvWindow });
    expect((await old(4_000, '5000')).body.retCode).toBe(0);
    expect((await old(4_000, '3000')).body.retCode).toBe(10002);
    expect((await old(30_000, '50000')).body.retCode).toBe(0);
    expect((await old(4_000, '')).body.retCode).toBe(0);
    expect((await old(6_000, '')).body.retCode).toBe(10002);
    expect((await create(venue, resting(), { timestamp: 'soon' })).body.retCode).toBe(10002);
  });

  test('a skewed venue refuses a timestamp that is a second ahead of it', async () => {
    await control(venue, 'PUT', '/clock', { offsetMs: -2_000 });
    expect((await create(venue, resting())).body.retCode).toBe(10002);
    await control(venue, 'PUT', '/clock', { offsetMs: -500 });
    expect((await create(venue, resting())).body.retCode).toBe(0);
    expect((await get(venue, '/v5/market/time')).body.time).toBeLessThan(Date.now() - 300);
  });

  test('as promised otherwise: old timestamps pass, a window may have a largest size', async () => {
    await promise(venue, { refusesTimestamps: false });
    expect((await create(venue, resting(), { timestamp: Date.now() - 60_000 })).body.retCode).toBe(0);
    await promise(venue, { maxRecvWindowMs: 10_000 });
    expect((await create(venue, resting(), { recvWindow: '10001' })).body.retCode).toBe(10002);
  });

  test('a request held behind the gateway is booked late, or refused with -1 where that check stands', async () => {
    const hold = { faults: [{ path: CREATE, fault: 'hold', ms: 300, times: 1 }] };
    await control(venue, 'PUT', '/faults', hold);
    expect((await create(venue, resting('late'), { recvWindow: '200' })).body.retCode).toBe(0);
    await promise(venue, { refusesStaleInside: true });
    await control(venue, 'PUT', '/faults', hold);
    expect((await create(venue, resting('stale'), { recvWindow: '200' })).body.retCode).toBe(-1);
    expect((await ordersOf(venue)).map(({ clientOrderId }) => clientOrderId)).toEqual(['late']);
  });

  test('an identical request may be played again in its window, unless replays are refused', async () => {
    const timestamp = Date.now();
    const again = () => create(venue, resting(), { timestamp });
    expect([(await again()).body.retCode, (await again()).body.retCode]).toEqual([0, 0]);
    await promise(venue, { refusesReplays: true });
    expect([(await again()).body.retCode, (await again()).body.retCode]).toEqual([0, 10014]);
  });
});

describe('keys', () => {
  const venue = localVenue([MAIN]);
  const code = async (
    account: object,
    fields: object = resting(),
    options: object = {},
  ): Promise<readonly number[]> => {
    await register(venue, { ...MAIN, ...account });
    const { status, body } = await create(venue, fields, options);
    return [status, body.retCode];
  };

  afterEach(() => register(venue, { ...MAIN, environment: 'live', ips: [], permissions: ['read', 'spot-trade', 'future-trade'] })); // prettier-ignore

  test('a key belongs to one of three hosts', async () => {
    for (const [environment, url] of [
      ['live', venue.url],
      ['demo', venue.demoUrl],
      ['testnet', venue.testnetUrl],
    ] as const) {
      // prettier-ignore
      for (const host of [venue.url, venue.demoUrl, venue.testnetUrl]) {
        expect(await code({ environment }, resting(), { url: host })).toEqual([200, host === url ? 0 : 10003]);
      }
    }
  });

  test('demo has no batches of spot, and money for the asking once a minute', async () => {
    await register(venue, { ...MAIN, environment: 'demo' });
    const batch = (category: string) =>
      post(venue, '/v5/order/create-batch', { category, request: [{ ...resting(), category: undefined }] }, { url: venue.demoUrl }); // prettier-ignore
    expect((await batch('spot')).body.retCode).toBe(10017);
    expect((await batch('linear')).body).toMatchObject({ retCode: 0, retExtInfo: { list: [{ code: 0 }] } });
    const gift = () => post(venue, '/v5/account/demo-apply-money', { adjustType: 0, utaDemoApplyMoney: [{ coin: 'BTC', amountStr: '2' }] }, { url: venue.demoUrl }); // prettier-ignore
    expect([(await gift()).body.retCode, (await gift()).body.retCode]).toEqual([0, 10006]);
    expect((await post(venue, '/v5/account/demo-apply-money', {}, { url: venue.url })).body.retCode).toBe(10003);
  });

  test.each([
    ['expired, in the words of spot', { expired: true }, resting(), -2015],
    ['expired, in the words of derivatives', { expired: true }, linear(), 33004],
    ['banned', { frozen: true }, resting(), 10008],
    ['not unified', { unified: false }, resting(), 10028],
    ['bound to another address', { ips: ['203.0.113.9'] }, resting(), 10010],
    ['without permission for spot', { permissions: ['read', 'future-trade'] }, resting(), 10005],
    ['without permission for perpetuals', { permissions: ['read', 'spot-trade'] }, linear(), 10005],
    ['read only', { permissions: ['Read-only'] }, resting(), 10005],
    ['in order', {}, linear(), 0],
  ])('a key that is %s', async (_name, account, fields, expected) => {
    expect(await code(account, fields)).toEqual([200, expected]);
    await promise(venue, { authStatus: 401 });
    expect(await code(account, fields)).toEqual([expected === 0 ? 200 : 401, expected]);
  });

  test('key information tells permissions, addresses and the days that are left', async () => {
    await register(venue, { ...MAIN, permissions: ['read', 'spot-trade'], deadlineDay: 9 });
    const { result } = (await get(venue, '/v5/user/query-api')).body;
    expect(result).toMatchObject({ readOnly: 0, ips: ['*'], deadlineDay: 9, apiKey: MAIN.apiKey, secret: '', permissions: { Spot: ['SpotTrade'], ContractTrade: [] } }); // prettier-ignore
    expect(Date.parse(String(result['expiredAt'])) - Date.now()).toBeGreaterThan(8.9 * 86_400_000);
    await register(venue, { ...MAIN, permissions: ['read'], ips: ['127.0.0.1'] });
    const bound = (await get(venue, '/v5/user/query-api')).body.result;
    expect(bound).toMatchObject({
      readOnly: 1,
      ips: ['127.0.0.1'],
      deadlineDay: -2,
      expiredAt: '1970-01-01T00:00:00Z',
    });
  });

  test('a key bound to an address works from there alone', async () => {
    await register(venue, { ...MAIN, ips: ['127.0.0.5'] });
    expect((await create(venue, resting(), { from: '127.0.0.5' })).body.retCode).toBe(0);
    expect((await create(venue, resting(), { from: '127.0.0.6' })).body.retCode).toBe(10010);
  });

  test('control shows no secret and no whole key', async () => {
    const shown = JSON.stringify((await control(venue, 'GET', '/accounts')).body);
    expect(shown).toContain('main');
    expect(shown).not.toContain(MAIN.secretKey);
    expect(shown).not.toContain(MAIN.apiKey);
  });
});
