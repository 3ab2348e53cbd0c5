// The futures account: assets, positions, leverage, position mode, fee rates, transfers. Promises figures that come from
// wallet and positions; how margin is reckoned is the simplest reading of the documents (see positions.ts).
import { absent } from '../admission.ts';
import { isRefusal, refuse } from '../codes.ts';
import { parseAmount, shown, ZERO, type Decimal } from '../../exchange/decimals.ts';
import type { Answer, Endpoint, Permission, PrivateCall, Venue } from '../venue.ts';
import { contractOf, FIRST_TERMS, invalid, leverageOf, openTypeOf } from './admission.ts';
import { FUTURES_MAKER_RATE, FUTURES_TAKER_RATE, MAINTENANCE_RATE, MAX_NOTIONAL, type Contract } from './contracts.ts';
import { entryPriceOf, held, keyOf, marginOf, unrealisedOf, valueOf, type Position, type PositionSide } from './positions.ts'; // prettier-ignore
import { plain, wrongSymbol } from './queries.ts';

const assets = (venue: Venue, { key }: PrivateCall): Answer => {
  const { futures } = venue;
  const account = futures.account(key.uid);
  const unrealised = [...account.positions.values()].reduce(
    (sum, position) => sum.plus(unrealisedOf(position, futures.mid(position.contract))),
    ZERO,
  );
  const usdt = {
    currency: 'USDT',
    available_balance: plain(futures.available(key.uid)),
    frozen_balance: plain(futures.frozen(key.uid)),
    unrealized: plain(unrealised),
    equity: plain(account.wallet.plus(unrealised)),
    position_deposit: plain(futures.deposit(key.uid)),
  };
  const none = { available_balance: '0', frozen_balance: '0', unrealized: '0', equity: '0', position_deposit: '0' };
  return { data: [usdt, ...['BTC', 'ETH'].map((currency) => ({ currency, ...none }))] };
};

/** Where the margin of this position alone would be used up but for the maintenance margin; nobody is liquidated here. */
const liquidationPrice = (position: Position): Decimal => {
  if (position.amount.eq(0)) return ZERO;
  const entry = entryPriceOf(position);
  const away = entry.div(position.leverage).minus(entry.times(MAINTENANCE_RATE));
  const price = position.side === 'long' ? entry.minus(away) : entry.plus(away);
  return price.gt(0) ? price : ZERO;
};

const common = (venue: Venue, position: Position, now: number) => {
  const { contract, amount, value } = position;
  const mark = venue.futures.mid(contract);
  const markValue = valueOf(contract, amount, mark);
  return {
    symbol: contract.symbol,
    leverage: position.leverage.toFixed(),
    timestamp: now,
    current_fee: plain(position.fees),
    open_timestamp: amount.gt(0) ? position.openTime : 0,
    current_value: plain(markValue),
    mark_price: plain(mark),
    position_value: plain(value),
    position_cross: plain(marginOf(position)),
    maintenance_margin: plain(markValue.times(MAINTENANCE_RATE)),
    close_vol: position.closedAmount.toFixed(),
    close_avg_price: plain(
      position.closedAmount.gt(0) ? position.closedValue.div(position.closedAmount.times(contract.coins)) : ZERO,
    ),
    open_avg_price: plain(entryPriceOf(position)),
    entry_price: plain(entryPriceOf(position)),
    current_amount: amount.toFixed(),
    realized_value: plain(position.realised),
    mark_value: plain(markValue),
    account: 'futures',
  };
};

const isOneWay = (venue: Venue, uid: string): boolean => venue.futures.account(uid).positionMode === 'one_way_mode';

const rowV1 = (venue: Venue, uid: string, position: Position, now: number): object => ({
  ...common(venue, position, now),
  unrealized_value: plain(unrealisedOf(position, venue.futures.mid(position.contract))),
  position_type: position.side === 'long' ? 1 : 2,
  margin_type: position.openType === 'cross' ? 'Cross' : 'Isolated',
  position_mode: venue.futures.account(uid).positionMode,
});

/** One-way rows say side `both`, and position_amount is negative for a short. */
const rowV2 = (venue: Venue, uid: string, position: Position, now: number): object => {
  const oneWay = isOneWay(venue, uid);
  const amount = oneWay && position.side === 'short' ? position.amount.neg() : position.amount;
  return {
    ...common(venue, position, now),
    position_amount: amount.toFixed(),
    open_type: position.openType,
    position_side: oneWay ? 'both' : position.side,
    unrealized_pnl: plain(unrealisedOf(position, venue.futures.mid(position.contract))),
    liquidation_price: plain(liquidationPrice(position)),
    max_notional_value: MAX_NOTIONAL,
    initial_margin: plain(marginOf(position)),
  };
};

