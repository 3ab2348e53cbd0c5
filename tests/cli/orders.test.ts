// The commands that send, by exit code and by what is on the exchange afterwards.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { intent } from '../system/fixture.ts';
import { desk, startDesk, type DeskSystem, type Said } from './fixture.ts';

interface Order {
  readonly clientOrderId: string;
  readonly account: string;
  readonly side: string;
  readonly type: string;
  readonly size: string;
  readonly price: string;
  readonly state: string;
}
interface Result {
  readonly dryRun: boolean;
  readonly intents: readonly {
    readonly intent: Readonly<Record<string, unknown>>;
    readonly sending?: Readonly<Record<string, unknown>>;
    readonly ending?: Readonly<Record<string, unknown>>;
  }[];
}

let system: DeskSystem;
let folder: string;
let sentBefore: number;
beforeAll(async () => {
  system = await startDesk({ keeps: true });
  folder = await mkdtemp(join(tmpdir(), 'desk-orders-'));
});
beforeEach(async () => {
  await faults([]);
  sentBefore = sends();
});
afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true, force: true });
});

const sends = (): number =>
  (system.aws?.calls() ?? []).filter(({ action, accessKeyId }) => action === 'SendMessageBatch' && accessKeyId === 'LOCALDESK').length; // prettier-ignore
