// The limits of Bybit: by account, endpoint and category in any second, orders of a batch each counted, and all calls of an
// address in five seconds. Against the local exchange on the real clock, and for any history in virtual time.
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mostOf } from '../../shared/bybit/orders.ts';
import { endpoints } from '../../shared/bybit/endpoints.ts';
import { systemClock } from '../../shared/clock.ts';
import type { NewOrder, Venue } from '../../shared/order/venue.ts';
import { paceMs, pacer, type Limit, type Usage } from '../../shared/pace.ts';
import { promise, wait } from '../local/bybit/client.ts';
import { virtualTime } from '../simulation/time.ts';
import {
  answer,
  atMarket,
  AT_ONCE,
  buy,
  control,
  fresh,
  inTime,
  localVenue,
  long,
  MAIN,
  query,
  refusePrices,
  venueAt,
} from './fixture.ts';

const keyOf = (index: number) => ({ account: `a${index}`, apiKey: `key-${index}`, secretKey: `secret-${index}` });
const accountOf = (index: number) =>
  fresh({ name: `a${index}`, credentials: { apiKey: keyOf(index).apiKey, secretKey: keyOf(index).secretKey } });
const far = (): ReturnType<typeof inTime> => ({ answerBy: Date.now() + 12_000, holdBy: Date.now() + 40_000 });
const spent = (): NewOrder => atMarket(buy(), { notional: '25' });

describe('at the local exchange', () => {
  const exchange = localVenue([MAIN, ...Array.from({ length: 50 }, (_, index) => keyOf(index))]);
  let venue: Venue;
  beforeEach(async () => {
    venue = venueAt(exchange.url);
    await refusePrices(exchange);
  });
  const report = async (): Promise<string> => JSON.stringify((await control(exchange, 'GET', '/requests')).body);

  test('an account that is asked for more than its limit gets nearly all of it, and is never throttled', async () => {
    const account = fresh();
    const seconds = 4;
    await venue.submit(account, buy(), inTime());
    const startedAt = performance.now();
    const each = async (make: () => NewOrder): Promise<number> => {
      let placed = 0;
      while (performance.now() - startedAt < seconds * 1000) {
        const verdict = await venue.submit(account, make(), far());
        expect(verdict).toMatchObject({ kind: 'placed' });
        placed += 1;
      }
      return placed;
    };
    // Spot and perpetuals have counters of their own; two at a time wait for each other's turn.
    const [one, other, perpetuals] = await Promise.all([each(buy), each(buy), each(() => long())]);
    expect(one + other).toBeGreaterThan(seconds * 20 * 0.8);
    expect(perpetuals).toBeGreaterThan(seconds * 10 * 0.8);
    expect(await report()).not.toMatch(/10006/);
  }, 20_000);
  test('a burst on fifty accounts at one address: they take as long as the address may ask, and none is refused', async () => {
    const startedAt = performance.now();
    const accounts = Array.from({ length: 50 }, (_, index) => accountOf(index));
    const asked = accounts.flatMap((account) =>
      Array.from({ length: 10 }, (_, index) =>
        index % 2 === 0 ? venue.submit(account, spent(), far()) : venue.find(account, query('none'), far()),
      ),
    );
    const answers = await Promise.all(asked);
    const kinds = Object.entries(Object.groupBy(answers, ({ kind }) => kind)).map(
      ([kind, all]) => `${kind} ${all.length}`,
    );
    expect(kinds.toSorted()).toEqual(['nothing 250', 'placed 250']);
    expect(await report()).not.toMatch(/"?403|10006/);
    // Each look-up that sees nothing is two requests: 750 and the rules.
    expect(performance.now() - startedAt).toBeGreaterThan(6600);
  }, 40_000);
  test('two processes at one address keep to their halves', async () => {
    const halves = [1, 2].map(() => venueAt(exchange.url, { variables: { BYBIT_ADDRESS_SHARE: '0.5' } }));
    await promise(exchange, { ...AT_ONCE, ipRequests: 600 });
    const accounts = Array.from({ length: 50 }, (_, index) => accountOf(index));
    const asked = halves.flatMap((half, which) =>
      accounts
        .filter((_, index) => index % 2 === which)
        .flatMap((account) => Array.from({ length: 14 }, () => half.submit(account, spent(), far()))),
    );
    expect((await Promise.all(asked)).every(({ kind }) => kind === 'placed')).toBe(true);
    expect(await report()).not.toMatch(/"?403|10006/);
  }, 40_000);
  test('a limit that the exchange tells is higher is used from the first answer on, and a lower one is kept to', async () => {
    for (const [spot, least, most] of [
      [60, 350, 900],
      [5, 2700, 4500],
    ] as const) {
      await control(exchange, 'DELETE', '/state');
      await control(exchange, 'PUT', '/accounts', MAIN);
      await promise(exchange, { ...AT_ONCE, ordersPerSecond: { spot, linear: 10 } });
      const account = fresh();
      const count = spot === 60 ? 30 : 16;
      await venue.submit(account, spent(), inTime());
      const startedAt = performance.now();
      for (let one = 0; one < count; one += 1)
        expect(await venue.submit(account, spent(), far())).toMatchObject({ kind: 'placed' });
      const tookMs = performance.now() - startedAt;
      expect([spot, tookMs > least, tookMs < most]).toEqual([spot, true, true]);
    }
    expect(await report()).not.toMatch(/10006/);
  }, 20_000);
  test('one that was used up by others is told until when, and the lane waits for that moment', async () => {
    const account = fresh();
    const others = venueAt(exchange.url);
    const full = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        venueAt(exchange.url).submit({ ...account, name: `o${index}` }, spent(), far()),
      ),
    );
    expect(full.every(({ kind }) => kind === 'placed')).toBe(true);
    const refused = await others.submit(account, spent(), inTime());
    if (refused.kind !== 'throttled') throw new Error(refused.kind);
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(1000);
    expect(await others.submit(account, spent(), inTime())).toMatchObject({ kind: 'placed' });
  }, 20_000);
});

