// A whole world in one process and in virtual time: the SQS engine of the local AWS, the local BitMart behind a network
// that loses and delays, Lambda environments that die between any two effects, and producers that are careless.
// What runs in it is the production code: execution, proof, venue, pace, signing, accounts, queues. A seed decides all.
import { seeded } from '../../local/bitmart/faults.ts';
import { register } from '../../local/bitmart/keys.ts';
import { serve } from '../../local/bitmart/reply.ts';
import { spotMarket } from '../../local/bitmart/spot.ts';
import { createVenue } from '../../local/bitmart/venue.ts';
import { sqsActions } from '../../local/aws/sqs.ts';
import type { Input, Output } from '../../local/aws/wire.ts';
import { secretAccounts } from '../../shared/aws/accounts.ts';
import { deliveries, sqsQueues } from '../../shared/aws/queues.ts';
import { pacer } from '../../shared/bitmart/pace.ts';
import { bitmart, bitmartSettings, readCredentials } from '../../shared/bitmart/venue.ts';
import { readSettings } from '../../shared/config.ts';
import { execute } from '../../shared/execution.ts';
import type { HttpFailure, HttpRequest, HttpResponse } from '../../shared/http.ts';
import type { ExecutionReport } from '../../shared/order/report.ts';
import { newMemory, type Outside } from '../../shared/proof.ts';
import type { SQSRecord } from 'aws-lambda';
import { virtualTime, type VirtualTime } from './time.ts';

export interface Plan {
  readonly seed: number;
  /** Part of all effects that go wrong, 0 to 1. */
  readonly trouble: number;
  readonly refusesRepeatedIds: 'never' | 'whileOpen' | 'always';
  readonly showsOrdersWithinMs: number;
  readonly refusesTimestamps: boolean;
  /** One delivery may be handed to two environments at once. */
  readonly doubleInvocation: boolean;
  /** Many environments have a clock that is far off, and many requests arrive when it matters. */
  readonly badClocks: boolean;
}

export interface Letter {
  readonly intentId: string;
  readonly reason: string;
  readonly certainty: string;
  readonly sourceMessageId: string;
  readonly at: number;
}
export interface Sent {
  readonly id: string;
  readonly account: string;
  /** By the clock of the environment. */
  readonly at: number;
  readonly trueAt: number;
  readonly expiresAt: number;
  readonly path: string;
}
/** What happened, for the judges. */
export interface World {
  readonly intents: readonly Intent[];
  readonly reports: readonly ExecutionReport[];
  readonly letters: readonly Letter[];
  readonly sent: readonly Sent[];
  /** Ids that a careless producer sent a second time, much later: each of the two messages has a verdict of its own. */
  readonly sentAgain: ReadonlySet<string>;
  /** Messages that carry the id of an earlier intent and ask for another size. */
  readonly reused: readonly { readonly id: string; readonly account: string; readonly messageId: string }[];
  /** Ids whose end was told before a crash kept the message from being deleted: they are judged once more. */
  readonly judgedAgain: ReadonlySet<string>;
  readonly orders: readonly {
    readonly clientOrderId: string;
    readonly account: string;
    readonly orderId: string;
    readonly state: string;
    readonly size: string;
  }[];
  readonly maxInWindow: number;
  readonly leftOnQueue: number;
  readonly story: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
}
export type Intent = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly account: string;
  readonly action: string;
  readonly createdAt: string;
  readonly expiresAt: string;
};

const START = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;
const LIFE_MS = 120 * MINUTE;
const VISIBILITY_SECONDS = 180;
const TIMEOUT_MS = 30_000;
const ACCOUNTS = ['main', 'other'];

/** Runs one world to its end. */
export async function runWorld(plan: Plan): Promise<World> {
  const time = virtualTime(START);
  try {
    const world = createWorld(plan, time);
    await time.run(START + LIFE_MS);
    return world.end();
  } finally {
    time.restore();
  }
}

