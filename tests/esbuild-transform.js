// Jest transform: TypeScript in, ES module out. Types are checked by `npm run types`, not here.
import { transformSync } from 'esbuild';

export default {
  process: (source, path) => {
    const { code, map } = transformSync(source, {
      loader: 'ts',
      format: 'esm',
      target: 'node24',
      sourcefile: path,
      sourcemap: 'both',
    });
    return { code, map };
  },
};
