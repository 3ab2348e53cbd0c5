// What the local AWS recorded, held to the roles of the template: who called, as which role, and what IAM says to it.
// Promises that a call of a function is never taken for somebody else's: a caller that begins like ours and is unknown is an error.
import type { AwsCall } from '../local/aws/calls.ts';
import { accessKeyId } from '../local/lambda/environment.ts';
import { ofType, propertiesOf, targetOf, type Fields, type Template } from './packaged.ts';
import { ACCOUNT, arnOf, judge, REGION, statementsOfQueues, statementsOfRole, type Request, type Verdict } from './policy.ts'; // prettier-ignore

/** People and programs: what they may do is not the template's. */
const OTHERS = ['LOCALOPERATOR', 'LOCALDESK'];

/** The role that a call was made as: by a function's code, or by Lambda or the scheduler. undefined: by no part of the stack. */
export function roleOf(template: Template, caller: string): string | undefined {
  for (const [id, { FunctionName, Role }] of ofType(template, 'AWS::Lambda::Function')) {
    const key = accessKeyId(String(FunctionName).split('-').at(-1) ?? '');
    // Lambda polls the queue and tells of failures as the function's role.
    if ([key, `${key}MAPPING`, `${key}DESTINATION`].includes(caller)) return targetOf(Role);
    if (caller === `${key}SCHEDULER`) return schedulerOf(template, id);
  }
  if (caller.startsWith('LOCAL') && !OTHERS.includes(caller))
    throw new Error(`${caller} is no function of the template`);
  return undefined;
}

/** The role as which the schedules of a function are fired. */
function schedulerOf(template: Template, id: string): string {
  const targets = ofType(template, 'AWS::Scheduler::Schedule').map(([, { Target }]) => Target as Fields);
  const roles = new Set(targets.filter(({ Arn }) => targetOf(Arn) === id).map(({ RoleArn }) => targetOf(RoleArn)));
  const [role, ...more] = roles;
  if (role === undefined || more.length > 0) throw new Error(`the schedules of ${id} should have one role`);
  return role;
}

/** A recorded call as IAM sees it. */
export function requestOf(template: Template, { service, action, resource }: AwsCall): Request {
  const arn = (name: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
  const context = { 'aws:SecureTransport': 'true' };
  switch (service) {
    case 'sqs':
      // A batch asks for the right to one.
      return { action: `sqs:${action.replace(/Batch$/, '')}`, resource: arn(resource), context };
    case 'secretsmanager':
      // Behind the name Secrets Manager puts six characters of its own.
      return { action: `secretsmanager:${action}`, resource: arn(`secret:${resource}-AbCdEf`), context };
    case 'lambda': {
      const [invoked] = ofType(template, 'AWS::Lambda::Function').find(([, { FunctionName }]) => String(FunctionName).endsWith(`-${resource}`)) ?? []; // prettier-ignore
      const name = invoked === undefined ? arn(`function:${resource}`) : arnOf(template, invoked);
      return { action: `lambda:${action === 'Invoke' ? 'InvokeFunction' : action}`, resource: name, context };
    }
    case 'logs':
      return { action: `logs:${action}`, resource: arn(`log-group:${resource}:log-stream:x`), context };
    case 'monitoring':
      return { action: `cloudwatch:${action}`, resource: '*', context };
    default:
      return service satisfies never;
  }
}

/** What IAM says to a call of a role: its own statements and those of the queues. */
export function verdictOn(template: Template, role: string, request: Request): Verdict {
  if (propertiesOf(template, role)['ManagedPolicyArns'] !== undefined) throw new Error(`${role}: what AWS's own policy allows is not known here`); // prettier-ignore
  return judge([...statementsOfRole(template, role), ...statementsOfQueues(template)], request);
}

/** The calls that the roles of the stack would not have been allowed on AWS, one line each. */
export function refusedOf(template: Template, calls: readonly AwsCall[]): readonly string[] {
  return calls.flatMap((call) => {
    const role = roleOf(template, call.accessKeyId);
    if (role === undefined) return [];
    const request = requestOf(template, call);
    const verdict = verdictOn(template, role, request);
    return verdict === 'allowed' ? [] : [`${role}: ${request.action} on ${request.resource} is ${verdict}`];
  });
}
