// Every planted bug is caught, by name; and without one, the same worlds keep every promise.
import { expect, test } from '@jest/globals';
import { hunt, mutants } from './mutants.ts';

const RUNS = 2000;

test.each(Object.keys(mutants))(
  'caught: %s',
  async (name) => {
    expect(await hunt(name, RUNS, 1)).toMatch(/^(seed \d+|tests\/.*\.ts): /);
  },
  120_000,
);

test('without a mutant the same worlds keep every promise', async () => {
  expect(await hunt('none', 300, 1)).toBeUndefined();
}, 60_000);
