// The local BitMart in virtual time, behind a network that loses, delays, throttles and bans.
import { register } from '../../local/bitmart/keys.ts';
import { serve } from '../../local/bitmart/reply.ts';
import { spotMarket } from '../../local/bitmart/spot.ts';
import { createVenue } from '../../local/bitmart/venue.ts';
import type { HttpFailure, HttpRequest, HttpResponse } from '../../shared/http.ts';
import { ACCOUNTS, type Call, type Stage } from './stage.ts';

export const PLACE = '/spot/v2/submit_order';
export const CANCEL = '/spot/v3/cancel_order';

export interface VenueOrderRow {
  readonly clientOrderId: string;
  readonly account: string;
  readonly orderId: string;
  readonly state: string;
  readonly size: string;
  /** True time, ms. */
  readonly createdAt: number;
}
export interface Exchange {
  /** Registers the key of this version; the one before it is not known any more. */
  setKey(account: string, version: number): void;
  /** @param from the environment that asks @param turnAt when its turn had come, true time */
  carry(request: HttpRequest, from: string, skewMs: number, turnAt: number): Promise<HttpResponse | HttpFailure>;
  orders(): readonly VenueOrderRow[];
  maxInWindow(): number;
}

/** The key of an account; a new version is another key. */
export const keyOf = (account: string, version: number) => ({
  apiKey: `key-${account}-${version}`,
  secretKey: `secret-${account}-${version}`,
  memo: 'memo #é',
});

const failed = (reached: boolean, detail: string): HttpFailure => ({ kind: 'failure', reached, detail });
const status = (code: number, body = ''): HttpResponse => ({ kind: 'response', status: code, headers: {}, body });

/** @param expiryOf when the intent behind a placement, or the last one behind a cancel, expires, ms */
export function createExchange(
  stage: Stage,
  expiryOf: (path: string, id: string, size: string | undefined) => number,
): Exchange {
  const { plan, time, history, tell, struck, chance, between, draw, sleep, pick } = stage;
  const venue = createVenue(1, () => time.now());
  const markets = [spotMarket(venue)];
  const { refusesRepeatedIds, refusesTimestamps, showsOrdersWithinMs, forgetsAfterMs } = plan;
  const promises = { refusesRepeatedIds, refusesTimestamps, showsOrdersWithinMs };
  Object.assign(venue.settings, {
    promises: { ...venue.settings.promises, ...promises, forgetsUnfilledAfterMs: forgetsAfterMs },
  });
  venue.settings.clockOffsetMs = between(-900, 900) + (plan.badClocks ? pick([-20_000, 0, 0, 20_000]) : 0);
  let answers = plan.answer?.times ?? 0;

  const arrive = async (request: HttpRequest): Promise<HttpResponse | undefined> => {
    const url = new URL(request.url);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value;
    const body = Buffer.from(request.body ?? '');
    const incoming = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body,
      ip: '127.0.0.1',
    };
    const { reply, usage } = await serve(venue, markets, incoming, new AbortController().signal);
    if (!('send' in reply)) return undefined;
    venue.windows.finished(incoming.path, reply.send.status, reply.send.code);
    tell(
      `  venue: ${url.pathname} ${request.body?.slice(0, 110) ?? ''} -> ${reply.send.status} ${reply.send.code ?? ''}`,
    );
    const usageHeaders = {
      'x-bm-ratelimit-remaining': String(usage.used),
      'x-bm-ratelimit-limit': String(usage.limit.requests),
    };
    return { kind: 'response', status: reply.send.status, headers: usageHeaders, body: reply.send.body };
  };
  const note = (path: string, request: HttpRequest, from: string, skewMs: number, turnAt: number): Call | undefined => {
    const account = ACCOUNTS.find((name) => request.headers['X-BM-KEY']?.startsWith(`key-${name}-`));
    if (account === undefined) return undefined;
    const call = { account, path, at: time.now(), turnAt, from };
    history.calls.push(call);
    if (path !== PLACE && path !== CANCEL) return call;
    const body = JSON.parse(request.body ?? '{}') as { client_order_id: string; size?: string };
    const expiresAt = expiryOf(path, body.client_order_id, body.size);
    const at = time.now() + skewMs;
    history.sent.push({ id: body.client_order_id, at, trueAt: time.now(), turnAt, account, expiresAt, path });
    return call;
  };
  const refusedOnTheWay = async (request: HttpRequest): Promise<HttpResponse | HttpFailure | undefined> => {
    if (chance(0.1) && struck('no connection')) return failed(false, 'ECONNREFUSED');
    if (chance(0.1) && struck('request lost')) return lost(request, 'reset');
    if (chance(0.08) && struck('status 500')) return status(500);
    if (chance(0.05) && struck('status 429')) return status(429, '{"code":30013,"message":"too many"}');
    if (chance(0.02) && struck('status 418')) return status(418, '{"code":30017,"message":"banned"}');
    if (chance(0.03) && struck('html page')) return status(403, '<html></html>');
    if (chance(0.03) && struck('503 without execution')) return status(503, '{"code":30014,"message":"unavailable"}');
    return undefined;
  };
  const lost = async (request: HttpRequest, detail: string): Promise<HttpFailure> => {
    await sleep(draw() < 0.5 ? 30 : request.deadline - Date.now());
    return failed(true, detail);
  };
  const answered = async (request: HttpRequest, path: string): Promise<HttpResponse | HttpFailure> => {
    const isWrite = path === PLACE || path === CANCEL;
    const isSlow = plan.badClocks || plan.lateInvocation;
    const isLate = isWrite && chance(isSlow ? 0.4 : 0.1) && struck('request arrives late');
    const [least, most] = plan.badClocks ? [60_000, 112_000] : [plan.lateInvocation ? 20_000 : 1000, 75_000];
    await sleep(isLate ? between(least, most) : between(1, 40));
    if (plan.answer !== undefined && path === PLACE && answers > 0) {
      answers -= 1;
      if (plan.answer.isExecuted) await arrive(request);
      tell(`  venue: answers ${plan.answer.code}`);
      return status(200, JSON.stringify({ code: plan.answer.code, message: 'as planned', data: {} }));
    }
    const response = await arrive(request);
    if (response === undefined || (chance(0.15) && struck('answer lost'))) return lost(request, 'reset');
    if (chance(0.05) && struck('executed, then 502')) return status(502);
    await sleep(between(1, 40));
    return response;
  };
  return {
    setKey: (account, version) => void register(venue, { account, ...keyOf(account, version) }),
    carry: async (request, from, skewMs, turnAt) => {
      // As over real sockets: what has no connection before its time is not sent.
      if (time.now() + skewMs >= (request.sendBefore ?? Infinity)) return failed(false, 'no connection in time');
      const path = new URL(request.url).pathname;
      const call = note(path, request, from, skewMs, turnAt);
      const deadline = sleep(request.deadline - Date.now()).then(() => failed(true, 'no answer in time'));
      const refused = await refusedOnTheWay(request);
      const answer = refused ?? (await Promise.race([answered(request, path), deadline]));
      if (call !== undefined && answer.kind === 'response') {
        call.answer = { at: time.now(), status: answer.status, body: answer.body };
      }
      return answer;
    },
    orders: () =>
      venue.exchange.orders().map(({ clientOrderId, account, orderId, state, size, createdAtMs }) => ({
        clientOrderId,
        account,
        orderId,
        state,
        size: size.toFixed(),
        createdAt: createdAtMs,
      })),
    maxInWindow: () => venue.windows.report()[PLACE]?.maxInWindow ?? 0,
  };
}
