// Messages, batches and queue attributes of the local AWS through the unmodified SDK.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BatchRequestTooLong, EmptyBatchRequest, InvalidMessageContents, QueueDoesNotExist } from '@aws-sdk/client-sqs';
import { bodies, codeOf, startStack, type Stack } from './fixture.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const text = (StringValue: string, DataType = 'String') => ({ DataType, StringValue });

describe('message attributes', () => {
  // Digests computed by an independent implementation.
  test('come back as they were sent, with the MD5s of the service', async () => {
    const QueueUrl = await stack.queue('attributes');
    const b = { DataType: 'Binary.png', BinaryValue: new Uint8Array([0, 255, 16]) };
    const MessageAttributes = { b, a: text('zażółć') };
    const sent = await stack.sqs.sendMessage({ QueueUrl, MessageBody: 'x', MessageAttributes });
    expect(sent.MD5OfMessageAttributes).toBe('85b37e6c7144adb821962025c10e7a59');
    const [got] = await stack.receive(QueueUrl);
    expect(got?.MessageAttributes).toEqual(MessageAttributes);
    expect(got?.MD5OfMessageAttributes).toBe(sent.MD5OfMessageAttributes);
    const timestamp = { timestamp: text('1493147359900', 'Number') };
    const second = await stack.sqs.sendMessage({ QueueUrl, MessageBody: 'x', MessageAttributes: timestamp });
    expect(second.MD5OfMessageAttributes).toBe('235c5c510d26fb653d073faed50ae77c');
  });

  test('are chosen by name, prefix and All, and the digest covers what is returned', async () => {
    const QueueUrl = await stack.queue('chosen-attributes');
    const MessageAttributes = { 'bot.a': text('1'), 'bot.b': text('2'), other: text('3') };
    const sent = await stack.sqs.sendMessage({ QueueUrl, MessageBody: 'x', MessageAttributes });
    const chosen = async (...MessageAttributeNames: readonly string[]) => {
      const [got] = await stack.receive(QueueUrl, { MessageAttributeNames, VisibilityTimeout: 0 });
      return { names: Object.keys(got?.MessageAttributes ?? {}).sort(), md5: got?.MD5OfMessageAttributes };
    };
    expect((await chosen()).names).toEqual([]);
    expect((await chosen('other', 'absent')).names).toEqual(['other']);
    expect((await chosen('bot.*')).names).toEqual(['bot.a', 'bot.b']);
    expect((await chosen('bot.*')).md5).not.toBe(sent.MD5OfMessageAttributes);
    for (const all of ['All', '.*']) expect((await chosen(all)).md5).toBe(sent.MD5OfMessageAttributes);
  });

  test('that the service forbids are refused', async () => {
    const QueueUrl = await stack.queue('bad-attributes');
    const send = (MessageAttributes: object) =>
      codeOf(stack.sqs.sendMessage({ QueueUrl, MessageBody: 'x', MessageAttributes: { ...MessageAttributes } }));
    expect(await send({ empty: text('') })).toBe('InvalidParameterValue');
    expect(await send({ odd: text('x', 'Text') })).toBe('InvalidParameterValue');
    expect(await send({ number: text('twelve', 'Number') })).toBe('InvalidParameterValue');
    expect(await send({ 'AWS.mine': text('x') })).toBe('InvalidParameterValue');
    expect(await send({ 'two..dots': text('x') })).toBe('InvalidParameterValue');
    const names = Array.from({ length: 11 }, (_, index) => `n${index}`);
    expect(await send(Object.fromEntries(names.map((name) => [name, text('x')])))).toBe('InvalidParameterValue');
    expect(await send(Object.fromEntries(names.slice(1).map((name) => [name, text('x')])))).toBe('ok');
  });

  test('the trace header is a system attribute with a digest of its own', async () => {
    const QueueUrl = await stack.queue('trace');
    const MessageSystemAttributes = { AWSTraceHeader: text('Root=1-5759e988-bd862e3fe1be46a994272793') };
    const sent = await stack.sqs.sendMessage({ QueueUrl, MessageBody: 'x', MessageSystemAttributes });
    expect(sent.MD5OfMessageSystemAttributes).toMatch(/^[0-9a-f]{32}$/);
    expect(sent.MD5OfMessageAttributes).toBeUndefined();
    const [got] = await stack.receive(QueueUrl, { MessageSystemAttributeNames: ['AWSTraceHeader', 'SenderId'] });
    expect(got?.Attributes).toEqual({
      AWSTraceHeader: MessageSystemAttributes.AWSTraceHeader.StringValue,
      SenderId: 'AKIATESTS',
    });
  });

  test('system attributes tell when it was sent, first received, and how often', async () => {
    const url = await stack.queue('system');
    const before = Date.now();
    await stack.send(url, 'x');
    await stack.receive(url, { VisibilityTimeout: 0 });
    const [got] = await stack.receive(url, { AttributeNames: ['All'], MessageSystemAttributeNames: [] });
    const { SentTimestamp, ApproximateFirstReceiveTimestamp, ApproximateReceiveCount } = got?.Attributes ?? {};
    expect(Number(SentTimestamp)).toBeGreaterThanOrEqual(before);
    expect(Number(ApproximateFirstReceiveTimestamp)).toBeGreaterThanOrEqual(Number(SentTimestamp));
    expect(ApproximateReceiveCount).toBe('2');
  });
});

