// The probe against the local exchange: what it tells of the venue and of each account, that no trouble hides another, and
// that it is bounded in requests and time. The packaged function: tests/system/probe.test.ts.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startLocalBitmart, type LocalBitmart } from '../local/bitmart/server.ts';
import { bitmartProbe } from '../shared/bitmart/probe.ts';
import { compose } from '../shared/bitmart/wire.ts';
import { systemClock, type Clock } from '../shared/clock.ts';
import type { Transport } from '../shared/http.ts';
import type { Fields } from '../shared/log.ts';
import type { About, MetricName } from '../shared/metrics.ts';
import { probe, quantile, type Around } from '../shared/probing.ts';
import type { AccountReading } from '../shared/aws/accounts.ts';
import { optionsAt, transport } from './bitmart/fixture.ts';

let local: LocalBitmart;
beforeAll(async () => {
  local = await startLocalBitmart();
});
afterAll(() => local.close());
beforeEach(async () => {
  for (const account of ['one', 'two', 'three', 'four', 'five', 'six', 'seven']) await register(account);
});
afterEach(async () => {
  await control('DELETE', '/state');
  await control('PUT', '/clock', { offsetMs: 0 });
});

async function control(method: string, path: string, body?: unknown): Promise<unknown> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(`${local.controlUrl}${path}`, { method, ...sent });
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.json();
}
const requests = async () =>
  (await control('GET', '/requests')) as Readonly<Record<string, { readonly count: number }>>;
const keysOf = (account: string) => ({ apiKey: `key-of-${account}`, secretKey: `secret-of-${account}`, memo: `memo of ${account}` }); // prettier-ignore
const READ = '/spot/v4/query/open-orders';

type Line = Fields & { readonly level: string; readonly message: string };
interface Seen {
  readonly result: Awaited<ReturnType<typeof probe>>;
  readonly lines: readonly Line[];
  readonly values: readonly { readonly name: MetricName; readonly value: number; readonly about: About }[];
  /** Of one account. */
  readonly line: (account: string) => Line | undefined;
  /** The values of one metric, of an account or of none. */
  readonly of: (name: MetricName, account?: string) => readonly number[];
}

interface Scene {
  readonly names?: readonly string[];
  /** What reading the account gives, where it is not its key. */
  readonly readings?: Readonly<Record<string, AccountReading>>;
  readonly isEgressFixed?: boolean;
  readonly via?: Transport;
  readonly clock?: Clock;
  readonly leftMs?: number;
  readonly samples?: number;
}

const register = (account: string, changes: object = {}) =>
  control('PUT', '/accounts', { account, ...keysOf(account), ...changes });

/** One probe; its accounts are known to the exchange. */
async function look(scene: Scene = {}): Promise<Seen> {
  const { names = ['one'], readings = {}, via = transport, clock = systemClock, leftMs = 30_000 } = scene;
  const lines: Line[] = [];
  const values: { name: MetricName; value: number; about: About }[] = [];
  const good = (name: string): AccountReading => ({
    kind: 'account',
    account: { name, credentials: keysOf(name), mandate: { state: 'halted' } },
    version: '1',
  });
  const around: Around = {
    clock,
    log: (level, message, fields = {}) => lines.push({ ...fields, level, message }),
    measure: (name, value, about = {}) => values.push({ name, value, about }),
    accounts: { read: (name) => Promise.resolve(readings[name] ?? good(name)) },
    venue: bitmartProbe({ ...optionsAt(local.spotUrl, local.futuresUrl, clock), transport: via, lookupShare: 0.05 }),
    ...{ names, isEgressFixed: scene.isEgressFixed ?? false, samples: scene.samples ?? 3 },
  };
  const result = await probe(around, clock.now() + leftMs);
  return {
    ...{ result, lines, values },
    line: (account) => lines.find((one) => one['account'] === account),
    of: (name, account) =>
      values.filter((one) => one.name === name && one.about.account === account).map(({ value }) => value),
  };
}

/** Answers like the exchange, with a fault for whose request this is. */
const failing =
  (isIts: (url: string, key: string | undefined) => boolean, status: number, body: string): Transport =>
  (request) =>
    isIts(request.url, request.headers['X-BM-KEY'])
      ? Promise.resolve({ kind: 'response', status, headers: {}, body })
      : transport(request);
const banOf = (account: string): Transport => failing((_, key) => key === `key-of-${account}`, 418, '{"code":30017,"message":"banned"}'); // prettier-ignore

