// A bare signing client for the tests of the local venue, written apart from the venue's own code so that the two can
// disagree. Promises to sign exactly the bytes that it sends.
import { createHmac } from 'node:crypto';
import { control, register } from '../control.ts';
import type { LocalBitmart } from '../../../local/bitmart/server.ts';

export { control, register };

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly code: number; readonly message: string; readonly trace: string; readonly data: unknown };
}

export interface Credentials {
  readonly account: string;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly memo: string;
}

export const MAIN: Credentials = {
  account: 'main',
  apiKey: 'key-of-main',
  secretKey: 'secret-of-main',
  memo: 'my memo #1 é',
};
export const OTHER: Credentials = { account: 'other', apiKey: 'key-of-other', secretKey: 'secret-of-other', memo: '' };

const reply = async (response: Response): Promise<Reply> => ({
  status: response.status,
  headers: response.headers,
  body: (await response.json()) as Reply['body'],
});

/** The host that a path belongs to. */
const hostOf = (venue: LocalBitmart, path: string): string =>
  /^\/(contract\/|account\/v1\/transfer-contract)/.test(path) ? venue.futuresUrl : venue.spotUrl;

/** POSTs a body, an object or the very text to send, signed by `as`; `headers` override what would be sent. */
export const post = async (
  venue: LocalBitmart,
  path: string,
  body: object | string,
  as: Credentials = MAIN,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const timestamp = headers['X-BM-TIMESTAMP'] ?? String(Date.now());
  const sign = createHmac('sha256', as.secretKey).update(`${timestamp}#${as.memo}#${text}`).digest('hex');
  const signed = {
    'Content-Type': 'application/json',
    'X-BM-KEY': as.apiKey,
    'X-BM-TIMESTAMP': timestamp,
    'X-BM-SIGN': sign,
  };
  return reply(
    await fetch(hostOf(venue, path) + path, { method: 'POST', body: text, headers: { ...signed, ...headers } }),
  );
};

/** GETs with the key alone, unsigned. */
export const get = async (
  venue: LocalBitmart,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> =>
  reply(await fetch(hostOf(venue, path) + path, { headers: { 'X-BM-KEY': MAIN.apiKey, ...headers } }));

/** Fields of a limit order that rests well below the market. */
export const resting = (id?: string): Record<string, string> => ({
  symbol: 'BTC_USDT',
  side: 'buy',
  type: 'limit',
  size: '0.01',
  price: '50000',
  ...(id === undefined ? {} : { client_order_id: id }),
});

export const submit = (venue: LocalBitmart, fields: object, as: Credentials = MAIN): Promise<Reply> =>
  post(venue, '/spot/v2/submit_order', fields, as);

/** Looks an order up by its client order id. */
export const find = (venue: LocalBitmart, clientOrderId: string, as: Credentials = MAIN): Promise<Reply> =>
  post(venue, '/spot/v4/query/client-order', { clientOrderId }, as);

export interface ControlOrder {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly market: 'spot' | 'margin' | 'futures';
  readonly symbol: string;
  readonly account: string;
  readonly state: string;
  readonly price: string;
  readonly filledSize: string;
  readonly filledNotional: string;
  readonly cancelSource: string;
}

export const ordersOf = async (venue: LocalBitmart): Promise<readonly ControlOrder[]> =>
  (await control(venue, 'GET', '/orders')).body as readonly ControlOrder[];
