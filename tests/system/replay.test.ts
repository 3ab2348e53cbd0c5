// Dead letters sent back: blindly, which does no harm, and as replays, which trade once at most.
import { CreateQueueCommand, SendMessageCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from '../../shared/order/intent.ts';
import { replay, type Replay } from '../../shared/order/replay.ts';
import { intent, startSystem, type Letter, type System } from './fixture.ts';

interface Order {
  readonly clientOrderId: string;
}

const SCALE = 0.05;
let system: System;
beforeAll(async () => {
  system = await startSystem({ timeScale: SCALE });
});
afterAll(() => system.close());

const orders = () => system.control<readonly Order[]>('GET', '/orders');
const ordersOf = async (id: string) => (await orders()).filter(({ clientOrderId }) => clientOrderId === id);
const letter = async (id: string): Promise<Letter> => {
  await system.until(`a letter of ${id}`, () => system.letterOf(id) !== undefined);
  return system.letterOf(id) as Letter;
};
/** An intent whose life is over soon, so that it can be replayed soon. */
const brief = () => intent({ expiresAt: new Date(Date.now() + 4000).toISOString() });
const settled = () => new Promise((resolve) => setTimeout(resolve, 4000 + 120_000 * SCALE));
/** What an operator's desk makes of a letter. */
const replayed = ({ body, attributes }: Letter, more: Partial<Replay> = {}): Record<string, unknown> => {
  const parsed = parse(body);
  if (parsed.kind !== 'intent') throw new Error('no intent');
  const { reason = '' } = attributes;
  const certainty = attributes['certainty'] as Replay['certainty'];
  const common = { original: parsed.intent, reason, certainty, now: Date.now(), settlesWithinMs: 120_000 * SCALE };
  const made = replay({ ...common, lifeMs: 60_000, price: '50000', ...more });
  if (made.kind === 'refused') throw new Error(made.detail);
  return made.intent;
};

test('a blind redrive of the whole dead-letter queue places no order, and every message is a dead letter again', async () => {
  const traded = intent();
  const past = new Date(Date.now() - 5000).toISOString();
  const dead = [
    intent({ size: '0.0000001' }),
    intent({ symbol: 'NOPE_USDT' }),
    intent({ createdAt: past, expiresAt: past }),
    intent({ price: '60000', side: 'sell', size: '99999' }),
  ];
  await system.send([
    traded,
    ...dead,
    { raw: JSON.stringify(traded), group: 'main', id: `${traded.id}x` },
    { raw: '{"action":"place"}', group: 'main', id: 'malformed1' },
  ]);
  await system.until('six letters and a trade', () => {
    return system.letters.length === 6 && system.reportsOf(traded.id).length === 1;
  });
  const before = await orders();
  expect(before).toHaveLength(1);
  // The console's redrive gives each message an id of its own; so does a loop that puts every letter back.
  const first = [...system.letters];
  for (const { body, group, attributes } of first) {
    const MessageDeduplicationId = `redrive${attributes['sourceMessageId'] ?? ''}`;
    const QueueUrl = system.ready.queues.intents;
    await system.sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: body, MessageGroupId: group, MessageDeduplicationId }),
    );
  }
  await system.until('six letters more', () => system.letters.length === 12);
  expect(await orders()).toEqual(before);
  const again = system.letters.slice(6).map(({ attributes }) => attributes['reason']);
  expect([...again].sort()).toEqual([...Array<string>(5).fill('DEDUPLICATION_MISMATCH'), 'MALFORMED']);
}, 60_000);

/** A dead-letter queue that nobody reads, so that what lies in it can be moved. @returns its URL */
const unreadDeadQueue = async (): Promise<string> => {
  const fifo = { FifoQueue: 'true' };
  const create = (QueueName: string, Attributes: Record<string, string>) =>
    system.sqs.send(new CreateQueueCommand({ QueueName, Attributes: { ...fifo, ...Attributes } }));
  const { QueueUrl = '' } = await create('unread-dead.fifo', {});
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(QueueUrl), maxReceiveCount: 1 });
  await create('unread.fifo', { RedrivePolicy });
  return QueueUrl;
};
const arnOf = (url: string) => `arn:aws:sqs:${system.ready.region}:000000000000:${url.split('/').at(-1) ?? ''}`;
/** As SQS itself moves messages: one lies in a dead-letter queue without a reason, and is moved back from there. */
const redriven = async (body: string, MessageDeduplicationId: string): Promise<void> => {
  const QueueUrl = await unreadDeadQueue();
  const put = { QueueUrl, MessageBody: body, MessageGroupId: 'main', MessageDeduplicationId };
  await system.sqs.send(new SendMessageCommand(put));
  const [SourceArn, DestinationArn] = [arnOf(QueueUrl), arnOf(system.ready.queues.intents)];
  await system.sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
};

