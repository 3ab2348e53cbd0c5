// What Bybit tells of a key: whether it is known and well signed, what it may do, what it is bound to and how long it lives.
// One signed read of no consequence. Never shows a credential.
import * as z from 'zod/mini';
import type { Finding } from '../order/finding.ts';
import type { TradingAccount } from '../order/venue.ts';
import { succeeded } from './answers.ts';
import type { Calls } from './calls.ts';
import { readEndpoints } from './endpoints.ts';
import { finding } from './findings.ts';
import type { BybitOptions } from './venue.ts';
import type { Reply } from './wire.ts';

/** Below this many days a person has to act. */
const LEAST_DAYS = 14;

/** The signed read of doctor and probe. Demo does not tell of keys: the wallet is asked there. */
export function readKey(
  ways: Calls,
  { environment }: Pick<BybitOptions, 'environment'>,
  account: TradingAccount,
  answerBy: number,
): Promise<Reply> {
  const times = { answerBy, holdBy: Infinity };
  if (environment === 'demo')
    return ways.read(account, readEndpoints.wallet, 'spot', { accountType: 'UNIFIED' }, times);
  return ways.read(account, readEndpoints.keyInformation, 'spot', {}, times);
}

const names = z._default(z.array(z.string()), []);
const keySchema = z.object({
  readOnly: z.number(),
  permissions: z.object({ ContractTrade: names, Spot: names, Wallet: names }),
  ips: names,
  deadlineDay: z.optional(z.number()),
  uta: z.optional(z.number()),
});

/** What the key may do. One for a single market is as it should be. */
export function permissionsIn(reply: Reply, isDemo: boolean): readonly Finding[] {
  const key = succeeded(reply) ? keySchema.safeParse(reply.data).data : undefined;
  if (isDemo || key === undefined)
    return [finding('PERMISSIONS_UNTOLD', 'the answer does not tell what the key may do')];
  const { permissions, readOnly, uta } = key;
  const spot = permissions.Spot.includes('SpotTrade');
  const futures = ['Order', 'Position'].every((name) => permissions.ContractTrade.includes(name));
  const level = spot || futures ? { level: 'note' as const } : {};
  return [
    ...(readOnly === 0 ? [] : [finding('KEY_READ_ONLY', 'the key may only read')]),
    spot ? finding('SPOT_TRADE_GOOD', 'SpotTrade is there') : finding('SPOT_TRADE_MISSING', 'SpotTrade is missing', level), // prettier-ignore
    futures
      ? finding('FUTURES_TRADE_GOOD', 'Order and Position of Contract are there')
      : finding('FUTURES_TRADE_MISSING', 'Order and Position of Contract are not both there', level),
    ...(permissions.Wallet.includes('Withdraw') ? [finding('WITHDRAW_ALLOWED', 'Withdraw is ticked')] : []),
    ...(uta === 0 ? [finding('ACCOUNT_RESTRICTED', 'the account is not a unified trading account; upgrade it')] : []),
  ];
}

/** How long it lives, and whom it serves. A bound key does not expire. */
export function lifeOf(reply: Reply, isDemo: boolean): readonly Finding[] {
  const key = succeeded(reply) ? keySchema.safeParse(reply.data).data : undefined;
  if (isDemo || key === undefined) return [];
  const { ips, deadlineDay } = key;
  if (ips.length > 0 && !ips.includes('*')) return [finding('KEY_BOUND', `bound to ${ips.length} addresses`)];
  const days = deadlineDay === undefined ? 'an untold number of days' : `${deadlineDay} days`;
  const isOld = deadlineDay !== undefined && deadlineDay < LEAST_DAYS;
  return [
    ...(isOld ? [finding('KEY_AGES', `it expires in ${days}`)] : []),
    finding('KEY_UNBOUND', `no address is bound; it expires in ${days}`),
  ];
}
