// Positions and the futures account: what a fill opens, what it closes, what that brought, how much margin is left.
// Promises exact sums: what one side of a trade wins the other loses. No I/O; never liquidates anybody (a wallet may go
// below zero here: when and how the venue liquidates is not documented enough to be played).
import { ZERO, smaller, type Decimal } from '../../exchange/decimals.ts';
import type { Contract } from './contracts.ts';
import type { OpenType, PositionMode } from './orders.ts';

export type PositionSide = 'long' | 'short';

export interface Position {
  readonly contract: Contract;
  readonly side: PositionSide;
  /** Contracts held; zero once closed. */
  readonly amount: Decimal;
  /** Quote value at which they were opened. */
  readonly value: Decimal;
  readonly leverage: Decimal;
  readonly openType: OpenType;
  readonly realised: Decimal;
  readonly closedAmount: Decimal;
  readonly closedValue: Decimal;
  readonly fees: Decimal;
  readonly openTime: number;
}

export interface Terms {
  readonly leverage: Decimal;
  readonly openType: OpenType;
}

export interface FuturesAccount {
  /** Everything paid in, earned and lost; unrealised profit is not in it. */
  wallet: Decimal;
  positionMode: PositionMode;
  /** What submit-leverage has set, by symbol. */
  readonly terms: Map<string, Terms>;
  /** By symbol and side. */
  readonly positions: Map<string, Position>;
}

export const OPPOSITE: Readonly<Record<PositionSide, PositionSide>> = { long: 'short', short: 'long' };

export const keyOf = (symbol: string, side: PositionSide): string => `${symbol} ${side}`;

export const valueOf = (contract: Contract, amount: Decimal, price: Decimal): Decimal =>
  price.times(amount).times(contract.coins);

export const entryPriceOf = ({ contract, amount, value }: Position): Decimal =>
  amount.gt(0) ? value.div(amount.times(contract.coins)) : ZERO;

/** Initial margin at the opening value, cross and isolated alike: the simplest reading of the documents. */
export const marginOf = ({ value, leverage }: Position): Decimal => value.div(leverage);

export const unrealisedOf = ({ contract, side, amount, value }: Position, mark: Decimal): Decimal =>
  side === 'long' ? valueOf(contract, amount, mark).minus(value) : value.minus(valueOf(contract, amount, mark));

const flat = (contract: Contract, side: PositionSide, terms: Terms, openTime: number): Position => ({
  contract,
  side,
  amount: ZERO,
  value: ZERO,
  ...terms,
  realised: ZERO,
  closedAmount: ZERO,
  closedValue: ZERO,
  fees: ZERO,
  openTime,
});

export const held = (account: FuturesAccount, symbol: string, side: PositionSide): Position | undefined => {
  const position = account.positions.get(keyOf(symbol, side));
  return position && position.amount.gt(0) ? position : undefined;
};

export const amountHeld = (account: FuturesAccount, symbol: string, side: PositionSide): Decimal =>
  held(account, symbol, side)?.amount ?? ZERO;

/** Adds contracts to a position, a new one where none is held. */
export const openMore = (
  account: FuturesAccount,
  contract: Contract,
  side: PositionSide,
  trade: { readonly size: Decimal; readonly price: Decimal; readonly fee: Decimal; readonly time: number },
  terms: Terms,
): void => {
  if (trade.size.lte(0)) return;
  const before = held(account, contract.symbol, side) ?? flat(contract, side, terms, trade.time);
  account.positions.set(keyOf(contract.symbol, side), {
    ...before,
    amount: before.amount.plus(trade.size),
    value: before.value.plus(valueOf(contract, trade.size, trade.price)),
    fees: before.fees.plus(trade.fee),
  });
};

/** Takes contracts out of a position, as many as it has; says how many and what they brought. */
export const closeSome = (
  account: FuturesAccount,
  contract: Contract,
  side: PositionSide,
  trade: { readonly size: Decimal; readonly price: Decimal; readonly fee: Decimal },
): { readonly closed: Decimal; readonly realised: Decimal } => {
  const before = held(account, contract.symbol, side);
  if (!before || trade.size.lte(0)) return { closed: ZERO, realised: ZERO };
  const closed = smaller(trade.size, before.amount);
  const share = before.value.times(closed).div(before.amount);
  const got = valueOf(contract, closed, trade.price);
  const realised = side === 'long' ? got.minus(share) : share.minus(got);
  account.positions.set(keyOf(contract.symbol, side), {
    ...before,
    amount: before.amount.minus(closed),
    value: before.value.minus(share),
    realised: before.realised.plus(realised),
    closedAmount: before.closedAmount.plus(closed),
    closedValue: before.closedValue.plus(got),
    fees: before.fees.plus(trade.fee),
  });
  account.wallet = account.wallet.plus(realised);
  return { closed, realised };
};
