// Is an order that was found under an intent's id the order of that intent? Pure.
import Big from 'big.js';
import type { Instrument } from './instrument.ts';
import type { PlaceIntent } from './intent.ts';
import type { VenueOrder } from './venue.ts';

/**
 * Compares what the venue shows with what the intent asked for: market, symbol, side, whether it is a market order, size or notional, price.
 * Numbers were rounded down before they were sent, and the venue may round them down once more.
 * @param keepsPrice false where the venue may book another price than it was asked for
 * @returns what differs, as a sentence; undefined if it is the same order
 */
export function difference(
  intent: PlaceIntent,
  order: VenueOrder,
  instrument: Instrument | undefined,
  keepsPrice: boolean,
): string | undefined {
  const theirs = (what: string, asked: string, found: string): string =>
    `the venue has order ${order.venueOrderId} under this id with ${what} ${found}, not ${asked}; use a new id`;
  if (order.market !== undefined && order.market !== intent.market)
    return theirs('market', intent.market, order.market);
  if (order.symbol !== intent.symbol) return theirs('symbol', intent.symbol, order.symbol);
  if (order.side !== intent.side) return theirs('side', intent.side, order.side);
  if ((order.type === 'market') !== (intent.type === 'market')) return theirs('type', intent.type, order.type);
  if (keepsPrice && 'price' in intent && !matches(intent.price, order.price, instrument && [instrument.priceStep])) {
    return theirs('price', intent.price, order.price ?? 'none');
  }
  const sizeSteps = instrument && [instrument.sizeStep, instrument.minSize];
  if ('size' in intent && !matches(intent.size, order.size, sizeSteps)) {
    return theirs('size', intent.size, order.size ?? 'none');
  }
  if ('notional' in intent && !matches(intent.notional, order.notional, undefined)) {
    return theirs('notional', intent.notional, order.notional ?? 'none');
  }
  return undefined;
}

/**
 * A number that the venue does not tell cannot differ. One that it tells may be smaller than asked by what rounding down
 * can take: less than the coarsest step that may have been meant. Without the steps, by less than half.
 */
function matches(asked: string, found: string | undefined, steps: readonly string[] | undefined): boolean {
  if (found === undefined) return true;
  const missing = new Big(asked).minus(found);
  if (missing.lte(0)) return missing.eq(0);
  return steps === undefined ? missing.times(2).lt(asked) : steps.some((step) => missing.lt(step));
}
