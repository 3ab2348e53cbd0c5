// Handler packages for the tests of the local Lambda, zipped on the spot, and the waiting that these tests share.
// Promises zips like the deployed ones: one ES module at the root.
// Never leaves a file behind: `removePackages` belongs into afterAll.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import type { FunctionDefinition } from '../../../local/lambda/runner.ts';

const folder = mkdtempSync(join(tmpdir(), 'lambda-test-'));
let packages = 0;

/** Writes a zip that holds these files, and returns its path. */
export const packageOf = (files: Readonly<Record<string, string>>): string => {
  const path = join(folder, `package-${packages++}.zip`);
  writeFileSync(path, zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)]))));
  return path;
};

export const removePackages = (): void => rmSync(folder, { recursive: true, force: true });

/** A function whose `main.mjs` is this source, which exports `handler`. */
export const functionOf = (
  name: string,
  source: string,
  more: Partial<FunctionDefinition> = {},
): FunctionDefinition => ({
  name,
  zipPath: packageOf({ 'main.mjs': source }),
  handler: 'main.handler',
  timeoutMs: 5_000,
  memoryMb: 128,
  environment: {},
  ...more,
});

/** Waits until the condition holds; rejects after `limitMs`. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not so after ${limitMs} ms: ${condition.toString()}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** Whether a process exists. */
export const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
