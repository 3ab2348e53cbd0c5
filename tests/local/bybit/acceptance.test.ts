// Accepted is not booked: what is asked for is acted on later, or not at all; ids that are taken, and what queries forget.
import { describe, expect, test } from '@jest/globals';
import { control as ask } from '../../../local/bybit/control.ts';
import { defaultPromises } from '../../../local/bybit/promises.ts';
import { serve } from '../../../local/bybit/reply.ts';
import { endpointsOf } from '../../../local/bybit/server.ts';
import { signatureOf } from '../../../local/bybit/signature.ts';
import { createVenue } from '../../../local/bybit/venue.ts';
import type { Incoming } from '../../../local/exchange/host.ts';
import {
  control,
  create,
  find,
  get,
  linear,
  listOf,
  MAIN,
  ordersOf,
  OTHER,
  post,
  promise,
  register,
  resting,
  wait,
  type Body,
} from './client.ts';
import { localVenue } from './fixture.ts';

const ONE = { category: 'spot', symbol: 'BTCUSDT', orderLinkId: 'one' };

describe('accept first, act later', () => {
  const venue = localVenue([MAIN, OTHER]);

  const states = async (): Promise<readonly string[]> => (await ordersOf(venue)).map(({ status }) => status);

  test('an accepted order is nowhere until it is acted on, and its money is held from the start', async () => {
    await promise(venue, { actsAfterMs: 400 });
    expect((await create(venue, resting('one'))).body.retCode).toBe(0);
    expect(await states()).toEqual(['Accepted']);
    expect(await find(venue, 'one')).toBeUndefined();
    expect(await find(venue, 'one', { from: 'history' })).toBeUndefined();
    expect((await post(venue, '/v5/order/cancel', ONE)).body.retCode).toBe(170213);
    expect((await create(venue, resting('one'))).body.retCode).toBe(170141);
    expect((await control(venue, 'GET', '/accounts')).body).toMatchObject([
      { balances: { USDT: { frozen: '500' } } },
      {},
    ]);
    await wait(420);
    expect(await find(venue, 'one')).toMatchObject({ orderStatus: 'New' });
  });

  test('by default it is a moment, not nothing, and what a venue is started with outlives DELETE /state', async () => {
    expect(defaultPromises(1)).toMatchObject({ actsAfterMs: 20, cancelsAfterMs: 20, historyLagsMs: 500 });
    await promise(venue, { actsAfterMs: 5000 });
    await control(venue, 'DELETE', '/state');
    expect((await control(venue, 'GET', '/promises')).body).toMatchObject({ actsAfterMs: 0, historyLagsMs: 0 });
    await control(venue, 'PUT', '/promises', { actsAfterMs: 7 });
    expect((await control(venue, 'GET', '/promises')).body).toMatchObject({ actsAfterMs: 7, historyLagsMs: 0 });
  });

  test('orders are matched in the order in which they are due, at the moment they are due', async () => {
    await promise(venue, { actsAfterMs: 150 });
    const before = Date.now();
    await create(venue, { ...resting('maker'), price: '60000' });
    await create(venue, { ...resting('taker'), side: 'Sell', price: '60000' }, { as: OTHER });
    await wait(200);
    const [maker, taker] = await ordersOf(venue);
    expect([maker, taker]).toMatchObject([
      { clientOrderId: 'maker', state: 'filled', price: '60000' },
      { state: 'filled' },
    ]);
    const fills = listOf(await get(venue, '/v5/execution/list?category=spot&orderLinkId=maker'));
    expect(fills).toMatchObject([{ isMaker: true, execPrice: '60000' }]);
    expect(Number(fills[0]?.['execTime'])).toBeGreaterThanOrEqual(before + 150);
  });

  test.each([
    ['accept-then-reject', 'Rejected', 'rejected'],
    ['accept-then-cancel', 'Cancelled', 'canceled'],
  ])('%s: accepted, and ended in the record alone', async (fault, orderStatus, state) => {
    await control(venue, 'PUT', '/faults', { faults: [{ path: '/v5/order/create', fault, times: 1, message: 'EC_InvalidSymbolStatus' }] }); // prettier-ignore
    const { body } = await create(venue, resting('one'));
    expect(body).toMatchObject({
      retCode: 0,
      result: { orderId: expect.stringMatching(/^\d{19}$/), orderLinkId: 'one' },
    });
    expect(await find(venue, 'one')).toMatchObject({
      orderStatus,
      rejectReason: 'EC_InvalidSymbolStatus',
      cumExecQty: '0',
    });
    expect(await ordersOf(venue)).toMatchObject([{ state, cancelSource: 'system' }]);
    expect((await control(venue, 'GET', '/accounts')).body).toMatchObject([{ balances: { USDT: { frozen: '0', available: '1000000' } } }, {}]); // prettier-ignore
    expect((await create(venue, resting('two'))).body.retCode).toBe(0);
    expect(await find(venue, 'two')).toMatchObject({ orderStatus: 'New' });
  });

  test('a cancel is accepted and loses the race when the order is filled before it is acted on', async () => {
    await promise(venue, { cancelsAfterMs: 300 });
    await create(venue, { ...resting('one'), price: '59999' });
    expect((await post(venue, '/v5/order/cancel', ONE)).body.retCode).toBe(0);
    expect(await find(venue, 'one')).toMatchObject({ orderStatus: 'New' });
    await control(venue, 'PUT', '/market', { symbol: 'BTCUSDT', mid: '59990' });
    await wait(320);
    expect(await find(venue, 'one')).toMatchObject({ orderStatus: 'Filled' });
    expect((await post(venue, '/v5/order/cancel', ONE)).body.retCode).toBe(170139);
  });

  test('an amendment is accepted and acted on later; a finished order is told by its code or as unknown', async () => {
    await promise(venue, { cancelsAfterMs: 100 });
    await create(venue, resting('one'));
    expect((await post(venue, '/v5/order/amend', { ...ONE, price: '49000', qty: '0.02' })).body.retCode).toBe(0);
    expect(await find(venue, 'one')).toMatchObject({ price: '50000' });
    await wait(120);
    expect(await find(venue, 'one')).toMatchObject({ price: '49000', qty: '0.02' });
    await post(venue, '/v5/order/cancel', ONE);
    await wait(120);
    expect(await find(venue, 'one')).toMatchObject({ orderStatus: 'Cancelled', rejectReason: 'EC_PerCancelRequest', cancelType: 'CancelByUser' }); // prettier-ignore
    expect((await post(venue, '/v5/order/amend', { ...ONE, price: '48000' })).body.retCode).toBe(170142);
    await promise(venue, { cancelsFinished: 'not-found' });
    expect((await post(venue, '/v5/order/cancel', ONE)).body.retCode).toBe(170213);
  });

  test('a post-only order that would take: cancelled later, rejected later, or on spot refused at once', async () => {
    const crossing = { price: '60000.1', timeInForce: 'PostOnly' };
    const reason = 'EC_PostOnlyWillTakeLiquidity';
    for (const [postOnlyCrossing, category, code, status] of [
      ['cancelled', 'spot', 0, 'Cancelled'],
      ['cancelled', 'linear', 0, 'Cancelled'],
      ['rejected', 'spot', 0, 'Rejected'],
      ['rejected', 'linear', 0, 'Rejected'],
      ['refused', 'spot', 170218, undefined],
      ['refused', 'linear', 0, 'Cancelled'],
    ] as const) {
      await promise(venue, { postOnlyCrossing });
      const orderLinkId = `${postOnlyCrossing}-${category}`;
      expect((await create(venue, { ...resting(orderLinkId), ...crossing, category })).body.retCode).toBe(code);
      expect([orderLinkId, await find(venue, orderLinkId, { category })]).toEqual([
        orderLinkId,
        status === undefined ? undefined : expect.objectContaining({ orderStatus: status, rejectReason: reason }),
      ]);
    }
  });
});

