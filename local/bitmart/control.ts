// The control interface: what tests and the local stack set and read. Promises that PUT replaces, that wrong input gets
// a 400 with a sentence, and that no secret comes back out. Never part of the venue's own API.
import * as z from 'zod';
import { decimal } from './decimals.ts';
import { FAULT_NAMES } from './faults.ts';
import type { Order } from './orders.ts';
import { ACCOUNT, AMOUNT, keyRow, ok, register, wrong, type Answered } from './keys.ts';
import { defaultPromises, type Promises, type Venue } from './venue.ts';

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
