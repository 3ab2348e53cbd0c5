// Packaging: every functions/*.ts becomes one deterministic zip in .build/, and serverless.yml becomes .serverless/.
// Promises: same sources, same bytes; no network, no AWS account; two runs at once do not disturb each other.
// Never deploys, and never lets anything of the caller's AWS environment into what it builds.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { copyFile, mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { zipSync } from 'fflate';
import pc from 'picocolors';
import { withLock } from './lock.ts';
import { buildProducer } from './producer.ts';

const root = resolve(import.meta.dirname, '..');
const buildDir = join(root, '.build');
const serviceDir = join(root, '.serverless');
/** The package for programs that send intents; `npm pack ./.build/producer` makes a tarball of it. */
export const producerDir = join(buildDir, 'producer');

/** Where the packaged CloudFormation template lies; osls chooses the name. */
export const templatePath = join(serviceDir, 'cloudformation-template-update-stack.json');

/** How long a run waits for another one before it gives up; a whole run takes about 5 s on a slow machine. */
const lockWaitMs = 120_000;
const oslsTimeoutMs = 120_000;

/** One Lambda function as it is deployed: the zip holds `<name>.mjs` and the parts that it imports. */
export interface PackagedFunction {
  readonly name: string;
  readonly zipPath: string;
}

export interface PackageOptions {
  /** Do nothing when every output is newer than every input. Default: build always. */
  readonly ifStale?: boolean;
}

/** What a build made, with what the table of `npm run package` shows of it. */
export interface BuiltFunction extends PackagedFunction {
  readonly zipBytes: number;
  readonly metafile: Metafile;
}

/** Builds what is stale; returns the zips in .build/, in the order of their names. */
export async function packageFunctions(options: PackageOptions = {}): Promise<readonly PackagedFunction[]> {
  const functions = functionNames().map((name) => ({ name, zipPath: join(buildDir, `${name}.zip`) }));
  const outputs = functions.map(({ zipPath }) => zipPath);
  return (await unlessFresh(outputs, options, () => buildFunctions(buildDir))) ?? functions;
}

/**
 * Builds the zips and the CloudFormation template; afterwards .serverless/ holds the template and a copy of each zip.
 * @returns what was built; undefined when everything was fresh and nothing was done.
 */
export async function packageService(options: PackageOptions = {}): Promise<readonly BuiltFunction[] | undefined> {
  const zips = functionNames().flatMap((name) => [buildDir, serviceDir].map((dir) => join(dir, `${name}.zip`)));
  const producer = join(producerDir, 'producer', 'main.js');
  return unlessFresh([templatePath, producer, ...zips], options, async () => {
    const startedAt = new Date();
    const [built] = await Promise.all([buildFunctions(buildDir), buildProducer(producerDir)]);
    await packageTemplate();
    await utimes(templatePath, startedAt, startedAt);
    // osls empties .serverless/ when it starts and leaves prebuilt artifacts where they are: hence the copies, and last.
    for (const { name, zipPath } of built) {
      await writeWhole(join(serviceDir, `${name}.zip`), startedAt, (path) => copyFile(zipPath, path));
    }
    return built;
  });
}

/**
 * Bundles every functions/*.ts and zips each alone into `outDir`; source maps and metafile lie beside the zip.
 * The bytes of a zip depend on the sources and the locked dependencies only: not on the directory, the time or its zone.
 */
export async function buildFunctions(outDir: string): Promise<readonly BuiltFunction[]> {
  const startedAt = new Date();
  await mkdir(outDir, { recursive: true });
  const built: BuiltFunction[] = [];
  for (const name of functionNames()) {
    progress(`bundling ${name}`);
    const { modules, maps, metafile } = await bundle(name, `functions/${name}.ts`);
    // A local date, since the zip format stores local time: so the bytes are the same in every time zone.
    const entry = { level: 9, mtime: new Date(1980, 0, 1), os: 3, attrs: 0o100644 << 16 } as const;
    const names = Object.keys(modules).sort();
    const zip = zipSync(Object.fromEntries(names.map((path) => [path, [modules[path] ?? new Uint8Array(), entry]])));
    const zipPath = join(outDir, `${name}.zip`);
    const mapsDir = join(outDir, `${name}.maps`);
    await rm(mapsDir, { recursive: true, force: true });
    await mkdir(mapsDir);
    for (const [path, map] of Object.entries(maps)) await writeFile(join(mapsDir, path), map);
    await writeFile(join(outDir, `${name}.meta.json`), JSON.stringify(metafile));
    await writeWhole(zipPath, startedAt, (path) => writeFile(path, zip));
    built.push({ name, zipPath, zipBytes: zip.length, metafile });
  }
  progress('');
  return built;
}

