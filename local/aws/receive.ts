// The life of a message between its receive and its deletion: delivery, long polling, visibility, redrive.
// Promises that what is handed out is locked until it is deleted or visible again. Never hands out to who went away.
import { durationMs, nextSequence, queueByArn, queueOf, type Account, type Queue } from './account.ts';
import * as messages from './message.ts';
import { put, readHandle, receiptHandle, remove, settle, showAt, take, wake, type Entry } from './queue.ts';
import { invalid, needText, refuse, texts, whole, type Call, type Input, type Output } from './wire.ts';

const LONGEST_VISIBILITY_S = 43_200;
const ATTEMPT_MS = 300_000;
const MOST_MESSAGES = 10;

/** Gives what is ready to those who wait; call it after every change of a queue. */
export const wakeQueue = (account: Account, queue: Queue): void =>
  wake(queue.shelf, account.now, () => durationMs(queue, 'MessageRetentionPeriod'));

/** Brings a queue up to this moment: expired visibilities, ended delays, passed retention. */
export const settleQueue = (account: Account, queue: Queue): void =>
  settle(queue.shelf, account.now(), durationMs(queue, 'MessageRetentionPeriod'));

/** Drops the entries of a memory, oldest first, whose time is over. */
export const forgetBefore = (map: Map<string, { readonly untilMs: number }>, nowMs: number): void => {
  for (const [key, { untilMs }] of map) {
    if (untilMs > nowMs) return;
    map.delete(key);
  }
};

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
    // The caller's own trace goes along with the message where the message names none.
    AWSTraceHeader: messages.textOf(content.systemAttributes['AWSTraceHeader']) ?? content.traceHeader,
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

/** What an earlier receive of the same attempt got, if none of it was deleted or had its visibility changed since. */
const repeatAttempt = (account: Account, queue: Queue, { attemptId, visibilityMs }: Receive): readonly Entry[] => {
  const nowMs = account.now();
  forgetBefore(queue.attempts, nowMs);
  const attempt = attemptId === undefined ? undefined : queue.attempts.get(attemptId);
  if (attemptId === undefined || attempt === undefined) return [];
  const entries = attempt.handles
    .map((handle) => inFlightEntry(queue, handle))
    .filter((entry) => entry?.visibleAtMs === attempt.visibleAtMs)
    .filter((entry) => entry !== undefined);
  if (entries.length < attempt.handles.length) return [];
  const visibleAtMs = nowMs + visibilityMs;
  entries.forEach((entry) => showAt(queue.shelf, entry, visibleAtMs, nowMs));
  queue.attempts.set(attemptId, { ...attempt, visibleAtMs });
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
    const visibleAtMs = nowMs + receive.visibilityMs;
    queue.attempts.set(receive.attemptId, { handles, visibleAtMs, untilMs: nowMs + ATTEMPT_MS });
  }
  return taken;
};

/** Answers at once where something is visible, else waits up to 20 s for it, or until the client goes away. */
export const receiveMessage = (account: Account, input: Input, call: Call): Output | Promise<Output> => {
  const queue = queueOf(account, input);
  const { shelf } = queue;
  const seconds = whole(input, 'VisibilityTimeout', 0, LONGEST_VISIBILITY_S);
  const receive: Receive = {
    most: whole(input, 'MaxNumberOfMessages', 1, MOST_MESSAGES) ?? 1,
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

/** Deletes by the latest handle; on FIFO queues only while it has not expired (DeleteMessage, API reference). */
export const deleteMessage = (account: Account, queue: Queue, input: Input): Output => {
  settleQueue(account, queue);
  const { handle, entry, latest } = readDelivery(queue, input);
  if (entry === undefined) return {};
  if (queue.fifo && !(latest && entry.state === 'in-flight')) throw expired(handle);
  if (latest) remove(queue.shelf, entry);
  return {};
};

/** Sets when a message in flight is visible again, counted from now; at most 12 hours after its receive. */
export const changeVisibility = (account: Account, queue: Queue, input: Input): Output => {
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
