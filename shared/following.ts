// Follows accepted orders to their end, however long they rest: by the visibility of their messages and not by new ones.
// It promises: every end is reported, and its message deleted only when SQS has taken the report; the look-up limits are
// kept by the pacer; nothing is ever placed, changed or canceled from here.
import Big from 'big.js';
import type { Accounts } from './aws/accounts.ts';
import { postponable, sendEach, type Delivery, type Queues } from './aws/queues.ts';
import { budget, type Budget, type Clock } from './clock.ts';
import { describeError, type Log } from './log.ts';
import { listed } from './order/instrument.ts';
import { parse } from './order/intent.ts';
import { forgottenReport, isFinal, progressReport, stateOf } from './order/progress.ts';
import type { ExecutionReport, PendingOrder } from './order/report.ts';
import type { Fee, OrderQuery, Sighting, TradingAccount, Venue, VenueOrder } from './order/venue.ts';

/** The world outside, as records of functions. */
export interface Beyond {
  readonly accounts: Accounts;
  readonly queues: Pick<Queues, 'publish' | 'follow' | 'postpone'>;
  readonly venue: Venue;
  readonly clock: Clock;
  readonly log: Log;
  /** Accounts that are not to be asked before a time, ms: refused or banned ones. Kept by the environment. */
  readonly parked: Map<string, number>;
  readonly parkMs: number;
}

/** What becomes of a message. `copy` takes its place, with what has been told since. */
type Step =
  | { readonly kind: 'finished'; readonly report: ExecutionReport }
  | {
      readonly kind: 'copied';
      readonly copy: PendingOrder;
      readonly report?: ExecutionReport;
      readonly seconds: number;
    }
  | { readonly kind: 'waits'; readonly seconds: number };
interface Look {
  readonly message: Delivery;
  readonly pending: PendingOrder;
}

/** An order that was canceled without a fill is forgotten by the venue after about 20 minutes: it is looked at twice before. */
const SLOWEST_SECONDS = 600;
const FASTEST_SECONDS = 2;
/** A message is replaced before SQS gives it up: at 1,000 receives by the queue's redrive, after 14 days by its retention. */
const MOST_RECEIVES = 500;
const OLDEST_MS = 7 * 86_400_000;

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
      // Nobody but `execute` writes here. It stays until SQS moves it where an alarm hangs.
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
  const { accounts, clock, venue } = beyond;
  const time = budget(deadline, clock.now());
  const reading = await accounts.read(name);
  const account = 'account' in reading ? reading.account : undefined;
  const steps: { readonly look: Look; readonly step: Step }[] = [];
  for (const look of orders) {
    const until = beyond.parked.get(name) ?? 0;
    if (account === undefined || until > clock.now()) {
      const seconds = account === undefined ? SLOWEST_SECONDS / 10 : (until - clock.now()) / 1000;
      if (account === undefined && 'detail' in reading)
        beyond.log('error', 'account out of reach', { account: name, detail: reading.detail });
      steps.push({ look, step: { kind: 'waits', seconds } });
    } else if (clock.now() > time.takeUntil) steps.push({ look, step: { kind: 'waits', seconds: FASTEST_SECONDS } });
    else steps.push({ look, step: await lookAt(look, account, beyond, time) });
  }
  const held = account === undefined ? undefined : venue.hold(account);
  const unfinished = await settle(steps, beyond);
  await held;
  return unfinished;
}

/** One order: what the venue shows of it, and when it is looked at again. */
async function lookAt(
  { message, pending }: Look,
  account: TradingAccount,
  beyond: Beyond,
  time: Budget,
): Promise<Step> {
  const { venue, clock } = beyond;
  const { intent, venueOrderId } = pending;
  const { id, market, symbol } = intent;
  const query = { id, market, symbol, venueOrderId };
  let seen = await venue.find(account, query, time.answerBy(clock.now()));
  const ageMs = Math.max(0, clock.now() - Date.parse(pending.acceptedAt));
  if (seen.kind === 'nothing') {
    const { showsOrdersWithinMs, refusesTimestampsAfterMs } = venue.promises;
    // It was there when it was accepted. A young one may just not be shown yet.
    if (
      ageMs < 2 * (showsOrdersWithinMs + refusesTimestampsAfterMs) ||
      clock.now() + showsOrdersWithinMs > time.takeUntil
    ) {
      return { kind: 'waits', seconds: Math.max(FASTEST_SECONDS, showsOrdersWithinMs / 1000) };
    }
    await clock.sleep(showsOrdersWithinMs);
    seen = await venue.find(account, query, time.answerBy(clock.now()));
    if (seen.kind === 'nothing') return { kind: 'finished', report: forgottenReport(pending, clock.now()) };
  }
  if (seen.kind !== 'found') return putOff(seen, account, message, beyond);
  const rules = listed(await venue.instrument(market, symbol, clock.now() + 1000));
  const state = stateOf(intent, seen.order, rules);
  if (isFinal(state)) {
    const fee = await feeOf(seen.order, query, account, beyond, time);
    return { kind: 'finished', report: progressReport(pending, seen.order, state, fee, clock.now()) };
  }
  return stillOpen(message, pending, seen.order, state, ageMs, clock.now());
}

