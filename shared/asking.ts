// What asking a venue is made of, whichever it is: answers and what is lost of them, when a request has to start, and what
// is refused before it leaves. Reads no body, signs nothing and decides nothing.
import type { Clock } from './clock.ts';
import type { HttpFailure } from './http.ts';
import type { Verdict } from './order/report.ts';
import type { Journey } from './order/venue.ts';
import type { Usage } from './pace.ts';

/** What came back. `code` is the venue's own, or a pseudo-code such as HTTP_429 where the body carries none. */
export interface Answer {
  readonly kind: 'answer';
  readonly code: string;
  readonly message: string;
  readonly data: unknown;
  readonly signedAt: number;
  readonly usage: Usage | undefined;
  readonly journey?: Journey;
}
/** No answer. `code` is TIMEOUT where the request may have arrived, CONNECT_FAILED where it cannot have, NOT_SENT where we did not send it. */
export interface Lost {
  readonly kind: 'lost';
  readonly code: 'TIMEOUT' | 'CONNECT_FAILED' | 'NOT_SENT';
  readonly message: string;
  readonly signedAt: number;
  readonly usage: undefined;
  /** Absent where not one byte was sent. */
  readonly journey?: Journey;
}
export type Reply = Answer | Lost;

export function lost(failure: HttpFailure, signedAt: number): Lost {
  const code = failure.reached ? 'TIMEOUT' : 'CONNECT_FAILED';
  const { reached, sentAt = signedAt } = failure;
  const journey = reached ? { journey: { sentAt } } : {};
  return { kind: 'lost', code, message: failure.detail, signedAt, usage: undefined, ...journey };
}

export function notSent(path: string, now: number): Lost {
  return { kind: 'lost', code: 'NOT_SENT', message: path, signedAt: now, usage: undefined };
}

/**
 * So long before its deadline a request has started, or is not sent: an answer over a new connection takes some tenths of
 * a second, and one that starts later may end unknown for nothing. Of a short deadline it is a third, but never below LEAST_MS.
 */
const ROUND_TRIP_MS = 500;
const LEAST_MS = 20;

export function startBy(clock: Clock, deadline: number): number {
  return deadline - Math.max(LEAST_MS, Math.min(ROUND_TRIP_MS, (deadline - clock.now()) / 3));
}

/** What a request that failed can have proved. */
export type Refusal = Exclude<Verdict, { readonly kind: 'placed' | 'done' | 'taken' | 'failed' }>;

/** We refused, nothing was sent. */
export function refusedHere(venueCode: string, detail: string): Verdict & { readonly kind: 'refused' } {
  return { kind: 'refused', venueCode, detail, tradingOver: false };
}

/** The answer to an instruction whose target is no id. */
export const NAMELESS = refusedHere('TARGET_MISSING', 'the target is no client order id; nothing was sent');

/** Fills are found by the venue's own id alone. */
export const NO_ORDER_ID = {
  kind: 'unavailable',
  venueCode: 'ORDER_ID_UNKNOWN',
  detail: "the venue's id of the order is not known, and its fills can be asked for by nothing else",
} as const;

/** Each row of an answer, read; undefined where one cannot be: half a list is none. */
export async function everyRow<Row, Content>(
  rows: readonly Row[] | undefined,
  read: (row: Row) => Promise<Content | undefined> | Content | undefined,
): Promise<readonly Content[] | undefined> {
  const contents = rows && (await Promise.all(rows.map(async (row) => read(row))));
  return contents?.every((content) => content !== undefined) ? contents : undefined;
}
