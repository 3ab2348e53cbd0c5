// A strategy over past candles: the same pure decision as live, from what was known at each scheduled time; then the same
// admission, and the local exchange's matching. Promises no look-ahead: a firing is given candles that were over, and the
// price that trades is the open of the candle in which it is sent. Pure but for its own memory: no clock, no files.
import Big from 'big.js';
import { isRefusal } from '../../local/bitmart/codes.ts';
import type { Fill, Order } from '../../local/bitmart/orders.ts';
import { createPast, type Past, type Quote, type Rules } from '../../local/bitmart/past.ts';
import { admit } from '../../shared/order/admit.ts';
import { roundDown, roundUp, type Instrument } from '../../shared/order/instrument.ts';
import type { Decimal, OrderIntent } from '../../shared/order/intent.ts';
import type { Candle } from '../../shared/order/reads.ts';
import type { Book } from '../../shared/order/venue.ts';
import { coinsOf, plain, type Decision, type Findings, type Prepared } from '../../shared/strategies/strategy.ts';
import { indexAt, longer, running, type Series } from './candles.ts';

/** What a backtest is of; all that is to be known is in it. */
export interface Plan {
  readonly name: string;
  readonly prepared: Prepared;
  /** One per symbol that the strategy needs, all of one length and one quote coin. */
  readonly series: readonly Series[];
  readonly rules: readonly Rules[];
  /** What is traded over, ms: from the begin of a candle to the end of one. */
  readonly from: number;
  readonly to: number;
  /** The scheduled times: this one and then every so many seconds, as far as they lie in between and before `end`. */
  readonly anchor: number;
  readonly end: number;
  readonly everySeconds: number;
  /** From the scheduled time to the order, seconds; less than `everySeconds`. */
  readonly delaySeconds: number;
  /** How much worse than the candle's open a market order is filled, in basis points. */
  readonly slippageBps: number;
  readonly rates: { readonly maker: string; readonly taker: string };
  readonly quote: string;
  readonly balances: Readonly<Record<string, string>>;
}

export interface Fired {
  readonly at: number;
  /** `gap`: no candle that tells the price. */
  readonly decision: Decision | { readonly kind: 'gap'; readonly why: string };
}
/** An intent, and how far it came. */
export interface Sent {
  readonly intent: OrderIntent;
  readonly at: number;
  readonly became:
    | { readonly kind: 'order'; readonly order: Order }
    /** `code`: of our own admission, or of the exchange. */
    | { readonly kind: 'denied' | 'expired' | 'refused'; readonly code: string; readonly detail: string };
}
/** How things stood at the end of a candle. */
export interface Point {
  readonly at: number;
  readonly prices: Readonly<Record<string, string>>;
  readonly worth: Big;
}
export interface Outcome {
  readonly plan: Plan;
  readonly fired: readonly Fired[];
  readonly sent: readonly Sent[];
  readonly fills: readonly Fill[];
  /** The first is how things stood at `from`. */
  readonly points: readonly Point[];
  /** What is there at the end, by coin; what open orders bind is in `frozen`. */
  readonly balances: Readonly<Record<string, { readonly available: Big; readonly frozen: Big }>>;
  readonly totals: { readonly before: ReadonlyMap<string, Big>; readonly after: ReadonlyMap<string, Big> };
}

const ACCOUNT = 'backtest';

/** How many scheduled times there are. */
export function firingsOf({
  anchor,
  end,
  everySeconds,
  from,
  to,
}: Pick<Plan, 'anchor' | 'end' | 'everySeconds' | 'from' | 'to'>) {
  // prettier-ignore
  const everyMs = everySeconds * 1000;
  const first = anchor >= from ? anchor : anchor + Math.ceil((from - anchor) / everyMs) * everyMs;
  return { first, count: Math.max(0, Math.ceil((Math.min(to, end) - first) / everyMs)) };
}

