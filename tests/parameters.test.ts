// What is refused before it is packaged, and what is built before: local/parameters.ts by itself and in Serverless.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { parse } from 'yaml';
import { checks, problemsOf } from '../local/parameters.ts';

const root = resolve(import.meta.dirname, '..');
let yml: string;
let params: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
beforeAll(async () => {
  yml = await readFile(join(root, 'serverless.yml'), 'utf8');
  params = (parse(yml, { logLevel: 'silent' }) as { readonly params: typeof params }).params;
});
const problems = (...given: readonly string[]): readonly string[] => problemsOf({ params, stage: 'prod', given });

describe('parameters', () => {
  test('as serverless.yml has them are right, for every stage; and each but the tags is checked', () => {
    for (const stage of [...Object.keys(params), 'other']) expect(problemsOf({ params, stage, given: [] })).toEqual([]);
    expect([...Object.keys(checks), 'tags'].sort()).toEqual(Object.keys(params['default'] ?? {}).sort());
  });

  test('that are misspelt are named, with those that there are; in the file, too', () => {
    const [problem = '', ...more] = problems('maximumConcurency=25');
    expect(more).toEqual([]);
    expect(problem).toMatch(/^There is no parameter maximumConcurency \(25\)\. There are: .*maximumConcurrency/);
    const misspelt = { ...params, prod: { logRetentionDay: 90 } };
    expect(problemsOf({ params: misspelt, stage: 'prod', given: [] })).toHaveLength(1);
    expect(problemsOf({ params: misspelt, stage: 'dev', given: [] })).toEqual([]);
  });

  test.each([
    ['region', ['ap-east-2', 'us-gov-west-1'], ['Tokyo', 'ap-northeast']],
    ['logRetentionDays', ['1', '90', '3653'], ['0', '45', 'never']],
    ['queuesOnRemoval', ['Delete', 'RetainExceptOnCreate'], ['delete', 'Retain']],
    ['kmsKeyArn', ['arn:aws:kms:ap-east-2:111122223333:key/1111-22'], ['alias/mine', 'arn:aws:kms:ap-east-2:111122223333:alias/mine']],
    ['slowDecisionMs', ['1', '600000'], ['0', '600001', '5 s']],
    ['clockOffsetMs', ['1', '60000'], ['0', '-5', '60001']],
    ['runbook', ['docs/runbook', 'https://example.com/r'], ['docs/runbook/', 'a "quoted" one']],
    ['maximumConcurrency', ['2', '1000'], ['1', '1001', '2.5', 'many', '1e2']],
    ['reconcileConcurrency', ['2', '16'], ['1', '17']],
    ['secretPrefix', ['bots/'], ['bots', 'a*/', 'a b/']],
    ['secretCacheSeconds', ['0', '3600'], ['-1', '3601', 'long']],
    ['bitmartSpotUrl', ['https://example.com'], ['http://example.com', 'example.com', 'https://example.com/']],
    ['bitmartFuturesUrl', ['https://example.com'], ['ftp://example.com', 'https://example.com?a=b']],
    ['rateUtilisation', ['0.1', '0.97'], ['0.98', '0', '94%']],
    ['warmAccounts', ['main', 'main,second'], ['Main', 'main,', 'a,b,c,d,e,f,g,h,i,j,k']],
    ['warmMarkets', ['spot,futures'], ['spot,options']],
    ['parkSeconds', ['1', '3600'], ['0', '3601']],
    ['unresolvedAfterSeconds', ['1', '86400'], ['0', '86401']],
    ['lateAfterSeconds', ['1', '3600'], ['0', '3601']],
    ['exampleSchedule', ['ENABLED', 'DISABLED'], ['true', 'enabled']],
    ['accountMetrics', ['true', 'false'], ['no', 'TRUE']],
    ['probeAccounts', ['main'], ['bitmart/accounts/main', 'main;second']],
    ['probeSchedule', ['rate(5 minutes)', 'rate(14 minutes)'], ['rate(4 minutes)', 'rate(15 minutes)', 'rate(1 hour)', 'cron(0 12 * * ? *)']],
    ['fixedEgress', ['true', 'false'], ['yes', '1']],
    ['bitmartTimestampWindowMs', ['100', '87500'], ['99', 'a minute']],
    ['bitmartLookupLagMs', ['10', '15000'], ['9', '15001']],
    ['bitmartLookupMemoryMs', ['1000', '86400000'], ['999', '86400001']],
    ['bitmartBanMs', ['100', '43000000'], ['99', '43000001']],
  ])('%s may be this and not that, and the sentence has its name, its value and what is allowed', (name, right, wrong) => {
    for (const value of right) expect(problems(`${name}=${value}`)).toEqual([]);
    for (const value of wrong) {
      const found = problems(`${name}=${value}`);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(/, and must be ./);
      expect(found[0]?.startsWith(`The parameter ${name} is "${value}"`)).toBe(true);
    }
  }); // prettier-ignore

  test('of a VPC are given both or none, and each is what it is', () => {
    const [subnets, groups] = ['vpcSubnetIds=subnet-1a,subnet-1c', 'vpcSecurityGroupIds=sg-1'];
    expect(problems(subnets, groups)).toEqual([]);
    expect(problems(subnets)).toEqual([expect.stringContaining('both or none')]);
    expect(problems(groups)).toEqual([expect.stringContaining('both or none')]);
    expect(problems('vpcSubnetIds=sg-1', 'vpcSecurityGroupIds=subnet-1')).toHaveLength(2);
    expect(problems('vpcSubnetIds=subnet-1a, subnet-1c', groups)).toHaveLength(1);
  });

  test('that together let an intent come back before it is proven are refused', () => {
    expect(problems('bitmartTimestampWindowMs=87501')).toEqual([expect.stringContaining('180000 or less')]);
    expect(yml).toContain("INTENTS_VISIBILITY_SECONDS: '180'");
  });

  test('that are a map are changed in the file alone', () => {
    expect(problems('tags=mine')).toEqual([expect.stringContaining('serverless.yml alone')]);
  });

  test('may be no number that a function refuses', async () => {
    const folders = ['functions', 'shared'];
    const files = (await Promise.all(folders.map(async (folder) => (await readdir(join(root, folder), { recursive: true })).map((name) => join(root, folder, name))))).flat(); // prettier-ignore
    const sources = await Promise.all(
      files.filter((name) => name.endsWith('.ts')).map((name) => readFile(name, 'utf8')),
    );
    const bounds = sources.flatMap((text) => [...text.matchAll(/numeric\('(\w+)', '[\d.]+', ([\d_.]+), ([\d_.]+)\)/g)]);
    const compared = bounds.flatMap(([, variable = '', least = '', most = '']) => {
      const name = new RegExp(`^ +${variable}: \\$\\{param:(\\w+)\\}`, 'm').exec(yml)?.[1];
      if (name === undefined) return [];
      const [low, high] = [least, most].map((each) => Number(each.replaceAll('_', ''))) as [number, number];
      for (const value of [low - 0.001, high + 0.001]) expect([name, value, problems(`${name}=${value}`).length]).not.toEqual([name, value, 0]); // prettier-ignore
      return [name];
    });
    expect(compared.length).toBeGreaterThanOrEqual(10);
  });
});

