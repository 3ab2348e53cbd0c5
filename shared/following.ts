// Follows accepted orders to their end, however long they rest: by the visibility of their messages and not by new ones.
// It promises: every end is reported, one that came to no trade in a dead letter too, and its message deleted only when SQS
// has taken them; the look-up limits are kept by the pacer; nothing is ever placed, changed or canceled from here.
import Big from 'big.js';
import type { Accounts } from './aws/accounts.ts';
import { delayable, postponable, sendEach, type Delivery, type Queues } from './aws/queues.ts';
import { budget, type Budget } from './clock.ts';
import { describeError } from './log.ts';
import { unmeasured, type Measure } from './metrics.ts';
import { listed, type Instrument } from './order/instrument.ts';
import { parse } from './order/intent.ts';
import {
  FASTEST_SECONDS,
  SLOWEST_SECONDS,
  endByFills,
  failedLetter,
  forgottenOrder,
  forgottenReport,
  isFinal,
  isWhole,
  neverSeen,
  nextLookSeconds,
  progressReport,
  stateOf,
} from './order/progress.ts';
import { restSeconds, type DeadLetter, type ExecutionReport, type PendingOrder } from './order/report.ts';
import type { Fills, OrderQuery, Sighting, TradingAccount, Unseen, Venue, VenueOrder } from './order/venue.ts';
import { park, parkedNow, unpark, type Parking } from './parking.ts';

/** The world outside, as records of functions; and whom this environment leaves alone. */
export interface Beyond extends Parking {
  readonly accounts: Accounts;
  readonly queues: Queues;
  readonly venueOf: (account: TradingAccount) => Venue;
  /** Nobody is told without it. */
  readonly measure?: Measure;
}

/** What becomes of a message. `copied`: a copy takes its place, with what has been told or learnt since. */
type Step =
  | { readonly kind: 'finished'; readonly report: ExecutionReport; readonly letter?: DeadLetter }
  | {
      readonly kind: 'copied';
      readonly copy: PendingOrder;
      readonly report?: ExecutionReport;
      readonly seconds: number;
      readonly why?: string;
    }
  | { readonly kind: 'waits'; readonly seconds: number; readonly why?: string };
interface Look {
  readonly message: Delivery;
  readonly pending: PendingOrder;
}
interface Silence {
  readonly why: string;
  /** As long as the venue said, where it did. */
  readonly retryAfterMs?: number;
}
/** What the orders of one account are looked at with. */
interface Desk {
  readonly beyond: Beyond;
  readonly time: Budget;
  readonly venue: Venue;
  /** Replaced when its key was refused and the secret holds another. */
  account: TradingAccount;
  /** The venue wants no more requests of this account now: nothing more is asked in this invocation. */
  silence: Silence | undefined;
}

/** A message is replaced before SQS gives it up: at 1,000 receives by the queue's redrive, after 14 days by its retention. */
const MOST_RECEIVES = 500;
const OLDEST_MS = 7 * 86_400_000;
/** So often an end that was seen waits for what is lacking to tell it: with the waits between, about 5 minutes. */
const MOST_ENDINGS = 10;

/**
 * Looks at the orders of one batch: accounts side by side, the orders of an account one after the other.
 * @param deadline when the invocation will be stopped, ms
 * @returns the message ids that must stay on the queue
 */
export async function follow(
  deliveries: readonly Delivery[],
  beyond: Beyond,
  deadline: number,
): Promise<readonly string[]> {
  const left: string[] = [];
  const looks = new Map<string, Look[]>();
  for (const message of deliveries) {
    const pending = readPending(message.body);
    if (pending === undefined) {
      // Nobody but `execute` and this function writes here. It stays until SQS moves it to the queue pending-dead.
      beyond.log('error', 'a message of the pending queue is no order', { messageId: message.messageId });
      left.push(message.messageId);
      continue;
    }
    const { account } = pending.intent;
    looks.set(account, [...(looks.get(account) ?? []), { message, pending }]);
  }
  const kept = await Promise.all(
    [...looks].map(async ([name, orders]) => {
      try {
        return await followAccount(name, orders, beyond, deadline);
      } catch (error) {
        beyond.log('error', 'following failed', { account: name, error: describeError(error) });
        return orders.map(({ message }) => message.messageId);
      }
    }),
  );
  return [...left, ...kept.flat()];
}

