// The door: whatever a message body holds, it comes out as a valid intent or as a Malformed that names what is wrong.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BODY_LIMIT_BYTES, intentJsonSchema, parse, type Malformed } from '../../shared/order/intent.ts';
import { amendPrice, amendSize, cancel, cancelAll, cancelAllAfter, cancelAllFutures, cancelFutures, changed, fullKinds, futuresBuy, futuresMarket, intentFields, kinds, limitBuy, marketBuy, marketSell, setLeverage, setPositionMode, type Fields } from './arbitraries.ts'; // prettier-ignore

const malformed = (body: string): Malformed => {
  const parsed = parse(body);
  if (parsed.kind !== 'malformed') throw new Error(`this passed as an intent: ${body}`);
  return parsed;
};
/** The fields that the problems name: the first word of each sentence. */
const wrongFields = (fields: Fields): readonly string[] =>
  malformed(JSON.stringify(fields)).problems.map((problem) => problem.split(' ')[0] ?? '');

describe('a valid intent', () => {
  test.each(kinds)('%s comes through unchanged', (_, fields) => {
    expect(parse(JSON.stringify(fields))).toEqual({ kind: 'intent', intent: fields });
  });
  test.each(fullKinds)('%s with all that it may carry comes through unchanged', (_, fields) => {
    expect(parse(JSON.stringify(fields))).toEqual({ kind: 'intent', intent: fields });
  });
  test.each(kinds)('%s may carry a collar, a strategy and the id that it replays', (_, fields) => {
    const more = { collar: { referencePrice: '1', maxDeviationBps: 1 }, strategy: 'a.b-c_D', replayOf: 'x' };
    expect(parse(JSON.stringify({ ...fields, ...more }))).toEqual({ kind: 'intent', intent: { ...fields, ...more } });
  });

  test('survives the way through JSON, whatever its values', () => {
    fc.assert(
      fc.property(intentFields, (fields) => {
        expect(parse(JSON.stringify(fields))).toEqual({ kind: 'intent', intent: fields });
      }),
    );
  });

  test('may carry ids that are names of properties of every object', () => {
    for (const id of ['constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect(parse(JSON.stringify({ ...limitBuy, id })).kind).toBe('intent');
    }
  });

  test('may have white space and any order of fields', () => {
    const backwards = Object.fromEntries(Object.entries(limitBuy).reverse());
    expect(parse(` \r\n${JSON.stringify(backwards, null, 2)}\t`)).toEqual({ kind: 'intent', intent: limitBuy });
  });

  test('is looked at up to the limit of the queue, and not beyond it', () => {
    const padded = (bytes: number): string => JSON.stringify(limitBuy).padEnd(bytes);
    expect(parse(padded(BODY_LIMIT_BYTES)).kind).toBe('intent');
    expect(malformed(padded(BODY_LIMIT_BYTES + 1)).problems).toEqual(['body has 4097 bytes; the limit is 4096']);
    // Bytes, not characters.
    expect(malformed(`"${'é'.repeat(2048)}"`).problems).toEqual(['body has 4098 bytes; the limit is 4096']);
  });
});

describe('a body that is no object', () => {
  test.each(['', ' ', 'hello', '{', "{'id':1}", '{"id":NaN}', '{"a":1,}', '\ufeff{}', '{"a":1}{"b":2}'])(
    'not JSON: %j',
    (body) => {
      expect(malformed(body)).toEqual({ kind: 'malformed', problems: ['body is not JSON; send one JSON object'] });
    },
  );
  test.each(['[]', 'null', '1', '"text"', 'true', `[${JSON.stringify(limitBuy)}]`])('not an object: %s', (body) => {
    const problems = ['body is not a JSON object; send one object per message'];
    expect(malformed(body)).toEqual({ kind: 'malformed', problems });
  });
});

describe('a wrong value is named by its field', () => {
  const numbers: readonly unknown[] = ['1e-7', '1E5', '-1', '+1', '0', '0.0', '0.000', '00', '01', '007.5', '1.', '.5', ' 1', '1 ', '1\n', '1,5', '1_000', '0x10', 'NaN', 'Infinity', '', '١', '1'.repeat(21), `0.${'1'.repeat(19)}`, 1, 0.01, 0, -1, null, true, [], ['1'], {}]; // prettier-ignore
  test.each(numbers)('a decimal may not be %j', (value) => {
    expect(wrongFields({ ...limitBuy, size: value })).toEqual(['size']);
    expect(wrongFields({ ...limitBuy, price: value })).toEqual(['price']);
    expect(wrongFields({ ...marketBuy, notional: value })).toEqual(['notional']);
    expect(wrongFields({ ...limitBuy, collar: { referencePrice: value, maxDeviationBps: 1 } })).toEqual([
      'collar.referencePrice',
    ]);
  });
  test('a decimal may have 20 digits before and 18 after the point', () => {
    expect(parse(JSON.stringify({ ...limitBuy, size: `${'9'.repeat(20)}.${'9'.repeat(18)}` })).kind).toBe('intent');
  });

  test.each(['', 'a'.repeat(33), 'bücher', 'a-b', 'a_b', 'a b', 'a\n', 'ａ', 1, null, {}, ['a']])(
    'an id may not be %j',
    (value) => {
      expect(wrongFields({ ...limitBuy, id: value })).toEqual(['id']);
      expect(wrongFields({ ...cancel, target: value })).toEqual(['target']);
      expect(wrongFields({ ...limitBuy, replayOf: value })).toEqual(['replayOf']);
    },
  );

  test.each(['', 'Main', 'main!', 'a'.repeat(33), 'mäin', 7, null])('an account may not be %j', (value) => {
    expect(wrongFields({ ...limitBuy, account: value })).toEqual(['account']);
  });
  test.each(['BTCUSDT', 'btc_usdt', 'BTC_', '_USDT', 'BTC_USDT_X', 'BTC/USDT', `${'A'.repeat(21)}_USDT`, 5, null])(
    'a symbol may not be %j',
    (value) => {
      expect(wrongFields({ ...limitBuy, symbol: value })).toEqual(['symbol']);
    },
  );

  // prettier-ignore
  const instants: readonly unknown[] = ['', 'now', '2026-11-22', '2026-11-22 19:00:00Z', '2026-11-22T19:00:00', '2026-11-22T19:00:00+00:00', '2026-11-22T20:00:00.000+01:00', '2026-11-22T19:00:00z', '2026-11-22t19:00:00Z', '2026-11-22T19:00Z', '2026-11-22T19:00:00.1Z', '2026-11-22T19:00:00.000000Z', '2026-02-30T00:00:00Z', '2026-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-00-10T00:00:00Z', '2026-11-31T00:00:00Z', '2026-11-22T24:00:00Z', '2026-11-22T23:60:00Z', '2026-11-22T23:59:60Z', '+002026-11-22T19:00:00Z', 1_795_000_000_000, null, {}];
  test.each(instants)('a time may not be %j', (value) => {
    expect(new Set(wrongFields({ ...limitBuy, createdAt: value }))).toEqual(new Set(['createdAt']));
    expect(new Set(wrongFields({ ...limitBuy, expiresAt: value }))).toEqual(new Set(['expiresAt']));
  });
  test('a leap day is a day', () => {
    const leap = { createdAt: '2028-02-29T00:00:00Z', expiresAt: '2028-02-29T00:00:01Z' };
    expect(parse(JSON.stringify({ ...limitBuy, ...leap })).kind).toBe('intent');
  });

  test.each([0, 10_001, 1.5, -1, '50', null, 1e300])('maxDeviationBps may not be %j', (value) => {
    const collar = { referencePrice: '1', maxDeviationBps: value };
    expect(wrongFields({ ...limitBuy, collar })).toEqual(['collar.maxDeviationBps']);
  });
  test.each([null, 5, 'tight', [], true])('a collar may not be %j', (collar) => {
    expect(new Set(wrongFields({ ...limitBuy, collar }).map((name) => name.split('.')[0]))).toEqual(
      new Set(['collar']),
    );
  });
  test.each(['', 'a b', 'a'.repeat(65), 'é', 5])('a strategy may not be %j', (strategy) => {
    expect(wrongFields({ ...limitBuy, strategy })).toEqual(['strategy']);
  });

  test.each([
    ['action', 'buy'],
    ['action', 'PLACE'],
    ['action', null],
    ['market', 'swap'],
    ['market', 'Futures'],
    ['market', null],
    ['side', 'BUY'],
    ['side', 'constructor'],
    ['type', 'stop'],
    ['type', '__proto__'],
    ['type', 5],
  ])('%s may not be %j', (name, value) => {
    expect(wrongFields({ ...limitBuy, [name]: value })).toEqual([name]);
  });

  const ONE = 'must be one of';
  test.each([
    ['market', { ...cancelFutures, market: 'swap' }, `${ONE} "spot", "margin", "futures"`],
    ['type', { ...limitBuy, type: 'stop' }, `${ONE} "limit", "limit-maker", "ioc", "market"`],
    ['type', { ...limitBuy, type: 'fok' }, `${ONE} "limit", "limit-maker", "ioc", "market": spot and margin have no fok`],
    ['type', { ...limitBuy, market: 'margin', type: 'fok' }, `${ONE} "limit", "limit-maker", "ioc", "market": spot and margin have no fok`],
    ['type', { ...futuresBuy, type: 'stop' }, `${ONE} "limit", "limit-maker", "ioc", "fok", "market"`],
    ['side', { ...futuresBuy, side: 'long' }, `${ONE} "buy", "sell"`],
    ['side', { ...cancelAll, side: 'both' }, `${ONE} "buy", "sell"`],
    ['selfTradePrevention', { ...limitBuy, selfTradePrevention: 'yes' }, `${ONE} "none", "cancel-maker", "cancel-taker", "cancel-both"`],
    ['selfTradePrevention', { ...futuresBuy, selfTradePrevention: 'none' }, `${ONE} "cancel-maker", "cancel-taker", "cancel-both"`],
    ['reduceOnly', { ...futuresBuy, reduceOnly: 'yes' }, 'must be true or false'],
    ['reduceOnly', { ...futuresMarket, reduceOnly: 1 }, 'must be true or false'],
    ['reduceOnly', { ...futuresMarket, reduceOnly: null }, 'must be true or false'],
    ['leverage', { ...futuresBuy, leverage: 5 }, 'must be a positive decimal in quotes without sign or exponent, such as "0.01"'],
    ['leverage', { ...setLeverage, leverage: '0' }, 'must be a positive decimal in quotes without sign or exponent, such as "0.01"'],
    ['marginMode', { ...futuresBuy, marginMode: 'both' }, `${ONE} "isolated", "cross"`],
    ['marginMode', { ...setLeverage, marginMode: 'Cross' }, `${ONE} "isolated", "cross"`],
    ['takeProfit', { ...futuresBuy, takeProfit: '70000' }, 'must be an object { price, trigger? }'],
    ['takeProfit.price', { ...futuresBuy, takeProfit: { price: 70_000 } }, 'must be a positive decimal in quotes without sign or exponent, such as "0.01"'],
    ['takeProfit.price', { ...futuresBuy, takeProfit: {} }, 'is missing'],
    ['stopLoss.trigger', { ...futuresMarket, stopLoss: { price: '1', trigger: 'index' } }, `${ONE} "last", "mark"`],
    ['stopLoss.size', { ...futuresMarket, stopLoss: { price: '1', size: '1' } }, 'is no field of place market'],
    ['positionMode', { ...setPositionMode, positionMode: 'net' }, `${ONE} "hedge", "one-way"`],
    ['target', { ...amendPrice, target: 'a-b' }, 'must be 1 to 32 letters and digits'],
    ['price', { ...amendPrice, price: '-1' }, 'must be a positive decimal in quotes without sign or exponent, such as "0.01"'],
    ['price', { ...amendSize, price: null }, 'must be a positive decimal in quotes without sign or exponent, such as "0.01"'],
    ['size', { ...amendSize, size: '0' }, 'must be a positive decimal in quotes without sign or exponent, such as "0.01"'],
  ])('%s, with what it may be: %j', (name, fields, rule) => {
    expect(malformed(JSON.stringify(fields)).problems).toEqual([`${name} ${rule}`]);
  }); // prettier-ignore
  test('an instruction of contracts alone, for another market, says so, and an amend what to do there', () => {
    for (const fields of [amendPrice, amendSize, setLeverage, setPositionMode, cancelAllAfter]) {
      const { action } = fields;
      const instead = action === 'amend' ? '; cancel and place anew' : '';
      for (const market of ['spot', 'margin', 'swap']) {
        expect(malformed(JSON.stringify({ ...fields, market })).problems).toEqual([
          `market must be "futures": ${String(action)} is for futures alone${instead}`,
        ]);
      }
    }
  });
  test.each([-1, 1, 4, 4.5, 5.5, 86_401, 1e300, '0', '60', null, true, [], {}])('timeoutSeconds may not be %j', (value) => {
    expect(malformed(JSON.stringify({ ...cancelAllAfter, timeoutSeconds: value })).problems).toEqual([
      'timeoutSeconds must be a whole number of seconds, 0 or from 5 to 86400',
    ]);
  }); // prettier-ignore
  test.each([0, 5, 6, 60, 86_400])('timeoutSeconds may be %j', (timeoutSeconds) => {
    expect(parse(JSON.stringify({ ...cancelAllAfter, timeoutSeconds })).kind).toBe('intent');
  });
});

describe('what an intent must and must not have', () => {
  test.each(kinds)('%s: each of its fields that is missing is named', (_, fields) => {
    // Without reduceOnly it would be an order that opens a position.
    for (const name of Object.keys(fields).filter((field) => field !== 'reduceOnly')) {
      const { problems } = malformed(JSON.stringify(changed(fields, [name])));
      expect(problems.some((problem) => problem.startsWith(`${name} `) || problem.includes(`so is ${name}:`))).toBe(
        true,
      );
    }
  });
  test.each(kinds)('%s: a field that it does not know is named', (_, fields) => {
    for (const name of ['foo', 'ID', 'clientOrderId', 'constructor', 'toString', 'hasOwnProperty', 'stop_loss']) {
      expect(wrongFields({ ...fields, [name]: '1' })).toEqual([name]);
    }
  });
  /** Every field of any kind that stands beside the common ones, with a value that is right where it belongs. */
  const anywhere: Fields = { symbol: 'BTC_USDT', side: 'buy', type: 'limit', size: '1', price: '1', notional: '1', target: 'order1', reduceOnly: true, leverage: '5', marginMode: 'cross', takeProfit: { price: '1' }, stopLoss: { price: '1' }, selfTradePrevention: 'cancel-maker', positionMode: 'hedge', timeoutSeconds: 60 }; // prettier-ignore
  const opening = ['leverage', 'marginMode', 'takeProfit', 'stopLoss'];
  const may = (name: string, fields: Fields): readonly string[] => {
    const isFutures = fields['market'] === 'futures';
    if (fields['action'] === 'place') {
      // What reduces is no opening order any more: the other fields are judged with it.
      const contract = fields['reduceOnly'] === true ? ['reduceOnly'] : ['reduceOnly', ...opening];
      return ['selfTradePrevention', ...(isFutures ? contract : [])];
    }
    if (name.includes('amend')) return ['price', 'size'];
    return fields['action'] === 'cancel-all' && !isFutures ? ['symbol', 'side'] : [];
  };
  test.each(kinds)('%s: each field that belongs to another kind is no field of it', (name, fields) => {
    const { action, type } = fields;
    const kind = action === 'place' ? `place ${String(type)}` : String(action);
    const foreign = Object.keys(anywhere).filter((field) => !(field in fields) && !may(name, fields).includes(field));
    expect(foreign.length).toBeGreaterThan(3);
    for (const field of foreign) {
      const { problems } = malformed(JSON.stringify({ ...fields, [field]: anywhere[field] }));
      expect(problems).toEqual([`${field} is no field of ${kind}`]);
    }
    const all = malformed(JSON.stringify({ ...fields, ...Object.fromEntries(foreign.map((field) => [field, anywhere[field]])) })); // prettier-ignore
    expect([...all.problems].sort()).toEqual(foreign.map((field) => `${field} is no field of ${kind}`).sort());
    for (const field of may(name, fields)) {
      expect([field, parse(JSON.stringify({ ...fields, [field]: anywhere[field] })).kind]).toEqual([field, 'intent']);
    }
  });
  test('a futures order is sized in base coin in every case, and never by a notional', () => {
    for (const side of ['buy', 'sell']) {
      const byNotional = changed(futuresMarket, ['size'], { side, notional: '100' });
      expect([...wrongFields(byNotional)].sort()).toEqual(['notional', 'size']);
    }
  });
  test('an order that only reduces has no leverage, no margin mode and no exits', () => {
    for (const field of opening) {
      expect(wrongFields({ ...futuresMarket, reduceOnly: true, [field]: anywhere[field] })).toEqual([field]);
      expect(wrongFields({ ...futuresBuy, reduceOnly: true, [field]: anywhere[field] })).toEqual([field]);
    }
  });
  test('a futures cancel without target is malformed: it would cancel the whole symbol', () => {
    for (const target of [undefined, null, '', '0x-', 0, []]) {
      expect(wrongFields({ ...cancelFutures, target })).toEqual(['target']);
    }
    expect(malformed(JSON.stringify(changed(cancelFutures, ['target']))).problems).toEqual(['target is missing']);
  });
  test('a futures cancel-all names its symbol and has no side; on spot both may be left out', () => {
    expect(wrongFields(changed(cancelAllFutures, ['symbol']))).toEqual(['symbol']);
    expect(wrongFields({ ...cancelAllFutures, side: 'buy' })).toEqual(['side']);
    expect(parse(JSON.stringify(cancelAll)).kind).toBe('intent');
  });
  test('an amend changes the price, the size, or both', () => {
    for (const more of [{ price: '1' }, { size: '1' }, { price: '1', size: '1' }]) {
      expect(parse(JSON.stringify(changed(amendPrice, ['price'], more))).kind).toBe('intent');
    }
    expect(malformed(JSON.stringify(changed(amendPrice, ['price']))).problems).toEqual([
      'price is missing, and so is size: an amend changes one or both',
    ]);
  });
  test('a market buy has no size and no price, a market sell no notional and no price', () => {
    expect(wrongFields({ ...marketBuy, size: '1' })).toEqual(['size']);
    expect(wrongFields({ ...marketBuy, price: '1' })).toEqual(['price']);
    expect(wrongFields({ ...marketSell, notional: '1' })).toEqual(['notional']);
    expect(wrongFields({ ...marketSell, price: '1' })).toEqual(['price']);
    expect(wrongFields({ ...limitBuy, notional: '1' })).toEqual(['notional']);
  });
  test('a cancel has no side, type, size, price or notional', () => {
    const names = ['side', 'type', 'size', 'price', 'notional'];
    const extra = { side: 'buy', type: 'limit', size: '1', price: '1', notional: '1' };
    expect([...wrongFields({ ...cancel, ...extra })].sort()).toEqual([...names].sort());
    expect(wrongFields({ ...limitBuy, target: 'x' })).toEqual(['target']);
  });
  test('a field unknown to the collar is named with its path', () => {
    const collar = { referencePrice: '1', maxDeviationBps: 1, minDeviationBps: 1 };
    expect(wrongFields({ ...limitBuy, collar })).toEqual(['collar.minDeviationBps']);
  });
  test('an expiry before the creation is malformed, an expiry at the same moment is not', () => {
    const at = (expiresAt: string): Fields => ({ ...limitBuy, expiresAt });
    expect(malformed(JSON.stringify(at('2026-11-22T18:59:59.999Z'))).problems).toEqual([
      'expiresAt lies before createdAt',
    ]);
    expect(parse(JSON.stringify(at(limitBuy.createdAt))).kind).toBe('intent');
  });
  test('all wrong fields are named at once', () => {
    const wrong = { ...limitBuy, id: '', size: '-1', price: 5, createdAt: '2026-02-30T00:00:00Z', foo: 1 };
    expect([...wrongFields(wrong)].sort()).toEqual(['createdAt', 'foo', 'id', 'price', 'size']);
  });
  test('each wrong field is named once', () => {
    expect(wrongFields({ ...limitBuy, createdAt: 'yesterday' })).toEqual(['createdAt']);
  });
});

describe('keys that JSON.parse hides', () => {
  const body = JSON.stringify(limitBuy);
  const withKey = (text: string): string => `{${text},${body.slice(1)}`;
  test.each([
    ['plain', '"size":"5"', 'size'],
    ['the same value', '"size":"0.01"', 'size'],
    ['an escaped letter', '"s\\u0069ze":"5"', 'size'],
    ['a capital hexadecimal digit', '"si\\u007Ae":"5"', 'size'],
    ['white space around the colon', '"size" \n : "5"', 'size'],
    ['twice in a collar', '"collar":{"referencePrice":"1","referencePrice":"2","maxDeviationBps":1}', 'referencePrice'],
  ])('repeated: %s', (_, text, name) => {
    expect(malformed(withKey(text)).problems).toEqual([`${name} appears twice; send each field once`]);
  });
  test('repeated after a string full of braces, quotes and colons', () => {
    const problems = malformed(withKey('"foo":"}{\\"size\\":[,:\\\\","size":"5"')).problems;
    expect(problems).toContain('size appears twice; send each field once');
  });
  test('the same key in two objects is no repetition', () => {
    const { problems } = malformed(withKey('"a":{"x":1},"b":[{"x":1},{"x":2}]'));
    expect(problems).toEqual(['a is no field of place limit', 'b is no field of place limit']);
  });
  test.each(['"__proto__":{"size":"1"}', '"__pro\\u0074o__":1', '"__proto__":null'])('%s is no field', (text) => {
    expect(malformed(withKey(text)).problems).toContain('__proto__ is no field of an intent');
  });
  test('a __proto__ gives an intent none of its fields', () => {
    const without = JSON.stringify(changed(limitBuy, ['price']));
    const { problems } = malformed(`{"__proto__":{"price":"1"},${without.slice(1)}`);
    expect(problems).toContain('price is missing');
  });
  test('a __proto__ in the collar is no field either', () => {
    const collar = '"collar":{"__proto__":1,"referencePrice":"1","maxDeviationBps":1}';
    expect(malformed(withKey(collar)).problems).toContain('__proto__ is no field of an intent');
  });
});

describe('a Malformed', () => {
  test('carries id and account where they can be read, and only there', () => {
    expect(malformed(JSON.stringify({ ...limitBuy, size: 1 }))).toMatchObject({ id: limitBuy.id, account: 'main' });
    expect(malformed('{"id":"!","account":"MAIN"}')).toEqual({
      kind: 'malformed',
      problems: expect.any(Array),
    });
  });

  test('shows no value of the body that is longer than a name', () => {
    const secret = 'S3cret'.repeat(20);
    const shown = (fields: Fields): string => JSON.stringify(malformed(JSON.stringify(fields)));
    for (const name of Object.keys({ ...limitBuy, notional: 1, target: 1, strategy: 1, replayOf: 1, collar: 1 })) {
      expect(shown({ ...limitBuy, foo: 1, [name]: secret })).not.toContain(secret.slice(0, 41));
    }
    expect(shown({ ...limitBuy, foo: secret })).not.toContain('S3cret');
    expect(shown({ ...limitBuy, [secret]: 1 })).not.toContain(secret.slice(0, 41));
    expect(shown({ ...limitBuy, collar: { [secret]: secret } })).not.toContain(secret.slice(0, 41));
  });

  test('is printable ASCII whatever the names in the body', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const parsed = parse(JSON.stringify({ ...limitBuy, [name]: 1, size: name }));
        expect(parsed.kind === 'intent' ? '' : parsed.problems.join()).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });
});