/** @param passed gets the part that is done, 0 to 1 */
export function backtest(plan: Plan, passed: (part: number) => void): Outcome {
  const past = createPast(plan.rules, plan.rates, plan.balances);
  const before = past.totals();
  const points = [pointAt(plan, past, plan.from, opens(plan))];
  const advance = advancing(plan, past, points);
  const findings = finder(plan, past);
  const fired: Fired[] = [];
  const sent: Sent[] = [];
  const { first, count } = firingsOf(plan);
  for (let index = 0; index < count; index++) {
    const at = first + index * plan.everySeconds * 1000;
    advance(at);
    const found = findings(at);
    const decision =
      typeof found === 'string'
        ? ({ kind: 'gap', why: found } as const)
        : plan.prepared.decide({ schedule: ACCOUNT, account: ACCOUNT, scheduledAt: at, findings: found });
    fired.push({ at, decision });
    if (decision.kind === 'intents') {
      const sentAt = at + plan.delaySeconds * 1000;
      advance(Math.min(sentAt, plan.to));
      for (const intent of decision.intents) sent.push(send(plan, past, intent, sentAt));
    }
    if (index % 500 === 0) passed(index / count);
  }
  advance(plan.to);
  const coins = new Set([...Object.keys(plan.balances), ...plan.series.flatMap(({ symbol }) => Object.values(coinsOf(symbol)))]); // prettier-ignore
  const balances = Object.fromEntries([...coins].map((coin) => [coin, past.balance(coin)]));
  return { plan, fired, sent, fills: past.fills(), points, balances, totals: { before, after: past.totals() } };
}

/** The first price of each symbol. */
function opens({ series, from }: Plan): Readonly<Record<string, string>> {
  return Object.fromEntries(
    series.map(({ symbol, candles }) => {
      const before = candles[indexAt(candles, from - 1)];
      const after = candles[indexAt(candles, from - 1) + 1];
      return [symbol, after?.openAt === from ? after.open : (before?.close ?? after?.open ?? '0')];
    }),
  );
}

function pointAt({ quote, series }: Plan, past: Past, at: number, prices: Readonly<Record<string, string>>): Point {
  const all = (coin: string): Big => past.balance(coin).available.plus(past.balance(coin).frozen);
  const worth = series.reduce(
    (sum, { symbol }) => sum.plus(all(coinsOf(symbol).base).times(prices[symbol] ?? '0')),
    all(quote),
  );
  return { at, prices, worth };
}

/** Lets all candles pass that are over at a time, once each, oldest first. */
function advancing(plan: Plan, past: Past, points: Point[]): (until: number) => void {
  const intervalMs = plan.series[0]?.intervalMs ?? 0;
  const next = new Map(plan.series.map(({ symbol, candles }) => [symbol, indexAt(candles, plan.from - 1) + 1]));
  let end = plan.from + intervalMs;
  return (until) => {
    for (; end <= until && end <= plan.to; end += intervalMs) {
      const prices: Record<string, string> = { ...points.at(-1)?.prices };
      for (const { symbol, candles } of plan.series) {
        const index = next.get(symbol) ?? 0;
        const candle = candles[index];
        if (candle?.openAt !== end - intervalMs) continue;
        past.pass(symbol, { openAt: candle.openAt, closeAt: end, high: candle.high, low: candle.low });
        prices[symbol] = candle.close;
        next.set(symbol, index + 1);
      }
      points.push(pointAt(plan, past, end, prices));
    }
  };
}

/** What a firing at a time can know, or which candles are missing for it. */
function finder(plan: Plan, past: Past): (at: number) => Findings | string {
  const { series, prepared, rules } = plan;
  const instruments = Object.fromEntries(rules.map((each) => [each.symbol, instrumentOf(each)]));
  const { candles: wanted, balances } = prepared.needs;
  const watched = series.find(({ symbol }) => symbol === wanted?.symbol);
  const lengthMs = (wanted?.minutes ?? 0) * 60_000;
  const long = watched === undefined ? [] : (longer(watched, lengthMs) ?? []);
  return (at) => {
    const books: Record<string, Book> = {};
    for (const each of series) {
      const over = lastOver(each, at);
      if (over === undefined) return `no candle of ${each.symbol} runs at that time, or none was over just before it`;
      books[each.symbol] = bookAround(over.close, instruments[each.symbol], 0);
    }
    return {
      ...{ instruments, books },
      candles: wanted === undefined ? [] : lastOf(long, lengthMs, wanted.count, at),
      balances: balances === true ? holdings(plan, past) : [],
    };
  };
}

