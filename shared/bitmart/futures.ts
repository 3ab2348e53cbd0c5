// Futures v2: placement, instructions and look-ups of USDT contracts. Sizes go out as whole contracts, rounded down.
// A cancel without an id would cancel the whole symbol: it cannot be written here, `named` makes the only body there is.
import Big from 'big.js';
import * as z from 'zod/mini';
import { anything, bookOf, bookSchema, readable, signed, sumOf } from '../order/amounts.ts';
import type { Clock } from '../clock.ts';
import type { Verdict } from '../order/report.ts';
import type { Instruction, NewOrder, OrderQuery, Sighting, Times, TradingAccount } from '../order/venue.ts';
import {
  emptiedOutcome,
  fillRows,
  placedOutcome,
  succeeded,
  takenOutcome,
  targetOutcome,
  unreadable,
  unseen,
} from './answers.ts';
import { NAMELESS, NO_ORDER_ID, refusedHere, type Reply } from '../asking.ts';
import { named, type Calls, type Fields, type MarketDesk } from './calls.ts';
import {
  coinsIn,
  contractAmount,
  contractsIn,
  futuresOrder,
  orderRow,
  pick,
  rowId,
  sideNumber,
  spelled,
} from './contracts.ts';
import { endpoints } from './endpoints.ts';
import type { Contract } from './instruments.ts';
import type { Rules } from '../kept.ts';

export type FuturesOrder = Extract<NewOrder, { readonly market: 'futures' }>;

const MAX_OPEN_ROWS = 100;
const MAX_ROWS = 200;
/** History and trades reach back at most 90 days; without a start they would reach back 7. */
const REACH_SECONDS = 89 * 86_400;
/** Their end lies ahead, since the clocks differ. */
const AHEAD_SECONDS = 60;
/** How long a request waits for contract sizes that are not there yet. */
const CONTRACTS_MS = 1000;

export interface FuturesOutside {
  readonly calls: Calls;
  readonly clock: Clock;
  readonly contracts: Rules<Contract>;
}
type Sizing = (symbol: string, deadline: number) => Promise<Contract | Verdict>;

export function futuresDesk({ calls, clock, contracts }: FuturesOutside): MarketDesk<FuturesOrder> {
  const { ask, read, write, explain } = calls;
  const sizing = sizingBy(contracts, clock);
  return {
    submit: async (account, order, within) => {
      const contract = await sizing(order.symbol, within.answerBy);
      if ('kind' in contract) return contract;
      const size = contractsIn(order.size, contract);
      if (size < 1) return tooSmall(order.size, contract);
      const times = { ...within, expiresAt: order.expiresAt };
      return write(account, endpoints.placeFutures, placement(order, size), times, placedOutcome);
    },
    instruct: (account, instruction, times) => instruct(write, sizing, account, instruction, times),
    find: (account, query, times) => find(calls, clock, sizing, account, query, times),
    fee: async (account, { symbol, venueOrderId }, times) => {
      if (venueOrderId === undefined) return NO_ORDER_ID;
      const fields = { symbol: spelled(symbol), order_id: venueOrderId, ...reach(clock) };
      const answer = await read(account, endpoints.futuresTrades, fields, times);
      const readRows = (data: unknown) => fillsSchema.safeParse(data).data;
      const rows = await fillRows(answer, readRows, () => explain(answer, times.answerBy));
      if (!Array.isArray(rows)) return rows;
      if (rows.some(({ order_id: id }) => id !== venueOrderId)) return unreadable(answer);
      const contract = await sizing(symbol, times.answerBy);
      if ('kind' in contract) return { ...UNSIZED, detail: `the size of one ${symbol} contract cannot be had` };
      return sumOf(
        rows.map(({ vol, price, paid_fees: fee }) => {
          return { size: coinsIn(vol, contract), price: readable(price), fee, feeCoin: contract.quote };
        }),
      );
    },
    book: async (symbol, deadline) => {
      const answer = await ask(endpoints.depth, { symbol: spelled(symbol) }, deadline);
      const data = bookSchema.safeParse(answer.kind === 'answer' ? answer.data : undefined).data;
      if (data === undefined) return undefined;
      // In which order the rows come is written nowhere.
      const [bids, asks] = [data.bids, data.asks].map((rows) => rows.map(([price]) => price).toSorted((a, b) => new Big(a).cmp(b))); // prettier-ignore
      return bookOf(bids?.at(-1), asks?.[0]);
    },
  };
}

