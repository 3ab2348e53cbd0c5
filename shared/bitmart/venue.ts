// BitMart as a Venue: domain words on one side, endpoints and spellings on the other. Spot.
// One request per call, paced; answers become verdicts by the table in codes.ts. Never retries, never looks up by itself.
import * as z from 'zod/mini';
import type { Clock } from '../clock.ts';
import { numeric, url, type Settings } from '../config.ts';
import type { Transport } from '../http.ts';
import type { Decimal } from '../order/intent.ts';
import { wrongFields } from '../order/mandate.ts';
import type { NewOrder, Promises, TradingAccount, Venue } from '../order/venue.ts';
import { cancelOutcome, number, orderIdOf, sightingOf, verdictOf } from './answers.ts';
import { remedy } from './codes.ts';
import { instruments, type Ask } from './instruments.ts';
import type { Limit, Pacer } from './pace.ts';
import { send, type Answer, type Credentials, type Lost, type Request } from './wire.ts';

/** What is not known of the exchange can be set; the defaults are documented values or, where none is, careful ones. */
export const bitmartSettings = {
  spotUrl: url('BITMART_SPOT_URL', 'https://api-cloud.bitmart.com'),
  futuresUrl: url('BITMART_FUTURES_URL', 'https://api-cloud-v2.bitmart.com'),
  utilisation: numeric('RATE_UTILISATION', '0.94', 0.01, 0.97),
  /** "within one minute" [spot error table, 30007]. */
  refusesTimestampsAfterMs: numeric('BITMART_TIMESTAMP_WINDOW_MS', '60000', 100, 600_000),
  /** How long an executed order may stay invisible is published nowhere. */
  showsOrdersWithinMs: numeric('BITMART_LOOKUP_LAG_MS', '5000', 10, 60_000),
  /** An order canceled without a fill can be queried for about 20 minutes [spot documentation]. */
  answersLookupsForMs: numeric('BITMART_LOOKUP_MEMORY_MS', '1200000', 1000, 86_400_000),
  /** The length of a ban is published nowhere. */
  banMs: numeric('BITMART_BAN_MS', '300000', 100, 43_000_000),
};

/** Reads the credentials of an account secret; the sentence names fields and never values. */
export function readCredentials(
  secret: Readonly<Record<string, unknown>>,
): Credentials | { readonly unreadable: string } {
  const result = credentialsSchema.safeParse(secret);
  if (!result.success) {
    const fields = wrongFields(result.error, 'secret');
    return { unreadable: `the secret has wrong fields: ${fields}; it needs apiKey, secretKey and memo as text` };
  }
  const { apiKey, secretKey, memo, brokerId } = result.data;
  return { apiKey, secretKey, memo, ...(brokerId === undefined ? {} : { brokerId }) };
}

const filled = z.string().check(z.minLength(1));
const credentialsSchema = z.strictObject({
  venue: z.optional(z.literal('bitmart')),
  apiKey: filled.check(z.regex(/^[\x21-\x7e]+$/)),
  secretKey: filled,
  memo: z.string(),
  brokerId: z.optional(filled.check(z.regex(/^[\x21-\x7e]+$/))),
});

/** Endpoints in use, with their limits: per user id for writes, per key for look-ups [spot documentation]. */
const LANES = {
  place: { path: '/spot/v2/submit_order', limit: { requests: 40, windowMs: 2000 } },
  cancel: { path: '/spot/v3/cancel_order', limit: { requests: 40, windowMs: 2000 } },
  find: { path: '/spot/v4/query/client-order', limit: { requests: 50, windowMs: 2000 } },
} as const satisfies Record<string, { readonly path: string; readonly limit: Limit }>;
/** Below the smallest of the public limits in use: 12 in 2 s per address for the table of symbols. */
const PUBLIC: Limit = { requests: 10, windowMs: 2000 };

/** A request whose turn came with less time than this left is not sent. */
const LEAST_MS = 20;

export interface BitmartOptions {
  readonly settings: Settings<typeof bitmartSettings>;
  readonly transport: Transport;
  readonly pacer: Pacer;
  readonly clock: Clock;
  /** This function's part of the look-up limit: 0.5 for execute. */
  readonly lookupShare: number;
}

