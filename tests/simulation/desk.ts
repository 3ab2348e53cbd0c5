// Two operators who read dead letters and replay some of them, each by their own clock and without a word to the other. They
// look at the venue where they are told to, and come back when they are told that it is too early.
import { parse } from '../../shared/order/intent.ts';
import type { Certainty } from '../../shared/order/reason.ts';
import { replay, type Replayed } from '../../shared/order/replay.ts';
import type { Exchange } from './exchange.ts';
import type { SimulatedQueues } from './queues.ts';
import type { Intent, Letter, Stage } from './stage.ts';

/** Letters of one world that are replayed; each may have letters of its own. */
const MOST = 6;

/** Starts the two operators. */
export function createDesk(stage: Stage, queues: SimulatedQueues, exchange: Exchange): void {
  const { time, history, draw, between, struck, tell, sleep, busy, plan, readers } = stage;
  let left = MOST;

  const made = (letter: Letter, skewMs: number): Replayed | undefined => {
    const parsed = parse(letter.body);
    if (parsed.kind !== 'intent') return undefined;
    const original = parsed.intent;
    const ids: readonly (string | undefined)[] = [
      original.id,
      original.action === 'place' ? original.replayOf : undefined,
    ];
    const isThere = exchange.orders().some((order) => ids.includes(order.clientOrderId));
    return replay({
      original,
      reason: letter.reason,
      certainty: letter.certainty as Certainty,
      now: time.now() + skewMs,
      lifeMs: between(5000, 590_000),
      isUnknownAccepted: !isThere,
      ...('price' in original ? { price: 'same' } : {}),
    });
  };
  const send = async (intent: Intent, first: string): Promise<void> => {
    const { id, account } = intent;
    if (history.intents.some((each) => each.id === id)) history.sentOtherwise.add(id);
    history.intents.push(intent);
    history.replays.push({ id, account, replayOf: String(intent['replayOf']) });
    struck(first === intent['replayOf'] ? 'replayed' : 'replayed again');
    tell(`operator replays ${first} as ${id} until ${intent.expiresAt.slice(11, 23)}`);
    await queues.call('SendMessage', {
      QueueUrl: queues.urlOf('intents.fifo'),
      MessageBody: JSON.stringify(intent),
      MessageGroupId: account,
      MessageDeduplicationId: id,
    });
  };
  const take = async (letter: Letter, skewMs: number): Promise<void> => {
    await sleep(between(1000, draw() < 0.5 ? 20_000 : 400_000));
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const replayed = made(letter, skewMs);
      if (replayed?.kind === 'intent') return send(replayed.intent as Intent, letter.intentId);
      const until = /until (\S+);/.exec(replayed?.detail ?? '')?.[1];
      if (until === undefined) return;
      struck('replayed too early');
      await sleep(Math.max(1, Date.parse(until) - time.now() - skewMs));
    }
  };
  const skews = [between(-10_000, 10_000), between(-10_000, 10_000)];
  if (draw() > 0.5 && !plan.sendsAllAgain) return;
  readers.push((letter) => {
    if (left === 0 || draw() < 0.5) return;
    left -= 1;
    for (const skewMs of skews) {
      if (draw() < 0.3) continue;
      const token = {};
      busy.add(token);
      void take(letter, skewMs).then(() => busy.delete(token));
    }
  });
}
