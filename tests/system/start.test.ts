// `npm start` as a newcomer runs it: child processes on free ports, judged by what they print and what they leave behind.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ending, scenes } from '../../local/demo.ts';
import { look } from '../../local/screen.ts';
import { summary, table } from '../../local/show.ts';
import { parse } from '../../shared/order/intent.ts';

const root = resolve(import.meta.dirname, '../..');
const freePorts = { LOCAL_AWS_PORT: '0', LOCAL_BITMART_PORT: '0' };

interface Run {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
  readonly ended: Promise<{ readonly code: number | null; readonly ms: number }>;
}

/** A run in a process group of its own, so that what it leaves behind can be found. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = root): Run {
  const startedAt = Date.now();
  const ours = /^(LOCAL_|AWS_|COLUMNS$|NO_COLOR$)/;
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  const child = spawn(process.execPath, ['local/start.ts', ...args], {
    ...{ cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] as const, env: { ...inherited, ...freePorts, ...env } },
  });
  const ended = new Promise<{ code: number | null; ms: number }>((done, fail) => {
    child.on('error', fail).on('close', (code) => done({ code, ms: Date.now() - startedAt }));
  });
  const result: Run = { child, stdout: '', stderr: '', ended };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text));
  return result;
}

/** Ends when `done` holds. @throws with what was printed */
async function until(what: string, of: Run, done: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}\n${of.stdout}\n${of.stderr}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** No process of the run's group is left. */
async function isGone({ child }: Run): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      process.kill(-(child.pid ?? 0), 0);
    } catch {
      return true;
    }
    await new Promise((next) => setTimeout(next, 20));
  }
  return false;
}

const runs: Run[] = [];
const track = (one: Run): Run => {
  runs.push(one);
  return one;
};
afterAll(() => {
  for (const { child } of runs) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
});

const ends = [
  ['demoLimit', 'accepted', null, 1],
  ['demoMarket', 'accepted', null, 1],
  ['demoFutures', 'accepted', null, 1],
  ['demoMaker', 'accepted', null, 1],
  ['demoMalformed', 'malformed', 'MALFORMED', 0],
  ['demoTooSmall', 'denied', 'NOTIONAL_BELOW_MINIMUM', 0],
  ['demoExpired', 'expired', 'INTENT_EXPIRED', 0],
  ['demoTooRich', 'rejected', 'VENUE_REFUSED', 0],
  ['demoLostAnswer', 'accepted', null, 1],
  ['demoCancel', 'done', null, 0],
] as const;

describe('npm start -- --once', () => {
  let plain: Run;
  let json: Run;
  beforeAll(async () => {
    plain = track(run(['--once']));
    await plain.ended;
    json = track(run(['--once', '--json'], { COLUMNS: '120' }));
    await json.ended;
  }, 120_000);

  test('exits 0 well under two minutes, and no process stays behind', async () => {
    for (const each of [plain, json]) {
      const { code, ms } = await each.ended;
      expect({ code, text: code === 0 ? '' : each.stdout + each.stderr }).toEqual({ code: 0, text: '' });
      expect(ms).toBeLessThan(60_000);
      expect(await isGone(each)).toBe(true);
    }
    expect(plain.stderr).toBe('');
  });

  test('the table has a row for each intent, with its end', () => {
    const rows = plain.stdout.slice(plain.stdout.indexOf('order, or why there is none'));
    for (const [index, [, status, reason]] of ends.entries()) {
      expect(rows).toMatch(new RegExp(`^ +${index + 1} .* ${status} .*${reason ?? ''}`, 'm'));
    }
    expect(rows).toContain('10 intents, 10 ends as expected');
  });

  test('each step is told as it happens: queue, function, BitMart, report, dead letter', () => {
    const steps = plain.stdout.split(/^\d+\/10 /m).slice(1);
    const of = (index: number): readonly string[] =>
      // Later reports of earlier intents carry their id.
      [...(steps[index] ?? '').matchAll(/^ +\d+ ms {2}(\w+) +(?!demo[A-Z])/gm)].map(([, place = '']) => place);
    expect(of(0)).toEqual(['SQS', 'Lambda', 'BitMart', 'report']);
    expect([...of(5)].sort()).toEqual(['Lambda', 'SQS', 'dead', 'report']);
    expect([...of(7)].sort()).toEqual(['BitMart', 'Lambda', 'SQS', 'dead', 'report']);
    expect(steps[8]).toMatch(/gave no answer[\s\S]* report {3}accepted, order \d+, found by its id/);
  });

  test('without a terminal it prints plain text, at most as wide as asked', () => {
    for (const [text, width] of [
      [plain.stdout, 80],
      [json.stderr, 120],
    ] as const) {
      expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
      const tooWide = text.split('\n').filter((line) => line.length > width);
      // Addresses stand in one line, however long the ports make it.
      expect(tooWide.filter((line) => !line.includes('http://'))).toEqual([]);
    }
  });

  test('--json prints one object per outcome and nothing else', () => {
    const outcomes = json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(
      outcomes.map(({ id, status, reason, ordersAtVenue }) => [id, status, reason, ordersAtVenue] as unknown),
    ).toEqual(ends);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ asExpected: true, surprises: [] });
      expect(outcome['deadLetter'] === null).toBe(outcome['reason'] === null);
    }
  });

  test('the order whose answer was lost exists once', () => {
    const line = json.stdout.split('\n').find((each) => each.includes('"id":"demoLostAnswer"')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ verdicts: ['unknown'], status: 'accepted', ordersAtVenue: 1 });
  });

  test('nothing that it prints holds a key, a secret or a memo', () => {
    for (const text of [plain.stdout, plain.stderr, json.stdout, json.stderr]) {
      expect(text).not.toMatch(/local-key|local-secret|my memo/);
    }
  });
});

