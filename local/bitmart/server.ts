// A local BitMart over HTTP on 127.0.0.1: the spot host with control on one port, the futures host on another. Promises
// the documented answers, statuses and usage headers, and faults on request. Never leaves the loopback interface.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { control } from './control.ts';
import { futuresMarket } from './futures.ts';
import type { Incoming } from './gate.ts';
import { json, serve, type Reply, type Usage } from './reply.ts';
import { spotMarket } from './spot.ts';
import { createVenue, type Market, type Venue } from './venue.ts';

export interface LocalBitmart {
  readonly spotUrl: string;
  readonly futuresUrl: string;
  readonly controlUrl: string;
  readonly port: number;
  close(): Promise<void>;
}

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

const send = (response: ServerResponse, reply: Reply, headers: Readonly<Record<string, string>>): void => {
  if ('drop' in reply) response.socket?.resetAndDestroy();
  else if ('send' in reply) {
    const { status, type, body } = reply.send;
    response.writeHead(status, { ...headers, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  }
};

/** Remaining is what was USED, as on the venue, whatever its name says. */
const usageHeaders = ({ limit, used }: Usage): Readonly<Record<string, string>> => ({
  'X-BM-RateLimit-Remaining': String(used),
  'X-BM-RateLimit-Limit': String(limit.requests),
  'X-BM-RateLimit-Reset': String(limit.seconds),
  'X-BM-RateLimit-Mode': limit.scope,
});

const handle = async (
  venue: Venue,
  markets: readonly Market[],
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> => {
  const body = await read(request);
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const method = request.method ?? 'GET';
  if (url.pathname === '/control' || url.pathname.startsWith('/control/')) {
    const { status, body: answer } = control(
      venue,
      method,
      url.pathname.slice('/control'.length),
      body.toString('utf8'),
    );
    send(response, json(status, answer), {});
    return;
  }
  const incoming: Incoming = {
    method,
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, value?.toString()])),
    body,
    ip: request.socket.remoteAddress ?? '',
  };
  const { reply, usage } = await serve(venue, markets, incoming, closing);
  if ('send' in reply) venue.windows.finished(incoming.path, reply.send.status, reply.send.code);
  else venue.windows.finished(incoming.path);
  send(response, reply, usageHeaders(usage));
};

/** One host of the venue on a port of its own. */
const listen = async (
  venue: Venue,
  markets: readonly Market[],
  wanted: number,
  closing: AbortSignal,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> => {
  const server = createServer((request, response) => {
    // Only a client that went away, or our own close, ends up here; there is nobody left to answer.
    handle(venue, markets, request, response, closing).catch((error: unknown) => {
      if (!closing.aborted && !request.destroyed) console.error('local bitmart:', error);
      response.destroy();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(wanted, '127.0.0.1', listening);
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

/** port 0 = any free port; the futures host always takes any. timeScale shortens the one-minute timestamp window and the length of a ban; nothing else. */
export const startLocalBitmart = async (
  options: { readonly port?: number; readonly timeScale?: number } = {},
): Promise<LocalBitmart> => {
  const venue = createVenue(options.timeScale ?? 1);
  const closing = new AbortController();
  const spot = await listen(venue, [spotMarket(venue)], options.port ?? 0, closing.signal);
  const futures = await listen(venue, [futuresMarket(venue)], 0, closing.signal);
  const spotUrl = `http://127.0.0.1:${spot.port}`;
  return {
    spotUrl,
    futuresUrl: `http://127.0.0.1:${futures.port}`,
    controlUrl: `${spotUrl}/control`,
    port: spot.port,
    close: async () => {
      closing.abort();
      await Promise.all([spot.close(), futures.close()]);
    },
  };
};
