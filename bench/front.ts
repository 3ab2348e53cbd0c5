// What lies before the venue on the internet: TLS and distance. An https server that passes every request on to the local
// BitMart, and notes what arrived and what was answered. It changes nothing.
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

/** One request that was answered. Times in ms since the epoch, with fractions. */
export interface Passed {
  readonly path: string;
  readonly key: string;
  /** The first byte has come over the wire, before the way to the venue. */
  readonly arrivedAt: number;
  readonly answeredAt: number;
  readonly status: number;
  readonly body: string;
  /** The body of the request. */
  readonly asked: string;
}

export interface Front {
  readonly url: string;
  readonly passed: Passed[];
  /** Round trip, ms, and how much may come on top of it, on the way to the venue. */
  distance: { latencyMs: number; jitterMs: number };
  /** Where the venue is. */
  target: string;
  close(): Promise<void>;
}

const now = (): number => performance.timeOrigin + performance.now();
const sleep = (ms: number): Promise<void> => (ms <= 0 ? Promise.resolve() : new Promise((r) => setTimeout(r, ms)));

export async function startFront(tls: { readonly key: string; readonly cert: string }): Promise<Front> {
  const agent = new http.Agent({ keepAlive: true });
  const pass = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const arrivedAt = now();
    const { latencyMs, jitterMs } = front.distance;
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    await sleep(latencyMs / 2 + Math.random() * jitterMs);
    const asked = Buffer.concat(parts);
    const { method, headers, url = '/' } = request;
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const onward = http.request(`${front.target}${url}`, { method, headers, agent }, resolve);
      onward.on('error', reject);
      onward.end(asked);
    });
    const told: Buffer[] = [];
    for await (const part of answer as AsyncIterable<Buffer>) told.push(part);
    await sleep(latencyMs / 2);
    const [status, body] = [answer.statusCode ?? 0, Buffer.concat(told)];
    response.writeHead(status, answer.headers);
    response.end(body);
    const path = url.split('?')[0] ?? '';
    front.passed.push({
      ...{ path, key: String(headers['x-bm-key']), arrivedAt, answeredAt: now() },
      ...{ status, body: body.toString(), asked: asked.toString() },
    });
  };
  const server = https.createServer(tls, (request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const front: Front = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed: [],
    distance: { latencyMs: 0, jitterMs: 0 },
    target: '',
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
  return front;
}