/** A fresh copy where there is something new to remember, or where SQS would give the message up; else it waits. */
function stillOpen(
  message: Delivery,
  pending: PendingOrder,
  order: VenueOrder,
  state: VenueOrder['state'],
  ageMs: number,
  now: number,
): Step {
  const seconds = nextLookSeconds(ageMs, message.messageId);
  // A read that lags behind another shows less than was told, and venues write one number in several ways.
  const isNews = state === 'partially-filled' && new Big(order.filledSize).gt(pending.toldSize ?? 0);
  if (isNews) {
    const report = progressReport(pending, order, 'partially-filled', undefined, now);
    return { kind: 'copied', report, copy: { ...pending, toldSize: new Big(order.filledSize).toFixed() }, seconds };
  }
  const isWorn = message.receiveCount >= MOST_RECEIVES || now - message.enqueuedAt > OLDEST_MS;
  return isWorn ? { kind: 'copied', copy: pending, seconds } : { kind: 'waits', seconds };
}

/** Half of an order's age until the next look, from two seconds to ten minutes; a tenth less at most, so that they spread. */
export function nextLookSeconds(ageMs: number, messageId: string): number {
  let hash = 0;
  for (const character of messageId) hash = (hash * 31 + character.charCodeAt(0)) % 997;
  const spread = 1 - hash / 9970;
  return Math.min(SLOWEST_SECONDS, Math.max(FASTEST_SECONDS, ageMs / 2000)) * spread;
}

/** Fills may show later than the order's end does: they are asked for until they come to what was filled, thrice at most. */
async function feeOf(
  order: VenueOrder,
  query: OrderQuery,
  account: TradingAccount,
  { venue, clock }: Beyond,
  time: Budget,
): Promise<Fee | undefined> {
  if (new Big(order.filledSize).eq(0)) return undefined;
  for (const waitMs of [0, 1000, venue.promises.showsOrdersWithinMs]) {
    if (clock.now() + waitMs > time.takeUntil) return undefined;
    await clock.sleep(waitMs);
    const fee = await venue.fee(account, query, time.answerBy(clock.now()));
    if (fee !== undefined && new Big(fee.size).gte(order.filledSize)) return fee;
  }
  return undefined;
}

/** Nothing was learnt. A refused or banned account is left alone by this environment for a while. */
function putOff(
  seen: Exclude<Sighting, { readonly kind: 'found' | 'nothing' }>,
  account: TradingAccount,
  message: Delivery,
  { parked, parkMs, clock, log }: Beyond,
): Step {
  if (seen.kind !== 'unauthorised' && seen.kind !== 'banned') {
    return { kind: 'waits', seconds: Math.min(60, 2 ** Math.min(6, message.receiveCount)) };
  }
  const forMs = seen.kind === 'banned' ? seen.forMs : parkMs;
  parked.set(account.name, clock.now() + forMs);
  log('error', seen.kind === 'banned' ? 'account banned' : 'account refused', {
    account: account.name,
    detail: seen.detail,
    forMs,
  });
  return { kind: 'waits', seconds: forMs / 1000 };
}

/** Reports first, copies after them, visibility last: a message is finished only when SQS has taken each of its effects. */
async function settle(
  steps: readonly { readonly look: Look; readonly step: Step }[],
  { queues, log }: Beyond,
): Promise<readonly string[]> {
  const told = await sendEach(
    steps.map(({ step }) => ('report' in step ? step.report : undefined)),
    (reports) => queues.publish(reports),
  );
  const isDone = await Promise.all(
    steps.map(async ({ step }, index) => {
      if (step.kind === 'waits' || told[index] === false) return false;
      if (step.kind === 'finished') return true;
      return (await queues.follow([step.copy], Math.round(step.seconds)))[0] === true;
    }),
  );
  const left = steps.filter((_, index) => isDone[index] !== true);
  const back = left.map(({ look, step }) => ({
    receiptHandle: look.message.receiptHandle,
    seconds: postponable(step.kind === 'finished' ? FASTEST_SECONDS : step.seconds),
  }));
  if (back.length > 0) await queues.postpone(back);
  for (const { look, step } of steps) {
    const { id, account } = look.pending.intent;
    const status = step.kind === 'waits' ? undefined : step.report?.status;
    const seconds = step.kind === 'waits' ? Math.round(step.seconds) : undefined;
    log('info', 'followed', { id, account, step: step.kind, status, seconds, receiveCount: look.message.receiveCount });
  }
  return left.map(({ look }) => look.message.messageId);
}

/** What `execute` wrote; undefined for anything else. */
function readPending(body: string): PendingOrder | undefined {
  try {
    const value = JSON.parse(body) as Partial<PendingOrder> | null;
    const { venueOrderId, acceptedAt, toldSize } = value ?? {};
    const parsed = parse(JSON.stringify(value?.intent ?? null));
    if (parsed.kind !== 'intent' || parsed.intent.action !== 'place') return undefined;
    if (typeof venueOrderId !== 'string' || Number.isNaN(Date.parse(acceptedAt ?? ''))) return undefined;
    const told = toldSize === undefined ? {} : { toldSize: new Big(toldSize).toFixed() };
    return { intent: parsed.intent, venueOrderId, acceptedAt: acceptedAt ?? '', ...told };
  } catch {
    return undefined;
  }
}
