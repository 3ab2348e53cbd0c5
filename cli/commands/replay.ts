// `desk dead replay`: an intent that came to no trade is wanted after all.
// Whether it may be, and as what, shared/order/replay.ts decides. Sends first and deletes the letter after; where that fails
// the letter can be replayed again, which is the same order.
import { SendMessageCommand, type SendMessageCommandInput } from '@aws-sdk/client-sqs';
import { DECIMAL, parse, type OrderIntent, type PlaceIntent } from '../../shared/order/intent.ts';
import { replay, type Replay } from '../../shared/order/replay.ts';
import { deskFor, unreachable } from '../connection.ts';
import { deleteLetter, theLetter } from '../letters.ts';
import type { Desk, GlobalOptions } from '../run.ts';
import { EXIT, refusal, type ExitCode } from '../terminal.ts';
import { plain } from '../words.ts';

export interface ReplayOptions extends GlobalOptions {
  readonly price?: string;
  readonly life: string;
  readonly collar?: string;
  readonly acceptUnknown?: boolean;
}

/** @param id of the intent, or the source message id @throws Refusal where nothing was sent */
export async function replayLetter(desk: Desk, id: string, options: ReplayOptions): Promise<ExitCode> {
  const lifeMs = numberIn('--life', options.life, 'seconds', 1, 600) * 1000;
  const bps =
    options.collar === undefined ? undefined : numberIn('--collar', options.collar, 'basis points', 1, 10_000);
  const { price } = options;
  if (price !== undefined && price !== 'same' && !DECIMAL.test(price)) {
    throw refusal(`--price ${price} is no positive decimal such as 0.01, and not "same".`);
  }
  const letter = await theLetter(desk, id);
  const parsed = parse(letter.body);
  if (parsed.kind === 'malformed') {
    throw refusal(`The body of ${id} is no intent (${parsed.problems.join('; ')}): correct it and send a new intent.`);
  }
  const original = parsed.intent;
  const collar = await collarOf(desk, original, bps);
  const make = (): Record<string, unknown> =>
    made({
      ...{ original, reason: letter.reason, certainty: letter.certainty, now: Date.now(), lifeMs },
      ...(price === undefined ? {} : { price }),
      ...(collar === undefined ? {} : { collar }),
      isUnknownAccepted: options.acceptUnknown === true,
    });
  compare(desk, original, make());
  await desk.confirm('Send it? All replays of one intent are one order, whoever makes them.');
  // Its life begins when the answer is given.
  const intent = make();
  const messageId = await send(desk, intent);
  const isDeleted = await deleteLetter(desk, letter);
  desk.result({ original: original.id, intent, messageId, isLetterDeleted: isDeleted });
  desk.say(`Sent ${String(intent['id'])}. What becomes of it: desk trace ${String(intent['id'])}.`);
  if (isDeleted) return EXIT.done;
  desk.say('Its letter could not be deleted: replay it again, which is the same order, or drop it.');
  return EXIT.trouble;
}

function made(wish: Replay): Record<string, unknown> {
  const replayed = replay(wish);
  if (replayed.kind === 'intent') return { ...replayed.intent };
  const isUnknown = wish.certainty === 'unknown' && wish.isUnknownAccepted !== true;
  throw refusal(
    `${replayed.detail}.${isUnknown ? ` desk trace ${wish.original.id} looks; --accept-unknown says so.` : ''}`,
  );
}

/** The reference price is the best one on the other side of the book, now. */
async function collarOf(
  { stack }: Desk,
  original: OrderIntent,
  maxDeviationBps: number | undefined,
): Promise<PlaceIntent['collar'] | undefined> {
  if (maxDeviationBps === undefined || original.action !== 'place') return undefined;
  const { market, symbol, side } = original;
  const { venue } = await deskFor(stack, original.account);
  const book = await venue.book(market, symbol, Date.now() + 10_000);
  const referencePrice = side === 'buy' ? book?.ask : book?.bid;
  if (referencePrice !== undefined) return { referencePrice, maxDeviationBps };
  throw refusal(`The exchange shows no price of ${symbol} now, so there is nothing to collar with: try again, or leave --collar out.`, EXIT.unreachable); // prettier-ignore
}

function numberIn(option: string, text: string, unit: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw refusal(`${option} ${text} is no whole number of ${unit} from ${least} to ${most}.`);
}

function compare(desk: Desk, original: OrderIntent, intent: Record<string, unknown>): void {
  const before: Record<string, unknown> = { ...original };
  const said = (value: unknown): string | undefined =>
    value === undefined ? undefined : plain(typeof value === 'string' ? value : JSON.stringify(value));
  const names = [...new Set([...Object.keys(before), ...Object.keys(intent)])];
  desk.table(
    ['field', 'old', 'new'],
    names.map((name) => [name, said(before[name]), said(intent[name])]),
    '',
  );
}

async function send({ stack: { sqs, queues } }: Desk, intent: Record<string, unknown>): Promise<string> {
  const input: SendMessageCommandInput = {
    QueueUrl: queues.intents,
    MessageBody: JSON.stringify(intent),
    MessageGroupId: String(intent['account']),
    MessageDeduplicationId: String(intent['id']),
  };
  try {
    return (await sqs.send(new SendMessageCommand(input))).MessageId ?? '';
  } catch (error) {
    throw unreachable(error, 'queue intents');
  }
}
