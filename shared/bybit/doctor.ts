// Bybit's examiner: what the exchange's own questions and answers tell of failing calls, told by asking. One request after the
// other, paced, at most MOST_REQUESTS; after a 10006, a 403 or no connection it asks nothing more, for any account.
// Places nothing and cancels nothing: what a key may do the exchange tells. Never shows a credential.
import * as z from 'zod/mini';
import type { Doctor, Examination, Finding, Subject } from '../order/finding.ts';
import type { TradingAccount } from '../order/venue.ts';
import { succeeded } from './answers.ts';
import { calls } from './calls.ts';
import { hostOf } from './door.ts';
import { endpoints } from './endpoints.ts';
import { finding, trouble } from './findings.ts';
import { health, visitBy, type Visit } from './health.ts';
import { lifeOf, permissionsIn, readKey } from './keys.ts';
import { readCredentials, type BybitOptions } from './venue.ts';
import type { Credentials, Reply } from './wire.ts';

/** All accounts are paced as one: they may be keys of one user, whose limits are one. */
const LANE = 'doctor';

export function bybitDoctor(options: BybitOptions): Doctor {
  const visit = visitBy(calls(options), options);
  return {
    hosts: [hostOf(options)],
    exchange: () => health(visit),
    account: (subject, how = {}) => accountOf(visit, subject, how),
  };
}

async function accountOf(visit: Visit, { account, secret }: Subject, how: Examination): Promise<readonly Finding[]> {
  const credentials = readCredentials(secret);
  if ('unreadable' in credentials) return [finding('SECRET_FIELDS', credentials.unreadable)];
  const before = visit.enough();
  if (before !== undefined) {
    return [finding('SIGNATURE_UNPROVEN', `account ${account} was not examined: ${before.code} came before it`)];
  }
  const { options, ways } = visit;
  const isDemo = options.environment === 'demo';
  const subject = accountBy(credentials, options);
  const reply = await visit.ask((answerBy) => readKey(ways, options, subject, answerBy));
  if (!succeeded(reply)) return refusedBy(reply, credentials, how);
  const found = [
    finding('KEY_GOOD', `the exchange knows the key in ${options.environment}`),
    finding('SIGNATURE_GOOD', 'a signed read passed: key and secret belong together'),
    ...permissionsIn(reply, isDemo),
    ...lifeOf(reply, isDemo),
    limitFinding(reply),
  ];
  if (isDemo || visit.enough() !== undefined) return found;
  return [...found, ...(await pricesOf(visit, subject))];
}

const accountBy = (credentials: Credentials, { environment }: BybitOptions): TradingAccount => ({
  ...{ name: LANE, venue: 'bybit', environment, credentials },
  mandate: { state: 'halted' },
});

/** A key that was refused, or not reached: whether the secret is right is not known then. */
function refusedBy(reply: Reply, { apiKey, secretKey }: Credentials, { isElsewhere }: Examination): readonly Finding[] {
  const found = trouble(reply, [apiKey, secretKey]);
  if (found.check === 'key' || found.check === 'signature') return [found];
  if (found.code === 'ADDRESS_NOT_BOUND' && isElsewhere === true) {
    const next = "Bind this machine's address for the examination as well, or examine from behind the bound one; whether the functions' own address is bound cannot be told from here."; // prettier-ignore
    return [{ ...found, next }];
  }
  return [found, finding('SIGNATURE_UNPROVEN', `the secret was not proven: ${found.code} came before it`)];
}

const behaviourSchema = z.object({ lpaSpot: z.boolean(), lpaPerp: z.boolean() });

/** Their senses are opposite: lpaSpot true moves prices, lpaPerp true refuses them [user setting page]. */
async function pricesOf(visit: Visit, account: TradingAccount): Promise<readonly Finding[]> {
  const { ways, options } = visit;
  const reply = await visit.ask((answerBy) =>
    ways.read(account, endpoints.behaviour, 'linear', {}, { answerBy, holdBy: Infinity }),
  );
  const behaviour = succeeded(reply) ? behaviourSchema.safeParse(reply.data).data : undefined;
  if (behaviour === undefined) return [trouble(reply)];
  const moved = [...(behaviour.lpaSpot ? ['spot'] : []), ...(behaviour.lpaPerp ? [] : ['perpetuals'])];
  if (moved.length === 0) return [finding('PRICES_KEPT', 'prices outside their band are refused')];
  const isWanted = options.settings.mayMovePrices && !behaviour.lpaSpot;
  const said = `moved into their band: prices of ${moved.join(' and ')}${isWanted ? ' (BYBIT_MAY_MOVE_PRICES allows it)' : ''}`; // prettier-ignore
  return [finding('PRICES_MOVED', said, isWanted ? { level: 'note' } : {})];
}

/** The usage headers count everybody's calls of the window; ours is the only one of its kind. */
function limitFinding({ usage }: Reply): Finding {
  if (usage === undefined) return finding('LIMIT_UNTOLD', 'the answer has no usage headers');
  const others = Math.max(0, usage.used - 1);
  const said = `seen within a second, besides ours: ${others} of ${usage.limit} reads of this kind`;
  return finding(others > 0 ? 'LIMIT_SHARED' : 'LIMIT_ALONE', said);
}
