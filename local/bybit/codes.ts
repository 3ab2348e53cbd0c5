// Bybit's answer codes and their texts. Promises the documented or the recorded text of a code, and HTTP 200 for every code
// but those about the key, whose status nobody documents. Never decides whether an error applies.

/** A refusal: the code and the text that goes with it. */
export interface Refusal {
  readonly refused: number;
  readonly message: string;
}

/** About key, signature or account: sent with 200 or 401, which is a promise because no source says. */
const ABOUT_THE_KEY: readonly number[] = [
  -2015, 10003, 10004, 10005, 10007, 10008, 10009, 10010, 10024, 10027, 10028, 33004,
];

export const statusOf = (code: number, authStatus: number): number => (ABOUT_THE_KEY.includes(code) ? authStatus : 200);

const TEXT: Readonly<Record<number, string>> = {
  [-2015]: 'Your api key has expired.',
  [-1]: 'request expired: o@0, now[] diff[]',
  10000: 'Server Timeout',
  10001: 'Request parameter error.',
  10002: 'The request time exceeds the time window range.',
  10003:
    'API key is invalid. Check whether the key and domain are matched, there are 4 env: mainnet, testnet, mainnet-demo, testnet-demo',
  10004: 'Error sign, please check your signature generation algorithm.',
  10005: 'Permission denied, please check your API key permissions.',
  10006: 'Too many visits!',
  10007: 'User authentication failed.',
  10008: 'Common banned, please check your account mode',
  10010: "Unmatched IP, please check your API key's bound IP addresses.",
  10014: 'Invalid duplicate request.',
  10016: 'Request timeout, please try again later',
  10017: 'Route not found.',
  10028: 'The API can only be accessed by unified account users.',
  30208: 'The order price is higher than the maximum buying price.',
  30209: 'The order price is lower than the minimum selling price.',
  33004: 'Your api key has expired.',
  110001: 'Order does not exist',
  110003: 'Order price exceeds the allowable range.',
  110007: 'ab not enough for new order',
  110008: 'The order has been completed or cancelled.',
  110010: 'The order has been cancelled',
  110013: 'Cannot set leverage due to risk limit level.',
  110017: 'Order qty will be truncated to zero',
  110020: 'Not allowed to have more than 500 active orders.',
  110024: 'You have an existing position, so the position mode cannot be switched',
  110025: 'Position mode is not modified',
  110026: 'Margin mode is not modified',
  110028: 'You have existing open orders, so the position mode cannot be switched',
  110043: 'leverage not modified',
  110064: 'The modified qty must be greater than the qty already filled',
  110072: 'OrderLinkedID is duplicate',
  110074: 'This contract is not live',
  110094: 'Order notional value below the lower limit',
  110108: 'allowed slippage tolerance range for ticks is [1, 10000]',
  110109: 'allowed slippage tolerance range for percent is [0.01, 10]',
  110119: 'Only designated market makers may place RPI orders',
  170115: 'Invalid timeInForce.',
  170116: 'Invalid orderType.',
  170117: 'Invalid side.',
  170131: 'Balance insufficient',
  170133: 'Order price lower than the minimum',
  170134: 'Order price decimal too long.',
  170137: 'Order quantity decimal too long.',
  170139: 'Order has been filled.',
  170140: 'Order value exceeded lower limit',
  170141: 'Duplicate clientOrderId',
  170142: 'Order has been cancelled.',
  170148: 'Market order amount decimal too long.',
  170151: 'This trading pair is not open yet.',
  170201: 'Your order parameter orderFilter is invalid',
  170213: 'Order does not exist.',
  170218: 'The LIMIT-MAKER order is rejected due to invalid price.',
  170313: 'The new order quantity is below the filled quantity',
  170341: 'Request order quantity exceeds maximum limit',
  170344: 'Symbol is not supported on Margin Trading',
  170355: 'Only designated market makers may place RPI orders',
  170810: 'Cannot exceed maximum of 500 conditional, TP/SL and active orders.',
};

/** A refusal with the known text, or with `message` where the text carries particulars. */
export const refuse = (code: number, message?: string): Refusal => ({
  refused: code,
  message: message ?? TEXT[code] ?? `Refused with code ${code}`,
});

export const isRefusal = (value: object): value is Refusal => 'refused' in value;

/** 10001 with the field that is wrong. */
export const invalid = (what: string): Refusal => refuse(10001, `params error: ${what}`);