describe('sizes and characters', () => {
  test('the limit counts bytes of body and attributes, at the queue and at 1 MiB', async () => {
    const small = await stack.queue('small', { MaximumMessageSize: '1024' });
    const large = await stack.queue('large');
    const send = (QueueUrl: string, MessageBody: string, MessageAttributes = {}) =>
      codeOf(stack.sqs.sendMessage({ QueueUrl, MessageBody, MessageAttributes }));
    expect(await send(small, 'x'.repeat(1024))).toBe('ok');
    expect(await send(small, 'é'.repeat(513))).toBe('InvalidParameterValue');
    expect(await send(small, 'x'.repeat(1014), { n: text('123') })).toBe('ok');
    expect(await send(small, 'x'.repeat(1014), { n: text('1234') })).toBe('InvalidParameterValue');
    expect(await send(large, 'x'.repeat(1_048_576))).toBe('ok');
    expect(await send(large, 'x'.repeat(1_048_577))).toBe('InvalidParameterValue');
  });

  test('characters that XML does not know are refused, all others come back unchanged', async () => {
    const QueueUrl = await stack.queue('characters');
    for (const MessageBody of ['\u0000', 'a\u000b', '\ufffe', '\ud800'])
      await expect(stack.sqs.sendMessage({ QueueUrl, MessageBody })).rejects.toBeInstanceOf(InvalidMessageContents);
    expect(await codeOf(stack.sqs.sendMessage({ QueueUrl, MessageBody: '' }))).toBe('MissingParameter');
    const fine = '\t\n\r <&>"\u007f\u20ac\ufffd\u{1f600}';
    await stack.send(QueueUrl, fine);
    expect(bodies(await stack.receive(QueueUrl))).toEqual([fine]);
  });
});

