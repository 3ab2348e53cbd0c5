// What the venue keeps to, market by market, and how control breaks it. Promises that a promise not named is the default.
// Where sources leave behaviour open the default is the documented or the likelier one.
import * as z from 'zod';
import { given, REPEATED_IDS } from '../exchange/steering.ts';

/** What margin keeps to. */
export interface MarginPromises {
  /** Whether an order borrows what its account lacks. The documents only imply it, by the code 59009. */
  readonly borrows: 'auto' | 'never';
  /** The order id of a placement: a number in the documents, a string in a recorded answer. */
  readonly orderIdAs: 'string' | 'number';
  /** The spot documents: on margin a maker-only order that would take is refused at once; on spot it is cancelled. */
  readonly limitMakerCrossing: 'cancel' | 'refuse';
}

/** What futures keep to; the first two are those of spot where they are not set. */
export interface FuturesPromises {
  readonly refusesRepeatedIds?: Promises['refusesRepeatedIds'];
  readonly showsOrdersWithinMs?: number;
  /** How long orders cancelled without a fill are found: not documented, so as long as the history reaches. */
  readonly forgetsUnfilledAfterMs: number;
  /** Seventeen digits, as seen live, which a double cannot tell apart; or fifteen, as in the samples. */
  readonly orderIds: 'beyond-2^53' | 'within-2^53';
  /** A maker-only order that would take: cancelled at once (as on spot), or refused with 40012 "Invalid order". */
  readonly makerOnlyCrossing: 'cancel' | 'refuse';
  /** Three codes are known for a balance that does not carry an order; 40012 is the one that was recorded. */
  readonly balanceCode: 40012 | 40027 | 42000;
  /** Cancelling a finished order: 40036, or "request taken" like any other. */
  readonly cancelsFinished: 'code' | 'accepted';
  /** Whether an opening order may leave leverage and open_type out, and gets those of submit-leverage. */
  readonly opensWithoutTerms: boolean;
  /** A price between two steps: refused with 40043, or cut to the step below as on spot. Not documented. */
  readonly offStepPrices: 'refuse' | 'cut';
  /** A whole number as text, or a decimal as a JSON number, against the documents' types: 40007, or read all the same. */
  readonly wrongTypes: 'refuse' | 'accept';
  /** Take profit and stop loss are for opening orders; what a closing one with them gets (40011) is not documented. */
  readonly presetsOnClosing: 'ignore' | 'refuse';
  /** How long a new order shows state 1, approving, while it works already. */
  readonly approvingMs: number;
  /** A cancel answers "request taken" at once and acts this much later: an order may still be filled until then. */
  readonly cancelsAfterMs: number;
  /** Whether the futures host has /system/time and /system/service as well. No source says. */
  readonly servesSystem: boolean;
}

/** What the venue keeps to. Where sources leave behaviour open the default is the documented or the likelier one. */
export interface Promises {
  readonly refusesRepeatedIds: 'always' | 'whileOpen' | 'never';
  /** False: requests with old timestamps are accepted. */
  readonly refusesTimestamps: boolean;
  /** How far ahead a timestamp may be outside v4, whose rule is fixed: not documented, a minute being the forgiving reading. */
  readonly acceptsAheadMs: number;
  /** How long a new order cannot be found by any query. */
  readonly showsOrdersWithinMs: number;
  /** How long an order that was cancelled without a fill can still be found. */
  readonly forgetsUnfilledAfterMs: number;
  readonly limitMakerCrossing: 'cancel' | 'refuse';
  readonly marketBuyEnds: 'filled' | 'partially_canceled';
  readonly batch: 'atomic' | 'fewer-ids' | 'inner-code' | 'other-order';
  /** Cancelling a finished order: its code (50030, 50031), or success with result false. */
  readonly cancelsFinished: 'code' | 'result-false';
  readonly banAfterRefusals: number;
  readonly banMs: number;
  readonly margin: MarginPromises;
  readonly futures: FuturesPromises;
}