describe('in virtual time', () => {
  test('nothing waits: what is due happens when the clock that was handed in says so', async () => {
    let realMs = 1_000;
    const local = createVenue(1, { realMs: () => realMs });
    ask(local, [], 'PUT', '/accounts', JSON.stringify(MAIN));
    const incoming = (method: 'GET' | 'POST', path: string, rawQuery: string, body: string): Incoming => {
      const tail = method === 'GET' ? rawQuery : body;
      const parts = { timestamp: String(Date.now()), apiKey: MAIN.apiKey, recvWindow: '5000', tail };
      const headers = { 'x-bapi-api-key': MAIN.apiKey, 'x-bapi-timestamp': parts.timestamp, 'x-bapi-recv-window': '5000', 'x-bapi-sign': signatureOf(MAIN.secretKey, parts) }; // prettier-ignore
      return {
        method,
        path,
        query: new URLSearchParams(rawQuery),
        rawQuery,
        headers,
        body: Buffer.from(body),
        ip: '203.0.113.1',
      };
    };
    const call = async (...request: Parameters<typeof incoming>): Promise<Body> => {
      const { signal } = new AbortController();
      const { reply } = await serve(local, endpointsOf(local), 'live', incoming(...request), signal);
      return JSON.parse('send' in reply ? reply.send.body : '') as Body;
    };
    const seen = async (): Promise<unknown> =>
      (await call('GET', '/v5/order/realtime', 'category=spot&orderLinkId=one', '')).result['list'];
    expect((await call('POST', '/v5/order/create', '', JSON.stringify(resting('one')))).retCode).toBe(0);
    realMs += 19;
    expect(await seen()).toEqual([]);
    realMs += 1;
    expect(await seen()).toMatchObject([{ orderStatus: 'New' }]);
  });
});

