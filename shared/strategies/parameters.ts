// The kinds of parameters that strategies have: each a schema, the rule in words, what it means, and what it is when it is
// left out. Lists, docs and complaints are made of the same words. Amounts are text, times become ms.
import Big from 'big.js';
import * as z from 'zod/mini';
import { DECIMAL, SYMBOL } from '../order/intent.ts';

/** One parameter: its schema, and the words for lists and docs. */
export interface Field<T = unknown> {
  readonly schema: z.ZodMiniType<T>;
  /** What it must be. */
  readonly rule: string;
  readonly meaning: string;
  /** What it is where it is left out, for people; absent where it must be given. */
  readonly fallback?: string;
}
export type Fields = Readonly<Record<string, Field>>;
/** What the fields come to once they are read. */
export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

const must = (rule: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? 'is missing' : `must be ${rule}`;

function field<T>(schema: z.ZodMiniType<T>, rule: string, meaning: string): Field<T> {
  return { schema, rule, meaning };
}

/** The same, with what it is where it is left out. */
function orElse<T>(
  { schema, ...words }: Field<T>,
  value: T & z.core.util.NoUndefined<T>,
  said = String(value),
): Field<T> {
  return { ...words, schema: z._default(schema, value), fallback: said };
}

const AMOUNT = 'a positive decimal in quotes, such as "25"';
const amountSchema = z.string({ error: must(AMOUNT) }).check(z.regex(DECIMAL, { error: must(AMOUNT) }));

/** A positive decimal, as text. */
export function amount(meaning: string, fallback?: string): Field<string> {
  const given = field<string>(amountSchema, AMOUNT, meaning);
  return fallback === undefined ? given : orElse(given, fallback);
}

/** The same, where it may be left out. @param without what holds then */
export function perhaps(meaning: string, without: string): Field<string | undefined> {
  return { schema: z.optional(amountSchema), rule: AMOUNT, meaning, fallback: without };
}

export function wholeNumber(least: number, most: number, meaning: string, fallback?: number): Field<number> {
  const rule = `a whole number from ${least} to ${most}`;
  const error = must(rule);
  const schema = z.number({ error }).check(z.multipleOf(1, { error }), z.gte(least, { error }), z.lte(most, { error }));
  const given = field<number>(schema, rule, meaning);
  return fallback === undefined ? given : orElse(given, fallback);
}

export function oneOf<const T extends string | number>(
  values: readonly T[],
  meaning: string,
  fallback?: NoInfer<T>,
): Field<T> {
  const rule = `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`;
  const error = must(rule);
  const given = field<T>(z.literal(values, { error }), rule, meaning);
  return fallback === undefined ? given : orElse<T>(given, fallback as never);
}

const SYMBOL_RULE = 'BASE_QUOTE in capitals and digits, such as "BTC_USDT"';
export function symbol(meaning: string): Field<string> {
  const error = must(SYMBOL_RULE);
  return field<string>(z.string({ error }).check(z.regex(SYMBOL, { error })), SYMBOL_RULE, meaning);
}

const SECOND = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.000)?Z$/;

/** A UTC time of whole seconds in ms; undefined where the text is none, or not on the calendar. */
export function timeOf(text: string): number | undefined {
  const ms = SECOND.test(text) ? Date.parse(text) : Number.NaN;
  // V8 reads 30 February as 2 March.
  const read = Number.isNaN(ms) ? '' : new Date(ms).toISOString();
  return read.slice(0, 19) === text.slice(0, 19) ? ms : undefined;
}

/** A time in ms, given as text. */
export function instant(meaning: string): Field<number> {
  const rule = 'a UTC time of whole seconds, such as "2026-11-22T19:00:00Z"';
  const error = must(rule);
  const text = z.string({ error }).check(z.refine((given) => timeOf(given) !== undefined, { error }));
  const schema = z.pipe(
    text,
    z.transform((given: string) => timeOf(given) ?? Number.NaN),
  );
  return field<number>(schema, rule, meaning);
}

const COIN = /^[A-Z0-9]{1,20}$/;
export function coin(meaning: string, fallback: string): Field<string> {
  const rule = 'a coin in capitals and digits, such as "USDT"';
  const error = must(rule);
  return orElse(field<string>(z.string({ error }).check(z.regex(COIN, { error })), rule, meaning), fallback);
}

/** Coins with their weights in percent, as text. @param most how many coins */
export function weights(most: number, meaning: string): Field<Readonly<Record<string, string>>> {
  const rule = `1 to ${most} coins with their weights in percent, each above 0 and together at most 100, such as { "BTC": "50", "ETH": "30" }`;
  const error = must(rule);
  const entry = z.string({ error }).check(z.regex(DECIMAL, { error }));
  const schema = z.record(z.string().check(z.regex(COIN, { error })), entry, { error }).check(
    z.refine(
      (given) => {
        const values = Object.values(given);
        // Where one is no amount, that is said already.
        if (!values.every((each) => DECIMAL.test(each))) return true;
        const isCounted = values.length >= 1 && values.length <= most;
        return isCounted && values.reduce((sum, each) => sum.plus(each), new Big(0)).lte(100);
      },
      { error },
    ),
  );
  return field<Readonly<Record<string, string>>>(schema, rule, meaning);
}
