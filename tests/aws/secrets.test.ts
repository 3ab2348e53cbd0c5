// Writes to account secrets: none undoes another, a new key is proven before it is used, and no value is shown.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  changeMandate,
  promote,
  secretStore,
  stage,
  type SecretStore,
  type Written,
} from '../../shared/aws/secrets.ts';
import { startStack, type Stack } from './fixture.ts';

const OLD = { apiKey: 'old-key', secretKey: 'old-secret', memo: 'old memo' };
const NEW = { apiKey: 'new-key', secretKey: 'new-secret', memo: 'new memo' };
const good = (): Promise<{ isGood: boolean; detail: string }> => Promise.resolve({ isGood: true, detail: '' });

let stack: Stack;
let next = 0;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const account = async (mandate: object = { state: 'active' }): Promise<SecretStore> => {
  next += 1;
  const name = `bitmart/accounts/writes${next}`;
  await stack.secrets.createSecret({ Name: name, SecretString: JSON.stringify({ ...OLD, mandate }) });
  return secretStore(stack.secrets, name);
};
const current = async (store: SecretStore): Promise<unknown> => JSON.parse((await store.read('AWSCURRENT')).text);
/** The store with something that happens between the reading and the moving of the label, the first `times`. */
const interrupted = (store: SecretStore, times: number, between: () => Promise<unknown>): SecretStore => {
  let left = times;
  return {
    ...store,
    add: async (text, label) => {
      if (left > 0) {
        left -= 1;
        await between();
      }
      return store.add(text, label);
    },
  };
};
/** The store whose first move of AWSCURRENT is made, and then something happens before its answer is lost. */
const lossy = (store: SecretStore, between: () => Promise<unknown>): SecretStore => {
  let left = 1;
  return {
    ...store,
    move: async (label, from, to) => {
      await store.move(label, from, to);
      if (label !== 'AWSCURRENT' || left-- < 1) return;
      await between();
      throw new Error('TimeoutError');
    },
  };
};
const detailOf = (written: Written): string => (written.kind === 'refused' ? written.detail : '');

test('a change of the mandate leaves the key, and the fields that it does not name, as they are', async () => {
  const store = await account({ state: 'active', limitShare: 0.5, shadow: true });
  expect(await changeMandate(store, { state: 'halted', shadow: undefined })).toMatchObject({ kind: 'written' });
  expect(await current(store)).toEqual({ ...OLD, mandate: { state: 'halted', limitShare: 0.5 } });
});

test('a mandate that could not be read is not written, and its field is named', async () => {
  const store = await account();
  expect(detailOf(await changeMandate(store, { state: 'paused', limit: 1 }))).toMatch(
    /nothing was written: mandate has wrong fields: (state, limit|limit.*state)/,
  );
  expect(await current(store)).toEqual({ ...OLD, mandate: { state: 'active' } });
});

test('a halt that comes while another field is changed is not lost, and neither is the field', async () => {
  const store = await account();
  const slow = interrupted(store, 1, () => changeMandate(store, { state: 'halted' }));
  await changeMandate(slow, { limitShare: 0.25 });
  expect(await current(store)).toEqual({ ...OLD, mandate: { state: 'halted', limitShare: 0.25 } });
});

test('a halt that comes during the promotion of a new key stays', async () => {
  const store = await account();
  await stage(store, NEW);
  await changeMandate(store, { limitShare: 0.5 });
  const slow = interrupted(store, 1, () => changeMandate(store, { state: 'halted' }));
  expect(await promote(slow, good)).toMatchObject({ kind: 'written' });
  expect(await current(store)).toEqual({ ...NEW, mandate: { state: 'halted', limitShare: 0.5 } });
});

test('a mandate that was staged with a key counts for nothing', async () => {
  const store = await account({ state: 'halted' });
  expect(detailOf(await stage(store, { ...NEW, mandate: { state: 'active' } }))).toContain('without a mandate');
  await store.add(JSON.stringify({ ...NEW, mandate: { state: 'active' } }), 'AWSPENDING');
  await promote(store, good);
  expect(await current(store)).toEqual({ ...NEW, mandate: { state: 'halted' } });
});

test('a new key leaves the account where it is: on its venue, in its environment', async () => {
  const where = { venue: 'glass', environment: 'testnet' };
  const store = await account();
  await store.add(JSON.stringify({ ...OLD, ...where, mandate: { state: 'active' } }), 'first');
  await store.move('AWSCURRENT', (await store.read('AWSCURRENT')).version, (await store.read('first')).version);
  for (const field of ['venue', 'environment']) {
    await stage(store, { ...NEW, ...where, [field]: 'live' });
    expect(detailOf(await promote(store, good))).toContain(`${field} of the staged key is not that of the account`);
    expect(await current(store)).toEqual({ ...OLD, ...where, mandate: { state: 'active' } });
  }
  for (const staged of [NEW, { ...NEW, ...where }]) {
    await stage(store, staged);
    await promote(store, good);
    expect(await current(store)).toEqual({ ...NEW, ...where, mandate: { state: 'active' } });
  }
});

