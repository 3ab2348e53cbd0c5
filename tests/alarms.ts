// What the alarms of a template would say now, by what CloudWatch knows: statistic, periods, threshold, comparison, and what
// missing data means. For any CloudWatch; the local one has no alarms of its own. Reads only.
import { GetMetricStatisticsCommand, type CloudWatchClient, type Statistic } from '@aws-sdk/client-cloudwatch';

type Fields = Readonly<Record<string, unknown>>;
/** As much of a packaged template as is needed. */
export interface AlarmTemplate {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Fields }>>;
}

export interface AlarmState {
  readonly id: string;
  readonly name: string;
  readonly state: 'ALARM' | 'OK' | 'INSUFFICIENT_DATA';
  /** The statistic of each period that has data, oldest first. */
  readonly values: readonly number[];
}

interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly statistic: string;
  readonly isExtended: boolean;
  readonly periodMs: number;
}

const compare: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/**
 * Every alarm of the template, by the end of its name: `dead-letters`, `banned`, ...
 * @param since ms: true at any time since then is ALARM; without it the newest periods count, the one that runs included
 */
export async function alarmStates(
  template: AlarmTemplate,
  cloudwatch: CloudWatchClient,
  since = Date.now(),
): Promise<Readonly<Record<string, AlarmState>>> {
  const alarms = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm');
  const states = await Promise.all(
    alarms.map(async ([id, { Properties }]) => [slugOf(Properties), await stateOf(id, Properties, template, cloudwatch, since)] as const), // prettier-ignore
  );
  return Object.fromEntries(states);
}

/** What comes after service and stage in its name. */
export function slugOf({ AlarmName }: Fields): string {
  return /^trading-bot-[a-z]+-(.+)$/.exec(String(AlarmName))?.[1] ?? String(AlarmName);
}

async function stateOf(
  id: string,
  alarm: Fields,
  template: AlarmTemplate,
  cloudwatch: CloudWatchClient,
  since: number,
): Promise<AlarmState> {
  const metric = metricOf(alarm, template);
  const count = Number(alarm['EvaluationPeriods']);
  const needed = Number(alarm['DatapointsToAlarm'] ?? count);
  const isBreaching = compare[String(alarm['ComparisonOperator'])];
  if (isBreaching === undefined) throw new Error(`${id}: ${String(alarm['ComparisonOperator'])} is not known here`);
  const last = Math.floor(Date.now() / metric.periodMs);
  const first = Math.min(last, Math.floor(since / metric.periodMs));
  const points = await pointsOf(
    metric,
    (first - count + 1) * metric.periodMs,
    (last + 1) * metric.periodMs,
    cloudwatch,
  );
  const breaches = (period: number): boolean | undefined => {
    const value = points.get(period * metric.periodMs);
    if (value !== undefined) return isBreaching(value, Number(alarm['Threshold']));
    return { breaching: true, notBreaching: false }[String(alarm['TreatMissingData'])];
  };
  const windows = Array.from({ length: last - first + 1 }, (_, end) =>
    Array.from({ length: count }, (_, index) => breaches(first + end - index)),
  );
  const isAlarm = windows.some((window) => window.filter((each) => each === true).length >= needed);
  const isUnknown = windows.at(-1)?.every((each) => each === undefined) === true;
  const state = isAlarm ? 'ALARM' : isUnknown ? 'INSUFFICIENT_DATA' : 'OK';
  return { id, name: String(alarm['AlarmName']), state, values: [...points.values()] };
}

/** The metric of an alarm, its dimensions resolved in the template. */
export function metricOf(alarm: Fields, template: AlarmTemplate): Metric {
  const dimensions = alarm['Dimensions'] as readonly { readonly Name: string; readonly Value: unknown }[];
  const extended = alarm['ExtendedStatistic'];
  return {
    namespace: String(alarm['Namespace']),
    name: String(alarm['MetricName']),
    dimensions: dimensions.map(({ Name, Value }) => ({ Name, Value: resolved(Value, template) })),
    statistic: String(extended ?? alarm['Statistic']),
    isExtended: extended !== undefined,
    periodMs: Number(alarm['Period']) * 1000,
  };
}

function resolved(value: unknown, { Resources }: AlarmTemplate): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute } = value as { readonly Ref?: string; readonly 'Fn::GetAtt'?: readonly string[] }; // prettier-ignore
  const named = Resources[ref ?? attribute?.[0] ?? '']?.Properties;
  const name = named?.['QueueName'] ?? named?.['FunctionName'];
  if (typeof name !== 'string') throw new Error(`a dimension names ${JSON.stringify(value)}, which has no name`);
  return name;
}

async function pointsOf(
  { namespace, name, dimensions, statistic, isExtended, periodMs }: Metric,
  fromMs: number,
  toMs: number,
  cloudwatch: CloudWatchClient,
): Promise<ReadonlyMap<number, number>> {
  const { Datapoints = [] } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      ...{ Namespace: namespace, MetricName: name, Dimensions: [...dimensions], Period: periodMs / 1000 },
      ...{ StartTime: new Date(fromMs), EndTime: new Date(toMs) },
      ...(isExtended ? { ExtendedStatistics: [statistic] } : { Statistics: [statistic as Statistic] }),
    }),
  );
  const points = Datapoints.flatMap(({ Timestamp, ExtendedStatistics, ...plain }) => {
    const value = isExtended ? ExtendedStatistics?.[statistic] : plain[statistic as 'Sum'];
    return Timestamp === undefined || value === undefined ? [] : [[Timestamp.getTime(), value] as const];
  });
  return new Map(points.sort(([a], [b]) => a - b));
}
