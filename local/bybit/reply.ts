// One API request from its bytes to its reply: address, route, the door, the rate count, faults, the endpoint.
// Promises that order, and that a fault never acts on a request that was not let in. Never touches the connection.
import { setTimeout as sleep } from 'node:timers/promises';
import { carryOut, type ActiveFault, type Wording } from '../exchange/faults.ts';
import { json, type Incoming, type Reply, type Served } from '../exchange/host.ts';
import { isRefusal, refuse, statusOf, type Refusal } from './codes.ts';
import { categoryOf } from './fields.ts';
import { ageOf, clockRefusal, fieldsOf, identify, permissionRefusal, replayRefusal, UNSIGNED } from './gate.ts';
import type { Grant } from './limits.ts';
import type { Category } from './products.ts';
import type { Answer, Call, Endpoint, Environment, Key, SignedEndpoint, Venue, VenueFault } from './venue.ts';

const BLOCKED = `<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY><H1>403 ERROR</H1>
The Amazon CloudFront distribution is configured to block access from your country.</BODY></HTML>`;

const page = (): Reply => ({ send: { status: 403, type: 'text/html', body: BLOCKED } });
const text = (status: number, body: string): Reply => ({ send: { status, type: 'text/plain', body } });

const envelope = (venue: Venue, retCode: number, retMsg: string, result: object, retExtInfo: object): Reply => {
  const status = retCode === 0 ? 200 : statusOf(retCode, venue.settings.promises.authStatus);
  return json(status, { retCode, retMsg, result, retExtInfo, time: venue.now().venueMs }, retCode);
};

const refusal = (venue: Venue, { refused, message }: Refusal): Reply => envelope(venue, refused, message, {}, {});

const answered = (venue: Venue, endpoint: Endpoint, answer: Answer): Reply => {
  if (isRefusal(answer)) return refusal(venue, answer);
  const { result, ext = {} } = answer;
  if (endpoint.auth === 'SIGNED' && endpoint.bare)
    return json(200, { retCode: 0, retMsg: endpoint.message, result }, 0);
  return envelope(venue, 0, endpoint.message, result, ext);
};

/** X-Bapi-Limit-Status is what REMAINS. Over the limit the reset is the moment it ends, otherwise about now. */
const usageHeaders = (
  venue: Venue,
  { limit, remaining, resetAtMs }: Omit<Grant, 'granted'>,
): Readonly<Record<string, string>> => {
  const { venueMs, realMs } = venue.now();
  return {
    'X-Bapi-Limit': String(limit),
    'X-Bapi-Limit-Status': String(remaining),
    'X-Bapi-Limit-Reset-Timestamp': String(venueMs + (resetAtMs === undefined ? 0 : Math.ceil(resetAtMs - realMs))),
  };
};

const bucketOf = (endpoint: SignedEndpoint, category: Category | undefined): string =>
  endpoint.perCategory && category ? `${endpoint.path} ${category}` : endpoint.path;

const ordersIn = (body: Call['body']): number => {
  const rows = body['request'];
  return Array.isArray(rows) && rows.length > 0 ? rows.length : 1;
};

const count = (
  venue: Venue,
  endpoint: SignedEndpoint,
  key: Key,
  body: Call['body'],
  category: Category | undefined,
): Grant => {
  const { ordersPerSecond, countsRefused } = venue.settings.promises;
  const limits = endpoint.atLevel ? ordersPerSecond : endpoint.limit;
  return venue.limits.ask({
    bucket: bucketOf(endpoint, category),
    uid: key.uid,
    limit: limits[category ?? 'spot'],
    lengthMs: endpoint.limit.seconds * 1000,
    weight: endpoint.batch ? ordersIn(body) : 1,
    atMs: venue.now().realMs,
    countsRefused,
  });
};

/** One request on its way: who asks for what. */
interface Visit {
  readonly endpoint: Endpoint;
  readonly environment: Environment;
  readonly incoming: Incoming;
  readonly key: Key | undefined;
  readonly fields: Call['body'] | Refusal;
  readonly category: Category | undefined;
  readonly granted: number;
}

/** Clock, permission, body, and what the demo host does not have; undefined when the request may be acted on. */
const refusalAtTheGate = (
  venue: Venue,
  { endpoint, environment, incoming, key, fields, category }: Visit,
): Refusal | undefined => {
  const isBatch = endpoint.auth === 'SIGNED' && endpoint.batch;
  const isServed = environment !== 'demo' || (endpoint.demo && !(isBatch && category === 'spot'));
  if (!isServed) return refuse(venue.settings.promises.demoRefusalCode);
  if (endpoint.auth === 'SIGNED' && key) {
    const now = venue.now();
    const age = ageOf(incoming, now.venueMs);
    if (isRefusal(age)) return age;
    const late = clockRefusal(age, venue.settings.promises);
    const denied =
      late ?? permissionRefusal(endpoint, key, category) ?? replayRefusal(venue, incoming, age, now.realMs);
    if (denied) return denied;
  }
  return isRefusal(fields) ? fields : undefined;
};

type Twist = Pick<Call, 'lag' | 'fate'>;
const STRAIGHT: Twist = { lag: undefined, fate: undefined };

/** The endpoint itself; what it asks to be done at once has been done when this returns. */
const act = (venue: Venue, visit: Visit, twist: Twist): Reply => {
  const { endpoint, environment, incoming, key, fields, granted } = visit;
  venue.exchange.catchUp(venue.now());
  const body = isRefusal(fields) ? {} : fields;
  const call = { environment, body, query: incoming.query, now: venue.now(), granted, ...twist };
  const answer =
    endpoint.auth === 'NONE'
      ? endpoint.answer({ ...call, key: undefined })
      : key
        ? endpoint.answer({ ...call, key })
        : refuse(10003);
  venue.exchange.catchUp(venue.now());
  return answered(venue, endpoint, answer);
};

