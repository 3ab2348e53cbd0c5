// The rate limit holds over all environments, by construction. What is left of it for the orders, `npm run bench` measures.
import { describe, expect, test } from '@jest/globals';
import { intent, startSystem } from './fixture.ts';

interface Requests {
  readonly [path: string]: {
    readonly count: number;
    readonly byStatus: Readonly<Record<string, number>>;
    readonly maxInWindow: number;
  };
}

const INTENTS = 300;

describe.each([
  ['one environment', {}],
  ['four environments taking turns', { rotateEnvironments: 4 }],
])('%s', (_, options) => {
  test('300 intents of one account at once make 300 orders and no 429', async () => {
    const system = await startSystem(options);
    try {
      const warmUp = intent();
      await system.send([warmUp]);
      await system.until('the first report', () => system.reportsOf(warmUp.id).length > 0);
      const intents = Array.from({ length: INTENTS }, () => intent());
      const startedAt = Date.now();
      await system.send(intents);
      await system.until('all reports', () => system.reports.length > INTENTS, 60_000);
      const tookMs = Date.now() - startedAt;
      const orders = await system.control<readonly { clientOrderId: string }[]>('GET', '/orders');
      const ids = new Set(orders.map(({ clientOrderId }) => clientOrderId));
      const submit = (await system.control<Requests>('GET', '/requests'))['/spot/v2/submit_order'];
      console.log(
        `${_}: ${tookMs} ms, ${((INTENTS / tookMs) * 1000).toFixed(1)} orders/s, at most ${submit?.maxInWindow} in 2 s`,
      );
      expect(orders).toHaveLength(INTENTS + 1);
      expect(intents.every(({ id }) => ids.has(id))).toBe(true);
      expect(submit?.byStatus).toEqual({ 200: INTENTS + 1 });
      expect(submit?.maxInWindow).toBeLessThanOrEqual(40);
    } finally {
      await system.close();
    }
  }, 90_000);
});
