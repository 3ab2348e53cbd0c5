// SQS: sending and its deduplication, batches, and the table of all actions.
// Promises that each entry of a batch succeeds or fails by itself, and that a repeated deduplication id sends nothing.
// Never hands out a message; that is receive.ts.
import { randomUUID } from 'node:crypto';
import * as accounts from './account.ts';
import { durationMs, nextSequence, queueOf, type Account, type Queue } from './account.ts';
import * as messages from './message.ts';
import type { Content } from './message.ts';
import { moveActions } from './moves.ts';
import { put, remove } from './queue.ts';
import { changeVisibility, deleteMessage, forgetBefore, receiveMessage, settleQueue, wakeQueue } from './receive.ts';
import { invalid, isFailure, needText, records, refuse, text, whole } from './wire.ts';
import type { Action, Call, Input, Output } from './wire.ts';

const MOST_ENTRIES = 10;

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

const readContent = (account: Account, queue: Queue, input: Input, call: Call): Content => {
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
    id: account.newId?.() ?? randomUUID(),
    body,
    bodyMd5: messages.md5(body),
    attributes,
    systemAttributes: messages.readSystemAttributes(input),
    senderId: call.accessKeyId,
    traceHeader: call.traceHeader,
    ...ids,
  };
};

/** Puts a message on the queue, or answers with the earlier one of the same deduplication id. */
const send = (account: Account, queue: Queue, input: Input, call: Call): Output => {
  const nowMs = account.now();
  const delay = whole(input, 'DelaySeconds', 0, 900);
  if (queue.fifo && delay !== undefined && delay > 0)
    throw invalid('DelaySeconds', delay, 'The request include parameter that is not valid for this queue type.');
  const content = readContent(account, queue, input, call);
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
  ...moveActions(account),
});
