// Dead letters sent back: blindly, which does no harm, and as replays, which trade once at most.
import { SendMessageCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from '../../shared/order/intent.ts';
import { replay, type Replay } from '../../shared/order/replay.ts';
import { intent, startSystem, type Letter, type System } from './fixture.ts';

interface Order {
  readonly clientOrderId: string;
}

let system: System;
beforeAll(async () => {
  system = await startSystem({ timeScale: 0.05 });
});
afterAll(() => system.close());

const orders = () => system.control<readonly Order[]>('GET', '/orders');
const ordersOf = async (id: string) => (await orders()).filter(({ clientOrderId }) => clientOrderId === id);
const letter = async (id: string): Promise<Letter> => {
  await system.until(`a letter of ${id}`, () => system.letterOf(id) !== undefined);
  return system.letterOf(id) as Letter;
};
/** What an operator's desk makes of a letter. */
const replayed = ({ body, attributes }: Letter, more: Partial<Replay> = {}): Record<string, unknown> => {
  const parsed = parse(body);
  if (parsed.kind !== 'intent') throw new Error('no intent');
  const { reason = '', sourceMessageId = '' } = attributes;
  const certainty = attributes['certainty'] as Replay['certainty'];
  const common = { original: parsed.intent, letterId: sourceMessageId, reason, certainty, now: Date.now() };
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

test('a redrive by SQS itself places no order either', async () => {
  const wanted = intent({ side: 'sell', size: '99999' });
  await system.send([wanted]);
  const { body, group } = await letter(wanted.id);
  // As SQS moves a message that was received too often: body and deduplication id are as they were, no reason.
  const QueueUrl = system.ready.queues.dead;
  const put = { QueueUrl, MessageBody: body, MessageGroupId: group, MessageDeduplicationId: `sqs${wanted.id}` };
  const count = (await orders()).length;
  const seen = system.letters.length;
  const SourceArn = `arn:aws:sqs:${system.ready.region}:000000000000:${QueueUrl.split('/').at(-1) ?? ''}`;
  const DestinationArn = SourceArn.replace('-dead.fifo', '-intents.fifo');
  await system.sqs.send(new SendMessageCommand(put));
  await system.sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
  await system.until('a letter more', () => system.letters.length > seen);
  expect((await orders()).length).toBe(count);
}, 60_000);

test('a replay of a refused intent trades once, whoever and however often somebody replays it', async () => {
  await system.control('PUT', '/faults', {
    faults: [{ path: '/spot/v2/submit_order', fault: 'code', code: 50020, times: 1 }],
  });
  const wanted = intent();
  await system.send([wanted]);
  const why = await letter(wanted.id);
  expect(why.attributes).toMatchObject({ reason: 'VENUE_REFUSED', certainty: 'refused' });
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
  const wanted = intent();
  await system.send([wanted]);
  await system.until('the trade', () => system.reportsOf(wanted.id).length > 0);
  const attributes = { reason: 'UNRESOLVED', certainty: 'unknown', sourceMessageId: 'the-letter-of-an-outage' };
  const lost = { body: JSON.stringify(wanted), group: 'main', deduplicationId: '', attributes };
  const made = replayed(lost, { isUnknownAccepted: true });
  await system.send([made]);
  const why = await letter(String(made['id']));
  expect(why.attributes).toMatchObject({ reason: 'REPLAYED_ORDER_EXISTS', certainty: 'not-sent' });
  expect(await ordersOf(String(made['id']))).toHaveLength(0);
}, 60_000);
