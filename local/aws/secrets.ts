// Secrets Manager: secrets, their versions and the labels (stages) that wander between versions.
// Promises the label rules of the real service: AWSCURRENT always somewhere, AWSPREVIOUS where it was before.
// Never writes a secret to a log or a file. Longer than most files here: each action is a few lines on the same record.
import { randomInt, randomUUID } from 'node:crypto';
import { flag, needText, records, refuse, text, texts, whole, type Action, type Input, type Output } from './wire.ts';

const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';
const DAY_MS = 86_400_000;
const MOST_SECRET_BYTES = 65_536;
const MOST_DESCRIPTION = 2048;

interface Version {
  readonly id: string;
  readonly secretString: string | undefined;
  readonly secretBinary: string | undefined;
  readonly createdAtMs: number;
  readonly stages: Set<string>;
}

interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly createdAtMs: number;
  readonly versions: Map<string, Version>;
  readonly tags: Map<string, string>;
  description: string | undefined;
  kmsKeyId: string | undefined;
  changedAtMs: number;
  accessedAtMs: number | undefined;
  /** When DeleteSecret was called, and when the secret goes for good. */
  deleted: { readonly atMs: number; readonly goneAtMs: number } | undefined;
}

interface Vault {
  readonly region: string;
  readonly now: () => number;
  readonly secrets: Map<string, Secret>;
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
const wrong = (message: string): Error => refuse('InvalidParameterException', message);

const dropGone = (vault: Vault): void => {
  for (const secret of vault.secrets.values())
    if (secret.deleted !== undefined && secret.deleted.goneAtMs <= vault.now()) vault.secrets.delete(secret.name);
};

/** By name, full ARN, or ARN without its six random characters. */
const find = (vault: Vault, input: Input): Secret => {
  dropGone(vault);
  const id = needText(input, 'SecretId');
  const prefix = `arn:aws:secretsmanager:${vault.region}:000000000000:secret:`;
  const tail = id.startsWith(prefix) ? id.slice(prefix.length) : id;
  const named = [vault.secrets.get(tail), vault.secrets.get(tail.replace(/-[A-Za-z0-9]{6}$/, ''))];
  const secret = named.find((known) => known !== undefined && (known.arn === id || known.name === tail));
  if (secret === undefined)
    throw refuse('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  return secret;
};

const findLive = (vault: Vault, input: Input): Secret => {
  const secret = find(vault, input);
  if (secret.deleted !== undefined)
    throw refuse('InvalidRequestException', `Secret ${secret.name} is marked for deletion; call RestoreSecret first.`);
  return secret;
};

const holderOf = (secret: Secret, stage: string): Version | undefined =>
  [...secret.versions.values()].find(({ stages }) => stages.has(stage));

/** Moves a label to a version; AWSCURRENT leaves AWSPREVIOUS behind, and a version without labels is deprecated. */
const label = (secret: Secret, version: Version, stage: string): void => {
  const holder = holderOf(secret, stage);
  if (holder === version) return;
  holder?.stages.delete(stage);
  version.stages.add(stage);
  if (stage !== CURRENT || holder === undefined) return;
  holderOf(secret, PREVIOUS)?.stages.delete(PREVIOUS);
  holder.stages.add(PREVIOUS);
};

interface Value {
  readonly secretString: string | undefined;
  readonly secretBinary: string | undefined;
}

const readValue = (input: Input): Value | undefined => {
  const secretString = text(input, 'SecretString');
  const secretBinary = text(input, 'SecretBinary');
  if (secretString !== undefined && secretBinary !== undefined)
    throw wrong('Give SecretString or SecretBinary, not both.');
  if (secretString === undefined && secretBinary === undefined) return undefined;
  const bytes = secretString === undefined ? Buffer.from(secretBinary ?? '', 'base64').length : Buffer.byteLength(secretString); // prettier-ignore
  if (bytes > MOST_SECRET_BYTES)
    throw wrong(`A secret value has at most ${MOST_SECRET_BYTES} bytes; this one has ${bytes}.`);
  return { secretString, secretBinary };
};

const readDescription = (input: Input): string | undefined => {
  const description = text(input, 'Description');
  if (description === undefined || description.length <= MOST_DESCRIPTION) return description;
  throw refuse('ValidationException', `Description has at most ${MOST_DESCRIPTION} characters; this one has ${description.length}.`); // prettier-ignore
};

const readVersionId = (input: Input): string => {
  const id = text(input, 'ClientRequestToken') ?? randomUUID();
  if (id.length < 32 || id.length > 64) throw wrong('ClientRequestToken has 32 to 64 characters.');
  return id;
};

/** Adds a version with its labels. The same token with the same value is the same call; with another value it is refused. */
const addVersion = (vault: Vault, secret: Secret, id: string, value: Value, stages: readonly string[]): Version => {
  const known = secret.versions.get(id);
  if (known !== undefined && (known.secretString !== value.secretString || known.secretBinary !== value.secretBinary))
    throw refuse('ResourceExistsException', `Version ${id} of ${secret.name} exists with another value; use a new ClientRequestToken.`); // prettier-ignore
  if (known !== undefined) return known;
  const version: Version = { id, ...value, createdAtMs: vault.now(), stages: new Set() };
  secret.versions.set(id, version);
  // The first version is always current, whatever labels were asked for.
  const wanted = secret.versions.size === 1 ? new Set([...stages, CURRENT]) : new Set(stages);
  wanted.forEach((stage) => label(secret, version, stage));
  secret.changedAtMs = vault.now();
  return version;
};

const setTags = (secret: Secret, input: Input): void =>
  records(input, 'Tags').forEach((tag) => void secret.tags.set(needText(tag, 'Key'), text(tag, 'Value') ?? ''));

const suffix = (): string => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join('');
};

const createSecret = (vault: Vault, input: Input): Output => {
  dropGone(vault);
  const name = needText(input, 'Name');
  if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name))
    throw wrong(`Invalid name ${name}: 1 to 512 letters, digits and the characters /_+=.@- only.`);
  const versionId = readVersionId(input);
  const value = readValue(input);
  const known = vault.secrets.get(name);
  if (known?.deleted !== undefined)
    throw refuse('InvalidRequestException', `A secret named ${name} is scheduled for deletion; restore it first.`);
  if (known !== undefined && (value === undefined || !known.versions.has(versionId)))
    throw refuse('ResourceExistsException', `The operation failed because the secret ${name} already exists.`);
  const nowMs = vault.now();
  const secret: Secret = known ?? {
    name,
    arn: `arn:aws:secretsmanager:${vault.region}:000000000000:secret:${name}-${suffix()}`,
    createdAtMs: nowMs,
    versions: new Map(),
    tags: new Map(),
    description: readDescription(input),
    kmsKeyId: text(input, 'KmsKeyId'),
    changedAtMs: nowMs,
    accessedAtMs: undefined,
    deleted: undefined,
  };
  const version = value && addVersion(vault, secret, versionId, value, [CURRENT]);
  setTags(secret, input);
  vault.secrets.set(name, secret);
  return { ARN: secret.arn, Name: name, VersionId: version?.id };
};

