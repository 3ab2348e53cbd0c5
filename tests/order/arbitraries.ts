// What the tests of the order domain share: one good intent of each kind, and generators of good ones.
// Promises that everything generated here is valid by the contract; the contract is spelled out anew, not imported.
import fc from 'fast-check';
import type { Instrument } from '../../shared/order/instrument.ts';
import type { Decimal } from '../../shared/order/intent.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const CREATED = '2026-11-22T19:00:00.000Z';
export const EXPIRES = '2026-11-22T19:01:00.000Z';

/** A good limit buy. */
export const limitBuy = {
  id: 'dcaBTC20261122T190000',
  account: 'main',
  action: 'place',
  market: 'spot',
  symbol: 'BTC_USDT',
  side: 'buy',
  type: 'limit',
  size: '0.01',
  price: '60000',
  createdAt: CREATED,
  expiresAt: EXPIRES,
} as const;

/** The fields without some, and with others. */
export function changed(fields: Fields, without: readonly string[], more: Fields = {}): Fields {
  const kept = Object.entries(fields).filter(([name]) => !without.includes(name));
  return { ...Object.fromEntries(kept), ...more };
}

export const marketBuy = changed(limitBuy, ['size', 'price'], { type: 'market', notional: '25' });
export const marketSell = changed(limitBuy, ['price'], { type: 'market', side: 'sell' });
const marginLimit = { ...limitBuy, market: 'margin' };
/** A good futures order that opens a position. */
export const futuresBuy = { ...limitBuy, market: 'futures' };
export const futuresMarket = changed(futuresBuy, ['price'], { type: 'market' });
/** What every instruction has: no side, type, size or price. */
const instruction = (market: string, action: string, more: Fields): Fields =>
  changed(limitBuy, ['side', 'type', 'size', 'price'], { market, action, ...more });
export const cancel = instruction('spot', 'cancel', { target: 'order1' });
export const cancelFutures = instruction('futures', 'cancel', { target: 'order1' });
export const cancelAll = changed(instruction('spot', 'cancel-all', {}), ['symbol']);
export const cancelAllFutures = instruction('futures', 'cancel-all', {});
export const amendPrice = instruction('futures', 'amend', { target: 'order1', price: '59000' });
export const amendSize = instruction('futures', 'amend', { target: 'order1', size: '0.02' });
export const setLeverage = instruction('futures', 'set-leverage', { leverage: '20', marginMode: 'isolated' });
export const setPositionMode = changed(instruction('futures', 'set-position-mode', { positionMode: 'one-way' }), [
  'symbol',
]);
export const cancelAllAfter = instruction('futures', 'cancel-all-after', { timeoutSeconds: 60 });

type Kind = readonly [name: string, fields: Fields];
const SIDES = ['buy', 'sell'] as const;
const PRICED = ['limit', 'limit-maker', 'ioc'] as const;

/** Every kind of order, with no field that it could do without. */
export const places: readonly Kind[] = [
  ...PRICED.flatMap((type) =>
    SIDES.flatMap((side): readonly Kind[] => [
      [`${type} ${side}`, { ...limitBuy, type, side }],
      [`margin ${type} ${side}`, { ...marginLimit, type, side }],
    ]),
  ),
  ['market buy', marketBuy],
  ['market sell', marketSell],
  ['margin market buy', { ...marketBuy, market: 'margin' }],
  ['margin market sell', { ...marketSell, market: 'margin' }],
  ...SIDES.flatMap((side) =>
    [...PRICED, 'fok', 'market'].flatMap((type): readonly Kind[] => {
      const fields = { ...(type === 'market' ? futuresMarket : { ...futuresBuy, type }), side };
      return [
        [`futures ${type} ${side}`, fields],
        [`futures ${type} ${side} reduce-only`, { ...fields, reduceOnly: true }],
      ];
    }),
  ),
];
/** Every kind of instruction, with no field that it could do without. */
export const instructions: readonly Kind[] = [
  ['cancel', cancel],
  ['margin cancel', { ...cancel, market: 'margin' }],
  ['futures cancel', cancelFutures],
  ['cancel-all', cancelAll],
  ['margin cancel-all', { ...cancelAll, market: 'margin' }],
  ['futures cancel-all', cancelAllFutures],
  ['amend price', amendPrice],
  ['amend size', amendSize],
  ['set-leverage', setLeverage],
  ['set-position-mode', setPositionMode],
  ['cancel-all-after', cancelAllAfter],
];
/** Every kind of intent that there is. */
export const kinds: readonly Kind[] = [...places, ...instructions];

const carrying: readonly Kind[] = [
  ['limit buy', { ...limitBuy, selfTradePrevention: 'none' }],
  ['margin market buy', { ...marketBuy, market: 'margin', selfTradePrevention: 'cancel-both' }],
  ...[futuresBuy, futuresMarket].flatMap((fields): readonly Kind[] => [
    [
      `futures ${fields === futuresBuy ? 'limit' : 'market'} buy`,
      {
        ...fields,
        selfTradePrevention: 'cancel-taker',
        reduceOnly: false,
        leverage: '12.5',
        marginMode: 'cross',
        takeProfit: { price: '70000', trigger: 'mark' },
        stopLoss: { price: '50000' },
      },
    ],
    [
      `futures ${fields === futuresBuy ? 'limit' : 'market'} buy reduce-only`,
      { ...fields, reduceOnly: true, selfTradePrevention: 'cancel-maker' },
    ],
  ]),
  ['cancel-all', { ...cancelAll, symbol: 'BTC_USDT', side: 'sell' }],
  ['amend', { ...amendPrice, size: '0.02' }],
  ['cancel-all-after', { ...cancelAllAfter, timeoutSeconds: 0 }],
];
/** Every kind that may carry more, with all that it may carry. */
export const fullKinds: readonly Kind[] = carrying.map(([name, fields]) => {
  const collar = { referencePrice: '60000', maxDeviationBps: 50 };
  return [name, { ...fields, collar, strategy: 'dca', replayOf: 'order0' }];
});

