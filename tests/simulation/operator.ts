// The operator and the rotation of keys: what changes an account's secret while orders are under way. Written with the same
// code that writes real secrets, by hands that are slow and calls that fail, so that a halt and a rotation often overlap.
import { secretsActions } from '../../local/aws/secrets.ts';
import type { FetchSecret } from '../../shared/aws/accounts.ts';
import { changeMandate, promote, signedRead, stage as stageKey, type SecretStore } from '../../shared/aws/secrets.ts';
import type { Written } from '../../shared/aws/secrets.ts';
import { pacer } from '../../shared/pace.ts';
import { bitmart, bitmartSettings } from '../../shared/bitmart/venue.ts';
import { readPlace } from '../place.ts';
import { readSettings } from '../../shared/config.ts';
import { keyOf, type Exchange } from './exchange.ts';
import { ACCOUNTS, SHADOW, type Stage } from './stage.ts';

type Ask = (action: string, input: Record<string, unknown>) => Promise<Record<string, unknown>>;
const nameOf = (account: string): string => `accounts/${account}`;

/** Stores the secrets, and changes them now and then. @returns how Lambda reads them */
export function createOperator(stage: Stage, exchange: Exchange): FetchSecret {
  const { time, plan, draw, between, struck, sleep, pick } = stage;
  const act = secretsActions({ region: 'r', now: () => time.now() });
  const ask: Ask = async (action, input) =>
    (await act[action]?.(input, { accessKeyId: 'sim', traceHeader: undefined, onDisconnect: () => undefined })) ?? {};
  for (const account of ACCOUNTS) {
    exchange.setKey(account, 1);
    const batching = plan.isBatching ? { batching: true } : {};
    const mandate = { state: 'active', ...batching, ...(account === SHADOW ? { shadow: true } : {}) };
    void ask('CreateSecret', {
      Name: nameOf(account),
      SecretString: JSON.stringify({ ...keyOf(account, 1), mandate }),
    });
  }
  const insist = insisting(stage);
  const store = (account: string): SecretStore => secretStoreOf(stage, ask, nameOf(account));
  const startsAt = between(1000, 300_000);
  if (draw() < 0.2 * plan.trouble) {
    void sleep(startsAt).then(async () => {
      struck('key rotated');
      exchange.setKey('main', 2);
      await sleep(between(0, 60_000));
      await insist(() => stageKey(store('main'), keyOf('main', 2)));
      const check = signedRead(venueOf(stage, exchange), readPlace, 'main', () => time.now() + 3000);
      await insist(() => promote(store('main'), check));
    });
  }
  if (draw() < 0.5 * plan.trouble) {
    const account = pick(['main', 'main', 'other']);
    // Now and then just when a rotation is under way.
    const at = draw() < 0.4 ? startsAt + between(0, 70_000) : between(1, draw() < 0.5 ? 10_000 : 300_000);
    void sleep(at).then(async () => {
      struck('account halted');
      const change: Change = (fields, seen) => changeMandate(store(account), fields, seen);
      await halted(stage, ask, account, change, [40_000, 300_000]);
      await resumeAmidHalt(stage, ask, account, change);
    });
  }
  return async (name) => {
    const { SecretString, VersionId } = await ask('GetSecretValue', { SecretId: name });
    return { SecretString: String(SecretString), VersionId: String(VersionId) };
  };
}

type Change = (fields: { readonly state: string }, seen?: string) => Promise<Written>;

/** The version of an account's secret, and whether it may trade. */
async function seeMandate(ask: Ask, account: string): Promise<{ readonly version: string; readonly state: string }> {
  const { VersionId, SecretString } = await ask('GetSecretValue', { SecretId: nameOf(account) });
  const { mandate } = JSON.parse(String(SecretString)) as { readonly mandate: { readonly state: string } };
  return { version: String(VersionId), state: mandate.state };
}

