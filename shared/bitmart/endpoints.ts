// Every endpoint of BitMart: what it is used for, with the limit its requests are paced by, or why it is not used.
// docs/endpoints.md is made of it, and so are the lanes: one per endpoint. Data only.
import type { Limit } from '../pace.ts';

/** write: changes something, and stops at the transport in shadow mode. look-up: shares its limit with other functions. */
export interface Endpoint {
  /** The name of its lane. */
  readonly name: string;
  readonly kind: 'write' | 'look-up' | 'public';
  readonly method: 'GET' | 'POST';
  readonly host: 'spot' | 'futures';
  readonly path: string;
  /** As documented; where documents and clients disagree the smaller one. */
  readonly limit: Limit;
  /** Fields without which it does something else than what is meant: a request that lacks one is never sent. */
  readonly needs?: readonly string[];
  readonly use: string;
}

type Row = readonly [requests: number, seconds: number, path: string, use: string];
const endpoint =
  (kind: Endpoint['kind'], method: Endpoint['method'], host: Endpoint['host']) =>
  (name: string, [requests, seconds, path, use]: Row, needs: readonly string[] = []): Endpoint => ({
    ...{ name, kind, method, host, path, use, needs },
    limit: { requests, windowMs: seconds * 1000 },
  });
const spotWrite = endpoint('write', 'POST', 'spot');
const spotQuery = endpoint('look-up', 'POST', 'spot');
const spotRead = endpoint('look-up', 'GET', 'spot');
const spotPublic = endpoint('public', 'GET', 'spot');
const write = endpoint('write', 'POST', 'futures');
const read = endpoint('look-up', 'GET', 'futures');
const futuresPublic = endpoint('public', 'GET', 'futures');
const TARGET = ['symbol', 'client_order_id'];

/** What the venue uses. Limits: writes per user id, look-ups per key [spot and futures documentation]. */
// prettier-ignore
export const endpoints = {
  place: spotWrite('place', [40, 2, '/spot/v2/submit_order', 'place, spot'], TARGET),
  /** Paced together with single placement: both are requests of one kind to the exchange, as far as is known. */
  placeAll: spotWrite('place', [40, 2, '/spot/v4/batch_orders', 'place several at once, spot'], ['symbol']),
  placeMargin: spotWrite('placeMargin', [20, 1, '/spot/v1/margin/submit_order', 'place, margin'], ['symbol', 'clientOrderId']),
  cancel: spotWrite('cancel', [40, 2, '/spot/v3/cancel_order', 'cancel, spot and margin'], TARGET),
  cancelAll: spotWrite('cancelAll', [1, 3, '/spot/v4/cancel_all', 'cancel-all, spot and margin']),
  query: spotQuery('query', [50, 2, '/spot/v4/query/order', 'find by the venue\'s id, spot and margin']),
  queryClient: spotQuery('queryClient', [50, 2, '/spot/v4/query/client-order', 'find by client order id, spot and margin']),
  orderTrades: spotQuery('orderTrades', [12, 2, '/spot/v4/query/order-trades', 'fee, spot and margin']),
  time: spotPublic('public', [10, 1, '/system/time', 'time']),
  symbols: spotPublic('public', [12, 2, '/spot/v1/symbols/details', 'instrument, spot and margin']),
  books: spotPublic('public', [15, 2, '/spot/quotation/v3/books', 'book, spot and margin']),
  placeFutures: write('placeFutures', [24, 2, '/contract/private/submit-order', 'place, futures'], TARGET),
  /** Without an id it cancels every order of the symbol. */
  cancelFutures: write('cancelFutures', [40, 2, '/contract/private/cancel-order', 'cancel, futures'], TARGET),
  cancelAllFutures: write('cancelAllFutures', [2, 2, '/contract/private/cancel-orders', 'cancel-all, futures'], ['symbol']),
  amend: write('amend', [24, 2, '/contract/private/modify-limit-order', 'amend'], TARGET),
  cancelAllAfter: write('cancelAllAfter', [4, 2, '/contract/private/cancel-all-after', 'cancel-all-after'], ['symbol']),
  setLeverage: write('setLeverage', [24, 2, '/contract/private/submit-leverage', 'set-leverage'], ['symbol']),
  setPositionMode: write('setPositionMode', [2, 2, '/contract/private/set-position-mode', 'set-position-mode']),
  futuresOrder: read('futuresOrder', [50, 2, '/contract/private/order', 'find by the venue\'s id, futures']),
  futuresOpen: read('futuresOpen', [50, 2, '/contract/private/get-open-orders', 'find by client order id, futures; openOrders']),
  futuresHistory: read('futuresHistory', [6, 2, '/contract/private/order-history', 'find by client order id, futures']),
  futuresTrades: read('futuresTrades', [6, 2, '/contract/private/trades', 'fee, futures; fills']),
  contracts: futuresPublic('publicFutures', [12, 2, '/contract/public/details', 'instrument and contract sizes, futures']),
  depth: futuresPublic('publicFutures', [12, 2, '/contract/public/depth', 'book, futures']),
} as const satisfies Record<string, Endpoint>;

