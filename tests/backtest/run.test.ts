// Backtests: nothing ahead is seen, no money is made or lost, orders fill where the candles say so, and strategies keep their
// promises over the past as they do live.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import { summaryOf } from '../../cli/backtest/summary.ts';
import { dataOf } from '../../cli/backtest/words.ts';
import type { Plan } from '../../cli/backtest/plan.ts';
import type { Outcome } from '../../cli/backtest/run.ts';
import type { Findings } from '../../shared/strategies/strategy.ts';
import { at, HOUR_MS, planOf, prepared, ran, rows, seriesOf, START, told, type Row } from './fixture.ts';

const utc = (ms: number): string => new Date(ms).toISOString();
const sum = (amounts: readonly string[]): Big => amounts.reduce((all, one) => all.plus(one), new Big(0));

/** Each strategy with parameters and an account at which it has something to do. */
const strategies = fc.constantFrom<readonly [name: string, parameters: object, balances: Plan['balances']]>(
  ['dca', { symbol: 'BTC_USDT', notional: '25.55', budget: '700', start: START, intervalSeconds: 3600, dipPerPercent: '1', dipCandles: 4, maxDeviationBps: 300 }, { USDT: '600' }], // prettier-ignore
  ['twap', { symbol: 'BTC_USDT', side: 'sell', size: '0.3000041', start: START, end: '2026-01-02T06:00:00Z', slices: 30, type: 'limit', offsetBps: -40 }, { USDT: '0', BTC: '0.25' }], // prettier-ignore
  ['twap', { symbol: 'BTC_USDT', side: 'buy', notional: '901.23', start: START, end: '2026-01-02T06:00:00Z', slices: 60, type: 'ioc', offsetBps: 3 }, { USDT: '500' }], // prettier-ignore
  ['rebalance', { start: START, intervalSeconds: 3600, targets: { BTC: '40', ETH: '35' }, band: '1', maxOrderNotional: '400', maxDeviationBps: 10_000 }, { USDT: '1000', BTC: '0.01' }], // prettier-ignore
);
/** Ether at a twentieth of another path. */
const ether = (of: readonly (Row | undefined)[]) =>
  of.map((row) => row?.map((price) => price / 20) as unknown as Row | undefined);
const market = (btc: readonly (Row | undefined)[], eth: readonly (Row | undefined)[], name: string) =>
  name === 'rebalance' ? [seriesOf('BTC_USDT', btc), seriesOf('ETH_USDT', ether(eth))] : [seriesOf('BTC_USDT', btc)];
const costs = fc.record({
  slippageBps: fc.integer({ min: 0, max: 50 }),
  rates: fc.record({ maker: fc.constantFrom('0', '0.0006'), taker: fc.constantFrom('0', '0.0008', '0.00123457') }),
  delaySeconds: fc.constantFrom(0, 0, 7, 1200),
});

