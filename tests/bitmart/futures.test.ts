// Futures and margin behind the seam: the bytes on the wire, guards, look-ups, and both against the local exchange.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startLocalBitmart, type LocalBitmart } from '../../local/bitmart/server.ts';
import { calls, named } from '../../shared/bitmart/calls.ts';
import { contractsIn } from '../../shared/bitmart/contracts.ts';
import { endpoints } from '../../shared/bitmart/endpoints.ts';
import { parseJson } from '../../shared/bitmart/wire.ts';
import type { Market } from '../../shared/order/intent.ts';
import type { Instruction, NewOrder, OrderQuery, Venue } from '../../shared/order/venue.ts';
import { atMarket, buy, cancelOf, fresh, instruction, inTime, KEY, long, optionsAt, query, soon, uniqueId, venueAt } from './fixture.ts'; // prettier-ignore
import { startRecorder, type Recorded, type Recorder, type Script } from './recorder.ts';

const CONTRACT = { symbol: 'BTCUSDT', base_currency: 'BTC', quote_currency: 'USDT', contract_size: '0.001', price_precision: '0.1', vol_precision: '1', max_volume: '500000', min_volume: '1', status: 'Trading' }; // prettier-ignore
const SOL = { ...CONTRACT, symbol: 'SOLUSDT', base_currency: 'SOL', contract_size: '0.3' };
const ok = (data: unknown): Script => ({ body: { code: 1000, message: 'Ok', data } });
const pathOf = ({ url }: Recorded): string => url.replace(/\?.*/, '');

/** A recorder that knows the contracts, whatever else it is told to answer. */
let server: Recorder;
let venue: Venue;
let details: Script;
beforeAll(async () => {
  server = await startRecorder();
});
beforeEach(() => {
  server.requests.length = 0;
  details = ok({ symbols: [CONTRACT, SOL] });
  venue = venueAt('http://127.0.0.1:1', server.url);
});
afterAll(() => server.close());
const answers = (script: Script | ((request: Recorded) => Script)): void =>
  server.answer((request) => {
    if (pathOf(request) === '/contract/public/details') return details;
    return typeof script === 'function' ? script(request) : script;
  });
const sent = (): readonly Recorded[] => server.requests.filter(({ url }) => !url.includes('/public/'));
const bodyOf = (index = 0): unknown => JSON.parse(sent()[index]?.bytes.toString('utf8') ?? 'null');
const paramsOf = (index = 0): Readonly<Record<string, string>> =>
  Object.fromEntries(new URL(sent()[index]?.url ?? '/', server.url).searchParams);

