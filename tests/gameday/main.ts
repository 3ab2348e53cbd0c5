// `npm run gameday`: the service under one trouble after the other on the local stack, and the judgement at the end.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { parseArgs, promisify } from 'node:util';
import { stop as stopBundler } from 'esbuild';
import { bundleDesk } from '../bundle.ts';
import { screen } from '../../local/screen.ts';
import { play } from './day.ts';
import { expectations } from './expectations.ts';
import { judge } from './judge.ts';
import { LONG, SHORT } from './stage.ts';
import { alarmTable, closing, figures, judgement, opening, welcome } from './show.ts';

const usage = `npm run gameday [-- --seed N] [--short] [--keep FILE] [--json]

Plays a bad day on the local stack: the exchange is down for ten scaled minutes,
environments are killed, the exchange bans, a key is revoked, an account is
halted and resumed, the queue is poisoned, and every dead letter is redriven
blindly, while a producer sends orders of several accounts through all of it.
At the end the exchange's own book says whether every promise was kept, and the
metrics whether each alarm of the template did what it should.
Takes about two minutes. Exit code 0 if every promise was kept, 1 if one was
broken or an act did not show what it should, 2 for a wrong option.

  --seed N     decides orders and troubles; a random one if not given
  --short      a smaller day, with a shorter outage, in less than a minute
  --keep FILE  writes all that the day was judged by: intents, reports, dead
               letters, orders, counts of requests, alarms; no secret is in it
  --json       one JSON object on stdout; the words for people go to stderr
  --help       this text
`;

interface Options {
  readonly seed: number;
  readonly isShort: boolean;
  readonly isJson: boolean;
  readonly keep: string | undefined;
}

function readOptions(): Options | 'help' {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      short: { type: 'boolean', default: false },
      keep: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { seed = String(1 + Math.floor(Math.random() * 999_999)) } = values;
  if (!/^[1-9]\d{0,8}$/.test(seed)) throw new RangeError(`--seed ${seed} must be a whole number from 1`);
  return { seed: Number(seed), isShort: values.short, isJson: values.json, keep: values.keep };
}

/** Processes that this one started and that still run: a defunct one has ended, and this one has yet to take note. */
async function leftBehind(): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  const rows = stdout.split('\n').map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []);
  return rows.flatMap(([, pid = '', parent, what = '']) =>
    parent === String(process.pid) && !what.startsWith('ps ') && !what.endsWith('<defunct>')
      ? [`${pid} ${what.slice(0, 60)}`]
      : [],
  );
}

async function run({ seed, isShort, isJson, keep }: Options): Promise<number> {
  const out = screen(isJson ? process.stderr : process.stdout);
  const size = isShort ? SHORT : LONG;
  // It is what halts and resumes accounts.
  await bundleDesk();
  const startedAt = Date.now();
  out.say(welcome(seed, size, out.look()));
  const day = await play(seed, size, {
    begins: (act, atMs) => out.say(opening(act, atMs, out.look())),
    ends: (act) => out.say(closing(act, out.look())),
    passing: out.passing,
  });
  const seconds = (Date.now() - startedAt) / 1000;
  if (keep !== undefined) await writeFile(keep, JSON.stringify(day));
  const expected = expectations(size.outageMinutes);
  const broken = judge(day, expected);
  // It made the desk, and the package where that was stale.
  await stopBundler();
  const left = await leftBehind();
  out.say(`\n${alarmTable(day.alarms, expected, size.scale, out.look())}\n`);
  out.say(judgement(day, broken, seconds, out.look()));
  if (left.length > 0) out.say(`still running: ${left.join('; ')}`);
  const isKept = broken.length === 0 && left.length === 0;
  const { acts, alarms } = day;
  if (isJson) out.data(JSON.stringify({ seed, isKept, seconds, ...figures(day), acts, alarms, broken, left }));
  return isKept ? 0 : 1;
}

// The runner takes its frozen environments with it when this process exits, and a signal alone is no exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

let options: Options | 'help' | undefined;
try {
  options = readOptions();
  if (options === 'help') process.stdout.write(usage);
  else process.exitCode = await run(options);
} catch (error) {
  const said = error instanceof Error ? error.message : String(error);
  const seed =
    typeof options === 'object' ? ` (seed ${options.seed})` : '; npm run gameday -- --help says what there is';
  process.stderr.write(`npm run gameday: ${said}${seed}\n`);
  process.exitCode = options === undefined ? 2 : 1;
}
// Agents of the servers that were closed may hold sockets for a while.
process.exit();
