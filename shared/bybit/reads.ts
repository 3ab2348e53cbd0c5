// Bybit's accounts as the operator and strategies read them: balances, positions and their mode, open orders, fills, fee rates.
// One wallet serves spot and perpetuals. Paced on the lanes of look-ups. Never writes, and is no part of what places or
// follows orders.
import Big from 'big.js';
import * as z from 'zod/mini';
import { everyRow, refusedHere } from '../asking.ts';
import { anything, number, readable, signed, told } from '../order/amounts.ts';
import { listed } from '../order/instrument.ts';
import type { Market } from '../order/intent.ts';
import type { Balance, FeeRate, Fill, OpenOrder, Position, PositionMode, Reading, Reads } from '../order/reads.ts';
import type { TradingAccount } from '../order/venue.ts';
import type { Rules } from '../kept.ts';
import { orderRows, spelled, succeeded, unreadable, unseen, venueOrder } from './answers.ts';
import { calls, type Calls, type Outside } from './calls.ts';
import { candlesBy } from './candles.ts';
import { endpoints, readEndpoints, type Category, type Endpoint } from './endpoints.ts';
import { categoryOf } from './instructions.ts';
import { namesOf } from './instruments.ts';

const NOTE = "the rates follow the account's level, which the exchange may change any day";
const MOST_ORDERS = 50;
const MOST_FILLS = 100;
const MOST_POSITIONS = 200;
/** Start and end lie at most seven days apart [executions page]. */
const REACH_MS = 7 * 86_400_000;
/** Ends lie ahead, since the clocks differ. */
const AHEAD_MS = 60_000;
/** Of a symbol that is asked for a row comes, whether there is a position or not. */
const ANY_SYMBOL = 'BTCUSDT';

type Query = Readonly<Record<string, string>>;
/** Reads an answer; undefined where it cannot be read. */
type Reader<Content> = (data: unknown, deadline: number) => Promise<Content | undefined> | Content | undefined;
type Look = <Content extends object>(
  account: TradingAccount,
  endpoint: Endpoint,
  category: Category,
  query: Query,
  deadline: number,
  reader: Reader<Content>,
) => Promise<Reading<Content>>;
type Names = Readonly<Record<Category, Rules<string>>>;

const NO_MARGIN = { ...refusedHere('MARKET_UNSUPPORTED', 'margin is not read from Bybit: its spot and futures share one wallet') }; // prettier-ignore

export function bybitReads(outside: Outside): Reads {
  const ways = calls(outside);
  const look = lookBy(ways);
  const names: Names = { spot: namesOf('spot', ways, outside), linear: namesOf('linear', ways, outside) };
  const now = (): number => outside.clock.now();
  return {
    balances: async (account, market, deadline) => {
      if (market === 'margin') return NO_MARGIN;
      const category = categoryOf(market);
      return look(account, readEndpoints.wallet, category, { accountType: 'UNIFIED' }, deadline, balancesOf(category));
    },
    positions: (account, deadline, symbol) => {
      const query = { category: 'linear', ...narrowed('linear', symbol), limit: String(MOST_POSITIONS) };
      return look(account, endpoints.positions, 'linear', query, deadline, positionsBy(names.linear));
    },
    positionMode: (account, deadline) =>
      look(account, endpoints.positions, 'linear', { category: 'linear', symbol: ANY_SYMBOL }, deadline, modeOf),
    openOrders: async (account, market, deadline, symbol) => {
      if (market === 'margin') return NO_MARGIN;
      const category = categoryOf(market);
      const query = { category, ...narrowed(category, symbol), openOnly: '0', limit: String(MOST_ORDERS) };
      return look(account, endpoints.realtime, category, query, deadline, ordersBy(names[category], market));
    },
    fills: async (account, market, deadline, symbol, since) => {
      if (market === 'margin') return NO_MARGIN;
      const category = categoryOf(market);
      const startTime = since === undefined ? undefined : Math.max(since, now() - REACH_MS + AHEAD_MS);
      const range = startTime === undefined ? {} : { startTime: String(startTime), endTime: String(now() + AHEAD_MS) };
      const which = symbol === undefined ? {} : { symbol: spelled(symbol) };
      const query = { category, ...which, ...range, limit: String(MOST_FILLS) };
      const isCut = since !== undefined && startTime !== since;
      return look(account, endpoints.fills, category, query, deadline, fillsBy(names[category], category, isCut));
    },
    feeRates: async (account, market, deadline, symbol) => {
      if (market === 'margin') return NO_MARGIN;
      const category = categoryOf(market);
      const query = { category, ...(symbol === undefined ? {} : { symbol: spelled(symbol) }) };
      return look(account, readEndpoints.feeRate, category, query, deadline, ratesOf(symbol));
    },
    candles: candlesBy(ways),
  };
}

