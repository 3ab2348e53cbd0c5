// The one metric of the local AWS through the unmodified SDK: how old the oldest message of a queue is.
import { CloudWatch, type GetMetricStatisticsCommandInput } from '@aws-sdk/client-cloudwatch';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startStack, type Stack } from './fixture.ts';

let stack: Stack;
let metrics: CloudWatch;
beforeAll(async () => {
  stack = await startStack();
  const credentials = { accessKeyId: 'AKIATESTS', secretAccessKey: 'unused' };
  metrics = new CloudWatch({ endpoint: stack.aws.url, region: stack.aws.region, credentials, maxAttempts: 1 });
});
afterAll(async () => {
  metrics.destroy();
  await stack.close();
});

const ask = (queue: string, more: Partial<GetMetricStatisticsCommandInput> = {}) =>
  metrics.getMetricStatistics({
    ...{ Namespace: 'AWS/SQS', MetricName: 'ApproximateAgeOfOldestMessage', Period: 60, Statistics: ['Maximum'] },
    Dimensions: [{ Name: 'QueueName', Value: queue }],
    StartTime: new Date(Date.now() - 900_000),
    EndTime: new Date(),
    ...more,
  });

test('the age counts from the oldest message that is not deleted, one in flight too; an empty queue has no point', async () => {
  const url = await stack.queue('aged.fifo');
  expect((await ask('aged.fifo')).Datapoints).toEqual([]);
  const before = Date.now();
  await stack.send(url, 'first', 'g');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await stack.send(url, 'second', 'other');
  const [message] = await stack.receive(url, { MaxNumberOfMessages: 1 });
  const [point] = (await ask('aged.fifo')).Datapoints ?? [];
  expect(point).toMatchObject({ Unit: 'Seconds', Timestamp: expect.any(Date) });
  const oldest = point?.Maximum ?? 0;
  expect(oldest).toBeGreaterThanOrEqual(0.3);
  expect(oldest).toBeLessThanOrEqual((Date.now() - before) / 1000);
  await stack.remove(url, message);
  const [later] = (await ask('aged.fifo')).Datapoints ?? [];
  expect(later?.Maximum).toBeLessThan(oldest + (Date.now() - before) / 1000 - 0.3);
  expect((await ask('nowhere')).Datapoints).toEqual([]);
});

test.each([{ MetricName: 'NumberOfMessagesSent' }, { Namespace: 'AWS/Lambda' }, { Statistics: ['Sum' as const] }])(
  'what is not known here is refused: %j',
  async (more) => {
    await expect(ask('any', more)).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining('known here'),
    });
  },
);
