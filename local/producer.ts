// The package for programs that send intents: JavaScript and declarations of producer/ and what it needs, in .build/producer/.
// It is built because Node strips no types below node_modules. Promises to hold nothing of the execution and no command, and
// to need only what it imports. Never publishes.
import { execFile } from 'node:child_process';
import { copyFile, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '..');
/** Where its door is in the folder of the package, without the ending. */
const ENTRY = 'producer/main';

/** What `package.json` says, as far as it is needed. */
interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/**
 * Builds the package; readers of an earlier build see either all of it or nothing.
 * @param outDir the folder that it is in afterwards, and nothing else
 * @throws with what the compiler says
 */
export async function buildProducer(outDir: string): Promise<void> {
  const startedAt = new Date();
  const draft = `${outDir}.${process.pid}.draft`;
  await rm(draft, { recursive: true, force: true });
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [compiler, '-p', join(root, 'producer'), '--outDir', draft]).catch(
    (error: unknown) => {
      const { stdout } = error as { readonly stdout?: string };
      throw new Error(`the producer package does not compile:\n${stdout ?? String(error)}`);
    },
  );
  await pointToBuilt(draft);
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
  const needed = await packagesOf(draft);
  await writeFile(join(draft, 'package.json'), `${JSON.stringify(packed(manifest, needed), null, 2)}\n`);
  await copyFile(join(root, 'LICENSE'), join(draft, 'LICENSE'));
  // Dated like every output of a build: a source that was saved meanwhile makes it stale.
  await utimes(join(draft, `${ENTRY}.js`), startedAt, startedAt);
  await rm(outDir, { recursive: true, force: true });
  await rename(draft, outDir);
}

/** The compiler leaves imports of `.ts` in declarations as they are; here there is none. */
async function pointToBuilt(folder: string): Promise<void> {
  for (const path of await filesOf(folder, '.d.ts')) {
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'));
  }
}

/** The packages that the JavaScript imports. */
async function packagesOf(folder: string): Promise<readonly string[]> {
  const texts = await Promise.all((await filesOf(folder, '.js')).map((path) => readFile(path, 'utf8')));
  const imported = texts.flatMap((text) => [...text.matchAll(/^(?:import|export)\b[^'"]*?['"]([^'"]+)['"]/gm)]);
  const names = imported.map(([, name = '']) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? '');
  return [...new Set(names)].filter((name) => !name.startsWith('.') && !isBuiltin(name)).sort();
}

function packed({ dependencies, ...manifest }: Manifest, needed: readonly string[]): object {
  const kept = ['name', 'version', 'description', 'license', 'type', 'engines'];
  return {
    ...Object.fromEntries(kept.map((field) => [field, manifest[field]])),
    exports: { './producer': { types: `./${ENTRY}.d.ts`, default: `./${ENTRY}.js` } },
    dependencies: Object.fromEntries(needed.map((name) => [name, dependencies[name]])),
  };
}

async function filesOf(folder: string, ending: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
}
