// The futures exchange in virtual time: what is won is lost by another, reduce-only never opens, and the dead-man switch
// strikes at its second although nothing here runs a timer.
import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decimal, ZERO } from '../../../local/exchange/decimals.ts';
import { createFuturesExchange, type FuturesExchange } from '../../../local/bitmart/futures/exchange.ts';
import { isWorking, reduces, restOf } from '../../../local/bitmart/futures/orders.ts';
import type {
  FuturesSide,
  NewFuturesOrder,
  PositionMode,
  StpMode,
  TimeInForce,
} from '../../../local/bitmart/futures/orders.ts';
import { control as ask } from '../../../local/bitmart/control.ts';
import { futuresMarket } from '../../../local/bitmart/futures.ts';
import { serve } from '../../../local/bitmart/reply.ts';
import { createVenue, type Venue } from '../../../local/bitmart/venue.ts';
import { MAIN, type ControlOrder } from './client.ts';

const now = { venueMs: 1_700_000_000_000, realMs: 0 };
const UIDS = ['ann', 'bob', 'cyd'];

interface Place {
  readonly act: 'place';
  readonly who: number;
  readonly symbol: string;
  readonly side: FuturesSide;
  readonly type: 'limit' | 'market';
  readonly mode: TimeInForce;
  readonly stpMode?: StpMode;
  readonly level: number;
  readonly size: number;
}
type Action =
  Place | { readonly act: 'cancel'; readonly which: number } | { readonly act: 'move'; readonly level: number };

const place: fc.Arbitrary<Place> = fc.record({
  act: fc.constant('place' as const),
  who: fc.nat(2),
  symbol: fc.constantFrom('BTCUSDT', 'SOLUSDT', 'XRPUSDT'),
  side: fc.constantFrom<FuturesSide>(1, 2, 3, 4),
  type: fc.constantFrom('limit' as const, 'market' as const),
  mode: fc.constantFrom<TimeInForce>(1, 2, 3, 4),
  stpMode: fc.constantFrom<StpMode>(1, 2, 3),
  level: fc.integer({ min: -4, max: 4 }),
  size: fc.integer({ min: 1, max: 900 }),
});
const cancel = fc.record({ act: fc.constant('cancel' as const), which: fc.nat(50) });
const move = fc.record({ act: fc.constant('move' as const), level: fc.integer({ min: -4, max: 4 }) });

const open = (modes: readonly PositionMode[]): { exchange: FuturesExchange; drift: { level: number } } => {
  const drift = { level: 0 };
  const exchange = createFuturesExchange((symbol) => (symbol === 'BTC_USDT' ? decimal(60_000 + drift.level) : undefined), now); // prettier-ignore
  UIDS.forEach((uid, index) => {
    Object.assign(exchange.account(uid), { wallet: decimal(500_000), positionMode: modes[index] });
  });
  return { exchange, drift };
};

const asked = (
  exchange: FuturesExchange,
  { who, symbol, side, type, mode, stpMode = 1, level, size }: Place,
): NewFuturesOrder => {
  const contract = exchange.contract(symbol);
  const uid = UIDS[who] ?? '';
  if (!contract) throw new Error(symbol);
  return {
    uid,
    account: uid,
    contract,
    side,
    type,
    mode,
    stpMode,
    clientOrderId: '',
    price: type === 'market' ? ZERO : exchange.mid(contract).plus(contract.tick.times(level)),
    size: decimal(size),
    leverage: decimal(10),
    openType: 'cross',
    presets: { takeProfitPriceType: 0, stopLossPriceType: 0, takeProfitPrice: '', stopLossPrice: '' },
    positionMode: exchange.account(uid).positionMode,
  };
};

const run = (exchange: FuturesExchange, drift: { level: number }, action: Action): void => {
  if (action.act === 'place') exchange.place(asked(exchange, action), true, now);
  else if (action.act === 'move') {
    drift.level = action.level;
    const contract = exchange.contract('XRPUSDT');
    if (contract) exchange.moveMarket(contract, decimal('0.6').plus(contract.tick.times(action.level)), now);
    exchange.catchUp(now);
  } else {
    const order = exchange.orders()[action.which];
    if (order) exchange.cancel(order, 'user', now);
  }
};

