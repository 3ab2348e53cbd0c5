// The life of an order, top to bottom; the only place where effects are ordered. Read this file first.
// It promises: at most one order per intent, nothing sent after its expiry, a verdict that is proven and never guessed,
// and one end for every intent. It keeps no state that those promises need: what an environment remembers only spares
// look-ups or makes a verdict sharper. It is longer than other files because the order of effects is one story.
import type { Accounts } from './aws/accounts.ts';
import type { Delivery, Queues } from './aws/queues.ts';
import type { Clock } from './clock.ts';
import { describeError, type Log } from './log.ts';
import { admit, MAX_AHEAD_MS, needsBook } from './order/admit.ts';
import { parse, type OrderIntent } from './order/intent.ts';
import { accepted, buried, done, foreign, malformed, type End, type Outcome } from './order/outcome.ts';
import { difference } from './order/same.ts';
import type { Verdict } from './order/report.ts';
import type { Admitted, Sighting, TradingAccount, Venue } from './order/venue.ts';

export interface Outside {
  readonly accounts: Accounts;
  readonly queues: Queues;
  readonly venue: Venue;
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: Memory;
  readonly timing: Timing;
}

export interface Timing {
  /** A refused account is probed at most once in this time. */
  readonly parkMs: number;
  /** After this long without proof an intent is reported as unresolved. */
  readonly unresolvedAfterMs: number;
}

/** What one environment remembers. Losing it costs look-ups, never safety. */
export interface Memory {
  /** Client order ids whose placement left from here, with the timestamp that was signed. */
  readonly signed: Map<string, number>;
  /** Messages that this environment put back unsent: at which receive, and why. */
  readonly unsent: Map<string, { readonly receiveCount: number; readonly why: string }>;
  /** Accounts that are not to be asked again before a time. */
  readonly parked: Map<string, { readonly until: number; readonly why: string }>;
}

const MEMORY_ENTRIES = 10_000;
/** SQS refuses a second message with one deduplication id for 5 minutes; createdAt may be 5 s ahead on either side. */
const SAME_MESSAGE_MS = 300_000 - 2 * MAX_AHEAD_MS;
/** SQS allows 12 hours from the receive, part of which is over when a message is put back. */
const MAX_POSTPONE_SECONDS = 43_000;

export function newMemory(): Memory {
  return { signed: new Map(), unsent: new Map(), parked: new Map() };
}

