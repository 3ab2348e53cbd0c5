// A day of strategies in virtual time: the scheduler's own events, fired once, twice, late or never, in environments of the
// trigger that fail and are tried again by Lambda's rules; and the world of the simulation that executes what they send.
// What runs in it is the production code, from the event to the order.
import type { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { asynchronously } from '../../local/lambda/asynchronous.ts';
import { eventOf, timesOf, type ScheduleTemplate } from '../../local/scheduler.ts';
import type { Input } from '../../local/aws/wire.ts';
import { secretAccounts, type FetchSecret } from '../../shared/aws/accounts.ts';
import { sendIntents } from '../../shared/aws/intents.ts';
import { pacer } from '../../shared/pace.ts';
import { bitmartReads } from '../../shared/bitmart/reads.ts';
import { bitmart, bitmartSettings } from '../../shared/bitmart/venue.ts';
import { readPlace } from '../place.ts';
import { readSettings } from '../../shared/config.ts';
import { fire, type Around } from '../../shared/firing.ts';
import { createExchange, type Exchange } from './exchange.ts';
import { createLambda } from './lambda.ts';
import { createOperator } from './operator.ts';
import { planOf, type Plan } from './plan.ts';
import { createQueues, type SimulatedQueues } from './queues.ts';
import { createStage, SECRET_CACHE_MS, START, type Intent, type Stage } from './stage.ts';
import { virtualTime } from './time.ts';
import type { World } from './world.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const TIMEOUT_MS = 30_000;

/** One time of one schedule, and what became of it. */
export interface Occasion {
  readonly schedule: string;
  readonly at: number;
  /** How often the scheduler delivered it. */
  readonly deliveries: number;
  /** What its attempts came to: sent, nothing, or the error's message. */
  readonly outcomes: string[];
  /** Records that Lambda left of it. */
  dead: number;
}

export interface Day {
  readonly plan: Plan;
  readonly world: World;
  readonly occasions: readonly Occasion[];
  /** Every intent that was sent, each time it was. */
  readonly sent: readonly Intent[];
}

const BTC = 'BTC_USDT';
/** Schedules as the template has them: text with the scheduler's keywords. */
function schedule(
  name: string,
  expression: string,
  strategy: string,
  account: string,
  parameters: object,
): ScheduleTemplate {
  const keywords = { scheduledAt: '<aws.scheduler.scheduled-time>', executionId: '<aws.scheduler.execution-id>' };
  const input = JSON.stringify({ schedule: name, strategy, account, parameters, ...keywords });
  return { name, expression, isEnabled: true, input, target: 'trigger' };
}

const start = new Date(START).toISOString();
export const PARAMETERS = {
  dcaMain: { symbol: BTC, notional: '25', budget: '900', start, intervalSeconds: 3600, dipPerPercent: '1', dipMaxMultiple: '2', dipMinutes: 60, dipCandles: 6 }, // prettier-ignore
  twapOther: { symbol: BTC, side: 'sell', size: '0.9600057', start, end: new Date(START + DAY_MS).toISOString(), slices: 96, maxDeviationBps: 2000, offsetBps: 2000 / 2 }, // prettier-ignore
  weights: { start: new Date(START + HOUR_MS / 2).toISOString(), intervalSeconds: 14_400, targets: { BTC: '50', ETH: '10' }, maxOrderNotional: '5000', maxFiringNotional: '8000', maxDeviationBps: 2000 }, // prettier-ignore
} as const;
const SCHEDULES = [
  schedule('dcaMain', 'cron(0 * * * ? *)', 'dca', 'main', PARAMETERS.dcaMain),
  schedule('twapOther', 'cron(0/15 * * * ? *)', 'twap', 'other', PARAMETERS.twapOther),
  schedule('weights', 'cron(30 0/4 * * ? *)', 'rebalance', 'main', PARAMETERS.weights),
];

/** @param trouble 0: nothing goes wrong, and nothing fires twice, late or never */
export async function runDay(seed: number, trouble: number): Promise<Day> {
  const narrow = { isWide: false, isBatching: false, isFollowed: true, answer: undefined, sendsAllAgain: false };
  const plan: Plan = { ...planOf(seed), trouble, ...narrow };
  const time = virtualTime(START - HOUR_MS / 2);
  try {
    const stage = createStage(plan, time);
    const { history } = stage;
    const queues = createQueues(stage);
    const exchange = createExchange(stage, ({ id }) => {
      const own = history.intents.filter((each) => each.id === id);
      return Math.max(...own.map(({ expiresAt }) => Date.parse(expiresAt)));
    });
    const secrets = createOperator(stage, exchange);
    createLambda(stage, queues, exchange, secrets);
    const sent: Intent[] = [];
    const occasions = SCHEDULES.flatMap((each) => deliver(each, stage, (name) => around(name, stage, queues, exchange, secrets, sent))); // prettier-ignore
    for (let at = START; at < START + DAY_MS; at += HOUR_MS / 3) {
      void stage.sleep(at - time.now()).then(() => exchange.move((stage.draw() - 0.5) * 0.05));
    }
    await time.run(START + DAY_MS + HOUR_MS);
    const [orders, settings, windows] = [exchange.orders(), exchange.settings(), exchange.windows()];
    exchange.cancel('all');
    await time.run(time.now() + DAY_MS, () => stage.following.size === 0);
    const world = { ...history, orders, settings, windows, ended: exchange.orders(), unended: stage.following.size };
    return { plan, world, occasions, sent };
  } finally {
    time.restore();
  }
}

/** Delivers a schedule's events over the day, as the scheduler does at its best and at its worst. */
function deliver(of: ScheduleTemplate, stage: Stage, open: (name: string) => Around): readonly Occasion[] {
  const { time, chance, between, sleep, struck, tell } = stage;
  const times = timesOf(of.expression, time.now());
  const occasions: Occasion[] = [];
  for (let at = times(START - 1); at !== undefined && at < START + DAY_MS; at = times(at)) {
    const due = at;
    // The scheduler gives up after 60 s; a copy of the event may come from anywhere, at any time.
    const isFired = !(chance(0.1) && struck('never fired'));
    const delays = isFired ? [chance(0.15) && struck('fired late') ? between(1000, 60_000) : 0] : [];
    if (isFired && chance(0.3) && struck('fired twice')) delays.push(between(0, 600_000));
    const occasion: Occasion = { schedule: of.name, at: due, deliveries: delays.length, outcomes: [], dead: 0 };
    occasions.push(occasion);
    const lambda = asynchronously({
      ...{ maximumRetryAttempts: 2, maximumEventAgeSeconds: 300, timeScale: 1, functionArn: 'arn:trigger' },
      run: async (event) => {
        const environment = open(`trigger ${of.name}`);
        // Now and then it dies on its way.
        if (chance(0.05) && struck('trigger killed'))
          return { error: { errorType: 'Sandbox', errorMessage: 'killed' } };
        const outcome = await fire(event, environment, environment.clock.now() + TIMEOUT_MS).then(
          ({ kind, ...more }) => ({ kind, why: 'why' in more ? more.why : '' }),
          (error: unknown) => ({ kind: 'failed', why: error instanceof Error ? error.message : String(error) }),
        );
        occasion.outcomes.push(`${outcome.kind} ${outcome.why}`.trim());
        tell(`${of.name} of ${new Date(due).toISOString()}: ${outcome.kind} ${outcome.why}`);
        return outcome.kind === 'failed'
          ? { error: { errorType: 'Error', errorMessage: outcome.why } }
          : { payload: outcome };
      },
      onFailure: () => {
        occasion.dead += 1;
        return Promise.resolve();
      },
    });
    for (const delayMs of delays) void sleep(due + delayMs - time.now()).then(() => lambda.invoke(JSON.parse(eventOf(of, due)))); // prettier-ignore
  }
  return occasions;
}

/** What a new environment of the trigger works with. */
function around(
  name: string,
  stage: Stage,
  queues: SimulatedQueues,
  exchange: Exchange,
  fetchSecret: FetchSecret,
  sent: Intent[],
): Around {
  const { time, between, sleep, chance, struck, draw } = stage;
  const skewMs = between(-900, 900);
  const clock = { now: () => time.now() + skewMs, sleep };
  const settings = readSettings({ BITMART_SPOT_URL: 'http://spot', BITMART_FUTURES_URL: 'http://futures' }, bitmartSettings); // prettier-ignore
  const outside = {
    ...{ settings, clock, lookupShare: 0.05, random: draw, pacer: pacer(0.94, clock) },
    transport: (request: Parameters<Exchange['carry']>[0]) =>
      exchange.carry({ ...request, deadline: request.deadline - skewMs }, name, skewMs, time.now()),
  };
  const client = {
    send: async ({ input }: SendMessageBatchCommand) => {
      if (chance(0.1) && struck('sending intents fails')) throw new Error('InternalError');
      note(input as unknown as Input, stage, sent);
      const answer = await queues.call('SendMessageBatch', input as unknown as Input);
      if (chance(0.1) && struck('answer of sending intents lost')) throw new Error('TimeoutError');
      return answer as Awaited<ReturnType<Parameters<typeof sendIntents>[0]['send']>>;
    },
  };
  const desk = { venue: bitmart(outside), reads: bitmartReads(outside) };
  return {
    clock,
    log: () => undefined,
    accounts: secretAccounts({ prefix: 'accounts/', lifetimeMs: SECRET_CACHE_MS, now: () => clock.now(), readPlace }, fetchSecret), // prettier-ignore
    deskOf: () => desk,
    onlyDesk: desk,
    send: (intents) => sendIntents(client, queues.urlOf('intents.fifo'), intents),
    lateAfterMs: 420_000,
  };
}

/** What goes to the queue, for the judge: an id that comes again asks for what it asked for, or for something else. */
function note(input: Input, { history }: Stage, sent: Intent[]): void {
  for (const { MessageBody } of input['Entries'] as readonly { readonly MessageBody: string }[]) {
    const intent = JSON.parse(MessageBody) as Intent;
    sent.push(intent);
    const first = history.intents.find(({ id }) => id === intent.id);
    if (first === undefined) history.intents.push(intent);
    else if (JSON.stringify(first) === MessageBody) history.sentAgain.add(intent.id);
    else history.sentOtherwise.add(intent.id);
  }
}