test('a key that its check refuses stays staged, and the old one stays current', async () => {
  const store = await account();
  await stage(store, NEW);
  const seen: unknown[] = [];
  const written = await promote(store, (credentials) => {
    seen.push(credentials);
    return Promise.resolve({ isGood: false, detail: 'look at the memo' });
  });
  expect(seen).toEqual([NEW]);
  expect(detailOf(written)).toContain('the staged key stays staged: look at the memo');
  expect(await current(store)).toEqual({ ...OLD, mandate: { state: 'active' } });
  expect(JSON.parse((await store.read('AWSPENDING')).text)).toEqual(NEW);
});

test('a promoted key is staged no more, and without one there is nothing to promote', async () => {
  const store = await account();
  await stage(store, NEW);
  await promote(store, good);
  expect(detailOf(await promote(store, good))).toContain('no new key is staged');
});

test('writers at once end as if one had come after the other', async () => {
  const store = await account({ state: 'active' });
  const shares = [0.1, 0.2, 0.3];
  const all = await Promise.all([
    ...shares.map((limitShare) => changeMandate(store, { limitShare })),
    changeMandate(store, { state: 'halted' }),
  ]);
  expect(all.map(({ kind }) => kind)).toEqual(['written', 'written', 'written', 'written']);
  const { mandate } = (await current(store)) as { mandate: { state: string; limitShare: number } };
  expect(mandate.state).toBe('halted');
  expect(shares).toContain(mandate.limitShare);
});

test('a write whose answer is lost is not made again over what came after it', async () => {
  const store = await account({ state: 'halted' });
  const resumed = await changeMandate(
    lossy(store, () => changeMandate(store, { state: 'halted' })),
    { state: 'active' },
  );
  expect(resumed).toMatchObject({ kind: 'written' });
  expect(await current(store)).toEqual({ ...OLD, mandate: { state: 'halted' } });
});

test('a write whose answer is lost is known as written when nothing came after it', async () => {
  const store = await account();
  expect(await changeMandate(lossy(store, good), { state: 'halted' })).toMatchObject({ kind: 'written' });
  expect(await current(store)).toEqual({ ...OLD, mandate: { state: 'halted' } });
});

test('where two have written since, nobody can tell whether a write took effect, and it is not made again', async () => {
  const store = await account({ state: 'halted' });
  const twice = async (): Promise<void> => {
    await changeMandate(store, { limitShare: 0.5 });
    await changeMandate(store, { state: 'halted' });
  };
  expect(detailOf(await changeMandate(lossy(store, twice), { state: 'active' }))).toContain('cannot be told');
  expect(await current(store)).toEqual({ ...OLD, mandate: { state: 'halted', limitShare: 0.5 } });
});

test('a halt that comes while trading is being resumed wins', async () => {
  const store = await account({ state: 'halted' });
  const slow = interrupted(store, 1, () => changeMandate(store, { state: 'halted', limitShare: 0.5 }));
  expect(detailOf(await changeMandate(slow, { state: 'active' }))).toContain('another wrote to it meanwhile');
  expect(await current(store)).toEqual({ ...OLD, mandate: { state: 'halted', limitShare: 0.5 } });
});

test('a resume takes effect only on what was looked at', async () => {
  const store = await account({ state: 'halted' });
  const { version } = await store.read('AWSCURRENT');
  await changeMandate(store, { state: 'halted' });
  expect(detailOf(await changeMandate(store, { state: 'active' }, version))).toContain('since it was looked at');
  const seen = (await store.read('AWSCURRENT')).version;
  expect(await changeMandate(store, { state: 'active' }, seen)).toMatchObject({ kind: 'written' });
});

test('a promotion whose answer is lost does not undo the promotion of a later key', async () => {
  const store = await account();
  await stage(store, NEW);
  const later = { ...NEW, apiKey: 'later-key' };
  const promoted = await promote(
    lossy(store, async () => {
      await stage(store, later);
      await promote(store, good);
    }),
    good,
  );
  expect(promoted).toMatchObject({ kind: 'written' });
  expect(await current(store)).toEqual({ ...later, mandate: { state: 'active' } });
});

test('a promotion that is overtaken by that of another key does not undo it', async () => {
  const store = await account();
  await stage(store, NEW);
  const later = { ...NEW, apiKey: 'later-key' };
  const slow = interrupted(store, 1, async () => {
    await stage(store, later);
    await promote(store, good);
  });
  expect(detailOf(await promote(slow, good))).toContain('another key was staged or promoted meanwhile');
  expect(await current(store)).toEqual({ ...later, mandate: { state: 'active' } });
});

test('a race without end is given up with a sentence that shows no value', async () => {
  const store = await account();
  let share = 0;
  const never = interrupted(store, 100, () => changeMandate(store, { limitShare: (share += 0.01) }));
  const detail = detailOf(await changeMandate(never, { state: 'halted' }));
  expect(detail).toContain('others wrote to it during each of 5 attempts');
  for (const value of Object.values(OLD)) expect(detail).not.toContain(value);
});

test('the labels of a write are gone when it is done', async () => {
  const store = await account();
  await changeMandate(store, { state: 'halted' });
  const { VersionIdsToStages = {} } = await stack.secrets.describeSecret({ SecretId: store.name });
  expect(Object.values(VersionIdsToStages).flat().sort()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
});
