// What the venue keeps to and how control breaks it. Promises that a promise not named is the default. Every point that no
// source settles stands here, its default being the documented, the likelier or else the less comfortable reading.
import * as z from 'zod';
import { given, REPEATED_IDS } from '../exchange/steering.ts';

export interface Promises {
  /** Documented as "always unique". */
  readonly refusesRepeatedIds: 'always' | 'whileOpen' | 'never';
  /** How long after its order has closed an id is remembered; null is forever. Nobody knows; the documents name no end. */
  readonly forgetsIdsAfterMs: number | null;
  /** Whether an id is used up by an order that was refused in the answer itself. Nobody knows. */
  readonly refusedOrdersConsumeIds: boolean;
  /** Whether an id is used up by an order that was accepted and then rejected. Nobody knows. */
  readonly rejectedOrdersConsumeIds: boolean;
  /** What shares one space of ids. Nobody knows. */
  readonly idsAreUniquePer: 'account' | 'category' | 'symbol';
  /** 36 by the documents; the server was once seen to complain only above 45. */
  readonly longestId: 36 | 45;
  /** 10014 for a signature that was seen before and is still in its window. What counts as equal is not documented. */
  readonly refusesReplays: boolean;
  /** False: requests with old timestamps are accepted. */
  readonly refusesTimestamps: boolean;
  readonly acceptsAheadMs: number;
  /** The largest receive window; null is any. Nobody knows; 50000 is in use. */
  readonly maxRecvWindowMs: number | null;
  /** The second check of age, behind the gateway (-1). Nothing says that it always runs. */
  readonly refusesStaleInside: boolean;
  /** The HTTP status of 10003, 10004 and the like: 200 or 401, nobody knows. */
  readonly authStatus: 200 | 401;
  /** What a demo account is answered where the demo host has no such endpoint: nobody knows. */
  readonly demoRefusalCode: number;
  /** How long an accepted order, cancel or amendment waits until it is acted on. Never documented; it is not nothing. */
  readonly actsAfterMs: number;
  readonly cancelsAfterMs: number;
  /** How long a booked order cannot be found by any query. */
  readonly showsOrdersWithinMs: number;
  /** How far the history is behind. It may lag, the documents say, not how long. */
  readonly historyLagsMs: number;
  /** Documented: 24 hours for what ended without a fill. */
  readonly forgetsUnfilledAfterMs: number;
  /** Whether the seven days of a query without times also hide an older order that is asked for by its id. Nobody knows. */
  readonly weekLimitsLookups: boolean;
  /** A post-only order that would take: cancelled or rejected after acceptance, or on spot refused at once with 170218. */
  readonly postOnlyCrossing: 'cancelled' | 'rejected' | 'refused';
  /** How a market order by value ends whose rest buys less than one step. */
  readonly marketBuyEnds: 'filled' | 'partially_canceled';
  /** The price beyond which a market order does not trade, as a part of the best price. Not documented. */
  readonly marketBound: string;
  /** Cancelling or amending a finished order: the code that says how it ended, or the one of an order that does not exist. */
  readonly cancelsFinished: 'code' | 'not-found';
  /** Which pair of codes a perpetual's price outside the band gets once prices are refused: 30208/30209 or 110121/110120. */
  readonly bandCode: 30208 | 110121;
  /** The lists of a batch's answer: as documented, or each in a way that a client must not trust. */
  readonly batch: 'listed' | 'shuffled' | 'unequal' | 'missing';
  /** 20 by the batch pages, 10 by a remark of the limit page. */
  readonly linearBatchMax: number;
  /** Orders a second: the level of the account. */
  readonly ordersPerSecond: { readonly spot: number; readonly linear: number };
  /** Whether calls that were refused for their number count as calls. Nobody knows. */
  readonly countsRefused: boolean;
  /** Whether public calls carry usage headers. Nobody knows. */
  readonly publicUsageHeaders: boolean;
  readonly ipRequests: number;
  readonly ipBanMs: number;
  /** Whether calls during the ban of an address make it longer. Nobody knows: "at least" ten minutes. */
  readonly callsProlongIpBan: boolean;
  /** Every call is answered with the page for a country that is not served. */
  readonly blocksCountry: boolean;
}

const MINUTE_MS = 60_000;

export const defaultPromises = (timeScale: number): Promises => ({
  refusesRepeatedIds: 'always',
  forgetsIdsAfterMs: null,
  refusedOrdersConsumeIds: false,
  rejectedOrdersConsumeIds: true,
  idsAreUniquePer: 'category',
  longestId: 36,
  refusesReplays: false,
  refusesTimestamps: true,
  acceptsAheadMs: 1000,
  maxRecvWindowMs: null,
  refusesStaleInside: false,
  authStatus: 200,
  demoRefusalCode: 10017,
  actsAfterMs: 20,
  cancelsAfterMs: 20,
  showsOrdersWithinMs: 0,
  historyLagsMs: 500,
  forgetsUnfilledAfterMs: 24 * 60 * MINUTE_MS,
  weekLimitsLookups: true,
  postOnlyCrossing: 'cancelled',
  marketBuyEnds: 'filled',
  marketBound: '0.05',
  cancelsFinished: 'code',
  bandCode: 30208,
  batch: 'listed',
  linearBatchMax: 20,
  ordersPerSecond: { spot: 20, linear: 10 },
  countsRefused: false,
  publicUsageHeaders: false,
  ipRequests: 600,
  ipBanMs: 10 * MINUTE_MS * timeScale,
  callsProlongIpBan: false,
  blocksCountry: false,
});

const MS = z.number().min(0);

export const PROMISES = z
  .strictObject({
    refusesRepeatedIds: REPEATED_IDS,
    forgetsIdsAfterMs: MS.nullable(),
    refusedOrdersConsumeIds: z.boolean(),
    rejectedOrdersConsumeIds: z.boolean(),
    idsAreUniquePer: z.enum(['account', 'category', 'symbol']),
    longestId: z.literal([36, 45]),
    refusesReplays: z.boolean(),
    refusesTimestamps: z.boolean(),
    acceptsAheadMs: MS,
    maxRecvWindowMs: MS.nullable(),
    refusesStaleInside: z.boolean(),
    authStatus: z.literal([200, 401]),
    demoRefusalCode: z.int(),
    actsAfterMs: MS,
    cancelsAfterMs: MS,
    showsOrdersWithinMs: MS,
    historyLagsMs: MS,
    forgetsUnfilledAfterMs: MS,
    weekLimitsLookups: z.boolean(),
    postOnlyCrossing: z.enum(['cancelled', 'rejected', 'refused']),
    marketBuyEnds: z.enum(['filled', 'partially_canceled']),
    marketBound: z.string().regex(/^0\.\d{1,6}$/, 'must be a part such as "0.05"'),
    cancelsFinished: z.enum(['code', 'not-found']),
    bandCode: z.literal([30208, 110121]),
    batch: z.enum(['listed', 'shuffled', 'unequal', 'missing']),
    linearBatchMax: z.int().min(1),
    ordersPerSecond: z.strictObject({ spot: z.int().min(1), linear: z.int().min(1) }),
    countsRefused: z.boolean(),
    publicUsageHeaders: z.boolean(),
    ipRequests: z.int().min(1),
    ipBanMs: MS,
    callsProlongIpBan: z.boolean(),
    blocksCountry: z.boolean(),
  })
  .partial();

/** All promises: those asked for, the defaults for the rest. */
export const promised = (asked: z.infer<typeof PROMISES>, defaults: Promises): Promises => ({
  ...defaults,
  ...(given(asked) as Partial<Promises>),
});
