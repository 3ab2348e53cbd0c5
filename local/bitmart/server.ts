// A local BitMart over HTTP on 127.0.0.1: the spot host with control on one port, the futures host on another. Promises
// the documented answers, statuses and usage headers, and faults on request. Never leaves the loopback interface.
import { controlled, listen, type Served } from '../exchange/host.ts';
import { control } from './control.ts';
import { futuresMarket } from './futures.ts';
import { serve, type Usage } from './reply.ts';
import { spotMarket } from './spot.ts';
import { createVenue, type Market, type Venue } from './venue.ts';

export interface LocalBitmart {
  readonly spotUrl: string;
  readonly futuresUrl: string;
  readonly controlUrl: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Remaining is what was USED, as on the venue, whatever its name says. */
const usageHeaders = ({ limit, used }: Usage): Readonly<Record<string, string>> => ({
  'X-BM-RateLimit-Remaining': String(used),
  'X-BM-RateLimit-Limit': String(limit.requests),
  'X-BM-RateLimit-Reset': String(limit.seconds),
  'X-BM-RateLimit-Mode': limit.scope,
});

/** @param hosts the markets of all hosts: control sets faults for each of them */
const handler = (venue: Venue, markets: readonly Market[], hosts: readonly Market[], closing: AbortSignal) =>
  controlled(
    (method, path, text) => {
      const paths = hosts.flatMap(({ endpoints }) => endpoints).map((endpoint) => endpoint.path);
      return control(venue, paths, method, path, text);
    },
    async (incoming): Promise<Served> => {
      const { reply, usage } = await serve(venue, markets, incoming, closing);
      if ('send' in reply) venue.windows.finished(incoming.path, reply.send.status, reply.send.code);
      else venue.windows.finished(incoming.path);
      return { reply, headers: usageHeaders(usage) };
    },
  );

/** port 0 = any free port; the futures host always takes any. timeScale shortens the one-minute timestamp window and the length of a ban; nothing else. */
export const startLocalBitmart = async (
  options: { readonly port?: number; readonly timeScale?: number } = {},
): Promise<LocalBitmart> => {
  const venue = createVenue(options.timeScale ?? 1);
  const closing = new AbortController();
  const { signal } = closing;
  const [ofSpot, ofFutures] = [spotMarket(venue), futuresMarket(venue)];
  const open = (market: Market, port: number) =>
    listen('local bitmart', port, handler(venue, [market], [ofSpot, ofFutures], signal), signal);
  const spot = await open(ofSpot, options.port ?? 0);
  const futures = await open(ofFutures, 0);
  const spotUrl = `http://127.0.0.1:${spot.port}`;
  return {
    spotUrl,
    futuresUrl: `http://127.0.0.1:${futures.port}`,
    controlUrl: `${spotUrl}/control`,
    port: spot.port,
    close: async () => {
      closing.abort();
      await Promise.all([spot.close(), futures.close()]);
    },
  };
};
