// The transport under an order: it says whether a request can have arrived, and no socket that may be dead carries one.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { Worker } from 'node:worker_threads';
import certificates from './data/certificates.json' with { type: 'json' };
import { nodeTransport, type HttpFailure, type HttpResponse, type Transport } from '../shared/http.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let url: string;
let answer: Answer;
/** The port that each request came from: the same one twice is the same socket. */
const ports: (number | undefined)[] = [];
const ok: Answer = (_, response) => void response.end('fine');
beforeAll(async () => {
  server = createServer((request, response) => {
    ports.push(request.socket.remotePort);
    answer(request, response);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
beforeEach(() => {
  ports.length = 0;
  answer = ok;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const get = (transport: Transport, ms = 5000, to = url): Promise<HttpResponse | HttpFailure> =>
  transport({ method: 'GET', url: to, headers: {}, deadline: Date.now() + ms });

describe('an answer', () => {
  test('comes with status, headers and body, whatever the status', async () => {
    for (const status of [200, 204, 302, 404, 429, 503]) {
      answer = (_, response) => void response.writeHead(status, { 'X-Limit': '40' }).end(status === 204 ? '' : 'é');
      const body = status === 204 ? '' : 'é';
      const headers = expect.objectContaining({ 'x-limit': '40' });
      expect(await get(nodeTransport())).toMatchObject({ kind: 'response', status, headers, body });
    }
  });
  test('is not mangled where its chunks cut a letter in two', async () => {
    const bytes = Buffer.from('ααα');
    answer = (_, response) => {
      response.write(bytes.subarray(0, 3));
      setTimeout(() => response.end(bytes.subarray(3)), 20);
    };
    expect(await get(nodeTransport())).toMatchObject({ body: 'ααα' });
  });
  test('gets the method, the headers and the bytes that were given', async () => {
    let seen: unknown;
    answer = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method, headers } = request;
        seen = { method, length: headers['content-length'], key: headers['x-key'], body: Buffer.concat(chunks).toString() }; // prettier-ignore
        response.end();
      });
    };
    const request = { method: 'POST', url, headers: { 'X-Key': 'k' }, body: '{"é":1}', deadline: Date.now() + 5000 } as const; // prettier-ignore
    await nodeTransport()(request);
    expect(seen).toEqual({ method: 'POST', length: '8', key: 'k', body: '{"é":1}' });
  });
  test('that is too long is refused', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    answer = (_, response) => {
      response.on('error', () => undefined);
      for (let sent = 0; sent < 9; sent += 1) response.write(chunk);
      response.end();
    };
    expect(await get(nodeTransport())).toMatchObject({ kind: 'failure', reached: true, detail: 'answer too long' });
  });
});

/** A server that answers each request with these bytes, and may then say something more. */
const speaking = async (
  answers: readonly string[],
  after: (socket: Socket) => void = () => undefined,
): Promise<{ readonly url: string; connections: () => number; close: () => Promise<void> }> => {
  const sockets: Socket[] = [];
  let next = 0;
  const raw = createTcpServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.on('data', () => socket.write(answers[next++ % answers.length] ?? '', () => after(socket)));
  });
  raw.listen(0, '127.0.0.1');
  await once(raw, 'listening');
  return {
    url: `http://127.0.0.1:${(raw.address() as AddressInfo).port}/`,
    connections: () => sockets.length,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      raw.close();
      await once(raw, 'close');
    },
  };
};
const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine';

