// Several orders in one request: mixed symbols, a verdict for each, two lists that must be exactly right, and a lane that
// counts orders.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NewOrder, Venue } from '../../shared/order/venue.ts';
import { startRecorder, type Recorder, type Script } from '../bitmart/recorder.ts';
import { ordersOf, promise } from '../local/bybit/client.ts';
import {
  answer,
  atMarket,
  AT_ONCE,
  buy,
  control,
  fresh,
  inTime,
  localVenue,
  long,
  MAIN,
  query,
  refusal,
  refusePrices,
  venueAt,
} from './fixture.ts';

const spent = (): NewOrder => atMarket(buy(), { notional: '25' });
const many = (count: number, make: () => NewOrder = spent): readonly NewOrder[] => Array.from({ length: count }, make);

describe('on the wire', () => {
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
  const batches = () => server.requests.filter(({ url }) => url === '/v5/order/create-batch');
  /** Answers a batch; everything else with nothing. */
  const answering = (said: Script): void =>
    server.answer(({ url }) => (url === '/v5/order/create-batch' ? said : answer({})));
  const lists = (rows: readonly object[], codes: readonly object[]): Script =>
    answer({ list: rows }, { retExtInfo: { list: codes } });
  const rowOf = ({ id }: NewOrder, orderId = `o-${id}`) => ({
    category: 'spot',
    symbol: 'BTCUSDT',
    orderId,
    orderLinkId: id,
  });
  const OK = { code: 0, msg: 'OK' };

  test('each order has its own verdict, in their order', async () => {
    const orders = many(4);
    const [a, b, c, d] = orders as readonly [NewOrder, NewOrder, NewOrder, NewOrder];
    answering(
      lists(
        [rowOf(a), rowOf(b, ''), rowOf(c, ''), rowOf(d, '')],
        [OK, { code: 170141, msg: 'Duplicate' }, { code: 170131, msg: '' }, { code: 10006, msg: 'Too many visits!' }],
      ),
    );
    expect(await venue.submitAll(fresh(), orders, inTime())).toMatchObject([
      { kind: 'placed', venueOrderId: `o-${a.id}` },
      { kind: 'duplicate', venueCode: '170141' },
      { kind: 'refused', venueCode: '170131' },
      { kind: 'throttled', venueCode: '10006' },
    ]);
  });
  test('the symbols differ as they like; the category is one, and the request ends with the first of them', async () => {
    const orders = [spent(), atMarket(buy({ symbol: 'ETH_USDT', expiresAt: Date.now() + 2000 }), { notional: '30' })];
    answering(
      lists(
        orders.map((order) => rowOf(order)),
        [OK, OK],
      ),
    );
    await venue.submitAll(fresh(), orders, inTime());
    const [request] = batches();
    expect(JSON.parse(request?.bytes.toString('utf8') ?? '')).toMatchObject({
      category: 'spot',
      request: [
        { symbol: 'BTCUSDT', qty: '25' },
        { symbol: 'ETHUSDT', qty: '30' },
      ],
    });
    expect(Number(request?.headers['x-bapi-recv-window'])).toBeLessThanOrEqual(2000);
    expect(venue.together.spot).toEqual({ most: 10, isOneSymbol: false });
  });
  const two = (make: (a: NewOrder, b: NewOrder) => Script) => make;
  test.each([
    ['a list too short', two((a) => lists([rowOf(a)], [OK, OK]))],
    ['codes too few', two((a, b) => lists([rowOf(a), rowOf(b)], [OK]))],
    ['the lists in another order', two((a, b) => lists([rowOf(b), rowOf(a)], [OK, OK]))],
    ['one order twice', two((a) => lists([rowOf(a), rowOf(a)], [OK, OK]))],
    ['no lists', two(() => answer({}))],
    ['no codes', two((a, b) => answer({ list: [rowOf(a), rowOf(b)] }))],
    ['one refusal for all, which may speak of one', two(() => refusal(10001, 'wrong'))],
    ['a used id for all', two(() => refusal(170141))],
  ])('%s: each has to be looked for', async (_, make) => {
    const [a, b] = [spent(), spent()];
    answering(make(a, b));
    const verdicts = await venue.submitAll(fresh(), [a, b], inTime());
    expect(verdicts).toMatchObject([
      { kind: 'taken', detail: expect.stringMatching(/^Bybit .* 2 orders together/) },
      { kind: 'taken' },
    ]);
  });
  test('an accepted one without an id may have been executed', async () => {
    const [a, b] = [spent(), spent()];
    answering(lists([rowOf(a), rowOf(b, '')], [OK, OK]));
    expect(await venue.submitAll(fresh(), [a, b], inTime())).toMatchObject([{ kind: 'placed' }, { kind: 'unknown' }]);
  });
  test.each([
    [refusal(10006), 'throttled'],
    [{ status: 403, body: '403, access too frequent' }, 'banned'],
    [refusal(10003), 'unauthorised'],
    [refusal(10002), 'unavailable'],
    [{ status: 500, body: '' }, 'unknown'],
    [{ instead: 'reset' as const }, 'unknown'],
  ])("one answer for the whole request is everybody's: %#", async (script, kind) => {
    answering(script);
    expect(await venue.submitAll(fresh(), many(3), inTime())).toMatchObject(Array(3).fill({ kind }));
  });
  test('no more go out than the part of the limit that the key has; the rest were not sent', async () => {
    const orders = many(8);
    server.answer(({ url, bytes }) => {
      if (url !== '/v5/order/create-batch') return answer({});
      const { request } = JSON.parse(bytes.toString('utf8')) as {
        readonly request: readonly { readonly orderLinkId: string }[];
      };
      return lists(
        request.map(({ orderLinkId }) => ({ orderId: '1', orderLinkId })),
        request.map(() => OK),
      );
    });
    const account = fresh({ mandate: { state: 'active', limitShare: 0.25 } });
    const verdicts = await venue.submitAll(account, orders, inTime());
    expect(verdicts.map(({ kind }) => kind)).toEqual([
      ...Array<string>(5).fill('placed'),
      ...Array<string>(3).fill('late'),
    ]);
  });
  test('one that cannot be told now holds back those behind it, one that is refused does not', async () => {
    const [a, strange, c] = [spent(), atMarket(buy({ symbol: 'BTCU_SDT' }), { notional: '25' }), spent()];
    server.answer(({ url }) => (url === '/v5/order/create-batch' ? lists([rowOf(a)], [OK]) : refusal(10016)));
    expect(await venue.submitAll(fresh(), [a, strange, c], inTime())).toMatchObject([
      { kind: 'placed' },
      { kind: 'unavailable' },
      { kind: 'late' },
    ]);
    const margin = buy({ market: 'margin' });
    server.answer(({ url }) => (url === '/v5/order/create-batch' ? lists([rowOf(a), rowOf(c)], [OK, OK]) : answer({})));
    const other = venueAt(server.url);
    server.requests.length = 0;
    expect(await other.submitAll(fresh(), [margin], inTime())).toMatchObject([{ kind: 'refused' }]);
    expect(batches()).toHaveLength(0);
  });
  test('is not sent when the first of them has expired', async () => {
    expect(
      await venue.submitAll(fresh(), [spent(), atMarket(buy({ expiresAt: Date.now() }), { notional: '25' })], inTime()),
    ).toMatchObject([{ kind: 'late' }, { kind: 'late' }]);
    expect(batches()).toHaveLength(0);
  });
  test('whatever is answered, there are as many verdicts as orders', async () => {
    const junk = fc.oneof(
      fc.anything(),
      fc.array(fc.record({ orderId: fc.anything(), orderLinkId: fc.anything(), code: fc.anything() })),
    );
    await fc.assert(
      fc.asyncProperty(junk, junk, fc.integer({ min: 1, max: 10 }), async (rows, codes, count) => {
        answering({ body: JSON.stringify({ retCode: 0, result: { list: rows }, retExtInfo: { list: codes } }) });
        const verdicts = await venueAt(server.url).submitAll(fresh(), many(count), inTime());
        expect(verdicts).toHaveLength(count);
        for (const { kind } of verdicts) expect(['taken', 'placed', 'unknown']).toContain(kind);
      }),
      { numRuns: 60 },
    );
  });
});

