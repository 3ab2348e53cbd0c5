// What is counted and measured, as one table, and how it gets to CloudWatch: lines of its embedded metric format on stdout.
// Collected in memory during an invocation and written at its end, also of one that fails; a function that is killed in
// the middle loses what it had. Best effort: nothing here throws, waits for a network, or changes what becomes of an order.
import type { Metrics as Powertools } from '@aws-lambda-powertools/metrics';

/** The namespace of every metric. */
export const NAMESPACE = 'TradingBot';

export interface Row {
  readonly unit: 'Count' | 'Milliseconds' | 'None';
  /** account: a set of its own for each account; venue: for each venue; stage: none beside the stage's. */
  readonly by: 'account' | 'venue' | 'stage';
  /** One more set, of the stage and this. */
  readonly and?: 'outcome' | 'reason';
  /** Written only where something is wrong. */
  readonly isTrouble?: true;
  /** Its size counts, whichever way it goes. */
  readonly isSize?: true;
  readonly writtenBy: string;
  readonly meaning: string;
  /** Slugs of the alarms that look at it. */
  readonly alarms?: readonly string[];
}

export const metrics = {
  Intents: {
    unit: 'Count',
    by: 'account',
    and: 'outcome',
    writtenBy: 'execute',
    meaning:
      'Intents that left the queue, each once: acknowledged or buried, and told. outcome is the status of the report; misdirected where there is a letter and no report',
  },
  DecisionToSendMs: {
    unit: 'Milliseconds',
    by: 'account',
    writtenBy: 'execute',
    meaning:
      "From the intent's createdAt to the moment its request was written; the last one where several were. The first by the producer's clock, the second by Lambda's: what the two differ by is in it",
    alarms: ['slow-decisions'],
  },
  SendToAckMs: {
    unit: 'Milliseconds',
    by: 'account',
    writtenBy: 'execute',
    meaning: "From the request of an intent being written to the venue's whole answer being read; by one clock",
  },
  RateLimitUse: {
    unit: 'None',
    by: 'account',
    writtenBy: 'all',
    meaning:
      "Of a documented limit, the part that was used up, 1 being all of it, as the venue's usage headers say with each answer. Limits below 20 requests are left out: one request is too large a part of them",
    alarms: ['near-limit'],
  },
  Lookups: {
    unit: 'Count',
    by: 'account',
    writtenBy: 'all',
    meaning: 'Requests that looked something up for an account: orders, fills, balances',
  },
  Unresolved: {
    unit: 'Count',
    by: 'account',
    isTrouble: true,
    writtenBy: 'execute, reconcile',
    meaning: 'Intents that were told as unresolved: nobody can prove whether they were executed',
    alarms: ['unresolved'],
  },
  UnresolvedAgeMs: {
    unit: 'Milliseconds',
    by: 'account',
    isTrouble: true,
    writtenBy: 'execute',
    meaning:
      'Of an intent that may have been sent and is put back or told without proof: how long ago it was first delivered',
  },
  DeadLetters: {
    unit: 'Count',
    by: 'account',
    and: 'reason',
    isTrouble: true,
    writtenBy: 'execute, reconcile',
    meaning:
      'Dead letters that the queue has taken. What SQS itself moves there after too many receives is not among them',
  },
  SecretRefreshes: {
    unit: 'Count',
    by: 'account',
    writtenBy: 'all',
    meaning: 'Readings of an account secret from Secrets Manager: its lifetime was over, or its key was refused',
  },
  ClockOffsetMs: {
    unit: 'Milliseconds',
    by: 'venue',
    isSize: true,
    writtenBy: 'all',
    meaning: "How far our clock is from the venue's, ahead or behind; give or take half a round trip",
    alarms: ['clock-offset'],
  },
  Bans: {
    unit: 'Count',
    by: 'account',
    isTrouble: true,
    writtenBy: 'all',
    meaning: 'Answers that say that an account or an address is banned: HTTP 418, and pages of the firewall',
    alarms: ['banned'],
  },
  AuthenticationRefusals: {
    unit: 'Count',
    by: 'account',
    isTrouble: true,
    writtenBy: 'all',
    meaning: 'Answers that refuse the key, its signature or its permissions',
    alarms: ['key-refused'],
  },
  Probes: {
    unit: 'Count',
    by: 'account',
    writtenBy: 'probe',
    meaning: 'Probes that ran, and accounts that were probed and answered as they should',
    alarms: ['probe-silent'],
  },
  ProbeFailures: {
    unit: 'Count',
    by: 'account',
    isTrouble: true,
    writtenBy: 'probe',
    meaning: 'Accounts that were probed and not answered as they should be',
  },
  ProbeLatencyMs: {
    unit: 'Milliseconds',
    by: 'venue',
    writtenBy: 'probe',
    meaning: "The venue's time to answer the probe, each sample",
  },
  VenueUnavailable: {
    unit: 'Count',
    by: 'venue',
    writtenBy: 'probe',
    meaning: '1 where the venue is under maintenance, does not answer, or has wound down; else 0',
    alarms: ['venue-unavailable'],
  },
  ForeignUse: {
    unit: 'Count',
    by: 'account',
    writtenBy: 'probe',
    meaning: 'Requests in the window of a limit that were counted and were not ours, by the usage headers',
  },
} as const satisfies Readonly<Record<string, Row>>;

