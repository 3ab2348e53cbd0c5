// Lambda entry point: SQS intents → execution → batchItemFailures. Reads settings, wires the outside, hands over.
// Everything here is made once per environment; nothing is decided here.
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deliveries, executeQueues } from '../shared/aws/queues.ts';
import { names, numeric, readSettings } from '../shared/config.ts';
import { execute } from '../shared/execution.ts';
import { newMemory } from '../shared/proof.ts';
import { commonSettings, during, refuseShortVisibility, wire } from '../shared/wiring.ts';

const settings = readSettings(process.env, {
  ...executeQueues,
  ...commonSettings,
  /** The VisibilityTimeout of the intents queue. */
  visibilitySeconds: numeric('INTENTS_VISIBILITY_SECONDS', '180', 1, 43_000),
  unresolvedAfterSeconds: numeric('UNRESOLVED_AFTER_SECONDS', '900', 1, 86_400),
  /** Whose secrets are read, and which markets' rules, while the function starts. */
  warmAccounts: names('WARM_ACCOUNTS', '', 10),
  warmMarkets: names('WARM_MARKETS', '', 3, ['spot', 'margin', 'futures']),
});

const outside = {
  ...(await wire(settings, 0.5)),
  memory: newMemory(),
  timing: {
    parkMs: settings.parkSeconds * 1000,
    unresolvedAfterMs: settings.unresolvedAfterSeconds * 1000,
    visibilityMs: settings.visibilitySeconds * 1000,
  },
  isEgressFixed: settings.isEgressFixed,
};

refuseShortVisibility(settings.visibilitySeconds, outside.waits);

// What the first order needs is asked for before it comes, side by side, and nobody waits for it here. What fails is asked for
// again when it is needed (rules a second later at the earliest), and so is what the environment slept through.
for (const name of settings.warmAccounts) void outside.accounts.read(name);
for (const market of settings.warmMarkets) for (const venue of outside.venues) void venue.instrument(market, '', 0);

/** Never answers undefined or null: Lambda would take that for full success and delete everything. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadline = Date.now() + context.getRemainingTimeInMillis();
  const unfinished = await during(context, settings, outside.metrics, () =>
    execute(deliveries(event.Records), outside, deadline),
  );
  return { batchItemFailures: unfinished.map((itemIdentifier) => ({ itemIdentifier })) };
}