describe('a futures order on the wire', () => {
  beforeEach(() => answers({ body: '{"code":1000,"data":{"order_id":23123456789012345,"price":"50000"}}' }));

  test('is spelled in snake case with whole contracts, on the futures host, signed, and its id keeps every digit', async () => {
    const order = long();
    const credentials = { ...(fresh().credentials as object), brokerId: 'broker-7' };
    const verdict = await venue.submit(fresh({ credentials }), order, inTime());
    expect(verdict).toEqual({ kind: 'placed', venueOrderId: '23123456789012345' });
    expect(sent()[0]).toMatchObject({ method: 'POST', url: '/contract/private/submit-order' });
    expect(sent()[0]?.headers['x-bm-sign']).toMatch(/^[0-9a-f]{64}$/);
    expect(sent()[0]?.headers['x-bm-broker-id']).toBe('broker-7');
    const fields = { symbol: 'BTCUSDT', client_order_id: order.id, side: 1, type: 'limit', mode: 1, price: '50000', size: 10 }; // prettier-ignore
    expect(bodyOf()).toEqual({ ...fields, leverage: '10', open_type: 'cross' });
  });
  test.each([
    ['buy', false, 1],
    ['buy', true, 2],
    ['sell', true, 3],
    ['sell', false, 4],
  ])('%s with reduce-only %p is side %p', async (side, reduceOnly, number) => {
    await venue.submit(fresh(), long({ side, reduceOnly }), inTime());
    expect(bodyOf()).toMatchObject({ side: number });
  });
  test.each([
    ['limit', 1],
    ['fok', 2],
    ['ioc', 3],
    ['limit-maker', 4],
  ])('%s is a limit order of mode %p', async (type, mode) => {
    await venue.submit(fresh(), long({ type }), inTime());
    expect(bodyOf()).toMatchObject({ type: 'limit', mode, price: '50000' });
  });
  test('at market has neither price nor mode, and says nothing of leverage where it only reduces', async () => {
    const order = buy({ market: 'futures', reduceOnly: true, side: 'sell' });
    await venue.submit(fresh(), atMarket(order, { size: '0.0129' }), inTime());
    expect(bodyOf()).toEqual({ symbol: 'BTCUSDT', client_order_id: order.id, side: 3, type: 'market', size: 12 });
  });
  test('takes its exits and self-trade prevention along', async () => {
    const exits = { takeProfit: { price: '70000', trigger: 'mark' }, stopLoss: { price: '40000', trigger: 'last' } };
    await venue.submit(fresh(), long({ ...exits, selfTradePrevention: 'cancel-both' }), inTime());
    expect(bodyOf()).toMatchObject({
      preset_take_profit_price: '70000',
      preset_take_profit_price_type: 2,
      preset_stop_loss_price: '40000',
      preset_stop_loss_price_type: 1,
      stp_mode: 3,
    });
    await venue.submit(fresh(), long({ stopLoss: { price: '40000' }, selfTradePrevention: 'cancel-maker' }), inTime());
    expect(bodyOf(1)).toMatchObject({ preset_stop_loss_price: '40000', stp_mode: 1 });
    expect(bodyOf(1)).not.toHaveProperty('preset_stop_loss_price_type');
    await venue.submit(fresh(), long({ selfTradePrevention: 'cancel-taker' }), inTime());
    expect(bodyOf(2)).toMatchObject({ stp_mode: 2 });
  });
  test.each([
    ['SOL_USDT', '1', 3],
    ['SOL_USDT', '0.3', 1],
    ['SOL_USDT', '0.899999999999999999', 2],
    ['BTC_USDT', '12.3456789', 12345],
  ])('%s of %s is %p contracts, rounded down', async (symbol, size, contracts) => {
    await venue.submit(fresh(), long({ symbol, size }), inTime());
    expect(bodyOf()).toMatchObject({ size: contracts });
  });
  test('below one contract is refused and never sent', async () => {
    const verdict = await venue.submit(fresh(), long({ size: '0.0009' }), inTime());
    expect(verdict).toMatchObject({ kind: 'refused', venueCode: 'SIZE_BELOW_ONE_CONTRACT', tradingOver: false });
    expect(sent()).toEqual([]);
  });
  test.each([
    ['no table', { status: 500, body: '' }],
    ['a row that cannot be read', ok({ symbols: [{ ...CONTRACT, contract_size: 'one' }] })],
  ])('without contract size (%s) is unavailable and never sent', async (_, script) => {
    details = script;
    const verdict = await venue.submit(fresh(), long(), inTime());
    expect(verdict).toMatchObject({ kind: 'unavailable', venueCode: 'CONTRACT_SIZE_UNKNOWN' });
    expect(await venue.instruct(fresh(), instruction({ market: 'futures', action: 'amend', target: 'a', price: '1', size: '1' }), inTime())).toMatchObject({ kind: 'unavailable' }); // prettier-ignore
    expect(sent()).toEqual([]);
  });
  test('of an account in shadow mode is never sent', async () => {
    const account = fresh({ mandate: { state: 'active', shadow: true } });
    const verdict = await venue.submit(account, long(), inTime());
    expect(verdict).toMatchObject({ kind: 'done', detail: expect.stringContaining('/contract/private/submit-order') });
    for (const one of instructions) expect((await venue.instruct(account, one, inTime())).kind).toBe('done');
    expect(sent()).toEqual([]);
  });
  test('in coins and in contracts never grows, and is never a contract too few', () => {
    const coins = fc.constantFrom('0.001', '0.3', '10', '0.0005');
    const amount = fc.tuple(fc.nat(100_000), fc.nat(999_999)).map(([a, b]) => `${a}.${String(b).padStart(6, '0')}`);
    fc.assert(
      fc.property(coins, amount, (size, asked) => {
        const contract = { coins: size, instrument: { sizeStep: size } } as unknown as Parameters<
          typeof contractsIn
        >[1];
        const scale = 10_000n;
        const units = (text: string): bigint => {
          const [whole = '', part = ''] = text.split('.');
          return BigInt(whole) * 1_000_000n + BigInt(part.padEnd(6, '0'));
        };
        const contracts = BigInt(contractsIn(asked, contract));
        expect(contracts * scale).toBe((units(asked) / units(size)) * scale);
      }),
    );
  });
});

const TAKEN = 'BitMart took the request; the report of the order itself tells what came of it';
const futuresInstruction = (more: object): Instruction => instruction({ market: 'futures', ...more });
const instructions: readonly Instruction[] = [
  futuresInstruction({ action: 'cancel', target: 'target1' }),
  futuresInstruction({ action: 'cancel-all' }),
  futuresInstruction({ action: 'set-leverage', leverage: '5', marginMode: 'isolated' }),
  futuresInstruction({ action: 'cancel-all-after', timeoutSeconds: 30 }),
  futuresInstruction({ action: 'set-position-mode', positionMode: 'one-way' }),
];

