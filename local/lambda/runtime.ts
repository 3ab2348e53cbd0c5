// The Lambda Runtime API (2018-06-01) of one execution environment, an HTTP server on 127.0.0.1.
// Promises the paths, headers, status codes and the response limit that AWS documents; knows nothing of processes.
// Never holds more than one invocation: one environment runs one at a time.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FunctionError } from './definition.ts';

/** AWS names this number in its own error message: 6 MiB and a little for the envelope. */
export const maxResponseBytes = 6_291_556;

export interface Invocation {
  readonly requestId: string;
  /** The event, JSON. */
  readonly body: string;
  /** Epoch milliseconds. */
  readonly deadlineMs: number;
  readonly functionArn: string;
  readonly traceId: string;
}

export type Answer =
  { readonly kind: 'response'; readonly body: string } | { readonly kind: 'error'; readonly error: FunctionError };

export interface RuntimeEvents {
  /** The runtime asks for work: an invocation, or undefined to let it wait for `deliver`. */
  readonly onNext: () => Invocation | undefined;
  readonly onAnswer: (answer: Answer) => void;
  readonly onInitError: (error: FunctionError) => void;
}

export interface RuntimeApi {
  /** `127.0.0.1:port`, the value of AWS_LAMBDA_RUNTIME_API. */
  readonly address: string;
  /** Hands the invocation that `take` makes to the waiting runtime; false when it does not wait: `onNext` will ask. */
  readonly deliver: (take: () => Invocation) => boolean;
  readonly close: () => void;
}

const prefix = '/2018-06-01/runtime';

const reply = (response: ServerResponse, status: number, body: object): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
};

const refuse = (response: ServerResponse, status: number, errorType: string, errorMessage: string): void =>
  reply(response, status, { errorType, errorMessage });

/** The body as text; undefined when it is larger than the limit. Reads on either way, so that the reply arrives. */
const readBody = async (request: IncomingMessage): Promise<string | undefined> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxResponseBytes) chunks.push(chunk);
  }
  return bytes > maxResponseBytes ? undefined : Buffer.concat(chunks).toString('utf8');
};

/** What the runtime says about its error; a body that is no such JSON still is an error. */
const errorFrom = (text: string | undefined, header: string | undefined): FunctionError => {
  const type = header ?? 'Unhandled';
  try {
    const { errorType, errorMessage, stackTrace } = JSON.parse(text ?? '') as Partial<FunctionError>;
    return {
      errorType: errorType ?? type,
      errorMessage: errorMessage ?? '',
      ...(Array.isArray(stackTrace) && { stackTrace }),
    };
  } catch {
    return { errorType: type, errorMessage: text ?? '' };
  }
};

interface State {
  readonly events: RuntimeEvents;
  /** The runtime's open request for an invocation. */
  waiting?: ServerResponse | undefined;
  /** The invocation that the runtime works on. */
  current?: string | undefined;
}

const hand = (state: State, response: ServerResponse, invocation: Invocation): void => {
  state.current = invocation.requestId;
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(invocation.body),
    'Lambda-Runtime-Aws-Request-Id': invocation.requestId,
    'Lambda-Runtime-Deadline-Ms': String(invocation.deadlineMs),
    'Lambda-Runtime-Invoked-Function-Arn': invocation.functionArn,
    'Lambda-Runtime-Trace-Id': invocation.traceId,
  });
  response.end(invocation.body);
};

const next = (state: State, response: ServerResponse): void => {
  if (state.current !== undefined || state.waiting !== undefined) {
    refuse(response, 403, 'InvalidStateTransition', 'answer the current invocation before asking for the next');
    return;
  }
  const invocation = state.events.onNext();
  if (invocation !== undefined) {
    hand(state, response, invocation);
    return;
  }
  state.waiting = response;
  response.once('close', () => {
    if (state.waiting === response) state.waiting = undefined;
  });
};

/** Tells the runtime first and the runner second: the answer to the runtime must not wait. */
const accept = (response: ServerResponse, then: () => void): void => {
  reply(response, 202, { status: 'OK' });
  then();
};

const errorIn = async (request: IncomingMessage): Promise<FunctionError> =>
  errorFrom(await readBody(request), request.headers['lambda-runtime-function-error-type']?.toString());

/** POST /invocation/{id}/response and /error. */
async function answer(state: State, request: IncomingMessage, response: ServerResponse, id: string, kind: string) {
  const { events } = state;
  if (id !== state.current) {
    request.resume();
    refuse(response, 400, 'InvalidRequestID', 'Invalid request ID');
    return;
  }
  if (kind === 'error') {
    const error = await errorIn(request);
    state.current = undefined;
    accept(response, () => events.onAnswer({ kind: 'error', error }));
    return;
  }
  const body = await readBody(request);
  state.current = undefined;
  if (body !== undefined) {
    accept(response, () => events.onAnswer({ kind: 'response', body }));
    return;
  }
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${maxResponseBytes} bytes).`;
  refuse(response, 413, 'RequestEntityTooLarge', errorMessage);
  events.onAnswer({ kind: 'error', error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } });
}

async function route(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.startsWith(prefix) ? request.url.slice(prefix.length) : '';
  const [, id, kind] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
  if (request.method === 'GET' && path === '/invocation/next') next(state, response);
  else if (request.method === 'POST' && id !== undefined && kind !== undefined)
    await answer(state, request, response, id, kind);
  else if (request.method === 'POST' && path === '/init/error') {
    const error = await errorIn(request);
    accept(response, () => state.events.onInitError(error));
  } else refuse(response, 404, 'NotFound', `no such path: ${request.method ?? ''} ${request.url ?? ''}`);
}

/** Starts the Runtime API of one environment on a free port. */
export async function startRuntimeApi(events: RuntimeEvents): Promise<RuntimeApi> {
  const state: State = { events };
  const server = createServer((request, response) => {
    // A request breaks off only when the environment dies, and then its exit tells more.
    route(state, request, response).catch(() => response.destroy());
  });
  // A frozen environment is silent for as long as it likes.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', done);
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    deliver: (take) => {
      const response = state.waiting;
      if (response === undefined) return false;
      state.waiting = undefined;
      hand(state, response, take());
      return true;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
