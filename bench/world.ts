// The world that everybody is measured in: the local stack with the exchange behind TLS and a distance, each contender with
// an account of its own, and the processes that run their handlers.
import { fork, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { unzipSync } from 'fflate';
import { generate } from 'selfsigned';
import { bundle, packageFunctions } from '../local/package.ts';
import { startStack, type Stack } from '../local/stack.ts';
import type { Loaded, Ran } from './child.ts';
import { startFront, type Front, type Passed } from './front.ts';

/** Who is measured. */
export const contenders = ['ours', 'path', 'baseline', 'bitmart-api', 'sdk', 'ccxt', 'bare'] as const;
export type Contender = (typeof contenders)[number];

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = join(root, '.build', 'bench');
const REGION = 'ap-northeast-1';

export interface World {
  readonly stack: Stack;
  readonly front: Front;
  /** Bytes of each contender's zip or bundle, and of the parts that ours is made of. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Sets `batching` in the mandate of an account of ours. */
  allowBatches(account: string, isAllowed?: boolean): Promise<void>;
  /** Starts a process; with `first`, it runs that event as soon as it is loaded. */
  start(contender: string, account: string, options?: StartOptions): Environment;
  close(): Promise<void>;
}

export interface StartOptions {
  readonly first?: SQSEvent;
  readonly batches?: boolean;
  readonly variables?: Readonly<Record<string, string>>;
}

export interface Environment {
  readonly loaded: Promise<Loaded>;
  /** The run of the `first` event. */
  readonly first: Promise<Ran>;
  run(event: SQSEvent): Promise<Ran>;
  stop(): Promise<void>;
}

/** How many orders an answer says were accepted. */
export function acceptedIn({ path, status, body }: Passed): number {
  if (status !== 200) return 0;
  const answer = JSON.parse(body) as { code: number; data?: { code?: number; data?: { orderIds?: unknown[] } } };
  if (answer.code !== 1000) return 0;
  if (path.endsWith('/submit_order')) return 1;
  return path.endsWith('/batch_orders') && answer.data?.code === 0 ? (answer.data.data?.orderIds?.length ?? 0) : 0;
}

/** The front, and the certificate that whoever asks it has to trust. */
async function securely(): Promise<{ readonly front: Front; readonly certPath: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keySize: 2048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  const certPath = join(scratch, 'front.pem');
  await writeFile(certPath, cert);
  // The functions of the stack read it when they start.
  process.env['NODE_EXTRA_CA_CERTS'] = certPath;
  return { front: await startFront({ key, cert }), certPath };
}

export async function startWorld(
  progress: (step: string) => void,
  variables: Record<string, string> = {},
): Promise<World> {
  await mkdir(scratch, { recursive: true });
  const { front, certPath } = await securely();
  progress('starting the local stack');
  const stack = await startStack({ accounts: 75, variables: { BITMART_SPOT_URL: front.url, ...variables } });
  front.target = stack.ready.bitmart.spot;
  const sizes = await buildAll(progress);
  const sink = await stack.sqs.send(new CreateQueueCommand({ QueueName: 'bench-sink' }));
  const dead = await stack.sqs.send(
    new CreateQueueCommand({ QueueName: 'bench-dead.fifo', Attributes: { FifoQueue: 'true' } }),
  );
  const environment = variablesOf(stack.ready, front.url, certPath, String(dead.QueueUrl), String(sink.QueueUrl));
  const running = new Set<ChildProcess>();
  const kill = (): void => running.forEach((child) => child.kill('SIGKILL'));
  process.on('exit', kill);
  return {
    stack,
    front,
    sizes,
    allowBatches: (account, isAllowed = true) =>
      stack.addAccount(account, { mandate: { state: 'active', batching: isAllowed } }),
    start: (contender, account, { first, batches = false, variables: more = {} } = {}) => {
      const env = { ...environment, BENCH_ACCOUNT: account, BENCH_BATCHES: String(batches), ...more };
      const args = [join(scratch, contender, `${contender === 'ours' ? 'execute' : contender}.mjs`)];
      const child = fork(
        join(scratch, 'child', 'child.mjs'),
        first === undefined ? args : [...args, JSON.stringify(first)],
        {
          env,
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        },
      );
      running.add(child);
      child.once('exit', () => running.delete(child));
      return environmentOf(child);
    },
    close: async () => {
      process.off('exit', kill);
      kill();
      await stack.close();
      await front.close();
    },
  };
}

/** What a function is deployed with, and what the contenders need beside it. */
function variablesOf(ready: Stack['ready'], frontUrl: string, certPath: string, deadUrl: string, sinkUrl: string) {
  return {
    PATH: process.env['PATH'],
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL: ready.aws,
    AWS_ACCESS_KEY_ID: 'LOCALBENCH',
    AWS_SECRET_ACCESS_KEY: 'local',
    NODE_EXTRA_CA_CERTS: certPath,
    BITMART_SPOT_URL: frontUrl,
    BITMART_FUTURES_URL: ready.bitmart.futures,
    INTENTS_QUEUE_URL: ready.queues.intents,
    DEAD_QUEUE_URL: deadUrl,
    // Nobody reads these: what the orders come to later is not measured here.
    PENDING_QUEUE_URL: sinkUrl,
    REPORTS_QUEUE_URL: sinkUrl,
    INTENTS_VISIBILITY_SECONDS: '180',
  };
}

function environmentOf(child: ChildProcess): Environment {
  const loaded = Promise.withResolvers<Loaded>();
  let ran = Promise.withResolvers<Ran>();
  child.on('message', (message: Loaded | Ran) => {
    if (message.kind === 'loaded') loaded.resolve(message);
    else ran.resolve(message);
  });
  child.once('exit', (code) => {
    const error = new Error(`a contender's process ended by itself (${code ?? 'killed'})`);
    loaded.reject(error);
    ran.reject(error);
  });
  loaded.promise.catch(() => undefined);
  ran.promise.catch(() => undefined);
  const first = ran.promise;
  return {
    loaded: loaded.promise,
    first,
    run: async (event) => {
      ran = Promise.withResolvers<Ran>();
      const { promise, reject } = ran;
      const timer = setTimeout(() => reject(new Error('an event took longer than a minute')), 60_000);
      child.send(event);
      return promise.finally(() => clearTimeout(timer));
    },
    stop: async () => {
      const gone = new Promise((exited) => child.once('exit', exited));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Ours as it is deployed; the others bundled by the same bundler. @returns bytes by contender */
async function buildAll(progress: (step: string) => void): Promise<Readonly<Record<string, number>>> {
  await rm(join(scratch, 'ours'), { recursive: true, force: true });
  const sizes: Record<string, number> = {};
  const write = async (contender: string, modules: Readonly<Record<string, Uint8Array>>): Promise<void> => {
    for (const [path, code] of Object.entries(modules)) {
      const file = join(scratch, contender, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, code);
    }
    sizes[contender] = Object.values(modules).reduce((sum, code) => sum + code.length, 0);
  };
  progress('bundling');
  const [execute] = await packageFunctions({ ifStale: true });
  const zip = await readFile(execute?.zipPath ?? '');
  await write('ours', unzipSync(zip));
  sizes['ours, zip'] = zip.length;
  for (const contender of contenders) {
    if (contender === 'ours') continue;
    progress(`bundling ${contender}`);
    await rm(join(scratch, contender), { recursive: true, force: true });
    const ending = contender === 'ccxt' ? 'js' : 'ts';
    const { modules } = await bundle(contender, `bench/peers/${contender}.${ending}`, contender !== 'path');
    await write(contender, modules);
  }
  // Not TypeScript: Node's stripper of types would weigh in every process.
  await write('child', (await bundle('child', 'bench/child.ts', true)).modules);
  // To tell apart what a client costs and what packaging does.
  await write('bitmart-api-packed', (await bundle('bitmart-api-packed', 'bench/peers/bitmart-api.ts')).modules);
  return sizes;
}
