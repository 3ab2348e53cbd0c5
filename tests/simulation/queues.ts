// The SQS engine of the local AWS in virtual time, with what was said to it kept for the judge.
import { sqsActions } from '../../local/aws/sqs.ts';
import type { Input, Output } from '../../local/aws/wire.ts';
import type { ExecutionReport } from '../../shared/order/report.ts';
import type { Stage } from './stage.ts';

export interface SimulatedQueues {
  readonly ready: Promise<void>;
  readonly call: (action: string, input: Input) => Promise<Output>;
  /** Calls SendMessageBatch and writes down what was said to reports and dead letters. */
  readonly sendBatch: (queue: string, input: Input) => Promise<Output>;
  readonly urlOf: (name: string) => string;
}

export const VISIBILITY_SECONDS = 180;

/** An entry of DeleteMessageBatch; SQS does not read the message id. */
export interface Deletion {
  readonly Id: string;
  readonly ReceiptHandle: string;
  readonly messageId: string;
}

export function createQueues({ time, tell, history, busy, following, readers }: Stage): SimulatedQueues {
  let ids = 0;
  const sqs = sqsActions({
    // When an order is looked at again depends on it.
    newId: () => `message-${(ids += 1)}`,
    region: 'r',
    url: () => 'http://sqs',
    now: () => time.now(),
    deduplicationMs: 300_000,
    inFlightLimit: 120_000,
    queues: new Map(),
  });
  const call = async (action: string, input: Input): Promise<Output> => {
    const act = sqs[action];
    if (act === undefined) throw new Error(`no action ${action}`);
    const output = await act(input, { accessKeyId: 'sim', traceHeader: undefined, onDisconnect: () => undefined });
    const waiting = { 'intents.fifo': busy, pending: following }[String(input['QueueUrl']).split('/').at(-1) ?? ''];
    if (waiting === undefined) return output;
    const taken = (output['Successful'] ?? []) as readonly { readonly Id: string; readonly MessageId?: string }[];
    // What SQS takes for another copy has the id of the message that it took; that one may be gone already.
    const sent = action === 'SendMessage' ? [String(output['MessageId'])] : taken.map(({ MessageId }) => MessageId);
    if (action.startsWith('SendMessage')) {
      for (const messageId of sent) if (!history.deleted.has(String(messageId))) waiting.add(messageId);
    }
    if (action === 'DeleteMessageBatch') gone(taken, input, waiting);
    return output;
  };
  const gone = (taken: readonly { readonly Id: string }[], input: Input, waiting: Set<unknown>): void => {
    const named = new Map((input['Entries'] as readonly Deletion[]).map(({ Id, messageId }) => [Id, messageId]));
    for (const { Id } of taken) {
      const messageId = named.get(Id) ?? '';
      waiting.delete(messageId);
      history.deleted.add(messageId);
    }
  };
  const urlOf = (name: string): string => `http://sqs/000000000000/${name}`;
  const open = async (): Promise<void> => {
    const fifo = { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' };
    await call('CreateQueue', { QueueName: 'dead.fifo', Attributes: fifo });
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:r:000000000000:dead.fifo',
      maxReceiveCount: 50,
    });
    await call('CreateQueue', {
      QueueName: 'intents.fifo',
      Attributes: { ...fifo, VisibilityTimeout: String(VISIBILITY_SECONDS), RedrivePolicy },
    });
    const Attributes = { VisibilityTimeout: String(VISIBILITY_SECONDS) };
    for (const QueueName of ['pending', 'reports']) await call('CreateQueue', { QueueName, Attributes });
  };
  const keep = (queue: string, entry: Record<string, unknown>): void => {
    if (queue === 'reports') {
      const report = JSON.parse(String(entry['MessageBody'])) as ExecutionReport;
      history.reports.push(report);
      const { account, id, status } = report;
      if (status === 'accepted') history.accepted.push({ account, id, at: time.now() });
      tell(`report ${report.id} ${report.status} ${report.reason ?? report.filledSize ?? ''}`);
    }
    if (queue === 'pending') {
      const { intent } = JSON.parse(String(entry['MessageBody'])) as { intent: { account: string; id: string } };
      history.followed.push({ account: intent.account, id: intent.id, at: time.now() });
    }
    if (queue !== 'dead.fifo') return;
    const attributes = entry['MessageAttributes'] as Record<string, { StringValue: string } | undefined>;
    const read = (name: string): string => attributes[name]?.StringValue ?? '';
    const letter = {
      intentId: read('intentId'),
      reason: read('reason'),
      certainty: read('certainty'),
      sourceMessageId: read('sourceMessageId'),
      body: String(entry['MessageBody']),
      at: time.now(),
    };
    history.letters.push(letter);
    tell(`letter ${read('intentId')} ${read('reason')} ${read('certainty')}: ${read('detail')}`);
    for (const reader of readers) reader(letter);
  };
  return {
    ready: open(),
    call,
    urlOf,
    sendBatch: async (queue, input) => {
      const output = await call('SendMessageBatch', input);
      for (const entry of input['Entries'] as readonly Record<string, unknown>[]) keep(queue, entry);
      return output;
    },
  };
}