describe('an answer on the wire', () => {
  test('is the same however it is framed, and wherever the network cuts it', async () => {
    const framed = [
      plain,
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nfine\r\n0\r\nX-Late: 1\r\n\r\n',
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine',
      'HTTP/1.0 200 OK\r\n\r\nfine',
    ];
    for (const text of framed) {
      for (let cut = 1; cut < text.length; cut += 3) {
        const sockets: Socket[] = [];
        const raw = createTcpServer((socket) => {
          sockets.push(socket.on('error', () => undefined));
          socket.once('data', () => {
            socket.setNoDelay(true).write(text.slice(0, cut));
            const rest = (): unknown => (text.startsWith('HTTP/1.0') ? socket.end(text.slice(cut)) : socket.write(text.slice(cut))); // prettier-ignore
            setTimeout(rest, 3);
          });
        }).listen(0, '127.0.0.1');
        await once(raw, 'listening');
        const told = await get(nodeTransport(), 5000, `http://127.0.0.1:${(raw.address() as AddressInfo).port}/`);
        for (const socket of sockets) socket.destroy();
        raw.close();
        expect({ text, cut, told }).toEqual({
          text,
          cut,
          told: expect.objectContaining({ kind: 'response', status: 200, body: 'fine' }),
        });
      }
    }
  });
  test('keeps every value of a header that is repeated', async () => {
    const server = await speaking(['HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n']);
    expect(await get(nodeTransport(), 5000, server.url)).toMatchObject({ headers: { 'x-a': '1, 2' } });
    await server.close();
  });
  test.each([
    ['says that it closes', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine'],
    ['has something behind it', `${plain}HTTP/1.1 200 OK`],
    ['has another answer behind it', plain + plain],
  ])('that %s is the last one of its connection', async (_, text) => {
    const server = await speaking([text]);
    const transport = nodeTransport();
    for (let time = 0; time < 3; time += 1) {
      expect(await get(transport, 5000, server.url)).toMatchObject({ status: 200, body: 'fine' });
    }
    expect(server.connections()).toBe(3);
    await server.close();
  });
  test('that nobody asked for ends its connection, and answers no later request', async () => {
    const forged = plain.replace('fine', 'fake');
    const server = await speaking([plain], (socket) => setTimeout(() => socket.write(forged), 20));
    const transport = nodeTransport();
    for (let time = 0; time < 3; time += 1) {
      expect(await get(transport, 5000, server.url)).toMatchObject({ body: 'fine' });
      await sleep(60);
    }
    expect(server.connections()).toBe(3);
    await server.close();
  });
  test('of a connection that the other side closes meanwhile is not waited for', async () => {
    const server = await speaking([plain], (socket) => setTimeout(() => socket.end(), 20));
    const transport = nodeTransport();
    for (let time = 0; time < 3; time += 1) {
      expect(await get(transport, 5000, server.url)).toMatchObject({ body: 'fine' });
      await sleep(60);
    }
    expect(server.connections()).toBe(3);
    await server.close();
  });
});

test('a URL without a path, and a POST without a body, are written as HTTP wants them', async () => {
  let seen: unknown;
  answer = (request, response) => {
    seen = { host: request.headers.host, url: request.url, length: request.headers['content-length'] };
    response.end('fine');
  };
  const base = url.slice(0, -1);
  expect(await nodeTransport()({ method: 'POST', url: base, headers: {}, deadline: Date.now() + 5000 })).toMatchObject({ status: 200 }); // prettier-ignore
  expect(seen).toEqual({ host: base.slice('http://'.length), url: '/', length: '0' });
});

test('each of many requests with times of their own fails at its own, and none before', async () => {
  answer = () => undefined;
  const transport = nodeTransport();
  const startedAt = Date.now();
  const ended = await Promise.all(
    [300, 60, 180, 120, 240].map(async (ms) => {
      expect(await get(transport, ms)).toMatchObject({ reached: true, detail: 'no answer in time' });
      return { ms, tookMs: Date.now() - startedAt };
    }),
  );
  for (const { ms, tookMs } of ended) expect(tookMs).toBeGreaterThanOrEqual(ms - 2);
  const inOrder = ended.toSorted((a, b) => a.tookMs - b.tookMs).map(({ ms }) => ms);
  expect(inOrder).toEqual([60, 120, 180, 240, 300]);
});

describe('a failure says whether the request can have arrived', () => {
  test('no: nobody listens', async () => {
    const gone = createTcpServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, 'close');
    const failure = await get(nodeTransport(), 5000, `http://127.0.0.1:${port}/`);
    expect(failure).toEqual({ kind: 'failure', reached: false, detail: 'ECONNREFUSED' });
  });
  test('no: the name does not resolve', async () => {
    const failure = await get(nodeTransport(), 5000, 'http://no.such.host.invalid/');
    expect(failure).toMatchObject({ kind: 'failure', reached: false });
  });
  test('no: the connection was not yet secured at the deadline', async () => {
    const mute = createTcpServer(() => undefined).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    const sockets: { destroy(): void }[] = [];
    mute.on('connection', (socket) => sockets.push(socket.on('error', () => undefined)));
    const failure = await get(nodeTransport(), 100, `https://127.0.0.1:${port}/`);
    expect(failure).toEqual({ kind: 'failure', reached: false, detail: 'no connection in time' });
    // What must be sent before a time is not sent when the connection comes later, however far the deadline is.
    const startedAt = Date.now();
    const late = { method: 'GET', url: `https://127.0.0.1:${port}/`, headers: {}, deadline: startedAt + 5000 } as const;
    expect(await nodeTransport()({ ...late, sendBefore: startedAt + 80 })).toMatchObject({ reached: false });
    expect(Date.now() - startedAt).toBeLessThan(2000);
    for (const socket of sockets) socket.destroy();
    mute.close();
    await once(mute, 'close');
  });
  test('yes: silence until the deadline, which is kept', async () => {
    answer = () => undefined;
    const started = Date.now();
    expect(await get(nodeTransport(), 100)).toMatchObject({
      kind: 'failure',
      reached: true,
      detail: 'no answer in time',
    });
    const took = Date.now() - started;
    expect(took).toBeGreaterThanOrEqual(98);
    expect(took).toBeLessThan(600);
  });
  test('yes: an answer that trickles beyond the deadline', async () => {
    let timer: NodeJS.Timeout | undefined;
    answer = (request, response) => {
      response.writeHead(200);
      timer = setInterval(() => response.write('x'), 20);
      request.once('close', () => clearInterval(timer));
    };
    expect(await get(nodeTransport(), 150)).toMatchObject({ kind: 'failure', reached: true });
    clearInterval(timer);
  });
  test('yes: a reset before the answer', async () => {
    answer = (request) => void request.socket.resetAndDestroy();
    expect(await get(nodeTransport())).toMatchObject({ kind: 'failure', reached: true });
  });
  test('yes: a reset in the middle of the answer', async () => {
    answer = (request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half', () => request.socket.resetAndDestroy());
    };
    expect(await get(nodeTransport())).toMatchObject({ kind: 'failure', reached: true });
  });
  test('yes: an end of the connection in the middle of the answer', async () => {
    answer = (request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half', () => request.socket.end());
    };
    expect(await get(nodeTransport())).toMatchObject({ kind: 'failure', reached: true });
  });
  test('yes: an answer that is no HTTP', async () => {
    answer = (request) => void request.socket.end('hello\r\n\r\n');
    expect(await get(nodeTransport())).toMatchObject({ kind: 'failure', reached: true });
  });
  test('yes: a socket that was kept and is reset', async () => {
    const transport = nodeTransport();
    await get(transport);
    answer = (request) => void request.socket.resetAndDestroy();
    expect(await get(transport)).toMatchObject({ kind: 'failure', reached: true });
    expect(new Set(ports).size).toBe(1);
  });
  test('and never rejects, not even for what is no URL or no header', async () => {
    const bad = [
      { url: 'nonsense', headers: {} },
      { url, headers: { 'X-Key': 'two\r\nlines' } },
      { url, headers: { 'X-Key': 'é' } },
      { url, headers: { 'X Key': 'k' } },
      { url: `${url}two words`, headers: {} },
      { url: 'ftp://127.0.0.1/', headers: {} },
    ];
    for (const given of bad) {
      const sent = nodeTransport()({ method: 'GET', deadline: Date.now() + 100, ...given });
      await expect(sent).resolves.toMatchObject({ kind: 'failure', reached: false });
    }
  });
});

