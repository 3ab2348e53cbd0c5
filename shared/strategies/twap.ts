// TWAP: one parent order in equal slices over time. What a slice is depends on its number alone, so that no firing needs to
// know what became of the others; together they are the whole, rounded down to the step of the exchange. Missed slices are
// not made up for: what they would have traded stays untraded.
import Big from 'big.js';
import type { Instrument } from '../order/instrument.ts';
import { roundDown, roundUp } from '../order/instrument.ts';
import type { Book } from '../order/venue.ts';
import { instant, oneOf, perhaps, symbol, wholeNumber, type Values } from './parameters.ts';
import { coinsOf, gridIndex, plain, strategy, tradable, utc, type Order } from './strategy.ts';

const fields = {
  symbol: symbol('what is traded'),
  side: oneOf(['buy', 'sell'], 'which way'),
  size: perhaps('the whole parent order, in base coin; give either this or notional', 'notional'),
  notional: perhaps('the whole parent order of a buy, in quote coin, before fees', 'size'),
  start: instant('when the first slice is due'),
  end: instant('when the last slice is over: slices are due at start and then evenly, none at end itself'),
  slices: wholeNumber(
    1,
    10_000,
    'how many slices; end − start must be as many times a whole number of seconds, 60 at least',
  ),
  type: oneOf(
    ['ioc', 'limit', 'market'],
    'ioc takes what is there up to the price and drops the rest; limit rests until it is filled or somebody cancels it; market has no price',
    'ioc',
  ),
  priceFrom: oneOf(
    ['far', 'near'],
    'ioc and limit: from which best price the price is reckoned; far is the one of the other side',
    'far',
  ),
  offsetBps: wholeNumber(
    -1000,
    1000,
    'ioc and limit: how much dearer than that a buy may be, or how much cheaper a sell, in basis points',
    10,
  ),
};
type Given = Values<typeof fields>;

export const twap = strategy({
  name: 'twap',
  summary: 'Trades one parent order in equal slices over time.',
  fields,
  problems: ({ side, size, notional, start, end, slices, type, offsetBps, maxDeviationBps }) => [
    ...((size === undefined) === (notional === undefined) ? ['give either size or notional'] : []),
    ...(notional !== undefined && side === 'sell' ? ['notional is for buys alone; give a size to sell'] : []),
    ...(size !== undefined && side === 'buy' && type === 'market'
      ? ['a market buy spends a notional and has no size; give notional, or type "ioc"']
      : []),
    ...(end - start < slices * 60_000 || (end - start) % (slices * 1000) !== 0
      ? [`end must lie ${slices} times a whole number of seconds, 60 at least, after start; change end or slices`]
      : []),
    ...(type !== 'market' && offsetBps > maxDeviationBps
      ? [`offsetBps must not be above maxDeviationBps (${maxDeviationBps}): the collar would deny every slice`]
      : []),
  ],
  needs: (given) => ({ symbols: [given.symbol] }),
  grid: ({ start, end, slices }) => ({ start, intervalSeconds: (end - start) / slices / 1000, end }),
  decide: (given, { scheduledAt, findings }, write) => {
    const { start, end, slices } = given;
    if (scheduledAt >= end)
      return { kind: 'nothing', why: `the parent order ended at ${utc(end)}; delete the schedule` };
    const index = gridIndex(start, (end - start) / slices / 1000, scheduledAt);
    if (typeof index !== 'number') return index;
    const rules = tradable(findings, given.symbol);
    if (typeof rules === 'string') return { kind: 'refused', why: rules };
    const bests = bestPrices(given, findings.books[given.symbol]);
    if (typeof bests === 'string') return { kind: 'refused', why: bests };
    const slice = sliceOf(given, rules, index);
    const order = orderOf(given, rules, slice.amount, bests);
    const tooSmall = belowMinimum(given, rules, slice.least, bests);
    if (tooSmall !== undefined) return { kind: 'refused', why: tooSmall };
    return { kind: 'intents', intents: [write(index, order.order)], notes: [...slice.notes, ...order.notes] };
  },
});

/** The whole in base coin or, of a notional, in quote coin. */
function wholeOf({ size, notional, symbol: name }: Given, rules: Instrument) {
  const { base, quote } = coinsOf(name);
  return size === undefined
    ? { whole: new Big(notional ?? '0'), step: rules.priceStep, coin: quote }
    : { whole: new Big(size), step: rules.sizeStep, coin: base };
}

