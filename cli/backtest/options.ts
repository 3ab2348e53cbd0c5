// What was typed behind `desk backtest`, read into a plan: files, money, fees, times. Promises that what cannot be used is
// refused with a sentence before anything runs. Reads files, and nothing else.
import Big from 'big.js';
import { RATES, RULES, type Rules } from '../../local/bitmart/past.ts';
import { DECIMAL, SYMBOL } from '../../shared/order/intent.ts';
import { coinsOf, utc, type Grid, type Prepared } from '../../shared/strategies/strategy.ts';
import { known, parametersOf } from '../commands/strategies.ts';
import { refusal } from '../terminal.ts';
import { longer, readCandles, timeIn, type Series } from './candles.ts';
import { firingsOf, type Plan } from './plan.ts';

export interface Typed {
  readonly candles: string;
  readonly parameters?: string;
  readonly accountQuote: string;
  readonly accountBase?: readonly string[];
  readonly maker?: string;
  readonly taker?: string;
  readonly rules?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly every?: string;
  readonly delay: string;
  readonly slippage: string;
}

/** @param passed gets how far the reading of files is @throws Refusal that says what to correct */
export async function planOf(name: string, typed: Typed, passed: (file: string, part: number) => void): Promise<Plan> {
  const prepared = await preparedOf(name, typed.parameters ?? '{}');
  const { symbols } = prepared.needs;
  const quotes = new Set(symbols.map((symbol) => coinsOf(symbol).quote));
  if (quotes.size > 1) throw refusal(`A backtest has one quote coin; ${symbols.join(', ')} have ${quotes.size}.`);
  const [quote = ''] = quotes;
  // What is only a word too many is said before long files are read.
  const rates = { maker: rate('--maker', typed.maker, RATES.maker), taker: rate('--taker', typed.taker, RATES.taker) };
  const rules = rulesOf(symbols, typed.rules ?? []);
  const balances = balancesOf(typed, symbols, quote);
  const slippageBps = whole('--slippage', typed.slippage, 0, 5000, 'basis points');
  const delaySeconds = whole('--delay', typed.delay, 0, 3600, 'seconds');
  const every = typed.every === undefined ? undefined : whole('--every', typed.every, 60, 31_536_000, 'seconds');
  const [from, to] = [timeOf('--from', typed.from), timeOf('--to', typed.to)];
  const series = await seriesOf(typed.candles, symbols, passed);
  const range = rangeOf(series, from, to);
  const grid = gridOf(prepared, series, range.from, every);
  if (delaySeconds >= grid.everySeconds) {
    throw refusal(`--delay ${delaySeconds} must be below the ${grid.everySeconds} s from one firing to the next.`);
  }
  candlesFit(prepared, series);
  const plan = { ...range, ...grid, delaySeconds, slippageBps, rates, quote, balances };
  if (firingsOf(plan).count === 0) {
    throw refusal(`No firing lies between ${utc(plan.from)} and ${utc(plan.to)}: the first is due at ${utc(plan.anchor)}; correct start among the parameters, or --from and --to.`); // prettier-ignore
  }
  return { name, prepared, series, rules, ...plan };
}

async function preparedOf(name: string, given: string): Promise<Prepared> {
  const prepared = known(name).prepare(await parametersOf(given));
  if (prepared.kind === 'prepared') return prepared;
  throw refusal(
    `The parameters of ${name} cannot be used: ${prepared.problems.join('; ')}. What they are: npx desk strategies list ${name}`,
  );
}

function whole(option: string, text: string, least: number, most: number, unit: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw refusal(`${option} ${text} must be a whole number of ${unit} from ${least} to ${most}.`);
}

function rate(option: string, text: string | undefined, fallback: string): string {
  if (text === undefined) return fallback;
  const isRate = (DECIMAL.test(text) || /^0(\.0+)?$/.test(text)) && new Big(text).lt(1);
  if (isRate) return text;
  throw refusal(`${option} ${text} must be a part from 0 up to 1, such as 0.0008 for 0.08 %.`);
}

function timeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = timeIn(text);
  if (typeof at === 'number') return at;
  throw refusal(`${option} "${text}" ${at}.`);
}

const RULE = 'SYMBOL=PRICESTEP,SIZESTEP,LEASTVALUE, such as SOL_USDT=0.01,0.001,5';

/** The local exchange's rules, and those that were given for what it does not list. */
function rulesOf(symbols: readonly string[], given: readonly string[]): readonly Rules[] {
  const own = given.map((text): Rules => {
    const [symbol = '', numbers = ''] = text.split('=');
    const [priceStep = '', sizeStep = '', minValue = '', ...more] = numbers.split(',');
    const isStep = (step: string): boolean => /^(1|0\.0{0,17}1)$/.test(step);
    if (!SYMBOL.test(symbol) || !isStep(priceStep) || !isStep(sizeStep) || !DECIMAL.test(minValue) || more.length > 0) {
      throw refusal(`--rules ${text} must be ${RULE}; steps are 1, 0.1, 0.01 and so on.`);
    }
    return { symbol, priceStep, sizeStep, minSize: sizeStep, maxSize: '100000000', minValue, trading: true };
  });
  return symbols.map((symbol) => {
    const rules = [...own, ...RULES].find((each) => each.symbol === symbol);
    if (rules !== undefined) return rules;
    throw refusal(`The local exchange has no rules for ${symbol}: give those of the exchange as --rules ${RULE}.`);
  });
}

