// The registered keys: what an account is here, how it is registered, changed and shown. Promises that neither secret
// nor memo is ever shown, and of the key only its end. Never checks a signature.
import * as z from 'zod';
import { ZERO } from './decimals.ts';
import { FEES, HOUSE } from './engine.ts';
import { CURRENCIES } from './instruments.ts';
import { endow, type Key, type Venue } from './venue.ts';

/** What a control request answers. */
export interface Answered {
  readonly status: number;
  readonly body: object;
}

export const ok = (body: object): Answered => ({ status: 200, body });
export const wrong = (sentence: string): Answered => ({ status: 400, body: { error: sentence } });

export const AMOUNT = z.string().regex(/^\d{1,20}(\.\d{1,18})?$/, 'must be a plain decimal text such as "1000.5"');

const NAME = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, dashes or underscores');

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
  uid: NAME.refine((uid) => uid !== HOUSE && uid !== FEES, "is the venue's own; use another").optional(),
  permissions: z.array(PERMISSION).optional(),
  ips: z.array(z.string()).optional(),
  balances: z.record(z.string().regex(/^[A-Z0-9]+$/), AMOUNT).optional(),
  expired: z.boolean().optional(),
  frozen: z.boolean().optional(),
});

const DEFAULT_BALANCES: Readonly<Record<string, string>> = { USDT: '1000000', BTC: '100', ETH: '1000' };

/** Registers a key, or changes the one of that account. Balances given replace all of the UID's; without any a new UID gets the defaults. */
export const register = (venue: Venue, asked: z.infer<typeof ACCOUNT>): Answered => {
  const { account, apiKey, balances } = asked;
  const holder = venue.keys.get(apiKey);
  if (holder && holder.account !== account)
    return wrong(`apiKey belongs to account ${holder.account}; use another one`);
  const unknown = Object.keys(balances ?? {}).find((currency) => !(currency in CURRENCIES));
  if (unknown) return wrong(`balances: no currency ${unknown} here; use ${Object.keys(CURRENCIES).join(', ')}`);
  const before = [...venue.keys.values()].find((key) => key.account === account);
  const uid = asked.uid ?? before?.uid ?? `uid-${account}`;
  const key: Key = {
    account,
    apiKey,
    secretKey: asked.secretKey,
    memo: asked.memo,
    uid,
    permissions: asked.permissions ?? ['read', 'spot-trade'],
    ips: asked.ips ?? [],
    expired: asked.expired ?? false,
    frozen: asked.frozen ?? false,
  };
  if (before) venue.keys.delete(before.apiKey);
  venue.keys.set(apiKey, key);
  if (balances !== undefined || !venue.endowments.has(uid)) {
    venue.endowments.set(uid, balances ?? DEFAULT_BALANCES);
    for (const currency of venue.exchange.ledger.currencies(uid)) venue.exchange.ledger.endow(uid, currency, ZERO);
    endow(venue, uid);
  }
  return ok(keyRow(venue, key));
};

/** A registered key as it may be shown: neither secret nor memo, and of the key itself only its end. */
export const keyRow = (venue: Venue, { account, apiKey, uid, permissions, ips, expired, frozen }: Key): object => {
  const { ledger } = venue.exchange;
  const balances = ledger.currencies(uid).map((currency) => {
    const held = ledger.balance(uid, currency);
    return [currency, { available: held.available.toFixed(), frozen: held.frozen.toFixed() }];
  });
  const apiKeyEnding = apiKey.slice(-4).padStart(8, '*');
  return {
    account,
    uid,
    apiKeyEnding,
    permissions,
    ips,
    expired,
    frozen,
    balances: Object.fromEntries(balances) as object,
  };
};