describe('a probe of a venue that is well', () => {
  test('tells one line for the venue and one for each account, and measures all it looked at', async () => {
    const { result, lines, line, of } = await look({ names: ['one', 'two'] });
    expect(result).toEqual({ venue: 'open', accounts: { one: 'SIGNATURE_GOOD', two: 'SIGNATURE_GOOD' } });
    expect(lines.map(({ message, level }) => [message, level])).toEqual([['venue probed', 'info'], ['probed', 'info'], ['probed', 'info']]); // prettier-ignore
    expect(lines[0]).toMatchObject({ venue: 'bitmart', state: 'open', samples: 3, p50Ms: expect.any(Number), p95Ms: expect.any(Number) }); // prettier-ignore
    expect(line('two')).toMatchObject({ outcome: 'good', foreignUse: 0, limit: 12, tookMs: expect.any(Number) });
    expect([of('Probes'), of('Probes', 'one'), of('Probes', 'two'), of('ProbeFailures', 'one')]).toEqual([[1], [1], [1], []]); // prettier-ignore
    expect([of('VenueUnavailable'), of('ForeignUse', 'one'), of('ProbeLatencyMs').length]).toEqual([[0], [0], 3]);
    expect(Math.abs(of('ClockOffsetMs')[0] ?? Infinity)).toBeLessThan(200);
  });
  test('asks little: two requests and its looks at the clock about the venue and one about each account, and writes nothing', async () => {
    const before = await requests();
    await look({ names: ['one', 'two', 'three'] });
    const after = await requests();
    const counts = Object.entries(after).map(
      ([path, { count }]) => [path, count - (before[path]?.count ?? 0)] as const,
    );
    expect(Object.fromEntries(counts.filter(([, count]) => count > 0))).toEqual({
      '/system/service': 1,
      '/spot/v1/symbols/details': 1,
      '/system/time': 3,
      [READ]: 3,
    });
  });
  test('with no account named asks the venue alone', async () => {
    const { result, lines, of } = await look({ names: [] });
    expect([result, lines.length, of('Probes')]).toEqual([{ venue: 'open', accounts: {} }, 1, [1]]);
  });
});

describe('what is wrong with the venue', () => {
  test('maintenance that is under way is unavailable; one that is announced is told, and is not', async () => {
    await control('PUT', '/service', { service_type: 'spot', status: '0' });
    const announced = await look();
    expect([announced.result.venue, announced.of('VenueUnavailable')]).toEqual(['open', [0]]);
    expect(announced.lines[0]).toMatchObject({ level: 'info', codes: 'MAINTENANCE_PLANNED' });
    await control('PUT', '/service', { service_type: 'spot', status: '1' });
    const { result, lines, of } = await look();
    expect([result.venue, of('VenueUnavailable')]).toEqual(['maintenance', [1]]);
    expect(lines[0]).toMatchObject({ level: 'error', state: 'maintenance', codes: 'MAINTENANCE' });
  });
  test('not a pair that trades is the end of trading', async () => {
    const closed = JSON.stringify({ code: 1000, message: 'OK', data: { symbols: [{ symbol: 'BTC_USDT', trade_status: 'pre-trade' }] } }); // prettier-ignore
    const { result, of } = await look({ via: failing((url) => url.includes('/symbols/details'), 200, closed) });
    expect([result, of('VenueUnavailable')]).toEqual([{ venue: 'over', accounts: { one: 'SIGNATURE_GOOD' } }, [1]]);
  });
  test.each([
    [-90_000, 90_000],
    [90_000, -90_000],
  ])(
    'its clock, set by %i ms, is measured as %i ms of ours, and the venue is there all the same',
    async (offsetMs, ours) => {
      // prettier-ignore
      await control('PUT', '/clock', { offsetMs });
      const { result, of, lines, line } = await look();
      const [offset = 0] = of('ClockOffsetMs');
      expect(Math.abs(offset - ours)).toBeLessThan(500);
      expect([result.venue, of('VenueUnavailable'), lines[0]?.level]).toEqual(['open', [0], 'error']);
      // And a signed read is refused for it: that is no refusal of the key.
      expect(line('one')).toMatchObject({ code: 'TIMESTAMP_REFUSED', outcome: 'failed', level: 'error' });
      expect(of('ProbeFailures', 'one')).toEqual([1]);
    },
  );
  test('no connection is told for venue and accounts alike, within the time of the invocation, and nothing is thrown', async () => {
    // prettier-ignore
    const dead: Transport = () => Promise.resolve({ kind: 'failure', reached: false, detail: 'connection refused' });
    const { result, of, lines } = await look({ names: ['one', 'two'], via: dead });
    expect(result).toEqual({ venue: 'unanswered', accounts: { one: 'NO_ANSWER', two: 'NO_ANSWER' } });
    expect([of('VenueUnavailable'), of('Probes'), of('ProbeLatencyMs'), of('ClockOffsetMs')]).toEqual([[1], [1], [], []]); // prettier-ignore
    expect([of('ProbeFailures', 'one'), of('ProbeFailures', 'two')]).toEqual([[1], [1]]);
    expect(lines.map(({ level }) => level)).toEqual(['error', 'error', 'error']);
  });
  test.each([502, 503, 520])(
    'a page of the content network that says %i is an exchange that is down, and no ban',
    async (status) => {
      // prettier-ignore
      const { result, of, line } = await look({ via: failing(() => true, status, '<!DOCTYPE html><title>error</title>') });
      expect(result).toEqual({ venue: 'unanswered', accounts: { one: 'ORIGIN_PAGE' } });
      expect([of('VenueUnavailable'), line('one')?.['outcome']]).toEqual([[1], 'failed']);
    },
  );
  test('the page by which it turns an address away is a ban: nothing more is asked', async () => {
    const { result } = await look({ via: failing(() => true, 403, '<!DOCTYPE html><title>1010</title>') });
    expect(result).toEqual({ venue: 'banned', accounts: { one: 'NOT_ASKED' } });
  });
  test('one look of several that is lost makes no venue unavailable', async () => {
    let looks = 0;
    const { result, of, lines } = await look({
      via: failing((url) => url.includes('/system/time') && (looks += 1) === 3, 502, 'bad gateway'),
    });
    expect([result.venue, of('VenueUnavailable'), of('ProbeLatencyMs').length]).toEqual(['open', [0], 2]);
    expect(lines[0]).toMatchObject({ level: 'info', codes: 'SERVER_TROUBLE' });
  });
});

