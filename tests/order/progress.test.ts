// What an accepted order has come to: when it is over, and what its reports tell of size, price, cost and cancel.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import { roundDown } from '../../shared/order/instrument.ts';
import type { Decimal, PlaceIntent } from '../../shared/order/intent.ts';
import {
  endByFills,
  forgottenOrder,
  forgottenReport,
  isFinal,
  progressReport,
  stateOf,
} from '../../shared/order/progress.ts';
import type { PendingOrder } from '../../shared/order/report.ts';
import type { Fills, VenueOrder } from '../../shared/order/venue.ts';
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
      for (const state of STATES.filter((one) => one !== 'rejected')) {
        const order = { ...bought, state, filledSize: '0.01', filledNotional: '600' };
        expect(stateOf(fields as unknown as PlaceIntent, order, undefined)).toBe(state);
      }
    }
  });
  test('of a market buy that is not canceled is what the venue says, however much is spent', () => {
    for (const state of STATES.filter((one) => one !== 'canceled' && one !== 'rejected')) {
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
  test('is open where money is left and the steps are not known; guessed, up to a hundredth is dust', () => {
    for (const [filledNotional, state, guess] of [['24.75', undefined, 'filled'], ['24.74', undefined, 'canceled'], ['12.5', undefined, 'canceled'], ['12.4', 'canceled', 'canceled'], ['25', 'filled', 'filled'], ['25.01', 'filled', 'filled']] as const) {
      const order = { ...bought, filledNotional };
      expect([filledNotional, stateOf(buy, order, undefined), stateOf(buy, order, 'guess')]).toEqual([filledNotional, state, guess]);
    }
  }); // prettier-ignore
  test('takes for dust what buys less than the smallest size, where that is coarser than a step, and the other way', () => {
    // 3 of 25 is left; at 60,000 that is 0.00005.
    const order = { ...bought, filledSize: '0.0003667', filledNotional: '22' };
    for (const [sizeStep, minSize, state] of [['0.00001', '0.00006', 'filled'], ['0.00006', '0.00001', 'filled'], ['0.00001', '0.00004', 'canceled']] as const) {
      expect(stateOf(buy, order, { ...rules, sizeStep: d(sizeStep), minSize: d(minSize) })).toBe(state);
    }
  }); // prettier-ignore
  test('of an order that is called failed and has fills is canceled: it traded', () => {
    for (const fields of [limitBuy, marketBuy] as unknown as PlaceIntent[]) {
      expect(stateOf(fields, { ...bought, state: 'rejected', filledSize: '0.004' }, undefined)).toBe('canceled');
      expect(stateOf(fields, { ...bought, state: 'rejected', filledSize: '0.000' }, undefined)).toBe('rejected');
    }
  });
  test('of a market buy that bought as many steps as its money pays is filled, for any money, price and steps', () => {
    const money = fc.integer({ min: 100, max: 10_000_000 }).map((cents) => new Big(cents).div(100).toFixed());
    const price = fc.integer({ min: 1, max: 10_000_000 }).map((cents) => new Big(cents).div(100).toFixed());
    fc.assert(
      fc.property(money, price, fc.nat(8), fc.boolean(), (notional, at, places, isTold) => {
        const sizeStep = new Big(10).pow(-places).toFixed();
        const most = roundDown(new Big(notional).div(at).toFixed(18), sizeStep);
        fc.pre(new Big(most).gt(0));
        const steps = { ...rules, sizeStep: d(sizeStep), minSize: d(sizeStep) };
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

describe('the end of an order of which only fills are known', () => {
  const limit = limitBuy as unknown as PlaceIntent;
  const sized = (filledSize: string): VenueOrder => ({ ...bought, filledSize });
  test('is filled where they come to its size, as it was rounded down, and canceled where a step is missing', () => {
    // 0.01 was asked for; the step is 0.00001.
    for (const [size, state] of [['0', 'canceled'], ['0.00999', 'canceled'], ['0.009995', 'filled'], ['0.01', 'filled'], ['0.011', 'filled']] as const) {
      expect([size, endByFills(limit, sized(size), rules)]).toEqual([size, state]);
    }
  }); // prettier-ignore
  test('is open where the step alone can tell, and guessed where somebody has to', () => {
    for (const [size, state, guess] of [['0', 'canceled', 'canceled'], ['0.0099', undefined, 'filled'], ['0.005', undefined, 'canceled'], ['0.0049', 'canceled', 'canceled'], ['0.01', 'filled', 'filled']] as const) {
      expect([size, endByFills(limit, sized(size), undefined), endByFills(limit, sized(size), 'guess')]).toEqual([size, state, guess]);
    }
  }); // prettier-ignore
  test('of a market buy is filled where its money is spent', () => {
    const fills = (size: string, averagePrice: string): Fills => ({ size, averagePrice, costs: [] });
    const pending: PendingOrder = { intent: buy, venueOrderId: '77', acceptedAt: limitBuy.createdAt };
    const end = (one: Fills) => endByFills(buy, forgottenOrder(pending, one), rules);
    expect([end(fills('0.00041', '60000')), end(fills('0.0004', '60000')), end({ size: '0', costs: [] })]).toEqual(['filled', 'canceled', 'canceled']); // prettier-ignore
  });
});

describe('a report of progress', () => {
  const pending: PendingOrder = {
    intent: limitBuy as unknown as PlaceIntent,
    venueOrderId: '77',
    acceptedAt: limitBuy.createdAt,
  };
  const fee: Fills = { size: '0.01', averagePrice: '60001', costs: [{ fee: '0.6', feeCoin: 'USDT' }] };
  const same = { id: limitBuy.id, account: 'main', action: 'place', symbol: 'BTC_USDT', side: 'buy', venueOrderId: '77', at: '2026-11-22T19:00:01.500Z', latencyMs: 1500 }; // prettier-ignore
  const order: VenueOrder = { ...bought, type: 'limit', filledSize: '0.01000', averagePrice: '60000.00' };

  test('of a filled order carries its size, average price, fee and coin', () => {
    expect(progressReport(pending, { ...order, state: 'filled' }, 'filled', fee, NOW)).toEqual({
      ...{ ...same, status: 'filled', filledSize: '0.01', averagePrice: '60000', fee: '0.6', feeCoin: 'USDT' },
    });
  });
  test('says where its cost could not be had', () => {
    const costs = [...fee.costs, { fee: '-0.1', feeCoin: 'BMX' }];
    for (const [fills, detail] of [
      [undefined, 'what it cost is not known: its fills could not all be had in time'],
      [{ ...fee, size: '0.0099' }, 'what it cost is not known: the venue shows fills of 0.0099 of 0.01'],
      [{ ...fee, costs }, 'its cost was paid in several coins: 0.6 USDT and -0.1 BMX'],
    ] as const) {
      const report = progressReport(pending, order, 'filled', fills, NOW);
      expect(report).toMatchObject({ status: 'filled', detail });
      expect(report).not.toHaveProperty('fee');
      expect(report).not.toHaveProperty('feeCoin');
    }
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
    expect(progressReport(pending, canceled, 'canceled', undefined, NOW).detail).toBe('canceled by user; what it cost is not known: its fills could not all be had in time'); // prettier-ignore
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
    const none: Fills = { size: '0', costs: [] };
    const told = (toldSize: string | undefined, fills: Fills) => {
      const before = toldSize === undefined ? pending : { ...pending, toldSize };
      return forgottenReport(before, forgottenOrder(before, fills), 'canceled', fills, NOW, 'booking');
    };
    expect(told(undefined, none)).toEqual({ ...canceled, filledSize: '0' });
    const missing = `${detail}; what it cost is not known: the venue shows fills of`;
    expect(told('0.004', none)).toEqual({ ...canceled, filledSize: '0.004', detail: `${missing} 0 of 0.004` });
    // The average price of a part is not that of the whole.
    expect(told('0.02', fee)).toEqual({ ...canceled, filledSize: '0.02', detail: `${missing} 0.01 of 0.02` });
    expect(told('0.004', fee)).toEqual({ ...canceled, filledSize: '0.01', averagePrice: '60001', fee: '0.6', feeCoin: 'USDT' }); // prettier-ignore
  });
  test('of a forgotten order whose fills come to what was asked for is filled', () => {
    const { detail, ...report } = forgottenReport(
      pending,
      forgottenOrder(pending, fee),
      'filled',
      fee,
      NOW,
      'acceptance',
    );
    expect(report).toEqual({ ...same, status: 'filled', filledSize: '0.01', averagePrice: '60001', fee: '0.6', feeCoin: 'USDT' }); // prettier-ignore
    expect(detail).toBe('the venue does not show the order any more: its fills come to what was asked for');
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