const getSecretValue = (vault: Vault, input: Input): Output => {
  const secret = findLive(vault, input);
  const id = text(input, 'VersionId');
  const stage = text(input, 'VersionStage') ?? (id === undefined ? CURRENT : undefined);
  const version = id === undefined ? holderOf(secret, stage ?? CURRENT) : secret.versions.get(id);
  if (version === undefined)
    throw refuse('ResourceNotFoundException', `Secrets Manager can't find the specified secret value for ${id === undefined ? `staging label: ${stage ?? ''}` : `VersionId: ${id}`}`); // prettier-ignore
  if (stage !== undefined && !version.stages.has(stage))
    throw refuse('InvalidRequestException', `Version ${version.id} does not carry the staging label ${stage}.`);
  // The real service keeps the date only.
  secret.accessedAtMs = Math.floor(vault.now() / DAY_MS) * DAY_MS;
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.id,
    SecretString: version.secretString,
    SecretBinary: version.secretBinary,
    VersionStages: [...version.stages],
    CreatedDate: seconds(version.createdAtMs),
  };
};

const putSecretValue = (vault: Vault, input: Input): Output => {
  const secret = findLive(vault, input);
  const value = readValue(input);
  if (value === undefined) throw wrong('You must provide SecretString or SecretBinary.');
  const stages = input['VersionStages'] === undefined ? [CURRENT] : texts(input, 'VersionStages');
  if (stages.length === 0) throw wrong('VersionStages holds at least one label.');
  const version = addVersion(vault, secret, readVersionId(input), value, stages);
  return { ARN: secret.arn, Name: secret.name, VersionId: version.id, VersionStages: [...version.stages] };
};

