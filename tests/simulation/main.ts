// `npm run simulate`: many worlds on all processors, with progress and a summary; or the story of one.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { judge } from './judge.ts';
import { KINDS, planOf, type Plan } from './plan.ts';
import { runWorld } from './world.ts';

type Counts = Record<string, number>;
/** What many worlds came to. */
interface Tally {
  runs: number;
  failures: number;
  readonly broken: { readonly seed: number; readonly sentences: readonly string[] }[];
  readonly kinds: Counts;
  readonly faults: Counts;
  readonly dispositions: Counts;
  readonly statuses: Counts;
  readonly reasons: Counts;
  orders: number;
}

const newTally = (): Tally => ({
  runs: 0,
  failures: 0,
  broken: [],
  kinds: {},
  faults: {},
  dispositions: {},
  statuses: {},
  reasons: {},
  orders: 0,
});

const add = (to: Counts, from: Counts): void => {
  for (const [name, count] of Object.entries(from)) to[name] = (to[name] ?? 0) + count;
};

/** Runs one world and adds it to the tally. */
async function count(tally: Tally, plan: Plan): Promise<void> {
  const world = await runWorld(plan);
  const sentences = judge(plan, world);
  tally.runs += 1;
  tally.orders += world.orders.length;
  add(tally.kinds, { [plan.kind]: 1 });
  add(tally.faults, world.faults);
  add(tally.dispositions, world.dispositions);
  for (const { status, reason } of world.reports) {
    add(tally.statuses, { [status]: 1 });
    if (reason !== undefined) add(tally.reasons, { [reason]: 1 });
  }
  for (const { reason } of world.letters) if (reason.endsWith('_MISMATCH')) add(tally.reasons, { [reason]: 1 });
  if (sentences.length === 0) return;
  tally.failures += 1;
  tally.broken.push({ seed: plan.seed, sentences });
}

function merge(tally: Tally, part: Tally): void {
  tally.runs += part.runs;
  tally.failures += part.failures;
  tally.orders += part.orders;
  tally.broken.push(...part.broken);
  for (const name of ['kinds', 'faults', 'dispositions', 'statuses', 'reasons'] as const) add(tally[name], part[name]);
}

/** Worlds that one worker runs before it tells. */
const SLICE = 25;

interface Wish {
  readonly runs: number;
  readonly from: number;
  readonly kind: string | undefined;
  readonly untilFailure: boolean;
  readonly workers: number;
}

/** Hands slices of seeds to workers until all are run. */
async function runAll(
  { runs, from, kind, untilFailure, workers }: Wish,
  progress: (tally: Tally) => void,
): Promise<Tally> {
  const total = newTally();
  let next = from;
  let isOver = false;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = fork(fileURLToPath(import.meta.url), ['--worker'], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const ask = (): void => {
        if (isOver || next >= from + runs) {
          worker.kill();
          resolve();
          return;
        }
        worker.send({ from: next, to: Math.min(next + SLICE, from + runs), kind });
        next += SLICE;
      };
      worker.on('message', (part: Tally) => {
        merge(total, part);
        progress(total);
        if (untilFailure && total.failures > 0) isOver = true;
        ask();
      });
      worker.on('error', reject);
      worker.on('exit', (code) => {
        if (code !== null && code !== 0) reject(new Error(`a worker ended with ${code}`));
      });
      ask();
    });
  await Promise.all(Array.from({ length: workers }, work));
  total.broken.sort((a, b) => a.seed - b.seed);
  return total;
}

function serveSlices(): void {
  process.on('message', ({ from, to, kind }: { from: number; to: number; kind?: string }) => {
    void (async () => {
      const tally = newTally();
      for (let seed = from; seed < to; seed += 1) {
        const plan = planOf(seed);
        if (kind === undefined || plan.kind === kind) await count(tally, plan);
      }
      process.send?.(tally);
    })();
  });
  process.on('disconnect', () => process.exit());
}

async function tellStory(seed: number): Promise<void> {
  const plan = planOf(seed);
  const world = await runWorld(plan);
  console.log(world.story.join('\n'));
  console.log(plan);
  const broken = judge(plan, world);
  console.log(broken.length === 0 ? 'every promise kept' : broken.join('\n'));
  process.exitCode = broken.length === 0 ? 0 : 1;
}

function summary(tally: Tally, seconds: number): string {
  const table = (title: string, counts: Counts): string => {
    const rows = Object.entries(counts).sort(([, a], [, b]) => b - a);
    const body = new Table({
      head: [title, 'count'],
      colAligns: ['left', 'right'],
      style: { head: [], border: [], compact: true },
    });
    body.push(...rows.map(([name, times]) => [name, times.toLocaleString('en')]));
    return body.toString();
  };
  const perSecond = Math.round(tally.runs / seconds);
  return [
    table('worlds by kind', tally.kinds),
    table('faults injected', tally.faults),
    table('dispositions', tally.dispositions),
    table('report statuses', tally.statuses),
    table('reasons', tally.reasons),
    ...tally.broken.slice(0, 10).map(({ seed, sentences }) => `seed ${seed}: ${sentences.join('; ')}`),
    `${tally.runs} worlds in ${seconds.toFixed(1)} s (${perSecond}/s), ${tally.orders.toLocaleString('en')} orders, ` +
      `${tally.failures} worlds with a broken promise`,
  ].join('\n');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      runs: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      kind: { type: 'string' },
      workers: { type: 'string', default: String(availableParallelism()) },
      'until-failure': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const whole = (name: 'seed' | 'runs' | 'from' | 'workers', text: string): number => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw new RangeError(`--${name} ${text} must be a whole number from 1`);
  };
  if (values.kind !== undefined && !KINDS.some((kind) => kind === values.kind)) {
    throw new RangeError(`--kind "${values.kind}" is none of: ${KINDS.join(', ')}`);
  }
  if (values.seed !== undefined) return tellStory(whole('seed', values.seed));
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const runs = whole('runs', values.runs);
  const wish = {
    runs,
    from: whole('from', values.from),
    kind: values.kind,
    untilFailure: values['until-failure'],
    workers: whole('workers', values.workers),
  };
  const tally = await runAll(wish, (sofar) => {
    if (!process.stderr.isTTY) return;
    const left = Math.round((seconds() / sofar.runs) * (runs - sofar.runs));
    const rate = Math.round(sofar.runs / seconds());
    process.stderr.write(
      `\r\x1b[2K${sofar.runs} of ${runs} worlds, ${rate}/s, ${left} s left, ${sofar.failures} broken`,
    );
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
  console.log(values.json ? JSON.stringify({ ...tally, seconds: seconds() }) : summary(tally, seconds()));
  process.exitCode = tally.failures === 0 ? 0 : 1;
}

if (process.argv[2] === '--worker') serveSlices();
else {
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  });
}
