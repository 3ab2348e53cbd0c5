// SQS: the actions on messages, and the table of all actions.
// Promises the semantics of the real service: group lock, deduplication, visibility, redrive, partial batches.
// Never delivers one message twice within its visibility, and never reorders a group.
import { randomUUID } from 'node:crypto';
import * as accounts from './account.ts';
import { durationMs, nextSequence, queueByArn, queueOf, type Account, type Queue } from './account.ts';
import * as messages from './message.ts';
import type { Content } from './message.ts';
import * as moves from './moves.ts';
import { put, readHandle, receiptHandle, remove, settle, showAt, take, wake, type Entry } from './queue.ts';
import { invalid, isFailure, needText, records, refuse, text, texts, whole, type Input, type Output } from './wire.ts';

export interface Call {
  readonly accessKeyId: string;
  /** Calls back when the client goes away before it has its answer. */
  readonly onDisconnect: (then: () => void) => void;
}
export type Action = (input: Input, call: Call) => Output | Promise<Output>;

const LONGEST_VISIBILITY_S = 43_200;
const ATTEMPT_MS = 300_000;
const MOST_ENTRIES = 10;

const wakeQueue = (account: Account, queue: Queue): void =>
  wake(queue.shelf, account.now, () => durationMs(queue, 'MessageRetentionPeriod'));

const settleQueue = (account: Account, queue: Queue): void =>
  settle(queue.shelf, account.now(), durationMs(queue, 'MessageRetentionPeriod'));

const forgetBefore = (map: Map<string, { readonly untilMs: number }>, nowMs: number): void => {
  for (const [key, { untilMs }] of map) {
    if (untilMs > nowMs) return;
    map.delete(key);
  }
};

// ---- sending

const fifoIds = (
  queue: Queue,
  input: Input,
  body: string,
): { readonly groupId: string; readonly deduplicationId: string } => {
  const groupId = messages.token(input, 'MessageGroupId');
  if (groupId === undefined) throw refuse('MissingParameter', 'The request must contain the parameter MessageGroupId.');
  const byContent = queue.attributes['ContentBasedDeduplication'] === 'true' ? messages.bodyHash(body) : undefined;
  const deduplicationId = messages.token(input, 'MessageDeduplicationId') ?? byContent;
  if (deduplicationId === undefined)
    throw refuse('InvalidParameterValue', 'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly'); // prettier-ignore
  return { groupId, deduplicationId };
};

const readContent = (queue: Queue, input: Input, call: Call): Content => {
  const body = messages.readBody(input);
  const attributes = messages.readAttributes(input);
  const limit = Number(queue.attributes['MaximumMessageSize']);
  if (messages.sizeOf(body, attributes) > limit)
    throw refuse('InvalidParameterValue', `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`); // prettier-ignore
  if (!queue.fifo && text(input, 'MessageDeduplicationId') !== undefined)
    throw invalid('MessageDeduplicationId', text(input, 'MessageDeduplicationId') ?? '', 'The request include parameter that is not valid for this queue type'); // prettier-ignore
  const ids = queue.fifo
    ? fifoIds(queue, input, body)
    : { groupId: messages.token(input, 'MessageGroupId'), deduplicationId: undefined };
  return {
    id: randomUUID(),
    body,
    bodyMd5: messages.md5(body),
    attributes,
    systemAttributes: messages.readSystemAttributes(input),
    senderId: call.accessKeyId,
    ...ids,
  };
};

/** Puts a message on the queue, or answers with the earlier one of the same deduplication id. */
const send = (account: Account, queue: Queue, input: Input, call: Call): Output => {
  const nowMs = account.now();
  const delay = whole(input, 'DelaySeconds', 0, 900);
  if (queue.fifo && delay !== undefined && delay > 0)
    throw invalid('DelaySeconds', delay, 'The request include parameter that is not valid for this queue type.');
  const content = readContent(queue, input, call);
  const delayMs = delay === undefined || queue.fifo ? durationMs(queue, 'DelaySeconds') : delay * 1000;
  const digests = {
    MD5OfMessageBody: content.bodyMd5,
    MD5OfMessageAttributes: messages.attributesMd5(content.attributes),
    MD5OfMessageSystemAttributes: messages.attributesMd5(content.systemAttributes),
  };
  if (!queue.fifo) {
    put(queue.shelf, { content, sentAtMs: nowMs, delayMs }, nowMs);
    return { MessageId: content.id, ...digests };
  }
  forgetBefore(queue.remembered, nowMs);
  const scope = queue.attributes['DeduplicationScope'] === 'messageGroup' ? `${content.groupId ?? ''} ` : '';
  const key = `${scope}${content.deduplicationId ?? ''}`;
  const earlier = queue.remembered.get(key);
  if (earlier !== undefined) return { MessageId: earlier.id, ...digests, SequenceNumber: earlier.sequence };
  const sequence = nextSequence(queue);
  queue.remembered.set(key, { id: content.id, sequence, untilMs: nowMs + account.deduplicationMs });
  put(queue.shelf, { content, sentAtMs: nowMs, delayMs, sequence }, nowMs);
  return { MessageId: content.id, ...digests, SequenceNumber: sequence };
};

