// The rules an order must meet before it reaches the book: symbol, side, type, amounts, client order id.
// Promises the documented code for each breach. Never touches balances or the book.
import { floorTo, parseAmount, ZERO, type Decimal } from '../exchange/decimals.ts';
import { isRefusal, refuse, type Refusal } from './codes.ts';
import { tickOf, type Instrument } from './instruments.ts';
import { isOpen } from './orders.ts';
import type { NewOrder, OrderMode, OrderType, Side, StpMode } from './orders.ts';
import type { Exchange } from './exchange.ts';
import type { Promises } from './promises.ts';
import type { Key } from './venue.ts';

/** The part of a venue that admission asks. */
export interface Counter {
  readonly exchange: Pick<Exchange, 'instrument' | 'best' | 'ordersOf' | 'wouldCross'>;
  readonly settings: { readonly promises: Promises };
}

/** An order's fields whichever way its endpoint spells them. */
export interface OrderFields {
  readonly symbol: unknown;
  readonly side: unknown;
  readonly type: unknown;
  readonly size: unknown;
  readonly price: unknown;
  readonly notional: unknown;
  readonly clientOrderId: unknown;
  readonly stpMode: unknown;
}

const SIDES: readonly unknown[] = ['buy', 'sell'];
const TYPES: readonly unknown[] = ['limit', 'market', 'limit_maker', 'ioc'];
const STP_MODES: readonly unknown[] = ['none', 'cancel_maker', 'cancel_taker', 'cancel_both'];

const isSide = (value: unknown): value is Side => SIDES.includes(value);
const isType = (value: unknown): value is OrderType => TYPES.includes(value);
const isStpMode = (value: unknown): value is StpMode => STP_MODES.includes(value);

export const absent = (value: unknown): boolean => value === undefined || value === null || value === '';
const invalid = (what: string): Refusal => refuse(50021, `Invalid parameter: ${what}`);

/** A symbol that exists, or 50001; missing altogether, 50028. */
export const symbolOf = (venue: Counter, symbol: unknown): Instrument | Refusal => {
  if (absent(symbol)) return refuse(50028, 'Missing parameter: symbol');
  return (typeof symbol === 'string' ? venue.exchange.instrument(symbol) : undefined) ?? refuse(50001);
};

/** 1 to 32 letters and digits (50037, 50038); absent or empty is no id. */
export const clientOrderIdOf = (value: unknown): string | undefined | Refusal => {
  if (absent(value)) return undefined;
  if (typeof value !== 'string') return invalid('client order id must be a string');
  if (value.length > 32) return refuse(50037);
  return /^[A-Za-z0-9]+$/.test(value) ? value : refuse(50038);
};

/** The size: a whole number of steps between minimum and maximum. */
const sizeOf = (value: unknown, { step, minSize, maxSize }: Instrument): Decimal | Refusal => {
  if (absent(value)) return refuse(50010);
  const size = parseAmount(value);
  if (!size) return invalid('size');
  if (size.lt(minSize)) return refuse(51015, `The quantity is too small, at least ${minSize.toFixed()}`);
  if (size.gt(maxSize)) return refuse(50007, `The quantity is above the maximum of ${maxSize.toFixed()}`);
  // No source names the code for a size between two steps; 50021 is the one for an invalid parameter.
  return floorTo(size, step).eq(size) ? size : invalid(`size must be a multiple of ${step.toFixed()}`);
};

/** The price; surplus decimals are cut without a word, as the venue does. */
const priceOf = (value: unknown, instrument: Instrument): Decimal | Refusal => {
  if (absent(value)) return refuse(50011);
  const price = parseAmount(value);
  if (!price) return invalid('price');
  const cut = floorTo(price, tickOf(instrument));
  return cut.gt(0) ? cut : refuse(50008, 'The price is below the minimum');
};

interface Amounts {
  readonly price: Decimal;
  readonly size: Decimal;
  readonly notional: Decimal;
}

