// Futures in the engine's words: coins ↔ whole contracts, sides, and rows of orders. Pure, exact, always rounded down.
// A row that cannot be read is no order: it never counts as absence either.
import Big from 'big.js';
import * as z from 'zod/mini';
import { anything, readable, told } from '../order/amounts.ts';
import type { Side } from '../order/intent.ts';
import { roundDown } from '../order/instrument.ts';
import type { VenueOrder } from '../order/venue.ts';
import { idOf } from './answers.ts';
import type { Contract } from './instruments.ts';

/** BTC_USDT on this host: BTCUSDT. */
export const spelled = (symbol: string): string => symbol.replace('_', '');

/** The whole contracts in a size, rounded down to the contract's step; 0 where it holds none. */
export function contractsIn(size: string, { coins, instrument }: Contract): number {
  return new Big(roundDown(size, instrument.sizeStep)).div(coins).toNumber();
}

/** The base coin in so many contracts. */
export function coinsIn(contracts: string, { coins }: Contract): string {
  return new Big(contracts).times(coins).toFixed();
}

/** 1 buys to open, 2 buys to close, 3 sells to close, 4 sells to open; the same in one-way mode, with reduce-only. */
export function sideNumber(side: Side, reduceOnly: boolean): 1 | 2 | 3 | 4 {
  if (side === 'buy') return reduceOnly ? 2 : 1;
  return reduceOnly ? 3 : 4;
}
export const sideOf = (number: number): Side => (number <= 2 ? 'buy' : 'sell');

const whole = (least: number, most: number) =>
  z
    .pipe(z.union([z.number(), z.string().check(z.regex(/^\d$/))]), z.transform(Number))
    .check(z.refine((value) => Number.isInteger(value) && value >= least && value <= most));
const readBy = (read: (value: unknown) => string | undefined) =>
  z.pipe(
    z.unknown(),
    z.transform((value) => read(value) ?? ''),
  );

export const rowSide = whole(1, 4);
export const contractAmount = readBy(readable).check(z.minLength(1));
export const rowId = readBy(idOf).check(z.minLength(1));

/** What identifies an order, and what its state is read from, must be readable; the rest helps where it is. */
const rowSchema = z.object({
  order_id: rowId,
  client_order_id: z.optional(z.nullable(z.string())),
  symbol: z.string(),
  side: rowSide,
  type: z.string(),
  state: whole(0, 9),
  size: contractAmount,
  deal_size: contractAmount,
  price: anything,
  deal_avg_price: anything,
});
export type OrderRow = z.infer<typeof rowSchema>;
export const orderRow = (value: unknown): OrderRow | undefined => rowSchema.safeParse(value).data;

/** The client order id of each row of a list, which must be told, if only as none; undefined where the list is none. */
const listSchema = z.array(z.looseObject({ client_order_id: z.nullable(z.string()), create_time: anything }));

/** The newest row with this client order id, and how many rows there were; undefined where the list cannot be read. */
export function pick(
  data: unknown,
  clientOrderId: string,
): { readonly rows: number; readonly row: unknown } | undefined {
  const list = listSchema.safeParse(data).data;
  if (list === undefined) return undefined;
  const madeAt = ({ create_time: time }: { readonly create_time?: unknown }): number => Number(time) || 0;
  const ours = list.filter(({ client_order_id: own }) => own === clientOrderId);
  const row = ours.toSorted((a, b) => madeAt(b) - madeAt(a))[0];
  return { rows: list.length, row };
}

/** Working or finished; a finished one is filled only if all of it was dealt. A number nobody knows is taken for open. */
function stateOf({ state, size, deal_size }: OrderRow): VenueOrder['state'] {
  if (state !== 4) return new Big(deal_size).gt(0) ? 'partially-filled' : 'open';
  return new Big(deal_size).gte(size) ? 'filled' : 'canceled';
}

/** Sizes in base coin. A market order's price is the venue's own bookkeeping. */
export function futuresOrder(row: OrderRow, contract: Contract): VenueOrder {
  const dealt = new Big(row.deal_size).gt(0);
  return {
    venueOrderId: row.order_id,
    market: 'futures',
    symbol: contract.instrument.symbol,
    side: sideOf(row.side),
    type: row.type,
    state: stateOf(row),
    size: coinsIn(row.size, contract),
    filledSize: coinsIn(row.deal_size, contract),
    ...told({
      price: row.type === 'market' ? undefined : readable(row.price),
      averagePrice: dealt ? readable(row.deal_avg_price) : undefined,
    }),
  };
}
