// The packaged probe on the local stack: what an operator reads of it in lines and metrics, in good times and bad. What it
// tells in every case: tests/probing.test.ts.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetQueueUrlCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { localKeys } from '../../local/stack.ts';
import { compose } from '../../shared/bitmart/wire.ts';
import { transport } from '../bitmart/fixture.ts';
import { startSystem, type System } from './fixture.ts';

let system: System;
beforeAll(async () => {
  // Lambda waits 3 s before it tries again.
  system = await startSystem({ timeScale: 0.05, accounts: 2 });
}, 60_000);
afterAll(() => system.close());
afterEach(async () => {
  await system.control('DELETE', '/state');
  await system.control('PUT', '/clock', { offsetMs: 0 });
  await system.control('PUT', '/service', { service_type: 'spot', status: '2' });
  for (const name of ['main', 'main2']) await register(name);
  // Probes are minutes apart; a warm environment would keep to its part of the limit between two of these.
  system.runner.kill('probe');
});

const register = (account: string, changes: object = {}) =>
  system.control('PUT', '/accounts', { account, ...localKeys(account), ...changes });
const fault = (path: string, fault: object) =>
  system.control('PUT', '/faults', { seed: 1, faults: [{ path, ...fault }] });
const READ = '/spot/v4/query/open-orders';

type Line = Readonly<Record<string, unknown>>;
interface Seen {
  readonly payload: unknown;
  readonly venue: Line;
  readonly of: (account: string) => Line;
  /** The values of a metric of the stage, or of one account. */
  readonly metric: (name: string, account?: string) => readonly number[];
}

/** One probe, and the lines that it wrote. */
async function probe(): Promise<Seen> {
  const from = system.lines.length;
  const { payload, error } = await system.runner.invoke('probe', {});
  expect(error).toBeUndefined();
  const lines = system.lines.slice(from).flatMap((text) => (text.startsWith('{') ? [JSON.parse(text) as Line] : []));
  const line = (message: string, account?: string): Line => {
    const found = lines.filter((one) => one['message'] === message && one['account'] === account);
    expect([message, account, found.length]).toEqual([message, account, 1]);
    return found[0] ?? {};
  };
  return {
    payload,
    venue: line('venue probed'),
    of: (account) => line('probed', account),
    // One line says a value for the stage and for its account or venue.
    metric: (name, account) =>
      lines
        .filter((one) => '_aws' in one && name in one && (account === undefined || one['account'] === account))
        .flatMap((one) => one[name] as number | number[]),
  };
}

test('the schedule of the template fires it, and only where the stack was asked for it', async () => {
  const schedule = system.schedules.find(({ target }) => target === 'probe');
  expect(schedule).toMatchObject({ name: 'trading-bot-dev-probe', expression: 'rate(5 minutes)', isEnabled: true });
  expect(await system.control('GET', '/requests')).not.toHaveProperty('/system/service');
  expect(system.runner.metrics('probe').invocations).toBe(0);
});

test('in good times it tells a line for the venue and one for each account, and all that alarms look at', async () => {
  const { payload, venue, of, metric } = await probe();
  expect(payload).toEqual({
    venues: { bitmart: 'open' },
    accounts: { main: 'SIGNATURE_GOOD', main2: 'SIGNATURE_GOOD' },
  });
  expect(venue).toMatchObject({ level: 'info', venue: 'bitmart', state: 'open', samples: 8, stage: 'dev' });
  expect(venue['requestId']).toEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  expect(of('main')).toMatchObject({ level: 'info', outcome: 'good', foreignUse: 0, limit: 12 });
  expect(metric('Probes').reduce((sum, one) => sum + one, 0)).toBe(3);
  expect([metric('Probes', 'main2'), metric('ForeignUse', 'main2'), metric('VenueUnavailable')]).toEqual([[1], [0], [0]]); // prettier-ignore
  expect([metric('ProbeFailures'), metric('ProbeLatencyMs').length]).toEqual([[], 8]);
  expect(Math.max(...metric('ClockOffsetMs'))).toBeLessThan(200);
});