const faults = async (list: readonly object[]): Promise<void> => {
  const answer = await fetch(`${system.ready.aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults: list }) });
  if (!answer.ok) throw new Error(await answer.text());
};
const orders = (): Promise<readonly Order[]> => system.control('GET', '/orders');
const orderOf = async (id: string): Promise<Order | undefined> => (await orders()).find((one) => one.clientOrderId === id); // prettier-ignore
const orderComes = async (id: string): Promise<Order> => {
  await system.until(`order ${id}`, async () => (await orderOf(id)) !== undefined);
  return (await orderOf(id)) as Order;
};
let next = 0;
const newId = (): string => `d${process.pid}x${(next += 1)}`;
const fileOf = async (text: string): Promise<string> => {
  const path = join(folder, `${newId()}.json`);
  await writeFile(path, text);
  return path;
};
const resultOf = ({ out }: Said): Result => JSON.parse(out) as Result;
const resting = ['submit', 'main', 'buy', 'BTC_USDT', '--size', '0.001', '--price', '50000'];

describe('submit', () => {
  test('a limit order is on the exchange as it was said', async () => {
    const id = newId();
    const { code, out, err } = await system.desk([...resting, '--id', id, '--yes']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Buy 0.001 BTC at 50000 USDT (limit), on spot, account main.');
    const order = await orderComes(id);
    expect(order).toMatchObject({ account: 'main', side: 'buy', type: 'limit' });
    expect([Number(order.size), Number(order.price)]).toEqual([0.001, 50_000]);
  });
  test('without a price it is a market order, and --wait shows its fill', async () => {
    const id = newId();
    const { code, out } = await system.desk(['submit', 'main', 'buy', 'BTC_USDT', '--notional', '25', '--id', id, '--yes', '--wait']); // prettier-ignore
    expect(out).toMatch(new RegExp(`${id}: filled, 0\\.\\d+ filled at \\d+`));
    expect(code).toBe(0);
  }, 60_000);
  test('one that rests is accepted when the wait is over, and exits 0', async () => {
    const id = newId();
    const { code, out } = await system.desk([...resting, '--id', id, '--yes', '--wait', '2']);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(`${id}: accepted`) });
  });
  test('one that is denied exits 1 and says why and what to do', async () => {
    const { code, out } = await system.desk(['submit', 'main', 'buy', 'BTC_USDT', '--size', '0.00002', '--price', '50000', '--yes', '--wait']); // prettier-ignore
    expect(code).toBe(1);
    expect(out.replace(/\s+/g, ' ')).toMatch(/denied, NOTIONAL_BELOW_MINIMUM: notional 1 USDT is below .* raise size/);
  });
  test('one that the exchange rejects exits 1', async () => {
    const { code, out } = await system.desk(['submit', 'main', 'sell', 'BTC_USDT', '--size', '5000', '--price', '70000', '--yes', '--wait']); // prettier-ignore
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('rejected, VENUE_REFUSED') });
  });
  test('futures: leverage, margin mode, and an order that only reduces', async () => {
    const [open, reduce] = [newId(), newId()];
    const contract = ['BTC_USDT', '--size', '0.005', '--market', 'futures', '--yes', '--wait'];
    const opened = await system.desk(['submit', 'main', 'buy', ...contract, '--leverage', '5', '--margin-mode', 'isolated', '--id', open]); // prettier-ignore
    expect({ code: opened.code, out: opened.out }).toEqual({
      code: 0,
      out: expect.stringContaining(`${open}: filled`),
    });
    const reduced = await system.desk(['submit', 'main', 'sell', ...contract, '--reduce-only', '--id', reduce]);
    expect(reduced.out).toContain('only to reduce the position');
    expect({ code: reduced.code, out: reduced.out }).toEqual({ code: 0, out: expect.stringContaining(`${reduce}: filled`) }); // prettier-ignore
  }, 60_000);
  test('a collar is held against the best price on the other side, or the reference that was said', async () => {
    const now = await system.desk([...resting, '--collar', '50', '--dry-run', '--json']);
    const referencePrice = expect.stringMatching(/^\d+(\.\d+)?$/);
    expect(resultOf(now).intents[0]?.intent['collar']).toEqual({ referencePrice, maxDeviationBps: 50 });
    const far = await system.desk([...resting, '--collar', '50', '--reference', '90000', '--yes', '--wait']);
    expect({ code: far.code, out: far.out }).toEqual({ code: 1, out: expect.stringContaining('PRICE_OUTSIDE_COLLAR') });
  });
});

describe('cancel and cancel-all', () => {
  test('cancel takes back the order that it names', async () => {
    const id = newId();
    await system.desk([...resting, '--id', id, '--yes']);
    const { code, out } = await system.desk(['cancel', 'main', 'BTC_USDT', id, '--yes', '--wait']);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(`Cancel order ${id} of BTC_USDT on spot`) });
    expect(await orderOf(id)).toMatchObject({ state: expect.stringMatching(/cancel/) });
  });
  test('cancel-all takes back those of the side that it names, and no other', async () => {
    const [buy, sell] = [newId(), newId()];
    await system.desk([...resting, '--id', buy, '--yes']);
    await system.desk(['submit', 'main', 'sell', 'BTC_USDT', '--size', '0.001', '--price', '70000', '--id', sell, '--yes', '--wait', '1']); // prettier-ignore
    const { code } = await system.desk([
      'cancel-all',
      'main',
      '--symbol',
      'BTC_USDT',
      '--side',
      'buy',
      '--yes',
      '--wait',
    ]);
    expect(code).toBe(0);
    const states = [await orderOf(buy), await orderOf(sell)].map((order) => /cancel/.test(order?.state ?? ''));
    expect(states).toEqual([true, false]);
  });
});

describe('a file', () => {
  const times = ['createdAt', 'expiresAt'];
  const whole = (): Record<string, unknown> & { id: string } => intent({ id: newId() });
  const untimed = (): Record<string, unknown> & { id: string } => {
    const { id, ...fields } = whole();
    return { ...Object.fromEntries(Object.entries(fields).filter(([name]) => !times.includes(name))), id };
  };
  test.each([
    ['one intent', [whole()], ([one]: readonly object[]) => JSON.stringify(one, null, 2)],
    ['an array, some without times', [whole(), untimed()], (all: readonly object[]) => JSON.stringify(all)],
    [
      'one per line',
      [untimed(), whole()],
      (all: readonly object[]) => all.map((one) => JSON.stringify(one)).join('\n'),
    ],
  ])('%s', async (_, given, write) => {
    const { code, err } = await system.desk(['submit', '--file', await fileOf(write(given)), '--yes']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const { id } of given) expect(await orderComes(id)).toMatchObject({ side: 'buy' });
  });
  test('is read from stdin, where nobody can be asked', async () => {
    const one = untimed();
    const given = { stdin: JSON.stringify(one) };
    expect((await system.desk(['submit', '--file', '-'], given)).code).toBe(3);
    expect(sends()).toBe(sentBefore);
    expect((await system.desk(['submit', '--file', '-', '--yes'], given)).code).toBe(0);
    await orderComes(one.id);
  });
  test('that holds one wrong intent is not sent at all, and every wrong field is named', async () => {
    const path = await fileOf([untimed(), { ...untimed(), size: 1, extra: 1 }, { ...untimed(), account: 'A' }].map((one) => JSON.stringify(one)).join('\n')); // prettier-ignore
    const { code, err } = await system.desk(['submit', '--file', path, '--yes']);
    expect(code).toBe(2);
    for (const words of ['line 2: size must be', 'extra is no field', 'line 3: account must be']) expect(err).toContain(words); // prettier-ignore
    expect(sends()).toBe(sentBefore);
  });
  test.each([
    ['twice the same id', () => { const one = untimed(); return JSON.stringify([one, { ...one, size: '0.002' }]); }, 'give each its own'], // prettier-ignore
    ['an intent that is over', () => JSON.stringify(intent({ createdAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-01T00:01:00.000Z' })), 'INTENT_EXPIRED'], // prettier-ignore
    ['no JSON', () => 'buy low', 'body is not JSON'],
    ['nothing', () => '[]', 'holds no intent'],
    ['a key twice', () => JSON.stringify(whole()).replace('{', '{"size":"9",'), 'size appears twice'],
  ])('with %s is refused with a sentence', async (_, write, words) => {
    const { code, err } = await system.desk(['submit', '--file', await fileOf(write()), '--yes']);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(words) });
    expect(sends()).toBe(sentBefore);
  });
  test('that is not there is refused with its name', async () => {
    const { code, err } = await system.desk(['submit', '--file', join(folder, 'none.json'), '--yes']);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('none.json') });
  });
});

describe('nothing is sent', () => {
  test.each([
    ['submit', ['submit', 'main']],
    ['cancel', ['cancel', 'main', 'BTC_USDT', 'abc']],
    ['cancel-all', ['cancel-all', 'main']],
  ])('without a yes: %s exits 3', async (name, args) => {
    const { code, err } = await system.desk(name === 'submit' ? resting : args);
    expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining('--yes') });
    expect(sends()).toBe(sentBefore);
  });
  test('with --dry-run, which shows what would be', async () => {
    const said = await system.desk([...resting, '--dry-run', '--json']);
    const [one, ...others] = resultOf(said).intents;
    expect({ code: said.code, others, sends: sends() }).toEqual({ code: 0, others: [], sends: sentBefore });
    expect(one?.intent).toMatchObject({ account: 'main', action: 'place', type: 'limit', size: '0.001' });
    expect(said.err).toContain('Nothing was sent');
  });
  const wrong: readonly (readonly [readonly string[], string])[] = [
    [['submit', 'main', 'buy', 'BTC_USDT'], 'notional is missing'],
    [['submit', 'main', 'buy'], 'account, side and symbol'],
    [['submit', 'main', 'hold', 'BTC_USDT', '--size', '1', '--price', '1'], 'side must be'],
    [['submit', 'main', 'buy', 'btcusdt', '--notional', '25'], 'symbol must be BASE_QUOTE'],
    [['submit', 'Main', 'buy', 'BTC_USDT', '--notional', '25'], 'account must be'],
    [['submit', 'main', 'buy', 'BTC_USDT', '--notional', '-25'], 'notional must be a positive decimal'],
    [['submit', 'main', 'buy', 'BTC_USDT', '--notional', '1e3'], 'notional must be a positive decimal'],
    [['submit', 'main', 'buy', 'BTC_USDT', '--notional', '25', '--size', '1'], 'size is no field of place market'],
    [[...resting, '--type', 'fok'], 'spot and margin have no fok'],
    [[...resting, '--leverage', '5'], 'leverage is no field'],
    [[...resting, '--market', 'options'], 'market must be'],
    [[...resting, '--expires', '601'], '--expires takes whole seconds from 1 to 600'],
    [[...resting, '--expires', '0'], '--expires takes whole seconds'],
    [[...resting, '--wait', 'long'], '--wait takes whole seconds'],
    [[...resting, '--id', 'not good'], 'id must be 1 to 32 letters and digits'],
    [[...resting, '--collar', 'wide'], 'maxDeviationBps must be a whole number'],
    [[...resting, '--reference', '60000'], '--collar'],
    [[...resting, '--file', 'x.json'], '--file says all there is to say'],
    [['cancel', 'main', 'BTC_USDT', 'no-id'], 'target must be'],
    [['cancel', 'main', 'BTC_USDT'], "missing required argument 'target'"],
    [['cancel-all', 'main', '--side', 'both'], 'side must be'],
    [['cancel-all', 'main', '--market', 'futures'], 'symbol is missing'],
    [['cancel-all'], "missing required argument 'account'"],
  ];
  test('on wrong input: each is a sentence, and exits 2', async () => {
    const said: { readonly args: readonly string[]; readonly code: number | null; readonly err: string }[] = [];
    for (let start = 0; start < wrong.length; start += 4) {
      const runs = wrong.slice(start, start + 4).map(async ([args]) => {
        const { code, err } = await system.desk([...args, '--yes']);
        return { args, code, err: err.replace(/\s+/g, ' ') };
      });
      said.push(...(await Promise.all(runs)));
    }
    expect(said).toEqual(wrong.map(([args, words]) => ({ args, code: 2, err: expect.stringContaining(words) })));
    expect(sends()).toBe(sentBefore);
  }, 60_000);
});

describe('what SQS says', () => {
  test('a queue that takes nothing: it is told as failed, and exits 1', async () => {
    await faults([{ action: 'SendMessageBatch', resource: 'trading-bot-dev-intents.fifo', fault: 'error', code: 'AccessDenied' }]); // prettier-ignore
    const { code, out } = await system.desk([...resting, '--yes', '--wait']);
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('failed (AccessDenied') });
  });
  test('an answer that is lost: it says that the same may be sent again, and exits 4', async () => {
    const id = newId();
    await faults([{ action: 'SendMessageBatch', resource: 'trading-bot-dev-intents.fifo', fault: 'drop-after' }]);
    const { code, out } = await system.desk([...resting, '--id', id, '--yes']);
    expect({ code, out }).toEqual({ code: 4, out: expect.stringContaining(`${id}: unknown`) });
    expect(out.replace(/\s+/g, ' ')).toContain('send the same intent again within five minutes');
    await faults([]);
    expect((await system.desk([...resting, '--id', id, '--yes'])).code).toBe(0);
    await orderComes(id);
    expect((await orders()).filter(({ clientOrderId }) => clientOrderId === id)).toHaveLength(1);
  });
});

// Before the next ones: what they send last keeps its group waiting, and this one would be seen on the exchange first.
test('--json: one object with each intent, its sending and its ending', async () => {
  const id = newId();
  const said = await system.desk(['submit', 'main', 'buy', 'BTC_USDT', '--notional', '25', '--id', id, '--yes', '--wait', '--json']); // prettier-ignore
  expect(said.code).toBe(0);
  expect(resultOf(said)).toEqual({
    dryRun: false,
    intents: [
      {
        intent: expect.objectContaining({ id, account: 'main', expiresAt: expect.any(String) }),
        sending: { id, kind: 'sent', messageId: expect.any(String) },
        ending: expect.objectContaining({ id, account: 'main', status: 'filled', source: 'report' }),
      },
    ],
  });
});

describe('where another reader takes the reports away', () => {
  let ready: string;
  beforeAll(async () => {
    const make = new CreateQueueCommand({ QueueName: 'never-written-to' });
    const { QueueUrl } = await system.sqs.send(make);
    ready = join(folder, 'ready.json');
    await writeFile(ready, JSON.stringify({ ...system.ready, queues: { ...system.ready.queues, reports: QueueUrl } }));
  });
  test('an order is seen on the exchange', async () => {
    const id = newId();
    const { code, out } = await desk([...resting, '--id', id, '--yes', '--wait', '6', '--ready', ready]);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(`${id}: accepted, the exchange shows it`) });
  });
  test('a denial is seen among the dead letters, which stay where they are', async () => {
    const small = ['submit', 'main', 'buy', 'BTC_USDT', '--size', '0.00002', '--price', '50000'];
    for (const id of [newId(), newId()]) {
      const { code, out } = await desk([...small, '--id', id, '--yes', '--wait', '2', '--ready', ready]);
      expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining(`${id}: denied, NOTIONAL_BELOW_MINIMUM`) });
    }
  });
  test('an order that waits is told with why, as a trace tells it', async () => {
    await system.control('PUT', '/faults', { faults: [{ path: '/spot/v2/submit_order', fault: 'code', code: 30002 }] });
    const id = newId();
    const { code, out } = await desk([...resting, '--id', id, '--yes', '--wait', '3', '--ready', ready]);
    await system.control('DELETE', '/faults');
    expect({ code, out: out.replaceAll(/\s+/g, ' ') }).toEqual({ code: 1, out: expect.stringMatching(`${id}: unseen, It waits on the intents queue .*30002.*desk trace ${id}`) }); // prettier-ignore
  });
  test('and what nobody tells is said to be unseen', async () => {
    const { code, out } = await desk(['cancel', 'main', 'BTC_USDT', 'whatever', '--id', newId(), '--yes', '--wait', '1', '--ready', ready]); // prettier-ignore
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('unseen') });
  });
});
