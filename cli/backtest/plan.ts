// What a backtest is of: the strategy, its candles, its money, and the times at which it is fired. Data, and counting.
import type { Rules } from '../../local/bitmart/past.ts';
import type { Prepared } from '../../shared/strategies/strategy.ts';
import type { Series } from './candles.ts';

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