describe('money', () => {
  test('is conserved to the last digit: what was there, less what was paid, is what is left; of coins likewise', () => {
    fc.assert(
      fc.property(rows(), rows(), strategies, costs, (btc, eth, [name, parameters, balances], more) => {
        const outcome = ran(prepared(name, parameters), market(btc, eth, name), { balances, ...more });
        const { money, coins, fees, fillList } = dataOf(summaryOf(outcome), outcome);
        const of = (side: string) => fillList.filter((fill) => fill.side === side);
        const paid = sum(of('buy').flatMap(({ notional, fee }) => [notional, fee]));
        const got = sum(of('sell').map(({ notional }) => notional)).minus(sum(of('sell').map(({ fee }) => fee)));
        expect(new Big(money.start).minus(paid).plus(got).toFixed()).toBe(money.left);
        expect(sum(Object.values(fees)).eq(sum(fillList.map(({ fee }) => fee)))).toBe(true);
        for (const { coin, start, held } of coins) {
          const mine = (side: string) => sum(of(side).filter(({ symbol }) => symbol === `${coin}_USDT`).map(({ size }) => size)); // prettier-ignore
          expect(new Big(start).plus(mine('buy')).minus(mine('sell')).toFixed()).toBe(held);
        }
        // And nobody else's either: house, fees and customer together hold what they held.
        const text = (all: ReadonlyMap<string, Big>) => [...all].map(([coin, amount]) => `${coin} ${amount.toFixed()}`).sort(); // prettier-ignore
        expect(text(outcome.totals.after)).toEqual(text(outcome.totals.before));
      }),
    );
  });

  test('pays the fee of its part: the taker at the open, one step and the slippage worse; the maker at its own price', () => {
    const series = [seriesOf('BTC_USDT', [[60_000, 60_500, 59_900, 60_100], [60_100, 60_200, 59_000, 60_000], [60_000, 60_010, 58_000, 58_500]])]; // prettier-ignore
    const orders = { [at(1)]: [{ side: 'buy', type: 'market', notional: '100' }, { side: 'buy', type: 'limit', size: '0.001', price: '59500' }] }; // prettier-ignore
    const outcome = ran(
      told(({ scheduledAt }) => orders[scheduledAt] ?? []),
      series,
      { slippageBps: 10 },
    );
    const { fillList } = dataOf(summaryOf(outcome), outcome);
    // 60100 + 10 bps = 60160.1, and one step of 0.01.
    expect(fillList).toMatchObject([
      { at: utc(at(1)), role: 'taker', price: '60160.11', size: '0.00166', fee: new Big('60160.11').times('0.00166').times('0.0008').round(8, 0).toFixed(), feeCoin: 'USDT' }, // prettier-ignore
      { at: utc(at(2)), role: 'maker', price: '59500', size: '0.001', fee: new Big('59.5').times('0.0006').toFixed() },
    ]);
  });
});

describe('no look-ahead', () => {
  /** Everything up to a time; what is sent at that time too, what becomes of it not. */
  const past = ({ fired, fills, points }: Outcome, until: number) => ({
    fired: fired.filter((each) => each.at <= until),
    fills: fills.filter(({ time }) => time < until).map(({ time, price, size, fee }) => [time, price.toFixed(), size.toFixed(), fee.toFixed()]), // prettier-ignore
    worth: points.filter((point) => point.at <= until).map(({ worth }) => worth.toFixed()),
  });

  test('whatever candles come later, what was decided, filled and worth before them is the same', () => {
    fc.assert(
      fc.property(
        rows(),
        rows(),
        rows(),
        strategies,
        costs,
        fc.nat(),
        (btc, eth, other, [name, parameters, balances], more, draw) => {
          // prettier-ignore
          const cut = 2 + (draw % (btc.length - 2));
          const until = (path: typeof btc) => [...path.slice(0, cut), ...other];
          const [one, two] = [btc, until(btc)].map(
            (path) =>
          ran(prepared(name, parameters), market(path, path === btc ? eth : [...eth.slice(0, cut), ...other], name), { balances, ...more, delaySeconds: 0 }), // prettier-ignore
          ) as [Outcome, Outcome];
          // Only as far as both files reach.
          const end = Math.min(at(cut), one.plan.to, two.plan.to);
          const [left, right] = [past(one, end - 1), past(two, end - 1)];
          expect(left).toEqual(right);
          const known = ({ fired }: Outcome) => fired.filter((each) => each.at === end && each.decision.kind !== 'gap');
          if (known(one).length === known(two).length) expect(known(one)).toEqual(known(two));
        },
      ),
    );
  });

  test('what a firing is given is over: its candles, of any length, and the close that is its price', () => {
    fc.assert(
      fc.property(
        rows(),
        fc.constantFrom(60, 240),
        fc.integer({ min: 60, max: 9000 }),
        (btc, minutes, everySeconds) => {
          const seen: [number, Findings][] = [];
          const spy = told(({ scheduledAt, findings }) => (seen.push([scheduledAt, findings]), []), { needs: { candles: { symbol: 'BTC_USDT', minutes: minutes, count: 3 } } }); // prettier-ignore
          ran(spy, [seriesOf('BTC_USDT', btc)], { everySeconds });
          for (const [scheduledAt, { candles, books }] of seen) {
            for (const { openAt } of candles) expect(openAt + minutes * 60_000).toBeLessThanOrEqual(scheduledAt);
            expect(candles.length).toBeLessThanOrEqual(3);
            const hour = Math.floor((scheduledAt - at(0)) / HOUR_MS);
            expect(books['BTC_USDT']?.ask).toBe(new Big(btc[hour - 1]?.[3] ?? 0).plus('0.01').toFixed());
          }
        },
      ),
    );
  });

  test('four hours are one candle: first open, highest high, lowest low, last close', () => {
    const path: Row[] = [[10, 30, 9, 12], [12, 14, 5, 13], [13, 20, 11, 15], [15, 16, 8, 14], [14, 99, 1, 50], [50, 60, 40, 55]]; // prettier-ignore
    let given: Findings['candles'] = [];
    const spy = told(({ findings }) => ((given = findings.candles), []), { needs: { candles: { symbol: 'BTC_USDT', minutes: 240, count: 2 } } }); // prettier-ignore
    ran(spy, [seriesOf('BTC_USDT', path)]);
    expect(given).toEqual([{ openAt: at(0), open: '10', high: '30', low: '5', close: '14', volume: '4' }]);
  });
});

