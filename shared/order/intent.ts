// What a producer wants: the order intent, its schema, and the door through which every message body comes in.
// Promises: an OrderIntent that left `parse` satisfies the whole contract; anything else comes back as one Malformed
// that names every wrong field at once. Never reads a clock, an environment or the network, and never throws.
import * as z from 'zod/mini';

/** 1–32 letters and digits: legal as a client order id at every venue; the intent's id is all three: order, dedup, log key. */
export type ClientOrderId = string & z.$brand<'ClientOrderId'>;
/** An exact, positive decimal as text: no sign, no exponent, at most 20 digits before and 18 after the point. */
export type Decimal = string & z.$brand<'Decimal'>;
export type Side = 'buy' | 'sell';

/** Longest body that is looked at, in bytes; the intents queue itself refuses more than 4 KiB. */
export const BODY_LIMIT_BYTES = 4096;

/** A positive decimal, and a symbol, as text; the mandate has the same. */
export const DECIMAL = /^(?=.*[1-9])(?:0|[1-9]\d{0,19})(?:\.\d{1,18})?$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z$/;
const CLIENT_ORDER_ID = /^[A-Za-z0-9]{1,32}$/;
const ACCOUNT = /^[a-z0-9]{1,32}$/;
export const SYMBOL = /^[A-Z0-9]{1,20}_[A-Z0-9]{1,20}$/;

