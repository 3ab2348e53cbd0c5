// The control interface: what tests and the local stack set and read, as on the other venue. Promises that PUT replaces, that
// wrong input gets a 400 with a sentence, and that no secret comes back out. Never part of the venue's own API.
import * as z from 'zod';
import { decimal, floorTo } from '../exchange/decimals.ts';
import {
  commonControls,
  faultSchema,
  MARKET,
  ok,
  parsed,
  SERVICE,
  steer,
  wrong,
  type Answered,
  type Controls,
} from '../exchange/steering.ts';
import { ACCOUNT, keyRow, register } from './keys.ts';
import { orderRows, positionRows } from './listing.ts';
import { PRODUCTS } from './products.ts';
import { defaultPromises, promised, PROMISES } from './promises.ts';
import { VENUE_FAULTS, type ServiceRow, type Venue } from './venue.ts';

const FAULT = faultSchema(VENUE_FAULTS, 'Bybit', ['accept-then-reject', 'accept-then-cancel']);

/** Both categories of a symbol move together unless one is named. */
const MOVE = MARKET.extend({ category: z.enum(['spot', 'linear']).optional() });

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

const controlsOf = (venue: Venue, paths: readonly string[]): Controls => {
  const { puts, gets, deletes } = commonControls(venue, FAULT, paths);
  const setPromises = (asked: z.infer<typeof PROMISES>): Answered => {
    venue.settings.promises = promised(asked, { ...defaultPromises(venue.timeScale), ...venue.ownPromises });
    return ok(venue.settings.promises);
  };
  return {
    puts: {
      ...puts,
      '/accounts': (text) => parsed(ACCOUNT, text, (asked) => register(venue, asked)),
      '/promises': (text) => parsed(PROMISES, text, setPromises),
      '/service': (text) => parsed(SERVICE, text, (asked) => setService(venue, asked)),
      '/market': (text) => parsed(MOVE, text, (asked) => moveMarket(venue, asked)),
    },
    gets: {
      ...gets,
      '/accounts': () => [...venue.keys.values()].map((key) => keyRow(venue, key)),
      '/orders': () => orderRows(venue),
      '/positions': () => positionRows(venue),
      '/requests': () => venue.limits.report(),
      '/promises': () => venue.settings.promises,
      '/service': () => ({ service: venue.settings.services }),
    },
    deletes: {
      ...deletes,
      '/state': () => venue.reset(),
      // What a restart of the venue's service does: it wipes the closed orders of the realtime list.
      '/realtime': () => {
        venue.settings.restartedAtMs = venue.now().realMs;
      },
    },
  };
};

/** Answers one control request; `path` is what follows /control, `paths` those that a fault may be for. */
export const control = (
  venue: Venue,
  paths: readonly string[],
  method: string,
  path: string,
  text: string,
): Answered => {
  venue.exchange.catchUp(venue.now());
  return steer(controlsOf(venue, paths), method, path, text);
};
