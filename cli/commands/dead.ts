// The dead letters: looked at, sent again as replays, or dropped; and the orders that nobody could follow.
// A letter is deleted only by its name, after a yes, and for a replay only after SQS has taken the new intent. Nothing here
// moves a letter back as it is.
import type { Command } from 'commander';
import { wrap } from '../../local/screen.ts';
import { parse } from '../../shared/order/intent.ts';
import { explain } from '../../shared/order/reason.ts';
import { queueUrl } from '../connection.ts';
import { deleteLetter, isOf, jsonOf, noLetter, ownerOf, sourceOf, tellLetter, theLetter } from '../letters.ts';
import { peekLetters, type Letter } from '../peek.ts';
import { onStack, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT, type ExitCode } from '../terminal.ts';
import { age, plain } from '../words.ts';
import { depthOf } from './queues.ts';
import { replayLetter, type ReplayOptions } from './replay.ts';

// ---- list

interface ListOptions extends GlobalOptions {
  readonly account?: string;
  readonly reason?: string;
  readonly pending?: boolean;
}

async function list(desk: Desk, { account, reason, pending = false }: ListOptions): Promise<void> {
  if (pending) {
    await listPending(desk);
    return;
  }
  const { found, isComplete } = await peekLetters(desk);
  const wanted = found.filter(
    (letter) =>
      (account === undefined || ownerOf(letter).account === account) &&
      (reason === undefined || letter.reason === reason.toUpperCase()),
  );
  const total = await countOf(desk, 'dead', desk.stack.queues.dead);
  const unfollowed = await countOf(desk, 'pending-dead', await queueUrl(desk.stack, 'pending-dead'));
  desk.result({ letters: wanted.map(jsonOf), isComplete, total, pendingDead: unfollowed });
  desk.table(
    ['age', 'account, id, source', 'reason', 'detail'],
    wanted.map(cellsOf(desk)),
    account === undefined && reason === undefined ? 'There are no dead letters.' : 'There are no such letters.',
  );
  if (!isComplete) {
    desk.say(
      `About ${total} letters are on the queue, ${found.length} could be seen: SQS shows at most ten of an account before one of them is deleted, and others may have some in hand.`, // prettier-ignore
    );
  }
  if (unfollowed > 0) desk.say(`${unfollowed} on pending-dead, whose orders nobody follows: desk dead list --pending.`);
}

const cellsOf =
  ({ screen }: Desk) =>
  (letter: Letter): readonly string[] => {
    const { account, id = '' } = ownerOf(letter);
    const { reason, certainty, detail, venueCode } = letter;
    const code = venueCode === undefined ? '' : `, code ${venueCode}`;
    const whose = `${account} ${id}\n${sourceOf(letter)}`;
    const width = Math.max(24, screen.look().width - 76);
    return [
      age(Date.now() - Date.parse(letter.sentAt)),
      plain(whose),
      plain(`${reason}\n${certainty}${code}`),
      wrap(plain(detail), width),
    ];
  };

async function countOf({ stack }: Desk, queue: string, url: string): Promise<number> {
  const { waiting, inFlight } = await depthOf(stack, queue, url);
  return waiting + inFlight;
}

/** What SQS gave up on the pending queue. It is looked at as letters are; its body is what `execute` wrote of the order. */
async function listPending(desk: Desk): Promise<void> {
  const { sqs, queues } = desk.stack;
  const stack = { sqs, queues: { ...queues, dead: await queueUrl(desk.stack, 'pending-dead') } };
  const { found, isComplete } = await peekLetters({ stack });
  const orders = found.map(({ messageId, sentAt, body }) => ({ messageId, sentAt, ...orderIn(body), body }));
  desk.result({ messages: orders, isComplete });
  desk.table(
    ['age', 'account, id', 'market, symbol', "the exchange's id", 'message'],
    orders.map(
      ({ messageId, sentAt, account = '', id = 'no order', market = '', symbol = '', venueOrderId = '' }) =>
      [age(Date.now() - Date.parse(sentAt)), `${account} ${id}`, `${market} ${symbol}`, venueOrderId, messageId].map(plain), // prettier-ignore
    ),
    'Nothing is on pending-dead: every accepted order is followed.',
  );
  if (found.length > 0) desk.say('Nobody follows these orders. docs/runbook/orders-not-followed.md says what to do.');
}

