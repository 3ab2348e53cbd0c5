// Public reads: system, currencies, symbols, quotation v3. Promises figures that come from the book and from what really
// traded here; nothing is invented. Never needs a key.
import { isRefusal, refuse, type Refusal } from './codes.ts';
import { placesOf, shown, ZERO } from '../exchange/decimals.ts';
import { CURRENCIES, type Instrument } from './instruments.ts';
import { joined } from '../exchange/tape.ts';
import type { Answer, Call, Endpoint, Venue } from './venue.ts';

const DETAIL_PLACES = 30;
const DAY_MS = 24 * 60 * 60 * 1000;
const STEPS_MINUTES = [1, 3, 5, 15, 30, 45, 60, 120, 180, 240, 1440, 10080, 43200];

const details = (of: Instrument): object => ({
  symbol: of.symbol,
  symbol_id: of.symbolId,
  base_currency: of.base,
  quote_currency: of.quote,
  base_min_size: shown(of.minSize, DETAIL_PLACES),
  base_max_size: shown(of.maxSize, DETAIL_PLACES),
  price_min_precision: -1,
  price_max_precision: of.pricePlaces,
  quote_increment: of.step.toFixed(),
  expiration: 'NA',
  min_buy_amount: shown(of.minValue, DETAIL_PLACES),
  min_sell_amount: shown(of.minValue, DETAIL_PLACES),
  trade_status: of.trading ? 'trading' : 'pre-trade',
});

/** The quotation endpoints have codes of their own, sent with HTTP 200. */
const quoted = (venue: Venue, call: Call): Instrument | Refusal => {
  const symbol = call.query.get('symbol');
  if (symbol === null || symbol === '') return refuse(70001, 'Parameter symbol is null');
  return venue.exchange.instrument(symbol) ?? refuse(70002, 'Parameter symbol is invalid');
};

const ticker = (venue: Venue, of: Instrument, nowMs: number) => {
  const price = (value = ZERO): string => shown(value, of.pricePlaces);
  const size = (value = ZERO): string => shown(value, placesOf(of.step));
  const day = venue.exchange.tape.candles(of.symbol, 1).filter(({ startMs }) => startMs > nowMs - DAY_MS);
  const traded = day.length > 0 ? day.reduce(joined) : undefined;
  const last = traded?.close ?? venue.exchange.mid(of);
  const opened = traded?.open ?? last;
  const [bid] = venue.exchange.depth(of.symbol, 'buy', 1);
  const [ask] = venue.exchange.depth(of.symbol, 'sell', 1);
  return {
    symbol: of.symbol,
    last: price(last),
    v_24h: size(traded?.volume),
    qv_24h: shown(traded?.value ?? ZERO, 2),
    open_24h: price(opened),
    high_24h: price(traded?.high ?? last),
    low_24h: price(traded?.low ?? last),
    fluctuation: shown(last.minus(opened).div(opened), 5),
    bid_px: price(bid?.price),
    bid_sz: size(bid?.size),
    ask_px: price(ask?.price),
    ask_sz: size(ask?.size),
    ts: String(nowMs),
  };
};

const books = (venue: Venue, call: Call): Answer => {
  const of = quoted(venue, call);
  if (isRefusal(of)) return of;
  const limit = Math.min(50, Math.max(1, Number(call.query.get('limit') ?? 35) || 35));
  const rows = (side: 'buy' | 'sell') =>
    venue.exchange
      .depth(of.symbol, side, limit)
      .map(({ price, size }) => [shown(price, of.pricePlaces), shown(size, placesOf(of.step))]);
  return { data: { ts: String(call.now.venueMs), symbol: of.symbol, asks: rows('sell'), bids: rows('buy') } };
};

const latestTrades = (venue: Venue, call: Call): Answer => {
  const of = quoted(venue, call);
  if (isRefusal(of)) return of;
  const limit = Math.min(50, Math.max(1, Number(call.query.get('limit') ?? 50) || 50));
  const rows = venue.exchange.tape.latest(of.symbol).slice(0, limit);
  return {
    data: rows.map(({ price, size, side, timeMs }) => [
      of.symbol,
      String(timeMs),
      shown(price, of.pricePlaces),
      shown(size, placesOf(of.step)),
      side,
    ]),
  };
};

/** Rows [t, o, h, l, c, v, qv], t in seconds; minutes without a trade have no row. */
const klines = (venue: Venue, call: Call): Answer => {
  const of = quoted(venue, call);
  if (isRefusal(of)) return of;
  const step = Number(call.query.get('step') ?? 1);
  if (!STEPS_MINUTES.includes(step)) return refuse(71005, 'Parameter step is invalid');
  const limit = Math.min(200, Math.max(1, Number(call.query.get('limit') ?? 100) || 100));
  const after = Number(call.query.get('after') ?? 0);
  const before = Number(call.query.get('before') ?? Number.MAX_SAFE_INTEGER);
  const price = (value: typeof ZERO): string => shown(value, of.pricePlaces);
  const rows = venue.exchange.tape
    .candles(of.symbol, step)
    .map((one) => ({ ...one, seconds: Math.floor(one.startMs / 1000) }))
    .filter(({ seconds }) => seconds >= after && seconds <= before)
    .slice(-limit);
  return {
    data: rows.map(({ seconds, open, high, low, close, volume, value }) => [
      String(seconds),
      ...[open, high, low, close].map(price),
      shown(volume, placesOf(of.step)),
      shown(value, 2),
    ]),
  };
};

const oneTicker = (venue: Venue, call: Call): Answer => {
  const of = quoted(venue, call);
  return isRefusal(of) ? of : { data: ticker(venue, of, call.now.venueMs) };
};

/** Limits from the spot documentation of 2025-05, all counted per address. */
export const quoteEndpoints = (venue: Venue): readonly Endpoint[] => {
  const { instruments } = venue.exchange;
  const row = (
    path: string,
    requests: number,
    seconds: number,
    message: 'OK' | 'success',
    answer: (call: Call) => Answer,
  ): Endpoint => ({ method: 'GET', path, auth: 'NONE', limit: { requests, seconds, scope: 'IP' }, message, answer });
  return [
    row('/system/time', 10, 1, 'OK', ({ now }) => ({ data: { server_time: now.venueMs } })),
    row('/system/service', 10, 1, 'OK', () => ({ data: { service: venue.settings.services } })),
    row('/spot/v1/currencies', 8, 2, 'OK', () => ({
      data: {
        currencies: Object.entries(CURRENCIES).map(([id, name]) => ({
          id,
          name,
          withdraw_enabled: false,
          deposit_enabled: false,
        })),
      },
    })),
    row('/spot/v1/symbols', 8, 2, 'OK', () => ({ data: { symbols: instruments.map(({ symbol }) => symbol) } })),
    row('/spot/v1/symbols/details', 12, 2, 'OK', () => ({ data: { symbols: instruments.map(details) } })),
    row('/spot/quotation/v3/tickers', 10, 2, 'success', ({ now }) => ({
      data: instruments.filter(({ trading }) => trading).map((of) => Object.values(ticker(venue, of, now.venueMs))),
    })),
    row('/spot/quotation/v3/ticker', 15, 2, 'success', (call) => oneTicker(venue, call)),
    row('/spot/quotation/v3/books', 15, 2, 'success', (call) => books(venue, call)),
    row('/spot/quotation/v3/trades', 15, 2, 'success', (call) => latestTrades(venue, call)),
    row('/spot/quotation/v3/klines', 10, 2, 'success', (call) => klines(venue, call)),
    row('/spot/quotation/v3/lite-klines', 15, 2, 'success', (call) => klines(venue, call)),
  ];
};
