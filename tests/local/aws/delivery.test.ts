// Visibility, long polling, redrive and move tasks of the local AWS through the unmodified SDK.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MessageNotInflight, OverLimit, ReceiptHandleIsInvalid } from '@aws-sdk/client-sqs';
import { bodies, clockwork, codeOf, sleep, startStack, type Stack } from './fixture.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const timed = async <T>(run: Promise<T>): Promise<{ readonly result: T; readonly ms: number }> => {
  const start = performance.now();
  const result = await run;
  return { result, ms: performance.now() - start };
};

describe('visibility', () => {
  test('expires by the queue, by the receive, and by the change of one message', async () => {
    const check = async (name: string, attributes: Record<string, string>, more: object, change?: number) => {
      const url = await stack.queue(name, attributes);
      await stack.send(url, 'x');
      let at = performance.now();
      const [first] = await stack.receive(url, more);
      if (change !== undefined) {
        at = performance.now();
        await stack.show(url, first, change);
      }
      expect(await stack.receive(url)).toEqual([]);
      const [second] = await stack.receive(url, { WaitTimeSeconds: 5 });
      expect(second?.MessageId).toBe(first?.MessageId);
      expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
      expect(second?.Attributes?.ApproximateReceiveCount).toBe('2');
      expect(performance.now() - at).toBeGreaterThan(1990);
    };
    await Promise.all([
      check('by-queue', { VisibilityTimeout: '2' }, {}),
      check('by-receive', {}, { VisibilityTimeout: 2 }),
      check('by-change', {}, {}, 2),
    ]);
  });

  test('an expired head unlocks its FIFO group for one who waits', async () => {
    const url = await stack.queue('unlock.fifo', { VisibilityTimeout: '1' });
    for (const body of ['1', '2']) await stack.send(url, body, 'a');
    await stack.receive(url, { MaxNumberOfMessages: 1 });
    const { result, ms } = await timed(stack.receive(url, { WaitTimeSeconds: 5 }));
    expect(bodies(result)).toEqual(['1', '2']);
    expect(ms).toBeGreaterThan(800);
    expect(ms).toBeLessThan(2000);
  });

  test('zero shows a message at once, and a longer one hides it longer', async () => {
    const url = await stack.queue('change', { VisibilityTimeout: '1' });
    await stack.send(url, 'x');
    const [first] = await stack.receive(url);
    await stack.show(url, first);
    const [second] = await stack.receive(url);
    expect(second?.Body).toBe('x');
    await stack.show(url, second, 30);
    await sleep(1100);
    expect(await stack.receive(url)).toEqual([]);
    expect(await codeOf(stack.show(url, second, 43_201))).toBe('InvalidParameterValue');
  });

  test('a change of what is not in flight is refused, and so is an invented handle', async () => {
    const url = await stack.queue('not-in-flight');
    await stack.send(url, 'x');
    const [message] = await stack.receive(url);
    await stack.show(url, message);
    await expect(stack.show(url, message, 5)).rejects.toBeInstanceOf(MessageNotInflight);
    const bogus = { ReceiptHandle: 'AQEBinvented' };
    await expect(stack.show(url, bogus, 5)).rejects.toBeInstanceOf(ReceiptHandleIsInvalid);
    await expect(stack.remove(url, bogus)).rejects.toBeInstanceOf(ReceiptHandleIsInvalid);
    const other = await stack.queue('other-queue');
    await expect(stack.remove(other, message)).rejects.toBeInstanceOf(ReceiptHandleIsInvalid);
    await stack.remove(url, message);
    expect(await codeOf(stack.show(url, message, 5))).toBe('InvalidParameterValue');
  });

  test('on a standard queue the latest handle deletes even after it expired, an older one does nothing', async () => {
    const url = await stack.queue('late');
    await stack.send(url, 'x');
    const [first] = await stack.receive(url, { VisibilityTimeout: 0 });
    const [second] = await stack.receive(url, { VisibilityTimeout: 0 });
    expect(await codeOf(stack.remove(url, first))).toBe('ok');
    expect(await stack.counts(url)).toEqual([1, 0, 0]);
    await stack.remove(url, second);
    expect(await stack.counts(url)).toEqual([0, 0, 0]);
  });

  test('the twelve hours count from the receive, not from the change', async () => {
    const { call, receive, pass } = clockwork();
    const { QueueUrl } = await call('CreateQueue', { QueueName: 'cap' });
    await call('SendMessage', { QueueUrl, MessageBody: 'x' });
    const [message] = await receive(String(QueueUrl), { VisibilityTimeout: 7200 });
    pass(3600);
    const change = (VisibilityTimeout: number) =>
      call('ChangeMessageVisibility', { QueueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout });
    await expect(change(43_200)).rejects.toThrow('beyond the limit');
    await expect(change(39_600)).resolves.toEqual({});
  });
});

