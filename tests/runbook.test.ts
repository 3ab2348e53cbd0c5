// The runbook: a page for each alarm and each bad day, all of one form, and every command on them runs on a local stack that is
// in the state which the page is for. `--stage prod` is the local stack here; nothing else of a command is changed.
import { DeleteSecretCommand } from '@aws-sdk/client-secrets-manager';
import { GetQueueUrlCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { localKeys } from '../local/stack.ts';
import { startDesk, type DeskSystem } from './cli/fixture.ts';
import { intent } from './system/fixture.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const FOLDER = 'docs/runbook';
const pages = readdirSync(join(root, FOLDER)).map((name) => name.replace(/\.md$/, ''));
const linksOf = (text: string): readonly string[] => [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link); // prettier-ignore
const commandsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^ *```sh\n([^]*?)^ *```/gm)].flatMap(([, block = '']) => block.split('\n').map((line) => line.trim()).filter(Boolean)); // prettier-ignore

describe('the pages', () => {
  const ALARMS = [
    ...['dead-letters', 'unresolved', 'stuck-queue', 'orders-not-followed', 'banned', 'key-refused', 'near-limit'],
    ...['function-errors', 'function-throttled', 'probe-silent', 'slow-decisions', 'strategy-fails', 'clock-offset'],
    ...['exchange-down'],
  ];
  const BAD_DAYS = ['stolen-key', 'wound-down', 'duplicate-suspected', 'mistaken-strategy', 'rollback', 'halted'];

  test('are there for every alarm and every bad day, and each is found from the index', () => {
    expect([...pages].sort()).toEqual([...ALARMS, ...BAD_DAYS, 'by-hand'].sort());
    const linked = new Set(linksOf(read('docs/runbook.md')).filter((link) => link.startsWith('runbook/')));
    expect([...linked].sort()).toEqual(pages.map((page) => `runbook/${page}.md`).sort());
  });

  test.each([...ALARMS, ...BAD_DAYS])(
    '%s says what it means, what is at stake, how to see it, what to do, and when it is over',
    (page) => {
      const text = read(`${FOLDER}/${page}.md`);
      const heads = [...text.matchAll(/^## (.*)$/gm)].map(([, head = '']) => head.replace(/,.*/, ''));
      expect(heads).toEqual(['What it means', 'What is at stake', 'How to see it', 'What to do', 'How to know that it is over']); // prettier-ignore
      expect(text.split('\n').length).toBeLessThanOrEqual(60);
      const [, see = ''] = text.split('\n## How to see it\n');
      expect(commandsOf(see.split('\n## ')[0] ?? '').length).toBeGreaterThan(0);
      expect(commandsOf(text.split('\n## How to know')[1] ?? '').length).toBeGreaterThan(0);
    },
  );

  test('every alarm of the template leads to a page that is there', () => {
    const named = [...read('serverless.yml').matchAll(/(?:docs\/runbook|\$\{param:runbook\})\/([\w-]+)\.md/g)].map(([, page = '']) => page); // prettier-ignore
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((page) => !pages.includes(page))).toEqual([]);
  });

  test('every alarm of the template is in the index, beside the page that its description names', () => {
    const alarms = [...read('serverless.yml').matchAll(/AlarmName: \S+-\$\{sls:stage\}-(\S+)\n\s+AlarmDescription: .*\/([\w-]+)\.md/g)]; // prettier-ignore
    expect(alarms.length).toBeGreaterThan(20);
    const rows = read('docs/runbook.md').split('\n').filter((line) => line.startsWith('| `')); // prettier-ignore
    for (const [, alarm = '', page = ''] of alarms) {
      const row = rows.find((line) => line.split('|')[1]?.includes(`\`${alarm}\``));
      expect([alarm, row]).toEqual([alarm, expect.stringContaining(`(runbook/${page}.md)`)]);
    }
    const named = rows.flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`([\w-]+)`/g)].map(([, alarm]) => alarm),
    );
    expect(named.sort()).toEqual(alarms.map(([, alarm]) => alarm).sort());
  });

  test('every link of the docs, and every page that the code names, is there', () => {
    const docs = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'docs', FOLDER, 'docs/decisions'].flatMap((path) =>
      path.endsWith('.md') ? [path] : readdirSync(join(root, path)).filter((name) => name.endsWith('.md')).map((name) => `${path}/${name}`)); // prettier-ignore
    const dangling = docs.flatMap((path) =>
      linksOf(read(path)).filter((link) => !/^https?:/.test(link) && !existsSync(join(root, dirname(path), link))).map((link) => `${path}: ${link}`)); // prettier-ignore
    expect(dangling).toEqual([]);
    const sources = ['cli', 'functions', 'shared', 'local'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`)); // prettier-ignore
    const named = sources.flatMap((path) => [...read(path).matchAll(/docs\/[\w/-]+\.md/g)].map(([page]) => `${path}: ${page}`)); // prettier-ignore
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((each) => !existsSync(join(root, each.split(': ')[1] ?? '')))).toEqual([]);
  });
});

// ---- the commands

/** What is run elsewhere, or as it stands. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'git checkout "$COMMIT"': 'is of git',
  'export AWS_REGION=ap-northeast-1':
    'tests/docs.test.ts: is the region of the stack, which the desk then needs no option for',
  'npm ci': '.ci/run',
  'npx serverless deploy --stage prod': 'tests/docs.test.ts, up to the upload',
  'npm run where -- "at file:///var/task/execute.mjs:1:120"': 'tests/supply.test.ts, with other places',
};

/** Commands that look may find trouble, which is why somebody looks; what acts must be done. */
const LOOKS = /^npx desk (status|doctor|intents|reports|trace|orders|fills|balances|dead (list|show)|account (list|check)|strategies list)\b/; // prettier-ignore

interface Scene {
  /** Brings about what the page is for; gives what its commands name. Its account is there already. */
  readonly before?: (account: string) => Promise<Readonly<Record<string, string>> | undefined>;
  /** Brings about what one of its commands needs beyond that, by how that begins. */
  readonly first?: Readonly<Record<string, (account: string) => Promise<unknown>>>;
  readonly stdin?: (account: string) => string;
}

describe('every command on a page', () => {
  let system: DeskSystem;
  beforeAll(async () => {
    // Halts act at once, so that a page need not wait half a minute between two lines.
    system = await startDesk({ keeps: true, timeScale: 0.1, variables: { SECRET_CACHE_SECONDS: '0' } });
  });
  afterAll(() => system.close());

  const control = (path: string, body: unknown): Promise<unknown> => system.control('PUT', path, body);
  const urlOf = async (queue: string): Promise<string> =>
    (await system.sqs.send(new GetQueueUrlCommand({ QueueName: `trading-bot-dev-${queue}` }))).QueueUrl ?? '';
  const put = async (queue: string, body: unknown, more: object = {}): Promise<void> => {
    await system.sqs.send(new SendMessageCommand({ QueueUrl: await urlOf(queue), MessageBody: JSON.stringify(body), ...more })); // prettier-ignore
  };
  const sent = async (fields: Readonly<Record<string, unknown>>): Promise<{ readonly ID: string }> => {
    const one = intent(fields);
    await system.send([one]);
    return { ID: one.id };
  };
  const isThere = async (id: string): Promise<boolean> =>
    (await system.control<readonly { readonly clientOrderId: string }[]>('GET', '/orders')).some(({ clientOrderId }) => clientOrderId === id); // prettier-ignore
  const resting = async (account: string): Promise<{ readonly ID: string }> => {
    const order = await sent({ account });
    await system.until('the order', () => isThere(order.ID));
    return order;
  };
  /** A letter of this intent, as `execute` would have buried it; its life was over long enough ago for a replay. */
  const letter = async (account: string, id: string, reason: string, certainty: string): Promise<void> => {
    const [createdAt, expiresAt] = [280_000, 200_000].map((ms) => new Date(Date.now() - ms).toISOString());
    const attributes = { reason, certainty, detail: 'made by a test', intentId: id, account, attempts: '1' };
    await put('dead.fifo', intent({ account, id, createdAt, expiresAt }), {
      MessageGroupId: account,
      MessageDeduplicationId: `${id}${Date.now()}`,
      MessageAttributes: Object.fromEntries(Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }])), // prettier-ignore
    });
  };
  const wrongSecret = (account: string): Promise<void> => system.addAccount(account, { secretKey: 'not the secret' });

  const scenes: Readonly<Record<string, Scene>> = {
    'dead-letters': {
      before: async (account) => {
        const ID = `letter${Date.now()}`;
        await letter(account, ID, 'INTENT_EXPIRED', 'not-sent');
        return { ID, PRICE: '50000' };
      },
      first: { 'npx desk dead drop': (account) => letter(account, ids[account] ?? '', 'INTENT_EXPIRED', 'not-sent') },
    },
    unresolved: {
      before: async (account) => {
        const { ID } = await resting(account);
        await letter(account, ID, 'UNRESOLVED', 'unknown');
        return { ID };
      },
    },
    'stuck-queue': {
      before: async (account) => {
        await wrongSecret(account);
        return sent({ account });
      },
    },
    'orders-not-followed': {
      before: async (account) => {
        const { ID } = await resting(account);
        await put('pending-dead', { intent: intent({ account, id: ID }), acceptedAt: new Date().toISOString(), venueOrderId: '4711' }); // prettier-ignore
        return { ID };
      },
    },
    banned: {
      before: async (account) => {
        await control('/faults', { faults: [{ path: '/spot/v2/submit_order', fault: 'status', code: 418, times: 1 }] });
        return sent({ account });
      },
    },
    'key-refused': {
      before: async (account) => {
        await wrongSecret(account);
        return sent({ account });
      },
      stdin: (account) => JSON.stringify(localKeys(account)),
    },
    'slow-decisions': { before: resting },
    'strategy-fails': {
      before: async () => {
        await put('trigger-dead', { requestPayload: {}, responsePayload: { errorMessage: 'made by a test' } });
        const start = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 600_000).toISOString();
        const parameters = { symbol: 'BTC_USDT', notional: '25', budget: '1000', start, intervalSeconds: 60 };
        return { STRATEGY: 'dca', SCHEDULE: 'runbook', PARAMETERS: JSON.stringify(parameters) };
      },
    },
    'clock-offset': { before: () => control('/clock', { offsetMs: 90_000 }).then(() => undefined) },
    'exchange-down': {
      before: () => control('/faults', { faults: [{ path: '/system/service', fault: 'code', code: 30016 }] }).then(() => undefined), // prettier-ignore
    },
    'stolen-key': { stdin: (account) => JSON.stringify(localKeys(account)) },
    'duplicate-suspected': { before: resting },
    'mistaken-strategy': { before: resting },
  };
  const ran = new Set<string>();
  /** The ids of the scenes, by account. */
  const ids: Record<string, string> = {};

  test.each(
    ['runbook', ...pages].map((page) => [page, page === 'runbook' ? 'docs/runbook.md' : `${FOLDER}/${page}.md`]),
  )(
    'of %s runs, in its order, when it is needed',
    async (page, path) => {
      const account = page.replaceAll('-', '');
      await system.addAccount(account);
      const scene = scenes[page] ?? {};
      const named = { ACCOUNT: account, ...(await scene.before?.(account)) } as Readonly<Record<string, string>>;
      ids[account] = named['ID'] ?? '';
      for (const command of commandsOf(read(path)).filter((each) => ELSEWHERE[each] === undefined)) {
        // A look at all of the stack is the same on every page.
        if (LOOKS.test(command) && !command.includes('$') && ran.has(command)) continue;
        ran.add(command);
        for (const [begin, bring] of Object.entries(scene.first ?? {})) if (command.startsWith(begin)) await bring(account); // prettier-ignore
        const { code, out, err } = await runOn(system, command, named, scene.stdin?.(account));
        const isGood = out !== '' && (code === 0 || (code === 1 && LOOKS.test(command)));
        expect({ command, isGood, code, out, err }).toMatchObject({ isGood: true });
      }
      // What looks at all accounts is quick again.
      await system.secrets.send(new DeleteSecretCommand({ SecretId: `bitmart/accounts/${account}`, ForceDeleteWithoutRecovery: true })); // prettier-ignore
      await system.control('DELETE', '/faults');
      await control('/clock', { offsetMs: 0 });
    },
    120_000,
  );
});

/** Runs a line of a page as a shell would read it, on the local stack, with a yes to what it asks. */
async function runOn(system: DeskSystem, command: string, named: Readonly<Record<string, string>>, stdin = '') {
  expect(command).toMatch(/^npx desk .* --stage prod$/);
  const line = command.replace(/^npx desk /, '').replace(/ --stage prod$/, '');
  // A variable that the scene does not give is an error, not an empty argument.
  const { stdout } = await promisify(execFile)('sh', ['-uc', `set -- ${line}; printf '%s\\n' "$@"`], { env: { ...named, PATH: process.env['PATH'] ?? '' } }); // prettier-ignore
  return system.desk([...stdout.trimEnd().split('\n'), '--yes'], { stdin, env: { SECRET_CACHE_SECONDS: '0' } });
}
