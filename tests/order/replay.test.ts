// A replay is a new intent that can be made only once, looks its original up, and repeats no old decision in silence.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse, type OrderIntent } from '../../shared/order/intent.ts';
import { replay, replayId, type Replay, type Replayed } from '../../shared/order/replay.ts';
import { changed, instructions, intentFields, type Fields } from './arbitraries.ts';

const MINUTE = 60_000;
const now = Date.UTC(2026, 10, 23, 12);
const read = (fields: object): OrderIntent => {
  const parsed = parse(JSON.stringify(fields));
  if (parsed.kind !== 'intent') throw new Error(parsed.problems.join('; '));
  return parsed.intent;
};
const fields = {
  id: 'first',
  account: 'main',
  action: 'place',
  market: 'spot',
  symbol: 'BTC_USDT',
  side: 'buy',
  type: 'limit',
  size: '0.01',
  price: '60000',
  createdAt: '2026-11-22T19:00:00.000Z',
  expiresAt: '2026-11-22T19:01:00.000Z',
  collar: { referencePrice: '60000', maxDeviationBps: 50 },
};
const wish = (more: Partial<Replay> = {}): Replay => ({
  original: read(fields),
  reason: 'INTENT_EXPIRED',
  certainty: 'not-sent',
  now,
  lifeMs: 60_000,
  price: '61000',
  ...more,
});
const without = (): Replay => changed(wish() as unknown as Fields, ['price']) as unknown as Replay;
const made = (replayed: Replayed): Readonly<Record<string, unknown>> => {
  if (replayed.kind === 'refused') throw new Error(replayed.detail);
  return replayed.intent;
};
const why = (replayed: Replayed): string => (replayed.kind === 'refused' ? replayed.detail : 'not refused');

test('is an intent with a life and a price of its own, which names its original', () => {
  expect(made(replay(wish()))).toEqual({
    ...changed(fields, ['collar']),
    id: replayId('first'),
    replayOf: 'first',
    price: '61000',
    createdAt: '2026-11-23T12:00:00.000Z',
    expiresAt: '2026-11-23T12:01:00.000Z',
  });
});

test('every replay of every placement is an intent that parses', () => {
  const placements = intentFields.filter(({ action }) => action === 'place');
  fc.assert(
    fc.property(placements, (any) => {
      const original = read(any);
      const market = { ...without(), original, now: Date.parse(original.expiresAt) + 10 * MINUTE };
      if (original.action === 'place' && original.replayOf !== undefined) {
        expect(why(replay('price' in any ? { ...market, price: 'same' } : market))).toContain('made by hand');
        return;
      }
      const replayed = replay('price' in any ? { ...market, price: 'same' } : market);
      expect(parse(JSON.stringify(made(replayed))).kind).toBe('intent');
    }),
  );
});

test('whoever replays an original makes one id, of whichever of its letters and in whichever generation', () => {
  const first = made(replay(wish({ price: '1' })));
  expect(first['id']).toBe(made(replay(wish({ price: '2', now: now + 5, reason: 'VENUE_REFUSED' })))['id']);
  const again = wish({ original: read(first), now: now + 10 * MINUTE });
  expect(made(replay(again))).toMatchObject({ id: first['id'], replayOf: 'first' });
  expect(first['id']).not.toBe(replayId('other'));
  expect(first['id']).toMatch(/^[A-Za-z0-9]{32}$/);
});

test('an original that may still trade by itself is not replayed, and it is said until when', () => {
  const early = { now: Date.parse(fields.expiresAt) + 119_999 };
  expect(why(replay(wish(early)))).toContain('may still trade by itself until 2026-11-22T19:03:00.000Z');
  expect(made(replay(wish({ now: early.now + 1 })))['replayOf']).toBe('first');
  expect(made(replay(wish({ ...early, settlesWithinMs: 1000 })))['replayOf']).toBe('first');
});

test('a replay is not repeated while SQS would take it for the one before and drop it', () => {
  const original = read(made(replay(wish())));
  const until = now + 5 * MINUTE + 2 * MINUTE;
  expect(why(replay(wish({ original, now: until - 1 })))).toContain('until 2026-11-23T12:07:00.000Z');
  expect(made(replay(wish({ original, now: until })))['createdAt']).toBe('2026-11-23T12:07:00.000Z');
});

test('a price is decided anew: none is refused, "same" repeats the old one', () => {
  expect(why(replay(without()))).toContain('its price of 60000 was decided at 2026-11-22T19:00:00.000Z');
  expect(made(replay(wish({ price: 'same' })))['price']).toBe('60000');
});

test('a collar is never taken over, and can be given anew', () => {
  expect(made(replay(wish()))).not.toHaveProperty('collar');
  const collar = { referencePrice: '61000', maxDeviationBps: 20 } as Replay['collar'];
  expect(made(replay(wish({ collar })))['collar']).toEqual(collar);
});

test('an order that may exist is replayed only when somebody says that he looked', () => {
  const unresolved = { reason: 'UNRESOLVED', certainty: 'unknown' } as const;
  expect(why(replay(wish(unresolved)))).toContain('its order may exist');
  expect(made(replay(wish({ ...unresolved, isUnknownAccepted: true })))['replayOf']).toBe('first');
});

test('a replay that was made by hand is not replayed: three ids would have to be looked up', () => {
  const original = read({ ...fields, id: 'second', replayOf: 'first' });
  expect(why(replay(wish({ original })))).toContain('a replay of first that was made by hand');
});

test('a letter of a redriven message, or of one that was not the intent of its group, is not replayed', () => {
  for (const reason of ['DEDUPLICATION_MISMATCH', 'GROUP_MISMATCH']) {
    expect(why(replay(wish({ reason })))).toContain("not the intent's own");
  }
});

test.each([0, -1, 600_001, Number.NaN])('a life of %p ms is refused', (lifeMs) => {
  expect(why(replay(wish({ lifeMs })))).toContain('is not above 0 and at most 600000');
});

test.each(instructions)('%s is not replayed', (_, instruction) => {
  const { action } = instruction;
  expect(why(replay(wish({ original: read(instruction) })))).toContain(`a ${String(action)} is not replayed`);
});
