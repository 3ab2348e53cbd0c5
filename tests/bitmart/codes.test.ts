// The table of answers: complete, without contradiction, and never more sure than the facts behind it.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { codes, meaningOf, pseudoCode, remedy, type CodeClass } from '../../shared/bitmart/codes.ts';

interface Row {
  readonly code: number | string;
  readonly http: number | string | null;
  readonly class: 'ok' | 'permanent' | 'auth' | 'throttled' | 'transient' | 'ambiguous';
}
const rows = JSON.parse(
  readFileSync(new URL('../data/bitmart/errors.json', import.meta.url), 'utf8'),
) as readonly Row[];

/** What a fact allows to conclude. */
const allowed: Readonly<Record<Row['class'], readonly CodeClass[]>> = {
  ok: ['ok'],
  permanent: ['refused', 'finished'],
  auth: ['unauthorised'],
  throttled: ['throttled', 'banned'],
  transient: ['unavailable'],
  ambiguous: ['unknown', 'duplicate', 'absent', 'failed'],
};

describe('the table', () => {
  test('holds every recorded code, in a class that its facts allow', () => {
    expect(rows.length).toBeGreaterThan(250);
    const wrong = rows
      .map((row) => ({ code: String(row.code), fact: row.class, means: meaningOf(String(row.code), '').means }))
      // 30031 retires an endpoint; the exchange may announce its end that way, hence the flag beside the class.
      .filter(({ fact, means }) => !allowed[fact].includes(means));
    expect(wrong).toEqual([]);
    const known = new Set(codes.map(([code]) => code));
    expect(rows.filter(({ code }) => !known.has(String(code)))).toEqual([]);
  });
  test('holds no code twice, and none that is not recorded but our own', () => {
    const known = codes.map(([code]) => code);
    expect(known.filter((code, index) => known.indexOf(code) !== index)).toEqual([]);
    const recorded = new Set(rows.map(({ code }) => String(code)));
    // Nobody answers NOT_SENT: it is our own word for what we did not send.
    expect(known.filter((code) => !recorded.has(code))).toEqual(['NOT_SENT']);
  });
  test('gives each row a reason', () => {
    expect(codes.filter(([, , because]) => because.trim().length < 4)).toEqual([]);
  });
  test('has one row for a ban by code and by status, and for throttling', () => {
    expect(['30017', 'HTTP_418', 'HTTP_403_HTML'].map((code) => meaningOf(code, '').means)).toEqual(
      Array(3).fill('banned'),
    );
    expect(['30013', 'HTTP_429'].map((code) => meaningOf(code, '').means)).toEqual(['throttled', 'throttled']);
  });
  test('takes a repeated id for a duplicate and a missing order for absent, in both markets', () => {
    expect(['50042', '40050'].map((code) => meaningOf(code, '').means)).toEqual(['duplicate', 'duplicate']);
    expect(['50005', '40035', '40037'].map((code) => meaningOf(code, '').means)).toEqual(Array(3).fill('absent'));
  });
});

describe('where the message decides', () => {
  test('51008 passes later, unless the pair has no API trading', () => {
    expect(meaningOf('51008', 'Operation limited, try again later')).toMatchObject({ means: 'unavailable' });
    expect(meaningOf('51008', 'This trading pair does not support API trading')).toMatchObject({
      means: 'refused',
      tradingOver: false,
    });
  });
  test.each(['You contract account available balance not enough.', 'Invalid order', 'Insufficient margin'])(
    '40012 is a refusal with %j',
    (message) => expect(meaningOf('40012', message)).toMatchObject({ means: 'refused', tradingOver: false }),
  );
  test.each(['', 'System error', 'timeout'])('40012 leaves it open with %j', (message) =>
    expect(meaningOf('40012', message).means).toBe('unknown'),
  );

  const over = [
    'Trading has ended',
    'The platform has ceased',
    'wind-down in progress',
    'All trading services have ended',
  ];
  test.each(over)('%j says that trading is over, under the codes that may say so', (message) => {
    for (const code of ['50023', '50040', '51008', '30016']) {
      expect([code, meaningOf(code, message)]).toEqual([
        code,
        { means: 'refused', because: 'the exchange has ended trading', tradingOver: true },
      ]);
    }
  });
  test('a retired endpoint is the end of trading in any words', () => {
    expect(meaningOf('30031', '')).toMatchObject({ means: 'refused', tradingOver: true });
  });
  test.each([
    ['50022', 'service unavailable', 'unknown'],
    ['30014', 'Service Unavailable', 'unknown'],
    ['30014', 'trading has ended', 'unknown'],
    ['30016', 'platform is closed for maintenance until 10:00', 'unavailable'],
    ['50022', 'the server was shut down', 'unknown'],
    ['30016', 'Service is closed for maintenance', 'unavailable'],
    ['50020', 'Trading has ended', 'refused'],
    ['1000', 'trading has ended', 'ok'],
    ['30013', 'platform closed', 'throttled'],
    ['TIMEOUT', 'service terminated', 'unknown'],
  ])('%s with %j is not the end of trading', (code, message, means) => {
    expect(meaningOf(code, message)).toMatchObject({ means, tradingOver: false });
  });
});

describe('what no table holds', () => {
  test.each(['', '0', '999', '50099', '1001', '-1', 'constructor', '__proto__', 'toString', 'undefined'])(
    'code %j may have been executed',
    (code) => {
      expect(meaningOf(code, '')).toEqual({
        means: 'unknown',
        because: 'a code that is in no table',
        tradingOver: false,
      });
    },
  );
  test('any code with any message has a meaning, and only 1000 is a success', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (code, message) => {
        expect(meaningOf(code, message).means === 'ok').toBe(code === '1000');
      }),
    );
  });
});

describe('a status without a code', () => {
  test.each([
    [200, false, 'unknown'],
    [200, true, 'unknown'],
    [204, false, 'unknown'],
    [302, false, 'unknown'],
    [400, false, 'unknown'],
    [403, true, 'banned'],
    [418, false, 'banned'],
    [429, false, 'throttled'],
    [429, true, 'throttled'],
    [500, false, 'unknown'],
    [502, true, 'unknown'],
    [503, true, 'unknown'],
    [504, false, 'unknown'],
    [520, true, 'unknown'],
  ])('%i, HTML: %p, is %s', (status, isHtml, means) => {
    expect(meaningOf(pseudoCode(status, isHtml), '').means).toBe(means);
  });
  test('always has a row in the table', () => {
    const known = new Set(codes.map(([code]) => code));
    fc.assert(fc.property(fc.integer({ min: 100, max: 999 }), fc.boolean(), (status, isHtml) => known.has(pseudoCode(status, isHtml)))); // prettier-ignore
  });
});

describe('the remedy', () => {
  test('of every refusal of a key names what to look at', () => {
    for (const [code, means] of codes) if (means === 'unauthorised') expect(remedy(code)).toMatch(/\w{3}/);
    expect(remedy('30005')).toMatch(/secretKey and memo/);
    expect(remedy('30010')).toMatch(/address/);
  });
});
