// Faults on request, and the control interface that sets them.
import { describe, expect, test } from '@jest/globals';
import { createFaults, type Fault } from '../../../local/exchange/faults.ts';
import { startLocalBitmart } from '../../../local/bitmart/server.ts';
import { control, find, get, MAIN, ordersOf, post, register, resting, submit } from './client.ts';
import { localVenue } from './fixture.ts';

const PLACE = '/spot/v2/submit_order';

describe('faults', () => {
  const venue = localVenue(MAIN);

  const fault = (...faults: object[]) => control(venue, 'PUT', '/faults', { seed: 7, faults });
  const ids = async (): Promise<readonly string[]> => (await ordersOf(venue)).map(({ clientOrderId }) => clientOrderId);

  test('drop-before resets the connection and executes nothing', async () => {
    await fault({ path: PLACE, fault: 'drop-before', times: 1 });
    await expect(submit(venue, resting('one'))).rejects.toThrow();
    expect(await ids()).toEqual([]);
    expect((await submit(venue, resting('one'))).status).toBe(200);
    expect((await control(venue, 'GET', '/requests')).body).toMatchObject({
      [PLACE]: { count: 2, unanswered: 1, byStatus: { '200': 1 }, maxInWindow: 2 },
    });
  });

  test('drop-after executes and resets the connection', async () => {
    await fault({ path: PLACE, fault: 'drop-after', times: 1 });
    await expect(submit(venue, resting('one'))).rejects.toThrow();
    expect(await ids()).toEqual(['one']);
    expect((await submit(venue, resting('one'))).body.code).toBe(50042);
  });

  test('hang-after executes and never answers', async () => {
    await fault({ path: PLACE, fault: 'hang-after', times: 1 });
    const answered = submit(venue, resting('one')).then(
      () => 'answered',
      () => 'broken',
    );
    const waited = new Promise((later) => setTimeout(() => later('silence'), 150));
    expect(await Promise.race([answered, waited])).toBe('silence');
    expect(await ids()).toEqual(['one']);
  });

  test('status, code and html answer without executing', async () => {
    await fault(
      { path: PLACE, fault: 'status', code: 502, times: 1 },
      { path: PLACE, fault: 'code', code: 50022, times: 1 },
      { path: PLACE, fault: 'html', times: 1 },
    );
    const raw = async (): Promise<readonly unknown[]> => {
      try {
        const { status, body } = await submit(venue, resting('one'));
        return [status, body.code];
      } catch (error) {
        return [(error as Error).name];
      }
    };
    expect([await raw(), await raw(), await raw()]).toEqual([['SyntaxError'], [400, 50022], ['SyntaxError']]);
    expect(await ids()).toEqual([]);
    expect((await control(venue, 'GET', '/requests')).body).toMatchObject({
      [PLACE]: { count: 3, byStatus: { '502': 1, '400': 1, '403': 1 }, byCode: { '50022': 1 } },
    });
    await fault({ path: '/spot/v1/wallet', fault: 'html' });
    const page = await fetch(`${venue.spotUrl}/spot/v1/wallet`, { headers: { 'X-BM-KEY': MAIN.apiKey } });
    expect([page.status, page.headers.get('content-type')]).toEqual([403, 'text/html;charset=UTF-8']);
    expect(await page.text()).toContain('<html>');
  });

  test('delay reaches the venue later and is then judged by its clock', async () => {
    await fault({ path: PLACE, fault: 'delay', ms: 300, times: 1 });
    const started = performance.now();
    const answer = submit(venue, resting('one'));
    await new Promise((later) => setTimeout(later, 60));
    expect(await ids()).toEqual([]);
    expect((await answer).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(290);
    await fault({ path: '/spot/v4/query/open-orders', fault: 'delay', ms: 200 });
    expect((await post(venue, '/spot/v4/query/open-orders', { recvWindow: 60 })).body.code).toBe(30007);
  });

  test.each([
    ['the placement', PLACE],
    ['the query', '/spot/v4/query/client-order'],
  ])('lookup-lag on %s hides new orders from it for a while, and only from it', async (_, path) => {
    await submit(venue, resting('before'));
    await new Promise((later) => setTimeout(later, 5));
    await fault({ path, fault: 'lookup-lag', ms: 500 });
    await submit(venue, resting('after'));
    expect((await find(venue, 'before')).body.code).toBe(1000);
    expect((await find(venue, 'after')).body.code).toBe(50005);
    expect(await ids()).toContain('after');
    await new Promise((later) => setTimeout(later, 520));
    expect((await find(venue, 'after')).body.code).toBe(1000);
  });

  test('a fault acts after the signature check and the rate count', async () => {
    await fault({ path: PLACE, fault: 'code', code: 59002 });
    expect((await submit(venue, resting(), { ...MAIN, secretKey: 'wrong' })).body.code).toBe(30005);
    const faulted = await submit(venue, resting());
    expect([faulted.status, faulted.body.code, faulted.headers.get('x-bm-ratelimit-remaining')]).toEqual([
      500,
      59002,
      '1',
    ]);
  });

  test('a venue with a hanging and a delayed request closes at once', async () => {
    const own = await startLocalBitmart();
    await register(own, MAIN);
    const faults = [
      { path: PLACE, fault: 'hang-after', times: 1 },
      { path: PLACE, fault: 'delay', ms: 60_000 },
    ];
    await control(own, 'PUT', '/faults', { faults });
    const lost = [submit(own, resting('a')), submit(own, resting('b'))].map((one) => one.catch(() => 'lost'));
    await new Promise((later) => setTimeout(later, 60));
    await own.close();
    expect(await Promise.all(lost)).toEqual(['lost', 'lost']);
  });

  test('DELETE /faults clears them, DELETE /state brings everything but the accounts back', async () => {
    await fault({ path: PLACE, fault: 'html' });
    await control(venue, 'DELETE', '/faults');
    await submit(venue, { symbol: 'BTC_USDT', side: 'buy', type: 'market', notional: '600', client_order_id: 'one' });
    await control(venue, 'PUT', '/clock', { offsetMs: 5_000 });
    await control(venue, 'PUT', '/promises', { refusesRepeatedIds: false });
    await control(venue, 'PUT', '/service', { service_type: 'spot', status: '1' });
    await control(venue, 'PUT', '/market', { symbol: 'BTC_USDT', mid: '70000' });
    await control(venue, 'DELETE', '/state');
    expect(await ordersOf(venue)).toEqual([]);
    expect((await control(venue, 'GET', '/requests')).body).toEqual({});
    expect((await control(venue, 'GET', '/clock')).body).toMatchObject({ offsetMs: 0 });
    expect((await control(venue, 'GET', '/promises')).body).toMatchObject({ refusesRepeatedIds: 'always' });
    expect((await get(venue, '/system/service')).body.data).toMatchObject({
      service: [{ status: '2' }, { status: '2' }],
    });
    expect((await get(venue, '/spot/quotation/v3/ticker?symbol=BTC_USDT')).body.data).toMatchObject({
      last: '60000.00',
    });
    expect((await control(venue, 'GET', '/accounts')).body).toMatchObject([
      { account: 'main', balances: { USDT: { available: '1000000', frozen: '0' }, BTC: { available: '100' } } },
    ]);
    expect((await submit(venue, resting('one'))).status).toBe(200);
  });

  test('GET /accounts shows no secret', async () => {
    const text = JSON.stringify((await control(venue, 'GET', '/accounts')).body);
    for (const secret of [MAIN.apiKey, MAIN.secretKey, MAIN.memo]) expect(text).not.toContain(secret);
  });

  test.each([
    ['/accounts', { account: 'x' }, /apiKey.*secretKey.*memo/],
    ['/accounts', { ...MAIN, account: 'thief' }, /belongs to account main/],
    ['/accounts', { ...MAIN, balances: { DOGE: '1' } }, /no currency DOGE/],
    ['/accounts', { ...MAIN, permissions: ['fly'] }, /permissions/],
    ['/accounts', { ...MAIN, uid: 'house' }, /uid: is the venue's own/],
    ['/accounts', { ...MAIN, account: 'a b' }, /account: must be/],
    ['/faults', { faults: [{ path: PLACE, fault: 'explode' }] }, /faults\.0\.fault/],
    ['/faults', { faults: [{ path: PLACE, fault: 'code' }] }, /needs the BitMart code/],
    ['/faults', { faults: [{ path: PLACE, fault: 'html', times: 0 }] }, /at least 1/],
    ['/faults', { faults: [{ path: PLACE, fault: 'code-after' }] }, /needs the BitMart code/],
    ['/faults', { faults: [{ path: PLACE, fault: 'status-after', code: 7 }] }, /from 200 to 599/],
    ['/faults', { faults: [{ path: PLACE, fault: 'html', message: 'no' }] }, /message goes with/],
    [
      '/faults',
      { faults: [{ path: '/', fault: 'html' }] },
      /faults\.0\.path: no endpoint has the path \/, .* there are: .*\/spot\/v2\/submit_order/,
    ],
    [
      '/faults',
      {
        faults: [
          { path: PLACE, fault: 'html' },
          { path: '/spot/v2', fault: 'html' },
        ],
      },
      /faults\.1\.path: no endpoint/,
    ],
    ['/clock', { offsetMs: 'soon' }, /offsetMs/],
    ['/promises', { keepsSecrets: true }, /keepsSecrets/],
    ['/market', { symbol: 'DOGE_USDT', mid: '1' }, /not listed/],
    ['/market', { symbol: 'BTC_USDT', mid: '1.001' }, /at most 2 decimals/],
    ['/service', { service_type: 'bar', status: '2' }, /service_type/],
    ['/clock', 'nonsense', /one JSON object/],
  ])('control %s refuses %j with a sentence', async (path, body, sentence) => {
    const { status, body: answer } = await control(venue, 'PUT', path, body);
    expect(status).toBe(400);
    expect((answer as { error: string }).error).toMatch(sentence);
    expect((await control(venue, 'GET', '/nothing')).status).toBe(404);
  });
});

/** Each market's placement: where, and with which fields and id. */
const MARKETS = [
  ['spot', PLACE, (id: string) => resting(id)],
  ['margin', '/spot/v1/margin/submit_order', (id: string) => ({ ...resting(), clientOrderId: id })],
  [
    'futures',
    '/contract/private/submit-order',
    (client_order_id: string) => ({ symbol: 'BTCUSDT', side: 1, leverage: '10', open_type: 'cross', size: 1, price: '50000', client_order_id }), // prettier-ignore
  ],
] as const;

/** What comes back under a fault, and whether the order is there afterwards. */
const OUTCOMES = [
  [{ fault: 'drop-before' }, 'TypeError', false],
  [{ fault: 'drop-after' }, 'TypeError', true],
  [{ fault: 'hang-after' }, 'TimeoutError', true],
  [{ fault: 'status', code: 502 }, 'SyntaxError', false],
  [{ fault: 'status-after', code: 502 }, 'SyntaxError', true],
  [{ fault: 'html' }, 'SyntaxError', false],
  [{ fault: 'code', code: 30014 }, [503, 30014, 'Service unavailable'], false],
  [{ fault: 'code', code: 40012, message: 'System error' }, [400, 40012, 'System error'], false],
  [{ fault: 'code-after', code: 59002, message: 'Internal error' }, [500, 59002, 'Internal error'], true],
  [{ fault: 'blank-after' }, [200, 1000, 'OK'], true],
  [{ fault: 'delay', ms: 60 }, [200, 1000, expect.stringMatching(/^ok$/i)], true],
] as const;

describe.each(MARKETS)('a placement on %s', (market, path, fields) => {
  const venue = localVenue(MAIN);

  test.each(OUTCOMES)('under %j answers %j; executed: %p', async (fault, answer, isThere) => {
    await control(venue, 'PUT', '/faults', { faults: [{ path, times: 1, ...fault }] });
    const placed = post(venue, path, fields('one'));
    const silence = new Promise<never>((_, late) => {
      setTimeout(() => late(Object.assign(new Error(), { name: 'TimeoutError' })), 300);
    });
    const outcome = await Promise.race([placed, silence]).then(
      ({ status, body }) => [status, body.code, body.message],
      (error: unknown) => (error as Error).name,
    );
    placed.catch(() => undefined);
    expect(outcome).toEqual(answer);
    const ids = (await ordersOf(venue)).map((one) => [one.market, one.clientOrderId]);
    expect(ids).toEqual(isThere ? [[market, 'one']] : []);
    const again = await post(venue, path, fields('one'));
    expect(again.body.code).toBe(isThere ? (market === 'futures' ? 40050 : 50042) : 1000);
  });

  test('an answer without an order id is no success, whatever its code says', async () => {
    await control(venue, 'PUT', '/faults', { faults: [{ path, fault: 'blank-after' }] });
    expect((await post(venue, path, fields('one'))).body).toMatchObject({ code: 1000, data: {} });
  });
});

describe('a look-up right after a placement', () => {
  const venue = localVenue(MAIN);
  const [, , [, path, fields]] = MARKETS;

  test.each(['order', 'get-open-orders', 'order-history'])('lags on /contract/private/%s alone', async (name) => {
    const target = `/contract/private/${name}`;
    await control(venue, 'PUT', '/faults', { faults: [{ path: target, fault: 'lookup-lag', ms: 60_000 }] });
    await post(venue, path, fields('one'));
    const [{ orderId } = { orderId: '' }] = await ordersOf(venue);
    if (name === 'order-history') await post(venue, '/contract/private/cancel-orders', { symbol: 'BTCUSDT' });
    const find = async (where: string): Promise<boolean> => {
      const query = where === 'order' ? `?symbol=BTCUSDT&order_id=${orderId}` : '?symbol=BTCUSDT&client_order_id=one';
      const { data } = (await get(venue, `/contract/private/${where}${query}`)).body;
      return JSON.stringify(data).includes('"one"');
    };
    expect(await find(name)).toBe(false);
    expect(await find(name === 'order' ? 'get-open-orders' : 'order')).toBe(true);
    await control(venue, 'DELETE', '/faults');
    expect(await find(name)).toBe(true);
  });
});

describe('the fault list', () => {
  const fault = (probability: number, times?: number): Fault => ({
    path: '/p',
    fault: 'html',
    probability,
    times,
    ms: 0,
    code: 0,
  });
  const strikes = (seed: number): string => {
    const faults = createFaults();
    faults.put(seed, [fault(0.3)], 0);
    return Array.from({ length: 200 }, () => (faults.strike('/p') ? 'x' : '.')).join('');
  };

  test('strikes the same way for the same seed, differently for another, and about as often as asked', () => {
    expect(strikes(7)).toBe(strikes(7));
    expect(strikes(7)).not.toBe(strikes(8));
    const often = strikes(7).split('x').length - 1;
    expect(often).toBeGreaterThan(40);
    expect(often).toBeLessThan(80);
  });

  test('matches paths exactly, and the first fault that has strikes left wins', () => {
    const faults = createFaults();
    faults.put(1, [fault(1, 1), { ...fault(1), fault: 'delay' }], 0);
    expect(faults.strike('/p/q')).toBeUndefined();
    expect([faults.strike('/p')?.fault, faults.strike('/p')?.fault]).toEqual(['html', 'delay']);
  });
});
