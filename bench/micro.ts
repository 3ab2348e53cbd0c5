// What takes microseconds, in a process of its own: rounds of each in turn, so that a noisy moment strikes all alike.
// Prints one JSON object: name → nanoseconds per call, one for each round.
import { createHmac } from 'node:crypto';
import { deliveries } from '../shared/aws/queues.ts';
import { compose } from '../shared/bitmart/wire.ts';
import { parse } from '../shared/order/intent.ts';
import { eventOf } from './event.ts';

const ROUNDS = 15;
const ROUND_MS = 40;
const credentials = { apiKey: 'local-key-main', secretKey: 'local-secret-main-8f2c', memo: 'my memo #1 é main' };
// Its package does not offer this part by name.
const { href } = new URL('node_modules/ccxt/js/src/bitmart.js', import.meta.url);
const { default: Ccxt } = (await import(href)) as {
  readonly default: new (options: object) => {
    sign(path: string, api: string, method: string, fields: object): object;
  };
};
const ccxt = new Ccxt({ apiKey: credentials.apiKey, secret: credentials.secretKey, uid: credentials.memo });
const path = '/spot/v2/submit_order';
const url = 'https://api-cloud.bitmart.com';
let number = 0;
const fields = (): Readonly<Record<string, string>> => {
  const client_order_id = `b${String((number += 1)).padStart(24, '0')}`;
  return { symbol: 'BTC_USDT', side: 'buy', type: 'limit', size: '0.0005', price: '20000', client_order_id };
};

/** By hand, with the same headers. */
const byHand = (): unknown => {
  const body = JSON.stringify(fields());
  const timestamp = String(Date.now());
  const { apiKey, secretKey, memo } = credentials;
  const signature = createHmac('sha256', secretKey).update(`${timestamp}#${memo}#${body}`).digest('hex');
  const headers = { 'Content-Type': 'application/json', 'X-BM-KEY': apiKey, 'X-BM-TIMESTAMP': timestamp, 'X-BM-SIGN': signature }; // prettier-ignore
  return { method: 'POST', url: `${url}${path}`, headers, body };
};

const { Records } = eventOf('main', 10);
const symbols = /^[A-Z0-9]{1,16}_[A-Z0-9]{1,16}$/;
const decimal = /^\d{1,15}(\.\d{1,18})?$/;
const given = (body: string): Record<string, unknown> => {
  const value = JSON.parse(body) as Record<string, unknown>;
  const text = (name: string, pattern: RegExp): void => {
    const it = value[name];
    if (typeof it !== 'string' || !pattern.test(it)) throw new TypeError(`${name} is wrong`);
  };
  text('id', /^[A-Za-z0-9]{1,32}$/);
  text('account', /^[A-Za-z0-9-]{1,64}$/);
  text('action', /^place$/);
  text('market', /^(spot|margin|futures)$/);
  text('symbol', symbols);
  text('side', /^(buy|sell)$/);
  text('type', /^(limit|market|limit-maker|ioc)$/);
  text('size', decimal);
  text('price', decimal);
  text('createdAt', /^\d{4}-\d\d-\d\dT/);
  text('expiresAt', /^\d{4}-\d\d-\d\dT/);
  if (Number.isNaN(Date.parse(String(value['expiresAt'])))) throw new TypeError('expiresAt is wrong');
  return value;
};

const subjects: Readonly<Record<string, () => unknown>> = {
  'sign: ours': () => compose(url, { method: 'POST', path, body: fields(), credentials, deadline: 0 }, Date.now()),
  'sign: createHmac by hand': byHand,
  'sign: ccxt': () => ccxt.sign('spot/v2/submit_order', 'private', 'POST', fields()),
  'parse: ours': () => {
    const groups = Map.groupBy(deliveries(Records), ({ group }) => group);
    return [...groups.values()].map((group) => group.map(({ body }) => parse(body)));
  },
  'parse: by hand': () => {
    const groups = Map.groupBy(Records, ({ attributes }) => attributes.MessageGroupId);
    return [...groups.values()].map((group) => group.map(({ body }) => given(body)));
  },
};

const results: Record<string, number[]> = {};
for (let round = -3; round < ROUNDS; round += 1) {
  for (const [name, subject] of Object.entries(subjects)) {
    const startedAt = performance.now();
    let calls = 0;
    while (performance.now() - startedAt < ROUND_MS) {
      for (let index = 0; index < 50; index += 1) subject();
      calls += 50;
    }
    // The first rounds are for the compiler.
    if (round >= 0) (results[name] ??= []).push(((performance.now() - startedAt) * 1e6) / calls);
  }
}
process.stdout.write(`${JSON.stringify(results)}\n`);