describe('an order that rests', () => {
  const path = (lows: readonly number[]): readonly Row[] => lows.map((low) => [60_000, 60_500, low, 60_000]);
  const buy = { side: 'buy', type: 'limit', size: '0.001', price: '59500' };
  const timesOf = (lows: readonly number[], everySeconds: number, anchor: number) => {
    const plan = told(({ scheduledAt }) => (scheduledAt === anchor ? [buy] : []));
    return ran(plan, [seriesOf('BTC_USDT', path(lows))], { everySeconds, anchor }).fills.map(({ time }) => utc(time));
  };

  test.each([
    ['is filled when a later candle trades through its price', [59_900, 59_900, 59_900, 59_499, 59_000], at(4)],
    ['is not filled by a touch', [59_900, 59_900, 59_500, 59_500], undefined],
    ['is filled by the candle at whose open it was sent', [59_900, 59_400, 59_900], at(2)],
    ['is not filled by what traded before it came', [59_000, 59_900, 59_900], undefined],
  ])('%s', (_, lows, time) => {
    expect(timesOf(lows, 3600, at(1))).toEqual(time === undefined ? [] : [utc(time)]);
  });
  test('is not filled by a candle in the midst of which it came, but by the next', () => {
    expect(timesOf([59_900, 59_000, 59_900], 1800, at(1.5))).toEqual([]);
    expect(timesOf([59_900, 59_000, 59_900, 59_000], 1800, at(1.5))).toEqual([utc(at(4))]);
  });
  test('is there at the end where nothing came, and what it binds is counted as money', () => {
    const plan = told(({ scheduledAt }) => (scheduledAt === at(1) ? [buy] : []));
    const { intents, money, worth } = summaryOf(ran(plan, [seriesOf('BTC_USDT', path([59_900, 59_900, 59_900]))]));
    expect(intents).toMatchObject({ total: 1, open: 1, filled: 0 });
    expect(money).toMatchObject({ left: '1000', bound: new Big('59.5').times('1.0008').toFixed() });
    expect(worth.end).toBe('1000');
  });
  test('is filled at its own price, exactly where one of the candles behind it says so', () => {
    const order = fc.record({ side: fc.constantFrom('buy', 'sell'), price: fc.integer({ min: 58_000, max: 62_000 }).map(String) }); // prettier-ignore
    fc.assert(
      fc.property(rows(24), fc.array(order, { maxLength: 24 }), (btc, orders) => {
        const plan = told(({ scheduledAt }) => {
          const one = orders[(scheduledAt - at(1)) / HOUR_MS];
          return one === undefined ? [] : [{ ...one, type: 'limit', size: '0.001' }];
        });
        const { sent } = ran(plan, [seriesOf('BTC_USDT', btc)], { balances: { USDT: '100000', BTC: '1' } });
        for (const { intent, at: sentAt, became } of sent) {
          if (became.kind !== 'order' || intent.action !== 'place' || !('price' in intent)) throw new Error('no order');
          const behind = btc.slice((sentAt - at(0)) / HOUR_MS).filter((row) => row !== undefined);
          const through = behind.some(([, high, low]) => (intent.side === 'buy' ? low < Number(intent.price) : high > Number(intent.price))); // prettier-ignore
          // At once where the open lies a step beyond it, which a candle that goes no further does not show.
          expect({ price: intent.price, filled: became.order.state === 'filled' }).toEqual({ price: intent.price, filled: through }); // prettier-ignore
          if (became.order.createdAtMs < became.order.finishedAtMs) {
            expect(became.order.filledNotional.div(became.order.filledSize).toFixed()).toBe(intent.price);
          }
        }
      }),
    );
  });
});