export type MetricName = keyof typeof metrics;

/** What a value is about. An account is one that has a secret: a name that anybody may send would make a metric of its own. */
export interface About {
  readonly account?: string | undefined;
  readonly outcome?: string;
  readonly reason?: string;
}

/** Notes a value. Never throws. */
export type Measure = (name: MetricName, value: number, about?: About) => void;

/** For whoever has nobody to tell. */
export const unmeasured: Measure = () => undefined;

export interface Metrics {
  readonly measure: Measure;
  /** Writes what was noted since the last time. Never rejects. */
  readonly flush: () => Promise<void>;
}

export interface MetricsOptions {
  readonly stage: string;
  readonly venue: string;
  /** false leaves out the sets of single accounts, which cost the most. */
  readonly isPerAccount: boolean;
  /** Writes one line. */
  readonly write: (line: string) => void;
  /** Is told of what could not be written. */
  readonly failed: (detail: string) => void;
  /** Loads the library; it is not read before the first flush, so that no start waits for it. */
  readonly load?: () => Promise<{ readonly Metrics: typeof Powertools }>;
}

/** Of one metric in one record; the format takes 100, and at 100 the library writes by itself. */
const MOST_VALUES_A_RECORD = 99;
/** In one invocation: a batch of ten orders comes to about a hundred. */
const MOST_VALUES = 5000;

type Dimensions = Readonly<Record<string, string>>;
/** What goes out together: the sets of dimensions, beside the stage, that its metrics are counted under. */
interface Group {
  readonly sets: readonly Dimensions[];
  readonly values: Map<MetricName, number[]>;
}

/** Metrics of one environment. */
export function emfMetrics(options: MetricsOptions): Metrics {
  const { write, failed, load = () => import('@aws-lambda-powertools/metrics') } = options;
  const groups = new Map<string, Group>();
  let count = 0;
  let dropped = 0;
  let powertools: Powertools | undefined;
  const note = (name: MetricName, value: number, sets: readonly Dimensions[]): void => {
    const key = JSON.stringify(sets);
    const group = groups.get(key) ?? { sets, values: new Map<MetricName, number[]>() };
    groups.set(key, group);
    const values = group.values.get(name);
    // A count is a sum, and one number says it.
    if (values !== undefined && metrics[name].unit === 'Count') values[0] = (values[0] ?? 0) + value;
    else if (values === undefined) group.values.set(name, [value]);
    else values.push(value);
  };
  return {
    measure: (name, given, about = {}) => {
      count += 1;
      if (!Number.isFinite(given) || count > MOST_VALUES) {
        dropped += 1;
        return;
      }
      const row: Row = metrics[name];
      const value = row.isSize === true ? Math.abs(given) : given;
      note(name, value, setsOf(row, about, options));
      const more = row.and === undefined ? undefined : about[row.and];
      if (row.and !== undefined && more !== undefined) note(name, value, [{ [row.and]: more }]);
    },
    flush: async () => {
      const taken = [...groups.values()];
      const lost = dropped;
      groups.clear();
      count = dropped = 0;
      if (lost > 0) failed(`${lost} values were left out: more than ${MOST_VALUES} in one invocation, or no numbers`);
      if (taken.length === 0) return;
      try {
        powertools ??= new (await load()).Metrics({ namespace: NAMESPACE });
        for (const group of taken) for (const line of linesOf(group, options.stage, powertools)) write(line);
      } catch (error) {
        // It may hold half a record, which must not get into the next one.
        powertools = undefined;
        failed(error instanceof Error ? `${error.name}: ${error.message}` : 'an error that is no Error');
      }
    },
  };
}

/** One number for the whole stage, which alarms look at, and one for whom it is about. */
function setsOf({ by }: Row, { account }: About, { venue, isPerAccount }: MetricsOptions): readonly Dimensions[] {
  if (by === 'venue') return [{}, { venue }];
  return by === 'account' && isPerAccount && account !== undefined ? [{}, { account, venue }] : [{}];
}

/** The lines of one group: several where a metric has more values than one record takes. */
function linesOf({ sets, values }: Group, stage: string, powertools: Powertools): readonly string[] {
  const longest = Math.max(...[...values.values()].map((each) => each.length));
  const lines: string[] = [];
  for (let start = 0; start < longest; start += MOST_VALUES_A_RECORD) {
    // The library's own dimension, the service, is no use here: each set more is a metric more to pay for.
    powertools.clearDefaultDimensions();
    powertools.setDefaultDimensions({ stage });
    for (const set of sets) powertools.addDimensions(set);
    for (const [name, all] of values) {
      for (const value of all.slice(start, start + MOST_VALUES_A_RECORD)) {
        powertools.addMetric(name, metrics[name].unit, value);
      }
    }
    lines.push(JSON.stringify(powertools.serializeMetrics()));
    powertools.clearMetrics();
    powertools.clearDimensions();
  }
  return lines;
}
