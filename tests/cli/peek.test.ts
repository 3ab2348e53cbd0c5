// A look at queues: everything is seen once, and afterwards it is all still there for those whose it is.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Connection } from '../../cli/connection.ts';
import { peekLetters, peekReports, withLetters } from '../../cli/peek.ts';
import { startStack, type Stack } from '../aws/fixture.ts';

let stack: Stack;
let queues: Connection['queues'];
let desk: { readonly stack: Pick<Connection, 'sqs' | 'queues'> };
beforeAll(async () => {
  stack = await startStack();
  const [reports, dead] = [await stack.queue('reports'), await stack.queue('dead.fifo')];
  queues = { reports, dead, intents: '', pending: '' };
  desk = { stack: { sqs: stack.sqs, queues } };
});
beforeEach(async () => {
  for (const QueueUrl of [queues.reports, queues.dead]) await stack.sqs.purgeQueue({ QueueUrl });
});
afterAll(() => stack.close());

let next = 0;
const report = (): object => ({ id: `r${(next += 1)}`, account: 'main', status: 'accepted', action: 'place', at: '2026-11-22T19:00:00.000Z' }); // prettier-ignore
const publish = (body: unknown): Promise<unknown> =>
  stack.sqs.sendMessage({ QueueUrl: queues.reports, MessageBody: typeof body === 'string' ? body : JSON.stringify(body) }); // prettier-ignore
const bury = (MessageGroupId: string, attributes: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  stack.sqs.sendMessage({
    ...{ QueueUrl: queues.dead, MessageBody: '{}', MessageGroupId, MessageDeduplicationId: `m${(next += 1)}` },
    MessageAttributes: Object.fromEntries(Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }])), // prettier-ignore
  });

describe('reports', () => {
  test('more than a receive gives are all seen, once each, and are all there afterwards', async () => {
    const all = Array.from({ length: 25 }, report);
    for (const one of all) await publish(one);
    for (let look = 1; look <= 2; look += 1) {
      const { found, isComplete } = await peekReports(desk);
      expect([found.map(({ id }) => id).sort(), isComplete]).toEqual([all.map((one) => (one as { id: string }).id).sort(), true]); // prettier-ignore
    }
    expect(await stack.drain(queues.reports)).toHaveLength(25);
  });
  test('a new one ends the look that waits for it', async () => {
    const looking = peekReports(desk, { forMs: 20_000, until: ({ id }) => id === 'late' });
    await publish(report());
    await publish({ ...report(), id: 'late' });
    const { found } = await looking;
    expect(found.map(({ id }) => id)).toContain('late');
  });
  test('what is no report is stepped over', async () => {
    for (const body of ['no JSON', '7', '{}']) await publish(body);
    await publish(report());
    expect((await peekReports(desk)).found).toHaveLength(1);
  });
  test('what another reader has in hand is not seen, and that is said', async () => {
    await publish(report());
    await stack.sqs.receiveMessage({ QueueUrl: queues.reports, VisibilityTimeout: 30 });
    expect(await peekReports(desk)).toEqual({ found: [], isComplete: false });
  });
});

describe('dead letters', () => {
  test('say what their attributes say; one that SQS moved is read as such', async () => {
    await bury('main', { reason: 'VENUE_REFUSED', certainty: 'refused', detail: 'no balance', intentId: 'i1', account: 'main' }); // prettier-ignore
    await bury('other');
    const { found, isComplete } = await peekLetters(desk);
    expect(isComplete).toBe(true);
    expect(found).toMatchObject([
      { group: 'main', reason: 'VENUE_REFUSED', certainty: 'refused', detail: 'no balance', intentId: 'i1' },
      { group: 'other', reason: 'RECEIVED_TOO_OFTEN', certainty: 'unknown' },
    ]);
    expect(found[1]).not.toHaveProperty('intentId');
  });
  test('of a group with more than ten, ten are seen, and it is said that there are more', async () => {
    for (let count = 0; count < 12; count += 1) await bury('main');
    const { found, isComplete } = await peekLetters(desk);
    expect([found.length, isComplete]).toEqual([10, false]);
    expect(await stack.drain(queues.dead)).toHaveLength(12);
  });
  test('can be deleted while they are held; the others are given back, in their order', async () => {
    for (const detail of ['first', 'second', 'third']) await bury('main', { detail });
    await withLetters(desk, async ({ found }) => {
      const ReceiptHandle = found[1]?.receiptHandle;
      await stack.sqs.deleteMessage({ QueueUrl: queues.dead, ReceiptHandle });
    });
    const left = await stack.drain(queues.dead);
    expect(left.map(({ MessageAttributes }) => MessageAttributes?.['detail']?.StringValue)).toEqual(['first', 'third']);
  });
  test('are given back where the work on them fails', async () => {
    await bury('main');
    await expect(withLetters(desk, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await stack.drain(queues.dead)).toHaveLength(1);
  });
});
