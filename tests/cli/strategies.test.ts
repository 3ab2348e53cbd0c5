// `desk strategies`: what it lists, what it shows before it sends, what it sends, and what it says to input that is none.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { intentId } from '../../shared/strategies/strategy.ts';
import { desk, startDesk, type DeskSystem } from './fixture.ts';

const minute = (): string => `${new Date(Date.now() - 60_000).toISOString().slice(0, 16)}:00Z`;
const EVERY_FIVE_MINUTES = { start: '2026-01-01T00:00:00Z', intervalSeconds: 300 };
const dca = (at: string): string => JSON.stringify({ symbol: 'BTC_USDT', notional: '25', budget: '100', start: at, intervalSeconds: 60 }); // prettier-ignore

describe('list', () => {
  test('needs no stack, and names every strategy and schedule', async () => {
    const { code, out, err } = await desk(['strategies', 'list']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const word of ['dca', 'twap', 'rebalance', 'trading-bot-dev-dcaExample', 'cron(0 12 * * ? *)', 'disabled']) expect(out).toContain(word); // prettier-ignore
  });
  test('of one strategy explains every parameter, and as JSON says the same', async () => {
    const { code, out } = await desk(['strategies', 'list', 'dca', '--json']);
    const { strategies } = JSON.parse(out) as { strategies: { name: string; parameters: { name: string; meaning: string }[] }[] }; // prettier-ignore
    expect([code, strategies.map(({ name }) => name)]).toEqual([0, ['dca']]);
    const words = await desk(['strategies', 'list', 'dca']);
    for (const { name } of strategies[0]?.parameters ?? []) expect(words.out).toContain(name);
    expect(strategies[0]?.parameters.length).toBeGreaterThan(8);
  });
  test('of one that is not there exits 2 and says which there are', async () => {
    const { code, err } = await desk(['strategies', 'list', 'martingale']);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/no strategy martingale; there are dca/) });
  });
});

test('list names a schedule as its Input does, which its ids are made of, and its deployed name beside it', async () => {
  const { out } = await desk(['strategies', 'list', '--json']);
  const { schedules } = JSON.parse(out) as { schedules: { name: string; deployedAs: string; input: string }[] };
  expect(schedules.length).toBeGreaterThan(0);
  for (const { name, deployedAs, input } of schedules) {
    expect(name).toBe((JSON.parse(input) as { schedule: string }).schedule);
    expect(deployedAs).toBe(`trading-bot-dev-${name}`);
  }
  const words = await desk(['strategies', 'list']);
  expect(words.out).toMatch(/schedule +deployed as.*\n.*dcaExample +trading-bot-dev-dcaExample/);
});

