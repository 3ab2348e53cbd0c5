// Queries of orders and fills. Promises an empty list for what is not known, never an error, and pages by a cursor that
// holds percent signs as the venue's do. Never changes anything.
import { categoryNamed } from './admission.ts';
import { invalid, isRefusal, refuse, type Refusal } from './codes.ts';
import { textOf, wholeOf } from './fields.ts';
import { isOpen, type Order } from './orders.ts';
import type { Category } from './products.ts';
import { fillRow, historyRow, orderRow } from './rows.ts';
import { inFills, inHistory, inRealtime } from './sight.ts';
import { selected } from './trading.ts';
import { signed, type Answer, type Endpoint, type PrivateCall, type Venue } from './venue.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/** The place a cursor names. One client sends it as it came, another encodes it once more: both are understood. */
const placeOf = (cursor: string | undefined): number | Refusal => {
  if (cursor === undefined) return 0;
  const [, place] = /^page_token(?:=|%3D)(\d{1,9})(?:&|%26)$/.exec(cursor) ?? [];
  return place === undefined ? invalid('cursor') : Number(place);
};

/** One page of rows, and the cursor of the next; limit and cursor are looked at here alone. */
const page = (
  call: PrivateCall,
  category: Category,
  rows: readonly object[],
  most: number,
  fallback: number,
): Answer => {
  const limit = wholeOf('limit', call.body['limit'], fallback, 1, most);
  if (typeof limit !== 'number') return limit;
  const from = placeOf(textOf(call.body['cursor']));
  if (typeof from !== 'number') return from;
  const next = from + limit < rows.length ? encodeURIComponent(`page_token=${from + limit}&`) : '';
  return { result: { list: rows.slice(from, from + limit), nextPageCursor: next, category } };
};

/** The orders that ids or symbols select, by the priority orderId, orderLinkId, symbol. */
const asked = (
  venue: Venue,
  { key, body }: PrivateCall,
  category: Category,
): { readonly orders: readonly Order[]; readonly byId: boolean } | Refusal => {
  const [orderId, linkId] = [textOf(body['orderId']), textOf(body['orderLinkId'])];
  const byId = orderId !== undefined || linkId !== undefined;
  const isMeant = selected(body, category);
  // Spot needs no symbol with an id; that perpetuals do is how the page of open orders reads.
  if (typeof isMeant !== 'function') return isMeant;
  const mine = venue.exchange
    .ordersOf(key.uid, orderId === undefined ? linkId : undefined)
    .filter(({ product }) => isMeant(product));
  if (orderId !== undefined) return { orders: mine.filter((one) => one.orderId === orderId), byId };
  return { orders: mine, byId };
};

const newestFirst = (orders: readonly Order[]): readonly Order[] => orders.toReversed();

/** Open orders, with openOnly 1 the last closed ones; with an id both, whatever openOnly says. */
const realtime = (venue: Venue, call: PrivateCall): Answer => {
  const category = categoryNamed(call.body);
  if (typeof category !== 'string') return category;
  const found = asked(venue, call, category);
  if (isRefusal(found)) return found;
  const wantsClosed = call.body['openOnly'] === '1';
  const rows = inRealtime(venue, category, found.orders, call).filter(
    (one) => found.byId || isOpen(one) !== wantsClosed,
  );
  return page(call, category, newestFirst(rows).map(orderRow), 50, 20);
};

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** startTime and endTime, at most seven days apart; without them the last seven days. */
const rangeOf = (call: PrivateCall): Range | Refusal => {
  const { body, now } = call;
  const most = Number.MAX_SAFE_INTEGER;
  const start = wholeOf('startTime', body['startTime'], -1, 0, most);
  const end = wholeOf('endTime', body['endTime'], -1, 0, most);
  if (typeof start !== 'number') return start;
  if (typeof end !== 'number') return end;
  const toMs = end >= 0 ? end : start >= 0 ? start + WEEK_MS : most;
  const fromMs = start >= 0 ? start : (end >= 0 ? end : now.venueMs) - WEEK_MS;
  if (toMs < fromMs) return refuse(10001, 'startTime must not be after endTime');
  return start >= 0 && end >= 0 && end - start > WEEK_MS
    ? refuse(10001, 'The time range must be within 7 days')
    : { fromMs, toMs };
};

const hasTimes = ({ body }: PrivateCall): boolean =>
  textOf(body['startTime']) !== undefined || textOf(body['endTime']) !== undefined;

const history = (venue: Venue, call: PrivateCall): Answer => {
  const category = categoryNamed(call.body);
  if (typeof category !== 'string') return category;
  const found = historic(venue, call, category);
  if (isRefusal(found)) return found;
  const status = textOf(call.body['orderStatus']);
  const rows = inHistory(venue, found.orders, call).filter((one) => status === undefined || one.status === status);
  return page(call, category, newestFirst(rows).map(historyRow), 50, 20);
};

/** A history needs no symbol, unlike the realtime list; the seven days may hide an order asked for by its id, too. */
const historic = (
  venue: Venue,
  call: PrivateCall,
  category: Category,
): { readonly orders: readonly Order[] } | Refusal => {
  const range = rangeOf(call);
  if (isRefusal(range)) return range;
  const body =
    category === 'linear' && textOf(call.body['symbol']) === undefined
      ? { settleCoin: 'USDT', ...call.body }
      : call.body;
  const found = asked(venue, { ...call, body }, category);
  if (isRefusal(found)) return found;
  const isLimited = !found.byId || hasTimes(call) || venue.settings.promises.weekLimitsLookups;
  const { fromMs, toMs } = range;
  const orders = isLimited
    ? found.orders.filter(({ createTime }) => createTime >= fromMs && createTime <= toMs)
    : found.orders;
  return { orders };
};

const executions = (venue: Venue, call: PrivateCall): Answer => {
  const category = categoryNamed(call.body);
  if (typeof category !== 'string') return category;
  const range = rangeOf(call);
  if (isRefusal(range)) return range;
  const found = historic(venue, call, category);
  if (isRefusal(found)) return found;
  const meant = new Set(found.orders);
  const type = textOf(call.body['execType']);
  const rows = venue.exchange
    .fills(call.key.uid)
    .filter(({ order }) => meant.has(order) && inFills(venue, order, call))
    .filter(() => type === undefined || type === 'Trade');
  return page(call, category, rows.toReversed().map(fillRow), 100, 50);
};

/** Limits from the documentation of 2026-07. Reading needs no trade permission. */
export const queryEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (path: string, answer: (venue: Venue, call: PrivateCall) => Answer): Endpoint =>
    signed(50, { method: 'GET', path, permission: 'read', answer: (call) => answer(venue, call) });
  return [
    row('/v5/order/realtime', realtime),
    row('/v5/order/history', history),
    row('/v5/execution/list', executions),
  ];
};
