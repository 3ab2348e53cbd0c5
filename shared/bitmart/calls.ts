// The ways to ask BitMart: public data, an account's reads by key or signature, and its writes, each lane paced on its own.
// One request per call, signed after its wait, and never repeated. Writes of an account in shadow mode are never sent.
import * as z from 'zod/mini';
import type { Clock } from '../clock.ts';
import type { Transport } from '../http.ts';
import { unmeasured, type Measure } from '../metrics.ts';
import type { Verdict } from '../order/report.ts';
import type { Book, NewOrder, Times, TradingAccount, Venue } from '../order/venue.ts';
import { verdictOf } from './answers.ts';
import { notSent, startBy, type Refusal, type Reply } from '../asking.ts';
import { meaningOf, remedy } from './codes.ts';
import { endpoints, type Endpoint } from './endpoints.ts';
import type { Limit, Pacer } from '../pace.ts';
import { send, type Credentials, type Request } from './wire.ts';

export interface Outside {
  readonly settings: { readonly spotUrl: string; readonly futuresUrl: string; readonly banMs: number };
  readonly transport: Transport;
  readonly pacer: Pacer;
  readonly clock: Clock;
  /** This function's part of the look-up limits: 0.5 for execute. */
  readonly lookupShare: number;
  /** Is told what the answers say of limits, bans, refused keys and the clock, and of each look-up. */
  readonly measure?: Measure;
  /** From 0 to 1: spreads the reloading of tables. */
  readonly random?: () => number;
}

/** Fields as they are spelled on the wire; a GET carries texts alone. */
export type Fields = Readonly<Record<string, string | number | readonly Fields[]>>;

export interface Calls {
  /** Public data, without key. */
  readonly ask: (endpoint: Endpoint, query: Readonly<Record<string, string>>, deadline: number) => Promise<Reply>;
  /** A look-up: by key alone where it is a GET, signed where it is a POST. */
  readonly read: (account: TradingAccount, endpoint: Endpoint, fields: Fields, times: Times) => Promise<Reply>;
  /** A write. `reading`: what the answer proved; undefined where the table of codes decides. */
  readonly write: (
    account: TradingAccount,
    endpoint: Endpoint,
    fields: Fields,
    times: Times & { readonly expiresAt: number },
    reading: (answer: Reply) => Verdict | undefined,
  ) => Promise<Verdict>;
  /** What a failed request proved, with what is to be known of the clock. */
  readonly explain: (answer: Reply, deadline: number) => Promise<Refusal>;
  /** The venue's time, ms; undefined where it cannot be had. */
  readonly time: (deadline: number) => Promise<number | undefined>;
}

/** Public limits are counted by address, and one lane a host belongs to no account: below the smallest of them, 12 in 2 s. */
const PUBLIC: Limit = { requests: 10, windowMs: 2000 };

const timeSchema = z.object({ server_time: z.number() });

export function calls({ settings, transport, pacer, clock, lookupShare, measure = unmeasured }: Outside): Calls {
  const call = ({ host }: Endpoint, request: Request, via = transport): Promise<Reply> =>
    send(via, host === 'spot' ? settings.spotUrl : settings.futuresUrl, request, () => clock.now());

  const ask: Calls['ask'] = async (endpoint, query, deadline) => {
    const { name, path } = endpoint;
    const answer = await pacer.run('', name, PUBLIC, 1, { until: startBy(clock, deadline) }, () =>
      call(endpoint, { method: 'GET', path, query, deadline }),
    );
    if (answer !== undefined) note(answer, endpoint, undefined, measure);
    return answer ?? notSent(path, clock.now());
  };

  const askFor = async (
    account: TradingAccount,
    endpoint: Endpoint,
    fields: Fields,
    { answerBy: deadline, holdBy, expiresAt, sent }: Times & { readonly expiresAt: number },
  ): Promise<Reply> => {
    complete(endpoint, fields);
    const { name, kind, method, path, limit } = endpoint;
    const isLookup = kind === 'look-up';
    // Look-ups are counted by key: what other keys of the same user do takes nothing from them.
    const share = isLookup ? lookupShare : (account.mandate.limitShare ?? 1);
    const credentials = account.credentials as Credentials;
    const until = Math.min(expiresAt, startBy(clock, deadline));
    const isShadow = account.mandate.shadow === true && !isLookup;
    const answer = await pacer.run(account.name, name, limit, share, { until, holdBy }, () => {
      const via = isShadow ? shadow : transport;
      const parameters = method === 'GET' ? { query: fields as Readonly<Record<string, string>> } : { body: fields };
      return call(endpoint, { method, path, ...parameters, credentials, deadline, sendBefore: expiresAt }, via);
    });
    if (answer === undefined) return notSent(path, clock.now());
    if (!isShadow) note(answer, endpoint, account.name, measure, sent);
    return answer;
  };

  const time: Calls['time'] = async (deadline) => {
    const answer = await ask(endpoints.time, {}, deadline);
    const data = timeSchema.safeParse(answer.kind === 'answer' ? answer.data : undefined);
    if (!data.success) return undefined;
    const { server_time: theirs } = data.data;
    const { sentAt, tookMs = 0 } = answer.journey ?? { sentAt: answer.signedAt };
    measure('ClockOffsetMs', sentAt + tookMs / 2 - theirs);
    return theirs;
  };
  const explain: Calls['explain'] = async (answer, deadline) =>
    verdictOf(answer, settings.banMs, await clockNote(answer, time, deadline));
  return {
    ask,
    read: (account, endpoint, fields, times) => askFor(account, endpoint, fields, { ...times, expiresAt: Infinity }),
    write: async (account, endpoint, fields, times, reading) => {
      const answer = await askFor(account, endpoint, fields, times);
      if (answer.code === SHADOW) return { kind: 'done', detail: answer.message };
      return reading(answer) ?? explain(answer, times.answerBy);
    },
    explain,
    time,
  };
}

