// Spot placement and cancellation, in the field spellings of each endpoint. Promises that unknown or wrong-cased fields
// are ignored without an error, as on the venue. Never answers a query.
import { admit, clientOrderIdOf, refusalNow, symbolOf, type OrderFields } from './admission.ts';
import { isRefusal, refuse, type Refusal } from './codes.ts';
import { ZERO, type Decimal } from '../exchange/decimals.ts';
import { isOpen, type NewOrder, type Order } from './orders.ts';
import { forgotten, type Answer, type Endpoint, type PrivateCall, type Venue } from './venue.ts';

type Body = PrivateCall['body'];

const MAX_BATCH = 10;

/** The spelling of v2 submit: client_order_id, but stpMode. */
export const snakeFields = (body: Body): OrderFields => ({
  symbol: body['symbol'],
  side: body['side'],
  type: body['type'],
  size: body['size'],
  price: body['price'],
  notional: body['notional'],
  clientOrderId: body['client_order_id'],
  stpMode: body['stpMode'],
});

/** The spelling of the v4 batch: clientOrderId; the symbol is the batch's. */
const camelFields = (symbol: unknown, body: Body): OrderFields => ({
  ...snakeFields(body),
  symbol,
  clientOrderId: body['clientOrderId'],
});

const isRecord = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const place = (venue: Venue, call: PrivateCall, order: NewOrder): Order | Refusal => {
  const refused = refusalNow(venue, order);
  if (refused) return refused;
  const placed = venue.exchange.place(order, venue.settings.promises.marketBuyEnds, call.now);
  if (!placed) return refuse(50020);
  if (call.lag) venue.hiddenUntil.set(placed.orderId, call.now.realMs + call.lag.ms);
  return placed;
};

const submit = (venue: Venue, call: PrivateCall): Answer => {
  const order = admit(venue, call.key, snakeFields(call.body));
  if (isRefusal(order)) return order;
  const placed = place(venue, call, order);
  return isRefusal(placed) ? placed : { data: { order_id: placed.orderId } };
};

/** The first reason why a batch cannot be booked as a whole, its own repetitions and its total cost included. */
const refusalOfBatch = (venue: Venue, orders: readonly (NewOrder | Refusal)[]): Refusal | undefined => {
  const ids = new Set<string>();
  const costs = new Map<string, Decimal>();
  for (const order of orders) {
    if (isRefusal(order)) return order;
    const refused = refusalNow(venue, order);
    if (refused) return refused;
    const repeats = order.clientOrderId !== undefined && ids.has(order.clientOrderId);
    if (repeats && venue.settings.promises.refusesRepeatedIds !== 'never') return refuse(50042);
    ids.add(order.clientOrderId ?? '');
    const { currency, amount } = venue.exchange.costOf(order);
    const cost = (costs.get(currency) ?? ZERO).plus(amount);
    costs.set(currency, cost);
    if (venue.exchange.ledger.balance(order.uid, currency).available.lt(cost)) return refuse(50020);
  }
  return undefined;
};

/**
 * How a batch fails in part is not documented, hence the promise `batch`: `atomic` places all or nothing and answers
 * with the first refusal; `fewer-ids` places what it can and lists only those; `inner-code` does the same and says so
 * in the inner code; `other-order` is atomic and lists the ids in another order than they were asked for.
 */
const submitBatch = (venue: Venue, call: PrivateCall): Answer => {
  const asked: unknown = call.body['orderParams'];
  if (!Array.isArray(asked) || asked.length < 1 || asked.length > MAX_BATCH) return refuse(50033);
  const rows: readonly unknown[] = asked;
  const orders = rows.map((row) =>
    isRecord(row)
      ? admit(venue, call.key, camelFields(call.body['symbol'], row))
      : refuse(50021, 'Invalid parameter: orderParams'),
  );
  const { batch } = venue.settings.promises;
  const isAtomic = batch === 'atomic' || batch === 'other-order';
  const refused = isAtomic ? refusalOfBatch(venue, orders) : undefined;
  if (refused) return refused;
  const placed = orders.map((order) => (isRefusal(order) ? order : place(venue, call, order)));
  const orderIds = placed.flatMap((one) => (isRefusal(one) ? [] : [one.orderId]));
  const failed = placed.find(isRefusal);
  const inner =
    failed && batch === 'inner-code' ? { code: failed.refused, msg: failed.message } : { code: 0, msg: 'success' };
  return { data: { ...inner, data: { orderIds: batch === 'other-order' ? orderIds.reverse() : orderIds } } };
};

