// Runs the execution test spec on the ground of a venue: many cases at once on one stack, each with accounts of its own,
// and those that want a stack without rules one after the other on another. Each case is one test of its own.
import assert from 'node:assert/strict';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { benchOf, type Bench, type Case, type Ground, type Intent } from './bench.ts';
import { cases, nameOf } from './cases.ts';
import type { Declared } from './grounds.ts';

/** Cases at once: `execute` works on ten accounts at a time, and most of a case is waiting. */
const AT_ONCE = 16;
/** Each test waits for its case, and a case for its turn. */
const PATIENCE_MS = 180_000;

/** Defines the tests. SPEC=E-001,E-040 runs these alone, for whoever looks for the cause of a failure. */
export function runSpec(
  declared: Declared,
  start: (options?: { readonly isWithoutRules: boolean }) => Promise<Ground>,
): void {
  const only = process.env['SPEC']?.split(',');
  const chosen = cases.filter((each) => only === undefined || only.includes(nameOf(each)));
  const outcomes = new Map<number, Promise<void>>();
  const grounds: Ground[] = [];

  beforeAll(async () => {
    const ground = await start();
    grounds.push(ground);
    // One intent ahead: the environments are warm and the rules are loaded.
    const warm = benchOf(ground, 0);
    await warm.account();
    const first = warm.limit(warm.listing('spot'));
    await warm.send(first);
    await warm.rests(first);
    const usual = chosen.filter(({ isWithoutRules }) => isWithoutRules !== true);
    const bare = chosen.filter(({ isWithoutRules }) => isWithoutRules === true);
    inPool(usual, AT_ONCE, (each) => runCase(each, ground), outcomes);
    const second = bare.length === 0 ? undefined : start({ isWithoutRules: true });
    void second?.then((made) => grounds.push(made));
    inPool(bare, 1, async (each) => runCase(each, (await second) ?? assert.fail()), outcomes);
  }, PATIENCE_MS);
  afterAll(async () => {
    await Promise.allSettled(outcomes.values());
    await Promise.all(grounds.map((ground) => ground.close()));
  }, PATIENCE_MS);

  test('every case has a number of its own, and every reason is a sentence', () => {
    expect(new Set(cases.map(({ number }) => number)).size).toBe(cases.length);
    for (const reason of Object.values(declared.cannot)) expect(reason).toMatch(/\w+ \w+ \w+/);
  });
  for (const each of chosen) {
    test(`${nameOf(each)} ${each.title}`, () => outcomes.get(each.number), PATIENCE_MS);
  }
}

/** Runs as many at once as it may, in their order; the outcome of each can be waited for from the start. */
function inPool(
  all: readonly Case[],
  atOnce: number,
  run: (each: Case) => Promise<void>,
  outcomes: Map<number, Promise<void>>,
): void {
  const waiting = all.map((each) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const outcome = promise.then(() => run(each));
    outcomes.set(each.number, outcome);
    // A failure is the test's own: it is no unhandled one before its test waits for it, and stops no other case.
    return { begin: resolve, over: outcome.catch(() => undefined) };
  });
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      next.begin(undefined);
      await next.over;
    }
  };
  for (let worker = 0; worker < atOnce; worker += 1) void work();
}

async function runCase(each: Case, ground: Ground): Promise<void> {
  const bench = benchOf(ground, each.number);
  await bench.account();
  if ((each.needs ?? []).every((need) => bench.can(need))) await each.run(bench);
  else if (each.refused !== undefined) await isRefused(bench, each.refused(bench));
  await bench.close();
}

/** What the venue cannot do is refused with a sentence, before or by the venue, and nothing comes of it. */
async function isRefused(bench: Bench, intent: Intent): Promise<void> {
  await bench.send(intent);
  await bench.until('a refusal', () => bench.statuses(intent).length > 0);
  const [report] = bench.reports(intent);
  assert.ok(['malformed', 'denied', 'rejected'].includes(report?.status ?? ''), `it is ${report?.status ?? 'nothing'}`);
  await bench.endsWithout(intent, report?.status ?? '', report?.reason ?? '');
}
