// What comes in and what goes out: licences, install scripts, lock files, the zips' bytes and their source maps, and what CI runs.
import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { parse } from 'yaml';
import { allowed, allowedShipped, installed, installScripts, shipped } from '../local/licences.ts';
import { packageFunctions } from '../local/package.ts';
import { inSources } from '../local/where.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
};
const LOCKS = ['package-lock.json', 'bench/package-lock.json'];

describe('dependencies', () => {
  test.each(LOCKS)('each package of %s has a licence that somebody has looked at', async (lock) => {
    const packages = await installed(lock);
    expect(packages.length).toBeGreaterThan(20);
    expect(packages.filter(({ licence }) => allowed[licence ?? ''] === undefined)).toEqual([]);
  });

  test('what ships is under a licence that lets it be passed on, and is in the lock file', async () => {
    const names = new Set(Object.values(await shipped()).flat());
    const packages = (await installed('package-lock.json')).filter(({ name }) => names.has(name));
    expect(new Set(packages.map(({ name }) => name))).toEqual(names);
    expect(packages.filter(({ licence = '' }) => !allowedShipped.includes(licence))).toEqual([]);
  });

  test('each direct dependency has its reason in decision 8', () => {
    const reasons = read('docs/decisions/0008-dependencies.md');
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, object>;
    const names = Object.keys({ ...dependencies, ...devDependencies }).map((name) => name.replace(/^@types\/.*/, '@types/*')); // prettier-ignore
    expect(names.filter((name) => !reasons.includes(`\`${name}\``))).toEqual([]);
  });

  test('nothing that is for development is in a zip', async () => {
    const { dependencies } = JSON.parse(read('package.json')) as { readonly dependencies: object };
    const { devDependencies } = JSON.parse(read('package.json')) as { readonly devDependencies: object };
    const names = Object.values(await shipped()).flat();
    expect(names.filter((name) => name in devDependencies)).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['zod', 'big.js']));
    expect(Object.keys(dependencies)).toEqual(expect.arrayContaining(['zod', 'big.js']));
  });

  test('each package with an install script is known, and runs it exactly if the page says so', async () => {
    const packages = await installed('package-lock.json');
    const scripts = [...new Set(packages.filter((each) => each.hasInstallScript).map(({ name }) => name))].sort();
    expect(scripts).toEqual(Object.keys(installScripts).sort());
    const told = Object.fromEntries(Object.entries(installScripts).map(([name, { may }]) => [name, may]));
    expect(manifest.allowScripts).toEqual(told);
  });

  test.each(LOCKS)('each package of %s is held to its bytes', (lock) => {
    const { packages } = JSON.parse(read(lock)) as {
      readonly packages: Record<string, { readonly integrity?: string }>;
    };
    const loose = Object.entries(packages).filter(([path, { integrity = '' }]) => path !== '' && !/^sha512-/.test(integrity)); // prettier-ignore
    expect(loose).toEqual([]);
  });
});

