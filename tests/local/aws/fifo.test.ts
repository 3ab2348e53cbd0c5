// FIFO queues of the local AWS through the unmodified SDK: order, group lock, deduplication, receipt handles.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bodies, codeOf, sleep, startStack, type Stack } from './fixture.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const sendAll = async (url: string, group: string, ...list: readonly string[]): Promise<void> => {
  for (const body of list) await stack.send(url, body, group);
};

describe('order and the group lock', () => {
  test('one receive returns several messages of one group, in order, and never more than asked for', async () => {
    const url = await stack.queue('order.fifo');
    const names = Array.from({ length: 12 }, (_, index) => `m${index}`);
    await sendAll(url, 'a', ...names);
    const first = await stack.receive(url);
    expect(bodies(first)).toEqual(names.slice(0, 10));
    await Promise.all(first.map((message) => stack.remove(url, message)));
    expect(bodies(await stack.receive(url, { MaxNumberOfMessages: 1 }))).toEqual(['m10']);
  });

  test('a group with any message in flight returns nothing more until all of them are deleted', async () => {
    const url = await stack.queue('lock.fifo');
    await sendAll(url, 'a', '1', '2', '3', '4');
    const held = await stack.receive(url, { MaxNumberOfMessages: 2 });
    expect(bodies(held)).toEqual(['1', '2']);
    expect(await stack.receive(url)).toEqual([]);
    await stack.remove(url, held[0]);
    expect(await stack.receive(url)).toEqual([]);
    await stack.remove(url, held[1]);
    expect(bodies(await stack.receive(url))).toEqual(['3', '4']);
  });

  test('a head that became visible waits while a later message of its group is in flight, then comes first', async () => {
    const url = await stack.queue('head.fifo');
    await sendAll(url, 'a', '1', '2', '3');
    const [head, second] = await stack.receive(url, { MaxNumberOfMessages: 2 });
    await stack.show(url, head);
    expect(await stack.receive(url)).toEqual([]);
    await stack.show(url, second);
    expect(bodies(await stack.receive(url))).toEqual(['1', '2', '3']);
  });

  test('a message deleted out of the middle leaves the rest in order', async () => {
    const url = await stack.queue('middle.fifo');
    await sendAll(url, 'a', '1', '2', '3');
    const [first, second, third] = await stack.receive(url);
    await stack.remove(url, second);
    await stack.show(url, third);
    await stack.show(url, first);
    expect(bodies(await stack.receive(url))).toEqual(['1', '3']);
  });

  test('other groups go on while one is locked, and one receive may hold several groups', async () => {
    const url = await stack.queue('groups.fifo');
    await sendAll(url, 'a', 'a1', 'a2');
    expect(bodies(await stack.receive(url, { MaxNumberOfMessages: 1 }))).toEqual(['a1']);
    await sendAll(url, 'b', 'b1', 'b2');
    await sendAll(url, 'c', 'c1');
    expect([...bodies(await stack.receive(url))].sort()).toEqual(['b1', 'b2', 'c1']);
    expect(await stack.counts(url)).toEqual([1, 4, 0]);
  });

  test('under random traffic no group is ever out of order or in two hands', async () => {
    const seed = Date.now() % 100_000;
    let state = seed;
    const random = (below: number): number => {
      state = (state + 0x6d2b79f5) | 0;
      const mixed = Math.imul(state ^ (state >>> 15), state | 1);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
    const url = await stack.queue('random.fifo');
    const sent = new Map<string, number>();
    const done = new Map<string, number>();
    const wrong: string[] = [];
    const consume = async (): Promise<void> => {
      const batch = await stack.receive(url, { MaxNumberOfMessages: 1 + random(10) });
      for (const message of batch) {
        const [group = '', number = ''] = (message.Body ?? '').split('-');
        if (random(4) === 0) {
          await Promise.all(batch.map((each) => codeOf(stack.show(url, each))));
          return;
        }
        if (Number(number) !== (done.get(group) ?? 0)) wrong.push(message.Body ?? '');
        done.set(group, Number(number) + 1);
        await stack.remove(url, message);
      }
    };
    for (let round = 0; round < 40; round += 1) {
      const group = `g${random(4)}`;
      const number = sent.get(group) ?? 0;
      sent.set(group, number + 1);
      await Promise.all([stack.send(url, `${group}-${number}`, group), consume(), consume()]);
    }
    for (let round = 0; round < 60 && (await stack.counts(url))[0] !== 0; round += 1) await consume();
    expect({ seed, wrong, done: [...done].sort() }).toEqual({ seed, wrong: [], done: [...sent].sort() });
  });

  test('a receive repeated with its attempt id returns the same messages and handles', async () => {
    const url = await stack.queue('attempt.fifo');
    await sendAll(url, 'a', '1', '2', '3');
    const again = { MaxNumberOfMessages: 2, ReceiveRequestAttemptId: 'try-1' };
    const first = await stack.receive(url, again);
    const second = await stack.receive(url, again);
    expect(second).toEqual(first);
    expect(await stack.receive(url, { ReceiveRequestAttemptId: 'try-2' })).toEqual([]);
    expect(await stack.receive(url, again)).toEqual(first);
    await stack.show(url, first[0], 20);
    expect(await stack.receive(url, again)).toEqual([]);
  });
});

describe('deduplication', () => {
  test('a repeated id is answered with the first message, and delivered once, even after its deletion', async () => {
    const url = await stack.queue('twice.fifo');
    const first = await stack.send(url, 'one', 'a', 'same');
    const second = await stack.send(url, 'two', 'a', 'same');
    expect([second.MessageId, second.SequenceNumber]).toEqual([first.MessageId, first.SequenceNumber]);
    const got = await stack.receive(url);
    expect(bodies(got)).toEqual(['one']);
    await stack.remove(url, got[0]);
    expect((await stack.send(url, 'three', 'a', 'same')).MessageId).toBe(first.MessageId);
    expect(await stack.receive(url)).toEqual([]);
  });

  test('the id counts for the whole queue, or for the group where the scope says so', async () => {
    const queueWide = await stack.queue('wide.fifo');
    const perGroup = await stack.queue('narrow.fifo', {
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
    });
    for (const url of [queueWide, perGroup])
      for (const group of ['a', 'b', 'b']) await stack.send(url, group, group, 'same');
    expect(bodies(await stack.receive(queueWide))).toEqual(['a']);
    expect([...bodies(await stack.receive(perGroup))].sort()).toEqual(['a', 'b']);
  });

  test('content-based deduplication is the SHA-256 of the body, and an explicit id overrides it', async () => {
    const url = await stack.queue('content.fifo', { ContentBasedDeduplication: 'true' });
    const send = (MessageBody: string, MessageDeduplicationId?: string) =>
      stack.sqs.sendMessage({ QueueUrl: url, MessageBody, MessageGroupId: 'a', MessageDeduplicationId });
    await send('x');
    await send('x');
    await send('y', '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881');
    await send('x', 'other');
    const got = await stack.receive(url);
    expect(bodies(got)).toEqual(['x', 'x']);
    expect(got.map(({ Attributes }) => Attributes?.MessageDeduplicationId)).toEqual([
      '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
      'other',
    ]);
  });

  test('the interval ends, by the time scale', async () => {
    const quick = await startStack({ timeScale: 0.001 });
    const url = await quick.queue('interval.fifo');
    const first = await quick.send(url, 'one', 'a', 'same');
    await sleep(350);
    expect((await quick.send(url, 'two', 'a', 'same')).MessageId).not.toBe(first.MessageId);
    await quick.close();
  });
});

describe('what a FIFO queue refuses', () => {
  test('missing group, missing deduplication id, a delay, and ids with spaces', async () => {
    const QueueUrl = await stack.queue('refuse.fifo');
    const send = (more: object) => codeOf(stack.sqs.sendMessage({ QueueUrl, MessageBody: 'x', ...more }));
    expect(await send({ MessageDeduplicationId: 'd' })).toBe('MissingParameter');
    expect(await send({ MessageGroupId: 'g' })).toBe('InvalidParameterValue');
    const both = { MessageGroupId: 'g', MessageDeduplicationId: 'd' };
    expect(await send({ ...both, DelaySeconds: 5 })).toBe('InvalidParameterValue');
    expect(await send({ ...both, MessageGroupId: 'a b' })).toBe('InvalidParameterValue');
    expect(await send({ ...both, MessageDeduplicationId: 'x'.repeat(129) })).toBe('InvalidParameterValue');
    expect(await send(both)).toBe('ok');
  });

  test('an expired handle deletes nothing, and says that it expired', async () => {
    const url = await stack.queue('expired.fifo');
    await stack.send(url, '1', 'a');
    const [first] = await stack.receive(url);
    await stack.show(url, first);
    await expect(stack.remove(url, first)).rejects.toThrow('The receipt handle has expired');
    const [second] = await stack.receive(url);
    await expect(stack.remove(url, first)).rejects.toThrow('The receipt handle has expired');
    expect(await codeOf(stack.show(url, first))).toBe('InvalidParameterValue');
    expect(second?.Attributes?.ApproximateReceiveCount).toBe('2');
    await stack.remove(url, second);
    expect(await codeOf(stack.remove(url, second))).toBe('ok');
    expect(await stack.counts(url)).toEqual([0, 0, 0]);
  });

  test('sequence numbers have 20 digits and rise', async () => {
    const url = await stack.queue('sequence.fifo');
    const numbers = [];
    for (const body of ['1', '2', '3']) numbers.push((await stack.send(url, body, body)).SequenceNumber ?? '');
    expect(numbers.every((number) => /^\d{20}$/.test(number))).toBe(true);
    expect([...numbers].sort()).toEqual(numbers);
  });
});
