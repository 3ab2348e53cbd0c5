// What every strategy is: a name, documented parameters, what it needs to know, and a pure decision.
// Promises that the same firing makes the same ids, that every intent keeps the contract, and that nothing here knows
// what time it is: only when it was meant to fire. Never reads, sends or remembers anything.
import { createHash } from 'node:crypto';
import type Big from 'big.js';
import * as z from 'zod/mini';
import type { Instrument } from '../order/instrument.ts';
import { parse, type OrderIntent } from '../order/intent.ts';
import type { Balance, Candle, CandleMinutes } from '../order/reads.ts';
import type { Book } from '../order/venue.ts';
import { wholeNumber, type Field, type Fields, type Values } from './parameters.ts';

/** What is to be read before a strategy can decide; all of it is of spot. */
export interface Needs {
  /** Rules and best prices of each of these. */
  readonly symbols: readonly string[];
  /** The last `count` candles that were over at the scheduled time. */
  readonly candles?: { readonly symbol: string; readonly minutes: CandleMinutes; readonly count: number };
  /** The account's coins. */
  readonly balances?: true;
}

/** What was read. What was not needed is empty. */
export interface Findings {
  readonly instruments: Readonly<Record<string, Instrument | 'unknown'>>;
  readonly books: Readonly<Record<string, Book>>;
  /** Oldest first. */
  readonly candles: readonly Candle[];
  readonly balances: readonly Balance[];
}

/** One firing of a schedule. A double firing is the same in everything but perhaps the findings. */
export interface Firing {
  /** The schedule's name: two schedules of one strategy never make the same ids. */
  readonly schedule: string;
  readonly account: string;
  /** When it was meant to fire, ms, in whole seconds. */
  readonly scheduledAt: number;
  readonly findings: Findings;
}

export type Decision =
  /** `notes`: sentences for the log, such as what was left out or lost to rounding. */
  | { readonly kind: 'intents'; readonly intents: readonly OrderIntent[]; readonly notes: readonly string[] }
  /** There is nothing to do now, and that is in order. */
  | { readonly kind: 'nothing'; readonly why: string }
  /** It cannot be done as it was asked for: the firing fails, and somebody has to look. */
  | { readonly kind: 'refused'; readonly why: string };

/** A decision that makes no intent. */
type Unmade = Exclude<Decision, { readonly kind: 'intents' }>;

/** The times of a strategy that knows its own: start, and then every so many seconds. */
export interface Grid {
  /** ms */
  readonly start: number;
  readonly intervalSeconds: number;
  /** ms: nothing from here on. */
  readonly end?: number;
}

/** A strategy with its parameters read: what it needs, and its decision. */
export interface Prepared {
  readonly kind: 'prepared';
  readonly needs: Needs;
  /** The only times at which it does anything; absent where any time will do. */
  readonly grid?: Grid;
  /** Nothing is made that expires later than this after the scheduled time, seconds. */
  readonly lifeSeconds: number;
  readonly decide: (firing: Firing) => Decision;
}
export interface Strategy {
  readonly name: string;
  readonly summary: string;
  readonly fields: Fields;
  /** `wrong`: one sentence per parameter that cannot be used. */
  readonly prepare: (
    parameters: unknown,
  ) => Prepared | { readonly kind: 'wrong'; readonly problems: readonly string[] };
}

/** The fields that every strategy has. */
const common = {
  maxDeviationBps: wholeNumber(
    1,
    10_000,
    'the collar: nothing is sent once the best price is further than this from the one that was decided on, in basis points',
    100,
  ),
  lifeSeconds: wholeNumber(
    10,
    600,
    'nothing is sent later than this after the scheduled time; Lambda tries a failed firing again after about one and three minutes, so that less than 240 leaves out a retry',
    300,
  ),
};

/** What a strategy file holds. `problems`: what is wrong with parameters together that are right one by one. */
interface Parts<F extends Fields> {
  readonly name: string;
  readonly summary: string;
  readonly fields: F;
  readonly problems?: (parameters: Values<F & typeof common>) => readonly string[];
  readonly needs: (parameters: Values<F & typeof common>) => Needs;
  readonly grid?: (parameters: Values<F & typeof common>) => Grid;
  readonly decide: (parameters: Values<F & typeof common>, firing: Firing, write: Write) => Decision;
}

/** What a strategy says of an order; the rest of the intent is the same for all that it makes. */
export type Order = { readonly symbol: string; readonly referencePrice: string } & (
  | { readonly side: 'buy'; readonly type: 'market'; readonly notional: string }
  | { readonly side: 'sell'; readonly type: 'market'; readonly size: string }
  | { readonly side: 'buy' | 'sell'; readonly type: 'limit' | 'ioc'; readonly size: string; readonly price: string }
);
/** Writes an order as an intent. `index` tells the orders of one firing apart, and is the same whenever it fires again. */
export type Write = (index: number, order: Order) => OrderIntent;