const MINUTE_MS = 60_000;

export const defaultPromises = (timeScale: number): Promises => ({
  refusesRepeatedIds: 'always',
  refusesTimestamps: true,
  acceptsAheadMs: MINUTE_MS * timeScale,
  showsOrdersWithinMs: 0,
  forgetsUnfilledAfterMs: 20 * MINUTE_MS,
  limitMakerCrossing: 'cancel',
  marketBuyEnds: 'filled',
  batch: 'atomic',
  cancelsFinished: 'code',
  banAfterRefusals: 20,
  banMs: MINUTE_MS * timeScale,
  margin: { borrows: 'auto', orderIdAs: 'string', limitMakerCrossing: 'refuse' },
  futures: {
    forgetsUnfilledAfterMs: 90 * 24 * 60 * MINUTE_MS,
    orderIds: 'beyond-2^53',
    makerOnlyCrossing: 'cancel',
    balanceCode: 40012,
    cancelsFinished: 'code',
    opensWithoutTerms: false,
    offStepPrices: 'refuse',
    wrongTypes: 'refuse',
    presetsOnClosing: 'ignore',
    approvingMs: 0,
    cancelsAfterMs: 0,
    servesSystem: false,
  },
});

const FUTURES_PROMISES = z.strictObject({
  refusesRepeatedIds: REPEATED_IDS.optional(),
  showsOrdersWithinMs: z.number().min(0).optional(),
  forgetsUnfilledAfterMs: z.number().min(0).optional(),
  orderIds: z.enum(['beyond-2^53', 'within-2^53']).optional(),
  makerOnlyCrossing: z.enum(['cancel', 'refuse']).optional(),
  balanceCode: z.literal([40012, 40027, 42000]).optional(),
  cancelsFinished: z.enum(['code', 'accepted']).optional(),
  opensWithoutTerms: z.boolean().optional(),
  offStepPrices: z.enum(['refuse', 'cut']).optional(),
  wrongTypes: z.enum(['refuse', 'accept']).optional(),
  presetsOnClosing: z.enum(['ignore', 'refuse']).optional(),
  approvingMs: z.number().min(0).optional(),
  cancelsAfterMs: z.number().min(0).optional(),
  servesSystem: z.boolean().optional(),
});

const MARGIN_PROMISES = z.strictObject({
  borrows: z.enum(['auto', 'never']).optional(),
  orderIdAs: z.enum(['string', 'number']).optional(),
  limitMakerCrossing: z.enum(['cancel', 'refuse']).optional(),
});

export const PROMISES = z.strictObject({
  refusesRepeatedIds: REPEATED_IDS.optional(),
  refusesTimestamps: z.boolean().optional(),
  acceptsAheadMs: z.number().min(0).optional(),
  showsOrdersWithinMs: z.number().min(0).optional(),
  forgetsUnfilledAfterMs: z.number().min(0).optional(),
  limitMakerCrossing: z.enum(['cancel', 'refuse']).optional(),
  marketBuyEnds: z.enum(['filled', 'partially_canceled']).optional(),
  batch: z.enum(['atomic', 'fewer-ids', 'inner-code', 'other-order']).optional(),
  cancelsFinished: z.enum(['code', 'result-false']).optional(),
  banAfterRefusals: z.int().min(0).optional(),
  banMs: z.number().min(0).optional(),
  margin: MARGIN_PROMISES.optional(),
  futures: FUTURES_PROMISES.optional(),
});

/** All promises: those asked for, the defaults for the rest. */
export const promised = (asked: z.infer<typeof PROMISES>, timeScale: number): Promises => {
  const defaults = defaultPromises(timeScale);
  return {
    ...defaults,
    ...(given(asked) as Partial<Promises>),
    margin: { ...defaults.margin, ...(given(asked.margin) as Partial<MarginPromises>) },
    futures: { ...defaults.futures, ...(given(asked.futures) as Partial<FuturesPromises>) },
  };
};
