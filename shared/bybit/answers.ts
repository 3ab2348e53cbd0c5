// Bybit's answers in the engine's words: verdicts, sightings, orders. Pure; what a code means stands in codes.ts.
// An answer that cannot be read never counts as success and never as absence.
import Big from 'big.js';
import * as z from 'zod/mini';
import type { Refusal } from '../asking.ts';
import { anything, readable, told } from '../order/amounts.ts';
import type { Market } from '../order/intent.ts';
import type { Verdict } from '../order/report.ts';
import type { Unseen, VenueOrder } from '../order/venue.ts';
import { isRetCode, leavesOpen, meaningOf, remedy } from './codes.ts';
import type { Category } from './endpoints.ts';
import type { Reply, Told } from './wire.ts';

export const succeeded = (answer: Reply): answer is Told => answer.kind === 'answer' && answer.code === '0';

const id = z.string().check(z.regex(/^[\w-]{1,64}$/));
const placedSchema = z.object({ orderId: id, orderLinkId: z.optional(z.string()) });

/** An accepted placement; undefined where it has no order id, or the id of another order: that proves nothing. */
export function placedOutcome(answer: Reply, orderId: string): Verdict | undefined {
  if (!succeeded(answer)) return strangeOutcome(answer);
  const data = placedSchema.safeParse(answer.data).data;
  const isOurs = data !== undefined && [orderId, '', undefined].includes(data.orderLinkId);
  return isOurs ? { kind: 'placed', venueOrderId: data.orderId } : undefined;
}

/** A code that no table holds: it is looked up, and the order is believed to have failed if it is not seen. */
function strangeOutcome({ code, message }: Reply): Verdict | undefined {
  if (!isRetCode(code) || meaningOf(code, message).isKnown) return undefined;
  return { kind: 'failed', venueCode: code, detail: `Bybit ${code}: a code that is in no table${quoted(message)}` };
}

/** What an answer to a setting or an instruction proved; undefined where the general rule of a failed request holds. */
export function doneOutcome(answer: Reply, detail?: string): Verdict | undefined {
  if (succeeded(answer)) return detail === undefined ? { kind: 'done' } : { kind: 'done', detail };
  const { means, because } = meaningOf(answer.code, answer.message);
  return means === 'already' ? { kind: 'done', detail: because } : undefined;
}

/** A cancel or amend whose target the venue does not know as open; undefined otherwise. */
export function targetOutcome({ code, message }: Reply): Verdict | undefined {
  const { means, because } = meaningOf(code, message);
  if (means !== 'absent') return undefined;
  return { kind: 'finished', venueCode: code, detail: `Bybit ${code}: ${because}` };
}

const batchSchema = z.object({ list: z.array(z.object({ orderId: anything, orderLinkId: z.string() })) });
const outcomesSchema = z.object({
  list: z.array(z.object({ code: z.union([z.number(), z.string()]), msg: anything })),
});

/** Each of several orders as an answer of its own; undefined where the two lists are not exactly right: nothing is sure then. */
export function partsOf(answer: Told, ids: readonly string[]): readonly Told[] | undefined {
  const rows = batchSchema.safeParse(answer.data).data?.list;
  const outcomes = outcomesSchema.safeParse(answer.extra).data?.list;
  if (rows?.length !== ids.length || outcomes?.length !== ids.length) return undefined;
  // That the lists have the order of the request is shown by examples, and promised nowhere.
  if (!rows.every(({ orderLinkId }, index) => orderLinkId === ids[index])) return undefined;
  return rows.map((row, index): Told => {
    const { code = '', msg } = outcomes[index] ?? {};
    return { ...answer, code: String(code), message: typeof msg === 'string' ? msg : '', data: row };
  });
}

export interface About {
  /** How long a ban is taken to last, ms. */
  readonly banMs: number;
  readonly now: number;
  /** Is added to the detail. */
  readonly note?: string;
}

const quoted = (message: string): string => (message === '' ? '' : ` ("${message.slice(0, 120)}")`);

/** What a failed request proved. */
export function verdictOf(answer: Reply, { banMs, now, note = '' }: About): Refusal {
  const { code: venueCode, message, signedAt, windowMs, usage } = answer;
  const { means, because } = meaningOf(venueCode, message);
  const detail = `Bybit ${venueCode}: ${because}${quoted(message)}${note}`;
  switch (leavesOpen(venueCode) ? 'unknown' : means) {
    case 'finished':
      return { kind: 'finished', venueCode, detail };
    case 'refused':
      return { kind: 'refused', venueCode, detail, tradingOver: false };
    case 'unauthorised':
      return { kind: 'unauthorised', venueCode, detail: `Bybit ${venueCode}: ${because}; ${remedy(venueCode)}` };
    case 'banned': {
      const blocked = venueCode === 'HTTP_403_COUNTRY' ? { isBlocked: true as const } : {};
      return { kind: 'banned', venueCode, detail, forMs: banMs, of: 'address', ...blocked };
    }
    case 'throttled': {
      const { resetAt } = usage ?? {};
      return { kind: 'throttled', venueCode, detail, ...told({ retryAfterMs: resetAt && Math.max(0, resetAt - now) }) };
    }
    case 'unavailable':
    case 'late':
      return { kind: means as 'unavailable' | 'late', venueCode, detail };
    case 'duplicate':
      return { kind: 'duplicate', venueCode };
    case 'ok':
    case 'absent':
    case 'already':
    case 'unknown':
      return { kind: 'unknown', venueCode, detail, signedAt, ...told({ refusedAfterMs: windowMs }) };
  }
}