/** What the operator and strategies read; not part of the functions that place and follow. */
// prettier-ignore
export const readEndpoints = {
  service: spotPublic('public', [10, 1, '/system/service', 'maintenance, for doctor and probe; orders are told of it by their answers (30016)']),
  wallet: spotRead('wallet', [12, 2, '/spot/v1/wallet', 'balances, spot']),
  marginAccount: spotRead('marginAccount', [12, 2, '/spot/v1/margin/isolated/account', 'balances, margin']),
  assets: read('assets', [12, 2, '/contract/private/assets-detail', 'balances, futures']),
  positions: read('positions', [6, 2, '/contract/private/position-v2', 'positions']),
  positionMode: read('positionMode', [2, 2, '/contract/private/get-position-mode', 'positionMode, which positions do not show where there are none']),
  openOrders: spotQuery('openOrders', [12, 2, '/spot/v4/query/open-orders', 'openOrders, spot and margin; the signed read of the probe']),
  trades: spotQuery('trades', [12, 2, '/spot/v4/query/trades', 'fills, spot and margin']),
  userFee: spotRead('userFee', [2, 2, '/spot/v1/user_fee', 'feeRates without a symbol, spot and margin']),
  tradeFee: spotRead('tradeFee', [2, 2, '/spot/v1/trade_fee', 'feeRates of a symbol, spot and margin']),
  klines: spotPublic('public', [10, 2, '/spot/quotation/v3/klines', 'candles, spot and margin']),
  futuresFeeRate: read('futuresFeeRate', [2, 2, '/contract/private/trade-fee-rate', 'feeRates, futures']),
} as const satisfies Record<string, Endpoint>;

const MARKET_DATA = 'market data that no rule and no order needs';
const HISTORY = 'every order is followed by its id; lists are for people';
const ALGO = 'spot algo orders come later';
const PLAN = 'plan, take-profit/stop-loss and trailing orders come later';
const MONEY = "moves money between wallets: the operator's own doing, never a bot's";
const FUNDING = 'deposits and withdrawals: never';
const RETIRED = 'retired by the exchange';

