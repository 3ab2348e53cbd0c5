// The ways to ask Bybit: public data, an account's reads and its writes, each lane paced on its own and all of them by address.
// One request per call, signed after its wait, and never repeated. Writes of an account in shadow mode are never sent, and
// nothing is once the exchange has refused the address.
import * as z from 'zod/mini';
import { notSent, startBy, type Refusal } from '../asking.ts';
import { unmeasured, type Measure } from '../metrics.ts';
import type { Verdict } from '../order/report.ts';
import type { Times, TradingAccount } from '../order/venue.ts';
import type { Latest, Pacer } from '../pace.ts';
import { verdictOf } from './answers.ts';
import { meaningOf, remedy } from './codes.ts';
import { endpoints, type Category, type Endpoint } from './endpoints.ts';
import { doorOf, type Door, type DoorOutside, type Shadow } from './door.ts';
import type { Credentials, Reply, Request } from './wire.ts';

export interface Outside extends DoorOutside {
  readonly settings: DoorOutside['settings'] & { readonly refusesTimestampsAfterMs: number };
  readonly pacer: Pacer;
  /** This function's part of the look-up limits: 0.5 for execute. */
  readonly lookupShare: number;
  /** Is told what the answers say of limits, bans, refused keys and the clock, and of each look-up. */
  readonly measure?: Measure;
  /** From 0 to 1: spreads the reloading of rules. */
  readonly random?: () => number;
}

/** Fields as they are spelled on the wire; a GET carries texts alone. */
export type Fields = Readonly<Record<string, string | number | boolean | readonly Fields[]>>;
/** A write's times: nothing is sent, and the venue takes nothing, after `expiresAt`. `cost`: see `Latest`. */
export type Within = Times & { readonly expiresAt: number; readonly cost?: number };

export interface Calls {
  /** Public data, without key. */
  readonly ask: (endpoint: Endpoint, query: Readonly<Record<string, string>>, deadline: number) => Promise<Reply>;
  /** A look-up. `category` says whose counter it uses. */
  readonly read: (
    account: TradingAccount,
    endpoint: Endpoint,
    category: Category,
    query: Readonly<Record<string, string>>,
    times: Times,
  ) => Promise<Reply>;
  /** A write, as it was answered; undefined in shadow mode, with what would have been sent. */
  readonly write: (
    account: TradingAccount,
    endpoint: Endpoint,
    category: Category,
    fields: Fields,
    times: Within,
  ) => Promise<Reply | Shadow>;
  /** What a failed request proved, with what is to be known of the clock. */
  readonly explain: (answer: Reply, deadline: number) => Promise<Refusal>;
  readonly time: (deadline: number) => Promise<number | undefined>;
}

const timeSchema = z.object({ timeNano: z.string().check(z.regex(/^\d{15,25}$/)) });

/** What is asked for, before its turn. */
interface Asked {
  readonly endpoint: Endpoint;
  readonly category: Category;
  readonly account?: TradingAccount;
  readonly share: number;
  readonly latest: Latest;
  readonly request: Omit<Request, 'method' | 'path' | 'windowMs'>;
}

export function calls(outside: Outside): Calls {
  const { settings, clock, lookupShare, measure = unmeasured } = outside;
  const door = doorOf(outside);

  const turn = turnsBy(outside, door);

  const ask: Calls['ask'] = async (endpoint, query, deadline) => {
    complete(endpoint, query);
    const latest = { until: startBy(clock, deadline) };
    const answer = (await turn({
      endpoint,
      category: 'spot',
      share: 1,
      latest,
      request: { query, deadline },
    })) as Reply;
    note(answer, endpoint, undefined, measure);
    return answer;
  };
  const time: Calls['time'] = async (deadline) => {
    const answer = await ask(endpoints.time, {}, deadline);
    const data = timeSchema.safeParse(answer.kind === 'answer' ? answer.data : undefined);
    if (!data.success) return undefined;
    const theirs = Number(data.data.timeNano.slice(0, -6));
    const { sentAt, tookMs = 0 } = answer.journey ?? { sentAt: answer.signedAt };
    measure('ClockOffsetMs', sentAt + tookMs / 2 - theirs);
    return theirs;
  };
  return {
    ask,
    time,
    read: async (account, endpoint, category, query, { answerBy: deadline, holdBy }) => {
      complete(endpoint, query);
      // Look-ups are counted by user id: other keys of the user take from them.
      const share = lookupShare * (account.mandate.limitShare ?? 1);
      const latest = { until: startBy(clock, deadline), holdBy };
      const request = { query, deadline, credentials: account.credentials as Credentials };
      const answer = (await turn({ endpoint, category, account, share, latest, request })) as Reply;
      note(answer, endpoint, account.name, measure);
      return answer;
    },
    write: async (account, endpoint, category, fields, { answerBy: deadline, holdBy, expiresAt, cost = 1, sent }) => {
      complete(endpoint, fields);
      const share = account.mandate.limitShare ?? 1;
      const latest = { until: Math.min(expiresAt, startBy(clock, deadline)), holdBy, cost };
      const credentials = account.credentials as Credentials;
      const request = { body: fields, deadline, credentials, sendBefore: expiresAt };
      const answer = await turn({ endpoint, category, account, share, latest, request });
      if (answer.kind !== 'shadow') note(answer, endpoint, account.name, measure, sent);
      return answer;
    },
    explain: async (answer, deadline) => {
      const { banMs } = settings;
      const forMs = door.closedForMs() ?? banMs;
      return verdictOf(answer, { banMs: forMs, now: clock.now(), note: await clockNote(answer, time, deadline) });
    },
  };
}

