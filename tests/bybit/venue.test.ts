// Bybit behind the seam: what goes out on the wire, which verdict each kind of answer gives, and what becomes of orders at the
// local exchange, which accepts first and acts later.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readCredentials } from '../../shared/bybit/venue.ts';
import type { NewOrder, Sighting, Venue, VenueOrder } from '../../shared/order/venue.ts';
import { startRecorder, type Recorder, type Script } from '../bitmart/recorder.ts';
import { promise, wait } from '../local/bybit/client.ts';
import { changed } from '../order/arbitraries.ts';
import {
  answer,
  AT_ONCE,
  atMarket,
  buy,
  cancelOf,
  control,
  fresh,
  instruction,
  inTime,
  localVenue,
  long,
  MAIN,
  query,
  refusal,
  refusePrices,
  soon,
  venueAt,
} from './fixture.ts';

const SETTLED: Readonly<Record<string, object>> = {
  '/v5/account/user-setting-config': { lpaSpot: false, lpaPerp: true, smsef: false, fmsef: false },
  '/v5/account/info': { marginMode: 'REGULAR_MARGIN' },
  '/v5/position/list': { list: [{ symbol: 'BTCUSDT', positionIdx: 0, leverage: '10' }] },
};
const pathOf = ({ url }: { readonly url: string }): string => url.split('?')[0] ?? '';

