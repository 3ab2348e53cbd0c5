// Before all suites: `desk` and all that it loads as one file, as a start of it takes a third of the time then. Most suites of
// desk start it dozens of times; tests/cli/desk.test.ts runs what `npx desk` runs.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));

export default async () => {
  // A planted bug is looked for in one suite, which starts no desk.
  if (process.env.PLANTED !== undefined) return;
  const made = join(root, '.build', `desk-${process.pid}.mjs`);
  try {
    await build({
      absWorkingDir: root,
      entryPoints: ['cli/program.ts'],
      outfile: made,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      // It finds its binary by where it lies itself.
      external: ['esbuild'],
      define: { 'import.meta.main': 'false' },
      banner: {
        js: "import { createRequire, enableCompileCache } from 'node:module'; enableCompileCache(); const require = createRequire(import.meta.url);",
      },
    });
    await rename(made, join(root, '.build', 'desk.mjs'));
  } finally {
    await rm(made, { force: true });
  }
};
