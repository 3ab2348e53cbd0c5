// Positions and the derivatives side of the unified account. Promises exact sums: what one side of a trade wins the other
// loses. No I/O; never liquidates anybody (how the venue does is not documented enough to be played).
import { smaller, ZERO, type Decimal } from '../exchange/decimals.ts';
import type { PositionIdx } from './orders.ts';
import { FIRST_LEVERAGE, type Product } from './products.ts';

export interface Position {
  readonly product: Product;
  readonly idx: PositionIdx;
  /** Base coin held, below zero for a short. */
  readonly size: Decimal;
  /** What it was opened for; never below zero. */
  readonly value: Decimal;
  /** Realised since it was opened, and ever; fees are in it. */
  readonly realised: Decimal;
  readonly everRealised: Decimal;
  readonly createdTime: number;
  readonly updatedTime: number;
}

export interface Account {
  /** A debt of USDT that the wallet could not bear; never above zero once settled. */
  debt: Decimal;
  hedged: boolean;
  marginMode: 'ISOLATED_MARGIN' | 'REGULAR_MARGIN' | 'PORTFOLIO_MARGIN';
  /** What becomes of a limit price outside the band: spot moves it when true, perpetuals refuse it when true. */
  lpaSpot: boolean;
  lpaPerp: boolean;
  /** Fees are paid in MNT. */
  paysInMnt: boolean;
  settingsTime: number;
  /** By symbol. */
  readonly leverage: Map<string, Decimal>;
  /** By symbol and index. */
  readonly positions: Map<string, Position>;
}

export const newAccount = (): Account => ({
  debt: ZERO,
  hedged: false,
  marginMode: 'REGULAR_MARGIN',
  lpaSpot: false,
  lpaPerp: false,
  paysInMnt: false,
  settingsTime: 0,
  leverage: new Map(),
  positions: new Map(),
});

export const leverageOf = (account: Account, symbol: string): Decimal => account.leverage.get(symbol) ?? FIRST_LEVERAGE;

const keyOf = (symbol: string, idx: PositionIdx): string => `${symbol} ${idx}`;

/** A position, a flat one where none was ever held. */
export const positionOf = (account: Account, product: Product, idx: PositionIdx): Position =>
  account.positions.get(keyOf(product.symbol, idx)) ?? {
    product,
    idx,
    size: ZERO,
    value: ZERO,
    realised: ZERO,
    everRealised: ZERO,
    createdTime: 0,
    updatedTime: 0,
  };

export const entryOf = ({ size, value }: Position): Decimal => (size.eq(0) ? ZERO : value.div(size.abs()));

export const unrealisedOf = ({ size, value }: Position, mark: Decimal): Decimal => {
  const worth = size.abs().times(mark);
  return size.lt(0) ? value.minus(worth) : worth.minus(value);
};

/** Initial margin at the opening value, cross and isolated alike: the simplest reading of the documents. */
export const marginOf = (account: Account, { product, value }: Position): Decimal =>
  value.div(leverageOf(account, product.symbol));

/** How much of a change would make the position smaller. */
export const closing = (size: Decimal, change: Decimal): Decimal =>
  size.times(change).lt(0) ? smaller(size.abs(), change.abs()) : ZERO;

/** One trade of a position: the part against it closes, the rest opens. Says what closed and what that brought. */
export const trade = (
  account: Account,
  product: Product,
  idx: PositionIdx,
  {
    change,
    price,
    fee,
    time,
  }: { readonly change: Decimal; readonly price: Decimal; readonly fee: Decimal; readonly time: number },
): { readonly closed: Decimal; readonly realised: Decimal } => {
  const before = positionOf(account, product, idx);
  const closed = closing(before.size, change);
  const share = closed.gt(0) ? before.value.times(closed).div(before.size.abs()) : ZERO;
  const got = closed.times(price);
  const realised = before.size.gt(0) ? got.minus(share) : share.minus(got);
  const opened = change.abs().minus(closed);
  const isFresh = before.size.eq(0);
  account.positions.set(keyOf(product.symbol, idx), {
    ...before,
    size: before.size.plus(change),
    value: before.value.minus(share).plus(opened.times(price)),
    realised: (isFresh ? ZERO : before.realised).plus(realised).minus(fee),
    everRealised: before.everRealised.plus(realised).minus(fee),
    createdTime: isFresh ? time : before.createdTime,
    updatedTime: time,
  });
  return { closed, realised };
};
