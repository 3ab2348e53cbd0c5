// BitMart's answers → what they prove. One row a code; the class says what may be concluded, the text says why.
// Sources: the exchange's spot (2025-05) and futures (2026-02) error tables, and observed replies where those are thin.
// A code is believed before the HTTP status: several refusals come with HTTP 200, and one client error with 503.

/**
 * ok: success · refused: never executed, never will be · unauthorised: never executed, the account must change first ·
 * throttled, banned, unavailable: never executed, may pass later · unknown: may have been executed, look it up ·
 * duplicate: an order with this id exists · absent: a look-up saw nothing · finished: the order is no longer open ·
 * failed: processed, and said to have come to no order; believed once the order is not seen
 */
export type CodeClass =
  | 'ok'
  | 'refused'
  | 'unauthorised'
  | 'throttled'
  | 'banned'
  | 'unavailable'
  | 'late'
  | 'unknown'
  | 'duplicate'
  | 'absent'
  | 'finished'
  | 'failed';

// prettier-ignore
export const codes: readonly (readonly [code: string, means: CodeClass, because: string])[] = [
  ['1000', 'ok', 'success'],
  ['25601', 'unavailable', 'announced as an answer during the 2025-10-18 futures upgrade window'],
  ['30000', 'refused', 'path not found'],
  ['30001', 'unauthorised', 'X-BM-KEY header missing or empty'],
  ['30002', 'unauthorised', 'X-BM-KEY not known'],
  ['30003', 'unauthorised', 'key frozen'],
  ['30004', 'unauthorised', 'X-BM-SIGN missing or empty'],
  ['30005', 'unauthorised', 'signature does not match'],
  ['30006', 'unauthorised', 'X-BM-TIMESTAMP missing, or not an integer'],
  ['30007', 'unavailable', 'timestamp or recvWindow outside the allowed window'],
  ['30008', 'unauthorised', 'timestamp format invalid'],
  ['30010', 'unauthorised', 'caller IP not allowed for this key'],
  ['30011', 'unauthorised', 'key expired'],
  ['30012', 'unauthorised', 'key lacks the permission for this path'],
  ['30013', 'throttled', 'too many requests'],
  ['30014', 'unknown', 'service unavailable'],
  ['30016', 'unavailable', 'maintenance, function temporarily off (HTTP 200!)'],
  ['30017', 'banned', 'account requests rejected for breaking the limiting rules; docs say to contact customer service'],
  ['30018', 'refused', 'request body is not JSON'],
  ['30019', 'unauthorised', 'no permission for this operation; contact support/BD (HTTP 200!)'],
  ['30030', 'refused', 'futures V1 API retired'],
  ['30031', 'refused', 'endpoint retired'],
  ['40001', 'unauthorised', 'cloud account not found'],
  ['40002', 'refused', 'out_trade_no not found'],
  ['40003', 'unknown', 'out_trade_no already exists'],
  ['40004', 'unauthorised', 'cloud account count limit'],
  ['40005', 'refused', 'transfer precision'],
  ['40006', 'unauthorised', 'IP invalid'],
  ['40007', 'refused', 'parameter parse error'],
  ['40008', 'unavailable', 'nonce check error'],
  ['40009', 'refused', 'version check error'],
  ['40010', 'refused', 'function not found'],
  ['40011', 'refused', 'invalid request'],
  ['40012', 'unknown', '"system error" in the table, but a catch-all in practice: observed with "Invalid order" and with "You contract account available balance not enough."'],
  ['40013', 'throttled', 'access too often, or client clock invalid'],
  ['40014', 'refused', 'contract offline'],
  ['40015', 'unavailable', 'contract trading paused'],
  ['40016', 'refused', 'order would liquidate the position'],
  ['40017', 'refused', 'cannot open and close in the same position at once'],
  ['40018', 'refused', 'position closed'],
  ['40019', 'refused', 'position in liquidation'],
  ['40020', 'refused', 'position volume not enough; also announced as the answer during the 2025-10-18 upgrade window'],
  ['40021', 'refused', 'position does not exist'],
  ['40022', 'refused', 'position is not isolated'],
  ['40023', 'refused', 'would liquidate after reducing margin'],
  ['40024', 'refused', 'near liquidation after reducing margin'],
  ['40025', 'refused', 'margin below the base limit'],
  ['40026', 'refused', 'cross position in liquidation'],
  ['40027', 'refused', 'available balance not enough'],
  ['40028', 'refused', 'too many plan orders'],
  ['40029', 'refused', 'leverage too large'],
  ['40030', 'refused', 'leverage too small'],
  ['40031', 'refused', 'trigger price too far away'],
  ['40032', 'refused', 'plan order lifetime too long'],
  ['40033', 'refused', 'plan order lifetime too short'],
  ['40034', 'refused', 'symbol unknown'],
  ['40035', 'absent', 'order does not exist'],
  ['40036', 'finished', 'order status invalid: it is not working'],
  ['40037', 'absent', 'order id does not exist'],
  ['40038', 'refused', 'kline step invalid'],
  ['40039', 'unavailable', 'timestamp invalid'],
  ['40040', 'refused', 'leverage invalid (also when it differs from an open position); name leverage and marginMode on every opening order'],
  ['40041', 'refused', 'side invalid'],
  ['40042', 'refused', 'type invalid'],
  ['40043', 'refused', 'precision invalid'],
  ['40044', 'refused', 'size out of range'],
  ['40045', 'refused', 'open type invalid'],
  ['40046', 'unauthorised', 'futures account not opened'],
  ['40047', 'unauthorised', 'service not available in the country'],
  ['40048', 'refused', 'client order id has characters other than letters and digits'],
  ['40049', 'refused', 'client order id longer than 32'],
  ['40050', 'duplicate', 'client order id duplicates an existing order'],
  ['40059', 'refused', 'position mode cannot be switched while positions (or open orders) exist'],
  ['42000', 'refused', 'insufficient balance (HTTP 200!)'],
  ['49998', 'refused', 'INVALID_PARAMETER (body also carries errno)'],
  ['50000', 'refused', 'bad request; the message carries detail in brackets'],
  ['50001', 'refused', 'symbol unknown'],
  ['50002', 'refused', 'from/to format error (klines)'],
  ['50003', 'refused', 'step format error'],
  ['50004', 'refused', 'kline range over 500'],
  ['50005', 'absent', 'order id not found / no data'],
  ['50006', 'refused', 'below minimum size'],
  ['50007', 'refused', 'above maximum size'],
  ['50008', 'refused', 'below minimum price'],
  ['50009', 'refused', 'size times price below minimum'],
  ['50010', 'refused', 'size required'],
  ['50011', 'refused', 'price required'],
  ['50012', 'refused', 'notional required'],
  ['50013', 'refused', 'limit*offset too large'],
  ['50014', 'refused', 'limit required'],
  ['50015', 'refused', 'limit below 1'],
  ['50016', 'refused', 'limit above maximum'],
  ['50017', 'refused', 'offset required'],
  ['50018', 'refused', 'offset below 1'],
  ['50019', 'refused', 'invalid status filter (old endpoints)'],
  ['50020', 'refused', 'balance not enough'],
  ['50021', 'refused', 'invalid parameter named in the message; also a market buy sent with size instead of notional'],
  ['50022', 'unknown', 'service unavailable'],
  ['50023', 'refused', 'symbol cannot be traded through the API'],
  ['50024', 'refused', 'order book size over 200'],
  ['50025', 'refused', 'price above maximum'],
  ['50026', 'refused', 'buy price above the opening price limit'],
  ['50027', 'refused', 'sell price below the opening price limit'],
  ['50028', 'refused', 'missing parameters'],
  ['50029', 'refused', 'parameters do not match; observed as size*price below a minimum'],
  ['50030', 'finished', 'order already cancelled'],
  ['50031', 'finished', 'order already completed'],
  ['50032', 'finished', 'no such order open: matched, cancelled, or never there'],
  ['50033', 'refused', 'number of orders must be 1..10'],
  ['50034', 'refused', 'price high, no matching depth'],
  ['50035', 'refused', 'price low, no matching depth'],
  ['50036', 'finished', 'cancel failed, order not in a cancellable state'],
  ['50037', 'refused', 'client order id longer than 32'],
  ['50038', 'refused', 'client order id has characters other than letters and digits'],
  ['50039', 'refused', 'order id and client order id both empty'],
  ['50040', 'refused', 'symbol not available'],
  ['50041', 'refused', 'outside the queryable time range'],
  ['50042', 'duplicate', 'client order id already used'],
  ['50043', 'refused', 'order id or client order id is null'],
  ['51000', 'refused', 'currency unknown'],
  ['51001', 'unauthorised', 'margin account not opened'],
  ['51002', 'unauthorised', 'margin account not available'],
  ['51003', 'refused', 'account limit (margin borrow/repay/transfer)'],
  ['51004', 'refused', 'borrow above the available maximum'],
  ['51005', 'refused', 'borrow below minimum'],
  ['51006', 'refused', 'repay more than owed'],
  ['51007', 'refused', 'order_mode unknown'],
  ['51008', 'unavailable', 'operation limited, try later; ALSO observed with message "This trading pair does not support API trading"'],
  ['51009', 'refused', 'quantity below the minimum to buy/sell'],
  ['51010', 'refused', 'limit price below the minimum buy price'],
  ['51011', 'refused', 'limit quantity*price below the minimum transaction amount'],
  ['51012', 'refused', 'market buy amount below the minimum'],
  ['51013', 'refused', 'market buy price too small'],
  ['51014', 'refused', 'market sell amount too small'],
  ['51015', 'refused', 'quantity too small'],
  ['51024', 'refused', 'no margin borrowing'],
  ['52000', 'refused', 'unsupported orderMode'],
  ['52001', 'refused', 'unsupported trade type'],
  ['52002', 'refused', 'unsupported side'],
  ['52003', 'refused', 'unsupported queryState'],
  ['52004', 'refused', 'endTime before startTime'],
  ['53000', 'unauthorised', 'account frozen by security policy'],
  ['53001', 'unauthorised', 'KYC country restricted'],
  ['53002', 'unauthorised', 'advanced KYC missing'],
  ['53003', 'unauthorised', 'sub-account lacks permission, ask the main account'],
  ['53004', 'unauthorised', 'pair not tradable in the region'],
  ['53005', 'unauthorised', 'no permission for the interface'],
  ['53006', 'unauthorised', 'starter verification missing'],
  ['53007', 'unauthorised', 'advanced verification missing'],
  ['53008', 'unauthorised', 'service not available in the country'],
  ['53009', 'unauthorised', 'QR-code certification missing'],
  ['53010', 'unauthorised', 'account barred from borrowing'],
  ['53011', 'unauthorised', 'account type may not use the feature'],
  ['57001', 'refused', 'method not allowed'],
  ['58001', 'refused', 'unsupported media type'],
  ['59001', 'unauthorised', 'user account not found'],
  ['59002', 'unknown', 'internal server error'],
  ['59003', 'unknown', 'spot wallet call failed'],
  ['59004', 'unknown', 'margin wallet call exception'],
  ['59005', 'unauthorised', 'margin wallet restricted'],
  ['59006', 'unknown', 'transfer failed'],
  ['59007', 'unavailable', 'symbol risk data unavailable'],
  ['59008', 'unknown', 'trading order failure'],
  ['59009', 'failed', 'loan granted but the order failed'],
  ['59010', 'refused', 'loan amount insufficient'],
  ['59011', 'unavailable', 'wallet balance service failed, try later'],
  ['60000', 'refused', 'invalid request or parameter (empty body, string for int)'],
  ['60001', 'refused', 'asset account type unknown'],
  ['60002', 'refused', 'currency unknown'],
  ['60003', 'refused', 'deposits closed for the currency'],
  ['60004', 'refused', 'withdrawals closed for the currency'],
  ['60005', 'refused', 'below minimum amount'],
  ['60006', 'refused', 'too many decimals'],
  ['60007', 'refused', 'address not in the allow list'],
  ['60008', 'refused', 'balance not enough'],
  ['60009', 'refused', 'beyond a limit'],
  ['60010', 'refused', 'record not found'],
  ['60011', 'refused', 'address invalid'],
  ['60012', 'refused', 'not supported for the currency'],
  ['60013', 'refused', 'amount not a multiple'],
  ['60014', 'refused', 'check the address memo'],
  ['60015', 'refused', 'address not verified'],
  ['60020', 'unauthorised', 'deposits barred'],
  ['60021', 'unauthorised', 'withdrawals barred'],
  ['60022', 'unauthorised', '24 hour withdrawal hold'],
  ['60026', 'unauthorised', 'sub-account without permission'],
  ['60027', 'unauthorised', 'only for sub-accounts'],
  ['60028', 'unauthorised', 'account unavailable'],
  ['60029', 'unauthorised', 'frozen by the main account'],
  ['60030', 'refused', 'method not allowed'],
  ['60031', 'refused', 'unsupported media type'],
  ['60050', 'unauthorised', 'user account not found'],
  ['60051', 'unknown', 'internal server error'],
  ['60052', 'unknown', 'exception'],
  ['60053', 'refused', 'recipient not found'],
  ['60054', 'unauthorised', 'sub-account cannot withdraw'],
  ['60055', 'refused', 'currency not supported'],
  ['60056', 'refused', 'withdrawal of the currency suspended'],
  ['60057', 'unauthorised', 'user status unavailable'],
  ['60058', 'refused', 'withdrawal would breach margin risk'],
  ['60059', 'refused', 'internal withdrawal forbidden'],
  ['60060', 'refused', 'invalid request'],
  ['60061', 'refused', 'unsupported operation'],
  ['60062', 'unauthorised', 'forbidden'],
  ['60063', 'unauthorised', 'account frozen by security policy'],
  ['60064', 'refused', 'daily quota exceeded'],
  ['60065', 'refused', 'sender equals receiver'],
  ['60066', 'refused', 'default range over 90 days'],
  ['60067', 'refused', 'range over 90 days'],
  ['61000', 'refused', 'amount must be positive'],
  ['61001', 'refused', 'balance not enough'],
  ['61002', 'refused', 'target account not found'],
  ['61003', 'refused', 'sub-account not found'],
  ['61004', 'unknown', 'duplicate request number'],
  ['61005', 'unauthorised', 'transfers between accounts off'],
  ['61006', 'unauthorised', 'only for organisation accounts'],
  ['61007', 'unauthorised', 'institution verification missing'],
  ['61008', 'unauthorised', 'transfers out suspended'],
  ['70000', 'refused', 'no data (HTTP 200!)'],
  ['70001', 'refused', 'parameter null (HTTP 200!)'],
  ['70002', 'refused', 'symbol invalid (HTTP 200!)'],
  ['70003', 'unavailable', 'net error, try later'],
  ['71001', 'refused', 'after invalid (HTTP 200!)'],
  ['71002', 'refused', 'before invalid (HTTP 200!)'],
  ['71003', 'refused', 'before/after invalid (HTTP 200!)'],
  ['71004', 'refused', 'kline count limit (HTTP 200!)'],
  ['71005', 'refused', 'step error (HTTP 200!)'],
  ['90001', 'refused', 'websocket: message format invalid'],
  ['90002', 'refused', 'websocket: op invalid'],
  ['90003', 'refused', 'websocket: args invalid'],
  ['90004', 'refused', 'websocket: channel invalid'],
  ['90005', 'refused', 'websocket: too many topics in one subscription (max 20)'],
  ['90006', 'refused', 'websocket: too many topics in total'],
  ['90007', 'throttled', 'websocket: subscribing too often'],
  ['90008', 'refused', 'websocket: duplicate subscription'],
  ['90009', 'refused', 'websocket: subscription invalid'],
  ['91001', 'unauthorised', 'websocket: key empty'],
  ['91002', 'unauthorised', 'websocket: key unknown'],
  ['91003', 'unauthorised', 'websocket: key frozen'],
  ['91004', 'unauthorised', 'websocket: key expired'],
  ['91005', 'refused', 'websocket: already logged in'],
  ['91006', 'unauthorised', 'websocket: not logged in'],
  ['91010', 'unauthorised', 'websocket: sign empty'],
  ['91011', 'unauthorised', 'websocket: sign wrong'],
  ['91021', 'unauthorised', 'websocket: timestamp empty'],
  ['91022', 'unavailable', 'websocket: timestamp not within a minute'],
  ['91023', 'unauthorised', 'websocket: timestamp format'],
  ['92001', 'refused', 'websocket: symbol invalid'],
  ['94001', 'throttled', 'websocket: reconnecting too often'],
  ['94002', 'throttled', 'websocket: too many connections'],
  ['95000', 'unavailable', 'websocket: system error'],
  ['CONNECT_FAILED', 'unavailable', 'DNS failure, refused or failed TLS before any byte was written'],
  ['HTTP_2XX_BAD_BODY', 'unknown', '200 with a body that is not JSON, or without code, or code 1000 without the order id'],
  ['HTTP_403_HTML', 'banned', 'Cloudflare interception: HTML page, no JSON (e.g. error 1010 for bot-like User-Agent)'],
  ['HTTP_418', 'banned', 'banned after 429s, body may carry 30017'],
  ['HTTP_429', 'throttled', 'rate limit, body may carry 30013'],
  ['HTTP_503_HTML', 'unknown', 'Cloudflare challenge or origin down, HTML'],
  ['HTTP_5XX_NO_CODE', 'unknown', 'server error without a known code'],
  ['NOT_SENT', 'late', 'nothing was sent: its turn under the rate limit would have come too late'],
  ['TIMEOUT', 'unknown', 'no answer in time, or the connection broke after the request was written'],
];