const UNSIZED = { kind: 'unavailable', venueCode: 'CONTRACT_SIZE_UNKNOWN' } as const;

/** The contract of a symbol, or why nothing can be said in contracts: an old size serves as long as no new one came. */
function sizingBy(contracts: Rules<Contract>, clock: Clock): Sizing {
  const last = new Map<string, Contract>();
  return async (symbol, deadline) => {
    const given = await contracts(spelled(symbol), Math.min(deadline, clock.now() + CONTRACTS_MS));
    const contract = given === undefined || given === 'unknown' ? last.get(symbol) : given;
    if (contract?.instrument.symbol === symbol) {
      last.set(symbol, contract);
      return contract;
    }
    if (given !== undefined) return refusedHere('CONTRACT_UNKNOWN', `BitMart lists no contract ${symbol}`);
    const detail = `the size of one ${symbol} contract cannot be had, so no size can be told in contracts; nothing was sent`;
    return { ...UNSIZED, detail };
  };
}

function tooSmall(size: string, { instrument, coins, base }: Contract): Verdict {
  const detail = `size ${size} ${base} holds no whole contract of ${coins} ${base} (${instrument.symbol})`;
  return refusedHere('SIZE_BELOW_ONE_CONTRACT', detail);
}

const MODES = { limit: 1, fok: 2, ioc: 3, 'limit-maker': 4 } as const;
const STP = { 'cancel-maker': 1, 'cancel-taker': 2, 'cancel-both': 3 } as const;
const TRIGGERS = { last: 1, mark: 2 } as const;

/** Whole numbers are numbers here and decimals are texts, as the documents have them. */
function placement(order: FuturesOrder, size: number): Fields {
  const { symbol, side, reduceOnly, selfTradePrevention: stp, leverage, marginMode } = order;
  return {
    symbol: spelled(symbol),
    client_order_id: order.id,
    side: sideNumber(side, reduceOnly),
    ...(order.type === 'market' ? { type: 'market' } : { type: 'limit', mode: MODES[order.type], price: order.price }),
    size,
    ...(leverage === undefined ? {} : { leverage }),
    ...(marginMode === undefined ? {} : { open_type: marginMode }),
    ...(stp === undefined || stp === 'none' ? {} : { stp_mode: STP[stp] }),
    ...preset('preset_take_profit_price', order.takeProfit),
    ...preset('preset_stop_loss_price', order.stopLoss),
  };
}

function preset(name: string, exit: FuturesOrder['takeProfit']): Fields {
  if (exit === undefined) return {};
  return { [name]: exit.price, ...(exit.trigger === undefined ? {} : { [`${name}_type`]: TRIGGERS[exit.trigger] }) };
}

async function instruct(
  write: Calls['write'],
  sizing: Sizing,
  account: TradingAccount,
  instruction: Instruction,
  within: Times,
): Promise<Verdict> {
  const times = { ...within, expiresAt: instruction.expiresAt };
  switch (instruction.action) {
    case 'cancel': {
      const order = named(spelled(instruction.symbol), instruction.target);
      return order === undefined ? NAMELESS : write(account, endpoints.cancelFutures, order, times, cancelOutcome);
    }
    case 'cancel-all': {
      const { symbol, side } = instruction;
      // Neither can be said there: it would cancel more than was asked.
      if (!symbol || side !== undefined) return refusedHere('SYMBOL_ONLY', 'futures cancel all of one symbol, whatever the side; nothing was sent'); // prettier-ignore
      return write(account, endpoints.cancelAllFutures, { symbol: spelled(symbol) }, times, emptiedOutcome);
    }
    case 'amend': {
      const order = named(spelled(instruction.symbol), instruction.target);
      if (order === undefined) return NAMELESS;
      const contract = await sizing(instruction.symbol, within.answerBy);
      if ('kind' in contract) return contract;
      const size = contractsIn(instruction.size, contract);
      if (size < 1) return tooSmall(instruction.size, contract);
      return write(account, endpoints.amend, { ...order, price: instruction.price, size }, times, amendOutcome);
    }
    case 'set-leverage': {
      const { symbol, leverage, marginMode } = instruction;
      const fields = { symbol: spelled(symbol), leverage, open_type: marginMode };
      return write(account, endpoints.setLeverage, fields, times, takenOutcome);
    }
    case 'set-position-mode': {
      const position_mode = instruction.positionMode === 'hedge' ? 'hedge_mode' : 'one_way_mode';
      return write(account, endpoints.setPositionMode, { position_mode }, times, takenOutcome);
    }
    case 'cancel-all-after': {
      const fields = { symbol: spelled(instruction.symbol), timeout: instruction.timeoutSeconds };
      return write(account, endpoints.cancelAllAfter, fields, times, switchOutcome);
    }
  }
}

