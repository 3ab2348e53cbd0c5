// The rules an order must meet before it is accepted: fields, amounts in their steps, price band, orderLinkId. Promises the
// code of the category for each breach. Never touches balances or the book.
import type { Side } from '../exchange/book.ts';
import { floorTo, ZERO, type Decimal } from '../exchange/decimals.ts';
import { invalid, isRefusal, refuse, type Refusal } from './codes.ts';
import { absent, amountOf, categoryOf, type Fields } from './fields.ts';
import { boundOf, limitPrice } from './prices.ts';
import { coded, valueOf, type NewOrder, type PositionIdx, type SmpType, type TimeInForce } from './orders.ts';
import { productOf, type Category, type Product } from './products.ts';
import type { Key, Venue } from './venue.ts';

const SMP_TYPES: readonly unknown[] = ['None', 'CancelMaker', 'CancelTaker', 'CancelBoth'];
const TIMES: readonly unknown[] = ['GTC', 'IOC', 'FOK', 'PostOnly'];

const isSmpType = (value: unknown): value is SmpType => SMP_TYPES.includes(value);
const isTime = (value: unknown): value is TimeInForce => TIMES.includes(value);

/** The category and the product that fields name; the symbol text alone names nothing. */
export const categoryNamed = (fields: Fields): Category | Refusal =>
  categoryOf(fields) ?? invalid('category must be spot or linear here');

export const productNamed = (fields: Fields): Product | Refusal => {
  const category = categoryNamed(fields);
  if (typeof category !== 'string') return category;
  if (absent(fields['symbol'])) return invalid('symbol is empty');
  return productOf(category, fields['symbol']) ?? refuse(10001, 'Not supported symbols');
};

/** 1 to 36 letters, digits, dashes and underscores; absent or empty is no id. */
export const linkIdOf = (value: unknown, longest: number): string | Refusal => {
  if (absent(value)) return '';
  if (typeof value !== 'string') return invalid('orderLinkId must be a string');
  if (value.length > longest) return refuse(10001, `order link id is longer than ${longest}`);
  return /^[A-Za-z0-9_-]+$/.test(value) ? value : invalid('orderLinkId has characters that are not allowed');
};

const isStep = (value: Decimal, step: Decimal): boolean => floorTo(value, step).eq(value);

/** The quantity in its unit: a whole number of steps, not above the maximum of its kind. */
export const qtyOf = (
  value: unknown,
  product: Product,
  kind: { readonly unit: NewOrder['unit']; readonly type: NewOrder['type']; readonly timeInForce: TimeInForce },
): Decimal | Refusal => {
  const { category } = product;
  const qty = amountOf(value);
  if (!qty || qty.lte(0)) return invalid('qty');
  if (kind.unit === 'quote') return isStep(qty, product.quoteStep) ? qty : refuse(170148);
  if (!isStep(qty, product.step)) return category === 'spot' ? refuse(170137) : invalid('Qty invalid');
  if (qty.lt(product.minQty)) return invalid('The number of contracts is below the minimum');
  const isPostOnly = kind.timeInForce === 'PostOnly';
  const most =
    kind.type === 'Market' ? product.maxMarketQty : isPostOnly ? product.maxPostOnlyQty : product.maxLimitQty;
  if (qty.lte(most)) return qty;
  return category === 'spot' ? refuse(170341) : invalid('The number of contracts exceeds the maximum');
};

/** Take profit, stop loss and conditional orders are not played here: refused rather than taken without effect. */
const UNSERVED = ['triggerPrice', 'takeProfit', 'stopLoss', 'tpslMode', 'bboSideType', 'tpLimitPrice', 'slLimitPrice'];

interface Kind {
  readonly side: Side;
  readonly type: NewOrder['type'];
  readonly timeInForce: TimeInForce;
  readonly smpType: SmpType;
}

const kindOf = (fields: Fields, category: Category): Kind | Refusal => {
  const wrong = (spot: number, field: string): Refusal => (category === 'spot' ? refuse(spot) : invalid(field));
  const { side, orderType } = fields;
  if (side !== 'Buy' && side !== 'Sell') return wrong(170117, 'side');
  if (orderType !== 'Limit' && orderType !== 'Market') return wrong(170116, 'orderType');
  const asked = absent(fields['timeInForce']) ? 'GTC' : fields['timeInForce'];
  if (asked === 'RPI') return refuse(coded(category, 170355, 110119));
  if (!isTime(asked)) return wrong(170115, 'timeInForce');
  const smpType = absent(fields['smpType']) ? 'None' : fields['smpType'];
  if (!isSmpType(smpType)) return invalid('smpType');
  if (!absent(fields['orderFilter']) && fields['orderFilter'] !== 'Order')
    return wrong(170201, 'orderFilter: Order alone here');
  const unserved = UNSERVED.find((field) => !absent(fields[field]));
  if (unserved !== undefined) return invalid(`${unserved} is not served by the local venue`);
  if (category === 'spot' && fields['isLeverage'] === 1) return refuse(170344);
  return {
    side: side === 'Buy' ? 'buy' : 'sell',
    type: orderType,
    timeInForce: orderType === 'Market' ? 'IOC' : asked,
    smpType,
  };
};

