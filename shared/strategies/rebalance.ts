// Rebalancing: brings the coins of an account back to their target weights, where one has left its band. Sells what is free,
// buys for quote coin that is free: never on credit of a sell that has not happened, so that what one firing sells is spent
// by the next. The limits of one firing hold however often it comes, and whatever it finds each time: each coin has a part of
// them that only the parameters tell.
import Big from 'big.js';
import { roundDown, type Instrument } from '../order/instrument.ts';
import { amount, coin, instant, oneOf, perhaps, weights, wholeNumber, type Values } from './parameters.ts';
import { gridIndex, plain, strategy, tradable, type Decision, type Findings, type Order } from './strategy.ts';

/** As many books are read one after the other, and as many intents fit into one batch. */
const MOST_COINS = 10;

const fields = {
  targets: weights(MOST_COINS, 'what each coin shall be of the whole; the rest stays in the quote coin'),
  quote: coin('the coin that the others are bought and sold for', 'USDT'),
  start: instant('the first time of the grid'),
  intervalSeconds: wholeNumber(
    60,
    31_536_000,
    'how far the times of the grid lie apart; the schedule fires at these times; lifeSeconds must not be above it, or orders of two firings could do the same thing twice',
  ),
  band: amount('how far a weight may be from its target before something is done about it', '1'),
  bandIs: oneOf(
    ['points', 'percent'],
    'points: of the whole; percent: of the target, so that 10 percent of a target of 20 are 2 points',
    'points',
  ),
  maxOrderNotional: amount('the most that one order may be worth, in quote coin'),
  maxFiringNotional: perhaps(
    'the most that the orders of one firing may be worth together, in quote coin; a coin may take the part of it that its target is of all targets',
    'no limit',
  ),
  reserve: perhaps(
    'quote coin that is never spent, such as for fees; with it, a coin may be bought for the part of what is free above it that its target is of all targets',
    '0',
  ),
};
type Given = Values<typeof fields>;

export const rebalance = strategy({
  name: 'rebalance',
  summary: 'Brings coins back to their target weights when one has left its band.',
  fields,
  problems: ({ quote, targets, intervalSeconds, lifeSeconds }) => [
    ...(quote in targets ? [`targets must not name the quote coin, ${quote}: it is what the others leave`] : []),
    ...(lifeSeconds > intervalSeconds
      ? [
          `lifeSeconds (${lifeSeconds}) must not be above intervalSeconds (${intervalSeconds}): orders of two firings could do the same thing twice`,
        ]
      : []),
  ],
  needs: (given) => ({ symbols: Object.keys(given.targets).map((base) => `${base}_${given.quote}`), balances: true }),
  grid: ({ start, intervalSeconds }) => ({ start, intervalSeconds }),
  decide: (given, { scheduledAt, findings }, write) => {
    const index = gridIndex(given.start, given.intervalSeconds, scheduledAt);
    if (typeof index !== 'number') return index;
    const state = stateOf(given, findings);
    if (typeof state === 'string') return { kind: 'refused', why: state };
    const tooSmall = belowMinimum(given, state.coins);
    if (tooSmall !== undefined) return { kind: 'refused', why: tooSmall };
    const astray = state.coins.filter(({ missing }) => !missing.eq(0));
    if (astray.length === 0) return { kind: 'nothing', why: 'every weight is within its band' };
    const { orders, notes } = ordersOf(given, astray, state.freeQuote);
    if (orders.length === 0) return { kind: 'nothing', why: ['no order is possible now', ...notes].join('; ') };
    return { kind: 'intents', intents: orders.map(([place, order]) => write(place, order)), notes } satisfies Decision;
  },
});

/** A coin of the targets as it stands. */
interface Coin {
  /** Its place among the targets: tells its order from the others, and is the same at every firing. */
  readonly index: number;
  readonly symbol: string;
  /** In percent, as given. */
  readonly target: string;
  /** Why it cannot be traded now. */
  readonly rules: Instrument | string;
  readonly available: Big;
  readonly bid: string;
  readonly ask: string;
  readonly mid: Big;
  /** How much more of it there should be, in quote coin; below 0: how much less; 0 within the band. */
  readonly missing: Big;
}

interface Amounts {
  readonly available: Big;
  /** What open orders bind is held, too. */
  readonly all: Big;
}

function held({ balances }: Findings, name: string): Amounts {
  const balance = balances.find((each) => each.coin === name);
  const available = new Big(balance?.available ?? '0');
  return { available, all: available.plus(balance?.frozen ?? '0') };
}

