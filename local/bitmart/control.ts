// The control interface: what tests and the local stack set and read. Promises that PUT replaces, that wrong input gets
// a 400 with a sentence, and that no secret comes back out. Never part of the venue's own API.
import type * as z from 'zod';
import { decimal, floorTo, type Decimal } from '../exchange/decimals.ts';
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
import { tickOf } from './instruments.ts';
import { ACCOUNT, keyRow, register } from './keys.ts';
import { orderRows, positionRows } from './listing.ts';
import { promised, PROMISES } from './promises.ts';
import { VENUE_FAULTS, type Venue } from './venue.ts';

const MARGIN_PLACE = '/spot/v1/margin/submit_order';

const FAULT = faultSchema(VENUE_FAULTS, 'BitMart')
  .refine(
    ({ fault, path }) => fault !== 'loan-only' || path === MARGIN_PLACE,
    `fault "loan-only" is for ${MARGIN_PLACE}, where loans are`,
  )
  .refine(({ code }) => code >= 0, 'BitMart has no code below 0');

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

const controlsOf = (venue: Venue): Controls => {
  const { puts, gets, deletes } = commonControls(venue, FAULT);
  return {
    puts: {
      ...puts,
      '/accounts': (text) => parsed(ACCOUNT, text, (asked) => register(venue, asked)),
      '/promises': (text) =>
        parsed(PROMISES, text, (asked) => {
          venue.settings.promises = promised(asked, venue.timeScale);
          return ok(venue.settings.promises);
        }),
      '/service': (text) => parsed(SERVICE, text, (asked) => setService(venue, asked)),
      '/market': (text) => parsed(MARKET, text, (asked) => moveMarket(venue, asked)),
    },
    gets: {
      ...gets,
      '/accounts': () => [...venue.keys.values()].map((key) => keyRow(venue, key)),
      '/orders': () => orderRows(venue),
      '/positions': () => positionRows(venue),
      '/requests': () => venue.windows.report(),
      '/promises': () => venue.settings.promises,
      '/service': () => ({ service: venue.settings.services }),
    },
    deletes: { ...deletes, '/state': () => venue.reset() },
  };
};

/** Answers one control request; `path` is what follows /control. */
export const control = (venue: Venue, method: string, path: string, text: string): Answered => {
  venue.futures.catchUp(venue.now());
  return steer(controlsOf(venue), method, path, text);
};
