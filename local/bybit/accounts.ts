// The account: fee rates, settings, key information, demo money. Promises that a key bound to an address shows no end of its
// life, as on the venue. Never shows a secret.
import type { Decimal } from '../exchange/decimals.ts';
import { categoryNamed } from './admission.ts';
import { invalid, refuse } from './codes.ts';
import { amountOf, textOf, type Fields } from './fields.ts';
import { COINS, PRODUCTS, RATES } from './products.ts';
import { instruments } from './quotes.ts';
import { signed, type Answer, type Endpoint, type Key, type PrivateCall, type Venue } from './venue.ts';
import { wallet } from './wallets.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const GIFT_MS = 60_000;

const info = (venue: Venue, { key }: PrivateCall): Answer => {
  const { marginMode, settingsTime } = venue.exchange.account(key.uid);
  return {
    result: {
      marginMode,
      updatedTime: String(settingsTime),
      unifiedMarginStatus: 4,
      dcpStatus: 'OFF',
      timeWindow: 10,
      smpGroup: 0,
      isMasterTrader: false,
      spotHedgingStatus: 'OFF',
    },
  };
};

const feeRate = (_venue: Venue, { body }: PrivateCall): Answer => {
  const category = categoryNamed(body);
  if (typeof category !== 'string') return category;
  const [symbol, baseCoin] = [textOf(body['symbol']), textOf(body['baseCoin'])];
  const list = PRODUCTS.filter(
    (one) =>
      one.category === category &&
      (symbol === undefined || one.symbol === symbol) &&
      (baseCoin === undefined || one.base === baseCoin),
  ).map((one) => ({
    symbol: one.symbol,
    takerFeeRate: RATES[category].taker.toFixed(),
    makerFeeRate: RATES[category].maker.toFixed(),
  }));
  return list.length > 0 ? { result: { list } } : refuse(10001, 'Not supported symbols');
};

const behaviour = (venue: Venue, { key }: PrivateCall): Answer => {
  const { lpaSpot, lpaPerp, paysInMnt } = venue.exchange.account(key.uid);
  return { result: { lpaSpot, lpaPerp, smsef: paysInMnt, fmsef: paysInMnt } };
};

/** modifyEnable says whether prices may be moved; the setting of perpetuals says whether they are refused. */
const setBehaviour = (venue: Venue, { key, body }: PrivateCall): Answer => {
  const category = categoryNamed(body);
  if (typeof category !== 'string') return category;
  const { modifyEnable } = body;
  if (typeof modifyEnable !== 'boolean') return invalid('modifyEnable must be true or false');
  const account = venue.exchange.account(key.uid);
  if (category === 'spot') account.lpaSpot = modifyEnable;
  else account.lpaPerp = !modifyEnable;
  return { result: {} };
};

const MODES = ['ISOLATED_MARGIN', 'REGULAR_MARGIN', 'PORTFOLIO_MARGIN'] as const;

const setMarginMode = (venue: Venue, { key, body, now }: PrivateCall): Answer => {
  const mode = MODES.find((one) => one === body['setMarginMode']);
  if (!mode) return invalid('setMarginMode');
  const account = venue.exchange.account(key.uid);
  if (account.marginMode === mode) return refuse(110026);
  account.marginMode = mode;
  account.settingsTime = now.venueMs;
  return { result: { reasons: [] } };
};

const permissionsOf = ({ permissions }: Key): object => {
  const trades = (permission: Key['permissions'][number], names: readonly string[]): readonly string[] =>
    permissions.includes(permission) ? names : [];
  const none = ['Options', 'CopyTrading', 'BlockTrade', 'NFT', 'Affiliate', 'Earn', 'FiatP2P', 'FiatConvertBroker', 'FiatGlobalPay', 'FiatBitPay', 'BitCard', 'ByXPost']; // prettier-ignore
  return {
    ContractTrade: trades('future-trade', ['Order', 'Position']),
    Spot: trades('spot-trade', ['SpotTrade']),
    Wallet: trades('withdraw', ['AccountTransfer', 'SubMemberTransfer', 'Withdraw']),
    Derivatives: trades('future-trade', ['DerivativesTrade']),
    Exchange: trades('read', ['ExchangeHistory']),
    ...Object.fromEntries(none.map((name) => [name, []])),
  };
};