describe('batches', () => {
  const entry = (Id: string, more: object = {}) => ({ Id, MessageBody: Id, ...more });

  test('are refused whole when they are empty, too many, too long, or their ids are wrong', async () => {
    const QueueUrl = await stack.queue('whole');
    const send = (...Entries: { Id: string; MessageBody: string }[]) =>
      stack.sqs.sendMessageBatch({ QueueUrl, Entries });
    await expect(send()).rejects.toBeInstanceOf(EmptyBatchRequest);
    const eleven = Array.from({ length: 11 }, (_, index) => entry(String(index)));
    await expect(send(...eleven)).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
    await expect(send(entry('a'), entry('a'))).rejects.toMatchObject({ name: 'BatchEntryIdsNotDistinct' });
    await expect(send(entry('a b'))).rejects.toMatchObject({ name: 'InvalidBatchEntryId' });
    const half = 'x'.repeat(600_000);
    await expect(send({ Id: 'a', MessageBody: half }, { Id: 'b', MessageBody: half })).rejects.toBeInstanceOf(
      BatchRequestTooLong,
    );
    expect(await stack.counts(QueueUrl)).toEqual([0, 0, 0]);
  });

  test('one wrong entry stands in Failed and stops no other', async () => {
    const QueueUrl = await stack.queue('partial.fifo', { MaximumMessageSize: '1024' });
    const ids = (id: string) => ({ MessageGroupId: 'g', MessageDeduplicationId: id });
    const { Successful = [], Failed = [] } = await stack.sqs.sendMessageBatch({
      QueueUrl,
      Entries: [
        entry('good', ids('1')),
        entry('no-group', { MessageDeduplicationId: '2' }),
        entry('no-id', { MessageGroupId: 'g' }),
        { Id: 'long', MessageBody: 'x'.repeat(1025), ...ids('4') },
        { Id: 'odd', MessageBody: '\u0001', ...ids('5') },
        entry('last', ids('6')),
      ],
    });
    expect(Successful.map(({ Id }) => Id)).toEqual(['good', 'last']);
    expect(Failed.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault])).toEqual([
      ['no-group', 'MissingParameter', true],
      ['no-id', 'InvalidParameterValue', true],
      ['long', 'InvalidParameterValue', true],
      ['odd', 'InvalidMessageContents', true],
    ]);
    expect(bodies(await stack.receive(QueueUrl))).toEqual(['good', 'last']);
  });

  test('deletes and visibility changes answer each entry by itself', async () => {
    const QueueUrl = await stack.queue('handles');
    for (const body of ['1', '2']) await stack.send(QueueUrl, body);
    const [first, second] = await stack.receive(QueueUrl);
    const changed = await stack.sqs.changeMessageVisibilityBatch({
      QueueUrl,
      Entries: [
        { Id: 'a', ReceiptHandle: first?.ReceiptHandle, VisibilityTimeout: 0 },
        { Id: 'b', ReceiptHandle: 'invented', VisibilityTimeout: 0 },
        { Id: 'c', ReceiptHandle: second?.ReceiptHandle, VisibilityTimeout: 99_999 },
      ],
    });
    expect(changed.Successful?.map(({ Id }) => Id)).toEqual(['a']);
    expect(changed.Failed?.map(({ Code }) => Code)).toEqual(['ReceiptHandleIsInvalid', 'InvalidParameterValue']);
    const deleted = await stack.sqs.deleteMessageBatch({
      QueueUrl,
      Entries: [
        { Id: 'a', ReceiptHandle: second?.ReceiptHandle },
        { Id: 'b', ReceiptHandle: 'invented' },
      ],
    });
    expect(deleted.Successful?.map(({ Id }) => Id)).toEqual(['a']);
    expect(deleted.Failed?.[0]).toMatchObject({ Id: 'b', Code: 'ReceiptHandleIsInvalid', SenderFault: true });
    expect(await stack.counts(QueueUrl)).toEqual([1, 0, 0]);
  });

  test('receives ask for 1 to 10 messages', async () => {
    const url = await stack.queue('most');
    for (const MaxNumberOfMessages of [0, 11])
      expect(await codeOf(stack.receive(url, { MaxNumberOfMessages }))).toBe('InvalidParameterValue');
    expect(await codeOf(stack.receive(url, { WaitTimeSeconds: 21 }))).toBe('InvalidParameterValue');
  });
});

