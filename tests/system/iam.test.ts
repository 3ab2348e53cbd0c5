// Least privilege, proven on the local stack: each call that a part of it made is allowed by that part's role, what must be
// denied is denied, and what is allowed without ever being called has its reason here. Every other test that closes a stack
// checks its calls as well (fixture.ts).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { eventOf } from '../../local/scheduler.ts';
import { refusedOf, requestOf, roleOf, verdictOn } from '../calls.ts';
import { ofType, packagedTemplate, type Template } from '../packaged.ts';
import { ACCOUNT, allowancesOf, REGION } from '../policy.ts';
import { intent, startSystem, type System } from './fixture.ts';

const arn = (service: string, name: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
const queue = (name: string): string => arn('sqs', `trading-bot-dev-${name}`);
const lambda = (name: string): string => arn('lambda', `function:trading-bot-dev-${name}`);
const secret = (name: string): string => arn('secretsmanager', `secret:${name}`);
const logs = (name: string): string => arn('logs', `log-group:/aws/lambda/trading-bot-dev-${name}:*`);

const BY_LAMBDA = 'Lambda writes what a function prints, as its role; here the runner does, and calls nothing';
const BY_SCHEDULER = 'only where the scheduler cannot reach Lambda for a minute; here it always can';
/** Role, action and resource that are allowed and that nothing below calls: with why they are allowed. */
const UNCALLED: readonly (readonly [string, string, string, string])[] = [
  ...['execute', 'reconcile', 'trigger', 'probe'].flatMap(
    (name) =>
    ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => [`${name} Role`, action, logs(name), BY_LAMBDA] as const), // prettier-ignore
  ),
  ['scheduler Role', 'sqs:SendMessage', queue('trigger-dead'), BY_SCHEDULER],
  ['probeScheduler Role', 'sqs:SendMessage', queue('probe-dead'), BY_SCHEDULER],
];
const roleNamed = (name: string): string => name.replace(' ', '').replace(/^./, (first) => first.toUpperCase());

let system: System;
let template: Template;
beforeAll(async () => {
  template = await packagedTemplate();
  system = await startSystem({ timeScale: 0.06 });
  await drive();
}, 120_000);
afterAll(() => system.close());

/** Everything that the functions call AWS for, each at least once. */
async function drive(): Promise<void> {
  const { sqs, ready, schedules } = system;
  const follow = (order: ReturnType<typeof intent>, acceptedAt: string) =>
    sqs.send(
      new SendMessageCommand({
        QueueUrl: ready.queues.pending,
        MessageBody: JSON.stringify({ intent: order, acceptedAt }),
      }),
    );
  const fire = (target: string, change: object = {}): object => {
    const schedule = schedules.find((each) => each.target === target);
    if (schedule === undefined) throw new Error(`the template has no schedule of ${target}`);
    return { ...(JSON.parse(eventOf(schedule, Math.floor(Date.now() / 1000) * 1000)) as object), ...change };
  };
  const resting = intent();
  const cancel = intent({ action: 'cancel', target: resting.id, side: undefined, type: undefined, size: undefined, price: undefined }); // prettier-ignore
  await system.send([resting, { raw: 'no intent', group: 'main', id: 'noIntent' }]);
  await system.until('a resting order', () => system.reportsOf(resting.id).length > 0);
  await system.until('a dead letter of execute', () => system.letters.length > 0);
  // An account whose key is refused is left alone: its intent waits.
  await system.addAccount('refused', { apiKey: 'of-somebody-else' });
  await system.send([intent({ account: 'refused' })]);
  // Accepted together with others, so that its venue id is learnt by a look and kept in a copy; and one that was never seen.
  await follow(resting, new Date().toISOString());
  const lost = intent();
  await follow(lost, new Date(Date.now() - 3_600_000).toISOString());
  await system.until('a dead letter of reconcile', () => system.letterOf(lost.id) !== undefined);
  await system.send([cancel]);
  await system.until('its end', () => system.reportsOf(resting.id).some(({ status }) => status === 'canceled'));
  // A strategy that decides, one that reads balances, and one that fails until somebody is told.
  const start = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();
  const weights = { start, intervalSeconds: 3600, targets: { BTC: '50' }, maxOrderNotional: '600' };
  system.trigger.invoke({ ...fire('trigger', { strategy: 'rebalance' }), scheduledAt: start, parameters: weights });
  system.trigger.invoke(fire('trigger', { parameters: {} }));
  system.probe.invoke(fire('probe'));
  await system.probe.idle();
  // A probe fails by nothing but its environment's end.
  system.probe.invoke(fire('probe'));
  const killer = setInterval(() => system.runner.kill('probe', 'busy'), 20);
  await system.probe.idle();
  clearInterval(killer);
  await system.trigger.idle();
}

/** What the parts of the stack called, as IAM sees it: `role action resource`. */
function called(): readonly string[] {
  const lines = (system.aws?.kinds() ?? []).flatMap((call) => {
    const role = roleOf(template, call.accessKeyId);
    const { action, resource } = requestOf(template, call);
    return role === undefined ? [] : [`${role} ${action} ${resource}`];
  });
  return [...new Set(lines)].sort();
}

