// Worlds of lost answers, dying environments, careless producers and broken promises of the venue: no second order, no
// lost intent, no verdict that is not true. A failing seed is told with its story by `npm run simulate`.
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PLACE_ALL } from './exchange.ts';
import { judge } from './judge.ts';
import { KINDS, planOf, type Plan } from './plan.ts';
import { runWorld, type World } from './world.ts';

const SEEDS = 900;
const main = fileURLToPath(new URL('main.ts', import.meta.url));

const simulate = (
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly stdout: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout + stderr, stdout });
    });
  });

test(`${SEEDS} worlds keep every promise, and meet every kind of trouble and of end`, async () => {
  // The same worlds every time, so that a red run is the change's own fault; `npm run simulate` looks for new ones.
  const from = process.env['SIMULATION_FROM'] ?? '1';
  const { stdout } = await simulate(['--json', '--runs', String(SEEDS), '--from', from]);
  const { broken, faults, dispositions, statuses } = JSON.parse(stdout) as Readonly<
    Record<'faults' | 'dispositions' | 'statuses', Record<string, number>>
  > & { readonly broken: readonly unknown[] };
  expect({ broken, story: 'npm run simulate -- --seed N' }).toEqual({ broken: [], story: expect.any(String) });
  const met = Object.keys(faults).map((name) => name.replace(/ (around|of) .*/, ''));
  expect([...new Set(met)].sort()).toEqual(EVERY_FAULT);
  expect(Object.keys(dispositions).sort()).toEqual(['acknowledge', 'bury', 'keep', 'postpone']);
  expect(Object.keys(statuses).sort()).toEqual([
    'accepted',
    'canceled',
    'denied',
    'done',
    'expired',
    'filled',
    'malformed',
    'partially-filled',
    'rejected',
    'unresolved',
  ]);
}, 180_000);

const EVERY_FAULT = [
  '503 without execution',
  'ChangeMessageVisibilityBatch fails',
  'ChangeMessageVisibilityBatch fails in part',
  'GetSecretValue fails',
  'SendMessageBatch fails',
  'SendMessageBatch fails in part',
  'account halted',
  'answer',
  'answer late into the next invocation',
  'answer lost',
  'delete fails',
  'executed, then 502',
  'frozen with something under way',
  'halted while it was resumed',
  'html page',
  'id reused for another order',
  'invoked late',
  'invoked twice',
  'key rotated',
  'killed',
  'loan without its order',
  'no connection',
  'replayed',
  'replayed again',
  'replayed too early',
  'request arrives late',
  'request lost',
  'sent again after SQS has forgotten it',
  'sent again with another deduplication id',
  'sent what is no intent',
  'stalled',
  'status 418',
  'status 429',
  'status 500',
  'timed out',
  'write to a secret fails',
];

test.each(['7', '15', '47'])(
  'seed %s tells one story, and says whether every promise was kept',
  async (seed) => {
    const [first, second] = [await simulate(['--seed', seed]), await simulate(['--seed', seed])];
    expect(first).toEqual(second);
    expect(first.out).toContain('every promise kept');
    expect(first.code).toBe(0);
    // In words, before the story: what kind of world it is.
    expect(first.out).toMatch(/^World \d+, kind ".+", (trouble [\d.]+ of 1|nothing goes wrong):\n(- .+\n)+\n/);
    expect(first.out).not.toContain('undefined');
  },
  30_000,
);

test('--help names every option and every kind of world, and the tables begin with a sentence', async () => {
  const { code, stdout } = await simulate(['--help']);
  expect(code).toBe(0);
  const options = ['runs', 'from', 'kind', 'until-failure', 'workers', 'seed', 'week', 'accounts', 'days', 'json'];
  for (const option of options) expect(stdout).toContain(`--${option}`);
  for (const kind of KINDS) expect(stdout).toContain(kind);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  const worlds = await simulate(['--runs', '2', '--workers', '1']);
  expect(worlds.stdout).toMatch(/^Each world is .*\n/);
  expect(worlds.stdout).toMatch(/\n2 worlds in .*, 0 worlds with a broken promise\n$/);
  const week = await simulate(['--week', '2', '--days', '1', '--accounts', '1']);
  expect(week.stdout).toMatch(/\n2 orders of 1 account over 1 day \(seed 1\) .*, 0 broken promises\n$/);
}, 60_000);

