// One execution environment: a child process that runs the packaged handler, one invocation at a time.
// Promises Lambda's life cycle: init, frozen while idle, killed at the deadline, gone after a crash.
// Never passes the parent's environment on, apart from PATH and what reaching AWS takes.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FunctionDefinition, FunctionError } from './definition.ts';
import { type Answer, type Invocation, type RuntimeApi, startRuntimeApi } from './runtime.ts';

const bootstrap = fileURLToPath(new URL('bootstrap.js', import.meta.url));

/** Lambda's limit for loading the code, apart from the function's own timeout. */
const initMs = 10_000;

/** What an environment needs to know of the place it runs in. */
export interface Place {
  readonly region: string;
  readonly awsEndpoint: string | undefined;
  readonly freeze: boolean;
  readonly log: (functionName: string, requestId: string | undefined, text: string) => void;
}

export interface Request {
  /** The event, JSON. */
  readonly body: string;
  readonly traceId: string;
}

/** 'undelivered': the environment ended before it took the invocation up, so another one may. */
export type RunResult =
  Answer | { readonly kind: 'timeout'; readonly error: FunctionError } | { readonly kind: 'undelivered' };

export interface Environment {
  /** The process id; undefined when the process could not be started. */
  readonly pid: number | undefined;
  /** Resolves after init, successful or not. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  readonly alive: () => boolean;
  readonly busy: () => boolean;
  /** Runs one invocation; never rejects. Only when not busy. */
  readonly run: (request: Request) => Promise<RunResult>;
  /** SIGKILL. */
  readonly kill: () => void;
}

export const functionArn = (region: string, name: string): string =>
  `arn:aws:lambda:${region}:000000000000:function:${name}`;

/** The access key id of a function: its own, so that the local AWS can tell who called. */
export const accessKeyId = (name: string): string => `LOCAL${name.toUpperCase().replace(/[^A-Z0-9]/g, '')}`;

const passedOn = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

const realCredentials = [
  ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE', 'HOME'],
  ...['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE'],
];

/** The child's variables: Lambda's own, which a function cannot override, around the function's. */
function variables(definition: FunctionDefinition, taskRoot: string, place: Place, runtimeApi: string) {
  const { name, memoryMb } = definition;
  return {
    ...passedOn(['PATH', 'NODE_EXTRA_CA_CERTS']),
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    ...(place.awsEndpoint !== undefined && { AWS_ENDPOINT_URL: place.awsEndpoint }),
    ...definition.environment,
    ...(place.awsEndpoint === undefined
      ? passedOn(realCredentials)
      : { AWS_ACCESS_KEY_ID: accessKeyId(name), AWS_SECRET_ACCESS_KEY: 'local' }),
    AWS_REGION: place.region,
    AWS_DEFAULT_REGION: place.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${new Date().toISOString().slice(0, 10)}[$LATEST]${randomUUID().replaceAll('-', '')}`,
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    LAMBDA_TASK_ROOT: taskRoot,
    _HANDLER: definition.handler,
  };
}

/** " Max Memory Used: 61 MB" where /proc tells it, else nothing. */
const memoryUsed = (pid: number | undefined): string => {
  try {
    const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1];
    return kib === undefined ? '' : `\tMax Memory Used: ${Math.ceil(Number(kib) / 1024)} MB`;
  } catch {
    return '';
  }
};

const exitError = (requestId: string, code: number | null, signal: NodeJS.Signals | null): FunctionError => {
  const how = signal === null ? `exit status ${code ?? 0}` : `signal: ${signal === 'SIGKILL' ? 'killed' : signal}`;
  const text = code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: ${how}`;
  return { errorType: 'Runtime.ExitError', errorMessage: `RequestId: ${requestId} Error: ${text}` };
};

interface Job {
  readonly requestId: string;
  readonly request: Request;
  readonly settle: (result: RunResult) => void;
  /** Set when the child took it up. */
  startedAt?: number;
  timer?: NodeJS.Timeout;
  finished?: true;
}

/** The mutable record of one environment; only the functions below touch it. */
interface State {
  readonly definition: FunctionDefinition;
  readonly place: Place;
  readonly bornAt: number;
  child?: ChildProcess;
  job?: Job | undefined;
  /** The request that lines of output belong to: the last one delivered. */
  requestId?: string;
  initialised: boolean;
  /** Until the first REPORT line has told it. */
  initMs?: number;
  initError?: FunctionError;
  /** Why we killed it, if we did. */
  overdue?: FunctionError;
  /** We have ended it, though its exit may not have been seen yet. */
  killed?: true;
  alive: boolean;
}

const kill = (state: State): void => {
  state.killed = true;
  state.child?.kill('SIGKILL');
};

const usable = (state: State): boolean => state.alive && state.killed === undefined;

const logFor = (state: State, text: string): void => state.place.log(state.definition.name, state.requestId, text);

const report = (state: State, job: Job): void => {
  const ms = performance.now() - (job.startedAt ?? performance.now());
  const init = state.initMs === undefined ? '' : `\tInit Duration: ${state.initMs.toFixed(2)} ms`;
  delete state.initMs;
  logFor(state, `END RequestId: ${job.requestId}`);
  logFor(
    state,
    `REPORT RequestId: ${job.requestId}\tDuration: ${ms.toFixed(2)} ms\tBilled Duration: ${Math.ceil(ms)} ms` +
      `\tMemory Size: ${state.definition.memoryMb} MB${memoryUsed(state.child?.pid)}${init}`,
  );
};

/** Ends the job. One turn of the event loop later, so that lines written before the answer are logged before END. */
const finish = (state: State, result: RunResult): void => {
  const { job } = state;
  if (job === undefined || job.finished) return;
  job.finished = true;
  clearTimeout(job.timer);
  setImmediate(() => {
    if (job.startedAt !== undefined) report(state, job);
    state.job = undefined;
    job.settle(result);
  });
};

/** Takes the job up: from here its deadline runs. */
const begin = (state: State, job: Job): Invocation => {
  const { definition, place } = state;
  clearTimeout(job.timer);
  job.startedAt = performance.now();
  state.requestId = job.requestId;
  logFor(state, `START RequestId: ${job.requestId} Version: $LATEST`);
  job.timer = setTimeout(() => {
    const text = `Task timed out after ${(definition.timeoutMs / 1000).toFixed(2)} seconds`;
    logFor(state, `${new Date().toISOString()} ${job.requestId} ${text}`);
    state.overdue = { errorType: 'Sandbox.Timedout', errorMessage: `RequestId: ${job.requestId} Error: ${text}` };
    kill(state);
  }, definition.timeoutMs);
  return {
    requestId: job.requestId,
    body: job.request.body,
    deadlineMs: Date.now() + definition.timeoutMs,
    functionArn: functionArn(place.region, definition.name),
    traceId: job.request.traceId,
  };
};

const resultOfExit = (state: State, job: Job, code: number | null, signal: NodeJS.Signals | null): RunResult => {
  if (state.overdue !== undefined) return { kind: 'timeout', error: state.overdue };
  if (job.startedAt !== undefined) return { kind: 'error', error: exitError(job.requestId, code, signal) };
  if (state.initError !== undefined) return { kind: 'error', error: state.initError };
  // Killed from outside, or fell after its last answer: no fault of this invocation.
  if (state.initialised || signal === 'SIGKILL') return { kind: 'undelivered' };
  return { kind: 'error', error: exitError(job.requestId, code, signal) };
};

const launch = (state: State, taskRoot: string, runtimeApi: string): ChildProcess => {
  const { definition, place } = state;
  const heapMb = Math.floor(definition.memoryMb * 0.9);
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, bootstrap], {
    cwd: taskRoot,
    env: variables(definition, taskRoot, place, runtimeApi),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (text) => logFor(state, text));
  return child;
};

