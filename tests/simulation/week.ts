// A virtual week of orders that rest: the production following over the SQS engine of the local AWS and the local BitMart.
// Orders of many accounts in spot, margin and futures rest, fill, in part too, and are canceled by hand. Environments come and
// go, and die in the middle of their work; SQS fails now and then, in part or as a whole, and loses answers. At the end the
// exchange's own book says which ends there were, and the reports must be exactly those. A week is the same for its seed.
import { createHash } from 'node:crypto';
import Big from 'big.js';
import { serve } from '../../local/bitmart/reply.ts';
import { seeded } from '../../local/exchange/faults.ts';
import { futuresMarket } from '../../local/bitmart/futures.ts';
import { register } from '../../local/bitmart/keys.ts';
import { spotMarket } from '../../local/bitmart/spot.ts';
import { createVenue } from '../../local/bitmart/venue.ts';
import { sqsActions } from '../../local/aws/sqs.ts';
import type { Input, Output } from '../../local/aws/wire.ts';
import { secretAccounts } from '../../shared/aws/accounts.ts';
import { deliveries, sqsQueues, type Queues, type Sqs } from '../../shared/aws/queues.ts';
import { endpoints } from '../../shared/bitmart/endpoints.ts';
import { pacer } from '../../shared/pace.ts';
import { bitmart, bitmartSettings } from '../../shared/bitmart/venue.ts';
import { readPlace } from '../place.ts';
import { readSettings } from '../../shared/config.ts';
import { follow, type Beyond } from '../../shared/following.ts';
import type { Transport } from '../../shared/http.ts';
import type { Decimal } from '../../shared/order/intent.ts';
import type { ExecutionReport, PendingOrder } from '../../shared/order/report.ts';
import type { NewOrder, Times, TradingAccount, Venue } from '../../shared/order/venue.ts';
import type { SQSRecord } from 'aws-lambda';
import { virtualTime } from './time.ts';

export interface WeekPlan {
  readonly seed: number;
  readonly orders: number;
  readonly accounts: number;
  readonly days: number;
}
export interface Week {
  /** Every difference between the book and the reports, as a sentence. */
  readonly broken: readonly string[];
  /** Orders by how they stand in the book at the end; `open` are those that rest still. */
  readonly ends: Readonly<Record<string, number>>;
  /** Reports by status, repeated ones too. */
  readonly reports: Readonly<Record<string, number>>;
  /** Requests that look at an order or at its fills. */
  readonly looks: number;
  /** SQS calls of those who follow, by action; billed are all of them, those that come back empty too. */
  readonly calls: Readonly<Record<string, number>>;
  readonly copies: number;
  /** The most receives that one message came to. */
  readonly mostReceives: number;
  /** What went wrong on purpose, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** By path: the most requests of one account in any window, and the limit. */
  readonly windows: Readonly<Record<string, { readonly most: number; readonly limit: number }>>;
}

const START = Date.UTC(2026, 10, 22, 12);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CONCURRENCY = 2;
const MOST_RECEIVES = 1000;
/** How often, of all invocations or calls: an environment dies in one, or is replaced; a call fails, in part, or its answer is lost. */
const RATES = {
  'environment dies': 0.002,
  'environment replaced': 0.002,
  'SQS call fails': 0.002,
  'SQS call fails in part': 0.01,
  'answer of SQS lost': 0.002,
  'delete fails': 0.05,
};
const LOOKS = [endpoints.query, endpoints.futuresOrder, endpoints.orderTrades, endpoints.futuresTrades];
const keyOf = (account: string) => ({ apiKey: `key-${account}`, secretKey: `secret-${account}`, memo: 'memo #é' });
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const never = (): Promise<never> => new Promise(() => undefined);

/** An environment as far as it can die: between any two effects, and what it did then never goes on. */
interface Life {
  isDead: boolean;
  /** Effects that are left to it; undefined: it lives. */
  left: number | undefined;
  died: () => void;
}

