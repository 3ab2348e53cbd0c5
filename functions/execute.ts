// Lambda entry point: SQS intents → execution → batchItemFailures. Reads settings, wires the outside, hands over.
// Everything here is made once per environment; nothing is decided here.
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { secretAccounts } from '../shared/aws/accounts.ts';
import { deliveries, executeQueues, sqsQueues } from '../shared/aws/queues.ts';
import { pacer } from '../shared/bitmart/pace.ts';
import { bitmart, bitmartSettings, readCredentials } from '../shared/bitmart/venue.ts';
import { systemClock } from '../shared/clock.ts';
import { flag, numeric, readSettings, words } from '../shared/config.ts';
import { execute } from '../shared/execution.ts';
import { nodeTransport } from '../shared/http.ts';
import { log } from '../shared/log.ts';
import { newMemory } from '../shared/proof.ts';

const settings = readSettings(process.env, {
  ...executeQueues,
  ...bitmartSettings,
  secretPrefix: words('ACCOUNT_SECRET_PREFIX', 'bitmart/accounts/'),
  /** How long a secret is used before it is read again, and so how long a halt takes to act. */
  secretCacheSeconds: numeric('SECRET_CACHE_SECONDS', '30', 0, 3600),
  parkSeconds: numeric('PARK_SECONDS', '60', 1, 3600),
  /** true where all environments leave through one address (a VPC with one NAT gateway). */
  isEgressFixed: flag('FIXED_EGRESS', 'false'),
  /** The VisibilityTimeout of the intents queue. */
  visibilitySeconds: numeric('INTENTS_VISIBILITY_SECONDS', '180', 1, 43_000),
  unresolvedAfterSeconds: numeric('UNRESOLVED_AFTER_SECONDS', '900', 1, 86_400),
});

const outside = {
  clock: systemClock,
  log,
  memory: newMemory(),
  timing: {
    parkMs: settings.parkSeconds * 1000,
    unresolvedAfterMs: settings.unresolvedAfterSeconds * 1000,
    visibilityMs: settings.visibilitySeconds * 1000,
  },
  isEgressFixed: settings.isEgressFixed,
  accounts: secretAccounts({
    prefix: settings.secretPrefix,
    lifetimeMs: settings.secretCacheSeconds * 1000,
    now: () => systemClock.now(),
    readCredentials,
  }),
  queues: sqsQueues(settings, (queue, detail) => log('error', 'SQS call failed', { queue, detail })),
  venue: bitmart({
    settings,
    transport: nodeTransport(),
    pacer: pacer(settings.utilisation, systemClock),
    clock: systemClock,
    lookupShare: 0.5,
  }),
};

/** Never answers undefined or null: Lambda would take that for full success and delete everything. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadline = Date.now() + context.getRemainingTimeInMillis();
  const unfinished = await execute(deliveries(event.Records), outside, deadline);
  return { batchItemFailures: unfinished.map((itemIdentifier) => ({ itemIdentifier })) };
}
