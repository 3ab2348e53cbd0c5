// The SQS event source mapping, against the local AWS through the unmodified SDK, with handlers in real children.
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type LocalAws, startLocalAws } from '../../../local/aws/server.ts';
import { failedIds, lineageKey, lineageOf, traceHeader } from '../../../local/lambda/batch.ts';
import { type EventSource, type FunctionDefinition, type Runner, startRunner } from '../../../local/lambda/runner.ts';
import { functionOf, removePackages, until } from './packages.ts';

let aws: LocalAws;
let client: SQSClient;
const open: Runner[] = [];
/** What handlers printed as JSON. */
const seen: { [key: string]: unknown }[] = [];

beforeAll(async () => {
  aws = await startLocalAws({ region: 'eu-west-1' });
  const credentials = { accessKeyId: 'TEST', secretAccessKey: 'x' };
  client = new SQSClient({ region: aws.region, endpoint: aws.url, credentials });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((runner) => runner.close()));
  seen.length = 0;
});
afterAll(async () => {
  client.destroy();
  await aws.close();
  removePackages();
});

let queues = 0;
const queue = async (attributes: Record<string, string> = {}, fifo = true): Promise<string> => {
  const QueueName = `q${queues++}${fifo ? '.fifo' : ''}`;
  const Attributes = { VisibilityTimeout: '30', ...(fifo && { FifoQueue: 'true' }), ...attributes };
  return (await client.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? '';
};
const start = async (
  queueUrl: string,
  source: string,
  more: Partial<EventSource> = {},
  definition: Partial<FunctionDefinition> = {},
): Promise<Runner> => {
  const eventSource = { queueUrl, batchSize: 10, maximumConcurrency: 2, reportBatchItemFailures: true, ...more };
  const runner = await startRunner({
    functions: [functionOf('f', source, { eventSource, ...definition })],
    region: aws.region,
    awsEndpoint: aws.url,
    onLog: ({ text }) => {
      if (text.startsWith('{')) seen.push(JSON.parse(text) as { [key: string]: unknown });
    },
  });
  open.push(runner);
  return runner;
};
const send = async (QueueUrl: string, bodies: readonly string[], group?: string): Promise<void> => {
  for (let at = 0; at < bodies.length; at += 10)
    await client.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: bodies.slice(at, at + 10).map((MessageBody, index) => ({
          Id: String(index),
          MessageBody,
          ...(group !== undefined && { MessageGroupId: group, MessageDeduplicationId: `${group}${MessageBody}` }),
        })),
      }),
    );
};
const left = async (QueueUrl: string): Promise<number> => {
  const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return Number(Attributes?.ApproximateNumberOfMessages) + Number(Attributes?.ApproximateNumberOfMessagesNotVisible);
};
const bodiesSeen = (): string[] => seen.flatMap(({ bodies }) => bodies as string[]);
const list = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => String(index + from));

/** Prints the bodies of its batch, then does what `then` says. */
const printing = (then = ''): string => `
  let batches = 0;
  export const handler = async ({ Records }) => {
    batches += 1;
    const bodies = Records.map(({ body }) => body);
    console.log(JSON.stringify({ pid: process.pid, at: Date.now(), bodies, groups: Records.map((r) => r.attributes.MessageGroupId) }));
    ${then}
  };`;