/** BitMart behind the seam. One request per call; each waits for its turn and is signed after the wait. */
export function bitmart(options: BitmartOptions): Venue {
  const { settings, clock } = options;
  const { ask, askSigned } = requests(options);
  const time = async (deadline: number): Promise<number | undefined> => {
    const answer = await ask('/system/time', {}, deadline);
    const data = timeSchema.safeParse(answer.kind === 'answer' ? answer.data : undefined);
    return data.success ? data.data.server_time : undefined;
  };
  const explain = async (answer: Answer | Lost, deadline: number) =>
    verdictOf(answer, settings.banMs, await clockNote(answer, time, deadline));
  return {
    name: 'bitmart',
    promises: promisesOf(settings),
    time,
    submit: async (account, order, deadline) => {
      const answer = await askSigned(account, 'place', placement(order), deadline, order.expiresAt);
      if (answer.code === SHADOW) return { kind: 'done', detail: answer.message };
      const id = answer.kind === 'answer' && answer.code === '1000' ? orderIdOf(answer.data) : undefined;
      return id === undefined ? explain(answer, deadline) : { kind: 'placed', venueOrderId: id };
    },
    cancel: async (account, { symbol, target, expiresAt }, deadline) => {
      const answer = await askSigned(account, 'cancel', { symbol, client_order_id: target }, deadline, expiresAt);
      if (answer.code === SHADOW) return { kind: 'done', detail: answer.message };
      const outcome = cancelOutcome(answer);
      if (outcome !== undefined) return outcome;
      return explain(answer, deadline);
    },
    find: async (account, { id }, deadline) => {
      // Open first: an order moves from open to history, never back, so it cannot slip between the two questions.
      for (const queryState of ['open', 'history']) {
        const answer = await askSigned(account, 'find', { clientOrderId: id, queryState }, deadline);
        const sighting = sightingOf(answer, id, settings.banMs, await clockNote(answer, time, deadline));
        if (sighting.kind !== 'nothing') return sighting;
      }
      return { kind: 'nothing' };
    },
    instrument: instruments(ask, clock),
    book: async (symbol, deadline) => {
      const answer = await ask('/spot/quotation/v3/books', { symbol, limit: '1' }, deadline);
      const data = bookSchema.safeParse(answer.kind === 'answer' ? answer.data : undefined);
      if (!data.success) return undefined;
      const [bid, ask0] = [data.data.bids[0]?.[0], data.data.asks[0]?.[0]] as [
        Decimal | undefined,
        Decimal | undefined,
      ];
      return { ...(bid === undefined ? {} : { bid }), ...(ask0 === undefined ? {} : { ask: ask0 }) };
    },
    hold: (account) => options.pacer.hold(account.name),
  };
}

/** The ways to ask: public data, and an account's signed requests, each lane paced on its own. */
function requests({ settings, transport, pacer, clock, lookupShare }: BitmartOptions): {
  readonly ask: Ask;
  readonly askSigned: (
    account: TradingAccount,
    lane: keyof typeof LANES,
    body: Body,
    deadline: number,
    expiresAt?: number,
  ) => Promise<Answer | Lost>;
} {
  const call = (request: Request, via = transport): Promise<Answer | Lost> =>
    send(via, settings.spotUrl, request, () => clock.now());
  return {
    // Public data is limited by address; it shares one lane that belongs to no account.
    ask: (path, query, deadline) =>
      pacer.run('', 'public', PUBLIC, 1, () => call({ method: 'GET', path, query, deadline })),
    askSigned: (account, lane, body, deadline, expiresAt = Infinity) => {
      const { path, limit } = LANES[lane];
      const share = (lane === 'find' ? lookupShare : 1) * (account.mandate.limitShare ?? 1);
      const credentials = account.credentials as Credentials;
      return pacer.run(account.name, lane, limit, share, async () => {
        const now = clock.now();
        if (now >= expiresAt || deadline - now < LEAST_MS) return notSent(now);
        const via = account.mandate.shadow === true && lane !== 'find' ? shadow : transport;
        return call({ method: 'POST', path, body, credentials, deadline, sendBefore: expiresAt }, via);
      });
    },
  };
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

type Body = Readonly<Record<string, string>>;

function notSent(now: number): Lost {
  return {
    kind: 'lost',
    code: 'CONNECT_FAILED',
    message: 'its time was over before its turn came',
    signedAt: now,
    usage: undefined,
  };
}

function promisesOf(settings: BitmartOptions['settings']): Promises {
  return {
    // A repeated client_order_id is refused with 50042; whether that holds after the order closed is published nowhere.
    refusesRepeatedIds: 'whileOpen',
    answersLookupsForMs: settings.answersLookupsForMs,
    refusesTimestampsAfterMs: settings.refusesTimestampsAfterMs,
    showsOrdersWithinMs: settings.showsOrdersWithinMs,
    acknowledges: 'booking',
  };
}

const timeSchema = z.object({ server_time: z.number() });
const level = z.tuple([number], number);
const bookSchema = z.object({ asks: z.array(level), bids: z.array(level) });

/** Field names are case sensitive and unknown ones are ignored without an error: v2 wants client_order_id in snake case. */
function placement(order: NewOrder): Body {
  const { symbol, side } = order;
  const common = { symbol, side, type: order.type.replace('-', '_'), client_order_id: order.id };
  if (order.type !== 'market') return { ...common, size: order.size, price: order.price };
  return 'notional' in order ? { ...common, notional: order.notional } : { ...common, size: order.size };
}

/** A refused timestamp is measured once, so that the report can say whose clock is off and by how much. */
async function clockNote(
  answer: Answer | Lost,
  time: (deadline: number) => Promise<number | undefined>,
  deadline: number,
): Promise<string> {
  if (answer.code !== '30007') return '';
  const theirs = await time(deadline);
  if (theirs === undefined) return `; ${remedy('30007')}`;
  const aheadMs = answer.signedAt - theirs;
  return `; ${remedy('30007')}: ours is ${Math.abs(Math.round(aheadMs / 1000))} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the venue's`;
}
