// BitMart's answer codes with the HTTP status each one travels with. Promises that a code is always sent with its
// documented status, which is 200 for several errors. Never decides whether an error applies.

/** A documented refusal: the code and the text that goes with it. */
export interface Refusal {
  readonly refused: number;
  readonly message: string;
}

const NOT_400: Readonly<Record<number, readonly number[]>> = {
  200: [1000, 30016, 30019, 30030, 30031, 42000, 70000, 70001, 70002, 70003, 71001, 71002, 71003, 71004, 71005],
  401: [30001, 30002, 30003, 30004, 30005, 30006, 30007, 30008],
  // prettier-ignore
  403: [
    30010, 30011, 30012, 40046, 40047, 40048, 40049, 40050,
    53000, 53001, 53002, 53003, 53004, 53005, 53006, 53007, 53008, 53009, 53010, 53011,
    60020, 60021, 60022, 60026, 60027, 60028, 60029, 60053, 60054, 60055, 60056, 60057, 60058, 60059,
    60060, 60061, 60062, 60063, 60064, 60065, 61005, 61006, 61007, 61008,
  ],
  404: [30000],
  405: [57001, 60030],
  415: [58001, 60031],
  418: [30017],
  429: [30013],
  500: [...Array.from({ length: 10 }, (_, i) => 59002 + i), 60050, 60051],
  503: [30014, 30018],
};

const STATUS = new Map(Object.entries(NOT_400).flatMap(([http, codes]) => codes.map((code) => [code, Number(http)])));

/** The HTTP status of a code; 400 where the tables know nothing else (source: the spot and futures code tables). */
export const statusOf = (code: number): number => STATUS.get(code) ?? 400;

const TEXT: Readonly<Record<number, string>> = {
  30000: 'Not found',
  30001: 'Header X-BM-KEY is empty',
  30002: 'Header X-BM-KEY not found',
  30003: 'Header X-BM-KEY has frozen',
  30004: 'Header X-BM-SIGN is empty',
  30005: 'Header X-BM-SIGN is wrong',
  30006: 'Header X-BM-TIMESTAMP is empty',
  30007: 'Header X-BM-TIMESTAMP range. Within a minute',
  30008: 'Header X-BM-TIMESTAMP invalid format',
  30010: 'IP is forbidden. We recommend enabling IP whitelist for API trading',
  30011: 'Header X-BM-KEY is expired',
  30012: 'Header X-BM-KEY is forbidden to request it',
  30013: '(U)Request too many requests',
  30014: 'Service unavailable',
  30016: 'Service maintenance, the function is temporarily unavailable',
  30017: 'Your account request is temporarily rejected due to violation of current limiting rules',
  30018: 'Request Body requires JSON format',
  30019: 'You do not have the permissions to perform this operation',
  30030: 'The futures V1 API is retired. Send futures paths to the futures host',
  30031: 'This endpoint has been deprecated. Please refer to the document',
  40012: 'Invalid order',
  40014: 'Contract offline',
  40020: 'Position volume not enough',
  40021: 'Position does not exist',
  40027: 'Available balance not enough',
  40029: 'Leverage is too large',
  40030: 'Leverage is too small',
  40034: 'Symbol does not exist',
  40035: 'Order does not exist',
  40036: 'Order status is invalid',
  40037: 'Order id does not exist',
  40040: 'Leverage is invalid',
  40041: 'Side is invalid',
  40042: 'Type is invalid',
  40043: 'Precision is invalid',
  40044: 'Size is out of range',
  40045: 'Open type is invalid',
  40048: 'Client order id only allows a combination of numbers and letters',
  40049: 'Client order id maximum length is 32 characters',
  40050: 'Client order id duplicated with existing orders',
  40059: 'Position mode cannot be switched while positions or orders exist',
  42000: 'Balance not enough',
  50001: 'Symbol not found',
  50005: 'Order Id not found',
  50010: 'Size is empty',
  50011: 'Price is empty',
  50020: 'Balance not enough',
  50022: 'Service unavailable',
  50030: 'Order is already canceled',
  50031: 'Order is already completed',
  50032: 'Order does not exist',
  50033: 'The order quantity should be greater than 0 and less than or equal to 10',
  50034: 'The price is high and there is no matching depth',
  50035: 'The price is low and there is no matching depth',
  50037: 'clientOrderId maximum length is 32 characters',
  50038: 'clientOrderId only allows a combination of numbers and letters',
  50039: 'Order id and client order id are both empty',
  50042: 'clientOrderId is duplicate',
  51008: 'This trading pair does not support API trading',
  51000: 'Currency not found',
  51003: 'Account limit',
  51004: 'Borrow above the available maximum',
  51005: 'Borrow below the minimum',
  51006: 'Repay more than owed',
  57001: 'Request method not allowed',
  58001: 'Unsupported media type, send application/json',
  59009: 'Loan success, but the order failed',
  59010: 'Loan amount insufficient',
  60031: 'Unsupported media type, send application/json',
};

/** A refusal with the documented text, or with `message` where the text carries particulars. */
export const refuse = (code: number, message?: string): Refusal => ({
  refused: code,
  message: message ?? TEXT[code] ?? `Refused with code ${code}`,
});

export const isRefusal = (value: object): value is Refusal => 'refused' in value;
