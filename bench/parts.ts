// What the zip of `execute` is made of: which package weighs how much, in what is read at a cold start and in the rest.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import type { Metafile } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param isMarkdown for docs/, else for a terminal */
export async function parts(isMarkdown = false): Promise<string> {
  const meta = JSON.parse(await readFile(join(root, '.build', 'execute.meta.json'), 'utf8')) as Metafile;
  const entry = Object.entries(meta.outputs).find(([, { entryPoint }]) => entryPoint === 'functions/execute.ts');
  // What the entry imports, directly or not, is read when it is loaded.
  const early = new Set<string>();
  const read = (path: string): void => {
    if (early.has(path)) return;
    early.add(path);
    for (const { path: next, kind } of meta.outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && meta.outputs[next] !== undefined) read(next);
    }
  };
  if (entry !== undefined) read(entry[0]);
  const modules = Object.entries(meta.outputs);
  const bytes = new Map<string, { early: number; late: number }>();
  for (const [path, { inputs }] of modules) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? input.replace(/^(\w+)\/.*/, '$1/');
      const sum = bytes.get(name) ?? { early: 0, late: 0 };
      sum[early.has(path) ? 'early' : 'late'] += bytesInOutput;
      bytes.set(name, sum);
    }
  }
  const kib = (value: number): string => (value / 1024).toFixed(1);
  const sorted = [...bytes].sort(([, a], [, b]) => b.early + b.late - a.early - a.late);
  const shown = sorted.slice(0, 14);
  const rest = sorted
    .slice(14)
    .reduce((sum, [, each]) => ({ early: sum.early + each.early, late: sum.late + each.late }), { early: 0, late: 0 });
  const total = sorted.reduce((sum, [, each]) => ({ early: sum.early + each.early, late: sum.late + each.late }), {
    early: 0,
    late: 0,
  });
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
