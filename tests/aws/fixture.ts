// A local AWS for tests of code that takes its endpoint, region and credentials from the environment, as in Lambda.
// Promises that close() puts the environment back. Holds no test.
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { SQS, type Message } from '@aws-sdk/client-sqs';
import { startLocalAws, type AwsCall } from '../../local/aws/server.ts';

export interface Stack {
  readonly url: string;
  readonly sqs: SQS;
  readonly secrets: SecretsManager;
  calls(action: string): readonly AwsCall[];
  /** Makes a queue and gives its URL. */
  queue(name: string): Promise<string>;
  /** Every message that is there, deleted as it is read, in order. */
  drain(queueUrl: string): Promise<readonly Message[]>;
  faults(...faults: readonly object[]): Promise<void>;
  close(): Promise<void>;
}

export async function startStack(): Promise<Stack> {
  const aws = await startLocalAws();
  const config = {
    endpoint: aws.url,
    region: aws.region,
    credentials: { accessKeyId: 'AKIADESK', secretAccessKey: 'x' },
  };
  const sqs = new SQS(config);
  const secrets = new SecretsManager(config);
  const environment = { AWS_ENDPOINT_URL: aws.url, AWS_REGION: aws.region, AWS_ACCESS_KEY_ID: 'AKIATESTS', AWS_SECRET_ACCESS_KEY: 'x' }; // prettier-ignore
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  return {
    url: aws.url,
    sqs,
    secrets,
    // The tests' own clients set things up; only the calls of the code under test count.
    calls: (action) => aws.calls().filter((call) => call.action === action && call.accessKeyId === 'AKIATESTS'),
    queue: async (QueueName) => {
      const Attributes = QueueName.endsWith('.fifo') ? { FifoQueue: 'true' } : {};
      return (await sqs.createQueue({ QueueName, Attributes })).QueueUrl ?? '';
    },
    drain: async (QueueUrl) => {
      const all: Message[] = [];
      for (;;) {
        const asked = { QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All' as const] }; // prettier-ignore
        const { Messages = [] } = await sqs.receiveMessage(asked);
        if (Messages.length === 0) return all;
        all.push(...Messages);
        for (const { ReceiptHandle } of Messages) await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
      }
    },
    faults: async (...faults) => {
      const response = await fetch(`${aws.url}/_faults`, { method: 'PUT', body: JSON.stringify({ faults }) });
      if (!response.ok) throw new Error(await response.text());
    },
    close: async () => {
      for (const [name, value] of before) {
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
      sqs.destroy();
      secrets.destroy();
      await aws.close();
    },
  };
}
