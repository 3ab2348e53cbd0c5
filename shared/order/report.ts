// What became of an intent: the venue's verdict, the report to the world, and what happens to the message.
// Immutable values; nothing here does anything.
import type { PlaceIntent } from './intent.ts';
import type { Certainty, ReasonCode } from './reason.ts';

/** What one request proved. Only `unknown` leaves open whether an order exists. */
export type Verdict =
  /** Without the venue's id where several orders went out together: which of its ids is whose is not said. */
  | { readonly kind: 'placed'; readonly venueOrderId?: string }
  /** An instruction took effect, or there was nothing left to do; `detail` says which. */
  | { readonly kind: 'done'; readonly detail?: string }
  /** The venue answered, and not what came of it: that shows as soon as any order does, or never. `detail`: what is odd about the answer. */
  | { readonly kind: 'taken'; readonly detail?: string }
  /** The target of a cancel or amend is not open: look it up to learn why. */
  | { readonly kind: 'finished'; readonly venueCode: string; readonly detail: string }
  /** The request was processed and is said to have come to no order; believed once the order is not seen. */
  | { readonly kind: 'failed'; readonly venueCode: string; readonly detail: string }
  /** The venue knows the client order id already: look it up. */
  | { readonly kind: 'duplicate'; readonly venueCode: string }
  | { readonly kind: 'refused'; readonly venueCode: string; readonly detail: string; readonly tradingOver: boolean }
  /** The credentials were refused; nothing was executed. `detail` says which of them to look at, never a value. */
  | { readonly kind: 'unauthorised'; readonly venueCode: string; readonly detail: string }
  /** Nothing was executed. `retryAfterMs`: when the limit is free again, where the venue tells it to the millisecond. */
  | {
      readonly kind: 'throttled';
      readonly venueCode: string;
      readonly detail: string;
      readonly retryAfterMs?: number;
    }
  /**
   * Nothing was executed, and nothing more may be asked for so long. `of`: the account, as far as anybody knows, or the address
   * that this process leaves by. `isBlocked`: the venue does not serve this country, and waiting will not help.
   */
  | {
      readonly kind: 'banned';
      readonly venueCode: string;
      readonly detail: string;
      readonly forMs: number;
      readonly of: 'account' | 'address';
      readonly isBlocked?: true;
    }
  /** Nothing was executed, and the same request may pass later. */
  | { readonly kind: 'unavailable'; readonly venueCode: string; readonly detail: string }
  /** Nothing was sent and nobody asked: its turn under the rate limit would have come too late for this invocation. */
  | { readonly kind: 'late'; readonly venueCode: string; readonly detail: string }
  /**
   * It may have been executed. `signedAt`: the timestamp in the request, ms, by our clock; `refusedAfterMs`: how much later
   * the venue takes it no more, by its own clock, where that is sooner than for other requests.
   */
  | {
      readonly kind: 'unknown';
      readonly venueCode: string;
      readonly detail: string;
      readonly signedAt: number;
      readonly refusedAfterMs?: number;
    };

export type Status =
  | 'accepted'
  | 'partially-filled'
  | 'filled'
  | 'canceled'
  | 'denied'
  | 'rejected'
  | 'expired'
  | 'malformed'
  | 'unresolved'
  | 'done';

/** Published to the reports queue, at least once; consumers are idempotent by (account, id, status, filledSize). */
export interface ExecutionReport {
  readonly id: string;
  readonly account: string;
  readonly status: Status;
  readonly action: string;
  readonly symbol?: string;
  readonly side?: string;
  readonly venueOrderId?: string;
  readonly reason?: ReasonCode;
  /** One sentence for a person. */
  readonly detail?: string;
  readonly filledSize?: string;
  readonly averagePrice?: string;
  readonly fee?: string;
  readonly feeCoin?: string;
  /** Of a canceled order: user, system, stp (self-trade prevention), or unknown where the venue does not say. */
  readonly cancelSource?: string;
  /** When it became known, UTC. */
  readonly at: string;
  /** From createdAt to `at`, in ms; 0 where the producer's clock is ahead. */
  readonly latencyMs?: number;
}

/** An accepted order on its way to those who follow it to its end. */
export interface PendingOrder {
  readonly intent: PlaceIntent;
  /** Absent until somebody has seen the order, where several went out together. */
  readonly venueOrderId?: string;
  readonly acceptedAt: string;
  /** The filled size that was reported last; absent before the first fill. */
  readonly toldSize?: string;
  /** Its end was seen, and what it takes to tell it could not be had: receives of this message are counted from there. */
  readonly isEnding?: true;
}

/** The copy of a message from which no trade came, with its reason; goes to dead.fifo. */
export interface DeadLetter {
  readonly body: string;
  readonly group: string;
  readonly sourceMessageId: string;
  readonly reason: ReasonCode;
  readonly certainty: Certainty;
  readonly detail: string;
  readonly attempts: number;
  readonly intentId?: string;
  readonly account?: string;
  readonly venueCode?: string;
}

/** What becomes of the message: `postpone` sets when it is seen again, `keep` lets its visibility timeout run on. */
export type Disposition =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'bury'; readonly letter: DeadLetter }
  | { readonly kind: 'postpone'; readonly seconds: number }
  | { readonly kind: 'keep' };

/** For how long an account that was throttled is left alone, s: what the venue said, and else as long as `backoff`. */
export function restSeconds({ retryAfterMs }: { readonly retryAfterMs?: number }, backoff: number): number {
  return retryAfterMs === undefined ? backoff : Math.min(60, Math.max(1, Math.ceil(retryAfterMs / 1000)));
}

/** A detail as it may travel in attributes and reports: printable ASCII, at most 512 characters, never empty. */
export function sentence(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?').trim();
  if (plain === '') return 'no detail';
  return plain.length > 512 ? `${plain.slice(0, 509)}...` : plain;
}
