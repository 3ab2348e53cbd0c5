// The docs hold nothing that is not run: generated pages are what the code says, commands exist and work, examples run.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pages } from '../local/docs.ts';
import { readCredentials } from '../shared/bitmart/venue.ts';
import { parse } from '../shared/order/intent.ts';
import { readMandate } from '../shared/order/mandate.ts';
import type { Firing, Strategy } from '../shared/strategies/strategy.ts';
import { templateWith } from './packaged.ts';
import { startSystem, type System } from './system/fixture.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const blocks = (text: string, language: string): readonly string[] =>
  // Also within a list, where it is indented.
  [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\``, 'gms'))].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );

test('every generated page is what the code says (npm run docs)', async () => {
  for (const [path, text] of Object.entries(await pages()))
    expect({ path, text: await read(path) }).toEqual({ path, text });
});

describe('commands', () => {
  /** Where each command of a shell block is run. What cannot be run without an AWS account is run as far as it goes. */
  const runIn: Readonly<Record<string, string>> = {
    'npm ci': '.ci/run',
    'npm test': '.ci/run',
    'npm run check': '.github/workflows/check.yml',
    'npm test -- tests/order/admit.test.ts': 'a part of npm test',
    'export AWS_REGION=ap-northeast-1': 'below',
    'npx desk halt --all --reason "looking" --stage prod': 'tests/runbook.test.ts',
    'npx desk status --deep --stage prod': 'tests/runbook.test.ts',
    'npm start': 'tests/system/start.test.ts',
    'npx node .local/first.mjs': 'below',
    'npm run simulate -- --seed 7': 'tests/simulation/simulation.test.ts',
    'npm run simulate -- --runs 200': 'tests/simulation/simulation.test.ts, with other numbers',
    'npm run bench': 'tests/bench.test.ts, in part',
    'npm run gameday': 'tests/gameday.test.ts, in its short form',
    'npm run package': 'pretest, and tests/template.test.ts',
    ...Object.fromEntries(
      ['dca', 'twap', 'rebalance'].map((name) => [`npx desk backtest ${name}`, 'the generated pages, with its output']),
    ),
    'npx serverless deploy --stage prod': 'below, up to the upload',
    'npx serverless package': 'tests/stackpage.test.ts',
    'npx serverless remove --stage prod': 'tests/stackpage.test.ts, that there is such a command',
    'export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=ap-northeast-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local':
      'tests/producer/examples.test.ts, with other ports',
    'export INTENTS_QUEUE_URL=http://127.0.0.1:4566/000000000000/trading-bot-dev-intents.fifo':
      'tests/producer/examples.test.ts, with another port',
    'npx desk submit main buy BTC_USDT --notional 25 --local --wait': 'tests/cli/orders.test.ts, with --yes',
    'npx desk status --local': 'below',
    ...Object.fromEntries(
      [
        `export CONTROL="$(npx node -p 'require("./.local/ready.json").control')"`,
        'npx desk submit main buy BTC_USDT --notional 25 --local --yes',
        'npx desk doctor --local',
        'npx desk status --deep --local',
        'curl -sS',
      ].map((line) => [line, 'tests/practise.test.ts, every line of its page']),
    ),
    'npx desk submit main buy BTC_USDT --notional 25 --local --yes --wait': 'below',
    [`npx desk strategies run rebalance --local --account main --schedule weights --dry-run --parameters '{ "targets": { "BTC": "50" }, "maxOrderNotional": "1000", "start": "2026-01-01T00:00:00Z", "intervalSeconds": 300 }'`]:
      'below',
    'npx desk account add main --symbols BTC_USDT --max-order-notional 1000 --stage prod':
      'tests/cli/accounts.test.ts, on a local stack and from stdin',
    'npx desk submit --file intents.json --dry-run --local': 'tests/cli/orders.test.ts',
    'npx desk cancel-all main --symbol BTC_USDT --local': 'tests/cli/orders.test.ts, with --yes',
    'npx node examples/node.mjs': 'tests/producer/examples.test.ts',
    'npm pack ./.build/producer': 'tests/producer/package.test.ts',
    'aws sqs send-message --queue-url "$INTENTS_QUEUE_URL" --cli-input-json file://examples/aws-cli.json --endpoint-url "$AWS_ENDPOINT_URL"':
      'tests/producer/examples.test.ts',
    'python3 examples/with_boto3.py': 'tests/producer/examples.test.ts',
  };

  test('every command in a shell block is run by something', async () => {
    const docs = [
      'README.md',
      'CONTRIBUTING.md',
      ...(await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
    ];
    const commands = (await Promise.all(docs.map(read)))
      .flatMap((text) => blocks(text, 'sh').join('').split('\n'))
      .filter(Boolean);
    expect(commands.length).toBeGreaterThan(5);
    const nameOf = (command: string): string =>
      /^(npx desk backtest \w+|npx serverless package|curl -sS)/.exec(command)?.[0] ?? command;
    expect(commands.filter((command) => runIn[nameOf(command)] === undefined)).toEqual([]);
  });

  test('every npm script that the docs name exists', async () => {
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    const named = [...(await read('README.md')).matchAll(/npm (?:run )?([a-z]+)/g)].map((match) => match[1] ?? '');
    const builtIn = new Set(['ci']);
    expect(named.filter((name) => name !== 'and' && !builtIn.has(name) && scripts[name] === undefined)).toEqual([]);
  });

  test('the region that is set before them is that of the stack, and the desk needs no option then', async () => {
    const pages = await Promise.all(['README.md', 'docs/stack.md', 'docs/runbook.md'].map(read));
    const set = pages.map((text) => /export AWS_REGION=(\S+)/.exec(text)?.[1] ?? '');
    const [, region = ''] = /^ {4}region: (\S+)/m.exec(await read('serverless.yml')) ?? [];
    expect(set).toEqual([region, region, region]);
    // Nobody listens there: what is asked for is the address, and no region.
    const nowhere = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_MAX_ATTEMPTS: '1' }; // prettier-ignore
    const status = (env: object): Promise<string> =>
      run(process.execPath, [join(root, 'cli/desk.ts'), 'status', '--stage', 'prod'], { env: { PATH: process.env['PATH'], ...nowhere, ...env } }).then(({ stdout }) => stdout, (error: unknown) => (error as { readonly stderr: string }).stderr); // prettier-ignore
    expect(await status({})).toContain('No AWS region');
    expect(await status({ AWS_REGION: region })).not.toContain('No AWS region');
  }, 60_000);

  test('the deploy command packages for its stage without an account', async () => {
    const { Resources, Outputs } = await templateWith(['--stage', 'prod']);
    expect(JSON.stringify(Resources)).toContain('trading-bot-prod-intents.fifo');
    const named = [...(await read('README.md')).matchAll(/`(\w+QueueUrl)`/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(3);
    expect(Object.keys(Outputs)).toEqual(expect.arrayContaining(named));
  }, 60_000);
});

describe('examples', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system.close());

  test("the README's first intent becomes an order", async () => {
    const [source = ''] = blocks(await read('README.md'), 'js');
    const folder = join(root, '.local', `readme-${process.pid}`);
    await mkdir(join(folder, '.local'), { recursive: true });
    try {
      await writeFile(join(folder, '.local', 'ready.json'), JSON.stringify(system.ready));
      await writeFile(join(folder, '.local', 'first.mjs'), source);
      const { stdout, stderr } = await run('npx', ['node', '.local/first.mjs'], { cwd: folder });
      // Not even a warning: it is the project's own Node.
      expect(stderr).toBe('');
      const id = /sent (\w+)/.exec(stdout)?.[1] ?? '';
      await system.until('a report', () => system.reportsOf(id).length > 0);
      expect(system.reportsOf(id)).toMatchObject([{ status: 'accepted' }]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("the README's commands of the desk work on a local stack as they stand", async () => {
    const folder = join(root, '.local', `desk-${process.pid}`);
    await mkdir(join(folder, '.local'), { recursive: true });
    try {
      await writeFile(join(folder, '.local', 'ready.json'), JSON.stringify(system.ready));
      const commands = blocks(await read('README.md'), 'sh')
        .flatMap((block) => block.split('\n'))
        .filter((line) => line.startsWith('npx desk') && line.includes('--local'));
      expect(commands.length).toBeGreaterThan(2);
      for (const command of commands) {
        const { stdout } = await run('sh', ['-c', command], { cwd: folder });
        expect(stdout).not.toBe('');
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);

  test('the strategy of the strategy page decides as it says', async () => {
    const [source = ''] = blocks(await read('docs/strategies.md'), 'ts');
    const file = join(root, '.local', `below-${process.pid}.ts`);
    await mkdir(join(root, '.local'), { recursive: true });
    try {
      await writeFile(
        file,
        source.replaceAll("'../order/", "'../shared/order/").replaceAll("'./", "'../shared/strategies/"),
      );
      const { below } = (await import(file)) as { readonly below: Strategy };
      const start = '2026-11-22T12:00:00Z';
      const prepared = below.prepare({ symbol: 'BTC_USDT', size: '0.00123456', start, intervalSeconds: 3600 });
      if (prepared.kind !== 'prepared') throw new Error(prepared.problems.join('; '));
      const rules = { symbol: 'BTC_USDT', priceStep: '0.01', sizeStep: '0.00001', minSize: '0.00001', minNotional: { buy: '5', sell: '5' }, tradable: true }; // prettier-ignore
      const findings = { instruments: { BTC_USDT: rules }, books: { BTC_USDT: { bid: '60000' } }, candles: [], balances: [] }; // prettier-ignore
      const firing = { schedule: 'mine', account: 'main', scheduledAt: Date.parse(start) + 3_600_000, findings } as unknown as Firing; // prettier-ignore
      const decision = prepared.decide(firing);
      expect(decision).toMatchObject({
        kind: 'intents',
        intents: [{ price: '59400', size: '0.00123', type: 'limit' }],
      });
      expect(prepared.decide({ ...firing, scheduledAt: firing.scheduledAt + 1000 })).toMatchObject({ kind: 'refused' });
    } finally {
      await rm(file, { force: true });
    }
  });

  test('the intents of the message page do one after the other what is said of them', async () => {
    const examples = blocks(await read('docs/messages.md'), 'json').map((text) => {
      // As they stand they are intents; sent is the same with times of today.
      expect(parse(text)).toMatchObject({ kind: 'intent' });
      return JSON.parse(text) as { readonly id: string };
    });
    expect(examples).toHaveLength(3);
    const statuses = [];
    for (const example of examples) {
      const times = { createdAt: new Date(), expiresAt: new Date(Date.now() + 60_000) };
      await system.send([{ ...example, ...times }]);
      await system.until('a report', () => system.reportsOf(example.id).length > 0);
      statuses.push(system.reportsOf(example.id)[0]?.status);
    }
    expect(statuses).toEqual(['accepted', 'done', 'done']);
    await system.until('its end', () => system.reportsOf('example1').some(({ status }) => status === 'canceled'));
  });

  test("the README's account secret can be read", async () => {
    const [text = ''] = blocks(await read('README.md'), 'json');
    const { mandate, ...rest } = JSON.parse(text) as Record<string, unknown>;
    expect(readCredentials(rest)).not.toHaveProperty('unreadable');
    expect(readMandate(mandate)).not.toHaveProperty('unreadable');
  });
});
