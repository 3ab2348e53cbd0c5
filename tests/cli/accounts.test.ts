// Halting, resuming, and all that `desk account` does: by exit code, by what trades afterwards, and that of a key nothing
// is ever told. Time runs ten times as fast, so that what a function has read of a secret lives for three seconds.
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { intent } from '../system/fixture.ts';
import { desk, startDesk, type DeskSystem, type Given, type Said } from './fixture.ts';

const CACHE_MS = 3000;
const FAST = { SECRET_CACHE_SECONDS: String(CACHE_MS / 1000) };
const PREFIX = 'bitmart/accounts/';

let system: DeskSystem;
/** All that was typed as an argument, and all that was said. */
const told: string[] = [];
const keys: Record<string, string>[] = [];
let next = 0;

beforeAll(async () => {
  system = await startDesk({ timeScale: 0.1, accounts: 2 });
});
afterAll(() => system.close());

const run = async (args: readonly string[], given: Given = {}): Promise<Said> => {
  const said = await system.desk(args, given);
  told.push(...args, said.out, said.err);
  return said;
};
/** A key that the exchange knows, of an account that has no secret yet. */
const newKey = async (account: string): Promise<Record<string, string>> => {
  next += 1;
  const key = { apiKey: `typed-key-${next}`, secretKey: `typed-secret-${next}-q7`, memo: `typed mémo #${next}` };
  await system.control('PUT', '/accounts', { account, ...key });
  keys.push(key);
  return key;
};
const typed = (key: Readonly<Record<string, unknown>>): Given => ({ stdin: JSON.stringify(key) });
const secretOf = async (account: string): Promise<Record<string, unknown>> => {
  const { SecretString = '' } = await system.secrets.send(new GetSecretValueCommand({ SecretId: PREFIX + account }));
  return JSON.parse(SecretString) as Record<string, unknown>;
};
const put = (account: string, SecretString: string): Promise<unknown> =>
  system.secrets.send(new PutSecretValueCommand({ SecretId: PREFIX + account, SecretString }));
const mandateOf = async (account: string): Promise<unknown> => (await secretOf(account))['mandate'];
const notesOf = async (account: string): Promise<string> =>
  (await system.secrets.send(new DescribeSecretCommand({ SecretId: PREFIX + account }))).Description ?? '';
/** Sends an order and waits for its first report. */
const outcome = async (account: string, overrides: Readonly<Record<string, unknown>> = {}) => {
  const order = intent({ account, ...overrides });
  await system.send([order]);
  await system.until(`a report of ${order.id}`, () => system.reportsOf(order.id).length > 0);
  return system.reportsOf(order.id)[0];
};
const codeOf = async (args: readonly string[], given?: Given): Promise<number | null> => (await run(args, given)).code;
const ordersOf = async (account: string) =>
  (await system.control<{ account: string; state: string | number }[]>('GET', '/orders')).filter((order) => order.account === account); // prettier-ignore

