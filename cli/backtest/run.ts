// A strategy over past candles: the same pure decision as live, from what was known at each scheduled time; then the same
// admission, and the local exchange's matching. Promises no look-ahead: a firing is given candles that were over, and the
// price that trades is the open of the candle in which it is sent. Pure but for its own memory: no clock, no files.
import type Big from 'big.js';
import { isRefusal } from '../../local/bitmart/codes.ts';
import type { Fill, Order } from '../../local/bitmart/orders.ts';
import { createPast, type Past, type Quote } from '../../local/bitmart/past.ts';
import { admit } from '../../shared/order/admit.ts';
import type { OrderIntent } from '../../shared/order/intent.ts';
import type { Book } from '../../shared/order/venue.ts';
import { coinsOf, type Decision } from '../../shared/strategies/strategy.ts';
import { indexAt, running } from './candles.ts';
import { bookAround, finder, instrumentOf } from './findings.ts';
import { firingsOf, type Plan } from './plan.ts';

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
