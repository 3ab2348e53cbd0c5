// A small game day, as the command plays it; and the judge, shown days on which something went wrong.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledDesk } from './bundle.ts';
import { SHORT } from './gameday/stage.ts';
import { expectations } from './gameday/expectations.ts';
import { judge, PROMISES, showing } from './gameday/judge.ts';
import type { DayRecord, Order } from './gameday/record.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
const gameday = (...args: readonly string[]): Promise<Said> =>
  new Promise((resolve) => {
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    execFile('npm', ['run', '--silent', 'gameday', '--', ...args], { cwd, maxBuffer: 1 << 26 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err });
    });
  });

const expected = expectations(SHORT.outageMinutes);
const seed = 1 + Math.floor(Math.random() * 999_999);
let folder: string;
let said: Said;
let day: DayRecord;
let startedAt: number;
let deskMadeAt: number;
beforeAll(async () => {
  console.log(`seed ${seed}`);
  folder = await mkdtemp(join(tmpdir(), 'gameday-'));
  const file = join(folder, 'day.json');
  startedAt = Date.now();
  said = await gameday('--short', '--json', '--seed', String(seed), '--keep', file);
  deskMadeAt = (await stat(bundledDesk)).mtimeMs;
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text === '') throw new Error(`no day was kept (seed ${seed}):\n${said.err}`);
  day = JSON.parse(text) as DayRecord;
}, 150_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a small game day keeps every promise, and leaves no process behind', () => {
  const { broken, left, isKept } = JSON.parse(said.out) as Readonly<Record<string, unknown>>;
  expect({ seed, broken, left, isKept, code: said.code }).toEqual({
    seed,
    broken: [],
    left: [],
    isKept: true,
    code: 0,
  });
});

test('it makes the desk that it works with, as a fresh clone has none', () => {
  expect(deskMadeAt).toBeGreaterThanOrEqual(startedAt);
});

test('it was a day of trouble: each act came, with orders, kills, poison, letters and a halt', () => {
  const { acts, kills, poison, redriven, orders, halts, alarms, requests } = day;
  expect(acts.map(({ name }) => name).sort()).toEqual(
    [
      'A quiet morning',
      'The exchange is down',
      'Environments are killed',
      'A ban',
      'A rotated key',
      'A halted account',
      'A poisoned queue',
      'A blind redrive',
      'The evening',
    ].sort(),
  );
  expect(kills).toBeGreaterThan(0);
  expect(requests['/spot/v2/submit_order']?.unanswered).toBeGreaterThan(0);
  expect(poison.length).toBeGreaterThan(20);
  expect(redriven).toBeGreaterThan(poison.length);
  expect(orders.length).toBeGreaterThan(50);
  expect(halts.every(({ from, to }) => to > from)).toBe(true);
  expect(alarms.map(({ slug }) => slug).sort()).toEqual(Object.keys(expected).sort());
  // What a person sees of it, in units, and at what scale.
  expect(said.err).toMatch(/│ slow-decisions .* [\d.]+ ms .* ms/);
  expect(said.err).toMatch(/│ intents-age .* [\d.]+ s .* s /);
  expect(said.err.replaceAll('\n', ' ')).toContain(`is ${Math.round(1 / SHORT.scale)} s of the service`);
  for (const promise of PROMISES) expect(said.err).toContain(`✓ ${promise}`);
});

