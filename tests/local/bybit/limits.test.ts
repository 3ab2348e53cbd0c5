// Limits per UID, endpoint and category, batches that count orders, usage headers, and the limit of an address.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLimits } from '../../../local/bybit/limits.ts';
import {
  control,
  create,
  CREATE,
  find,
  get,
  linear,
  MAIN,
  ordersOf,
  OTHER,
  post,
  promise,
  register,
  resting,
  wait,
  type Reply,
} from './client.ts';
import { localVenue } from './fixture.ts';

const usage = ({ headers }: Reply): readonly unknown[] => [headers['x-bapi-limit'], headers['x-bapi-limit-status']];

describe('limits of a UID', () => {
  const venue = localVenue([MAIN, OTHER]);

  const flood = async (count: number, fields: object = resting(), as = MAIN): Promise<readonly number[]> => {
    const replies = await Promise.all(Array.from({ length: count }, () => create(venue, fields, { as })));
    return replies.map(({ body }) => body.retCode);
  };
  const passed = (codes: readonly number[]): number => codes.filter((code) => code === 0).length;
  const batch = (size: number, category = 'spot', first = 0): Promise<Reply> => {
    const request = Array.from({ length: size }, (_, at) => ({
      ...resting(`b-${category}-${first + at}`),
      category: undefined,
    }));
    return post(venue, '/v5/order/create-batch', { category, request });
  };
  const codesOf = ({ body }: Reply): readonly number[] =>
    (body.retExtInfo['list'] as readonly { readonly code: number }[]).map(({ code }) => code);

  test('the headers say what remains, and public calls carry none unless that is promised', async () => {
    expect(usage(await create(venue, resting()))).toEqual(['20', '19']);
    expect(usage(await create(venue, resting()))).toEqual(['20', '18']);
    expect(usage(await create(venue, linear()))).toEqual(['10', '9']);
    expect(usage(await get(venue, '/v5/order/realtime?category=spot'))).toEqual(['50', '49']);
    expect(usage(await get(venue, '/v5/account/wallet-balance?accountType=UNIFIED'))).toEqual(['50', '49']);
    expect(usage(await get(venue, '/v5/market/time'))).toEqual([undefined, undefined]);
    await promise(venue, { publicUsageHeaders: true });
    expect(usage(await get(venue, '/v5/market/time'))[0]).toBe('600');
  });

  test('the twenty-first spot order of a second is refused with 10006 in HTTP 200, and places nothing', async () => {
    expect(passed(await flood(22))).toBe(20);
    const refused = await create(venue, resting());
    expect([refused.status, refused.body.retCode, ...usage(refused)]).toEqual([200, 10006, '20', '0']);
    expect(await ordersOf(venue)).toHaveLength(20);
    const resetMs = Number(refused.headers['x-bapi-limit-reset-timestamp']) - refused.body.time;
    expect(resetMs).toBeGreaterThan(0);
    expect(resetMs).toBeLessThanOrEqual(1000);
    await wait(resetMs + 5);
    expect((await create(venue, resting())).body.retCode).toBe(0);
    expect((await control(venue, 'GET', '/requests')).body).toMatchObject({
      [`${CREATE} spot`]: { count: 24, byStatus: { '200': 24 }, byCode: { '0': 21, '10006': 3 }, maxInWindow: 23 },
    });
  });

  test('categories, endpoints and UIDs count apart; keys of one UID together', async () => {
    expect(passed(await flood(21))).toBe(20);
    expect(passed(await flood(12, linear()))).toBe(10);
    expect(passed(await flood(2, resting(), OTHER))).toBe(2);
    expect((await post(venue, '/v5/order/cancel', resting('none'))).body.retCode).toBe(170213);
    expect((await batch(1)).body.retCode).toBe(0);
    await register(venue, { ...OTHER, uid: 'uid-main' });
    expect(passed(await flood(1, resting(), OTHER))).toBe(0);
  });

  test('a batch counts its orders in a bucket of its own; its tail over the limit fails order by order', async () => {
    expect(usage(await batch(10))).toEqual(['20', '10']);
    expect(usage(await batch(4, 'spot', 10))).toEqual(['20', '6']);
    const over = await batch(9, 'spot', 20);
    expect(codesOf(over)).toEqual([0, 0, 0, 0, 0, 0, 10006, 10006, 10006]);
    expect(over.body.retCode).toBe(0);
    expect((over.body.result['list'] as readonly { orderId: string }[]).map(({ orderId }) => orderId !== '')).toEqual([true, true, true, true, true, true, false, false, false]); // prettier-ignore
    expect(await find(venue, 'b-spot-25')).toBeDefined();
    expect(await find(venue, 'b-spot-26')).toBeUndefined();
    expect((await batch(1, 'spot', 30)).body.retCode).toBe(10006);
    expect((await create(venue, resting())).body.retCode).toBe(0);
    expect(codesOf(await batch(10, 'linear'))).toEqual(Array(10).fill(0));
    expect((await control(venue, 'GET', '/requests')).body).toMatchObject({
      '/v5/order/create-batch spot': { count: 4, maxInWindow: 24 },
    });
  });

  test('a batch holds 1 to 10 orders on spot and 20 on perpetuals, or as many as are promised', async () => {
    expect((await batch(11)).body.retCode).toBe(10001);
    expect((await batch(0)).body.retCode).toBe(10001);
    expect((await batch(20, 'linear')).body.retCode).toBe(0);
    await promise(venue, { linearBatchMax: 10, ordersPerSecond: { spot: 20, linear: 100 } });
    expect((await batch(11, 'linear', 40)).body.retCode).toBe(10001);
  });

  test('the level of the account is what the header says', async () => {
    await promise(venue, { ordersPerSecond: { spot: 40, linear: 60 } });
    expect(usage(await create(venue, resting()))).toEqual(['40', '39']);
    expect(passed(await flood(45))).toBe(39);
    expect(usage(await create(venue, linear()))).toEqual(['60', '59']);
    expect(usage(await post(venue, '/v5/order/amend', resting('none')))).toEqual(['10', '9']);
  });

  test('whether refused calls count is a setting', async () => {
    await promise(venue, { countsRefused: true, ordersPerSecond: { spot: 2, linear: 2 } });
    expect(passed(await flood(2))).toBe(2);
    await wait(600);
    expect(passed(await flood(2))).toBe(0);
    await wait(600);
    expect(passed(await flood(1))).toBe(0);
    await wait(1010);
    expect(passed(await flood(1))).toBe(1);
  });

  test('an unsigned flood is not counted against the account', async () => {
    const forged = await Promise.all(Array.from({ length: 30 }, () => create(venue, resting(), { as: { ...MAIN, secretKey: 'guess' } }))); // prettier-ignore
    expect(new Set(forged.map(({ body }) => body.retCode))).toEqual(new Set([10004]));
    expect(passed(await flood(20))).toBe(20);
  });

  test('fee rates, key information and settings have the small limits of their pages', async () => {
    for (const [path, limit] of [
      ['/v5/account/fee-rate?category=spot', '5'],
      ['/v5/user/query-api', '10'],
      ['/v5/account/instruments-info?category=spot', '10'],
      ['/v5/position/list?category=linear&settleCoin=USDT', '50'],
    ] as const) {
      expect([path, usage(await get(venue, path))[0]]).toEqual([path, limit]);
    }
  });
});