/** Runs one week. @param progress told every virtual hour with the part that is over, 0 to 1 */
export async function runWeek(plan: WeekPlan, progress: (part: number) => void = () => undefined): Promise<Week> {
  const time = virtualTime(START);
  try {
    const draw = seeded(plan.seed);
    const faults: Record<string, number> = {};
    const struck = (rate: keyof typeof RATES): boolean => {
      if (draw() >= RATES[rate]) return false;
      faults[rate] = (faults[rate] ?? 0) + 1;
      return true;
    };
    const clock = {
      now: () => time.now(),
      sleep: (ms: number) => (ms <= 0 ? Promise.resolve() : sleep(Math.ceil(ms))),
    };
    const accounts = Array.from({ length: plan.accounts }, (_, index) => `week${index + 1}`);
    const market = openMarket([...accounts, SELLER], draw, clock);
    const queues = await openQueues(plan.seed, clock);

    /** What an environment does to the outside: it may be dead before or after. */
    const through = async <T>(life: Life, run: () => Promise<T>): Promise<T> => {
      const dies = (): boolean => {
        if (life.isDead) return true;
        if (life.left === undefined || life.left-- > 0) return false;
        life.isDead = true;
        life.died();
        return true;
      };
      if (dies()) return never();
      const result = await run();
      return dies() ? never() : result;
    };
    const sending = (life: Life, action: string) => (input: unknown) =>
      through(life, async () => {
        if (struck('SQS call fails')) throw new Error('InternalError');
        const of = input as Input & { readonly Entries: readonly { readonly Id: string }[] };
        const refused = struck('SQS call fails in part') ? of.Entries.slice(0, 1) : [];
        const Entries = of.Entries.slice(refused.length);
        const { Successful, Failed = [] } = Entries.length === 0 ? {} : await queues.call(action, { ...of, Entries });
        if (struck('answer of SQS lost')) throw new Error('TimeoutError');
        return {
          Successful: (Successful ?? []) as { readonly Id: string }[],
          Failed: [...(Failed as { readonly Code: string }[]), ...refused.map(() => ({ Code: 'InternalError' }))],
        };
      });
    const open = (): Beyond & { readonly life: Life } => {
      const life: Life = { isDead: false, left: undefined, died: () => undefined };
      const transport: Transport = (request) => through(life, () => market.transport(request));
      const venue = market.venueOf(0.3 / CONCURRENCY, transport);
      return {
        ...{ life, clock, parked: new Map(), parkMs: 60_000, isEgressFixed: false, log: () => undefined },
        queues: queues.of({
          send: sending(life, 'SendMessageBatch'),
          changeVisibility: sending(life, 'ChangeMessageVisibilityBatch'),
        }),
        venueOf: () => venue,
        accounts: secretAccounts({ prefix: 's/', lifetimeMs: 30_000, now: clock.now, readPlace }, (secret) =>
          Promise.resolve({
            SecretString: JSON.stringify({ ...keyOf(secret.slice(2)), mandate: { state: 'active' } }),
            VersionId: '1',
          }),
        ),
      };
    };

    let mostReceives = 0;
    const poll = async (): Promise<void> => {
      let beyond = open();
      for (;;) {
        const records = await queues.receive();
        if (records.length === 0) continue;
        if (beyond.life.isDead || struck('environment replaced')) beyond = open();
        const { life } = beyond;
        for (const { attributes } of records)
          mostReceives = Math.max(mostReceives, Number(attributes.ApproximateReceiveCount));
        life.left = struck('environment dies') ? Math.floor(draw() * 2 * records.length) : undefined;
        const death = new Promise<undefined>((resolve) => (life.died = () => resolve(undefined)));
        const left = await Promise.race([follow(deliveries(records), beyond, clock.now() + 30_000), death]);
        const Entries = records
          .filter(({ messageId }) => left?.includes(messageId) === false)
          .map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
        if (Entries.length === 0 || struck('delete fails')) continue;
        await queues.call('DeleteMessageBatch', { QueueUrl: queues.urlOf('pending'), Entries });
      }
    };

    const problems: string[] = [];
    const trader = traderOf(plan, market, accounts, draw, clock, (pending) => queues.hand(pending));
    for (let index = 0; index < plan.orders; index += 1) {
      trader.live(index).catch((error: unknown) => problems.push(`order ${index}: ${String(error)}`));
    }
    const walk = async (): Promise<void> => {
      for (let hour = 0; hour < plan.days * 24; hour += 1) {
        await sleep(HOUR_MS);
        progress(hour / (plan.days * 24));
        market.move();
      }
    };
    const running = [walk(), ...Array.from({ length: CONCURRENCY }, poll)];
    for (const each of running) each.catch((error: unknown) => problems.push(String(error)));
    await time.run(START + plan.days * DAY_MS);

    const lost = await queues.given();
    const given = Object.entries(lost).flatMap(([queue, count]) => (count === 0 ? [] : [`${queue} holds ${count}`]));
    const judged = judgeWeek(trader.placed, queues.reports, market.book(), time.now());
    return {
      ...{ ...judged, broken: [...problems, ...given, ...judged.broken] },
      ...{ looks: market.looks(), calls: queues.calls, copies: queues.copies(), mostReceives, faults },
      windows: market.windows(),
    };
  } finally {
    time.restore();
  }
}

