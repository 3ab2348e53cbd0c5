// What an examination of an exchange and an account finds, each with the next step, and what a venue's doctor can be asked.
// Types, and the findings that have nothing to do with any one venue. A finding never holds a key, secret or memo.

/** good: as it should be · note: to be known, or not to be told from here · trouble: orders would fail, or nothing is proven. */
export type Level = 'good' | 'note' | 'trouble';

export interface Finding {
  /** What was looked at: network, clock, service, trading, secret, key, signature, address, permissions, limit, mandate. */
  readonly check: string;
  readonly level: Level;
  readonly code: string;
  readonly said: string;
  /** What to do. */
  readonly next?: string;
}

/** What a finding of this code means in general; the docs are made of it. */
export interface FindingRow {
  readonly check: string;
  readonly level: Level;
  readonly means: string;
  readonly next?: string;
}

/** Makes findings by a table: `said` is this case's; level and next step are the table's unless `more` says otherwise. */
export function findingBy<Table extends Readonly<Record<string, FindingRow>>>(table: Table) {
  return (
    code: keyof Table & string,
    said: string,
    more: { readonly level?: Level; readonly next?: string } = {},
  ): Finding => {
    const { check, level, next }: FindingRow = table[code] as FindingRow;
    return { check, level, code, said, ...(next === undefined ? {} : { next }), ...more };
  };
}

/** What the account's secret says, the mandate left out; it need not be stored yet. */
export interface Subject {
  readonly account: string;
  readonly secret: Readonly<Record<string, unknown>>;
}

export interface Examination {
  /** Sends nothing but reads: what a key may trade then stays untold. */
  readonly readsOnly?: boolean;
  /** The functions run on another machine than this one: their address and their clock are not those seen here. */
  readonly isElsewhere?: boolean;
}

/**
 * A venue's own examiner. Few requests, one after the other, each paced like any other; places nothing, and asks nothing
 * more once the venue says that it is too much. Never throws.
 */
export interface Doctor {
  /** Where the venue is asked. */
  readonly hosts: readonly string[];
  /** The venue alone: clock, service, trading. */
  exchange(): Promise<readonly Finding[]>;
  /** One account there, by its key: secret, signature, permissions, address, limit. */
  account(subject: Subject, how?: Examination): Promise<readonly Finding[]>;
}

/** What is found of network, secret and mandate, whatever the venue. */
export const commonFindings = {
  NETWORK_GOOD: { check: 'network', level: 'good', means: 'The host resolves and takes connections.' },
  NAME_UNRESOLVED: {
    check: 'network',
    level: 'trouble',
    means: 'DNS gives no address for the host.',
    next: 'Look at the network and DNS of this machine, then at the URL in the settings.',
  },
  HOST_UNREACHABLE: {
    check: 'network',
    level: 'trouble',
    means: 'The host has an address and takes no connection.',
    next: 'Look at the network, firewall and proxy of this machine; then whether the exchange is up at all.',
  },
  SEEN_FROM_HERE: {
    check: 'network',
    level: 'note',
    means: "Network, clock and address are this machine's; the functions of a deployed stack have others.",
    next: "Read network, clock and address findings as this machine's; a key may be bound to the functions' address alone.",
  },
  SECRET_UNREADABLE: {
    check: 'secret',
    level: 'trouble',
    means: 'The stored secret is not a JSON object.',
    next: 'Store it anew with `desk account rotate`.',
  },
  VENUE_NOT_ALLOWED: {
    check: 'secret',
    level: 'trouble',
    means: 'The account is on a venue, or in an environment of it, that the stage does not allow.',
    next: 'Correct venue and environment in the secret, or VENUES and ENVIRONMENTS of the stage.',
  },
  MANDATE_GOOD: { check: 'mandate', level: 'good', means: 'The account may trade as far as its mandate goes.' },
  MANDATE_HOLDS_BACK: {
    check: 'mandate',
    level: 'note',
    means: 'The mandate holds orders back: halted, reducing or in shadow mode.',
    next: 'Nothing, if that is wanted; else change it with `desk resume` or `desk account mandate`.',
  },
  MANDATE_UNREADABLE: {
    check: 'mandate',
    level: 'trouble',
    means: 'The mandate cannot be read, so nothing is traded.',
    next: 'Write it with `desk account mandate`.',
  },
} as const satisfies Readonly<Record<string, FindingRow>>;
