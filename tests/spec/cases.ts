// The execution test spec: what must hold on any venue, one numbered case each, in plain words and neutral ones.
// Each runs on the local stack with the packaged functions and an account of its own, and looks at the venue's own book
// as well as at reports and dead letters. docs/execution-spec.md is made of this list. No venue has a name here.
import { times, type Bench, type Case, type Fields, type Intent } from './bench.ts';
import type { Need } from './grounds.ts';
import { amends } from './cases/amending.ts';
import { cancels, deadMan } from './cases/canceling.ts';
import { following } from './cases/following.ts';
import { futures } from './cases/futures.ts';
import { losses } from './cases/losing.ts';
import { mandates } from './cases/mandates.ts';
import { placing } from './cases/placing.ts';
import { troubles } from './cases/troubles.ts';

/**
 * What asks for a need, so that a venue that cannot do it can be seen to refuse it. What is missing here is no thing that
 * an intent can ask for, but a way in which a venue behaves.
 */
export const asks: Readonly<Partial<Record<Need, (bench: Bench) => Intent>>> = {
  margin: (bench) => bench.limit(bench.listing('margin')),
  futures: (bench) => bench.limit(bench.listing('futures')),
  'self-trade-prevention': (bench) => bench.limit(bench.listing('spot'), { selfTradePrevention: 'cancel-maker' }),
  'self-trade-prevention-futures': (bench) =>
    bench.limit(bench.listing('futures'), { selfTradePrevention: 'cancel-maker' }),
  'spot-fok': (bench) => bench.limit(bench.listing('spot'), { type: 'fok' }),
  'spot-amend': (bench) => bench.amend(bench.listing('spot'), 'whatever1', { price: bench.listing('spot').price }),
  'futures-amend': (bench) =>
    bench.amend(bench.listing('futures'), 'whatever1', { price: bench.listing('futures').price }),
  'cancel-all-side': (bench) => cancelAll(bench, { market: 'spot', side: 'sell' }),
  'cancel-all-side-futures': (bench) =>
    cancelAll(bench, { market: 'futures', symbol: bench.listing('futures').symbol, side: 'sell' }),
  'cancel-all-symbols': (bench) => cancelAll(bench, { market: 'spot' }),
  'margin-mode': (bench) => {
    const { market, symbol } = bench.listing('futures');
    return bench.intent({ action: 'set-leverage', market, symbol, leverage: '5', marginMode: 'isolated' });
  },
  'position-modes': (bench) =>
    bench.intent({ action: 'set-position-mode', market: 'futures', positionMode: 'one-way' }),
  'dead-man': (bench) => deadMan(bench, 5),
  exits: (bench) =>
    bench.limit(bench.listing('futures'), { stopLoss: { price: times(bench.listing('futures').price, '0.8') } }),
};

const cancelAll = (bench: Bench, fields: Fields): Intent => bench.intent({ action: 'cancel-all', ...fields });

/** Every case, by number. */
export const cases: readonly Case[] = [
  ...placing,
  ...futures,
  ...amends,
  ...cancels,
  ...losses,
  ...mandates,
  ...troubles,
  ...following,
].toSorted((a, b) => a.number - b.number);

/** E-007 */
export const nameOf = ({ number }: Pick<Case, 'number'>): string => `E-${String(number).padStart(3, '0')}`;
