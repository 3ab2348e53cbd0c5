// What a deploy would create, read from the packaged CloudFormation template and held to the promises of the design.
// The template is checked against AWS's published resource schemas, and the zips against their sources.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import type { SpecDatabase } from '@aws-cdk/service-spec-types';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { unzipSync } from 'fflate';
import type { Metafile } from 'esbuild';
import { buildFunctions, packageFunctions, reachedFrom, type PackagedFunction } from '../local/package.ts';
import { eventOf, timesOf } from '../local/scheduler.ts';
import { readTemplate } from '../local/template.ts';
import { executeQueues, reconcileQueues } from '../shared/aws/queues.ts';
import { bitmartSettings } from '../shared/bitmart/venue.ts';
import { readSettings } from '../shared/config.ts';
import { check } from '../shared/firing.ts';
import { gridIndex } from '../shared/strategies/strategy.ts';
import { VENUES } from '../shared/venues.ts';
import { commonSettings } from '../shared/wiring.ts';
import { packagedTemplate, type Fields, type Template } from './packaged.ts';
import { problemsOf } from './schema.ts';

interface QueueProperties {
  readonly QueueName: string;
  readonly FifoQueue?: boolean;
  readonly VisibilityTimeout?: number;
  readonly RedrivePolicy?: { readonly deadLetterTargetArn: unknown; readonly maxReceiveCount: number };
  readonly [property: string]: unknown;
}

/** The variables that every function is deployed with, with the same values. */
const EVERY_VARIABLE = [
  'ACCOUNT_METRICS',
  'ACCOUNT_SECRET_PREFIX',
  'BITMART_BAN_MS',
  'BITMART_FUTURES_URL',
  'BITMART_LOOKUP_LAG_MS',
  'BITMART_LOOKUP_MEMORY_MS',
  'BITMART_SPOT_URL',
  'BITMART_TIMESTAMP_WINDOW_MS',
  'ENVIRONMENTS',
  'FIXED_EGRESS',
  'PARK_SECONDS',
  'RATE_UTILISATION',
  'SECRET_CACHE_SECONDS',
  'STAGE',
  'VENUES',
];
/** The same of those who execute and follow. */
const COMMON_VARIABLES = [...EVERY_VARIABLE, 'DEAD_QUEUE_URL', 'PENDING_QUEUE_URL', 'REPORTS_QUEUE_URL'];
/** The variables that `execute` is deployed with: all that it reads. */
const EXECUTE_VARIABLES = [
  ...COMMON_VARIABLES,
  'INTENTS_QUEUE_URL',
  'INTENTS_VISIBILITY_SECONDS',
  'UNRESOLVED_AFTER_SECONDS',
  'WARM_ACCOUNTS',
  'WARM_MARKETS',
].sort();
/** The variables that `reconcile` is deployed with: all that it reads. */
const RECONCILE_VARIABLES = [...COMMON_VARIABLES, 'RECONCILE_CONCURRENCY'].sort();
/** The variables that `trigger` is deployed with: all that it reads. */
const TRIGGER_VARIABLES = [...EVERY_VARIABLE, 'INTENTS_QUEUE_URL', 'LATE_AFTER_SECONDS'].sort();

/** The variables that `probe` is deployed with: all that it reads. */
const PROBE_VARIABLES = [...EVERY_VARIABLE, 'PROBE_ACCOUNTS'].sort();

const root = resolve(import.meta.dirname, '..');
const scratch: string[] = [];
let packaged: readonly PackagedFunction[];
let template: Template;
let templateText: string;
let serverlessYml: string;
let spec: SpecDatabase;

beforeAll(async () => {
  packaged = await packageFunctions({ ifStale: true });
  // With the defaults of the parameters; tests/stack.test.ts looks at it with others, too.
  template = await packagedTemplate();
  templateText = JSON.stringify(template);
  serverlessYml = readFileSync(join(root, 'serverless.yml'), 'utf8');
  spec = await loadAwsServiceSpec();
}, 120_000);

afterAll(() => scratch.forEach((dir) => rmSync(dir, { recursive: true })));

const ofType = (type: string): readonly Fields[] =>
  Object.values(template.Resources).flatMap(({ Type, Properties }) => (Type === type ? [Properties] : []));
