// One firing of a strategy, from top to bottom: event → reads → decision → intents on the queue. The only place where a
// strategy has effects; the trigger function and the operator's command run the same lines.
// A firing that cannot do what it is for throws, so that Lambda tries it again and then leaves a dead letter. It never
// places: what it sends is an intent like any other producer's.
import * as z from 'zod/mini';
import type { Accounts } from './aws/accounts.ts';
import type { Sending } from './aws/intents.ts';
import { budget, type Clock } from './clock.ts';
import type { Fields, Log } from './log.ts';
import type { OrderIntent } from './order/intent.ts';
import type { Reads } from './order/reads.ts';
import type { TradingAccount, Venue } from './order/venue.ts';
import { strategies, strategyNamed } from './strategies/all.ts';
import { timeOf } from './strategies/parameters.ts';
import { utc, type Findings, type Needs, type Prepared } from './strategies/strategy.ts';

/** What a venue is asked. */
export interface Desk {
  readonly venue: Pick<Venue, 'instrument' | 'book' | 'hold'>;
  readonly reads: Pick<Reads, 'balances' | 'candles'>;
}

/** What a firing works with. */
export interface Around {
  readonly clock: Clock;
  readonly log: Log;
  readonly accounts: Pick<Accounts, 'read'>;
  /** Where the account is. */
  readonly deskOf: (account: Pick<TradingAccount, 'venue' | 'environment'>) => Desk;
  /** The only place where an account may be; absent where there are several. */
  readonly onlyDesk?: Desk | undefined;
  /** Puts intents on the queue, and says of each whether it is there. Never rejects. */
  readonly send: (intents: readonly OrderIntent[]) => Promise<readonly Sending[]>;
  /** A firing that is later than this makes nothing, ms: later than any retry of Lambda. `never`: nothing will be sent. */
  readonly lateAfterMs: number | 'never';
}

/** What a firing would send, or why there is nothing to send. */
export type Plan =
  | { readonly kind: 'intents'; readonly intents: readonly OrderIntent[]; readonly notes: readonly string[] }
  | { readonly kind: 'nothing'; readonly why: string };
export type Fired = Plan | { readonly kind: 'sent'; readonly intents: readonly OrderIntent[] };

/** A schedule's clock and ours may differ by this; what is further ahead was not meant for now. */
const AHEAD_MS = 5000;

/**
 * Fires: plans, and sends what was planned.
 * @param event what the schedule's Input holds, with the scheduled time in it
 * @param deadline when the invocation is stopped, ms
 * @throws Error whose message says what is wrong and what to do; the same event may be fired again, with the same ids
 */
export async function fire(event: unknown, around: Around, deadline: number): Promise<Fired> {
  const asked: TradingAccount[] = [];
  try {
    const planned = await plan(event, around, deadline, (account) => asked.push(account));
    if (planned.kind === 'nothing') return planned;
    await send(planned.intents, around);
    return { kind: 'sent', intents: planned.intents };
  } finally {
    // The next environment may ask the venue for the same account at once.
    for (const account of asked) await around.deskOf(account).venue.hold(account);
  }
}

/**
 * Everything up to the sending, which it leaves out.
 * @param asking is told the account that the venue is asked about
 * @throws as `fire`
 */
export async function plan(
  event: unknown,
  around: Around,
  deadline: number,
  asking: (account: TradingAccount) => void = () => undefined,
): Promise<Plan> {
  const { clock, log } = around;
  const checked = check(event);
  const { schedule, strategy, account, scheduledAt, prepared } = checked;
  const about = { schedule, strategy, account, scheduledAt: utc(scheduledAt) };
  const outOfTime = late(checked, clock.now(), around.lateAfterMs);
  if (outOfTime !== undefined) return nothing(outOfTime, about, log);
  // Before the time is over: what is decided has to be sent.
  const readBy = budget(deadline, clock.now()).takeUntil;
  const findings = await find(prepared.needs, checked, { ...around, asking }, readBy);
  const decision = prepared.decide({ schedule, account, scheduledAt, findings });
  switch (decision.kind) {
    case 'refused':
      throw new Error(`${schedule}: ${decision.why}`);
    case 'nothing':
      return nothing(decision.why, about, log);
    case 'intents':
      for (const note of decision.notes) log('info', 'strategy notes', { ...about, note });
      log('info', 'strategy decided', { ...about, intents: decision.intents.map(({ id }) => id).join(' ') });
      return decision;
  }
}

/** Sends what was planned. @throws Error naming what SQS did not take */
export async function send(intents: readonly OrderIntent[], { send: put }: Pick<Around, 'send'>): Promise<void> {
  const failed = (await put(intents)).flatMap((each) => (each.kind === 'sent' ? [] : [each]));
  if (failed.length === 0) return;
  const named = failed.map(({ id, code, detail }) => `${id} (${code}: ${detail})`).join(', ');
  throw new Error(
    `${failed.length} of ${intents.length} intents were not taken by the queue: ${named}; fire again, what is there already is not doubled`,
  );
}

function nothing(why: string, about: Fields, log: Log): Plan {
  log('info', 'strategy made nothing', { ...about, why });
  return { kind: 'nothing', why };
}

const text = (pattern: RegExp, rule: string) =>
  z.string({ error: `must be ${rule}` }).check(z.regex(pattern, { error: `must be ${rule}` }));
