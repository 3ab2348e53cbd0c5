// The pacer on the real clock: starts one interval apart, one after the other, whoever waits for what; and in virtual time,
// over many invocations: nothing starts too late, nothing is held too long, and what is refused leaves no trace.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pacer, paceMs, type Usage } from '../shared/pace.ts';
import { systemClock } from '../shared/clock.ts';
import { virtualTime } from './simulation/time.ts';

const LIMIT = { requests: 40, windowMs: 2000 };
const PACE = paceMs(LIMIT, 0.94, 1);
const EVER = { until: Infinity };

interface Sent {
  readonly lane: string;
  readonly startedAt: number;
  endedAt: number;
}
/** A pacer, and a record of what it let through. */
const track = (utilisation = 0.94) => {
  const pace = pacer(utilisation, systemClock);
  const sent: Sent[] = [];
  const run = (
    account: string,
    lane = 'place',
    options: { share?: number; takesMs?: number; usage?: Usage; until?: number } = {},
  ) =>
    pace.run(account, lane, LIMIT, options.share ?? 1, { until: options.until ?? Infinity }, async () => {
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
  test('is 20 s at most, so that what is sent early in an invocation of 30 s can be held in it', () => {
    expect(paceMs({ requests: 1, windowMs: 3000 }, 0.94, 1)).toBeCloseTo(3191.5, 1);
    expect(paceMs({ requests: 1, windowMs: 3000 }, 0.94, 0.1)).toBe(20_000);
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
    expect(answers.map((answer) => answer?.index)).toEqual([1, 2, 3, 4]);
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
  test('are refused at once where they would start too late, and wait for nobody', async () => {
    const { sent, run } = track(0.1);
    const slow = run('a', 'place', { takesMs: 300 });
    await systemClock.sleep(1);
    const asked = performance.now();
    expect(await run('a', 'place', { until: Date.now() + 200 })).toBeUndefined();
    expect(performance.now() - asked).toBeLessThan(50);
    await slow;
    expect(sent).toHaveLength(1);
  });
  test('are given up when their time is over behind one that takes long, and are not sent when it ends', async () => {
    const { sent, run } = track();
    const slow = run('a', 'place', { takesMs: 400 });
    const startedAt = performance.now();
    expect(await run('a', 'place', { until: Date.now() + 150 })).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(300);
    const next = run('a');
    await slow;
    expect(await next).toEqual({ usage: undefined, index: 2 });
    expect(sent).toHaveLength(2);
  });
  test('one that fails is told so, and the next ones go on', async () => {
    const { pace, sent, run } = track();
    const failing = pace.run('a', 'place', LIMIT, 1, EVER, () => Promise.reject(new Error('bug')));
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
        pace.run('a', 'place', SHORT, 1, EVER, () => {
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
  test('a window that we have filled ourselves pauses nothing: that is what the interval is for', async () => {
    const gaps = await timed(Array.from({ length: 9 }, (_, index) => ({ used: index + 1, limit: 5 })));
    for (const gap of gaps) expect(gap).toBeLessThan(150);
  });
  test('a limit that says when it ends pauses until then, whoever used it', async () => {
    const [gap = 0] = await timed([{ used: 1, limit: 1, resetAt: Date.now() + 250 }, undefined]);
    expect(gap).toBeGreaterThanOrEqual(200);
    expect(gap).toBeLessThan(299);
  });
  test('brakes its own lane only', async () => {
    const pace = pacer(0.94, systemClock);
    await pace.run('a', 'place', SHORT, 1, EVER, () => Promise.resolve({ usage: full }));
    const started = performance.now();
    const free = (account: string, lane: string) => pace.run(account, lane, SHORT, 1, EVER, () => Promise.resolve({}));
    await Promise.all([free('a', 'cancel'), free('b', 'place')]);
    expect(performance.now() - started).toBeLessThan(100);
  });
});

interface Ask {
  readonly lane: 'place' | 'cancelAll' | 'lookUp';
  readonly afterMs: number;
  readonly withinMs: number;
  readonly takesMs: number;
  readonly isFull: boolean;
}
interface Invocation {
  readonly lastsMs: number;
  readonly share: number;
  readonly isNew: boolean;
  /** Each is asked for after the answer to the one before; or all at their own times. */
  readonly isSequence: boolean;
  readonly asks: readonly Ask[];
}
const LIMITS = {
  place: LIMIT,
  cancelAll: { requests: 1, windowMs: 3000 },
  lookUp: { requests: 6, windowMs: 2000 },
} as const;
const ask: fc.Arbitrary<Ask> = fc.record({
  lane: fc.constantFrom('place', 'cancelAll', 'lookUp'),
  afterMs: fc.constantFrom(0, 0, 1, 40, 700, 3200),
  withinMs: fc.constantFrom(-5, 0, 30, 400, 2500, 30_000),
  takesMs: fc.constantFrom(0, 20, 90, 3000),
  isFull: fc.boolean(),
});
const invocation: fc.Arbitrary<Invocation> = fc.record({
  lastsMs: fc.constantFrom(1000, 6000, 30_000),
  share: fc.constantFrom(1, 0.5, 0.1, 0.01),
  isNew: fc.boolean(),
  isSequence: fc.boolean(),
  asks: fc.array(ask, { maxLength: 8 }),
});

/** Invocations one after the other, in virtual time; what was sent, what was refused, and when each hold was over. */
async function playAll(invocations: readonly Invocation[], isLeftOut: (index: number) => boolean = () => false) {
  const time = virtualTime(Date.UTC(2026, 10, 22));
  const sent: { readonly ask: number; readonly lane: string; readonly at: number; readonly apartMs: number; readonly until: number }[] = []; // prettier-ignore
  const refused: { readonly ask: number; readonly afterMs: number; readonly isIdle: boolean }[] = [];
  const holds: { readonly endedAt: number; readonly holdBy: number }[] = [];
  const play = async (): Promise<void> => {
    let index = 0;
    let pace = pacer(0.94, systemClock);
    for (const { lastsMs, share, isNew, isSequence, asks } of invocations) {
      if (isNew) pace = pacer(0.94, systemClock);
      const holdBy = Date.now() + lastsMs;
      const underWay = new Set<Promise<void>>();
      for (const { lane, afterMs, withinMs, takesMs, isFull } of asks) {
        const ask = index++;
        await systemClock.sleep(afterMs);
        if (isLeftOut(ask)) continue;
        const [askedAt, until, limit] = [Date.now(), Date.now() + withinMs, LIMITS[lane]];
        const isIdle = underWay.size === 0;
        const of = lane === 'lookUp' ? 0.5 : share;
        const latest = lane === 'lookUp' ? { until } : { until, holdBy };
        const answer = pace.run('a', lane, limit, of, latest, async () => {
          sent.push({ ask, lane, at: Date.now(), apartMs: paceMs(limit, 0.94, of), until });
          await systemClock.sleep(takesMs);
          return { usage: isFull ? { used: 50, limit: 50 } : undefined };
        });
        const ended: Promise<void> = answer.then((given) => {
          underWay.delete(ended);
          if (given === undefined) refused.push({ ask, afterMs: Date.now() - askedAt, isIdle });
        });
        underWay.add(ended);
        if (isSequence) await ended;
      }
      await Promise.all(underWay);
      // Nobody asks after the end: an answer that late would end the invocation anyway.
      const isOver = Date.now() > holdBy - 3000;
      await pace.hold('a');
      if (!isOver) holds.push({ endedAt: Date.now(), holdBy });
    }
  };
  try {
    let isOver = false;
    const played = play().finally(() => (isOver = true));
    await time.run(Number.MAX_SAFE_INTEGER, () => isOver);
    await played;
  } finally {
    time.restore();
  }
  return { sent, refused, holds };
}

describe('whatever is asked for, in whatever invocations', () => {
  const history = fc.array(invocation, { minLength: 1, maxLength: 4 });

  test('no two of a lane start closer than its interval, and none starts late', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (invocations) => {
        const { sent } = await playAll(invocations);
        for (const [index, { lane, at, until }] of sent.entries()) {
          expect(at).toBeLessThan(until);
          const last = sent.slice(0, index).findLast((each) => each.lane === lane);
          if (last !== undefined) expect(at - last.at).toBeGreaterThanOrEqual(last.apartMs);
        }
      }),
      { numRuns: 1000 },
    );
  });
  test('every write that is sent can be held before its invocation is stopped', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (invocations) => {
        const { holds } = await playAll(invocations);
        for (const { endedAt, holdBy } of holds) expect(endedAt).toBeLessThan(holdBy);
      }),
      { numRuns: 1000 },
    );
  });
  test('what is refused was told at once where nobody else was under way, and delays nothing', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (invocations) => {
        const { sent, refused } = await playAll(invocations);
        for (const { afterMs, isIdle } of refused) if (isIdle) expect(afterMs).toBe(0);
        const without = await playAll(invocations, (ask) => refused.some((each) => each.ask === ask));
        expect(without.sent).toEqual(sent);
        expect(without.refused).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});
