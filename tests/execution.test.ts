// Execution among plain records of functions: what whole worlds meet too rarely to be sure of.
import { describe, expect, test } from '@jest/globals';
import type { Delivery } from '../shared/aws/queues.ts';
import type { ExecutionReport, Verdict } from '../shared/order/report.ts';
import type { Sighting, TradingAccount, Venue } from '../shared/order/venue.ts';
import { answers, buy, delivery, found, HERE, HORIZON_SECONDS, LOST, MINUTE, NOTHING, open, rules, START, still } from './still.ts'; // prettier-ignore

test('a halt acts in the middle of a batch: the mandate is read for each order', async () => {
  const { told, run, sleep } = still(
    { submit: () => sleep(2500).then(() => ({ kind: 'placed', venueOrderId: '1' })) },
    (now) => (now < START + 6000 ? 'active' : 'halted'),
  );
  await run(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => delivery(id, buy)));
  expect(told.reports.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'a accepted',
    'b accepted',
    'c accepted',
    'd denied',
    'e denied',
    'f denied',
  ]);
  expect(new Set(told.letters.map(({ reason }) => reason))).toEqual(new Set(['TRADING_HALTED']));
});

test('a cancel that an earlier delivery may have sent is never buried as unsent', async () => {
  const { told, run, sleep } = still({ find: () => Promise.resolve({ kind: 'found', order: open }) });
  await sleep(2 * MINUTE);
  await run([delivery('c', { action: 'cancel', target: 'a' }, 2, MINUTE)]);
  expect(told.letters).toMatchObject([{ reason: 'INTENT_EXPIRED', certainty: 'unknown' }]);
});

test('after a long outage, what nobody had the time to look up is not given up as unresolved', async () => {
  const { told, run, sleep } = still({ find: () => sleep(4000).then(() => found()) });
  await sleep(16 * MINUTE);
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  let left = ids.map((id) => delivery(id, buy, 2));
  for (let round = 3; left.length > 0 && round < 10; round += 1) {
    const back = await run(left);
    expect(back.length).toBeLessThan(left.length);
    left = ids.filter((id) => back.includes(`m-${id}`)).map((id) => delivery(id, buy, round));
  }
  expect(told.letters).toEqual([]);
  expect(told.reports.map(({ id, status }) => `${id} ${status}`)).toEqual(ids.map((id) => `${id} accepted`));
});

