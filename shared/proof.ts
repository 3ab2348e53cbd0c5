// What may have been sent is looked up: everything here asks, and nothing here sends, buries or acknowledges.
// Found and absent are proven; everything else says that it is not. What an environment remembers spares look-ups and
// sharpens verdicts; no promise rests on it.
import type { Accounts } from './aws/accounts.ts';
import type { Delivery, Queues } from './aws/queues.ts';
import type { Budget, Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { Measure } from './metrics.ts';
import { MAX_AHEAD_MS } from './order/admit.ts';
import type { OrderIntent } from './order/intent.ts';
import type { End, Outcome } from './order/outcome.ts';
import { restSeconds, type Verdict } from './order/report.ts';
import type { Journey, Promises, Sighting, TradingAccount, Venue, VenueOrder } from './order/venue.ts';
import * as parking from './parking.ts';

/** The world outside, as records of functions: the handler passes the real ones, a test passes others. */
export interface Outside {
  readonly accounts: Accounts;
  readonly queues: Queues;
  /** Where the account is: one of `venues`. */
  readonly venueOf: (account: TradingAccount) => Venue;
  /** All that an account may be on here; at least one. */
  readonly venues: readonly Venue[];
  readonly clock: Clock;
  readonly log: Log;
  /** Nobody is told without it. */
  readonly measure?: Measure;
  readonly memory: Memory;
  readonly timing: {
    /** A refused account is probed at most once in this time by one environment. */
    readonly parkMs: number;
    /** After this long without proof an intent is reported as unresolved. */
    readonly unresolvedAfterMs: number;
    /** How long SQS hides a message of the intents queue that was handed out; whole seconds. */
    readonly visibilityMs: number;
  };
  /** Every environment leaves through one address: a ban that one account meets is then that of all accounts of its venue. */
  readonly isEgressFixed: boolean;
}

/** What one environment remembers. Losing it costs look-ups, never safety. */
export interface Memory {
  /** Placements that left from here, by account and id, with the time from which the venue takes them no more, by its clock. */
  readonly signed: Map<string, number>;
  /** Messages that this environment put back unsent: at which receive, and why. */
  readonly unsent: Map<string, { readonly receiveCount: number; readonly why: string }>;
  /** Accounts that are not to be asked again before a time; by venue where the address itself is banned. */
  readonly parked: parking.Parking['parked'];
  /** Ends whose letter or report SQS did not take: told again as they were, never decided anew. */
  readonly ended: Map<string, Outcome<Delivery>>;
}

export function newMemory(): Memory {
  return { signed: new Map(), unsent: new Map(), parked: new Map(), ended: new Map() };
}

/** An intent with its message. */
export interface Candidate {
  readonly message: Delivery;
  readonly intent: OrderIntent;
  /** No earlier delivery of it can have left anything on the venue. */
  readonly disproved: boolean;
  /** What was sent for it went out alone, if anything was: only then does `cameBackTooSoon` tell. */
  readonly isTimed: boolean;
}

/** What this invocation did for an intent, for the line and the numbers that tell of it. */
export interface Trail {
  readonly intent: OrderIntent;
  /** Requests that were really written for it. */
  sent: number;
  /** How often it, or the order that it is about, was looked for. */
  lookups: number;
  /** Of the last of these requests. */
  journey?: Journey;
}

/** Everything that the intents of one group are executed with. */
export interface Desk {
  readonly outside: Outside;
  readonly time: Budget;
  /** The account's name. */
  readonly name: string;
  /** Without it nothing can be asked or sent. Replaced when its key was refused and the secret holds a new one. */
  account: TradingAccount | undefined;
  /** Where the account is: known from its first reading on, and the same from then on. */
  venue: Venue | undefined;
  /** Why nothing of this account may be placed at all. */
  gate: End | undefined;
  /** Why nothing is known of the account. */
  outOfReach: string | undefined;
  /** Accounts that anything may have been sent for: their last requests are waited out. */
  readonly touched: Map<string, TradingAccount>;
  /** Ids that this invocation has sent: a look-up from before that says nothing about them. */
  readonly attempted: Set<string>;
  /** By message id, those of all groups of the batch. */
  readonly trails: ReadonlyMap<string, Trail>;
  /** The venue wants no more requests of this account now: the rest of the invocation asks and sends nothing. */
  silence: Silence | undefined;
}

/** Why nobody is asked now, and for how long. */
interface Silence {
  readonly seconds: number;
  readonly why: string;
}

export type Proof =
  | { readonly kind: 'found'; readonly order: VenueOrder; readonly id: string }
  | { readonly kind: 'absent' }
  /**
   * `isForgotten`: waiting will not help, the venue may know no more what it knew once. `isUntried`: nobody has looked in
   * this delivery, since those before it took the time.
   */
  | {
      readonly kind: 'unproven';
      readonly seconds: number;
      readonly why: string;
      readonly isForgotten?: boolean;
      readonly isUntried?: boolean;
    };

const MEMORY_ENTRIES = 10_000;
/** SQS refuses a second message with one deduplication id for 5 minutes; createdAt may be 5 s ahead on either side. */
const SAME_MESSAGE_MS = 300_000 - 2 * MAX_AHEAD_MS;

/**
 * Can this be the first time that the intent is in anybody's hands? Not after a redelivery, for a replay, when this
 * environment has sent the id already, or when the message came so late after createdAt that SQS would have taken
 * another message with the same id before it.
 */
export function isFirst(message: Delivery, intent: OrderIntent, memory: Memory): boolean {
  const isKnown = intent.replayOf !== undefined || memory.signed.has(keyOf(intent));
  return message.receiveCount === 1 && !isKnown && isOnlyMessage(message, intent);
}

function isOnlyMessage(message: Delivery, intent: OrderIntent): boolean {
  const waited = message.enqueuedAt - Date.parse(intent.createdAt);
  return waited >= -MAX_AHEAD_MS && waited < SAME_MESSAGE_MS;
}

/** The delivery before this one was ours, and it sent nothing. */
export function wasPutBackUnsent(message: Delivery, memory: Memory): boolean {
  return memory.unsent.get(message.messageId)?.receiveCount === message.receiveCount - 1;
}

/**
 * Can none of its deliveries have sent it? Whatever may have been sent comes back after `leastReturnMs` at the earliest,
 * so a message that was first delivered a little while ago was only ever put back unsent. By two clocks, ours and SQS's:
 * ours may be behind by as much as the venue forgives. Orders that go out together come back sooner: of them it tells nothing.
 */
export function cameBackTooSoon(message: Delivery, intent: OrderIntent, desk: Placed): boolean {
  const promises = promisesAt(desk);
  const tooSoonMs = leastReturnMs(promises) - promises.refusesTimestampsAfterMs;
  return isOnlyMessage(message, intent) && desk.outside.clock.now() - message.firstReceivedAt < tooSoonMs;
}

/**
 * Might the message come back before what this invocation signs is past its horizon? Lambda may hold a batch back for as
 * long as its visibility lasts, and SQS tells when a message was received first, not when it was this time: so any
 * redelivery might, and a first delivery that is late. By one clock on both sides, so that it may be wrong.
 */
export function mayComeBackEarly(
  { receiveCount, firstReceivedAt }: Delivery,
  deadline: number,
  outside: Outside,
): boolean {
  if (receiveCount > 1) return true;
  return deadline + leastReturnMs(leastOf(outside.venues)) > firstReceivedAt + outside.timing.visibilityMs;
}

/** What of a desk tells what its venue promises. */
type Placed = Pick<Desk, 'venue' | 'outside'>;

/** What the account's venue promises; before it is known where the account is, what all venues do. */
export function promisesAt({ venue, outside }: Placed): Horizon {
  return venue?.promises ?? leastOf(outside.venues);
}

type Horizon = Pick<Promises, 'refusesTimestampsAfterMs' | 'showsOrdersWithinMs' | 'answersLookupsForMs'>;

/** What holds on each of them. */
function leastOf(venues: readonly Venue[]): Horizon {
  const all = venues.map(({ promises }) => promises);
  return {
    refusesTimestampsAfterMs: Math.max(...all.map(({ refusesTimestampsAfterMs }) => refusesTimestampsAfterMs)),
    showsOrdersWithinMs: Math.max(...all.map(({ showsOrdersWithinMs }) => showsOrdersWithinMs)),
    answersLookupsForMs: Math.min(...all.map(({ answersLookupsForMs }) => answersLookupsForMs)),
  };
}

/**
 * A message that may have been sent is never made visible sooner: a horizon, and a fifth for clocks that disagree.
 * @param windowMs how long after its timestamp the venue takes the request, where that is less than for others
 */
export function leastReturnMs(promises: Horizon, windowMs = promises.refusesTimestampsAfterMs): number {
  return horizonOf(promises, windowMs) * 1.2;
}

/** Which ids tell whether something of this intent is on the venue already. */
export function soughtIds(intent: OrderIntent): readonly string[] {
  if ('target' in intent) return [intent.target];
  if (intent.action !== 'place') return [];
  return intent.replayOf === undefined ? [intent.id] : [intent.id, intent.replayOf];
}

/** Ids are unique within an account. */
export function keyOf(intent: OrderIntent, id: string = intent.id): string {
  return `${intent.account}/${id}`;
}

export function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MEMORY_ENTRIES) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

