// The calls that docs/scale.md reckons with are those that are made: on the local stack for an order that ends at once, and in
// the simulated week for orders that rest.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { callsOf, looksOf } from '../local/scale.ts';
import type { Week } from './simulation/week.ts';
import { intent, startSystem, type System } from './system/fixture.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
}, 60_000);
afterAll(() => system.close());

/** SQS calls that the service and its event source mappings make, without receives that come back empty. */
const made = (): Readonly<Record<'fifo' | 'standard', number>> => {
  const ours = ['execute', 'reconcile'];
  const calls = (system.aws?.calls() ?? []).filter(
    ({ service, action, accessKeyId }) =>
      service === 'sqs' && action !== 'ReceiveMessage' && ours.some((name) => accessKeyId.includes(name.toUpperCase())),
  );
  const isFifo = ({ resource }: (typeof calls)[number]): boolean => resource.endsWith('.fifo');
  return { fifo: calls.filter(isFifo).length, standard: calls.filter((call) => !isFifo(call)).length };
};

test.each([1, 10])(
  'orders of events of %d that are filled at once take no more calls than is reckoned with',
  async (count) => {
    const before = made();
    const orders = Array.from({ length: count }, () =>
      intent({ type: 'market', price: undefined, size: undefined, notional: '50' }),
    );
    await system.send(orders);
    for (const { id } of orders) {
      await system.until(`the end of ${id}`, () => system.reportsOf(id).some(({ status }) => status === 'filled'));
    }
    await system.until('all messages gone', () => made().standard >= before.standard + 4);
    const after = made();
    // Of what is reckoned, the producer's send and the receives are not counted here.
    const { fifo, standard } = callsOf(count);
    // An event may be handed out in two parts, when its first message is seen before the last is there.
    const parts = after.fifo - before.fifo - (Math.round(count * fifo) - 2);
    expect([0, count === 1 ? 0 : 1]).toContain(parts);
    // Fewer where those who follow get several at once: of one order there is nothing to share.
    const most = Math.round(count * (standard - 1));
    expect(after.standard - before.standard).toBeLessThanOrEqual(most + 2 * parts);
    expect(after.standard - before.standard).toBeGreaterThanOrEqual(count === 1 ? most : 4);
  },
  60_000,
);

test('orders that rest are looked at as often as is reckoned with', async () => {
  const [orders, days] = [20, 2];
  // In a process of its own: virtual time replaces the timers.
  const main = fileURLToPath(new URL('simulation/main.ts', import.meta.url));
  const args = ['--week', String(orders), '--days', String(days), '--accounts', '5', '--seed', '3', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args]);
  const { looks, ends } = JSON.parse(stdout) as Week;
  const most = looksOf(days * 86_400);
  // Those that rest to the end are looked at all the time; the others end some time, and take a few looks more for that.
  expect(looks).toBeGreaterThan((ends['open'] ?? 0) * most * 0.85);
  expect(looks).toBeLessThan(orders * most * 1.15);
}, 60_000);
