// HTTP for orders, made to survive the freeze of a Lambda environment: keep-alive over node:https, but no socket that
// has idled for more than 10 s by the wall clock carries a request; it may have died unseen while we were frozen.
// Never retries. Says of a failure whether the request can have reached the other side.
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** By when the whole answer must be in, ms since the epoch. */
  readonly deadline: number;
  /** Not sent unless there is a connection by then, ms since the epoch: connecting can take seconds. */
  readonly sendBefore?: number;
}
export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}
/** No whole answer. `reached: false` only where no connection was made, so that not one byte of it was sent. */
export interface HttpFailure {
  readonly kind: 'failure';
  readonly reached: boolean;
  readonly detail: string;
}
/** How requests leave: a function, so that a test can put a network of its own behind it. Never rejects. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse | HttpFailure>;

const MAX_IDLE_MS = 10_000;
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** A transport over real sockets. One per process: the sockets are shared, and idle ones do not keep the process alive. */
export function nodeTransport(maxIdleMs = MAX_IDLE_MS): Transport {
  const agents = {
    'http:': freshAgent(new http.Agent(KEEP), maxIdleMs),
    'https:': freshAgent(new https.Agent(KEEP), maxIdleMs),
  };
  return (request) =>
    new Promise((resolve) => {
      let connected = false;
      let gate: NodeJS.Timeout | undefined;
      const settle = (result: HttpResponse | HttpFailure): void => {
        clearTimeout(timer);
        clearTimeout(gate);
        resolve(result);
      };
      const fail = (detail: string): void => settle({ kind: 'failure', reached: connected, detail });
      const timer = setTimeout(
        () => {
          fail(connected ? 'no answer in time' : 'no connection in time');
          outgoing?.destroy();
        },
        Math.max(1, request.deadline - Date.now()),
      );
      const outgoing = open(request, agents, (incoming) => readBody(incoming, settle, fail));
      if (outgoing === undefined) {
        fail('the request cannot be written: a bad URL or header');
        return;
      }
      outgoing.once('socket', (socket) => {
        const isSecure = 'encrypted' in socket;
        if (!socket.connecting) {
          connected = true;
          return;
        }
        gate = setTimeout(
          () => {
            fail('no connection in time');
            outgoing.destroy();
          },
          Math.max(0, Math.min(request.deadline, request.sendBefore ?? Infinity) - Date.now()),
        );
        socket.once(isSecure ? 'secureConnect' : 'connect', () => {
          clearTimeout(gate);
          connected = true;
        });
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.name));
      outgoing.end(request.body);
    });
}

interface Agents {
  readonly 'http:': () => http.Agent;
  readonly 'https:': () => https.Agent;
}

/** undefined where Node refuses the URL or a header: nothing was sent then. */
function open(
  request: HttpRequest,
  agents: Agents,
  answered: (incoming: http.IncomingMessage) => void,
): http.ClientRequest | undefined {
  try {
    const url = new URL(request.url);
    const common = { method: request.method, headers: withLength(request) };
    return url.protocol === 'https:'
      ? https.request(url, { ...common, agent: agents['https:']() }, answered)
      : http.request(url, { ...common, agent: agents['http:']() }, answered);
  } catch {
    return undefined;
  }
}

const KEEP = { keepAlive: true, maxSockets: 64, maxFreeSockets: 16 } as const;

/** Hands out the agent after closing every socket that idled too long: timers stand still in a frozen process. */
function freshAgent<A extends http.Agent>(agent: A, maxIdleMs: number): () => A {
  const idleSince = new WeakMap<Socket, number>();
  agent.on('free', (socket: Socket) => idleSince.set(socket, Date.now()));
  return () => {
    const limit = Date.now() - maxIdleMs;
    for (const socket of Object.values(agent.freeSockets).flat()) {
      if (socket !== undefined && (idleSince.get(socket) ?? 0) < limit) socket.destroy();
    }
    return agent;
  };
}

function withLength(request: HttpRequest): Readonly<Record<string, string>> {
  if (request.body === undefined) return request.headers;
  return { ...request.headers, 'Content-Length': String(Buffer.byteLength(request.body)) };
}

function readBody(
  incoming: http.IncomingMessage,
  settle: (response: HttpResponse) => void,
  fail: (detail: string) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else {
      fail('answer too long');
      incoming.destroy();
    }
  });
  incoming.on('error', (error) => fail(error.message));
  incoming.once('aborted', () => fail('answer cut off'));
  incoming.once('end', () => {
    const { statusCode: status = 0, headers } = incoming;
    settle({ kind: 'response', status, headers, body: Buffer.concat(chunks).toString('utf8') });
  });
}
