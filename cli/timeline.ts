// What was found of an order as a timeline for people, and what it comes to for where the order stands. Pure.
import type { Fill } from '../shared/order/reads.ts';
import type { ExecutionReport, Verdict } from '../shared/order/report.ts';
import type { Found, Shown } from './life.ts';
import type { LogLine } from './logs.ts';
import type { Letter } from './peek.ts';
import type { Burial, Known, Told } from './standing.ts';
import { amount, plain, reportWords } from './words.ts';

export interface Entry {
  /** UTC. */
  readonly at: string;
  /** A function, a queue, or the exchange. */
  readonly where: string;
  readonly text: string;
}

/** Oldest first. @param now ms, when the exchange was asked */
export function timeline(
  { lines, reports, letters }: Found,
  troubles: readonly LogLine[],
  { sighting, fills }: Shown,
  now: number,
): readonly Entry[] {
  const at = new Date(now).toISOString();
  const entries: readonly Entry[] = [
    ...withoutRepeats(lines).map(({ line, times }) => {
      const text = times === 1 ? lineWords(line) : `${lineWords(line)} (${times} times in a row)`;
      return { at: line.at, where: line.functionName, text };
    }),
    ...troubles.map((line) => ({
      at: line.at,
      where: line.functionName,
      text: `the whole account: ${lineWords(line)}`,
    })),
    ...reports.map((report) => ({ at: report.at, where: 'reports', text: reportWords(report) })),
    ...letters.map((letter) => ({ at: letter.sentAt, where: 'dead', text: letterWords(letter) })),
    ...fills.map((fill) => ({ at: fill.at, where: 'exchange', text: fillWords(fill) })),
  ];
  const sorted = [...entries].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  if (sighting === undefined) return sorted;
  return [...sorted, { at, where: 'exchange', text: `now: ${sightingWords(sighting)}` }];
}

/** A resting order is looked at thousands of times: of looks in a row that saw nothing new the last one is kept. */
function withoutRepeats(lines: readonly LogLine[]): readonly { readonly line: LogLine; readonly times: number }[] {
  const isLook = (line: LogLine | undefined): boolean => line?.fields['step'] === 'waits';
  const kept: { readonly line: LogLine; readonly times: number }[] = [];
  for (const line of lines) {
    const last = kept.at(-1);
    const isRepeat = isLook(line) && isLook(last?.line) && line.fields['why'] === last?.line.fields['why'];
    if (isRepeat) kept.pop();
    kept.push({ line, times: isRepeat ? (last?.times ?? 0) + 1 : 1 });
  }
  return kept;
}

function lineWords({ message, fields }: LogLine): string {
  const of = (name: string): string | undefined => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
  const because = (detail: string | undefined): string => (detail === undefined ? '' : `: ${detail}`);
  const again = (from: string): string => `${from} ${of('seconds') ?? '?'} s${because(of('why'))}`;
  const nth = Number(of('receiveCount') ?? 1) > 1 ? ` (delivery ${of('receiveCount') ?? ''})` : '';
  if (message === 'verdict') return `the exchange's answer: ${of('verdict') ?? ''}${because(of('detail'))}`;
  if (message === 'followed') {
    const status = of('status');
    if (fields['step'] === 'finished') return `its end is seen: ${status ?? ''}`;
    return `${status === undefined ? '' : `${status}; `}${again('looked at again in')}`;
  }
  if (message === 'outcome') {
    switch (fields['disposition']) {
      case 'postpone':
        return `${again('put back, comes again in')}${nth}`;
      case 'keep':
        return `put back until its visibility is over${because(of('why'))}${nth}`;
      case 'bury':
        return `buried as ${of('reason') ?? ''} (${of('certainty') ?? ''})${because(of('detail'))}${nth}${untold(fields)}`;
      default:
        return `${of('status') ?? 'finished'}${nth}${untold(fields)}`;
    }
  }
  const rest = Object.entries(fields).filter(([name]) => !['id', 'account', 'level'].includes(name));
  return `${message}${rest.length === 0 ? '' : `: ${rest.map(([name, value]) => `${name} ${String(value)}`).join(', ')}`}`;
}

