// A dead letter's intent, wanted after all: a new intent, with a life and a price decision of its own. Pure.
// Promises that whoever replays one letter makes the same id, so that SQS and the venue take it once; and that the
// original is looked up before it is sent (replayOf), so that nothing trades twice.
import { createHash } from 'node:crypto';
import type { OrderIntent, PlaceIntent } from './intent.ts';
import { MAX_LIFETIME_MS } from './admit.ts';
import type { Certainty } from './reason.ts';

export interface Replay {
  readonly original: OrderIntent;
  /** The SQS message id of the dead letter. */
  readonly letterId: string;
  /** The letter's reason, and what it says of the original; one without a reason is `unknown`. */
  readonly reason: string;
  readonly certainty: Certainty;
  readonly now: number;
  /** How long the new intent lives, ms; more than 0, at most 10 minutes. */
  readonly lifeMs: number;
  /** The price decided now, for an order that has one; `same` repeats the old one knowingly. */
  readonly price?: string;
  /** The collar decided now. The old one's reference price is as old as the letter, and is never taken over. */
  readonly collar?: PlaceIntent['collar'];
  /** Needed for an original whose order may exist: somebody has looked at the venue. */
  readonly isUnknownAccepted?: boolean;
}

export type Replayed =
  | { readonly kind: 'intent'; readonly intent: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly detail: string };

/**
 * The id of the one replay of a letter: 32 letters and digits out of the original id and the letter's message id.
 * Two letters of one original, as after a replay that died itself, have two.
 */
export function replayId(originalId: string, letterId: string): string {
  return `r${createHash('sha256').update(`${originalId}\n${letterId}`).digest('hex').slice(0, 31)}`;
}

/**
 * Makes the new intent; it goes through `parse` like any other when it is sent.
 * Refuses a cancel, the letter of a redriven or otherwise foreign message (its intent has a letter or a trade of its own), a
 * replay of a replay that may exist, a missing price decision and a life out of bounds.
 */
export function replay(wish: Replay): Replayed {
  const { original, letterId, reason, certainty, now, lifeMs, price, collar } = wish;
  const refused = (detail: string): Replayed => ({ kind: 'refused', detail: `intent ${original.id}: ${detail}` });
  if (original.action !== 'place') {
    return refused(`a ${original.action} is not replayed; look at the order and send a new ${original.action}`);
  }
  if (certainty === 'unknown' && wish.isUnknownAccepted !== true) {
    return refused('its order may exist; look for the id on the venue, then say that you did');
  }
  if (reason.endsWith('_MISMATCH')) {
    return refused("its letter is about a message that was not the intent's own; replay the letter of that one");
  }
  // One id is looked up, and two may exist.
  if (certainty === 'unknown' && original.replayOf !== undefined) {
    return refused(`it is a replay of ${original.replayOf} itself, and either may exist; send a new intent by hand`);
  }
  if (!(lifeMs > 0 && lifeMs <= MAX_LIFETIME_MS)) {
    return refused(`a life of ${lifeMs} ms is not above 0 and at most ${MAX_LIFETIME_MS}`);
  }
  const isPriced = 'price' in original;
  if (isPriced && price === undefined) {
    return refused(`its price of ${original.price} was decided at ${original.createdAt}; say a price, or "same"`);
  }
  if (!isPriced && price !== undefined) return refused('a market order has no price; leave it out');
  const kept = Object.entries(original).filter(([field]) => field !== 'collar');
  return {
    kind: 'intent',
    intent: {
      ...Object.fromEntries(kept),
      id: replayId(original.id, letterId),
      // Of a replay that certainly did not trade, the first original is what may.
      replayOf: original.replayOf ?? original.id,
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + lifeMs).toISOString(),
      ...(isPriced && price !== 'same' ? { price } : {}),
      ...(collar === undefined ? {} : { collar }),
    },
  };
}
