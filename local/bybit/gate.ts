// Who is calling, and may they: key, environment, address, signature, clock, permission, body. Promises the documented code
// for each failure and that nothing is executed before all of them passed. Never counts; the server does.
import type { Incoming } from '../exchange/host.ts';
import { invalid, refuse, type Refusal } from './codes.ts';
import type { Fields } from './fields.ts';
import type { Category } from './products.ts';
import type { Promises } from './promises.ts';
import { isSignedBy } from './signature.ts';
import type { Environment, Key, Permission, SignedEndpoint, Venue } from './venue.ts';

/** Authentication headers are missing: HTTP 401 without a body. */
export const UNSIGNED = 'unsigned';

const DEFAULT_RECV_WINDOW = '5000';

const header = (incoming: Incoming, name: string): string => incoming.headers[`x-bapi-${name}`] ?? '';

/** The JSON fields of a POST, the query of a GET; a body that is no JSON object is refused. */
export const fieldsOf = (incoming: Incoming): Fields | Refusal => {
  if (incoming.method === 'GET') return Object.fromEntries(incoming.query);
  if (incoming.body.length === 0) return {};
  try {
    const fields: unknown = JSON.parse(incoming.body.toString('utf8'));
    if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) return fields as Fields;
  } catch {
    // Not JSON at all: refused like JSON of another kind.
  }
  return invalid('the body must be one JSON object');
};

/** The key behind a signed call, its signature checked over the bytes that arrived. */
export const identify = (
  venue: Venue,
  environment: Environment,
  incoming: Incoming,
  category: Category | undefined,
): Key | Refusal | typeof UNSIGNED => {
  const [apiKey, timestamp, sign] = ['api-key', 'timestamp', 'sign'].map((name) => header(incoming, name)) as [string, string, string]; // prettier-ignore
  if (apiKey === '' || timestamp === '' || sign === '') return UNSIGNED;
  const key = venue.keys.get(apiKey);
  if (key?.environment !== environment) return refuse(10003);
  // Two wordings of one fact: spot's and that of derivatives.
  if (key.expired) return refuse(category === 'spot' ? -2015 : 33004);
  if (key.ips.length > 0 && !key.ips.includes(incoming.ip)) return refuse(10010);
  const tail = incoming.method === 'GET' ? incoming.rawQuery : incoming.body;
  const parts = { timestamp, apiKey, recvWindow: header(incoming, 'recv-window'), tail };
  if (!isSignedBy(key.secretKey, parts, sign)) return refuse(10004);
  if (key.frozen) return refuse(10008);
  return key.unified ? key : refuse(10028);
};

export interface Age {
  /** How far the timestamp is behind the venue's clock. */
  readonly behindMs: number;
  readonly recvWindowMs: number;
}

export const ageOf = (incoming: Incoming, serverMs: number): Age | Refusal => {
  const timestamp = header(incoming, 'timestamp');
  const recvWindow = header(incoming, 'recv-window') || DEFAULT_RECV_WINDOW;
  if (!/^\d{1,16}$/.test(timestamp) || !/^\d{1,9}$/.test(recvWindow)) return refuse(10002);
  return { behindMs: serverMs - Number(timestamp), recvWindowMs: Number(recvWindow) };
};

/** server_time - recv_window <= timestamp < server_time + 1000, by the guide; 10002 otherwise. */
export const clockRefusal = ({ behindMs, recvWindowMs }: Age, promises: Promises): Refusal | undefined => {
  const { refusesTimestamps, acceptsAheadMs, maxRecvWindowMs } = promises;
  if (maxRecvWindowMs !== null && recvWindowMs > maxRecvWindowMs) return refuse(10002);
  const isAhead = behindMs <= -acceptsAheadMs;
  return isAhead || (refusesTimestamps && behindMs > recvWindowMs) ? refuse(10002) : undefined;
};

/** 10014 for a signature whose window is still open; every other one is remembered until its own closes. */
export const replayRefusal = (venue: Venue, incoming: Incoming, age: Age, atMs: number): Refusal | undefined => {
  if (!venue.settings.promises.refusesReplays || incoming.method === 'GET') return undefined;
  for (const [sign, until] of venue.seen) if (until < atMs) venue.seen.delete(sign);
  const sign = `${incoming.path} ${header(incoming, 'sign')}`;
  if (venue.seen.has(sign)) return refuse(10014);
  venue.seen.set(sign, atMs + age.recvWindowMs - age.behindMs);
  return undefined;
};

const TRADE: Readonly<Record<Category, Permission>> = { spot: 'spot-trade', linear: 'future-trade' };

/** 10005 when the key was not given what the endpoint asks for. */
export const permissionRefusal = (
  endpoint: SignedEndpoint,
  key: Key,
  category: Category | undefined,
): Refusal | undefined => {
  const needed = endpoint.permission ?? (category && TRADE[category]);
  return needed === undefined || key.permissions.includes(needed) ? undefined : refuse(10005);
};