/** What each market has; `submit` takes its own orders alone. */
export interface MarketDesk<Order extends NewOrder> extends Pick<Venue, 'instruct' | 'find' | 'fee'> {
  submit(account: TradingAccount, order: Order, times: Times): Promise<Verdict>;
  book(symbol: string, deadline: number): Promise<Book | undefined>;
}

/** An order as cancels and amends name it. Only `named` makes one, and never without an id. */
export type Named = { readonly symbol: string; readonly client_order_id: string & { readonly [isNamed]: true } };
declare const isNamed: unique symbol;

/** undefined where the target is no id: BitMart would take a futures cancel for a cancel of the whole symbol. */
export function named(symbol: string, target: unknown): Named | undefined {
  if (typeof target !== 'string' || !/^[A-Za-z0-9]{1,32}$/.test(target)) return undefined;
  return { symbol, client_order_id: target as Named['client_order_id'] };
}

/** The last look before a request is written: BitMart takes a cancel without an id for a cancel of everything. */
function complete({ path, needs = [] }: Endpoint, fields: Fields): void {
  const missing = needs.filter((name) => typeof fields[name] !== 'string' || fields[name] === '');
  if (missing.length > 0) throw new TypeError(`${path} without ${missing.join(' and ')} is never sent`);
}

/** Of a smaller limit one request is so large a part that a share of it says nothing: cancel-all has one in 3 s. */
const LEAST_LIMIT = 20;

/** What one request showed beside what it was for. */
function note(
  answer: Reply,
  { kind }: Endpoint,
  account: string | undefined,
  measure: Measure,
  sent?: Times['sent'],
): void {
  const about = { account };
  const { usage, journey, code, message } = answer;
  if (journey !== undefined) sent?.(journey);
  if (usage !== undefined && usage.limit >= LEAST_LIMIT) measure('RateLimitUse', usage.used / usage.limit, about);
  if (kind === 'look-up' && journey !== undefined) measure('Lookups', 1, about);
  if (code === '1000') return;
  const { means } = meaningOf(code, message);
  if (means === 'banned') measure('Bans', 1, about);
  if (means === 'unauthorised') measure('AuthenticationRefusals', 1, about);
}

/** Stands where an answer's code would stand. */
const SHADOW = 'SHADOW';

/** Where the writes of an account in shadow mode end: paced, written and signed like any other, and never sent. */
const shadow: Transport = ({ method, url: to, body = '' }) => {
  const message = `shadow mode: signed and not sent: ${method} ${new URL(to).pathname} ${body}`;
  return Promise.resolve({
    kind: 'response',
    status: 200,
    headers: {},
    body: JSON.stringify({ code: SHADOW, message }),
  });
};

/** A refused timestamp is measured once, so that the report can say whose clock is off and by how much. */
async function clockNote(answer: Reply, time: Calls['time'], deadline: number): Promise<string> {
  if (answer.code !== '30007') return '';
  const theirs = await time(deadline);
  if (theirs === undefined) return `; ${remedy('30007')}`;
  const aheadMs = answer.signedAt - theirs;
  return `; ${remedy('30007')}: ours is ${Math.abs(Math.round(aheadMs / 1000))} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the venue's`;
}
