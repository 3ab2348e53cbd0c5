// What `desk backtest` says to candles and options that cannot be used: a sentence with the thing, its place and the way out, and
// exit code 2. That desk ends with it is seen in tests/cli.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planOf, type Typed } from '../../cli/backtest/options.ts';
import { isRefusal } from '../../cli/terminal.ts';

const example = (name: string): string => fileURLToPath(new URL(`../../examples/backtest/${name}`, import.meta.url));
const [btc, eth] = [example('made-up-btc.csv'), example('made-up-eth.csv')];
const dca = JSON.stringify({ symbol: 'BTC_USDT', notional: '25', budget: '1000', start: '2026-01-01T00:00:00Z', intervalSeconds: 60 }); // prettier-ignore
const GOOD = ['time,open,high,low,close,volume', '2026-01-01T00:00:00Z,10,12,9,11,1', '2026-01-01T00:01:00Z,11,12,9,10,1', '2026-01-01T00:02:00Z,10,12,9,11,0']; // prettier-ignore

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backtest-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The exit code and the sentence with which these arguments are refused. */
async function refused([name = '', ...args]: readonly string[]): Promise<readonly [number, string]> {
  const typed: Record<string, unknown> = { accountQuote: '1000', delay: '0', slippage: '0' };
  for (let index = 0; index < args.length; index += 2) {
    const option = (args[index] ?? '').slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    typed[option] = ['rules', 'accountBase'].includes(option) ? [args[index + 1]] : args[index + 1];
  }
  try {
    await planOf(name, typed as unknown as Typed, () => undefined);
  } catch (error) {
    if (isRefusal(error)) return [error.exitCode, error.message];
    throw error;
  }
  throw new Error('was not refused');
}

describe('a file that is none says line, column, value and what to do, and exits 2', () => {
  const line = (text: string, index = 2): readonly string[] => GOOD.map((row, at) => (at === index ? text : row));
  test.each<[string, readonly string[], RegExp]>([
    ['empty', [], /has 0 candles: .*time,open,high,low,close,volume/],
    ['one candle', GOOD.slice(0, 2), /has 1 candles: a backtest needs two/],
    [
      'a missing column',
      line('time,open,high,low,volume', 0),
      /has no column close: its first line must name time, open/,
    ],
    ['no head', GOOD.slice(1), /no column time, open, high, low, close, volume: its first line must name/],
    ['a short line', line('2026-01-01T00:01:00Z,11,12,9,10'), /line 3: .*as many values/],
    ['an open quote', line('"2026-01-01T00:01:00Z,11,12,9,10,1'), /line 4: .*[Qq]uote/],
    ['no time', line('noon,11,12,9,10,1'), /line 3: time "noon" is no time; write it as 2026/],
    ['a time that does not exist', line('2026-13-01T00:01:00Z,11,12,9,10,1'), /line 3: time "2026-13-01T00:01:00Z" is no time/], // prettier-ignore
    ['a time without a zone', line('2026-01-01 00:01:00,11,12,9,10,1'), /line 3: time .* has no time zone; write a Z/],
    ['not a number', line('2026-01-01T00:01:00Z,11,n/a,9,10,1'), /line 3: high "n\/a" is no price; write a positive decimal/], // prettier-ignore
    ['an exponent', line('2026-01-01T00:01:00Z,1e1,12,9,10,1'), /line 3: open "1e1" is no price/],
    ['a price of 0', line('2026-01-01T00:01:00Z,11,12,0,10,1'), /line 3: low "0" is no price/],
    ['a volume below 0', line('2026-01-01T00:01:00Z,11,12,9,10,-1'), /line 3: volume "-1" is no amount/],
    ['high below low', line('2026-01-01T00:01:00Z,11,8,9,10,1'), /line 3: high 8 is below low 9; correct/],
    ['a close outside', line('2026-01-01T00:01:00Z,11,12,9,13,1'), /line 3: close 13 lies outside low 9 and high 12/],
    ['a time twice', line('2026-01-01T00:00:00Z,11,12,9,10,1'), /line 3: time "2026-01-01T00:00:00Z" stands twice/],
    ['unsorted', line('2025-12-31T00:00:00Z,11,12,9,10,1'), /line 3: time .* lies before that of the line above.*sort/],
    [
      'lengths that do not fit',
      line('2026-01-01T00:00:45Z,11,12,9,10,1'),
      /line 4: time .* no whole number of the 45 s/,
    ],
  ])('%s', async (_, lines, message) => {
    const file = join(folder, 'candles.csv');
    await writeFile(file, lines.join('\n'));
    expect(await refused(['dca', '--candles', file, '--parameters', dca])).toEqual([2, expect.stringMatching(message)]);
  });
});

