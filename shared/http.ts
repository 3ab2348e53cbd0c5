// HTTP for orders, made to survive the freeze of a Lambda environment: connections are kept, but none that has idled for
// more than 10 s by the wall clock carries a request; it may have died unseen while we were frozen. One request at a time on
// each. Never retries. Says of a failure whether the request can have reached the other side.
// Written on sockets, with http-parser-js to read answers: an order by way of node:https takes twice the CPU (decision 14).
import { HTTPParser } from 'http-parser-js';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';

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
  /** By lower-case name; of one that is repeated the values with commas between them. */
  readonly headers: Readonly<Record<string, string | undefined>>;
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
const MAX_IDLE_CONNECTIONS = 16;
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** What a connection does for the request that it carries. */
interface Exchange {
  readonly read: (chunk: Buffer) => void;
  /** The other side sends nothing more. */
  readonly end: () => void;
  readonly fail: (detail: string) => void;
}
interface Connection {
  readonly socket: Socket;
  idleSince: number;
  /** Undefined while it idles. */
  exchange: Exchange | undefined;
}
/** The other side of all connections of one kind. */
interface Origin {
  readonly isSecure: boolean;
  /** As the Host header has it. */
  readonly authority: string;
  readonly host: string;
  readonly port: number;
  /** Newest last. */
  readonly idle: Connection[];
  /** Shortens the next handshake. */
  session: Buffer | undefined;
}

/** A transport over real sockets. One per process: connections are shared, and idle ones do not keep the process alive. */
export function nodeTransport(maxIdleMs = MAX_IDLE_MS): Transport {
  const origins = new Map<string, Origin>();
  const watch = watchman();
  return (request) =>
    new Promise((resolve) => {
      const message = written(request, origins);
      if (message === undefined) {
        resolve({ kind: 'failure', reached: false, detail: 'the request cannot be written: a bad URL or header' });
        return;
      }
      const { origin, text } = message;
      const kept = takeIdle(origin, maxIdleMs);
      const connection = kept ?? connect(origin);
      const { socket } = connection;
      let isSent = false;
      let gate: NodeJS.Timeout | undefined;
      const settle = (result: HttpResponse | HttpFailure, isKept: boolean): void => {
        clearTimeout(gate);
        stopWatching();
        connection.exchange = undefined;
        if (isKept) keep(connection, origin);
        else socket.destroy();
        resolve(result);
      };
      const fail = (detail: string): void => settle({ kind: 'failure', reached: isSent, detail }, false);
      connection.exchange = { ...reading(settle, fail), fail };
      const send = (): void => {
        isSent = true;
        socket.write(text);
      };
      const stopWatching = watch(request.deadline, () => fail(isSent ? 'no answer in time' : 'no connection in time'));
      if (kept !== undefined) {
        send();
        return;
      }
      const { sendBefore = Infinity } = request;
      if (sendBefore < request.deadline) {
        gate = setTimeout(() => fail('no connection in time'), Math.max(0, sendBefore - Date.now()));
      }
      socket.once(origin.isSecure ? 'secureConnect' : 'connect', () => {
        clearTimeout(gate);
        // A process that was frozen may see the connection before it sees the timer.
        if (Date.now() >= sendBefore) fail('no connection in time');
        else send();
      });
    });
}

