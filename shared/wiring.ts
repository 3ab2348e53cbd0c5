// The outside as every function gets it: clock, log, accounts, queues and the venue, made once per environment.
// The only place where a venue is chosen; decides nothing else.
import { secretAccounts, type Accounts } from './aws/accounts.ts';
import { sqsQueues, type executeQueues } from './aws/queues.ts';
import type { Outside } from './bitmart/calls.ts';
import { bitmartDoctor } from './bitmart/doctor.ts';
import { pacer } from './pace.ts';
import { bitmartProbe } from './bitmart/probe.ts';
import { bitmartReads } from './bitmart/reads.ts';
import { bitmart, bitmartSettings, readCredentials } from './bitmart/venue.ts';
import { systemClock } from './clock.ts';
import { flag, numeric, words, type Settings } from './config.ts';
import { nodeTransport } from './http.ts';
import { log, logAs } from './log.ts';
import { emfMetrics, type Measure, type Metrics } from './metrics.ts';
import type { Context } from 'aws-lambda';
import type { Doctor } from './order/finding.ts';

/** What every function reads, beside its queues. */
export const commonSettings = {
  ...bitmartSettings,
  secretPrefix: words('ACCOUNT_SECRET_PREFIX', 'bitmart/accounts/'),
  /** How long a secret is used before it is read again, and so how long a halt takes to act. */
  secretCacheSeconds: numeric('SECRET_CACHE_SECONDS', '30', 0, 3600),
  parkSeconds: numeric('PARK_SECONDS', '60', 1, 3600),
  /** true where all environments leave through one address (a VPC with one NAT gateway). */
  isEgressFixed: flag('FIXED_EGRESS', 'false'),
  stage: words('STAGE', 'dev'),
  /** Whether each account has metrics of its own, which cost more than all others together (decision 16). */
  isPerAccount: flag('ACCOUNT_METRICS', 'true'),
};

/**
 * What may have been sent comes back when its visibility is over; only then is a look-up that sees nothing a proof.
 * @throws RangeError where that is too soon: the clock that signed may be a whole window ahead of the venue's, a window
 * later the venue refuses the request, and an order executed at the last moment shows a lag after that
 */
export function refuseShortVisibility({
  visibilitySeconds,
  refusesTimestampsAfterMs,
  showsOrdersWithinMs,
}: {
  readonly visibilitySeconds: number;
  readonly refusesTimestampsAfterMs: number;
  readonly showsOrdersWithinMs: number;
}): void {
  const leastSeconds = (2 * refusesTimestampsAfterMs + showsOrdersWithinMs) / 1000;
  if (visibilitySeconds >= leastSeconds) return;
  throw new RangeError(
    `INTENTS_VISIBILITY_SECONDS (${visibilitySeconds}) is below ${leastSeconds}, which is 2 x BITMART_TIMESTAMP_WINDOW_MS ` +
      '+ BITMART_LOOKUP_LAG_MS: an order could come back before it is proven whether it was executed, and be placed twice. ' +
      'Raise it together with the VisibilityTimeout of the intents queue (serverless.yml), or lower the other two.',
  );
}

type CommonSettings = Settings<typeof commonSettings>;

/** @param lookupShare this function's part of the venue's look-up limits, above 0 and at most 1, divided by its environments */
export function wire(settings: CommonSettings & Settings<typeof executeQueues>, lookupShare: number) {
  const metrics = metricsOf(settings);
  const { measure } = metrics;
  return {
    ...{ metrics, measure },
    clock: systemClock,
    log,
    accounts: accountsBy(settings, measure),
    queues: sqsQueues(settings, (queue, detail) => log('error', 'SQS call failed', { queue, detail })),
    venue: bitmart({ settings, measure, ...outsideOf(settings, lookupShare) }),
  };
}

/** For those who read and never send to a venue: strategies and the operator. @param lookupShare as for `wire` */
export function wireReads(settings: CommonSettings, lookupShare: number) {
  const metrics = metricsOf(settings);
  const { measure } = metrics;
  const outside = { settings, measure, ...outsideOf(settings, lookupShare) };
  return {
    ...{ metrics, measure },
    clock: systemClock,
    log,
    accounts: accountsBy(settings, measure),
    venue: bitmart(outside),
    reads: bitmartReads(outside),
  };
}

/** For the probe, which asks seldom and little. @param lookupShare as for `wire` */
export function wireProbe(settings: CommonSettings, lookupShare: number) {
  const metrics = metricsOf(settings);
  const { measure } = metrics;
  return {
    ...{ metrics, measure },
    clock: systemClock,
    log,
    accounts: accountsBy(settings, measure),
    venue: bitmartProbe({ settings, measure, ...outsideOf(settings, lookupShare) }),
  };
}

/** For whoever examines the venue and accounts there. @param lookupShare as for `wire` */
export function wireDoctor(settings: CommonSettings, lookupShare: number): Doctor {
  return bitmartDoctor({ settings, ...outsideOf(settings, lookupShare) });
}

function metricsOf({ stage, isPerAccount }: CommonSettings): Metrics {
  return emfMetrics({
    ...{ stage, isPerAccount, venue: 'bitmart' },
    write: (line) => void process.stdout.write(`${line}\n`),
    failed: (detail) => log('warn', 'metrics were not written', { detail }),
  });
}

let isCold = true;

/** Runs one invocation: its lines say which one it is, and what was measured is written at its end, also of one that fails. */
export async function during<T>(
  { functionName: service, awsRequestId: requestId }: Pick<Context, 'functionName' | 'awsRequestId'>,
  { stage }: Pick<CommonSettings, 'stage'>,
  metrics: Metrics,
  work: () => Promise<T>,
): Promise<T> {
  logAs({ service, stage, requestId, coldStart: isCold ? true : undefined });
  isCold = false;
  try {
    return await work();
  } finally {
    await metrics.flush();
  }
}

function accountsBy({ secretPrefix, secretCacheSeconds }: CommonSettings, measure: Measure): Accounts {
  return secretAccounts({
    prefix: secretPrefix,
    lifetimeMs: secretCacheSeconds * 1000,
    now: () => systemClock.now(),
    readCredentials,
    measure,
  });
}

function outsideOf({ utilisation }: CommonSettings, lookupShare: number): Omit<Outside, 'settings'> {
  return { transport: nodeTransport(), pacer: pacer(utilisation, systemClock), clock: systemClock, lookupShare };
}
