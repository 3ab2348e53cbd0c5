// Lambda in virtual time: environments that are frozen between invocations, stall, die between any two effects and come
// anew; and the event source mappings that feed them. What runs in them is the production code: one function executes the
// intents, the other follows the orders that came of them.
import type { SQSRecord } from 'aws-lambda';
import type { Input } from '../../local/aws/wire.ts';
import { secretAccounts, type FetchSecret } from '../../shared/aws/accounts.ts';
import { deliveries, sqsQueues, type Delivery } from '../../shared/aws/queues.ts';
import { pacer } from '../../shared/pace.ts';
import { bitmart, bitmartSettings } from '../../shared/bitmart/venue.ts';
import { readPlace } from '../place.ts';
import { readSettings } from '../../shared/config.ts';
import type { Clock } from '../../shared/clock.ts';
import { execute } from '../../shared/execution.ts';
import { follow } from '../../shared/following.ts';
import { newMemory } from '../../shared/proof.ts';
import type { Exchange } from './exchange.ts';
import { VISIBILITY_SECONDS, type Deletion, type SimulatedQueues } from './queues.ts';
import { BAN_MS, SECRET_CACHE_MS, type Stage } from './stage.ts';

const TIMEOUT_MS = 30_000;
const FOLLOWERS = 2;

type Run = (messages: readonly Delivery[], deadline: number) => Promise<readonly string[]>;
type EffectOf = <T>(name: string, run: () => Promise<T>) => Promise<T>;
interface LambdaFunction {
  /** What its environments are called, and the queue that feeds them. */
  readonly calls: 'environment' | 'follower';
  readonly queue: 'intents.fifo' | 'pending';
  readonly pollers: number;
  /** What runs in a new environment. */
  readonly open: (name: string, effect: EffectOf) => { readonly clock: Clock; readonly run: Run };
}
interface Environment {
  readonly name: string;
  readonly clock: Clock;
  readonly run: Run;
  dead: boolean;
  died?: () => void;
  /** Between invocations an environment is frozen: what it waits for goes on at the next one. */
  busy: boolean;
  readonly frozen: (() => void)[];
  /** Effects left until it dies; undefined: it lives through this invocation. */
  diesIn: number | undefined;
}

/** A promise of its own each time: one for all would keep everything that ever waited for it. */
const never = (): Promise<never> => new Promise(() => undefined);

/** Starts three pollers on the intents queue and, where orders are followed, two on theirs. */
export function createLambda(
  stage: Stage,
  queues: SimulatedQueues,
  exchange: Exchange,
  fetchSecret: FetchSecret,
): void {
  const isEgressFixed = stage.draw() < 0.3;
  stage.history.isEgressFixed = isEgressFixed;
  runFunction(stage, queues, {
    ...{ calls: 'environment', queue: 'intents.fifo', pollers: 3 },
    open: (name, effect) => {
      const outside = {
        ...outsideOf(stage, name, effect, queues, exchange, fetchSecret, { handled: 'intents.fifo', lookupShare: 0.5 }),
        memory: newMemory(),
        timing: { parkMs: 60_000, unresolvedAfterMs: 900_000, visibilityMs: VISIBILITY_SECONDS * 1000 },
        isEgressFixed,
      };
      return { clock: outside.clock, run: (messages, deadline) => execute(messages, outside, deadline) };
    },
  });
  if (!stage.plan.isFollowed) return;
  const lookupShare = 0.3 / FOLLOWERS;
  runFunction(stage, queues, {
    ...{ calls: 'follower', queue: 'pending', pollers: FOLLOWERS },
    open: (name, effect) => {
      const beyond = {
        ...outsideOf(stage, name, effect, queues, exchange, fetchSecret, { handled: 'pending', lookupShare }),
        ...{ parked: new Map(), parkMs: 60_000, isEgressFixed },
      };
      return { clock: beyond.clock, run: (messages, deadline) => follow(messages, beyond, deadline) };
    },
  });
}

