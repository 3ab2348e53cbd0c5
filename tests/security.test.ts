// docs/security.md: every control there has a test that is there; and those controls that no other suite shows are shown here.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packageService, templatePath } from '../local/package.ts';
import { endpoints } from '../shared/bitmart/endpoints.ts';
import { startDesk, type DeskSystem } from './cli/fixture.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A threat on the page: what it is, what stands against it, and the tests that are named for it. */
interface Row {
  readonly threat: string;
  readonly control: string;
  readonly shown: readonly string[];
}
function threatsOf(page: string): readonly Row[] {
  const [, after = ''] = page.split('\n## Threats\n');
  const [threats = ''] = after.split('\n## ');
  const plain = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
  return threats.split('\n- ').slice(1).map((text) => {
    const [threat = '', control = '', ...shown] = text.split(/\n### /)[0]?.split('\n\n') ?? [];
    const named = shown.join('\n').split(/^ {2}- /m).slice(1); // prettier-ignore
    return { threat: plain(threat).replace(/^\*\*(.*)\*\*$/, '$1'), control: plain(control), shown: named.map(plain) };
  }); // prettier-ignore
}

/** What is wrong with the tests that a threat names; nothing where each is there. */
function missing({ shown }: Row): readonly string[] {
  return shown.length === 0
    ? ['no test is named']
    : shown.flatMap((named) => {
        const [, file = '', title = ''] = /^`(tests\/[\w/.-]+\.test\.ts)`: (.+)$/.exec(named) ?? [];
        if (file === '') return [`no test is named: ${named}`];
        if (!existsSync(join(root, file))) return [`there is no ${file}`];
        const text = read(file);
        const isThere = ["'", '"', '`'].some((quote) => text.includes(`${quote}${title}${quote}`));
        return isThere ? [] : [`${file} has no test "${title}"`];
      });
}

describe('the threat model', () => {
  const rows = threatsOf(read('docs/security.md'));

  test('names for every threat a control and a test that is there', () => {
    expect(rows.length).toBeGreaterThan(30);
    for (const row of rows) expect({ ...row, missing: missing(row) }).toEqual({ ...row, missing: [] });
    for (const { threat, control } of rows) expect([threat.length > 10, control.length > 10]).toEqual([true, true]);
  });

  test('the check sees a test that is not there, a file that is not there, and a threat without any', () => {
    const [row] = rows;
    for (const shown of ['`tests/docs.test.ts`: no such title', '`tests/nothing.test.ts`: x', 'somebody looked'])
      expect(missing({ ...(row as Row), shown: [shown] })).toHaveLength(1);
    expect(missing({ ...(row as Row), shown: [] })).toHaveLength(1);
  });
});

describe('the template', () => {
  interface Resource {
    readonly Type: string;
  }
  let resources: readonly Resource[];
  let text: string;
  beforeAll(async () => {
    await packageService({ ifStale: true });
    text = readFileSync(templatePath, 'utf8');
    resources = Object.values((JSON.parse(text) as { readonly Resources: Record<string, Resource> }).Resources);
  });

  test('no function can be reached from the internet, and none may write a secret', () => {
    const doors = resources.filter(({ Type }) => /ApiGateway|Lambda::(Url|Permission)|ElasticLoadBalancing|AppSync/.test(Type)); // prettier-ignore
    expect(doors).toEqual([]);
    const actions = new Set(text.match(/"secretsmanager:[^"]*"/g));
    expect([...actions]).toEqual(['"secretsmanager:GetSecretValue"']);
  });

  test('every address that a stage talks to is https', () => {
    const addresses = [...read('serverless.yml').matchAll(/https?:\/\/[^\s'"]+/g)].map(([address]) => address);
    expect(addresses.length).toBeGreaterThan(2);
    expect(addresses.filter((address) => !address.startsWith('https://'))).toEqual([]);
  });
});

test('nothing that is called can move money out of an account, and no intent can ask for it', () => {
  const paths = Object.values(endpoints).map(({ path }) => path);
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => /withdraw|transfer|\/account\/v\d\/(deposit|internal)/i.test(path))).toEqual([]);
  const actions = [...read('docs/intent.schema.json').matchAll(/"action": \{[^}]*?"const": "([\w-]+)"/g)].map(([, action = '']) => action); // prettier-ignore
  const known = ['place', 'cancel', 'cancel-all', 'amend', 'set-leverage', 'set-position-mode', 'cancel-all-after'];
  expect([...new Set(actions)].sort()).toEqual(known.sort());
});

describe('on a local stack', () => {
  let system: DeskSystem;
  beforeAll(async () => {
    system = await startDesk({ keeps: true });
  });
  afterAll(() => system.close());

  const answers = (host: string, port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect({ host, port, timeout: 500 });
      const end = (isOpen: boolean) => () => {
        socket.destroy();
        resolve(isOpen);
      };
      socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false));
    });

  test('the local stack answers on 127.0.0.1 and on no other address', async () => {
    const { aws, bitmart, control } = system.ready;
    const ports = [aws, bitmart.spot, bitmart.futures, control].map((url) => Number(new URL(url).port));
    // 127.0.0.2 is this machine too, and answers where a server listens on all addresses.
    const own = Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address));
    const others = ['127.0.0.2', '::1', ...own].filter((address) => address !== '127.0.0.1' && !address.includes('%'));
    for (const port of ports) {
      expect([port, await answers('127.0.0.1', port)]).toEqual([port, true]);
      for (const other of others) expect([other, port, await answers(other, port)]).toEqual([other, port, false]);
    }
  });

  /** Runs before the desk does, in its process. */
  const before = (code: string): Record<string, string> => ({
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
  });

  test('the desk listens on no port', async () => {
    const watch = before(`import net from 'node:net'; import dgram from 'node:dgram';
      for (const [of, name] of [[net.Server.prototype, 'listen'], [dgram.Socket.prototype, 'bind']])
        of[name] = () => { process.stderr.write('LISTENS'); process.exit(77); };`);
    for (const args of [
      ['status'],
      ['submit', 'main', 'buy', 'BTC_USDT', '--notional', '25', '--yes', '--wait'],
      ['halt', '--all'],
    ])
      // prettier-ignore
      expect([args, (await system.desk(args, { env: watch })).code]).toEqual([args, 0]);
    const planted = before(`import net from 'node:net'; net.Server.prototype.listen = () => process.exit(77); net.createServer().listen(0);`); // prettier-ignore
    expect((await system.desk(['status'], { env: planted })).code).toBe(77);
  });

  test('a strategy that cannot be loaded keeps nobody from halting', async () => {
    const broken = before(`import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) {
        if (url.endsWith('/strategies/all.ts')) throw new SyntaxError('not a strategy');
        return next(url, context);
      } });`);
    const folder = await mkdtemp(join(tmpdir(), 'security-'));
    try {
      await writeFile(join(folder, 'ready.json'), JSON.stringify(system.ready));
      // The sources, since one of them is what breaks.
      const run = (...args: readonly string[]) =>
        promisify(execFile)(process.execPath, [join(root, 'cli/desk.ts'), ...args, '--ready', join(folder, 'ready.json')], { env: { PATH: process.env['PATH'], ...broken } }); // prettier-ignore
      const { stdout, stderr } = await run('halt', 'main', '--reason', 'drill');
      expect(stderr).toContain('cannot be loaded');
      expect(stdout).toContain('main is halted');
      await expect(run('strategies', 'list')).rejects.toMatchObject({ code: 2 });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a desk on the local stack leaves the credentials of the shell alone', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIAOFTHESHELL', AWS_SECRET_ACCESS_KEY: 'of the shell', AWS_SESSION_TOKEN: 'token', AWS_PROFILE: 'prod' }; // prettier-ignore
    const known = system.aws?.calls().length ?? 0;
    expect((await system.desk(['account', 'list'], { env })).code).toBe(0);
    const callers = new Set(
      system.aws
        ?.calls()
        .slice(known)
        .map(({ accessKeyId }) => accessKeyId),
    );
    expect(callers).toContain('LOCALDESK');
    expect([...callers].filter((caller) => caller.startsWith('AKIA'))).toEqual([]);
  });
});
