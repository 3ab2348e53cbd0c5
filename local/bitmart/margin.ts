// Isolated margin: placement in its own spelling, transfers, loans and the reads around them. Its orders are queried and
// cancelled like spot's, where they show as orderMode iso_margin. Never touches the spot wallet except by a transfer.
import { absent, admit, refusalNow, symbolOf } from './admission.ts';
import { isRefusal, refuse, type Refusal } from './codes.ts';
import { floorTo, parseAmount, shown, ZERO, type Decimal } from '../exchange/decimals.ts';
import type { Instrument } from './instruments.ts';
import { jsonInteger } from './integers.ts';
import { DAILY_RATE, HOURLY_RATE, LEAST_LOAN, MAX_LEVERAGE, type LoanRecord } from './loans.ts';
import { holderOf, marginHolder, type NewOrder } from './orders.ts';
import { place, snakeFields } from './trading.ts';
import type { Answer, Endpoint, PrivateCall, Venue } from './venue.ts';
import type { Scope } from './windows.ts';

const PLACES = 8;
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/** What the account lacks for an order, in whole units of eight decimals. */
const lackOf = (venue: Venue, order: NewOrder): { readonly currency: string; readonly lack: Decimal } => {
  const { currency, amount } = venue.exchange.costOf(order);
  const lack = amount.minus(venue.exchange.ledger.balance(holderOf(order), currency).available);
  return { currency, lack: lack.gt(0) ? lack.round(PLACES, 3) : ZERO };
};

/**
 * Places on the spot book with the pair's margin account, borrowing what it lacks. Under the fault `loan-only` the loan
 * goes through and the order does not (59009); an order that lacks nothing then borrows its whole cost, so that the
 * side effect is always there to be found.
 */
const submit = (venue: Venue, call: PrivateCall): Answer => {
  const { key, body, now, loanOnly } = call;
  // clientOrderId, unlike v2 submit: client_order_id is an unknown field here, and is ignored without an error.
  const fields = { ...snakeFields(body), clientOrderId: body['clientOrderId'] };
  const order = admit(venue, key, fields, 'iso_margin');
  if (isRefusal(order)) return order;
  const refused = refusalNow(venue, order);
  if (refused) return refused;
  const { borrows, orderIdAs } = venue.settings.promises.margin;
  const { currency, lack } = lackOf(venue, order);
  if (lack.gt(0) && borrows === 'never') return refuse(50020);
  const loan = loanOnly && lack.eq(0) ? venue.exchange.costOf(order).amount.round(PLACES, 0) : lack;
  if (loan.gt(0) && !venue.loans.borrow(key.uid, order.instrument, currency, loan, now.venueMs)) return refuse(59010);
  if (loanOnly) return refuse(59009);
  const placed = place(venue, call, order);
  if (isRefusal(placed)) return placed;
  return { data: { order_id: orderIdAs === 'number' ? jsonInteger(placed.orderId) : placed.orderId } };
};

interface Asked {
  readonly instrument: Instrument;
  readonly currency: string;
  readonly amount: Decimal;
}

/** symbol, currency and amount of a transfer, loan or repayment. */
const askedOf = (venue: Venue, body: PrivateCall['body']): Asked | Refusal => {
  const instrument = symbolOf(venue, body['symbol']);
  if (isRefusal(instrument)) return instrument;
  const { base, quote } = instrument;
  const currency = [base, quote].find((one) => one === body['currency']);
  if (currency === undefined) return absent(body['currency']) ? refuse(50028, 'Missing parameter: currency') : refuse(51000); // prettier-ignore
  const amount = parseAmount(body['amount']);
  if (!amount || amount.lte(0)) return refuse(50021, 'Invalid parameter: amount');
  return { instrument, currency, amount: floorTo(amount, LEAST_LOAN) };
};

