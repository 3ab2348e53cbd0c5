// The parameters of a deploy: which values each may have, said before anything is packaged or sent to AWS. Promises a sentence
// for each that is wrong, with its name, its value and what is allowed. Never changes one, and reads no file.
import { flag, names, numeric } from '../shared/config.ts';
import { ENVIRONMENTS } from '../shared/order/venue.ts';
import { VENUES } from '../shared/venues.ts';

/** Throws a RangeError whose message completes the sentence "The parameter NAME is VALUE, and …". */
type Check = (text: string) => unknown;

const number = (least: number, most: number): Check => numeric('', '', least, most).read;
const whole =
  (least: number, most: number): Check =>
  (text) => {
    const isWhole = /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most;
    if (!isWhole) throw new RangeError(`must be a whole number from ${least} to ${most}`);
  };
const like =
  (pattern: RegExp, what: string): Check =>
  (text) => {
    if (!pattern.test(text)) throw new RangeError(`must be ${what}`);
  };
const oneOf = (...allowed: readonly string[]): Check => like(new RegExp(`^(${allowed.join('|')})$`), `one of ${allowed.join(', ')}`); // prettier-ignore
const boolean: Check = flag('', 'false').read;
const orNone =
  (check: Check): Check =>
  (text) =>
    text === '' || check(text);
const address: Check = like(/^https:\/\/[^\s/?#]+$/, 'an https address without a path');
const listOf = (kind: string, most: number): Check =>
  orNone(like(new RegExp(`^${kind}-\\w+(,${kind}-\\w+){0,${most - 1}}$`), `at most ${most} ids like ${kind}-0a1b2c, with commas between them and no spaces`)); // prettier-ignore

/** What CloudWatch Logs takes as a retention. */
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]; // prettier-ignore

/** Bounds of what the functions read are theirs, or narrower; tests/parameters.test.ts compares. */
export const checks = {
  region: like(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region of AWS, such as ap-northeast-1'),
  logRetentionDays: oneOf(...RETENTION_DAYS.map(String)),
  queuesOnRemoval: oneOf('Delete', 'RetainExceptOnCreate'),
  kmsKeyArn: orNone(like(/^arn:aws[\w-]*:kms:[\w-]+:\d{12}:key\/[\w-]+$/, 'the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID), not of an alias')), // prettier-ignore
  vpcSubnetIds: listOf('subnet', 16),
  vpcSecurityGroupIds: listOf('sg', 5),
  slowDecisionMs: whole(1, 600_000),
  clockOffsetMs: whole(1, 60_000),
  runbook: like(/^[^\s"'{}]*[^\s"'{}/]$/, 'a path or an address without spaces, quotes and a slash at its end'),
  maximumConcurrency: whole(2, 1000),
  reconcileConcurrency: whole(2, 16),
  // Every role may read what begins so: with an empty one, all secrets of the AWS account.
  secretPrefix: like(/^[\w/+=.@-]+\/$/, 'the beginning of a name in Secrets Manager, with a slash at its end'),
  secretCacheSeconds: number(0, 3600),
  bitmartSpotUrl: address,
  bitmartFuturesUrl: address,
  rateUtilisation: number(0.1, 0.97),
  venues: names('', '', VENUES.length, VENUES).read,
  environments: names('', '', ENVIRONMENTS.length, ENVIRONMENTS).read,
  warmAccounts: orNone(names('', '', 10).read),
  warmMarkets: orNone(names('', '', 3, ['spot', 'margin', 'futures']).read),
  parkSeconds: number(1, 3600),
  unresolvedAfterSeconds: number(1, 86_400),
  lateAfterSeconds: number(1, 3600),
  exampleSchedule: oneOf('ENABLED', 'DISABLED'),
  accountMetrics: boolean,
  probeAccounts: orNone(names('', '', 25).read),
  // Below 5, firings overlap: scheduler and Lambda are at one for 240 s. Above 14, the alarm for a silent probe goes off.
  probeSchedule: like(/^rate\(([5-9]|1[0-4]) minutes\)$/, 'rate(N minutes), N from 5 to 14'),
  fixedEgress: boolean,
  bitmartTimestampWindowMs: number(100, 600_000),
  bitmartLookupLagMs: number(10, 15_000),
  bitmartLookupMemoryMs: number(1000, 86_400_000),
  bitmartBanMs: number(100, 43_000_000),
} as const satisfies Readonly<Record<string, Check>>;

/** The VisibilityTimeout of the intents queue. */
const VISIBILITY_MS = 180_000;

/** A part of `params` in serverless.yml. */
type Part = Readonly<Record<string, unknown>>;

export interface Asked {
  /** `params` of serverless.yml: those of `default`, and what each stage has instead. */
  readonly params: Readonly<Record<string, Part | undefined>>;
  readonly stage: string;
  /** What each --param said: NAME=VALUE. */
  readonly given: readonly string[];
}

/** What is wrong with the parameters of a deploy: a sentence each. Empty where all is well. */
export function problemsOf({ params, stage, given }: Asked): readonly string[] {
  const defaults = params['default'] ?? {};
  const options = Object.fromEntries(given.map((each) => [each.split('=', 1)[0] ?? '', each.replace(/^[^=]*=/, '').trimEnd()])); // prettier-ignore
  const values: Part = { ...defaults, ...params[stage], ...options };
  const texts = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, textOf(value)]));
  const unknown = Object.keys(values).filter((name) => !Object.hasOwn(defaults, name));
  const maps = Object.keys(options).filter((name) => typeof defaults[name] === 'object');
  return [
    ...unknown.map((name) => `There is no parameter ${name} (${texts[name] ?? 'a map'}). There are: ${Object.keys(defaults).join(', ')}.`), // prettier-ignore
    ...maps.map((name) => `The parameter ${name} is a map, and is changed in serverless.yml alone.`),
    ...Object.entries(checks).flatMap(([name, check]) => problemOf(name, texts[name], check)),
    ...problemsTogether((name) => texts[name] ?? ''),
  ];
}

/** undefined for a map. */
function textOf(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? `${value as string | number | boolean}` : undefined;
}

function problemOf(name: string, text: string | undefined, check: Check): readonly string[] {
  if (text === undefined) return [];
  try {
    check(text);
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [`The parameter ${name} is "${text}", and ${error.message}.`];
  }
}

/** What each may be by itself, and not with the others. */
function problemsTogether(valueOf: (name: keyof typeof checks) => string): readonly string[] {
  const [subnets, groups] = [valueOf('vpcSubnetIds'), valueOf('vpcSecurityGroupIds')];
  const [windowMs, lagMs] = [Number(valueOf('bitmartTimestampWindowMs')), Number(valueOf('bitmartLookupLagMs'))];
  return [
    ...((subnets === '') === (groups === '')
      ? []
      : [`The parameters vpcSubnetIds ("${subnets}") and vpcSecurityGroupIds ("${groups}") are given both or none.`]),
    ...(2 * windowMs + lagMs > VISIBILITY_MS
      ? [`The parameters bitmartTimestampWindowMs (${windowMs}), twice, and bitmartLookupLagMs (${lagMs}) must be ${VISIBILITY_MS} or less together: so long is an intent out of sight, and what came back before it is proven could be placed twice.`] // prettier-ignore
      : []),
  ];
}
