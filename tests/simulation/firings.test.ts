// A day of three strategies in virtual time, in a quiet world and in bad ones: no slice twice, no budget passed, no firing
// that vanishes without a word, and every intent executed once or told why not.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import { sum } from '../strategies/fixture.ts';
import { PARAMETERS, runDay, type Day } from './firings.ts';
import { judge } from './judge.ts';
import { START, type Intent } from './stage.ts';

const DAY_MS = 86_400_000;
const strategyOf = (intents: readonly Intent[], name: string) => intents.filter((each) => each['strategy'] === name);
const text = (intent: Intent, field: string): string => {
  const value = intent[field];
  return typeof value === 'string' ? value : '0';
};
/** The most that the venue can have executed of each id: of two messages that asked for different amounts the larger. */
const most = (intents: readonly Intent[], field: string): Big => {
  const ids = Map.groupBy(intents, ({ id }) => id);
  return sum([...ids.values()].map((each) => each.map((one) => new Big(text(one, field))).reduce((a, b) => (a.gt(b) ? a : b)))); // prettier-ignore
};

/** With what it is worth at the price that it was decided on. */
function worthOf(intent: Intent): Intent {
  const { referencePrice } = intent['collar'] as { readonly referencePrice: string };
  const isNotional = intent['notional'] !== undefined;
  return { ...intent, worth: isNotional ? text(intent, 'notional') : new Big(text(intent, 'size')).times(referencePrice).toFixed() }; // prettier-ignore
}

/** What must hold of every day, whatever went wrong. */
function broken({ plan, world, occasions, sent }: Day): readonly string[] {
  const told: string[] = [...judge(plan, world)];
  const placed = Map.groupBy(world.orders, ({ clientOrderId }) => clientOrderId);
  for (const [id, orders] of placed) {
    if (orders.length > 1) told.push(`${id} was placed ${orders.length} times`);
    if (!sent.some((intent) => intent.id === id)) told.push(`${id} was placed and never sent`);
  }
  const dca = most(strategyOf(sent, 'dca'), 'notional');
  if (dca.gt(PARAMETERS.dcaMain.budget)) told.push(`dca may have spent ${dca.toFixed()}`);
  const sold = most(strategyOf(sent, 'twap'), 'size');
  if (sold.gt(PARAMETERS.twapOther.size)) told.push(`twap may have sold ${sold.toFixed()}`);
  for (const { schedule, at, deliveries, outcomes, dead } of occasions) {
    const about = `${schedule} of ${new Date(at).toISOString()}`;
    const ids = new Set(sent.filter(({ createdAt, id }) => Date.parse(createdAt) === at && id.startsWith(schedule)).map(({ id }) => id)); // prettier-ignore
    const coins = schedule === 'weights' ? Object.keys(PARAMETERS.weights.targets).length : 1;
    if (ids.size > coins) told.push(`${about} has the ids ${[...ids].join(' ')}`);
    const worth = most(sent.filter(({ id }) => schedule === 'weights' && ids.has(id)).map(worthOf), 'worth');
    if (worth.gt(PARAMETERS.weights.maxFiringNotional)) told.push(`${about} may have traded ${worth.toFixed()}`);
    const isTold = dead > 0 || outcomes.some((outcome) => !outcome.startsWith('failed'));
    if (deliveries > 0 && !isTold) told.push(`${about} vanished: ${outcomes.join(', ')}`);
    if (outcomes.some((outcome) => outcome.startsWith('nothing it was due')) && outcomes.some((outcome) => outcome.startsWith('failed')) && deliveries === 1) told.push(`${about} failed and was then passed over as late`); // prettier-ignore
    if (deliveries === 0 && ids.size > 0) told.push(`${about} was never fired and sent ${[...ids].join(' ')}`);
  }
  return told;
}

describe('a quiet day', () => {
  test('is every firing once, and all that was asked for', async () => {
    const day = await runDay(1, 0);
    expect(broken(day)).toEqual([]);
    const { occasions, sent, world } = day;
    const count = (name: string): number => occasions.filter(({ schedule }) => schedule === name).length;
    expect([count('dcaMain'), count('twapOther'), count('weights')]).toEqual([24, 96, 6]);
    expect(strategyOf(sent, 'dca')).toHaveLength(18);
    expect(strategyOf(sent, 'twap')).toHaveLength(96);
    expect(sum(strategyOf(sent, 'twap').map((each) => text(each, 'size'))).toFixed()).toBe('0.96');
    // The last firings find the budget gone: 18 times the most of a dip, 50, is all of it.
    expect(occasions.filter(({ schedule, outcomes }) => schedule === 'dcaMain' && outcomes[0]?.includes('budget'))).toHaveLength(6); // prettier-ignore
    expect(strategyOf(sent, 'rebalance').length).toBeGreaterThan(5);
    expect(world.orders).toHaveLength(sent.length);
    expect(world.letters).toEqual([]);
    // Dips were met: not all of dca's firings spent the same.
    expect(new Set(strategyOf(sent, 'dca').map((each) => text(each, 'notional'))).size).toBeGreaterThan(1);
    for (const { createdAt } of sent) expect(Date.parse(createdAt) >= START && Date.parse(createdAt) < START + DAY_MS).toBe(true); // prettier-ignore
  }, 120_000);
});

test('bad days keep every promise too, whatever the venue breaks', async () => {
  const met = new Set<string>();
  for (const seed of [2, 3, 4, 5]) {
    const day = await runDay(seed, 0.4);
    expect({ seed, kind: day.plan.kind, broken: broken(day) }).toEqual({ seed, kind: day.plan.kind, broken: [] });
    expect(day.world.orders.length).toBeGreaterThan(40);
    for (const fault of Object.keys(day.world.faults)) met.add(fault);
    if (day.occasions.some(({ dead }) => dead > 0)) met.add('a dead letter');
  }
  for (const fault of ['fired late', 'fired twice', 'never fired', 'trigger killed', 'sending intents fails', 'answer of sending intents lost', 'a dead letter']) expect(met).toContain(fault); // prettier-ignore
}, 120_000);
