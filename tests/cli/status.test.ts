// `desk status`: is it trading, and what needs attention; by exit code and by what is said first.
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetQueueUrlCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Versions } from '../../cli/versions.ts';
import type { Ready } from '../../local/stack.ts';
import { intent } from '../system/fixture.ts';
import { desk, startDesk, type DeskSystem } from './fixture.ts';

interface Told {
  readonly isTrading: boolean | null;
  readonly attention: readonly { readonly level: string; readonly said: string }[];
  readonly queues: readonly { readonly queue: string; readonly waiting: number }[];
  readonly exchange: { readonly clockOffsetMs?: number; readonly latencyMs?: number };
  readonly signed: readonly object[];
  readonly versions: Versions;
}

let system: DeskSystem;
let folder: string;
beforeAll(async () => {
  system = await startDesk({ keeps: true });
  folder = await mkdtemp(join(tmpdir(), 'status-'));
});
afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true, force: true });
});

const status = async (...options: string[]): Promise<Told & { readonly code: number | null }> => {
  const { code, out } = await system.desk(['status', '--json', ...options]);
  return { code, ...(JSON.parse(out) as Told) };
};
const mandate = (account: string, fields: object): Promise<unknown> => system.addAccount(account, { mandate: fields });
const readyWith = async (changes: Partial<Ready>): Promise<string> => {
  const path = join(folder, 'ready.json');
  await writeFile(path, JSON.stringify({ ...system.ready, ...changes }));
  return path;
};

test('all is well: it says that it trades, shows accounts, queues and exchange, and exits 0', async () => {
  expect(await status('--deep')).toMatchObject({
    ...{ code: 0, isTrading: true, attention: [], signed: [{ account: 'main', openOrders: 0 }] },
    exchange: { clockOffsetMs: expect.any(Number), latencyMs: expect.any(Number) },
  });
  expect((await system.desk(['status', '--json'])).err).toBe('the local stack: it trades; accounts: 1 active.\n');
  const { out } = await system.desk(['status']);
  expect(out).toMatch(/^the local stack: it trades; accounts: 1 active\./);
  expect(out).toMatch(/^main +active +every symbol[^]*^intents +0 +0 +0$[^]*answers in \d+ ms/m);
});

test('that nobody reads to its end, as before `| head -1`, ends without a word of it and with the same exit code', async () => {
  expect(await system.desk(['status'], { isUnread: true })).toEqual({ code: 0, out: '', err: '' });
});

