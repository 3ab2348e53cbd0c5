// The ground that the local BitMart gives the execution test spec: its listings, its requests by what they are for, what
// its refusals look like, and its book in neutral words. Time is scaled to a twentieth: horizons are seconds.
import Big from 'big.js';
import { startSystem } from '../system/fixture.ts';
import type { BookRow, Errand, Ground, Listing, Market, Mishap, Position } from './bench.ts';
import { bitmartDeclared } from './grounds.ts';
import { startWire, type Answer, type Deed, type Passing, type Rule, type Trouble, type Wire } from './wire.ts';

const TIME_SCALE = 0.05;
/** The window of timestamps and the lag of look-ups, scaled, and a fifth. */
const HORIZON_MS = (60_000 + 5_000) * TIME_SCALE * 1.2;
const SECRET_CACHE_MS = 30_000 * TIME_SCALE;

type Row = Omit<Listing, 'market' | 'feeCoin' | 'takerRate'>;
const spotRow = { priceStep: '0.01', minNotional: '5' };
const SPOT = {
  main: { ...spotRow, symbol: 'BTC_USDT', price: '60000', sizeStep: '0.00001', minSize: '0.00001', lot: '0.01' },
  other: { ...spotRow, symbol: 'ETH_USDT', price: '3000', sizeStep: '0.0001', minSize: '0.0001', lot: '0.1' },
  closed: {
    ...spotRow,
    symbol: 'NEW_USDT',
    price: '1',
    priceStep: '0.0001',
    sizeStep: '0.1',
    minSize: '0.1',
    lot: '10',
  },
};
const FUTURES = {
  main: { symbol: 'BTC_USDT', price: '60000', priceStep: '0.1', sizeStep: '0.001', minSize: '0.001', lot: '0.01' },
  // 0.3 coins a contract: no power of ten.
  other: { symbol: 'SOL_USDT', price: '150', priceStep: '0.01', sizeStep: '0.3', minSize: '0.3', lot: '3' },
  closed: { symbol: 'OLD_USDT', price: '1', priceStep: '0.001', sizeStep: '1', minSize: '1', lot: '10' },
};
const COINS: Readonly<Record<string, string>> = {
  BTCUSDT: '0.001',
  ETHUSDT: '0.01',
  SOLUSDT: '0.3',
  XRPUSDT: '10',
  OLDUSDT: '1',
};

const listed = (market: Market, takerRate: string, rows: Readonly<Record<'main' | 'other' | 'closed', Row>>) => {
  const of = (row: Row): Listing => ({ ...row, market, takerRate, feeCoin: 'USDT' });
  return { main: of(rows.main), other: of(rows.other), closed: of(rows.closed) };
};

const PATHS: Readonly<Record<Errand, readonly string[]>> = {
  place: ['/spot/v2/submit_order', '/spot/v1/margin/submit_order', '/contract/private/submit-order'],
  cancel: ['/spot/v3/cancel_order', '/contract/private/cancel-order'],
  'cancel-all': ['/spot/v4/cancel_all', '/contract/private/cancel-orders'],
  amend: ['/contract/private/modify-limit-order'],
  setting: [
    '/contract/private/submit-leverage',
    '/contract/private/set-position-mode',
    '/contract/private/cancel-all-after',
  ],
  'look-up': [
    '/spot/v4/query/order',
    '/spot/v4/query/client-order',
    '/contract/private/order',
    '/contract/private/get-open-orders',
    '/contract/private/order-history',
  ],
  rules: ['/spot/v1/symbols/details', '/contract/public/details'],
};

const refusal = (status: number, code: number, message: string): Answer => ({
  status,
  body: JSON.stringify({ code, message, trace: 'spec', data: {} }),
});

/** What a look-up answers that finds nothing: lists are empty, single orders have a code. */
const nothing = ({ path }: Passing): Answer => {
  if (/open-orders|history/.test(path)) {
    return { status: 200, body: JSON.stringify({ code: 1000, message: 'Ok', trace: 'spec', data: [] }) };
  }
  return path.startsWith('/spot/')
    ? refusal(400, 50005, 'Order Id not found')
    : refusal(400, 40037, 'Order ID does not exist');
};