const transfer = (venue: Venue, { key, body }: PrivateCall): Answer => {
  const asked = askedOf(venue, body);
  if (isRefusal(asked)) return asked;
  const { instrument, currency, amount } = asked;
  const { ledger } = venue.exchange;
  const margin = marginHolder(key.uid, instrument.symbol);
  if (body['side'] !== 'in' && body['side'] !== 'out') return refuse(50021, 'Invalid parameter: side');
  const [from, to] = body['side'] === 'in' ? [key.uid, margin] : [margin, key.uid];
  if (!ledger.transfer(from, to, currency, amount)) return refuse(50020);
  const { net, debts } = venue.loans.worth(key.uid, instrument);
  // What stays has to carry the loans.
  if (body['side'] === 'out' && debts.gt(net.times(MAX_LEVERAGE.minus(1)))) {
    ledger.transfer(to, from, currency, amount);
    return refuse(51003);
  }
  venue.transfers += 1;
  return { data: { transfer_id: String(5_000_000 + venue.transfers) } };
};

const borrow = (venue: Venue, { key, body, now }: PrivateCall): Answer => {
  const asked = askedOf(venue, body);
  if (isRefusal(asked)) return asked;
  if (asked.amount.lt(LEAST_LOAN)) return refuse(51005);
  const loan = venue.loans.borrow(key.uid, asked.instrument, asked.currency, asked.amount, now.venueMs);
  return loan ? { data: { borrow_id: loan.id } } : refuse(51004);
};

const repay = (venue: Venue, { key, body, now }: PrivateCall): Answer => {
  const asked = askedOf(venue, body);
  if (isRefusal(asked)) return asked;
  const { instrument, currency, amount } = asked;
  const { principal, interest } = venue.loans.debt(key.uid, instrument.symbol, currency);
  if (amount.gt(principal.plus(interest))) return refuse(51006);
  const repaid = venue.loans.repay(key.uid, instrument, currency, amount, now.venueMs);
  return repaid ? { data: { repay_id: repaid.id } } : refuse(50020);
};

const side = (venue: Venue, uid: string, instrument: Instrument, currency: string): object => {
  const { available, frozen } = venue.exchange.ledger.balance(marginHolder(uid, instrument.symbol), currency);
  const { principal, interest } = venue.loans.debt(uid, instrument.symbol, currency);
  const text = (amount: Decimal): string => shown(amount, PLACES);
  const total = available.plus(frozen);
  const net = total.minus(principal).minus(interest);
  const btc = venue.exchange.instrument('BTC_USDT');
  const inQuote = currency === instrument.quote ? net : net.times(venue.exchange.mid(instrument));
  return {
    currency,
    borrow_enabled: true,
    borrowed: text(principal),
    available: text(available),
    frozen: text(frozen),
    net_asset: text(net),
    net_assetBTC: text(btc ? inQuote.div(venue.exchange.mid(btc)) : ZERO),
    total_asset: text(total),
    borrow_unpaid: text(principal),
    interest_unpaid: text(interest),
  };
};

/** The pairs a call asks for: one, several with commas, or all that trade. */
const pairsOf = (venue: Venue, { query }: PrivateCall): readonly Instrument[] | Refusal => {
  const asked = query.get('symbol');
  if (asked === null || asked === '') return venue.exchange.instruments.filter(({ trading }) => trading);
  const found = asked.split(',').map((symbol) => symbolOf(venue, symbol.trim()));
  return found.find((one) => isRefusal(one)) ?? found.flatMap((one) => (isRefusal(one) ? [] : [one]));
};

const accounts = (venue: Venue, call: PrivateCall): Answer => {
  const pairs = pairsOf(venue, call);
  if ('refused' in pairs) return pairs;
  const symbols = pairs.map((of) => {
    const { net, debts } = venue.loans.worth(call.key.uid, of);
    return {
      symbol: of.symbol,
      risk_rate: debts.gt(0) ? shown(net.plus(debts).div(debts), 2) : '999.00',
      risk_level: '1',
      buy_enabled: true,
      sell_enabled: true,
      liquidate_price: null,
      liquidate_rate: '1.15',
      base: side(venue, call.key.uid, of, of.base),
      quote: side(venue, call.key.uid, of, of.quote),
    };
  });
  return { data: { symbols } };
};

