// The tables of rules: when they are read, who waits for them, and what a row becomes.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { kept, type Rules } from '../../shared/kept.ts';
import { bitmart } from '../../shared/bitmart/venue.ts';
import { systemClock } from '../../shared/clock.ts';
import { optionsAt, soon, venueAt } from './fixture.ts';
import { startRecorder, type Recorder } from './recorder.ts';

describe('a table', () => {
  /** Loads that the test ends; time that it moves. */
  const fixture = () => {
    let now = 1_000_000;
    const loads: ((table: ReadonlyMap<string, number> | undefined) => void)[] = [];
    const clock = { now: () => now, sleep: (ms: number) => new Promise<void>((end) => setTimeout(end, ms)) };
    const rules: Rules<number> = kept(() => new Promise((end) => loads.push(end)), { clock, random: () => 0.5 });
    const end = async (index: number, rows: Readonly<Record<string, number>> | undefined): Promise<void> => {
      loads[index]?.(rows === undefined ? undefined : new Map(Object.entries(rows)));
      await new Promise((resolve) => setTimeout(resolve, 1));
    };
    return { rules, loads, end, pass: (ms: number) => void (now += ms), soon: () => now + 2000 };
  };

  test('is loaded when first needed, once for all who wait', async () => {
    const { rules, loads, end, soon: by } = fixture();
    expect(loads).toHaveLength(0);
    const all = Promise.all([rules('a', by()), rules('a', by()), rules('x', by())]);
    expect(loads).toHaveLength(1);
    await end(0, { a: 1 });
    expect(await all).toEqual([1, 1, 'unknown']);
  });
  test('is waited for until the deadline of who asks, and serves the next when it comes late', async () => {
    const { rules, loads, end, pass, soon: by } = fixture();
    const impatient = rules('a', by() - 1990);
    expect(await impatient).toBeUndefined();
    pass(500);
    await end(0, { a: 1 });
    expect(await rules('a', 0)).toBe(1);
    expect(loads).toHaveLength(1);
  });
  test('that was under way during a freeze is not used, and is asked for anew', async () => {
    const { rules, loads, end, pass, soon: by } = fixture();
    void rules('a', 0);
    pass(3_600_000);
    const first = rules('a', by());
    expect(loads).toHaveLength(2);
    await end(0, { a: 1 });
    await end(1, { a: 2 });
    expect(await first).toBe(2);
    const other = fixture();
    void other.rules('a', 0);
    other.pass(3_600_000);
    await other.end(0, { a: 1 });
    expect(await other.rules('a', 0)).toBeUndefined();
  });
  test('is given as it is when it is old, and read anew behind that, once', async () => {
    const { rules, loads, end, pass, soon: by } = fixture();
    const first = rules('a', by());
    await end(0, { a: 1 });
    expect(await first).toBe(1);
    pass(329_000);
    expect([await rules('a', by()), loads.length]).toEqual([1, 1]);
    pass(2000);
    expect([await rules('a', by()), await rules('a', by()), loads.length]).toEqual([1, 1, 2]);
    await end(1, { a: 2 });
    expect(await rules('a', by())).toBe(2);
  });
  test('makes a symbol that is not in it wait when it is old', async () => {
    const { rules, end, pass, soon: by } = fixture();
    const first = rules('a', by());
    await end(0, { a: 1 });
    await first;
    expect(await rules('b', by())).toBe('unknown');
    pass(361_000);
    const late = rules('b', by());
    await end(1, { a: 1, b: 2 });
    expect(await late).toBe(2);
  });
  test('that cannot be had is asked for again a second later, and an old one serves on', async () => {
    const { rules, loads, end, pass, soon: by } = fixture();
    const first = rules('a', by());
    await end(0, undefined);
    expect(await first).toBeUndefined();
    expect([await rules('a', by()), loads.length]).toEqual([undefined, 1]);
    pass(1000);
    const second = rules('a', by());
    await end(1, { a: 1 });
    expect(await second).toBe(1);
    pass(400_000);
    await rules('a', by());
    await end(2, undefined);
    expect([await rules('a', by()), loads.length]).toEqual([1, 3]);
  });
  test('keeps a name that it had until two loads in a row lack it; one that it never had is unknown at once', async () => {
    const { rules, end, pass, soon: by } = fixture();
    let next = 0;
    const load = async (rows: Readonly<Record<string, number>>): Promise<void> => {
      pass(361_000);
      void rules('a', by());
      await end(next++, rows);
    };
    const [both, short] = [{ a: 1, b: 2 }, { a: 1 }];
    const b = () => rules('b', by());
    await load(both);
    expect([await b(), await rules('c', by())]).toEqual([2, 'unknown']);
    await load(short);
    expect(await b()).toBe(2);
    await load({ ...both, b: 3 });
    expect(await b()).toBe(3);
    await load(short);
    expect(await b()).toBe(3);
    await load(short);
    expect(await b()).toBe('unknown');
    await load(both);
    expect(await b()).toBe(2);
  });
  test.each([
    [0, 300_000],
    [1, 360_000],
  ])('is kept for five minutes and up to one more: %p', async (random, lifetimeMs) => {
    let now = 0;
    let loads = 0;
    const rules = kept(() => Promise.resolve(new Map([['a', ++loads]])), { clock: { now: () => now, sleep: () => new Promise(() => undefined) }, random: () => random }); // prettier-ignore
    await rules('a', 1000);
    now = lifetimeMs - 1;
    await rules('a', now);
    expect(loads).toBe(1);
    now = lifetimeMs;
    await rules('a', now);
    expect(loads).toBe(2);
  });
});

