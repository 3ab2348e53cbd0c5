// The packaged trigger on the local stack, with the events of the template's own schedule: fired once, twice and late, with
// an exchange that fails, and what is left behind where a strategy cannot be run. A whole day of them in virtual time:
// tests/simulation/firings.test.ts.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GetQueueAttributesCommand, GetQueueUrlCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { eventOf, type ScheduleTemplate } from '../../local/scheduler.ts';
import { startSystem, type System } from './fixture.ts';

let system: System;
let example: ScheduleTemplate;
beforeAll(async () => {
  // Lambda waits 3 and 6 s before it tries again.
  system = await startSystem({ timeScale: 0.05 });
  const schedule = system.schedules.find(({ target }) => target === 'trigger');
  if (schedule === undefined) throw new Error('the template has no schedule of a strategy');
  example = schedule;
});
afterAll(() => system.close());

const second = (msAgo = 0): number => Math.floor((Date.now() - msAgo) / 1000) * 1000;
type Event = Readonly<Record<string, unknown>> & { readonly parameters: object };
/** The template's event for a schedule of this name, whose grid this time is on. */
function event(schedule: string, scheduledAt: number, parameters: object = {}): Event {
  const read = JSON.parse(eventOf(example, scheduledAt)) as Event;
  const start = new Date(scheduledAt).toISOString();
  return { ...read, schedule, parameters: { ...read.parameters, start, ...parameters } };
}
const ordersOf = async (schedule: string): Promise<readonly { clientOrderId: string; state: string }[]> => {
  const orders = await system.control<{ clientOrderId: string; state: string }[]>('GET', '/orders');
  return orders.filter(({ clientOrderId }) => clientOrderId.startsWith(schedule));
};
const dead = async () => {
  const { QueueUrl } = await system.sqs.send(new GetQueueUrlCommand({ QueueName: 'trading-bot-dev-trigger-dead' }));
  const counts = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] });
  const { Attributes } = await system.sqs.send(counts);
  const { Messages = [] } = await system.sqs.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0, MaxNumberOfMessages: 10 })); // prettier-ignore
  type Record = { requestPayload: Event; responsePayload: { errorMessage: string }; requestContext: { condition: string; approximateInvokeCount: number } }; // prettier-ignore
  return {
    visible: Number(Attributes?.['ApproximateNumberOfMessages']),
    records: Messages.map(({ Body }) => JSON.parse(Body ?? '') as Record),
  };
};

describe('a schedule', () => {
  test('becomes an order, once, however often it is fired', async () => {
    const due = event('twice', second());
    for (let time = 0; time < 4; time += 1) system.trigger.invoke(due);
    await system.trigger.idle();
    await system.until('an order that is filled', async () => (await ordersOf('twice'))[0]?.state === 'filled');
    system.trigger.invoke(due);
    await system.trigger.idle();
    const [order, ...more] = await ordersOf('twice');
    expect(more).toEqual([]);
    const id = order?.clientOrderId ?? '';
    await system.until('its end', () => system.reportsOf(id).some(({ status }) => status === 'filled'));
    expect(await dead()).toEqual({ visible: 0, records: [] });
  });
  test('that fires late makes nothing, says so in the log, and is no failure', async () => {
    system.trigger.invoke(event('late', second(421_000)));
    await system.trigger.idle();
    expect(system.lines.filter((line) => line.includes('"schedule":"late"'))).toEqual([expect.stringMatching(/strategy made nothing.*nothing is made later than 420 s/)]); // prettier-ignore
    expect(await ordersOf('late')).toEqual([]);
    expect((await dead()).visible).toBe(0);
  });
  test('whose exchange fails at first is tried again, and makes its one order', async () => {
    // Twice: the venue asks for a book once a firing.
    const fault = { path: '/spot/quotation/v3/books', fault: 'status', code: 502, times: 2 };
    await system.control('PUT', '/faults', { seed: 1, faults: [fault] });
    system.trigger.invoke(event('again', second()));
    await system.trigger.idle();
    expect(system.lines.filter((line) => line.includes('best prices of BTC_USDT cannot be had'))).toHaveLength(2);
    await system.until('an order', async () => (await ordersOf('again')).length === 1);
    expect((await dead()).visible).toBe(0);
  });
  test('that rebalances reads balances with the key of its account, and sends what it decides', async () => {
    const due = second();
    const parameters = { start: new Date(due).toISOString(), intervalSeconds: 3600, targets: { BTC: '50' }, maxOrderNotional: '600' }; // prettier-ignore
    const result = await system.runner.invoke('trigger', {
      ...event('weights', due),
      parameters,
      strategy: 'rebalance',
    });
    expect(result).toMatchObject({ payload: { kind: 'sent', intents: [{ side: 'sell', symbol: 'BTC_USDT' }] } });
    await system.until('an order', async () => (await ordersOf('weights'))[0]?.state === 'filled');
  });
});

describe('a strategy that cannot be run', () => {
  test.each([
    ['whose parameters are wrong', 'wrong', { notional: 25 }, /wrong: the parameters of dca cannot be used: notional must be/], // prettier-ignore
    ['whose order is too small', 'small', { notional: '1' }, /small: notional 1 USDT is below BTC_USDT's minimum of 5; raise it/], // prettier-ignore
  ])('%s is tried three times and leaves a record that says why', async (_, schedule, parameters, why) => {
    const due = event(schedule, second(), parameters);
    system.trigger.invoke(due);
    await system.trigger.idle();
    const { visible, records } = await dead();
    // What the alarm watches.
    expect(visible).toBeGreaterThanOrEqual(1);
    const own = records.filter(({ requestPayload }) => requestPayload['schedule'] === schedule);
    expect(own).toEqual([
      expect.objectContaining({
        requestPayload: due,
        requestContext: expect.objectContaining({ condition: 'RetriesExhausted', approximateInvokeCount: 3 }),
        responsePayload: expect.objectContaining({ errorMessage: expect.stringMatching(why) }),
      }),
    ]);
    expect(await ordersOf(schedule)).toEqual([]);
  });
});

test('no line that a function wrote holds a key, a secret or a memo', () => {
  expect(system.lines.length).toBeGreaterThan(20);
  for (const secret of ['local-key-main', 'local-secret-main', 'my memo #1']) {
    expect(system.lines.filter((line) => line.includes(secret))).toEqual([]);
  }
});
