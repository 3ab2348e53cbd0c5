// Positions of perpetuals and what is set for them: leverage, position mode. Promises a row for a symbol that is asked for
// even when it is flat. Never opens or closes anything.
import { placesOf, shown, type Decimal } from '../exchange/decimals.ts';
import { productNamed } from './admission.ts';
import { invalid, isRefusal, refuse } from './codes.ts';
import { amountOf, textOf } from './fields.ts';
import type { PositionIdx } from './orders.ts';
import { entryOf, leverageOf, marginOf, positionOf, unrealisedOf, type Account, type Position } from './positions.ts';
import { MAINTENANCE_RATE, type Product } from './products.ts';
import { selected } from './trading.ts';
import { signed, type Answer, type Endpoint, type PrivateCall, type Venue } from './venue.ts';

/** Where this position's own margin would be used up but for the maintenance margin; nobody is liquidated here. */
const liquidationText = (account: Account, position: Position): string => {
  if (position.size.eq(0)) return '';
  const entry = entryOf(position);
  const away = entry.div(leverageOf(account, position.product.symbol)).minus(entry.times(MAINTENANCE_RATE));
  const price = position.size.gt(0) ? entry.minus(away) : entry.plus(away);
  return price.gt(0) ? shown(price, placesOf(position.product.tick)) : '';
};

const sideText = (size: Decimal): string => (size.eq(0) ? '' : size.gt(0) ? 'Buy' : 'Sell');

/** The size is never below zero, the side says which way; a flat position has none. */
const positionRow = (venue: Venue, account: Account, position: Position): object => {
  const { product, size, value, idx } = position;
  const mark = venue.exchange.mid(product);
  const margin = marginOf(account, position).toFixed();
  const maintenance = size.abs().times(mark).times(MAINTENANCE_RATE).toFixed();
  const entry = shown(entryOf(position), 8).replace(/\.?0+$/, '');
  return {
    positionIdx: idx,
    riskId: 1,
    riskLimitValue: '2000000',
    symbol: product.symbol,
    side: sideText(size),
    size: size.abs().toFixed(),
    avgPrice: entry === '' ? '0' : entry,
    positionValue: size.eq(0) ? '' : value.toFixed(),
    tradeMode: account.marginMode === 'ISOLATED_MARGIN' ? 1 : 0,
    positionStatus: 'Normal',
    autoAddMargin: 0,
    adlRankIndicator: size.eq(0) ? 0 : 2,
    leverage: leverageOf(account, product.symbol).toFixed(),
    breakEvenPrice: entry,
    positionBalance: margin,
    markPrice: shown(mark, placesOf(product.tick)),
    liqPrice: liquidationText(account, position),
    bustPrice: '',
    positionMM: maintenance,
    positionMMByMp: maintenance,
    positionIM: margin,
    positionIMByMp: margin,
    tpslMode: 'Full',
    takeProfit: '0.00',
    stopLoss: '0.00',
    trailingStop: '0.00',
    unrealisedPnl: size.eq(0) ? '' : unrealisedOf(position, mark).toFixed(),
    curRealisedPnl: position.realised.toFixed(),
    cumRealisedPnl: position.everRealised.toFixed(),
    seq: 5_723_621_632,
    isReduceOnly: false,
    mmrSysUpdateTime: '',
    leverageSysUpdatedTime: '',
    sessionAvgPrice: '',
    createdTime: String(position.createdTime),
    updatedTime: String(position.updatedTime),
  };
};

const indexesOf = ({ hedged }: Account): readonly PositionIdx[] => (hedged ? [1, 2] : [0]);

const positions = (venue: Venue, { key, body }: PrivateCall): Answer => {
  if (body['category'] !== 'linear') return invalid('category must be linear here');
  const account = venue.exchange.account(key.uid);
  const isMeant = selected(body, 'linear');
  if (typeof isMeant !== 'function') return isMeant;
  const product = textOf(body['symbol']) === undefined ? undefined : productNamed(body);
  const rows =
    product && !isRefusal(product)
      ? indexesOf(account).map((idx) => positionOf(account, product, idx))
      : [...account.positions.values()].filter((one) => isMeant(one.product) && !one.size.eq(0));
  const list = rows.map((position) => positionRow(venue, account, position));
  return { result: { list, nextPageCursor: '', category: 'linear' } };
};

const linearOf = (body: PrivateCall['body']): Product | ReturnType<typeof refuse> =>
  body['category'] === 'linear' ? productNamed(body) : invalid('category must be linear here');

/** One leverage for both sides (they must be equal one-way and in cross margin; hedged isolated margin is not played). */
const setLeverage = (venue: Venue, { key, body }: PrivateCall): Answer => {
  const product = linearOf(body);
  if (isRefusal(product)) return product;
  const [buy, sell] = [amountOf(body['buyLeverage']), amountOf(body['sellLeverage'])];
  if (!buy || !sell || !buy.eq(sell)) return invalid('buyLeverage and sellLeverage must be equal');
  if (buy.lt(1) || buy.gt(product.maxLeverage) || !buy.round(2, 0).eq(buy)) return refuse(110013);
  const account = venue.exchange.account(key.uid);
  if (leverageOf(account, product.symbol).eq(buy)) return refuse(110043);
  account.leverage.set(product.symbol, buy);
  return { result: {} };
};

export const isHolding = ({ positions: held }: Account): boolean => [...held.values()].some(({ size }) => !size.eq(0));

/** 0 one-way, 3 hedge; for all symbols of the account at once here, and only while it holds and wants nothing. */
const switchMode = (venue: Venue, { key, body }: PrivateCall): Answer => {
  if (body['category'] !== 'linear') return invalid('category must be linear here');
  const hedged = body['mode'] === 3;
  if (!hedged && body['mode'] !== 0) return invalid('mode must be 0 or 3');
  if (textOf(body['symbol']) === undefined && textOf(body['coin']) === undefined)
    return invalid('symbol or coin is required');
  const account = venue.exchange.account(key.uid);
  if (account.hedged === hedged) return refuse(110025);
  if (isHolding(account)) return refuse(110024);
  const working = venue.exchange.working(key.uid).some((one) => one.product.category === 'linear');
  if (working) return refuse(110028);
  account.hedged = hedged;
  return { result: {} };
};

/** Limits from the documentation of 2026-07. */
export const perpetualEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (
    method: 'GET' | 'POST',
    name: string,
    requests: number,
    answer: (venue: Venue, call: PrivateCall) => Answer,
  ): Endpoint =>
    signed(requests, {
      method,
      path: `/v5/position/${name}`,
      permission: method === 'GET' ? 'read' : 'future-trade',
      answer: (call) => answer(venue, call),
    });
  return [
    row('GET', 'list', 50, positions),
    row('POST', 'set-leverage', 10, setLeverage),
    row('POST', 'switch-mode', 10, switchMode),
  ];
};