const checkAll = (exchange: FuturesExchange): void => {
  for (const order of exchange.orders()) {
    expect(restOf(order).gte(0)).toBe(true);
    if (order.mode === 2) expect(order.dealSize.eq(0) || restOf(order).eq(0)).toBe(true);
    if (order.mode !== 1 && order.mode !== 4) expect(isWorking(order)).toBe(false);
  }
  for (const uid of UIDS) {
    const account = exchange.account(uid);
    const held = [...account.positions.values()].filter(({ amount }) => amount.gt(0));
    expect([...account.positions.values()].every(({ amount, value }) => amount.gte(0) && value.gte(0))).toBe(true);
    if (account.positionMode === 'one_way_mode') {
      expect(new Set(held.map(({ contract }) => contract.symbol)).size).toBe(held.length);
    }
    for (const { order, realised, role } of exchange.fills(uid)) {
      if (reduces(order)) expect(realised).toBeDefined();
      if (order.mode === 4) expect(role).toBe('Maker');
    }
  }
  for (const symbol of ['BTCUSDT', 'SOLUSDT', 'XRPUSDT']) {
    const [bid, ask] = [exchange.depth(symbol, 'buy', 1)[0], exchange.depth(symbol, 'sell', 1)[0]];
    expect(bid && ask && bid.price.lt(ask.price)).toBe(true);
  }
};

describe('the futures exchange', () => {
  test('what one wins another loses: wallets, open profit and fees add up the same after anything', () => {
    const modes = fc.array(fc.constantFrom<PositionMode>('hedge_mode', 'one_way_mode'), { minLength: 3, maxLength: 3 });
    const actions = fc.array(fc.oneof({ weight: 8, arbitrary: place }, cancel, move), { maxLength: 40 });
    fc.assert(
      fc.property(modes, actions, (positionModes, all) => {
        const { exchange, drift } = open(positionModes);
        const before = exchange.total();
        for (const action of all) {
          run(exchange, drift, action);
          // Entry values are divided when part of a position is closed; forty places are kept.
          expect(exchange.total().minus(before).abs().lt('0.000000000000000001')).toBe(true);
        }
        checkAll(exchange);
      }),
      { numRuns: 40 },
    );
  });

  /** A one-way account that has bought ten contracts, and the order by which it did. */
  const holding = () => {
    const { exchange } = open(['one_way_mode', 'hedge_mode', 'hedge_mode']);
    const base: Place = {
      act: 'place',
      who: 0,
      symbol: 'BTCUSDT',
      side: 1,
      type: 'market',
      mode: 1,
      level: 0,
      size: 10,
    };
    exchange.place(asked(exchange, base), true, now);
    return { exchange, base };
  };

  test('a resting reduce-only order that finds its position gone is cancelled by the system and opens nothing', () => {
    const { exchange, base } = holding();
    const exit = exchange.place(asked(exchange, { ...base, side: 3, type: 'limit', level: 1 }), true, now);
    // A plain sell turns nothing but closes; the exit is left without a position.
    exchange.place(asked(exchange, { ...base, side: 4, type: 'market' }), true, now);
    exchange.place(asked(exchange, { ...base, who: 1, type: 'limit', level: 2 }), true, now);
    expect([exit?.state, exit?.cancelSource]).toEqual(['canceled', 'system']);
    expect([...exchange.account('ann').positions.values()].every(({ amount }) => amount.eq(0))).toBe(true);
  });

  test('fill or kill does not count on two reduce-only orders closing one position', () => {
    const { exchange, base } = holding();
    const exits: Place = { ...base, side: 3, type: 'limit', level: 1 };
    for (const exit of [exits, exits]) exchange.place(asked(exchange, exit), true, now);
    // At this price the house offers 250 and the exits together ten.
    const whole = (size: number) =>
      exchange.place(asked(exchange, { ...base, who: 1, type: 'limit', mode: 2, level: 1, size }), true, now);
    expect([whole(261)?.state, whole(260)?.state]).toEqual(['canceled', 'filled']);
  });

  test('the house quotes the same book again after every order', () => {
    const { exchange } = open(['hedge_mode', 'hedge_mode', 'hedge_mode']);
    const book = (): unknown => exchange.depth('SOLUSDT', 'sell', 50).map(({ price, size }) => `${price.toFixed()} ${size.toFixed()}`); // prettier-ignore
    const before = book();
    const buy: Place = {
      act: 'place',
      who: 0,
      symbol: 'SOLUSDT',
      side: 1,
      type: 'market',
      mode: 1,
      level: 0,
      size: 700,
    };
    expect(exchange.place(asked(exchange, buy), true, now)?.state).toBe('filled');
    expect(book()).toEqual(before);
  });
});