describe('a halt', () => {
  test('stops what has traded a moment ago, within the life of the cache, and keeps who, when and why', async () => {
    await system.addAccount('stopped', { mandate: { state: 'active', symbols: ['BTC_USDT'] } });
    expect(await outcome('stopped')).toMatchObject({ status: 'accepted' });
    const { code, out } = await run(['halt', 'stopped', '--reason', 'fills look wrong'], { env: FAST });
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/within 3 s/) });
    await pause(CACHE_MS);
    expect(await outcome('stopped')).toMatchObject({ status: 'denied', reason: 'TRADING_HALTED' });
    expect(await mandateOf('stopped')).toEqual({ state: 'halted', symbols: ['BTC_USDT'] });
    expect(await notesOf('stopped')).toMatch(/^\d{4}-\d\d-\d\dT\S+Z \S+: halted: fills look wrong$/);
  });

  test('needs neither queues nor the exchange', async () => {
    await system.addAccount('alone');
    const { aws, region } = system.ready;
    const nowhere = 'http://127.0.0.1:9';
    const env = {
      ...{ AWS_ENDPOINT_URL_SECRETS_MANAGER: aws, AWS_ENDPOINT_URL_SQS: nowhere, AWS_REGION: region },
      ...{ AWS_ACCESS_KEY_ID: 'PERSON', AWS_SECRET_ACCESS_KEY: 'x' },
      ...{ BITMART_SPOT_URL: nowhere, BITMART_FUTURES_URL: nowhere },
    };
    expect((await desk(['intents', '--stage', 'dev'], { env })).code).toBe(4);
    expect((await desk(['halt', 'alone', '--stage', 'dev'], { env })).code).toBe(0);
    expect(await mandateOf('alone')).toEqual({ state: 'halted' });
    // What it can do only with them it does afterwards, and says where it could not.
    const canceled = await desk(['halt', 'alone', '--cancel', '--stage', 'dev'], { env: { ...env, ...FAST, AWS_ENDPOINT_URL_SQS: aws } }); // prettier-ignore
    expect(canceled).toMatchObject({ code: 1, out: expect.stringMatching(/alone is halted[^]*none of them is canceled[^]*Cancel-all was sent/) }); // prettier-ignore
    const { code, err } = await desk(['halt', 'alone', '--stage', 'dev'], {
      env: { ...env, AWS_ENDPOINT_URL_SECRETS_MANAGER: nowhere },
    });
    expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('cannot be reached') });
  }, 30_000);

  test('whose answer AWS spoils once is made all the same', async () => {
    await system.addAccount('spoiled');
    await faults([{ action: 'PutSecretValue', fault: 'error', code: 'InternalServiceError', times: 3 }]);
    expect(await codeOf(['halt', 'spoiled'])).toBe(0);
    expect(await mandateOf('spoiled')).toEqual({ state: 'halted' });
  });

  test('holds and keeps its reason where nobody reads what it writes', async () => {
    await system.addAccount('unread');
    expect(await run(['halt', 'unread', '--reason', 'fills look wrong'], { isUnread: true })).toEqual({ code: 0, out: '', err: '' }); // prettier-ignore
    expect(await mandateOf('unread')).toEqual({ state: 'halted' });
    expect(await notesOf('unread')).toMatch(/: halted: fills look wrong$/);
  });

  test('holds where its note cannot be kept, and says so', async () => {
    await system.addAccount('noteless');
    await faults([{ action: 'UpdateSecret', fault: 'error', code: 'AccessDeniedException' }]);
    const { code, out } = await run(['halt', 'noteless']);
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('could not be kept') });
    expect(await mandateOf('noteless')).toEqual({ state: 'halted' });
  });

  test('with --cancel takes open orders off the exchange, of every market', async () => {
    await system.addAccount('resting');
    const perpetual = { market: 'futures', size: '0.01', leverage: '5', marginMode: 'isolated' };
    for (const overrides of [{}, { market: 'margin' }, perpetual]) {
      expect(await outcome('resting', overrides)).toMatchObject({ status: 'accepted' });
    }
    const open = async (): Promise<number> => {
      const counts = await Promise.all(
        ['spot', 'margin', 'futures'].map(async (market) => {
          const { out } = await run(['orders', 'resting', '--market', market, '--json']);
          return (JSON.parse(out) as { orders: unknown[] }).orders.length;
        }),
      );
      return counts.reduce((all, one) => all + one, 0);
    };
    expect(await open()).toBe(3);
    const { code, out } = await run(['halt', 'resting', '--cancel'], { env: FAST });
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('Cancel-all was sent') });
    await system.until('nothing is open', async () => (await open()) === 0);
    // At once spot with margin, and the contract; and spot once more when the cache is over.
    const canceled = () => system.reports.filter(({ account, action, status }) => account === 'resting' && action === 'cancel-all' && status === 'done'); // prettier-ignore
    await system.until('three cancel-alls are done', () => canceled().length >= 3);
    expect(await mandateOf('resting')).toEqual({ state: 'halted' });
  }, 60_000);

  test.each([
    [[], 'Say which account'],
    [['main', '--all'], 'not both'],
    [['Main'], 'lower-case'],
    [['nobody'], 'account list'],
    [['main', '--reason', ' '], '--reason'],
  ])('of %j is refused with a sentence', async (args, sentence) => {
    const { code, err } = await run(['halt', ...args]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(sentence) });
  });
});

