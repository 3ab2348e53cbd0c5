// One firing, with an outside that the test holds: what is sent, what is thrown, what is too late, and what is said of it.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Sending } from '../shared/aws/intents.ts';
import { fire, plan, type Around, type Desk } from '../shared/firing.ts';
import { parse, type Decimal, type OrderIntent } from '../shared/order/intent.ts';
import type { TradingAccount } from '../shared/order/venue.ts';
import { BTC, START, START_MS } from './strategies/fixture.ts';

const parameters = { symbol: 'BTC_USDT', notional: '25', budget: '100', start: START, intervalSeconds: 3600 };
const event = { schedule: 'dcaMain', strategy: 'dca', account: 'main', scheduledAt: START, parameters };
const targets = { ...event, strategy: 'rebalance', parameters: { start: START, intervalSeconds: 3600, targets: { BTC: '50' }, maxOrderNotional: '1000' } }; // prettier-ignore
const weighted = { ...event, parameters: { ...parameters, dipPerPercent: '1' } };

interface Given extends Partial<Around>, Partial<Desk> {
  readonly now?: number;
  readonly become?: (id: string) => Sending;
}

function outside({ now = START_MS + 1000, become, venue, reads, ...more }: Given = {}) {
  const sent: OrderIntent[] = [];
  const lines: string[] = [];
  const held: string[] = [];
  const desk: Desk = {
    venue: venue ?? {
      instrument: () => Promise.resolve(BTC),
      book: () => Promise.resolve({ bid: '59999.99' as Decimal, ask: '60000.01' as Decimal }),
      hold: ({ name }) => Promise.resolve(void held.push(name)),
    },
    reads: reads ?? {
      balances: () => Promise.resolve({ kind: 'read', balances: [{ coin: 'USDT', available: '5000', frozen: '0' }] }),
      candles: () => Promise.resolve({ kind: 'read', candles: [] }),
    },
  };
  const around: Around = {
    clock: { now: () => now, sleep: () => Promise.resolve() },
    log: (level, message, fields) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    accounts: {
      read: (name) => Promise.resolve({ kind: 'account', account: { name, venue: 'paper', environment: 'live', credentials: {}, mandate: { state: 'active' } }, version: '' }), // prettier-ignore
    },
    deskOf: () => desk,
    onlyDesk: desk,
    send: (intents) => {
      sent.push(...intents);
      return Promise.resolve(intents.map(({ id }) => become?.(id) ?? { id, kind: 'sent', messageId: 'm' }));
    },
    lateAfterMs: 420_000,
    ...more,
  };
  return { around, desk, sent, lines, held, fire: (what: unknown = event) => fire(what, around, now + 30_000) };
}
describe('a firing', () => {
  test('sends what the strategy decides, under ids of its own, and says so in the log', async () => {
    const { sent, lines, ...world } = outside();
    const fired = await world.fire();
    expect(fired).toEqual({ kind: 'sent', intents: sent });
    expect(sent.map((intent) => parse(JSON.stringify(intent)).kind)).toEqual(['intent']);
    expect(lines).toEqual([expect.stringMatching(`info strategy decided .*${sent[0]?.id ?? 'x'}`)]);
  });
  test('that comes twice sends the very same ids and times, whatever has changed in between', async () => {
    const dearer = { instrument: () => Promise.resolve(BTC), book: () => Promise.resolve({ ask: '70000' as Decimal }), hold: () => Promise.resolve() }; // prettier-ignore
    const [first, again] = [outside(), outside({ now: START_MS + 200_000, venue: dearer })];
    await Promise.all([first.fire(), again.fire()]);
    const told = (sent: readonly OrderIntent[]) => sent.map(({ id, createdAt, expiresAt }) => ({ id, createdAt, expiresAt })); // prettier-ignore
    expect(told(again.sent)).toEqual(told(first.sent));
    expect(first.sent).toHaveLength(1);
  });
  test('that is only planned sends nothing', async () => {
    const { around, sent } = outside();
    expect(await plan(event, around, START_MS + 30_000)).toMatchObject({
      kind: 'intents',
      intents: [{ account: 'main' }],
    });
    expect(sent).toEqual([]);
  });
  test('that has nothing to do sends nothing, and says why', async () => {
    const { sent, lines, ...world } = outside({ now: START_MS - 3_599_000 });
    const fired = await world.fire({ ...event, scheduledAt: '2026-11-22T18:00:00Z' });
    expect(fired).toMatchObject({ kind: 'nothing', why: expect.stringMatching(/before start/) });
    expect([sent, lines]).toEqual([[], [expect.stringMatching(/info strategy made nothing .*before start/)]]);
  });
  test('that asked the exchange for the account holds its tail, also where it fails', async () => {
    const good = outside();
    await good.fire(targets);
    const bad = outside({ become: (id) => ({ id, kind: 'failed', code: 'X', detail: 'y' }) });
    await expect(bad.fire(targets)).rejects.toThrow('were not taken');
    const none = outside();
    await none.fire();
    expect([good.held, bad.held, none.held]).toEqual([['main'], ['main'], []]);
  });
});

