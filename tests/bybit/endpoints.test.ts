// Every endpoint that is recorded is used, or is said why not; and none is used faster than documented.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ADDRESS_LIMIT, endpoints, readEndpoints, unused, type Endpoint } from '../../shared/bybit/endpoints.ts';

interface Row {
  readonly method: string;
  readonly path: string;
  readonly auth: 'NONE' | 'SIGNED';
  readonly limit: {
    readonly requests?: number;
    readonly spot?: number;
    readonly linear?: number;
    readonly seconds: number;
    readonly scope: string;
    readonly counted: 'request' | 'order';
  };
  readonly batch?: { readonly spot: number; readonly linear: number };
}
const rows = JSON.parse(
  readFileSync(new URL('../data/bybit/endpoints.json', import.meta.url), 'utf8'),
) as readonly Row[];
const used: readonly Endpoint[] = [...Object.values(endpoints), ...Object.values(readEndpoints)];
/** Of no recorded page: two clients and the local exchange have it. */
const UNRECORDED = '/v5/market/kline';

describe('the table of endpoints', () => {
  test('has every recorded one, used or with the reason why not, and no other', () => {
    const names = used.filter(({ path }) => path !== UNRECORDED).map(({ method, path }) => `${method} ${path}`);
    const others = unused.map(([method, path]) => `${method} ${path}`);
    expect([...names, ...others].toSorted()).toEqual(rows.map(({ method, path }) => `${method} ${path}`).toSorted());
    expect(unused.filter(([, , reason]) => reason.length < 10)).toEqual([]);
  });
  test('has the documented limits and ways to sign, and none larger', () => {
    for (const { method, path, limits, kind, isPerCategory } of used.filter((one) => one.path !== UNRECORDED)) {
      const row = rows.find((one) => one.method === method && one.path === path);
      if (row === undefined) throw new Error(path);
      expect([path, row.auth]).toEqual([path, kind === 'public' ? 'NONE' : 'SIGNED']);
      if (kind === 'public') {
        expect(limits.spot).toEqual(ADDRESS_LIMIT);
        continue;
      }
      for (const category of ['spot', 'linear'] as const) {
        const documented = row.limit[category] ?? row.limit.requests ?? 0;
        expect([path, limits[category].windowMs]).toEqual([path, row.limit.seconds * 1000]);
        expect([path, category, limits[category].requests <= documented]).toEqual([path, category, true]);
        // What is told to count by category counts so; anything else is taken to be counted together.
        expect([path, isPerCategory]).toEqual([path, row.limit.scope.includes('per category')]);
        expect([path, limits[category].dearest]).toEqual([path, row.limit.counted === 'order' ? 10 : 1]);
      }
    }
  });
  test('has a lane of its own for each', () => {
    const names = used.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
