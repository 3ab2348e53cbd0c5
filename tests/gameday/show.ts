// What a game day shows a person: each act as it goes, what the alarms did, and the judgement. Pure: values in, text out.
import Table from 'cli-table3';
import { wrap, type Look } from '../../local/screen.ts';
import type { Size } from './stage.ts';
import type { Expectation } from './expectations.ts';
import { PROMISES, type Broken } from './judge.ts';
import type { Act, AlarmSeen, DayRecord } from './record.ts';

const MARGIN = 9;

export function welcome(seed: number, { accounts, scale, outageMinutes }: Size, { width, paint }: Look): string {
  const text =
    `The packaged functions on a local AWS and a local BitMart, ${accounts} accounts, and a producer that never stops. ` +
    `A minute of the service takes ${60 * scale} s here; the exchange is down for ${outageMinutes} of them.`;
  return `${paint.bold(`A game day, seed ${seed}`)}\n${wrap(text, width)}\n`;
}

const clock = (ms: number): string => `${(ms / 1000).toFixed(1)} s`.padStart(MARGIN - 2);

export function opening(
  { name, does }: { readonly name: string; readonly does: string },
  atMs: number,
  look: Look,
): string {
  return indented(`${look.paint.bold(name)}: ${does}`, `${look.paint.dim(clock(atMs))}  `, look);
}

/** Named again: two may go on at the same time. */
export function closing({ name, isSeen, tookMs }: Act, look: Look): string {
  return indented(
    `${name}: ${isSeen} ${look.paint.dim(`(${(tookMs / 1000).toFixed(1)} s)`)}`,
    ' '.repeat(MARGIN),
    look,
  );
}

function indented(text: string, first: string, { width }: Look, margin = MARGIN): string {
  return first + wrap(text, width - margin).replaceAll('\n', `\n${' '.repeat(margin)}`);
}

/** As CloudWatch has it; a count has none. */
function unitOf(metric: string): string {
  if (/Ms$|^Duration$/.test(metric)) return ' ms';
  return metric === 'ApproximateAgeOfOldestMessage' ? ' s' : '';
}

/** Columns that the table with its reasons takes. */
const WIDE = 125;

/** A row for each alarm: what it did, and what it should have done. */
export function alarmTable(
  alarms: readonly AlarmSeen[],
  expected: Readonly<Record<string, Expectation>>,
  scale: number,
  { width, paint }: Look,
): string {
  // On a narrow terminal the reasons are left out; whatever is wrong says its own below.
  const isWide = width >= WIDE;
  const table = new Table({
    head: ['alarm', 'fired', 'should', 'worst', 'fires at', ...(isWide ? ['because'] : [])],
    colAligns: ['left', 'left', 'left', 'right', 'left', 'left'],
    style: { head: [], border: [], compact: true },
  });
  const rows = alarms.toSorted((a, b) => Number(b.hasFired) - Number(a.hasFired) || a.slug.localeCompare(b.slug));
  for (const { slug, hasFired, worst, fires, metric } of rows) {
    const unit = unitOf(metric);
    const wish = expected[slug];
    const isRight = wish?.does === 'either' || (wish?.does === 'fire') === hasFired;
    const fired = hasFired ? 'yes' : '-';
    const should = wish === undefined ? '?' : { fire: 'yes', rest: '-', either: 'may' }[wish.does];
    const value = worst === undefined ? '-' : `${Math.round(worst * 100) / 100}${unit}`;
    table.push([
      slug,
      isRight ? fired : paint.red(fired),
      should,
      value,
      `${fires}${unit}`,
      ...(isWide ? [wish?.why ?? ''] : []),
    ]);
  }
  const scaled = `Of ages and of slow-decisions a second here is ${Math.round(1 / scale)} s of the service, in the worst value and in what it fires at.`;
  return `${table.toString()}\n${wrap(scaled, width)}`;
}

/** Each promise, kept or broken and by what; at the end one line with the figures. */
export function judgement(day: DayRecord, broken: readonly Broken[], seconds: number, look: Look): string {
  const { width, paint } = look;
  const lines = PROMISES.flatMap((promise) => {
    const against = broken.filter((each) => each.promise === promise).map(({ sentence }) => sentence);
    if (against.length === 0) return [`${paint.green('✓')} ${promise}`];
    const more = against.length > MOST ? [`  and ${against.length - MOST} more`] : [];
    return [
      `${paint.red('✗')} ${promise}`,
      ...against.slice(0, MOST).map((sentence) => indented(sentence, '  ', look, 2)),
      ...more,
    ];
  });
  const { intents, orders, letters, poison } = figures(day);
  return [
    ...lines,
    wrap(
      `\n${intents} intents and ${poison} poisoned messages, ${orders} orders, ${day.kills} environments killed, ${day.redriven} letters redriven, ` +
        `${letters} dead letters at the end, in ${seconds.toFixed(0)} s (seed ${day.seed}): ` +
        (broken.length === 0
          ? 'every promise kept'
          : `broken: ${[...new Set(broken.map(({ promise }) => promise))].join(', ')}`),
      width,
    ),
  ].join('\n');
}
const MOST = 10;

/** What it came to, as numbers. */
export function figures(day: DayRecord) {
  const { sent, poison, orders, letters, reports, kills, redriven, requests } = day;
  const place = requests['/spot/v2/submit_order'];
  return {
    intents: sent.length,
    ...{
      poison: poison.length,
      orders: orders.length,
      reports: reports.length,
      letters: letters.length,
      kills,
      redriven,
    },
    maxInWindow: place?.maxInWindow ?? 0,
  };
}
