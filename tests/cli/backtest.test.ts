// `desk backtest` as a person runs it: what it says and writes, and what it says to files and options that cannot be used.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { candleFiles } from '../../local/candles.ts';
import { pages } from '../../local/docs.ts';
import { screen } from '../../local/screen.ts';
import { strategies } from '../../shared/strategies/all.ts';
import { desk, type Said } from './fixture.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = (name: string): string => join(root, 'examples/backtest', name);
const [btc, eth] = [example('made-up-btc.csv'), example('made-up-eth.csv')];
const dca = JSON.stringify({ symbol: 'BTC_USDT', notional: '25', budget: '1000', start: '2026-01-01T00:00:00Z', intervalSeconds: 60 }); // prettier-ignore
const GOOD = ['time,open,high,low,close,volume', '2026-01-01T00:00:00Z,10,12,9,11,1', '2026-01-01T00:01:00Z,11,12,9,10,1', '2026-01-01T00:02:00Z,10,12,9,11,0']; // prettier-ignore

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backtest-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs dca over a file of these lines. */
async function over(lines: readonly string[], ...more: readonly string[]): Promise<Said> {
  const file = join(folder, 'candles.csv');
  await writeFile(file, lines.join('\n'));
  return desk(['backtest', 'dca', '--candles', file, '--parameters', dca, ...more]);
}

