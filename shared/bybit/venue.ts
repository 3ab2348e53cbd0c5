// Bybit V5 as a Venue: spot pairs and USDT perpetuals of a unified account, with settings and credentials.
// One request per call, paced by account and by address; answers become verdicts by the table in codes.ts. Never retries,
// never looks up by itself, and changes no setting of an account but by an instruction.
import * as z from 'zod/mini';
import { flag, numeric, url, type Settings } from '../config.ts';
import { wrongFields } from '../order/mandate.ts';
import { ENVIRONMENTS, type Promises, type Venue } from '../order/venue.ts';
import type { Address } from '../pace.ts';
import { calls, type Outside } from './calls.ts';
import { ADDRESS_LIMIT, MOST_TOGETHER } from './endpoints.ts';
import { rulesOf } from './instruments.ts';
import { ordersDesk } from './orders.ts';
import { sightingsDesk } from './sightings.ts';
import { standingBy } from './standing.ts';
import type { Credentials } from './wire.ts';

/** What is not known of the exchange can be set; the defaults are documented values or, where none is, careful ones. */
export const bybitSettings = {
  /** Customers of some countries have a host of their own; keys of one are unknown to the others. */
  liveUrl: url('BYBIT_URL', 'https://api.bybit.com'),
  demoUrl: url('BYBIT_DEMO_URL', 'https://api-demo.bybit.com'),
  testnetUrl: url('BYBIT_TESTNET_URL', 'https://api-testnet.bybit.com'),
  /** This process's part of what the address may ask, where several leave by one (FIXED_EGRESS): 1 divided by how many. */
  addressShare: numeric('BYBIT_ADDRESS_SHARE', '1', 0.001, 1),
  /**
   * The most that a request may be late, ms: the exchange's own default. It is shorter where an order ends sooner. The largest
   * that it takes is not published, and a longer one only delays the proof that a lost order does not exist.
   */
  refusesTimestampsAfterMs: numeric('BYBIT_RECV_WINDOW_MS', '5000', 100, 10_000),
  /**
   * How long an accepted order may stay invisible is published nowhere; 10 to 15 s were seen on an older history. 15 s at most:
   * absence is two looks so far apart, and both must fit into one invocation of 30 s.
   */
  showsOrdersWithinMs: numeric('BYBIT_LOOKUP_LAG_MS', '15000', 10, 15_000),
  /** Canceled or rejected without a fill: 24 hours [order history page]. */
  answersLookupsForMs: numeric('BYBIT_LOOKUP_MEMORY_MS', '86400000', 1000, 86_400_000),
  /** "at least" 10 minutes [rate limit page]: half a minute more. */
  banMs: numeric('BYBIT_BAN_MS', '630000', 100, 43_000_000),
  /** Perpetuals are traded though the account has their prices moved into the band, and no price is relied on. */
  mayMovePrices: flag('BYBIT_MAY_MOVE_PRICES', 'false'),
};

const filled = z.string().check(z.minLength(1));
const header = filled.check(z.regex(/^[\x21-\x7e]+$/));
const credentialsSchema = z.strictObject({
  venue: z.literal('bybit'),
  environment: z.optional(z.enum(ENVIRONMENTS)),
  apiKey: header,
  secretKey: filled,
  brokerId: z.optional(header),
});

/** Reads the credentials of an account secret; the sentence names fields and never values. */
export function readCredentials(
  secret: Readonly<Record<string, unknown>>,
): Credentials | { readonly unreadable: string } {
  const result = credentialsSchema.safeParse(secret);
  if (!result.success) {
    const fields = wrongFields(result.error, 'secret');
    return {
      unreadable: `the secret has wrong fields: ${fields}; it needs venue "bybit", apiKey and secretKey as text`,
    };
  }
  const { apiKey, secretKey, brokerId } = result.data;
  return { apiKey, secretKey, ...(brokerId === undefined ? {} : { brokerId }) };
}

export interface BybitOptions extends Outside {
  readonly settings: Settings<typeof bybitSettings>;
}

/** For the pacer: all calls of a process leave by one address, whose limit is one. */
export const addressOf = ({ addressShare }: Pick<BybitOptions['settings'], 'addressShare'>): Address => ({
  limit: ADDRESS_LIMIT,
  share: addressShare,
});

/** Bybit behind the seam, one of its environments. One request per call; each waits for its turn and is signed after the wait. */
export function bybit(options: BybitOptions): Venue {
  const { settings, environment, clock, pacer } = options;
  const ways = calls(options);
  const { mayMovePrices, banMs } = settings;
  const rules = { spot: rulesOf('spot', ways, options), linear: rulesOf('linear', ways, options) };
  const standing = standingBy(ways, { clock, environment, mayMovePrices });
  const batch = { most: MOST_TOGETHER, isOneSymbol: false };
  const single = { most: 1, isOneSymbol: false };
  return {
    name: 'bybit',
    promises: promisesOf(settings),
    time: ways.time,
    // Demo has no batches of spot.
    together: { spot: environment === 'demo' ? single : batch, margin: single, futures: batch },
    ...ordersDesk({ calls: ways, standing, rules, now: () => clock.now(), banMs }),
    ...sightingsDesk(ways),
    instrument: async (market, symbol, deadline) => {
      // Nothing of margin can be sent: no symbol is listed there.
      if (market === 'margin') return 'unknown';
      // Asked of no symbol while a function starts: rules are had by symbol, so only the connection can be made ahead.
      if (symbol === '') {
        await ways.time(clock.now() + 1000);
        return undefined;
      }
      return rules[market === 'futures' ? 'linear' : 'spot'](symbol, deadline);
    },
    hold: (account) => pacer.hold(account.name),
  };
}

function promisesOf(settings: BybitOptions['settings']): Promises {
  return {
    // "always unique" [create-order page]; for how long an id is remembered is published nowhere. 170141, or 110072 of perpetuals.
    refusesRepeatedIds: 'always',
    answersLookupsForMs: settings.answersLookupsForMs,
    refusesTimestampsAfterMs: settings.refusesTimestampsAfterMs,
    showsOrdersWithinMs: settings.showsOrdersWithinMs,
    // "asynchronous": confirmed by the order's record alone [create, amend and cancel pages].
    acknowledges: 'acceptance',
    // Spot refuses a price outside its band; of perpetuals each account says, and is asked before its first priced order.
    keepsPrice: { spot: true, margin: true, futures: !settings.mayMovePrices },
  };
}

/** What the registry of venues wants to know. */
export const bybitModule = {
  settings: bybitSettings,
  environments: ENVIRONMENTS,
  readCredentials,
  open: bybit,
  addressOf,
};