describe('the limit of an address', () => {
  const accounts = Array.from({ length: 50 }, (_, at) => ({
    account: `a${at}`,
    apiKey: `key-${at}`,
    secretKey: `secret-${at}`,
  }));
  const venue = localVenue([MAIN, ...accounts]);
  const time = (from: string): Promise<Reply> => get(venue, '/v5/market/time', { from });

  test('the 601st call in five seconds, over all accounts and public calls together, is banned without JSON', async () => {
    const from = '127.0.0.7';
    const statuses: number[] = [];
    for (let round = 0; round < 12; round += 1) {
      const replies = await Promise.all(
        accounts.map((as) =>
          round % 3 === 0 ? time(from) : get(venue, '/v5/order/realtime?category=spot', { as, from }),
        ),
      );
      statuses.push(...replies.map(({ status }) => status));
    }
    expect(statuses).toEqual(Array(600).fill(200));
    const over = await create(venue, resting('banned'), { from });
    expect([over.status, over.body.retCode, over.headers['content-type']]).toEqual([403, Number.NaN, 'text/plain']);
    expect((await time(from)).status).toBe(403);
    expect((await create(venue, resting('other'), { from: '127.0.0.8' })).body.retCode).toBe(0);
    expect((await ordersOf(venue)).map(({ clientOrderId }) => clientOrderId)).toEqual(['other']);
    expect((await control(venue, 'GET', '/requests')).body).toMatchObject({ address: { maxInWindow: 602 } });
  });

  test('the ban lifts by itself; whether calls prolong it is a setting', async () => {
    await promise(venue, { ipRequests: 2, ipBanMs: 400 });
    const statuses = [await time('127.0.0.3'), await time('127.0.0.3'), await time('127.0.0.3')].map(
      ({ status }) => status,
    );
    expect(statuses).toEqual([200, 200, 403]);
    await promise(venue, { ipRequests: 600, ipBanMs: 400, callsProlongIpBan: true });
    await wait(250);
    expect((await time('127.0.0.3')).status).toBe(403);
    await wait(250);
    expect((await time('127.0.0.3')).status).toBe(403);
    await wait(420);
    expect((await time('127.0.0.3')).status).toBe(200);
  });
});

describe('the window', () => {
  const ask = { bucket: '/p spot', uid: 'u', limit: 5, lengthMs: 1_000 };

  test('slides: no interval of a second ever passes more orders than the limit, and the reset is when one is free', () => {
    const visits = fc.array(fc.record({ gap: fc.nat(400), weight: fc.integer({ min: 1, max: 8 }) }), { maxLength: 60 });
    fc.assert(
      fc.property(visits, (asked) => {
        const limits = createLimits();
        const passed: number[] = [];
        let atMs = 10_000;
        for (const { gap, weight } of asked) {
          atMs += gap;
          const grant = limits.ask({ ...ask, weight, atMs, countsRefused: false });
          const inWindow = passed.filter((time) => time > atMs - 1_000).length;
          expect(grant.granted).toBe(Math.min(weight, 5 - inWindow));
          expect(grant.remaining).toBe(5 - inWindow - grant.granted);
          for (let one = 0; one < grant.granted; one += 1) passed.push(atMs);
          if (grant.granted < weight) {
            const free = grant.resetAtMs ?? 0;
            const usedAt = (time: number) => passed.filter((one) => one > time - 1_000 && one <= time).length;
            expect([usedAt(free) < 5, usedAt(free - 1)]).toEqual([true, 5]);
          } else expect(grant.resetAtMs).toBeUndefined();
        }
      }),
    );
  });

  test('of an address never lets more than its limit pass in five seconds', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(900), { maxLength: 100 }), (gaps) => {
        const limits = createLimits();
        const passed: number[] = [];
        let atMs = 10_000;
        for (const gap of gaps) {
          atMs += gap;
          if (limits.address('ip', { requests: 6, banMs: 700, callsProlong: false }, atMs)) passed.push(atMs);
        }
        for (const end of passed)
          expect(passed.filter((time) => time > end - 5_000 && time <= end).length).toBeLessThanOrEqual(6);
      }),
    );
  });
});
