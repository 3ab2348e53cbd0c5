// What holds for every strategy that is listed: words for each parameter, and no answer but a decision to any parameters.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { strategies, strategyNamed } from '../../shared/strategies/all.ts';
import { intentId } from '../../shared/strategies/strategy.ts';

test('every file of a strategy is listed, under its own name', () => {
  const folder = new URL('../../shared/strategies/', import.meta.url);
  const files = readdirSync(folder).map((name) => name.replace('.ts', ''));
  const names = strategies.map(({ name }) => name);
  expect([...names, 'all', 'parameters', 'strategy'].sort()).toEqual(files.sort());
  for (const name of names) expect(strategyNamed(name)?.name).toBe(name);
  expect(strategyNamed('toString')).toBeUndefined();
});

test('every parameter says what it must be and what it means, and what it is without', () => {
  for (const { summary, fields } of strategies) {
    expect(summary.length).toBeGreaterThan(20);
    for (const [name, { rule, meaning }] of Object.entries(fields)) {
      expect([name, rule.length > 5, meaning.length > 5, rule.endsWith('.'), meaning.endsWith('.')]).toEqual([name, true, true, false, false]); // prettier-ignore
    }
  }
});

test('whatever stands where parameters should be, it is named and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.constantFrom(...strategies), fc.jsonValue(), (strategy, parameters) => {
      const result = strategy.prepare(parameters);
      expect(result).toMatchObject({ kind: 'wrong', problems: expect.arrayContaining([expect.any(String)]) });
    }),
  );
});

test('ids are at most 32 letters and digits, and tell firings, schedules, accounts, strategies and orders apart', () => {
  const firing = fc.record({
    schedule: fc.stringMatching(/^[0-9A-Za-z_.-]{1,64}$/),
    account: fc.stringMatching(/^[a-z0-9]{1,32}$/),
    scheduledAt: fc.integer({ min: 0, max: 4e9 }).map((seconds) => seconds * 1000),
  });
  const named = fc.record({ firing, strategy: fc.constantFrom('dca', 'twap'), index: fc.nat(50) });
  fc.assert(
    fc.property(fc.uniqueArray(named, { selector: (each) => JSON.stringify(each), maxLength: 50 }), (each) => {
      const ids = each.map((one) => intentId(one.firing, one.strategy, one.index));
      for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]{1,32}$/);
      expect(new Set(ids).size).toBe(ids.length);
    }),
  );
});
