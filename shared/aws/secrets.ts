// Writes to account secrets: mandates and new keys. Promises that no write undoes another: what is current is read, changed
// and moved to only if it is still current, or else read anew, so that a rotation never lifts a halt.
// Never shows a value; never used where orders are executed (those functions may only read).
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { randomUUID } from 'node:crypto';
import { readMandate } from '../order/mandate.ts';
import type { AccountsOptions } from './accounts.ts';
import type { Venue } from '../order/venue.ts';

/** One secret: its versions and the labels that wander between them. Rejects with the SDK's errors. */
export interface SecretStore {
  readonly name: string;
  readonly read: (stage: string) => Promise<{ readonly text: string; readonly version: string }>;
  /** Adds a version under a label. @returns its id */
  readonly add: (text: string, stage: string) => Promise<string>;
  /** Takes a label from one version, and gives it to another where there is one; fails where it is not there any more. */
  readonly move: (stage: string, from: string, to?: string) => Promise<void>;
}

export function secretStore(client: SecretsManagerClient, name: string): SecretStore {
  return {
    name,
    read: async (VersionStage) => {
      const { SecretString, VersionId } = await client.send(
        new GetSecretValueCommand({ SecretId: name, VersionStage }),
      );
      return { text: SecretString ?? '', version: VersionId ?? '' };
    },
    add: async (SecretString, stage) => {
      const put = { SecretId: name, SecretString, VersionStages: [stage], ClientRequestToken: randomUUID() };
      return (await client.send(new PutSecretValueCommand(put))).VersionId ?? '';
    },
    move: async (VersionStage, RemoveFromVersionId, MoveToVersionId) => {
      const move = { SecretId: name, VersionStage, RemoveFromVersionId };
      await client.send(
        new UpdateSecretVersionStageCommand(MoveToVersionId === undefined ? move : { ...move, MoveToVersionId }),
      );
    },
  };
}

export type Written =
  { readonly kind: 'written'; readonly version: string } | { readonly kind: 'refused'; readonly detail: string };
type Fields = Readonly<Record<string, unknown>>;
type Changed = Fields | { readonly unreadable: string };

const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';
const PENDING = 'AWSPENDING';
const ATTEMPTS = 5;

/**
 * Changes fields of the mandate; `undefined` takes a field away. Nothing else of the secret changes. A halt that comes while
 * trading is being resumed wins: over one that gives `seen`, from the moment of that look.
 * @param seen the version that whoever resumes has looked at; anything written since is a reason to look again
 * @returns refused, with the reason, where the mandate would not be readable, where others write all the time, or where
 * others wrote meanwhile and nobody can tell whether this was written
 */
export function changeMandate(store: SecretStore, change: Fields, seen?: string): Promise<Written> {
  return replace(store, (current, attempt, version) => {
    if (seen !== undefined && seen !== version) {
      return { unreadable: 'another wrote to it since it was looked at; look again before writing' };
    }
    if (attempt > 1 && lifts(change, current)) {
      return { unreadable: 'another wrote to it meanwhile, and it is halted; look why before writing again' };
    }
    const before = typeof current['mandate'] === 'object' ? current['mandate'] : {};
    const merged = Object.entries({ ...before, ...change }).filter(([, value]) => value !== undefined);
    const mandate = readMandate(Object.fromEntries(merged));
    return 'unreadable' in mandate ? mandate : { ...current, mandate };
  });
}

/** Stores a new key beside the current one, where nobody uses it until `promote` has proven it. */
export async function stage(store: SecretStore, credentials: Fields): Promise<Written> {
  if ('mandate' in credentials) return refused(store, 'a new key comes without a mandate: the current one is kept');
  return { kind: 'written', version: await store.add(JSON.stringify(credentials), PENDING) };
}

/**
 * Makes the staged key current, if it is good. The account stays where it is, and the mandate is the one that is current when the label moves.
 * @param check proves the key with a signed read; the sentence says what the venue said of it
 */
export async function promote(
  store: SecretStore,
  check: (credentials: Fields) => Promise<{ readonly isGood: boolean; readonly detail: string }>,
): Promise<Written> {
  let pending;
  try {
    pending = await store.read(PENDING);
  } catch (error) {
    if (!isNamed(error, 'ResourceNotFoundException')) throw error;
    return refused(store, 'no new key is staged; stage one first');
  }
  const staged = parsed(pending.text);
  if (staged === undefined) return refused(store, 'the staged key is not a JSON object; stage it anew');
  const credentials = Object.fromEntries(Object.entries(staged).filter(([field]) => field !== 'mandate'));
  const { isGood, detail } = await check(credentials);
  if (!isGood) return refused(store, `the staged key stays staged: ${detail}`);
  const written = await replace(store, async (current) => {
    // Read after AWSCURRENT: whoever promotes another key from here on moves that label first.
    if ((await versionOf(store, PENDING)) !== pending.version) {
      return { unreadable: 'another key was staged or promoted meanwhile; look which one is wanted' };
    }
    const moved = PLACE.find((field) => field in credentials && credentials[field] !== current[field]);
    if (moved !== undefined) return { unreadable: `${moved} of the staged key is not that of the account; an account never moves, make another` }; // prettier-ignore
    // What a new key does not say of where it is stays as it was.
    const kept = Object.entries(current).filter(([field]) => field === 'mandate' || PLACE.includes(field));
    return { ...credentials, ...Object.fromEntries(kept) };
  });
  if (written.kind === 'written') await forget(store, PENDING, pending.version);
  return written;
}