/** The order a cancel names; an order of another UID, another symbol or one that is forgotten does not exist. */
const target = (
  venue: Venue,
  call: PrivateCall,
  symbol: string,
  ids: { orderId?: string; clientOrderId?: string },
): Order | undefined => {
  const mine = venue.exchange.ordersOf(call.key.uid, ids.clientOrderId);
  const named =
    ids.orderId === undefined ? mine : [venue.exchange.order(ids.orderId)].filter((one) => one !== undefined);
  const candidates = named.filter(
    (one) =>
      one.uid === call.key.uid &&
      one.instrument.symbol === symbol &&
      !forgotten(one, call.now, venue.settings.promises.forgetsUnfilledAfterMs),
  );
  return candidates.find(isOpen) ?? candidates.at(-1);
};

const idText = (value: unknown): string | undefined =>
  (typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : undefined;

const cancel = (venue: Venue, call: PrivateCall): Answer => {
  const instrument = symbolOf(venue, call.body['symbol']);
  if (isRefusal(instrument)) return instrument;
  const orderId = idText(call.body['order_id']);
  const clientOrderId = clientOrderIdOf(call.body['client_order_id']);
  if (clientOrderId !== undefined && typeof clientOrderId !== 'string') return clientOrderId;
  if (orderId === undefined && clientOrderId === undefined) return refuse(50039);
  if (orderId !== undefined && clientOrderId !== undefined) {
    return refuse(50000, 'Bad Request [send either order_id or client_order_id, not both]');
  }
  const ids = orderId === undefined ? { clientOrderId: clientOrderId ?? '' } : { orderId };
  const order = target(venue, call, instrument.symbol, ids);
  if (!order) return refuse(50032);
  if (venue.exchange.cancel(order, 'user', call.now)) return { data: { result: true } };
  if (venue.settings.promises.cancelsFinished === 'result-false') return { data: { result: false } };
  return refuse(order.state === 'filled' ? 50031 : 50030);
};

const cancelMany = (venue: Venue, call: PrivateCall): Answer => {
  const instrument = symbolOf(venue, call.body['symbol']);
  if (isRefusal(instrument)) return instrument;
  const { orderIds, clientOrderIds } = call.body;
  const byClient = orderIds === undefined;
  const asked: unknown = byClient ? clientOrderIds : orderIds;
  if (asked === undefined) return refuse(50039);
  if (!Array.isArray(asked) || asked.length < 1 || asked.length > MAX_BATCH) return refuse(50033);
  const ids: readonly unknown[] = asked;
  const successIds: string[] = [];
  const failIds: string[] = [];
  for (const asText of ids.map((id) => idText(id) ?? '')) {
    const named = target(venue, call, instrument.symbol, byClient ? { clientOrderId: asText } : { orderId: asText });
    const done = named !== undefined && venue.exchange.cancel(named, 'user', call.now);
    (done ? successIds : failIds).push(asText);
  }
  const counts = { totalCount: ids.length, successCount: successIds.length, failedCount: failIds.length };
  return { data: { successIds, failIds, ...counts } };
};

const cancelAll = (venue: Venue, call: PrivateCall): Answer => {
  const { symbol, side } = call.body;
  const instrument = symbol === undefined || symbol === '' ? undefined : symbolOf(venue, symbol);
  if (instrument && isRefusal(instrument)) return instrument;
  if (side !== undefined && side !== '' && side !== 'buy' && side !== 'sell')
    return refuse(50021, 'Invalid parameter: side');
  const open = venue.exchange
    .ordersOf(call.key.uid)
    .filter((one) => isOpen(one) && (!instrument || one.instrument === instrument) && (!side || one.side === side));
  for (const order of open) venue.exchange.cancel(order, 'user', call.now);
  return { data: {} };
};

/** Limits from the spot documentation of 2025-05. */
export const tradingEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (
    path: string,
    requests: number,
    seconds: number,
    answer: (venue: Venue, call: PrivateCall) => Answer,
  ): Endpoint => ({
    method: 'POST',
    path,
    auth: 'SIGNED',
    permission: 'spot-trade',
    limit: { requests, seconds, scope: 'UID' },
    message: 'OK',
    answer: (call) => answer(venue, call),
  });
  return [
    row('/spot/v2/submit_order', 40, 2, submit),
    row('/spot/v4/batch_orders', 40, 2, submitBatch),
    row('/spot/v3/cancel_order', 40, 2, cancel),
    row('/spot/v4/cancel_orders', 40, 2, cancelMany),
    row('/spot/v4/cancel_all', 1, 3, cancelAll),
  ];
};
