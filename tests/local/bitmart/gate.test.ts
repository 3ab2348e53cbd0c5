// Who gets in: signatures over raw bytes, the two clock rules, permissions, addresses, and which code each failure has.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { isSignedBy } from '../../../local/bitmart/signature.ts';
import { startLocalBitmart } from '../../../local/bitmart/server.ts';
import { control, find, get, MAIN, ordersOf, OTHER, post, register, resting, submit, type Reply } from './client.ts';
import { localVenue } from './fixture.ts';

interface Vector {
  readonly name: string;
  readonly source: string;
  readonly method: string;
  readonly signed_part: string;
  readonly timestamp: string;
  readonly memo: string;
  readonly secret: string;
  readonly body: string;
  readonly sign: string;
}

const file = readFileSync(new URL('../../data/bitmart/signatures.json', import.meta.url), 'utf8');
const vectors = (JSON.parse(file) as { vectors: Vector[] }).vectors.filter(({ method }) => method === 'POST');

describe('the signature check', () => {
  test.each(vectors)('accepts $name of $source, and nothing near it', ({ timestamp, memo, secret, body, sign }) => {
    const key = { secretKey: secret, memo };
    const bytes = Buffer.from(body);
    expect(isSignedBy(key, timestamp, bytes, sign)).toBe(true);
    expect(isSignedBy(key, timestamp, Buffer.from(`${body} `), sign)).toBe(false);
    expect(isSignedBy({ ...key, memo: `${memo}x` }, timestamp, bytes, sign)).toBe(false);
    expect(isSignedBy({ ...key, secretKey: `${secret}x` }, timestamp, bytes, sign)).toBe(false);
    expect(isSignedBy(key, String(Number(timestamp) + 1), bytes, sign)).toBe(false);
    expect(isSignedBy(key, timestamp, bytes, sign.toUpperCase())).toBe(false);
  });
});

const brief = ({ status, body }: Reply): readonly unknown[] => [status, body.code];