describe('an amend', () => {
  const amend = { action: 'amend', market: 'futures', target: 'a', price: '49000' };

  test('looks for its target first, and sends both numbers', async () => {
    const { told, run } = still({ find: answers(found()) });
    expect(await run([delivery('m', amend)])).toEqual([]);
    expect(told.calls).toEqual(['find a', 'amend m']);
    expect(told.sent).toMatchObject([{ action: 'amend', target: 'a', price: '49000', size: '0.01' }]);
    expect(told.reports).toMatchObject([{ id: 'm', action: 'amend', status: 'done', symbol: 'BTC_USDT' }]);
    expect(told.letters).toEqual([]);
  });
  test('of an order that is as wanted already is done, and nothing is sent', async () => {
    const rounded = { ...amend, price: '49000.09' };
    const { told, run } = still({ find: answers(found({ price: '49000.0' })), instrument: answers(rules) });
    expect(await run([delivery('m', rounded)])).toEqual([]);
    expect(told.sent).toEqual([]);
    expect(told.reports).toMatchObject([{ status: 'done', detail: 'the order is as wanted' }]);
  });
  test.each(['filled', 'canceled', 'rejected'] as const)(
    'of a finished order is done, and says so: %s',
    async (state) => {
      const { told, run } = still({ find: answers(found({ state })) });
      expect(await run([delivery('m', amend)])).toEqual([]);
      expect(told.sent).toEqual([]);
      expect(told.reports).toMatchObject([{ status: 'done', detail: `the order was already ${state}` }]);
    },
  );
  test('of an order that is not seen twice, as far apart as one may stay invisible, is denied', async () => {
    const { told, run, now } = still({});
    expect(await run([delivery('m', amend)])).toEqual([]);
    expect(told.calls).toEqual(['find a', 'find a']);
    expect(now()).toBe(START + 5000);
    expect(told.letters).toMatchObject([{ reason: 'TARGET_NOT_FOUND', certainty: 'not-sent', intentId: 'm' }]);
    expect(told.reports).toMatchObject([{ status: 'denied', reason: 'TARGET_NOT_FOUND' }]);
  });
  test('of an order that shows at the second look is sent', async () => {
    const { told, run } = still({ find: answers(NOTHING, found()) });
    await run([delivery('m', amend)]);
    expect(told.reports).toMatchObject([{ status: 'done' }]);
  });
  test('of an order that was sent a moment ago and is not shown waits, and then goes', async () => {
    let isShown = false;
    const { told, run, sleep } = still({ find: (_, { id }) => Promise.resolve(isShown && id === 'a' ? found() : NOTHING) });
    const order = { ...buy, market: 'futures' };
    expect(await run([delivery('a', order)])).toEqual([]);
    expect(await run([delivery('m', amend), delivery('z', order)])).toEqual(['m-m', 'm-z']);
    expect(told.letters).toEqual([]);
    // What stands behind it in its group does not overtake it.
    expect([...told.back]).toEqual([['r-m', 2], ['r-z', 2]]);
    isShown = true;
    await sleep(2000);
    expect(await run([delivery('m', amend, 2)])).toEqual([]);
    expect(await run([delivery('z', order, 2)])).toEqual([]);
    expect(told.sent.map(({ id }) => id)).toEqual(['a', 'm', 'z']);
  }); // prettier-ignore
  test('whose target cannot be looked up waits', async () => {
    const { told, run } = still({ find: answers<Sighting>({ kind: 'throttled', venueCode: '1', detail: 'slow' }) });
    expect(await run([delivery('m', amend)])).toEqual(['m-m']);
    expect([told.sent, told.letters, [...told.back]]).toEqual([[], [], [['r-m', 2]]]);
  });
  test('is held to the mandate, and a denied one was never sent', async () => {
    const { told, run } = still({ find: answers(found()) }, () => 'halted');
    expect(await run([delivery('m', amend)])).toEqual([]);
    expect(told.sent).toEqual([]);
    expect(told.letters).toMatchObject([{ reason: 'TRADING_HALTED', certainty: 'not-sent' }]);
  });
  test('with a lost answer that took effect is done in the same delivery', async () => {
    const { told, run } = still({ find: answers(found(), found({ price: '49000' })), instruct: answers(LOST) });
    expect(await run([delivery('m', amend)])).toEqual([]);
    expect(told.sent).toHaveLength(1);
    expect(told.reports).toMatchObject([{ status: 'done', detail: 'the order is as wanted' }]);
  });
  test.each([
    ['then shows it amended: done', found({ price: '49000' }), 1],
    ['then shows it as it was: sent again', found(), 2],
    ['then shows it filled: done', found({ state: 'filled' }), 1],
  ])('with a lost answer holds its group past the horizon; a look %s', async (_, later, sends) => {
    let isLater = false;
    const { told, run, sleep } = still({
      find: () => Promise.resolve(isLater ? later : found()),
      instruct: answers<Verdict>(LOST, { kind: 'done' }),
    });
    const batch = (receive: number) => [delivery('m', amend, receive), delivery('z', { ...buy, market: 'futures' }, receive)];
    expect(await run(batch(1))).toEqual(['m-m', 'm-z']);
    expect([...told.back]).toEqual([['r-m', HORIZON_SECONDS], ['r-z', HORIZON_SECONDS]]);
    expect([told.reports, told.letters]).toEqual([[], []]);
    isLater = true;
    await sleep(HORIZON_SECONDS * 1000);
    await run([delivery('m', amend, 2)]);
    expect(told.reports).toMatchObject([{ id: 'm', status: 'done' }]);
    expect(told.sent).toHaveLength(sends);
    expect(told.letters).toEqual([]);
  }); // prettier-ignore
  test('with a lost answer that never took effect expires as unknown', async () => {
    const { told, run, sleep } = still({ find: answers(found()), instruct: answers(LOST) });
    await run([delivery('m', amend, 1, MINUTE)]);
    await sleep(HORIZON_SECONDS * 1000);
    expect(await run([delivery('m', amend, 2, MINUTE)])).toEqual([]);
    expect(told.sent).toHaveLength(1);
    expect(told.letters).toMatchObject([{ reason: 'INTENT_EXPIRED', certainty: 'unknown' }]);
  });
  test('whose target the venue calls finished ends by what a look shows', async () => {
    const finished: Verdict = { kind: 'finished', venueCode: '40044', detail: 'no such order' };
    const filledNow = still({ find: answers(found(), found({ state: 'filled' })), instruct: answers(finished) });
    expect(await filledNow.run([delivery('m', amend)])).toEqual([]);
    expect(filledNow.told.reports).toMatchObject([{ status: 'done', detail: 'the order was already filled' }]);
    const gone = still({ find: answers(found(), NOTHING), instruct: answers(finished) });
    expect(await gone.run([delivery('m', amend)])).toEqual([]);
    expect(gone.told.letters).toMatchObject([{ reason: 'VENUE_REFUSED', venueCode: '40044' }]);
    const openStill = still({ find: answers(found()), instruct: answers(finished) });
    expect(await openStill.run([delivery('m', amend)])).toEqual(['m-m']);
    expect([...openStill.told.back]).toEqual([['r-m', 5]]);
  });
});

describe('an instruction that leaves no trace to be looked up', () => {
  test.each([
    ['cancel-all', { action: 'cancel-all', market: 'futures' }],
    ['cancel-all of everything', { action: 'cancel-all', symbol: undefined }],
    ['set-leverage', { action: 'set-leverage', market: 'futures', leverage: '5', marginMode: 'cross' }],
    ['set-position-mode', { action: 'set-position-mode', market: 'futures', symbol: undefined, positionMode: 'hedge' }],
    ['cancel-all-after', { action: 'cancel-all-after', market: 'futures', timeoutSeconds: 60 }],
  ])('with a lost answer is held past the horizon and sent again while it lives: %s', async (_, fields) => {
    const { told, run, sleep } = still({ instruct: answers<Verdict>(LOST, { kind: 'done', detail: 'so it was' }) });
    const batch = (receive: number, life = 10 * MINUTE) => [delivery('i', fields, receive, life), delivery('z', buy, receive, life)];
    expect(await run(batch(1))).toEqual(['m-i', 'm-z']);
    expect([...told.back]).toEqual([['r-i', HORIZON_SECONDS], ['r-z', HORIZON_SECONDS]]);
    expect([told.reports, told.letters]).toEqual([[], []]);
    await sleep(HORIZON_SECONDS * 1000);
    // What comes after it begins when it is told and deleted.
    expect(await run(batch(2))).toEqual(['m-z']);
    expect(told.back.get('r-z')).toBe(1);
    expect(await run([delivery('z', buy, 3)])).toEqual([]);
    expect(told.sent.map(({ id }) => id)).toEqual(['i', 'i', 'z']);
    expect(told.reports).toMatchObject([{ id: 'i', status: 'done', detail: 'so it was' }, { id: 'z', status: 'accepted' }]);

    const late = still({ instruct: answers(LOST) });
    await late.run([delivery('i', fields, 1, MINUTE)]);
    await late.sleep(HORIZON_SECONDS * 1000);
    expect(await late.run([delivery('i', fields, 2, MINUTE)])).toEqual([]);
    expect(late.told.sent).toHaveLength(1);
    expect(late.told.letters).toMatchObject([{ reason: 'INTENT_EXPIRED', certainty: 'unknown' }]);
    expect(late.told.letters[0]?.detail).toContain('it was sent before, and nobody saw it take effect');

    // Nothing of it was executed: it comes back soon, and expires as what was never sent.
    const unsent = still({ instruct: answers<Verdict>({ kind: 'unavailable', venueCode: '1', detail: 'busy' }) });
    await unsent.run([delivery('i', fields, 1, MINUTE)]);
    expect([...unsent.told.back]).toEqual([['r-i', 2]]);
    await unsent.sleep(MINUTE);
    await unsent.run([delivery('i', fields, 2, MINUTE)]);
    expect(unsent.told.letters).toMatchObject([{ reason: 'INTENT_EXPIRED', certainty: 'not-sent' }]);
  }); // prettier-ignore
  test('is refused with the code of the venue', async () => {
    const refused: Verdict = { kind: 'refused', venueCode: '40059', detail: 'positions are open', tradingOver: false };
    const fields = { action: 'set-position-mode', market: 'futures', symbol: undefined, positionMode: 'hedge' };
    const { told, run } = still({ instruct: answers(refused) });
    expect(await run([delivery('i', fields)])).toEqual([]);
    expect(told.letters).toMatchObject([{ reason: 'VENUE_REFUSED', venueCode: '40059', certainty: 'refused' }]);
    expect(told.reports).toMatchObject([{ action: 'set-position-mode', status: 'rejected' }]);
  });
  test.each([
    [{ action: 'cancel-all', symbol: undefined }, 'done'],
    // It would take away what cancels for somebody who is not there.
    [{ action: 'cancel-all-after', market: 'futures', timeoutSeconds: 0 }, 'denied'],
    [{ action: 'cancel', target: 'a' }, 'done'],
    [{ action: 'set-leverage', market: 'futures', leverage: '5', marginMode: 'cross' }, 'denied'],
    [{ action: 'cancel-all-after', market: 'futures', timeoutSeconds: 60 }, 'done'],
  ])('passes a halt where it takes risk away: %j', async (fields, status) => {
    const { told, run } = still({ find: answers(found()) }, () => 'halted');
    await run([delivery('i', fields)]);
    expect(told.reports).toMatchObject([{ status }]);
    expect(told.sent).toHaveLength(status === 'done' ? 1 : 0);
  });
});