/** Everything valued, or why that cannot be: a total without one of its coins would have the others sold. */
function stateOf(
  given: Given,
  findings: Findings,
): { readonly coins: readonly Coin[]; readonly freeQuote: Big } | string {
  const { targets, quote } = given;
  const cash = held(findings, quote);
  const priced = Object.entries(targets).map(([base, target], index) => {
    const symbol = `${base}_${quote}`;
    const { bid, ask } = findings.books[symbol] ?? {};
    const rules = tradable(findings, symbol);
    const { available, all } = held(findings, base);
    if (bid === undefined || ask === undefined) {
      return { index, symbol, target, rules, available, all, bid: '0', ask: '0', mid: new Big(0) };
    }
    return { index, symbol, target, rules, available, all, bid, ask, mid: new Big(bid).plus(ask).div(2) };
  });
  const worthless = priced.find(({ all, mid }) => mid.eq(0) && all.gt(0));
  if (worthless !== undefined) {
    return `${worthless.symbol} has no price, so that the whole cannot be valued; wait until it has one, or take it out of targets`;
  }
  const total = priced.reduce((sum, { all, mid }) => sum.plus(all.times(mid)), cash.all);
  const coins = priced.map(({ all, ...rest }): Coin => {
    const wanted = total.times(rest.target).div(100);
    const missing = wanted.minus(all.times(rest.mid));
    const band = (given.bandIs === 'points' ? total : wanted).times(given.band).div(100);
    return { ...rest, missing: missing.abs().gt(band) ? missing : new Big(0) };
  });
  return { coins, freeQuote: cash.available.minus(given.reserve ?? '0') };
}

type Numbered = readonly [index: number, order: Order];

/**
 * A coin's part of an amount. A firing that comes twice may decide on other coins each time, and all that it decided is
 * executed: what the parts come to together is the whole even so. Rounded down, and so never more.
 */
function partOf(amount: Big, { targets }: Given, { target }: Coin): Big {
  const all = Object.values(targets).reduce((sum, each) => sum.plus(each), new Big(0));
  return amount.times(target).div(all).round(12, Big.roundDown);
}

/** Why a coin could never be traded under the limit of a firing, which would otherwise be passed over for ever. */
function belowMinimum(given: Given, coins: readonly Coin[]): string | undefined {
  const { maxFiringNotional: limit, quote } = given;
  if (limit === undefined) return undefined;
  for (const each of coins) {
    if (typeof each.rules === 'string') continue;
    const { buy, sell } = each.rules.minNotional;
    const minimum = new Big(buy).gt(sell) ? buy : sell;
    const part = partOf(new Big(limit), given, each);
    if (part.gte(minimum)) continue;
    return `of maxFiringNotional, ${limit} ${quote}, the part of ${each.symbol} is ${part.toFixed(2)}, below its minimum of ${minimum}; raise it`;
  }
  return undefined;
}

/** Sells first, then buys, which take what the free quote coin has left, in the order of the targets. */
function ordersOf(given: Given, astray: readonly Coin[], freeQuote: Big) {
  const notes: string[] = [];
  const orders: Numbered[] = [];
  const { maxFiringNotional: limit, reserve } = given;
  let quoteLeft = freeQuote;
  const sides = [...astray.filter(({ missing }) => missing.lt(0)), ...astray.filter(({ missing }) => missing.gt(0))];
  for (const each of sides) {
    if (typeof each.rules === 'string' || each.mid.eq(0)) {
      notes.push(typeof each.rules === 'string' ? `skipped: ${each.rules}` : `skipped: ${each.symbol} has no price`);
      continue;
    }
    const most = least([
      each.missing.abs(),
      new Big(given.maxOrderNotional),
      ...(limit === undefined ? [] : [partOf(new Big(limit), given, each)]),
    ]);
    const [order, worth] = each.missing.lt(0)
      ? sell(each, each.rules, most)
      : buy(
          each,
          each.rules,
          // Without a reserve there is nothing to keep: what is not free, the exchange refuses.
          least([most, quoteLeft, ...(reserve === undefined ? [] : [partOf(freeQuote, given, each)])]),
        );
    if (order === undefined) {
      notes.push(`skipped: ${worth.toFixed(2)} ${given.quote} of ${each.symbol} are below its minimum`);
      continue;
    }
    if (order.side === 'buy') quoteLeft = quoteLeft.minus(worth);
    orders.push([each.index, order]);
  }
  return { orders, notes };
}

type Priced = readonly [order: Order | undefined, worth: Big];

/** @param most in quote coin */
function sell({ symbol, available, bid, mid }: Coin, rules: Instrument, most: Big): Priced {
  const size = new Big(roundDown(plain(least([available, most.div(mid)])), rules.sizeStep));
  const worth = size.times(bid);
  if (size.lt(rules.minSize) || size.eq(0) || worth.lt(rules.minNotional.sell)) return [undefined, worth];
  return [{ symbol, side: 'sell', type: 'market', size: plain(size), referencePrice: bid }, worth];
}

/** @param most in quote coin; below 0 where less than the reserve is free */
function buy({ symbol, ask }: Coin, rules: Instrument, most: Big): Priced {
  const notional = new Big(most.lte(0) ? '0' : roundDown(plain(most), rules.priceStep));
  if (notional.eq(0) || notional.lt(rules.minNotional.buy)) return [undefined, notional];
  return [{ symbol, side: 'buy', type: 'market', notional: plain(notional), referencePrice: ask }, notional];
}

function least(amounts: readonly Big[]): Big {
  return amounts.reduce((smallest, each) => (each.lt(smallest) ? each : smallest));
}
