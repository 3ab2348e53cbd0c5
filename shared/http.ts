// HTTP for orders, made to survive the freeze of a Lambda environment: connections are kept, but none that has idled for
// more than 10 s by the wall clock carries a request; it may have died unseen while we were frozen. One request at a time on
// each. Never retries. Says of a failure whether the request can have reached the other side; an answer that is not exactly
// what HTTP says is none.
// Written on sockets, with http-parser-js to read answers: an order by way of node:https takes twice the CPU (decision 14).
// Longer than other files, because what a connection may carry and what may come on it is one matter.
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
  /** When the request was written, ms since the epoch; absent where a transport does not say. */
  readonly sentAt?: number;
}
/** No whole answer. `reached: false` only where no connection was made, so that not one byte of it was sent. */
export interface HttpFailure {
  readonly kind: 'failure';
  readonly reached: boolean;
  readonly detail: string;
  readonly sentAt?: number;
}
/** How requests leave: a function, so that a test can put a network of its own behind it. Never rejects. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse | HttpFailure>;

const MAX_IDLE_MS = 10_000;
const MAX_IDLE_CONNECTIONS = 16;
const MAX_CONNECTIONS = 128;
/** Of an answer, head and frames included. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** The longest that Node's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a connection does for the request that it carries. */
interface Exchange {
  readonly read: (chunk: Buffer) => void;
  /** The other side sends nothing more. */
  readonly end: () => void;
  readonly fail: (detail: string) => void;
}
interface Connection {
  readonly socket: Socket;
  /** ms since the epoch. */
  idleSince: number;
  /** For how long the other side keeps it, as far as it said so, ms. */
  keptForMs: number;
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
  /** Connections that are not closed. */
  open: number;
  /** Shortens the next handshake. */
  session: Buffer | undefined;
}
/** Settles a request; `isKept`: its connection can carry another. */
type Settle = (result: HttpResponse | HttpFailure, isKept: boolean) => void;

/** A transport over real sockets. One per process: connections are shared, and idle ones do not keep the process alive. */
export function nodeTransport(maxIdleMs = MAX_IDLE_MS): Transport {
  const origins = new Map<string, Origin>();
  const watch = watchman();
  return async (request) => {
    const message = written(request, origins);
    if (message === undefined) return unsent('the request cannot be written: a bad URL or header');
    const { origin, text } = message;
    const kept = await takeIdle(origin, maxIdleMs);
    if (kept === undefined && origin.open >= MAX_CONNECTIONS) {
      return unsent(`${MAX_CONNECTIONS} connections to ${origin.authority} are open already; ask it less at once`);
    }
    return carry(kept ?? connect(origin), kept === undefined, origin, text, request, watch);
  };
}

function unsent(detail: string): HttpFailure {
  return { kind: 'failure', reached: false, detail };
}

