// The last gate before an order: every local refusal with its numbers, and what passes obeys the venue's rules.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import { admit, isAmended, isRelief, MAX_AGE_MS, MAX_AHEAD_MS, needsBook, type Admission } from '../../shared/order/admit.ts'; // prettier-ignore
import type { Instrument } from '../../shared/order/instrument.ts';
import { MAX_LIFETIME_MS, type AmendIntent, type Decimal, type OrderIntent } from '../../shared/order/intent.ts';
import type { Mandate } from '../../shared/order/mandate.ts';
import type { Book, Instruction, NewOrder, VenueOrder } from '../../shared/order/venue.ts';
import { amendPrice, amendSize, btcRules, cancelFutures, changed, decimal, EXPIRES, fullKinds, futuresBuy, futuresMarket, instructions, kinds, limitBuy, marketBuy, marketSell, places, setLeverage, setPositionMode, type Fields } from './arbitraries.ts'; // prettier-ignore

const d = (text: string): Decimal => text as Decimal;
const rules: Instrument = { ...btcRules, minSize: d('0.0001'), minNotional: { buy: d('5'), sell: d('7') } };
const active: Mandate = { state: 'active' };
const book: Book = { bid: d('59990'), ask: d('60010') };
const NOW = Date.parse(limitBuy.createdAt) + 1000;
const END = Date.parse(EXPIRES);

interface Given {
  readonly instrument?: Instrument | 'unknown' | undefined;
  readonly mandate?: Mandate;
  readonly book?: Book | undefined;
  readonly now?: number;
  readonly target?: VenueOrder | undefined;
}
/** The order that the amends are about. */
const resting: VenueOrder = {
  venueOrderId: '77',
  symbol: 'BTC_USDT',
  side: 'buy',
  type: 'limit',
  price: '60000.0',
  size: '0.010',
  state: 'open',
  filledSize: '0',
};
const judge = (fields: Fields, given: Given = {}): Admission => {
  const all = { instrument: rules, mandate: active, book, now: NOW, target: resting, ...given };
  return admit(fields as unknown as OrderIntent, all.instrument, all.mandate, all.book, all.now, all.target);
};
const order = (fields: Fields, given?: Given): NewOrder => {
  const admission = judge(fields, given);
  if (admission.kind === 'denial') throw new Error(`${admission.code}: ${admission.detail}`);
  if (admission.admitted.action !== 'place') throw new Error('this is no order');
  return admission.admitted;
};
const amended = (fields: Fields, given?: Given): Extract<Instruction, { action: 'amend' }> => {
  const admission = judge(fields, given);
  if (admission.kind === 'denial') throw new Error(`${admission.code}: ${admission.detail}`);
  if (admission.admitted.action !== 'amend') throw new Error('this is no amend');
  return admission.admitted;
};
const denial = (fields: Fields, given?: Given): readonly [code: string, detail: string] => {
  const admission = judge(fields, given);
  if (admission.kind === 'admitted') throw new Error(`admitted: ${JSON.stringify(admission.admitted)}`);
  return [admission.code, admission.detail];
};
const mandate = (more: Partial<Mandate>): Given => ({ mandate: { ...active, ...more } });
const collar = (maxDeviationBps: number, referencePrice = '60000') => ({ collar: { referencePrice, maxDeviationBps } });

