// `npm run simulate`: many worlds on all processors, with progress and a summary; the story of one; or a week of following.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { wrap } from '../../local/screen.ts';
import { judge } from './judge.ts';
import { KINDS, planOf, type Plan } from './plan.ts';
import { runWeek, type Week, type WeekPlan } from './week.ts';
import { runWorld } from './world.ts';

const usage = `npm run simulate [-- --runs N] [--from N] [--kind K] [--until-failure]
                 [--workers N] [--json]
npm run simulate -- --seed N
npm run simulate -- --week ORDERS [--accounts N] [--days N] [--seed N] [--json]

Runs whole worlds in virtual time: the code that is deployed, between a local
SQS, a local BitMart and a network in which far more goes wrong than in reality.
A seed decides all that happens in a world. At its end the book of the exchange
says whether every promise was kept: no second order, no lost intent, no report
that is not true. Exit code 0 if all were kept, 1 if not, 2 for a wrong option.

  --runs N         so many worlds; 1000
  --from N         the first seed; 1. The others follow it
  --kind K         only worlds of this kind, which says what else is wrong in
                   them, with the exchange, Lambda or the clocks:
${KINDS.map((kind) => `                     ${kind}`).join('\n')}
  --until-failure  stops at the first world that breaks a promise
  --workers N      processes at a time; as many as there are processors
  --seed N         one world, told as a story
  --week ORDERS    a week of following so many orders that rest
  --accounts N     with --week: whose they are; 20
  --days N         with --week: how long it is; 7
  --json           one JSON object with all counts instead of the tables
  --help           this text
`;

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