/** Gives the job to the child: at once if it waits (thawed), else at its next request. */
const offer = (state: State, api: RuntimeApi, job: Job): void => {
  const taken = api.deliver(() => {
    if (state.place.freeze) state.child?.kill('SIGCONT');
    return begin(state, job);
  });
  // A child that answered but never asks again is stuck; another environment takes the job.
  if (!taken && state.initialised) job.timer = setTimeout(() => kill(state), initMs);
};

/** Starts an environment. Returns once its process runs; `ready` tells of the end of init. */
export async function startEnvironment(
  definition: FunctionDefinition,
  taskRoot: string,
  place: Place,
): Promise<Environment> {
  const state: State = { definition, place, bornAt: performance.now(), initialised: false, alive: true };
  const ready = Promise.withResolvers<undefined>();
  const ended = Promise.withResolvers<undefined>();
  const api: RuntimeApi = await startRuntimeApi({
    onNext: () => {
      clearTimeout(initTimer);
      if (!state.initialised) state.initMs = performance.now() - state.bornAt;
      state.initialised = true;
      ready.resolve(undefined);
      if (state.job !== undefined && state.job.startedAt === undefined) return begin(state, state.job);
      if (place.freeze) state.child?.kill('SIGSTOP');
      return undefined;
    },
    // An answer that crosses the deadline is too late: the exit settles it.
    onAnswer: (answer) => {
      if (state.overdue === undefined) finish(state, answer);
    },
    onInitError: (error) => {
      state.initError = error;
    },
  });
  const child = (state.child = launch(state, taskRoot, api.address));
  const initTimer = setTimeout(() => {
    state.overdue = { errorType: 'Sandbox.Timedout', errorMessage: `Init timed out after ${initMs / 1000} seconds` };
    kill(state);
  }, initMs);
  const end = (code: number | null, signal: NodeJS.Signals | null): void => {
    if (!state.alive) return;
    state.alive = false;
    clearTimeout(initTimer);
    api.close();
    ready.resolve(undefined);
    ended.resolve(undefined);
    if (state.job !== undefined) finish(state, resultOfExit(state, state.job, code, signal));
  };
  child.once('exit', end);
  child.once('error', () => end(1, null));

  return {
    pid: child.pid,
    ready: ready.promise,
    ended: ended.promise,
    alive: () => usable(state),
    busy: () => state.job !== undefined,
    run: (request) =>
      new Promise<RunResult>((settle) => {
        if (!usable(state)) {
          settle({ kind: 'undelivered' });
          return;
        }
        const job: Job = { requestId: randomUUID(), request, settle };
        state.job = job;
        offer(state, api, job);
      }),
    kill: () => kill(state),
  };
}
