// The rules of pairs and perpetuals: in steps, as the exchange lists them, asked for one symbol at a time and kept for hours.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import type { Venue } from '../../shared/order/venue.ts';
import { listed, roundDown } from '../../shared/order/instrument.ts';
import { startRecorder, type Recorder } from '../bitmart/recorder.ts';
import { virtualTime } from '../simulation/time.ts';
import { systemClock } from '../../shared/clock.ts';
import {
  answer,
  atMarket,
  buy,
  fresh,
  inTime,
  localVenue,
  long,
  MAIN,
  refusal,
  refusePrices,
  soon,
  venueAt,
} from './fixture.ts';

const sample = (name: string): object => {
  const text = readFileSync(new URL(`../data/bybit/samples/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly response: { readonly body: object } }).response.body;
};
type Rows = { readonly result: { readonly list: readonly Readonly<Record<string, unknown>>[] } };
const rowOf = (name: string) => (sample(name) as Rows).result.list[0] ?? {};

describe('what is read', () => {
  let server: Recorder;
  let venue: Venue;
  beforeAll(async () => {
    server = await startRecorder();
  });
  beforeEach(() => {
    server.requests.length = 0;
    venue = venueAt(server.url);
  });
  afterAll(() => server.close());
  const spot = () => venue.instrument('spot', 'BTC_USDT', soon());
  const futures = () => venue.instrument('futures', 'BTC_USDT', soon());

  test('the recorded pair: no smallest size but a step, the value in steps of its own', async () => {
    server.answer({ body: sample('spot-instruments') });
    expect(await spot()).toEqual({
      symbol: 'BTC_USDT',
      ...{ priceStep: '0.1', sizeStep: '0.000001', notionalStep: '0.0000001', minSize: '0.000001' },
      ...{ maxSize: '83', maxMarketSize: '41.5', minNotional: { buy: '5', sell: '5' }, tradable: true },
    });
  });
  test('the recorded perpetual', async () => {
    server.answer({ body: sample('linear-instruments') });
    expect(await futures()).toEqual({
      symbol: 'BTC_USDT',
      ...{ priceStep: '0.1', sizeStep: '0.001', minSize: '0.001', maxSize: '1190', maxMarketSize: '500' },
      ...{ minNotional: { buy: '5', sell: '5' }, tradable: true },
    });
  });
  const answering = (row: object): void => server.answer(answer({ list: [row] }));
  const filtered = (name: string, filter: 'priceFilter' | 'lotSizeFilter', more: object): object => {
    const row = rowOf(name);
    return { ...row, [filter]: { ...(row[filter] as object), ...more } };
  };
  test('steps that are no powers of ten stay what they are', async () => {
    answering(filtered('spot-instruments', 'priceFilter', { tickSize: '0.0500' }));
    expect(await spot()).toMatchObject({ priceStep: '0.05' });
  });
  test.each(['PreLaunch', 'Closed', 'Delivering', 'Settling'])(
    'a symbol in status %s takes no orders',
    async (status) => {
      answering({ ...rowOf('linear-instruments'), status });
      expect(await futures()).toMatchObject({ tradable: false });
    },
  );
  test.each([
    ['an empty list', answer({ list: [] }), 'unknown'],
    ['a refusal of the symbol', refusal(10001, 'Not supported symbols'), 'unknown'],
    ['another refusal', refusal(10001, 'params error'), undefined],
    ['the row of another symbol', answer({ list: [{ ...rowOf('spot-instruments'), symbol: 'ETHUSDT' }] }), undefined],
    ['a row without steps', answer({ list: [{ ...rowOf('spot-instruments'), priceFilter: {} }] }), undefined],
    [
      'a step of 0',
      answer({ list: [filtered('spot-instruments', 'lotSizeFilter', { basePrecision: '0' })] }),
      undefined,
    ],
    ['a page', { status: 502, body: '<html>' }, undefined],
    ['nothing', answer({}), undefined],
  ])('%s', async (_, script, read) => {
    server.answer(script);
    expect(await spot()).toEqual(read);
  });
  test('what is no perpetual, or settles in another coin, is not read', async () => {
    for (const more of [{ contractType: 'LinearFutures' }, { settleCoin: 'BTC' }]) {
      venue = venueAt(server.url);
      answering({ ...rowOf('linear-instruments'), ...more });
      expect(await futures()).toBeUndefined();
    }
  });
  test('a symbol that is written like another is unknown: the exchange says which coins are meant', async () => {
    server.answer({ body: sample('spot-instruments') });
    expect(await venue.instrument('spot', 'BTCU_SDT', soon())).toBe('unknown');
    expect(server.requests[0]?.url).toContain('symbol=BTCUSDT');
  });
  test('never throws, whatever is answered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.anything(), async (list, row) => {
        server.answer({
          body: JSON.stringify({ retCode: 0, result: { list: [list, { symbol: 'BTCUSDT', lotSizeFilter: row }] } }),
        });
        const read = await venueAt(server.url).instrument('spot', 'BTC_USDT', soon());
        expect(read).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });
  test('are asked for once by symbol and market, and again after two hours', async () => {
    const time = virtualTime(Date.UTC(2026, 10, 22));
    try {
      const asked: string[] = [];
      const clocked = venueAt('https://host', {
        clock: systemClock,
        transport: ({ url }) => {
          asked.push(new URL(url).search);
          const body = JSON.stringify(sample(url.includes('linear') ? 'linear-instruments' : 'spot-instruments'));
          return Promise.resolve({ kind: 'response', status: 200, headers: {}, body });
        },
      });
      const all = async (): Promise<void> => {
        await clocked.instrument('spot', 'BTC_USDT', Date.now() + 1000);
        await clocked.instrument('futures', 'BTC_USDT', Date.now() + 1000);
      };
      let isOver = false;
      const played = (async () => {
        for (const afterMs of [0, 60_000, 7_000_000, 2_000_000, 10_000]) {
          await systemClock.sleep(afterMs);
          await all();
        }
      })().finally(() => (isOver = true));
      await time.run(Number.MAX_SAFE_INTEGER, () => isOver);
      await played;
      expect(asked.filter((query) => query.includes('spot'))).toHaveLength(2);
      expect(asked).toHaveLength(4);
    } finally {
      time.restore();
    }
  });
});

describe('at the local exchange', () => {
  const exchange = localVenue([MAIN]);
  const MIDS = { BTC: 60_000, ETH: 3000, ATOM: 12, SOL: 150, XRP: 0.6 } as const;
  const LISTED = { spot: ['BTC', 'ETH', 'ATOM', 'SOL'], futures: ['BTC', 'ETH', 'SOL', 'XRP'] } as const;
  test('every pair and perpetual is read, and whatever is rounded by its steps is taken', async () => {
    const venue = venueAt(exchange.url);
    await refusePrices(exchange);
    const account = fresh();
    for (const market of ['spot', 'futures'] as const) {
      for (const base of LISTED[market]) {
        const symbol = `${base}_USDT`;
        const rules = listed(await venue.instrument(market, symbol, soon()));
        if (rules === undefined) throw new Error(symbol);
        expect(rules).toMatchObject({ symbol, tradable: true });
        for (const part of [0.99517, 0.996983, 0.99777717]) {
          const price = roundDown((MIDS[base] * part).toFixed(9), rules.priceStep);
          const size = roundDown((60 / MIDS[base] + part / 7).toFixed(9), rules.sizeStep);
          const order = market === 'spot' ? buy({ symbol, price, size }) : long({ symbol, price, size });
          expect([symbol, size, price, await venue.submit(account, order, inTime())]).toMatchObject([
            symbol,
            size,
            price,
            { kind: 'placed' },
          ]);
        }
        if (rules.notionalStep === undefined) continue;
        const notional = roundDown('23.123456789012', rules.notionalStep);
        expect(await venue.submit(account, atMarket(buy({ symbol }), { notional }), inTime())).toMatchObject({
          kind: 'placed',
        });
      }
    }
    expect(await venue.instrument('spot', 'NEW_USDT', soon())).toMatchObject({ tradable: false });
    expect(await venue.instrument('spot', 'NONE_USDT', soon())).toBe('unknown');
  });
});
