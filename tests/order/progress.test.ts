// What an accepted order has come to: when it is over, and what its reports tell of size, price, cost and cancel.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import { roundDown } from '../../shared/order/instrument.ts';
import type { Decimal, PlaceIntent } from '../../shared/order/intent.ts';
import { forgottenReport, isFinal, progressReport, stateOf } from '../../shared/order/progress.ts';
import type { PendingOrder } from '../../shared/order/report.ts';
import type { Fee, VenueOrder } from '../../shared/order/venue.ts';
import { btcRules, changed, limitBuy, marketBuy, places, type Fields } from './arbitraries.ts';

const d = (text: string): Decimal => text as Decimal;
const rules = btcRules;
const NOW = Date.parse(limitBuy.createdAt) + 1500;
const STATES = ['open', 'partially-filled', 'filled', 'canceled', 'rejected'] as const;

/** A market buy of 25 USDT that the venue shows as canceled with a fill. */
const bought: VenueOrder = {
  venueOrderId: '77',
  symbol: 'BTC_USDT',
  side: 'buy',
  type: 'market',
  state: 'canceled',
  filledSize: '0.00041',
  filledNotional: '24.60',
  averagePrice: '60000',
};
const buy = marketBuy as unknown as PlaceIntent;
const without = (order: VenueOrder, ...names: readonly string[]): VenueOrder =>
  changed(order as unknown as Fields, names) as unknown as VenueOrder;

describe('the state that counts', () => {
  test('of everything but a market buy is what the venue says', () => {
    for (const [, fields] of places.filter(([, one]) => !('notional' in one))) {
      for (const state of STATES) {
        const order = { ...bought, state, filledSize: '0.01', filledNotional: '600' };
        expect(stateOf(fields as unknown as PlaceIntent, order, rules)).toBe(state);
      }
    }
  });
  test('of a market buy that is not canceled is what the venue says, however much is spent', () => {
    for (const state of STATES.filter((one) => one !== 'canceled')) {
      for (const filledNotional of ['0', '1', '25']) {
        expect(stateOf(buy, { ...bought, state, filledNotional }, rules)).toBe(state);
      }
    }
  });
  test('a market buy that ended canceled with its money spent is filled', () => {
    // One step costs 0.6.
    for (const filledNotional of ['25', '25.00', '24.60', '24.41', '24.4', '25.01']) {
      const filledSize = new Big(filledNotional).div(60_000).toFixed();
      expect([filledNotional, stateOf(buy, { ...bought, filledSize, filledNotional }, rules)]).toEqual([filledNotional, 'filled']); // prettier-ignore
    }
  });
  test('a market buy that ended canceled with money left for a step is canceled', () => {
    for (const filledNotional of ['24.39', '24', '12', '0.6']) {
      const filledSize = new Big(filledNotional).div(60_000).toFixed();
      expect([filledNotional, stateOf(buy, { ...bought, filledSize, filledNotional }, rules)]).toEqual([filledNotional, 'canceled']); // prettier-ignore
    }
  });
  test('a market buy that ended canceled without a fill is canceled', () => {
    for (const filledSize of ['0', '0.00000']) {
      for (const filledNotional of ['0', '25']) {
        expect(stateOf(buy, { ...bought, filledSize, filledNotional }, rules)).toBe('canceled');
      }
    }
  });
  test('is reckoned from the average price where the venue does not tell what was spent', () => {
    const bare = without(bought, 'filledNotional');
    expect(stateOf(buy, bare, rules)).toBe('filled');
    expect(stateOf(buy, { ...bare, filledSize: '0.0004' }, rules)).toBe('canceled');
    for (const averagePrice of ['0', '']) expect(stateOf(buy, { ...bare, averagePrice }, rules)).toBe('canceled');
  });
  test('is what the venue says where neither is told', () => {
    expect(stateOf(buy, without(bought, 'filledNotional', 'averagePrice'), rules)).toBe('canceled');
    expect(stateOf(buy, without(bought, 'filledNotional', 'averagePrice'), undefined)).toBe('canceled');
  });
  test('takes less than a hundredth for dust where the steps are not known', () => {
    for (const [filledNotional, state] of [['24.75', 'filled'], ['24.74', 'canceled'], ['25', 'filled']] as const) {
      expect([filledNotional, stateOf(buy, { ...bought, filledNotional }, undefined)]).toEqual([filledNotional, state]);
    }
  }); // prettier-ignore
  test('of a market buy that bought as many steps as its money pays is filled, for any money, price and steps', () => {
    const money = fc.integer({ min: 100, max: 10_000_000 }).map((cents) => new Big(cents).div(100).toFixed());
    const price = fc.integer({ min: 1, max: 10_000_000 }).map((cents) => new Big(cents).div(100).toFixed());
    fc.assert(
      fc.property(money, price, fc.nat(8), fc.boolean(), (notional, at, places, isTold) => {
        const sizeStep = new Big(10).pow(-places).toFixed();
        const most = roundDown(new Big(notional).div(at).toFixed(18), sizeStep);
        fc.pre(new Big(most).gt(0));
        const steps = { ...rules, sizeStep: d(sizeStep) };
        const intent = { ...buy, notional: d(notional) } as PlaceIntent;
        const order = (size: string): VenueOrder => {
          const filled = { ...bought, filledSize: size, averagePrice: at, filledNotional: new Big(size).times(at).toFixed() };
          return isTold ? filled : without(filled, 'filledNotional');
        };
        expect(stateOf(intent, order(most), steps)).toBe('filled');
        // Two steps fewer: there was money left for one at least.
        const fewer = new Big(most).minus(new Big(sizeStep).times(2)).toFixed();
        if (new Big(fewer).gt(0)) expect(stateOf(intent, order(fewer), steps)).toBe('canceled');
      }), // prettier-ignore
    );
  });
  test('is final when filled, canceled or rejected', () => {
    expect(STATES.filter(isFinal)).toEqual(['filled', 'canceled', 'rejected']);
  });
});

