// Faults on request, and the control interface that sets them: the same names and the same meaning as on the other venue.
import { describe, expect, test } from '@jest/globals';
import { startLocalBybit } from '../../../local/bybit/server.ts';
import { control, create, CREATE, find, get, linear, MAIN, ordersOf, post, promise, resting, wait } from './client.ts';
import { localVenue } from './fixture.ts';

describe('faults', () => {
  const venue = localVenue([MAIN]);

  const fault = (...faults: object[]) => control(venue, 'PUT', '/faults', { seed: 7, faults });
  const ids = async (): Promise<readonly string[]> => (await ordersOf(venue)).map(({ clientOrderId }) => clientOrderId);

  test.each([
    ['drop-before', []],
    ['drop-after', ['one']],
  ])('%s resets the connection', async (name, executed) => {
    await fault({ path: CREATE, fault: name, times: 1 });
    await expect(create(venue, resting('one'))).rejects.toThrow();
    expect(await ids()).toEqual(executed);
    expect((await create(venue, resting('one'))).body.retCode).toBe(executed.length === 0 ? 0 : 170141);
    expect((await control(venue, 'GET', '/requests')).body).toMatchObject({
      [`${CREATE} spot`]: { count: 2, unanswered: 1, byStatus: { '200': 1 }, maxInWindow: 2 },
    });
  });

  test('hang-after executes and never answers', async () => {
    await fault({ path: CREATE, fault: 'hang-after', times: 1 });
    const answered = create(venue, resting('one')).then(
      () => 'answered',
      () => 'broken',
    );
    expect(await Promise.race([answered, wait(150).then(() => 'silence')])).toBe('silence');
    expect(await ids()).toEqual(['one']);
  });

  test.each([
    ['status', { code: 504 }, 504, Number.NaN, []],
    ['status-after', { code: 504 }, 504, Number.NaN, ['one']],
    ['status', {}, 500, Number.NaN, []],
    ['status', { code: 429 }, 429, Number.NaN, []],
    ['code', { code: 10000 }, 200, 10000, []],
    ['code-after', { code: 10000 }, 200, 10000, ['one']],
    ['code-after', { code: 10016 }, 200, 10016, ['one']],
    ['code', { code: -1 }, 200, -1, []],
    ['code', { code: 170035, message: 'on its way' }, 200, 170035, []],
    ['blank-after', {}, 200, 0, ['one']],
    ['html', {}, 403, Number.NaN, []],
  ])('%s %j', async (name, extra, status, code, executed) => {
    await fault({ path: CREATE, fault: name, times: 1, ...extra });
    const reply = await create(venue, resting('one'));
    expect([reply.status, reply.body.retCode, await ids()]).toEqual([status, code, executed]);
    if (name === 'blank-after') expect(reply.body.result).toEqual({});
    if (name === 'html') expect(reply.text).toContain('block access from your country');
    if ('message' in extra) expect(reply.body.retMsg).toBe(extra.message);
  });

  test('delay reaches the venue later, where the clock is looked at', async () => {
    await fault({ path: CREATE, fault: 'delay', ms: 300, times: 2 });
    expect((await create(venue, resting('late'), { recvWindow: '200' })).body.retCode).toBe(10002);
    expect((await create(venue, resting('late'))).body.retCode).toBe(0);
  });

  test('lookup-lag hides new orders, set on the query or on the placement; they exist all the same', async () => {
    await fault({ path: '/v5/order/realtime', fault: 'lookup-lag', ms: 300 });
    await create(venue, resting('one'));
    expect(await find(venue, 'one')).toBeUndefined();
    await fault({ path: CREATE, fault: 'lookup-lag', ms: 300, times: 1 });
    await create(venue, { ...resting('two'), price: '60010' });
    expect(await find(venue, 'two')).toBeUndefined();
    expect(await find(venue, 'two', { from: 'history' })).toBeUndefined();
    expect(await find(venue, 'one')).toBeDefined();
    expect(await ids()).toEqual(['one', 'two']);
    await wait(320);
    expect(await find(venue, 'two')).toMatchObject({ orderStatus: 'Filled' });
  });

  test('a fault of one category leaves the other alone; a path alone is for both', async () => {
    await fault({ path: `${CREATE} linear`, fault: 'code', code: 10016 });
    expect((await create(venue, resting())).body.retCode).toBe(0);
    expect((await create(venue, linear())).body.retCode).toBe(10016);
    await fault({ path: CREATE, fault: 'code', code: 10016 });
    expect((await create(venue, resting())).body.retCode).toBe(10016);
    expect((await create(venue, linear())).body.retCode).toBe(10016);
  });

  test('faults strike behind signature and count, not in front of them', async () => {
    await promise(venue, { ordersPerSecond: { spot: 1, linear: 1 } });
    await fault({ path: CREATE, fault: 'drop-after', times: 1 });
    expect((await create(venue, resting('x'), { as: { ...MAIN, secretKey: 'guess' } })).body.retCode).toBe(10004);
    await expect(create(venue, resting('one'))).rejects.toThrow();
    await fault({ path: CREATE, fault: 'drop-after', times: 1 });
    expect((await create(venue, resting('two'))).body.retCode).toBe(10006);
  });

  test('the same seed strikes the same requests', async () => {
    const struck = async (seed: number): Promise<readonly number[]> => {
      await control(venue, 'DELETE', '/state');
      await promise(venue, { ordersPerSecond: { spot: 100, linear: 100 } });
      await control(venue, 'PUT', '/faults', { seed, faults: [{ path: CREATE, fault: 'code', code: 10016, probability: 0.5 }] }); // prettier-ignore
      const codes: number[] = [];
      for (let at = 0; at < 20; at += 1) codes.push((await create(venue, resting())).body.retCode);
      return codes;
    };
    const first = await struck(3);
    expect(await struck(3)).toEqual(first);
    expect(new Set(first)).toEqual(new Set([0, 10016]));
    expect(await struck(4)).not.toEqual(first);
  });

  test('a batch is spoiled on request: lists in another order, of unequal length, or none', async () => {
    const batch = async (prefix: string, spoiled: string) => {
      await promise(venue, { batch: spoiled });
      const rows = ['a', 'b', 'c'].map((id) => ({ ...resting(`${prefix}-${id}`), category: undefined }));
      const { result, retExtInfo } = (await post(venue, '/v5/order/create-batch', { category: 'spot', request: rows }))
        .body;
      return { listed: (result['list'] as readonly { orderLinkId: string }[] | undefined)?.map((row) => row.orderLinkId), ext: retExtInfo['list'] }; // prettier-ignore
    };
    expect(await batch('s', 'shuffled')).toMatchObject({ listed: ['s-c', 's-b', 's-a'], ext: [{}, {}, {}] });
    expect(await batch('u', 'unequal')).toMatchObject({ listed: ['u-a', 'u-b', 'u-c'], ext: [{}, {}] });
    expect(await batch('m', 'missing')).toEqual({ listed: undefined, ext: undefined });
    expect(await ids()).toHaveLength(9);
  });
});

