// Bybit on the wire: serialise once, sign exactly that text, send it with a deadline, read status, code and usage.
// Never retries and never decides what an answer means; the transport is a function, so any network can stand behind it.
import { createHmac } from 'node:crypto';
import { lost, type Answer, type Lost } from '../asking.ts';
import type { HttpRequest, HttpResponse, Transport } from '../http.ts';
import type { Usage } from '../pace.ts';
import { pseudoCode } from './codes.ts';

/** What an account needs to sign: a key and its secret, made by the exchange. */
export interface Credentials {
  readonly apiKey: string;
  readonly secretKey: string;
  readonly brokerId?: string;
}

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Signed with them; public without. */
  readonly credentials?: Credentials;
  /** By when the answer must be in, ms. */
  readonly deadline: number;
  /** Not sent later than this, ms, and not taken later by the venue. */
  readonly sendBefore?: number;
  /** The most that the venue may take it later than it was signed, ms. */
  readonly windowMs: number;
}

/** An answer with what stands beside its data: the verdicts of a batch. */
export interface Told extends Answer {
  readonly extra?: unknown;
  /** The last moment, ms after `signedAt`, at which the venue takes the request. */
  readonly windowMs: number;
}
export type Reply = Told | (Lost & { readonly windowMs?: number });

const USER_AGENT = 'serverless-trading-bot/0.1';

/**
 * The signature: lower-case hex HMAC-SHA256 of timestamp, key, receive window and tail, with nothing between them, all UTF-8.
 * Neither method nor path nor host is in it [guide, 2026-07, and recorded vectors].
 * @param tail the JSON text of a POST or the query text of a GET, exactly as it is sent
 */
export function sign(
  { apiKey, secretKey }: Pick<Credentials, 'apiKey' | 'secretKey'>,
  timestamp: string,
  recvWindow: string,
  tail: string,
): string {
  return createHmac('sha256', secretKey).update(`${timestamp}${apiKey}${recvWindow}${tail}`).digest('hex');
}

/** How long after its timestamp the venue shall take a request: never beyond the moment from which it is not to be executed. */
export function windowOf({ windowMs, sendBefore = Infinity }: Request, signedAt: number): number {
  return Math.max(1, Math.floor(Math.min(windowMs, sendBefore - signedAt)));
}

/** The text of a request, serialised once and signed as it is. @param signedAt its timestamp, ms */
export function compose(baseUrl: string, request: Request, signedAt: number): HttpRequest {
  const { method, path, query, deadline, sendBefore = Infinity } = request;
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const asked = query === undefined ? '' : new URLSearchParams(query).toString();
  const url = asked === '' ? baseUrl + path : `${baseUrl}${path}?${asked}`;
  const headers = authentication(request, signedAt, body ?? asked);
  const common = { method, url, headers, deadline, sendBefore };
  return body === undefined ? common : { ...common, body };
}

/** Sends one request. Never rejects. @param now the clock that signs, ms @param hasBeenServed see `pseudoCode` */
export async function send(
  transport: Transport,
  baseUrl: string,
  request: Request,
  now: () => number,
  hasBeenServed: boolean,
): Promise<Reply> {
  const signedAt = now();
  const windowMs = windowOf(request, signedAt);
  const response = await transport(compose(baseUrl, request, signedAt));
  if (response.kind === 'failure') return { ...lost(response, signedAt), windowMs };
  const { sentAt = signedAt } = response;
  const journey = { sentAt, tookMs: Math.max(0, now() - sentAt) };
  const envelope = readEnvelope(response.body);
  const usage = usageOf(response.headers, envelope?.time, now());
  const common = { kind: 'answer' as const, signedAt, windowMs, usage, journey };
  if (envelope !== undefined) {
    const { code, message, data, extra } = envelope;
    return { ...common, code, message, data, extra };
  }
  const message = `HTTP ${response.status} without a Bybit code`;
  return { ...common, code: pseudoCode(response.status, response.body, hasBeenServed), message, data: undefined };
}

/** A sign-type header is left out: it is in no document, and requests pass without it. */
function authentication(request: Request, signedAt: number, tail: string): Readonly<Record<string, string>> {
  const { credentials, body } = request;
  const headers: Record<string, string> = { 'User-Agent': USER_AGENT };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (credentials === undefined) return headers;
  const [timestamp, recvWindow] = [String(signedAt), String(windowOf(request, signedAt))];
  headers['X-BAPI-API-KEY'] = credentials.apiKey;
  headers['X-BAPI-TIMESTAMP'] = timestamp;
  headers['X-BAPI-RECV-WINDOW'] = recvWindow;
  headers['X-BAPI-SIGN'] = sign(credentials, timestamp, recvWindow, tail);
  if (credentials.brokerId !== undefined) headers['Referer'] = credentials.brokerId;
  return headers;
}

interface Envelope {
  readonly code: string;
  readonly message: string;
  readonly data: unknown;
  readonly extra: unknown;
  /** The venue's clock, ms. */
  readonly time: number | undefined;
}

/** Some examples of the documents lack retExtInfo or time. */
function readEnvelope(text: string): Envelope | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('retCode' in value)) return undefined;
    const { retCode, retMsg, result, retExtInfo, time } = value as Readonly<Record<string, unknown>>;
    if (typeof retCode !== 'number' && typeof retCode !== 'string') return undefined;
    // It travels on in reports and letters: what does not look like a code is none.
    if (!/^-?\d{1,12}$/.test(String(retCode))) return undefined;
    const message = typeof retMsg === 'string' ? retMsg : '';
    const readTime = typeof time === 'number' && Number.isFinite(time) ? time : undefined;
    return { code: String(retCode), message, data: result, extra: retExtInfo, time: readTime };
  } catch {
    return undefined;
  }
}

/**
 * X-Bapi-Limit-Status counts the calls that are left. The moment of the reset is by the venue's clock: what the answer says of
 * that clock turns it into ours. Missing or odd headers give undefined.
 */
function usageOf(headers: HttpResponse['headers'], theirs: number | undefined, ours: number): Usage | undefined {
  const [limit, left, reset] = ['x-bapi-limit', 'x-bapi-limit-status', 'x-bapi-limit-reset-timestamp'].map((name) =>
    Number(headers[name] === '' ? undefined : headers[name]),
  ) as [number, number, number];
  if (!Number.isInteger(limit) || !Number.isInteger(left) || limit <= 0 || left < 0) return undefined;
  const used = Math.max(0, limit - left);
  const isToCome = Number.isInteger(reset) && theirs !== undefined && reset > theirs;
  return { limit, used, ...(isToCome ? { resetAt: ours + reset - theirs } : {}) };
}
