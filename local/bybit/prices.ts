// Prices: steps, the band that spot refuses at and perpetuals move to, the bound of market orders. Promises that a moved
// price is the nearest one allowed. Never touches an order.
import type { Side } from '../exchange/book.ts';
import { decimal, floorTo, type Decimal } from '../exchange/decimals.ts';
import { invalid, refuse, type Refusal } from './codes.ts';
import { amountOf, type Fields } from './fields.ts';
import type { Account } from './positions.ts';
import { bandOf, type Product } from './products.ts';
import type { Promises } from './promises.ts';

export interface Market {
  readonly product: Product;
  readonly mid: Decimal;
  readonly best: Decimal | undefined;
}

const bandRefusal = (product: Product, side: Side, limit: Decimal, { bandCode }: Promises): Refusal => {
  if (product.category === 'linear') {
    return bandCode === 30208 ? refuse(side === 'buy' ? 30208 : 30209) : refuse(side === 'buy' ? 110121 : 110120);
  }
  const way = side === 'buy' ? 'higher' : 'lower';
  const text = `Order price cannot be ${way} than ${limit.toFixed()}, the price limitation.`;
  return refuse(side === 'buy' ? 170372 : 170371, text);
};

/**
 * A limit price. Outside the band spot refuses it and perpetuals take the nearest one allowed without a word; the account's
 * settings turn either round. The two settings have opposite senses: lpaSpot moves, lpaPerp refuses.
 */
export const limitPrice = (
  value: unknown,
  { product, mid }: Market,
  side: Side,
  { lpaSpot, lpaPerp }: Account,
  promises: Promises,
): Decimal | Refusal => {
  const isSpot = product.category === 'spot';
  const price = amountOf(value);
  if (!price) return invalid('price');
  if (price.lte(0)) return isSpot ? refuse(170133) : refuse(110003);
  if (!floorTo(price, product.tick).eq(price))
    return isSpot ? refuse(170134) : invalid('price is not a multiple of the tick');
  if (!isSpot && (price.lt(product.minPrice) || price.gt(product.maxPrice))) return refuse(110003);
  const { buyMax, sellMin } = bandOf(product, mid);
  const limit = side === 'buy' ? buyMax : sellMin;
  const isInside = side === 'buy' ? price.lte(limit) : price.gte(limit);
  if (isInside) return price;
  const moves = isSpot ? lpaSpot : !lpaPerp;
  return moves ? limit : bandRefusal(product, side, limit, promises);
};

/** How far from the best price a market order may trade: its own tolerance, or the venue's bound. */
const toleranceOf = (fields: Fields, { product, best, mid }: Market, bound: Decimal): Decimal | Refusal => {
  const { slippageToleranceType: kind, slippageTolerance } = fields;
  const from = best ?? mid;
  if (kind === undefined || kind === '') return from.times(bound);
  const tolerance = amountOf(slippageTolerance);
  if (kind === 'TickSize') {
    const fits = tolerance?.round(0, 0).eq(tolerance) === true && tolerance.gte(1) && tolerance.lte(10_000);
    return fits ? product.tick.times(tolerance) : refuse(110108);
  }
  if (kind !== 'Percent') return invalid('slippageToleranceType');
  const fits = tolerance?.round(2, 0).eq(tolerance) === true && tolerance.gte('0.01') && tolerance.lte(10);
  return fits ? from.times(tolerance).div(100) : refuse(110109);
};

/** The price beyond which a market order does not trade, in whole ticks. */
export const boundOf = (fields: Fields, market: Market, side: Side, { marketBound }: Promises): Decimal | Refusal => {
  const { product, best, mid } = market;
  const away = toleranceOf(fields, market, decimal(marketBound));
  if ('refused' in away) return away;
  const from = best ?? mid;
  const edge = floorTo(side === 'buy' ? from.plus(away) : from.minus(away), product.tick);
  return edge.gt(product.tick) ? edge : product.tick;
};
