// What the futures host serves. Promises that what time has done by itself (dead-man switches, prices that follow spot)
// is done before any endpoint answers. Plan, trail and TP/SL orders, funding and k-lines are not served.
import { futuresAccountEndpoints } from './futures/accounts.ts';
import { futuresQueryEndpoints } from './futures/queries.ts';
import { futuresQuoteEndpoints } from './futures/quotes.ts';
import { futuresTradingEndpoints } from './futures/trading.ts';
import { quoteEndpoints } from './quotes.ts';
import type { Answer, Call, Endpoint, Market, Venue } from './venue.ts';

const caughtUp = (venue: Venue, endpoint: Endpoint): Endpoint => {
  const first =
    <One extends Call>(answer: (call: One) => Answer) =>
    (call: One): Answer => {
      venue.futures.catchUp(call.now);
      return answer(call);
    };
  return endpoint.auth === 'NONE'
    ? { ...endpoint, answer: first(endpoint.answer) }
    : { ...endpoint, answer: first(endpoint.answer) };
};

/** Futures v2: public data, trading, queries and the account; /system/ as well, by promise, as no source says. */
export const futuresMarket = (venue: Venue): Market => {
  const own = [
    ...futuresQuoteEndpoints(venue),
    ...futuresAccountEndpoints(venue),
    ...futuresTradingEndpoints(venue),
    ...futuresQueryEndpoints(venue),
  ].map((endpoint) => caughtUp(venue, endpoint));
  const withSystem = [...own, ...quoteEndpoints(venue).filter(({ path }) => path.startsWith('/system/'))];
  return {
    get endpoints() {
      return venue.settings.promises.futures.servesSystem ? withSystem : own;
    },
    removed: [],
    elsewhere: [],
  };
};
