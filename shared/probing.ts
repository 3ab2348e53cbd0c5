// One probe, from top to bottom: the venue's service, clock and speed, then one signed read for each named account; a line and
// metrics for each. What a venue answers is told and never thrown, and no account's trouble hides another's.
// Bounded in time and requests; after a ban of the address it asks nothing more. Never places, and never writes anywhere.
import type { AccountReading, Accounts } from './aws/accounts.ts';
import { budget, type Budget, type Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { Measure } from './metrics.ts';
import type { Finding } from './order/finding.ts';
import type { AccountLook, Prober, VenueLook } from './order/probe.ts';

/** What a probe works with. */
export interface Around {
  readonly clock: Clock;
  readonly log: Log;
  readonly measure: Measure;
  readonly accounts: Pick<Accounts, 'read'>;
  readonly venue: Prober;
  /** The accounts that are asked about. */
  readonly names: readonly string[];
  /** How often the venue's clock is looked at. */
  readonly samples: number;
  /** All leave through one address: a ban that one account meets is then everybody's. */
  readonly isEgressFixed: boolean;
}

/** What became of a probe: for whoever invokes the function by hand. */
export interface Probed {
  readonly venue: VenueLook['state'];
  /** The code by account; absent where there is nothing to say. */
  readonly accounts: Readonly<Record<string, string>>;
}

/**
 * Accounts that are asked about at the same time, and the pause after them: keys of one user share a limit that no account's pace
 * knows of. In any two seconds ten are asked about; the smallest limit that is asked under takes twelve.
 */
const TOGETHER = 5;
const APART_MS = 1100;

/** What is told of an account. `code` is that of a finding, or one of those below. */
interface Told {
  readonly account: string;
  readonly code: string;
  readonly detail: string;
  readonly look?: AccountLook;
}

/** @param deadline when the invocation is stopped, ms */
export async function probe(around: Around, deadline: number): Promise<Probed> {
  const { clock, venue, names, samples } = around;
  const times = budget(deadline, clock.now());
  const seen = await venue.venue(samples, times.answerBy(clock.now()) - clock.now());
  tellVenue(seen, around);
  const told: Told[] = [];
  let isBanned = seen.state === 'banned';
  for (let start = 0; start < names.length; start += TOGETHER) {
    const why = isBanned ? 'the address is banned' : clock.now() >= times.takeUntil ? 'there was no time left' : '';
    const some = names.slice(start, start + TOGETHER);
    const looked = await Promise.all(
      some.map(async (account) => (why === '' ? lookAt(account, around, times) : notAsked(account, why))),
    );
    for (const one of looked) tellAccount(one, around);
    told.push(...looked);
    if (why === '' && told.length < names.length) await clock.sleep(Math.min(APART_MS, times.takeUntil - clock.now()));
    isBanned ||= around.isEgressFixed && looked.some(({ look }) => look?.state === 'banned');
  }
  return { venue: seen.state, accounts: Object.fromEntries(told.map(({ account, code }) => [account, code])) };
}

function notAsked(account: string, why: string): Told {
  return { account, code: 'NOT_ASKED', detail: `the venue was not asked: ${why}` };
}

async function lookAt(account: string, { accounts, venue, clock }: Around, { answerBy }: Budget): Promise<Told> {
  const reading = await accounts.read(account);
  if (reading.kind !== 'account') return { account, code: UNREAD[reading.kind], detail: reading.detail };
  const look = await venue.account(reading.account, answerBy(clock.now()));
  const [first] = look.findings;
  return { account, code: first?.code ?? '', detail: saidOf(first), look };
}

/** Why an account could not even be asked about. */
const UNREAD: Readonly<Record<Exclude<AccountReading['kind'], 'account'>, string>> = {
  unknown: 'SECRET_MISSING',
  unreadable: 'SECRET_UNREADABLE',
  unavailable: 'SECRET_UNAVAILABLE',
};

function saidOf(finding: Finding | undefined): string {
  return finding === undefined ? '' : [finding.said, finding.next].filter(Boolean).join('. ');
}

function tellVenue(look: VenueLook, { log, measure, venue: { name: venue } }: Around): void {
  const { state, findings, clockOffsetMs, tookMs } = look;
  const troubles = findings.filter(({ level }) => level === 'trouble');
  const notable = findings.filter(({ level }) => level !== 'good');
  log(troubles.length > 0 ? 'error' : 'info', 'venue probed', {
    ...{ venue, state, clockOffsetMs },
    ...{ p50Ms: quantile(tookMs, 0.5), p95Ms: quantile(tookMs, 0.95), samples: tookMs.length },
    ...(notable.length === 0 ? {} : { codes: notable.map(({ code }) => code).join(' ') }),
    ...(notable.length === 0 ? {} : { detail: notable.map(saidOf).join(' | ') }),
  });
  // It ran: whatever the venue says, the probe is not silent.
  measure('Probes', 1);
  // A ban is ours alone; to the others the venue is there.
  measure('VenueUnavailable', state === 'open' || state === 'banned' ? 0 : 1);
  if (clockOffsetMs !== undefined) measure('ClockOffsetMs', clockOffsetMs);
  for (const ms of tookMs) measure('ProbeLatencyMs', ms);
}

function tellAccount({ account, code, detail, look }: Told, { log, measure, venue: { name: venue } }: Around): void {
  const isGood = look?.state === 'good';
  const { foreign, tookMs } = look ?? {};
  log(isGood ? 'info' : 'error', 'probed', {
    ...{ account, venue, outcome: look?.state ?? 'unread', code, detail },
    ...{ tookMs, foreignUse: foreign?.used, limit: foreign?.limit },
  });
  measure(isGood ? 'Probes' : 'ProbeFailures', 1, { account });
  if (foreign !== undefined) measure('ForeignUse', foreign.used, { account });
}

/** The smallest of the values that so many are not above; undefined where there are none. */
export function quantile(values: readonly number[], part: number): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * part) - 1)];
}
