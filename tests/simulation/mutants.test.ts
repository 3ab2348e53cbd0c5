// Every planted bug is caught, by name; and without one, the same worlds keep every promise.
import { expect, test } from '@jest/globals';
import { hunt } from './hunt.ts';
import { judge } from './judge.ts';
import { kinds, mutants, shownBy, suites } from './mutants.ts';
import { planOf } from './plan.ts';
import { runWorld } from './world.ts';

const RUNS = 2000;

test.each(Object.keys(mutants))(
  'caught: %s',
  async (name) => {
    expect(await hunt(name, RUNS)).toMatch(/^(seed \d+|tests\/.*\.ts): /);
  },
  240_000,
);

test('without a mutant nothing is caught: neither by the hunt, nor in the worlds that show the mutants', async () => {
  expect(await hunt('none', 25)).toBeUndefined();
  for (const seed of new Set(Object.values(shownBy).filter((shown) => typeof shown === 'number'))) {
    expect({ seed, broken: judge(planOf(seed), await runWorld(planOf(seed))) }).toEqual({ seed, broken: [] });
  }
}, 60_000);

test('what is said of a mutant is said of one that there is', () => {
  for (const name of [shownBy, suites, kinds].flatMap((table) => Object.keys(table))) {
    expect(Object.keys(mutants)).toContain(name);
  }
});