/** What roles allow and nobody called. */
function uncalled(): readonly string[] {
  const calls = called();
  const isCalled = (allowed: string): boolean =>
    calls.some((call) => (allowed.endsWith('*') ? call.startsWith(allowed.slice(0, -1)) : call === allowed));
  return ofType(template, 'AWS::IAM::Role')
    .flatMap(([role]) => allowancesOf(template, role).map(({ action, resource }) => `${role} ${action} ${resource}`))
    .filter((allowed) => !isCalled(allowed))
    .sort();
}

describe('what is called', () => {
  test('is allowed, each call of it', () => {
    expect(called().length).toBeGreaterThan(20);
    expect(refusedOf(template, system.aws?.kinds() ?? [])).toEqual([]);
  });

  test('is done by every role of the template', () => {
    const roles = new Set(called().map((call) => call.split(' ')[0]));
    expect([...roles].sort()).toEqual(ofType(template, 'AWS::IAM::Role').map(([id]) => id).sort()); // prettier-ignore
  });

  test('is all that is allowed, but for what has its reason here; and no reason is left over', () => {
    expect(uncalled()).toEqual(UNCALLED.map(([role, action, resource]) => `${roleNamed(role)} ${action} ${resource}`).sort()); // prettier-ignore
    for (const [, , , reason] of UNCALLED) expect(reason.length).toBeGreaterThan(20);
  });

  test('would be found out if it were not allowed', () => {
    const call = { at: 0, accessKeyId: 'LOCALEXECUTE', service: 'sqs', action: 'PurgeQueue', resource: 'trading-bot-dev-intents.fifo', outcome: 'ok' } as const; // prettier-ignore
    expect(refusedOf(template, [call])).toEqual([
      `ExecuteRole: sqs:PurgeQueue on ${queue('intents.fifo')} is not allowed`,
    ]);
    expect(refusedOf(template, [{ ...call, accessKeyId: 'LOCALOPERATOR' }])).toEqual([]);
    expect(() => refusedOf(template, [{ ...call, accessKeyId: 'LOCALEXECUTER' }])).toThrow(
      'LOCALEXECUTER is no function',
    );
  });
});