type Result = Outcome<Delivery>;
/** An intent with its message. `disproved`: no earlier delivery of it can have left an order behind. */
interface Candidate {
  readonly message: Delivery;
  readonly intent: OrderIntent;
  readonly disproved: boolean;
}
/** After `stop`, the rest of the group goes back: for `seconds`, or (undefined) until its visibility runs out. */
interface Step {
  readonly result: Result;
  readonly stop?: { readonly seconds: number | undefined; readonly why: string };
}
type Proof =
  | { readonly kind: 'found'; readonly order: Extract<Sighting, { kind: 'found' }>['order']; readonly id: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unproven'; readonly seconds: number; readonly why: string };

/**
 * Executes one batch: accounts side by side, the intents of an account strictly in order.
 * @param deadline when the invocation will be stopped, ms
 * @returns the message ids that are not finished and must stay on the queue
 */
export async function execute(
  deliveries: readonly Delivery[],
  outside: Outside,
  deadline: number,
): Promise<readonly string[]> {
  const groups = [...Map.groupBy(deliveries, (delivery) => delivery.group).values()];
  const touched = new Map<string, TradingAccount>();
  const results = await Promise.all(
    groups.map(async (group) => {
      try {
        return await executeGroup(group, outside, budget(deadline, outside.clock.now()), touched);
      } catch (error) {
        // A bug, or AWS is down: nothing of this group is acknowledged, and no other group suffers for it.
        outside.log('error', 'group failed', { account: group[0]?.group ?? '', error: describeError(error) });
        return group.map((message): Result => ({ message, disposition: { kind: 'keep' } }));
      }
    }),
  );
  return settle(results.flat(), outside, [...touched.values()]);
}

/** How the time of an invocation is spent: 30 s leave 6 s for settling and 3 s for any one answer. */
interface Budget {
  readonly takeUntil: number;
  readonly answerBy: (now: number) => number;
}
function budget(deadline: number, now: number): Budget {
  const total = deadline - now;
  const [reserveMs, answerMs] = [Math.min(6000, total / 5), Math.min(3000, total / 10)];
  return { takeUntil: deadline - reserveMs, answerBy: (at) => Math.min(at + answerMs, deadline - reserveMs / 2) };
}

async function executeGroup(
  group: readonly Delivery[],
  outside: Outside,
  time: Budget,
  touched: Map<string, TradingAccount>,
): Promise<readonly Result[]> {
  const { turnedAway, candidates } = door(group, outside);
  const name = candidates[0]?.intent.account;
  if (name === undefined) return turnedAway;
  const reading = await outside.accounts.read(name);
  if (reading.kind === 'unavailable') {
    const seconds = backoff(candidates[0]);
    return [...turnedAway, ...candidates.map((candidate) => putBack(candidate, seconds, reading.detail, outside))];
  }
  const account = reading.kind === 'unknown' ? undefined : reading.account;
  if (account !== undefined) touched.set(name, account);
  const gate: End | undefined =
    reading.kind === 'account'
      ? undefined
      : { code: reading.kind === 'unknown' ? 'ACCOUNT_UNKNOWN' : 'MANDATE_UNREADABLE', detail: reading.detail };
  const desk: Desk = { outside, time, account, gate };
  return [...turnedAway, ...(await inOrder(candidates, desk))];
}

/** Everything that the intents of one group are executed with. Without an account nothing can be asked or sent. */
interface Desk {
  readonly outside: Outside;
  readonly time: Budget;
  /** Replaced when the credentials were refused and the secret holds new ones. */
  account: TradingAccount | undefined;
  readonly gate: End | undefined;
}

/** Reads the bodies; what is no intent, or not the message's own, goes no further. */
function door(
  group: readonly Delivery[],
  { clock, memory }: Outside,
): { readonly turnedAway: readonly Result[]; readonly candidates: readonly Candidate[] } {
  const turnedAway: Result[] = [];
  const candidates: Candidate[] = [];
  for (const message of group) {
    const parsed = parse(message.body);
    if (parsed.kind === 'malformed') turnedAway.push(malformed(message, parsed, clock.now()));
    else if (parsed.intent.account !== message.group) {
      const detail = `MessageGroupId is not the account "${parsed.intent.account}"; send with MessageGroupId = account`;
      turnedAway.push(foreign(message, parsed.intent, { code: 'GROUP_MISMATCH', detail }));
    } else if (parsed.intent.id !== message.deduplicationId) {
      const detail = `MessageDeduplicationId is not the id "${parsed.intent.id}"; send with MessageDeduplicationId = id`;
      turnedAway.push(foreign(message, parsed.intent, { code: 'DEDUPLICATION_MISMATCH', detail }));
    } else candidates.push({ message, intent: parsed.intent, disproved: isFirst(message, parsed.intent, memory) });
  }
  return { turnedAway, candidates };
}

/**
 * Can this be the first time that the intent is in anybody's hands? Not after a redelivery, for a replay, when this
 * environment has sent the id already, or when the message came so late after createdAt that SQS would have taken
 * another message with the same id before it.
 */
function isFirst(message: Delivery, intent: OrderIntent, memory: Memory): boolean {
  const isKnown = intent.replayOf !== undefined || memory.signed.has(intent.id);
  return message.receiveCount === 1 && !isKnown && isOnlyMessage(message, intent);
}

function isOnlyMessage(message: Delivery, intent: OrderIntent): boolean {
  const waited = message.enqueuedAt - Date.parse(intent.createdAt);
  return waited >= -MAX_AHEAD_MS && waited < SAME_MESSAGE_MS;
}

/** The intents of one account, one after the other; a step that stops sends the rest back. */
async function inOrder(candidates: readonly Candidate[], desk: Desk): Promise<readonly Result[]> {
  const { outside, time } = desk;
  const proofs = await prove(
    candidates.filter(({ disproved }) => !disproved),
    desk,
  );
  const results: Result[] = [];
  for (const [index, candidate] of candidates.entries()) {
    const proof = proofs.get(candidate.message.messageId);
    const proven = proof?.kind === 'absent' ? { ...candidate, disproved: true } : candidate;
    const step: Step =
      outside.clock.now() > time.takeUntil
        ? stopped(proven, 1, 'no time left in this invocation', outside)
        : await take(proven, proof, desk);
    results.push(step.result);
    if (step.stop === undefined) continue;
    const { seconds, why } = step.stop;
    for (const rest of candidates.slice(index + 1)) {
      const isAbsent = proofs.get(rest.message.messageId)?.kind === 'absent';
      results.push(putBack(isAbsent ? { ...rest, disproved: true } : rest, seconds, why, outside));
    }
    break;
  }
  return results;
}

/** One intent: what may have been sent is settled first, then it is admitted and sent. */
async function take(candidate: Candidate, proof: Proof | undefined, desk: Desk): Promise<Step> {
  const { outside, gate } = desk;
  const { message, intent } = candidate;
  const now = outside.clock.now();
  const end = (why: End): Step => ({ result: buried(message, intent, why, now) });
  if (proof?.kind === 'found') return sighted(candidate, proof, desk);
  const parked = outside.memory.parked.get(intent.account);
  const isParked = parked !== undefined && parked.until > now;
  if (proof?.kind === 'unproven' || isParked) {
    const why = proof?.kind === 'unproven' ? proof.why : (parked?.why ?? '');
    const isUnsent = candidate.disproved || wasPutBackUnsent(message, outside.memory);
    if (isUnsent && now >= Date.parse(intent.expiresAt)) {
      return end({ code: 'INTENT_EXPIRED', detail: `expired at ${intent.expiresAt} unsent; last: ${why}` });
    }
    if (!isUnsent && now - message.firstReceivedAt > outside.timing.unresolvedAfterMs) {
      return end({ code: 'UNRESOLVED', detail: `nobody could prove whether the order exists; last: ${why}` });
    }
    const seconds = proof?.kind === 'unproven' ? proof.seconds : untilParkOver(candidate, outside);
    return stopped(candidate, seconds, why, outside);
  }
  if (gate !== undefined) return end(gate);
  return attempt(candidate, desk);
}

/** Admission is the last step before the send; trading state and expiry are read there, for each order. */
async function attempt(candidate: Candidate, desk: Desk, isRetry = false): Promise<Step> {
  const { outside, time, account } = desk;
  if (account === undefined) return stopped(candidate, backoff(candidate), 'no account', outside);
  const { venue, clock } = outside;
  const { message, intent } = candidate;
  const place = intent.action === 'place' ? intent : undefined;
  const soon = Math.min(clock.now() + 1000, time.answerBy(clock.now()));
  const instrument = place && (await venue.instrument(place.symbol, soon));
  const isBookNeeded = needsBook(intent, account.mandate);
  const book = isBookNeeded ? await venue.book(intent.symbol, time.answerBy(clock.now())) : undefined;
  if (isBookNeeded && book === undefined && clock.now() < Date.parse(intent.expiresAt)) {
    return stopped(candidate, backoff(candidate), `the order book of ${intent.symbol} cannot be had`, outside);
  }
  const admission = admit(intent, instrument, account.mandate, book, clock.now());
  if (admission.kind === 'denial') {
    const last = outside.memory.unsent.get(message.messageId)?.why;
    const detail = last === undefined ? admission.detail : `${admission.detail}; last: ${last}`;
    return { result: buried(message, intent, { code: admission.code, detail }, clock.now()) };
  }
  if (account.mandate.shadow === true) {
    const detail = `shadow mode: not sent; would have been ${JSON.stringify(admission.admitted)}`;
    return { result: done(message, intent, detail, clock.now()) };
  }
  const { admitted } = admission;
  if (admitted.action === 'place') remember(outside.memory.signed, intent.id, clock.now());
  const verdict = await request(venue, account, admitted, time.answerBy(clock.now()));
  logVerdict(candidate, verdict, outside);
  return conclude(candidate, verdict, desk, isRetry);
}

function request(venue: Venue, account: TradingAccount, admitted: Admitted, deadline: number): Promise<Verdict> {
  return admitted.action === 'place'
    ? venue.submit(account, admitted, deadline)
    : venue.cancel(account, admitted, deadline);
}

/** What a verdict means for the intent. Every branch either ends it or says when it is taken up again. */
async function conclude(candidate: Candidate, verdict: Verdict, desk: Desk, isRetry: boolean): Promise<Step> {
  const { outside } = desk;
  const { message, intent } = candidate;
  const now = outside.clock.now();
  if (verdict.kind !== 'placed' && verdict.kind !== 'unknown' && verdict.kind !== 'duplicate') {
    // Nothing of this message is on the venue, so nothing of it needs to be looked for.
    outside.memory.signed.delete(intent.id);
  }
  switch (verdict.kind) {
    case 'placed':
      return { result: accepted(message, intent, verdict.venueOrderId, now) };
    case 'done':
      return { result: done(message, intent, verdict.detail, now) };
    case 'refused': {
      const code = verdict.tradingOver ? 'TRADING_OVER' : 'VENUE_REFUSED';
      return { result: buried(message, intent, { code, detail: verdict.detail, venueCode: verdict.venueCode }, now) };
    }
    case 'unauthorised': {
      if (!isRetry && (await renew(desk))) return attempt(candidate, desk, true);
      return stopped(candidate, park(candidate, verdict, outside), verdict.detail, outside);
    }
    case 'banned':
    case 'throttled':
    case 'unavailable':
      return stopped(candidate, pause(candidate, verdict, outside), verdict.detail, outside);
    case 'finished':
    case 'duplicate':
    case 'unknown':
      return resolve(candidate, verdict, desk);
  }
}

/** It may be there: up to three looks now. What stays open keeps the head of its group until it can be proven. */
async function resolve(
  candidate: Candidate,
  verdict: Extract<Verdict, { kind: 'unknown' | 'duplicate' | 'finished' }>,
  desk: Desk,
): Promise<Step> {
  const { outside, time, account } = desk;
  const { venue, clock, memory } = outside;
  const { intent, message } = candidate;
  if (account === undefined) throw new Error('a verdict without an account');
  if (intent.action === 'place')
    remember(memory.signed, intent.id, 'signedAt' in verdict ? verdict.signedAt : clock.now());
  const id = soughtIds(intent)[0] ?? intent.id;
  const lagMs = venue.promises.showsOrdersWithinMs;
  for (const waitMs of [0, lagMs / 20, lagMs / 4]) {
    if (clock.now() + waitMs > time.takeUntil) break;
    await clock.sleep(waitMs);
    const sighting = await venue.find(account, { id, symbol: intent.symbol }, time.answerBy(clock.now()));
    if (sighting.kind === 'found') return sighted(candidate, { ...sighting, id }, desk, verdict);
    const isLost = sighting.kind === 'unknown' || sighting.kind === 'unavailable';
    if (sighting.kind !== 'nothing' && !isLost) break;
  }
  if (intent.action === 'cancel') {
    if (verdict.kind !== 'finished') return stopped(candidate, backoff(candidate), 'the cancel got no answer', outside);
    const { venueCode, detail } = verdict;
    return { result: buried(message, intent, { code: 'VENUE_REFUSED', venueCode, detail }, clock.now()) };
  }
  const why = verdict.kind === 'unknown' ? verdict.detail : 'the venue knows the id and does not show the order';
  const signedAt = verdict.kind === 'unknown' ? verdict.signedAt : clock.now();
  const venueNow = await venue.time(time.answerBy(clock.now()));
  if (venueNow === undefined)
    return { result: { message, disposition: { kind: 'keep' } }, stop: { seconds: undefined, why } };
  // Past the horizon, by the venue's own clock, the request can no longer be executed and an executed one shows.
  const seconds = Math.ceil((horizonMs(venue, signedAt) - venueNow) / 1000) + 1;
  return { result: { message, disposition: postponed(seconds) }, stop: { seconds, why } };
}

/** After this time of the venue's clock, a request signed at `signedAt` is visible or will never be executed. */
function horizonMs(venue: Venue, signedAt: number): number {
  return signedAt + venue.promises.refusesTimestampsAfterMs + venue.promises.showsOrdersWithinMs;
}

/** An order with the id exists. If it is the intent's own, the intent is done; if not, the id was taken. */
async function sighted(
  candidate: Candidate,
  proof: Extract<Proof, { kind: 'found' }>,
  desk: Desk,
  verdict?: Verdict,
): Promise<Step> {
  const { clock, venue } = desk.outside;
  const { message, intent } = candidate;
  const { order, id } = proof;
  const now = clock.now();
  if (intent.action === 'cancel') {
    const isOpen = order.state === 'open' || order.state === 'partially-filled';
    if (!isOpen) return { result: done(message, intent, `the order was already ${order.state}`, now) };
    if (verdict !== undefined) return stopped(candidate, backoff(candidate), 'the cancel got no answer', desk.outside);
    return take({ ...candidate, disproved: true }, undefined, desk);
  }
  if (id !== intent.id) {
    const detail = `this is a replay of ${id}, whose order exists (${order.venueOrderId}, ${order.state})`;
    return { result: buried(message, intent, { code: 'REPLAYED_ORDER_EXISTS', detail }, now) };
  }
  const instrument = await venue.instrument(intent.symbol, Math.min(now + 1000, desk.time.answerBy(now)));
  const differs = difference(intent, order, instrument === 'unknown' ? undefined : instrument);
  if (differs !== undefined) {
    return { result: buried(message, intent, { code: 'ID_REUSED', detail: differs }, now) };
  }
  if (order.state === 'rejected') {
    const detail = `the venue shows the order ${order.venueOrderId} as failed`;
    return { result: buried(message, intent, { code: 'VENUE_REFUSED', detail }, now) };
  }
  return { result: accepted(message, intent, order.venueOrderId, now) };
}

/** Which ids tell whether something of this intent is on the venue already. */
function soughtIds(intent: OrderIntent): readonly string[] {
  if (intent.action === 'cancel') return [intent.target];
  return intent.replayOf === undefined ? [intent.id] : [intent.id, intent.replayOf];
}

/**
 * Looks up what may have been sent. Absent is what was not found twice, as far apart as an order may stay invisible,
 * and after the horizon: by the venue's clock where the signing time is known; a redelivery comes after it by itself,
 * because a message that may have been sent is never made visible sooner.
 */
async function prove(doubtful: readonly Candidate[], desk: Desk): Promise<ReadonlyMap<string, Proof>> {
  const { outside, time } = desk;
  const { venue, clock, memory } = outside;
  const proofs = new Map<string, Proof>();
  const name = doubtful[0]?.intent.account;
  if (name === undefined) return proofs;
  // One that cannot be proven stops the group there: those behind it need no proof now.
  const stopAt = (candidate: Candidate | undefined, seconds: number, why: string): void => {
    for (const { message } of doubtful.slice(candidate === undefined ? 0 : doubtful.indexOf(candidate))) {
      if (!proofs.has(message.messageId)) proofs.set(message.messageId, { kind: 'unproven', seconds, why });
    }
  };
  const parked = memory.parked.get(name);
  // Nobody can be asked. What was never sent may still be denied; the rest waits for proof.
  if (desk.account === undefined) stopAt(doubtful[0], 60, desk.gate?.detail ?? 'no account');
  else if (parked !== undefined && parked.until > clock.now()) {
    stopAt(doubtful[0], (parked.until - clock.now()) / 1000, parked.why);
  }
  const needsTime = doubtful.some(({ intent }) => intent.action === 'place' && memory.signed.has(intent.id));
  const venueNow = needsTime && proofs.size === 0 ? await venue.time(time.answerBy(clock.now())) : undefined;
  let open = doubtful.filter(({ message }) => !proofs.has(message.messageId));
  // The first looks may take two fifths of the time: the second ones, and the sends, need the rest.
  const firstLooksUntil = clock.now() + (time.takeUntil - clock.now()) * 0.4;
  for (const pass of [1, 2]) {
    const startedAt = clock.now();
    for (const candidate of open) {
      if (clock.now() > (pass === 1 ? firstLooksUntil : time.takeUntil)) {
        stopAt(candidate, 1, 'no time left to look it up');
        break;
      }
      const sighting = await look(candidate, desk);
      if (sighting.kind === 'found') proofs.set(candidate.message.messageId, sighting);
      else if (sighting.kind !== 'nothing') {
        const isRefused = sighting.kind === 'unauthorised';
        const seconds = isRefused ? park(candidate, sighting, outside) : pause(candidate, sighting, outside);
        stopAt(candidate, seconds, sighting.detail);
        break;
      }
    }
    // A second look is for orders that may be on their way; a cancel, or what was put back unsent, has none.
    open = open.filter(
      ({ message, intent }) =>
        !proofs.has(message.messageId) && intent.action === 'place' && !wasPutBackUnsent(message, memory),
    );
    if (pass === 2 || open.length === 0) break;
    const waitMs = startedAt + venue.promises.showsOrdersWithinMs - clock.now();
    await clock.sleep(Math.min(waitMs, time.takeUntil - clock.now()));
    if (clock.now() - startedAt < venue.promises.showsOrdersWithinMs) stopAt(open[0], 1, 'no time for a second look');
    open = open.filter(({ message }) => !proofs.has(message.messageId));
  }
  for (const { message, intent } of open) {
    proofs.set(message.messageId, absence(message, intent, venueNow, outside));
  }
  for (const { message } of doubtful) {
    if (!proofs.has(message.messageId)) proofs.set(message.messageId, { kind: 'absent' });
  }
  return proofs;
}

/** Not found twice: is that proof? */
function absence(message: Delivery, intent: OrderIntent, venueNow: number | undefined, outside: Outside): Proof {
  const { venue, memory, clock } = outside;
  const signedAt = memory.signed.get(intent.id);
  if (signedAt !== undefined && (venueNow === undefined || venueNow <= horizonMs(venue, signedAt))) {
    return { kind: 'unproven', seconds: 60, why: 'the venue may still execute the request' };
  }
  // The earliest time at which anybody can have sent it: this message's first delivery, unless another came before it.
  const earliest = isOnlyMessage(message, intent) ? message.firstReceivedAt : Date.parse(intent.createdAt);
  if (message.receiveCount > 1 && clock.now() - earliest > venue.promises.answersLookupsForMs) {
    return { kind: 'unproven', seconds: 60, why: 'not found, but the venue may have forgotten it by now' };
  }
  return { kind: 'absent' };
}

/** One look for everything that could be there of an intent. A look changes nothing, so a lost one is repeated. */
async function look(
  { intent }: Candidate,
  desk: Desk,
): Promise<Exclude<Sighting, { kind: 'found' }> | Extract<Proof, { kind: 'found' }>> {
  const { outside, time } = desk;
  for (const id of soughtIds(intent)) {
    let sighting: Sighting = { kind: 'nothing' };
    for (const attempt of [1, 2, 3]) {
      if (desk.account === undefined) break;
      const query = { id, symbol: intent.symbol };
      sighting = await outside.venue.find(desk.account, query, time.answerBy(outside.clock.now()));
      const isLost = sighting.kind === 'unknown' || sighting.kind === 'unavailable';
      const isRenewed = sighting.kind === 'unauthorised' && attempt === 1 && (await renew(desk));
      if (!isRenewed && (!isLost || outside.clock.now() > time.takeUntil)) break;
    }
    if (sighting.kind === 'found') return { ...sighting, id };
    if (sighting.kind !== 'nothing') return sighting;
  }
  return { kind: 'nothing' };
}

/** After a refusal of the credentials: reads the account anew. True if its key has changed since. */
async function renew(desk: Desk): Promise<boolean> {
  const before = desk.account;
  if (before === undefined) return false;
  const reading = await desk.outside.accounts.refresh(before.name);
  if (reading?.kind !== 'account') return false;
  desk.account = reading.account;
  return JSON.stringify(reading.account.credentials) !== JSON.stringify(before.credentials);
}

/** A refused account is left alone for a while, and a person is told. Its good intents wait until they expire. */
function park(candidate: Candidate, refusal: { readonly detail: string }, outside: Outside): number {
  const { memory, clock, log, timing } = outside;
  const { intent } = candidate;
  const now = clock.now();
  memory.parked.set(intent.account, { until: now + timing.parkMs, why: refusal.detail });
  log('error', 'account refused', { account: intent.account, detail: refusal.detail });
  return untilParkOver(candidate, outside);
}

/** Not longer than the intent lives, so that its end is told in time; nothing is asked or sent before the park is over. */
function untilParkOver({ intent }: Candidate, { memory, clock }: Outside): number {
  const now = clock.now();
  const until = memory.parked.get(intent.account)?.until ?? now;
  return Math.min(until - now, Math.max(1000, Date.parse(intent.expiresAt) - now)) / 1000;
}

/** How long the group waits after an answer that executed nothing. */
function pause(candidate: Candidate, verdict: Pick<Verdict, 'kind'>, outside: Outside): number {
  const ban = verdict as Partial<Extract<Verdict, { kind: 'banned' }>>;
  if (verdict.kind !== 'banned' || ban.forMs === undefined) return backoff(candidate);
  const until = outside.clock.now() + ban.forMs;
  outside.memory.parked.set(candidate.intent.account, { until, why: ban.detail ?? 'banned' });
  outside.log('error', 'account banned', { account: candidate.intent.account, forMs: ban.forMs });
  return ban.forMs / 1000;
}

function backoff(candidate: Candidate | undefined): number {
  return Math.min(60, 2 ** (candidate?.message.receiveCount ?? 1));
}

function stopped(candidate: Candidate, seconds: number, why: string, outside: Outside): Step {
  return { result: putBack(candidate, seconds, why, outside), stop: { seconds, why } };
}

/**
 * Puts a message back. Its visibility is shortened only if nothing of it can be on the venue: then this environment
 * remembers that. Any other message waits until its visibility timeout, which outlasts the horizon, has run out.
 */
function putBack(candidate: Candidate, seconds: number | undefined, why: string, { memory }: Outside): Result {
  const { message } = candidate;
  const isUnsent = candidate.disproved || candidate.intent.action === 'cancel' || wasPutBackUnsent(message, memory);
  if (!isUnsent || seconds === undefined) return { message, disposition: { kind: 'keep' } };
  remember(memory.unsent, message.messageId, { receiveCount: message.receiveCount, why });
  return { message, disposition: postponed(seconds) };
}

/** The delivery before this one was ours, and it sent nothing. */
function wasPutBackUnsent(message: Delivery, memory: Memory): boolean {
  return memory.unsent.get(message.messageId)?.receiveCount === message.receiveCount - 1;
}

/** Never 0: that would hand the message out again before this invocation has returned. */
function postponed(seconds: number): Result['disposition'] {
  return { kind: 'postpone', seconds: Math.min(MAX_POSTPONE_SECONDS, Math.max(1, Math.ceil(seconds))) };
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= MEMORY_ENTRIES) break;
    map.delete(oldest);
  }
}

