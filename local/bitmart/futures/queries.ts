// Futures reads of orders and fills, by key alone. Promises the venue's blindness as well: orders not yet shown and
// orders forgotten are not found; times are seconds in orders and trades, milliseconds in transactions. Changes nothing.
import { isRefusal, refuse, type Refusal } from '../codes.ts';
import { ZERO, type Decimal } from '../../exchange/decimals.ts';
import { isShown, type Answer, type Endpoint, type PrivateCall, type Venue } from '../venue.ts';
import { contractOf, invalid, promisesOf } from './admission.ts';
import { isWorking, type FuturesFill, type FuturesOrder } from './orders.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_ROWS = 200;
const MAX_OPEN_ROWS = 100;

/** Plain text, cut after eight decimals. */
export const plain = (value: Decimal): string => value.round(8, 0).toFixed();

/** 1 approving (by promise alone), 2 working, 4 finished: filled and cancelled look alike but for deal_size. */
const stateOf = (venue: Venue, order: FuturesOrder, { now }: PrivateCall): 1 | 2 | 4 => {
  if (!isWorking(order)) return 4;
  return now.realMs - order.createdAtMs < promisesOf(venue).approvingMs ? 1 : 2;
};

const orderRow = (venue: Venue, order: FuturesOrder, call: PrivateCall): object => ({
  order_id: order.orderId,
  client_order_id: order.clientOrderId,
  price: order.price.toFixed(),
  size: order.size.toFixed(),
  symbol: order.contract.symbol,
  state: stateOf(venue, order, call),
  side: order.side,
  type: order.type,
  leverage: order.leverage.toFixed(),
  open_type: order.openType,
  deal_avg_price: plain(order.dealSize.gt(0) ? order.dealValue.div(order.dealSize.times(order.contract.coins)) : ZERO),
  deal_size: order.dealSize.toFixed(),
  preset_take_profit_price_type: order.presets.takeProfitPriceType,
  preset_stop_loss_price_type: order.presets.stopLossPriceType,
  preset_take_profit_price: order.presets.takeProfitPrice,
  preset_stop_loss_price: order.presets.stopLossPrice,
  position_mode: order.positionMode,
  account: 'futures',
  create_time: order.createTime,
  update_time: order.updateTime,
});

const fillRow = (fill: FuturesFill): object => ({
  order_id: fill.order.orderId,
  trade_id: fill.tradeId,
  symbol: fill.order.contract.symbol,
  side: fill.order.side,
  price: fill.price.toFixed(),
  vol: fill.size.toFixed(),
  exec_type: fill.role,
  profit: fill.realised?.gt(0) ?? false,
  realised_profit: plain(fill.realised ?? ZERO),
  paid_fees: plain(fill.fee),
  account: 'futures',
  create_time: fill.time,
});

const shownOrders = (venue: Venue, call: PrivateCall): readonly FuturesOrder[] =>
  venue.futures.ordersOf(call.key.uid).filter((order) => isShown(venue, order, call, promisesOf(venue)));

/** By order id alone: there is no look-up by client order id. */
const order = (venue: Venue, call: PrivateCall): Answer => {
  const contract = contractOf(venue, call.query.get('symbol'));
  if (isRefusal(contract)) return contract;
  const orderId = call.query.get('order_id') ?? '';
  if (orderId === '') return invalid('order_id is missing');
  const found = venue.futures.order(orderId);
  const isMine = found?.uid === call.key.uid && found.contract === contract;
  return isMine && isShown(venue, found, call, promisesOf(venue))
    ? { data: orderRow(venue, found, call) }
    : refuse(40035);
};

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** start_time and end_time in units of `unitMs`; by default the last seven days, at most ninety (codes not documented). */
const spanOf = ({ query, now }: PrivateCall, unitMs: number): Span | Refusal => {
  const [start, end] = ['start_time', 'end_time'].map((name) => query.get(name) ?? '');
  const toMs = end === '' || end === undefined ? Infinity : Number(end) * unitMs + unitMs - 1;
  const last = Math.min(toMs, now.venueMs);
  const fromMs = start === '' || start === undefined ? last - 7 * DAY_MS : Number(start) * unitMs;
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return invalid('start_time or end_time is no number');
  return toMs < fromMs || last - fromMs > 90 * DAY_MS
    ? invalid('the time range must be 0 to 90 days')
    : { fromMs, toMs };
};

const isNamed = (call: PrivateCall, of: FuturesOrder): boolean => {
  const { query } = call;
  const fits = (name: string, value: string): boolean => [null, '', value].includes(query.get(name));
  return (
    fits('symbol', of.contract.symbol) && fits('order_id', of.orderId) && fits('client_order_id', of.clientOrderId)
  );
};

