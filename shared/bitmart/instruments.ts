// BitMart's rules for each symbol, read from its public table and turned into steps.
// A table that cannot be had gives undefined: the venue judges then. Never guesses a rule.
import * as z from 'zod/mini';
import type { Clock } from '../clock.ts';
import type { Decimal } from '../order/intent.ts';
import { roundDown, type Instrument } from '../order/instrument.ts';
import type { Venue } from '../order/venue.ts';
import { number } from './answers.ts';
import type { Answer, Lost } from './wire.ts';

const INSTRUMENTS_LIFETIME_MS = 300_000;

const tableSchema = z.object({ symbols: z.array(z.looseObject({ symbol: z.string() })) });
const above0 = number.check(z.regex(/[1-9]/));
const rowSchema = z.object({
  symbol: z.string(),
  /** Decimals of a price; seen as -1 for none. */
  price_max_precision: z.number().check(z.multipleOf(1), z.gte(-1), z.lte(18)),
  quote_increment: above0,
  base_min_size: number,
  min_buy_amount: number,
  min_sell_amount: number,
  trade_status: z.string(),
});

/** Asks for public data. */
export type Ask = (path: string, query: Record<string, string>, deadline: number) => Promise<Answer | Lost>;

/** The table of all symbols, loaded when first needed and kept for five minutes; a load in flight is shared. */
export function instruments(ask: Ask, clock: Clock): Venue['instrument'] {
  let table: ReadonlyMap<string, Instrument | undefined> | undefined;
  let loadedAt = 0;
  let loading: Promise<void> | undefined;
  const load = async (deadline: number): Promise<void> => {
    const answer = await ask('/spot/v1/symbols/details', {}, deadline);
    const data = tableSchema.safeParse(answer.kind === 'answer' ? answer.data : undefined);
    if (!data.success) return;
    table = new Map(data.data.symbols.map((row) => [row.symbol, instrumentOf(row)]));
    loadedAt = clock.now();
  };
  return async (symbol, deadline) => {
    if (table === undefined || clock.now() - loadedAt > INSTRUMENTS_LIFETIME_MS) {
      loading ??= load(deadline).finally(() => (loading = undefined));
      await loading;
    }
    if (table === undefined) return undefined;
    return table.has(symbol) ? table.get(symbol) : 'unknown';
  };
}

/**
 * One row; undefined where it cannot be read: then the venue judges orders in that symbol, and no other suffers.
 * Sizes: the documentation calls quote_increment the quantity step, other clients take base_min_size for it; when the
 * one is no multiple of the other the coarser step satisfies neither reading, so the documented one is used.
 */
function instrumentOf(value: unknown): Instrument | undefined {
  const row = rowSchema.safeParse(value);
  if (!row.success) return undefined;
  const { symbol, price_max_precision, quote_increment, base_min_size, min_buy_amount, min_sell_amount } = row.data;
  const sizeStep = plain(quote_increment);
  if (sizeStep === '0') return undefined;
  return {
    symbol,
    priceStep: plain(`1e-${Math.max(0, price_max_precision)}`),
    sizeStep,
    minSize: plain(base_min_size),
    minNotional: { buy: plain(min_buy_amount), sell: plain(min_sell_amount) },
    tradable: row.data.trade_status === 'trading',
  };
}

/** Without trailing zeros or exponent: the venue sends up to 30 decimals. */
function plain(value: string): Decimal {
  return roundDown(value, '0.000000000000000001') as Decimal;
}
