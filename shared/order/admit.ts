// The last pure step before an order is sent: may it go, and with which exact numbers? Every local refusal lives here.
// Same inputs, same answer: no clock, no I/O. Rounding is always down, and a refusal always carries the numbers.
import Big from 'big.js';
import type { Decimal, OrderIntent, PlaceIntent } from './intent.ts';
import { roundDown, roundUp, type Instrument } from './instrument.ts';
import type { Mandate } from './mandate.ts';
import type { ReasonCode } from './reason.ts';
import type { Admitted, Book, NewOrder } from './venue.ts';

/** How far createdAt may lie ahead of us: producers' clocks are not exact. */
export const MAX_AHEAD_MS = 5_000;
/** Longest time from now to expiresAt: far below the time for which a venue answers look-ups. */
export const MAX_LIFETIME_MS = 600_000;

/** Oldest createdAt: as long as a venue is sure to remember what became of an order with the same id. */
export const MAX_AGE_MS = 1_200_000;

/** We refused. `detail` names the thing, the limit and the way out. */
export interface Denial {
  readonly kind: 'denial';
  readonly code: ReasonCode;
  readonly detail: string;
}
export type Admission = { readonly kind: 'admitted'; readonly admitted: Admitted } | Denial;

/** Does admission need the venue's best prices? For a collar, and to value a sale against the mandate. */
export function needsBook(intent: OrderIntent, mandate: Mandate): boolean {
  if (intent.action !== 'place') return false;
  return intent.collar !== undefined || (mandate.maxOrderNotional !== undefined && intent.side === 'sell');
}

/**
 * Admits an intent or says why not.
 * @param instrument undefined when the venue's rules cannot be had: the numbers then go as they are and the venue judges
 * @param book must be given where `needsBook` says so
 * @param now ms
 */
export function admit(
  intent: OrderIntent,
  instrument: Instrument | 'unknown' | undefined,
  mandate: Mandate,
  book: Book | undefined,
  now: number,
): Admission {
  const early = outOfTime(intent, now);
  if (early !== undefined) return early;
  const expiresAt = Date.parse(intent.expiresAt);
  if (intent.action === 'cancel') {
    const { id, market, symbol, target } = intent;
    return { kind: 'admitted', admitted: { action: 'cancel', id, market, symbol, target, expiresAt } };
  }
  const forbidden = outsideMandate(intent, mandate) ?? notTraded(intent, instrument);
  if (forbidden !== undefined) return forbidden;
  const rules = instrument === 'unknown' ? undefined : instrument;
  const order = { ...rounded(intent, rules), expiresAt };
  const refusal =
    (rules && belowMinimum(intent, order, rules)) ??
    outsideCollar(intent, order, book) ??
    tooLarge(order, mandate, book);
  return refusal ?? { kind: 'admitted', admitted: order };
}

function denial(code: ReasonCode, detail: string): Denial {
  return { kind: 'denial', code, detail };
}

function outOfTime(intent: OrderIntent, now: number): Denial | undefined {
  const expiresAt = Date.parse(intent.expiresAt);
  const createdAt = Date.parse(intent.createdAt);
  if (now >= expiresAt) {
    const late = seconds(now - expiresAt);
    return denial('INTENT_EXPIRED', `expired at ${intent.expiresAt}, ${late} s before it could be sent; decide anew`);
  }
  if (createdAt - now > MAX_AHEAD_MS) {
    const ahead = seconds(createdAt - now);
    return denial('CREATED_IN_FUTURE', `createdAt is ${ahead} s ahead; the limit is 5 s; set the producer's clock`);
  }
  if (expiresAt - now > MAX_LIFETIME_MS) {
    const life = seconds(expiresAt - now);
    return denial('LIFETIME_TOO_LONG', `expiresAt is ${life} s ahead; the limit is 600 s; send it nearer to its time`);
  }
  if (now - createdAt > MAX_AGE_MS) {
    const age = seconds(now - createdAt);
    return denial(
      'LIFETIME_TOO_LONG',
      `createdAt is ${age} s ago; the limit is 1200 s; send a new intent with an id of its own`,
    );
  }
  return undefined;
}

function outsideMandate(intent: PlaceIntent, mandate: Mandate): Denial | undefined {
  const { account, symbol, side } = intent;
  if (mandate.state === 'halted') {
    return denial('TRADING_HALTED', `account ${account} is halted; only cancels pass until it is resumed`);
  }
  if (mandate.state === 'reducing' && side === 'buy') {
    return denial('TRADING_REDUCING', `account ${account} is reducing; only sells and cancels pass`);
  }
  if (mandate.symbols !== undefined && !mandate.symbols.includes(symbol)) {
    const allowed = mandate.symbols.join(', ') || 'none';
    return denial(
      'SYMBOL_NOT_ALLOWED',
      `${symbol} is not among the symbols of account ${account} (${allowed}); add it to the mandate`,
    );
  }
  return undefined;
}

function notTraded(intent: PlaceIntent, instrument: Instrument | 'unknown' | undefined): Denial | undefined {
  if (instrument === 'unknown') {
    return denial('SYMBOL_UNKNOWN', `the venue does not list ${intent.symbol}; correct the symbol`);
  }
  if (instrument !== undefined && !instrument.tradable) {
    return denial('SYMBOL_NOT_TRADING', `${intent.symbol} takes no orders now; wait until it trades`);
  }
  return undefined;
}