function lookBy({ read, explain }: Calls): Look {
  return async (account, endpoint, category, query, deadline, reader) => {
    const answer = await read(account, endpoint, category, query, { answerBy: deadline, holdBy: Infinity });
    if (!succeeded(answer)) return unseen(answer, await explain(answer, deadline));
    const content = await reader(answer.data, deadline);
    return content === undefined ? unreadable(answer) : { kind: 'read', ...content };
  };
}

/** Perpetuals want a symbol or the coin that they settle in. */
function narrowed(category: Category, symbol: string | undefined): Query {
  if (symbol !== undefined) return { symbol: spelled(symbol) };
  return category === 'linear' ? { settleCoin: 'USDT' } : {};
}

const utc = (ms: number): string => new Date(ms).toISOString();

const walletSchema = z.object({
  list: z.array(
    z.object({
      coin: z.array(
        z.object({ coin: z.string(), walletBalance: signed, locked: anything, spotBorrow: anything, totalOrderIM: anything, totalPositionIM: anything }), // prettier-ignore
      ),
    }),
  ),
});

/**
 * What is free is not told: the fields that once did are withdrawn. It is the wallet less what is bound by spot orders and what
 * is borrowed, by the notes of the fields; for perpetuals less what orders and positions bind, too.
 */
function balancesOf(category: Category): Reader<{ readonly balances: readonly Balance[] }> {
  return (data) => {
    const coins = walletSchema.safeParse(data).data?.list[0]?.coin;
    const amount = (value: unknown): Big => new Big(readable(value) ?? '0');
    return (
      coins && {
        balances: coins.map(({ coin, walletBalance, locked, spotBorrow, totalOrderIM, totalPositionIM }): Balance => {
          const bound = category === 'linear' ? amount(totalOrderIM).plus(amount(totalPositionIM)) : new Big(0);
          const frozen = amount(locked).plus(bound);
          const free = new Big(walletBalance).minus(frozen).minus(amount(spotBorrow));
          const borrowed = amount(spotBorrow).gt(0) ? amount(spotBorrow).toFixed() : undefined;
          return {
            coin,
            available: free.lt(0) ? '0' : free.toFixed(),
            frozen: frozen.toFixed(),
            ...told({ borrowed }),
          };
        }),
      }
    );
  };
}

const positionSchema = z.object({
  symbol: z.string(),
  positionIdx: z.number(),
  side: z.enum(['Buy', 'Sell', '', 'None']),
  size: number,
  avgPrice: anything,
  markPrice: anything,
  leverage: anything,
  unrealisedPnl: anything,
  liqPrice: anything,
});
const positionsSchema = z.object({ list: z.array(positionSchema) });

/** The margin mode is the account's, and not told here. */
function positionsBy(names: Rules<string>): Reader<{ readonly positions: readonly Position[] }> {
  return async (data, deadline) => {
    const rows = positionsSchema.safeParse(data).data?.list.filter(({ size }) => /[1-9]/.test(size));
    const positions = await everyRow(rows, async (row): Promise<Position | undefined> => {
      const symbol = listed(await names(row.symbol, deadline));
      if (symbol === undefined || (row.side !== 'Buy' && row.side !== 'Sell')) return undefined;
      return {
        symbol,
        side: row.side === 'Buy' ? 'long' : 'short',
        size: new Big(row.size).toFixed(),
        positionMode: row.positionIdx === 0 ? 'one-way' : 'hedge',
        ...told({
          entryPrice: readable(row.avgPrice),
          markPrice: readable(row.markPrice),
          leverage: readable(row.leverage),
          unrealisedProfit: signed.safeParse(row.unrealisedPnl).data,
          liquidationPrice: readable(row.liqPrice),
        }),
      };
    });
    return positions && { positions };
  };
}

