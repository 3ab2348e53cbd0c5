// `npm start`: the main job in one command. Packages, starts the local stack, sends a handful of intents, shows what
// becomes of each, and stays up for more. Ends with a sentence, never with a stack trace, and leaves no child behind.
// Only Node's own modules are imported here, so that a missing package can be told in words.
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import type { Ending } from './demo.ts';
import type { Screen } from './screen.ts';
import type { Stack } from './stack.ts';
import type { Alarm, Step, Watch } from './watch.ts';

/** With --once, everything from the first intent to the last end must fit into this, ms. */
const DEMO_LIMIT_MS = 60_000;
/** npm hands a Ctrl-C on that the terminal has delivered already: what comes this soon is the same one. */
const SAME_SIGNAL_MS = 1000;

interface Options {
  readonly once: boolean;
  readonly json: boolean;
}

async function load() {
  const [demo, packaging, screen, show, stack, watching] = await Promise.all([
    import('./demo.ts'),
    import('./package.ts'),
    import('./screen.ts'),
    import('./show.ts'),
    import('./stack.ts'),
    import('./watch.ts'),
  ]);
  return { ...demo, ...packaging, ...screen, ...show, ...stack, ...watching };
}
type Modules = Awaited<ReturnType<typeof load>>;

/** Packages and starts; the watch gets what the functions are given, and what they write. */
async function open(modules: Modules, { say, during }: Screen, { log: onLog, event: onEvent }: Watch) {
  if (process.env['AWS_ENDPOINT_URL'])
    say('AWS_ENDPOINT_URL is set; npm start brings its own AWS and does not use it.');
  const timeScale = setting('LOCAL_TIME_SCALE', 1, 1);
  const ports = {
    awsPort: await port('LOCAL_AWS_PORT', 4566, say),
    bitmartPort: await port('LOCAL_BITMART_PORT', 4567, say),
  };
  await during(
    'packaging the functions',
    () => modules.packageService({ ifStale: true }),
    (built) => (built === undefined ? 'package is up to date' : `packaged ${built.map(({ name }) => name).join(', ')}`),
  );
  return during(
    'starting AWS, BitMart and the functions',
    () => modules.startStack({ ...ports, timeScale, onLog, onEvent }),
    ({ ready }) => `local AWS on ${ready.aws}, local BitMart on ${new URL(ready.bitmart.spot).origin}`,
  );
}
/** Everything from the first line to the last. @returns the exit code */
async function start(options: Options, modules: Modules, stop: AbortSignal): Promise<number> {
  const view = modules.screen(options.json ? process.stderr : process.stdout);
  let show: (what: Step | Alarm) => void = () => undefined;
  const feed = modules.watch((what) => show(what));
  view.say(modules.welcome(modules.scenes(Date.now()).length, view.look()));
  const stack = await open(modules, view, feed);
  let forget = (): Promise<void> => Promise.resolve();
  try {
    if (stop.aborted) return interrupted(stop);
    feed.follow(stack);
    const startOf = starts();
    const perform = demonstration(modules, view, stack, startOf, stop);
    show = perform.see;
    const endings = await perform.run();
    if (isAborted(stop)) return interrupted(stop);
    tellEnds(endings, options, modules, view);
    const isAsExpected = endings.every(({ surprises }) => surprises.length === 0);
    if (options.once) return isAsExpected ? 0 : 1;
    forget = await modules.announce(stack.ready);
    show = follower(options, modules, view, startOf);
    view.say(`\n${modules.howTo(stack.ready, view.look())}`);
    await until(stop);
    view.say('\nStopped.');
    return 0;
  } finally {
    await forget();
    await feed.close();
    await stack.close();
  }
}

/** Intents whose start is remembered; of an older one the time is counted anew. */
const REMEMBERED = 1000;

type StartOf = (step: Step) => number;

/** When each intent was first seen: every time that is shown of it counts from there, whatever came in between. */
function starts(): StartOf {
  const firsts = new Map<string, number>();
  return ({ id, at }) => {
    const first = firsts.get(id) ?? at;
    firsts.set(id, first);
    const [oldest] = firsts.keys();
    if (firsts.size > REMEMBERED && oldest !== undefined) firsts.delete(oldest);
    return first;
  };
}