/** One function: its environments, and the pollers that invoke them. */
function runFunction(stage: Stage, queues: SimulatedQueues, { calls, queue, pollers, open }: LambdaFunction): void {
  const { chance, between, pick, draw, tell, struck, sleep, plan, history } = stage;
  const environments: Environment[] = [];
  const waiting = queue === 'pending' ? stage.following : stage.busy;
  /** Orders that somebody looks at now, or left half looked at. */
  const looked = new Map<string, number>();

  /** Between any two effects an environment may die; what it was doing then never goes on. */
  const effect = async <T>(environment: Environment, name: string, run: () => Promise<T>): Promise<T> => {
    const isDead = (): boolean => {
      if (environment.dead) return true;
      if (environment.diesIn === undefined || environment.diesIn-- > 0) return false;
      environment.dead = true;
      environment.died?.();
      return struck(`killed around ${name}`);
    };
    const thawed = async (what: string): Promise<void> => {
      if (environment.busy || environment.dead) return;
      struck(what);
      await new Promise<void>((resolve) => environment.frozen.push(resolve));
    };
    if (chance(0.004) && struck('stalled')) await sleep(between(100, draw() < 0.5 ? 45_000 : 15_000));
    await thawed('frozen with something under way');
    if (isDead()) return never();
    const result = await run();
    await thawed('answer late into the next invocation');
    return isDead() ? never() : result;
  };
  const start = (): Environment => {
    const name = `${calls} ${environments.length + 1}`;
    const opened = open(name, (at, run) => effect(environment, at, run));
    const environment: Environment = { name, ...opened, dead: false, busy: true, frozen: [], diesIn: undefined };
    environments.push(environment);
    return environment;
  };
  const invoke = async (
    environment: Environment,
    records: readonly SQSRecord[],
  ): Promise<readonly string[] | undefined> => {
    for (const { messageId } of records) {
      const told = history.letters.find(({ sourceMessageId }) => sourceMessageId === messageId);
      if (told !== undefined) history.judgedAgain.add(told.intentId);
    }
    const ids = queue === 'pending' ? records.map(({ body }) => idIn(body)) : [];
    for (const id of ids) {
      if ((looked.get(id) ?? 0) > 0) history.followedTwice.add(id);
      looked.set(id, (looked.get(id) ?? 0) + 1);
    }
    environment.busy = true;
    for (const thaw of environment.frozen.splice(0)) thaw();
    environment.diesIn = chance(0.3) ? between(0, 25) : undefined;
    tell(`${environment.name} takes ${records.map(named).join(' ')}`);
    const invocation = { from: environment.name, at: stage.time.now(), until: Infinity };
    history.invocations.push(invocation);
    const timeout = sleep(TIMEOUT_MS).then(() => undefined);
    const death = new Promise<undefined>((resolve) => (environment.died = () => resolve(undefined)));
    const done = environment.run(deliveries(records), environment.clock.now() + TIMEOUT_MS);
    const result = await Promise.race([done, timeout, death]);
    invocation.until = stage.time.now();
    if (result === undefined && !environment.dead) {
      struck('timed out');
      // Lambda starts the process anew; one that only froze it would be worse.
      if (draw() < 0.5) thawLater(environment, records);
      else environment.dead = true;
    }
    // One that is frozen with something under way may tell of it much later.
    if (result !== undefined || environment.dead) for (const id of ids) looked.set(id, (looked.get(id) ?? 1) - 1);
    environment.busy = false;
    return result;
  };
  /** What it was doing goes on in its next invocation, and may tell of messages that others have by then. */
  const thawLater = ({ name }: Environment, records: readonly SQSRecord[]): void => {
    history.thawed.add(name);
    if (queue === 'intents.fifo') for (const { body } of records) history.judgedAgain.add(idIn(body));
  };
  const free = (): Environment => {
    const idle = environments.filter(({ dead, busy }) => !dead && !busy);
    return idle.length === 0 || draw() < 0.2 ? start() : pick(idle);
  };
  const poll = async (): Promise<void> => {
    await queues.ready;
    for (;;) {
      const records = await receive(queues, queue);
      if (records.length === 0) continue;
      // A batch that is held back may outlive its messages.
      waiting.add(records);
      await handle(records);
      waiting.delete(records);
    }
  };
  const handle = async (records: readonly SQSRecord[]): Promise<void> => {
    const [least, most] = plan.lateInvocation ? [90_000, 200_000] : [1000, 200_000];
    if (chance(plan.lateInvocation ? 0.8 : 0.02) && struck('invoked late')) await sleep(between(least, most));
    const twice = plan.doubleInvocation && chance(0.3) && struck('invoked twice');
    const [left] = await Promise.all([invoke(free(), records), twice ? invoke(start(), records) : undefined]);
    if (left === undefined) return;
    const finished = records.filter(({ messageId }) => !left.includes(messageId));
    if (finished.length === 0 || (chance(0.03) && struck('delete fails'))) return;
    const Entries = finished.map(({ receiptHandle, messageId }, index): Deletion => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      messageId,
    }));
    await queues.call('DeleteMessageBatch', { QueueUrl: queues.urlOf(queue), Entries });
  };
  for (let poller = 0; poller < pollers; poller += 1) void poll();
}

