// What a venue shows to a probe: whether orders would pass now, for it and for an account there. Asks nothing.
// A probe reads, seldom and little; what it saw may be over the next moment, and no order waits for it.
import type { Finding } from './finding.ts';
import type { TradingAccount } from './venue.ts';

export interface VenueLook {
  /**
   * maintenance: under way · over: nothing is traded there any more · banned: nothing more may be asked from this address ·
   * unanswered: no answer, or one that cannot be read
   */
  readonly state: 'open' | 'maintenance' | 'over' | 'banned' | 'unanswered';
  readonly findings: readonly Finding[];
  /** How far our clock is ahead of the venue's; absent where it did not tell its time. */
  readonly clockOffsetMs?: number;
  /** How long each answer of its clock took. */
  readonly tookMs: readonly number[];
}

export interface AccountLook {
  /** refused: the venue does not take this key from here · failed: it said something else, or nothing */
  readonly state: 'good' | 'refused' | 'banned' | 'failed';
  /** Of a ban: it is the address's, so that no account of this venue is asked any more. */
  readonly isOfAddress?: true;
  /** The first says why it is not good. */
  readonly findings: readonly Finding[];
  readonly tookMs: number;
  /** Requests within the window of the limit that were not ours, and the limit; absent where the answer did not tell. */
  readonly foreign?: { readonly used: number; readonly limit: number };
}

/** Few requests, each paced like any other. Never throws for what a venue answers. */
export interface Prober {
  /** The venue's name, with the environment behind it where that is not live. */
  readonly name: string;
  /** The venue alone: service, trading and clock. @param answerMs how long one answer may take */
  venue(samples: number, answerMs: number): Promise<VenueLook>;
  /**
   * One signed read, of no consequence. Nobody holds its tail: firings and Lambda's retries are a minute apart, and no limit is
   * counted over so long. @param answerBy ms
   */
  account(account: TradingAccount, answerBy: number): Promise<AccountLook>;
}

/** Looks at a venue's clock: how far ours is ahead by each, and how long it took; and why there are no more of them. */
export interface Looks {
  readonly looks: readonly { readonly aheadMs: number; readonly tookMs: number }[];
  readonly failed?: Finding;
}

/** What was found of a venue, with its clock by the quickest look, which tells it best. */
export function venueLook(
  found: readonly Finding[],
  { looks, failed }: Looks,
  clockFinding: (aheadMs: number, tookMs: number) => Finding,
  stateOf: (findings: readonly Finding[]) => VenueLook['state'],
): VenueLook {
  const [quickest] = looks.toSorted((a, b) => a.tookMs - b.tookMs);
  const findings = [
    ...found,
    ...(quickest === undefined ? [] : [clockFinding(quickest.aheadMs, quickest.tookMs)]),
    // One answer of several that was lost is an answer's bad luck, and none of the exchange.
    ...(failed === undefined ? [] : [quickest === undefined ? failed : { ...failed, level: 'note' as const }]),
  ];
  return {
    state: stateOf(findings),
    findings,
    ...(quickest === undefined ? {} : { clockOffsetMs: Math.round(quickest.aheadMs) }),
    tookMs: looks.map(({ tookMs }) => tookMs),
  };
}
