// A dead letter as the desk works on it: whose it is, found by its name, told in full, and deleted.
// Takes a letter for nobody's until it is found by exactly one name; deletes only the one that was shown.
import { DeleteMessageCommand } from '@aws-sdk/client-sqs';
import { parse } from '../shared/order/intent.ts';
import { explain } from '../shared/order/reason.ts';
import { peekLetters, withLetters, type Letter, type Peeked } from './peek.ts';
import type { Desk } from './run.ts';
import { EXIT, refusal } from './terminal.ts';
import { age, plain } from './words.ts';

/** The id of the message that was buried; SQS keeps it where it moved the message itself. */
export const sourceOf = ({ sourceMessageId, messageId }: Letter): string => sourceMessageId ?? messageId;

/** Whose letter it is, as far as it says so itself. */
export function ownerOf(letter: Letter): { readonly account: string; readonly id: string | undefined } {
  const parsed = parse(letter.body);
  const read = parsed.kind === 'intent' ? parsed.intent : parsed;
  return { account: letter.account ?? read.account ?? letter.group, id: letter.intentId ?? read.id };
}

/** Without the receipt handle, which is of no use after the look. */
export function jsonOf(letter: Letter): object {
  return { ...letter, receiptHandle: undefined, ...ownerOf(letter), sourceMessageId: sourceOf(letter) };
}

export const isOf =
  (id: string) =>
  (letter: Letter): boolean =>
    [ownerOf(letter).id, letter.messageId, sourceOf(letter)].includes(id);

/** @throws Refusal where there is none, or where some have more of them than one */
export async function theLetter(desk: Desk, id: string): Promise<Letter> {
  const { found, isComplete } = await peekLetters(desk);
  const letters = found.filter(isOf(id));
  const [letter] = letters;
  if (letter === undefined) throw noLetter(id, { found, isComplete });
  if (letters.length === 1) return letter;
  const names = letters.map((each) => `${sourceOf(each)} (${each.reason})`).join(', ');
  throw refusal(`${id} has ${letters.length} letters; name one by its source message id: ${names}.`);
}

export function noLetter(id: string, { found, isComplete }: Peeked<Letter>): Error {
  const unseen = isComplete ? '' : '; there are more that could not be seen now, so try again';
  return refusal(
    `No letter of ${id} is among the ${found.length} that could be seen${unseen}. desk trace ${id} shows its life.`,
    EXIT.trouble,
  );
}

export function tellLetter(desk: Desk, letter: Letter): void {
  const { account, id } = ownerOf(letter);
  const facts = {
    account,
    id: id ?? 'none that can be read',
    reason: letter.reason,
    certainty: letter.certainty,
    detail: letter.detail,
    "the exchange's code": letter.venueCode,
    attempts: letter.attempts,
    since: `${letter.sentAt}, ${age(Date.now() - Date.parse(letter.sentAt))} ago`,
    'message group': letter.group,
    'source message id': sourceOf(letter),
  };
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) desk.say(plain(`${name}: ${value}`));
  }
  desk.say(`\n${plain(pretty(letter.body))}\n`);
  const { meaning, next } = explain(letter.reason);
  desk.say(`${meaning} ${next}${again(letter)}`);
}

/** A new intent is another order: while the old one may still trade by itself, there would be two. */
function again({ body, certainty }: Letter): string {
  const parsed = parse(body);
  if (parsed.kind !== 'intent' || parsed.intent.action !== 'place' || certainty === 'refused') return '';
  const at = new Date(Date.parse(parsed.intent.expiresAt) + 120_000).toISOString();
  return ` A new intent, or a replay, not before two minutes after its expiresAt: ${at}.`;
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

/** @returns whether it is deleted. @throws Refusal where SQS cannot be asked */
export function deleteLetter(desk: Desk, { messageId }: Letter): Promise<boolean> {
  return withLetters(desk, async ({ found }) => {
    const held = found.find((each) => each.messageId === messageId);
    if (held === undefined) return false;
    const { sqs, queues } = desk.stack;
    const remove = new DeleteMessageCommand({ QueueUrl: queues.dead, ReceiptHandle: held.receiptHandle });
    return sqs.send(remove).then(
      () => true,
      () => false,
    );
  });
}
