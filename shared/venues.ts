// Which venues there are, and how each is opened: the only place beside their folders that says their names.
// A venue is loaded when it is asked for and never before, so that no function carries another's code through its start; and
// what only some functions use (reads, doctor, probe) stands apart, so that the others are not even packaged with it.
import type { Clock } from './clock.ts';
import { readSettings, type Setting, type Settings } from './config.ts';
import type { Transport } from './http.ts';
import type { Measure } from './metrics.ts';
import type { Doctor } from './order/finding.ts';
import type { Prober } from './order/probe.ts';
import type { Reads } from './order/reads.ts';
import { ENVIRONMENTS, type Environment, type Venue } from './order/venue.ts';
import type { Address, Pacer } from './pace.ts';

export const VENUES = ['bitmart', 'bybit'] as const;
export type VenueName = (typeof VENUES)[number];
/** Of an account whose secret names none. */
export const DEFAULT_VENUE: VenueName = 'bitmart';

/** What a venue is opened with, beside its own settings. */
export interface Outside {
  readonly environment: Environment;
  readonly transport: Transport;
  readonly pacer: Pacer;
  readonly clock: Clock;
  /** This function's part of the look-up limits. */
  readonly lookupShare: number;
  readonly measure: Measure;
}

type Variables = Readonly<Record<string, string | undefined>>;
/** Makes something of a venue. @throws RangeError naming every variable of the venue that is wrong */
export type Maker<T> = (outside: Outside, variables: Variables) => T;
type ReadCredentials = (secret: Readonly<Record<string, unknown>>) => object | { readonly unreadable: string };

/** What a venue's folder offers. */
interface Module<S extends Table> {
  readonly settings: S;
  readonly environments: readonly Environment[];
  readonly readCredentials: ReadCredentials;
  readonly open: Making<S, Venue>;
  /** Where it counts by address, too: its limit, and this process's part of it. */
  readonly addressOf?: (settings: Settings<S>) => Address;
}
/** Every venue can be told how long it takes a request, and how late an order may show. */
type Table = Readonly<Record<string, Setting<unknown>>> &
  Readonly<Record<'refusesTimestampsAfterMs' | 'showsOrdersWithinMs', Setting<number>>>;
type Making<S extends Table, T> = (options: Outside & { readonly settings: Settings<S> }) => T;

/** A venue, loaded. */
export interface Kind {
  readonly environments: readonly Environment[];
  readonly readCredentials: ReadCredentials;
  readonly open: Maker<Venue>;
  /** The variables that say how long it takes a request, and how late an order may show. */
  readonly waits: readonly string[];
  /** What it counts by address, where it does. @throws RangeError naming every variable of the venue that is wrong */
  readonly addressOf: (variables: Variables) => Address | undefined;
}

function maker<S extends Table, T>(settings: S, make: Making<S, T>): Maker<T> {
  return (outside, variables) => make({ ...outside, settings: readSettings(variables, settings) });
}

function kindOf<S extends Table>({ settings, environments, readCredentials, open, addressOf }: Module<S>): Kind {
  const waits = [settings.refusesTimestampsAfterMs.variable, settings.showsOrdersWithinMs.variable];
  const address = (variables: Variables) => addressOf?.(readSettings(variables, settings));
  return { environments, readCredentials, open: maker(settings, open), waits, addressOf: address };
}

type Each<T> = Readonly<Record<VenueName, () => Promise<T>>>;

