// Settings: all that are wrong are named together, by name alone.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { executeQueues, reconcileQueues } from '../shared/aws/queues.ts';
import { bitmartSettings } from '../shared/bitmart/venue.ts';
import { names, numeric, readSettings, url, words } from '../shared/config.ts';
import { refuseShortVisibility } from '../shared/wiring.ts';

const settings = {
  queue: url('QUEUE_URL'),
  venue: url('VENUE_URL', 'https://example.com/'),
  share: numeric('SHARE', '0.5', 0.1, 1),
  prefix: words('PREFIX', 'accounts/'),
};
const messageOf = (env: Readonly<Record<string, string | undefined>>): string => {
  try {
    readSettings(env, settings);
    return 'no error';
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return (error as RangeError).message;
  }
};

describe('readable settings', () => {
  test('are read, with what is not given taken from the defaults', () => {
    expect(readSettings({ QUEUE_URL: 'http://127.0.0.1:4566/000/q' }, settings)).toEqual({
      queue: 'http://127.0.0.1:4566/000/q',
      venue: 'https://example.com',
      share: 0.5,
      prefix: 'accounts/',
    });
  });
  test('who follows orders handles the queue that it writes to, and needs no intents', () => {
    const env = { PENDING_QUEUE_URL: 'https://p', REPORTS_QUEUE_URL: 'https://r', DEAD_QUEUE_URL: 'https://d' };
    const [handledUrl, reportsUrl, deadUrl] = ['https://p', 'https://r', 'https://d'];
    expect(readSettings(env, reconcileQueues)).toEqual({ handledUrl, pendingUrl: handledUrl, reportsUrl, deadUrl });
  });
  test('an empty variable is one that is not set', () => {
    const env = { QUEUE_URL: 'https://q/', SHARE: '', PREFIX: '' };
    expect(readSettings(env, settings)).toMatchObject({ queue: 'https://q', share: 0.5, prefix: 'accounts/' });
  });
  test('bounds belong to the range', () => {
    for (const share of ['0.1', '1', '1.0', '1e-1']) {
      expect(readSettings({ QUEUE_URL: 'http://q', SHARE: share }, settings).share).toBe(Number(share));
    }
  });
  test('the defaults of the exchange are readable, and the queues have none', () => {
    expect(readSettings({}, bitmartSettings)).toMatchObject({
      spotUrl: 'https://api-cloud.bitmart.com',
    });
    expect(() => readSettings({}, executeQueues)).toThrow(
      /INTENTS_QUEUE_URL is missing.*DEAD_QUEUE_URL is missing.*PENDING_QUEUE_URL is missing.*REPORTS_QUEUE_URL is missing/,
    );
    expect(() => readSettings({}, reconcileQueues)).toThrow(
      /^wrong settings: PENDING_QUEUE_URL is missing; DEAD_QUEUE_URL is missing; .*REPORTS_QUEUE_URL is missing\. /,
    );
  });
});

describe('wrong settings', () => {
  test('are named all together, with what each must be and where to set it', () => {
    expect(messageOf({ VENUE_URL: 'example.com', SHARE: '2' })).toBe(
      'wrong settings: QUEUE_URL is missing; VENUE_URL must be an http(s) URL; SHARE must be a number from 0.1 to 1. ' +
        "Set them in the function's environment (serverless.yml).",
    );
  });
  test.each(['0.09', '1.01', '-1', 'x', ' ', 'NaN', 'Infinity', '0.5 s', '0,5'])('a number may not be %j', (value) => {
    expect(messageOf({ QUEUE_URL: 'http://q', SHARE: value })).toContain('SHARE must be a number');
  });
  test.each(['q', '/q', 'ftp://q', 'file:///q', 'http://', 'javascript:1', ' '])('a URL may not be %j', (value) => {
    expect(messageOf({ QUEUE_URL: value })).toContain('QUEUE_URL must be an http(s) URL');
  });
  test('show no value, whatever it is', () => {
    const value = fc.string({ minLength: 6 }).map((text) => `S3cret${text}`);
    fc.assert(
      fc.property(value, value, (a, b) => {
        const message = messageOf({ QUEUE_URL: a, SHARE: b });
        expect(message).not.toContain('S3cret');
        expect(message).toMatch(/QUEUE_URL.*SHARE/);
      }),
    );
  });
});

