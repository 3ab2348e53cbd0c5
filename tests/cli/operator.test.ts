// What the operator's own permissions must be: docs/operator-policy.json allows every call that desk makes, nothing that no
// command asks for, and none of what an operator has no need of. Held to what the local AWS recorded.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AwsCall } from '../../local/aws/calls.ts';
import { packagedTemplate, type Template } from '../packaged.ts';
import { ACCOUNT, judge, REGION, statementsOf, type Request, type Statement } from '../policy.ts';
import { intent } from '../system/fixture.ts';
import { startDesk, type DeskSystem } from './fixture.ts';

const EXECUTE = 'trading-bot-dev-execute';
/** What no command asks for on this stack, and why it is allowed all the same. */
const UNCALLED: Readonly<Record<string, string>> = {
  'lambda:GetFunctionConfiguration': 'which code runs, in the status',
};
const KEY = { apiKey: 'typed-key', secretKey: 'typed-secret-q7', memo: 'typed mémo' };

let system: DeskSystem;
let template: Template;
let policy: readonly Statement[];
let calls: readonly AwsCall[];
beforeAll(async () => {
  template = await packagedTemplate();
  policy = operatorPolicy();
  system = await startDesk({ timeScale: 0.1, keeps: true });
  await work();
  calls = (system.aws?.kinds() ?? []).filter(({ accessKeyId }) => accessKeyId === 'LOCALDESK');
}, 180_000);
afterAll(() => system.close());

/** As it is for stage dev of the local AWS. */
function operatorPolicy(): readonly Statement[] {
  const text = readFileSync(new URL('../../docs/operator-policy.json', import.meta.url), 'utf8');
  const filled = text.replaceAll('REGION', REGION).replaceAll('ACCOUNT', ACCOUNT).replaceAll('STAGE', 'dev');
  return statementsOf(template, JSON.parse(filled));
}

/** Each command at least once, in an order in which it has something to do. */
async function work(): Promise<void> {
  const run = async (args: readonly string[], stdin = ''): Promise<string> => {
    const { code, out, err } = await system.desk(args, { stdin, env: { SECRET_CACHE_SECONDS: '0.5' } });
    if (code !== 0 && code !== 1) throw new Error(`desk ${args.join(' ')}: ${code ?? 'killed'} ${out}${err}`);
    return out;
  };
  const resting = intent();
  await system.send([resting, intent({ id: 'tooSmall', size: '0.00001', price: '1000' })]);
  await system.until('a letter', async () => (await run(['dead', 'list'])).includes('tooSmall'));
  await run(['submit', 'main', 'buy', 'BTC_USDT', '--notional', '25', '--yes', '--wait']);
  await run(['status', '--deep']);
  await run(['doctor']);
  await run(['orders', 'main']);
  await run(['trace', resting.id]);
  await run(['reports']);
  await run(['reports', '--take', '--yes']);
  await run(['dead', 'list', '--pending']);
  await run(['dead', 'show', 'tooSmall']);
  await run(['dead', 'drop', 'tooSmall', '--yes']);
  await system.control('PUT', '/accounts', { account: 'added', ...KEY });
  await run(['account', 'add', 'added'], JSON.stringify(KEY));
  await run(['account', 'rotate', 'added', '--yes'], JSON.stringify(KEY));
  await run(['account', 'mandate', 'added', '--symbols', 'BTC_USDT', '--yes']);
  await run(['account', 'list']);
  await run(['account', 'check', 'added']);
  await run(['halt', '--all', '--mapping', '--cancel', '--reason', 'a drill']);
  // Its age is asked for while it waits.
  await system.send([intent()]);
  await run(['intents']);
  await run(['resume', '--mapping', '--reason', 'over', '--yes']);
  await run(['resume', 'main', '--reason', 'over', '--yes']);
  await run(['resume', '--all', '--reason', 'over', '--yes']);
}