describe('a resume', () => {
  beforeAll(async () => {
    await system.addAccount('back', { mandate: { state: 'halted', maxOrderNotional: '500' } });
  });

  test.each([
    [['back'], '--reason TEXT'],
    [['back', '--reason', 'fixed', '--to', 'halted'], '--to is'],
    [['nobody', '--reason', 'fixed'], 'account list'],
  ])('%j is refused, and nothing is resumed', async (args, sentence) => {
    const { code, err } = await run(['resume', ...args, '--yes']);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(sentence) });
    expect(await mandateOf('back')).toMatchObject({ state: 'halted' });
  });

  test('shows what would be allowed, and does nothing without a yes', async () => {
    const { code, out } = await run(['resume', 'back', '--reason', 'the feed is back']);
    expect({ code, out }).toEqual({ code: 3, out: expect.stringContaining('at most 500') });
    expect(await mandateOf('back')).toMatchObject({ state: 'halted' });
    expect(await notesOf('back')).toBe('');
  });

  test('with a reason and a yes trades again, as far as it was said, and the reason is kept', async () => {
    const resume = (...to: string[]) => codeOf(['resume', 'back', '--reason', 'the feed is back', '--yes', ...to]);
    expect(await resume('--to', 'reducing')).toBe(0);
    expect(await mandateOf('back')).toEqual({ state: 'reducing', maxOrderNotional: '500' });
    expect(await outcome('back')).toMatchObject({ status: 'denied', reason: 'TRADING_REDUCING' });
    expect(await resume()).toBe(0);
    await pause(CACHE_MS);
    expect(await outcome('back')).toMatchObject({ status: 'accepted' });
    const [newest, older] = (await notesOf('back')).split(' | ');
    expect(newest).toMatch(/: from reducing to active: the feed is back$/);
    expect(older).toMatch(/: from halted to reducing: the feed is back$/);
    expect(await resume()).toBe(0);
    expect((await notesOf('back')).split(' | ')).toHaveLength(2);
  });

  test('whose reason cannot be kept resumes nothing', async () => {
    await put('back', JSON.stringify({ ...(await secretOf('back')), mandate: { state: 'halted' } }));
    await faults([{ action: 'UpdateSecret', fault: 'error', code: 'AccessDeniedException' }]);
    expect(await codeOf(['resume', 'back', '--reason', 'fixed', '--yes'])).toBe(4);
    expect(await mandateOf('back')).toEqual({ state: 'halted' });
  });

  test('loses against a halt that comes after its look', async () => {
    await system.addAccount('raced', { mandate: { state: 'reducing' } });
    await faults([{ action: 'UpdateSecret', fault: 'delay', ms: 4000, times: 1 }]);
    const looks = (): number =>
      (system.aws?.calls() ?? []).filter(({ action, resource }) => action === 'DescribeSecret' && resource.includes('raced')).length; // prettier-ignore
    const resumed = run(['resume', 'raced', '--reason', 'fixed', '--yes']);
    await system.until('the resume has looked', () => looks() === 2);
    expect(await codeOf(['halt', 'raced'])).toBe(0);
    const { code, err } = await resumed;
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('look again') });
    expect(await mandateOf('raced')).toEqual({ state: 'halted' });
  });
});