describe('settings that would void the proof of absence', () => {
  const at = (visibilitySeconds: number, refusesTimestampsAfterMs: number, showsOrdersWithinMs: number) => () =>
    refuseShortVisibility(visibilitySeconds, [{ venue: 'quick', variables: [], refusesTimestampsAfterMs: 0, showsOrdersWithinMs: 0 }, { venue: 'slow', variables: ['A_WINDOW_MS', 'A_LAG_MS'], refusesTimestampsAfterMs, showsOrdersWithinMs }]); // prettier-ignore

  test('are refused: a visibility below two windows and a lag, whatever they are', () => {
    const ms = fc.integer({ min: 100, max: 600_000 });
    fc.assert(
      fc.property(ms, fc.integer({ min: 10, max: 15_000 }), (windowMs, lagMs) => {
        const least = (2 * windowMs + lagMs) / 1000;
        expect(at(least, windowMs, lagMs)).not.toThrow();
        expect(at(least - 0.001, windowMs, lagMs)).toThrow(RangeError);
      }),
    );
  });
  test('are told by name, with the limit and the way out', () => {
    expect(at(124, 60_000, 5000)).toThrow(
      /^INTENTS_VISIBILITY_SECONDS \(124\) is below 125, .*for slow .*A_WINDOW_MS.*A_LAG_MS.*VisibilityTimeout/,
    );
    expect(at(180, 60_000, 5000)).not.toThrow();
  });
  test('keep the function that places from starting', async () => {
    const queue = (name: string) => [`${name}_QUEUE_URL`, 'http://q'];
    const queues = Object.fromEntries(['INTENTS', 'DEAD', 'PENDING', 'REPORTS'].map(queue)) as Record<string, string>;
    Object.assign(process.env, queues, { BITMART_TIMESTAMP_WINDOW_MS: '90000' });
    await expect(import('../functions/execute.ts')).rejects.toThrow(
      /^INTENTS_VISIBILITY_SECONDS \(180\) is below 185, .*BITMART_TIMESTAMP_WINDOW_MS.*BITMART_LOOKUP_LAG_MS/,
    );
  });
  test('include a lag of which two do not fit into an invocation', () => {
    expect(readSettings({ BITMART_LOOKUP_LAG_MS: '15000' }, bitmartSettings).showsOrdersWithinMs).toBe(15_000);
    expect(() => readSettings({ BITMART_LOOKUP_LAG_MS: '15001' }, bitmartSettings)).toThrow(
      /BITMART_LOOKUP_LAG_MS must/,
    );
  });
});

describe('names with commas between them', () => {
  const read = (text: string) =>
    readSettings({ NAMES: text }, { all: names('NAMES', '', 2), some: names('NAMES', '', 3, ['spot', 'futures']) });
  test('are read, and none at all is none', () => {
    expect(readSettings({}, { all: names('NAMES', '', 2) })).toEqual({ all: [] });
    expect(read('spot, futures')).toEqual({ all: ['spot', 'futures'], some: ['spot', 'futures'] });
  });
  test('and what is no name, unknown or too much is said', () => {
    expect(() => read('spot,perpetual')).toThrow('NAMES must be at most 3 names with commas between them, each out of spot, futures'); // prettier-ignore
    expect(() => readSettings({ NAMES: 'a,b,c' }, { all: names('NAMES', '', 2) })).toThrow('at most 2 names');
    expect(() => readSettings({ NAMES: 'A b' }, { all: names('NAMES', '', 2) })).toThrow('1 to 32 lower-case letters');
  });
});