/**
 * The effects of a batch, in their order: letters, followed orders and reports; then, when the last request of every
 * account is one interval old, visibility. A message is finished only when SQS has named each of its effects.
 */
async function settle(
  results: readonly Result[],
  outside: Outside,
  touched: readonly TradingAccount[],
): Promise<readonly string[]> {
  const { queues, venue } = outside;
  const letters = results.flatMap((result) => (result.disposition.kind === 'bury' ? [result.disposition.letter] : []));
  const [buriedOk, followedOk, publishedOk] = await Promise.all([
    letters.length === 0 ? [] : queues.bury(letters),
    sendEach(
      results,
      (result) => result.accepted,
      (orders) => queues.follow(orders),
    ),
    sendEach(
      results,
      (result) => result.report,
      (reports) => queues.publish(reports),
    ),
    ...touched.map((account) => venue.hold(account)),
  ]);
  const isBuried = new Map(letters.map((letter, index) => [letter.sourceMessageId, buriedOk[index] === true]));
  const unfinished = results.filter((result, index) => {
    if (result.disposition.kind === 'bury' && isBuried.get(result.message.messageId) !== true) return true;
    if (result.disposition.kind === 'postpone' || result.disposition.kind === 'keep') return true;
    return followedOk[index] === false || publishedOk[index] === false;
  });
  const back = unfinished.flatMap(({ message, disposition }) =>
    disposition.kind === 'postpone' ? [{ receiptHandle: message.receiptHandle, seconds: disposition.seconds }] : [],
  );
  if (back.length > 0) await queues.postpone(back);
  for (const result of results) logOutcome(result, outside.log);
  return unfinished.map(({ message }) => message.messageId);
}

