// BitMart's candles of spot, for strategies: those of a given number of intervals, told by when they began.
// Whether `before` and `after` count their own second is documented nowhere: a second more is asked for, and what lies
// outside is dropped here. Never fills a gap.
import * as z from 'zod/mini';
import { number } from '../order/amounts.ts';
import { MOST_CANDLES, type Candle, type Reads } from '../order/reads.ts';
import { succeeded, unreadable, unseen } from './answers.ts';
import type { Calls } from './calls.ts';
import { readEndpoints } from './endpoints.ts';

/** Rows of begin (in seconds), open, high, low, close, volume in base coin; what follows is not needed. */
const rowsSchema = z.array(z.tuple([number, number, number, number, number, number], number));

export function candlesBy({ ask, explain }: Calls): Reads['candles'] {
  return async (_market, symbol, minutes, count, until, deadline) => {
    const stepMs = minutes * 60_000;
    const after = until - (Math.min(count, MOST_CANDLES) + 1) * stepMs;
    const query = {
      symbol,
      step: String(minutes),
      after: String(Math.floor(after / 1000) - 1),
      before: String(Math.ceil((until - stepMs) / 1000) + 1),
      limit: String(MOST_CANDLES),
    };
    const answer = await ask(readEndpoints.klines, query, deadline);
    if (!succeeded(answer)) {
      const failed = unseen(answer, await explain(answer, deadline));
      return failed.kind === 'nothing' ? unreadable(answer) : failed;
    }
    const rows = rowsSchema.safeParse(answer.data).data;
    if (rows === undefined) return unreadable(answer);
    const candles = rows
      .map(([at, open, high, low, close, volume]): Candle => ({
        openAt: Number(at) * 1000,
        open,
        high,
        low,
        close,
        volume,
      })) // prettier-ignore
      .filter(({ openAt }) => openAt > after && openAt <= until - stepMs)
      .sort((a, b) => a.openAt - b.openAt);
    return { kind: 'read', candles };
  };
}
