// Time as the code sees it: one record of two functions, so that a test can put its own time behind everything; and how
// the time of an invocation is spent.

export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** Ends at once for 0 or less. */
  sleep(ms: number): Promise<void>;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => (ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, Math.ceil(ms)))),
};

/**
 * How the time of an invocation is spent: 30 s leave 6 s for settling and 3 s for any one answer, its turn included. A short
 * invocation still leaves more for an answer than look-ups lie apart.
 */
export interface Budget {
  /** When the invocation will be stopped; nothing is signed later. */
  readonly deadline: number;
  readonly takeUntil: number;
  readonly answerBy: (now: number) => number;
  /** The same for a request whose pacing interval must be over before the invocation is. */
  readonly within: (now: number) => { readonly answerBy: number; readonly holdBy: number };
}

/** @param deadline when the invocation will be stopped, ms @param now ms */
export function budget(deadline: number, now: number): Budget {
  const total = deadline - now;
  const [reserveMs, answerMs] = [Math.min(6000, total / 5), Math.min(3000, Math.max(1200, total / 10))];
  const answerBy = (at: number): number => Math.min(at + answerMs, deadline - reserveMs / 2);
  const within = (at: number) => ({ answerBy: answerBy(at), holdBy: deadline });
  return { deadline, takeUntil: deadline - reserveMs, answerBy, within };
}
