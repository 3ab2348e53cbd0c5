// `node local/candles.ts`: the made-up candles of examples/backtest/, by arithmetic on whole numbers from a seed, so that they are
// the same on every machine. No market was ever like that: they show how a backtest works, and prove nothing of a strategy.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const HOURS = 90 * 24;
const START_MS = Date.UTC(2026, 0, 1);
/** Price moves within one hour. */
const MOVES = 12;

/** Whole numbers from 0 to 2^32 − 1, always the same ones for a seed. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

const text = (cents: number): string => `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;

/** 90 days of hours as CSV. @param cents the first price, in cents @param depth the volume, in whole coins a day about */
function candles(what: string, seed: number, cents: number, depth: number): string {
  const next = numbers(seed);
  const from = (low: number, high: number): number => low + (next() % (high - low + 1));
  let price = cents;
  let drift = 0;
  const rows = Array.from({ length: HOURS }, (_, hour) => {
    // About every ten days the weather changes.
    if (hour % 240 === 0) drift = from(-45, 45);
    const path = [price];
    for (let move = 0; move < MOVES; move += 1) {
      // In millionths; three throws together come near a bell.
      price += Math.round((price * (drift + from(-1600, 1600) + from(-1600, 1600) + from(-1600, 1600))) / 1_000_000);
      path.push(price);
    }
    const [open = 0, close = 0] = [path[0], path.at(-1)];
    const time = new Date(START_MS + hour * 3_600_000).toISOString().replace('.000', '');
    const volume = text(Math.round((depth * from(50, 200)) / 24));
    return [time, ...[open, Math.max(...path), Math.min(...path), close].map(text), volume].join(',');
  });
  const head = `# Made up by local/candles.ts from seed ${seed}: ${what} of no market's history.`;
  return [head, 'time,open,high,low,close,volume', ...rows, ''].join('\n');
}

/** Each file: its path from the root of the repository, and its text. */
export const candleFiles: Readonly<Record<string, string>> = {
  'examples/backtest/made-up-btc.csv': candles('BTC', 19, 6_000_000, 400),
  'examples/backtest/made-up-eth.csv': candles('ETH', 16, 300_000, 6000),
};

if (import.meta.main) {
  for (const [path, csv] of Object.entries(candleFiles)) {
    await writeFile(fileURLToPath(new URL(`../${path}`, import.meta.url)), csv);
    console.log(`wrote ${path}`);
  }
}
