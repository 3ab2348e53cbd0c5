// What is measured: each case gives samples by subject. Contenders take turns within a case, each with an account of its own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { Ran } from './child.ts';
import { eventOf, intentOf } from './event.ts';
import type { Passed } from './front.ts';
import { acceptedIn, type Environment, type World } from './world.ts';

/** Samples of one subject, in the case's unit. */
export type Samples = Readonly<Record<string, readonly number[]>>;
export interface Measured {
  readonly name: string;
  /** What is measured, in words, with its unit. */
  readonly title: string;
  readonly unit: string;
  readonly samples: Samples;
  /** What a reader should know of it, such as what could not be measured cleanly. */
  readonly notes: readonly string[];
}
export interface Effort {
  readonly rounds: number;
  /** How long one run at the limit takes, ms. */
  readonly limitMs: number;
  readonly progress: (step: string) => void;
}
export type Case = (world: World, effort: Effort) => Promise<readonly Measured[]>;

const now = (): number => performance.timeOrigin + performance.now();
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const keyOf = (account: string): string => `local-key-${account}`;

/** Adds samples under names as they come. */
function collector() {
  const samples: Record<string, number[]> = {};
  return { samples, add: (name: string, value: number) => (samples[name] ??= []).push(value) };
}

/** Those of an account that were answered since. */
function passedSince({ front }: World, account: string, since: number): readonly Passed[] {
  return front.passed.filter(({ key, answeredAt }) => key === keyOf(account) && answeredAt >= since);
}

/** When the last of so many orders was acknowledged. @throws where one of them was not: then nothing was measured */
function lastAccepted(world: World, account: string, since: number, count: number): number {
  const accepted = passedSince(world, account, since).filter((each) => acceptedIn(each) > 0);
  const sum = accepted.reduce((all, each) => all + acceptedIn(each), 0);
  const last = accepted.at(-1);
  if (last === undefined || sum !== count) throw new Error(`${sum} of ${count} orders of ${account} were accepted`);
  return last.answeredAt;
}

/** A process that has run one event. */
async function warm(world: World, contender: string, account: string, options = {}): Promise<Environment> {
  const environment = world.start(contender, account, { first: eventOf(account, 2), ...options });
  await environment.first;
  return environment;
}

const SINGLES = [
  ['ours', 'ours'],
  ['by hand', 'baseline'],
  ['bitmart-api', 'bitmart-api'],
  ["the exchange's SDK", 'sdk'],
  ['ccxt', 'ccxt'],
] as const;

/** From the start of loading to the first order acknowledged, and where the time goes. */
export const cold: Case = async (world, { rounds, progress }) => {
  const [first, load, sent] = [collector(), collector(), collector()];
  world.front.distance = { latencyMs: 10, jitterMs: 0 };
  const subjects = [
    ...SINGLES,
    ['ours, the account named', 'ours'] as const,
    ['bitmart-api, packaged as ours', 'bitmart-api-packed'] as const,
  ];
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, contender] of subjects) {
      progress(`cold ${round + 1}/${rounds}: ${name}`);
      const since = now();
      const environment = world.start(contender, 'main', {
        first: eventOf('main', 1),
        // As serverless.yml has it, and with the one setting that a person may add.
        variables: { WARM_MARKETS: 'spot', ...(name === 'ours, the account named' ? { WARM_ACCOUNTS: 'main' } : {}) },
      });
      const { startedAt, endedAt } = await environment.loaded;
      await environment.first;
      const order = passedSince(world, 'main', since).find((each) => acceptedIn(each) > 0);
      if (order === undefined) throw new Error(`${name}: its first order was not accepted`);
      first.add(name, order.answeredAt - startedAt);
      load.add(name, endedAt - startedAt);
      sent.add(name, order.arrivedAt - startedAt);
      await environment.stop();
    }
  }
  const common = { unit: 'ms', notes: [] };
  return [
    {
      ...{
        ...common,
        name: 'cold',
        title: 'cold start: loading begins → first order acknowledged, the venue 10 ms away',
      },
      samples: first.samples,
      notes: [
        'the start of the process itself, the same for all, is left out; Secrets Manager is on the same machine',
        'distance is added to requests and answers: the handshakes of TCP and TLS cost no round trips here',
      ],
    },
    { ...common, name: 'cold-load', title: 'of that, loading the code', samples: load.samples },
    { ...common, name: 'cold-sent', title: 'of that, until the order is at the venue', samples: sent.samples },
  ];
};

