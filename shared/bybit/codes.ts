// Bybit's answers → what they prove. One row a code; the class says what may be concluded, the text says why.
// Sources: the exchange's error tables (2026-07) and observed replies where those are thin. What is UNKNOWN is taken for the
// worse. A code is believed before the HTTP status: business errors come with HTTP 200.

/**
 * ok: success, which for orders means accepted · refused: never executed, never will be · unauthorised: never executed, the
 * account must change first · throttled, banned, unavailable: never executed, may pass later · unknown: may have been
 * executed, look it up · duplicate: an order with this id exists · absent: a look-up saw nothing · finished: the order is no
 * longer open · already: what was to be set is set
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
  | 'already';

/**
 * The codes of answers, and the reasons that order records give (EC_...). 110020 and 170810, an account full of open orders, are
 * refusals here: nothing was executed, and waiting would keep behind it the very cancels that make room.
 */
// prettier-ignore
export const codes: readonly (readonly [code: string, means: CodeClass, because: string])[] = [
  ['-2015', 'unauthorised', 'API key expired (spot wording)'],
  ['-1', 'unavailable', 'request expired before the trading core took it (text shows three times: o@, now, diff)'],
  ['0', 'ok', 'success'],
  ['429', 'unknown', 'trading service overloaded, please retry'],
  ['5004', 'unknown', 'server timeout (seen 2022)'],
  ['7001', 'refused', 'request parameters of the wrong type'],
  ['10000', 'unknown', 'server timeout'],
  ['10001', 'refused', 'request parameter error; the message says which'],
  ['10002', 'unavailable', 'timestamp outside the receive window'],
  ['10003', 'unauthorised', 'API key invalid or of another environment (mainnet, testnet, mainnet-demo, testnet-demo)'],
  ['10004', 'unauthorised', 'signature wrong'],
  ['10005', 'unauthorised', 'key lacks the permission'],
  ['10006', 'throttled', 'over the rate limit of this endpoint for this account'],
  ['10007', 'unauthorised', 'user authentication failed'],
  ['10008', 'unauthorised', 'account banned from this function; check the account mode'],
  ['10009', 'unauthorised', 'service not available in your region'],
  ['10010', 'unauthorised', 'address not in the key\'s IP list'],
  ['10014', 'unknown', 'duplicate request'],
  ['10016', 'unknown', 'server error; texts seen: \'System error. Please try again later.\' and \'Request timeout, please try again later\''],
  ['10017', 'refused', 'route not found'],
  ['10018', 'banned', 'IP over its limit (struck out in the current table; 403 replaced it)'],
  ['10019', 'unknown', 'ws trade service restarting'],
  ['10020', 'unauthorised', 'account is not a unified account'],
  ['10024', 'unauthorised', 'compliance rule triggered'],
  ['10027', 'unauthorised', 'transactions banned for this account'],
  ['10028', 'unauthorised', 'API needs a unified account'],
  ['10029', 'refused', 'symbol not in the key\'s symbol whitelist'],
  ['10404', 'refused', 'op or category wrong'],
  ['10429', 'throttled', 'system-level frequency protection'],
  ['12137', 'refused', 'quantity has too many decimals (older spot code)'],
  ['12141', 'duplicate', 'duplicate clientOrderId (older spot code, seen 2023)'],
  ['20003', 'throttled', 'too frequent in one session'],
  ['20006', 'refused', 'reqId duplicate'],
  ['30133', 'refused', 'symbol not allowed under the institutional loan'],
  ['30208', 'refused', 'order price above the highest allowed buy price'],
  ['30209', 'refused', 'order price below the lowest allowed sell price'],
  ['30228', 'refused', 'no new positions while the contract is being delisted'],
  ['30256', 'refused', 'margin limit of the loan exceeded (spot)'],
  ['33004', 'unauthorised', 'API key expired (derivatives wording)'],
  ['40004', 'unknown', 'order changed while being replaced; check its state'],
  ['100028', 'refused', 'API not usable by a unified account'],
  ['110001', 'absent', 'order does not exist'],
  ['110003', 'refused', 'order price outside the allowed range'],
  ['110004', 'refused', 'wallet balance too small'],
  ['110005', 'refused', 'position state wrong'],
  ['110006', 'refused', 'assets do not cover the position margin'],
  ['110007', 'refused', 'available balance too small'],
  ['110008', 'finished', 'order already filled or cancelled'],
  ['110009', 'refused', 'too many stop orders'],
  ['110010', 'finished', 'order already cancelled'],
  ['110011', 'refused', 'the change would liquidate at once'],
  ['110012', 'refused', 'available balance too small'],
  ['110013', 'refused', 'leverage not allowed at this risk limit'],
  ['110014', 'refused', 'not enough balance to add margin'],
  ['110015', 'refused', 'position is in cross margin'],
  ['110017', 'refused', 'quantity truncates to zero'],
  ['110018', 'unauthorised', 'user id illegal'],
  ['110019', 'refused', 'order id illegal'],
  ['110020', 'refused', 'more than 500 active orders'],
  ['110021', 'refused', 'position limit because of open interest'],
  ['110022', 'refused', 'quantity restricted, no increase by amend'],
  ['110023', 'refused', 'only reducing is possible on this contract'],
  ['110024', 'refused', 'position mode cannot change with a position'],
  ['110025', 'already', 'position mode already so'],
  ['110026', 'already', 'margin mode already so'],
  ['110027', 'already', 'margin already so'],
  ['110028', 'refused', 'position mode cannot change with open orders'],
  ['110029', 'refused', 'hedge mode not supported here'],
  ['110032', 'refused', 'order illegal'],
  ['110037', 'refused', 'symbol not in the user settings'],
  ['110040', 'refused', 'order would trigger liquidation'],
  ['110042', 'refused', 'pre-delivery: reduce only'],
  ['110043', 'already', 'leverage already so'],
  ['110044', 'refused', 'available margin too small'],
  ['110045', 'refused', 'wallet balance too small'],
  ['110049', 'refused', 'ticks must be numbers'],
  ['110050', 'refused', 'coin illegal'],
  ['110051', 'refused', 'balance below the lowest price of the market'],
  ['110052', 'refused', 'balance too small for this price'],
  ['110053', 'refused', 'balance below the upper price limit'],
  ['110057', 'refused', 'order carries TP/SL parameters that do not fit'],
  ['110059', 'refused', 'TP/SL of a partly filled order cannot change'],
  ['110061', 'refused', 'more than 20 partial TP/SL'],
  ['110063', 'unavailable', 'settlement under way, symbol not tradable now'],
  ['110064', 'refused', 'new quantity not above the filled quantity'],
  ['110066', 'refused', 'trading not allowed at present'],
  ['110067', 'unauthorised', 'unified account not supported'],
  ['110068', 'unauthorised', 'leveraged trading not allowed'],
  ['110069', 'unauthorised', 'institutional-loan customer may not trade'],
  ['110070', 'refused', 'ETP symbols cannot be traded'],
  ['110072', 'duplicate', 'orderLinkId duplicate'],
  ['110073', 'refused', 'margin mode could not be set'],
  ['110074', 'refused', 'contract not live'],
  ['110076', 'refused', 'only isolated mode can add margin automatically'],
  ['110077', 'refused', 'portfolio mode not supported'],
  ['110079', 'unavailable', 'order is being processed, cannot be touched now'],
  ['110080', 'unauthorised', 'loan account is being liquidated'],
  ['110085', 'refused', 'risk limit of the contract was changed; choose a supported one'],
  ['110086', 'refused', 'leverage above the risk-limit tier'],
  ['110087', 'refused', 'leverage above the loan rule'],
  ['110088', 'unauthorised', 'upgrade to a unified account to trade'],
  ['110089', 'refused', 'risk limit level too high'],
  ['110090', 'refused', 'position would pass its maximum at this leverage'],
  ['110092', 'refused', 'trigger must lie above the current price'],
  ['110093', 'refused', 'trigger must lie below the current price'],
  ['110094', 'refused', 'notional value below the minimum'],
  ['110095', 'refused', 'call auction: no create, amend or cancel'],
  ['110096', 'refused', 'pre-market contract does not support portfolio margin'],
  ['110097', 'unauthorised', 'pre-market contract needs a unified account'],
  ['110098', 'refused', 'call auction takes only GTC'],
  ['110099', 'refused', 'no TP/SL in a call auction'],
  ['110100', 'refused', 'no pre-market contracts in demo trading'],
  ['110103', 'refused', 'only post-only orders at this stage'],
  ['110108', 'refused', 'slippage tolerance outside 1..10000 ticks'],
  ['110109', 'refused', 'slippage tolerance outside 0.01..10 percent'],
  ['110118', 'refused', 'no price for a market order, book too thin'],
  ['110119', 'refused', 'RPI orders only for approved makers'],
  ['110120', 'refused', 'price below the lower limit'],
  ['110121', 'refused', 'price above the upper limit'],
  ['110123', 'unauthorised', 'trading terms not accepted'],
  ['110124', 'unauthorised', 'cooling-off period'],
  ['110125', 'refused', 'trading terms of this contract not accepted'],
  ['110131', 'refused', 'margin limit of the loan exceeded (perpetuals)'],
  ['110132', 'refused', 'product not available in your region'],
  ['110135', 'refused', 'event-futures position blocks orders in portfolio margin'],
  ['110136', 'refused', 'event futures only for listed accounts'],
  ['110137', 'refused', 'event contract is in its reduce-only window'],
  ['170001', 'unknown', 'internal error'],
  ['170005', 'throttled', 'too many new orders for the window'],
  ['170007', 'unknown', 'no answer from the back end in time'],
  ['170010', 'refused', 'leveraged-token position limit'],
  ['170011', 'refused', 'innovation-token position limit'],
  ['170019', 'refused', 'purchase limit of the token'],
  ['170031', 'refused', 'feature suspended'],
  ['170032', 'unknown', 'network error, try later'],
  ['170033', 'refused', 'margin balance too small'],
  ['170034', 'refused', 'liability would overflow'],
  ['170035', 'unknown', 'handed to the system for processing'],
  ['170036', 'unauthorised', 'cross margin not enabled'],
  ['170037', 'refused', 'coin without cross margin'],
  ['170105', 'refused', 'a parameter is empty'],
  ['170115', 'refused', 'timeInForce illegal'],
  ['170116', 'refused', 'orderType illegal'],
  ['170117', 'refused', 'side illegal'],
  ['170121', 'refused', 'symbol illegal'],
  ['170124', 'refused', 'amount too large'],
  ['170130', 'refused', 'a parameter has an illegal value'],
  ['170131', 'refused', 'balance too small'],
  ['170132', 'refused', 'price too high'],
  ['170133', 'refused', 'price below the minimum'],
  ['170134', 'refused', 'price has too many decimals'],
  ['170136', 'refused', 'quantity below the minimum'],
  ['170137', 'refused', 'quantity has too many decimals'],
  ['170139', 'finished', 'order already filled'],
  ['170140', 'refused', 'order value below the minimum (text says exceeded lower limit)'],
  ['170141', 'duplicate', 'clientOrderId duplicate'],
  ['170142', 'finished', 'order already cancelled'],
  ['170143', 'finished', 'not found on the book'],
  ['170144', 'unavailable', 'order locked'],
  ['170145', 'refused', 'this kind of order cannot be cancelled'],
  ['170146', 'unknown', 'creation timed out'],
  ['170147', 'unknown', 'cancellation timed out'],
  ['170148', 'refused', 'market amount has too many decimals'],
  ['170149', 'unknown', 'creation failed'],
  ['170150', 'unknown', 'cancellation failed'],
  ['170151', 'refused', 'pair not open yet'],
  ['170157', 'refused', 'pair not tradable by API'],
  ['170159', 'unavailable', 'no market orders in the first minutes of a new pair'],
  ['170190', 'finished', 'cancellation already finished'],
  ['170191', 'unavailable', 'cannot cancel now, try later'],
  ['170192', 'refused', 'price above the maximum'],
  ['170193', 'refused', 'buy price above the maximum'],
  ['170194', 'refused', 'sell price below the minimum'],
  ['170195', 'refused', 'ETP buy price far from the control price'],
  ['170196', 'refused', 'ETP sell price far from the control price'],
  ['170197', 'refused', 'buy quantity so large that the price would suffer'],
  ['170198', 'refused', 'sell quantity so large that the price would suffer'],
  ['170199', 'refused', 'buy quantity too large against net asset value'],
  ['170200', 'refused', 'sell quantity too large against net asset value'],
  ['170201', 'refused', 'orderFilter illegal'],
  ['170202', 'refused', 'TP/SL price missing'],
  ['170203', 'refused', 'trigger above 110 percent of price'],
  ['170204', 'refused', 'trigger below 90 percent'],
  ['170206', 'unavailable', 'no stop-limit in the first 5 minutes of a new pair'],
  ['170207', 'refused', 'platform has not enough to lend'],
  ['170209', 'refused', 'pair only for some regions'],
  ['170210', 'refused', 'new order rejected'],
  ['170212', 'unknown', 'cancellation is being processed'],
  ['170213', 'absent', 'order does not exist'],
  ['170215', 'unauthorised', 'loan rule stops buying'],
  ['170216', 'refused', 'leverage above the loan rule'],
  ['170217', 'refused', 'pair takes only maker orders now'],
  ['170218', 'refused', 'maker order would take: rejected for its price'],
  ['170219', 'unauthorised', 'this user cannot use the feature'],
  ['170220', 'unauthorised', 'loan rule stops spot trading'],
  ['170221', 'refused', 'coin does not exist'],
  ['170222', 'throttled', 'too many requests in this time frame'],
  ['170223', 'unauthorised', 'loan account in alert or liquidation'],
  ['170224', 'refused', 'not a user of the innovation zone'],
  ['170226', 'unauthorised', 'margin account is being liquidated'],
  ['170227', 'refused', 'feature not supported'],
  ['170228', 'refused', 'purchase above the estimated maximum of an order'],
  ['170229', 'refused', 'sale above the estimated maximum of an order'],
  ['170230', 'unauthorised', 'margin switched off for the loan'],
  ['170234', 'unknown', 'system error'],
  ['170241', 'refused', 'risk disclosure not confirmed'],
  ['170310', 'unknown', 'amendment timed out'],
  ['170311', 'unknown', 'amendment failed'],
  ['170312', 'refused', 'this order cannot be amended'],
  ['170313', 'refused', 'new quantity below the filled quantity'],
  ['170341', 'refused', 'quantity above the maximum'],
  ['170344', 'refused', 'symbol without margin trading'],
  ['170346', 'refused', 'settle coin not a collateral coin'],
  ['170348', 'unauthorised', 'go to the Turkish site'],
  ['170355', 'refused', 'RPI only for approved makers'],
  ['170358', 'refused', 'site without ETP'],
  ['170359', 'refused', 'site without leverage'],
  ['170360', 'refused', 'symbol cannot be traded (spread trading, collateral off)'],
  ['170371', 'refused', 'price below the price limit'],
  ['170372', 'refused', 'price above the price limit'],
  ['170381', 'refused', 'quantity too large'],
  ['170382', 'refused', 'quantity too large'],
  ['170709', 'refused', 'pair not in the loan whitelist'],
  ['170810', 'refused', 'more than 500 active, TP/SL and conditional orders'],
  ['3100116', 'refused', 'quantity below the lower limit'],
  ['3100198', 'refused', 'orderLinkId may not be empty (options)'],
  ['3200300', 'refused', 'margin balance too small'],
  ['EC_PostOnlyWillTakeLiquidity', 'refused', 'accepted, then cancelled: post-only would have taken'],
  ['EC_NoImmediateQtyToFill', 'refused', 'accepted, then cancelled: nobody to fill against'],
  ['EC_NoEnoughQtyToFill', 'refused', 'accepted, then cancelled: FOK not fillable'],
  ['EC_CancelForNoFullFill', 'refused', 'accepted, then cancelled: not fully fillable'],
  ['EC_DuplicatedClOrdID', 'duplicate', 'the matching engine refused a repeated id'],
  ['EC_ReachRiskPriceLimit', 'refused', 'stopped at the risk price limit'],
  ['EC_ReachMarketPriceLimit', 'refused', 'stopped at the market price limit'],
  ['EC_BySelfMatch', 'refused', 'stopped by self-match prevention'],
  ['EC_CancelByOrderValueZero', 'refused', 'rest worth nothing, cancelled'],
  ['EC_InvalidSymbolStatus', 'refused', 'symbol not in a state to trade'],
  ['EC_PerCancelRequest', 'refused', 'cancelled on request'],
  ['EC_OrigClOrdIDDoesNotExist', 'refused', 'a cancel lost the race: the order was already filled'],
  ['EC_Others', 'refused', 'refused, cause not given'],
  ['CONNECT_FAILED', 'unavailable', 'DNS failure, refused or failed TLS before any byte was written'],
  ['HTTP_2XX_BAD_BODY', 'unknown', 'an answer without a code, or accepted without an order id'],
  ['HTTP_400', 'refused', 'malformed request; nothing was executed'],
  ['HTTP_401', 'unauthorised', 'wrong key for this host, or no authentication headers'],
  ['HTTP_403', 'banned', 'the address made more than 600 requests in 5 s; it is let in again after 10 minutes at least'],
  ['HTTP_403_COUNTRY', 'banned', 'the exchange does not serve this country (the United States, mainland China), so it refuses the address'],
  ['HTTP_404', 'refused', 'no such path, or the category does not fit the account'],
  ['HTTP_429', 'throttled', 'system-level frequency protection'],
  ['HTTP_5XX', 'unknown', 'gateway or upstream failure without a code'],
  ['NOT_SENT', 'late', 'nothing was sent: its turn under the rate limit would have come too late'],
  ['TIMEOUT', 'unknown', 'no answer in time, or the connection broke after the request was written'],
];

