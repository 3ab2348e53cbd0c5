// The wire between the functions and a venue: an HTTP proxy on 127.0.0.1 that loses or replaces what a rule names.
// It promises that a rule strikes only what it matches and as often as it says, and that all else passes untouched.
// It knows no venue: which request is a placement, and what a refusal looks like, the ground of a venue says.
import { createServer, request, Agent, type IncomingMessage, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request on its way to the venue. */
export interface Passing {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What a rule does: lose the request, lose the answer after execution, answer in the venue's place, or do something first. */
export type Deed =
  | 'lose-request'
  | 'lose-answer'
  | { readonly answer: (passing: Passing) => Answer }
  | { readonly first: () => Promise<void> };

export interface Rule {
  readonly matches: (passing: Passing) => boolean;
  /** How often; Infinity until it is lifted. */
  readonly times: number;
  readonly does: Deed;
}

/** A rule in force. */
export interface Trouble {
  /** How often it struck. */
  readonly struck: () => number;
  /** How often a request that it matches came by, struck or not, since it was set. */
  readonly seen: () => number;
  readonly lift: () => void;
}

export interface Wire {
  readonly url: string;
  /** Where everything goes; set before the first request. */
  connect(url: string): void;
  trouble(rule: Rule): Trouble;
  close(): Promise<void>;
}

interface Live extends Rule {
  struck: number;
  seen: number;
}

/** A proxy on a free port. Requests of one path pass one at a time, so that what a rule does first is met by its own. */
export async function startWire(): Promise<Wire> {
  const rules = new Set<Live>();
  const agent = new Agent({ keepAlive: true });
  const turns = new Map<string, Promise<unknown>>();
  let target = '';
  const forward = (passing: Passing, url: string, first?: () => Promise<void>): Promise<Forwarded> => {
    const turn = (turns.get(passing.path) ?? Promise.resolve()).then(async () => {
      await first?.();
      return pass(passing, `${target}${url}`, agent);
    });
    turns.set(
      passing.path,
      turn.catch(() => undefined),
    );
    return turn;
  };
  const server = createServer((incoming, outgoing) => {
    const serve = async (): Promise<void> => {
      const url = incoming.url ?? '/';
      const { method = 'GET', headers } = incoming;
      const passing = { method, path: url.split('?')[0] ?? '', headers, body: await textOf(incoming) };
      const matching = [...rules].filter((rule) => rule.matches(passing));
      for (const rule of matching) rule.seen += 1;
      const rule = matching.find(({ struck, times }) => struck < times);
      if (rule !== undefined) rule.struck += 1;
      const does = rule?.does;
      if (does === 'lose-request') {
        outgoing.socket?.resetAndDestroy();
        return;
      }
      if (typeof does === 'object' && 'answer' in does) {
        const { status, body } = does.answer(passing);
        outgoing.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
        return;
      }
      const answer = await forward(passing, url, typeof does === 'object' ? does.first : undefined);
      if (does === 'lose-answer') outgoing.socket?.resetAndDestroy();
      else outgoing.writeHead(answer.status, answer.headers).end(answer.body);
    };
    serve().catch(() => outgoing.socket?.resetAndDestroy());
  });
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connect: (url) => {
      target = url;
    },
    trouble: (rule) => {
      const live = { ...rule, struck: 0, seen: 0 };
      rules.add(live);
      return { struck: () => live.struck, seen: () => live.seen, lift: () => rules.delete(live) };
    },
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Forwarded extends Answer {
  readonly headers: IncomingHttpHeaders;
}

async function textOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function pass({ method, headers, body }: Passing, url: string, agent: Agent): Promise<Forwarded> {
  return new Promise((resolve, reject) => {
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !['host', 'connection'].includes(name)));
    const onward = request(url, { method, headers: kept, agent }, (answer) => {
      const hops = ['connection', 'keep-alive', 'transfer-encoding'];
      const rest = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !hops.includes(name)));
      textOf(answer).then(
        (text) => resolve({ status: answer.statusCode ?? 502, headers: rest, body: text }),
        (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))),
      );
    });
    onward.on('error', reject);
    onward.end(body);
  });
}