function untold(fields: LogLine['fields']): string {
  return fields['untold'] === true ? '; SQS did not take all of it, so it is told again' : '';
}

function letterWords({ reason, certainty, detail }: Letter): string {
  return `letter: ${reason} (${certainty}): ${detail}`;
}

function fillWords({ side, size, price, fee, feeCoin, role }: Fill): string {
  return `fill: ${side} ${amount(size)} at ${amount(price)}, fee ${amount(fee)} ${feeCoin}, ${role}`;
}

function sightingWords(sighting: NonNullable<Shown['sighting']>): string {
  if (sighting.kind === 'nothing') return 'no order is shown under this id';
  if (sighting.kind !== 'found') return `could not be asked: ${sighting.detail}`;
  const { order } = sighting;
  const of = order.size === undefined ? '' : ` of ${amount(order.size)}`;
  const price = order.price === undefined ? '' : ` at ${amount(order.price)}`;
  return `${order.state}, ${amount(order.filledSize)}${of} filled, ${order.side} ${order.symbol}${price}, order ${order.venueOrderId}`;
}

// ---- where it stands

/** Verdicts that leave open whether something was executed. */
const OPEN: readonly string[] = ['unknown', 'taken', 'duplicate'] satisfies readonly Verdict['kind'][];

/** @param id of the order */
export function knownOf(id: string, { lines, reports, letters }: Found, { sighting }: Shown): Known {
  const outcomes = lines.filter(({ message }) => message === 'outcome');
  const last = outcomes.at(-1);
  const isPutBack = last?.fields['disposition'] === 'postpone' || last?.fields['disposition'] === 'keep';
  const why = last?.fields['why'];
  const verdict = lines.findLast(({ message }) => message === 'verdict')?.fields['verdict'];
  // Kept for its whole visibility is what may be there: what certainly is not comes back sooner.
  const isUnproven = last?.fields['disposition'] === 'keep' || OPEN.includes(String(verdict));
  const told = toldBy(lines, reports);
  return {
    id,
    told,
    burial: burialOf(outcomes, letters, told.length > 0),
    wait: isPutBack
      ? { why: typeof why === 'string' ? plain(why) : 'until its visibility is over', isUnproven }
      : undefined,
    isSent: lines.some(({ message }) => message === 'verdict'),
    sighting,
  };
}

/** A report that a consumer has taken is known by the line of who made it. */
function toldBy(lines: readonly LogLine[], reports: readonly ExecutionReport[]): readonly Told[] {
  const seen = new Set(reports.map(({ status }) => status as string));
  const logged = lines.flatMap(({ at, fields: { status, reason, detail, untold: isUntold } }): readonly Told[] => {
    if (typeof status !== 'string' || seen.has(status) || isUntold === true) return [];
    const more = [reason, detail].filter((part) => typeof part === 'string').join(': ');
    return [{ at, status, words: plain(more === '' ? status : `${status}, ${more}`) }];
  });
  const read = reports.map((report) => ({ at: report.at, status: report.status, words: reportWords(report) }));
  return [...read, ...logged].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** The last one. A message that was not the intent's own says nothing of one that has been told of. */
function burialOf(outcomes: readonly LogLine[], letters: readonly Letter[], isTold: boolean): Burial | undefined {
  const buried = outcomes.flatMap(({ fields: { reason, certainty, detail } }): readonly Burial[] =>
    typeof reason === 'string'
      ? [{ reason, certainty: String(certainty), ...(typeof detail === 'string' ? { detail: plain(detail) } : {}), isOnQueue: false }] // prettier-ignore
      : [],
  );
  const lying = letters.map(({ reason, certainty, detail }) => ({ reason, certainty, detail: plain(detail), isOnQueue: true })); // prettier-ignore
  return [...buried, ...lying].findLast(({ reason }) => !(isTold && reason.endsWith('_MISMATCH')));
}
