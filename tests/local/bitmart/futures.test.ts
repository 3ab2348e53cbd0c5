// Futures v2 over HTTP: every trap of the documents as a property, positions and money, the dead-man switch.
import { describe, expect, test } from '@jest/globals';
import { control, get, MAIN, ordersOf, OTHER, post, register, resting, submit, type Reply } from './client.ts';
import { localVenue } from './fixture.ts';

const SUBMIT = '/contract/private/submit-order';

describe('futures', () => {
  const venue = localVenue(MAIN, OTHER);

  /** Opens a long that rests well below the market; fields replace what is sent. */
  const order = (fields: object = {}): object => ({
    symbol: 'BTCUSDT',
    side: 1,
    type: 'limit',
    leverage: '10',
    open_type: 'cross',
    size: 10,
    price: '50000',
    ...fields,
  });
  const place = (fields: object = {}, as = MAIN): Promise<Reply> => post(venue, SUBMIT, order(fields), as);
  const code = async (fields: object, as = MAIN): Promise<number> => (await place(fields, as)).body.code;
  const market = (side: number, size: number): object => ({ side, type: 'market', size, price: undefined });
  const act = (name: string, body: object, as = MAIN): Promise<Reply> =>
    post(venue, `/contract/private/${name}`, body, as);
  const read = async <Data>(path: string): Promise<Data> =>
    (await get(venue, `/contract/private/${path}`)).body.data as Data;
  const promise = (futures: object) => control(venue, 'PUT', '/promises', { futures });
  type Row = Readonly<Record<string, string>>;
  const book = async (): Promise<readonly string[]> =>
    (await ordersOf(venue)).map(({ clientOrderId, state }) => `${clientOrderId} ${state}`);
  const positions = (): Promise<readonly Row[]> => read('position-v2');
  const move = (symbol: string, mid: string) => control(venue, 'PUT', '/market', { symbol, mid });
  /** The id as text, although it comes as a number beyond 2^53. */
  const idOf = async (clientOrderId: string): Promise<string> =>
    (await ordersOf(venue)).find((one) => one.clientOrderId === clientOrderId)?.orderId ?? '';

  test.each([
    [{ symbol: undefined }, 40011],
    [{ symbol: 'BTC_USDT' }, 40034],
    [{ symbol: 'OLDUSDT', price: '1' }, 40014],
    [{ side: 5 }, 40041],
    [{ side: 'buy' }, 40041],
    [{ type: 'stop' }, 40042],
    [{ mode: 9 }, 40011],
    [{ mode: 4, type: 'market' }, 40011],
    [{ stp_mode: 7 }, 40011],
    [{ size: undefined }, 40011],
    [{ size: 0 }, 40044],
    [{ size: 1.5 }, 40043],
    [{ size: 500_001 }, 40044],
    [{ size: 50_001, type: 'market' }, 40044],
    [{ price: undefined }, 40011],
    [{ price: '50000.05' }, 40043],
    [{ symbol: 'XRPUSDT', price: '0.5003' }, 40043],
    [{ symbol: 'XRPUSDT', price: '0.5005', size: 500_000, leverage: '1' }, 40012],
    [{ leverage: undefined }, 40040],
    [{ leverage: 'ten' }, 40040],
    [{ leverage: '101' }, 40029],
    [{ leverage: '0.5' }, 40030],
    [{ open_type: undefined }, 40045],
    [{ open_type: 'fixed' }, 40045],
    [{ side: 3 }, 40021],
    [{ side: 2 }, 40021],
    [{ client_order_id: 'a'.repeat(33) }, 40049],
    [{ client_order_id: 'no-dash' }, 40048],
    [{ client_order_id: '3b241101-e2bb-4255-8caf-4136c566a962' }, 40049],
    [{ client_order_id: 7 }, 40007],
    // The documents' types: whole numbers are numbers, decimals are text.
    [{ size: '10' }, 40007],
    [{ price: 50_000 }, 40007],
    [{ leverage: 10 }, 40007],
    [{ preset_take_profit_price: 'high' }, 40011],
    [{ preset_take_profit_price: '70000.05' }, 40043],
    [{ preset_stop_loss_price: '40000', preset_stop_loss_price_type: 3 }, 40011],
  ])('%j is refused with %p and leaves no order', async (wrong, expected) => {
    expect(await code(wrong)).toBe(expected);
    expect(await ordersOf(venue)).toEqual([]);
  });

  test('ids are numbers that a double cannot tell apart, and the very digits find and cancel the order', async () => {
    for (const id of ['a', 'b', 'c']) await place({ client_order_id: id });
    const raw = await fetch(`${venue.futuresUrl}/contract/private/get-open-orders`, {
      headers: { 'X-BM-KEY': MAIN.apiKey },
    });
    const ids = [...(await raw.text()).matchAll(/"order_id":"(\d{17})"/g)].map(([, id]) => id ?? '');
    expect(new Set(ids).size).toBe(3);
    expect(new Set(ids.map(Number)).size).toBeLessThan(3);
    const { order_id: rounded } = (await place({ client_order_id: 'd' })).body.data as { order_id: number };
    expect(typeof rounded).toBe('number');
    const own = await idOf('b');
    expect(await read(`order?symbol=BTCUSDT&order_id=${own}`)).toMatchObject({ order_id: own, client_order_id: 'b' });
    // As a number in the body, digit by digit: the venue reads 64 bits.
    expect((await post(venue, '/contract/private/modify-limit-order', `{"symbol":"BTCUSDT","order_id":${own},"size":7}`)).body).toMatchObject({ code: 1000, data: { client_order_id: 'b' } }); // prettier-ignore
    await act('cancel-order', { symbol: 'BTCUSDT', order_id: own });
    expect(await book()).toEqual(['a new', 'b canceled', 'c new', 'd new']);
    await promise({ orderIds: 'within-2^53' });
    const { order_id: small } = (await place({ client_order_id: 'e' })).body.data as { order_id: number };
    expect(String(small)).toBe(await idOf('e'));
  });

  test.each([
    ['no id at all', {}],
    ['an empty id', { order_id: '', client_order_id: '' }],
    ['a misspelt id', { clientOrderId: 'a' }],
    ['a misspelt order id', { orderId: '1' }],
  ])('a cancel with %s cancels the whole symbol, and no other', async (_, ids) => {
    for (const id of ['a', 'b']) await place({ client_order_id: id });
    await place({ client_order_id: 'e', symbol: 'ETHUSDT', price: '1000' });
    await place({ client_order_id: 'a' }, OTHER);
    expect((await act('cancel-order', { symbol: 'BTCUSDT', ...ids })).body).toMatchObject({ code: 1000, data: {} });
    expect(await book()).toEqual(['a canceled', 'b canceled', 'e new', 'a new']);
  });

  test('a misspelt client order id is lost without an error', async () => {
    expect(await code({ clientOrderId: 'lost' })).toBe(1000);
    expect(await ordersOf(venue)).toMatchObject([{ clientOrderId: '', market: 'futures', symbol: 'BTCUSDT' }]);
    expect(await read('order-history?symbol=BTCUSDT&client_order_id=lost')).toEqual([]);
  });

  test('cancels name what they cannot find or cannot cancel', async () => {
    await place({ client_order_id: 'a' });
    const cancel = async (fields: object, as = MAIN): Promise<number> =>
      (await act('cancel-order', { symbol: 'BTCUSDT', ...fields }, as)).body.code;
    expect(await cancel({ client_order_id: 'zz' })).toBe(40035);
    expect(await cancel({ order_id: '1' })).toBe(40037);
    expect(await cancel({ client_order_id: 'a' }, OTHER)).toBe(40035);
    expect(await cancel({ client_order_id: 'a', symbol: 'ETHUSDT' })).toBe(40035);
    expect(await cancel({ client_order_id: 'a' })).toBe(1000);
    expect(await cancel({ client_order_id: 'a' })).toBe(40036);
    await promise({ cancelsFinished: 'accepted' });
    expect(await cancel({ client_order_id: 'a' })).toBe(1000);
  });

  test('a repeated client order id is refused with 403 and 40050: always, while open, never, or as spot does', async () => {
    const again = async (): Promise<unknown> => {
      const { status, body } = await place({ client_order_id: 'id' });
      return [status, body.code];
    };
    expect([await again(), await again()]).toEqual([[200, 1000], [403, 40050]]); // prettier-ignore
    expect(await code({ client_order_id: 'id' }, OTHER)).toBe(1000);
    await act('cancel-orders', { symbol: 'BTCUSDT' });
    expect(await again()).toEqual([403, 40050]);
    await promise({ refusesRepeatedIds: 'whileOpen' });
    expect([await again(), await again()]).toEqual([[200, 1000], [403, 40050]]); // prettier-ignore
    await control(venue, 'PUT', '/promises', { refusesRepeatedIds: false });
    expect(await again()).toEqual([200, 1000]);
    await control(venue, 'PUT', '/promises', { refusesRepeatedIds: false, futures: { refusesRepeatedIds: true } });
    expect(await again()).toEqual([403, 40050]);
    // Spot remembers its own ids.
    expect((await submit(venue, { symbol: 'BTC_USDT', side: 'buy', type: 'limit', size: '0.01', price: '50000', client_order_id: 'id' })).body.code).toBe(1000); // prettier-ignore
  });

  test('fill or kill fills whole or not at all, immediate or cancel what there is, maker only never takes', async () => {
    // At 60000.1 the house offers 250 contracts.
    const at = { price: '60000.1', size: 300 };
    for (const mode of [2, 3, 4]) expect(await code({ ...at, mode, client_order_id: `m${mode}` })).toBe(1000);
    expect(await code({ ...at, size: 250, mode: 2, client_order_id: 'whole' })).toBe(1000);
    expect(await code({ mode: 4, client_order_id: 'rests' })).toBe(1000);
    expect(await book()).toEqual(['m2 canceled', 'm3 partially_canceled', 'm4 canceled', 'whole filled', 'rests new']);
    // To a reader they are all finished alike: only the filled size tells.
    const rows = await read<readonly Row[]>('order-history?symbol=BTCUSDT');
    expect(rows.map((row) => [row['client_order_id'], row['state'], row['deal_size']])).toEqual([
      ['whole', 4, '250'],
      ['m4', 4, '0'],
      ['m3', 4, '250'],
      ['m2', 4, '0'],
    ]);
    await promise({ makerOnlyCrossing: 'refuse' });
    const refused = await place({ ...at, mode: 4 });
    expect([refused.status, refused.body]).toMatchObject([400, { code: 40012, message: 'Invalid order' }]);
  });

  test('in hedge mode long and short live side by side, and closing more than is held is refused', async () => {
    await place({ ...market(1, 100) });
    await place({ ...market(4, 40) });
    const held = async (): Promise<unknown> =>
      (await positions()).map((row) => [row['position_side'], row['current_amount'], row['entry_price']]);
    expect(await held()).toEqual([['long', '100', '60000.1'], ['short', '40', '59999.9']]); // prettier-ignore
    expect(await code({ side: 3, size: 101 })).toBe(40020);
    expect(await code({ side: 3, size: 60, price: '70000', client_order_id: 'half' })).toBe(1000);
    // The working one counts.
    expect(await code({ side: 3, size: 41, price: '70000' })).toBe(40020);
    expect(await code({ side: 3, ...market(3, 40) })).toBe(1000);
    expect(await code({ ...market(2, 40) })).toBe(1000);
    expect(await held()).toEqual([['long', '60', '60000.1']]);
    expect(await code({ side: 2 })).toBe(40021);
    const flat = await read<readonly Row[]>('position-v2?symbol=BTCUSDT');
    expect(flat.map((row) => [row['position_side'], row['current_amount']])).toEqual([['long', '60'], ['short', '0']]); // prettier-ignore
    expect(await read<readonly Row[]>('position-v2?symbol=ETHUSDT')).toHaveLength(2);
  });

  test('in one-way mode a sell first closes the long and then turns it, reduce-only never does', async () => {
    expect((await act('set-position-mode', { position_mode: 'one_way_mode' })).body.code).toBe(1000);
    await place({ ...market(1, 100) });
    expect(await code({ side: 3, size: 101, price: '59000' })).toBe(40020);
    await place({ ...market(4, 150) });
    expect(await positions()).toMatchObject([{ position_side: 'both', current_amount: '50', position_amount: '-50' }]);
    expect(await code({ ...market(3, 10) })).toBe(40021);
    expect(await code({ ...market(2, 50) })).toBe(1000);
    expect(await positions()).toEqual([]);
  });

  test('resting and market exits together close what is held and no more', async () => {
    await place({ ...market(1, 100) });
    await place({ side: 3, size: 100, price: '61000', client_order_id: 'exit' });
    // Room for a second exit, which closes the most of it; then the first takes the rest.
    await act('modify-limit-order', { symbol: 'BTCUSDT', client_order_id: 'exit', size: 40 });
    await place({ ...market(3, 60) });
    await act('modify-limit-order', { symbol: 'BTCUSDT', client_order_id: 'exit', price: '59000' });
    expect(await positions()).toEqual([]);
    expect(await book()).toContain('exit filled');
  });

  test('money: fees, average price, realised and unrealised profit, margin of orders and positions', async () => {
    const assets = async (): Promise<Row | undefined> => (await read<readonly Row[]>('assets-detail'))[0];
    expect(await assets()).toMatchObject({ available_balance: '1000000', equity: '1000000', frozen_balance: '0' });
    await place({ client_order_id: 'rests' });
    // 10 contracts of 0.001 coins at 50000, a tenth of it, and the fee.
    expect(await assets()).toMatchObject({ frozen_balance: '50.3', available_balance: '999949.7' });
    await act('cancel-order', { symbol: 'BTCUSDT', client_order_id: 'rests' });
    await place({ ...market(1, 250) });
    await place({ ...market(1, 250) });
    expect(await positions()).toMatchObject([{ entry_price: '60000.1', current_amount: '500', current_fee: '18.00003', initial_margin: '3000.005' }]); // prettier-ignore
    await move('BTC_USDT', '61000.05');
    expect(await positions()).toMatchObject([{ mark_price: '61000', unrealized_pnl: '499.95' }]);
    expect(await assets()).toMatchObject({
      unrealized: '499.95',
      position_deposit: '3000.005',
      equity: '1000481.94997',
    });
    await place({ ...market(3, 250) });
    expect(await positions()).toMatchObject([
      { realized_value: '249.95', close_avg_price: '60999.9', close_vol: '250' },
    ]);
    const [last] = await read<readonly Row[]>('trades?symbol=BTCUSDT');
    expect(last).toMatchObject({
      realised_profit: '249.95',
      profit: true,
      vol: '250',
      exec_type: 'Taker',
      paid_fees: '9.149985',
    });
    const flows = await read<readonly Row[]>('transaction-history?flow_type=2');
    expect(flows).toMatchObject([{ type: 'Realized PNL', amount: '249.95', time: expect.stringMatching(/^\d{13}$/) }]);
    expect((await control(venue, 'GET', '/positions')).body).toMatchObject([{ uid: 'uid-main', symbol: 'BTCUSDT', side: 'long', amount: '250' }]); // prettier-ignore
  });

  test('leverage and margin mode of an opening order have to be those of the open position', async () => {
    await place({ ...market(1, 10) });
    expect(await code({ leverage: '20' })).toBe(40040);
    expect(await code({ open_type: 'isolated' })).toBe(40045);
    expect(await code({ side: 4, leverage: '20' })).toBe(40040);
    expect(await code({ symbol: 'ETHUSDT', leverage: '20', price: '1000' })).toBe(1000);
    const lever = (leverage: string, open_type: string) =>
      act('submit-leverage', { symbol: 'BTCUSDT', leverage, open_type });
    expect((await lever('20', 'isolated')).body.code).toBe(40045);
    expect((await lever('200', 'cross')).body.code).toBe(40029);
    expect((await lever('20', 'cross')).body).toMatchObject({
      code: 1000,
      data: { leverage: '20', open_type: 'cross' },
    });
    expect([await code({ leverage: '10' }), await code({ leverage: '20' })]).toEqual([40040, 1000]);
    // A close needs neither.
    expect(await code({ side: 3, leverage: undefined, open_type: undefined, size: 5, price: '70000' })).toBe(1000);
    await promise({ opensWithoutTerms: true });
    expect(await code({ leverage: undefined, open_type: undefined })).toBe(1000);
  });

  test('the position mode is not changed while anything is held or working', async () => {
    const set = async (): Promise<number> =>
      (await act('set-position-mode', { position_mode: 'one_way_mode' })).body.code;
    await place();
    expect(await set()).toBe(40059);
    await act('cancel-orders', { symbol: 'BTCUSDT' });
    await place({ ...market(1, 1) });
    expect(await set()).toBe(40059);
    expect(await read('get-position-mode')).toEqual({ position_mode: 'hedge_mode' });
  });

  test('and changes for the whole account when nothing is', async () => {
    expect((await act('set-position-mode', { position_mode: 'one_way_mode' })).body.code).toBe(1000);
    expect(await read('get-position-mode')).toEqual({ position_mode: 'one_way_mode' });
    expect((await act('set-position-mode', { position_mode: 'both' })).body.code).toBe(40011);
  });

  test('a balance that does not carry an order has three codes, one of them with HTTP 200', async () => {
    const POOR = { ...OTHER, account: 'poor', apiKey: 'key-of-poor' };
    await register(venue, { ...POOR, futures: { USDT: '10' } });
    const poor = await place({}, POOR);
    expect([poor.status, poor.body]).toMatchObject([
      400,
      { code: 40012, message: expect.stringContaining('not enough') },
    ]);
    for (const [balanceCode, status] of [
      [40027, 400],
      [42000, 200],
    ]) {
      // prettier-ignore
      await promise({ balanceCode });
      expect(await place({}, POOR)).toMatchObject({ status, body: { code: balanceCode } });
    }
    expect(await ordersOf(venue)).toEqual([]);
    await register(venue, { ...POOR, futures: { USDT: '1000' } });
    expect(await code({}, POOR)).toBe(1000);
  });

  test('an amended order keeps its id; what is filled or closed cannot be amended', async () => {
    await place({ client_order_id: 'a' });
    const modify = (fields: object) =>
      act('modify-limit-order', { symbol: 'BTCUSDT', client_order_id: 'a', ...fields });
    const before = await idOf('a');
    expect((await modify({ price: '51000' })).body).toMatchObject({ code: 1000, data: { client_order_id: 'a' } });
    expect(await read(`order?symbol=BTCUSDT&order_id=${before}`)).toMatchObject({
      price: '51000',
      size: '10',
      state: 2,
    });
    expect((await modify({})).body.code).toBe(40011);
    expect((await modify({ price: '51000.01' })).body.code).toBe(40043);
    expect((await modify({ size: 500_000, price: '59000' })).body.code).toBe(40012);
    expect((await act('modify-limit-order', { symbol: 'BTCUSDT', price: '1' })).body.code).toBe(40011);
    expect((await modify({ price: '60001' })).body.code).toBe(1000);
    expect(await book()).toEqual(['a filled']);
    expect((await modify({ price: '50000' })).body.code).toBe(40036);
  });

  test('presets are kept with an opening order and dropped with a closing one', async () => {
    await place({ preset_take_profit_price: '70000', preset_take_profit_price_type: 1 });
    expect(await read('get-open-orders?symbol=BTCUSDT')).toMatchObject([
      { preset_take_profit_price: '70000', preset_take_profit_price_type: 1, preset_stop_loss_price: '' },
    ]);
    await place({ ...market(1, 5) });
    await place({ side: 3, size: 5, price: '70000', preset_stop_loss_price: '1', client_order_id: 'exit' });
    expect(await read('get-open-orders?limit=1')).toMatchObject([
      { client_order_id: 'exit', preset_stop_loss_price: '' },
    ]);
  });

  test('presets on a closing order are refused by promise', async () => {
    await place({ ...market(1, 5) });
    await promise({ presetsOnClosing: 'refuse' });
    expect(await code({ side: 3, size: 5, price: '70000', preset_stop_loss_price: '1' })).toBe(40011);
    expect(await code({ side: 3, size: 5, price: '70000', preset_stop_loss_price: '' })).toBe(1000);
  });

  test('history takes seconds: milliseconds are a far future without an error; the order read knows no client id', async () => {
    await place({ client_order_id: 'a' });
    await act('cancel-orders', { symbol: 'BTCUSDT' });
    const from = (start: number): Promise<readonly Row[]> => read(`order-history?symbol=BTCUSDT&start_time=${start}`);
    expect(await from(Math.floor(Date.now() / 1000) - 60)).toHaveLength(1);
    expect(await from(Date.now())).toEqual([]);
    expect((await get(venue, '/contract/private/order-history?symbol=BTCUSDT&start_time=1')).body.code).toBe(40011);
    expect((await get(venue, '/contract/private/order-history')).body.code).toBe(40011);
    expect((await get(venue, '/contract/private/order?symbol=BTCUSDT&client_order_id=a')).body.code).toBe(40011);
    expect((await get(venue, '/contract/private/order?symbol=BTCUSDT&order_id=1')).body.code).toBe(40035);
  });

  test('history by client id is scarce: six in two seconds, while open orders have fifty', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 8 }, () => get(venue, '/contract/private/order-history?symbol=BTCUSDT&client_order_id=a')),
    );
    expect(statuses.filter(({ status }) => status === 429)).toHaveLength(2);
    const { headers } = await get(venue, '/contract/private/get-open-orders');
    expect(['Remaining', 'Limit', 'Mode'].map((name) => headers.get(`X-BM-RateLimit-${name}`))).toEqual(['1', '50', 'KEY']); // prettier-ignore
  });

  test('the twenty-fifth order of a key in two seconds is refused; another key of the UID has its own count', async () => {
    const flood = async (count: number, as = MAIN): Promise<number> =>
      (await Promise.all(Array.from({ length: count }, () => place({}, as)))).filter(({ status }) => status === 200)
        .length;
    expect(await flood(26)).toBe(24);
    await register(venue, { ...OTHER, uid: 'uid-main' });
    expect(await flood(1, OTHER)).toBe(1);
    await register(venue, { ...OTHER, uid: 'uid-other' });
  });

  test('writes are signed and need the permission for futures; reads take the key alone', async () => {
    await register(venue, { ...MAIN, permissions: ['read', 'spot-trade'] });
    expect(await code({})).toBe(30012);
    expect((await get(venue, '/contract/private/assets-detail')).body.code).toBe(1000);
    await register(venue, { ...MAIN, permissions: ['future-trade'] });
    expect(await code({}, { ...MAIN, secretKey: 'wrong' })).toBe(30005);
    expect((await get(venue, '/contract/private/assets-detail')).body.code).toBe(30012);
    expect(await code({})).toBe(1000);
  });

  test('the clock rule is one minute; transfers keep to recvWindow like v4', async () => {
    const old = (ms: number) => ({ 'X-BM-TIMESTAMP': String(Date.now() - ms) });
    expect((await post(venue, SUBMIT, order(), MAIN, old(50_000))).body.code).toBe(1000);
    expect((await post(venue, SUBMIT, order(), MAIN, old(61_000))).body.code).toBe(30007);
    const money = { currency: 'USDT', amount: '5', type: 'spot_to_contract' };
    expect((await post(venue, '/account/v1/transfer-contract', money, MAIN, old(6_000))).body.code).toBe(30007);
  });

  test('money moves between spot and futures, and no more than is free', async () => {
    const move5 = (fields: object) =>
      post(venue, '/account/v1/transfer-contract', { currency: 'USDT', amount: '5', ...fields });
    expect((await move5({ type: 'spot_to_contract' })).body).toMatchObject({
      code: 1000,
      data: { currency: 'USDT', amount: '5' },
    });
    const rows = (await control(venue, 'GET', '/accounts')).body as readonly { account: string }[];
    expect(rows.find(({ account }) => account === 'main')).toMatchObject({
      balances: { USDT: { available: '999995' } },
      futures: { USDT: { wallet: '1000005' } },
    });
    const list = await post(venue, '/account/v1/transfer-contract-list', { page: 1, limit: 10 });
    expect(list.body.data).toMatchObject({ records: [{ type: 'spot_to_contract', state: 'FINISHED' }] });
    await new Promise((later) => setTimeout(later, 2_010));
    expect((await move5({ type: 'contract_to_spot', amount: '2000000' })).body.code).toBe(42000);
  });

  test('contracts follow the spot price; those without a spot market are moved by themselves', async () => {
    await place({ client_order_id: 'low' });
    await place({ client_order_id: 'sol', symbol: 'SOLUSDT', price: '140.01', size: 3 });
    await move('BTC_USDT', '49000.07');
    const depth = (await get(venue, '/contract/public/depth?symbol=BTCUSDT')).body.data as { asks: string[][] };
    expect(depth.asks.slice(0, 2)).toEqual([['49000.1', '250', '250'], ['49000.6', '500', '750']]); // prettier-ignore
    expect(await move('BTCUSDT', '49000')).toMatchObject({ status: 400, body: { error: expect.stringContaining('follows BTC_USDT') } }); // prettier-ignore
    expect((await move('XRPUSDT', '0.6003')).status).toBe(400);
    expect((await move('XRPUSDT', '0.6005')).status).toBe(200);
    expect((await move('SOLUSDT', '130')).status).toBe(200);
    expect(await book()).toEqual(['low filled', 'sol filled']);
    // At its own price, and three contracts of 0.3 coins each.
    expect(await positions()).toMatchObject([
      { entry_price: '50000' },
      { entry_price: '140.01', position_value: '126.009' },
    ]);
  });

  test('faults and read lag work on futures as on spot', async () => {
    const fault = (path: string, name: string, more: object = {}) =>
      control(venue, 'PUT', '/faults', { faults: [{ path, fault: name, times: 1, ...more }] });
    await fault(SUBMIT, 'drop-after');
    await expect(place({ client_order_id: 'lost' })).rejects.toThrow();
    expect(await code({ client_order_id: 'lost' })).toBe(40050);
    await fault(SUBMIT, 'code', { code: 30019 });
    expect(await place({ client_order_id: 'b' })).toMatchObject({ status: 200, body: { code: 30019 } });
    await fault(SUBMIT, 'lookup-lag', { ms: 60_000 });
    await place({ client_order_id: 'hidden' });
    expect((await read<readonly Row[]>('get-open-orders')).map((row) => row['client_order_id'])).toEqual(['lost']);
    expect(await book()).toEqual(['lost new', 'hidden new']);
    await promise({ showsOrdersWithinMs: 60_000 });
    expect(await read('get-open-orders')).toEqual([]);
  });

  test('self-trade prevention cancels the maker unless asked otherwise', async () => {
    const ends = async (stp_mode?: number): Promise<readonly string[]> => {
      await place({ price: '60000', size: 1 });
      await place({ side: 4, price: '60000', size: 1, stp_mode });
      const states = (await ordersOf(venue)).slice(-2).map(({ state }) => state);
      await act('cancel-orders', { symbol: 'BTCUSDT' });
      return states;
    };
    expect(await ends()).toEqual(['canceled', 'new']);
    expect(await ends(2)).toEqual(['new', 'canceled']);
    expect(await ends(3)).toEqual(['canceled', 'canceled']);
  });

  test('32 letters and digits are an id, told apart by case; a number for an id is none', async () => {
    const hex = '0123456789abcdef0123456789ABCDEF';
    expect([await code({ client_order_id: hex }), await code({ client_order_id: hex.toLowerCase() })]).toEqual([1000, 1000]); // prettier-ignore
    expect(await code({ client_order_id: hex })).toBe(40050);
  });

  test('types that differ from the documents, and prices between two steps, pass by promise alone', async () => {
    await promise({ wrongTypes: 'accept', offStepPrices: 'cut' });
    expect(await code({ size: '10', price: 50_000.05, leverage: 10, client_order_id: 'loose' })).toBe(1000);
    expect(await ordersOf(venue)).toMatchObject([{ clientOrderId: 'loose', price: '50000' }]);
    expect(await code({ price: '0.05' })).toBe(40043);
  });

  test('a price sent with a market order is ignored, even one that is no price', async () => {
    const placed = await place({ type: 'market', price: 'best' });
    expect(placed.body).toMatchObject({ code: 1000, data: { price: 'market price' } });
  });

  test('a market order to fill or kill that the book cannot fill whole fills nothing', async () => {
    expect(await code({ ...market(1, 40_000), mode: 2, leverage: '50', client_order_id: 'whole' })).toBe(1000);
    expect(await code({ ...market(1, 40_000), mode: 3, leverage: '50', client_order_id: 'part' })).toBe(1000);
    expect(await book()).toEqual(['whole canceled', 'part partially_canceled']);
  });

  test('an amended maker-only order may not take either, where crossing ones are refused', async () => {
    await place({ mode: 4, client_order_id: 'a' });
    await promise({ makerOnlyCrossing: 'refuse' });
    expect((await act('modify-limit-order', { symbol: 'BTCUSDT', client_order_id: 'a', price: '61000' })).body.code).toBe(40012); // prettier-ignore
    expect(await book()).toEqual(['a new']);
  });

  test('a new order may show state 1, approving, although it works already', async () => {
    await promise({ approvingMs: 60_000 });
    await place({ client_order_id: 'a' });
    expect(await read('get-open-orders')).toMatchObject([{ client_order_id: 'a', state: 1 }]);
    await promise({});
    expect(await read('get-open-orders')).toMatchObject([{ client_order_id: 'a', state: 2 }]);
  });

  test('a cancel is taken at once and may come too late: success says nothing about the end of the order', async () => {
    await promise({ cancelsAfterMs: 300 });
    await place({ client_order_id: 'late' });
    await place({ client_order_id: 'gone', price: '1000' });
    for (const id of ['late', 'gone']) {
      expect((await act('cancel-order', { symbol: 'BTCUSDT', client_order_id: id })).body.code).toBe(1000);
    }
    await move('BTC_USDT', '49000');
    expect(await book()).toEqual(['late filled', 'gone new']);
    await new Promise((later) => setTimeout(later, 320));
    expect(await book()).toEqual(['late filled', 'gone canceled']);
  });

  test('how long orders cancelled without a fill are found is a promise of its own; filled ones are found for good', async () => {
    await control(venue, 'PUT', '/promises', { forgetsUnfilledAfterMs: 0 });
    await place({ client_order_id: 'a' });
    await place({ ...market(1, 1), client_order_id: 'b' });
    await act('cancel-orders', { symbol: 'BTCUSDT' });
    const ids = async (): Promise<unknown> =>
      (await read<readonly Row[]>('order-history?symbol=BTCUSDT')).map((row) => row['client_order_id']);
    expect(await ids()).toEqual(['b', 'a']);
    await promise({ forgetsUnfilledAfterMs: 0 });
    await new Promise((later) => setTimeout(later, 5));
    expect(await ids()).toEqual(['b']);
    expect((await get(venue, `/contract/private/order?symbol=BTCUSDT&order_id=${await idOf('a')}`)).body.code).toBe(
      40035,
    );
    expect((await act('cancel-order', { symbol: 'BTCUSDT', client_order_id: 'a' })).body.code).toBe(40035);
  });

  test.each([
    'order-history?symbol=BTCUSDT',
    'get-open-orders',
    'trades',
    'position-v2',
    'assets-detail',
    'get-position-mode',
  ])('GET %s takes any signature or none', async (path) => {
    const signed = { 'X-BM-SIGN': 'anything', 'X-BM-TIMESTAMP': '1' };
    expect((await get(venue, `/contract/private/${path}`, signed)).body.code).toBe(1000);
    expect((await get(venue, `/contract/private/${path}`, { 'X-BM-KEY': '' })).body.code).toBe(30001);
  });

  test('how far a timestamp may be ahead outside v4 is a promise', async () => {
    const ahead = { 'X-BM-TIMESTAMP': String(Date.now() + 30_000) };
    expect((await post(venue, SUBMIT, order(), MAIN, ahead)).body.code).toBe(1000);
    await control(venue, 'PUT', '/promises', { acceptsAheadMs: 1_000 });
    expect((await post(venue, SUBMIT, order(), MAIN, ahead)).body.code).toBe(30007);
  });

  test('contracts: steps instead of decimals, two that trade at least, one that is gone', async () => {
    const { symbols } = (await get(venue, '/contract/public/details')).body.data as { symbols: readonly Row[] };
    const rows = symbols.map(({ symbol, contract_size, price_precision, vol_precision, status }) => [symbol, contract_size, price_precision, vol_precision, status]); // prettier-ignore
    expect(rows).toEqual([
      ['BTCUSDT', '0.001', '0.1', '1', 'Trading'],
      ['ETHUSDT', '0.01', '0.01', '1', 'Trading'],
      ['SOLUSDT', '0.3', '0.01', '1', 'Trading'],
      ['XRPUSDT', '10', '0.0005', '1', 'Trading'],
      ['OLDUSDT', '1', '0.001', '1', 'Delisted'],
    ]);
    expect(symbols[0]).toMatchObject({ min_volume: '1', max_volume: '500000', market_max_volume: '50000' });
  });

  test('the clock of the venue is on the spot host, and on this one by promise alone', async () => {
    const time = async (): Promise<number> => (await fetch(`${venue.futuresUrl}/system/time`)).status;
    expect(await time()).toBe(404);
    await promise({ servesSystem: true });
    expect(await time()).toBe(200);
  });

  test('control shows the orders of all markets in one list, and positions by account', async () => {
    await submit(venue, resting('s'));
    await post(venue, '/spot/v1/margin/submit_order', { ...resting(), clientOrderId: 'm' });
    await place({ client_order_id: 'f' });
    await place({ ...market(4, 3) }, OTHER);
    expect((await ordersOf(venue)).map(({ market: where, clientOrderId }) => [where, clientOrderId])).toEqual([
      ['spot', 's'],
      ['margin', 'm'],
      ['futures', 'f'],
      ['futures', ''],
    ]);
    expect((await control(venue, 'GET', '/positions')).body).toMatchObject([{ account: 'other', symbol: 'BTCUSDT', side: 'short', amount: '3' }]); // prettier-ignore
  });

  test('an account starts with plenty of futures and margin money', async () => {
    await register(venue, { ...OTHER, account: 'fresh', apiKey: 'key-of-fresh' });
    const rows = (await control(venue, 'GET', '/accounts')).body as readonly { account: string }[];
    expect(rows.find(({ account }) => account === 'fresh')).toMatchObject({
      futures: { USDT: { wallet: '1000000', available: '1000000' } },
      margin: { BTC_USDT: { USDT: { available: '1000000' }, BTC: {} }, ETH_USDT: { USDT: {}, ETH: {} } },
    });
  });

  test('control counts the requests of a futures path, the refused ones of a UID as well', async () => {
    await Promise.all(Array.from({ length: 26 }, () => place()));
    expect((await control(venue, 'GET', '/requests')).body).toMatchObject({
      [SUBMIT]: { count: 26, byStatus: { '200': 24, '429': 2 }, byCode: { '1000': 24, '30013': 2 }, maxInWindow: 26 },
    });
  });

  test('an order that works is not in the history, a finished one not among the open: a look-up needs both', async () => {
    await place({ client_order_id: 'a' });
    const inHistory = async (): Promise<number> =>
      (await read<readonly Row[]>('order-history?symbol=BTCUSDT&client_order_id=a')).length;
    const isOpen = async (): Promise<number> => (await read<readonly Row[]>('get-open-orders?symbol=BTCUSDT')).length;
    expect([await isOpen(), await inHistory()]).toEqual([1, 0]);
    await act('cancel-order', { symbol: 'BTCUSDT', client_order_id: 'a' });
    expect([await isOpen(), await inHistory()]).toEqual([0, 1]);
  });

  test('history reaches seven days back unless asked, open orders as far as they are old', async () => {
    await control(venue, 'PUT', '/clock', { offsetMs: -8 * 86_400_000 });
    await control(venue, 'PUT', '/promises', { acceptsAheadMs: 9 * 86_400_000 });
    await place({ client_order_id: 'open' });
    await place({ ...market(1, 1), client_order_id: 'done' });
    await control(venue, 'PUT', '/clock', { offsetMs: 0 });
    expect(await read('get-open-orders')).toMatchObject([{ client_order_id: 'open' }]);
    expect(await read('order-history?symbol=BTCUSDT&client_order_id=done')).toEqual([]);
    const since = Math.floor(Date.now() / 1000) - 9 * 86_400;
    expect(await read(`order-history?symbol=BTCUSDT&start_time=${since}`)).toMatchObject([{ client_order_id: 'done' }]);
    expect(await read(`trades?start_time=${since}`)).toHaveLength(1);
    expect(await read('trades')).toEqual([]);
  });

  test('lists are filtered by symbol, type, part fill, order id and client order id', async () => {
    await place({ client_order_id: 'a' });
    await place({ symbol: 'ETHUSDT', price: '1000', client_order_id: 'e' });
    await place({ price: '60000.1', size: 300, client_order_id: 'part' });
    await place({ ...market(4, 2), client_order_id: 'm', symbol: 'ETHUSDT' });
    const ids = async (path: string): Promise<unknown> =>
      (await read<readonly Row[]>(path)).map((row) => row['client_order_id']);
    expect(await ids('get-open-orders')).toEqual(['part', 'e', 'a']);
    expect(await ids('get-open-orders?symbol=ETHUSDT')).toEqual(['e']);
    expect(await ids('get-open-orders?order_state=partially_filled')).toEqual(['part']);
    expect(await ids('get-open-orders?type=market')).toEqual([]);
    expect((await get(venue, '/contract/private/get-open-orders?symbol=NONE')).body.code).toBe(40034);
    expect(await read('trades?client_order_id=part')).toMatchObject([{ vol: '250', symbol: 'BTCUSDT' }]);
    expect(await read(`trades?order_id=${await idOf('m')}`)).toMatchObject([{ vol: '2', side: 4 }]);
    expect(await read('trades?symbol=BTCUSDT&client_order_id=m')).toEqual([]);
  });

  test('an account may start in one-way mode, and does so again after DELETE /state', async () => {
    const ONE_WAY = { ...OTHER, account: 'oneway', apiKey: 'key-of-oneway', positionMode: 'one_way_mode' };
    const mode = async (): Promise<unknown> =>
      (await get(venue, '/contract/private/get-position-mode', { 'X-BM-KEY': ONE_WAY.apiKey })).body.data;
    await register(venue, ONE_WAY);
    expect(await mode()).toEqual({ position_mode: 'one_way_mode' });
    await act('set-position-mode', { position_mode: 'hedge_mode' }, ONE_WAY);
    await control(venue, 'DELETE', '/state');
    expect(await mode()).toEqual({ position_mode: 'one_way_mode' });
    await place({}, ONE_WAY);
    expect((await control(venue, 'PUT', '/accounts', { ...ONE_WAY, positionMode: 'hedge_mode' })).status).toBe(400);
  });
});