/** Sells into orders that rest inside the market. */
const SELLER = 'seller';

/** An order in the book of the exchange. Size in base coin. */
interface Booked {
  readonly state: string;
  readonly endedAt: number;
  readonly filledSize: string;
}

/** The local BitMart in this process, its book, and the production venue in front of it. */
function openMarket(accounts: readonly string[], draw: () => number, clock: Beyond['clock']) {
  const exchange = createVenue(1, () => clock.now());
  const markets = { 'http://spot': [spotMarket(exchange)], 'http://futures': [futuresMarket(exchange)] };
  for (const account of accounts) register(exchange, { account, ...keyOf(account), positionMode: 'one_way_mode' });
  let looks = 0;
  const transport: Transport = async (request) => {
    const url = new URL(request.url);
    if (LOOKS.some(({ path }) => path === url.pathname)) looks += 1;
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    await sleep(20 + draw() * 20);
    const incoming = {
      ...{ method: request.method, path: url.pathname, query: url.searchParams, headers },
      ...{ body: Buffer.from(request.body ?? ''), ip: '127.0.0.1' },
    };
    const at = markets[url.origin as keyof typeof markets];
    const { reply } = await serve(exchange, at, incoming, new AbortController().signal);
    if (!('send' in reply)) return { kind: 'failure', reached: true, detail: 'no answer' };
    return { kind: 'response', status: reply.send.status, headers: {}, body: reply.send.body };
  };
  const settings = readSettings(
    { BITMART_SPOT_URL: 'http://spot', BITMART_FUTURES_URL: 'http://futures' },
    bitmartSettings,
  );
  const { instruments } = exchange.exchange;
  return {
    transport,
    looks: () => looks,
    venueOf: (lookupShare: number, through = transport): Venue =>
      bitmart({
        ...{ settings, clock, lookupShare, transport: through, random: draw },
        pacer: pacer(0.94, clock),
      }),
    mid: (): string => {
      const btc = instruments.find(({ symbol }) => symbol === 'BTC_USDT');
      if (btc === undefined) throw new Error('there is no BTC_USDT');
      return exchange.exchange.mid(btc).toFixed();
    },
    /** Half a hundredth up or down. */
    move: (): void => {
      for (const instrument of instruments) {
        const mid = exchange.exchange.mid(instrument).times(String(1 + (draw() - 0.5) * 0.01));
        exchange.exchange.moveMarket(instrument, mid.round(1), exchange.now());
      }
    },
    book: (): ReadonlyMap<string, Booked> => {
      const book = new Map<string, Booked>();
      for (const { clientOrderId, state, finishedAtMs, filledSize } of exchange.exchange.orders())
        book.set(clientOrderId, { state, endedAt: finishedAtMs, filledSize: filledSize.toFixed() });
      for (const { clientOrderId, state, finishedAtMs, dealSize } of exchange.futures.orders()) {
        const coins = new Big(dealSize.toFixed()).times(BTC_PER_CONTRACT);
        book.set(clientOrderId, { state, endedAt: finishedAtMs, filledSize: coins.toFixed() });
      }
      return book;
    },
    windows: (): Week['windows'] => {
      const seen = exchange.windows.report();
      return Object.fromEntries(
        LOOKS.map(({ path, limit }) => [path, { most: seen[path]?.maxInWindow ?? 0, limit: limit.requests }]),
      );
    },
  };
}
type Exchange = ReturnType<typeof openMarket>;
const BTC_PER_CONTRACT = '0.001';