describe('the clock of the service', () => {
  test('deduplication ends after five minutes, retention drops what is too old, delays hide', async () => {
    const { call, receive, pass } = clockwork();
    const fifo = { FifoQueue: 'true', MessageRetentionPeriod: '3600' };
    const { QueueUrl } = await call('CreateQueue', { QueueName: 'clock.fifo', Attributes: fifo });
    const send = () =>
      call('SendMessage', { QueueUrl, MessageBody: 'x', MessageGroupId: 'a', MessageDeduplicationId: 'd' });
    const first = await send();
    pass(299);
    expect(await send()).toEqual(first);
    pass(2);
    expect((await send())['MessageId']).not.toBe(first['MessageId']);
    pass(3300);
    expect(await receive(String(QueueUrl))).toHaveLength(1);
    pass(400);
    expect(await receive(String(QueueUrl))).toHaveLength(0);

    const { QueueUrl: plain } = await call('CreateQueue', { QueueName: 'plain', Attributes: { DelaySeconds: '10' } });
    await call('SendMessage', { QueueUrl: plain, MessageBody: 'by queue' });
    await call('SendMessage', { QueueUrl: plain, MessageBody: 'by message', DelaySeconds: 20 });
    await call('SendMessage', { QueueUrl: plain, MessageBody: 'at once', DelaySeconds: 0 });
    expect(bodies(await receive(String(plain)))).toEqual(['at once']);
    pass(10);
    expect(bodies(await receive(String(plain)))).toEqual(['by queue']);
    pass(10);
    expect(bodies(await receive(String(plain)))).toEqual(['by message']);
  });

  test('the limit of messages in flight refuses on standard queues and is silent on FIFO queues', async () => {
    const { call, receive } = clockwork(3);
    const { QueueUrl } = await call('CreateQueue', { QueueName: 'limit' });
    const { QueueUrl: fifo } = await call('CreateQueue', {
      QueueName: 'limit.fifo',
      Attributes: { FifoQueue: 'true' },
    });
    for (const body of ['1', '2', '3', '4']) {
      await call('SendMessage', { QueueUrl, MessageBody: body });
      await call('SendMessage', {
        QueueUrl: fifo,
        MessageBody: body,
        MessageGroupId: body,
        MessageDeduplicationId: body,
      });
    }
    for (const url of [String(QueueUrl), String(fifo)]) expect(await receive(url)).toHaveLength(3);
    expect(await receive(String(fifo))).toEqual([]);
    await expect(receive(String(QueueUrl))).rejects.toMatchObject({ code: OverLimit.name });
  });

  test('10,000 messages in flight are still served quickly', async () => {
    const { call, receive } = clockwork();
    const { QueueUrl } = await call('CreateQueue', { QueueName: 'many' });
    const start = performance.now();
    for (let count = 0; count < 10_000; count += 1) await call('SendMessage', { QueueUrl, MessageBody: 'x' });
    for (let count = 0; count < 1_000; count += 1) expect(await receive(String(QueueUrl))).toHaveLength(10);
    expect(performance.now() - start).toBeLessThan(8000);
  });
});

