// Every strategy that there is. A new one is one file beside these, one line here, and one schedule.
import { dca } from './dca.ts';
import { rebalance } from './rebalance.ts';
import type { Strategy } from './strategy.ts';
import { twap } from './twap.ts';

export const strategies: readonly Strategy[] = [dca, twap, rebalance];

/** The strategy of that name. */
export function strategyNamed(name: string): Strategy | undefined {
  return strategies.find((each) => each.name === name);
}
