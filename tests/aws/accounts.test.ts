// Accounts out of Secrets Manager: kept as long as allowed and no longer, read once for all who wait, and silent.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { secretAccounts, type AccountReading, type Accounts } from '../../shared/aws/accounts.ts';
import { readPlace } from '../place.ts';
import { startStack, type Stack } from './fixture.ts';

const PREFIX = 'bitmart/accounts/';
const LIFETIME_MS = 30_000;
const good = { apiKey: 'K3y', secretKey: 'S3cret', memo: 'M3mo #1 é', mandate: { state: 'active' } };

let stack: Stack;
let clock: { ms: number };
let accounts: Accounts;
let next = 0;
beforeAll(async () => {
  stack = await startStack();
});
beforeEach(async () => {
  await stack.faults();
  clock = { ms: Date.now() };
  accounts = secretAccounts({ prefix: PREFIX, lifetimeMs: LIFETIME_MS, now: () => clock.ms, readPlace });
});
afterAll(() => stack.close());

/** A new account with this secret; its name. */
const account = async (secret: object | string = good): Promise<string> => {
  next += 1;
  const name = `acc${next}`;
  const SecretString = typeof secret === 'string' ? secret : JSON.stringify(secret);
  await stack.secrets.createSecret({ Name: PREFIX + name, SecretString });
  return name;
};
const put = (name: string, secret: object): Promise<unknown> =>
  stack.secrets.putSecretValue({ SecretId: PREFIX + name, SecretString: JSON.stringify(secret) });
const reads = (name: string): number =>
  stack.calls('GetSecretValue').filter(({ resource }) => resource === PREFIX + name).length;
const stateOf = (reading: AccountReading | undefined): string =>
  reading?.kind === 'account' ? reading.account.mandate.state : (reading?.kind ?? 'not read');

describe('a good secret', () => {
  test('is an account with its credentials, its mandate and its version', async () => {
    const name = await account({ ...good, mandate: { state: 'reducing', limitShare: 0.5 } });
    expect(await accounts.read(name)).toEqual({
      kind: 'account',
      account: {
        name,
        ...{ venue: 'bitmart', environment: 'live' },
        credentials: { apiKey: 'K3y', secretKey: 'S3cret', memo: 'M3mo #1 é' },
        mandate: { state: 'reducing', limitShare: 0.5 },
      },
      version: expect.stringMatching(/.{8}/),
    });
  });
  test('is read once in its lifetime, and again when that is over', async () => {
    const name = await account();
    expect(stateOf(await accounts.read(name))).toBe('active');
    await put(name, { ...good, mandate: { state: 'halted' } });
    clock.ms += LIFETIME_MS - 1;
    expect(stateOf(await accounts.read(name))).toBe('active');
    expect(reads(name)).toBe(1);
    clock.ms += 1;
    expect(stateOf(await accounts.read(name))).toBe('halted');
    expect(reads(name)).toBe(2);
  });
  test('is read once for all who wait for it', async () => {
    const [name, other] = [await account(), await account()];
    await stack.faults({ service: 'secretsmanager', fault: 'delay', ms: 50 });
    const readings = await Promise.all([name, name, other, name].map((one) => accounts.read(one)));
    expect(readings.map(stateOf)).toEqual(Array(4).fill('active'));
    expect([reads(name), reads(other)]).toEqual([1, 1]);
  });
  test('is as old as the question, however long the answer took', async () => {
    const name = await account();
    await stack.faults({ service: 'secretsmanager', fault: 'delay', ms: 50 });
    const slow = accounts.read(name);
    clock.ms += 5000;
    await slow;
    clock.ms += LIFETIME_MS - 5001;
    await accounts.read(name);
    expect(reads(name)).toBe(1);
    clock.ms += 1;
    await accounts.read(name);
    expect(reads(name)).toBe(2);
  });
  test('may have a lifetime of nothing', async () => {
    const name = await account();
    const eager = secretAccounts({ prefix: PREFIX, lifetimeMs: 0, now: () => clock.ms, readPlace });
    await eager.read(name);
    await eager.read(name);
    expect(reads(name)).toBe(2);
  });
});