describe('a kept socket', () => {
  test('carries the next request while it is fresh', async () => {
    const transport = nodeTransport(1000);
    for (let time = 0; time < 3; time += 1) {
      expect(await get(transport)).toMatchObject({ status: 200 });
      await sleep(20);
    }
    expect(new Set(ports).size).toBe(1);
  });
  test('carries none when it idled longer than the limit', async () => {
    const transport = nodeTransport(60);
    await get(transport);
    await sleep(100);
    await get(transport);
    expect(new Set(ports).size).toBe(2);
  });
  test('counts from its last use, not from its first', async () => {
    const transport = nodeTransport(500);
    for (let time = 0; time < 4; time += 1) {
      await get(transport);
      await sleep(200);
    }
    expect(new Set(ports).size).toBe(1);
  });
  test('is closed for all that idled, not only for the first', async () => {
    const transport = nodeTransport(60);
    await Promise.all([get(transport), get(transport), get(transport)]);
    await sleep(100);
    await Promise.all([get(transport), get(transport), get(transport)]);
    expect(new Set(ports).size).toBe(6);
  });
  test('of one transport is not used by another', async () => {
    await get(nodeTransport());
    await get(nodeTransport());
    expect(new Set(ports).size).toBe(2);
  });
});

/** A process that sends a request for every line on stdin, and says what came of it. Ends when stdin does. */
const child = (maxIdleMs: number): ChildProcessWithoutNullStreams => {
  const code = `
    import { createInterface } from 'node:readline';
    const { nodeTransport } = await import(${JSON.stringify(new URL('../shared/http.ts', import.meta.url).href)});
    const transport = nodeTransport(${maxIdleMs});
    for await (const line of createInterface({ input: process.stdin })) {
      const [url, ms] = line.split(' ');
      const { kind, reached } = await transport({ method: 'GET', url, headers: {}, deadline: Date.now() + Number(ms) });
      console.log(kind, reached ?? '');
    }`;
  const options = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', code];
  return spawn(process.execPath, options, { stdio: ['pipe', 'pipe', 'pipe'] });
};
const lines = async (process: ChildProcessWithoutNullStreams, count: number): Promise<readonly string[]> => {
  let text = '';
  while (text.split('\n').length <= count) text += String((await once(process.stdout, 'data'))[0]);
  return text.trim().split('\n').map((line) => line.trim()); // prettier-ignore
};

