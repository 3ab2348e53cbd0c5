// Lambda's REST API as far as somebody asks it here: a function's configuration, and the event source mapping of one, which is
// read, disabled, enabled and tagged. Promises that a mapping's poller really stops and starts, and the states on the way.
// Deploys nothing and invokes nothing: the runner does, and hands its functions in.
import { createHash, randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { FunctionDefinition } from '../lambda/definition.ts';
import { ACCOUNT_ID } from './account.ts';
import { flag, needText, refuse, text, textMap, type Action, type Input, type Output } from './wire.ts';

/** A function as it runs now. */
export interface DeployedFunction {
  /** "trading-bot-dev-execute" */
  readonly name: string;
  readonly definition: () => FunctionDefinition;
  readonly mapping?: {
    readonly queueArn: string;
    /** Ends polling; a batch that was received goes on. */
    readonly stop: () => Promise<void>;
    readonly start: () => void;
  };
}

export interface Lambda {
  readonly actions: Readonly<Record<string, Action>>;
  readonly deploy: (deployed: DeployedFunction) => void;
}

/** A request of the REST API in the terms of the other services. */
export interface RestCall {
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly status: number;
}

interface MappingRow {
  readonly uuid: string;
  readonly deployed: DeployedFunction;
  readonly mapping: NonNullable<DeployedFunction['mapping']>;
  state: 'Enabled' | 'Disabling' | 'Disabled' | 'Enabling';
  changedAt: number;
}

/** How long a change takes at least: on AWS it is seconds, and no code may take the answer for the deed. */
const CHANGE_MS = 300;
const MOST_TAGS = 50;
/** What a value of a tag may hold [Lambda's guide, tags]. */
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

const ROUTES: readonly (readonly [method: string, path: RegExp, action: string, status: number])[] = [
  ['GET', /^\/2015-03-31\/event-source-mappings\/?$/, 'ListEventSourceMappings', 200],
  ['GET', /^\/2015-03-31\/event-source-mappings\/(?<UUID>[^/]+)$/, 'GetEventSourceMapping', 200],
  ['PUT', /^\/2015-03-31\/event-source-mappings\/(?<UUID>[^/]+)$/, 'UpdateEventSourceMapping', 202],
  ['GET', /^\/2015-03-31\/functions\/(?<FunctionName>[^/]+)$/, 'GetFunction', 200],
  ['GET', /^\/2015-03-31\/functions\/(?<FunctionName>[^/]+)\/configuration$/, 'GetFunctionConfiguration', 200],
  ['GET', /^\/2017-03-31\/tags\/(?<Resource>.+)$/, 'ListTags', 200],
  ['POST', /^\/2017-03-31\/tags\/(?<Resource>.+)$/, 'TagResource', 204],
];

/** undefined where it is no request to Lambda. */
export const restCallOf = (method: string, url: string): RestCall | undefined => {
  const { pathname, searchParams } = new URL(url, 'http://local');
  if (!/^\/201\d-\d\d-\d\d\//.test(pathname)) return undefined;
  for (const [wanted, pattern, action, status] of ROUTES) {
    const match = method === wanted ? pattern.exec(pathname) : null;
    if (match === null) continue;
    const named = Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)] as const);
    return { action, status, parameters: { ...Object.fromEntries(searchParams), ...Object.fromEntries(named) } };
  }
  return { action: `${method} ${pathname}`, status: 200, parameters: {} };
};

const missing = (what: string): Error => refuse('ResourceNotFoundException', `${what} does not exist here.`);

/** All that is known. */
interface Fleet {
  readonly region: string;
  readonly now: () => number;
  readonly functions: Map<string, DeployedFunction>;
  readonly mappings: Map<string, MappingRow>;
  /** By ARN. */
  readonly tags: Map<string, Readonly<Record<string, string>>>;
}

const arnOf = ({ region }: Fleet, kind: 'function' | 'event-source-mapping', name: string): string =>
  `arn:aws:lambda:${region}:${ACCOUNT_ID}:${kind}:${name}`;

/** By its name or its ARN. */
const functionOf = ({ functions }: Fleet, input: Input): DeployedFunction => {
  const given = needText(input, 'FunctionName');
  const found = functions.get(given.split(':').at(-1) ?? '');
  if (found === undefined) throw missing(`Function ${given}`);
  return found;
};

const mappingOf = ({ mappings }: Fleet, input: Input): MappingRow => {
  const uuid = needText(input, 'UUID');
  const found = mappings.get(uuid);
  if (found === undefined) throw missing(`Event source mapping ${uuid}`);
  return found;
};

const shown = (fleet: Fleet, { uuid, deployed, mapping, state, changedAt }: MappingRow): Output => {
  const { eventSource } = deployed.definition();
  return {
    UUID: uuid,
    EventSourceMappingArn: arnOf(fleet, 'event-source-mapping', uuid),
    EventSourceArn: mapping.queueArn,
    FunctionArn: arnOf(fleet, 'function', deployed.name),
    State: state,
    StateTransitionReason: 'USER_INITIATED',
    LastModified: changedAt / 1000,
    BatchSize: eventSource?.batchSize,
    ScalingConfig: { MaximumConcurrency: eventSource?.maximumConcurrency },
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  };
};