describe('an account that cannot trade', () => {
  test('has no secret: it says which one to create, and is asked for again', async () => {
    expect(await accounts.read('nobody')).toEqual({
      kind: 'unknown',
      detail: `there is no secret ${PREFIX}nobody; create it or correct the account`,
    });
    await stack.secrets.createSecret({ Name: `${PREFIX}nobody`, SecretString: JSON.stringify(good) });
    expect(stateOf(await accounts.read('nobody'))).toBe('active');
  });
  test('has a secret that is on its way out', async () => {
    const name = await account();
    await stack.secrets.deleteSecret({ SecretId: PREFIX + name, RecoveryWindowInDays: 7 });
    expect((await accounts.read(name)).kind).toBe('unknown');
  });
  test.each(['', ' ', 'K3y S3cret', '{"apiKey":"K3y"', '[]', 'null', '"S3cret"', '5'])(
    'has a secret that is no JSON object: %j',
    async (text) => {
      const reading = await accounts.read(await account(text === '' ? ' ' : text));
      expect(reading).toEqual({ kind: 'unreadable', detail: expect.stringMatching(/is not (JSON|a JSON object)$/) });
      expect(JSON.stringify(reading)).not.toMatch(/K3y|S3cret/);
    },
  );
  test.each([
    ['apiKey', { apiKey: 5 }],
    ['secretKey', { secretKey: undefined }],
    ['memo', { memo: null }],
    ['uid', { uid: 'M3mo' }],
    ['brokerId', { brokerId: 7 }],
  ])('has a wrong %s, named without a value', async (field, change) => {
    const name = await account({ ...good, ...change });
    const reading = await accounts.read(name);
    expect(reading).toEqual({ kind: 'unreadable', detail: expect.stringContaining(field) });
    expect(JSON.stringify(reading)).not.toMatch(/K3y|S3cret|M3mo/);
    expect(reading).toMatchObject({ detail: expect.stringContaining(`account ${name}`) });
  });
  test.each([
    ['none', undefined, 'mandate is missing'],
    ['one in another state', { state: 'S3cret' }, 'state'],
    ['one with a word too many', { state: 'active', maxNotional: '5' }, 'maxNotional (unknown field)'],
    ['one that is a word', 'active', 'mandate'],
  ])('has an unreadable mandate (%s): halted, and good for look-ups alone', async (_, mandate, named) => {
    const name = await account({ ...good, mandate });
    const reading = await accounts.read(name);
    expect(reading).toMatchObject({
      kind: 'unreadable',
      detail: expect.stringContaining(named),
      account: {
        name,
        venue: 'bitmart',
        environment: 'live',
        credentials: { apiKey: 'K3y', secretKey: 'S3cret' },
        mandate: { state: 'halted' },
      },
    });
    if (reading.kind === 'unreadable') expect(reading.detail).not.toMatch(/K3y|S3cret|M3mo/);
  });
  test('trades as soon as its secret is corrected', async () => {
    const name = await account({ ...good, mandate: {} });
    expect((await accounts.read(name)).kind).toBe('unreadable');
    await put(name, good);
    expect(stateOf(await accounts.read(name))).toBe('active');
  });
});

describe('Secrets Manager out of reach', () => {
  test.each([
    ['refuses', { fault: 'error', code: 'InternalServiceError' }],
    ['denies access', { fault: 'error', code: 'AccessDeniedException' }],
    ['throttles', { fault: 'error', code: 'ThrottlingException' }],
    ['resets', { fault: 'drop-before' }],
  ])('%s: unavailable, not unknown', async (_, fault) => {
    const name = await account();
    await stack.faults({ service: 'secretsmanager', action: 'GetSecretValue', ...fault });
    expect(await accounts.read(name)).toEqual({
      kind: 'unavailable',
      detail: expect.stringMatching(new RegExp(`secret of account ${name}: \\w+`)),
    });
    await stack.faults();
    expect(stateOf(await accounts.read(name))).toBe('active');
  });
  test('one hiccup is not noticed', async () => {
    const name = await account();
    await stack.faults({ service: 'secretsmanager', action: 'GetSecretValue', fault: 'drop-before', times: 1 });
    expect(stateOf(await accounts.read(name))).toBe('active');
  });
  test('past its lifetime a secret is not used: trading stops', async () => {
    const name = await account();
    await accounts.read(name);
    await stack.faults({ service: 'secretsmanager', action: 'GetSecretValue', fault: 'error' });
    clock.ms += LIFETIME_MS - 1;
    expect(stateOf(await accounts.read(name))).toBe('active');
    clock.ms += 1;
    expect(stateOf(await accounts.read(name))).toBe('unavailable');
  });
  test('says nothing: given up long before the invocation ends', async () => {
    const name = await account();
    await stack.faults({ service: 'secretsmanager', action: 'GetSecretValue', fault: 'delay', ms: 6_000 });
    const started = Date.now();
    expect(stateOf(await accounts.read(name))).toBe('unavailable');
    expect(Date.now() - started).toBeLessThan(5_500);
  });
});

