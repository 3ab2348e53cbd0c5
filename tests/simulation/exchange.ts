// The local BitMart in virtual time, behind a network that loses, delays, throttles and bans.
import type { Decimal } from '../../local/exchange/decimals.ts';
import type { FuturesOrder } from '../../local/bitmart/futures/orders.ts';
import { futuresMarket } from '../../local/bitmart/futures.ts';
import { register } from '../../local/bitmart/keys.ts';
import { isOpen, type Order } from '../../local/bitmart/orders.ts';
import { serve } from '../../local/bitmart/reply.ts';
import { spotMarket } from '../../local/bitmart/spot.ts';
import { createVenue } from '../../local/bitmart/venue.ts';
import type { HttpFailure, HttpRequest, HttpResponse } from '../../shared/http.ts';
import { ACCOUNTS, type Call, type Sent, type Stage } from './stage.ts';

export const PLACE = '/spot/v2/submit_order';
export const PLACE_ALL = '/spot/v4/batch_orders';
export const PLACE_MARGIN = '/spot/v1/margin/submit_order';
export const PLACE_FUTURES = '/contract/private/submit-order';
/** What changes something, and what for. */
export const WRITES: Readonly<Record<string, string>> = {
  [PLACE]: 'place',
  [PLACE_ALL]: 'place',
  [PLACE_MARGIN]: 'place',
  [PLACE_FUTURES]: 'place',
  '/spot/v3/cancel_order': 'cancel',
  '/contract/private/cancel-order': 'cancel',
  '/spot/v4/cancel_all': 'cancel-all',
  '/contract/private/cancel-orders': 'cancel-all',
  '/contract/private/modify-limit-order': 'amend',
  '/contract/private/cancel-all-after': 'cancel-all-after',
  '/contract/private/submit-leverage': 'set-leverage',
  '/contract/private/set-position-mode': 'set-position-mode',
};

export interface VenueOrderRow {
  readonly clientOrderId: string;
  readonly account: string;
  readonly orderId: string;
  readonly market: 'spot' | 'margin' | 'futures';
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly type: string;
  readonly state: string;
  /** As it was sent: in whole contracts for futures. */
  readonly size: string;
  readonly price: string;
  /** In base coin. */
  readonly filledSize: string;
  readonly fee: string;
  readonly cancelSource: string;
  /** True time, ms. */
  readonly createdAt: number;
}
/** What is set for an account's futures. */
export interface Settings {
  readonly positionMode: string;
  /** By symbol: leverage and margin mode. */
  readonly terms: Readonly<Record<string, string>>;
}
export interface Exchange {
  /** Registers the key of this version; the one before it is not known any more. */
  setKey(account: string, version: number): void;
  /** @param from the environment that asks @param turnAt when its turn had come, true time */
  carry(request: HttpRequest, from: string, skewMs: number, turnAt: number): Promise<HttpResponse | HttpFailure>;
  orders(): readonly VenueOrderRow[];
  settings(): Readonly<Record<string, Settings>>;
  /** By path: the most requests of one account in one window. */
  windows(): Readonly<Record<string, number>>;
  /** Moves all prices by a part of them. */
  move(part: number): void;
  /** The venue itself cancels what rests: one order, or all. */
  cancel(which: 'one' | 'all'): void;
}

/** The key of an account; a new version is another key. */
export const keyOf = (account: string, version: number) => ({
  apiKey: `key-${account}-${version}`,
  secretKey: `secret-${account}-${version}`,
  memo: 'memo #é',
});
const uidOf = (account: string): string => `uid-${account}`;

const failed = (reached: boolean, detail: string): HttpFailure => ({ kind: 'failure', reached, detail });
const status = (code: number, body = ''): HttpResponse => ({ kind: 'response', status: code, headers: {}, body });