const table = new Map(codes.map(([code, means, because]) => [code, { means, because }]));

/** The exchange has said in words that it is over; how its API says so is not known, hence the spellings. */
const OVER = /wind[- ]?down|(trading|platform)( services?)? (has |have |is |are )?(ended|ceased)/i;
/**
 * Codes under which the end of trading may be announced. 50022 and 30014 are not among them: they leave open whether the
 * order was executed, whatever the words, and so they are looked up like any other.
 */
const MAY_MEAN_OVER = new Set(['50023', '50040', '51008', '30016', '30031']);
/** 40012 is a catch-all; only these messages are refusals, anything else leaves open what happened. */
const FUTURES_REFUSAL = /balance not enough|insufficient|invalid order/i;

export interface Meaning {
  readonly means: CodeClass;
  readonly because: string;
  readonly tradingOver: boolean;
}

/** What a code proves, with the message where the number alone does not decide. */
export function meaningOf(code: string, message: string): Meaning {
  const row = table.get(code);
  const because = row?.because ?? 'a code that is in no table';
  if (code === '30031' || (MAY_MEAN_OVER.has(code) && OVER.test(message))) {
    return { means: 'refused', because: 'the exchange has ended trading', tradingOver: true };
  }
  if (code === '51008' && /not support api/i.test(message)) {
    return { means: 'refused', because: 'the pair cannot be traded through the API', tradingOver: false };
  }
  if (code === '40012' && FUTURES_REFUSAL.test(message)) return { means: 'refused', because, tradingOver: false };
  return { means: row?.means ?? 'unknown', because, tradingOver: false };
}

