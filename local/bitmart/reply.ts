// One API request from its bytes to its reply: routing, the door, the rate count, faults, the endpoint.
// Promises that order, and that a fault never acts on a request that was not let in. Never touches the connection.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRefusal, refuse, statusOf, type Refusal } from './codes.ts';
import { carryOut, type ActiveFault, type Wording } from '../exchange/faults.ts';
import { json, type Reply } from '../exchange/host.ts';
import { clockRefusal, fieldsOf, identify, permissionRefusal, type Incoming } from './gate.ts';
import type { Answer, Call, Endpoint, Key, Market, Venue, VenueFault } from './venue.ts';
import type { Limit } from './windows.ts';

export interface Usage {
  readonly limit: Limit;
  readonly used: number;
}

/** Paths without a documented limit still carry usage headers; these figures are the ones the documentation explains. */
const UNLISTED: Limit = { requests: 600, seconds: 60, scope: 'IP' };

const INTERCEPTED = `<!DOCTYPE html><html><head><title>Access denied</title></head>
<body><h1>Error 1010</h1><p>This request was stopped before it reached api-cloud.bitmart.com.</p></body></html>`;

const refusal = ({ refused, message }: Refusal, trace: string): Reply =>
  json(statusOf(refused), { message, code: refused, trace, data: {} }, refused);

const envelope = (endpoint: Endpoint, answer: Answer): Reply => {
  const trace = randomUUID();
  if (isRefusal(answer)) return refusal(answer, trace);
  return json(200, { code: 1000, trace, message: endpoint.message, data: answer.data }, 1000);
};

/** Counts an arrival that has a caller, and says whether it is over its limit. */
const count = (
  venue: Venue,
  endpoint: Endpoint,
  key: Key | undefined,
  ip: string,
): { usage: Usage; over: Refusal | undefined } => {
  const { path, limit } = endpoint;
  const { banAfterRefusals, banMs } = venue.settings.promises;
  const counted = !key || limit.scope === 'IP' ? ip : limit.scope === 'KEY' ? key.apiKey : key.uid;
  const { verdict, used } = venue.windows.arrive({
    path,
    limit,
    counted,
    owner: key?.uid ?? ip,
    atMs: venue.now().realMs,
    banAfterRefusals,
    banMs,
  });
  const over = verdict === 'passed' ? undefined : refuse(verdict === 'throttled' ? 30013 : 30017);
  return { usage: { limit, used }, over };
};

/** How a fault changes what is executed. */
type Twist = Pick<Call, 'lag' | 'loanOnly'>;
const STRAIGHT: Twist = { lag: undefined, loanOnly: false };

/** Clock, permission, body, and then the endpoint itself. */
const execute = (venue: Venue, endpoint: Endpoint, key: Key | undefined, incoming: Incoming, twist: Twist): Reply => {
  const now = venue.now();
  const denied = permissionRefusal(endpoint, key);
  if (denied) return refusal(denied, 'N/A');
  const fields = fieldsOf(endpoint, incoming);
  const body = isRefusal(fields) ? {} : fields;
  const timestamp = incoming.headers['x-bm-timestamp'] ?? '';
  const { promises } = venue.settings;
  const late = clockRefusal(endpoint, timestamp, body, now.venueMs, promises, venue.timeScale);
  if (late) return refusal(late, 'N/A');
  if (isRefusal(fields)) return refusal(fields, 'N/A');
  const call = { body, query: incoming.query, now, ...twist };
  if (endpoint.auth === 'NONE') return envelope(endpoint, endpoint.answer({ ...call, key: undefined }));
  return key ? envelope(endpoint, endpoint.answer({ ...call, key })) : refusal(refuse(30001), 'N/A');
};

const WORDING: Wording = {
  refusal: (code, message) => refusal(refuse(code, message), randomUUID()),
  blank: () => json(200, { code: 1000, trace: randomUUID(), message: 'OK', data: {} }, 1000),
  page: () => ({ send: { status: 403, type: 'text/html;charset=UTF-8', body: INTERCEPTED } }),
};

/** Carries out a fault around an execution; `delay` has already happened. */
const underFault = (fault: ActiveFault<VenueFault> | undefined, run: (twist: Twist) => Reply): Reply => {
  if (!fault || fault.fault === 'delay') return run(STRAIGHT);
  if (fault.fault === 'lookup-lag') return run({ ...STRAIGHT, lag: { ms: fault.ms, sinceMs: fault.sinceMs } });
  if (fault.fault === 'loan-only') return run({ ...STRAIGHT, loanOnly: true });
  return carryOut(fault.fault, fault, () => run(STRAIGHT), WORDING);
};

/** One API request from the bytes to the reply; the signal ends a delay when the server closes. */
export const serve = async (
  venue: Venue,
  markets: readonly Market[],
  incoming: Incoming,
  closing: AbortSignal,
): Promise<{ reply: Reply; usage: Usage }> => {
  const { path, ip } = incoming;
  const listed = markets.flatMap(({ endpoints }) => endpoints).filter((one) => one.path === path);
  const endpoint = listed.find(({ method }) => method === incoming.method);
  if (!endpoint) {
    const usage = { limit: listed[0]?.limit ?? UNLISTED, used: 0 };
    const removed = markets.some((market) => market.removed.includes(path));
    const elsewhere = markets.some((market) => market.elsewhere.some((start) => path.startsWith(start)));
    const code = removed ? 30031 : listed.length > 0 ? 57001 : elsewhere ? 30030 : 30000;
    return { reply: refusal(refuse(code), 'N/A'), usage };
  }
  const key = identify(venue, endpoint, incoming);
  if (key && isRefusal(key)) {
    const used = venue.windows.used(path, endpoint.limit, ip, venue.now().realMs);
    return { reply: refusal(key, 'N/A'), usage: { limit: endpoint.limit, used } };
  }
  const { usage, over } = count(venue, endpoint, key, ip);
  if (over) return { reply: refusal(over, 'N/A'), usage };
  const fault = venue.faults.strike(path);
  if (fault?.fault === 'delay') await sleep(fault.ms, undefined, { signal: closing });
  return { reply: underFault(fault, (twist) => execute(venue, endpoint, key, incoming, twist)), usage };
};
