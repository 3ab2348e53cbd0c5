// docs/licences.md: what is installed and what ships, under which licence, and which packages may run a script when they are
// installed. Made of the lock files, which are the same on every platform, and of what the bundler says it put in the zips.
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { packageOf, packageService } from './package.ts';

/** One installed package as the lock file has it; several versions of it are several entries. */
export interface Installed {
  readonly name: string;
  readonly licence: string | undefined;
  readonly hasInstallScript: boolean;
}

/** Why a licence is no trouble here. Whatever is not in this table fails a test: somebody has to read it first. */
export const allowed: Readonly<Record<string, string>> = {
  MIT: 'use and pass on with its text',
  'MIT-0': 'use and pass on, no condition',
  ISC: 'as MIT',
  '0BSD': 'as MIT, without the text',
  'BSD-2-Clause': 'as MIT',
  'BSD-3-Clause': 'as MIT; the name of its authors is no advertisement',
  'Apache-2.0': 'as MIT, with its NOTICE and a grant of patents',
  'BlueOak-1.0.0': 'as MIT, with a grant of patents',
  '(MIT OR CC0-1.0)': 'MIT is taken',
  'Python-2.0': 'use and pass on with its text; a tool of ours, never shipped',
  'PSF-2.0': 'the same',
  'CC-BY-4.0': 'data with the name of its source; a tool of ours, never shipped',
};

/** What may be in a zip or in the package for producers. */
export const allowedShipped: readonly string[] = ['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0']; // prettier-ignore

/** Every package with a script at its installation: what that does, and why it may or may not. `allowScripts` says the same. */
export const installScripts: Readonly<Record<string, { readonly may: boolean; readonly why: string }>> = {
  esbuild: { may: true, why: 'checks the binary for this machine, which came as a package of its own, and puts it in place' }, // prettier-ignore
  node: { may: true, why: 'puts the binary of Node 24 for this machine, a package of its own, in place' },
  'unrs-resolver': { may: true, why: 'checks that the binary for this machine is there; held at a version that takes it from the registry alone' }, // prettier-ignore
  'es5-ext': { may: false, why: 'prints a message of its author; nothing needs it' },
  '@parcel/watcher': { may: false, why: 'would build from source where asked to; the built one is a package of its own, and nobody here watches files' }, // prettier-ignore
};

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(at(path), 'utf8'));

/** @param lockFile `package-lock.json`, or another one below the root */
export async function installed(lockFile: string): Promise<readonly Installed[]> {
  const lock = (await json(lockFile)) as { readonly packages: Readonly<Record<string, Entry>> };
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, { name, license, hasInstallScript = false }]) => ({
      name: name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      licence: license,
      hasInstallScript,
    }));
}
interface Entry {
  readonly name?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
}

/** What ships, by what it is in: the packages that the bundler took something of, and those that the producers' package needs. */
export async function shipped(): Promise<Readonly<Record<string, readonly string[]>>> {
  await packageService({ ifStale: true });
  const { dependencies } = (await json('.build/producer/package.json')) as { readonly dependencies: object };
  const bundled: Record<string, readonly string[]> = {};
  for (const name of await functionNames()) {
    const { outputs } = (await json(`.build/${name}.meta.json`)) as Meta;
    const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
    const of = inputs.filter(([path, { bytesInOutput }]) => path.includes('node_modules/') && bytesInOutput > 0);
    bundled[`${name}.zip`] = [...new Set(of.map(([path]) => packageOf(path)))].sort();
  }
  return { ...bundled, 'producer package': Object.keys(dependencies).sort() };
}
interface Meta {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}

async function functionNames(): Promise<readonly string[]> {
  return (await readdir(at('functions'))).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3)).sort(); // prettier-ignore
}

/** The page. @param made the line that says that it is generated */
export async function licencesPage(made: string): Promise<string> {
  const [all, bench, ships] = await Promise.all([installed('package-lock.json'), installed('bench/package-lock.json'), shipped()]); // prettier-ignore
  const licencesOf = new Map<string, Set<string>>();
  for (const { name, licence = 'unknown' } of all) licencesOf.set(name, (licencesOf.get(name) ?? new Set()).add(licence)); // prettier-ignore
  const names = [...new Set(Object.values(ships).flat())].sort();
  const zips = Object.keys(ships).filter((what) => what.endsWith('.zip'));
  const shipRows = names.map((name) => {
    const into = Object.entries(ships).flatMap(([what, within]) => (within.includes(name) ? [what] : []));
    return `| \`${name}\` | ${[...(licencesOf.get(name) ?? [])].join(', ')} | ${where(into, zips)} |`;
  });
  const scriptRows = Object.entries(installScripts).map(([name, { may, why }]) => `| \`${name}\` | ${may ? 'yes' : 'no'} | ${why} |`); // prettier-ignore
  return `# Licences and install scripts

${made}

Versions are in the lock files, and a test fails when a package has a licence that is not listed here, or none, or a script at
its installation that is not listed here. What each direct dependency is for: [decision 8](decisions/0008-dependencies.md).

## What ships

The zips run in your own AWS account, and the package for producers in your own programs; nothing else of what is installed gets there. The
bundler leaves comments out, those with licences too. Whoever hands a zip on to others has to add the texts of these
licences, which lie in \`node_modules/<package>/\`.

| package | licence | is in |
|---|---|---|
${shipRows.join('\n')}

## Install scripts

A script at an installation runs with all rights of whoever installs. \`allowScripts\` in \`package.json\` says which may. An npm that does not know
that field (11.19 does) runs all of them unless it is told \`--ignore-scripts\`.

| package | may run | what it does |
|---|---|---|
${scriptRows.join('\n')}

The benchmark's own packages (\`bench/\`) are installed with \`--ignore-scripts\`: none of theirs runs.

## What is installed

${section(all)}

## What the benchmark installs

${section(bench)}
`;
}

/** What a package is in, with the zips as one where it is in each. */
function where(into: readonly string[], zips: readonly string[]): string {
  const isInAll = zips.every((zip) => into.includes(zip));
  return (isInAll ? ['every zip', ...into.filter((what) => !zips.includes(what))] : into).join(', ');
}

function section(packages: readonly Installed[]): string {
  const byLicence = new Map<string, Set<string>>();
  for (const { name, licence = 'unknown' } of packages) byLicence.set(licence, (byLicence.get(licence) ?? new Set()).add(name)); // prettier-ignore
  const inOrder = [...byLicence].sort(([a, some], [b, others]) => others.size - some.size || (a < b ? -1 : 1));
  return inOrder
    .map(([licence, names]) => `**${licence}** (${allowed[licence] ?? 'not looked at'}; ${names.size}):\n${wrapped([...names].sort())}.`)
    .join('\n\n'); // prettier-ignore
}

/** Lines of at most 120, so that a new package is a change of few lines. */
function wrapped(names: readonly string[]): string {
  const lines = [''];
  for (const [index, name] of names.entries()) {
    const text = `\`${name}\`${index === names.length - 1 ? '' : ','}`;
    const last = lines.at(-1) ?? '';
    if (last.length + text.length > 118) lines.push(text);
    else lines[lines.length - 1] = last === '' ? text : `${last} ${text}`;
  }
  return lines.join('\n');
}
