// What is measured and how it is written, the dashboard and the alarms that look at it, and a reader of alarms by itself.
// The format's limits are judged by the local CloudWatch, which knows nothing of the code that writes.
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { metricPoints } from '../local/aws/points.ts';
import { startLocalAws, type LocalAws } from '../local/aws/server.ts';
import { log } from '../shared/log.ts';
import { emfMetrics, metrics, NAMESPACE, type MetricName, type MetricsOptions } from '../shared/metrics.ts';
import { during } from '../shared/wiring.ts';
import { alarmStates, metricOf, slugOf } from './alarms.ts';
import { ofType, packagedTemplate, type Fields, type Template } from './packaged.ts';

const root = resolve(import.meta.dirname, '..');
const names = Object.keys(metrics) as MetricName[];

function written(more: Partial<MetricsOptions> = {}) {
  const lines: string[] = [];
  const failures: string[] = [];
  const points = metricPoints(Date.now);
  const made = emfMetrics({
    ...{ stage: 'test', venue: 'paper', isPerAccount: true },
    write: (line) => {
      lines.push(line);
      points.emf(line);
    },
    failed: (detail) => failures.push(detail),
    ...more,
  });
  const sum = (name: string, dimensions: Readonly<Record<string, string>>): number =>
    points.find(NAMESPACE, name, dimensions)?.points.reduce((all, { value }) => all + value, 0) ?? 0;
  return { ...made, lines, failures, points, sum };
}

