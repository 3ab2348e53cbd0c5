// Every code of the exchange, answered to placements of a whole world: what may have been executed is looked up, what the
// account must change for waits, and what is refused is buried as refused.
import { expect, test } from '@jest/globals';
import { codes, type CodeClass } from '../../shared/bitmart/codes.ts';
import { PLACE } from './exchange.ts';
import { judge } from './judge.ts';
import { planOf, type Plan } from './plan.ts';
import { SHADOW } from './stage.ts';
import { runWorld, type World } from './world.ts';

const answering = (code: string, times: number, isExecuted: boolean): Plan => ({
  ...planOf(11),
  kind: 'sound',
  trouble: 0,
  refusesRepeatedIds: 'never',
  showsOrdersWithinMs: 0,
  refusesTimestamps: true,
  doubleInvocation: false,
  badClocks: false,
  isWide: false,
  isBatching: false,
  isFollowed: false,
  answer: { code: Number(code), times, isExecuted },
});
const numeric = (means: CodeClass): readonly string[] =>
  codes.flatMap(([code, each]) => (each === means && /^\d+$/.test(code) ? [code] : []));
const placements = ({ intents }: World): World['intents'] =>
  intents.filter(({ action, account }) => action === 'place' && account !== SHADOW);
const run = async (plan: Plan): Promise<World> => {
  const world = await runWorld(plan);
  expect(judge(plan, world)).toEqual([]);
  expect(placements(world).length).toBeGreaterThan(3);
  return world;
};

test.each(numeric('unknown'))('%s leaves it open, and a look-up resolves it, executed or not', async (code) => {
  for (const isExecuted of [true, false]) {
    const { reports } = await run(answering(code, 2, isExecuted));
    expect(reports.filter(({ status }) => status === 'unresolved')).toEqual([]);
    expect(reports.filter(({ status }) => status === 'accepted').length).toBeGreaterThan(1);
  }
});

test.each(numeric('unauthorised'))(
  '%s buries no good intent before it expires, and is probed once a minute',
  async (code) => {
    const world = await run(answering(code, Infinity, false));
    const ids = new Set(placements(world).map(({ id }) => id));
    const expired = world.letters.filter(({ reason, intentId }) => reason === 'INTENT_EXPIRED' && ids.has(intentId));
    expect(expired.length).toBeGreaterThan(3);
    for (const { intentId, at, certainty } of expired) {
      const of = world.intents.find(({ id }) => id === intentId);
      // By the clock of an environment, which is good to a second.
      expect(at).toBeGreaterThan(Date.parse(of?.expiresAt ?? '') - 1000);
      expect(certainty).toBe('not-sent');
    }
    expect(world.reports.filter(({ status }) => status === 'rejected' || status === 'unresolved')).toEqual([]);
    const probes = world.calls.filter(({ path }) => path === PLACE);
    for (const { account, from, at } of probes) {
      const near = probes.filter(
        (each) => each.account === account && each.from === from && each.at >= at && each.at < at + 59_000,
      );
      expect(near).toHaveLength(1);
    }
  },
);

test.each(numeric('refused'))('%s is a refusal, and is buried as one', async (code) => {
  const { letters, orders } = await run(answering(code, Infinity, false));
  const refused = letters.filter(({ reason }) => reason === 'VENUE_REFUSED' || reason === 'TRADING_OVER');
  expect(refused.length).toBeGreaterThan(3);
  for (const { certainty } of refused) expect(certainty).toBe('refused');
  expect(orders).toEqual([]);
});
