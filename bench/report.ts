// What the samples come to: medians, spread, ratios and goals; as tables for a terminal and for docs/, and as a chart.
import Table from 'cli-table3';
import type { Measured } from './cases.ts';

export interface Results {
  readonly node: string;
  readonly processors: string;
  readonly seconds: number;
  readonly measured: readonly Measured[];
  /** Bytes. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** A goal: a figure of ours beside one of another, or beside a bound. */
interface Goal {
  readonly what: string;
  readonly value: number | undefined;
  readonly bound: number;
  /** `<=` or `>=`. */
  readonly sign: '≤' | '≥';
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

/** Were all cases run? */
function isWhole(measured: readonly Measured[]): boolean {
  const names = ['cold', 'sign', 'cpu', 'event', 'limit', 'runner', 'memory'];
  return names.every((name) => measured.some((each) => each.name === name));
}

/** Every figure is of one run on one machine: what counts is the ratio to what stands beside it. */
export function goalsOf({ measured, sizes, seconds }: Results): readonly Goal[] {
  const of = (name: string, subject: string): number | undefined => {
    const found = measured.find((each) => each.name === name);
    if (found === undefined) return undefined;
    const samples = found.samples[subject];
    if (samples === undefined) throw new Error(`the case ${name} has no "${subject}", which a goal is about`);
    return median(samples);
  };
  const ratio = (name: string, one: string, other: string): number | undefined => {
    const [above, below] = [of(name, one), of(name, other)];
    return above === undefined || below === undefined ? undefined : above / below;
  };
  const most = (what: string, value: number | undefined, bound: number): Goal => ({ what, value, bound, sign: '≤' });
  const least = (what: string, value: number | undefined, bound: number): Goal => ({ what, value, bound, sign: '≥' });
  const perfect = (subject: string): number | undefined => {
    const rate = of('limit', subject);
    return rate === undefined ? undefined : rate / 20;
  };
  const runner = of('runner', 'ours, batching, through queue and runner');
  const single = of('limit', 'ccxt createOrder');
  const environments = ['two environments', 'four environments'].flatMap((count) =>
    ['', ', all but one idle'].map((rest) => `ours, ${count}${rest}`),
  );
  const ours = ['ours', 'ours, 30 to 50 ms away', 'ours, 0 to 300 ms of jitter', 'ours, batching', ...environments];
  const throughRunner = of('runner-refused', 'ours, batching, through queue and runner');
  const refusals = [...ours.map((subject) => of('refused', subject)), throughRunner].filter(
    (each) => each !== undefined,
  );
  const zip = sizes['ours, zip'];
  return [
    most('1 cold start ÷ bitmart-api', ratio('cold', 'ours', 'bitmart-api'), 0.85),
    most('1 cold start ÷ ccxt', ratio('cold', 'ours', 'ccxt'), 0.45),
    most('1 zip of execute, KiB', zip === undefined ? undefined : zip / 1024, 200),
    most('2 build and sign ÷ createHmac by hand', ratio('sign', 'ours', 'createHmac by hand'), 1.05),
    most("2 build and sign ÷ ccxt's", ratio('sign', 'ours', 'ccxt'), 0.3),
    most('3 CPU per order, the same job ÷ by hand', ratio('cpu', 'ours, without the queues', 'by hand'), 1.25),
    most(
      '4 event of ten, batching ÷ one request by hand',
      ratio('event', 'ours, batching', 'by hand, one batch request'),
      1.15,
    ),
    least('5 at the limit, 2 to 22 ms away ÷ perfect', perfect('ours'), 0.9),
    least('5 at the limit, 30 to 50 ms away ÷ perfect', perfect('ours, 30 to 50 ms away'), 0.9),
    most('5-7 requests refused with 429', refusals.length === 0 ? undefined : Math.max(...refusals), 0),
    least('6 batching ÷ ccxt createOrder', ratio('limit', 'ours, batching', 'ccxt createOrder'), 8.5),
    least('6 batching ÷ ccxt createOrders', ratio('limit', 'ours, batching', 'ccxt createOrders'), 1.75),
    least(
      '6 through the runner ÷ ccxt createOrder',
      runner === undefined || single === undefined ? undefined : runner / single,
      6,
    ),
    ...environments.map((subject) => least(`7 ${subject.slice(6)} ÷ perfect`, perfect(subject), 0.8)),
    most('8 parse an event ÷ by hand', ratio('parse', 'ours', 'by hand'), 3.5),
    most('8 memory ÷ bare runtime', ratio('memory', 'ours', 'the bare runtime with the AWS client'), 1.3),
    most('whole run, s', isWhole(measured) ? seconds : undefined, 600),
  ].filter(({ value }) => value !== undefined);
}

export function isMet({ value = NaN, bound, sign }: Goal): boolean {
  return sign === '≤' ? value <= bound : value >= bound;
}

const figure = (value: number): string => {
  if (value === 0) return '0';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(value >= 1 ? 2 : 3);
};

/** subject, median, spread, ratio to the first. */
function rowsOf({ samples, unit }: Measured): readonly (readonly string[])[] {
  const entries = Object.entries(samples);
  const [, first = []] = entries[0] ?? [];
  return entries.map(([subject, values]) => {
    const spread = values.length > 1 ? `${figure(percentile(values, 0.1))} – ${figure(percentile(values, 0.9))}` : '';
    const tail = unit === 'ms' && values.length >= 50 ? `, p99 ${figure(percentile(values, 0.99))}` : '';
    const times = median(first) === 0 ? '' : `${figure(median(values) / median(first))} ×`;
    return [subject, `${figure(median(values))} ${unit}`.trim(), spread + tail, entries.length === 1 ? '' : times];
  });
}

const goalRow = (goal: Goal): readonly string[] => [
  goal.what,
  figure(goal.value ?? NaN),
  `${goal.sign} ${goal.bound}`,
  isMet(goal) ? 'met' : 'NOT MET',
];

/** For people at a terminal. */
export function tables(results: Results): string {
  const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
    const drawn = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
    drawn.push(...rows.map((row) => [...row]));
    return drawn.toString();
  };
  const parts = results.measured.map((each) =>
    [
      each.title,
      table(['', 'median', '10 % – 90 %', 'beside the first'], rowsOf(each)),
      ...each.notes.map((note) => `  ${note}`),
    ].join('\n'),
  );
  const goals = table(['goal', 'measured', 'wanted', ''], goalsOf(results).map(goalRow));
  return [...parts, `Goals\n${goals}`, `${results.node}, ${results.processors}, ${results.seconds} s`].join('\n\n');
}

/** The same for docs/. */
export function markdown(results: Results): string {
  const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
    [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
  const parts = results.measured.map((each) =>
    [
      `## ${each.title.charAt(0).toUpperCase()}${each.title.slice(1)}`,
      table(['', 'median', '10 % – 90 %', 'beside the first'], rowsOf(each)),
      ...each.notes.map((note) => `${note.charAt(0).toUpperCase()}${note.slice(1)}.`),
    ].join('\n\n'),
  );
  return [
    '# Benchmarks',
    `Made by \`npm run bench -- --write\` on one machine, in one run of ${results.seconds} s: ${results.node}, ${results.processors}. Other machines give other figures; the ratios are what to look at. Each contender runs in the same Lambda job (the secret from Secrets Manager, then the orders of an event) in a process of its own, they take turns, and the venue is the local one behind TLS.`,
    '![Medians of each case](bench.svg)',
    WHO,
    '## Goals',
    'The numbers are those of the goals that the project set itself; “perfect” is the 20 requests a second of the exchange.',
    table(['goal', 'measured', 'wanted', ''], goalsOf(results).map(goalRow)),
    ...parts,
  ].join('\n\n');
}

const WHO = [
  '**ours** is the packaged `execute`, with the settings of `serverless.yml`; **the account named** adds `warmAccounts`; **without the queues** writes neither reports nor followed orders. **by hand** is the least that places an order: node:https, one `createHmac`, nothing checked. **bitmart-api** 2.5.1, **the exchange’s SDK** (`@bitmartexchange/bitmart-node-sdk-api` 1.0.1) and **ccxt** 4.5.70 are bundled plainly, **packaged as ours** with the bundler that ours goes through. ccxt paces itself, by its own default; by hand and the other two do not.',
].join('');

const escape = (text: string): string => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** One group of bars for each case, as long as its figure is beside the longest of the group. */
export function chart(results: Results): string {
  const shown = ['cold', 'sign', 'cpu', 'event', 'limit', 'parse', 'memory'];
  const [width, label, bar, line] = [880, 285, 440, 20];
  let y = 20;
  const parts: string[] = [];
  for (const measured of shown.flatMap((name) => results.measured.filter((each) => each.name === name))) {
    const entries = Object.entries(measured.samples).map(([name, values]) => [name, median(values)] as const);
    const longest = Math.max(...entries.map(([, value]) => value));
    parts.push(
      `<text x="10" y="${y + 12}" font-weight="bold">${escape(measured.title)}: ${measured.name === 'limit' ? 'more' : 'less'} is better</text>`,
    );
    y += line + 4;
    for (const [name, value] of entries) {
      const length = Math.max(1, (value / longest) * bar).toFixed(1);
      const colour = name.startsWith('ours') ? '#1a7f5a' : '#9aa5b1';
      parts.push(
        `<text x="${label}" y="${y + 12}" text-anchor="end">${escape(name)}</text>`,
        `<rect x="${label + 10}" y="${y + 1}" width="${length}" height="14" fill="${colour}"/>`,
        `<text x="${label + 16 + Number(length)}" y="${y + 12}">${figure(value)} ${measured.unit}</text>`,
      );
      y += line;
    }
    y += line;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" font-family="sans-serif" font-size="12">`,
    '<title>Medians of each case; green is this service</title>',
    `<rect width="${width}" height="${y}" fill="white"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