test('it tells what runs: of each function the hash of its code, which is that of the zip that was built here, and of itself', async () => {
  const { versions } = await status();
  const files = await readdir(fileURLToPath(new URL('../../functions/', import.meta.url)));
  expect(versions.functions.map(({ name }) => `${name}.ts`)).toEqual(files.sort());
  for (const { name, ...rest } of versions.functions) {
    const zip = await readFile(fileURLToPath(new URL(`../../.build/${name}.zip`, import.meta.url)));
    const codeSha256 = createHash('sha256').update(zip).digest('base64');
    expect(rest).toEqual({
      codeSha256,
      runtime: 'nodejs24.x',
      modifiedAt: expect.stringMatching(/^20\d\d-/),
      isBuiltHere: true,
    });
  }
  const { version } = JSON.parse(await readFile(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')) as { readonly version: string }; // prettier-ignore
  expect(versions).toMatchObject({ desk: version, node: process.version });
  const { out } = await system.desk(['status']);
  expect(out).toMatch(/^execute +\S{12} +nodejs24.x +\S+ +yes$/m);
  expect(out).toContain(`version ${version}, on Node ${process.version}`);
});

test('functions that nobody may ask about are unknown, and the rest of the status is there', async () => {
  const fault = (...faults: readonly object[]) => fetch(`${system.ready.aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults }) }); // prettier-ignore
  await fault({ service: 'lambda', fault: 'error', code: 'AccessDeniedException' });
  const { code, versions, isTrading } = await status();
  await fault();
  expect({ code, isTrading }).toEqual({ code: 0, isTrading: true });
  expect(new Set(versions.functions.map(({ unknown }) => unknown))).toEqual(new Set(['AccessDeniedException']));
});

test('a halted account is a note, and where no other trades for real nothing is traded', async () => {
  await mandate('main', { state: 'halted' });
  await mandate('paper', { state: 'active', shadow: true });
  const { code, isTrading, attention } = await status();
  expect({ code, isTrading }).toEqual({ code: 0, isTrading: false });
  expect(attention).toEqual([{ level: 'note', said: expect.stringContaining('main is halted') }]);
  const { out } = await system.desk(['status']);
  expect(out).toMatch(/nothing is traded; accounts: 1 in shadow mode, 1 halted\.\n- main is halted/);
  await mandate('main', { state: 'reducing' });
  expect(await status()).toMatchObject({ code: 0, isTrading: true, attention: [] });
});

test('an exchange that cannot be reached from here is trouble, and whether it trades is not claimed', async () => {
  const nowhere = 'http://127.0.0.1:9';
  const ready = await readyWith({ bitmart: { spot: nowhere, futures: nowhere } });
  const { code, out } = await desk(['status', '--json', '--ready', ready]);
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ isTrading: null, exchange: {}, attention: [{ level: 'trouble', said: expect.stringContaining('cannot be reached') }] }); // prettier-ignore
});

test('where the exchange cannot be reached from here, the first line says so', async () => {
  const nowhere = 'http://127.0.0.1:9';
  const ready = await readyWith({ bitmart: { spot: nowhere, futures: nowhere } });
  const { out } = await desk(['status', '--ready', ready]);
  expect(out.replaceAll('\n', ' ')).toMatch(/^the local stack: whether it trades cannot be told from here.*! the exchange cannot be reached/); // prettier-ignore
});

test('a log that nobody may read is a note', async () => {
  const fault = (...faults: readonly object[]) => fetch(`${system.ready.aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults }) }); // prettier-ignore
  await fault({ service: 'logs', fault: 'error', code: 'AccessDeniedException' });
  const { attention } = await status();
  await fault();
  expect(attention).toContainEqual({ level: 'note', said: expect.stringMatching(/whether orders are refused cannot be seen: .*AccessDenied/) }); // prettier-ignore
});

test('an AWS that cannot be reached is an exit 4', async () => {
  const { code, err } = await desk(['status', '--ready', await readyWith({ aws: 'http://127.0.0.1:9' })]);
  expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('cannot be reached') });
});

test.each([
  [90_000, 1, 'trouble', /(89|90)\.\d s ahead of/],
  [-90_000, 1, 'trouble', /(89|90)\.\d s behind/],
  [5000, 0, 'note', /[45]\.\d s ahead of/],
])('a clock that is off by %d ms is told', async (offsetMs, code, level, said) => {
  await system.control('PUT', '/clock', { offsetMs });
  const told = await status();
  await system.control('PUT', '/clock', { offsetMs: 0 });
  expect(told).toMatchObject({ code, attention: [{ level, said: expect.stringMatching(said) }] });
});

test('a key that does not work shows with --deep, and not without', async () => {
  await system.addAccount('wrong', { secretKey: 'not the secret' });
  expect(await status()).toMatchObject({ code: 0 });
  const { code, attention } = await status('--deep');
  expect({ code, attention }).toEqual({ code: 1, attention: [{ level: 'trouble', said: expect.stringMatching(/^wrong: .*account check wrong/) }] }); // prettier-ignore
  expect((await system.desk(['status', '--deep'])).out).toMatch(/^wrong +active .* failed$/m);
});

test('an account that cannot be read is trouble', async () => {
  await mandate('garbled', { state: 'actve' });
  await system.secrets.send(new PutSecretValueCommand({ SecretId: 'bitmart/accounts/wrong', SecretString: 'no json' }));
  const { code, attention } = await status();
  expect(code).toBe(1);
  expect(attention.map(({ said }) => said)).toEqual([
    expect.stringMatching(/^garbled: .*state.*nothing is placed/),
    expect.stringMatching(/^wrong: .*not a JSON object/),
  ]);
});

test('a dead letter is trouble, and stands before the notes', async () => {
  await mandate('main', { state: 'halted' });
  await system.send([intent({ size: 1 }), intent({ price: 'much' })]);
  const dead = async (): Promise<number> => (await status()).queues.find(({ queue }) => queue === 'dead')?.waiting ?? 0;
  await system.until('both are buried', async () => (await dead()) === 2);
  const { code, out } = await system.desk(['status']);
  expect(code).toBe(1);
  expect(out).toMatch(/^the local stack: nothing is traded[^\n]*\n! 2 dead letters: `desk dead list` says why\n[^]*^- main is halted/m); // prettier-ignore
});

