// How each end of an intent is told: the report for its producer and, where no trade came of it, the dead letter.
// Pure: values in, values out. An outcome is not yet an effect; execution.ts settles it.
import type { OrderIntent, PlaceIntent } from './intent.ts';
import { reasons, type Certainty, type ReasonCode } from './reason.ts';
import {
  sentence,
  type DeadLetter,
  type Disposition,
  type PendingOrder,
  type ExecutionReport,
  type Status,
} from './report.ts';

/** The message as far as a letter tells of it. */
export interface Message {
  readonly messageId: string;
  readonly body: string;
  readonly group: string;
  readonly receiveCount: number;
}

/** What becomes of a message, and what is to be told. `order` is the accepted order that is to be followed to its end. */
export interface Outcome<M extends Message = Message> {
  readonly message: M;
  readonly disposition: Disposition;
  readonly report?: ExecutionReport;
  readonly accepted?: PendingOrder;
  /** Why it was put back, for the log. */
  readonly why?: string;
}

/** Why it ended without a trade. `certainty` overrides the table's. */
export interface End {
  readonly code: ReasonCode;
  readonly detail: string;
  readonly venueCode?: string;
  readonly certainty?: Certainty;
}

/** @param note what a person should know of how it was sent */
export function accepted<M extends Message>(
  message: M,
  intent: PlaceIntent,
  venueOrderId: string | undefined,
  now: number,
  note?: string,
): Outcome<M> {
  const detail = note === undefined ? {} : { detail: sentence(note) };
  const named = venueOrderId === undefined ? {} : { venueOrderId };
  return {
    message,
    disposition: { kind: 'acknowledge' },
    report: reportOf(intent, 'accepted', now, { ...named, ...detail }),
    accepted: { intent, ...named, acceptedAt: new Date(now).toISOString() },
  };
}

/** An instruction that took effect or had nothing left to do, and an order in shadow mode. */
export function done<M extends Message>(
  message: M,
  intent: OrderIntent,
  detail: string | undefined,
  now: number,
): Outcome<M> {
  const report = reportOf(intent, 'done', now, detail === undefined ? {} : { detail: sentence(detail) });
  return { message, disposition: { kind: 'acknowledge' }, report };
}

/** An intent that ended without a trade: a report and a dead letter. */
export function buried<M extends Message>(message: M, intent: OrderIntent, end: End, now: number): Outcome<M> {
  const detail = sentence(end.detail);
  const report = reportOf(intent, statusOf(end.code), now, { reason: end.code, detail });
  return { message, disposition: bury(message, end, { intentId: intent.id, account: intent.account }), report };
}

/**
 * A body that is no intent. The report goes to the account of the message's group, and under the body's id only where
 * the message says the same id and account itself: any other could belong to somebody else's order.
 */
export function malformed<M extends Message & { readonly deduplicationId: string }>(
  message: M,
  read: {
    readonly id?: string | undefined;
    readonly account?: string | undefined;
    readonly action?: string | undefined;
    readonly problems: readonly string[];
  },
  now: number,
): Outcome<M> {
  const detail = sentence(read.problems.join('; '));
  const account = message.group;
  const isOwn = read.id === message.deduplicationId && (read.account === undefined || read.account === account);
  const report: ExecutionReport = {
    id: isOwn ? message.deduplicationId : message.messageId,
    account,
    status: 'malformed',
    action: read.action ?? 'unknown',
    reason: 'MALFORMED',
    detail,
    at: new Date(now).toISOString(),
  };
  const names = { account, ...(read.id === undefined ? {} : { intentId: read.id }) };
  return { message, disposition: bury(message, { code: 'MALFORMED', detail }, names), report };
}

/** An end that could not be told, for the same message at its next delivery. */
export function toldAgain<M extends Message>(ended: Outcome<M>, message: M): Outcome<M> {
  const { disposition } = ended;
  if (disposition.kind !== 'bury') return { ...ended, message };
  const letter = { ...disposition.letter, attempts: message.receiveCount };
  return { ...ended, message, disposition: { kind: 'bury', letter } };
}

/** A message that is not the intent's own: a dead letter and no report. */
export function foreign<M extends Message>(message: M, intent: OrderIntent, end: End): Outcome<M> {
  return { message, disposition: bury(message, end, { intentId: intent.id, account: intent.account }) };
}

function bury(
  message: Message,
  end: End,
  names: { readonly intentId?: string; readonly account?: string },
): Disposition & { readonly kind: 'bury' } {
  const letter: DeadLetter = {
    body: message.body,
    group: message.group,
    sourceMessageId: message.messageId,
    reason: end.code,
    certainty: end.certainty ?? reasons[end.code].certainty,
    detail: end.detail,
    attempts: message.receiveCount,
    ...names,
    ...(end.venueCode === undefined ? {} : { venueCode: end.venueCode }),
  };
  return { kind: 'bury', letter };
}

function statusOf(code: ReasonCode): Status {
  if (code === 'INTENT_EXPIRED') return 'expired';
  if (code === 'UNRESOLVED') return 'unresolved';
  return reasons[code].certainty === 'refused' ? 'rejected' : 'denied';
}

export function reportOf(
  intent: OrderIntent,
  status: Status,
  now: number,
  more: Omit<ExecutionReport, 'id' | 'account' | 'status' | 'action' | 'symbol' | 'side' | 'at' | 'latencyMs'>,
): ExecutionReport {
  const side = intent.action === 'place' ? { side: intent.side } : {};
  const latencyMs = Math.max(0, now - Date.parse(intent.createdAt));
  return {
    id: intent.id,
    account: intent.account,
    status,
    action: intent.action,
    ...('symbol' in intent && intent.symbol !== undefined ? { symbol: intent.symbol } : {}),
    ...side,
    ...more,
    at: new Date(now).toISOString(),
    latencyMs,
  };
}
