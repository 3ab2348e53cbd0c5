// SQS: reads deliveries, buries, reports, hands accepted orders on, and moves visibility. All calls batched by ten.
// Every sending function says of each entry whether SQS took it; nothing is acknowledged on less than that.
// The SQS client is loaded on first use: it costs more to load than everything else together.
import type {
  ChangeMessageVisibilityBatchCommandInput,
  SendMessageBatchCommandInput,
  SendMessageBatchRequestEntry,
} from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { url, type Settings } from '../config.ts';
import { sentence, type DeadLetter, type ExecutionReport, type PendingOrder } from '../order/report.ts';

/** One message as it was handed to this invocation; group and deduplication id are empty on a standard queue. Times in ms by SQS's clock. */
export interface Delivery {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly group: string;
  readonly deduplicationId: string;
  /** 1 at the first delivery. */
  readonly receiveCount: number;
  readonly enqueuedAt: number;
  readonly firstReceivedAt: number;
}

/** An order that is to be followed, not looked at before `delaySeconds`, 0 to 900, are over. */
export interface Followed {
  readonly order: PendingOrder;
  readonly delaySeconds: number;
}

/** The calls answer entry by entry: true where SQS named it in `Successful`. None of them rejects. */
export interface Queues {
  bury(letters: readonly DeadLetter[]): Promise<readonly boolean[]>;
  publish(reports: readonly ExecutionReport[]): Promise<readonly boolean[]>;
  follow(orders: readonly Followed[]): Promise<readonly boolean[]>;
  /**
   * Sets when a message of the handled queue is seen again. `seconds` from 1 to 43000: the 12 hours count from the receive.
   * SQS refuses it for a message that is not this receiver's any more.
   */
  postpone(
    postponed: readonly { readonly receiptHandle: string; readonly seconds: number }[],
  ): Promise<readonly boolean[]>;
}

/** SQS allows 12 hours from the receive, part of which is over when a message is put back. */
const MAX_POSTPONE_SECONDS = 43_000;

/** Seconds as `postpone` takes them. Never 0: that would hand the message out again before this invocation has returned. */
export function postponable(seconds: number): number {
  return Math.min(MAX_POSTPONE_SECONDS, Math.max(1, Math.ceil(seconds)));
}

/** Seconds as `follow` takes them. */
export function delayable(seconds: number): number {
  return Math.min(900, Math.max(0, Math.round(seconds)));
}

/** Sends what there is to send; the answer has one entry per item, undefined where there was nothing. */
export async function sendEach<T>(
  items: readonly (T | undefined)[],
  send: (given: readonly T[]) => Promise<readonly boolean[]>,
): Promise<readonly (boolean | undefined)[]> {
  const given = items.filter((item) => item !== undefined);
  const sent = given.length === 0 ? [] : await send(given);
  let next = 0;
  return items.map((item) => (item === undefined ? undefined : sent[next++] === true));
}

/** Where the queues are that every function writes to. */
const written = {
  deadUrl: url('DEAD_QUEUE_URL'),
  pendingUrl: url('PENDING_QUEUE_URL'),
  reportsUrl: url('REPORTS_QUEUE_URL'),
};
/** `handledUrl` is the queue whose messages come in. */
export const executeQueues = { handledUrl: url('INTENTS_QUEUE_URL'), ...written };
export const reconcileQueues = { handledUrl: url('PENDING_QUEUE_URL'), ...written };

/** The records of an SQS event, as far as they are needed. */
export function deliveries(records: readonly SQSRecord[]): readonly Delivery[] {
  return records.map(({ messageId, receiptHandle, body, attributes }) => ({
    messageId,
    receiptHandle,
    body,
    group: attributes.MessageGroupId ?? '',
    deduplicationId: attributes.MessageDeduplicationId ?? '',
    receiveCount: Number(attributes.ApproximateReceiveCount),
    enqueuedAt: Number(attributes.SentTimestamp),
    firstReceivedAt: Number(attributes.ApproximateFirstReceiveTimestamp),
  }));
}

/**
 * @param failed is told the queue and the error's name when a call, or entries of it, fail
 * @param load gives the two calls to SQS; a test can put a queue of its own behind them
 */
