// Where an order stands, in one sentence with what to do next: made of what reports, letters, logs and the exchange say.
// Promises never to call an order absent that may exist, and to tell an end only where one was told. Pure.
import { explain } from '../shared/order/reason.ts';
import type { Sighting } from '../shared/order/venue.ts';
import { amount } from './words.ts';

/** A status as a report or a log line told it. */
export interface Told {
  readonly at: string;
  readonly status: string;
  /** What was filled and what it cost, a detail: for people. */
  readonly words: string;
}

/** Why no trade came of it, as a letter or the log of its burial says. */
export interface Burial {
  readonly reason: string;
  readonly certainty: string;
  /** What was known when it was buried, such as for how long nobody could prove anything. */
  readonly detail?: string;
  readonly isOnQueue: boolean;
}

export interface Known {
  readonly id: string;
  /** In their order. */
  readonly told: readonly Told[];
  readonly burial: Burial | undefined;
  /** Of the last delivery, where it was put back; `isUnproven`: it may have been executed, and nobody knows yet. */
  readonly wait: { readonly why: string; readonly isUnproven: boolean } | undefined;
  /** Something was sent, by the log. */
  readonly isSent: boolean;
  /** What the exchange shows now; undefined where it was not asked. */
  readonly sighting: Sighting | undefined;
}

/** `ended`: nothing is left to do · `no-trade` · `resting` · `underway` · `unclear`: a person has to look. */
export interface Standing {
  readonly kind: 'ended' | 'no-trade' | 'resting' | 'underway' | 'unclear';
  readonly sentence: string;
}

const ENDS = ['filled', 'canceled', 'done'];
const FAILURES = ['denied', 'rejected', 'expired', 'malformed', 'unresolved'];

/** A report that came after an unresolved one corrects it. */
export function standingOf(known: Known): Standing {
  const { told, burial, id } = known;
  const end = told.findLast(({ status }) => ENDS.includes(status));
  if (end !== undefined) return { kind: 'ended', sentence: `It is ${end.words}. Nothing is left to do.` };
  // What was told last holds: an unresolved one may be corrected, and a message may be buried after its order was accepted.
  if (['accepted', 'partially-filled'].includes(told.at(-1)?.status ?? '')) return accepted(known);
  if (burial !== undefined) return buried(known, burial);
  const failure = told.findLast(({ status }) => FAILURES.includes(status));
  if (failure !== undefined) {
    const next = `Its letter is not on the queue any more, or cannot be seen now: desk dead show ${id}.`;
    if (failure.status === 'unresolved') return unclear(known, `What was told: ${failure.words}.`);
    return { kind: 'no-trade', sentence: `It came to no trade: ${failure.words}. ${next}` };
  }
  return untold(known);
}

/** @param said what is known, in sentences */
function unclear({ id, sighting }: Known, said: string): Standing {
  const seen = sighting?.kind === 'nothing' ? ' The look of just now showed none, which a second one should confirm.' : ''; // prettier-ignore
  const sentence = `NOBODY KNOWS whether an order exists: look for the id ${id} on the exchange before anything else.${seen} ${said}`;
  return { kind: 'unclear', sentence };
}

function buried(known: Known, { reason, certainty, detail, isOnQueue }: Burial): Standing {
  const { id, sighting } = known;
  const { meaning, next } = explain(reason);
  const letter = isOnQueue ? ` Its letter: desk dead show ${id}.` : '';
  if (sighting?.kind === 'found') {
    const { state, venueOrderId } = sighting.order;
    const sentence = `It was buried as ${reason} (${certainty}), and the exchange shows an order with its id: ${venueOrderId}, ${state}. Nobody follows that order: watch it or cancel it by hand.${letter}`;
    return { kind: 'unclear', sentence };
  }
  const why = detail === undefined ? meaning : `${detail}.`;
  if (certainty === 'unknown') return unclear(known, `It was buried as ${reason}: ${why} Next: ${next}${letter}`);
  const sentence = `It came to no trade: ${reason} (${certainty}). ${meaning} Next: ${next}${letter}`;
  return { kind: 'no-trade', sentence };
}

function accepted({ id, told, sighting }: Known): Standing {
  const last = `The last that was told is: ${told.at(-1)?.words ?? ''}.`;
  if (sighting === undefined) {
    return { kind: 'resting', sentence: `${last} It is followed to its end, which a report will tell.` };
  }
  if (sighting.kind === 'nothing') {
    const sentence = `${last} The exchange shows it no more under its id; its end is told with the next look at it.`;
    return { kind: 'underway', sentence };
  }
  if (sighting.kind !== 'found') {
    const sentence = `${last} The exchange could not be asked (${sighting.detail}); it is followed to its end all the same.`;
    return { kind: 'resting', sentence };
  }
  const { state, filledSize, size } = sighting.order;
  if (state !== 'open' && state !== 'partially-filled') {
    const sentence = `It is ${state} on the exchange, ${amount(filledSize)} filled; its last report comes with the next look at it.`;
    return { kind: 'underway', sentence };
  }
  const filled = `${amount(filledSize)}${size === undefined ? '' : ` of ${amount(size)}`} filled`;
  const sentence = `It rests on the exchange, ${filled}, and is followed to its end. To end it sooner, send a cancel with target ${id}.`;
  return { kind: 'resting', sentence };
}

/** No report and no letter can be seen: consumers may have taken them, but the log would have said so. */
function untold({ id, wait, isSent, sighting }: Known): Standing {
  if (sighting?.kind === 'found') {
    const { state, filledSize } = sighting.order;
    return {
      kind: 'underway',
      sentence: `The exchange shows an order with its id, ${state}, ${amount(filledSize)} filled, and nothing has been told of it yet: look again in three minutes.`,
    };
  }
  if (wait?.isUnproven === true) {
    return {
      kind: 'underway',
      sentence: `It may have been executed, and the answer was lost (${wait.why}). It is looked up by itself until that is proven, past its expiry too, or told as unresolved after unresolvedAfterSeconds, 15 minutes by default. Until then send nothing in its place.`,
    };
  }
  if (wait !== undefined) {
    return {
      kind: 'underway',
      sentence: `It waits on the intents queue (${wait.why}) and is taken up again by itself until it expires. Correct what that names, if anything; desk intents shows the queue.`,
    };
  }
  if (isSent) {
    return {
      kind: 'underway',
      sentence:
        'It was sent, and what came of it is not told yet; before it is sent again it is looked up. Look again in three minutes.',
    };
  }
  return { kind: 'unclear', sentence: `The lines above are all that is known of ${id}: nothing was told of its end.` };
}