describe('the contracts', () => {
  let server: Recorder;
  beforeAll(async () => {
    server = await startRecorder();
  });
  beforeEach(() => {
    server.requests.length = 0;
  });
  afterAll(() => server.close());
  const details = { symbol: 'BTCUSDT', base_currency: 'BTC', quote_currency: 'USDT', contract_size: '0.001', price_precision: '0.1', vol_precision: '1', max_volume: '500000', market_max_volume: '50000', min_volume: '1', status: 'Trading' }; // prettier-ignore
  const answer = (...symbols: readonly object[]): void => server.answer({ body: { code: 1000, data: { symbols } } });
  const btc = (symbol = 'BTC_USDT') => venueAt(server.url).instrument('futures', symbol, soon());

  test('become steps, minimums and maximums in coins', async () => {
    answer(details);
    expect(await btc()).toEqual({
      symbol: 'BTC_USDT',
      priceStep: '0.1',
      sizeStep: '0.001',
      minSize: '0.001',
      maxSize: '500',
      maxMarketSize: '50',
      minNotional: { buy: '0', sell: '0' },
      tradable: true,
    });
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /contract/public/details']);
    answer({ ...details, contract_size: '0.3', vol_precision: '10', min_volume: '20', market_max_volume: undefined });
    const odd = await btc();
    expect(odd).toMatchObject({ sizeStep: '3', minSize: '6' });
    expect(odd).not.toHaveProperty('maxMarketSize');
  });
  test('of the recorded answer are read', async () => {
    const file = new URL('../data/bitmart/samples/futures-contract-details.json', import.meta.url);
    const { response } = JSON.parse(readFileSync(file, 'utf8')) as { response: { body: object } };
    server.answer({ body: response.body });
    expect(await btc()).toMatchObject({ symbol: 'BTC_USDT', maxSize: '500', tradable: true });
  });
  test.each([
    [{ status: 'Delisted' }, { tradable: false }],
    [{ status: undefined }, { tradable: true }],
  ])('with %j are %j', async (more, expected) => {
    answer({ ...details, ...more });
    expect(await btc()).toMatchObject(expected);
  });
  test.each([{ contract_size: '0' }, { contract_size: undefined }, { price_precision: '0.0' }, { vol_precision: 'x' }])(
    'of which one has %j: its rules are unknown, and no other suffers',
    async (odd) => {
      answer({ ...details, ...odd }, { ...details, symbol: 'ETHUSDT', base_currency: 'ETH' });
      const venue = venueAt(server.url);
      expect(await venue.instrument('futures', 'BTC_USDT', soon())).toBeUndefined();
      expect(await venue.instrument('futures', 'ETH_USDT', soon())).toMatchObject({ symbol: 'ETH_USDT' });
    },
  );
  test.each([
    ['an empty list', { body: { code: 1000, data: { symbols: [] } } }],
    ['a list of something else', { body: { code: 1000, data: { symbols: [5] } } }],
    ['no list', { body: { code: 1000, data: {} } }],
    ['a refusal', { status: 400, body: { code: 50000, data: { symbols: [details] } } }],
  ])('in an answer with %s are no table: none is unknown for it, and the old ones stay', async (_, script) => {
    let skewMs = 0;
    const clock = { ...systemClock, now: () => Date.now() + skewMs };
    const venue = bitmart(optionsAt(server.url, server.url, clock));
    const by = () => clock.now() + 2000;
    server.answer(script);
    expect(await venue.instrument('futures', 'BTC_USDT', clock.now() + 300)).toBeUndefined();
    skewMs += 2000;
    answer(details);
    expect(await venue.instrument('futures', 'BTC_USDT', by())).toMatchObject({ symbol: 'BTC_USDT' });
    for (const reload of [1, 2, 3]) {
      skewMs += 361_000;
      server.answer(script);
      server.requests.length = 0;
      // A name that is not in the table waits for the load.
      expect([reload, await venue.instrument('futures', 'NO_USDT', by())]).toEqual([reload, 'unknown']);
      expect(server.requests).toHaveLength(1);
      expect(await venue.instrument('futures', 'BTC_USDT', by())).toMatchObject({ symbol: 'BTC_USDT' });
    }
  });
  test('that are not listed are unknown, and so is one parted elsewhere', async () => {
    answer(details);
    expect([await btc('NO_USDT'), await btc('BTCU_SDT')]).toEqual(['unknown', 'unknown']);
  });
  test('have a book whose best prices are found in any order of rows', async () => {
    const [asks, bids] = [[['60001.5', '5', '5'], ['60000.5', '1', '6']], [['59999', '1', '1'], ['60000', '2', '3']]]; // prettier-ignore
    server.answer({ body: { code: 1000, data: { asks, bids } } });
    expect(await venueAt(server.url).book('futures', 'BTC_USDT', soon())).toEqual({ bid: '60000', ask: '60000.5' });
    expect(server.requests[0]?.url).toBe('/contract/public/depth?symbol=BTCUSDT');
    server.answer({ body: { code: 1000, data: { asks: [], bids } } });
    expect(await venueAt(server.url).book('futures', 'BTC_USDT', soon())).toEqual({ bid: '60000' });
    server.answer({ body: { code: 40034 } });
    expect(await venueAt(server.url).book('futures', 'BTC_USDT', soon())).toBeUndefined();
  });
  test('and margin has the rules of spot, which may name a largest size', async () => {
    const row = { symbol: 'BTC_USDT', price_max_precision: 2, quote_increment: '0.00001', base_min_size: '0.00001', base_max_size: '500.000', min_buy_amount: '5', min_sell_amount: '5', trade_status: 'trading' }; // prettier-ignore
    answer(row);
    expect(await venueAt(server.url).instrument('margin', 'BTC_USDT', soon())).toMatchObject({ maxSize: '500' });
  });
});
