// Which orders a query may see. Promises the venue's blindness too: what is accepted but not booked, what lags, what a
// restart wiped and what was forgotten is not found. Never changes anything.
import type { Now } from '../exchange/book.ts';
import { isClosed, isOpen, type Order } from './orders.ts';
import type { Category } from './products.ts';
import type { Call, PrivateCall, Venue } from './venue.ts';

/** The closed orders that the realtime list keeps, per account and category. */
const KEPT_CLOSED = 500;

/** True once the venue has dropped an order that ended without a fill. */
export const forgotten = (venue: Venue, order: Order, now: Now): boolean =>
  isClosed(order) &&
  order.filledQty.eq(0) &&
  now.realMs - order.finishedAtMs > venue.settings.promises.forgetsUnfilledAfterMs;

/** Past every lag, neither forgotten nor hidden by a fault. */
const isVisible = (venue: Venue, order: Order, { now, lag }: Pick<Call, 'now' | 'lag'>): boolean => {
  if (forgotten(venue, order, now)) return false;
  if ((venue.hiddenUntil.get(order.orderId) ?? 0) > now.realMs) return false;
  const ageMs = now.realMs - order.createdAtMs;
  if (ageMs < venue.settings.promises.showsOrdersWithinMs) return false;
  return !(lag && order.createdAtMs >= lag.sinceMs && ageMs < lag.ms);
};

/** What realtime knows of an account's orders of one category: open ones, and the last closed ones since a restart. */
export const inRealtime = (
  venue: Venue,
  category: Category,
  orders: readonly Order[],
  call: Pick<PrivateCall, 'key' | 'now' | 'lag'>,
): readonly Order[] => {
  const kept = new Set(venue.exchange.closed(call.key.uid, category).slice(-KEPT_CLOSED));
  const isKept = (order: Order): boolean => kept.has(order) && order.finishedAtMs > venue.settings.restartedAtMs;
  return orders.filter((order) => (isOpen(order) || isKept(order)) && isVisible(venue, order, call));
};

/** What the history knows: closed orders, a little later. */
export const inHistory = (venue: Venue, orders: readonly Order[], call: Pick<Call, 'now' | 'lag'>): readonly Order[] =>
  orders.filter(
    (order) =>
      isClosed(order) &&
      call.now.realMs - order.finishedAtMs >= venue.settings.promises.historyLagsMs &&
      isVisible(venue, order, call),
  );

/** What a fill's order may be seen by: fills show as soon as their order does. */
export const inFills = (venue: Venue, order: Order, call: Pick<Call, 'now' | 'lag'>): boolean =>
  isVisible(venue, order, call);
