// The pacer on the real clock: starts one interval apart, one after the other, whoever waits for what.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pacer, paceMs, type Usage } from '../../shared/bitmart/pace.ts';
import { systemClock } from '../../shared/clock.ts';

const LIMIT = { requests: 40, windowMs: 2000 };
const PACE = paceMs(LIMIT, 0.94, 1);

interface Sent {
  readonly lane: string;
  readonly startedAt: number;
  endedAt: number;
}
/** A pacer, and a record of what it let through. */
const track = (utilisation = 0.94) => {
  const pace = pacer(utilisation, systemClock);
  const sent: Sent[] = [];
  const run = (account: string, lane = 'place', options: { share?: number; takesMs?: number; usage?: Usage } = {}) =>
    pace.run(account, lane, LIMIT, options.share ?? 1, async () => {
      const one: Sent = { lane: `${account}/${lane}`, startedAt: performance.now(), endedAt: 0 };
      sent.push(one);
      if (options.takesMs !== undefined) await systemClock.sleep(options.takesMs);
      one.endedAt = performance.now();
      return { usage: options.usage, index: sent.length };
    });
  return { pace, sent, run };
};
const gaps = (sent: readonly Sent[]): readonly number[] =>
  sent.slice(1).map((one, index) => one.startedAt - (sent[index]?.startedAt ?? 0));
const repeat = (times: number): readonly undefined[] => Array<undefined>(times).fill(undefined);

describe('paceMs', () => {
  test('is 53.19 ms for 40 requests in 2 s at 0.94', () => {
    expect(paceMs(LIMIT, 0.94, 1)).toBeCloseTo(53.19, 2);
    expect(paceMs(LIMIT, 0.94, 0.5)).toBeCloseTo(106.38, 2);
    expect(paceMs({ requests: 50, windowMs: 2000 }, 1, 1)).toBe(40);
  });
  test('never lets more arrivals into a window than the limit, even where two come 50 ms closer', () => {
    const part = fc.double({ min: 0.01, max: 0.97, noNaN: true });
    fc.assert(
      fc.property(part, fc.double({ min: 0.01, max: 1, noNaN: true }), (utilisation, share) => {
        const pace = paceMs(LIMIT, utilisation, share);
        expect(Math.floor((LIMIT.windowMs + 50) / pace) + 1).toBeLessThanOrEqual(LIMIT.requests);
      }),
    );
  });
});

describe('the requests of a lane', () => {
  test('start one interval apart', async () => {
    const { sent, run } = track();
    await Promise.all(repeat(8).map(() => run('a')));
    expect(sent).toHaveLength(8);
    for (const gap of gaps(sent)) expect(gap).toBeGreaterThanOrEqual(PACE - 1);
    // And not much further: the account gets what it is allowed.
    expect((sent.at(-1)?.startedAt ?? 0) - (sent[0]?.startedAt ?? 0)).toBeLessThan(7 * PACE + 250);
  });
  test('start one interval apart also when each is asked for after the last', async () => {
    const { sent, run } = track();
    for (let time = 0; time < 5; time += 1) await run('a');
    for (const gap of gaps(sent)) expect(gap).toBeGreaterThanOrEqual(PACE - 1);
  });
  test('go one after the other, each after the answer to the last, in the order they were asked for', async () => {
    const { sent, run } = track();
    const answers = await Promise.all(repeat(4).map(() => run('a', 'place', { takesMs: 90 })));
    expect(answers.map(({ index }) => index)).toEqual([1, 2, 3, 4]);
    sent.slice(1).forEach((one, index) => {
      expect(one.startedAt).toBeGreaterThanOrEqual(sent[index]?.endedAt ?? Infinity);
    });
  });
  test('have no burst to make up for after a pause', async () => {
    const { sent, run } = track();
    await run('a');
    await systemClock.sleep(4 * PACE);
    await Promise.all(repeat(4).map(() => run('a')));
    for (const gap of gaps(sent)) expect(gap).toBeGreaterThanOrEqual(PACE - 1);
  });
  test('a smaller share lengthens the interval, and what was sent before still counts', async () => {
    const { sent, run } = track();
    await run('a');
    await Promise.all(repeat(3).map(() => run('a', 'place', { share: 0.5 })));
    const [first = 0, ...rest] = gaps(sent);
    expect(first).toBeGreaterThanOrEqual(PACE - 1);
    for (const gap of rest) expect(gap).toBeGreaterThanOrEqual(2 * PACE - 1);
  });
  test('one that fails is told so, and the next ones go on', async () => {
    const { pace, sent, run } = track();
    const failing = pace.run('a', 'place', LIMIT, 1, () => Promise.reject(new Error('bug')));
    const next = run('a');
    await expect(failing).rejects.toThrow('bug');
    await next;
    expect(sent).toHaveLength(1);
  });
});