describe('the event', () => {
  test('has the shape that Lambda documents, for a FIFO queue', async () => {
    const url = await queue();
    await client.send(
      new SendMessageCommand({
        QueueUrl: url,
        MessageBody: '{"ü":1}',
        MessageGroupId: 'main',
        MessageDeduplicationId: 'id1',
        MessageAttributes: {
          text: { DataType: 'String', StringValue: 's' },
          bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([1, 2, 255]) },
        },
      }),
    );
    await start(url, 'export const handler = async (event) => console.log(JSON.stringify(event));');
    await until(() => seen.length === 1);
    const name = url.split('/').at(-1) ?? '';
    expect(seen[0]).toEqual({
      Records: [
        {
          messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          receiptHandle: expect.stringMatching(/.+/),
          body: '{"ü":1}',
          attributes: expect.objectContaining({
            ApproximateReceiveCount: '1',
            SentTimestamp: expect.stringMatching(/^\d{13}$/),
            ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
            SenderId: expect.any(String),
            SequenceNumber: expect.stringMatching(/^\d+$/),
            MessageGroupId: 'main',
            MessageDeduplicationId: 'id1',
          }),
          messageAttributes: {
            text: { stringValue: 's', stringListValues: [], binaryListValues: [], dataType: 'String' },
            bytes: { binaryValue: 'AQL/', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
          },
          md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
          md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
          eventSource: 'aws:sqs',
          eventSourceARN: expect.stringMatching(new RegExp(`^arn:aws:sqs:eu-west-1:\\d{12}:${name}$`)),
          awsRegion: 'eu-west-1',
        },
      ],
    });
    await until(async () => (await left(url)) === 0);
  });

  test('also comes from a standard queue, at most batchSize records at once', async () => {
    const url = await queue({}, false);
    await send(url, list(7));
    const runner = await start(url, printing(), { batchSize: 3 });
    await until(async () => bodiesSeen().length === 7 && (await left(url)) === 0);
    expect(bodiesSeen().sort()).toEqual(list(7));
    expect(Math.max(...seen.map(({ bodies }) => (bodies as string[]).length))).toBeLessThanOrEqual(3);
    expect(runner.metrics('f')).toMatchObject({ batchesFailed: 0, undeleted: 0, errors: 0 });
  });
});

describe('a partial batch response', () => {
  const ids = new Set(['a', 'b', 'c']);
  const failures = (...list: unknown[]): unknown => ({ batchItemFailures: list });

  test('that is absent, empty, or has no or an empty list means full success', () => {
    for (const answer of [null, undefined, '', {}, { other: 1 }, failures(), { batchItemFailures: null }])
      expect(failedIds(answer, ids)).toEqual(new Set());
  });

  test('with an identifier that is empty, null, misspelt, unknown or no string means that everything failed', () => {
    for (const item of ['', null, undefined, 'unknown', 7, {}].map((itemIdentifier) => ({ itemIdentifier })))
      expect(failedIds(failures({ itemIdentifier: 'a' }, item), ids)).toBe('all');
    for (const item of [{ ItemIdentifier: 'a' }, { messageId: 'a' }, {}, null, 'a', 7])
      expect(failedIds(failures(item), ids)).toBe('all');
  });

  test('of the wrong shape means that everything failed', () => {
    for (const answer of ['ok', 7, true, [], [{ itemIdentifier: 'a' }]]) expect(failedIds(answer, ids)).toBe('all');
    for (const batchItemFailures of ['a', 7, { itemIdentifier: 'a' }, true])
      expect(failedIds({ batchItemFailures }, ids)).toBe('all');
  });

  test('names exactly what comes back', () => {
    expect(failedIds(failures({ itemIdentifier: 'b' }, { itemIdentifier: 'b', why: 1 }), ids)).toEqual(new Set(['b']));
  });

  /** Runs one batch of a standard queue of three and tells what is left in the queue. */
  const leftAfter = async (answer: string, reportBatchItemFailures = true): Promise<[number, Runner]> => {
    const url = await queue({}, false);
    await send(url, list(3));
    const runner = await start(url, printing(answer), { reportBatchItemFailures }, { timeoutMs: 1_000 });
    await until(() => runner.metrics('f').batches === 1);
    await runner.pause('f');
    return [await left(url), runner];
  };

  test('decides what is deleted from the queue', async () => {
    const one = 'return { batchItemFailures: [{ itemIdentifier: Records[1].messageId }] };';
    const [partly, runner] = await leftAfter(one);
    expect(partly).toBe(1);
    expect(runner.metrics('f')).toMatchObject({ batches: 1, batchesPartlyFailed: 1, errors: 0 });
    expect((await leftAfter(one, false))[0]).toBe(0);
    expect((await leftAfter(''))[0]).toBe(0);
    const [unknown, other] = await leftAfter('return { batchItemFailures: [{ itemIdentifier: "x" }] };');
    expect(unknown).toBe(3);
    expect(other.metrics('f')).toMatchObject({ batchesFailed: 1, errors: 0 });
  });

  test('cannot come from a function that throws, crashes or times out: everything comes back', async () => {
    expect((await leftAfter('throw new Error("no");'))[0]).toBe(3);
    expect((await leftAfter('process.exit(1);', false))[0]).toBe(3);
    const [slow, runner] = await leftAfter('await new Promise((r) => setTimeout(r, 60_000));');
    expect(slow).toBe(3);
    expect(runner.metrics('f')).toMatchObject({ batchesFailed: 1, timeouts: 1, errors: 1 });
  });

  test('brings the named record back after its visibility timeout, with a higher receive count', async () => {
    const url = await queue({ VisibilityTimeout: '1' });
    await send(url, list(3), 'g');
    await start(
      url,
      printing(`
        console.log(JSON.stringify({ bodies: [], counts: Records.map((r) => r.attributes.ApproximateReceiveCount) }));
        const first = Records.filter((r) => r.attributes.ApproximateReceiveCount === '1' && r.body !== '0');
        return { batchItemFailures: first.map((r) => ({ itemIdentifier: r.messageId })) };`),
      {},
      { timeoutMs: 1_000 },
    );
    await until(async () => (await left(url)) === 0);
    expect(bodiesSeen()).toEqual(['0', '1', '2', '1', '2']);
    expect(seen.flatMap(({ counts }) => (counts as string[] | undefined) ?? [])).toEqual(['1', '1', '1', '2', '2']);
  });
});

