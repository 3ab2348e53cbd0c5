// Dollar-cost averaging: buys for the same amount of quote coin at every time of a grid, and for more where the price has
// dipped below its average. The budget holds without any memory: each firing reckons as if every one before it had spent
// the most that it may. Missed firings are not made up for.
import Big from 'big.js';
import { roundDown } from '../order/instrument.ts';
import { CANDLE_MINUTES, MOST_CANDLES, type Candle } from '../order/reads.ts';
import { amount, instant, oneOf, perhaps, symbol, wholeNumber } from './parameters.ts';
import { coinsOf, gridIndex, plain, strategy, tradable, utc } from './strategy.ts';

const fields = {
  symbol: symbol('what is bought'),
  notional: amount('what one firing spends, in quote coin, before fees'),
  budget: amount(
    'what all firings together may spend, in quote coin, before fees; it counts every earlier firing with the other parameters as they are now, so that who changes notional, a dip or the interval gives a new start, and what is left of the budget',
  ),
  start: instant('the first time of the grid'),
  intervalSeconds: wholeNumber(
    60,
    31_536_000,
    'how far the times of the grid lie apart; the schedule fires at these times',
  ),
  dipPerPercent: perhaps(
    'how much more is bought for each percent that the best ask lies below the average close, as a multiple of notional: with "0.5", 4 % below buys 3 times notional',
    'always notional',
  ),
  dipMaxMultiple: amount('the most that a dip makes of notional; the budget reckons with it for each firing', '3'),
  dipCandles: wholeNumber(2, MOST_CANDLES, 'how many candles the average is of', 24),
  dipMinutes: oneOf(CANDLE_MINUTES, 'how long each of them is, in minutes', 60),
};

export const dca = strategy({
  name: 'dca',
  summary: 'Buys for a fixed amount at intervals, up to a budget; for more in a dip, where asked to.',
  fields,
  problems: ({ dipPerPercent, dipMaxMultiple }) =>
    dipPerPercent !== undefined && new Big(dipMaxMultiple).lt(1)
      ? ['dipMaxMultiple must be 1 or more: a dip never buys less']
      : [],
  needs: (given) => ({
    symbols: [given.symbol],
    ...(given.dipPerPercent === undefined
      ? {}
      : { candles: { symbol: given.symbol, minutes: given.dipMinutes, count: given.dipCandles } }),
  }),
  grid: ({ start, intervalSeconds }) => ({ start, intervalSeconds }),
  decide: (given, { scheduledAt, findings }, write) => {
    const { notional, budget, start, intervalSeconds } = given;
    const { quote } = coinsOf(given.symbol);
    const index = gridIndex(start, intervalSeconds, scheduledAt);
    if (typeof index !== 'number') return index;
    const most = given.dipPerPercent === undefined ? new Big(notional) : new Big(notional).times(given.dipMaxMultiple);
    const left = new Big(budget).minus(most.times(index));
    if (left.lte(0)) {
      const last = new Big(budget).div(most).round(0, Big.roundUp).minus(1).toNumber();
      const over = utc(start + last * intervalSeconds * 1000);
      return {
        kind: 'nothing',
        why: `the budget of ${budget} ${quote} went to the firings up to ${over}; delete the schedule`,
      };
    }
    const rules = tradable(findings, given.symbol);
    if (typeof rules === 'string') return { kind: 'refused', why: rules };
    const ask = findings.books[given.symbol]?.ask;
    if (ask === undefined) return { kind: 'refused', why: `${given.symbol} has no best ask to buy at` };
    const { multiple, note } = dip(given, findings.candles, ask);
    // Notional as it was given; what is computed of it in steps of the price, finer than which quote coin is not counted.
    const wanted = multiple.eq(1)
      ? new Big(notional)
      : new Big(roundDown(plain(multiple.times(notional)), rules.priceStep));
    const isLast = wanted.gt(left);
    const spent = isLast ? left : wanted;
    const least = rules.minNotional.buy;
    if (spent.lt(least)) {
      if (isLast) {
        return {
          kind: 'nothing',
          why: `the ${plain(left)} ${quote} that are left of the budget are below ${given.symbol}'s minimum of ${least}`,
        };
      }
      return {
        kind: 'refused',
        why: `notional ${notional} ${quote} is below ${given.symbol}'s minimum of ${least}; raise it`,
      };
    }
    const order = {
      symbol: given.symbol,
      side: 'buy',
      type: 'market',
      notional: plain(spent),
      referencePrice: ask,
    } as const;
    const end = isLast ? [`${plain(spent)} ${quote} are the last of the budget`] : [];
    return { kind: 'intents', intents: [write(0, order)], notes: [...note, ...end] };
  },
});

/** How much more a dip buys; 1 where there is none, or no candle to tell. */
function dip(
  { dipPerPercent, dipMaxMultiple }: { readonly dipPerPercent: string | undefined; readonly dipMaxMultiple: string },
  candles: readonly Candle[],
  ask: string,
): { readonly multiple: Big; readonly note: readonly string[] } {
  if (dipPerPercent === undefined) return { multiple: new Big(1), note: [] };
  if (candles.length === 0) return { multiple: new Big(1), note: ['no candle to tell a dip by: notional as it is'] };
  const mean = candles.reduce((sum, { close }) => sum.plus(close), new Big(0)).div(candles.length);
  const percent = mean.minus(ask).div(mean).times(100);
  const wanted = percent.lte(0) ? new Big(1) : percent.times(dipPerPercent).plus(1);
  const multiple = wanted.gt(dipMaxMultiple) ? new Big(dipMaxMultiple) : wanted;
  const side = percent.lt(0) ? 'above' : 'below';
  const note = `the best ask ${ask} is ${percent.abs().toFixed(2)} % ${side} the average of ${candles.length} candles: ${multiple.toFixed(2)} times notional`;
  return { multiple, note: [note] };
}