function functionNames(): readonly string[] {
  const dir = join(root, 'functions');
  const names = readdirSync(dir).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
  if (names.length === 0) throw new Error(`no functions to package: ${dir} holds no .ts file`);
  return names.map((file) => basename(file, '.ts')).sort();
}

const createRequireBanner = `import{createRequire}from"node:module";const require=createRequire(import.meta.url);`;

/**
 * Node's own modules are taken from the process instead of imported: an import reads every export of the module, and
 * reading those of node:http loads all of undici, which nobody here uses; a third of the time that a function took to load.
 */
const builtins: Plugin = {
  name: 'builtins',
  setup: (building) => {
    const filter = new RegExp(`^(node:)?(${builtinModules.join('|')})$`);
    building.onResolve({ filter }, ({ path }) => ({ path: path.replace(/^node:/, ''), namespace: 'builtin' }));
    building.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${path}');`,
    }));
  },
};

/** What became of one entry point: the modules that are deployed, by their names, and what lies beside them. */
export interface Bundle {
  /** The entry's module first; what is loaded by a dynamic import is in modules of its own. */
  readonly modules: Readonly<Record<string, Uint8Array>>;
  readonly maps: Readonly<Record<string, Uint8Array>>;
  readonly metafile: Metafile;
}

/**
 * @param entry a path from the project's root; its module is `<name>.mjs`
 * @param isPlain everything in one module, Node's own ones imported: as others bundle, to compare with
 */
export async function bundle(name: string, entry: string, isPlain = false): Promise<Bundle> {
  const outdir = join(buildDir, name);
  const options = {
    absWorkingDir: root,
    entryPoints: { [name]: entry },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported when it is needed is not read before.
    splitting: !isPlain,
    chunkNames: 'part-[hash]',
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // ES modules where a package has them: they shake better than CommonJS, and need no createRequire.
    mainFields: ['module', 'main'],
    legalComments: 'none',
    plugins: isPlain ? [] : [builtins],
    // node_modules/ by that name, wherever it lies: the names of the parts are made of the paths of what is in them.
    preserveSymlinks: true,
    sourcemap: 'external',
    metafile: true,
    write: false,
    logLevel: 'silent',
  } as const satisfies BuildOptions;
  let result = await build(options);
  const imports = Object.values(result.metafile.outputs).flatMap((output) => output.imports);
  if (imports.some(({ kind, external }) => kind === 'require-call' && external === true)) {
    // A CommonJS dependency requires a Node module, and an ES module has no require of its own.
    result = await build({ ...options, banner: { js: createRequireBanner } });
  }
  const reached = reachedFrom(result.metafile, relative(root, join(outdir, `${name}.mjs`)));
  const files = result.outputFiles
    .map(({ path, contents }) => [relative(outdir, path), contents] as const)
    .filter(([path]) => reached.has(relative(root, join(outdir, path.replace(/\.map$/, '')))));
  const ending = (wanted: string) => Object.fromEntries(files.filter(([path]) => path.endsWith(wanted)));
  const outputs = Object.entries(result.metafile.outputs).filter(([path]) => reached.has(path));
  return {
    modules: ending('.mjs'),
    maps: ending('.map'),
    metafile: { ...result.metafile, outputs: Object.fromEntries(outputs) },
  };
}

/**
 * The modules that an entry imports, directly or not. One that was imported only where the code turned out dead is written all
 * the same, and nothing reaches it.
 * @param isEarly only those that are read as soon as the entry is
 */
export function reachedFrom({ outputs }: Metafile, entry: string, isEarly = false): ReadonlySet<string> {
  const reached = new Set([entry]);
  for (const path of reached) {
    for (const { path: next, external, kind } of outputs[path]?.imports ?? []) {
      if (external !== true && (!isEarly || kind === 'import-statement')) reached.add(next);
    }
  }
  return reached;
}

/** The package that a bundled file is of; a file of ours by its path. */
export function packageOf(path: string): string {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
}

