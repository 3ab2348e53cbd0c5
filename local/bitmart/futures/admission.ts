// The rules a futures order must meet before it reaches the book: contract, side, type, amounts, leverage, client order
// id, and what is held. Promises the documented code for each breach; where none is documented the comment says so.
import { absent } from '../admission.ts';
import { isRefusal, refuse, type Refusal } from '../codes.ts';
import { floorTo, parseAmount, ZERO, type Decimal } from '../../exchange/decimals.ts';
import type { FuturesPromises, Promises } from '../promises.ts';
import type { Key, PrivateCall, Venue } from '../venue.ts';
import { MIN_LEVERAGE, type Contract } from './contracts.ts';
import { isWorking, reduces, restOf } from './orders.ts';
import type { FuturesOrder, FuturesSide, NewFuturesOrder, OpenType, Presets, StpMode, TimeInForce } from './orders.ts';
import { held, type PositionSide, type Terms } from './positions.ts';

type Body = PrivateCall['body'];

/** Leverage and margin mode before submit-leverage has set any; which ones the venue starts with is not documented. */
export const FIRST_TERMS = { leverage: '10', openType: 'cross' } as const;

/** A call without a field it needs, or with one of the wrong kind. */
export const invalid = (what: string): Refusal => refuse(40011, `Invalid request: ${what}`);

export const contractOf = (venue: Venue, symbol: unknown): Contract | Refusal => {
  if (absent(symbol)) return invalid('symbol is missing');
  return (typeof symbol === 'string' ? venue.futures.contract(symbol) : undefined) ?? refuse(40034);
};

/** 1 to 32 letters and digits (40049, 40048); absent or empty is no id. */
export const clientOrderIdOf = (value: unknown): string | Refusal => {
  if (absent(value)) return '';
  if (typeof value !== 'string') return refuse(40007, 'client_order_id must be a string');
  if (value.length > 32) return refuse(40049);
  return /^[A-Za-z0-9]+$/.test(value) ? value : refuse(40048);
};

/** What futures keep to, with spot's promises where futures have none of their own. */
export const promisesOf = (
  venue: Venue,
): FuturesPromises & Pick<Promises, 'refusesRepeatedIds' | 'showsOrdersWithinMs'> => {
  const { promises } = venue.settings;
  const { refusesRepeatedIds, showsOrdersWithinMs, futures } = promises;
  return { refusesRepeatedIds, showsOrdersWithinMs, ...futures };
};

type Strictness = Pick<FuturesPromises, 'offStepPrices' | 'wrongTypes'>;

/** 40007 for a number as text or a text as number where the documents want the other. */
const typeRefusal = (name: string, value: unknown, wanted: 'number' | 'string', { wrongTypes }: Strictness) =>
  absent(value) || wrongTypes === 'accept' || typeof value === wanted
    ? undefined
    : refuse(40007, `Parameter parse error: ${name} must be a ${wanted}`);

/** Whole contracts between minimum and maximum. */
export const sizeOf = (
  value: unknown,
  { step, minVolume }: Contract,
  most: Decimal,
  strictness: Strictness,
): Decimal | Refusal => {
  if (absent(value)) return invalid('size is missing');
  const mistyped = typeRefusal('size', value, 'number', strictness);
  if (mistyped) return mistyped;
  const size = parseAmount(value);
  if (!size) return invalid('size is no number of contracts');
  if (!floorTo(size, step).eq(size)) return refuse(40043, `Precision is invalid: size in steps of ${step.toFixed()}`);
  return size.lt(minVolume) || size.gt(most) ? refuse(40044) : size;
};

/** A multiple of the tick. What is between two is refused, not cut as on spot: no source shows a cut, hence the promise. */
export const priceOf = (
  value: unknown,
  { tick }: Contract,
  strictness: Strictness,
  name = 'price',
): Decimal | Refusal => {
  if (absent(value)) return invalid(`${name} is missing`);
  const mistyped = typeRefusal(name, value, 'string', strictness);
  if (mistyped) return mistyped;
  const price = parseAmount(value);
  if (!price || price.lte(0)) return invalid(name);
  const onStep = floorTo(price, tick);
  if (onStep.eq(price) || (strictness.offStepPrices === 'cut' && onStep.gt(0))) return onStep;
  return refuse(40043, `Precision is invalid: ${name} in steps of ${tick.toFixed()}`);
};

