// What becomes of intents that were sent: their reports are looked at, and where another reader took those away, the orders
// on the exchange and the dead letters. Takes nothing from any queue, and says so where nothing was seen.
import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderIntent } from '../shared/order/intent.ts';
import type { ExecutionReport, Status } from '../shared/order/report.ts';
import type { VenueOrder } from '../shared/order/venue.ts';
import { sideBySide } from './accounts.ts';
import { readLogs } from './logs.ts';
import { peekLetters, peekReports } from './peek.ts';
import type { Desk } from './run.ts';
import { standingOf } from './standing.ts';
import { knownOf } from './timeline.ts';

/** The last that was seen of an intent. */
export interface Ending {
  readonly id: string;
  readonly account: string;
  /** `unseen`: nothing was told of it in the time. */
  readonly status: Status | 'unseen';
  /** Who told it. */
  readonly source: 'report' | 'exchange' | 'dead letter' | 'nobody';
  readonly reason?: string;
  /** One sentence for a person. */
  readonly detail?: string;
  readonly report?: ExecutionReport;
}

const LOOK_EVERY_MS = 3000;
/** Look-ups are few: desk has a small part of the exchange's limit for them. */
const MOST_LOOKUPS = 10;
const LOOKUP_MS = 5000;
/** The producer's clock may be ahead of that of the functions. */
const CLOCKS_MS = 60_000;

/** Nothing comes after these, except for `unresolved`, which may be put right. */
const FINAL: readonly string[] = ['filled', 'canceled', 'denied', 'rejected', 'expired', 'malformed', 'done'];

/** Did it come to what was asked for, as far as it is known? A canceled order did where something of it was filled. */
export function isGood({ status, report }: Ending): boolean {
  if (status === 'canceled') return Number(report?.filledSize ?? 0) > 0;
  return ['accepted', 'partially-filled', 'filled', 'done'].includes(status);
}

/**
 * Watches until each intent is at its end, or the time is over.
 * @param forMs how long at most, ms
 * @returns one ending per intent, in their order
 */
export async function follow(desk: Desk, intents: readonly OrderIntent[], forMs: number): Promise<readonly Ending[]> {
  const seen = new Map<string, Ending>();
  const over = new AbortController();
  const isOver = (): boolean => intents.every((intent) => FINAL.includes(seen.get(nameOf(intent))?.status ?? ''));
  const note = (ending: Ending): void => {
    if (isNews(seen.get(nameOf(ending)), ending)) seen.set(nameOf(ending), ending);
    if (isOver()) over.abort();
  };
  const known = new Set(intents.map(nameOf));
  const until = (report: ExecutionReport): boolean => {
    if (known.has(nameOf(report))) note(reported(report));
    return isOver();
  };
  const untold = (): readonly OrderIntent[] =>
    intents.filter((intent) => seen.get(nameOf(intent))?.source !== 'report');
  const looking = lookNowAndThen(desk, untold, note, over.signal);
  await peekReports(desk, { forMs, until, signal: over.signal }).finally(() => over.abort());
  await looking;
  if (intents.some((intent) => !seen.has(nameOf(intent)))) await readLetters(desk, known, note);
  return sideBySide(
    intents,
    async (intent) => seen.get(nameOf(intent)) ?? unseen(intent, await whyUnseen(desk, intent)),
  );
}

/** Reports come in any order and more than once: an end stays, and of two others the later one counts. */
function isNews(before: Ending | undefined, now: Ending): boolean {
  if (before === undefined) return true;
  const isEnd = (ending: Ending): boolean => FINAL.includes(ending.status);
  if (isEnd(before) !== isEnd(now)) return isEnd(now);
  if (before.report === undefined || now.report === undefined) return now.report !== undefined;
  return now.report.at >= before.report.at;
}

/** The orders of which no report was seen, on the exchange. */
async function lookNowAndThen(
  { stack }: Desk,
  untold: () => readonly OrderIntent[],
  note: (ending: Ending) => void,
  signal: AbortSignal,
): Promise<void> {
  while (await pause(LOOK_EVERY_MS, signal)) {
    for (const intent of untold().slice(0, MOST_LOOKUPS)) {
      if (intent.action !== 'place' || signal.aborted) continue;
      const answerBy = Date.now() + LOOKUP_MS;
      // Who may not read the account's key, or cannot reach the exchange, sees the reports all the same.
      const sighting = await stack
        .account(intent.account)
        .then((account) => stack.exchange.deskOf(account).venue.find(account, intent, { answerBy, holdBy: answerBy }))
        .catch(() => undefined);
      if (sighting?.kind === 'found') note(found(intent, sighting.order));
    }
  }
}

/** A letter may tell of an intent that nobody reported here; one of an earlier intent with this id tells of that one. */
async function readLetters(desk: Desk, known: ReadonlySet<string>, note: (ending: Ending) => void): Promise<void> {
  const { found: letters } = await peekLetters(desk);
  for (const { intentId: id = '', account = '', certainty, reason, detail } of letters) {
    const status = { 'not-sent': 'denied', refused: 'rejected', unknown: 'unresolved' } as const;
    if (!known.has(nameOf({ id, account }))) continue;
    note({ id, account, status: status[certainty], source: 'dead letter', reason, detail });
  }
}

function reported(report: ExecutionReport): Ending {
  const { id, account, status, reason, detail } = report;
  return {
    ...{ id, account, status, source: 'report', report },
    ...(reason === undefined ? {} : { reason }),
    ...(detail === undefined ? {} : { detail }),
  };
}

function found({ id, account }: OrderIntent, { state, venueOrderId }: VenueOrder): Ending {
  const status = state === 'open' ? 'accepted' : state;
  const detail = `the exchange shows it as order ${venueOrderId}, ${state}; its report was not seen here`;
  return { id, account, status, source: 'exchange', detail };
}

/** As `desk trace` says it; undefined where no function has written of it, or that cannot be read. */
async function whyUnseen({ stack }: Desk, { id, account, createdAt }: OrderIntent): Promise<string | undefined> {
  const range = { from: Date.parse(createdAt) - CLOCKS_MS };
  const read = await readLogs(stack, 'execute', [{ id, account }], range).catch(() => undefined);
  if (read?.kind !== 'lines' || read.lines.length === 0) return undefined;
  const { lines } = read;
  const found = { lines, logs: [], reports: [], letters: [], isComplete: { reports: false, letters: false } };
  return standingOf(knownOf(id, found, { fills: [] })).sentence;
}

function unseen({ id, account }: OrderIntent, why: string | undefined): Ending {
  const untold =
    'nothing was told of it in this time: it may still wait, or another reader has taken its report (`npm start` is one);';
  const detail = `${why ?? untold} desk trace ${id} shows where it is`;
  return { id, account, status: 'unseen', source: 'nobody', detail };
}

/** Ids are unique within an account. */
function nameOf({ id, account }: { readonly id: string; readonly account: string }): string {
  return `${account} ${id}`;
}

/** @returns false where it was ended early */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal }).catch(() => false);
}
