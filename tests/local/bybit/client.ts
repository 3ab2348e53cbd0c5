// A bare signing client for the tests of the local Bybit, written apart from the venue's own code so that the two can
// disagree. Promises to sign exactly the bytes that it sends.
import { createHmac } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';
import { control, register } from '../control.ts';
import type { LocalBybit } from '../../../local/bybit/server.ts';

export { control, register };

export interface Body {
  readonly retCode: number;
  readonly retMsg: string;
  readonly result: Readonly<Record<string, unknown>>;
  readonly retExtInfo: Readonly<Record<string, unknown>>;
  readonly time: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The text read as JSON; empty where it is none. */
  readonly body: Body;
}

export interface Credentials {
  readonly account: string;
  readonly apiKey: string;
  readonly secretKey: string;
}

export const MAIN: Credentials = { account: 'main', apiKey: 'key-of-main', secretKey: 'secret-of-main' };
export const OTHER: Credentials = { account: 'other', apiKey: 'key-of-other', secretKey: 'secret-of-other' };

export interface Sending {
  readonly method: 'GET' | 'POST';
  /** Path and query as they go out. */
  readonly target: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The address of the loopback network that the call comes from. */
  readonly from?: string;
}

const bodyOf = (text: string): Body => {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return { retCode: Number.NaN, retMsg: '', result: {}, retExtInfo: {}, time: 0 };
  }
};

/** One HTTP request byte for byte, a GET with a body too. */
export const send = (url: string, { method, target, body, headers, from }: Sending): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const localAddress = from === undefined ? {} : { localAddress: from };
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { ...headers, ...length }, agent: false, ...localAddress };
    const sent = request(url + target, options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: bodyOf(text) });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });

export interface Options {
  readonly as?: Credentials;
  readonly timestamp?: number | string;
  readonly recvWindow?: string;
  readonly from?: string;
  readonly url?: string;
}

const signed = (tail: string, { as = MAIN, timestamp = Date.now(), recvWindow = '5000' }: Options) => {
  const text = `${timestamp}${as.apiKey}${recvWindow}${tail}`;
  return {
    'X-BAPI-API-KEY': as.apiKey,
    'X-BAPI-TIMESTAMP': String(timestamp),
    'X-BAPI-RECV-WINDOW': recvWindow,
    'X-BAPI-SIGN': createHmac('sha256', as.secretKey).update(text).digest('hex'),
  };
};

const fromOf = ({ from }: Options) => (from === undefined ? {} : { from });

/** POSTs a body, an object or the very text to send. */
export const post = (venue: LocalBybit, path: string, body: object | string, options: Options = {}): Promise<Reply> => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'Content-Type': 'application/json', ...signed(text, options) };
  return send(options.url ?? venue.url, { method: 'POST', target: path, body: text, headers, ...fromOf(options) });
};

/** GETs a path with its query exactly as given. */
export const get = (venue: LocalBybit, path: string, options: Options = {}): Promise<Reply> => {
  const headers = signed(path.split('?')[1] ?? '', options);
  return send(options.url ?? venue.url, { method: 'GET', target: path, headers, ...fromOf(options) });
};

/** Breaks promises; acting at once is the start of most tests, as it leaves nothing to wait for. */
export const promise = async (venue: LocalBybit, promises: object): Promise<void> => {
  const { status, body } = await control(venue, 'PUT', '/promises', { ...AT_ONCE, ...promises });
  if (status !== 200) throw new Error(JSON.stringify(body));
};
export const AT_ONCE = { actsAfterMs: 0, cancelsAfterMs: 0, historyLagsMs: 0 };

export const CREATE = '/v5/order/create';

/** Fields of a spot limit order that rests well below the market. */
export const resting = (orderLinkId?: string): Record<string, unknown> => ({
  category: 'spot',
  symbol: 'BTCUSDT',
  side: 'Buy',
  orderType: 'Limit',
  qty: '0.01',
  price: '50000',
  ...(orderLinkId === undefined ? {} : { orderLinkId }),
});

export const linear = (fields: object = {}): Record<string, unknown> => ({
  ...resting(),
  category: 'linear',
  ...fields,
});

export const create = (venue: LocalBybit, fields: object, options?: Options): Promise<Reply> =>
  post(venue, CREATE, fields, options);

export const listOf = (reply: Reply): readonly Readonly<Record<string, unknown>>[] =>
  reply.body.result['list'] as readonly Readonly<Record<string, unknown>>[];

/** Looks an order up by its orderLinkId, in realtime or in the history; undefined where the list is empty. */
export const find = async (
  venue: LocalBybit,
  orderLinkId: string,
  { category = 'spot', from = 'realtime' }: { readonly category?: string; readonly from?: 'realtime' | 'history' } = {},
): Promise<Readonly<Record<string, unknown>> | undefined> => {
  const symbol = category === 'linear' ? '&settleCoin=USDT' : '';
  const reply = await get(venue, `/v5/order/${from}?category=${category}&orderLinkId=${orderLinkId}${symbol}`);
  if (reply.body.retCode !== 0) throw new Error(reply.text);
  return listOf(reply)[0];
};

export interface ControlOrder {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly market: 'spot' | 'futures';
  readonly symbol: string;
  readonly account: string;
  readonly state: string;
  readonly status: string;
  readonly reason: string;
  readonly price: string;
  readonly size: string;
  readonly filledSize: string;
  readonly filledNotional: string;
  readonly cancelSource: string;
  readonly fees: Readonly<Record<string, string>>;
}

export const ordersOf = async (venue: LocalBybit): Promise<readonly ControlOrder[]> =>
  (await control(venue, 'GET', '/orders')).body as readonly ControlOrder[];

/** The wallet's row of a coin. */
export const coinOf = async (venue: LocalBybit, coin: string, as = MAIN): Promise<Readonly<Record<string, string>>> => {
  const reply = await get(venue, `/v5/account/wallet-balance?accountType=UNIFIED&coin=${coin}`, { as });
  const [row] = listOf(reply) as unknown as readonly { readonly coin: readonly Record<string, string>[] }[];
  return row?.coin[0] ?? {};
};

export const wait = (ms: number): Promise<void> => new Promise((later) => setTimeout(later, ms));
