// SQS: reads deliveries, buries, reports, hands accepted orders on, and moves visibility. All calls batched by ten.
// Every sending function says of each entry whether SQS took it; nothing is acknowledged on less than that.
// The SQS client is loaded on first use: it costs more to load than everything else together.
import type { SQSClient, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import type { Delivery, Queues } from '../execution.ts';
import type { DeadLetter } from '../order/report.ts';
import { sentence } from '../order/report.ts';

export interface QueueUrls {
  readonly intents: string;
  readonly dead: string;
  readonly pending: string;
  readonly reports: string;
}

/** The records of an SQS event, as far as execution needs them. */
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

/** @param failed is told the queue and the error's name when a whole call fails */
export function sqsQueues(urls: QueueUrls, failed: (queue: string, detail: string) => void): Queues {
  let loading: Promise<{ client: SQSClient; sqs: typeof import('@aws-sdk/client-sqs') }> | undefined;
  const open = () =>
    (loading ??= import('@aws-sdk/client-sqs').then((sqs) => ({
      sqs,
      client: new sqs.SQSClient({ maxAttempts: 2, requestHandler: { connectionTimeout: 1000, requestTimeout: 2000 } }),
    })));

  /** Sends in batches of ten, side by side; the answer has one entry per message, true where SQS took it. */
  const sendAll = async (queue: string, url: string, entries: readonly Entry[]): Promise<readonly boolean[]> => {
    const batches = await Promise.all(
      tens(entries).map(async (batch) => {
        const numbered = batch.map((entry, index) => ({ ...entry, Id: String(index) }));
        try {
          const { client, sqs } = await open();
          const answer = await client.send(new sqs.SendMessageBatchCommand({ QueueUrl: url, Entries: numbered }));
          const taken = new Set(answer.Successful?.map(({ Id }) => Id));
          const refused = answer.Failed?.[0];
          if (refused !== undefined) failed(queue, `${refused.Code ?? 'refused'} for ${answer.Failed?.length ?? 0} messages`);
          return numbered.map(({ Id }) => taken.has(Id));
        } catch (error) {
          failed(queue, error instanceof Error ? error.name : 'unknown error');
          return numbered.map(() => false);
        }
      }),
    );
    return batches.flat();
  };

  return {
    bury: (letters) => sendAll('dead', urls.dead, letters.map(deadLetter)),
    publish: (reports) => sendAll('reports', urls.reports, reports.map((report) => ({ MessageBody: JSON.stringify(report) }))),
    follow: (orders) => sendAll('pending', urls.pending, orders.map((order) => ({ MessageBody: JSON.stringify(order) }))),
    postpone: async (postponed) => {
      const { client, sqs } = await open();
      await Promise.all(
        tens(postponed).map(async (batch) => {
          const entries = batch.map(({ receiptHandle, seconds }, index) => ({
            Id: String(index),
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: seconds,
          }));
          try {
            await client.send(new sqs.ChangeMessageVisibilityBatchCommand({ QueueUrl: urls.intents, Entries: entries }));
          } catch (error) {
            // Nothing is lost: the message comes back when its visibility timeout has run out.
            failed('intents', error instanceof Error ? error.name : 'unknown error');
          }
        }),
      );
    },
  };
}

type Entry = Omit<SendMessageBatchRequestEntry, 'Id'>;

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

