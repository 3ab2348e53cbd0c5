// IAM as far as the template uses it: which statements count for a role, and whether they allow a call. Read from the
// packaged template, with its references resolved to the names of the local stack.
// Promises IAM's order: an explicit Deny wins, and what no statement allows is denied. Throws at whatever it does not know
// (another condition, NotAction, a resource it cannot name), so that nothing is allowed by being misread.
import { listOf, ofType, propertiesOf, targetOf, type Fields, type Template } from './packaged.ts';

export const REGION = 'ap-northeast-1';
export const ACCOUNT = '000000000000';

export interface Statement {
  readonly sid: string;
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  /** ARNs, with `*` where any text may stand. */
  readonly resources: readonly string[];
  readonly condition: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export interface Request {
  readonly action: string;
  readonly resource: string;
  /** What IAM knows beside: `aws:SecureTransport`, `kms:ViaService`, ... Keys that are not here are absent. */
  readonly context?: Readonly<Record<string, string>>;
}

export type Verdict = 'allowed' | 'not allowed' | 'denied';

/** @returns 'denied' where a statement says so itself */
export function judge(statements: readonly Statement[], { action, resource, context = {} }: Request): Verdict {
  const fitting = statements.filter(
    ({ actions, resources, condition }) =>
      // IAM compares actions without regard to case, resources with it.
      actions.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
      resources.some((pattern) => matches(pattern, resource)) &&
      fulfilled(condition, context),
  );
  if (fitting.some(({ effect }) => effect === 'Deny')) return 'denied';
  return fitting.length > 0 ? 'allowed' : 'not allowed';
}

function matches(pattern: string, text: string): boolean {
  if (pattern.includes('?')) throw new Error(`${pattern}: a question mark is not known here`);
  const parts = pattern.split('*').map((part) => part.replace(/[.\\+^${}()|[\]]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}

function fulfilled(condition: Statement['condition'], context: Readonly<Record<string, string>>): boolean {
  return Object.entries(condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => {
      const given = context[key];
      // "Null": true asks that the key is absent, false that it is there.
      if (operator === 'Null') return values.includes(String(given === undefined));
      // Of several values, as they are told with commas between them; none at all fulfils it.
      if (operator === 'ForAllValues:StringEquals') return (given ?? '').split(',').every((one) => one === '' || values.includes(one)); // prettier-ignore
      if (operator !== 'StringEquals' && operator !== 'Bool') throw new Error(`the condition ${operator} is not known here`); // prettier-ignore
      return given !== undefined && values.includes(given);
    }),
  );
}

/** Whom a statement of a resource's policy is about does not count here: all of them are about everybody. */
const PARTS = ['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'];

/** What is written in a policy document. */
export function statementsOf(template: Template, document: unknown): readonly Statement[] {
  const statements = (document as { readonly Statement: readonly Fields[] }).Statement;
  return statements.map((statement) => {
    const { Sid, Effect, Action, Resource, Condition } = statement;
    const unknown = Object.keys(statement).filter((key) => !PARTS.includes(key));
    if (unknown.length > 0) throw new Error(`${String(Sid)}: ${unknown.join()} not known here`);
    if (Effect !== 'Allow' && Effect !== 'Deny') throw new Error(`${String(Sid)} has no effect`);
    const condition = Object.entries((Condition ?? {}) as Readonly<Record<string, Fields>>).map(([operator, keys]) => [
      operator,
      Object.fromEntries(
        Object.entries(keys).map(([key, values]) => [key, listOf(values).map((each) => nameOf(template, each))]),
      ),
    ]);
    return {
      sid: String(Sid),
      effect: Effect,
      actions: listOf(Action).map(String),
      resources: listOf(Resource).map((each) => nameOf(template, each)),
      condition: Object.fromEntries(condition) as Statement['condition'],
    };
  });
}

/** Every statement that counts for a role by itself: its own policies, and those that are attached to it. */
export function statementsOfRole(template: Template, role: string): readonly Statement[] {
  const own = listOf(propertiesOf(template, role)['Policies']).map((each) => (each as Fields)['PolicyDocument']);
  const attached = ofType(template, 'AWS::IAM::Policy').flatMap(([, { Roles, PolicyDocument }]) =>
    listOf(Roles).some((each) => targetOf(each) === role) ? [PolicyDocument] : [],
  );
  return [...own, ...attached].flatMap((document) => statementsOf(template, document));
}

/** The statements of all queue policies, which count for whoever calls. */
export function statementsOfQueues(template: Template): readonly Statement[] {
  const policies = ofType(template, 'AWS::SQS::QueuePolicy');
  return policies.flatMap(([, { PolicyDocument }]) => statementsOf(template, PolicyDocument));
}

/** What a role may do at all: `action on resource`, each once. */
export function allowancesOf(template: Template, role: string): readonly Request[] {
  return statementsOfRole(template, role)
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ actions, resources }) => actions.flatMap((action) => resources.map((resource) => ({ action, resource })))); // prettier-ignore
}

/** The name of a resource in local terms: text, Sub, or a reference to something of the template. */
export function nameOf(template: Template, value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Sub': pattern } = value as Fields;
  if (typeof pattern === 'string') {
    return pattern.replace(/\$\{([^}]+)\}/g, (_, name: string) => PSEUDO[name] ?? arnOf(template, name));
  }
  if (typeof ref === 'string' && PSEUDO[ref] !== undefined) return PSEUDO[ref];
  // The Ref of a topic is its ARN; that of anything else here is not.
  if (typeof ref === 'string' && template.Resources[ref]?.Type === 'AWS::SNS::Topic') return arnOf(template, ref);
  if (Array.isArray(attribute) && attribute[1] === 'Arn') return arnOf(template, String(attribute[0]));
  throw new Error(`no resource that can be named here: ${JSON.stringify(value)}`);
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
};

/** The ARN of something of the template, on the local stack. */
export function arnOf(template: Template, id: string): string {
  const { Type, Properties } = template.Resources[id] ?? { Type: `nothing named ${id}`, Properties: {} };
  const named: Readonly<Record<string, readonly [string, string]>> = {
    'AWS::SQS::Queue': ['sqs', String(Properties['QueueName'])],
    'AWS::SNS::Topic': ['sns', String(Properties['TopicName'])],
    'AWS::Lambda::Function': ['lambda', `function:${String(Properties['FunctionName'])}`],
    // As CloudFormation gives it: the group and all its streams.
    'AWS::Logs::LogGroup': ['logs', `log-group:${String(Properties['LogGroupName'])}:*`],
  };
  const [service, name] = named[Type] ?? [];
  if (service === undefined || name === undefined) throw new Error(`the ARN of ${Type} is not known here`);
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
}