export const kinds: Each<Kind> = {
  bitmart: async () => kindOf((await import('./bitmart/venue.ts')).bitmartModule),
  bybit: async () => kindOf((await import('./bybit/venue.ts')).bybitModule),
};
export const readers: Each<Maker<Reads>> = {
  bitmart: async () => {
    const [{ bitmartModule }, { bitmartReads }] = await Promise.all([import('./bitmart/venue.ts'), import('./bitmart/reads.ts')]); // prettier-ignore
    return maker(bitmartModule.settings, bitmartReads);
  },
  bybit: async () => {
    const [{ bybitModule }, { bybitReads }] = await Promise.all([import('./bybit/venue.ts'), import('./bybit/reads.ts')]); // prettier-ignore
    return maker(bybitModule.settings, bybitReads);
  },
};
export const doctors: Each<Maker<Doctor>> = {
  bitmart: async () => {
    const [{ bitmartModule }, { bitmartDoctor }] = await Promise.all([import('./bitmart/venue.ts'), import('./bitmart/doctor.ts')]); // prettier-ignore
    return maker(bitmartModule.settings, bitmartDoctor);
  },
  bybit: async () => {
    const [{ bybitModule }, { bybitDoctor }] = await Promise.all([import('./bybit/venue.ts'), import('./bybit/doctor.ts')]); // prettier-ignore
    return maker(bybitModule.settings, bybitDoctor);
  },
};
export const probers: Each<Maker<Prober>> = {
  bitmart: async () => {
    const [{ bitmartModule }, { bitmartProbe }] = await Promise.all([import('./bitmart/venue.ts'), import('./bitmart/probe.ts')]); // prettier-ignore
    return maker(bitmartModule.settings, bitmartProbe);
  },
  bybit: async () => {
    const [{ bybitModule }, { bybitProbe }] = await Promise.all([import('./bybit/venue.ts'), import('./bybit/probe.ts')]); // prettier-ignore
    return maker(bybitModule.settings, bybitProbe);
  },
};

/** A venue and an environment of it. */
export interface Site {
  readonly venue: VenueName;
  readonly environment: Environment;
  readonly kind: Kind;
}

/**
 * Loads the venues that a stage allows.
 * @throws RangeError where one of them has none of the environments that it allows
 */
export async function sitesOf(
  venues: readonly VenueName[],
  environments: readonly Environment[],
): Promise<readonly [Site, ...Site[]]> {
  const loaded = await Promise.all([...new Set(venues)].map(async (venue) => ({ venue, kind: await kinds[venue]() })));
  const sites = loaded.flatMap(({ venue, kind }) => {
    const allowed = kind.environments.filter((each) => environments.includes(each));
    if (allowed.length > 0) return allowed.map((environment): Site => ({ venue, environment, kind }));
    throw new RangeError(
      `VENUES allows ${venue}, which has ${kind.environments.join(', ')}, and ENVIRONMENTS allows ${environments.join(', ')}: no account could be there. Change one of the two.`,
    );
  });
  const [first, ...others] = sites;
  if (first === undefined) throw new RangeError('VENUES names no venue');
  return [first, ...others];
}

/** For people, and for the metrics of a probe: the environment is told where it is not the real one. */
export function nameOf({ venue, environment }: Pick<Site, 'venue' | 'environment'>): string {
  return environment === 'live' ? venue : `${venue} ${environment}`;
}

/** Where the account of a secret is. The sentence names venue and environment, and never another value. */
export function siteOf<S extends Site>(
  { venue = DEFAULT_VENUE, environment = 'live' }: Readonly<Record<string, unknown>>,
  sites: readonly S[],
): S | { readonly unreadable: string } {
  const site = sites.find((each) => each.venue === venue && each.environment === environment);
  if (site !== undefined) return site;
  const [venueName, its] = [VENUES.find((each) => each === venue), ENVIRONMENTS.find((each) => each === environment)];
  if (venueName === undefined) return { unreadable: `venue in the secret is none of ${VENUES.join(', ')}` };
  if (its === undefined) return { unreadable: `environment in the secret is none of ${ENVIRONMENTS.join(', ')}` };
  const allowed = sites.map((each) => `${each.venue} ${each.environment}`).join(', ');
  return {
    unreadable: `it is on ${venueName} ${its}, and this stage allows ${allowed}; correct venue and environment in the secret, or VENUES and ENVIRONMENTS of the stage`,
  };
}
