// What kind of world a seed stands for: how much trouble there is, and which one promise of the venue is broken. Pure.
import { seeded } from '../../local/exchange/faults.ts';

export const KINDS = [
  'sound', // every promise kept
  'repeated ids accepted', // nothing but the look-ups stands against a second order
  'repeated ids accepted once closed',
  'look-ups lag a minute',
  'old timestamps accepted',
  'invoked twice', // one delivery may be handed to two environments at once
  'wrong clocks', // many environments are far off, requests arrive late, and repeated ids are accepted
  'invoked late', // Lambda holds batches back, requests arrive late, and repeated ids are accepted
  'short memory', // the venue forgets unfilled orders after minutes, as it says, and accepts repeated ids
  'forgotten too soon', // it says 20 minutes, and forgets them after less
] as const;
export type Kind = (typeof KINDS)[number];

export interface Plan {
  readonly seed: number;
  readonly kind: Kind;
  /** Part of all effects that go wrong, 0 to 1. */
  readonly trouble: number;
  readonly refusesRepeatedIds: 'never' | 'whileOpen' | 'always';
  readonly showsOrdersWithinMs: number;
  readonly refusesTimestamps: boolean;
  readonly doubleInvocation: boolean;
  readonly badClocks: boolean;
  readonly lateInvocation: boolean;
  /** For how long an order that was canceled unfilled can be looked up, and what the functions are told of that. */
  readonly forgetsAfterMs: number;
  readonly saysForgetsAfterMs: number;
  /** Every message is sent again: at once with another deduplication id, and with the same one after ten minutes. */
  readonly sendsAllAgain: boolean;
  /** Margin and futures as well, and what may be sent beside new orders and cancels. */
  readonly isWide: boolean;
  /** Orders of one account and symbol may go out together. */
  readonly isBatching: boolean;
  /** Accepted orders are followed to their end. */
  readonly isFollowed: boolean;
  /** What the venue answers to every placement, executing it first or not; undefined: it answers truly. */
  readonly answer: { readonly code: number; readonly times: number; readonly isExecuted: boolean } | undefined;
}

const SOUND = {
  refusesRepeatedIds: 'always',
  showsOrdersWithinMs: 0,
  refusesTimestamps: true,
  doubleInvocation: false,
  badClocks: false,
  lateInvocation: false,
  forgetsAfterMs: 1_200_000,
  saysForgetsAfterMs: 1_200_000,
  sendsAllAgain: false,
  isWide: false,
  isBatching: false,
  isFollowed: false,
  answer: undefined,
} as const;

/** The plan that a seed stands for: every tenth world is quiet, and one promise of the venue at most is broken. */
export function planOf(seed: number): Plan {
  const draw = seeded(seed * 7919);
  const kind = kindOf(draw());
  const trouble = draw() < 0.1 ? 0 : draw() < 0.5 ? 0.2 : draw() < 0.8 ? 0.4 : 1;
  const plan = trustOf({ ...SOUND, seed, kind, trouble }, draw);
  return { ...plan, isWide: draw() < 0.4, isBatching: draw() < 0.4, isFollowed: draw() < 0.4 };
}

/** Which promise the venue breaks in a world of this kind. */
function trustOf(plan: Plan, draw: () => number): Plan {
  switch (plan.kind) {
    case 'sound':
      return plan;
    case 'repeated ids accepted':
      return { ...plan, refusesRepeatedIds: 'never', showsOrdersWithinMs: draw() < 0.5 ? 0 : 3000 };
    case 'repeated ids accepted once closed':
      return { ...plan, refusesRepeatedIds: 'whileOpen' };
    case 'look-ups lag a minute':
      return { ...plan, showsOrdersWithinMs: 60_000 };
    case 'old timestamps accepted':
      return { ...plan, refusesTimestamps: false };
    case 'invoked twice':
      return { ...plan, doubleInvocation: true };
    case 'wrong clocks':
      return { ...plan, refusesRepeatedIds: 'never', badClocks: true, trouble: 0.4 };
    case 'invoked late':
      return { ...plan, refusesRepeatedIds: 'never', lateInvocation: true, trouble: 0.4 };
    case 'short memory': {
      // What is said leaves room for clocks that disagree.
      const forgetsAfterMs = draw() < 0.5 ? 310_000 : 610_000;
      return { ...plan, refusesRepeatedIds: 'never', forgetsAfterMs, saysForgetsAfterMs: forgetsAfterMs - 10_000 };
    }
    case 'forgotten too soon':
      return { ...plan, forgetsAfterMs: draw() < 0.5 ? 20_000 : 200_000 };
  }
}

function kindOf(part: number): Kind {
  if (part < 0.1) return 'wrong clocks';
  if (part < 0.2) return 'sound';
  if (part < 0.45) return 'repeated ids accepted';
  if (part < 0.52) return 'look-ups lag a minute';
  if (part < 0.57) return 'old timestamps accepted';
  if (part < 0.65) return 'invoked twice';
  if (part < 0.75) return 'invoked late';
  if (part < 0.8) return 'short memory';
  if (part < 0.83) return 'forgotten too soon';
  return 'repeated ids accepted once closed';
}
