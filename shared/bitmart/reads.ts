// BitMart's accounts as the operator and strategies read them: balances, positions and their mode, open orders, fills, fee rates.
// Paced on lanes of their own. Never writes, and is no part of what places or follows orders.
import * as z from 'zod/mini';
import { everyRow } from '../asking.ts';
import { anything, number, readable, signed, told } from '../order/amounts.ts';
import Big from 'big.js';
import type { Market } from '../order/intent.ts';
import { listed } from '../order/instrument.ts';
import type { Balance, FeeRate, Fill, OpenOrder, Position, PositionMode, Reading, Reads } from '../order/reads.ts';
import type { TradingAccount } from '../order/venue.ts';
import { spotRow, succeeded, unreadable, unseen, venueOrder } from './answers.ts';
import { candlesBy } from './candles.ts';
import { calls, type Calls, type Fields, type Outside } from './calls.ts';
import { coinsIn, contractAmount, futuresOrder, orderRow, rowId, rowSide, sideOf, spelled } from './contracts.ts';
import { endpoints, readEndpoints, type Endpoint } from './endpoints.ts';
import { contractRules, type Contract } from './instruments.ts';
import type { Rules } from '../kept.ts';

const NOTE = 'VIP fees change on the 8th, 18th and 28th of a month; read them anew then';
/** Without a range lists reach back seven days, lists of open orders too; this is as far as futures go. */
const REACH_MS = 89 * 86_400_000;
const MAX_ROWS = 200;
const MAX_OPEN_FUTURES = 100;

/** Reads a list or record; undefined where it cannot be read. */
type Reader<Content> = (data: unknown, deadline: number) => Promise<Content | undefined> | Content | undefined;
type Look = <Content extends object>(
  account: TradingAccount,
  endpoint: Endpoint,
  fields: Fields,
  deadline: number,
  reader: Reader<Content>,
) => Promise<Reading<Content>>;

export function bitmartReads(outside: Outside): Reads {
  const ways = calls(outside);
  const look = lookBy(ways);
  const contracts = contractRules(ways, outside);
  const now = (): number => outside.clock.now();
  return {
    balances: (account, market, deadline) => {
      const { endpoint, reader } = BALANCES[market];
      return look(account, endpoint, {}, deadline, reader);
    },
    positions: (account, deadline, symbol) =>
      look(account, readEndpoints.positions, named(symbol, spelled), deadline, positionsBy(contracts)),
    positionMode: (account, deadline) => look(account, readEndpoints.positionMode, {}, deadline, positionMode),
    openOrders: (account, market, deadline, symbol) => {
      if (market === 'futures') {
        const fields = { ...named(symbol, spelled), limit: String(MAX_OPEN_FUTURES) };
        return look(account, endpoints.futuresOpen, fields, deadline, futuresOrdersBy(contracts));
      }
      const range = { startTime: now() - REACH_MS, endTime: now(), limit: MAX_ROWS };
      const fields = { ...named(symbol), orderMode: modeOf(market), ...range };
      return look(account, readEndpoints.openOrders, fields, deadline, spotOrders);
    },
    fills: (account, market, deadline, symbol, since) => {
      if (market === 'futures') {
        // Seconds here, milliseconds on spot.
        const range = since === undefined ? {} : { start_time: seconds(since), end_time: seconds(now() + 60_000) };
        return look(account, endpoints.futuresTrades, { ...named(symbol, spelled), ...range }, deadline, futuresFillsBy(contracts)); // prettier-ignore
      }
      const range = since === undefined ? {} : { startTime: since, endTime: Math.max(since, now()) };
      const fields = { ...named(symbol), orderMode: modeOf(market), ...range, limit: MAX_ROWS };
      return look(account, readEndpoints.trades, fields, deadline, spotFills);
    },
    feeRates: (account, market, deadline, symbol) => {
      if (market === 'futures') return look(account, readEndpoints.futuresFeeRate, named(symbol, spelled), deadline, futuresRates(symbol)); // prettier-ignore
      if (symbol === undefined) return look(account, readEndpoints.userFee, {}, deadline, levelRates);
      return look(account, readEndpoints.tradeFee, { symbol }, deadline, symbolRates);
    },
    candles: candlesBy(ways),
  };
}

function lookBy({ read, explain }: Calls): Look {
  return async (account, endpoint, fields, deadline, reader) => {
    const answer = await read(account, endpoint, fields, { answerBy: deadline, holdBy: Infinity });
    if (succeeded(answer)) {
      const content = await reader(answer.data, deadline);
      return content === undefined ? unreadable(answer) : { kind: 'read', ...content };
    }
    const failed = unseen(answer, await explain(answer, deadline));
    return failed.kind === 'nothing' ? unreadable(answer) : failed;
  };
}

const named = (symbol: string | undefined, spell = (name: string): string => name): Fields =>
  symbol === undefined ? {} : { symbol: spell(symbol) };
