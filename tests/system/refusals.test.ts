// What must not become an order does not, says why, and holds nothing up; and no secret is ever told.
import { localKeys } from '../../local/stack.ts';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { intent, startSystem, type System } from './fixture.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ timeScale: 0.1, variables: { PARK_SECONDS: '6' } });
});
afterAll(() => system.close());

const raw = (overrides: Readonly<Record<string, unknown>>, group = 'main', id?: string) => {
  const body = intent(overrides);
  return { raw: JSON.stringify(body), group, id: id ?? body.id.slice(0, 32) };
};
const text = (body: string, id: string) => ({ raw: body, group: 'main', id });
const at = (ms: number): string => new Date(Date.now() + ms).toISOString();

describe('malformed input of every kind', () => {
  const good = JSON.stringify(intent({ id: 'twice' }));
  const malformed: readonly [string, ReturnType<typeof text>][] = [
    ['not JSON', text('buy bitcoin', 'notjson')],
    ['an array', text('[]', 'array')],
    ['null', text('null', 'null')],
    ['a number for a decimal', raw({ size: 0.001 })],
    ['an exponent', raw({ size: '1e-7' })],
    ['an exponent as a number', text(good.replace('"0.001"', '1e-7'), 'twice')],
    ['a negative size', raw({ size: '-1' })],
    ['NaN', raw({ price: 'NaN' })],
    ['NaN that is no JSON', text(good.replace('"50000"', 'NaN'), 'twice')],
    ['an unknown field', raw({ leverage: '5' })],
    ['a duplicate key', text(good.replace('{', '{"size":"9",'), 'twice')],
    ['a 33-character id', raw({ id: 'x'.repeat(33) })],
    ['a prototype key', text(good.replace('{', '{"__proto__":{"size":"9"},'), 'twice')],
    ['a constructor key', raw({ constructor: 'x' })],
    ['a market buy with a size', raw({ type: 'market', price: undefined })],
    ['an expiry before the creation', raw({ expiresAt: at(-60_000) })],
  ];
  const denied: readonly [string, string, ReturnType<typeof text>][] = [
    ['created in the future', 'CREATED_IN_FUTURE', raw({ createdAt: at(30_000) })],
    ['living too long', 'LIFETIME_TOO_LONG', raw({ expiresAt: at(3_600_000) })],
    ['expired', 'INTENT_EXPIRED', raw({ createdAt: at(-60_000), expiresAt: at(-1000) })],
    [
      'expired long ago',
      'INTENT_EXPIRED',
      raw({ createdAt: '2020-01-01T00:00:00Z', expiresAt: '2020-01-01T00:01:00Z' }),
    ],
    ['below the minimum', 'NOTIONAL_BELOW_MINIMUM', raw({ size: '0.00001' })],
    ['below the smallest size', 'SIZE_BELOW_MINIMUM', raw({ size: '0.000001' })],
    ['an unknown symbol', 'SYMBOL_UNKNOWN', raw({ symbol: 'NIX_USDT' })],
    ['a symbol that does not trade', 'SYMBOL_NOT_TRADING', raw({ symbol: 'NEW_USDT' })],
    ['outside its collar', 'PRICE_OUTSIDE_COLLAR', raw({ collar: { referencePrice: '50000', maxDeviationBps: 50 } })],
    ['missing secret', 'ACCOUNT_UNKNOWN', raw({ account: 'nobody' }, 'nobody')],
    ['halted mandate', 'TRADING_HALTED', raw({ account: 'halted' }, 'halted')],
    ['reducing mandate', 'TRADING_REDUCING', raw({ account: 'reducing' }, 'reducing')],
    ['unreadable mandate', 'MANDATE_UNREADABLE', raw({ account: 'unreadable' }, 'unreadable')],
    ['too large for its mandate', 'NOTIONAL_ABOVE_MAXIMUM', raw({ account: 'small' }, 'small')],
    [
      'a sale that would fill far above its price',
      'NOTIONAL_ABOVE_MAXIMUM',
      raw({ account: 'small', side: 'sell', type: 'ioc', size: '1', price: '6' }, 'small'),
    ],
    ['a symbol outside its mandate', 'SYMBOL_NOT_ALLOWED', raw({ account: 'small', symbol: 'ETH_USDT' }, 'small')],
  ];
  const foreign: readonly [string, string, ReturnType<typeof text>][] = [
    ['wrong group', 'GROUP_MISMATCH', raw({}, 'main2')],
    ['wrong deduplication id', 'DEDUPLICATION_MISMATCH', raw({}, 'main', 'somethingelse')],
  ];

  test('ends as one dead letter each, with no order, and nothing behind it waits', async () => {
    await system.addAccount('halted', { mandate: { state: 'halted' } });
    await system.addAccount('reducing', { mandate: { state: 'reducing' } });
    await system.addAccount('unreadable', { mandate: { state: 'actve' } });
    await system.addAccount('small', { mandate: { state: 'active', maxOrderNotional: '10', symbols: ['BTC_USDT'] } });
    const all = [
      ...malformed.map(([name, message]) => ({ name, reason: 'MALFORMED', message })),
      ...[...denied, ...foreign].map(([name, reason, message]) => ({ name, reason, message })),
    ];
    // SQS would drop a second message with one deduplication id: each case gets an id of its own.
    const sent = all.map((each, index) => {
      if (each.message.id !== 'twice') return each;
      const id = `twice${index}`;
      return {
        ...each,
        message: { ...each.message, id, raw: each.message.raw.replace('"id":"twice"', `"id":"${id}"`) },
      };
    });
    const last = intent();
    const messageIds = await system.send([...sent.map(({ message }) => message), last]);
    await system.until('the good intent behind them', () => system.reportsOf(last.id).length > 0);
    await system.until('a letter of each', () => system.letters.length >= sent.length);
    for (const [index, { name, reason, message }] of sent.entries()) {
      const letters = system.letters.filter(({ attributes }) => attributes['sourceMessageId'] === messageIds[index]);
      expect({
        name,
        letters: letters.map(({ body, group, deduplicationId, attributes }) => ({
          body,
          group,
          deduplicationId,
          reason: attributes['reason'],
          certainty: attributes['certainty'],
          attempts: attributes['attempts'],
        })),
      }).toEqual({
        name,
        letters: [
          {
            body: message.raw,
            group: message.group,
            deduplicationId: messageIds[index],
            reason,
            // Another message with that id may have come and gone before anybody's memory.
            certainty: name === 'expired long ago' ? 'unknown' : 'not-sent',
            attempts: '1',
          },
        ],
      });
      const own = system.reports.filter(({ id }) => id === message.id || id === messageIds[index]);
      const expected = reason.endsWith('_MISMATCH') ? [] : [reason];
      expect({ name, reasons: own.map((report) => report.reason) }).toEqual({ name, reasons: expected });
    }
    const orders = await system.control<readonly { clientOrderId: string }[]>('GET', '/orders');
    expect(orders.map(({ clientOrderId }) => clientOrderId)).toEqual([last.id]);
  }, 60_000);
});

