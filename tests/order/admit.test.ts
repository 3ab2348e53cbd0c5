// The last gate before an order: every local refusal with its numbers, and what passes obeys the venue's rules.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import { admit, MAX_AGE_MS, MAX_AHEAD_MS, MAX_LIFETIME_MS, needsBook, type Admission } from '../../shared/order/admit.ts'; // prettier-ignore
import type { Instrument } from '../../shared/order/instrument.ts';
import type { Decimal, OrderIntent } from '../../shared/order/intent.ts';
import type { Mandate } from '../../shared/order/mandate.ts';
import type { Book, NewOrder } from '../../shared/order/venue.ts';
import { cancel, changed, decimal, EXPIRES, kinds, limitBuy, marketBuy, marketSell, type Fields } from './arbitraries.ts'; // prettier-ignore

const d = (text: string): Decimal => text as Decimal;
const rules: Instrument = {
  symbol: 'BTC_USDT',
  priceStep: d('0.01'),
  sizeStep: d('0.00001'),
  minSize: d('0.0001'),
  minNotional: { buy: d('5'), sell: d('7') },
  tradable: true,
};
const active: Mandate = { state: 'active' };
const book: Book = { bid: d('59990'), ask: d('60010') };
const NOW = Date.parse(limitBuy.createdAt) + 1000;
const END = Date.parse(EXPIRES);

interface Given {
  readonly instrument?: Instrument | 'unknown' | undefined;
  readonly mandate?: Mandate;
  readonly book?: Book | undefined;
  readonly now?: number;
}
const judge = (fields: Fields, given: Given = {}): Admission => {
  const all = { instrument: rules, mandate: active, book, now: NOW, ...given };
  return admit(fields as unknown as OrderIntent, all.instrument, all.mandate, all.book, all.now);
};
const order = (fields: Fields, given?: Given): NewOrder => {
  const admission = judge(fields, given);
  if (admission.kind === 'denial') throw new Error(`${admission.code}: ${admission.detail}`);
  if (admission.admitted.action !== 'place') throw new Error('this is a cancel');
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
  test.each(kinds.filter(([name]) => name !== 'cancel'))('%s keeps its numbers and gains nothing', (_, fields) => {
    expect(order(fields)).toEqual(changed(fields, ['account', 'createdAt'], { expiresAt: END }));
  });
  test('a cancel is its target and its time', () => {
    const { id, market, symbol, target } = cancel;
    expect(judge(cancel)).toEqual({
      kind: 'admitted',
      admitted: { action: 'cancel', id, market, symbol, target, expiresAt: END },
    });
  });
  test('size and price are rounded down to the steps, on either side of the market', () => {
    for (const side of ['buy', 'sell']) {
      const fields = { ...limitBuy, side, size: '0.010009', price: '60000.999' };
      expect(order(fields)).toMatchObject({ size: '0.01', price: '60000.99' });
    }
    expect(order({ ...marketSell, size: '0.010009' })).toMatchObject({ size: '0.01' });
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
  const numbers = fc.tuple(fc.constantFrom(...kinds), decimal(10, 18), decimal(10, 18));

  const fill = ([[, fields], first, second]: readonly [(typeof kinds)[number], string, string]): Fields => ({
    ...fields,
    ...('size' in fields ? { size: first } : {}),
    ...('price' in fields ? { price: second } : {}),
    ...('notional' in fields ? { notional: first } : {}),
  });

  test('never raises a size, a price or a notional; and what is admitted obeys the rules', () => {
    fc.assert(
      fc.property(numbers, instrument, (drawn, steps) => {
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
  test('a cancel expires too', () => {
    expect(denial(cancel, { now: END })[0]).toBe('INTENT_EXPIRED');
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
  test('halted denies every place and no cancel', () => {
    for (const [name, fields] of kinds) {
      const admission = judge(fields, mandate({ state: 'halted' }));
      expect([name, admission.kind]).toEqual([name, name === 'cancel' ? 'admitted' : 'denial']);
    }
    expect(denial(limitBuy, mandate({ state: 'halted' }))).toEqual([
      'TRADING_HALTED',
      'account main is halted; only cancels pass until it is resumed',
    ]);
  });
  test('reducing lets sells and cancels pass', () => {
    for (const [name, fields] of kinds) {
      const admission = judge(fields, mandate({ state: 'reducing' }));
      expect([name, admission.kind]).toEqual([name, name.includes('buy') ? 'denial' : 'admitted']);
    }
    expect(denial(limitBuy, mandate({ state: 'reducing' }))).toEqual([
      'TRADING_REDUCING',
      'account main is reducing; only sells and cancels pass',
    ]);
  });
  test('a cancel passes whatever the mandate and the venue say', () => {
    const strict: Mandate = { state: 'halted', symbols: [], maxOrderNotional: '0.01' };
    for (const instrument of [undefined, 'unknown', { ...rules, tradable: false }] as const) {
      expect(judge(cancel, { mandate: strict, instrument, book: undefined }).kind).toBe('admitted');
    }
  });
  test('only listed symbols pass; an absent list is all, an empty list is none', () => {
    expect(judge(limitBuy, mandate({ symbols: ['ETH_USDT', 'BTC_USDT'] })).kind).toBe('admitted');
    expect(denial(limitBuy, mandate({ symbols: ['ETH_USDT', 'LTC_USDT'] }))).toEqual([
      'SYMBOL_NOT_ALLOWED',
      expect.stringMatching(/BTC_USDT.*account main \(ETH_USDT, LTC_USDT\)/),
    ]);
    expect(denial(limitBuy, mandate({ symbols: [] }))).toEqual(['SYMBOL_NOT_ALLOWED', expect.stringContaining('none')]);
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
  test('for a collar, and for any sale under a maximum; never for a cancel', () => {
    expect(kinds.filter(([, fields]) => asks(fields))).toEqual([]);
    expect(asks({ ...limitBuy, ...collar(5) })).toBe(true);
    for (const [, fields] of kinds) {
      expect(asks(fields, { maxOrderNotional: '5' })).toBe('side' in fields && fields['side'] === 'sell');
    }
    expect(asks({ ...cancel, ...collar(5) }, { maxOrderNotional: '5' })).toBe(false);
  });
  test('where it says no, a book changes nothing', () => {
    for (const [, fields] of kinds) {
      for (const most of [undefined, '1', '1000']) {
        const given = mandate(most === undefined ? {} : { maxOrderNotional: most });
        if (needsBook(fields as unknown as OrderIntent, given.mandate ?? active)) continue;
        expect(judge(fields, { ...given, book: undefined })).toEqual(judge(fields, { ...given, book }));
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
      expect(detail).toMatch(/; (decide|set|send|only|correct|wait|raise|make)|; .*(decide anew)/);
    }
  });
});
