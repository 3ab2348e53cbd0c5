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
const PARKING = 'shared/parking.ts';
const REPLAY = 'shared/order/replay.ts';
const SECRETS = 'shared/aws/secrets.ts';

interface Change {
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** Bugs that live below the simulation's network or beside it, or that whole worlds meet rarely: tests of that part catch them. */
export const suites: Readonly<Record<string, string>> = {
  'a dead socket reused': 'tests/http.test.ts',
  'secret promotion un-halts': 'tests/aws/secrets.test.ts',
  'a label moved from wherever it is': 'tests/aws/secrets.test.ts',
  'the mandate read once per batch': 'tests/execution.test.ts',
  'a cancel that was sent told as unsent': 'tests/execution.test.ts',
  'an old end told again': 'tests/execution.test.ts',
  'a loan taken twice': 'tests/execution.test.ts',
  'a setting that may still take effect lets the next one pass': 'tests/execution.test.ts',
  'an end that cannot be told asked for every second': 'tests/execution.test.ts',
  'told after its time by an invocation that went on': 'tests/execution.test.ts',
  'a write whose answer is lost made again': 'tests/aws/secrets.test.ts',
  'another key promoted over a later one': 'tests/aws/secrets.test.ts',
  'a replay while its original may still trade': 'tests/order/replay.test.ts',
};
/** The kind of world that shows the bug, where only one does: `npm run simulate -- --kind`. */
const kinds: Readonly<Record<string, string>> = {
  'horizon by our clock': 'wrong clocks',
  'an invocation that starts late sends all the same': 'invoked late',
  'what SQS does not secure is sent all the same': 'invoked late',
  'memory check removed from absence': 'short memory',
};

export const mutants: Readonly<Record<string, readonly Change[]>> = {
  'resend after timeout': [
    {
      file: EXECUTION,
      find: "if (intent.action === 'place') return resolve(candidate, verdict, desk);",
      replace: "if (intent.action === 'place') return attempt(candidate, desk, true);",
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
        "  const { intent, message } = candidate;\n  if (outside.clock.now() >= Date.parse(intent.expiresAt))\n    return { result: buried(message, intent, { code: 'INTENT_EXPIRED', detail: 'expired' }, outside.clock.now()) };\n  if (proof?.kind === 'found') return sighted(candidate, proof, desk);\n  const parked",
    },
  ],
  'expiry checked when the message was received': [
    {
      file: EXECUTION,
      find: 'admit(intent, instrument, account.mandate, book, outside.clock.now(), target)',
      replace: 'admit(intent, instrument, account.mandate, book, candidate.message.firstReceivedAt, target)',
    },
    {
      file: 'shared/bitmart/calls.ts',
      find: 'const until = Math.min(expiresAt, startBy(deadline));',
      replace: 'const until = startBy(deadline);',
    },
    // The network of the simulation holds to this for every request; real sockets do for new connections alone.
    { file: 'shared/bitmart/calls.ts', find: ', sendBefore: expiresAt }', replace: ' }' },
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
      find: "  const why = verdict.kind === 'unknown' ? verdict.detail : 'the venue knows",
      replace:
        "  if (verdict.kind === 'unknown') return attempt(candidate, desk, true);\n  const why = verdict.kind === 'unknown' ? verdict.detail : 'the venue knows",
    },
  ],
  'horizon by our clock': [
    {
      file: EXECUTION,
      find: 'const venueNow = isParked ? undefined : await venue.time(time.answerBy(clock.now()));',
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
      find: 'const seconds = Math.max(leastSeconds, Math.ceil(untilHorizonMs / 1000) + 1);',
      replace: 'const seconds = Math.min(leastSeconds + 2, untilHorizonMs);',
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
  'denial decided before the look-up': [
    {
      file: EXECUTION,
      find: "  if (proof?.kind === 'found') return sighted(candidate, proof, desk);\n  const parked",
      replace:
        "  const { intent, message } = candidate;\n  if (desk.account?.mandate.state === 'halted' && intent.action === 'place')\n    return { result: buried(message, intent, { code: 'TRADING_HALTED', detail: 'halted' }, outside.clock.now()) };\n  if (proof?.kind === 'found') return sighted(candidate, proof, desk);\n  const parked",
    },
  ],
  'a secret used for ever': [
    {
      file: 'shared/aws/accounts.ts',
      find: 'if (kept !== undefined && isFresh(kept.readAt)) return',
      replace: 'if (kept !== undefined) return',
    },
  ],
  'shadow mode sends': [
    {
      file: 'shared/bitmart/calls.ts',
      find: 'const via = account.mandate.shadow === true && !isLookup ? shadow : transport;',
      replace: 'const via = transport;',
    },
  ],
  'everything told as finished': [
    {
      file: EXECUTION,
      find: 'return unfinished.map(({ message }) => message.messageId);',
      replace: 'return unfinished.slice(unfinished.length).map(({ message }) => message.messageId);',
    },
  ],
  'secret promotion un-halts': [
    {
      file: 'shared/aws/secrets.ts',
      find: "'mandate' in current ? { ...credentials, mandate: current['mandate'] } : credentials;",
      replace:
        "'mandate' in current ? { ...credentials, mandate: staged['mandate'] ?? { state: 'active' } } : credentials;",
    },
  ],
  'a label moved from wherever it is': [
    {
      file: 'shared/aws/secrets.ts',
      find: 'await store.move(CURRENT, before, version);',
      replace: 'await store.move(CURRENT, (await store.read(CURRENT)).version, version);',
    },
  ],
  'a dead socket reused': [
    {
      file: 'shared/http.ts',
      find: 'if (idledMs < 0 || idledMs > Math.min(maxIdleMs, keptForMs))',
      replace: 'if (idledMs < 0)',
    },
  ],
  'the mandate read once per batch': [
    {
      file: EXECUTION,
      find: "  if ('result' in gathered) return gathered;\n  await enter(desk);",
      replace: "  if ('result' in gathered) return gathered;",
    },
    {
      file: EXECUTION,
      find: '  await enter(desk);\n  const barrier',
      replace: '  if (desk.account === undefined) await enter(desk);\n  const barrier',
    },
  ],
  'a cancel that was sent told as unsent': [
    {
      file: EXECUTION,
      find: "if (intent.action !== 'place') return message.receiveCount === 1 && disproved;",
      replace: "if (intent.action === 'cancel' && message.receiveCount > 0) return true;",
    },
  ],
  'an invocation that starts late sends all the same': [
    {
      file: PROOF,
      find: '  if (receiveCount > 1) return true;\n',
      replace: '  if (receiveCount > 0) return false;\n',
    },
  ],
  'what SQS does not secure is sent all the same': [
    {
      file: EXECUTION,
      find: 'return lost === undefined ? candidates.length : candidates.indexOf(lost);',
      replace: 'return lost === undefined ? candidates.length : candidates.length;',
    },
  ],
  'an old end told again': [
    {
      file: EXECUTION,
      find: 'return last?.message.receiveCount === receiveCount - 1 ? last : undefined;',
      replace: 'return last?.message.receiveCount === receiveCount ? undefined : last;',
    },
  ],
  'each generation of replays has an id of its own': [
    { file: REPLAY, find: 'original.id !== replayId(first)', replace: "original.id === ''" },
    { file: REPLAY, find: 'id: replayId(first),', replace: 'id: replayId(original.id),' },
  ],
  'each letter has a replay of its own': [
    { file: REPLAY, find: 'original.id !== replayId(first)', replace: "original.id === ''" },
    { file: REPLAY, find: 'id: replayId(first),', replace: 'id: replayId(`${first}${now}`),' },
  ],
  'a replay while its original may still trade': [
    { file: REPLAY, find: 'if (now < settlesAt) {', replace: 'if (now < 0 * settlesAt) {' },
  ],
  'a ban parks nobody': [
    {
      file: PARKING,
      find: '  parked.set(whom,',
      replace: '  if (!isBan) parked.set(whom,',
    },
  ],
  'fixed egress parks only the one account': [
    {
      file: PARKING,
      find: 'const whom = isBan && isEgressFixed ? EVERYBODY : account.name;',
      replace: "const whom = isBan && isEgressFixed && account.name === '' ? EVERYBODY : account.name;",
    },
  ],
  'a 429 does not stop the group': [
    {
      file: PROOF,
      find: "if (refusal.kind === 'throttled') desk.silence",
      replace: "if (candidate.intent.id === '') desk.silence",
    },
  ],
  'look-ups unpaced': [
    {
      file: 'shared/bitmart/pace.ts',
      find: 'const interval = paceMs(limit, utilisation, share);',
      replace: 'const interval = /find|query|client/i.test(name) ? 1 : paceMs(limit, utilisation, share);',
    },
  ],
  "another lane's tail not held": [
    {
      file: 'shared/bitmart/pace.ts',
      find: 'for (const lane of accounts.get(account)?.values() ?? []) {',
      replace: 'for (const lane of [...(accounts.get(account)?.values() ?? [])].slice(0, 1)) {',
    },
  ],
  'not followed': [
    {
      file: EXECUTION,
      find: '(orders) => queues.follow(orders.map((order) => ({ order, delaySeconds: FOLLOW_AFTER_SECONDS }))),',
      replace: '(orders) => Promise.resolve(orders.map(() => true)),',
    },
  ],
  'acknowledge before follow': [
    {
      file: EXECUTION,
      find: 'buriedOk[index] !== false && followedOk[index] !== false && publishedOk',
      replace: 'buriedOk[index] !== false && publishedOk',
    },
  ],
  'reported as accepted before anybody follows it': [
    {
      file: EXECUTION,
      find: 'buriedOk[index] === false || followedOk[index] === false ? undefined',
      replace: 'buriedOk[index] === false ? undefined',
    },
  ],
  'memory check removed from absence': [
    {
      file: PROOF,
      find: 'if (clock.now() - earliest > venue.promises.answersLookupsForMs) {',
      replace: 'if (clock.now() - earliest > 9e15) {',
    },
  ],
  'a write whose answer is lost made again': [
    {
      file: SECRETS,
      find: "if (previous === version) return 'written';",
      replace: "if (previous === version) return 'overtaken';",
    },
  ],
  'a resume over a halt that nobody looked at': [
    { file: SECRETS, find: 'if (seen !== undefined && seen !== version) {', replace: "if (seen === '') {" },
    {
      file: SECRETS,
      find: 'if (attempt > 1 && lifts(change, current)) {',
      replace: 'if (attempt < 1 && lifts(change, current)) {',
    },
  ],
  'another key promoted over a later one': [
    {
      file: SECRETS,
      find: 'if ((await versionOf(store, PENDING)) !== pending.version) {',
      replace: 'if (pending.version === undefined) {',
    },
  ],
  'an end that cannot be told asked for every second': [
    { file: PROOF, find: '  if (lifeMs <= 0) return parkMs / 1000;\n', replace: '' },
  ],
  'told after its time by an invocation that went on': [
    {
      file: EXECUTION,
      find: 'if (outside.clock.now() >= deadline) return results',
      replace: 'if (outside.clock.now() >= deadline * 2) return results',
    },
  ],
  'a setting in the middle of a batch': [
    { file: EXECUTION, find: 'isLate || (isAlone && index > 0)', replace: 'isLate' },
    {
      file: EXECUTION,
      find: 'if (stop === undefined && !isAlone) continue;',
      replace: 'if (stop === undefined) continue;',
    },
  ],
  'a setting that may still take effect lets the next one pass': [
    {
      file: EXECUTION,
      find: 'return heldPastHorizon(candidate, verdict, desk);\n    case',
      replace: "return stopped(candidate, 1, 'again', outside);\n    case",
    },
  ],
  'a loan taken twice': [
    {
      file: EXECUTION,
      find: '  const unseen = `${detail};',
      replace:
        "  if (seen?.kind !== 'found') return resolve(candidate, { ...verdict, kind: 'unknown', signedAt: clock.now() }, desk);\n  const unseen = `${detail};",
    },
  ],
  'a batch believed without counting': [
    {
      file: 'shared/bitmart/answers.ts',
      find: 'const isWhole = code === 0 && ids.size === count && data?.orderIds.length === count;',
      replace: 'const isWhole = code === 0 || ids.size === count;',
    },
  ],
  'a batch settled without a look': [
    {
      file: EXECUTION,
      find: '  const proofs = await prove(sought, desk);\n  return oneByOne',
      replace:
        "  const proofs = new Map(sought.map(({ message }) => [message.messageId, { kind: 'absent' } as Proof]));\n  return oneByOne",
    },
  ],
  'a lost report forgotten': [{ file: EXECUTION, find: '&& publishedOk[index] !== false;', replace: ';' }],
};

/**
 * Runs the simulation, or the tests that are named for it, with the mutant planted.
 * @returns the first broken promise, or undefined if it lived
 */
export async function hunt(name: string, runs: number, from: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'mutant-'));
  try {
    for (const part of ['shared', 'local', 'tests', 'functions', 'package.json', 'jest.config.js', 'tsconfig.json']) {
      await cp(join(root, part), join(folder, part), { recursive: true });
    }
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const changes = mutants[name] ?? [];
    if (changes.length === 0 && name !== 'none') throw new Error(`there is no mutant "${name}"`);
    for (const { file, find, replace } of changes) {
      const path = join(folder, file);
      const text = await readFile(path, 'utf8');
      if (text.split(find).length !== 2)
        throw new Error(`mutant "${name}": its place in ${file} is gone or not the only one`);
      await writeFile(
        path,
        text.replace(find, () => replace),
      );
    }
    const suite = suites[name];
    return suite === undefined ? await simulate(folder, name, runs, from) : await testSuite(folder, suite);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function simulate(folder: string, name: string, runs: number, from: number): Promise<string | undefined> {
  const kind = kinds[name];
  const args = [
    'tests/simulation/main.ts',
    '--json',
    '--until-failure',
    '--runs',
    // Of those seeds a tenth is of one kind.
    String(kind === undefined ? runs : runs * 5),
    '--from',
    String(from),
  ];
  const out = await run(folder, [...args, ...(kind === undefined ? [] : ['--kind', kind])]);
  const said = /^\{.*\}$/m.exec(out)?.[0];
  if (said === undefined) return `it does not run: ${out.slice(0, 500)}`;
  const { broken } = JSON.parse(said) as { broken: { seed: number; sentences: string[] }[] };
  // A planted bug is a program all the same: one that only throws shows nothing.
  const slip = broken[0]?.sentences.find((sentence) => /ReferenceError|TypeError|SyntaxError/.test(sentence));
  if (slip !== undefined) throw new Error(`mutant "${name}" is no program: ${slip}`);
  return broken[0] && `seed ${broken[0].seed}: ${broken[0].sentences.join('; ')}`;
}

async function testSuite(folder: string, suite: string): Promise<string | undefined> {
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  const out = await run(folder, [...jest, '--json', '--rootDir', folder, suite]);
  const said = /^\{.*\}$/m.exec(out)?.[0];
  if (said === undefined) return `it does not run: ${out.slice(0, 500)}`;
  const { testResults } = JSON.parse(said) as {
    testResults: { assertionResults: { status: string; fullName: string }[] }[];
  };
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find(({ status }) => status === 'failed');
  return failed && `${suite}: ${failed.fullName}`;
}

function run(cwd: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, maxBuffer: 1 << 26 }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

if (import.meta.main) {
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(mutants)) {
    const startedAt = performance.now();
    const caught = await hunt(name, 2000, 1);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${caught === undefined ? 'LIVES ' : 'caught'} ${name} (${seconds} s): ${caught?.slice(0, 150) ?? ''}`);
  }
}
