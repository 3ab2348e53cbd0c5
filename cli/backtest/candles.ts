// Candles from a CSV file: read line by line, held to what candles are, and asked by time.
// Promises that what is wrong is named with its line, column and value. Never fills a gap, never guesses a time zone.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import Big from 'big.js';
import { parse, type CsvError } from 'csv-parse';
import { DECIMAL } from '../../shared/order/intent.ts';
import type { Candle } from '../../shared/order/reads.ts';
import { utc } from '../../shared/strategies/strategy.ts';
import { refusal } from '../terminal.ts';

/** Where candles are missing, ms: from the end of the one before to the begin of the one after. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly missing: number;
}
/** The candles of one symbol, oldest first, all of one length. */
export interface Series {
  readonly symbol: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly candles: readonly Candle[];
  readonly gaps: readonly Gap[];
}

const COLUMNS = ['time', 'open', 'high', 'low', 'close', 'volume'] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], string>>;
type Complain = (problem: string) => Error;

/**
 * Reads a file of candles. Lines that begin with # are comments; columns beside the six are passed over.
 * @param passed gets the part of the file that is read, 0 to 1
 * @throws Refusal that names file, line, column and value
 */
export async function readCandles(symbol: string, file: string, passed: (part: number) => void): Promise<Series> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw refusal(`There is no file ${file}: --candles takes a CSV file of candles.`);
  const candles: Candle[] = [];
  const lines: number[] = [];
  const parser = parse({ bom: true, trim: true, comment: '#', skip_empty_lines: true, info: true, columns: (heads) => columnsOf(file, heads) }); // prettier-ignore
  createReadStream(file)
    .on('error', () => parser.destroy(refusal(`${file} cannot be read; is it yours to read?`)))
    .pipe(parser);
  try {
    for await (const read of parser) {
      const { record, info } = read as { readonly record: Row; readonly info: { lines: number; bytes: number } };
      const complain: Complain = (problem) => refusal(`${file}, line ${info.lines}: ${problem}`);
      candles.push(candleOf(record, candles.at(-1), complain));
      lines.push(info.lines);
      if (candles.length % 10_000 === 0) passed(Math.min(1, info.bytes / found.size));
    }
  } catch (error) {
    throw csvProblem(error, file);
  }
  if (candles.length < 2) {
    throw refusal(`${file} has ${candles.length} candles: a backtest needs two at least, under a line "${COLUMNS.join(',')}".`); // prettier-ignore
  }
  return { symbol, file, candles, ...spacing(candles, lines, file) };
}

/** What the library says of text that is no CSV, in a sentence. */
function csvProblem(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || !String(error.code).startsWith('CSV_')) return error;
  const { lines = 0, message } = error as CsvError & { readonly lines?: number };
  const line = lines || Number(/line (\d+)/.exec(message)?.[1] ?? 0);
  return refusal(`${file}, line ${line}: ${message}; each line has as many values as the first has names.`);
}

function columnsOf(file: string, heads: readonly string[]): string[] {
  const names = heads.map((head) => head.toLowerCase());
  const missing = COLUMNS.filter((column) => !names.includes(column));
  if (missing.length === 0) return names;
  throw refusal(
    `${file} has no column ${missing.join(', ')}: its first line must name ${COLUMNS.join(', ')} (it names ${heads.join(', ').slice(0, 120)}).`,
  );
}