describe('on the wire', () => {
  let server: Recorder;
  let venue: Venue;
  beforeAll(async () => {
    server = await startRecorder();
  });
  /** The account is as it should be; the rest is answered so. */
  const answering = (said: Script | ((path: string) => Script)): void =>
    server.answer((request) => {
      const path = pathOf(request);
      if (SETTLED[path] !== undefined) return answer(SETTLED[path]);
      return typeof said === 'function' ? said(path) : said;
    });
  beforeEach(() => {
    server.requests.length = 0;
    venue = venueAt(server.url);
    answering(answer({ orderId: '77', orderLinkId: '' }));
  });
  afterAll(() => server.close());
  const writes = () => server.requests.filter(({ method }) => method === 'POST');
  const bodyOf = (index = 0): unknown => JSON.parse(writes()[index]?.bytes.toString('utf8') ?? 'null');

  test.each([
    ['limit', 'GTC'],
    ['limit-maker', 'PostOnly'],
    ['ioc', 'IOC'],
    ['fok', 'FOK'],
  ])('a %s order is a Limit in force %s', async (type, timeInForce) => {
    const order = buy({ type });
    expect(await venue.submit(fresh(), order, inTime())).toEqual({ kind: 'placed', venueOrderId: '77' });
    expect(writes()[0]).toMatchObject({ method: 'POST', url: '/v5/order/create' });
    const fields = {
      category: 'spot',
      symbol: 'BTCUSDT',
      side: 'Buy',
      orderType: 'Limit',
      qty: '0.01',
      price: '50000',
    };
    expect(bodyOf()).toEqual({ ...fields, timeInForce, orderLinkId: order.id });
  });
  test('a market order of spot says what its quantity counts', async () => {
    const order = atMarket(buy(), { notional: '25' });
    await venue.submit(fresh(), order, inTime());
    expect(bodyOf()).toMatchObject({ orderType: 'Market', side: 'Buy', qty: '25', marketUnit: 'quoteCoin' });
    expect(bodyOf()).not.toHaveProperty('price');
    const sale = changed({ ...order }, ['notional'], { side: 'sell', size: '0.5' }) as unknown as NewOrder;
    await venue.submit(fresh(), sale, inTime());
    expect(bodyOf(1)).toMatchObject({ orderType: 'Market', side: 'Sell', qty: '0.5', marketUnit: 'baseCoin' });
  });
  test('a perpetual is of category linear, one-way, with its exits; leverage and margin mode are no fields of it', async () => {
    const order = long({
      leverage: '10',
      marginMode: 'cross',
      selfTradePrevention: 'cancel-maker',
      takeProfit: { price: '70000', trigger: 'mark' },
      stopLoss: { price: '40000' },
    });
    expect(await venue.submit(fresh(), order, inTime())).toMatchObject({ kind: 'placed' });
    expect(bodyOf()).toEqual({
      ...{ category: 'linear', symbol: 'BTCUSDT', side: 'Buy', orderType: 'Limit', qty: '0.01', price: '50000' },
      ...{ timeInForce: 'GTC', positionIdx: 0, takeProfit: '70000', tpTriggerBy: 'MarkPrice', stopLoss: '40000' },
      ...{ smpType: 'CancelMaker', orderLinkId: order.id },
    });
    const market = atMarket(long({ reduceOnly: true, side: 'sell' }), { size: '0.02' });
    await venue.submit(fresh(), market, inTime());
    expect(bodyOf(1)).toEqual({
      category: 'linear',
      symbol: 'BTCUSDT',
      side: 'Sell',
      orderType: 'Market',
      qty: '0.02',
      positionIdx: 0,
      reduceOnly: true,
      orderLinkId: market.id,
    });
  });
  test('margin is refused in words, and nothing is sent', async () => {
    const said = { kind: 'refused', venueCode: 'MARKET_UNSUPPORTED' };
    expect(await venue.submit(fresh(), buy({ market: 'margin' }), inTime())).toMatchObject(said);
    expect(await venue.instruct(fresh(), cancelOf('x', { market: 'margin' }), inTime())).toMatchObject(said);
    expect(await venue.instrument('margin', 'BTC_USDT', soon())).toBe('unknown');
    expect(server.requests).toHaveLength(0);
  });
  test('a look-up asks the open orders, then the history; a perpetual names its symbol', async () => {
    answering(answer({ list: [] }));
    expect(await venue.find(fresh(), query('abc'), inTime())).toEqual({ kind: 'nothing' });
    expect(await venue.find(fresh(), query('abc', 'futures', { venueOrderId: 'uuid-1' }), inTime())).toEqual({
      kind: 'nothing',
    });
    expect(server.requests.map(({ url }) => url)).toEqual([
      '/v5/order/realtime?category=spot&orderLinkId=abc',
      '/v5/order/history?category=spot&orderLinkId=abc',
      '/v5/order/realtime?category=linear&symbol=BTCUSDT&orderId=uuid-1',
      '/v5/order/history?category=linear&symbol=BTCUSDT&orderId=uuid-1',
    ]);
  });
  test('a look-up that fails is not asked on', async () => {
    answering({ status: 500, body: '' });
    expect(await venue.find(fresh(), query('abc'), inTime())).toMatchObject({ kind: 'unknown' });
    expect(server.requests).toHaveLength(1);
  });
  test('a look-up that is told 429 waits, where a write would be looked up', async () => {
    answering({ status: 429, body: '' });
    expect(await venue.find(fresh(), query('abc'), inTime())).toMatchObject({
      kind: 'throttled',
      venueCode: 'HTTP_429',
    });
  });
  test('public calls carry neither key nor signature', async () => {
    await venue.time(soon());
    await venue.book('futures', 'BTC_USDT', soon());
    await venue.instrument('spot', 'BTC_USDT', soon());
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /v5/market/time',
      'GET /v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=1',
      'GET /v5/market/instruments-info?category=spot&symbol=BTCUSDT',
    ]);
    const names = server.requests.flatMap(({ headers }) => Object.keys(headers));
    expect(names.filter((name) => name.startsWith('x-bapi'))).toEqual([]);
  });

  test('an order past its expiry when its turn comes is not sent', async () => {
    const account = fresh({ mandate: { state: 'active', limitShare: 0.25 } });
    await venue.submit(account, atMarket(buy(), { notional: '25' }), inTime());
    const expiresAt = Date.now() + 250;
    const verdicts = await Promise.all(
      [1, 2, 3].map(() => venue.submit(account, atMarket(buy({ expiresAt }), { notional: '25' }), inTime())),
    );
    expect(verdicts.map(({ kind }) => kind)).toEqual(['placed', 'late', 'late']);
    expect(writes()).toHaveLength(2);
  });
  test('nothing is sent with no time left for an answer', async () => {
    expect(await venue.submit(fresh(), atMarket(buy(), { notional: '25' }), inTime(Date.now() + 5))).toMatchObject({
      kind: 'late',
      venueCode: 'NOT_SENT',
    });
    expect(writes()).toHaveLength(0);
  });
  test('an order of no quantity never leaves', async () => {
    await expect(venue.submit(fresh(), long({ size: '0', reduceOnly: true }), inTime())).rejects.toThrow(
      /no quantity is never sent/,
    );
    await expect(venue.submitAll(fresh(), [buy(), buy({ size: '0.000' })], inTime())).rejects.toThrow(
      /no quantity is never sent/,
    );
    expect(writes()).toHaveLength(0);
  });
  test('in shadow mode everything happens but the send, and what would have been sent is told', async () => {
    const account = fresh({ mandate: { state: 'active', shadow: true } });
    const order = buy();
    const said = await venue.submit(account, order, inTime());
    expect(said).toMatchObject({
      kind: 'done',
      detail: expect.stringMatching(/^shadow mode: signed and not sent: POST \/v5\/order\/create .*within 5000 ms/),
    });
    expect(said).toMatchObject({ detail: expect.stringContaining(order.id) });
    expect(JSON.stringify(said)).not.toContain(MAIN.secretKey);
    expect(await venue.submitAll(account, [buy(), buy()], inTime())).toMatchObject([
      { kind: 'done' },
      { kind: 'done' },
    ]);
    expect(await venue.instruct(account, cancelOf('x1'), inTime())).toMatchObject({ kind: 'done' });
    expect(writes()).toHaveLength(0);
  });

  const kinds: readonly (readonly [what: string, script: Script, verdict: object])[] = [
    ['acceptance without an order id', answer({}), { kind: 'unknown', venueCode: '0', refusedAfterMs: 5000 }],
    ['acceptance of another id', answer({ orderId: '1', orderLinkId: 'another' }), { kind: 'unknown' }],
    ['a used id', refusal(170141), { kind: 'duplicate', venueCode: '170141' }],
    [
      'too little money',
      refusal(110007, 'ab not enough for new order'),
      { kind: 'refused', venueCode: '110007', tradingOver: false },
    ],
    ['a wrong signature', refusal(10004), { kind: 'unauthorised', detail: expect.stringMatching(/secretKey/) }],
    [
      'a key refused with 401 and a body',
      { status: 401, ...refusal(10003) },
      { kind: 'unauthorised', venueCode: '10003' },
    ],
    ['a key refused with 401 and none', { status: 401, body: '' }, { kind: 'unauthorised', venueCode: 'HTTP_401' }],
    ['too many visits', refusal(10006), { kind: 'throttled' }],
    [
      'a code in no table',
      refusal(199999, 'new'),
      { kind: 'failed', venueCode: '199999', detail: expect.stringMatching(/no table.*new/) },
    ],
    ['a server timeout', refusal(10000), { kind: 'unknown' }],
    ['429', { status: 429, body: '' }, { kind: 'unknown', venueCode: 'HTTP_429' }],
    ['404', { status: 404, body: '' }, { kind: 'refused', venueCode: 'HTTP_404' }],
    ['a page', { status: 502, body: '<html>' }, { kind: 'unknown', venueCode: 'HTTP_5XX' }],
    ['a body that is no JSON', { body: 'OK' }, { kind: 'unknown', venueCode: 'HTTP_2XX_BAD_BODY' }],
    ['an answer cut off', { ...answer({ orderId: '1' }), instead: 'cut' }, { kind: 'unknown', venueCode: 'TIMEOUT' }],
    ['a lost connection', { instead: 'reset' }, { kind: 'unknown', venueCode: 'TIMEOUT' }],
  ];
  test.each(kinds)('%s', async (_, script, verdict) => {
    answering(script);
    expect(await venue.submit(fresh(), buy(), inTime())).toMatchObject(verdict);
  });
  test('no connection is no order', async () => {
    const nowhere = venueAt('http://127.0.0.1:1');
    const order = atMarket(buy(), { notional: '25' });
    expect(await nowhere.submit(fresh(), order, inTime())).toMatchObject({
      kind: 'unavailable',
      venueCode: 'CONNECT_FAILED',
    });
  });
  test('what leaves open whether it was executed tells for how long the venue would still take it', async () => {
    answering(refusal(10016));
    const verdict = await venue.submit(fresh(), buy({ expiresAt: Date.now() + 1500 }), inTime());
    if (verdict.kind !== 'unknown') throw new Error(verdict.kind);
    expect(verdict.refusedAfterMs).toBeGreaterThan(900);
    expect(verdict.refusedAfterMs).toBeLessThanOrEqual(1500);
  });
  test("the reset of a limit is told by the venue's clock, however ours goes", async () => {
    const time = Date.now() + 3_600_000;
    answering({
      ...refusalAt(10006, time),
      headers: { 'X-Bapi-Limit': '20', 'X-Bapi-Limit-Status': '0', 'X-Bapi-Limit-Reset-Timestamp': String(time + 700) },
    });
    const verdict = await venue.submit(fresh(), buy(), inTime());
    if (verdict.kind !== 'throttled') throw new Error(verdict.kind);
    expect(verdict.retryAfterMs).toBeGreaterThan(500);
    expect(verdict.retryAfterMs).toBeLessThanOrEqual(700);
  });

  test.each([
    ['403, access too frequent', {}],
    ['<HTML>configured to block access from your country.</HTML>', { isBlocked: true }],
  ])(
    'a 403 (%s) closes the address for all accounts at once, and nothing is sent before it is over',
    async (body, more) => {
      answering({ status: 403, body });
      const order = (): NewOrder => atMarket(buy(), { notional: '25' });
      expect(await venue.submit(fresh(), order(), inTime())).toMatchObject({ kind: 'banned', of: 'address', ...more });
      answering(answer({ orderId: '77', orderLinkId: '' }));
      const others = await Promise.all([
        venue.submit(fresh(), order(), inTime()),
        venue.find(fresh(), query('a'), inTime()),
      ]);
      expect(others).toMatchObject([
        { kind: 'banned', of: 'address', ...more },
        { kind: 'banned', of: 'address', ...more },
      ]);
      expect(await venue.time(soon())).toBeUndefined();
      expect(await venue.book('spot', 'BTC_USDT', soon())).toBeUndefined();
      // The first one was the question for the rules of the symbol.
      expect(server.requests).toHaveLength(1);
      await wait(1300);
      expect(await venue.submit(fresh(), order(), inTime())).toMatchObject({ kind: 'placed' });
    },
  );
  test('a 403 that says nothing is a blocked country at first, and a ban once the address was served', async () => {
    answering({ status: 403, body: '' });
    const order = atMarket(buy(), { notional: '25' });
    expect(await venue.submit(fresh(), order, inTime())).toMatchObject({ kind: 'banned', isBlocked: true });
    const other = venueAt(server.url);
    answering(answer({ orderId: '77', orderLinkId: '' }));
    await other.submit(fresh(), order, inTime());
    answering({ status: 403, body: '' });
    expect(await other.submit(fresh(), order, inTime())).not.toHaveProperty('isBlocked');
  });

  describe('what an order relies on', () => {
    const asked = () => server.requests.map(pathOf);
    test('is asked once for the life of the process: whether prices are refused', async () => {
      const account = fresh();
      for (let time = 0; time < 3; time += 1) await venue.submit(account, long(), inTime());
      expect(asked().filter((path) => path === '/v5/account/user-setting-config')).toHaveLength(1);
      await venue.submit(fresh(), long(), inTime());
      expect(asked().filter((path) => path === '/v5/account/user-setting-config')).toHaveLength(2);
    });
    test.each([
      ['futures', { lpaSpot: false, lpaPerp: false }],
      ['spot', { lpaSpot: true, lpaPerp: true }],
    ])('%s: where prices may be moved nothing with a price is sent', async (market, setting) => {
      server.answer((request) =>
        pathOf(request).endsWith('config') ? answer(setting) : answer({ orderId: '7', orderLinkId: '' }),
      );
      const priced = market === 'spot' ? buy() : long();
      expect(await venue.submit(fresh(), priced, inTime())).toMatchObject({
        kind: 'refused',
        venueCode: 'PRICES_MAY_BE_MOVED',
        detail: expect.stringMatching(/nothing was sent/),
      });
      expect(writes()).toHaveLength(0);
      const unpriced = market === 'spot' ? atMarket(buy(), { notional: '25' }) : atMarket(long(), { size: '0.01' });
      expect(await venue.submit(fresh(), unpriced, inTime())).toMatchObject({ kind: 'placed' });
    });
    test('an amend of a price as well', async () => {
      server.answer(answer({ lpaSpot: false, lpaPerp: false }));
      const amend = instruction({ action: 'amend', market: 'futures', target: 'x1', size: '1', price: '2' });
      expect(await venue.instruct(fresh(), amend, inTime())).toMatchObject({
        kind: 'refused',
        venueCode: 'PRICES_MAY_BE_MOVED',
      });
    });
    test('where nobody relies on prices perpetuals are not asked about, and the promise says so', async () => {
      const loose = venueAt(server.url, { variables: { BYBIT_MAY_MOVE_PRICES: 'true' } });
      expect(await loose.submit(fresh(), long(), inTime())).toMatchObject({ kind: 'placed' });
      expect(asked()).not.toContain('/v5/account/user-setting-config');
      expect(loose.promises.keepsPrice).toEqual({ spot: true, margin: true, futures: false });
      expect(venue.promises.keepsPrice.futures).toBe(true);
    });
    test('demo cannot be asked: spot goes by its default, perpetuals are refused in words', async () => {
      const demo = venueAt(server.url, { environment: 'demo' });
      expect(await demo.submit(fresh(), buy(), inTime())).toMatchObject({ kind: 'placed' });
      expect(await demo.submit(fresh(), long(), inTime())).toMatchObject({
        kind: 'refused',
        detail: expect.stringMatching(/BYBIT_MAY_MOVE_PRICES/),
      });
      expect(demo.together.spot.most).toBe(1);
      expect(demo.together.futures.most).toBe(10);
    });
    test('an answer that does not tell sends nothing, and is not remembered', async () => {
      const account = fresh();
      server.answer(refusal(10016));
      expect(await venue.submit(account, long(), inTime())).toMatchObject({
        kind: 'unavailable',
        detail: expect.stringMatching(/nothing was sent/),
      });
      answering(answer({ orderId: '77', orderLinkId: '' }));
      expect(await venue.submit(account, long(), inTime())).toMatchObject({ kind: 'placed' });
    });
    test.each([
      [refusal(10003), 'unauthorised'],
      [refusal(10006), 'throttled'],
      [{ status: 403, body: '' }, 'banned'],
    ])('an answer that stops the account stops it: %#', async (script, kind) => {
      server.answer(script);
      expect(await venue.submit(fresh(), long(), inTime())).toMatchObject({ kind });
      expect(writes()).toHaveLength(0);
    });
    test('an order of another leverage or margin mode than the account has is refused with the way out', async () => {
      expect(await venue.submit(fresh(), long({ leverage: '5' }), inTime())).toMatchObject({
        kind: 'refused',
        venueCode: 'LEVERAGE_DIFFERS',
        detail: expect.stringMatching(/is 10, and not 5.*set-leverage/),
      });
      expect(await venue.submit(fresh(), long({ marginMode: 'isolated' }), inTime())).toMatchObject({
        kind: 'refused',
        venueCode: 'MARGIN_MODE_DIFFERS',
      });
      expect(await venue.submit(fresh(), long({ leverage: '10.00', marginMode: 'cross' }), inTime())).toMatchObject({
        kind: 'placed',
      });
      expect(writes()).toHaveLength(1);
    });
    test('the rules cannot be had: a symbol that is written like another is not sent', async () => {
      expect(await venue.submit(fresh(), buy({ symbol: 'BTCU_SDT' }), inTime())).toMatchObject({
        kind: 'unavailable',
        venueCode: 'SYMBOL_UNPROVEN',
      });
      expect(writes()).toHaveLength(0);
    });
  });

  describe('instructions', () => {
    test('a cancel names one order, and its report tells what came of it', async () => {
      expect(await venue.instruct(fresh(), cancelOf('target1'), inTime())).toMatchObject({
        kind: 'done',
        detail: expect.stringMatching(/report of the order/),
      });
      expect(bodyOf()).toEqual({ category: 'spot', symbol: 'BTCUSDT', orderLinkId: 'target1' });
    });
    test.each(['', 'a b', undefined])('a cancel of %j is not sent', async (target) => {
      expect(await venue.instruct(fresh(), cancelOf(target as string), inTime())).toMatchObject({
        kind: 'refused',
        venueCode: 'TARGET_MISSING',
      });
      expect(writes()).toHaveLength(0);
    });
    test.each([
      [170213, 'finished'],
      [110001, 'finished'],
      [170142, 'finished'],
      [110008, 'finished'],
      [170191, 'unavailable'],
      [170147, 'unknown'],
    ])('a cancel answered %i: %s', async (code, kind) => {
      answering(refusal(code));
      expect(await venue.instruct(fresh(), cancelOf('t1'), inTime())).toMatchObject({ kind });
    });
    test('an amend carries both numbers, and is looked at', async () => {
      const amend = instruction({ action: 'amend', market: 'futures', target: 't1', size: '0.02', price: '51000' });
      expect(await venue.instruct(fresh(), amend, inTime())).toEqual({ kind: 'taken' });
      expect(bodyOf()).toEqual({
        category: 'linear',
        symbol: 'BTCUSDT',
        orderLinkId: 't1',
        qty: '0.02',
        price: '51000',
      });
    });
    test('cancel-all: of a symbol, of all; never of one side', async () => {
      answering(answer({ list: [{ orderId: '1' }], success: '1' }));
      expect(
        await venue.instruct(fresh(), instruction({ action: 'cancel-all', symbol: undefined }), inTime()),
      ).toMatchObject({ kind: 'done' });
      await venue.instruct(fresh(), instruction({ action: 'cancel-all', market: 'futures' }), inTime());
      expect([bodyOf(), bodyOf(1)]).toEqual([{ category: 'spot' }, { category: 'linear', symbol: 'BTCUSDT' }]);
      expect(await venue.instruct(fresh(), instruction({ action: 'cancel-all', side: 'buy' }), inTime())).toMatchObject(
        { kind: 'refused', venueCode: 'SIDE_UNSUPPORTED' },
      );
      answering(answer({ list: [], success: '0' }));
      expect(await venue.instruct(fresh(), instruction({ action: 'cancel-all' }), inTime())).toMatchObject({
        kind: 'done',
        detail: 'there was nothing to cancel',
      });
      answering(answer({ list: [{ orderId: '1' }], success: '0' }));
      expect(await venue.instruct(fresh(), instruction({ action: 'cancel-all' }), inTime())).toMatchObject({
        kind: 'unknown',
      });
    });
    test('leverage and one-way mode are set, and set already is set', async () => {
      const leverage = instruction({ action: 'set-leverage', market: 'futures', leverage: '7', marginMode: 'cross' });
      expect(await venue.instruct(fresh(), leverage, inTime())).toMatchObject({ kind: 'done' });
      expect(bodyOf()).toEqual({ category: 'linear', symbol: 'BTCUSDT', buyLeverage: '7', sellLeverage: '7' });
      answering(refusal(110043));
      expect(await venue.instruct(fresh(), leverage, inTime())).toMatchObject({
        kind: 'done',
        detail: 'leverage already so',
      });
      answering(refusal(110025));
      const mode = { action: 'set-position-mode', market: 'futures', positionMode: 'one-way' };
      expect(await venue.instruct(fresh(), instruction(mode), inTime())).toMatchObject({ kind: 'done' });
      expect(bodyOf(2)).toEqual({ category: 'linear', coin: 'USDT', mode: 0 });
      const before = writes().length;
      expect(await venue.instruct(fresh(), instruction({ ...mode, positionMode: 'hedge' }), inTime())).toMatchObject({
        kind: 'refused',
        venueCode: 'HEDGE_UNSUPPORTED',
      });
      const isolated = { ...leverage, marginMode: 'isolated' } as typeof leverage;
      expect(await venue.instruct(fresh(), isolated, inTime())).toMatchObject({
        kind: 'refused',
        venueCode: 'MARGIN_MODE_DIFFERS',
      });
      expect(writes()).toHaveLength(before);
    });
    test('there is no dead-man switch, and the sentence says what to do', async () => {
      const said = await venue.instruct(
        fresh(),
        instruction({ action: 'cancel-all-after', market: 'futures', timeoutSeconds: 30 }),
        inTime(),
      );
      expect(said).toMatchObject({
        kind: 'refused',
        venueCode: 'DEAD_MAN_SWITCH_UNSUPPORTED',
        detail: expect.stringMatching(/expiresAt/),
      });
      expect(writes()).toHaveLength(0);
    });
  });
});