describe('what is admitted', () => {
  const OURS = ['account', 'createdAt', 'collar', 'strategy', 'replayOf'];
  /** On futures it is always said whether an order may open anything. */
  const sent = (fields: Fields): Fields => {
    const reduceOnly = fields['market'] === 'futures' && fields['action'] === 'place' ? { reduceOnly: false } : {};
    return { ...reduceOnly, ...changed(fields, OURS, { expiresAt: END }) };
  };
  test.each(places)('%s keeps its numbers and gains nothing', (_, fields) => {
    expect(order(fields)).toEqual(sent(fields));
  });
  test.each(fullKinds.filter(([name]) => name !== 'amend'))('%s with all that it may carry loses only what is ours', (_, fields) => {
    const anyCollar = { ...fields, collar: { referencePrice: '60000', maxDeviationBps: 10_000 } };
    expect(judge(anyCollar)).toEqual({ kind: 'admitted', admitted: sent(fields) });
  }); // prettier-ignore
  test.each(instructions.filter(([name]) => !name.includes('amend')))('%s is what it asks for and its time', (_, fields) => {
    expect(judge(fields)).toEqual({ kind: 'admitted', admitted: sent(fields) });
  }); // prettier-ignore
  test('size and price are rounded down to the steps, on either side of the market', () => {
    for (const side of ['buy', 'sell']) {
      const fields = { ...limitBuy, side, size: '0.010009', price: '60000.999' };
      expect(order(fields)).toMatchObject({ size: '0.01', price: '60000.99' });
    }
    expect(order({ ...marketSell, size: '0.010009' })).toMatchObject({ size: '0.01' });
    expect(order({ ...futuresMarket, size: '0.010009' })).toMatchObject({ size: '0.01' });
  });
  test('the exits of a position are rounded down to the steps of the price, and one that is then nothing is denied', () => {
    const exits = { takeProfit: { price: '70000.019', trigger: 'mark' }, stopLoss: { price: '50000.999' } };
    expect(order({ ...futuresMarket, ...exits })).toMatchObject({
      takeProfit: { price: '70000.01', trigger: 'mark' },
      stopLoss: { price: '50000.99' },
    });
    expect(order({ ...futuresMarket, ...exits }, { instrument: undefined })).toMatchObject(exits);
    expect(denial({ ...futuresMarket, stopLoss: { price: '0.009' } })[0]).toBe('PRICE_BELOW_STEP');
  });
  test('where the rules cannot be had the numbers go as they are, and the venue judges', () => {
    const fields = { ...limitBuy, size: '0.000000000000000001', price: '0.000000001' };
    expect(order(fields, { instrument: undefined })).toMatchObject({ size: fields.size, price: fields.price });
    expect(order({ ...marketBuy, notional: '0.01' }, { instrument: undefined })).toMatchObject({ notional: '0.01' });
  });
  test('the same question has the same answer', () => {
    for (const [, fields] of kinds) {
      const given = { ...mandate({ maxOrderNotional: '100' }), book };
      expect(judge(fields, given)).toEqual(judge(fields, given));
    }
  });
});