/** The production code's view of the world, with every effect under the scheduler's control. */
function outsideOf(
  stage: Stage,
  name: string,
  effect: EffectOf,
  queues: SimulatedQueues,
  exchange: Exchange,
  fetchSecret: FetchSecret,
  { handled, lookupShare }: { readonly handled: LambdaFunction['queue']; readonly lookupShare: number },
) {
  const { time, plan, draw, between, pick, chance, struck, sleep, history } = stage;
  // Clocks are good to a second, but for a few that are far off, either way.
  const isGood = draw() < (plan.badClocks ? 0.4 : 0.95);
  const skewMs = between(-900, 900) + (isGood ? 0 : pick(plan.badClocks ? [-20_000, 50_000] : [-8000, 8000]));
  const clock = {
    now: () => time.now() + skewMs,
    sleep: (ms: number) => (ms <= 0 ? Promise.resolve() : effect('sleep', () => sleep(Math.ceil(ms)))),
  };
  const settings = readSettings(
    {
      BITMART_SPOT_URL: 'http://spot',
      BITMART_FUTURES_URL: 'http://futures',
      BITMART_BAN_MS: String(BAN_MS),
      BITMART_LOOKUP_MEMORY_MS: String(plan.saysForgetsAfterMs),
    },
    bitmartSettings,
  );
  const batch = (action: string, queue: string) => (input: Input) =>
    effect(`${action} ${queue}`, async () => {
      if (chance(0.05) && struck(`${action} fails`)) throw new Error('InternalError');
      const entries = input['Entries'] as readonly Record<string, unknown>[];
      const isPartial = chance(0.05) && struck(`${action} fails in part`);
      const works = isPartial ? entries.slice(1) : entries;
      const of = { ...input, Entries: works };
      const send = action === 'SendMessageBatch' ? () => queues.sendBatch(queue, of) : () => queues.call(action, of);
      const answer = works.length === 0 ? {} : await send();
      if (chance(0.05) && struck(`answer of ${action} lost`)) throw new Error('TimeoutError');
      const Failed = isPartial ? [{ Id: String(entries[0]?.['Id']), Code: 'InternalError' }] : [];
      return { Successful: answer['Successful'] as { Id: string }[] | undefined, Failed };
    });
  const venue = bitmart({
    settings,
    clock,
    lookupShare,
    random: draw,
    pacer: pacer(0.94, clock),
    transport: (request) => {
      const turnAt = time.now();
      const deadline = request.deadline - skewMs;
      return effect('http', () => exchange.carry({ ...request, deadline }, name, skewMs, turnAt));
    },
  });
  return {
    clock,
    log: (_: unknown, message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (message === 'group failed' || message === 'following failed') history.bugs.push(String(fields['error']));
      if (message !== 'outcome') return;
      const disposition = String(fields['disposition']);
      history.dispositions[disposition] = (history.dispositions[disposition] ?? 0) + 1;
    },
    queues: sqsQueues(
      {
        handledUrl: queues.urlOf(handled),
        deadUrl: queues.urlOf('dead.fifo'),
        pendingUrl: queues.urlOf('pending'),
        reportsUrl: queues.urlOf('reports'),
      },
      () => undefined,
      () =>
        Promise.resolve({
          send: (input) =>
            batch('SendMessageBatch', String(input.QueueUrl).split('/').at(-1) ?? '')(input as unknown as Input),
          changeVisibility: (input) => batch('ChangeMessageVisibilityBatch', handled)(input as unknown as Input),
        }),
    ),
    accounts: secretAccounts(
      { prefix: 'accounts/', lifetimeMs: SECRET_CACHE_MS, now: () => clock.now(), readPlace },
      (secret) =>
        effect('GetSecretValue', () => {
          if (chance(0.05) && struck('GetSecretValue fails')) return Promise.reject(new Error('InternalServiceError'));
          return fetchSecret(secret);
        }),
    ),
    venueOf: () => venue,
    venues: [venue],
  };
}

async function receive(queues: SimulatedQueues, queue: LambdaFunction['queue']): Promise<readonly SQSRecord[]> {
  const { Messages = [] } = (await queues.call('ReceiveMessage', {
    QueueUrl: queues.urlOf(queue),
    MaxNumberOfMessages: 10,
    WaitTimeSeconds: 20,
    AttributeNames: ['All'],
  })) as {
    Messages?: { MessageId: string; ReceiptHandle: string; Body: string; Attributes: SQSRecord['attributes'] }[];
  };
  return Messages.map(
    ({ MessageId, ReceiptHandle, Body, Attributes }) =>
      ({ messageId: MessageId, receiptHandle: ReceiptHandle, body: Body, attributes: Attributes }) as SQSRecord,
  );
}

function named({ attributes, body }: SQSRecord): string {
  return `${idIn(body)}#${attributes.ApproximateReceiveCount}`;
}

function idIn(body: string): string {
  return /"id":"(\w+)"/.exec(body)?.[1] ?? '(no id)';
}
