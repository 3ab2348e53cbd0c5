// Bybit as the probe sees it: maintenance, trading and clock as the doctor looks at them, and of an account what its key is, a
// signed read that no function of ours makes: so whoever else is seen using its limit is somebody else, or the operator.
// Reads alone: at most `samples` + 3 requests about the exchange, one about an account.
import type { Finding } from '../order/finding.ts';
import { venueLook, type AccountLook, type Prober, type VenueLook } from '../order/probe.ts';
import { succeeded } from './answers.ts';
import { calls } from './calls.ts';
import { finding, trouble } from './findings.ts';
import { clockFinding, looksAt, serviceOf, tradingOf, visitBy } from './health.ts';
import { lifeOf, readKey } from './keys.ts';
import type { BybitOptions } from './venue.ts';
import type { Credentials } from './wire.ts';

const BANS = new Set(['BANNED', 'COUNTRY_BLOCKED']);
/** What mending the key, its address or its secret mends. */
const OF_THE_KEY = new Set(['key', 'signature', 'permissions', 'address']);
/** The limit of the signed read is counted in any second; ours of the last two count as ours. */
const WINDOWS_MS = 2000;

export function bybitProbe(options: BybitOptions): Prober {
  const ways = calls(options);
  const { clock, environment, settings } = options;
  const isDemo = environment === 'demo';
  const sent: { readonly apiKey: string; readonly at: number }[] = [];
  return {
    name: 'bybit',
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
      const clockSays = (aheadMs: number, tookMs: number): Finding =>
        clockFinding(aheadMs, tookMs, settings.refusesTimestampsAfterMs);
      return venueLook(found, looks, clockSays, stateOf);
    },
    account: async (account, answerBy) => {
      const { apiKey, secretKey } = account.credentials as Credentials;
      const reply = await readKey(ways, options, account, answerBy);
      const tookMs = clock.now() - reply.signedAt;
      const recent = sent.filter(({ at }) => at >= reply.signedAt - WINDOWS_MS);
      sent.splice(0, Infinity, ...recent, { apiKey, at: reply.signedAt });
      const ours = sent.filter((one) => one.apiKey === apiKey).length;
      const { usage } = reply;
      const foreign =
        usage === undefined ? {} : { foreign: { used: Math.max(0, usage.used - ours), limit: usage.limit } };
      const common = { tookMs, ...foreign };
      if (succeeded(reply)) {
        const findings = [...lifeOf(reply, isDemo), finding('SIGNATURE_GOOD', 'a signed read passed')];
        return { state: 'good', findings, ...common };
      }
      const failed = trouble(reply, [apiKey, secretKey]);
      return { state: stateOfAccount(failed), findings: [failed], ...common };
    },
  };
}

function stateOfAccount({ code, check }: Finding): AccountLook['state'] {
  if (BANS.has(code)) return 'banned';
  return OF_THE_KEY.has(check) ? 'refused' : 'failed';
}

function stateOf(findings: readonly Finding[]): VenueLook['state'] {
  const troubles = findings.filter(({ level }) => level === 'trouble');
  if (troubles.some(({ code }) => BANS.has(code))) return 'banned';
  // Whoever stops the one symbol that stands for all has stopped trading for a while, at the least.
  if (troubles.some(({ code }) => code === 'MAINTENANCE' || code === 'TRADING_STOPPED')) return 'maintenance';
  // A clock that is off is ours, or theirs: they answer all the same.
  return troubles.some(({ check }) => check !== 'clock') ? 'unanswered' : 'open';
}
