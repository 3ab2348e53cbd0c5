// Planted bugs, by name: each is a change of the production code that the simulation must catch. A simulation that lets
// one of them live proves nothing about the code without it.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const EXECUTION = 'shared/execution.ts';
const PROOF = 'shared/proof.ts';

interface Change {
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export const mutants: Readonly<Record<string, readonly Change[]>> = {
  'resend after timeout': [
    {
      file: EXECUTION,
      find: "return intent.action === 'cancel' ? resolveCancel(candidate, verdict, desk) : resolve(candidate, verdict, desk);",
      replace: 'return attempt(candidate, desk, true);',
    },
  ],
  'look-up skipped': [
    {
      file: PROOF,
      find: 'return message.receiveCount === 1 && !isKnown && isOnlyMessage(message, intent);',
      replace: 'return isKnown || message.receiveCount > 0;',
    },
  ],
  'expiry decided before the look-up': [
    {
      file: EXECUTION,
      find: "  if (proof?.kind === 'found') return sighted(candidate, proof, desk);\n  const parked",
      replace:
        "  if (now >= Date.parse(intent.expiresAt)) return end({ code: 'INTENT_EXPIRED', detail: 'expired' });\n  if (proof?.kind === 'found') return sighted(candidate, proof, desk);\n  const parked",
    },
  ],
  'expiry checked when the message was received': [
    {
      file: EXECUTION,
      find: 'admit(intent, instrument, account.mandate, book, clock.now())',
      replace: 'admit(intent, instrument, account.mandate, book, message.firstReceivedAt)',
    },
    {
      file: 'shared/bitmart/venue.ts',
      find: 'if (now >= expiresAt || deadline - now < LEAST_MS)',
      replace: 'if (deadline - now < LEAST_MS)',
    },
  ],
  'tail not held': [
    {
      file: EXECUTION,
      find: 'touched.map((account) => venue.hold(account))',
      replace: 'touched.slice(touched.length).map((account) => venue.hold(account))',
    },
  ],
  'not found taken as proof': [
    {
      file: EXECUTION,
      find: '  const venueNow = await venue.time(time.answerBy(clock.now()));\n  if (venueNow === undefined) {',
      replace:
        "  if (verdict.kind === 'unknown') return attempt(candidate, desk, true);\n  const venueNow = await venue.time(time.answerBy(clock.now()));\n  if (venueNow === undefined) {",
    },
  ],
  'horizon by our clock': [
    {
      file: EXECUTION,
      find: 'const venueNow = await venue.time(time.answerBy(clock.now()));',
      replace: 'const venueNow: number | undefined = await Promise.resolve(clock.now());',
    },
    {
      file: PROOF,
      find: 'const venueNow = isTimeNeeded ? await venue.time(time.answerBy(clock.now())) : undefined;',
      replace: 'const venueNow = isTimeNeeded ? clock.now() : undefined;',
    },
  ],
  'acknowledge before bury': [
    {
      file: EXECUTION,
      find: 'const isTold = buriedOk[index] !== false && followedOk',
      replace: 'const isTold = followedOk',
    },
  ],
  'bury without checking Successful': [
    {
      file: 'shared/aws/queues.ts',
      find: 'return numbered.map(({ Id }) => taken.has(Id));',
      replace: 'return numbered.map(({ Id }) => taken.has(Id) || Id !== undefined);',
    },
  ],
  'visibility shortened after a send': [
    {
      file: EXECUTION,
      find: 'seconds = Math.max(seconds, Math.ceil(untilHorizonMs / 1000) + 1);',
      replace: 'seconds = Math.min(2, untilHorizonMs);',
    },
  ],
  'deduplication id not checked': [
    {
      file: EXECUTION,
      find: '} else if (parsed.intent.id !== message.deduplicationId) {',
      replace: "} else if (message.deduplicationId === '') {",
    },
  ],
  'found order not compared': [
    { file: EXECUTION, find: 'if (differs !== undefined) {', replace: 'if (differs === undefined && now < 0) {' },
  ],
  'a stale proof believed': [
    {
      file: EXECUTION,
      find: 'if (!isStale) return take(candidate, proof, desk);',
      replace: 'if (!isStale || isStale) return take(candidate, proof, desk);',
    },
  ],
  'a lost report forgotten': [{ file: EXECUTION, find: '&& publishedOk[index] !== false;', replace: ';' }],
};

/** Runs the simulation with the mutant planted. @returns the first broken promise, or undefined if it lived */
export async function hunt(name: string, runs: number, from: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'mutant-'));
  try {
    for (const part of ['shared', 'local', 'tests/simulation', 'package.json']) {
      await cp(join(root, part), join(folder, part), { recursive: true });
    }
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const { file, find, replace } of mutants[name] ?? []) {
      const path = join(folder, file);
      const text = await readFile(path, 'utf8');
      if (text.split(find).length !== 2)
        throw new Error(`mutant "${name}": its place in ${file} is gone or not the only one`);
      await writeFile(
        path,
        text.replace(find, () => replace),
      );
    }
    const args = ['tests/simulation/main.ts', '--runs', String(runs), '--from', String(from), '--until-failure'];
    const out = await new Promise<string>((resolve) => {
      execFile(process.execPath, args, { cwd: folder }, (_, stdout, stderr) => resolve(stdout + stderr));
    });
    return (
      /^seed \d+: .*$/m.exec(out)?.[0] ??
      (out.includes('failures: 0') ? undefined : `it does not run: ${out.slice(0, 500)}`)
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(mutants)) {
    const startedAt = performance.now();
    const caught = await hunt(name, 2000, 1);
    console.log(
      `${caught === undefined ? 'LIVES ' : 'caught'} ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s): ${caught?.slice(0, 150) ?? ''}`,
    );
  }
}
