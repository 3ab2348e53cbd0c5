// Our way of an order without the queues behind it: shared/execution.ts, whose letters and reports nobody carries away. What
// is left is what the others do as well: the secret, the order, the answer.
import type { Context, SQSEvent } from 'aws-lambda';
import { deliveries, executeQueues, type Queues } from '../../shared/aws/queues.ts';
import { readSettings } from '../../shared/config.ts';
import { execute } from '../../shared/execution.ts';
import { newMemory } from '../../shared/proof.ts';
import { commonSettings, wire } from '../../shared/wiring.ts';

const settings = readSettings(process.env, { ...executeQueues, ...commonSettings });
const taken = (items: readonly unknown[]): Promise<boolean[]> => Promise.resolve(items.map(() => true));
const queues: Queues = { bury: taken, publish: taken, follow: taken, postpone: taken };
const outside = {
  ...(await wire(settings, 0.5)),
  queues,
  memory: newMemory(),
  timing: { parkMs: 60_000, unresolvedAfterMs: 900_000, visibilityMs: 180_000 },
  isEgressFixed: false,
};

export async function handler(event: SQSEvent, context: Context): Promise<void> {
  await execute(deliveries(event.Records), outside, Date.now() + context.getRemainingTimeInMillis());
}