/** Runs `osls package` in the project root. Its own words are in the error when it fails, and shown when it warns. */
async function packageTemplate(): Promise<void> {
  progress('packaging the template');
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('AWS_') && !key.startsWith('SLS_'));
  const child = spawn(process.execPath, [join(root, 'node_modules/serverless/bin/serverless.js'), 'package'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: oslsTimeoutMs,
    env: {
      ...Object.fromEntries(inherited),
      SLS_TELEMETRY_DISABLED: '1',
      SLS_NOTIFICATIONS_MODE: 'off',
      // Its compiled schema is cached here instead of in the home directory, which may be read-only.
      SLS_SCHEMA_CACHE_BASE_DIR: buildDir,
      // Or local/plugin.js would wait for the lock that is held here.
      FUNCTIONS_ARE_BUILT: '1',
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const ended = await new Promise<string>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done(String(code ?? signal)));
  });
  progress('');
  if (ended !== '0') throw new Error(`osls package failed (${ended}) on serverless.yml:\n${output.trim()}`);
  if (/warning|deprecat/i.test(output)) console.error(output.trim());
}

/** Writes a file under another name first and dates it `at`: readers see it whole or not at all. */
async function writeWhole(path: string, at: Date, write: (path: string) => Promise<void>): Promise<void> {
  const draft = `${path}.${process.pid}.draft`;
  await write(draft);
  await utimes(draft, at, at);
  await rename(draft, path);
}

/** @returns undefined when `outputs` were fresh and `work` did not run. One run works at a time; the others wait. */
async function unlessFresh<T>(
  outputs: readonly string[],
  { ifStale = false }: PackageOptions,
  work: () => Promise<T>,
): Promise<T | undefined> {
  if (ifStale && isFresh(outputs)) return undefined;
  return withLock(join(buildDir, 'package.lock'), lockWaitMs, async () => {
    if (ifStale && isFresh(outputs)) return undefined; // someone else built it while we waited
    return work();
  });
}

/** Outputs carry the time their build *started*, so that a source saved during a build makes them stale. */
function isFresh(outputs: readonly string[]): boolean {
  if (!outputs.every((path) => existsSync(path))) return false;
  const oldestMs = Math.min(...outputs.map((path) => statSync(path).mtimeMs));
  const folders = ['functions', 'producer', 'shared'].flatMap((dir) => [
    dir,
    // Folders included: a folder's time tells of files that were deleted from it.
    ...readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' }).map((path) => join(dir, path)),
  ]);
  const ours = ['local/package.ts', 'local/parameters.ts', 'local/plugin.js', 'local/producer.ts'];
  const inputs = [...folders, 'serverless.yml', 'package-lock.json', ...ours];
  return inputs.every((path) => statSync(join(root, path)).mtimeMs < oldestMs);
}

/** Says on a terminal what is going on; the line is overwritten by the next one, and wiped by an empty one. */
function progress(step: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${step === '' ? '' : pc.dim(`${step} …`)}`);
}

function printTable(functions: readonly BuiltFunction[]): void {
  const row = (name: string, size: string, inputs: string): string =>
    `${name.padEnd(12)} ${size.padStart(8)}  ${inputs}`;
  console.log(pc.dim(row('function', 'zip KiB', 'biggest inputs, KiB minified')));
  for (const { name, zipBytes, metafile } of functions) {
    console.log(row(name, (zipBytes / 1024).toFixed(1), biggestInputs(metafile).join(', ')));
  }
}

function biggestInputs(metafile: Metafile): readonly string[] {
  const bytes = new Map<string, number>();
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const part = packageOf(path);
      bytes.set(part, (bytes.get(part) ?? 0) + bytesInOutput);
    }
  }
  const biggest = [...bytes].sort(([, a], [, b]) => b - a).slice(0, 4);
  return biggest.map(([part, size]) => `${part} ${(size / 1024).toFixed(1)}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { 'if-stale': { type: 'boolean' }, 'functions-only': { type: 'boolean' } },
  });
  const options = { ifStale: values['if-stale'] === true };
  if (values['functions-only'] === true) {
    for (const { name, zipPath } of await packageFunctions(options)) console.log(`${name} ${zipPath}`);
    return;
  }
  const built = await packageService(options);
  if (built === undefined) console.log(pc.dim('package is up to date'));
  else printTable(built);
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    progress('');
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