describe('a new account', () => {
  test('that the desk added trades: in shadow first, and for real when that is said and confirmed', async () => {
    const key = await newKey('added');
    const { code, out } = await run(['account', 'add', 'added', '--symbols', 'BTC_USDT', '--max-order-notional', '100'], typed(key)); // prettier-ignore
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('--shadow off') });
    expect(await secretOf('added')).toEqual({ ...key, mandate: { state: 'active', shadow: true, symbols: ['BTC_USDT'], maxOrderNotional: '100' } }); // prettier-ignore
    expect(await outcome('added')).toMatchObject({ status: 'done' });
    expect(await ordersOf('added')).toEqual([]);
    expect(await codeOf(['account', 'mandate', 'added', '--shadow', 'off'])).toBe(3);
    expect(await mandateOf('added')).toMatchObject({ shadow: true });
    expect(await codeOf(['account', 'mandate', 'added', '--shadow', 'off', '--yes'])).toBe(0);
    await pause(CACHE_MS);
    expect(await outcome('added')).toMatchObject({ status: 'accepted' });
    expect(await ordersOf('added')).toHaveLength(1);
  });

  test('may be live from the start where that is confirmed', async () => {
    const key = await newKey('live');
    expect(await codeOf(['account', 'add', 'live', '--live'], typed(key))).toBe(3);
    await expect(secretOf('live')).rejects.toThrow();
    expect(await codeOf(['account', 'add', 'live', '--live', '--yes'], typed(key))).toBe(0);
    expect(await mandateOf('live')).toEqual({ state: 'active' });
  });

  test('takes a memo under the name that ccxt has for it, and says so', async () => {
    const { memo = '', ...key } = await newKey('ccxt');
    const { code, out } = await run(['account', 'add', 'ccxt'], typed({ ...key, uid: memo, brokerId: 'desk' }));
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('ccxt') });
    expect(await secretOf('ccxt')).toMatchObject({ ...key, memo, brokerId: 'desk' });
  });

  test('with a memo that is wrong is not stored, unless it is forced', async () => {
    const key = { ...(await newKey('forced')), memo: 'another memo 4711' };
    keys.push(key);
    const { code, err } = await run(['account', 'add', 'forced'], typed(key));
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('--force') });
    await expect(secretOf('forced')).rejects.toThrow();
    expect(await codeOf(['account', 'add', 'forced', '--force'], typed(key))).toBe(0);
    expect(await secretOf('forced')).toMatchObject(key);
    expect(await codeOf(['account', 'check', 'forced'])).toBe(1);
  });

  test.each<[string, string, string[], string]>([
    ['nothing', '', [], 'Nothing came on stdin'],
    ['no JSON', 'typed-secret-0-q7', [], 'not one JSON object'],
    ['a list', '["typed-secret-0-q7"]', [], 'not one JSON object'],
    ['a field too many', '{"apiKey":"typed-key-0","secretKey":"typed-secret-0-q7","memo":"m","typed-secret-0-q7":"x"}', [], 'belongs to no key'], // prettier-ignore
    ['a mandate', '{"apiKey":"a","secretKey":"b","memo":"m","mandate":{}}', [], 'belongs to no key'],
    ['a number', '{"apiKey":"a","secretKey":5,"memo":"m"}', [], 'secretKey is not text'],
    ['no secret', '{"apiKey":"typed-key-0","memo":"m"}', [], 'secretKey is missing'],
    ['an empty key', '{"apiKey":" ","secretKey":"b","memo":"m"}', [], 'apiKey is empty'],
    ['two memos', '{"apiKey":"a","secretKey":"b","memo":"m","uid":"m"}', [], 'two names of one thing'],
    ['a wrong option', '{}', ['--batching', 'perhaps'], 'on or off'],
    ['a wrong share', '{}', ['--limit-share', '2'], 'at most 1'],
    ['a wrong amount', '{}', ['--max-order-notional', '1e3'], 'no amount'],
    ['a wrong symbol', '{}', ['--symbols', 'btcusdt'], 'no symbol'],
  ])('of %s is refused with a sentence, and nothing is stored', async (_what, stdin, options, sentence) => {
    keys.push({ apiKey: 'typed-key-0', secretKey: 'typed-secret-0-q7' });
    const { code, err } = await run(['account', 'add', 'refused', ...options], { stdin });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(sentence) });
    await expect(secretOf('refused')).rejects.toThrow();
  });

  test.each([
    ['main', 'account rotate main'],
    ['No_Name', 'lower-case'],
  ])('cannot be called %s', async (name, sentence) => {
    const before = await secretOf('main');
    const { code, err } = await run(['account', 'add', name], typed({ apiKey: 'a', secretKey: 'b', memo: 'c' }));
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(sentence) });
    expect(await secretOf('main')).toEqual(before);
  });
});

