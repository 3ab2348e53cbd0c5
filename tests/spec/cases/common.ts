// What several chapters of the execution test spec share: the steps that cases are made of. No case stands here.
import assert from 'node:assert/strict';
import Big from 'big.js';
import { equal, type Bench, type Case, type Intent, type Market } from '../bench.ts';
import type { Need } from '../grounds.ts';

export const MARKETS = ['spot', 'margin', 'futures'] as const satisfies readonly Market[];
export const needsOf = (market: Market): readonly Need[] => (market === 'spot' ? [] : [market]);

/** The same case in each market, with numbers in their order. */
export const inEach = (
  first: number,
  title: (market: Market) => string,
  run: (bench: Bench, market: Market) => Promise<void>,
  markets: readonly Market[] = MARKETS,
): readonly Case[] =>
  markets.map((market, index) => ({
    number: first + index,
    title: title(market),
    needs: needsOf(market),
    run: (bench) => run(bench, market),
  }));

/** Places and waits until it rests. */
export const resting = async (bench: Bench, order: Intent): Promise<Intent> => {
  await bench.send(order);
  await bench.rests(order);
  return order;
};

/** A market order, filled. */
export const taken = async (bench: Bench, order: Intent): Promise<Intent> => {
  await bench.send(order);
  await bench.ends(order, 'accepted', 'filled');
  return order;
};

/** Sends an instruction and waits until it is done. */
export const carryOut = async (bench: Bench, instruction: Intent) => {
  await bench.send(instruction);
  return bench.ends(instruction, 'done');
};

/** Ends as canceled, by the user where the venue says so, with nothing filled. */
export const endsCanceled = async (bench: Bench, order: Intent, who = 'user'): Promise<void> => {
  const report = await bench.ends(order, 'accepted', 'canceled');
  const row = await bench.row(order);
  assert.equal(row.state, 'canceled');
  equal(row.filledSize, '0', 'filled in the book');
  equal(report.filledSize, '0', 'filledSize');
  assert.equal(report.cancelSource, bench.source(row.market, who));
};

/** Orders between bid and ask are taken out again before another case uses the place. */
export const clear = async (
  bench: Bench,
  orders: readonly Intent[],
  which: 'main' | 'other' = 'other',
): Promise<void> => {
  for (const order of orders) {
    const listing = bench.listing(order['market'] as Market, which);
    await carryOut(bench, bench.cancel(listing, order.id, { account: order['account'] }));
  }
};

/** Most of the money was spent, and never more. */
export const isMostOf = (spent: string, notional: string): void => {
  const share = new Big(spent).div(notional);
  assert.ok(share.lte(1) && share.gt('0.99'), `${spent} is not most of ${notional}`);
};