describe('long polling', () => {
  test('a send, a delete that frees a group, and a change to zero wake the waiting at once', async () => {
    const url = await stack.queue('wake.fifo');
    const waiting = timed(stack.receive(url, { WaitTimeSeconds: 10, MaxNumberOfMessages: 1 }));
    await sleep(150);
    await stack.send(url, '1', 'a');
    const { result, ms } = await waiting;
    expect(ms).toBeLessThan(1000);
    await stack.send(url, '2', 'a');
    const freed = timed(stack.receive(url, { WaitTimeSeconds: 10 }));
    await sleep(150);
    await stack.remove(url, result[0]);
    const next = await freed;
    expect(bodies(next.result)).toEqual(['2']);
    const shown = timed(stack.receive(url, { WaitTimeSeconds: 10 }));
    await sleep(150);
    await stack.show(url, next.result[0]);
    expect(bodies((await shown).result)).toEqual(['2']);
  });

  test('an empty queue answers at the end of the wait, or of the wait that the queue sets', async () => {
    const [plain, patient] = await Promise.all([
      stack.queue('empty'),
      stack.queue('patient', { ReceiveMessageWaitTimeSeconds: '1' }),
    ]);
    const [one, two, three] = await Promise.all([
      timed(stack.receive(plain, { WaitTimeSeconds: 1 })),
      timed(stack.receive(patient)),
      timed(stack.receive(patient, { WaitTimeSeconds: 0 })),
    ]);
    expect([one.result, two.result, three.result]).toEqual([[], [], []]);
    expect(Math.min(one.ms, two.ms)).toBeGreaterThan(950);
    expect(three.ms).toBeLessThan(500);
  });

  test('a delayed message ends the wait when its time comes', async () => {
    const QueueUrl = await stack.queue('delayed');
    await stack.sqs.sendMessage({ QueueUrl, MessageBody: 'x', DelaySeconds: 1 });
    expect(await stack.counts(QueueUrl)).toEqual([0, 0, 1]);
    const { result, ms } = await timed(stack.receive(QueueUrl, { WaitTimeSeconds: 5 }));
    expect([bodies(result), ms > 700 && ms < 2500]).toEqual([['x'], true]);
  });

  test('who went away takes no message with them', async () => {
    const QueueUrl = await stack.queue('gone');
    const away = new AbortController();
    const waiting = codeOf(stack.sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 10 }, { abortSignal: away.signal }));
    await sleep(150);
    away.abort();
    expect(await waiting).toBe('AbortError');
    await sleep(50);
    await stack.send(QueueUrl, 'x');
    expect(await stack.counts(QueueUrl)).toEqual([1, 0, 0]);
    expect(bodies(await stack.receive(QueueUrl))).toEqual(['x']);
  });

  test('of several who wait each message goes to one, first come first served', async () => {
    const url = await stack.queue('several');
    const waiting = [1, 2, 3].map(() => stack.receive(url, { WaitTimeSeconds: 10, MaxNumberOfMessages: 1 }));
    await sleep(150);
    for (const body of ['1', '2', '3']) await stack.send(url, body);
    expect((await Promise.all(waiting)).map((got) => got.length)).toEqual([1, 1, 1]);
    expect(await stack.counts(url)).toEqual([0, 3, 0]);
  });
});

describe('redrive', () => {
  const wearOut = async (url: string, times: number): Promise<void> => {
    for (let count = 0; count < times; count += 1) await stack.receive(url, { VisibilityTimeout: 0 });
  };

  test('a message received too often moves to the dead-letter queue with its ids, and frees its group', async () => {
    const dead = await stack.queue('dead.fifo');
    const url = await stack.queue('worn.fifo', stack.redriveTo('dead.fifo', 2));
    const sent = await stack.send(url, '1', 'a');
    await wearOut(url, 2);
    await stack.send(url, '2', 'a');
    expect(bodies(await stack.receive(url))).toEqual(['2']);
    const [letter] = await stack.receive(dead);
    expect(letter).toMatchObject({ MessageId: sent.MessageId, Body: '1' });
    expect(letter?.Attributes).toMatchObject({
      MessageGroupId: 'a',
      MessageDeduplicationId: '1',
      DeadLetterQueueSourceArn: stack.arn('worn.fifo'),
    });
    const { queueUrls } = await stack.sqs.listDeadLetterSourceQueues({ QueueUrl: dead });
    expect(queueUrls).toEqual([url]);
  });

  test('one who waits on the dead-letter queue gets the letter at once', async () => {
    const dead = await stack.queue('dead-standard');
    const url = await stack.queue('worn-standard', stack.redriveTo('dead-standard'));
    await stack.send(url, 'x');
    await wearOut(url, 1);
    const waiting = timed(stack.receive(dead, { WaitTimeSeconds: 10 }));
    await sleep(100);
    expect(await stack.receive(url)).toEqual([]);
    expect(bodies((await waiting).result)).toEqual(['x']);
  });

  test('a redrive policy needs a dead-letter queue that exists, of the same type, and that admits the source', async () => {
    await stack.queue('target');
    await stack.queue('closed', { RedriveAllowPolicy: JSON.stringify({ redrivePermission: 'denyAll' }) });
    const sourceQueueArns = [stack.arn('chosen')];
    await stack.queue('picky', {
      RedriveAllowPolicy: JSON.stringify({ redrivePermission: 'byQueue', sourceQueueArns }),
    });
    const create = (name: string, policy: Record<string, string>) => codeOf(stack.queue(name, policy));
    expect(await create('s1', stack.redriveTo('nowhere'))).toBe('InvalidParameterValue');
    expect(await create('s2.fifo', stack.redriveTo('target'))).toBe('InvalidParameterValue');
    expect(await create('s3', stack.redriveTo('closed'))).toBe('InvalidParameterValue');
    expect(await create('s4', stack.redriveTo('picky'))).toBe('InvalidParameterValue');
    expect(await create('s5', stack.redriveTo('target', 1001))).toBe('InvalidParameterValue');
    expect(await create('s6', { RedrivePolicy: 'no json' })).toBe('InvalidAttributeValue');
    expect(await create('chosen', stack.redriveTo('picky'))).toBe('ok');
    expect(await create('s7', stack.redriveTo('target'))).toBe('ok');
  });
});

