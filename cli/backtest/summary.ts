// What a backtest came to: counts, money and comparison, as text of exact numbers for programs and as lines for people.
// Nothing in it is decided or estimated: it is arithmetic over fills, balances and the prices at the end of each candle.
import Big from 'big.js';
import type { Fill } from '../../local/bitmart/orders.ts';
import { roundDown } from '../../shared/order/instrument.ts';
import { coinsOf, plain, utc } from '../../shared/strategies/strategy.ts';
import type { Plan } from './plan.ts';
import type { Outcome, Point, Sent } from './run.ts';

/** How an intent ended: as its order, or why there was none. */
export const ENDS = ['filled', 'partly filled', 'unfilled', 'open', 'denied', 'refused', 'expired'] as const;
export type End = (typeof ENDS)[number];

/** An order that is over without its whole size is `partly filled` or `unfilled`; one that rests at the end is `open`. */
export function endOf({ became }: Sent): End {
  if (became.kind !== 'order') return became.kind;
  const { state, filledSize } = became.order;
  if (state === 'filled') return 'filled';
  if (state === 'new' || state === 'partially_filled') return 'open';
  return filledSize.gt(0) ? 'partly filled' : 'unfilled';
}

/** Why nothing came of firings or intents, those that say the same counted together. */
export interface Reason {
  readonly what: 'firing' | 'intent';
  readonly kind: string;
  readonly code?: string;
  readonly times: number;
  readonly lastAt: string;
  readonly last: string;
}
export interface Coin {
  readonly coin: string;
  readonly start: string;
  readonly bought: string;
  readonly sold: string;
  /** What open orders bind is in it. */
  readonly held: string;
  /** What one of those that are held cost on average, with fees; coins of the start at the first price. */
  readonly averageCost?: string;
  readonly price: string;
  readonly worth: string;
}
export type Summary = ReturnType<typeof summaryOf>;

export function summaryOf(outcome: Outcome) {
  const { plan, fired, sent, fills, points, balances } = outcome;
  const counted = (kind: string): number => fired.filter(({ decision }) => decision.kind === kind).length;
  const sum = (side: 'buy' | 'sell', of: (fill: Fill) => Big): Big =>
    fills.filter(({ order }) => order.side === side).reduce((all, fill) => all.plus(of(fill)), new Big(0));
  const money = balances[plan.quote] ?? { available: new Big(0), frozen: new Big(0) };
  const [start, end] = [points[0]?.worth ?? new Big(0), points.at(-1)?.worth ?? new Big(0)];
  const held = holding(plan, points);
  const ends = sent.map(endOf);
  return {
    strategy: plan.name,
    from: utc(plan.from),
    to: utc(plan.to),
    everySeconds: plan.everySeconds,
    delaySeconds: plan.delaySeconds,
    slippageBps: plan.slippageBps,
    rates: plan.rates,
    candles: plan.series.map(({ symbol, file, intervalMs, candles, gaps }) => ({
      ...{ symbol, file, candles: candles.length, intervalSeconds: intervalMs / 1000 },
      gaps: gaps.map((gap) => ({ from: utc(gap.from), to: utc(gap.to), missing: gap.missing })),
    })),
    firings: { total: fired.length, intents: counted('intents'), nothing: counted('nothing'), refused: counted('refused'), gap: counted('gap') }, // prettier-ignore
    intents: {
      total: sent.length,
      ...(Object.fromEntries(ENDS.map((each) => [each, ends.filter((one) => one === each).length])) as Record<End, number>), // prettier-ignore
    },
    reasons: reasonsOf(outcome),
    fills: fills.length,
    money: {
      coin: plan.quote,
      start: plan.balances[plan.quote] ?? '0',
      spent: plain(sum('buy', ({ notional }) => notional)),
      received: plain(sum('sell', ({ notional }) => notional)),
      left: plain(money.available.plus(money.frozen)),
      bound: plain(money.frozen),
    },
    fees: feesOf(fills),
    coins: plan.series.map(({ symbol }) => coinOf(outcome, symbol)),
    worth: { start: plain(start), end: plain(end) },
    returnPercent: percent(start, end),
    hold: { worth: plain(held.at(-1) ?? start), returnPercent: percent(start, held.at(-1) ?? start) },
    drawdown: drawdownOf(points),
  };
}

