// The fields of a request, and the few kinds of values in them. Promises that nothing is guessed from another type: numbers
// are strings on this venue. Never throws.
import { parseAmount, type Decimal } from '../exchange/decimals.ts';
import { invalid, type Refusal } from './codes.ts';
import { CATEGORIES, type Category } from './products.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const absent = (value: unknown): boolean => value === undefined || value === null || value === '';

export const amountOf = (value: unknown): Decimal | undefined =>
  typeof value === 'string' ? parseAmount(value) : undefined;

/** Text that is there; undefined for nothing and for any other type. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A whole number from text, within its bounds; the default when it is absent. */
export const wholeOf = (
  name: string,
  value: unknown,
  fallback: number,
  least: number,
  most: number,
): number | Refusal => {
  if (absent(value)) return fallback;
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  return number >= least && number <= most ? number : invalid(`${name} must be from ${least} to ${most}`);
};

/** The category that a request is for; undefined where it names none that is served here. */
export const categoryOf = (fields: Fields): Category | undefined =>
  CATEGORIES.find((category) => category === fields['category']);
