// The age of a queue's oldest message, which only CloudWatch knows: SQS has no attribute for it, and a message is not received
// for a look. As old as CloudWatch's newest point, which is a minute or more.
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import type { Desk } from './run.ts';

/** `unknown`: there is no point of the last quarter of an hour, or CloudWatch cannot be asked; `why` says which. */
export type OldestAge =
  | { readonly kind: 'age'; readonly seconds: number; readonly at: string }
  | { readonly kind: 'unknown'; readonly why: string };

const REACH_MS = 900_000;

/** @param queue its name on AWS. Never throws. */
export async function oldestAge({ stack: { sqs } }: Desk, queue: string): Promise<OldestAge> {
  const metrics = new CloudWatchClient({ region: await sqs.config.region(), maxAttempts: 2 });
  const now = Date.now();
  const ask = new GetMetricStatisticsCommand({
    ...{ Namespace: 'AWS/SQS', MetricName: 'ApproximateAgeOfOldestMessage', Period: 60, Statistics: ['Maximum'] },
    Dimensions: [{ Name: 'QueueName', Value: queue }],
    StartTime: new Date(now - REACH_MS),
    EndTime: new Date(now + 60_000),
  });
  try {
    const { Datapoints = [] } = await metrics.send(ask);
    const points = Datapoints.flatMap(({ Timestamp, Maximum }) =>
      Timestamp === undefined || Maximum === undefined ? [] : [{ at: Timestamp.getTime(), seconds: Maximum }],
    );
    const [newest] = points.sort((a, b) => b.at - a.at);
    if (newest === undefined) return { kind: 'unknown', why: 'CloudWatch has no number of it for the last 15 minutes' };
    return { kind: 'age', seconds: newest.seconds, at: new Date(newest.at).toISOString() };
  } catch (error) {
    return {
      kind: 'unknown',
      why: `CloudWatch cannot be asked (${error instanceof Error ? error.name : 'unknown error'})`,
    };
  } finally {
    metrics.destroy();
  }
}
