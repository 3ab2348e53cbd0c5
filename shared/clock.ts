// Time as the code sees it. One record of two functions, so that a test can put its own time behind everything.

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