async function followAccount(
  name: string,
  orders: readonly Look[],
  beyond: Beyond,
  deadline: number,
): Promise<readonly string[]> {
  const { accounts, clock, log } = beyond;
  const time = budget(deadline, clock.now());
  const reading = await accounts.read(name);
  const desk: Desk | undefined =
    'account' in reading
      ? { beyond, time, venue: beyond.venueOf(reading.account), account: reading.account, silence: undefined }
      : undefined;
  if (desk !== undefined) unpark(desk.account, beyond);
  else if ('detail' in reading) log('error', 'account out of reach', { account: name, detail: reading.detail });
  const steps: { readonly look: Look; readonly step: Step }[] = [];
  for (const look of orders) {
    const step = desk === undefined ? waits(SLOWEST_SECONDS / 10, 'account out of reach') : await stepOf(look, desk);
    steps.push({ look, step });
  }
  const held = desk?.venue.hold(desk.account);
  const unfinished = await settle(steps, beyond, desk?.account.venue, deadline);
  await held;
  return unfinished;
}

async function stepOf(look: Look, desk: Desk): Promise<Step> {
  const { beyond, time, account } = desk;
  const now = beyond.clock.now();
  const parked = parkedNow(account, beyond);
  if (parked !== undefined) return waits((parked.until - now) / 1000, parked.why);
  if (desk.silence !== undefined) return waits(restSeconds(desk.silence, backoff(look.message)), desk.silence.why);
  return now > time.takeUntil ? waits(FASTEST_SECONDS, 'no time left in this invocation') : lookAt(look, desk);
}

/** One order: what the venue shows of it, and when it is looked at again. */
async function lookAt({ message, pending }: Look, desk: Desk): Promise<Step> {
  const { intent } = pending;
  const ageMs = Math.max(0, desk.beyond.clock.now() - Date.parse(pending.acceptedAt));
  const seen = await sight(pending, ageMs, desk);
  if (seen === undefined) {
    const lagSeconds = desk.venue.promises.showsOrdersWithinMs / 1000;
    return waits(Math.max(FASTEST_SECONDS, lagSeconds), 'not shown, and that is no proof yet');
  }
  if (seen.kind === 'nothing') return forgotten({ message, pending }, desk);
  if (seen.kind !== 'found') return putOff(seen, message, desk);
  const { order } = seen;
  // Where several orders went out together, the venue's own id is learnt here.
  const look = { message, pending: { ...pending, venueOrderId: pending.venueOrderId ?? order.venueOrderId } };
  const state = await judged(look, desk, (rules) => stateOf(intent, order, rules));
  if (state === undefined) return lacking(look, NO_RULES);
  if (isFinal(state)) return ended(look, order, state, desk);
  const isNamed = pending.venueOrderId !== undefined;
  return stillOpen(look, order, state, isNamed, ageMs, desk.beyond.clock.now());
}

/** Nothing is what was not seen twice, as far apart as an order may stay invisible; undefined where that cannot be had. */
async function sight(pending: PendingOrder, ageMs: number, desk: Desk): Promise<Sighting | undefined> {
  const { venue } = desk;
  const { clock } = desk.beyond;
  const first = await see(pending, desk);
  if (first.kind !== 'nothing') return first;
  const { showsOrdersWithinMs, refusesTimestampsAfterMs } = venue.promises;
  // It was there when it was accepted. A young one may just not be shown yet.
  if (ageMs < 2 * (showsOrdersWithinMs + refusesTimestampsAfterMs)) return undefined;
  if (clock.now() + showsOrdersWithinMs > desk.time.takeUntil) return undefined;
  await clock.sleep(showsOrdersWithinMs);
  return parkedNow(desk.account, desk.beyond) === undefined ? see(pending, desk) : undefined;
}

