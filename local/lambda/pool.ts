// The environments of one function: which one runs the next invocation, and when one ends.
// Promises Lambda's choice (the most recently used idle one, else a new one) or a strict rotation over n of them.
// Never runs two invocations at once in one environment, and leaves none alive after close.
import type { FunctionDefinition } from './definition.ts';
import { type Environment, type Place, type Request, type RunResult, startEnvironment } from './environment.ts';

/** AWS's default account limit is 1000; a developer's machine is smaller. */
const maxEnvironments = 100;
/** How often an invocation is offered to another environment because the one chosen ended before it took it up. */
const maxOffers = 3;

export type PoolResult = Exclude<RunResult, { kind: 'undelivered' }>;

/** The code and configuration that new environments start from. */
export interface Deployment {
  readonly definition: FunctionDefinition;
  /** The unzipped package. */
  readonly taskRoot: string;
}

export interface PoolOptions {
  readonly place: Place;
  /** Environments strictly in rotation, each started up front; undefined = Lambda's choice. */
  readonly rotate: number | undefined;
  readonly idleMs: number;
}

export interface Pool {
  readonly run: (request: Request) => Promise<PoolResult>;
  readonly deployment: () => Deployment;
  /** New environments start from this one; the others end after their current invocation. */
  readonly deploy: (deployment: Deployment) => void;
  readonly kill: (which: 'busy' | 'any') => boolean;
  readonly started: () => number;
  readonly environments: () => readonly Environment[];
  readonly close: () => Promise<void>;
}

interface State {
  readonly options: PoolOptions;
  readonly alive: Map<Environment, Deployment>;
  /** Last in, first out. */
  readonly idle: Environment[];
  readonly idleTimers: Map<Environment, NodeJS.Timeout>;
  /** The environment and the queue of each place in the rotation. */
  readonly slots: { environment?: Environment; tail: Promise<unknown> }[];
  deployment: Deployment;
  /** Counts those being started, too. */
  starting: number;
  started: number;
  turns: number;
  closed: boolean;
}

const throttled: PoolResult = {
  kind: 'error',
  error: {
    errorType: 'TooManyRequestsException',
    errorMessage: `Rate Exceeded: the local runner starts at most ${maxEnvironments} environments of one function`,
  },
};
const ended: PoolResult = {
  kind: 'error',
  error: {
    errorType: 'Runtime.ExitError',
    errorMessage: 'Error: the environment ended before it took the invocation up',
  },
};

const start = async (state: State): Promise<Environment> => {
  state.starting += 1;
  state.started += 1;
  try {
    const { deployment } = state;
    const environment = await startEnvironment(deployment.definition, deployment.taskRoot, state.options.place);
    state.alive.set(environment, deployment);
    void environment.ended.then(() => {
      state.alive.delete(environment);
      forget(state, environment);
    });
    // close() may have come in between.
    if (state.closed) environment.kill();
    return environment;
  } finally {
    state.starting -= 1;
  }
};

/** Takes an environment off the idle ones. */
const forget = (state: State, environment: Environment): void => {
  clearTimeout(state.idleTimers.get(environment));
  state.idleTimers.delete(environment);
  const index = state.idle.indexOf(environment);
  if (index >= 0) state.idle.splice(index, 1);
};

const outdated = (state: State, environment: Environment): boolean =>
  !environment.alive() || state.alive.get(environment) !== state.deployment;

const release = (state: State, environment: Environment): void => {
  if (outdated(state, environment) || state.closed) {
    environment.kill();
    return;
  }
  state.idle.push(environment);
  state.idleTimers.set(
    environment,
    setTimeout(() => environment.kill(), state.options.idleMs),
  );
};

const acquire = async (state: State): Promise<Environment | undefined> => {
  for (let warm = state.idle.at(-1); warm !== undefined; warm = state.idle.at(-1)) {
    forget(state, warm);
    if (warm.alive()) return warm;
  }
  return state.alive.size + state.starting < maxEnvironments ? start(state) : undefined;
};

const runReusing = async (state: State, request: Request): Promise<PoolResult> => {
  for (let offer = 0; offer < maxOffers && !state.closed; offer += 1) {
    const environment = await acquire(state);
    if (environment === undefined) return throttled;
    const result = await environment.run(request);
    release(state, environment);
    if (result.kind !== 'undelivered') return result;
  }
  return ended;
};

const fill = async (state: State, slot: State['slots'][number]): Promise<Environment> => {
  if (slot.environment !== undefined && !outdated(state, slot.environment)) return slot.environment;
  slot.environment?.kill();
  return (slot.environment = await start(state));
};

const runRotating = (state: State, request: Request): Promise<PoolResult> => {
  const slot = state.slots[state.turns++ % state.slots.length];
  if (slot === undefined) return Promise.resolve(ended);
  const run = async (): Promise<PoolResult> => {
    for (let offer = 0; offer < maxOffers && !state.closed; offer += 1) {
      const result = await (await fill(state, slot)).run(request);
      if (result.kind !== 'undelivered') return result;
    }
    return ended;
  };
  const done = slot.tail.then(run);
  slot.tail = done.catch(() => undefined);
  return done;
};

/** Starts the pool of a function; with rotation it resolves when every environment has gone through init. */
export async function startPool(deployment: Deployment, options: PoolOptions): Promise<Pool> {
  const slots = Array.from({ length: options.rotate ?? 0 }, () => ({ tail: Promise.resolve() }));
  const counts = { starting: 0, started: 0, turns: 0, closed: false };
  const state: State = { options, alive: new Map(), idle: [], idleTimers: new Map(), slots, deployment, ...counts };
  await Promise.all(state.slots.map(async (slot) => (await fill(state, slot)).ready));
  return {
    run: (request) => (slots.length > 0 ? runRotating(state, request) : runReusing(state, request)),
    deployment: () => state.deployment,
    deploy: (next) => {
      state.deployment = next;
      for (const environment of [...state.idle]) environment.kill();
    },
    kill: (which) => {
      const all = [...state.alive.keys()].filter((environment) => environment.alive());
      const chosen = all.find((environment) => environment.busy()) ?? (which === 'any' ? all[0] : undefined);
      chosen?.kill();
      return chosen !== undefined;
    },
    started: () => state.started,
    environments: () => [...state.alive.keys()],
    close: async () => {
      state.closed = true;
      const all = [...state.alive.keys()];
      for (const environment of all) environment.kill();
      await Promise.all(all.map((environment) => environment.ended));
    },
  };
}
