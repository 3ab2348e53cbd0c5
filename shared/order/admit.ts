// The last pure step before an order is sent: may it go, and with which exact numbers? Every local refusal lives here.
// Same inputs, same answer: no clock, no I/O. Rounding is always down, and a refusal always carries the numbers.
import Big from 'big.js';
import {
  MAX_LIFETIME_MS,
  type AmendIntent,
  type Decimal,
  type Exit,
  type OrderIntent,
  type PlaceIntent,
} from './intent.ts';
import { listed, roundDown, roundUp, type Instrument } from './instrument.ts';
import type { Mandate } from './mandate.ts';
import type { ReasonCode } from './reason.ts';
import type { Admitted, Book, Instruction, NewOrder, VenueOrder } from './venue.ts';

/** How far createdAt may lie ahead of us: producers' clocks are not exact. */
export const MAX_AHEAD_MS = 5_000;

/** Oldest createdAt: as long as a venue is sure to remember what became of an order with the same id. */
export const MAX_AGE_MS = 1_200_000;

/** We refused. `detail` names the thing, the limit and the way out. */
export interface Denial {
  readonly kind: 'denial';
  readonly code: ReasonCode;
  readonly detail: string;
}
export type Admission = { readonly kind: 'admitted'; readonly admitted: Admitted } | Denial;

/** Takes risk away, or lets the dead-man switch do it: passes a halt, a reduction and an unreadable mandate. */
export function isRelief(intent: OrderIntent): boolean {
  if (intent.action === 'cancel-all-after') return intent.timeoutSeconds > 0;
  return intent.action === 'cancel' || intent.action === 'cancel-all';
}

/** Does it change what is there for all that comes after it, so that it may not be done again once something has come? */
export function isSetting({ action }: OrderIntent): boolean {
  return action !== 'place' && action !== 'cancel';
}

/** Why nothing needs to be asked for it: its time is not now, or the account may not have it done. */
export function barred(intent: OrderIntent, mandate: Mandate, now: number): Denial | undefined {
  return outOfTime(intent, now) ?? (isRelief(intent) ? undefined : outsideMandate(intent, mandate));
}

/** Does admission need the venue's best prices? For a collar, and to value what has no price of its own. */
export function needsBook(intent: OrderIntent, mandate: Mandate): boolean {
  if (intent.action !== 'place' && intent.action !== 'amend') return false;
  if (intent.collar !== undefined) return true;
  if (mandate.maxOrderNotional === undefined) return false;
  // Whether its target is a sale is not known before it was seen.
  if (intent.action === 'amend') return true;
  return intent.side === 'sell' || (intent.type === 'market' && !('notional' in intent));
}

/**
 * Admits an intent or says why not.
 * @param instrument undefined when the venue's rules cannot be had: the numbers then go as they are and the venue judges
 * @param book must be given where `needsBook` says so
 * @param now ms
 * @param target the order that an amend is about, as the venue shows it
 */
export function admit(
  intent: OrderIntent,
  instrument: Instrument | 'unknown' | undefined,
  mandate: Mandate,
  book: Book | undefined,
  now: number,
  target?: VenueOrder,
): Admission {
  const early = barred(intent, mandate, now);
  if (early !== undefined) return early;
  if (intent.action !== 'place') return admitInstruction(intent, instrument, mandate, book, target);
  const forbidden = notTraded(intent, instrument);
  if (forbidden !== undefined) return forbidden;
  const rules = listed(instrument);
  const order = rounded(intent, rules);
  return outsideLimits(intent, order, rules, mandate, book) ?? { kind: 'admitted', admitted: order };
}

function admitInstruction(
  intent: Exclude<OrderIntent, PlaceIntent>,
  instrument: Instrument | 'unknown' | undefined,
  mandate: Mandate,
  book: Book | undefined,
  target: VenueOrder | undefined,
): Admission {
  const expiresAt = Date.parse(intent.expiresAt);
  if (intent.action === 'amend') return admitAmend(intent, listed(instrument), mandate, book, target);
  return { kind: 'admitted', admitted: { ...wantedOf(intent), expiresAt } as Instruction };
}

