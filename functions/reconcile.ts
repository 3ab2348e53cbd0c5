// Lambda entry point: SQS pending orders → following → batchItemFailures. Reads settings, wires the outside, hands over.
// Everything here is made once per environment; nothing is decided here, and nothing is ever placed from here.
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deliveries, reconcileQueues } from '../shared/aws/queues.ts';
import { numeric, readSettings } from '../shared/config.ts';
import { follow } from '../shared/following.ts';
import { commonSettings, during, wire } from '../shared/wiring.ts';

const settings = readSettings(process.env, {
  ...reconcileQueues,
  ...commonSettings,
  /** How many environments may look at once: the look-up limit is shared out among them. */
  concurrency: numeric('RECONCILE_CONCURRENCY', '2', 1, 16),
});

const beyond = {
  ...(await wire(settings, 0.3 / settings.concurrency)),
  parked: new Map(),
  parkMs: settings.parkSeconds * 1000,
  isEgressFixed: settings.isEgressFixed,
};

/** Never answers undefined or null: Lambda would take that for full success and delete everything. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadline = Date.now() + context.getRemainingTimeInMillis();
  const unfinished = await during(context, settings, beyond.metrics, () =>
    follow(deliveries(event.Records), beyond, deadline),
  );
  return { batchItemFailures: unfinished.map((itemIdentifier) => ({ itemIdentifier })) };
}