const riskRow = (venue: Venue, _uid: string, position: Position, now: number): object => ({
  symbol: position.contract.symbol,
  position_amt: position.amount.toFixed(),
  mark_price: plain(venue.futures.mid(position.contract)),
  unrealized_profit: plain(unrealisedOf(position, venue.futures.mid(position.contract))),
  liquidation_price: plain(liquidationPrice(position)),
  leverage: position.leverage.toFixed(),
  max_notional_value: MAX_NOTIONAL,
  margin_type: position.openType === 'cross' ? 'Cross' : 'Isolated',
  isolated_margin: plain(position.openType === 'cross' ? ZERO : marginOf(position)),
  position_side: position.side === 'long' ? 'Long' : 'Short',
  notional: plain(position.value),
  update_time: now,
  account: 'futures',
});

const flatOf = (venue: Venue, uid: string, contract: Contract, side: PositionSide): Position => {
  const set = venue.futures.account(uid).terms.get(contract.symbol);
  const leverage = set?.leverage ?? parseAmount(FIRST_TERMS.leverage) ?? contract.maxLeverage;
  const none = { amount: ZERO, value: ZERO, realised: ZERO, closedAmount: ZERO, closedValue: ZERO, fees: ZERO };
  return { contract, side, ...none, leverage, openType: set?.openType ?? FIRST_TERMS.openType, openTime: 0 };
};

/** Positions held; version 2 with a symbol lists flat ones too. */
const positionsBy =
  (row: typeof rowV1, showsFlat: boolean) =>
  (venue: Venue, { key, query, now }: PrivateCall): Answer => {
    const account = venue.futures.account(key.uid);
    const contract = venue.futures.contract(query.get('symbol') ?? '');
    const open = [...account.positions.values()].filter(
      (one) => one.amount.gt(0) && (!contract || one.contract === contract),
    );
    const sides: readonly PositionSide[] = isOneWay(venue, key.uid) ? ['long'] : ['long', 'short'];
    const closed = !contract || !showsFlat ? [] : sides.filter((side) => !held(account, contract.symbol, side));
    const missing = isOneWay(venue, key.uid) && open.length > 0 ? [] : closed;
    const flats = contract
      ? missing.map((side) => account.positions.get(keyOf(contract.symbol, side)) ?? flatOf(venue, key.uid, contract, side)) // prettier-ignore
      : [];
    return (
      wrongSymbol(venue, { query } as PrivateCall) ?? {
        data: [...open, ...flats].map((position) => row(venue, key.uid, position, now.venueMs)),
      }
    );
  };

/** Sets leverage and margin mode of a symbol; an open position takes the leverage over but never the other margin mode. */
const submitLeverage = (venue: Venue, { key, body }: PrivateCall): Answer => {
  const contract = contractOf(venue, body['symbol']);
  if (isRefusal(contract)) return contract;
  const account = venue.futures.account(key.uid);
  const openType = openTypeOf(body['open_type']);
  if (typeof openType !== 'string') return openType;
  const before = account.terms.get(contract.symbol)?.leverage.toFixed() ?? FIRST_TERMS.leverage;
  const leverage = leverageOf(absent(body['leverage']) ? before : body['leverage'], contract);
  if (isRefusal(leverage)) return leverage;
  const open = (['long', 'short'] as const).flatMap((side) => held(account, contract.symbol, side) ?? []);
  if (open.some((position) => position.openType !== openType)) return refuse(40045);
  for (const position of open) account.positions.set(keyOf(contract.symbol, position.side), { ...position, leverage });
  account.terms.set(contract.symbol, { leverage, openType });
  const max_value = contract.maxLeverage.toFixed();
  return { data: { symbol: contract.symbol, leverage: leverage.toFixed(), open_type: openType, max_value } };
};

/** For the whole account, and only while it holds and wants nothing; setting the mode in force is refused then, too. */
const setPositionMode = (venue: Venue, { key, body }: PrivateCall): Answer => {
  const mode = body['position_mode'];
  if (mode !== 'hedge_mode' && mode !== 'one_way_mode') return invalid('position_mode');
  const account = venue.futures.account(key.uid);
  const holds = [...account.positions.values()].some(({ amount }) => amount.gt(0));
  if (holds || venue.futures.working(key.uid).length > 0) return refuse(40059);
  account.positionMode = mode;
  return { data: { position_mode: mode } };
};