/** The answer tells no more than that: an order that was finished already gets it, too. */
function cancelOutcome(answer: Reply): Verdict | undefined {
  const detail = 'BitMart took the request; the report of the order itself tells what came of it';
  return succeeded(answer) ? { kind: 'done', detail } : targetOutcome(answer);
}

/** No report will tell what came of it: it is looked at. */
function amendOutcome(answer: Reply): Verdict | undefined {
  return succeeded(answer) ? { kind: 'taken' } : targetOutcome(answer);
}

/** Somebody relies on the dead-man switch: it is set only where the answer says so. */
function switchOutcome(answer: Reply): Verdict | undefined {
  if (!succeeded(answer)) return undefined;
  if (doneSchema.safeParse(answer.data).success) return { kind: 'done' };
  const detail = 'BitMart did not say that the dead-man switch was set';
  return { kind: 'unknown', venueCode: answer.code, detail, signedAt: answer.signedAt };
}

const reach = (clock: Clock): { readonly start_time: string; readonly end_time: string } => {
  const now = Math.floor(clock.now() / 1000);
  return { start_time: String(now - REACH_SECONDS), end_time: String(now + AHEAD_SECONDS) };
};

/** By the venue's id in one question; by ours among the symbol's open orders, then in its history, where limits are scarce. */
async function find(
  { read, explain }: Calls,
  clock: Clock,
  sizing: Sizing,
  account: TradingAccount,
  { id, symbol, venueOrderId }: OrderQuery,
  times: Times,
): Promise<Sighting> {
  const shown = async (answer: Reply, data: unknown): Promise<Sighting> => {
    const row = orderRow(data);
    if (row?.symbol !== spelled(symbol)) return unreadable(answer);
    const contract = await sizing(symbol, times.answerBy);
    if (!('kind' in contract)) return { kind: 'found', order: futuresOrder(row, contract) };
    return {
      ...UNSIZED,
      detail: `order ${row.order_id} is there, but the size of one ${symbol} contract cannot be had`,
    };
  };
  if (venueOrderId !== undefined) {
    const fields = { symbol: spelled(symbol), order_id: venueOrderId };
    const answer = await read(account, endpoints.futuresOrder, fields, times);
    if (!succeeded(answer)) return unseen(answer, await explain(answer, times.answerBy));
    const row = orderRow(answer.data);
    const isOurs = row?.order_id === venueOrderId && ['', id, null, undefined].includes(row.client_order_id);
    return isOurs ? shown(answer, answer.data) : unreadable(answer);
  }
  const open = { symbol: spelled(symbol), limit: String(MAX_OPEN_ROWS) };
  const past = { symbol: spelled(symbol), client_order_id: id, ...reach(clock) };
  const lists = [
    { endpoint: endpoints.futuresOpen, fields: open, most: MAX_OPEN_ROWS },
    { endpoint: endpoints.futuresHistory, fields: past, most: MAX_ROWS },
  ];
  let full: Reply | undefined;
  // Open first: an order moves from open to history, never back, so it cannot slip between the two questions.
  for (const { endpoint, fields, most } of lists) {
    const answer = await read(account, endpoint, fields, times);
    if (succeeded(answer)) {
      const picked = pick(answer.data, id);
      if (picked === undefined) return unreadable(answer);
      if (picked.row !== undefined) return shown(answer, picked.row);
      if (picked.rows >= most) full = answer;
    } else {
      const failed = unseen(answer, await explain(answer, times.answerBy));
      if (failed.kind !== 'nothing') return failed;
    }
  }
  if (full === undefined) return { kind: 'nothing' };
  const detail = `BitMart lists no more than ${MAX_OPEN_ROWS} open orders of ${symbol}, and this one may be among the others`;
  return { kind: 'unavailable', venueCode: full.code, detail };
}

const fillSchema = z.object({ order_id: rowId, vol: contractAmount, price: anything, paid_fees: signed });
const fillsSchema = z.array(fillSchema);
const doneSchema = z.object({ result: z.literal(true) });
