// The table of answers: complete, without contradiction, and never more sure than the facts behind it.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { verdictOf } from '../../shared/bybit/answers.ts';
import { codes, isRetCode, meaningOf, pseudoCode, remedy, type CodeClass } from '../../shared/bybit/codes.ts';

interface Row {
  readonly code: number | string | null;
  readonly http: number | string | null;
  readonly class: 'ok' | 'permanent' | 'auth' | 'throttled' | 'transient' | 'ambiguous';
}
const rows = JSON.parse(readFileSync(new URL('../data/bybit/errors.json', import.meta.url), 'utf8')) as readonly Row[];
const coded = rows.filter(({ code }) => code !== null).map((row) => ({ ...row, code: String(row.code) }));

/** What a fact allows to conclude. */
const allowed: Readonly<Record<Row['class'], readonly CodeClass[]>> = {
  ok: ['ok'],
  permanent: ['refused', 'finished', 'already'],
  auth: ['unauthorised'],
  throttled: ['throttled', 'banned'],
  transient: ['unavailable'],
  ambiguous: ['unknown', 'duplicate', 'absent'],
};
/** An account full of open orders: nothing was executed, and waiting would hold up the cancels that make room. */
const FULL = ['110020', '170810'];
/** Our own words, which nobody answers. */
const OURS = ['CONNECT_FAILED', 'HTTP_2XX_BAD_BODY', 'HTTP_403_COUNTRY', 'NOT_SENT', 'TIMEOUT'];

describe('the table', () => {
  test('holds every recorded code, in a class that its facts allow', () => {
    expect(coded.length).toBe(240);
    const wrong = coded
      .map(({ code, class: fact }) => ({ code, fact, means: meaningOf(code, '').means }))
      .filter(({ code, fact, means }) => !allowed[fact].includes(means) && !(FULL.includes(code) && means === 'refused'));
    expect(wrong).toEqual([]);
    const known = new Set(codes.map(([code]) => code));
    expect(coded.filter(({ code }) => !known.has(code))).toEqual([]);
  });
  test('has a class for every recorded HTTP status', () => {
    const statuses = rows.filter(({ code }) => code === null);
    expect(statuses).toHaveLength(6);
    for (const { http, class: fact } of statuses) {
      for (const status of http === '5xx' ? [500, 502, 503, 504, 520] : [Number(http)]) {
        const { means } = meaningOf(pseudoCode(status, '', true), '');
        expect([status, allowed[fact].includes(means)]).toEqual([status, true]);
      }
    }
  });
  test('holds no code twice, and none that is not recorded but our own', () => {
    const known = codes.map(([code]) => code);
    expect(known.filter((code, index) => known.indexOf(code) !== index)).toEqual([]);
    const recorded = new Set(coded.map(({ code }) => code));
    const others = known.filter((code) => !recorded.has(code) && !/^HTTP_(\d{3}|5XX)$/.test(code));
    expect(others.toSorted()).toEqual(OURS);
  });
  test('gives each row a reason', () => {
    expect(codes.filter(([, , because]) => because.trim().length < 4)).toEqual([]);
  });
  test('takes a repeated id for a duplicate and a missing order for absent, in both categories and in old words', () => {
    expect(['170141', '110072', '12141'].map((code) => meaningOf(code, '').means)).toEqual(Array(3).fill('duplicate'));
    expect(['170213', '110001'].map((code) => meaningOf(code, '').means)).toEqual(Array(2).fill('absent'));
  });
  test('takes what is set already for done', () => {
    expect(['110025', '110026', '110027', '110043'].map((code) => meaningOf(code, '').means)).toEqual(Array(4).fill('already'));
  });
}); // prettier-ignore

describe('where more than the number decides', () => {
  test('10001 is a refusal, unless it speaks of the signature', () => {
    expect(meaningOf('10001', 'Not supported symbols').means).toBe('refused');
    expect(meaningOf('10001', 'openapi sign params error!').means).toBe('unauthorised');
  });
  test.each([
    ['', true, 'HTTP_403'],
    ['', false, 'HTTP_403_COUNTRY'],
    ['403, access too frequent', true, 'HTTP_403'],
    ['403, access too frequent', false, 'HTTP_403'],
    ['<HTML>configured to block access from your country.</HTML>', true, 'HTTP_403_COUNTRY'],
    ['<HTML>Request blocked.</HTML>', false, 'HTTP_403_COUNTRY'],
  ])('403 with %j, served before: %p, is %s', (text, hasBeenServed, code) => {
    expect(pseudoCode(403, text, hasBeenServed)).toBe(code);
    expect(meaningOf(code, '').means).toBe('banned');
  });
  const about = { banMs: 600_000, now: 1000 };
  const reply = (code: string, more: object = {}) =>
    ({ kind: 'answer', code, message: '', data: undefined, signedAt: 900, usage: undefined, windowMs: 5000, ...more }) as const;
  test('a ban is of the address, and a blocked country says so', () => {
    expect(verdictOf(reply('HTTP_403'), about)).toMatchObject({ kind: 'banned', of: 'address', forMs: 600_000 });
    expect(verdictOf(reply('HTTP_403'), about)).not.toHaveProperty('isBlocked');
    expect(verdictOf(reply('HTTP_403_COUNTRY'), about)).toMatchObject({ kind: 'banned', of: 'address', isBlocked: true });
  });
  test('a throttled request waits as long as the venue says, where it says so', () => {
    const usage = { limit: 20, used: 20, resetAt: 1700 };
    expect(verdictOf(reply('10006', { usage }), about)).toMatchObject({ kind: 'throttled', retryAfterMs: 700 });
    expect(verdictOf(reply('10006'), about)).not.toHaveProperty('retryAfterMs');
  });
  test.each(['HTTP_429', '10429', '429', '10014', '10000', '10016', '170035', 'HTTP_5XX', 'TIMEOUT'])(
    '%s may have been executed, and only within its window',
    (code) => expect(verdictOf(reply(code), about)).toMatchObject({ kind: 'unknown', signedAt: 900, refusedAfterMs: 5000 }),
  );
}); // prettier-ignore

describe('what no table holds', () => {
  test.each(['', '1', '999', '110000', '-2', 'constructor', '__proto__', 'toString', 'undefined'])(
    'code %j may have been executed',
    (code) => expect(meaningOf(code, '')).toEqual({ means: 'unknown', because: 'a code that is in no table', isKnown: false }),
  );
  test('any code with any message has a meaning, and only 0 is a success', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (code, message) => {
        expect(meaningOf(code, message).means === 'ok').toBe(code === '0');
      }),
    );
  });
  test('a status without a code always has a row in the table', () => {
    const known = new Set(codes.map(([code]) => code));
    fc.assert(fc.property(fc.integer({ min: 100, max: 999 }), fc.string(), fc.boolean(), (...given) => known.has(pseudoCode(...given)))); // prettier-ignore
  });
  test('only numbers are codes of its own', () => {
    expect(['0', '-1', '110072'].every(isRetCode)).toBe(true);
    expect(['HTTP_403', 'TIMEOUT', ''].some(isRetCode)).toBe(false);
  });
}); // prettier-ignore

describe('the remedy', () => {
  test('of every refusal of a key names what to look at', () => {
    for (const [code, means] of codes) if (means === 'unauthorised') expect(remedy(code)).toMatch(/\w{3}/);
    expect(remedy('10004')).toMatch(/secretKey/);
    expect(remedy('10003')).toMatch(/environment/);
    expect(remedy('10010')).toMatch(/address/);
    expect(remedy('33004')).toMatch(/90 days/);
  });
});
