// Orders that rest for a virtual week, in small: every end is told, each once, and no look-up limit is passed.
import { expect, test } from '@jest/globals';
import { runWeek } from './week.ts';

const PLAN = { seed: 1, orders: 40, accounts: 20, days: 7 };

test('every end of a week is reported exactly once, within the limits of the look-ups, whatever dies and fails', async () => {
  const week = await runWeek(PLAN);
  const { broken, ends, reports, windows, mostReceives, copies, faults } = week;
  expect({ seed: PLAN.seed, broken }).toEqual({ seed: PLAN.seed, broken: [] });
  // Of each kind there was something to tell, and each kind of trouble struck.
  expect(Object.keys(ends).sort()).toEqual(['canceled', 'filled', 'open', 'partially_canceled']);
  expect(Object.keys(reports).sort()).toEqual(['canceled', 'filled', 'partially-filled']);
  expect(Object.keys(faults).sort()).toEqual([
    'SQS call fails',
    'SQS call fails in part',
    'answer of SQS lost',
    'delete fails',
    'environment dies',
    'environment replaced',
  ]);
  for (const { most, limit } of Object.values(windows)) expect(most).toBeLessThanOrEqual(limit);
  // SQS gives a message up at 1,000 receives: those of orders that rest so long are replaced before.
  // A few more where SQS did not take the copy.
  expect(mostReceives).toBeLessThan(520);
  expect(copies).toBeGreaterThan(0);
}, 120_000);

test('a week is the same for its seed, and another for another', async () => {
  const small = (seed: number) => runWeek({ seed, orders: 10, accounts: 3, days: 1 });
  const [first, again, other] = [await small(2), await small(2), await small(3)];
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
}, 60_000);