test.each([
  [{ action: 'cancel', target: 'a' }, true],
  [{ action: 'cancel-all', symbol: undefined }, true],
  [{ action: 'cancel-all-after', market: 'futures', timeoutSeconds: 60 }, true],
  [{ action: 'cancel-all-after', market: 'futures', timeoutSeconds: 0 }, false],
  [buy, false],
  [{ action: 'amend', market: 'futures', target: 'a', price: '49000' }, false],
  [{ action: 'set-position-mode', market: 'futures', symbol: undefined, positionMode: 'hedge' }, false],
])('under an unreadable mandate only what takes risk away passes, if there is a key to send it with: %j', async (fields, passes) => {
  for (const hasKey of [true, false]) {
    const { told, run, outside } = still({ find: answers(found()) });
    const account: TradingAccount = { name: 'main', ...HERE, credentials: {}, mandate: { state: 'halted' } };
    const reading = { kind: 'unreadable', detail: 'broken', ...(hasKey ? { account } : {}) } as const;
    Object.assign(outside.accounts, { read: () => Promise.resolve(reading) });
    expect(await run([delivery('i', fields)])).toEqual([]);
    expect(told.sent).toHaveLength(passes && hasKey ? 1 : 0);
    expect(told.letters.map(({ reason }) => reason)).toEqual(passes && hasKey ? [] : ['MANDATE_UNREADABLE']);
  }
}); // prettier-ignore

describe('an order that the venue says has failed after its loan was granted', () => {
  const order = { ...buy, market: 'margin' };
  const failed: Verdict = { kind: 'failed', venueCode: '59009', detail: 'the loan stands' };

  test('is accepted when it is found after all', async () => {
    for (const find of [answers(found()), answers(NOTHING, found())]) {
      const { told, run } = still({ submit: answers(failed), find });
      expect(await run([delivery('a', order)])).toEqual([]);
      expect(told.reports).toMatchObject([{ status: 'accepted', venueOrderId: '7' }]);
      expect(told.letters).toEqual([]);
      expect(told.sent).toHaveLength(1);
    }
  });
  test('is refused with its code when it is not seen twice, and is not sent again', async () => {
    const { told, run, now } = still({ submit: answers(failed) });
    expect(await run([delivery('a', order)])).toEqual([]);
    expect(told.calls).toEqual(['place a', 'find a', 'find a']);
    expect(now()).toBe(START + 5000);
    expect(told.letters).toMatchObject([{ reason: 'VENUE_REFUSED', venueCode: '59009', certainty: 'refused', detail: 'the loan stands' }]); // prettier-ignore
    expect(told.reports).toMatchObject([{ status: 'rejected' }]);
  });
  test('is refused with its code when the venue shows it as failed', async () => {
    const { told, run } = still({ submit: answers(failed), find: answers(found({ state: 'rejected' })) });
    expect(await run([delivery('a', order)])).toEqual([]);
    expect(told.letters).toMatchObject([{ venueCode: '59009', certainty: 'refused', detail: 'the loan stands' }]);
  });
  test('is not sent again where nobody can be asked, and is told as what may be there', async () => {
    for (const busy of [{ kind: 'unavailable', venueCode: '1', detail: 'busy' }, { kind: 'throttled', venueCode: '1', detail: 'busy' }] as const) {
      const { told, run } = still({ submit: answers(failed), find: answers<Sighting>(busy) });
      expect(await run([delivery('a', order)])).toEqual([]);
      expect(told.sent).toHaveLength(1);
      expect(told.letters).toMatchObject([{ reason: 'VENUE_REFUSED', venueCode: '59009', certainty: 'unknown' }]);
      expect(told.letters[0]?.detail).toContain('nobody could look whether an order came of it');
    }
  }); // prettier-ignore
});

