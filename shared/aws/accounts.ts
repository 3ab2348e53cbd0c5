// Secrets Manager → accounts: the key and, beside it, the mandate. Read when needed, kept for a short lifetime, which is
// how long a halt takes to act. Past its lifetime a secret that cannot be read is not used: trading stops instead.
// Never writes, never logs a value, knows no venue: the credentials' shape is the venue's.
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { unmeasured, type Measure } from '../metrics.ts';
import { readMandate, salvaged } from '../order/mandate.ts';
import type { TradingAccount } from '../order/venue.ts';

/** What reading an account gave. Only `account` may trade. */
export type AccountReading =
  | { readonly kind: 'account'; readonly account: TradingAccount; readonly version: string }
  /** There is no such secret. */
  | { readonly kind: 'unknown'; readonly detail: string }
  /** `account` is there when the key is good and only the mandate is not: enough to look orders up. */
  | { readonly kind: 'unreadable'; readonly detail: string; readonly account?: TradingAccount }
  /** Secrets Manager is out of reach: nothing is known. */
  | { readonly kind: 'unavailable'; readonly detail: string };

export interface Accounts {
  /** Not older than the cache's lifetime, counted from when it was asked for. Never rejects. */
  read(name: string): Promise<AccountReading>;
  /**
   * Asks anew, past the cache and past what was asked before, at most once a minute per account; undefined when that minute
   * is not over. Never rejects.
   */
  refresh(name: string): Promise<AccountReading | undefined>;
}

/** Where an account is, and what it signs with there. */
export type Place = Pick<TradingAccount<object>, 'venue' | 'environment' | 'credentials'>;

export interface AccountsOptions {
  /** Secret name = prefix + account. */
  readonly prefix: string;
  readonly lifetimeMs: number;
  readonly now: () => number;
  /** Reads where the account is, and the venue's part of the secret: all fields but the mandate. */
  readonly readPlace: (secret: Readonly<Record<string, unknown>>) => Place | { readonly unreadable: string };
  /** Is told of each secret that was asked for. */
  readonly measure?: Measure;
}

/** A forced refresh is made at most this often per account, so that a wrong key cannot become a flood of calls. */
const REFRESH_EVERY_MS = 60_000;
/** More accounts than any one environment serves; the oldest goes first. */
const CACHE_ENTRIES = 1000;

/** Gives a secret by its name. Rejects with the SDK's errors. */
export type FetchSecret = (
  name: string,
) => Promise<{ readonly SecretString?: string | undefined; readonly VersionId?: string | undefined }>;

/** @param fetchSecret asks Secrets Manager; a test can put a store of its own behind it */
export function secretAccounts(options: AccountsOptions, fetchSecret: FetchSecret = secretsManager()): Accounts {
  const cache = new Map<string, { readonly reading: AccountReading; readonly readAt: number }>();
  const reading = new Map<string, { readonly answer: Promise<AccountReading>; readonly askedAt: number }>();
  const refreshedAt = new Map<string, number>();
  const { measure = unmeasured } = options;

  const fetch = async (name: string): Promise<AccountReading> => {
    try {
      const secret = await fetchSecret(`${options.prefix}${name}`);
      return readAccount(name, secret.SecretString, secret.VersionId ?? '', options.readPlace);
    } catch (error) {
      return failure(name, options.prefix, error);
    }
  };
  const isFresh = (askedAt: number): boolean => options.now() - askedAt < options.lifetimeMs;
  const load = (name: string): Promise<AccountReading> => {
    // What it says may have been true when it was asked for, and no later.
    const askedAt = options.now();
    const answer = fetch(name).then((result) => {
      // Anybody can name an account; only one that is there is worth a metric of its own.
      measure('SecretRefreshes', 1, 'account' in result ? { account: name, venue: result.account.venue } : {});
      // Another was asked for since, and knows better.
      if (reading.get(name) !== started) return result;
      reading.delete(name);
      cache.delete(name);
      // What is not there, or cannot be read, may be there the next moment: only good readings are kept.
      if (result.kind === 'account') cache.set(name, { reading: result, readAt: askedAt });
      for (const oldest of cache.keys()) {
        if (cache.size <= CACHE_ENTRIES) break;
        cache.delete(oldest);
      }
      return result;
    });
    const started = { answer, askedAt };
    reading.set(name, started);
    return answer;
  };

  return {
    read: async (name) => {
      const kept = cache.get(name);
      if (kept !== undefined && isFresh(kept.readAt)) return kept.reading;
      const asked = reading.get(name);
      if (asked === undefined || !isFresh(asked.askedAt)) return load(name);
      const result = await asked.answer;
      // The environment may have been frozen while the answer was under way.
      return isFresh(asked.askedAt) ? result : load(name);
    },
    refresh: (name) => {
      if (options.now() - (refreshedAt.get(name) ?? 0) < REFRESH_EVERY_MS) return Promise.resolve(undefined);
      refreshedAt.set(name, options.now());
      return load(name);
    },
  };
}

function secretsManager(): FetchSecret {
  // Short timeouts and one retry: a socket that died while the environment was frozen costs a second, not an order.
  const client = new SecretsManagerClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
  });
  return (SecretId) => client.send(new GetSecretValueCommand({ SecretId }));
}

function readAccount(
  name: string,
  text: string | undefined,
  version: string,
  readPlace: AccountsOptions['readPlace'],
): AccountReading {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return { kind: 'unreadable', detail: `the secret of account ${name} is not JSON` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'unreadable', detail: `the secret of account ${name} is not a JSON object` };
  }
  const { mandate: mandateField, ...rest } = value as Readonly<Record<string, unknown>>;
  const place = readPlace(rest);
  if ('unreadable' in place) return { kind: 'unreadable', detail: `account ${name}: ${place.unreadable}` };
  const mandate = readMandate(mandateField);
  if ('unreadable' in mandate) {
    // The key is good: an order that may be out there can still be looked up and canceled, but nothing may be placed.
    const account = { name, ...place, mandate: salvaged(mandateField) };
    return { kind: 'unreadable', detail: `account ${name}: ${mandate.unreadable}`, account };
  }
  return { kind: 'account', account: { name, ...place, mandate }, version };
}

function failure(name: string, prefix: string, error: unknown): AccountReading {
  const code = error instanceof Error ? error.name : 'unknown error';
  if (code === 'ResourceNotFoundException' || code === 'InvalidRequestException') {
    return { kind: 'unknown', detail: `there is no secret ${prefix}${name}; create it or correct the account` };
  }
  return { kind: 'unavailable', detail: `Secrets Manager did not give the secret of account ${name}: ${code}` };
}
