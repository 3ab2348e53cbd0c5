// The order of the suites: those that take longest first, so that none of them is left alone at the end. A clean checkout
// has no times of an earlier run, and by size, as Jest would order them then, some of the longest come last.
import Sequencer from '@jest/test-sequencer';

/** Twenty seconds and more on two cores that are shared, longest first. */
const LONG = [
  'simulation/simulation',
  'cli/dead',
  'system/redelivery',
  'system/campaign',
  'cli/accounts',
  'cli/doctor',
  'cli/orders',
  'simulation/week',
  'simulation/mutants',
  'cli/queues',
  'cli/strategies',
  'spec/bitmart',
  'system/replay',
  'system/pace',
  'cli/trace',
  'simulation/codes',
  'system/trigger',
  'system/faults',
  'cli/status',
  'bench',
  'system/local',
  'system/refusals',
  'simulation/firings',
  'scale',
  'producer/package',
  'cli/reads',
];
const placeOf = ({ path }) => {
  const place = LONG.findIndex((name) => path.endsWith(`/tests/${name}.test.ts`));
  return place === -1 ? LONG.length : place;
};

export default class extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => placeOf(a) - placeOf(b));
  }
}