describe('orderLinkId', () => {
  const venue = localVenue([MAIN, OTHER]);
  const code = async (fields: object, options = {}): Promise<number> =>
    (await create(venue, fields, options)).body.retCode;

  test('1 to 36 letters, digits, dashes and underscores; none at all is allowed', async () => {
    expect(await code(resting('A-b_9'.padEnd(36, 'z')))).toBe(0);
    expect(await code(resting('3f2b8c1a-0f5e-4f0a-9d83-0c1d2e3f4a5b'))).toBe(0);
    expect(await code(resting('x'.repeat(37)))).toBe(10001);
    expect(await code(resting('no spaces'))).toBe(10001);
    expect(await code(resting('dot.ted'))).toBe(10001);
    expect(await code(resting(''))).toBe(0);
    expect(await code(resting())).toBe(0);
    await promise(venue, { longestId: 45 });
    expect(await code(resting('x'.repeat(45)))).toBe(0);
  });

  test('a repeat is refused with the code of its category; another UID has ids of its own', async () => {
    expect([await code(resting('one')), await code(resting('one'))]).toEqual([0, 170141]);
    expect([await code(linear({ orderLinkId: 'one' })), await code(linear({ orderLinkId: 'one' }))]).toEqual([
      0, 110072,
    ]);
    expect(await code(resting('one'), { as: OTHER })).toBe(0);
  });

  test.each([
    ['account', [170141, 110072, 170141]],
    ['category', [170141, 0, 170141]],
    ['symbol', [170141, 0, 0]],
  ])('ids are unique per %s', async (idsAreUniquePer, [same, otherCategory, otherSymbol]) => {
    await promise(venue, { idsAreUniquePer });
    expect(await code(resting('one'))).toBe(0);
    expect(await code(resting('one'))).toBe(same);
    expect(await code(linear({ orderLinkId: 'one' }))).toBe(otherCategory);
    expect(await code({ ...resting('one'), symbol: 'ETHUSDT', price: '2500' })).toBe(otherSymbol);
  });

  test.each([
    ['always', 170141],
    ['whileOpen', 0],
    ['never', 0],
    [true, 170141],
    [false, 0],
  ])('refusesRepeatedIds %s: an id of a closed order', async (refusesRepeatedIds, again) => {
    await promise(venue, { refusesRepeatedIds });
    await create(venue, resting('one'));
    const whileOpen = await code(resting('one'));
    expect(whileOpen).toBe(refusesRepeatedIds === 'never' || refusesRepeatedIds === false ? 0 : 170141);
    await post(venue, '/v5/order/cancel-all', { category: 'spot' });
    expect(await code(resting('one'))).toBe(again);
  });

  test('how long a used id lives is a setting', async () => {
    await promise(venue, { forgetsIdsAfterMs: 200 });
    await create(venue, resting('one'));
    await post(venue, '/v5/order/cancel', ONE);
    expect(await code(resting('one'))).toBe(170141);
    await wait(220);
    expect(await code(resting('one'))).toBe(0);
    await wait(220);
    expect(await code(resting('one'))).toBe(170141);
  });

  test('whether refused and rejected orders use an id up are settings', async () => {
    const poor = { ...resting('poor'), qty: '80' };
    expect([await code(poor), await code(resting('poor'))]).toEqual([170131, 0]);
    await promise(venue, { refusedOrdersConsumeIds: true });
    expect([await code({ ...poor, orderLinkId: 'gone' }), await code(resting('gone'))]).toEqual([170131, 170141]);
    const reject = { faults: [{ path: '/v5/order/create', fault: 'accept-then-reject', times: 1 }] };
    await control(venue, 'PUT', '/faults', reject);
    expect([await code(resting('late')), await code(resting('late'))]).toEqual([0, 170141]);
    await promise(venue, { rejectedOrdersConsumeIds: false });
    await control(venue, 'PUT', '/faults', reject);
    expect([await code(resting('later')), await code(resting('later'))]).toEqual([0, 0]);
  });

  test('of equal requests at the same instant one is accepted', async () => {
    const codes = await Promise.all(Array.from({ length: 8 }, () => code(resting('race'))));
    expect(codes.filter((one) => one === 0)).toHaveLength(1);
    expect(codes.filter((one) => one === 170141)).toHaveLength(7);
  });
});