describe('what does not become an order', () => {
  const flat: readonly Row[] = Array.from({ length: 8 }, () => [60_000, 60_100, 59_900, 60_000]);
  const series = [seriesOf('BTC_USDT', flat)];
  const market25 = { side: 'buy', type: 'market', notional: '25' };

  test('expires where it is sent past its life, and one second earlier does not', () => {
    const late = (delaySeconds: number) => summaryOf(ran(told(() => [market25], { lifeSeconds: 60 }), series, { delaySeconds })); // prettier-ignore
    expect(late(60)).toMatchObject({ fills: 0, intents: { total: 7, expired: 7 }, reasons: [{ kind: 'expired', code: 'INTENT_EXPIRED', times: 7 }] }); // prettier-ignore
    expect(late(59)).toMatchObject({ fills: 7, intents: { total: 7, expired: 0 }, reasons: [] });
  });
  test('is denied by its collar where the open has jumped', () => {
    const jump = [seriesOf('BTC_USDT', [...flat.slice(0, 2), [61_000, 61_100, 60_900, 61_000]])];
    const collar = { referencePrice: '60000.01', maxDeviationBps: 100 };
    const { reasons } = summaryOf(
      ran(
        told(() => [{ ...market25, collar }]),
        jump,
      ),
    );
    expect(reasons).toMatchObject([{ what: 'intent', kind: 'denied', code: 'PRICE_OUTSIDE_COLLAR', times: 1 }]);
  });
  test('is refused by the exchange where the money does not carry it with its fee, or a sale is worth too little', () => {
    const { reasons, fills } = summaryOf(
      ran(
        told(() => [market25]),
        series,
        { balances: { USDT: '49' } },
      ),
    );
    expect([fills, reasons]).toMatchObject([1, [{ kind: 'refused', code: '50020', times: 6, last: 'Balance not enough' }]]); // prettier-ignore
    const sale = told(() => [{ side: 'sell', type: 'market', size: '0.00008' }]);
    expect(summaryOf(ran(sale, series, { balances: { BTC: '1' } })).reasons).toMatchObject([{ code: '51014' }]);
  });
  test('in a gap, and beside one, nothing is made; the worth goes on at the last price', () => {
    const gappy = [seriesOf('BTC_USDT', [...flat.slice(0, 3), undefined, undefined, ...flat.slice(0, 3)])];
    const outcome = ran(
      told(() => [market25]),
      gappy,
    );
    const made = outcome.fired.filter(({ decision }) => decision.kind === 'intents').map((each) => (each.at - at(0)) / HOUR_MS); // prettier-ignore
    expect(made).toEqual([1, 2, 6, 7]);
    expect(summaryOf(outcome)).toMatchObject({ firings: { total: 7, intents: 4, gap: 3 } });
    expect(outcome.points).toHaveLength(9);
  });
});

