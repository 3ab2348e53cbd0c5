// @bitmartexchange/bitmart-node-sdk-api, the exchange's own client. Its batch path is one that the exchange has retired.
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { BitmartSpotAPI } from '@bitmartexchange/bitmart-node-sdk-api';
import { job } from './job.ts';

export const handler = job(({ apiKey, secretKey: apiSecret, memo: apiMemo }, baseURL) => {
  const logger = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));
  const client = new BitmartSpotAPI({ apiKey, apiSecret, apiMemo, baseURL, logger });
  return {
    place: ({ id, symbol, side, size, price }) =>
      client.newSpotOrder(symbol, side, 'limit', { size, price, client_order_id: id }),
  };
});
