// What somebody who looks at it sees: the packaged functions run on the local stack, and their lines and metrics are read as on
// AWS, by the unmodified SDK. One account for each kind of end, so that the numbers of each can be told apart.
import { CloudWatchClient, ListMetricsCommand, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { alarmStates, type AlarmState } from '../alarms.ts';
import { packagedTemplate, type Template } from '../packaged.ts';
import { intent, startSystem, type System } from './fixture.ts';

type Line = Readonly<Record<string, unknown>>;

let system: System;
let cloudwatch: CloudWatchClient;
let template: Template;
const startedAt = Date.now();
beforeAll(async () => {
  template = await packagedTemplate();
  system = await startSystem({ timeScale: 0.05, keeps: true, variables: { UNRESOLVED_AFTER_SECONDS: '1', PARK_SECONDS: '2' } }); // prettier-ignore
  const credentials = { accessKeyId: 'AKIATESTS', secretAccessKey: 'unused' };
  cloudwatch = new CloudWatchClient({ endpoint: system.ready.aws, region: system.ready.region, credentials });
});
afterAll(async () => {
  cloudwatch.destroy();
  await system.close();
});

const linesOf = (id: string, message = 'outcome'): readonly Line[] =>
  system.lines
    .filter((line) => line.includes(id) && line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line['message'] === message && line['id'] === id);
/** Lines of an intent that left: not of one that was put back, or could not be told. */
const endsOf = (id: string): readonly Line[] =>
  linesOf(id).filter(({ disposition, untold }) => ['acknowledge', 'bury'].includes(String(disposition)) && untold !== true); // prettier-ignore
const ended = async (id: string, ms?: number): Promise<Line> => {
  await system.until(`the end of ${id}`, () => endsOf(id).length > 0, ms);
  return endsOf(id)[0] ?? {};
};
/** Of everything since the start. */
const statistic = async (name: string, dimensions: Readonly<Record<string, string>>, which: 'Sum' | 'Maximum' = 'Sum') => {
  const { Datapoints = [] } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      ...{ Namespace: 'TradingBot', MetricName: name, Period: 3600, Statistics: [which] },
      ...{ StartTime: new Date(startedAt), EndTime: new Date(Date.now() + 3_600_000) },
      Dimensions: Object.entries({ stage: 'dev', ...dimensions }).map(([Name, Value]) => ({ Name, Value })),
    }),
  );
  const values = Datapoints.map((point) => point[which] ?? 0);
  return values.length === 0 ? undefined : values.reduce((a, b) => (which === 'Sum' ? a + b : Math.max(a, b)), 0);
}; // prettier-ignore
const of = (account: string) => ({ account, venue: 'bitmart' });
const alarm = async (slug: string): Promise<AlarmState['state'] | undefined> =>
  (await alarmStates(template, cloudwatch, startedAt))[slug]?.state;