const TIME = 'the scheduled time, such as "2026-11-22T19:00:00Z": <aws.scheduler.scheduled-time> in the Input';
const eventSchema = z.strictObject(
  {
    schedule: text(/^[0-9A-Za-z_.-]{1,64}$/, "the schedule's name"),
    strategy: z.string({ error: `must be one of ${strategies.map(({ name }) => name).join(', ')}` }),
    account: text(/^[a-z0-9]{1,32}$/, '1 to 32 lower-case letters and digits'),
    parameters: z.unknown(),
    scheduledAt: z
      .string({ error: `must be ${TIME}` })
      .check(z.refine((given) => timeOf(given) !== undefined, { error: `must be ${TIME}` })),
    /** Which attempt of the scheduler this is, for the log of whoever looks for it. */
    executionId: z.optional(z.string()),
  },
  { error: 'must be { schedule, strategy, account, parameters, scheduledAt }' },
);

interface Checked {
  readonly schedule: string;
  readonly strategy: string;
  readonly account: string;
  readonly scheduledAt: number;
  readonly prepared: Prepared;
}

/** Reads an event. @throws Error naming every wrong field or parameter at once */
export function check(event: unknown): Checked {
  const result = eventSchema.safeParse(event);
  if (!result.success) {
    const problems = result.error.issues.map((issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')} is no field of it`
        : `${issue.path.join('.')} ${issue.message}`.trim(),
    );
    throw new Error(`the event cannot be used: ${problems.join('; ')}; correct the schedule's Input`);
  }
  const { schedule, strategy: name, account, parameters, scheduledAt } = result.data;
  const strategy = strategyNamed(name);
  if (strategy === undefined) {
    const known = strategies.map((each) => each.name).join(', ');
    throw new Error(`${schedule}: there is no strategy ${name}; there are ${known}`);
  }
  const prepared = strategy.prepare(parameters);
  if (prepared.kind === 'wrong') {
    throw new Error(`${schedule}: the parameters of ${name} cannot be used: ${prepared.problems.join('; ')}`);
  }
  return { schedule, strategy: name, account, scheduledAt: timeOf(scheduledAt) ?? Number.NaN, prepared };
}

/**
 * Why it is too late to make anything.
 * @throws Error where it is too early; or so late that the intents would have expired, and yet not later than a retry of
 * Lambda may be: then an earlier attempt may have failed, and somebody has to know
 */
function late({ schedule, scheduledAt, prepared }: Checked, now: number, lateAfterMs: Around['lateAfterMs']) {
  const seconds = Math.round(Math.abs(now - scheduledAt) / 1000);
  if (scheduledAt - now > AHEAD_MS) {
    throw new Error(`${schedule}: the scheduled time ${utc(scheduledAt)} lies ${seconds} s ahead; fire it then`);
  }
  if (lateAfterMs === 'never') return undefined;
  if (now - scheduledAt > lateAfterMs) {
    return `it was due at ${utc(scheduledAt)}, ${seconds} s ago, and nothing is made later than ${lateAfterMs / 1000} s`;
  }
  if (now >= scheduledAt + prepared.lifeSeconds * 1000) {
    throw new Error(
      `${schedule}: it was due at ${utc(scheduledAt)}, ${seconds} s ago, and its intents lived for ${prepared.lifeSeconds} s; nothing was made. Look at earlier attempts in the log; a larger lifeSeconds leaves room for retries`,
    );
  }
  return undefined;
}

type Asked = Around & { readonly asking: (account: TradingAccount) => void };

/** Reads all that is needed, side by side; the venue paces. @throws Error where one of it cannot be had */
async function find(needs: Needs, checked: Checked, around: Asked, deadline: number): Promise<Findings> {
  // What is public need not wait for the account where only one venue can be meant.
  const desk = around.onlyDesk ?? around.deskOf(await accountOf(checked.account, around));
  const { venue } = desk;
  const each = async <T>(read: (symbol: string) => Promise<T>): Promise<Readonly<Record<string, T>>> =>
    Object.fromEntries(await Promise.all(needs.symbols.map(async (symbol) => [symbol, await read(symbol)] as const)));
  const instruments = each(async (symbol) =>
    had(await venue.instrument('spot', symbol, deadline), `the rules of ${symbol}`),
  );
  const books = each(async (symbol) =>
    (await instruments)[symbol] === 'unknown'
      ? {}
      : had(await venue.book('spot', symbol, deadline), `the best prices of ${symbol}`),
  );
  const candles = candlesOf(needs, checked, desk, deadline);
  const balances = balancesOf(needs, checked, { ...around, ...desk }, deadline);
  // All are waited for before one that failed is told: nothing goes on behind a firing that has ended.
  await Promise.allSettled([instruments, books, candles, balances]);
  return { instruments: await instruments, books: await books, candles: await candles, balances: await balances };
}

function had<T>(answer: T | undefined, what: string): T {
  if (answer === undefined) throw new Error(`${what} cannot be had now; the firing may be tried again`);
  return answer;
}

async function candlesOf({ candles }: Needs, { scheduledAt }: Checked, { reads }: Desk, deadline: number) {
  if (candles === undefined) return [];
  const { symbol, minutes, count } = candles;
  const reading = await reads.candles('spot', symbol, minutes, count, scheduledAt, deadline);
  if (reading.kind === 'read') return reading.candles;
  throw new Error(`the candles of ${symbol} cannot be had: ${reading.detail}`);
}

async function balancesOf({ balances }: Needs, { account: name }: Checked, around: Asked & Desk, deadline: number) {
  if (balances === undefined) return [];
  const account = await accountOf(name, around);
  around.asking(account);
  const reading = await around.reads.balances(account, 'spot', deadline);
  if (reading.kind === 'read') return reading.balances;
  throw new Error(`the balances of account ${name} cannot be had: ${reading.detail}`);
}

async function accountOf(name: string, { accounts }: Around): Promise<TradingAccount> {
  const reading = await accounts.read(name);
  if (reading.kind === 'account') return reading.account;
  throw new Error(`account ${name} cannot be had: ${reading.detail}`);
}