/** Slice `index` is what the first `index + 1` come to in whole steps, less what the ones before came to. */
function sliceOf(given: Given, rules: Instrument, index: number) {
  const { whole, step, coin } = wholeOf(given, rules);
  const steps = new Big(roundDown(plain(whole), step)).div(step);
  // Counted in steps, so that no division is ever rounded the wrong way.
  const upTo = (count: number): Big => steps.times(count).minus(steps.times(count).mod(given.slices)).div(given.slices);
  const amount = upTo(index + 1)
    .minus(upTo(index))
    .times(step);
  const least = upTo(1).times(step);
  const lost = whole.minus(steps.times(step));
  const number = `slice ${index + 1} of ${given.slices}: ${plain(amount)} ${coin}`;
  const rest = lost.gt(0)
    ? [`${plain(lost)} ${coin} of the whole are below the step of ${step} and are never traded`]
    : [];
  return { amount, least, notes: [number, ...rest] };
}

interface Bests {
  readonly near: string;
  readonly far: string;
}

/** The best price of the own and of the other side, or which one is missing. */
function bestPrices({ symbol: name, side, type, priceFrom }: Given, book: Book | undefined): Bests | string {
  const [near, far] = side === 'buy' ? [book?.bid, book?.ask] : [book?.ask, book?.bid];
  if (far === undefined) return `${name} has no best ${side === 'buy' ? 'ask to buy' : 'bid to sell'} at`;
  if (near === undefined && type !== 'market' && priceFrom === 'near') {
    return `${name} has no best ${side === 'buy' ? 'bid' : 'ask'} to reckon the price from`;
  }
  return { near: near ?? far, far };
}

function orderOf(
  given: Given,
  rules: Instrument,
  amount: Big,
  bests: Bests,
): { order: Order; notes: readonly string[] } {
  const { symbol: name, side, type, notional } = given;
  const common = { symbol: name, referencePrice: bests.far };
  if (type === 'market') {
    const order: Order =
      side === 'buy'
        ? { ...common, side, type, notional: plain(amount) }
        : { ...common, side, type, size: plain(amount) };
    return { order, notes: [] };
  }
  const price = priceOf(given, rules, bests);
  if (notional === undefined) return { order: { ...common, side, type, size: plain(amount), price }, notes: [] };
  const size = roundDown(plain(amount.div(price)), rules.sizeStep);
  const unspent = amount.minus(new Big(size).times(price));
  const { quote } = coinsOf(name);
  const notes = unspent.gt(0) ? [`${plain(unspent.round(8))} ${quote} of the slice are below a step of the size`] : [];
  return { order: { ...common, side, type, size, price }, notes };
}

/** In whole steps: never dearer for a buy, never cheaper for a sell, than was asked for. */
function priceOf({ side, priceFrom, offsetBps }: Given, rules: Instrument, bests: Bests): string {
  const factor = new Big(side === 'buy' ? 10_000 + offsetBps : 10_000 - offsetBps).div(10_000);
  const price = new Big(bests[priceFrom]).times(factor);
  return side === 'buy' ? roundDown(plain(price), rules.priceStep) : roundUp(price, rules.priceStep);
}

/**
 * Why the smallest slice cannot be traded: so the first firing refuses already what a later one would have to. Slices are not
 * put together instead: how many make a legal one depends on the price, and no two firings could agree on it.
 */
function belowMinimum(given: Given, rules: Instrument, least: Big, bests: Bests): string | undefined {
  const { symbol: name, side, slices } = given;
  const { base, quote } = coinsOf(name);
  const way = `use fewer than ${slices} slices, or a larger parent order`;
  const { order } = orderOf(given, rules, least, bests);
  const size = 'size' in order ? new Big(order.size) : undefined;
  if (size?.lt(rules.minSize) === true) {
    return `a slice of ${plain(size)} ${base} is below ${name}'s minimum of ${rules.minSize}; ${way}`;
  }
  const price = 'price' in order ? order.price : bests.far;
  const worth = size === undefined ? least : size.times(price);
  const minimum = rules.minNotional[side];
  if (worth.gte(minimum)) return undefined;
  return `a slice worth ${plain(worth.round(8))} ${quote} is below ${name}'s minimum of ${minimum}; ${way}`;
}
