// A local Bybit over HTTP on 127.0.0.1: the live host with control on one port, the demo and the testnet host on two more.
// Promises the documented answers and usage headers, and faults on request. Never leaves the loopback interface.
import { controlled, listen, type Incoming } from '../exchange/host.ts';
import { accountEndpoints } from './accounts.ts';
import { control } from './control.ts';
import { orderEndpoints } from './orderings.ts';
import { perpetualEndpoints } from './perpetuals.ts';
import type { Promises } from './promises.ts';
import { queryEndpoints } from './queries.ts';
import { quoteEndpoints } from './quotes.ts';
import { serve } from './reply.ts';
import { createVenue, type Endpoint, type Environment, type Venue } from './venue.ts';

export interface LocalBybit {
  /** The live host. */
  readonly url: string;
  readonly demoUrl: string;
  readonly testnetUrl: string;
  readonly controlUrl: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Spot and perpetuals: their orders, queries, accounts and public data. */
export const endpointsOf = (venue: Venue): readonly Endpoint[] => [
  ...quoteEndpoints(venue),
  ...orderEndpoints(venue),
  ...queryEndpoints(venue),
  ...accountEndpoints(venue),
  ...perpetualEndpoints(venue),
];

/** port 0 = any free port; the other two hosts always take any. timeScale shortens the ban of an address; nothing else. */
export const startLocalBybit = async (
  options: { readonly port?: number; readonly timeScale?: number; readonly promises?: Partial<Promises> } = {},
): Promise<LocalBybit> => {
  const venue = createVenue(options.timeScale ?? 1, { promises: options.promises ?? {} });
  const endpoints = endpointsOf(venue);
  const closing = new AbortController();
  const { signal } = closing;
  const host = (environment: Environment) => (incoming: Incoming) =>
    serve(venue, endpoints, environment, incoming, signal);
  // A fault of a signed path may be for one category of it.
  const paths = endpoints.flatMap(({ path, auth }) =>
    auth === 'SIGNED' ? [path, `${path} spot`, `${path} linear`] : [path],
  );
  const steered = controlled((method, path, text) => control(venue, paths, method, path, text), host('live'));
  const live = await listen('local bybit', options.port ?? 0, steered, signal);
  const demo = await listen('local bybit demo', 0, host('demo'), signal);
  const testnet = await listen('local bybit testnet', 0, host('testnet'), signal);
  const url = `http://127.0.0.1:${live.port}`;
  return {
    url,
    demoUrl: `http://127.0.0.1:${demo.port}`,
    testnetUrl: `http://127.0.0.1:${testnet.port}`,
    controlUrl: `${url}/control`,
    port: live.port,
    close: async () => {
      closing.abort();
      await Promise.all([live, demo, testnet].map((one) => one.close()));
    },
  };
};
