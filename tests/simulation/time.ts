// Virtual time: Date.now and the timers of the whole process, under the control of a simulation. Whatever is asked for
// next happens next; between two timers everything that can go on without time has gone on.
// Never sleeps: a week passes as fast as its timers can be called.

export interface VirtualTime {
  now(): number;
  /** Runs timers until none is left before `until`, ms, or `isOver` says so. */
  run(until: number, isOver?: () => boolean): Promise<void>;
  /** Gives the process its own clock and timers back. */
  restore(): void;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly call: () => void;
}

/** Replaces Date.now, setTimeout and clearTimeout of this process. @param startMs where time begins, ms since the epoch */
export function virtualTime(startMs: number): VirtualTime {
  const real = { now: Date.now, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const settle = globalThis.setImmediate;
  let nowMs = startMs;
  let order = 0;
  let timers: Timer[] = [];
  const cancelled = new WeakSet<object>();
  const add = (call: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): object => {
    // As Node: whole milliseconds, at least one.
    const at = nowMs + Math.max(1, Math.trunc(ms));
    const timer: Timer & { unref(): object; ref(): object } = {
      at,
      order: order++,
      call: () => call(...args),
      unref: () => timer,
      ref: () => timer,
    };
    let index = timers.length;
    while (index > 0 && (timers[index - 1]?.at ?? 0) > at) index -= 1;
    timers.splice(index, 0, timer);
    return timer;
  };
  Date.now = () => nowMs;
  globalThis.setTimeout = add as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((timer: object | undefined) => {
    if (timer !== undefined) cancelled.add(timer);
  }) as typeof clearTimeout;
  const quiet = (): Promise<void> => new Promise((resolve) => settle(resolve));
  return {
    now: () => nowMs,
    run: async (until, isOver = () => false) => {
      for (;;) {
        await quiet();
        if (isOver()) return;
        while (timers[0] !== undefined && cancelled.has(timers[0])) timers.shift();
        const next = timers[0];
        if (next === undefined || next.at > until) break;
        timers.shift();
        nowMs = Math.max(nowMs, next.at);
        next.call();
      }
      nowMs = until;
    },
    restore: () => {
      timers = [];
      Date.now = real.now;
      globalThis.setTimeout = real.setTimeout;
      globalThis.clearTimeout = real.clearTimeout;
    },
  };
}