describe('what must be denied is denied', () => {
  const MINE = 'bitmart/accounts/main-AbCdEf';
  const QUEUES = ['intents.fifo', 'dead.fifo', 'pending', 'pending-dead', 'reports', 'trigger-dead', 'probe-dead'];
  const FUNCTIONS = ['execute', 'reconcile', 'trigger', 'probe'];
  const everyQueue = (action: string, ...but: readonly string[]) =>
    QUEUES.filter((name) => !but.includes(name)).map((name) => [action, queue(name)] as const);
  /** Of every role: to change or read more than is its own. */
  const NOBODY: readonly (readonly [string, string])[] = [
    ...['PurgeQueue', 'DeleteQueue', 'SetQueueAttributes', 'AddPermission', 'StartMessageMoveTask', 'ListQueues', 'CreateQueue'].flatMap((action) => everyQueue(`sqs:${action}`)), // prettier-ignore
    ...['PutSecretValue', 'UpdateSecret', 'UpdateSecretVersionStage', 'DeleteSecret', 'DescribeSecret', 'TagResource', 'PutResourcePolicy'].map((action) => [`secretsmanager:${action}`, secret(MINE)] as const), // prettier-ignore
    ['secretsmanager:ListSecrets', '*'],
    ['secretsmanager:CreateSecret', secret(MINE)],
    ...['bitmart/other-AbCdEf', 'bitmart/accounts-AbCdEf', 'Bitmart/accounts/main-AbCdEf', 'x/bitmart/accounts/main-AbCdEf'].map((name) => ['secretsmanager:GetSecretValue', secret(name)] as const), // prettier-ignore
    ['secretsmanager:GetSecretValue', arn('secretsmanager', `secret:${MINE}`).replace(ACCOUNT, '999999999999')],
    ['secretsmanager:GetSecretValue', arn('secretsmanager', `secret:${MINE}`).replace(REGION, 'us-east-1')],
    ...['UpdateFunctionCode', 'UpdateFunctionConfiguration', 'AddPermission', 'UpdateEventSourceMapping', 'GetFunction', 'DeleteFunction'].flatMap((action) => FUNCTIONS.map((name) => [`lambda:${action}`, lambda(name)] as const)), // prettier-ignore
    ...['PassRole', 'CreateAccessKey', 'PutRolePolicy', 'AttachRolePolicy', 'CreateUser'].map((action) => [`iam:${action}`, `arn:aws:iam::${ACCOUNT}:role/any`] as const), // prettier-ignore
    ['sts:AssumeRole', `arn:aws:iam::${ACCOUNT}:role/any`],
    ['kms:Decrypt', arn('kms', 'key/any')],
    ['kms:CreateKey', '*'],
    ['scheduler:UpdateSchedule', arn('scheduler', 'schedule/default/trading-bot-dev-dcaExample')],
    ['sns:Publish', arn('sns', 'trading-bot-dev-alarms')],
    ['logs:DeleteLogGroup', logs('execute')],
    ['logs:FilterLogEvents', logs('execute')],
    ['cloudwatch:PutMetricData', '*'],
    ['s3:GetObject', 'arn:aws:s3:::any/key'],
    ['ec2:CreateNetworkInterface', '*'],
    ['dynamodb:PutItem', arn('dynamodb', 'table/any')],
    // Only Lambda and the scheduler move messages there on their own; the letters of intents come from execute and reconcile.
    ['sqs:SendMessage', queue('pending-dead')],
    ...['pending-dead', 'dead.fifo', 'reports', 'trigger-dead', 'probe-dead'].flatMap((name) => ['sqs:ReceiveMessage', 'sqs:DeleteMessage'].map((action) => [action, queue(name)] as const)), // prettier-ignore
    ...QUEUES.map((name) => ['sqs:SendMessage', queue(name).replace('-dev-', '-prod-')] as const),
  ];
  const DENIED: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
    // Places what it is given, and gives itself nothing.
    ExecuteRole: [
      ['sqs:SendMessage', queue('intents.fifo')],
      ['sqs:SendMessage', queue('trigger-dead')],
      ['sqs:SendMessage', queue('probe-dead')],
      ...everyQueue('sqs:ReceiveMessage', 'intents.fifo'),
      ...everyQueue('sqs:DeleteMessage', 'intents.fifo'),
      ...everyQueue('sqs:ChangeMessageVisibility', 'intents.fifo'),
      ...FUNCTIONS.map((name) => ['lambda:InvokeFunction', lambda(name)] as const),
    ],
    // Follows, and neither takes nor makes an intent.
    ReconcileRole: [
      ['sqs:SendMessage', queue('intents.fifo')],
      ['sqs:SendMessage', queue('trigger-dead')],
      ['sqs:SendMessage', queue('probe-dead')],
      ...everyQueue('sqs:ReceiveMessage', 'pending'),
      ...everyQueue('sqs:DeleteMessage', 'pending'),
      ...everyQueue('sqs:ChangeMessageVisibility', 'pending'),
      ...FUNCTIONS.map((name) => ['lambda:InvokeFunction', lambda(name)] as const),
    ],
    // Makes intents, and takes, follows and reports nothing.
    TriggerRole: [
      ...everyQueue('sqs:ReceiveMessage'),
      ...everyQueue('sqs:DeleteMessage'),
      ...everyQueue('sqs:SendMessage', 'intents.fifo', 'trigger-dead'),
      ...FUNCTIONS.map((name) => ['lambda:InvokeFunction', lambda(name)] as const),
    ],
    // Looks, and can make nothing happen.
    ProbeRole: [
      ...everyQueue('sqs:ReceiveMessage'),
      ...everyQueue('sqs:DeleteMessage'),
      ...everyQueue('sqs:SendMessage', 'probe-dead'),
      ...FUNCTIONS.map((name) => ['lambda:InvokeFunction', lambda(name)] as const),
    ],
    // Fire what is theirs, and read no key.
    SchedulerRole: [
      ['secretsmanager:GetSecretValue', secret(MINE)],
      ...everyQueue('sqs:ReceiveMessage'),
      ...everyQueue('sqs:SendMessage', 'trigger-dead'),
      ...['execute', 'reconcile', 'probe'].map((name) => ['lambda:InvokeFunction', lambda(name)] as const),
    ],
    ProbeSchedulerRole: [
      ['secretsmanager:GetSecretValue', secret(MINE)],
      ...everyQueue('sqs:ReceiveMessage'),
      ...everyQueue('sqs:SendMessage', 'probe-dead'),
      ...['execute', 'reconcile', 'trigger'].map((name) => ['lambda:InvokeFunction', lambda(name)] as const),
    ],
  };
  const context = { 'aws:SecureTransport': 'true', 'kms:ViaService': `sqs.${REGION}.amazonaws.com` };

  test('the list names every role', () => {
    expect(Object.keys(DENIED).sort()).toEqual(ofType(template, 'AWS::IAM::Role').map(([id]) => id).sort()); // prettier-ignore
  });

  test.each(Object.entries(DENIED))('%s', (role, own) => {
    const allowed = [...NOBODY, ...own].filter(([action, resource]) => verdictOn(template, role, { action, resource, context }) === 'allowed'); // prettier-ignore
    expect(allowed).toEqual([]);
  });

  test('what a role may do it may not do without TLS', () => {
    for (const [role] of ofType(template, 'AWS::IAM::Role')) {
      for (const request of allowancesOf(template, role).filter(({ action }) => action.startsWith('sqs:'))) {
        expect(verdictOn(template, role, { ...request, context: { 'aws:SecureTransport': 'true' } })).toBe('allowed');
        expect(verdictOn(template, role, { ...request, context: { 'aws:SecureTransport': 'false' } })).toBe('denied');
      }
    }
  });
});