const table = new Map(codes.map(([code, means, because]) => [code, { means, because }]));

export interface Meaning {
  readonly means: CodeClass;
  readonly because: string;
  /** False for a code that no table holds. */
  readonly isKnown: boolean;
}

/** What a code proves, with the message where the number alone does not decide. */
export function meaningOf(code: string, message: string): Meaning {
  const row = table.get(code);
  if (row === undefined) return { means: 'unknown', because: 'a code that is in no table', isKnown: false };
  // 10001 is a wrong parameter, and this one of its texts a wrong signature.
  const isOfSignature = code === '10001' && /sign params error/i.test(message);
  return { ...row, ...(isOfSignature ? { means: 'unauthorised' as const } : {}), isKnown: true };
}

/** Of these no source says that nothing was executed, whatever their class: a write that meets one is looked up. */
const LEAVES_OPEN = new Set(['HTTP_429', '10429']);
export const leavesOpen = (code: string): boolean => LEAVES_OPEN.has(code);

/** It is one of Bybit's own codes, from an answer that could be read. */
export const isRetCode = (code: string): boolean => /^-?\d+$/.test(code);

/**
 * What an HTTP status proves where the body carries no code; pseudo-codes stand in the same table. A 403 is a country that is
 * not served if it says so, or if this address was never served before, and else the ban of an address.
 */