describe('run', () => {
  let system: DeskSystem;
  let folder: string;
  beforeAll(async () => {
    system = await startDesk();
    folder = await mkdtemp(join(tmpdir(), 'strategies-'));
  });
  afterAll(async () => {
    await system.close();
    await rm(folder, { recursive: true, force: true });
  });
  const run = (name: string, parameters: string, ...more: readonly string[]) =>
    system.desk(['strategies', 'run', name, '--account', 'main', '--parameters', parameters, ...more]);
  const idIn = (text: string): string => /"id":"(\w+)"/.exec(text)?.[1] ?? '';

  test('with --yes sends what it shows, under ids of the schedule, and twice is once', async () => {
    const at = minute();
    const file = join(folder, 'dca.json');
    await writeFile(file, dca(at));
    const args = ['--at', at, '--schedule', 'dcaMain', '--yes', '--json'];
    const [first, again] = [await run('dca', file, ...args), await run('dca', file, ...args)];
    expect([first.code, again.code]).toEqual([0, 0]);
    const id = idIn(first.out);
    expect(id).toMatch(/^dcaMain\d{8}T\d{6}\w{7}$/);
    expect(idIn(again.out)).toBe(id);
    await system.until('its end', () => system.reportsOf(id).some(({ status }) => status === 'filled'));
    const orders = await system.control<{ clientOrderId: string }[]>('GET', '/orders');
    expect(orders.filter(({ clientOrderId }) => clientOrderId === id)).toHaveLength(1);
  });
  test('with --dry-run shows and sends nothing', async () => {
    const targets = JSON.stringify({ ...EVERY_FIVE_MINUTES, targets: { BTC: '10' }, maxOrderNotional: '1000' });
    const { code, out } = await run('rebalance', targets, '--dry-run', '--schedule', 'weights');
    expect(code).toBe(0);
    expect(out).toMatch(/sell .*BTC_USDT .*market/);
    expect(out).toContain('Nothing was sent.');
    const [, id = ''] = /(weights\d{8}T\d{6}\w{7})/.exec(out) ?? [];
    expect(id).not.toBe('');
    // A second one under way has been executed, and this one has not.
    const after = await run('rebalance', targets, '--yes', '--json', '--schedule', 'other');
    await system.until('its end', () => system.reportsOf(idIn(after.out)).some(({ status }) => status === 'filled'));
    expect(system.reportsOf(id)).toEqual([]);
  });
  test('without --yes, where nobody can be asked, exits 3 and sends nothing', async () => {
    const at = minute();
    const { code, out, err } = await run('dca', dca(at), '--at', at, '--schedule', 'unasked');
    expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining('--yes') });
    const [, id = ''] = /(unasked\d{8}T\d{6}\w{7})/.exec(out) ?? [];
    expect(id).not.toBe('');
    const orders = await system.control<{ clientOrderId: string }[]>('GET', '/orders');
    expect(orders.map(({ clientOrderId }) => clientOrderId)).not.toContain(id);
  });
  test('without --at is the last time of the grid, and a dry run of it is never too late', async () => {
    const daily = JSON.stringify({ ...JSON.parse(dca('2026-01-01T00:00:00Z')), budget: '1000000', intervalSeconds: 86_400 * 365 }); // prettier-ignore
    const firing = ['dca', daily, '--schedule', 'dcaMain'] as const;
    const { code, out } = await run(...firing, '--dry-run', '--json');
    const { intents } = JSON.parse(out) as { intents: { id: string; createdAt: string }[] };
    expect([code, intents.map(({ createdAt }) => createdAt.slice(4))]).toEqual([0, ['-01-01T00:00:00.000Z']]);
    const real = await run(...firing, '--yes');
    expect({ code: real.code, out: real.out }).toEqual({ code: 0, out: expect.stringMatching(/Nothing to send: it was due/) }); // prettier-ignore
  });
  test('may be made up for as long as lifeSeconds, which is no part of the id', async () => {
    const at = `${new Date(Date.now() - 500_000).toISOString().slice(0, 19)}Z`;
    const args = ['--at', at, '--schedule', 'madeUpFor', '--dry-run', '--json'];
    const short = await run('dca', dca(at), ...args);
    expect({ code: short.code, err: short.err }).toEqual({
      code: 1,
      err: expect.stringMatching(/lived\s+for\s+300\s+s/),
    });
    const longer = await run('dca', JSON.stringify({ ...JSON.parse(dca(at)), lifeSeconds: 600 }), ...args);
    expect([longer.code, idIn(longer.out)]).toEqual([0, intentId({ schedule: 'madeUpFor', account: 'main', scheduledAt: Date.parse(at) }, 'dca', 0)]); // prettier-ignore
  });
  test.each([
    ['dca', dca('2026-01-01T00:00:00Z')],
    ['twap', JSON.stringify({ symbol: 'BTC_USDT', side: 'sell', size: '1', start: '2026-01-01T00:00:00Z', end: '2026-01-01T01:00:00Z', slices: 60 })], // prettier-ignore
    ['rebalance', JSON.stringify({ ...EVERY_FIVE_MINUTES, targets: { BTC: '10' }, maxOrderNotional: '1000' })],
  ])('of %s without its schedule, whose ids it would not have, exits 2 and sends nothing', async (name, parameters) => {
    const { code, out, err } = await run(name, parameters, '--yes');
    expect({ code, out, err }).toEqual({ code: 2, out: '', err: expect.stringMatching(/give\s+--schedule/) });
  });
  test('before its start says that there is nothing to do and exits 0', async () => {
    const { code, out } = await run('dca', dca('2100-01-01T00:00:00Z'), '--yes', '--schedule', 'later');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/Nothing to send/) });
  });
  test.each([
    ['an unknown strategy', 'martingale', '{}', [], /no strategy martingale/],
    ['wrong parameters', 'dca', '{ "symbol": "btc" }', [], /symbol must be .*notional is\s+missing/s],
    ['no JSON', 'dca', '{ symbol }', [], /is not JSON/],
    ['no file', 'dca', 'nowhere.json', [], /no file nowhere\.json/],
    ['a time that is none', 'dca', dca('2026-01-01T00:00:00Z'), ['--at', 'noon'], /scheduledAt must be/],
  ])('to %s says what to do and exits 2', async (_, name, parameters, more, message) => {
    const { code, err } = await run(name, parameters, ...more);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(message) });
  });
  test('for what cannot be done now says why and exits 1', async () => {
    const start = minute();
    const end = start.replace(/^\d{4}/, '2100');
    const twap = { symbol: 'BTC_USDT', side: 'sell', size: '0.0001', start, end, slices: 60 };
    const { code, err } = await run('twap', JSON.stringify(twap), '--at', start, '--yes', '--schedule', 'small');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/below BTC_USDT's minimum/) });
    const unknown = await system.desk([
      'strategies',
      'run',
      'dca',
      '--account',
      'nobody',
      '--parameters',
      dca(minute()),
      '--schedule',
      'nobody',
    ]);
    expect({ code: unknown.code, err: unknown.err }).toEqual({ code: 1, err: expect.stringMatching(/nobody/) });
  });
});