describe('what is wrong with an account is told of it, and hides no other', () => {
  const bystander = (seen: Seen): unknown => [seen.result.accounts['two'], seen.of('Probes', 'two')];
  const WELL = ['SIGNATURE_GOOD', [1]];

  test.each([
    ['a key that is frozen', { frozen: true }, 'KEY_FROZEN'],
    ['a key that has expired', { expired: true }, 'KEY_EXPIRED'],
    ['a key bound elsewhere', { ips: ['192.0.2.1'] }, 'ADDRESS_NOT_BOUND'],
    ['a secret that is another', { secretKey: 'another' }, 'SIGNATURE_WRONG'],
    ['a memo that is another', { memo: 'another' }, 'SIGNATURE_WRONG'],
    ['a key that may not read', { permissions: ['spot-trade'] }, 'READ_MISSING'],
  ])('%s', async (_, changes, code) => {
    await register('one', changes);
    const seen = await look({ names: ['one', 'two'] });
    expect(seen.line('one')).toMatchObject({ level: 'error', outcome: 'refused', code });
    expect([seen.of('ProbeFailures', 'one'), seen.of('Probes', 'one')]).toEqual([[1], []]);
    expect(bystander(seen)).toEqual(WELL);
    for (const value of Object.values(keysOf('one'))) expect(JSON.stringify(seen.lines)).not.toContain(value);
  });
  test.each([
    ['unknown', 'SECRET_MISSING'],
    ['unreadable', 'SECRET_UNREADABLE'],
    ['unavailable', 'SECRET_UNAVAILABLE'],
  ] as const)('a secret that is %s', async (kind, code) => {
    const seen = await look({ names: ['one', 'two'], readings: { one: { kind, detail: 'why' } } });
    expect(seen.line('one')).toMatchObject({ level: 'error', outcome: 'unread', code, detail: 'why' });
    expect(bystander(seen)).toEqual(WELL);
  });
  test('a ban: the others are asked, for it may be the key alone', async () => {
    const seen = await look({ names: ['one', 'two'], via: banOf('one') });
    expect(seen.line('one')).toMatchObject({ outcome: 'banned', code: 'BANNED' });
    expect(bystander(seen)).toEqual(WELL);
  });
  test('a ban where all leave through one address: nobody is asked after it, and each is told so', async () => {
    const names = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];
    const seen = await look({ names, via: banOf('three'), isEgressFixed: true });
    expect([seen.result.accounts['six'], seen.result.accounts['seven']]).toEqual(['NOT_ASKED', 'NOT_ASKED']);
    expect(seen.line('six')).toMatchObject({
      level: 'error',
      detail: 'the venue was not asked: the address is banned',
    });
    expect(seen.of('ProbeFailures', 'seven')).toEqual([1]);
  });
  test('a ban that the venue alone answers: nothing more is asked at all', async () => {
    const before = await requests();
    const seen = await look({
      via: failing((url) => url.includes('/system/service'), 418, '{"code":30017,"message":""}'),
    });
    expect(seen.result).toEqual({ venue: 'banned', accounts: { one: 'NOT_ASKED' } });
    expect(seen.of('VenueUnavailable')).toEqual([0]);
    expect(await requests()).toEqual(before);
  });
});

