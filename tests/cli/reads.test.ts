// What `desk` reads of an account: every market, exact amounts, what is not complete, and each way of getting no answer.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRecorder } from '../bitmart/recorder.ts';
import { intent } from '../system/fixture.ts';
import { desk, startDesk, type DeskSystem } from './fixture.ts';

const MARKETS = ['spot', 'margin', 'futures'] as const;

let system: DeskSystem;
let folder: string;
const resting: Record<string, string> = {};
const filled: Record<string, string> = {};

beforeAll(async () => {
  system = await startDesk();
  folder = await mkdtemp(join(tmpdir(), 'reads-'));
  const leverage = { leverage: '5', marginMode: 'isolated' };
  for (const market of MARKETS) {
    const terms = { market, ...(market === 'futures' ? leverage : {}) };
    const order = intent({ ...terms, size: '0.01' });
    const taken = intent({ ...terms, type: 'market', price: undefined, ...(market === 'futures' ? { size: '0.01' } : { size: undefined, notional: '600' }) }); // prettier-ignore
    [resting[market], filled[market]] = [order.id, taken.id];
    await system.send([order, taken]);
  }
  const isTold = (id = ''): boolean => system.reportsOf(id).some(({ status }) => /^(accepted|filled)$/.test(status));
  await system.until('all are placed', () => [...Object.values(resting), ...Object.values(filled)].every(isTold));
});
afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => system.control('DELETE', '/faults'));

const read = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, out, err } = await system.desk([...args, '--json']);
  expect({ args, code, err }).toEqual({ args, code: 0, err: expect.any(String) });
  return JSON.parse(out) as Record<string, unknown>;
};

describe.each(MARKETS)('of %s', (market) => {
  test('open orders are those of this market, by the id of their intent', async () => {
    const { orders, isComplete } = await read('orders', '--market', market, '--symbol', 'BTC_USDT');
    expect({ orders, isComplete }).toEqual({ orders: [expect.objectContaining({ clientOrderId: resting[market], state: 'open' })], isComplete: true }); // prettier-ignore
    const { out } = await system.desk(['orders', 'main', '--market', market]);
    expect(out).toMatch(
      new RegExp(`^${resting[market] ?? ''} .*BTC_USDT +buy .* 50000(\\.0+)? +0\\.01(0+)? +0(\\.0+)?$`, 'm'),
    );
    expect((await read('orders', '--market', market, '--symbol', 'ETH_USDT'))['orders']).toEqual([]);
  });

  test('fills have their fee, and none is older than was asked for', async () => {
    const { fills } = await read('fills', '--market', market, '--since', '10m');
    expect(fills).toEqual([
      expect.objectContaining({ symbol: 'BTC_USDT', side: 'buy', role: 'taker', feeCoin: 'USDT' }),
    ]);
    const { out } = await system.desk(['fills', 'main', '--market', market]);
    expect(out).toMatch(/^\S+Z +\S+ +BTC_USDT +buy +[\d.]+ +[\d.]+ +[\d.]+ +USDT +taker$/m);
  });

  test('balances stand with all their digits, right under each other, and zeros only when asked for', async () => {
    const { balances } = (await read('balances', '--market', market)) as { balances: Record<string, string>[] };
    const { out } = await system.desk(['balances', '--market', market]);
    const lines = out.split('\n').slice(0, balances.length + 1);
    const ends = balances.map(({ available = '?' }, index) => {
      const line = lines[index + 1] ?? '';
      return line.indexOf(` ${available} `) + available.length;
    });
    expect(balances.length).toBeGreaterThan(0);
    expect(new Set(ends)).toEqual(new Set([(lines[0] ?? '').indexOf('available') + 'available'.length - 1]));
    const { balances: all } = (await read('balances', '--market', market, '--all')) as { balances: unknown[] };
    expect(all.length).toBeGreaterThanOrEqual(balances.length);
  });

  test('fee rates come with the days on which they change', async () => {
    const { rates, note } = await read('fees', '--market', market, '--symbol', 'BTC_USDT');
    expect(rates).toEqual([
      { of: 'BTC_USDT', maker: expect.stringMatching(/^0\./), taker: expect.stringMatching(/^0\./) },
    ]);
    expect(note).toMatch(/8th, 18th and 28th/);
  });
});

test('positions stand below the balances of futures', async () => {
  const { positions } = await read('balances', '--market', 'futures');
  expect(positions).toEqual([expect.objectContaining({ symbol: 'BTC_USDT', side: 'long', size: '0.01' })]);
  expect((await system.desk(['balances', '--market', 'futures'])).out).toMatch(/^position[^]*^BTC_USDT +long +0\.01 /m);
  expect((await system.desk(['balances', '--market', 'spot'])).out).not.toContain('position');
});