// ---- receiving

const buryIfWornOut = (account: Account, queue: Queue, entry: Entry): boolean => {
  const { redrive } = queue;
  if (redrive === undefined || entry.receives < redrive.maxReceiveCount) return false;
  const target = queueByArn(account, redrive.targetArn);
  if (target === undefined) return false;
  const nowMs = account.now();
  remove(queue.shelf, entry);
  const { content, receives, firstReceivedAtMs } = entry;
  // A standard message keeps its age in the dead-letter queue, a FIFO message starts anew (developer guide).
  const sentAtMs = target.fifo ? nowMs : entry.sentAtMs;
  const sequence = target.fifo ? nextSequence(target) : undefined;
  put(target.shelf, { content, sentAtMs, sequence, source: queue.arn, receives, firstReceivedAtMs }, nowMs);
  queueMicrotask(() => wakeQueue(account, target));
  return true;
};

const describe = (queue: Queue, entry: Entry, input: Input): Output => {
  const { content } = entry;
  const all: Readonly<Record<string, string | undefined>> = {
    SenderId: content.senderId,
    SentTimestamp: String(entry.sentAtMs),
    ApproximateReceiveCount: String(entry.receives),
    ApproximateFirstReceiveTimestamp: String(entry.firstReceivedAtMs),
    MessageGroupId: content.groupId,
    MessageDeduplicationId: content.deduplicationId,
    SequenceNumber: entry.sequence,
    AWSTraceHeader: messages.textOf(content.systemAttributes['AWSTraceHeader']),
    DeadLetterQueueSourceArn: entry.source,
  };
  const wanted = [...texts(input, 'AttributeNames'), ...texts(input, 'MessageSystemAttributeNames')];
  const system = Object.entries(all).filter(
    ([name, value]) => value !== undefined && (wanted.includes('All') || wanted.includes(name)),
  );
  const chosen = messages.selectAttributes(content.attributes, texts(input, 'MessageAttributeNames'));
  const some = Object.keys(chosen).length > 0;
  return {
    MessageId: content.id,
    ReceiptHandle: receiptHandle(queue.shelf, entry),
    MD5OfBody: content.bodyMd5,
    Body: content.body,
    ...(system.length > 0 && { Attributes: Object.fromEntries(system) }),
    ...(some && { MessageAttributes: chosen, MD5OfMessageAttributes: messages.attributesMd5(chosen) }),
  };
};

interface Receive {
  readonly most: number;
  readonly visibilityMs: number;
  readonly attemptId: string | undefined;
}

/** The delivery that a handle names, while it is in flight. */
const inFlightEntry = (queue: Queue, handle: string): Entry | undefined => {
  const named = readHandle(queue.shelf, handle);
  const entry = named && queue.shelf.entries.get(named.id);
  return entry?.state === 'in-flight' && entry.receives === named?.delivery ? entry : undefined;
};

/** What an earlier receive of the same attempt got, if all of it is still in flight as it was. */
const repeatAttempt = (account: Account, queue: Queue, { attemptId, visibilityMs }: Receive): readonly Entry[] => {
  const nowMs = account.now();
  forgetBefore(queue.attempts, nowMs);
  const handles = attemptId === undefined ? [] : (queue.attempts.get(attemptId)?.handles ?? []);
  const entries = handles.map((handle) => inFlightEntry(queue, handle)).filter((entry) => entry !== undefined);
  if (entries.length < handles.length) return [];
  entries.forEach((entry) => showAt(queue.shelf, entry, nowMs + visibilityMs, nowMs));
  return entries;
};

const receiveNow = (account: Account, queue: Queue, receive: Receive): readonly Entry[] => {
  settleQueue(account, queue);
  const repeated = repeatAttempt(account, queue, receive);
  if (repeated.length > 0) return repeated;
  const nowMs = account.now();
  const most = Math.min(receive.most, account.inFlightLimit - queue.shelf.inFlight);
  const bury = (entry: Entry): boolean => buryIfWornOut(account, queue, entry);
  const taken = most < 1 ? [] : take(queue.shelf, { most, visibilityMs: receive.visibilityMs, nowMs, bury });
  if (receive.attemptId !== undefined && taken.length > 0) {
    const handles = taken.map((entry) => receiptHandle(queue.shelf, entry));
    queue.attempts.delete(receive.attemptId);
    queue.attempts.set(receive.attemptId, { handles, untilMs: nowMs + ATTEMPT_MS });
  }
  return taken;
};

