// Jest transform: TypeScript in, ES module out. Types are checked by `npm run types`, not here.
// A bug to plant comes in PLANTED, as tests/simulation/hunt.ts sets it: changes of files of this project.
import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const planted = JSON.parse(process.env.PLANTED ?? '[]');
const changesOf = (path) => planted.filter(({ file }) => file === relative(root, path));

export default {
  getCacheKey: (source, path, { configString }) =>
    createHash('sha256')
      .update(JSON.stringify([source, path, configString, changesOf(path)]))
      .digest('hex'),
  process: (source, path) => {
    const text = changesOf(path).reduce((sofar, { find, replace }) => sofar.replace(find, () => replace), source);
    const { code, map } = transformSync(text, {
      loader: 'ts',
      format: 'esm',
      target: 'node24',
      sourcefile: path,
      sourcemap: 'both',
    });
    return { code, map };
  },
};