/** A spot market order counts in quote coin for a buy and in base coin for a sell, unless marketUnit says otherwise. */
const unitOf = (fields: Fields, category: Category, { type, side }: Kind): NewOrder['unit'] | Refusal => {
  if (category === 'linear' || type === 'Limit') return 'base';
  const { marketUnit } = fields;
  if (absent(marketUnit)) return side === 'buy' ? 'quote' : 'base';
  if (marketUnit !== 'baseCoin' && marketUnit !== 'quoteCoin') return invalid('marketUnit');
  return marketUnit === 'quoteCoin' ? 'quote' : 'base';
};

/** positionIdx as the account's mode wants it: 0 one-way, 1 or 2 in hedge mode. */
const idxOf = (value: unknown, category: Category, hedged: boolean): PositionIdx | Refusal => {
  if (category === 'spot') return 0;
  const idx = ([0, 1, 2] as const).find((one) => one === (absent(value) ? 0 : value));
  return idx !== undefined && hedged === (idx !== 0) ? idx : refuse(10001, 'position idx not match position mode');
};

/** An empty quantity, "0", with both flags closes the position as far as one order may. */
const closesAll = (fields: Fields, category: Category): boolean =>
  category === 'linear' && fields['qty'] === '0' && fields['reduceOnly'] === true && fields['closeOnTrigger'] === true;

/** An order out of a client's fields, or the refusal. Balance, repeated ids and the number of orders are not looked at. */
export const admit = (venue: Venue, key: Key, fields: Fields): NewOrder | Refusal => {
  const { exchange, settings } = venue;
  const orderLinkId = linkIdOf(fields['orderLinkId'], settings.promises.longestId);
  if (typeof orderLinkId !== 'string') return orderLinkId;
  const product = productNamed(fields);
  if (isRefusal(product)) return product;
  const { category } = product;
  const kind = kindOf(fields, category);
  if (isRefusal(kind)) return kind;
  if (product.status !== 'Trading') return refuse(coded(category, 170151, 110074));
  const unit = unitOf(fields, category, kind);
  if (typeof unit !== 'string') return unit;
  const account = exchange.account(key.uid);
  const positionIdx = idxOf(fields['positionIdx'], category, account.hedged);
  if (typeof positionIdx !== 'number') return positionIdx;
  const market = {
    product,
    mid: exchange.mid(product),
    best: exchange.depth(product, kind.side === 'buy' ? 'sell' : 'buy', 1)[0]?.price,
  };
  const price =
    kind.type === 'Limit'
      ? limitPrice(fields['price'], market, kind.side, account, settings.promises)
      : boundOf(fields, market, kind.side, settings.promises);
  if (isRefusal(price)) return price;
  const order: NewOrder = {
    ...kind,
    uid: key.uid,
    account: key.account,
    product,
    unit,
    qty: ZERO,
    price,
    marketUnit: kind.type === 'Market' && category === 'spot' ? (unit === 'quote' ? 'quoteCoin' : 'baseCoin') : '',
    orderLinkId,
    reduceOnly: category === 'linear' && fields['reduceOnly'] === true,
    closeOnTrigger: category === 'linear' && fields['closeOnTrigger'] === true,
    positionIdx,
    basePrice: market.mid,
  };
  return sized(venue, order, fields);
};

/** The order with its quantity, which for a perpetual must be able to reduce something if it says so. */
const sized = (venue: Venue, order: NewOrder, fields: Fields): NewOrder | Refusal => {
  const { product } = order;
  const most = order.type === 'Market' ? product.maxMarketQty : product.maxLimitQty;
  const held = venue.exchange.reducible(order);
  const all = closesAll(fields, product.category);
  const qty = all ? (held.gt(most) ? most : held) : qtyOf(fields['qty'], product, order);
  if (isRefusal(qty)) return qty;
  const full = { ...order, qty };
  const inHedge = order.positionIdx !== 0 && held.eq(0) && (order.positionIdx === 1) === (order.side === 'sell');
  if (product.category === 'linear' && (order.reduceOnly || inHedge) && held.eq(0)) return refuse(110017);
  // The value of a market order is judged at the market's price, not at the bound beyond which it stops.
  const value = order.type === 'Market' && order.unit === 'base' ? qty.times(order.basePrice) : valueOf(full);
  const exempt = order.reduceOnly && product.category === 'linear';
  if (!exempt && value.lt(product.minValue)) return refuse(coded(product.category, 170140, 110094));
  return full;
};
