// What the tests of the order domain share: one good intent of each kind, and generators of good ones.
// Promises that everything generated here is valid by the contract; the contract is spelled out anew, not imported.
import fc from 'fast-check';

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
export const cancel = changed(limitBuy, ['side', 'type', 'size', 'price'], { action: 'cancel', target: 'order1' });

/** Every kind of intent that there is. */
export const kinds: readonly (readonly [name: string, fields: Fields])[] = [
  ...['limit', 'limit-maker', 'ioc'].flatMap((type) =>
    ['buy', 'sell'].map((side) => [`${type} ${side}`, { ...limitBuy, type, side }] as const),
  ),
  ['market buy', marketBuy],
  ['market sell', marketSell],
  ['cancel', cancel],
];

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

const common = fc.record(
  {
    id,
    account: from('abcdefghijklmnopqrstuvwxyz0123456789', 32),
    market: fc.constant('spot'),
    symbol: fc.tuple(from(CAPITALS, 20), from(CAPITALS, 20)).map((coins) => coins.join('_')),
    collar: fc.record({ referencePrice: decimal(), maxDeviationBps: fc.integer({ min: 1, max: 10_000 }) }),
    strategy: from(`${LETTERS}._-`, 64),
    replayOf: id,
  },
  { requiredKeys: ['id', 'account', 'market', 'symbol'] },
);
const times = fc
  .tuple(fc.date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true }), fc.nat(600_000), fc.boolean())
  .map(([created, life, exact]) => {
    const text = (at: Date): string => (exact ? at.toISOString() : `${at.toISOString().slice(0, 19)}Z`);
    return { createdAt: text(created), expiresAt: text(new Date(created.getTime() + life)) };
  });
const side = fc.constantFrom('buy', 'sell');
const kind = fc.oneof(
  fc.record({ action: fc.constant('place'), side, type: fc.constantFrom('limit', 'limit-maker', 'ioc'), size: decimal(), price: decimal() }), // prettier-ignore
  fc.record({ action: fc.constant('place'), side: fc.constant('buy'), type: fc.constant('market'), notional: decimal() }), // prettier-ignore
  fc.record({ action: fc.constant('place'), side: fc.constant('sell'), type: fc.constant('market'), size: decimal() }),
  fc.record({ action: fc.constant('cancel'), target: id }),
);

/** Any valid intent, as the fields of its body. */
export const intentFields: fc.Arbitrary<Fields> = fc
  .tuple(common, times, kind)
  .map(([fields, instants, rest]) => ({ ...fields, ...instants, ...rest }));