describe('npm start stays up', () => {
  let up: Run;
  let hints: string;
  beforeAll(async () => {
    up = track(run([]));
    await until('the hints', up, () => up.stdout.includes('Ctrl-C ends everything'));
    hints = up.stdout.slice(up.stdout.indexOf('With the AWS CLI'));
  }, 60_000);

  const command = (from: string, to: string): string => hints.slice(hints.indexOf(from), hints.indexOf(to)).trim();

  test('the Node command that it prints sends an intent, whose end is shown', async () => {
    const { stderr } = await promisify(execFile)('sh', ['-c', command('npx node', 'Ctrl-C')], { cwd: root });
    expect(stderr).toBe('');
    await until('the report', up, () => /^mine\d+\n(.*\n)+.*report {3}accepted, order \d+/m.test(up.stdout));
  });

  test('what is sent about other things than new orders is told in its own words', async () => {
    const told = (flag: string): string => new RegExp(`--${flag} (\\S+)`).exec(hints)?.[1] ?? '';
    const client = { endpoint: told('endpoint-url'), region: told('region'), credentials: { accessKeyId: 'x', secretAccessKey: 'x' } }; // prettier-ignore
    const [sqs, secrets] = [new SQSClient(client), new SecretsManagerClient(client)];
    // No key that BitMart knows: nothing of it may get there.
    const SecretString = JSON.stringify({ apiKey: 'a', secretKey: 'b', memo: 'c', mandate: { state: 'active', shadow: true } }); // prettier-ignore
    await secrets.send(new CreateSecretCommand({ Name: 'bitmart/accounts/shade', SecretString }));
    const send = async (id: string, fields: Readonly<Record<string, string | number>>): Promise<void> => {
      const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
      const common = {
        id,
        account: 'main',
        market: 'futures',
        symbol: 'ETH_USDT',
        createdAt: at(0),
        expiresAt: at(60_000),
      };
      const MessageBody = JSON.stringify({ ...common, ...fields });
      const ids = { MessageGroupId: String(fields['account'] ?? 'main'), MessageDeduplicationId: id };
      await sqs.send(new SendMessageCommand({ QueueUrl: told('queue-url'), MessageBody, ...ids }));
      await until(id, up, () => new RegExp(`^${id}\\n(.*\\n)+? .*report `, 'm').test(up.stdout));
    };
    const order = { action: 'place', side: 'buy', type: 'limit', size: '0.05', price: '2500' };
    const terms = { leverage: '5', marginMode: 'isolated' };
    const words = async (id: string, fields: Readonly<Record<string, string | number>>): Promise<string> => {
      await send(id, fields);
      const steps = up.stdout.slice(up.stdout.lastIndexOf(`\n${id}\n`)).split('\n\n')[0] ?? '';
      return /^ +\d+ ms {2}(?:BitMart {2}|shadow {3})(.*)/m.exec(steps)?.[1] ?? steps;
    };
    try {
      expect(await words('w1', { action: 'set-leverage', ...terms })).toBe('sets leverage and margin mode');
      expect(await words('w2', { ...order, ...terms })).toBe('takes the order');
      expect(await words('w3', { action: 'amend', target: 'w2', price: '2400' })).toBe('takes the amend');
      expect(await words('w4', { action: 'cancel-all-after', timeoutSeconds: 60 })).toBe('sets the dead-man switch');
      expect(await words('w5', { action: 'cancel', target: 'w2' })).toMatch(/^takes the cancel: /);
      expect(await words('w6', { action: 'cancel-all' })).toBe('cancels all');
      expect(await words('w7', { ...order, ...terms, account: 'shade' })).toBe('signed, not sent');
      await until('the end of w2', up, () => /^w2\n(.*\n)*? .*report {3}canceled/m.test(up.stdout));
    } finally {
      sqs.destroy();
      secrets.destroy();
    }
  }, 60_000);

  test('the time of a step counts from the first one of its intent, wherever it stands', () => {
    // The report of an order that was sent minutes ago comes under the same heading as its first one.
    const times = [...up.stdout.matchAll(/^w2\n((?: .*\n)+)/gm)].flatMap(([, steps = '']) =>
      [...steps.matchAll(/^ +(\d+) ms {2}/gm)].map(([, ms]) => Number(ms)),
    );
    expect(times.length).toBeGreaterThanOrEqual(3);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test('the AWS CLI command that it prints carries a good intent in the right group', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'start-test-'));
    try {
      // In place of the CLI: writes its arguments down, one JSON array.
      const stand = `#!/bin/sh\nexec "${process.execPath}" -e 'console.log(JSON.stringify(process.argv.slice(1)))' -- "$@"\n`;
      await writeFile(join(folder, 'aws'), stand, { mode: 0o755 });
      const env = { ...process.env, PATH: [folder, process.env['PATH']].join(delimiter) };
      const { stdout } = await promisify(execFile)('sh', ['-c', command('id=mine', 'With Node')], { env });
      const args = JSON.parse(stdout) as readonly string[];
      const value = (name: string): string => args[args.indexOf(name) + 1] ?? '';
      const parsed = parse(value('--message-body'));
      expect(parsed).toMatchObject({ kind: 'intent', intent: { id: value('--message-deduplication-id') } });
      expect(value('--message-group-id')).toBe('main');
      expect(value('--queue-url').startsWith(value('--endpoint-url'))).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('SIGINT, even twice as npm hands it on, ends everything with 0', async () => {
    up.child.kill('SIGINT');
    up.child.kill('SIGINT');
    expect(await up.ended).toMatchObject({ code: 0 });
    expect(up.stderr).toBe('');
    expect(await isGone(up)).toBe(true);
  });
});

describe('what goes wrong is told in a sentence', () => {
  test('SIGTERM in the middle ends every child', async () => {
    const cut = track(run(['--once']));
    await until('the first step', cut, () => cut.stdout.includes('1/10'));
    cut.child.kill('SIGTERM');
    expect(await cut.ended).toMatchObject({ code: 143 });
    expect(cut.stderr).toBe('');
    expect(await isGone(cut)).toBe(true);
  });

  test('an unknown flag exits with 2', async () => {
    const wrong = track(run(['--onse']));
    expect(await wrong.ended).toMatchObject({ code: 2 });
    expect(wrong.stderr).toBe("npm start: Unknown option '--onse'\nnpm start -- --help says what there is.\n");
  });

  test('--help explains in lines of 80 columns', async () => {
    const help = track(run(['--help']));
    expect(await help.ended).toMatchObject({ code: 0 });
    for (const flag of ['--once', '--json', 'LOCAL_AWS_PORT']) expect(help.stdout).toContain(flag);
    expect(Math.max(...help.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('a port that is taken is named, with the way out', async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    const { port } = taken.address() as AddressInfo;
    const wrong = track(run(['--once'], { LOCAL_AWS_PORT: String(port) }));
    expect(await wrong.ended).toMatchObject({ code: 1 });
    expect(wrong.stderr).toMatch(new RegExp(`^npm start: .*${port}.*set LOCAL_AWS_PORT.*\n$`));
    await new Promise((done) => taken.close(done));
  });

  test('a wrong setting is named', async () => {
    const wrong = track(run(['--once'], { LOCAL_BITMART_PORT: 'http' }));
    expect(await wrong.ended).toMatchObject({ code: 1 });
    expect(wrong.stderr).toBe('npm start: LOCAL_BITMART_PORT=http is no number from 0 to 65535\n');
  });

  test('without its packages it says which command installs them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'start-test-'));
    try {
      await mkdir(join(folder, 'functions'));
      for (const part of ['local', 'shared', 'package.json'])
        await cp(join(root, part), join(folder, part), { recursive: true });
      const bare = track(run([], {}, folder));
      expect(await bare.ended).toMatchObject({ code: 1 });
      expect(bare.stderr).toMatch(/^npm start: Cannot find package '.+': run npm ci first\n$/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('an intent that ends otherwise than it should is named, with what was expected', () => {
    const [first, , , , , tooSmall] = scenes(Date.now());
    if (first === undefined || tooSmall === undefined) throw new Error('no scenes');
    const report = { id: tooSmall.id, account: 'main', status: 'accepted', action: 'place', at: '' } as const;
    const endings = [ending(first, { verdicts: [] }, 2), ending(tooSmall, { verdicts: ['placed'], report }, 0)];
    const plain = look(80, false);
    expect(endings[0]?.surprises).toEqual([
      'report is missing, expected accepted',
      'number of orders at BitMart is 2, expected 1',
    ]);
    expect(summary(endings, plain).replace(/\s+/g, ' ')).toContain(
      'Limit buy below the minimum: report is accepted, expected denied; reason is none, expected NOTIONAL_BELOW_MINIMUM',
    );
    expect(table(endings, plain)).toContain('UNEXPECTED');
  });
});
