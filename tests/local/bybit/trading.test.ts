// Orders of spot and perpetuals: rules and their codes, how orders end, fees by coin, prices that are refused or moved.
import { describe, expect, test } from '@jest/globals';
import {
  coinOf,
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
} from './client.ts';
import { localVenue } from './fixture.ts';

const market = (fields: object): Record<string, unknown> => ({ category: 'spot', symbol: 'BTCUSDT', side: 'Buy', orderType: 'Market', ...fields }); // prettier-ignore

describe('rules of an order', () => {
  const venue = localVenue([MAIN]);
  const wide = resting();

  test.each([
    ['category', { category: 'inverse' }, 10001, 10001],
    ['symbol missing', { symbol: '' }, 10001, 10001],
    ['symbol in lower case', { symbol: 'btcusdt' }, 10001, 10001],
    ['side in lower case', { side: 'buy' }, 170117, 10001],
    ['orderType', { orderType: 'limit' }, 170116, 10001],
    ['timeInForce', { timeInForce: 'FOREVER' }, 170115, 10001],
    ['RPI', { timeInForce: 'RPI' }, 170355, 110119],
    ['smpType', { smpType: 'Both' }, 10001, 10001],
    ['orderFilter', { orderFilter: 'tpslOrder' }, 170201, 10001],
    ['take profit', { takeProfit: '70000' }, 10001, 10001],
    ['a trigger', { triggerPrice: '70000' }, 10001, 10001],
    ['qty missing', { qty: '' }, 10001, 10001],
    ['qty zero', { qty: '0' }, 10001, 10001],
    ['qty as a number', { qty: 0.01 }, 10001, 10001],
    ['qty below a step', { qty: '0.0100001' }, 170137, 10001],
    ['qty above the maximum', { qty: '9999' }, 170341, 10001],
    ['value too small', { qty: '0.0001', price: '30000' }, 170140, 10001],
    ['price missing', { price: '' }, 10001, 10001],
    ['price zero', { price: '0' }, 170133, 110003],
    ['price between two ticks', { price: '50000.05' }, 170134, 10001],
  ])('%s', async (_name, fields, spot, perpetual) => {
    expect((await create(venue, { ...wide, category: 'spot', ...fields })).body.retCode).toBe(spot);
    expect((await create(venue, linear(fields))).body.retCode).toBe(perpetual);
    expect(await ordersOf(venue)).toEqual([]);
  });

  test('the smallest value of a perpetual, and what does not trade', async () => {
    expect((await create(venue, linear({ symbol: 'XRPUSDT', qty: '8', price: '0.6' }))).body.retCode).toBe(110094);
    expect((await create(venue, { ...wide, symbol: 'NEWUSDT' })).body.retCode).toBe(170151);
    expect((await create(venue, linear({ symbol: 'OLDUSDT' }))).body.retCode).toBe(110074);
    expect((await create(venue, { ...wide, isLeverage: 1 })).body.retCode).toBe(170344);
    expect((await create(venue, { ...wide, isLeverage: 0 })).body.retCode).toBe(0);
  });

  test('steps are multiples, not decimals: a tick of 0.05', async () => {
    const sol = { ...wide, symbol: 'SOLUSDT', qty: '1' };
    expect((await create(venue, { ...sol, price: '120.05' })).body.retCode).toBe(0);
    expect((await create(venue, { ...sol, price: '120.02' })).body.retCode).toBe(170134);
  });

  test('at most 500 open orders: per account on spot, per symbol on perpetuals', async () => {
    await promise(venue, { ordersPerSecond: { spot: 2000, linear: 2000 }, ipRequests: 9000 });
    const fill = async (category: string, price: string): Promise<void> => {
      for (let round = 0; round < 50; round += 1) {
        const request = Array.from({ length: 10 }, () => ({ ...wide, category: undefined, qty: '0.001', price }));
        await post(venue, '/v5/order/create-batch', { category, request });
      }
    };
    await fill('spot', '40000');
    expect((await create(venue, { ...wide, symbol: 'ETHUSDT', price: '2000' })).body.retCode).toBe(170810);
    await fill('linear', '40000');
    expect((await create(venue, linear())).body.retCode).toBe(110020);
    expect((await create(venue, linear({ symbol: 'ETHUSDT', price: '2000' }))).body.retCode).toBe(0);
  });
});

