// The life of an order, top to bottom; the only place where effects are ordered. Read this file first.
// It promises: at most one order per intent, nothing sent after its expiry, a verdict that is proven and never guessed,
// and one end for every intent. It is longer than other files because the order of effects is one story; how it is
// proven what may have been sent before stands in proof.ts.
import { postponable, sendEach, type Delivery } from './aws/queues.ts';
import { budget, type Budget } from './clock.ts';
import { describeError, type Log } from './log.ts';
import { unmeasured } from './metrics.ts';
import { admit, barred, isAmended, isRelief, isSetting, MAX_AHEAD_MS, needsBook, type Denial } from './order/admit.ts';
import { listed, type Instrument } from './order/instrument.ts';
import { parse, type Market } from './order/intent.ts';
import { accepted, buried, done, foreign, malformed, toldAgain, type End, type Outcome } from './order/outcome.ts';
import { difference } from './order/same.ts';
import type { Verdict } from './order/report.ts';
import type { Admitted, Book, Journey, Times, TradingAccount, Venue, VenueOrder } from './order/venue.ts';
import {
  backoff,
  cameBackTooSoon,
  horizonOf,
  isFirst,
  keyOf,
  leastReturnMs,
  look,
  mayComeBackEarly,
  mayNotAsk,
  parkedNow,
  pause,
  promisesAt,
  prove,
  remember,
  renew,
  soughtIds,
  untilParkOver,
  wasPutBackUnsent,
  type Candidate,
  type Desk,
  type Looked,
  type Outside,
  type Proof,
  type Trail,
} from './proof.ts';
import { unpark } from './parking.ts';

type Result = Outcome<Delivery>;
/** After `stop`, the rest of the group goes back: for `seconds`, or (undefined) until its visibility runs out. */
interface Step {
  readonly result: Result;
  readonly stop?: { readonly seconds: number | undefined; readonly why: string };
}

/** Why an earlier delivery came to nothing is remembered by the environment that had it. */
const ELSEWHERE = 'an earlier delivery of it came to nothing, and the log says why';
const ITS_TURN = 'it waited for the intents before it';
const NOT_OURS = 'SQS did not renew its visibility';
const MOVED = 'its secret names another venue since this batch was begun';
const NO_TIME = { seconds: 1, why: 'no time left in this invocation' };
const AS_WANTED = 'the order is as wanted';
/** So that the first look at an accepted order comes after the report of its acceptance. */
const FOLLOW_AFTER_SECONDS = 1;

/**
 * Executes one batch: accounts side by side, the intents of an account in their order (but see `takeTogether`).
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
  const trails = new Map<string, Trail>();
  const results = await Promise.all(
    groups.map(async (group) => {
      try {
        return await executeGroup(group, outside, budget(deadline, outside.clock.now()), touched, trails);
      } catch (error) {
        // A bug, or AWS is down: nothing of this group is acknowledged, and no other group suffers for it.
        outside.log('error', 'group failed', { account: group[0]?.group ?? '', error: describeError(error) });
        return group.map((message): Result => ({ message, why: 'group failed', disposition: { kind: 'keep' } }));
      }
    }),
  );
  return settle(results.flat(), outside, { touched, trails }, deadline);
}

async function executeGroup(
  group: readonly Delivery[],
  outside: Outside,
  time: Budget,
  touched: Map<string, TradingAccount>,
  trails: Map<string, Trail>,
): Promise<readonly Result[]> {
  const { turnedAway, candidates, isUntold } = door(group, outside);
  for (const { message, intent } of candidates) trails.set(message.messageId, { intent, sent: 0, lookups: 0 });
  const name = candidates[0]?.intent.account;
  if (name === undefined) return turnedAway;
  const desk: Desk = { outside, time, name, touched, trails, attempted: new Set(), silence: undefined, ...UNREAD };
  if (isUntold) return [...turnedAway, ...candidates.map((each) => putBack(each, 1, ITS_TURN, desk, false))];
  // At a cold start the rules are loaded side by side with the secret, where only one venue can be meant.
  const first = candidates.find(({ intent }) => intent.action === 'place')?.intent;
  if (first?.action === 'place') void rulesOf(first, { ...desk, venue: onlyOf(outside) });
  const ours = await secure(candidates, outside, time.deadline);
  const late = candidates
    .slice(ours)
    .map(({ message }): Result => ({ message, why: NOT_OURS, disposition: { kind: 'keep' } }));
  if (ours === 0) return [...turnedAway, ...late];
  await enter(desk);
  const isTimed = desk.account !== undefined && desk.account.mandate.batching !== true;
  const mine = candidates.slice(0, ours).map((candidate) => ({ ...candidate, isTimed }));
  return [...turnedAway, ...(await inOrder(mine, desk)), ...late];
}

/**
 * Before anything is asked or sent: no message may come back before what is sent for it now is past its horizon. Those
 * that might get their whole visibility anew; where SQS refuses it, they are not ours any more, or will not be for long.
 * @returns how many, from the first on, may be worked on
 */
async function secure(candidates: readonly Candidate[], outside: Outside, deadline: number): Promise<number> {
  const seconds = Math.ceil(outside.timing.visibilityMs / 1000);
  const early = candidates.filter(({ message }) => mayComeBackEarly(message, deadline, outside));
  if (early.length === 0) return candidates.length;
  const isOurs = await outside.queues.postpone(
    early.map(({ message: { receiptHandle } }) => ({ receiptHandle, seconds })),
  );
  const lost = early.find((_, index) => isOurs[index] !== true);
  return lost === undefined ? candidates.length : candidates.indexOf(lost);
}

const UNREAD = { account: undefined, venue: undefined, gate: undefined, outOfReach: undefined };

/** The venue of every account, where there is but one. */
function onlyOf({ venues }: Outside): Venue | undefined {
  return venues.length === 1 ? venues[0] : undefined;
}

/** What the account may do now: read anew for each intent, from the cache as long as its lifetime lasts. */
async function enter(desk: Desk): Promise<void> {
  const { outside, name, touched } = desk;
  const reading = await outside.accounts.read(name);
  const code = reading.kind === 'unknown' ? 'ACCOUNT_UNKNOWN' : 'MANDATE_UNREADABLE';
  const isGated = reading.kind === 'unknown' || reading.kind === 'unreadable';
  const account = 'account' in reading ? reading.account : undefined;
  const venue = account && outside.venueOf(account);
  // What this batch has sent is looked for where it was sent.
  const isMoved = desk.venue !== undefined && venue !== undefined && venue !== desk.venue;
  desk.venue ??= venue;
  desk.account = isMoved ? undefined : account;
  desk.gate = isGated ? { code, detail: reading.detail } : undefined;
  desk.outOfReach = isMoved ? MOVED : reading.kind === 'unavailable' ? reading.detail : undefined;
  if (desk.account === undefined) return;
  touched.set(name, desk.account);
  unpark(desk.account, outside.memory);
}

