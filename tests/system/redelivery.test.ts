// Crashes, lost effects, repeated and replayed intents: no second order, no lost report, no order out of its turn.
// Time is scaled to a twentieth: visibility 9 s, horizon 3.25 s.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { intent, startSystem, type System } from './fixture.ts';

interface Order {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly createTime: number;
}
const SUBMIT = '/spot/v2/submit_order';
const LOOK_UP = '/spot/v4/query/client-order';

let system: System;
beforeAll(async () => {
  system = await startSystem({ timeScale: 0.05, variables: { UNRESOLVED_AFTER_SECONDS: '5' } });
  // One intent ahead of all tests: the environment is warm and the table of symbols is loaded.
  const first = intent();
  await system.send([first]);
  await system.until('the first report', () => system.reportsOf(first.id).length > 0);
});
afterAll(() => system.close());
beforeEach(() => system.control('DELETE', '/state'));
afterEach(() => awsFaults([]));

const awsFaults = async (faults: readonly object[]): Promise<void> => {
  await fetch(`${system.ready.aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults }) });
};
const fault = (faults: readonly object[]) => system.control('PUT', '/faults', { faults });
const orders = () => system.control<readonly Order[]>('GET', '/orders');
const ordersOf = async (id: string) => (await orders()).filter(({ clientOrderId }) => clientOrderId === id);
const countOf = async (path: string): Promise<number> =>
  (await system.control<Record<string, { count: number } | undefined>>('GET', '/requests'))[path]?.count ?? 0;
const settled = (id: string, ms?: number) => system.until(`an end of ${id}`, () => system.reportsOf(id).length > 0, ms);
const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
const statuses = (id: string) => system.reportsOf(id).map(({ status }) => status);

test('an environment killed after the send: the redelivered intent places no second order and is reported', async () => {
  await fault([{ path: SUBMIT, fault: 'hang-after', times: 1 }]);
  const wanted = intent();
  await system.send([wanted]);
  await system.until('the order', async () => (await ordersOf(wanted.id)).length === 1);
  expect(system.runner.kill('execute', 'busy')).toBe(true);
  await settled(wanted.id);
  expect(statuses(wanted.id)).toEqual(['accepted']);
  expect(await ordersOf(wanted.id)).toHaveLength(1);
  expect(await countOf(SUBMIT)).toBe(1);
});

test('a report that SQS refuses brings the intent back, and it is reported without a second order', async () => {
  // A failed entry is sent once more at once: two refusals make it fail.
  await awsFaults([
    { service: 'sqs', action: 'SendMessageBatch', resource: 'trading-bot-dev-reports', fault: 'partial', times: 2 },
  ]);
  const wanted = intent();
  await system.send([wanted]);
  await settled(wanted.id);
  expect(statuses(wanted.id)).toEqual(['accepted']);
  expect(await countOf(SUBMIT)).toBe(1);
});

test('a dead letter that SQS refuses is not acknowledged: the message comes back and is buried', async () => {
  await awsFaults([
    { service: 'sqs', action: 'SendMessageBatch', resource: 'trading-bot-dev-dead.fifo', fault: 'partial', times: 2 },
  ]);
  const [wanted] = [intent({ size: '0.00001' })];
  await system.send([wanted]);
  await system.until('a letter', () => system.letterOf(wanted.id) !== undefined);
  expect(system.letterOf(wanted.id)?.attributes).toMatchObject({ reason: 'NOTIONAL_BELOW_MINIMUM', attempts: '2' });
});

test('an unknown outcome holds its group: the order behind it is sent after it is proven', async () => {
  await fault([{ path: SUBMIT, fault: 'status', code: 500, times: 1 }]);
  const [head, behind] = [intent(), intent()];
  await system.send([head, behind]);
  await settled(behind.id);
  expect([statuses(head.id), statuses(behind.id)]).toEqual([['accepted'], ['accepted']]);
  const [first, second] = [await ordersOf(head.id), await ordersOf(behind.id)];
  expect(first[0]?.createTime).toBeLessThanOrEqual(second[0]?.createTime ?? 0);
  expect(await countOf(SUBMIT)).toBe(3);
});

test('an intent that comes long after its creation is looked up first: its order is not made twice', async () => {
  await system.control('PUT', '/promises', { refusesRepeatedIds: 'never' });
  const wanted = intent({ createdAt: minutesAgo(6) });
  await system.send([wanted]);
  await settled(wanted.id);
  expect(await countOf(LOOK_UP)).toBeGreaterThan(0);
  expect(await ordersOf(wanted.id)).toHaveLength(1);
  // The same body once more, when SQS has forgotten the deduplication id (5 minutes, scaled to 15 s).
  await new Promise((resolve) => setTimeout(resolve, 15_500));
  await system.send([wanted]);
  await system.until('a second report', () => system.reportsOf(wanted.id).length > 1);
  expect(statuses(wanted.id)).toEqual(['accepted', 'accepted']);
  expect(await ordersOf(wanted.id)).toHaveLength(1);
}, 45_000);

test('an id that belongs to another order is rejected as ID_REUSED', async () => {
  const wanted = intent({ account: 'main', expiresAt: new Date(Date.now() + 60_000).toISOString() });
  await system.send([wanted]);
  await settled(wanted.id);
  await new Promise((resolve) => setTimeout(resolve, 15_500));
  await system.send([{ ...wanted, size: '0.002' }]);
  await system.until('a letter', () => system.letterOf(wanted.id) !== undefined);
  expect(system.letterOf(wanted.id)?.attributes).toMatchObject({ reason: 'ID_REUSED', certainty: 'refused' });
  expect(await ordersOf(wanted.id)).toHaveLength(1);
}, 45_000);

test('a replay of an intent whose order exists is stopped', async () => {
  const original = intent();
  await system.send([original]);
  await settled(original.id);
  const replay = intent({ replayOf: original.id });
  await system.send([replay]);
  await settled(replay.id);
  expect(system.reportsOf(replay.id)).toMatchObject([{ status: 'denied', reason: 'REPLAYED_ORDER_EXISTS' }]);
  expect(await orders()).toHaveLength(1);
});

test('a replay in one batch with its original is not sent on a look-up from before', async () => {
  // The first intent waits out a 429 with the others behind it, so that all come back in one batch and are looked up.
  await fault([{ path: SUBMIT, fault: 'status', code: 429, times: 1 }]);
  const [head, original] = [intent(), intent()];
  const replay = intent({ replayOf: original.id });
  await system.send([head, original, replay]);
  await settled(replay.id);
  expect([statuses(head.id), statuses(original.id)]).toEqual([['accepted'], ['accepted']]);
  expect(system.reportsOf(replay.id)).toMatchObject([{ status: 'denied', reason: 'REPLAYED_ORDER_EXISTS' }]);
  expect(await orders()).toHaveLength(2);
});

test('one id in two accounts makes two orders', async () => {
  await system.addAccount('other');
  const id = intent().id;
  await system.send([intent({ id })]);
  await settled(id);
  await system.send([intent({ id, account: 'other' })]);
  await system.until('two reports', () => system.reportsOf(id).length === 2);
  expect(system.reportsOf(id).map(({ account, status }) => [account, status])).toEqual([
    ['main', 'accepted'],
    ['other', 'accepted'],
  ]);
});

test('a cancel whose answer is lost ends as done when the order is seen canceled', async () => {
  const resting = intent();
  await system.send([resting]);
  await settled(resting.id);
  await fault([{ path: '/spot/v3/cancel_order', fault: 'drop-after', times: 1 }]);
  const cancel = intent({
    action: 'cancel',
    target: resting.id,
    side: undefined,
    type: undefined,
    size: undefined,
    price: undefined,
  });
  await system.send([cancel]);
  await settled(cancel.id);
  expect(system.reportsOf(cancel.id)).toMatchObject([{ status: 'done', detail: 'the order was already canceled' }]);
});

test('a cancel that was sent and expires while its order still rests is not told as unsent', async () => {
  const resting = intent();
  await system.send([resting]);
  await settled(resting.id);
  await fault([{ path: '/spot/v3/cancel_order', fault: 'status', code: 500 }]);
  const expiresAt = new Date(Date.now() + 1500).toISOString();
  const cancel = intent({
    action: 'cancel',
    target: resting.id,
    side: undefined,
    type: undefined,
    size: undefined,
    price: undefined,
    expiresAt,
  });
  await system.send([cancel]);
  await system.until('a letter', () => system.letterOf(cancel.id) !== undefined);
  expect(system.letterOf(cancel.id)?.attributes).toMatchObject({ reason: 'INTENT_EXPIRED', certainty: 'unknown' });
  expect(await countOf('/spot/v3/cancel_order')).toBe(1);
});

test('a 429 ends the batch of its group; the intents come back in their order and all are placed', async () => {
  await fault([{ path: SUBMIT, fault: 'status', code: 429, times: 1 }]);
  const intents = [intent(), intent(), intent()];
  await system.send(intents);
  for (const { id } of intents) await settled(id);
  const placed = [...(await orders())].sort((a, b) => a.orderId.localeCompare(b.orderId));
  expect(placed.map(({ clientOrderId }) => clientOrderId)).toEqual(intents.map(({ id }) => id));
});

test('a ban parks the account: nothing is asked until it is over', async () => {
  await fault([{ path: SUBMIT, fault: 'status', code: 418, times: 1 }]);
  const [first, second] = [intent(), intent()];
  await system.send([first]);
  await system.until('the ban', async () => (await countOf(SUBMIT)) === 1);
  await system.send([second]);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect(await countOf(SUBMIT)).toBe(1);
  await settled(second.id);
  expect([statuses(first.id), statuses(second.id)]).toEqual([['accepted'], ['accepted']]);
});

test('without proof for too long an intent is reported as unresolved, and the group goes on', async () => {
  await fault([
    { path: SUBMIT, fault: 'drop-after', times: 1 },
    { path: LOOK_UP, fault: 'status', code: 500 },
  ]);
  const [head, behind] = [intent(), intent()];
  await system.send([head, behind]);
  await settled(head.id, 40_000);
  expect(system.reportsOf(head.id)).toMatchObject([{ status: 'unresolved', reason: 'UNRESOLVED' }]);
  await system.until('a letter', () => system.letterOf(head.id) !== undefined);
  expect(system.letterOf(head.id)?.attributes).toMatchObject({ reason: 'UNRESOLVED', certainty: 'unknown' });
  await system.control('DELETE', '/faults');
  await settled(behind.id, 40_000);
  expect(await ordersOf(head.id)).toHaveLength(1);
}, 90_000);
