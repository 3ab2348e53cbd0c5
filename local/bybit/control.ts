// The control interface: what tests and the local stack set and read, as on the other venue. Promises that PUT replaces, that
// wrong input gets a 400 with a sentence, and that no secret comes back out. Never part of the venue's own API.
import * as z from 'zod';
import { decimal, floorTo } from '../exchange/decimals.ts';
import { CLOCK, faultSchema, filled, MARKET, ok, parsed, SERVICE, wrong, type Answered } from '../exchange/steering.ts';
import { ACCOUNT, keyRow, register } from './keys.ts';
import { orderRows, positionRows } from './listing.ts';
import { PRODUCTS } from './products.ts';
import { defaultPromises, promised, PROMISES } from './promises.ts';
import { VENUE_FAULTS, type ServiceRow, type Venue } from './venue.ts';

const FAULTS = z.strictObject({
  seed: z.int().default(1),
  faults: z.array(faultSchema(VENUE_FAULTS, 'Bybit', ['accept-then-reject', 'accept-then-cancel'])),
});

/** Both categories of a symbol move together unless one is named. */
const MOVE = MARKET.extend({ category: z.enum(['spot', 'linear']).optional() });

const clock = (venue: Venue): Answered =>
  ok({ offsetMs: venue.settings.clockOffsetMs, serverTime: venue.now().venueMs });

const STATES: readonly ServiceRow['state'][] = ['scheduled', 'ongoing', 'completed'];
/** The number that maintenance names a product by. */
const PRODUCT_NUMBERS = { spot: 1, contract: 2, account: 0 } as const;

const setService = (venue: Venue, asked: z.infer<typeof SERVICE>): Answered => {
  const number = PRODUCT_NUMBERS[asked.service_type];
  const now = venue.now().venueMs;
  const before = venue.settings.services.find(({ product }) => product.includes(number));
  const row: ServiceRow = {
    id: before?.id ?? 'c8990f96-5332-11f0-8fd3-c241b123dd9e',
    title: asked.title ?? before?.title ?? `${asked.service_type} maintenance`,
    state: STATES[Number(asked.status)] ?? 'completed',
    begin: String(asked.start_time ?? before?.begin ?? now),
    end: String(asked.end_time ?? before?.end ?? now),
    href: '',
    serviceTypes: [2, 3, 4, 5],
    product: number === 0 ? [1, 2] : [number],
    uidSuffix: [],
    maintainType: 1,
    env: 1,
  };
  venue.settings.services = [...venue.settings.services.filter((one) => one !== before), row];
  return ok({ service: venue.settings.services });
};

const moveMarket = (venue: Venue, { symbol, mid, category }: z.infer<typeof MOVE>): Answered => {
  const products = PRODUCTS.filter(
    (one) => one.symbol === symbol && (category === undefined || one.category === category),
  );
  if (products.length === 0) return wrong(`symbol: ${symbol} is not listed here`);
  const price = decimal(mid);
  const coarse = products.find(({ tick }) => price.lte(0) || !floorTo(price, tick).eq(price));
  if (coarse) return wrong(`mid: must be above 0 in steps of ${coarse.tick.toFixed()} for ${coarse.key}`);
  for (const product of products) venue.exchange.moveMarket(product, price, venue.now());
  return ok({ symbol, mid });
};

const write = (venue: Venue, path: string, text: string): Answered | undefined => {
  switch (path) {
    case '/accounts':
      return parsed(ACCOUNT, text, (asked) => register(venue, asked));
    case '/faults':
      return parsed(FAULTS, text, ({ seed, faults }) => {
        venue.faults.put(seed, filled(faults), venue.now().realMs);
        return ok(venue.faults.list());
      });
    case '/clock':
      return parsed(CLOCK, text, ({ offsetMs }) => {
        venue.settings.clockOffsetMs = offsetMs;
        return clock(venue);
      });
    case '/promises':
      return parsed(PROMISES, text, (asked) => {
        venue.settings.promises = promised(asked, { ...defaultPromises(venue.timeScale), ...venue.ownPromises });
        return ok(venue.settings.promises);
      });
    case '/service':
      return parsed(SERVICE, text, (asked) => setService(venue, asked));
    case '/market':
      return parsed(MOVE, text, (asked) => moveMarket(venue, asked));
    default:
      return undefined;
  }
};

const show = (venue: Venue, path: string): Answered | undefined => {
  switch (path) {
    case '/accounts':
      return ok([...venue.keys.values()].map((key) => keyRow(venue, key)));
    case '/orders':
      return ok(orderRows(venue));
    case '/positions':
      return ok(positionRows(venue));
    case '/requests':
      return ok(venue.limits.report());
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

/** Forgetting /realtime is what a restart of the venue's service does: it wipes the closed orders there. */
const clear = (venue: Venue, path: string): Answered | undefined => {
  if (path === '/faults') venue.faults.clear();
  else if (path === '/state') venue.reset();
  else if (path === '/realtime') venue.settings.restartedAtMs = venue.now().realMs;
  else return undefined;
  return ok({ cleared: path.slice(1) });
};

/** Answers one control request; `path` is what follows /control. */
export const control = (venue: Venue, method: string, path: string, text: string): Answered => {
  venue.exchange.catchUp(venue.now());
  const act = { PUT: () => write(venue, path, text), GET: () => show(venue, path), DELETE: () => clear(venue, path) }[
    method
  ];
  return act?.() ?? { status: 404, body: { error: `no control ${method} ${path || '/'}` } };
};
