// Plants one bug of mutants.ts and looks for the world, or for the test, that shows it. What showed it last is tried
// first; where that shows it no more, as after a change of the simulation, all of them are searched.
// Never changes a file of the project: the bug is planted while the sources are bundled, or while Jest reads them.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { kinds, mutants, shownBy, suites, type Change } from './mutants.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** A bug may make a program that never ends. */
const PATIENCE_MS = 110_000;

/**
 * Runs the simulation, or the tests that are named for it, with the mutant planted; `none` plants nothing.
 * @returns the first broken promise, or undefined if it lived
 */
export async function hunt(name: string, runs: number): Promise<string | undefined> {
  const changes = mutants[name] ?? [];
  if (changes.length === 0 && name !== 'none') throw new Error(`there is no mutant "${name}"`);
  for (const { file, find } of changes) {
    if ((await readFile(join(root, file), 'utf8')).split(find).length === 2) continue;
    throw new Error(`mutant "${name}": its place in ${file} is gone or not the only one`);
  }
  const suite = suites[name];
  const caught = await (suite === undefined ? inWorlds(name, changes, runs) : inTests(suite, changes, shownBy[name]));
  const shown = shownBy[name];
  if (
    caught !== undefined &&
    shown !== undefined &&
    !caught.startsWith(`seed ${shown}:`) &&
    !caught.endsWith(`: ${shown}`)
  ) {
    console.warn(`Mutant "${name}" is not shown by ${shown} any more, which mutants.ts says: ${caught.slice(0, 150)}`);
  }
  return caught;
}

async function inWorlds(name: string, changes: readonly Change[], runs: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(root, '.build', 'mutant-'));
  try {
    const program = join(folder, 'main.mjs');
    await bundle(program, changes);
    const seed = shownBy[name];
    if (seed !== undefined) {
      const shown = await simulate(name, program, ['--runs', '1', '--workers', '1', '--from', String(seed)]);
      if (shown !== undefined) return shown;
    }
    const kind = kinds[name];
    // Of those seeds a tenth is of one kind.
    const all = kind === undefined ? ['--runs', String(runs)] : ['--runs', String(runs * 5), '--kind', kind];
    return await simulate(name, program, ['--until-failure', ...all]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The simulation as one file, with the changes in it. */
async function bundle(outfile: string, changes: readonly Change[]): Promise<void> {
  const planted: Plugin = {
    name: 'planted',
    setup: (to) => {
      to.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const ofFile = changes.filter(({ file }) => path === join(root, file));
        if (ofFile.length === 0) return undefined;
        const text = await readFile(path, 'utf8');
        return { loader: 'ts', contents: ofFile.reduce((sofar, { find, replace }) => sofar.replace(find, () => replace), text) }; // prettier-ignore
      });
    },
  };
  await build({
    absWorkingDir: root,
    entryPoints: ['tests/simulation/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // From node_modules, which is why the program lies within the project.
    packages: 'external',
    plugins: [planted],
  });
}

async function simulate(name: string, program: string, args: readonly string[]): Promise<string | undefined> {
  const out = await run([program, '--json', ...args]);
  const said = /^\{.*\}$/m.exec(out)?.[0];
  if (said === undefined) throw new Error(`mutant "${name}" does not run: ${out.slice(0, 500)}`);
  const { broken } = JSON.parse(said) as { broken: { seed: number; sentences: string[] }[] };
  // A planted bug is a program all the same: one that only throws shows nothing.
  const slip = broken[0]?.sentences.find((sentence) => /ReferenceError|TypeError|SyntaxError/.test(sentence));
  if (slip !== undefined) throw new Error(`mutant "${name}" is no program: ${slip}`);
  return broken[0] && `seed ${broken[0].seed}: ${broken[0].sentences.join('; ')}`;
}

async function inTests(
  suite: string,
  changes: readonly Change[],
  test: string | number | undefined,
): Promise<string | undefined> {
  const only = test === undefined ? [] : ['--testNamePattern', String(test).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')];
  const first = await failedIn(suite, changes, only);
  return first ?? (test === undefined ? undefined : failedIn(suite, changes, []));
}

async function failedIn(
  suite: string,
  changes: readonly Change[],
  only: readonly string[],
): Promise<string | undefined> {
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  const out = await run([...jest, '--json', '--runInBand', suite, ...only], { PLANTED: JSON.stringify(changes) });
  const said = /^\{.*\}$/m.exec(out)?.[0];
  if (said === undefined) throw new Error(`${suite} does not run: ${out.slice(0, 500)}`);
  const { testResults } = JSON.parse(said) as {
    testResults: { message: string; assertionResults: { status: string; fullName: string }[] }[];
  };
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  if (results.length === 0) throw new Error(`${suite} does not run: ${testResults[0]?.message.slice(0, 500) ?? out}`);
  const failed = results.find(({ status }) => status === 'failed');
  return failed && `${suite}: ${failed.fullName}`;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  return new Promise((resolve) => {
    const options = { cwd: root, maxBuffer: 1 << 26, timeout: PATIENCE_MS, env: { ...process.env, ...env } };
    execFile(process.execPath, args, options, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

if (import.meta.main) {
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(mutants)) {
    const startedAt = performance.now();
    const caught = await hunt(name, 2000);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${caught === undefined ? 'LIVES ' : 'caught'} ${name} (${seconds} s): ${caught?.slice(0, 150) ?? ''}`);
  }
}