/** An amended order is held to the same rules as a new one of that size and price. */
function admitAmend(
  intent: AmendIntent,
  rules: Instrument | undefined,
  mandate: Mandate,
  book: Book | undefined,
  target: VenueOrder | undefined,
): Admission {
  const { id, market, symbol } = intent;
  const price = ('price' in intent ? intent.price : undefined) ?? (target?.price as Decimal | undefined);
  const size = intent.size ?? (target?.size as Decimal | undefined);
  if (target === undefined || price === undefined || size === undefined || target.type === 'market') {
    return denial('TARGET_NOT_FOUND', `the venue shows no limit order ${intent.target} of ${symbol}; correct target`);
  }
  const order = {
    ...{ action: 'place', id, market, symbol, side: target.side, type: 'limit', reduceOnly: false },
    size: down(size, rules?.sizeStep),
    price: down(price, rules?.priceStep),
    expiresAt: Date.parse(intent.expiresAt),
  } as const satisfies NewOrder;
  const refusal = outsideLimits(intent, order, rules, mandate, book);
  if (refusal !== undefined) return refusal;
  const { expiresAt } = order;
  const amended = { id, market, symbol, target: intent.target, price: order.price, size: order.size, expiresAt };
  return { kind: 'admitted', admitted: { action: 'amend', ...amended } };
}

