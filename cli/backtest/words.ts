// A backtest in words: the lines that a person reads, and every fill and intent as rows for programs.
// Numbers for people are cut to eight digits; those for programs are exact.
import Big from 'big.js';
import { wrap } from '../../local/screen.ts';
import { plain, utc } from '../../shared/strategies/strategy.ts';
import type { Outcome } from './run.ts';
import { ENDS, endOf, type Summary } from './summary.ts';

/** Everything for programs: the summary, each intent with its end, each fill. */
export function dataOf(summary: Summary, { sent, fills }: Outcome) {
  return {
    ...summary,
    intentList: sent.map(({ intent, at, became, ...rest }) => ({
      ...{ at: utc(at), ...intent, end: endOf({ intent, at, became, ...rest }) },
      ...(became.kind === 'order'
        ? { filledSize: plain(became.order.filledSize), filledNotional: plain(became.order.filledNotional) }
        : { reason: became.code, detail: became.detail }),
    })),
    fillList: fills.map(({ order, price, size, notional, fee, role, time }) => ({
      ...{ at: utc(time), id: order.clientOrderId, symbol: order.instrument.symbol, side: order.side, role },
      ...{ price: plain(price), size: plain(size), notional: plain(notional) },
      ...{ fee: plain(fee), feeCoin: order.instrument.quote },
    })),
  };
}

const short = (amount: string): string => plain(new Big(amount).prec(8, Big.roundDown));
const day = (time: string): string => time.slice(0, 16).replace('T', ' ');
const signed = (percent: string): string => `${percent.startsWith('-') ? '' : '+'}${percent} %`;

/** The summary as lines no wider than `width`: a label, and what stands behind it. */
export function linesOf(summary: Summary, width: number): readonly string[] {
  const { money, worth, hold, drawdown, firings, intents } = summary;
  const rows: readonly (readonly [label: string, text: string])[] = [
    [
      'over',
      `${day(summary.from)} to ${day(summary.to)} UTC, a firing every ${length(summary.everySeconds).replace(/^1 /, '')}`,
    ],
    ...summary.candles.map(({ symbol, file, candles, intervalSeconds }): [string, string] => ['candles', `${symbol}: ${candles} of ${length(intervalSeconds)} from ${file}`]), // prettier-ignore
    ...summary.candles.flatMap(({ symbol, gaps }) => gapRow(symbol, gaps)),
    ['market', marketOf(summary)],
    ['firings', parts(firings.total, [[firings.intents, 'made intents'], [firings.nothing, 'had nothing to do'], [firings.refused, 'failed'], [firings.gap, 'had no candles']])], // prettier-ignore
    ['intents', parts(intents.total, ENDS.map((end) => [intents[end], end]))], // prettier-ignore
    ['fills', String(summary.fills)],
    ['spent', `${short(money.spent)} ${money.coin}`],
    ...(money.received === '0' ? [] : [['received', `${short(money.received)} ${money.coin}`] as const]),
    ['fees', Object.entries(summary.fees).map(([coin, fee]) => `${short(fee)} ${coin}`).join(', ') || 'none'], // prettier-ignore
    ...summary.coins.map((coin) => ['held', heldOf(coin, money.coin)] as const),
    ['left', `${short(money.left)} ${money.coin}${money.bound === '0' ? '' : `, ${short(money.bound)} of them bound by open orders`}`], // prettier-ignore
    ['worth', `${short(worth.start)} ${money.coin} at first, ${short(worth.end)} ${money.coin} at last`],
    ['return', `${signed(summary.returnPercent)}; holding from the first candle: ${signed(hold.returnPercent)}`],
    ['drawdown', drawdown.percent === '0.00' ? 'none' : `${drawdown.percent} %, from ${day(drawdown.from)} to ${day(drawdown.to)}`], // prettier-ignore
    ...summary.reasons.map(({ what, kind, code, times, last }) => [
      kind === 'gap' ? 'no candles' : kind,
      `${times} ${what}${times === 1 ? '' : 's'}${code === undefined ? '' : ` (${code})`}, the last: ${last}`,
    ] as const), // prettier-ignore
  ];
  return rows.flatMap(([label, text]) =>
    wrap(text, width - LABEL)
      .split('\n')
      .map((line, index) => `${(index === 0 ? label : '').padEnd(LABEL)}${line}`),
  );
}

/** Columns of a label. */
const LABEL = 12;

function length(seconds: number): string {
  const units = [[86_400, 'day'], [3600, 'hour'], [60, 'minute']] as const; // prettier-ignore
  const [size, unit] = units.find(([each]) => seconds % each === 0) ?? [1, 'second'];
  return seconds === size ? `1 ${unit}` : `${seconds / size} ${unit}s`;
}

function gapRow(symbol: string, gaps: Summary['candles'][number]['gaps']): readonly (readonly [string, string])[] {
  const [first] = gaps;
  if (first === undefined) return [];
  const missing = gaps.reduce((sum, gap) => sum + gap.missing, 0);
  const text = `${symbol}: ${missing} candles are missing in ${gaps.length} gap${gaps.length === 1 ? '' : 's'}, the first from ${day(first.from)} to ${day(first.to)}; firings there make nothing`;
  return [['gaps', text]];
}

function marketOf({ rates, slippageBps, delaySeconds }: Summary): string {
  const part = (rate: string): string => `${plain(new Big(rate).times(100))} %`;
  const delay = delaySeconds === 0 ? 'at once' : `${delaySeconds} s after their time`;
  return `fees ${part(rates.maker)} maker and ${part(rates.taker)} taker, slippage ${slippageBps} bps, orders ${delay}`;
}

function parts(total: number, counts: readonly (readonly [count: number, what: string])[]): string {
  const told = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return told.length === 0 ? String(total) : `${total}: ${told.join(', ')}`;
}

function heldOf({ coin, held, averageCost, price, worth }: Summary['coins'][number], quote: string): string {
  const cost = averageCost === undefined ? '' : `, at ${short(averageCost)} ${quote} each on average with fees`;
  return `${held} ${coin}${cost}; worth ${short(worth)} ${quote} at ${price}`;
}