/** @param expiryOf when the intent behind a write, or the last one that may be behind it, expires, ms */
export function createExchange(
  stage: Stage,
  expiryOf: (wish: Pick<Sent, 'account' | 'action' | 'id'>, size: string | undefined) => number,
): Exchange {
  const { plan, time, history, tell, struck, chance, between, draw, sleep, pick } = stage;
  const venue = createVenue(1, () => time.now());
  const markets = { 'http://spot': [spotMarket(venue)], 'http://futures': [futuresMarket(venue)] };
  setPromises(stage, venue);
  venue.settings.clockOffsetMs = between(-900, 900) + (plan.badClocks ? pick([-20_000, 0, 0, 20_000]) : 0);
  let answers = plan.answer?.times ?? 0;

  const arrive = async (request: HttpRequest, sent: readonly Sent[]): Promise<HttpResponse | undefined> => {
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
    const here = markets[url.origin as keyof typeof markets];
    const { reply, usage } = await serve(venue, here, incoming, new AbortController().signal);
    if (!('send' in reply)) return undefined;
    venue.windows.finished(incoming.path, reply.send.status, reply.send.code);
    if (reply.send.code === 1000) for (const each of sent) each.isDone = true;
    if (reply.send.code === 59009) struck('loan without its order');
    tell(
      `  venue: ${url.pathname} ${request.body?.slice(0, 110) ?? ''} -> ${reply.send.status} ${reply.send.code ?? ''}`,
    );
    const usageHeaders = {
      'x-bm-ratelimit-remaining': String(usage.used),
      'x-bm-ratelimit-limit': String(usage.limit.requests),
    };
    return { kind: 'response', status: reply.send.status, headers: usageHeaders, body: reply.send.body };
  };
  const note = (
    request: HttpRequest,
    { path, from, turnAt }: Pick<Call, 'path' | 'from' | 'turnAt'>,
    skewMs: number,
  ): { readonly call?: Call; readonly sent: readonly Sent[] } => {
    const account = ACCOUNTS.find((name) => request.headers['X-BM-KEY']?.startsWith(`key-${name}-`));
    if (account === undefined) return { sent: [] };
    const call: Call = { account, path, at: time.now(), turnAt, from };
    history.calls.push(call);
    const action = WRITES[path];
    if (action === undefined) return { call, sent: [] };
    type Body = Readonly<Record<string, string | number | undefined>> & { readonly orderParams?: readonly Body[] };
    const body = JSON.parse(request.body ?? '{}') as Body;
    const sent = (body.orderParams ?? [body]).map(({ size, ...each }): Sent => {
      const id = String(each['client_order_id'] ?? each['clientOrderId'] ?? '');
      const expiresAt = expiryOf({ account, action, id }, size === undefined ? undefined : String(size));
      const [trueAt, at] = [time.now(), time.now() + skewMs];
      return { id, account, path, action, isDone: false, at, trueAt, turnAt, expiresAt };
    });
    history.sent.push(...sent);
    return { call, sent };
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
  const answered = async (
    request: HttpRequest,
    path: string,
    sent: readonly Sent[],
  ): Promise<HttpResponse | HttpFailure> => {
    const isSlow = plan.badClocks || plan.lateInvocation;
    const isLate = WRITES[path] !== undefined && chance(isSlow ? 0.4 : 0.1) && struck('request arrives late');
    const [least, most] = plan.badClocks ? [60_000, 112_000] : [plan.lateInvocation ? 20_000 : 1000, 75_000];
    await sleep(isLate ? between(least, most) : between(1, 40));
    if (plan.answer !== undefined && path === PLACE && answers > 0) {
      answers -= 1;
      if (plan.answer.isExecuted) await arrive(request, sent);
      tell(`  venue: answers ${plan.answer.code}`);
      return status(200, JSON.stringify({ code: plan.answer.code, message: 'as planned', data: {} }));
    }
    const response = await arrive(request, sent);
    if (response === undefined || (chance(0.15) && struck('answer lost'))) return lost(request, 'reset');
    if (chance(0.05) && struck('executed, then 502')) return status(502);
    await sleep(between(1, 40));
    return response;
  };
  return {
    setKey: (account, version) => {
      const positionMode = plan.isWide &&
        version === 1 && { positionMode: pick(['hedge_mode', 'one_way_mode'] as const) };
      register(venue, { account, ...keyOf(account, version), uid: uidOf(account), ...positionMode });
    },
    carry: async (request, from, skewMs, turnAt) => {
      // As over real sockets: what has no connection before its time is not sent.
      if (time.now() + skewMs >= (request.sendBefore ?? Infinity)) return failed(false, 'no connection in time');
      const path = new URL(request.url).pathname;
      const { call, sent } = note(request, { path, from, turnAt }, skewMs);
      const deadline = sleep(request.deadline - Date.now()).then(() => failed(true, 'no answer in time'));
      const refused = await refusedOnTheWay(request);
      const answer = refused ?? (await Promise.race([answered(request, path, sent), deadline]));
      if (call !== undefined && answer.kind === 'response') {
        call.answer = { at: time.now(), status: answer.status, body: answer.body };
      }
      return answer;
    },
    orders: () => {
      // What was due by now may have been waiting for the next request.
      venue.futures.catchUp(venue.now());
      return [...venue.exchange.orders().map(spotRow(venue)), ...venue.futures.orders().map(futuresRow(venue))];
    },
    settings: () =>
      Object.fromEntries(
        ACCOUNTS.map((name) => {
          const { positionMode, terms } = venue.futures.account(uidOf(name));
          const each = [...terms].map(([symbol, { leverage, openType }]) => [
            symbol,
            `${leverage.toFixed()} ${openType}`,
          ]);
          return [name, { positionMode, terms: Object.fromEntries(each) as Record<string, string> }];
        }),
      ),
    windows: () =>
      Object.fromEntries(Object.entries(venue.windows.report()).map(([path, { maxInWindow }]) => [path, maxInWindow])),
    move: (part) => {
      for (const instrument of venue.exchange.instruments.filter(({ trading }) => trading)) {
        const mid = venue.exchange.mid(instrument).times(1 + part);
        venue.exchange.moveMarket(instrument, mid.round(1), venue.now());
      }
      venue.futures.catchUp(venue.now());
    },
    cancel: (which) => {
      const resting = [
        ...venue.exchange.orders().filter(isOpen).map((order) => () => venue.exchange.cancel(order, 'system', venue.now())), // prettier-ignore
        ...ACCOUNTS.flatMap((name) => venue.futures.working(uidOf(name)))
          .map((order) => () => venue.futures.cancel(order, 'system', venue.now())), // prettier-ignore
      ];
      if (resting.length === 0) return;
      for (const cancel of which === 'all' ? resting : [pick(resting)]) cancel();
    },
  };
}

type LocalVenue = ReturnType<typeof createVenue>;

/** The promises of the plan; where the documents leave it open how the venue behaves, each world has its own way. */
function setPromises({ plan, draw, pick }: Stage, venue: LocalVenue): void {
  const { refusesRepeatedIds, refusesTimestamps, showsOrdersWithinMs, forgetsAfterMs } = plan;
  const { promises } = venue.settings;
  const kept = { refusesRepeatedIds, refusesTimestamps, showsOrdersWithinMs, forgetsUnfilledAfterMs: forgetsAfterMs };
  const futures = { ...promises.futures, forgetsUnfilledAfterMs: forgetsAfterMs };
  venue.settings.promises = { ...promises, ...kept, futures };
  if (plan.isBatching) {
    const batch = pick(['atomic', 'fewer-ids', 'inner-code', 'other-order'] as const);
    venue.settings.promises = { ...venue.settings.promises, batch };
  }
  if (!plan.isWide) return;
  const loanOnly = { path: PLACE_MARGIN, fault: 'loan-only', probability: 0.1 * plan.trouble } as const;
  venue.faults.put(plan.seed, [{ ...loanOnly, times: undefined, ms: 0, code: 0 }], 0);
  venue.settings.promises = {
    ...venue.settings.promises,
    marketBuyEnds: pick(['filled', 'partially_canceled']),
    cancelsFinished: pick(['code', 'result-false']),
    limitMakerCrossing: pick(['cancel', 'refuse']),
    margin: { ...promises.margin, limitMakerCrossing: pick(['cancel', 'refuse']), borrows: pick(['auto', 'never']) },
    futures: {
      ...futures,
      makerOnlyCrossing: pick(['cancel', 'refuse']),
      cancelsFinished: pick(['code', 'accepted']),
      opensWithoutTerms: draw() < 0.5,
      approvingMs: pick([0, 1000]),
      cancelsAfterMs: pick([0, 2000]),
    },
  };
}

const sum = (fees: readonly Decimal[]): string => fees.reduce((total, fee) => total + Number(fee), 0).toFixed(8);

const spotRow =
  ({ exchange }: LocalVenue) =>
  (order: Order): VenueOrderRow => {
    const { clientOrderId, account, orderId, mode, instrument, side, type, state, cancelSource } = order;
    return {
      ...{ clientOrderId, account, orderId, side, type, state, cancelSource, symbol: instrument.symbol },
      market: mode === 'spot' ? 'spot' : 'margin',
      size: order.size.toFixed(),
      price: order.price.toFixed(),
      filledSize: order.filledSize.toFixed(),
      fee: sum(exchange.fills(order.uid).flatMap((fill) => (fill.order.orderId === orderId ? [fill.fee] : []))),
      createdAt: order.createdAtMs,
    };
  };

const futuresRow =
  ({ futures }: LocalVenue) =>
  (order: FuturesOrder): VenueOrderRow => {
    const { clientOrderId, account, orderId, contract, side, type, state, cancelSource } = order;
    return {
      ...{ clientOrderId, account, orderId, type, state, cancelSource },
      market: 'futures',
      symbol: `${contract.symbol.slice(0, -4)}_USDT`,
      side: side <= 2 ? 'buy' : 'sell',
      size: order.size.toFixed(),
      price: order.price.toFixed(),
      filledSize: order.dealSize.times(contract.coins).toFixed(),
      fee: sum(futures.fills(order.uid).flatMap((fill) => (fill.order.orderId === orderId ? [fill.fee] : []))),
      createdAt: order.createdAtMs,
    };
  };