const must = (rule: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? 'is missing' : `must be ${rule}`;

const text = (pattern: RegExp, rule: string) =>
  z.string({ error: must(rule) }).check(z.regex(pattern, { error: must(rule) }));

const clientOrderId = text(CLIENT_ORDER_ID, '1 to 32 letters and digits').brand<'ClientOrderId'>();
const decimal = text(
  DECIMAL,
  'a positive decimal in quotes without sign or exponent, such as "0.01"',
).brand<'Decimal'>();
const instant = text(INSTANT, 'a UTC time such as "2026-11-22T19:00:00.000Z"').check(
  z.refine(isOnTheCalendar, { error: 'must be a time that exists on the calendar' }),
);
const oneOf = <const T extends string>(values: readonly T[], named: readonly string[] = values) =>
  z.enum(values, {
    error: must(`${named.length > 1 ? 'one of ' : ''}${named.map((value) => `"${value}"`).join(', ')}`),
  });
const ACTIONS = ['place', 'cancel'] as const;
const SIDES = ['buy', 'sell'] as const;
const PRICED = ['limit', 'limit-maker', 'ioc'] as const;
const TYPES = [...PRICED, 'market'] as const;

const BPS = 'a whole number of basis points from 1 to 10000';
const collar = z.strictObject(
  {
    referencePrice: decimal,
    maxDeviationBps: z
      .number({ error: must(BPS) })
      .check(
        z.multipleOf(1, { error: must(BPS) }),
        z.gte(1, { error: must(BPS) }),
        z.lte(10_000, { error: must(BPS) }),
      ),
  },
  { error: must('an object { referencePrice, maxDeviationBps }') },
);

const common = {
  id: clientOrderId,
  account: text(ACCOUNT, '1 to 32 lower-case letters and digits'),
  market: oneOf(['spot']),
  symbol: text(SYMBOL, 'BASE_QUOTE in capitals and digits, such as "BTC_USDT"'),
  createdAt: instant,
  expiresAt: instant,
  collar: z.optional(collar),
  strategy: z.optional(text(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, dashes and underscores')),
  replayOf: z.optional(clientOrderId),
};
const place = { ...common, action: z.literal('place') };

/** One strict shape per kind of intent: a market buy *has* a notional and has no size. */
const shapes = {
  priced: z.strictObject({
    ...place,
    side: oneOf(SIDES),
    type: oneOf(PRICED, TYPES),
    size: decimal,
    price: decimal,
  }),
  marketBuy: z.strictObject({ ...place, side: oneOf(['buy'], SIDES), type: z.literal('market'), notional: decimal }),
  marketSell: z.strictObject({ ...place, side: oneOf(['sell'], SIDES), type: z.literal('market'), size: decimal }),
  cancel: z.strictObject({ ...common, action: z.literal('cancel'), target: clientOrderId }),
};

/** For a body whose action is unreadable: what every intent has can still be checked. */
const anyAction = z.looseObject({ ...common, action: oneOf(ACTIONS) });

export type PlaceIntent =
  z.infer<typeof shapes.priced> | z.infer<typeof shapes.marketBuy> | z.infer<typeof shapes.marketSell>;
export type CancelIntent = z.infer<typeof shapes.cancel>;
export type OrderIntent = PlaceIntent | CancelIntent;

/** Why a body is no intent. `id` and `account` only where they could be read. `problems` has one entry per wrong field. */
export interface Malformed {
  readonly kind: 'malformed';
  readonly id?: ClientOrderId;
  readonly account?: string;
  readonly action?: string;
  readonly problems: readonly string[];
}
export type Parsed = { readonly kind: 'intent'; readonly intent: OrderIntent } | Malformed;

/** The contract as JSON Schema (draft 2020-12), for producers in any language; docs/intent.schema.json is made of it. */
export function intentJsonSchema(): unknown {
  const schema = z.toJSONSchema(z.union([shapes.priced, shapes.marketBuy, shapes.marketSell, shapes.cancel]), {
    io: 'input',
  });
  return { ...schema, $id: 'order-intent.schema.json', title: 'OrderIntent' };
}

/**
 * Reads one message body. Never throws; a body of any content gives an intent or a Malformed.
 * @param body the SQS message body, looked at up to BODY_LIMIT_BYTES
 */
export function parse(body: string): Parsed {
  const bytes = Buffer.byteLength(body);
  if (bytes > BODY_LIMIT_BYTES) {
    return { kind: 'malformed', problems: [`body has ${bytes} bytes; the limit is ${BODY_LIMIT_BYTES}`] };
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { kind: 'malformed', problems: ['body is not JSON; send one JSON object'] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'malformed', problems: ['body is not a JSON object; send one object per message'] };
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const result = shapeOf(fields);
  const problems = [...repeatedOrForbiddenKeys(body), ...result.problems];
  if (result.intent !== undefined && problems.length === 0) {
    if (Date.parse(result.intent.expiresAt) < Date.parse(result.intent.createdAt)) {
      problems.push('expiresAt lies before createdAt');
    } else return { kind: 'intent', intent: result.intent };
  }
  return { kind: 'malformed', ...readable(fields), problems };
}

function shapeOf(fields: Readonly<Record<string, unknown>>): {
  readonly intent?: OrderIntent;
  readonly problems: readonly string[];
} {
  const { action, type, side } = fields;
  if (action !== 'place' && action !== 'cancel')
    return { problems: problemsOf(anyAction.safeParse(fields).error, 'an intent') };
  const market = side === 'sell' ? shapes.marketSell : shapes.marketBuy;
  const shape = action === 'cancel' ? shapes.cancel : type === 'market' ? market : shapes.priced;
  const result = shape.safeParse(fields);
  if (result.success) return { intent: result.data, problems: [] };
  return {
    problems: problemsOf(result.error, TYPES.some((known) => known === type) ? `${action} ${String(type)}` : action),
  };
}

function problemsOf(error: z.core.$ZodError | undefined, kind: string): readonly string[] {
  return [...new Set(error?.issues.flatMap((issue) => describe(issue, kind)))];
}

function describe(issue: z.core.$ZodIssue, kind: string): readonly string[] {
  const path = issue.path.map((part) => printable(String(part))).join('.');
  if (issue.code !== 'unrecognized_keys') return [`${path} ${issue.message}`];
  return issue.keys.map((key) => {
    const name = path === '' ? printable(key) : `${path}.${printable(key)}`;
    return `${name} is no field of ${printable(kind)}`;
  });
}

function readable(fields: Readonly<Record<string, unknown>>): {
  id?: ClientOrderId;
  account?: string;
  action?: string;
} {
  const id = clientOrderId.safeParse(fields['id']);
  const { account, action } = fields;
  return {
    ...(id.success ? { id: id.data } : {}),
    ...(typeof account === 'string' && ACCOUNT.test(account) ? { account } : {}),
    ...(typeof action === 'string' && ACTIONS.some((known) => known === action) ? { action } : {}),
  };
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/** JSON.parse keeps the last of two equal keys in silence, and validators step over `__proto__`: both are refused here. */
function repeatedOrForbiddenKeys(json: string): readonly string[] {
  const problems: string[] = [];
  const open: (Set<string> | undefined)[] = [];
  let last = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const key = JSON.parse(last) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) problems.push(`${printable(key)} appears twice; send each field once`);
      if (key === '__proto__') problems.push('__proto__ is no field of an intent');
      keys?.add(key);
    }
    last = token;
  }
  return problems;
}

/** V8 reads 30 February as 2 March; only a time that survives the round trip exists. */
function isOnTheCalendar(instant: string): boolean {
  if (!INSTANT.test(instant)) return true; // said already
  const ms = Date.parse(instant);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(instant.slice(0, 19));
}

function printable(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > 40 ? `${plain.slice(0, 40)}...` : plain;
}