const receiveMessage = (account: Account, input: Input, call: Call): Output | Promise<Output> => {
  const queue = queueOf(account, input);
  const { shelf } = queue;
  const seconds = whole(input, 'VisibilityTimeout', 0, LONGEST_VISIBILITY_S);
  const receive: Receive = {
    most: whole(input, 'MaxNumberOfMessages', 1, MOST_ENTRIES) ?? 1,
    visibilityMs: seconds === undefined ? durationMs(queue, 'VisibilityTimeout') : seconds * 1000,
    attemptId: queue.fifo ? messages.token(input, 'ReceiveRequestAttemptId') : undefined,
  };
  const waitSeconds = whole(input, 'WaitTimeSeconds', 0, 20);
  const waitMs = waitSeconds === undefined ? durationMs(queue, 'ReceiveMessageWaitTimeSeconds') : waitSeconds * 1000;
  const answer = (entries: readonly Entry[]): Output =>
    entries.length === 0 ? {} : { Messages: entries.map((entry) => describe(queue, entry, input)) };
  const first = receiveNow(account, queue, receive);
  if (first.length === 0 && !queue.fifo && waitMs === 0 && shelf.inFlight >= account.inFlightLimit)
    throw refuse('OverLimit', `Too many messages in flight in ${queue.name}: ${shelf.inFlight}. Delete some first.`);
  if (first.length > 0 || waitMs === 0) return answer(first);
  return new Promise((resolve) => {
    const end = (entries: readonly Entry[]): void => {
      clearTimeout(timer);
      shelf.waiters.delete(waiter);
      if (shelf.waiters.size === 0) clearTimeout(shelf.timer);
      resolve(answer(entries));
    };
    const waiter = (): boolean => {
      const entries = receiveNow(account, queue, receive);
      if (entries.length > 0) end(entries);
      return entries.length > 0;
    };
    const timer = setTimeout(() => end([]), waitMs);
    shelf.waiters.add(waiter);
    call.onDisconnect(() => end([]));
    wakeQueue(account, queue);
  });
};

// ---- after receiving

const expired = (handle: string): Error => invalid('ReceiptHandle', handle, 'The receipt handle has expired.');

const readDelivery = (
  queue: Queue,
  input: Input,
): { readonly handle: string; readonly entry: Entry | undefined; readonly latest: boolean } => {
  const handle = needText(input, 'ReceiptHandle');
  const named = readHandle(queue.shelf, handle);
  if (named === undefined) throw refuse('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
  const entry = queue.shelf.entries.get(named.id);
  return { handle, entry, latest: entry?.receives === named.delivery };
};

const deleteMessage = (account: Account, queue: Queue, input: Input): Output => {
  settleQueue(account, queue);
  const { handle, entry, latest } = readDelivery(queue, input);
  if (entry === undefined) return {};
  if (queue.fifo && !(latest && entry.state === 'in-flight')) throw expired(handle);
  if (latest) remove(queue.shelf, entry);
  return {};
};

const changeVisibility = (account: Account, queue: Queue, input: Input): Output => {
  settleQueue(account, queue);
  const { handle, entry, latest } = readDelivery(queue, input);
  const seconds = whole(input, 'VisibilityTimeout', 0, LONGEST_VISIBILITY_S);
  if (seconds === undefined)
    throw refuse('MissingParameter', 'The request must contain the parameter VisibilityTimeout.');
  if (entry === undefined)
    throw invalid('ReceiptHandle', handle, 'Message does not exist or is not available for visibility timeout change.');
  if (!latest) throw expired(handle);
  if (entry.state !== 'in-flight') throw refuse('MessageNotInflight', `Message ${entry.content.id} is not in flight.`);
  const nowMs = account.now();
  if (nowMs + seconds * 1000 > entry.deliveredAtMs + LONGEST_VISIBILITY_S * 1000)
    throw invalid('VisibilityTimeout', seconds, `Total VisibilityTimeout for the message is beyond the limit [${LONGEST_VISIBILITY_S} seconds].`); // prettier-ignore
  showAt(queue.shelf, entry, nowMs + seconds * 1000, nowMs);
  return {};
};

// ---- batches

const checkBatch = (input: Input, kind: string): readonly Input[] => {
  const entries = records(input, 'Entries');
  if (entries.length === 0)
    throw refuse('EmptyBatchRequest', `There should be at least one ${kind}Entry in the request.`);
  if (entries.length > MOST_ENTRIES)
    throw refuse('TooManyEntriesInBatchRequest', `At most ${MOST_ENTRIES} entries fit in a request; it has ${entries.length}.`); // prettier-ignore
  const ids = entries.map((entry) => needText(entry, 'Id'));
  if (ids.some((id) => !/^[\w-]{1,80}$/.test(id)))
    throw refuse('InvalidBatchEntryId', 'A batch entry id has letters, digits, hyphens and underscores, and is at most 80 long.'); // prettier-ignore
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) throw refuse('BatchEntryIdsNotDistinct', `Id ${repeated} repeated.`);
  return entries;
};

