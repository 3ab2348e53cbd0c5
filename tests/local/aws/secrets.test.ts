// Secrets Manager of the local AWS through the unmodified SDK: versions, labels, deletion, listing.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { startStack, type Stack } from './fixture.ts';

let stack: Stack;
let secrets: Stack['secrets'];
beforeAll(async () => {
  stack = await startStack();
  ({ secrets } = stack);
});
afterAll(() => stack.close());

const nameOf = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: unknown) => (error as Error).name,
  );
const valueOf = async (SecretId: string, more: object = {}): Promise<string | undefined> =>
  (await secrets.getSecretValue({ SecretId, ...more })).SecretString;

test('a secret is read by name, by ARN, and by ARN without its six random characters', async () => {
  const { ARN = '', VersionId } = await secrets.createSecret({ Name: 'bot/main', SecretString: '{"a":1}' });
  expect(ARN).toMatch(/^arn:aws:secretsmanager:ap-northeast-1:000000000000:secret:bot\/main-[A-Za-z0-9]{6}$/);
  for (const id of ['bot/main', ARN, ARN.slice(0, -7)]) expect(await valueOf(id)).toBe('{"a":1}');
  const got = await secrets.getSecretValue({ SecretId: 'bot/main' });
  expect(got).toMatchObject({ ARN, Name: 'bot/main', VersionId, VersionStages: ['AWSCURRENT'] });
  expect(Math.abs(Date.now() - (got.CreatedDate?.getTime() ?? 0))).toBeLessThan(5000);
  expect(await nameOf(valueOf('bot/none'))).toBe('ResourceNotFoundException');
  expect(await nameOf(valueOf(`${ARN.slice(0, -6)}zzzzzz`))).toBe('ResourceNotFoundException');
});

test('a binary secret comes back byte for byte, and a secret has one kind of value', async () => {
  const SecretBinary = new Uint8Array([0, 1, 254, 255]);
  await secrets.createSecret({ Name: 'binary', SecretBinary });
  const got = await secrets.getSecretValue({ SecretId: 'binary' });
  expect([got.SecretBinary, got.SecretString]).toEqual([SecretBinary, undefined]);
  const both = secrets.createSecret({ Name: 'both', SecretString: 'x', SecretBinary });
  expect(await nameOf(both)).toBe('InvalidParameterException');
});

test('creating and putting are idempotent by their token, and refused with another value', async () => {
  const ClientRequestToken = randomUUID();
  const create = (SecretString: string, token = ClientRequestToken) =>
    secrets.createSecret({ Name: 'token', SecretString, ClientRequestToken: token });
  const first = await create('a');
  expect((await create('a')).ARN).toBe(first.ARN);
  expect(await nameOf(create('b'))).toBe('ResourceExistsException');
  expect(await nameOf(create('a', randomUUID()))).toBe('ResourceExistsException');
  const put = (SecretString: string) =>
    secrets.putSecretValue({ SecretId: 'token', SecretString, ClientRequestToken: '0'.repeat(32) });
  await put('c');
  await put('c');
  expect(await nameOf(put('d'))).toBe('ResourceExistsException');
  expect(await valueOf('token')).toBe('c');
});

test('a new value takes AWSCURRENT and leaves AWSPREVIOUS behind; older versions have no label', async () => {
  const SecretId = 'rotating';
  const ids = [(await secrets.createSecret({ Name: SecretId, SecretString: '1' })).VersionId ?? ''];
  for (const SecretString of ['2', '3'])
    ids.push((await secrets.putSecretValue({ SecretId, SecretString })).VersionId ?? '');
  const [first = '', second = '', third = ''] = ids;
  const { VersionIdsToStages } = await secrets.describeSecret({ SecretId });
  expect(VersionIdsToStages).toEqual({ [second]: ['AWSPREVIOUS'], [third]: ['AWSCURRENT'] });
  expect(await valueOf(SecretId, { VersionStage: 'AWSPREVIOUS' })).toBe('2');
  expect(await valueOf(SecretId, { VersionId: first })).toBe('1');
  const wrong = valueOf(SecretId, { VersionId: first, VersionStage: 'AWSCURRENT' });
  expect(await nameOf(wrong)).toBe('InvalidRequestException');
  expect(await nameOf(valueOf(SecretId, { VersionStage: 'NONE' }))).toBe('ResourceNotFoundException');
  const listed = async (IncludeDeprecated: boolean) =>
    (await secrets.listSecretVersionIds({ SecretId, IncludeDeprecated })).Versions?.map(({ VersionId }) => VersionId);
  expect(await listed(false)).toEqual([second, third]);
  expect(await listed(true)).toEqual([first, second, third]);
});

