// A dead letter's intent, wanted after all: a new intent, with a life and a price decision of its own. Pure.
// Promises that all replays of one original have one id, whoever makes them, of whichever of its letters, and whenever; and
// that both ids, this one and the original's, are looked up before it is sent, so that nothing trades twice.
import { createHash } from 'node:crypto';
import { MAX_LIFETIME_MS, type OrderIntent, type PlaceIntent } from './intent.ts';
import type { Certainty } from './reason.ts';

export interface Replay {
  readonly original: OrderIntent;
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
  /** For a stack whose time is scaled, ms; 2 minutes otherwise. */
  readonly settlesWithinMs?: number;
}

export type Replayed =
  | { readonly kind: 'intent'; readonly intent: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly detail: string };

/**
 * After its expiry an intent may trade for this long: a request signed before it counts for a minute by the venue's clock,
 * shows a few seconds later, and clocks are off by some.
 */
const SETTLES_WITHIN_MS = 120_000;
/** SQS drops a second message with the same deduplication id for so long, without a word. */
const DEDUPLICATED_FOR_MS = 300_000;

/** The id of all replays of an original: 32 letters and digits. Ids are unique within an account, and so is this one. */
export function replayId(originalId: string): string {
  return `r${createHash('sha256').update(originalId).digest('hex').slice(0, 31)}`;
}

/**
 * Makes the new intent; it goes through `parse` like any other when it is sent. The replay of a replay is the same one
 * again, with another life: it has the same two ids to look up.
 * Refuses a cancel, the letter of a redriven or otherwise foreign message (its intent has a letter or a trade of its own),
 * an original that may still trade by itself, a missing price decision and a life out of bounds.
 */
export function replay(wish: Replay): Replayed {
  const { original, reason, certainty, now, lifeMs, price, collar } = wish;
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
  const first = original.replayOf ?? original.id;
  // Two ids are looked up, and here there would be three.
  if (original.replayOf !== undefined && original.id !== replayId(first)) {
    return refused(`it is a replay of ${first} that was made by hand, and so has to be its own; send a new intent`);
  }
  const settlesAt = settledAt(wish);
  if (now < settlesAt) {
    return refused(`it may still trade by itself until ${new Date(settlesAt).toISOString()}; replay it after that`);
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
      id: replayId(first),
      replayOf: first,
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + lifeMs).toISOString(),
      ...(isPriced && price !== 'same' ? { price } : {}),
      ...(collar === undefined ? {} : { collar }),
    },
  };
}

/** From when on the original, and any message with the id of the replay, has done what it will do, ms. */
function settledAt({ original, settlesWithinMs = SETTLES_WITHIN_MS }: Replay): number {
  const takenUntil = original.replayOf === undefined ? 0 : Date.parse(original.createdAt) + DEDUPLICATED_FOR_MS;
  return Math.max(Date.parse(original.expiresAt), takenUntil) + settlesWithinMs;
}
