// The local Lambda: functions from their packaged zips, invoked directly or by their SQS event source mappings.
// Promises that a handler cannot tell it from AWS by the API, the environment or the delivery rules, and that close()
// leaves no child and no file behind. Never reads a function's sources: only the zip that would be deployed.
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, sep } from 'node:path';
import { unzipSync } from 'fflate';
import type { FunctionDefinition, FunctionMetrics, InvocationResult } from './definition.ts';
import { type Place } from './environment.ts';
import { type Mapping, startMapping } from './mapping.ts';
import { type Pool, startPool } from './pool.ts';

export type { EventSource, FunctionDefinition, FunctionMetrics, InvocationResult } from './definition.ts';

/** AWS's limit for a synchronous event. */
const maxEventBytes = 6 * 1024 * 1024;

export interface LogLine {
  readonly functionName: string;
  readonly requestId?: string;
  readonly text: string;
}

export interface RunnerOptions {
  readonly functions: readonly FunctionDefinition[];
  readonly region: string;
  /** AWS endpoint of the mappings and of the children (AWS_ENDPOINT_URL); undefined = real AWS. */
  readonly awsEndpoint?: string;
  /** Called with every line that a function writes and with the platform's START, END and REPORT lines. */
  readonly onLog?: (line: LogLine) => void;
  /** Called with every event (JSON) that a queue gives to a function, before the function has it. */
  readonly onEvent?: (functionName: string, event: string) => void;
  /** Called when an invocation has ended: how long it took, and whether in a function error; throttled: it never ran. */
  readonly onInvocation?: (functionName: string, invocation: Invoked) => void;
  /** n environments per function strictly in rotation, each started up front; default: Lambda's choice. */
  readonly rotateEnvironments?: number;
  /** Freeze (SIGSTOP) idle environments, thaw them at the next invocation; default true. */
  readonly freeze?: boolean;
  /** Milliseconds after which an idle environment is ended; default 300,000; not with rotation. */
  readonly idleMs?: number;
}

export interface Invoked {
  readonly durationMs: number;
  readonly isError: boolean;
  readonly isThrottled: boolean;
}

export interface Runner {
  /** Invokes directly, for schedules and tests: the payload or the function error. Rejects for an unknown name. */
  readonly invoke: (name: string, payload: unknown) => Promise<InvocationResult>;
  readonly metrics: (name: string) => FunctionMetrics;
  /** SIGKILLs one environment ('any' prefers a busy one); false when there is none. Default 'any'. */
  readonly kill: (name: string, which?: 'busy' | 'any') => boolean;
  /** New code, handler, limits or variables: environments are replaced after their current invocation. */
  readonly update: (name: string, change: FunctionChange) => Promise<void>;
  /** Disables the mapping; resolves when the batches in flight have ended. */
  readonly pause: (name: string) => Promise<void>;
  readonly resume: (name: string) => void;
  /** As pause, but does not wait for the batches in flight: what Lambda's Disabled means. */
  readonly stop: (name: string) => Promise<void>;
  /** As the function is deployed now. */
  readonly definition: (name: string) => FunctionDefinition;
  /** Ends every poll and every child; batches in flight fail and come back after their visibility timeout. */
  readonly close: () => Promise<void>;
}

export type FunctionChange = Partial<
  Pick<FunctionDefinition, 'zipPath' | 'handler' | 'timeoutMs' | 'memoryMb' | 'environment'>
>;

interface Deployed {
  readonly pool: Pool;
  readonly counts: { invocations: number; errors: number; timeouts: number };
  mapping?: Mapping;
}

