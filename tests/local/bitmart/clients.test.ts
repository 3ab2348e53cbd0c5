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

const { FuturesClientV2, RestClient } = require('bitmart-api') as Readonly<
  Record<'FuturesClientV2' | 'RestClient', new (options: object) => Calls>
>;
type SdkCalls = Readonly<Record<string, (...parameters: readonly unknown[]) => Promise<{ data: Answer }>>>;
const { BitmartFuturesAPI, BitmartSpotAPI } = require('@bitmartexchange/bitmart-node-sdk-api') as Readonly<
  Record<'BitmartFuturesAPI' | 'BitmartSpotAPI', new (options: object) => SdkCalls>
>;

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

  const future = { symbol: 'BTCUSDT', side: 1, type: 'limit', leverage: '10', open_type: 'cross', size: 10, price: '50000' }; // prettier-ignore

  test('bitmart-api: margin orders, transfers, loans and their reads', async () => {
    const client = new RestClient({ apiKey: MAIN.apiKey, apiSecret: MAIN.secretKey, apiMemo: MAIN.memo, baseUrl: venue.spotUrl }); // prettier-ignore
    const call = async (name: string, ...parameters: readonly unknown[]): Promise<unknown> => {
      const answer = await client[name]?.(...parameters);
      expect([name, answer?.code]).toEqual([name, 1000]);
      return answer?.data;
    };
    const pair = { symbol: 'BTC_USDT', currency: 'USDT' };
    await call('submitMarginAssetTransferV1', { ...pair, amount: '1000', side: 'in' });
    await call('marginBorrowV1', { ...pair, amount: '500' });
    const { order_id: orderId } = (await call('submitMarginOrderV1', { ...limit, clientOrderId: 'margin1' })) as {
      order_id: string;
    };
    expect(await call('getSpotOrderByClientOrderIdV4', { clientOrderId: 'margin1' })).toMatchObject({ orderId, orderMode: 'iso_margin' }); // prettier-ignore
    expect(await call('cancelSpotOrderV3', { symbol: 'BTC_USDT', order_id: orderId })).toEqual({ result: true });
    await call('marginRepayV1', { ...pair, amount: '500' });
    expect(await call('getMarginBorrowRecordV1', { symbol: 'BTC_USDT' })).toMatchObject({ records: [{ borrow_amount: '500.00000000' }] }); // prettier-ignore
    expect(await call('getMarginRepayRecordV1', { symbol: 'BTC_USDT' })).toMatchObject({ records: [{}] });
    expect(await call('getMarginBorrowingRatesV1', { symbol: 'BTC_USDT' })).toMatchObject({ symbols: [{ symbol: 'BTC_USDT' }] }); // prettier-ignore
    expect(await call('getMarginAccountDetailsV1', { symbol: 'BTC_USDT' })).toMatchObject({ symbols: [{ quote: { currency: 'USDT' } }] }); // prettier-ignore
    expect(await states()).toEqual(['margin1 canceled']);
  });

  test('bitmart-api: futures orders, queries, positions, leverage, mode, transfers', async () => {
    const client = new FuturesClientV2({ apiKey: MAIN.apiKey, apiSecret: MAIN.secretKey, apiMemo: MAIN.memo, baseUrl: venue.futuresUrl }); // prettier-ignore
    const call = async (name: string, ...parameters: readonly unknown[]): Promise<unknown> => {
      const answer = await client[name]?.(...parameters);
      expect([name, answer?.code]).toEqual([name, 1000]);
      return answer?.data;
    };
    await call('setPositionMode', { position_mode: 'hedge_mode' });
    expect(await call('getPositionMode')).toEqual({ position_mode: 'hedge_mode' });
    await call('setFuturesLeverage', { symbol: 'BTCUSDT', leverage: '10', open_type: 'cross' });
    const placed = (await call('submitFuturesOrder', { ...future, client_order_id: 'one' })) as { order_id: number };
    // A client that parses JSON as usual has lost digits of the id here; the rows of the reads have it as text.
    expect(Number.isSafeInteger(placed.order_id)).toBe(false);
    await call('submitFuturesOrder', { ...future, type: 'market', client_order_id: 'two' });
    const [open] = (await call('getFuturesAccountOpenOrders', { symbol: 'BTCUSDT' })) as { order_id: string }[];
    expect(open).toMatchObject({ client_order_id: 'one', state: 2 });
    expect(await call('getFuturesAccountOrder', { symbol: 'BTCUSDT', order_id: open?.order_id })).toMatchObject({ client_order_id: 'one' }); // prettier-ignore
    expect(await call('getFuturesAccountOrderHistory', { symbol: 'BTCUSDT', client_order_id: 'two' })).toMatchObject([{ state: 4, deal_size: '10' }]); // prettier-ignore
    expect(await call('getFuturesAccountTrades', { symbol: 'BTCUSDT' })).toMatchObject([{ vol: '10' }]);
    expect(await call('getFuturesAccountPositions', { symbol: 'BTCUSDT' })).toMatchObject([{ position_type: 1, current_amount: '10' }]); // prettier-ignore
    expect(await call('getFuturesAccountPositionsV2', { symbol: 'BTCUSDT' })).toMatchObject([{ position_side: 'long' }, { current_amount: '0' }]); // prettier-ignore
    expect(await call('getPositionRiskDetails', { symbol: 'BTCUSDT' })).toMatchObject([{ position_side: 'Long' }]);
    expect(await call('updateFuturesLimitOrder', { symbol: 'BTCUSDT', client_order_id: 'one', price: '51000' })).toMatchObject({ client_order_id: 'one' }); // prettier-ignore
    await call('cancelFuturesOrder', { symbol: 'BTCUSDT', client_order_id: 'one' });
    await call('cancelAllFuturesOrders', { symbol: 'BTCUSDT' });
    expect(await call('cancelAllFuturesOrdersAfter', { symbol: 'BTCUSDT', timeout: 10 })).toMatchObject({
      result: true,
    });
    expect(await call('getFuturesAccountAssets')).toMatchObject([{ currency: 'USDT' }, {}, {}]);
    expect(await call('getFuturesTradeFeeRate', { symbol: 'BTCUSDT' })).toMatchObject({ taker_fee_rate: '0.0006' });
    expect(await call('getFuturesAccountTransactionHistory', {})).toMatchObject([{ type: 'Commission Fee' }]);
    await call('submitFuturesTransfer', { currency: 'USDT', amount: '5', type: 'spot_to_contract' });
    expect(await call('getFuturesContractDetails', { symbol: 'SOLUSDT' })).toMatchObject({ symbols: [{ contract_size: '0.3', vol_precision: '1' }] }); // prettier-ignore
    expect(await call('getFuturesContractDepth', { symbol: 'BTCUSDT' })).toMatchObject({ symbol: 'BTCUSDT' });
    expect(await call('getFuturesMarketTrade', { symbol: 'BTCUSDT' })).toMatchObject([{ qty: '0.01' }]);
    expect(await states()).toEqual(['one canceled', 'two filled']);
    await expect(client['submitFuturesOrder']?.({ ...future, client_order_id: 'one' })).rejects.toMatchObject({ code: 403, body: { code: 40050 } }); // prettier-ignore
  });

  test('@bitmartexchange/bitmart-node-sdk-api: futures and margin round trips', async () => {
    const logger = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));
    const keys = { apiKey: MAIN.apiKey, apiSecret: MAIN.secretKey, apiMemo: MAIN.memo, logger };
    const call = async (client: SdkCalls, name: string, ...parameters: readonly unknown[]): Promise<unknown> => {
      const answer = await client[name]?.(...parameters);
      expect([name, answer?.data.code]).toEqual([name, 1000]);
      return answer?.data.data;
    };
    const futures = new BitmartFuturesAPI({ ...keys, baseURL: venue.futuresUrl });
    await call(futures, 'submitLeverage', 'BTCUSDT', 'cross', { leverage: '10' });
    await call(futures, 'newFuturesOrder', { ...future, client_order_id: 'one' });
    await call(futures, 'newFuturesOrder', { ...future, type: 'market', client_order_id: 'two' });
    const [open] = (await call(futures, 'getAllOpenOrders', 'BTCUSDT')) as { order_id: string }[];
    expect(await call(futures, 'getOrderDetail', 'BTCUSDT', open?.order_id)).toMatchObject({ client_order_id: 'one' });
    expect(await call(futures, 'getOrderHistory', 'BTCUSDT')).toMatchObject([{ client_order_id: 'two' }]);
    expect(await call(futures, 'getCurrentPosition', { symbol: 'BTCUSDT' })).toMatchObject([{ current_amount: '10' }]);
    expect(await call(futures, 'getOrderTrade', 'BTCUSDT')).toHaveLength(1);
    await call(futures, 'cancelFuturesOrder', 'BTCUSDT', open?.order_id);
    await call(futures, 'cancelAllFuturesOrder', 'BTCUSDT');
    expect(await call(futures, 'getAsset')).toMatchObject([{ currency: 'USDT' }, {}, {}]);
    await call(futures, 'transfer', 'USDT', '5', 'spot_to_contract');
    expect(await call(futures, 'getTransferList', 1, 10)).toMatchObject({ records: [{ state: 'FINISHED' }] });
    expect(await call(futures, 'getDetails', { symbol: 'BTCUSDT' })).toMatchObject({ symbols: [{ price_precision: '0.1' }] }); // prettier-ignore
    expect(await call(futures, 'getDepth', 'BTCUSDT')).toMatchObject({ symbol: 'BTCUSDT' });
    const spot = new BitmartSpotAPI({ ...keys, baseURL: venue.spotUrl });
    await call(spot, 'marginTransferAsset', 'BTC_USDT', 'USDT', '1000', 'in');
    await call(spot, 'isolatedMarginBorrow', 'BTC_USDT', 'USDT', '10');
    const amounts = { size: '0.01', price: '50000', clientOrderId: 'margin1' };
    await call(spot, 'newMarginOrder', 'BTC_USDT', 'buy', 'limit', amounts);
    expect(await call(spot, 'queryOrderByClientOrderId', 'margin1')).toMatchObject({ orderMode: 'iso_margin' });
    await call(spot, 'isolatedMarginReply', 'BTC_USDT', 'USDT', '10');
    expect(await call(spot, 'getMarginAccountDetails', { symbol: 'BTC_USDT' })).toMatchObject({ symbols: [{}] });
    expect(await states()).toEqual(['one canceled', 'two filled', 'margin1 new']);
  });
});
