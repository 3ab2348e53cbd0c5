// Exact amounts. Promises that money never passes through a float and that nothing is rounded up; divisions are cut
// after 40 places. Never prints an exponent.
import Big from 'big.js';

export type Decimal = Big;

const Exact = Big();
Exact.DP = 40;
Exact.RM = 0; // towards zero: an exchange never gives away a fraction it does not have

export const ZERO: Decimal = new Exact(0);

/** An exact decimal from trusted text. Throws on anything that is not a number: untrusted input goes through parseAmount. */
export const decimal = (value: string | number): Decimal => new Exact(value);

const PLAIN = /^\d{1,30}(\.\d{1,30})?$/;

/** A non-negative amount as a client may send it, text or JSON number; undefined when it is neither. */
export const parseAmount = (value: unknown): Decimal | undefined => {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? new Exact(value) : undefined;
  return typeof value === 'string' && PLAIN.test(value) ? new Exact(value) : undefined;
};

/** The largest multiple of `step` that is not above `value`. */
export const floorTo = (value: Decimal, step: Decimal): Decimal => value.div(step).round(0, 0).times(step);

/** Text with exactly `places` decimals, cut, not rounded. */
export const shown = (value: Decimal, places: number): string => value.toFixed(places, 0);

/** The number of decimals that a step such as 0.00001 allows. */
export const placesOf = (step: Decimal): number => step.toFixed().split('.')[1]?.length ?? 0;

export const smaller = (a: Decimal, b: Decimal): Decimal => (a.lt(b) ? a : b);
