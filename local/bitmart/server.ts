// A local BitMart over HTTP on 127.0.0.1: spot host, futures host and control on one port. Promises the documented
// answers, statuses and usage headers, and faults on request. Never leaves the loopback interface.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRefusal, refuse, statusOf, type Refusal } from './codes.ts';
import { control } from './control.ts';
import type { ActiveFault } from './faults.ts';
import { clockRefusal, fieldsOf, identify, permissionRefusal, type Incoming } from './gate.ts';
import { spotMarket } from './spot.ts';
import { createVenue, type Answer, type Call, type Endpoint, type Key, type Market, type Venue } from './venue.ts';
import type { Limit } from './windows.ts';

export interface LocalBitmart {
  readonly spotUrl: string;
  readonly futuresUrl: string;
  readonly controlUrl: string;
  readonly port: number;
  close(): Promise<void>;
}

/** What goes back over the connection, or what happens to it instead. */
type Reply =
  | { readonly send: { readonly status: number; readonly type: string; readonly body: string; readonly code?: number } }
  | { readonly drop: true }
  | { readonly hang: true };

interface Usage {
  readonly limit: Limit;
  readonly used: number;
}

const MAX_BODY_BYTES = 1_048_576;
const KEEP_ALIVE_MS = 75_000;

/** Paths without a documented limit still carry usage headers; these figures are the ones the documentation explains. */
const UNLISTED: Limit = { requests: 600, seconds: 60, scope: 'IP' };

const INTERCEPTED = `<!DOCTYPE html><html><head><title>Access denied</title></head>
<body><h1>Error 1010</h1><p>This request was stopped before it reached api-cloud.bitmart.com.</p></body></html>`;

const json = (status: number, body: object, code?: number): Reply => ({
  send: {
    status,
    type: 'application/json;charset=UTF-8',
    body: JSON.stringify(body),
    ...(code === undefined ? {} : { code }),
  },
});

const refusal = ({ refused, message }: Refusal, trace: string): Reply =>
  json(statusOf(refused), { message, code: refused, trace, data: {} }, refused);

const envelope = (endpoint: Endpoint, answer: Answer): Reply => {
  const trace = randomUUID();
  if (isRefusal(answer)) return refusal(answer, trace);
  return json(200, { code: 1000, trace, message: endpoint.message, data: answer.data }, 1000);
};

/** Counts an arrival that has a caller, and says whether it is over its limit. */
const count = (
  venue: Venue,
  endpoint: Endpoint,
  key: Key | undefined,
  ip: string,
): { usage: Usage; over: Refusal | undefined } => {
  const { path, limit } = endpoint;
  const { banAfterRefusals, banMs } = venue.settings.promises;
  const counted = !key || limit.scope === 'IP' ? ip : limit.scope === 'KEY' ? key.apiKey : key.uid;
  const { verdict, used } = venue.windows.arrive({
    path,
    limit,
    counted,
    owner: key?.uid ?? ip,
    atMs: venue.now().realMs,
    banAfterRefusals,
    banMs,
  });
  const over = verdict === 'passed' ? undefined : refuse(verdict === 'throttled' ? 30013 : 30017);
  return { usage: { limit, used }, over };
};

/** Clock, permission, body, and then the endpoint itself. */
const execute = (
  venue: Venue,
  endpoint: Endpoint,
  key: Key | undefined,
  incoming: Incoming,
  lag: Call['lag'],
): Reply => {
  const now = venue.now();
  const denied = permissionRefusal(endpoint, key);
  if (denied) return refusal(denied, 'N/A');
  const fields = fieldsOf(endpoint, incoming);
  const body = isRefusal(fields) ? {} : fields;
  const timestamp = incoming.headers['x-bm-timestamp'] ?? '';
  const { promises } = venue.settings;
  const late = clockRefusal(endpoint, timestamp, body, now.venueMs, promises, venue.timeScale);
  if (late) return refusal(late, 'N/A');
  if (isRefusal(fields)) return refusal(fields, 'N/A');
  const call = { body, query: incoming.query, now, lag };
  if (endpoint.auth === 'NONE') return envelope(endpoint, endpoint.answer({ ...call, key: undefined }));
  return key ? envelope(endpoint, endpoint.answer({ ...call, key })) : refusal(refuse(30001), 'N/A');
};

/** Carries out a fault around an execution; `delay` has already happened, the others are told apart here. */
const underFault = (fault: ActiveFault | undefined, run: (lag: Call['lag']) => Reply): Reply => {
  switch (fault?.fault) {
    case undefined:
    case 'delay':
      return run(undefined);
    case 'lookup-lag':
      return run({ ms: fault.ms, sinceMs: fault.sinceMs });
    case 'drop-before':
      return { drop: true };
    case 'drop-after':
      run(undefined);
      return { drop: true };
    case 'hang-after':
      run(undefined);
      return { hang: true };
    case 'status':
      return { send: { status: fault.code, type: 'text/plain', body: '' } };
    case 'code':
      return refusal(refuse(fault.code), randomUUID());
    case 'html':
      return { send: { status: 403, type: 'text/html;charset=UTF-8', body: INTERCEPTED } };
  }
};

/** One API request from the bytes to the reply; the signal ends a delay when the server closes. */
const serve = async (
  venue: Venue,
  markets: readonly Market[],
  incoming: Incoming,
  closing: AbortSignal,
): Promise<{ reply: Reply; usage: Usage }> => {
  const { path, ip } = incoming;
  const listed = markets.flatMap(({ endpoints }) => endpoints).filter((one) => one.path === path);
  const endpoint = listed.find(({ method }) => method === incoming.method);
  if (!endpoint) {
    const usage = { limit: listed[0]?.limit ?? UNLISTED, used: 0 };
    const removed = markets.some((market) => market.removed.includes(path));
    return { reply: refusal(refuse(removed ? 30031 : listed.length > 0 ? 57001 : 30000), 'N/A'), usage };
  }
  const key = identify(venue, endpoint, incoming);
  if (key && isRefusal(key)) {
    const used = venue.windows.used(path, endpoint.limit, ip, venue.now().realMs);
    return { reply: refusal(key, 'N/A'), usage: { limit: endpoint.limit, used } };
  }
  const { usage, over } = count(venue, endpoint, key, ip);
  if (over) return { reply: refusal(over, 'N/A'), usage };
  const fault = venue.faults.strike(path);
  if (fault?.fault === 'delay') await sleep(fault.ms, undefined, { signal: closing });
  return { reply: underFault(fault, (lag) => execute(venue, endpoint, key, incoming, lag)), usage };
};

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

/** port 0 = any free port. timeScale shortens the one-minute timestamp window, the v4 recvWindow default, the 20-minute memory of unfilled cancels and the length of a ban. */
export const startLocalBitmart = async (
  options: { readonly port?: number; readonly timeScale?: number } = {},
): Promise<LocalBitmart> => {
  const venue = createVenue(options.timeScale ?? 1);
  const markets = [spotMarket(venue)];
  const closing = new AbortController();
  const server = createServer((request, response) => {
    // Only a client that went away, or our own close, ends up here; there is nobody left to answer.
    handle(venue, markets, request, response, closing.signal).catch((error: unknown) => {
      if (!closing.signal.aborted && !request.destroyed) console.error('local bitmart:', error);
      response.destroy();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(options.port ?? 0, '127.0.0.1', listening);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    spotUrl: url,
    futuresUrl: url,
    controlUrl: `${url}/control`,
    port,
    close: () =>
      new Promise((closed) => {
        closing.abort();
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
};
