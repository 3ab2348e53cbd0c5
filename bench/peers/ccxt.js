// ccxt, of which only the part that knows BitMart is imported: the smallest that a bundle of it can be. Not TypeScript,
// because its package does not offer that part: it is reached by its path, where nobody finds types before it is installed.
import bitmart from '../node_modules/ccxt/js/src/bitmart.js';
import { job } from './job.ts';

export const handler = job(({ apiKey, secretKey: secret, memo: uid }, baseUrl) => {
  const client = new bitmart({ apiKey, secret, uid });
  // The local exchange has no list of currencies: one request less than ccxt would make.
  client.has['fetchCurrencies'] = false;
  client.urls['api'] = { spot: baseUrl, swap: process.env['BITMART_FUTURES_URL'] ?? '' };
  const [symbol, type] = ['BTC/USDT', 'limit'];
  return {
    place: ({ id, side, size, price }) =>
      client.createOrder(symbol, type, side, Number(size), Number(price), { client_order_id: id }),
    placeAll: (orders) =>
      client.createOrders(
        orders.map(({ id, side, size, price }) => {
          const [amount, params] = [Number(size), { clientOrderId: id }];
          return { symbol, type, side, amount, price: Number(price), params };
        }),
      ),
  };
});
