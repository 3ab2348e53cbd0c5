// Answers in the engine's words: every recorded one means what the facts say, and none that cannot be read means anything.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import {
  orderRows,
  partsOf,
  placedOutcome,
  succeeded,
  venueOrder,
  verdictOf,
  type OrderRow,
} from '../../shared/bybit/answers.ts';
import { send, type Reply, type Told } from '../../shared/bybit/wire.ts';
import type { VenueOrder } from '../../shared/order/venue.ts';

interface Sample {
  readonly request: { readonly path: string; readonly body: Readonly<Record<string, unknown>> | null };
  readonly response: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: object;
    readonly text?: string;
  };
}
const FOLDER = new URL('../data/bybit/samples/', import.meta.url);
const read = (name: string): Sample => JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as Sample;
const names = readdirSync(FOLDER).map((name) => name.replace('.json', ''));

/** A recorded answer as it comes over the wire. */
const replyOf = async (name: string): Promise<Reply> => {
  const { status, headers = {}, body, text } = read(name).response;
  const lower = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
  const transport = () => Promise.resolve({ kind: 'response' as const, status, headers: lower, body: text ?? JSON.stringify(body) }); // prettier-ignore
  const request = { method: 'GET', path: '/', deadline: 0, windowMs: 5000 } as const;
  return send(transport, 'http://host', request, () => 1_764_000_000_500, true);
};
const about = { banMs: 600_000, now: 1_764_000_000_500 };

describe('every recorded answer', () => {
  test('is read, and is a success exactly where it says so', async () => {
    for (const name of names.filter((one) => one !== 'ws-order')) {
      const reply = await replyOf(name);
      const { body } = read(name).response as { readonly body?: { readonly retCode?: number } };
      expect([name, succeeded(reply)]).toEqual([name, body?.retCode === 0]);
    }
  });
  test.each([
    ['error-country-403', { kind: 'banned', of: 'address', isBlocked: true }],
    ['error-ip-403', { kind: 'banned', of: 'address', venueCode: 'HTTP_403' }],
    ['error-decimals', { kind: 'refused', venueCode: '12137' }],
    ['error-duplicate-id-2023', { kind: 'duplicate' }],
    ['error-duplicate-id-linear', { kind: 'duplicate', venueCode: '110072' }],
    ['error-duplicate-id-spot', { kind: 'duplicate', venueCode: '170141' }],
    ['error-expired-inside', { kind: 'unavailable', venueCode: '-1' }],
    ['error-id-too-long', { kind: 'refused' }],
    ['error-insufficient-linear', { kind: 'refused', venueCode: '110007' }],
    ['error-insufficient-spot', { kind: 'refused', venueCode: '170131' }],
    ['error-key', { kind: 'unauthorised', venueCode: '10003' }],
    ['error-price-limit-low', { kind: 'refused', detail: expect.stringMatching(/0\.0025/) }],
    ['error-request-timeout', { kind: 'unknown', venueCode: '10016' }],
    ['error-server-timeout', { kind: 'unknown', venueCode: '10000' }],
    ['error-signature', { kind: 'unauthorised', venueCode: '10004' }],
    ['error-symbol', { kind: 'refused' }],
    ['error-throttled', { kind: 'throttled', retryAfterMs: 667 }],
    ['error-window', { kind: 'unavailable', venueCode: '10002' }],
  ])('%s', async (name, verdict) => {
    expect(verdictOf(await replyOf(name), about)).toMatchObject(verdict);
  });
  test.each(['spot-create-limit', 'spot-create-market-buy', 'linear-create'])('%s is placed', async (name) => {
    const { body } = read(name).request;
    const verdict = placedOutcome(await replyOf(name), String(body?.['orderLinkId']));
    expect(verdict).toMatchObject({ kind: 'placed', venueOrderId: expect.stringMatching(/^[\w-]{19,36}$/) });
  });
  test.each([
    ['spot-create-batch', ['placed', 'placed']],
    ['spot-create-batch-duplicate', ['duplicate']],
    ['spot-create-batch-over-limit', ['placed', 'throttled']],
  ])('%s, order by order', async (name, kinds) => {
    const reply = (await replyOf(name)) as Told;
    const asked = read(name).request.body?.['request'] as readonly { readonly orderLinkId: string }[];
    const ids = asked.map(({ orderLinkId }) => orderLinkId);
    const parts = partsOf(reply, ids) ?? [];
    const verdicts = parts.map((part, index) => placedOutcome(part, ids[index] ?? '') ?? verdictOf(part, about));
    expect(verdicts.map(({ kind }) => kind)).toEqual(kinds);
  });

  const orderIn = async (name: string): Promise<VenueOrder> => {
    const [row] = orderRows(((await replyOf(name)) as Told).data) ?? [];
    if (row === undefined) throw new Error(name);
    return venueOrder(row, name.startsWith('spot') ? 'spot' : 'futures', 'BTC_USDT');
  };
  test('spot-find-open', async () => {
    expect(await orderIn('spot-find-open')).toEqual({ venueOrderId: '1321003749386327552', market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'limit', state: 'open', price: '60000.1', size: '0.001', filledSize: '0', filledNotional: '0' });
  });
  test('spot-find-filled', async () => {
    expect(await orderIn('spot-find-filled')).toMatchObject({ state: 'filled', filledSize: '0.001', averagePrice: '60000.1' });
  });
  test('spot-find-rejected', async () => {
    const order = await orderIn('spot-find-rejected');
    expect(order).toMatchObject({ state: 'rejected', filledSize: '0', reason: 'EC_Others' });
    expect(order).not.toHaveProperty('cancelSource');
  });
  test('a post-only that crossed, on spot and on perpetuals', async () => {
    const shown = { state: 'canceled', type: 'limit-maker', filledSize: '0', cancelSource: 'system', reason: 'EC_PostOnlyWillTakeLiquidity' };
    expect(await orderIn('spot-find-post-only-crossed')).toMatchObject(shown);
    expect(await orderIn('linear-history-post-only')).toMatchObject({ ...shown, price: '26864.4', size: '0.003' });
  });
  test('a market buy by value that ends with a rest counts in quote coin, and is canceled with what it filled', async () => {
    const order = await orderIn('spot-find-market-buy-partly');
    expect(order).toMatchObject({ state: 'canceled', type: 'market', notional: '200', filledSize: '0.003332', filledNotional: '199.95', averagePrice: '60010', reason: 'EC_CancelByOrderValueZero' });
    expect(order).not.toHaveProperty('size');
    expect(order).not.toHaveProperty('price');
  });
  test('an absent order is an empty list, and no error', async () => {
    expect(orderRows(((await replyOf('spot-find-absent')) as Told).data)).toEqual([]);
  });
}); // prettier-ignore