describe('a futures instruction on the wire', () => {
  const wire: readonly (readonly [object, string, object])[] = [
    [{ action: 'cancel', target: 'target1' }, 'cancel-order', { symbol: 'BTCUSDT', client_order_id: 'target1' }],
    [{ action: 'cancel-all' }, 'cancel-orders', { symbol: 'BTCUSDT' }],
    [{ action: 'amend', target: 'target1', price: '49999.5', size: '0.0209' }, 'modify-limit-order', { symbol: 'BTCUSDT', client_order_id: 'target1', price: '49999.5', size: 20 }], // prettier-ignore
    [{ action: 'set-leverage', leverage: '5', marginMode: 'isolated' }, 'submit-leverage', { symbol: 'BTCUSDT', leverage: '5', open_type: 'isolated' }], // prettier-ignore
    [{ action: 'set-position-mode', positionMode: 'hedge' }, 'set-position-mode', { position_mode: 'hedge_mode' }],
    [{ action: 'set-position-mode', positionMode: 'one-way' }, 'set-position-mode', { position_mode: 'one_way_mode' }],
    [{ action: 'cancel-all-after', timeoutSeconds: 30 }, 'cancel-all-after', { symbol: 'BTCUSDT', timeout: 30 }],
    [{ action: 'cancel-all-after', timeoutSeconds: 0 }, 'cancel-all-after', { symbol: 'BTCUSDT', timeout: 0 }],
  ];
  const verdictOf = ({ action }: { readonly action?: string }): object => {
    if (action === 'amend') return { kind: 'taken' };
    return { kind: 'done', ...(action === 'cancel' ? { detail: TAKEN } : {}) };
  };
  test.each(wire)('%j', async (asked, path, body) => {
    answers(ok({ result: true }));
    expect(await venue.instruct(fresh(), futuresInstruction(asked), inTime())).toEqual(verdictOf(asked));
    expect(sent().map(({ method, url }) => `${method} ${url}`)).toEqual([`POST /contract/private/${path}`]);
    expect(bodyOf()).toEqual(body);
  });
  const nameless = [undefined, null, '', ' ', '-', 'a b', 5, {}, [], 'x'.repeat(33)];
  test.each(nameless)('a cancel or amend of %j is refused before anything is sent, in every market', async (target) => {
    for (const market of ['spot', 'margin', 'futures'] as const) {
      const one = instruction({ action: 'cancel', market, target });
      expect(await venue.instruct(fresh(), one, inTime())).toMatchObject({
        kind: 'refused',
        venueCode: 'TARGET_MISSING',
      });
    }
    const amend = futuresInstruction({ action: 'amend', target, price: '1', size: '1' });
    expect(await venue.instruct(fresh(), amend, inTime())).toMatchObject({ kind: 'refused' });
    expect(server.requests).toEqual([]);
    expect(named('BTCUSDT', target)).toBeUndefined();
  });
  test('a body without the id is not written, whoever asks for it', async () => {
    const { write } = calls(optionsAt(server.url));
    const times = { ...inTime(), expiresAt: soon() };
    for (const fields of [
      { symbol: 'BTCUSDT' },
      { symbol: 'BTCUSDT', client_order_id: '' },
      { client_order_id: 'a' },
    ]) {
      await expect(write(fresh(), endpoints.cancelFutures, fields, times, () => undefined)).rejects.toThrow(/never sent/); // prettier-ignore
    }
    expect(server.requests).toEqual([]);
  });
  test('a cancel-all of all symbols, or of one side, is not widened to what the venue can do', async () => {
    for (const more of [{ symbol: undefined }, { symbol: '' }, { side: 'buy' }]) {
      const verdict = await venue.instruct(fresh(), futuresInstruction({ action: 'cancel-all', ...more }), inTime());
      expect(verdict).toMatchObject({ kind: 'refused', venueCode: 'SYMBOL_ONLY' });
    }
    expect(server.requests).toEqual([]);
  });
  test('an answer says what became of the target', async () => {
    const cancel = futuresInstruction({ action: 'cancel', target: 'target1' });
    for (const code of [40035, 40036, 40037, 50005, 50032]) {
      answers({ status: 400, body: { code } });
      expect(await venue.instruct(fresh(), cancel, inTime())).toMatchObject({
        kind: 'finished',
        venueCode: String(code),
      });
    }
    answers({ instead: 'reset' });
    const before = Date.now();
    const lost = await venue.instruct(fresh(), cancel, inTime());
    expect(lost).toMatchObject({ kind: 'unknown', venueCode: 'TIMEOUT' });
    expect(lost.kind === 'unknown' && lost.signedAt >= before).toBe(true);
    answers({ status: 429, body: '' });
    expect(await venue.instruct(fresh(), cancel, inTime())).toMatchObject({ kind: 'throttled' });
    answers({ status: 400, body: { code: 40059 } });
    expect(await venue.instruct(fresh(), futuresInstruction({ action: 'set-position-mode', positionMode: 'hedge' }), inTime())).toMatchObject({ kind: 'refused', venueCode: '40059' }); // prettier-ignore
  });
  test.each([ok({}), ok(null), ok({ result: false })])(
    'a dead-man switch is set only if the answer says so: %j',
    async (script) => {
      // prettier-ignore
      answers(script);
      const arm = futuresInstruction({ action: 'cancel-all-after', timeoutSeconds: 30 });
      expect(await venue.instruct(fresh(), arm, inTime())).toMatchObject({ kind: 'unknown' });
    },
  );
});