/** Has the order become what the amend asks for? Numbers were rounded down before they were sent. */
export function isAmended(intent: AmendIntent, order: VenueOrder, rules: Instrument | undefined): boolean {
  const same = (asked: Decimal | undefined, found: string | undefined, step: Decimal | undefined): boolean =>
    asked === undefined || (found !== undefined && new Big(down(asked, step)).eq(found));
  const price = 'price' in intent ? intent.price : undefined;
  return same(price, order.price, rules?.priceStep) && same(intent.size, order.size, rules?.sizeStep);
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

function outsideMandate(intent: OrderIntent, mandate: Mandate): Denial | undefined {
  const { account, market } = intent;
  const symbol = 'symbol' in intent ? intent.symbol : undefined;
  if (mandate.state === 'halted') {
    return denial(
      'TRADING_HALTED',
      `account ${account} is halted; only cancels, and arming the dead-man switch, pass until it is resumed`,
    );
  }
  if (mandate.state === 'reducing' && !reduces(intent)) {
    const passes = {
      spot: 'sells and cancels pass',
      margin: 'cancels pass, since a margin sale may borrow',
      futures: 'reduce-only orders and cancels pass',
    };
    return denial('TRADING_REDUCING', `account ${account} is reducing; of ${market} only ${passes[market]}`);
  }
  if (mandate.symbols !== undefined && symbol !== undefined && !mandate.symbols.includes(symbol)) {
    const allowed = mandate.symbols.join(', ') || 'none';
    return denial(
      'SYMBOL_NOT_ALLOWED',
      `${symbol} is not among the symbols of account ${account} (${allowed}); add it to the mandate`,
    );
  }
  return undefined;
}

/** Can it only lower what the account is exposed to? */
function reduces(intent: OrderIntent): boolean {
  if (intent.action !== 'place') return false;
  if (intent.market === 'futures') return intent.reduceOnly === true;
  return intent.market === 'spot' && intent.side === 'sell';
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

function down(value: Decimal, step: Decimal | undefined): Decimal {
  return step === undefined ? value : (roundDown(value, step) as Decimal);
}

/** What the intent wants of the venue, without what it says to us. */
function wantedOf(intent: OrderIntent): Readonly<Record<string, unknown>> {
  const ours = ['account', 'createdAt', 'expiresAt', 'collar', 'strategy', 'replayOf'];
  return Object.fromEntries(Object.entries(intent).filter(([field]) => !ours.includes(field)));
}

type Exits = Partial<Record<'takeProfit' | 'stopLoss', Exit>>;

function exitsOf(order: PlaceIntent | NewOrder): Exits {
  const { takeProfit, stopLoss } = order as Exits;
  return { ...(takeProfit === undefined ? {} : { takeProfit }), ...(stopLoss === undefined ? {} : { stopLoss }) };
}

function rounded(intent: PlaceIntent, rules: Instrument | undefined): NewOrder {
  const wanted = wantedOf(intent) as unknown as Omit<NewOrder, 'expiresAt'> &
    Partial<Record<'size' | 'price' | 'notional', Decimal>>;
  const exits = Object.entries(exitsOf(intent)).map(([name, exit]) => [
    name,
    { ...exit, price: down(exit.price, rules?.priceStep) },
  ]);
  const order = {
    ...wanted,
    ...(wanted.size === undefined ? {} : { size: down(wanted.size, rules?.sizeStep) }),
    ...(wanted.price === undefined ? {} : { price: down(wanted.price, rules?.priceStep) }),
    ...(wanted.notional === undefined ? {} : { notional: down(wanted.notional, rules?.notionalStep) }),
    ...(Object.fromEntries(exits) as Exits),
    ...(intent.market === 'futures' ? { reduceOnly: intent.reduceOnly === true } : {}),
    expiresAt: Date.parse(intent.expiresAt),
  };
  return order as NewOrder;
}

/** What an order of these numbers breaks: the venue's rules, the intent's collar or the mandate's largest order. */
function outsideLimits(
  intent: PlaceIntent | AmendIntent,
  order: NewOrder,
  rules: Instrument | undefined,
  mandate: Mandate,
  book: Book | undefined,
): Denial | undefined {
  return (
    (rules && outsideRules(intent, order, rules)) ??
    outsideCollar(intent, order, book) ??
    tooLarge(order, mandate, book)
  );
}

function outsideRules(intent: PlaceIntent | AmendIntent, order: NewOrder, rules: Instrument): Denial | undefined {
  const { symbol } = intent;
  const [base, quote] = symbol.split('_') as [string, string];
  const prices = [
    ...('price' in order ? [order.price] : []),
    ...Object.values(exitsOf(order)).map(({ price }) => price),
  ];
  if (prices.some((price) => new Big(price).eq(0))) {
    return denial(
      'PRICE_BELOW_STEP',
      `price rounds down to 0 in ${symbol}'s steps; raise it to at least ${rules.priceStep}`,
    );
  }
  if ('size' in order && new Big(order.size).lt(rules.minSize)) {
    const asked = ('size' in intent ? intent.size : undefined) ?? order.size;
    return denial(
      'SIZE_BELOW_MINIMUM',
      `size ${asked} ${base} is ${order.size} in steps of ${rules.sizeStep}, below ${symbol}'s minimum of ${rules.minSize}; raise it`,
    );
  }
  const maximum = (order.type === 'market' ? rules.maxMarketSize : undefined) ?? rules.maxSize;
  if ('size' in order && maximum !== undefined && new Big(order.size).gt(maximum)) {
    const how = order.type === 'market' ? 'market order of ' : '';
    return denial(
      'SIZE_ABOVE_MAXIMUM',
      `size ${order.size} ${base} is above the largest ${how}${symbol}, ${maximum}; split it`,
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
function outsideCollar(intent: PlaceIntent | AmendIntent, order: NewOrder, book: Book | undefined): Denial | undefined {
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

/**
 * A sale is worth what the market pays: a limit far below the best bid would not make it small. What has no price is valued
 * by the best one on the other side.
 */
function tooLarge(order: NewOrder, mandate: Mandate, book: Book | undefined): Denial | undefined {
  const limit = mandate.maxOrderNotional;
  if (limit === undefined) return undefined;
  const touch = order.side === 'sell' ? book?.bid : book?.ask;
  const needsTouch = order.side === 'sell' || !('price' in order || 'notional' in order);
  const valued = needsTouch && touch !== undefined && 'size' in order ? new Big(order.size).times(touch) : undefined;
  const asked = value(order);
  const notional = valued !== undefined && (asked === undefined || valued.gt(asked)) ? valued : asked;
  if (notional === undefined) {
    const [side, what] = order.side === 'sell' ? ['bid', 'sale'] : ['ask', 'buy'];
    return denial(
      'NOTIONAL_ABOVE_MAXIMUM',
      `${order.symbol} has no ${side} to value the ${what} by, and maxOrderNotional is ${limit}; send a limit order`,
    );
  }
  if (notional.lte(limit)) return undefined;
  return denial(
    'NOTIONAL_ABOVE_MAXIMUM',
    `the order is worth ${notional.toFixed()}, above the mandate's maxOrderNotional of ${limit}; make it smaller`,
  );
}

/** In quote coin; undefined for what has a size and no price: nobody knows beforehand what it will cost. */
function value(order: NewOrder): Big | undefined {
  if ('notional' in order) return new Big(order.notional);
  return 'price' in order ? new Big(order.size).times(order.price) : undefined;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