test('who else uses the limit of a key is counted, and what the probe itself sent is not', async () => {
  const request = { method: 'POST', path: READ, body: { orderMode: 'spot', limit: 1 }, credentials: keysOf('one') } as const; // prettier-ignore
  let sent = 0;
  const { of, line } = await look({
    via: async (own) => {
      // Somebody else, just before the probe's own read.
      for (; own.url.includes(READ) && sent < 5; sent += 1) {
        await transport(compose(local.spotUrl, { ...request, deadline: Date.now() + 5000 }, Date.now()));
      }
      return transport(own);
    },
  });
  expect(of('ForeignUse', 'one')).toEqual([5]);
  expect(line('one')).toMatchObject({ outcome: 'good', foreignUse: 5, limit: 12 });
});

test('accounts of one user, however many, are not asked about faster than their one limit takes', async () => {
  const names = Array.from({ length: 14 }, (_, index) => `twin${index}`);
  const sentAt: number[] = [];
  const { result } = await look({
    names,
    via: (request) => {
      if (request.url.includes(READ)) sentAt.push(Date.now());
      return transport(request);
    },
  });
  expect(Object.keys(result.accounts)).toEqual(names);
  const inTwoSeconds = sentAt.map((from) => sentAt.filter((at) => at >= from && at < from + 2000).length);
  expect(sentAt.length).toBe(14);
  expect(Math.max(...inTwoSeconds)).toBeLessThanOrEqual(10);
});

test('a venue that is slow takes no more than the time of the invocation: who is left is told as not asked', async () => {
  const names = Array.from({ length: 25 }, (_, index) => `slow${index}`);
  const slow: Transport = async (request) => {
    if (!request.url.includes(READ)) return transport(request);
    await systemClock.sleep(request.deadline - Date.now());
    return { kind: 'failure', reached: true, detail: 'no answer in time' };
  };
  const startedAt = Date.now();
  const { result } = await look({ names, via: slow, leftMs: 6000 });
  expect(Date.now() - startedAt).toBeLessThan(6000);
  expect(result.accounts['slow0']).toBe('NO_ANSWER');
  expect(result.accounts['slow24']).toBe('NOT_ASKED');
});

test('a venue that answers just in time, each time, is looked at less often, and its accounts are asked all the same', async () => {
  // prettier-ignore
  const late: Transport = async (request) => {
    if (!request.url.includes(READ)) await systemClock.sleep(request.deadline - Date.now() - 700);
    return transport(request);
  };
  // An answer may take a tenth of these.
  const { result, of } = await look({ via: late, leftMs: 15_000, samples: 8 });
  expect(result).toEqual({ venue: 'open', accounts: { one: 'SIGNATURE_GOOD' } });
  expect(of('ProbeLatencyMs').length).toBeGreaterThanOrEqual(2);
  expect(of('ProbeLatencyMs').length).toBeLessThan(6);
});

test('what is a bug is thrown, and not taken for an answer', async () => {
  const broken: Transport = () => {
    throw new TypeError('a bug');
  };
  await expect(look({ via: broken })).rejects.toThrow('a bug');
});

test.each([
  [[], 0.5, undefined],
  [[7], 0.95, 7],
  [[3, 1, 2, 4], 0.5, 2],
  [[1, 2, 3, 4, 5, 6, 7, 8], 0.95, 8],
  [Array.from({ length: 100 }, (_, index) => 100 - index), 0.95, 95],
])('of %j so many are not above: %d → %s', (values, part, found) => expect(quantile(values, part)).toBe(found));
