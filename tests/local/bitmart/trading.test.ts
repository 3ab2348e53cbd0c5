// The venue's trading rules over HTTP: refusals, client order ids, promises, cancels, batches, retention, balances.
import { describe, expect, test } from '@jest/globals';
import { control, find, get, MAIN, ordersOf, OTHER, post, resting, submit, type Reply } from './client.ts';
import { localVenue } from './fixture.ts';

describe('trading', () => {
  const venue = localVenue(MAIN, OTHER);

  const promise = (promises: object) => control(venue, 'PUT', '/promises', promises);
  const code = async (fields: object): Promise<number> => (await submit(venue, fields)).body.code;
  const cancel = (fields: object): Promise<Reply> =>
    post(venue, '/spot/v3/cancel_order', { symbol: 'BTC_USDT', ...fields });
  const order = async (id: string, as = MAIN): Promise<Record<string, unknown>> =>
    (await find(venue, id, as)).body.data as Record<string, unknown>;
  const market = (side: string, amount: object) => ({ symbol: 'BTC_USDT', side, type: 'market', ...amount });
  const wallet = async (): Promise<Record<string, readonly [string, string]>> => {
    const { wallet: rows } = (await get(venue, '/spot/v1/wallet')).body.data as {
      wallet: { id: string; available: string; frozen: string }[];
    };
    return Object.fromEntries(rows.map(({ id, available, frozen }) => [id, [available, frozen] as const]));
  };

  test.each([
    [{ symbol: 'DOGE_USDT' }, 50001],
    [{ symbol: 'NEW_USDT' }, 51008],
    [{ symbol: undefined }, 50028],
    [{ side: 'short' }, 50021],
    [{ type: 'stop' }, 50021],
    [{ stpMode: 'maybe' }, 50021],
    [{ size: undefined }, 50010],
    [{ size: '-1' }, 50021],
    [{ size: '0.000001' }, 51015],
    [{ size: '0.000015' }, 50021],
    [{ size: '100000001' }, 50007],
    [{ price: undefined }, 50011],
    [{ price: '0.001' }, 50008],
    [{ size: '0.00001', price: '7000' }, 51011],
    [{ type: 'market', size: '0.01' }, 50021],
    [{ type: 'market', notional: '4.99' }, 51012],
    [{ type: 'market', side: 'sell', size: '0.00001' }, 51014],
    [{ client_order_id: 'a'.repeat(33) }, 50037],
    [{ client_order_id: 'no-dash' }, 50038],
    [{ size: '21' }, 50020],
    [{ side: 'sell', size: '100.00001', price: '70000' }, 50020],
  ])('%j is refused with %p and leaves no order', async (wrong, expected) => {
    expect(await code({ ...resting(), ...wrong })).toBe(expected);
    expect(await ordersOf(venue)).toEqual([]);
    expect(await wallet()).toMatchObject({
      USDT: ['1000000.00000000', '0.00000000'],
      BTC: ['100.00000000', '0.00000000'],
    });
  });

  test('numbers are taken as text or as JSON numbers, and surplus price decimals are cut without a word', async () => {
    expect(await code({ ...resting('text'), size: 0.01, price: 50000.129 })).toBe(1000);
    expect(await order('text')).toMatchObject({ price: '50000.12', size: '0.01000', notional: '500.00120000' });
  });

  test('a wrong-cased client order id is lost without an error', async () => {
    const { body } = await submit(venue, { ...resting(), clientOrderId: 'lost' });
    const { order_id } = body.data as { order_id: string };
    expect(order_id).toMatch(/^\d{18}$/);
    expect((await find(venue, 'lost')).body.code).toBe(50005);
    expect(await ordersOf(venue)).toMatchObject([{ orderId: order_id, clientOrderId: order_id }]);
    const batch = { symbol: 'BTC_USDT', orderParams: [{ ...resting('lost2') }] };
    expect((await post(venue, '/spot/v4/batch_orders', batch)).body.code).toBe(1000);
    expect((await find(venue, 'lost2')).body.code).toBe(50005);
    expect((await cancel({ clientOrderId: order_id })).body.code).toBe(50039);
  });

  test('money is frozen with its fee, spent on a fill and released by a cancel', async () => {
    await submit(venue, resting('one'));
    expect(await wallet()).toMatchObject({ USDT: ['999499.60000000', '500.40000000'] });
    await cancel({ client_order_id: 'one' });
    expect(await wallet()).toMatchObject({ USDT: ['1000000.00000000', '0.00000000'] });
    await submit(venue, { ...resting('two'), size: '0.1', price: '61000' });
    expect(await order('two')).toMatchObject({
      state: 'filled',
      priceAvg: '60000.01',
      filledNotional: '6000.00100000',
    });
    expect(await wallet()).toMatchObject({
      USDT: ['993995.19899920', '0.00000000'],
      BTC: ['100.10000000', '0.00000000'],
    });
    await submit(venue, market('sell', { size: '0.1' }));
    expect(await wallet()).toMatchObject({
      USDT: ['999990.39800000', '0.00000000'],
      BTC: ['100.00000000', '0.00000000'],
    });
  });

  test('a repeated client order id is refused, always, while open, or never', async () => {
    expect([await code(resting('id')), await code(resting('id'))]).toEqual([1000, 50042]);
    expect((await submit(venue, resting('id'), OTHER)).body.code).toBe(1000);
    await cancel({ client_order_id: 'id' });
    expect(await code(resting('id'))).toBe(50042);
    await promise({ refusesRepeatedIds: 'whileOpen' });
    expect([await code(resting('id')), await code(resting('id'))]).toEqual([1000, 50042]);
    await promise({ refusesRepeatedIds: false });
    expect([await code(resting('id')), await code(resting('id'))]).toEqual([1000, 1000]);
    await promise({ refusesRepeatedIds: true });
    expect(await code(resting('id'))).toBe(50042);
  });

  test('a refused order does not use its client order id up', async () => {
    expect([await code({ ...resting('id'), size: '21' }), await code(resting('id'))]).toEqual([50020, 1000]);
  });

  test('a crossing maker-only order is accepted and cancelled by the system, or refused at once', async () => {
    const crossing = { ...resting('a'), type: 'limit_maker', price: '60000.01' };
    expect(await code(crossing)).toBe(1000);
    expect(await order('a')).toMatchObject({ state: 'canceled', cancelSource: 'system', filledSize: '0.00000' });
    expect(await code({ ...crossing, client_order_id: 'b', price: '60000' })).toBe(1000);
    expect(await order('b')).toMatchObject({ state: 'new' });
    expect(await code({ ...resting('c'), type: 'limit_maker', price: '100' })).toBe(1000);
    expect(await order('c')).toMatchObject({ state: 'canceled', cancelSource: 'system' });
    await promise({ limitMakerCrossing: 'refuse' });
    expect(await code({ ...crossing, client_order_id: 'd' })).toBe(50034);
    expect(await code({ ...crossing, client_order_id: 'd', side: 'sell', price: '59999.99' })).toBe(50035);
  });

  test('an ioc takes what is there and the system cancels the rest', async () => {
    await submit(venue, { ...resting('part'), type: 'ioc', size: '1', price: '60000.01' });
    expect(await order('part')).toMatchObject({
      state: 'partially_canceled',
      cancelSource: 'system',
      filledSize: '0.25000',
    });
    await submit(venue, { ...resting('none'), type: 'ioc' });
    expect(await order('none')).toMatchObject({ state: 'canceled', cancelSource: 'system' });
  });

  test('a market buy ends as filled, or as partially_canceled by promise', async () => {
    const buy = market('buy', { notional: '100', size: '7' });
    await submit(venue, { ...buy, client_order_id: 'a' });
    expect(await order('a')).toMatchObject({
      state: 'filled',
      filledSize: '0.00166',
      notional: '100.00000000',
      size: '0.00000',
    });
    await promise({ marketBuyEnds: 'partially_canceled' });
    await submit(venue, { ...buy, client_order_id: 'b' });
    expect(await order('b')).toMatchObject({ state: 'partially_canceled', filledSize: '0.00166' });
    await submit(venue, { ...market('buy', { notional: '500000' }), client_order_id: 'c' });
    expect(Number((await order('c'))['filledNotional'])).toBeGreaterThan(499_000);
  });

  test.each([
    ['none', ['filled', 'filled'], ['', '']],
    ['cancel_maker', ['canceled', 'new'], ['stp', '']],
    ['cancel_taker', ['new', 'canceled'], ['', 'stp']],
    ['cancel_both', ['canceled', 'canceled'], ['stp', 'stp']],
  ])('self-trade prevention %s', async (stpMode, states, sources) => {
    await submit(venue, { ...resting('maker'), price: '60000' });
    await submit(venue, { ...resting('taker'), side: 'sell', price: '60000', stpMode });
    const orders = await ordersOf(venue);
    expect(orders.map(({ state }) => state)).toEqual(states);
    expect(orders.map(({ cancelSource }) => cancelSource)).toEqual(sources);
    await submit(venue, { ...resting('stranger'), side: 'sell', price: '60000', stpMode }, OTHER);
    expect(await order('stranger', OTHER)).toMatchObject({ cancelSource: '' });
  });

  test('cancelling what is finished has a code that says how it finished, or result false', async () => {
    await submit(venue, resting('gone'));
    expect((await cancel({ client_order_id: 'gone' })).body.data).toEqual({ result: true });
    await submit(venue, { ...market('buy', { notional: '100' }), client_order_id: 'done' });
    const codes = async (fields: object): Promise<number> => (await cancel(fields)).body.code;
    expect(await codes({ client_order_id: 'gone' })).toBe(50030);
    expect(await codes({ client_order_id: 'done' })).toBe(50031);
    expect(await codes({ client_order_id: 'never' })).toBe(50032);
    expect(await codes({ symbol: 'ETH_USDT', client_order_id: 'gone' })).toBe(50032);
    expect(await codes({})).toBe(50039);
    expect(await codes({ order_id: '1', client_order_id: 'gone' })).toBe(50000);
    await promise({ cancelsFinished: 'result-false' });
    expect((await cancel({ client_order_id: 'done' })).body).toMatchObject({ code: 1000, data: { result: false } });
  });

  test('another account can neither see nor cancel an order', async () => {
    const { order_id } = (await submit(venue, resting('mine'))).body.data as { order_id: string };
    expect((await find(venue, 'mine', OTHER)).body.code).toBe(50005);
    expect((await post(venue, '/spot/v4/query/order', { orderId: order_id }, OTHER)).body.code).toBe(50005);
    expect((await post(venue, '/spot/v3/cancel_order', { symbol: 'BTC_USDT', order_id }, OTHER)).body.code).toBe(50032);
    await post(venue, '/spot/v4/cancel_all', {}, OTHER);
    expect(await order('mine')).toMatchObject({ state: 'new' });
  });

  test('cancel_orders succeeds in part, cancel_all keeps to symbol and side', async () => {
    for (const id of ['a', 'b']) await submit(venue, resting(id));
    await submit(venue, { ...resting('c'), side: 'sell', price: '70000' });
    await submit(venue, { ...resting('e'), symbol: 'ETH_USDT', price: '1000' });
    const many = (body: object) => post(venue, '/spot/v4/cancel_orders', { symbol: 'BTC_USDT', ...body });
    expect((await many({ clientOrderIds: ['a', 'zz', 'e'] })).body.data).toEqual({
      successIds: ['a'],
      failIds: ['zz', 'e'],
      totalCount: 3,
      successCount: 1,
      failedCount: 2,
    });
    expect((await many({ clientOrderIds: Array.from({ length: 11 }, String) })).body.code).toBe(50033);
    expect((await many({})).body.code).toBe(50039);
    await post(venue, '/spot/v4/cancel_all', { symbol: 'BTC_USDT', side: 'buy' });
    expect((await ordersOf(venue)).map(({ state }) => state)).toEqual(['canceled', 'canceled', 'new', 'new']);
  });

  const batchOf = (...params: object[]) =>
    post(venue, '/spot/v4/batch_orders', { symbol: 'BTC_USDT', orderParams: params });
  const row = (clientOrderId: string, size = '0.01'): object => ({ ...resting(), clientOrderId, size });

  test('a batch takes one to ten orders', async () => {
    expect((await batchOf()).body.code).toBe(50033);
    expect((await batchOf(...Array.from({ length: 11 }, (_, i) => row(`x${i}`)))).body.code).toBe(50033);
    const { data } = (await batchOf(...Array.from({ length: 10 }, (_, i) => row(`y${i}`)))).body;
    expect(data).toMatchObject({ code: 0, msg: 'success' });
    expect((data as { data: { orderIds: string[] } }).data.orderIds).toHaveLength(10);
    expect((await ordersOf(venue)).map(({ clientOrderId }) => clientOrderId)).toEqual(
      Array.from({ length: 10 }, (_, i) => `y${i}`),
    );
  });

  test('a batch that fails in part does as promised: all or nothing, fewer ids, or an inner code', async () => {
    const tooBig = [row('a'), row('b', '21'), row('c')];
    const atomic = await batchOf(...tooBig);
    expect([atomic.status, atomic.body.code, await ordersOf(venue)]).toEqual([400, 50020, []]);
    expect((await batchOf(row('a'), row('a'))).body.code).toBe(50042);
    // Each affordable alone, not together.
    expect((await batchOf(row('a', '15'), row('b', '15'))).body.code).toBe(50020);
    expect(await ordersOf(venue)).toEqual([]);
    await promise({ batch: 'fewer-ids' });
    const fewer = (await batchOf(...tooBig)).body;
    expect(fewer).toMatchObject({
      code: 1000,
      data: { code: 0, data: { orderIds: [expect.any(String), expect.any(String)] } },
    });
    await promise({ batch: 'inner-code' });
    const inner = (await batchOf(row('d'), row('a'))).body;
    expect(inner).toMatchObject({ code: 1000, data: { code: 50042, data: { orderIds: [expect.any(String)] } } });
    expect((await ordersOf(venue)).map(({ clientOrderId }) => clientOrderId)).toEqual(['a', 'c', 'd']);
  });

  const query = (path: string, body: object): Promise<Reply> => post(venue, `/spot/v4/query/${path}`, body);
  const idsIn = ({ body }: Reply): readonly unknown[] =>
    (body.data as { clientOrderId: string }[]).map(({ clientOrderId }) => clientOrderId);

  test('queryState narrows a look-up to open orders or to history', async () => {
    await submit(venue, resting('open'));
    const state = async (queryState: string): Promise<number> =>
      (await query('client-order', { clientOrderId: 'open', queryState })).body.code;
    expect([await state('open'), await state('history'), await state('both')]).toEqual([1000, 50005, 52003]);
    await cancel({ client_order_id: 'open' });
    expect([await state('open'), await state('history')]).toEqual([50005, 1000]);
  });

  test('lists are newest first, limited, and filtered by symbol and time', async () => {
    for (const id of ['a', 'b', 'c']) await submit(venue, resting(id));
    await submit(venue, { ...resting('e'), symbol: 'ETH_USDT', price: '1000' });
    expect(idsIn(await query('open-orders', {}))).toEqual(['e', 'c', 'b', 'a']);
    expect(idsIn(await query('open-orders', { symbol: 'BTC_USDT', limit: 2 }))).toEqual(['c', 'b']);
    expect(idsIn(await query('open-orders', { endTime: Date.now() - 60_000 }))).toEqual([]);
    expect(idsIn(await query('open-orders', { orderMode: 'iso_margin' }))).toEqual([]);
    const refused = async (body: object): Promise<number> => (await query('history-orders', body)).body.code;
    expect(await refused({ limit: 0 })).toBe(50015);
    expect(await refused({ limit: 201 })).toBe(50016);
    expect(await refused({ startTime: 2, endTime: 1 })).toBe(52004);
    expect(await refused({ orderMode: 'future' })).toBe(52000);
    expect(await refused({ symbol: 'DOGE_USDT' })).toBe(50001);
  });

  test('an order cancelled without a fill is forgotten after a while, one with a fill is not', async () => {
    await submit(venue, resting('unfilled'));
    await submit(venue, { ...resting('part'), type: 'ioc', size: '1', price: '60000.01' });
    await cancel({ client_order_id: 'unfilled' });
    await promise({ forgetsUnfilledAfterMs: 40 });
    await new Promise((later) => setTimeout(later, 60));
    expect((await find(venue, 'unfilled')).body.code).toBe(50005);
    expect((await cancel({ client_order_id: 'unfilled' })).body.code).toBe(50032);
    expect((await find(venue, 'part')).body.code).toBe(1000);
    expect(idsIn(await query('history-orders', {}))).toEqual(['part']);
    expect(await code(resting('unfilled'))).toBe(50042);
    expect(await ordersOf(venue)).toHaveLength(2);
  });

  test('the read lag of the promise hides new orders from every query', async () => {
    await promise({ showsOrdersWithinMs: 500 });
    await submit(venue, resting('new'));
    expect((await find(venue, 'new')).body.code).toBe(50005);
    expect(idsIn(await query('open-orders', {}))).toEqual([]);
    await new Promise((later) => setTimeout(later, 520));
    expect((await find(venue, 'new')).body.code).toBe(1000);
  });

  test('moving the market fills a resting order', async () => {
    await submit(venue, resting('low'));
    await control(venue, 'PUT', '/market', { symbol: 'BTC_USDT', mid: '49000' });
    expect(await order('low')).toMatchObject({ state: 'filled', priceAvg: '50000.00' });
    const { fee, tradeRole } = ((await query('trades', {})).body.data as { fee: string; tradeRole: string }[])[0] ?? {};
    expect([fee, tradeRole]).toEqual(['0.30000000', 'maker']);
  });
});