describe('options that cannot be used are refused with what to do, and exit 2', () => {
  const sol = dca.replace('BTC_USDT', 'SOL_USDT');
  test.each<[string, readonly string[], RegExp]>([
    ['no such strategy', ['martingale', '--candles', btc], /no strategy martingale; there are dca/],
    ['wrong parameters', ['dca', '--candles', btc, '--parameters', '{}'], /parameters of dca cannot be used: symbol is missing.*strategies list dca/], // prettier-ignore
    ['no such file', ['dca', '--candles', 'nowhere.csv', '--parameters', dca], /There is no file nowhere\.csv/],
    ['one file for two symbols', ['rebalance', '--candles', btc, '--parameters', example('rebalance.json')], /say --candles BTC_USDT=FILE,ETH_USDT=FILE/], // prettier-ignore
    ['a symbol that has no file', ['rebalance', '--candles', `BTC_USDT=${btc}`, '--parameters', example('rebalance.json')], /no candles of ETH_USDT: add ETH_USDT=FILE/], // prettier-ignore
    ['a symbol too many', ['dca', '--candles', `ETH_USDT=${eth}`, '--parameters', dca], /the strategy trades BTC_USDT alone/], // prettier-ignore
    [
      'a symbol without rules',
      ['dca', '--candles', btc, '--parameters', sol],
      /no rules for SOL_USDT: .*--rules SYMBOL=/,
    ],
    ['rules that are none', ['dca', '--candles', btc, '--parameters', sol, '--rules', 'SOL_USDT=0.05,1'], /--rules SOL_USDT=0\.05,1 must be/], // prettier-ignore
    ['a rate of 1', ['dca', '--candles', btc, '--parameters', dca, '--taker', '1'], /--taker 1 must be a part from 0 up to 1/], // prettier-ignore
    ['a coin without candles', ['dca', '--candles', btc, '--parameters', dca, '--account-base', 'DOGE=5'], /no candles are read of DOGE/], // prettier-ignore
    ['money that is none', ['dca', '--candles', btc, '--parameters', dca, '--account-quote', 'much'], /--account-quote much must be a decimal/], // prettier-ignore
    ['a step below a minute', ['dca', '--candles', btc, '--parameters', dca, '--every', '5'], /--every 5 must be a whole number of seconds from 60/], // prettier-ignore
    ['a delay past the next firing', ['dca', '--candles', btc, '--parameters', dca, '--delay', '60'], /--delay 60 must be below the 60 s/], // prettier-ignore
    ['a time that is none', ['dca', '--candles', btc, '--parameters', dca, '--from', 'spring'], /--from "spring" is no time/], // prettier-ignore
    ['times without candles', ['dca', '--candles', btc, '--parameters', dca, '--from', '2027-01-01'], /No candle lies between --from and --to: the files have 2026-01-01/], // prettier-ignore
    ['a start behind the candles', ['dca', '--candles', btc, '--parameters', dca.replace('2026-', '2030-')], /No firing lies between .* first is due at 2030-01-01/], // prettier-ignore
    ['candles too long for a dip', ['dca', '--candles', btc, '--parameters', dca.replace('}', ',"dipPerPercent":"1","dipMinutes":5}')], /candles of 5 min, which cannot be made of those of 60 min/], // prettier-ignore
  ])('%s', async (_, args, message) => {
    expect(await refused(args)).toEqual([2, expect.stringMatching(message)]);
  });
});