/** An end that could not be told. It holds only for the very next delivery: after another environment's it may be true no more. */
function endOf({ messageId, receiveCount }: Delivery, { ended }: Outside['memory']): Result | undefined {
  const last = ended.get(messageId);
  return last?.message.receiveCount === receiveCount - 1 ? last : undefined;
}

/** Reads the bodies; what is no intent, or not the message's own, or has ended before, goes no further. */
function door(
  group: readonly Delivery[],
  { clock, memory }: Outside,
): { readonly turnedAway: readonly Result[]; readonly candidates: readonly Candidate[]; readonly isUntold: boolean } {
  const turnedAway: Result[] = [];
  const candidates: Candidate[] = [];
  for (const message of group) {
    const ended = endOf(message, memory);
    const parsed = parse(message.body);
    if (ended !== undefined) turnedAway.push(toldAgain(ended, message));
    else if (parsed.kind === 'malformed') turnedAway.push(malformed(message, parsed, clock.now()));
    else if (parsed.intent.account !== message.group) {
      const detail = `MessageGroupId is not the account "${parsed.intent.account}"; send with MessageGroupId = account`;
      turnedAway.push(foreign(message, parsed.intent, { code: 'GROUP_MISMATCH', detail }));
    } else if (parsed.intent.id !== message.deduplicationId) {
      const detail = `MessageDeduplicationId is not the id "${parsed.intent.id}"; send with MessageDeduplicationId = id`;
      turnedAway.push(foreign(message, parsed.intent, { code: 'DEDUPLICATION_MISMATCH', detail }));
    } else if (Date.parse(parsed.intent.createdAt) - message.enqueuedAt > MAX_AHEAD_MS) {
      // By SQS's clock and the same at every delivery: no delivery of this message has ever sent it.
      const ahead = ((Date.parse(parsed.intent.createdAt) - message.enqueuedAt) / 1000).toFixed(1);
      const detail = `createdAt was ${ahead} s ahead when SQS took it; the limit is 5 s; set the producer's clock`;
      turnedAway.push(buried(message, parsed.intent, { code: 'CREATED_IN_FUTURE', detail }, clock.now()));
    } else {
      const disproved = isFirst(message, parsed.intent, memory);
      candidates.push({ message, intent: parsed.intent, disproved, isTimed: false });
    }
  }
  const isUntold = group.some((message) => endOf(message, memory) !== undefined);
  return { turnedAway, candidates, isUntold };
}

/**
 * The intents of one account, one after the other; a step that stops sends the rest back. A setting is alone: it begins when
 * all before it is told and deleted, and what comes after it begins when it is. Were it done again with something else
 * in between, it would undo that.
 */
async function inOrder(candidates: readonly Candidate[], desk: Desk): Promise<readonly Result[]> {
  const { outside, time } = desk;
  // Nothing behind a setting is taken now: it needs no proof, and the setting does not wait for one.
  const setting = candidates.findIndex(({ intent }, index) => index > 0 && isSetting(intent));
  const taken = candidates[0] !== undefined && isSetting(candidates[0].intent) ? 1 : setting;
  const doubtful = candidates.slice(0, taken === -1 ? undefined : taken).filter(({ disproved }) => !disproved);
  const proofs = await prove(doubtful, desk);
  const settled = (candidate: Candidate): Candidate =>
    proofs.get(candidate.message.messageId)?.kind === 'absent' ? { ...candidate, disproved: true } : candidate;
  const results: Result[] = [];
  for (let index = 0; index < candidates.length;) {
    const candidate = candidates[index] as Candidate;
    const isAlone = isSetting(candidate.intent);
    const isLate = outside.clock.now() > time.takeUntil;
    const run = isLate ? [] : sentTogether(candidates.slice(index), desk);
    let steps: readonly Step[];
    if (isLate || (isAlone && index > 0)) {
      steps = [stopped(settled(candidate), 1, isLate ? NO_TIME.why : ITS_TURN, desk, isLate)];
    } else if (run.length > 1) steps = await takeTogether(run, desk);
    else steps = [await takeAnew(settled(candidate), proofs.get(candidate.message.messageId), desk)];
    results.push(...steps.map(({ result }) => result));
    index += steps.length;
    const stop = steps.find((step) => step.stop !== undefined)?.stop;
    if (stop === undefined && !isAlone) continue;
    const { seconds, why } = stop ?? { seconds: 1, why: ITS_TURN };
    const isTouched = stop !== undefined && why !== ITS_TURN;
    results.push(...candidates.slice(index).map((rest) => putBack(settled(rest), seconds, why, desk, isTouched)));
    break;
  }
  return results;
}

/**
 * The intents from the first on that may go out in one request: new orders of one market, and of one symbol where the venue
 * wants that, never sent before. In shadow mode none, so that each report says what would have been sent for it.
 */
function sentTogether(candidates: readonly Candidate[], { account, venue, attempted }: Desk): readonly Candidate[] {
  const [first] = candidates;
  if (venue === undefined || account?.mandate.batching !== true || account.mandate.shadow === true) return [];
  if (first?.intent.action !== 'place') return [];
  const { market, symbol } = first.intent;
  const { most, isOneSymbol } = venue.together[market];
  const isWith = ({ intent, message, disproved }: Candidate, index: number): boolean =>
    intent.action === 'place' &&
    intent.market === market &&
    (intent.symbol === symbol || !isOneSymbol) &&
    message.receiveCount === 1 &&
    disproved &&
    !attempted.has(intent.id) &&
    candidates.findIndex((each) => each.intent.id === intent.id) === index;
  const end = candidates.findIndex((candidate, index) => !isWith(candidate, index));
  return candidates.slice(0, end === -1 ? undefined : end).slice(0, most);
}

/**
 * Several intents in one request: each is admitted on its own, all at the last moment, and each has a verdict of its own. What
 * was not executed, or is not there though the venue took it, goes out alone; so what comes behind in the run may be placed
 * before it.
 * @returns a step for each of the first intents; fewer than were given where one of them stopped
 */