describe('parse never throws', () => {
  test('for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (body) => void parse(body)));
  });
  test('for any JSON', () => {
    fc.assert(fc.property(fc.json(), (body) => expect(parse(body).kind).toBe('malformed')));
  });
  test('for any field of an intent replaced by any JSON value', () => {
    const names = fc.constantFrom(...new Set([...kinds, ...fullKinds].flatMap(([, fields]) => Object.keys(fields))));
    fc.assert(
      fc.property(fc.constantFrom(...kinds), names, fc.jsonValue(), ([, fields], name, value) => {
        const parsed = parse(JSON.stringify({ ...fields, [name]: value }));
        if (parsed.kind === 'malformed') expect(parsed.problems.length).toBeGreaterThan(0);
      }),
    );
  });
  test('for any bytes cut out of an intent, and one that passes is valid again by itself', () => {
    const body = JSON.stringify({ ...limitBuy, collar: { referencePrice: '1', maxDeviationBps: 5 } });
    fc.assert(
      fc.property(fc.nat(body.length), fc.nat(8), fc.string({ maxLength: 3 }), (start, length, put) => {
        const parsed = parse(body.slice(0, start) + put + body.slice(start + length));
        if (parsed.kind === 'intent') expect(parse(JSON.stringify(parsed.intent))).toEqual(parsed);
      }),
    );
  });
  test('for deep nesting up to the limit', () => {
    expect(parse('['.repeat(4096)).kind).toBe('malformed');
    expect(parse(`{"collar":${'['.repeat(2000)}${']'.repeat(2000)}}`).kind).toBe('malformed');
  });
});

