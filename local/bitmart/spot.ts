// What the spot host serves: spot, isolated margin, the account reads, and the paths that were retired.
import { marginEndpoints } from './margin.ts';
import { queryEndpoints } from './queries.ts';
import { quoteEndpoints } from './quotes.ts';
import { tradingEndpoints } from './trading.ts';
import type { Market, Venue } from './venue.ts';
import { walletEndpoints } from './wallets.ts';

const REMOVED = [
  '/spot/v3/orders',
  '/spot/v2/batch_orders',
  '/spot/v1/cancel_orders',
  '/spot/v2/order_detail',
  '/spot/v1/submit_order',
];

/** Spot and margin trading, their queries, public data and the account reads. */
export const spotMarket = (venue: Venue): Market => ({
  endpoints: [
    ...quoteEndpoints(venue),
    ...walletEndpoints(venue),
    ...tradingEndpoints(venue),
    ...queryEndpoints(venue),
    ...marginEndpoints(venue),
  ],
  removed: REMOVED,
  elsewhere: ['/contract/'],
});