describe('in bad times it tells', () => {
  test('a key that is refused, of the account whose it is', async () => {
    await register('main', { frozen: true });
    const { of, metric } = await probe();
    expect(of('main')).toMatchObject({ level: 'error', outcome: 'refused', code: 'KEY_FROZEN' });
    expect(of('main2')).toMatchObject({ outcome: 'good' });
    expect([metric('ProbeFailures', 'main'), metric('AuthenticationRefusals', 'main')]).toEqual([[1], [1]]);
    expect([metric('ProbeFailures', 'main2'), metric('Probes', 'main2')]).toEqual([[], [1]]);
  });
  test('a secret that cannot be read', async () => {
    const SecretId = 'bitmart/accounts/main';
    await system.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'no JSON' }));
    const { of, metric } = await probe();
    expect(of('main')).toMatchObject({ level: 'error', outcome: 'unread', code: 'SECRET_UNREADABLE' });
    expect([metric('ProbeFailures', 'main'), metric('Probes', 'main2')]).toEqual([[1], [1]]);
    await system.addAccount('main');
  });
  test('a ban', async () => {
    await fault(READ, { fault: 'status', code: 418, times: 1 });
    const { metric } = await probe();
    expect([metric('Bans'), metric('ProbeFailures')].map((each) => each.reduce((sum, one) => sum + one, 0))).toEqual([1, 1]); // prettier-ignore
  });
  test('maintenance', async () => {
    await system.control('PUT', '/service', { service_type: 'spot', status: '1' });
    const { venue, metric, payload } = await probe();
    expect(venue).toMatchObject({ level: 'error', state: 'maintenance', codes: 'MAINTENANCE' });
    expect([metric('VenueUnavailable'), payload]).toEqual([
      [1],
      expect.objectContaining({ venues: { bitmart: 'maintenance' } }),
    ]);
  });
  test('the end of trading, by what the exchange says', async () => {
    await fault('/spot/v1/symbols/details', { fault: 'code', code: 30031, message: 'BitMart has ceased all trading' });
    const { venue, metric } = await probe();
    expect(venue).toMatchObject({ level: 'error', state: 'over' });
    expect(metric('VenueUnavailable')).toEqual([1]);
  });
  test('a clock that is off', async () => {
    await system.control('PUT', '/clock', { offsetMs: 90_000 });
    const { venue, metric, of } = await probe();
    expect(venue).toMatchObject({ level: 'error', state: 'open', codes: 'CLOCK_BEHIND' });
    for (const ms of metric('ClockOffsetMs')) expect(Math.abs(ms - 90_000)).toBeLessThan(500);
    expect(metric('ClockOffsetMs').length).toBeGreaterThan(0);
    expect(of('main')).toMatchObject({ code: 'TIMESTAMP_REFUSED' });
  });
  test('an exchange that is dead, and nothing is thrown', async () => {
    for (const path of ['/system/service']) await fault(path, { fault: 'drop-before' });
    const { payload, venue, metric } = await probe();
    expect(payload).toMatchObject({ venues: { bitmart: 'unanswered' } });
    expect(venue).toMatchObject({ level: 'error', codes: 'NO_ANSWER' });
    expect([metric('VenueUnavailable'), metric('ProbeLatencyMs')]).toEqual([[1], []]);
  });
});

test('it tells how much of the limit of a key somebody else uses, and of which account', async () => {
  const seen = probe();
  // Its own read comes some two seconds after the first look at the clock.
  await system.until('the probe looks at the clock', async () => {
    const requests = await system.control<Record<string, { count: number }>>('GET', '/requests');
    return (requests['/system/time']?.count ?? 0) >= 4;
  });
  for (let count = 0; count < 3; count += 1) {
    const request = {
      method: 'POST',
      path: READ,
      body: { orderMode: 'spot' },
      credentials: localKeys('main2'),
    } as const;
    await transport(compose(system.ready.bitmart.spot, { ...request, deadline: Date.now() + 5000 }, Date.now()));
  }
  const { of, metric } = await seen;
  expect([of('main')['foreignUse'], of('main2')['foreignUse']]).toEqual([0, 3]);
  expect([metric('ForeignUse', 'main'), metric('ForeignUse', 'main2')]).toEqual([[0], [3]]);
});

test('what is a bug, or a setting that cannot be, leaves a record on the dead-letter queue', async () => {
  const before = system.runner.metrics('probe').invocations;
  await system.runner.update('probe', { handler: 'probe.nothing' });
  system.probe.invoke({ scheduledAt: '2026-11-30T00:00:00Z' });
  await system.probe.idle();
  const { QueueUrl } = await system.sqs.send(new GetQueueUrlCommand({ QueueName: 'trading-bot-dev-probe-dead' }));
  const { Messages = [] } = await system.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  const record = JSON.parse(Messages[0]?.Body ?? '') as unknown;
  expect(record).toMatchObject({
    requestPayload: { scheduledAt: '2026-11-30T00:00:00Z' },
    requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 2 },
  });
  expect(system.runner.metrics('probe').invocations - before).toBe(2);
});

test('no line that it wrote holds a key, a secret or a memo', () => {
  expect(system.lines.length).toBeGreaterThan(20);
  for (const secret of ['local-key-main', 'local-secret-main', 'my memo #1']) {
    expect(system.lines.filter((line) => line.includes(secret))).toEqual([]);
  }
});