const feeRate = (venue: Venue, { query }: PrivateCall): Answer => {
  const contract = contractOf(venue, query.get('symbol'));
  if (isRefusal(contract)) return contract;
  const [taker_fee_rate, maker_fee_rate] = [FUTURES_TAKER_RATE.toFixed(), FUTURES_MAKER_RATE.toFixed()];
  return { data: { symbol: contract.symbol, taker_fee_rate, maker_fee_rate } };
};

/** Between the spot wallet and the futures wallet; USDT alone, at least 0.01. */
const transfer = (venue: Venue, { key, body, now }: PrivateCall): Answer => {
  const { currency, type } = body;
  if (currency !== 'USDT') return invalid('currency: USDT alone');
  const amount = parseAmount(body['amount']);
  if (!amount || amount.lt('0.01') || amount.gt('10000000000')) return invalid('amount: 0.01 to 10000000000');
  const account = venue.futures.account(key.uid);
  const { ledger } = venue.exchange;
  if (type === 'spot_to_contract') {
    if (!ledger.freeze(key.uid, currency, amount)) return refuse(42000);
    ledger.spend(key.uid, currency, amount);
    account.wallet = account.wallet.plus(amount);
  } else if (type === 'contract_to_spot') {
    if (venue.futures.available(key.uid).lt(amount)) return refuse(42000);
    account.wallet = account.wallet.minus(amount);
    ledger.credit(key.uid, currency, amount);
  } else return invalid('type');
  venue.futures.transfers(key.uid).unshift({ amount, type, time: now.venueMs });
  return { data: { currency, amount: amount.toFixed() } };
};

const transferList = (venue: Venue, { key, body }: PrivateCall): Answer => {
  const { page, limit, time_start: from = 0, time_end: to = Infinity } = body;
  if (typeof page !== 'number' || typeof limit !== 'number') return invalid('page and limit are needed');
  const rows = venue.futures
    .transfers(key.uid)
    .map(({ amount, type, time }, index) => ({
      transfer_id: `transfer${time}${index}`,
      currency: 'USDT',
      amount: shown(amount, 8),
      type,
      state: 'FINISHED',
      timestamp: time,
    }))
    .filter(({ timestamp }) => timestamp >= Number(from) && timestamp <= Number(to));
  return { data: { records: rows.slice((page - 1) * limit, page * limit) } };
};

interface Row {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly requests: number;
  readonly permission: Permission;
  readonly answer: (venue: Venue, call: PrivateCall) => Answer;
}

// prettier-ignore
const ROWS: readonly Row[] = [
  { method: 'GET', path: '/contract/private/assets-detail', requests: 12, permission: 'read', answer: assets },
  { method: 'GET', path: '/contract/private/trade-fee-rate', requests: 2, permission: 'read', answer: feeRate },
  { method: 'GET', path: '/contract/private/position', requests: 6, permission: 'read', answer: positionsBy(rowV1, false) },
  { method: 'GET', path: '/contract/private/position-v2', requests: 6, permission: 'read', answer: positionsBy(rowV2, true) },
  { method: 'GET', path: '/contract/private/position-risk', requests: 24, permission: 'read', answer: positionsBy(riskRow, false) },
  { method: 'GET', path: '/contract/private/get-position-mode', requests: 2, permission: 'read',
    answer: (venue, { key }) => ({ data: { position_mode: venue.futures.account(key.uid).positionMode } }) },
  { method: 'POST', path: '/contract/private/submit-leverage', requests: 24, permission: 'future-trade', answer: submitLeverage },
  { method: 'POST', path: '/contract/private/set-position-mode', requests: 2, permission: 'future-trade', answer: setPositionMode },
  { method: 'POST', path: '/account/v1/transfer-contract', requests: 1, permission: 'future-trade', answer: transfer },
  { method: 'POST', path: '/account/v1/transfer-contract-list', requests: 1, permission: 'read', answer: transferList },
];

/** Limits from the futures documentation of 2026-02. */
export const futuresAccountEndpoints = (venue: Venue): readonly Endpoint[] =>
  ROWS.map(({ method, path, requests, permission, answer }): Endpoint => ({
    method,
    path,
    auth: method === 'GET' ? 'KEYED' : 'SIGNED',
    permission,
    limit: { requests, seconds: 2, scope: 'KEY' },
    message: 'Ok',
    answer: (call: PrivateCall) => answer(venue, call),
  }));