describe('refused credentials', () => {
  const register = (account: string, more: Readonly<Record<string, unknown>>) =>
    system.control('PUT', '/accounts', { account, ...localKeys(account), ...more });
  const cases: readonly [string, RegExp, () => Promise<unknown>][] = [
    ['wrongmemo', /memo/, () => system.addAccount('wrongmemo', { memo: 'SECRETMEMO' })],
    ['wrongsecret', /secretKey/, () => system.addAccount('wrongsecret', { secretKey: 'SECRETKEY' })],
    ['wrongkey', /apiKey/, () => system.addAccount('wrongkey', { apiKey: 'SECRETAPIKEY' })],
    [
      'nopermission',
      /Spot-Trade/,
      () => system.addAccount('nopermission').then(() => register('nopermission', { permissions: ['read'] })),
    ],
    [
      'unbound',
      /IP address/,
      () => system.addAccount('unbound').then(() => register('unbound', { ips: ['10.1.2.3'] })),
    ],
    [
      'expiredkey',
      /expired/,
      () => system.addAccount('expiredkey').then(() => register('expiredkey', { expired: true })),
    ],
  ];

  test.each(cases)(
    '%s: the intent waits until it expires, and its end says what to look at',
    async (account, expected, prepare) => {
      await prepare();
      const wanted = intent({ account, expiresAt: at(2500) });
      await system.send([wanted]);
      await system.until('a report', () => system.reportsOf(wanted.id).length > 0);
      expect(Date.now()).toBeGreaterThan(Date.parse(String(wanted['expiresAt'])));
      expect(system.reportsOf(wanted.id)).toMatchObject([{ status: 'expired', reason: 'INTENT_EXPIRED' }]);
      expect(system.reportsOf(wanted.id)[0]?.detail).toMatch(expected);
      await system.until('a letter', () => system.letterOf(wanted.id) !== undefined);
      expect(system.letterOf(wanted.id)?.attributes).toMatchObject({ reason: 'INTENT_EXPIRED', certainty: 'not-sent' });
    },
  );

  test('a key that was corrected in the secret is used for the intent that waits', async () => {
    await system.addAccount('mended', { secretKey: 'SECRETKEY' });
    const wanted = intent({ account: 'mended' });
    await system.send([wanted]);
    await system.until('a refusal', () =>
      system.lines.some((line) => line.includes('account refused') && line.includes('"mended"')),
    );
    await system.addAccount('mended');
    await system.until('an order', () => system.reportsOf(wanted.id).length > 0, 30_000);
    expect(system.reportsOf(wanted.id)).toMatchObject([{ status: 'accepted' }]);
  }, 40_000);

  test('a skewed clock is measured and told', async () => {
    await system.control('PUT', '/clock', { offsetMs: -90_000 });
    try {
      const wanted = intent({ expiresAt: at(2500) });
      await system.send([wanted]);
      await system.until('a report', () => system.reportsOf(wanted.id).length > 0);
      expect(system.reportsOf(wanted.id)).toMatchObject([{ status: 'expired', reason: 'INTENT_EXPIRED' }]);
      expect(system.reportsOf(wanted.id)[0]?.detail).toMatch(/clock.*(89|90|91) s ahead/);
    } finally {
      await system.control('PUT', '/clock', { offsetMs: 0 });
    }
  });
});

test('no line, report or letter of all this holds a secret', async () => {
  await system.secrets.send(
    new PutSecretValueCommand({ SecretId: 'bitmart/accounts/main', SecretString: '{"apiKey":"SECRETAPIKEY"' }),
  );
  const said = [
    ...system.lines,
    ...system.reports.map((report) => JSON.stringify(report)),
    ...system.letters.map((letter) => JSON.stringify(letter.attributes)),
  ];
  expect(said.length).toBeGreaterThan(50);
  const secrets = /SECRETMEMO|SECRETKEY|SECRETAPIKEY|local-key-|local-secret-|my memo #1/;
  expect(said.filter((line) => secrets.test(line))).toEqual([]);
});