async function takeTogether(run: readonly Candidate[], desk: Desk, isRetry = false): Promise<readonly Step[]> {
  const { outside, time, venue } = desk;
  const { clock, memory } = outside;
  const [first] = run;
  // Where nobody may be asked, it is put off as it would be alone.
  if (first !== undefined && mayNotAsk(first, desk) !== undefined) return [await take(first, undefined, desk)];
  const steps = await readied(run, desk);
  const ready = steps.filter((step) => 'admitted' in step);
  const orders = ready.flatMap(({ admitted }) => (admitted.action === 'place' ? [admitted] : []));
  /** A step for each of them, in their order: after one that stops, what was not sent again waits with it. */
  const inPlace = (concluded: readonly Step[]): readonly Step[] => {
    const stop = concluded.at(-1)?.stop ?? NO_TIME;
    let next = 0;
    return steps.map((step) => ('admitted' in step ? (concluded[next++] ?? behind(step.candidate, stop, desk)) : step));
  };
  const [only] = ready;
  if (only === undefined || desk.account === undefined || venue === undefined) return inPlace([]);
  if (ready.length === 1) return inPlace([await dispatch(only, desk, isRetry)]);
  for (const { candidate } of ready) mayBeThere(candidate, desk);
  const sent = (journey: Journey): void => ready.forEach(({ candidate }) => wasSent(candidate, desk, journey));
  const signedAt = clock.now();
  const verdicts = await venue.submitAll(desk.account, orders, { ...time.within(signedAt), sent });
  const judged = ready.map((each, index) => ({ ...each, verdict: verdicts[index] ?? unsaid(clock.now()) }));
  for (const { candidate, verdict } of judged) {
    logVerdict(candidate, verdict, outside.log);
    if (!MAY_BE_THERE.includes(verdict.kind)) memory.signed.delete(keyOf(candidate.intent));
  }
  if (!isRetry && judged.every(({ verdict }) => verdict.kind === 'unauthorised') && (await renew(desk))) {
    const candidates = ready.map(({ candidate }) => candidate);
    return inPlace(await takeTogether(candidates, desk, true));
  }
  return inPlace(await concludeEach(judged, desk));
}

/** Of an order that went out with others, and that the answer does not speak of. @param now when the answer was in */
function unsaid(now: number): Extract<Verdict, { kind: 'unknown' }> {
  return { kind: 'unknown', venueCode: 'NO_VERDICT', detail: 'the answer says nothing of it', signedAt: now };
}

/** Waits with the one before it that stopped. */
function behind(candidate: Candidate, stop: NonNullable<Step['stop']>, desk: Desk): Step {
  return { result: putBack(candidate, stop.seconds, stop.why, desk), stop };
}

type Judged = Ready & { readonly verdict: Verdict };

/**
 * Each order of one request by its own verdict, in their order. What has to be looked for is looked for first and together;
 * after one that stops nothing more is sent, and what was not executed waits with it. What the venue has done is told all the same.
 */
async function concludeEach(judged: readonly Judged[], desk: Desk): Promise<readonly Step[]> {
  const { clock } = desk.outside;
  const lost = judged.flatMap(({ candidate, verdict }) => (verdict.kind === 'unknown' ? [{ candidate, verdict }] : []));
  const taken = judged.flatMap(({ candidate, verdict }) => (verdict.kind === 'taken' ? [candidate] : []));
  const ban = judged.find(({ verdict }) => verdict.kind === 'banned');
  // Nothing may be looked for then: it is known before anybody asks.
  if (ban?.verdict.kind === 'banned' && lost.length + taken.length > 0) pause(ban.candidate, ban.verdict, desk);
  const holding = holder(lost, desk);
  const seen = await seenAmong(lost, desk);
  // The venue has answered: what is not seen twice is not there, and goes out alone.
  const sought = taken.map((candidate) => ({ ...candidate, disproved: false }));
  const proofs = await prove(sought, desk);
  const steps: Step[] = [];
  let stop: Step['stop'];
  for (const { candidate, verdict, note } of judged) {
    if (clock.now() > desk.time.takeUntil) stop ??= NO_TIME;
    const sighting = seen.get(candidate);
    if (sighting !== undefined) steps.push(await sighted(candidate, sighting, desk));
    else if (verdict.kind === 'unknown') steps.push(await holding(candidate, verdict.detail));
    else if (verdict.kind === 'taken') {
      steps.push(await soughtStep(candidate, proofs.get(candidate.message.messageId), stop, desk));
    } else if (verdict.kind === 'late' || verdict.kind === 'unavailable') {
      // Nothing was executed, and why need not hold for one alone: one of them may have expired, or the path be closed.
      steps.push(await soughtStep(candidate, { kind: 'absent' }, stop, desk));
    } else if (verdict.kind === 'throttled' && stop !== undefined) steps.push(behind(candidate, stop, desk));
    else steps.push(await conclude(candidate, verdict, desk, true, note));
    stop ??= steps.at(-1)?.stop;
  }
  return steps;
}

/** What is needed is fetched for all of them, the book of each symbol once; then, with no wait before the send, each is admitted. */
async function readied(run: readonly Candidate[], desk: Desk): Promise<readonly (Step | Ready)[]> {
  const { outside, time } = desk;
  const books = new Map<string, Promise<Book | undefined>>();
  const fetched: (Step | Gathered)[] = [];
  for (const candidate of run) {
    const isLate = fetched.length > 0 && outside.clock.now() > time.takeUntil;
    const each = isLate
      ? stopped(candidate, NO_TIME.seconds, NO_TIME.why, desk)
      : await gather(candidate, desk, (symbol, fetch) => {
          const book = books.get(symbol) ?? fetch();
          books.set(symbol, book);
          return book;
        });
    fetched.push(each);
    if ('result' in each && each.stop !== undefined) break;
  }
  await enter(desk);
  return fetched.map((each) => ('result' in each ? each : decide(each, desk)));
}

/** After one that stops nothing more is sent; what is there already is told all the same. */
async function soughtStep(
  candidate: Candidate,
  proof: Proof | undefined,
  stop: Step['stop'],
  desk: Desk,
): Promise<Step> {
  if (proof?.kind === 'found') return sighted(candidate, proof, desk);
  // It was sent a moment ago: it comes back when its visibility is over.
  if (proof?.kind !== 'absent') {
    const { seconds, why } = proof ?? { seconds: 1, why: 'not looked for' };
    return { result: { message: candidate.message, why, disposition: { kind: 'keep' } }, stop: { seconds, why } };
  }
  if (stop !== undefined) return stopped(candidate, stop.seconds ?? 1, stop.why, desk);
  return attempt(candidate, desk);
}

type Lost = readonly { readonly candidate: Candidate; readonly verdict: Extract<Verdict, { kind: 'unknown' }> }[];

/** Nobody knows whether they arrived: what is seen now is told now. */
async function seenAmong(lost: Lost, desk: Desk): Promise<ReadonlyMap<Candidate, Extract<Looked, { kind: 'found' }>>> {
  const { clock, memory } = desk.outside;
  const seen = new Map<Candidate, Extract<Looked, { kind: 'found' }>>();
  for (const { candidate, verdict } of lost) {
    remember(memory.signed, keyOf(candidate.intent), refusalOf(verdict, desk));
  }
  for (const waitMs of [0, promisesAt(desk).showsOrdersWithinMs / 4]) {
    if (seen.size === lost.length || clock.now() + waitMs > desk.time.takeUntil) break;
    await clock.sleep(waitMs);
    for (const { candidate } of lost.filter((each) => !seen.has(each.candidate))) {
      if (clock.now() > desk.time.takeUntil || mayNotAsk(candidate, desk) !== undefined) break;
      const sighting = await look(candidate, desk, [candidate.intent.id]);
      if (sighting.kind === 'found') seen.set(candidate, sighting);
      else if (sighting.kind !== 'nothing') pause(candidate, sighting, desk);
    }
  }
  return seen;
}