/** The queues of the deployed stack that following uses, in virtual time, with message ids that come from the seed. */
async function openQueues(seed: number, clock: Beyond['clock']) {
  const calls: Record<string, number> = {};
  const reports: ExecutionReport[] = [];
  let [copies, serial] = [0, 0];
  const newId = (): string =>
    createHash('sha256')
      .update(`${seed} ${(serial += 1)}`)
      .digest('hex')
      .slice(0, 32);
  const sqs = sqsActions({
    ...{ region: 'r', url: () => 'http://sqs', now: () => clock.now(), deduplicationMs: 300_000 },
    ...{ inFlightLimit: 120_000, queues: new Map(), newId },
  });
  const urlOf = (name: string): string => `http://sqs/000000000000/${name}`;
  const act = async (action: string, input: Input): Promise<Output> => {
    const run = sqs[action];
    if (run === undefined) throw new Error(`no action ${action}`);
    return run(input, { accessKeyId: 'week', traceHeader: undefined, onDisconnect: () => undefined });
  };
  /** Counts, and keeps what was taken of reports. */
  const call = async (action: string, input: Input): Promise<Output> => {
    calls[action] = (calls[action] ?? 0) + 1;
    const output = await act(action, input);
    if (action !== 'SendMessageBatch') return output;
    const entries = input['Entries'] as readonly { readonly MessageBody: string }[];
    if (input['QueueUrl'] === urlOf('pending')) copies += entries.length;
    if (input['QueueUrl'] === urlOf('reports')) {
      reports.push(...entries.map(({ MessageBody }) => JSON.parse(MessageBody) as ExecutionReport));
    }
    return output;
  };
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: 'arn:aws:sqs:r:000000000000:pending-dead',
    maxReceiveCount: MOST_RECEIVES,
  });
  const kept = { VisibilityTimeout: '180', MessageRetentionPeriod: '1209600' };
  await act('CreateQueue', { QueueName: 'dead.fifo', Attributes: { FifoQueue: 'true' } });
  for (const QueueName of ['reports', 'pending-dead']) await act('CreateQueue', { QueueName, Attributes: kept });
  await act('CreateQueue', { QueueName: 'pending', Attributes: { ...kept, RedrivePolicy } });
  const of = (through: Sqs): Queues =>
    sqsQueues(
      {
        ...{ handledUrl: urlOf('pending'), pendingUrl: urlOf('pending') },
        ...{ deadUrl: urlOf('dead.fifo'), reportsUrl: urlOf('reports') },
      },
      () => undefined,
      () => Promise.resolve(through),
    );
  return {
    ...{ calls, call, reports, urlOf, of },
    copies: () => copies,
    /** As `execute` hands an accepted order over. */
    hand: async (order: PendingOrder): Promise<void> => {
      const Entries = [{ Id: '0', MessageBody: JSON.stringify(order), DelaySeconds: 1 }];
      await act('SendMessageBatch', { QueueUrl: urlOf('pending'), Entries });
    },
    receive: async (): Promise<readonly SQSRecord[]> => {
      const { Messages = [] } = (await call('ReceiveMessage', {
        ...{ QueueUrl: urlOf('pending'), MaxNumberOfMessages: 10, WaitTimeSeconds: 20, AttributeNames: ['All'] },
      })) as {
        Messages?: { MessageId: string; ReceiptHandle: string; Body: string; Attributes: SQSRecord['attributes'] }[];
      };
      return Messages.map(
        ({ MessageId, ReceiptHandle, Body, Attributes }) =>
          ({ messageId: MessageId, receiptHandle: ReceiptHandle, body: Body, attributes: Attributes }) as SQSRecord,
      );
    },
    /** What lies where nothing may be: messages that SQS gave up, and letters of orders that all came to something. */
    given: async (): Promise<Readonly<Record<string, number>>> => {
      const count = async (name: string): Promise<number> => {
        const asked = { QueueUrl: urlOf(name), AttributeNames: ['ApproximateNumberOfMessages'] };
        const { Attributes } = await act('GetQueueAttributes', asked);
        return Number((Attributes as Readonly<Record<string, string>>)['ApproximateNumberOfMessages']);
      };
      return { 'pending-dead': await count('pending-dead'), 'dead.fifo': await count('dead.fifo') };
    },
  };
}