const list = (fleet: Fleet, input: Input): Output => {
  const wanted = text(input, 'FunctionName') === undefined ? undefined : functionOf(fleet, input);
  const queue = text(input, 'EventSourceArn');
  const isMeant = ({ deployed, mapping }: MappingRow): boolean =>
    (wanted === undefined || deployed === wanted) && (queue === undefined || mapping.queueArn === queue);
  const rows = [...fleet.mappings.values()].filter(isMeant);
  return { EventSourceMappings: rows.map((row) => shown(fleet, row)) };
};

const change = (row: MappingRow, isEnabled: boolean, at: number): void => {
  if (row.state === 'Disabling' || row.state === 'Enabling') {
    throw refuse(
      'ResourceInUseException',
      `Event source mapping ${row.uuid} is ${row.state}: try again when it is over.`,
    );
  }
  if (row.state === (isEnabled ? 'Enabled' : 'Disabled')) return;
  row.state = isEnabled ? 'Enabling' : 'Disabling';
  row.changedAt = at;
  if (isEnabled) row.mapping.start();
  const work = isEnabled ? undefined : row.mapping.stop();
  const pause = new Promise((resolve) => setTimeout(resolve, CHANGE_MS).unref());
  void Promise.all([work, pause]).then(() => {
    row.state = isEnabled ? 'Enabled' : 'Disabled';
  });
};

const update = (fleet: Fleet, input: Input): Output => {
  const row = mappingOf(fleet, input);
  const others = Object.keys(input).filter((name) => name !== 'UUID' && name !== 'Enabled');
  if (others.length > 0) {
    throw refuse('InvalidParameterValueException', `Only Enabled can be changed here, not ${others.join(', ')}.`);
  }
  if (input['Enabled'] !== undefined) change(row, flag(input, 'Enabled'), fleet.now());
  return shown(fleet, row);
};

const configuration = async (fleet: Fleet, { name, definition }: DeployedFunction): Promise<Output> => {
  const { zipPath, handler, timeoutMs, memoryMb, environment } = definition();
  const zip = await readFile(zipPath);
  return {
    FunctionName: name,
    FunctionArn: arnOf(fleet, 'function', name),
    Runtime: 'nodejs24.x',
    // As the service writes it, with a zone of four digits.
    LastModified: (await stat(zipPath)).mtime.toISOString().replace('Z', '+0000'),
    Handler: handler,
    CodeSize: zip.length,
    CodeSha256: createHash('sha256').update(zip).digest('base64'),
    Timeout: Math.ceil(timeoutMs / 1000),
    MemorySize: memoryMb,
    Version: '$LATEST',
    Environment: { Variables: environment },
    PackageType: 'Zip',
    State: 'Active',
    LastUpdateStatus: 'Successful',
  };
};

/** The ARN of what can have tags. */
const tagged = ({ mappings, functions }: Fleet, input: Input): string => {
  const arn = needText(input, 'Resource');
  const [kind = '', name = ''] = arn.split(':').slice(-2);
  const isThere = kind === 'event-source-mapping' ? mappings.has(name) : kind === 'function' && functions.has(name);
  if (!isThere) throw missing(arn);
  return arn;
};

const tag = (fleet: Fleet, input: Input): Output => {
  const arn = tagged(fleet, input);
  const all = { ...fleet.tags.get(arn), ...textMap(input, 'Tags') };
  const wrong = Object.values(all).find((value) => !TAG_VALUE.test(value));
  if (wrong !== undefined) throw refuse('InvalidParameterValueException', `${wrong} cannot be the value of a tag.`);
  if (Object.keys(all).length > MOST_TAGS) {
    throw refuse('InvalidParameterValueException', `A resource may have ${MOST_TAGS} tags.`);
  }
  fleet.tags.set(arn, all);
  return {};
};

export const localLambda = (region: string, now: () => number): Lambda => {
  const fleet: Fleet = { region, now, functions: new Map(), mappings: new Map(), tags: new Map() };
  return {
    deploy: (deployed) => {
      fleet.functions.set(deployed.name, deployed);
      if (deployed.mapping === undefined) return;
      const uuid = randomUUID();
      fleet.mappings.set(uuid, { uuid, deployed, mapping: deployed.mapping, state: 'Enabled', changedAt: now() });
    },
    actions: {
      ListEventSourceMappings: (input) => list(fleet, input),
      GetEventSourceMapping: (input) => shown(fleet, mappingOf(fleet, input)),
      UpdateEventSourceMapping: (input) => update(fleet, input),
      GetFunctionConfiguration: (input) => configuration(fleet, functionOf(fleet, input)),
      GetFunction: async (input) => ({
        Configuration: await configuration(fleet, functionOf(fleet, input)),
        Code: { RepositoryType: 'S3' },
      }),
      ListTags: (input) => ({ Tags: fleet.tags.get(tagged(fleet, input)) ?? {} }),
      TagResource: (input) => tag(fleet, input),
    },
  };
};