const propertiesOf = (id: string): Fields => {
  const resource = template.Resources[id];
  if (resource === undefined) throw new Error(`the template has no ${id}`);
  return resource.Properties;
};
const queue = (id: string): QueueProperties => propertiesOf(id) as QueueProperties;
const queues = (): readonly QueueProperties[] => ofType('AWS::SQS::Queue') as readonly QueueProperties[];
const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const executeFunction = (): Fields => propertiesOf('ExecuteLambdaFunction');
const variablesOf = (lambda: Fields): Fields => (lambda['Environment'] as { readonly Variables: Fields }).Variables;
const executeVariables = (): Fields => variablesOf(executeFunction());
const executeTimeoutSeconds = (): number => executeFunction()['Timeout'] as number;
const reconcileFunction = (): Fields => propertiesOf('ReconcileLambdaFunction');
const reconcileVariables = (): Fields => variablesOf(reconcileFunction());
const triggerFunction = (): Fields => propertiesOf('TriggerLambdaFunction');
const probeFunction = (): Fields => propertiesOf('ProbeLambdaFunction');
const mappingOf = (id: string): Fields => {
  const [mapping, ...others] = ofType('AWS::Lambda::EventSourceMapping').filter(
    ({ EventSourceArn }) => JSON.stringify(EventSourceArn) === JSON.stringify(arnOf(id)),
  );
  if (mapping === undefined || others.length > 0) throw new Error(`one mapping should read ${id}`);
  return mapping;
};
const intentsMapping = (): Fields => mappingOf('IntentsQueue');

describe('the template is one that CloudFormation accepts', () => {
  test('every resource type and every property, at any depth, is in the schema of AWS', () => {
    expect(problemsOf(template, spec)).toEqual([]);
  });

  test('the check sees what it should: a planted typo, a wrong type, a missing property, an unknown resource', () => {
    const planted = JSON.parse(templateText) as { Resources: Record<string, { Type: string; Properties: object }> };
    const plant = (id: string, properties: object): void =>
      void Object.assign(planted.Resources[id]?.Properties ?? {}, properties);
    plant('IntentsQueue', { VisibilityTimeuot: 180, FifoQueue: 'yes' });
    plant('ExecuteLambdaFunction', { Environment: { Variabels: {} }, Role: undefined });
    plant('ExecuteEventSourceMappingSQSIntentsQueue', { ScalingConfig: { MaximumConcurency: 2 } });
    plant('DeadQueue', { QueueName: { Ref: 'NoSuchThing' } });
    plant('PendingQueue', { QueueName: { 'Fn::GetAtt': ['ReportsQueue', 'Nmae'] } });
    Object.assign(planted.Resources, { Extra: { Type: 'AWS::SQS::Queu', Properties: {} } });
    expect(problemsOf(planted as Template, spec).sort()).toEqual([
      'DeadQueue.QueueName: Ref to NoSuchThing, which is not in the template',
      'ExecuteEventSourceMappingSQSIntentsQueue.ScalingConfig.MaximumConcurency: no such property',
      'ExecuteLambdaFunction.Environment.Variabels: no such property',
      'ExecuteLambdaFunction.Role: missing',
      'Extra: no such resource type AWS::SQS::Queu',
      'IntentsQueue.FifoQueue: not of type boolean',
      'IntentsQueue.VisibilityTimeuot: no such property',
      'PendingQueue.QueueName: ReportsQueue has no attribute Nmae',
    ]);
  });

  test('a wrong key in serverless.yml is an error, not a warning', () => {
    expect(serverlessYml).toMatch(/^configValidationMode: error$/m);
  });

  test('the queue URLs are outputs', () => {
    const values = Object.fromEntries(Object.entries(template.Outputs).map(([name, { Value }]) => [name, Value]));
    expect(values).toMatchObject({
      IntentsQueueUrl: { Ref: 'IntentsQueue' },
      DeadQueueUrl: { Ref: 'DeadQueue' },
      PendingQueueUrl: { Ref: 'PendingQueue' },
      ReportsQueueUrl: { Ref: 'ReportsQueue' },
    });
  });
});

