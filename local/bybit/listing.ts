// What control shows of orders and positions, in the words of the other venue's control, so that one test reads both.
// Never hides an order, as queries do.
import type { Order, Status } from './orders.ts';
import { entryOf, leverageOf, unrealisedOf } from './positions.ts';
import type { Venue } from './venue.ts';

/** `accepted` and `rejected` are states of this venue alone. */
const stateOf = ({ status, filledQty }: Order): string => {
  const words: Readonly<Record<Status, string>> = {
    Accepted: 'accepted',
    New: 'new',
    PartiallyFilled: 'partially_filled',
    Filled: 'filled',
    Cancelled: filledQty.gt(0) ? 'partially_canceled' : 'canceled',
    PartiallyFilledCanceled: 'partially_canceled',
    Rejected: 'rejected',
  };
  return words[status];
};

const TYPES = { GTC: 'limit', IOC: 'ioc', FOK: 'fok', PostOnly: 'limit_maker' } as const;

const SOURCES: Readonly<Record<string, string>> = { CancelByUser: 'user', CancelBySmp: 'stp' };

const isEnded = ({ status }: Order): boolean => /^(Cancelled|PartiallyFilledCanceled|Rejected)$/.test(status);

const orderRow = (order: Order): object => ({
  market: order.product.category === 'spot' ? 'spot' : 'futures',
  category: order.product.category,
  orderId: order.orderId,
  clientOrderId: order.orderLinkId,
  account: order.account,
  symbol: order.product.symbol,
  side: order.side,
  type: order.type === 'Market' ? 'market' : TYPES[order.timeInForce],
  size: order.unit === 'quote' ? '0' : order.qty.toFixed(),
  price: order.type === 'Market' ? '0' : order.price.toFixed(),
  notional: (order.unit === 'quote' ? order.qty : order.qty.times(order.price)).toFixed(),
  reduceOnly: order.reduceOnly,
  filledSize: order.filledQty.toFixed(),
  filledNotional: order.filledValue.toFixed(),
  state: stateOf(order),
  status: order.status,
  reason: order.rejectReason,
  fees: Object.fromEntries([...order.fees].map(([coin, amount]) => [coin, amount.toFixed()])),
  cancelSource: isEnded(order) ? (SOURCES[order.cancelType] ?? 'system') : '',
  createTime: order.createTime,
});

/** Both categories' orders, oldest first. */
export const orderRows = (venue: Venue): readonly object[] => venue.exchange.orders().map(orderRow);

/** Every position there ever was; one that is closed has the amount 0. A UID shows the first account registered for it. */
export const positionRows = (venue: Venue): readonly object[] =>
  venue.exchange.uids().flatMap((uid) => {
    const account = venue.exchange.account(uid);
    return [...account.positions.values()].map((position) => ({
      uid,
      account: [...venue.keys.values()].find((key) => key.uid === uid)?.account ?? '',
      symbol: position.product.symbol,
      side: position.idx === 2 || position.size.lt(0) ? 'short' : 'long',
      positionIdx: position.idx,
      amount: position.size.abs().toFixed(),
      entryPrice: entryOf(position).toFixed(),
      leverage: leverageOf(account, position.product.symbol).toFixed(),
      openType: account.marginMode === 'ISOLATED_MARGIN' ? 'isolated' : 'cross',
      realised: position.everRealised.toFixed(),
      unrealised: unrealisedOf(position, venue.exchange.mid(position.product)).toFixed(),
    }));
  });