describe('whatever the answers are', () => {
  test('odd usage headers break no call', async () => {
    const header = fc.oneof(fc.string(), fc.constantFrom('20', '0', '-1', '1e3', ' ', 'NaN', '99999999999999999999'));
    await fc.assert(
      fc.asyncProperty(header, header, header, async (limit, left, reset) => {
        const headers = { 'x-bapi-limit': limit, 'x-bapi-limit-status': left, 'x-bapi-limit-reset-timestamp': reset };
        const body = JSON.stringify(answer({ orderId: '7', orderLinkId: '' }).body);
        const odd = venueAt('http://host', {
          transport: () => Promise.resolve({ kind: 'response', status: 200, headers, body }),
        });
        expect(await odd.submit(fresh(), spent(), inTime())).toEqual({ kind: 'placed', venueOrderId: '7' });
      }),
    );
  });
});

interface Ask {
  readonly cost: number;
  readonly afterMs: number;
  readonly takesMs: number;
  /** Another environment, after the hold of this one. */
  readonly isHandedOver: boolean;
}
const asks: fc.Arbitrary<readonly Ask[]> = fc.array(
  fc.record({
    cost: fc.integer({ min: 1, max: 10 }),
    afterMs: fc.constantFrom(0, 0, 0, 30, 400, 1500),
    takesMs: fc.constantFrom(0, 20, 90, 700),
    isHandedOver: fc.boolean(),
  }),
  { minLength: 1, maxLength: 14 },
);

