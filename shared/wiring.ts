// The outside as every function gets it: clock, log, accounts, queues and the venues of the stage, made once per environment.
// The only place where venues are opened; decides nothing else.
import { secretAccounts, type Accounts, type Place } from './aws/accounts.ts';
import { sqsQueues, type executeQueues } from './aws/queues.ts';
import { systemClock } from './clock.ts';
import { flag, names, numeric, words, type Settings } from './config.ts';
import type { Desk } from './firing.ts';
import { nodeTransport } from './http.ts';
import { log, logAs } from './log.ts';
import { emfMetrics, unmeasured, type Measure, type Metrics } from './metrics.ts';
import type { Context } from 'aws-lambda';
import { commonFindings, findingBy, type Doctor, type Finding } from './order/finding.ts';
import type { Reads } from './order/reads.ts';
import { ENVIRONMENTS, type Promises, type TradingAccount, type Venue } from './order/venue.ts';
import { pacer } from './pace.ts';
import {
  DEFAULT_VENUE,
  doctors,
  nameOf,
  probers,
  readers,
  siteOf,
  sitesOf,
  VENUES,
  type Outside,
  type Site,
} from './venues.ts';

/** What every function reads, beside its queues and its venues. */
export const commonSettings = {
  /** Where accounts may be. */
  venues: names('VENUES', DEFAULT_VENUE, VENUES.length, VENUES),
  environments: names('ENVIRONMENTS', 'live', ENVIRONMENTS.length, ENVIRONMENTS),
  secretPrefix: words('ACCOUNT_SECRET_PREFIX', 'bitmart/accounts/'),
  /** How long a secret is used before it is read again, and so how long a halt takes to act. */
  secretCacheSeconds: numeric('SECRET_CACHE_SECONDS', '30', 0, 3600),
  /** Of the documented limits. Below a tenth the scarcest look-ups would not fit into an invocation. */
  utilisation: numeric('RATE_UTILISATION', '0.94', 0.1, 0.97),
  parkSeconds: numeric('PARK_SECONDS', '60', 1, 3600),
  /** true where all environments leave through one address (a VPC with one NAT gateway). */
  isEgressFixed: flag('FIXED_EGRESS', 'false'),
  stage: words('STAGE', 'dev'),
  /** Whether each account has metrics of its own, which cost more than all others together (decision 16). */
  isPerAccount: flag('ACCOUNT_METRICS', 'true'),
};

/** How long a venue takes a request, and how late an order may show there. */
export interface Wait extends Pick<Promises, 'refusesTimestampsAfterMs' | 'showsOrdersWithinMs'> {
  readonly venue: string;
  /** The variables that say so. */
  readonly variables: readonly string[];
}

/**
 * What may have been sent comes back when its visibility is over; only then is a look-up that sees nothing a proof.
 * @throws RangeError where that is too soon: the clock that signed may be a whole window ahead of the venue's, a window
 * later the venue refuses the request, and an order executed at the last moment shows a lag after that
 */
export function refuseShortVisibility(visibilitySeconds: number, waits: readonly Wait[]): void {
  for (const { venue, variables, refusesTimestampsAfterMs, showsOrdersWithinMs } of waits) {
    const leastSeconds = (2 * refusesTimestampsAfterMs + showsOrdersWithinMs) / 1000;
    if (visibilitySeconds >= leastSeconds) continue;
    const [window, lag] = variables;
    throw new RangeError(
      `INTENTS_VISIBILITY_SECONDS (${visibilitySeconds}) is below ${leastSeconds}, which for ${venue} is 2 x ${window} + ${lag}: ` +
        'an order could come back before it is proven whether it was executed, and be placed twice. ' +
        'Raise it together with the VisibilityTimeout of the intents queue (serverless.yml), or lower the other two.',
    );
  }
}

type CommonSettings = Settings<typeof commonSettings>;

/** @param lookupShare this function's part of each venue's look-up limits, above 0 and at most 1, divided by its environments */
export async function wire(settings: CommonSettings & Settings<typeof executeQueues>, lookupShare: number) {
  const metrics = metricsOf(settings);
  const { measure } = metrics;
  const loading = openedSites(settings, lookupShare, measure);
  const queues = sqsQueues(settings, (queue, detail) => log('error', 'SQS call failed', { queue, detail }));
  const sites = await loading;
  const venues = sites.map(opened);
  const waits = venues.map(({ name, promises }, index): Wait => {
    return { venue: name, variables: sites[index]?.kind.waits ?? [], ...promises };
  });
  return {
    ...{ metrics, measure, queues, venues, waits },
    clock: systemClock,
    log,
    accounts: accountsAt(sites, settings, measure),
    venueOf: at(sites, venues),
  };
}

