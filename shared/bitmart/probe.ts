// BitMart as the probe sees it: maintenance, pairs and clock as the doctor looks at them, and of an account its open orders,
// a signed read that no function of ours makes: so whoever else is seen using its limit is somebody else, or the operator.
// Reads alone: at most `samples` + 2 requests about the exchange, one about an account.
import type { Finding } from '../order/finding.ts';
import { venueLook, type AccountLook, type Prober, type VenueLook } from '../order/probe.ts';
import { succeeded } from './answers.ts';
import { type Reply } from '../asking.ts';
import { calls } from './calls.ts';
import { readEndpoints } from './endpoints.ts';
import { finding, trouble } from './findings.ts';
import { clockFinding, looksAt, serviceOf, tradingOf } from './health.ts';
import type { BitmartOptions } from './venue.ts';
import { visitBy } from './visit.ts';
import type { Credentials } from './wire.ts';

/** As codes.ts has it: a 418, and the 403 of the content network for whom it does not want. A page that says 5xx is an exchange that is down. */
const BANS = new Set(['BANNED', 'EDGE_PAGE']);
/** What mending the key, its address or its secret mends. */
const OF_THE_KEY = new Set(['key', 'signature', 'permissions', 'address']);

export function bitmartProbe(options: BitmartOptions): Prober {
  const ways = calls(options);
  const { clock } = options;
  const sent: { readonly apiKey: string; readonly at: number }[] = [];
  return {
    name: 'bitmart',
    venue: async (samples, answerMs) => {
      // One visit a probe: a ban of the last one may be over.
      const visit = visitBy(ways, options, answerMs);
      const found: Finding[] = [];
      for (const look of [serviceOf, tradingOf]) {
        if (visit.enough() === undefined) found.push(...(await look(visit)));
      }
      // An exchange that answers just in time, each time, must leave some to the accounts.
      const until = clock.now() + 2 * answerMs;
      const looks = visit.enough() === undefined ? await looksAt(visit, samples, until) : { looks: [] };
      return venueLook(found, looks, clockFinding, stateOf);
    },
    account: async (account, answerBy) => {
      const { apiKey, secretKey, memo } = account.credentials as Credentials;
      const { openOrders } = readEndpoints;
      const times = { answerBy, holdBy: Infinity };
      const reply = await ways.read(account, openOrders, { orderMode: 'spot', limit: 1 }, times);
      const tookMs = clock.now() - reply.signedAt;
      // Whether windows slide is not known: a call of ours that may still count counts as ours.
      const since = reply.signedAt - 2 * openOrders.limit.windowMs;
      sent.splice(0, Infinity, ...sent.filter(({ at }) => at >= since), { apiKey, at: reply.signedAt });
      const ours = sent.filter((one) => one.apiKey === apiKey).length;
      return accountLook(reply, tookMs, ours, [apiKey, secretKey, memo]);
    },
  };
}

function stateOf(findings: readonly Finding[]): VenueLook['state'] {
  const troubles = findings.filter(({ level }) => level === 'trouble');
  const has = (...codes: readonly string[]): boolean => troubles.some(({ code }) => codes.includes(code));
  if (has(...BANS)) return 'banned';
  if (has('TRADING_OVER')) return 'over';
  if (has('MAINTENANCE')) return 'maintenance';
  // Not a single pair, and nobody says that it is for a while.
  if (has('TRADING_STOPPED')) return 'over';
  // A clock that is off is ours, or theirs: they answer all the same.
  return troubles.some(({ check }) => check !== 'clock') ? 'unanswered' : 'open';
}

function accountLook(reply: Reply, tookMs: number, ours: number, secrets: readonly string[]): AccountLook {
  const { usage } = reply;
  const foreign = usage === undefined ? {} : { foreign: { used: Math.max(0, usage.used - ours), limit: usage.limit } };
  if (succeeded(reply)) return { state: 'good', findings: [finding('SIGNATURE_GOOD', 'a signed read passed')], tookMs, ...foreign }; // prettier-ignore
  const found = trouble(reply, secrets);
  const state = BANS.has(found.code) ? 'banned' : OF_THE_KEY.has(found.check) ? 'refused' : 'failed';
  return { state, findings: [found], tookMs, ...foreign };
}
