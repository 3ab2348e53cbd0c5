// Amounts and prices as venues write them, read without losing a digit, and what fills come to together. Pure.
// What cannot be read is undefined, never 0.
import Big from 'big.js';
import * as z from 'zod/mini';
import type { Book, Cost, Fills } from './venue.ts';

/** A field that may be there. */
export const anything = z.optional(z.unknown());
export const number = z.string().check(z.regex(/^\d+(\.\d+)?$/));
/** A rebate is a fee below 0. */
export const signed = z.string().check(z.regex(/^-?\d+(\.\d+)?$/));
/** An amount as text: some families send numbers. */
export const readable = (value: unknown): string | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? new Big(value).toFixed()
    : number.safeParse(value).data;
/** The entries that are there. */
export const told = <T extends object>(fields: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;

const level = z.tuple([number], number);
/** The two sides of an order book, in the rows of every family. */
export const bookSchema = z.object({ asks: z.array(level), bids: z.array(level) });
/** Best prices, of the sides that have one. */
export const bookOf = (bid: string | undefined, ask: string | undefined): Book => told({ bid, ask }) as Book;

/** One fill; its size in base coin. */
type Fill = Cost & { readonly size: string; readonly price: string | undefined };

/** All fills together, in size, average price and cost. Sums are exact, the average is good to 16 digits. */
export function sumOf(fills: readonly Fill[]): Fills {
  const sum = (amounts: readonly (string | Big)[]): Big => amounts.reduce<Big>((all, one) => all.plus(one), new Big(0));
  const size = sum(fills.map((fill) => fill.size));
  const worths = fills.flatMap(({ price, size: each }) => (price === undefined ? [] : [new Big(price).times(each)]));
  const isPriced = size.gt(0) && worths.length === fills.length;
  return {
    size: size.toFixed(),
    ...(isPriced ? { averagePrice: sum(worths).div(size).prec(16).toFixed() } : {}),
    costs: [...Map.groupBy(fills, ({ feeCoin }) => feeCoin)].map(([feeCoin, own]) => ({
      fee: sum(own.map(({ fee }) => fee)).toFixed(),
      feeCoin,
    })),
  };
}
