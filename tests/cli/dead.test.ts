// Dead letters by `desk`: listed, shown, replayed once however often, and dropped one by one.
import { GetQueueAttributesCommand, GetQueueUrlCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { replayId } from '../../shared/order/replay.ts';
import { intent } from '../system/fixture.ts';
import { startDesk, type DeskSystem, type Given, type Said } from './fixture.ts';

let system: DeskSystem;
beforeAll(async () => {
  system = await startDesk({ keeps: true, accounts: 2 });
});
afterAll(() => system.close());
beforeEach(() => fetch(`${system.ready.aws}/_faults`, { method: 'DELETE' }));

const desk = (args: readonly string[], given?: Given): Promise<Said> => system.desk(args, given);
const json = ({ out }: Said): unknown => JSON.parse(out);
interface Letter {
  readonly id?: string;
  readonly account: string;
  readonly reason: string;
  readonly certainty: string;
  readonly messageId: string;
  readonly sourceMessageId: string;
  readonly meaning?: string;
}
interface Listed {
  readonly letters: readonly Letter[];
  readonly isComplete: boolean;
  readonly total: number;
  readonly pendingDead: number;
}
const list = async (...args: readonly string[]): Promise<Listed> =>
  json(await desk(['dead', 'list', '--json', ...args])) as Listed;
const count = async (QueueUrl: string): Promise<number> => {
  const names = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
  const { Attributes = {} } = await system.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: names }));
  return names.reduce((sum, name) => sum + Number(Attributes[name]), 0);
};
const lying = (): Promise<number> => count(system.ready.queues.dead);
const orders = async (id: string): Promise<number> => {
  const all = await system.control<readonly { readonly clientOrderId: string }[]>('GET', '/orders');
  return all.filter(({ clientOrderId }) => clientOrderId === id).length;
};
/** Sends what comes to no trade, and waits until its letters lie there. */
const buried = async (...messages: Parameters<DeskSystem['send']>[0]): Promise<readonly string[]> => {
  const before = await lying();
  const ids = await system.send(messages);
  await system.until('letters', async () => (await lying()) === before + messages.length);
  return ids;
};
/** Its life was over so long ago that it can be replayed now. */
const late = (more: Readonly<Record<string, unknown>> = {}) =>
  intent({
    createdAt: new Date(Date.now() - 280_000).toISOString(),
    expiresAt: new Date(Date.now() - 200_000).toISOString(),
    ...more,
  });
