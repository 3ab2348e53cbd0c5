// Independent clients, unmodified, against the local venue: what they can do with the real one they can do here.
import { Console } from 'node:console';
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { MAIN, ordersOf } from './client.ts';
import { localVenue } from './fixture.ts';

const require = createRequire(import.meta.url);

interface Answer {
  readonly code: number;
  readonly data: never;
}
type Calls = Readonly<Record<string, (...parameters: readonly unknown[]) => Promise<Answer>>>;

const { RestClient } = require('bitmart-api') as { RestClient: new (options: object) => Calls };
const { BitmartSpotAPI } = require('@bitmartexchange/bitmart-node-sdk-api') as {
  BitmartSpotAPI: new (
    options: object,
  ) => Readonly<Record<string, (...parameters: readonly unknown[]) => Promise<{ data: Answer }>>>;
};

const limit = { symbol: 'BTC_USDT', side: 'buy', type: 'limit', size: '0.01', price: '50000' };

describe('independent clients trade on the local venue', () => {
  const venue = localVenue(MAIN);

  const states = async (): Promise<readonly string[]> =>
    (await ordersOf(venue)).map(({ clientOrderId, state }) => `${clientOrderId} ${state}`);

  test('bitmart-api: limit, market, batch, queries, cancels, wallet, public data', async () => {
    const client = new RestClient({
      apiKey: MAIN.apiKey,
      apiSecret: MAIN.secretKey,
      apiMemo: MAIN.memo,
      baseUrl: venue.spotUrl,
    });
    const call = async (name: string, ...parameters: readonly unknown[]): Promise<unknown> => {
      const answer = await client[name]?.(...parameters);
      expect([name, answer?.code]).toEqual([name, 1000]);
      return answer?.data;
    };
    const { order_id: orderId } = (await call('submitSpotOrderV2', { ...limit, client_order_id: 'one' })) as {
      order_id: string;
    };
    await call('submitSpotOrderV2', {
      symbol: 'BTC_USDT',
      side: 'buy',
      type: 'market',
      notional: '100',
      client_order_id: 'two',
    });
    const orderParams = [{ side: 'buy', type: 'limit', size: '0.02', price: '40000', clientOrderId: 'three' }];
    expect(await call('submitSpotBatchOrdersV4', { symbol: 'BTC_USDT', orderParams })).toMatchObject({ code: 0 });
    expect(await call('getSpotOrderByIdV4', { orderId })).toMatchObject({ clientOrderId: 'one', state: 'new' });
    expect(await call('getSpotOrderByClientOrderIdV4', { clientOrderId: 'two' })).toMatchObject({ state: 'filled' });
    expect(await call('getSpotOpenOrdersV4')).toHaveLength(2);
    expect(await call('getSpotHistoricOrdersV4', { symbol: 'BTC_USDT' })).toHaveLength(1);
    expect(await call('getSpotAccountTradesV4')).toMatchObject([{ clientOrderId: 'two', tradeRole: 'taker' }]);
    expect(await call('cancelSpotOrderV3', { symbol: 'BTC_USDT', order_id: orderId })).toEqual({ result: true });
    expect(await call('cancelSpotBatchOrdersV4', { symbol: 'BTC_USDT', clientOrderIds: ['three'] })).toMatchObject({
      successIds: ['three'],
    });
    expect(await call('getSpotWalletBalanceV1')).toMatchObject({
      wallet: [{ id: 'USDT' }, { id: 'BTC' }, { id: 'ETH' }],
    });
    expect(await call('getAccountBalancesV1')).toMatchObject({ wallet: [{ currency: 'USDT' }, {}, {}] });
    expect(await call('getActualSpotTradeFeeRateV1', { symbol: 'BTC_USDT' })).toMatchObject({
      buy_taker_fee_rate: '0.0008',
    });
    expect(await call('getSpotOrderBookDepthV3', { symbol: 'BTC_USDT', limit: 5 })).toMatchObject({
      symbol: 'BTC_USDT',
    });
    expect(await call('getSpotTradingPairDetailsV1')).toMatchObject({ symbols: [{ symbol: 'BTC_USDT' }, {}, {}] });
    expect(await call('getSystemTime')).toEqual({ server_time: expect.any(Number) });
    expect(await states()).toEqual(['one canceled', 'two filled', 'three canceled']);
    await expect(client['submitSpotOrderV2']?.({ ...limit, client_order_id: 'one' })).rejects.toMatchObject({
      code: 400,
      body: { code: 50042 },
    });
  });

  test('@bitmartexchange/bitmart-node-sdk-api: limit, market, queries, cancel, wallet, retired paths', async () => {
    const silent = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));
    const client = new BitmartSpotAPI({
      apiKey: MAIN.apiKey,
      apiSecret: MAIN.secretKey,
      apiMemo: MAIN.memo,
      baseURL: venue.spotUrl,
      logger: silent,
    });
    const call = async (name: string, ...parameters: readonly unknown[]): Promise<unknown> => {
      const answer = await client[name]?.(...parameters);
      expect([name, answer?.data.code]).toEqual([name, 1000]);
      return answer?.data.data;
    };
    const options = { size: '0.01', price: '50000', client_order_id: 'one' };
    const { order_id: orderId } = (await call('newSpotOrder', 'BTC_USDT', 'buy', 'limit', options)) as {
      order_id: string;
    };
    await call('newSpotOrder', 'ETH_USDT', 'sell', 'market', { size: '0.5', client_order_id: 'two' });
    expect(await call('queryOrderById', orderId)).toMatchObject({ clientOrderId: 'one', state: 'new' });
    expect(await call('queryOrderByClientOrderId', 'two')).toMatchObject({
      state: 'filled',
      filledNotional: '1499.99500000',
    });
    expect(await call('queryCurrentOpenOrder')).toHaveLength(1);
    expect(await call('queryAccountOrders')).toHaveLength(1);
    expect(await call('queryAccountTrades')).toHaveLength(1);
    expect(await call('cancelOrder', 'BTC_USDT', { client_order_id: 'one' })).toEqual({ result: true });
    expect(await call('getSpotWallet')).toMatchObject({ wallet: [{ id: 'USDT' }, { id: 'BTC' }, { id: 'ETH' }] });
    expect(await call('getTradeFee', 'BTC_USDT')).toMatchObject({ sell_maker_fee_rate: '0.0006' });
    expect(await call('getV3Depth', 'BTC_USDT')).toMatchObject({ symbol: 'BTC_USDT' });
    expect(await call('getSystemTime')).toEqual({ server_time: expect.any(Number) });
    expect(await states()).toEqual(['one canceled', 'two filled']);
    // This client still calls the batch path that the venue retired.
    const retired = await client['newBatchSpotOrder']?.({ order_params: [limit] });
    expect(retired?.data.code).toBe(30031);
  });
});