describe('move tasks', () => {
  const settled = async (SourceArn: string) => {
    for (;;) {
      const { Results = [] } = await stack.sqs.listMessageMoveTasks({ SourceArn, MaxResults: 10 });
      if (Results[0]?.Status !== 'RUNNING') return Results;
      await sleep(20);
    }
  };

  test('dead letters go back to their source in order, with new ids and a fresh count', async () => {
    const dead = await stack.queue('mdead.fifo');
    const url = await stack.queue('msource.fifo', stack.redriveTo('mdead.fifo'));
    for (const body of ['1', '2', '3']) await stack.send(url, body, 'a');
    const before = await stack.receive(url, { VisibilityTimeout: 0 });
    expect(await stack.receive(url)).toEqual([]);
    expect(await stack.counts(dead)).toEqual([3, 0, 0]);
    await stack.sqs.startMessageMoveTask({ SourceArn: stack.arn('mdead.fifo') });
    const [result] = await settled(stack.arn('mdead.fifo'));
    expect(result).toMatchObject({ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 3 });
    const after = await stack.receive(url);
    expect(bodies(after)).toEqual(['1', '2', '3']);
    const ids = (from: typeof after) => from.map(({ Attributes }) => Attributes?.MessageDeduplicationId);
    expect(ids(after).some((id) => ids(before).includes(id))).toBe(false);
    expect(after[0]?.Attributes).toMatchObject({ ApproximateReceiveCount: '1', MessageGroupId: 'a' });
    expect(await stack.counts(dead)).toEqual([0, 0, 0]);
  });

  test('any queue moves to a named destination; without one the source must be a dead-letter queue', async () => {
    const [from, to] = [await stack.queue('from'), await stack.queue('to')];
    await stack.send(from, 'x');
    const SourceArn = stack.arn('from');
    const start = (more: object = {}) => codeOf(stack.sqs.startMessageMoveTask({ SourceArn, ...more }));
    expect(await start()).toBe('InvalidParameterValue');
    expect(await start({ DestinationArn: stack.arn('missing') })).toBe('ResourceNotFoundException');
    expect(await start({ SourceArn: stack.arn('missing') })).toBe('ResourceNotFoundException');
    expect(await start({ DestinationArn: stack.arn('to') })).toBe('ok');
    await settled(SourceArn);
    expect(bodies(await stack.receive(to))).toEqual(['x']);
  });

  test('a slow task is the only one of its source, and can be cancelled', async () => {
    const [from, to] = [await stack.queue('slow-from'), await stack.queue('slow-to')];
    for (const body of ['1', '2', '3']) await stack.send(from, body);
    const [SourceArn, DestinationArn] = [stack.arn('slow-from'), stack.arn('slow-to')];
    const rate = { SourceArn, DestinationArn, MaxNumberOfMessagesPerSecond: 2 };
    const { TaskHandle } = await stack.sqs.startMessageMoveTask(rate);
    expect(await codeOf(stack.sqs.startMessageMoveTask(rate))).toContain('UnsupportedOperation');
    expect(bodies(await stack.receive(to, { WaitTimeSeconds: 3 }))).toHaveLength(1);
    const cancelled = await stack.sqs.cancelMessageMoveTask({ TaskHandle });
    expect(cancelled.ApproximateNumberOfMessagesMoved).toBe(1);
    expect((await settled(SourceArn))[0]).toMatchObject({ Status: 'CANCELLED' });
    expect(await stack.counts(from)).toEqual([2, 0, 0]);
    expect(await codeOf(stack.sqs.cancelMessageMoveTask({ TaskHandle: 'nonsense' }))).toBe('InvalidParameterValue');
  });
});
