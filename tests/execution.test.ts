// Execution among plain records of functions: what whole worlds meet too rarely to be sure of.
import { expect, test } from '@jest/globals';
import type { Delivery, Queues } from '../shared/aws/queues.ts';
import { execute } from '../shared/execution.ts';
import type { DeadLetter, ExecutionReport } from '../shared/order/report.ts';
import type { TradingAccount, Venue } from '../shared/order/venue.ts';
import { newMemory, type Outside } from '../shared/proof.ts';

const START = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;

interface Told {
  readonly reports: ExecutionReport[];
  readonly letters: DeadLetter[];
}

/** A world that stands still until somebody sleeps or asks. */
function still(
  venue: Partial<Venue>,
  stateAt: (now: number) => 'active' | 'halted' = () => 'active',
  queues: Partial<Queues> = {},
) {
  const told: Told = { reports: [], letters: [] };
  let now = START;
  const account = (): TradingAccount => ({ name: 'main', credentials: {}, mandate: { state: stateAt(now) } });
  const all = (items: readonly unknown[]): Promise<boolean[]> => Promise.resolve(items.map(() => true));
  const clock = {
    now: () => now,
    sleep: (ms: number) => {
      now += Math.max(0, ms);
      return Promise.resolve();
    },
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
      postpone: all,
      ...queues,
    },
    venue: {
      name: 'paper',
      promises: {
        refusesRepeatedIds: 'always',
        answersLookupsForMs: 20 * MINUTE,
        refusesTimestampsAfterMs: MINUTE,
        showsOrdersWithinMs: 5000,
        acknowledges: 'booking',
      },
      submit: () => Promise.resolve({ kind: 'placed', venueOrderId: '1' }),
      cancel: () => Promise.resolve({ kind: 'done' }),
      find: () => Promise.resolve({ kind: 'nothing' }),
      time: () => Promise.resolve(now),
      instrument: () => Promise.resolve(undefined),
      book: () => Promise.resolve(undefined),
      hold: () => Promise.resolve(),
      ...venue,
    },
  };
  return {
    outside,
    told,
    sleep: clock.sleep,
    run: (deliveries: readonly Delivery[]) => execute(deliveries, outside, now + 30_000),
  };
}

function delivery(
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
const buy = { action: 'place', side: 'buy', type: 'limit', size: '0.01', price: '50000' };

test('a halt acts in the middle of a batch: the mandate is read for each order', async () => {
  const { told, run, sleep } = still(
    { submit: () => sleep(2500).then(() => ({ kind: 'placed', venueOrderId: '1' })) },
    (now) => (now < START + 6000 ? 'active' : 'halted'),
  );
  await run(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => delivery(id, buy)));
  expect(told.reports.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'a accepted',
    'b accepted',
    'c accepted',
    'd denied',
    'e denied',
    'f denied',
  ]);
  expect(new Set(told.letters.map(({ reason }) => reason))).toEqual(new Set(['TRADING_HALTED']));
});

test('a cancel that an earlier delivery may have sent is never buried as unsent', async () => {
  const open = {
    venueOrderId: '7',
    symbol: 'BTC_USDT',
    side: 'buy',
    type: 'limit',
    state: 'open',
    filledSize: '0',
  } as const;
  const { told, run, sleep } = still({ find: () => Promise.resolve({ kind: 'found', order: open }) });
  await sleep(2 * MINUTE);
  await run([delivery('c', { action: 'cancel', target: 'a' }, 2, MINUTE)]);
  expect(told.letters).toMatchObject([{ reason: 'INTENT_EXPIRED', certainty: 'unknown' }]);
});

test('an invocation that starts late sends nothing before the message has its whole visibility anew', async () => {
  for (const isTaken of [true, false]) {
    const asked: unknown[] = [];
    const { told, run, sleep } = still({}, undefined, {
      postpone: (items) => Promise.resolve(items.map((item) => (asked.push(item), isTaken))),
    });
    await sleep(60_000);
    await run([delivery('early', buy)]);
    expect(asked).toEqual([]);
    await sleep(30_000);
    const left = await run([delivery('late', buy)]);
    expect(asked).toEqual([{ receiptHandle: 'r-late', seconds: 180 }]);
    expect(left).toEqual(isTaken ? [] : ['m-late']);
    expect(told.reports.map(({ id }) => id)).toEqual(isTaken ? ['early', 'late'] : ['early']);
  }
});

test('what SQS does not secure is left alone, and so is all behind it; nobody is asked about it', async () => {
  const finds: string[] = [];
  const { run, told } = still(
    { find: (_, { id }) => (finds.push(id), Promise.resolve({ kind: 'nothing' })) },
    undefined,
    { postpone: (items) => Promise.resolve(items.map(({ receiptHandle }) => receiptHandle === 'r-a')) },
  );
  expect(await run([delivery('a', buy, 2), delivery('b', buy, 2), delivery('c', buy)])).toEqual(['m-b', 'm-c']);
  expect(told.reports.map(({ id }) => id)).toEqual(['a']);
  expect(new Set(finds)).toEqual(new Set(['a']));
});

test('an end that could not be told is not told after another environment has had the message', async () => {
  let isTaken = false;
  const { run, told } = still({}, (now) => (now < START + MINUTE ? 'halted' : 'active'), {
    bury: (letters) => Promise.resolve(letters.map((letter) => (told.letters.push(letter), isTaken))),
  });
  await run([delivery('a', buy)]);
  expect(told.letters.map(({ reason }) => reason)).toEqual(['TRADING_HALTED']);
  isTaken = true;
  await run([{ ...delivery('b', buy), messageId: 'm-b' }]);
  await run([delivery('a', buy, 2)]);
  expect(told.letters.filter(({ intentId }) => intentId === 'a')).toHaveLength(2);
  isTaken = false;
  const other = still({}, () => 'halted', { bury: (letters) => Promise.resolve(letters.map(() => false)) });
  await other.run([delivery('d', buy)]);
  await other.run([delivery('d', buy, 3)]);
  expect(other.outside.memory.ended.get('m-d')?.message.receiveCount).toBe(3);
});

test.each([
  ['banned', { kind: 'banned', venueCode: 'HTTP_418', detail: 'banned', forMs: 300_000 }],
  ['throttled', { kind: 'throttled', venueCode: 'HTTP_429', detail: 'too many' }],
] as const)('after a look that is %s nothing more is asked or sent', async (_, refusal) => {
  const finds: string[] = [];
  let submits = 0;
  const { run, sleep } = still({
    find: (_account, { id }) => {
      finds.push(id);
      return Promise.resolve(id === 'b' ? refusal : { kind: 'nothing' });
    },
    submit: () => Promise.resolve({ kind: 'placed', venueOrderId: String((submits += 1)) }),
  });
  await sleep(3 * MINUTE);
  const left = await run([delivery('first', buy), delivery('a', buy, 2), delivery('b', buy, 2), delivery('c', buy, 2)]);
  expect(finds).toEqual(['a', 'b']);
  expect(submits).toBe(0);
  expect(left).toEqual(['m-first', 'm-a', 'm-b', 'm-c']);
});