/** Requests of one lane one after the other, in virtual time. */
async function played(limit: Limit, share: number, history: readonly Ask[], usage?: (at: number) => Usage) {
  const time = virtualTime(Date.UTC(2026, 10, 22));
  const sent: { readonly at: number; readonly cost: number }[] = [];
  const play = async (): Promise<void> => {
    let pace = pacer(0.94, systemClock);
    for (const { cost, afterMs, takesMs, isHandedOver } of history) {
      await systemClock.sleep(afterMs);
      if (isHandedOver) {
        await pace.hold('a');
        pace = pacer(0.94, systemClock);
      }
      await pace.run('a', 'placeAll spot', limit, share, { until: Infinity, cost }, async () => {
        sent.push({ at: Date.now(), cost });
        await systemClock.sleep(takesMs);
        return { usage: usage?.(Date.now()) };
      });
    }
  };
  try {
    let isOver = false;
    const over = play().finally(() => (isOver = true));
    await time.run(Number.MAX_SAFE_INTEGER, () => isOver);
    await over;
  } finally {
    time.restore();
  }
  return sent;
}

describe('requests that count as several', () => {
  test.each([
    ['spot', 1],
    ['linear', 1],
    ['spot', 0.5],
    ['linear', 0.5],
    ['spot', 0.25],
    ['linear', 0.1],
  ] as const)(
    '%s, part %p: in no second more orders than its part of the limit, over any environments that take turns',
    async (category, share) => {
      const limit = { ...endpoints.placeAll.limits[category], isTold: false };
      const most = mostOf(category, share);
      await fc.assert(
        fc.asyncProperty(asks, async (history) => {
          const sent = await played(
            limit,
            share,
            history.map((one) => ({ ...one, cost: Math.min(one.cost, most) })),
          );
          for (const [index, { at }] of sent.entries()) {
            const inWindow = sent.slice(index).filter((other) => other.at - at <= 1000);
            expect(inWindow.reduce((sum, { cost }) => sum + cost, 0)).toBeLessThanOrEqual(
              Math.max(1, limit.requests * share),
            );
          }
        }),
        { numRuns: 100 },
      );
    },
  );
  test('ten orders of spot cost a second, ten single ones half of it; after a second anything may follow', () => {
    const limit = endpoints.placeAll.limits.spot;
    expect(paceMs(limit, 0.94, 1, 10)).toBeCloseTo(967.1, 1);
    expect(paceMs(endpoints.place.limits.spot, 0.94, 1) * 10).toBeCloseTo(531.9, 1);
    expect(paceMs(endpoints.placeAll.limits.linear, 0.94, 1, 1)).toBeCloseTo(1063.8, 1);
    expect(mostOf('spot')).toBe(10);
    expect([mostOf('linear', 0.25), mostOf('spot', 0.01)]).toEqual([2, 1]);
  });
});

describe('the lane of an address', () => {
  test('spaces the requests of all accounts, and waits for no answer', async () => {
    const pace = pacer(0.94, systemClock, { limit: { requests: 600, windowMs: 5000 }, share: 1 });
    const starts: number[] = [];
    const one = { requests: 20, windowMs: 1000 };
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        pace.run(`a${index}`, 'place', one, 1, { until: Infinity }, async () => {
          starts.push(performance.now() - startedAt);
          await wait(300);
          return {};
        }),
      ),
    );
    starts.forEach((at, index) => expect(at).toBeGreaterThanOrEqual(index * 9 - 2));
    expect(starts.at(-1)).toBeLessThan(50 * 9 + 200);
  });
  test('what would start too late is refused at once and takes no place in it', async () => {
    const pace = pacer(0.94, systemClock, { limit: { requests: 1, windowMs: 188 }, share: 1 });
    const one = { requests: 20, windowMs: 1000 };
    const starts: number[] = [];
    const run = (account: string, until = Infinity) =>
      pace.run(account, 'place', one, 1, { until }, () => {
        starts.push(performance.now());
        return Promise.resolve({});
      });
    await run('a');
    const asked = performance.now();
    expect(await run('b', Date.now() + 100)).toBeUndefined();
    expect(performance.now() - asked).toBeLessThan(50);
    await run('c');
    const [first = 0, second = 0] = starts;
    expect(second - first).toBeGreaterThanOrEqual(199);
    expect(second - first).toBeLessThan(320);
  });
});