describe('how orders end', () => {
  const venue = localVenue([MAIN, OTHER]);
  const code = async (fields: object): Promise<number> => (await create(venue, fields)).body.retCode;

  test('a market buy by value buys whole steps with its money; how the rest is called is a promise', async () => {
    expect(await code(market({ qty: '100', marketUnit: 'quoteCoin', orderLinkId: 'one' }))).toBe(0);
    // 100 / 60000.1 = 0.00166666...: 0.001666 BTC cost 99.9601666.
    expect(await find(venue, 'one')).toMatchObject({ orderStatus: 'Filled', qty: '100', cumExecQty: '0.001666', cumExecValue: '99.9601666', cumFeeDetail: { BTC: '0.000001666' } }); // prettier-ignore
    expect(await coinOf(venue, 'USDT')).toMatchObject({ walletBalance: '999900.0398334', locked: '0' });
    expect(await coinOf(venue, 'BTC')).toMatchObject({ walletBalance: '100.001664334' });
    await promise(venue, { marketBuyEnds: 'partially_canceled' });
    expect(await code(market({ qty: '100', orderLinkId: 'two' }))).toBe(0);
    expect(await find(venue, 'two')).toMatchObject({ orderStatus: 'PartiallyFilledCanceled', rejectReason: 'EC_CancelByOrderValueZero', marketUnit: 'quoteCoin', leavesValue: '0.0398334' }); // prettier-ignore
    expect(await coinOf(venue, 'USDT')).toMatchObject({ locked: '0' });
  });

  test('market orders by quantity and by value on both sides, as marketUnit says', async () => {
    expect(await code(market({ qty: '0.5', marketUnit: 'baseCoin', orderLinkId: 'bb' }))).toBe(0);
    expect(await code(market({ side: 'Sell', qty: '0.5', orderLinkId: 'sb' }))).toBe(0);
    expect(await code(market({ side: 'Sell', qty: '600', marketUnit: 'quoteCoin', orderLinkId: 'sq' }))).toBe(0);
    expect(await find(venue, 'bb')).toMatchObject({ orderStatus: 'Filled', cumExecQty: '0.5', marketUnit: 'baseCoin', cumFeeDetail: { BTC: '0.0005' } }); // prettier-ignore
    expect(await find(venue, 'sb')).toMatchObject({ orderStatus: 'Filled', cumExecQty: '0.5', cumFeeDetail: { USDT: expect.any(String) } }); // prettier-ignore
    expect(await find(venue, 'sq')).toMatchObject({ orderStatus: 'Filled', qty: '600', cumExecQty: '0.01' });
    expect(await coinOf(venue, 'BTC')).toMatchObject({ locked: '0' });
    expect(await code(market({ qty: '100.00000001' }))).toBe(170148);
    expect(await code(market({ qty: '4.9' }))).toBe(170140);
    expect(await code(market({ qty: '1', marketUnit: 'coins' }))).toBe(10001);
  });

  test('a market order stops at its price bound, its rest is cancelled; perpetuals keep the word Cancelled', async () => {
    const capped = { slippageToleranceType: 'TickSize', slippageTolerance: '5' };
    expect(await code(market({ qty: '1', marketUnit: 'baseCoin', orderLinkId: 'spot', ...capped }))).toBe(0);
    expect(await find(venue, 'spot')).toMatchObject({ orderStatus: 'PartiallyFilledCanceled', cumExecQty: '0.75', rejectReason: 'EC_ReachMarketPriceLimit' }); // prettier-ignore
    expect(await code({ ...market({ qty: '1', ...capped }), category: 'linear', orderLinkId: 'perp' })).toBe(0);
    expect(await find(venue, 'perp', { category: 'linear' })).toMatchObject({
      orderStatus: 'Cancelled',
      cumExecQty: '0.750',
    });
    for (const [type, tolerance, refused] of [
      ['TickSize', '0', 110108],
      ['TickSize', '10001', 110108],
      ['TickSize', '1.5', 110108],
      ['Percent', '0.001', 110109],
      ['Percent', '11', 110109],
      ['Percent', '1.234', 110109],
      ['Half', '1', 10001],
      ['Percent', '0.5', 0],
    ] as const) {
      // prettier-ignore
      const fields = market({ qty: '100', slippageToleranceType: type, slippageTolerance: tolerance });
      expect([type, tolerance, await code(fields)]).toEqual([type, tolerance, refused]);
    }
  });

  test('IOC trades what it can, FOK all or nothing, GTC rests', async () => {
    const crossing = { ...resting(), price: '60000.6', qty: '1' };
    await create(venue, { ...crossing, orderLinkId: 'ioc', timeInForce: 'IOC' });
    expect(await find(venue, 'ioc')).toMatchObject({ orderStatus: 'PartiallyFilledCanceled', cumExecQty: '0.75', rejectReason: 'EC_NoImmediateQtyToFill' }); // prettier-ignore
    await create(venue, { ...crossing, orderLinkId: 'fok', timeInForce: 'FOK' });
    expect(await find(venue, 'fok')).toMatchObject({ orderStatus: 'Cancelled', cumExecQty: '0', rejectReason: 'EC_NoEnoughQtyToFill' }); // prettier-ignore
    await create(venue, { ...crossing, orderLinkId: 'fok2', timeInForce: 'FOK', qty: '0.75' });
    expect(await find(venue, 'fok2')).toMatchObject({ orderStatus: 'Filled' });
    await create(venue, { ...crossing, orderLinkId: 'gtc' });
    expect(await find(venue, 'gtc')).toMatchObject({ orderStatus: 'PartiallyFilled', leavesQty: '0.25', rejectReason: 'EC_NoError' }); // prettier-ignore
    await create(venue, { ...resting('none'), timeInForce: 'IOC' });
    expect(await find(venue, 'none')).toMatchObject({
      orderStatus: 'Cancelled',
      rejectReason: 'EC_NoImmediateQtyToFill',
    });
  });

  test('a resting order is filled when the market comes to it, as a maker', async () => {
    await create(venue, { ...resting('one'), price: '59000', qty: '0.1' });
    await control(venue, 'PUT', '/market', { symbol: 'BTCUSDT', mid: '58990' });
    expect(await find(venue, 'one')).toMatchObject({ orderStatus: 'Filled', avgPrice: '59000' });
    const fills = listOf(await get(venue, '/v5/execution/list?category=spot&symbol=BTCUSDT'));
    expect(fills).toMatchObject([{ isMaker: true, execFee: '0.0001', feeCurrency: 'BTC', execType: 'Trade' }]);
  });

  test('self-match prevention ends the maker, the taker or both', async () => {
    for (const [smpType, maker, taker] of [
      ['CancelMaker', 'Cancelled', 'New'],
      ['CancelTaker', 'New', 'Cancelled'],
      ['CancelBoth', 'Cancelled', 'Cancelled'],
      ['None', 'Filled', 'Filled'],
    ] as const) {
      // prettier-ignore
      await create(venue, { ...resting(`m-${smpType}`), price: '60000' });
      await create(venue, { ...resting(`t-${smpType}`), side: 'Sell', price: '60000', smpType });
      expect([smpType, (await find(venue, `m-${smpType}`))?.['orderStatus'], (await find(venue, `t-${smpType}`))?.['orderStatus']]).toEqual([smpType, maker, taker]); // prettier-ignore
      await post(venue, '/v5/order/cancel-all', { category: 'spot' });
    }
  });

  test('fees by coin: paid in MNT while there is enough of it, then in what is received', async () => {
    const as = { account: 'mnt', apiKey: 'key-of-mnt', secretKey: 'secret-of-mnt' };
    await register(venue, { ...as, balances: { USDT: '100000', MNT: '31' }, paysInMnt: true });
    await create(venue, { ...resting('one'), price: '60010', qty: '0.27' }, { as });
    // 0.25 at 60000.1 cost 15.000025 USDT of fees, 30.00005 MNT; for those of the other 0.02 there is not enough left.
    expect(await ordersOf(venue)).toMatchObject([{ fees: { MNT: '30.00005', BTC: '0.00002' } }]);
    expect(await coinOf(venue, 'MNT', as)).toMatchObject({ walletBalance: '0.99995' });
    expect((await get(venue, '/v5/account/user-setting-config', { as })).body.result).toMatchObject({ smsef: true });
  });

  test('cancel-all takes what is meant, and needs a symbol or coin on perpetuals', async () => {
    await create(venue, resting('a'));
    await create(venue, { ...resting('b'), symbol: 'ETHUSDT', price: '2000' });
    await create(venue, linear({ orderLinkId: 'c' }));
    const all = (fields: object) => post(venue, '/v5/order/cancel-all', fields);
    expect(listOf(await all({ category: 'spot', symbol: 'ETHUSDT' }))).toMatchObject([{ orderLinkId: 'b' }]);
    expect(listOf(await all({ category: 'spot' }))).toMatchObject([{ orderLinkId: 'a' }]);
    expect((await all({ category: 'linear' })).body.retCode).toBe(10001);
    expect((await all({ category: 'linear', settleCoin: 'USDT' })).body.result).toMatchObject({ list: [{ orderLinkId: 'c' }], success: '1' }); // prettier-ignore
    expect(listOf(await all({ category: 'spot' }))).toEqual([]);
  });

  test('amending: what is left out stays, and a change that the rules or the balance refuse is told at once', async () => {
    await create(venue, { ...resting('one'), price: '60000.6', qty: '1' });
    const change = async (fields: object): Promise<number> =>
      (await post(venue, '/v5/order/amend', { category: 'spot', symbol: 'BTCUSDT', orderLinkId: 'one', ...fields })).body.retCode; // prettier-ignore
    expect(await change({})).toBe(10001);
    expect(await change({ qty: '0.75' })).toBe(170313);
    expect(await change({ price: '60000.05' })).toBe(170134);
    expect(await change({ qty: '40' })).toBe(170131);
    expect(await change({ qty: '2', price: '55000' })).toBe(0);
    expect(await find(venue, 'one')).toMatchObject({ qty: '2', price: '55000', cumExecQty: '0.75', leavesQty: '1.25' });
    expect(await coinOf(venue, 'USDT')).toMatchObject({ locked: '68750' });
    expect(await change({ price: '60100', qty: '1' })).toBe(0);
    expect(await find(venue, 'one')).toMatchObject({ orderStatus: 'Filled' });
    expect(await coinOf(venue, 'USDT')).toMatchObject({ locked: '0' });
  });

  test('a batch of two symbols gives a verdict per order, and so do its cancels and amendments', async () => {
    const request = [
      { ...resting('btc'), category: undefined },
      { symbol: 'ETHUSDT', side: 'Sell', orderType: 'Limit', qty: '1', price: '4000', orderLinkId: 'eth' },
      { symbol: 'NONE', side: 'Sell', orderType: 'Limit', qty: '1', price: '4000', orderLinkId: 'none' },
      { ...resting('btc'), category: undefined },
    ];
    const verdicts = async (path: string, rows: readonly object[]): Promise<readonly number[]> => {
      const { retCode, result, retExtInfo } = (await post(venue, path, { category: 'spot', request: rows })).body;
      const [list, ext] = [result['list'], retExtInfo['list']] as [
        readonly { orderId: string }[],
        readonly { code: number }[],
      ];
      expect([retCode, list.length]).toEqual([0, ext.length]);
      expect(list.map(({ orderId }) => orderId === '')).toEqual(ext.map(({ code: one }) => one !== 0));
      return ext.map(({ code: one }) => one);
    };
    expect(await verdicts('/v5/order/create-batch', request)).toEqual([0, 0, 10001, 170141]);
    const [btc, eth] = [
      { symbol: 'BTCUSDT', orderLinkId: 'btc' },
      { symbol: 'ETHUSDT', orderLinkId: 'eth' },
    ];
    expect(await verdicts('/v5/order/amend-batch', [{ ...btc, price: '49000' }, { ...eth, symbol: 'BTCUSDT', price: '1' }])).toEqual([0, 170213]); // prettier-ignore
    expect(await verdicts('/v5/order/cancel-batch', [btc, { ...btc, orderLinkId: 'x' }, eth])).toEqual([0, 170213, 0]);
    expect((await ordersOf(venue)).map(({ clientOrderId, state, price }) => `${clientOrderId} ${state} ${price}`)).toEqual(['btc canceled 49000', 'eth canceled 4000']); // prettier-ignore
  });
});