interface Placed {
  readonly order: NewOrder;
  readonly account: string;
}

/**
 * The traders: orders placed over the first quarter of a day. Most rest away from the market until it comes to them; one in
 * ten rests inside it, and is soon sold to in part. Two of five are canceled by hand some time.
 */
function traderOf(
  plan: WeekPlan,
  market: Exchange,
  accounts: readonly string[],
  draw: () => number,
  clock: Beyond['clock'],
  hand: (order: PendingOrder) => Promise<void>,
) {
  const venue = market.venueOf(0.2);
  const soon = (): Times => ({ answerBy: clock.now() + 60_000, holdBy: Infinity });
  const placed: Placed[] = [];
  const accountOf = (name: string): TradingAccount => ({
    ...{ name, venue: 'bitmart', environment: 'live', credentials: keyOf(name), mandate: { state: 'active' } },
  });
  const submit = async (order: NewOrder, account: string): Promise<string> => {
    const verdict = await venue.submit(accountOf(account), order, soon());
    if (verdict.kind === 'placed') return verdict.venueOrderId ?? '';
    throw new Error(`${order.id} of ${order.market} was not placed: ${JSON.stringify(verdict)}`);
  };
  /** Half of it, at its price. */
  const sellTo = async ({ id }: NewOrder, price: string): Promise<void> => {
    await sleep(draw() * HOUR_MS * 0.5);
    const sale = { action: 'place', market: 'spot', symbol: 'BTC_USDT', side: 'sell', type: 'ioc' } as const;
    const numbers = { size: '0.001' as Decimal, price: price as Decimal };
    await submit({ ...sale, ...numbers, id: `s${id}`, expiresAt: clock.now() + 60_000 }, SELLER);
  };
  const live = async (index: number): Promise<void> => {
    await sleep(draw() * 6 * HOUR_MS);
    const account = accounts[index % accounts.length] ?? '';
    const isInside = draw() < 0.1;
    const mid = market.mid();
    const order = restingOrder(`week${index}`, isInside ? mid : undefined, draw, clock.now());
    const venueOrderId = await submit(order, account);
    placed.push({ order, account });
    const acceptedAt = new Date(clock.now()).toISOString();
    await hand({ intent: intentOf(order, account, clock.now()), venueOrderId, acceptedAt });
    if (isInside) await sellTo(order, mid);
    if (draw() > 0.4) return;
    await sleep(draw() * (isInside ? HOUR_MS : plan.days * DAY_MS));
    const { id, market: where, symbol } = order;
    const cancel = { action: 'cancel', id: `c${id}`, market: where, symbol, target: id } as const;
    const expiresAt = clock.now() + 60_000;
    await venue.instruct(accountOf(account), { ...cancel, expiresAt }, soon());
  };
  return { placed, live };
}