test('maintenance of the exchange is trouble, with what to do', async () => {
  await system.control('PUT', '/faults', { faults: [{ path: '/system/service', fault: 'code', code: 30016 }] });
  const { code, attention } = await status();
  expect(attention).toContainEqual({ level: 'trouble', said: expect.stringMatching(/^the exchange: .*intents wait/) });
  expect(code).toBe(1);
  await system.control('DELETE', '/faults');
});

test('a strategy that failed is trouble', async () => {
  const { QueueUrl } = await system.sqs.send(new GetQueueUrlCommand({ QueueName: 'trading-bot-dev-trigger-dead' }));
  await system.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
  const { code, attention, queues } = await status();
  expect(attention).toContainEqual({ level: 'trouble', said: expect.stringContaining('strategies failed') });
  expect(queues).toContainEqual(expect.objectContaining({ queue: 'trigger-dead', waiting: 1 }));
  expect(code).toBe(1);
});

describe('of orders that were refused', () => {
  let its: DeskSystem;
  beforeAll(async () => {
    its = await startDesk({ accounts: 2 });
  });
  afterAll(() => its.close());
  const looked = async (...options: string[]): Promise<Told & { readonly code: number | null }> => {
    const { code, out } = await its.desk(['status', '--json', ...options]);
    return { code, ...(JSON.parse(out) as Told) };
  };
  const change = async (account: string, state: string): Promise<unknown> => its.desk(state === 'halted' ? ['halt', account] : ['resume', account, '--reason', 'a test', '--yes']); // prettier-ignore
  /** An order that comes back, by what was logged of its account. */
  const refusedOrder = async (account: string, logged: string): Promise<void> => {
    const seen = its.lines.length;
    await its.send([intent({ account })]);
    await its.until(`${account}: ${logged}`, () =>
      its.lines.slice(seen).some((line) => line.includes(logged) && line.includes(`"${account}"`)),
    );
  };

  test('an account whose key is refused is told as parked, and it is not said plainly that it trades', async () => {
    await change('main', 'halted');
    await its.control('PUT', '/faults', { faults: [{ path: '/spot/v2/submit_order', fault: 'code', code: 30002 }] });
    await refusedOrder('main2', 'account refused');
    const said = /^main2: parked, since its key was refused, left alone for 60 s .*30002.*no order was placed since/;
    const told = await looked();
    expect(told).toMatchObject({ code: 1, isTrading: false });
    expect(told.attention[0]).toEqual({ level: 'trouble', said: expect.stringMatching(said) });
    expect(told.attention).toContainEqual({ level: 'note', said: expect.stringMatching(/^1 intent is on its way;/) });
    expect((await its.desk(['status'])).out).toMatch(/^the local stack: it may trade, and the exchange refuses it;/);
    // For reads it is good: the order alone is refused here.
    const deep = await looked('--deep');
    expect(deep).toMatchObject({ code: 0, isTrading: false });
    expect(deep.attention[0]).toEqual({ level: 'note', said: expect.stringContaining('good for a read now') });
    // Another may trade.
    await change('main', 'active');
    expect((await its.desk(['status'])).out).toMatch(/^the local stack: it trades, but not for 1 of 2 accounts;/);
    await its.control('DELETE', '/faults');
    await change('main2', 'halted');
    expect((await looked()).attention[0]).toEqual({ level: 'note', said: expect.stringContaining('main2 is halted') });
  });

  test('orders that are refused for their timestamps are told, until one is placed', async () => {
    await its.control('PUT', '/clock', { offsetMs: 90_000 });
    await refusedOrder('main', '"unavailable"');
    const told = await looked();
    await its.control('PUT', '/clock', { offsetMs: 0 });
    expect(told.attention).toContainEqual({ level: 'trouble', said: expect.stringMatching(/^main: the exchange did not take its last order .*30007/) }); // prettier-ignore
    await refusedOrder('main', '"placed"');
    expect((await looked()).attention.filter(({ said }) => said.startsWith('main:'))).toEqual([]);
  });
});