function modeOf(data: unknown): { readonly positionMode: PositionMode } | undefined {
  const row = positionsSchema.safeParse(data).data?.list[0];
  return row && { positionMode: row.positionIdx === 0 ? 'one-way' : 'hedge' };
}

type Orders = { readonly orders: readonly OpenOrder[]; readonly isComplete: boolean };

function ordersBy(names: Rules<string>, market: Market): Reader<Orders> {
  return async (data, deadline) => {
    const rows = orderRows(data);
    const orders = await everyRow(rows, async (row): Promise<OpenOrder | undefined> => {
      const symbol = listed(await names(row.symbol, deadline));
      if (symbol === undefined) return undefined;
      return { ...venueOrder(row, market, symbol), ...told({ clientOrderId: row.orderLinkId || undefined }) };
    });
    // The list holds some that have closed lately, too.
    const open = orders?.filter(({ state }) => state === 'open' || state === 'partially-filled');
    return open && { orders: open, isComplete: (rows?.length ?? 0) < MOST_ORDERS };
  };
}

const fillSchema = z.object({
  execId: z.string(),
  orderId: z.string(),
  orderLinkId: z.optional(z.string()),
  symbol: z.string(),
  side: z.enum(['Buy', 'Sell']),
  execPrice: number,
  execQty: number,
  execFee: signed,
  feeCurrency: z.optional(z.string()),
  isMaker: z.boolean(),
  execType: z.string(),
  execTime: z.string().check(z.regex(/^\d{12,15}$/)),
});
const fillsSchema = z.object({ list: z.array(fillSchema) });

type Fills = { readonly fills: readonly Fill[]; readonly isComplete: boolean };

/** Trades alone: funding and settlements stand in the same list. @param isCut it was asked for more than can be had at once */
function fillsBy(names: Rules<string>, category: Category, isCut: boolean): Reader<Fills> {
  return async (data, deadline) => {
    const rows = fillsSchema.safeParse(data).data?.list;
    const trades = rows?.filter(({ execType }) => execType === 'Trade');
    const fills = await everyRow(trades, async (row): Promise<Fill | undefined> => {
      const symbol = listed(await names(row.symbol, deadline));
      const feeCoin = row.feeCurrency || (category === 'linear' ? symbol?.split('_')[1] : undefined);
      if (symbol === undefined || feeCoin === undefined) return undefined;
      return {
        ...{ tradeId: row.execId, venueOrderId: row.orderId, symbol, side: row.side === 'Buy' ? 'buy' : 'sell' },
        ...{
          price: row.execPrice,
          size: row.execQty,
          fee: row.execFee,
          feeCoin,
          role: row.isMaker ? 'maker' : 'taker',
        },
        at: utc(Number(row.execTime)),
        ...told({ clientOrderId: row.orderLinkId || undefined }),
      };
    });
    const isComplete = !isCut && (rows?.length ?? 0) < MOST_FILLS;
    return fills && { fills: fills.toSorted((a, b) => b.at.localeCompare(a.at)), isComplete };
  };
}

type Rates = { readonly rates: readonly FeeRate[]; readonly note: string };
const ratesSchema = z.object({
  list: z.array(z.object({ symbol: z.string(), takerFeeRate: signed, makerFeeRate: signed })),
});

/** Of all symbols those that have the same rates are told together. */
function ratesOf(symbol: string | undefined): Reader<Rates> {
  return (data) => {
    const rows = ratesSchema.safeParse(data).data?.list;
    if (rows === undefined || rows.length === 0) return undefined;
    const groups = Map.groupBy(rows, ({ makerFeeRate, takerFeeRate }) => `${makerFeeRate} ${takerFeeRate}`);
    const rates = [...groups.values()].flatMap((group): readonly FeeRate[] => {
      const [first] = group;
      if (first === undefined) return [];
      const of = symbol ?? (group.length === 1 ? first.symbol : `${group.length} symbols, such as ${first.symbol}`);
      return [{ of, maker: first.makerFeeRate, taker: first.takerFeeRate }];
    });
    return { rates, note: NOTE };
  };
}
