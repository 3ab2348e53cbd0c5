// What control shows of orders and positions: every market's, in the same words. Never hides one, as queries do.
import { reduces, wayOf, type FuturesOrder } from './futures/orders.ts';
import { entryPriceOf, unrealisedOf, valueOf } from './futures/positions.ts';
import type { Order } from './orders.ts';
import type { Venue } from './venue.ts';

const orderRow = (order: Order): object => ({
  market: order.mode === 'spot' ? 'spot' : 'margin',
  orderId: order.orderId,
  clientOrderId: order.clientOrderId,
  account: order.account,
  symbol: order.instrument.symbol,
  side: order.side,
  type: order.type,
  size: order.size.toFixed(),
  price: order.price.toFixed(),
  notional: order.notional.toFixed(),
  filledSize: order.filledSize.toFixed(),
  filledNotional: order.filledNotional.toFixed(),
  state: order.state,
  cancelSource: order.cancelSource,
  createTime: order.createTime,
});

/** In the same words as the other markets'; sizes are contracts, `futuresSide` is the venue's own 1 to 4. */
const futuresRow = (order: FuturesOrder): object => ({
  market: 'futures',
  orderId: order.orderId,
  clientOrderId: order.clientOrderId,
  account: order.account,
  symbol: order.contract.symbol,
  side: wayOf(order),
  futuresSide: order.side,
  reduceOnly: reduces(order),
  type: order.type,
  mode: order.mode,
  stpMode: order.stpMode,
  leverage: order.leverage.toFixed(),
  openType: order.openType,
  presets: order.presets,
  size: order.size.toFixed(),
  price: order.price.toFixed(),
  notional: valueOf(order.contract, order.size, order.price).toFixed(),
  filledSize: order.dealSize.toFixed(),
  filledNotional: order.dealValue.toFixed(),
  state: order.state,
  cancelSource: order.cancelSource,
  createTime: order.createTime,
});

/** Every market's orders, oldest first. */
export const orderRows = (venue: Venue): readonly object[] =>
  [
    ...venue.exchange.orders().map((order) => ({ atMs: order.createdAtMs, row: orderRow(order) })),
    ...venue.futures.orders().map((order) => ({ atMs: order.createdAtMs, row: futuresRow(order) })),
  ]
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ row }) => row);

/** Every position there ever was; one that is closed has the amount 0. A UID shows the first account registered for it. */
export const positionRows = (venue: Venue): readonly object[] =>
  venue.futures.uids().flatMap((uid) =>
    [...venue.futures.account(uid).positions.values()].map((position) => ({
      uid,
      account: [...venue.keys.values()].find((key) => key.uid === uid)?.account ?? '',
      symbol: position.contract.symbol,
      side: position.side,
      amount: position.amount.toFixed(),
      entryPrice: entryPriceOf(position).toFixed(),
      leverage: position.leverage.toFixed(),
      openType: position.openType,
      realised: position.realised.toFixed(),
      unrealised: unrealisedOf(position, venue.futures.mid(position.contract)).toFixed(),
    })),
  );
