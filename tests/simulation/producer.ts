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
      intent['market'] !== 'futures' &&
      intent.action === 'place' &&
      chance(0.1) &&
      struck('id reused for another order')
    ) {
      // With a new createdAt nothing but the venue's own refusal stands against it.
      sentOtherwise.add(intent.id);
      later(between(301_000, 900_000), async () => {
        const now = time.now();
        const times = { createdAt: new Date(now).toISOString(), expiresAt: new Date(now + MINUTE).toISOString() };
        expiries.set(`${intent.id} 0.0098`, now + MINUTE);
        const { MessageId } = await put({ ...intent, ...times, size: '0.0098' });
        reused.push({ id: intent.id, account: intent.account, messageId: String(MessageId) });
      });
    }
  };
  const produce = async (): Promise<void> => {
    await queues.ready;
    const isBurst = plan.trouble < 1 && draw() < (plan.isBatching ? 0.3 : 0.1);
    const count = isBurst ? between(30, 60) : between(3, 14);
    for (let index = 0; index < count; index += 1) {
      await sleep(isBurst || draw() < 0.6 ? 1 : between(1, 90_000));
      const intent = newIntent(index);
      intents.push(intent);
      const what = [intent['type'], intent['target'], intent['symbol'], ''].find((each) => typeof each === 'string');
      const about = `${intent.account} ${intent.action} ${String(what)}`;
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
    const isShort = { expiresAt: new Date(now + between(5000, 90_000)).toISOString() };
    if (plan.isWide && earlier.length > 0 && draw() < 0.35) {
      return { ...common, ...instruction(stage, earlier), ...(draw() < 0.5 ? isShort : {}) };
    }
    if (earlier.length > 0 && draw() < 0.15)
      return { ...common, ...isShort, ...targeting(pick(earlier)), action: 'cancel' };
    const wish = { ...common, action: 'place', ...newOrder() };
    const alike = earlier.filter((each) => each['market'] === wish.market && each['symbol'] === wish.symbol).slice(-2);
    return alike.length > 0 && draw() < 0.2 ? { ...wish, replayOf: pick(alike).id } : wish;
  }

  function newOrder(): Wish {
    if (plan.isWide && draw() < 0.7) return draw() < 0.3 ? marginOrder(stage) : futuresOrder(stage);
    // More than the account has: among others that go out with it, the one that fails.
    if (plan.isBatching && draw() < 0.15) return { type: 'limit', side: 'buy', size: '25', price: '50000' };
    const kind = draw();
    if (kind < 0.15) return { type: 'market', side: 'buy', notional: String(between(1, 50)) };
    if (kind < 0.25) return { type: 'market', side: 'sell', size: '0.001' };
    const type = pick(['limit', 'limit', 'limit-maker', 'ioc']);
    // More than the best prices give: some of it is filled, and the rest waits.
    if (plan.isWide && draw() < 0.2) return { type, side: 'buy', size: '1.5', price: '60000.7' };
    return { type, side: 'buy', size: '0.00123', price: String(between(50_000, 61_000)) };
  }
}

type Wish = Readonly<Record<string, unknown>>;

const targeting = ({ id, market, symbol }: Intent & Wish): Wish => ({ market, symbol, target: id });

/** What may be sent beside new orders, about one that was wanted before. */
function instruction(
  { draw, pick, between, history }: Stage,
  earlier: readonly Intent[],
): Wish & { readonly action: string } {
  const { symbol } = pick(earlier);
  const contracts = earlier.filter(({ market }) => market === 'futures');
  const futures = { market: 'futures', symbol: contracts.length === 0 ? 'BTC_USDT' : pick(contracts)['symbol'] };
  const part = draw();
  if (part < 0.25) return { ...targeting(pick(earlier)), action: 'cancel' };
  if (part < 0.45 && contracts.length > 0) {
    const target = pick(contracts);
    const isBitcoin = target['symbol'] === 'BTC_USDT';
    // No two amends ask for the same, so that the book says which of them it was.
    const place = history.intents.length;
    const price = isBitcoin ? `${between(50_000, 59_000)}.${place % 10}` : `${between(100, 140)}.${10 + (place % 90)}`;
    const size = isBitcoin ? String((place + 2) / 1000) : ((place + 2) * 0.3).toFixed(1);
    const asked = pick([{ price }, { size }, { price, size }]);
    return { ...targeting(target), action: 'amend', ...asked };
  }
  if (part < 0.55) return { ...futures, action: 'cancel-all' };
  if (part < 0.7) {
    const market = pick(['spot', 'margin']);
    const side = draw() < 0.5 ? { side: pick(['buy', 'sell']) } : {};
    return { market, symbol: draw() < 0.5 ? symbol : undefined, ...side, action: 'cancel-all' };
  }
  if (part < 0.85) {
    const marginMode = pick(['cross', 'cross', 'isolated']);
    return { ...futures, action: 'set-leverage', leverage: String(between(1, 50)), marginMode };
  }
  if (part < 0.92) {
    const positionMode = pick(['hedge', 'one-way']);
    return { market: 'futures', symbol: undefined, action: 'set-position-mode', positionMode };
  }
  return { ...futures, action: 'cancel-all-after', timeoutSeconds: pick([0, 5, 60, 600]) };
}

function marginOrder({ draw, pick, between }: Stage): Wish {
  const order = { market: 'margin', symbol: pick(['BTC_USDT', 'BTC_USDT', 'ETH_USDT']) };
  const [size, price] =
    order.symbol === 'BTC_USDT' ? ['0.00123', between(50_000, 61_000)] : ['0.0123', between(2500, 3050)];
  if (draw() < 0.2) return { ...order, type: 'market', side: 'buy', notional: String(between(6, 50)) };
  if (draw() < 0.2) return { ...order, type: 'market', side: 'sell', size };
  return { ...order, type: pick(['limit', 'limit', 'limit-maker', 'ioc']), side: 'buy', size, price: String(price) };
}

function futuresOrder({ draw, pick, between }: Stage): Wish {
  const symbol = pick(['BTC_USDT', 'BTC_USDT', 'SOL_USDT']);
  const isBitcoin = symbol === 'BTC_USDT';
  const reduceOnly = draw() < 0.15;
  const terms = reduceOnly || draw() < 0.2 ? {} : { leverage: pick(['5', '10']), marginMode: 'cross' };
  const exits =
    reduceOnly || draw() < 0.9 ? {} : { takeProfit: { price: isBitcoin ? '90000' : '300', trigger: 'mark' } };
  const order = { market: 'futures', symbol, side: pick(['buy', 'buy', 'sell']), reduceOnly, ...terms, ...exits };
  // Now and then more than the best prices give.
  const size = draw() < 0.15 ? (isBitcoin ? '0.9' : '250') : isBitcoin ? '0.0057' : '1.7';
  if (draw() < 0.25) return { ...order, type: 'market', size };
  const price = isBitcoin ? between(50_000, 61_000) + 0.15 : between(120, 160);
  return { ...order, type: pick(['limit', 'limit', 'limit-maker', 'ioc', 'fok']), size, price: String(price) };
}
