// What traded: the latest trades and one-minute candles of each symbol. Promises only what really traded here: no
// trade, no candle. Never keeps more than a day of minutes and 50 trades a symbol.
import type { Decimal } from './decimals.ts';
import type { Side } from './book.ts';

export interface Print {
  readonly price: Decimal;
  readonly size: Decimal;
  readonly side: Side;
  readonly timeMs: number;
}

export interface Candle {
  readonly startMs: number;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  readonly volume: Decimal;
  readonly value: Decimal;
}

export interface Tape {
  record(symbol: string, print: Print): void;
  /** Newest first. */
  latest(symbol: string): readonly Print[];
  /** Oldest first, `stepMinutes` each, only those in which something traded. */
  candles(symbol: string, stepMinutes: number): readonly Candle[];
  clear(): void;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const LATEST = 50;

const first = ({ price, size }: Print, startMs: number): Candle => ({
  startMs,
  open: price,
  high: price,
  low: price,
  close: price,
  volume: size,
  value: price.times(size),
});

/** Two neighbouring candles as one; `a` is the earlier. */
export const joined = (a: Candle, b: Candle): Candle => ({
  startMs: a.startMs,
  open: a.open,
  high: a.high.gt(b.high) ? a.high : b.high,
  low: a.low.lt(b.low) ? a.low : b.low,
  close: b.close,
  volume: a.volume.plus(b.volume),
  value: a.value.plus(b.value),
});

const add = (rows: Candle[], next: Candle): void => {
  const last = rows.at(-1);
  if (last?.startMs === next.startMs) rows[rows.length - 1] = joined(last, next);
  else rows.push(next);
};

export const createTape = (): Tape => {
  const prints = new Map<string, Print[]>();
  const minutes = new Map<string, Candle[]>();
  return {
    record: (symbol, print) => {
      const kept = prints.get(symbol) ?? [];
      prints.set(symbol, [print, ...kept].slice(0, LATEST));
      const rows = minutes.get(symbol) ?? [];
      add(rows, first(print, print.timeMs - (print.timeMs % MINUTE_MS)));
      minutes.set(symbol, rows.slice(-DAY_MINUTES));
    },
    latest: (symbol) => prints.get(symbol) ?? [],
    candles: (symbol, stepMinutes) => {
      const rows: Candle[] = [];
      const stepMs = stepMinutes * MINUTE_MS;
      for (const minute of minutes.get(symbol) ?? []) {
        add(rows, { ...minute, startMs: minute.startMs - (minute.startMs % stepMs) });
      }
      return rows;
    },
    clear: () => {
      prints.clear();
      minutes.clear();
    },
  };
};