interface Environment {
  readonly name: string;
  readonly outside: Outside;
  dead: boolean;
  died?: () => void;
  busy: boolean;
  /** Effects left until it dies; undefined: it lives through this invocation. */
  diesIn: number | undefined;
}

function createWorld(plan: Plan, time: VirtualTime) {
  const draw = seeded(plan.seed);
  const chance = (part: number): boolean => draw() < part * plan.trouble;
  const between = (least: number, most: number): number => Math.round(least + draw() * (most - least));
  const pick = <T>(items: readonly T[]): T => items[Math.floor(draw() * items.length)] as T;
  const story: string[] = [];
  const faults: Record<string, number> = {};
  const tell = (text: string): void =>
    void story.push(`${((time.now() - START) / 1000).toFixed(3).padStart(9)} s  ${text}`);
  const struck = (fault: string): boolean => {
    faults[fault] = (faults[fault] ?? 0) + 1;
    tell(`  fault: ${fault}`);
    return true;
  };
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  // The exchange.
  const venue = createVenue(1, () => time.now());
  const markets = [spotMarket(venue)];
  const { refusesRepeatedIds, refusesTimestamps, showsOrdersWithinMs } = plan;
  Object.assign(venue.settings, {
    promises: { ...venue.settings.promises, refusesRepeatedIds, refusesTimestamps, showsOrdersWithinMs },
  });
  venue.settings.clockOffsetMs = between(-900, 900);
  const keyOf = (account: string, version: number) => ({
    apiKey: `key-${account}-${version}`,
    secretKey: `secret-${account}-${version}`,
    memo: 'memo #é',
  });
  const secrets = new Map<string, string>();
  const store = (account: string, version: number): void =>
    void secrets.set(
      `accounts/${account}`,
      JSON.stringify({ ...keyOf(account, version), mandate: { state: 'active' } }),
    );
  for (const account of ACCOUNTS) {
    register(venue, { account, ...keyOf(account, 1) });
    store(account, 1);
  }

  // The queues.
  const sqs = sqsActions({
    region: 'r',
    url: () => 'http://sqs',
    now: () => time.now(),
    deduplicationMs: 300_000,
    inFlightLimit: 120_000,
    queues: new Map(),
  });
  const call = async (action: string, input: Input): Promise<Output> => {
    const act = sqs[action];
    if (act === undefined) throw new Error(`no action ${action}`);
    return act(input, { accessKeyId: 'sim', traceHeader: undefined, onDisconnect: () => undefined });
  };
  const urlOf = (name: string): string => `http://sqs/000000000000/${name}`;
  const ready = (async () => {
    const fifo = { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' };
    await call('CreateQueue', { QueueName: 'dead.fifo', Attributes: fifo });
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:r:000000000000:dead.fifo',
      maxReceiveCount: 50,
    });
    await call('CreateQueue', {
      QueueName: 'intents.fifo',
      Attributes: { ...fifo, VisibilityTimeout: String(VISIBILITY_SECONDS), RedrivePolicy },
    });
    for (const QueueName of ['pending', 'reports']) await call('CreateQueue', { QueueName });
  })();
  const reports: ExecutionReport[] = [];
  const letters: Letter[] = [];
  const taken = (queue: string, entries: readonly Record<string, unknown>[]): void => {
    for (const entry of entries) {
      if (queue === 'reports') {
        const report = JSON.parse(String(entry['MessageBody'])) as ExecutionReport;
        reports.push(report);
        tell(`report ${report.id} ${report.status} ${report.reason ?? ''}`);
      } else if (queue === 'dead.fifo') {
        const attributes = entry['MessageAttributes'] as Record<string, { StringValue: string } | undefined>;
        const read = (name: string): string => attributes[name]?.StringValue ?? '';
        letters.push({
          intentId: read('intentId'),
          reason: read('reason'),
          certainty: read('certainty'),
          sourceMessageId: read('sourceMessageId'),
          at: time.now(),
        });
        tell(`letter ${read('intentId')} ${read('reason')} ${read('certainty')}: ${read('detail')}`);
      }
    }
  };

  // Effects: between any two of them an environment may die; what it was doing then never goes on.
  const never = new Promise<never>(() => undefined);
  const effect = async <T>(environment: Environment, name: string, run: () => Promise<T>): Promise<T> => {
    const step = (): boolean => {
      if (environment.dead) return true;
      if (environment.diesIn === undefined || environment.diesIn-- > 0) return false;
      environment.dead = true;
      environment.died?.();
      return struck(`killed around ${name}`);
    };
    if (step()) return never;
    const result = await run();
    return step() ? never : result;
  };

  // The network.
  const sent: Sent[] = [];
  const sentAgain = new Set<string>();
  const reused: World['reused'][number][] = [];
  const expiries = new Map<string, number>();
  const isIdLocked = plan.refusesRepeatedIds === 'always';
  const judgedAgain = new Set<string>();
  const intents: Intent[] = [];
  const arrive = async (request: HttpRequest): Promise<HttpResponse | undefined> => {
    const url = new URL(request.url);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const incoming = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: Buffer.from(request.body ?? ''),
      ip: '127.0.0.1',
    };
    const { reply, usage } = await serve(venue, markets, incoming, new AbortController().signal);
    if (!('send' in reply)) return undefined;
    venue.windows.finished(incoming.path, reply.send.status, reply.send.code);
    tell(
      `  venue: ${url.pathname} ${request.body?.slice(0, 110) ?? ''} -> ${reply.send.status} ${reply.send.code ?? ''}`,
    );
    const usageHeaders = {
      'x-bm-ratelimit-remaining': String(usage.used),
      'x-bm-ratelimit-limit': String(usage.limit.requests),
    };
    return { kind: 'response', status: reply.send.status, headers: usageHeaders, body: reply.send.body };
  };
  const carry = async (request: HttpRequest, skewMs: number): Promise<HttpResponse | HttpFailure> => {
    const path = new URL(request.url).pathname;
    const isWrite = path.endsWith('submit_order') || path.endsWith('cancel_order');
    if (path.endsWith('submit_order')) {
      const body = JSON.parse(request.body ?? '{}') as { client_order_id: string; size?: string };
      const of = intents.find((each) => each.id === body.client_order_id);
      sent.push({
        id: body.client_order_id,
        at: time.now() + skewMs,
        trueAt: time.now(),
        account: of?.account ?? '',
        expiresAt: expiries.get(`${body.client_order_id} ${body.size ?? ''}`) ?? Date.parse(of?.expiresAt ?? ''),
        path,
      });
    }
    const failed = (reached: boolean, detail: string): HttpFailure => ({ kind: 'failure', reached, detail });
    const lost = async (detail: string): Promise<HttpFailure> => {
      await sleep(draw() < 0.5 ? 30 : request.deadline - Date.now());
      return failed(true, detail);
    };
    if (chance(0.1) && struck('no connection')) return failed(false, 'ECONNREFUSED');
    if (chance(0.1) && struck('request lost')) return lost('reset');
    const status = (code: number, body = ''): HttpResponse => ({ kind: 'response', status: code, headers: {}, body });
    if (chance(0.08) && struck('status 500')) return status(500);
    if (chance(0.05) && struck('status 429')) return status(429, '{"code":30013,"message":"too many"}');
    if (chance(0.02) && struck('status 418')) return status(418, '{"code":30017,"message":"banned"}');
    if (chance(0.03) && struck('html page')) return status(403, '<html></html>');
    if (chance(0.03) && struck('503 without execution')) return status(503, '{"code":30014,"message":"unavailable"}');
    const isLate = isWrite && chance(plan.badClocks ? 0.4 : 0.1) && struck('request arrives late');
    const deadline = sleep(request.deadline - Date.now()).then(() => failed(true, 'no answer in time'));
    const answered = sleep(
      isLate ? between(plan.badClocks ? 60_000 : 1000, plan.badClocks ? 112_000 : 75_000) : between(1, 40),
    ).then(async () => {
      const response = await arrive(request);
      if (response === undefined || (chance(0.15) && struck('answer lost'))) return lost('reset');
      if (chance(0.05) && struck('executed, then 502')) return status(502);
      await sleep(between(1, 40));
      return response;
    });
    return Promise.race([answered, deadline]);
  };

  // Lambda.
  const environments: Environment[] = [];
  const settings = readSettings(
    { BITMART_SPOT_URL: 'http://spot', BITMART_FUTURES_URL: 'http://futures', BITMART_BAN_MS: '60000' },
    bitmartSettings,
  );
  const start = (): Environment => {
    // Clocks are good to a second, but for a few that are off by twenty, either way.
    const skewMs =
      between(-900, 900) +
      (draw() < (plan.badClocks ? 0.4 : 0.95) ? 0 : pick(plan.badClocks ? [-20_000, 50_000] : [-8000, 8000]));
    const clock = {
      now: () => time.now() + skewMs,
      sleep: (ms: number) => (ms <= 0 ? Promise.resolve() : effect(environment, 'sleep', () => sleep(Math.ceil(ms)))),
    };
    const batch = (action: string, queue: string) => (input: Input) =>
      effect(environment, `${action} ${queue}`, async () => {
        if (chance(0.05) && struck(`${action} fails`)) throw new Error('InternalError');
        const entries = input['Entries'] as readonly Record<string, unknown>[];
        const isPartial = chance(0.05) && struck(`${action} fails in part`);
        const works = isPartial ? entries.slice(1) : entries;
        const answer = works.length === 0 ? {} : await call(action, { ...input, Entries: works });
        if (action === 'SendMessageBatch') taken(queue, works);
        if (chance(0.05) && struck(`answer of ${action} lost`)) throw new Error('TimeoutError');
        const failedOnes = isPartial ? [{ Id: String(entries[0]?.['Id']), Code: 'InternalError' }] : [];
        return { Successful: answer['Successful'] as { Id: string }[] | undefined, Failed: failedOnes };
      });
    const queues = sqsQueues(
      {
        intentsUrl: urlOf('intents.fifo'),
        deadUrl: urlOf('dead.fifo'),
        pendingUrl: urlOf('pending'),
        reportsUrl: urlOf('reports'),
      },
      () => undefined,
      () =>
        Promise.resolve({
          send: (input) =>
            batch('SendMessageBatch', String(input.QueueUrl).split('/').at(-1) ?? '')(input as unknown as Input),
          changeVisibility: (input) => batch('ChangeMessageVisibilityBatch', 'intents.fifo')(input as unknown as Input),
        }),
    );
    const accounts = secretAccounts(
      { prefix: 'accounts/', lifetimeMs: 30_000, now: () => clock.now(), readCredentials },
      (name) =>
        effect(environment, 'GetSecretValue', () => {
          if (chance(0.05) && struck('GetSecretValue fails')) return Promise.reject(new Error('InternalServiceError'));
          return Promise.resolve({ SecretString: secrets.get(name), VersionId: '1' });
        }),
    );
    const environment: Environment = {
      name: `environment ${environments.length + 1}`,
      dead: false,
      busy: false,
      diesIn: undefined,
      outside: {
        accounts,
        queues,
        clock,
        log: () => undefined,
        memory: newMemory(),
        timing: { parkMs: 60_000, unresolvedAfterMs: 900_000 },
        venue: bitmart({
          settings,
          clock,
          lookupShare: 0.5,
          pacer: pacer(settings.utilisation, clock),
          transport: (request) =>
            effect(environment, 'http', () => carry({ ...request, deadline: request.deadline - skewMs }, skewMs)),
        }),
      },
    };
    environments.push(environment);
    return environment;
  };
  const invoke = async (
    environment: Environment,
    records: readonly SQSRecord[],
  ): Promise<readonly string[] | undefined> => {
    for (const { messageId } of records) {
      const told = letters.find(({ sourceMessageId }) => sourceMessageId === messageId);
      if (told !== undefined) judgedAgain.add(told.intentId);
    }
    environment.busy = true;
    environment.diesIn = chance(0.3) ? between(0, 25) : undefined;
    tell(
      `${environment.name} takes ${records.map(({ attributes, body }) => `${(JSON.parse(body) as { id: string }).id}#${attributes.ApproximateReceiveCount}`).join(' ')}`,
    );
    const timeout = sleep(TIMEOUT_MS).then(() => undefined);
    const death = new Promise<undefined>((resolve) => (environment.died = () => resolve(undefined)));
    const done = execute(deliveries(records), environment.outside, environment.outside.clock.now() + TIMEOUT_MS);
    const result = await Promise.race([done, timeout, death]);
    if (result === undefined && !environment.dead) struck('timed out');
    if (result === undefined) environment.dead = true;
    environment.busy = false;
    return result;
  };
  const free = (): Environment => {
    const idle = environments.filter(({ dead, busy }) => !dead && !busy);
    return idle.length === 0 || draw() < 0.2 ? start() : pick(idle);
  };
  const poll = async (): Promise<void> => {
    await ready;
    for (;;) {
      const names = ['All'];
      const { Messages = [] } = (await call('ReceiveMessage', {
        QueueUrl: urlOf('intents.fifo'),
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 20,
        AttributeNames: names,
      })) as {
        Messages?: { MessageId: string; ReceiptHandle: string; Body: string; Attributes: SQSRecord['attributes'] }[];
      };
      if (Messages.length === 0) continue;
      const records = Messages.map(
        ({ MessageId, ReceiptHandle, Body, Attributes }) =>
          ({ messageId: MessageId, receiptHandle: ReceiptHandle, body: Body, attributes: Attributes }) as SQSRecord,
      );
      const twice = plan.doubleInvocation && chance(0.3) && struck('invoked twice');
      const [left] = await Promise.all([invoke(free(), records), twice ? invoke(start(), records) : undefined]);
      if (left === undefined) continue;
      const finished = records.filter(({ messageId }) => !left.includes(messageId));
      if (finished.length === 0 || (chance(0.03) && struck('delete fails'))) continue;
      const Entries = finished.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
      await call('DeleteMessageBatch', { QueueUrl: urlOf('intents.fifo'), Entries });
    }
  };
  for (let poller = 0; poller < 3; poller += 1) void poll();

  // Producers.
  const put = (intent: Intent, deduplicationId: string = intent.id): Promise<Output> =>
    call('SendMessage', {
      QueueUrl: urlOf('intents.fifo'),
      MessageBody: JSON.stringify(intent),
      MessageGroupId: intent.account,
      MessageDeduplicationId: deduplicationId,
    });
  const produce = async (): Promise<void> => {
    await ready;
    const isBurst = plan.trouble < 1 && draw() < 0.1;
    const count = isBurst ? between(30, 60) : between(3, 14);
    for (let index = 0; index < count; index += 1) {
      await sleep(isBurst || draw() < 0.6 ? 1 : between(1, 90_000));
      const intent = newIntent(index);
      intents.push(intent);
      tell(
        `producer sends ${intent.id} ${intent.action} ${String(intent['type'] ?? intent['target'])} until ${intent.expiresAt.slice(11, 23)}`,
      );
      await put(intent);
      if (chance(0.1) && struck('sent again with another deduplication id')) await put(intent, `${intent.id}x`);
      if (chance(0.1) && struck('sent again after SQS has forgotten it')) {
        sentAgain.add(intent.id);
        void sleep(between(301_000, 900_000)).then(() => put(intent));
      } else if (isIdLocked && 'size' in intent && chance(0.1) && struck('id reused for another order')) {
        // With a new createdAt nothing but the venue's own refusal stands against it.
        sentAgain.add(intent.id);
        void sleep(between(301_000, 900_000)).then(async () => {
          const now = time.now();
          const times = { createdAt: new Date(now).toISOString(), expiresAt: new Date(now + 60_000).toISOString() };
          expiries.set(`${intent.id} 0.00987`, now + 60_000);
          const { MessageId } = await put({ ...intent, ...times, size: '0.00987' });
          reused.push({ id: intent.id, account: intent.account, messageId: String(MessageId) });
        });
      }
    }
  };
  const newIntent = (index: number): Intent => {
    const now = time.now() + between(-2000, 2000);
    const account = draw() < 0.7 ? 'main' : 'other';
    const common = {
      id: `s${plan.seed}i${index}`,
      account,
      market: 'spot',
      symbol: 'BTC_USDT',
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + between(5000, 590_000)).toISOString(),
    };
    const earlier = intents.filter((each) => each.account === account && each.action === 'place');
    if (earlier.length > 0 && draw() < 0.15) return { ...common, action: 'cancel', target: pick(earlier).id };
    const place = {
      ...common,
      action: 'place',
      ...(earlier.length > 0 && draw() < 0.2 ? { replayOf: pick(earlier.slice(-2)).id } : {}),
    };
    const kind = draw();
    if (kind < 0.15) return { ...place, type: 'market', side: 'buy', notional: String(between(1, 50)) };
    if (kind < 0.25) return { ...place, type: 'market', side: 'sell', size: '0.001' };
    const type = pick(['limit', 'limit', 'limit-maker', 'ioc']);
    return { ...place, type, side: 'buy', size: '0.00123', price: String(between(50_000, 61_000)) };
  };
  void produce();
  if (draw() < 0.2 * plan.trouble) {
    void sleep(between(1000, 300_000)).then(async () => {
      struck('key rotated');
      register(venue, { account: 'main', ...keyOf('main', 2) });
      await sleep(between(0, 60_000));
      store('main', 2);
    });
  }

  return {
    end: (): World => ({
      intents,
      reports,
      letters,
      sent,
      sentAgain,
      reused,
      judgedAgain,
      orders: venue.exchange.orders().map(({ clientOrderId, account, orderId, state, size }) => ({
        clientOrderId,
        account,
        orderId,
        state,
        size: size.toFixed(),
      })),
      maxInWindow: Math.max(
        0,
        ...ACCOUNTS.map(() => venue.windows.report()['/spot/v2/submit_order']?.maxInWindow ?? 0),
      ),
      leftOnQueue: 0,
      story,
      faults,
    }),
  };
}

/** The plan that a seed stands for: every tenth world is quiet, and one promise of the venue at most is broken. */
export function planOf(seed: number): Plan {
  const draw = seeded(seed * 7919);
  const kind = draw();
  const trouble = draw() < 0.1 ? 0 : draw() < 0.5 ? 0.2 : draw() < 0.8 ? 0.4 : 1;
  const sound = {
    seed,
    trouble,
    refusesRepeatedIds: 'always',
    showsOrdersWithinMs: 0,
    refusesTimestamps: true,
    doubleInvocation: false,
    badClocks: false,
  } as const;
  if (kind < 0.1) return { ...sound, refusesRepeatedIds: 'never', badClocks: true, trouble: 0.4 };
  if (kind < 0.2) return sound;
  if (kind < 0.5) return { ...sound, refusesRepeatedIds: 'never', showsOrdersWithinMs: draw() < 0.5 ? 0 : 3000 };
  if (kind < 0.6) return { ...sound, showsOrdersWithinMs: 60_000 };
  if (kind < 0.65) return { ...sound, refusesTimestamps: false };
  if (kind < 0.75) return { ...sound, doubleInvocation: true };
  return { ...sound, refusesRepeatedIds: 'whileOpen' };
}
