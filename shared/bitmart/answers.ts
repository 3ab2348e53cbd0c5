// BitMart's answers in the engine's words: verdicts, sightings, spot orders. Pure; what an answer means stands in codes.ts.
// An answer that cannot be read never counts as success and never as absence.
import * as z from 'zod/mini';
import { anything, readable, told } from '../order/amounts.ts';
import type { Verdict } from '../order/report.ts';
import type { Sighting, Unseen, VenueOrder } from '../order/venue.ts';
import { meaningOf, remedy } from './codes.ts';
import type { Answer, Lost, Refusal } from '../asking.ts';

export const succeeded = (answer: Answer | Lost): answer is Answer =>
  answer.kind === 'answer' && answer.code === '1000';

/** An order id, which is a number in some families; undefined where it has lost digits or is none. */
export function idOf(id: unknown): string | undefined {
  if (typeof id === 'number') return Number.isSafeInteger(id) && id > 0 ? String(id) : undefined;
  return typeof id === 'string' && /^\w+$/.test(id) && id !== '0' ? id : undefined;
}

/** An accepted placement; undefined where it has no order id: a submit without one proves nothing [spot documentation]. */
export function placedOutcome(answer: Answer | Lost): Verdict | undefined {
  const id = succeeded(answer) ? orderIdOf(answer.data) : undefined;
  return id === undefined ? undefined : { kind: 'placed', venueOrderId: id };
}

const batchSchema = z.object({ code: z.unknown(), data: z.object({ orderIds: z.array(z.unknown()) }) });

/**
 * Several orders in one request: all placed only where the answer says so without a doubt, inner code and one id of its own
 * for each. What else an answer with a code of the orders may mean is documented nowhere: each order is looked for.
 * undefined where the table of codes decides: nothing was executed, or nobody knows.
 */
export function batchOutcome(answer: Answer | Lost, count: number): Verdict | undefined {
  if (!succeeded(answer)) {
    const { means, because } = meaningOf(answer.code, answer.message);
    const isOfOrders = means === 'refused' || means === 'duplicate' || means === 'failed';
    return isOfOrders ? { kind: 'taken', detail: `BitMart ${answer.code} to orders together: ${because}` } : undefined;
  }
  const { code, data } = batchSchema.safeParse(answer.data).data ?? {};
  const ids = new Set(data?.orderIds.map(idOf).filter((id) => id !== undefined));
  const isWhole = code === 0 && ids.size === count && data?.orderIds.length === count;
  if (isWhole) return { kind: 'placed' };
  const detail = `BitMart answered ${count} orders together with ${ids.size} ids and code ${String(code)}`;
  return { kind: 'taken', detail };
}

const placedSchema = z.object({ order_id: z.unknown() });

/** The order id of an accepted placement. */
export function orderIdOf(data: unknown): string | undefined {
  return idOf(placedSchema.safeParse(data).data?.order_id);
}

/** A margin order that failed after its loan was granted; undefined for any other answer. */
export function loanOutcome({ code, message }: Answer | Lost): Verdict | undefined {
  const { means, because } = meaningOf(code, message);
  if (means !== 'failed') return undefined;
  const detail = `BitMart ${code}: ${because}; the loan stands: repay it by hand, or let the next sell of the pair repay it`;
  return { kind: 'failed', venueCode: code, detail };
}

/**
 * What an answer to a cancel proved; undefined where the general rule of a failed request holds.
 * `result: false` means that it was matched or canceled already; an older shape is plain `true` or `false`.
 */
export function cancelOutcome(answer: Answer | Lost): Verdict | undefined {
  const { code } = answer;
  if (code === '50030') return { kind: 'done', detail: 'the order was already canceled' };
  if (code === '50031') return { kind: 'done', detail: 'the order was already filled' };
  const finished = targetOutcome(answer);
  if (finished !== undefined) return finished;
  if (!succeeded(answer)) return undefined;
  const { data } = answer;
  const result = typeof data === 'object' && data !== null && 'result' in data ? data.result : data;
  if (result === true) return { kind: 'done' };
  if (result === false) return { kind: 'done', detail: 'the order was already finished' };
  const detail = 'BitMart answered a cancel with something else than true or false';
  return { kind: 'unknown', venueCode: code, detail, signedAt: answer.signedAt };
}

/** Success without more: the request was taken. */
export function takenOutcome(answer: Answer | Lost): Verdict | undefined {
  return succeeded(answer) ? { kind: 'done' } : undefined;
}

/** A cancel-all; where the venue answers that there is no order, there was nothing to cancel. */
export function emptiedOutcome(answer: Answer | Lost): Verdict | undefined {
  if (targetOutcome(answer) !== undefined) return { kind: 'done', detail: 'there was nothing to cancel' };
  return takenOutcome(answer);
}

/** A cancel or amend whose target the venue does not know as open; undefined otherwise. */
export function targetOutcome({ code, message }: Answer | Lost): Verdict | undefined {
  const { means, because } = meaningOf(code, message);
  if (means !== 'absent') return undefined;
  return { kind: 'finished', venueCode: code, detail: `BitMart ${code}: ${because}` };
}