describe('what became of an intent is one line and a few numbers', () => {
  test('while all is well: nothing is raised but the silence of the probe, until it has run', async () => {
    expect(await alarm('probe-silent')).toBe('ALARM');
    await system.runner.invoke('probe', {});
    const states = Object.entries(await alarmStates(template, cloudwatch));
    expect(states.filter(([, { state }]) => state === 'ALARM')).toEqual([]);
    expect(await statistic('ProbeLatencyMs', { venue: 'bitmart' }, 'Maximum')).toBeGreaterThanOrEqual(0);
    expect(await statistic('ClockOffsetMs', {}, 'Maximum')).toBeLessThan(500);
  });

  test('executed: sent once, how fast, and followed to its end', async () => {
    const wanted = intent({ type: 'market', side: 'sell', price: undefined });
    await system.send([wanted]);
    const line = await ended(wanted.id);
    expect(line).toMatchObject({
      ...{ account: 'main', venue: 'bitmart', action: 'place', market: 'spot', symbol: 'BTC_USDT', level: 'info' },
      ...{ status: 'accepted', disposition: 'acknowledge', receiveCount: 1, sent: 1, lookups: 0 },
      ...{ service: expect.any(String), stage: 'dev', requestId: expect.any(String) },
    });
    const [decisionToSendMs, sendToAckMs, latencyMs] = ['decisionToSendMs', 'sendToAckMs', 'latencyMs'].map((name) => Number(line[name])); // prettier-ignore
    expect(decisionToSendMs).toBeGreaterThanOrEqual(0);
    expect(sendToAckMs).toBeGreaterThanOrEqual(0);
    expect(latencyMs).toBeGreaterThanOrEqual((decisionToSendMs ?? 0) + (sendToAckMs ?? 0) - 1);
    const finished = (): Line | undefined => linesOf(wanted.id, 'followed').find(({ step }) => step === 'finished');
    await system.until('its end', () => finished() !== undefined);
    expect(finished()).toMatchObject({ status: 'filled', venue: 'bitmart', filledSize: '0.001', market: 'spot' });
    await system.until('its metrics', async () => (await statistic('Intents', of('main'))) === 1);
    expect(await statistic('Intents', { outcome: 'accepted' })).toBe(1);
    expect(await statistic('DecisionToSendMs', of('main'))).toBe(decisionToSendMs);
    expect(await statistic('SendToAckMs', of('main'))).toBe(sendToAckMs);
    expect(await statistic('RateLimitUse', of('main'), 'Maximum')).toBe(1 / 40);
    expect(await statistic('SecretRefreshes', of('main'))).toBeGreaterThan(0);
  });

  test('denied: nothing sent, buried for a reason', async () => {
    await system.addAccount('small', { mandate: { state: 'active', maxOrderNotional: '10' } });
    const wanted = intent({ account: 'small' });
    await system.send([wanted]);
    const line = await ended(wanted.id);
    expect(line).toMatchObject({ status: 'denied', disposition: 'bury', reason: 'NOTIONAL_ABOVE_MAXIMUM', certainty: 'not-sent', sent: 0, lookups: 0, level: 'warn' }); // prettier-ignore
    expect(line).not.toHaveProperty('decisionToSendMs');
    await system.until('its metrics', async () => (await statistic('DeadLetters', of('small'))) === 1);
    expect(await statistic('DeadLetters', { reason: 'NOTIONAL_ABOVE_MAXIMUM' })).toBe(1);
    expect(await statistic('DecisionToSendMs', of('small'))).toBeUndefined();
    expect(await alarm('dead-letters')).toBe('ALARM');
  });

  test('in shadow mode nothing is sent, and nothing says that it was', async () => {
    await system.addAccount('shadow', { mandate: { state: 'active', shadow: true } });
    const wanted = intent({ account: 'shadow' });
    await system.send([wanted]);
    const line = await ended(wanted.id);
    expect(line).toMatchObject({ status: 'done', sent: 0 });
    expect(line).not.toHaveProperty('sendToAckMs');
  });

  test('unknown, and found: sent once, looked for, and no answer is no time to an answer', async () => {
    await system.addAccount('lost');
    await system.control('PUT', '/faults', { faults: [{ path: '/spot/v2/submit_order', fault: 'drop-after', times: 1 }] });
    const wanted = intent({ account: 'lost' });
    await system.send([wanted]);
    const line = await ended(wanted.id);
    expect(line).toMatchObject({ status: 'accepted', disposition: 'acknowledge', sent: 1, lookups: expect.any(Number) });
    expect(Number(line['lookups'])).toBeGreaterThan(0);
    expect(Number(line['decisionToSendMs'])).toBeGreaterThanOrEqual(0);
    expect(line).not.toHaveProperty('sendToAckMs');
    await system.until('its metrics', async () => ((await statistic('Lookups', of('lost'))) ?? 0) > 0);
    expect(await alarm('unresolved')).toBe('OK');
  }, 30_000); // prettier-ignore

  test('unknown, and never proven: told as unresolved, with its age, and somebody is woken', async () => {
    await system.addAccount('doubt');
    await system.control('PUT', '/faults', {
      faults: [
        { path: '/spot/v2/submit_order', fault: 'drop-after', times: 1 },
        { path: '/spot/v4/query/client-order', fault: 'status', code: 500, times: 1000 },
      ],
    });
    const wanted = intent({ account: 'doubt' });
    await system.send([wanted]);
    const line = await ended(wanted.id, 30_000);
    await system.control('DELETE', '/faults');
    expect(line).toMatchObject({ status: 'unresolved', disposition: 'bury', reason: 'UNRESOLVED', certainty: 'unknown', sent: 0 });
    expect(Number(line['receiveCount'])).toBeGreaterThan(1);
    expect(linesOf(wanted.id)[0]).toMatchObject({ sent: 1, receiveCount: 1 });
    await system.until('its metrics', async () => (await statistic('Unresolved', of('doubt'))) === 1);
    expect(await statistic('UnresolvedAgeMs', of('doubt'), 'Maximum')).toBeGreaterThan(1000);
    expect(await alarm('unresolved')).toBe('ALARM');
  }, 40_000); // prettier-ignore

  test('banned: counted once, and the intent is executed when the ban is over', async () => {
    await system.addAccount('banned');
    expect(await alarm('banned')).toBe('OK');
    await system.control('PUT', '/faults', { faults: [{ path: '/spot/v2/submit_order', fault: 'status', code: 418, times: 1 }] }); // prettier-ignore
    const wanted = intent({ account: 'banned' });
    await system.send([wanted]);
    const line = await ended(wanted.id, 20_000);
    expect(line).toMatchObject({ status: 'accepted', receiveCount: 2 });
    expect(linesOf(wanted.id)[0]).toMatchObject({ disposition: 'postpone', sent: 1 });
    await system.until('its metrics', async () => (await statistic('Intents', of('banned'))) === 1);
    expect(await statistic('Bans', of('banned'))).toBe(1);
    expect(await alarm('banned')).toBe('ALARM');
  }, 30_000);

  test('a refused key: refusals are counted, the secret is read anew, and the intent expires', async () => {
    expect(await alarm('key-refused')).toBe('OK');
    await system.addAccount('wrong', { secretKey: 'SECRETKEY' });
    const wanted = intent({ account: 'wrong', expiresAt: new Date(Date.now() + 2500).toISOString() });
    await system.send([wanted]);
    expect(await ended(wanted.id)).toMatchObject({
      status: 'expired',
      reason: 'INTENT_EXPIRED',
      certainty: 'not-sent',
    });
    await system.until('its metrics', async () => (await statistic('Intents', of('wrong'))) === 1);
    expect(await statistic('AuthenticationRefusals', of('wrong'))).toBeGreaterThanOrEqual(1);
    expect(await statistic('SecretRefreshes', of('wrong'))).toBeGreaterThanOrEqual(2);
    expect(await alarm('key-refused')).toBe('ALARM');
  }, 30_000);

  test('a name that no account has makes no metric of its own, and what is no intent is counted all the same', async () => {
    const wanted = intent({ account: 'nobody' });
    const raw = { raw: 'buy bitcoin', group: 'somebody', id: 'noIntent' };
    await system.send([wanted, raw]);
    expect(await ended(wanted.id)).toMatchObject({ reason: 'ACCOUNT_UNKNOWN', account: 'nobody' });
    await system.until('both', async () => (await statistic('Intents', { outcome: 'malformed' })) === 1);
    const { Metrics = [] } = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'TradingBot' }));
    const accounts = Metrics.flatMap(({ Dimensions = [] }) => Dimensions.filter(({ Name }) => Name === 'account'));
    const named = new Set(accounts.map(({ Value }) => Value));
    expect(named).toEqual(new Set(['main', 'small', 'shadow', 'lost', 'doubt', 'banned', 'wrong']));
  });

  test('the whole stage is the sum of its outcomes, and each intent left exactly once', async () => {
    const outcomes = ['accepted', 'denied', 'done', 'unresolved', 'expired', 'malformed'];
    const sums = await Promise.all(outcomes.map((outcome) => statistic('Intents', { outcome })));
    expect(sums).toEqual([3, 2, 1, 1, 1, 1]);
    expect(await statistic('Intents', {})).toBe(9);
    const ids = new Set(system.lines.flatMap((line) => /"message":"outcome","id":"(\w+)"/.exec(line)?.[1] ?? []));
    for (const id of ids) if (/^t[0-9a-f]{16}$/.test(id)) expect([id, endsOf(id).length]).toEqual([id, 1]);
  });

  test('what no alarm is for has raised none', async () => {
    const states = await alarmStates(template, cloudwatch, startedAt);
    for (const slug of ['near-limit', 'execute-errors', 'reconcile-errors', 'execute-throttles', 'slow-decisions', 'pending-dead', 'trigger-dead', 'venue-unavailable', 'clock-offset', 'intents-age', 'pending-age']) {
      expect([slug, states[slug]?.state]).toEqual([slug, 'OK']);
    }
  }); // prettier-ignore

  test('maintenance: the probe says that the exchange is not to be had', async () => {
    await system.control('PUT', '/service', { service_type: 'spot', status: '1' });
    await system.runner.invoke('probe', {});
    expect(await statistic('VenueUnavailable', { venue: 'bitmart' }, 'Maximum')).toBe(1);
    expect(await alarm('venue-unavailable')).toBe('ALARM');
  });

  test('every line in the metric format keeps to it, and no line holds a secret', () => {
    expect(system.aws?.metrics.refused).toEqual([]);
    expect(system.lines.filter((line) => line.includes('"_aws"')).length).toBeGreaterThan(10);
    expect(system.lines.filter((line) => line.includes('metrics were not written'))).toEqual([]);
    const secrets = /SECRETKEY|local-key-|local-secret-|my memo #1/;
    expect(system.lines.filter((line) => secrets.test(line))).toEqual([]);
  });
});