const modeOf = (market: Exclude<Market, 'futures'>): string => (market === 'spot' ? 'spot' : 'iso_margin');
const seconds = (ms: number): string => String(Math.floor(ms / 1000));
const utc = (ms: number): string => new Date(ms).toISOString();

/** The contract of a row, by its name on the wire. */
async function contractOf(contracts: Rules<Contract>, name: string, deadline: number): Promise<Contract | undefined> {
  return listed(await contracts(name, deadline));
}

const walletSchema = z.object({
  wallet: z.array(z.object({ id: z.string(), available: number, frozen: number })),
});
const side = z.object({
  currency: z.string(),
  available: number,
  frozen: number,
  borrow_unpaid: anything,
  interest_unpaid: anything,
});
const marginSchema = z.object({ symbols: z.array(z.object({ symbol: z.string(), base: side, quote: side })) });
const assetsSchema = z.array(z.object({ currency: z.string(), available_balance: number, frozen_balance: number }));

const BALANCES: Readonly<
  Record<Market, { readonly endpoint: Endpoint; readonly reader: Reader<{ readonly balances: readonly Balance[] }> }>
> = {
  spot: {
    endpoint: readEndpoints.wallet,
    reader: (data) => {
      const wallet = walletSchema.safeParse(data).data?.wallet;
      return wallet && { balances: wallet.map(({ id: coin, available, frozen }) => ({ coin, available, frozen })) };
    },
  },
  margin: {
    endpoint: readEndpoints.marginAccount,
    reader: (data) => {
      const pairs = marginSchema.safeParse(data).data?.symbols;
      if (pairs === undefined) return undefined;
      const balances = pairs.flatMap(({ symbol, base, quote }) =>
        [base, quote].map(({ currency: coin, available, frozen, borrow_unpaid, interest_unpaid }) => ({
          ...{ coin, available, frozen, symbol },
          ...told({ borrowed: readable(borrow_unpaid), interest: readable(interest_unpaid) }),
        })),
      );
      return { balances };
    },
  },
  futures: {
    endpoint: readEndpoints.assets,
    reader: (data) => {
      const assets = assetsSchema.safeParse(data).data;
      return (
        assets && {
          balances: assets.map(({ currency: coin, available_balance: available, frozen_balance: frozen }) => ({
            ...{ coin, available, frozen },
          })),
        }
      );
    },
  },
};

const positionSchema = z.object({
  symbol: z.string(),
  /** Contracts; what position_amount says of a flat position is something else. */
  current_amount: contractAmount,
  /** Below 0 for a short in one-way mode. */
  position_amount: z.optional(signed),
  position_side: z.enum(['long', 'short', 'both']),
  open_type: z.optional(z.enum(['cross', 'isolated'])),
  entry_price: anything,
  mark_price: anything,
  leverage: anything,
  unrealized_pnl: anything,
  liquidation_price: anything,
});

function positionsBy(contracts: Rules<Contract>): Reader<{ readonly positions: readonly Position[] }> {
  return async (data, deadline) => {
    const rows = z.array(positionSchema).safeParse(data).data;
    const held = rows?.filter(({ current_amount: amount }) => /[1-9]/.test(amount));
    const positions = await everyRow(held, async (row): Promise<Position | undefined> => {
      const contract = await contractOf(contracts, row.symbol, deadline);
      const isOneWay = row.position_side === 'both';
      const isShort = isOneWay ? row.position_amount?.startsWith('-') : row.position_side === 'short';
      if (contract === undefined || isShort === undefined) return undefined;
      return {
        symbol: contract.instrument.symbol,
        side: isShort ? 'short' : 'long',
        size: coinsIn(row.current_amount, contract),
        positionMode: isOneWay ? 'one-way' : 'hedge',
        ...told({
          entryPrice: readable(row.entry_price),
          markPrice: readable(row.mark_price),
          leverage: readable(row.leverage),
          marginMode: row.open_type,
          unrealisedProfit: signed.safeParse(row.unrealized_pnl).data,
          liquidationPrice: readable(row.liquidation_price),
        }),
      };
    });
    return positions && { positions };
  };
}

const modeSchema = z.object({ position_mode: z.enum(['hedge_mode', 'one_way_mode']) });

function positionMode(data: unknown): { readonly positionMode: PositionMode } | undefined {
  const mode = modeSchema.safeParse(data).data?.position_mode;
  return mode && { positionMode: mode === 'hedge_mode' ? 'hedge' : 'one-way' };
}

type Orders = { readonly orders: readonly OpenOrder[]; readonly isComplete: boolean };

async function spotOrders(data: unknown): Promise<Orders | undefined> {
  const rows = z.array(z.unknown()).safeParse(data).data;
  const orders = await everyRow(rows?.map(spotRow), (row): OpenOrder | undefined => {
    if (row === undefined) return undefined;
    // Where an order has none, its own id stands there, or nothing.
    const id = row.clientOrderId === row.orderId || row.clientOrderId === '' ? undefined : row.clientOrderId;
    return { ...venueOrder(row), ...told({ clientOrderId: id }) };
  });
  return orders && { orders, isComplete: orders.length < MAX_ROWS };
}

