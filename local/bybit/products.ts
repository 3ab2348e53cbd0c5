// What trades here: spot pairs and USDT perpetuals with their rules, and the house's ladder of liquidity.
// Promises the shape of the real rules (steps, minimums, maxima); prices, ladders and the smaller ones are ours. Never changes.
import type { Ladder } from '../exchange/book.ts';
import { decimal, ZERO, type Decimal } from '../exchange/decimals.ts';

export type Category = 'spot' | 'linear';
export const CATEGORIES: readonly Category[] = ['spot', 'linear'];

export interface Product {
  /** The same symbol text exists in both categories: only the pair of both names something. */
  readonly key: string;
  readonly category: Category;
  readonly symbol: string;
  readonly symbolId: number;
  readonly base: string;
  readonly quote: 'USDT';
  readonly tick: Decimal;
  /** The step of quantities in base coin, and on spot the step of a value in quote coin. */
  readonly step: Decimal;
  readonly quoteStep: Decimal;
  /** Zero on spot, where the smallest quantity is no longer checked. */
  readonly minQty: Decimal;
  readonly minValue: Decimal;
  readonly maxLimitQty: Decimal;
  readonly maxPostOnlyQty: Decimal;
  readonly maxMarketQty: Decimal;
  readonly minPrice: Decimal;
  readonly maxPrice: Decimal;
  readonly status: 'Trading' | 'PreLaunch' | 'Closed';
  /** How far above the market a buy and below it a sell may be priced. */
  readonly band: Decimal;
  readonly maxLeverage: Decimal;
  readonly house: Ladder;
}

/** What a trade costs everybody but the house: perpetuals as in the published sample of fee rates, spot as in that of orders. */
export const RATES: Readonly<Record<Category, { readonly maker: Decimal; readonly taker: Decimal }>> = {
  spot: { maker: decimal('0.001'), taker: decimal('0.001') },
  linear: { maker: decimal('0.0001'), taker: decimal('0.0006') },
};
/** One tier for everybody (the ladder of risk limits is not modelled). */
export const MAINTENANCE_RATE: Decimal = decimal('0.005');
export const FIRST_LEVERAGE: Decimal = decimal('10');
/** What a coin that pays fees is worth here, in USDT. */
export const MNT_PRICE: Decimal = decimal('0.5');

interface Row {
  readonly id: number;
  readonly base: string;
  readonly tick: string;
  readonly step: string;
  readonly max: string;
  readonly maxMarket: string;
  readonly band: string;
  readonly status?: Product['status'];
  readonly house: { readonly mid: string; readonly gap: string; readonly unit: string; readonly levels: number };
}

const product = (category: Category, row: Row, rest: Partial<Product>): Product => ({
  key: `${category} ${row.base}USDT`,
  category,
  symbol: `${row.base}USDT`,
  symbolId: row.id,
  base: row.base,
  quote: 'USDT',
  tick: decimal(row.tick),
  step: decimal(row.step),
  quoteStep: decimal('0.0000001'),
  minQty: ZERO,
  minValue: decimal('5'),
  maxLimitQty: decimal(row.max),
  maxPostOnlyQty: decimal(row.max),
  maxMarketQty: decimal(row.maxMarket),
  minPrice: decimal(row.tick),
  maxPrice: decimal('1999999.80'),
  status: row.status ?? 'Trading',
  band: decimal(row.band),
  maxLeverage: decimal('1'),
  house: {
    mid: decimal(row.house.mid),
    gap: decimal(row.house.gap),
    unit: decimal(row.house.unit),
    levels: row.house.levels,
  },
  ...rest,
});

const spot = (row: Row, maxPostOnly = row.max): Product =>
  product('spot', row, { maxPostOnlyQty: decimal(maxPostOnly) });
const linear = (row: Row, maxLeverage: string): Product =>
  product('linear', row, { minQty: decimal(row.step), maxLeverage: decimal(maxLeverage) });

// prettier-ignore
export const PRODUCTS: readonly Product[] = [
  spot({ id: 9, base: 'BTC', tick: '0.1', step: '0.000001', max: '83', maxMarket: '41.5', band: '0.005', house: { mid: '60000', gap: '0.5', unit: '0.25', levels: 50 } }, '60000'),
  spot({ id: 10, base: 'ETH', tick: '0.01', step: '0.00001', max: '2000', maxMarket: '1000', band: '0.005', house: { mid: '3000', gap: '0.10', unit: '2.5', levels: 50 } }),
  spot({ id: 11, base: 'ATOM', tick: '0.001', step: '0.01', max: '100000', maxMarket: '50000', band: '0.05', house: { mid: '12', gap: '0.002', unit: '500', levels: 20 } }),
  // A tick that is no power of ten: the number of decimals does not say which prices are allowed.
  spot({ id: 12, base: 'SOL', tick: '0.05', step: '0.001', max: '20000', maxMarket: '10000', band: '0.03', house: { mid: '150', gap: '0.05', unit: '50', levels: 20 } }),
  // Announced, not open yet: orders for it are refused.
  spot({ id: 13, base: 'NEW', tick: '0.0001', step: '0.1', max: '1000000', maxMarket: '500000', band: '0.05', status: 'PreLaunch', house: { mid: '1', gap: '0.01', unit: '100', levels: 0 } }),
  linear({ id: 5, base: 'BTC', tick: '0.10', step: '0.001', max: '1190.000', maxMarket: '500.000', band: '0.01', house: { mid: '60000', gap: '0.5', unit: '0.25', levels: 50 } }, '100.00'),
  linear({ id: 6, base: 'ETH', tick: '0.01', step: '0.01', max: '7000.00', maxMarket: '3000.00', band: '0.01', house: { mid: '3000', gap: '0.10', unit: '2.5', levels: 50 } }, '100.00'),
  linear({ id: 7, base: 'SOL', tick: '0.050', step: '0.1', max: '80000.0', maxMarket: '16000.0', band: '0.03', house: { mid: '150', gap: '0.05', unit: '50', levels: 20 } }, '75.00'),
  linear({ id: 8, base: 'XRP', tick: '0.0005', step: '1', max: '2000000', maxMarket: '500000', band: '0.05', house: { mid: '0.6', gap: '0.0005', unit: '5000', levels: 20 } }, '75.00'),
  // Gone: still listed, orders are refused.
  linear({ id: 99, base: 'OLD', tick: '0.001', step: '1', max: '1000', maxMarket: '1000', band: '0.05', status: 'Closed', house: { mid: '1', gap: '0.001', unit: '1', levels: 0 } }, '20.00'),
];

export const COINS: readonly string[] = [...new Set(['USDT', ...PRODUCTS.map(({ base }) => base), 'MNT'])];

export const productOf = (category: Category, symbol: unknown): Product | undefined =>
  PRODUCTS.find((one) => one.category === category && one.symbol === symbol);

/** Highest price of a buy, lowest of a sell, at this price of the market. */
export const bandOf = (
  { band, tick }: Product,
  mid: Decimal,
): { readonly buyMax: Decimal; readonly sellMin: Decimal } => ({
  buyMax: mid.times(band.plus(1)).div(tick).round(0, 0).times(tick),
  sellMin: mid.times(decimal(1).minus(band)).div(tick).round(0, 3).times(tick),
});
