// Public futures reads: contract details, depth, latest trades. Promises figures that come from the book and from what
// really traded here; funding, which nobody pays here, is zero. Never needs a key.
import { isRefusal } from '../codes.ts';
import { ZERO, type Decimal } from '../../exchange/decimals.ts';
import { joined } from '../../exchange/tape.ts';
import type { Answer, Call, Endpoint, Venue } from '../venue.ts';
import { contractOf } from './admission.ts';
import { CONTRACTS, MIN_LEVERAGE, type Contract } from './contracts.ts';
import { valueOf } from './positions.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const OPENED = 1_594_080_000_000;
/** A day in the past on which the contract that is gone went. */
const DELISTED = 1_767_225_600_000;
const LEVELS = 50;

const details = (venue: Venue, of: Contract, nowMs: number): object => {
  const { tape } = venue.futures;
  const day = tape.candles(of.symbol, 1).filter(({ startMs }) => startMs > nowMs - DAY_MS);
  const traded = day.length > 0 ? day.reduce(joined) : undefined;
  const mid = venue.futures.mid(of);
  const last = traded?.close ?? mid;
  const opened = traded?.open ?? last;
  const text = (value: Decimal): string => value.toFixed();
  return {
    symbol: of.symbol,
    product_type: 1,
    open_timestamp: OPENED,
    expire_timestamp: 0,
    settle_timestamp: 0,
    base_currency: of.base,
    quote_currency: 'USDT',
    last_price: text(last),
    volume_24h: text(traded?.volume ?? ZERO),
    turnover_24h: text((traded?.value ?? ZERO).times(of.coins)),
    index_price: text(mid),
    index_name: of.symbol,
    contract_size: text(of.coins),
    min_leverage: text(MIN_LEVERAGE),
    max_leverage: text(of.maxLeverage),
    price_precision: text(of.tick),
    // The documents' table calls it volume_precision; the payload does not.
    vol_precision: text(of.step),
    max_volume: text(of.maxVolume),
    market_max_volume: text(of.marketMaxVolume),
    min_volume: text(of.minVolume),
    funding_rate: '0',
    expected_funding_rate: '0',
    open_interest: '0',
    open_interest_value: '0',
    high_24h: text(traded?.high ?? last),
    low_24h: text(traded?.low ?? last),
    change_24h: last.minus(opened).div(opened).round(5, 0).toFixed(),
    funding_interval_hours: 8,
    funding_time: nowMs - (nowMs % (8 * 3_600_000)) + 8 * 3_600_000,
    status: of.trading ? 'Trading' : 'Delisted',
    delist_time: of.trading ? 0 : DELISTED,
  };
};

const allDetails = (venue: Venue, { query, now }: Call): Answer => {
  const symbol = query.get('symbol');
  const wanted = symbol === null || symbol === '' ? undefined : contractOf(venue, symbol);
  if (wanted && isRefusal(wanted)) return wanted;
  const contracts = wanted ? [wanted] : CONTRACTS;
  return { data: { symbols: contracts.map((of) => details(venue, of, now.venueMs)) } };
};

/** Rows of price, contracts, and contracts up to and with this row. */
const depth = (venue: Venue, { query, now }: Call): Answer => {
  const of = contractOf(venue, query.get('symbol'));
  if (isRefusal(of)) return of;
  const rows = (side: 'buy' | 'sell') => {
    let sum = ZERO;
    return venue.futures.depth(of.symbol, side, LEVELS).map(({ price, size }) => {
      sum = sum.plus(size);
      return [price.toFixed(), size.toFixed(), sum.toFixed()];
    });
  };
  return { data: { asks: rows('sell'), bids: rows('buy'), timestamp: now.venueMs, symbol: of.symbol } };
};

/** Quantities in coins and times in seconds here, unlike everywhere else. */
const marketTrades = (venue: Venue, { query }: Call): Answer => {
  const of = contractOf(venue, query.get('symbol'));
  if (isRefusal(of)) return of;
  const limit = Math.min(100, Math.max(1, Number(query.get('limit') ?? 50) || 50));
  const rows = venue.futures.tape.latest(of.symbol).slice(0, limit);
  return {
    data: rows.map(({ price, size, side, timeMs }) => ({
      symbol: of.symbol,
      price: price.toFixed(),
      qty: size.times(of.coins).toFixed(),
      quote_qty: valueOf(of, size, price).toFixed(),
      time: Math.floor(timeMs / 1000),
      is_buyer_maker: side === 'sell',
    })),
  };
};

/** Limits from the futures documentation of 2026-02, all counted per address. */
export const futuresQuoteEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (path: string, answer: (venue: Venue, call: Call) => Answer): Endpoint => ({
    method: 'GET',
    path: `/contract/public/${path}`,
    auth: 'NONE',
    limit: { requests: 12, seconds: 2, scope: 'IP' },
    message: 'Ok',
    answer: (call) => answer(venue, call),
  });
  return [row('details', allDetails), row('depth', depth), row('market-trade', marketTrades)];
};