/** Plays the scenes one after the other, showing the steps of each. */
function demonstration(modules: Modules, view: Screen, stack: Stack, startOf: StartOf, stop: AbortSignal) {
  const scenes = modules.scenes(Date.now());
  let current = '';
  const see = (what: Step | Alarm): void => {
    if (what.kind === 'alarm') {
      view.say(modules.alarmLine(what, view.look()));
      return;
    }
    if (what.kind === 'sent') current = what.id;
    stage.seen(what);
    const whose = what.id === current ? '' : what.id;
    view.say(modules.stepLine(what, startOf(what), view.look(), whose));
  };
  const stage = modules.stage(see);
  const run = async (): Promise<readonly Ending[]> => {
    const deadline = Date.now() + DEMO_LIMIT_MS;
    for (const [index, scene] of scenes.entries()) {
      if (stop.aborted || Date.now() > deadline) break;
      view.say(modules.heading(scene, index, scenes.length, view.look()));
      await stage.play(stack, scene, deadline, stop);
    }
    return stage.judge(stack, scenes);
  };
  return { see, run };
}

function tellEnds(endings: readonly Ending[], { json }: Options, modules: Modules, { say, data, look }: Screen): void {
  if (json) for (const ending of endings) data(modules.outcomeJson(ending));
  say(`\n${json ? '' : `${modules.table(endings, look())}\n`}${modules.summary(endings, look())}`);
}

/** Shows what others send, under a heading wherever another intent has its turn. */
function follower(
  { json }: Options,
  modules: Modules,
  { say, data, look }: Screen,
  startOf: StartOf,
): (what: Step | Alarm) => void {
  let current = '';
  return (what) => {
    if (what.kind === 'alarm') {
      say(modules.alarmLine(what, look()));
      return;
    }
    if (what.id !== current) say(`\n${look().paint.bold(what.id)}`);
    current = what.id;
    if (json && (what.kind === 'report' || what.kind === 'letter')) data(JSON.stringify(what));
    say(modules.stepLine(what, startOf(what), look()));
  };
}

/** @returns the number in an environment variable. @throws if it is none, or outside 0 to `maximum` */
function setting(name: string, fallback: number, maximum: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (value >= 0 && value <= maximum) return value;
  throw new RangeError(`${name}=${text} is no number from 0 to ${maximum}`);
}

/** The port that was asked for; the usual one where nothing was, or any free one where that is taken. */
async function port(name: string, usual: number, say: (text: string) => void): Promise<number> {
  const asked = setting(name, usual, 65_535);
  if (!Number.isInteger(asked)) throw new RangeError(`${name}=${asked} is no port; give a whole number, 0 for any`);
  if (process.env[name] || (await isFree(asked))) return asked;
  say(`Port ${usual} is taken, so a free one is used; ${name} chooses another.`);
  return 0;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** The compiler does not know that a signal can change while one waits. */
function isAborted(stop: AbortSignal): boolean {
  return stop.aborted;
}

async function until(stop: AbortSignal): Promise<void> {
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
}

function interrupted(stop: AbortSignal): number {
  return stop.reason === 'SIGTERM' ? 143 : 130;
}

/** The first signal asks for a clean end; a later one ends at once, and the runner takes its children along. */
function listen(): AbortSignal {
  const stop = new AbortController();
  let firstAt = 0;
  const take = (signal: NodeJS.Signals): void => {
    if (!stop.signal.aborted) {
      firstAt = Date.now();
      stop.abort(signal);
    } else if (Date.now() - firstAt > SAME_SIGNAL_MS) process.exit(130);
  };
  process.on('SIGINT', take).on('SIGTERM', take).on('SIGHUP', take);
  // Whoever read our output has gone (npm start | head): so does everything.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort('SIGTERM'));
  return stop.signal;
}

function readOptions(): Options | 'help' {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return values.help ? 'help' : values;
}

/** What went wrong, as one sentence. */
function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND') return `${error.message.split(' imported from')[0]}: run npm ci first`;
  return error.message;
}

async function main(): Promise<number> {
  const stop = listen();
  let options: Options | 'help';
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`npm start: ${sentence(error)}\nnpm start -- --help says what there is.\n`);
    return 2;
  }
  try {
    const modules = await load();
    if (options !== 'help') return await start(options, modules, stop);
    process.stdout.write(modules.usage);
    return 0;
  } catch (error) {
    if (stop.aborted) return interrupted(stop);
    process.stderr.write(`npm start: ${sentence(error)}\n`);
    return 1;
  }
}

process.exitCode = await main();
