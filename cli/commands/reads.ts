// What an account has on the exchange: open orders, fills, balances and positions, fee rates. Reads alone, with a small
// part of the limits. Amounts stand as the exchange told them, digit by digit; a list that may go on says so.
import { Option, type Command } from 'commander';
import { SYMBOL, type Market } from '../../shared/order/intent.ts';
import type { Balance, FeeRate, Fill, OpenOrder, Position, Reading } from '../../shared/order/reads.ts';
import type { Unseen } from '../../shared/order/venue.ts';
import { accountName } from '../accounts.ts';
import { onStack, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT, refusal, type ExitCode } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly market: Market;
  readonly symbol?: string;
  readonly since: string;
  readonly all?: boolean;
}

export function readCommands(program: Command): void {
  read(program, 'orders', 'open orders of an account', '$ npx desk orders main --market futures --local').action(
    onStack(orders),
  );
  read(program, 'fills', 'what was filled lately, newest first', '$ npx desk fills main --since 7d --local')
    .option('--since <time>', 'how far back: 30m, 24h, 7d, or a time as 2026-11-22T19:00:00Z', '24h')
    .action(onStack(fills));
  read(program, 'balances', 'what an account holds; in futures its positions, too', '$ npx desk balances main --local')
    .option('--all', 'what is zero, too')
    .action(onStack(balances));
  read(program, 'fees', "the account's fee level and rates", '$ npx desk fees main --symbol BTC_USDT --local').action(
    onStack(fees),
  );
}

function read(program: Command, name: string, description: string, example: string): Command {
  return program
    .command(`${name} [account]`)
    .description(`${description} (account: main where none is named)`)
    .addOption(new Option('--market <name>', 'which market').choices(['spot', 'margin', 'futures']).default('spot'))
    .option('--symbol <symbol>', 'only this one, as BTC_USDT')
    .addHelpText('after', `\n  ${example}`);
}

/** A person waits no longer for one answer. */
const READ_MS = 15_000;
const soon = (): number => Date.now() + READ_MS;

function symbolIn({ symbol }: Options): string | undefined {
  if (symbol === undefined || SYMBOL.test(symbol)) return symbol;
  throw refusal(`"${symbol}" is no symbol: base and quote coin in capitals, as BTC_USDT, in every market.`);
}

/** What was read. @throws Refusal with what to do where nothing could be */
export function orWhyNot<Content>(reading: Reading<Content>, account: string): { readonly kind: 'read' } & Content {
  if (reading.kind === 'read') return reading;
  throw refusal(`${reading.detail}. ${nextStep(reading, account)}`, reading.kind === 'refused' ? EXIT.trouble : EXIT.unreachable); // prettier-ignore
}

function nextStep(unseen: Unseen, account: string): string {
  switch (unseen.kind) {
    case 'refused':
      return unseen.tradingOver ? 'The exchange does not offer this any more.' : 'Correct what it names.';
    case 'unauthorised':
      return `\`desk account check ${account}\` says what is wrong with the key.`;
    case 'throttled':
      return 'Ask again in some seconds; if it goes on, find out who else uses this key.';
    case 'banned':
      return `Do not ask before ${Math.ceil(unseen.forMs / 1000)} s are over, or the ban grows; find out who else uses this key or address.`;
    case 'unavailable':
    case 'unknown':
      return 'Ask again; `desk status` says whether the exchange can be reached.';
    case 'late':
      return 'Ask again in some seconds: desk keeps to a small part of the limit.';
  }
}

const MAY_GO_ON = 'There may be more: the list is as long as lists of the exchange can be.';

async function orders(desk: Desk, name: string | undefined, options: Options): Promise<ExitCode> {
  const [account, symbol] = [accountName(name ?? 'main'), symbolIn(options)];
  const trading = await desk.stack.account(account);
  const { reads } = desk.stack.exchange.deskOf(trading);
  const answer = await reads.openOrders(trading, options.market, soon(), symbol);
  const { orders: rows, isComplete } = orWhyNot(answer, account);
  show<OpenOrder>(
    desk,
    [
      ['id', (row) => row.clientOrderId ?? '(none)'],
      ["exchange's id", (row) => row.venueOrderId],
      ['symbol', (row) => row.symbol],
      ['side', (row) => row.side],
      ['type', (row) => row.type],
      ['state', (row) => row.state],
      ['price', (row) => row.price, 'amount'],
      ['size', (row) => row.size ?? (row.notional === undefined ? undefined : `for ${row.notional}`), 'amount'],
      ['filled', (row) => row.filledSize, 'amount'],
    ],
    rows,
    `${account} has no open ${options.market} orders.`,
  );
  if (!isComplete) desk.say(`${MAY_GO_ON} Name a --symbol.`);
  desk.result({ account, market: options.market, orders: rows, isComplete });
  return EXIT.done;
}

