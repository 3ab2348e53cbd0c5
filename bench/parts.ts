// What the zip of `execute` is made of: which package weighs how much, in what is read at a cold start and in the rest.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import type { Metafile } from 'esbuild';
import { packageOf, reachedFrom } from '../local/package.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What is read at a cold start, and what when it is needed. */
interface Bytes {
  early: number;
  late: number;
}

function sumOf(all: readonly Bytes[]): Bytes {
  return all.reduce((sum, { early, late }) => ({ early: sum.early + early, late: sum.late + late }), {
    early: 0,
    late: 0,
  });
}

/** @param isMarkdown for docs/, else for a terminal */
export async function parts(isMarkdown = false): Promise<string> {
  const meta = JSON.parse(await readFile(join(root, '.build', 'execute.meta.json'), 'utf8')) as Metafile;
  const modules = Object.entries(meta.outputs);
  const entry = modules.find(([, { entryPoint }]) => entryPoint === 'functions/execute.ts');
  const early = reachedFrom(meta, entry?.[0] ?? '', true);
  const bytes = new Map<string, Bytes>();
  for (const [path, { inputs }] of modules) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const part = packageOf(input);
      const name = part === input ? input.replace(/^(\w+)\/.*/, '$1/') : part;
      const sum = bytes.get(name) ?? { early: 0, late: 0 };
      sum[early.has(path) ? 'early' : 'late'] += bytesInOutput;
      bytes.set(name, sum);
    }
  }
  const kib = (value: number): string => (value / 1024).toFixed(1);
  const sorted = [...bytes].sort(([, a], [, b]) => b.early + b.late - a.early - a.late);
  const shown = sorted.slice(0, 14);
  const rest = sumOf(sorted.slice(14).map(([, each]) => each));
  const total = sumOf(sorted.map(([, each]) => each));
  const rows = [...shown, ['the rest', rest] as const, ['all', total] as const].map(([name, each]) => [
    name,
    kib(each.early),
    kib(each.late),
  ]);
  const head = ['part of execute', 'read at a cold start, KiB', 'read when it is needed, KiB'];
  if (isMarkdown) {
    const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
    return `## What the zip of \`execute\` is made of\n\nBefore compression.\n\n${lines.join('\n')}`;
  }
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}