/** What a look-up by its id shows of an order that failed after it was accepted. */
const failed = ({ body }: Passing): Answer => {
  const { orderId = '' } = JSON.parse(body) as { readonly orderId?: string };
  const { symbol } = SPOT.main;
  const data = { orderId, symbol, side: 'buy', type: 'limit', orderMode: 'spot', state: 'failed', filledSize: '0' };
  return { status: 200, body: JSON.stringify({ code: 1000, message: 'Ok', trace: 'spec', data }) };
};

const deedOf = (mishap: Mishap, armLoan: () => Promise<void>): Deed => {
  switch (mishap) {
    case 'lose-request':
    case 'lose-answer':
      return mishap;
    case 'throttle':
      return { answer: () => refusal(429, 30013, '(U)Request too many requests') };
    case 'ban':
      return { answer: () => refusal(418, 30017, 'Your account request is temporarily rejected due to violation of current limiting rules') }; // prettier-ignore
    case 'break-down':
      return { answer: () => ({ status: 500, body: '' }) };
    case 'show-nothing':
      return { answer: nothing };
    case 'show-failed':
      return { answer: failed };
    case 'loan-only':
      return { first: armLoan };
  }
};

interface Shown {
  readonly market: Market;
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly account: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly type: string;
  readonly mode?: 1 | 2 | 3 | 4;
  readonly stpMode?: 1 | 2 | 3;
  readonly reduceOnly?: boolean;
  readonly leverage?: string;
  readonly openType?: string;
  readonly presets?: {
    readonly takeProfitPrice: string;
    readonly takeProfitPriceType: number;
    readonly stopLossPrice: string;
    readonly stopLossPriceType: number;
  };
  readonly size: string;
  readonly price: string;
  readonly filledSize: string;
  readonly filledNotional: string;
  readonly state: string;
  readonly cancelSource: string;
}

const STATES: Readonly<Record<string, BookRow['state']>> = {
  new: 'open',
  partially_filled: 'partially-filled',
  filled: 'filled',
  canceled: 'canceled',
  partially_canceled: 'canceled',
};
const coins = (symbol: string, contracts: string): string => new Big(COINS[symbol] ?? '1').times(contracts).toFixed();
const neutral = (symbol: string): string => (symbol.includes('_') ? symbol : symbol.replace(/USDT$/, '_USDT'));
const exit = (price: string, type: number) => {
  if (price === '') return undefined;
  return { price, ...(type === 0 ? {} : { trigger: type === 1 ? 'last' : 'mark' }) };
};

function bookRow(shown: Shown): BookRow {
  const { market, orderId, clientOrderId, account, symbol, side, price, filledNotional, state, cancelSource } = shown;
  const common = {
    ...{
      id: clientOrderId,
      venueOrderId: orderId,
      account,
      market,
      symbol: neutral(symbol),
      side,
      price,
      cancelSource,
    },
    filledNotional,
    state: STATES[state] ?? 'open',
  };
  if (market !== 'futures') {
    return { ...common, type: shown.type.replace('_', '-'), size: shown.size, filledSize: shown.filledSize };
  }
  const { presets, reduceOnly = false, leverage = '', openType = '' } = shown;
  const takeProfit = exit(presets?.takeProfitPrice ?? '', presets?.takeProfitPriceType ?? 0);
  const stopLoss = exit(presets?.stopLossPrice ?? '', presets?.stopLossPriceType ?? 0);
  return {
    ...common,
    type: shown.type === 'market' ? 'market' : (['limit', 'fok', 'ioc', 'limit-maker'][(shown.mode ?? 1) - 1] ?? ''),
    size: coins(symbol, shown.size),
    filledSize: coins(symbol, shown.filledSize),
    ...{ reduceOnly, leverage, marginMode: openType },
    ...(takeProfit === undefined ? {} : { takeProfit }),
    ...(stopLoss === undefined ? {} : { stopLoss }),
    selfTradePrevention: ['cancel-maker', 'cancel-taker', 'cancel-both'][(shown.stpMode ?? 1) - 1] ?? '',
  };
}