/** A call of desk as IAM sees it. */
function requestOf({ service, action, resource }: Pick<AwsCall, 'service' | 'action' | 'resource'>): Request {
  const arn = (name: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
  const ofExecute = { 'lambda:FunctionArn': arn(`function:${EXECUTE}`) };
  switch (service) {
    case 'sqs':
      return { action: `sqs:${action.replace(/Batch$/, '')}`, resource: arn(resource) };
    case 'secretsmanager': {
      const name = action === 'ListSecrets' ? '*' : arn(`secret:${resource}-AbCdEf`);
      return { action: `secretsmanager:${action}`, resource: name };
    }
    case 'logs':
      return { action: `logs:${action}`, resource: arn(`log-group:${resource}:log-stream:`) };
    case 'monitoring':
      return { action: `cloudwatch:${action}`, resource: '*' };
    case 'lambda':
      if (action === 'ListEventSourceMappings') return { action: `lambda:${action}`, resource: '*' };
      if (action.startsWith('GetFunction'))
        return { action: `lambda:${action}`, resource: arn(`function:${resource}`) };
      return { action: `lambda:${action}`, resource: arn(`event-source-mapping:${resource}`), context: ofExecute };
    default:
      return service satisfies never;
  }
}

const verdictOn = (call: Pick<AwsCall, 'service' | 'action' | 'resource'>) => judge(policy, requestOf(call));

describe('the policy of the operator', () => {
  test('allows each call that desk made', () => {
    expect(calls.length).toBeGreaterThan(25);
    const refused = calls.filter((call) => verdictOn(call) !== 'allowed');
    expect(refused.map(({ service, action, resource }) => `${service} ${action} ${resource}`)).toEqual([]);
  });
  test('allows no action that no command asks for, but for what has its reason here', () => {
    const called = new Set(calls.map((call) => requestOf(call).action));
    const idle = policy.flatMap(({ actions }) => actions).filter((action) => !called.has(action) && !(action in UNCALLED)); // prettier-ignore
    expect(idle).toEqual([]);
  });
  test('names every resource, but where AWS takes none, and the mappings, whose names nobody knows before', () => {
    const wide = policy.filter(({ resources }) => resources.some((each) => each === '*' || each.endsWith('mapping:*')));
    expect(wide.flatMap(({ actions }) => actions)).toEqual([
      'secretsmanager:ListSecrets',
      'cloudwatch:GetMetricStatistics',
      'lambda:ListEventSourceMappings',
      'lambda:GetEventSourceMapping',
      'lambda:UpdateEventSourceMapping',
      'lambda:TagResource',
      'lambda:ListTags',
    ]);
    expect(policy.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
  });
  const aws = (service: string, name: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
  const mapping = aws('lambda', 'event-source-mapping:1');
  test.each([
    ['sqs:PurgeQueue', aws('sqs', 'trading-bot-dev-intents.fifo'), {}],
    ['sqs:DeleteMessage', aws('sqs', 'trading-bot-dev-intents.fifo'), {}],
    ['sqs:SendMessage', aws('sqs', 'trading-bot-prod-intents.fifo'), {}],
    ['secretsmanager:DeleteSecret', aws('secretsmanager', 'secret:bitmart/accounts/main-AbCdEf'), {}],
    ['secretsmanager:GetSecretValue', aws('secretsmanager', 'secret:somebody/elses-AbCdEf'), {}],
    ['lambda:UpdateFunctionCode', aws('lambda', `function:${EXECUTE}`), {}],
    ['lambda:InvokeFunction', aws('lambda', `function:${EXECUTE}`), {}],
    ['lambda:UpdateEventSourceMapping', mapping, { 'lambda:FunctionArn': aws('lambda', 'function:another') }],
    ['lambda:DeleteEventSourceMapping', mapping, { 'lambda:FunctionArn': aws('lambda', `function:${EXECUTE}`) }],
    ['lambda:TagResource', mapping, { 'aws:TagKeys': 'desk-halted,owner' }],
  ])('does not allow %s on %s', (action, resource, context: Readonly<Record<string, string>>) => {
    expect(judge(policy, { action, resource, context })).toBe('not allowed');
  });
});