/**
 * Proves a key by a signed read: a look-up of an order that does not exist. A balance would not do: venues answer it to a
 * key alone, with a wrong secret and memo beside it.
 * @param readPlace reads of a secret where the account is, and its key
 * @param deadline by when the answer must be in, ms
 */
export function signedRead(
  venue: Pick<Venue, 'find'>,
  readPlace: AccountsOptions['readPlace'],
  name: string,
  deadline: () => number,
): (credentials: Fields) => Promise<{ readonly isGood: boolean; readonly detail: string }> {
  return async (fields) => {
    const place = readPlace(fields);
    if ('unreadable' in place) return { isGood: false, detail: place.unreadable };
    const account = { name, ...place, mandate: { state: 'halted' as const } };
    const query = { id: randomUUID().replaceAll('-', ''), market: 'spot' as const, symbol: 'BTC_USDT' };
    const sighting = await venue.find(account, query, { answerBy: deadline(), holdBy: Infinity });
    if (sighting.kind === 'nothing' || sighting.kind === 'found') return { isGood: true, detail: '' };
    const isOpen = sighting.kind !== 'unauthorised';
    return { isGood: false, detail: isOpen ? `it could not be proven: ${sighting.detail}` : sighting.detail };
  };
}

/** Where an account is. */
const PLACE: readonly string[] = ['venue', 'environment'];

/** Reads what is current, changes it, and moves the label from exactly the version that was read; or begins anew. */
async function replace(
  store: SecretStore,
  change: (current: Fields, attempt: number, version: string) => Changed | Promise<Changed>,
): Promise<Written> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { text, version: before } = await store.read(CURRENT);
    const current = parsed(text);
    if (current === undefined) return refused(store, 'the secret is not a JSON object; write it anew');
    const changed = await change(current, attempt, before);
    if ('unreadable' in changed) return refused(store, `nothing was written: ${String(changed['unreadable'])}`);
    // A version without a label can be cleaned away at any time, and one without a label of its own would be current at once.
    const label = `write-${randomUUID()}`;
    const version = await store.add(JSON.stringify(changed), label);
    try {
      await store.move(CURRENT, before, version);
      return { kind: 'written', version };
    } catch (error) {
      const became = await becameOf(store, before, version).catch(() => 'unknown' as const);
      if (became === 'written') return { kind: 'written', version };
      if (became === 'nothing') throw error;
      if (became === 'unknown') {
        return refused(store, 'whether it was written cannot be told; look what is current before writing again');
      }
    } finally {
      await forget(store, label, version);
    }
  }
  return refused(store, `others wrote to it during each of ${ATTEMPTS} attempts; try again when they are done`);
}

/**
 * What became of a move whose answer was an error. AWSCURRENT takes AWSPREVIOUS along to where it was: so a version that was
 * current once is current, or previous, or two others have been current since. The order of the reads matters.
 */
async function becameOf(
  store: SecretStore,
  before: string,
  version: string,
): Promise<'written' | 'nothing' | 'overtaken' | 'unknown'> {
  const current = await versionOf(store, CURRENT);
  if (current === version) return 'written';
  if (current === before) return 'nothing';
  const previous = await versionOf(store, PREVIOUS);
  if (previous === version) return 'written';
  return previous === before ? 'overtaken' : 'unknown';
}

/** The version that has a label; undefined where none has it. */
async function versionOf(store: SecretStore, label: string): Promise<string | undefined> {
  try {
    return (await store.read(label)).version;
  } catch (error) {
    if (!isNamed(error, 'ResourceNotFoundException')) throw error;
    return undefined;
  }
}

/** Would the change end a halt? */
function lifts(change: Fields, current: Fields): boolean {
  const { mandate } = current;
  const isHalted = typeof mandate === 'object' && mandate !== null && 'state' in mandate && mandate.state === 'halted';
  return isHalted && 'state' in change && change['state'] !== 'halted';
}

/** Takes a label off. One that stays does no harm: nobody reads it. */
async function forget(store: SecretStore, label: string, version: string): Promise<void> {
  await store.move(label, version).catch(() => undefined);
}

function refused(store: SecretStore, why: string): Written {
  return { kind: 'refused', detail: `secret ${store.name}: ${why}` };
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}
