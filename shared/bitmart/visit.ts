// One visit of the doctor: what it has asked so far, and whether it may ask more. After a 429, a ban, a page of the content
// network or no connection nothing more is sent, for the exchange or any account. Never retries.
import type { Finding } from '../order/finding.ts';
import { succeeded } from './answers.ts';
import type { Reply } from '../asking.ts';
import type { Calls } from './calls.ts';
import type { Endpoint } from './endpoints.ts';
import { isEnough, trouble } from './findings.ts';
import type { BitmartOptions } from './venue.ts';

export interface Visit {
  readonly ways: Calls;
  readonly options: BitmartOptions;
  readonly sent: { readonly path: string; readonly at: number }[];
  /** The finding after which nothing more is sent. */
  readonly enough: () => Finding | undefined;
  /** Sends one request; an answer that says that it is enough is remembered. @param send gets by when the answer must be in, ms */
  readonly ask: (endpoint: Endpoint, send: (deadline: number) => Promise<Reply>) => Promise<Reply>;
}

/** A person waits. */
const PATIENCE_MS = 8000;

/** @param patienceMs for turn and answer of one request */
export function visitBy(ways: Calls, options: BitmartOptions, patienceMs = PATIENCE_MS): Visit {
  const { clock } = options;
  const sent: { readonly path: string; readonly at: number }[] = [];
  let enough: Finding | undefined;
  return {
    ...{ ways, options, sent },
    enough: () => enough,
    ask: async ({ path }, send) => {
      const reply = await send(clock.now() + patienceMs);
      sent.push({ path, at: clock.now() });
      const found = succeeded(reply) ? undefined : trouble(reply);
      if (found !== undefined && isEnough(found)) enough = found;
      return reply;
    },
  };
}
