// The local CloudWatch through the unmodified SDK: queues as they are, and what lines of the embedded metric format say.
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

test('of a standard queue, what was received more than three times is not the oldest any more', async () => {
  const url = await stack.queue('aged');
  await stack.send(url, 'often');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await stack.send(url, 'seldom');
  const oldest = async (): Promise<number> => (await ask('aged')).Datapoints?.[0]?.Maximum ?? Number.NaN;
  const before = await oldest();
  for (let time = 1; time <= 4; time += 1) {
    const [message] = await stack.receive(url, { MaxNumberOfMessages: 1, VisibilityTimeout: 0 });
    expect(message?.Body).toBe('often');
  }
  expect(await oldest()).toBeLessThan(before);
});

test('a queue says how many messages are to be seen, in flight and delayed', async () => {
  const url = await stack.queue('counted');
  for (const body of ['a', 'b', 'c']) await stack.send(url, body);
  await stack.receive(url, { MaxNumberOfMessages: 1 });
  const counts = await Promise.all(
    ['Visible', 'NotVisible', 'Delayed'].map(async (which) => {
      const answer = await ask('counted', { MetricName: `ApproximateNumberOfMessages${which}` });
      return answer.Datapoints?.[0]?.Maximum;
    }),
  );
  expect(counts).toEqual([2, 1, 0]);
});

test.each([{ MetricName: 'NumberOfMessagesSent' }, { Statistics: ['Middle' as 'Sum'] }])(
  'what is not known here is refused: %j',
  async (more) => {
    await expect(ask('any', more)).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining('known here'),
    });
  },
);

const emf = (more: object = {}, directive: object = {}): string =>
  JSON.stringify({
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        { Namespace: 'Shop', Dimensions: [['till'], ['till', 'clerk']], Metrics: [{ Name: 'Sold', Unit: 'Count' }], ...directive },
      ],
    },
    ...{ till: '1', clerk: 'ada', Sold: 2, ...more },
  }); // prettier-ignore
const sold = (more: Partial<GetMetricStatisticsCommandInput> = {}) =>
  ask('', { Namespace: 'Shop', MetricName: 'Sold', Dimensions: [{ Name: 'till', Value: '1' }], ...more });

test('a line in the embedded metric format counts in each of its sets, and every statistic is right', async () => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1);
  stack.aws.logs.write('/aws/lambda/shop', emf({ Sold: values }));
  stack.aws.logs.write('/aws/lambda/shop', 'START RequestId: 1 {"_aws" is no metric}');
  const Statistics = ['SampleCount', 'Sum', 'Average', 'Minimum', 'Maximum'] as const;
  const [point] = (await sold({ Statistics: [...Statistics] })).Datapoints ?? [];
  expect(point).toMatchObject({ SampleCount: 100, Sum: 5050, Average: 50.5, Minimum: 1, Maximum: 100, Unit: 'Count' });
  const extended = await sold({ Statistics: undefined, ExtendedStatistics: ['p50', 'p95', 'p100'] });
  const percentiles = extended.Datapoints?.[0]?.ExtendedStatistics ?? {};
  expect(percentiles).toEqual({ p50: 50.5, p95: expect.closeTo(95.05), p100: 100 });
  const ofClerk = [{ Name: 'clerk', Value: 'ada' }, { Name: 'till', Value: '1' }]; // prettier-ignore
  expect((await sold({ Dimensions: ofClerk, Statistics: ['Sum'] })).Datapoints).toMatchObject([{ Sum: 5050 }]);
  // A metric is its name with exactly its dimensions.
  expect((await sold({ Dimensions: [], Statistics: ['Sum'] })).Datapoints).toEqual([]);
  const { Metrics } = await metrics.listMetrics({ Namespace: 'Shop' });
  expect(Metrics?.map(({ Dimensions }) => Dimensions?.map(({ Name }) => Name))).toEqual([['till'], ['till', 'clerk']]);
  const one = await metrics.listMetrics({ MetricName: 'Sold', Dimensions: [{ Name: 'clerk' }] });
  expect(one.Metrics).toHaveLength(1);
  const { MetricDataResults } = await metrics.getMetricData({
    StartTime: new Date(Date.now() - 900_000),
    EndTime: new Date(Date.now() + 60_000),
    MetricDataQueries: [
      { Id: 'a', MetricStat: { Metric: { Namespace: 'Shop', MetricName: 'Sold', Dimensions: ofClerk }, Period: 60, Stat: 'p95' } },
      { Id: 'b', MetricStat: { Metric: { Namespace: 'Shop', MetricName: 'Lost' }, Period: 60, Stat: 'Sum' } },
    ],
  }); // prettier-ignore
  expect(MetricDataResults).toMatchObject([
    { Id: 'a', StatusCode: 'Complete', Values: [expect.closeTo(95.05)], Timestamps: [expect.any(Date)] },
    { Id: 'b', Values: [] },
  ]);
});

test.each([
  ['101 values', emf({ Sold: Array.from({ length: 101 }, () => 1) }), /101 values/],
  ['a value that is no number', emf({ Sold: 'two' }), /no number/],
  ['a dimension without a text', emf({ till: '' }), /dimension till/],
  ['31 dimensions', emf({}, { Dimensions: [Array.from({ length: 31 }, (_, index) => `d${index}`)] }), /31 dimensions/],
  ['101 metrics', emf({}, { Metrics: Array.from({ length: 101 }, () => ({ Name: 'Sold' })) }), /101 metrics/],
])('a line that CloudWatch would drop is dropped: %s', async (_, line, why) => {
  const before = (await sold({ Statistics: ['SampleCount'] })).Datapoints?.[0]?.SampleCount;
  stack.aws.logs.write('/aws/lambda/shop', line);
  expect(stack.aws.metrics.refused.at(-1)).toMatch(why);
  expect((await sold({ Statistics: ['SampleCount'] })).Datapoints?.[0]?.SampleCount).toBe(before);
});