/** The rest is held until it can be proven: all for the same time, so that the venue's clock is asked for once. */
function holder(lost: Lost, desk: Desk): (candidate: Candidate, why: string) => Promise<Step> {
  const refusedFrom = Math.max(...lost.map(({ verdict }) => refusalOf(verdict, desk)));
  const windows = lost.map(({ verdict }) => verdict.refusedAfterMs ?? promisesAt(desk).refusesTimestampsAfterMs);
  let kept: Step | undefined;
  return async (candidate, why) => {
    kept ??= await keptPastHorizon(candidate, refusedFrom, why, desk, { windowMs: Math.max(...windows) });
    return { ...kept, result: { ...kept.result, message: candidate.message } };
  };
}

/** A proof from before this invocation sent the same id, or the one that is replayed, proves nothing: it is taken anew. */
async function takeAnew(candidate: Candidate, proof: Proof | undefined, desk: Desk): Promise<Step> {
  const { intent, message } = candidate;
  const isStale = intent.action === 'place' && soughtIds(intent).some((id) => desk.attempted.has(id));
  if (!isStale) return take(candidate, proof, desk);
  const doubtful = { ...candidate, disproved: false };
  const fresh = (await prove([doubtful], desk)).get(message.messageId);
  return take({ ...doubtful, disproved: fresh?.kind === 'absent' }, fresh, desk);
}

/** One intent: what may have been sent is settled first, then it is admitted and sent. */
async function take(candidate: Candidate, proof: Proof | undefined, desk: Desk): Promise<Step> {
  if (proof?.kind === 'found') return sighted(candidate, proof, desk);
  const parked = parkedNow(desk) ?? desk.silence;
  if (proof?.kind === 'unproven') return putOff(candidate, proof, desk);
  if (parked !== undefined) {
    return putOff(
      candidate,
      { seconds: desk.silence?.seconds ?? untilParkOver(candidate, desk), why: parked.why },
      desk,
    );
  }
  return attempt(candidate, desk);
}

/** What keeps the account from having it done, by what `enter` found. */
function kept(desk: Desk, candidate: Candidate): Step | undefined {
  const { account, gate, outOfReach, outside } = desk;
  const { intent } = candidate;
  if (outOfReach !== undefined) return putOff(candidate, { seconds: backoff(candidate), why: outOfReach }, desk);
  // What takes risk away passes without a mandate as it passes a halt, if there is a key to send it with.
  if (gate !== undefined && (!isRelief(intent) || account === undefined)) {
    return { result: denied(candidate, gate, desk) };
  }
  const denial = account && barred(intent, account.mandate, outside.clock.now());
  return denial && { result: denied(candidate, denial, desk) };
}

/** Nothing can be done for it now: it comes back, unless its time is over in a way that can be told. */
function putOff(candidate: Candidate, wait: Omit<Extract<Proof, { kind: 'unproven' }>, 'kind'>, desk: Desk): Step {
  const { outside } = desk;
  const { message, intent } = candidate;
  const { seconds, why, isForgotten = false, isUntried = false } = wait;
  const now = outside.clock.now();
  const end = (because: End): Step => ({ result: buried(message, intent, because, now) });
  const isUnsent = isFirstOrUnsent(candidate, desk);
  const isExpired = now >= Date.parse(intent.expiresAt);
  if (isUnsent && isExpired) {
    return end({ code: 'INTENT_EXPIRED', detail: `expired at ${intent.expiresAt} unsent; last: ${why}` });
  }
  if (isForgotten && message.receiveCount === 1) {
    // Not by this message; an earlier one with the same id may have been, and waiting will not tell.
    const detail = `created at ${intent.createdAt}, until ${intent.expiresAt}; ${why}`;
    return end({ code: isExpired ? 'INTENT_EXPIRED' : 'LIFETIME_TOO_LONG', detail, certainty: 'unknown' });
  }
  const sinceMs = now - message.firstReceivedAt;
  // Given up is what was looked for in vain. The first of a batch always is, so that each comes to its turn.
  if (
    !isUnsent &&
    !isUntried &&
    (isForgotten ? message.receiveCount > 1 : sinceMs > outside.timing.unresolvedAfterMs)
  ) {
    const minutes = Math.round(sinceMs / 60_000);
    const detail = `${minutes} min after its first delivery nobody can prove whether it was executed; last: ${why}`;
    return end({ code: 'UNRESOLVED', detail });
  }
  return stopped(candidate, seconds, why, desk);
}

/**
 * Was nothing of this message sent? An instruction leaves no trace of its own to be looked up, and a cancel comes back soon
 * even when it was sent: only a first or remembered delivery tells of it.
 */
function isFirstOrUnsent({ message, intent, disproved, isTimed }: Candidate, desk: Desk): boolean {
  if (wasPutBackUnsent(message, desk.outside.memory)) return true;
  if (intent.action !== 'place') return message.receiveCount === 1 && disproved;
  return disproved || (isTimed && cameBackTooSoon(message, intent, desk));
}

/** The venue's rules for a symbol: they are waited for a second at most. */
function rulesOf(
  { market, symbol }: { readonly market: Market; readonly symbol: string },
  { venue, outside, time }: Pick<Desk, 'venue' | 'outside' | 'time'>,
): Promise<Instrument | 'unknown' | undefined> {
  const now = outside.clock.now();
  if (venue === undefined) return Promise.resolve(undefined);
  return venue.instrument(market, symbol, Math.min(now + 1000, time.answerBy(now)));
}

/** What admission is decided by: the venue's rules and best prices, and the order that an amend is about. */
interface Gathered {
  readonly candidate: Candidate;
  readonly instrument: Instrument | 'unknown' | undefined;
  readonly book: Book | undefined;
  readonly target: VenueOrder | undefined;
}

/** An admitted intent. `note`: what a person should know of how it was sent. */
interface Ready {
  readonly candidate: Candidate;
  readonly admitted: Admitted;
  readonly note: string | undefined;
}

async function attempt(candidate: Candidate, desk: Desk, isRetry = false): Promise<Step> {
  const gathered = await gather(candidate, desk);
  if ('result' in gathered) return gathered;
  await enter(desk);
  const ready = decide(gathered, desk);
  return 'admitted' in ready ? dispatch(ready, desk, isRetry) : ready;
}

