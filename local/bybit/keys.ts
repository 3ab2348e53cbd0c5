// The registered keys: what an account is here, how it is registered, changed and shown. Promises that no secret is ever
// shown, and of the key only its end. Never checks a signature.
import * as z from 'zod';
import { BALANCES, given, NAME, ok, wrong, type Answered } from '../exchange/steering.ts';
import { FEES, HOUSE } from './floor.ts';
import { isHolding } from './perpetuals.ts';
import { COINS } from './products.ts';
import { endow, type Endowment, type Key, type Venue } from './venue.ts';

/** In the words of the other venue's control, so that one test registers with both; "read-only" as well. */
const PERMISSION = z.preprocess(
  (name) => (typeof name === 'string' ? name.toLowerCase().replace(/^read-?only$/, 'read') : name),
  z.enum(['read', 'spot-trade', 'future-trade', 'withdraw']),
);

export const ACCOUNT = z.strictObject({
  account: NAME,
  apiKey: z.string().min(1),
  secretKey: z.string().min(1),
  /** There is none on this venue: taken and left alone. */
  memo: z.string().optional(),
  uid: NAME.refine((uid) => ![HOUSE, FEES].includes(uid), "is the venue's own; use another").optional(),
  environment: z.enum(['live', 'demo', 'testnet']).optional(),
  permissions: z.array(PERMISSION).optional(),
  ips: z.array(z.string()).optional(),
  balances: BALANCES.optional(),
  positionMode: z.enum(['hedge_mode', 'one_way_mode']).optional(),
  /** Fees in MNT, as long as there is any. */
  paysInMnt: z.boolean().optional(),
  /** Days that a key without address has left. */
  deadlineDay: z.int().min(-1).max(90).optional(),
  expired: z.boolean().optional(),
  frozen: z.boolean().optional(),
  unified: z.boolean().optional(),
});

const DEFAULTS: Endowment = {
  balances: { USDT: '1000000', BTC: '100', ETH: '1000' },
  hedged: false,
  paysInMnt: false,
};

/** Gives a UID what is named in place of what it has; what is not named stays, a new UID gets the defaults. */
const pay = (venue: Venue, uid: string, { balances, positionMode, paysInMnt }: z.infer<typeof ACCOUNT>): void => {
  const before = venue.endowments.get(uid);
  const hedged = positionMode === undefined ? undefined : positionMode === 'hedge_mode';
  const named = given({ balances, hedged, paysInMnt }) as Partial<Endowment>;
  venue.endowments.set(uid, { ...DEFAULTS, ...before, ...named });
  endow(venue, uid, before ? named : { ...DEFAULTS, ...named });
};

/** True while the position mode cannot change, as on the venue. */
const isEngaged = ({ exchange }: Venue, uid: string): boolean =>
  isHolding(exchange.account(uid)) || exchange.working(uid).some((order) => order.product.category === 'linear');

/** Registers a key, or changes the one of that account. Balances given replace all of the UID's; without any a new UID gets the defaults. */
export const register = (venue: Venue, asked: z.infer<typeof ACCOUNT>): Answered => {
  const { account, apiKey } = asked;
  const holder = venue.keys.get(apiKey);
  if (holder && holder.account !== account)
    return wrong(`apiKey belongs to account ${holder.account}; use another one`);
  const unknown = Object.keys(asked.balances ?? {}).find((coin) => !COINS.includes(coin));
  if (unknown !== undefined) return wrong(`balances: no coin ${unknown} here; use ${COINS.join(', ')}`);
  const before = [...venue.keys.values()].find((key) => key.account === account);
  const uid = asked.uid ?? before?.uid ?? `uid-${account}`;
  if (asked.positionMode && isEngaged(venue, uid))
    return wrong('positionMode: positions or orders of perpetuals exist');
  const key: Key = {
    account,
    apiKey,
    secretKey: asked.secretKey,
    uid,
    environment: asked.environment ?? 'live',
    permissions: asked.permissions ?? ['read', 'spot-trade', 'future-trade'],
    ips: asked.ips ?? [],
    deadlineDay: asked.deadlineDay ?? 90,
    expired: asked.expired ?? false,
    frozen: asked.frozen ?? false,
    unified: asked.unified ?? true,
  };
  if (before) venue.keys.delete(before.apiKey);
  venue.keys.set(apiKey, key);
  pay(venue, uid, asked);
  return ok(keyRow(venue, key));
};

/** A registered key as it may be shown: no secret, and of the key itself only its end. */
export const keyRow = (venue: Venue, key: Key): object => {
  const { exchange } = venue;
  const { account, apiKey, uid, environment, permissions, ips, deadlineDay, expired, frozen, unified } = key;
  const balances = exchange.ledger.currencies(key.uid).map((coin) => {
    const { available, frozen } = exchange.ledger.balance(key.uid, coin);
    return [coin, { available: available.toFixed(), frozen: frozen.toFixed() }] as const;
  });
  return {
    ...{ account, uid, environment, permissions, ips, deadlineDay, expired, frozen, unified },
    apiKeyEnding: apiKey.slice(-4).padStart(8, '*'),
    balances: Object.fromEntries(balances),
    positionMode: exchange.account(key.uid).hedged ? 'hedge_mode' : 'one_way_mode',
  };
};
