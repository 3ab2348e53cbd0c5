// Puts intents on the queue, as every producer has to: group = account, deduplication id = intent id, batches of ten.
// Says of each intent whether SQS took it. Reads no environment and no clock, checks no intent, and never throws.
import {
  SendMessageBatchCommand,
  type SendMessageBatchCommandInput,
  type SendMessageBatchCommandOutput,
} from '@aws-sdk/client-sqs';
import type { OrderIntent } from '../order/intent.ts';

/** What became of one intent. `sent`: it is on the queue, or was already there under this id within five minutes. */
export type Sending =
  | { readonly id: string; readonly kind: 'sent'; readonly messageId: string }
  /**
   * SQS did not say that it took it. `code` is SQS's own, or the name of the error where no answer came: then it may be on
   * the queue after all. Either way the same intent may be sent again: within five minutes that makes no second message.
   */
  | { readonly id: string; readonly kind: 'failed'; readonly code: string; readonly detail: string };

/** The one call that is made: an SQSClient has it. */
export interface IntentsClient {
  send(command: SendMessageBatchCommand): Promise<Pick<SendMessageBatchCommandOutput, 'Successful' | 'Failed'>>;
}

type Entry = NonNullable<SendMessageBatchCommandInput['Entries']>[number];

/** SQS's limit. Ten intents of 4 KiB are far below its limit for the bytes of a batch. */
const BATCH = 10;
/** An entry that SQS names as failed is asked for once more; calls without an answer are repeated by the client itself. */
const TRIES = 2;

/**
 * Sends intents in their order, one batch after the other; one that fails may be overtaken by those behind it.
 * After a call without an answer the rest is not tried any more.
 * @returns one entry per intent, in their order
 */
export async function sendIntents(
  client: IntentsClient,
  queueUrl: string,
  intents: readonly OrderIntent[],
): Promise<readonly Sending[]> {
  const sendings: Sending[] = [];
  for (let start = 0; start < intents.length; start += BATCH) {
    const batch = intents.slice(start, start + BATCH);
    const { answered, became } = await sendBatch(client, queueUrl, batch);
    sendings.push(...became);
    if (!answered) {
      const detail = 'not tried: SQS gave no answer to those before it';
      sendings.push(
        ...intents.slice(start + BATCH).map(({ id }): Sending => ({ id, kind: 'failed', code: 'NotTried', detail })),
      );
      break;
    }
  }
  return sendings;
}

async function sendBatch(client: IntentsClient, queueUrl: string, intents: readonly OrderIntent[]) {
  const entries = intents.map(entryOf);
  const became = new Map<string, Sending>();
  let answered = true;
  for (let time = 1; time <= TRIES && answered; time += 1) {
    const missing = entries.filter((_, index) => became.get(String(index))?.kind !== 'sent');
    if (missing.length === 0) break;
    const idOf = (entry: string | undefined): string => intents[Number(entry)]?.id ?? '';
    try {
      const answer = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: missing }));
      for (const { Id, MessageId } of answer.Successful ?? []) {
        if (Id !== undefined) became.set(Id, { id: idOf(Id), kind: 'sent', messageId: MessageId ?? '' });
      }
      for (const { Id, Code, Message } of answer.Failed ?? []) {
        if (Id === undefined) continue;
        became.set(Id, {
          id: idOf(Id),
          kind: 'failed',
          code: Code ?? 'refused',
          detail: Message ?? 'SQS did not take it',
        });
      }
    } catch (error) {
      answered = false;
      const [code, detail] = error instanceof Error ? [error.name, error.message] : ['Unknown', 'no answer came'];
      for (const { Id = '' } of missing) became.set(Id, { id: idOf(Id), kind: 'failed', code, detail });
    }
  }
  const silent = { kind: 'failed', code: 'NotNamed', detail: 'SQS named it neither as taken nor as failed' } as const;
  return { answered, became: intents.map(({ id }, index) => became.get(String(index)) ?? { id, ...silent }) };
}

function entryOf(intent: OrderIntent, index: number): Entry {
  return {
    Id: String(index),
    MessageBody: JSON.stringify(intent),
    MessageGroupId: intent.account,
    MessageDeduplicationId: intent.id,
  };
}
