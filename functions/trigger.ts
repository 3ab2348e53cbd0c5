// Lambda entry point: EventBridge Scheduler → a strategy → intents on the queue. Reads settings, wires the outside, hands over.
// Everything here is made once per environment; nothing is decided here, and nothing is ever placed from here.
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { sendIntents } from '../shared/aws/intents.ts';
import { numeric, readSettings, url } from '../shared/config.ts';
import { fire, type Fired } from '../shared/firing.ts';
import { commonSettings, during, wireReads } from '../shared/wiring.ts';

const settings = readSettings(process.env, {
  ...commonSettings,
  intentsUrl: url('INTENTS_QUEUE_URL'),
  /** Later than any retry of Lambda: see EventInvokeConfig in serverless.yml. */
  lateAfterSeconds: numeric('LATE_AFTER_SECONDS', '420', 1, 3600),
});

const sqs = new SQSClient({
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 500, requestTimeout: 1500, throwOnRequestTimeout: true },
});

const around = {
  // Of the 0.2 of each look-up limit that is left for probe, desk and strategies (decision 2).
  ...(await wireReads(settings, 0.05)),
  send: (intents: Parameters<typeof sendIntents>[2]) => sendIntents(sqs, settings.intentsUrl, intents),
  lateAfterMs: settings.lateAfterSeconds * 1000,
};

/** What is thrown has Lambda try again, and then leaves a record on the dead-letter queue. */
export async function handler(event: unknown, context: Context): Promise<Fired> {
  const deadline = Date.now() + context.getRemainingTimeInMillis();
  return during(context, settings, around.metrics, () => fire(event, around, deadline));
}
