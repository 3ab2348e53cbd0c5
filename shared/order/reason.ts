// Why an intent came to no trade: one table of codes, for dead letters, reports, alarms and the docs.
// Each row says how certain it is that no order exists, what it means, and what to do next.

/** not-sent: nothing left this house · refused: the venue said no · unknown: an order may exist. */
export type Certainty = 'not-sent' | 'refused' | 'unknown';

interface Reason {
  readonly certainty: Certainty;
  readonly meaning: string;
  readonly next: string;
}

export const reasons = {
  MALFORMED: {
    certainty: 'not-sent',
    meaning: 'The message body is not a valid intent.',
    next: 'Correct the fields that the detail names and send a new intent.',
  },
  GROUP_MISMATCH: {
    certainty: 'not-sent',
    meaning: "The MessageGroupId is not the intent's account.",
    next: 'Send with MessageGroupId = account, so that one batch of an account is in flight at a time.',
  },
  DEDUPLICATION_MISMATCH: {
    certainty: 'not-sent',
    meaning: "The MessageDeduplicationId is not the intent's id. A redriven dead letter looks like this too.",
    next: 'Send with MessageDeduplicationId = id; replay a dead letter as a new intent with replayOf.',
  },
  ID_REUSED: {
    certainty: 'refused',
    meaning: 'The venue knows an order with this id, and it is not the order of this intent.',
    next: 'Send a new intent with an id of its own.',
  },
  INTENT_EXPIRED: {
    certainty: 'not-sent',
    meaning: 'expiresAt passed before the order could be sent.',
    next: 'Decide anew at the present price; look at queue age and account state if this repeats.',
  },
  CREATED_IN_FUTURE: {
    certainty: 'not-sent',
    meaning: 'createdAt lies more than 5 seconds ahead.',
    next: "Set the producer's clock.",
  },
  LIFETIME_TOO_LONG: {
    certainty: 'not-sent',
    meaning: 'expiresAt lies more than 10 minutes ahead, or createdAt more than 20 minutes back.',
    next: 'Send a new intent with a nearer expiresAt; a resting order outlives its intent.',
  },
  ACCOUNT_UNKNOWN: {
    certainty: 'not-sent',
    meaning: 'There is no secret for this account.',
    next: 'Create the secret, or correct the account name.',
  },
  MANDATE_UNREADABLE: {
    certainty: 'not-sent',
    meaning: "The account's secret or its mandate cannot be read, which means no trading.",
    next: 'Correct the fields that the detail names in the secret.',
  },
  TRADING_HALTED: {
    certainty: 'not-sent',
    meaning: 'The account is halted: only cancels, and arming the dead-man switch, pass.',
    next: 'Resume the account in its mandate when the cause is gone.',
  },
  TRADING_REDUCING: {
    certainty: 'not-sent',
    meaning: 'The account may only lower its exposure.',
    next: 'Set the mandate to active, or send only orders that reduce.',
  },
  SYMBOL_NOT_ALLOWED: {
    certainty: 'not-sent',
    meaning: "The mandate's list of symbols does not hold this one.",
    next: "Add the symbol to the account's mandate.",
  },
  NOTIONAL_ABOVE_MAXIMUM: {
    certainty: 'not-sent',
    meaning: "The order is worth more than the mandate's maxOrderNotional.",
    next: 'Send a smaller order, or raise the limit in the mandate.',
  },
  SYMBOL_UNKNOWN: {
    certainty: 'not-sent',
    meaning: 'The venue does not list this symbol.',
    next: 'Correct the symbol (BASE_QUOTE).',
  },
  SYMBOL_NOT_TRADING: {
    certainty: 'not-sent',
    meaning: 'The venue lists the symbol but takes no orders for it now.',
    next: 'Wait until it trades.',
  },
  SIZE_BELOW_MINIMUM: {
    certainty: 'not-sent',
    meaning: 'The size, rounded down to the step, is below the smallest size.',
    next: 'Send at least the size that the detail names.',
  },
  SIZE_ABOVE_MAXIMUM: {
    certainty: 'not-sent',
    meaning: 'The size is above the largest that the venue takes in one order.',
    next: 'Split the order, or send at most the size that the detail names.',
  },
  NOTIONAL_BELOW_MINIMUM: {
    certainty: 'not-sent',
    meaning: 'The order is worth less than the smallest value that the venue takes.',
    next: 'Send at least the size or notional that the detail names.',
  },
  PRICE_BELOW_STEP: {
    certainty: 'not-sent',
    meaning: 'The price, rounded down to the step, is zero.',
    next: 'Send at least the price that the detail names.',
  },
  PRICE_OUTSIDE_COLLAR: {
    certainty: 'not-sent',
    meaning: "The market, or the order's own price, is further from the reference price than the intent allows.",
    next: 'Decide anew at the present price.',
  },
  REPLAYED_ORDER_EXISTS: {
    certainty: 'not-sent',
    meaning: 'This is a replay, and the order of the original intent was placed after all.',
    next: 'Look at the original order; if it ended unfilled and is still wanted, send a new intent without replayOf.',
  },
  TARGET_NOT_FOUND: {
    certainty: 'not-sent',
    meaning: 'The venue shows no order with the id that is to be amended.',
    next: 'Correct target: it is the id of the intent that placed the order.',
  },
  VENUE_REFUSED: {
    certainty: 'refused',
    meaning: 'The venue refused the order; venueCode says why.',
    next: "Look the venue's code up in docs/codes.md, correct, and send a new intent.",
  },
  TRADING_OVER: {
    certainty: 'refused',
    meaning: 'The venue has ended trading.',
    next: 'Halt the account; nothing will trade there any more.',
  },
  UNRESOLVED: {
    certainty: 'unknown',
    meaning:
      'In all the time that is waited for a proof, nobody could prove whether the order exists, or what it came to.',
    next: 'Look for the id on the venue before anything else; nobody follows the order if it is there.',
  },
} as const satisfies Record<string, Reason>;

export type ReasonCode = keyof typeof reasons;

/** What SQS itself moved to the dead-letter queue carries no reason; this is how to read it. */
export const movedBySqs = {
  reason: 'RECEIVED_TOO_OFTEN',
  certainty: 'unknown',
  meaning: 'SQS moved the message after too many receives: it never came to an end, and its order may exist.',
  next: 'Look for the id on the venue before anything else; replay the letter or drop it only then.',
} as const;

/** What any reason that a letter can carry means, and what to do; of one that is not known here, that. */
export function explain(reason: string): Pick<Reason, 'meaning' | 'next'> {
  if (reason === movedBySqs.reason) return movedBySqs;
  if (Object.hasOwn(reasons, reason)) return reasons[reason as ReasonCode];
  return { meaning: 'This reason is not known here.', next: 'Look at the detail and the body of its letter.' };
}
