// What the tests of strategies share: markets of any price, firings, and a queue that drops an id that it has.
// Promises that whatever a strategy makes here was seen to keep the contract. Holds no test.
import Big from 'big.js';
import fc from 'fast-check';
import type { Instrument } from '../../shared/order/instrument.ts';
import { parse, type Decimal, type PlaceIntent } from '../../shared/order/intent.ts';
import type { Balance, Candle } from '../../shared/order/reads.ts';
import type { Decision, Findings, Prepared, Strategy } from '../../shared/strategies/strategy.ts';

export const START = '2026-11-22T19:00:00Z';
export const START_MS = Date.parse(START);
export const BTC: Instrument = {
  symbol: 'BTC_USDT',
  priceStep: '0.01' as Decimal,
  sizeStep: '0.00001' as Decimal,
  minSize: '0.00001' as Decimal,
  minNotional: { buy: '5', sell: '5' },
  tradable: true,
};

/** Parameters as a schedule carries them. @throws where they are wrong */
export function prepared(strategy: Strategy, parameters: unknown): Prepared {
  const result = strategy.prepare(parameters);
  if (result.kind === 'prepared') return result;
  throw new Error(result.problems.join('; '));
}

export interface Market {
  readonly price: string;
  readonly candles?: readonly Candle[];
  readonly balances?: readonly Balance[];
  readonly rules?: Partial<Instrument>;
}

/** One symbol, with a spread of two steps around a price of whole steps. */
export function findings({ price, candles = [], balances = [], rules = {} }: Market): Findings {
  const of = { ...BTC, ...rules };
  const [bid, ask] = [new Big(price).minus(of.priceStep), new Big(price).plus(of.priceStep)].map((each) => each.toFixed() as Decimal); // prettier-ignore
  if (bid === undefined || ask === undefined) throw new Error('no price');
  return { instruments: { [of.symbol]: of }, books: { [of.symbol]: { bid, ask } }, candles, balances };
}

export function fired(plan: Prepared, scheduledAt: number, found: Findings, schedule = 'test'): Decision {
  return plan.decide({ schedule, account: 'main', scheduledAt, findings: found });
}

/** The orders of a decision, each parsed as the executing function will. */
export function ordersOf(decision: Decision): readonly PlaceIntent[] {
  if (decision.kind !== 'intents') return [];
  return decision.intents.map((intent) => {
    const read = parse(JSON.stringify(intent));
    if (read.kind !== 'intent' || read.intent.action !== 'place') throw new Error(JSON.stringify(read));
    return read.intent;
  });
}

export const candle = (close: string, openAt = START_MS): Candle => ({ openAt, open: close, high: close, low: close, close, volume: '1' }); // prettier-ignore
/** A price of whole cents, from 10 to a million. */
export const price = (): fc.Arbitrary<string> =>
  fc.integer({ min: 1000, max: 100_000_000 }).map((cents) => new Big(cents).div(100).toFixed());
/** An amount of quote coin in cents. */
export const cents = (min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((each) => new Big(each).div(100).toFixed());
export const sum = (amounts: readonly (string | Big)[]): Big =>
  amounts.reduce<Big>((all, one) => all.plus(one), new Big(0));
export const notionalOf = (order: PlaceIntent): string => ('notional' in order ? order.notional : '0');
export const sizeOf = (order: PlaceIntent): string => ('size' in order ? order.size : '0');
/** What each id comes to at most, whichever of its firings came first. */
export function mostById(orders: readonly PlaceIntent[], amount: (order: PlaceIntent) => string): Big {
  const most = new Map<string, Big>();
  for (const order of orders) {
    const before = most.get(order.id) ?? new Big(0);
    most.set(order.id, before.gt(amount(order)) ? before : new Big(amount(order)));
  }
  return sum([...most.values()]);
}