describe('an accepted order', () => {
  test('that was sent without the rules of the venue says so in its report', async () => {
    const { told, run } = still({});
    await run([delivery('a', buy)]);
    expect(told.reports).toMatchObject([{ status: 'accepted', detail: "sent without the venue's rules, which could not be had" }]); // prettier-ignore
  });
  test('that was sent by the rules of the venue has nothing to say', async () => {
    const { told, run } = still({ instrument: answers(rules) });
    await run([delivery('a', buy)]);
    expect(told.reports[0]?.status).toBe('accepted');
    expect(told.reports[0]).not.toHaveProperty('detail');
  });
});

describe('a cancel', () => {
  const finished: Verdict = { kind: 'finished', venueCode: '50005', detail: 'no such order' };
  const cancelA = { action: 'cancel', target: 'a' };

  test('of an order that was sent a moment ago and is not shown waits, and what is behind it with it', async () => {
    let isShown = false;
    const { told, run, sleep } = still({
      find: () => Promise.resolve(isShown ? found({ state: 'filled' }) : NOTHING),
      instruct: answers(finished),
    });
    expect(await run([delivery('a', buy), delivery('c', cancelA), delivery('z', buy)])).toEqual(['m-c', 'm-z']);
    expect(told.letters).toEqual([]);
    expect(told.reports).toMatchObject([{ id: 'a', status: 'accepted' }]);
    expect(told.back.get('r-c')).toBe(5);
    isShown = true;
    await sleep(5000);
    expect(await run([delivery('c', cancelA, 2)])).toEqual([]);
    expect(told.reports.at(-1)).toMatchObject({ id: 'c', status: 'done', detail: 'the order was already filled' });
  });
  test('of an order that nobody sent lately and that is not seen twice is refused', async () => {
    const { told, run } = still({ instruct: answers(finished) });
    expect(await run([delivery('c', cancelA)])).toEqual([]);
    expect(told.letters).toMatchObject([{ reason: 'VENUE_REFUSED', venueCode: '50005' }]);
  });
});

test('an invocation that starts late sends nothing before the message has its whole visibility anew', async () => {
  for (const isTaken of [true, false]) {
    const asked: unknown[] = [];
    const { told, run, sleep } = still({}, undefined, {
      postpone: (items) => Promise.resolve(items.map((item) => (asked.push(item), isTaken))),
    });
    await sleep(60_000);
    await run([delivery('early', buy)]);
    expect(asked).toEqual([]);
    await sleep(30_000);
    const left = await run([delivery('late', buy)]);
    expect(asked).toEqual([{ receiptHandle: 'r-late', seconds: 180 }]);
    expect(left).toEqual(isTaken ? [] : ['m-late']);
    expect(told.reports.map(({ id }) => id)).toEqual(isTaken ? ['early', 'late'] : ['early']);
  }
});

test('what SQS does not secure is left alone, and so is all behind it; nobody is asked about it', async () => {
  const finds: string[] = [];
  const { run, told } = still(
    { find: (_, { id }) => (finds.push(id), Promise.resolve({ kind: 'nothing' })) },
    undefined,
    { postpone: (items) => Promise.resolve(items.map(({ receiptHandle }) => receiptHandle === 'r-a')) },
  );
  expect(await run([delivery('a', buy, 2), delivery('b', buy, 2), delivery('c', buy)])).toEqual(['m-b', 'm-c']);
  expect(told.reports.map(({ id }) => id)).toEqual(['a']);
  expect(new Set(finds)).toEqual(new Set(['a']));
});

test('an end that could not be told is told at the next delivery, and not after another environment has had the message', async () => {
  for (const receiveCount of [2, 3]) {
    let isTaken = false;
    const halted = (now: number) => (now < START + MINUTE ? 'halted' : 'active');
    const { run, told, sleep } = still({}, halted, {
      bury: (letters) => Promise.resolve(letters.map(() => isTaken)),
    });
    expect(await run([delivery('a', buy)])).toEqual(['m-a']);
    isTaken = true;
    await sleep(2 * MINUTE);
    expect(await run([delivery('a', buy, receiveCount)])).toEqual([]);
    expect(told.reports.map(({ status }) => status)).toEqual([receiveCount === 2 ? 'denied' : 'accepted']);
  }
});

test.each([
  ['banned', { kind: 'banned', venueCode: 'HTTP_418', detail: 'banned', forMs: 300_000, of: 'account' }],
  ['throttled', { kind: 'throttled', venueCode: 'HTTP_429', detail: 'too many' }],
] as const)('after a look that is %s nothing more is asked or sent', async (_, refusal) => {
  const finds: string[] = [];
  let submits = 0;
  const { run, sleep } = still({
    find: (_account, { id }) => {
      finds.push(id);
      return Promise.resolve(id === 'b' ? refusal : { kind: 'nothing' });
    },
    submit: () => Promise.resolve({ kind: 'placed', venueOrderId: String((submits += 1)) }),
  });
  await sleep(3 * MINUTE);
  const left = await run([delivery('first', buy), delivery('a', buy, 2), delivery('b', buy, 2), delivery('c', buy, 2)]);
  expect(finds).toEqual(['a', 'b']);
  expect(submits).toBe(0);
  expect(left).toEqual(['m-first', 'm-a', 'm-b', 'm-c']);
});

test('an end that cannot be told yet waits for the end of a ban, and uses up no receives meanwhile', async () => {
  const asked: number[] = [];
  const { run, sleep } = still(
    {
      find: () =>
        Promise.resolve({ kind: 'banned', venueCode: 'HTTP_418', detail: 'banned', forMs: 300_000, of: 'account' }),
    },
    undefined,
    { postpone: (items) => Promise.resolve(items.map(({ seconds }) => asked.push(seconds) > 0)) },
  );
  await sleep(2 * MINUTE);
  const expired = delivery('c', { action: 'cancel', target: 'a' }, 2, MINUTE);
  await run([expired]);
  await sleep(10_000);
  await run([{ ...expired, receiveCount: 3 }]);
  // Each delivery gets its whole visibility anew, and is then put back.
  expect(asked).toEqual([180, 300, 180, 290]);
});