describe('the queues keep every intent, in order, once', () => {
  test('intents are FIFO per account, deduplicated by their own id and never by a hash of the body', () => {
    expect(queue('IntentsQueue')).toMatchObject({
      FifoQueue: true,
      ContentBasedDeduplication: false,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
    });
  });

  test('a queue is FIFO exactly if its name ends in .fifo', () => {
    for (const { QueueName, FifoQueue } of queues()) expect(QueueName.endsWith('.fifo')).toBe(FifoQueue ?? false);
  });

  test('what is no intent is refused at the door, and a dead letter has room for an intent and its attributes', () => {
    expect(queue('IntentsQueue')['MaximumMessageSize']).toBe(4096);
    expect(queue('DeadQueue')['MaximumMessageSize']).toBe(1024 * 1024);
  });

  test('no intent and no dead letter is lost to retention before the 14 days that SQS allows', () => {
    const fourteenDays = 14 * 86_400;
    for (const id of [
      'IntentsQueue',
      'DeadQueue',
      'PendingQueue',
      'PendingDeadQueue',
      'TriggerDeadQueue',
      'ProbeDeadQueue',
    ]) {
      expect(queue(id)['MessageRetentionPeriod']).toBe(fourteenDays);
    }
    expect(queue('ReportsQueue')['MessageRetentionPeriod']).toBe(4 * 86_400);
  });

  test('intents visible again and again are not given up before a real attempt: at least 5 receives', () => {
    expect(queue('IntentsQueue').RedrivePolicy).toEqual({
      deadLetterTargetArn: arnOf('DeadQueue'),
      maxReceiveCount: 50,
    });
    for (const { RedrivePolicy } of queues()) expect(RedrivePolicy?.maxReceiveCount ?? 5).toBeGreaterThanOrEqual(5);
  });

  test('every dead-letter queue is of the kind of its source, for SQS takes no other', () => {
    const withRedrive = queues().filter(({ RedrivePolicy }) => RedrivePolicy !== undefined);
    expect(withRedrive.map(({ QueueName }) => QueueName).sort()).toEqual([
      'trading-bot-dev-intents.fifo',
      'trading-bot-dev-pending',
    ]);
    for (const { FifoQueue, RedrivePolicy } of withRedrive) {
      const target = (RedrivePolicy?.deadLetterTargetArn as { readonly 'Fn::GetAtt': readonly [string] })['Fn::GetAtt'];
      expect(queue(target[0]).FifoQueue ?? false).toBe(FifoQueue ?? false);
    }
  });

  test('every queue is encrypted at rest', () => {
    expect(queues()).toHaveLength(7);
    for (const properties of queues()) expect(properties['SqsManagedSseEnabled']).toBe(true);
  });
});

describe('a message comes back late enough', () => {
  const marginMs = (): number => ((queue('IntentsQueue').VisibilityTimeout ?? 0) - executeTimeoutSeconds()) * 1000;

  test('visibility is at least six function timeouts, as AWS asks of an event source', () => {
    expect(queue('IntentsQueue').VisibilityTimeout).toBeGreaterThanOrEqual(6 * executeTimeoutSeconds());
  });

  test('the function knows the visibility of its queue', () => {
    expect(executeVariables()['INTENTS_VISIBILITY_SECONDS']).toBe(String(queue('IntentsQueue').VisibilityTimeout));
  });

  test('visibility minus the timeout is longer than an order sent at the last moment may take to show', () => {
    // A redelivery does not know when the earlier one signed its request: at the latest when its time was up. Only
    // once the venue would refuse that signature, and would show the order had it taken it, does "not found" mean absent.
    const { refusesTimestampsAfterMs, showsOrdersWithinMs } = deployedVenueSettings();
    expect(refusesTimestampsAfterMs).toBe(60_000);
    expect(marginMs()).toBeGreaterThan(refusesTimestampsAfterMs + showsOrdersWithinMs);
  });

  test('so it is with a Lambda whose clock runs a minute ahead', () => {
    // Its signature counts as fresh for as long as the clock is ahead, and then for the whole window: 2 × 60 s.
    const { refusesTimestampsAfterMs, showsOrdersWithinMs } = deployedVenueSettings();
    expect(marginMs()).toBeGreaterThan(2 * refusesTimestampsAfterMs + showsOrdersWithinMs);
    expect(marginMs()).toBeGreaterThan(2 * 60_000 + 5000);
  });
});

describe('the event source mapping loses no record', () => {
  test('a batch fails in parts, not as a whole', () => {
    expect(intentsMapping()['FunctionResponseTypes']).toEqual(['ReportBatchItemFailures']);
  });

  test('a batch is no larger than a FIFO queue allows, and is not held back', () => {
    expect(intentsMapping()['BatchSize']).toBe(10);
    expect(intentsMapping()).not.toHaveProperty('MaximumBatchingWindowInSeconds');
  });

  test('no filter stands before the intents, for a filter deletes what does not match', () => {
    expect(intentsMapping()).not.toHaveProperty('FilterCriteria');
  });

  test('concurrency is bounded by the mapping, never by a reservation that would burn receives', () => {
    const scaling = intentsMapping()['ScalingConfig'] as { readonly MaximumConcurrency: number };
    expect(scaling.MaximumConcurrency).toBeGreaterThanOrEqual(2);
    expect(scaling.MaximumConcurrency).toBeLessThanOrEqual(1000);
    for (const lambda of ofType('AWS::Lambda::Function')) {
      expect(lambda).not.toHaveProperty('ReservedConcurrentExecutions');
    }
  });
});

