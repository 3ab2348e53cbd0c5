// What cannot be read as a mandate means no trading, and the reason names fields, never values.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readMandate, salvaged } from '../../shared/order/mandate.ts';

const full = {
  state: 'active',
  symbols: ['BTC_USDT', 'ETH_USDT'],
  maxOrderNotional: '1000',
  limitShare: 0.5,
  batching: true,
  shadow: false,
};

describe('a readable mandate', () => {
  test.each(['active', 'reducing', 'halted'])('%s alone is enough', (state) => {
    expect(readMandate({ state })).toEqual({ state });
  });
  test('keeps every field', () => {
    expect(readMandate(full)).toEqual(full);
  });
  test.each([
    ['no symbol at all', { symbols: [] }],
    ['a share of exactly 1', { limitShare: 1 }],
    ['the smallest amount', { maxOrderNotional: '0.000000000000000001' }],
  ])('%s', (_, more) => {
    expect(readMandate({ ...full, ...more })).toEqual({ ...full, ...more });
  });
});

describe('an unreadable mandate', () => {
  test('one that is missing says what to add', () => {
    expect(readMandate(undefined)).toEqual({ unreadable: 'mandate is missing; add { "state": "active" }' });
  });
  test.each([null, 'active', 1, [], true])('is %j', (value) => {
    expect(readMandate(value)).toEqual({ unreadable: 'mandate has wrong fields: mandate' });
  });
  test.each([
    ['state', 'Active'],
    ['state', undefined],
    ['state', 'constructor'],
    ['symbols', 'BTC_USDT'],
    ['symbols', null],
    ['maxOrderNotional', 1000],
    ['maxOrderNotional', '1e3'],
    ['maxOrderNotional', '0'],
    ['maxOrderNotional', '-1'],
    ['limitShare', 0],
    ['limitShare', 1.01],
    ['limitShare', '0.5'],
    ['batching', 'yes'],
    ['shadow', 1],
    ['shadow', null],
  ])('has a wrong %s: %j', (name, value) => {
    expect(readMandate({ ...full, [name]: value })).toEqual({ unreadable: `mandate has wrong fields: ${name}` });
  });
  test('names the place in a list', () => {
    const reading = readMandate({ ...full, symbols: ['BTC_USDT', 'btc'] });
    expect(reading).toEqual({ unreadable: 'mandate has wrong fields: symbols.1' });
  });
  test('an unknown field is not passed over: it may be a limit that was spelled wrong', () => {
    const reading = readMandate({ state: 'active', maxOrderNotionl: '10', Shadow: true });
    expect(reading).toEqual({
      unreadable: 'mandate has wrong fields: maxOrderNotionl (unknown field), Shadow (unknown field)',
    });
  });
  test('names all wrong fields at once and shows no value', () => {
    const reading = readMandate({ state: 'S3cret', symbols: ['S3cret!'], maxOrderNotional: 'S3cret', limitShare: 9 });
    expect(reading).toEqual({
      unreadable: 'mandate has wrong fields: state, symbols.0, maxOrderNotional, limitShare',
    });
  });
  test('is never an exception, and whatever is read has one of the three states', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const reading = readMandate(value);
        expect('unreadable' in reading || ['active', 'reducing', 'halted'].includes(reading.state)).toBe(true);
      }),
    );
  });
});

describe('what is salvaged of an unreadable mandate', () => {
  test.each([
    [undefined, {}],
    [{ state: 'active', typo: 1 }, {}],
    [{ state: 'active', shadow: true, maxOrderNotionl: '5' }, { shadow: true }],
    [{ shadow: false, typo: 1 }, {}],
    // What is not plainly "no" may have been meant as a yes.
    [{ shadow: 'true' }, { shadow: true }],
    [{ shadow: null }, { shadow: true }],
    ['halted', { shadow: true }],
    [5, { shadow: true }],
    [{ limitShare: 0.5, typo: 1 }, { limitShare: 0.5 }],
    [{ limitShare: 50 }, { limitShare: 0.1 }],
    [{ limitShare: '0.5' }, { limitShare: 0.1 }],
  ])('of %j: halted, shadow mode where it may be meant, and no larger part of the limit', (value, kept) => {
    expect(salvaged(value)).toEqual({ state: 'halted', ...kept });
  });
});
