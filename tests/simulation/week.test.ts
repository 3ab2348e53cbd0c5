// Orders that rest for a virtual week, in small: every end is told, each once, and no look-up limit is passed.
import { expect, test } from '@jest/globals';
import { runWeek } from './week.ts';

const PLAN = { seed: 1, orders: 40, accounts: 20, days: 7 };

test('every end of a week is reported exactly once, within the limits of the look-ups', async () => {
  const { broken, ends, windows, mostReceives, copies } = await runWeek(PLAN);
  expect({ seed: PLAN.seed, broken }).toEqual({ seed: PLAN.seed, broken: [] });
  expect(Object.keys(ends).sort()).toEqual(['canceled', 'filled', 'open']);
  for (const { most, limit } of Object.values(windows)) expect(most).toBeLessThanOrEqual(limit);
  // SQS gives a message up at 1,000 receives: those of orders that rest so long are replaced before.
  expect(mostReceives).toBeLessThanOrEqual(500);
  expect(copies).toBeGreaterThan(0);
}, 120_000);
