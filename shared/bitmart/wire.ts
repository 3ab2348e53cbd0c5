// BitMart on the wire: serialise once, sign exactly those bytes, send them with a deadline, read status, code and usage.
// Never retries and never decides what an answer means; the transport is a function, so any network can stand behind it.
import { createHmac } from 'node:crypto';
import { lost, type Reply } from '../asking.ts';
import type { HttpRequest, Transport } from '../http.ts';
import { pseudoCode } from './codes.ts';
import type { Usage } from '../pace.ts';

/** What an account needs to sign. `memo` is the text typed when the key was made, not a user id. */
export interface Credentials {
  readonly apiKey: string;
  readonly secretKey: string;
  readonly memo: string;
  readonly brokerId?: string;
}

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON and signed. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly credentials?: Credentials;
  /** By when the answer must be in, ms. */
  readonly deadline: number;
  /** Not sent later than this, ms. */
  readonly sendBefore?: number;
}

const USER_AGENT = 'serverless-trading-bot/0.1';

/**
 * The signature: lower-case hex HMAC-SHA256 of `timestamp#memo#tail` with the secret key, all UTF-8.
 * Source: the exchange's spot documentation, and its published vectors.
 * @param tail the JSON body of a POST exactly as it is sent; empty for a GET
 */
export function sign(credentials: Pick<Credentials, 'secretKey' | 'memo'>, timestamp: string, tail: string): string {
  return createHmac('sha256', credentials.secretKey).update(`${timestamp}#${credentials.memo}#${tail}`).digest('hex');
}

/** The bytes of a request, serialised once and signed as they are. @param signedAt its timestamp, ms */
export function compose(baseUrl: string, request: Request, signedAt: number): HttpRequest {
  const { method, path, query, deadline, sendBefore = Infinity } = request;
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const asked = query === undefined ? '' : new URLSearchParams(query).toString();
  const url = asked === '' ? baseUrl + path : `${baseUrl}${path}?${asked}`;
  const headers = authentication(request.credentials, signedAt, body);
  const common = { method, url, headers, deadline, sendBefore };
  return body === undefined ? common : { ...common, body };
}

/** Sends one request. Never rejects. @param now the clock that signs, ms */
export async function send(transport: Transport, baseUrl: string, request: Request, now: () => number): Promise<Reply> {
  const signedAt = now();
  const response = await transport(compose(baseUrl, request, signedAt));
  if (response.kind === 'failure') return lost(response, signedAt);
  const { sentAt = signedAt } = response;
  const journey = { sentAt, tookMs: Math.max(0, now() - sentAt) };
  const usage = usageOf(response.headers);
  const isHtml = /^\s*</.test(response.body);
  const envelope = isHtml ? undefined : readEnvelope(response.body);
  if (envelope === undefined) {
    const message = `HTTP ${response.status} without a BitMart code`;
    return {
      kind: 'answer',
      code: pseudoCode(response.status, isHtml),
      message,
      data: undefined,
      signedAt,
      usage,
      journey,
    };
  }
  // A 418 is a ban whatever the body says of it.
  const code = response.status === 418 && envelope.code !== '30017' ? 'HTTP_418' : envelope.code;
  return { kind: 'answer', ...envelope, code, signedAt, usage, journey };
}

/** By key alone where there is no body, as the exchange's documents have it. */
function authentication(
  credentials: Credentials | undefined,
  signedAt: number,
  body: string | undefined,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { 'User-Agent': USER_AGENT };
  if (credentials === undefined) return headers;
  headers['X-BM-KEY'] = credentials.apiKey;
  if (credentials.brokerId !== undefined) headers['X-BM-BROKER-ID'] = credentials.brokerId;
  if (body === undefined) return headers;
  const timestamp = String(signedAt);
  headers['Content-Type'] = 'application/json';
  headers['X-BM-TIMESTAMP'] = timestamp;
  headers['X-BM-SIGN'] = sign(credentials, timestamp, body);
  return headers;
}

/**
 * JSON.parse, but a whole number that a double cannot hold comes out as the text of its digits: futures order ids have 17
 * digits. Costs nothing where the text holds no such number.
 */
export function parseJson(text: string): unknown {
  return /\d{16}/.test(text) ? (JSON.parse(text, keepDigits) as unknown) : JSON.parse(text);
}

/** The third argument, the number as it is written, came with ES2026; the types do not know it yet. */
function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? source : value;
}

/** Some families send the code as text. */
function readEnvelope(text: string): { code: string; message: string; data: unknown } | undefined {
  try {
    const value = parseJson(text);
    if (typeof value !== 'object' || value === null || !('code' in value)) return undefined;
    const { code } = value;
    if (typeof code !== 'number' && typeof code !== 'string') return undefined;
    // It travels on in reports and letters: what does not look like a code is none.
    if (!/^\w{1,32}$/.test(String(code))) return undefined;
    const message = 'message' in value && typeof value.message === 'string' ? value.message : '';
    return { code: String(code), message, data: 'data' in value ? value.data : undefined };
  } catch {
    return undefined;
  }
}

/** X-BM-RateLimit-Remaining counts the calls *used*, whatever its name says. Missing or odd headers give undefined. */
function usageOf(headers: Readonly<Record<string, string | string[] | undefined>>): Usage | undefined {
  const used = Number(headers['x-bm-ratelimit-remaining']);
  const limit = Number(headers['x-bm-ratelimit-limit']);
  return Number.isInteger(used) && Number.isInteger(limit) && limit > 0 ? { used, limit } : undefined;
}
