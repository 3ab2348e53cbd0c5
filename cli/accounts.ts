// The accounts of a stack as their secrets say: which there are, what each may do, and who changed it, when and why.
// Promises that of a key nothing is shown. Writes notes alone: mandates and keys are written by shared/aws/secrets.ts.
import {
  DescribeSecretCommand,
  ListSecretsCommand,
  UpdateSecretCommand,
  type ListSecretsCommandOutput,
} from '@aws-sdk/client-secrets-manager';
import { userInfo } from 'node:os';
import { secretStore, type SecretStore, type Written } from '../shared/aws/secrets.ts';
import { ACCOUNT } from '../shared/order/intent.ts';
import { readMandate, type Mandate } from '../shared/order/mandate.ts';
import { unreachable, type Connection } from './connection.ts';
import type { Desk } from './run.ts';
import { EXIT, refusal } from './terminal.ts';

/** One account of the list. */
export interface Entry {
  readonly account: string;
  /** When its secret, or a note of it, was written last, UTC. */
  readonly changedAt?: string;
  /** The newest note. */
  readonly note?: string;
}

/** What a secret held when it was looked at. */
export interface Look {
  readonly account: string;
  readonly version: string;
  /** Key and all, without the mandate: never to be shown. */
  readonly secret: Readonly<Record<string, unknown>>;
  readonly mandate: Mandate | { readonly unreadable: string };
}

/** @throws Refusal where it cannot be the name of an account */
export function accountName(text: string): string {
  if (ACCOUNT.test(text)) return text;
  throw refusal(`${text} cannot be an account: its name is 1 to 32 lower-case letters and digits.`);
}

export function storeOf({ secrets, secretPrefix }: Connection, account: string): SecretStore {
  return secretStore(secrets, `${secretPrefix}${account}`);
}

/**
 * All accounts of the stack by name. AWS says that one made in the last five minutes may be missing from such a list.
 * @throws Refusal where Secrets Manager cannot be asked
 */
export async function listAccounts({ secrets, secretPrefix }: Connection): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let NextToken: string | undefined;
  do {
    const ask = new ListSecretsCommand({
      Filters: [{ Key: 'name', Values: [secretPrefix] }],
      MaxResults: 100,
      ...(NextToken === undefined ? {} : { NextToken }),
    });
    const page: ListSecretsCommandOutput = await secrets.send(ask).catch((error: unknown) => {
      throw unreachable(error, 'the list of secrets');
    });
    for (const { Name = '', LastChangedDate, Description } of page.SecretList ?? []) {
      const account = Name.slice(secretPrefix.length);
      // Another name can be no account: no intent can name it.
      if (!ACCOUNT.test(account)) continue;
      const changedAt = LastChangedDate === undefined ? {} : { changedAt: LastChangedDate.toISOString() };
      entries.push({ account, ...changedAt, ...noteIn(Description) });
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return entries.sort((a, b) => a.account.localeCompare(b.account));
}

/** @throws Refusal where there is no such account, where its secret is not a JSON object, or cannot be had */
export async function lookAt(stack: Connection, account: string): Promise<Look> {
  const store = storeOf(stack, account);
  const { text, version } = await store.read('AWSCURRENT').catch((error: unknown) => {
    throw secretTrouble(error, stack, account);
  });
  const fields = fieldsOf(text);
  if (fields === undefined) {
    throw refusal(`Secret ${store.name} is not a JSON object: nothing is traded for it; write it anew.`, EXIT.trouble);
  }
  const { mandate, ...secret } = fields;
  return { account, version, secret, mandate: readMandate(mandate) };
}

/** A JSON object; undefined for anything else. Of the text nothing is ever told. */
export function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** What an error about one secret comes to for the person. */
export function secretTrouble(error: unknown, { secretPrefix }: Connection, account: string): Error {
  const name = error instanceof Error ? error.name : '';
  // InvalidRequest: it is marked for deletion, and cannot be read any more.
  if (name === 'ResourceNotFoundException' || name === 'InvalidRequestException') {
    return refusal(
      `There is no account ${account} here (no secret ${secretPrefix}${account}): \`desk account list\` shows those that there are, \`desk account add ${account}\` makes one.`,
    );
  }
  return unreachable(error, `secret ${secretPrefix}${account}`);
}

/** The end of a write that was refused. */
export function orRefused(written: Written): void {
  if (written.kind === 'refused') throw refusal(`Not written: ${written.detail}.`, EXIT.trouble);
}

/** Longest description that Secrets Manager keeps. */
const MOST_NOTES = 2048;
const BETWEEN = ' | ';

/**
 * Keeps who did what, when and why with the secret: in its description, newest first, where it is also seen in the
 * console. What was there before stays behind it as far as there is room. No version of the secret changes.
 * @throws Refusal where it cannot be kept
 */
export async function keepNote(stack: Connection, account: string, said: string): Promise<void> {
  const description = await describe(stack, account);
  const notes = [noteOf(said), ...description.split(BETWEEN).filter(Boolean)];
  const Description = notes.join(BETWEEN).slice(0, MOST_NOTES);
  const keep = new UpdateSecretCommand({ SecretId: `${stack.secretPrefix}${account}`, Description });
  await stack.secrets.send(keep).catch((error: unknown) => {
    throw secretTrouble(error, stack, account);
  });
}

/** Keeps a note of what is done already, and stays done whatever becomes of the note. @returns whether it could be kept */
export async function noted(desk: Desk, account: string, said: string): Promise<boolean> {
  try {
    await keepNote(desk.stack, account, said);
    return true;
  } catch (error) {
    desk.say(`${account}: that is done, but who did it and why could not be kept: ${(error as Error).message}`);
    return false;
  }
}

/** The newest note. @throws Refusal where it cannot be had */
export async function lastNote(stack: Connection, account: string): Promise<string | undefined> {
  return noteIn(await describe(stack, account)).note;
}

async function describe(stack: Connection, account: string): Promise<string> {
  const ask = new DescribeSecretCommand({ SecretId: `${stack.secretPrefix}${account}` });
  const { Description = '' } = await stack.secrets.send(ask).catch((error: unknown) => {
    throw secretTrouble(error, stack, account);
  });
  return Description;
}

/** A note as it is kept; whose AWS credentials it was stands in CloudTrail. */
export function noteOf(said: string): string {
  return `${new Date().toISOString().slice(0, 19)}Z ${whoami()}: ${said.replaceAll(BETWEEN, ' / ')}`;
}

function noteIn(description: string | undefined): { readonly note?: string } {
  const [note] = description?.split(BETWEEN) ?? [];
  return note ? { note } : {};
}

function whoami(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody';
  }
}

const REASON = /^\P{Cc}{1,300}$/u;

/** @throws Refusal where it is no reason */
export function reasonIn(text: string | undefined): string | undefined {
  const reason = text?.trim();
  if (reason === undefined || REASON.test(reason)) return reason;
  throw refusal('--reason takes one line of 1 to 300 characters: what a colleague should know.');
}

/** Works on all, so many at a time; the answers are in their order. */
export async function sideBySide<Item, Answer>(
  items: readonly Item[],
  work: (item: Item) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers = new Array<Answer>(items.length);
  const left = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of left) answers[index] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return answers;
}
/** Secrets Manager takes 50 writes a second of all secrets together; each halt makes three, one after the other. */
const AT_ONCE = 10;
