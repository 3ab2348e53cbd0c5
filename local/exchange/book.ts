// One side of an order book, whatever trades in it. Promises price-time priority: a better price first, at one price the
// earlier order first. Never moves money and never ends an order.
import type { Decimal } from './decimals.ts';

export type Side = 'buy' | 'sell';
export const SIDES: readonly Side[] = ['buy', 'sell'];
export const OTHER_SIDE: Readonly<Record<Side, Side>> = { buy: 'sell', sell: 'buy' };

/** The venue's clock, which may be skewed and stamps orders, and real time, by which the venue forgets and bans. */
export interface Now {
  readonly venueMs: number;
  readonly realMs: number;
}

/** The venue's clock as it stood at another real time. */
export const momentOf = (dueMs: number, now: Now): Now => ({
  realMs: dueMs,
  venueMs: now.venueMs - Math.round(now.realMs - dueMs),
});

export interface Level {
  readonly price: Decimal;
  readonly size: Decimal;
}

/** Whether an order of this side and price would trade at a price of the other side. */
export const reaches = (side: Side, price: Decimal, theirs: Decimal): boolean =>
  side === 'buy' ? price.gte(theirs) : price.lte(theirs);

/** Both sides of a book, empty ones where there is none yet. */
export const sidesOf = <Queued>(books: Map<string, Record<Side, Queued[]>>, name: string): Record<Side, Queued[]> => {
  const sides = books.get(name) ?? { buy: [], sell: [] };
  books.set(name, sides);
  return sides;
};

/** Puts an order behind those of an equal or better price. */
export const enqueue = <Queued extends { readonly price: Decimal }>(
  queue: Queued[],
  order: Queued,
  side: Side,
): void => {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = queue[middle];
    if (other && reaches(side, other.price, order.price)) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, order);
};

/** Price levels, best first, orders of one price added up. */
export const depthOf = <Queued extends { readonly price: Decimal }>(
  queue: readonly Queued[],
  restOf: (order: Queued) => Decimal,
  levels: number,
): readonly Level[] => {
  const rows: { price: Decimal; size: Decimal }[] = [];
  for (const order of queue) {
    const last = rows.at(-1);
    if (last?.price.eq(order.price)) last.size = last.size.plus(restOf(order));
    else if (rows.length === levels) break;
    else rows.push({ price: order.price, size: restOf(order) });
  }
  return rows;
};

/** How a house quotes: `levels` prices a side, `gap` apart, each of 1, 2, 3 or 4 times `unit`. */
export interface Ladder {
  readonly mid: Decimal;
  readonly gap: Decimal;
  readonly unit: Decimal;
  readonly levels: number;
}

/** Price and size of one rung: asks from one tick above the mid upwards, bids from one tick below it downwards. */
export const rung = (
  { gap, unit }: Pick<Ladder, 'gap' | 'unit'>,
  tick: Decimal,
  mid: Decimal,
  side: Side,
  level: number,
): Level => {
  const away = tick.plus(gap.times(level));
  return { price: side === 'buy' ? mid.minus(away) : mid.plus(away), size: unit.times(1 + (level % 4)) };
};