describe('spot and margin on the wire', () => {
  beforeEach(() => {
    venue = venueAt(server.url, 'http://127.0.0.1:1');
    answers(ok({ order_id: '77' }));
  });
  test.each(['none', 'cancel-maker', 'cancel-taker', 'cancel-both'])(
    'self-trade prevention %s is stpMode',
    async (stp) => {
      for (const market of ['spot', 'margin'])
        await venue.submit(fresh(), buy({ market, selfTradePrevention: stp }), inTime());
      for (const index of [0, 1]) expect(bodyOf(index)).toMatchObject({ stpMode: stp.replace('-', '_') });
    },
  );
  test('a margin order has its own path and clientOrderId, without underscores', async () => {
    const order = buy({ market: 'margin', type: 'limit-maker' });
    expect(await venue.submit(fresh(), order, inTime())).toEqual({ kind: 'placed', venueOrderId: '77' });
    expect(sent()[0]).toMatchObject({ method: 'POST', url: '/spot/v1/margin/submit_order' });
    const fields = { symbol: 'BTC_USDT', side: 'buy', type: 'limit_maker', size: '0.01', price: '50000' };
    expect(bodyOf()).toEqual({ ...fields, clientOrderId: order.id });
    await venue.submit(fresh(), atMarket(order, { notional: '25' }), inTime());
    expect(bodyOf(1)).toEqual({
      symbol: 'BTC_USDT',
      side: 'buy',
      type: 'market',
      notional: '25',
      clientOrderId: order.id,
    });
  });
  test('a loan without its order is failed, and says what is owed; on spot the code leaves it open', async () => {
    answers({ status: 400, body: { code: 59009, message: 'Loan success, order failed' } });
    const verdict = await venue.submit(fresh(), buy({ market: 'margin' }), inTime());
    expect(verdict).toMatchObject({ kind: 'failed', venueCode: '59009', detail: expect.stringMatching(/loan stands.*repay/) }); // prettier-ignore
    expect(await venue.submit(fresh(), buy(), inTime())).toMatchObject({ kind: 'unknown', venueCode: '59009' });
  });
  test.each([
    [{}, { symbol: 'BTC_USDT' }],
    [{ side: 'sell' }, { symbol: 'BTC_USDT', side: 'sell' }],
    [{ symbol: undefined }, {}],
  ])('cancel-all with %j sends %j', async (more, body) => {
    answers(ok({}));
    expect(await venue.instruct(fresh(), instruction({ action: 'cancel-all', ...more }), inTime())).toEqual({
      kind: 'done',
    });
    expect(sent()[0]).toMatchObject({ method: 'POST', url: '/spot/v4/cancel_all' });
    expect(bodyOf()).toEqual(body);
  });
  test('cancels of one account by the thousand stay three seconds apart', () => {
    expect(endpoints.cancelAll.limit).toEqual({ requests: 1, windowMs: 3000 });
  });
  test('what is for futures alone is refused and not sent', async () => {
    for (const action of ['amend', 'set-leverage', 'set-position-mode', 'cancel-all-after']) {
      expect(await venue.instruct(fresh(), instruction({ action, target: 'a' }), inTime())).toMatchObject({
        kind: 'refused',
      });
    }
    expect(server.requests).toEqual([]);
  });

  const row = { orderId: '118100034543076010', clientOrderId: 'mine', symbol: 'BTC_USDT', side: 'buy', orderMode: 'spot', type: 'limit', state: 'canceled', cancelSource: 'system', price: '1', priceAvg: '0', size: '1', filledSize: '0', notional: '1', filledNotional: '0' }; // prettier-ignore
  const byVenueId = query('mine', 'margin', { venueOrderId: row.orderId });
  test("a look-up by the venue's id is one question to both places", async () => {
    answers(ok(row));
    expect(await venue.find(fresh(), byVenueId, inTime())).toMatchObject({ kind: 'found', order: { state: 'canceled', cancelSource: 'system' } }); // prettier-ignore
    expect(sent().map(({ url }) => url)).toEqual(['/spot/v4/query/order']);
    expect(bodyOf()).toEqual({ orderId: row.orderId });
    answers({ status: 400, body: { code: 50005 } });
    expect(await venue.find(fresh(), byVenueId, inTime())).toEqual({ kind: 'nothing' });
    expect(sent()).toHaveLength(2);
  });
  test.each([
    [{}, 'found'],
    [{ clientOrderId: '' }, 'found'],
    [{ clientOrderId: undefined }, 'found'],
    [{ clientOrderId: row.orderId }, 'found'],
    [{ clientOrderId: 'another' }, 'unavailable'],
    [{ orderId: '1' }, 'unavailable'],
  ])("a look-up by the venue's id that shows %j is %s", async (more, kind) => {
    answers(ok({ ...row, ...more }));
    expect(await venue.find(fresh(), byVenueId, inTime())).toMatchObject({ kind });
  });

  const fill = { tradeId: '1', orderId: row.orderId, size: '0.1', fee: '0.1', feeCoinName: 'USDT' };
  const fees = async (...rows: readonly object[]) => {
    answers(ok(rows));
    return venue.fee(fresh(), byVenueId, inTime());
  };
  test('fills come to their exact sums, the cost in each coin', async () => {
    const usdt = (fee: string) => [{ fee, feeCoin: 'USDT' }];
    expect(await fees(fill, { ...fill, size: '0.2', fee: '0.2' })).toEqual({ size: '0.3', costs: usdt('0.3') });
    const priced = [
      { ...fill, price: '60000' },
      { ...fill, size: '0.2', price: '60003' },
    ];
    expect(await fees(...priced)).toMatchObject({ size: '0.3', averagePrice: '60002' });
    // One whose price is not told has no average.
    expect(await fees(fill, ...priced)).not.toHaveProperty('averagePrice');
    expect(sent()[0]).toMatchObject({ method: 'POST', url: '/spot/v4/query/order-trades' });
    expect(bodyOf()).toEqual({ orderId: row.orderId });
    expect(await fees({ ...fill, fee: '-0.05' })).toEqual({ size: '0.1', costs: usdt('-0.05') });
    expect(await fees(fill, { ...fill, feeCoinName: 'BMX' })).toEqual({
      size: '0.2',
      costs: [...usdt('0.1'), { fee: '0.1', feeCoin: 'BMX' }],
    });
  });
  test('no fills is an answer, and so is an order that is not known; anything else is none', async () => {
    expect(await fees()).toEqual({ size: '0', costs: [] });
    answers({ status: 400, body: { code: 50005 } });
    expect(await venue.fee(fresh(), byVenueId, inTime())).toEqual({ size: '0', costs: [] });
    expect(await fees(fill, { ...fill, fee: 'much' })).toMatchObject({ kind: 'unavailable' });
    expect(await fees({ ...fill, orderId: '5' })).toMatchObject({ kind: 'unavailable' });
    answers({ status: 429, body: '' });
    expect(await venue.fee(fresh(), byVenueId, inTime())).toMatchObject({ kind: 'throttled' });
    expect(await venue.fee(fresh(), query('mine'), inTime())).toMatchObject({ venueCode: 'ORDER_ID_UNKNOWN' });
  });
});

