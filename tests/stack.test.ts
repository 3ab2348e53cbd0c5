// What must hold of every deploy, whatever its stage and parameters: nothing is named here that a new queue, function, role or
// alarm could be forgotten in. Each test looks at dev and prod, without and with a KMS key and a VPC.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import type { SpecDatabase } from '@aws-cdk/service-spec-types';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { settle } from '../local/conditions.ts';
import { templatePath } from '../local/package.ts';
import { listOf, ofType, packagedTemplate, propertiesOf, targetOf, templateWith, type Fields, type Resource, type Template } from './packaged.ts'; // prettier-ignore
import { arnOf, judge, nameOf, statementsOf, statementsOfQueues, statementsOfRole } from './policy.ts';
import { problemsOf } from './schema.ts';

const KEY = 'arn:aws:kms:ap-northeast-1:000000000000:key/11111111-2222-3333-4444-555555555555';
const SUBNETS = ['subnet-1a', 'subnet-1c'];
const GROUPS = ['sg-1'];
const PARAMETERS = [
  ...['--param', `kmsKeyArn=${KEY}`],
  ...['--param', `vpcSubnetIds=${SUBNETS.join()}`],
  ...['--param', `vpcSecurityGroupIds=${GROUPS.join()}`],
  ...['--param', 'runbook=https://example.com/runbook'],
];

interface Variant {
  readonly template: Template;
  readonly isProd: boolean;
  readonly hasKey: boolean;
  readonly hasVpc: boolean;
  readonly runbook: string;
}
const variants = new Map<string, Variant>();
let spec: SpecDatabase;

beforeAll(async () => {
  const [dev, prod] = await Promise.all([packagedTemplate(), templateWith(['--stage', 'prod', ...PARAMETERS])]);
  spec = await loadAwsServiceSpec();
  variants.set('dev', { template: dev, isProd: false, hasKey: false, hasVpc: false, runbook: 'docs/runbook' });
  for (const hasKey of [false, true]) {
    for (const hasVpc of [false, true]) {
      // The packaged conditions say what holds with all parameters; supposing them false gives the other three.
      const template = settle(prod, { ...(hasKey ? {} : { HasKmsKey: false }), ...(hasVpc ? {} : { HasVpc: false }) });
      const name = `prod, ${hasKey ? 'a' : 'no'} key, ${hasVpc ? 'a' : 'no'} VPC`;
      variants.set(name, { template, isProd: true, hasKey, hasVpc, runbook: 'https://example.com/runbook' });
    }
  }
}, 120_000);

const NAMES = [
  'dev',
  'prod, no key, no VPC',
  'prod, no key, a VPC',
  'prod, a key, no VPC',
  'prod, a key, a VPC',
] as const;
const variant = (name: string): Variant => {
  const found = variants.get(name);
  if (found === undefined) throw new Error(`no variant ${name}`);
  return found;
};

const queuesOf = (template: Template) => ofType(template, 'AWS::SQS::Queue');
const functionsOf = (template: Template) => ofType(template, 'AWS::Lambda::Function');
const rolesOf = (template: Template): readonly string[] => ofType(template, 'AWS::IAM::Role').map(([id]) => id);
const roleOf = (lambda: Fields): string => targetOf(lambda['Role']) ?? '';
const within = (fields: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Fields | undefined)?.[key], fields);

test('every variant is another one, and there are five', () => {
  expect([...variants.keys()]).toEqual(NAMES);
  const texts = [...variants.values()].map(({ template }) => JSON.stringify(template));
  expect(new Set(texts).size).toBe(5);
});

