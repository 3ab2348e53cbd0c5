// `desk` as a person runs it: its own process, with a stack of the test's, and nothing of this process's settings.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StackOptions } from '../../local/stack.ts';
import { bundledDesk } from '../bundle.ts';
import { startSystem, type System } from '../system/fixture.ts';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const sources = fileOf('cli/desk.ts');

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
export interface Given {
  /** What is typed into it; nothing by default, and no terminal. */
  readonly stdin?: string;
  /** Ends it with SIGINT once its stdout holds this. */
  readonly until?: string;
  readonly cwd?: string;
  /** Nobody reads what it writes: as `| true`. */
  readonly isUnread?: boolean;
  /** Runs the sources, as `npx desk` does. */
  readonly fromSources?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** What the keys of the local stack's accounts begin with. */
const SECRETS = /local-secret|local-key|my memo/;

/** Runs `desk` with these arguments. Rejects where a part of a key is shown. */
export function desk(
  args: readonly string[],
  { stdin = '', until, cwd, isUnread = false, fromSources = false, env = {} }: Given = {},
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fromSources ? sources : bundledDesk, ...args], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NO_COLOR: '1', COLUMNS: '100', ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      said.out += chunk.toString();
      if (until !== undefined && said.out.includes(until)) child.kill('SIGINT');
    });
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
    if (isUnread) child.stdout.destroy();
    child.on('error', reject);
    child.on('close', (code) => {
      // Whatever the command: nothing of a key is ever shown.
      if (SECRETS.test(said.out + said.err)) reject(new Error(`desk ${args.join(' ')} showed a part of a key`));
      else resolve({ code, ...said });
    });
    child.stdin.end(stdin);
  });
}

export interface DeskSystem extends System {
  /** Runs `desk` on this stack. */
  desk(args: readonly string[], given?: Given): Promise<Said>;
}

/** A whole stack, and `desk` on it. Its reports and dead letters stay on their queues where `keeps` says so. */
export async function startDesk(options: StackOptions & { readonly keeps?: boolean } = {}): Promise<DeskSystem> {
  const system = await startSystem(options);
  const folder = await mkdtemp(join(tmpdir(), 'desk-'));
  const ready = join(folder, 'ready.json');
  await writeFile(ready, JSON.stringify(system.ready));
  return {
    ...system,
    desk: (args, given) => desk([...args, '--ready', ready], given),
    close: async () => {
      await system.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