describe('the door', () => {
  const venue = localVenue(MAIN, OTHER);
  const open = '/spot/v4/query/open-orders';
  const send = (headers: Record<string, string>, body: object | string = {}): Promise<Reply> =>
    post(venue, open, body, MAIN, headers);

  test('any spelling of the same JSON passes as long as the bytes are signed', async () => {
    const text = ` { "recvWindow" : 5000 , "symbol":"BTC_\\u0055SDT" }\n`;
    expect(brief(await post(venue, open, text))).toEqual([200, 1000]);
    expect(brief(await post(venue, open, ''))).toEqual([200, 1000]);
    expect(brief(await post(venue, open, {}, OTHER))).toEqual([200, 1000]);
  });

  test('each missing or wrong header has its own code', async () => {
    expect(brief(await send({ 'X-BM-KEY': '' }))).toEqual([401, 30001]);
    expect(brief(await send({ 'X-BM-KEY': 'nobody' }))).toEqual([401, 30002]);
    expect(brief(await send({ 'X-BM-SIGN': '' }))).toEqual([401, 30004]);
    expect(brief(await send({ 'X-BM-SIGN': 'feed' }))).toEqual([401, 30005]);
    expect(brief(await send({ 'X-BM-TIMESTAMP': '' }))).toEqual([401, 30006]);
    expect(brief(await send({ 'X-BM-TIMESTAMP': 'noon' }))).toEqual([401, 30006]);
    expect(brief(await send({ 'X-BM-TIMESTAMP': String(Math.floor(Date.now() / 1000)) }))).toEqual([401, 30008]);
    expect(brief(await send({}, 'not json'))).toEqual([503, 30018]);
    expect(brief(await send({}, '[]'))).toEqual([503, 30018]);
    expect(brief(await send({ 'Content-Type': 'text/plain' }))).toEqual([415, 58001]);
    expect(brief(await get(venue, '/spot/v1/wallet', { 'X-BM-KEY': '' }))).toEqual([401, 30001]);
  });

  test('a private GET needs the key alone; a signature on it is not looked at', async () => {
    const strange = { 'X-BM-SIGN': 'anything', 'X-BM-TIMESTAMP': '1' };
    expect(brief(await get(venue, '/spot/v1/wallet'))).toEqual([200, 1000]);
    expect(brief(await get(venue, '/spot/v1/wallet?recvWindow=5000', strange))).toEqual([200, 1000]);
  });

  test('frozen, expired, bound to another address, without permission', async () => {
    await register(venue, { ...MAIN, frozen: true });
    expect(brief(await submit(venue, resting()))).toEqual([401, 30003]);
    await register(venue, { ...MAIN, expired: true });
    expect(brief(await submit(venue, resting()))).toEqual([403, 30011]);
    await register(venue, { ...MAIN, ips: ['10.1.2.3'] });
    expect(brief(await submit(venue, resting()))).toEqual([403, 30010]);
    await register(venue, { ...MAIN, ips: ['10.1.2.3', '127.0.0.1'] });
    expect(brief(await submit(venue, resting()))).toEqual([200, 1000]);
    await register(venue, { ...MAIN, permissions: ['read'] });
    expect(brief(await submit(venue, resting()))).toEqual([403, 30012]);
    expect(brief(await send({}))).toEqual([200, 1000]);
    await register(venue, { ...MAIN, permissions: ['spot-trade'] });
    expect(brief(await get(venue, '/spot/v1/wallet'))).toEqual([403, 30012]);
  });

  const aged = async (path: string, body: object, ageMs: number): Promise<number> =>
    (await post(venue, path, body, MAIN, { 'X-BM-TIMESTAMP': String(Date.now() - ageMs) })).body.code;

  test('v4 accepts up to recvWindow behind and less than a second ahead', async () => {
    expect(await aged(open, {}, 4_500)).toBe(1000);
    expect(await aged(open, {}, 5_500)).toBe(30007);
    expect(await aged(open, { recvWindow: 60_000 }, 59_000)).toBe(1000);
    expect(await aged(open, { recvWindow: 1_000 }, 1_500)).toBe(30007);
    expect(await aged(open, {}, -500)).toBe(1000);
    expect(await aged(open, { recvWindow: 60_000 }, -1_500)).toBe(30007);
  });

  test.each([0, -1, 60_001, 1.5, '5000', null])('a recvWindow of %p is refused with 30007', async (recvWindow) => {
    expect(await aged(open, { recvWindow }, 0)).toBe(30007);
  });

  test('the other endpoints accept a minute either way', async () => {
    const cancel = '/spot/v3/cancel_order';
    const nothing = { symbol: 'BTC_USDT', order_id: '1' };
    expect(await aged(cancel, nothing, 59_000)).toBe(50032);
    expect(await aged(cancel, nothing, 61_000)).toBe(30007);
    expect(await aged(cancel, nothing, -59_000)).toBe(50032);
    expect(await aged(cancel, nothing, -61_000)).toBe(30007);
  });

  test('a skewed venue clock refuses honest timestamps and executes nothing', async () => {
    await control(venue, 'PUT', '/clock', { offsetMs: 90_000 });
    expect(brief(await submit(venue, resting('late')))).toEqual([401, 30007]);
    expect(await ordersOf(venue)).toEqual([]);
    const { server_time } = (await get(venue, '/system/time')).body.data as { server_time: number };
    expect(Math.abs(server_time - Date.now() - 90_000)).toBeLessThan(2_000);
    await control(venue, 'PUT', '/promises', { refusesTimestamps: false });
    expect(brief(await submit(venue, resting('late')))).toEqual([200, 1000]);
  });

  test('keys of one UID see the same orders; a changed key ends the old one', async () => {
    await register(venue, { ...OTHER, uid: 'uid-main' });
    await submit(venue, resting('shared'));
    expect(brief(await find(venue, 'shared', OTHER))).toEqual([200, 1000]);
    await register(venue, { ...OTHER, apiKey: 'rotated' });
    expect(brief(await find(venue, 'shared', OTHER))).toEqual([401, 30002]);
    expect(brief(await find(venue, 'shared', { ...OTHER, apiKey: 'rotated' }))).toEqual([200, 1000]);
  });
});

test('timeScale shortens the one-minute window, and not recvWindow, which callers choose', async () => {
  const venue = await startLocalBitmart({ timeScale: 0.01 });
  await register(venue, MAIN);
  const old = { 'X-BM-TIMESTAMP': String(Date.now() - 1_000) };
  expect((await post(venue, '/spot/v2/submit_order', resting(), MAIN, old)).body.code).toBe(30007);
  expect((await post(venue, '/spot/v4/query/open-orders', {}, MAIN, old)).body.code).toBe(1000);
  expect((await submit(venue, resting())).body.code).toBe(1000);
  await venue.close();
});
