// `npm run simulate`: many worlds, or the story of one.
import { parseArgs } from 'node:util';
import { judge } from './judge.ts';
import { planOf, runWorld } from './world.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    'until-failure': { type: 'boolean', default: false },
  },
});
if (values.seed !== undefined) {
  const plan = planOf(Number(values.seed));
  const world = await runWorld(plan);
  console.log(world.story.join('\n'));
  console.log(plan);
  const broken = judge(plan, world);
  console.log(broken.length === 0 ? 'every promise kept' : broken.join('\n'));
  process.exitCode = broken.length === 0 ? 0 : 1;
} else {
  const startedAt = performance.now();
  const faults: Record<string, number> = {};
  const ends: Record<string, number> = {};
  let failures = 0;
  const runs = Number(values.runs);
  for (let seed = Number(values.from); seed < Number(values.from) + runs; seed += 1) {
    const plan = planOf(seed);
    const world = await runWorld(plan);
    const done = seed - Number(values.from) + 1;
    if (process.stderr.isTTY && done % 50 === 0) {
      const perSecond = Math.round(done / ((performance.now() - startedAt) / 1000));
      process.stderr.write(`\r\x1b[2K${done} of ${runs} worlds, ${perSecond}/s, ${failures} with a broken promise`);
    }
    for (const [fault, count] of Object.entries(world.faults)) faults[fault] = (faults[fault] ?? 0) + count;
    for (const { status, reason } of world.reports)
      ends[`${status} ${reason ?? ''}`] = (ends[`${status} ${reason ?? ''}`] ?? 0) + 1;
    const broken = judge(plan, world);
    if (broken.length > 0) {
      failures += 1;
      if (failures <= 10) console.log(`seed ${seed}: ${broken.join('; ')}`);
      if (values['until-failure']) break;
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
  const took = (performance.now() - startedAt) / 1000;
  console.log({ runs, failures, perSecond: Math.round(runs / took), faults, ends });
  process.exitCode = failures === 0 ? 0 : 1;
}
process.exit();