const marketAmounts = (venue: Counter, side: Side, fields: OrderFields, instrument: Instrument): Amounts | Refusal => {
  const least = instrument.minValue;
  if (side === 'buy') {
    // A size is ignored here, and without notional the answer is 50021 (seen live).
    const notional = parseAmount(absent(fields.notional) ? undefined : fields.notional);
    if (!notional) return invalid('notional');
    if (notional.lt(least)) return refuse(51012, `param not match : notional >=${least.toFixed()}`);
    return { price: ZERO, size: ZERO, notional };
  }
  const size = sizeOf(fields.size, instrument);
  if (isRefusal(size)) return size;
  const notional = size.times(venue.exchange.best(instrument.symbol, 'buy') ?? ZERO);
  if (notional.lt(least)) return refuse(51014, `param not match : size * price >=${least.toFixed()}`);
  return { price: ZERO, size, notional };
};

const limitAmounts = (fields: OrderFields, instrument: Instrument, leastValue: Decimal): Amounts | Refusal => {
  const size = sizeOf(fields.size, instrument);
  if (isRefusal(size)) return size;
  const price = priceOf(fields.price, instrument);
  if (isRefusal(price)) return price;
  const notional = price.times(size);
  if (notional.lt(leastValue)) return refuse(51011, `param not match : size * price >=${leastValue.toFixed()}`);
  return { price, size, notional };
};

/** Margin has a promise of its own: there the documents refuse what spot accepts and then cancels. */
const crossingOf = ({ settings }: Counter, mode: OrderMode): 'cancel' | 'refuse' =>
  (mode === 'spot' ? settings.promises : settings.promises.margin).limitMakerCrossing;

/** A placeable order out of a client's fields, or the documented refusal. Balance and repeated ids are not looked at. */
export const admit = (
  venue: Counter,
  key: Pick<Key, 'uid' | 'account'>,
  fields: OrderFields,
  mode: OrderMode = 'spot',
): NewOrder | Refusal => {
  const clientOrderId = clientOrderIdOf(fields.clientOrderId);
  if (clientOrderId !== undefined && typeof clientOrderId !== 'string') return clientOrderId;
  const instrument = symbolOf(venue, fields.symbol);
  if (isRefusal(instrument)) return instrument;
  const { side, type } = fields;
  if (absent(side) || absent(type)) return refuse(50028, `Missing parameter: ${absent(side) ? 'side' : 'type'}`);
  if (!isSide(side)) return invalid('side');
  if (!isType(type)) return invalid('type');
  const stpMode = absent(fields.stpMode) ? 'none' : fields.stpMode;
  if (!isStpMode(stpMode)) return invalid('stpMode');
  if (!instrument.trading) return refuse(51008);
  // Where crossing maker-only orders are accepted and then cancelled, those below the minimum value are as well.
  const lenient = type === 'limit_maker' && crossingOf(venue, mode) === 'cancel';
  const amounts =
    type === 'market'
      ? marketAmounts(venue, side, fields, instrument)
      : limitAmounts(fields, instrument, lenient ? ZERO : instrument.minValue);
  if (isRefusal(amounts)) return amounts;
  return { uid: key.uid, account: key.account, instrument, mode, side, type, stpMode, clientOrderId, ...amounts };
};

/** 50042 for a client order id that is taken, by the promise in force; 50034 or 50035 for a crossing maker-only order. */
export const refusalNow = (venue: Counter, order: NewOrder): Refusal | undefined => {
  const { refusesRepeatedIds } = venue.settings.promises;
  if (order.clientOrderId !== undefined && refusesRepeatedIds !== 'never') {
    const same = venue.exchange.ordersOf(order.uid, order.clientOrderId);
    if (same.some((other) => refusesRepeatedIds === 'always' || isOpen(other))) return refuse(50042);
  }
  const refuses = order.type === 'limit_maker' && crossingOf(venue, order.mode) === 'refuse';
  return refuses && venue.exchange.wouldCross(order) ? refuse(order.side === 'buy' ? 50034 : 50035) : undefined;
};