/** Sends what there is to send; the answer has one entry per result, undefined where there was nothing. */
async function sendEach<T>(
  results: readonly Result[],
  pick: (result: Result) => T | undefined,
  send: (items: readonly T[]) => Promise<readonly boolean[]>,
): Promise<readonly (boolean | undefined)[]> {
  const items = results.map(pick);
  const given = items.filter((item) => item !== undefined);
  const sent = given.length === 0 ? [] : await send(given);
  let next = 0;
  return items.map((item) => (item === undefined ? undefined : sent[next++] === true));
}

function logVerdict({ intent }: Candidate, verdict: Verdict, { log }: Outside): void {
  const level = verdict.kind === 'placed' || verdict.kind === 'done' ? 'info' : 'warn';
  const detail = 'detail' in verdict ? verdict.detail : undefined;
  log(level, 'verdict', { id: intent.id, account: intent.account, verdict: verdict.kind, detail });
}

function logOutcome({ message, disposition, report }: Result, log: Log): void {
  const letter = disposition.kind === 'bury' ? disposition.letter : undefined;
  log(letter === undefined ? 'info' : 'warn', 'outcome', {
    id: report?.id ?? letter?.intentId,
    account: message.group,
    messageId: message.messageId,
    receiveCount: message.receiveCount,
    disposition: disposition.kind,
    seconds: disposition.kind === 'postpone' ? disposition.seconds : undefined,
    status: report?.status,
    reason: letter?.reason,
    certainty: letter?.certainty,
    detail: letter?.detail,
    latencyMs: report?.latencyMs,
  });
}