/** Halts an account for a while, and looks at the end whether the halt is still there. */
async function halted(
  stage: Stage,
  ask: Ask,
  account: string,
  change: Change,
  [least, most]: readonly [number, number],
): Promise<void> {
  const { time, history, between, sleep } = stage;
  await insisting(stage)(() => change({ state: 'halted' }));
  const halt = { account, from: time.now(), until: Infinity, stayed: true };
  history.halts.push(halt);
  await sleep(between(least, most));
  halt.stayed = (await seeMandate(ask, account)).state === 'halted';
  halt.until = time.now();
}

/**
 * Resumes trading; and now and then somebody else halts it at that very moment, so that both write at once. Whoever resumes
 * looks first, and looks no more once they know of the halt; what they had begun by then must not undo it.
 */
async function resumeAmidHalt(stage: Stage, ask: Ask, account: string, change: Change): Promise<void> {
  const { draw, between, struck, sleep } = stage;
  const insist = insisting(stage);
  const call = { isHalted: false };
  const halting = async (): Promise<void> => {
    await sleep(between(1, 4000));
    struck('halted while it was resumed');
    call.isHalted = true;
    await halted(stage, ask, account, change, [20_000, 100_000]);
    await insist(() => change({ state: 'active' }));
  };
  const resume = async (): Promise<Written> => {
    if (call.isHalted) return GIVEN_UP;
    const { version, state } = await seeMandate(ask, account);
    // As after a write whose answer was lost.
    return state === 'active' ? GIVEN_UP : change({ state: 'active' }, version);
  };
  const isContested = draw() < 0.5;
  await Promise.all([isContested ? halting() : undefined, insist(resume)]);
}
const GIVEN_UP: Written = { kind: 'written', version: '' };

/** Does a thing until it is done, as a person would: a failed call, a lost race, a key not yet proven are tried again. */
function insisting({ sleep, between, tell }: Stage): (write: () => Promise<Written>) => Promise<void> {
  return async (write) => {
    for (let attempt = 1; attempt <= 50; attempt += 1) {
      const written = await write().catch(() => undefined);
      // A key that was promoted by a call whose answer was lost is staged no more.
      if (written?.kind === 'written' || written?.detail.includes('no new key is staged') === true) return;
      await sleep(between(100, 5000));
    }
    // As where the venue's clock is so far off that no key can be proven.
    tell('the operator gives up writing a secret');
  };
}

/** Every call takes its time, and may fail before or after it took effect. */
function secretStoreOf({ between, sleep, chance, struck }: Stage, ask: Ask, name: string): SecretStore {
  const slowly: Ask = async (action, input) => {
    await sleep(between(1, 1500));
    if (chance(0.05) && struck('write to a secret fails')) throw new Error('InternalServiceError');
    const output = await ask(action, input);
    if (chance(0.05) && struck('answer of a write to a secret lost')) throw new Error('TimeoutError');
    return output;
  };
  return {
    name,
    read: async (VersionStage) => {
      const { SecretString, VersionId } = await slowly('GetSecretValue', { SecretId: name, VersionStage });
      return { text: String(SecretString), version: String(VersionId) };
    },
    add: async (SecretString, stage) => {
      const put = { SecretId: name, SecretString, VersionStages: [stage] };
      return String((await slowly('PutSecretValue', put))['VersionId']);
    },
    move: async (VersionStage, RemoveFromVersionId, MoveToVersionId) => {
      const move = { SecretId: name, VersionStage, RemoveFromVersionId };
      await slowly('UpdateSecretVersionStage', MoveToVersionId === undefined ? move : { ...move, MoveToVersionId });
    },
  };
}

/** The operator's own way to the venue. */
function venueOf({ time, sleep, draw }: Stage, exchange: Exchange): ReturnType<typeof bitmart> {
  const clock = { now: () => time.now(), sleep };
  const settings = readSettings({ BITMART_SPOT_URL: 'http://spot', BITMART_FUTURES_URL: 'http://f' }, bitmartSettings);
  return bitmart({
    settings,
    clock,
    lookupShare: 0.2,
    random: draw,
    pacer: pacer(0.94, clock),
    transport: (request) => exchange.carry(request, 'the operator', 0, time.now()),
  });
}
