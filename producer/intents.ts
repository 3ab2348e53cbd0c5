// Makes intents: one function per action, which gives an id and a life, and checks the whole by the contract's own `parse`.
// Promises that what it returns is taken by the execution as an intent; anything else is an error that names every wrong
// field at once. Sends nothing.
import { randomBytes } from 'node:crypto';
import { MAX_LIFETIME_MS, parse, type OrderIntent, type UncheckedIntent } from '../shared/order/intent.ts';

/** Ours to give unless said otherwise. */
export interface Given {
  /** 1 to 32 letters and digits, never used before in this account; 128 random bits by default. */
  readonly id?: string;
  /** From now on, ms: nothing is sent after it. Above 0 and at most 600000; 60000 by default. A resting order outlives it. */
  readonly lifeMs?: number;
}

type Action = OrderIntent['action'];
type Made = 'action' | 'id' | 'createdAt' | 'expiresAt';
type WithoutMade<Intent> = Intent extends unknown ? Omit<Intent, Made> & Given : never;
/** What has to be said of an intent with this action: for each market, side and type what the contract has there. */
export type Wish<A extends Action = Action> = WithoutMade<Extract<UncheckedIntent, { readonly action: A }>>;
type IntentOf<A extends Action> = Extract<OrderIntent, { readonly action: A }>;

/** A wrong wish. `problems` has one entry per wrong field. */
export interface WrongIntent extends Error {
  readonly problems: readonly string[];
}

const DEFAULT_LIFE_MS = 60_000;

/** An order. @throws WrongIntent */
export function place(wish: Wish<'place'>): IntentOf<'place'> {
  return make('place', wish);
}

/** Takes one order back; `target` is the id of the intent that placed it. @throws WrongIntent */
export function cancel(wish: Wish<'cancel'>): IntentOf<'cancel'> {
  return make('cancel', wish);
}

/** Takes back all orders of an account, or those of a symbol or side. @throws WrongIntent */
export function cancelAll(wish: Wish<'cancel-all'>): IntentOf<'cancel-all'> {
  return make('cancel-all', wish);
}

/** Changes price, size or both of a resting order. @throws WrongIntent */
export function amend(wish: Wish<'amend'>): IntentOf<'amend'> {
  return make('amend', wish);
}

/** @throws WrongIntent */
export function setLeverage(wish: Wish<'set-leverage'>): IntentOf<'set-leverage'> {
  return make('set-leverage', wish);
}

/** @throws WrongIntent */
export function setPositionMode(wish: Wish<'set-position-mode'>): IntentOf<'set-position-mode'> {
  return make('set-position-mode', wish);
}

/** The dead-man switch: the symbol's orders are canceled unless it is set anew within `timeoutSeconds`. @throws WrongIntent */
export function cancelAllAfter(wish: Wish<'cancel-all-after'>): IntentOf<'cancel-all-after'> {
  return make('cancel-all-after', wish);
}

/** 32 letters and digits, 128 random bits. */
export function newId(): string {
  return randomBytes(16).toString('hex');
}

/**
 * The same for what only shows at run time: fields from a form, a file or a command line, `action` among them.
 * @throws WrongIntent
 */
export function intentOf(fields: Readonly<Record<string, unknown>>): OrderIntent {
  const { lifeMs = DEFAULT_LIFE_MS, id = newId(), ...rest } = fields;
  const isLifeRight = typeof lifeMs === 'number' && lifeMs > 0 && lifeMs <= MAX_LIFETIME_MS;
  const now = Date.now();
  const times = {
    createdAt: new Date(now).toISOString(),
    expiresAt: new Date(now + (isLifeRight ? lifeMs : DEFAULT_LIFE_MS)).toISOString(),
  };
  const parsed = parse(JSON.stringify({ id, ...rest, ...times }));
  const problems = [
    ...Object.keys(times)
      .filter((name) => name in rest)
      .map((name) => `${name} is set when the intent is made; leave it out and say lifeMs`),
    ...(isLifeRight ? [] : [`lifeMs must be a number above 0 and at most ${MAX_LIFETIME_MS}`]),
    ...(parsed.kind === 'malformed' ? parsed.problems : []),
  ];
  if (problems.length === 0 && parsed.kind === 'intent') return parsed.intent;
  throw Object.assign(new Error(`this is no intent: ${problems.join('; ')}`), { name: 'WrongIntent', problems });
}

/** Tells a wrong wish from any other error. */
export function isWrongIntent(error: unknown): error is WrongIntent {
  return error instanceof Error && error.name === 'WrongIntent' && 'problems' in error;
}

function make<A extends Action>(action: A, wish: Wish<A>): IntentOf<A> {
  const intent = intentOf({ ...wish, action });
  if (hasAction(intent, action)) return intent;
  throw new Error(`made a ${intent.action} of a ${action}`);
}

function hasAction<A extends Action>(intent: OrderIntent, action: A): intent is IntentOf<A> {
  return intent.action === action;
}