describe('a process', () => {
  test('that was frozen longer than the limit does not use the socket it had', async () => {
    const frozen = child(300);
    try {
      frozen.stdin.write(`${url} 5000\n${url} 5000\n`);
      expect(await lines(frozen, 2)).toEqual(['response', 'response']);
      expect(new Set(ports).size).toBe(1);
      frozen.kill('SIGSTOP');
      frozen.stdin.write(`${url} 5000\n`);
      await sleep(450);
      expect(ports).toHaveLength(2);
      frozen.kill('SIGCONT');
      expect(await lines(frozen, 1)).toEqual(['response']);
      expect(new Set(ports).size).toBe(2);
    } finally {
      frozen.kill('SIGKILL');
    }
  });

  test('ends by itself: no timer and no idle socket keeps it alive', async () => {
    answer = (request, response) => {
      if (request.url === '/silent') return;
      if (request.url === '/reset') request.socket.resetAndDestroy();
      else response.end('fine');
    };
    const process = child(60_000);
    try {
      process.stdin.end(`${url} 60000\n${url}silent 60\n${url}reset 60000\nhttp://127.0.0.1:1/ 60000\n${url} 60000\n`);
      expect(await lines(process, 5)).toEqual(['response', 'failure true', 'failure true', 'failure false', 'response']); // prettier-ignore
      const said = Date.now();
      if (process.exitCode === null) await once(process, 'exit');
      expect(process.exitCode).toBe(0);
      expect(Date.now() - said).toBeLessThan(2000);
    } finally {
      process.kill('SIGKILL');
    }
  });
});

describe('the other side of TLS', () => {
  const known = tls.getCACertificates('default');
  beforeAll(() => tls.setDefaultCACertificates([...known, certificates.authority]));
  afterAll(() => tls.setDefaultCACertificates(known));
  const told: Buffer[] = [];
  const names: (string | false)[] = [];
  const resumed: boolean[] = [];
  const serving = async (certificate: { readonly key: string; readonly cert: string }, text = plain) => {
    told.length = names.length = resumed.length = 0;
    const sockets: Socket[] = [];
    const secure = tls.createServer(certificate, (socket) => {
      sockets.push(socket);
      names.push(socket.servername ?? false);
      resumed.push(socket.isSessionReused());
      socket.on('error', () => undefined).on('data', (chunk: Buffer) => told.push(chunk) && socket.write(text));
    });
    secure.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const { port } = secure.address() as AddressInfo;
    const close = (): void => {
      for (const socket of sockets) socket.destroy();
      secure.close();
    };
    return { port, close };
  };

  test.each(['localhost', '127.0.0.1'])('proves that it is %s', async (host) => {
    const { port, close } = await serving(certificates.right);
    expect(await get(nodeTransport(), 5000, `https://${host}:${port}/`)).toMatchObject({ status: 200, body: 'fine' });
    expect(names).toEqual([host === 'localhost' ? host : false]);
    close();
  });
  test.each([
    ['another name', certificates.other, 'localhost'],
    ['another address', certificates.other, '127.0.0.1'],
    ['a certificate that nobody signed', certificates.unsigned, 'localhost'],
  ])('that shows %s is told nothing, also not when it is tried again', async (_, certificate, host) => {
    const { port, close } = await serving(certificate);
    const transport = nodeTransport();
    for (let time = 0; time < 3; time += 1) {
      const failure = await get(transport, 5000, `https://${host}:${port}/`);
      expect(failure).toMatchObject({ kind: 'failure', reached: false });
    }
    expect(told).toEqual([]);
    close();
  });
  test('is met again by a shorter handshake', async () => {
    const { port, close } = await serving(certificates.right, plain.replace('OK\r\n', 'OK\r\nConnection: close\r\n'));
    const transport = nodeTransport();
    for (let time = 0; time < 3; time += 1) {
      expect(await get(transport, 5000, `https://localhost:${port}/`)).toMatchObject({ status: 200 });
      await sleep(20);
    }
    expect(resumed).toEqual([false, true, true]);
    close();
  });
});