/** For people who look, whatever the code: an answer that says in words that trading is over. */
export function speaksOfTheEnd(message: string): boolean {
  return OVER.test(message);
}

/** What an HTTP status proves when the body carries no code; pseudo-codes stand in the same table. */
export function pseudoCode(status: number, isHtml: boolean): string {
  if (status === 429) return 'HTTP_429';
  if (status === 418) return 'HTTP_418';
  if (status === 403) return 'HTTP_403_HTML';
  if (status >= 500) return isHtml ? 'HTTP_503_HTML' : 'HTTP_5XX_NO_CODE';
  return 'HTTP_2XX_BAD_BODY';
}

/** What to look at when the credentials are refused. Names things; never shows one. */
export function remedy(code: string): string {
  return REMEDIES[code] ?? 'look at the account on the exchange and at its secret';
}

const REMEDIES: Readonly<Record<string, string>> = {
  '30001': 'apiKey is empty; store the API key in the secret',
  '30002': 'the exchange does not know apiKey; check the API key in the secret, it may be mistyped or deleted',
  '30003': 'the API key is frozen; look at the account on the exchange',
  '30005':
    'look at secretKey and memo in the secret: the memo is the text typed when the key was made (case and spaces count), not a user id, and the secret key must belong to apiKey',
  '30006': 'the timestamp header was not accepted; look at the clock',
  '30007': 'look at the clock: the timestamp lies outside the allowed window',
  '30008': 'the timestamp header was not accepted; look at the clock',
  '30010': "the key is bound to other IP addresses; bind this function's egress address or give it a fixed one",
  '30011': 'the API key has expired; make a new one and store it',
  '30012':
    'the API key lacks a permission; tick Spot-Trade, Margin-Trade or Future-Trade for it on the exchange, as the market of the order needs',
  '30019': 'the account is not entitled to this operation; ask the exchange',
};