/** Signing, and reading an event, in microseconds. */
export const micro: Case = async (_, { progress }) => {
  progress('signing and parsing');
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL('micro.ts', import.meta.url))]);
  const all = Object.entries(JSON.parse(stdout) as Record<string, number[]>);
  const of = (prefix: string): Samples =>
    Object.fromEntries(
      all.flatMap(([name, values]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), values.map((ns) => ns / 1000)]] : [],
      ),
    );
  return [
    { name: 'sign', title: 'build and sign one order', unit: 'µs', samples: of('sign: '), notes: [] },
    {
      ...{ name: 'parse', title: 'parse, validate and group an event of ten', unit: 'µs', samples: of('parse: ') },
      notes: [
        'the check by hand looks at each field once; ours also refuses repeated and unknown fields and impossible dates',
      ],
    },
  ];
};

/** CPU time per order of a warm process, over https. */
export const cpu: Case = async (world, { rounds, progress }) => {
  const perOrder = collector();
  world.front.distance = { latencyMs: 0, jitterMs: 0 };
  const subjects = [...SINGLES, ['ours, without the queues', 'path'] as const];
  const running = await Promise.all(
    subjects.map(async ([name, contender], index) => {
      const account = `main${index + 2}`;
      const variables = { BENCH_PAUSE_MS: '53' };
      return { name, account, environment: await warm(world, contender, account, { variables }) };
    }),
  );
  progress('CPU per order: all warm up for a while');
  // Side by side: the compiler sees each order some hundred times before one is measured.
  const until = now() + (rounds > 2 ? 30_000 : 1000);
  const warmUp = async ({ account, environment }: (typeof running)[number]): Promise<void> => {
    while (now() < until) await environment.run(eventOf(account, 10));
  };
  await Promise.all(running.map(warmUp));
  for (let round = -1; round < rounds; round += 1) {
    for (const { name, account, environment } of running) {
      progress(`CPU per order ${Math.max(0, round + 1)}/${rounds}: ${name}`);
      const since = now();
      let cpuMs = 0;
      for (let event = 0; event < 2; event += 1) cpuMs += (await environment.run(eventOf(account, 10))).cpuMs;
      lastAccepted(world, account, since, 20);
      if (round >= 0) perOrder.add(name, cpuMs / 20);
      await sleep(100);
    }
  }
  await Promise.all(running.map(({ environment }) => environment.stop()));
  return [
    {
      ...{
        name: 'cpu',
        title: 'CPU per order, warm, over https, in events of ten',
        unit: 'ms',
        samples: perOrder.samples,
      },
      notes: [
        'the others pause for 53 ms after each answer, and ours keeps them 53 ms apart: after a pause the same work takes more CPU than in a tight loop',
        'ours also reports each order and hands it on to be followed: without the queues is what the others do as well',
      ],
    },
  ];
};

/** An event of ten orders at 30 ms, to the last acknowledgement. */
export const event: Case = async (world, { rounds, progress }) => {
  const took = collector();
  world.front.distance = { latencyMs: 30, jitterMs: 0 };
  const subjects = [
    ['ours, batching', 'ours', true],
    ['ours', 'ours', false],
    ['by hand, one batch request', 'baseline', true],
    ['by hand', 'baseline', false],
    ['bitmart-api', 'bitmart-api', false],
    ["the exchange's SDK", 'sdk', false],
    ['ccxt createOrders', 'ccxt', true],
    ['ccxt createOrder', 'ccxt', false],
  ] as const;
  const running = await Promise.all(
    subjects.map(async ([name, contender, batches], index) => {
      const account = `main${index + 2}`;
      if (name === 'ours, batching') await world.allowBatches(account);
      return { name, account, environment: await warm(world, contender, account, { batches }) };
    }),
  );
  for (let round = -1; round < rounds; round += 1) {
    for (const { name, account, environment } of running) {
      progress(`event of ten ${Math.max(0, round + 1)}/${rounds}: ${name}`);
      const { startedAt } = await environment.run(eventOf(account, 10));
      const tookMs = lastAccepted(world, account, startedAt, 10) - startedAt;
      if (round >= 0) took.add(name, tookMs);
    }
    await sleep(1500);
  }
  await Promise.all(running.map(({ environment }) => environment.stop()));
  return [
    {
      ...{ name: 'event', title: 'an event of ten orders at 30 ms → the last acknowledgement', unit: 'ms' },
      samples: took.samples,
      notes: [
        'ours keeps single orders 53 ms apart, so that the limit holds; ccxt paces itself too, the others do not',
      ],
    },
  ];
};