const updateSecret = (vault: Vault, input: Input): Output => {
  const secret = findLive(vault, input);
  const value = readValue(input);
  const description = readDescription(input);
  const version = value && addVersion(vault, secret, readVersionId(input), value, [CURRENT]);
  secret.description = description ?? secret.description;
  secret.kmsKeyId = text(input, 'KmsKeyId') ?? secret.kmsKeyId;
  secret.changedAtMs = vault.now();
  return { ARN: secret.arn, Name: secret.name, VersionId: version?.id };
};

const updateStage = (vault: Vault, input: Input): Output => {
  const secret = findLive(vault, input);
  const stage = needText(input, 'VersionStage');
  const to = text(input, 'MoveToVersionId');
  const from = text(input, 'RemoveFromVersionId');
  const holder = holderOf(secret, stage);
  const target = to === undefined ? undefined : secret.versions.get(to);
  if (to !== undefined && target === undefined)
    throw refuse('ResourceNotFoundException', `Secrets Manager can't find the specified secret version: ${to}.`);
  if (from !== undefined && holder?.id !== from)
    throw wrong(`The parameter RemoveFromVersionId can't be ${from}: staging label ${stage} is not attached to it.`);
  if (target === undefined && from === undefined) throw wrong('Give MoveToVersionId, RemoveFromVersionId, or both.');
  if (target === undefined && stage === CURRENT)
    throw wrong(`${CURRENT} cannot be taken off without MoveToVersionId; a secret always has a current version.`);
  if (target !== undefined && holder !== undefined && holder !== target && from === undefined)
    throw wrong(`Staging label ${stage} is attached to version ${holder.id}; name it in RemoveFromVersionId.`);
  if (target !== undefined) label(secret, target, stage);
  else holder?.stages.delete(stage);
  secret.changedAtMs = vault.now();
  return { ARN: secret.arn, Name: secret.name };
};

const stagesOf = (secret: Secret): Output =>
  Object.fromEntries(
    [...secret.versions.values()].filter(({ stages }) => stages.size > 0).map(({ id, stages }) => [id, [...stages]]),
  );

const listEntry = (secret: Secret): Output => ({
  ARN: secret.arn,
  Name: secret.name,
  Description: secret.description,
  KmsKeyId: secret.kmsKeyId,
  CreatedDate: seconds(secret.createdAtMs),
  LastChangedDate: seconds(secret.changedAtMs),
  LastAccessedDate: seconds(secret.accessedAtMs),
  DeletedDate: seconds(secret.deleted?.atMs),
  Tags: [...secret.tags].map(([Key, Value]) => ({ Key, Value })),
});

const describeSecret = (vault: Vault, input: Input): Output => {
  const secret = find(vault, input);
  return { ...listEntry(secret), VersionIdsToStages: stagesOf(secret) };
};

/** Values are prefixes; one with a leading ! excludes. Filters are joined by and, the values of one by or. */
const fitsFilter = (secret: Secret, filter: Input): boolean => {
  const key = text(filter, 'Key') ?? '';
  const fields: Readonly<Record<string, readonly string[]>> = {
    name: [secret.name],
    description: [secret.description ?? ''],
    'tag-key': [...secret.tags.keys()],
    'tag-value': [...secret.tags.values()],
    'primary-region': [],
    'owning-service': [],
    all: [secret.name, secret.description ?? '', ...secret.tags.keys(), ...secret.tags.values()],
  };
  const found = fields[key];
  if (found === undefined) throw wrong(`Filter key ${key} is not one of ${Object.keys(fields).join(', ')}.`);
  const fits = (value: string): boolean => found.some((item) => item.startsWith(value));
  const values = texts(filter, 'Values');
  const [no, yes] = [values.filter((value) => value.startsWith('!')), values.filter((value) => !value.startsWith('!'))];
  return !no.some((value) => fits(value.slice(1))) && (yes.length === 0 || yes.some(fits));
};

