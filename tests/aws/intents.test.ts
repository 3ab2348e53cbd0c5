// Intents on their way to the queue: group, deduplication id, batches, order, and the truth about each of them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { sendIntents, type IntentsClient, type Sending } from '../../shared/aws/intents.ts';
import { parse, type OrderIntent } from '../../shared/order/intent.ts';
import { limitBuy, type Fields } from '../order/arbitraries.ts';
import { startStack, type Stack } from './fixture.ts';

const intent = (id: string, account = 'main', more: Fields = {}): OrderIntent => {
  const parsed = parse(JSON.stringify({ ...limitBuy, id, account, ...more }));
  if (parsed.kind === 'malformed') throw new Error(parsed.problems.join());
  return parsed.intent;
};
const kinds = (sendings: readonly Sending[]): readonly string[] =>
  sendings.map((one) => (one.kind === 'sent' ? 'sent' : `${one.kind} ${one.code}`));

describe('on a real queue', () => {
  let stack: Stack;
  let url: string;
  beforeAll(async () => {
    stack = await startStack();
    url = await stack.queue('intents.fifo');
  });
  beforeEach(() => stack.faults());
  afterAll(() => stack.close());

  test('any number goes out by tens, each with its account as group and its id against repetition', async () => {
    const all = Array.from({ length: 25 }, (_, index) => intent(`many${index}`, index % 2 === 0 ? 'main' : 'main2'));
    const sendings = await sendIntents(stack.sqs, url, all);
    expect(kinds(sendings)).toEqual(all.map(() => 'sent'));
    const messages = await stack.drain(url);
    expect(messages.map(({ MessageId }) => MessageId).sort()).toEqual(sendings.map((one) => (one.kind === 'sent' ? one.messageId : '')).sort()); // prettier-ignore
    for (const account of ['main', 'main2']) {
      const theirs = messages.filter(({ Attributes }) => Attributes?.MessageGroupId === account);
      const sent = all.filter((one) => one.account === account);
      expect(theirs.map(({ Body = '' }) => JSON.parse(Body) as unknown)).toEqual(sent);
      expect(theirs.map(({ Attributes }) => Attributes?.MessageDeduplicationId)).toEqual(sent.map(({ id }) => id));
    }
  });
  test('an entry that SQS could not take is asked for again, where nothing of its account was taken behind it', async () => {
    await stack.faults({ action: 'SendMessageBatch', fault: 'partial', times: 1 });
    expect(kinds(await sendIntents(stack.sqs, url, [intent('again1', 'one'), intent('again2', 'two')]))).toEqual(['sent', 'sent']); // prettier-ignore
    expect(await stack.drain(url)).toHaveLength(2);
  });
  test('and is not where it would come behind, nor are later ones of its account then', async () => {
    await stack.faults({ action: 'SendMessageBatch', fault: 'partial', times: 1 });
    const [a, b] = [Array.from({ length: 12 }, (_, index) => intent(`a${index}`, 'aa')), intent('b1', 'bb')];
    const sendings = await sendIntents(stack.sqs, url, [...a, b]);
    const nine = Array.from({ length: 9 }, () => 'sent');
    expect(kinds(sendings)).toEqual(['failed InternalError', ...nine, 'failed NOT_TRIED', 'failed NOT_TRIED', 'sent']);
    expect(sendings[10]).toMatchObject({ detail: expect.stringContaining('an earlier intent of its account') });
    await stack.drain(url);
  });
  test('an answer that is lost is unknown, and the same intent sent again makes no second message', async () => {
    await stack.faults({ action: 'SendMessageBatch', fault: 'drop-after' });
    const one = intent('lost1');
    const [first] = await sendIntents(stack.sqs, url, [one]);
    expect(first).toMatchObject({ id: 'lost1', kind: 'unknown' });
    expect(first).toMatchObject({ detail: expect.stringContaining('send the same intent again within five minutes') });
    await stack.faults();
    expect(kinds(await sendIntents(stack.sqs, url, [one]))).toEqual(['sent']);
    expect(await stack.drain(url)).toHaveLength(1);
  });
  test('a refusal of the whole call is known to have sent nothing', async () => {
    const [one] = await sendIntents(stack.sqs, url.replace('intents', 'nowhere'), [intent('none1')]);
    expect(one).toMatchObject({ kind: 'failed', code: expect.stringContaining('QueueDoesNotExist') });
  });
});