/** The candle that was over just before the one that runs at this time. */
function lastOver(series: Series, at: number): Candle | undefined {
  const now = running(series, at);
  return now === undefined ? undefined : running(series, now.openAt - 1);
}

/** Those of the last `count` whole intervals that were over, as they are read live. */
function lastOf(candles: readonly Candle[], lengthMs: number, count: number, at: number): readonly Candle[] {
  const end = at - (at % lengthMs);
  return candles.slice(indexAt(candles, end - count * lengthMs - 1) + 1, indexAt(candles, end - 1) + 1);
}

function holdings({ series, quote }: Plan, past: Past) {
  return [quote, ...series.map(({ symbol }) => coinsOf(symbol).base)].map((coin) => {
    const { available, frozen } = past.balance(coin);
    return { coin, available: plain(available), frozen: plain(frozen) };
  });
}

function instrumentOf({ symbol, priceStep, sizeStep, minSize, maxSize, minValue, trading }: Rules): Instrument {
  return {
    symbol,
    priceStep: priceStep as Decimal,
    sizeStep: sizeStep as Decimal,
    minSize: minSize as Decimal,
    maxSize: maxSize as Decimal,
    minNotional: { buy: minValue, sell: minValue },
    tradable: trading,
  };
}

/** Best prices one step around a price, and further away by a part of it; each in whole steps. */
function bookAround(price: string, rules: Instrument | undefined, bps: number): Book {
  if (rules === undefined) return {};
  const away = new Big(bps).div(10_000).times(price);
  const bid = new Big(roundDown(plain(new Big(price).minus(away)), rules.priceStep)).minus(rules.priceStep);
  const ask = new Big(roundUp(new Big(price).plus(away), rules.priceStep)).plus(rules.priceStep);
  return { ...(bid.gt(0) ? { bid: plain(bid) as Decimal } : {}), ask: plain(ask) as Decimal };
}

/** Admits an intent as execution does, and places its order. */
function send(plan: Plan, past: Past, intent: OrderIntent, at: number): Sent {
  const symbol = 'symbol' in intent ? (intent.symbol ?? '') : '';
  const of = plan.series.find((each) => each.symbol === symbol);
  const rules = plan.rules.find((each) => each.symbol === symbol);
  const instrument = rules === undefined ? 'unknown' : instrumentOf(rules);
  const candle = of === undefined || at >= plan.to ? undefined : running(of, at);
  const around = (bps: number): Book => candle === undefined || instrument === 'unknown' ? {} : bookAround(candle.open, instrument, bps); // prettier-ignore
  const admission = admit(intent, instrument, { state: 'active' }, around(0), at);
  if (admission.kind === 'denial') {
    const { code, detail } = admission;
    return { intent, at, became: { kind: code === 'INTENT_EXPIRED' ? 'expired' : 'denied', code, detail } };
  }
  const placed = place(past, admission.admitted, around(plan.slippageBps), at);
  if (!isRefusal(placed)) return { intent, at, became: { kind: 'order', order: placed } };
  return { intent, at, became: { kind: 'refused', code: String(placed.refused), detail: placed.message } };
}

type Admitted = Extract<ReturnType<typeof admit>, { readonly kind: 'admitted' }>['admitted'];

function place(past: Past, admitted: Admitted, quote: Quote, at: number): ReturnType<Past['submit']> {
  if (admitted.action !== 'place') return { refused: 0, message: `a backtest places orders alone, and cannot do ${admitted.action}` }; // prettier-ignore
  const fields = {
    ...{ symbol: admitted.symbol, side: admitted.side, type: admitted.type.replace('-', '_') },
    size: 'size' in admitted ? admitted.size : undefined,
    price: 'price' in admitted ? admitted.price : undefined,
    notional: 'notional' in admitted ? admitted.notional : undefined,
    clientOrderId: admitted.id,
    stpMode: admitted.selfTradePrevention?.replace('-', '_'),
  };
  return past.submit(fields, quote, at);
}
