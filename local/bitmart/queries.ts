// Spot queries of orders and fills. Promises the venue's blindness as well: orders not yet shown and orders forgotten
// are not found. Never changes anything.
import { symbolOf } from './admission.ts';
import { isRefusal, refuse, type Refusal } from './codes.ts';
import { placesOf, shown, ZERO } from '../exchange/decimals.ts';
import { isOpen, type Fill, type Order } from './orders.ts';
import { isShown, type Answer, type Endpoint, type PrivateCall, type Venue } from './venue.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_ROWS = 200;
/** Quote amounts are shown with eight decimals, as in the samples. */
const VALUE_PLACES = 8;

const common = (order: Order) => ({
  orderId: order.orderId,
  clientOrderId: order.clientOrderId,
  symbol: order.instrument.symbol,
  side: order.side,
  orderMode: order.mode,
  type: order.type,
  stpMode: order.stpMode,
});

const orderRow = (order: Order): object => {
  const { instrument, filledSize, filledNotional } = order;
  const sizePlaces = placesOf(instrument.step);
  const average = filledSize.gt(0) ? filledNotional.div(filledSize) : ZERO;
  return {
    ...common(order),
    state: order.state,
    cancelSource: order.cancelSource,
    price: shown(order.price, instrument.pricePlaces),
    priceAvg: shown(average, instrument.pricePlaces),
    size: shown(order.size, sizePlaces),
    filledSize: shown(filledSize, sizePlaces),
    notional: shown(order.notional, VALUE_PLACES),
    filledNotional: shown(filledNotional, VALUE_PLACES),
    createTime: order.createTime,
    updateTime: order.updateTime,
  };
};

const fillRow = (fill: Fill): object => {
  const { instrument } = fill.order;
  return {
    tradeId: fill.tradeId,
    ...common(fill.order),
    price: shown(fill.price, instrument.pricePlaces),
    size: shown(fill.size, placesOf(instrument.step)),
    notional: shown(fill.notional, VALUE_PLACES),
    fee: shown(fill.fee, VALUE_PLACES),
    feeCoinName: instrument.quote,
    tradeRole: fill.role,
    createTime: fill.time,
    updateTime: fill.time,
  };
};

type Select = (order: Order) => boolean;

/** Open, history or, without queryState, both; 52003 for anything else. */
const stateFilter = (queryState: unknown): Select | Refusal => {
  if (queryState === undefined || queryState === '') return () => true;
  if (queryState === 'open') return isOpen;
  return queryState === 'history' ? (order) => !isOpen(order) : refuse(52003, 'Unsupported queryState');
};

const one = (venue: Venue, call: PrivateCall, found: readonly Order[]): Answer => {
  const inState = stateFilter(call.body['queryState']);
  if (typeof inState !== 'function') return inState;
  const visible = found.filter((order) => order.uid === call.key.uid && inState(order) && isShown(venue, order, call));
  // Several orders share an id only while repeated ids are accepted: the open one first, else the latest.
  const order = visible.find(isOpen) ?? visible.at(-1);
  return order ? { data: orderRow(order) } : refuse(50005);
};

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

const byOrderId = (venue: Venue, call: PrivateCall): Answer => {
  const orderId = textOf(call.body['orderId']);
  if (orderId === '') return refuse(50039);
  return one(
    venue,
    call,
    [venue.exchange.order(orderId)].filter((order) => order !== undefined),
  );
};

const byClientOrderId = (venue: Venue, call: PrivateCall): Answer => {
  const clientOrderId = textOf(call.body['clientOrderId']);
  if (clientOrderId === '') return refuse(50039);
  return one(venue, call, venue.exchange.ordersOf(call.key.uid, clientOrderId));
};

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
  readonly symbol: string | undefined;
  readonly mode: string | undefined;
}

const wholeNumber = (value: unknown): number | undefined | Refusal => {
  if (value === undefined || value === '') return undefined;
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number)
    ? number
    : refuse(50021, 'Invalid parameter: not an integer');
};