describe('metrics', () => {
  test('are written at the flush and not before, and nothing is loaded until then', async () => {
    let loads = 0;
    const load: NonNullable<MetricsOptions['load']> = () => {
      loads += 1;
      return import('@aws-lambda-powertools/metrics');
    };
    const { measure, flush, lines, sum } = written({ load });
    await flush();
    measure('Intents', 1, { account: 'main', outcome: 'accepted' });
    expect([loads, lines]).toEqual([0, []]);
    await flush();
    await flush();
    expect(loads).toBe(1);
    expect(lines).toHaveLength(2);
    expect(sum('Intents', { stage: 'test' })).toBe(1);
    expect(sum('Intents', { stage: 'test', account: 'main', venue: 'paper' })).toBe(1);
    expect(sum('Intents', { stage: 'test', outcome: 'accepted' })).toBe(1);
  });

  test('whatever is measured, every line keeps the limits of the format and no value is lost or doubled', async () => {
    const about = fc.record({ account: fc.option(fc.stringMatching(/^[a-z0-9]{1,32}$/), { nil: undefined }) });
    const measured = fc.tuple(fc.constantFrom(...names), fc.integer({ min: 0, max: 1000 }), about, fc.integer({ min: 1, max: 130 })); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(fc.array(measured, { maxLength: 20 }), async (all) => {
        const { measure, flush, points, failures, sum } = written();
        const wanted = new Map<string, number>();
        for (const [name, value, whom, times] of all) {
          for (let time = 0; time < times; time += 1) measure(name, value, whom);
          wanted.set(name, (wanted.get(name) ?? 0) + value * times);
        }
        await flush();
        expect([points.refused, failures]).toEqual([[], []]);
        for (const [name, total] of wanted) expect([name, sum(name, { stage: 'test' })]).toEqual([name, total]);
      }),
      { numRuns: 30 },
    );
  });

  test('of a hundred accounts go out in as many records, and each is found again', async () => {
    const { measure, flush, points, sum } = written();
    const accounts = Array.from({ length: 100 }, (_, index) => `acc${index}`);
    for (const account of accounts) measure('SendToAckMs', 7, { account });
    await flush();
    expect(points.refused).toEqual([]);
    for (const account of accounts) expect(sum('SendToAckMs', { stage: 'test', account, venue: 'paper' })).toBe(7);
  });

  test('of accounts can be left out, and what is about no account makes none', async () => {
    const { measure, flush, points } = written({ isPerAccount: false });
    measure('Intents', 1, { account: 'main', outcome: 'done' });
    await flush();
    const other = written();
    other.measure('Intents', 1, { outcome: 'malformed' });
    await other.flush();
    for (const { all } of [points, other.points]) {
      expect(all().map(({ dimensions }) => Object.keys(dimensions).join())).toEqual(['stage', 'stage,outcome']);
    }
  });

  test('are bounded: what is too much, or no number, is left out and said', async () => {
    const { measure, flush, failures, sum } = written();
    measure('SendToAckMs', Number.NaN);
    for (let time = 0; time < 6000; time += 1) measure('Intents', 1);
    await flush();
    expect(failures).toEqual([expect.stringMatching(/^1002 values were left out/)]);
    expect(sum('Intents', { stage: 'test' })).toBe(4999);
    measure('Intents', 1);
    await flush();
    expect(sum('Intents', { stage: 'test' })).toBe(5000);
  });

  test('that cannot be written harm nobody, and the next ones are', async () => {
    let isBroken = true;
    const { measure, flush, failures, sum } = written({
      load: () => (isBroken ? Promise.reject(new Error('no such file')) : import('@aws-lambda-powertools/metrics')),
    });
    measure('Intents', 1);
    await flush();
    expect(failures).toEqual(['Error: no such file']);
    isBroken = false;
    measure('Intents', 1);
    await flush();
    expect(sum('Intents', { stage: 'test' })).toBe(1);
  });

  test('a record that fails half way leaves nothing in the next', async () => {
    const { Metrics } = await import('@aws-lambda-powertools/metrics');
    let isBroken = true;
    class Breaking extends Metrics {
      override serializeMetrics() {
        if (isBroken) throw new Error('broken');
        return super.serializeMetrics();
      }
    }
    const { measure, flush, failures, points, sum } = written({ load: () => Promise.resolve({ Metrics: Breaking }) });
    measure('DeadLetters', 5, { account: 'main', reason: 'UNRESOLVED' });
    await flush();
    isBroken = false;
    measure('Bans', 1, { account: 'other' });
    await flush();
    expect(failures).toEqual(['Error: broken']);
    expect(sum('Bans', { stage: 'test' })).toBe(1);
    expect([...new Set(points.all().map(({ name }) => name))]).toEqual(['Bans']);
  });

  test('an offset counts by its size, whichever clock is ahead', async () => {
    const { measure, flush, points } = written();
    measure('ClockOffsetMs', -1500);
    await flush();
    expect(points.find(NAMESPACE, 'ClockOffsetMs', { stage: 'test' })?.points).toMatchObject([{ value: 1500 }]);
    expect(points.find(NAMESPACE, 'ClockOffsetMs', { stage: 'test', venue: 'paper' })?.points).toHaveLength(1);
  });

  test('nothing in the table is measured by nobody', () => {
    const code = readdirSync(join(root, 'shared'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && path !== 'metrics.ts')
      .map((path) => readFileSync(join(root, 'shared', path), 'utf8'))
      .join('\n');
    expect(names.filter((name) => !code.includes(`'${name}'`))).toEqual([]);
  });
});

describe('an invocation', () => {
  const context = { functionName: 'trading-bot-test-execute', awsRequestId: 'r-1' };
  /** Runs with what goes to stdout caught. */
  const caught = async (work: () => Promise<unknown>): Promise<readonly Fields[]> => {
    const write = process.stdout.write.bind(process.stdout);
    const lines: string[] = [];
    process.stdout.write = (line: string | Uint8Array) => lines.push(String(line)) > 0;
    try {
      await work().catch(() => undefined);
    } finally {
      process.stdout.write = write;
    }
    return lines.map((line) => JSON.parse(line) as Fields);
  };

  test('its lines say which one it is, and the first of an environment that it was cold', async () => {
    const { measure, flush } = written();
    const run = (awsRequestId: string) =>
      during({ ...context, awsRequestId }, { stage: 'test' }, { measure, flush }, () => {
        log('info', 'outcome', { id: 'x' });
        return Promise.resolve();
      });
    const lines = await caught(async () => {
      await run('r-1');
      await run('r-2');
    });
    const common = { level: 'info', message: 'outcome', id: 'x', service: context.functionName, stage: 'test' };
    expect(lines).toEqual([
      { time: expect.any(String), ...common, requestId: 'r-1', coldStart: true },
      { time: expect.any(String), ...common, requestId: 'r-2' },
    ]);
  });

  test('that fails writes what it measured, and fails as it would have', async () => {
    const { measure, flush, sum } = written();
    const work = during(context, { stage: 'test' }, { measure, flush }, () => {
      measure('Bans', 1);
      return Promise.reject(new Error('as it was'));
    });
    await expect(work).rejects.toThrow('as it was');
    expect(sum('Bans', { stage: 'test' })).toBe(1);
  });
});