/** One request and its answer, on a connection that is this request's alone until then. */
function carry(
  connection: Connection,
  isNew: boolean,
  origin: Origin,
  text: string,
  { deadline, sendBefore = Infinity }: HttpRequest,
  watch: Watch,
): Promise<HttpResponse | HttpFailure> {
  return new Promise((resolve) => {
    const { socket } = connection;
    let sentAt: number | undefined;
    let gate: NodeJS.Timeout | undefined;
    const settle: Settle = (result, isKept) => {
      clearTimeout(gate);
      stopWatching();
      connection.exchange = undefined;
      if (isKept) keep(connection, origin);
      else {
        // A handshake that came to nothing is not begun in the same way again.
        if (sentAt === undefined) origin.session = undefined;
        socket.destroy();
      }
      resolve(sentAt === undefined ? result : { ...result, sentAt });
    };
    const fail = (detail: string, isKept = false): void =>
      settle({ kind: 'failure', reached: sentAt !== undefined, detail }, isKept);
    const send = (): void => {
      const now = Date.now();
      if (now >= Math.min(sendBefore, deadline)) {
        fail(isNew ? 'no connection in time' : 'its time was over', true);
        return;
      }
      sentAt = now;
      socket.write(text);
    };
    connection.exchange = { ...reading(connection, settle, fail), fail };
    const stopWatching = watch(deadline, () =>
      fail(sentAt !== undefined ? 'no answer in time' : 'no connection in time'),
    );
    if (!isNew) {
      send();
      return;
    }
    if (sendBefore < deadline) {
      const leftMs = Math.min(MAX_TIMER_MS, Math.max(0, sendBefore - Date.now()));
      gate = setTimeout(() => fail('no connection in time'), leftMs);
    }
    socket.once(origin.isSecure ? 'secureConnect' : 'connect', () => {
      clearTimeout(gate);
      send();
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
  // Printable ASCII but for the mark of a fragment, which is no business of the other side.
  if (origin === undefined || !/^[!"$-~]+$/.test(path)) return undefined;
  origins.set(base, origin);
  let text = `${method} ${path} HTTP/1.1\r\nHost: ${origin.authority}\r\nConnection: keep-alive\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w-]+$/.test(name) || !/^[ -~]*$/.test(value)) return undefined;
    text += `${name}: ${value}\r\n`;
  }
  if (body !== undefined || method === 'POST') text += `Content-Length: ${Buffer.byteLength(body ?? '')}\r\n`;
  return { origin, text: `${text}\r\n${body ?? ''}` };
}

/** @param base scheme, host and port of a URL, and nothing else */
function originOf(base: string): Origin | undefined {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.port === '0') return undefined;
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (isSecure ? 443 : 80);
  return { isSecure, authority: url.host, host, port, idle: [], open: 0, session: undefined };
}

function connect(origin: Origin): Connection {
  const { host, port } = origin;
  const socket = origin.isSecure ? secured(origin) : net.connect({ host, port });
  const connection: Connection = { socket, idleSince: 0, keptForMs: Infinity, exchange: undefined };
  origin.open += 1;
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 1000);
  // Whatever comes while nothing was asked answers nothing: the connection is not to be trusted any more.
  socket.on('data', (chunk: Buffer) => (connection.exchange ? connection.exchange.read(chunk) : socket.destroy()));
  socket.on('end', () => (connection.exchange ? connection.exchange.end() : socket.destroy()));
  socket.on('error', (error: NodeJS.ErrnoException) => connection.exchange?.fail(error.code ?? error.name));
  socket.on('close', () => {
    connection.exchange?.fail('the connection was closed');
    origin.open -= 1;
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
  // Said and not left to the environment: whoever the other side is, it has to prove it.
  const strict = { rejectUnauthorized: true, ALPNProtocols: ['http/1.1'] };
  const socket = tls.connect({ host, port, ...strict, ...name, ...resumed });
  return socket.on('session', (fresh: Buffer) => void (origin.session = fresh));
}

/** The connection that was used last, after closing every one that idled too long: timers stand still in a frozen process. */
async function takeIdle(origin: Origin, maxIdleMs: number): Promise<Connection | undefined> {
  const now = Date.now();
  for (const { socket, idleSince, keptForMs } of origin.idle) {
    const idledMs = now - idleSince;
    // Below 0 after the clock was set back: nobody knows for how long it has idled.
    if (idledMs < 0 || idledMs > Math.min(maxIdleMs, keptForMs)) socket.destroy();
  }
  for (;;) {
    const connection = origin.idle.pop();
    if (connection === undefined) return undefined;
    const { socket } = connection;
    if (socket.destroyed) continue;
    socket.ref();
    // What came while nothing here ran is read first: its end, or an answer that nobody asked for. That takes a whole turn of
    // the event loop: the first of these may still be the end of the turn that is running.
    await new Promise((turned) => setImmediate(() => setImmediate(turned)));
    if (!socket.closed && socket.readable) return connection;
  }
}

function keep(connection: Connection, { idle }: Origin): void {
  connection.idleSince = Date.now();
  connection.socket.unref();
  idle.push(connection);
  if (idle.length > MAX_IDLE_CONNECTIONS) idle.shift()?.socket.destroy();
}

/** Where a parser is in the bytes that it was given. */
type Position = Readonly<Record<'offset' | 'end', number>>;
type Head = Parameters<HTTPParser[typeof HTTPParser.kOnHeadersComplete]>[0];
type HTTPParser = InstanceType<typeof HTTPParser>;

// Names and values may hold any byte; as ASCII some of them would be line ends.
HTTPParser.encoding = 'latin1';

/** Reads one answer. One with something behind it in the same bytes ends its connection. */
function reading(
  connection: Connection,
  settle: Settle,
  fail: (detail: string) => void,
): Pick<Exchange, 'read' | 'end'> {
  const parser = new HTTPParser(HTTPParser.RESPONSE);
  const position = parser as unknown as Position;
  const chunks: Buffer[] = [];
  let bytes = 0;
  let head: Head | undefined;
  let isOver = false;
  const giveUp = (detail: string): void => {
    if (!isOver) fail(detail);
    isOver = true;
  };
  parser[HTTPParser.kOnHeadersComplete] = (info) => {
    head = info;
    // Thrown through the parser to whoever called it, for it goes wrong on these: it would run back and forth for ever.
    if (!isFramed(info.headers)) throw new RangeError('a length that is none');
    const { statusCode: status } = info;
    return status < 200 || status === 204 || status === 304 ? WITHOUT_BODY : undefined;
  };
  parser[HTTPParser.kOnBody] = (chunk, offset, length) => {
    if (length < 0) throw new RangeError('a length that is none');
    chunks.push(chunk.subarray(offset, offset + length));
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    // Below 200 it is only a note that an answer is coming.
    if (isOver || head === undefined || head.statusCode < 200) return;
    isOver = true;
    const { statusCode: status, shouldKeepAlive } = head;
    const headers = byName(head.headers);
    connection.keptForMs = keptForMs(headers['keep-alive']);
    const body = Buffer.concat(chunks).toString('utf8');
    settle({ kind: 'response', status, headers, body }, shouldKeepAlive && position.offset >= position.end);
  };
  return {
    read: (chunk) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) giveUp('answer too long');
      else if (!isRead(parser, chunk)) giveUp('an answer that is no HTTP');
    },
    end: () => {
      if (parser.finish() !== undefined || !isOver) giveUp('answer cut off');
    },
  };
}
const WITHOUT_BODY = 1;

function isRead(parser: HTTPParser, chunk: Buffer): boolean {
  try {
    return typeof parser.execute(chunk) === 'number';
  } catch {
    return false;
  }
}

/** Is it clear where the body ends: by one length in digits, by chunks, or by the end of the connection? */
function isFramed(flat: readonly string[]): boolean {
  const valuesOf = (name: string): readonly string[] =>
    flat.filter((_, index) => index % 2 === 1 && flat[index - 1]?.toLowerCase() === name);
  const [lengths, codings] = [valuesOf('content-length'), valuesOf('transfer-encoding')];
  if (codings.length > 0) {
    return lengths.length === 0 && codings.length === 1 && codings[0]?.toLowerCase() === 'chunked';
  }
  return lengths.length <= 1 && lengths.every((length) => /^\d{1,15}$/.test(length));
}

/** What the other side says of how long it keeps the connection, less a second on the way; for as long as ours where nothing. */
function keptForMs(value: string | undefined): number {
  const seconds = /\btimeout=(\d{1,9})/.exec(value ?? '')?.[1];
  return seconds === undefined ? Infinity : Math.max(0, Number(seconds) * 1000 - 1000);
}

function byName(flat: readonly string[]): Readonly<Record<string, string | undefined>> {
  const headers = Object.create(null) as Record<string, string | undefined>;
  for (let index = 0; index < flat.length; index += 2) {
    const name = (flat[index] ?? '').toLowerCase();
    const before = headers[name];
    headers[name] = before === undefined ? flat[index + 1] : `${before}, ${flat[index + 1] ?? ''}`;
  }
  return headers;
}

/** `over` is called from `until` on, ms since the epoch, unless the function that is returned is called first. */
type Watch = (until: number, over: () => void) => () => void;

/**
 * Calls whoever waits when their time is over: one timer for all, which stands until the first of them is due, because a
 * timer set and cleared for each request costs more than reading the answer. How long each waits is measured by the clock
 * that nobody sets; a timer that stood still with a frozen process is set anew by the next who waits.
 */
function watchman(): Watch {
  const waiting = new Set<{ readonly dueAt: number; readonly over: () => void }>();
  let timer: NodeJS.Timeout | undefined;
  let firesAt = Infinity;
  const set = (dueAt: number): void => {
    clearTimeout(timer);
    firesAt = dueAt;
    const leftMs = Math.min(MAX_TIMER_MS, Math.max(1, Math.ceil(dueAt - performance.now())));
    // The sockets of those who wait keep the process alive.
    timer = setTimeout(look, leftMs).unref();
  };
  const look = (): void => {
    firesAt = Infinity;
    const now = performance.now();
    for (const each of waiting) {
      if (each.dueAt > now) continue;
      waiting.delete(each);
      each.over();
    }
    const next = Math.min(...[...waiting].map(({ dueAt }) => dueAt));
    if (next < firesAt) set(next);
  };
  return (until, over) => {
    const now = performance.now();
    const each = { dueAt: now + until - Date.now(), over };
    waiting.add(each);
    if (each.dueAt < firesAt || firesAt < now) set(each.dueAt);
    return () => void waiting.delete(each);
  };
}
