// What the tests of the local AWS share: a server with clients, short words for the calls, and a stack with a false clock.
// Promises that close() leaves nothing behind. Holds no test.
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { SQS, type Message } from '@aws-sdk/client-sqs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from '../../../local/aws/account.ts';
import { startLocalAws } from '../../../local/aws/server.ts';
import { sqsActions } from '../../../local/aws/sqs.ts';
import type { Call, Input, Output } from '../../../local/aws/wire.ts';

export { sleep };

type Attributes = Record<string, string>;

/** A server on a free port, and the SDK's own clients on it. */
export const startStack = async (options: Parameters<typeof startLocalAws>[0] = {}, maxAttempts = 1) => {
  const aws = await startLocalAws(options);
  const credentials = { accessKeyId: 'AKIATESTS', secretAccessKey: 'unused' };
  const config = { endpoint: aws.url, region: aws.region, credentials, maxAttempts };
  const sqs = new SQS(config);
  const secrets = new SecretsManager(config);
  const queue = async (name: string, Attributes: Attributes = {}): Promise<string> => {
    const fifo = name.endsWith('.fifo') ? { FifoQueue: 'true' } : {};
    const { QueueUrl } = await sqs.createQueue({ QueueName: name, Attributes: { ...fifo, ...Attributes } });
    return QueueUrl ?? '';
  };
  const send = (
    QueueUrl: string,
    MessageBody: string,
    MessageGroupId?: string,
    MessageDeduplicationId = MessageBody,
  ) =>
    MessageGroupId === undefined
      ? sqs.sendMessage({ QueueUrl, MessageBody })
      : sqs.sendMessage({ QueueUrl, MessageBody, MessageGroupId, MessageDeduplicationId });
  const receive = async (QueueUrl: string, more: object = {}): Promise<readonly Message[]> => {
    const all = { MessageSystemAttributeNames: ['All' as const], MessageAttributeNames: ['All'] };
    return (await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, ...all, ...more })).Messages ?? [];
  };
  const remove = (QueueUrl: string, message: Message | undefined) =>
    sqs.deleteMessage({ QueueUrl, ReceiptHandle: message?.ReceiptHandle });
  const show = (QueueUrl: string, message: Message | undefined, VisibilityTimeout = 0) =>
    sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout });
  const counts = async (QueueUrl: string): Promise<readonly number[]> => {
    const { Attributes: a = {} } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ['All'] });
    const names = ['', 'NotVisible', 'Delayed'].map((name) => `ApproximateNumberOfMessages${name}` as const);
    return names.map((name) => Number((a as Attributes)[name]));
  };
  const arn = (name: string): string => `arn:aws:sqs:${aws.region}:000000000000:${name}`;
  const redriveTo = (name: string, maxReceiveCount = 1) => ({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn(name), maxReceiveCount }),
  });
  const faults = (...list: readonly object[]): Promise<Response> =>
    fetch(`${aws.url}/_faults`, { method: 'PUT', body: JSON.stringify({ faults: list }) });
  const close = async (): Promise<void> => {
    sqs.destroy();
    secrets.destroy();
    await aws.close();
  };
  return { aws, sqs, secrets, queue, send, receive, remove, show, counts, arn, redriveTo, faults, close };
};

export type Stack = Awaited<ReturnType<typeof startStack>>;

export const bodies = (messages: readonly Message[]): readonly (string | undefined)[] =>
  messages.map(({ Body }) => Body);

/** The code in which a call was refused, or `ok`. */
export const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return (error as { Code?: string }).Code ?? (error as Error).name;
  }
};

/** The queue engine without a wire, on a clock that only the test moves. */
export const clockwork = (inFlightLimit = 120_000) => {
  const clock = { nowMs: 1_800_000_000_000 };
  const account: Account = {
    region: 'ap-northeast-1',
    url: () => 'http://127.0.0.1:1',
    now: () => clock.nowMs,
    deduplicationMs: 300_000,
    inFlightLimit,
    queues: new Map(),
  };
  const actions = sqsActions(account);
  const caller: Call = { accessKeyId: 'AKIATESTS', traceHeader: undefined, onDisconnect: () => undefined };
  const call = async (action: string, input: Input): Promise<Output> => {
    const act = actions[action];
    if (act === undefined) throw new Error(`no action ${action}`);
    return act(input, caller);
  };
  const receive = async (QueueUrl: string, more: Input = {}): Promise<readonly Message[]> => {
    const input = { QueueUrl, MaxNumberOfMessages: 10, AttributeNames: ['All'], ...more };
    return ((await call('ReceiveMessage', input))['Messages'] ?? []) as readonly Message[];
  };
  const pass = (seconds: number): void => void (clock.nowMs += seconds * 1000);
  return { call, receive, pass };
};
