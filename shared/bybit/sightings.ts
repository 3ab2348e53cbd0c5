// Where an order is on Bybit, what its fills cost, and the best prices. Looks among the open and lately closed orders, then in
// the history, which may lag and forgets unfilled ones after a day. An empty list is "nothing seen", never a proof.
import Big from 'big.js';
import * as z from 'zod/mini';
import { NO_ORDER_ID } from '../asking.ts';
import { anything, bookOf, number, readable, signed, sumOf } from '../order/amounts.ts';
import type { Fills, OrderQuery, Times, TradingAccount, Unseen, Venue } from '../order/venue.ts';
import { isRepeat, orderRows, spelled, succeeded, unreadable, unseen, venueOrder, type OrderRow } from './answers.ts';
import type { Calls } from './calls.ts';
import { endpoints } from './endpoints.ts';
import { categoryOf } from './instructions.ts';

const MOST_FILLS = '100';

export function sightingsDesk(calls: Calls): Pick<Venue, 'find' | 'fee' | 'book'> {
  return {
    find: async (account, query, times) => {
      const seen = await rowOf(calls, account, query, times);
      if (seen.kind !== 'row') return seen;
      return { kind: 'found', order: venueOrder(seen.row, query.market, query.symbol) };
    },
    fee: async (account, query, times) => {
      if (query.venueOrderId === undefined) return NO_ORDER_ID;
      const seen = await rowOf(calls, account, query, times);
      if (seen.kind !== 'row') return seen.kind === 'nothing' ? NONE : seen;
      return fillsIn(seen.row) ?? fillsOf(calls, account, { ...query, venueOrderId: query.venueOrderId }, times);
    },
    book: async (market, symbol, deadline) => {
      if (market === 'margin') return undefined;
      const query = { category: categoryOf(market), symbol: spelled(symbol), limit: '1' };
      const answer = await calls.ask(endpoints.books, query, deadline);
      const data = bookSchema.safeParse(succeeded(answer) ? answer.data : undefined).data;
      return data === undefined ? undefined : bookOf(data.b[0]?.[0], data.a[0]?.[0]);
    },
  };
}

const NONE: Fills = { size: '0', costs: [] };
const level = z.tuple([number], number);
const bookSchema = z.object({ a: z.array(level), b: z.array(level) });

type Seen = { readonly kind: 'row'; readonly row: OrderRow } | { readonly kind: 'nothing' } | Unseen;

/** By the venue's id where it is known, which Bybit prefers to ours. Open first: an order goes from there to the history. */
async function rowOf(calls: Calls, account: TradingAccount, order: OrderQuery, times: Times): Promise<Seen> {
  const { id, market, symbol, venueOrderId } = order;
  if (market === 'margin') return { kind: 'nothing' };
  const category = categoryOf(market);
  // Perpetuals want the symbol as well; a pair of that name may have orders of its own.
  const which = category === 'linear' ? { symbol: spelled(symbol) } : {};
  const query = {
    category,
    ...which,
    ...(venueOrderId === undefined ? { orderLinkId: id } : { orderId: venueOrderId }),
  };
  let repeat: Seen | undefined;
  for (const endpoint of [endpoints.realtime, endpoints.history]) {
    const answer = await calls.read(account, endpoint, category, query, times);
    if (!succeeded(answer)) return unseen(answer, await calls.explain(answer, times.answerBy));
    const rows = orderRows(answer.data);
    if (rows === undefined) return unreadable(answer);
    const isAsked = (row: OrderRow): boolean =>
      venueOrderId === undefined
        ? row.orderLinkId === id
        : row.orderId === venueOrderId && ['', id].includes(row.orderLinkId);
    const asked = rows.filter(isAsked);
    // Other orders than the one that was asked for: it is not known what was understood.
    if (asked.length < rows.length) return unreadable(answer);
    // A record that says that its id was taken is of another order than the one that has it.
    const row = asked.find((one) => venueOrderId !== undefined || !isRepeat(one));
    if (row !== undefined)
      return row.symbol === spelled(symbol) || venueOrderId === undefined ? { kind: 'row', row } : unreadable(answer);
    if (asked.length > 0) repeat ??= unreadable(answer);
  }
  return repeat ?? { kind: 'nothing' };
}

const feesSchema = z.record(z.string().check(z.regex(/^\w{1,20}$/)), signed);

/** What the order's own record says of its fills, fees coin by coin; undefined where it does not say enough. */
function fillsIn(row: OrderRow): Fills | undefined {
  const size = new Big(row.cumExecQty);
  if (size.eq(0)) return NONE;
  const fees = feesSchema.safeParse(row.cumFeeDetail).data;
  const averagePrice = readable(row.avgPrice);
  if (fees === undefined || Object.keys(fees).length === 0 || averagePrice === undefined) return undefined;
  const costs = Object.entries(fees).map(([feeCoin, fee]) => ({ fee: new Big(fee).toFixed(), feeCoin }));
  return { size: size.toFixed(), averagePrice: new Big(averagePrice).toFixed(), costs };
}

const fillsSchema = z.object({
  list: z.array(
    z.object({ orderId: z.string(), execType: z.string(), execPrice: anything, execQty: number, execFee: signed, feeCurrency: anything }), // prettier-ignore
  ),
});

/** Fill by fill. A perpetual's names no coin where it was paid in the coin that it settles in. */
async function fillsOf(
  { read, explain }: Calls,
  account: TradingAccount,
  { market, symbol, venueOrderId }: OrderQuery & { readonly venueOrderId: string },
  times: Times,
): Promise<Fills | Unseen> {
  const category = categoryOf(market);
  const query = { category, symbol: spelled(symbol), orderId: venueOrderId, limit: MOST_FILLS };
  const answer = await read(account, endpoints.fills, category, query, times);
  if (!succeeded(answer)) return unseen(answer, await explain(answer, times.answerBy));
  const rows = fillsSchema.safeParse(answer.data).data?.list;
  if (rows === undefined || rows.some(({ orderId }) => orderId !== venueOrderId)) return unreadable(answer);
  const settles = symbol.split('_')[1] ?? '';
  const trades = rows.filter(({ execType }) => execType === 'Trade');
  const fills = trades.map(({ execPrice, execQty, execFee, feeCurrency }) => ({
    size: execQty,
    price: readable(execPrice),
    fee: execFee,
    feeCoin: typeof feeCurrency === 'string' && feeCurrency !== '' ? feeCurrency : category === 'linear' ? settles : '',
  }));
  return fills.some(({ feeCoin }) => feeCoin === '') ? unreadable(answer) : sumOf(fills);
}