export const leverageOf = (value: unknown, { maxLeverage }: Contract): Decimal | Refusal => {
  const leverage = absent(value) ? undefined : parseAmount(value);
  if (!leverage) return refuse(40040);
  if (leverage.lt(MIN_LEVERAGE)) return refuse(40030);
  return leverage.gt(maxLeverage) ? refuse(40029) : leverage;
};

export const openTypeOf = (value: unknown): OpenType | Refusal =>
  value === 'cross' || value === 'isolated' ? value : refuse(40045);

export const isOneOf = <Value>(values: readonly Value[], value: unknown): value is Value =>
  (values as readonly unknown[]).includes(value);

/** The side of the position that a futures side works on, in hedge mode. */
export const positionSideOf = (side: FuturesSide): PositionSide => (side === 1 || side === 3 ? 'long' : 'short');

const termsSet = (venue: Venue, uid: string, { symbol, maxLeverage }: Contract): Terms =>
  venue.futures.account(uid).terms.get(symbol) ?? {
    leverage: maxLeverage.gt(FIRST_TERMS.leverage) ? (parseAmount(FIRST_TERMS.leverage) ?? maxLeverage) : maxLeverage,
    openType: FIRST_TERMS.openType,
  };

/** Leverage and margin mode of an order: those asked for, which have to be those of an open position. */
const termsOf = (venue: Venue, key: Key, contract: Contract, side: FuturesSide, body: Body): Terms | Refusal => {
  const account = venue.futures.account(key.uid);
  const set = termsSet(venue, key.uid, contract);
  const mine = (['long', 'short'] as const).map((each) => held(account, contract.symbol, each));
  const open = mine.find((position) => position !== undefined);
  if (reduces({ side })) return open ?? set;
  const { opensWithoutTerms, ...strictness } = promisesOf(venue);
  const mistyped = typeRefusal('leverage', body['leverage'], 'string', strictness);
  if (mistyped) return mistyped;
  const leverage =
    opensWithoutTerms && absent(body['leverage']) ? (open ?? set).leverage : leverageOf(body['leverage'], contract);
  if (isRefusal(leverage)) return leverage;
  const openType =
    opensWithoutTerms && absent(body['open_type']) ? (open ?? set).openType : openTypeOf(body['open_type']);
  if (typeof openType !== 'string') return openType;
  if (open && !open.leverage.eq(leverage))
    return refuse(40040, 'Leverage is invalid: it differs from the open position');
  // No source names the code for the other mismatch; 40045 is the one for an invalid open type.
  if (open && open.openType !== openType)
    return refuse(40045, 'Open type is invalid: it differs from the open position');
  return { leverage, openType };
};

const NO_PRESETS: Presets = { takeProfitPriceType: 0, stopLossPriceType: 0, takeProfitPrice: '', stopLossPrice: '' };

/** One preset price as text and its type, 1 last or 2 fair price; the default type is not documented and shows as 0. */
const presetOf = (venue: Venue, contract: Contract, body: Body, name: string) => {
  const type = body[`${name}_type`];
  if (!absent(type) && !isOneOf<number>([1, 2], type)) return invalid(`${name}_type`);
  const price = absent(body[name]) ? ZERO : priceOf(body[name], contract, promisesOf(venue), name);
  if (isRefusal(price)) return price;
  return { price: price.gt(0) ? price.toFixed() : '', type: typeof type === 'number' ? type : 0 };
};

/** Take profit and stop loss of an opening order. A malformed one is refused: no source says that it is dropped. */
const presetsOf = (venue: Venue, contract: Contract, side: FuturesSide, body: Body): Presets | Refusal => {
  if (reduces({ side })) {
    const named = Object.keys(body).find((name) => name.startsWith('preset_') && !absent(body[name]));
    if (named === undefined || promisesOf(venue).presetsOnClosing === 'ignore') return NO_PRESETS;
    return invalid(`${named} is for opening orders`);
  }
  const profit = presetOf(venue, contract, body, 'preset_take_profit_price');
  if ('refused' in profit) return profit;
  const loss = presetOf(venue, contract, body, 'preset_stop_loss_price');
  if ('refused' in loss) return loss;
  return {
    takeProfitPriceType: profit.type,
    stopLossPriceType: loss.type,
    takeProfitPrice: profit.price,
    stopLossPrice: loss.price,
  };
};