describe('each function has what it needs and no more', () => {
  test('there is one function for each file in functions/, with one log group that forgets after 30 days', () => {
    const files = readdirSync(join(root, 'functions')).map((file) => basename(file, '.ts'));
    const names = ofType('AWS::Lambda::Function').map(({ FunctionName }) => String(FunctionName));
    expect(names.sort()).toEqual(files.map((name) => `trading-bot-dev-${name}`).sort());
    const groups = ofType('AWS::Logs::LogGroup');
    expect(groups.map(({ LogGroupName }) => LogGroupName).sort()).toEqual(names.map((name) => `/aws/lambda/${name}`));
    for (const group of groups) expect(group['RetentionInDays']).toBe(30);
  });

  test('execute runs on Node 24, arm64, with 512 MB, and its handler is in the zip', () => {
    expect(executeFunction()).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 512,
      Timeout: 30,
      Handler: 'execute.handler',
    });
  });

  test('the environment of execute is what it reads, and every value is readable', () => {
    expect(Object.keys(executeVariables()).sort()).toEqual(EXECUTE_VARIABLES);
    expect(executeVariables()).toMatchObject({
      INTENTS_QUEUE_URL: { Ref: 'IntentsQueue' },
      DEAD_QUEUE_URL: { Ref: 'DeadQueue' },
      PENDING_QUEUE_URL: { Ref: 'PendingQueue' },
      REPORTS_QUEUE_URL: { Ref: 'ReportsQueue' },
      ACCOUNT_SECRET_PREFIX: 'bitmart/accounts/',
    });
    expect(deployedVenueSettings().spotUrl).toMatch(/^https:/);
  });

  test('what can be set per stage is deployed with the defaults of the code', () => {
    const defaults = readSettings({}, bitmartSettings);
    expect(deployedVenueSettings()).toEqual({ ...defaults, futuresUrl: expect.any(String) });
    expect(executeVariables()).toMatchObject({
      PARK_SECONDS: '60',
      UNRESOLVED_AFTER_SECONDS: '900',
      FIXED_EGRESS: 'false',
    });
    const named = serverlessYml.match(/\$\{param:(\w+)\}/g) ?? [];
    for (const name of ['parkSeconds', 'unresolvedAfterSeconds', 'fixedEgress', 'bitmartBanMs']) {
      expect(named).toContain(`\${param:${name}}`);
    }
  });

  test('all functions see the same venue and accounts, and those who execute and follow the same queues', () => {
    for (const name of COMMON_VARIABLES) {
      expect(executeVariables()[name]).toBeDefined();
      expect([name, reconcileVariables()[name]]).toEqual([name, executeVariables()[name]]);
    }
    const trigger = variablesOf(triggerFunction());
    for (const name of [...EVERY_VARIABLE, 'INTENTS_QUEUE_URL']) {
      expect([name, trigger[name]]).toEqual([name, executeVariables()[name]]);
    }
    expect(Object.keys(trigger).sort()).toEqual(TRIGGER_VARIABLES);
    const probing = variablesOf(probeFunction());
    for (const name of EVERY_VARIABLE) expect([name, probing[name]]).toEqual([name, executeVariables()[name]]);
    expect(Object.keys(probing).sort()).toEqual(PROBE_VARIABLES);
  });

  test.each([
    ['execute', executeQueues, EXECUTE_VARIABLES],
    ['reconcile', reconcileQueues, RECONCILE_VARIABLES],
    ['trigger', {}, TRIGGER_VARIABLES],
    ['probe', {}, PROBE_VARIABLES],
  ] as const)('every variable that the code reads is deployed: %s', (file, theirQueues, deployed) => {
    const read = readFileSync(join(root, `functions/${file}.ts`), 'utf8');
    const named = [...read.matchAll(/(?:numeric|flag|words|url|names)\('([A-Z_]+)'/g)].map(([, name]) => name);
    const common = Object.values({ ...theirQueues, ...commonSettings, ...bitmartSettings }).map(
      ({ variable }) => variable,
    );
    expect([...new Set([...named, ...common])].sort()).toEqual(deployed);
  });

  test('each deployed variable is read by the deployed code', () => {
    const code = deployedCode('execute');
    expect(EXECUTE_VARIABLES.filter((name) => !code.includes(name))).toEqual([]);
    const following = deployedCode('reconcile');
    expect(RECONCILE_VARIABLES.filter((name) => !following.includes(name))).toEqual([]);
    const firing = deployedCode('trigger');
    expect(TRIGGER_VARIABLES.filter((name) => !firing.includes(name))).toEqual([]);
    const probing = deployedCode('probe');
    expect(PROBE_VARIABLES.filter((name) => !probing.includes(name))).toEqual([]);
  });

  test('reconcile follows in batches that fail in parts, shares out its limit by its true concurrency, and may copy', () => {
    expect(mappingOf('PendingQueue')).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
    expect(mappingOf('PendingQueue')).not.toHaveProperty('FilterCriteria');
    const { MaximumConcurrency } = mappingOf('PendingQueue')['ScalingConfig'] as {
      readonly MaximumConcurrency: number;
    };
    expect(Object.keys(reconcileVariables()).sort()).toEqual(RECONCILE_VARIABLES);
    expect(reconcileVariables()['RECONCILE_CONCURRENCY']).toBe(String(MaximumConcurrency));
    expect(reconcileFunction()['RecursiveLoop']).toBe('Allow');
    const timeout = reconcileFunction()['Timeout'] as number;
    expect(queue('PendingQueue').VisibilityTimeout).toBeGreaterThanOrEqual(6 * timeout);
  });

  test('the role of reconcile allows these actions on these resources, and nothing else: it cannot take intents', () => {
    expect(permissionsOf('ReconcileRole').sort()).toEqual([
      'logs:CreateLogStream on ReconcileLogGroup',
      'logs:PutLogEvents on ReconcileLogGroup',
      'secretsmanager:GetSecretValue on arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:bitmart/accounts/*',
      'sqs:ChangeMessageVisibility on PendingQueue',
      'sqs:DeleteMessage on PendingQueue',
      'sqs:GetQueueAttributes on PendingQueue',
      'sqs:ReceiveMessage on PendingQueue',
      'sqs:SendMessage on DeadQueue',
      'sqs:SendMessage on PendingQueue',
      'sqs:SendMessage on ReportsQueue',
    ]);
  });

  test('the role of execute allows these actions on these resources, and nothing else', () => {
    expect(permissionsOf('ExecuteRole').sort()).toEqual([
      'logs:CreateLogStream on ExecuteLogGroup',
      'logs:PutLogEvents on ExecuteLogGroup',
      'secretsmanager:GetSecretValue on arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:bitmart/accounts/*',
      'sqs:ChangeMessageVisibility on IntentsQueue',
      'sqs:DeleteMessage on IntentsQueue',
      'sqs:GetQueueAttributes on IntentsQueue',
      'sqs:ReceiveMessage on IntentsQueue',
      'sqs:SendMessage on DeadQueue',
      'sqs:SendMessage on PendingQueue',
      'sqs:SendMessage on ReportsQueue',
    ]);
    expect(propertiesOf('ExecuteRole')).not.toHaveProperty('ManagedPolicyArns');
  });

  test('no role has a wildcard beyond the prefix of the account secrets', () => {
    const roles = JSON.stringify(ofType('AWS::IAM::Role'));
    expect(roles.replaceAll('secret:bitmart/accounts/*', '')).not.toContain('*');
  });

  test('the role of trigger allows these actions on these resources, and nothing else: it cannot take or report', () => {
    expect(permissionsOf('TriggerRole').sort()).toEqual([
      'logs:CreateLogStream on TriggerLogGroup',
      'logs:PutLogEvents on TriggerLogGroup',
      'secretsmanager:GetSecretValue on arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:bitmart/accounts/*',
      'sqs:SendMessage on IntentsQueue',
      'sqs:SendMessage on TriggerDeadQueue',
    ]);
  });

  test('the role of probe allows these actions on these resources, and nothing else: it can neither send nor list', () => {
    expect(permissionsOf('ProbeRole').sort()).toEqual([
      'logs:CreateLogStream on ProbeLogGroup',
      'logs:PutLogEvents on ProbeLogGroup',
      'secretsmanager:GetSecretValue on arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:bitmart/accounts/*',
      'sqs:SendMessage on ProbeDeadQueue',
    ]);
  });

  test('every role is used, by one function or the scheduler, and nobody else may assume it', () => {
    const schedulers = ['SchedulerRole', 'ProbeSchedulerRole'];
    const used = [...ofType('AWS::Lambda::Function').map(({ Role }) => Role), ...schedulers.map(arnOf)];
    const roles = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::IAM::Role');
    const sorted = (all: readonly unknown[]): readonly string[] => all.map((each) => JSON.stringify(each)).sort();
    expect(sorted(used)).toEqual(sorted(roles.map(([id]) => arnOf(id))));
    for (const [id, { Properties }] of roles) {
      const isScheduler = schedulers.includes(id);
      expect(statementsOf(Properties['AssumeRolePolicyDocument'])).toEqual([
        {
          Effect: 'Allow',
          Principal: { Service: `${isScheduler ? 'scheduler' : 'lambda'}.amazonaws.com` },
          Action: 'sts:AssumeRole',
          ...(isScheduler ? { Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } } } : {}),
        },
      ]);
    }
  });
});