/** Starts everything. @param isWithoutRules no table of what trades can be read, from the start */
export async function startBitmart({ isWithoutRules = false } = {}): Promise<Ground> {
  const wires = { spot: await startWire(), futures: await startWire() };
  const all: readonly Wire[] = Object.values(wires);
  const both = (rule: Rule): Trouble => {
    const set = all.map((wire) => wire.trouble(rule));
    return {
      struck: () => set.reduce((sum, each) => sum + each.struck(), 0),
      seen: () => set.reduce((sum, each) => sum + each.seen(), 0),
      lift: () => set.forEach((each) => each.lift()),
    };
  };
  const areGone = isWithoutRules ? Infinity : 0;
  const isRules: Rule['matches'] = ({ path }) => PATHS.rules.includes(path);
  const gone = both({ matches: isRules, times: areGone, does: deedOf('break-down', () => Promise.resolve()) });
  const system = await startSystem({
    timeScale: TIME_SCALE,
    variables: { BITMART_SPOT_URL: wires.spot.url, BITMART_FUTURES_URL: wires.futures.url, PARK_SECONDS: '2' },
  });
  wires.spot.connect(system.ready.bitmart.spot);
  wires.futures.connect(system.ready.bitmart.futures);
  // So that what set-leverage has set shows: orders may leave it out (`supposed` in grounds.ts).
  const promise = (more: object) =>
    system.control('PUT', '/promises', { futures: { opensWithoutTerms: true }, ...more });
  await promise({});
  return {
    ...bitmartDeclared,
    system,
    listings: {
      spot: listed('spot', '0.0008', SPOT),
      margin: listed('margin', '0.0008', SPOT),
      futures: listed('futures', '0.0006', FUTURES),
    },
    wrongSecrets: [
      ['secret key', { secretKey: 'not-the-secret' }],
      ['memo', { memo: 'not the memo' }],
      ['key', { apiKey: 'not-the-key' }],
    ],
    horizonMs: HORIZON_MS,
    mandateMs: SECRET_CACHE_MS,
    deduplicationMs: 300_000 * TIME_SCALE,
    setAccount: async (name, { secret = {}, mandate, isPoor = false, isReadOnly = false }) => {
      await system.addAccount(name, { ...secret, ...(mandate === undefined ? {} : { mandate }) });
      if (!isPoor && !isReadOnly) return;
      const keys = {
        apiKey: `local-key-${name}`,
        secretKey: `local-secret-${name}-8f2c`,
        memo: `my memo #1 é ${name}`,
      };
      const little = { USDT: '1', BTC: '0', ETH: '0' };
      await system.control('PUT', '/accounts', {
        ...{ account: name, ...keys },
        ...(isPoor ? { balances: little, futures: { USDT: '1' }, margin: { BTC_USDT: { USDT: '1', BTC: '0' } } } : {}),
        ...(isReadOnly ? { permissions: ['read'] } : {}),
      });
    },
    orders: async (account) => {
      const shown = await system.control<readonly Shown[]>('GET', '/orders');
      return shown.filter((row) => row.account === account).map(bookRow);
    },
    positions: async (account) => {
      const shown = await system.control<readonly (Position & { account: string; amount: string })[]>(
        'GET',
        '/positions',
      );
      return shown
        .filter((row) => row.account === account && new Big(row.amount).gt(0))
        .map(({ symbol, side, amount }) => ({ symbol: neutral(symbol), side, size: coins(symbol, amount) }));
    },
    loans: async (account, symbol) => {
      const url = `${system.ready.bitmart.spot}/spot/v1/margin/isolated/borrow_record?symbol=${symbol}`;
      const answer = await fetch(url, { headers: { 'X-BM-KEY': `local-key-${account}` } });
      return ((await answer.json()) as { data: { records: readonly unknown[] } }).data.records.length;
    },
    trouble: (account, errand, mishap, times = 1) => {
      const armLoan = async (): Promise<void> => {
        const fault = { path: '/spot/v1/margin/submit_order', fault: 'loan-only', times: 1 };
        await system.control('PUT', '/faults', { faults: [fault] });
      };
      const matches: Rule['matches'] = ({ path, headers }) =>
        PATHS[errand].includes(path) && (account === undefined || headers['x-bm-key'] === `local-key-${account}`);
      return both({ matches, times, does: deedOf(mishap, armLoan) });
    },
    spentEndsCanceled: async (isSo) => {
      await promise({ marketBuyEnds: isSo ? 'partially_canceled' : 'filled' });
    },
    giveRules: () => gone.lift(),
    close: async () => {
      await system.close();
      await Promise.all(all.map((wire) => wire.close()));
    },
  };
}