describe('is not tried', () => {
  const never: IntentsClient = { send: () => Promise.reject(new Error('was asked')) };
  test('what is no intent', async () => {
    const wrong = { ...intent('bad1'), size: 1 } as unknown as OrderIntent;
    expect(await sendIntents(never, '', [wrong])).toMatchObject([{ kind: 'failed', code: 'MALFORMED', detail: expect.stringContaining('size must be') }]); // prettier-ignore
  });
  test('another intent under an id of the same call, which SQS would drop without a word', async () => {
    const taking: IntentsClient = { send: ({ input }) => Promise.resolve({ Successful: (input.Entries ?? []).map(({ Id }) => ({ Id, MessageId: 'm', MD5OfMessageBody: '' })), Failed: [] }) }; // prettier-ignore
    const same = intent('same1');
    const sendings = await sendIntents(taking, '', [same, same, intent('same1', 'other'), intent('same1', 'main', { size: '2' })]); // prettier-ignore
    expect(kinds(sendings)).toEqual(['sent', 'sent', 'sent', 'failed ID_TWICE']);
  });
});

describe('whatever SQS does', () => {
  /** What becomes of each entry of each call: taken, refused, refused for its own fault, or not named; and of the call. */
  const fate = fc.constantFrom('taken', 'taken', 'taken', 'refused', 'at fault', 'not named');
  const call = fc.record({ answer: fc.constantFrom('yes', 'yes', 'yes', 'yes', 'lost'), fates: fc.array(fate, { minLength: 10, maxLength: 10 }) }); // prettier-ignore
  const accounts = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 45 });

  test('each is told truly, and the order of an account is kept', async () => {
    await fc.assert(
      fc.asyncProperty(accounts, fc.array(call, { minLength: 30, maxLength: 30 }), async (groups, calls) => {
        const intents = groups.map((account, index) => intent(`i${index}`, account));
        const taken: string[] = [];
        const asked = new Map<string, number>();
        let count = 0;
        const send = ({ input }: SendMessageBatchCommand): ReturnType<IntentsClient['send']> => {
          const { answer, fates } = calls[count % calls.length] ?? { answer: 'yes', fates: [] };
          count += 1;
          const entries = (input.Entries ?? []).map((entry, index) => ({ ...entry, fate: fates[index] ?? 'taken' }));
          expect(entries.length).toBeLessThanOrEqual(10);
          for (const { MessageDeduplicationId: id = '', fate } of entries) {
            asked.set(id, count);
            if (fate === 'taken' && !taken.includes(id)) taken.push(id);
          }
          if (answer === 'lost') return Promise.reject(new Error('socket hang up'));
          return Promise.resolve({
            Successful: entries.filter((one) => one.fate === 'taken').map(({ Id }) => ({ Id, MessageId: 'm', MD5OfMessageBody: '' })), // prettier-ignore
            Failed: entries.filter((one) => one.fate === 'refused' || one.fate === 'at fault').map(({ Id, fate }) => ({ Id, Code: 'No', SenderFault: fate === 'at fault' })), // prettier-ignore
          });
        };
        const sendings = await sendIntents({ send }, '', intents);
        expect(sendings.map(({ id }) => id)).toEqual(intents.map(({ id }) => id));
        for (const { id, kind } of sendings) if (kind !== 'unknown') expect([id, taken.includes(id)]).toEqual([id, kind === 'sent']); // prettier-ignore
        for (const account of ['a', 'b', 'c']) {
          const places = taken.map((id) => Number(id.slice(1))).filter((place) => groups[place] === account);
          expect(places).toEqual([...places].sort((one, other) => one - other));
          const all = sendings.filter((_, index) => groups[index] === account);
          const missing = all.findIndex(({ kind }) => kind !== 'sent');
          if (missing < 0) continue;
          const last = asked.get(all[missing]?.id ?? '') ?? 0;
          for (const { id } of all.slice(missing)) expect(asked.get(id) ?? 0).toBeLessThanOrEqual(last);
        }
      }),
      { numRuns: 300 },
    );
  });
});
