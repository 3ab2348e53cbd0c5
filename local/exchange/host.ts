// One host of a venue on a port of 127.0.0.1: bytes in, a reply out. Promises raw bodies, and a close that cuts every
// connection. Never leaves the loopback interface and never looks into a request.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One HTTP request, its body as the bytes that arrived. */
export interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The text behind the question mark exactly as it was sent. */
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly ip: string;
}

/** What goes back over the connection, or what happens to it instead. */
export type Reply =
  | { readonly send: { readonly status: number; readonly type: string; readonly body: string; readonly code?: number } }
  | { readonly drop: true }
  | { readonly hang: true };

/** A reply with the headers that go with it; those of a connection that is cut are not sent. */
export interface Served {
  readonly reply: Reply;
  readonly headers: Readonly<Record<string, string>>;
}

export const json = (status: number, body: object, code?: number): Reply => ({
  send: {
    status,
    type: 'application/json;charset=UTF-8',
    body: JSON.stringify(body),
    ...(code === undefined ? {} : { code }),
  },
});

const MAX_BODY_BYTES = 1_048_576;
const KEEP_ALIVE_MS = 75_000;

const read = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new Error(`request body above ${MAX_BODY_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
};

const send = (response: ServerResponse, { reply, headers }: Served): void => {
  if ('drop' in reply) response.socket?.resetAndDestroy();
  else if ('send' in reply) {
    const { status, type, body } = reply.send;
    response.writeHead(status, { ...headers, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  }
};

const incomingOf = async (request: IncomingMessage): Promise<Incoming> => {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const { pathname, searchParams } = new URL(url, 'http://127.0.0.1');
  return {
    method: request.method ?? 'GET',
    path: pathname,
    query: searchParams,
    rawQuery: mark < 0 ? '' : url.slice(mark + 1),
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, value?.toString()])),
    body: await read(request),
    ip: request.socket.remoteAddress ?? '',
  };
};

/** Splits what is for the control interface, below /control, from what is for the venue. */
export const controlled =
  (
    control: (method: string, path: string, text: string) => { readonly status: number; readonly body: object },
    serve: (incoming: Incoming) => Promise<Served>,
  ) =>
  async (incoming: Incoming): Promise<Served> => {
    const { method, path, body } = incoming;
    if (path !== '/control' && !path.startsWith('/control/')) return serve(incoming);
    const answer = control(method, path.slice('/control'.length), body.toString('utf8'));
    return { reply: json(answer.status, answer.body), headers: {} };
  };

/** One host on a port of its own; port 0 is any free one. `name` is what its errors are reported under. */
export const listen = async (
  name: string,
  port: number,
  serve: (incoming: Incoming) => Promise<Served>,
  closing: AbortSignal,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> => {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    send(response, await serve(await incomingOf(request)));
  const server = createServer((request, response) => {
    // Only a client that went away, or our own close, ends up here; there is nobody left to answer.
    answer(request, response).catch((error: unknown) => {
      if (!closing.aborted && !request.destroyed) console.error(`${name}:`, error);
      response.destroy();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', listening);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
};
