// The life of one order by `desk trace`: over the logs, the queues and the exchange, and where it stands.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DeleteMessageCommand, GetQueueAttributesCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { randomUUID } from 'node:crypto';
import { intent } from '../system/fixture.ts';
import { startDesk, type DeskSystem, type Given, type Said } from './fixture.ts';

let system: DeskSystem;
beforeAll(async () => {
  system = await startDesk({ keeps: true, accounts: 3 });
});
afterAll(() => system.close());

const desk = async (args: readonly string[], given?: Given): Promise<Said> => {
  const said = await system.desk(args, given);
  expect(said.out + said.err).not.toMatch(/local-secret|local-key|my memo/);
  return said;
};
interface Traced {
  readonly account?: string;
  readonly market?: string;
  readonly symbol?: string;
  readonly events: readonly { readonly at: string; readonly where: string; readonly text: string }[];
  readonly standing?: { readonly kind: string; readonly sentence: string };
  readonly sighting?: { readonly kind: string };
  readonly lookedAt: string;
  readonly note?: string;
}
const traced = async (...args: readonly string[]): Promise<Traced> => {
  const said = await desk(['trace', ...args, '--json']);
  expect({ code: said.code, err: said.err }).toMatchObject({ code: 0 });
  return JSON.parse(said.out) as Traced;
};
const lying = async (queue: 'dead' | 'reports'): Promise<number> => {
  const names = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
  const QueueUrl = system.ready.queues[queue];
  const { Attributes = {} } = await system.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: names }));
  return names.reduce((sum, name) => sum + Number(Attributes[name]), 0);
};
/** Sends, and waits until a function has written a line with this text. */
const sent = async (message: Parameters<DeskSystem['send']>[0][number], text: string): Promise<string> => {
  const [messageId = ''] = await system.send([message]);
  const id = 'raw' in message ? messageId : String((message as { readonly id: unknown }).id);
  await system.until(`a line with ${text}`, () =>
    system.lines.some((line) => line.includes(id) && line.includes(text)),
  );
  return id;
};
/** What a consumer does: the reports are read, and are not there any more. */
const consume = async (): Promise<void> => {
  const QueueUrl = system.ready.queues.reports;
  for (;;) {
    const ask = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 };
    const { Messages = [] } = await system.sqs.send(new ReceiveMessageCommand(ask));
    if (Messages.length === 0) return;
    for (const { ReceiptHandle } of Messages)
      await system.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
};

test('an order that rests: its lines, its report and what the exchange shows, in their order; nothing is taken', async () => {
  const id = await sent(intent(), '"followed"');
  const before = await lying('reports');
  const life = await traced(id);
  expect(life).toMatchObject({ account: 'main', market: 'spot', symbol: 'BTC_USDT', sighting: { kind: 'found' } });
  expect(life.standing).toMatchObject({ kind: 'resting', sentence: expect.stringContaining('0 of 0.001') });
  const places = life.events.map(({ where }) => where);
  for (const place of ['execute', 'reconcile', 'reports', 'exchange']) expect(places).toContain(place);
  expect(places.at(-1)).toBe('exchange');
  const times = life.events.map(({ at }) => at);
  expect(times).toEqual([...times].sort());
  expect(await lying('reports')).toBe(before);
  const words = await desk(['trace', id]);
  expect(words.code).toBe(0);
  for (const part of [
    'placed',
    'accepted',
    'open, 0 of 0.001 filled',
    'send a cancel with target',
    'execute, reconcile',
  ])
    expect(words.out.replace(/\s+/g, ' ')).toContain(part);
});

test('a filled order: its fills and its end, also when its reports have been read by their consumer', async () => {
  const id = await sent(intent({ type: 'market', notional: '25', size: undefined, price: undefined }), '"finished"');
  const life = await traced(id);
  expect(life.standing).toMatchObject({ kind: 'ended', sentence: expect.stringMatching(/^It is filled .*fee/) });
  expect(life.events.some(({ where, text }) => where === 'exchange' && text.startsWith('fill: buy'))).toBe(true);
  await consume();
  const later = await traced(id);
  expect(later.standing).toMatchObject({ kind: 'ended', sentence: expect.stringContaining('filled') });
  expect(later.events.map(({ where }) => where)).not.toContain('reports');
  expect(later).toMatchObject({ account: 'main', market: 'spot', symbol: 'BTC_USDT' });
});

test('an intent that came to no trade: its letter, what its reason means, and the command that shows it', async () => {
  const id = await sent(intent({ size: '0.0000001' }), 'SIZE_BELOW_MINIMUM');
  await system.until('a letter', async () => (await lying('dead')) > 0);
  const life = await traced(id);
  expect(life.standing?.kind).toBe('no-trade');
  for (const part of ['SIZE_BELOW_MINIMUM (not-sent)', 'Send at least the size', `desk dead show ${id}`])
    expect(life.standing?.sentence).toContain(part);
  expect(life.events.map(({ where }) => where)).toEqual(expect.arrayContaining(['execute', 'reports', 'dead']));
});