// ---- the template

/** What AWS publishes of what is deployed, and by which dimension. */
const PUBLISHED: Readonly<Record<string, readonly [dimension: string, ...metrics: string[]]>> = {
  'AWS/SQS': ['QueueName', 'ApproximateNumberOfMessagesVisible', 'ApproximateAgeOfOldestMessage'],
  'AWS/Lambda': ['FunctionName', 'Errors', 'Throttles', 'Duration', 'ConcurrentExecutions'],
};

/** Is it one that somebody writes, with exactly these dimensions? */
function problemOf(namespace: string, name: string, dimensions: readonly string[]): string | undefined {
  const said = `${namespace} ${name} by ${dimensions.join(', ')}`;
  if (namespace !== NAMESPACE) {
    const [dimension, ...published] = PUBLISHED[namespace] ?? [''];
    return published.includes(name) && dimensions.join() === dimension ? undefined : `nobody publishes ${said}`;
  }
  const row: { by: string; and?: string } | undefined = names.includes(name as MetricName) ? metrics[name as MetricName] : undefined; // prettier-ignore
  const sets = [
    'stage',
    ...(row?.by === 'account' ? ['account,stage,venue'] : row?.by === 'venue' ? ['stage,venue'] : []),
    ...(row?.and === undefined ? [] : [`${row.and},stage`]),
  ];
  return row !== undefined && sets.includes([...dimensions].sort().join()) ? undefined : `nobody writes ${said}`;
}

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Fields;
}

