// The queues: what a dead letter carries, batches of any size, and an answer for every single entry.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Message } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { delayable, deliveries, sqsQueues, type Queues } from '../../shared/aws/queues.ts';
import type { PlaceIntent } from '../../shared/order/intent.ts';
import type { DeadLetter, ExecutionReport, PendingOrder } from '../../shared/order/report.ts';
import { changed, limitBuy } from '../order/arbitraries.ts';
import { startStack, type Stack } from './fixture.ts';

let stack: Stack;
let urls: { handledUrl: string; deadUrl: string; pendingUrl: string; reportsUrl: string };
let queues: Queues;
let failures: (readonly [queue: string, detail: string])[];
beforeAll(async () => {
  stack = await startStack();
  urls = {
    handledUrl: await stack.queue('intents.fifo'),
    deadUrl: await stack.queue('dead.fifo'),
    pendingUrl: await stack.queue('pending'),
    reportsUrl: await stack.queue('reports'),
  };
});
beforeEach(async () => {
  await stack.faults();
  failures = [];
  queues = sqsQueues(urls, (queue, detail) => failures.push([queue, detail]));
  for (const url of Object.values(urls)) await stack.sqs.purgeQueue({ QueueUrl: url });
});
afterAll(() => stack.close());

let next = 0;
const letter = (more: Partial<DeadLetter> = {}): DeadLetter => ({
  body: JSON.stringify(limitBuy),
  group: 'main',
  sourceMessageId: `source-${(next += 1)}`,
  reason: 'VENUE_REFUSED',
  certainty: 'refused',
  detail: 'BitMart 50020: balance not enough',
  attempts: 2,
  ...more,
});
const report = (id: string): ExecutionReport => ({ id, account: 'main', status: 'denied', action: 'place', at: limitBuy.createdAt }); // prettier-ignore
const attributesOf = (message: Message | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(message?.MessageAttributes ?? {}).map(([name, value]) => [name, `${value.DataType}: ${value.StringValue}`]), // prettier-ignore
  );
const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `r${index}`);

describe('a dead letter', () => {
  test('has the original body, the group of the record, and its message id against repetition', async () => {
    const body = '{ "not":  "an intent", "é": 1 }\n';
    const one = letter({ body, group: 'acc7' });
    expect(await queues.bury([one])).toEqual([true]);
    const [message, ...rest] = await stack.drain(urls.deadUrl);
    expect(rest).toEqual([]);
    expect(message?.Body).toBe(body);
    expect(message?.Attributes).toMatchObject({ MessageGroupId: 'acc7', MessageDeduplicationId: one.sourceMessageId });
  });
  test('says why in its attributes', async () => {
    const one = letter({ intentId: 'i1', account: 'main', venueCode: '50020', attempts: 3 });
    await queues.bury([one]);
    expect(attributesOf((await stack.drain(urls.deadUrl))[0])).toEqual({
      reason: 'String: VENUE_REFUSED',
      certainty: 'String: refused',
      detail: 'String: BitMart 50020: balance not enough',
      intentId: 'String: i1',
      account: 'String: main',
      venueCode: 'String: 50020',
      attempts: 'Number: 3',
      sourceMessageId: `String: ${one.sourceMessageId}`,
    });
  });
  test('leaves out what is not known, and has no empty attribute', async () => {
    const one = letter({ intentId: '', account: '', venueCode: '', detail: '' });
    expect(await queues.bury([one])).toEqual([true]);
    const attributes = attributesOf((await stack.drain(urls.deadUrl))[0]);
    expect(Object.keys(attributes).sort()).toEqual(['attempts', 'certainty', 'detail', 'reason', 'sourceMessageId']);
    for (const value of Object.values(attributes)) expect(value).toMatch(/^(String|Number): ./);
  });
  test('has a detail in printable ASCII of at most 512 characters', async () => {
    await queues.bury([letter({ detail: `büy\n${'x'.repeat(2000)}\u0000` })]);
    const { detail = '' } = attributesOf((await stack.drain(urls.deadUrl))[0]);
    expect(detail).toMatch(/^String: b\?y\?x[\x20-\x7e]*\.\.\.$/);
    expect(detail.length - 'String: '.length).toBe(512);
  });
  test('of one record is there once, however often it is buried', async () => {
    const one = letter();
    expect(await queues.bury([one])).toEqual([true]);
    expect(await queues.bury([one])).toEqual([true]);
    expect(await stack.drain(urls.deadUrl)).toHaveLength(1);
  });
});