describe('delivery', () => {
  test('keeps a group in order over many batches, and does not sleep between them', async () => {
    const url = await queue();
    await send(url, list(200), 'g');
    const runner = await start(url, printing());
    await until(() => bodiesSeen().length === 200);
    expect(bodiesSeen()).toEqual(list(200));
    expect(runner.metrics('f')).toMatchObject({ maxConcurrentBatches: 1, coldStarts: 1, environments: 1 });
    const times = seen.map(({ at }) => Number(at));
    const gaps = times
      .slice(1)
      .map((at, index) => at - (times[index] ?? 0))
      .sort((a, b) => a - b);
    // A mapping that slept between two batches of a group would sleep for a second or more.
    expect(gaps[Math.floor(gaps.length / 2)]).toBeLessThan(500);
    await until(async () => (await left(url)) === 0);
  });

  test('runs a message that arrives later at once', async () => {
    const url = await queue();
    await start(url, printing());
    await send(url, ['warm'], 'g');
    await until(() => seen.length === 1);
    const sent = Date.now();
    await send(url, ['late'], 'g');
    await until(() => seen.length === 2);
    expect(Number(seen[1]?.['at']) - sent).toBeLessThan(150);
  });

  test('never exceeds MaximumConcurrency, reaches it, and never runs a group twice at once', async () => {
    const url = await queue();
    const groups = list(9).map((group) => `g${group}`);
    for (const group of groups) await send(url, list(6), group);
    const source = printing(`
      await new Promise((r) => setTimeout(r, 40));
      console.log(JSON.stringify({ bodies: [], pid: process.pid, end: Date.now() }));`);
    const runner = await start(url, source, { maximumConcurrency: 3, batchSize: 3 });
    await until(() => bodiesSeen().length === 54);
    await until(async () => (await left(url)) === 0);
    expect(runner.metrics('f')).toMatchObject({ maxConcurrentBatches: 3, batchesFailed: 0, undeleted: 0 });
    expect(runner.metrics('f').coldStarts).toBeLessThanOrEqual(3);
    for (const group of groups) {
      const order = seen.flatMap(({ bodies, groups: of }) =>
        (bodies as string[]).filter((_, index) => (of as string[] | undefined)?.[index] === group),
      );
      expect(order).toEqual(list(6));
    }
  });

  test('survives killed environments: every record succeeds in the end', async () => {
    const url = await queue({ VisibilityTimeout: '1' });
    await send(url, list(20), 'g');
    const runner = await start(url, printing('await new Promise((r) => setTimeout(r, 30));'), {}, { timeoutMs: 1_000 });
    await until(() => seen.length > 0 && runner.kill('f', 'busy'));
    await until(async () => (await left(url)) === 0);
    expect([...new Set(bodiesSeen())]).toEqual(list(20));
    expect(runner.metrics('f')).toMatchObject({ batchesFailed: 1, errors: 1, undeleted: 0 });
  });

  test('stops while paused, after the batches in flight, and goes on afterwards', async () => {
    const url = await queue();
    const runner = await start(url, printing('await new Promise((r) => setTimeout(r, 200));'));
    await send(url, ['a'], 'g');
    await until(() => seen.length === 1);
    await runner.pause('f');
    expect(await left(url)).toBe(0);
    await send(url, ['b'], 'g');
    await new Promise((done) => setTimeout(done, 150));
    expect(seen).toHaveLength(1);
    runner.resume('f');
    await until(() => seen.length === 2);
  });

  test('is refused, as AWS refuses the mapping, when queue and function do not fit', async () => {
    const url = await queue({ VisibilityTimeout: '2' });
    await expect(start(url, printing(), {}, { timeoutMs: 3_000 })).rejects.toThrow(
      'Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds; raise VisibilityTimeout',
    );
    await expect(start(url, printing(), { maximumConcurrency: 1 })).rejects.toThrow('choose 2 to 1000');
    await expect(start(url, printing(), { batchSize: 11 })).rejects.toThrow('choose 1 to 10');
    await expect(start(`${url}x`, printing())).rejects.toThrow();
  });

  test('is told apart from the calls of the function by the access key', async () => {
    const url = await queue();
    await send(url, ['a'], 'g');
    await start(url, printing());
    await until(async () => (await left(url)) === 0);
    const name = url.split('/').at(-1);
    const keys = aws.calls().filter(({ resource, action }) => resource === name && action === 'DeleteMessageBatch');
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(['LOCALFMAPPING']);
  });
});

