// What an account may do now: its trading state and limits. It lives beside the key in the account's secret, so that
// whoever can write to the queue cannot widen it. What cannot be read means no trading.
import * as z from 'zod/mini';

const decimal = z.string().check(z.regex(/^(?=.*[1-9])(?:0|[1-9]\d{0,19})(?:\.\d{1,18})?$/));

const schema = z.strictObject({
  /** active: all; reducing: only what lowers exposure (spot: sells); halted: only cancels. */
  state: z.enum(['active', 'reducing', 'halted']),
  /** Symbols that may be traded; absent = all. */
  symbols: z.optional(z.array(z.string().check(z.regex(/^[A-Z0-9]{1,20}_[A-Z0-9]{1,20}$/)))),
  /** Most that one order may be worth, in quote coin. */
  maxOrderNotional: z.optional(decimal),
  /** This key's part of the venue's limit, above 0 and at most 1; the parts of all keys of one user add up to at most 1. */
  limitShare: z.optional(z.number().check(z.gt(0), z.lte(1))),
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
  const fields = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${key} (unknown field)`)
      : [issue.path.join('.') || 'mandate'],
  );
  return { unreadable: `mandate has wrong fields: ${fields.join(', ')}` };
}
