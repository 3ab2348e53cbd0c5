// Sends two orders from Node 20 or newer: node examples/node.mjs
// Where the queue is: INTENTS_QUEUE_URL; how to reach it: AWS's own variables and profiles.
import { place, sendIntents } from 'serverless-trading-bot/producer';

const order = { account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'buy' };
// An id is made for each. A program that must not decide twice gives one of its own, made of what it decided on.
const intents = [
  place({ ...order, type: 'market', notional: '25' }),
  place({ ...order, type: 'limit', size: '0.001', price: '50000', lifeMs: 30_000 }),
];

let results = await sendIntents(process.env.INTENTS_QUEUE_URL, intents);
// No answer, or not tried behind one: the very same intents once more, in their order, make no second order.
if (results.some(({ kind }) => kind === 'unknown')) {
  results = await sendIntents(process.env.INTENTS_QUEUE_URL, intents);
}
for (const { id, kind, ...why } of results) console.log(id, kind, why.detail ?? '');
process.exitCode = results.every(({ kind }) => kind === 'sent') ? 0 : 1;