describe('strategies', () => {
  test('dca never spends more than its budget, whatever the past was', () => {
    fc.assert(
      fc.property(rows(), fc.integer({ min: 5, max: 400 }), fc.integer({ min: 1, max: 400 }), (btc, notional, dip) => {
        const parameters = { symbol: 'BTC_USDT', notional: String(notional), budget: '500', start: START, intervalSeconds: 3600, dipPerPercent: String(dip / 100), dipCandles: 3, maxDeviationBps: 10_000 }; // prettier-ignore
        const outcome = ran(prepared('dca', parameters), [seriesOf('BTC_USDT', btc)], { balances: { USDT: '100000' } });
        expect(new Big(summaryOf(outcome).money.spent).lte(500)).toBe(true);
      }),
    );
  });
  test("twap's fills, what is still open and what was told as not traded are the parent order together", () => {
    fc.assert(
      fc.property(
        rows(40),
        fc.constantFrom('ioc', 'limit', 'market'),
        fc.integer({ min: -30, max: 30 }),
        fc.constantFrom(0, 400),
        (btc, type, offsetBps, delaySeconds) => {
          // prettier-ignore
          const slices = 24;
          const parameters = { symbol: 'BTC_USDT', side: 'sell', size: '0.1000071', start: START, end: '2026-01-02T00:00:00Z', slices, type, offsetBps }; // prettier-ignore
          const series = [seriesOf('BTC_USDT', btc)];
          const outcome = ran(prepared('twap', parameters), series, { balances: { BTC: '1' }, delaySeconds });
          const { intentList, fillList, firings } = dataOf(summaryOf(outcome), outcome);
          const asked = sum(intentList.map((intent) => ('size' in intent ? (intent.size ?? '0') : '0')));
          const filled = sum(fillList.map(({ size }) => size));
          const told = intentList.map((intent) => {
            const size = new Big('size' in intent ? (intent.size ?? '0') : '0');
            // Every slice that is not wholly filled says what it is instead.
            if (intent.end !== 'filled') expect(['partly filled', 'unfilled', 'open', 'denied', 'expired']).toContain(intent.end); // prettier-ignore
            if (intent.end === 'denied' || intent.end === 'expired') expect('detail' in intent && intent.detail).toBeTruthy(); // prettier-ignore
            return size.minus('filledSize' in intent ? intent.filledSize : '0').toFixed();
          });
          expect(filled.plus(sum(told)).eq(asked)).toBe(true);
          // Every firing made a slice but those without candles; where all did, they are the whole in steps.
          expect(firings).toMatchObject({ nothing: 0, refused: 0 });
          if (firings.intents === slices) expect(asked.toFixed()).toBe('0.1');
          expect(intentList).toHaveLength(firings.total - firings.gap);
        },
      ),
    );
  });
  test('rebalance ends within reach of its weights where prices stand still', () => {
    const still = Array.from({ length: 6 }, (): Row => [60_000, 60_001, 59_999, 60_000]);
    const parameters = { start: START, intervalSeconds: 3600, targets: { BTC: '40', ETH: '35' }, maxOrderNotional: '10000' }; // prettier-ignore
    const { coins, worth } = summaryOf(ran(prepared('rebalance', parameters), market(still, still, 'rebalance'), { balances: { USDT: '10000' } })); // prettier-ignore
    const weights = coins.map((coin) => new Big(coin.worth).div(worth.end).times(100).round(0).toFixed());
    expect(weights).toEqual(['40', '35']);
  });
  test('a plan that is run twice comes to the same', () => {
    const plan = planOf(prepared('dca', { symbol: 'BTC_USDT', notional: '25', budget: '500', start: START, intervalSeconds: 3600 }), [seriesOf('BTC_USDT', Array.from({ length: 9 }, (): Row => [60_000, 60_100, 59_900, 60_050]))]); // prettier-ignore
    const [one, two] = [ran(plan.prepared, plan.series), ran(plan.prepared, plan.series)];
    expect(dataOf(summaryOf(one), one)).toEqual(dataOf(summaryOf(two), two));
  });
});