describe('a strategy fires at its time, or somebody is told', () => {
  const schedules = (): readonly Fields[] => ofType('AWS::Scheduler::Schedule').filter((each) => each !== propertiesOf('ProbeSchedule')); // prettier-ignore
  const targetOf = (schedule: Fields) => schedule['Target'] as Fields & { readonly RetryPolicy: { readonly MaximumEventAgeInSeconds: number } }; // prettier-ignore
  const config = (): Fields => propertiesOf('TriggerInvokeConfig');

  test('schedules fire exactly, into the trigger, and what cannot be delivered is kept', () => {
    expect(schedules().length).toBeGreaterThan(0);
    for (const schedule of schedules()) {
      expect(schedule).toMatchObject({ FlexibleTimeWindow: { Mode: 'OFF' }, ScheduleExpressionTimezone: 'UTC' });
      expect(targetOf(schedule)).toMatchObject({
        Arn: arnOf('TriggerLambdaFunction'),
        RoleArn: arnOf('SchedulerRole'),
        DeadLetterConfig: { Arn: arnOf('TriggerDeadQueue') },
        RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 3 },
      });
    }
    expect(permissionsOf('SchedulerRole').sort()).toEqual([
      'lambda:InvokeFunction on TriggerLambdaFunction',
      'sqs:SendMessage on TriggerDeadQueue',
    ]);
  });

  test('nothing trades by being deployed', () => {
    for (const { State } of schedules()) expect(State).toBe('DISABLED');
  });

  test('what a schedule carries can be fired', async () => {
    const read = await readTemplate();
    const strategies = read.schedules.filter(({ target }) => target === 'trigger');
    expect(strategies).toHaveLength(schedules().length);
    for (const schedule of strategies) {
      const event: unknown = JSON.parse(eventOf(schedule, Date.UTC(2026, 10, 23)));
      const { schedule: name, prepared } = check(event);
      expect(schedule.name).toBe(`trading-bot-dev-${name}`);
      // And its times lie on the grid that its parameters name, or every firing would be refused.
      const { grid } = prepared;
      const next = timesOf(schedule.expression, 0);
      let at = next((grid?.start ?? 0) - 1);
      expect(at).toBeDefined();
      for (let count = 0; grid !== undefined && at !== undefined && count < 50; count += 1, at = next(at)) {
        expect(gridIndex(grid.start, grid.intervalSeconds, at)).toEqual(expect.any(Number));
      }
    }
  });

  test('a firing that fails is tried three times while it is of use, and then told', () => {
    expect(config()).toMatchObject({
      FunctionName: { Ref: 'TriggerLambdaFunction' },
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: arnOf('TriggerDeadQueue') } },
    });
    // Waits of one and two minutes, and two timeouts.
    const thirdAttempt = 60 + 120 + 2 * (triggerFunction()['Timeout'] as number);
    expect(config()['MaximumEventAgeInSeconds']).toBeGreaterThanOrEqual(thirdAttempt);
    expect(queue('TriggerDeadQueue').FifoQueue ?? false).toBe(false);
  });

  test('no attempt is so late that it is passed over in silence', () => {
    const lateAfter = Number(variablesOf(triggerFunction())['LATE_AFTER_SECONDS']);
    for (const schedule of schedules()) {
      const latestAttempt = targetOf(schedule).RetryPolicy.MaximumEventAgeInSeconds + Number(config()['MaximumEventAgeInSeconds']); // prettier-ignore
      expect(lateAfter).toBeGreaterThan(latestAttempt);
    }
  });

  test('one message there is an alarm', () => {
    expect(propertiesOf('TriggerDeadAlarm')).toMatchObject({
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['TriggerDeadQueue', 'QueueName'] } }],
      Statistic: 'Maximum',
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      AlarmActions: [{ Ref: 'AlarmTopic' }],
    });
  });
});