type Unrounded = NewOrder extends infer Order ? (Order extends NewOrder ? Omit<Order, 'expiresAt'> : never) : never;

function rounded(intent: PlaceIntent, rules: Instrument | undefined): Unrounded {
  const { id, market, symbol } = intent;
  const down = (value: Decimal, step: Decimal | undefined): Decimal =>
    step === undefined ? value : (roundDown(value, step) as Decimal);
  if (intent.type !== 'market') {
    const { side, type } = intent;
    const size = down(intent.size, rules?.sizeStep);
    return { action: 'place', id, market, symbol, side, type, size, price: down(intent.price, rules?.priceStep) };
  }
  if (intent.side === 'buy')
    return { action: 'place', id, market, symbol, side: 'buy', type: 'market', notional: intent.notional };
  return {
    action: 'place',
    id,
    market,
    symbol,
    side: 'sell',
    type: 'market',
    size: down(intent.size, rules?.sizeStep),
  };
}

function belowMinimum(intent: PlaceIntent, order: Unrounded, rules: Instrument): Denial | undefined {
  const { symbol } = intent;
  const [base, quote] = symbol.split('_') as [string, string];
  if ('price' in order && new Big(order.price).eq(0)) {
    return denial(
      'PRICE_BELOW_STEP',
      `price rounds down to 0 in ${symbol}'s steps; raise it to at least ${rules.priceStep}`,
    );
  }
  if ('size' in order && new Big(order.size).lt(rules.minSize)) {
    const asked = 'size' in intent ? intent.size : order.size;
    return denial(
      'SIZE_BELOW_MINIMUM',
      `size ${asked} ${base} is ${order.size} in steps of ${rules.sizeStep}, below ${symbol}'s minimum of ${rules.minSize}; raise it`,
    );
  }
  const minimum = rules.minNotional[order.side];
  const notional = value(order);
  if (notional === undefined || notional.gte(minimum)) return undefined;
  const way =
    'price' in order
      ? `raise size to at least ${roundUp(new Big(minimum).div(order.price), rules.sizeStep)}`
      : `raise notional to at least ${minimum}`;
  return denial(
    'NOTIONAL_BELOW_MINIMUM',
    `notional ${notional.toFixed()} ${quote} is below ${symbol}'s minimum of ${minimum}; ${way}`,
  );
}

/** The collar is two-sided: a market that moved away in either direction is not the market that was decided on. */
function outsideCollar(intent: PlaceIntent, order: Unrounded, book: Book | undefined): Denial | undefined {
  const { collar, symbol } = intent;
  if (collar === undefined) return undefined;
  const touch = order.side === 'buy' ? book?.ask : book?.bid;
  const name = order.side === 'buy' ? 'best ask' : 'best bid';
  if (touch === undefined) {
    return denial(
      'PRICE_OUTSIDE_COLLAR',
      `${symbol} has no ${name} to hold against the reference ${collar.referencePrice}; wait until there is one`,
    );
  }
  const reference = new Big(collar.referencePrice);
  const bps = (price: string): Big => new Big(price).minus(reference).div(reference).times(10_000);
  const limit = `the limit is ${collar.maxDeviationBps} bps; decide anew`;
  if (bps(touch).abs().gt(collar.maxDeviationBps)) {
    const off = bps(touch).toFixed(1);
    return denial(
      'PRICE_OUTSIDE_COLLAR',
      `${name} ${touch} is ${off} bps from the reference ${collar.referencePrice}; ${limit}`,
    );
  }
  if ('price' in order) {
    const worse = order.side === 'buy' ? bps(order.price) : bps(order.price).times(-1);
    if (worse.gt(collar.maxDeviationBps)) {
      return denial(
        'PRICE_OUTSIDE_COLLAR',
        `price ${order.price} is ${worse.toFixed(1)} bps worse than the reference ${collar.referencePrice}; ${limit}`,
      );
    }
  }
  return undefined;
}

/** A sale is worth what the market pays: a limit far below the best bid would not make it small. */
function tooLarge(order: Unrounded, mandate: Mandate, book: Book | undefined): Denial | undefined {
  const limit = mandate.maxOrderNotional;
  if (limit === undefined) return undefined;
  const sold = order.side === 'sell' && book?.bid !== undefined ? new Big(order.size).times(book.bid) : undefined;
  const asked = value(order);
  const notional = sold !== undefined && (asked === undefined || sold.gt(asked)) ? sold : asked;
  if (notional === undefined) {
    return denial(
      'NOTIONAL_ABOVE_MAXIMUM',
      `${order.symbol} has no bid to value the sale by, and maxOrderNotional is ${limit}; send a limit order`,
    );
  }
  if (notional.lte(limit)) return undefined;
  return denial(
    'NOTIONAL_ABOVE_MAXIMUM',
    `the order is worth ${notional.toFixed()}, above the mandate's maxOrderNotional of ${limit}; make it smaller`,
  );
}

/** In quote coin; undefined for a market sell, whose price nobody knows beforehand. */
function value(order: Unrounded): Big | undefined {
  if ('notional' in order) return new Big(order.notional);
  return 'price' in order ? new Big(order.size).times(order.price) : undefined;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
