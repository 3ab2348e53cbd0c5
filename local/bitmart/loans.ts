// Isolated margin: one account per UID and pair, its loans and their repayment. Promises that a loan is moved, never
// made (a lender holds the money), and that nobody borrows beyond the pair's leverage. Never places an order.
// The rates, limits and the interest (one hour's, charged when borrowing) are ours: the documents name none.
import { decimal, floorTo, smaller, ZERO, type Decimal } from '../exchange/decimals.ts';
import type { Exchange } from './exchange.ts';
import type { Instrument } from './instruments.ts';
import { LENDER, marginHolder } from './orders.ts';

export const MAX_LEVERAGE: Decimal = decimal('5');
export const DAILY_RATE: Decimal = decimal('0.00024');
export const HOURLY_RATE: Decimal = DAILY_RATE.div(24);
export const LEAST_LOAN: Decimal = decimal('0.00000001');

export interface Debt {
  readonly principal: Decimal;
  readonly interest: Decimal;
}

/** One loan or one repayment, as its record shows it. */
export interface LoanRecord {
  readonly id: string;
  readonly uid: string;
  readonly kind: 'borrow' | 'repay';
  readonly symbol: string;
  readonly currency: string;
  readonly amount: Decimal;
  /** Of a loan what was charged, of a repayment what was paid. */
  readonly interest: Decimal;
  readonly time: number;
}

export interface Loans {
  debt(uid: string, symbol: string, currency: string): Debt;
  /** Worth of a pair's account in quote coin, debts taken off; and of the debts alone. */
  worth(uid: string, instrument: Instrument): { readonly net: Decimal; readonly debts: Decimal };
  borrowable(uid: string, instrument: Instrument, currency: string): Decimal;
  /** undefined when it is more than may be borrowed. */
  borrow(uid: string, instrument: Instrument, currency: string, amount: Decimal, time: number): LoanRecord | undefined;
  /** undefined when more is repaid than is owed or available. */
  repay(uid: string, instrument: Instrument, currency: string, amount: Decimal, time: number): LoanRecord | undefined;
  /** Newest first. */
  records(uid: string, kind: LoanRecord['kind']): readonly LoanRecord[];
  clear(): void;
}

const LENDER_FUNDS = decimal('1000000000000');

type Debts = Map<string, Debt>;

const at = (uid: string, symbol: string, currency: string): string => `${uid} ${symbol} ${currency}`;

const debtOf = (debts: Debts, uid: string, symbol: string, currency: string): Debt =>
  debts.get(at(uid, symbol, currency)) ?? { principal: ZERO, interest: ZERO };

const add = (debts: Debts, uid: string, symbol: string, currency: string, change: Debt): void => {
  const { principal, interest } = debtOf(debts, uid, symbol, currency);
  const next = { principal: principal.plus(change.principal), interest: interest.plus(change.interest) };
  debts.set(at(uid, symbol, currency), next);
};

/** The sums that limit what may be borrowed. */
const sums = (exchange: Exchange, debts: Debts): Pick<Loans, 'worth' | 'borrowable'> => {
  const priceOf = (instrument: Instrument, currency: string): Decimal =>
    currency === instrument.base ? exchange.mid(instrument) : decimal('1');
  const worth: Loans['worth'] = (uid, instrument) => {
    let [assets, owed] = [ZERO, ZERO];
    for (const currency of [instrument.base, instrument.quote]) {
      const price = priceOf(instrument, currency);
      const { available, frozen } = exchange.ledger.balance(marginHolder(uid, instrument.symbol), currency);
      const { principal, interest } = debtOf(debts, uid, instrument.symbol, currency);
      assets = assets.plus(available.plus(frozen).times(price));
      owed = owed.plus(principal.plus(interest).times(price));
    }
    return { net: assets.minus(owed), debts: owed };
  };
  return {
    worth,
    borrowable: (uid, instrument, currency) => {
      const { net, debts: owed } = worth(uid, instrument);
      const room = net.times(MAX_LEVERAGE.minus(1)).minus(owed).div(priceOf(instrument, currency));
      return room.gt(0) ? floorTo(room, LEAST_LOAN) : ZERO;
    },
  };
};

export const createLoans = (exchange: Exchange): Loans => {
  const debts: Debts = new Map();
  let records: LoanRecord[] = [];
  let lastId = 0;
  const { ledger } = exchange;
  const { worth, borrowable } = sums(exchange, debts);
  const keep = (record: Omit<LoanRecord, 'id'>): LoanRecord => {
    lastId += 1;
    const kept = { ...record, id: String(4_000_000 + lastId) };
    records = [kept, ...records];
    return kept;
  };
  return {
    debt: (uid, symbol, currency) => debtOf(debts, uid, symbol, currency),
    worth,
    borrowable,
    borrow: (uid, instrument, currency, amount, time) => {
      const { symbol } = instrument;
      if (amount.gt(borrowable(uid, instrument, currency))) return undefined;
      if (ledger.balance(LENDER, currency).available.lt(amount)) ledger.endow(LENDER, currency, LENDER_FUNDS);
      ledger.transfer(LENDER, marginHolder(uid, symbol), currency, amount);
      const interest = amount.times(HOURLY_RATE).round(8, 3);
      add(debts, uid, symbol, currency, { principal: amount, interest });
      return keep({ uid, kind: 'borrow', symbol, currency, amount, interest, time });
    },
    repay: (uid, instrument, currency, amount, time) => {
      const { symbol } = instrument;
      const owed = debtOf(debts, uid, symbol, currency);
      if (amount.gt(owed.principal.plus(owed.interest))) return undefined;
      if (!ledger.transfer(marginHolder(uid, symbol), LENDER, currency, amount)) return undefined;
      const interest = smaller(amount, owed.interest);
      add(debts, uid, symbol, currency, { principal: interest.minus(amount), interest: interest.neg() });
      return keep({ uid, kind: 'repay', symbol, currency, amount, interest, time });
    },
    records: (uid, kind) => records.filter((one) => one.uid === uid && one.kind === kind),
    clear: () => {
      debts.clear();
      records = [];
    },
  };
};