function balancesOf({ accountQuote, accountBase = [] }: Typed, symbols: readonly string[], quote: string) {
  const isAmount = (text: string): boolean => DECIMAL.test(text) || text === '0';
  if (!isAmount(accountQuote)) throw refusal(`--account-quote ${accountQuote} must be a decimal, such as 1000.`);
  const coins = symbols.map((symbol) => coinsOf(symbol).base);
  const given = accountBase.map((text): readonly [string, string] => {
    const [coin = '', amount = ''] = text.split('=');
    if (!isAmount(amount)) throw refusal(`--account-base ${text} must be COIN=AMOUNT, such as BTC=0.5.`);
    if (!coins.includes(coin)) {
      throw refusal(`--account-base ${text}: no candles are read of ${coin}; the strategy trades ${coins.join(', ')}.`);
    }
    return [coin, amount];
  });
  return { [quote]: accountQuote, ...Object.fromEntries(given) } as Readonly<Record<string, string>>;
}

const NAMED = /^([A-Z0-9]{1,20}_[A-Z0-9]{1,20})=(.+)$/;

/** One file for the one symbol, or SYMBOL=FILE for each, with commas in between. */
async function seriesOf(given: string, symbols: readonly string[], passed: (file: string, part: number) => void) {
  const files = new Map<string, string>();
  if (!NAMED.test(given)) {
    const [only = '', ...more] = symbols;
    if (more.length > 0) {
      throw refusal(`The strategy trades ${symbols.join(', ')}: say --candles ${symbols.map((symbol) => `${symbol}=FILE`).join(',')}.`); // prettier-ignore
    }
    files.set(only, given);
  } else {
    for (const part of given.split(/,(?=[A-Z0-9]+_[A-Z0-9]+=)/)) {
      const [, symbol = '', file = ''] = NAMED.exec(part) ?? [];
      if (!symbols.includes(symbol)) throw refusal(`--candles ${part}: the strategy trades ${symbols.join(', ')} alone.`); // prettier-ignore
      if (files.has(symbol)) throw refusal(`--candles names ${symbol} twice; one file per symbol.`);
      files.set(symbol, file);
    }
  }
  const series: Series[] = [];
  for (const symbol of symbols) {
    const file = files.get(symbol);
    if (file === undefined) throw refusal(`There are no candles of ${symbol}: add ${symbol}=FILE to --candles.`);
    series.push(await readCandles(symbol, file, (part) => passed(file, part)));
  }
  const [first] = series;
  const other = series.find((each) => each.intervalMs !== first?.intervalMs || phase(each) !== phase(first));
  if (first !== undefined && other !== undefined) {
    throw refusal(`${other.file} has other times than ${first.file} (candles of ${other.intervalMs / 1000} s and ${first.intervalMs / 1000} s): use candles of one length.`); // prettier-ignore
  }
  return series;
}

/** Where in its length a candle begins. */
function phase({ candles, intervalMs }: Series): number {
  return (candles[0]?.openAt ?? 0) % intervalMs;
}

/** What all files have, in whole candles, within the times asked for. */
function rangeOf(series: readonly Series[], from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY) {
  const intervalMs = series[0]?.intervalMs ?? 1;
  const begin = Math.max(...series.map(({ candles }) => candles[0]?.openAt ?? 0));
  const end = Math.min(...series.map(({ candles }) => (candles.at(-1)?.openAt ?? 0) + intervalMs));
  if (begin >= end) throw refusal('The files have no time in common: use candles of the same months.');
  const first = from <= begin ? begin : begin + Math.ceil((from - begin) / intervalMs) * intervalMs;
  const last = to >= end ? end : begin + Math.floor((to - begin) / intervalMs) * intervalMs;
  if (first < last) return { from: first, to: last };
  throw refusal(`No candle lies between --from and --to: the files have ${utc(begin)} to ${utc(end)}.`);
}

/** The strategy's own grid; else one of candles, from the first that has one before it. */
function gridOf({ grid }: Prepared, series: readonly Series[], from: number, every: number | undefined) {
  const intervalMs = series[0]?.intervalMs ?? 0;
  const isFirst = series.some(({ candles }) => candles[0]?.openAt === from);
  const { start, intervalSeconds, end = Infinity }: Grid = grid ?? { start: isFirst ? from + intervalMs : from, intervalSeconds: intervalMs / 1000 }; // prettier-ignore
  return { anchor: start, end, everySeconds: every ?? intervalSeconds };
}

/** The candles that the strategy looks at are made of those of the file. */
function candlesFit({ needs }: Prepared, series: readonly Series[]): void {
  const { candles } = needs;
  const of = series.find(({ symbol }) => symbol === candles?.symbol);
  if (candles === undefined || of === undefined || longer(of, candles.minutes * 60_000) !== undefined) return;
  throw refusal(`The strategy looks at candles of ${candles.minutes} min, which cannot be made of those of ${of.intervalMs / 60_000} min in ${of.file}: use shorter ones, or change its parameters.`); // prettier-ignore
}