/** All that takes time before admission. @param share lets several intents use one book */
async function gather(
  candidate: Candidate,
  desk: Desk,
  share: (symbol: string, fetch: () => Promise<Book | undefined>) => Promise<Book | undefined> = (_, fetch) => fetch(),
): Promise<Step | Gathered> {
  await enter(desk);
  const barrier = kept(desk, candidate);
  if (barrier !== undefined) return barrier;
  const { time, venue } = desk;
  const { clock } = desk.outside;
  const { intent } = candidate;
  const isPriced = intent.action === 'place' || intent.action === 'amend';
  const instrument = isPriced ? await rulesOf(intent, desk) : undefined;
  const target = intent.action === 'amend' ? await sightTarget(candidate, desk) : undefined;
  if (target !== undefined && 'result' in target) return target;
  if (target !== undefined && intent.action === 'amend' && isAmended(intent, target, listed(instrument))) {
    return { result: done(candidate.message, intent, AS_WANTED, clock.now()) };
  }
  const isBookNeeded = isPriced && desk.account !== undefined && needsBook(intent, desk.account.mandate);
  const book = isBookNeeded
    ? await share(intent.symbol, async () => venue?.book(intent.market, intent.symbol, time.answerBy(clock.now())))
    : undefined;
  if (isBookNeeded && book === undefined && clock.now() < Date.parse(intent.expiresAt)) {
    return stopped(candidate, backoff(candidate), `the order book of ${intent.symbol} cannot be had`, desk);
  }
  return { candidate, instrument, book, target };
}

/** Admission is the last step before the send: trading state and expiry are read here, and nothing is waited for after it. */
function decide({ candidate, instrument, book, target }: Gathered, desk: Desk): Step | Ready {
  const { outside, account } = desk;
  const { intent } = candidate;
  // What came before took its time: the account may have been halted by now.
  const barrier = kept(desk, candidate);
  if (barrier !== undefined) return barrier;
  if (account === undefined) return stopped(candidate, backoff(candidate), 'no account', desk);
  // Another account may have met a ban of the address meanwhile.
  const silence = mayNotAsk(candidate, desk);
  if (silence !== undefined) return stopped(candidate, silence.seconds, silence.why, desk);
  const admission = admit(intent, instrument, account.mandate, book, outside.clock.now(), target);
  if (admission.kind === 'denial') return { result: denied(candidate, admission, desk) };
  const isPriced = intent.action === 'place' || intent.action === 'amend';
  const note =
    instrument === undefined && isPriced ? "sent without the venue's rules, which could not be had" : undefined;
  return { candidate, admitted: admission.admitted, note };
}

/** Sends what is admitted. */
async function dispatch({ candidate, admitted, note }: Ready, desk: Desk, isRetry: boolean): Promise<Step> {
  const { outside, time, account, venue } = desk;
  const { clock } = outside;
  if (account === undefined || venue === undefined) return stopped(candidate, backoff(candidate), 'no account', desk);
  if (admitted.action === 'place') mayBeThere(candidate, desk);
  const sent = (journey: Journey): void => wasSent(candidate, desk, journey);
  const verdict = await request(venue, account, admitted, { ...time.within(clock.now()), sent });
  logVerdict(candidate, verdict, outside.log);
  return conclude(candidate, verdict, desk, isRetry, note);
}

/** An order is about to be sent: from now on a look-up from before says nothing of it. */
function mayBeThere({ intent }: Candidate, desk: Desk): void {
  const { memory, clock } = desk.outside;
  desk.attempted.add(intent.id);
  remember(memory.signed, keyOf(intent), clock.now() + promisesAt(desk).refusesTimestampsAfterMs);
}

function wasSent({ message }: Candidate, { trails }: Desk, journey: Journey): void {
  const trail = trails.get(message.messageId);
  if (trail !== undefined) Object.assign(trail, { sent: trail.sent + 1, journey });
}

/** What may have been sent before, and cannot be seen, is never told as unsent. */
function denied(candidate: Candidate, { code, detail }: Pick<Denial, 'code' | 'detail'>, desk: Desk): Result {
  const { outside } = desk;
  const { message, intent } = candidate;
  const now = outside.clock.now();
  const isAgain = message.receiveCount > 1;
  const last = outside.memory.unsent.get(message.messageId)?.why ?? (isAgain ? ELSEWHERE : undefined);
  if (intent.action === 'place' || isFirstOrUnsent(candidate, desk)) {
    return buried(message, intent, { code, detail: last === undefined ? detail : `${detail}; last: ${last}` }, now);
  }
  const sent = `${detail}; it was sent before, and nobody saw it take effect`;
  return buried(message, intent, { code, detail: sent, certainty: 'unknown' }, now);
}

/** The order that an amend is about: open, or the step that ends or puts off the amend. */
async function sightTarget(candidate: Candidate, desk: Desk): Promise<VenueOrder | Step> {
  const { outside } = desk;
  const { message, intent } = candidate;
  const seen = await lookTwice(candidate, desk);
  if (seen === undefined) {
    const { seconds, why } = mayNotAsk(candidate, desk) ?? { seconds: 1, why: 'no time left to look for its target' };
    return stopped(candidate, seconds, why, desk);
  }
  if (seen.kind === 'found') {
    if (isOpen(seen.order)) return seen.order;
    return { result: done(message, intent, `the order was already ${seen.order.state}`, outside.clock.now()) };
  }
  if (seen.kind !== 'nothing') return stopped(candidate, pause(candidate, seen, desk), seen.detail, desk);
  if (mayStillAppear(candidate, desk)) {
    return stopped(candidate, backoff(candidate), 'its target may still be on its way', desk);
  }
  const detail = 'the venue shows no order with the id that it is about; correct target';
  return { result: denied(candidate, { code: 'TARGET_NOT_FOUND', detail }, desk) };
}

/**
 * A second look where the first is not enough, as long after it as what happened may stay invisible. Nothing is what was not
 * seen twice; undefined where nobody can be asked so long.
 */
async function lookTwice(
  candidate: Candidate,
  desk: Desk,
  isEnough = ({ kind }: Looked): boolean => kind === 'found',
): Promise<Looked | undefined> {
  const { clock } = desk.outside;
  const ids = candidate.intent.action === 'place' ? [candidate.intent.id] : undefined;
  if (mayNotAsk(candidate, desk) !== undefined) return undefined;
  const first = await look(candidate, desk, ids);
  if (isEnough(first) || (first.kind !== 'nothing' && first.kind !== 'found')) return first;
  const { showsOrdersWithinMs } = promisesAt(desk);
  if (clock.now() + showsOrdersWithinMs > desk.time.takeUntil) return undefined;
  await clock.sleep(showsOrdersWithinMs);
  return mayNotAsk(candidate, desk) === undefined ? look(candidate, desk, ids) : undefined;
}

