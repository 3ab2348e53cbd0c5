// Futures placement, amendment and cancellation. Promises that unknown or wrong-cased fields are ignored without an
// error, as on the venue: a cancel whose id is misspelt cancels the whole symbol. Never answers a query.
import { absent } from '../admission.ts';
import { isRefusal, refuse, type Refusal } from '../codes.ts';
import { jsonInteger } from '../integers.ts';
import type { Answer, Endpoint, PrivateCall, Venue } from '../venue.ts';
import { forgotten } from '../venue.ts';
import type { Scope } from '../windows.ts';
import { admit, clientOrderIdOf, closingRefusal, contractOf, invalid, priceOf, promisesOf, refusalNow, sizeOf } from './admission.ts'; // prettier-ignore
import { isWorking, type FuturesOrder } from './orders.ts';

/** The text of the refusal that was recorded for an account that cannot pay. */
const POOR = 'You contract account available balance not enough.';

const submit = (venue: Venue, { key, body, now, lag }: PrivateCall): Answer => {
  const order = admit(venue, key, body);
  if (isRefusal(order)) return order;
  const refused = refusalNow(venue, order);
  if (refused) return refused;
  const { orderIds, balanceCode } = promisesOf(venue);
  const placed = venue.futures.place(order, orderIds === 'beyond-2^53', now);
  if (!placed) return refuse(balanceCode, balanceCode === 40012 ? POOR : undefined);
  if (lag) venue.hiddenUntil.set(placed.orderId, now.realMs + lag.ms);
  const price = placed.type === 'market' ? 'market price' : placed.price.toFixed();
  return { data: { order_id: jsonInteger(placed.orderId), price } };
};

export const idText = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

/** The order a call names by order_id or else by client_order_id; undefined when it names none. */
const named = (venue: Venue, call: PrivateCall, symbol: string): FuturesOrder | Refusal | undefined => {
  const { body, key, now } = call;
  const orderId = idText(body['order_id']);
  const clientOrderId = clientOrderIdOf(body['client_order_id']);
  if (typeof clientOrderId !== 'string') return clientOrderId;
  if (orderId === '' && clientOrderId === '') return undefined;
  const byId = venue.futures.order(orderId);
  const found = orderId === '' ? venue.futures.ordersOf(key.uid, clientOrderId) : byId ? [byId] : [];
  const { forgetsUnfilledAfterMs } = promisesOf(venue);
  const mine = found.filter(
    (one) => one.uid === key.uid && one.contract.symbol === symbol && !forgotten(one, now, forgetsUnfilledAfterMs),
  );
  return mine.find(isWorking) ?? mine.at(-1) ?? refuse(orderId === '' ? 40035 : 40037);
};

/** Cancels now, or later by promise; false for an order that is finished. */
const cancelOne = (venue: Venue, order: FuturesOrder, now: PrivateCall['now']): boolean => {
  const { cancelsAfterMs } = promisesOf(venue);
  if (cancelsAfterMs === 0) return venue.futures.cancel(order, 'user', now);
  if (isWorking(order)) venue.futures.cancelAt(order, now.realMs + cancelsAfterMs);
  return isWorking(order);
};

const cancelSymbol = (venue: Venue, { key, now }: PrivateCall, symbol: string): Answer => {
  for (const order of venue.futures.working(key.uid)) {
    if (order.contract.symbol === symbol) cancelOne(venue, order, now);
  }
  return { data: {} };
};

/** Without an id, or with an empty one, every order of the symbol is cancelled (futures docs). */
const cancel = (venue: Venue, call: PrivateCall): Answer => {
  const contract = contractOf(venue, call.body['symbol']);
  if (isRefusal(contract)) return contract;
  const order = named(venue, call, contract.symbol);
  if (order === undefined) return cancelSymbol(venue, call, contract.symbol);
  if (isRefusal(order)) return order;
  const isDone = cancelOne(venue, order, call.now);
  return isDone || promisesOf(venue).cancelsFinished === 'accepted' ? { data: {} } : refuse(40036);
};

const cancelMany = (venue: Venue, call: PrivateCall): Answer => {
  const contract = contractOf(venue, call.body['symbol']);
  return isRefusal(contract) ? contract : cancelSymbol(venue, call, contract.symbol);
};

/**
 * Price, size or both of a working limit order, which loses its place in the queue and keeps its id. (The sample's
 * answer names another id than its request; no source explains that, so it is taken for carelessness.)
 */
const modify = (venue: Venue, call: PrivateCall): Answer => {
  const { body, now } = call;
  const contract = contractOf(venue, body['symbol']);
  if (isRefusal(contract)) return contract;
  const order = named(venue, call, contract.symbol);
  if (order === undefined) return invalid('order_id or client_order_id is missing');
  if (isRefusal(order)) return order;
  if (absent(body['price']) && absent(body['size'])) return invalid('price and size are missing');
  if (!isWorking(order) || order.type !== 'limit') return refuse(40036);
  const { balanceCode, makerOnlyCrossing, ...strictness } = promisesOf(venue);
  const price = absent(body['price']) ? order.price : priceOf(body['price'], contract, strictness);
  if (isRefusal(price)) return price;
  const size = absent(body['size']) ? order.size : sizeOf(body['size'], contract, contract.maxVolume, strictness);
  if (isRefusal(size)) return size;
  if (size.lte(order.dealSize)) return refuse(40044);
  const refused = closingRefusal(venue, { ...order, size: size.minus(order.dealSize) }, order);
  if (refused) return refused;
  if (order.mode === 4 && makerOnlyCrossing === 'refuse' && venue.futures.wouldCross({ ...order, price })) return refuse(40012); // prettier-ignore
  if (!venue.futures.modify(order, { price, size }, now)) return refuse(balanceCode, balanceCode === 40012 ? POOR : undefined); // prettier-ignore
  return { data: { order_id: jsonInteger(order.orderId), client_order_id: order.clientOrderId } };
};

const LEAST_SECONDS = 5;

/** The dead-man switch: every order of the symbol is cancelled `timeout` seconds from now unless it is set again. */
const cancelAllAfter = (venue: Venue, { key, body, now }: PrivateCall): Answer => {
  const contract = contractOf(venue, body['symbol']);
  if (isRefusal(contract)) return contract;
  const timeout = body['timeout'];
  const fits = typeof timeout === 'number' && Number.isInteger(timeout) && (timeout === 0 || timeout >= LEAST_SECONDS);
  if (!fits) return invalid(`timeout must be 0 or at least ${LEAST_SECONDS} whole seconds`);
  venue.futures.arm(key.uid, contract.symbol, timeout === 0 ? undefined : now.realMs + timeout * 1000);
  const setTime = Math.floor(now.venueMs / 1000);
  return { data: { result: true, set_time: setTime, cancel_time: timeout === 0 ? 0 : setTime + timeout } };
};

/** Limits from the futures documentation of 2026-02. */
export const futuresTradingEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (
    path: string,
    requests: number,
    scope: Scope,
    answer: (venue: Venue, call: PrivateCall) => Answer,
  ): Endpoint => ({
    method: 'POST',
    path: `/contract/private/${path}`,
    auth: 'SIGNED',
    permission: 'future-trade',
    limit: { requests, seconds: 2, scope },
    message: 'Ok',
    answer: (call) => answer(venue, call),
  });
  return [
    row('submit-order', 24, 'KEY', submit),
    row('modify-limit-order', 24, 'UID', modify),
    row('cancel-order', 40, 'KEY', cancel),
    row('cancel-orders', 2, 'KEY', cancelMany),
    row('cancel-all-after', 4, 'UID', cancelAllAfter),
  ];
};