describe('Serverless, in a folder where nothing is built', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'deploy-'));
    for (const path of ['functions', 'shared', 'producer', 'local', 'serverless.yml', 'package.json', 'package-lock.json', 'tsconfig.json']) await cp(join(root, path), join(folder, path), { recursive: true, preserveTimestamps: true }); // prettier-ignore
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const serverless = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [join(root, 'node_modules/.bin/serverless'), ...args], { cwd: folder, env: { ...process.env, SLS_TELEMETRY_DISABLED: '1' } }); // prettier-ignore

  test.each(['package', 'deploy'])('refuses wrong parameters, all at once, before anything else: %s', async (command) => {
    const args = [command, '--stage', 'prod', '--param=maximumConcurency=25', '--param=fixedEgress=yes'];
    const said = serverless(...args).catch((error: unknown) => (error as { readonly stdout: string }).stdout);
    expect(await said).toMatch(/no parameter maximumConcurency[^]*fixedEgress is "yes"[^]*docs\/stack\.md/);
    expect(await readdir(folder)).not.toContain('.build');
  }, 60_000); // prettier-ignore

  test('builds what is not there, and what is older than its sources, before it packages', async () => {
    await serverless('package');
    const packaged = async (): Promise<string> =>
      Object.values(unzipSync(await readFile(join(folder, '.build', 'trigger.zip')))).map((bytes) => Buffer.from(bytes).toString()).join('\n'); // prettier-ignore
    expect(await packaged()).not.toContain('of a newer source');
    await appendFile(join(folder, 'functions', 'trigger.ts'), "\nconsole.log('of a newer source');\n");
    await serverless('package');
    expect(await packaged()).toContain('of a newer source');
  }, 120_000);
});