/** Was the target sent from here so lately that the venue may still execute it? */
function mayStillAppear({ intent }: Candidate, desk: Desk): boolean {
  const { memory, clock } = desk.outside;
  const refusedFrom = 'target' in intent ? memory.signed.get(keyOf(intent, intent.target)) : undefined;
  const promises = promisesAt(desk);
  const graceMs = leastReturnMs(promises) - promises.refusesTimestampsAfterMs;
  return refusedFrom !== undefined && clock.now() - refusedFrom < graceMs;
}

function isOpen({ state }: VenueOrder): boolean {
  return state === 'open' || state === 'partially-filled';
}

/** Shown as failed, and nothing of it was traded. */
function isFailure({ state, filledSize }: VenueOrder): boolean {
  return state === 'rejected' && !/[1-9]/.test(filledSize);
}

function request(venue: Venue, account: TradingAccount, admitted: Admitted, times: Times): Promise<Verdict> {
  return admitted.action === 'place'
    ? venue.submit(account, admitted, times)
    : venue.instruct(account, admitted, times);
}

/** Verdicts after which something of the message is on the venue, or may be. */
const MAY_BE_THERE: readonly Verdict['kind'][] = ['placed', 'unknown', 'duplicate', 'failed'];

/** What a verdict means for the intent. Every branch either ends it or says when it is taken up again. */
async function conclude(
  candidate: Candidate,
  verdict: Verdict,
  desk: Desk,
  isRetry: boolean,
  note: string | undefined,
): Promise<Step> {
  const { outside } = desk;
  const { message, intent } = candidate;
  const now = outside.clock.now();
  if (!MAY_BE_THERE.includes(verdict.kind)) {
    // Nothing of this message is on the venue, so nothing of it needs to be looked for.
    outside.memory.signed.delete(keyOf(intent));
  }
  switch (verdict.kind) {
    case 'placed':
      return intent.action === 'place'
        ? { result: accepted(message, intent, verdict.venueOrderId, now, note) }
        : { result: done(message, intent, undefined, now) };
    case 'done':
      return { result: done(message, intent, verdict.detail, now) };
    case 'refused': {
      const code = verdict.tradingOver ? 'TRADING_OVER' : 'VENUE_REFUSED';
      const { venueCode, detail } = verdict;
      // What an instruction changed at an earlier delivery may be why it is refused now.
      const isRepeated = intent.action !== 'place' && !isFirstOrUnsent(candidate, desk);
      const end: End = isRepeated
        ? { code, venueCode, detail: `${detail}; it may have been sent before and taken effect`, certainty: 'unknown' }
        : { code, venueCode, detail };
      return { result: buried(message, intent, end, now) };
    }
    case 'unauthorised':
      if (!isRetry && (await renew(desk))) return attempt(candidate, desk, true);
      return stopped(candidate, pause(candidate, verdict, desk), verdict.detail, desk);
    case 'banned':
    case 'throttled':
    case 'unavailable':
    case 'late':
      return stopped(candidate, pause(candidate, verdict, desk), verdict.detail, desk);
    case 'failed':
      return resolveFailed(candidate, verdict, desk);
    case 'finished':
    case 'duplicate':
    case 'unknown':
      if (intent.action === 'place') return resolve(candidate, verdict, desk);
      if (intent.action === 'cancel' || intent.action === 'amend') return resolveTarget(candidate, verdict, desk);
      return heldPastHorizon(candidate, verdict, desk);
    case 'taken':
      return resolveTarget(candidate, verdict, desk);
  }
}

type Open = Extract<Verdict, { kind: 'unknown' | 'duplicate' | 'finished' }>;

/** It may still take effect, and then undo what comes after it: nothing of the group goes on before it no longer can. */
async function heldPastHorizon(candidate: Candidate, verdict: Open, desk: Desk): Promise<Step> {
  const why = 'detail' in verdict ? verdict.detail : 'no answer';
  return keptPastHorizon(candidate, refusalOf(verdict, desk), why, desk);
}

/** When the venue, by its own clock, takes the request no more. */
function refusalOf(verdict: Open, desk: Desk): number {
  const { signedAt, refusedAfterMs = promisesAt(desk).refusesTimestampsAfterMs } =
    verdict.kind === 'unknown' ? verdict : { signedAt: desk.outside.clock.now() };
  return signedAt + refusedAfterMs;
}

/**
 * Past the horizon, by the venue's own clock, the request can no longer be executed and an executed one shows. Where that
 * clock cannot be had, the whole visibility runs out.
 */
async function keptPastHorizon(
  candidate: Candidate,
  refusedFrom: number,
  why: string,
  desk: Desk,
  { windowMs, leastSeconds = 0 }: { readonly windowMs?: number | undefined; readonly leastSeconds?: number } = {},
): Promise<Step> {
  const { venue, time } = desk;
  const { message } = candidate;
  const isParked = parkedNow(desk) !== undefined;
  const venueNow = isParked ? undefined : await venue?.time(time.answerBy(desk.outside.clock.now()));
  if (venueNow === undefined) {
    return { result: { message, why, disposition: { kind: 'keep' } }, stop: { seconds: undefined, why } };
  }
  const promises = promisesAt(desk);
  const untilHorizonMs = Math.max(horizonOf(promises, refusedFrom) - venueNow, leastReturnMs(promises, windowMs));
  const seconds = Math.max(leastSeconds, Math.ceil(untilHorizonMs / 1000) + 1);
  return { result: { message, why, disposition: postponed(seconds) }, stop: { seconds, why } };
}

/**
 * The venue answered that no order came of it: it is done with the request, so an order shows soon or never will. It is not
 * sent again whatever is seen: part of it, such as a loan, may have been done.
 */
async function resolveFailed(
  candidate: Candidate,
  verdict: Extract<Verdict, { kind: 'failed' }>,
  desk: Desk,
): Promise<Step> {
  const { clock } = desk.outside;
  const { message, intent } = candidate;
  const seen = await lookTwice(candidate, desk);
  const { venueCode, detail } = verdict;
  const end: End = { code: 'VENUE_REFUSED', detail, venueCode };
  const isFailed = seen?.kind === 'nothing' || (seen?.kind === 'found' && isFailure(seen.order));
  if (isFailed) return { result: buried(message, intent, end, clock.now()) };
  if (seen?.kind === 'found') return sighted(candidate, seen, desk);
  if (seen !== undefined) pause(candidate, seen, desk);
  const unseen = `${detail}; nobody could look whether an order came of it all the same`;
  return { result: buried(message, intent, { ...end, detail: unseen, certainty: 'unknown' }, clock.now()) };
}

