// `desk` and all that it loads as one file: a start of it takes a third of the time then. For whoever starts it often: most
// suites of desk, dozens of times each, and the game day. tests/cli/desk.test.ts runs what `npx desk` runs.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
/** Where it lies. */
export const bundledDesk = join(root, '.build', 'desk.mjs');

/** Makes it anew; whoever starts it meanwhile finds the old one or the new one, whole. */
export async function bundleDesk(): Promise<void> {
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
    await rename(made, bundledDesk);
  } finally {
    await rm(made, { force: true });
  }
}