const pairs = (venue: Venue, call: PrivateCall): Answer => {
  const found = pairsOf(venue, call);
  if ('refused' in found) return found;
  const row = (of: Instrument, currency: string): object => ({
    currency,
    daily_interest: shown(DAILY_RATE, PLACES),
    hourly_interest: shown(HOURLY_RATE, PLACES),
    max_borrow_amount: shown(of.maxSize, PLACES),
    min_borrow_amount: shown(LEAST_LOAN, PLACES),
    borrowable_amount: shown(venue.loans.borrowable(call.key.uid, of, currency), PLACES),
  });
  return {
    data: {
      symbols: found.map((of) => ({
        symbol: of.symbol,
        max_leverage: MAX_LEVERAGE.toFixed(),
        symbol_enabled: of.trading,
        base: row(of, of.base),
        quote: row(of, of.quote),
      })),
    },
  };
};

const recordRow = (record: LoanRecord): object => {
  const { id, symbol, currency, amount, interest, time } = record;
  const text = (value: Decimal): string => shown(value, PLACES);
  return record.kind === 'borrow'
    ? {
        borrow_id: id,
        symbol,
        currency,
        borrow_amount: text(amount),
        daily_interest: shown(DAILY_RATE, PLACES),
        hourly_interest: shown(HOURLY_RATE, PLACES),
        interest_amount: text(interest),
        create_time: time,
      }
    : {
        repay_id: id,
        repay_time: time,
        symbol,
        currency,
        repaid_amount: text(amount),
        repaid_principal: text(amount.minus(interest)),
        repaid_interest: text(interest),
      };
};

const records = (venue: Venue, { key, query, now }: PrivateCall, kind: LoanRecord['kind']): Answer => {
  const instrument = symbolOf(venue, query.get('symbol'));
  if (isRefusal(instrument)) return instrument;
  const most = Math.min(100, Math.max(1, Number(query.get('N') ?? 50) || 50));
  const toMs = Number(query.get('end_time') ?? Infinity);
  const fromMs = Number(query.get('start_time') ?? Math.min(toMs, now.venueMs) - WEEK_MS);
  const [id, currency] = [query.get(`${kind}_id`), query.get('currency')];
  const rows = venue.loans
    .records(key.uid, kind)
    .filter((one) => one.symbol === instrument.symbol && one.time >= fromMs && one.time <= toMs)
    .filter((one) => (!id || one.id === id) && (!currency || one.currency === currency));
  return { data: { records: rows.slice(0, most).map(recordRow) } };
};

/** Limits from the spot documentation of 2025-05. */
export const marginEndpoints = (venue: Venue): readonly Endpoint[] => {
  const write = (
    path: string,
    [requests, seconds, scope]: readonly [number, number, Scope],
    answer: (venue: Venue, call: PrivateCall) => Answer,
  ): Endpoint => ({
    method: 'POST',
    path: `/spot/v1/margin/${path}`,
    auth: 'SIGNED',
    permission: 'margin-trade',
    limit: { requests, seconds, scope },
    message: 'OK',
    answer: (call) => answer(venue, call),
  });
  const read = (path: string, requests: number, answer: (call: PrivateCall) => Answer): Endpoint => ({
    method: 'GET',
    path: `/spot/v1/margin/isolated/${path}`,
    auth: 'KEYED',
    permission: 'read',
    limit: { requests, seconds: 2, scope: 'KEY' },
    message: 'OK',
    answer,
  });
  return [
    write('submit_order', [20, 1, 'UID'], submit),
    write('isolated/transfer', [2, 2, 'KEY'], transfer),
    write('isolated/borrow', [2, 2, 'KEY'], borrow),
    write('isolated/repay', [2, 2, 'KEY'], repay),
    read('account', 12, (call) => accounts(venue, call)),
    read('pairs', 2, (call) => pairs(venue, call)),
    read('borrow_record', 150, (call) => records(venue, call, 'borrow')),
    read('repay_record', 150, (call) => records(venue, call, 'repay')),
  ];
};
