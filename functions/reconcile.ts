// Lambda entry point: SQS pending orders → following → batchItemFailures. Reads settings, wires the outside, hands over.
// Everything here is made once per environment; nothing is decided here, and nothing is ever placed from here.
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { secretAccounts } from '../shared/aws/accounts.ts';
import { deliveries, reconcileQueues, sqsQueues } from '../shared/aws/queues.ts';
import { pacer } from '../shared/bitmart/pace.ts';
import { bitmart, bitmartSettings, readCredentials } from '../shared/bitmart/venue.ts';
import { systemClock } from '../shared/clock.ts';
import { numeric, readSettings, words } from '../shared/config.ts';
import { follow } from '../shared/following.ts';
import { nodeTransport } from '../shared/http.ts';
import { log } from '../shared/log.ts';

const settings = readSettings(process.env, {
  ...reconcileQueues,
  ...bitmartSettings,
  secretPrefix: words('ACCOUNT_SECRET_PREFIX', 'bitmart/accounts/'),
  secretCacheSeconds: numeric('SECRET_CACHE_SECONDS', '30', 0, 3600),
  parkSeconds: numeric('PARK_SECONDS', '60', 1, 3600),
  /** How many environments may look at once: the look-up limit is shared out among them. */
  concurrency: numeric('RECONCILE_CONCURRENCY', '2', 1, 1000),
});

const beyond = {
  clock: systemClock,
  log,
  parked: new Map<string, number>(),
  parkMs: settings.parkSeconds * 1000,
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
    lookupShare: 0.3 / settings.concurrency,
  }),
};

/** Never answers undefined or null: Lambda would take that for full success and delete everything. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadline = Date.now() + context.getRemainingTimeInMillis();
  const unfinished = await follow(deliveries(event.Records), beyond, deadline);
  return { batchItemFailures: unfinished.map((itemIdentifier) => ({ itemIdentifier })) };
}