export function sqsQueues(
  urls: Settings<typeof executeQueues>,
  failed: (queue: string, detail: string) => void,
  load: () => Promise<Sqs> = loadSqs,
): Queues {
  let loading: Promise<Sqs> | undefined;
  const open = (): Promise<Sqs> =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    }));
  const sendAll = (queue: string, QueueUrl: string, entries: readonly Entry[]): Promise<readonly boolean[]> =>
    byTens(
      entries,
      open,
      (sqs, Entries) => sqs.send({ QueueUrl, Entries }),
      (detail) => failed(queue, detail),
      2,
    );
  return {
    bury: (letters) => sendAll('dead', urls.deadUrl, letters.map(deadLetter)),
    publish: (reports) => sendAll('reports', urls.reportsUrl, reports.map(bodyOf)),
    follow: (orders) =>
      sendAll(
        'pending',
        urls.pendingUrl,
        orders.map(({ order, delaySeconds }) => ({ ...bodyOf(order), DelaySeconds: delaySeconds })),
      ),
    // Nothing is lost by a failure: the message comes back when its visibility timeout has run out.
    postpone: (postponed) =>
      byTens(
        postponed.map(({ receiptHandle, seconds }) => ({ ReceiptHandle: receiptHandle, VisibilityTimeout: seconds })),
        open,
        (sqs, Entries) => sqs.changeVisibility({ QueueUrl: urls.handledUrl, Entries }),
        (detail) => failed('handled', detail),
      ),
  };
}

/** What SQS answers to a batch: an entry stands in one of the two lists. */
interface BatchAnswer {
  readonly Successful?: readonly { readonly Id?: string | undefined }[] | undefined;
  readonly Failed?: readonly { readonly Code?: string | undefined }[] | undefined;
}

/** The two calls that are made. */
export interface Sqs {
  send(input: SendMessageBatchCommandInput): Promise<BatchAnswer>;
  changeVisibility(input: ChangeMessageVisibilityBatchCommandInput): Promise<BatchAnswer>;
}

async function loadSqs(): Promise<Sqs> {
  const sqs = await import('@aws-sdk/client-sqs');
  const client = new sqs.SQSClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 500, requestTimeout: 1000, throwOnRequestTimeout: true },
  });
  return {
    send: (input) => client.send(new sqs.SendMessageBatchCommand(input)),
    changeVisibility: (input) => client.send(new sqs.ChangeMessageVisibilityBatchCommand(input)),
  };
}

/**
 * Asks in batches of ten, side by side; the answer has one entry per item, true where SQS took it. Never rejects.
 * @param times how often an entry is asked for that SQS names as failed: one that cannot be told of holds its whole group.
 * (Calls without an answer were repeated by the client, and took their time.)
 */
async function byTens<T extends object>(
  items: readonly T[],
  open: () => Promise<Sqs>,
  ask: (sqs: Sqs, entries: (T & { readonly Id: string })[]) => Promise<BatchAnswer>,
  failed: (detail: string) => void,
  times = 1,
): Promise<readonly boolean[]> {
  const askTen = async (batch: readonly T[]): Promise<readonly boolean[]> => {
    const numbered = batch.map((item, index) => ({ ...item, Id: String(index) }));
    const taken = new Set<string | undefined>();
    try {
      for (let time = 1; time <= times && taken.size < numbered.length; time += 1) {
        const missing = numbered.filter(({ Id }) => !taken.has(Id));
        const answer = await ask(await open(), missing);
        for (const { Id } of answer.Successful ?? []) taken.add(Id);
        const [refused] = answer.Failed ?? [];
        if (refused !== undefined) failed(refused.Code ?? 'refused');
      }
    } catch (error) {
      failed(nameOf(error));
    }
    return numbered.map(({ Id }) => taken.has(Id));
  };
  return (await Promise.all(tens(items).map(askTen))).flat();
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown error';
}

type Entry = Omit<SendMessageBatchRequestEntry, 'Id'>;
const bodyOf = (item: object): Entry => ({ MessageBody: JSON.stringify(item) });

/** The original body untouched; why, in attributes, of which none is empty. */
function deadLetter(letter: DeadLetter): Entry {
  const { reason, certainty, detail, intentId, account, venueCode, attempts, sourceMessageId } = letter;
  const texts = { reason, certainty, detail: sentence(detail), intentId, account, venueCode, sourceMessageId };
  const given = Object.entries(texts).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return {
    MessageBody: letter.body,
    MessageGroupId: letter.group,
    MessageDeduplicationId: sourceMessageId,
    MessageAttributes: {
      ...Object.fromEntries(given.map(([name, StringValue]) => [name, { DataType: 'String', StringValue }])),
      attempts: { DataType: 'Number', StringValue: String(attempts) },
    },
  };
}

function tens<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / 10) }, (_, index) => items.slice(index * 10, index * 10 + 10));
}
