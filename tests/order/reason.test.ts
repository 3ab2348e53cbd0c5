// The table of reasons and the ends that are told with it: reports and dead letters fit where they travel.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { OrderIntent, PlaceIntent } from '../../shared/order/intent.ts';
import { accepted, buried, done, foreign, malformed } from '../../shared/order/outcome.ts';
import { explain, movedBySqs, reasons, type ReasonCode } from '../../shared/order/reason.ts';
import { sentence } from '../../shared/order/report.ts';
import { cancel, instructions, limitBuy } from './arbitraries.ts';

/** The codes of the published contract; more may be added, none may go. */
const CONTRACT: readonly ReasonCode[] = [
  'MALFORMED',
  'GROUP_MISMATCH',
  'DEDUPLICATION_MISMATCH',
  'ID_REUSED',
  'INTENT_EXPIRED',
  'CREATED_IN_FUTURE',
  'LIFETIME_TOO_LONG',
  'ACCOUNT_UNKNOWN',
  'MANDATE_UNREADABLE',
  'TRADING_HALTED',
  'TRADING_REDUCING',
  'SYMBOL_NOT_ALLOWED',
  'NOTIONAL_ABOVE_MAXIMUM',
  'SYMBOL_UNKNOWN',
  'SYMBOL_NOT_TRADING',
  'SIZE_BELOW_MINIMUM',
  'SIZE_ABOVE_MAXIMUM',
  'TARGET_NOT_FOUND',
  'NOTIONAL_BELOW_MINIMUM',
  'PRICE_OUTSIDE_COLLAR',
  'VENUE_REFUSED',
  'TRADING_OVER',
  'UNRESOLVED',
];
const intent = limitBuy as unknown as PlaceIntent;
const message = { messageId: 'm1', body: '{"some":"body"}', group: 'main', receiveCount: 3, deduplicationId: limitBuy.id }; // prettier-ignore
const NOW = Date.parse(limitBuy.createdAt) + 1500;

describe('the table', () => {
  test('holds every code of the contract, each with a meaning and a way out', () => {
    for (const code of CONTRACT) expect(reasons).toHaveProperty(code);
    for (const [code, { meaning, next, certainty }] of Object.entries(reasons)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect([meaning, next].every((text) => /^[A-Za-z][\x20-\x7e]{10,}\.$/.test(text))).toBe(true);
      expect(['not-sent', 'refused', 'unknown']).toContain(certainty);
    }
  });
  test('leaves open only for an unresolved intent and a message moved by SQS whether an order exists', () => {
    const open = Object.entries(reasons).filter(([, { certainty }]) => certainty === 'unknown');
    expect(open.map(([code]) => code)).toEqual(['UNRESOLVED']);
    expect(movedBySqs).toMatchObject({ reason: 'RECEIVED_TOO_OFTEN', certainty: 'unknown' });
  });
  test('says of the venue codes only what the venue said', () => {
    const refused = Object.entries(reasons).filter(([, { certainty }]) => certainty === 'refused');
    expect(refused.map(([code]) => code).sort()).toEqual(['ID_REUSED', 'TRADING_OVER', 'VENUE_REFUSED']);
  });
});

