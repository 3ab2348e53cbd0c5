// What a strategy is given at a scheduled time of the past: rules, best prices, candles that were over, balances.
// Promises that nothing in it was known only later; where a candle is missing, it says so instead.
import Big from 'big.js';
import type { Past, Rules } from '../../local/bitmart/past.ts';
import { roundDown, roundUp, type Instrument } from '../../shared/order/instrument.ts';
import type { Decimal } from '../../shared/order/intent.ts';
import type { Candle } from '../../shared/order/reads.ts';
import type { Book } from '../../shared/order/venue.ts';
import { coinsOf, plain, type Findings } from '../../shared/strategies/strategy.ts';
import { indexAt, longer, running, type Series } from './candles.ts';
import type { Plan } from './plan.ts';

/** What a firing at a time can know, or which candles are missing for it. */
export function finder(plan: Plan, past: Past): (at: number) => Findings | string {
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

export function instrumentOf({ symbol, priceStep, sizeStep, minSize, maxSize, minValue, trading }: Rules): Instrument {
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
export function bookAround(price: string, rules: Instrument | undefined, bps: number): Book {
  if (rules === undefined) return {};
  const away = new Big(bps).div(10_000).times(price);
  const bid = new Big(roundDown(plain(new Big(price).minus(away)), rules.priceStep)).minus(rules.priceStep);
  const ask = new Big(roundUp(new Big(price).plus(away), rules.priceStep)).plus(rules.priceStep);
  return { ...(bid.gt(0) ? { bid: plain(bid) as Decimal } : {}), ask: plain(ask) as Decimal };
}
