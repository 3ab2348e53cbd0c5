// What the tests of Bybit share: venues at a recorder or the local exchange, an account, and orders that are good.
// Holds no test.
import { readSettings } from '../../shared/config.ts';
import { systemClock, type Clock } from '../../shared/clock.ts';
import { addressOf, bybit, bybitSettings, type BybitOptions } from '../../shared/bybit/venue.ts';
import { nodeTransport } from '../../shared/http.ts';
import type { Market } from '../../shared/order/intent.ts';
import type { NewOrder, OrderQuery, TradingAccount, Venue } from '../../shared/order/venue.ts';
import { pacer } from '../../shared/pace.ts';
import type { LocalBybit } from '../../local/bybit/server.ts';
import { buy, uniqueId } from '../bitmart/fixture.ts';
import { AT_ONCE, control, MAIN, post } from '../local/bybit/client.ts';

export { atMarket, buy, cancelOf, inTime, instruction, soon, uniqueId } from '../bitmart/fixture.ts';
export { localVenue } from '../local/bybit/fixture.ts';
export { AT_ONCE, control, MAIN, post };

export const transport = nodeTransport();

/** Options of a venue at an address. @param variables of the environment, over those that make tests quick */
export const optionsAt = (
  url: string,
  more: Partial<Pick<BybitOptions, 'environment' | 'clock' | 'measure' | 'transport'>> & {
    readonly variables?: Readonly<Record<string, string>>;
  } = {},
): BybitOptions => {
  const { variables, environment = 'live', ...others } = more;
  const clock: Clock = more.clock ?? systemClock;
  const urls = { BYBIT_URL: url, BYBIT_DEMO_URL: url, BYBIT_TESTNET_URL: url, BYBIT_BAN_MS: '1234', BYBIT_LOOKUP_LAG_MS: '50' };
  const settings = readSettings({ ...urls, ...variables }, bybitSettings);
  return { settings, environment, transport, pacer: pacer(0.94, clock, addressOf(settings)), clock, lookupShare: 0.5, ...others };
}; // prettier-ignore
export const venueAt = (...given: Parameters<typeof optionsAt>): Venue => bybit(optionsAt(...given));

export const fresh = (more: Partial<TradingAccount> = {}): TradingAccount => ({
  ...{ name: uniqueId(), venue: 'bybit', environment: 'live' },
  credentials: { apiKey: MAIN.apiKey, secretKey: MAIN.secretKey },
  mandate: { state: 'active' },
  ...more,
});

/** A good limit buy of perpetuals; fields replace what it has. */
export const long = (more: object = {}): NewOrder => buy({ market: 'futures', reduceOnly: false, ...more });
/** The same without a field that may not be there. */
export const query = (id: string, market: Market = 'spot', more: Partial<OrderQuery> = {}): OrderQuery => ({
  ...{ id, market, symbol: 'BTC_USDT' },
  ...more,
});

/** What the operator does once on the exchange: prices of perpetuals are refused, not moved. */
export const refusePrices = async (venue: LocalBybit, as = MAIN): Promise<void> => {
  const reply = await post(
    venue,
    '/v5/account/set-limit-px-action',
    { category: 'linear', modifyEnable: false },
    { as },
  );
  if (reply.body.retCode !== 0) throw new Error(reply.text);
};

/** An answer of the venue. */
export const answer = (result: object, more: object = {}): { readonly body: object } => ({
  body: { retCode: 0, retMsg: 'OK', result, retExtInfo: {}, time: Date.now(), ...more },
});
export const refusal = (retCode: number, retMsg = ''): { readonly body: object } => answer({}, { retCode, retMsg });
