// The campaign: the packaged function in child processes that are killed at random, an exchange that loses answers, breaks,
// intercepts, hides orders and takes an id twice, and an AWS that fails. By the exchange's own book nothing is doubled,
// nothing lost, and no verdict false. Time is scaled to a twentieth.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { seeded } from '../../local/exchange/faults.ts';
import { intent, startSystem, type System } from './fixture.ts';

const ACCOUNTS = 40;
const INTENTS = 500;
/** In about the first half: each costs its account a visibility timeout. */
const KILLS = 20;
const MOST_MS = 240_000;
const SEED = Number(process.env['CAMPAIGN_SEED'] ?? 20261123);
const PLACE = '/spot/v2/submit_order';
const FIND = '/spot/v4/query/client-order';

let system: System;
beforeAll(async () => {
  system = await startSystem({
    accounts: ACCOUNTS,
    timeScale: 0.05,
    // Not scaled: what cannot be proven in a while is proven later here.
    variables: { UNRESOLVED_AFTER_SECONDS: '900', BITMART_BAN_MS: '1000' },
  });
});
afterAll(() => system.close());

const put = async (url: string, body: object): Promise<void> => {
  const response = await fetch(url, { method: 'PUT', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`);
};

test(`${INTENTS} intents over ${ACCOUNTS} accounts under every kind of trouble: none doubled, lost or misjudged`, async () => {
  const draw = seeded(SEED);
  await system.control('PUT', '/promises', { refusesRepeatedIds: 'never' });
  await system.control('PUT', '/faults', {
    seed: SEED,
    faults: [
      { path: PLACE, fault: 'drop-after', probability: 0.1 },
      { path: PLACE, fault: 'hang-after', probability: 0.1 },
      { path: PLACE, fault: 'status', code: 503, probability: 0.1 },
      { path: PLACE, fault: 'html', probability: 0.1 },
      { path: PLACE, fault: 'lookup-lag', ms: 200, probability: 0.1 },
      { path: FIND, fault: 'drop-after', probability: 0.05 },
      { path: FIND, fault: 'status', code: 502, probability: 0.05 },
      { path: FIND, fault: 'lookup-lag', ms: 200, probability: 0.1 },
    ],
  });
  const expiresAt = new Date(Date.now() + 590_000).toISOString();
  const intents = Array.from({ length: INTENTS }, (_, index) =>
    intent({
      account: system.ready.accounts[index % ACCOUNTS],
      expiresAt,
      ...(draw() < 0.1 ? { size: '0.0000001' } : {}),
    }),
  );
  await system.send(intents);
  await put(`${system.ready.aws}/_faults`, {
    seed: SEED,
    faults: [
      { service: 'sqs', action: 'SendMessageBatch', fault: 'partial', probability: 0.05 },
      { service: 'sqs', action: 'SendMessageBatch', fault: 'drop-after', probability: 0.03 },
      { service: 'sqs', action: 'ChangeMessageVisibilityBatch', fault: 'error', probability: 0.05 },
      { service: 'secretsmanager', fault: 'error', probability: 0.03 },
    ],
  });
  let killed = 0;
  const killing = setInterval(() => {
    if (killed < KILLS && draw() < 0.5 && system.runner.kill('execute', 'busy')) killed += 1;
  }, 750);
  try {
    await system.until('an end of each', () => intents.every(({ id }) => system.reportsOf(id).length > 0), MOST_MS);
  } finally {
    clearInterval(killing);
  }
  await put(`${system.ready.aws}/_faults`, { faults: [] });
  await system.until('no intent left', async () => (await left()) === 0, 60_000);

  const orders = await system.control<readonly { clientOrderId: string }[]>('GET', '/orders');
  const times = new Map<string, number>();
  for (const { clientOrderId } of orders) times.set(clientOrderId, (times.get(clientOrderId) ?? 0) + 1);
  const wrong = intents.flatMap(({ id }) => {
    const statuses = [...new Set(system.reportsOf(id).map(({ status }) => status))];
    const found = times.get(id) ?? 0;
    const letters = system.letters.filter(({ attributes }) => attributes['intentId'] === id);
    const isTrue =
      statuses.length === 1 &&
      found === (statuses[0] === 'accepted' ? 1 : 0) &&
      (statuses[0] === 'accepted' ? letters.length === 0 : letters.length > 0) &&
      letters.every(({ attributes }) => attributes['certainty'] === 'not-sent');
    return isTrue ? [] : [{ id, statuses, orders: found, letters: letters.map(({ attributes }) => attributes) }];
  });
  expect({ seed: SEED, wrong }).toEqual({ seed: SEED, wrong: [] });
  expect(killed).toBe(KILLS);
  const requests = await system.control<Record<string, { byStatus: Record<string, number>; maxInWindow: number }>>(
    'GET',
    '/requests',
  );
  expect(requests[PLACE]?.byStatus['429']).toBeUndefined();
  expect(requests[PLACE]?.maxInWindow).toBeLessThanOrEqual(40);
  for (const line of system.lines) expect(line).not.toMatch(/secretKey|X-BM-SIGN"/);
}, 360_000);

async function left(): Promise<number> {
  const { intents } = system.ready.queues;
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const { GetQueueAttributesCommand } = await import('@aws-sdk/client-sqs');
  const { Attributes = {} } = await system.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: intents, AttributeNames: [...names] }),
  );
  return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}