describe('the state of an order', () => {
  const row = (more: Partial<OrderRow>): OrderRow => ({
    ...{ orderId: '1', orderLinkId: 'a', symbol: 'BTCUSDT', side: 'Buy', orderType: 'Limit' },
    ...{ orderStatus: 'New', cumExecQty: '0', qty: '1', price: '2' },
    ...more,
  });
  test.each([
    ['New', '0', 'open'],
    ['New', '0.5', 'partially-filled'],
    ['PartiallyFilled', '0.5', 'partially-filled'],
    ['Untriggered', '0', 'open'],
    ['Triggered', '0', 'open'],
    ['Filled', '1', 'filled'],
    ['Cancelled', '0', 'canceled'],
    ['Cancelled', '0.5', 'canceled'],
    ['PartiallyFilledCanceled', '0.5', 'canceled'],
    ['Deactivated', '0', 'canceled'],
    ['Rejected', '0', 'rejected'],
    ['Rejected', '0.5', 'canceled'],
    ['SomethingNew', '0', 'open'],
  ])('%s with %s filled is %s', (orderStatus, cumExecQty, state) => {
    expect(venueOrder(row({ orderStatus, cumExecQty }), 'spot', 'BTC_USDT').state).toBe(state);
  });
  test.each([
    [{ cancelType: 'CancelByUser' }, 'user', 'CancelByUser'],
    [{ rejectReason: 'EC_PerCancelRequest' }, 'user', 'EC_PerCancelRequest'],
    [{ rejectReason: 'EC_BySelfMatch' }, 'stp', 'EC_BySelfMatch'],
    [{ rejectReason: 'EC_NoError', cancelType: 'UNKNOWN' }, undefined, undefined],
    [{ rejectReason: 'a b <x>' }, undefined, undefined],
    [{ rejectReason: 'x'.repeat(65) }, undefined, undefined],
  ])('%j was canceled by %s, and why', (more, cancelSource, reason) => {
    const order = venueOrder(row({ orderStatus: 'Cancelled', ...more }), 'spot', 'BTC_USDT');
    expect([order.cancelSource, order.reason]).toEqual([cancelSource, reason]);
  });
  test('whatever a row holds, it is an order with a state, or no order', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('1', '0', 'Buy', 'Sell', 'Filled', 'BTCUSDT'));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(row({})), 'avgPrice', 'rejectReason'), fc.oneof(text, fc.anything())), (given) => {
        for (const one of orderRows({ list: [{ ...row({}), ...given }] }) ?? []) {
          const order = venueOrder(one, 'spot', 'BTC_USDT');
          expect(['open', 'partially-filled', 'filled', 'canceled', 'rejected']).toContain(order.state);
          expect(order.reason ?? '').toMatch(/^[\x20-\x7e]{0,64}$/);
        }
      }),
    );
  });
}); // prettier-ignore
