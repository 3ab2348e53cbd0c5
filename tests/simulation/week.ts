// A virtual week of orders that rest: the production following over the SQS engine of the local AWS and the local BitMart.
// Orders of many accounts in spot, margin and futures rest, fill, and are canceled by hand or by the system; environments
// come and go. At the end the exchange's own book says which ends there were, and the reports must be exactly those.
import { serve } from '../../local/bitmart/reply.ts';
import { seeded } from '../../local/bitmart/faults.ts';
import { futuresMarket } from '../../local/bitmart/futures.ts';
import { register } from '../../local/bitmart/keys.ts';
import { spotMarket } from '../../local/bitmart/spot.ts';
import { createVenue } from '../../local/bitmart/venue.ts';
import { sqsActions } from '../../local/aws/sqs.ts';
import type { Input, Output } from '../../local/aws/wire.ts';
import { secretAccounts } from '../../shared/aws/accounts.ts';
import { deliveries, sqsQueues } from '../../shared/aws/queues.ts';
import { endpoints } from '../../shared/bitmart/endpoints.ts';
import { pacer } from '../../shared/bitmart/pace.ts';
import { bitmart, bitmartSettings, readCredentials } from '../../shared/bitmart/venue.ts';
import { readSettings } from '../../shared/config.ts';
import { follow, type Beyond } from '../../shared/following.ts';
import type { Transport } from '../../shared/http.ts';
import type { Decimal } from '../../shared/order/intent.ts';
import type { ExecutionReport, PendingOrder } from '../../shared/order/report.ts';
import type { NewOrder, TradingAccount, Venue } from '../../shared/order/venue.ts';
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
  readonly ends: Readonly<Record<string, number>>;
  readonly looks: number;
  /** SQS calls by action; billed are all of them. */
  readonly calls: Readonly<Record<string, number>>;
  readonly copies: number;
  /** The most receives that one message came to. */
  readonly mostReceives: number;
  /** By path: the most requests of one account in any window, and the limit. */
  readonly windows: Readonly<Record<string, { readonly most: number; readonly limit: number }>>;
}

const START = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;
const CONCURRENCY = 2;
const LOOKS = [endpoints.query, endpoints.futuresOrder, endpoints.orderTrades, endpoints.futuresTrades];
const keyOf = (account: string) => ({ apiKey: `key-${account}`, secretKey: `secret-${account}`, memo: 'memo #é' });

