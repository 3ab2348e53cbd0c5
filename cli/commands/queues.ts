// What waits on the queues: how many intents and for how long, reports, dead letters.
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Command } from 'commander';
import { unreachable } from '../connection.ts';
import { onStack, type Desk } from '../run.ts';

/** Numbers of a queue, about: SQS counts its parts now and then. */
export interface Depth {
  readonly queue: string;
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** @throws Refusal where SQS cannot be asked */
export async function depths({ stack }: Desk): Promise<readonly Depth[]> {
  return Promise.all(
    Object.entries(stack.queues).map(async ([queue, QueueUrl]: [string, string]) => {
      const ask = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...COUNTS] });
      const { Attributes = {} } = await stack.sqs.send(ask).catch((error: unknown) => {
        throw unreachable(error, `queue ${queue}`);
      });
      const [waiting = 0, inFlight = 0, delayed = 0] = COUNTS.map((name) => Number(Attributes[name] ?? 0));
      return { queue, waiting, inFlight, delayed };
    }),
  );
}

const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

export function queueCommands(program: Command): void {
  program
    .command('intents')
    .description('how many intents wait, and how many are being worked on')
    .action(
      onStack(async (desk) => {
        const [intents] = await depths(desk);
        desk.result(intents);
        desk.table(['waiting', 'in flight'], [[intents?.waiting, intents?.inFlight]], '');
      }),
    );
}