/** After this time of the venue's clock, a request that is refused from `refusedFrom` on is visible or will never be executed. */
export function horizonOf({ showsOrdersWithinMs }: Horizon, refusedFrom: number): number {
  return refusedFrom + showsOrdersWithinMs;
}

/**
 * Looks up what may have been sent. Absent is what was not found twice, as far apart as an order may stay invisible,
 * and after the horizon: by the venue's clock where the signing time is known; a redelivery comes after it by itself,
 * because a message that may have been sent is never made visible sooner, and nothing is sent in the end of a visibility
 * (`mayComeBackEarly`).
 * @returns message id → proof, for each of the doubtful ones
 */
export async function prove(doubtful: readonly Candidate[], desk: Desk): Promise<ReadonlyMap<string, Proof>> {
  const { time, venue } = desk;
  const { clock, memory } = desk.outside;
  const { showsOrdersWithinMs } = promisesAt(desk);
  const proofs = new Map<string, Proof>();
  const unproven = ({ message }: Candidate): boolean => !proofs.has(message.messageId);
  // One that cannot be proven stops the group there: those behind it need no proof now.
  const stopAt = (candidate: Candidate, seconds: number, why: string, isUntried = false): void => {
    for (const each of doubtful.slice(doubtful.indexOf(candidate)).filter(unproven)) {
      proofs.set(each.message.messageId, { kind: 'unproven', seconds, why, isUntried });
    }
  };
  const [first] = doubtful;
  if (first === undefined) return proofs;
  const silence = mayNotAsk(first, desk);
  if (silence !== undefined) {
    stopAt(first, silence.seconds, silence.why);
    return proofs;
  }
  const isTimeNeeded = doubtful.some(({ intent }) => refusedFromOf(intent, memory) !== undefined);
  const venueNow = isTimeNeeded ? await venue?.time(time.answerBy(clock.now())) : undefined;
  // The first looks may take two fifths of the time: the second ones, and the sends, need the rest.
  const firstLooksUntil = clock.now() + (time.takeUntil - clock.now()) * 0.4;
  const lookAtAll = async (candidates: readonly Candidate[], until: number): Promise<void> => {
    for (const candidate of candidates) {
      const isLate = clock.now() > until;
      const silence = isLate ? { seconds: 1, why: 'no time left to look it up' } : mayNotAsk(candidate, desk);
      if (silence !== undefined) {
        stopAt(candidate, silence.seconds, silence.why, isLate && candidate !== doubtful[0]);
        return;
      }
      const sighting = await look(candidate, desk);
      if (sighting.kind === 'found') proofs.set(candidate.message.messageId, sighting);
      else if (sighting.kind !== 'nothing') {
        const seconds = pause(candidate, sighting, desk);
        // One that was given up for want of time is no failure of the venue's.
        const isCut = clock.now() > time.takeUntil && (sighting.kind === 'unknown' || sighting.kind === 'unavailable');
        stopAt(candidate, isCut ? 1 : seconds, sighting.detail);
        return;
      }
    }
  };
  await lookAtAll(doubtful, firstLooksUntil);
  // A second look is for orders that may be on their way; a cancel, or what was put back unsent, has none. The original of
  // a replay may have been sent a moment ago all the same.
  const onTheirWay = doubtful.filter(
    ({ message, intent }) =>
      intent.action === 'place' && (intent.replayOf !== undefined || !wasPutBackUnsent(message, memory)),
  );
  const again = onTheirWay.filter(unproven);
  const hush = again[0] && mayNotAsk(again[0], desk);
  if (again[0] !== undefined && hush !== undefined) stopAt(again[0], hush.seconds, hush.why);
  else if (again[0] !== undefined) {
    const lookedAt = clock.now();
    await clock.sleep(Math.min(showsOrdersWithinMs, time.takeUntil - lookedAt));
    const isFarEnough = clock.now() - lookedAt >= showsOrdersWithinMs;
    if (isFarEnough) await lookAtAll(again, time.takeUntil);
    else stopAt(again[0], 1, 'no time for a second look');
  }
  for (const candidate of doubtful.filter(unproven)) {
    const proof = again.includes(candidate) ? absence(candidate, venueNow, desk) : ({ kind: 'absent' } as const);
    proofs.set(candidate.message.messageId, proof);
  }
  return proofs;
}

