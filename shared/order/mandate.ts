// What an account may do now: its trading state and limits. It lives beside the key in the account's secret, so that
// whoever can write to the queue cannot widen it. What cannot be read means no trading.
import * as z from 'zod/mini';
import { DECIMAL, SYMBOL } from './intent.ts';

const schema = z.strictObject({
  /** active: all; reducing: only what lowers exposure (spot: sells); halted: only cancels. */
  state: z.enum(['active', 'reducing', 'halted']),
  /** Symbols that may be traded; absent = all. */
  symbols: z.optional(z.array(z.string().check(z.regex(SYMBOL)))),
  /** Most that one order may be worth, in quote coin. */
  maxOrderNotional: z.optional(z.string().check(z.regex(DECIMAL))),
  /** This key's part of the venue's limit for writes, above 0 and at most 1; the parts of all keys of one user add up to at most 1. */
  limitShare: z.optional(z.number().check(z.gt(0), z.lte(1))),
  /** Consecutive new orders of one symbol may go out in one request, where the venue has one. */
  batching: z.optional(z.boolean()),
  /** Everything but the send: reports say what would have been sent. */
  shadow: z.optional(z.boolean()),
});

export type Mandate = z.infer<typeof schema>;

/** Reads a mandate; the sentence says what is wrong, naming fields and never values. */
export function readMandate(value: unknown): Mandate | { readonly unreadable: string } {
  if (value === undefined) return { unreadable: 'mandate is missing; add { "state": "active" }' };
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  return { unreadable: `mandate has wrong fields: ${wrongFields(result.error, 'mandate')}` };
}

/**
 * What still holds of a mandate that cannot be read: cancels pass, and they keep to what can be told of shadow mode and of the
 * key's part of the limit. Whatever stands there for shadow mode that is not plainly "no" is taken for it, and an unreadable
 * part for a small one.
 */
export function salvaged(value: unknown): Mandate {
  const { shadow, limitShare } = (typeof value === 'object' && value !== null ? value : { shadow: value }) as Readonly<
    Record<string, unknown>
  >;
  const share = schema.shape.limitShare.safeParse(limitShare);
  return {
    state: 'halted',
    ...(shadow === undefined || shadow === false ? {} : { shadow: true }),
    ...(share.data === undefined && share.success ? {} : { limitShare: share.data ?? SMALL_SHARE }),
  };
}
const SMALL_SHARE = 0.1;

/** The fields that a schema refused, by name and once each, never with a value. @param whole the name of the whole */
export function wrongFields(error: z.core.$ZodError, whole: string): string {
  const fields = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${key} (unknown field)`)
      : [issue.path.join('.') || whole],
  );
  return [...new Set(fields)].join(', ');
}
