// `desk backtest`: a strategy over past candles before it gets money. Needs no stack and places nothing.
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { drawn, svg } from '../backtest/chart.ts';
import { planOf, type Typed } from '../backtest/options.ts';
import { backtest } from '../backtest/run.ts';
import { summaryOf } from '../backtest/summary.ts';
import { dataOf, linesOf } from '../backtest/words.ts';
import { here } from '../run.ts';
import { refusal, type Terminal } from '../terminal.ts';

type Options = Typed & { readonly chart?: string };

const HELP = `
The same function that runs live decides at each scheduled time, from candles that were over; its intents go through the same
admission, and the local exchange matches them and takes its fees. An order trades at the open of the candle in which it is sent,
one price step and the slippage worse; one that rests, where a later candle trades through its price. Whatever the size, all of it
is filled: the past does not tell how deep the book was.

Columns of the file: time, open, high, low, close, volume; time in ISO with its zone, or in seconds or milliseconds since 1970.

  $ npx desk backtest dca --candles examples/backtest/made-up-btc.csv --parameters examples/backtest/dca.json
  $ npx desk backtest rebalance --chart rebalance.svg --parameters examples/backtest/rebalance.json \\
      --candles BTC_USDT=examples/backtest/made-up-btc.csv,ETH_USDT=examples/backtest/made-up-eth.csv`;

export function backtestCommand(program: Command): void {
  const several = (one: string, before: readonly string[] = []): readonly string[] => [...before, one];
  program
    .command('backtest')
    .argument('<strategy>', 'which one; `npx desk strategies list` shows them')
    .description('runs a strategy over past candles: fills, fees, cost and return, before it gets money')
    .requiredOption('--candles <file>', 'a CSV file, or SYMBOL=FILE,SYMBOL=FILE where there are several symbols')
    .option('--parameters <file or json>', 'a JSON file, or JSON itself, as in a schedule')
    .option('--account-quote <amount>', 'quote coin to begin with', '1000')
    .option('--account-base <coin=amount>', 'a coin to begin with; may stand several times', several)
    .option('--maker <rate>', "the maker's fee, such as 0.0006; without it the local exchange's")
    .option('--taker <rate>', "the taker's fee, likewise")
    .option(
      '--rules <symbol=steps>',
      'PRICESTEP,SIZESTEP,LEASTVALUE of a symbol that the local exchange lacks',
      several,
    )
    .option('--from <time>', 'the first candle; without it the first of the file')
    .option('--to <time>', 'where it ends')
    .option('--every <seconds>', "from firing to firing; without it the strategy's own interval, or the candles'")
    .option('--delay <seconds>', 'from the scheduled time to the order', '0')
    .option('--slippage <bps>', 'how much worse market orders are filled, in basis points', '0')
    .option('--chart <file>', 'writes an SVG file')
    .addHelpText('after', HELP)
    .action(here(run));
}

async function run(desk: Terminal, name: string, options: Options): Promise<void> {
  const { passing } = desk.screen;
  const percent = (part: number): string => `${Math.floor(part * 100)} %`;
  const plan = await planOf(name, options, (file, part) => passing(`${file}: ${percent(part)} read`));
  const outcome = backtest(plan, (part) => passing(`${name}: ${percent(part)} of the time`));
  passing('');
  const summary = summaryOf(outcome);
  if (options.chart !== undefined) await write(options.chart, svg(outcome));
  desk.result(dataOf(summary, outcome));
  if (desk.isJson) return;
  const { width } = desk.screen.look();
  desk.screen.say([...linesOf(summary, width), '', drawn(outcome, width)].join('\n'));
  if (options.chart !== undefined) desk.say(`\nThe chart is in ${options.chart}.`);
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch(() => {
    throw refusal(`${file} cannot be written: does its folder exist, and is it yours?`);
  });
}