export function strategy<F extends Fields>({
  name,
  summary,
  fields,
  problems,
  needs,
  grid,
  decide,
}: Parts<F>): Strategy {
  const all = { ...fields, ...common };
  const shape = Object.fromEntries(Object.entries<Field>(all).map(([key, { schema }]) => [key, schema]));
  const schema = z.strictObject(shape, { error: 'must be one JSON object' });
  return {
    name,
    summary,
    fields: all,
    prepare: (given) => {
      const result = schema.safeParse(given);
      if (!result.success) return { kind: 'wrong', problems: problemsOf(result.error, name) };
      const parameters = result.data as Values<F & typeof common>;
      const found = problems?.(parameters) ?? [];
      if (found.length > 0) return { kind: 'wrong', problems: found };
      const { lifeSeconds } = parameters as Values<typeof common>;
      return {
        kind: 'prepared',
        needs: needs(parameters),
        ...(grid === undefined ? {} : { grid: grid(parameters) }),
        lifeSeconds,
        decide: (firing) => decide(parameters, firing, writer(name, parameters, firing)),
      };
    },
  };
}

function problemsOf(error: z.core.$ZodError, name: string): readonly string[] {
  const said = error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${key} is no parameter of ${name}`);
    const path = issue.path.join('.');
    return [path === '' ? `parameters ${issue.message}` : `${path} ${issue.message}`];
  });
  return [...new Set(said)];
}

function writer(strategyName: string, given: Values<typeof common>, firing: Firing): Write {
  const { account, scheduledAt } = firing;
  const { maxDeviationBps, lifeSeconds } = given;
  return (index, { referencePrice, ...order }) => {
    const intent = {
      id: intentId(firing, strategyName, index),
      ...{ account, action: 'place', market: 'spot', ...order },
      createdAt: utc(scheduledAt),
      expiresAt: utc(scheduledAt + lifeSeconds * 1000),
      collar: { referencePrice, maxDeviationBps },
      strategy: strategyName,
    };
    const read = parse(JSON.stringify(intent));
    if (read.kind === 'intent') return read.intent;
    throw new TypeError(`strategy ${strategyName} made what is no intent: ${read.problems.join('; ')}`);
  };
}

const PREFIX = 10;
const SUFFIX = 7;

/**
 * The id of an intent: the first letters and digits of the schedule, the scheduled time, and a hash of all that tells it
 * from others, which is what makes it unique.
 * @example "dcaMain20261122T19000003kq9zt"
 */
export function intentId(
  { schedule, account, scheduledAt }: Pick<Firing, 'schedule' | 'account' | 'scheduledAt'>,
  strategyName: string,
  index: number,
): string {
  const time = utc(scheduledAt).slice(0, 19).replace(/[-:]/g, '');
  const tuple = JSON.stringify([schedule, strategyName, account, utc(scheduledAt), index]);
  const hash = createHash('sha256').update(tuple).digest().readBigUInt64BE() % 36n ** BigInt(SUFFIX);
  const prefix = schedule.replace(/[^A-Za-z0-9]/g, '').slice(0, PREFIX);
  return `${prefix}${time}${hash.toString(36).padStart(SUFFIX, '0')}`;
}

/** UTC, as intents have it. */
export function utc(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * Which firing of a grid this is, counted from 0. Only its exact times count: with any tolerance two times could be the same
 * firing, with different ids.
 * @returns the decision, where it is none: nothing before start; off the grid refused, or a schedule that never meets it would
 * make nothing for ever
 */
export function gridIndex(startMs: number, intervalSeconds: number, scheduledAt: number): number | Unmade {
  const intervalMs = intervalSeconds * 1000;
  const index = Math.floor((scheduledAt - startMs) / intervalMs);
  if (index < 0) return { kind: 'nothing', why: `${utc(scheduledAt)} lies before start, ${utc(startMs)}` };
  const at = startMs + index * intervalMs;
  if (at === scheduledAt) return index;
  return {
    kind: 'refused',
    why: `${utc(scheduledAt)} is no time of the grid from ${utc(startMs)} every ${intervalSeconds} s; the ones next to it are ${utc(at)} and ${utc(at + intervalMs)}; correct the schedule's expression, or start`,
  };
}

/** The rules of a symbol that can be traded now, or why it cannot. */
export function tradable({ instruments }: Findings, symbol: string): Instrument | string {
  const instrument = instruments[symbol];
  if (instrument === undefined) return `the rules of ${symbol} were not read`;
  if (instrument === 'unknown') return `the exchange does not list ${symbol}; correct the symbol`;
  return instrument.tradable ? instrument : `${symbol} takes no orders now`;
}

/** An amount as text, never rounded. */
export function plain(amount: Big): string {
  return amount.toFixed();
}

/** Base or quote coin of a symbol. */
export function coinsOf(name: string): { readonly base: string; readonly quote: string } {
  const [base = '', quote = ''] = name.split('_');
  return { base, quote };
}