/** What goes over the wire, and where to; undefined where that cannot be written. */
function written(
  { method, url, headers, body }: HttpRequest,
  origins: Map<string, Origin>,
): { readonly origin: Origin; readonly text: string } | undefined {
  const slash = url.indexOf('/', url.indexOf('//') + 2);
  const base = slash < 0 ? url : url.slice(0, slash);
  const path = slash < 0 ? '/' : url.slice(slash);
  const origin = origins.get(base) ?? originOf(base);
  if (origin === undefined || !/^[!-~]+$/.test(path)) return undefined;
  origins.set(base, origin);
  let text = `${method} ${path} HTTP/1.1\r\nHost: ${origin.authority}\r\nConnection: keep-alive\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w-]+$/.test(name) || !/^[ -~]*$/.test(value)) return undefined;
    text += `${name}: ${value}\r\n`;
  }
  if (body !== undefined || method === 'POST') text += `Content-Length: ${Buffer.byteLength(body ?? '')}\r\n`;
  return { origin, text: `${text}\r\n${body ?? ''}` };
}

/** @param base scheme, host and port of a URL */
function originOf(base: string): Origin | undefined {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (isSecure ? 443 : 80);
  return { isSecure, authority: url.host, host, port, idle: [], session: undefined };
}

function connect(origin: Origin): Connection {
  const { host, port } = origin;
  const socket = origin.isSecure ? secured(origin) : net.connect({ host, port });
  const connection: Connection = { socket, idleSince: 0, exchange: undefined };
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 1000);
  // Whatever comes while nothing was asked answers nothing: the connection is not to be trusted any more.
  socket.on('data', (chunk: Buffer) => (connection.exchange ? connection.exchange.read(chunk) : socket.destroy()));
  socket.on('end', () => (connection.exchange ? connection.exchange.end() : socket.destroy()));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    origin.session = undefined;
    connection.exchange?.fail(error.code ?? error.name);
  });
  socket.on('close', () => {
    connection.exchange?.fail('the connection was closed');
    const index = origin.idle.indexOf(connection);
    if (index >= 0) origin.idle.splice(index, 1);
  });
  return connection;
}

function secured(origin: Origin): tls.TLSSocket {
  const { host, port, session } = origin;
  // Addresses have no place in the handshake.
  const name = net.isIP(host) === 0 ? { servername: host } : {};
  const resumed = session === undefined ? {} : { session };
  const socket = tls.connect({ host, port, ALPNProtocols: ['http/1.1'], ...name, ...resumed });
  return socket.on('session', (fresh: Buffer) => void (origin.session = fresh));
}

/** The connection that was used last, after closing every one that idled too long: timers stand still in a frozen process. */
function takeIdle({ idle }: Origin, maxIdleMs: number): Connection | undefined {
  const limit = Date.now() - maxIdleMs;
  while (idle[0] !== undefined && idle[0].idleSince < limit) idle.shift()?.socket.destroy();
  let connection = idle.pop();
  while (connection?.socket.destroyed === true) connection = idle.pop();
  connection?.socket.ref();
  return connection;
}

function keep(connection: Connection, { idle }: Origin): void {
  connection.idleSince = Date.now();
  connection.socket.unref();
  idle.push(connection);
  if (idle.length > MAX_IDLE_CONNECTIONS) idle.shift()?.socket.destroy();
}

/** Where a parser is in the bytes that it was given. */
type Position = Readonly<Record<'offset' | 'end', number>>;

/** Reads one answer; an answer with something behind it in the same bytes ends its connection. */
function reading(
  settle: (response: HttpResponse, isKept: boolean) => void,
  fail: (detail: string) => void,
): Pick<Exchange, 'read' | 'end'> {
  const parser = new HTTPParser(HTTPParser.RESPONSE);
  const position = parser as unknown as Position;
  const chunks: Buffer[] = [];
  let bytes = 0;
  let head: Parameters<(typeof parser)[typeof HTTPParser.kOnHeadersComplete]>[0] | undefined;
  let isOver = false;
  const giveUp = (detail: string): void => {
    if (!isOver) fail(detail);
    isOver = true;
  };
  parser[HTTPParser.kOnHeadersComplete] = (info) => void (head = info);
  parser[HTTPParser.kOnBody] = (chunk, offset, length) => {
    bytes += length;
    if (bytes > MAX_BODY_BYTES) giveUp('answer too long');
    else chunks.push(chunk.subarray(offset, offset + length));
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    // Below 200 it is only a note that an answer is coming.
    if (isOver || head === undefined || head.statusCode < 200) return;
    isOver = true;
    const { statusCode: status, headers, shouldKeepAlive } = head;
    const body = Buffer.concat(chunks).toString('utf8');
    settle({ kind: 'response', status, headers: byName(headers), body }, shouldKeepAlive && position.offset >= position.end); // prettier-ignore
  };
  return {
    read: (chunk) => {
      if (typeof parser.execute(chunk) !== 'number') giveUp('an answer that is no HTTP');
    },
    end: () => {
      if (parser.finish() !== undefined || !isOver) giveUp('answer cut off');
    },
  };
}

function byName(flat: readonly string[]): Readonly<Record<string, string | undefined>> {
  const headers: Record<string, string | undefined> = {};
  for (let index = 0; index < flat.length; index += 2) {
    const name = (flat[index] ?? '').toLowerCase();
    const before = headers[name];
    headers[name] = before === undefined ? flat[index + 1] : `${before}, ${flat[index + 1] ?? ''}`;
  }
  return headers;
}

/**
 * Calls whoever waits when their time is over: one timer for all, which stands until the first of them is due, because a
 * timer set and cleared for each request costs more than reading the answer.
 * @returns watch(until, over): `over` is called from `until` on, ms since the epoch, unless the function it returns is called first
 */
function watchman(): (until: number, over: () => void) => () => void {
  const waiting = new Set<{ readonly until: number; readonly over: () => void }>();
  let timer: NodeJS.Timeout | undefined;
  let firesAt = Infinity;
  const set = (until: number): void => {
    clearTimeout(timer);
    firesAt = until;
    // The sockets of those who wait keep the process alive.
    timer = setTimeout(look, Math.min(MAX_TIMER_MS, Math.max(1, until - Date.now()))).unref();
  };
  const look = (): void => {
    firesAt = Infinity;
    const now = Date.now();
    for (const each of waiting) {
      if (each.until <= now) {
        waiting.delete(each);
        each.over();
      }
    }
    const next = Math.min(...[...waiting].map(({ until }) => until));
    if (next < Infinity) set(next);
  };
  return (until, over) => {
    const each = { until, over };
    waiting.add(each);
    if (until < firesAt) set(until);
    return () => void waiting.delete(each);
  };
}
/** The longest that Node's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;