type Order = Readonly<Partial<Record<'account' | 'id' | 'market' | 'symbol' | 'venueOrderId', string>>>;

function orderIn(body: string): Order {
  try {
    const { intent, venueOrderId } = JSON.parse(body) as { readonly intent?: unknown; readonly venueOrderId?: unknown };
    const parsed = parse(JSON.stringify(intent ?? null));
    if (parsed.kind !== 'intent' || parsed.intent.action !== 'place') return {};
    const { account, id, market, symbol } = parsed.intent;
    return { account, id, market, symbol, ...(typeof venueOrderId === 'string' ? { venueOrderId } : {}) };
  } catch {
    return {};
  }
}

// ---- one letter

async function show(desk: Desk, id: string): Promise<void> {
  const seen = await peekLetters(desk);
  const letters = seen.found.filter(isOf(id));
  if (letters.length === 0) throw noLetter(id, seen);
  desk.result({ letters: letters.map((letter) => ({ ...explain(letter.reason), ...jsonOf(letter) })) });
  if (!desk.isJson) for (const letter of letters) tellLetter(desk, letter);
}

async function drop(desk: Desk, id: string): Promise<ExitCode> {
  const letter = await theLetter(desk, id);
  const { account, id: intentId = 'an unreadable intent' } = ownerOf(letter);
  const source = sourceOf(letter);
  const risk = letter.certainty === 'unknown' ? ' Its order may exist, and after this nothing here reminds of it.' : '';
  if (!desk.isJson) tellLetter(desk, letter);
  await desk.confirm(
    `Drop the letter ${source} of ${plain(intentId)}, account ${account}? It is gone for good.${risk}`,
  );
  const isDropped = await deleteLetter(desk, letter);
  desk.result({ id: intentId, account, sourceMessageId: source, isDropped });
  desk.say(isDropped ? `Dropped ${source}.` : `${source} could not be deleted: it is still there, or somebody else has it in hand. Try again.`); // prettier-ignore
  return isDropped ? EXIT.done : EXIT.trouble;
}

// ---- the commands

export function deadCommands(program: Command): void {
  const dead = program
    .command('dead')
    .description('intents that came to no trade: looks at their letters, sends them again, drops them')
    .addHelpText(
      'after',
      `
An ID is that of the intent, or the source message id where it has none or several letters. Letters are looked at and left.

  $ npx desk dead list --local --account main
  $ npx desk dead show ID --local`,
    );
  dead
    .command('list')
    .description('the letters that can be seen, oldest first')
    .option('--account <name>', 'only of this account')
    .option('--reason <code>', 'only with this reason, see docs/reasons.md')
    .option('--pending', 'the orders that could not be followed instead (queue pending-dead)')
    .addHelpText('after', '\n  $ npx desk dead list --local --reason UNRESOLVED')
    .action(onStack((desk, options: ListOptions) => list(desk, options)));
  dead
    .command('show')
    .argument('<id>', 'of the intent, or the source message id')
    .description('all of a letter: its body, what the reason means, and what to do next')
    .addHelpText('after', '\n  $ npx desk dead show dcaBTC20261122T190000 --local')
    .action(onStack((desk, id: string) => show(desk, id)));
  dead
    .command('replay')
    .argument('<id>', 'of the intent, or the source message id')
    .description('sends it again as a new intent, and then deletes the letter')
    .option('--price <price>', 'of an order that has one: decided now, or "same" for the old one')
    .option('--life <seconds>', 'how long the new intent lives', '60')
    .option('--collar <bps>', 'not further than this from the price that the exchange shows now')
    .option('--accept-unknown', 'somebody has looked on the exchange, and there is no such order')
    .addHelpText(
      'after',
      `
Possible from two minutes after the old intent's expiry. All replays of one intent are one order: a second one, of
another letter too, trades nothing more, and if an order of the old one exists after all it is denied.

  $ npx desk dead replay dcaBTC20261122T190000 --price 60000 --collar 50 --local`,
    )
    .action(onStack((desk, id: string, options: ReplayOptions) => replayLetter(desk, id, options)));
  dead
    .command('drop')
    .argument('<id>', 'of the intent, or the source message id')
    .description('deletes a letter')
    .addHelpText('after', '\n  $ npx desk dead drop dcaBTC20261122T190000 --local')
    .action(onStack((desk, id: string) => drop(desk, id)));
}