/** Faults that change what is executed and leave the answer alone. */
const TWISTS = ['lookup-lag', 'accept-then-reject', 'accept-then-cancel'] as const;
const isTwist = (fault: VenueFault): fault is (typeof TWISTS)[number] => TWISTS.some((one) => one === fault);

const twistOf = (fault: ActiveFault<VenueFault> | undefined): Twist => {
  const reason = fault?.message ?? 'EC_Others';
  if (fault?.fault === 'lookup-lag') return { ...STRAIGHT, lag: { ms: fault.ms, sinceMs: fault.sinceMs } };
  if (fault?.fault === 'accept-then-reject') return { ...STRAIGHT, fate: { status: 'Rejected', reason } };
  return fault?.fault === 'accept-then-cancel' ? { ...STRAIGHT, fate: { status: 'Cancelled', reason } } : STRAIGHT;
};

/** Acts `ms` after the gateway let the request pass; the second check of age stands here, where it is promised. */
const held = async (venue: Venue, visit: Visit, ms: number, closing: AbortSignal): Promise<Reply> => {
  const denied = refusalAtTheGate(venue, visit);
  if (denied) return refusal(venue, denied);
  await sleep(ms, undefined, { signal: closing });
  const age = ageOf(visit.incoming, venue.now().venueMs);
  const isStale = !isRefusal(age) && age.behindMs > age.recvWindowMs;
  const refused = isStale && venue.settings.promises.refusesStaleInside;
  return refused ? refusal(venue, refuse(-1)) : act(venue, visit, STRAIGHT);
};

const execute = async (venue: Venue, visit: Visit, closing: AbortSignal): Promise<Reply> => {
  const { path } = visit.incoming;
  const fault = (visit.category && venue.faults.strike(`${path} ${visit.category}`)) ?? venue.faults.strike(path);
  if (fault?.fault === 'hold') return held(venue, visit, fault.ms, closing);
  if (fault?.fault === 'delay') await sleep(fault.ms, undefined, { signal: closing });
  const run = (twist: Twist): Reply => {
    const denied = refusalAtTheGate(venue, visit);
    return denied ? refusal(venue, denied) : act(venue, visit, twist);
  };
  if (!fault || fault.fault === 'delay' || isTwist(fault.fault)) return run(twistOf(fault));
  const wording: Wording = {
    refusal: (code, message) => refusal(venue, refuse(code, message)),
    blank: () => envelope(venue, 0, 'OK', {}, {}),
    page,
  };
  return carryOut(fault.fault, fault, () => run(STRAIGHT), wording);
};

/** What stops a request before anybody looks at what it asks for. */
const turnedAway = (venue: Venue, incoming: Incoming): Reply | undefined => {
  const { blocksCountry, ipRequests, ipBanMs, callsProlongIpBan } = venue.settings.promises;
  if (blocksCountry) return page();
  const rules = { requests: ipRequests, banMs: ipBanMs, callsProlong: callsProlongIpBan };
  if (!venue.limits.address(incoming.ip, rules, venue.now().realMs)) return text(403, '403, access too frequent');
  // CloudFront in front does not let a GET with a body through.
  return incoming.method === 'GET' && incoming.body.length > 0
    ? text(403, '403, a GET must not carry a body')
    : undefined;
};

/** One API request from the bytes to the reply, counted; the signal ends a delay when the server closes. */
export const serve = async (
  venue: Venue,
  endpoints: readonly Endpoint[],
  environment: Environment,
  incoming: Incoming,
  closing: AbortSignal,
): Promise<Served> => {
  const { path, method } = incoming;
  const done = (reply: Reply, bucket = path, headers: Served['headers'] = {}): Served => {
    if ('send' in reply) venue.limits.finished(bucket, reply.send.status, reply.send.code);
    else venue.limits.finished(bucket);
    return { reply, headers };
  };
  const away = turnedAway(venue, incoming);
  if (away) return done(away);
  const endpoint = endpoints.find((one) => one.path === path && one.method === method);
  if (!endpoint) return done(text(404, ''));
  const fields = fieldsOf(incoming);
  const category = isRefusal(fields) ? undefined : categoryOf(fields);
  const visit = { endpoint, environment, incoming, fields, category };
  if (endpoint.auth === 'NONE') {
    const { publicUsageHeaders, ipRequests } = venue.settings.promises;
    const shown = { limit: ipRequests, remaining: ipRequests - 1, resetAtMs: undefined };
    const headers = publicUsageHeaders ? usageHeaders(venue, shown) : {};
    return done(await execute(venue, { ...visit, key: undefined, granted: 1 }, closing), path, headers);
  }
  const bucket = bucketOf(endpoint, category);
  const key = identify(venue, environment, incoming, category);
  if (key === UNSIGNED) return done(text(401, ''), bucket);
  if (isRefusal(key)) return done(refusal(venue, key), bucket);
  const grant = count(venue, endpoint, key, isRefusal(fields) ? {} : fields, category);
  const headers = usageHeaders(venue, grant);
  if (grant.granted === 0) return done(refusal(venue, refuse(10006)), bucket, headers);
  return done(await execute(venue, { ...visit, key, granted: grant.granted }, closing), bucket, headers);
};