test('an invocation that goes on after its time tells nothing: others have the messages by then', async () => {
  const { run, told, sleep } = still({
    submit: () =>
      sleep(MINUTE).then(() => ({ kind: 'refused', venueCode: '50020', detail: 'balance', tradingOver: false })),
  });
  expect(await run([delivery('a', buy)])).toEqual(['m-a']);
  expect([...told.reports, ...told.letters]).toEqual([]);
});

describe('what changes something for all that comes after it', () => {
  const all = { action: 'cancel-all' };
  const leverage = { action: 'set-leverage', market: 'futures', leverage: '5', marginMode: 'cross' };

  test.each([all, leverage, { action: 'amend', market: 'futures', target: 'a', price: '49000' }])(
    'begins when what comes before it is deleted, and is deleted before anything else begins: %j',
    async (fields) => {
      const { told, run } = still({ find: answers(found()) });
      const batch = [delivery('b', buy), delivery('s', fields), delivery('z', buy)];
      expect(await run(batch)).toEqual(['m-s', 'm-z']);
      expect([...told.back]).toEqual([['r-s', 1], ['r-z', 1]]);
      expect(await run([delivery('s', fields, 2), delivery('z', buy, 2)])).toEqual(['m-z']);
      expect(told.back.get('r-z')).toBe(1);
      expect(told.sent.map(({ id }) => id)).toEqual(['b', 's']);
    },
  ); // prettier-ignore
  test('and whose report SQS does not take is told again and not done again, and nothing overtakes that', async () => {
    let isTaken = false;
    const reports: string[] = [];
    const { told, run, sleep } = still({}, undefined, {
      publish: (given) => Promise.resolve(given.map(({ id }) => (reports.push(id), isTaken))),
    });
    expect(await run([delivery('s', all), delivery('z', buy)])).toEqual(['m-s', 'm-z']);
    await sleep(3 * MINUTE);
    expect(await run([delivery('s', all, 2), delivery('z', buy, 2)])).toEqual(['m-s', 'm-z']);
    isTaken = true;
    await sleep(3 * MINUTE);
    expect(await run([delivery('s', all, 3), delivery('z', buy, 3)])).toEqual(['m-z']);
    expect(told.sent.map(({ id }) => id)).toEqual(['s']);
    expect(reports).toEqual(['s', 's', 's']);
  });
});

test('a setting waits for no proof of what comes behind it, and what comes behind it for no visibility', async () => {
  const { told, run, sleep } = still({ find: answers<Sighting>({ kind: 'unavailable', venueCode: '1', detail: 'busy' }) });
  await sleep(3 * MINUTE);
  const batch = [delivery('s', { action: 'cancel-all' }), delivery('b', buy, 2), delivery('c', buy)];
  expect(await run(batch)).toEqual(['m-b', 'm-c']);
  expect(told.calls).toEqual(['cancel-all s']);
  expect([told.back.get('r-b'), told.back.get('r-c')]).toEqual([1, 1]);
}); // prettier-ignore

test('an instruction that may have been sent is not told as unsent when the mandate cannot be read any more', async () => {
  const leverage = { action: 'set-leverage', market: 'futures', leverage: '5', marginMode: 'cross' };
  for (const [receiveCount, certainty] of [[2, 'unknown'], [1, 'not-sent']] as const) {
    const { told, run, outside } = still({});
    const account: TradingAccount = { name: 'main', ...HERE, credentials: {}, mandate: { state: 'halted' } };
    Object.assign(outside.accounts, { read: () => Promise.resolve({ kind: 'unreadable', detail: 'broken', account }) });
    expect(await run([delivery('i', leverage, receiveCount)])).toEqual([]);
    expect(told.letters).toMatchObject([{ reason: 'MANDATE_UNREADABLE', certainty }]);
  }
}); // prettier-ignore

test('an order that the venue calls failed and that has fills was accepted: it is followed, and not buried', async () => {
  for (const [filledSize, status] of [['0.004', 'accepted'], ['0', 'rejected'], ['0.000', 'rejected']] as const) {
    const { told, run, sleep } = still({ find: answers(found({ state: 'rejected', filledSize })) });
    await sleep(3 * MINUTE);
    expect(await run([delivery('a', buy, 2)])).toEqual([]);
    expect(told.reports.map((report) => report.status)).toEqual([status]);
    expect(told.letters).toHaveLength(status === 'rejected' ? 1 : 0);
  }
}); // prettier-ignore

test('what has no time left under the rate limit comes back in a second, however often it was delivered', async () => {
  const late = { kind: 'late', venueCode: 'NOT_SENT', detail: 'too late' } as const;
  const { told, run } = still({ submit: answers<Verdict>(late) });
  expect(await run([delivery('a', buy)])).toEqual(['m-a']);
  expect(told.back.get('r-a')).toBe(1);
  const looked = still({ find: answers<Sighting>(late) });
  await looked.sleep(3 * MINUTE);
  expect(await looked.run([delivery('a', { action: 'cancel', target: 'x' }, 7)])).toEqual(['m-a']);
  expect([looked.told.back.get('r-a'), looked.told.calls]).toEqual([1, ['find x']]);
});

test('a setting that is delivered again behind another intent comes back in a second, wherever it was before', async () => {
  const { told, run, sleep } = still({ find: answers(found()) });
  await sleep(3 * MINUTE);
  const amend = { action: 'amend', market: 'futures', target: 'a', price: '49000' };
  expect(await run([delivery('a', { ...buy, market: 'futures' }, 2), delivery('m', amend, 2)])).toEqual(['m-m']);
  expect(told.back.get('r-m')).toBe(1);
  expect(told.sent).toEqual([]);
});

