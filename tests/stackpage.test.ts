// docs/stack.md holds nothing that is not so: its parameters are those of serverless.yml, its commands package or exist, its key
// policy does what it says, and its list of rights names every service that is deployed to. What it costs: tests/scale.test.ts.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decide } from '../local/conditions.ts';
import { packagedTemplate, templateWith } from './packaged.ts';
import { judge, statementsOf } from './policy.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
let page: string;
let yml: string;
beforeAll(async () => {
  page = await readFile(`${root}docs/stack.md`, 'utf8');
  yml = await readFile(`${root}serverless.yml`, 'utf8');
});

/** A part of serverless.yml below `params`: names and values as they are written; `tags` is a map of its own. */
function parametersOf(stage: string): Readonly<Record<string, string>> {
  const params = /^params:\n(.*?)^\S/ms.exec(yml)?.[1] ?? '';
  const part = new RegExp(`^ {2}${stage}:\\n(.*?)(?=^ {2}\\w|$(?![\\s\\S]))`, 'ms').exec(params)?.[1] ?? '';
  const lines = part.matchAll(/^ {4}(\w+):(?: (.*?))?(?: #.*)?$/gm);
  const entries = [...lines].map(([, name = '', value = '']) => [name, value.replace(/^'(.*)'$/, '$1')] as const);
  return Object.fromEntries(entries);
}

/** The cells of the rows of the table below a heading, without the head. */
function rowsBelow(heading: string): readonly (readonly string[])[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) => row.split('|').slice(1, -1).map((cell) => cell.trim())); // prettier-ignore
}

/** The words of a command, as a shell would split it. */
const wordsOf = (command: string): readonly string[] =>
  (command.match(/"[^"]*"|(?:[^\s"]|"[^"]*")+/g) ?? []).map((word) => word.replaceAll('"', ''));

/** Every command in a shell block. */
const commands = (): readonly string[] =>
  [...page.matchAll(/^ *```sh\n(.*?)^ *```/gms)].flatMap(([, block = '']) => block.split('\n').map((line) => line.trim())).filter(Boolean); // prettier-ignore

describe('the parameters', () => {
  test('are those of serverless.yml, with their defaults and what prod has instead', () => {
    const [defaults, prod] = [parametersOf('default'), parametersOf('prod')];
    expect(Object.keys(defaults).length).toBeGreaterThan(20);
    const shown = Object.fromEntries(
      rowsBelow('Parameters').map(([name = '', value, ofProd]) => [name, [value, ofProd]] as const),
    );
    const cell = (value: string | undefined): string => (value === undefined ? '' : value === '' ? 'none' : `\`${value}\``); // prettier-ignore
    const expected = Object.fromEntries(
      Object.entries(defaults).map(([name, value]) => [
        `\`${name}\``,
        [name === 'tags' ? 'service, stage, managedBy' : cell(value), cell(prod[name])],
      ]),
    );
    expect(shown).toEqual(expected);
  });

  test('each is used', () => {
    for (const name of Object.keys(parametersOf('default'))) {
      expect([name, new RegExp(`\\bparam:${name}\\}`).test(yml)]).toEqual([name, true]);
    }
  });
});

describe('the commands', () => {
  test('that package do, with the key, and with the VPC', async () => {
    const packaging = commands().filter((command) => command.startsWith('npx serverless package'));
    const made = await Promise.all(
      packaging.map(async (command) => decide((await templateWith(wordsOf(command).slice(3))).Conditions ?? {})),
    );
    expect(made).toEqual([
      { HasKmsKey: false, HasVpc: false },
      { HasKmsKey: true, HasVpc: false },
      { HasKmsKey: false, HasVpc: true },
    ]);
  }, 90_000);

  test('of serverless that reach AWS exist, with their options', async () => {
    const reaching = commands().filter((command) => /^npx serverless (?!package)/.test(command));
    expect([...new Set(reaching)].sort()).toEqual(['npx serverless deploy --stage prod', 'npx serverless remove --stage prod']); // prettier-ignore
    for (const command of new Set(reaching)) {
      const [, , name = ''] = wordsOf(command);
      const args = [`${root}node_modules/.bin/serverless`, name, '--help'];
      const { stdout } = await run(process.execPath, args, { cwd: root, env: { ...process.env, SLS_TELEMETRY_DISABLED: '1' } }); // prettier-ignore
      expect(stdout).toContain('--stage');
    }
  }, 60_000);

  test('of the desk exist, with each of their options', async () => {
    const named = [...page.replaceAll('\n', ' ').matchAll(/`(npx desk [^`]+)`/g)].map(([, command = '']) => command);
    expect(named.length).toBeGreaterThan(5);
    const help = async (path: readonly string[]): Promise<string> =>
      (await run(process.execPath, [`${root}cli/desk.ts`, ...path, '--help'], { cwd: root })).stdout;
    // What counts for all commands stands in the help of desk itself.
    const ofAll = await help([]);
    for (const command of named) {
      const words = wordsOf(command).slice(2);
      const path = words.slice(0, words[0] === 'account' || words[0] === 'dead' ? 2 : 1);
      const stdout = ofAll + (await help(path));
      expect(stdout).toContain(`desk ${path.join(' ')}`);
      const options = words.filter((word) => word.startsWith('--'));
      expect([command, options.filter((option) => !stdout.includes(option))]).toEqual([command, []]);
    }
  }, 60_000);
});

test("the key's policy lets the account's policies count, and alarms of this account through; and no other service", async () => {
  const [, json = ''] = /```json\n(.*?)```/s.exec(page) ?? [];
  const policy = JSON.parse(json) as { readonly Statement: readonly { readonly Principal: object }[] };
  const [ofAccount, ofAlarms, ...more] = policy.Statement;
  expect(more).toEqual([]);
  expect(ofAccount?.Principal).toEqual({ AWS: 'arn:aws:iam::111122223333:root' });
  expect(ofAlarms?.Principal).toEqual({ Service: 'cloudwatch.amazonaws.com' });
  const statements = statementsOf(await packagedTemplate(), { Statement: [ofAlarms] });
  const verdict = (action: string, account: string) =>
    judge(statements, { action, resource: 'the key', context: { 'aws:SourceAccount': account } });
  // What SNS asks for on behalf of CloudWatch.
  for (const action of ['kms:Decrypt', 'kms:GenerateDataKey']) {
    expect(verdict(action, '111122223333')).toBe('allowed');
    expect(verdict(action, '999999999999')).toBe('not allowed');
  }
  expect(verdict('kms:ScheduleKeyDeletion', '111122223333')).toBe('not allowed');
});

test('the rights of who deploys name every service that something is made in', async () => {
  const { Resources } = await packagedTemplate({ HasKmsKey: true, HasVpc: true });
  const services = new Set(Object.values(Resources).map(({ Type }) => Type.split('::')[1]));
  const names: Readonly<Record<string, string>> = { Logs: 'CloudWatch Logs' };
  const rows = rowsBelow('Who deploys').map(([service = '']) => service.replace(/,.*/, ''));
  const deployedTo = [...services].map((service = '') => names[service] ?? service);
  // CloudFormation makes the others; EC2 is asked where a VPC is.
  expect([...rows].sort()).toEqual(['CloudFormation', 'EC2', ...deployedTo].sort());
});
