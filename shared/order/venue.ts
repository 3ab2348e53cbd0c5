// The seam to an exchange: what a venue can be asked, and what it promises. Types only.
// A venue knows nothing of queues and secrets; it turns domain words into requests and answers into verdicts, and never
// retries, guesses or decides what an answer means for the intent: that is the execution's work.
import type { Decimal, Side } from './intent.ts';
import type { Instrument } from './instrument.ts';
import type { Mandate } from './mandate.ts';
import type { Verdict } from './report.ts';

/** An admitted order: exact decimals, rounded down, nothing optional. Only `admit` makes one. */
export type NewOrder = {
  readonly action: 'place';
  readonly id: string;
  readonly market: 'spot';
  readonly symbol: string;
  /** Nothing is sent after this, ms. */
  readonly expiresAt: number;
} & (
  | {
      readonly type: 'limit' | 'limit-maker' | 'ioc';
      readonly side: Side;
      readonly size: Decimal;
      readonly price: Decimal;
    }
  | { readonly type: 'market'; readonly side: 'sell'; readonly size: Decimal }
  | { readonly type: 'market'; readonly side: 'buy'; readonly notional: Decimal }
);

/** An admitted cancel of the order `target`. */
export interface Cancellation {
  readonly action: 'cancel';
  readonly id: string;
  readonly market: 'spot';
  readonly symbol: string;
  readonly target: string;
  readonly expiresAt: number;
}

/** What may be sent. */
export type Admitted = NewOrder | Cancellation;

/** The account as a venue sees it. `credentials` is a shape per venue, read by the venue itself. */
export interface TradingAccount<Credentials = unknown> {
  readonly name: string;
  readonly credentials: Credentials;
  readonly mandate: Mandate;
}

/** An order as the venue tells it. `undefined` where the venue said nothing that can be compared. */
export interface VenueOrder {
  readonly venueOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly type: string;
  readonly price?: string;
  readonly size?: string;
  readonly notional?: string;
  readonly state: 'open' | 'partially-filled' | 'filled' | 'canceled' | 'rejected';
  /** In base coin. */
  readonly filledSize: string;
  readonly averagePrice?: string;
}

/** The answer to a look-up. `nothing` is not yet proof of absence. */
export type Sighting =
  | { readonly kind: 'found'; readonly order: VenueOrder }
  | { readonly kind: 'nothing' }
  | Exclude<Verdict, { readonly kind: 'placed' | 'done' | 'duplicate' | 'finished' }>;

/** Best prices; undefined where that side is empty. */
export interface Book {
  readonly bid?: Decimal;
  readonly ask?: Decimal;
}

/** What a venue promises about orders, as data; sources stand where a venue fills it in. */
export interface Promises {
  /** always: an id is refused even after its order closed. whileOpen: only as long as the order rests. */
  readonly refusesRepeatedIds: 'never' | 'whileOpen' | 'always';
  /** How long after creation an order is sure to be found, whatever became of it. */
  readonly answersLookupsForMs: number;
  /** A request signed longer ago than this, by the venue's clock, is never executed. */
  readonly refusesTimestampsAfterMs: number;
  /** An executed order shows in look-ups within this time. */
  readonly showsOrdersWithinMs: number;
  /** booking: an answer means the order exists. acceptance: it may still be rejected. */
  readonly acknowledges: 'booking' | 'acceptance';
}

export interface Venue {
  readonly name: string;
  readonly promises: Promises;
  /** Sends one order, paced. `deadline`: by when the answer must be in, ms on our clock. Never throws. */
  submit(account: TradingAccount, order: NewOrder, deadline: number): Promise<Verdict>;
  cancel(account: TradingAccount, cancellation: Cancellation, deadline: number): Promise<Verdict>;
  /** Looks among open orders, then among past ones, for the client order id. Never throws. */
  find(
    account: TradingAccount,
    query: { readonly id: string; readonly symbol: string },
    deadline: number,
  ): Promise<Sighting>;
  /** The venue's own time, ms; undefined where it cannot be had. */
  time(deadline: number): Promise<number | undefined>;
  /** `unknown`: the venue does not list the symbol. undefined: the rules cannot be had now; the venue judges. */
  instrument(symbol: string, deadline: number): Promise<Instrument | 'unknown' | undefined>;
  book(symbol: string, deadline: number): Promise<Book | undefined>;
  /** Returns when the last request of this account is one pacing interval old. */
  hold(account: TradingAccount): Promise<void>;
}
