// Accounts that an environment leaves alone for a while: after a ban, and after a refusal of the key.
// Another key of a refused account is tried at once; a ban of the address is that of all accounts of its venue, and of no other's.
// Losing what is remembered here costs requests, never safety.
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { Verdict } from './order/report.ts';
import type { TradingAccount } from './order/venue.ts';

/** What one environment remembers of it, and by which rules. */
export interface Parking {
  /** By account; under `everybodyAt` where the address itself is banned. */
  readonly parked: Map<string, Parked>;
  /** A refused account is asked at most once in this time by one environment. */
  readonly parkMs: number;
  /** Every environment leaves through one address: a ban that one account meets is then that of all accounts of its venue. */
  readonly isEgressFixed: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Parked {
  /** ms. */
  readonly until: number;
  readonly why: string;
  /** What was refused, so that another key is tried at once; empty for a ban. */
  readonly credentials: string;
}

export type Parks = Extract<Verdict, { readonly kind: 'unauthorised' | 'banned' }>;
type Named = Pick<TradingAccount, 'name' | 'venue'>;

/** No account has such a name. */
export function everybodyAt(venue: string): string {
  return `*${venue}`;
}

/** Leaves the account alone from now on, and tells a person. @returns for how long, ms */
export function park(
  account: Named & Pick<TradingAccount, 'credentials'>,
  refusal: Parks,
  { parked, parkMs, isEgressFixed, clock, log }: Parking,
): number {
  const isBan = refusal.kind === 'banned';
  const forMs = isBan ? refusal.forMs : parkMs;
  // A ban stays whatever the key; a refusal is over when the key is another.
  const credentials = isBan ? '' : JSON.stringify(account.credentials);
  const isEverybodys = refusal.kind === 'banned' && (isEgressFixed || refusal.of === 'address');
  const whom = isEverybodys ? everybodyAt(account.venue) : account.name;
  const now = clock.now();
  for (const [name, { until }] of parked) if (until <= now) parked.delete(name);
  parked.set(whom, { until: now + forMs, why: refusal.detail, credentials });
  const isBlocked = refusal.kind === 'banned' && refusal.isBlocked === true;
  const word = isBlocked ? 'country blocked: waiting will not help' : isBan ? 'account banned' : 'account refused';
  log('error', word, { account: whom, detail: refusal.detail, forMs });
  return forMs;
}

/** Why the account is left alone now, and until when; the longer of its own park and that of all at its venue. */
export function parkedNow(
  { name, venue }: Named,
  { parked, clock }: Pick<Parking, 'parked' | 'clock'>,
): Parked | undefined {
  const still = [parked.get(everybodyAt(venue)), parked.get(name)].filter(
    (each) => each !== undefined && each.until > clock.now(),
  );
  return still.sort((a, b) => (b?.until ?? 0) - (a?.until ?? 0))[0];
}

/** A refused account whose secret holds another key since is asked again at once. */
export function unpark(
  account: Pick<TradingAccount, 'name' | 'credentials'>,
  { parked }: Pick<Parking, 'parked'>,
): void {
  const refused = parked.get(account.name)?.credentials ?? '';
  if (refused !== '' && refused !== JSON.stringify(account.credentials)) parked.delete(account.name);
}