describe('what queries forget', () => {
  const venue = localVenue([MAIN]);
  const place = async (id: string, fields: object = {}) => create(venue, { ...resting(id), ...fields });
  const cancel = (orderLinkId: string) =>
    post(venue, '/v5/order/cancel', { category: 'spot', symbol: 'BTCUSDT', orderLinkId });

  test('realtime keeps closed orders until a restart; open ones stay; the history has them', async () => {
    await place('open');
    await place('closed');
    await cancel('closed');
    expect(await find(venue, 'closed')).toMatchObject({ orderStatus: 'Cancelled' });
    await control(venue, 'DELETE', '/realtime');
    expect(await find(venue, 'closed')).toBeUndefined();
    expect(await find(venue, 'open')).toMatchObject({ orderStatus: 'New' });
    expect(await find(venue, 'closed', { from: 'history' })).toMatchObject({ orderStatus: 'Cancelled' });
    expect(await find(venue, 'open', { from: 'history' })).toBeUndefined();
    await place('after');
    await cancel('after');
    expect(await find(venue, 'after')).toBeDefined();
  });

  test('the history lags, and forgets what ended without a fill', async () => {
    await promise(venue, { historyLagsMs: 250, forgetsUnfilledAfterMs: 500 });
    await place('unfilled');
    await cancel('unfilled');
    await place('filled', { price: '60010' });
    expect(await find(venue, 'filled', { from: 'history' })).toBeUndefined();
    expect(await find(venue, 'filled')).toMatchObject({ orderStatus: 'Filled' });
    await wait(270);
    expect(await find(venue, 'filled', { from: 'history' })).toBeDefined();
    expect(await find(venue, 'unfilled', { from: 'history' })).toBeDefined();
    await wait(300);
    expect(await find(venue, 'unfilled', { from: 'history' })).toBeUndefined();
    expect(await find(venue, 'unfilled')).toBeUndefined();
    expect((await cancel('unfilled')).body.retCode).toBe(170213);
    expect(await find(venue, 'filled', { from: 'history' })).toBeDefined();
  });

  test('how long a booked order stays unseen is a setting', async () => {
    await promise(venue, { showsOrdersWithinMs: 200 });
    await place('one', { price: '60010' });
    expect(await find(venue, 'one')).toBeUndefined();
    expect(listOf(await get(venue, '/v5/execution/list?category=spot'))).toEqual([]);
    expect(await ordersOf(venue)).toMatchObject([{ state: 'filled' }]);
    await wait(220);
    expect(await find(venue, 'one')).toMatchObject({ orderStatus: 'Filled' });
    expect(listOf(await get(venue, '/v5/execution/list?category=spot'))).toHaveLength(1);
  });

  test('realtime keeps the last 500 closed orders', async () => {
    await promise(venue, { ordersPerSecond: { spot: 2000, linear: 2000 }, ipRequests: 5000 });
    await place('first', { timeInForce: 'IOC' });
    for (let round = 0; round < 50; round += 1) {
      const request = Array.from({ length: 10 }, () => ({ ...resting(), category: undefined, timeInForce: 'IOC' }));
      await post(venue, '/v5/order/create-batch', { category: 'spot', request });
    }
    expect(await find(venue, 'first')).toBeUndefined();
    expect(await find(venue, 'first', { from: 'history' })).toMatchObject({ rejectReason: 'EC_NoImmediateQtyToFill' });
  });

  test('lists are paged by a cursor that holds percent signs, as it is and encoded once more', async () => {
    for (const id of ['a', 'b', 'c']) await place(id);
    const page = async (query: string) =>
      (await get(venue, `/v5/order/realtime?category=spot&limit=2${query}`)).body.result;
    const first = await page('');
    const cursor = String(first['nextPageCursor']);
    expect(first['list']).toMatchObject([{ orderLinkId: 'c' }, { orderLinkId: 'b' }]);
    expect(cursor).toBe('page_token%3D2%26');
    for (const sent of [cursor, encodeURIComponent(cursor)]) {
      expect(await page(`&cursor=${sent}`)).toMatchObject({ list: [{ orderLinkId: 'a' }], nextPageCursor: '' });
    }
  });

  test('queries: the priority of ids, open or closed, time ranges, limits', async () => {
    await place('one');
    await place('two', { price: '60010' });
    const list = async (query: string, path = 'order/realtime'): Promise<unknown> =>
      listOf(await get(venue, `/v5/${path}?category=spot${query}`)).map((row) => row['orderLinkId']);
    const code = async (query: string): Promise<number> =>
      (await get(venue, `/v5/order/history?${query}`)).body.retCode;
    const [one] = await ordersOf(venue);
    expect(await list(`&orderId=${one?.orderId}&orderLinkId=two`)).toEqual(['one']);
    expect(await list('&openOnly=0')).toEqual(['one']);
    expect(await list('&openOnly=1')).toEqual(['two']);
    expect(await list('&openOnly=0&orderLinkId=two')).toEqual(['two']);
    expect(await list('&orderStatus=Cancelled', 'order/history')).toEqual([]);
    expect(await list('&orderStatus=Filled', 'order/history')).toEqual(['two']);
    expect(await list('&startTime=0&endTime=1000', 'order/history')).toEqual([]);
    expect(await list('', 'execution/list')).toEqual(['two']);
    expect(await list('&execType=Funding', 'execution/list')).toEqual([]);
    expect(await code('category=spot&startTime=0&endTime=700000000')).toBe(10001);
    expect(await code('category=spot&limit=51')).toBe(10001);
    expect(await code('category=inverse')).toBe(10001);
    expect(await code('category=linear')).toBe(0);
    expect((await get(venue, '/v5/order/realtime?category=linear')).body.retCode).toBe(10001);
  });

  test('whether the week of a query hides an older order asked for by its id is a setting', async () => {
    await control(venue, 'PUT', '/clock', { offsetMs: -8 * 86_400_000 });
    await create(venue, { ...resting('old'), price: '60010' }, { timestamp: Date.now() - 8 * 86_400_000 });
    await control(venue, 'PUT', '/clock', { offsetMs: 0 });
    expect(await find(venue, 'old', { from: 'history' })).toBeUndefined();
    await promise(venue, { weekLimitsLookups: false });
    expect(await find(venue, 'old', { from: 'history' })).toMatchObject({ orderStatus: 'Filled' });
  });

  test('keys of one UID see the same orders', async () => {
    await register(venue, { ...OTHER, uid: 'uid-main' });
    await place('one');
    const seen = await get(venue, '/v5/order/realtime?category=spot&orderLinkId=one', { as: OTHER });
    expect(listOf(seen)).toMatchObject([{ orderLinkId: 'one' }]);
  });
});
