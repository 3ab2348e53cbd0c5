// Isolated margin over HTTP: its own spelling, its own balances, loans with and without their order, shared queries.
import { describe, expect, test } from '@jest/globals';
import { control, find, get, MAIN, ordersOf, OTHER, post, register, resting, submit, type Reply } from './client.ts';
import { localVenue } from './fixture.ts';

const SUBMIT = '/spot/v1/margin/submit_order';

describe('margin', () => {
  const venue = localVenue({ ...MAIN, margin: { BTC_USDT: { USDT: '1000' } } }, { ...OTHER, margin: {} });

  const place = (fields: object, as = MAIN): Promise<Reply> => post(venue, SUBMIT, { ...resting(), ...fields }, as);
  const code = async (fields: object, as = MAIN): Promise<number> => (await place(fields, as)).body.code;
  const act = async (name: string, fields: object): Promise<Reply['body']> =>
    (await post(venue, `/spot/v1/margin/isolated/${name}`, { symbol: 'BTC_USDT', currency: 'USDT', ...fields })).body;
  type Side = Readonly<Record<string, string>>;
  const account = async (): Promise<{ readonly base: Side; readonly quote: Side }> => {
    const { data } = (await get(venue, '/spot/v1/margin/isolated/account?symbol=BTC_USDT')).body;
    const [first] = (data as { symbols: readonly { base: Side; quote: Side }[] }).symbols;
    if (!first) throw new Error('no account');
    return first;
  };
  const records = async (kind: string): Promise<readonly Side[]> =>
    ((await get(venue, `/spot/v1/margin/isolated/${kind}_record?symbol=BTC_USDT`)).body.data as { records: Side[] })
      .records;
  const query = async (path: string, body: object): Promise<readonly Side[]> =>
    (await post(venue, `/spot/v4/query/${path}`, body)).body.data as readonly Side[];
  const loanOnly = (path = SUBMIT) =>
    control(venue, 'PUT', '/faults', { faults: [{ path, fault: 'loan-only', times: 1 }] });

  test('clientOrderId is the spelling; client_order_id is lost without an error, and with it the idempotency', async () => {
    expect(await code({ clientOrderId: 'mine' })).toBe(1000);
    expect(await code({ client_order_id: 'lost' })).toBe(1000);
    expect(await code({ client_order_id: 'lost' })).toBe(1000);
    expect((await find(venue, 'mine')).body.data).toMatchObject({ orderMode: 'iso_margin', state: 'new' });
    expect((await find(venue, 'lost')).body.code).toBe(50005);
    expect(await code({ clientOrderId: 'mine' })).toBe(50042);
    expect(await ordersOf(venue)).toMatchObject([
      { market: 'margin', clientOrderId: 'mine' },
      { market: 'margin' },
      { market: 'margin' },
    ]);
  });

  test('the same queries and cancels serve both modes, and orderMode tells them apart', async () => {
    await place({ clientOrderId: 'm' });
    await submit(venue, resting('s'));
    const ids = async (orderMode?: string): Promise<unknown> =>
      (await query('open-orders', { symbol: 'BTC_USDT', orderMode })).map((row) => row['clientOrderId']);
    expect([await ids(), await ids('spot'), await ids('iso_margin')]).toEqual([['s', 'm'], ['s'], ['m']]);
    const cancelled = await post(venue, '/spot/v3/cancel_order', { symbol: 'BTC_USDT', client_order_id: 'm' });
    expect(cancelled.body.data).toEqual({ result: true });
    expect((await account()).quote).toMatchObject({ available: '1000.00000000', frozen: '0.00000000' });
    await place({ type: 'market', notional: '600', clientOrderId: 'bought' });
    expect(await query('trades', { orderMode: 'iso_margin' })).toMatchObject([{ clientOrderId: 'bought' }]);
    expect(await query('trades', { orderMode: 'spot' })).toEqual([]);
  });

  test('an order trades with the money of its pair alone, not with the spot wallet', async () => {
    await place({ type: 'market', notional: '600', clientOrderId: 'a' });
    expect((await account()).base).toMatchObject({ available: '0.00999000' });
    const { wallet } = (await get(venue, '/spot/v1/wallet')).body.data as { wallet: Side[] };
    expect(wallet[0]).toMatchObject({ id: 'USDT', available: '1000000.00000000' });
    expect(await code({ symbol: 'ETH_USDT', price: '2000' })).toBe(59010);
    expect(await code({ clientOrderId: 'b' }, OTHER)).toBe(59010);
  });

  test('what an order lacks is borrowed, up to five times what is there, and not at all by promise', async () => {
    expect(await code({ size: '0.04', clientOrderId: 'two' })).toBe(1000);
    // 2000 and its fee of 1.6, less the 1000 there.
    expect((await account()).quote).toMatchObject({ borrowed: '1001.60000000', frozen: '2001.60000000' });
    expect(await records('borrow')).toMatchObject([{ currency: 'USDT', borrow_amount: '1001.60000000' }]);
    const refused = await place({ size: '0.08' });
    expect([refused.status, refused.body.code]).toEqual([500, 59010]);
    await control(venue, 'PUT', '/promises', { margin: { borrows: 'never' } });
    expect(await code({ size: '0.01' })).toBe(50020);
  });

  test.each([
    ['that lacks money', '0.04', '1001.60000000'],
    ['that lacks none', '0.01', '500.40000000'],
  ])('59009: the loan of an order %s goes through, the order does not', async (_, size, borrowed) => {
    await loanOnly();
    const failed = await place({ size, clientOrderId: 'one' });
    expect([failed.status, failed.body.code]).toEqual([500, 59009]);
    expect(await ordersOf(venue)).toEqual([]);
    expect((await find(venue, 'one')).body.code).toBe(50005);
    expect((await account()).quote).toMatchObject({ borrowed });
    // The id is not used up, and a repetition now needs no second loan.
    expect(await code({ size, clientOrderId: 'one' })).toBe(1000);
    expect(await records('borrow')).toHaveLength(1);
  });

  test('control knows the fault for margin placement alone', async () => {
    expect((await loanOnly('/spot/v2/submit_order')).status).toBe(400);
  });

  test('transfers move money between wallet and pair, as far as the loans are covered', async () => {
    expect(await act('transfer', { amount: '100', side: 'in' })).toMatchObject({ code: 1000, data: { transfer_id: expect.any(String) } }); // prettier-ignore
    expect((await account()).quote).toMatchObject({ available: '1100.00000000' });
    await control(venue, 'DELETE', '/state');
    await act('borrow', { amount: '3000' });
    expect(await act('transfer', { amount: '900', side: 'out' })).toMatchObject({ code: 51003 });
    await control(venue, 'DELETE', '/state');
    expect(await act('transfer', { amount: '5000', side: 'out' })).toMatchObject({ code: 50020 });
    expect(await act('transfer', { amount: '1', side: 'up' })).toMatchObject({ code: 50021 });
  });

  test('loans are borrowed within the leverage and repaid with their interest first', async () => {
    expect(await act('borrow', { amount: '4001' })).toMatchObject({ code: 51004 });
    await act('borrow', { amount: '1000' });
    expect((await account()).quote).toMatchObject({ borrow_unpaid: '1000.00000000', interest_unpaid: '0.01000000' });
    await control(venue, 'DELETE', '/state');
    await act('borrow', { amount: '1000' });
    expect(await act('repay', { amount: '1000.02' })).toMatchObject({ code: 51006 });
    expect(await act('repay', { amount: '1000.01' })).toMatchObject({ code: 1000, data: { repay_id: expect.any(String) } }); // prettier-ignore
    expect(await records('repay')).toMatchObject([
      { repaid_principal: '1000.00000000', repaid_interest: '0.01000000' },
    ]);
    expect((await account()).quote).toMatchObject({ borrowed: '0.00000000', available: '999.99000000' });
  });

  test('a pair row says what may still be borrowed', async () => {
    const { data } = (await get(venue, '/spot/v1/margin/isolated/pairs?symbol=BTC_USDT')).body;
    expect(data).toMatchObject({
      symbols: [{ max_leverage: '5', quote: { currency: 'USDT', borrowable_amount: '4000.00000000' }, base: { currency: 'BTC' } }], // prettier-ignore
    });
  });

  test('placement needs the permission for margin, and keeps to its own limit', async () => {
    await register(venue, { ...MAIN, permissions: ['read', 'spot-trade'] });
    expect(await code({})).toBe(30012);
    await register(venue, MAIN);
    const { headers } = await place({});
    expect(['Limit', 'Reset', 'Mode'].map((name) => headers.get(`X-BM-RateLimit-${name}`))).toEqual(['20', '1', 'UID']);
  });

  test('the order id comes as text, or as a number by promise', async () => {
    expect((await place({})).body.data).toEqual({ order_id: expect.stringMatching(/^\d{18}$/) });
    await control(venue, 'PUT', '/promises', { margin: { orderIdAs: 'number' } });
    expect((await place({})).body.data).toEqual({ order_id: expect.any(Number) });
  });

  test('a maker-only order that would take is refused at once, unlike on spot, or cancelled by promise', async () => {
    const taking = { type: 'limit_maker', price: '61000' };
    expect([await code({ ...taking, clientOrderId: 'a' }), await code({ ...taking, clientOrderId: 'a' })]).toEqual([50034, 50034]); // prettier-ignore
    expect(await code({ type: 'limit_maker', side: 'sell', price: '59000', size: '0.001' })).toBe(50035);
    expect(await code({ type: 'limit_maker', size: '0.00001' })).toBe(51011);
    expect(await ordersOf(venue)).toEqual([]);
    // Spot keeps to its own promise.
    expect((await submit(venue, { ...resting('s'), ...taking })).body.code).toBe(1000);
    await control(venue, 'PUT', '/promises', { margin: { limitMakerCrossing: 'cancel' } });
    expect(await code({ ...taking, clientOrderId: 'a' })).toBe(1000);
    const ends = (await ordersOf(venue)).map(({ market, state, cancelSource }) => `${market} ${state} ${cancelSource}`);
    expect(ends).toEqual(['spot canceled system', 'margin canceled system']);
  });

  test('client order ids keep to the rules of spot', async () => {
    expect(await code({ clientOrderId: 'a'.repeat(33) })).toBe(50037);
    expect(await code({ clientOrderId: 'no-dash' })).toBe(50038);
    expect(await code({ clientOrderId: 'A' })).toBe(1000);
    expect(await code({ clientOrderId: 'a' })).toBe(1000);
  });

  test('the clock rule is one minute', async () => {
    const old = (ms: number) => ({ 'X-BM-TIMESTAMP': String(Date.now() - ms) });
    expect((await post(venue, SUBMIT, resting(), MAIN, old(50_000))).body.code).toBe(1000);
    expect((await post(venue, SUBMIT, resting(), MAIN, old(61_000))).body.code).toBe(30007);
  });

  test('an order number is beyond what a double holds', async () => {
    await control(venue, 'PUT', '/promises', { margin: { orderIdAs: 'number' } });
    const { order_id: rounded } = (await place({ clientOrderId: 'a' })).body.data as { order_id: number };
    expect(Number.isSafeInteger(rounded)).toBe(false);
  });
});