test('a pending version is promoted only away from the version that holds the label', async () => {
  const SecretId = 'promoted';
  const { VersionId: old = '' } = await secrets.createSecret({ Name: SecretId, SecretString: 'old' });
  const pending = { SecretId, SecretString: 'new', VersionStages: ['AWSPENDING'] };
  const { VersionId: next = '' } = await secrets.putSecretValue(pending);
  expect([await valueOf(SecretId), await valueOf(SecretId, { VersionStage: 'AWSPENDING' })]).toEqual(['old', 'new']);
  const move = (more: object) =>
    nameOf(secrets.updateSecretVersionStage({ SecretId, VersionStage: 'AWSCURRENT', ...more }));
  expect(await move({ MoveToVersionId: next, RemoveFromVersionId: next })).toBe('InvalidParameterException');
  expect(await move({ MoveToVersionId: next })).toBe('InvalidParameterException');
  expect(await move({ RemoveFromVersionId: old })).toBe('InvalidParameterException');
  expect(await move({ MoveToVersionId: randomUUID(), RemoveFromVersionId: old })).toBe('ResourceNotFoundException');
  expect(await move({ MoveToVersionId: next, RemoveFromVersionId: old })).toBe('ok');
  const { VersionIdsToStages } = await secrets.describeSecret({ SecretId });
  expect(VersionIdsToStages).toEqual({ [old]: ['AWSPREVIOUS'], [next]: ['AWSPENDING', 'AWSCURRENT'] });
  expect(await valueOf(SecretId)).toBe('new');
  const drop = { SecretId, VersionStage: 'AWSPENDING', RemoveFromVersionId: next };
  await secrets.updateSecretVersionStage(drop);
  expect(await nameOf(valueOf(SecretId, { VersionStage: 'AWSPENDING' }))).toBe('ResourceNotFoundException');
});

test('an update changes the description, and the value where one is given', async () => {
  const SecretId = 'updated';
  await secrets.createSecret({ Name: SecretId, SecretString: '1', Tags: [{ Key: 'stage', Value: 'test' }] });
  const { VersionId } = await secrets.updateSecret({ SecretId, Description: 'said' });
  expect([VersionId, await valueOf(SecretId)]).toEqual([undefined, '1']);
  await secrets.updateSecret({ SecretId, SecretString: '2' });
  await secrets.tagResource({ SecretId, Tags: [{ Key: 'owner', Value: 'desk' }] });
  const described = await secrets.describeSecret({ SecretId });
  expect(described.Description).toBe('said');
  expect(described.Tags?.map(({ Key }) => Key)).toEqual(['stage', 'owner']);
  expect(await valueOf(SecretId, { VersionStage: 'AWSPREVIOUS' })).toBe('1');
  const tooLong = secrets.updateSecret({ SecretId, SecretString: '3', Description: 'x'.repeat(2049) });
  expect(await nameOf(tooLong)).toBe('ValidationException');
  expect([await valueOf(SecretId), (await secrets.describeSecret({ SecretId })).Description]).toEqual(['2', 'said']);
});

test('a deleted secret is unreadable, restored within its window, and gone at once by force', async () => {
  const SecretId = 'deleted';
  await secrets.createSecret({ Name: SecretId, SecretString: '1' });
  const window = secrets.deleteSecret({ SecretId, RecoveryWindowInDays: 6 });
  expect(await nameOf(window)).toBe('InvalidParameterException');
  const { DeletionDate } = await secrets.deleteSecret({ SecretId, RecoveryWindowInDays: 7 });
  expect(Math.round(((DeletionDate?.getTime() ?? 0) - Date.now()) / 86_400_000)).toBe(7);
  expect(await nameOf(valueOf(SecretId))).toBe('InvalidRequestException');
  expect(await nameOf(secrets.createSecret({ Name: SecretId, SecretString: '2' }))).toBe('InvalidRequestException');
  expect((await secrets.describeSecret({ SecretId })).DeletedDate).toBeInstanceOf(Date);
  await secrets.restoreSecret({ SecretId });
  expect(await valueOf(SecretId)).toBe('1');
  await secrets.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true });
  expect(await nameOf(valueOf(SecretId))).toBe('ResourceNotFoundException');
  expect(await nameOf(secrets.createSecret({ Name: SecretId, SecretString: '2' }))).toBe('ok');
});

test('secrets are listed page by page and by filters', async () => {
  for (const name of ['page/a', 'page/b', 'page/c']) await secrets.createSecret({ Name: name, SecretString: 'x' });
  await secrets.deleteSecret({ SecretId: 'page/c' });
  const list = async (Values: string[], more: object = {}) =>
    secrets.listSecrets({ Filters: [{ Key: 'name', Values }], ...more });
  const names = async (...args: Parameters<typeof list>) => (await list(...args)).SecretList?.map(({ Name }) => Name);
  expect(await names(['page/'])).toEqual(['page/a', 'page/b']);
  expect(await names(['page/'], { IncludePlannedDeletion: true })).toEqual(['page/a', 'page/b', 'page/c']);
  expect(await names(['page/', '!page/a'])).toEqual(['page/b']);
  const { NextToken } = await list(['page/'], { MaxResults: 1 });
  expect(await names(['page/'], { MaxResults: 1, NextToken })).toEqual(['page/b']);
  expect(await nameOf(secrets.listSecrets({ NextToken: 'nonsense' }))).toBe('InvalidNextTokenException');
});
