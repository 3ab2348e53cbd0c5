// A look at reports and dead letters that leaves them where they are: each is received, hidden from other readers for a
// short while and given back. (Without hiding, SQS gives the same ten again and again.) Another reader gets it that much
// later, or has taken it before: what is not seen here may still have been told. Never deletes anything.
import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type Message,
} from '@aws-sdk/client-sqs';
import { movedBySqs, type Certainty } from '../shared/order/reason.ts';
import type { ExecutionReport } from '../shared/order/report.ts';
import { unreachable, type Connection } from './connection.ts';

/** A dead letter as it lies on its queue. What SQS moved by itself has the reason and certainty that it is read as. */
export interface Letter {
  readonly messageId: string;
  /** Deletes it while it is held, see `withLetters`. */
  readonly receiptHandle: string;
  /** The body of the message that was buried, untouched. */
  readonly body: string;
  readonly group: string;
  /** When it was put there, UTC. */
  readonly sentAt: string;
  readonly reason: string;
  readonly certainty: Certainty;
  readonly detail: string;
  readonly intentId?: string;
  readonly account?: string;
  readonly venueCode?: string;
  readonly sourceMessageId?: string;
  readonly attempts?: number;
}

/** How to look. */
export interface Peeking<T> {
  /** For how long new ones are waited for, ms; 0, the default, looks at what is there, which takes a second. */
  readonly forMs?: number;
  /** Told of each one as it is seen, once; true ends the look. */
  readonly until?: (one: T) => boolean;
  /** Ends the look early. */
  readonly signal?: AbortSignal;
}

/** What was seen, in the order in which it came. */
export interface Peeked<T> {
  readonly found: readonly T[];
  /**
   * false where there is more than was seen: other readers have some in hand, the look was ended, or a group of dead.fifo
   * holds more than the ten that SQS gives of one group before the first of them is deleted. By SQS's own count, so about.
   */
  readonly isComplete: boolean;
}

/** How long what was seen stays hidden from others, at most: while it is looked at, or where this program dies. */
const HOLD_SECONDS = 20;
/** Nobody reads more than this, and the memory stays small. */
const MOST = 10_000;

type Stack = Pick<Connection, 'sqs' | 'queues'>;

/** @throws Refusal where SQS cannot be asked */
export function peekReports(
  { stack }: { readonly stack: Stack },
  peeking: Peeking<ExecutionReport> = {},
): Promise<Peeked<ExecutionReport>> {
  return hold(stack, 'reports', reportOf, peeking, (seen) => Promise.resolve(seen));
}

/** @throws Refusal where SQS cannot be asked */
export function peekLetters(
  { stack }: { readonly stack: Stack },
  peeking: Peeking<Letter> = {},
): Promise<Peeked<Letter>> {
  return hold(stack, 'dead', letterOf, peeking, (seen) => Promise.resolve(seen));
}

/**
 * Looks at the dead letters and works on them while nobody else can have them; for at most 20 s, after which SQS refuses
 * to delete by these handles. What is not deleted by then is given back.
 */
export function withLetters<Result>(
  { stack }: { readonly stack: Stack },
  work: (seen: Peeked<Letter>) => Promise<Result>,
): Promise<Result> {
  return hold(stack, 'dead', letterOf, {}, work);
}

async function hold<T, Result>(
  { sqs, queues }: Stack,
  queue: 'reports' | 'dead',
  read: (message: Message) => T | undefined,
  peeking: Peeking<T>,
  work: (seen: Peeked<T>) => Promise<Result>,
): Promise<Result> {
  const QueueUrl = queues[queue];
  const held = new Map<string, string>();
  const failed = (error: unknown): never => {
    throw unreachable(error, `queue ${queue}`);
  };
  try {
    const found = await sweep(sqs, QueueUrl, held, read, peeking).catch(failed);
    const isComplete = held.size >= (await countOf(sqs, QueueUrl).catch(failed));
    return await work({ found, isComplete });
  } finally {
    await giveBack(sqs, QueueUrl, [...held.values()]);
  }
}

/** Receives until nothing more comes. @param held takes message id → its latest receipt handle */
async function sweep<T>(
  sqs: Stack['sqs'],
  QueueUrl: string,
  held: Map<string, string>,
  read: (message: Message) => T | undefined,
  { forMs = 0, until, signal }: Peeking<T>,
): Promise<readonly T[]> {
  const found: T[] = [];
  const deadline = Date.now() + forMs;
  while (held.size < MOST && signal?.aborted !== true) {
    const messages = await receive(sqs, QueueUrl, deadline - Date.now(), signal);
    const fresh = messages.filter(({ MessageId = '' }) => !held.has(MessageId));
    for (const { MessageId = '', ReceiptHandle = '' } of messages) held.set(MessageId, ReceiptHandle);
    for (const one of fresh.map(read)) {
      if (one === undefined) continue;
      found.push(one);
      if (until?.(one) === true) return found;
    }
    if (fresh.length === 0 && Date.now() >= deadline) return found;
  }
  return found;
}

async function receive(
  sqs: Stack['sqs'],
  QueueUrl: string,
  waitMs: number,
  abortSignal: AbortSignal | undefined,
): Promise<readonly Message[]> {
  const ask = new ReceiveMessageCommand({
    ...{ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: HOLD_SECONDS },
    // A second at least: only a long poll asks all of SQS's servers.
    WaitTimeSeconds: Math.min(20, Math.max(1, Math.ceil(waitMs / 1000))),
    MessageAttributeNames: ['All'],
    MessageSystemAttributeNames: ['All'],
  });
  try {
    return (await sqs.send(ask, abortSignal === undefined ? {} : { abortSignal })).Messages ?? [];
  } catch (error) {
    if (abortSignal?.aborted === true) return [];
    throw error;
  }
}

/** How many there are, in flight or not, about. */
async function countOf(sqs: Stack['sqs'], QueueUrl: string): Promise<number> {
  const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
  return AttributeNames.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}

/** Nothing is lost where this fails: what is hidden comes back by itself. */
export async function giveBack(sqs: Stack['sqs'], QueueUrl: string, handles: readonly string[]): Promise<void> {
  const entries = handles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
  for (let start = 0; start < entries.length; start += 10) {
    const Entries = entries.slice(start, start + 10);
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries })).catch(() => undefined);
  }
}

/** undefined for what is no report: somebody else has put it there. */
export function reportOf({ Body = '' }: Message): ExecutionReport | undefined {
  try {
    const value: unknown = JSON.parse(Body);
    return isReport(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isReport(value: unknown): value is ExecutionReport {
  return typeof value === 'object' && value !== null && 'id' in value && 'status' in value;
}

function letterOf({ MessageId = '', ReceiptHandle = '', Body = '', Attributes, MessageAttributes }: Message): Letter {
  const of = (name: string): string | undefined => MessageAttributes?.[name]?.StringValue;
  const texts = ['intentId', 'account', 'venueCode', 'sourceMessageId'].map((name) => [name, of(name)] as const);
  const attempts = of('attempts');
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    group: Attributes?.MessageGroupId ?? '',
    sentAt: new Date(Number(Attributes?.SentTimestamp ?? 0)).toISOString(),
    reason: of('reason') ?? movedBySqs.reason,
    certainty: (of('certainty') as Certainty | undefined) ?? movedBySqs.certainty,
    detail: of('detail') ?? 'SQS moved the message: it was received too often without an end',
    ...Object.fromEntries(texts.filter(([, value]) => value !== undefined)),
    ...(attempts === undefined ? {} : { attempts: Number(attempts) }),
  };
}
