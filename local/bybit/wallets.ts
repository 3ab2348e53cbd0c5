// The unified wallet, coin by coin. Promises figures that come from ledger and positions; values in USD take a USDT for one.
// Never changes anything.
import { decimal, ZERO, type Decimal } from '../exchange/decimals.ts';
import { invalid } from './codes.ts';
import { textOf } from './fields.ts';
import { unrealisedOf } from './positions.ts';
import { CATEGORIES, COINS, MNT_PRICE, productOf } from './products.ts';
import type { Answer, PrivateCall, Venue } from './venue.ts';

/** What a coin is worth here, in USDT. */
const worthOf = (venue: Venue, coin: string): Decimal => {
  if (coin === 'USDT') return decimal(1);
  if (coin === 'MNT') return MNT_PRICE;
  const product = CATEGORIES.map((category) => productOf(category, `${coin}USDT`)).find((one) => one !== undefined);
  return product ? venue.exchange.mid(product) : ZERO;
};

interface Holding {
  readonly coin: string;
  readonly wallet: Decimal;
  readonly locked: Decimal;
  readonly unrealised: Decimal;
  readonly equity: Decimal;
  readonly value: Decimal;
}

const holdingOf = (venue: Venue, uid: string, coin: string): Holding => {
  const { exchange } = venue;
  const { available, frozen } = exchange.ledger.balance(uid, coin);
  const account = exchange.account(uid);
  const isUsdt = coin === 'USDT';
  const positions = isUsdt ? [...account.positions.values()] : [];
  const unrealised = positions.reduce((sum, one) => sum.plus(unrealisedOf(one, exchange.mid(one.product))), ZERO);
  const wallet = available.plus(frozen).plus(isUsdt ? account.debt : ZERO);
  const equity = wallet.plus(unrealised);
  return { coin, wallet, locked: frozen, unrealised, equity, value: equity.times(worthOf(venue, coin)) };
};

const coinRow = (venue: Venue, uid: string, { coin, wallet, locked, unrealised, equity, value }: Holding): object => {
  const isUsdt = coin === 'USDT';
  const positions = isUsdt ? [...venue.exchange.account(uid).positions.values()] : [];
  return {
    availableToBorrow: '3',
    bonus: '0',
    accruedInterest: '0',
    availableToWithdraw: '0',
    totalOrderIM: isUsdt ? venue.exchange.orderMargin(uid).toFixed() : '0',
    equity: equity.toFixed(),
    totalPositionMM: '0',
    usdValue: value.toFixed(),
    spotHedgingQty: '0',
    unrealisedPnl: unrealised.toFixed(),
    collateralSwitch: true,
    borrowAmount: '0.0',
    totalPositionIM: isUsdt ? venue.exchange.positionMargin(uid).toFixed() : '0',
    walletBalance: wallet.toFixed(),
    cumRealisedPnl: positions.reduce((sum, one) => sum.plus(one.everRealised), ZERO).toFixed(),
    locked: locked.toFixed(),
    marginCollateral: true,
    coin,
    spotBorrow: '0',
  };
};

/** Coins with nothing are left out unless they are named. */
export const wallet = (venue: Venue, { key, body }: PrivateCall): Answer => {
  if (body['accountType'] !== 'UNIFIED') return invalid('accountType must be UNIFIED');
  const named = textOf(body['coin'])?.split(',');
  const all = COINS.map((coin) => holdingOf(venue, key.uid, coin));
  const sum = (part: (holding: Holding) => Decimal): string =>
    all.reduce((total, one) => total.plus(part(one)), ZERO).toFixed();
  const held = all.filter(({ coin, wallet: amount }) => (named ? named.includes(coin) : !amount.eq(0)));
  const unrealised = sum((one) => one.unrealised);
  const walletValue = sum((one) => one.value.minus(one.unrealised));
  const row = {
    totalEquity: sum((one) => one.value),
    accountIMRate: '0',
    accountIMRateByMp: '0',
    totalMarginBalance: sum((one) => one.value),
    totalInitialMargin: venue.exchange.positionMargin(key.uid).toFixed(),
    totalInitialMarginByMp: venue.exchange.positionMargin(key.uid).toFixed(),
    accountType: 'UNIFIED',
    totalAvailableBalance: walletValue,
    accountMMRate: '0',
    accountMMRateByMp: '0',
    totalPerpUPL: unrealised,
    totalWalletBalance: walletValue,
    accountLTV: '0',
    totalMaintenanceMargin: '0',
    totalMaintenanceMarginByMp: '0',
    coin: held.map((holding) => coinRow(venue, key.uid, holding)),
  };
  return { result: { list: [row] } };
};