/** For those who read and never send to a venue: strategies and the operator. @param lookupShare as for `wire` */
export async function wireReads(settings: CommonSettings, lookupShare: number) {
  const metrics = metricsOf(settings);
  const { measure } = metrics;
  const sites = await openedSites(settings, lookupShare, measure);
  const makers = await Promise.all(sites.map(({ venue }) => readers[venue]()));
  const [first, ...others] = sites.map((site, index): WholeDesk => {
    const reads = makers[index]?.(site.outside, process.env);
    return { venue: opened(site), reads: reads as Reads };
  });
  const desks: readonly [WholeDesk, ...WholeDesk[]] = [first as WholeDesk, ...others];
  return {
    ...{ metrics, measure, desks },
    clock: systemClock,
    log,
    accounts: accountsAt(sites, settings, measure),
    deskOf: at(sites, desks),
    onlyDesk: others.length === 0 ? first : undefined,
  };
}

interface WholeDesk extends Desk {
  readonly venue: Venue;
  readonly reads: Reads;
}

/** For the probe, which asks seldom and little. @param lookupShare as for `wire` */
export async function wireProbe(settings: CommonSettings, lookupShare: number) {
  const metrics = metricsOf(settings);
  const { measure } = metrics;
  const sites = await openedSites(settings, lookupShare, measure);
  const made = await Promise.all(
    sites.map(async (site) => ({ ...(await probers[site.venue]())(site.outside, process.env), name: nameOf(site) })),
  );
  return {
    ...{ metrics, measure },
    clock: systemClock,
    log,
    accounts: accountsAt(sites, settings, measure),
    probers: made,
    proberOf: at(sites, made),
  };
}

/** For whoever examines venues and accounts there. @param lookupShare as for `wire` */
export async function wireDoctor(settings: CommonSettings, lookupShare: number): Promise<Doctor> {
  const sites = await openedSites(settings, lookupShare, unmeasured);
  const made = await Promise.all(
    sites.map(async (site) => ({ ...site, doctor: (await doctors[site.venue]())(site.outside, process.env) })),
  );
  const isOne = made.length === 1;
  return {
    hosts: [...new Set(made.flatMap(({ doctor }) => doctor.hosts))],
    exchange: async () => {
      const found: Finding[] = [];
      for (const { doctor, ...site } of made) {
        const its = await doctor.exchange();
        found.push(...its.map((each) => (isOne ? each : { ...each, said: `${nameOf(site)}: ${each.said}` })));
      }
      return found;
    },
    account: async (subject, how) => {
      const site = siteOf(subject.secret, made);
      if ('unreadable' in site) return [findingBy(commonFindings)('VENUE_NOT_ALLOWED', site.unreadable)];
      return site.doctor.account(subject, how);
    },
  };
}

type OpenedSite = Site & { readonly outside: Outside };

/** Each with a pacer of its own: limits are a venue's. */
async function openedSites(
  { venues, environments, utilisation }: CommonSettings,
  lookupShare: number,
  measure: Measure,
): Promise<readonly OpenedSite[]> {
  const transport = nodeTransport();
  return (await sitesOf(venues, environments)).map((site): OpenedSite => {
    const { venue, environment } = site;
    const measured: Measure = (name, value, about) => measure(name, value, { ...about, venue });
    const outside = { environment, transport, clock: systemClock, lookupShare, measure: measured };
    return {
      ...site,
      outside: { ...outside, pacer: pacer(utilisation, systemClock, site.kind.addressOf(process.env)) },
    };
  });
}

function opened({ kind, outside }: OpenedSite): Venue {
  return kind.open(outside, process.env);
}

/** What was made for the place where an account is. Only accounts of these sites are ever read. */
function at<T>(sites: readonly Site[], made: readonly T[]) {
  return ({ venue, environment }: Pick<TradingAccount, 'venue' | 'environment'>): T => {
    const found = made[sites.findIndex((site) => site.venue === venue && site.environment === environment)];
    if (found === undefined) throw new Error(`nothing was opened for ${venue} ${environment}`);
    return found;
  };
}

function metricsOf({ stage, isPerAccount }: CommonSettings): Metrics {
  return emfMetrics({
    ...{ stage, isPerAccount },
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

function accountsAt(
  sites: readonly Site[],
  { secretPrefix, secretCacheSeconds }: CommonSettings,
  measure: Measure,
): Accounts {
  return secretAccounts({
    prefix: secretPrefix,
    lifetimeMs: secretCacheSeconds * 1000,
    now: () => systemClock.now(),
    readPlace: (secret) => placeOf(secret, sites),
    measure,
  });
}

/** Where the account of a secret is, and its key there, or why that cannot be read. */
export function placeOf(
  secret: Readonly<Record<string, unknown>>,
  sites: readonly Site[],
): Place | { readonly unreadable: string } {
  const site = siteOf(secret, sites);
  if ('unreadable' in site) return site;
  const credentials = site.kind.readCredentials(secret);
  if ('unreadable' in credentials) return { unreadable: credentials.unreadable };
  return { venue: site.venue, environment: site.environment, credentials };
}
