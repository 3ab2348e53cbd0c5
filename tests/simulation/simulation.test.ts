// A thousand worlds of lost answers, dying environments, careless producers and broken promises of the venue: no second
// order, no lost intent, no verdict that is not true. A failing seed is told with its story by `npm run simulate`.
import { expect, test } from '@jest/globals';
import { judge } from './judge.ts';
import { planOf, runWorld } from './world.ts';

const SEEDS = 1000;

test(`${SEEDS} worlds keep every promise`, async () => {
  // The same worlds every time, so that a red run is the change's own fault; `npm run simulate` looks for new ones.
  const first = Number(process.env['SIMULATION_FROM'] ?? 1);
  const broken: string[] = [];
  const ends = new Set<string>();
  for (let seed = first; seed < first + SEEDS; seed += 1) {
    const plan = planOf(seed);
    const world = await runWorld(plan);
    for (const { status } of world.reports) ends.add(status);
    broken.push(
      ...judge(plan, world).map(
        (sentence) => `seed ${seed}: ${sentence} (npm run simulate -- --seed ${seed} tells its story)`,
      ),
    );
  }
  expect(broken).toEqual([]);
  expect([...ends].sort()).toEqual(['accepted', 'denied', 'done', 'expired', 'rejected', 'unresolved']);
}, 120_000);

test('one seed tells one story', async () => {
  const tell = async (): Promise<string> => (await runWorld(planOf(7))).story.join('\n');
  expect(await tell()).toBe(await tell());
});