describe('at the local exchange', () => {
  const exchange = localVenue([MAIN]);
  let venue: Venue;
  beforeEach(async () => {
    venue = venueAt(exchange.url);
    await refusePrices(exchange);
  });

  test.each(['spot', 'futures'])('%s: ten orders of three symbols, each placed under its own id', async (market) => {
    const make = market === 'spot' ? buy : long;
    const symbols = ['BTC_USDT', 'ETH_USDT', 'SOL_USDT'] as const;
    const prices = { BTC_USDT: '59900', ETH_USDT: '2990', SOL_USDT: '148' };
    const orders = Array.from({ length: 10 }, (_, index) => {
      const symbol = symbols[index % 3] ?? 'BTC_USDT';
      return make({ symbol, size: '0.2', price: prices[symbol] });
    });
    const account = fresh();
    const verdicts = await venue.submitAll(account, orders, inTime());
    expect(verdicts.map(({ kind }) => kind)).toEqual(Array(10).fill('placed'));
    for (const [index, order] of orders.entries()) {
      const seen = await venue.find(account, query(order.id, order.market, { symbol: order.symbol }), inTime());
      const verdict = verdicts[index];
      expect(seen).toMatchObject({
        kind: 'found',
        order: { symbol: order.symbol, venueOrderId: verdict?.kind === 'placed' ? verdict.venueOrderId : '' },
      });
    }
  });
  test('one that is too dear is refused alone', async () => {
    const verdicts = await venue.submitAll(fresh(), [buy(), buy({ size: '80' }), buy()], inTime());
    expect(verdicts).toMatchObject([{ kind: 'placed' }, { kind: 'refused', venueCode: '170131' }, { kind: 'placed' }]);
  });
  test('over the limit the head is placed and the tail throttled', async () => {
    await promise(exchange, { ...AT_ONCE, ordersPerSecond: { spot: 3, linear: 10 } });
    const verdicts = await venue.submitAll(fresh(), many(5, buy), inTime());
    expect(verdicts.map(({ kind }) => kind)).toEqual(['placed', 'placed', 'placed', 'throttled', 'throttled']);
    expect(await ordersOf(exchange)).toHaveLength(3);
  });
  test.each(['shuffled', 'unequal', 'missing'])('lists that are %s are believed by nobody', async (batch) => {
    await promise(exchange, { ...AT_ONCE, batch });
    const orders = many(4, buy);
    const verdicts = await venue.submitAll(fresh(), orders, inTime());
    expect(verdicts.map(({ kind }) => kind)).toEqual(Array(4).fill('taken'));
    expect(await ordersOf(exchange)).toHaveLength(4);
  });
  test('the lane counts orders, apart from that of single ones: none is throttled, over many requests', async () => {
    const account = fresh();
    for (const count of [9, 9, 10, 1, 4, 10]) {
      const verdicts = await venue.submitAll(account, many(count, buy), inTime(Date.now() + 8000));
      expect(verdicts.map(({ kind }) => kind)).toEqual(Array(count).fill('placed'));
      expect(await venue.submit(account, buy(), inTime())).toMatchObject({ kind: 'placed' });
    }
    const { body } = await control(exchange, 'GET', '/requests');
    expect(JSON.stringify(body)).not.toContain('10006');
  }, 20_000);
});