describe.each(NAMES)('%s', (name) => {
  const given = (): Variant => variant(name);
  const template = (): Template => given().template;

  test('every type and property is in the schema of AWS', () => {
    expect(problemsOf(template(), spec)).toEqual([]);
  });

  test('nothing conditional is left, and no variable of serverless.yml', () => {
    const text = JSON.stringify(template());
    const left = ['Fn::If', 'AWS::NoValue', 'HasKmsKey', 'HasVpc', '${param', '${sls', '${self'];
    expect(left.filter((word) => text.includes(word))).toEqual([]);
  });

  test('every queue is encrypted at rest, by one means, and so is the topic where there is a key', () => {
    const { hasKey } = given();
    const kms = { KmsMasterKeyId: KEY, KmsDataKeyReusePeriodSeconds: 300, SqsManagedSseEnabled: false };
    const picked = (properties: Fields): Fields =>
      Object.fromEntries(Object.entries(properties).filter(([key]) => Object.hasOwn(kms, key)));
    expect(queuesOf(template()).length).toBeGreaterThan(5);
    for (const [id, properties] of queuesOf(template())) {
      expect([id, picked(properties)]).toEqual([id, hasKey ? kms : { SqsManagedSseEnabled: true }]);
    }
    for (const [, topic] of ofType(template(), 'AWS::SNS::Topic')) {
      expect(topic['KmsMasterKeyId']).toBe(hasKey ? KEY : undefined);
    }
  });

  test('nobody may use a queue or the topic without TLS, whatever a role allows; with TLS no policy stands in the way', () => {
    const ways = [
      ['false', 'denied'],
      ['true', 'not allowed'],
    ] as const;
    const onQueues = ofType(template(), 'AWS::SQS::QueuePolicy').flatMap(([, { Queues }]) => listOf(Queues));
    expect(onQueues.map(targetOf).sort()).toEqual(queuesOf(template()).map(([id]) => id).sort()); // prettier-ignore
    // SQS takes no policy that speaks of a second queue.
    for (const [, { Queues, PolicyDocument }] of ofType(template(), 'AWS::SQS::QueuePolicy')) {
      const [only, ...others] = listOf(Queues);
      expect(others).toEqual([]);
      const resources = statementsOf(template(), PolicyDocument).map(({ resources: of }) => of);
      expect(resources).toEqual([[arnOf(template(), targetOf(only) ?? '')]]);
    }
    for (const [id] of queuesOf(template())) {
      for (const action of ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:PurgeQueue']) {
        for (const [secure, verdict] of ways) {
          const request = { action, resource: arnOf(template(), id), context: { 'aws:SecureTransport': secure } };
          expect([id, judge(statementsOfQueues(template()), request)]).toEqual([id, verdict]);
        }
      }
    }
    const onTopics = ofType(template(), 'AWS::SNS::TopicPolicy');
    expect(onTopics.flatMap(([, { Topics }]) => listOf(Topics)).map(targetOf)).toEqual(ofType(template(), 'AWS::SNS::Topic').map(([id]) => id)); // prettier-ignore
    for (const [id] of ofType(template(), 'AWS::SNS::Topic')) {
      const statements = onTopics.flatMap(([, { PolicyDocument }]) => statementsOf(template(), PolicyDocument));
      const publish = { action: 'sns:Publish', resource: arnOf(template(), id) };
      const us = { 'aws:SourceAccount': '000000000000' };
      for (const [context, verdict] of [
        [{ ...us, 'aws:SecureTransport': 'true' }, 'allowed'],
        [{ ...us, 'aws:SecureTransport': 'false' }, 'denied'],
        [{ 'aws:SourceAccount': '999999999999', 'aws:SecureTransport': 'true' }, 'not allowed'],
      ] as const) {
        expect(judge(statements, { ...publish, context })).toBe(verdict);
      }
    }
  });

  test('what a resource policy allows is allowed to a service for this account, and to nobody else', () => {
    const policies = Object.values(template().Resources).filter(
      ({ Type }) => Type.endsWith('Policy') && !Type.includes('IAM'),
    );
    const statements = policies.flatMap(
      ({ Properties }) => within(Properties, 'PolicyDocument', 'Statement') as readonly Fields[],
    );
    for (const { Effect, Principal, Condition } of statements) {
      if (Effect === 'Deny') continue;
      expect(within(Principal, 'Service')).toMatch(/^\w+\.amazonaws\.com$/);
      expect(within(Condition, 'StringEquals', 'aws:SourceAccount')).toEqual({ Ref: 'AWS::AccountId' });
    }
  });

  test('every queue has a dead-letter queue, is one, or a reason stands here why not', () => {
    const reasons: Readonly<Record<string, string>> = {
      ReportsQueue: 'copies of what the log says, for readers who may be nobody: they end after four days',
    };
    const told = [
      ...ofType(template(), 'AWS::Lambda::EventInvokeConfig').map(([, config]) =>
        within(config, 'DestinationConfig', 'OnFailure', 'Destination'),
      ),
      ...ofType(template(), 'AWS::Scheduler::Schedule').map(([, schedule]) =>
        within(schedule, 'Target', 'DeadLetterConfig', 'Arn'),
      ),
      ...queuesOf(template()).map(([, queue]) => within(queue, 'RedrivePolicy', 'deadLetterTargetArn')),
    ].map(targetOf);
    const without = queuesOf(template()).filter(
      ([id, { RedrivePolicy }]) => RedrivePolicy === undefined && !told.includes(id),
    );
    expect(without.map(([id]) => id)).toEqual(Object.keys(reasons));
  });

  test('a dead-letter queue takes from its own sources alone, and every other queue from none', () => {
    for (const [id, { RedriveAllowPolicy }] of queuesOf(template())) {
      const sources = queuesOf(template())
        .filter(([, queue]) => targetOf(within(queue, 'RedrivePolicy', 'deadLetterTargetArn')) === id)
        .map(([source]) => arnOf(template(), source));
      const { redrivePermission, sourceQueueArns } = RedriveAllowPolicy as Fields;
      expect([id, redrivePermission]).toEqual([id, sources.length > 0 ? 'byQueue' : 'denyAll']);
      expect(listOf(sourceQueueArns).map((arn) => nameOf(template(), arn))).toEqual(sources);
    }
  });

  test('a function is over in a sixth of the visibility of its queue', () => {
    const mappings = ofType(template(), 'AWS::Lambda::EventSourceMapping');
    expect(mappings.length).toBeGreaterThan(1);
    for (const [, { EventSourceArn, FunctionName }] of mappings) {
      const { VisibilityTimeout } = propertiesOf(template(), targetOf(EventSourceArn) ?? '');
      const { Timeout } = propertiesOf(template(), targetOf(FunctionName) ?? '');
      expect(Number(Timeout) * 6).toBeLessThanOrEqual(Number(VisibilityTimeout));
    }
  });

  test('every function has its log group, which forgets in time, and may write there and nowhere else', () => {
    const groups = ofType(template(), 'AWS::Logs::LogGroup');
    for (const [, group] of groups) expect(group['RetentionInDays']).toBe(given().isProd ? 90 : 30);
    const owned = functionsOf(template()).map(([id, lambda]) => {
      const group = groups.find(([, { LogGroupName }]) => LogGroupName === `/aws/lambda/${String(lambda['FunctionName'])}`); // prettier-ignore
      if (group === undefined) throw new Error(`${id} has no log group`);
      const statements = statementsOfRole(template(), roleOf(lambda));
      for (const [other] of groups) {
        const request = { action: 'logs:PutLogEvents', resource: arnOf(template(), other) };
        expect([id, other, judge(statements, request)]).toEqual([id, other, other === group[0] ? 'allowed' : 'not allowed']); // prettier-ignore
      }
      return group[0];
    });
    expect(owned.sort()).toEqual(groups.map(([id]) => id).sort());
  });

  test('no role may do anything on everything: no wildcard but the prefix of the account secrets', () => {
    for (const role of rolesOf(template())) {
      const documents = listOf(propertiesOf(template(), role)['Policies']).map((each) =>
        within(each, 'PolicyDocument'),
      );
      const attached = ofType(template(), 'AWS::IAM::Policy').map(([, { PolicyDocument }]) => PolicyDocument);
      const statements = [...documents, ...attached].flatMap((each) => within(each, 'Statement') as readonly Fields[]);
      expect(statements.length).toBeGreaterThan(0);
      for (const { Sid, Effect, Action, Resource, ...rest } of statements) {
        // What is denied may be everything.
        if (Effect === 'Deny') continue;
        const text = JSON.stringify([Action, Resource]).replaceAll('secret:bitmart/accounts/*', '');
        expect([Sid, text]).toEqual([Sid, expect.not.stringContaining('*')]);
        expect(Object.keys(rest).filter((key) => key !== 'Condition')).toEqual([]);
      }
    }
    const types = Object.values(template().Resources).map(({ Type }) => Type);
    expect(types.filter((type) => /IAM::(ManagedPolicy|User|Group|AccessKey)|Lambda::Permission/.test(type))).toEqual([]); // prettier-ignore
  });

  test("AWS's own policy for network interfaces is attached to functions in a VPC alone, and taken from their code", () => {
    const { hasVpc } = given();
    const managed = { 'Fn::Sub': 'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole' };
    const ofFunctions = functionsOf(template()).map(([, lambda]) => roleOf(lambda));
    for (const role of rolesOf(template())) {
      const expected = hasVpc && ofFunctions.includes(role) ? [managed] : undefined;
      expect([role, propertiesOf(template(), role)['ManagedPolicyArns']]).toEqual([role, expected]);
    }
    for (const role of ofFunctions) {
      const request = { action: 'ec2:CreateNetworkInterface', resource: 'anything' };
      const statements = statementsOfRole(template(), role);
      const byCode = { ...request, context: { 'lambda:SourceFunctionArn': 'arn:aws:lambda:any' } };
      expect([role, judge(statements, byCode)]).toEqual([role, hasVpc ? 'denied' : 'not allowed']);
      expect([role, judge(statements, request)]).toEqual([role, 'not allowed']);
    }
  });

  test('every function leaves through the VPC, or none does', () => {
    const { hasVpc } = given();
    for (const [id, { VpcConfig }] of functionsOf(template())) {
      const resolved = (value: unknown): unknown => {
        const [separator, text] = within(value, 'Fn::Split') as readonly [string, string];
        return text.split(separator);
      };
      const found = VpcConfig && {
        subnets: resolved(within(VpcConfig, 'SubnetIds')),
        groups: resolved(within(VpcConfig, 'SecurityGroupIds')),
      };
      expect([id, found]).toEqual([id, hasVpc ? { subnets: SUBNETS, groups: GROUPS } : undefined]);
    }
  });

  test('every role may use the key, that key alone, and only by way of the queues and the secrets', () => {
    const { hasKey } = given();
    for (const role of rolesOf(template())) {
      const statements = statementsOfRole(template(), role);
      const verdict = (resource: string, via: string): string[] =>
        ['kms:Decrypt', 'kms:GenerateDataKey'].map((action) =>
          judge(statements, { action, resource, context: { 'kms:ViaService': `${via}.ap-northeast-1.amazonaws.com` } }),
        );
      const allowed = hasKey ? 'allowed' : 'not allowed';
      expect([role, verdict(KEY, 'sqs')]).toEqual([role, [allowed, allowed]]);
      expect([role, verdict(KEY, 's3')]).toEqual([role, ['not allowed', 'not allowed']]);
      expect([role, verdict(KEY.replace('1111', '9999'), 'sqs')]).toEqual([role, ['not allowed', 'not allowed']]);
    }
  });

  test('what is invoked by a schedule is tried again for a while, and then told; schedules too', () => {
    const configs = ofType(template(), 'AWS::Lambda::EventInvokeConfig').map(([, config]) => config);
    const schedules = ofType(template(), 'AWS::Scheduler::Schedule');
    expect(schedules.length).toBeGreaterThan(0);
    for (const [id, schedule] of schedules) {
      const { Arn, RoleArn, RetryPolicy, DeadLetterConfig } = schedule['Target'] as Fields;
      expect([id, RetryPolicy]).toEqual([
        id,
        { MaximumEventAgeInSeconds: expect.any(Number), MaximumRetryAttempts: expect.any(Number) },
      ]);
      const config = configs.find(({ FunctionName }) => targetOf(FunctionName) === targetOf(Arn));
      expect(config).toMatchObject({ MaximumEventAgeInSeconds: expect.any(Number) });
      const ways = [
        [targetOf(RoleArn), within(DeadLetterConfig, 'Arn')],
        [roleOf(propertiesOf(template(), targetOf(Arn) ?? '')), within(config, 'DestinationConfig', 'OnFailure', 'Destination')],
      ] as const; // prettier-ignore
      for (const [role = '', queue] of ways) {
        const request = { action: 'sqs:SendMessage', resource: arnOf(template(), targetOf(queue) ?? '') };
        expect([id, role, judge(statementsOfRole(template(), role), request)]).toEqual([id, role, 'allowed']);
      }
    }
  });

  test('every alarm calls somebody, and says in one sentence what is wrong and which page of the runbook helps', () => {
    const alarms = ofType(template(), 'AWS::CloudWatch::Alarm');
    expect(alarms.length).toBeGreaterThan(0);
    for (const [id, { AlarmActions, AlarmDescription, AlarmName }] of alarms) {
      expect([id, listOf(AlarmActions).map(targetOf)]).toEqual([id, ['AlarmTopic']]);
      const form = new RegExp(`^[A-Z].+ ${given().runbook.replace(/[.]/g, '\\.')}/[a-z-]+\\.md$`);
      expect([id, AlarmDescription]).toEqual([id, expect.stringMatching(form)]);
      expect(String(AlarmName)).toMatch(new RegExp(`^trading-bot-${given().isProd ? 'prod' : 'dev'}-[a-z-]+$`));
      expect(id).toMatch(/Alarm$/);
    }
  });

  test('a queue that goes out of the template keeps what is on it: on prod always, on dev where its name changed', () => {
    for (const [id] of queuesOf(template())) {
      const { DeletionPolicy, UpdateReplacePolicy } = template().Resources[id] as Resource;
      const kept = given().isProd ? 'RetainExceptOnCreate' : 'Delete';
      expect([id, DeletionPolicy, UpdateReplacePolicy]).toEqual([id, kept, 'Retain']);
    }
  });

  test('everything has the name of its stage, so that stages can stand side by side', () => {
    const stage = given().isProd ? 'prod' : 'dev';
    const names = Object.entries(template().Resources).flatMap(([id, { Properties }]) =>
      ['QueueName', 'TopicName', 'FunctionName', 'LogGroupName', 'AlarmName', 'DashboardName', 'Name', 'PolicyName']
        .filter((key) => typeof Properties[key] === 'string')
        .map((key) => `${id} ${String(Properties[key])}`),
    );
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((each) => !new RegExp(`trading-bot-${stage}(-|$)`).test(each))).toEqual([]);
    for (const [id, lambda] of functionsOf(template())) {
      expect([id, within(lambda, 'Environment', 'Variables', 'STAGE')]).toEqual([id, stage]);
    }
  });

  test('the addresses of every queue, of the topic and of the dashboard are outputs', () => {
    const { Outputs } = template();
    for (const [id] of queuesOf(template())) expect(Outputs[`${id}Url`]?.Value).toEqual({ Ref: id });
    for (const [id] of ofType(template(), 'AWS::SNS::Topic')) expect(Outputs[`${id}Arn`]?.Value).toEqual({ Ref: id });
    const [[id, dashboard] = ['', {}], ...more] = ofType(template(), 'AWS::CloudWatch::Dashboard');
    expect(more).toEqual([]);
    expect(within(Outputs[`${id}Url`]?.Value, 'Fn::Sub')).toMatch(new RegExp(`#dashboards/dashboard/\\$\\{${id}\\}$`));
    expect(dashboard).toMatchObject({ DashboardName: expect.any(String) });
  });

  test('no key material is made by a deploy', () => {
    const types = Object.values(template().Resources).map(({ Type }) => Type);
    expect(types.filter((type) => /^AWS::(KMS|SecretsManager|SSM)::|AccessKey/.test(type))).toEqual([]);
  });
});

test('everything is tagged with its service, its stage and who manages it', () => {
  const state = JSON.parse(readFileSync(join(dirname(templatePath), 'serverless-state.json'), 'utf8')) as Fields;
  expect(within(state, 'service', 'provider', 'stackTags')).toEqual({
    service: 'trading-bot',
    stage: 'dev',
    managedBy: 'serverless',
  });
  expect(within(state, 'service', 'provider', 'region')).toBe('ap-northeast-1');
});