describe('queues', () => {
  test('are created twice with the same attributes, and refused with others', async () => {
    const attributes = { VisibilityTimeout: '60', ...stack.redriveTo('idem-dead', 5) };
    await stack.queue('idem-dead');
    const url = await stack.queue('idem', attributes);
    expect(await stack.queue('idem', attributes)).toBe(url);
    expect(await stack.queue('idem')).toBe(url);
    expect(await codeOf(stack.queue('idem', { VisibilityTimeout: '61' }))).toBe('QueueAlreadyExists');
    expect(url).toBe(`${stack.aws.url}/000000000000/idem`);
  });

  test('have names and attributes within their rules', async () => {
    const create = (QueueName: string, Attributes: Record<string, string> = {}) =>
      codeOf(stack.sqs.createQueue({ QueueName, Attributes }));
    expect(await create('has space')).toBe('InvalidParameterValue');
    expect(await create('x'.repeat(81))).toBe('InvalidParameterValue');
    expect(await create('suffix.fifo')).toBe('InvalidParameterValue');
    expect(await create('no-suffix', { FifoQueue: 'true' })).toBe('InvalidParameterValue');
    expect(await create('plain', { ContentBasedDeduplication: 'true' })).toBe('InvalidAttributeName');
    expect(await create('plain', { Colour: 'red' })).toBe('InvalidAttributeName');
    for (const [name, value] of [
      ['VisibilityTimeout', '43201'],
      ['VisibilityTimeout', 'soon'],
      ['MessageRetentionPeriod', '59'],
      ['MaximumMessageSize', '1023'],
      ['MaximumMessageSize', '1048577'],
      ['DelaySeconds', '901'],
      ['ReceiveMessageWaitTimeSeconds', '21'],
      ['SqsManagedSseEnabled', 'maybe'],
      ['Policy', 'not json'],
    ] as const)
      expect([name, await create('plain', { [name]: value })]).toEqual([name, 'InvalidAttributeValue']);
    const fast = { FifoQueue: 'true', FifoThroughputLimit: 'perMessageGroupId' };
    expect(await create('fast.fifo', fast)).toBe('InvalidAttributeValue');
    expect(await create('fast.fifo', { ...fast, DeduplicationScope: 'messageGroup' })).toBe('ok');
    expect(await codeOf(stack.sqs.getQueueUrl({ QueueName: 'plain' }))).toContain('NonExistentQueue');
  });

  test('tell all or the named attributes, and take new ones', async () => {
    const QueueUrl = await stack.queue('told.fifo');
    const read = async (...names: readonly string[]) =>
      (await stack.sqs.getQueueAttributes({ QueueUrl, AttributeNames: names.map((name) => name as 'All') })).Attributes;
    expect(await read('QueueArn', 'VisibilityTimeout')).toEqual({
      QueueArn: stack.arn('told.fifo'),
      VisibilityTimeout: '30',
    });
    expect(await read('All')).toMatchObject({
      FifoQueue: 'true',
      DeduplicationScope: 'queue',
      MaximumMessageSize: '1048576',
      MessageRetentionPeriod: '345600',
      SqsManagedSseEnabled: 'true',
    });
    await expect(read('Colour')).rejects.toMatchObject({ name: 'InvalidAttributeName' });
    const Attributes = { KmsMasterKeyId: 'alias/aws/sqs', VisibilityTimeout: '5' };
    await stack.sqs.setQueueAttributes({ QueueUrl, Attributes });
    expect(await read('All')).toMatchObject({ ...Attributes, SqsManagedSseEnabled: 'false' });
    const wrong = stack.sqs.setQueueAttributes({ QueueUrl, Attributes: { VisibilityTimeout: '-1' } });
    expect(await codeOf(wrong)).toBe('InvalidAttributeValue');
  });

  test('a redrive policy is taken away by an empty one', async () => {
    const dead = await stack.queue('away-dead');
    const QueueUrl = await stack.queue('away', stack.redriveTo('away-dead'));
    await stack.sqs.setQueueAttributes({ QueueUrl, Attributes: { RedrivePolicy: '' } });
    await stack.send(QueueUrl, 'x');
    for (let count = 0; count < 3; count += 1)
      expect(await stack.receive(QueueUrl, { VisibilityTimeout: 0 })).toHaveLength(1);
    expect(await stack.counts(dead)).toEqual([0, 0, 0]);
  });

  test('are listed by prefix and page by page, tagged, purged and deleted', async () => {
    for (const name of ['list-a', 'list-b', 'list-c']) await stack.queue(name);
    const first = await stack.sqs.listQueues({ QueueNamePrefix: 'list-', MaxResults: 2 });
    const second = await stack.sqs.listQueues({ QueueNamePrefix: 'list-', MaxResults: 2, NextToken: first.NextToken });
    const names = [...(first.QueueUrls ?? []), ...(second.QueueUrls ?? [])].map((url) => url.split('/').at(-1));
    expect([names, second.NextToken]).toEqual([['list-a', 'list-b', 'list-c'], undefined]);
    const { QueueUrl = '' } = await stack.sqs.getQueueUrl({ QueueName: 'list-a' });
    await stack.sqs.tagQueue({ QueueUrl, Tags: { stage: 'test', owner: 'desk' } });
    await stack.sqs.untagQueue({ QueueUrl, TagKeys: ['owner'] });
    expect((await stack.sqs.listQueueTags({ QueueUrl })).Tags).toEqual({ stage: 'test' });
    for (const body of ['1', '2']) await stack.send(QueueUrl, body);
    await stack.receive(QueueUrl, { MaxNumberOfMessages: 1 });
    await stack.sqs.purgeQueue({ QueueUrl });
    expect(await stack.counts(QueueUrl)).toEqual([0, 0, 0]);
    await stack.sqs.deleteQueue({ QueueUrl });
    await expect(stack.send(QueueUrl, 'x')).rejects.toBeInstanceOf(QueueDoesNotExist);
  });
});
