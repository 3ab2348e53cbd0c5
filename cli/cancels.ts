// Cancel-all of whole accounts, after a halt: one intent for spot and margin, one for each contract that has orders.
// Sends intents to the queue and nothing to the exchange; what becomes of them the reports say.
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { cancelAll as cancelAllIntent } from '../producer/intents.ts';
import { sendIntents } from '../producer/send.ts';
import { sideBySide } from './accounts.ts';
import { queuesOf, type Connection } from './connection.ts';
import type { Desk } from './run.ts';

type CancelAll = { readonly market: 'spot' } | { readonly market: 'futures'; readonly symbol: string };

/** They pass a halt; long enough to outlive a batch that is under way, well below the 10 minutes that an intent may live. */
const LIFE_MS = 300_000;
const READ_MS = 15_000;

/**
 * Cancels what rests, and again after `waitMs`: until then a function may place with what it read before the halt.
 * @returns whether all could be asked for; what could not is told
 */
export async function cancelAll(desk: Desk, accounts: readonly string[], waitMs: number): Promise<boolean> {
  if (accounts.length === 0) return true;
  const { stack } = desk;
  const queue = stack.isLocal ? stack.queues : await queuesOf(stack.sqs, stack.service);
  const round = (): Promise<readonly boolean[]> => sideBySide(accounts, (account) => cancelOf(desk, account, queue.intents)); // prettier-ignore
  const first = await round();
  desk.say(`Cancel-all was sent${first.every(Boolean) ? '' : ', but for what is told above'}. Once more in ${waitMs / 1000} s, for what is placed until then; Ctrl-C leaves that out, and the halt stays.`); // prettier-ignore
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  const second = await round();
  desk.say('The second cancel-all was sent; `desk orders` shows what rests.');
  return [...first, ...second].every(Boolean);
}

/** SQS counts with a delay: an empty queue is one that was seen so for a while. */
const EMPTY_LOOKS = 6;

/**
 * Cancels are intents: waits until the queue is empty, or for so long at most. Never throws: what cannot be seen is not waited for.
 * @returns whether it was seen empty
 */
export async function untilTaken({ stack }: Desk, mostMs = 60_000): Promise<boolean> {
  const until = Date.now() + mostMs;
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  try {
    const { intents } = stack.isLocal ? stack.queues : await queuesOf(stack.sqs, stack.service);
    const look = new GetQueueAttributesCommand({ QueueUrl: intents, AttributeNames: [...names] });
    let empty = 0;
    while (Date.now() < until) {
      const { Attributes = {} } = await stack.sqs.send(look);
      empty = names.every((name) => Number(Attributes[name]) === 0) ? empty + 1 : 0;
      if (empty >= EMPTY_LOOKS) return true;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  } catch {
    // The mapping is disabled all the same.
  }
  return false;
}

/** Of spot and margin all at once; the exchange cancels contracts symbol by symbol, so open orders are looked up first. */
async function cancelOf(desk: Desk, account: string, queueUrl: string): Promise<boolean> {
  const { stack } = desk;
  try {
    await send(stack, queueUrl, account, { market: 'spot' });
    const open = await stack.exchange.reads.openOrders(await stack.account(account), 'futures', Date.now() + READ_MS);
    if (open.kind !== 'read') {
      desk.say(`${account}: its open futures orders could not be read, so none of them is canceled: ${open.detail}.`);
      return false;
    }
    const symbols = new Set(open.orders.map(({ symbol }) => symbol));
    for (const symbol of symbols) await send(stack, queueUrl, account, { market: 'futures', symbol });
    if (!open.isComplete) desk.say(`${account}: there may be more open futures orders than one list shows; run it again.`); // prettier-ignore
    return open.isComplete;
  } catch (error) {
    desk.say(`${account}: ${(error as Error).message}`);
    return false;
  }
}

/** One cancel-all on the queue. @throws Error that says why it is not there, or may not be */
async function send({ sqs }: Connection, queueUrl: string, account: string, what: CancelAll): Promise<void> {
  const intent = cancelAllIntent({ account, ...what, lifeMs: LIFE_MS });
  const [sending] = await sendIntents(queueUrl, [intent], { client: sqs });
  if (sending?.kind !== 'sent') throw new Error(`the cancel-all was not sent: ${sending?.detail ?? 'no answer'}`);
}