/** Runs one week. @param progress told every virtual hour with the part that is over, 0 to 1 */
export async function runWeek(plan: WeekPlan, progress: (part: number) => void = () => undefined): Promise<Week> {
  const time = virtualTime(START);
  try {
    const draw = seeded(plan.seed);
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    const exchange = createVenue(1, () => time.now());
    const markets = { 'http://spot': [spotMarket(exchange)], 'http://futures': [futuresMarket(exchange)] };
    const accounts = Array.from({ length: plan.accounts }, (_, index) => `week${index + 1}`);
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
    const clock = {
      now: () => time.now(),
      sleep: (ms: number) => (ms <= 0 ? Promise.resolve() : sleep(Math.ceil(ms))),
    };
    const settings = readSettings(
      { BITMART_SPOT_URL: 'http://spot', BITMART_FUTURES_URL: 'http://futures' },
      bitmartSettings,
    );
    const venueOf = (lookupShare: number): Venue =>
      bitmart({ settings, clock, transport, lookupShare, random: draw, pacer: pacer(settings.utilisation, clock) });

    const calls: Record<string, number> = {};
    const reports: ExecutionReport[] = [];
    let copies = 0;
    const sqs = sqsActions({
      ...{ region: 'r', url: () => 'http://sqs', now: () => time.now(), deduplicationMs: 300_000 },
      ...{ inFlightLimit: 120_000, queues: new Map() },
    });
    const call = async (action: string, input: Input): Promise<Output> => {
      calls[action] = (calls[action] ?? 0) + 1;
      const act = sqs[action];
      if (act === undefined) throw new Error(`no action ${action}`);
      return act(input, { accessKeyId: 'week', traceHeader: undefined, onDisconnect: () => undefined });
    };
    const urlOf = (name: string): string => `http://sqs/000000000000/${name}`;
    await call('CreateQueue', {
      QueueName: 'pending',
      Attributes: { VisibilityTimeout: '180', MessageRetentionPeriod: '1209600' },
    });
    await call('CreateQueue', { QueueName: 'reports' });
    const queues = sqsQueues(
      {
        handledUrl: urlOf('pending'),
        deadUrl: urlOf('dead.fifo'),
        pendingUrl: urlOf('pending'),
        reportsUrl: urlOf('reports'),
      },
      () => undefined,
      () =>
        Promise.resolve({
          send: async (input) => {
            const entries = (input.Entries ?? []) as readonly { readonly MessageBody: string }[];
            if (input.QueueUrl === urlOf('pending')) copies += entries.length;
            else reports.push(...entries.map(({ MessageBody }) => JSON.parse(MessageBody) as ExecutionReport));
            return {
              Successful: ((await call('SendMessageBatch', input as unknown as Input))['Successful'] ?? []) as {
                Id: string;
              }[],
            };
          },
          changeVisibility: async (input) => {
            await call('ChangeMessageVisibilityBatch', input as unknown as Input);
            return {};
          },
        }),
    );
    const accountOf = (name: string): TradingAccount => ({
      name,
      credentials: keyOf(name),
      mandate: { state: 'active' },
    });
    const secrets = (secret: string) =>
      Promise.resolve({
        SecretString: JSON.stringify({ ...keyOf(secret.slice(2)), mandate: { state: 'active' } }),
        VersionId: '1',
      });
    const environment = (): Beyond => ({
      ...{ clock, queues, parked: new Map(), parkMs: 60_000, isEgressFixed: false, log: () => undefined },
      venue: venueOf(0.3 / CONCURRENCY),
      accounts: secretAccounts({ prefix: 's/', lifetimeMs: 30_000, now: () => time.now(), readCredentials }, secrets),
    });

    let mostReceives = 0;
    const poll = async (): Promise<void> => {
      let beyond = environment();
      for (;;) {
        const { Messages = [] } = (await call('ReceiveMessage', {
          ...{ QueueUrl: urlOf('pending'), MaxNumberOfMessages: 10, WaitTimeSeconds: 20, AttributeNames: ['All'] },
        })) as {
          Messages?: { MessageId: string; ReceiptHandle: string; Body: string; Attributes: SQSRecord['attributes'] }[];
        };
        if (Messages.length === 0) continue;
        // An environment lives some hours.
        if (draw() < 0.002) beyond = environment();
        const records = Messages.map(
          ({ MessageId, ReceiptHandle, Body, Attributes }) =>
            ({ messageId: MessageId, receiptHandle: ReceiptHandle, body: Body, attributes: Attributes }) as SQSRecord,
        );
        for (const { attributes } of records)
          mostReceives = Math.max(mostReceives, Number(attributes.ApproximateReceiveCount));
        const left = await follow(deliveries(records), beyond, time.now() + 30_000);
        const Entries = records
          .filter(({ messageId }) => !left.includes(messageId))
          .map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
        if (Entries.length > 0) await call('DeleteMessageBatch', { QueueUrl: urlOf('pending'), Entries });
      }
    };

    // The traders: orders placed over the first hours, and canceled by hand now and then.
    const trader = venueOf(0.2);
    const placed: { readonly order: NewOrder; readonly account: string }[] = [];
    const place = async (index: number): Promise<void> => {
      await sleep(draw() * 6 * 3_600_000);
      const account = accounts[index % accounts.length] ?? '';
      const order = restingOrder(`week${index}`, draw, time.now());
      const verdict = await trader.submit(accountOf(account), order, time.now() + 60_000);
      if (verdict.kind !== 'placed')
        throw new Error(`${order.id} ${order.market} was not placed: ${JSON.stringify(verdict)}`);
      placed.push({ order, account });
      const pending: PendingOrder = {
        intent: intentOf(order, account, time.now()),
        venueOrderId: verdict.venueOrderId,
        acceptedAt: new Date(time.now()).toISOString(),
      };
      await queues.follow([{ order: pending, delaySeconds: 1 }]);
      copies -= 1;
      if (draw() > 0.4) return;
      await sleep(draw() * plan.days * DAY_MS);
      const { id, market, symbol } = order;
      const cancel = {
        action: 'cancel',
        id: `c${id}`,
        market,
        symbol,
        target: id,
        expiresAt: time.now() + 60_000,
      } as const;
      await trader.instruct(accountOf(account), cancel, time.now() + 60_000);
    };
    for (let index = 0; index < plan.orders; index += 1) void place(index);
    const walk = async (): Promise<void> => {
      for (let hour = 0; hour < plan.days * 24; hour += 1) {
        await sleep(3_600_000);
        progress(hour / (plan.days * 24));
        for (const instrument of exchange.exchange.instruments) {
          const mid = exchange.exchange.mid(instrument);
          exchange.exchange.moveMarket(
            instrument,
            mid.times(String(1 + (draw() - 0.5) * 0.01)).round(1),
            exchange.now(),
          );
        }
      }
    };
    void walk();
    for (let poller = 0; poller < CONCURRENCY; poller += 1) void poll();
    await time.run(START + plan.days * DAY_MS);

    const windows = exchange.windows.report();
    return {
      ...judgeWeek(placed, reports, exchange, time.now()),
      ...{ looks, calls, copies, mostReceives },
      windows: Object.fromEntries(
        LOOKS.map(({ path, limit }) => [path, { most: windows[path]?.maxInWindow ?? 0, limit: limit.requests }]),
      ),
    };
  } finally {
    time.restore();
  }
}

