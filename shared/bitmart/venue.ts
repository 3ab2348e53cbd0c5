// BitMart as a Venue: each order, instruction and look-up goes to the desk of its market, with settings and credentials.
// One request per call, paced; answers become verdicts by the table in codes.ts. Never retries, never looks up by itself.
import * as z from 'zod/mini';
import { numeric, url, type Settings } from '../config.ts';
import { wrongFields } from '../order/mandate.ts';
import type { NewOrder, Promises, Together, Venue } from '../order/venue.ts';
import { calls, type Outside } from './calls.ts';
import { spelled } from './contracts.ts';
import { futuresDesk } from './futures.ts';
import { contractRules, spotRules } from './instruments.ts';
import { MOST_TOGETHER, spotDesk, type SpotOrder } from './spot.ts';
import type { Credentials } from './wire.ts';

/** What is not known of the exchange can be set; the defaults are documented values or, where none is, careful ones. */
export const bitmartSettings = {
  spotUrl: url('BITMART_SPOT_URL', 'https://api-cloud.bitmart.com'),
  futuresUrl: url('BITMART_FUTURES_URL', 'https://api-cloud-v2.bitmart.com'),
  /** "within one minute" [spot error table, 30007]. */
  refusesTimestampsAfterMs: numeric('BITMART_TIMESTAMP_WINDOW_MS', '60000', 100, 600_000),
  /**
   * How long an executed order may stay invisible is published nowhere. 15 s at most: absence is two looks so far apart,
   * and both must fit into one invocation of 30 s, together with what is asked and sent before and after them.
   */
  showsOrdersWithinMs: numeric('BITMART_LOOKUP_LAG_MS', '5000', 10, 15_000),
  /** An order canceled without a fill can be queried for about 20 minutes [spot documentation]. */
  answersLookupsForMs: numeric('BITMART_LOOKUP_MEMORY_MS', '1200000', 1000, 86_400_000),
  /** The length of a ban is published nowhere. */
  banMs: numeric('BITMART_BAN_MS', '300000', 100, 43_000_000),
};

/** Reads the credentials of an account secret; the sentence names fields and never values. */
export function readCredentials(
  secret: Readonly<Record<string, unknown>>,
): Credentials | { readonly unreadable: string } {
  const result = credentialsSchema.safeParse(secret);
  if (!result.success) {
    const fields = wrongFields(result.error, 'secret');
    return { unreadable: `the secret has wrong fields: ${fields}; it needs apiKey, secretKey and memo as text` };
  }
  const { apiKey, secretKey, memo, brokerId } = result.data;
  return { apiKey, secretKey, memo, ...(brokerId === undefined ? {} : { brokerId }) };
}

const filled = z.string().check(z.minLength(1));
const credentialsSchema = z.strictObject({
  venue: z.optional(z.literal('bitmart')),
  environment: z.optional(z.literal('live')),
  apiKey: filled.check(z.regex(/^[\x21-\x7e]+$/)),
  secretKey: filled,
  memo: z.string(),
  brokerId: z.optional(filled.check(z.regex(/^[\x21-\x7e]+$/))),
});

export interface BitmartOptions extends Outside {
  readonly settings: Settings<typeof bitmartSettings>;
}

/** BitMart behind the seam. One request per call; each waits for its turn and is signed after the wait. */
export function bitmart(options: BitmartOptions): Venue {
  const { settings, clock, pacer } = options;
  const ways = calls(options);
  const symbols = spotRules(ways, options);
  const contracts = contractRules(ways, options);
  const spot = spotDesk(ways, settings.banMs, settings.refusesTimestampsAfterMs);
  const futures = futuresDesk({ calls: ways, clock, contracts });
  const desks = { spot, margin: spot, futures };
  return {
    name: 'bitmart',
    promises: promisesOf(settings),
    time: ways.time,
    submit: (account, order, times) =>
      order.market === 'futures' ? futures.submit(account, order, times) : spot.submit(account, order, times),
    together: { spot: together(MOST_TOGETHER), margin: together(1), futures: together(1) },
    submitAll: (account, orders, times) => spot.submitAll(account, orders.filter(isSpot), times),
    instruct: (account, instruction, times) => desks[instruction.market].instruct(account, instruction, times),
    find: (account, query, times) => desks[query.market].find(account, query, times),
    fee: (account, query, times) => desks[query.market].fee(account, query, times),
    instrument: async (market, symbol, deadline) => {
      if (market !== 'futures') return symbols(symbol, deadline);
      const contract = await contracts(spelled(symbol), deadline);
      if (contract === undefined || contract === 'unknown') return contract;
      return contract.instrument.symbol === symbol ? contract.instrument : 'unknown';
    },
    book: (market, symbol, deadline) => desks[market].book(symbol, deadline),
    hold: (account) => pacer.hold(account.name),
  };
}

/** Several orders go out for one symbol, which stands beside them. */
const together = (most: number): Together => ({ most, isOneSymbol: true });

function isSpot(order: NewOrder): order is SpotOrder {
  return order.market === 'spot';
}

function promisesOf(settings: BitmartOptions['settings']): Promises {
  return {
    // A repeated client_order_id is refused with 50042, or 40050 of futures; whether that holds after the order closed is published nowhere.
    refusesRepeatedIds: 'whileOpen',
    answersLookupsForMs: settings.answersLookupsForMs,
    refusesTimestampsAfterMs: settings.refusesTimestampsAfterMs,
    showsOrdersWithinMs: settings.showsOrdersWithinMs,
    acknowledges: 'booking',
    keepsPrice: { spot: true, margin: true, futures: true },
  };
}

/** How this venue is opened. Its demo of futures is a host in the settings, and spot has none: so every account is live. */
export const bitmartModule = {
  settings: bitmartSettings,
  environments: ['live'],
  readCredentials,
  open: bitmart,
} as const;