/** What a failed request proved. @param banMs how long a ban is taken to last @param note is added to the detail */
export function verdictOf(answer: Answer | Lost, banMs: number, note = ''): Refusal {
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
      return { kind: 'banned', venueCode, detail, forMs: banMs, of: 'account' };
    case 'throttled':
    case 'unavailable':
    case 'late':
      return { kind: means, venueCode, detail };
    case 'duplicate':
      return { kind: 'duplicate', venueCode };
    case 'ok':
    case 'absent':
    case 'failed':
    case 'unknown':
      return { kind: 'unknown', venueCode, detail, signedAt: answer.signedAt };
  }
}

/** A look-up whose answer cannot be read, or speaks of something else: it proves nothing either way. */
export function unreadable({ code }: Answer | Lost): Unseen {
  return { kind: 'unavailable', venueCode: code, detail: 'BitMart answered a look-up with something else' };
}

/** What a look-up showed that did not succeed. */
export function unseen(answer: Answer | Lost, verdict: Refusal): Unseen | { readonly kind: 'nothing' } {
  if (meaningOf(answer.code, answer.message).means === 'absent') return { kind: 'nothing' };
  return verdict.kind === 'duplicate' || verdict.kind === 'finished' ? unreadable(answer) : verdict;
}

/**
 * What a look-up of a spot or margin order showed.
 * @param venueOrderId given where it was asked by the venue's own id: the answer may then lack the client order id
 */
export function sightingOf(answer: Answer | Lost, id: string, banMs: number, venueOrderId?: string): Sighting {
  if (!succeeded(answer)) return unseen(answer, verdictOf(answer, banMs));
  const row = orderSchema.safeParse(answer.data).data;
  if (row === undefined) return unreadable(answer);
  const { orderId, clientOrderId } = row;
  if (venueOrderId === undefined) return clientOrderId === id ? found(row) : unreadable(answer);
  // Where an order has no client order id, the samples show its own id in that place, and other sources nothing.
  const isOurs = clientOrderId === id || ['', orderId, undefined].includes(clientOrderId);
  return orderId === venueOrderId && isOurs ? found(row) : unreadable(answer);
}

const found = (row: SpotRow): Sighting => ({ kind: 'found', order: venueOrder(row) });

/** What identifies an order must be readable; the rest helps where it is. */
const orderSchema = z.object({
  orderId: z.string().check(z.minLength(1)),
  clientOrderId: z.optional(z.string()),
  symbol: z.string(),
  side: z.enum(['buy', 'sell']),
  orderMode: anything,
  type: z.string(),
  state: z.string(),
  cancelSource: anything,
  price: anything,
  priceAvg: anything,
  size: anything,
  filledSize: anything,
  notional: anything,
  filledNotional: anything,
});
type SpotRow = z.infer<typeof orderSchema>;
export const spotRow = (value: unknown): SpotRow | undefined => orderSchema.safeParse(value).data;

const MARKETS: Readonly<Record<string, 'spot' | 'margin'>> = { spot: 'spot', iso_margin: 'margin' };
const STATES: Readonly<Record<string, VenueOrder['state']>> = {
  new: 'open',
  partially_filled: 'partially-filled',
  filled: 'filled',
  canceled: 'canceled',
  partially_canceled: 'canceled',
  failed: 'rejected',
};

export function venueOrder(row: SpotRow): VenueOrder {
  const isMarket = row.type === 'market';
  const isMarketBuy = isMarket && row.side === 'buy';
  const source = row.cancelSource;
  return {
    venueOrderId: row.orderId,
    symbol: row.symbol,
    side: row.side,
    type: row.type.replace('_', '-'),
    // A state that nobody knows yet is taken for open: whoever follows the order will see.
    state: STATES[row.state] ?? 'open',
    filledSize: readable(row.filledSize) ?? '0',
    ...told({
      market: MARKETS[String(row.orderMode)],
      // A market order's price, and a market buy's size, are the venue's own bookkeeping: nobody asked for them.
      price: isMarket ? undefined : readable(row.price),
      size: isMarketBuy ? undefined : readable(row.size),
      notional: isMarketBuy ? readable(row.notional) : undefined,
      filledNotional: readable(row.filledNotional),
      averagePrice: readable(row.priceAvg),
      cancelSource: typeof source === 'string' && /^\w{1,32}$/.test(source) ? source : undefined,
    }),
  };
}

/** The rows of an answer about fills: none where the venue knows no such order. @param explain what a failed answer proved */
export async function fillRows<Row>(
  answer: Answer | Lost,
  read: (rows: unknown) => Row[] | undefined,
  explain: () => Promise<Refusal>,
): Promise<Row[] | Unseen> {
  if (succeeded(answer)) return read(answer.data) ?? unreadable(answer);
  const failed = unseen(answer, await explain());
  return failed.kind === 'nothing' ? [] : failed;
}
