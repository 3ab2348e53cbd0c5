// The control interface: what tests and the local stack set and read. Promises that PUT replaces, that wrong input gets
// a 400 with a sentence, and that no secret comes back out. Never part of the venue's own API.
import * as z from 'zod';
import { decimal, floorTo, type Decimal } from '../exchange/decimals.ts';
import { CLOCK, faultSchema, filled, MARKET, ok, parsed, SERVICE, wrong, type Answered } from '../exchange/steering.ts';
import { tickOf } from './instruments.ts';
import { ACCOUNT, keyRow, register } from './keys.ts';
import { orderRows, positionRows } from './listing.ts';
import { promised, PROMISES } from './promises.ts';
import { VENUE_FAULTS, type Venue } from './venue.ts';

const MARGIN_PLACE = '/spot/v1/margin/submit_order';

const FAULTS = z.strictObject({
  seed: z.int().default(1),
  faults: z.array(
    faultSchema(VENUE_FAULTS, 'BitMart').refine(
      ({ fault, path }) => fault !== 'loan-only' || path === MARGIN_PLACE,
      `fault "loan-only" is for ${MARGIN_PLACE}, where loans are`,
    ),
  ),
});

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

const isStep = (price: Decimal, tick: Decimal): boolean => price.gt(0) && floorTo(price, tick).eq(price);

/** Moves a spot price, and with it the contract that follows it; or a contract that follows none. */
const moveMarket = (venue: Venue, { symbol, mid }: z.infer<typeof MARKET>): Answered => {
  const price = decimal(mid);
  const contract = venue.futures.contract(symbol);
  if (contract) {
    if (contract.index !== undefined) return wrong(`symbol: ${symbol} follows ${contract.index}; move that`);
    if (!isStep(price, contract.tick)) return wrong(`mid: must be above 0 in steps of ${contract.tick.toFixed()} for ${symbol}`); // prettier-ignore
    venue.futures.moveMarket(contract, price, venue.now());
    return ok({ symbol, mid });
  }
  const instrument = venue.exchange.instrument(symbol);
  if (!instrument) return wrong(`symbol: ${symbol} is not listed here`);
  if (!isStep(price, tickOf(instrument))) {
    return wrong(`mid: must be above 0 with at most ${instrument.pricePlaces} decimals for ${symbol}`);
  }
  venue.exchange.moveMarket(instrument, price, venue.now());
  venue.futures.catchUp(venue.now());
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
        venue.settings.promises = promised(asked, venue.timeScale);
        return ok(venue.settings.promises);
      });
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
      return ok(orderRows(venue));
    case '/positions':
      return ok(positionRows(venue));
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
  venue.futures.catchUp(venue.now());
  const act = { PUT: () => write(venue, path, text), GET: () => show(venue, path), DELETE: () => clear(venue, path) }[
    method
  ];
  return act?.() ?? { status: 404, body: { error: `no control ${method} ${path || '/'}` } };
};
