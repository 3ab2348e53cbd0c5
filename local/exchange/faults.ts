// Faults on order: which request shall go wrong, and how. Promises the same faults for the same seed and the same
// sequence of requests. Never decides what a venue's refusal or page looks like.
import type { Reply } from './host.ts';

export const FAULT_NAMES = [
  'drop-before', // reset, not executed
  'drop-after', // executed, then reset
  'hang-after', // executed, never answered
  'status', // an HTTP status without JSON, not executed
  'status-after', // the same, executed
  'code', // a code of the venue, not executed
  'code-after', // the same, executed
  'blank-after', // executed, and answered with success and no data: no order id
  'html', // the page of the content network in front, not executed
  'delay', // reaches the venue `ms` later
  'lookup-lag', // orders cannot be found for `ms`
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

/** A fault; a venue may know names of its own beside the common ones. */
export interface Fault<Name extends string = FaultName> {
  readonly path: string;
  readonly fault: Name;
  readonly probability: number;
  /** How often it may strike; undefined is without limit. */
  readonly times: number | undefined;
  readonly ms: number;
  readonly code: number;
  /** The text that goes with `code`; undefined is the documented one. Some codes mean what their text says (40012, 51008). */
  readonly message?: string | undefined;
}

export interface ActiveFault<Name extends string = FaultName> extends Fault<Name> {
  readonly struck: number;
  /** Real time at which it was set. */
  readonly sinceMs: number;
}

export interface Faults<Name extends string = FaultName> {
  put(seed: number, faults: readonly Fault<Name>[], nowMs: number): void;
  /** The first fault set for exactly this path that strikes now; its count goes down. */
  strike(path: string): ActiveFault<Name> | undefined;
  list(): { readonly seed: number; readonly faults: readonly ActiveFault<Name>[] };
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

export const createFaults = <Name extends string = FaultName>(): Faults<Name> => {
  let seed = 1;
  let draw = seeded(seed);
  let faults: (ActiveFault<Name> & { struck: number })[] = [];
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

/** How a venue puts into words what a fault makes it say. */
export interface Wording {
  refusal(code: number, message: string | undefined): Reply;
  /** Success with nothing in it. */
  blank(): Reply;
  /** The page of the content network in front. */
  page(): Reply;
}

/** What becomes of a request under a fault that takes its answer away or replaces it; `run` executes the request. */
export const carryOut = (
  fault: Exclude<FaultName, 'delay' | 'lookup-lag'>,
  { code, message }: Pick<Fault, 'code' | 'message'>,
  run: () => Reply,
  wording: Wording,
): Reply => {
  if (fault.endsWith('-after')) run();
  switch (fault) {
    case 'drop-before':
    case 'drop-after':
      return { drop: true };
    case 'hang-after':
      return { hang: true };
    case 'status':
    case 'status-after':
      return { send: { status: code, type: 'text/plain', body: '' } };
    case 'code':
    case 'code-after':
      return wording.refusal(code, message);
    case 'blank-after':
      return wording.blank();
    case 'html':
      return wording.page();
  }
};
