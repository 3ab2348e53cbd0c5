// The venue's rules for one symbol, in steps, in the engine's own words. Data only.
// Rounding is always down: an order may become smaller than asked, never larger or dearer.
import Big from 'big.js';
import type { Decimal } from './intent.ts';

export interface Instrument {
  readonly symbol: string;
  /** Prices are multiples of this. */
  readonly priceStep: Decimal;
  /** Sizes, in base coin, are multiples of this. */
  readonly sizeStep: Decimal;
  /** What a market buy spends, in quote coin, is a multiple of this, where the venue says so. */
  readonly notionalStep?: Decimal;
  /** Smallest size, in base coin; one step where the venue has none. */
  readonly minSize: Decimal;
  /** Largest size of one order, in base coin, where the venue says one; market orders may have a smaller one. */
  readonly maxSize?: Decimal;
  readonly maxMarketSize?: Decimal;
  /** Smallest value of an order, in quote coin, by side; 0 where there is none. */
  readonly minNotional: { readonly buy: string; readonly sell: string };
  /** False while the venue takes no orders for it (not yet open, paused, delisted). */
  readonly tradable: boolean;
}

/** What a venue answered of its rules, where it gave any: `unknown` is what it does not list, undefined what cannot be had. */
export function listed<Rules>(answer: Rules | 'unknown' | undefined): Rules | undefined {
  return answer === 'unknown' ? undefined : answer;
}

/**
 * The largest multiple of `step` that is not above `value`, as a plain decimal ("0" if there is none).
 * @example roundDown('0.0000199', '0.00001') // '0.00001'
 */
export function roundDown(value: string, step: string): string {
  // Not by division: that rounds to a number of places, half up.
  return new Big(value).minus(new Big(value).mod(step)).toFixed();
}

/** The smallest multiple of `step` that is not below `value`: what a message may advise, never what is sent. */
export function roundUp(value: Big, step: string): string {
  return value.div(step).round(0, Big.roundUp).times(step).toFixed();
}
