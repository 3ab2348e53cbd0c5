// Bybit alone, as anybody can ask it without a key: its clock and how fast it answers, maintenance, and whether BTCUSDT trades.
// Reads only; at most MOST_REQUESTS.exchange requests, and none after an answer that says it is enough.
import * as z from 'zod/mini';
import type { Finding } from '../order/finding.ts';
import type { Looks } from '../order/probe.ts';
import { succeeded } from './answers.ts';
import type { Calls } from './calls.ts';
import { endpoints, readEndpoints, type Endpoint } from './endpoints.ts';
import { finding, isEnough, trouble } from './findings.ts';
import type { BybitOptions } from './venue.ts';
import type { Reply } from './wire.ts';

/** One examination: what it may still ask. */
export interface Visit {
  readonly ways: Calls;
  readonly options: BybitOptions;
  /** The finding after which nothing more is sent. */
  readonly enough: () => Finding | undefined;
  /** Sends one request; an answer that says that it is enough is remembered. @param send gets by when the answer must be in, ms */
  readonly ask: (send: (deadline: number) => Promise<Reply>) => Promise<Reply>;
}

/** A person waits. */
const PATIENCE_MS = 8000;

/** @param patienceMs for turn and answer of one request */
export function visitBy(ways: Calls, options: BybitOptions, patienceMs = PATIENCE_MS): Visit {
  let enough: Finding | undefined;
  return {
    ...{ ways, options },
    enough: () => enough,
    ask: async (send) => {
      const reply = await send(options.clock.now() + patienceMs);
      const found = succeeded(reply) ? undefined : trouble(reply);
      if (found !== undefined && isEnough(found)) enough = found;
      return reply;
    },
  };
}

const CLOCK_CALLS = 3;
/** timestamp < server time + 1000 [guide]. */
const AHEAD_MS = 1000;

const asked = (visit: Visit, endpoint: Endpoint, query: Readonly<Record<string, string>> = {}): Promise<Reply> =>
  visit.ask((deadline) => visit.ways.ask(endpoint, query, deadline));

const timeSchema = z.object({ timeNano: z.string().check(z.regex(/^\d{15,25}$/)) });

/** @param most how many; the first one that fails is the last @param until when none is begun any more, ms; the first one always is */
export async function looksAt(visit: Visit, most: number, until = Infinity): Promise<Looks> {
  const looks: { readonly aheadMs: number; readonly tookMs: number }[] = [];
  for (let look = 0; look < most && (look === 0 || visit.options.clock.now() < until); look += 1) {
    const reply = await asked(visit, endpoints.time);
    if (!succeeded(reply)) return { looks, failed: trouble(reply) };
    const nanos = timeSchema.safeParse(reply.data).data?.timeNano;
    if (nanos === undefined) return { looks, failed: finding('CLOCK_UNTOLD', 'the answer holds no time') };
    const { sentAt, tookMs = 0 } = reply.journey ?? { sentAt: reply.signedAt };
    looks.push({ aheadMs: sentAt + tookMs / 2 - Number(nanos.slice(0, -6)), tookMs });
  }
  return { looks };
}

/** @param aheadMs how far our clock is ahead of theirs @param tookMs the round trip, half of which is how wrong that can be */
export function clockFinding(aheadMs: number, tookMs: number, windowMs: number): Finding {
  const off = Math.round(Math.abs(aheadMs));
  const said = `our clock is ${off} ms ${aheadMs > 0 ? 'ahead of' : 'behind'} the exchange's (to ${Math.ceil(tookMs / 2)} ms); from ${AHEAD_MS} ms ahead on, and more than ${windowMs} ms behind, it is refused`;
  if (aheadMs >= AHEAD_MS) return finding('CLOCK_AHEAD', said);
  if (-aheadMs > windowMs) return finding('CLOCK_BEHIND', said);
  return finding(aheadMs < AHEAD_MS / 2 && -aheadMs < windowMs / 2 ? 'CLOCK_GOOD' : 'CLOCK_DRIFTS', said);
}

/** Each look until it is enough. */
export async function health(visit: Visit): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const look of [clockOf, serviceOf, tradingOf]) {
    if (visit.enough() === undefined) found.push(...(await look(visit)));
  }
  return found;
}

/** Clock and time of an answer, by a few looks; the quickest one tells the offset best. */
async function clockOf(visit: Visit): Promise<readonly Finding[]> {
  const { looks, failed } = await looksAt(visit, CLOCK_CALLS);
  const byTime = looks.toSorted((a, b) => a.tookMs - b.tookMs);
  const [quickest] = byTime;
  if (failed !== undefined || quickest === undefined) return failed === undefined ? [] : [failed];
  const middle = byTime[Math.floor(byTime.length / 2)]?.tookMs ?? 0;
  return [
    finding('LATENCY_GOOD', `it answers in ${middle} ms (the middle one of ${looks.length})`),
    clockFinding(quickest.aheadMs, quickest.tookMs, visit.options.settings.refusesTimestampsAfterMs),
  ];
}

const instant = z.optional(z.union([z.string(), z.number()]));
const statusSchema = z.object({
  list: z.array(z.object({ title: z.optional(z.string()), state: z.string(), begin: instant, end: instant })),
});
const utc = (ms: unknown): string => {
  const time = new Date(Number(ms));
  return Number.isNaN(time.getTime()) ? 'an unreadable time' : time.toISOString();
};

/** scheduled, ongoing or completed [system status page]. */
export async function serviceOf(visit: Visit): Promise<readonly Finding[]> {
  // Demo has no such endpoint.
  if (visit.options.environment === 'demo') return [finding('SERVICE_UNTOLD', 'demo does not tell it')];
  const reply = await asked(visit, readEndpoints.status);
  if (!succeeded(reply)) return [trouble(reply)];
  const rows = statusSchema.safeParse(reply.data).data?.list;
  if (rows === undefined) return [finding('SERVICE_UNTOLD', 'the answer cannot be read')];
  const found = rows.flatMap(({ title = '', state, begin, end }) => {
    const name = title.replace(/[^\x20-\x7e]/g, '?').slice(0, 60);
    if (state === 'ongoing') return [finding('MAINTENANCE', `"${name}" is under way, until ${utc(end)}`)];
    if (state === 'scheduled')
      return [finding('MAINTENANCE_PLANNED', `"${name}" from ${utc(begin)} until ${utc(end)}`)];
    return [];
  });
  return found.length > 0 ? found : [finding('SERVICE_GOOD', 'no maintenance is under way or announced')];
}

const listedSchema = z.object({ list: z.array(z.object({ status: z.string() })).check(z.minLength(1)) });

/** One symbol stands for all: no list is small enough to be read whole. */
export async function tradingOf(visit: Visit): Promise<readonly Finding[]> {
  const closed: string[] = [];
  for (const category of ['spot', 'linear'] as const) {
    const reply = await asked(visit, endpoints.instruments, { category, symbol: 'BTCUSDT' });
    if (!succeeded(reply)) return [trouble(reply)];
    const row = listedSchema.safeParse(reply.data).data?.list[0];
    if (row === undefined) return [finding('UNEXPECTED', `the rules of BTCUSDT (${category}) cannot be read`)];
    if (row.status !== 'Trading') closed.push(`${category} BTCUSDT is ${row.status.slice(0, 20)}`);
  }
  if (closed.length === 0) return [finding('TRADING_GOOD', 'BTCUSDT is open to trade, spot and linear')];
  return [finding('TRADING_STOPPED', closed.join(', '))];
}
