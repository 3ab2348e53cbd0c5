// A lock between processes of one machine: a file that holds the process id of whoever works.
// Promises: one holder at a time, a bounded wait, and a lock whose process is gone is taken over.
// Never locks across machines, and knows nothing of the work it guards.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs `work` while holding the lock file at `path`, which is made as needed and removed afterwards.
 * @throws Error when a living process holds the lock for longer than `waitMs`; it names the process and the file.
 */
export async function withLock<T>(path: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  await lock(path, waitMs);
  try {
    return await work();
  } finally {
    await unlink(path);
  }
}

async function lock(path: string, waitMs: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, String(process.pid));
  try {
    const giveUpAt = Date.now() + waitMs;
    // A hard link is made whole or not at all: nobody ever sees a lock without its process id.
    while (!(await succeeds(link(draft, path), 'EEXIST'))) {
      if (Date.now() > giveUpAt) {
        const holder = readHolder(path) ?? '?';
        throw new Error(`process ${holder} has held ${path} for over ${waitMs / 1000} s: end it, or delete the file`);
      }
      await clearDeadLock(path);
      await sleep(50);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function clearDeadLock(path: string): Promise<void> {
  const holder = readHolder(path);
  if (holder === undefined || isAlive(holder)) return;
  const aside = `${path}.${randomUUID()}`;
  // Of several waiters one moves the file away. Should it be a newer lock by now, it is put back.
  if (!(await succeeds(rename(path, aside), 'ENOENT'))) return;
  if (readHolder(aside) !== holder) await succeeds(link(aside, path), 'EEXIST');
  await rm(aside, { force: true });
}

function readHolder(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined; // released in the meantime
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM'; // it lives, but belongs to someone else
  }
}

/** false when the operation failed with `expected`; any other failure is thrown. */
async function succeeds(operation: Promise<unknown>, expected: string): Promise<boolean> {
  try {
    await operation;
    return true;
  } catch (error) {
    if (codeOf(error) === expected) return false;
    throw error;
  }
}

/** Not by `instanceof`: what Node's own modules throw is of another realm than a test's code. */
function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
