// What the tests of backtests share: candles of any path, with gaps; plans made by hand; and strategies that do as they are told.
// Holds no test.
import fc from 'fast-check';
import { RATES, RULES } from '../../local/bitmart/past.ts';
import type { Plan } from '../../cli/backtest/plan.ts';
import { backtest, type Outcome } from '../../cli/backtest/run.ts';
import type { Series } from '../../cli/backtest/candles.ts';
import { parse } from '../../shared/order/intent.ts';
import type { Candle } from '../../shared/order/reads.ts';
import { strategyNamed } from '../../shared/strategies/all.ts';
import { intentId, utc, type Firing, type Grid, type Needs, type Prepared } from '../../shared/strategies/strategy.ts';

export const START = '2026-01-01T00:00:00Z';
export const START_MS = Date.parse(START);
export const HOUR_MS = 3_600_000;
export const at = (hour: number): number => START_MS + hour * HOUR_MS;

/** Open, high, low, close as numbers of whole cents below a million. */
export type Row = readonly [open: number, high: number, low: number, close: number];

/** Candles of an hour each, one per row; undefined is a gap. */
export function seriesOf(symbol: string, rows: readonly (Row | undefined)[]): Series {
  const candles = rows.flatMap((row, hour): readonly Candle[] => {
    if (row === undefined) return [];
    const [open = '', high = '', low = '', close = ''] = row.map(String);
    return [{ openAt: at(hour), open, high, low, close, volume: '1' }];
  });
  return { symbol, file: 'test.csv', intervalMs: HOUR_MS, candles, gaps: [] };
}

/** A path of hours around 60000 whose candles follow on one another or jump, now and then with a gap. */
export const rows = (most = 60, gaps = true): fc.Arbitrary<readonly (Row | undefined)[]> =>
  fc
    .array(
      fc.record({
        move: fc.integer({ min: -900, max: 900 }),
        jump: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -300, max: 300 })),
        above: fc.integer({ min: 0, max: 400 }),
        below: fc.integer({ min: 0, max: 400 }),
        isGap: gaps ? fc.integer({ min: 0, max: 11 }).map((dice) => dice === 0) : fc.constant(false),
      }),
      { minLength: 4, maxLength: most },
    )
    .map((steps) => {
      let price = 60_000;
      return steps.map(({ move, jump, above, below, isGap }, index) => {
        const open = Math.max(1000, price + jump);
        const close = Math.max(1000, open + move);
        price = close;
        const row: Row = [open, Math.max(open, close) + above, Math.max(500, Math.min(open, close) - below), close];
        return isGap && index > 0 ? undefined : row;
      });
    });

export function prepared(name: string, parameters: unknown): Prepared {
  const found = strategyNamed(name)?.prepare(parameters);
  if (found?.kind === 'prepared') return found;
  throw new Error(found?.problems.join('; ') ?? `no strategy ${name}`);
}

/** A strategy that makes what it is told to, of the orders as fields of an intent. */
export function told(
  make: (firing: Firing) => readonly object[],
  more: { readonly needs?: Partial<Needs>; readonly grid?: Grid; readonly lifeSeconds?: number } = {},
): Prepared {
  const { needs, lifeSeconds = 300, ...grid } = more;
  return {
    ...{ kind: 'prepared', needs: { symbols: ['BTC_USDT'], ...needs }, lifeSeconds, ...grid },
    decide: (firing) => {
      const intents = make(firing).map((order, index) => {
        const times = { createdAt: utc(firing.scheduledAt), expiresAt: utc(firing.scheduledAt + lifeSeconds * 1000) };
        const common = { id: intentId(firing, 'told', index), account: firing.account, action: 'place', market: 'spot', symbol: 'BTC_USDT' }; // prettier-ignore
        const read = parse(JSON.stringify({ ...common, ...times, ...order }));
        if (read.kind === 'intent') return read.intent;
        throw new Error(read.problems.join('; '));
      });
      return intents.length === 0 ? { kind: 'nothing', why: 'told so' } : { kind: 'intents', intents, notes: [] };
    },
  };
}

/** A plan over whole series, with a firing at each hour. */
export function planOf(plan: Prepared, series: readonly Series[], more: Partial<Plan> = {}): Plan {
  const ends = series.map(({ candles }) => (candles.at(-1)?.openAt ?? 0) + HOUR_MS);
  const { start, intervalSeconds, end = Infinity }: Grid = plan.grid ?? { start: at(1), intervalSeconds: 3600 }; // prettier-ignore
  return {
    ...{ name: 'test', prepared: plan, series, from: START_MS, to: Math.min(...ends) },
    ...{ anchor: start, end, everySeconds: intervalSeconds, delaySeconds: 0, slippageBps: 0, quote: 'USDT' },
    rules: RULES.filter(({ symbol }) => series.some((each) => each.symbol === symbol)),
    rates: RATES,
    balances: { USDT: '1000' },
    ...more,
  };
}

export function ran(plan: Prepared, series: readonly Series[], more: Partial<Plan> = {}): Outcome {
  return backtest(planOf(plan, series, more), () => undefined);
}
