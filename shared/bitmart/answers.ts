// BitMart's answers in the engine's words: verdicts, sightings, orders. Pure; what an answer means stands in codes.ts.
// An answer that cannot be read never counts as success and never as absence.
import * as z from 'zod/mini';
import type { Verdict } from '../order/report.ts';
import type { Sighting, VenueOrder } from '../order/venue.ts';
import { meaningOf, remedy } from './codes.ts';
import type { Answer, Lost } from './wire.ts';

/** The order id of an accepted placement; a submit without one proves nothing [spot documentation]. */
export function orderIdOf(data: unknown): string | undefined {
  const result = z.object({ order_id: z.union([z.string(), z.number()]) }).safeParse(data);
  const id = result.data?.order_id;
  // A number beyond 2^53 has lost digits: the look-up has the id as text.
  if (typeof id === 'number') return Number.isSafeInteger(id) && id > 0 ? String(id) : undefined;
  return id !== undefined && /^\w+$/.test(id) && id !== '0' ? id : undefined;
}

/**
 * What an answer to a cancel proved; undefined where the general rule of a failed request holds.
 * `result: false` means that it was matched or canceled already; an older shape is plain `true` or `false`.
 */
export function cancelOutcome(answer: Answer | Lost): Verdict | undefined {
  const { code, message } = answer;
  if (code === '50030') return { kind: 'done', detail: 'the order was already canceled' };
  if (code === '50031') return { kind: 'done', detail: 'the order was already filled' };
  const { means, because } = meaningOf(code, message);
  if (means === 'absent') return { kind: 'finished', venueCode: code, detail: `BitMart ${code}: ${because}` };
  if (answer.kind === 'lost' || code !== '1000') return undefined;
  const { data } = answer;
  const result = typeof data === 'object' && data !== null && 'result' in data ? data.result : data;
  if (result === true) return { kind: 'done' };
  if (result === false) return { kind: 'done', detail: 'the order was already finished' };
  const detail = 'BitMart answered a cancel with something else than true or false';
  return { kind: 'unknown', venueCode: code, detail, signedAt: answer.signedAt };
}

/** What a failed request proved. @param banMs how long a ban is taken to last @param note is added to the detail */
export function verdictOf(
  answer: Answer | Lost,
  banMs: number,
  note = '',
): Exclude<Verdict, { readonly kind: 'placed' | 'done' }> {
  const { means, because, tradingOver } = meaningOf(answer.code, answer.message);
  const venueCode = answer.code;
  const said = answer.message === '' ? '' : ` ("${answer.message.slice(0, 120)}")`;
  const detail = `BitMart ${venueCode}: ${because}${said}${note}`;
  switch (means) {
    case 'finished':
      return { kind: 'finished', venueCode, detail };
    case 'refused':
      return { kind: 'refused', venueCode, detail, tradingOver };
    case 'unauthorised':
      return { kind: 'unauthorised', venueCode, detail: `BitMart ${venueCode}: ${because}; ${remedy(venueCode)}` };
    case 'banned':
      return { kind: 'banned', venueCode, detail, forMs: banMs };
    case 'throttled':
    case 'unavailable':
      return { kind: means, venueCode, detail };
    case 'duplicate':
      return { kind: 'duplicate', venueCode };
    case 'ok':
    case 'absent':
    case 'unknown':
      return { kind: 'unknown', venueCode, detail, signedAt: answer.signedAt };
  }
}

/** What a look-up by client order id showed. */
export function sightingOf(answer: Answer | Lost, id: string, banMs: number, note = ''): Sighting {
  if (answer.kind === 'answer' && answer.code === '1000') {
    const order = orderSchema.safeParse(answer.data);
    // An answer that cannot be read, or that speaks of another order, proves nothing either way.
    if (!order.success || order.data.clientOrderId !== id) {
      return { kind: 'unavailable', venueCode: answer.code, detail: 'BitMart answered a look-up with something else' };
    }
    return { kind: 'found', order: venueOrder(order.data) };
  }
  if (meaningOf(answer.code, answer.message).means === 'absent') return { kind: 'nothing' };
  const verdict = verdictOf(answer, banMs, note);
  if (verdict.kind !== 'duplicate' && verdict.kind !== 'finished') return verdict;
  return {
    kind: 'unavailable',
    venueCode: verdict.venueCode,
    detail: 'BitMart answered a look-up with something else',
  };
}

export const number = z.string().check(z.regex(/^\d+(\.\d+)?$/));
/** What identifies an order must be readable; the rest helps where it is. */
const orderSchema = z.object({
  orderId: z.string().check(z.minLength(1)),
  clientOrderId: z.string(),
  symbol: z.string(),
  side: z.enum(['buy', 'sell']),
  type: z.string(),
  state: z.string(),
  price: z.unknown(),
  priceAvg: z.unknown(),
  size: z.unknown(),
  filledSize: z.unknown(),
  notional: z.unknown(),
});
const STATES: Readonly<Record<string, VenueOrder['state']>> = {
  new: 'open',
  partially_filled: 'partially-filled',
  filled: 'filled',
  canceled: 'canceled',
  partially_canceled: 'canceled',
  failed: 'rejected',
};

function venueOrder(row: z.infer<typeof orderSchema>): VenueOrder {
  const isMarket = row.type === 'market';
  const readable = (value: unknown): string | undefined => number.safeParse(value).data;
  // A market order's price, and a market buy's size, are the venue's own bookkeeping and say nothing of what was asked.
  const told = {
    price: isMarket ? undefined : readable(row.price),
    size: isMarket && row.side === 'buy' ? undefined : readable(row.size),
    notional: isMarket && row.side === 'buy' ? readable(row.notional) : undefined,
    averagePrice: readable(row.priceAvg),
  };
  return {
    venueOrderId: row.orderId,
    symbol: row.symbol,
    side: row.side,
    type: row.type.replace('_', '-'),
    // A state that nobody knows yet is taken for open: whoever follows the order will see.
    state: STATES[row.state] ?? 'open',
    filledSize: readable(row.filledSize) ?? '0',
    ...(Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)) as Partial<VenueOrder>),
  };
}
