// The queues of one account: their names, attributes, tags and how they refer to each other.
// Promises that no queue exists with an attribute the real service would refuse. Never touches a message.
import { CHECKS, checkAllowPolicy, checkAttributes, defaults, json, readRedrive, type Redrive } from './attributes.ts';
import { createShelf, type Shelf } from './queue.ts';
import { isRecord, needText, refuse, text, textMap, texts, whole, type Input, type Output } from './wire.ts';

export const ACCOUNT_ID = '000000000000';
const MOST_LISTED = 1000;

/** What a receive with an attempt id got, and until when it was hidden. */
export interface Attempt {
  readonly handles: readonly string[];
  readonly visibleAtMs: number;
  readonly untilMs: number;
}

export interface Queue {
  readonly name: string;
  readonly arn: string;
  readonly fifo: boolean;
  readonly createdAtMs: number;
  readonly shelf: Shelf;
  /** Deduplication key → the first message that carried it. Oldest first. */
  readonly remembered: Map<string, { readonly id: string; readonly sequence: string; readonly untilMs: number }>;
  /** ReceiveRequestAttemptId → what it received. Oldest first. */
  readonly attempts: Map<string, Attempt>;
  readonly tags: Map<string, string>;
  attributes: Readonly<Record<string, string>>;
  redrive: Redrive | undefined;
  modifiedAtMs: number;
  sequence: bigint;
}

export interface Account {
  readonly region: string;
  readonly url: () => string;
  readonly now: () => number;
  /** How long a deduplication id is remembered; 5 minutes in the real service. */
  readonly deduplicationMs: number;
  /** Most messages of one queue in flight; 120,000 in the real service. */
  readonly inFlightLimit: number;
  readonly queues: Map<string, Queue>;
  /** Message ids, where they shall be the same in every run; random without it. */
  readonly newId?: () => string;
}

const COUNTS = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed', 'CreatedTimestamp', 'LastModifiedTimestamp', 'QueueArn']; // prettier-ignore

/** A time attribute of a queue, in milliseconds. */
export const durationMs = (queue: Queue, name: string): number => Number(queue.attributes[name] ?? 0) * 1000;

/** The queue that a QueueUrl names; host and account are not looked at, so that any name of this machine works. */
export const queueOf = (account: Account, input: Input): Queue => {
  const url = needText(input, 'QueueUrl');
  const name = /([^/?#]+)\/?$/.exec(url)?.[1] ?? '';
  const queue = account.queues.get(name);
  if (queue === undefined) throw refuse('QueueDoesNotExist', `The specified queue does not exist: ${name}.`);
  return queue;
};

export const queueByArn = (account: Account, arn: string): Queue | undefined => {
  const prefix = `arn:aws:sqs:${account.region}:${ACCOUNT_ID}:`;
  return arn.startsWith(prefix) ? account.queues.get(arn.slice(prefix.length)) : undefined;
};

export const urlOf = (account: Account, queue: Queue): string => `${account.url()}/${ACCOUNT_ID}/${queue.name}`;

/** The queues that redrive into this one. */
export const sourcesOf = (account: Account, target: Queue): readonly Queue[] =>
  [...account.queues.values()].filter((queue) => queue.redrive?.targetArn === target.arn);

/** Checks new values against the rules and against each other, then puts them in force. Nothing changes on a refusal. */
const apply = (account: Account, queue: Queue, given: Readonly<Record<string, string>>): void => {
  checkAttributes(given, queue.fifo);
  const next = { ...queue.attributes, ...given };
  if (next['FifoThroughputLimit'] === 'perMessageGroupId' && next['DeduplicationScope'] !== 'messageGroup')
    throw refuse(
      'InvalidAttributeValue',
      'FifoThroughputLimit perMessageGroupId needs DeduplicationScope messageGroup.',
    );
  if (given['KmsMasterKeyId'] && given['SqsManagedSseEnabled'] === 'true')
    throw refuse(
      'InvalidAttributeValue',
      'A queue has one kind of encryption: KmsMasterKeyId or SqsManagedSseEnabled.',
    );
  if (given['KmsMasterKeyId']) next['SqsManagedSseEnabled'] = 'false';
  if (given['RedriveAllowPolicy'] !== undefined) checkAllowPolicy(given['RedriveAllowPolicy']);
  if (given['RedrivePolicy'] !== undefined)
    queue.redrive = readRedrive(queue, given['RedrivePolicy'], (arn) => queueByArn(account, arn));
  queue.attributes = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== ''));
};

const create = (account: Account, name: string, fifo: boolean, atMs: number): Queue => ({
  name,
  arn: `arn:aws:sqs:${account.region}:${ACCOUNT_ID}:${name}`,
  fifo,
  createdAtMs: atMs,
  shelf: createShelf(fifo),
  remembered: new Map(),
  attempts: new Map(),
  tags: new Map(),
  attributes: defaults(fifo),
  redrive: undefined,
  modifiedAtMs: atMs,
  // Twenty digits, above those of any earlier run.
  sequence: 18_000_000_000_000_000_000n + BigInt(atMs) * 65_536n,
});

/** The next SequenceNumber of a FIFO queue: 20 digits, always increasing. */
export const nextSequence = (queue: Queue): string => String((queue.sequence += 256n));

