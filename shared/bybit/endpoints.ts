// Every endpoint of Bybit: what it is used for, with the limit its requests are paced by, or why it is not used.
// docs/endpoints.md is made of it, and so are the lanes: one per endpoint, and per category where those count apart. Data only.
import type { Limit } from '../pace.ts';

/** Its word for a market. */
export type Category = 'spot' | 'linear';

/** write: changes something, and stops at the transport in shadow mode. look-up: shares its limit with other functions. */
export interface Endpoint {
  /** The name of its lane. */
  readonly name: string;
  readonly kind: 'write' | 'look-up' | 'public';
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** By category, as documented; where sources disagree the smaller one. Of public ones that of the address alone. */
  readonly limits: Readonly<Record<Category, Limit>>;
  /** Categories have counters of their own. */
  readonly isPerCategory: boolean;
  /** Fields without which it does something else than what is meant: a request that lacks one is never sent. */
  readonly needs: readonly string[];
  readonly use: string;
}

/** How many orders one request takes: 10 on spot, and 10 by one page and 20 by another on perpetuals. */
export const MOST_TOGETHER = 10;
/** Over all calls of an address, with and without a key. */
export const ADDRESS_LIMIT: Limit = { requests: 600, windowMs: 5000 };

type Row = readonly [spot: number, linear: number, path: string, use: string];
const second = (requests: number, dearest: number): Limit => ({ requests, windowMs: 1000, isTold: true, dearest });
const endpoint =
  (kind: Endpoint['kind'], method: Endpoint['method'], isPerCategory: boolean) =>
  (name: string, [spot, linear, path, use]: Row, needs: readonly string[] = [], dearest = 1): Endpoint => ({
    ...{ name, kind, method, path: `/v5/${path}`, isPerCategory, needs, use },
    limits: { spot: second(spot, dearest), linear: second(linear, dearest) },
  });
const write = endpoint('write', 'POST', true);
const setting = endpoint('write', 'POST', false);
const read = endpoint('look-up', 'GET', false);
const open = (name: string, path: string, use: string, needs: readonly string[] = []): Endpoint => ({
  ...{ name, kind: 'public', method: 'GET', path: `/v5/${path}`, isPerCategory: false, needs, use },
  limits: { spot: ADDRESS_LIMIT, linear: ADDRESS_LIMIT },
});
const ORDER = ['category', 'symbol', 'side', 'orderType', 'qty', 'orderLinkId'];
const TARGET = ['category', 'symbol', 'orderLinkId'];

/** What the venue uses. Limits: per user id, in any second [rate limit page, 2026-07]. */
// prettier-ignore
export const endpoints = {
  place: write('place', [20, 10, 'order/create', 'place'], ORDER),
  /** Counts orders, on a counter apart from that of single ones. */
  placeAll: write('placeAll', [20, 10, 'order/create-batch', 'place several at once'], ['category'], MOST_TOGETHER),
  cancel: write('cancel', [20, 10, 'order/cancel', 'cancel'], TARGET),
  /** 20 and 10 by the documents, 10 for all by the exchange's skill file. */
  cancelAll: write('cancelAll', [10, 10, 'order/cancel-all', 'cancel-all'], ['category']),
  amend: write('amend', [10, 10, 'order/amend', 'amend, futures'], TARGET),
  setLeverage: setting('setLeverage', [10, 10, 'position/set-leverage', 'set-leverage'], ['category', 'symbol', 'buyLeverage', 'sellLeverage']),
  setPositionMode: setting('setPositionMode', [10, 10, 'position/switch-mode', 'set-position-mode'], ['category', 'coin']),
  realtime: read('realtime', [50, 50, 'order/realtime', 'find: open orders and the last that closed; openOrders'], ['category']),
  history: read('history', [50, 50, 'order/history', 'find: what is no longer among those'], ['category']),
  fills: read('fills', [50, 50, 'execution/list', 'fee; fills'], ['category']),
  behaviour: read('behaviour', [50, 50, 'account/user-setting-config', 'before the first priced order of an account: whether prices are refused or moved']),
  accountInfo: read('accountInfo', [50, 50, 'account/info', 'before an order or set-leverage that names a margin mode']),
  positions: read('positions', [50, 50, 'position/list', 'before an order that names a leverage; positions and positionMode'], ['category']),
  time: open('time', 'market/time', 'time'),
  instruments: open('instruments', 'market/instruments-info', 'instrument', ['category', 'symbol']),
  books: open('books', 'market/orderbook', 'book', ['category', 'symbol']),
} as const satisfies Record<string, Endpoint>;

/** What the operator and strategies read; not part of the functions that place and follow. */
// prettier-ignore
export const readEndpoints = {
  status: open('status', 'system/status', 'maintenance, for doctor and probe'),
  wallet: read('wallet', [50, 50, 'account/wallet-balance', 'balances'], ['accountType']),
  feeRate: read('feeRate', [5, 5, 'account/fee-rate', 'feeRates'], ['category']),
  keyInformation: read('keyInformation', [10, 10, 'user/query-api', 'permissions, addresses and age of the key, for doctor and probe']),
  /** Not in the recorded pages; as two clients have it. */
  klines: open('klines', 'market/kline', 'candles', ['category', 'symbol', 'interval']),
} as const satisfies Record<string, Endpoint>;

/** What is not used, and why not. */
export const unused: readonly (readonly [method: 'GET' | 'POST', path: string, reason: string])[] = [
  ['GET', '/v5/announcements/index', 'news for people'],
  ['GET', '/v5/account/instruments-info', 'what the market lists is enough; what an account may not trade is refused'],
  ['GET', '/v5/market/tickers', 'the book has the best prices'],
  ['GET', '/v5/market/price-limit', 'the venue judges its price band itself'],
  ['POST', '/v5/order/amend-batch', 'one amend is one intent'],
  ['POST', '/v5/order/cancel-batch', 'one cancel is one intent; cancel-all has its own endpoint'],
  ['POST', '/v5/order/pre-check', 'reckons margin, of derivatives alone, and creates nothing'],
  ['POST', '/v5/order/disconnected-cancel-all', 'tied to a websocket, and for institutions alone'],
  ['POST', '/v5/account/set-limit-px-action', "the account's own setting: it is read, and never changed by a bot"],
  ['POST', '/v5/position/trading-stop', 'a stop of the position comes with its order, or later'],
  ['POST', '/v5/account/set-margin-mode', 'changes the whole account: a person does that'],
  ['POST', '/v5/account/demo-apply-money', 'play money of the demo host'],
];