/** One look; where the key is refused and the secret holds another by now, one more with that. */
async function see(pending: PendingOrder, desk: Desk): Promise<Sighting> {
  const { venue } = desk;
  const { clock, accounts } = desk.beyond;
  const ask = (): Promise<Sighting> => venue.find(desk.account, queryOf(pending), desk.time.within(clock.now()));
  const seen = await ask();
  if (seen.kind !== 'unauthorised' || clock.now() > desk.time.takeUntil) return seen;
  const before = JSON.stringify(desk.account.credentials);
  const reading = await accounts.refresh(desk.account.name);
  // Its orders are where they were placed.
  if (reading === undefined || !('account' in reading) || desk.beyond.venueOf(reading.account) !== venue) return seen;
  desk.account = reading.account;
  return JSON.stringify(reading.account.credentials) === before ? seen : ask();
}

const queryOf = ({ intent: { id, market, symbol }, venueOrderId }: PendingOrder): OrderQuery => ({
  ...{ id, market, symbol },
  ...(venueOrderId === undefined ? {} : { venueOrderId }),
});

/** By the venue's rules where they are needed: they are waited for, and guessed only where the venue lists the symbol no more. */
async function judged<State>(
  look: Look,
  { venue, beyond: { clock } }: Desk,
  judge: (rules: Instrument | 'guess' | undefined) => State | undefined,
): Promise<State | undefined> {
  const { market, symbol } = look.pending.intent;
  const state = judge(undefined);
  if (state !== undefined) return state;
  const answer = await venue.instrument(market, symbol, clock.now() + 1000);
  return judge(answer === 'unknown' && isLastTime(look) ? 'guess' : listed(answer));
}

/** The end as the venue shows it. */
async function ended(
  look: Look,
  order: VenueOrder,
  state: 'filled' | 'canceled' | 'rejected',
  desk: Desk,
): Promise<Step> {
  const { message, pending } = look;
  const isFilled = new Big(order.filledSize).gt(0);
  const fills = isFilled ? await fillsOf(order, pending, desk) : undefined;
  if (isFilled && fills === undefined && !isLastTime(look)) return lacking(look, 'its fills cannot be had');
  const report = progressReport(pending, order, state, fills, desk.beyond.clock.now());
  if (state !== 'rejected') return { kind: 'finished', report };
  return { kind: 'finished', report, letter: failedLetter(pending, order, message.messageId, message.receiveCount) };
}

/** It is not shown any more: a venue forgets orders, canceled ones without a fill soon. Its fills tell what it came to. */
async function forgotten(look: Look, desk: Desk): Promise<Step> {
  const { message, pending } = look;
  const { venue } = desk;
  const { clock } = desk.beyond;
  // By nothing but the venue's own id can fills be asked for, and of an order that was never seen nobody knows that.
  if (pending.venueOrderId === undefined)
    return neverSeen(pending, message.messageId, message.receiveCount, clock.now());
  const fills = await venue.fee(desk.account, queryOf(pending), desk.time.within(clock.now()));
  if ('kind' in fills) return putOff(fills, message, desk);
  const order = forgottenOrder(pending, fills);
  const end = await judged(look, desk, (rules) => endByFills(pending.intent, order, rules));
  if (end === undefined) return lacking(look, NO_RULES);
  return {
    kind: 'finished',
    report: forgottenReport(pending, order, end, fills, clock.now(), venue.promises.acknowledges),
  };
}

const NO_RULES = "the venue's rules, which tell filled from canceled, cannot be had";