const row = { order_id: '220908185908509', client_order_id: 'mine', price: '14277', size: '20', symbol: 'BTCUSDT', state: 2, side: 1, type: 'limit', deal_avg_price: '0', deal_size: '0', create_time: 1 }; // prettier-ignore

describe('a futures look-up', () => {
  const find = (more: Partial<OrderQuery> = {}) => venue.find(fresh(), query('mine', 'futures', more), inTime());
  const lists = (open: unknown, past: unknown): void =>
    answers((request) => ok(pathOf(request).endsWith('get-open-orders') ? open : past));

  test("by the venue's id is one question with the key alone", async () => {
    answers(ok(row));
    const order = { venueOrderId: row.order_id, symbol: 'BTC_USDT', side: 'buy', type: 'limit', price: '14277', size: '0.02', filledSize: '0', state: 'open', market: 'futures' }; // prettier-ignore
    expect(await find({ venueOrderId: row.order_id })).toEqual({ kind: 'found', order });
    expect(sent()[0]).toMatchObject({ method: 'GET', url: `/contract/private/order?symbol=BTCUSDT&order_id=${row.order_id}` }); // prettier-ignore
    const { headers } = sent()[0] ?? {};
    expect([headers?.['x-bm-key'], headers?.['x-bm-sign'], headers?.['x-bm-timestamp']]).toEqual(['key-of-main', undefined, undefined]); // prettier-ignore
    for (const code of [40035, 40037, 50005]) {
      answers({ status: 400, body: { code } });
      expect(await find({ venueOrderId: row.order_id })).toEqual({ kind: 'nothing' });
    }
  });
  test('by ours asks the open orders of the symbol, then its history in seconds', async () => {
    lists([], []);
    const at = Date.now() / 1000;
    expect(await find()).toEqual({ kind: 'nothing' });
    expect(sent().map(pathOf)).toEqual(['/contract/private/get-open-orders', '/contract/private/order-history']);
    expect(paramsOf(0)).toEqual({ symbol: 'BTCUSDT', limit: '100' });
    const { start_time: start, end_time: end, ...rest } = paramsOf(1);
    expect(rest).toEqual({ symbol: 'BTCUSDT', client_order_id: 'mine' });
    expect(Number(end) - at).toBeGreaterThan(55);
    expect(Number(end) - at).toBeLessThan(65);
    expect((at - Number(start)) / 86_400).toBeGreaterThan(7);
    expect((Number(end) - Number(start)) / 86_400).toBeLessThan(90);
  });
  test('that sees it open asks no further, and picks the newest of several in the history', async () => {
    lists([{ ...row, client_order_id: 'other' }, row], []);
    expect(await find()).toMatchObject({ kind: 'found', order: { venueOrderId: row.order_id } });
    expect(sent()).toHaveLength(1);
    const done = { ...row, state: 4 };
    lists([], [{ ...done, order_id: '1', create_time: 5 }, { ...done, order_id: '2', create_time: 9 }, { ...done, order_id: '3', client_order_id: null, create_time: 99 }]); // prettier-ignore
    expect(await find()).toMatchObject({ kind: 'found', order: { venueOrderId: '2', state: 'canceled' } });
  });
  test('whose list came back full proves no absence', async () => {
    const others = Array.from({ length: 100 }, () => ({ ...row, client_order_id: 'other' }));
    lists(others, []);
    expect(await find()).toMatchObject({ kind: 'unavailable' });
    lists(others, [{ ...row, state: 4 }]);
    expect(await find()).toMatchObject({ kind: 'found' });
    lists(others.slice(1), []);
    expect(await find()).toEqual({ kind: 'nothing' });
    lists([], [...others, ...others]);
    expect(await find()).toMatchObject({ kind: 'unavailable' });
  });
  test.each([
    null,
    {},
    'x',
    5,
    [5],
    [null],
    [{}],
    [{ client_order_id: 5 }],
    [{ ...row, size: 'many' }],
    [{ ...row, side: 9 }],
  ])('that answers %j proves nothing', async (data) => {
    lists(data, []);
    expect(await find()).toMatchObject({ kind: 'unavailable' });
    lists([], data);
    expect(await find()).toMatchObject({ kind: 'unavailable' });
    answers(ok(data));
    expect(await find({ venueOrderId: row.order_id })).toMatchObject({ kind: 'unavailable' });
  });
  test.each([{ client_order_id: 'another' }, { order_id: '1' }, { symbol: 'ETHUSDT' }])(
    "by the venue's id that speaks of another order, %j, proves nothing",
    async (more) => {
      answers(ok({ ...row, ...more }));
      expect(await find({ venueOrderId: row.order_id })).toMatchObject({ kind: 'unavailable' });
    },
  );
  test.each([
    [{ state: 1 }, { state: 'open' }],
    [{ state: 2, deal_size: '5', deal_avg_price: '14000' }, { state: 'partially-filled', filledSize: '0.005', averagePrice: '14000' }], // prettier-ignore
    [
      { state: 4, deal_size: '20', deal_avg_price: '14000.5' },
      { state: 'filled', filledSize: '0.02' },
    ],
    [
      { state: 4, deal_size: '5' },
      { state: 'canceled', filledSize: '0.005' },
    ],
    [{ state: 4 }, { state: 'canceled', filledSize: '0' }],
    [{ state: 7 }, { state: 'open' }],
    [{ state: '4' }, { state: 'canceled' }],
    [{ side: 2 }, { side: 'buy' }],
    [{ side: 3 }, { side: 'sell' }],
    [{ side: 4 }, { side: 'sell' }],
    [
      { type: 'market', price: '0' },
      { type: 'market', size: '0.02' },
    ],
  ])('reads %j as %j', async (more, order) => {
    lists([{ ...row, ...more }], []);
    const seen = await find();
    expect(seen).toMatchObject({ kind: 'found', order });
    if ('type' in more) expect(seen).not.toHaveProperty('order.price');
  });
  test('that sees the order but has no contract size cannot tell it', async () => {
    details = { status: 500, body: '' };
    lists([row], []);
    expect(await find()).toMatchObject({ kind: 'unavailable', venueCode: 'CONTRACT_SIZE_UNKNOWN' });
  });
  test('that fails is not asked on', async () => {
    answers({ status: 500, body: '' });
    expect(await find()).toMatchObject({ kind: 'unknown' });
    expect(sent()).toHaveLength(1);
  });
  test('of the fee sums paid_fees in the quote coin', async () => {
    const fill = { order_id: row.order_id, vol: '5', paid_fees: '0.1' };
    answers(ok([fill, { ...fill, paid_fees: '0.2', vol: '15' }]));
    const fee = await venue.fee(fresh(), query('mine', 'futures', { venueOrderId: row.order_id }), inTime());
    expect(fee).toEqual({ size: '0.02', costs: [{ fee: '0.3', feeCoin: 'USDT' }] });
    expect(pathOf(sent()[0] as Recorded)).toBe('/contract/private/trades');
    expect(paramsOf()).toMatchObject({ symbol: 'BTCUSDT', order_id: row.order_id });
    answers(ok([]));
    expect(await venue.fee(fresh(), query('mine', 'futures', { venueOrderId: row.order_id }), inTime())).toEqual({
      size: '0',
      costs: [],
    });
  });
});