/** Why nobody can be asked now: no key, a parked account, or a venue that has had enough of it for this invocation. */
export function mayNotAsk(candidate: Candidate, desk: Desk): Silence | undefined {
  const parked = parkedNow(desk);
  if (parked !== undefined) return { seconds: untilParkOver(candidate, desk), why: parked.why };
  if (desk.silence !== undefined || desk.account !== undefined) return desk.silence;
  return { seconds: backoff(candidate), why: desk.outOfReach ?? desk.gate?.detail ?? 'no account' };
}

function refusedFromOf(intent: OrderIntent, { signed }: Memory): number | undefined {
  if (intent.action !== 'place') return undefined;
  const times = soughtIds(intent).flatMap((id) => signed.get(keyOf(intent, id)) ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Not found twice: is that proof? */
function absence({ message, intent }: Candidate, venueNow: number | undefined, desk: Desk): Proof {
  const { memory, clock } = desk.outside;
  const promises = promisesAt(desk);
  const refusedFrom = refusedFromOf(intent, memory);
  if (refusedFrom !== undefined && (venueNow === undefined || venueNow <= horizonOf(promises, refusedFrom))) {
    const leftMs = venueNow === undefined ? leastReturnMs(promises) : horizonOf(promises, refusedFrom) - venueNow;
    return { kind: 'unproven', seconds: leftMs / 1000 + 1, why: 'the venue may still execute the request' };
  }
  // The earliest time at which anybody can have sent it: this message's first delivery, unless another came before it.
  const earliest = isOnlyMessage(message, intent) ? message.firstReceivedAt : Date.parse(intent.createdAt);
  if (clock.now() - earliest > promises.answersLookupsForMs) {
    const why = 'not found, but the venue may have forgotten it by now';
    return { kind: 'unproven', seconds: 60, why, isForgotten: true };
  }
  return { kind: 'absent' };
}

export type Looked = Exclude<Sighting, { readonly kind: 'found' }> | Extract<Proof, { readonly kind: 'found' }>;

/** One look for everything that could be there of an intent. A look changes nothing, so a lost one is repeated. */
export async function look(candidate: Candidate, desk: Desk, ids = soughtIds(candidate.intent)): Promise<Looked> {
  const { outside, time, venue } = desk;
  const { intent } = candidate;
  if (!('symbol' in intent) || intent.symbol === undefined) return { kind: 'nothing' };
  const { market, symbol } = intent;
  for (const id of ids) {
    for (let attempt = 1; ; attempt += 1) {
      if (desk.account === undefined || venue === undefined) throw new Error('a look-up without an account');
      const query = { id, market, symbol };
      const trail = desk.trails.get(candidate.message.messageId);
      if (trail !== undefined) trail.lookups += 1;
      const sighting = await venue.find(desk.account, query, time.within(outside.clock.now()));
      if (sighting.kind === 'found') return { ...sighting, id };
      if (sighting.kind === 'nothing') break;
      const isLost = sighting.kind === 'unknown' || sighting.kind === 'unavailable';
      const isWorthAnother = isLost
        ? attempt < 3 && parkedNow(desk) === undefined
        : sighting.kind === 'unauthorised' && attempt === 1 && (await renew(desk));
      if (!isWorthAnother || outside.clock.now() > time.takeUntil) return sighting;
    }
  }
  return { kind: 'nothing' };
}

/** After a refusal of the credentials: reads the account anew. True if its key has changed since. */
export async function renew(desk: Desk): Promise<boolean> {
  const before = desk.account;
  if (before === undefined || desk.outside.clock.now() > desk.time.takeUntil) return false;
  const reading = await desk.outside.accounts.refresh(before.name);
  // What was sent is looked for where it was sent.
  if (reading?.kind !== 'account' || desk.outside.venueOf(reading.account) !== desk.venue) return false;
  desk.account = reading.account;
  return JSON.stringify(reading.account.credentials) !== JSON.stringify(before.credentials);
}

/**
 * How many seconds the group waits after an answer that executed nothing. A refused account and a banned one are left
 * alone by this environment until then, and a person is told; good intents wait there until they expire.
 */
export function pause(
  candidate: Candidate,
  refusal: Exclude<Verdict, { kind: 'placed' | 'done' }> | Looked,
  desk: Desk,
): number {
  const { memory, timing, isEgressFixed, clock, log } = desk.outside;
  // Its turn comes with another invocation: nobody was asked, and nobody failed.
  if (refusal.kind === 'late') return 1;
  if (refusal.kind === 'throttled') {
    const seconds = restSeconds(refusal, backoff(candidate));
    desk.silence = { seconds, why: refusal.detail };
    return seconds;
  }
  if ((refusal.kind !== 'unauthorised' && refusal.kind !== 'banned') || desk.account === undefined) {
    return backoff(candidate);
  }
  const { parked } = memory;
  const forMs = parking.park(desk.account, refusal, { parked, parkMs: timing.parkMs, isEgressFixed, clock, log });
  return refusal.kind === 'banned' ? forMs / 1000 : untilParkOver(candidate, desk);
}

export function parkedNow({ name, venue, outside: { memory, clock } }: Desk): parking.Parked | undefined {
  return parking.parkedNow({ name, venue: venue?.name ?? '' }, { parked: memory.parked, clock });
}

/**
 * Not longer than the intent lives, so that its end is told in time (one that lives no more, and whose end cannot be told,
 * waits like any other: its receives are numbered); and, where that is sooner than the park's end, once
 * two seconds before: a key that was corrected meanwhile still serves. This environment asks nothing before the park is over.
 */
export function untilParkOver(candidate: Candidate, desk: Desk): number {
  const now = desk.outside.clock.now();
  const lifeMs = Date.parse(candidate.intent.expiresAt) - now;
  const parkMs = (parkedNow(desk)?.until ?? now) - now;
  if (lifeMs <= 0) return parkMs / 1000;
  const lastChanceMs = lifeMs > 4000 ? lifeMs - 2000 : Math.max(1000, lifeMs);
  return Math.min(parkMs, lastChanceMs) / 1000;
}

export function backoff(candidate: Candidate): number {
  return Math.min(60, 2 ** candidate.message.receiveCount);
}