/** One request when its turn has come, or what there is to say without sending it. */
function turnsBy({ settings, pacer, clock }: Outside, door: Door): (asked: Asked) => Promise<Reply | Shadow> {
  return async ({ endpoint, category, account, share, latest, request }) => {
    const { name, method, path, limits, isPerCategory, kind } = endpoint;
    const lane = isPerCategory ? `${name} ${category}` : name;
    const full = { method, path, windowMs: settings.refusesTimestampsAfterMs, ...request };
    const isShadow = account?.mandate.shadow === true && kind === 'write';
    const send = (): Promise<Reply | Shadow> => (isShadow ? Promise.resolve(door.shadow(full)) : door.send(full));
    const answer = await pacer.run(account?.name ?? '', lane, limits[category], share, latest, send);
    return answer ?? notSent(path, clock.now());
  };
}

/** What an answer to a write proved. `reading`: undefined where the table of codes decides. */
export async function settled(
  answer: Reply | Shadow,
  reading: (answer: Reply) => Verdict | undefined,
  explain: Calls['explain'],
  { answerBy }: Pick<Times, 'answerBy'>,
): Promise<Verdict> {
  if (answer.kind === 'shadow') return { kind: 'done', detail: answer.message };
  return reading(answer) ?? explain(answer, answerBy);
}

/** The last look before a request is written: a field that is missing would make it something else. */
function complete({ path, needs }: Endpoint, fields: Fields): void {
  const missing = needs.filter((name) => typeof fields[name] !== 'string' || fields[name] === '');
  // An order of no size, reduce-only, would close a whole position.
  const isEmpty = [fields, ...listOf(fields['request'])].some(
    ({ qty }) => qty !== undefined && (typeof qty !== 'string' || !/[1-9]/.test(qty)),
  );
  if (missing.length > 0) throw new TypeError(`${path} without ${missing.join(' and ')} is never sent`);
  if (isEmpty) throw new TypeError(`${path} with no quantity is never sent`);
}

const listOf = (request: Fields[string] | undefined): readonly Fields[] =>
  request !== undefined && typeof request === 'object' ? request : [];

/** Of a smaller limit one request is so large a part that a share of it says nothing. */
const LEAST_LIMIT = 10;

/** What one request showed beside what it was for. */
function note(
  answer: Reply,
  { kind, limits }: Endpoint,
  account: string | undefined,
  measure: Measure,
  sent?: Times['sent'],
): void {
  const about = { account };
  const { usage, journey, code, message } = answer;
  if (journey === undefined) return;
  sent?.(journey);
  // Orders that go out together use up their limit at once: that is no sign of haste.
  const isTelling = usage !== undefined && usage.limit >= LEAST_LIMIT && (limits.spot.dearest ?? 1) === 1;
  if (isTelling) measure('RateLimitUse', usage.used / usage.limit, about);
  if (kind === 'look-up') measure('Lookups', 1, about);
  const { means } = meaningOf(code, message);
  if (means === 'banned') measure('Bans', 1, about);
  if (means === 'unauthorised') measure('AuthenticationRefusals', 1, about);
}

/** A refused timestamp is measured once, so that the report can say whose clock is off and by how much. */
async function clockNote(answer: Reply, time: Calls['time'], deadline: number): Promise<string> {
  if (answer.code !== '10002') return '';
  const theirs = await time(deadline);
  if (theirs === undefined) return `; ${remedy('10002')}`;
  const aheadMs = answer.signedAt - theirs;
  return `; ${remedy('10002')}: ours is ${Math.abs(Math.round(aheadMs / 1000))} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the venue's`;
}
