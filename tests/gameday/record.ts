// What a game day leaves behind: what was sent, what was told of it, what the exchange has in its book, and what was seen.
// Data alone, so that the judge can be shown a day that never was. Holds no secret: only whose was shown, where one was.
import type { ExecutionReport } from '../../shared/order/report.ts';
import type { Letter } from '../system/fixture.ts';

/** An intent of the stream, in a message of its own. */
export interface Sent {
  readonly id: string;
  readonly account: string;
  readonly action: 'place' | 'cancel' | 'cancel-all';
  readonly body: string;
}

/** A message that must not trade, whatever it says. */
export interface Poison {
  readonly kind: string;
  readonly body: string;
  readonly messageId: string;
  /** Why it may be buried. */
  readonly reasons: readonly string[];
  /** What it was buried for at first, as the log says; undefined where it says nothing. */
  readonly reason: string | undefined;
  /** Its report must come under this id; undefined for a message that is not the intent's own, which has none. */
  readonly reportId: string | undefined;
}

/** An order in the exchange's own book. */
export interface Order {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly account: string;
  readonly symbol: string;
  readonly side: string;
  readonly size: string;
  readonly state: string;
  readonly filledSize: string;
  /** ms. */
  readonly createTime: number;
}

export interface PathCount {
  readonly count: number;
  /** Executed or not: their answers never arrived. */
  readonly unanswered: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly maxInWindow: number;
}

/** What one alarm of the template came to on this day. */
export interface AlarmSeen {
  readonly slug: string;
  readonly hasFired: boolean;
  /** The value of its metric that came nearest to it; absent where the metric had no point at all. */
  readonly worst?: number;
  readonly metric: string;
  /** From which value on, for a person: "above 0.97". */
  readonly fires: string;
}

export interface Act {
  readonly name: string;
  /** Since the day began, ms. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly isDone: string;
  readonly isSeen: string;
}

export interface DayRecord {
  readonly seed: number;
  readonly acts: readonly Act[];
  readonly sent: readonly Sent[];
  readonly poison: readonly Poison[];
  readonly reports: readonly ExecutionReport[];
  readonly letters: readonly Letter[];
  readonly orders: readonly Order[];
  readonly requests: Readonly<Record<string, PathCount>>;
  /** Times in which a halted account may place nothing: after the cache's lifetime, before the resume. ms */
  readonly halts: readonly { readonly account: string; readonly from: number; readonly to: number }[];
  readonly redriven: number;
  readonly kills: number;
  /** Messages still on a queue that should be empty, by its name. */
  readonly left: Readonly<Record<string, number>>;
  /** One sentence for each place that showed a part of a key. */
  readonly shown: readonly string[];
  readonly alarms: readonly AlarmSeen[];
}