describe('the time', () => {
  test.each([
    ['just ahead, as clocks differ', -5000, 'sent'],
    ['on time', 0, 'sent'],
    ['late, within the life of its intents', 299_000, 'sent'],
    ['later than any retry', 420_001, 'nothing'],
    ['a day later', 86_400_000, 'nothing'],
  ])('%s', async (_, lateMs, kind) => {
    const world = outside({ now: START_MS + lateMs });
    expect(await world.fire()).toMatchObject({ kind });
    expect(world.sent).toHaveLength(kind === 'sent' ? 1 : 0);
  });
  test('too late for its intents and early enough for a retry is a failure: an earlier attempt may have failed', async () => {
    for (const lateMs of [300_000, 420_000]) {
      const world = outside({ now: START_MS + lateMs });
      await expect(world.fire()).rejects.toThrow(/lived for 300 s; nothing was made/);
      expect(world.sent).toEqual([]);
    }
  });
  test('of what will not be sent is never too late', async () => {
    const { around } = outside({ now: START_MS + 86_400_000, lateAfterMs: 'never' });
    expect(await plan(event, around, START_MS + 86_430_000)).toMatchObject({ kind: 'intents' });
  });
  test('ahead of us is refused', async () => {
    const world = outside({ now: START_MS - 6000 });
    await expect(world.fire()).rejects.toThrow(/lies 6 s ahead; fire it then/);
  });
  test('of whatever is made has never expired when it is sent', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -20_000, max: 900_000 }),
        fc.integer({ min: 10, max: 600 }),
        async (late, life) => {
          const now = START_MS + late;
          const world = outside({ now });
          await world.fire({ ...event, parameters: { ...parameters, lifeSeconds: life } }).catch(() => undefined);
          for (const { createdAt, expiresAt } of world.sent) {
            expect(Date.parse(expiresAt)).toBeGreaterThan(now);
            expect(Date.parse(expiresAt) - now).toBeLessThanOrEqual(605_000);
            expect(Date.parse(createdAt) - now).toBeLessThanOrEqual(5000);
          }
        },
      ),
    );
  });
});