test('a body that is no intent is traced by the id of its message', async () => {
  const id = await sent({ raw: '{"action":"place"}', group: 'main', id: 'malformed1' }, 'MALFORMED');
  const life = await traced(id);
  expect(life.standing).toMatchObject({ kind: 'no-trade', sentence: expect.stringContaining('MALFORMED') });
});

test('an order that waits says why, with the trouble of its whole account', async () => {
  const faults = [{ path: '/spot/v2/submit_order', fault: 'code', code: 30002 }];
  await system.control('PUT', '/faults', { faults });
  try {
    const id = await sent(intent({ account: 'main2' }), '"postpone"');
    const life = await traced(id);
    expect(life.standing).toMatchObject({ kind: 'underway', sentence: expect.stringContaining('30002') });
    expect(life.events.some(({ text }) => text.startsWith('the whole account: account refused'))).toBe(true);
    expect(life.events.some(({ text }) => /put back, comes again in \d+ s: .*30002/.test(text))).toBe(true);
  } finally {
    await system.control('DELETE', '/faults');
  }
});

test('a cancel has no order of its own, and its end is told', async () => {
  const target = await sent(intent({ price: '40000' }), '"followed"');
  const { account, market, symbol, createdAt, expiresAt } = intent();
  const cancel = {
    id: `c${target.slice(0, 30)}`,
    account,
    action: 'cancel',
    market,
    symbol,
    target,
    createdAt,
    expiresAt,
  };
  const life = await traced(await sent(cancel, '"outcome"'));
  expect(life).toMatchObject({ standing: { kind: 'ended' }, note: expect.stringContaining('trace its target') });
});

test('an id of two accounts has to be traced by one of them', async () => {
  const both = intent();
  await sent(both, '"outcome"');
  await system.send([{ ...both, account: 'main3' }]);
  const isTold = (line: string): boolean =>
    line.includes(both.id) && line.includes('"main3"') && line.includes('"outcome"');
  await system.until('the second', () => system.lines.some(isTold));
  const said = await desk(['trace', both.id]);
  expect(said).toMatchObject({ code: 2, err: expect.stringContaining('main, main3') });
  expect(await traced(both.id, '--account', 'main3')).toMatchObject({ account: 'main3' });
});

test('an id that nobody knows exits 1 and says where it looked and how far back', async () => {
  const said = await desk(['trace', 'nobody', '--since', '2']);
  expect(said.code).toBe(1);
  for (const part of [
    'Nothing is known of nobody',
    'execute, reconcile, trigger of the last 2 h',
    'queues reports and dead',
    '--since',
  ])
    expect(said.out.replaceAll('\n', ' ')).toContain(part);
  expect(JSON.parse((await desk(['trace', randomUUID(), '--json'])).out)).toMatchObject({ events: [] });
});

test('an order of which no line is left is asked for by account, symbol and market', async () => {
  const order = intent({ price: '41000' });
  const id = await sent(order, '"followed"');
  const old = await desk(['trace', 'other1', '--account', 'main', '--symbol', 'BTC_USDT', '--market', 'spot']);
  expect(old).toMatchObject({ code: 1, out: expect.stringContaining('the exchange') });
  const asked = await traced(
    id,
    '--since',
    '0.000001',
    '--account',
    'main',
    '--symbol',
    'BTC_USDT',
    '--market',
    'spot',
  );
  expect(asked).toMatchObject({ sighting: { kind: 'found' } });
});

test.each([
  [['a b'], 'is no id'],
  [['x'.repeat(33)], 'is no id'],
  [['x', '--since', '0'], '--since 0'],
  [['x', '--since', '721'], '--since 721'],
  [['x', '--account', 'Main'], '--account Main'],
  [['x', '--symbol', 'BTCUSDT'], '--symbol BTCUSDT'],
  [['x', '--market', 'moon'], 'spot'],
])('trace %j is refused by name, and exits 2', async (args, said) => {
  expect(await desk(['trace', ...args])).toMatchObject({ code: 2, out: '', err: expect.stringContaining(said) });
});

test('logs that cannot be read: it says so and exits 4', async () => {
  const faults = [{ service: 'logs', fault: 'error', code: 'AccessDeniedException' }];
  await fetch(`${system.ready.aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults }) });
  try {
    const said = await desk(['trace', 'any']);
    expect(said).toMatchObject({ code: 4, err: expect.stringContaining('log group /aws/lambda/trading-bot-dev-') });
  } finally {
    await fetch(`${system.ready.aws}/_faults`, { method: 'DELETE' });
  }
});
