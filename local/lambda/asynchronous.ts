// Asynchronous invocation, as Lambda does it for the scheduler: the event is taken at once and run behind the caller's back,
// a failure is tried again after one and after two more minutes, and what failed for good or grew too old is told to the
// on-failure destination, in the record that AWS documents. Never tells anybody of a success.
import { randomUUID } from 'node:crypto';
import type { InvocationResult } from './definition.ts';

/** AWS::Lambda::EventInvokeConfig. */
export interface EventInvokeConfig {
  /** 0 to 2. */
  readonly maximumRetryAttempts: number;
  /** 60 to 21,600. */
  readonly maximumEventAgeSeconds: number;
}

export interface Asynchronous {
  /** Takes the event; resolves at once. */
  readonly invoke: (payload: unknown) => void;
  /** Resolves when nothing that was taken is under way or waits to be tried again. */
  readonly idle: () => Promise<void>;
  /** What waits is given up. */
  readonly close: () => void;
}

export interface AsynchronousOptions extends EventInvokeConfig {
  readonly functionArn: string;
  readonly run: (payload: unknown) => Promise<InvocationResult>;
  /** Gets the record of what failed, JSON. */
  readonly onFailure: (record: string) => Promise<void>;
  /** Above 0, at most 1: shortens the waits. */
  readonly timeScale: number;
}

/** Before the second and the third attempt [Lambda's guide, asynchronous invocation]. */
const WAITS_MS = [60_000, 120_000];

export function asynchronously(options: AsynchronousOptions): Asynchronous {
  const open = new Set<Promise<void>>();
  const closed = new AbortController();
  return {
    invoke: (payload) => {
      const work = attempts(payload, options, closed.signal).finally(() => open.delete(work));
      open.add(work);
    },
    idle: async () => {
      await Promise.all(open);
    },
    close: () => closed.abort(),
  };
}

async function attempts(payload: unknown, options: AsynchronousOptions, closed: AbortSignal): Promise<void> {
  const { run, timeScale, maximumRetryAttempts, maximumEventAgeSeconds } = options;
  const takenAt = Date.now();
  let last: InvocationResult = {};
  for (let count = 0; count <= maximumRetryAttempts; count += 1) {
    if (count > 0) await pause((WAITS_MS[count - 1] ?? 0) * timeScale, closed);
    if (closed.aborted) return;
    if (Date.now() - takenAt > maximumEventAgeSeconds * 1000 * timeScale) {
      return options.onFailure(record(payload, options, 'EventAgeExceeded', count, last));
    }
    last = await run(payload);
    if (last.error === undefined) return;
  }
  if (closed.aborted) return;
  return options.onFailure(record(payload, options, 'RetriesExhausted', maximumRetryAttempts + 1, last));
}

/** The record of a failed invocation [Lambda's guide, records of asynchronous invocations]. */
function record(
  requestPayload: unknown,
  { functionArn }: AsynchronousOptions,
  condition: 'RetriesExhausted' | 'EventAgeExceeded',
  approximateInvokeCount: number,
  { error }: InvocationResult,
): string {
  return JSON.stringify({
    version: '1.0',
    timestamp: new Date().toISOString(),
    requestContext: {
      requestId: randomUUID(),
      functionArn: `${functionArn}:$LATEST`,
      condition,
      approximateInvokeCount,
    },
    requestPayload,
    ...(error === undefined
      ? {}
      : {
          responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
          responsePayload: error,
        }),
  });
}

function pause(ms: number, closed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    closed.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