describe('what cannot be fired throws a sentence that names it', () => {
  test.each([
    ['no event', undefined, /event cannot be used: .*must be \{ schedule, strategy/],
    ['wrong fields', { ...event, schedule: 'a b', account: 'Main' }, /schedule must be .*; account must be/],
    ['another field', { ...event, when: 1 }, /when is no field/],
    ['a keyword that nobody replaced', { ...event, scheduledAt: '<aws.scheduler.scheduled-time>' }, /scheduledAt must be the scheduled time/], // prettier-ignore
    ['an unknown strategy', { ...event, strategy: 'martingale' }, /there is no strategy martingale; there are dca/],
    ['wrong parameters', { ...event, parameters: {} }, /dcaMain: the parameters of dca .*symbol is missing; notional is missing/], // prettier-ignore
    ['a time off the grid', { ...event, scheduledAt: '2026-11-22T18:59:59Z', parameters: { ...parameters, start: '2026-11-22T18:00:00Z' } }, /dcaMain: .*18:59:59.* is no time of the grid/], // prettier-ignore
    ['what the strategy refuses', { ...event, parameters: { ...parameters, notional: '1' } }, /below BTC_USDT's minimum of 5/], // prettier-ignore
  ])('%s', async (_, what, message) => {
    const world = outside();
    await expect(fire(what, world.around, START_MS + 30_000)).rejects.toThrow(message);
    expect(world.sent).toEqual([]);
  });
  const failing = { kind: 'unavailable', venueCode: '1', detail: 'gone for a walk' } as const;
  const { desk } = outside();
  test.each([
    ['rules', event, { venue: { ...desk.venue, instrument: () => Promise.resolve(undefined) } }, /rules of BTC_USDT cannot be had now/], // prettier-ignore
    ['best prices', event, { venue: { ...desk.venue, book: () => Promise.resolve(undefined) } }, /best prices of BTC_USDT/], // prettier-ignore
    ['candles', weighted, { reads: { ...desk.reads, candles: () => Promise.resolve(failing) } }, /candles of BTC_USDT cannot be had: gone for a walk/], // prettier-ignore
    ['balances', targets, { reads: { ...desk.reads, balances: () => Promise.resolve(failing) } }, /balances of account main cannot be had: gone/], // prettier-ignore
    ['the account', targets, { accounts: { read: () => Promise.resolve({ kind: 'unknown', detail: 'no secret' } as const) } }, /account main cannot be had: no secret/], // prettier-ignore
  ])('%s that cannot be read', async (_, what, more, message) => {
    const world = outside(more);
    await expect(world.fire(what)).rejects.toThrow(message);
    expect(world.sent).toEqual([]);
  });
  test('an intent that the queue does not take, by its id', async () => {
    const world = outside({ become: (id) => ({ id, kind: 'failed', code: 'Throttled', detail: 'slow down' }) });
    await expect(world.fire()).rejects.toThrow(/1 of 1 intents were not taken by the queue: dcaMain\w+ \(Throttled: slow down\)/); // prettier-ignore
  });
});

test('candles are asked for up to the scheduled time, not up to now', async () => {
  const asked: unknown[] = [];
  const candles = (...given: readonly unknown[]) => {
    asked.push(given.slice(0, 5));
    return Promise.resolve({ kind: 'read', candles: [] } as const);
  };
  const { desk } = outside();
  const world = outside({ now: START_MS + 250_000, reads: { ...desk.reads, candles } });
  await world.fire(weighted);
  expect(asked).toEqual([['spot', 'BTC_USDT', 60, 24, START_MS]]);
});

describe('where an account may be on several venues', () => {
  const at = (venue: string): TradingAccount => ({
    ...{ name: 'main', venue, environment: 'live', credentials: {} },
    mandate: { state: 'active' },
  });
  test('nothing is asked before it is known on which it is, and that one is asked alone', async () => {
    const asked: string[] = [];
    const world = outside({ onlyDesk: undefined });
    const { around, desk } = world;
    const order: string[] = [];
    const several: Around = {
      ...around,
      accounts: { read: () => Promise.resolve({ kind: 'account', account: at((order.push('read'), 'there')), version: '1' }) },
      deskOf: ({ venue }) => {
        order.push('asked');
        asked.push(venue);
        return desk;
      },
    };
    expect(await fire(event, several, START_MS + 30_000)).toMatchObject({ kind: 'sent' });
    expect([order[0], [...new Set(asked)]]).toEqual(['read', ['there']]);
  }); // prettier-ignore
  test('and where it cannot be read, the firing fails with a sentence', async () => {
    const unreadable = { kind: 'unreadable', detail: 'it is on there live, and this stage allows here live' } as const;
    const world = outside({ onlyDesk: undefined, accounts: { read: () => Promise.resolve(unreadable) } });
    await expect(world.fire()).rejects.toThrow(/account main cannot be had: it is on there live/);
    expect(world.sent).toEqual([]);
  });
});