async function fills(desk: Desk, name: string | undefined, options: Options): Promise<ExitCode> {
  const [account, symbol] = [accountName(name ?? 'main'), symbolIn(options)];
  const since = sinceIn(options.since, Date.now());
  const trading = await desk.stack.account(account);
  const { reads } = desk.stack.exchange.deskOf(trading);
  const answer = await reads.fills(trading, options.market, soon(), symbol, since);
  const { fills: rows, isComplete } = orWhyNot(answer, account);
  show<Fill>(
    desk,
    [
      ['at', (row) => row.at],
      ['id', (row) => row.clientOrderId ?? row.venueOrderId],
      ['symbol', (row) => row.symbol],
      ['side', (row) => row.side],
      ['price', (row) => row.price, 'amount'],
      ['size', (row) => row.size, 'amount'],
      ['fee', (row) => row.fee, 'amount'],
      ['coin', (row) => row.feeCoin],
      ['role', (row) => row.role],
    ],
    rows,
    `${account} has no ${options.market} fills since ${new Date(since).toISOString()}.`,
  );
  if (!isComplete) desk.say(`${MAY_GO_ON} Name a --symbol, or a shorter --since.`);
  desk.result({ account, market: options.market, since: new Date(since).toISOString(), fills: rows, isComplete });
  return EXIT.done;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** ms */
function sinceIn(text: string, now: number): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? [];
  const at = count === '' ? instant(text) : now - Number(count) * (UNITS[unit] ?? 0);
  if (at < now && at > 0) return at;
  throw refusal(`--since: "${text}" is no time that is over; say 30m, 24h, 7d, or 2026-11-22T19:00:00Z.`);
}

/** Neither local times nor what else Date would take. */
function instant(text: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(text) ? Date.parse(text) : NaN;
}

async function balances(desk: Desk, name: string | undefined, options: Options): Promise<ExitCode> {
  const [account, symbol] = [accountName(name ?? 'main'), symbolIn(options)];
  const { market } = options;
  const trading = await desk.stack.account(account);
  const { reads } = desk.stack.exchange.deskOf(trading);
  const [answer, held] = await Promise.all([
    reads.balances(trading, market, soon()),
    market === 'futures' ? reads.positions(trading, soon(), symbol) : undefined,
  ]);
  const isWanted = (row: Balance): boolean =>
    (options.all === true || !isZero(row)) &&
    (symbol === undefined || market === 'futures' || (row.symbol === undefined ? symbol.split('_').includes(row.coin) : row.symbol === symbol)); // prettier-ignore
  const rows = orWhyNot(answer, account).balances.filter(isWanted);
  show<Balance>(
    desk,
    [
      ...(market === 'margin' ? [['pair', (row: Balance) => row.symbol] as const] : []),
      ['coin', (row) => row.coin],
      ['available', (row) => row.available, 'amount'],
      ['frozen', (row) => row.frozen, 'amount'],
      ...(market === 'margin'
        ? ([['borrowed', (row: Balance) => row.borrowed, 'amount'], ['interest', (row: Balance) => row.interest, 'amount']] as const) // prettier-ignore
        : []),
    ],
    rows,
    `${account} holds nothing in ${market}.`,
  );
  const positions = held && orWhyNot(held, account).positions;
  if (positions !== undefined) showPositions(desk, positions);
  desk.result({ account, market, balances: rows, ...(positions === undefined ? {} : { positions }) });
  return EXIT.done;
}

const isZero = ({ available, frozen, borrowed = '0', interest = '0' }: Balance): boolean =>
  !/[1-9]/.test(available + frozen + borrowed + interest);

function showPositions(desk: Desk, positions: readonly Position[]): void {
  desk.say('');
  show<Position>(
    desk,
    [
      ['position', (row) => row.symbol],
      ['side', (row) => row.side],
      ['size', (row) => row.size, 'amount'],
      ['entry', (row) => row.entryPrice, 'amount'],
      ['mark', (row) => row.markPrice, 'amount'],
      ['profit', (row) => row.unrealisedProfit, 'amount'],
      ['liquidation', (row) => row.liquidationPrice, 'amount'],
      ['leverage', (row) => row.leverage, 'amount'],
      ['margin', (row) => row.marginMode],
      ['mode', (row) => row.positionMode],
    ],
    positions,
    'No positions.',
  );
}

async function fees(desk: Desk, name: string | undefined, options: Options): Promise<ExitCode> {
  const [account, symbol] = [accountName(name ?? 'main'), symbolIn(options)];
  const { market } = options;
  if (market === 'futures' && symbol === undefined) throw refusal('Say --symbol: futures have rates by symbol.');
  const trading = await desk.stack.account(account);
  const { reads } = desk.stack.exchange.deskOf(trading);
  const { rates, level, note } = orWhyNot(await reads.feeRates(trading, market, soon(), symbol), account);
  if (level !== undefined) desk.say(`${account} has level ${level}.`);
  show<FeeRate>(
    desk,
    [
      ['rate of', (row) => row.of],
      ['maker', (row) => row.maker, 'amount'],
      ['taker', (row) => row.taker, 'amount'],
    ],
    rates,
    'The exchange told no rates.',
  );
  desk.say(`${note}.`);
  desk.result({ account, market, rates, ...(level === undefined ? {} : { level }), note });
  return EXIT.done;
}

/** A column: its head, its cells, and whether they are amounts, which stand at the right with all their digits. */
type Column<Row> = readonly [head: string, cell: (row: Row) => string | undefined, kind?: 'amount'];

function show<Row>(desk: Desk, columns: readonly Column<Row>[], rows: readonly Row[], none: string): void {
  const filled = columns.map(([head, cell, kind]) => {
    const cells = [head, ...rows.map((row) => cell(row) ?? '')];
    const width = Math.max(...cells.map(({ length }) => length));
    return kind === 'amount' ? cells.map((text) => text.padStart(width)) : cells;
  });
  const line = (index: number): readonly string[] => filled.map((cells) => cells[index] ?? '');
  desk.table(line(0), rows.map((_, index) => line(index + 1)), none); // prettier-ignore
}
