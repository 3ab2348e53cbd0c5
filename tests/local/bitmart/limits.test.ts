// Rate windows, usage headers, bans, and what the control interface counts.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createWindows, type Arrival } from '../../../local/bitmart/windows.ts';
import { control, find, get, MAIN, OTHER, post, register, resting, submit, type Reply } from './client.ts';
import { localVenue } from './fixture.ts';

const headersOf = ({ headers }: Reply): readonly (string | null)[] =>
  ['Remaining', 'Limit', 'Reset', 'Mode'].map((name) => headers.get(`X-BM-RateLimit-${name}`));

describe('limits', () => {
  const venue = localVenue(MAIN, OTHER);

  const flood = async (requests: number, as = MAIN): Promise<readonly number[]> => {
    const replies = await Promise.all(Array.from({ length: requests }, () => submit(venue, resting(), as)));
    return replies.map(({ status }) => status);
  };
  const count = (statuses: readonly number[], status: number): number =>
    statuses.filter((one) => one === status).length;
  const report = async (): Promise<Record<string, unknown>> =>
    (await control(venue, 'GET', '/requests')).body as Record<string, unknown>;

  test('the headers say how much is used, although the name says remaining', async () => {
    expect(headersOf(await submit(venue, resting()))).toEqual(['1', '40', '2', 'UID']);
    expect(headersOf(await submit(venue, resting()))).toEqual(['2', '40', '2', 'UID']);
    expect(headersOf(await find(venue, 'none'))).toEqual(['1', '50', '2', 'KEY']);
    expect(headersOf(await get(venue, '/system/time'))).toEqual(['1', '10', '1', 'IP']);
    expect(headersOf(await get(venue, '/no/such/path'))).toHaveLength(4);
    expect(headersOf(await get(venue, '/no/such/path'))).not.toContain(null);
  });

  test('the forty-first order within two seconds is refused with 429 and 30013, and places nothing', async () => {
    const statuses = await flood(43);
    expect([count(statuses, 200), count(statuses, 429)]).toEqual([40, 3]);
    const refused = await submit(venue, resting());
    expect(refused.body).toMatchObject({ code: 30013, message: '(U)Request too many requests', data: {} });
    expect(headersOf(refused)).toEqual(['44', '40', '2', 'UID']);
    expect((await control(venue, 'GET', '/orders')).body).toHaveLength(40);
    expect(await report()).toEqual({
      '/spot/v2/submit_order': {
        count: 44,
        unanswered: 0,
        byStatus: { '200': 40, '429': 4 },
        byCode: { '1000': 40, '30013': 4 },
        maxInWindow: 44,
      },
    });
  });

  test('another UID has its own window, another key of the same UID has not', async () => {
    await flood(40);
    expect(await flood(2, OTHER)).toEqual([200, 200]);
    await register(venue, { ...OTHER, uid: 'uid-main' });
    expect(await flood(1, OTHER)).toEqual([429]);
  });

  test('an unsigned flood is not counted against the account', async () => {
    const forged = await Promise.all(
      Array.from({ length: 50 }, () =>
        post(venue, '/spot/v2/submit_order', resting(), { ...MAIN, secretKey: 'guess' }),
      ),
    );
    expect(new Set(forged.map(({ body }) => body.code))).toEqual(new Set([30005]));
    expect(await flood(1)).toEqual([200]);
    expect(await report()).toMatchObject({
      '/spot/v2/submit_order': { count: 51, byCode: { '30005': 50 }, maxInWindow: 1 },
    });
  });

  test('pushing on is answered with 418 and 30017 on every private endpoint until the ban ends', async () => {
    await control(venue, 'PUT', '/promises', { banAfterRefusals: 5, banMs: 800 });
    const statuses = await flood(50);
    expect([count(statuses, 200), count(statuses, 429), count(statuses, 418)]).toEqual([40, 5, 5]);
    expect((await find(venue, 'x')).body.code).toBe(30017);
    expect((await get(venue, '/system/time')).status).toBe(200);
    await new Promise((later) => setTimeout(later, 850));
    expect((await find(venue, 'x')).body.code).toBe(50005);
  });

  test('cancel_all may be called once in three seconds', async () => {
    expect((await post(venue, '/spot/v4/cancel_all', {})).status).toBe(200);
    expect((await post(venue, '/spot/v4/cancel_all', {})).status).toBe(429);
  });
});

describe('the window', () => {
  const arrival = (atMs: number, banAfterRefusals = 1_000_000): Arrival => ({
    path: '/p',
    limit: { requests: 4, seconds: 2, scope: 'UID' },
    counted: 'u',
    owner: 'u',
    atMs,
    banAfterRefusals,
    banMs: 1_000,
  });

  test('slides: no interval of the window length ever passes more than the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 80 }), (gaps) => {
        const windows = createWindows();
        const all: number[] = [];
        const passed: number[] = [];
        let atMs = 1_000;
        for (const gap of gaps) {
          atMs += gap;
          all.push(atMs);
          if (windows.arrive(arrival(atMs)).verdict === 'passed') passed.push(atMs);
        }
        const most = (times: readonly number[]): number =>
          Math.max(0, ...times.map((end) => times.filter((time) => time > end - 2_000 && time <= end).length));
        expect(most(passed)).toBeLessThanOrEqual(4);
        windows.finished('/p', 200);
        expect(windows.report()['/p']?.maxInWindow).toBe(most(all));
      }),
    );
  });

  test('is free again exactly one window length later', () => {
    const windows = createWindows();
    const verdicts = [0, 0, 0, 0, 1_999, 2_000].map((atMs) => windows.arrive(arrival(10_000 + atMs)).verdict);
    expect(verdicts).toEqual(['passed', 'passed', 'passed', 'passed', 'throttled', 'passed']);
  });
});
