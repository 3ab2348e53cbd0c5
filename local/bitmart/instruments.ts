// What trades here: currencies, instruments with their rules, and the house's ladder of liquidity.
// Promises the shape of the real rules (steps, minimums, precisions); the prices and ladders are ours. Never changes.
import { decimal, type Decimal } from '../exchange/decimals.ts';

export interface Instrument {
  readonly symbol: string;
  readonly symbolId: number;
  readonly base: string;
  readonly quote: string;
  readonly step: Decimal;
  readonly pricePlaces: number;
  readonly minSize: Decimal;
  readonly maxSize: Decimal;
  /** Least value of a buy and of a sell, in quote coin. */
  readonly minValue: Decimal;
  readonly trading: boolean;
  /** The house quotes `levels` prices a side, `gap` apart, each of 1, 2, 3 or 4 times `unit` base coin. */
  readonly house: { readonly mid: Decimal; readonly gap: Decimal; readonly unit: Decimal; readonly levels: number };
}

/** Fee rates of every account, as in the published trade_fee sample; charged in quote coin, as in the trade samples. */
export const TAKER_RATE: Decimal = decimal('0.0008');
export const MAKER_RATE: Decimal = decimal('0.0006');

export const CURRENCIES: Readonly<Record<string, string>> = {
  USDT: 'Tether USD',
  BTC: 'Bitcoin',
  ETH: 'Ethereum',
  NEW: 'New Coin',
};

const instrument = (
  symbolId: number,
  base: string,
  step: string,
  pricePlaces: number,
  trading: boolean,
  house: { mid: string; gap: string; unit: string; levels: number },
): Instrument => ({
  symbol: `${base}_USDT`,
  symbolId,
  base,
  quote: 'USDT',
  step: decimal(step),
  pricePlaces,
  minSize: decimal(step),
  maxSize: decimal('100000000'),
  minValue: decimal('5'),
  trading,
  house: { mid: decimal(house.mid), gap: decimal(house.gap), unit: decimal(house.unit), levels: house.levels },
});

export const INSTRUMENTS: readonly Instrument[] = [
  instrument(53, 'BTC', '0.00001', 2, true, { mid: '60000', gap: '0.50', unit: '0.25', levels: 50 }),
  instrument(54, 'ETH', '0.0001', 2, true, { mid: '3000', gap: '0.10', unit: '2.5', levels: 50 }),
  // Announced, not open yet: orders for it are refused.
  instrument(9001, 'NEW', '0.1', 4, false, { mid: '1', gap: '0.01', unit: '100', levels: 0 }),
];

/** The smallest price difference of an instrument. */
export const tickOf = (of: Instrument): Decimal => decimal(1).div(decimal(10).pow(of.pricePlaces));