/** One page; the token is the position at which the next page starts. */
const page = <T>(
  input: Input,
  items: readonly T[],
): { readonly shown: readonly T[]; readonly token: string | undefined } => {
  const most = whole(input, 'MaxResults', 1, 100) ?? 100;
  const start = Number(Buffer.from(text(input, 'NextToken') ?? '', 'base64').toString() || '0');
  if (!Number.isInteger(start) || start < 0) throw refuse('InvalidNextTokenException', 'NextToken is not one of ours.');
  const end = start + most;
  return {
    shown: items.slice(start, end),
    token: end < items.length ? Buffer.from(String(end)).toString('base64') : undefined,
  };
};

const listSecrets = (vault: Vault, input: Input): Output => {
  dropGone(vault);
  const planned = flag(input, 'IncludePlannedDeletion');
  const filters = records(input, 'Filters');
  const found = [...vault.secrets.values()]
    .filter((secret) => planned || secret.deleted === undefined)
    .filter((secret) => filters.every((filter) => fitsFilter(secret, filter)));
  if (text(input, 'SortOrder') === 'desc') found.reverse();
  const { shown, token } = page(input, found);
  const SecretList = shown.map((secret) => ({ ...listEntry(secret), SecretVersionsToStages: stagesOf(secret) }));
  return { SecretList, NextToken: token };
};

const listVersions = (vault: Vault, input: Input): Output => {
  const secret = find(vault, input);
  const deprecated = flag(input, 'IncludeDeprecated');
  const versions = [...secret.versions.values()].filter(({ stages }) => deprecated || stages.size > 0);
  const { shown, token } = page(input, versions);
  const Versions = shown.map(({ id, stages, createdAtMs }) => ({ VersionId: id, VersionStages: [...stages], CreatedDate: seconds(createdAtMs) })); // prettier-ignore
  return { ARN: secret.arn, Name: secret.name, Versions, NextToken: token };
};

const deleteSecret = (vault: Vault, input: Input): Output => {
  const force = flag(input, 'ForceDeleteWithoutRecovery');
  const days = input['RecoveryWindowInDays'] ?? undefined;
  if (force && days !== undefined) throw wrong('Give RecoveryWindowInDays or ForceDeleteWithoutRecovery, not both.');
  if (days !== undefined && (typeof days !== 'number' || days < 7 || days > 30))
    throw wrong('RecoveryWindowInDays must be from 7 to 30.');
  const secret = findLive(vault, input);
  const atMs = vault.now();
  const goneAtMs = force ? atMs : atMs + (typeof days === 'number' ? days : 30) * DAY_MS;
  secret.deleted = { atMs, goneAtMs };
  if (force) vault.secrets.delete(secret.name);
  return { ARN: secret.arn, Name: secret.name, DeletionDate: seconds(goneAtMs) };
};

/** Every Secrets Manager action by its name on the wire. */
export const secretsActions = (world: {
  readonly region: string;
  readonly now: () => number;
}): Readonly<Record<string, Action>> => {
  const vault: Vault = { ...world, secrets: new Map() };
  return {
    CreateSecret: (input) => createSecret(vault, input),
    GetSecretValue: (input) => getSecretValue(vault, input),
    PutSecretValue: (input) => putSecretValue(vault, input),
    UpdateSecret: (input) => updateSecret(vault, input),
    UpdateSecretVersionStage: (input) => updateStage(vault, input),
    DescribeSecret: (input) => describeSecret(vault, input),
    ListSecrets: (input) => listSecrets(vault, input),
    ListSecretVersionIds: (input) => listVersions(vault, input),
    DeleteSecret: (input) => deleteSecret(vault, input),
    RestoreSecret: (input) => {
      const secret = find(vault, input);
      secret.deleted = undefined;
      return { ARN: secret.arn, Name: secret.name };
    },
    TagResource: (input) => {
      setTags(findLive(vault, input), input);
      return {};
    },
    UntagResource: (input) => {
      const { tags } = findLive(vault, input);
      texts(input, 'TagKeys').forEach((key) => tags.delete(key));
      return {};
    },
  };
};
