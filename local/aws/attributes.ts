// The attributes a queue can have: names, bounds, defaults, and the two redrive policies.
// Promises to refuse what the real service refuses. Holds no queue and changes none.
import { LARGEST_BYTES } from './message.ts';
import { invalid, isRecord, refuse } from './wire.ts';

export interface Redrive {
  readonly targetArn: string;
  readonly maxReceiveCount: number;
}

type Check = (value: string) => boolean;
const between =
  (min: number, max: number): Check =>
  (value) =>
    /^\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max;
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value);

/** Parsed JSON, or undefined where it is none. */
export const json = (value: string): unknown => {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
};
const isJson: Check = (value) => value === '' || isRecord(json(value));

/** Every attribute that can be set, with its check (SQS API reference, CreateQueue). */
export const CHECKS: Readonly<Record<string, Check>> = {
  VisibilityTimeout: between(0, 43_200),
  MessageRetentionPeriod: between(60, 1_209_600),
  MaximumMessageSize: between(1024, LARGEST_BYTES),
  DelaySeconds: between(0, 900),
  ReceiveMessageWaitTimeSeconds: between(0, 20),
  RedrivePolicy: isJson,
  RedriveAllowPolicy: isJson,
  Policy: isJson,
  KmsMasterKeyId: (value) => value.length <= 2048,
  KmsDataKeyReusePeriodSeconds: between(60, 86_400),
  SqsManagedSseEnabled: oneOf('true', 'false'),
  FifoQueue: oneOf('true'),
  ContentBasedDeduplication: oneOf('true', 'false'),
  DeduplicationScope: oneOf('queue', 'messageGroup'),
  FifoThroughputLimit: oneOf('perQueue', 'perMessageGroupId'),
};
const FIFO_ONLY = ['FifoQueue', 'ContentBasedDeduplication', 'DeduplicationScope', 'FifoThroughputLimit'];
/** What a queue has when nothing is said. */
export const defaults = (fifo: boolean): Readonly<Record<string, string>> => ({
  VisibilityTimeout: '30',
  MessageRetentionPeriod: '345600',
  MaximumMessageSize: String(LARGEST_BYTES),
  DelaySeconds: '0',
  ReceiveMessageWaitTimeSeconds: '0',
  SqsManagedSseEnabled: 'true',
  ...(fifo && {
    FifoQueue: 'true',
    ContentBasedDeduplication: 'false',
    DeduplicationScope: 'queue',
    FifoThroughputLimit: 'perQueue',
  }),
});

/** Refuses unknown names, FIFO attributes on standard queues, and values out of their bounds. */
export const checkAttributes = (given: Readonly<Record<string, string>>, fifo: boolean): void => {
  for (const [name, value] of Object.entries(given)) {
    const check = CHECKS[name];
    if (check === undefined || (FIFO_ONLY.includes(name) && !fifo))
      throw refuse('InvalidAttributeName', `Unknown Attribute ${name}${fifo ? '' : ' for a standard queue'}.`);
    if (!check(value)) throw refuse('InvalidAttributeValue', `Invalid value for the parameter ${name}: ${value}.`);
  }
};

/** A queue as far as a redrive policy looks at it. */
interface Party {
  readonly arn: string;
  readonly fifo: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The redrive policy of a source; undefined for an empty one. The target must exist, be of its type, and admit it. */
export const readRedrive = (
  source: Party,
  value: string,
  find: (arn: string) => Party | undefined,
): Redrive | undefined => {
  if (value === '') return undefined;
  const policy = json(value);
  const bad = (reason: string): Error => invalid('RedrivePolicy', value, reason);
  if (!isRecord(policy)) throw bad('Redrive policy is not a valid JSON map.');
  const targetArn = policy['deadLetterTargetArn'];
  const maxReceiveCount = Number(policy['maxReceiveCount'] ?? NaN);
  if (typeof targetArn !== 'string') throw bad('It must contain deadLetterTargetArn.');
  if (!Number.isInteger(maxReceiveCount) || maxReceiveCount < 1 || maxReceiveCount > 1000)
    throw bad('maxReceiveCount must be a whole number from 1 to 1000.');
  const target = find(targetArn);
  if (target === undefined) throw bad('Dead letter target does not exist.');
  if (target.arn === source.arn) throw bad('A queue cannot be its own dead-letter queue.');
  if (target.fifo !== source.fifo) throw bad('Dead-letter queue must be same type of queue as the source.');
  const allow = json(target.attributes['RedriveAllowPolicy'] ?? '{}');
  const permission = isRecord(allow) ? allow['redrivePermission'] : undefined;
  const arns = isRecord(allow) && Array.isArray(allow['sourceQueueArns']) ? allow['sourceQueueArns'] : [];
  if (permission === 'denyAll' || (permission === 'byQueue' && !arns.includes(source.arn)))
    throw bad("The dead-letter queue's RedriveAllowPolicy does not admit this queue.");
  return { targetArn, maxReceiveCount };
};

/** Refuses a RedriveAllowPolicy that says nothing or contradicts itself. An empty one takes it away. */
export const checkAllowPolicy = (value: string): void => {
  if (value === '') return;
  const policy = json(value);
  const bad = (reason: string): Error => invalid('RedriveAllowPolicy', value, reason);
  const permission = isRecord(policy) ? policy['redrivePermission'] : undefined;
  if (!['allowAll', 'denyAll', 'byQueue'].includes(String(permission))) throw bad('Unknown redrivePermission.');
  const arns: unknown = isRecord(policy) ? policy['sourceQueueArns'] : undefined;
  const listed = Array.isArray(arns) && arns.length >= 1 && arns.length <= 10;
  if ((permission === 'byQueue') !== listed || (arns !== undefined && !listed))
    throw bad('sourceQueueArns holds 1 to 10 ARNs with byQueue, and is absent otherwise.');
};
