// `npm run local`: the stack as a command, and over an AWS that somebody else runs.
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startLocalAws } from '../../local/aws/server.ts';
import { announce, type Ready } from '../../local/stack.ts';
import { intent } from './fixture.ts';

const main = fileURLToPath(new URL('../../local/main.ts', import.meta.url));
const started: ChildProcess[] = [];
afterEach(() => started.splice(0).forEach((child) => child.kill('SIGKILL')));

/** Starts the command; resolves with the first line that starts with a brace. */
async function start(
  env: Readonly<Record<string, string>>,
): Promise<{ readonly child: ChildProcess; readonly ready: Ready }> {
  const ports = { LOCAL_AWS_PORT: '0', LOCAL_BITMART_PORT: '0', LOCAL_TIME_SCALE: '0.1' };
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...ports, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) return { child, ready: JSON.parse(line) as Ready };
  }
  throw new Error(`no ready line: ${errors.join('')}`);
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) =>
    child.exitCode === null ? child.once('exit', (code) => resolve(code)) : resolve(child.exitCode),
  );

/** The processes whose parent is `pid`, from /proc. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(
    pids.map(async (each) => {
      const stat = await readFile(`/proc/${each}/stat`, 'utf8').catch(() => '');
      return { each, parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) };
    }),
  );
  return parents.filter(({ parent }) => parent === pid).map(({ each }) => each);
}

async function trade(ready: Ready, account: string): Promise<string> {
  const credentials = { accessKeyId: 'anyone', secretAccessKey: 'anything' };
  const sqs = new SQSClient({ endpoint: ready.aws, region: ready.region, credentials });
  const wanted = intent({ account });
  const { intents, reports } = ready.queues;
  const MessageBody = JSON.stringify(wanted);
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: intents,
      MessageBody,
      MessageGroupId: account,
      MessageDeduplicationId: wanted.id,
    }),
  );
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: reports, WaitTimeSeconds: 20 }));
  sqs.destroy();
  const report = JSON.parse(Messages?.[0]?.Body ?? '{}') as { id: string; status: string };
  expect(report.id).toBe(wanted.id);
  return report.status;
}

describe('npm run local', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'says where everything is, trades for any client, and %s ends every child',
    async (signal) => {
      const { child, ready } = await start({ LOCAL_ACCOUNTS: '2' });
      expect(ready).toMatchObject({ ready: true, region: 'ap-northeast-1', accounts: ['main', 'main2'] });
      expect(
        [ready.aws, ready.bitmart.spot, ready.bitmart.futures, ready.control].every((url) =>
          url.startsWith('http://127.0.0.1:'),
        ),
      ).toBe(true);
      expect(await trade(ready, 'main2')).toBe('accepted');
      const children = await childrenOf(child.pid ?? 0);
      expect(children.length).toBeGreaterThan(0);
      child.kill(signal);
      expect(await ended(child)).toBe(0);
      const alive = (
        await Promise.all(children.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)))
      ).filter(Boolean);
      expect(alive).toEqual([]);
    },
  );

  test('creates its queues and secrets in the AWS that AWS_ENDPOINT_URL names', async () => {
    const aws = await startLocalAws();
    try {
      const { child, ready } = await start({
        AWS_ENDPOINT_URL: aws.url,
        AWS_ACCESS_KEY_ID: 'x',
        AWS_SECRET_ACCESS_KEY: 'y',
      });
      expect(ready.aws).toBe(aws.url);
      expect(await trade(ready, 'main')).toBe('accepted');
      child.kill('SIGTERM');
      await ended(child);
      const callers = new Set(aws.calls().map(({ accessKeyId }) => accessKeyId));
      expect([...callers]).toEqual(expect.arrayContaining(['x', 'LOCALEXECUTE']));
    } finally {
      await aws.close();
    }
  });

  test('--help says what there is, and an option that is none is named; neither starts anything', async () => {
    const run = (args: readonly string[]): Promise<string> =>
      new Promise((resolve) =>
        execFile(process.execPath, [main, ...args], (error, stdout, stderr) =>
          resolve(`${String(error?.code ?? 0)} ${stdout}${stderr}`),
        ),
      );
    const help = await run(['--help']);
    expect(help).toMatch(/^0 npm run local\n/);
    for (const name of ['LOCAL_ACCOUNTS', 'LOCAL_ENVIRONMENTS', 'AWS_ENDPOINT_URL', 'npm start']) {
      expect(help).toContain(name);
    }
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(await run(['--halp'])).toBe(
      "2 npm run local: Unknown option '--halp'\nnpm run local -- --help says what there is.\n",
    );
  });

  test('a port that is taken, and a setting that is none, end in one sentence', async () => {
    const aws = await startLocalAws();
    try {
      await expect(start({ LOCAL_AWS_PORT: String(aws.port) })).rejects.toThrow(
        /no ready line: Port \d+ is taken by another program, .*set LOCAL_AWS_PORT/,
      );
      await expect(start({ LOCAL_ACCOUNTS: 'many' })).rejects.toThrow(/LOCAL_ACCOUNTS=many is no number/);
      await expect(start({ LOCAL_TIME_SCALE: '2' })).rejects.toThrow(/time scale 2 is not above 0 and at most 1/);
    } finally {
      await aws.close();
    }
  });
});

test('a second stack of the folder has the desk as long as it is up, and hands it back to the first while that one is up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'announce-'));
  const file = join(folder, 'of', 'ready.json');
  const whose = async (): Promise<unknown> => (JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Ready).aws;
  const [first, second] = await Promise.all([startLocalAws(), startLocalAws()]);
  const ready = (aws: string): Ready => ({
    ...{ ready: true, aws, region: '', bitmart: { spot: '', futures: '' }, accounts: [], control: '' },
    queues: { intents: '', dead: '', pending: '', reports: '' },
  });
  try {
    const forgetFirst = await announce(ready(first.url), file);
    const forgetSecond = await announce(ready(second.url), file);
    expect(await whose()).toBe(second.url);
    await forgetSecond();
    expect(await whose()).toBe(first.url);
    const forgetThird = await announce(ready(second.url), file);
    await forgetFirst();
    expect(await whose()).toBe(second.url);
    await first.close();
    await forgetThird();
    expect(await whose()).toBeUndefined();
  } finally {
    await Promise.all([first.close().catch(() => undefined), second.close()]);
    await rm(folder, { recursive: true, force: true });
  }
});