describe('a recursive loop', () => {
  const key = lineageKey('arn:aws:lambda:eu-west-1:000000000000:function:f');
  const header = (hops: number): string =>
    `Root=1-00000000-000000000000000000000000;Sampled=0;Lineage=1:${key}:${hops}`;
  const sendHop = (QueueUrl: string, hops: number) =>
    client.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: String(hops),
        MessageGroupId: `g${hops}`,
        MessageDeduplicationId: `d${hops}`,
        MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: header(hops) } },
      }),
    );

  test('through the SDK, which passes the trace on, ends by itself', async () => {
    const url = await queue({}, false);
    // The SDK as the deployed function has it, resolved from this repository: the handler sends each message on.
    const sdk = import.meta.resolve('@aws-sdk/client-sqs');
    const source = `import { SQSClient, SendMessageCommand } from ${JSON.stringify(sdk)};
      const client = new SQSClient({});
      export const handler = async ({ Records }) => {
        console.log(JSON.stringify({ hop: Number(Records[0].body) }));
        await client.send(new SendMessageCommand({ QueueUrl: ${JSON.stringify(url)}, MessageBody: String(Number(Records[0].body) + 1) }));
      };`;
    const runner = await start(url, source);
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: '1' }));
    await until(() => runner.metrics('f').recursionStopped === 1, 20_000);
    await until(() => seen.length >= 16);
    const hops = seen.map(({ hop }) => Number(hop)).sort((a, b) => a - b);
    expect(hops).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
  }, 30_000);

  test('is counted along the trace header, the longest chain of the batch first', () => {
    const other = lineageKey('other');
    const next = traceHeader('1-a-b', 'p', key, [
      lineageOf(header(4)),
      lineageOf(`Lineage=2:${key}:7|${other}:1`),
      lineageOf(undefined),
    ]);
    expect(next).toMatch(/^Root=1-a-b;Parent=p;Sampled=0;Lineage=2:/);
    expect(lineageOf(next)).toEqual(
      new Map([
        [other, 1],
        [key, 8],
      ]),
    );
    expect(lineageOf('Lineage=garbage')).toEqual(new Map());
  });

  test('ends after 16 hops in the dead-letter queue, and the function sees the hop before', async () => {
    const dead = await queue();
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ['QueueArn'] }),
    );
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 5 });
    const url = await queue({ RedrivePolicy });
    await sendHop(url, 16);
    await sendHop(url, 15);
    const runner = await start(
      url,
      printing('console.log(JSON.stringify({ bodies: [], trace: process.env._X_AMZN_TRACE_ID }));'),
    );
    await until(async () => seen.length === 2 && (await left(url)) === 0);
    expect(bodiesSeen()).toEqual(['15']);
    expect(seen[1]?.['trace']).toContain(`Lineage=1:${key}:16`);
    expect(runner.metrics('f').recursionStopped).toBe(1);
    const buried = await client.send(new ReceiveMessageCommand({ QueueUrl: dead }));
    expect(buried.Messages?.map(({ Body }) => Body)).toEqual(['16']);
  });

  test('is let run where the function allows it', async () => {
    const url = await queue();
    await sendHop(url, 40);
    const runner = await start(url, printing(), {}, { recursiveLoop: 'Allow' });
    await until(() => seen.length === 1);
    expect(runner.metrics('f').recursionStopped).toBe(0);
  });
});