/** The order may be there: up to three looks now. What stays open keeps the head of its group until it can be proven. */
async function resolve(candidate: Candidate, verdict: Open, desk: Desk): Promise<Step> {
  const { outside, time } = desk;
  const { clock, memory } = outside;
  const { intent, message } = candidate;
  const refusedFrom = refusalOf(verdict, desk);
  remember(memory.signed, keyOf(intent), refusedFrom);
  const lagMs = promisesAt(desk).showsOrdersWithinMs;
  let seconds = 0;
  for (const waitMs of [0, lagMs / 20, lagMs / 4]) {
    if (clock.now() + waitMs > time.takeUntil) break;
    await clock.sleep(waitMs);
    if (mayNotAsk(candidate, desk) !== undefined) break;
    const sighting = await look(candidate, desk, [intent.id]);
    if (sighting.kind === 'found') return sighted(candidate, sighting, desk);
    if (sighting.kind === 'nothing') continue;
    seconds = pause(candidate, sighting, desk);
    break;
  }
  if (verdict.kind === 'duplicate' && message.receiveCount > 1 && candidate.disproved) {
    // Somebody's order has the id, perhaps this intent's own; it was not shown after the horizon and will not be soon.
    const detail = 'the venue refuses the id as used and shows no order under it';
    return {
      result: buried(message, intent, { code: 'UNRESOLVED', detail, venueCode: verdict.venueCode }, clock.now()),
    };
  }
  const why = verdict.kind === 'unknown' ? verdict.detail : 'the venue knows the id and does not show the order';
  return keptPastHorizon(candidate, refusedFrom, why, desk, { leastSeconds: seconds });
}

/**
 * A cancel or amend that was sent, or that found nothing open: the order itself tells. Sending a cancel again does no harm;
 * an amend that may still take effect would undo a later one.
 */
async function resolveTarget(
  candidate: Candidate,
  verdict: Open | Extract<Verdict, { kind: 'taken' }>,
  desk: Desk,
): Promise<Step> {
  const { clock } = desk.outside;
  const { message, intent } = candidate;
  const isTaken = verdict.kind === 'taken';
  const why = isTaken
    ? 'the venue took it, and it does not show yet'
    : 'detail' in verdict
      ? verdict.detail
      : 'no answer';
  const again = async (): Promise<Step> => {
    if (intent.action === 'amend' && !isTaken && verdict.kind !== 'finished')
      return heldPastHorizon(candidate, verdict, desk);
    const seconds = Math.max(backoff(candidate), promisesAt(desk).showsOrdersWithinMs / 1000);
    return { result: { message, why, disposition: postponed(seconds) }, stop: { seconds, why } };
  };
  if (mayNotAsk(candidate, desk) !== undefined) return again();
  const rules = intent.action === 'amend' ? listed(await rulesOf(intent, desk)) : undefined;
  const isSettled = (order: VenueOrder): boolean => intent.action === 'amend' && isAmended(intent, order, rules);
  const isEnough = (seen: Looked): boolean =>
    seen.kind === 'found' && (!isTaken || !isOpen(seen.order) || isSettled(seen.order));
  const seen =
    isTaken || verdict.kind === 'finished' ? await lookTwice(candidate, desk, isEnough) : await look(candidate, desk);
  if (seen?.kind === 'found') {
    if (!isOpen(seen.order)) return sighted(candidate, seen, desk);
    return isSettled(seen.order) ? { result: done(message, intent, AS_WANTED, clock.now()) } : again();
  }
  if (seen !== undefined && seen.kind !== 'nothing') pause(candidate, seen, desk);
  // An order that does not exist is one that was not seen for as long as an order may stay invisible.
  if (seen?.kind !== 'nothing' || verdict.kind !== 'finished' || mayStillAppear(candidate, desk)) return again();
  const end: End = { code: 'VENUE_REFUSED', detail: why, venueCode: verdict.venueCode };
  return { result: buried(message, intent, end, clock.now()) };
}

/** An order with the id exists. If it is the intent's own, the intent is done; if not, the id was taken. */
async function sighted(candidate: Candidate, proof: Extract<Proof, { kind: 'found' }>, desk: Desk): Promise<Step> {
  const { clock } = desk.outside;
  const { message, intent } = candidate;
  const { order, id } = proof;
  const now = clock.now();
  if (intent.action !== 'place') {
    // For what is open, `attempt` looks at what there is left to do.
    if (isOpen(order)) return take(candidate, undefined, desk);
    return { result: done(message, intent, `the order was already ${order.state}`, now) };
  }
  if (id !== intent.id) {
    const detail = `this is a replay of ${id}, whose order was placed (${order.venueOrderId}, ${order.state})`;
    return { result: buried(message, intent, { code: 'REPLAYED_ORDER_EXISTS', detail }, now) };
  }
  const instrument = await rulesOf(intent, desk);
  const keepsPrice = desk.venue?.promises.keepsPrice[intent.market] ?? true;
  const differs = difference(intent, order, listed(instrument), keepsPrice);
  if (differs !== undefined) {
    // Contracts can be amended, by people at the exchange as well: it may be this intent's own order.
    const end: End =
      intent.market === 'futures'
        ? { code: 'ID_REUSED', detail: `${differs}; unless it was amended since`, certainty: 'unknown' }
        : { code: 'ID_REUSED', detail: differs };
    return { result: buried(message, intent, end, now) };
  }
  if (isFailure(order)) {
    const { reason } = order;
    const shown = `the venue shows the order ${order.venueOrderId} as failed`;
    const end: End = { code: 'VENUE_REFUSED', detail: reason === undefined ? shown : `${shown}: ${reason}` };
    return { result: buried(message, intent, reason === undefined ? end : { ...end, venueCode: reason }, now) };
  }
  return { result: accepted(message, intent, order.venueOrderId, now) };
}

function stopped(candidate: Candidate, seconds: number, why: string, desk: Desk, isTouched = true): Step {
  return { result: putBack(candidate, seconds, why, desk, isTouched), stop: { seconds, why } };
}

/**
 * Puts a message back. Its visibility is shortened only if nothing of it can be on the venue: then this environment
 * remembers that. Any other message waits until its visibility timeout, which outlasts the horizon, has run out; or
 * longer. An instruction may come back soon: a cancel does no harm when it is sent again, and any other that was sent is held
 * past its horizon by `heldPastHorizon` and by nothing else.
 * @param isTouched false for what only waits behind a setting: this delivery is past the horizon of any earlier send, and sent
 * nothing itself
 */
function putBack(candidate: Candidate, seconds: number | undefined, why: string, desk: Desk, isTouched = true): Result {
  const { message, intent, disproved } = candidate;
  const { memory } = desk.outside;
  if (seconds === undefined) return { message, why, disposition: { kind: 'keep' } };
  const isUnsent = isFirstOrUnsent(candidate, desk);
  if (isUnsent) remember(memory.unsent, message.messageId, { receiveCount: message.receiveCount, why });
  // Twice the window: the clock that signed an unknown request may have been a whole window ahead.
  const { refusesTimestampsAfterMs, showsOrdersWithinMs } = promisesAt(desk);
  const isPastAnyHorizon = seconds * 1000 >= 2 * refusesTimestampsAfterMs + showsOrdersWithinMs;
  const isSafe = !isTouched || isUnsent || disproved || intent.action !== 'place' || isPastAnyHorizon;
  return { message, why, disposition: isSafe ? postponed(seconds) : { kind: 'keep' } };
}