describe('a new key', () => {
  test('takes the place of the old one, lifts no halt, and leaves what belongs to no key', async () => {
    expect(await codeOf(['account', 'rotate', 'main2'], typed({ apiKey: 'a', secretKey: 'b', memo: 'c' }))).toBe(3);
    await system.addAccount('rotated', { brokerId: 'desk', mandate: { state: 'halted', symbols: ['BTC_USDT'] } });
    const key = await newKey('rotated');
    const { code, out } = await run(['account', 'rotate', 'rotated', '--yes'], typed(key));
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('rotated is halted') });
    expect(await secretOf('rotated')).toEqual({ ...key, brokerId: 'desk', mandate: { state: 'halted', symbols: ['BTC_USDT'] } }); // prettier-ignore
    expect(await codeOf(['resume', 'rotated', '--reason', 'new key', '--yes'])).toBe(0);
    expect(await outcome('rotated')).toMatchObject({ status: 'accepted' });
  });

  test('that is refused by the exchange leaves the old one current', async () => {
    await system.addAccount('kept');
    const before = await secretOf('kept');
    const key = { apiKey: 'typed-key-unknown', secretKey: 'typed-secret-unknown', memo: 'typed memo unknown' };
    keys.push(key);
    const { code, err } = await run(['account', 'rotate', 'kept', '--json', '--yes'], typed(key));
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('Nothing was stored') });
    expect(await secretOf('kept')).toEqual(before);
  });

  test('is refused for an account that is not there', async () => {
    const { code, err } = await run(['account', 'rotate', 'nobody'], typed({ apiKey: 'a', secretKey: 'b', memo: 'c' }));
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('account add nobody') });
  });
});

describe('a mandate', () => {
  const change = (...options: string[]) => run(['account', 'mandate', 'limited', ...options]);
  beforeAll(() => system.addAccount('limited'));

  test('is shown, narrowed without a question, and widened with one', async () => {
    expect((await change()).out).toContain('every symbol; orders of any size; sent for real');
    const narrow = [
      '--symbols',
      'BTC_USDT',
      '--max-order-notional',
      '1000',
      '--limit-share',
      '0.5',
      '--batching',
      'on',
    ];
    expect((await change(...narrow)).code).toBe(0);
    const narrowed = {
      state: 'active',
      symbols: ['BTC_USDT'],
      maxOrderNotional: '1000',
      limitShare: 0.5,
      batching: true,
    };
    expect(await mandateOf('limited')).toEqual(narrowed);
    for (const wider of [
      ['--symbols', 'BTC_USDT,ETH_USDT'],
      ['--symbols', 'all'],
      ['--max-order-notional', '1000.1'],
      ['--max-order-notional', 'none'],
    ]) {
      // prettier-ignore
      expect((await change(...wider)).code).toBe(3);
      expect(await mandateOf('limited')).toEqual(narrowed);
    }
    const all = ['--symbols', 'ETH_USDT,BTC_USDT', '--max-order-notional', 'none', '--limit-share', 'none', '--batching', 'off', '--yes']; // prettier-ignore
    expect((await change(...all)).code).toBe(0);
    expect(await mandateOf('limited')).toEqual({ state: 'active', symbols: ['ETH_USDT', 'BTC_USDT'] });
    expect(await notesOf('limited')).toContain('mandate: symbols, maxOrderNotional, limitShare, batching changed');
  });

  test.each([
    [['--shadow', 'maybe'], 'on or off'],
    [['--max-order-notional', '0'], 'no amount'],
    [['--limit-share', '0'], 'above 0'],
    [['--symbols', ''], 'no symbol'],
  ])('is not changed by %j', async (options, sentence) => {
    const before = await mandateOf('limited');
    const { code, err } = await change(...options, '--yes');
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(sentence) });
    expect(await mandateOf('limited')).toEqual(before);
  });

  test('that cannot be read is told, and not written over', async () => {
    await system.addAccount('garbled', { mandate: { state: 'actve' } });
    const { code, out } = await run(['account', 'mandate', 'garbled']);
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('wrong fields: state') });
    expect(await codeOf(['account', 'mandate', 'garbled', '--shadow', 'on', '--yes'])).toBe(1);
    expect(await codeOf(['resume', 'garbled', '--reason', 'x', '--yes'])).toBe(1);
    expect(await mandateOf('garbled')).toEqual({ state: 'actve' });
    expect(await codeOf(['halt', 'garbled'])).toBe(0);
    expect(await mandateOf('garbled')).toEqual({ state: 'halted' });
  });
});