test('an accepted order whose report SQS does not take is reported again, and is followed once', async () => {
  const followed: string[] = [];
  let isTaken = false;
  const { run, told, sleep } = still({ find: answers(found()) }, undefined, {
    follow: (orders) => Promise.resolve(orders.map(({ order }) => followed.push(order.intent.id) > 0)),
    publish: (reports) => Promise.resolve(reports.map((report) => isTaken && told.reports.push(report) > 0)),
  });
  expect(await run([delivery('a', buy)])).toEqual(['m-a']);
  isTaken = true;
  await sleep(3 * MINUTE);
  expect(await run([delivery('a', buy, 2)])).toEqual([]);
  expect(told.reports).toMatchObject([{ id: 'a', status: 'accepted', venueOrderId: '1' }]);
  expect([followed, told.sent.length]).toEqual([['a'], 1]);
});

test('a halt that comes while a redelivery is looked up stops it', async () => {
  const { run, told, sleep } = still({ find: () => sleep(2500).then(() => NOTHING) }, (now) =>
    now < START + 3 * MINUTE + 2000 ? 'active' : 'halted',
  );
  await sleep(3 * MINUTE);
  expect(await run([delivery('a', buy, 2)])).toEqual([]);
  expect(told.sent).toEqual([]);
  expect(told.letters).toMatchObject([{ reason: 'TRADING_HALTED', certainty: 'not-sent' }]);
});

test('a halt that comes while the target of an amend is looked for stops it', async () => {
  const { run, told, sleep } = still({ find: () => sleep(2500).then(() => found()) }, (now) =>
    now < START + 2000 ? 'active' : 'halted',
  );
  expect(await run([delivery('m', { action: 'amend', market: 'futures', target: 'a', price: '49000' })])).toEqual([]);
  expect(told.sent).toEqual([]);
  expect(told.letters).toMatchObject([{ reason: 'TRADING_HALTED', certainty: 'not-sent' }]);
});

test('a halted or expired amend is denied for that, and its target is not asked for', async () => {
  const amend = { action: 'amend', market: 'futures', target: 'a', price: '49000' };
  const halted = still({}, () => 'halted');
  await halted.run([delivery('m', amend)]);
  const late = still({});
  await late.sleep(MINUTE);
  await late.run([delivery('m', amend, 1, MINUTE)]);
  expect([...halted.told.letters, ...late.told.letters].map(({ reason }) => reason)).toEqual(['TRADING_HALTED', 'INTENT_EXPIRED']);
  expect([...halted.told.calls, ...late.told.calls]).toEqual([]);
}); // prettier-ignore

test('the last request is waited out for an account that was out of reach at first', async () => {
  const held: string[] = [];
  const { run, outside, told } = still({ hold: ({ name }) => Promise.resolve(void held.push(name)) });
  const active = await outside.accounts.read('main');
  let reads = 0;
  Object.assign(outside.accounts, {
    read: () => {
      reads += 1;
      return Promise.resolve(reads < 3 ? { kind: 'unavailable', detail: 'away' } : active);
    },
  });
  // The first has expired, so that its end is told though nobody can be asked; the second is sent.
  await run([delivery('e', buy, 1, 0), delivery('a', buy)]);
  expect(told.sent.map(({ id }) => id)).toEqual(['a']);
  expect(held).toEqual(['main']);
});

test('an intent that is older than what the venue remembers ends at once, as what may have been sent before', async () => {
  const { run, told, sleep } = still({});
  await sleep(25 * MINUTE);
  const old = { ...delivery('a', buy, 1, 30 * MINUTE), enqueuedAt: START + 25 * MINUTE, firstReceivedAt: START + 25 * MINUTE };
  const good = { ...delivery('b', { ...buy, createdAt: new Date(START + 25 * MINUTE).toISOString() }, 1, 26 * MINUTE), enqueuedAt: START + 25 * MINUTE, firstReceivedAt: START + 25 * MINUTE };
  expect(await run([old, good])).toEqual([]);
  expect(told.letters).toMatchObject([{ reason: 'LIFETIME_TOO_LONG', certainty: 'unknown' }]);
  expect(told.sent.map(({ id }) => id)).toEqual(['b']);
}); // prettier-ignore

test('an order of futures that differs from its intent may have been amended, one of spot may not', async () => {
  for (const [market, certainty] of [['futures', 'unknown'], ['spot', 'refused']] as const) {
    const { run, told, sleep } = still({ find: answers(found({ price: '60000' })) });
    await sleep(3 * MINUTE);
    expect(await run([delivery('a', { ...buy, market }, 2)])).toEqual([]);
    expect(told.letters).toMatchObject([{ reason: 'ID_REUSED', certainty }]);
  }
}); // prettier-ignore

test('a redelivery that cannot be looked up is told as unsent only where no clock could make that false', async () => {
  const busy: Sighting = { kind: 'unavailable', venueCode: '1', detail: 'busy' };
  // What was sent comes back after 78 s; a clock may be a minute behind.
  for (const [afterMs, reasons] of [[17_000, ['INTENT_EXPIRED']], [30_000, []]] as const) {
    const { run, told, sleep } = still({ find: answers(busy) });
    await sleep(afterMs);
    await run([delivery('a', buy, 2, 10_000)]);
    expect(told.letters.map(({ reason }) => reason)).toEqual(reasons);
  }
}); // prettier-ignore

describe('an amend that the venue has taken', () => {
  const amend = { action: 'amend', market: 'futures', target: 'a', price: '49000' };
  const taken: Verdict = { kind: 'taken' };
  test.each([
    ['at once', [found(), found({ price: '49000' })]],
    ['at the second look', [found(), found(), found({ price: '49000' })]],
  ])('is done when it shows: %s', async (_, seen) => {
    const { run, told } = still({ instruct: answers(taken), find: answers<Sighting>(...seen) });
    expect(await run([delivery('m', amend)])).toEqual([]);
    expect(told.sent).toHaveLength(1);
    expect(told.reports).toMatchObject([{ id: 'm', status: 'done', detail: 'the order is as wanted' }]);
  });
  test('and does not show comes back, and is sent again', async () => {
    const { run, told } = still({ instruct: answers(taken), find: answers(found()) });
    expect(await run([delivery('m', amend)])).toEqual(['m-m']);
    expect([...told.back]).toEqual([['r-m', 5]]);
    expect(told.reports).toEqual([]);
    await run([delivery('m', amend, 2)]);
    expect(told.sent).toHaveLength(2);
  });
  test('whose order was filled meanwhile is done, and says so', async () => {
    const { run, told } = still({ instruct: answers(taken), find: answers(found(), found({ state: 'filled' })) });
    expect(await run([delivery('m', amend)])).toEqual([]);
    expect(told.reports).toMatchObject([{ status: 'done', detail: 'the order was already filled' }]);
  });
});