describe('what looks at the metrics', () => {
  let template: Template;
  let alarms: readonly (readonly [id: string, Fields])[];
  let widgets: readonly Widget[];
  beforeAll(async () => {
    template = await packagedTemplate();
    alarms = ofType(template, 'AWS::CloudWatch::Alarm');
    const [[, dashboard] = ['', {}]] = ofType(template, 'AWS::CloudWatch::Dashboard');
    widgets = (JSON.parse(substituted(dashboard['DashboardBody'])) as { readonly widgets: readonly Widget[] }).widgets;
  }, 120_000);

  /** As CloudFormation does; a name that is not in the template throws. */
  function substituted(body: unknown): string {
    return (body as { readonly 'Fn::Sub': string })['Fn::Sub'].replace(/\$\{([^}]+)\}/g, (_, name: string) => {
      if (name.startsWith('!')) return `\${${name.slice(1)}}`;
      if (name.startsWith('AWS::')) return name.slice(5).toLowerCase();
      const [id = ''] = name.split('.');
      if (template.Resources[id] === undefined) throw new Error(`the dashboard names ${name}, which is not there`);
      return name;
    });
  }

  test('the dashboard has one widget after the other, none over another and none over the edge', () => {
    expect(widgets.length).toBeGreaterThan(15);
    const cells = widgets.flatMap(({ x, y, width, height }) => {
      expect(x + width).toBeLessThanOrEqual(24);
      return Array.from({ length: width * height }, (_, index) => `${x + (index % width)}/${y + Math.floor(index / width)}`); // prettier-ignore
    });
    expect(new Set(cells).size).toBe(cells.length);
    // Nothing is left free between them either.
    expect(cells).toHaveLength(24 * Math.max(...widgets.map(({ y, height }) => y + height)));
  });

  test('every metric of the dashboard is one that is written, by the dimensions that it is asked by', () => {
    const asked = widgets.flatMap(({ properties }) => (properties['metrics'] ?? []) as readonly (readonly unknown[])[]);
    expect(asked.length).toBeGreaterThan(30);
    const problems = asked.map((metric) => {
      const [first] = metric;
      if (typeof first !== 'string') {
        const { expression } = first as { readonly expression: string };
        const pattern = /^SEARCH\('\{(\w+),([\w,]+)\} MetricName="(\w+)" stage="dev"', '(\w+)', \d+\)$/;
        const [, namespace = '', dimensions = '', name = ''] = pattern.exec(expression) ?? [];
        return problemOf(namespace, name, dimensions.split(','));
      }
      const texts = metric.filter((each): each is string => typeof each === 'string');
      const [namespace = '', name = '', ...pairs] = texts;
      return problemOf(
        namespace,
        name,
        pairs.filter((_, index) => index % 2 === 0),
      );
    });
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
    expect(problemOf(NAMESPACE, 'Intents', ['stage', 'reason'])).toBeDefined();
    expect(problemOf('AWS/SQS', 'Depth', ['QueueName'])).toBeDefined();
  });

  test('every metric of ours is on the dashboard', () => {
    const text = JSON.stringify(widgets.map(({ properties }) => properties['metrics']));
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });

  test('all alarms, and only they, are in its list', () => {
    const { alarms: shown } = widgets.find(({ type }) => type === 'alarm')?.properties as { readonly alarms: string[] };
    expect(shown.toSorted()).toEqual(alarms.map(([id]) => `${id}.Arn`).toSorted());
  });

  test('the dashboard has an output that leads to it', () => {
    expect(JSON.stringify(template.Outputs['DashboardUrl']?.Value)).toContain('dashboards/dashboard/${Dashboard}');
  });

  /** Alarm → the page of the runbook that says what to do. */
  const PAGES: Readonly<Record<string, string>> = {
    ...{ 'dead-letters': 'dead-letters', unresolved: 'unresolved', 'intents-age': 'stuck-queue' },
    ...{ 'pending-age': 'orders-not-followed', 'pending-dead': 'orders-not-followed' },
    ...{ banned: 'banned', 'key-refused': 'key-refused', 'near-limit': 'near-limit' },
    ...Object.fromEntries(['execute', 'reconcile', 'trigger', 'probe'].flatMap((name) => [
      [`${name}-errors`, 'function-errors'],
      [`${name}-throttles`, 'function-throttled'],
    ])), // prettier-ignore
    ...{ 'probe-silent': 'probe-silent', 'probe-dead': 'probe-silent', 'slow-decisions': 'slow-decisions' },
    ...{ 'trigger-dead': 'strategy-fails', 'clock-offset': 'clock-offset', 'venue-unavailable': 'exchange-down' },
  };

  test('there is an alarm for each trouble, and its description names its page', () => {
    const described = alarms.map(([, alarm]) => [
      slugOf(alarm),
      / docs\/runbook\/([\w-]+)\.md$/.exec(String(alarm['AlarmDescription']))?.[1],
    ]);
    expect(Object.fromEntries(described)).toEqual(PAGES);
    for (const [id, alarm] of alarms) {
      expect(id.endsWith('Alarm')).toBe(true);
      expect(String(alarm['AlarmName'])).toMatch(/^trading-bot-dev-/);
      expect(String(alarm['AlarmDescription'])).toMatch(/^[A-Z][^.]+\. docs/);
    }
  });

  test('every alarm wakes somebody and can be decided: a metric that is written, one statistic, and a word on no data', () => {
    for (const [id, alarm] of alarms) {
      expect([id, alarm['AlarmActions']]).toEqual([id, [{ Ref: 'AlarmTopic' }]]);
      const { namespace, name, dimensions } = metricOf(alarm, template);
      expect([id, problemOf(namespace, name, dimensions.map(({ Name }) => Name))]).toEqual([id, undefined]); // prettier-ignore
      const isPlain = typeof alarm['Statistic'] === 'string';
      expect([id, isPlain !== (alarm['ExtendedStatistic'] !== undefined)]).toEqual([id, true]);
      // No data is no trouble, but where somebody has to say something every five minutes.
      const missing = slugOf(alarm) === 'probe-silent' ? 'breaching' : 'notBreaching';
      expect([id, alarm['TreatMissingData']]).toEqual([id, missing]);
    }
  });

  test('the table of metrics names the alarms that look at them', () => {
    const looked = alarms
      .map(([, alarm]) => ({ slug: slugOf(alarm), metric: metricOf(alarm, template) }))
      .filter(({ metric }) => metric.namespace === NAMESPACE)
      .map(({ slug, metric }) => `${metric.name} ${slug}`);
    const told = names.flatMap((name) => {
      const { alarms: slugs = [] }: { readonly unit: string; readonly alarms?: readonly string[] } = metrics[name];
      return slugs.map((slug) => `${name} ${slug}`);
    });
    expect(told.toSorted()).toEqual(looked.toSorted());
  });

  describe('the reader of alarms', () => {
    let aws: LocalAws;
    let cloudwatch: CloudWatchClient;
    beforeAll(async () => {
      aws = await startLocalAws();
      const credentials = { accessKeyId: 'AKIATESTS', secretAccessKey: 'unused' };
      cloudwatch = new CloudWatchClient({ endpoint: aws.url, region: aws.region, credentials });
    });
    afterAll(async () => {
      cloudwatch.destroy();
      await aws.close();
    });
    // Since the beginning: a minute may turn meanwhile.
    const startedAt = Date.now();
    const raised = async (): Promise<readonly string[]> =>
      Object.entries(await alarmStates(template, cloudwatch, startedAt))
        .filter(([, { state }]) => state === 'ALARM')
        .map(([slug]) => slug);
    const stage = { stage: 'dev' };

    test('with no data only the alarm on silence is raised', async () => {
      expect(await raised()).toEqual(['probe-silent']);
    });

    test('each of our metrics raises its own alarm at the far side of its threshold, and at the near side none', async () => {
      const put = (name: MetricName, ...values: number[]): void =>
        values.forEach((value) => aws.metrics.put(NAMESPACE, name, stage, value, metrics[name].unit));
      put('Probes', 1);
      put('RateLimitUse', 0.97);
      put('ClockOffsetMs', 90, 700);
      put('VenueUnavailable', 0);
      put('Unresolved', 0);
      aws.metrics.put('AWS/Lambda', 'Errors', { FunctionName: 'trading-bot-dev-execute' }, 0, 'Count');
      expect(await raised()).toEqual([]);
      put('RateLimitUse', 0.975);
      put('VenueUnavailable', 1);
      put('Unresolved', 1);
      put('Bans', 1);
      put('AuthenticationRefusals', 1);
      aws.metrics.put('AWS/Lambda', 'Errors', { FunctionName: 'trading-bot-dev-execute' }, 1, 'Count');
      aws.metrics.put('AWS/Lambda', 'Throttles', { FunctionName: 'trading-bot-dev-probe' }, 1, 'Count');
      const all = ['unresolved', 'banned', 'key-refused', 'near-limit', 'execute-errors', 'probe-throttles', 'venue-unavailable']; // prettier-ignore
      expect((await raised()).toSorted()).toEqual(all.toSorted());
      // Slow in one period of three is not yet slow.
      put('DecisionToSendMs', ...Array.from({ length: 20 }, () => 9000));
      expect(await raised()).not.toContain('slow-decisions');
      expect((await alarmStates(template, cloudwatch))['slow-decisions']?.values).toEqual([9000]);
    });
  });
});
