// Spot and isolated margin: one book, one family of endpoints; only the placement is spelled in two ways.
// Field names are case sensitive and unknown ones are ignored without an error, so each endpoint's are written out here.
import * as z from 'zod/mini';
import { anything, bookOf, bookSchema, number, readable, signed, sumOf } from '../order/amounts.ts';
import type { Verdict } from '../order/report.ts';
import type { Instruction, NewOrder, Sighting, Times, TradingAccount } from '../order/venue.ts';
import {
  batchOutcome,
  cancelOutcome,
  emptiedOutcome,
  fillRows,
  loanOutcome,
  placedOutcome,
  sightingOf,
  succeeded,
  unreadable,
  unseen,
} from './answers.ts';
import { NAMELESS, NO_ORDER_ID, refusedHere, type Reply } from '../asking.ts';
import { named, type Calls, type Fields, type MarketDesk } from './calls.ts';
import { endpoints } from './endpoints.ts';

/** How many orders one request takes [spot documentation, 50033]. */
export const MOST_TOGETHER = 10;
/** For how long the venue takes a request with several orders, ms: as long as where nothing is said [spot documentation]. */
const BATCH_WINDOW_MS = 5000;

export type SpotOrder = Extract<NewOrder, { readonly market: 'spot' | 'margin' }>;

export interface SpotDesk extends MarketDesk<SpotOrder> {
  submitAll(account: TradingAccount, orders: readonly SpotOrder[], times: Times): Promise<readonly Verdict[]>;
}

/** @param windowMs how long after its timestamp the venue takes any request */
export function spotDesk(calls: Calls, banMs: number, windowMs: number): SpotDesk {
  const recvWindow = Math.min(BATCH_WINDOW_MS, windowMs);
  const { ask, read, write, explain } = calls;
  const sighting = async (answer: Reply, id: string, deadline: number, venueOrderId?: string): Promise<Sighting> =>
    succeeded(answer) ? sightingOf(answer, id, banMs, venueOrderId) : unseen(answer, await explain(answer, deadline));
  return {
    submit: (account, order, within) => {
      const times = { ...within, expiresAt: order.expiresAt };
      const fields = placement(order);
      if (order.market === 'spot') {
        return write(account, endpoints.place, { ...fields, client_order_id: order.id }, times, placedOutcome);
      }
      const reading = (answer: Reply): Verdict | undefined => placedOutcome(answer) ?? loanOutcome(answer);
      return write(account, endpoints.placeMargin, { ...fields, clientOrderId: order.id }, times, reading);
    },
    submitAll: async (account, orders, within) => {
      const symbol = orders[0]?.symbol ?? '';
      const orderParams = orders.map((order) => ({ ...termsOf(order), clientOrderId: order.id }));
      const times = { ...within, expiresAt: Math.min(...orders.map(({ expiresAt }) => expiresAt)) };
      const reading = (answer: Reply): Verdict | undefined => batchOutcome(answer, orders.length);
      const verdict = await write(account, endpoints.placeAll, { symbol, recvWindow, orderParams }, times, reading);
      // The answer is about all of them together: which of its ids is whose is not said.
      const each = verdict.kind === 'unknown' ? { ...verdict, refusedAfterMs: recvWindow } : verdict;
      return orders.map(() => each);
    },
    instruct: (account, instruction, times) => instruct(write, account, instruction, times),
    find: async (account, { id, venueOrderId }, times) => {
      if (venueOrderId !== undefined) {
        // Without queryState open and past orders are searched at once.
        const answer = await read(account, endpoints.query, { orderId: venueOrderId }, times);
        return sighting(answer, id, times.answerBy, venueOrderId);
      }
      // Open first: an order moves from open to history, never back, so it cannot slip between the two questions.
      for (const queryState of ['open', 'history']) {
        const answer = await read(account, endpoints.queryClient, { clientOrderId: id, queryState }, times);
        const seen = await sighting(answer, id, times.answerBy);
        if (seen.kind !== 'nothing') return seen;
      }
      return { kind: 'nothing' };
    },
    fee: async (account, { venueOrderId }, times) => {
      if (venueOrderId === undefined) return NO_ORDER_ID;
      const answer = await read(account, endpoints.orderTrades, { orderId: venueOrderId }, times);
      const readRows = (data: unknown) => fillsSchema.safeParse(data).data;
      const rows = await fillRows(answer, readRows, () => explain(answer, times.answerBy));
      if (!Array.isArray(rows)) return rows;
      if (rows.some(({ orderId }) => orderId !== venueOrderId)) return unreadable(answer);
      return sumOf(rows.map(({ size, price, fee, feeCoinName }) => ({ size, price: readable(price), fee, feeCoin: feeCoinName }))); // prettier-ignore
    },
    book: async (symbol, deadline) => {
      const answer = await ask(endpoints.books, { symbol, limit: '1' }, deadline);
      const data = bookSchema.safeParse(answer.kind === 'answer' ? answer.data : undefined).data;
      if (data === undefined) return undefined;
      return bookOf(data.bids[0]?.[0], data.asks[0]?.[0]);
    },
  };
}

/** What both placements spell alike. */
function placement(order: SpotOrder): Fields {
  return { symbol: order.symbol, ...termsOf(order) };
}

function termsOf(order: SpotOrder): Fields {
  const { side, selfTradePrevention } = order;
  const stp = selfTradePrevention === undefined ? {} : { stpMode: selfTradePrevention.replace('-', '_') };
  const common = { side, type: order.type.replace('-', '_'), ...stp };
  if (order.type !== 'market') return { ...common, size: order.size, price: order.price };
  return 'notional' in order ? { ...common, notional: order.notional } : { ...common, size: order.size };
}

/** Spot and margin orders alike: neither endpoint asks which of the two is meant. */
async function instruct(
  write: Calls['write'],
  account: TradingAccount,
  instruction: Instruction,
  within: Times,
): Promise<Verdict> {
  const times = { ...within, expiresAt: instruction.expiresAt };
  switch (instruction.action) {
    case 'cancel': {
      const order = named(instruction.symbol, instruction.target);
      return order === undefined ? NAMELESS : write(account, endpoints.cancel, order, times, cancelOutcome);
    }
    case 'cancel-all': {
      const { symbol, side } = instruction;
      const fields = { ...(symbol === undefined ? {} : { symbol }), ...(side === undefined ? {} : { side }) };
      return write(account, endpoints.cancelAll, fields, times, emptiedOutcome);
    }
    case 'amend':
    case 'set-leverage':
    case 'set-position-mode':
    case 'cancel-all-after':
      return refusedHere('FUTURES_ONLY', `${instruction.action} is for futures alone; nothing was sent`);
  }
}

const fillSchema = z.object({
  orderId: z.string(),
  size: number,
  price: anything,
  fee: signed,
  feeCoinName: z.string().check(z.minLength(1)),
});
const fillsSchema = z.array(fillSchema);
