// Account reads: wallets and fee rates. All of them take the key alone, no signature. Never changes anything.
import { symbolOf } from './admission.ts';
import { isRefusal } from './codes.ts';
import { shown } from '../exchange/decimals.ts';
import { CURRENCIES, MAKER_RATE, TAKER_RATE } from './instruments.ts';
import type { Answer, Endpoint, PrivateCall, Venue } from './venue.ts';

const PLACES = 8;

const holdings = (venue: Venue, uid: string) =>
  venue.exchange.ledger.currencies(uid).map((currency) => {
    const { available, frozen } = venue.exchange.ledger.balance(uid, currency);
    const name = CURRENCIES[currency] ?? currency;
    return { currency, name, available: shown(available, PLACES), frozen: shown(frozen, PLACES) };
  });

const spotWallet = (venue: Venue, { key }: PrivateCall): Answer => ({
  data: { wallet: holdings(venue, key.uid).map(({ currency, ...rest }) => ({ id: currency, ...rest })) },
});

const accountWallet = (venue: Venue, { key, query }: PrivateCall): Answer => {
  const wanted = query.get('currency');
  return { data: { wallet: holdings(venue, key.uid).filter(({ currency }) => !wanted || currency === wanted) } };
};

const tradeFee = (venue: Venue, { query }: PrivateCall): Answer => {
  const instrument = symbolOf(venue, query.get('symbol'));
  if (isRefusal(instrument)) return instrument;
  const [taker, maker] = [TAKER_RATE.toFixed(), MAKER_RATE.toFixed()];
  return {
    data: {
      symbol: instrument.symbol,
      buy_taker_fee_rate: taker,
      sell_taker_fee_rate: taker,
      buy_maker_fee_rate: maker,
      sell_maker_fee_rate: maker,
    },
  };
};

/** The published rates of level LV1 for the pair classes A to D; what a trade really costs is trade_fee. */
const CLASS_RATES: Readonly<Record<string, string>> = { A: '0.001', B: '0.0025', C: '0.004', D: '0.006' };

const userFee = (): Answer => {
  const rates = Object.entries(CLASS_RATES).flatMap(([name, rate]) => [
    [`taker_fee_rate_${name}`, rate],
    [`maker_fee_rate_${name}`, rate],
  ]);
  return { data: { user_rate_type: 0, level: 'LV1', ...(Object.fromEntries(rates) as Record<string, string>) } };
};

/** Limits from the spot documentation of 2025-05. */
export const walletEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (path: string, requests: number, answer: (call: PrivateCall) => Answer): Endpoint => ({
    method: 'GET',
    path,
    auth: 'KEYED',
    permission: 'read',
    limit: { requests, seconds: 2, scope: 'KEY' },
    message: 'OK',
    answer,
  });
  return [
    row('/spot/v1/wallet', 12, (call) => spotWallet(venue, call)),
    row('/account/v1/wallet', 12, (call) => accountWallet(venue, call)),
    row('/spot/v1/user_fee', 2, userFee),
    row('/spot/v1/trade_fee', 2, (call) => tradeFee(venue, call)),
  ];
};
