// Public reads: time, status, instruments, book, tickers, candles, price limits. Promises figures that come from the book and
// from what really traded here; nothing is invented. Never needs a key.
import { placesOf, shown, ZERO, type Decimal } from '../exchange/decimals.ts';
import { joined, type Candle } from '../exchange/tape.ts';
import { categoryNamed, productNamed } from './admission.ts';
import { invalid, isRefusal } from './codes.ts';
import { textOf, wholeOf } from './fields.ts';
import { bandOf, PRODUCTS, type Product } from './products.ts';
import type { Answer, Call, Endpoint, Venue } from './venue.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

const priceText = ({ tick }: Product, value: Decimal): string => shown(value, placesOf(tick));
const qtyText = ({ step }: Product, value: Decimal): string => shown(value, placesOf(step));

const spotRules = (of: Product): object => ({
  symbolId: of.symbolId,
  symbol: of.symbol,
  baseCoin: of.base,
  quoteCoin: of.quote,
  innovation: '0',
  status: of.status,
  marginTrading: 'utaOnly',
  stTag: '0',
  lotSizeFilter: {
    basePrecision: of.step.toFixed(),
    quotePrecision: of.quoteStep.toFixed(),
    minOrderQty: of.symbol === 'BTCUSDT' ? '0.000011' : of.step.toFixed(),
    maxOrderQty: of.maxLimitQty.toFixed(),
    minOrderAmt: of.minValue.toFixed(),
    maxOrderAmt: '8000000',
    maxLimitOrderQty: of.maxLimitQty.toFixed(),
    maxMarketOrderQty: of.maxMarketQty.toFixed(),
    postOnlyMaxLimitOrderSize: of.maxPostOnlyQty.toFixed(),
  },
  priceFilter: { tickSize: of.tick.toFixed() },
  riskParameters: { priceLimitRatioX: of.band.toFixed(), priceLimitRatioY: of.band.times(2).toFixed() },
  symbolType: '',
});

const linearRules = (of: Product): object => {
  const price = (value: Decimal): string => shown(value, Math.max(2, placesOf(of.tick)));
  const leverage = { minLeverage: '1', maxLeverage: shown(of.maxLeverage, 2), leverageStep: '0.01' };
  return {
    symbol: of.symbol,
    symbolId: of.symbolId,
    contractType: 'LinearPerpetual',
    status: of.status,
    baseCoin: of.base,
    quoteCoin: of.quote,
    launchTime: '1585526400000',
    deliveryTime: '0',
    deliveryFeeRate: '',
    priceScale: String(Math.max(2, placesOf(of.tick))),
    leverageFilter: leverage,
    priceFilter: { minPrice: price(of.minPrice), maxPrice: price(of.maxPrice), tickSize: price(of.tick) },
    lotSizeFilter: {
      maxOrderQty: qtyText(of, of.maxLimitQty),
      minOrderQty: of.minQty.toFixed(),
      qtyStep: of.step.toFixed(),
      postOnlyMaxOrderQty: qtyText(of, of.maxPostOnlyQty),
      maxMktOrderQty: qtyText(of, of.maxMarketQty),
      minNotionalValue: of.minValue.toFixed(),
    },
    unifiedMarginTrade: true,
    fundingInterval: 480,
    settleCoin: of.quote,
    copyTrading: 'both',
    upperFundingRate: '0.00375',
    lowerFundingRate: '-0.00375',
    isPreListing: false,
    preListingInfo: null,
    riskParameters: { priceLimitRatioX: of.band.toFixed(), priceLimitRatioY: of.band.times(2).toFixed() },
    symbolType: '',
  };
};

/** All products of a category or one; a symbol that is not listed is an empty list, as for any filter. */
export const instruments = (call: Call): Answer => {
  const { body } = call;
  const category = categoryNamed(body);
  if (typeof category !== 'string') return category;
  const [symbol, baseCoin, status] = ['symbol', 'baseCoin', 'status'].map((name) => textOf(body[name]));
  const list = PRODUCTS.filter(
    (of) =>
      of.category === category &&
      (symbol === undefined || of.symbol === symbol) &&
      (baseCoin === undefined || of.base === baseCoin) &&
      (status === undefined || of.status === status),
  ).map(category === 'spot' ? spotRules : linearRules);
  return { result: { category, list, ...(category === 'linear' ? { nextPageCursor: '' } : {}) } };
};

const book = (venue: Venue, call: Call): Answer => {
  const of = productNamed(call.body);
  if (isRefusal(of)) return of;
  const limit = wholeOf('limit', call.body['limit'], of.category === 'spot' ? 1 : 25, 1, 1000);
  if (typeof limit !== 'number') return limit;
  const rows = (side: 'buy' | 'sell') =>
    venue.exchange.depth(of, side, limit).map(({ price, size }) => [price.toFixed(), size.toFixed()]);
  const ts = call.now.venueMs;
  return { result: { s: of.symbol, a: rows('sell'), b: rows('buy'), ts, u: ts % 1_000_000, seq: ts, cts: ts } };
};