/** Just so much of JSON Schema as the exported schema uses; anything else in it is an error. */
interface Schema {
  readonly anyOf?: readonly Schema[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
}
const KEYWORDS = ['$schema', '$id', 'title', 'description', 'anyOf', 'type', 'properties', 'required', 'additionalProperties', 'pattern', 'enum', 'const', 'minimum', 'maximum', 'multipleOf']; // prettier-ignore

const accepts = (schema: Schema, value: unknown): boolean => {
  const strange = Object.keys(schema).filter((keyword) => !KEYWORDS.includes(keyword));
  if (strange.length > 0) throw new Error(`the schema uses ${strange.join()}, which this check does not know`);
  if (schema.anyOf !== undefined) return schema.anyOf.some((one) => accepts(one, value));
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if ('const' in schema) return schema.const === value;
  if (schema.type === 'object') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const { properties = {}, required = [], additionalProperties } = schema;
    return (
      required.every((name) => Object.hasOwn(value, name)) &&
      Object.entries(value).every(([name, field]) => {
        const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
        return known === undefined ? additionalProperties !== false : accepts(known, field);
      })
    );
  }
  if (schema.type === 'number') {
    const { minimum = -Infinity, maximum = Infinity, multipleOf = 0 } = schema;
    return typeof value === 'number' && value >= minimum && value <= maximum && !(value % multipleOf);
  }
  return schema.type === 'string' && typeof value === 'string' && new RegExp(schema.pattern ?? '', 'u').test(value);
};