/** The symbol of a list query, which may be left out. */
export const wrongSymbol = (venue: Venue, { query }: PrivateCall): Refusal | undefined => {
  const symbol = query.get('symbol');
  return symbol === null || symbol === '' || venue.futures.contract(symbol) ? undefined : refuse(40034);
};

/** Finished orders of one symbol. */
const history = (venue: Venue, call: PrivateCall): Answer => {
  const contract = contractOf(venue, call.query.get('symbol'));
  if (isRefusal(contract)) return contract;
  const span = spanOf(call, 1000);
  if (isRefusal(span)) return span;
  const rows = shownOrders(venue, call)
    .filter((one) => !isWorking(one) && isNamed(call, one))
    .filter(({ createTime }) => createTime >= span.fromMs && createTime <= span.toMs);
  return {
    data: rows
      .toReversed()
      .slice(0, MAX_ROWS)
      .map((one) => orderRow(venue, one, call)),
  };
};

const openOrders = (venue: Venue, call: PrivateCall): Answer => {
  const wrong = wrongSymbol(venue, call);
  if (wrong) return wrong;
  const limit = Math.min(MAX_OPEN_ROWS, Math.max(1, Number(call.query.get('limit') ?? MAX_OPEN_ROWS) || MAX_OPEN_ROWS));
  const [type, symbol] = [call.query.get('type'), call.query.get('symbol')];
  const isPartial = call.query.get('order_state') === 'partially_filled';
  const rows = shownOrders(venue, call)
    .filter((one) => isWorking(one) && (!symbol || one.contract.symbol === symbol))
    .filter((one) => (!type || one.type === type) && (!isPartial || one.dealSize.gt(0)));
  return {
    data: rows
      .toReversed()
      .slice(0, limit)
      .map((one) => orderRow(venue, one, call)),
  };
};

const trades = (venue: Venue, call: PrivateCall): Answer => {
  const wrong = wrongSymbol(venue, call);
  if (wrong) return wrong;
  const span = spanOf(call, 1000);
  if (isRefusal(span)) return span;
  const rows = venue.futures
    .fills(call.key.uid)
    .filter((fill) => isNamed(call, fill.order) && isShown(venue, fill.order, call, promisesOf(venue)))
    .filter(({ time }) => time >= span.fromMs && time <= span.toMs);
  return { data: rows.toReversed().slice(0, MAX_ROWS).map(fillRow) };
};

const FLOWS = { 'Realized PNL': 2, 'Commission Fee': 4 } as const;

/** What fills brought and cost. Transfers are left out: transfer-contract-list has them. */
const transactions = (venue: Venue, call: PrivateCall): Answer => {
  const wrong = wrongSymbol(venue, call);
  if (wrong) return wrong;
  const span = spanOf(call, 1);
  if (isRefusal(span)) return span;
  const flow = Number(call.query.get('flow_type') ?? 0);
  const most = Math.min(1000, Math.max(1, Number(call.query.get('page_size') ?? 100) || 100));
  const rows = venue.futures
    .fills(call.key.uid)
    .filter((fill) => isNamed(call, fill.order) && isShown(venue, fill.order, call, promisesOf(venue)))
    .filter(({ time }) => time >= span.fromMs && time <= span.toMs)
    .flatMap(({ order: of, fee, realised, time, tradeId }) => {
      const common = { symbol: of.contract.symbol, asset: 'USDT', time: String(time), account: 'futures' };
      const row = (type: keyof typeof FLOWS, amount: Decimal) =>
        ({ ...common, flow_type: FLOWS[type], type, amount: plain(amount), tran_id: `${FLOWS[type]}${tradeId}` }); // prettier-ignore
      return [...(realised ? [row('Realized PNL', realised)] : []), row('Commission Fee', fee.neg())];
    })
    .filter(({ flow_type: type }) => flow === 0 || type === flow);
  return { data: rows.toReversed().slice(0, most) };
};

/** Limits from the futures documentation of 2026-02. Reading needs no trade permission. */
export const futuresQueryEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (path: string, requests: number, answer: (venue: Venue, call: PrivateCall) => Answer): Endpoint => ({
    method: 'GET',
    path: `/contract/private/${path}`,
    auth: 'KEYED',
    permission: 'read',
    limit: { requests, seconds: 2, scope: 'KEY' },
    message: 'Ok',
    answer: (call) => answer(venue, call),
  });
  return [
    row('order', 50, order),
    row('order-history', 6, history),
    row('get-open-orders', 50, openOrders),
    row('trades', 6, trades),
    row('transaction-history', 6, transactions),
  ];
};