/** One after the other, as the message group of an account hands its events out. @returns orders accepted in that time */
async function atLimit(world: World, account: string, running: readonly Environment[], ms: number): Promise<number> {
  await running[0]?.run(eventOf(account, 10));
  await sleep(2500);
  const startedAt = now();
  for (let index = 0; now() < startedAt + ms; index += 1) {
    await running[index % running.length]?.run(eventOf(account, 10));
  }
  const passed = passedSince(world, account, startedAt).filter(({ answeredAt }) => answeredAt <= startedAt + ms);
  return passed.reduce((sum, each) => sum + acceptedIn(each), 0);
}

/** Refused ones of all that came of an account since, answered late or while it warmed up too. */
const refusedSince = (world: World, account: string, since: number): number =>
  passedSince(world, account, since).filter(({ status }) => status === 429).length;

/** What is accepted at the limit, and what is refused. */
export const limit: Case = async (world, { limitMs, progress }) => {
  const [rate, refused] = [collector(), collector()];
  const [near, farther, wild] = [
    { latencyMs: 2, jitterMs: 20 },
    { latencyMs: 30, jitterMs: 20 },
    { latencyMs: 2, jitterMs: 300 },
  ];
  const subjects = [
    ['ours', 'ours', 1, false, near],
    ['ours, 30 to 50 ms away', 'ours', 1, false, farther],
    ['ours, 0 to 300 ms of jitter', 'ours', 1, false, wild],
    ['ours, two environments', 'ours', 2, false, near],
    ['ours, four environments', 'ours', 4, false, near],
    ['ours, batching', 'ours', 1, true, near],
    ['bitmart-api', 'bitmart-api', 1, false, near],
    ["the exchange's SDK", 'sdk', 1, false, near],
    ['ccxt createOrder', 'ccxt', 1, false, near],
    ['ccxt createOrder, two environments', 'ccxt', 2, false, near],
    ['ccxt createOrder, four environments', 'ccxt', 4, false, near],
    ['ccxt createOrders', 'ccxt', 1, true, near],
  ] as const;
  for (const [index, [name, contender, count, batches, distance]] of subjects.entries()) {
    progress(`at the limit: ${name}`);
    const account = `main${index + 2}`;
    world.front.distance = distance;
    if (contender === 'ours') await world.allowBatches(account, batches);
    const since = now();
    const running: Environment[] = [];
    for (let each = 0; each < count; each += 1) running.push(await warm(world, contender, account, { batches }));
    rate.add(name, ((await atLimit(world, account, running, limitMs)) * 1000) / limitMs);
    refused.add(name, refusedSince(world, account, since));
    // The others stay idle: whatever share of the limit they were given is lost.
    if (contender === 'ours' && count > 1) {
      const idle = await atLimit(world, account, running.slice(0, 1), limitMs);
      rate.add(`${name}, all but one idle`, (idle * 1000) / limitMs);
      refused.add(`${name}, all but one idle`, refusedSince(world, account, since));
    }
    await Promise.all(running.map((environment) => environment.stop()));
  }
  const notes = [
    `one run of ${limitMs / 1000} s each, events of ten without the queue; 2 to 22 ms away where nothing is said`,
    'after 20 refusals the local exchange bans for a minute, by a rule of its own: the unpaced ones get some 40 orders in, whatever the length of the run',
    'each request of ours waits for the answer to the one before: where round trips take longer than 53 ms, they decide',
  ];
  return [
    {
      name: 'limit',
      title: 'orders accepted at the limit of 20 requests a second',
      unit: '/s',
      samples: rate.samples,
      notes,
    },
    {
      name: 'refused',
      title: 'of that, requests that the limit refused (429)',
      unit: '',
      samples: refused.samples,
      notes,
    },
  ];
};

/** Puts intents on the queue, and tells when each of them was accepted. */
function producer(world: World) {
  const send = async (intents: readonly Readonly<Record<string, string>>[]): Promise<void> => {
    for (let at = 0; at < intents.length; at += 10) {
      const Entries = intents.slice(at, at + 10).map((intent, index) => ({
        ...{ Id: String(index), MessageBody: JSON.stringify(intent), MessageGroupId: intent['account'] },
        MessageDeduplicationId: intent['id'],
      }));
      await world.stack.sqs.send(new SendMessageBatchCommand({ QueueUrl: world.stack.ready.queues.intents, Entries }));
    }
  };
  const arrivals = async (ids: readonly string[], since: number): Promise<ReadonlyMap<string, Passed>> => {
    const found = new Map<string, Passed>();
    const wanted = new Set(ids);
    const until = Date.now() + 60_000;
    while (found.size < ids.length && Date.now() < until) {
      await sleep(50);
      for (const passed of world.front.passed.filter((each) => each.arrivedAt >= since && acceptedIn(each) > 0)) {
        for (const [id] of passed.asked.matchAll(/b[0-9a-f]{24}/g)) if (wanted.has(id)) found.set(id, passed);
      }
    }
    if (found.size < ids.length) throw new Error(`${ids.length - found.size} orders did not arrive within a minute`);
    return found;
  };
  return { send, arrivals };
}