describe('the control interface', () => {
  const venue = localVenue([MAIN]);

  test.each([
    ['/faults', { faults: [{ path: CREATE, fault: 'explode' }] }, 'faults.0.fault'],
    ['/faults', { faults: [{ path: CREATE, fault: 'code' }] }, 'needs the Bybit code'],
    ['/faults', { faults: [{ path: CREATE, fault: 'status', code: 99 }] }, 'from 200 to 599'],
    ['/faults', { faults: [{ path: CREATE, fault: 'html', message: 'x' }] }, 'message goes with'],
    ['/faults', { faults: [{ path: '/', fault: 'html' }] }, 'faults.0.path: no endpoint has the path /'],
    ['/faults', { faults: [{ path: `${CREATE} inverse`, fault: 'html' }] }, 'there are: '],
    ['/accounts', { account: 'x' }, 'apiKey'],
    ['/accounts', { ...MAIN, account: 'another' }, 'belongs to account main'],
    ['/accounts', { ...MAIN, uid: 'house' }, "the venue's own"],
    ['/accounts', { ...MAIN, balances: { DOGE: '1' } }, 'no coin DOGE here'],
    ['/accounts', { ...MAIN, environment: 'staging' }, 'environment'],
    ['/promises', { refusesRepeatedIds: 'sometimes' }, 'refusesRepeatedIds'],
    ['/promises', { unknown: 1 }, 'unknown'],
    ['/promises', { marketBound: '1.5' }, 'must be a part'],
    ['/clock', {}, 'offsetMs'],
    ['/market', { symbol: 'NONE', mid: '1' }, 'not listed here'],
    ['/market', { symbol: 'SOLUSDT', mid: '100.01' }, 'in steps of 0.05'],
    ['/service', { service_type: 'spot', status: '7' }, 'status'],
    ['/faults', '{', 'one JSON object'],
  ])('PUT %s %j is refused with a sentence', async (path, body, sentence) => {
    const reply = await control(venue, 'PUT', path, body);
    expect(reply).toMatchObject({ status: 400, body: { error: expect.stringContaining(sentence) } });
  });

  test('what is set is shown, maintenance is announced, and DELETE /state forgets all but the keys', async () => {
    await control(venue, 'PUT', '/service', { service_type: 'spot', status: '1', title: 'upgrade' });
    expect((await get(venue, '/v5/system/status')).body.result).toMatchObject({ list: [{ product: [2] }, { title: 'upgrade', state: 'ongoing', product: [1] }] }); // prettier-ignore
    await control(venue, 'PUT', '/clock', { offsetMs: -200 });
    await control(venue, 'PUT', '/faults', { faults: [{ path: CREATE, fault: 'html', times: 3 }] });
    await create(venue, resting());
    await create(venue, linear({ orderType: 'Market' }));
    expect((await control(venue, 'GET', '/faults')).body).toMatchObject({ faults: [{ struck: 2 }] });
    expect((await control(venue, 'GET', '/clock')).body).toMatchObject({ offsetMs: -200 });
    await control(venue, 'DELETE', '/faults');
    await create(venue, linear({ orderType: 'Market' }));
    expect((await control(venue, 'GET', '/positions')).body).toMatchObject([{ symbol: 'BTCUSDT', side: 'long', amount: '0.01', account: 'main' }]); // prettier-ignore
    await control(venue, 'DELETE', '/state');
    expect((await control(venue, 'GET', '/orders')).body).toEqual([]);
    expect((await control(venue, 'GET', '/positions')).body).toEqual([]);
    expect((await control(venue, 'GET', '/requests')).body).toEqual({});
    expect((await control(venue, 'GET', '/service')).body).toMatchObject({ service: [{ state: 'completed' }, { state: 'completed' }] }); // prettier-ignore
    expect((await create(venue, resting('one'))).body.retCode).toBe(0);
    expect((await control(venue, 'GET', '/nothing')).status).toBe(404);
    expect((await control(venue, 'DELETE', '/accounts')).status).toBe(404);
  });

  test('one market moves alone when it is named', async () => {
    const mids = async (): Promise<readonly unknown[]> =>
      Promise.all(
        ['spot', 'linear'].map(async (category) => {
          const { result } = (await get(venue, `/v5/market/orderbook?category=${category}&symbol=BTCUSDT&limit=1`))
            .body;
          return (result['a'] as readonly string[][])[0]?.[0];
        }),
      );
    await control(venue, 'PUT', '/market', { symbol: 'BTCUSDT', mid: '61000' });
    expect(await mids()).toEqual(['61000.1', '61000.1']);
    await control(venue, 'PUT', '/market', { symbol: 'BTCUSDT', mid: '59000', category: 'linear' });
    expect(await mids()).toEqual(['61000.1', '59000.1']);
  });

  test('ports: any free one, or the one asked for, which must be free', async () => {
    await expect(startLocalBybit({ port: venue.port })).rejects.toThrow(/EADDRINUSE/);
    expect(new Set([venue.url, venue.demoUrl, venue.testnetUrl]).size).toBe(3);
  });
});
