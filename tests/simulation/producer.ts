// Those who send intents, some of them careless: again, late, under an id that is taken, or what is no intent at all.
import type { Output } from '../../local/aws/wire.ts';
import type { SimulatedQueues } from './queues.ts';
import { ACCOUNTS, type Intent, type Stage } from './stage.ts';

const MINUTE = 60_000;

/** Starts the producer. @param expiries what a reused id expires at, by id and size */
export function createProducer(stage: Stage, queues: SimulatedQueues, expiries: Map<string, number>): void {
  const { plan, time, history, draw, chance, between, pick, tell, struck, sleep, busy } = stage;
  const { intents, sentAgain, sentOtherwise, reused, malformed } = history;
  // Now and then a producer's clock is worse than what is forgiven.
  const skewMs = draw() < 0.8 ? 2000 : 10_000;
  const put = (intent: Intent, deduplicationId: string = intent.id, body = JSON.stringify(intent)): Promise<Output> =>
    queues.call('SendMessage', {
      QueueUrl: queues.urlOf('intents.fifo'),
      MessageBody: body,
      MessageGroupId: intent.account,
      MessageDeduplicationId: deduplicationId,
    });
  const later = (ms: number, run: () => Promise<unknown>): void => {
    const token = {};
    busy.add(token);
    void sleep(ms)
      .then(run)
      .then(() => busy.delete(token));
  };
  const sendAgain = (intent: Intent): void => {
    sentAgain.add(intent.id);
    later(plan.sendsAllAgain ? 10 * MINUTE : between(301_000, 900_000), () => put(intent));
  };
  const careless = async (intent: Intent): Promise<void> => {
    const isAll = plan.sendsAllAgain;
    if (isAll || (chance(0.1) && struck('sent again with another deduplication id')))
      await put(intent, `${intent.id}x`);
    if (chance(0.03) && struck('sent what is no intent')) {
      const { MessageId } = await put(intent, `${intent.id}m`, '{"action":"place"');
      malformed.push({ messageId: String(MessageId), account: intent.account });
    }
    if (isAll || (chance(0.1) && struck('sent again after SQS has forgotten it'))) sendAgain(intent);
    else if (
      plan.refusesRepeatedIds === 'always' &&
      'size' in intent &&
      chance(0.1) &&
      struck('id reused for another order')
    ) {
      // With a new createdAt nothing but the venue's own refusal stands against it.
      sentOtherwise.add(intent.id);
      later(between(301_000, 900_000), async () => {
        const now = time.now();
        const times = { createdAt: new Date(now).toISOString(), expiresAt: new Date(now + MINUTE).toISOString() };
        expiries.set(`${intent.id} 0.00987`, now + MINUTE);
        const { MessageId } = await put({ ...intent, ...times, size: '0.00987' });
        reused.push({ id: intent.id, account: intent.account, messageId: String(MessageId) });
      });
    }
  };
  const produce = async (): Promise<void> => {
    await queues.ready;
    const isBurst = plan.trouble < 1 && draw() < 0.1;
    const count = isBurst ? between(30, 60) : between(3, 14);
    for (let index = 0; index < count; index += 1) {
      await sleep(isBurst || draw() < 0.6 ? 1 : between(1, 90_000));
      const intent = newIntent(index);
      intents.push(intent);
      const about = `${intent.account} ${intent.action} ${String(intent['type'] ?? intent['target'])}`;
      tell(`producer sends ${intent.id} ${about} until ${intent.expiresAt.slice(11, 23)}`);
      await put(intent);
      await careless(intent);
    }
    busy.delete(produce);
  };
  busy.add(produce);
  void produce();

  function newIntent(index: number): Intent {
    const now = time.now() + between(-skewMs, skewMs);
    const account = draw() < 0.7 ? 'main' : pick(ACCOUNTS);
    const common = {
      id: `s${plan.seed}i${index}`,
      account,
      market: 'spot',
      symbol: 'BTC_USDT',
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + between(5000, 590_000)).toISOString(),
    };
    const earlier = intents.filter((each) => each.account === account && each.action === 'place');
    if (earlier.length > 0 && draw() < 0.15) {
      const expiresAt = new Date(now + between(5000, 90_000)).toISOString();
      return { ...common, action: 'cancel', target: pick(earlier).id, expiresAt };
    }
    const isReplay = earlier.length > 0 && draw() < 0.2;
    const place = { ...common, action: 'place', ...(isReplay ? { replayOf: pick(earlier.slice(-2)).id } : {}) };
    const kind = draw();
    if (kind < 0.15) return { ...place, type: 'market', side: 'buy', notional: String(between(1, 50)) };
    if (kind < 0.25) return { ...place, type: 'market', side: 'sell', size: '0.001' };
    const type = pick(['limit', 'limit', 'limit-maker', 'ioc']);
    return { ...place, type, side: 'buy', size: '0.00123', price: String(between(50_000, 61_000)) };
  }
}