/** symbol, orderMode, startTime, endTime and limit of a list query; without a range the last seven days, at most 200 rows. */
const rangeOf = (venue: Venue, { body, now }: PrivateCall): Range | Refusal => {
  const instrument =
    body['symbol'] === undefined || body['symbol'] === '' ? undefined : symbolOf(venue, body['symbol']);
  if (instrument && isRefusal(instrument)) return instrument;
  // Without orderMode both modes are listed: the documents call it a filter.
  const mode = body['orderMode'] === '' ? undefined : body['orderMode'];
  if (mode !== undefined && mode !== 'spot' && mode !== 'iso_margin') return refuse(52000, 'Unsupported OrderMode');
  const numbers = [body['startTime'], body['endTime'], body['limit']].map(wholeNumber);
  const wrong = numbers.find((number) => typeof number === 'object');
  if (wrong) return wrong;
  const [start, end, limit = MAX_ROWS] = numbers.map((number) => (typeof number === 'number' ? number : undefined));
  if (limit < 1) return refuse(50015, 'Limit is less than 1');
  if (limit > MAX_ROWS) return refuse(50016, `Limit is above the maximum of ${MAX_ROWS}`);
  const toMs = end ?? Number.POSITIVE_INFINITY;
  const fromMs = start ?? (end ?? now.venueMs) - WEEK_MS;
  if (toMs < fromMs) return refuse(52004, 'endTime is earlier than startTime');
  return { fromMs, toMs, limit, symbol: instrument?.symbol, mode };
};

const isIn = ({ symbol, mode }: Range, order: Order): boolean =>
  (symbol === undefined || order.instrument.symbol === symbol) && (mode === undefined || order.mode === mode);

const list = (venue: Venue, call: PrivateCall, select: Select): Answer => {
  const range = rangeOf(venue, call);
  if (isRefusal(range)) return range;
  const rows = venue.exchange
    .ordersOf(call.key.uid)
    .filter((order) => order.createTime >= range.fromMs && order.createTime <= range.toMs)
    .filter((order) => isIn(range, order))
    .filter((order) => select(order) && isShown(venue, order, call));
  return { data: rows.toReversed().slice(0, range.limit).map(orderRow) };
};

const trades = (venue: Venue, call: PrivateCall): Answer => {
  const range = rangeOf(venue, call);
  if (isRefusal(range)) return range;
  const rows = venue.exchange
    .fills(call.key.uid)
    .filter(({ time }) => time >= range.fromMs && time <= range.toMs)
    .filter(({ order }) => isIn(range, order))
    .filter(({ order }) => isShown(venue, order, call));
  return { data: rows.toReversed().slice(0, range.limit).map(fillRow) };
};

const orderTrades = (venue: Venue, call: PrivateCall): Answer => {
  const orderId = textOf(call.body['orderId']);
  if (orderId === '') return refuse(50039);
  const order = venue.exchange.order(orderId);
  if (order?.uid !== call.key.uid || !isShown(venue, order, call)) return refuse(50005);
  return {
    data: venue.exchange
      .fills(order.uid)
      .filter((fill) => fill.order === order)
      .map(fillRow),
  };
};

/** Limits from the spot documentation of 2025-05. Reading needs no trade permission. */
export const queryEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (path: string, requests: number, answer: (call: PrivateCall) => Answer): Endpoint => ({
    method: 'POST',
    path: `/spot/v4/query/${path}`,
    auth: 'SIGNED',
    permission: 'read',
    limit: { requests, seconds: 2, scope: 'KEY' },
    message: 'success',
    answer,
  });
  return [
    row('order', 50, (call) => byOrderId(venue, call)),
    row('client-order', 50, (call) => byClientOrderId(venue, call)),
    row('open-orders', 12, (call) => list(venue, call, isOpen)),
    row('history-orders', 12, (call) => list(venue, call, (order) => !isOpen(order))),
    row('trades', 12, (call) => trades(venue, call)),
    row('order-trades', 12, (call) => orderTrades(venue, call)),
  ];
};
