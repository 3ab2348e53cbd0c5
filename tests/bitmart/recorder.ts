// A server on 127.0.0.1 that keeps the raw bytes of every request and answers what the test says.
// Promises that close() leaves nothing open. Holds no test.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** Arrival of the last byte, and the answer, ms. */
  readonly at: number;
  answeredAt: number;
}

export interface Script {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, an object as JSON. */
  readonly body?: string | object;
  readonly afterMs?: number;
  /** Instead of an answer: reset the connection, or cut the answer off half-way. */
  readonly instead?: 'reset' | 'cut' | 'silence';
}

export interface Recorder {
  readonly url: string;
  readonly requests: Recorded[];
  /** What is answered from now on, by path without query; a function is asked each time. */
  answer(script: Script | ((request: Recorded) => Script)): void;
  close(): Promise<void>;
}

const reply = (script: Script, response: ServerResponse): void => {
  const { status = 200, headers = {}, body = { code: 1000, message: 'OK', data: {} } } = script;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  if (script.instead === 'silence') return;
  if (script.instead === 'reset') response.socket?.resetAndDestroy();
  else if (script.instead === 'cut') {
    response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(text) + 10 });
    response.write(text, () => response.socket?.resetAndDestroy());
  } else response.writeHead(status, headers).end(text);
};

export async function startRecorder(): Promise<Recorder> {
  const requests: Recorded[] = [];
  let script: Script | ((request: Recorded) => Script) = {};
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => response.destroy());
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const recorded: Recorded = { method, url, headers, bytes: Buffer.concat(chunks), at: Date.now(), answeredAt: 0 };
      requests.push(recorded);
      const said = typeof script === 'function' ? script(recorded) : script;
      const timer = setTimeout(() => {
        timers.delete(timer);
        recorded.answeredAt = Date.now();
        reply(said, response);
      }, said.afterMs ?? 0);
      timers.add(timer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (said) => void (script = said),
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