/** A limit order in one of the three markets: away from the market, or at a price inside the spot market. */
function restingOrder(id: string, inside: string | undefined, draw: () => number, now: number): NewOrder {
  const away = 0.9 + draw() * 0.095;
  const drawn = draw() < 0.5 ? 'spot' : draw() < 0.5 ? 'margin' : 'futures';
  const market = inside !== undefined && drawn === 'futures' ? 'spot' : drawn;
  const common = {
    ...({ action: 'place', symbol: 'BTC_USDT', side: 'buy', type: 'limit' } as const),
    ...{ id, expiresAt: now + 600_000 },
  };
  const numbers = { size: '0.002' as Decimal, price: (inside ?? (60_000 * away).toFixed(1)) as Decimal };
  if (market !== 'futures') return { ...common, ...numbers, market };
  return { ...common, ...numbers, market, reduceOnly: false, leverage: '5' as Decimal, marginMode: 'cross' };
}

function intentOf(order: NewOrder, account: string, now: number): PendingOrder['intent'] {
  const { expiresAt, ...rest } = order;
  const times = { createdAt: new Date(now).toISOString(), expiresAt: new Date(expiresAt).toISOString() };
  return { ...rest, account, ...times } as unknown as PendingOrder['intent'];
}

/**
 * By the book and by the keys of the reports, of which each may come more than once: an order that ended, and could be looked
 * at since, has exactly one end, which is that of the book; an open one has none; and nothing new is told after the end.
 */
function judgeWeek(
  placed: readonly Placed[],
  reports: readonly ExecutionReport[],
  book: ReadonlyMap<string, Booked>,
  now: number,
): Pick<Week, 'broken' | 'ends' | 'reports'> {
  const broken: string[] = [];
  const ends: Record<string, number> = {};
  const statuses: Record<string, number> = {};
  for (const { status } of reports) statuses[status] = (statuses[status] ?? 0) + 1;
  const told = Map.groupBy(reports, ({ account, id }) => `${account}/${id}`);
  for (const { order, account } of placed) {
    const { state, endedAt, filledSize } = book.get(order.id) ?? { state: 'lost', endedAt: 0, filledSize: '0' };
    const isOpen = state === 'new' || state === 'partially_filled';
    ends[isOpen ? 'open' : state] = (ends[isOpen ? 'open' : state] ?? 0) + 1;
    const own = told.get(`${account}/${order.id}`) ?? [];
    const keys = [...new Set(own.map(({ status, filledSize: size = '?' }) => `${status} ${size}`))];
    const finals = keys.filter((key) => !key.startsWith('partially-filled '));
    const wanted = isOpen ? [] : [`${state === 'filled' ? 'filled' : 'canceled'} ${new Big(filledSize).toFixed()}`];
    const what = `${order.id} of ${account} (${order.market})`;
    // The last ten minutes may not have been looked at yet.
    const isDue = isOpen || now - endedAt >= 11 * 60_000;
    if (finals.join() !== wanted.join() && (isDue || finals.length > 0)) {
      broken.push(`${what} is ${state} with ${filledSize} filled and is told as ${finals.join(', ') || 'nothing'}`);
    }
    if (finals.length > 0 && keys.at(-1) !== finals[0])
      broken.push(`${what} goes on after its end: ${keys.join(', ')}`);
    const costless = own.find((each) => each.status === 'filled' && each.fee === undefined);
    if (costless !== undefined) broken.push(`${what} is told without its cost: ${costless.detail ?? ''}`);
  }
  const strangers = [...told.keys()].filter(
    (key) => !placed.some(({ order, account }) => key === `${account}/${order.id}`),
  );
  if (strangers.length > 0) broken.push(`reports of orders that nobody placed: ${strangers.join(', ')}`);
  return { broken, ends, reports: statuses };
}