test('a redrive by SQS itself places no order either', async () => {
  const wanted = intent({ side: 'sell', size: '99999' });
  await system.send([wanted]);
  const { body } = await letter(wanted.id);
  const count = (await orders()).length;
  const seen = system.letters.length;
  await redriven(body, `sqs${wanted.id}`);
  await system.until('a letter more', () => system.letters.length > seen);
  expect(system.letters.at(-1)?.attributes['reason']).toBe('DEDUPLICATION_MISMATCH');
  expect((await orders()).length).toBe(count);
}, 60_000);

test('a redrive that keeps the deduplication id places no second order, even where the venue takes an id twice', async () => {
  await system.control('PUT', '/promises', { refusesRepeatedIds: 'never' });
  // SQS gives up what was received 50 times, so it is older than its deduplication remembers.
  const old = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
  const traded = intent({ createdAt: old(-300), expiresAt: old(250) });
  const denied = intent({ createdAt: old(-300), expiresAt: old(250), size: '0.0000001' });
  await system.send([traded, denied]);
  await system.until('the trade', () => system.reportsOf(traded.id).length > 0, 40_000);
  await letter(denied.id);
  // Until SQS has forgotten the ids; its memory is scaled like all else.
  await new Promise((resolve) => setTimeout(resolve, 300_000 * SCALE + 1000));
  // As a redrive that keeps it would; the local one gives each message a new deduplication id, as a new message has.
  await system.send([traded, denied]);
  await system.until('the same ends again', () => {
    return [traded, denied].every(({ id }) => system.reportsOf(id).length === 2);
  });
  expect(system.reportsOf(traded.id).map(({ status }) => status)).toEqual(['accepted', 'accepted']);
  expect(await ordersOf(traded.id)).toHaveLength(1);
  expect(await ordersOf(denied.id)).toHaveLength(0);
}, 90_000);

test('a replay of a refused intent trades once, whoever and however often somebody replays it', async () => {
  await system.control('PUT', '/faults', {
    faults: [{ path: '/spot/v2/submit_order', fault: 'code', code: 50020, times: 1 }],
  });
  const wanted = brief();
  await system.send([wanted]);
  const why = await letter(wanted.id);
  expect(why.attributes).toMatchObject({ reason: 'VENUE_REFUSED', certainty: 'refused' });
  expect(() => replayed(why)).toThrow('may still trade by itself until');
  await settled();
  const [first, second] = [replayed(why, { price: '50001' }), replayed(why, { price: '50002' })];
  const id = String(first['id']);
  await system.send([{ ...first, id }]);
  await system.send([{ ...second, id }]);
  await system.until('the replay', () => system.reportsOf(id).length > 0, 40_000);
  expect(system.reportsOf(id).map(({ status }) => status)).toEqual(['accepted']);
  expect(await ordersOf(id)).toHaveLength(1);
  expect(await ordersOf(wanted.id)).toHaveLength(0);
}, 60_000);

test('a replay of an intent that traded after all is stopped, and says so', async () => {
  const wanted = brief();
  await system.send([wanted]);
  await system.until('the trade', () => system.reportsOf(wanted.id).length > 0);
  await settled();
  const attributes = { reason: 'UNRESOLVED', certainty: 'unknown' };
  const lost = { body: JSON.stringify(wanted), group: 'main', deduplicationId: '', attributes };
  const made = replayed(lost, { isUnknownAccepted: true });
  await system.send([made]);
  const why = await letter(String(made['id']));
  expect(why.attributes).toMatchObject({ reason: 'REPLAYED_ORDER_EXISTS', certainty: 'not-sent' });
  expect(await ordersOf(String(made['id']))).toHaveLength(0);
}, 60_000);
