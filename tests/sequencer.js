// The order of the suites: those that take longest first, so that none of them is left alone at the end. A clean checkout
// has no times of an earlier run, and by size, as Jest would order them then, some of the longest come last.
import Sequencer from '@jest/test-sequencer';

/** Half a minute and more on two cores, longest first. */
const LONG = [
  'system/campaign',
  'system/redelivery',
  'cli/dead',
  'simulation/simulation',
  'cli/accounts',
  'cli/orders',
  'cli/doctor',
  'cli/reads',
  'cli/trace',
  'simulation/mutants',
  'spec/bitmart',
  'docs',
  'system/pace',
  'system/replay',
  'bench',
  'system/refusals',
  'cli/status',
  'cli/queues',
  'system/trigger',
  'system/start',
  'system/faults',
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
