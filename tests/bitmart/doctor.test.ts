// What the doctor makes of credentials by looking at them, of a clock, of the announced end, and of answers: for any
// credentials it names fields and never a value, and tries few other readings, each of the same texts.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startLocalBitmart, type LocalBitmart } from '../../local/bitmart/server.ts';
import { codes } from '../../shared/bitmart/codes.ts';
import { bitmartDoctor } from '../../shared/bitmart/doctor.ts';
import { findings, trouble } from '../../shared/bitmart/findings.ts';
import { clockFinding } from '../../shared/bitmart/health.ts';
import { ofKey, ofSignature } from '../../shared/bitmart/suspects.ts';
import type { Credentials } from '../../shared/bitmart/wire.ts';
import { systemClock } from '../../shared/clock.ts';
import { commonFindings } from '../../shared/order/finding.ts';
import { optionsAt, transport } from './fixture.ts';

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: length, maxLength: length });
/** Long enough not to be a word of a sentence. */
const text = fc.string({ unit: 'grapheme', minLength: 12, maxLength: 40 });
const credentials: fc.Arbitrary<Credentials> = fc.record({
  apiKey: fc.oneof(hex(40), hex(64), text),
  secretKey: fc.oneof(hex(40), hex(64), text),
  memo: fc.oneof(text, fc.constant(''), hex(40)),
});
const ways = [ofSignature, ofKey];

describe('credentials that were refused', () => {
  test('are named by field and never by value, and are read in at most two other ways, none of them as they are', () => {
    fc.assert(
      fc.property(credentials, (given) => {
        for (const { suspects, trials } of ways.map((way) => way(given))) {
          const said = [...suspects, ...trials.flatMap(({ proves }) => proves)].map((one) => one.said).join('\n');
          for (const value of [given.apiKey, given.secretKey, given.memo].filter(Boolean))
            expect(said).not.toContain(value);
          expect(trials.length).toBeLessThanOrEqual(2);
          for (const trial of trials) {
            expect(trial.credentials).not.toEqual(given);
            expect(trial.proves.length).toBeGreaterThan(0);
          }
        }
      }),
    );
  });

  const strays = [
    (memo: string) => `${memo} `,
    (memo: string) => `\t${memo}`,
    (memo: string) => `${memo}\r\n`,
    (memo: string) => `\uFEFF${memo}`,
    (memo: string) => `${memo}\u200B`,
    (memo: string) => `"${memo}"`,
    (memo: string) => `‘${memo}’`,
    (memo: string) => memo.normalize('NFD'),
  ];
  const plain = fc.string({ unit: fc.constantFrom(...Array.from('abcXYZ019#-é')), minLength: 1, maxLength: 20 });
  test('what copying leaves around a memo or secret is taken away in the first trial', () => {
    fc.assert(
      fc.property(
        plain,
        plain,
        fc.constantFrom(...strays),
        fc.constantFrom(...strays),
        (memo, secretKey, inMemo, inSecret) => {
          const good = {
            apiKey: 'key',
            secretKey: secretKey.normalize('NFD').replaceAll('\u0301', ''),
            memo: memo.normalize('NFC'),
          };
          const copied = { ...good, memo: inMemo(good.memo), secretKey: inSecret(good.secretKey) };
          fc.pre(copied.memo !== good.memo || copied.secretKey !== good.secretKey);
          expect(ofSignature(copied).trials[0]?.credentials).toEqual(good);
        },
      ),
    );
  });

  test('a secret is tried as a key only where the key has not the shape of one', () => {
    fc.assert(
      fc.property(credentials, hex(40), (given, apiKey) => {
        expect(ofKey({ ...given, apiKey }).trials).toEqual([]);
      }),
    );
    const swapped = { apiKey: 'f'.repeat(64), secretKey: '0'.repeat(40), memo: '' };
    expect(ofKey(swapped).trials.map((trial) => trial.credentials.apiKey)).toEqual(['0'.repeat(40)]);
    expect(ofKey(swapped).suspects).toEqual([{ code: 'KEY_SHAPE', said: 'apiKey is shaped like a secret key' }]);
  });
});

test.each([
  [0, 'CLOCK_GOOD'],
  [499, 'CLOCK_GOOD'],
  [500, 'CLOCK_DRIFTS'],
  [999, 'CLOCK_DRIFTS'],
  [1000, 'CLOCK_AHEAD'],
  [-2499, 'CLOCK_GOOD'],
  [-2500, 'CLOCK_DRIFTS'],
  [-4999, 'CLOCK_DRIFTS'],
  [-5000, 'CLOCK_BEHIND'],
])('a clock that is %i ms ahead is %s', (aheadMs, code) => expect(clockFinding(aheadMs, 20).code).toBe(code));

describe('findings', () => {
  test('each that is no good one says what to do, and no code stands in two tables', () => {
    const rows = Object.entries<{ level: string; next?: string }>({ ...commonFindings, ...findings });
    const silent = rows.filter(([code, { level, next }]) => level !== 'good' && !next && code !== 'LIMIT_UNTOLD');
    expect(silent.map(([code]) => code)).toEqual([]);
    expect(rows).toHaveLength(Object.keys(commonFindings).length + Object.keys(findings).length);
  });
  test('every code of the exchange comes to one, and none to a good one', () => {
    const answer = { kind: 'answer', message: '', data: undefined, signedAt: 0, usage: undefined } as const;
    const found = codes.map(([code]) => trouble({ ...answer, code }));
    expect(found.filter(({ level }) => level === 'good')).toEqual([]);
    expect(found).toHaveLength(codes.length);
  });
});

describe('the announced end', () => {
  let local: LocalBitmart;
  beforeAll(async () => {
    local = await startLocalBitmart();
  });
  afterAll(() => local.close());

  /** The real host's name, with the local exchange behind it. */
  const tradingAt = async (time: string, host = 'https://api-cloud.bitmart.com'): Promise<readonly string[]> => {
    const offsetMs = Date.parse(time) - Date.now();
    const clock = { ...systemClock, now: () => Date.now() + offsetMs };
    const options = optionsAt(host, host, clock);
    const rerouted: typeof transport = (request) =>
      transport({
        ...request,
        url: request.url.replace(host, local.spotUrl),
        deadline: request.deadline - offsetMs,
        sendBefore: (request.sendBefore ?? Infinity) - offsetMs,
      });
    const found = await bitmartDoctor({ ...options, transport: rerouted }).exchange();
    return found.filter(({ check }) => check === 'trading').map(({ code }) => code);
  };

  test('is told of the real exchange from that moment on, and of no other', async () => {
    expect(await tradingAt('2026-08-26T00:59:00Z')).toEqual(['TRADING_GOOD']);
    expect(await tradingAt('2026-08-26T01:00:00Z')).toEqual(['TRADING_OVER']);
    expect(await tradingAt('2026-08-26T01:00:00Z', 'https://bitmart.com.example')).toEqual(['TRADING_GOOD']);
  });
});