/** A limit order away from the market, in one of the three markets. */
function restingOrder(id: string, draw: () => number, now: number): NewOrder {
  const away = 0.9 + draw() * 0.095;
  const market = draw() < 0.5 ? 'spot' : draw() < 0.5 ? 'margin' : 'futures';
  const common = {
    action: 'place',
    id,
    symbol: 'BTC_USDT',
    side: 'buy',
    type: 'limit',
    expiresAt: now + 600_000,
  } as const;
  const numbers = { size: '0.002' as Decimal, price: (60_000 * away).toFixed(1) as Decimal };
  if (market !== 'futures') return { ...common, ...numbers, market };
  return { ...common, ...numbers, market, reduceOnly: false, leverage: '5' as Decimal, marginMode: 'cross' };
}

function intentOf(order: NewOrder, account: string, now: number): PendingOrder['intent'] {
  const { expiresAt, ...rest } = order;
  const times = { createdAt: new Date(now).toISOString(), expiresAt: new Date(expiresAt).toISOString() };
  return { ...rest, account, ...times } as unknown as PendingOrder['intent'];
}

/** By the book: an order that ended, and could be looked at since, has exactly one report of that end; an open one has none. */
function judgeWeek(
  placed: readonly { readonly order: NewOrder; readonly account: string }[],
  reports: readonly ExecutionReport[],
  exchange: ReturnType<typeof createVenue>,
  now: number,
): Pick<Week, 'broken' | 'ends'> {
  const broken: string[] = [];
  const ends: Record<string, number> = {};
  const book = new Map<string, { readonly state: string; readonly endedAt: number }>();
  for (const order of exchange.exchange.orders())
    book.set(order.clientOrderId, { state: order.state, endedAt: order.finishedAtMs });
  for (const order of exchange.futures.orders())
    book.set(order.clientOrderId, { state: order.state, endedAt: order.finishedAtMs });
  for (const { order, account } of placed) {
    const { state, endedAt } = book.get(order.id) ?? { state: 'lost', endedAt: 0 };
    const told = reports.filter(
      (report) => report.id === order.id && report.account === account && report.status !== 'partially-filled',
    );
    const statuses = told.map(({ status }) => status).join(', ');
    const isOpen = state === 'new' || state === 'partially_filled';
    const wanted = isOpen ? '' : state === 'filled' ? 'filled' : 'canceled';
    ends[wanted === '' ? 'open' : wanted] = (ends[wanted === '' ? 'open' : wanted] ?? 0) + 1;
    // The last ten minutes may not have been looked at yet.
    if (statuses === wanted || (statuses === '' && now - endedAt < 11 * 60_000)) continue;
    broken.push(
      `${order.id} of ${account} (${order.market}) is ${state} and is reported as ${statuses === '' ? 'nothing' : statuses}`,
    );
  }
  return { broken, ends };
}
