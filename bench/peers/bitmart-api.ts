// bitmart-api, the client of many bots.
import { RestClient } from 'bitmart-api';
import { job } from './job.ts';

export const handler = job(({ apiKey, secretKey: apiSecret, memo: apiMemo }, baseUrl) => {
  const client = new RestClient({ apiKey, apiSecret, apiMemo, baseUrl });
  return {
    place: ({ id, ...order }) => client.submitSpotOrderV2({ ...order, type: 'limit', client_order_id: id }),
    placeAll: (orders) =>
      client.submitSpotBatchOrdersV4({
        symbol: orders[0]?.symbol ?? '',
        orderParams: orders.map(({ id, side, size, price }) => ({
          side,
          size,
          price,
          type: 'limit',
          clientOrderId: id,
        })),
      }),
  };
});