/** By the coin that the exchange takes them in. */
function feesOf(fills: readonly Fill[]): Readonly<Record<string, string>> {
  const fees: Record<string, Big> = {};
  for (const { fee, order } of fills) {
    const { quote } = order.instrument;
    fees[quote] = (fees[quote] ?? new Big(0)).plus(fee);
  }
  return Object.fromEntries(Object.entries(fees).map(([coin, fee]) => [coin, plain(fee)]));
}

/** A part in percent, two decimals; 0 of nothing. */
function percent(start: Big, end: Big): string {
  return start.eq(0)
    ? '0.00'
    : end
        .minus(start)
        .div(start)
        .times(100)
        .toFixed(2)
        .replace(/^-0\.00$/, '0.00');
}

function coinOf({ plan, fills, points, balances }: Outcome, symbol: string): Coin {
  const { base } = coinsOf(symbol);
  const start = new Big(plan.balances[base] ?? '0');
  let [held, cost, bought, sold] = [start, start.times(points[0]?.prices[symbol] ?? '0'), new Big(0), new Big(0)];
  for (const { order, size, notional, fee } of fills) {
    if (order.instrument.symbol !== symbol) continue;
    if (order.side === 'buy') {
      [held, cost, bought] = [held.plus(size), cost.plus(notional).plus(fee), bought.plus(size)];
    } else {
      // What is sold takes its part of the cost along.
      [cost, held, sold] = [cost.minus(cost.times(size).div(held)), held.minus(size), sold.plus(size)];
    }
  }
  const price = points.at(-1)?.prices[symbol] ?? '0';
  const all = balances[base]?.available.plus(balances[base].frozen) ?? new Big(0);
  return {
    ...{ coin: base, start: plain(start), bought: plain(bought), sold: plain(sold), held: plain(all), price },
    ...(held.gt(0) ? { averageCost: plain(cost.div(held).round(8)) } : {}),
    worth: plain(all.times(price)),
  };
}

/**
 * What the start would be worth at each point, had all the money bought coins at the first price, with the taker's fee, in equal
 * parts where there are several; and had nothing been done since.
 */
export function holding({ series, rules, balances, quote, rates }: Plan, points: readonly Point[]): readonly Big[] {
  const first = points[0]?.prices ?? {};
  const money = new Big(balances[quote] ?? '0');
  const share = money.div(series.length).div(new Big(rates.taker).plus(1));
  let left = money;
  const coins = series.map(({ symbol }) => {
    const price = first[symbol] ?? '0';
    const step = rules.find((each) => each.symbol === symbol)?.sizeStep ?? '1';
    const size = new Big(new Big(price).eq(0) ? '0' : roundDown(plain(share.div(price)), step));
    left = left.minus(size.times(price).times(new Big(rates.taker).plus(1)));
    return [symbol, size.plus(balances[coinsOf(symbol).base] ?? '0')] as const;
  });
  return points.map(({ prices }) => coins.reduce((sum, [symbol, size]) => sum.plus(size.times(prices[symbol] ?? '0')), left)); // prettier-ignore
}

/** The deepest fall of the worth from its highest so far. Parts are compared without dividing: there may be a million points. */
function drawdownOf(points: readonly Point[]) {
  const [first] = points;
  if (first === undefined) return { percent: '0.00', from: '', to: '' };
  let peak = first;
  let deepest = { peak: first, low: first };
  for (const point of points) {
    if (point.worth.gte(peak.worth)) peak = point;
    else if (point.worth.times(deepest.peak.worth).lt(deepest.low.worth.times(peak.worth))) deepest = { peak, low: point }; // prettier-ignore
  }
  const { peak: from, low: to } = deepest;
  return { percent: percent(from.worth, to.worth).replace('-', ''), from: utc(from.at), to: utc(to.at) };
}

function reasonsOf({ fired, sent }: Outcome): readonly Reason[] {
  const said = [
    ...fired.flatMap(({ at, decision }) =>
      decision.kind === 'intents' ? [] : [{ what: 'firing' as const, kind: decision.kind, at, last: decision.why }],
    ),
    ...sent.flatMap(
      ({ at, became }) =>
      became.kind === 'order' ? [] : [{ what: 'intent' as const, kind: became.kind, code: became.code, at, last: became.detail }], // prettier-ignore
    ),
  ];
  const groups = new Map<string, Reason>();
  for (const { at, ...reason } of said) {
    // The same but for its numbers and times is the same.
    const key = `${reason.what} ${reason.kind} ${reason.last.replace(/\d[\d.:TZ-]*/g, '#')}`;
    groups.set(key, { ...reason, times: (groups.get(key)?.times ?? 0) + 1, lastAt: utc(at) });
  }
  return [...groups.values()];
}