/** How long an intent of each account takes from the queue to the venue, ms. */
async function waitsOf(
  world: World,
  accounts: number,
  { rounds, progress }: Pick<Effort, 'rounds' | 'progress'>,
  add: (name: string, value: number) => void,
): Promise<void> {
  const { send, arrivals } = producer(world);
  const names = Array.from({ length: accounts }, (_, index) => `main${index + 21}`);
  const perAccount = accounts === 1 ? rounds * 10 : Math.max(4, rounds);
  for (let round = 0; round < perAccount; round += 1) {
    progress(`queue to order, ${accounts} accounts, ${round + 1}/${perAccount}`);
    const batch = names.map((name) => intentOf(name, round));
    const sentAt = now();
    await send(batch);
    const found = await arrivals(
      batch.map((intent) => String(intent['id'])),
      sentAt,
    );
    // The first of each account finds nothing warm.
    if (round > 0) for (const { arrivedAt } of found.values()) add(`${accounts} accounts`, arrivedAt - sentAt);
  }
}

/** Through the queue and the runner: the rate of a batching account, and how long an intent takes to the venue. */
export const queue: Case = async (world, { progress, rounds }) => {
  const [rate, waits, refused] = [collector(), collector(), collector()];
  const { send, arrivals } = producer(world);
  world.front.distance = { latencyMs: 10, jitterMs: 20 };
  progress('through the queue: a batching account');
  await world.allowBatches('main20');
  await send([intentOf('main20')]);
  await sleep(2000);
  const intents = Array.from({ length: 400 }, (_, index) => intentOf('main20', index));
  const since = now();
  await send(intents);
  const came = [
    ...(
      await arrivals(
        intents.map((intent) => String(intent['id'])),
        since,
      )
    ).values(),
  ];
  const last = Math.max(...came.map(({ answeredAt }) => answeredAt));
  rate.add('ours, batching, through queue and runner', (came.length * 1000) / (last - since));
  refused.add('ours, batching, through queue and runner', refusedSince(world, 'main20', since));
  for (const accounts of [1, 50]) await waitsOf(world, accounts, { rounds, progress }, waits.add);
  return [
    {
      ...{
        name: 'runner',
        title: '400 orders put on the queue at once → all accepted',
        unit: '/s',
        samples: rate.samples,
      },
      notes: ['from the first call to SQS; the two processors run the producer, too'],
    },
    {
      name: 'runner-refused',
      title: 'of that, requests that the limit refused (429)',
      unit: '',
      samples: refused.samples,
      notes: [],
    },
    {
      ...{ name: 'latency', title: 'from the queue to the venue, an intent of each account at a time', unit: 'ms' },
      samples: waits.samples,
      notes: [
        'two processors run queue, runner, functions and venue at once: with 50 accounts they wait for each other',
      ],
    },
  ];
};

/** Memory of a warm process. */
export const memory: Case = async (world, { rounds, progress }) => {
  const resident = collector();
  world.front.distance = { latencyMs: 0, jitterMs: 0 };
  const subjects = [...SINGLES, ['the bare runtime with the AWS client', 'bare'] as const];
  for (let round = 0; round < Math.min(5, rounds); round += 1) {
    for (const [index, [name, contender]] of subjects.entries()) {
      progress(`memory ${round + 1}: ${name}`);
      const account = `main${index + 2}`;
      const environment = await warm(world, contender, account);
      let last: Ran | undefined;
      const since = now();
      for (let run = 0; run < 3; run += 1) last = await environment.run(eventOf(account, 10));
      if (contender !== 'bare') lastAccepted(world, account, since, 30);
      resident.add(name, (last?.rssKib ?? 0) / 1024);
      await environment.stop();
    }
  }
  return [
    { name: 'memory', title: 'resident memory of a warm process', unit: 'MiB', samples: resident.samples, notes: [] },
  ];
};
