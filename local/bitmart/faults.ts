// Faults on order: which request shall go wrong, and how. Promises the same faults for the same seed and the same
// sequence of requests. Never executes a fault; the server does.

export const FAULT_NAMES = [
  'drop-before', // reset, not executed
  'drop-after', // executed, then reset
  'hang-after', // executed, never answered
  'status', // an HTTP status without JSON, not executed
  'status-after', // the same, executed
  'code', // a BitMart code, not executed
  'code-after', // the same, executed
  'blank-after', // executed, and answered with code 1000 and no data: success without an order id
  'html', // the page of the content network in front, not executed
  'delay', // reaches the venue `ms` later
  'lookup-lag', // orders cannot be found for `ms`
  'loan-only', // a margin order's loan goes through, the order does not: 59009
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

export interface Fault {
  readonly path: string;
  readonly fault: FaultName;
  readonly probability: number;
  /** How often it may strike; undefined is without limit. */
  readonly times: number | undefined;
  readonly ms: number;
  readonly code: number;
  /** The text that goes with `code`; undefined is the documented one. Some codes mean what their text says (40012, 51008). */
  readonly message?: string | undefined;
}

export interface ActiveFault extends Fault {
  readonly struck: number;
  /** Real time at which it was set. */
  readonly sinceMs: number;
}

export interface Faults {
  put(seed: number, faults: readonly Fault[], nowMs: number): void;
  /** The first fault set for exactly this path that strikes now; its count goes down. */
  strike(path: string): ActiveFault | undefined;
  list(): { readonly seed: number; readonly faults: readonly ActiveFault[] };
  clear(): void;
}

/** A small seeded generator (a 32-bit counter through a mixing function): even enough to draw faults, nothing more. */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 0x1_0000_0000;
  };
};

export const createFaults = (): Faults => {
  let seed = 1;
  let draw = seeded(seed);
  let faults: (ActiveFault & { struck: number })[] = [];
  return {
    put: (newSeed, wanted, nowMs) => {
      seed = newSeed;
      draw = seeded(seed);
      faults = wanted.map((fault) => ({ ...fault, struck: 0, sinceMs: nowMs }));
    },
    strike: (path) => {
      for (const fault of faults) {
        if (fault.path !== path || (fault.times !== undefined && fault.struck >= fault.times)) continue;
        if (fault.probability < 1 && draw() >= fault.probability) continue;
        fault.struck += 1;
        return { ...fault };
      }
      return undefined;
    },
    list: () => ({ seed, faults: faults.map((fault) => ({ ...fault })) }),
    clear: () => {
      faults = [];
    },
  };
};