/** What is not used, and why not. */
export const unused: readonly (readonly [method: 'GET' | 'POST', path: string, reason: string])[] = [
  ['GET', '/spot/v1/currencies', MARKET_DATA],
  ['GET', '/spot/v1/symbols', 'symbols/details has the names and the rules'],
  ['GET', '/spot/quotation/v3/tickers', MARKET_DATA],
  ['GET', '/spot/quotation/v3/ticker', 'the book has the best prices, and the ticker is not real time'],
  ['GET', '/spot/quotation/v3/lite-klines', 'klines says the same'],
  ['GET', '/spot/quotation/v3/trades', MARKET_DATA],
  ['GET', '/account/v1/currencies', FUNDING],
  ['GET', '/account/v1/wallet', 'spot/v1/wallet says the same of the wallet that trades'],
  ['GET', '/account/v1/deposit/address', FUNDING],
  ['GET', '/account/v1/withdraw/charge', FUNDING],
  ['POST', '/spot/v4/cancel_orders', 'one cancel is one intent; cancel-all has its own endpoint'],
  ['POST', '/spot/v4/query/history-orders', HISTORY],
  ['POST', '/spot/v4/algo/submit_order', ALGO],
  ['POST', '/spot/v4/algo/cancel_order', ALGO],
  ['POST', '/spot/v4/algo/cancel_all', ALGO],
  ['POST', '/spot/v4/query/algo/order', ALGO],
  ['POST', '/spot/v4/query/algo/client-order', ALGO],
  ['POST', '/spot/v4/query/algo/open-orders', ALGO],
  ['POST', '/spot/v4/query/algo/history-orders', ALGO],
  ['GET', '/spot/v1/margin/isolated/pairs', 'interest and borrowing limits: read by people'],
  ['GET', '/spot/v1/margin/isolated/borrow_record', 'margin/isolated/account has what is owed'],
  ['GET', '/spot/v1/margin/isolated/repay_record', 'margin/isolated/account has what is owed'],
  [
    'POST',
    '/spot/v1/margin/isolated/borrow',
    "margin orders borrow by themselves; a loan of its own is the operator's",
  ],
  ['POST', '/spot/v1/margin/isolated/repay', "repaying is the operator's; a sell repays by itself"],
  ['POST', '/spot/v1/margin/isolated/transfer', MONEY],
  ['GET', '/spot/v1/broker/rebate', "no trading: the broker's own accounting"],
  ['GET', '/contract/public/market-trade', MARKET_DATA],
  ['GET', '/contract/public/funding-rate', MARKET_DATA],
  ['GET', '/contract/public/funding-rate-history', MARKET_DATA],
  ['GET', '/contract/public/kline', 'strategies trade spot, and read candles of spot alone'],
  ['GET', '/contract/public/markprice-kline', MARKET_DATA],
  ['GET', '/contract/public/leverage-bracket', MARKET_DATA],
  ['GET', '/contract/public/open-interest', MARKET_DATA],
  ['GET', '/contract/private/position', 'position-v2 says more'],
  ['GET', '/contract/private/position-risk', 'position-v2 says more'],
  ['GET', '/contract/private/current-plan-order', PLAN],
  ['GET', '/contract/private/transaction-history', 'trades has fills and fees; funding is accounting'],
  ['POST', '/contract/private/submit-plan-order', PLAN],
  ['POST', '/contract/private/cancel-plan-order', PLAN],
  ['POST', '/contract/private/modify-plan-order', PLAN],
  ['POST', '/contract/private/submit-tp-sl-order', PLAN],
  ['POST', '/contract/private/modify-tp-sl-order', PLAN],
  ['POST', '/contract/private/modify-preset-plan-order', PLAN],
  ['POST', '/contract/private/submit-trail-order', PLAN],
  ['POST', '/contract/private/cancel-trail-order', PLAN],
  ['POST', '/contract/private/claim', 'paper money of the demo host'],
  ['POST', '/account/v1/transfer-contract', MONEY],
  ['POST', '/account/v1/transfer-contract-list', MONEY],
  ['POST', '/contract/private/close-all-position', 'only one client knows it; the documents do not'],
  ['GET', '/spot/v3/orders', RETIRED],
  ['POST', '/spot/v2/batch_orders', RETIRED],
  ['POST', '/spot/v1/cancel_orders', RETIRED],
  ['GET', '/spot/v2/order_detail', RETIRED],
  ['POST', '/spot/v1/submit_order', RETIRED],
];

/** docs/endpoints.md, without formatting. @param made the line that says where the page comes from */
export function endpointsPage(made: string): string {
  const used = [...Object.values<Endpoint>(endpoints), ...Object.values<Endpoint>(readEndpoints)];
  const rows = used.map(
    ({ method, path, limit, kind, use }) =>
      `| \`${method} ${path}\` | ${limit.requests} / ${limit.windowMs / 1000} s | ${kind} | ${use} |`,
  );
  const others = unused.map(([method, path, reason]) => `| \`${method} ${path}\` | ${reason} |`);
  return `# BitMart's endpoints

${made}

Requests are paced below the limit, each endpoint on its own; look-ups share theirs out over the functions, and public
data of each host goes over one lane of 10 in 2 s, since its limit is counted by address.

| endpoint | limit | kind | used for |
|---|---|---|---|
${rows.join('\n')}

## Not used

| endpoint | why not |
|---|---|
${others.join('\n')}
`;
}
