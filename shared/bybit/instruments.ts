// Bybit's rules for each pair and perpetual, in its own steps. Asked for one symbol at a time: that needs no paging, and a cold
// start reads one row instead of a thousand. What cannot be had gives undefined: the venue judges then. No guesses.
import * as z from 'zod/mini';
import { kept, type Rules, type Table } from '../kept.ts';
import { anything, number } from '../order/amounts.ts';
import { roundDown, type Instrument } from '../order/instrument.ts';
import type { Decimal } from '../order/intent.ts';
import { spelled, succeeded } from './answers.ts';
import type { Calls, Outside } from './calls.ts';
import { endpoints, type Category } from './endpoints.ts';
import type { Reply } from './wire.ts';

/** The maxima change on the 3rd and 17th of a month [instruments page]: hours, not days. */
const LIFETIME_MS = 2 * 3_600_000;
const MOST_KEPT = 1000;

/** The rules of one category, by the engine's symbol. */
export function rulesOf(category: Category, { ask }: Calls, { clock, random }: Outside): Rules<Instrument> {
  const rules = new Map<string, Rules<Instrument>>();
  return (symbol, deadline) => {
    const known = rules.get(symbol);
    if (known !== undefined) return known(symbol, deadline);
    const fetch = async (by: number): Promise<Table<Instrument> | undefined> =>
      tableOf(await ask(endpoints.instruments, { category, symbol: spelled(symbol) }, by), category, symbol);
    const fresh = kept(fetch, { clock, lifetimeMs: LIFETIME_MS, ...(random === undefined ? {} : { random }) });
    if (rules.size >= MOST_KEPT) rules.clear();
    rules.set(symbol, fresh);
    return fresh(symbol, deadline);
  };
}

/** The engine's symbol of a name on the wire; `unknown` where it is not listed. */
export function namesOf(category: Category, { ask }: Calls, { clock, random }: Outside): Rules<string> {
  const names = new Map<string, Rules<string>>();
  return (name, deadline) => {
    const known = names.get(name);
    if (known !== undefined) return known(name, deadline);
    const fetch = async (by: number): Promise<Table<string> | undefined> => {
      const answer = await ask(endpoints.instruments, { category, symbol: name }, by);
      const rows = succeeded(answer) ? namesSchema.safeParse(answer.data).data?.list : undefined;
      return rows && new Map(rows.map(({ symbol, baseCoin, quoteCoin }) => [symbol, `${baseCoin}_${quoteCoin}`]));
    };
    const fresh = kept(fetch, { clock, lifetimeMs: LIFETIME_MS, ...(random === undefined ? {} : { random }) });
    if (names.size >= MOST_KEPT) names.clear();
    names.set(name, fresh);
    return fresh(name, deadline);
  };
}
const namesSchema = z.object({
  list: z.array(z.object({ symbol: z.string(), baseCoin: z.string(), quoteCoin: z.string() })),
});

const listSchema = z.object({ list: z.array(z.looseObject({ symbol: z.string() })) });

/** A table of one symbol, or of none where it is not listed; whether that is an empty list or 10001 is written nowhere. */
function tableOf(answer: Reply, category: Category, symbol: string): Table<Instrument> | undefined {
  if (answer.code === '10001' && /symbol/i.test(answer.message)) return new Map();
  const rows = succeeded(answer) ? listSchema.safeParse(answer.data).data?.list : undefined;
  const row = rows?.find((one) => one.symbol === spelled(symbol));
  if (rows === undefined || (row === undefined && rows.length > 0)) return undefined;
  if (row === undefined) return new Map();
  const read = category === 'spot' ? spotInstrument(row) : perpetual(row);
  // BTCU_SDT is written like BTC_USDT there, and is another pair.
  return read !== undefined && read.symbol !== symbol ? new Map() : new Map([[symbol, read]]);
}

const above0 = number.check(z.regex(/[1-9]/));
const common = { symbol: z.string(), baseCoin: z.string(), quoteCoin: z.string(), status: z.string() };

const spotSchema = z.object({
  ...common,
  priceFilter: z.object({ tickSize: above0 }),
  lotSizeFilter: z.object({
    basePrecision: above0,
    quotePrecision: above0,
    minOrderAmt: number,
    maxLimitOrderQty: anything,
    maxMarketOrderQty: anything,
  }),
});

/** There is no smallest size but one step: minOrderQty is "no longer checked" [instruments page]. */
function spotInstrument(value: unknown): Instrument | undefined {
  const row = spotSchema.safeParse(value).data;
  if (row === undefined) return undefined;
  const { priceFilter, lotSizeFilter: lot } = row;
  return {
    symbol: `${row.baseCoin}_${row.quoteCoin}`,
    priceStep: plain(priceFilter.tickSize),
    sizeStep: plain(lot.basePrecision),
    notionalStep: plain(lot.quotePrecision),
    minSize: plain(lot.basePrecision),
    ...most('maxSize', lot.maxLimitOrderQty),
    ...most('maxMarketSize', lot.maxMarketOrderQty),
    minNotional: { buy: plain(lot.minOrderAmt), sell: plain(lot.minOrderAmt) },
    tradable: row.status === 'Trading',
  };
}

const perpetualSchema = z.object({
  ...common,
  contractType: z.literal('LinearPerpetual'),
  settleCoin: z.string(),
  priceFilter: z.object({ tickSize: above0 }),
  lotSizeFilter: z.object({
    qtyStep: above0,
    minOrderQty: number,
    minNotionalValue: z.optional(number),
    maxOrderQty: anything,
    maxMktOrderQty: anything,
  }),
});

function perpetual(value: unknown): Instrument | undefined {
  const row = perpetualSchema.safeParse(value).data;
  if (row === undefined || row.settleCoin !== row.quoteCoin) return undefined;
  const { priceFilter, lotSizeFilter: lot } = row;
  const notional = plain(lot.minNotionalValue ?? '0');
  return {
    symbol: `${row.baseCoin}_${row.quoteCoin}`,
    priceStep: plain(priceFilter.tickSize),
    sizeStep: plain(lot.qtyStep),
    minSize: plain(lot.minOrderQty),
    ...most('maxSize', lot.maxOrderQty),
    ...most('maxMarketSize', lot.maxMktOrderQty),
    minNotional: { buy: notional, sell: notional },
    tradable: row.status === 'Trading',
  };
}

/** Without trailing zeros. */
function plain(value: string): Decimal {
  return roundDown(value, '0.000000000000000001') as Decimal;
}

/** A largest size where the venue says one. */
function most<Name extends string>(name: Name, value: unknown): Partial<Record<Name, Decimal>> {
  const said = above0.safeParse(value).data;
  return said === undefined ? {} : ({ [name]: plain(said) } as Record<Name, Decimal>);
}
