// Placing, amending and cancelling one order. Promises that success means accepted for processing and nothing more: what is
// asked for is done later, or not at all. Never answers a query.
import type { Fate } from './exchange.ts';
import { absent, textOf, type Fields } from './fields.ts';
import { admit, linkIdOf, productNamed, qtyOf } from './admission.ts';
import { invalid, isRefusal, refuse, type Refusal } from './codes.ts';
import { coded, isClosed, isOpen, type NewOrder, type Order } from './orders.ts';
import { limitPrice } from './prices.ts';
import type { Product } from './products.ts';
import { forgotten } from './sight.ts';
import type { PrivateCall, Venue } from './venue.ts';

const MAX_OPEN = 500;

/** Whether an id is taken for a product, by the promises in force. */
const isTaken = (venue: Venue, uid: string, product: Product, id: string, nowMs: number): boolean => {
  const { refusesRepeatedIds, forgetsIdsAfterMs, rejectedOrdersConsumeIds, idsAreUniquePer } = venue.settings.promises;
  if (id === '' || refusesRepeatedIds === 'never') return false;
  const shares = (other: { readonly category: string; readonly symbol: string }): boolean =>
    idsAreUniquePer === 'account' ||
    (other.category === product.category && (idsAreUniquePer === 'category' || other.symbol === product.symbol));
  const isRemembered = (sinceMs: number): boolean =>
    refusesRepeatedIds === 'always' && (forgetsIdsAfterMs === null || nowMs - sinceMs < forgetsIdsAfterMs);
  const byOrder = venue.exchange.ordersOf(uid, id).some((order) => {
    if (!shares(order.product)) return false;
    if (!isClosed(order)) return true;
    return (order.status !== 'Rejected' || rejectedOrdersConsumeIds) && isRemembered(order.finishedAtMs);
  });
  return byOrder || (venue.consumedIds.get(`${uid} ${id}`) ?? []).some((one) => shares(one) && isRemembered(one.atMs));
};

/** The refusal that depends on the moment: a taken id, too many orders, a post-only order refused at once. */
const refusalNow = (
  venue: Venue,
  { uid, product, orderLinkId, ...order }: NewOrder,
  nowMs: number,
): Refusal | undefined => {
  const { category } = product;
  if (isTaken(venue, uid, product, orderLinkId, nowMs)) return refuse(coded(category, 170141, 110072));
  const working = venue.exchange
    .working(uid)
    .filter((one) => (category === 'spot' ? one.product.category === 'spot' : one.product === product));
  if (working.length >= MAX_OPEN) return refuse(coded(category, 170810, 110020));
  const refuses = order.timeInForce === 'PostOnly' && venue.settings.promises.postOnlyCrossing === 'refused';
  const crosses = refuses && category === 'spot' && venue.exchange.wouldCross({ uid, product, orderLinkId, ...order });
  return crosses ? refuse(170218) : undefined;
};

/** How an order goes on after its acceptance: by a fault, by a promise, or into the book. */
const fateOf = (venue: Venue, { fate, now }: PrivateCall, order: NewOrder): Fate => {
  const { actsAfterMs, marketBuyEnds, postOnlyCrossing } = venue.settings.promises;
  const dueMs = now.realMs + actsAfterMs;
  const end = fate && { status: fate.status, rejectReason: fate.reason, cancelType: 'UNKNOWN' };
  const isRejected =
    order.timeInForce === 'PostOnly' && postOnlyCrossing === 'rejected' && venue.exchange.wouldCross(order);
  const rejected = { status: 'Rejected' as const, rejectReason: 'EC_PostOnlyWillTakeLiquidity', cancelType: 'UNKNOWN' };
  return { dueMs, buyEnds: marketBuyEnds, end: end ?? (isRejected ? rejected : undefined) };
};

/** Where refused orders use their ids up, this one's is gone. */
const consume = (venue: Venue, { key, now }: PrivateCall, fields: Fields): void => {
  const product = productNamed(fields);
  const id = textOf(fields['orderLinkId']);
  if (!venue.settings.promises.refusedOrdersConsumeIds || id === undefined || isRefusal(product)) return;
  const name = `${key.uid} ${id}`;
  const { category, symbol } = product;
  venue.consumedIds.set(name, [...(venue.consumedIds.get(name) ?? []), { category, symbol, atMs: now.realMs }]);
};

const accepted = (venue: Venue, call: PrivateCall, fields: Fields): Order | Refusal => {
  const { key, now, lag } = call;
  const order = admit(venue, key, fields);
  if (isRefusal(order)) return order;
  const refused = refusalNow(venue, order, now.realMs);
  if (refused) return refused;
  const placed = venue.exchange.accept(order, fateOf(venue, call, order), now);
  if (!placed) return refuse(coded(order.product.category, 170131, 110007));
  if (lag) venue.hiddenUntil.set(placed.orderId, now.realMs + lag.ms);
  return placed;
};

