// Where an order stands, told from what is known: no trade is hidden, and no order that may exist is called absent.
import { expect, test } from '@jest/globals';
import { standingOf, type Known, type Told } from '../../cli/standing.ts';
import { knownOf } from '../../cli/timeline.ts';
import type { Found } from '../../cli/life.ts';
import type { LogLine } from '../../cli/logs.ts';
import type { Letter } from '../../cli/peek.ts';
import type { VenueOrder } from '../../shared/order/venue.ts';

const nothing: Known = { id: 'one', told: [], burial: undefined, wait: undefined, isSent: false, sighting: undefined };
const told = (...statuses: readonly string[]): readonly Told[] =>
  statuses.map((status, index) => ({ at: new Date(index).toISOString(), status, words: status }));
const standing = (more: Partial<Known>) => standingOf({ ...nothing, ...more });
const order = (state: VenueOrder['state']): VenueOrder => ({
  ...{ venueOrderId: '7', symbol: 'BTC_USDT', side: 'buy', type: 'limit', state, size: '0.0020', filledSize: '0.0010' },
});
const found = (state: VenueOrder['state']) => ({ kind: 'found' as const, order: order(state) });
const burial = (reason: string, certainty: string, isOnQueue = true) => ({ reason, certainty, isOnQueue });

test.each([
  ['told as filled', { told: told('accepted', 'filled') }, 'ended', 'It is filled'],
  ['corrected after unresolved', { told: told('unresolved', 'canceled') }, 'ended', 'It is canceled'],
  [
    'found after all',
    { told: told('unresolved', 'accepted'), burial: burial('UNRESOLVED', 'unknown'), sighting: found('open') },
    'resting',
    'followed to its end',
  ],
  ['denied, its letter read by others', { told: told('denied') }, 'no-trade', 'denied'],
  ['unresolved without a letter', { told: told('unresolved') }, 'unclear', 'NOBODY KNOWS whether an order exists'],
  ['buried', { burial: burial('SYMBOL_UNKNOWN', 'not-sent') }, 'no-trade', 'desk dead show one'],
  [
    'buried, the letter gone',
    { burial: burial('SYMBOL_UNKNOWN', 'not-sent', false) },
    'no-trade',
    'Correct the symbol',
  ],
  [
    'moved by SQS',
    { burial: burial('RECEIVED_TOO_OFTEN', 'unknown') },
    'unclear',
    'NOBODY KNOWS whether an order exists: look for the id one',
  ],
  ['buried for a reason of a later version', { burial: burial('NEW', 'refused') }, 'no-trade', 'not known here'],
  [
    'unresolved, and there it is',
    { burial: burial('UNRESOLVED', 'unknown'), sighting: found('open') },
    'unclear',
    'Nobody follows that order',
  ],
  ['resting', { told: told('accepted'), sighting: found('partially-filled') }, 'resting', '0.001 of 0.002 filled'],
  [
    'filled on the exchange, not told yet',
    { told: told('accepted'), sighting: found('filled') },
    'underway',
    'its last report comes',
  ],
  ['accepted, not asked', { told: told('accepted') }, 'resting', 'followed to its end'],
  [
    'accepted, not shown',
    { told: told('accepted'), sighting: { kind: 'nothing' as const } },
    'underway',
    'shows it no more',
  ],
  [
    'unresolved, for as long as its letter says',
    { burial: { ...burial('UNRESOLVED', 'unknown'), detail: '22 min after its first delivery nobody can prove it' } },
    'unclear',
    'It was buried as UNRESOLVED: 22 min after',
  ],
  [
    'unresolved, and not shown',
    { burial: burial('UNRESOLVED', 'unknown'), sighting: { kind: 'nothing' as const } },
    'unclear',
    'NOBODY KNOWS',
  ],
  ['put back', { wait: { why: 'key refused', isUnproven: false } }, 'underway', 'key refused) and is taken up again'],
  [
    'put back, its answer lost',
    { wait: { why: 'no answer', isUnproven: true } },
    'underway',
    'no answer). It is looked up by itself until that is proven, past its expiry too',
  ],
  ['sent, nothing heard', { isSent: true }, 'underway', 'looked up'],
  ['on the exchange, not told', { sighting: found('open') }, 'underway', 'nothing has been told of it'],
  ['hardly known', {}, 'unclear', 'all that is known of one'],
] satisfies readonly (readonly [string, Partial<Known>, string, string])[])('%s', (_, more, kind, said) => {
  expect(standing(more)).toMatchObject({ kind, sentence: expect.stringContaining(said) });
});

test('what nobody can prove is never told to have come to no trade, nor to wait for so many minutes as are usual', () => {
  const unclear: readonly Partial<Known>[] = [
    { told: told('unresolved') },
    ...['UNRESOLVED', 'RECEIVED_TOO_OFTEN', 'INTENT_EXPIRED'].flatMap((reason) =>
      [true, false].map((isOnQueue) => ({ burial: burial(reason, 'unknown', isOnQueue) })),
    ),
  ];
  for (const known of unclear) expect(standing(known).sentence).not.toMatch(/no trade|15 min/);
});

const letter = (reason: string): Letter => ({
  ...{ messageId: 'm', receiptHandle: 'r', body: '{}', group: 'main', sentAt: new Date(9).toISOString(), detail: 'd' },
  ...{ reason, certainty: 'not-sent' },
});
const line = (fields: LogLine['fields'], message = 'outcome'): LogLine => ({
  ...{ functionName: 'execute', at: new Date(1).toISOString(), message, fields },
});
const all = (more: Partial<Found>): Found => ({
  ...{ lines: [], logs: [], reports: [], letters: [], isComplete: { reports: true, letters: true } },
  ...more,
});
const known = (more: Partial<Found>): Known => knownOf('one', all(more), { fills: [] });

test('the letter of a redriven message does not hide that the order was accepted, and counts where nothing was told', () => {
  const accepted = line({ disposition: 'acknowledge', status: 'accepted' });
  expect(known({ lines: [accepted], letters: [letter('DEDUPLICATION_MISMATCH')] }).burial).toBeUndefined();
  expect(known({ letters: [letter('DEDUPLICATION_MISMATCH')] }).burial).toMatchObject({ isOnQueue: true });
});

test('an end that SQS did not take is not taken for told', () => {
  const untold = line({ disposition: 'bury', status: 'denied', reason: 'SYMBOL_UNKNOWN', untold: true });
  expect(known({ lines: [untold] }).told).toEqual([]);
});

test('only an intent whose last delivery was put back waits', () => {
  const back = line({ disposition: 'postpone', seconds: 5, why: 'banned' });
  expect(known({ lines: [back] }).wait).toEqual({ why: 'banned', isUnproven: false });
  expect(known({ lines: [back, line({ disposition: 'acknowledge', status: 'accepted' })] }).wait).toBeUndefined();
});

test.each([
  ['its answer was lost', [line({ verdict: 'unknown' }, 'verdict'), line({ disposition: 'postpone' })], true],
  ['an earlier delivery may have sent it', [line({ disposition: 'keep' })], true],
  ['the exchange was unavailable', [line({ verdict: 'unavailable' }, 'verdict'), line({ disposition: 'postpone' })], false], // prettier-ignore
  [
    'proven not to be there, sent again, and refused for now',
    [line({ verdict: 'unknown' }, 'verdict'), line({ verdict: 'throttled' }, 'verdict'), line({ disposition: 'postpone' })], // prettier-ignore
    false,
  ],
])('put back because %s: it is told whether it may have been executed', (_, lines, isUnproven) => {
  expect(known({ lines }).wait).toMatchObject({ isUnproven });
});