function postponed(seconds: number): Result['disposition'] {
  return { kind: 'postpone', seconds: postponable(seconds) };
}

/** What an invocation did, beside its results. */
interface Done {
  readonly touched: ReadonlyMap<string, TradingAccount>;
  readonly trails: ReadonlyMap<string, Trail>;
}

/**
 * The effects of a batch, in their order: letters and followed orders, then reports; then, when the last request of
 * every account is one interval old, visibility. A message is finished only when SQS has named each of its effects.
 * No end is reported before its letter is taken, no order as accepted before somebody follows it, and an end that could not
 * be told is told again, not decided anew.
 */
async function settle(
  results: readonly Result[],
  outside: Outside,
  done: Done,
  deadline: number,
): Promise<readonly string[]> {
  // Stopped, and gone on with later: others have the messages by now, and what was decided may be true no more.
  if (outside.clock.now() >= deadline) return results.map(({ message }) => message.messageId);
  const { queues, memory } = outside;
  const held = Promise.all([...done.touched.values()].map((account) => outside.venueOf(account).hold(account)));
  const letterOf = ({ disposition }: Result) => (disposition.kind === 'bury' ? disposition.letter : undefined);
  const [buriedOk, followedOk] = await Promise.all([
    sendEach(results.map(letterOf), (letters) => queues.bury(letters)),
    sendEach(
      results.map((result) => result.accepted),
      (orders) => queues.follow(orders.map((order) => ({ order, delaySeconds: FOLLOW_AFTER_SECONDS }))),
    ),
  ]);
  const publishedOk = await sendEach(
    results.map((result, index) =>
      buriedOk[index] === false || followedOk[index] === false ? undefined : result.report,
    ),
    (reports) => queues.publish(reports),
  );
  await held;
  const unfinished = results.filter((result, index) => {
    if (result.disposition.kind === 'postpone' || result.disposition.kind === 'keep') return true;
    const isTold = buriedOk[index] !== false && followedOk[index] !== false && publishedOk[index] !== false;
    const { accepted: order, ...rest } = result;
    // Who follows it already need not be told again.
    const untold = order !== undefined && followedOk[index] !== true ? result : rest;
    if (isTold) memory.ended.delete(result.message.messageId);
    else remember(memory.ended, result.message.messageId, untold);
    return !isTold;
  });
  const back = unfinished.flatMap(({ message, disposition }) =>
    disposition.kind === 'postpone' ? [{ receiptHandle: message.receiptHandle, seconds: disposition.seconds }] : [],
  );
  if (back.length > 0) await queues.postpone(back);
  for (const result of results) tell(result, unfinished.includes(result), done, outside);
  return unfinished.map(({ message }) => message.messageId);
}

function logVerdict({ intent }: Candidate, verdict: Verdict, log: Log): void {
  const detail = 'detail' in verdict ? verdict.detail : undefined;
  const isPlain = ['placed', 'done', 'taken'].includes(verdict.kind) && !(verdict.kind === 'taken' && detail);
  const level = isPlain ? 'info' : 'warn';
  const { id, account, action, market } = intent;
  const symbol = 'symbol' in intent ? intent.symbol : undefined;
  log(level, 'verdict', { id, account, action, market, symbol, verdict: verdict.kind, detail });
}

/** The line of a message, the last thing that is said of it, and its numbers. */
function tell(result: Result, isUnfinished: boolean, { touched, trails }: Done, outside: Outside): void {
  const { message, disposition, report, why } = result;
  const { log, measure = unmeasured } = outside;
  const account = touched.get(message.group);
  const letter = disposition.kind === 'bury' ? disposition.letter : undefined;
  const trail = trails.get(message.messageId);
  const intent = trail?.intent;
  const decisionToSendMs =
    trail?.journey === undefined ? undefined : trail.journey.sentAt - Date.parse(trail.intent.createdAt);
  const sendToAckMs = trail?.journey?.tookMs;
  const untold = isUnfinished && (disposition.kind === 'acknowledge' || disposition.kind === 'bury');
  // A name that anybody may write into a message is not worth a metric of its own.
  const about = account === undefined ? {} : { account: account.name, venue: account.venue };
  if (decisionToSendMs !== undefined) measure('DecisionToSendMs', Math.max(0, decisionToSendMs), about);
  if (sendToAckMs !== undefined) measure('SendToAckMs', sendToAckMs, about);
  if (!isUnfinished) measure('Intents', 1, { ...about, outcome: report?.status ?? 'misdirected' });
  if (!isUnfinished && letter !== undefined) measure('DeadLetters', 1, { ...about, reason: letter.reason });
  if (!isUnfinished && report?.status === 'unresolved') measure('Unresolved', 1, about);
  if (isOpenQuestion(result, trail, outside)) {
    measure('UnresolvedAgeMs', Math.max(0, outside.clock.now() - message.firstReceivedAt), about);
  }
  log(letter === undefined ? 'info' : 'warn', 'outcome', {
    // What is put back came through the door: its deduplication id is the intent's.
    id: report?.id ?? letter?.intentId ?? message.deduplicationId,
    account: message.group,
    venue: account?.venue ?? onlyOf(outside)?.name,
    action: intent?.action ?? report?.action,
    market: intent?.market,
    symbol: intent !== undefined && 'symbol' in intent ? intent.symbol : undefined,
    messageId: message.messageId,
    receiveCount: message.receiveCount,
    disposition: disposition.kind,
    // Decided, and not told: SQS did not take all of it.
    untold: untold ? true : undefined,
    seconds: disposition.kind === 'postpone' ? disposition.seconds : undefined,
    why,
    status: report?.status,
    reason: letter?.reason,
    certainty: letter?.certainty,
    detail: letter?.detail,
    ...{ sent: trail?.sent, lookups: trail?.lookups, decisionToSendMs, sendToAckMs, latencyMs: report?.latencyMs },
  });
}

/** May it have been sent, by this delivery or an earlier one, with no proof either way? */
function isOpenQuestion(
  { message, disposition, report }: Result,
  trail: Trail | undefined,
  { memory }: Outside,
): boolean {
  if (report !== undefined) return report.status === 'unresolved';
  if (trail === undefined || (disposition.kind !== 'postpone' && disposition.kind !== 'keep')) return false;
  const isUnsent = memory.unsent.get(message.messageId)?.receiveCount === message.receiveCount;
  return !isUnsent && (trail.sent > 0 || message.receiveCount > 1);
}