describe('batches', () => {
  test('of more than ten are cut, and every message arrives once, with an answer for each', async () => {
    for (const count of [0, 1, 10, 11, 25]) {
      const before = stack.calls('SendMessageBatch').length;
      const ids = numbered(count);
      expect(await queues.publish(ids.map(report))).toEqual(Array(count).fill(true));
      expect(stack.calls('SendMessageBatch').length - before).toBe(Math.ceil(count / 10));
      const bodies = (await stack.drain(urls.reportsUrl)).map(({ Body = '' }) => JSON.parse(Body) as ExecutionReport);
      expect(bodies.map(({ id }) => id).sort()).toEqual([...ids].sort());
    }
    expect(failures).toEqual([]);
  });
  test('of letters keep the order within a group', async () => {
    await queues.bury(numbered(10).map((body) => letter({ body })));
    expect((await stack.drain(urls.deadUrl)).map(({ Body }) => Body)).toEqual(numbered(10));
  });
  test('a report and an accepted order arrive as they were', async () => {
    const pending: PendingOrder = { intent: limitBuy as unknown as PlaceIntent, venueOrderId: '9', acceptedAt: limitBuy.createdAt }; // prettier-ignore
    expect(await queues.follow([{ order: pending, delaySeconds: 0 }])).toEqual([true]);
    expect(await queues.publish([report('x')])).toEqual([true]);
    expect((await stack.drain(urls.pendingUrl)).map(({ Body = '' }) => JSON.parse(Body) as unknown)).toEqual([pending]);
    expect((await stack.drain(urls.reportsUrl)).map(({ Body = '' }) => JSON.parse(Body) as unknown)).toEqual([report('x')]); // prettier-ignore
  });
  test('each accepted order is not seen before its own delay is over, and they go out by tens', async () => {
    const pending = (id: string): PendingOrder => ({ intent: { ...limitBuy, id } as unknown as PlaceIntent, venueOrderId: '9', acceptedAt: limitBuy.createdAt }); // prettier-ignore
    const before = stack.calls('SendMessageBatch').length;
    const slow = numbered(11).map((id, index) => ({ order: pending(id), delaySeconds: 900 - index }));
    expect(await queues.follow([...slow, { order: pending('late'), delaySeconds: 1 }])).toEqual(Array(12).fill(true));
    expect(stack.calls('SendMessageBatch').length - before).toBe(2);
    expect(await stack.drain(urls.pendingUrl)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect((await stack.drain(urls.pendingUrl)).map(({ Body = '' }) => (JSON.parse(Body) as PendingOrder).intent.id)).toEqual(['late']); // prettier-ignore
  });
});

describe('what SQS did not take', () => {
  test('of a batch that it answered is sent once more', async () => {
    await stack.faults({ action: 'SendMessageBatch', resource: 'reports', fault: 'partial', times: 1 });
    expect(await queues.publish(numbered(3).map(report))).toEqual([true, true, true]);
    expect(failures).toEqual([['reports', 'InternalError']]);
    expect(await stack.drain(urls.reportsUrl)).toHaveLength(3);
  });
  test('at the second time either is reported entry by entry', async () => {
    await stack.faults({ action: 'SendMessageBatch', resource: 'reports', fault: 'partial', times: 2 });
    expect(await queues.publish(numbered(3).map(report))).toEqual([false, true, true]);
    expect(await stack.drain(urls.reportsUrl)).toHaveLength(2);
  });
  test('of several batches is reported in the place of each', async () => {
    await stack.faults({ action: 'SendMessageBatch', resource: 'dead.fifo', fault: 'partial', times: 5 });
    const taken = await queues.bury(numbered(25).map((body) => letter({ body })));
    expect(taken).toHaveLength(25);
    expect(taken.filter((one) => !one)).toHaveLength(2);
    const arrived = new Set((await stack.drain(urls.deadUrl)).map(({ Body }) => Body));
    expect(taken.map((one, index) => one === arrived.has(`r${index}`))).toEqual(Array(25).fill(true));
  });
  test.each([
    ['refuses', { fault: 'error', code: 'InternalError' }],
    ['denies access', { fault: 'error', code: 'AccessDenied' }],
    ['resets', { fault: 'drop-before' }],
    ['loses its answer', { fault: 'drop-after' }],
  ])('is all of it where SQS %s; no call rejects', async (_, fault) => {
    await stack.faults({ action: 'SendMessageBatch', ...fault });
    expect(await queues.bury([letter(), letter()])).toEqual([false, false]);
    expect(await queues.publish([report('a')])).toEqual([false]);
    expect(await queues.follow([])).toEqual([]);
    expect(failures.map(([queue]) => queue)).toEqual(['dead', 'reports']);
  });
  test('is all of it where SQS says nothing, and that is known long before the invocation ends', async () => {
    await stack.faults({ action: 'SendMessageBatch', fault: 'delay', ms: 6_000 });
    const started = Date.now();
    expect(await queues.bury([letter()])).toEqual([false]);
    expect(Date.now() - started).toBeLessThan(5_500);
  });
  test('is nothing where one hiccup passes', async () => {
    await stack.faults({ action: 'SendMessageBatch', fault: 'drop-before', times: 1 });
    expect(await queues.bury([letter()])).toEqual([true]);
    expect(failures).toEqual([]);
  });
  test('is all of it where there is no such queue', async () => {
    const lost = sqsQueues({ ...urls, deadUrl: `${urls.deadUrl}x` }, (queue, detail) => failures.push([queue, detail]));
    expect(await lost.bury([letter()])).toEqual([false]);
    expect(failures).toEqual([['dead', expect.stringMatching(/\w/)]]);
  });
});

describe('postpone', () => {
  /** So many messages in flight, each of a group of its own. */
  const inFlight = async (count: number): Promise<readonly Message[]> => {
    for (const id of numbered(count)) {
      const message = { MessageBody: id, MessageGroupId: id, MessageDeduplicationId: `${id}${(next += 1)}` };
      await stack.sqs.sendMessage({ QueueUrl: urls.handledUrl, ...message });
    }
    const received: Message[] = [];
    while (received.length < count) {
      const { Messages = [] } = await stack.sqs.receiveMessage({ QueueUrl: urls.handledUrl, MaxNumberOfMessages: 10 });
      received.push(...Messages);
    }
    return received;
  };
  const visible = async (): Promise<number> => {
    const asked = { QueueUrl: urls.handledUrl, AttributeNames: ['ApproximateNumberOfMessages' as const] };
    return Number((await stack.sqs.getQueueAttributes(asked)).Attributes?.ApproximateNumberOfMessages);
  };
  const handle = (message: Message | undefined, seconds: number) => ({ receiptHandle: message?.ReceiptHandle ?? '', seconds }); // prettier-ignore

  test('shows a message again after so many seconds, and no sooner', async () => {
    const [soon, late] = await inFlight(2);
    await queues.postpone([handle(soon, 1), handle(late, 600)]);
    expect(await visible()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect(await visible()).toBe(1);
    expect(failures).toEqual([]);
  });
  test('takes more than ten at once', async () => {
    const messages = await inFlight(12);
    const before = stack.calls('ChangeMessageVisibilityBatch').length;
    await queues.postpone(messages.map((message) => handle(message, 3_600)));
    const calls = stack.calls('ChangeMessageVisibilityBatch').slice(before);
    expect(calls.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  });
  test('takes the longest time that it says it takes', async () => {
    const before = stack.calls('ChangeMessageVisibilityBatch').length;
    await queues.postpone([handle((await inFlight(1))[0], 43_000)]);
    expect(stack.calls('ChangeMessageVisibilityBatch').slice(before)).toMatchObject([{ outcome: 'ok' }]);
  });
  test('does not reject where SQS fails: the message comes back by itself', async () => {
    await stack.faults({ action: 'ChangeMessageVisibilityBatch', fault: 'error' });
    await queues.postpone([handle((await inFlight(1))[0], 5)]);
    expect(failures).toEqual([['handled', expect.stringMatching(/\w/)]]);
  });
  test('tells of an entry that SQS refused', async () => {
    await queues.postpone([{ receiptHandle: 'no-such-handle', seconds: 5 }]);
    expect(failures).toEqual([['handled', expect.stringMatching(/\w/)]]);
  });
  test('of nothing calls nobody', async () => {
    const before = stack.calls('ChangeMessageVisibilityBatch').length;
    await queues.postpone([]);
    expect(stack.calls('ChangeMessageVisibilityBatch')).toHaveLength(before);
  });
});

test('who follows orders moves the visibility of the pending queue', async () => {
  const { pendingUrl } = urls;
  const following = sqsQueues({ ...urls, handledUrl: pendingUrl }, (...failure) => failures.push(failure));
  await stack.sqs.sendMessage({ QueueUrl: pendingUrl, MessageBody: 'x' });
  const { Messages: [message] = [] } = await stack.sqs.receiveMessage({ QueueUrl: pendingUrl });
  await following.postpone([{ receiptHandle: message?.ReceiptHandle ?? '', seconds: 600 }]);
  expect(await following.publish([report('x')])).toEqual([true]);
  expect(failures).toEqual([]);
  expect(await stack.drain(pendingUrl)).toEqual([]);
}); // prettier-ignore

test('a delay is one that SQS takes, whatever is asked for', () => {
  expect([-5, 0, 0.4, 1.6, 900, 901, 1e9].map(delayable)).toEqual([0, 0, 0, 2, 900, 900, 900]);
});

test('a delivery is read from the record of an event', () => {
  const attributes = { ApproximateReceiveCount: '3', SentTimestamp: '1700000000000', SenderId: 'x', ApproximateFirstReceiveTimestamp: '1700000000500', MessageGroupId: 'main', MessageDeduplicationId: 'i1' }; // prettier-ignore
  const record: SQSRecord = { messageId: 'm', receiptHandle: 'h', body: 'b', attributes, messageAttributes: {}, md5OfBody: '', eventSource: 'aws:sqs', eventSourceARN: '', awsRegion: '' }; // prettier-ignore
  const read = { messageId: 'm', receiptHandle: 'h', body: 'b', receiveCount: 3, enqueuedAt: 1_700_000_000_000, firstReceivedAt: 1_700_000_000_500 }; // prettier-ignore
  expect(deliveries([record])).toEqual([{ ...read, group: 'main', deduplicationId: 'i1' }]);
  const standard = changed(attributes, ['MessageGroupId', 'MessageDeduplicationId']) as typeof attributes;
  expect(deliveries([{ ...record, attributes: standard }])).toEqual([{ ...read, group: '', deduplicationId: '' }]);
  expect(deliveries([])).toEqual([]);
});
