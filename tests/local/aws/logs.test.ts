// CloudWatch Logs of the local AWS through the unmodified SDK: what is found by which pattern, in which range, in pages.
import { CloudWatchLogs, type FilterLogEventsCommandInput } from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { localLogs } from '../../../local/aws/logs.ts';
import type { Call, Output } from '../../../local/aws/wire.ts';
import { startStack, type Stack } from './fixture.ts';

let stack: Stack;
let logs: CloudWatchLogs;
const GROUP = '/aws/lambda/some-function';
const line = (fields: object): string => JSON.stringify({ level: 'info', ...fields });
beforeAll(async () => {
  stack = await startStack();
  const credentials = { accessKeyId: 'AKIATESTS', secretAccessKey: 'unused' };
  logs = new CloudWatchLogs({ endpoint: stack.aws.url, region: stack.aws.region, credentials, maxAttempts: 1 });
  stack.aws.logs.create('/aws/lambda/silent');
  for (const message of [
    'START RequestId: 1',
    line({ id: 'one', account: 'main' }),
    line({ id: 'two', account: 'main', level: 'error', detail: { id: 'deep' } }),
    line({ id: 'one', account: 'other', level: 'error' }),
    'id one, which is no JSON',
  ])
    stack.aws.logs.write(GROUP, message);
});
afterAll(async () => {
  logs.destroy();
  await stack.close();
});

const filter = (more: Partial<FilterLogEventsCommandInput> = {}) =>
  logs.filterLogEvents({ logGroupName: GROUP, ...more });
const found = async (filterPattern: string): Promise<readonly number[]> => {
  const all = (await filter()).events?.map(({ eventId }) => eventId) ?? [];
  return (await filter({ filterPattern })).events?.map(({ eventId }) => all.indexOf(eventId)) ?? [];
};
const refused = (more: Partial<FilterLogEventsCommandInput>): Promise<readonly [string, string]> =>
  filter(more).then(
    () => ['ok', ''] as const,
    (error: unknown) => [(error as Error).name, (error as Error).message] as const,
  );

test.each([
  ['', [0, 1, 2, 3, 4]],
  ['one', [1, 3, 4]],
  ['"id one"', [4]],
  ['"main" error', [2]],
  ['{ $.id = "one" }', [1, 3]],
  ['{ $.detail.id = "deep" }', [2]],
  ['{ ($.id = "two") || ($.account = "other") }', [2, 3]],
  ['{ $.account = "main" && $.level = "error" }', [2]],
  ['{ $.id = "one" && $.level = "error" || $.id = "two" }', [2, 3]],
  ['{ $.id = "none" }', []],
])('the pattern %s finds the lines %j', async (pattern, lines) => expect(await found(pattern)).toEqual(lines));

test.each(['{ $.id = one }', '{ $.id != "one" }', '{ $.id = "o*" }', '{ $.id = "one"', '-one', '?one ?two', '%one%'])(
  'a pattern that is not known here is refused by name: %s',
  async (filterPattern) => {
    expect(await refused({ filterPattern })).toEqual([
      'InvalidParameterException',
      expect.stringContaining(filterPattern),
    ]);
  },
);

test('a group without a line is empty, one that is not there is no group, and a field not known here is refused', async () => {
  expect((await filter({ logGroupName: '/aws/lambda/silent' })).events).toEqual([]);
  expect(await refused({ logGroupName: '/aws/lambda/none' })).toEqual([
    'ResourceNotFoundException',
    expect.stringContaining('does not exist'),
  ]);
  expect(await refused({ logStreamNames: ['local'] })).toEqual([
    'InvalidParameterException',
    expect.stringContaining('logStreamNames'),
  ]);
  expect((await refused({ nextToken: 'nonsense' }))[0]).toBe('InvalidParameterException');
});

test('pages go on where the last one ended, also when lines come in between, and the last has no token', async () => {
  const group = '/aws/lambda/paged';
  const expected = Array.from({ length: 25 }, (_, index) => line({ id: 'x', index }));
  for (const message of expected) stack.aws.logs.write(group, message);
  const seen: (string | undefined)[] = [];
  let nextToken: string | undefined;
  let pages = 0;
  do {
    const page = await filter({ logGroupName: group, limit: 7, ...(nextToken === undefined ? {} : { nextToken }) });
    seen.push(...(page.events ?? []).map(({ message }) => message));
    if (pages === 1) {
      const late = line({ id: 'x', late: true });
      expected.push(late);
      stack.aws.logs.write(group, late);
    }
    nextToken = page.nextToken;
    pages += 1;
  } while (nextToken !== undefined);
  expect(seen).toEqual(expected);
  expect(pages).toBe(4);
});

test('every call is recorded with its group', async () => {
  await filter({ limit: 1 });
  expect(stack.aws.calls().at(-1)).toMatchObject({
    ...{ service: 'logs', action: 'FilterLogEvents', resource: GROUP, outcome: 'ok', accessKeyId: 'AKIATESTS' },
  });
});

/** The engine without a wire, on a clock that only the test moves. */
const clockwork = (mostEvents?: number) => {
  const clock = { nowMs: 1_800_000_000_000 };
  const engine = localLogs(() => clock.nowMs, mostEvents);
  const caller: Call = { accessKeyId: 'AKIATESTS', traceHeader: undefined, onDisconnect: () => undefined };
  const ask = async (more: object = {}): Promise<Output> =>
    (await engine.actions['FilterLogEvents']?.({ logGroupName: 'g', ...more }, caller)) ?? {};
  const messages = async (more: object = {}): Promise<readonly string[]> =>
    ((await ask(more))['events'] as readonly { readonly message: string }[]).map(({ message }) => message);
  return { clock, engine, ask, messages };
};

test('a range holds its two ends, and nothing outside', async () => {
  const { clock, engine, messages } = clockwork();
  for (const message of ['a', 'b', 'c', 'd']) {
    engine.write('g', message);
    clock.nowMs += 1000;
  }
  const startTime = 1_800_000_001_000;
  expect(await messages({ startTime })).toEqual(['b', 'c', 'd']);
  expect(await messages({ startTime, endTime: startTime + 1000 })).toEqual(['b', 'c']);
  expect(await messages({ endTime: startTime - 1 })).toEqual(['a']);
});

test('a group keeps the newest lines, and a page that finds nothing may still have a token', async () => {
  const small = clockwork(20);
  for (let index = 0; index < 95; index += 1) small.engine.write('g', String(index));
  const kept = await small.messages();
  expect(kept.length).toBeGreaterThanOrEqual(18);
  expect(kept.length).toBeLessThanOrEqual(20);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => String(95 - kept.length + index)));
  const large = clockwork();
  for (let index = 0; index < 10_001; index += 1) large.engine.write('g', index === 10_000 ? 'needle' : 'hay');
  const first = await large.ask({ filterPattern: 'needle' });
  expect(first).toMatchObject({ events: [], nextToken: expect.any(String) });
  expect(await large.messages({ filterPattern: 'needle', nextToken: first['nextToken'] })).toEqual(['needle']);
});
