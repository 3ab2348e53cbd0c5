// The alarms of the packaged template while a game day goes on: looked at again and again, as CloudWatch does it, since a
// queue shows only how it is now. Promises that an alarm that was true once counts as fired, and that times are scaled as
// everywhere on this day. Reads only.
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { readFile } from 'node:fs/promises';
import { templatePath } from '../../local/package.ts';
import { alarmStates, type AlarmTemplate } from '../alarms.ts';
import type { System } from '../system/fixture.ts';
import type { AlarmSeen } from './record.ts';

export interface AlarmWatch {
  /** Looks once more, and says what was seen of each. */
  readonly stop: () => Promise<readonly AlarmSeen[]>;
}

type Fields = AlarmTemplate['Resources'][string]['Properties'];

const EVERY_MS = 2000;
/** The shortest period that CloudWatch knows for what the functions write, in seconds: at a twentieth, twenty minutes. */
const PERIOD = 60;
/** Of metrics that are times of the service, and so are shorter here. */
const SCALED: readonly unknown[] = ['ApproximateAgeOfOldestMessage', 'DecisionToSendMs'];

/** Starts looking. @param scale of the day's time */
export async function watchAlarms({ ready }: Pick<System, 'ready'>, scale: number): Promise<AlarmWatch> {
  const template = scaled(JSON.parse(await readFile(templatePath, 'utf8')) as AlarmTemplate, scale);
  const credentials = { accessKeyId: 'LOCALOPERATOR', secretAccessKey: 'local' };
  const cloudwatch = new CloudWatchClient({ endpoint: ready.aws, region: ready.region, credentials });
  const seen = new Map<string, AlarmSeen>();
  const look = async (): Promise<void> => {
    const states = await alarmStates(template, cloudwatch);
    for (const [slug, { id, state, values }] of Object.entries(states)) {
      const before = seen.get(slug);
      const alarm = template.Resources[id]?.Properties ?? {};
      const worst = worstOf(alarm, [...values, ...(before?.worst === undefined ? [] : [before.worst])]);
      const hasFired = state === 'ALARM' || before?.hasFired === true;
      seen.set(slug, { slug, hasFired, ...conditionOf(alarm), ...(worst === undefined ? {} : { worst }) });
    }
  };
  const stopping = new AbortController();
  const looking = (async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  // Whoever stops it is told.
  looking.catch(() => undefined);
  return {
    stop: async () => {
      stopping.abort();
      try {
        await looking;
        await look();
      } finally {
        cloudwatch.destroy();
      }
      return [...seen.values()].sort((a, b) => a.slug.localeCompare(b.slug));
    },
  };
}

/** The template with the times of its alarms as they are on this day. */
function scaled({ Resources }: AlarmTemplate, scale: number): AlarmTemplate {
  const alarm = (properties: Fields): Fields => {
    // Silence is seen over two periods, since one that has just begun has heard nobody yet.
    const count = properties['TreatMissingData'] === 'breaching' ? 2 : 1;
    const { MetricName, Threshold } = properties;
    const factor = SCALED.includes(MetricName) ? scale : 1;
    const periods = { Period: PERIOD, EvaluationPeriods: count, DatapointsToAlarm: count };
    return { ...properties, ...periods, Threshold: Number(Threshold) * factor };
  };
  const entries = Object.entries(Resources).map(([id, { Type, Properties }]) => {
    return [id, { Type, Properties: Type === 'AWS::CloudWatch::Alarm' ? alarm(Properties) : Properties }] as const;
  });
  return { Resources: Object.fromEntries(entries) };
}

/** The value that is nearest to the alarm, or furthest beyond it. */
function worstOf({ ComparisonOperator }: Fields, values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return String(ComparisonOperator).startsWith('Less') ? sorted[0] : sorted.at(-1);
}

const SIGNS: Readonly<Record<string, string>> = {
  GreaterThanThreshold: 'above',
  GreaterThanOrEqualToThreshold: 'from',
  LessThanThreshold: 'below',
  LessThanOrEqualToThreshold: 'up to',
};

function conditionOf({ MetricName, ComparisonOperator, Threshold }: Fields): Pick<AlarmSeen, 'metric' | 'fires'> {
  return { metric: String(MetricName), fires: `${SIGNS[String(ComparisonOperator)] ?? ''} ${Number(Threshold)}` };
}