describe('the probe runs by itself, or somebody is told', () => {
  const schedule = (): Fields => propertiesOf('ProbeSchedule');
  const target = () => schedule()['Target'] as Fields & { readonly RetryPolicy: { readonly MaximumEventAgeInSeconds: number; readonly MaximumRetryAttempts: number } }; // prettier-ignore
  const config = (): Fields => propertiesOf('ProbeInvokeConfig');

  test('every five minutes, from the first deploy on', () => {
    expect(schedule()).toMatchObject({ State: 'ENABLED', ScheduleExpression: 'rate(5 minutes)' });
    expect(target()).toMatchObject({ Arn: arnOf('ProbeLambdaFunction'), RoleArn: arnOf('ProbeSchedulerRole') });
    expect(() => JSON.parse(String(target()['Input'])) as unknown).not.toThrow();
    expect(permissionsOf('ProbeSchedulerRole').sort()).toEqual([
      'lambda:InvokeFunction on ProbeLambdaFunction',
      'sqs:SendMessage on ProbeDeadQueue',
    ]);
  });

  test('what could not be fired, and what failed at every attempt, is kept', () => {
    expect(target()['DeadLetterConfig']).toEqual({ Arn: arnOf('ProbeDeadQueue') });
    expect(config()).toMatchObject({
      FunctionName: { Ref: 'ProbeLambdaFunction' },
      Qualifier: '$LATEST',
      DestinationConfig: { OnFailure: { Destination: arnOf('ProbeDeadQueue') } },
    });
    expect(queue('ProbeDeadQueue').FifoQueue ?? false).toBe(false);
  });

  test('is tried again a few times, and is over before the next one is due', () => {
    const { MaximumEventAgeInSeconds, MaximumRetryAttempts } = target().RetryPolicy;
    expect(MaximumRetryAttempts).toBeLessThanOrEqual(3);
    expect(config()['MaximumRetryAttempts']).toBe(1);
    const timeout = probeFunction()['Timeout'] as number;
    // One retry, after a minute.
    expect(config()['MaximumEventAgeInSeconds']).toBeGreaterThanOrEqual(60 + 2 * timeout);
    const secondAttempt = MaximumEventAgeInSeconds + Number(config()['MaximumEventAgeInSeconds']);
    const dueAgain = (timesOf(String(schedule()['ScheduleExpression']), 0)(0) ?? 0) / 1000;
    expect(secondAttempt + timeout).toBeLessThan(dueAgain);
  });

  test('has its part of each look-up limit: all parts together are not more than there is', () => {
    const part = (file: string): number => {
      const read = readFileSync(join(root, file), 'utf8');
      const [, text = 'none'] = /(?:wire\w*\(settings, |LOOKUP_SHARE = )([0-9.]+)/.exec(read) ?? [];
      return Number(text);
    };
    const parts = ['functions/execute.ts', 'functions/reconcile.ts', 'functions/trigger.ts', 'functions/probe.ts', 'cli/connection.ts'].map(part); // prettier-ignore
    expect(parts).toEqual([0.5, 0.3, 0.05, 0.05, 0.1]);
    expect(parts.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1);
  });
});

describe('no secret passes through a deploy', () => {
  test('the template makes no secret, and neither it nor serverless.yml holds anything that looks like a key', () => {
    expect(ofType('AWS::SecretsManager::Secret')).toEqual([]);
    expect(keyMaterialIn(templateText)).toEqual([]);
    expect(keyMaterialIn(serverlessYml)).toEqual([]);
  });

  test('the check for key material sees a planted one', () => {
    const planted = 'apiKey: 8f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0';
    expect(keyMaterialIn(serverlessYml + planted)).toEqual(['8f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0']);
  });
});

describe('the zips', () => {
  test('hold the module of their function and the parts that it imports, and lie beside the template, too', () => {
    for (const { name, zipPath } of packaged) {
      const zip = readFileSync(zipPath);
      const modules = unzipSync(zip);
      const parts = Object.keys(modules).filter((path) => path !== `${name}.mjs`);
      for (const part of parts) expect(part).toMatch(/^part-[A-Z0-9]{8}\.mjs$/);
      const texts = Object.values(modules).map((code) => new TextDecoder().decode(code));
      for (const part of parts)
        expect([part, texts.some((text) => text.includes(`"./${part}"`))]).toEqual([part, true]);
      expect(Object.keys(modules)).toContain(`${name}.mjs`);
      expect(readFileSync(join(root, '.serverless', `${name}.zip`)).equals(zip)).toBe(true);
    }
  });

  test('load no line of an exchange before it is asked for, and none of what their function does not use', () => {
    for (const { name } of packaged) {
      const meta = JSON.parse(readFileSync(join(root, '.build', `${name}.meta.json`), 'utf8')) as Metafile;
      const read = (isEarly: boolean): readonly string[] =>
        [...reachedFrom(meta, `.build/${name}/${name}.mjs`, isEarly)].flatMap((path) =>
          Object.entries(meta.outputs[path]?.inputs ?? {}).flatMap(([input, { bytesInOutput }]) => (bytesInOutput > 0 ? [input] : [])),
        ); // prettier-ignore
      const ofVenues = (paths: readonly string[]) => paths.filter((path) => VENUES.some((venue) => path.startsWith(`shared/${venue}/`))); // prettier-ignore
      expect([name, ofVenues(read(true))]).toEqual([name, []]);
      for (const venue of VENUES) expect(read(false)).toContain(`shared/${venue}/venue.ts`);
      const extras = ['doctor', 'probe', 'reads'].filter((part) => read(false).some((path) => path.endsWith(`/${part}.ts`) && ofVenues([path]).length > 0)); // prettier-ignore
      expect([name, extras]).toEqual([name, name === 'probe' ? ['probe'] : name === 'trigger' ? ['reads'] : []]);
    }
  });

  test('are the same, byte for byte, wherever and whenever they are built', async () => {
    const [first, second] = [await buildScratch(), await buildScratch()];
    expect(first.length).toBeGreaterThan(0);
    expect(second).toEqual(first);
  });

  test('read neither SQS nor all of undici when they are loaded: nobody waits for what is not needed yet', () => {
    const built = packaged.find(({ name }) => name === 'execute');
    const modules = unzipSync(readFileSync(built?.zipPath ?? ''));
    const text = (path: string): string => new TextDecoder().decode(modules[path]);
    const read = new Set(['execute.mjs']);
    for (const path of read) {
      for (const [, next = ''] of text(path).matchAll(/(?:from|import)"\.\/(part-[A-Z0-9]+\.mjs)"/g)) read.add(next);
    }
    const early = [...read].map(text).join('\n');
    expect(early).toContain('GetSecretValue');
    expect(early).not.toContain('SendMessageBatch"');
    // An import of node:http reads each of its exports, and one of them loads undici.
    expect(early).not.toMatch(/(from|import) ?"(node:)?https?"/);
    expect(Object.values(modules).length).toBeGreaterThan(read.size);
  });

  test('hold no path of the machine that built them', () => {
    expect(deployedCode('execute')).not.toContain(root);
  });
});

/** Reads the venue's settings as the deployed function would. */
function deployedVenueSettings() {
  const literals = Object.entries(executeVariables()).filter(([, value]) => typeof value === 'string');
  return readSettings(Object.fromEntries(literals) as Record<string, string>, bitmartSettings);
}

function deployedCode(name: string): string {
  const built = packaged.find((each) => each.name === name);
  if (built === undefined) throw new Error(`functions/${name}.ts is missing`);
  const modules = Object.values(unzipSync(readFileSync(built.zipPath)));
  return modules.map((code) => new TextDecoder().decode(code)).join('\n');
}

/** Builds all functions into a new directory; the name and content, in hex, of each zip. */
async function buildScratch(): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'template-test-'));
  scratch.push(dir);
  return (await buildFunctions(dir)).map(({ name, zipPath }) => `${name} ${readFileSync(zipPath).toString('hex')}`);
}