describe('lanes and accounts', () => {
  test('do not wait for each other', async () => {
    const { sent, run } = track(0.1);
    const started = performance.now();
    await Promise.all([run('a'), run('b'), run('a', 'cancel'), run('b', 'find'), run('c')]);
    expect(sent).toHaveLength(5);
    expect(performance.now() - started).toBeLessThan(paceMs(LIMIT, 0.1, 1) / 2);
  });
  test('a slow answer holds up nobody else', async () => {
    const { run } = track();
    const slow = run('a', 'place', { takesMs: 400 });
    const started = performance.now();
    await Promise.all([run('b'), run('a', 'cancel')]);
    expect(performance.now() - started).toBeLessThan(200);
    await slow;
  });
  test('names are no keys of an object', async () => {
    const { sent, run } = track();
    await Promise.all([run('constructor', '__proto__'), run('__proto__', 'constructor')]);
    expect(sent).toHaveLength(2);
  });
});

describe('hold', () => {
  test('returns when the last request of every lane is one interval old, and not much later', async () => {
    const { pace, sent, run } = track();
    await Promise.all([run('a'), run('a', 'cancel', { share: 0.5 })]);
    await pace.hold('a');
    const age = performance.now() - (sent[0]?.startedAt ?? 0);
    expect(age).toBeGreaterThanOrEqual(2 * PACE - 1);
    expect(age).toBeLessThan(2 * PACE + 150);
  });
  test('waits for nothing where nothing was sent, or long ago, or by another account', async () => {
    const { pace, run } = track(0.1);
    const interval = paceMs(LIMIT, 0.1, 1);
    await run('a');
    const started = performance.now();
    await pace.hold('b');
    expect(performance.now() - started).toBeLessThan(interval / 4);
    await systemClock.sleep(interval + 5);
    const later = performance.now();
    await pace.hold('a');
    expect(performance.now() - later).toBeLessThan(interval / 4);
  });
  test('makes two pacers that take turns as good as one', async () => {
    const [first, second] = [track(), track()];
    for (const one of [first, second, first, second]) {
      await Promise.all([one.run('a'), one.run('a')]);
      await one.pace.hold('a');
    }
    const all = [...first.sent, ...second.sent].sort((a, b) => a.startedAt - b.startedAt);
    expect(all).toHaveLength(8);
    for (const gap of gaps(all)) expect(gap).toBeGreaterThanOrEqual(PACE - 2);
  });
});

describe('the brake', () => {
  const SHORT = { requests: 10, windowMs: 300 };
  const full = { used: 10, limit: 10 };
  const timed = async (usages: readonly (Usage | undefined)[]): Promise<readonly number[]> => {
    const pace = pacer(0.94, systemClock);
    const starts: number[] = [];
    await Promise.all(
      usages.map((usage) =>
        pace.run('a', 'place', SHORT, 1, () => {
          starts.push(performance.now());
          return Promise.resolve({ usage });
        }),
      ),
    );
    return starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
  };
  test('a window that others have filled pauses the lane for a window', async () => {
    const [gap = 0, next = 0] = await timed([full, undefined, undefined]);
    expect(gap).toBeGreaterThanOrEqual(299);
    expect(next).toBeLessThan(200);
  });
  test('more used than allowed pauses too, less does not', async () => {
    expect((await timed([{ used: 11, limit: 10 }, undefined]))[0]).toBeGreaterThanOrEqual(299);
    expect((await timed([{ used: 9, limit: 10 }, undefined]))[0]).toBeLessThan(200);
  });
  test('brakes its own lane only', async () => {
    const pace = pacer(0.94, systemClock);
    await pace.run('a', 'place', SHORT, 1, () => Promise.resolve({ usage: full }));
    const started = performance.now();
    const free = (account: string, lane: string) => pace.run(account, lane, SHORT, 1, () => Promise.resolve({}));
    await Promise.all([free('a', 'cancel'), free('b', 'place')]);
    expect(performance.now() - started).toBeLessThan(100);
  });
});