/** A letter as SQS itself or another writer would have put it there. */
const put = (body: string, group: string, id: string, attributes: Readonly<Record<string, string>> = {}) => {
  const named = Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]);
  return system.sqs.send(
    new SendMessageCommand({
      ...{ QueueUrl: system.ready.queues.dead, MessageBody: body, MessageGroupId: group, MessageDeduplicationId: id },
      MessageAttributes: Object.fromEntries(named) as Record<string, { DataType: string; StringValue: string }>,
    }),
  );
};
const fault = (fault: object) =>
  fetch(`${system.ready.aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults: [fault] }) });

test('where there is no letter at all, that is what is said', async () => {
  expect((await desk(['dead', 'list'])).out).toContain('There are no dead letters.');
  expect((await desk(['dead', 'list', '--account', 'main'])).out).toContain('There are no such letters.');
});

test('letters are listed by account and reason, one of SQS itself as what it is, and stay where they are', async () => {
  const [small, other] = [intent({ size: '0.0000001' }), intent({ account: 'main2', symbol: 'NOPE_USDT' })];
  await buried(small, other);
  await put(JSON.stringify(intent({ id: 'worn1' })), 'main', 'worn1');
  const all = await list();
  expect(all).toMatchObject({ isComplete: true, total: 3, pendingDead: 0 });
  expect(all.letters.map(({ id, account, reason, certainty }) => [id, account, reason, certainty])).toEqual(
    expect.arrayContaining([
      [small.id, 'main', 'SIZE_BELOW_MINIMUM', 'not-sent'],
      [other.id, 'main2', 'SYMBOL_UNKNOWN', 'not-sent'],
      ['worn1', 'main', 'RECEIVED_TOO_OFTEN', 'unknown'],
    ]),
  );
  expect((await list('--account', 'main2')).letters.map(({ id }) => id)).toEqual([other.id]);
  expect((await list('--reason', 'received_too_often')).letters.map(({ id }) => id)).toEqual(['worn1']);
  const words = await desk(['dead', 'list']);
  expect(words.code).toBe(0);
  for (const said of ['age', small.id, 'SIZE_BELOW_MINIMUM', 'SYMBOL_UNKNOWN', 'RECEIVED_TOO_OFTEN'])
    expect(words.out).toContain(said);
  expect(await lying()).toBe(3);
});

test('more letters of one account than SQS shows: it says how many there are', async () => {
  const total = (await lying()) + 12;
  await buried(...Array.from({ length: 12 }, () => intent({ account: 'main2', symbol: 'NOPE_USDT' })));
  const said = await desk(['dead', 'list', '--account', 'main2']);
  expect(said.code).toBe(0);
  expect(said.out).toContain(`About ${total} letters are on the queue`);
  const listed = await list('--account', 'main2');
  expect(listed).toMatchObject({ isComplete: false, total });
  expect(listed.letters.length).toBeLessThan(13);
});

test('all of a letter is shown, with what its reason means and what to do next', async () => {
  const price = intent({ price: '50000', collar: { referencePrice: '1', maxDeviationBps: 10 } });
  const [source = ''] = await buried(price);
  const said = await desk(['dead', 'show', price.id]);
  expect(said.code).toBe(0);
  for (const part of ['PRICE_OUTSIDE_COLLAR', '"maxDeviationBps": 10', source, 'Decide anew at the present price.'])
    expect(said.out).toContain(part);
  const { letters } = json(await desk(['dead', 'show', source, '--json'])) as Listed;
  expect(letters).toMatchObject([
    { id: price.id, sourceMessageId: source, certainty: 'not-sent', meaning: expect.any(String) },
  ]);
  expect(said.out).not.toContain('receiptHandle');
  const from = new Date(Date.parse(String(price['expiresAt'])) + 120_000).toISOString();
  expect(said.out.replaceAll(/\s+/g, ' ')).toContain(`not before two minutes after its expiresAt: ${from}`);
});

test('a body that is no intent is shown as text, and cannot be replayed', async () => {
  const [source = ''] = await buried({ raw: '{"action":"place"}\u009b2J', group: 'main', id: 'evil1' });
  const said = await desk(['dead', 'show', source]);
  expect(said.code).toBe(0);
  expect(said.out).toContain('MALFORMED');
  expect(said.out).not.toContain('\u009b');
  const replayed = await desk(['dead', 'replay', source, '--price', 'same', '--yes']);
  expect(replayed).toMatchObject({ code: 2, err: expect.stringContaining('no intent') });
});

test.each([['show'], ['replay'], ['drop']])(
  '%s of an id that has no letter exits 1 and says where to look',
  async (verb) => {
    const said = await desk(['dead', verb, 'nobody', '--yes']);
    expect(said).toMatchObject({ code: 1, err: expect.stringContaining('desk trace nobody') });
  },
);

test.each([
  [['--life', '601'], '--life 601'],
  [['--life', 'long'], '--life long'],
  [['--price', '-1'], '--price -1'],
  [['--price', '1e3'], '--price 1e3'],
  [['--collar', '0'], '--collar 0'],
])('a replay with %j is refused by name, whatever the letter', async (args, name) => {
  const said = await desk(['dead', 'replay', 'any', ...args, '--yes']);
  expect(said).toMatchObject({ code: 2, out: '', err: expect.stringContaining(name) });
});

test('a letter of an order that may exist, or may still trade, or has no price decision, is not replayed', async () => {
  await desk(['dead', 'drop', 'worn1', '--yes']);
  const [unsure, young, priced] = [late(), intent({ symbol: 'NOPE_USDT' }), late()];
  await put(JSON.stringify(unsure), 'main', unsure.id);
  await buried(young, priced);
  const before = await lying();
  const cases = [
    [unsure.id, ['--price', 'same'], '--accept-unknown'],
    [young.id, ['--price', 'same'], 'may still trade by itself'],
    [priced.id, [], 'say a price'],
  ] as const;
  for (const [id, args, way] of cases) {
    expect(await desk(['dead', 'replay', id, ...args, '--yes'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining(way) }); // prettier-ignore
  }
  const undecided = await desk(['dead', 'replay', priced.id, '--price', 'same']);
  expect(undecided).toMatchObject({ code: 3, err: expect.stringContaining('--yes') });
  expect(await lying()).toBe(before);
  const known = await desk(['dead', 'replay', unsure.id, '--price', 'same', '--accept-unknown', '--yes', '--json']);
  expect(known.code).toBe(0);
  expect(json(known)).toMatchObject({ original: unsure.id, isLetterDeleted: true, intent: { replayOf: unsure.id } });
  await system.until('an order', async () => (await orders(replayId(unsure.id))) === 1);
  for (const id of [young.id, priced.id]) expect((await desk(['dead', 'drop', id, '--yes'])).code).toBe(0);
}, 60_000);

test('a replay shows old and new, is sent with the new price and a collar of now, and its letter is gone', async () => {
  const old = late({ collar: { referencePrice: '40000', maxDeviationBps: 10 } });
  await buried(old);
  const said = await desk(['dead', 'replay', old.id, '--price', '49999', '--life', '90', '--collar', '5000', '--yes']);
  expect(said.code).toBe(0);
  for (const part of ['old', 'new', '49999', replayId(old.id)]) expect(said.out).toContain(part);
  await system.until('an order', async () => (await orders(replayId(old.id))) === 1);
  expect(await orders(old.id)).toBe(0);
  const all = await system.control<readonly Readonly<Record<string, string>>[]>('GET', '/orders');
  const order = all.find(({ clientOrderId }) => clientOrderId === replayId(old.id));
  expect(order).toMatchObject({ price: expect.stringMatching(/^49999/), account: 'main' });
  expect((await list()).letters.map(({ id }) => id)).not.toContain(old.id);
}, 60_000);

test('a letter that could not be deleted is replayed again, and still there is exactly one order', async () => {
  const old = late();
  await buried(old);
  await fault({ service: 'sqs', action: 'DeleteMessage', fault: 'error', code: 'AccessDeniedException', times: 1 });
  const first = await desk(['dead', 'replay', old.id, '--price', '49000', '--yes', '--json']);
  expect(first).toMatchObject({ code: 1, err: expect.stringContaining('could not be deleted') });
  expect(json(first)).toMatchObject({ isLetterDeleted: false });
  await system.until('an order', async () => (await orders(replayId(old.id))) === 1);
  const second = await desk(['dead', 'replay', old.id, '--price', '48000', '--yes', '--json']);
  expect(second.code).toBe(0);
  expect(json(second)).toMatchObject({ intent: { id: replayId(old.id) }, isLetterDeleted: true });
  await system.until('all taken', async () => (await count(system.ready.queues.intents)) === 0);
  expect(await orders(replayId(old.id))).toBe(1);
  expect((await desk(['dead', 'replay', old.id, '--price', 'same', '--yes'])).code).toBe(1);
}, 60_000);

test('a replay that SQS does not take leaves its letter', async () => {
  const old = late();
  await buried(old);
  await fault({ service: 'sqs', action: 'SendMessage', fault: 'error', code: 'AccessDeniedException', times: 1 });
  const said = await desk(['dead', 'replay', old.id, '--price', 'same', '--yes']);
  expect(said).toMatchObject({ code: 4, err: expect.stringContaining('queue intents') });
  expect((await list()).letters.map(({ id }) => id)).toContain(old.id);
  expect((await desk(['dead', 'drop', old.id, '--yes'])).code).toBe(0);
});

test('a drop deletes that letter alone; two of one id have to be named by their messages', async () => {
  const [kept, twice] = [intent({ symbol: 'NOPE_USDT' }), intent({ symbol: 'NOPE_USDT' })];
  await buried(kept, twice);
  await put(JSON.stringify(twice), 'main', 'another', {
    reason: 'UNRESOLVED',
    certainty: 'unknown',
    intentId: twice.id,
  });
  const before = await lying();
  const unnamed = await desk(['dead', 'drop', twice.id, '--yes']);
  expect(unnamed).toMatchObject({ code: 2, err: expect.stringContaining('has 2 letters') });
  const unasked = await desk(['dead', 'drop', kept.id]);
  expect(unasked).toMatchObject({ code: 3, err: expect.stringContaining('--yes') });
  expect(await lying()).toBe(before);
  const { letters } = await list('--reason', 'UNRESOLVED');
  const [letter] = letters.filter(({ id }) => id === twice.id);
  const said = await desk(['dead', 'drop', letter?.sourceMessageId ?? '', '--yes', '--json']);
  expect(said.code).toBe(0);
  expect(json(said)).toMatchObject({ id: twice.id, isDropped: true });
  expect(await lying()).toBe(before - 1);
  const left = (await list('--account', 'main')).letters.map(({ id }) => id);
  expect(left).toEqual(expect.arrayContaining([kept.id, twice.id]));
});

test('an order that nobody can follow any more is counted, and shown with what to look for', async () => {
  const named = { QueueName: 'trading-bot-dev-pending-dead' };
  const { QueueUrl = '' } = await system.sqs.send(new GetQueueUrlCommand(named));
  const unfollowed = intent();
  const body = { intent: unfollowed, venueOrderId: '4711', acceptedAt: new Date().toISOString() };
  for (const MessageBody of [JSON.stringify(body), 'no order'])
    await system.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  expect(await list()).toMatchObject({ pendingDead: 2 });
  expect((await desk(['dead', 'list'])).out).toContain('desk dead list --pending');
  const said = await desk(['dead', 'list', '--pending']);
  expect(said.code).toBe(0);
  for (const part of [unfollowed.id, '4711', 'no order', 'docs/runbook/orders-not-followed.md'])
    expect(said.out).toContain(part);
  const listed = json(await desk(['dead', 'list', '--pending', '--json'])) as { readonly messages: readonly object[] };
  expect(listed.messages).toHaveLength(2);
  expect(await count(QueueUrl)).toBe(2);
});