/** A look-up whose answer cannot be read, or speaks of something else: it proves nothing either way. */
export function unreadable({ code }: Reply): Unseen {
  return { kind: 'unavailable', venueCode: code, detail: 'Bybit answered a look-up with something else' };
}

/** What a look-up showed that did not succeed: Bybit tells absence by an empty list, never by a code. */
export function unseen(answer: Reply, verdict: Refusal): Unseen {
  // What a write would leave open a look-up does not: it changes nothing, and comes too often.
  if (leavesOpen(answer.code) && verdict.kind === 'unknown') {
    return { kind: 'throttled', venueCode: verdict.venueCode, detail: verdict.detail };
  }
  return verdict.kind === 'duplicate' || verdict.kind === 'finished' ? unreadable(answer) : verdict;
}

/** What identifies an order, and what its state is read from, must be readable; the rest helps where it is. */
const orderSchema = z.object({
  orderId: id,
  orderLinkId: z.string(),
  symbol: z.string(),
  side: z.enum(['Buy', 'Sell']),
  orderType: z.string(),
  orderStatus: z.string(),
  timeInForce: anything,
  cancelType: anything,
  rejectReason: anything,
  marketUnit: anything,
  price: anything,
  qty: anything,
  avgPrice: anything,
  cumExecQty: z.string().check(z.regex(/^\d+(\.\d+)?$/)),
  cumExecValue: anything,
  cumFeeDetail: anything,
});
export type OrderRow = z.infer<typeof orderSchema>;
const rowsSchema = z.object({ list: z.array(orderSchema) });

/** The orders of a list; undefined where one cannot be read: half a list is none. */
export function orderRows(data: unknown): readonly OrderRow[] | undefined {
  return rowsSchema.safeParse(data).data?.list;
}

/** This record says that its id was taken: the order is another one. */
export const isRepeat = ({ rejectReason }: OrderRow): boolean => rejectReason === 'EC_DuplicatedClOrdID';

const CLOSED = new Set(['Cancelled', 'PartiallyFilledCanceled', 'Deactivated']);
/** Who ended an order, where its words leave no doubt; other words are the system's, and none tell nothing. */
const SOURCES: readonly (readonly [word: RegExp, source: string])[] = [
  [/ByUser|PerCancelRequest/, 'user'],
  [/Smp|BySelfMatch/i, 'stp'],
];

/** By its status and by what was filled: perpetuals may be Cancelled with fills. A status nobody knows is taken for open. */
function stateOf({ orderStatus, cumExecQty }: OrderRow): VenueOrder['state'] {
  const isFilled = new Big(cumExecQty).gt(0);
  if (orderStatus === 'Filled') return 'filled';
  if (orderStatus === 'Rejected') return isFilled ? 'canceled' : 'rejected';
  if (CLOSED.has(orderStatus)) return 'canceled';
  return isFilled ? 'partially-filled' : 'open';
}

const word = (value: unknown, none: string): string | undefined =>
  typeof value === 'string' && /^\w{1,64}$/.test(value) && value !== none ? value : undefined;

/** Bybit's name of the kind of an order, as intents have it. */
const KINDS: Readonly<Record<string, string>> = { PostOnly: 'limit-maker', IOC: 'ioc', FOK: 'fok' };

/** @param symbol as the engine writes it: the venue's text alone names nothing */
export function venueOrder(row: OrderRow, market: Market, symbol: string): VenueOrder {
  const state = stateOf(row);
  const isMarket = row.orderType === 'Market';
  const isByValue = isMarket && row.marketUnit === 'quoteCoin';
  const reason = word(row.rejectReason, 'EC_NoError') ?? word(row.cancelType, 'UNKNOWN');
  const hasEnded = state === 'canceled' || state === 'rejected';
  const said = `${word(row.cancelType, 'UNKNOWN') ?? ''} ${reason ?? ''}`;
  const source = SOURCES.find(([sign]) => sign.test(said))?.[1] ?? (reason === undefined ? undefined : 'system');
  const isFilled = new Big(row.cumExecQty).gt(0);
  return {
    venueOrderId: row.orderId,
    ...{ market, symbol, state },
    side: row.side === 'Buy' ? 'buy' : 'sell',
    type: isMarket ? 'market' : (KINDS[String(row.timeInForce)] ?? 'limit'),
    filledSize: new Big(row.cumExecQty).toFixed(),
    ...told({
      // A market order's price is the venue's own bookkeeping: nobody asked for it.
      price: isMarket ? undefined : plain(row.price),
      size: isByValue ? undefined : plain(row.qty),
      notional: isByValue ? plain(row.qty) : undefined,
      filledNotional: plain(row.cumExecValue),
      averagePrice: isFilled ? plain(row.avgPrice) : undefined,
      cancelSource: state === 'canceled' ? source : undefined,
      reason: hasEnded ? reason : undefined,
    }),
  };
}

/** Without trailing zeros. */
function plain(value: unknown): string | undefined {
  const said = readable(value);
  return said === undefined ? undefined : new Big(said).toFixed();
}

export const marketOf = (category: Category): Market => (category === 'spot' ? 'spot' : 'futures');
/** BTC_USDT there: BTCUSDT. */
export const spelled = (symbol: string): string => symbol.replace('_', '');
