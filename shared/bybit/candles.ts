// Bybit's candles of spot, for strategies: those of a given number of intervals, told by when they began.
// The endpoint is as two clients have it; which of its ends counts is not recorded, so a candle more is asked for on either
// side, and what lies outside is dropped here. Never fills a gap.
import * as z from 'zod/mini';
import { number } from '../order/amounts.ts';
import { MOST_CANDLES, type Candle, type Reads } from '../order/reads.ts';
import { spelled, succeeded, unreadable, unseen } from './answers.ts';
import type { Calls } from './calls.ts';
import { readEndpoints } from './endpoints.ts';

/** Rows of begin (ms), open, high, low, close, volume in base coin; what follows is not needed. */
const rowsSchema = z.object({ list: z.array(z.tuple([number, number, number, number, number, number], number)) });
const DAY_MINUTES = 1440;

export function candlesBy({ ask, explain }: Calls): Reads['candles'] {
  return async (_market, symbol, minutes, count, until, deadline) => {
    const stepMs = minutes * 60_000;
    const after = until - (Math.min(count, MOST_CANDLES) + 1) * stepMs;
    const query = {
      ...{ category: 'spot', symbol: spelled(symbol) },
      interval: minutes === DAY_MINUTES ? 'D' : String(minutes),
      start: String(after - stepMs),
      end: String(until),
      limit: String(MOST_CANDLES + 3),
    };
    const answer = await ask(readEndpoints.klines, query, deadline);
    if (!succeeded(answer)) return unseen(answer, await explain(answer, deadline));
    const rows = rowsSchema.safeParse(answer.data).data?.list;
    if (rows === undefined) return unreadable(answer);
    const candles = rows
      .map(([at, open, high, low, close, volume]): Candle => ({ openAt: Number(at), open, high, low, close, volume }))
      .filter(({ openAt }) => openAt > after && openAt <= until - stepMs)
      .sort((a, b) => a.openAt - b.openAt);
    return { kind: 'read', candles };
  };
}
