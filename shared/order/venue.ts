// The seam to an exchange: what a venue can be asked, and what it promises. Types only.
// A venue knows nothing of queues and secrets; it turns domain words into requests and answers into verdicts, and never
// retries, guesses or decides what an answer means for the intent: that is the execution's work.
import type { Decimal, Exit, MarginMode, Market, OrderType, SelfTradePrevention, Side } from './intent.ts';
import type { Instrument } from './instrument.ts';
import type { Mandate } from './mandate.ts';
import type { Verdict } from './report.ts';

/** An admitted order: exact decimals, rounded down. What is absent is left to the venue's default. Only `admit` makes one. */
export type NewOrder = {
  readonly action: 'place';
  readonly id: string;
  readonly symbol: string;
  readonly side: Side;
  readonly selfTradePrevention?: SelfTradePrevention;
  /** Nothing is sent after this, ms. */
  readonly expiresAt: number;
} & (
  | ({ readonly market: 'spot' | 'margin' } & (Priced | Sized | Spent))
  | ({ readonly market: 'futures' } & (Priced | Sized) & ContractTerms)
);
interface Priced {
  readonly type: Exclude<OrderType, 'market'>;
  /** In base coin, in every market. */
  readonly size: Decimal;
  readonly price: Decimal;
}
interface Sized {
  readonly type: 'market';
  readonly size: Decimal;
}
/** A market buy of spot: so much quote coin is spent. */
interface Spent {
  readonly type: 'market';
  readonly notional: Decimal;
}
interface ContractTerms {
  readonly reduceOnly: boolean;
  readonly leverage?: Decimal;
  readonly marginMode?: MarginMode;
  readonly takeProfit?: Exit;
  readonly stopLoss?: Exit;
}

/** What may be sent beside new orders: the same instruction twice, with nothing in between, leaves what once leaves. */
export type Instruction = { readonly id: string; readonly market: Market; readonly expiresAt: number } & (
  | { readonly action: 'cancel'; readonly symbol: string; readonly target: string }
  | { readonly action: 'cancel-all'; readonly symbol?: string; readonly side?: Side }
  /** Both numbers, the changed and the kept one, as they shall be. */
  | {
      readonly action: 'amend';
      readonly symbol: string;
      readonly target: string;
      readonly price: Decimal;
      readonly size: Decimal;
    }
  | {
      readonly action: 'set-leverage';
      readonly symbol: string;
      readonly leverage: Decimal;
      readonly marginMode: MarginMode;
    }
  | { readonly action: 'set-position-mode'; readonly positionMode: 'hedge' | 'one-way' }
  /** 0 turns the dead-man switch off. */
  | { readonly action: 'cancel-all-after'; readonly symbol: string; readonly timeoutSeconds: number }
);

/** What may be sent. */
export type Admitted = NewOrder | Instruction;