const dayOf = (
  venue: Venue,
  of: Product,
  nowMs: number,
): { readonly last: Decimal; readonly day: Candle | undefined } => {
  const rows = venue.exchange.tape.candles(of.key, 1).filter(({ startMs }) => startMs > nowMs - DAY_MS);
  const day = rows.length > 0 ? rows.reduce(joined) : undefined;
  return { day, last: day?.close ?? venue.exchange.mid(of) };
};

const ticker = (venue: Venue, of: Product, nowMs: number): object => {
  const { day, last } = dayOf(venue, of, nowMs);
  const opened = day?.open ?? last;
  const [bid] = venue.exchange.depth(of, 'buy', 1);
  const [ask] = venue.exchange.depth(of, 'sell', 1);
  const mid = priceText(of, venue.exchange.mid(of));
  const common = {
    symbol: of.symbol,
    bid1Price: priceText(of, bid?.price ?? ZERO),
    bid1Size: (bid?.size ?? ZERO).toFixed(),
    ask1Price: priceText(of, ask?.price ?? ZERO),
    ask1Size: (ask?.size ?? ZERO).toFixed(),
    lastPrice: priceText(of, last),
    prevPrice24h: priceText(of, opened),
    price24hPcnt: shown(last.minus(opened).div(opened), 4),
    highPrice24h: priceText(of, day?.high ?? last),
    lowPrice24h: priceText(of, day?.low ?? last),
    turnover24h: (day?.value ?? ZERO).toFixed(),
    volume24h: (day?.volume ?? ZERO).toFixed(),
  };
  return of.category === 'spot'
    ? { ...common, usdIndexPrice: mid }
    : { ...common, indexPrice: mid, markPrice: mid, fundingRate: '0' };
};

const tickers = (venue: Venue, call: Call): Answer => {
  const category = categoryNamed(call.body);
  if (typeof category !== 'string') return category;
  const one = textOf(call.body['symbol']) === undefined ? undefined : productNamed(call.body);
  if (one && isRefusal(one)) return one;
  const listed = one ? [one] : PRODUCTS.filter((of) => of.category === category && of.status === 'Trading');
  return { result: { category, list: listed.map((of) => ticker(venue, of, call.now.venueMs)) } };
};

const MINUTES: Readonly<Record<string, number>> = { D: 1440, W: 10_080 };
const INTERVALS = [1, 3, 5, 15, 30, 60, 120, 240, 360, 720];

/** Rows [start, open, high, low, close, volume, turnover], newest first; minutes without a trade have no row. */
const kline = (venue: Venue, call: Call): Answer => {
  const of = productNamed(call.body);
  if (isRefusal(of)) return of;
  const interval = textOf(call.body['interval']) ?? '';
  const minutes = MINUTES[interval] ?? INTERVALS.find((one) => String(one) === interval);
  if (minutes === undefined) return invalid('interval');
  const limit = wholeOf('limit', call.body['limit'], 200, 1, 1000);
  if (typeof limit !== 'number') return limit;
  const from = Number(textOf(call.body['start']) ?? 0);
  const to = Number(textOf(call.body['end']) ?? Number.MAX_SAFE_INTEGER);
  const rows = venue.exchange.tape
    .candles(of.key, minutes)
    .filter(({ startMs }) => startMs >= from && startMs <= to)
    .toReversed()
    .slice(0, limit);
  const list = rows.map(({ startMs, open, high, low, close, volume, value }) => [
    String(startMs),
    ...[open, high, low, close].map((price) => price.toFixed()),
    volume.toFixed(),
    value.toFixed(),
  ]);
  return { result: { category: of.category, symbol: of.symbol, list } };
};

/** Category is linear unless it says otherwise. */
const priceLimit = (venue: Venue, call: Call): Answer => {
  const of = productNamed({ category: 'linear', ...call.body });
  if (isRefusal(of)) return of;
  const { buyMax, sellMin } = bandOf(of, venue.exchange.mid(of));
  const places = Math.max(2, placesOf(of.tick));
  const ts = String(call.now.venueMs);
  return { result: { symbol: of.symbol, buyLmt: shown(buyMax, places), sellLmt: shown(sellMin, places), ts } };
};

const time = ({ now: { venueMs } }: Call): Answer => ({
  result: { timeSecond: String(Math.floor(venueMs / 1000)), timeNano: `${Math.floor(venueMs)}000000` },
});

/** Public calls have no limit but that of the address. */
export const quoteEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (
    path: string,
    answer: (call: Call) => Answer,
    others: { readonly demo?: boolean; readonly message?: '' } = {},
  ): Endpoint => ({
    method: 'GET',
    path: `/v5/${path}`,
    auth: 'NONE',
    demo: others.demo ?? true,
    message: others.message ?? 'OK',
    answer: (call) => answer({ ...call, body: Object.fromEntries(call.query) }),
  });
  return [
    row('market/time', time),
    row('system/status', () => ({ result: { list: venue.settings.services } }), { demo: false, message: '' }),
    row('market/instruments-info', instruments),
    row('market/orderbook', (call) => book(venue, call)),
    row('market/tickers', (call) => tickers(venue, call)),
    row('market/kline', (call) => kline(venue, call)),
    row('market/price-limit', (call) => priceLimit(venue, call), { message: '' }),
  ];
};
