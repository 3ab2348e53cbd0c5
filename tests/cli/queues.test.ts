// What waits on the queues, by `desk`: counted, looked at and left, followed, and taken.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { ExecutionReport } from '../../shared/order/report.ts';
import { intent } from '../system/fixture.ts';
import { startDesk, type DeskSystem, type Given, type Said } from './fixture.ts';

let system: DeskSystem;
beforeAll(async () => {
  system = await startDesk({ keeps: true, accounts: 2 });
});
afterAll(() => system.close());

const desk = (args: readonly string[], given?: Given): Promise<Said> => system.desk(args, given);
const json = ({ out }: Said): unknown => JSON.parse(out);
interface Looked {
  readonly reports: readonly ExecutionReport[];
  readonly isComplete: boolean;
}
const reportsOf = async (...args: readonly string[]): Promise<Looked> =>
  json(await desk(['reports', '--json', ...args])) as Looked;
const count = async (queue: 'intents' | 'reports'): Promise<number> => {
  const names = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
  const QueueUrl = system.ready.queues[queue];
  const { Attributes = {} } = await system.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: names }));
  return names.reduce((sum, name) => sum + Number(Attributes[name]), 0);
};
/** Places one that rests, for each account, and waits until each has its report. */
const placed = async (...accounts: readonly string[]): Promise<readonly string[]> => {
  const intents = accounts.map((account) => intent({ account }));
  const before = await count('reports');
  await system.send(intents);
  await system.until('reports', async () => (await count('reports')) === before + intents.length);
  return intents.map(({ id }) => id);
};

test('intents that wait are counted, and not one of them is received', async () => {
  await system.runner.pause('execute');
  // Its poll has ended here, and SQS has to see that too.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await system.send([intent(), intent(), intent({ account: 'main2' })]);
  const received = () => system.aws?.calls().filter((call) => call.action === 'ReceiveMessage' && call.accessKeyId === 'LOCALDESK').length; // prettier-ignore
  const words = await desk(['intents']);
  expect(words).toMatchObject({ code: 0, err: '' });
  expect(words.out).toMatch(/waiting.*in flight/);
  const said = await desk(['intents', '--json']);
  expect(said.code).toBe(0);
  expect(json(said)).toMatchObject({
    ...{ queue: 'intents', waiting: 3, inFlight: 0, delayed: 0 },
    oldest: { kind: 'age', seconds: expect.any(Number) },
  });
  expect(received()).toBe(0);
  system.runner.resume('execute');
  await system.until('all taken', async () => (await count('intents')) === 0);
  expect(json(await desk(['intents', '--json']))).toEqual({ queue: 'intents', waiting: 0, inFlight: 0, delayed: 0 });
  await desk(['reports', '--take', '--yes']);
});

test('where CloudWatch cannot be asked, the numbers are shown and the age is not known', async () => {
  await system.runner.pause('execute');
  await new Promise((resolve) => setTimeout(resolve, 500));
  await system.send([intent()]);
  const faults = [{ service: 'monitoring', fault: 'error', code: 'AccessDeniedException' }];
  await fetch(`${system.ready.aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults }) });
  try {
    const { code, out } = await desk(['intents']);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('cannot be asked (AccessDenied') });
  } finally {
    await fetch(`${system.ready.aws}/_faults`, { method: 'DELETE' });
    system.runner.resume('execute');
  }
  await system.until('taken', async () => (await count('intents')) === 0);
  await desk(['reports', '--take', '--yes']);
});

test('reports are looked at, by account and id, and stay where they are', async () => {
  const [first = '', second = ''] = await placed('main', 'main2');
  const all = await reportsOf();
  expect(all.isComplete).toBe(true);
  expect(all.reports.map(({ id, status }) => [id, status])).toEqual(
    expect.arrayContaining([
      [first, 'accepted'],
      [second, 'accepted'],
    ]),
  );
  expect((await reportsOf('--account', 'main2')).reports.map(({ id }) => id)).toEqual([second]);
  expect((await reportsOf('--id', first)).reports.map(({ id }) => id)).toEqual([first]);
  const words = await desk(['reports', '--id', first]);
  expect(words).toMatchObject({ code: 0, out: expect.stringContaining('accepted') });
  expect((await desk(['reports', '--id', 'nobody'])).out).toContain('no such reports');
  expect(await count('reports')).toBe(2);
});

test('nobody to be asked and no --yes: nothing is taken, and it exits 3', async () => {
  const before = await count('reports');
  const said = await desk(['reports', '--take']);
  expect(said).toMatchObject({ code: 3, out: '', err: expect.stringContaining('--yes') });
  expect(await count('reports')).toBe(before);
});

test('what is taken is shown and gone; what was not wanted stays', async () => {
  await desk(['reports', '--take', '--yes']);
  const [first = '', second = ''] = await placed('main', 'main2');
  const said = await desk(['reports', '--take', '--account', 'main', '--yes', '--json']);
  expect(said.code).toBe(0);
  expect(json(said)).toMatchObject({ id: first, account: 'main', status: 'accepted' });
  expect((await reportsOf()).reports.map(({ id }) => id)).toEqual([second]);
  expect(await desk(['reports', '--take', '--yes'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('1 taken'),
  });
  expect((await reportsOf()).reports).toEqual([]);
});

test('what nobody reads any more is not taken: it stays on the queue', async () => {
  await placed('main', 'main2');
  expect(await desk(['reports', '--take', '--yes'], { isUnread: true })).toMatchObject({ code: 1, err: '' });
  expect(await count('reports')).toBe(2);
  expect(await desk(['reports', '--take', '--yes'])).toMatchObject({ out: expect.stringContaining('2 taken') });
});

test('followed until Ctrl-C, each report is told once however often it is there, and it exits 0', async () => {
  const [id = ''] = await placed('main');
  const [report] = (await reportsOf('--id', id)).reports;
  const QueueUrl = system.ready.queues.reports;
  await system.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(report) }));
  await system.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'no report' }));
  const last = intent({ account: 'main2' });
  const following = desk(['reports', '--follow', '--json'], { until: last.id });
  await new Promise((resolve) => setTimeout(resolve, 4000));
  await system.send([last]);
  const said = await following;
  expect(said).toMatchObject({ code: 0, err: expect.stringContaining('Ctrl-C') });
  const told = said.out.trim().split('\n').map((line) => (JSON.parse(line) as ExecutionReport).id); // prettier-ignore
  expect(told).toEqual([id, last.id]);
  expect(await count('reports')).toBe(4);
}, 30_000);

test('a report that would move the cursor is shown as text', async () => {
  const evil = {
    id: 'evil\u001b[2J',
    account: 'main',
    status: 'filled',
    action: 'place',
    at: 'now\u009b1A',
    detail: '\u0007',
  };
  const MessageBody = JSON.stringify(evil);
  await system.sqs.send(new SendMessageCommand({ QueueUrl: system.ready.queues.reports, MessageBody }));
  const { code, out } = await desk(['reports']);
  expect({ code, isEvil: /[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(out) }).toEqual({ code: 0, isEvil: false });
  expect(out).toContain('evil?[2J');
});

test('a queue that cannot be reached: it says so and exits 4', async () => {
  const aws = system.ready.aws;
  const faults = [{ service: 'sqs', fault: 'error', code: 'AccessDeniedException' }];
  await fetch(`${aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults }) });
  try {
    for (const command of [['intents'], ['reports']]) {
      expect(await desk(command)).toMatchObject({ code: 4, err: expect.stringContaining('AccessDenied') });
    }
  } finally {
    await fetch(`${aws}/_faults`, { method: 'DELETE' });
  }
});