/** A key that is bound to an address does not expire: -2 days and the year 1970, as published. */
const keyInformation = (_venue: Venue, { key, now }: PrivateCall): Answer => {
  const isBound = key.ips.length > 0;
  const second = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const isReadOnly = !key.permissions.some((one) => one !== 'read');
  return {
    result: {
      id: '2208369',
      note: key.account,
      apiKey: key.apiKey,
      readOnly: isReadOnly ? 1 : 0,
      secret: '',
      permissions: permissionsOf(key),
      ips: isBound ? key.ips : ['*'],
      type: 1,
      deadlineDay: isBound ? -2 : key.deadlineDay,
      expiredAt: second(isBound ? 0 : now.venueMs + key.deadlineDay * DAY_MS),
      createdAt: second(now.venueMs - (90 - key.deadlineDay) * DAY_MS),
      unified: 0,
      uta: 1,
      userID: 1448939,
      inviterID: 0,
      vipLevel: 'No VIP',
      mktMakerLevel: '0',
      affiliateID: 0,
      rsaPublicKey: '',
      isMaster: true,
      parentUid: '0',
      kycLevel: 'LEVEL_1',
      kycRegion: 'MYS',
      userIDInt64: '0',
      inviterIDInt64: '0',
      affiliateIDInt64: '0',
    },
  };
};

const giftOf = (row: unknown): { readonly coin: string; readonly amount: Decimal } | undefined => {
  if (typeof row !== 'object' || row === null) return undefined;
  const { coin, amountStr } = row as Fields;
  const amount = amountOf(amountStr);
  return typeof coin === 'string' && COINS.includes(coin) && amount ? { coin, amount } : undefined;
};

/** Demo money, on the demo host alone, once a minute. */
const demoMoney = (venue: Venue, { key, body, environment, now }: PrivateCall): Answer => {
  if (environment !== 'demo') return refuse(10017);
  const asked: unknown = body['utaDemoApplyMoney'] ?? [{ coin: 'USDT', amountStr: '100000' }];
  if (!Array.isArray(asked)) return invalid('utaDemoApplyMoney');
  const rows: readonly unknown[] = asked;
  const gifts = rows.map(giftOf);
  if (gifts.some((gift) => gift === undefined)) return invalid('utaDemoApplyMoney');
  if (now.realMs - (venue.gifts.get(key.uid) ?? Number.NEGATIVE_INFINITY) < GIFT_MS) return refuse(10006);
  venue.gifts.set(key.uid, now.realMs);
  for (const gift of gifts) if (gift) venue.exchange.ledger.credit(key.uid, gift.coin, gift.amount);
  return { result: {} };
};

interface Row {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly requests: number;
  readonly answer: (venue: Venue, call: PrivateCall) => Answer;
  readonly demo?: boolean;
  readonly permission?: 'read' | 'future-trade' | 'category';
  readonly message?: '';
  readonly bare?: boolean;
}

// prettier-ignore
const ROWS: readonly Row[] = [
  { method: 'GET', path: 'account/wallet-balance', requests: 50, answer: wallet, demo: true },
  { method: 'GET', path: 'account/info', requests: 50, answer: info, demo: true, bare: true },
  { method: 'GET', path: 'account/fee-rate', requests: 5, answer: feeRate },
  { method: 'GET', path: 'account/instruments-info', requests: 10, answer: (_venue, call) => instruments(call) },
  { method: 'GET', path: 'account/user-setting-config', requests: 50, answer: behaviour },
  { method: 'GET', path: 'user/query-api', requests: 10, answer: keyInformation, message: '' },
  { method: 'POST', path: 'account/set-limit-px-action', requests: 10, answer: setBehaviour, permission: 'category' },
  { method: 'POST', path: 'account/set-margin-mode', requests: 5, answer: setMarginMode, demo: true, permission: 'future-trade' },
  { method: 'POST', path: 'account/demo-apply-money', requests: 50, answer: demoMoney, demo: true },
  // Tied to a private websocket and for institutions alone: nobody here may.
  { method: 'POST', path: 'order/disconnected-cancel-all', requests: 5, answer: () => refuse(10005) },
];

/** Limits from the documentation of 2026-07, counted for the UID as a whole. */
export const accountEndpoints = (venue: Venue): readonly Endpoint[] =>
  ROWS.map(
    ({ method, path, requests, answer, demo = false, permission = 'read', message = 'OK' as const, bare = false }) =>
      signed(requests, {
        method,
        path: `/v5/${path}`,
        permission: permission === 'category' ? undefined : permission,
        perCategory: path === 'account/fee-rate' || path === 'account/instruments-info',
        bare,
        demo,
        message,
        answer: (call) => answer(venue, call),
      }),
  );