/** Takes one order for processing. */
export const place = (venue: Venue, call: PrivateCall, fields: Fields): Order | Refusal => {
  const placed = accepted(venue, call, fields);
  if (isRefusal(placed) && placed.refused !== 170141 && placed.refused !== 110072) consume(venue, call, fields);
  return placed;
};

/** The order that a cancel or an amendment names: orderId wins; one that is not booked yet does not exist yet. */
const target = (venue: Venue, { key, now }: PrivateCall, product: Product, fields: Fields): Order | Refusal => {
  const orderId = textOf(fields['orderId']);
  const linkId = linkIdOf(fields['orderLinkId'], 45);
  if (typeof linkId !== 'string') return linkId;
  if (orderId === undefined && linkId === '') return invalid('orderId or orderLinkId is required');
  const named =
    orderId === undefined
      ? venue.exchange.ordersOf(key.uid, linkId)
      : [venue.exchange.order(orderId)].filter((one) => one !== undefined);
  const mine = named.filter(
    (one) => one.uid === key.uid && one.product === product && one.status !== 'Accepted' && !forgotten(venue, one, now),
  );
  return mine.find(isOpen) ?? mine.at(-1) ?? refuse(coded(product.category, 170213, 110001));
};

/** A finished order, in the code that says how it ended, or as if it did not exist. */
const finishedRefusal = (venue: Venue, { status, product: { category } }: Order): Refusal => {
  if (venue.settings.promises.cancelsFinished === 'not-found') return refuse(coded(category, 170213, 110001));
  return status === 'Filled' ? refuse(coded(category, 170139, 110008)) : refuse(coded(category, 170142, 110010));
};

const openTarget = (venue: Venue, call: PrivateCall, fields: Fields): Order | Refusal => {
  const product = productNamed(fields);
  if (isRefusal(product)) return product;
  const order = target(venue, call, product, fields);
  return isRefusal(order) || isOpen(order) ? order : finishedRefusal(venue, order);
};

/** Takes one cancel for processing; the order may still be filled until it is acted on. */
export const cancel = (venue: Venue, call: PrivateCall, fields: Fields): Order | Refusal => {
  const order = openTarget(venue, call, fields);
  if (!isRefusal(order)) venue.exchange.cancelAt(order, call.now.realMs + venue.settings.promises.cancelsAfterMs);
  return order;
};

/** Takes one change of price or quantity for processing; what is left out stays. */
export const amend = (venue: Venue, call: PrivateCall, fields: Fields): Order | Refusal => {
  const { exchange, settings } = venue;
  const order = openTarget(venue, call, fields);
  if (isRefusal(order)) return order;
  if (absent(fields['qty']) && absent(fields['price'])) return invalid('nothing to change: send qty or price');
  const { product, side } = order;
  const market = { product, mid: exchange.mid(product), best: undefined };
  const price = absent(fields['price'])
    ? order.price
    : limitPrice(fields['price'], market, side, exchange.account(order.uid), settings.promises);
  if (isRefusal(price)) return price;
  const qty = absent(fields['qty']) ? order.qty : qtyOf(fields['qty'], product, order);
  if (isRefusal(qty)) return qty;
  if (qty.lte(order.filledQty)) return refuse(coded(product.category, 170313, 110064));
  if (qty.times(price).lt(product.minValue)) return refuse(coded(product.category, 170140, 110094));
  if (!exchange.carries(order, { price, qty })) return refuse(coded(product.category, 170131, 110007));
  exchange.amendAt(order, { price, qty }, call.now.realMs + settings.promises.cancelsAfterMs);
  return order;
};

/** The products that symbol, baseCoin or settleCoin select; linear needs one of the three. */
export const selected = (fields: Fields, category: Product['category']): ((product: Product) => boolean) | Refusal => {
  const [symbol, baseCoin, settleCoin] = ['symbol', 'baseCoin', 'settleCoin'].map((name) => textOf(fields[name]));
  if (symbol !== undefined) {
    const product = productNamed(fields);
    return isRefusal(product) ? product : (one) => one === product;
  }
  if (category === 'linear' && baseCoin === undefined && settleCoin === undefined) {
    return invalid('symbol, baseCoin or settleCoin is required');
  }
  return (one) =>
    one.category === category &&
    (baseCoin === undefined || one.base === baseCoin) &&
    (settleCoin === undefined || one.quote === settleCoin);
};

/** Takes the cancelling of all open orders selected, at most 500. */
export const cancelAll = (
  venue: Venue,
  call: PrivateCall,
  category: Product['category'],
): readonly Order[] | Refusal => {
  const isMeant = selected(call.body, category);
  if (typeof isMeant !== 'function') return isMeant;
  const open = venue.exchange
    .working(call.key.uid)
    .filter((one) => isOpen(one) && isMeant(one.product))
    .slice(0, MAX_OPEN);
  for (const order of open) venue.exchange.cancelAt(order, call.now.realMs + venue.settings.promises.cancelsAfterMs);
  return open;
};