/** An end was seen and cannot be told yet: a copy counts its receives from here, so that it is told some time. */
function lacking({ message, pending }: Look, why: string): Step {
  if (pending.isEnding === true) return waits(backoff(message), why);
  return { kind: 'copied', copy: { ...pending, isEnding: true }, seconds: FASTEST_SECONDS, why };
}

/** Is what is lacking waited for no longer? */
function isLastTime({ message, pending }: Look): boolean {
  return pending.isEnding === true && message.receiveCount >= MOST_ENDINGS;
}

/** A fresh copy where there is something new to remember; else it waits. */
function stillOpen(
  { message, pending }: Look,
  order: VenueOrder,
  state: VenueOrder['state'],
  isNamed: boolean,
  ageMs: number,
  now: number,
): Step {
  const seconds = nextLookSeconds(ageMs, message.messageId);
  // A read that lags behind another shows less than was told, and venues write one number in several ways.
  const isNews = state === 'partially-filled' && new Big(order.filledSize).gt(pending.toldSize ?? 0);
  if (!isNews) return isNamed ? waits(seconds) : { kind: 'copied', copy: pending, seconds };
  const report = progressReport(pending, order, 'partially-filled', undefined, now);
  return { kind: 'copied', report, copy: { ...pending, toldSize: new Big(order.filledSize).toFixed() }, seconds };
}

function waits(seconds: number, why?: string): Step {
  return { kind: 'waits', seconds, ...(why === undefined ? {} : { why }) };
}

function backoff({ receiveCount }: Delivery): number {
  return Math.min(60, 2 ** Math.min(6, receiveCount));
}

/**
 * Fills may show later than the order's end does: they are asked for until they come to what was filled, thrice at most.
 * @returns those of the third answer where they do not; undefined where there was no answer, or no time for three
 */
async function fillsOf(order: VenueOrder, pending: PendingOrder, desk: Desk): Promise<Fills | undefined> {
  const { venue } = desk;
  const { clock } = desk.beyond;
  let fills: Fills | undefined;
  for (const waitMs of [0, 1000, venue.promises.showsOrdersWithinMs]) {
    if (clock.now() + waitMs > desk.time.takeUntil) return undefined;
    await clock.sleep(waitMs);
    const answer = await venue.fee(desk.account, queryOf(pending), desk.time.within(clock.now()));
    fills = 'kind' in answer ? undefined : answer;
    if ('kind' in answer && (hush(answer, desk) > 0 || desk.silence !== undefined)) return undefined;
    if (fills !== undefined && isWhole(fills, order.filledSize)) return fills;
  }
  return fills;
}

/** Nothing was learnt. */
function putOff(seen: Unseen, message: Delivery, desk: Desk): Step {
  const forMs = hush(seen, desk);
  const rest = seen.kind === 'throttled' ? restSeconds(seen, backoff(message)) : backoff(message);
  const seconds = seen.kind === 'late' ? FASTEST_SECONDS : rest;
  return waits(forMs === 0 ? seconds : Math.max(seconds, forMs / 1000), seen.detail);
}

/**
 * After a 429 nothing more is asked for the account in this invocation; a refused or banned one is left alone by this
 * environment for longer.
 * @returns for how long it is parked, ms; 0 where it is not
 */
function hush(seen: Unseen, desk: Desk): number {
  if (seen.kind === 'throttled') desk.silence = { ...seen, why: seen.detail };
  return seen.kind === 'unauthorised' || seen.kind === 'banned' ? park(desk.account, seen, desk.beyond) : 0;
}

/**
 * Letters first, then reports, copies after them, visibility last: a message is finished only when SQS has taken each of its
 * effects. One that waits, whyever, is replaced by a copy before SQS would give it up.
 */