describe('a clock that jumps', () => {
  let aheadMs = 0;
  const now = Date.now;
  beforeAll(() => void (Date.now = () => now() + aheadMs));
  afterAll(() => void (Date.now = now));
  beforeEach(() => void (aheadMs = 0));
  const silentFor = async (transport: Transport, ms: number): Promise<number> => {
    answer = () => undefined;
    const startedAt = performance.now();
    expect(await get(transport, ms)).toMatchObject({ detail: 'no answer in time' });
    return performance.now() - startedAt;
  };

  test('ahead, as after a freeze: the next deadline is kept', async () => {
    const transport = nodeTransport();
    await get(transport, 4000);
    aheadMs = 60_000;
    expect(await silentFor(transport, 200)).toBeLessThan(2000);
  });
  test('back: a deadline that is being waited for is kept', async () => {
    setTimeout(() => (aheadMs = -3_600_000), 50);
    expect(await silentFor(nodeTransport(), 200)).toBeLessThan(2000);
  });
  test('back: what idled for nobody knows how long carries nothing', async () => {
    const transport = nodeTransport();
    await Promise.all([get(transport), get(transport)]);
    aheadMs = -3_600_000;
    await get(transport);
    aheadMs += 60_000;
    await get(transport);
    expect(new Set(ports).size).toBe(4);
  });
});

test.each([
  'Content-Length: -1000',
  'Content-Length: 4, 4',
  'Content-Length: 4\r\nContent-Length: 4',
  'Content-Length: four',
  'Content-Length:',
  'Content-Length: 4\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked\r\n\r\n-6',
])('an answer whose length is none is no answer, at once: %j', async (line) => {
  const server = await speaking([`HTTP/1.1 200 OK\r\n${line}\r\n\r\nfine`]);
  const failure = await get(nodeTransport(), 10_000, server.url);
  expect(failure).toMatchObject({ kind: 'failure', reached: true, detail: 'an answer that is no HTTP' });
  await server.close();
});

test.each([204, 304])('a %i has no body, whatever it says', async (status) => {
  const server = await speaking([`HTTP/1.1 ${status} X\r\nContent-Length: 4\r\n\r\n`]);
  expect(await get(nodeTransport(), 5000, server.url)).toMatchObject({ status, body: '' });
  await server.close();
});

test('a header may hold any byte', async () => {
  const server = await speaking(['HTTP/1.1 200 OK\r\nX-Name: \u4f8d\r\nX-B: b\r\nContent-Length: 4\r\n\r\nfine']);
  expect(await get(nodeTransport(), 5000, server.url)).toMatchObject({ body: 'fine', headers: { 'x-b': 'b' } });
  await server.close();
});