describe('prices outside the band', () => {
  const venue = localVenue([MAIN]);
  const high = { price: '70000', qty: '0.01', timeInForce: 'IOC' };
  const low = { price: '50000', side: 'Sell', qty: '0.01', timeInForce: 'IOC' };
  const setting = (category: string, modifyEnable: boolean) =>
    post(venue, '/v5/account/set-limit-px-action', { category, modifyEnable });
  const settings = async () => (await get(venue, '/v5/account/user-setting-config')).body.result;

  test('spot refuses them, perpetuals move them to the nearest price allowed without a word', async () => {
    expect((await create(venue, { ...resting(), ...high })).body).toMatchObject({ retCode: 170372, retMsg: expect.stringContaining('60300') }); // prettier-ignore
    expect((await create(venue, { ...resting(), ...low })).body).toMatchObject({ retCode: 170371 });
    expect((await create(venue, linear({ ...high, orderLinkId: 'high' }))).body.retCode).toBe(0);
    expect(await find(venue, 'high', { category: 'linear' })).toMatchObject({ price: '60600.0', avgPrice: '60000.1' });
    expect((await create(venue, linear({ ...low, orderLinkId: 'low' }))).body.retCode).toBe(0);
    expect(await find(venue, 'low', { category: 'linear' })).toMatchObject({ price: '59400.0' });
  });

  test('the account decides otherwise, in opposite senses of the two settings', async () => {
    expect(await settings()).toMatchObject({ lpaSpot: false, lpaPerp: false });
    expect((await setting('linear', false)).body.retCode).toBe(0);
    expect((await setting('spot', true)).body.retCode).toBe(0);
    expect(await settings()).toMatchObject({ lpaSpot: true, lpaPerp: true });
    expect((await create(venue, linear(high))).body.retCode).toBe(30208);
    expect((await create(venue, linear(low))).body.retCode).toBe(30209);
    expect((await create(venue, { ...resting('moved'), ...high })).body.retCode).toBe(0);
    expect(await find(venue, 'moved')).toMatchObject({ price: '60300' });
    await promise(venue, { bandCode: 110121 });
    expect((await create(venue, linear(high))).body.retCode).toBe(110121);
    expect((await create(venue, linear(low))).body.retCode).toBe(110120);
    expect((await post(venue, '/v5/account/set-limit-px-action', { category: 'linear' })).body.retCode).toBe(10001);
  });

  test('the band is public and follows the market', async () => {
    const band = async () => (await get(venue, '/v5/market/price-limit?symbol=BTCUSDT')).body.result;
    expect(await band()).toMatchObject({ buyLmt: '60600.00', sellLmt: '59400.00' });
    await control(venue, 'PUT', '/market', { symbol: 'BTCUSDT', mid: '50000' });
    expect(await band()).toMatchObject({ buyLmt: '50500.00', sellLmt: '49500.00' });
  });
});
