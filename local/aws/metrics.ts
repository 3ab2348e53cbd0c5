// CloudWatch as far as somebody asks it here: the age of the oldest message of a queue, by GetMetricStatistics.
// Promises one point, of this minute, and none for an empty queue. Refuses every other metric; keeps nothing.
import type { Account } from './account.ts';
import { settleQueue } from './receive.ts';
import { needText, records, refuse, text, texts, type Action, type Input, type Output } from './wire.ts';

const NAMESPACE = 'AWS/SQS';
const METRIC = 'ApproximateAgeOfOldestMessage';
const MINUTE_MS = 60_000;

const wrong = (message: string): Error => refuse('InvalidParameterValueException', message);

const getMetricStatistics = (account: Account, input: Input): Output => {
  if (needText(input, 'Namespace') !== NAMESPACE || needText(input, 'MetricName') !== METRIC)
    throw wrong(`Only ${METRIC} of ${NAMESPACE} is known here.`);
  if (texts(input, 'Statistics').join() !== 'Maximum') throw wrong('Only the statistic Maximum is known here.');
  const [dimension = {}] = records(input, 'Dimensions');
  const queue = account.queues.get(text(dimension, 'Value') ?? '');
  // A queue that is not there has no points; the real service says no more either.
  if (queue === undefined) return { Label: METRIC, Datapoints: [] };
  settleQueue(account, queue);
  const nowMs = account.now();
  // Not deleted is what counts: in flight and delayed ones, too.
  const ages = [...queue.shelf.entries.values()].map(({ sentAtMs }) => (nowMs - sentAtMs) / 1000);
  if (ages.length === 0) return { Label: METRIC, Datapoints: [] };
  const Timestamp = (Math.floor(nowMs / MINUTE_MS) * MINUTE_MS) / 1000;
  const Maximum = ages.reduce((oldest, age) => Math.max(oldest, age), 0);
  return { Label: METRIC, Datapoints: [{ Timestamp, Maximum, Unit: 'Seconds' }] };
};

/** Every CloudWatch action by its name on the wire. */
export const metricsActions = (account: Account): Readonly<Record<string, Action>> => ({
  GetMetricStatistics: (input) => getMetricStatistics(account, input),
});
