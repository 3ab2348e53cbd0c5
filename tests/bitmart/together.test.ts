// Several orders in one request: how it is spelled, and that its answer counts only if it is exactly right, whatever the
// exchange does where some of them fail.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startLocalBitmart, type LocalBitmart } from '../../local/bitmart/server.ts';
import type { NewOrder, Venue } from '../../shared/order/venue.ts';
import { atMarket, buy, fresh, inTime, KEY, query, uniqueId, venueAt } from './fixture.ts';
import { startRecorder, type Recorder } from './recorder.ts';

/** Says of so many orders the same. */
const each = (count: number, verdict: unknown): unknown => Array.from({ length: count }, () => verdict);
const like = (verdict: object): unknown => expect.objectContaining(verdict);

const batchOf = (orderIds: readonly unknown[], code: unknown = 0): object => ({
  code: 1000,
  message: 'OK',
  data: { code, msg: 'success', data: { orderIds } },
});

describe('on the wire', () => {
  let server: Recorder;
  let venue: Venue;
  beforeAll(async () => {
    server = await startRecorder();
    venue = venueAt(server.url);
  });
  beforeEach(() => {
    server.requests.length = 0;
  });
  afterAll(() => server.close());

  test('each order has its own id in camel case, the symbol and the short window are for all', async () => {
    server.answer({ body: batchOf(['1', '2', '3']) });
    const orders = [buy(), atMarket(buy(), { notional: '25' }), buy({ type: 'limit-maker', selfTradePrevention: 'cancel-both' })];
    expect(await venue.submitAll(fresh(), orders, inTime())).toEqual(each(3, { kind: 'placed' }));
    expect(server.requests).toMatchObject([{ method: 'POST', url: '/spot/v4/batch_orders' }]);
    const common = { side: 'buy', size: '0.01', price: '50000' };
    expect(JSON.parse(server.requests[0]?.bytes.toString('utf8') ?? '')).toEqual({
      symbol: 'BTC_USDT',
      recvWindow: 5000,
      orderParams: [
        { ...common, type: 'limit', clientOrderId: orders[0]?.id },
        { side: 'buy', type: 'market', notional: '25', clientOrderId: orders[1]?.id },
        { ...common, type: 'limit_maker', stpMode: 'cancel_both', clientOrderId: orders[2]?.id },
      ],
    });
  }); // prettier-ignore
  test.each([
    ['two ids for three', batchOf(['1', '2'])],
    ['four ids for three', batchOf(['1', '2', '3', '4'])],
    ['one id twice', batchOf(['1', '2', '2'])],
    ['an id that is none', batchOf(['1', '2', null])],
    ['another inner code', batchOf(['1', '2', '3'], 50020)],
    ['an inner code as text', batchOf(['1', '2', '3'], '0')],
    ['no ids at all', { code: 1000, message: 'OK', data: {} }],
    ['nothing', { code: 1000, message: 'OK' }],
    ['one refusal for all', { code: 50020, message: 'Balance not enough' }],
    ['a used id', { code: 50042, message: 'duplicate' }],
  ])('%s: each has to be looked for', async (_, body) => {
    server.answer({ status: 'data' in body ? 200 : 400, body });
    const detail: unknown = expect.stringMatching(/^BitMart .*together/);
    expect(await venue.submitAll(fresh(), [buy(), buy(), buy()], inTime())).toEqual(each(3, { kind: 'taken', detail }));
  });
  test.each([
    [429, { code: 30013, message: '' }, 'throttled'],
    [418, { code: 30017, message: '' }, 'banned'],
    [401, { code: 30002, message: '' }, 'unauthorised'],
  ])('%p executed nothing of it', async (status, body, kind) => {
    server.answer({ status, body });
    expect(await venue.submitAll(fresh(), [buy(), buy()], inTime())).toEqual(each(2, like({ kind })));
  });
  test('a lost answer leaves them open, and for the short window alone', async () => {
    server.answer({ status: 500, body: '' });
    expect(await venue.submitAll(fresh(), [buy(), buy()], inTime())).toEqual(each(2, like({ kind: 'unknown', refusedAfterMs: 5000 }))); // prettier-ignore
  });
  test('is not sent when the first of them has expired, nor in shadow mode', async () => {
    const late = [buy(), buy({ expiresAt: Date.now() })];
    expect(await venue.submitAll(fresh(), late, inTime())).toEqual(each(2, like({ kind: 'late' })));
    const shadow = fresh({ mandate: { state: 'active', shadow: true } });
    expect(await venue.submitAll(shadow, [buy(), buy()], inTime())).toEqual(each(2, like({ kind: 'done' })));
    expect(server.requests).toEqual([]);
  });
  test('is paced together with single orders', async () => {
    server.answer({ body: batchOf(['1', '2']) });
    const account = fresh();
    const startedAt = performance.now();
    await venue.submitAll(account, [buy(), buy()], inTime());
    await venue.submit(account, buy(), inTime());
    await venue.submitAll(account, [buy(), buy()], inTime());
    expect(performance.now() - startedAt).toBeGreaterThan(100);
  });
});

describe('against the local exchange', () => {
  let exchange: LocalBitmart;
  let venue: Venue;
  const control = (path: string, body: object): Promise<Response> =>
    fetch(exchange.controlUrl + path, { method: 'PUT', body: JSON.stringify(body) });
  beforeAll(async () => {
    exchange = await startLocalBitmart();
    venue = venueAt(exchange.spotUrl);
    await control('/accounts', KEY);
  });
  afterAll(() => exchange.close());
  const account = fresh();
  const there = async (orders: readonly NewOrder[]): Promise<readonly string[]> => {
    const seen = await Promise.all(orders.map(({ id }) => venue.find(account, query(id), inTime())));
    return seen.map(({ kind }) => kind);
  };

  test.each(['atomic', 'fewer-ids', 'inner-code', 'other-order'])(
    'where it is %s: ten good ones are placed, and of a bad one among them nobody is told wrongly',
    async (batch) => {
      await control('/promises', { batch });
      const good = Array.from({ length: 10 }, () => buy());
      expect(await venue.submitAll(fresh(), good, inTime())).toEqual(each(10, { kind: 'placed' }));
      expect(new Set(await there(good))).toEqual(new Set(['found']));
      const mixed = [buy(), buy({ size: '100000' }), buy()];
      expect(await venue.submitAll(fresh(), mixed, inTime())).toEqual(each(3, like({ kind: 'taken' })));
      const isAtomic = batch === 'atomic' || batch === 'other-order';
      expect(await there(mixed)).toEqual(isAtomic ? ['nothing', 'nothing', 'nothing'] : ['found', 'nothing', 'found']);
      const repeated = [good[0] as NewOrder, buy({ id: uniqueId() })];
      expect(await venue.submitAll(fresh(), repeated, inTime())).toEqual(each(2, like({ kind: 'taken' })));
    },
  );
});