const refusalAt = (code: number, time: number): Script => answer({}, { retCode: code, time });

describe('at the local exchange', () => {
  const exchange = localVenue([MAIN]);
  let venue: Venue;
  beforeEach(async () => {
    venue = venueAt(exchange.url);
    await refusePrices(exchange);
  });
  const orderOf = (sighting: Sighting): VenueOrder => {
    if (sighting.kind !== 'found') throw new Error(JSON.stringify(sighting));
    return sighting.order;
  };
  const placed = async (order: NewOrder, account = fresh()): Promise<VenueOrder> => {
    expect(await venue.submit(account, order, inTime())).toMatchObject({ kind: 'placed' });
    return orderOf(await venue.find(account, query(order.id, order.market, { symbol: order.symbol }), inTime()));
  };

  test.each(['spot', 'futures'] as const)(
    '%s: a resting order is found as it was asked for, by either id',
    async (market) => {
      const order = market === 'spot' ? buy({ price: '59900.5' }) : long({ price: '59900.5' });
      const found = await placed(order);
      expect(found).toMatchObject({
        market,
        symbol: 'BTC_USDT',
        side: 'buy',
        type: 'limit',
        state: 'open',
        size: '0.01',
        price: '59900.5',
        filledSize: '0',
      });
      const byId = await venue.find(fresh(), query(order.id, market, { venueOrderId: found.venueOrderId }), inTime());
      expect(orderOf(byId)).toEqual(found);
      const another = await venue.find(
        fresh(),
        query('another', market, { venueOrderId: found.venueOrderId }),
        inTime(),
      );
      expect(another).toMatchObject({ kind: 'unavailable' });
    },
  );
  test.each([
    [
      'a market buy by value',
      (): NewOrder => atMarket(buy(), { notional: '600' }),
      { state: 'filled', type: 'market' },
    ],
    [
      'a market sale',
      (): NewOrder => atMarket(buy({ side: 'sell' }), { size: '0.01' }),
      { state: 'filled', filledSize: '0.01' },
    ],
    ['an ioc that crosses', (): NewOrder => buy({ type: 'ioc', price: '60100' }), { state: 'filled', type: 'ioc' }],
    [
      'an ioc that does not',
      (): NewOrder => buy({ type: 'ioc', price: '59800' }),
      { state: 'canceled', filledSize: '0', cancelSource: 'system', reason: expect.stringMatching(/^EC_/) },
    ],
    [
      'a fok that is too large',
      (): NewOrder => buy({ type: 'fok', price: '60001', size: '10' }),
      { state: 'canceled', filledSize: '0', reason: expect.stringMatching(/^EC_/) },
    ],
    [
      'a maker that crosses',
      (): NewOrder => buy({ type: 'limit-maker', price: '60100' }),
      { state: 'canceled', filledSize: '0', reason: 'EC_PostOnlyWillTakeLiquidity' },
    ],
    [
      'a perpetual at market',
      (): NewOrder => atMarket(long(), { size: '0.01' }),
      { state: 'filled', market: 'futures', filledSize: '0.01' },
    ],
  ] as const)('%s', async (_, order, shown) => {
    expect(await placed(order())).toMatchObject(shown);
  });
  test('a price beyond the band is refused in both markets', async () => {
    expect(await venue.submit(fresh(), buy({ price: '70000' }), inTime())).toMatchObject({
      kind: 'refused',
      venueCode: expect.stringMatching(/^1703|^1701|^302|^1101/),
    });
    expect(await venue.submit(fresh(), long({ price: '70000' }), inTime())).toMatchObject({
      kind: 'refused',
      venueCode: '30208',
    });
  });
  test('the fills of an order, coin by coin', async () => {
    const order = atMarket(buy(), { notional: '600' });
    const { venueOrderId, filledSize } = await placed(order);
    const fills = await venue.fee(fresh(), query(order.id, 'spot', { venueOrderId }), inTime());
    expect(fills).toMatchObject({
      size: filledSize,
      averagePrice: expect.stringMatching(/^6000\d/),
      costs: [{ feeCoin: 'BTC' }],
    });
    const perpetual = atMarket(long(), { size: '0.01' });
    const other = await placed(perpetual);
    expect(
      await venue.fee(fresh(), query(perpetual.id, 'futures', { venueOrderId: other.venueOrderId }), inTime()),
    ).toMatchObject({ size: '0.01', costs: [{ feeCoin: 'USDT', fee: expect.stringMatching(/^0\.36/) }] });
    expect(await venue.fee(fresh(), query(order.id), inTime())).toMatchObject({
      kind: 'unavailable',
      venueCode: 'ORDER_ID_UNKNOWN',
    });
    expect(await venue.fee(fresh(), query('none', 'spot', { venueOrderId: '99' }), inTime())).toEqual({
      size: '0',
      costs: [],
    });
  });
  test('who pays in another coin is told so', async () => {
    await control(exchange, 'PUT', '/accounts', { ...MAIN, paysInMnt: true, balances: { USDT: '10000', MNT: '1000' } });
    const order = atMarket(long(), { size: '0.01' });
    const { venueOrderId } = await placed(order);
    expect(await venue.fee(fresh(), query(order.id, 'futures', { venueOrderId }), inTime())).toMatchObject({
      costs: [{ feeCoin: 'MNT' }],
    });
  });
  test('an id is refused again, open or closed, and looked for', async () => {
    const order = buy();
    await placed(order);
    expect(await venue.submit(fresh(), order, inTime())).toMatchObject({ kind: 'duplicate', venueCode: '170141' });
    expect(await venue.instruct(fresh(), cancelOf(order.id), inTime())).toMatchObject({ kind: 'done' });
    expect(orderOf(await venue.find(fresh(), query(order.id), inTime()))).toMatchObject({
      state: 'canceled',
      cancelSource: 'user',
    });
    expect(await venue.submit(fresh(), order, inTime())).toMatchObject({ kind: 'duplicate' });
    expect(await venue.instruct(fresh(), cancelOf(order.id), inTime())).toMatchObject({ kind: 'finished' });
    const perpetual = long();
    await placed(perpetual);
    expect(await venue.submit(fresh(), perpetual, inTime())).toMatchObject({ kind: 'duplicate', venueCode: '110072' });
  });
  test.each([
    ['accept-then-reject', 'rejected'],
    ['accept-then-cancel', 'canceled'],
  ])('%s: accepted now, and told truly later with the reason', async (fault, state) => {
    await control(exchange, 'PUT', '/faults', {
      faults: [{ path: '/v5/order/create', fault, times: 1, message: 'EC_Others' }],
    });
    expect(await placed(buy())).toMatchObject({ state, filledSize: '0', reason: 'EC_Others' });
  });
  test('an order that is not booked yet is nothing, and shows later', async () => {
    await promise(exchange, { ...AT_ONCE, actsAfterMs: 300 });
    const order = buy();
    expect(await venue.submit(fresh(), order, inTime())).toMatchObject({ kind: 'placed' });
    expect(await venue.find(fresh(), query(order.id), inTime())).toEqual({ kind: 'nothing' });
    await wait(400);
    expect(await venue.find(fresh(), query(order.id), inTime())).toMatchObject({ kind: 'found' });
  });
  test('what a restart has wiped from the open list is found in the history', async () => {
    const order = buy({ type: 'ioc', price: '60100' });
    await placed(order);
    await control(exchange, 'DELETE', '/realtime');
    expect(orderOf(await venue.find(fresh(), query(order.id), inTime()))).toMatchObject({ state: 'filled' });
  });
  test('the same symbol text is two things: an order of the one is not found in the other', async () => {
    const order = buy();
    await placed(order);
    expect(await venue.find(fresh(), query(order.id, 'futures'), inTime())).toEqual({ kind: 'nothing' });
  });
  test('an amend changes a perpetual, a cancel-all empties a market', async () => {
    const order = long();
    await placed(order);
    const amend = instruction({ action: 'amend', market: 'futures', target: order.id, size: '0.02', price: '51000' });
    expect(await venue.instruct(fresh(), amend, inTime())).toEqual({ kind: 'taken' });
    expect(orderOf(await venue.find(fresh(), query(order.id, 'futures'), inTime()))).toMatchObject({
      size: '0.02',
      price: '51000',
    });
    expect(
      await venue.instruct(fresh(), instruction({ action: 'cancel-all', market: 'futures' }), inTime()),
    ).toMatchObject({ kind: 'done' });
    expect(orderOf(await venue.find(fresh(), query(order.id, 'futures'), inTime()))).toMatchObject({
      state: 'canceled',
    });
    expect(await venue.instruct(fresh(), amend, inTime())).toMatchObject({ kind: 'finished' });
  });
  test('leverage is set, and an order that names it goes out with it alone', async () => {
    const account = fresh();
    expect(await venue.submit(account, long({ leverage: '7' }), inTime())).toMatchObject({
      kind: 'refused',
      venueCode: 'LEVERAGE_DIFFERS',
    });
    const leverage = instruction({ action: 'set-leverage', market: 'futures', leverage: '7', marginMode: 'cross' });
    expect(await venue.instruct(account, leverage, inTime())).toEqual({ kind: 'done' });
    expect(await venue.instruct(account, leverage, inTime())).toMatchObject({
      kind: 'done',
      detail: 'leverage already so',
    });
    expect(await venue.submit(account, long({ leverage: '7', marginMode: 'cross' }), inTime())).toMatchObject({
      kind: 'placed',
    });
  });
  test('a reduce-only order of a flat account is refused', async () => {
    expect(
      await venue.submit(fresh(), long({ side: 'sell', reduceOnly: true, price: '60100' }), inTime()),
    ).toMatchObject({ kind: 'refused', venueCode: '110017' });
  });
  test('a request that is held up beyond the life of its order is refused by the exchange itself', async () => {
    await control(exchange, 'PUT', '/faults', {
      faults: [{ path: '/v5/order/create', fault: 'delay', ms: 800, times: 1 }],
    });
    const order = buy({ expiresAt: Date.now() + 400 });
    expect(await venue.submit(fresh(), order, inTime())).toMatchObject({ kind: 'unavailable', venueCode: '10002' });
    expect(await venue.find(fresh(), query(order.id), inTime())).toEqual({ kind: 'nothing' });
  });
  test('a clock that is off is measured and told', async () => {
    await control(exchange, 'PUT', '/clock', { offsetMs: 20_000 });
    const order = atMarket(buy(), { notional: '25' });
    expect(await venue.submit(fresh(), order, inTime())).toMatchObject({
      kind: 'unavailable',
      venueCode: '10002',
      detail: expect.stringMatching(/20 s behind the venue/),
    });
  });
  test('a key of another environment is refused with the remedy', async () => {
    const demo = venueAt(exchange.demoUrl, { environment: 'demo' });
    expect(await demo.submit(fresh(), buy(), inTime())).toMatchObject({
      kind: 'unauthorised',
      venueCode: '10003',
      detail: expect.stringMatching(/environment/),
    });
  });
  test('time, book and rules', async () => {
    expect(Math.abs(((await venue.time(soon())) ?? 0) - Date.now())).toBeLessThan(1000);
    expect(await venue.book('spot', 'BTC_USDT', soon())).toEqual({
      bid: expect.stringMatching(/^59999/),
      ask: expect.stringMatching(/^60000/),
    });
    expect(await venue.instrument('futures', 'BTC_USDT', soon())).toMatchObject({
      priceStep: '0.1',
      sizeStep: '0.001',
    });
  });
  test('rules of no symbol, which a starting function asks for, open the connection and tell nothing', async () => {
    for (const market of ['spot', 'futures'] as const) expect(await venue.instrument(market, '', 0)).toBeUndefined();
  });
});

describe('credentials', () => {
  const SECRET = { venue: 'bybit', apiKey: 'key', secretKey: 'secret' };
  test.each([
    [SECRET, { apiKey: 'key', secretKey: 'secret' }],
    [
      { ...SECRET, environment: 'testnet', brokerId: 'b-1' },
      { apiKey: 'key', secretKey: 'secret', brokerId: 'b-1' },
    ],
  ])('%j are read', (secret, read) => expect(readCredentials(secret)).toEqual(read));
  test.each([
    ['memo', { ...SECRET, memo: 'x' }],
    ['apiKey', { ...SECRET, apiKey: 'a key' }],
    ['secretKey', { ...SECRET, secretKey: '' }],
    ['environment', { ...SECRET, environment: 'prod' }],
    ['venue', { ...SECRET, venue: 'another' }],
  ])('a wrong %s is named, and no value shown', (field, secret) => {
    const said = JSON.stringify(readCredentials(secret));
    expect(said).toContain(field);
    for (const value of ['a key', 'prod', 'another', 'secret"']) expect(said).not.toContain(`"${value}`);
  });
});
