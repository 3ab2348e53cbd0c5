// `desk trace ID`: the life of one order over logs, queues and exchange, as one timeline, and in one sentence where it stands.
// Reads, and leaves everything where it is.
import { Option, type Command } from 'commander';
import { wrap } from '../../local/screen.ts';
import { ACCOUNT, SYMBOL, type Market } from '../../shared/order/intent.ts';
import { askExchange, findLife, lookedAt, namesOf, troublesOf } from '../life.ts';
import { onStack, type Desk, type GlobalOptions } from '../run.ts';
import { standingOf } from '../standing.ts';
import { EXIT, refusal, type ExitCode } from '../terminal.ts';
import { knownOf, timeline } from '../timeline.ts';
import { plain } from '../words.ts';

interface TraceOptions extends GlobalOptions {
  readonly account?: string;
  readonly since: string;
  readonly symbol?: string;
  readonly market?: Market;
}

/** So long the log groups keep their lines. */
const MOST_HOURS = 720;
const HOUR_MS = 3_600_000;
/** What time and place take of a line. */
const MARGIN = 41;

async function trace(desk: Desk, id: string, options: TraceOptions): Promise<ExitCode> {
  const { account, market, symbol, since } = options;
  const wanted = { id, account, market, symbol, from: Date.now() - hoursIn(id, options) * HOUR_MS };
  const found = await findLife(desk, wanted);
  const named = namesOf(found, wanted);
  const shown = await askExchange(desk, wanted, named);
  const where = lookedAt(found, since, shown);
  const isFound = found.lines.length + found.reports.length + found.letters.length > 0;
  if (!isFound && shown.sighting?.kind !== 'found') {
    desk.result({ id, ...named, events: [], lookedAt: where });
    desk.say(
      `Nothing is known of ${id}. Looked at: ${where}. A message that no function has taken up yet cannot be seen (desk intents counts those); --since looks further back.`, // prettier-ignore
    );
    return EXIT.trouble;
  }
  const troubles = await troublesOf(desk, found, named.account);
  const events = timeline(found, troubles, shown, Date.now());
  const standing = standingOf(knownOf(id, found, shown));
  desk.result({ id, ...named, events, ...shown, standing, lookedAt: where });
  const width = Math.max(30, desk.screen.look().width - MARGIN);
  const rows = events.map(({ at, where: place, text }) => [at, place, wrap(plain(text), width)]);
  desk.table(['at', 'where', 'what'], rows, '');
  if (shown.note !== undefined) desk.say(`\n${plain(shown.note)}`);
  desk.say(`\nLooked at: ${where}.\n\n${plain(standing.sentence)}`);
  return EXIT.done;
}

/** @throws Refusal for what was typed and is none */
function hoursIn(id: string, { account, since, symbol }: TraceOptions): number {
  // A body without a readable id is reported under its SQS message id.
  if (!/^[A-Za-z0-9]{1,32}$|^[0-9a-f-]{36}$/.test(id)) {
    throw refusal(`${plain(id)} is no id: 1 to 32 letters and digits, or the id of an SQS message.`);
  }
  if (account !== undefined && !ACCOUNT.test(account)) {
    throw refusal(`--account ${plain(account)} is no account: 1 to 32 lower-case letters and digits.`);
  }
  if (symbol !== undefined && !SYMBOL.test(symbol)) {
    throw refusal(`--symbol ${plain(symbol)} is no symbol such as BTC_USDT.`);
  }
  const hours = Number(since);
  if (since.trim() !== '' && hours > 0 && hours <= MOST_HOURS) return hours;
  throw refusal(`--since ${plain(since)} is no number of hours above 0 and at most ${MOST_HOURS}.`);
}

export function traceCommand(program: Command): void {
  program
    .command('trace')
    .argument('<id>', 'of the intent')
    .description('the life of one order over logs, queues and exchange, and where it stands now')
    .option('--account <name>', 'whose it is, where several accounts have the id')
    .option('--since <hours>', 'how far back the logs are searched', '24')
    .option('--symbol <symbol>', 'of the order, where nothing that is found says it')
    .addOption(
      new Option('--market <market>', 'of the order, where nothing that is found says it').choices([
        'spot',
        'margin',
        'futures',
      ]),
    )
    .addHelpText(
      'after',
      `
Reports and letters are looked at and left. It exits 1 where nothing is known of the id.

  $ npx desk trace dcaBTC20261122T190000 --local
  $ npx desk trace dcaBTC20261122T190000 --local --account main --symbol BTC_USDT --market spot`,
    )
    .action(onStack((desk, id: string, options: TraceOptions) => trace(desk, id, options)));
}