describe('rounding', () => {
  const step = fc.nat(8).map((places) => d(new Big(10).pow(-places).toFixed()));
  const instrument = fc.record({
    symbol: fc.constant('BTC_USDT'),
    priceStep: step,
    sizeStep: step,
    minSize: decimal(3, 8).map(d),
    minNotional: fc.record({ buy: decimal(3, 2).map(d), sell: decimal(3, 2).map(d) }),
    tradable: fc.constant(true),
  });
  const largest = fc.record({ maxSize: decimal(10, 8).map(d), maxMarketSize: decimal(10, 8).map(d) }, { requiredKeys: [] }); // prettier-ignore
  const limited = fc.tuple(instrument, largest).map(([one, more]): Instrument => ({ ...one, ...more }));
  const numbers = fc.tuple(fc.constantFrom(...kinds), decimal(10, 18), decimal(10, 18));

  const fill = ([[, fields], first, second]: readonly [(typeof kinds)[number], string, string]): Fields => ({
    ...fields,
    ...('size' in fields ? { size: first } : {}),
    ...('price' in fields ? { price: second } : {}),
    ...('notional' in fields ? { notional: first } : {}),
  });

  test('never raises a size, a price or a notional; and what is admitted obeys the rules', () => {
    fc.assert(
      fc.property(numbers, limited, (drawn, steps) => {
        const asked = fill(drawn);
        const admission = judge(asked, { instrument: steps });
        if (admission.kind === 'denial' || admission.admitted.action !== 'place') return;
        const admitted = admission.admitted;
        const not = (name: 'size' | 'price' | 'notional', value: string): void =>
          expect(new Big(value).lte(String(asked[name]))).toBe(true);
        if ('size' in admitted) {
          not('size', admitted.size);
          expect(new Big(admitted.size).mod(steps.sizeStep).eq(0)).toBe(true);
          expect(new Big(admitted.size).gte(steps.minSize)).toBe(true);
          const most = admitted.type === 'market' ? (steps.maxMarketSize ?? steps.maxSize) : steps.maxSize;
          expect(most === undefined || new Big(admitted.size).lte(most)).toBe(true);
          // Down by less than one step.
          expect(new Big(String(asked['size'])).minus(admitted.size).lt(steps.sizeStep)).toBe(true);
        }
        if ('price' in admitted) {
          not('price', admitted.price);
          expect(new Big(admitted.price).mod(steps.priceStep).eq(0)).toBe(true);
          const value = new Big(admitted.price).times(admitted.size);
          expect(value.gte(steps.minNotional[admitted.side])).toBe(true);
        }
        if ('notional' in admitted) {
          not('notional', admitted.notional);
          expect(new Big(admitted.notional).gte(steps.minNotional.buy)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of an amend never raises what it asks for or keeps, and what is admitted obeys the rules', () => {
    const ask = fc.record({ price: decimal(10, 18), size: decimal(10, 18) }, { requiredKeys: [] });
    const kept = fc.record({ price: decimal(10, 18), size: decimal(10, 18) });
    fc.assert(
      fc.property(ask, kept, fc.constantFrom('buy', 'sell'), limited, (asked, held, side, steps) => {
        fc.pre(Object.keys(asked).length > 0);
        const target = { ...resting, ...held, side } as VenueOrder;
        const admission = judge(changed(amendPrice, ['price'], asked), { instrument: steps, target });
        if (admission.kind === 'denial' || admission.admitted.action !== 'amend') return;
        const { price, size } = admission.admitted;
        for (const [is, was, step] of [[price, asked.price ?? held.price, steps.priceStep], [size, asked.size ?? held.size, steps.sizeStep]] as const) {
          expect(new Big(is).lte(was) && new Big(was).minus(is).lt(step) && new Big(is).mod(step).eq(0)).toBe(true);
        }
        expect(new Big(size).gte(steps.minSize) && !(steps.maxSize !== undefined && new Big(size).gt(steps.maxSize))).toBe(true);
        expect(new Big(size).times(price).gte(steps.minNotional[target.side])).toBe(true);
      }), // prettier-ignore
      { numRuns: 500 },
    );
  });

  test('the size or notional that a refusal advises is admitted', () => {
    fc.assert(
      fc.property(numbers, instrument, (drawn, steps) => {
        const asked = fill(drawn);
        const admission = judge(asked, { instrument: steps });
        if (admission.kind === 'admitted' || admission.code !== 'NOTIONAL_BELOW_MINIMUM') return;
        const [, name = '', advised = ''] = /raise (size|notional) to at least ([\d.]+)$/.exec(admission.detail) ?? [];
        expect(judge({ ...asked, [name]: advised }, { instrument: steps }).kind).toBe('admitted');
      }),
      { numRuns: 500 },
    );
  });
});

describe('time', () => {
  const at = (createdAt: number, expiresAt: number): Fields => ({
    ...limitBuy,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  });
  test('one millisecond before its expiry it may go, at its expiry not', () => {
    expect(judge(limitBuy, { now: END - 1 }).kind).toBe('admitted');
    for (const now of [END, END + 1]) expect(denial(limitBuy, { now })[0]).toBe('INTENT_EXPIRED');
    expect(denial(limitBuy, { now: END + 2500 })[1]).toBe(
      `expired at ${EXPIRES}, 2.5 s before it could be sent; decide anew`,
    );
  });
  test('an expiry without milliseconds is that second, not its end', () => {
    const fields = { ...limitBuy, expiresAt: '2026-11-22T19:01:00Z' };
    expect(judge(fields, { now: END - 1 }).kind).toBe('admitted');
    expect(denial(fields, { now: END })[0]).toBe('INTENT_EXPIRED');
  });
  test.each(instructions)('%s expires too', (_, fields) => {
    expect(judge(fields, { now: END - 1 }).kind).toBe('admitted');
    expect(denial(fields, { now: END })[0]).toBe('INTENT_EXPIRED');
  });
  test('createdAt may lie 5 s ahead, no millisecond more', () => {
    expect(MAX_AHEAD_MS).toBe(5000);
    expect(judge(at(NOW + 5000, NOW + 60_000)).kind).toBe('admitted');
    expect(denial(at(NOW + 5001, NOW + 60_000))).toEqual([
      'CREATED_IN_FUTURE',
      "createdAt is 5.0 s ahead; the limit is 5 s; set the producer's clock",
    ]);
  });
  test('expiresAt may lie 10 minutes ahead, no millisecond more', () => {
    expect(MAX_LIFETIME_MS).toBe(600_000);
    expect(judge(at(NOW, NOW + 600_000)).kind).toBe('admitted');
    expect(denial(at(NOW, NOW + 600_001))).toEqual([
      'LIFETIME_TOO_LONG',
      'expiresAt is 600.0 s ahead; the limit is 600 s; send it nearer to its time',
    ]);
    expect(denial(at(NOW, NOW + 700_000))[1]).toContain('700.0 s ahead');
  });
  test('createdAt may lie as far back as the venue remembers, no millisecond more', () => {
    expect(judge(at(NOW - MAX_AGE_MS, NOW + 1000)).kind).toBe('admitted');
    expect(denial(at(NOW - MAX_AGE_MS - 1, NOW + 1000))).toEqual([
      'LIFETIME_TOO_LONG',
      'createdAt is 1200.0 s ago; the limit is 1200 s; send a new intent with an id of its own',
    ]);
  });
  test('whatever is admitted is alive, young and short-lived', () => {
    const offset = fc.integer({ min: -2_000_000, max: 2_000_000 });
    fc.assert(
      fc.property(offset, offset, (created, expires) => {
        const alive = expires > 0 && expires <= 600_000 && created <= 5000 && created >= -MAX_AGE_MS;
        expect(judge(at(NOW + created, NOW + expires)).kind === 'admitted').toBe(alive);
      }),
    );
  });
});

describe('the mandate', () => {
  const relieves = ({ action }: Fields): boolean =>
    ['cancel', 'cancel-all', 'cancel-all-after'].includes(String(action));
  test('halted lets cancels and the dead-man switch pass, and no order, amend or setting', () => {
    for (const [name, fields] of kinds) {
      const admission = judge(fields, mandate({ state: 'halted' }));
      expect([name, admission.kind]).toEqual([name, relieves(fields) ? 'admitted' : 'denial']);
      expect([name, isRelief(fields as unknown as OrderIntent)]).toEqual([name, relieves(fields)]);
      if (admission.kind === 'denial') expect(admission.code).toBe('TRADING_HALTED');
    }
    expect(denial(limitBuy, mandate({ state: 'halted' }))).toEqual([
      'TRADING_HALTED',
      'account main is halted; only cancels, and arming the dead-man switch, pass until it is resumed',
    ]);
  });
  test('reducing lets spot sells, reduce-only futures and cancels pass, and nothing of margin', () => {
    for (const [name, fields] of kinds) {
      const { market, side, reduceOnly } = fields;
      const admission = judge(fields, mandate({ state: 'reducing' }));
      const isLess = market === 'spot' ? side === 'sell' : market === 'futures' && reduceOnly === true;
      expect([name, admission.kind]).toEqual([name, relieves(fields) || isLess ? 'admitted' : 'denial']);
      if (admission.kind === 'denial') expect(admission.code).toBe('TRADING_REDUCING');
    }
    for (const reduceOnly of [undefined, false]) {
      expect(denial({ ...futuresMarket, side: 'sell', reduceOnly }, mandate({ state: 'reducing' }))[0]).toBe('TRADING_REDUCING'); // prettier-ignore
    }
  });
  test.each([
    [limitBuy, 'of spot only sells and cancels pass'],
    [{ ...limitBuy, market: 'margin' }, 'of margin only cancels pass, since a margin sale may borrow'],
    [{ ...limitBuy, market: 'futures' }, 'of futures only reduce-only orders and cancels pass'],
  ])('a reducing account says what passes: %j', (fields, passes) => {
    expect(denial(fields, mandate({ state: 'reducing' }))[1]).toBe(`account main is reducing; ${passes}`);
  });
  test('what takes risk away passes whatever the mandate and the venue say', () => {
    const strict: Mandate = { state: 'halted', symbols: [], maxOrderNotional: '0.01' };
    for (const instrument of [undefined, 'unknown', { ...rules, tradable: false }] as const) {
      for (const [name, fields] of instructions.filter(([, one]) => relieves(one))) {
        const { kind } = judge(fields, { mandate: strict, instrument, book: undefined, target: undefined });
        expect([name, kind]).toEqual([name, 'admitted']);
      }
    }
  });
  test('only listed symbols pass; an absent list is all, an empty list is none', () => {
    expect(judge(limitBuy, mandate({ symbols: ['ETH_USDT', 'BTC_USDT'] })).kind).toBe('admitted');
    expect(denial(limitBuy, mandate({ symbols: ['ETH_USDT', 'LTC_USDT'] }))).toEqual([
      'SYMBOL_NOT_ALLOWED',
      expect.stringMatching(/BTC_USDT.*account main \(ETH_USDT, LTC_USDT\)/),
    ]);
    expect(denial(limitBuy, mandate({ symbols: [] }))).toEqual(['SYMBOL_NOT_ALLOWED', expect.stringContaining('none')]);
    for (const fields of [amendPrice, setLeverage, futuresBuy, { ...limitBuy, market: 'margin' }]) {
      expect(denial(fields, mandate({ symbols: ['ETH_USDT'] }))[0]).toBe('SYMBOL_NOT_ALLOWED');
    }
    // The position mode is the whole account's.
    expect(judge(setPositionMode, mandate({ symbols: ['ETH_USDT'] })).kind).toBe('admitted');
  });
});

describe('maxOrderNotional', () => {
  const limit = (most: string, more: Given = {}): Given => ({ ...mandate({ maxOrderNotional: most }), ...more });
  test.each([
    ['limit buy', limitBuy, '600', '599.999999'],
    ['limit sell', { ...limitBuy, side: 'sell' }, '600', '599.999999'],
    ['limit-maker', { ...limitBuy, type: 'limit-maker' }, '600', '599.999999'],
    ['ioc', { ...limitBuy, type: 'ioc' }, '600', '599.999999'],
    ['market buy', marketBuy, '25', '24.999999'],
    // Valued at the best bid, 59990.
    ['market sell', marketSell, '599.9', '599.899999'],
    ['margin limit buy', { ...limitBuy, market: 'margin' }, '600', '599.999999'],
    ['futures limit buy', futuresBuy, '600', '599.999999'],
    ['futures limit sell', { ...futuresBuy, side: 'sell' }, '600', '599.999999'],
    // Valued at the best ask, 60010.
    ['futures market buy', futuresMarket, '600.1', '600.099999'],
    ['futures market buy that closes a short', { ...futuresMarket, reduceOnly: true }, '600.1', '600.099999'],
    ['futures market sell', { ...futuresMarket, side: 'sell' }, '599.9', '599.899999'],
    // Far below the market it is worth what the market pays.
    ['futures limit sell at a low price', { ...futuresBuy, side: 'sell', price: '1000' }, '599.9', '599.899999'],
    ['amend of the price', amendPrice, '590', '589.999999'],
    ['amend of the size', amendSize, '1200', '1199.999999'],
  ])('%s: exactly as much passes, more does not', (_, fields, enough, tooLittle) => {
    expect(judge(fields, limit(enough)).kind).toBe('admitted');
    expect(denial(fields, limit(tooLittle))).toEqual([
      'NOTIONAL_ABOVE_MAXIMUM',
      `the order is worth ${enough}, above the mandate's maxOrderNotional of ${tooLittle}; make it smaller`,
    ]);
  });
  test('holds where the rules of the venue cannot be had', () => {
    expect(denial(limitBuy, limit('1', { instrument: undefined }))[0]).toBe('NOTIONAL_ABOVE_MAXIMUM');
  });
  test('a sale that nobody can value is denied', () => {
    for (const none of [undefined, {}, { ask: d('60000') }]) {
      expect(denial(marketSell, limit('1000', { book: none }))).toEqual([
        'NOTIONAL_ABOVE_MAXIMUM',
        expect.stringMatching(/BTC_USDT has no bid .*1000/),
      ]);
    }
    expect(judge(marketSell, { book: undefined }).kind).toBe('admitted');
  });
  test('a market buy of futures that nobody can value is denied', () => {
    for (const none of [undefined, {}, { bid: d('60000') }]) {
      expect(denial(futuresMarket, limit('1000', { book: none }))).toEqual([
        'NOTIONAL_ABOVE_MAXIMUM',
        'BTC_USDT has no ask to value the buy by, and maxOrderNotional is 1000; send a limit order',
      ]);
    }
    expect(judge(futuresMarket, { book: undefined }).kind).toBe('admitted');
  });
  test('an amend cannot make a sale large by a price far below the market', () => {
    const sale = { ...amendSize, size: '1', price: '100' };
    const target: VenueOrder = { ...resting, side: 'sell' };
    expect(denial(sale, limit('1000', { target }))).toEqual([
      'NOTIONAL_ABOVE_MAXIMUM',
      "the order is worth 59990, above the mandate's maxOrderNotional of 1000; make it smaller",
    ]);
  });
});

describe('an amend', () => {
  test('goes with both numbers, the changed one and the one that the target has, and gains nothing', () => {
    const { id, market, symbol, target } = amendPrice;
    const same = { action: 'amend', id, market, symbol, target, expiresAt: END };
    expect(amended(amendPrice)).toEqual({ ...same, price: '59000', size: '0.01' });
    expect(amended(amendSize)).toEqual({ ...same, price: '60000', size: '0.02' });
    expect(amended({ ...amendPrice, size: '0.03', collar: undefined })).toEqual({ ...same, price: '59000', size: '0.03' });
    expect(amended(amendPrice, { instrument: undefined })).toEqual({ ...same, price: '59000', size: '0.010' });
  }); // prettier-ignore
  test('of an order that is not shown, or that has no price to change, names its target', () => {
    for (const target of [undefined, { ...resting, type: 'market' }]) {
      expect(denial(amendPrice, { target })).toEqual([
        'TARGET_NOT_FOUND',
        'the venue shows no limit order order1 of BTC_USDT; correct target',
      ]);
    }
    const silent = changed(resting as unknown as Fields, ['price', 'size']) as unknown as VenueOrder;
    expect(denial(amendPrice, { target: silent })[0]).toBe('TARGET_NOT_FOUND');
    expect(denial(amendSize, { target: silent })[0]).toBe('TARGET_NOT_FOUND');
    expect(amended({ ...amendPrice, size: '0.03' }, { target: silent })).toMatchObject({ size: '0.03' });
  });
  test.each([
    ['SIZE_BELOW_MINIMUM', { size: '0.00009' }],
    ['PRICE_BELOW_STEP', { price: '0.001' }],
    ['NOTIONAL_BELOW_MINIMUM', { price: '499.99' }],
    ['NOTIONAL_BELOW_MINIMUM', { size: '0.0001', price: '49999' }],
    ['SIZE_ABOVE_MAXIMUM', { size: '0.500001' }],
  ] as const)('is held to the rules of a new order: %s for %j', (code, change) => {
    const instrument = { ...rules, sizeStep: d('0.000001'), maxSize: d('0.5') };
    expect(denial(changed(amendPrice, ['price'], change), { instrument })[0]).toBe(code);
  });
  test('is held to the minimum of the side of its target', () => {
    const sixDollars = { price: '600' };
    expect(judge({ ...amendPrice, ...sixDollars }).kind).toBe('admitted');
    expect(denial({ ...amendPrice, ...sixDollars }, { target: { ...resting, side: 'sell' } })[0]).toBe('NOTIONAL_BELOW_MINIMUM'); // prettier-ignore
  });
  test('is held to its collar, on the side of its target', () => {
    const near = { collar: { referencePrice: '60000', maxDeviationBps: 50 } };
    expect(judge({ ...amendPrice, ...near, price: '60300' }).kind).toBe('admitted');
    expect(denial({ ...amendPrice, ...near, price: '60300.01' })[0]).toBe('PRICE_OUTSIDE_COLLAR');
    const target: VenueOrder = { ...resting, side: 'sell' };
    expect(judge({ ...amendPrice, ...near, price: '60300.01' }, { target }).kind).toBe('admitted');
    expect(denial({ ...amendPrice, ...near, price: '59699.99' }, { target })[0]).toBe('PRICE_OUTSIDE_COLLAR');
    expect(denial({ ...amendPrice, ...near }, { book: undefined })[0]).toBe('PRICE_OUTSIDE_COLLAR');
    // Only the size changes: the price that stays is held to the collar too.
    expect(denial({ ...amendSize, ...near }, { target: { ...resting, price: '61000' } })[0]).toBe('PRICE_OUTSIDE_COLLAR'); // prettier-ignore
  });
  test('has been done when every number that it names is there, rounded down as it was sent', () => {
    const is = (asked: Fields, found: Partial<VenueOrder>, steps: Instrument | 'none' = rules): boolean =>
      isAmended(changed(amendPrice, ['price'], asked) as unknown as AmendIntent, { ...resting, ...found }, steps === 'none' ? undefined : steps); // prettier-ignore
    expect(is({ price: '59000' }, { price: '59000.00' })).toBe(true);
    expect(is({ price: '59000' }, {})).toBe(false);
    expect(is({ size: '0.02' }, { size: '0.020', price: '1' })).toBe(true);
    expect(is({ price: '59000', size: '0.02' }, { price: '59000' })).toBe(false);
    expect(is({ price: '59000', size: '0.02' }, { price: '59000', size: '0.02' })).toBe(true);
    expect(is({ price: '59000.019', size: '0.020009' }, { price: '59000.01', size: '0.02' })).toBe(true);
    expect(is({ price: '59000.019' }, { price: '59000.01' }, 'none')).toBe(false);
    expect(isAmended(amendPrice as unknown as AmendIntent, changed(resting as unknown as Fields, ['price']) as unknown as VenueOrder, rules)).toBe(false); // prettier-ignore
  });
  test('that was admitted has been done once the venue shows what was sent', () => {
    const number = fc.oneof(fc.constantFrom('0.01', '60000'), decimal(6, 6));
    fc.assert(
      fc.property(fc.record({ price: number, size: number }), (asked) => {
        const fields = { ...amendPrice, ...asked };
        const admission = judge(fields);
        if (admission.kind === 'denial' || admission.admitted.action !== 'amend') return;
        const { price, size } = admission.admitted;
        expect(isAmended(fields as unknown as AmendIntent, { ...resting, price, size }, rules)).toBe(true);
      }),
    );
  });
});

describe('the rules of the venue', () => {
  test('an unlisted symbol and one that does not trade', () => {
    expect(denial(limitBuy, { instrument: 'unknown' })).toEqual([
      'SYMBOL_UNKNOWN',
      'the venue does not list BTC_USDT; correct the symbol',
    ]);
    expect(denial(limitBuy, { instrument: { ...rules, tradable: false } })).toEqual([
      'SYMBOL_NOT_TRADING',
      'BTC_USDT takes no orders now; wait until it trades',
    ]);
  });
  test('a size below the minimum, before and after rounding', () => {
    expect(order({ ...limitBuy, size: '0.0001' })).toMatchObject({ size: '0.0001' });
    expect(denial({ ...limitBuy, size: '0.000099' })).toEqual([
      'SIZE_BELOW_MINIMUM',
      "size 0.000099 BTC is 0.00009 in steps of 0.00001, below BTC_USDT's minimum of 0.0001; raise it",
    ]);
    expect(denial({ ...marketSell, size: '0.000001' })[0]).toBe('SIZE_BELOW_MINIMUM');
  });
  test('a size above the largest, for limit and for market orders', () => {
    const instrument = { ...rules, maxSize: d('2'), maxMarketSize: d('0.5') };
    const given = { instrument };
    for (const fields of [limitBuy, futuresBuy, { ...futuresBuy, reduceOnly: true }]) {
      expect(judge({ ...fields, size: '2' }, given).kind).toBe('admitted');
      // Rounded down it is as large as may be.
      expect(order({ ...fields, size: '2.000009' }, given)).toMatchObject({ size: '2' });
      expect(denial({ ...fields, size: '2.00001' }, given)).toEqual([
        'SIZE_ABOVE_MAXIMUM',
        'size 2.00001 BTC is above the largest BTC_USDT, 2; split it',
      ]);
    }
    for (const fields of [marketSell, futuresMarket]) {
      expect(judge({ ...fields, size: '0.5' }, given).kind).toBe('admitted');
      expect(denial({ ...fields, size: '0.50001' }, given)).toEqual([
        'SIZE_ABOVE_MAXIMUM',
        'size 0.50001 BTC is above the largest market order of BTC_USDT, 0.5; split it',
      ]);
      expect(denial({ ...fields, size: '2.1' }, { instrument: { ...rules, maxSize: d('2') } })[0]).toBe('SIZE_ABOVE_MAXIMUM'); // prettier-ignore
    }
    expect(judge({ ...limitBuy, size: '1000' }).kind).toBe('admitted');
    expect(judge({ ...limitBuy, size: '1000' }, { instrument: { ...rules, maxMarketSize: d('1') } }).kind).toBe('admitted'); // prettier-ignore
    expect(judge({ ...marketBuy, notional: '1000000' }, given).kind).toBe('admitted');
  });
  test('a price that rounds down to nothing', () => {
    expect(denial({ ...limitBuy, price: '0.009' })).toEqual([
      'PRICE_BELOW_STEP',
      "price rounds down to 0 in BTC_USDT's steps; raise it to at least 0.01",
    ]);
  });
  test('a notional below the minimum of its side, with the size that would do', () => {
    const small = { ...limitBuy, size: '0.0001' };
    expect(order({ ...small, price: '50000' })).toMatchObject({ price: '50000' });
    expect(denial({ ...small, price: '49999.99' })).toEqual([
      'NOTIONAL_BELOW_MINIMUM',
      "notional 4.999999 USDT is below BTC_USDT's minimum of 5; raise size to at least 0.00011",
    ]);
    expect(order({ ...small, price: '70000', side: 'sell' })).toMatchObject({ price: '70000' });
    expect(denial({ ...small, price: '69999', side: 'sell' })[1]).toContain('minimum of 7');
    expect(order({ ...marketBuy, notional: '5' })).toMatchObject({ notional: '5' });
    expect(denial({ ...marketBuy, notional: '4.99' })).toEqual([
      'NOTIONAL_BELOW_MINIMUM',
      "notional 4.99 USDT is below BTC_USDT's minimum of 5; raise notional to at least 5",
    ]);
  });
});

describe('the collar', () => {
  const best = (bid: string, ask: string): Given => ({ book: { bid: d(bid), ask: d(ask) } });
  test.each([
    ['buy', 'best ask', '60300', '60300.01', '59700', '59699.99'],
    ['sell', 'best bid', '60300', '60300.01', '59700', '59699.99'],
  ])('a %s looks at the %s, in both directions, to the last cent', (side, name, high, tooHigh, low, tooLow) => {
    // The other side of the book is absurd: it must not be looked at.
    const at = (price: string): Given => (side === 'buy' ? best('1', price) : best(price, '999999'));
    const fields = side === 'buy' ? { ...marketBuy, ...collar(50) } : { ...marketSell, ...collar(50) };
    for (const price of [high, low]) expect(judge(fields, at(price)).kind).toBe('admitted');
    for (const price of [tooHigh, tooLow]) {
      expect(denial(fields, at(price))).toEqual([
        'PRICE_OUTSIDE_COLLAR',
        expect.stringMatching(new RegExp(`^${name} ${price} is -?50\\.0 bps .* 60000; the limit is 50 bps; decide anew$`)), // prettier-ignore
      ]);
    }
  });
  test('the price of an order may not be worse than the collar, and may be as much better as it likes', () => {
    const buy = (price: string): Fields => ({ ...limitBuy, ...collar(50), price });
    const sell = (price: string): Fields => ({ ...buy(price), side: 'sell' });
    for (const price of ['60300', '60000', '600']) expect(judge(buy(price)).kind).toBe('admitted');
    for (const price of ['59700', '60000', '6000000']) expect(judge(sell(price)).kind).toBe('admitted');
    expect(denial(buy('60300.01'))).toEqual([
      'PRICE_OUTSIDE_COLLAR',
      'price 60300.01 is 50.0 bps worse than the reference 60000; the limit is 50 bps; decide anew',
    ]);
    expect(denial(buy('61200'))[1]).toContain('200.0 bps worse');
    expect(denial(sell('59699.99'))[0]).toBe('PRICE_OUTSIDE_COLLAR');
  });
  test('where there is no price to hold against it, it denies', () => {
    expect(denial({ ...marketBuy, ...collar(50) }, { book: { bid: d('60000') } })[1]).toContain('no best ask');
    expect(denial({ ...marketSell, ...collar(50) }, { book: { ask: d('60000') } })[1]).toContain('no best bid');
    expect(denial({ ...limitBuy, ...collar(50) }, { book: undefined })[0]).toBe('PRICE_OUTSIDE_COLLAR');
  });
  test('an intent without a collar goes at any price', () => {
    expect(judge(limitBuy, best('1', '2')).kind).toBe('admitted');
  });
  test('is exact for tiny and for huge prices', () => {
    const tiny = { ...marketBuy, ...collar(1, '0.000000000000010000') };
    expect(judge(tiny, best('0', '0.000000000000010001')).kind).toBe('admitted');
    expect(denial(tiny, best('0', '0.000000000000010002'))[0]).toBe('PRICE_OUTSIDE_COLLAR');
    const huge = { ...marketBuy, ...collar(1, '10000000000000000000') };
    expect(judge(huge, best('0', '10001000000000000000')).kind).toBe('admitted');
    expect(denial(huge, best('0', '10001000000000000001'))[0]).toBe('PRICE_OUTSIDE_COLLAR');
  });
});

describe('needsBook', () => {
  const asks = (fields: Fields, more: Partial<Mandate> = {}): boolean =>
    needsBook(fields as unknown as OrderIntent, { ...active, ...more });
  test('for a collar, and under a maximum for a sale, a market buy of futures and an amend; for nothing else', () => {
    expect(kinds.filter(([, fields]) => asks(fields))).toEqual([]);
    for (const [name, fields] of kinds) {
      const { action, side, market, type } = fields;
      const isPriced = action === 'place' || action === 'amend';
      expect([name, asks({ ...fields, ...collar(5) })]).toEqual([name, isPriced]);
      const isValued = side === 'sell' || (market === 'futures' && type === 'market');
      const asked = action === 'place' ? isValued : action === 'amend';
      expect([name, asks(fields, { maxOrderNotional: '5' })]).toEqual([name, asked]);
    }
    expect(asks({ ...cancelFutures, ...collar(5) }, { maxOrderNotional: '5' })).toBe(false);
  });
  test('where it says no, a book changes nothing', () => {
    for (const [, fields] of kinds) {
      for (const most of [undefined, '1', '1000']) {
        const given = mandate(most === undefined ? {} : { maxOrderNotional: most });
        if (needsBook(fields as unknown as OrderIntent, given.mandate ?? active)) continue;
        for (const target of [resting, { ...resting, side: 'sell' as const }]) {
          const without = judge(fields, { ...given, target, book: undefined });
          expect(without).toEqual(judge(fields, { ...given, target, book }));
        }
      }
    }
  });
});

describe('every refusal', () => {
  test('is a sentence of printable ASCII that names a number or a name, and a way out', () => {
    const refusals: readonly (readonly [fields: Fields, given: Given])[] = [
      [limitBuy, { now: END }],
      [limitBuy, { now: 0 }],
      [limitBuy, mandate({ state: 'halted' })],
      [limitBuy, mandate({ state: 'reducing' })],
      [{ ...limitBuy, market: 'margin' }, mandate({ state: 'reducing' })],
      [futuresBuy, mandate({ state: 'reducing' })],
      [amendPrice, { target: undefined }],
      [{ ...amendSize, size: '0.00001' }, {}],
      [{ ...limitBuy, size: '9' }, { instrument: { ...rules, maxSize: d('8') } }],
      [{ ...futuresMarket, size: '9' }, { instrument: { ...rules, maxMarketSize: d('8') } }],
      [futuresMarket, { ...mandate({ maxOrderNotional: '5' }), book: {} }],
      [limitBuy, { instrument: 'unknown' }],
      [limitBuy, { instrument: { ...rules, tradable: false } }],
      [limitBuy, mandate({ maxOrderNotional: '1' })],
      [{ ...limitBuy, size: '0.00001' }, {}],
      [{ ...limitBuy, price: '1' }, {}],
      [{ ...limitBuy, price: '0.001' }, {}],
      [{ ...limitBuy, ...collar(1, '50000') }, {}],
      [{ ...limitBuy, ...collar(20, '59995'), price: '70000' }, {}],
    ];
    for (const [fields, given] of refusals) {
      const [, detail] = denial(fields, given);
      expect(detail).toMatch(/^[\x20-\x7e]{10,512}$/);
      expect(detail).toMatch(/\d|main|BTC_USDT/);
      expect(detail).toMatch(/; (decide|set|send|only|of \w+ only|correct|wait|raise|make|split)|; .*(decide anew)/);
    }
  });
});