/** live: real money · demo: the venue's own practice with live prices · testnet: its copy for developers. */
export const ENVIRONMENTS = ['live', 'demo', 'testnet'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

/** The account as a venue sees it. `credentials` is a shape per venue, read by the venue itself. */
export interface TradingAccount<Credentials = unknown> {
  readonly name: string;
  /** The venue's name. */
  readonly venue: string;
  readonly environment: Environment;
  readonly credentials: Credentials;
  readonly mandate: Mandate;
}

/** Which order is looked for. With the venue's own id one question is enough where the client order id may need several. */
export interface OrderQuery {
  readonly id: string;
  readonly market: Market;
  readonly symbol: string;
  readonly venueOrderId?: string;
}

/** An order as the venue tells it. Absent where the venue said nothing that can be compared. Sizes in base coin. */
export interface VenueOrder {
  readonly venueOrderId: string;
  readonly market?: Market;
  readonly symbol: string;
  readonly side: Side;
  readonly type: string;
  readonly price?: string;
  readonly size?: string;
  readonly notional?: string;
  readonly state: 'open' | 'partially-filled' | 'filled' | 'canceled' | 'rejected';
  readonly filledSize: string;
  readonly filledNotional?: string;
  readonly averagePrice?: string;
  /** Who canceled it: the user, the system, self-trade prevention; absent where the venue does not say. */
  readonly cancelSource?: string;
  /** The venue's own word for why it was canceled or rejected: printable ASCII, at most 64 characters. */
  readonly reason?: string;
}

/** What the fills of an order come to, as many of them as the venue shows. */
export interface Fills {
  /** In base coin; 0 where there are none. */
  readonly size: string;
  /** Absent where there are none, or the venue does not tell each price. */
  readonly averagePrice?: string;
  /** What they cost together, in each coin that was paid in. A rebate is below 0. */
  readonly costs: readonly Cost[];
}
export interface Cost {
  readonly fee: string;
  readonly feeCoin: string;
}

/** The answer to a look-up. `nothing` is not yet proof of absence. */
export type Sighting =
  | { readonly kind: 'found'; readonly order: VenueOrder }
  | { readonly kind: 'nothing' }
  | Exclude<Verdict, { readonly kind: 'placed' | 'done' | 'taken' | 'duplicate' | 'finished' | 'failed' }>;

/** What a question showed that came to no answer. */
export type Unseen = Exclude<Sighting, { readonly kind: 'found' | 'nothing' }>;

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
  /** A request signed longer ago than this, by the venue's clock, is never executed: the most that any request allows. */
  readonly refusesTimestampsAfterMs: number;
  /** An executed order shows in look-ups within this time. */
  readonly showsOrdersWithinMs: number;
  /** booking: an answer means the order exists. acceptance: it may still be rejected, and may never have shown. */
  readonly acknowledges: 'booking' | 'acceptance';
  /** false: it may book another price than it was asked for, so that a price which differs tells nothing. */
  readonly keepsPrice: Readonly<Record<Market, boolean>>;
}

/** Orders of one market that go out in one request. */
export interface Together {
  /** 1: there is no such request. */
  readonly most: number;
  /** All of them are of one symbol. */
  readonly isOneSymbol: boolean;
}

/** How long a paced request may take, ms by our clock. What cannot keep to both is not sent, and nobody waits for it. */
export interface Times {
  /** By when its answer must be in. */
  readonly answerBy: number;
  /** When the invocation is stopped: `hold` returns before this. */
  readonly holdBy: number;
  /** Is told when a write was really sent, once its answer is in or known to be lost. */
  readonly sent?: (journey: Journey) => void;
}

/** `sentAt`: when the request was written, ms by our clock. `tookMs`: until the whole answer was read; absent where none came. */
export interface Journey {
  readonly sentAt: number;
  readonly tookMs?: number;
}

export interface Venue {
  readonly name: string;
  readonly promises: Promises;
  /** Sends one order, paced. Never throws. */
  submit(account: TradingAccount, order: NewOrder, times: Times): Promise<Verdict>;
  readonly together: Readonly<Record<Market, Together>>;
  /**
   * Sends several orders of one market in one request, as `together` allows.
   * @returns a verdict for each, in their order; the same for all where the venue tells no more. Never throws.
   */
  submitAll(account: TradingAccount, orders: readonly NewOrder[], times: Times): Promise<readonly Verdict[]>;
  /** Sends one instruction, paced. `finished`: its target is no longer open. Never throws. */
  instruct(account: TradingAccount, instruction: Instruction, times: Times): Promise<Verdict>;
  /** Looks among open orders, then among past ones; by the venue's own id where it is given. Never throws. */
  find(account: TradingAccount, query: OrderQuery, times: Times): Promise<Sighting>;
  /** What the fills of an order come to and cost, or why that cannot be had. Never throws. */
  fee(account: TradingAccount, query: OrderQuery, times: Times): Promise<Fills | Unseen>;
  /** The venue's own time, ms; undefined where it cannot be had. `deadline`, here and below: by when the answer must be in. */
  time(deadline: number): Promise<number | undefined>;
  /** `unknown`: the venue does not list the symbol. undefined: the rules cannot be had now; the venue judges. */
  instrument(market: Market, symbol: string, deadline: number): Promise<Instrument | 'unknown' | undefined>;
  book(market: Market, symbol: string, deadline: number): Promise<Book | undefined>;
  /** Returns when the last request of this account is one pacing interval old. */
  hold(account: TradingAccount): Promise<void>;
}