describe('what came while nothing here ran', () => {
  /** A server in a thread of its own, which says `after` 20 ms after its first answer. */
  const aside = async (after: string): Promise<{ readonly url: string; close: () => Promise<number> }> => {
    const code = `
      const { createServer } = require('node:net');
      const { parentPort } = require('node:worker_threads');
      let asked = 0;
      const server = createServer((socket) => socket.on('error', () => {}).on('data', () => {
        asked += 1;
        socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nfine');
        if (asked === 1) setTimeout(() => { ${after} }, 20);
      }));
      server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
    const worker = new Worker(code, { eval: true });
    const [port] = (await once(worker, 'message')) as [number];
    return { url: `http://127.0.0.1:${port}/`, close: () => worker.terminate() };
  };
  const stop = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

  test.each([
    ['an answer that nobody asked for', "socket.write('HTTP/1.1 429 X\\r\\nContent-Length: 0\\r\\n\\r\\n')"],
    ['the end of the connection', 'socket.end()'],
    ['a reset', 'socket.resetAndDestroy()'],
  ])('%s ends the connection before it carries the next request', async (_, after) => {
    const server = await aside(after);
    const transport = nodeTransport();
    expect(await get(transport, 5000, server.url)).toMatchObject({ status: 200 });
    stop(80);
    expect(await get(transport, 5000, server.url)).toMatchObject({ status: 200, body: 'fine' });
    await server.close();
  });

  test('the time to send passed: it is not sent, on a kept connection nor on a new one', async () => {
    const transport = nodeTransport();
    await get(transport);
    const over = Date.now() - 1;
    expect(await get(transport, -1)).toMatchObject({ reached: false });
    const request = { method: 'GET', url, headers: {}, deadline: Date.now() + 5000 } as const;
    expect(await transport({ ...request, sendBefore: over })).toMatchObject({ reached: false });
    const connecting = get(nodeTransport(), 50);
    stop(120);
    expect(await connecting).toMatchObject({ reached: false });
    await sleep(30);
    expect(ports).toHaveLength(1);
  });
});

describe('connections', () => {
  test('carry one request at a time', async () => {
    const waiting: ServerResponse[] = [];
    answer = (_, response) => void waiting.push(response);
    const transport = nodeTransport();
    const all = Promise.all([get(transport), get(transport), get(transport)]);
    while (waiting.length < 3) await sleep(5);
    expect(new Set(ports).size).toBe(3);
    for (const response of waiting) response.end('fine');
    await all;
    waiting.length = 0;
    const again = Promise.all([get(transport), get(transport)]);
    while (waiting.length < 2) await sleep(5);
    expect(new Set(ports.slice(3)).size).toBe(2);
    for (const response of waiting) response.end('fine');
    expect(await again).toMatchObject([{ status: 200 }, { status: 200 }]);
  });
  test('are not touched by the deadline of a request that is over', async () => {
    const transport = nodeTransport();
    await get(transport, 100);
    answer = (_, response) => void setTimeout(() => response.end('fine'), 200);
    expect(await get(transport, 5000)).toMatchObject({ body: 'fine' });
    expect(new Set(ports).size).toBe(1);
  });
  test('that were there in time may wait for their answer beyond the time to send', async () => {
    answer = (_, response) => void setTimeout(() => response.end('fine'), 150);
    const request = { method: 'GET', url, headers: {}, deadline: Date.now() + 5000 } as const;
    expect(await nodeTransport()({ ...request, sendBefore: Date.now() + 60 })).toMatchObject({ body: 'fine' });
  });
  test('tell when the request was written, whether an answer came or not, and nothing where none was written', async () => {
    answer = (_, response) => void setTimeout(() => response.end('fine'), 100);
    const before = Date.now();
    const sent = await get(nodeTransport(), 5000);
    expect(sent).toMatchObject({ kind: 'response', sentAt: expect.any(Number) });
    expect(sent.sentAt).toBeGreaterThanOrEqual(before);
    expect(sent.sentAt).toBeLessThanOrEqual(Date.now() - 90);
    expect(await get(nodeTransport(), 50)).toMatchObject({
      kind: 'failure',
      reached: true,
      sentAt: expect.any(Number),
    });
    expect(await get(nodeTransport(), 0)).not.toHaveProperty('sentAt');
  });
  test('are closed when their request fails', async () => {
    let isClosed = false;
    answer = (request) => void request.socket.once('close', () => (isClosed = true));
    await get(nodeTransport(), 60);
    await sleep(50);
    expect(isClosed).toBe(true);
  });
  test('are kept up to a number, the newest first, and made up to a number', async () => {
    const transport = nodeTransport();
    const open = new Set<Socket>();
    const count = (socket: Socket): void => void open.add(socket.once('close', () => open.delete(socket)));
    server.on('connection', count);
    await Promise.all(Array.from({ length: 30 }, () => get(transport)));
    await sleep(50);
    expect(open.size).toBe(16);
    const last = ports.at(-1);
    await get(transport);
    expect(ports.at(-1)).toBe(last);
    answer = () => undefined;
    const failures = await Promise.all(Array.from({ length: 140 }, () => get(transport, 400)));
    const refused = failures.filter((each) => each.kind === 'failure' && /128 connections/.test(each.detail));
    expect(refused).toHaveLength(140 - 128);
    for (const each of refused) expect(each).toMatchObject({ reached: false });
    server.off('connection', count);
  });
});
