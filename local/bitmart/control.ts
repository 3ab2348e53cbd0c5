// The control interface: what tests and the local stack set and read. Promises that PUT replaces, that wrong input gets
// a 400 with a sentence, and that no secret comes back out. Never part of the venue's own API.
import * as z from 'zod';
import { decimal, ZERO } from './decimals.ts';
import { CURRENCIES } from './instruments.ts';
import { FAULT_NAMES } from './faults.ts';
import type { Order } from './orders.ts';
import { defaultPromises, endow, type Key, type Promises, type Venue } from './venue.ts';

interface Answered {
  readonly status: number;
  readonly body: object;
}

const ok = (body: object): Answered => ({ status: 200, body });
const wrong = (sentence: string): Answered => ({ status: 400, body: { error: sentence } });

const AMOUNT = z.string().regex(/^\d{1,20}(\.\d{1,18})?$/, 'must be a plain decimal text such as "1000.5"');

const ACCOUNT = z.strictObject({
  account: z.string().min(1),
  apiKey: z.string().min(1),
  secretKey: z.string().min(1),
  memo: z.string(),
  uid: z.string().min(1).optional(),
  permissions: z.array(z.enum(['read', 'spot-trade', 'margin-trade', 'future-trade', 'withdraw'])).optional(),
  ips: z.array(z.string()).optional(),
  balances: z.record(z.string().regex(/^[A-Z0-9]+$/), AMOUNT).optional(),
  expired: z.boolean().optional(),
  frozen: z.boolean().optional(),
});

const FAULTS = z.strictObject({
  seed: z.int().default(1),
  faults: z.array(
    z
      .strictObject({
        path: z.string().startsWith('/'),
        fault: z.enum(FAULT_NAMES),
        probability: z.number().min(0).max(1).default(1),
        times: z.int().min(1, 'must be at least 1; leave it out for no limit').optional(),
        ms: z.number().min(0).max(3_600_000).default(0),
        code: z.int().min(0).default(0),
      })
      .refine(({ fault, code }) => fault !== 'code' || code > 0, 'fault "code" needs the BitMart code to answer with')
      .refine(
        ({ fault, code }) => fault !== 'status' || code === 0 || (code >= 200 && code <= 599),
        'fault "status" takes an HTTP status from 200 to 599 as code',
      ),
  ),
});

const CLOCK = z.strictObject({ offsetMs: z.int() });

const PROMISES = z.strictObject({
  refusesRepeatedIds: z.union([z.enum(['always', 'whileOpen', 'never']), z.boolean()]).optional(),
  refusesTimestamps: z.boolean().optional(),
  showsOrdersWithinMs: z.number().min(0).optional(),
  forgetsUnfilledAfterMs: z.number().min(0).optional(),
  limitMakerCrossing: z.enum(['cancel', 'refuse']).optional(),
  marketBuyEnds: z.enum(['filled', 'partially_canceled']).optional(),
  batch: z.enum(['atomic', 'fewer-ids', 'inner-code']).optional(),
  cancelsFinished: z.enum(['code', 'result-false']).optional(),
  banAfterRefusals: z.int().min(0).optional(),
  banMs: z.number().min(0).optional(),
});

const SERVICE = z.strictObject({
  service_type: z.enum(['spot', 'contract', 'account']),
  status: z.enum(['0', '1', '2']),
  title: z.string().optional(),
  start_time: z.int().optional(),
  end_time: z.int().optional(),
});

const MARKET = z.strictObject({ symbol: z.string(), mid: AMOUNT });

const DEFAULT_BALANCES: Readonly<Record<string, string>> = { USDT: '1000000', BTC: '100', ETH: '1000' };

const register = (venue: Venue, asked: z.infer<typeof ACCOUNT>): Answered => {
  const { account, apiKey, balances } = asked;
  const holder = venue.keys.get(apiKey);
  if (holder && holder.account !== account)
    return wrong(`apiKey belongs to account ${holder.account}; use another one`);
  const unknown = Object.keys(balances ?? {}).find((currency) => !(currency in CURRENCIES));
  if (unknown) return wrong(`balances: no currency ${unknown} here; use ${Object.keys(CURRENCIES).join(', ')}`);
  const before = [...venue.keys.values()].find((key) => key.account === account);
  const uid = asked.uid ?? before?.uid ?? `uid-${account}`;
  const key: Key = {
    account,
    apiKey,
    secretKey: asked.secretKey,
    memo: asked.memo,
    uid,
    permissions: asked.permissions ?? ['read', 'spot-trade'],
    ips: asked.ips ?? [],
    expired: asked.expired ?? false,
    frozen: asked.frozen ?? false,
  };
  if (before) venue.keys.delete(before.apiKey);
  venue.keys.set(apiKey, key);
  if (balances !== undefined || !venue.endowments.has(uid)) {
    venue.endowments.set(uid, balances ?? DEFAULT_BALANCES);
    for (const currency of venue.exchange.ledger.currencies(uid)) venue.exchange.ledger.endow(uid, currency, ZERO);
    endow(venue, uid);
  }
  return ok(keyRow(venue, key));
};

