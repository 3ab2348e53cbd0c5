// The calls that docs/scale.md reckons with are those that are made: on the local stack for an order that ends at once, and in
// the simulated week for orders that rest.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { LOG_BYTES, PROBE_SECONDS } from '../local/costs.ts';
import { callsOf, FOLLOW_SECONDS, looksOf } from '../local/scale.ts';
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

/** What the functions wrote since the line of this number, as CloudWatch would take it, and the seconds that were billed to one. */
const wrote = (since: number, name: string): { readonly bytes: number; readonly billedSeconds: number } => {
  const lines = system.lines.slice(since);
  const ids = lines.filter((line) => line.includes(`"service":"${name}"`)).map((line) => /"requestId":"([^"]+)"/.exec(line)?.[1]); // prettier-ignore
  const reports = lines.filter((line) => line.startsWith('REPORT') && ids.some((id) => line.includes(id ?? 'none')));
  return {
    bytes: lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0),
    billedSeconds: reports.reduce((sum, line) => sum + Number(/Billed Duration: (\d+)/.exec(line)?.[1]) / 1000, 0),
  };
};

test('an order and a probe write as much, and keep an environment as long, as is reckoned with', async () => {
  const order = async (): Promise<number> => {
    const since = system.lines.length;
    const one = intent({ type: 'market', price: undefined, size: undefined, notional: '50' });
    await system.send([one]);
    const isOver = (): boolean => wrote(since, 'reconcile').billedSeconds > 0;
    await system.until('its end', () => system.reportsOf(one.id).some(({ status }) => status === 'filled') && isOver());
    return since;
  };
  // The first of an environment costs it a little more.
  await order();
  const ofOrder = wrote(await order(), 'reconcile');
  expect(ofOrder.bytes).toBeGreaterThan(LOG_BYTES.order * 0.8);
  expect(ofOrder.bytes).toBeLessThan(LOG_BYTES.order * 1.2);
  expect(ofOrder.billedSeconds).toBeGreaterThan(FOLLOW_SECONDS * 0.7);
  expect(ofOrder.billedSeconds).toBeLessThan(FOLLOW_SECONDS * 1.4);
  const since = system.lines.length;
  system.probe.invoke({});
  await system.probe.idle();
  await system.until('its report', () => wrote(since, 'probe').billedSeconds > 0);
  const ofProbe = wrote(since, 'probe');
  expect(ofProbe.bytes).toBeGreaterThan(LOG_BYTES.probe * 0.7);
  expect(ofProbe.bytes).toBeLessThan(LOG_BYTES.probe * 1.3);
  expect(ofProbe.billedSeconds).toBeGreaterThan(PROBE_SECONDS * 0.7);
  expect(ofProbe.billedSeconds).toBeLessThan(PROBE_SECONDS * 1.4);
}, 60_000);

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