describe('the zips', () => {
  test('are the same bytes from another folder, another working directory, another time zone and linked dependencies', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'supply-'));
    try {
      const copy = join(folder, 'some', 'where', 'else');
      await mkdir(copy, { recursive: true });
      for (const path of [
        'functions',
        'producer',
        'shared',
        'local',
        'package.json',
        'package-lock.json',
        'serverless.yml',
        'tsconfig.json',
      ])
        // prettier-ignore
        await cp(join(root, path), join(copy, path), { recursive: true });
      await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
      const args = [join(copy, 'local/package.ts'), '--functions-only'];
      await run(process.execPath, args, { cwd: folder, env: { ...process.env, TZ: 'Pacific/Apia', LANG: 'tr_TR' } });
      const ours = await packageFunctions({ ifStale: true });
      expect(ours.length).toBeGreaterThan(2);
      for (const { name, zipPath } of ours) expect([name, await digest(join(copy, '.build', `${name}.zip`))]).toEqual([name, await digest(zipPath)]); // prettier-ignore
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);

  test('hold no source map and no source, and the map of each module lies beside', async () => {
    for (const { name, zipPath } of await packageFunctions({ ifStale: true })) {
      const modules = unzipSync(readFileSync(zipPath));
      expect(readdirSync(join(root, `.build/${name}.maps`)).sort()).toEqual(Object.keys(modules).map((path) => `${path}.map`).sort()); // prettier-ignore
      const texts = Object.values(modules).map((code) => new TextDecoder().decode(code));
      expect(texts.some((text) => /^\/\/# sourceMappingURL|"sourcesContent"/m.test(text))).toBe(false);
    }
  });
});

describe('npm run where', () => {
  /** A place of deployed code that holds a text of ours, as a stack trace names it. */
  const placeOf = (name: string, words: string): string => {
    const modules = unzipSync(readFileSync(join(root, `.build/${name}.zip`)));
    for (const [path, code] of Object.entries(modules)) {
      const lines = new TextDecoder().decode(code).split('\n');
      const line = lines.findIndex((each) => each.includes(words));
      if (line >= 0) return `file:///var/task/${path}:${line + 1}:${(lines[line] ?? '').indexOf(words) + 1}`;
    }
    throw new Error(`no module of ${name} holds ${words}`);
  };

  test.each([
    ['execute', 'SQS call failed', 'shared/wiring.ts'],
    ['reconcile', 'following failed', 'shared/following.ts'],
    ['trigger', 'strategy made nothing', 'shared/firing.ts'],
  ])('of a place in %s is the line of the source that says so', (name, words, path) => {
    const found = sourceTextAt(inSources(`    at async handler (${placeOf(name, words)})`).said);
    expect(found.path).toBe(path);
    expect(found.near).toContain(words);
  });

  test('leaves what it does not know as it is', () => {
    const said = 'TypeError: no\n    at node:internal/x:1:2\n    at file:///var/task/part-NOTTHERE.mjs:1:2';
    expect(inSources(said)).toEqual({ said, found: 0 });
  });

  test('reads a log line from stdin, and exits 1 where nothing of it is found', async () => {
    const place = placeOf('reconcile', 'following failed');
    const script = join(root, 'local/where.ts');
    const { stdout } = await run('sh', ['-c', `echo '{"at":"${place}"}' | "$0" "$1"`, process.execPath, script]);
    expect(stdout).toMatch(/^\{"at":"shared\/following\.ts:\d+:\d+"\}\n$/);
    await expect(run(process.execPath, [script, 'nothing here'])).rejects.toMatchObject({ code: 1 });
    expect((await run(process.execPath, [script, '--help'])).stdout).toMatch(/^npm run where -- TEXT\n/);
  });
});

describe('what GitHub runs', () => {
  interface Step {
    readonly run?: string;
    readonly uses?: string;
  }
  interface Workflow {
    readonly permissions: object;
    readonly jobs: Readonly<
      Record<string, { readonly permissions?: object; readonly strategy?: { readonly matrix: object }; readonly steps: readonly Step[] }>
    >; // prettier-ignore
  }
  const text = read('.github/workflows/check.yml');
  const workflow = parse(text) as Workflow;
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  test('checks on Node 22 and 24, and packages', () => {
    expect(workflow.jobs['check']?.strategy?.matrix).toEqual({ node: [22, 24] });
    expect(workflow.jobs['check']?.steps.map((step) => step.run)).toContain('npm run check');
    expect(workflow.jobs['package']?.steps.map((step) => step.run)).toContain('npm run package');
  });

  test('are commands that are there', () => {
    const scripts = steps.flatMap((step) => /^npm run (\S+)/.exec(step.run ?? '')?.[1] ?? []);
    expect(scripts.length).toBeGreaterThan(1);
    for (const script of scripts) expect(Object.keys(manifest.scripts)).toContain(script);
    for (const step of steps.filter((each) => each.run !== undefined)) expect(step.run).toMatch(/^(npm (ci|run)|sha256sum) /); // prettier-ignore
  });

  test('may read the sources and nothing else, and gets no secret', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(workflow.jobs)) expect(job.permissions).toBeUndefined();
    expect(text).not.toMatch(/secrets\.|pull_request_target/);
  });

  test('is actions at one commit each, whose version stands beside', () => {
    const uses = [...text.matchAll(/uses: (.*)/g)].map(([, used = '']) => used);
    expect(uses.length).toBeGreaterThan(1);
    for (const used of uses) expect(used).toMatch(/^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('is kept up to date wherever there is something to update', () => {
    const { updates } = parse(read('.github/dependabot.yml')) as {
      readonly updates: readonly Record<string, string>[];
    };
    const places = updates.map((each) => `${each['package-ecosystem']} ${each['directory']}`);
    expect(places.sort()).toEqual(['github-actions /', 'npm /', 'npm /bench']);
    for (const lock of LOCKS) expect(existsSync(join(root, lock))).toBe(true);
  });
});

test('there is a licence, and a word on how to report and how to contribute', () => {
  expect(read('LICENSE')).toMatch(/^MIT License/);
  expect(JSON.parse(read('package.json'))).toMatchObject({ license: 'MIT' });
  for (const path of ['SECURITY.md', 'CONTRIBUTING.md']) {
    for (const [, link = ''] of read(path).matchAll(/\]\(([^)#]+)\)/g)) expect([link, existsSync(join(root, link))]).toEqual([link, true]); // prettier-ignore
  }
});

async function digest(path: string): Promise<string> {
  return createHash('sha256').update(await readFile(path)).digest('hex'); // prettier-ignore
}

/** What stands in the sources at the place that a line names. */
function sourceTextAt(line: string): { readonly path: string; readonly near: string } {
  const [, path = '', number = ''] = /\((.*):(\d+):\d+\)/.exec(line) ?? [];
  const lines = read(path).split('\n');
  // A long call is several lines, and its place is the first.
  return { path, near: lines.slice(Number(number) - 1, Number(number) + 3).join('\n') };
}