describe('accounts', () => {
  test('are checked: secret, mandate and key', async () => {
    const { code, out } = await run(['account', 'check', 'main2', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ account: 'main2', mandate: { state: 'active' }, findings: expect.arrayContaining([expect.objectContaining({ level: 'good' })]) }); // prettier-ignore
    expect(await codeOf(['account', 'check', 'nobody'])).toBe(2);
    await system.addAccount('nojson');
    await put('nojson', 'typed-secret-0-q7');
    expect(await codeOf(['account', 'check', 'nojson'])).toBe(1);
  });

  test('are listed with what they may do, and without anything of their keys', async () => {
    const { code, out } = await run(['account', 'list', '--json']);
    expect(code).toBe(1);
    const rows = JSON.parse(out) as readonly Readonly<Record<string, unknown>>[];
    const row = (account: string) => rows.find((each) => each['account'] === account);
    expect(row('main2')).toEqual({ account: 'main2', state: 'active', changedAt: expect.stringMatching(/Z$/) });
    expect(row('limited')).toMatchObject({
      symbols: ['ETH_USDT', 'BTC_USDT'],
      note: expect.stringContaining('mandate'),
    });
    expect(row('nojson')).toMatchObject({ unreadable: expect.stringContaining('not a JSON object') });
    expect((await run(['account', 'list'])).out).toMatch(/^main2 +active +every symbol/m);
  });

  test('are halted all together, over pages of the list, and one that fails stops no other', async () => {
    const names = Array.from({ length: 105 }, (_, index) => `crowd${String(index)}`);
    const SecretString = JSON.stringify({ apiKey: 'a', secretKey: 'b', memo: 'c', mandate: { state: 'active' } });
    await Promise.all(names.map((name) => system.secrets.send(new CreateSecretCommand({ Name: PREFIX + name, SecretString })))); // prettier-ignore
    const { code, out } = await run(['halt', '--all', '--reason', 'drill', '--json']);
    expect(code).toBe(1);
    const results = JSON.parse(out) as readonly { account: string; isHalted: boolean }[];
    expect(results.filter(({ isHalted }) => !isHalted).map(({ account }) => account)).toEqual(['nojson']);
    for (const name of [...names, 'main', 'main2', 'added']) {
      expect([name, await mandateOf(name)]).toEqual([name, expect.objectContaining({ state: 'halted' })]);
    }
    await pause(CACHE_MS);
    expect(await outcome('main')).toMatchObject({ reason: 'TRADING_HALTED' });
    // And back again, but for the one that cannot be read.
    const resumed = await run(['resume', '--all', '--reason', 'the drill is over', '--yes']);
    expect(resumed).toMatchObject({
      code: 1,
      out: expect.stringMatching(/bitmart\/accounts\/nojson is not a JSON\s+object/),
    });
    for (const name of [...names, 'main', 'main2', 'added']) {
      expect([name, await mandateOf(name)]).toEqual([name, expect.objectContaining({ state: 'active' })]);
    }
  }, 60_000);
});

test('nothing of any key is in an argument, in what was said, or in what the functions logged', () => {
  for (const name of ['main', 'main2', 'stopped', 'rotated']) {
    keys.push({ apiKey: `local-key-${name}`, secretKey: `local-secret-${name}-8f2c`, memo: `my memo #1 é ${name}` });
  }
  const all = [...told, ...system.lines];
  expect(told.length).toBeGreaterThan(100);
  expect(system.lines.length).toBeGreaterThan(20);
  for (const value of keys.flatMap((key) => Object.values(key))) {
    expect([value, all.filter((line) => line.includes(value))]).toEqual([value, []]);
  }
});

const faults = async (list: readonly object[]): Promise<void> => {
  const sent = await fetch(`${system.ready.aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults: list }) });
  expect(sent.ok).toBe(true);
};
afterEach(() => faults([]));
