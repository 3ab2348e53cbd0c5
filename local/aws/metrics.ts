// CloudWatch over AWS JSON: GetMetricStatistics, GetMetricData and ListMetrics of what the functions write in the embedded
// metric format, of what the runner says of their invocations, and of the queues as they are now.
// Promises no points where the real service has none. Knows no metric math, no search and no alarm; says so.
import type { Account, Queue } from './account.ts';
import { statisticOf, type Points, type Series } from './points.ts';
import { settleQueue } from './receive.ts';
import { isRecord, needText, records, refuse, text, texts, type Action, type Input, type Output } from './wire.ts';

const MOST_POINTS = 1440;
const QUEUES = 'AWS/SQS';

const wrong = (message: string): Error => refuse('InvalidParameterValueException', message);

/** undefined: an empty queue has no age. A standard queue puts what was received more than three times at its back. */
const ageOf = ({ fifo, shelf }: Queue, nowMs: number): number | undefined => {
  // Not deleted is what counts: in flight and delayed ones, too.
  const counted = [...shelf.entries.values()].filter(({ receives }) => fifo || receives <= 3);
  if (counted.length === 0) return undefined;
  return counted.reduce((oldest, { sentAtMs }) => Math.max(oldest, (nowMs - sentAtMs) / 1000), 0);
};

const ofQueue: Readonly<
  Record<string, { readonly unit: string; readonly read: (queue: Queue, nowMs: number) => number | undefined }>
> = {
  // prettier-ignore
  ApproximateAgeOfOldestMessage: { unit: 'Seconds', read: ageOf },
  ApproximateNumberOfMessagesVisible: {
    unit: 'Count',
    read: ({ shelf }) => shelf.entries.size - shelf.inFlight - shelf.delayed,
  },
  ApproximateNumberOfMessagesNotVisible: { unit: 'Count', read: ({ shelf }) => shelf.inFlight },
  ApproximateNumberOfMessagesDelayed: { unit: 'Count', read: ({ shelf }) => shelf.delayed },
};

interface Query {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Series['dimensions'];
  readonly periodMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

const dimensionsIn = (input: Input): Series['dimensions'] =>
  Object.fromEntries(records(input, 'Dimensions').map((each) => [needText(each, 'Name'), text(each, 'Value') ?? '']));

/** A time on the wire is a number of seconds. */
const timeIn = (input: Input, name: string): number => {
  const value = input[name];
  if (typeof value !== 'number') throw wrong(`The parameter ${name} must be a time.`);
  return value * 1000;
};

const periodIn = (input: Input): number => {
  const seconds = input['Period'];
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds % 60 === 0))
    throw wrong('The parameter Period must be a multiple of 60.');
  return seconds * 1000;
};

/** A queue is seen as it is now: one point, of this minute. */
const queueSeries = (account: Account, { name, dimensions }: Query): Series | undefined => {
  const metric = ofQueue[name];
  if (metric === undefined) throw wrong(`Of ${QUEUES} only ${Object.keys(ofQueue).join(', ')} are known here.`);
  const queue = account.queues.get(dimensions['QueueName'] ?? '');
  // A queue that is not there has no points; the real service says no more either.
  if (queue === undefined) return undefined;
  settleQueue(account, queue);
  const atMs = account.now();
  const value = metric.read(queue, atMs);
  const points = value === undefined ? [] : [{ atMs, value }];
  return { namespace: QUEUES, name, dimensions, points, unit: metric.unit };
};

/** The values of each period that has any, oldest first. */
const periods = (account: Account, points: Points, query: Query) => {
  const { namespace, name, dimensions, periodMs, fromMs, toMs } = query;
  const series = namespace === QUEUES ? queueSeries(account, query) : points.find(namespace, name, dimensions);
  const first = Math.floor(fromMs / periodMs) * periodMs;
  const groups = Map.groupBy(series?.points ?? [], ({ atMs }) => Math.floor(atMs / periodMs) * periodMs);
  // Both ends are compared with the start of a period, and the end is not within.
  const sorted = [...groups].filter(([startMs]) => startMs >= first && startMs < toMs).sort(([a], [b]) => a - b);
  return {
    unit: series?.unit ?? 'None',
    found: sorted.map(([startMs, own]) => ({ startMs, values: own.map(({ value }) => value) })),
  };
};

