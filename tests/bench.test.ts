// The benchmarks run on a new machine and say what they found; what they measure is asserted nowhere.
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { chart, goalsOf, isMet, markdown, median, tables, type Results } from '../bench/report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bench = (
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly said: string }> =>
  new Promise((resolve) => {
    execFile(
      'npm',
      ['run', '--silent', 'bench', '--', ...args],
      { cwd: root, maxBuffer: 1 << 26 },
      (error, out, said) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, said });
      },
    );
  });

const common = { title: 'a <case>', notes: ['one run'] };
const results: Results = {
  ...{ node: 'Node v24', processors: '2 × some', seconds: 3, sizes: { 'ours, zip': 150 * 1024 } },
  measured: [
    {
      ...common,
      name: 'cold',
      unit: 'ms',
      samples: { ours: [80, 100, 90], 'bitmart-api': [100, 101, 99], ccxt: [400] },
    },
    { ...common, name: 'sign', unit: 'µs', samples: { ours: [11], 'createHmac by hand': [10], ccxt: [50] } },
    { ...common, name: 'parse', unit: 'µs', samples: { ours: [30], 'by hand': [10] } },
  ],
};

test('a goal is a ratio of medians, or a bound, and is met or not; what was not measured is no goal', () => {
  expect(median([1, 9, 2, 8])).toBe(5);
  const goals = Object.fromEntries(goalsOf(results).map((goal) => [goal.what, [goal.value, isMet(goal)]]));
  expect(goals).toEqual({
    '1 cold start ÷ bitmart-api': [0.9, false],
    '1 cold start ÷ ccxt': [0.225, true],
    '1 zip of execute, KiB': [150, true],
    '2 build and sign ÷ createHmac by hand': [1.1, false],
    "2 build and sign ÷ ccxt's": [0.22, true],
    '8 parse an event ÷ by hand': [3, true],
  });
});

test('a goal whose subject is missing from its case is no goal that was met: it is an error', () => {
  const [cold] = results.measured;
  const renamed = {
    ...results,
    measured: [{ ...common, name: 'cold', unit: 'ms', samples: { we: cold?.samples['ours'] ?? [] } }],
  };
  expect(() => goalsOf(renamed)).toThrow('the case cold has no "ours"');
});

test('the tables, the page and the chart name every subject, its median and whether the goal is met', () => {
  for (const text of [tables(results), markdown(results)]) {
    for (const part of ['bitmart-api', '90.0 ms', '4.44 ×', 'NOT MET', 'met', 'Node v24']) expect(text).toContain(part);
  }
  const svg = chart(results);
  expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
  expect(svg).toContain('a &#60;case&#62;');
  expect(svg).not.toContain('NaN');
});

test('a case that does not exist is named, with those that do', async () => {
  expect(await bench('warp')).toMatchObject({
    code: 2,
    said: expect.stringContaining('"warp" is no case; there are cold, '),
  });
  expect((await bench('--help')).out).toContain('--quick');
}, 30_000);

test('it installs the other clients where they are not, runs each in the same job, and gives every sample', async () => {
  // Everything but what takes long; that the goals find all their subjects is part of it.
  const { code, out, said } = await bench('cold', 'memory', 'event', '--quick', '--json');
  expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' });
  const { measured, sizes } = JSON.parse(out) as Results;
  const names = ['cold', 'cold-load', 'cold-sent', 'event', 'memory'];
  expect(measured.map(({ name }) => name)).toEqual(names);
  for (const { samples } of measured.filter(({ name }) => /cold|memory/.test(name))) {
    expect(Object.keys(samples).slice(0, 5)).toEqual(['ours', 'by hand', 'bitmart-api', "the exchange's SDK", 'ccxt']);
    for (const values of Object.values(samples)) for (const value of values) expect(value).toBeGreaterThan(0);
  }
  // The goal of 200 KiB is that of one exchange; the zip carries two, and a function loads one of them (tests/template.test.ts).
  expect(sizes['ours, zip']).toBeLessThanOrEqual(220 * 1024);
  expect(goalsOf({ ...results, measured, sizes }).length).toBe(5);
}, 240_000);