/** A registered key as it may be shown: neither secret nor memo, and of the key itself only its end. */
const keyRow = (venue: Venue, { account, apiKey, uid, permissions, ips, expired, frozen }: Key): object => {
  const { ledger } = venue.exchange;
  const balances = ledger.currencies(uid).map((currency) => {
    const held = ledger.balance(uid, currency);
    return [currency, { available: held.available.toFixed(), frozen: held.frozen.toFixed() }];
  });
  const apiKeyEnding = apiKey.slice(-4).padStart(8, '*');
  return {
    account,
    uid,
    apiKeyEnding,
    permissions,
    ips,
    expired,
    frozen,
    balances: Object.fromEntries(balances) as object,
  };
};

const orderRow = (order: Order): object => ({
  orderId: order.orderId,
  clientOrderId: order.clientOrderId,
  account: order.account,
  symbol: order.instrument.symbol,
  side: order.side,
  type: order.type,
  size: order.size.toFixed(),
  price: order.price.toFixed(),
  notional: order.notional.toFixed(),
  filledSize: order.filledSize.toFixed(),
  filledNotional: order.filledNotional.toFixed(),
  state: order.state,
  cancelSource: order.cancelSource,
  createTime: order.createTime,
});

const promise = (venue: Venue, asked: z.infer<typeof PROMISES>): Answered => {
  const { refusesRepeatedIds: repeated, ...rest } = asked;
  const named = typeof repeated === 'boolean' ? (repeated ? 'always' : 'never') : repeated;
  const given = Object.fromEntries(
    Object.entries({ ...rest, refusesRepeatedIds: named }).filter(([, value]) => value !== undefined),
  ) as Partial<Promises>;
  venue.settings.promises = { ...defaultPromises(venue.timeScale), ...given };
  return ok(venue.settings.promises);
};

const clock = (venue: Venue): Answered =>
  ok({ offsetMs: venue.settings.clockOffsetMs, serverTime: venue.now().venueMs });

const setService = (venue: Venue, asked: z.infer<typeof SERVICE>): Answered => {
  const { service_type, status } = asked;
  const others = venue.settings.services.filter((one) => one.service_type !== service_type);
  const before = venue.settings.services.find((one) => one.service_type === service_type);
  venue.settings.services = [
    ...others,
    {
      title: asked.title ?? before?.title ?? `${service_type} maintenance`,
      service_type,
      status,
      start_time: asked.start_time ?? before?.start_time ?? venue.now().venueMs,
      end_time: asked.end_time ?? before?.end_time ?? venue.now().venueMs,
    },
  ];
  return ok({ service: venue.settings.services });
};

const moveMarket = (venue: Venue, { symbol, mid }: z.infer<typeof MARKET>): Answered => {
  const instrument = venue.exchange.instrument(symbol);
  if (!instrument) return wrong(`symbol: ${symbol} is not listed here`);
  const price = decimal(mid);
  if (price.lte(0) || price.round(instrument.pricePlaces, 0).cmp(price) !== 0) {
    return wrong(`mid: must be above 0 with at most ${instrument.pricePlaces} decimals for ${symbol}`);
  }
  venue.exchange.moveMarket(instrument, price, venue.now());
  return ok({ symbol, mid });
};

/** Parses JSON by a schema and hands it on; anything wrong becomes one 400 with a sentence that names every field. */
const parsed = <Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  use: (value: z.infer<Schema>) => Answered,
): Answered => {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return wrong('the body must be one JSON object');
  }
  const result = schema.safeParse(raw);
  if (result.success) return use(result.data);
  return wrong(result.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; '));
};

const write = (venue: Venue, path: string, text: string): Answered | undefined => {
  switch (path) {
    case '/accounts':
      return parsed(ACCOUNT, text, (asked) => register(venue, asked));
    case '/faults':
      return parsed(FAULTS, text, ({ seed, faults }) => {
        const full = faults.map((one) => ({
          ...one,
          times: one.times,
          code: one.fault === 'status' && one.code === 0 ? 500 : one.code,
        }));
        venue.faults.put(seed, full, venue.now().realMs);
        return ok(venue.faults.list());
      });
    case '/clock':
      return parsed(CLOCK, text, ({ offsetMs }) => {
        venue.settings.clockOffsetMs = offsetMs;
        return clock(venue);
      });
    case '/promises':
      return parsed(PROMISES, text, (asked) => promise(venue, asked));
    case '/service':
      return parsed(SERVICE, text, (asked) => setService(venue, asked));
    case '/market':
      return parsed(MARKET, text, (asked) => moveMarket(venue, asked));
    default:
      return undefined;
  }
};

const show = (venue: Venue, path: string): Answered | undefined => {
  switch (path) {
    case '/accounts':
      return ok([...venue.keys.values()].map((key) => keyRow(venue, key)));
    case '/orders':
      return ok(venue.exchange.orders().map(orderRow));
    case '/requests':
      return ok(venue.windows.report());
    case '/faults':
      return ok(venue.faults.list());
    case '/clock':
      return clock(venue);
    case '/promises':
      return ok(venue.settings.promises);
    case '/service':
      return ok({ service: venue.settings.services });
    default:
      return undefined;
  }
};

const clear = (venue: Venue, path: string): Answered | undefined => {
  if (path === '/faults') venue.faults.clear();
  else if (path === '/state') venue.reset();
  else return undefined;
  return ok({ cleared: path.slice(1) });
};

/** Answers one control request; `path` is what follows /control. */
export const control = (venue: Venue, method: string, path: string, text: string): Answered => {
  const act = { PUT: () => write(venue, path, text), GET: () => show(venue, path), DELETE: () => clear(venue, path) }[
    method
  ];
  return act?.() ?? { status: 404, body: { error: `no control ${method} ${path || '/'}` } };
};