describe('with batching, intents of one symbol go out together', () => {
  const places = (count: number) => Array.from({ length: count }, (_, index) => delivery(`p${index}`, buy));
  const together = (venue: Partial<Venue>, ...verdicts: readonly Verdict[]) => {
    const batches: string[][] = [];
    const next = answers<Verdict>(...verdicts);
    const submitAll: Venue['submitAll'] = async (_, orders) => {
      batches.push(orders.map(({ id }) => id));
      const verdict = await next();
      return orders.map(() => verdict);
    };
    const followed: string[] = [];
    const world = still({ ...venue, submitAll }, undefined, {
      follow: (orders) => Promise.resolve(orders.map(({ order }) => followed.push(order.intent.id) > 0)),
    });
    const mandate = { state: 'active', batching: true } as const;
    const account: TradingAccount = { name: 'main', ...HERE, credentials: {}, mandate };
    Object.assign(world.outside.accounts, { read: () => Promise.resolve({ kind: 'account', account, version: '1' }) });
    return { ...world, batches, followed };
  };
  const PLACED: Verdict = { kind: 'placed' };
  const ids = (reports: readonly ExecutionReport[]) => reports.map(({ id, status }) => `${id} ${status}`);

  test('in requests of ten, in their order, each accepted and followed', async () => {
    const { run, told, batches, followed } = together({}, PLACED);
    expect(await run(places(12))).toEqual([]);
    expect(batches.map((batch) => batch.length)).toEqual([10, 2]);
    expect(batches.flat()).toEqual(places(12).map(({ deduplicationId }) => deduplicationId));
    expect(ids(told.reports)).toEqual(batches.flat().map((id) => `${id} accepted`));
    expect(followed).toEqual(batches.flat());
    // Which of the venue's ids is whose is not said.
    for (const report of told.reports) expect(report).not.toHaveProperty('venueOrderId');
  });
  test.each([
    ['a cancel', { action: 'cancel', target: 'x' }, 1],
    ['another symbol', { ...buy, symbol: 'ETH_USDT' }, 1],
    ['another market', { ...buy, market: 'margin' }, 1],
    ['what may have been sent before', buy, 2],
    ['a replay', { ...buy, replayOf: 'old' }, 1],
  ])('%s ends a run, and what is after it begins another', async (_, fields, receiveCount) => {
    const { run, batches, told } = together({}, PLACED);
    const [a, b, c, d] = places(4) as [Delivery, Delivery, Delivery, Delivery];
    await run([a, b, delivery('x', fields, receiveCount), c, d]);
    expect(batches).toEqual([['p0', 'p1'], ['p2', 'p3']]);
    expect(told.calls.filter((call) => !call.startsWith('find'))).toHaveLength(1);
  }); // prettier-ignore
  test('and each alone where the mandate does not say so, or where there is but one', async () => {
    const { run, told } = still({});
    await run(places(3));
    expect(told.calls).toEqual(['place p0', 'place p1', 'place p2']);
    const one = together({}, PLACED);
    await one.run(places(1));
    expect([one.told.calls, one.batches]).toEqual([['place p0'], []]);
  });
  test('without those that are denied, which are buried', async () => {
    const { run, told, batches } = together({ instrument: answers(rules) }, PLACED);
    const small = delivery('s', { ...buy, size: '0.0001' });
    const [a, b] = places(2) as [Delivery, Delivery];
    expect(await run([a, small, b])).toEqual([]);
    expect(batches).toEqual([['p0', 'p1']]);
    expect(ids(told.reports)).toEqual(['p0 accepted', 's denied', 'p1 accepted']);
  });
  test('an answer that does not say what came of them is settled order by order; what is not there goes out alone', async () => {
    const { run, told, batches } = together({ find: (_, { id }) => Promise.resolve(id === 'p1' ? found() : NOTHING) }, { kind: 'taken' });
    expect(await run(places(3))).toEqual([]);
    expect(batches).toHaveLength(1);
    expect(told.calls.filter((call) => call.startsWith('place'))).toEqual(['place p0', 'place p2']);
    expect(ids(told.reports)).toEqual(['p0 accepted', 'p1 accepted', 'p2 accepted']);
    expect(told.reports.map(({ venueOrderId }) => venueOrderId)).toEqual(['1', '7', '1']);
  }); // prettier-ignore
  test('and nothing goes out alone that could not be looked for', async () => {
    const busy: Sighting = { kind: 'unavailable', venueCode: '1', detail: 'busy' };
    const { run, told } = together({ find: (_, { id }) => Promise.resolve(id === 'p1' ? busy : NOTHING) }, { kind: 'taken' });
    expect(await run(places(3))).toEqual(['m-p1', 'm-p2']);
    expect(told.calls.filter((call) => call.startsWith('place'))).toEqual(['place p0']);
    expect([ids(told.reports), told.letters]).toEqual([['p0 accepted'], []]);
    // They come back when their visibility is over: some of them may be there.
    expect([...told.back]).toEqual([]);
  }); // prettier-ignore
  test('a lost answer tells of those that are seen, and holds the others for as long as the venue may take them', async () => {
    const lost: Verdict = { ...LOST, signedAt: START, refusedAfterMs: 5000 };
    const { run, told, sleep, batches } = together({ find: (_, { id }) => Promise.resolve(id === 'p1' ? found() : NOTHING) }, lost);
    expect(await run(places(3))).toEqual(['m-p0', 'm-p2']);
    expect(ids(told.reports)).toEqual(['p1 accepted']);
    // 5 s and 5 s until an order shows, and a fifth.
    expect([...told.back]).toEqual([['r-p0', 13], ['r-p2', 13]]);
    await sleep(13_000);
    expect(await run([delivery('p0', buy, 2), delivery('p2', buy, 2)])).toEqual([]);
    expect(batches).toHaveLength(1);
    expect(told.calls.filter((call) => call.startsWith('place'))).toEqual(['place p0', 'place p2']);
  }); // prettier-ignore
  test.each<Verdict>([
    { kind: 'unavailable', venueCode: '1', detail: 'busy' },
    { kind: 'late', venueCode: '1', detail: 'late' },
  ])('where they cannot go together each goes alone: %j', async (verdict) => {
    const { run, told, batches } = together({}, verdict);
    expect(await run(places(3))).toEqual([]);
    expect([batches.length, told.calls]).toEqual([1, ['place p0', 'place p1', 'place p2']]);
    expect(ids(told.reports)).toEqual(['p0 accepted', 'p1 accepted', 'p2 accepted']);
  });
  test('nothing goes out alone when the time of the invocation is over', async () => {
    const slow = (): Promise<Verdict> => sleep(5000).then(() => PLACED);
    const world = together({ submit: slow }, { kind: 'late', venueCode: '1', detail: 'late' });
    const { sleep } = world;
    const left = await world.run(places(8));
    expect(left).toEqual(['m-p5', 'm-p6', 'm-p7']);
    expect([...world.told.back.values()]).toEqual([1, 1, 1]);
  });
  test('a halt that comes while they are made ready holds all of them back', async () => {
    const { run, told, batches, outside } = together({}, PLACED);
    let reads = 0;
    const account = (state: 'active' | 'halted') =>
      ({ name: 'main', ...HERE, credentials: {}, mandate: { state, batching: true } }) as const;
    const read = () => {
      reads += 1;
      return Promise.resolve({ kind: 'account', account: account(reads > 3 ? 'halted' : 'active'), version: '1' });
    };
    Object.assign(outside.accounts, { read });
    await run(places(3));
    expect([batches, told.calls]).toEqual([[], []]);
    expect(ids(told.reports)).toEqual(['p0 denied', 'p1 denied', 'p2 denied']);
  });
  test('nor is a book asked for while the account is parked, or more than one for all of them', async () => {
    let books = 0;
    const book: Venue['book'] = () => Promise.resolve({ bid: '50000', ask: '50001', is: (books += 1) } as never);
    const { run, outside, batches } = together({ book }, PLACED);
    const mandate = { state: 'active', batching: true, maxOrderNotional: '100000' } as const;
    const account: TradingAccount = { name: 'main', ...HERE, credentials: {}, mandate };
    Object.assign(outside.accounts, { read: () => Promise.resolve({ kind: 'account', account, version: '1' }) });
    const sells = (names: readonly string[]) => names.map((id) => delivery(id, { ...buy, side: 'sell' }));
    await run(sells(['a', 'b', 'c']));
    expect([books, batches]).toEqual([1, [['a', 'b', 'c']]]);
    outside.memory.parked.set('*paper', { until: START + 60_000, why: 'banned', credentials: undefined } as never);
    await run(sells(['d', 'e']));
    expect([books, batches.length]).toEqual([1, 1]);
  });
  test('in shadow mode each alone, so that its report says what would have been sent', async () => {
    const { run, told, batches, outside } = together({}, PLACED);
    const mandate = { state: 'active', batching: true, shadow: true } as const;
    const account: TradingAccount = { name: 'main', ...HERE, credentials: {}, mandate };
    Object.assign(outside.accounts, { read: () => Promise.resolve({ kind: 'account', account, version: '1' }) });
    await run(places(2));
    expect([batches, told.calls]).toEqual([[], ['place p0', 'place p1']]);
  });
  test('what comes back soon may have been sent together: where nobody can be asked, its end is not told as unsent', async () => {
    const blind: Sighting = { kind: 'unavailable', venueCode: '1', detail: 'busy' };
    const { run, told, sleep } = together({ find: () => Promise.resolve(blind) }, PLACED);
    // Put back by another environment, and seen by a clock that is behind.
    await sleep(15_000);
    expect(await run([delivery('a', buy, 2, 10_000)])).toEqual(['m-a']);
    expect(told.letters).toEqual([]);
  });
  test.each<Verdict>([
    { kind: 'throttled', venueCode: '1', detail: 'slow' },
    { kind: 'banned', venueCode: '1', detail: 'banned', forMs: 60_000, of: 'account' },
  ])('an answer that executed nothing sends all of them back: %j', async (verdict) => {
    const { run, told } = together({}, verdict);
    expect(await run([...places(3), delivery('z', buy)])).toEqual(['m-p0', 'm-p1', 'm-p2', 'm-z']);
    expect([told.reports, told.letters, told.calls]).toEqual([[], [], []]);
    expect(told.back.size).toBe(4);
  });
  test('a key that was replaced meanwhile is tried once, with all of them', async () => {
    const refused: Verdict = { kind: 'unauthorised', venueCode: '30002', detail: 'key' };
    const { run, told, batches, outside } = together({}, refused, PLACED);
    const account = { name: 'main', ...HERE, credentials: { apiKey: 'new' }, mandate: { state: 'active', batching: true } } as const;
    Object.assign(outside.accounts, { refresh: () => Promise.resolve({ kind: 'account', account, version: '2' }) });
    expect(await run(places(2))).toEqual([]);
    expect(batches).toEqual([['p0', 'p1'], ['p0', 'p1']]);
    expect(ids(told.reports)).toEqual(['p0 accepted', 'p1 accepted']);
  }); // prettier-ignore
});