test('zero balances are left out, and shown with --all', async () => {
  await system.control('PUT', '/accounts', { account: 'poor', apiKey: 'poor-key', secretKey: 's', memo: 'm', balances: { USDT: '5', BTC: '0' } }); // prettier-ignore
  await system.addAccount('poor2', { apiKey: 'poor-key', secretKey: 's', memo: 'm' });
  const coins = async (...options: string[]) =>
    ((await read('balances', 'poor2', ...options))['balances'] as { coin: string }[]).map(({ coin }) => coin);
  expect(await coins()).toEqual(['USDT']);
  expect(await coins('--all')).toEqual(expect.arrayContaining(['USDT', 'BTC']));
  expect(await coins('--symbol', 'BTC_ETH')).toEqual([]);
});

test('the fee level is told where no symbol is named', async () => {
  expect(await read('fees')).toMatchObject({ level: 'LV1', rates: expect.arrayContaining([expect.anything()]) });
  expect((await system.desk(['fees'])).out).toMatch(/level LV1[^]*8th, 18th and 28th/);
});

describe('a list that is as long as lists can be', () => {
  test.each(['orders', 'fills'])('says that it may go on: %s', async (command) => {
    const server = await startRecorder();
    const row = { orderId: '1', tradeId: '1', clientOrderId: 'a', symbol: 'BTC_USDT', side: 'buy', orderMode: 'spot', type: 'limit', state: 'new', price: '1', size: '1', filledSize: '0', fee: '0', feeCoinName: 'USDT', tradeRole: 'maker', createTime: 1 }; // prettier-ignore
    server.answer({ body: { code: 1000, data: Array.from({ length: 200 }, () => row) } });
    const { out, code } = await desk([command, '--ready', await readyWith({ spot: server.url, futures: server.url })]);
    await server.close();
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('There may be more') });
  });
});

describe('without an answer', () => {
  beforeAll(() => system.addAccount('wrong', { secretKey: 'not the secret' }));
  const PATH = '/spot/v4/query/open-orders';

  test.each([
    ['a wrong secret', ['orders', 'wrong'], [], 4, 'account check wrong'],
    ['a 429', ['orders'], [{ path: PATH, fault: 'status', code: 429 }], 4, 'Ask again in some seconds'],
    ['a ban', ['orders'], [{ path: PATH, fault: 'status', code: 418 }], 4, 'Do not ask before'],
    ['a lost answer', ['orders'], [{ path: PATH, fault: 'drop-before' }], 4, 'Ask again'],
    ['an answer that is none', ['orders'], [{ path: PATH, fault: 'code', code: 1000 }], 4, 'Ask again'],
    ['maintenance', ['orders'], [{ path: PATH, fault: 'code', code: 30016 }], 4, 'Ask again'],
    ['a symbol that is not there', ['orders', '--symbol', 'NIX_USDT'], [], 1, 'Correct what it names'],
    ['an account that is not there', ['orders', 'nobody'], [], 1, 'create it or correct the account'],
  ])('%s is a sentence with the next step', async (_what, args, faults, wanted, sentence) => {
    await system.control('PUT', '/faults', { faults });
    const { code, out, err } = await system.desk(args);
    expect({ code, out, err }).toEqual({ code: wanted, out: '', err: expect.stringContaining(sentence) });
    expect(err).not.toMatch(/not the secret|local-key|at .*\.ts/);
  });

  test('an exchange that is not there is a sentence, too', async () => {
    const nowhere = 'http://127.0.0.1:9';
    const { code, err } = await desk(['balances', '--ready', await readyWith({ spot: nowhere, futures: nowhere })]);
    expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('desk status') });
  });
});

test.each([
  [['orders', '--market', 'options'], 'spot, margin, futures'],
  [['orders', '--symbol', 'btcusdt'], 'no symbol'],
  [['orders', 'No'], 'lower-case'],
  [['fills', '--since', 'yesterday'], '24h'],
  [['fills', '--since', '0h'], '24h'],
  [['fills', '--since', '2999-01-01T00:00:00Z'], 'is over'],
  [['fees', '--market', 'futures'], '--symbol'],
])('%j is refused with a sentence', async (args, sentence) => {
  const { code, err } = await system.desk(args);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(sentence) });
});

/** A ready file of the same stack with another exchange. */
const readyWith = async (bitmart: { readonly spot: string; readonly futures: string }): Promise<string> => {
  const path = join(folder, 'ready.json');
  await writeFile(path, JSON.stringify({ ...system.ready, bitmart }));
  return path;
};
