// An independent client, unmodified, against the local venue: what it can do with the real one it can do here.
import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import { control, MAIN, ordersOf, promise } from './client.ts';
import { localVenue } from './fixture.ts';

const require = createRequire(import.meta.url);

interface Answer {
  readonly retCode: number;
  readonly retMsg: string;
  readonly result: never;
  readonly retExtInfo: unknown;
}
type Calls = Readonly<Record<string, (...parameters: readonly unknown[]) => Promise<Answer>>>;

const { RestClientV5 } = require('bybit-api') as { readonly RestClientV5: new (options: object) => Calls };

const limit = { category: 'spot', symbol: 'BTCUSDT', side: 'Buy', orderType: 'Limit', qty: '0.01', price: '50000' };
const BY_ID = { category: 'spot', symbol: 'BTCUSDT', orderLinkId: 'one' };
const perpetual = { ...limit, category: 'linear' };

describe('bybit-api trades on the local venue', () => {
  const venue = localVenue([MAIN]);

  const calls = (secret = MAIN.secretKey) => {
    const client = new RestClientV5({ key: MAIN.apiKey, secret, baseUrl: venue.url, parseAPIRateLimits: true });
    const answer = async (name: string, ...parameters: readonly unknown[]): Promise<Answer> => {
      const found = await client[name]?.(...parameters);
      if (!found) throw new Error(name);
      return found;
    };
    const call = async (name: string, ...parameters: readonly unknown[]): Promise<unknown> => {
      const { retCode, retMsg, result } = await answer(name, ...parameters);
      expect([name, retCode, retMsg]).toEqual([name, 0, retMsg]);
      return result;
    };
    return { answer, call };
  };

  test('spot: limit, market by value, amend, find, cancel, history, fills', async () => {
    const { answer, call } = calls();
    expect(await call('submitOrder', { ...limit, orderLinkId: 'one' })).toEqual({ orderId: expect.any(String), orderLinkId: 'one' }); // prettier-ignore
    await call('submitOrder', { category: 'spot', symbol: 'BTCUSDT', side: 'Buy', orderType: 'Market', qty: '100', marketUnit: 'quoteCoin', orderLinkId: 'two' }); // prettier-ignore
    await call('amendOrder', { ...BY_ID, price: '49000' });
    expect(await call('getActiveOrders', BY_ID)).toMatchObject({ list: [{ orderStatus: 'New', price: '49000' }] });
    expect(await call('getActiveOrders', { category: 'spot', orderLinkId: 'nobody' })).toMatchObject({ list: [] });
    expect(await call('getActiveOrders', { category: 'spot', orderLinkId: 'two' })).toMatchObject({ list: [{ orderStatus: 'Filled', cumFeeDetail: { BTC: '0.000001666' } }] }); // prettier-ignore
    expect(await call('cancelOrder', BY_ID)).toMatchObject({ orderLinkId: 'one' });
    expect(await call('getHistoricOrders', { category: 'spot', orderLinkId: 'one' })).toMatchObject({ list: [{ orderStatus: 'Cancelled', rejectReason: 'EC_PerCancelRequest' }] }); // prettier-ignore
    expect(await call('getExecutionList', { category: 'spot', symbol: 'BTCUSDT' })).toMatchObject({ list: [{ orderLinkId: 'two' }] }); // prettier-ignore
    expect(await answer('cancelOrder', BY_ID)).toMatchObject({ retCode: 170142 });
    expect((await ordersOf(venue)).map(({ clientOrderId, state }) => `${clientOrderId} ${state}`)).toEqual(['one canceled', 'two filled']); // prettier-ignore
  });

  test('batches of two symbols, with verdicts', async () => {
    const { answer } = calls();
    const rows = [
      { ...limit, orderLinkId: 'b-1' },
      { ...limit, symbol: 'ETHUSDT', price: '2000', orderLinkId: 'b-2' },
      { ...limit, orderLinkId: 'b-1' },
    ];
    const codes = async (name: string, given: readonly object[]): Promise<unknown> => {
      const { retCode, retExtInfo } = await answer(name, 'spot', given);
      expect(retCode).toBe(0);
      return (retExtInfo as { readonly list: readonly { readonly code: number }[] }).list.map(({ code }) => code);
    };
    expect(await codes('batchSubmitOrders', rows)).toEqual([0, 0, 170141]);
    expect(await codes('batchAmendOrders', [{ symbol: 'BTCUSDT', orderLinkId: 'b-1', price: '48000' }])).toEqual([0]);
    expect(await codes('batchCancelOrders', [{ symbol: 'BTCUSDT', orderLinkId: 'b-1' }, { symbol: 'ETHUSDT', orderLinkId: 'no' }])).toEqual([0, 170213]); // prettier-ignore
    expect(await answer('cancelAllOrders', { category: 'spot' })).toMatchObject({ retCode: 0, result: { list: [{ orderLinkId: 'b-2' }], success: '1' } }); // prettier-ignore
  });

  test('perpetuals: leverage, mode, market, reduce-only, positions, history', async () => {
    const { answer, call } = calls();
    await call('setLeverage', { category: 'linear', symbol: 'BTCUSDT', buyLeverage: '5', sellLeverage: '5' });
    expect(await answer('setLeverage', { category: 'linear', symbol: 'BTCUSDT', buyLeverage: '5', sellLeverage: '5' })).toMatchObject({ retCode: 110043 }); // prettier-ignore
    expect(await answer('switchPositionMode', { category: 'linear', symbol: 'BTCUSDT', mode: 0 })).toMatchObject({ retCode: 110025 }); // prettier-ignore
    await call('submitOrder', { ...perpetual, orderType: 'Market', qty: '0.1', orderLinkId: 'in' });
    expect(await call('getPositionInfo', { category: 'linear', symbol: 'BTCUSDT' })).toMatchObject({ list: [{ side: 'Buy', size: '0.1', leverage: '5' }] }); // prettier-ignore
    await call('submitOrder', { ...perpetual, side: 'Sell', orderType: 'Market', qty: '0.1', reduceOnly: true, orderLinkId: 'out' }); // prettier-ignore
    expect(await call('getPositionInfo', { category: 'linear', symbol: 'BTCUSDT' })).toMatchObject({ list: [{ side: '', size: '0' }] }); // prettier-ignore
    expect(await call('getHistoricOrders', { category: 'linear', symbol: 'BTCUSDT' })).toMatchObject({ list: [{ orderLinkId: 'out', reduceOnly: true }, { orderLinkId: 'in' }] }); // prettier-ignore
    expect(await answer('submitOrder', { ...perpetual, side: 'Sell', reduceOnly: true })).toMatchObject({ retCode: 110017 }); // prettier-ignore
    await call('setMarginMode', 'ISOLATED_MARGIN');
    await call('setLimitPriceAction', { category: 'linear', modifyEnable: false });
    expect(await answer('submitOrder', { ...perpetual, price: '99999' })).toMatchObject({ retCode: 30208 });
  });

  test('account and public data', async () => {
    const { call } = calls();
    expect(await call('getWalletBalance', { accountType: 'UNIFIED', coin: 'BTC,USDT' })).toMatchObject({ list: [{ coin: [{ coin: 'USDT', walletBalance: '1000000' }, { coin: 'BTC' }] }] }); // prettier-ignore
    expect(await call('getAccountInfo')).toMatchObject({ marginMode: 'REGULAR_MARGIN' });
    expect(await call('getFeeRate', { category: 'spot', symbol: 'BTCUSDT' })).toEqual({ list: [{ symbol: 'BTCUSDT', takerFeeRate: '0.001', makerFeeRate: '0.001' }] }); // prettier-ignore
    expect(await call('getQueryApiKey')).toMatchObject({ readOnly: 0, deadlineDay: 90 });
    expect(await call('getAccountInstrumentsInfo', { category: 'spot', symbol: 'BTCUSDT' })).toMatchObject({ list: [{ symbol: 'BTCUSDT' }] }); // prettier-ignore
    expect(await call('getInstrumentsInfo', { category: 'linear', symbol: 'ETHUSDT' })).toMatchObject({ list: [{ lotSizeFilter: { qtyStep: '0.01' } }] }); // prettier-ignore
    expect(await call('getOrderbook', { category: 'spot', symbol: 'BTCUSDT', limit: 2 })).toMatchObject({ a: [['60000.1', '0.25'], ['60000.6', '0.5']], b: [['59999.9', '0.25'], ['59999.4', '0.5']] }); // prettier-ignore
    expect(await call('getTickers', { category: 'spot', symbol: 'BTCUSDT' })).toMatchObject({
      list: [{ bid1Price: '59999.9' }],
    });
    expect(await call('getKline', { category: 'spot', symbol: 'BTCUSDT', interval: '1' })).toMatchObject({ list: [] });
    expect(await call('getOrderPriceLimit', { symbol: 'BTCUSDT' })).toMatchObject({ buyLmt: '60600.00' });
    expect(await call('getServerTime')).toMatchObject({ timeSecond: expect.stringMatching(/^\d{10}$/) });
    expect(await call('getSystemStatus')).toMatchObject({ list: [{ state: 'completed' }, {}] });
  });

  test('errors: a wrong secret, a duplicate, a throttle, an order that was accepted and rejected', async () => {
    expect(await calls('wrong').answer('submitOrder', limit)).toMatchObject({ retCode: 10004 });
    const { answer, call } = calls();
    await call('submitOrder', { ...limit, orderLinkId: 'one' });
    expect(await answer('submitOrder', { ...limit, orderLinkId: 'one' })).toMatchObject({ retCode: 170141, retMsg: 'Duplicate clientOrderId' }); // prettier-ignore
    await promise(venue, { ordersPerSecond: { spot: 1, linear: 1 } });
    expect(await answer('submitOrder', limit)).toMatchObject({ retCode: 10006, rateLimitApi: { maxRequests: 1, remainingRequests: 0 } }); // prettier-ignore
    await promise(venue, {});
    await control(venue, 'PUT', '/faults', { faults: [{ path: '/v5/order/create', fault: 'accept-then-reject' }] });
    await call('submitOrder', { ...limit, orderLinkId: 'two' });
    expect(await call('getActiveOrders', { category: 'spot', orderLinkId: 'two' })).toMatchObject({ list: [{ orderStatus: 'Rejected' }] }); // prettier-ignore
  });
});