function futuresOrdersBy(contracts: Rules<Contract>): Reader<Orders> {
  return async (data, deadline) => {
    const rows = z.array(z.unknown()).safeParse(data).data;
    const orders = await everyRow(rows?.map(orderRow), async (row): Promise<OpenOrder | undefined> => {
      const contract = row && (await contractOf(contracts, row.symbol, deadline));
      if (row === undefined || contract === undefined) return undefined;
      return { ...futuresOrder(row, contract), ...told({ clientOrderId: row.client_order_id || undefined }) };
    });
    return orders && { orders, isComplete: orders.length < MAX_OPEN_FUTURES };
  };
}

type Fills = { readonly fills: readonly Fill[]; readonly isComplete: boolean };
const spotFillSchema = z.object({
  tradeId: rowId,
  orderId: rowId,
  clientOrderId: z.optional(z.string()),
  symbol: z.string(),
  side: z.enum(['buy', 'sell']),
  price: number,
  size: number,
  fee: signed,
  feeCoinName: z.string(),
  tradeRole: z.enum(['taker', 'maker']),
  createTime: z.number(),
});
const futuresFillSchema = z.object({
  trade_id: rowId,
  order_id: rowId,
  symbol: z.string(),
  side: rowSide,
  price: contractAmount,
  vol: contractAmount,
  exec_type: z.enum(['Taker', 'Maker']),
  paid_fees: signed,
  create_time: z.number(),
});

const newestFirst = (fills: readonly Fill[] | undefined): Fills | undefined =>
  fills && { fills: fills.toSorted((a, b) => b.at.localeCompare(a.at)), isComplete: fills.length < MAX_ROWS };

async function spotFills(data: unknown): Promise<Fills | undefined> {
  const fills = await everyRow(z.array(spotFillSchema).safeParse(data).data, (row): Fill => {
    const { tradeId, orderId, symbol, side: bought, price, size, fee, feeCoinName: feeCoin, tradeRole: role } = row;
    const id = row.clientOrderId === orderId || row.clientOrderId === '' ? undefined : row.clientOrderId;
    const common = { tradeId, venueOrderId: orderId, symbol, side: bought, price, size, fee, feeCoin, role };
    return { ...common, at: utc(row.createTime), ...told({ clientOrderId: id }) };
  });
  return newestFirst(fills);
}

function futuresFillsBy(contracts: Rules<Contract>): Reader<Fills> {
  return async (data, deadline) => {
    const rows = z.array(futuresFillSchema).safeParse(data).data;
    const fills = await everyRow(rows, async (row): Promise<Fill | undefined> => {
      const contract = await contractOf(contracts, row.symbol, deadline);
      return (
        contract && {
          tradeId: row.trade_id,
          venueOrderId: row.order_id,
          symbol: contract.instrument.symbol,
          side: sideOf(row.side),
          price: row.price,
          size: coinsIn(row.vol, contract),
          fee: row.paid_fees,
          feeCoin: contract.quote,
          role: row.exec_type === 'Maker' ? 'maker' : 'taker',
          at: utc(row.create_time),
        }
      );
    });
    return newestFirst(fills);
  };
}

type Rates = { readonly rates: readonly FeeRate[]; readonly level?: string; readonly note: string };

function levelRates(data: unknown): Rates | undefined {
  const row = z.looseObject({ level: z.string() }).safeParse(data).data;
  if (row === undefined) return undefined;
  const rates = ['A', 'B', 'C', 'D'].flatMap((of) => {
    const [maker, taker] = [row[`maker_fee_rate_${of}`], row[`taker_fee_rate_${of}`]].map(readable);
    return maker === undefined || taker === undefined ? [] : [{ of: `pairs of class ${of}`, maker, taker }];
  });
  return { rates, level: row.level, note: NOTE };
}

/** Buys and sells have rates of their own, which are alike in every answer that was recorded: the dearer one is told. */
function symbolRates(data: unknown): Rates | undefined {
  const schema = z.object({ symbol: z.string(), buy_taker_fee_rate: number, sell_taker_fee_rate: number, buy_maker_fee_rate: number, sell_maker_fee_rate: number }); // prettier-ignore
  const row = schema.safeParse(data).data;
  if (row === undefined) return undefined;
  const dearer = (a: string, b: string): string => (new Big(a).gte(b) ? a : b);
  const maker = dearer(row.buy_maker_fee_rate, row.sell_maker_fee_rate);
  const taker = dearer(row.buy_taker_fee_rate, row.sell_taker_fee_rate);
  return { rates: [{ of: row.symbol, maker, taker }], note: NOTE };
}

function futuresRates(symbol: string | undefined): Reader<Rates> {
  return (data) => {
    const row = z.object({ symbol: z.string(), maker_fee_rate: signed, taker_fee_rate: signed }).safeParse(data).data;
    return (
      row && {
        rates: [{ of: symbol ?? row.symbol, maker: row.maker_fee_rate, taker: row.taker_fee_rate }],
        note: NOTE,
      }
    );
  };
}
