// `npm run where -- TEXT`: where in the sources a place of deployed code is, by the source maps that lie beside the zips. TEXT is
// a line of a log or a whole stack trace, as arguments or on stdin. Reads .build/ alone: maps tell the truth of the build
// that they came with, and `desk status` says whether the deployed one is that.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { originalPositionFor, TraceMap, type EncodedSourceMap } from '@jridgewell/trace-mapping';

const buildDir = fileURLToPath(new URL('../.build/', import.meta.url));
/** The parts that several functions share have the same name only where they have the same content. */
const PLACE = /(?:[\w./-]+\/|\bfile:\/\/\/[\w./-]+\/)?([\w-]+\.mjs):(\d+):(\d+)/g;

/**
 * The text with every place of a deployed module replaced by that of its source; what no map knows stays as it is.
 * @param dir where the builds are
 */
export function inSources(said: string, dir: string = buildDir): { readonly said: string; readonly found: number } {
  const maps = new Map<string, TraceMap | undefined>();
  let found = 0;
  const replaced = said.replace(PLACE, (whole, module: string, line: string, column: string) => {
    if (!maps.has(module)) maps.set(module, mapOf(module, dir));
    const map = maps.get(module);
    // A stack trace counts columns from 1, a source map from 0.
    const at = map && originalPositionFor(map, { line: Number(line), column: Math.max(0, Number(column) - 1) });
    if (at?.source == null) return whole;
    found += 1;
    return `${at.source}:${at.line}:${at.column + 1}`;
  });
  return { said: replaced, found };
}

/** The map of a deployed module; its sources by their paths from the project's root. */
function mapOf(module: string, dir: string): TraceMap | undefined {
  const own = join(dir, `${basename(module, '.mjs')}.maps`, `${module}.map`);
  const folders = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.maps')) : [];
  const path = [own, ...folders.map((folder) => join(dir, folder, `${module}.map`))].find((each) => existsSync(each));
  if (path === undefined) return undefined;
  const map = JSON.parse(readFileSync(path, 'utf8')) as EncodedSourceMap;
  // They are written as seen from .build/<function>/.
  const sources = map.sources.map((source) => source?.replace(/^(\.\.\/)+/, '') ?? null);
  return new TraceMap({ ...map, sources });
}

const usage = `npm run where -- TEXT

Says where in the sources a place of deployed code is. TEXT is a line of a log
or a whole stack trace, as an argument or on stdin:

  npm run where -- 'at handler (file:///var/task/execute.mjs:1:2345)'

Reads the source maps in .build/, which npm run package makes.
`;

async function main(): Promise<void> {
  const given = process.argv.slice(2).join(' ');
  if (given === '--help' || (given === '' && process.stdin.isTTY)) {
    (given === '' ? process.stderr : process.stdout).write(usage);
    if (given === '') process.exitCode = 2;
    return;
  }
  const { said, found } = inSources(given === '' ? await text(process.stdin) : given);
  console.log(said.trimEnd());
  if (found > 0) return;
  const why = existsSync(buildDir) ? 'no place of a deployed module is in it, or it is of another build' : `there is no ${resolve(buildDir)}: npm run package makes it`; // prettier-ignore
  console.error(`Nothing found: ${why}.`);
  process.exitCode = 1;
}

if (import.meta.main) await main();