export function pseudoCode(status: number, text: string, hasBeenServed: boolean): string {
  if (status === 403) {
    if (/too frequent/i.test(text)) return 'HTTP_403';
    return /country|region/i.test(text) || !hasBeenServed ? 'HTTP_403_COUNTRY' : 'HTTP_403';
  }
  if ([400, 401, 404, 429].includes(status)) return `HTTP_${status}`;
  return status >= 500 ? 'HTTP_5XX' : 'HTTP_2XX_BAD_BODY';
}

/** What to look at when the credentials are refused. Names things; never shows one. */
export function remedy(code: string): string {
  return REMEDIES[code] ?? 'look at the account on the exchange and at its secret';
}

const EXPIRED =
  'the API key has expired (without a bound address it lives 90 days, 7 after a change of the password); extend it on the exchange, or make a new one and store it';
const WRONG_KEY =
  'the exchange does not know apiKey in this environment; a key belongs to one of live, demo and testnet, and to one site: look at apiKey and environment in the secret';
const CLOCK =
  'look at the clock: it may be 1 s ahead of the venue at most, and not further behind than the receive window';
const UNIFIED = 'the account must be a unified trading account; upgrade it on the exchange';

const REMEDIES: Readonly<Record<string, string>> = {
  '-2015': EXPIRED,
  '33004': EXPIRED,
  '10001': 'look at secretKey in the secret; it must belong to apiKey',
  '10002': CLOCK,
  '-1': CLOCK,
  '10003': WRONG_KEY,
  HTTP_401: WRONG_KEY,
  '10004': 'look at secretKey in the secret: it must belong to apiKey, without white space or a line break at an end',
  '10005':
    'the API key lacks a permission; tick SpotTrade for spot, Order and Position of Contract for futures, and see that it is not read-only',
  '10008': 'the account is banned from this; look at it on the exchange',
  '10009':
    'the exchange does not serve the region of the account or of this address; ask it, and look at the region of the stack',
  '10010': "the key is bound to other addresses; bind this function's egress address or give it a fixed one",
  '10020': UNIFIED,
  '10024': 'a compliance rule of the exchange holds the account; look at it there',
  '10027': 'the exchange has barred the account from trading; ask it',
  '10028': UNIFIED,
  '110067': UNIFIED,
  '110088': UNIFIED,
  '110097': UNIFIED,
  '110123': 'the trading terms have to be agreed to on the exchange, by a person',
  '110124': 'the account is in a cooling-off period; it ends by itself',
  '170348': 'the account belongs to the Turkish site; the key and the URL in the settings belong to different sites',
};
