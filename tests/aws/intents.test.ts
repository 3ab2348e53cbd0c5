// Sending intents: group, deduplication id and order as the contract says, and the truth about each of them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sendIntents } from '../../shared/aws/intents.ts';
import { parse, type OrderIntent } from '../../shared/order/intent.ts';
import { changed, limitBuy } from '../order/arbitraries.ts';
import { startStack, type Stack } from './fixture.ts';

let stack: Stack;
let url: string;
beforeAll(async () => {
  stack = await startStack();
  url = await stack.queue('intents.fifo');
});
beforeEach(async () => {
  await stack.faults();
  await stack.drain(url);
});
afterAll(() => stack.close());

let next = 0;
const intents = (count: number, account = 'main'): readonly OrderIntent[] =>
  Array.from({ length: count }, () => {
    const read = parse(JSON.stringify(changed(limitBuy, [], { id: `i${(next += 1)}`, account })));
    if (read.kind !== 'intent') throw new Error(read.problems.join('; '));
    return read.intent;
  });
const ids = (all: readonly OrderIntent[]): readonly string[] => all.map(({ id }) => id);

describe('intents', () => {
  test.each([0, 1, 10, 11, 25])('go out in their order, whole and under their own ids: %i', async (count) => {
    const wanted = intents(count);
    const sendings = await sendIntents(stack.sqs, url, wanted);
    expect(sendings).toEqual(ids(wanted).map((id) => ({ id, kind: 'sent', messageId: expect.stringMatching(/-/) })));
    const messages = await stack.drain(url);
    expect(messages.map(({ Body }) => JSON.parse(Body ?? '') as unknown)).toEqual(wanted);
    expect(messages.map(({ Attributes }) => [Attributes?.MessageGroupId, Attributes?.MessageDeduplicationId])).toEqual(ids(wanted).map((id) => ['main', id])); // prettier-ignore
    expect(messages.map(({ MessageId }) => MessageId)).toEqual(sendings.map((each) => (each.kind === 'sent' ? each.messageId : ''))); // prettier-ignore
  });
  test('that are sent again are said to be sent, and are there once', async () => {
    const wanted = intents(12);
    const [first, again] = [await sendIntents(stack.sqs, url, wanted), await sendIntents(stack.sqs, url, wanted)];
    expect(again).toEqual(first);
    expect(await stack.drain(url)).toHaveLength(12);
  });
});

describe('what fails', () => {
  test('in part is asked for once more', async () => {
    await stack.faults({ service: 'sqs', action: 'SendMessageBatch', fault: 'partial', times: 1 });
    const wanted = intents(10);
    expect((await sendIntents(stack.sqs, url, wanted)).map(({ kind }) => kind)).toEqual(wanted.map(() => 'sent'));
    expect((await stack.drain(url)).map(({ Attributes }) => Attributes?.MessageDeduplicationId).sort()).toEqual([...ids(wanted)].sort()); // prettier-ignore
  });
  test('in part again and again is named, and the rest is sent', async () => {
    await stack.faults({ service: 'sqs', action: 'SendMessageBatch', fault: 'partial' });
    const wanted = intents(25);
    const sendings = await sendIntents(stack.sqs, url, wanted);
    expect(sendings.map(({ id }) => id)).toEqual(ids(wanted));
    const failed = sendings.filter(({ kind }) => kind === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    for (const each of failed) expect(each).toMatchObject({ code: expect.any(String), detail: expect.any(String) });
    await stack.faults();
    const there = (await stack.drain(url)).map(({ Attributes }) => Attributes?.MessageDeduplicationId);
    expect(there.sort()).toEqual(sendings.flatMap(({ id, kind }) => (kind === 'sent' ? [id] : [])).sort());
  });
  test('as a whole is named by its error, what is behind it is not tried, and nothing is thrown', async () => {
    await stack.faults({ service: 'sqs', action: 'SendMessageBatch', fault: 'error', code: 'AccessDenied' });
    const wanted = intents(12);
    const sendings = await sendIntents(stack.sqs, url, wanted);
    expect(sendings.slice(0, 10)).toEqual(ids(wanted).slice(0, 10).map((id) => ({ id, kind: 'failed', code: 'AccessDenied', detail: expect.any(String) }))); // prettier-ignore
    expect(sendings.slice(10).map((each) => (each.kind === 'failed' ? each.code : ''))).toEqual([
      'NotTried',
      'NotTried',
    ]);
    expect(stack.calls('SendMessageBatch')).toEqual([]);
  });
});