const from = (alphabet: string, most: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.nat(alphabet.length - 1).map((index) => alphabet.charAt(index)),
    minLength: 1,
    maxLength: most,
  });
const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const LETTERS = `${CAPITALS}abcdefghijklmnopqrstuvwxyz`;

export const id = from(LETTERS, 32);

/** A positive decimal with at most so many digits before and after the point. */
export function decimal(before = 20, after = 18): fc.Arbitrary<string> {
  const digits = (most: number) => from('0123456789', most);
  const whole = fc.oneof(
    fc.constant('0'),
    digits(before).map((text) => text.replace(/^0+(?=.)/, '')),
  );
  const part =
    after === 0
      ? fc.constant('')
      : fc.oneof(
          fc.constant(''),
          digits(after).map((text) => `.${text}`),
        );
  return fc
    .tuple(whole, part)
    .map((parts) => parts.join(''))
    .filter((text) => /[1-9]/.test(text));
}

const symbol = fc.tuple(from(CAPITALS, 20), from(CAPITALS, 20)).map((coins) => coins.join('_'));
const common = fc.record(
  {
    id,
    account: from('abcdefghijklmnopqrstuvwxyz0123456789', 32),
    collar: fc.record({ referencePrice: decimal(), maxDeviationBps: fc.integer({ min: 1, max: 10_000 }) }),
    strategy: from(`${LETTERS}._-`, 64),
    replayOf: id,
  },
  { requiredKeys: ['id', 'account'] },
);
const times = fc
  .tuple(fc.date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true }), fc.nat(600_000), fc.boolean())
  .map(([created, life, exact]) => {
    const text = (at: Date): string => (exact ? at.toISOString() : `${at.toISOString().slice(0, 19)}Z`);
    return { createdAt: text(created), expiresAt: text(new Date(created.getTime() + life)) };
  });
const side = fc.constantFrom(...SIDES);
const spotOrMargin = fc.constantFrom('spot', 'margin');
const futures = fc.constant('futures');
const exit = fc.record({ price: decimal(), trigger: fc.constantFrom('last', 'mark') }, { requiredKeys: ['price'] });
/** One kind: what it must have, and what it may have. */
const shape = (action: string, must: Record<string, fc.Arbitrary<unknown>>, may: typeof must = {}) =>
  fc.record<Record<string, unknown>>(
    { action: fc.constant(action), ...must, ...may },
    { requiredKeys: ['action', ...Object.keys(must)] },
  );
const marketType = fc.constant('market');
const sized = { symbol, size: decimal() };
const spotMay = { selfTradePrevention: fc.constantFrom('none', 'cancel-maker', 'cancel-taker', 'cancel-both') };
const contractMay = { selfTradePrevention: fc.constantFrom('cancel-maker', 'cancel-taker', 'cancel-both') };
const openingMay = {
  ...contractMay,
  reduceOnly: fc.constant(false),
  leverage: decimal(),
  marginMode: fc.constantFrom('isolated', 'cross'),
  takeProfit: exit,
  stopLoss: exit,
};
const spotPriced = { market: spotOrMargin, side, type: fc.constantFrom(...PRICED), ...sized, price: decimal() };
const contractPriced = { market: futures, side, type: fc.constantFrom(...PRICED, 'fok'), ...sized, price: decimal() };
const contractMarket = { market: futures, side, type: marketType, ...sized };
const reduceOnly = fc.constant(true);
const buy = fc.constant('buy');
const sell = fc.constant('sell');

const kind = fc.oneof(
  shape('place', spotPriced, spotMay),
  shape('place', { market: spotOrMargin, symbol, side: buy, type: marketType, notional: decimal() }, spotMay),
  shape('place', { market: spotOrMargin, side: sell, type: marketType, ...sized }, spotMay),
  shape('place', contractPriced, openingMay),
  shape('place', contractMarket, openingMay),
  shape('place', { ...contractPriced, reduceOnly }, contractMay),
  shape('place', { ...contractMarket, reduceOnly }, contractMay),
  shape('cancel', { market: fc.constantFrom('spot', 'margin', 'futures'), symbol, target: id }),
  shape('cancel-all', { market: spotOrMargin }, { symbol, side }),
  shape('cancel-all', { market: futures, symbol }),
  shape('amend', { market: futures, symbol, target: id, price: decimal() }, { size: decimal() }),
  shape('amend', { market: futures, symbol, target: id, size: decimal() }, { price: decimal() }),
  shape('set-leverage', { market: futures, symbol, leverage: decimal(), marginMode: openingMay.marginMode }),
  shape('set-position-mode', { market: futures, positionMode: fc.constantFrom('hedge', 'one-way') }),
  shape('cancel-all-after', {
    ...{ market: futures, symbol },
    timeoutSeconds: fc.oneof(fc.constant(0), fc.integer({ min: 5, max: 86_400 })),
  }),
);

/** Any valid intent, as the fields of its body. */
export const intentFields: fc.Arbitrary<Fields> = fc
  .tuple(common, times, kind)
  .map(([fields, instants, rest]) => ({ ...fields, ...instants, ...rest }));

const d = (text: string): Decimal => text as Decimal;
/** The rules of BTC_USDT on a venue. */
export const btcRules: Instrument = {
  symbol: 'BTC_USDT',
  priceStep: d('0.01'),
  sizeStep: d('0.00001'),
  minSize: d('0.00001'),
  minNotional: { buy: d('5'), sell: d('5') },
  tradable: true,
};
