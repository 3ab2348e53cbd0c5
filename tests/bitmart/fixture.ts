// What the tests of the venue share: venues at a recorder or the local exchange, an account, and orders that are good.
// Holds no test.
import { randomBytes } from 'node:crypto';
import { pacer } from '../../shared/pace.ts';
import { bitmart, bitmartSettings, type BitmartOptions } from '../../shared/bitmart/venue.ts';
import { systemClock, type Clock } from '../../shared/clock.ts';
import { readSettings } from '../../shared/config.ts';
import { nodeTransport } from '../../shared/http.ts';
import type { Market } from '../../shared/order/intent.ts';
import type { Instruction, NewOrder, OrderQuery, Times, TradingAccount, Venue } from '../../shared/order/venue.ts';
import { changed, type Fields } from '../order/arbitraries.ts';

export const transport = nodeTransport();
export const optionsAt = (spotUrl: string, futuresUrl = spotUrl, clock: Clock = systemClock): BitmartOptions => {
  const urls = { BITMART_SPOT_URL: spotUrl, BITMART_FUTURES_URL: futuresUrl, BITMART_BAN_MS: '1234' };
  const settings = readSettings(urls, bitmartSettings);
  return { settings, transport, pacer: pacer(0.94, clock), clock, lookupShare: 0.5 };
};
export const venueAt = (spotUrl: string, futuresUrl = spotUrl): Venue => bitmart(optionsAt(spotUrl, futuresUrl));
export const soon = (): number => Date.now() + 5000;
/** Of an invocation that has only begun; the answer is to be in at `answerBy`, ms. */
export const inTime = (answerBy = soon()): Times => ({ answerBy, holdBy: Date.now() + 30_000 });
export const uniqueId = (): string => `t${randomBytes(8).toString('hex')}`;
export const fresh = (more: Partial<TradingAccount> = {}): TradingAccount => ({
  name: uniqueId(),
  ...{ venue: 'bitmart', environment: 'live' },
  credentials: { apiKey: 'key-of-main', secretKey: 'secret-of-main', memo: 'my memo #1 é' },
  mandate: { state: 'active' },
  ...more,
});
export const KEY = { account: 'main', apiKey: 'key-of-main', secretKey: 'secret-of-main', memo: 'my memo #1 é' };
/** A good limit buy; fields replace what it has. */
export const buy = (more: object = {}): NewOrder =>
  ({ action: 'place', id: uniqueId(), market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'limit', size: '0.01', price: '50000', expiresAt: Date.now() + 60_000, ...more }) as NewOrder; // prettier-ignore
export const long = (more: object = {}): NewOrder =>
  buy({ market: 'futures', reduceOnly: false, leverage: '10', marginMode: 'cross', ...more });
export const atMarket = (order: NewOrder, more: Fields = {}): NewOrder =>
  changed({ ...order }, ['size', 'price'], { type: 'market', ...more }) as unknown as NewOrder;
export const instruction = (more: object): Instruction =>
  ({ id: uniqueId(), market: 'spot', symbol: 'BTC_USDT', expiresAt: Date.now() + 60_000, ...more }) as Instruction;
export const cancelOf = (target: string, more: object = {}): Instruction =>
  instruction({ action: 'cancel', target, ...more });
export const query = (id: string, market: Market = 'spot', more: Partial<OrderQuery> = {}): OrderQuery => ({
  id,
  market,
  symbol: 'BTC_USDT',
  ...more,
});