describe('a report of progress', () => {
  const pending: PendingOrder = {
    intent: limitBuy as unknown as PlaceIntent,
    venueOrderId: '77',
    acceptedAt: limitBuy.createdAt,
  };
  const fee: Fee = { size: '0.01', fee: '0.6', feeCoin: 'USDT' };
  const same = { id: limitBuy.id, account: 'main', action: 'place', symbol: 'BTC_USDT', side: 'buy', venueOrderId: '77', at: '2026-11-22T19:00:01.500Z', latencyMs: 1500 }; // prettier-ignore
  const order: VenueOrder = { ...bought, type: 'limit', filledSize: '0.01000', averagePrice: '60000.00' };

  test('of a filled order carries its size, average price, fee and coin', () => {
    expect(progressReport(pending, { ...order, state: 'filled' }, 'filled', fee, NOW)).toEqual({
      ...{ ...same, status: 'filled', filledSize: '0.01', averagePrice: '60000', fee: '0.6', feeCoin: 'USDT' },
    });
  });
  test('says where its cost could not be had', () => {
    const report = progressReport(pending, order, 'filled', undefined, NOW);
    expect(report).toMatchObject({ status: 'filled', detail: 'what it cost could not be had from the venue' });
    expect(report).not.toHaveProperty('fee');
    expect(report).not.toHaveProperty('feeCoin');
  });
  test('of a partial fill carries what is filled so far, and no cost', () => {
    const report = progressReport(pending, { ...order, filledSize: '0.004' }, 'partially-filled', undefined, NOW);
    expect(report).toEqual({ ...same, status: 'partially-filled', filledSize: '0.004', averagePrice: '60000' });
  });
  test.each(['user', 'system', 'stp'])('of a cancel names its source: %s', (cancelSource) => {
    const canceled = { ...order, filledSize: '0', cancelSource };
    expect(progressReport(pending, canceled, 'canceled', undefined, NOW)).toEqual({
      ...{ ...same, status: 'canceled', filledSize: '0', cancelSource, detail: `canceled by ${cancelSource}` },
    });
  });
  test('of a cancel whose source the venue does not tell says so', () => {
    const report = progressReport(pending, { ...order, filledSize: '0.000' }, 'canceled', undefined, NOW);
    expect(report).toMatchObject({ cancelSource: 'unknown', filledSize: '0', detail: 'canceled by somebody whom the venue does not name' }); // prettier-ignore
    // Nothing was filled, so that nothing has a price or a cost.
    for (const name of ['averagePrice', 'fee', 'feeCoin']) expect(report).not.toHaveProperty(name);
  });
  test('of a cancel after a partial fill carries both', () => {
    const canceled = { ...order, filledSize: '0.004', cancelSource: 'user' };
    expect(progressReport(pending, canceled, 'canceled', fee, NOW)).toMatchObject({
      ...{ status: 'canceled', filledSize: '0.004', averagePrice: '60000', fee: '0.6', cancelSource: 'user' },
    });
    expect(progressReport(pending, canceled, 'canceled', undefined, NOW).detail).toBe('canceled by user; what it cost could not be had from the venue'); // prettier-ignore
  });
  test('of an order that the venue shows as failed is a refusal', () => {
    const report = progressReport(pending, { ...order, filledSize: '0' }, 'rejected', undefined, NOW);
    expect(report).toMatchObject({ status: 'rejected', reason: 'VENUE_REFUSED', filledSize: '0' });
    expect(report).not.toHaveProperty('cancelSource');
  });
  test('has no average price where the venue tells none', () => {
    expect(progressReport(pending, without(order, 'averagePrice'), 'filled', fee, NOW)).not.toHaveProperty('averagePrice');
  }); // prettier-ignore
  test('of a forgotten order is canceled, by nobody knows whom, with what was told of it last', () => {
    const detail = 'the venue does not show the order any more: it was canceled, nobody knows by whom';
    const canceled = { ...same, status: 'canceled', cancelSource: 'unknown', detail };
    expect(forgottenReport(pending, NOW)).toEqual({ ...canceled, filledSize: '0' });
    expect(forgottenReport({ ...pending, toldSize: '0.004' }, NOW)).toEqual({ ...canceled, filledSize: '0.004' });
  });
  test('carries numbers as plain decimals, whatever the venue writes', () => {
    const size = fc.nat(1_000_000_000).map((n) => `${new Big(n).div(1e9).toFixed(9)}000`);
    fc.assert(
      fc.property(size, size, fc.constantFrom('filled', 'canceled', 'partially-filled'), (filledSize, averagePrice, state) => {
        const report = progressReport(pending, { ...order, filledSize, averagePrice }, state, undefined, NOW);
        for (const text of [report.filledSize ?? '', report.averagePrice ?? '0']) {
          expect(text).toMatch(/^(0|[1-9]\d*)(\.\d*[1-9])?$/);
        }
        expect(new Big(report.filledSize ?? '').eq(filledSize)).toBe(true);
      }), // prettier-ignore
    );
  });
});
