// The least that places an order: node:https over a kept connection, one createHmac, nothing checked. Written by hand.
import { createHmac } from 'node:crypto';
import https from 'node:https';
import { job } from './job.ts';

export const handler = job(({ apiKey, secretKey, memo }, baseUrl) => {
  const agent = new https.Agent({ keepAlive: true });
  const post = (path: string, fields: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(fields);
      const timestamp = String(Date.now());
      const request = https.request(`${baseUrl}${path}`, {
        method: 'POST',
        agent,
        headers: {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(body),
          'X-BM-KEY': apiKey,
          'X-BM-TIMESTAMP': timestamp,
          'X-BM-SIGN': createHmac('sha256', secretKey).update(`${timestamp}#${memo}#${body}`).digest('hex'),
        },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => {
          const { code } = JSON.parse(text) as { code: number };
          if (code === 1000) resolve(text);
          else reject(new Error(text));
        });
      });
      request.end(body);
    });
  return {
    place: ({ id, symbol, side, size, price }) =>
      post('/spot/v2/submit_order', { symbol, side, type: 'limit', size, price, client_order_id: id }),
    placeAll: (orders) =>
      post('/spot/v4/batch_orders', {
        symbol: orders[0]?.symbol,
        orderParams: orders.map(({ id, side, size, price }) => ({
          side,
          type: 'limit',
          size,
          price,
          clientOrderId: id,
        })),
      }),
  };
});