/** Words of at least 32 letters and digits, both mixed: what API keys and their secrets look like. */
function keyMaterialIn(text: string): readonly string[] {
  const words: readonly string[] = text.match(/[A-Za-z0-9+/_=]{32,}/g) ?? [];
  return words.filter((word) => /\d/.test(word) && /[A-Za-z]/.test(word));
}

function statementsOf(policy: unknown): readonly Fields[] {
  return (policy as { readonly Statement: readonly Fields[] }).Statement;
}

/** Every "action on resource" that a role allows; throws at a statement of another form than these here have. */
function permissionsOf(role: string): string[] {
  const policies = propertiesOf(role)['Policies'] as readonly { readonly PolicyDocument: unknown }[];
  return policies.flatMap(({ PolicyDocument }) =>
    statementsOf(PolicyDocument).flatMap(({ Sid, Effect, Action, Resource, ...rest }) => {
      expect({ Effect, rest }).toEqual({ Effect: 'Allow', rest: {} });
      expect(Sid).toEqual(expect.any(String));
      const resources = [Resource].flat().map((resource) => {
        const { 'Fn::GetAtt': attribute, 'Fn::Sub': pattern } = resource as Fields;
        return Array.isArray(attribute) ? String(attribute[0]) : String(pattern);
      });
      return [Action].flat().flatMap((action) => resources.map((resource) => `${String(action)} on ${resource}`));
    }),
  );
}
