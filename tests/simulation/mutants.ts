// Planted bugs, by name: each is a change of the production code that the simulation must catch. A simulation that lets
// one of them live proves nothing about the code without it. hunt.ts plants them.
const EXECUTION = 'shared/execution.ts';
const PROOF = 'shared/proof.ts';
const PARKING = 'shared/parking.ts';
const REPLAY = 'shared/order/replay.ts';
const SECRETS = 'shared/aws/secrets.ts';

export interface Change {
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
  'behind one that stops the rest of its request is sent': 'tests/seam.test.ts',
  'what a request leaves open taken for absent': 'tests/seam.test.ts',
  'a ban of the address parks the one account': 'tests/seam.test.ts',
  'a ban of the address parks every venue': 'tests/seam.test.ts',
  'an account followed to another venue': 'tests/seam.test.ts',
  'a price that the venue moved taken for another order': 'tests/seam.test.ts',
};
/** The kind of world that shows the bug, where only one does: `npm run simulate -- --kind`. */
export const kinds: Readonly<Record<string, string>> = {
  'horizon by our clock': 'wrong clocks',
  'an invocation that starts late sends all the same': 'invoked late',
  'what SQS does not secure is sent all the same': 'invoked late',
  'memory check removed from absence': 'short memory',
};

/** What showed each of them when it was last looked for: the seed of a world, or the name of a test. `hunt` tries it first. */
export const shownBy: Readonly<Record<string, number | string>> = {
  'resend after timeout': 15,
  'look-up skipped': 2,
  'expiry decided before the look-up': 9,
  'expiry checked when the message was received': 864,
  'tail not held': 18,
  'not found taken as proof': 20,
  'horizon by our clock': 7741,
  'acknowledge before bury': 26,
  'bury without checking Successful': 1,
  'visibility shortened after a send': 148,
  'deduplication id not checked': 27,
  'found order not compared': 154,
  'a stale proof believed': 32,
  'denial decided before the look-up': 20,
  'a secret used for ever': 15,
  'shadow mode sends': 1,
  'everything told as finished': 1,
  'secret promotion un-halts': 'a halt that comes during the promotion of a new key stays',
  'a label moved from wherever it is':
    'a halt that comes while another field is changed is not lost, and neither is the field',
  'a dead socket reused': 'a kept socket carries none when it idled longer than the limit',
  'the mandate read once per batch': 'a halt acts in the middle of a batch: the mandate is read for each order',
  'a cancel that was sent told as unsent': 'a cancel that an earlier delivery may have sent is never buried as unsent',
  'an invocation that starts late sends all the same': 147,
  'what SQS does not secure is sent all the same': 478,
  'an old end told again':
    'an end that could not be told is told at the next delivery, and not after another environment has had the message',
  'each generation of replays has an id of its own': 665,
  'each letter has a replay of its own': 31,
  'a replay while its original may still trade':
    'an original that may still trade by itself is not replayed, and it is said until when',
  'a ban parks nobody': 2,
  'fixed egress parks only the one account': 70,
  'a 429 does not stop the group': 11,
  'look-ups unpaced': 27,
  "another lane's tail not held": 46,
  'not followed': 1,
  'acknowledge before follow': 43,
  'reported as accepted before anybody follows it': 43,
  'memory check removed from absence': 536,
  'a write whose answer is lost made again': 'a write whose answer is lost is not made again over what came after it',
  'a resume over a halt that nobody looked at': 186,
  'another key promoted over a later one': 'a promotion that is overtaken by that of another key does not undo it',
  'an end that cannot be told asked for every second':
    'an end that cannot be told yet waits for the end of a ban, and uses up no receives meanwhile',
  'told after its time by an invocation that went on':
    'an invocation that goes on after its time tells nothing: others have the messages by then',
  'a setting in the middle of a batch': 21,
  'a setting that may still take effect lets the next one pass':
    'an instruction that leaves no trace to be looked up with a lost answer is held past the horizon and sent again while it lives: cancel-all',
  'a loan taken twice':
    'an order that the venue says has failed after its loan was granted is not sent again where nobody can be asked, and is told as what may be there',
  'a batch believed without counting': 101,
  'a batch settled without a look': 46,
  'a lost report forgotten': 4,
  'behind one that stops the rest of its request is sent':
    'a verdict for each order of one request whatever becomes of each: one end for every order and a true one, none placed twice, none sent before one that waits',
  'what a request leaves open taken for absent':
    'a verdict for each order of one request whatever becomes of each: one end for every order and a true one, none placed twice, none sent before one that waits',
  'a ban of the address parks the one account':
    'two venues in one environment a ban of the address parks all accounts of its venue and none of another (fixed egress: false)',
  'a ban of the address parks every venue':
    'two venues in one environment a ban of the address parks all accounts of its venue and none of another (fixed egress: false)',
  'an account followed to another venue':
    'two venues in one environment an account that moves while its batch is executed is looked for where it was, and nothing goes to the other',
  'a price that the venue moved taken for another order':
    'a price that the venue may move where it keeps prices: false, an order at another price under the id is accepted',
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
        "  const { intent, message } = candidate;\n  const { outside } = desk;\n  if (outside.clock.now() >= Date.parse(intent.expiresAt))\n    return { result: buried(message, intent, { code: 'INTENT_EXPIRED', detail: 'expired' }, outside.clock.now()) };\n  if (proof?.kind === 'found') return sighted(candidate, proof, desk);\n  const parked",
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
      find: 'const until = Math.min(expiresAt, startBy(clock, deadline));',
      replace: 'const until = startBy(clock, deadline);',
    },
    // The network of the simulation holds to this for every request; real sockets do for new connections alone.
    { file: 'shared/bitmart/calls.ts', find: ', sendBefore: expiresAt }', replace: ' }' },
  ],
  'tail not held': [
    {
      file: EXECUTION,
      find: '[...done.touched.values()].map((account) => outside',
      replace: '[...done.touched.values()].slice(done.touched.size).map((account) => outside',
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
      find: 'const venueNow = isParked ? undefined : await venue?.time(time.answerBy(desk.outside.clock.now()));',
      replace: 'const venueNow: number | undefined = await Promise.resolve(desk.outside.clock.now());',
    },
    {
      file: PROOF,
      find: 'const venueNow = isTimeNeeded ? await venue?.time(time.answerBy(clock.now())) : undefined;',
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
        "  const { intent, message } = candidate;\n  const { outside } = desk;\n  if (desk.account?.mandate.state === 'halted' && intent.action === 'place')\n    return { result: buried(message, intent, { code: 'TRADING_HALTED', detail: 'halted' }, outside.clock.now()) };\n  if (proof?.kind === 'found') return sighted(candidate, proof, desk);\n  const parked",
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
      find: 'const via = isShadow ? shadow : transport;',
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
      find: 'return { ...credentials, ...Object.fromEntries(kept) };',
      replace:
        "return { ...credentials, ...Object.fromEntries(kept), mandate: staged['mandate'] ?? { state: 'active' } };",
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
      find: 'const whom = isEverybodys ? everybodyAt(account.venue) : account.name;',
      replace: "const whom = isEverybodys && account.name === '' ? everybodyAt(account.venue) : account.name;",
    },
  ],
  'a 429 does not stop the group': [
    {
      file: PROOF,
      find: 'desk.silence = { seconds, why: refusal.detail };',
      replace: "if (candidate.intent.id === '') desk.silence = { seconds, why: refusal.detail };",
    },
  ],
  'look-ups unpaced': [
    {
      file: 'shared/pace.ts',
      find: 'const interval = paceMs(own, utilisation, share, cost);',
      replace: 'const interval = /find|query|client/i.test(name) ? 1 : paceMs(own, utilisation, share, cost);',
    },
  ],
  "another lane's tail not held": [
    {
      file: 'shared/pace.ts',
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
      find: 'if (clock.now() - earliest > promises.answersLookupsForMs) {',
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
      replace: "return stopped(candidate, 1, 'again', desk);\n    case",
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
      find: 'const proofs = await prove(sought, desk);',
      replace: "const proofs = new Map(sought.map(({ message }) => [message.messageId, { kind: 'absent' } as Proof]));",
    },
  ],
  'a lost report forgotten': [{ file: EXECUTION, find: '&& publishedOk[index] !== false;', replace: ';' }],
  'behind one that stops the rest of its request is sent': [
    {
      file: EXECUTION,
      find: "steps.push(await soughtStep(candidate, { kind: 'absent' }, stop, desk));",
      replace: "steps.push(await soughtStep(candidate, { kind: 'absent' }, undefined, desk));",
    },
  ],
  'what a request leaves open taken for absent': [
    {
      file: EXECUTION,
      find: 'steps.push(await holding(candidate, verdict.detail));',
      replace: "steps.push(await soughtStep(candidate, { kind: 'absent' }, stop, desk));",
    },
  ],
  'a ban of the address parks the one account': [
    { file: PARKING, find: "(isEgressFixed || refusal.of === 'address')", replace: 'isEgressFixed' },
  ],
  'a ban of the address parks every venue': [
    { file: PARKING, find: 'return `*${venue}`;', replace: "return venue === '' ? '' : '*';" },
  ],
  'an account followed to another venue': [
    {
      file: EXECUTION,
      find: 'const isMoved = desk.venue !== undefined',
      replace: 'desk.venue = venue;\n  const isMoved = desk.venue !== undefined',
    },
  ],
  'a price that the venue moved taken for another order': [
    { file: 'shared/order/same.ts', find: "if (keepsPrice && 'price' in intent", replace: "if ('price' in intent" },
  ],
};