/** Runs each entry by itself: what one of them did wrong stands in Failed and stops no other. */
const eachEntry = (entries: readonly Input[], run: (entry: Input) => Output): Output => {
  const done: Output[] = [];
  const failed: Output[] = [];
  for (const entry of entries) {
    try {
      done.push({ Id: entry['Id'], ...run(entry) });
    } catch (error) {
      if (!isFailure(error)) throw error;
      failed.push({ Id: entry['Id'], Code: error.code, Message: error.message, SenderFault: error.status < 500 });
    }
  }
  return { ...(done.length > 0 && { Successful: done }), ...(failed.length > 0 && { Failed: failed }) };
};

const sendMessageBatch = (account: Account, input: Input, call: Call): Output => {
  const queue = queueOf(account, input);
  const entries = checkBatch(input, 'SendMessageBatchRequest');
  const bytes = entries.reduce((sum, entry) => sum + messages.roughSizeOf(entry), 0);
  if (bytes > messages.LARGEST_BYTES)
    throw refuse('BatchRequestTooLong', `Batch requests cannot be longer than ${messages.LARGEST_BYTES} bytes. You have sent ${bytes} bytes.`); // prettier-ignore
  const result = eachEntry(entries, (entry) => send(account, queue, entry, call));
  wakeQueue(account, queue);
  return result;
};

type OneEntry = (account: Account, queue: Queue, input: Input, call: Call) => Output;

const single =
  (account: Account, run: OneEntry): Action =>
  (input, call) => {
    const queue = queueOf(account, input);
    const result = run(account, queue, input, call);
    wakeQueue(account, queue);
    return result;
  };

const batch =
  (account: Account, kind: string, run: OneEntry): Action =>
  (input, call) => {
    const queue = queueOf(account, input);
    const result = eachEntry(checkBatch(input, kind), (entry) => run(account, queue, entry, call));
    wakeQueue(account, queue);
    return result;
  };

// ---- whole queues

const empty = (queue: Queue): void => [...queue.shelf.entries.values()].forEach((entry) => remove(queue.shelf, entry));

const deleteQueue = (account: Account, input: Input): Output => {
  const queue = queueOf(account, input);
  account.queues.delete(queue.name);
  empty(queue);
  return {};
};

/** Every SQS action by its name on the wire. */
export const sqsActions = (account: Account): Readonly<Record<string, Action>> => ({
  CreateQueue: (input) => accounts.createQueue(account, input),
  GetQueueUrl: (input) => accounts.getQueueUrl(account, input),
  GetQueueAttributes: (input) => {
    settleQueue(account, queueOf(account, input));
    return accounts.getQueueAttributes(account, input);
  },
  SetQueueAttributes: (input) => accounts.setQueueAttributes(account, input),
  ListQueues: (input) => accounts.listQueues(account, input),
  ListDeadLetterSourceQueues: (input) => accounts.listDeadLetterSourceQueues(account, input),
  TagQueue: (input) => accounts.tagQueue(account, input),
  UntagQueue: (input) => accounts.untagQueue(account, input),
  ListQueueTags: (input) => accounts.listQueueTags(account, input),
  DeleteQueue: (input) => deleteQueue(account, input),
  PurgeQueue: (input) => {
    empty(queueOf(account, input));
    return {};
  },
  SendMessage: single(account, send),
  SendMessageBatch: (input, call) => sendMessageBatch(account, input, call),
  ReceiveMessage: (input, call) => receiveMessage(account, input, call),
  DeleteMessage: single(account, deleteMessage),
  DeleteMessageBatch: batch(account, 'DeleteMessageBatchRequest', deleteMessage),
  ChangeMessageVisibility: single(account, changeVisibility),
  ChangeMessageVisibilityBatch: batch(account, 'ChangeMessageVisibilityBatchRequest', changeVisibility),
  ...moves.moveActions(account, wakeQueue),
});
