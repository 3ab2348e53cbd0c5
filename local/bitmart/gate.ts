// Who is calling, and may they: key, signature, address, clock, permission, body. Promises the documented code for each
// failure and that nothing is executed before all of them passed. Never counts; the server does.
import type { Incoming as HostIncoming } from '../exchange/host.ts';
import { refuse, type Refusal } from './codes.ts';
import { parseJson } from './integers.ts';
import { isSignedBy } from './signature.ts';
import type { Promises } from './promises.ts';
import type { Endpoint, Key, Venue } from './venue.ts';

/** The venue signs bodies, not queries: the raw text of one is of no use here. */
export type Incoming = Omit<HostIncoming, 'rawQuery'>;

const header = (incoming: Incoming, name: string): string => incoming.headers[name] ?? '';

/** The key behind a private call, its signature checked where the endpoint is SIGNED; undefined for a public one. */
export const identify = (venue: Venue, endpoint: Endpoint, incoming: Incoming): Key | Refusal | undefined => {
  if (endpoint.auth === 'NONE') return undefined;
  const apiKey = header(incoming, 'x-bm-key');
  if (apiKey === '') return refuse(30001);
  const key = venue.keys.get(apiKey);
  if (!key) return refuse(30002);
  if (key.frozen) return refuse(30003);
  if (key.expired) return refuse(30011);
  if (key.ips.length > 0 && !key.ips.includes(incoming.ip)) return refuse(30010);
  if (endpoint.auth === 'KEYED') return key;
  const timestamp = header(incoming, 'x-bm-timestamp');
  if (timestamp === '') return refuse(30006);
  if (!/^\d+$/.test(timestamp)) return refuse(30006, 'Header X-BM-TIMESTAMP is not an integer');
  // Seconds instead of milliseconds, say.
  if (timestamp.length !== 13) return refuse(30008);
  const sign = header(incoming, 'x-bm-sign');
  if (sign === '') return refuse(30004);
  return isSignedBy(key, timestamp, incoming.body, sign) ? key : refuse(30005);
};

/** The body as a record of fields; an empty one counts as {}. */
export const fieldsOf = (endpoint: Endpoint, incoming: Incoming): Readonly<Record<string, unknown>> | Refusal => {
  if (endpoint.method === 'GET' || incoming.body.length === 0) return {};
  const type = header(incoming, 'content-type').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') return refuse(incoming.path.startsWith('/account/') ? 60031 : 58001);
  try {
    const fields: unknown = parseJson(incoming.body.toString('utf8'));
    const isRecord = typeof fields === 'object' && fields !== null && !Array.isArray(fields);
    return isRecord ? (fields as Readonly<Record<string, unknown>>) : refuse(30018);
  } catch {
    return refuse(30018);
  }
};

const MAX_RECV_WINDOW_MS = 60_000;

/** The age a v4 call may have: recvWindow, an integer in (0, 60000], by default five seconds (source: spot docs). */
const recvWindowOf = (value: unknown): number | undefined => {
  if (value === undefined) return 5_000;
  const fits = typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_RECV_WINDOW_MS;
  return fits ? value : undefined;
};

/**
 * The two clock rules: v4 and the transfers to and from futures want a timestamp less than a second ahead and at most
 * recvWindow behind, everything else one within a minute (ahead is not documented, hence a promise). 30007 otherwise.
 */
export const clockRefusal = (
  endpoint: Endpoint,
  timestamp: string,
  fields: Readonly<Record<string, unknown>>,
  serverMs: number,
  { refusesTimestamps, acceptsAheadMs }: Promises,
  timeScale: number,
): Refusal | undefined => {
  if (endpoint.auth !== 'SIGNED') return undefined;
  const behindMs = serverMs - Number(timestamp);
  if (/^\/(spot\/v4\/|account\/v1\/transfer-contract)/.test(endpoint.path)) {
    const recvWindowMs = recvWindowOf(fields['recvWindow']);
    if (recvWindowMs === undefined)
      return refuse(30007, 'recvWindow must be an integer greater than 0 and at most 60000');
    if (behindMs <= -1000) return refuse(30007, 'Header X-BM-TIMESTAMP is ahead of the server time');
    return refusesTimestamps && behindMs > recvWindowMs
      ? refuse(30007, 'Header X-BM-TIMESTAMP is outside recvWindow')
      : undefined;
  }
  const windowMs = 60_000 * timeScale;
  const outside = behindMs < -acceptsAheadMs || (refusesTimestamps && behindMs > windowMs);
  return outside ? refuse(30007) : undefined;
};

/** 30012 when the key was not given what the endpoint asks for. */
export const permissionRefusal = (endpoint: Endpoint, key: Key | undefined): Refusal | undefined =>
  endpoint.auth === 'NONE' || key?.permissions.includes(endpoint.permission) ? undefined : refuse(30012);
