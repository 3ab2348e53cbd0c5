// Every endpoint that the exchange documents is used, or is said why not; and none is used faster than documented.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { endpoints, endpointsPage, readEndpoints, unused, type Endpoint } from '../../shared/bitmart/endpoints.ts';

interface Row {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly auth: 'NONE' | 'KEYED' | 'SIGNED';
  readonly limit: { readonly requests: number; readonly seconds: number } | null;
  readonly removed?: boolean;
}
const rows = JSON.parse(
  readFileSync(new URL('../data/bitmart/endpoints.json', import.meta.url), 'utf8'),
) as readonly Row[];
const used: readonly Endpoint[] = [...Object.values(endpoints), ...Object.values(readEndpoints)];
const names = used.map(({ method, path }) => `${method} ${path}`);
const others = unused.map(([method, path]) => `${method} ${path}`);

describe('the table of endpoints', () => {
  test('has every recorded one, used or with the reason why not, and no other', () => {
    expect([...names, ...others].toSorted()).toEqual(rows.map(({ method, path }) => `${method} ${path}`).toSorted());
  });
  test('uses none that is retired, with its documented limit, host and way to sign', () => {
    for (const { method, path, limit, host, kind } of used) {
      const row = rows.find((one) => one.method === method && one.path === path);
      expect([path, row?.removed ?? false, row?.host]).toEqual([path, false, host]);
      expect([path, limit.requests, limit.windowMs]).toEqual([path, row?.limit?.requests, (row?.limit?.seconds ?? 0) * 1000]); // prettier-ignore
      const auth = kind === 'public' ? 'NONE' : method === 'GET' ? 'KEYED' : 'SIGNED';
      expect([path, row?.auth]).toEqual([path, auth]);
    }
  });
  test('has a lane of its own for each that has an account, and reasons that say something', () => {
    // Single orders and several together are paced as one.
    const lanes = used
      .filter(({ kind, path }) => kind !== 'public' && path !== '/spot/v4/batch_orders')
      .map(({ name }) => name);
    expect(new Set(lanes).size).toBe(lanes.length);
    expect(unused.filter(([, , reason]) => reason.length < 10)).toEqual([]);
  });
  test('is a page that names them all', () => {
    const page = endpointsPage('Made here.');
    for (const name of [...names, ...others]) expect(page).toContain(`\`${name}\``);
  });
});