async function settle(
  steps: readonly { readonly look: Look; readonly step: Step }[],
  beyond: Beyond,
  venue: string | undefined,
  deadline: number,
): Promise<readonly string[]> {
  const { queues, clock } = beyond;
  // Stopped, and gone on with later: others have the messages by now, and may have told more than is known here.
  if (clock.now() >= deadline) return steps.map(({ look }) => look.message.messageId);
  const buried = await sendEach(
    steps.map(({ step }) => (step.kind === 'finished' ? step.letter : undefined)),
    (letters) => queues.bury(letters),
  );
  const told = await sendEach(
    steps.map(({ step }, index) => ('report' in step && buried[index] !== false ? step.report : undefined)),
    (reports) => queues.publish(reports),
  );
  const settled = steps.map(({ look, step }, index): { readonly look: Look; readonly step: Step } => {
    const isTold = buried[index] !== false && told[index] !== false;
    const next = isTold ? step : waits(backoff(look.message), 'SQS did not take what is to be told');
    if (next.kind !== 'waits' || !isWorn(look.message, clock.now())) return { look, step: next };
    return { look, step: { ...next, kind: 'copied', copy: look.pending } };
  });
  const copied = await sendEach(
    settled.map(({ step }) =>
      step.kind === 'copied' ? { order: step.copy, delaySeconds: delayable(step.seconds) } : undefined,
    ),
    (copies) => queues.follow(copies),
  );
  const left = settled.filter(({ step }, index) => step.kind !== 'finished' && copied[index] !== true);
  const back = left.map(({ look, step }) => ({
    receiptHandle: look.message.receiptHandle,
    seconds: postponable(step.kind === 'finished' ? FASTEST_SECONDS : step.seconds),
  }));
  if (back.length > 0) await queues.postpone(back);
  for (const { look, step } of settled) tell(look, step, beyond, venue);
  return left.map(({ look }) => look.message.messageId);
}

/** Would SQS give it up before long? */
function isWorn({ receiveCount, enqueuedAt }: Delivery, now: number): boolean {
  return receiveCount >= MOST_RECEIVES || now - enqueuedAt > OLDEST_MS;
}

/** The line of one look, and the numbers of an end. */
function tell(
  { pending, message }: Look,
  step: Step,
  { log, measure = unmeasured }: Beyond,
  venue: string | undefined,
): void {
  const { id, account, action, market, symbol } = pending.intent;
  const { receiveCount } = message;
  const { status, reason, detail, filledSize, latencyMs } = 'report' in step ? (step.report ?? {}) : {};
  const seconds = step.kind === 'finished' ? undefined : Math.round(step.seconds);
  const why = step.kind === 'finished' ? undefined : step.why;
  const letter = step.kind === 'finished' ? step.letter : undefined;
  if (step.kind === 'finished' && status === 'unresolved') measure('Unresolved', 1, { account, venue });
  if (letter !== undefined) measure('DeadLetters', 1, { account, venue, reason: letter.reason });
  const about = { id, account, venue, action, market, symbol };
  const end = { reason, certainty: letter?.certainty, detail, filledSize, latencyMs };
  log('info', 'followed', { ...about, step: step.kind, status, seconds, why, receiveCount, ...end });
}

/** What `execute` or a copy wrote; undefined for anything else. */
function readPending(body: string): PendingOrder | undefined {
  try {
    const value = JSON.parse(body) as Partial<PendingOrder> | null;
    const { venueOrderId, acceptedAt, toldSize, isEnding } = value ?? {};
    const parsed = parse(JSON.stringify(value?.intent ?? null));
    if (parsed.kind !== 'intent' || parsed.intent.action !== 'place') return undefined;
    if (!['string', 'undefined'].includes(typeof venueOrderId) || Number.isNaN(Date.parse(acceptedAt ?? '')))
      return undefined;
    const named = venueOrderId === undefined ? {} : { venueOrderId };
    const told = toldSize === undefined ? {} : { toldSize: new Big(toldSize).toFixed() };
    const ending = isEnding === true ? { isEnding } : {};
    return { intent: parsed.intent, ...named, acceptedAt: acceptedAt ?? '', ...told, ...ending };
  } catch {
    return undefined;
  }
}