describe('an end is told', () => {
  test.each([
    ['INTENT_EXPIRED', 'expired'],
    ['UNRESOLVED', 'unresolved'],
    ['VENUE_REFUSED', 'rejected'],
    ['TRADING_OVER', 'rejected'],
    ['ID_REUSED', 'rejected'],
    ['TRADING_HALTED', 'denied'],
    ['NOTIONAL_BELOW_MINIMUM', 'denied'],
    ['ACCOUNT_UNKNOWN', 'denied'],
  ] as const)('%s as %s, with a letter that holds the body untouched', (code, status) => {
    const { report, disposition } = buried(message, intent, { code, detail: 'why', venueCode: '7' }, NOW);
    expect(report).toEqual({ id: limitBuy.id, account: 'main', status, action: 'place', symbol: 'BTC_USDT', side: 'buy', reason: code, detail: 'why', at: '2026-11-22T19:00:01.500Z', latencyMs: 1500 }); // prettier-ignore
    const { certainty } = reasons[code];
    expect(disposition).toEqual({ kind: 'bury', letter: { body: message.body, group: 'main', sourceMessageId: 'm1', reason: code, certainty, detail: 'why', attempts: 3, intentId: limitBuy.id, account: 'main', venueCode: '7' } }); // prettier-ignore
  });
  test('an accepted order with its id, and handed on to be followed', () => {
    const outcome = accepted(message, intent, '99', NOW);
    expect(outcome.disposition).toEqual({ kind: 'acknowledge' });
    expect(outcome.report).toMatchObject({ status: 'accepted', venueOrderId: '99' });
    expect(outcome.report).not.toHaveProperty('detail');
    expect(outcome.accepted).toEqual({ intent, venueOrderId: '99', acceptedAt: '2026-11-22T19:00:01.500Z' });
  });
  test('an accepted order with what a person should know of how it was sent', () => {
    const { report, accepted: pending } = accepted(message, intent, '99', NOW, 'sent withöut rules');
    expect(report).toMatchObject({ status: 'accepted', detail: 'sent with?ut rules' });
    expect(pending).not.toHaveProperty('detail');
  });
  test.each(instructions)('%s as done under its own action, with its symbol where it has one', (_, fields) => {
    const { report, disposition, accepted: pending } = done(message, fields as unknown as OrderIntent, undefined, NOW);
    const { action, symbol } = fields;
    expect(report).toEqual({ id: limitBuy.id, account: 'main', status: 'done', action, ...(symbol === undefined ? {} : { symbol }), at: '2026-11-22T19:00:01.500Z', latencyMs: 1500 }); // prettier-ignore
    expect([disposition, pending]).toEqual([{ kind: 'acknowledge' }, undefined]);
  });
  test('a cancel as done, without a side', () => {
    const { report } = done(message, cancel as unknown as OrderIntent, 'it was already finished', NOW);
    expect(report).toMatchObject({ status: 'done', action: 'cancel', detail: 'it was already finished' });
    expect(report).not.toHaveProperty('side');
    expect(done(message, intent, undefined, NOW).report).not.toHaveProperty('detail');
  });
  test('a message that is not its own gets a letter and no report', () => {
    const outcome = foreign(message, intent, { code: 'GROUP_MISMATCH', detail: 'why' });
    expect(outcome.disposition).toMatchObject({ kind: 'bury', letter: { reason: 'GROUP_MISMATCH' } });
    expect(outcome.report).toBeUndefined();
  });
  test('a malformed body under its own id only where the message says the same id', () => {
    const problems = ['size is missing', 'foo is no field of place limit'];
    const own = malformed(message, { id: limitBuy.id, account: 'main', problems }, NOW);
    expect(own.report).toMatchObject({ id: limitBuy.id, status: 'malformed', reason: 'MALFORMED', detail: problems.join('; ') }); // prettier-ignore
    const other = malformed({ ...message, deduplicationId: 'other' }, { id: limitBuy.id, problems }, NOW);
    expect(other.report).toMatchObject({ id: 'm1', account: 'main' });
    expect(malformed(message, { problems }, NOW).report).toMatchObject({ id: 'm1' });
    const letter = malformed(message, { problems }, NOW).disposition;
    expect(letter).toMatchObject({ kind: 'bury', letter: { reason: 'MALFORMED', certainty: 'not-sent' } });
    expect(letter).not.toHaveProperty('letter.intentId');
  });
});

describe('a sentence', () => {
  test('is printable ASCII, at most 512 long and never empty, whatever went in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1200 }), (text) => {
        expect(sentence(text)).toMatch(/^[\x20-\x7e]{1,512}$/);
      }),
    );
  });
  test('is unchanged where it fits, and shows that it was cut where it does not', () => {
    expect(sentence('notional 3.2 is too low')).toBe('notional 3.2 is too low');
    expect(sentence('x'.repeat(512))).toHaveLength(512);
    expect(sentence('x'.repeat(513))).toBe(`${'x'.repeat(509)}...`);
    expect(sentence('  \n ')).toMatch(/^\S.*$/);
  });
});

test('every reason that a letter can carry is explained, and one that is not known says so', () => {
  for (const code of CONTRACT) expect(explain(code)).toMatchObject({ meaning: reasons[code].meaning });
  expect(explain(movedBySqs.reason).next).toContain('before anything else');
  for (const strange of ['NEW_ONE', 'toString', '']) expect(explain(strange).meaning).toContain('not known');
});
