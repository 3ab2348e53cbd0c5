// A whole stack for a test: packaged functions, local AWS, local BitMart; and a reader that empties reports and dead
// letters into memory. Every line that a function writes is kept, so that a test can look for secrets in all of them.
// Closing it rejects where a function called what its role does not allow.
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { randomBytes } from 'node:crypto';
import type { ExecutionReport } from '../../shared/order/report.ts';
import { refusedOf } from '../calls.ts';
import { packagedTemplate } from '../packaged.ts';
import { startStack, type Stack, type StackOptions } from '../../local/stack.ts';

export interface Letter {
  readonly body: string;
  readonly group: string;
  readonly deduplicationId: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface System extends Stack {
  readonly lines: readonly string[];
  readonly reports: readonly ExecutionReport[];
  readonly letters: readonly Letter[];
  /** Sends bodies; group and deduplication id are taken from the intent unless given. Returns the SQS message ids. */
  send(messages: readonly Sendable[]): Promise<readonly string[]>;
  /** Ends when `done` holds, looking every 20 ms. @throws after `ms` with what was there */
  until(what: string, done: () => boolean | Promise<boolean>, ms?: number): Promise<void>;
  control<T = unknown>(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T>;
  reportsOf(id: string): readonly ExecutionReport[];
  letterOf(id: string): Letter | undefined;
}

export type Sendable =
  Readonly<Record<string, unknown>> | { readonly raw: string; readonly group: string; readonly id: string };

/** A good limit buy that rests; every field can be overridden. Ids are unique. */
export function intent(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> & { id: string } {
  const now = Date.now();
  return {
    id: `t${randomBytes(8).toString('hex')}`,
    account: 'main',
    action: 'place',
    market: 'spot',
    symbol: 'BTC_USDT',
    side: 'buy',
    type: 'limit',
    size: '0.001',
    price: '50000',
    createdAt: new Date(now).toISOString(),
    expiresAt: new Date(now + 120_000).toISOString(),
    ...overrides,
  };
}

/** @param options `keeps`: reports and dead letters stay on their queues, and `reports` and `letters` stay empty */
export async function startSystem(options: StackOptions & { readonly keeps?: boolean } = {}): Promise<System> {
  const lines: string[] = [];
  const stack = await startStack({ ...options, onLog: (line) => lines.push(line.text) });
  const reports: ExecutionReport[] = [];
  const letters: Letter[] = [];
  const reading = new AbortController();
  const readers =
    options.keeps === true
      ? []
      : [
          drain(stack, stack.ready.queues.reports, reading.signal, ({ body }) =>
            reports.push(JSON.parse(body) as ExecutionReport),
          ),
          drain(stack, stack.ready.queues.dead, reading.signal, (letter) => letters.push(letter)),
        ];
  const until: System['until'] = async (what, done, ms = 20_000) => {
    const deadline = Date.now() + ms;
    while (!(await done())) {
      if (Date.now() > deadline) {
        const seen = JSON.stringify(
          { reports: reports.slice(-5), letters: letters.slice(-3), log: lines.slice(-15) },
          null,
          1,
        );
        throw new Error(`not within ${ms} ms: ${what}\n${seen}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    ...stack,
    lines,
    reports,
    letters,
    until,
    send: (messages) => sendAll(stack, messages),
    control: (method, path, body) => control(stack.ready.control, method, path, body),
    reportsOf: (id) => reports.filter((report) => report.id === id),
    letterOf: (id) =>
      letters.find(({ attributes }) => attributes['intentId'] === id || attributes['sourceMessageId'] === id),
    close: async () => {
      reading.abort();
      await Promise.all(readers);
      await stack.close();
      // Whatever was tested: AWS would have allowed each call of a function, by its role.
      const refused = refusedOf(await packagedTemplate(), stack.aws?.kinds() ?? []);
      if (refused.length > 0) throw new Error(`calls that AWS would refuse:\n${refused.join('\n')}`);
    },
  };
}

async function control<T>(base: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${base}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function sendAll(stack: Stack, messages: readonly Sendable[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let start = 0; start < messages.length; start += 10) {
    const batch = messages.slice(start, start + 10);
    const answer = await stack.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: stack.ready.queues.intents,
        Entries: batch.map((message, index) => ({
          Id: String(index),
          ...('raw' in message
            ? {
                MessageBody: String(message.raw),
                MessageGroupId: String(message['group']),
                MessageDeduplicationId: String(message['id']),
              }
            : {
                MessageBody: JSON.stringify(message),
                MessageGroupId: String(message['account']),
                MessageDeduplicationId: String(message['id']),
              }),
        })),
      }),
    );
    if (answer.Failed?.length) throw new Error(`SQS refused: ${JSON.stringify(answer.Failed)}`);
    const taken = new Map(answer.Successful?.map(({ Id, MessageId }) => [Id, MessageId]));
    ids.push(...batch.map((_, index) => taken.get(String(index)) ?? ''));
  }
  return ids;
}

export async function drain(
  stack: Stack,
  queueUrl: string,
  signal: AbortSignal,
  take: (letter: Letter) => void,
): Promise<void> {
  for (;;) {
    try {
      const { Messages = [] } = await stack.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: 20,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['All'],
        }),
        { abortSignal: signal },
      );
      for (const { Body = '', Attributes, MessageAttributes = {} } of Messages) {
        const attributes = Object.entries(MessageAttributes).map(([name, value]) => [name, value.StringValue ?? '']);
        take({
          body: Body,
          group: Attributes?.MessageGroupId ?? '',
          deduplicationId: Attributes?.MessageDeduplicationId ?? '',
          attributes: Object.fromEntries(attributes) as Record<string, string>,
        });
      }
      if (Messages.length > 0) {
        const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
        await stack.sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }
}
