// The exchange alone, as anybody can ask it without a key: its clock and how fast it answers, maintenance, which pairs trade,
// and what it has announced of its end. Reads only; at most MOST_REQUESTS.exchange requests.
import * as z from 'zod/mini';
import type { Finding } from '../order/finding.ts';
import type { Looks } from '../order/probe.ts';
import { succeeded } from './answers.ts';
import { endpoints, readEndpoints } from './endpoints.ts';
import { finding, trouble } from './findings.ts';
import type { Visit } from './visit.ts';

const CLOCK_CALLS = 3;
/** v4: timestamp < serverTime + 1000 and serverTime - timestamp <= recvWindow, 5000 by default [spot documentation]. */
const AHEAD_MS = 1000;
const BEHIND_MS = 5000;
/** The notice of 2026-07-26, as cited: trading ends then. */
const TRADING_ENDED_AT = Date.UTC(2026, 7, 26, 1);
const REAL_HOST = /(^|\.)bitmart\.(com|info|news)$/;

/** Each look until it is enough. */
export async function health(visit: Visit): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const look of [clockOf, serviceOf, tradingOf]) {
    if (visit.enough() === undefined) found.push(...(await look(visit)));
  }
  return found;
}

/** @param most how many; the first one that fails is the last @param until when none is begun any more, ms; the first one always is */
export async function looksAt(visit: Visit, most: number, until = Infinity): Promise<Looks> {
  const { ways, options } = visit;
  const looks: { readonly aheadMs: number; readonly tookMs: number }[] = [];
  for (let look = 0; look < most && (look === 0 || options.clock.now() < until); look += 1) {
    const reply = await visit.ask(endpoints.time, (deadline) => ways.ask(endpoints.time, {}, deadline));
    const doneAt = options.clock.now();
    if (!succeeded(reply)) return { looks, failed: trouble(reply) };
    const theirs = z.object({ server_time: z.number() }).safeParse(reply.data).data?.server_time;
    if (theirs === undefined) return { looks, failed: finding('CLOCK_UNTOLD', 'the answer holds no time') };
    looks.push({ aheadMs: (reply.signedAt + doneAt) / 2 - theirs, tookMs: doneAt - reply.signedAt });
  }
  return { looks };
}

/** Clock and time of an answer, by a few looks; the quickest one tells the offset best. */
async function clockOf(visit: Visit): Promise<readonly Finding[]> {
  const { looks, failed } = await looksAt(visit, CLOCK_CALLS);
  if (failed !== undefined) return [failed];
  const byTime = looks.toSorted((a, b) => a.tookMs - b.tookMs);
  const middle = byTime[Math.floor(byTime.length / 2)]?.tookMs ?? 0;
  const { aheadMs = 0, tookMs = 0 } = byTime[0] ?? {};
  return [
    finding('LATENCY_GOOD', `it answers in ${middle} ms (the middle one of ${looks.length})`),
    clockFinding(aheadMs, tookMs),
  ];
}

/** @param aheadMs how far our clock is ahead of theirs @param tookMs the round trip, half of which is how wrong that can be */
export function clockFinding(aheadMs: number, tookMs: number): Finding {
  const off = Math.round(Math.abs(aheadMs));
  const said = `our clock is ${off} ms ${aheadMs > 0 ? 'ahead of' : 'behind'} the exchange's, give or take ${Math.ceil(tookMs / 2)} ms; it takes less than ${AHEAD_MS} ms ahead and at most ${BEHIND_MS} ms behind`;
  if (aheadMs >= AHEAD_MS) return finding('CLOCK_AHEAD', said);
  if (-aheadMs >= BEHIND_MS) return finding('CLOCK_BEHIND', said);
  const isNear = aheadMs < AHEAD_MS / 2 && -aheadMs < BEHIND_MS / 2;
  return finding(isNear ? 'CLOCK_GOOD' : 'CLOCK_DRIFTS', said);
}

/** Status 0 waiting, 1 working (under way), 2 completed; as a number or as text [spot documentation]. */
const serviceSchema = z.object({
  service: z.array(
    z.object({
      service_type: z.optional(z.string()),
      status: z.union([z.string(), z.number()]),
      start_time: z.optional(z.number()),
      end_time: z.optional(z.number()),
    }),
  ),
});

export async function serviceOf(visit: Visit): Promise<readonly Finding[]> {
  const { ways } = visit;
  const reply = await visit.ask(readEndpoints.service, (deadline) => ways.ask(readEndpoints.service, {}, deadline));
  if (!succeeded(reply)) return [trouble(reply)];
  const rows = serviceSchema.safeParse(reply.data).data?.service;
  if (rows === undefined) return [finding('SERVICE_UNTOLD', 'the answer cannot be read')];
  const found = rows.flatMap(({ service_type: type = 'service', status, start_time: start, end_time: end }) => {
    const kind = /^\w{1,20}$/.test(type) ? type : 'service';
    if (String(status) === '1') return [finding('MAINTENANCE', `${kind}: under way${until(end)}`)];
    if (String(status) === '0')
      return [finding('MAINTENANCE_PLANNED', `${kind}: announced${from(start)}${until(end)}`)];
    return [];
  });
  return found.length > 0 ? found : [finding('SERVICE_GOOD', 'no maintenance is under way or announced')];
}

const utc = (ms: number): string =>
  Number.isSafeInteger(ms) && Math.abs(ms) < 8e15 ? new Date(ms).toISOString() : 'an unreadable time';
const from = (ms: number | undefined): string => (ms === undefined ? '' : `, from ${utc(ms)}`);
const until = (ms: number | undefined): string => (ms === undefined ? '' : `, until ${utc(ms)}`);

const symbolsSchema = z.object({
  symbols: z.array(z.object({ symbol: z.string(), trade_status: z.optional(z.string()) })),
});

/** What the table of pairs says; and, where this is the real exchange, what it has announced. */
export async function tradingOf(visit: Visit): Promise<readonly Finding[]> {
  const { ways, options } = visit;
  const reply = await visit.ask(endpoints.symbols, (deadline) => ways.ask(endpoints.symbols, {}, deadline));
  const isReal = REAL_HOST.test(new URL(options.settings.spotUrl).hostname);
  const isOver = isReal && options.clock.now() >= TRADING_ENDED_AT;
  const announced = isOver
    ? [
        finding(
          'TRADING_OVER',
          `the exchange announced on 2026-07-26 that all trading ends on ${utc(TRADING_ENDED_AT)}`,
        ),
      ]
    : [];
  if (!succeeded(reply)) return [...announced, trouble(reply)];
  const pairs = symbolsSchema.safeParse(reply.data).data?.symbols;
  if (pairs === undefined) return [...announced, finding('UNEXPECTED', 'the table of pairs cannot be read')];
  const open = pairs.filter(({ trade_status: status }) => status === 'trading').length;
  const said = `${open} of ${pairs.length} pairs are open to trade`;
  if (isOver) return announced;
  return [finding(open > 0 ? 'TRADING_GOOD' : 'TRADING_STOPPED', said)];
}