function candleOf(row: Row, before: Candle | undefined, complain: Complain): Candle {
  const openAt = timeIn(row.time);
  if (typeof openAt === 'string') throw complain(`time "${row.time}" ${openAt}.`);
  for (const column of ['open', 'high', 'low', 'close'] as const) {
    if (!DECIMAL.test(row[column])) {
      throw complain(`${column} "${row[column]}" is no price; write a positive decimal such as 60000.5.`);
    }
  }
  if (!DECIMAL.test(row.volume) && !/^0(\.0{1,18})?$/.test(row.volume)) {
    throw complain(`volume "${row.volume}" is no amount; write a decimal, 0 where nothing traded.`);
  }
  const { open, high, low, close, volume } = row;
  if (new Big(high).lt(low)) throw complain(`high ${high} is below low ${low}; correct or leave out the line.`);
  for (const [name, price] of [
    ['open', open],
    ['close', close],
  ] as const) {
    // prettier-ignore
    if (new Big(price).gt(high) || new Big(price).lt(low)) {
      throw complain(`${name} ${price} lies outside low ${low} and high ${high}; correct or leave out the line.`);
    }
  }
  if (before !== undefined && openAt === before.openAt) {
    throw complain(`time "${row.time}" stands twice; leave out one of the two lines.`);
  }
  if (before !== undefined && openAt < before.openAt) {
    throw complain(`time "${row.time}" lies before that of the line above, ${utc(before.openAt)}; sort the file by time.`); // prettier-ignore
  }
  return { openAt, open, high, low, close, volume };
}

const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2}))?$/;

/** A time in ms, or what is wrong with it. */
export function timeIn(text: string): number | string {
  if (/^\d{9,11}$/.test(text)) return Number(text) * 1000;
  if (/^\d{12,14}$/.test(text)) return Number(text);
  if (/^\d{4}-\d{2}-\d{2}[T ][\d:.]+$/.test(text)) return 'has no time zone; write a Z behind it if it is UTC';
  const ms = ISO.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms)
    ? 'is no time; write it as 2026-01-01T00:00:00Z, or in seconds or milliseconds since 1970'
    : ms;
}

/** The length of all candles is the smallest step between two; the others must be some of these. */
function spacing(
  candles: readonly Candle[],
  lines: readonly number[],
  file: string,
): Pick<Series, 'intervalMs' | 'gaps'> {
  // prettier-ignore
  const steps = candles.slice(1).map(({ openAt }, index) => openAt - (candles[index]?.openAt ?? 0));
  const intervalMs = steps.reduce((least, step) => Math.min(least, step), Number.POSITIVE_INFINITY);
  const gaps: Gap[] = [];
  for (const [index, step] of steps.entries()) {
    const { openAt } = candles[index + 1] as Candle;
    if (step % intervalMs !== 0) {
      throw refusal(
        `${file}, line ${lines[index + 1] ?? 0}: time ${utc(openAt)} comes ${step / 1000} s after the line above, which is no whole number of the ${intervalMs / 1000} s that candles of this file last; use candles of one length.`,
      );
    }
    if (step > intervalMs) gaps.push({ from: openAt - step + intervalMs, to: openAt, missing: step / intervalMs - 1 });
  }
  return { intervalMs, gaps };
}

/** The index of the last candle that began at or before a time; -1 where there is none. */
export function indexAt(candles: readonly Candle[], at: number): number {
  let [low, high] = [0, candles.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((candles[middle]?.openAt ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The candle in which a time lies. */
export function running({ candles, intervalMs }: Series, at: number): Candle | undefined {
  const candle = candles[indexAt(candles, at)];
  return candle !== undefined && at < candle.openAt + intervalMs ? candle : undefined;
}

/**
 * The same in longer candles, each of which has what there is of it.
 * @returns undefined where that length is no whole number of these
 */
export function longer({ candles, intervalMs }: Series, lengthMs: number): readonly Candle[] | undefined {
  if (lengthMs === intervalMs) return candles;
  if (lengthMs % intervalMs !== 0) return undefined;
  const joined: Candle[] = [];
  for (const candle of candles) {
    const openAt = candle.openAt - (candle.openAt % lengthMs);
    const last = joined.at(-1);
    if (last?.openAt === openAt) joined[joined.length - 1] = join(last, candle);
    else joined.push({ ...candle, openAt });
  }
  return joined;
}

function join(one: Candle, next: Candle): Candle {
  return {
    ...one,
    high: new Big(next.high).gt(one.high) ? next.high : one.high,
    low: new Big(next.low).lt(one.low) ? next.low : one.low,
    close: next.close,
    volume: new Big(one.volume).plus(next.volume).toFixed(),
  };
}