interface Manner {
  readonly side: FuturesSide;
  readonly type: 'limit' | 'market';
  readonly mode: TimeInForce;
  readonly stpMode: StpMode;
}

const mannerOf = (body: Body): Manner | Refusal => {
  const { side, type = 'limit', mode = 1, stp_mode: stpMode = 1 } = body;
  if (!isOneOf<FuturesSide>([1, 2, 3, 4], side)) return refuse(40041);
  if (type !== 'limit' && type !== 'market') return refuse(40042);
  if (!isOneOf<TimeInForce>([1, 2, 3, 4], mode)) return invalid('mode');
  if (!isOneOf<StpMode>([1, 2, 3], stpMode)) return invalid('stp_mode');
  // Maker only is for limit orders; that a market order with it is refused is documented, the code is not.
  return mode === 4 && type === 'market' ? invalid('mode 4 needs type limit') : { side, type, mode, stpMode };
};

/** A placeable order out of a client's fields, or the documented refusal. Balance and repeated ids are not looked at. */
export const admit = (venue: Venue, key: Key, body: Body): NewFuturesOrder | Refusal => {
  const clientOrderId = clientOrderIdOf(body['client_order_id']);
  if (typeof clientOrderId !== 'string') return clientOrderId;
  const contract = contractOf(venue, body['symbol']);
  if (isRefusal(contract)) return contract;
  if (!contract.trading) return refuse(40014);
  const manner = mannerOf(body);
  if (isRefusal(manner)) return manner;
  const isMarket = manner.type === 'market';
  const promises = promisesOf(venue);
  const size = sizeOf(body['size'], contract, isMarket ? contract.marketMaxVolume : contract.maxVolume, promises);
  if (isRefusal(size)) return size;
  // A price that comes with a market order is ignored.
  const price = isMarket ? ZERO : priceOf(body['price'], contract, promises);
  if (isRefusal(price)) return price;
  const terms = termsOf(venue, key, contract, manner.side, body);
  if (isRefusal(terms)) return terms;
  const { positionMode } = venue.futures.account(key.uid);
  const presets = presetsOf(venue, contract, manner.side, body);
  if ('refused' in presets) return presets;
  const { leverage, openType } = terms;
  const { uid, account } = key;
  return { uid, account, contract, ...manner, clientOrderId, price, size, leverage, openType, presets, positionMode };
};

/** 40021 with nothing to close, 40020 when working orders and this one together would close more than is held. */
export const closingRefusal = (venue: Venue, order: NewFuturesOrder, except?: FuturesOrder): Refusal | undefined => {
  if (!reduces(order)) return undefined;
  const { uid, contract, side, size } = order;
  const position = held(venue.futures.account(uid), contract.symbol, positionSideOf(side));
  if (!position) return refuse(40021);
  const pending = venue.futures
    .working(uid)
    .filter((one) => one !== except && one.contract === contract && one.side === side)
    .reduce((sum, one) => sum.plus(restOf(one)), ZERO);
  return pending.plus(size).gt(position.amount) ? refuse(40020) : undefined;
};

/** 40050 for a client order id that is taken, by the promise in force; 40012 for a crossing maker-only order. */
export const refusalNow = (venue: Venue, order: NewFuturesOrder): Refusal | undefined => {
  const { refusesRepeatedIds, makerOnlyCrossing } = promisesOf(venue);
  if (order.clientOrderId !== '' && refusesRepeatedIds !== 'never') {
    const same = venue.futures.ordersOf(order.uid, order.clientOrderId);
    if (same.some((other) => refusesRepeatedIds === 'always' || isWorking(other))) return refuse(40050);
  }
  if (order.mode === 4 && makerOnlyCrossing === 'refuse' && venue.futures.wouldCross(order)) return refuse(40012);
  return closingRefusal(venue, order);
};
