// Balances: available and frozen, per holder and currency. Promises that no balance goes below zero and that amounts
// are only moved, never made, except by `endow`. Never knows what an order is.
import { ZERO, type Decimal } from './decimals.ts';

export interface Balance {
  readonly available: Decimal;
  readonly frozen: Decimal;
}

export interface Ledger {
  /** Sets what is available, out of nothing; what is frozen stays. */
  endow(holder: string, currency: string, available: Decimal): void;
  balance(holder: string, currency: string): Balance;
  currencies(holder: string): readonly string[];
  credit(holder: string, currency: string, amount: Decimal): void;
  /** False, and nothing moved, when less than `amount` is available. */
  freeze(holder: string, currency: string, amount: Decimal): boolean;
  release(holder: string, currency: string, amount: Decimal): void;
  /** From what one holder has available to another; false, and nothing moved, when it is not there. */
  transfer(from: string, to: string, currency: string, amount: Decimal): boolean;
  /** Takes a frozen amount away; whoever receives it is credited by the caller. Throws on an overdraft: that is a bug. */
  spend(holder: string, currency: string, amount: Decimal): void;
  /** Everything there is of each currency, all holders together. */
  totals(): ReadonlyMap<string, Decimal>;
  clear(): void;
}

export const createLedger = (): Ledger => {
  const books = new Map<string, Map<string, Balance>>();
  const of = (holder: string): Map<string, Balance> => {
    const found = books.get(holder) ?? new Map<string, Balance>();
    books.set(holder, found);
    return found;
  };
  const balance = (holder: string, currency: string): Balance =>
    books.get(holder)?.get(currency) ?? { available: ZERO, frozen: ZERO };
  const move = (holder: string, currency: string, available: Decimal, frozen: Decimal): void => {
    const held = balance(holder, currency);
    const next = { available: held.available.plus(available), frozen: held.frozen.plus(frozen) };
    if (next.available.lt(0) || next.frozen.lt(0)) {
      throw new Error(
        `${holder} would hold less than nothing of ${currency}: ${next.available.toFixed()}, ${next.frozen.toFixed()}`,
      );
    }
    of(holder).set(currency, next);
  };
  return {
    balance,
    endow: (holder, currency, available) =>
      of(holder).set(currency, { available, frozen: balance(holder, currency).frozen }),
    currencies: (holder) => [...(books.get(holder)?.keys() ?? [])],
    credit: (holder, currency, amount) => move(holder, currency, amount, ZERO),
    freeze: (holder, currency, amount) => {
      if (balance(holder, currency).available.lt(amount)) return false;
      move(holder, currency, amount.neg(), amount);
      return true;
    },
    transfer: (from, to, currency, amount) => {
      if (balance(from, currency).available.lt(amount)) return false;
      move(from, currency, amount.neg(), ZERO);
      move(to, currency, amount, ZERO);
      return true;
    },
    release: (holder, currency, amount) => move(holder, currency, amount, amount.neg()),
    spend: (holder, currency, amount) => move(holder, currency, ZERO, amount.neg()),
    totals: () => {
      const sums = new Map<string, Decimal>();
      for (const held of books.values()) {
        for (const [currency, { available, frozen }] of held) {
          sums.set(currency, (sums.get(currency) ?? ZERO).plus(available).plus(frozen));
        }
      }
      return sums;
    },
    clear: () => books.clear(),
  };
};
