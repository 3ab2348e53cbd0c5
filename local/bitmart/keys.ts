// The registered keys: what an account is here, how it is registered, changed and shown. Promises that neither secret
// nor memo is ever shown, and of the key only its end. Never checks a signature.
import * as z from 'zod';
import { ZERO } from '../exchange/decimals.ts';
import { AMOUNT, BALANCES, given, NAME, ok, wrong, type Answered } from '../exchange/steering.ts';
import { FEES, HOUSE } from './engine.ts';
import { CURRENCIES } from './instruments.ts';
import { LENDER, marginHolder } from './orders.ts';
import { endow, type Endowment, type Key, type Venue } from './venue.ts';

/** As the exchange's own page spells them, too: "Read-only", "Spot-Trade". */
const PERMISSION = z.preprocess(
  (name) => (typeof name === 'string' ? name.toLowerCase().replace(/^read-?only$/, 'read') : name),
  z.enum(['read', 'spot-trade', 'margin-trade', 'future-trade', 'withdraw']),
);

export const ACCOUNT = z.strictObject({
  account: NAME,
  apiKey: z.string().min(1),
  secretKey: z.string().min(1),
  memo: z.string(),
  uid: NAME.refine((uid) => ![HOUSE, FEES, LENDER].includes(uid), "is the venue's own; use another").optional(),
  permissions: z.array(PERMISSION).optional(),
  ips: z.array(z.string()).optional(),
  balances: BALANCES.optional(),
  /** The futures wallet; USDT alone. */
  futures: z.strictObject({ USDT: AMOUNT }).optional(),
  /** Isolated margin accounts, by pair. */
  margin: z.record(z.string(), BALANCES).optional(),
  positionMode: z.enum(['hedge_mode', 'one_way_mode']).optional(),
  expired: z.boolean().optional(),
  frozen: z.boolean().optional(),
});

const DEFAULTS: Endowment = {
  spot: { USDT: '1000000', BTC: '100', ETH: '1000' },
  futures: { USDT: '1000000' },
  margin: { BTC_USDT: { USDT: '1000000', BTC: '100' }, ETH_USDT: { USDT: '1000000', ETH: '1000' } },
  // The venue knew no other mode until 2025; which one it starts with now is not documented.
  positionMode: 'hedge_mode',
};

/** Pays a UID what is given in place of what it has; what is not given stays, a new UID gets the defaults. */
const pay = (venue: Venue, uid: string, { balances, ...others }: z.infer<typeof ACCOUNT>): void => {
  const { futures, margin, positionMode } = others;
  const before = venue.endowments.get(uid);
  const named = given({ spot: balances, futures, margin, positionMode }) as Partial<Endowment>;
  const paid = before ? named : { ...DEFAULTS, ...named };
  venue.endowments.set(uid, { ...DEFAULTS, ...before, ...paid });
  const { ledger } = venue.exchange;
  const pairs = Object.keys(paid.margin ?? {}).map((symbol) => marginHolder(uid, symbol));
  for (const holder of [...(paid.spot ? [uid] : []), ...pairs]) {
    for (const currency of ledger.currencies(holder)) ledger.endow(holder, currency, ZERO);
  }
  endow(venue, uid, paid);
};

/** The first thing about its balances that this venue does not know. */
const strange = (venue: Venue, { balances = {}, margin = {} }: z.infer<typeof ACCOUNT>): string | undefined => {
  const pair = Object.keys(margin).find((symbol) => !venue.exchange.instrument(symbol));
  if (pair !== undefined) return `margin: no pair ${pair} here`;
  const named = Object.keys(Object.assign({}, balances, ...Object.values(margin)) as object);
  const currency = named.find((one) => !(one in CURRENCIES));
  return currency && `balances: no currency ${currency} here; use ${Object.keys(CURRENCIES).join(', ')}`;
};

/** True while the position mode cannot change, as on the venue. */
const isEngaged = ({ futures }: Venue, uid: string): boolean =>
  futures.working(uid).length > 0 || [...futures.account(uid).positions.values()].some(({ amount }) => amount.gt(0));

/** Registers a key, or changes the one of that account. Balances given replace all of the UID's; without any a new UID gets the defaults. */
export const register = (venue: Venue, asked: z.infer<typeof ACCOUNT>): Answered => {
  const { account, apiKey } = asked;
  const holder = venue.keys.get(apiKey);
  if (holder && holder.account !== account)
    return wrong(`apiKey belongs to account ${holder.account}; use another one`);
  const unknown = strange(venue, asked);
  if (unknown !== undefined) return wrong(unknown);
  const before = [...venue.keys.values()].find((key) => key.account === account);
  const uid = asked.uid ?? before?.uid ?? `uid-${account}`;
  if (asked.positionMode && isEngaged(venue, uid)) return wrong('positionMode: positions or orders of futures exist');
  const key: Key = {
    account,
    apiKey,
    secretKey: asked.secretKey,
    memo: asked.memo,
    uid,
    permissions: asked.permissions ?? ['read', 'spot-trade', 'margin-trade', 'future-trade'],
    ips: asked.ips ?? [],
    expired: asked.expired ?? false,
    frozen: asked.frozen ?? false,
  };
  if (before) venue.keys.delete(before.apiKey);
  venue.keys.set(apiKey, key);
  pay(venue, uid, asked);
  return ok(keyRow(venue, key));
};

const balancesOf = (venue: Venue, holder: string): object => {
  const { ledger } = venue.exchange;
  const rows = ledger.currencies(holder).map((currency) => {
    const held = ledger.balance(holder, currency);
    return [currency, { available: held.available.toFixed(), frozen: held.frozen.toFixed() }] as const;
  });
  return Object.fromEntries(rows);
};

/** A registered key as it may be shown: neither secret nor memo, and of the key itself only its end. */
export const keyRow = (venue: Venue, { account, apiKey, uid, permissions, ips, expired, frozen }: Key): object => {
  const { futures, exchange } = venue;
  const margin = exchange.instruments
    .filter(({ symbol }) => exchange.ledger.currencies(marginHolder(uid, symbol)).length > 0)
    .map(({ symbol }) => [symbol, balancesOf(venue, marginHolder(uid, symbol))] as const);
  const apiKeyEnding = apiKey.slice(-4).padStart(8, '*');
  return {
    account,
    uid,
    apiKeyEnding,
    permissions,
    ips,
    expired,
    frozen,
    balances: balancesOf(venue, uid),
    futures: { USDT: { wallet: futures.account(uid).wallet.toFixed(), available: futures.available(uid).toFixed() } },
    margin: Object.fromEntries(margin),
    positionMode: futures.account(uid).positionMode,
  };
};
