// The recorded answers of the exchange, read as its documentation says. What cannot be read proves nothing.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { cancelOutcome, emptiedOutcome, orderIdOf, sightingOf, verdictOf } from '../../shared/bitmart/answers.ts';
import type { Answer, Lost } from '../../shared/asking.ts';

interface Body {
  readonly code: number;
  readonly message?: string;
  readonly data?: unknown;
}
interface Sample {
  readonly request?: { readonly body: Readonly<Record<string, unknown>> | null };
  readonly response?: { readonly status: number; readonly body: Body };
}
const folder = new URL('../data/bitmart/samples/', import.meta.url);
const sample = (name: string): Sample => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Sample;
const answer = (code: string | number, message = '', data?: unknown): Answer => ({
  kind: 'answer',
  code: String(code),
  message,
  data,
  signedAt: 5,
  usage: undefined,
});
const answerOf = (name: string): Answer => {
  const body = sample(name).response?.body;
  return answer(body?.code ?? '', body?.message, body?.data);
};
const lost = (code: Lost['code']): Lost => ({ kind: 'lost', code, message: 'why', signedAt: 5, usage: undefined });
const BAN_MS = 300_000;

describe('an accepted order', () => {
  test.each([
    ['spot-submit-order-limit', '1223181'],
    ['spot-submit-order-market-buy', '200680753482701809'],
  ])('%s has its id', (name, id) => expect(orderIdOf(answerOf(name).data)).toBe(id));
  test('may have a number for an id', () => expect(orderIdOf({ order_id: 1223181 })).toBe('1223181'));
  test.each([undefined, null, {}, [], 'x', { order_id: '' }, { order_id: null }, { orderId: '1' }, { order_id: {} }])(
    'has none in %j',
    (data) => expect(orderIdOf(data)).toBeUndefined(),
  );
});

describe('a cancel', () => {
  test('took effect', () => {
    expect(cancelOutcome(answerOf('spot-cancel-order'))).toEqual({ kind: 'done' });
    expect(cancelOutcome(answer(1000, '', true))).toEqual({ kind: 'done' });
  });
  test('had nothing left to do where it says false', () => {
    const finished = { kind: 'done', detail: 'the order was already finished' };
    expect(cancelOutcome(answer(1000, '', { result: false }))).toEqual(finished);
    expect(cancelOutcome(answer(1000, '', false))).toEqual(finished);
    expect(cancelOutcome(answer(50030))).toEqual({ kind: 'done', detail: 'the order was already canceled' });
    expect(cancelOutcome(answer(50031))).toEqual({ kind: 'done', detail: 'the order was already filled' });
  });
  test.each([undefined, null, {}, [], 'x', { result: 'false' }, { result: 0 }])('answered with %j is open', (data) => {
    expect(cancelOutcome(answer(1000, '', data))).toMatchObject({ kind: 'unknown' });
  });
  test.each([['error-order-does-not-exist-cancel', '50032']])('%s found no such order open', (name, venueCode) => {
    expect(verdictOf(answerOf(name), BAN_MS)).toMatchObject({ kind: 'finished', venueCode });
  });
});

describe('a refused request', () => {
  test.each([
    ['error-balance', { kind: 'refused', venueCode: '50020', tradingOver: false }],
    ['error-duplicate-client-order-id', { kind: 'duplicate', venueCode: '50042' }],
    ['error-futures-insufficient', { kind: 'refused', venueCode: '40012' }],
    ['error-futures-not-entitled', { kind: 'unauthorised', venueCode: '30019' }],
    ['error-min-notional', { kind: 'refused', venueCode: '51011' }],
    ['error-pair-no-api', { kind: 'refused', venueCode: '51008', tradingOver: false }],
    ['error-post-only-no-depth', { kind: 'refused', venueCode: '50034' }],
    ['error-rate-limit', { kind: 'throttled', venueCode: '30013' }],
    ['error-sign-wrong', { kind: 'unauthorised', venueCode: '30005' }],
  ])('%s', (name, verdict) => expect(verdictOf(answerOf(name), BAN_MS)).toMatchObject(verdict));

  test('every recorded error is read here', () => {
    const errors = readdirSync(folder).filter((name) => name.startsWith('error-'));
    expect(errors).toHaveLength(12);
    for (const name of errors) expect(verdictOf(answerOf(name.replace('.json', '')), BAN_MS).kind).toMatch(/^[a-z]+$/);
  });
  test('is told with the code, what it means and what the exchange said, cut short', () => {
    const verdict = verdictOf(answer('50020', 'Balance not enough'), BAN_MS);
    expect(verdict).toMatchObject({ detail: 'BitMart 50020: balance not enough ("Balance not enough")' });
    expect(JSON.stringify(verdictOf(answer('50020', 'x'.repeat(9999)), BAN_MS)).length).toBeLessThan(400);
  });
  test('that bans says for how long', () => {
    expect(verdictOf(answer('30017'), 77)).toMatchObject({ kind: 'banned', forMs: 77 });
  });
  test('of a key says what to look at and repeats nothing that the exchange said', () => {
    const verdict = verdictOf(answer('30002', 'key S3cret not found'), BAN_MS);
    expect(verdict).toMatchObject({ kind: 'unauthorised', detail: expect.stringContaining('apiKey') });
    expect(JSON.stringify(verdict)).not.toContain('S3cret');
  });
});

