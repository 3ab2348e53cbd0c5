// Sends intents as a program of its own does: with an SQS client made for the queue, or with the caller's.
// Says of each what became of it, and never throws for what SQS or the network does.
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { sendIntents as send, type IntentsClient, type Sending } from '../shared/aws/intents.ts';
import type { OrderIntent } from '../shared/order/intent.ts';

/** How to reach SQS. Without any of it: AWS's own environment variables and profiles, and the region of the queue's URL. */
export interface SendOptions {
  /** A client of yours, used and left open; for a program that sends often. */
  readonly client?: IntentsClient;
  /** For the client that is made otherwise: region, endpoint, credentials. */
  readonly config?: SQSClientConfig;
}

/** A program waits for its orders: no call hangs, and three tries are made. */
const PATIENCE = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 3000, requestTimeout: 10_000, throwOnRequestTimeout: true },
} as const;

/**
 * Puts intents on the queue, in order, in batches of ten: group = account, deduplication id = id.
 * After one that was not sent, the later ones of its account are not tried.
 * @returns one entry per intent, in their order: sent, failed (with the reason) or unknown (no answer: it may be on the queue,
 * and the same intent may be sent again within five minutes)
 */
export async function sendIntents(
  queueUrl: string,
  intents: readonly OrderIntent[],
  { client, config = {} }: SendOptions = {},
): Promise<readonly Sending[]> {
  if (client !== undefined) return send(client, queueUrl, intents);
  const region = /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\./.exec(queueUrl)?.[1];
  const own = new SQSClient({ ...PATIENCE, ...(region === undefined ? {} : { region }), ...config });
  try {
    return await send(own, queueUrl, intents);
  } finally {
    own.destroy();
  }
}
