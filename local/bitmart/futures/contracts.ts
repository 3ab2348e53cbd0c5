// The contracts: how many coins one is, in which steps it is priced, how far it may be levered, and the house's ladder.
// Promises the shape of the real rules; the figures of the smaller ones are ours. Never changes.
import { decimal, type Decimal } from '../../exchange/decimals.ts';

export interface Contract {
  readonly symbol: string;
  readonly base: string;
  /** The spot symbol whose price this contract follows; undefined: control moves it by its own symbol. */
  readonly index: string | undefined;
  /** Coins per contract. */
  readonly coins: Decimal;
  /** The price step, not a number of decimals ("price_precision"). */
  readonly tick: Decimal;
  /** The step of the number of contracts ("vol_precision"). */
  readonly step: Decimal;
  readonly minVolume: Decimal;
  readonly maxVolume: Decimal;
  readonly marketMaxVolume: Decimal;
  readonly maxLeverage: Decimal;
  readonly trading: boolean;
  /** The house quotes `levels` prices a side, `gap` apart, each of 1, 2, 3 or 4 times `unit` contracts. */
  readonly house: { readonly mid: Decimal; readonly gap: Decimal; readonly unit: Decimal; readonly levels: number };
}

/** As in the published trade-fee-rate sample; charged in USDT. */
export const FUTURES_TAKER_RATE: Decimal = decimal('0.0006');
export const FUTURES_MAKER_RATE: Decimal = decimal('0.0002');
export const MIN_LEVERAGE: Decimal = decimal('1');
/** One bracket for everybody (the ladder of brackets is not modelled). */
export const MAINTENANCE_RATE: Decimal = decimal('0.004');
export const MAX_NOTIONAL = '500000';

interface Row {
  readonly symbol: string;
  readonly index?: string;
  readonly coins: string;
  readonly tick: string;
  readonly maxLeverage: number;
  readonly trading?: boolean;
  readonly house: { readonly mid: string; readonly gap: string; readonly unit: string; readonly levels: number };
}

const contract = ({ symbol, index, coins, tick, maxLeverage, trading = true, house }: Row): Contract => ({
  symbol,
  base: symbol.slice(0, -'USDT'.length),
  index,
  coins: decimal(coins),
  tick: decimal(tick),
  step: decimal('1'),
  minVolume: decimal('1'),
  maxVolume: decimal('500000'),
  marketMaxVolume: decimal('50000'),
  maxLeverage: decimal(maxLeverage),
  trading,
  house: { mid: decimal(house.mid), gap: decimal(house.gap), unit: decimal(house.unit), levels: house.levels },
});

// prettier-ignore
export const CONTRACTS: readonly Contract[] = [
  contract({ symbol: 'BTCUSDT', index: 'BTC_USDT', coins: '0.001', tick: '0.1', maxLeverage: 100, house: { mid: '60000', gap: '0.5', unit: '250', levels: 50 } }),
  contract({ symbol: 'ETHUSDT', index: 'ETH_USDT', coins: '0.01', tick: '0.01', maxLeverage: 100, house: { mid: '3000', gap: '0.10', unit: '250', levels: 50 } }),
  // A contract that is no power of ten of a coin: coins do not divide into it without a rest.
  contract({ symbol: 'SOLUSDT', coins: '0.3', tick: '0.01', maxLeverage: 50, house: { mid: '150', gap: '0.05', unit: '200', levels: 50 } }),
  // A tick that is no power of ten: the number of decimals does not say which prices are allowed.
  contract({ symbol: 'XRPUSDT', coins: '10', tick: '0.0005', maxLeverage: 50, house: { mid: '0.6', gap: '0.0005', unit: '500', levels: 50 } }),
  // Gone: still listed in the details, orders are refused.
  contract({ symbol: 'OLDUSDT', coins: '1', tick: '0.001', maxLeverage: 20, trading: false, house: { mid: '1', gap: '0.001', unit: '1', levels: 0 } }),
];