describe('a request without proof', () => {
  test('one that may have arrived is unknown, with the moment it was signed', () => {
    expect(verdictOf(lost('TIMEOUT'), BAN_MS)).toMatchObject({ kind: 'unknown', venueCode: 'TIMEOUT', signedAt: 5 });
    expect(verdictOf(answer('HTTP_5XX_NO_CODE'), BAN_MS)).toMatchObject({ kind: 'unknown', signedAt: 5 });
    expect(verdictOf(answer('1000'), BAN_MS)).toMatchObject({ kind: 'unknown', signedAt: 5 });
    expect(verdictOf(answer('12345'), BAN_MS)).toMatchObject({ kind: 'unknown', signedAt: 5 });
  });
  test('one that cannot have arrived is unavailable', () => {
    expect(verdictOf(lost('CONNECT_FAILED'), BAN_MS)).toMatchObject({ kind: 'unavailable' });
  });
});

const row = answerOf('spot-query-client-order').data as Readonly<Record<string, unknown>>;
const seen = (change: Readonly<Record<string, unknown>> = {}, id = String(row['clientOrderId'])) =>
  sightingOf(answer(1000, 'success', { ...row, ...change }), id, BAN_MS);

describe('a look-up', () => {
  test('shows the recorded order', () => {
    expect(seen()).toEqual({
      kind: 'found',
      order: {
        market: 'spot',
        venueOrderId: '118100034543076010',
        symbol: 'BTC_USDT',
        side: 'buy',
        type: 'limit',
        state: 'filled',
        price: '48800.00',
        size: '0.10000',
        filledSize: '0.10000',
        filledNotional: '3999.90000',
        averagePrice: '39999.00',
      },
    });
  });
  test.each([
    ['new', 'open'],
    ['partially_filled', 'partially-filled'],
    ['filled', 'filled'],
    ['canceled', 'canceled'],
    ['partially_canceled', 'canceled'],
    ['failed', 'rejected'],
  ])('reads the state %s as %s', (state, read) => {
    expect(seen({ state })).toMatchObject({ kind: 'found', order: { state: read } });
  });
  test('reads the rows of the lists of open and of past orders too', () => {
    for (const name of ['spot-open-orders', 'spot-history-orders']) {
      for (const one of answerOf(name).data as readonly { readonly clientOrderId: string }[]) {
        expect(sightingOf(answer(1000, '', one), one.clientOrderId, BAN_MS).kind).toBe('found');
      }
    }
  });
  test('compares of a market order only what was asked', () => {
    const buy = seen({ type: 'market' });
    expect(buy).toMatchObject({ order: { type: 'market', notional: '4880.00000' } });
    expect(buy).not.toHaveProperty('order.size');
    expect(buy).not.toHaveProperty('order.price');
    const sell = seen({ type: 'market', side: 'sell' });
    expect(sell).toMatchObject({ order: { size: '0.10000' } });
    expect(sell).not.toHaveProperty('order.notional');
    expect(seen({ type: 'limit_maker' })).toMatchObject({ order: { type: 'limit-maker' } });
  });
  test('that sees nothing says so, and only then', () => {
    expect(sightingOf(answerOf('error-order-id-not-found-query'), 'nosuchorder', BAN_MS)).toEqual({ kind: 'nothing' });
    for (const code of ['40035', '40037']) expect(sightingOf(answer(code), 'x', BAN_MS).kind).toBe('nothing');
  });
  test('that speaks of another order proves nothing', () => {
    expect(seen({}, 'another')).toMatchObject({ kind: 'unavailable' });
    expect(seen({ clientOrderId: undefined })).toMatchObject({ kind: 'unavailable' });
  });
  test.each([undefined, null, {}, [], 'x', { orderId: '1' }])('that answers %j proves nothing', (data) => {
    expect(sightingOf(answer(1000, '', data), 'x', BAN_MS)).toMatchObject({ kind: 'unavailable' });
  });
  test.each([{ side: 'hold' }, { symbol: 5 }, { orderId: '' }])('with %j proves nothing', (change) => {
    expect(seen(change)).toMatchObject({ kind: 'unavailable' });
  });
  test('that shows our id is seen, whatever else cannot be read of it', () => {
    const odd = seen({ state: 'sleeping', filledSize: 'much', size: '1e3', price: -1, priceAvg: null, notional: '' });
    expect(odd).toMatchObject({ kind: 'found', order: { state: 'open', filledSize: '0' } });
    for (const field of ['size', 'price', 'averagePrice', 'notional']) expect(odd).not.toHaveProperty(`order.${field}`);
  });
  test.each([
    ['TIMEOUT', 'unknown'],
    ['CONNECT_FAILED', 'unavailable'],
    ['HTTP_429', 'throttled'],
    ['HTTP_418', 'banned'],
    ['HTTP_403_HTML', 'banned'],
    ['HTTP_5XX_NO_CODE', 'unknown'],
    ['HTTP_2XX_BAD_BODY', 'unknown'],
    ['30005', 'unauthorised'],
    ['30014', 'unknown'],
    ['30016', 'unavailable'],
    ['50042', 'unavailable'],
    ['50030', 'unavailable'],
    ['50021', 'refused'],
    ['70000', 'refused'],
  ])('that failed with %s is %s and never an absence', (code, kind) => {
    expect(sightingOf(answer(code), 'x', BAN_MS).kind).toBe(kind);
  });
  test('is never an absence and never an order, whatever data a success carries', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        expect(sightingOf(answer(1000, '', data), 'x', BAN_MS).kind).toBe('unavailable');
      }),
    );
  });
});

test.each([
  [1000, { kind: 'done' }],
  [50005, { kind: 'done', detail: 'there was nothing to cancel' }],
  [30013, undefined],
])('a cancel-all that is answered with %p is done where nothing rests any more, and else read by the table', (code, outcome) => {
  expect(emptiedOutcome(answer(code))).toEqual(outcome);
}); // prettier-ignore
