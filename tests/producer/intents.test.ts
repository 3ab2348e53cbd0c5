// The builders: what they return is an intent by the contract, and what is none is an error that names all that is wrong.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as producer from '../../producer/main.ts';
import { amend, cancel, cancelAll, cancelAllAfter, intentOf, isWrongIntent, parse, place, setLeverage, setPositionMode, type Wish } from '../../producer/main.ts'; // prettier-ignore
import { changed, fullKinds, intentFields, kinds, type Fields } from '../order/arbitraries.ts';

const wishOf = (fields: Fields): Fields => changed(fields, ['createdAt', 'expiresAt']);
const problemsOf = (make: () => unknown): readonly string[] => {
  try {
    make();
  } catch (error) {
    if (isWrongIntent(error)) return error.problems;
    throw error;
  }
  return [];
};
const limit = { account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'limit', size: '0.01', price: '60000' } as const; // prettier-ignore

describe('an intent', () => {
  test.each([...kinds, ...fullKinds])('of every kind can be made: %s', (_, fields) => {
    const wish = wishOf(fields);
    const intent = intentOf(wish);
    expect(intent).toMatchObject(wish);
    expect(parse(JSON.stringify(intent))).toEqual({ kind: 'intent', intent });
  });
  test('made of any valid wish is taken as it is', () => {
    fc.assert(
      fc.property(intentFields, fc.integer({ min: 1, max: 600_000 }), (fields, lifeMs) => {
        const intent = intentOf({ ...wishOf(fields), lifeMs });
        expect(wishOf(intent)).toEqual(wishOf(fields));
        expect(Date.parse(intent.expiresAt) - Date.parse(intent.createdAt)).toBe(lifeMs);
      }),
    );
  });
  test('has an id of its own, of 32 letters and digits, and lives a minute from now', () => {
    const before = Date.now();
    const made = Array.from({ length: 1000 }, () => place(limit));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1000);
    for (const { id, createdAt, expiresAt } of made) {
      expect(id).toMatch(/^[A-Za-z0-9]{32}$/);
      expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(60_000);
      expect(Date.parse(createdAt)).toBeGreaterThanOrEqual(before);
      expect(Date.parse(createdAt)).toBeLessThanOrEqual(Date.now());
    }
  });
  test('of each action has a function of its own', () => {
    const futures = { account: 'main', market: 'futures', symbol: 'BTC_USDT' } as const;
    const made = [
      place(limit),
      cancel({ account: 'main', market: 'spot', symbol: 'BTC_USDT', target: 'order1' }),
      cancelAll({ account: 'main', market: 'spot' }),
      amend({ ...futures, target: 'order1', price: '1' }),
      setLeverage({ ...futures, leverage: '5', marginMode: 'cross' }),
      setPositionMode({ account: 'main', market: 'futures', positionMode: 'hedge' }),
      cancelAllAfter({ ...futures, timeoutSeconds: 60 }),
    ];
    const actions = new Set(kinds.map(([, fields]) => fields['action']));
    expect(new Set(made.map(({ action }) => action))).toEqual(actions);
  });
});

describe('a wrong wish', () => {
  test('is an error that names every wrong field at once', () => {
    const wrong = { ...limit, size: 1, price: '-1', account: 'A', extra: true, lifeMs: 600_001, createdAt: 'now' };
    const make = (): unknown => place(wrong as unknown as Wish<'place'>);
    expect(problemsOf(make).map((problem) => problem.split(' ')[0]).sort()).toEqual(['account', 'createdAt', 'extra', 'lifeMs', 'price', 'size']); // prettier-ignore
    expect(make).toThrow(/size must be .*lifeMs must be|lifeMs must be .*size must be/);
  });
  test.each([0, -1, 600_001, Infinity, NaN, '60000'])('a life of %p is none', (lifeMs) => {
    expect(problemsOf(() => intentOf({ ...limit, action: 'place', lifeMs }))).toEqual(['lifeMs must be a number above 0 and at most 600000']); // prettier-ignore
  });
  test('is an error whatever is missing', () => {
    for (const [name, fields] of kinds) {
      for (const field of Object.keys(wishOf(fields)).filter((one) => one !== 'id')) {
        const rest = changed(wishOf(fields), [field]);
        // What is left may be another good kind of intent; if not, it is an error of ours and no other.
        const problems = problemsOf(() => intentOf(rest));
        const body = { id: 'x', createdAt: fields['createdAt'], expiresAt: fields['expiresAt'], ...rest };
        expect([name, field, problems.length > 0]).toEqual([name, field, parse(JSON.stringify(body)).kind === 'malformed']); // prettier-ignore
      }
    }
  });
});

// Never run: `npm run types` checks that each of these is an error, and that nothing else is.
export const typeErrors = (): unknown => [
  place({ account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'sell', type: 'market', size: '1' }),
  place({
    account: 'main',
    market: 'futures',
    symbol: 'BTC_USDT',
    side: 'buy',
    type: 'market',
    size: '1',
    leverage: '5',
  }),
  // @ts-expect-error a limit order has a price
  place({ account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'limit', size: '1' }),
  // @ts-expect-error a market buy of spot has a notional and no size
  place({ account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'market', size: '1' }),
  // @ts-expect-error and not both
  place({ account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'market', notional: '1', size: '1' }),
  // @ts-expect-error spot has no leverage
  place({ account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'limit', size: '1', price: '1', leverage: '5' }), // prettier-ignore
  // @ts-expect-error spot has no fok
  place({ account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'fok', size: '1', price: '1' }),
  // @ts-expect-error what reduces takes leverage as it is
  place({ account: 'main', market: 'futures', symbol: 'BTC_USDT', side: 'buy', type: 'market', size: '1', reduceOnly: true, leverage: '5' }), // prettier-ignore
  // @ts-expect-error amounts are text
  place({ ...limit, size: 1 }),
  // @ts-expect-error no account
  cancel({ market: 'spot', symbol: 'BTC_USDT', target: 'x' }),
  // @ts-expect-error futures are canceled by symbol
  cancelAll({ account: 'main', market: 'futures' }),
  // @ts-expect-error amend is for futures alone
  amend({ account: 'main', market: 'spot', symbol: 'BTC_USDT', target: 'x', price: '1' }),
  // @ts-expect-error times are made
  cancel({ account: 'main', market: 'spot', symbol: 'BTC_USDT', target: 'x', createdAt: '2026-11-22T19:00:00Z' }),
];

test('the package shows nothing of the execution', () => {
  expect(Object.keys(producer).sort()).toEqual(['amend', 'cancel', 'cancelAll', 'cancelAllAfter', 'intentOf', 'isWrongIntent', 'newId', 'parse', 'place', 'reasons', 'sendIntents', 'setLeverage', 'setPositionMode']); // prettier-ignore
});
