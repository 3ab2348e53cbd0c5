// BitMart's rules for each symbol and contract, read from its public tables and turned into steps.
// A table that cannot be had gives undefined: the venue judges then. An old one serves while it is read anew. No guesses.
import Big from 'big.js';
import * as z from 'zod/mini';
import type { Decimal } from '../order/intent.ts';
import { roundDown, type Instrument } from '../order/instrument.ts';
import { kept, type Rules, type Table } from '../kept.ts';
import { anything, number } from '../order/amounts.ts';
import type { Calls, Outside } from './calls.ts';
import { endpoints } from './endpoints.ts';
import type { Reply } from '../asking.ts';

/** An empty list is no table: the venue trades something, and every order would be denied for want of its symbol. */
const tableSchema = z.object({ symbols: z.array(z.looseObject({ symbol: z.string() })).check(z.minLength(1)) });
const readTable = <Row>(answer: Reply, rowOf: (row: unknown) => Row | undefined): Table<Row> | undefined => {
  const data = tableSchema.safeParse(answer.kind === 'answer' && answer.code === '1000' ? answer.data : undefined).data;
  return data && new Map(data.symbols.map((row) => [row.symbol, rowOf(row)]));
};

/** The rules of spot and margin, by symbol. */
export function spotRules({ ask }: Calls, outside: Outside): Rules<Instrument> {
  return kept(async (deadline) => readTable(await ask(endpoints.symbols, {}, deadline), spotInstrument), outside);
}

/** A contract: its rules in coins, and what turns coins into contracts. */
export interface Contract {
  readonly instrument: Instrument;
  readonly base: string;
  readonly quote: string;
  /** Coins in one contract. */
  readonly coins: Decimal;
}

/** The contracts, by their name on the wire. */
export function contractRules({ ask }: Calls, outside: Outside): Rules<Contract> {
  return kept(async (deadline) => readTable(await ask(endpoints.contracts, {}, deadline), contractOf), outside);
}

const above0 = number.check(z.regex(/[1-9]/));
const spotSchema = z.object({
  symbol: z.string(),
  /** Decimals of a price. Anything else is no step: a guessed one would change prices. */
  price_max_precision: z.number().check(z.multipleOf(1), z.gte(0), z.lte(18)),
  quote_increment: above0,
  base_min_size: number,
  /** Seen live, not in the documents. */
  base_max_size: anything,
  min_buy_amount: number,
  min_sell_amount: number,
  trade_status: z.string(),
});

/**
 * One row; undefined where it cannot be read: then the venue judges orders in that symbol, and no other suffers.
 * Sizes: the documentation calls quote_increment the quantity step, other clients take base_min_size for it; when the
 * one is no multiple of the other the coarser step satisfies neither reading, so the documented one is used.
 */
function spotInstrument(value: unknown): Instrument | undefined {
  const row = spotSchema.safeParse(value).data;
  if (row === undefined) return undefined;
  const { symbol, price_max_precision, quote_increment, base_min_size, min_buy_amount, min_sell_amount } = row;
  const sizeStep = plain(quote_increment);
  if (sizeStep === '0') return undefined;
  return {
    symbol,
    priceStep: plain(`1e-${price_max_precision}`),
    sizeStep,
    minSize: plain(base_min_size),
    ...most('maxSize', row.base_max_size, '1'),
    minNotional: { buy: plain(min_buy_amount), sell: plain(min_sell_amount) },
    tradable: row.trade_status === 'trading',
  };
}

const contractSchema = z.object({
  symbol: z.string(),
  base_currency: z.string(),
  quote_currency: z.string(),
  contract_size: above0,
  /** A step, not a number of decimals; the documents' table calls the other one volume_precision. */
  price_precision: above0,
  vol_precision: above0,
  min_volume: number,
  max_volume: anything,
  market_max_volume: anything,
  /** Trading or Delisted; absent in older answers. */
  status: z.optional(z.string()),
});

function contractOf(value: unknown): Contract | undefined {
  const row = contractSchema.safeParse(value).data;
  if (row === undefined) return undefined;
  const { symbol, base_currency, quote_currency, contract_size, price_precision, vol_precision, status } = row;
  const coins = plain(contract_size);
  const steps = { priceStep: plain(price_precision), sizeStep: times(coins, vol_precision) };
  if ([coins, ...Object.values(steps)].includes('0' as Decimal)) return undefined;
  // The name on the wire, parted: what the base coin is called elsewhere does not matter here.
  const base = symbol.endsWith(quote_currency) ? symbol.slice(0, -quote_currency.length) : base_currency;
  return {
    instrument: {
      symbol: `${base}_${quote_currency}`,
      ...steps,
      minSize: times(coins, row.min_volume),
      ...most('maxSize', row.max_volume, coins),
      ...most('maxMarketSize', row.market_max_volume, coins),
      minNotional: { buy: '0', sell: '0' },
      tradable: status === undefined || status === 'Trading',
    },
    base,
    quote: quote_currency,
    coins,
  };
}

/** Without trailing zeros or exponent: the venue sends up to 30 decimals. */
function plain(value: string): Decimal {
  return roundDown(value, '0.000000000000000001') as Decimal;
}

function times(coins: string, contracts: string): Decimal {
  return plain(new Big(coins).times(contracts).toFixed());
}

/** A largest size, in coins, where the venue says one. */
function most<Name extends string>(name: Name, value: unknown, coins: string): Partial<Record<Name, Decimal>> {
  const said = above0.safeParse(value).data;
  return said === undefined ? {} : ({ [name]: times(coins, said) } as Record<Name, Decimal>);
}