const computed = (statistic: string, values: readonly number[]): number => {
  const value = statisticOf(statistic, values);
  if (value === undefined) throw wrong(`No statistic ${statistic} is known here.`);
  return value;
};

const getMetricStatistics = (account: Account, points: Points, input: Input): Output => {
  const name = needText(input, 'MetricName');
  const [fromMs, toMs] = [timeIn(input, 'StartTime'), timeIn(input, 'EndTime')];
  const periodMs = periodIn(input);
  const [plain, extended] = [texts(input, 'Statistics'), texts(input, 'ExtendedStatistics')];
  if (plain.length + extended.length === 0) throw wrong('Give Statistics or ExtendedStatistics.');
  if ((toMs - fromMs) / periodMs > MOST_POINTS)
    throw wrong(`More than ${MOST_POINTS} points; ask for a longer Period.`);
  const namespace = needText(input, 'Namespace');
  const query = { namespace, name, dimensions: dimensionsIn(input), periodMs, fromMs, toMs };
  for (const statistic of [...plain, ...extended]) computed(statistic, [0]);
  const { unit, found } = periods(account, points, query);
  const Datapoints = found.map(({ startMs, values }) => ({
    Timestamp: startMs / 1000,
    Unit: unit,
    ...Object.fromEntries(plain.map((statistic) => [statistic, computed(statistic, values)])),
    ...(extended.length > 0 && {
      ExtendedStatistics: Object.fromEntries(extended.map((each) => [each, computed(each, values)])),
    }),
  }));
  return { Label: name, Datapoints };
};

const getMetricData = (account: Account, points: Points, input: Input): Output => {
  const [fromMs, toMs] = [timeIn(input, 'StartTime'), timeIn(input, 'EndTime')];
  const isAscending = text(input, 'ScanBy') === 'TimestampAscending';
  const MetricDataResults = records(input, 'MetricDataQueries').map((each) => {
    const Id = needText(each, 'Id');
    const stat = each['MetricStat'];
    if (!isRecord(stat)) throw wrong(`Query ${Id} has no MetricStat; expressions are not known here.`);
    const metric = stat['Metric'];
    if (!isRecord(metric)) throw wrong(`Query ${Id} names no Metric.`);
    const name = needText(metric, 'MetricName');
    const statistic = needText(stat, 'Stat');
    const namespace = needText(metric, 'Namespace');
    const query = { namespace, name, dimensions: dimensionsIn(metric), periodMs: periodIn(stat), fromMs, toMs };
    const ascending = periods(account, points, query).found;
    const found = isAscending ? ascending : ascending.toReversed();
    return {
      ...{ Id, Label: text(each, 'Label') ?? name, StatusCode: 'Complete' },
      Timestamps: found.map(({ startMs }) => startMs / 1000),
      Values: found.map(({ values }) => computed(statistic, values)),
    };
  });
  return { MetricDataResults };
};

const listMetrics = (account: Account, points: Points, input: Input): Output => {
  const [namespace, name] = [text(input, 'Namespace'), text(input, 'MetricName')];
  const wanted = records(input, 'Dimensions').map((each) => [needText(each, 'Name'), text(each, 'Value')] as const);
  const queues = [...account.queues.keys()].flatMap((queue) =>
    Object.keys(ofQueue).map((metric) => ({ namespace: QUEUES, name: metric, dimensions: { QueueName: queue } })),
  );
  const all: readonly Pick<Series, 'namespace' | 'name' | 'dimensions'>[] = [...points.all(), ...queues];
  const Metrics = all
    .filter((each) => (namespace ?? each.namespace) === each.namespace && (name ?? each.name) === each.name)
    .filter(({ dimensions }) =>
      wanted.every(([key, value]) => key in dimensions && (value ?? dimensions[key]) === dimensions[key]),
    ) // prettier-ignore
    .map(({ namespace: Namespace, name: MetricName, dimensions }) => ({
      ...{ Namespace, MetricName },
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    }));
  return { Metrics };
};

/** Every CloudWatch action by its name on the wire. */
export const metricsActions = (account: Account, points: Points): Readonly<Record<string, Action>> => ({
  GetMetricStatistics: (input) => getMetricStatistics(account, points, input),
  GetMetricData: (input) => getMetricData(account, points, input),
  ListMetrics: (input) => listMetrics(account, points, input),
});