const sameAttribute = (queue: Queue, name: string, value: string): boolean => {
  const known = queue.attributes[name] ?? '';
  const plain = (raw: string): string => {
    const parsed = json(raw);
    return isRecord(parsed)
      ? JSON.stringify(Object.entries(parsed).map(([key, item]) => `${key}=${String(item)}`).sort()) // prettier-ignore
      : raw;
  };
  return plain(known) === plain(value);
};

const checkName = (name: string, fifo: boolean): void => {
  if (fifo && !/^[A-Za-z0-9_-]{1,75}\.fifo$/.test(name))
    throw refuse('InvalidParameterValue', `The name of a FIFO queue has letters, digits, hyphens and underscores, ends in .fifo and is 1 to 80 long: ${name}.`); // prettier-ignore
  if (!fifo && !/^[A-Za-z0-9_-]{1,80}$/.test(name))
    throw refuse('InvalidParameterValue', `Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length: ${name}. A name that ends in .fifo needs the attribute FifoQueue=true.`); // prettier-ignore
};

export const createQueue = (account: Account, input: Input): Output => {
  const name = needText(input, 'QueueName');
  const given = textMap(input, 'Attributes');
  const known = account.queues.get(name);
  if (known !== undefined) {
    const other = Object.keys(given).find((key) => !sameAttribute(known, key, given[key] ?? ''));
    if (other === undefined) return { QueueUrl: urlOf(account, known) };
    throw refuse('QueueNameExists', `A queue named ${name} exists with a different value for attribute ${other}.`);
  }
  const fifo = given['FifoQueue'] === 'true';
  checkName(name, fifo);
  const queue = create(account, name, fifo, account.now());
  apply(account, queue, given);
  Object.entries(textMap(input, 'tags')).forEach(([key, value]) => queue.tags.set(key, value));
  account.queues.set(name, queue);
  return { QueueUrl: urlOf(account, queue) };
};

export const setQueueAttributes = (account: Account, input: Input): Output => {
  const queue = queueOf(account, input);
  apply(account, queue, textMap(input, 'Attributes'));
  queue.modifiedAtMs = account.now();
  return {};
};

/** The caller has let the queue settle before, so that the counts are of this moment. */
export const getQueueAttributes = (account: Account, input: Input): Output => {
  const queue = queueOf(account, input);
  const { entries, inFlight, delayed } = queue.shelf;
  const all: Readonly<Record<string, string>> = {
    ...queue.attributes,
    ApproximateNumberOfMessages: String(entries.size - inFlight - delayed),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: String(Math.floor(queue.createdAtMs / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedAtMs / 1000)),
    QueueArn: queue.arn,
  };
  const wanted = texts(input, 'AttributeNames');
  const unknown = wanted.find((name) => name !== 'All' && CHECKS[name] === undefined && !COUNTS.includes(name));
  if (unknown !== undefined) throw refuse('InvalidAttributeName', `Unknown Attribute ${unknown}.`);
  const chosen = Object.entries(all).filter(([name]) => wanted.includes('All') || wanted.includes(name));
  return chosen.length === 0 ? {} : { Attributes: Object.fromEntries(chosen) };
};

export const getQueueUrl = (account: Account, input: Input): Output => {
  const name = needText(input, 'QueueName');
  const queue = account.queues.get(name);
  if (queue === undefined || (text(input, 'QueueOwnerAWSAccountId') ?? ACCOUNT_ID) !== ACCOUNT_ID)
    throw refuse('QueueDoesNotExist', `The specified queue does not exist: ${name}.`);
  return { QueueUrl: urlOf(account, queue) };
};

/** One page of queue URLs; the token is the name after which the next page starts. */
const page = (account: Account, input: Input, queues: readonly Queue[], field: string): Output => {
  const most = whole(input, 'MaxResults', 1, MOST_LISTED) ?? MOST_LISTED;
  const after = Buffer.from(text(input, 'NextToken') ?? '', 'base64').toString();
  const sorted = [...queues].sort((a, b) => (a.name < b.name ? -1 : 1)).filter(({ name }) => name > after);
  const shown = sorted.slice(0, most);
  const last = sorted.length > most ? shown.at(-1)?.name : undefined;
  return {
    ...(shown.length > 0 && { [field]: shown.map((queue) => urlOf(account, queue)) }),
    ...(last !== undefined && { NextToken: Buffer.from(last).toString('base64') }),
  };
};

export const listQueues = (account: Account, input: Input): Output => {
  const prefix = text(input, 'QueueNamePrefix') ?? '';
  return page(
    account,
    input,
    [...account.queues.values()].filter(({ name }) => name.startsWith(prefix)),
    'QueueUrls',
  );
};

export const listDeadLetterSourceQueues = (account: Account, input: Input): Output => ({
  queueUrls: [],
  ...page(account, input, sourcesOf(account, queueOf(account, input)), 'queueUrls'),
});

export const tagQueue = (account: Account, input: Input): Output => {
  const { tags } = queueOf(account, input);
  Object.entries(textMap(input, 'Tags')).forEach(([key, value]) => tags.set(key, value));
  return {};
};

export const untagQueue = (account: Account, input: Input): Output => {
  const { tags } = queueOf(account, input);
  texts(input, 'TagKeys').forEach((key) => tags.delete(key));
  return {};
};

export const listQueueTags = (account: Account, input: Input): Output => {
  const { tags } = queueOf(account, input);
  return tags.size === 0 ? {} : { Tags: Object.fromEntries(tags) };
};