test('the same seeds make the same worlds, whichever ran before them', async () => {
  const counted = async (): Promise<unknown> => {
    const { stdout } = await simulate(['--json', '--runs', '50', '--workers', '1']);
    return { ...(JSON.parse(stdout) as object), seconds: 0 };
  };
  expect(await counted()).toEqual(await counted());
}, 60_000);

test('wrong options are named, with what they may be', async () => {
  expect(await simulate(['--runs', 'many'])).toMatchObject({
    code: 2,
    out: '--runs many must be a whole number from 1\n',
  });
  expect((await simulate(['--kind', 'calm'])).out).toContain('--kind "calm" is none of: sound, ');
}, 30_000);

const brokenIn = async (plans: readonly Plan[]): Promise<readonly string[]> => {
  const broken: string[] = [];
  for (const plan of plans) {
    const world = await runWorld(plan);
    broken.push(...judge(plan, world).map((sentence) => `seed ${plan.seed}: ${sentence}`));
  }
  return broken;
};
const seeds = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);
const orderPerIntent = ({ orders }: World): boolean =>
  new Set(orders.map(({ account, clientOrderId }) => `${account}/${clientOrderId}`)).size === orders.length;

test('every message sent again, at once under another deduplication id and after ten minutes: no second order', async () => {
  const plans = seeds(60).map((seed) => ({ ...planOf(seed), sendsAllAgain: true }));
  expect(await brokenIn(plans)).toEqual([]);
}, 60_000);

test.each([
  ['repeated ids are accepted', { refusesRepeatedIds: 'never' }],
  ['look-ups lag by a minute', { showsOrdersWithinMs: 60_000 }],
  ['old timestamps are accepted', { refusesTimestamps: false }],
] as const)(
  'no second order where %s',
  async (_, promise) => {
    const quiet = { refusesRepeatedIds: 'always', showsOrdersWithinMs: 0, refusesTimestamps: true } as const;
    const plans = seeds(60).map((seed) => ({
      ...planOf(seed),
      ...quiet,
      ...promise,
      doubleInvocation: false,
      badClocks: false,
      trouble: 1,
    }));
    expect(await brokenIn(plans)).toEqual([]);
  },
  60_000,
);

test('orders that go out together keep every promise, whatever the venue does where some of them fail', async () => {
  let together = 0;
  const broken: string[] = [];
  for (const seed of seeds(60)) {
    const plan = { ...planOf(seed), isBatching: true, isFollowed: false };
    const world = await runWorld(plan);
    together += world.calls.filter(({ path }) => path === PLACE_ALL).length;
    broken.push(...judge(plan, world).map((sentence) => `seed ${seed}: ${sentence}`));
  }
  expect(broken).toEqual([]);
  expect(together).toBeGreaterThan(20);
}, 60_000);

test('two invocations of one delivery make a second order only where the venue accepts repeated ids', async () => {
  const doubles = { doubleInvocation: true, badClocks: false, trouble: 1 };
  let second = 0;
  for (const seed of seeds(40)) {
    const refusing = { ...planOf(seed), ...doubles, refusesRepeatedIds: 'always' } as const;
    expect(orderPerIntent(await runWorld(refusing))).toBe(true);
    const accepting = { ...planOf(seed), ...doubles, refusesRepeatedIds: 'never' } as const;
    if (!orderPerIntent(await runWorld(accepting))) second += 1;
  }
  // Nothing but the refusal stands against it: this is what the decision record says of double invocation.
  expect(second).toBeGreaterThan(0);
}, 60_000);
