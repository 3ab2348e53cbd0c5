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

/** A positive decimal, an account and a symbol, as text; mandate and operator have the same. */
export const DECIMAL = /^(?=.*[1-9])(?:0|[1-9]\d{0,19})(?:\.\d{1,18})?$/;
export const ACCOUNT = /^[a-z0-9]{1,32}$/;
export const SYMBOL = /^[A-Z0-9]{1,20}_[A-Z0-9]{1,20}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z$/;
const CLIENT_ORDER_ID = /^[A-Za-z0-9]{1,32}$/;

const TIMEOUT = 'a whole number of seconds, 0 or from 5 to 86400';

const must = (rule: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? 'is missing' : `must be ${rule}`;

const text = (pattern: RegExp, rule: string) =>
  z.string({ error: must(rule) }).check(z.regex(pattern, { error: must(rule) }));

const clientOrderId = text(CLIENT_ORDER_ID, '1 to 32 letters and digits').brand<'ClientOrderId'>();
const AMOUNT = 'a positive decimal in quotes without sign or exponent, such as "0.01"';
const decimal = text(DECIMAL, AMOUNT).brand<'Decimal'>();
const instant = text(INSTANT, 'a UTC time such as "2026-11-22T19:00:00.000Z"').check(
  z.refine(isOnTheCalendar, { error: 'must be a time that exists on the calendar' }),
);
const oneOf = <const T extends string>(values: readonly T[], named: readonly string[] = values) =>
  z.enum(values, {
    error: must(`${named.length > 1 ? 'one of ' : ''}${named.map((value) => `"${value}"`).join(', ')}`),
  });
/** The market of an action that contracts alone have. @param instead what to do on another market */
const futuresOnly = (action: string, instead = '') =>
  z.enum(['futures'], { error: must(`"futures": ${action} is for futures alone${instead}`) });
const ACTIONS = [
  'place',
  'cancel',
  'cancel-all',
  'amend',
  'set-leverage',
  'set-position-mode',
  'cancel-all-after',
] as const;
const MARKETS = ['spot', 'margin', 'futures'] as const;
const SIDES = ['buy', 'sell'] as const;
const PRICED = ['limit', 'limit-maker', 'ioc'] as const;
const FUTURES_PRICED = [...PRICED, 'fok'] as const;
const TYPES = [...FUTURES_PRICED, 'market'] as const;
const SPOT_TYPES = [...PRICED, 'market'] as const;
const MARGIN_MODES = ['isolated', 'cross'] as const;
const STP = ['none', 'cancel-maker', 'cancel-taker', 'cancel-both'] as const;

const wholeNumber = (least: number, most: number, rule: string) =>
  z
    .number({ error: must(rule) })
    .check(
      z.multipleOf(1, { error: must(rule) }),
      z.gte(least, { error: must(rule) }),
      z.lte(most, { error: must(rule) }),
    );
const collar = z.strictObject(
  {
    referencePrice: decimal,
    maxDeviationBps: wholeNumber(1, 10_000, 'a whole number of basis points from 1 to 10000'),
  },
  { error: must('an object { referencePrice, maxDeviationBps }') },
);

const common = {
  id: clientOrderId,
  account: text(ACCOUNT, '1 to 32 lower-case letters and digits'),
  createdAt: instant,
  expiresAt: instant,
  collar: z.optional(collar),
  strategy: z.optional(text(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, dashes and underscores')),
  replayOf: z.optional(clientOrderId),
};
const symbol = text(SYMBOL, 'BASE_QUOTE in capitals and digits, such as "BTC_USDT"');
const anyMarket = oneOf(MARKETS);
const spotOrMargin = oneOf(['spot', 'margin'], MARKETS);
const futures = oneOf(['futures'], MARKETS);

const place = { ...common, action: z.literal('place'), symbol };
const spot = { ...place, market: spotOrMargin, selfTradePrevention: z.optional(oneOf(STP)) };
const priced = { side: oneOf(SIDES), size: decimal, price: decimal };
const spotPricedType = z.enum(PRICED, {
  error: (issue) => {
    const rule = `one of ${SPOT_TYPES.map((type) => `"${type}"`).join(', ')}`;
    return must(issue.input === 'fok' ? `${rule}: spot and margin have no fok` : rule)(issue);
  },
});

/** A price at which the venue closes the position by itself; `trigger` is the price that is watched. */
const exit = z.optional(
  z.strictObject(
    { price: decimal, trigger: z.optional(oneOf(['last', 'mark'])) },
    { error: must('an object { price, trigger? }') },
  ),
);
const contract = {
  ...place,
  market: futures,
  selfTradePrevention: z.optional(oneOf(['cancel-maker', 'cancel-taker', 'cancel-both'])),
};
/** What opens a position may say how; what only reduces one takes leverage and mode as they are. */
const opening = {
  ...contract,
  reduceOnly: z.optional(z.literal(false, { error: must('true or false') })),
  leverage: z.optional(decimal),
  marginMode: z.optional(oneOf(MARGIN_MODES)),
  takeProfit: exit,
  stopLoss: exit,
};
const reducing = { ...contract, reduceOnly: z.literal(true) };
const contractPriced = { ...priced, type: oneOf(FUTURES_PRICED, TYPES) };
const contractMarket = { side: oneOf(SIDES), type: z.literal('market'), size: decimal };

const amend = {
  ...common,
  action: z.literal('amend'),
  market: futuresOnly('amend', '; cancel and place anew'),
  symbol,
  target: clientOrderId,
};
const amendedPrice = z
  .string({
    error: (issue) =>
      issue.input === undefined ? 'is missing, and so is size: an amend changes one or both' : must(AMOUNT)(issue),
  })
  .check(z.regex(DECIMAL, { error: must(AMOUNT) }))
  .brand<'Decimal'>();

/** One strict shape per kind of intent: a market buy *has* a notional and has no size, an order that reduces no leverage. */
const shapes = {
  priced: z.strictObject({ ...spot, ...priced, type: spotPricedType }),
  marketBuy: z.strictObject({ ...spot, side: oneOf(['buy'], SIDES), type: z.literal('market'), notional: decimal }),
  marketSell: z.strictObject({ ...spot, side: oneOf(['sell'], SIDES), type: z.literal('market'), size: decimal }),
  openPriced: z.strictObject({ ...opening, ...contractPriced }),
  openMarket: z.strictObject({ ...opening, ...contractMarket }),
  reducePriced: z.strictObject({ ...reducing, ...contractPriced }),
  reduceMarket: z.strictObject({ ...reducing, ...contractMarket }),
  cancel: z.strictObject({ ...common, action: z.literal('cancel'), market: anyMarket, symbol, target: clientOrderId }),
  cancelAll: z.strictObject({
    ...common,
    action: z.literal('cancel-all'),
    market: spotOrMargin,
    symbol: z.optional(symbol),
    side: z.optional(oneOf(SIDES)),
  }),
  cancelAllFutures: z.strictObject({ ...common, action: z.literal('cancel-all'), market: futures, symbol }),
  amendPrice: z.strictObject({ ...amend, price: amendedPrice, size: z.optional(decimal) }),
  amendSize: z.strictObject({ ...amend, size: decimal }),
  setLeverage: z.strictObject({
    ...common,
    action: z.literal('set-leverage'),
    market: futuresOnly('set-leverage'),
    symbol,
    leverage: decimal,
    marginMode: oneOf(MARGIN_MODES),
  }),
  setPositionMode: z.strictObject({
    ...common,
    action: z.literal('set-position-mode'),
    market: futuresOnly('set-position-mode'),
    positionMode: oneOf(['hedge', 'one-way']),
  }),
  /** The dead-man switch: all orders of the symbol are canceled unless it is set anew in time; 0 turns it off. */
  cancelAllAfter: z.strictObject({
    ...common,
    action: z.literal('cancel-all-after'),
    market: futuresOnly('cancel-all-after'),
    symbol,
    timeoutSeconds: z.union([z.literal(0), wholeNumber(5, 86_400, TIMEOUT)], { error: must(TIMEOUT) }),
  }),
};

/** For a body whose action is unreadable: what every intent has can still be checked. */
const anyAction = z.looseObject({ ...common, market: anyMarket, action: oneOf(ACTIONS) });

type Shape<K extends keyof typeof shapes> = z.infer<(typeof shapes)[K]>;
export type FuturesPlaceIntent = Shape<'openPriced' | 'openMarket' | 'reducePriced' | 'reduceMarket'>;
export type PlaceIntent = Shape<'priced' | 'marketBuy' | 'marketSell'> | FuturesPlaceIntent;
export type AmendIntent = Shape<'amendPrice' | 'amendSize'>;
export type OrderIntent = Shape<keyof typeof shapes>;
export type Market = (typeof MARKETS)[number];
export type OrderType = (typeof TYPES)[number];
export type MarginMode = (typeof MARGIN_MODES)[number];
export type SelfTradePrevention = (typeof STP)[number];
export type Exit = Exclude<z.infer<typeof exit>, undefined>;

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
  const schema = z.toJSONSchema(z.union(Object.values(shapes)), { io: 'input' });
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
  const problems = [...(isPlain(body, fields) ? [] : repeatedOrForbiddenKeys(body)), ...result.problems];
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
  const shape = shapeFor(fields);
  const result = (shape ?? anyAction).safeParse(fields);
  if (shape === undefined) return { problems: problemsOf(result.error, 'an intent') };
  if (result.success) return { intent: result.data as OrderIntent, problems: [] };
  const { action, type } = fields;
  const isKnownType = action === 'place' && TYPES.some((known) => known === type);
  return { problems: problemsOf(result.error, isKnownType ? `place ${String(type)}` : String(action)) };
}

/** The shape that a body must have by what it says it is; undefined where it does not say. */
function shapeFor(fields: Readonly<Record<string, unknown>>): (typeof shapes)[keyof typeof shapes] | undefined {
  const { action, market, type, side, reduceOnly, price } = fields;
  const isFutures = market === 'futures';
  const isMarket = type === 'market';
  switch (action) {
    case 'place':
      if (isFutures && reduceOnly === true) return isMarket ? shapes.reduceMarket : shapes.reducePriced;
      if (isFutures) return isMarket ? shapes.openMarket : shapes.openPriced;
      if (!isMarket) return shapes.priced;
      return side === 'sell' ? shapes.marketSell : shapes.marketBuy;
    case 'cancel':
      return shapes.cancel;
    case 'cancel-all':
      return isFutures ? shapes.cancelAllFutures : shapes.cancelAll;
    case 'amend':
      return price === undefined && 'size' in fields ? shapes.amendSize : shapes.amendPrice;
    case 'set-leverage':
      return shapes.setLeverage;
    case 'set-position-mode':
      return shapes.setPositionMode;
    case 'cancel-all-after':
      return shapes.cancelAllAfter;
    default:
      return undefined;
  }
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

/** Does the text hold as many keys as became fields? Told only of text without a backslash, and without `__proto__`. */
function isPlain(json: string, fields: object): boolean {
  if (json.includes('\\') || json.includes('__proto__')) return false;
  let keys = 0;
  let end = -1;
  for (let start = json.indexOf('"'); start >= 0; start = json.indexOf('"', end + 1)) {
    end = json.indexOf('"', start + 1);
    let next = end + 1;
    while (json.charCodeAt(next) <= SPACE) next += 1;
    if (json.charCodeAt(next) === COLON) keys += 1;
  }
  return keys === keysIn(fields);
}

const SPACE = 32;
const COLON = 58;

function keysIn(value: object): number {
  let keys = 0;
  for (const each of Object.values(value) as unknown[]) {
    keys += Array.isArray(value) ? 0 : 1;
    if (typeof each === 'object' && each !== null) keys += keysIn(each);
  }
  return keys;
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

/** V8 reads 30 February as 2 March, and 24:00 as the next day; only a time that survives the round trip exists. */
function isOnTheCalendar(instant: string): boolean {
  if (!INSTANT.test(instant)) return true; // said already
  const ms = Date.parse(instant);
  const day = Number(instant.slice(8, 10));
  return !Number.isNaN(ms) && ((day <= 28 && !instant.includes('T24')) || new Date(ms).getUTCDate() === day);
}

function printable(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > 40 ? `${plain.slice(0, 40)}...` : plain;
}
