// Is an order that was found under an intent's id the order of that intent? It must not take another's order for its own,
// nor disown its own because the venue rounded it.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import { roundDown, type Instrument } from '../../shared/order/instrument.ts';
import type { Decimal, PlaceIntent } from '../../shared/order/intent.ts';
import * as same from '../../shared/order/same.ts';
import type { VenueOrder } from '../../shared/order/venue.ts';
import { btcRules, changed, decimal, limitBuy, marketBuy, marketSell } from './arbitraries.ts';

const limit = limitBuy as unknown as PlaceIntent;
const order: VenueOrder = {
  venueOrderId: '77',
  symbol: 'BTC_USDT',
  side: 'buy',
  type: 'limit',
  price: '60000.00',
  size: '0.01000',
  state: 'open',
  filledSize: '0.00000',
};
const d = (text: string): Decimal => text as Decimal;
/** Where the venue books the price that it is asked for. */
const difference = (...[intent, found, rows]: readonly [PlaceIntent, VenueOrder, Instrument | undefined]) =>
  same.difference(intent, found, rows, true);
const rules = btcRules;

describe('the same order', () => {
  test('trailing zeros make no difference', () => {
    expect(difference(limit, order, rules)).toBeUndefined();
    expect(difference(limit, order, undefined)).toBeUndefined();
  });
  test('neither does the state, nor what is filled', () => {
    const filled: VenueOrder = { ...order, state: 'filled', filledSize: '0.01', averagePrice: '59000' };
    expect(difference(limit, filled, rules)).toBeUndefined();
  });
  test('neither does a number that the venue does not tell', () => {
    const bare = (type: string): VenueOrder => ({ venueOrderId: '1', symbol: 'BTC_USDT', side: 'buy', type, state: 'open', filledSize: '0' }); // prettier-ignore
    expect(difference(limit, bare('limit'), rules)).toBeUndefined();
    expect(difference(marketBuy as unknown as PlaceIntent, bare('market'), rules)).toBeUndefined();
  });
  test('a market order is not the order of a limit intent, nor the other way round', () => {
    const bare = (type: string): VenueOrder => ({ venueOrderId: '1', symbol: 'BTC_USDT', side: 'buy', type, state: 'open', filledSize: '0' }); // prettier-ignore
    expect(difference(limit, bare('market'), rules)).toContain('type market, not limit');
    expect(difference(marketBuy as unknown as PlaceIntent, bare('limit'), rules)).toContain('type limit, not market');
  });
  test('an order that was rounded down to the steps is the same, for any size, price and steps', () => {
    fc.assert(
      fc.property(decimal(10, 10), decimal(10, 10), fc.nat(10), fc.nat(10), (size, price, places, pricePlaces) => {
        const [sizeStep, priceStep] = [places, pricePlaces].map((n) => d(new Big(10).pow(-n).toFixed()));
        if (sizeStep === undefined || priceStep === undefined) return;
        const intent = { ...limit, size: d(size), price: d(price) } as PlaceIntent;
        const found = { ...order, size: roundDown(size, sizeStep), price: roundDown(price, priceStep) };
        const steps = { ...rules, sizeStep, priceStep };
        expect(difference(intent, found, steps)).toBeUndefined();
        // Without the steps it is still taken for the same, unless nothing is left of it: that was never sent.
        if (found.size !== '0' && found.price !== '0') expect(difference(intent, found, undefined)).toBeUndefined();
      }),
    );
  });
});

describe('another order', () => {
  test.each([
    ['symbol', { symbol: 'ETH_USDT' }, 'BTC_USDT'],
    ['side', { side: 'sell' }, 'buy'],
    ['price', { price: '59999.99' }, '60000'],
    ['price', { price: '60000.01' }, '60000'],
    ['size', { size: '0.00999' }, '0.01'],
    ['size', { size: '0.01001' }, '0.01'],
  ] as const)('differs in its %s: %j', (what, change, asked) => {
    const found = Object.values(change)[0] ?? '';
    expect(difference(limit, { ...order, ...change }, rules)).toBe(
      `the venue has order 77 under this id with ${what} ${found}, not ${asked}; use a new id`,
    );
  });
  test('of another market is another order, and one that is told without its market may be the same', () => {
    const margin = { ...limit, market: 'margin' } as PlaceIntent;
    expect(difference(margin, { ...order, market: 'spot' }, rules)).toContain('with market spot, not margin');
    expect(difference(margin, { ...order, market: 'margin' }, rules)).toBeUndefined();
    expect(difference(margin, order, rules)).toBeUndefined();
  });
  test('is larger or dearer than asked even where the steps are not known', () => {
    expect(difference(limit, { ...order, size: '0.010000001' }, undefined)).toContain('with size 0.010000001');
    expect(difference(limit, { ...order, price: '60000.000001' }, undefined)).toContain('with price');
  });
  test('of a market sell has another size, of a market buy another notional', () => {
    const sell = marketSell as unknown as PlaceIntent;
    const market = (without: readonly string[], more: object) =>
      changed({ ...order, type: 'market' }, ['price', ...without], { ...more }) as unknown as VenueOrder;
    expect(difference(sell, market([], { side: 'sell', size: '0.02' }), rules)).toContain('with size 0.02, not 0.01');
    const buy = marketBuy as unknown as PlaceIntent;
    const bought = (notional: string) => market(['size'], { notional });
    expect(difference(buy, bought('25.01'), rules)).toContain('with notional 25.01, not 25');
    expect(difference(buy, bought('25.000'), rules)).toBeUndefined();
  });
});

describe('where the venue may book another price', () => {
  test('a price that differs is no sign of another order, and anything else is', () => {
    fc.assert(
      fc.property(decimal(10, 10), (price) => {
        expect(same.difference(limit, { ...order, price }, rules, false)).toBeUndefined();
      }),
    );
    for (const [what, other] of [
      ['size', { size: '0.02' }],
      ['side', { side: 'sell' }],
      ['symbol', { symbol: 'ETH_USDT' }],
      ['type', { type: 'market' }],
      ['market', { market: 'futures' }],
    ] as const) {
      expect(same.difference(limit, { ...order, price: '1', ...other }, rules, false)).toContain(`with ${what} `);
    }
  });
});
