// The conditions of a CloudFormation template, decided: what stays of it where each condition is true or false.
// Promises that nothing conditional is left: no Fn::If, no AWS::NoValue, no Condition. Knows Fn::Not, Fn::Equals, Fn::And, Fn::Or and
// Condition over text, which is all that a template without parameters can ask; never guesses at anything else.

type Fields = Readonly<Record<string, unknown>>;
/** Which conditions hold, by their names. */
export type Decided = Readonly<Record<string, boolean>>;

/** The parts of a template that may depend on a condition. */
export interface Conditional {
  readonly Conditions?: Fields;
  readonly Resources: Readonly<Record<string, Fields>>;
  readonly Outputs?: Readonly<Record<string, Fields>>;
}

/** @throws at a function that is not known here, an unknown name, or conditions that ask for each other */
export function decide(conditions: Fields): Decided {
  const decided = new Map<string, boolean>();
  const asked = new Set<string>();
  const named = (name: string): boolean => {
    const known = decided.get(name);
    if (known !== undefined) return known;
    if (!Object.hasOwn(conditions, name)) throw new Error(`the template has no condition ${name}`);
    if (asked.has(name)) throw new Error(`the condition ${name} asks for itself`);
    asked.add(name);
    const value = holds(conditions[name], named);
    decided.set(name, value);
    return value;
  };
  return Object.fromEntries(Object.keys(conditions).map((name) => [name, named(name)]));
}

function holds(expression: unknown, named: (name: string) => boolean): boolean {
  const [[key, value] = ['', undefined], ...others] = isFields(expression) ? Object.entries(expression) : [];
  const operands = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (others.length === 0) {
    if (key === 'Condition' && typeof value === 'string') return named(value);
    if (key === 'Fn::Not' && operands.length === 1) return !holds(operands[0], named);
    if (key === 'Fn::And' && operands.length > 1) return operands.every((each) => holds(each, named));
    if (key === 'Fn::Or' && operands.length > 1) return operands.some((each) => holds(each, named));
    if (key === 'Fn::Equals' && operands.length === 2 && operands.every((each) => typeof each === 'string')) {
      return operands[0] === operands[1];
    }
  }
  throw new Error(`no condition that can be decided here: ${JSON.stringify(expression)}`);
}

/**
 * The template as CloudFormation would create it.
 * @param supposed conditions to be taken as true or false, whatever they say themselves
 */
export function settle<T extends Conditional>(template: T, supposed: Decided = {}): T {
  const decided = { ...decide(template.Conditions ?? {}), ...supposed };
  const isThere = ([, { Condition: name }]: readonly [string, Fields]): boolean =>
    typeof name !== 'string' || choose(decided, name);
  const kept = (section: Readonly<Record<string, Fields>>): Fields => {
    const entries = Object.entries(section).filter(isThere);
    return Object.fromEntries(entries.map(([name, each]) => [name, settled(without(each, 'Condition'), decided)]));
  };
  return {
    ...without(template, 'Conditions'),
    Resources: kept(template.Resources),
    ...(template.Outputs === undefined ? {} : { Outputs: kept(template.Outputs) }),
  } as T;
}

function without(fields: object, key: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== key));
}

function choose(decided: Decided, name: string): boolean {
  const value = decided[name];
  if (value === undefined) throw new Error(`the template has no condition ${name}`);
  return value;
}

/** @returns undefined for AWS::NoValue: the property, or the element, is not there */
function settled(value: unknown, decided: Decided): unknown {
  if (Array.isArray(value)) return value.map((each) => settled(each, decided)).filter((each) => each !== undefined);
  if (!isFields(value)) return value;
  if (value['Ref'] === 'AWS::NoValue') return undefined;
  const branches = value['Fn::If'];
  if (Array.isArray(branches)) {
    const [name, yes, no] = branches as readonly unknown[];
    return settled(choose(decided, String(name)) ? yes : no, decided);
  }
  const entries = Object.entries(value).map(([key, each]) => [key, settled(each, decided)] as const);
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