describe('numbers beyond 2^53', () => {
  test.each(['12345678901234567', '9223372036854775807', '-9223372036854775807', '9007199254740993'])(
    '%s keeps its digits',
    (digits) => {
      expect(parseJson(`{"a":${digits},"b":[1,${digits},{"c":${digits}}]}`)).toEqual({ a: digits, b: [1, digits, { c: digits }] }); // prettier-ignore
    },
  );
  test('are the only ones that become text; strings stay as they are', () => {
    const text =
      '{"a":9007199254740991,"b":0.12345678901234567,"c":"12345678901234567","d":1.5,"e":[],"f":{},"g":null,"h":true}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
    // Every integer is either what it was, or the text of its digits; everything else is what it was.
    const digits = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }));
    fc.assert(
      fc.property(fc.string(), digits, fc.boolean(), (text, number, flag) => {
        const read = parseJson(`[${JSON.stringify(text)},${number},${flag},12345678901234567]`);
        const expected = Number.isSafeInteger(Number(number)) ? Number(number) : String(number);
        expect(read).toEqual([text, expected, flag, '12345678901234567']);
      }),
    );
  });
});

describe('against the local exchange', () => {
  let exchange: LocalBitmart;
  let local: Venue;
  const account = fresh();
  const control = (method: string, path: string, body?: object): Promise<Response> =>
    fetch(exchange.controlUrl + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  beforeAll(async () => {
    exchange = await startLocalBitmart();
    local = venueAt(exchange.spotUrl, exchange.futuresUrl);
    await control('PUT', '/accounts', KEY);
  });
  afterAll(() => exchange.close());
  const place = async (order: NewOrder): Promise<string> => {
    const verdict = await local.submit(account, order, inTime());
    expect(verdict).toMatchObject({ kind: 'placed' });
    return verdict.kind === 'placed' ? (verdict.venueOrderId ?? '') : '';
  };
  const act = (market: Market, more: object) => local.instruct(account, instruction({ market, ...more }), inTime());

  test.each(['margin', 'futures'] as const)(
    'a %s order is placed, found both ways, refused twice, canceled, found so',
    async (market) => {
      const order = market === 'margin' ? buy({ market }) : long();
      const venueOrderId = await place(order);
      const seen = { kind: 'found', order: { venueOrderId, symbol: 'BTC_USDT', side: 'buy', state: 'open', filledSize: expect.stringMatching(/^0/) } }; // prettier-ignore
      expect(await local.find(account, query(order.id, market), inTime())).toMatchObject(seen);
      expect(await local.find(account, query(order.id, market, { venueOrderId }), inTime())).toMatchObject(seen);
      expect(await local.submit(account, order, inTime())).toMatchObject({ kind: 'duplicate' });
      expect((await local.instruct(account, cancelOf(order.id, { market }), inTime())).kind).toBe('done');
      expect(await local.find(account, query(order.id, market), inTime())).toMatchObject({ kind: 'found', order: { state: 'canceled' } }); // prettier-ignore
      expect((await local.instruct(account, cancelOf(order.id, { market }), inTime())).kind).toMatch(
        /^(done|finished)$/,
      );
      expect(await local.find(account, query(uniqueId(), market), inTime())).toEqual({ kind: 'nothing' });
    },
  );
  test.each(['margin', 'futures'] as const)('a %s order at market is filled, with its fee', async (market) => {
    const order = market === 'margin' ? atMarket(buy({ market }), { notional: '600' }) : atMarket(long(), { size: '0.012' }); // prettier-ignore
    const venueOrderId = await place(order);
    const seen = await local.find(account, query(order.id, market, { venueOrderId }), inTime());
    expect(seen).toMatchObject({ kind: 'found', order: { state: 'filled', averagePrice: expect.stringMatching(/^60\d\d\d/) } }); // prettier-ignore
    const fee = await local.fee(account, query(order.id, market, { venueOrderId }), inTime());
    const filled = seen.kind === 'found' ? seen.order.filledSize : '';
    if ('kind' in fee) throw new Error(fee.kind);
    expect(fee.costs).toEqual([{ feeCoin: 'USDT', fee: expect.stringMatching(/^0\.\d*[1-9]/) }]);
    expect(Number(fee.averagePrice)).toBeGreaterThan(0);
    expect(Number(fee.size)).toBe(Number(filled));
  });
  test('a futures order is amended, and its symbol is emptied at once', async () => {
    const order = long();
    await place(order);
    expect(await act('futures', { action: 'amend', target: order.id, price: '49000', size: '0.02' })).toEqual({ kind: 'taken' }); // prettier-ignore
    expect(await local.find(account, query(order.id, 'futures'), inTime())).toMatchObject({ order: { price: '49000', size: '0.02' } }); // prettier-ignore
    expect(await act('futures', { action: 'cancel-all' })).toEqual({ kind: 'done' });
    expect(await local.find(account, query(order.id, 'futures'), inTime())).toMatchObject({
      order: { state: 'canceled' },
    });
    const late = await act('futures', { action: 'amend', target: order.id, price: '49000', size: '0.02' });
    expect(late).toMatchObject({ kind: 'finished' });
  });
  test('a futures order lost on the way is found; leverage and switch are set; the mode is not while a position is held', async () => {
    await control('PUT', '/faults', {
      faults: [{ path: '/contract/private/submit-order', fault: 'drop-after', times: 1 }],
    });
    const order = long();
    expect(await local.submit(account, order, inTime())).toMatchObject({ kind: 'unknown' });
    expect(await local.find(account, query(order.id, 'futures'), inTime())).toMatchObject({ kind: 'found' });
    expect(await act('futures', { action: 'set-leverage', leverage: '10', marginMode: 'cross' })).toEqual({
      kind: 'done',
    });
    expect(await act('futures', { action: 'cancel-all-after', timeoutSeconds: 5 })).toEqual({ kind: 'done' });
    expect(await act('futures', { action: 'cancel-all-after', timeoutSeconds: 0 })).toEqual({ kind: 'done' });
    const mode = await act('futures', { action: 'set-position-mode', positionMode: 'one-way' });
    expect(mode).toMatchObject({ kind: 'refused', venueCode: '40059' });
    await control('DELETE', '/faults');
  });
  test('every type, side and exit of futures is taken', async () => {
    const exits = { takeProfit: { price: '70000', trigger: 'mark' }, stopLoss: { price: '40000', trigger: 'last' } };
    for (const type of ['limit', 'limit-maker', 'ioc', 'fok']) await place(long({ type }));
    await place(long(exits));
    await place(long({ side: 'sell', price: '70000', selfTradePrevention: 'cancel-taker' }));
    await place(atMarket(long(), { size: '0.01' }));
    await place(buy({ market: 'futures', side: 'sell', reduceOnly: true, price: '70000' }));
    expect(await act('futures', { action: 'cancel-all' })).toEqual({ kind: 'done' });
  });
  test('a margin loan without its order is failed, and no order is there', async () => {
    await control('PUT', '/faults', {
      faults: [{ path: '/spot/v1/margin/submit_order', fault: 'loan-only', times: 1 }],
    });
    const order = buy({ market: 'margin' });
    expect(await local.submit(account, order, inTime())).toMatchObject({ kind: 'failed', venueCode: '59009' });
    expect(await local.find(account, query(order.id, 'margin'), inTime())).toEqual({ kind: 'nothing' });
    await control('DELETE', '/faults');
  });
  test('rules and best prices of contracts are there', async () => {
    expect(await local.instrument('futures', 'SOL_USDT', soon())).toMatchObject({ sizeStep: '0.3', minSize: '0.3' });
    expect(await local.instrument('futures', 'OLD_USDT', soon())).toMatchObject({ tradable: false });
    expect(await local.instrument('futures', 'NO_USDT', soon())).toBe('unknown');
    const book = await local.book('futures', 'BTC_USDT', soon());
    expect(Number(book?.bid)).toBeLessThan(Number(book?.ask));
  });
});
