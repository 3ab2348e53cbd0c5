// Bybit's examiner and probe, against the local exchange: each finding has its cause, nothing is placed or canceled, few requests
// are sent, and no credential is shown.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { bybitDoctor } from '../../shared/bybit/doctor.ts';
import { findings, MOST_REQUESTS, trouble } from '../../shared/bybit/findings.ts';
import { bybitProbe } from '../../shared/bybit/probe.ts';
import type { Doctor, Finding } from '../../shared/order/finding.ts';
import { startRecorder } from '../bitmart/recorder.ts';
import { ordersOf, promise } from '../local/bybit/client.ts';
import {
  answer,
  AT_ONCE,
  control,
  fresh,
  localVenue,
  MAIN,
  optionsAt,
  post,
  refusal,
  refusePrices,
  soon,
} from './fixture.ts';

const KEY = { ...MAIN, ips: ['127.0.0.1'], permissions: ['read', 'spot-trade', 'future-trade'] };
const SECRET = { venue: 'bybit', environment: 'live', apiKey: MAIN.apiKey, secretKey: MAIN.secretKey };

describe('at the local exchange', () => {
  const exchange = localVenue([MAIN]);
  let doctor: Doctor;
  const doctorAt = (environment: 'live' | 'demo' = 'live', variables: Readonly<Record<string, string>> = {}): Doctor =>
    bybitDoctor(optionsAt(environment === 'live' ? exchange.url : exchange.demoUrl, { environment, variables }));
  beforeEach(async () => {
    await control(exchange, 'PUT', '/accounts', KEY);
    await refusePrices(exchange);
    doctor = doctorAt();
  });
  const examine = (more: object = {}, by = doctor) => by.account({ account: 'main', secret: { ...SECRET, ...more } });
  const codesOf = (found: readonly Finding[]): readonly string[] => found.map(({ code }) => code);
  const register = (more: object) => control(exchange, 'PUT', '/accounts', { ...KEY, ...more });

  test('a good exchange and a good account have nothing but good findings', async () => {
    const found = [...(await doctor.exchange()), ...(await examine())];
    expect(found.filter(({ level }) => level !== 'good')).toEqual([]);
    expect(codesOf(found)).toEqual([
      'LATENCY_GOOD',
      'CLOCK_GOOD',
      'SERVICE_GOOD',
      'TRADING_GOOD',
      'KEY_GOOD',
      'SIGNATURE_GOOD',
      'SPOT_TRADE_GOOD',
      'FUTURES_TRADE_GOOD',
      'KEY_BOUND',
      'LIMIT_ALONE',
      'PRICES_KEPT',
    ]);
    expect(doctor.hosts).toEqual([exchange.url]);
  });
  test.each([
    ['a secret without a key', {}, { apiKey: '' }, 'SECRET_FIELDS'],
    ['a key of another environment', { environment: 'testnet' }, {}, 'KEY_UNKNOWN'],
    ['a key that is mistyped', {}, { apiKey: 'another' }, 'KEY_UNKNOWN'],
    ['a wrong secret', {}, { secretKey: 'mistaken' }, 'SIGNATURE_WRONG'],
    ['an expired key', { expired: true }, {}, 'KEY_EXPIRED'],
    ['a key that expires soon', { ips: [], deadlineDay: 9 }, {}, 'KEY_AGES'],
    ['a key that is bound to nothing', { ips: [] }, {}, 'KEY_UNBOUND'],
    ['a key that is bound elsewhere', { ips: ['10.1.2.3'] }, {}, 'ADDRESS_NOT_BOUND'],
    ['an account that is banned', { frozen: true }, {}, 'ACCOUNT_RESTRICTED'],
    ['an account that is not unified', { unified: false }, {}, 'ACCOUNT_RESTRICTED'],
    ['a key that may only read', { permissions: ['read'] }, {}, 'KEY_READ_ONLY'],
    ['a key without spot', { permissions: ['read', 'future-trade'] }, {}, 'SPOT_TRADE_MISSING'],
    ['a key without perpetuals', { permissions: ['read', 'spot-trade'] }, {}, 'FUTURES_TRADE_MISSING'],
    ['a key that may withdraw', { permissions: ['read', 'spot-trade', 'withdraw'] }, {}, 'WITHDRAW_ALLOWED'],
  ])('%s', async (_, key, secret, code) => {
    await register(key);
    const found = await examine(secret);
    expect(codesOf(found)).toContain(code);
    expect(found.find((one) => one.code === code)?.next).toMatch(/\w/);
    const text = JSON.stringify(found);
    for (const part of [MAIN.secretKey, 'mistaken', MAIN.apiKey]) expect(text).not.toContain(part);
  });
  test('a key for one market alone is as it should be, one for none is trouble', async () => {
    await register({ permissions: ['read', 'spot-trade'] });
    expect((await examine()).filter(({ level }) => level === 'trouble')).toEqual([]);
    await register({ permissions: ['read'] });
    expect((await examine()).filter(({ level }) => level === 'trouble').length).toBeGreaterThan(1);
  });
  test('prices that are moved are told by market, and are no trouble where nobody relies on them', async () => {
    await post(exchange, '/v5/account/set-limit-px-action', { category: 'linear', modifyEnable: true });
    expect((await examine()).find(({ code }) => code === 'PRICES_MOVED')).toMatchObject({
      level: 'trouble',
      said: expect.stringMatching(/perpetuals/),
    });
    const loose = doctorAt('live', { BYBIT_MAY_MOVE_PRICES: 'true' });
    expect((await examine({}, loose)).find(({ code }) => code === 'PRICES_MOVED')).toMatchObject({ level: 'note' });
    await post(exchange, '/v5/account/set-limit-px-action', { category: 'spot', modifyEnable: true });
    expect((await examine({}, loose)).find(({ code }) => code === 'PRICES_MOVED')).toMatchObject({
      level: 'trouble',
      said: expect.stringMatching(/spot and perpetuals/),
    });
  });
  test('a country that is not served, and nothing more is asked', async () => {
    await promise(exchange, { ...AT_ONCE, blocksCountry: true });
    expect(codesOf(await doctor.exchange())).toEqual(['COUNTRY_BLOCKED']);
    expect(codesOf(await examine())).toEqual(['SIGNATURE_UNPROVEN']);
  });
  test('maintenance, a clock that is off, a symbol that stopped', async () => {
    await control(exchange, 'PUT', '/service', {
      service_type: 'spot',
      status: '1',
      start_time: Date.now() - 1000,
      end_time: Date.now() + 60_000,
    });
    expect(codesOf(await doctor.exchange())).toContain('MAINTENANCE');
    await control(exchange, 'PUT', '/clock', { offsetMs: 20_000 });
    expect(codesOf(await doctorAt().exchange())).toContain('CLOCK_BEHIND');
    expect(codesOf(await examine({}, doctorAt()))).toEqual(['TIMESTAMP_REFUSED', 'SIGNATURE_UNPROVEN']);
  });
  test('demo tells less, and that is said', async () => {
    await register({ environment: 'demo' });
    const demo = doctorAt('demo');
    expect(codesOf(await demo.exchange())).toContain('SERVICE_UNTOLD');
    const found = await examine({ environment: 'demo' }, demo);
    expect(codesOf(found)).toEqual(['KEY_GOOD', 'SIGNATURE_GOOD', 'PERMISSIONS_UNTOLD', 'LIMIT_ALONE']);
  });
  test('few requests are sent, and none of them changes anything', async () => {
    await doctor.exchange();
    await examine();
    const { body } = await control(exchange, 'GET', '/requests');
    expect(JSON.stringify(body)).not.toMatch(/order\/(create|cancel|amend)/);
    expect(await ordersOf(exchange)).toEqual([]);
    expect(MOST_REQUESTS).toEqual({ exchange: 6, account: 2 });
  });

  test("the probe: open, with the clock; an account that is good, and its key's age", async () => {
    const probe = bybitProbe(optionsAt(exchange.url));
    expect(await probe.venue(3, 1000)).toMatchObject({
      state: 'open',
      tookMs: [expect.any(Number), expect.any(Number), expect.any(Number)],
      clockOffsetMs: expect.any(Number),
    });
    expect(await probe.account(fresh(), soon())).toMatchObject({ state: 'good', foreign: { used: 0, limit: 10 } });
    await register({ ips: [], deadlineDay: 3 });
    const aging = await probe.account(fresh(), soon());
    expect(codesOf(aging.findings)).toEqual(['KEY_AGES', 'KEY_UNBOUND', 'SIGNATURE_GOOD']);
    await register({ expired: true });
    expect(await probe.account(fresh(), soon())).toMatchObject({
      state: 'refused',
      findings: [{ code: 'KEY_EXPIRED' }],
    });
  });
  test('the probe: maintenance, and a country that is not served', async () => {
    await control(exchange, 'PUT', '/service', { service_type: 'contract', status: '1' });
    expect(await bybitProbe(optionsAt(exchange.url)).venue(1, 1000)).toMatchObject({ state: 'maintenance' });
    await promise(exchange, { ...AT_ONCE, blocksCountry: true });
    expect(await bybitProbe(optionsAt(exchange.url)).venue(1, 1000)).toMatchObject({
      state: 'banned',
      findings: [{ code: 'COUNTRY_BLOCKED' }],
    });
  });
});

