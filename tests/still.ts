// A world for the execution that stands still until somebody sleeps or asks: plain records of functions. Holds no test.
import type { Delivery, Queues } from '../shared/aws/queues.ts';
import { execute } from '../shared/execution.ts';
import type { Instrument } from '../shared/order/instrument.ts';
import type { DeadLetter, ExecutionReport, Verdict } from '../shared/order/report.ts';
import type { Admitted, Sighting, TradingAccount, Venue, VenueOrder } from '../shared/order/venue.ts';
import { newMemory, type Outside } from '../shared/proof.ts';

export const START = Date.UTC(2026, 10, 22, 12);
export const MINUTE = 60_000;
/** After a lost answer nothing goes on for so long: a window of 60 s, 5 s until an order shows, a fifth, and one to be sure. */
export const HORIZON_SECONDS = 79;
export const HERE = { venue: 'paper', environment: 'live' } as const;
export const TOGETHER: Venue['together'] = {
  spot: { most: 10, isOneSymbol: true },
  margin: { most: 1, isOneSymbol: true },
  futures: { most: 1, isOneSymbol: true },
};
export const NOTHING: Sighting = { kind: 'nothing' };
export const LOST = {
  ...{ kind: 'unknown', venueCode: '', detail: 'the answer was lost', signedAt: START },
} as const satisfies Verdict;
export const open: VenueOrder = {
  venueOrderId: '7',
  symbol: 'BTC_USDT',
  side: 'buy',
  type: 'limit',
  price: '50000',
  size: '0.01',
  state: 'open',
  filledSize: '0',
};
export const found = (more: Partial<VenueOrder> = {}): Sighting => ({ kind: 'found', order: { ...open, ...more } });
export const rules = {
  ...{ symbol: 'BTC_USDT', priceStep: '0.1', sizeStep: '0.001', minSize: '0.001' },
  ...{ minNotional: { buy: '0', sell: '0' }, tradable: true },
} as unknown as Instrument;
/** One answer after the other; the last one stays. */
export const answers = <T>(...all: readonly T[]): (() => Promise<T>) => {
  let next = 0;
  return () => Promise.resolve(all[Math.min(next++, all.length - 1)] as T);
};

export interface Told {
  readonly reports: ExecutionReport[];
  readonly letters: DeadLetter[];
  /** What reached the venue, in order: sends and look-ups. */
  readonly calls: string[];
  readonly sent: Admitted[];
  /** For how long each message was put back, by its receipt handle. */
  readonly back: Map<string, number>;
}

/** A world that stands still until somebody sleeps or asks. */
export function still(
  venue: Partial<Venue>,
  stateAt: (now: number) => 'active' | 'halted' = () => 'active',
  queues: Partial<Queues> = {},
) {
  const {
    submit = (): Promise<Verdict> => Promise.resolve({ kind: 'placed', venueOrderId: '1' }),
    instruct = (): Promise<Verdict> => Promise.resolve({ kind: 'done' }),
    find = (): Promise<Sighting> => Promise.resolve(NOTHING),
    ...others
  } = venue;
  const told: Told = { reports: [], letters: [], calls: [], sent: [], back: new Map() };
  let now = START;
  const account = (): TradingAccount => ({ name: 'main', ...HERE, credentials: {}, mandate: { state: stateAt(now) } });
  const all = (items: readonly unknown[]): Promise<boolean[]> => Promise.resolve(items.map(() => true));
  const clock = {
    now: () => now,
    sleep: (ms: number) => {
      now += Math.max(0, ms);
      return Promise.resolve();
    },
  };
  const its: Venue = {
    name: 'paper',
    promises: {
      refusesRepeatedIds: 'always',
      answersLookupsForMs: 20 * MINUTE,
      refusesTimestampsAfterMs: MINUTE,
      showsOrdersWithinMs: 5000,
      acknowledges: 'booking',
      keepsPrice: { spot: true, margin: true, futures: true },
    },
    submit: (account, order, times) => {
      told.sent.push(order);
      told.calls.push(`place ${order.id}`);
      return submit(account, order, times);
    },
    instruct: (account, instruction, times) => {
      told.sent.push(instruction);
      told.calls.push(`${instruction.action} ${instruction.id}`);
      return instruct(account, instruction, times);
    },
    find: (account, query, deadline) => {
      told.calls.push(`find ${query.id}`);
      return find(account, query, deadline);
    },
    together: TOGETHER,
    submitAll: () => Promise.reject(new Error('not together')),
    fee: () => Promise.reject(new Error('nobody follows here')),
    time: () => Promise.resolve(now),
    instrument: () => Promise.resolve(undefined),
    book: () => Promise.resolve(undefined),
    hold: () => Promise.resolve(),
    ...others,
  };
  const outside: Outside = {
    clock,
    log: () => undefined,
    memory: newMemory(),
    timing: { parkMs: MINUTE, unresolvedAfterMs: 15 * MINUTE, visibilityMs: 3 * MINUTE },
    isEgressFixed: false,
    accounts: {
      read: () => Promise.resolve({ kind: 'account', account: account(), version: '1' }),
      refresh: () => Promise.resolve(undefined),
    },
    queues: {
      bury: (letters) => all((told.letters.push(...letters), letters)),
      publish: (reports) => all((told.reports.push(...reports), reports)),
      follow: all,
      postpone: (postponed) => {
        for (const { receiptHandle, seconds } of postponed) told.back.set(receiptHandle, seconds);
        return all(postponed);
      },
      ...queues,
    },
    venueOf: () => its,
    venues: [its],
  };
  return {
    outside,
    told,
    sleep: clock.sleep,
    now: clock.now,
    run: (deliveries: readonly Delivery[]) => {
      told.back.clear();
      return execute(deliveries, outside, now + 30_000);
    },
  };
}

export function delivery(
  id: string,
  fields: Readonly<Record<string, unknown>>,
  receiveCount = 1,
  lifeMs = 10 * MINUTE,
): Delivery {
  const common = { id, account: 'main', market: 'spot', symbol: 'BTC_USDT' };
  const times = { createdAt: new Date(START).toISOString(), expiresAt: new Date(START + lifeMs).toISOString() };
  return {
    messageId: `m-${id}`,
    receiptHandle: `r-${id}`,
    body: JSON.stringify({ ...common, ...times, ...fields }),
    group: 'main',
    deduplicationId: id,
    receiveCount,
    enqueuedAt: START,
    firstReceivedAt: START,
  };
}
export const buy = { action: 'place', side: 'buy', type: 'limit', size: '0.01', price: '50000' };
