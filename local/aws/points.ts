// The points of CloudWatch's metrics: what lines of the embedded metric format and the runner say, kept by namespace, name and
// dimensions, and what a statistic of a period comes to.
// Promises the format's own limits, so that a line that CloudWatch would drop is dropped here and counted. Bounded memory.

export interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly points: { readonly atMs: number; readonly value: number }[];
  unit: string;
}

export interface Points {
  /** Reads one line of a log; what is no embedded metric is passed over. */
  readonly emf: (line: string) => void;
  readonly put: (
    namespace: string,
    name: string,
    dimensions: Series['dimensions'],
    value: number,
    unit: string,
  ) => void;
  readonly find: (namespace: string, name: string, dimensions: Series['dimensions']) => Series | undefined;
  readonly all: () => readonly Series[];
  /** Why lines of the format were dropped. */
  readonly refused: readonly string[];
}

const MOST_POINTS = 20_000;
const MOST_SERIES = 10_000;

interface Directive {
  readonly Namespace?: unknown;
  readonly Dimensions?: unknown;
  readonly Metrics?: unknown;
}

const keyOf = (namespace: string, name: string, dimensions: Series['dimensions']): string =>
  JSON.stringify([namespace, name, ...Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))]);

export const metricPoints = (now: () => number): Points => {
  const series = new Map<string, Series>();
  const refused: string[] = [];
  const keep = (
    namespace: string,
    name: string,
    dimensions: Series['dimensions'],
    value: number,
    unit: string,
    atMs: number,
  ): void => {
    // prettier-ignore
    const key = keyOf(namespace, name, dimensions);
    if (!series.has(key) && series.size >= MOST_SERIES) return;
    const own = series.get(key) ?? { namespace, name, dimensions, points: [], unit };
    series.set(key, own);
    own.unit = unit;
    own.points.push({ atMs, value });
    if (own.points.length > MOST_POINTS) own.points.splice(0, MOST_POINTS / 10);
  };
  return {
    emf: (line) => {
      if (!line.startsWith('{') || !line.includes('"_aws"')) return;
      try {
        for (const { namespace, name, dimensions, values, unit, atMs } of readEmf(line, now())) {
          for (const value of values) keep(namespace, name, dimensions, value, unit, atMs);
        }
      } catch (error) {
        refused.push(error instanceof Error ? error.message : String(error));
        if (refused.length > 100) refused.shift();
      }
    },
    put: (namespace, name, dimensions, value, unit) => keep(namespace, name, dimensions, value, unit, now()),
    find: (namespace, name, dimensions) => series.get(keyOf(namespace, name, dimensions)),
    all: () => [...series.values()],
    refused,
  };
};

interface Reading {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Series['dimensions'];
  readonly values: readonly number[];
  readonly unit: string;
  readonly atMs: number;
}

/** @throws Error that says what of the format's specification the line breaks */
function readEmf(line: string, nowMs: number): readonly Reading[] {
  const document = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const { Timestamp: atMs, CloudWatchMetrics: directives } = document['_aws'] as Readonly<Record<string, unknown>>;
  if (typeof atMs !== 'number' || atMs > nowMs + 7_200_000 || atMs < nowMs - 14 * 86_400_000) {
    throw new Error('Timestamp is not a time of the last 14 days or the next 2 hours');
  }
  if (!Array.isArray(directives)) throw new Error('CloudWatchMetrics is no list');
  return (directives as Directive[]).flatMap((directive) => {
    const { Namespace: namespace, Dimensions: sets, Metrics: metrics } = directive;
    if (typeof namespace !== 'string' || namespace === '') throw new Error('a directive without Namespace');
    if (!Array.isArray(sets) || !Array.isArray(metrics)) throw new Error('a directive without Dimensions or Metrics');
    if (metrics.length > 100) throw new Error(`${metrics.length} metrics in one directive; the limit is 100`);
    const named = (sets as string[][]).map((names) => dimensionsOf(names, document));
    return (metrics as { Name: string; Unit?: string }[]).flatMap(({ Name: name, Unit: unit = 'None' }) => {
      const values = valuesOf(name, document[name]);
      return named.map((dimensions) => ({ namespace, name, dimensions, values, unit, atMs }));
    });
  });
}

function dimensionsOf(names: readonly string[], document: Readonly<Record<string, unknown>>): Series['dimensions'] {
  if (names.length > 30) throw new Error(`${names.length} dimensions in one set; the limit is 30`);
  const entries = names.map((name) => {
    const value = document[name];
    if (typeof value !== 'string' || value === '' || value.length > 1024)
      throw new Error(`dimension ${name} has no text`);
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}

function valuesOf(name: string, value: unknown): readonly number[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (values.length > 100) throw new Error(`${values.length} values of ${name}; the limit is 100`);
  return values.map((each) => {
    if (typeof each !== 'number' || !Number.isFinite(each)) throw new Error(`a value of ${name} is no number`);
    return each;
  });
}

const STATISTICS: Readonly<Record<string, (sorted: readonly number[]) => number>> = {
  SampleCount: (sorted) => sorted.length,
  Sum: (sorted) => sorted.reduce((sum, each) => sum + each, 0),
  Average: (sorted) => sorted.reduce((sum, each) => sum + each, 0) / sorted.length,
  Minimum: (sorted) => sorted[0] ?? 0,
  Maximum: (sorted) => sorted.at(-1) ?? 0,
};

/** What a statistic, or a percentile such as p95, comes to; undefined where there is no statistic of that name. */
export function statisticOf(statistic: string, values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const plain = STATISTICS[statistic];
  if (plain !== undefined) return plain(sorted);
  const percent = Number(/^p(\d{1,2}(?:\.\d{1,10})?|100)$/.exec(statistic)?.[1]);
  if (Number.isNaN(percent)) return undefined;
  // Between two ranks in proportion, as CloudWatch does.
  const rank = (percent / 100) * (sorted.length - 1);
  const [low = 0, high = 0] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
  return low + (high - low) * (rank - Math.floor(rank));
}