test('the candles of the examples are what the script makes, and say that they are made up', async () => {
  for (const [path, text] of Object.entries(candleFiles)) {
    expect(await readFile(join(root, path), 'utf8')).toBe(text);
    expect([path, text.split('\n')[0]]).toEqual([expect.stringContaining('made-up'), expect.stringMatching(/^# Made up .*no market's history/)]); // prettier-ignore
  }
});

test('the docs show a backtest of every strategy, with its chart, and each is what the command says', async () => {
  const made = await pages();
  const page = made['docs/strategies.md'] ?? '';
  for (const { name } of strategies) {
    expect(made[`docs/backtest-${name}.svg`]).toMatch(/^<svg /);
    expect(page).toMatch(
      new RegExp(`npx desk backtest ${name} .*?\\n\`\`\`\\n\\n\`\`\`text\\nover .*?\\nreturn `, 's'),
    );
    expect(page).toContain(`(backtest-${name}.svg)`);
  }
});

test('--json has amounts as text, every intent and every fill, on one line; the chart is written', async () => {
  const file = join(folder, 'chart.svg');
  const parameters = example('rebalance.json');
  const args = ['--candles', `BTC_USDT=${btc},ETH_USDT=${eth}`, '--parameters', parameters, '--account-quote', '5000', '--account-base', 'BTC=0.01', '--account-base', 'ETH=1']; // prettier-ignore
  const { code, out, err } = await desk(['backtest', 'rebalance', ...args, '--chart', file, '--json']);
  expect({ code, err, lines: out.trim().split('\n').length }).toEqual({ code: 0, err: '', lines: 1 });
  const said = JSON.parse(out) as Record<string, unknown> & { fillList: object[]; intentList: object[]; fills: number };
  const amount = expect.stringMatching(/^-?\d+(\.\d+)?$/);
  expect(said).toMatchObject({
    ...{ strategy: 'rebalance', from: '2026-01-01T00:00:00.000Z', everySeconds: 3600, slippageBps: 0, returnPercent: amount }, // prettier-ignore
    rates: { maker: '0.0006', taker: '0.0008' },
    candles: [{ symbol: 'BTC_USDT', candles: 2160, intervalSeconds: 3600, gaps: [] }, { symbol: 'ETH_USDT' }],
    firings: { total: 2159, refused: 0, gap: 0 },
    money: { coin: 'USDT', start: '5000', spent: amount, received: amount, left: amount, bound: amount },
    coins: [{ coin: 'BTC', start: '0.01', bought: amount, sold: amount, held: amount, averageCost: amount, worth: amount }, { coin: 'ETH', start: '1' }], // prettier-ignore
    fees: { USDT: amount },
    worth: { start: amount, end: amount },
    hold: { worth: amount, returnPercent: amount },
    drawdown: { percent: amount, from: expect.stringMatching(/Z$/), to: expect.stringMatching(/Z$/) },
  });
  expect(said.fillList).toHaveLength(said.fills);
  for (const fill of said.fillList) expect(fill).toMatchObject({ at: expect.stringMatching(/Z$/), id: expect.stringMatching(/^backtest/), price: amount, size: amount, notional: amount, fee: amount, feeCoin: 'USDT' }); // prettier-ignore
  for (const intent of said.intentList) expect(intent).toMatchObject({ action: 'place', strategy: 'rebalance', end: expect.any(String) }); // prettier-ignore
  expect((await readFile(file, 'utf8')).split('<path class=').length - 1).toBe(said.fills);
});

test('times in seconds, in milliseconds and in ISO are the same file, as are heads in capitals and columns beside', async () => {
  const times = [0, 60, 120].map((second) => Date.UTC(2026, 0, 1) / 1000 + second);
  const rows = ['10,12,9,11,1', '11,12,9,10,1', '10,12,9,11,0'];
  const files = [
    GOOD,
    ['Time,Open,High,Low,Close,Volume', ...rows.map((row, index) => `${times[index] ?? 0},${row}`)],
    ['volume,TIME,open,high,low,close,trades', ...rows.map((row, index) => `1,${times[index] ?? 0}000,${row}`)],
  ];
  const said = [];
  for (const lines of files) said.push((await over(lines)).out);
  expect(said[0]).toContain('firings     3: 2 made intents, 1 had no candles');
  expect(new Set(said).size).toBe(1);
});

test('a gap is told, and firings in it make nothing', async () => {
  const { code, out } = await over([...GOOD, '2026-01-01T00:06:00Z,10,12,9,11,1', '2026-01-01T00:07:00Z,10,12,9,11,1']);
  expect(code).toBe(0);
  expect(out).toMatch(
    /gaps +BTC_USDT: 3 candles are missing in 1 gap, the first from 2026-01-01 00:03 to 2026-01-01\s+00:06/,
  );
  expect(out).toContain('firings     8: 3 made intents, 5 had no candles');
});

test('refused and expired intents are told with their reasons', async () => {
  const poor = await over(GOOD, '--account-quote', '1');
  expect([poor.code, poor.out]).toEqual([0, expect.stringMatching(/refused +2 intents \(50020\), the last: Balance not enough/)]); // prettier-ignore
  const late = JSON.parse(dca) as object;
  const slow = await over(GOOD, '--parameters', JSON.stringify({ ...late, lifeSeconds: 10 }), '--delay', '30');
  expect([slow.code, slow.out]).toEqual([0, expect.stringMatching(/expired +2 intents \(INTENT_EXPIRED\), the last: expired at/)]); // prettier-ignore
});

test('how far it is shows on a terminal alone, and is gone before the words come', () => {
  const written: string[] = [];
  const stream = (isTTY: boolean) => ({ isTTY, columns: 80, write: (text: string) => written.push(text) }) as unknown as NodeJS.WriteStream; // prettier-ignore
  const onTerminal = screen(stream(true));
  onTerminal.passing('half');
  onTerminal.say('done');
  expect(written.join('')).toMatch(/^.*half.*\r\x1b\[2Kdone\n$/s);
  written.length = 0;
  screen(stream(false)).passing('half');
  expect(written).toEqual([]);
});

test.each<[string, readonly string[], RegExp]>([
  ['a file that is wrong', [...GOOD, 'noon,11,12,9,10,1'], /candles\.csv, line 5: time "noon" is no time; write it as/],
  ['a file of another kind', ['{}'], /has no column time, open, high, low, close, volume/],
])('%s is refused with a sentence, and exits 2', async (_, lines, message) => {
  const { code, out, err } = await over(lines);
  expect({ code, out, err }).toEqual({ code: 2, out: '', err: expect.stringMatching(message) });
});
test.each<[string, readonly string[], RegExp]>([
  ['no candles', ['dca'], /--candles/],
  ['an option that is wrong', ['dca', '--candles', btc, '--parameters', dca, '--slippage', 'some'], /--slippage some must be a whole number of basis points/], // prettier-ignore
  ['a chart in no folder', ['dca', '--candles', btc, '--parameters', example('dca.json'), '--chart', 'nowhere/chart.svg'], /nowhere\/chart\.svg cannot be written/], // prettier-ignore
])('%s is refused with a sentence, and exits 2', async (_, args, message) => {
  const { code, out, err } = await desk(['backtest', ...args]);
  expect({ code, out, err }).toEqual({ code: 2, out: '', err: expect.stringMatching(message) });
});

test('with --rules a symbol that the local exchange lacks is traded by them', async () => {
  const parameters = dca.replace('BTC_USDT', 'SOL_USDT').replace('"intervalSeconds":60', '"intervalSeconds":86400');
  const args = ['--candles', btc, '--parameters', parameters, '--rules', 'SOL_USDT=0.1,0.0001,5'];
  const { code, out } = await desk(['backtest', 'dca', ...args, '--json']);
  const { fillList } = JSON.parse(out) as { fillList: { size: string; price: string }[] };
  expect([code, fillList.length]).toEqual([0, 39]);
  for (const { size, price } of fillList) expect([size, price]).toEqual([expect.stringMatching(/^0\.000\d$/), expect.stringMatching(/^\d+(\.\d)?$/)]); // prettier-ignore
});
test('the help has an example that works', async () => {
  const { code, out } = await desk(['backtest', '--help']);
  const [, line = ''] = /\$ npx desk (backtest dca .*)\n/.exec(out) ?? [];
  expect([code, (await desk(line.split(' '), { cwd: root })).code]).toEqual([0, 0]);
});