/** Unzips a package below `root`, once per content, and returns its folder. */
async function unpack(root: string, zipPath: string): Promise<string> {
  const zip = await readFile(zipPath).catch((error: unknown) => {
    throw new Error(`no package at ${zipPath}; build it first (npm run package)`, { cause: error });
  });
  const folder = join(root, createHash('sha256').update(zip).digest('hex').slice(0, 16));
  // Two functions may share a zip; writing it twice does no harm.
  for (const [name, bytes] of Object.entries(unzipSync(zip))) {
    const path = normalize(join(folder, name));
    if (!path.startsWith(folder + sep)) throw new Error(`${zipPath}: entry ${name} points out of the package`);
    if (name.endsWith('/')) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  return folder;
}

const parse = (text: string): InvocationResult => {
  try {
    return { payload: JSON.parse(text) as unknown };
  } catch {
    const errorMessage = 'the runtime answered with something that is not JSON';
    return { error: { errorType: 'Runtime.MalformedResponse', errorMessage } };
  }
};

async function run(
  { pool, counts }: Deployed,
  body: string,
  traceId: string,
  ended: RunnerOptions['onInvocation'],
): Promise<InvocationResult> {
  counts.invocations += 1;
  const startedAt = performance.now();
  const bytes = Buffer.byteLength(body);
  const errorMessage = `${bytes} byte payload is too large for an event: at most ${maxEventBytes} bytes`;
  const result = await (bytes > maxEventBytes
    ? { kind: 'error' as const, error: { errorType: 'RequestTooLargeException', errorMessage } }
    : pool.run({ body, traceId }));
  if (result.kind === 'timeout') counts.timeouts += 1;
  const outcome = result.kind === 'response' ? parse(result.body) : { error: result.error };
  if (outcome.error !== undefined) counts.errors += 1;
  const isThrottled = outcome.error?.errorType === 'TooManyRequestsException';
  const durationMs = performance.now() - startedAt;
  ended?.(pool.deployment().definition.name, { durationMs, isThrottled, isError: outcome.error !== undefined && !isThrottled }); // prettier-ignore
  return outcome;
}

const measure = ({ pool, counts, mapping }: Deployed): FunctionMetrics => {
  const none = { batchesDone: 0, batchesPartlyFailed: 0, batchesFailed: 0, maxConcurrentBatches: 0 };
  const batches = mapping?.metrics ?? { ...none, undeleted: 0, recursionStopped: 0 };
  const alive = pool.environments();
  return {
    ...counts,
    ...batches,
    batches: batches.batchesDone + batches.batchesPartlyFailed + batches.batchesFailed,
    coldStarts: pool.started(),
    environments: alive.length,
    busy: alive.filter((environment) => environment.busy()).length,
  };
};

const freshTrace = (): string =>
  `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')};Sampled=0`;

async function deploy(
  definition: FunctionDefinition,
  root: string,
  options: RunnerOptions,
  place: Place,
): Promise<Deployed> {
  const taskRoot = await unpack(root, definition.zipPath);
  const pool = await startPool(
    { definition, taskRoot },
    { place, rotate: options.rotateEnvironments, idleMs: options.idleMs ?? 300_000 },
  );
  return { pool, counts: { invocations: 0, errors: 0, timeouts: 0 } };
}

/** Connects a function with its queue. */
async function map(deployed: Deployed, options: RunnerOptions, log: (text: string) => void): Promise<void> {
  const { definition } = deployed.pool.deployment();
  if (definition.eventSource === undefined) return;
  deployed.mapping = await startMapping({
    definition,
    source: definition.eventSource,
    region: options.region,
    awsEndpoint: options.awsEndpoint,
    invoke: (body, traceId) => {
      options.onEvent?.(definition.name, body);
      return run(deployed, body, traceId, options.onInvocation);
    },
    log,
  });
}

/** Starts the functions and their mappings. Rejects, with nothing left running, when one cannot be deployed. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const root = await mkdtemp(join(tmpdir(), 'local-lambda-'));
  const place: Place = {
    region: options.region,
    awsEndpoint: options.awsEndpoint,
    freeze: options.freeze ?? true,
    log: (functionName, requestId, text) =>
      options.onLog?.({ functionName, text, ...(requestId !== undefined && { requestId }) }),
  };
  const all = new Map<string, Deployed>();
  const find = (name: string): Deployed => {
    const deployed = all.get(name);
    if (deployed === undefined) throw new Error(`no function ${name}; there are ${[...all.keys()].join(', ')}`);
    return deployed;
  };
  // A frozen child cannot notice that its parent has gone.
  const orphaned = (): void => {
    for (const { pool } of all.values()) for (const environment of pool.environments()) environment.kill();
  };
  process.on('exit', orphaned);
  const close = async (): Promise<void> => {
    const mappings = [...all.values()].map(async ({ mapping }) => mapping?.close());
    await Promise.all([...all.values()].map(({ pool }) => pool.close()));
    await Promise.all(mappings);
    process.off('exit', orphaned);
    await rm(root, { recursive: true, force: true });
  };
  try {
    for (const definition of options.functions)
      all.set(definition.name, await deploy(definition, root, options, place));
    for (const [name, deployed] of all) await map(deployed, options, (text) => place.log(name, undefined, text));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    invoke: async (name, payload) =>
      run(find(name), payload === undefined ? '{}' : JSON.stringify(payload), freshTrace(), options.onInvocation),
    metrics: (name) => measure(find(name)),
    kill: (name, which = 'any') => find(name).pool.kill(which),
    update: async (name, change) => {
      const { pool } = find(name);
      const definition = { ...pool.deployment().definition, ...change };
      pool.deploy({ definition, taskRoot: await unpack(root, definition.zipPath) });
    },
    pause: async (name) => find(name).mapping?.pause(),
    resume: (name) => find(name).mapping?.resume(),
    stop: async (name) => find(name).mapping?.stop(),
    definition: (name) => find(name).pool.deployment().definition,
    close,
  };
}