describe('a day is judged to be broken', () => {
  const found = (change: Partial<DayRecord>): readonly string[] =>
    judge({ ...day, ...change }, expected).map(({ promise }) => promise);
  const sizeOf = (wanted: string): unknown =>
    (JSON.parse(day.sent.find(({ id }) => id === wanted)?.body ?? '{}') as { readonly size?: string }).size;
  /** An intent with a size, of which an order came, with that. */
  const traded = (): { readonly order: Order; readonly id: string } => {
    const order = day.orders.find(({ clientOrderId }) => sizeOf(clientOrderId) !== undefined);
    if (order === undefined) throw new Error('no order');
    return { order, id: order.clientOrderId };
  };
  const untraded = (): string => {
    const id = day.reports.find(({ status, action }) => status === 'denied' && action === 'place')?.id;
    if (id === undefined) throw new Error('no denied intent');
    return id;
  };

  test('where an intent was executed twice', () => {
    const { order } = traded();
    expect(found({ orders: [...day.orders, { ...order, orderId: `${order.orderId}9` }] })).toContain('nothing doubled');
  });
  test('where the book has an order that nobody asked for', () => {
    const stranger = { ...traded().order, clientOrderId: 'stranger' };
    expect(found({ orders: [...day.orders, stranger] })).toEqual(['nothing doubled']);
  });
  test('where an intent was swallowed: no report, or no end of its order', () => {
    const { id } = traded();
    expect(found({ reports: day.reports.filter((report) => report.id !== id) })).toContain('nothing lost');
    const isFirst = ({ status }: DayRecord['reports'][number]): boolean => status === 'accepted';
    expect(found({ reports: day.reports.filter((report) => report.id !== id || isFirst(report)) })).toEqual([
      'nothing lost',
    ]);
  });
  test('where no trade came of an intent, and no dead letter says so', () => {
    const body = day.sent.find(({ id }) => id === untraded())?.body;
    expect(found({ letters: day.letters.filter((letter) => letter.body !== body) })).toEqual(['nothing lost']);
  });
  test('where a poisoned message vanished, or was buried for another reason', () => {
    const [first, ...rest] = day.poison;
    if (first === undefined) throw new Error('no poison');
    expect(found({ letters: day.letters.filter(({ body }) => body !== first.body) })).toEqual(['nothing lost']);
    expect(found({ poison: [{ ...first, reason: 'UNRESOLVED' }, ...rest] })).toEqual(['poison named']);
  });
  test('where a queue is not empty in the end', () => {
    expect(found({ left: { ...day.left, 'trading-bot-dev-pending-dead': 1 } })).toEqual(['nothing lost']);
  });
  test('where a report says other than the book', () => {
    const { id } = traded();
    expect(found({ orders: day.orders.filter(({ clientOrderId }) => clientOrderId !== id) })).toContain(
      'every report true',
    );
    const changed = day.reports.map((report) => {
      return report.id === id && report.filledSize !== undefined ? { ...report, filledSize: '77' } : report;
    });
    const isFilled = changed.some(({ filledSize }) => filledSize === '77');
    expect(found({ reports: changed })).toEqual(isFilled ? ['every report true'] : []);
    const larger = day.orders.map((order) => (order.clientOrderId === id ? { ...order, size: '77' } : order));
    expect(found({ orders: larger })).toEqual(['every report true']);
    const traded2 = { ...traded().order, clientOrderId: untraded() };
    expect(found({ orders: [...day.orders, traded2] })).toContain('every report true');
  });
  test('where the exchange refused a request for the rate, or a window was overfull', () => {
    const path = '/spot/v2/submit_order';
    const place = day.requests[path];
    if (place === undefined) throw new Error('no order was placed');
    const refused = { ...place, byStatus: { ...place.byStatus, 429: 1 } };
    expect(found({ requests: { ...day.requests, [path]: refused } })).toEqual(['the limit kept']);
    expect(found({ requests: { ...day.requests, [path]: { ...place, maxInWindow: 41 } } })).toEqual(['the limit kept']);
    expect(found({ requests: { ...day.requests, '/spot/v9/unheard-of': place } })).toEqual(['the limit kept']);
  });
  test('where a halted account placed an order', () => {
    const [halt] = day.halts;
    if (halt === undefined) throw new Error('no halt');
    const order = day.orders.findLast(({ account }) => account === halt.account);
    if (order === undefined) throw new Error('no order of the halted account');
    const orders = day.orders.map((each) => (each === order ? { ...order, createTime: halt.from + 1 } : each));
    expect(found({ orders })).toEqual(['a halt holds']);
  });
  test('where an alarm was silent, its metric missing, or fired without a cause', () => {
    const of = (slug: string, change: Partial<DayRecord['alarms'][number]>) =>
      found({ alarms: day.alarms.map((alarm) => (alarm.slug === slug ? { ...alarm, ...change } : alarm)) });
    expect(of('banned', { hasFired: false })).toEqual(['the alarms tell']);
    // Nobody wrote its metric: what is there no more cannot tell.
    const unmeasured = day.alarms.map(({ worst, ...alarm }) => (alarm.slug === 'banned' ? { ...alarm, hasFired: false } : { ...alarm, ...(worst === undefined ? {} : { worst }) })); // prettier-ignore
    expect(judge({ ...day, alarms: unmeasured }, expected).map(({ sentence }) => sentence)).toEqual([
      expect.stringContaining('its metric has no point'),
    ]);
    expect(of('unresolved', { hasFired: true })).toEqual(['the alarms tell']);
    expect(found({ alarms: day.alarms.filter(({ slug }) => slug !== 'dead-letters') })).toEqual(['the alarms tell']);
    const unknown = { slug: 'unheard-of', hasFired: false, metric: 'Sighs', fires: 'above 1' };
    expect(found({ alarms: [...day.alarms, unknown] })).toEqual(['the alarms tell']);
  });
  test('where a line shows a part of a key, as it is or as JSON writes it', () => {
    const secrets = ['my "memo" é', 'k1'];
    const text = JSON.stringify({ memo: 'my "memo" é' });
    expect(showing([{ where: 'a line', text }], secrets)).toEqual(['a line shows a part of a key']);
    expect(showing([{ where: 'a line', text: 'nothing' }], secrets)).toEqual([]);
    expect(found({ shown: ['a line shows a part of a key'] })).toEqual(['no secret shown']);
  });
});

describe('the command', () => {
  test('says what there is', async () => {
    const { code, out } = await gameday('--help');
    expect(code).toBe(0);
    expect(out).toContain('--seed N');
    expect(out.split('\n').every((line) => line.length <= 80)).toBe(true);
  });
  test.each([
    [['--seed', 'x'], 'must be a whole number'],
    [['--long'], '--long'],
  ])('refuses %j with a sentence', async (args, sentence) => {
    const { code, err } = await gameday(...args);
    expect(code).toBe(2);
    expect(err).toContain(sentence);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});
