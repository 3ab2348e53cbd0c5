// Lost answers, hanging connections and server errors: every intent ends once, no order is made twice, no verdict is
// false. Time is scaled to a tenth, so that the exchange's one-minute horizon passes in six seconds.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { intent, startSystem, type System } from './fixture.ts';

const ACCOUNTS = 10;
const INTENTS = 100;
let system: System;
beforeAll(async () => {
  system = await startSystem({ accounts: ACCOUNTS, timeScale: 0.1 });
});
afterAll(() => system.close());

test('100 intents with drop-after, hang-after and status 500 at 10 % each: one end each, nothing twice, nothing false', async () => {
  const seed = Math.floor(Math.random() * 1e9);
  console.log(`seed ${seed}`);
  const path = '/spot/v2/submit_order';
  await system.control('PUT', '/faults', {
    seed,
    faults: [
      { path, fault: 'drop-after', probability: 0.1 },
      { path, fault: 'hang-after', probability: 0.1 },
      { path, fault: 'status', code: 500, probability: 0.1 },
    ],
  });
  const intents = Array.from({ length: INTENTS }, (_, index) =>
    intent({
      account: system.ready.accounts[index % ACCOUNTS],
      expiresAt: new Date(Date.now() + 180_000).toISOString(),
    }),
  );
  await system.send(intents);
  await system.until('a report of each', () => intents.every(({ id }) => system.reportsOf(id).length > 0), 150_000);
  const orders = await system.control<readonly { clientOrderId: string; orderId: string }[]>('GET', '/orders');
  const ids = orders.map(({ clientOrderId }) => clientOrderId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id } of intents) {
    const reports = system.reportsOf(id);
    expect(new Set(reports.map(({ status }) => status)).size).toBe(1);
    const order = orders.find(({ clientOrderId }) => clientOrderId === id);
    if (reports[0]?.status === 'accepted') expect(reports[0].venueOrderId).toBe(order?.orderId);
    else
      expect({ report: reports[0], order, letter: system.letterOf(id)?.attributes['reason'] }).toMatchObject({
        order: undefined,
        letter: reports[0]?.reason,
      });
  }
  const statuses = intents.map(({ id }) => system.reportsOf(id)[0]?.status);
  console.log(
    Object.entries(Object.groupBy(statuses, (status) => status ?? 'none'))
      .map(([status, all]) => `${status} ${all.length}`)
      .join(', '),
  );
  interface Count {
    readonly byStatus: Readonly<Record<string, number>>;
    readonly unanswered: number;
  }
  const submits = (await system.control<Record<string, Count | undefined>>('GET', '/requests'))[path];
  console.log(`submits answered ${JSON.stringify(submits?.byStatus)}, unanswered ${submits?.unanswered ?? 0}`);
  expect(statuses.filter((status) => status === 'accepted')).toHaveLength(INTENTS);
}, 180_000);