describe('refresh', () => {
  test('reads past the cache, at most once a minute for each account', async () => {
    const [name, other] = [await account(), await account()];
    await accounts.read(name);
    await put(name, { ...good, mandate: { state: 'halted' } });
    expect(stateOf(await accounts.refresh(name))).toBe('halted');
    expect(stateOf(await accounts.read(name))).toBe('halted');
    clock.ms += 59_999;
    expect(await accounts.refresh(name)).toBeUndefined();
    expect(stateOf(await accounts.refresh(other))).toBe('active');
    expect(reads(name)).toBe(2);
    clock.ms += 1;
    expect(stateOf(await accounts.refresh(name))).toBe('halted');
    expect(reads(name)).toBe(3);
  });
  test('does not join what was asked for before, nor is it undone by that when it comes late', async () => {
    const answers: ((apiKey: string) => void)[] = [];
    const held = secretAccounts(
      { prefix: PREFIX, lifetimeMs: LIFETIME_MS, now: () => clock.ms, readPlace },
      () => new Promise((resolve) => answers.push((apiKey) => resolve({ SecretString: JSON.stringify({ ...good, apiKey }) }))), // prettier-ignore
    );
    const keyOf = (reading: AccountReading | undefined) =>
      reading?.kind === 'account' ? (reading.account.credentials as { apiKey: string }).apiKey : reading?.kind;
    const before = held.read('a');
    const refreshed = held.refresh('a');
    const joined = held.read('a');
    expect(answers).toHaveLength(2);
    answers[1]?.('new');
    expect([keyOf(await refreshed), keyOf(await joined)]).toEqual(['new', 'new']);
    answers[0]?.('old');
    expect(keyOf(await before)).toBe('old');
    expect(keyOf(await held.read('a'))).toBe('new');
    expect(answers).toHaveLength(2);
  });
  test('is not joined when it was asked for before a freeze, nor believed when the freeze came while it was waited for', async () => {
    const answers: ((state: string) => void)[] = [];
    const held = secretAccounts(
      { prefix: PREFIX, lifetimeMs: LIFETIME_MS, now: () => clock.ms, readPlace },
      () => new Promise((resolve) => answers.push((state) => resolve({ SecretString: JSON.stringify({ ...good, mandate: { state } }) }))), // prettier-ignore
    );
    // While the function starts; then the environment is frozen for an hour, and the account halted meanwhile.
    void held.read('a');
    clock.ms += 3_600_000;
    const first = held.read('a');
    expect(answers).toHaveLength(2);
    answers[0]?.('active');
    answers[1]?.('halted');
    expect(stateOf(await first)).toBe('halted');
    const [asked, joined] = [held.read('b'), held.read('b')];
    clock.ms += LIFETIME_MS;
    answers[2]?.('active');
    await asked;
    await new Promise((resolve) => setImmediate(resolve));
    answers[3]?.('halted');
    expect(stateOf(await joined)).toBe('halted');
  });
  test('shows whether there is a new version', async () => {
    const name = await account();
    const versionOf = (reading: AccountReading | undefined) => (reading?.kind === 'account' ? reading.version : '');
    const first = versionOf(await accounts.read(name));
    expect(versionOf(await accounts.refresh(name))).toBe(first);
    await put(name, { ...good, secretKey: 'new' });
    clock.ms += 60_000;
    expect(versionOf(await accounts.refresh(name))).not.toBe(first);
  });
  test('that fails takes what was kept out of use', async () => {
    const name = await account();
    await accounts.read(name);
    await stack.faults({ service: 'secretsmanager', action: 'GetSecretValue', fault: 'error' });
    expect(stateOf(await accounts.refresh(name))).toBe('unavailable');
    expect(stateOf(await accounts.read(name))).toBe('unavailable');
  });
});
