// Perpetuals: positions one-way and hedged, reduce-only orders, leverage and margin.
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
  type Reply,
} from './client.ts';
import { localVenue } from './fixture.ts';

describe('positions', () => {
  const venue = localVenue([MAIN, OTHER]);

  const buy = (qty: string, fields: object = {}): Promise<Reply> =>
    create(venue, linear({ orderType: 'Market', qty, ...fields }));
  const sell = (qty: string, fields: object = {}): Promise<Reply> => buy(qty, { side: 'Sell', ...fields });
  const positions = async (query = 'symbol=BTCUSDT') =>
    listOf(await get(venue, `/v5/position/list?category=linear&${query}`));
  const set = async (name: string, fields: object): Promise<number> =>
    (await post(venue, `/v5/position/${name}`, { category: 'linear', symbol: 'BTCUSDT', ...fields })).body.retCode;

  test('a flat symbol has a row without a side; a closed one has none in the list by coin', async () => {
    expect(await positions()).toMatchObject([{ side: '', size: '0', positionIdx: 0, avgPrice: '0', liqPrice: '' }]);
    expect(await positions('settleCoin=USDT')).toEqual([]);
    expect((await get(venue, '/v5/position/list?category=linear')).body.retCode).toBe(10001);
    expect((await get(venue, '/v5/position/list?category=spot')).body.retCode).toBe(10001);
    await buy('0.2');
    expect(await positions('settleCoin=USDT')).toMatchObject([{ side: 'Buy', size: '0.2', avgPrice: '60000.1', leverage: '10', positionValue: '12000.02' }]); // prettier-ignore
    await sell('0.5');
    expect(await positions()).toMatchObject([{ side: 'Sell', size: '0.3' }]);
    await buy('0.3');
    expect(await positions('settleCoin=USDT')).toEqual([]);
  });

  test('profit and loss reach the wallet, fees fall due in USDT', async () => {
    await buy('0.2');
    await control(venue, 'PUT', '/market', { symbol: 'BTCUSDT', mid: '61000' });
    expect(await positions()).toMatchObject([{ unrealisedPnl: '199.98', markPrice: '61000.0' }]);
    await sell('0.2', { orderLinkId: 'out' });
    // Bought at 60000.1, sold at 60999.9; 0.06 % of both values.
    const fees = 0.2 * 0.0006 * (60_000.1 + 60_999.9);
    const { walletBalance } = await coinOf(venue, 'USDT');
    expect(Number(walletBalance)).toBeCloseTo(1_000_000 + 0.2 * 999.8 - fees, 6);
    expect(await find(venue, 'out', { category: 'linear' })).toMatchObject({ cumFeeDetail: { USDT: '7.319988' } });
    const fills = listOf(await get(venue, '/v5/execution/list?category=linear&orderLinkId=out&symbol=BTCUSDT'));
    expect(fills).toMatchObject([{ closedSize: '0.2', feeRate: '0.0006' }]);
  });

  test('reduce-only orders are cut to the position, refused without one, and cancelled once it is gone', async () => {
    expect((await sell('0.1', { reduceOnly: true })).body.retCode).toBe(110017);
    await buy('0.2');
    await create(venue, linear({ side: 'Sell', price: '62000', qty: '0.2', reduceOnly: true, orderLinkId: 'resting', timeInForce: 'PostOnly' })); // prettier-ignore
    expect((await buy('0.1', { reduceOnly: true })).body.retCode).toBe(110017);
    await sell('0.5', { reduceOnly: true, orderLinkId: 'out' });
    expect(await find(venue, 'out', { category: 'linear' })).toMatchObject({
      cumExecQty: '0.200',
      orderStatus: 'Cancelled',
    });
    expect(await positions()).toMatchObject([{ size: '0' }]);
    await control(venue, 'PUT', '/market', { symbol: 'BTCUSDT', mid: '62100' });
    expect(await find(venue, 'resting', { category: 'linear' })).toMatchObject({ orderStatus: 'Cancelled', cumExecQty: '0.000', cancelType: 'CancelByReduceOnly' }); // prettier-ignore
  });

  test('an empty quantity with both flags closes the position; without them it is an error', async () => {
    await buy('0.3');
    expect((await sell('0', { reduceOnly: true })).body.retCode).toBe(10001);
    expect((await sell('0', { reduceOnly: true, closeOnTrigger: true })).body.retCode).toBe(0);
    expect(await positions()).toMatchObject([{ size: '0' }]);
  });

  test('hedge mode: two positions, an index on every order, closing by side', async () => {
    expect(await set('switch-mode', { mode: 0 })).toBe(110025);
    expect(await set('switch-mode', { mode: 3 })).toBe(0);
    expect((await buy('0.1')).body.retCode).toBe(10001);
    expect((await buy('0.1', { positionIdx: 1 })).body.retCode).toBe(0);
    expect((await sell('0.2', { positionIdx: 2 })).body.retCode).toBe(0);
    expect(await positions()).toMatchObject([{ positionIdx: 1, side: 'Buy', size: '0.1' }, { positionIdx: 2, side: 'Sell', size: '0.2' }]); // prettier-ignore
    await sell('0.3', { positionIdx: 1 });
    expect(await positions()).toMatchObject([
      { positionIdx: 1, side: '', size: '0' },
      { positionIdx: 2, size: '0.2' },
    ]);
    expect((await sell('0.3', { positionIdx: 1 })).body.retCode).toBe(110017);
    expect(await set('switch-mode', { mode: 0 })).toBe(110024);
    await buy('0.2', { positionIdx: 2 });
    await create(venue, linear({ positionIdx: 1 }));
    expect(await set('switch-mode', { mode: 0 })).toBe(110028);
    await post(venue, '/v5/order/cancel-all', { category: 'linear', symbol: 'BTCUSDT' });
    expect(await set('switch-mode', { mode: 0 })).toBe(0);
    expect((await buy('0.1', { positionIdx: 1 })).body.retCode).toBe(10001);
  });

  test('control registers a position mode, and not while it is engaged', async () => {
    await register(venue, { ...MAIN, positionMode: 'hedge_mode' });
    expect((await buy('0.1', { positionIdx: 1 })).body.retCode).toBe(0);
    const refused = await control(venue, 'PUT', '/accounts', { ...MAIN, positionMode: 'one_way_mode' });
    expect(refused).toMatchObject({ status: 400, body: { error: expect.stringContaining('exist') } });
    await control(venue, 'DELETE', '/state');
    await register(venue, { ...MAIN, positionMode: 'one_way_mode' });
  });

  test('leverage is a setting of the symbol; it says how much margin an order needs', async () => {
    const leverage = (value: string, other = value) => set('set-leverage', { buyLeverage: value, sellLeverage: other });
    expect([await leverage('10'), await leverage('5', '6'), await leverage('101'), await leverage('0.5'), await leverage('5')]).toEqual([110043, 10001, 110013, 110013, 0]); // prettier-ignore
    await register(venue, { ...MAIN, balances: { USDT: '1000' } });
    // 0.1 BTC at 50000 with leverage 5: 1000 of margin and 3 of fees.
    expect((await create(venue, linear({ qty: '0.1' }))).body.retCode).toBe(110007);
    expect(await leverage('6')).toBe(0);
    expect((await create(venue, linear({ qty: '0.1' }))).body.retCode).toBe(0);
    expect(await coinOf(venue, 'USDT')).toMatchObject({ walletBalance: '1000', totalPositionIM: '0' });
    expect((await create(venue, linear({ qty: '0.1' }))).body.retCode).toBe(110007);
    // What margin holds cannot be spent on spot either.
    expect((await create(venue, { ...linear({ qty: '0.01' }), category: 'spot' })).body.retCode).toBe(170131);
    await register(venue, { ...MAIN, balances: { USDT: '1000000', BTC: '100', ETH: '1000' } });
  });

  test('margin modes are set for the account', async () => {
    const mode = async (setMarginMode: string): Promise<number> =>
      (await post(venue, '/v5/account/set-margin-mode', { setMarginMode })).body.retCode;
    expect([await mode('REGULAR_MARGIN'), await mode('ISOLATED_MARGIN'), await mode('NONE')]).toEqual([
      110026, 0, 10001,
    ]);
    expect((await get(venue, '/v5/account/info')).body.result).toMatchObject({ marginMode: 'ISOLATED_MARGIN' });
  });

  test('what one customer wins the other loses', async () => {
    await create(venue, linear({ price: '60000', qty: '1', orderLinkId: 'long', timeInForce: 'PostOnly' }));
    await create(venue, linear({ price: '60000', qty: '1', side: 'Sell' }), { as: OTHER });
    await promise(venue, {});
    await control(venue, 'PUT', '/market', { symbol: 'BTCUSDT', mid: '59000' });
    const [main, other] = [await coinOf(venue, 'USDT'), await coinOf(venue, 'USDT', OTHER)];
    expect([main, other]).toMatchObject([{ unrealisedPnl: '-1000', equity: '998994' }, { unrealisedPnl: '1000', equity: '1000964' }]); // prettier-ignore
    expect((await ordersOf(venue)).map(({ fees }) => fees)).toEqual([{ USDT: '6' }, { USDT: '36' }]);
  });
});