describe('odd answers', () => {
  test('are told as such, by doctor and probe', async () => {
    const server = await startRecorder();
    try {
      for (const [script, code] of [
        [answer({}), 'PERMISSIONS_UNTOLD'],
        [refusal(10006), 'THROTTLED'],
        [{ status: 502, body: '<html>' }, 'SERVER_TROUBLE'],
        [refusal(199999), 'SERVER_TROUBLE'],
        [{ instead: 'reset' as const }, 'NO_ANSWER'],
      ] as const) {
        server.answer(script);
        const found = await bybitDoctor(optionsAt(server.url)).account({ account: 'main', secret: SECRET });
        expect([code, found.map((one) => one.code)]).toEqual([code, expect.arrayContaining([code])]);
      }
      server.answer({ status: 502, body: '' });
      expect(await bybitProbe(optionsAt(server.url)).venue(2, 500)).toMatchObject({ state: 'unanswered' });
      server.answer(answer({ list: [{ status: 'Closed' }], timeNano: `${Date.now()}000000` }));
      expect((await bybitProbe(optionsAt(server.url)).venue(1, 500)).findings.map(({ code }) => code)).toContain(
        'TRADING_STOPPED',
      );
    } finally {
      await server.close();
    }
  });
  test('an answer that repeats a secret is not quoted', () => {
    const reply = {
      kind: 'answer',
      code: '10003',
      message: 'no key hidden-key',
      data: undefined,
      signedAt: 0,
      usage: undefined,
      windowMs: 0,
    } as const;
    expect(JSON.stringify(trouble(reply, ['hidden-key']))).not.toContain('hidden-key');
    expect(trouble(reply).said).toContain('hidden-key');
  });
  test('each trouble says what to do', () => {
    const rows: readonly (readonly [string, { readonly level: string; readonly next?: string }])[] =
      Object.entries(findings);
    expect(rows.filter(([, { level, next }]) => level === 'trouble' && (next ?? '').length < 10)).toEqual([]);
  });
});