function sentenceOf({ seed, sentences }: Tally['broken'][number]): string {
  return `seed ${seed}: ${sentences.join('; ')}`;
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

interface Slice {
  readonly from: number;
  /** Not of the slice any more. */
  readonly to: number;
  readonly kind: string | undefined;
}

/** Runs slices of seeds until all are run: one after the other here, or in several processes. */
async function runAll(
  { runs, from, kind, untilFailure, workers }: Wish,
  progress: (tally: Tally) => void,
): Promise<Tally> {
  const total = newTally();
  let start = from;
  const next = (): Slice | undefined => {
    if (start >= from + runs || (untilFailure && total.failures > 0)) return undefined;
    const slice = { from: start, to: Math.min(start + SLICE, from + runs), kind };
    start = slice.to;
    return slice;
  };
  const take = (part: Tally): void => {
    merge(total, part);
    // A long run says at once what it has found.
    progressLine();
    for (const each of part.broken) console.error(sentenceOf(each));
    progress(total);
  };
  if (workers === 1) for (let slice = next(); slice !== undefined; slice = next()) take(await runSlice(slice));
  else await Promise.all(Array.from({ length: workers }, () => work(next, take)));
  total.broken.sort((a, b) => a.seed - b.seed);
  return total;
}

/** A process of its own that runs slices until there are no more. */
function work(next: () => Slice | undefined, take: (part: Tally) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = fork(fileURLToPath(import.meta.url), ['--worker'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const ask = (): void => {
      const slice = next();
      if (slice !== undefined) return void worker.send(slice);
      worker.kill();
      resolve();
    };
    worker.on('message', (part: Tally) => {
      take(part);
      ask();
    });
    worker.on('error', reject);
    worker.on('exit', (code, signal) => {
      if (code !== 0 && !worker.killed) reject(new Error(`a worker ended with ${code ?? signal ?? 'nothing'}`));
    });
    ask();
  });
}

async function runSlice({ from, to, kind }: Slice): Promise<Tally> {
  const tally = newTally();
  for (let seed = from; seed < to; seed += 1) {
    const plan = planOf(seed);
    if (kind === undefined || plan.kind === kind) await count(tally, plan);
  }
  return tally;
}

function serveSlices(): void {
  process.on('message', (slice: Slice) => void runSlice(slice).then((tally) => process.send?.(tally)));
  process.on('disconnect', () => process.exit());
}

/** What kind of world it is, for a person. */
function planSentences(plan: Plan): readonly string[] {
  const repeated = {
    always: 'the exchange refuses a repeated id',
    whileOpen: 'the exchange refuses a repeated id while its order is open, and accepts it once that is closed',
    never: 'the exchange accepts a repeated id',
  };
  const seconds = (ms: number): string => `${grouped(ms / 1000)} s`;
  const facts: readonly (readonly [isSo: boolean, sentence: string])[] = [
    [true, repeated[plan.refusesRepeatedIds]],
    [
      plan.showsOrdersWithinMs > 0,
      `a new order can be looked up only after as much as ${seconds(plan.showsOrdersWithinMs)}`,
    ],
    [!plan.refusesTimestamps, 'the exchange accepts old timestamps'],
    [true, `it forgets an order that was canceled unfilled after ${seconds(plan.forgetsAfterMs)}`],
    [
      plan.saysForgetsAfterMs !== plan.forgetsAfterMs,
      `the functions are told that it does so after ${seconds(plan.saysForgetsAfterMs)}`,
    ],
    [plan.doubleInvocation, 'one delivery may be handed to two environments at once'],
    [plan.badClocks, 'many environments have wrong clocks'],
    [plan.lateInvocation, 'Lambda holds batches back'],
    [plan.sendsAllAgain, 'every message is sent again'],
    [plan.isWide, 'margin and futures as well, and every kind of instruction'],
  ];
  const trouble = plan.trouble === 0 ? 'nothing goes wrong' : `trouble ${plan.trouble} of 1`;
  return [
    `World ${plan.seed}, kind "${plan.kind}", ${trouble}:`,
    ...facts.flatMap(([isSo, sentence]) => (isSo ? [`- ${sentence}`] : [])),
  ];
}

async function tellStory(seed: number): Promise<void> {
  const plan = planOf(seed);
  const world = await runWorld(plan);
  console.log(`${planSentences(plan).join('\n')}\n`);
  console.log(world.story.join('\n'));
  const broken = judge(plan, world);
  console.log(broken.length === 0 ? '\nevery promise kept' : `\n${broken.join('\n')}`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

function grid(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const body = new Table({
    head: [...head],
    colAligns: head.map((_, index) => (index === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  body.push(...rows.map((row) => [...row]));
  return body.toString();
}

const counted = (counts: Counts): readonly (readonly [string, number])[] =>
  Object.entries(counts).sort(([, a], [, b]) => b - a);
const grouped = (count: number): string => count.toLocaleString('en');
const several = (count: number, one: string): string => `${grouped(count)} ${one}${count === 1 ? '' : 's'}`;
const wrapped = (text: string): string => wrap(text, 80);
/** Shown again and again in one line, on a terminal alone; nothing takes the line away. */
function progressLine(text = ''): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}

async function tellWeek(plan: WeekPlan, isJson: boolean): Promise<void> {
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const week = await runWeek(plan, (part) => {
    const left = part === 0 ? '' : `, ${Math.round((seconds() / part) * (1 - part))} s left`;
    progressLine(`day ${(part * plan.days).toFixed(1)} of ${plan.days}${left}`);
  });
  progressLine();
  console.log(isJson ? JSON.stringify({ ...plan, ...week, seconds: seconds() }) : weekSummary(plan, week, seconds()));
  process.exitCode = week.broken.length === 0 ? 0 : 1;
}

/** How an order stands, in words. */
const IN_THE_BOOK: Readonly<Partial<Record<string, string>>> = {
  open: 'resting still',
  partially_canceled: 'canceled after it was filled in part',
};

function weekSummary({ orders, accounts, days, seed }: WeekPlan, week: Week, seconds: number): string {
  const each = (count: number): string => (count / orders).toFixed(1);
  const rows = (counts: Counts): readonly string[][] =>
    counted(counts).map(([name, count]) => [IN_THE_BOOK[name] ?? name, grouped(count)]);
  const calls = counted(week.calls).map(([name, count]) => [name, grouped(count), each(count)]);
  const all = Object.values(week.calls).reduce((sum, count) => sum + count, 0);
  const windows = Object.entries(week.windows).map(([path, { most, limit }]) => [path, `${most}`, `${limit}`]);
  return [
    wrapped(
      'Orders that rest were followed in virtual time while environments died and SQS failed now and then. How each ' +
        'stands in the book of the exchange was compared with what was reported of it.',
    ),
    grid(['in the book at the end', 'orders'], rows(week.ends)),
    grid(['reports', 'count'], rows(week.reports)),
    grid(['SQS calls', 'count', 'per order'], [...calls, ['all', grouped(all), each(all)]]),
    grid(['requests of one account in any window', 'most', 'limit'], windows),
    grid(['faults injected', 'count'], rows(week.faults)),
    `${grouped(week.looks)} looks, ${each(week.looks)} per order; ${grouped(week.copies)} copies; at most ${week.mostReceives} receives of one message`,
    wrapped(
      'A look is a request to the exchange. There can be more ReceiveMessage calls than looks: while no message can ' +
        'be seen each poller still makes one every 20 s, which comes back empty, and is billed all the same.',
    ),
    ...week.broken.slice(0, 10),
    `${several(orders, 'order')} of ${several(accounts, 'account')} over ${several(days, 'day')} (seed ${seed}) in ${seconds.toFixed(1)} s, ` +
      several(week.broken.length, 'broken promise'),
  ].join('\n');
}

function summary(tally: Tally, seconds: number): string {
  const table = (title: string, counts: Counts): string =>
    grid(
      [title, 'count'],
      counted(counts).map(([name, times]) => [name, grouped(times)]),
    );
  const perSecond = Math.round(tally.runs / seconds);
  return [
    wrapped(
      'Each world is a handful of intents on their way through the deployed code, with far more faults than in reality: ' +
        '"unresolved" and "expired" are therefore expected, and are no failure. A failure is a promise that was broken: ' +
        'a second order, an intent without an end, a report that is not true.',
    ),
    table('worlds by kind', tally.kinds),
    table('faults injected', tally.faults),
    table('what became of messages, each time one was taken', tally.dispositions),
    table('reports by status', tally.statuses),
    table('reasons why no trade came of an intent', tally.reasons),
    ...tally.broken.slice(0, 10).map(sentenceOf),
    `${several(tally.runs, 'world')} in ${seconds.toFixed(1)} s (${perSecond}/s), ${several(tally.orders, 'order')}, ` +
      `${several(tally.failures, 'world')} with a broken promise`,
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
      week: { type: 'string' },
      accounts: { type: 'string' },
      days: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const whole = (name: 'seed' | 'runs' | 'from' | 'workers' | 'week' | 'accounts' | 'days', text: string): number => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw new RangeError(`--${name} ${text} must be a whole number from 1`);
  };
  if (values.week !== undefined) {
    const { week, accounts = '20', days = '7', seed = '1' } = values;
    const size = { accounts: whole('accounts', accounts), days: whole('days', days), seed: whole('seed', seed) };
    return tellWeek({ ...size, orders: whole('week', week) }, values.json);
  }
  for (const name of ['accounts', 'days'] as const) {
    if (values[name] !== undefined) throw new RangeError(`--${name} ${values[name]} goes with --week only`);
  }
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
    const left = Math.round((seconds() / sofar.runs) * (runs - sofar.runs));
    const rate = Math.round(sofar.runs / seconds());
    progressLine(`${sofar.runs} of ${runs} worlds, ${rate}/s, ${left} s left, ${sofar.failures} broken`);
  });
  progressLine();
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