describe('the dead-man switch', () => {
  const PRIVATE = '/contract/private';
  const open = (): {
    venue: Venue;
    pass: (ms: number) => void;
    call: (path: string, body?: object) => Promise<{ code: number; data: never }>;
  } => {
    // prettier-ignore
    let clock = 1_000_000;
    const venue = createVenue(1, () => clock);
    ask(venue, [], 'PUT', '/accounts', JSON.stringify(MAIN));
    const markets = [futuresMarket(venue)];
    const call = async (path: string, fields?: object): Promise<{ code: number; data: never }> => {
      const body = fields === undefined ? '' : JSON.stringify(fields);
      const timestamp = String(Date.now());
      const sign = createHmac('sha256', MAIN.secretKey).update(`${timestamp}#${MAIN.memo}#${body}`).digest('hex');
      const [bare = '', query = ''] = path.split('?');
      const incoming = {
        method: fields === undefined ? 'GET' : 'POST',
        path: `${PRIVATE}/${bare}`,
        query: new URLSearchParams(query),
        headers: { 'content-type': 'application/json', 'x-bm-key': MAIN.apiKey, 'x-bm-timestamp': timestamp, 'x-bm-sign': sign }, // prettier-ignore
        body: Buffer.from(body),
        ip: '127.0.0.1',
      };
      const { reply } = await serve(venue, markets, incoming, new AbortController().signal);
      return JSON.parse('send' in reply ? reply.send.body : '{}') as { code: number; data: never };
    };
    return { venue, pass: (ms) => (clock += ms), call };
  };
  const order = (symbol: string) => ({ symbol, side: 1, type: 'limit', leverage: '10', open_type: 'cross', size: 1, price: '1000' }); // prettier-ignore
  const states = (venue: Venue): readonly string[] =>
    (ask(venue, [], 'GET', '/orders', '').body as readonly ControlOrder[]).map(
      ({ symbol, state }) => `${symbol} ${state}`,
    );

  test('cancels its symbol at its second, seen by whatever looks first, and no other symbol', async () => {
    const { venue, pass, call } = open();
    await call('submit-order', order('BTCUSDT'));
    await call('submit-order', order('ETHUSDT'));
    const { data } = await call('cancel-all-after', { symbol: 'BTCUSDT', timeout: 10 });
    const { set_time: set, cancel_time: due } = data as { set_time: number; cancel_time: number };
    expect(due - set).toBe(10);
    pass(9_999);
    expect(states(venue)).toEqual(['BTCUSDT new', 'ETHUSDT new']);
    pass(1);
    expect(await call('get-open-orders')).toMatchObject({ data: [{ symbol: 'ETHUSDT' }] });
    expect(states(venue)).toEqual(['BTCUSDT canceled', 'ETHUSDT new']);
  });

  test('set again it starts anew, set to 0 it is off, and it strikes once', async () => {
    const { venue, pass, call } = open();
    const arm = (timeout: unknown) => call('cancel-all-after', { symbol: 'BTCUSDT', timeout });
    await call('submit-order', order('BTCUSDT'));
    await arm(5);
    pass(4_000);
    await arm(5);
    pass(4_000);
    expect(states(venue)).toEqual(['BTCUSDT new']);
    expect((await arm(0)).data).toMatchObject({ result: true, cancel_time: 0 });
    pass(60_000);
    expect(states(venue)).toEqual(['BTCUSDT new']);
    await arm(5);
    pass(5_000);
    await call('submit-order', order('BTCUSDT'));
    pass(60_000);
    expect(states(venue)).toEqual(['BTCUSDT canceled', 'BTCUSDT new']);
    pass(2_000);
    for (const timeout of [4, 5.5, '10', undefined, -1]) {
      pass(2_000);
      expect((await arm(timeout)).code).toBe(40011);
    }
  });

  test('open orders are listed up to a hundred and no further, finished ones up to two hundred, the newest first', async () => {
    const { venue, pass, call } = open();
    for (let count = 1; count <= 201; count += 1) {
      await call('submit-order', { ...order('BTCUSDT'), client_order_id: `n${count}` });
      pass(100);
    }
    const ids = async (path: string): Promise<readonly string[]> =>
      ((await call(path)).data as { client_order_id: string }[]).map((row) => row.client_order_id);
    expect(await ids('get-open-orders?limit=500')).toHaveLength(100);
    expect(await ids('get-open-orders?symbol=BTCUSDT&limit=2')).toEqual(['n201', 'n200']);
    await call('cancel-order', { symbol: 'BTCUSDT' });
    expect(states(venue).filter((state) => state === 'BTCUSDT canceled')).toHaveLength(201);
    const history = await ids('order-history?symbol=BTCUSDT');
    expect([history.length, history[0], history.at(-1)]).toEqual([200, 'n201', 'n2']);
    // What the list does not reach the client order id does.
    expect(await ids('order-history?symbol=BTCUSDT&client_order_id=n1')).toEqual(['n1']);
  });

  test('a price that moves after the switch was due fills nothing that it cancelled', async () => {
    const { venue, pass, call } = open();
    await call('submit-order', { ...order('BTCUSDT'), price: '50000' });
    await call('cancel-all-after', { symbol: 'BTCUSDT', timeout: 5 });
    pass(5_000);
    ask(venue, [], 'PUT', '/market', JSON.stringify({ symbol: 'BTC_USDT', mid: '40000' }));
    expect(states(venue)).toEqual(['BTCUSDT canceled']);
  });
});