describe('the JSON Schema', () => {
  const schema = intentJsonSchema() as Schema;
  test('names its dialect and has one strict shape for each kind', () => {
    expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'OrderIntent' });
    expect(schema.anyOf).toHaveLength(15);
    expect(schema.anyOf?.every(({ additionalProperties }) => additionalProperties === false)).toBe(true);
  });
  test('accepts every valid intent', () => {
    fc.assert(fc.property(intentFields, (fields) => accepts(schema, fields)));
    for (const [name, fields] of [...kinds, ...fullKinds])
      expect([name, accepts(schema, fields)]).toEqual([name, true]);
  });
  test('and parse agree about the time of the dead-man switch', () => {
    const seconds = fc.oneof(fc.integer({ min: -1, max: 10 }), fc.integer({ min: 86_390, max: 86_410 }), fc.double());
    fc.assert(
      fc.property(seconds, (timeoutSeconds) => {
        const body = JSON.stringify({ ...cancelAllAfter, timeoutSeconds });
        expect(parse(body).kind === 'intent').toBe(accepts(schema, JSON.parse(body)));
      }),
    );
  });
  test('and parse agree about shapes, whatever is changed in an intent', () => {
    const names = Object.keys(Object.fromEntries(fullKinds.flatMap(([, fields]) => Object.entries(fields))));
    const more = ['notional', 'positionMode', 'leverage', 'marginMode', 'foo'];
    const words = new Set(
      kinds.flatMap(([, fields]) => Object.values(fields)).filter((value) => typeof value === 'string'),
    );
    const values = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(...words, 'fok', 'cross', 'hedge', 'none', 'cancel-maker', '1', '0', '1e5', 'A_B', 'a', 'A'),
      fc.constantFrom(true, false, 0, 1, 4, 5, 5.5, 86_400, 86_401, { price: '1' }, { price: '1', trigger: 'last' }),
    );
    const change = fc.tuple(fc.constantFrom(...names, ...more), fc.option(values));
    fc.assert(
      fc.property(intentFields, fc.array(change, { minLength: 1, maxLength: 3 }), (fields, changes) => {
        let body = fields;
        for (const [name, value] of changes) body = changed(body, [name], value === null ? {} : { [name]: value });
        const parsed = parse(JSON.stringify(body));
        const byShape =
          parsed.kind === 'intent' ||
          parsed.problems.every((problem) => /exists on the calendar|lies before createdAt|__proto__/.test(problem));
        expect(byShape).toBe(accepts(schema, JSON.parse(JSON.stringify(body))));
      }),
      { numRuns: 2000 },
    );
  });
});
