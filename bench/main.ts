// `npm run bench`: ours beside its peers, in one run, with progress; a table for people, --json for programs, --write for docs/.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import prettier from 'prettier';
import type { Case, Measured } from './cases.ts';
import { parts } from './parts.ts';
import { chart, markdown, tables, type Results } from './report.ts';

const usage = `npm run bench [-- CASE...] [--quick] [--json] [--write]

Measures this service beside other clients of the exchange, each in the same
Lambda job on this machine. Needs the network once, for the clients.

  cold     loading the code to the first order acknowledged, and what of the
           zip weighs what
  micro    signing an order, reading an event
  cpu      CPU per order of a warm process
  event    an event of ten orders, the venue 30 ms away
  limit    what is accepted at the rate limit, and what is refused
  queue    through queue and runner: rate, and time from queue to venue
  memory   of a warm process

  --quick  few rounds: shows that it runs, and is no measurement
  --json   one JSON object with every sample
  --write  writes docs/bench.md and docs/bench.svg
  --help   this text
`;

const root = fileURLToPath(new URL('..', import.meta.url));
const names = ['cold', 'micro', 'cpu', 'event', 'limit', 'queue', 'memory'] as const;

function progress(step: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${step === '' ? '' : `${step} …`}`);
}

/** The other clients, unless they are there as the lock file has them. */
function install(): void {
  const [lock, done] = [join(root, 'bench/package-lock.json'), join(root, 'bench/node_modules/.package-lock.json')];
  if (existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs) return;
  progress('installing the other clients');
  // Without install scripts: what they would build is optional, and nobody here needs it.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { status, stderr } = spawnSync('npm', args, { cwd: join(root, 'bench'), encoding: 'utf8' });
  if (status !== 0) throw new Error(`the other clients could not be installed in bench/: ${stderr}`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const unknown = positionals.find((name) => !names.some((known) => known === name));
  if (unknown !== undefined) throw new RangeError(`"${unknown}" is no case; there are ${names.join(', ')}`);
  const wanted = names.filter((name) => positionals.length === 0 || positionals.includes(name));
  const startedAt = performance.now();
  install();
  const cases = (await import('./cases.ts')) as Readonly<Record<(typeof names)[number], Case>>;
  const { startWorld } = await import('./world.ts');
  const world = await startWorld(progress);
  const measured: Measured[] = [];
  try {
    const effort = values.quick ? { rounds: 2, limitMs: 1000 } : { rounds: 11, limitMs: 10_000 };
    for (const name of wanted) measured.push(...(await cases[name](world, { ...effort, progress })));
  } finally {
    progress('');
    await world.close();
  }
  const [processor] = cpus();
  const results: Results = {
    node: `Node ${process.version}`,
    processors: `${cpus().length} × ${processor?.model ?? 'unknown processor'}`,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    measured,
    sizes: world.sizes,
  };
  if (values.json) console.log(JSON.stringify(results));
  else console.log(wanted.includes('cold') ? `${tables(results)}\n\n${await parts()}` : tables(results));
  if (!values.write) return;
  const page = join(root, 'docs', 'bench.md');
  const config = await prettier.resolveConfig(page);
  const text = `${markdown(results)}\n\n${await parts(true)}\n`;
  await writeFile(page, await prettier.format(text, { ...config, filepath: page }));
  await writeFile(join(root, 'docs', 'bench.svg'), chart(results));
}

// The runner takes its frozen environments with it when this process exits, and a signal alone is no exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

await main().catch((error: unknown) => {
  progress('');
  console.error(error instanceof Error ? error.message : error);
  const isMisuse = error instanceof RangeError || (error instanceof TypeError && 'code' in error);
  process.exitCode = isMisuse ? 2 : 1;
});
// Agents of the servers that were closed may hold sockets for a while.
process.exit();
