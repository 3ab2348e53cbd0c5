// `desk doctor` names what is wrong: every wrong credential, missing permission, skewed clock and trouble of the exchange,
// each made on the local stack. It sends few requests, places and cancels nothing, and shows no credential.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examine } from '../../cli/doctor.ts';
import { bitmartDoctor } from '../../shared/bitmart/doctor.ts';
import { MOST_REQUESTS } from '../../shared/bitmart/findings.ts';
import { send } from '../../shared/bitmart/wire.ts';
import { nodeTransport } from '../../shared/http.ts';
import type { Finding, Level } from '../../shared/order/finding.ts';
import { optionsAt } from '../bitmart/fixture.ts';
import { intent } from '../system/fixture.ts';
import { localKeys } from '../../local/stack.ts';
import { desk, startDesk, type DeskSystem, type Said } from './fixture.ts';

type DeployedStack = Parameters<typeof examine>[0];
interface Examined {
  readonly exchange: readonly Finding[];
  readonly accounts: Readonly<Record<string, readonly Finding[]>>;
}
type Requests = Readonly<Record<string, { readonly count: number }>>;

let system: DeskSystem;
beforeAll(async () => {
  system = await startDesk();
}, 120_000);
afterAll(() => system.close());
afterEach(async () => {
  await system.control('DELETE', '/faults');
  await system.control('PUT', '/clock', { offsetMs: 0 });
  await system.control('PUT', '/service', { service_type: 'spot', status: '2' });
});

const read = ({ out }: Said): Examined => JSON.parse(out) as Examined;
const told = (findings: readonly Finding[] | undefined, level: Level): readonly string[] =>
  (findings ?? []).filter((one) => one.level === level).map(({ code }) => code);
const everything = ({ exchange, accounts }: Examined): readonly Finding[] => [
  ...exchange,
  ...Object.values(accounts).flat(),
];
/** What was sent, but for what the functions ask about orders that they follow. */
const counted = async (): Promise<number> =>
  Object.entries(await system.control<Requests>('GET', '/requests'))
    .filter(([path]) => path !== '/contract/private/order')
    .reduce((sum, [, { count }]) => sum + count, 0);

/** The exchange's side of an account, as the local stack makes it. */
const registered = (account: string, more: object = {}): Promise<unknown> =>
  system.control('PUT', '/accounts', { account, ...localKeys(account), ...more });
const fault = (path: string, more: object): Promise<unknown> =>
  system.control('PUT', '/faults', { faults: [{ path, ...more }] });

const LOOKUP = '/spot/v4/query/client-order';
const CANCEL = '/spot/v3/cancel_order';

test('a good account of a good exchange: nothing but good findings and what cannot be told, exit 0', async () => {
  const { code, out, err } = await system.desk(['doctor', 'main']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  for (const check of [
    'network',
    'clock',
    'service',
    'trading',
    'key',
    'signature',
    'permissions',
    'limit',
    'mandate',
  ]) {
    expect(out).toMatch(new RegExp(`^[✓!] ${check}`, 'm'));
  }
  expect(out).not.toContain('✗');
});

test('a good account of a good exchange takes as many requests as are said to be the most', async () => {
  await system.control('DELETE', '/state');
  await system.desk(['doctor', 'main']);
  expect(await counted()).toBe(MOST_REQUESTS.exchange + MOST_REQUESTS.account);
});

test('reads only: nothing is sent but reads, and it says that permissions are untold', async () => {
  await system.control('DELETE', '/state');
  const said = await system.desk(['doctor', 'main', '--reads-only', '--json']);
  expect(said.code).toBe(0);
  expect(told(read(said).accounts['main'], 'note')).toEqual(['PERMISSIONS_UNTOLD']);
  const paths = Object.keys(await system.control<Requests>('GET', '/requests')).filter(
    (path) => !path.startsWith('/system/'),
  );
  expect(paths.toSorted()).toEqual(['/spot/v1/symbols/details', LOOKUP]);
});

describe('accounts that are not as they should be, all in one run', () => {
  /** Fields of the secret, what the exchange has instead, and what is to be found as trouble and, among others, as note. */
  interface Case {
    readonly secret?: Readonly<Record<string, unknown>>;
    readonly exchange?: object;
    readonly trouble: readonly string[];
    readonly note?: readonly string[];
  }
  const cases: Readonly<Record<string, Case>> = {
    wrongmemo: { secret: { memo: 'qwertz memo' }, trouble: ['SIGNATURE_WRONG'] },
    wrongsecret: { secret: { secretKey: 'qwertz-secret' }, trouble: ['SIGNATURE_WRONG'], note: ['SECRET_SHAPE'] },
    wrongkey: { secret: { apiKey: 'nobodys-key' }, trouble: ['KEY_UNKNOWN'] },
    wellshaped: { secret: { apiKey: '80618e45710812162b04892c7ee5ead4a3cc3e56' }, trouble: ['KEY_UNKNOWN'] },
    numericmemo: { secret: { memo: '12345678' }, trouble: ['SIGNATURE_WRONG'], note: ['MEMO_NUMERIC'] },
    nomemo: { secret: { memo: '' }, trouble: ['SIGNATURE_WRONG'], note: ['MEMO_EMPTY'] },
    keyassecret: {
      secret: { secretKey: 'local-key-keyassecret' },
      trouble: ['SIGNATURE_WRONG'],
      note: ['SECRET_REPEATS'],
    },
    swapped: {
      secret: { apiKey: 'local-secret-swapped-8f2c', secretKey: 'local-key-swapped' },
      trouble: ['KEY_SECRET_SWAPPED'],
    },
    swappedandmemo: {
      secret: {
        apiKey: 'local-secret-swappedandmemo-8f2c',
        secretKey: 'local-key-swappedandmemo',
        memo: 'qwertz memo',
      },
      trouble: ['KEY_SECRET_SWAPPED'],
    },
    keyinmemo: {
      secret: { apiKey: 'plain-memo', memo: 'local-key-keyinmemo' },
      exchange: { memo: 'plain-memo' },
      trouble: ['KEY_MEMO_SWAPPED'],
    },
    memoassecret: {
      secret: { secretKey: 'my memo #1 é memoassecret', memo: 'local-secret-memoassecret-8f2c' },
      trouble: ['MEMO_SECRET_SWAPPED'],
    },
    linebreak: { secret: { memo: 'my memo #1 é linebreak\n' }, trouble: ['MEMO_HAS_STRAY'] },
    quoted: { secret: { memo: '“my memo #1 é quoted”' }, trouble: ['MEMO_HAS_STRAY'] },
    bom: { secret: { secretKey: '\uFEFFlocal-secret-bom-8f2c ' }, trouble: ['SECRET_HAS_STRAY'] },
    accents: { secret: { memo: 'my memo #1 é accents'.normalize('NFD') }, trouble: ['MEMO_NOT_COMPOSED'] },
    oldname: { secret: { uid: 'my memo', memo: undefined }, trouble: ['MEMO_CALLED_UID'] },
    strange: { secret: { passphrase: 'what other exchanges have' }, trouble: ['SECRET_FIELDS'] },
    spacedkey: { secret: { apiKey: ' local-key-spacedkey' }, trouble: ['KEY_HAS_STRAY'] },
    expired: { exchange: { expired: true }, trouble: ['KEY_EXPIRED'] },
    frozen: { exchange: { frozen: true }, trouble: ['KEY_FROZEN'] },
    unbound: { exchange: { ips: ['203.0.113.7'] }, trouble: ['ADDRESS_NOT_BOUND', 'SIGNATURE_UNPROVEN'] },
    noread: { exchange: { permissions: ['spot-trade'] }, trouble: ['READ_MISSING'] },
    readonly: { exchange: { permissions: ['read'] }, trouble: ['SPOT_TRADE_MISSING', 'FUTURES_TRADE_MISSING'] },
    spotonly: { exchange: { permissions: ['read', 'spot-trade'] }, trouble: [], note: ['FUTURES_TRADE_MISSING'] },
    futuresonly: { exchange: { permissions: ['read', 'future-trade'] }, trouble: [], note: ['SPOT_TRADE_MISSING'] },
    halted: { secret: { mandate: { state: 'halted' } }, trouble: [], note: ['MANDATE_HOLDS_BACK'] },
    shadow: {
      secret: { mandate: { state: 'active', shadow: true } },
      trouble: [],
      note: ['PERMISSIONS_UNTOLD', 'MANDATE_HOLDS_BACK'],
    },
    badmandate: { secret: { mandate: { state: 'on' } }, trouble: ['MANDATE_UNREADABLE'] },
    broken: { trouble: ['SECRET_UNREADABLE'] },
    withorder: { trouble: [], note: ['PERMISSIONS_UNTOLD'] },
  };

  let said: Said;
  let requests: number;
  beforeAll(async () => {
    for (const [name, { secret, exchange }] of Object.entries(cases)) {
      await system.addAccount(name, secret);
      if (exchange !== undefined) await registered(name, exchange);
    }
    const SecretId = 'bitmart/accounts/broken';
    await system.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'apiKey=1' }));
    const terms = { market: 'futures', leverage: '10', marginMode: 'cross', size: '0.01' };
    const order = intent({ account: 'withorder', ...terms });
    await system.send([order]);
    await system.until('the order', () => system.reportsOf(order.id).some(({ status }) => status === 'accepted'));
    const before = await counted();
    said = await system.desk(['doctor', '--json']);
    requests = (await counted()) - before;
  }, 180_000);

  test.each(Object.entries(cases))('%s', (name, { trouble, note = [] }) => {
    const found = read(said).accounts[name];
    expect(told(found, 'trouble')).toEqual(trouble);
    expect(told(found, 'note')).toEqual(expect.arrayContaining([...note]));
  });

  test('every account of the stack is examined, and the exit code says that something is trouble', () => {
    expect(Object.keys(read(said).accounts).toSorted()).toEqual(['main', ...Object.keys(cases)].toSorted());
    expect(said.code).toBe(1);
  });

  test('no more is sent than is said', () => {
    expect(requests).toBeGreaterThan(Object.keys(cases).length);
    expect(requests).toBeLessThanOrEqual(
      MOST_REQUESTS.exchange + MOST_REQUESTS.account * (Object.keys(cases).length + 1),
    );
  });

  test('whatever is trouble says what to do', () => {
    expect(everything(read(said)).filter(({ level, next }) => level === 'trouble' && !next)).toEqual([]);
  });

  test('an open order of the symbol is left alone', async () => {
    const orders = await system.control<readonly { account: string; state: string }[]>('GET', '/orders');
    expect(orders.filter(({ account }) => account === 'withorder').map(({ state }) => state)).toEqual(['new']);
    const found = read(said).accounts['withorder'] ?? [];
    expect(
      found
        .filter(({ code }) => code === 'PERMISSIONS_UNTOLD')
        .map((one) => one.said)
        .join(),
    ).toContain('left alone');
    expect(told(found, 'good')).toEqual(expect.arrayContaining(['SPOT_TRADE_GOOD']));
    expect(told(found, 'good')).not.toContain('FUTURES_TRADE_GOOD');
  });

  test('nothing is sent for an account in shadow mode, not even the cancel of nothing', () => {
    const codes = read(said).accounts['shadow']?.map(({ code }) => code);
    expect(codes).toContain('SIGNATURE_GOOD');
    expect(codes).not.toContain('SPOT_TRADE_GOOD');
  });

  test('no key, secret or memo is shown, as JSON or to a person', () => {
    // With --json the words for people are on stderr.
    const text = said.out + said.err;
    expect(said.err).toContain('→');
    const secrets = Object.entries(cases).flatMap(([name, { secret = {} }]) => [
      ...[`local-key-${name}`, `local-secret-${name}`, `my memo #1 é ${name}`, `my memo #1 é ${name}`.normalize('NFD')],
      ...['apiKey', 'secretKey', 'memo', 'uid'].flatMap((field) => {
        const value = secret[field];
        return typeof value === 'string' && value !== '' ? [value] : [];
      }),
    ]);
    expect(secrets.length).toBeGreaterThan(4 * Object.keys(cases).length);
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });
});

describe('trouble of the exchange, by the answers that show it', () => {
  const doctor = async (...more: readonly string[]): Promise<{ code: number | null; found: readonly Finding[] }> => {
    const said = await system.desk(['doctor', 'main', '--json', ...more]);
    return { code: said.code, found: everything(read(said)) };
  };

  test.each([
    ['ahead of the exchange by two seconds', -2000, ['CLOCK_AHEAD', 'TIMESTAMP_REFUSED', 'SIGNATURE_UNPROVEN']],
    ['behind it by ten seconds', 10_000, ['CLOCK_BEHIND', 'TIMESTAMP_REFUSED', 'SIGNATURE_UNPROVEN']],
  ])('a clock that is %s', async (_, offsetMs, trouble) => {
    await system.control('PUT', '/clock', { offsetMs });
    const { code, found } = await doctor();
    expect({ code, trouble: told(found, 'trouble') }).toEqual({ code: 1, trouble });
  });

  test('a clock that is still accepted, and drifts: a note, and exit 0', async () => {
    await system.control('PUT', '/clock', { offsetMs: 3500 });
    const { code, found } = await doctor();
    expect({ code, drifts: told(found, 'note').includes('CLOCK_DRIFTS') }).toEqual({ code: 0, drifts: true });
  });

  test.each([
    ['429', '/system/time', { fault: 'code', code: 30013 }, 'THROTTLED'],
    ['429 to the signed read', LOOKUP, { fault: 'code', code: 30013 }, 'THROTTLED'],
    ['429 without a body', LOOKUP, { fault: 'status', code: 429 }, 'THROTTLED'],
    ['418', LOOKUP, { fault: 'code', code: 30017 }, 'BANNED'],
    ['418 without a body', '/system/time', { fault: 'status', code: 418 }, 'BANNED'],
    ['the page of the content network', LOOKUP, { fault: 'html' }, 'EDGE_PAGE'],
    ['no answer', LOOKUP, { fault: 'drop-before' }, 'NO_ANSWER'],
  ])('%s ends the examination', async (_, path, what, code) => {
    await system.control('DELETE', '/state');
    await fault(path, what);
    const result = await doctor();
    expect(result.code).toBe(1);
    expect(told(result.found, 'trouble')).toEqual([code, 'SIGNATURE_UNPROVEN']);
    const requests = await system.control<Requests>('GET', '/requests');
    expect(requests[path]?.count).toBe(1);
    expect(requests[CANCEL]).toBeUndefined();
    if (path !== LOOKUP) expect(requests[LOOKUP]).toBeUndefined();
  });

  test('a 429 to the cancel ends it, too', async () => {
    await system.control('DELETE', '/state');
    await fault(CANCEL, { fault: 'code', code: 30013 });
    const { found } = await doctor();
    expect(told(found, 'trouble')).toEqual(['THROTTLED']);
    const requests = await system.control<Requests>('GET', '/requests');
    expect(requests['/contract/private/get-open-orders']).toBeUndefined();
  });

  test('maintenance under way, and maintenance that is announced', async () => {
    const window = { start_time: Date.UTC(2026, 6, 1), end_time: Date.UTC(2026, 6, 2) };
    await system.control('PUT', '/service', { service_type: 'spot', status: '1', ...window });
    const underWay = await doctor();
    expect(told(underWay.found, 'trouble')).toEqual(['MAINTENANCE']);
    expect(underWay.found.find(({ code }) => code === 'MAINTENANCE')?.said).toContain('2026-07-02T00:00:00.000Z');
    await system.control('PUT', '/service', { service_type: 'spot', status: '0', ...window });
    const announced = await doctor();
    expect({ code: announced.code, notes: told(announced.found, 'note') }).toEqual({
      code: 0,
      notes: expect.arrayContaining(['MAINTENANCE_PLANNED']),
    });
  });

  test.each([
    ['maintenance in the answer to a call', CANCEL, { code: 30016 }, 'MAINTENANCE'],
    [
      'trading over, said in words',
      CANCEL,
      { code: 50040, message: 'All trading services have ended' },
      'TRADING_OVER',
    ],
    ['trading over, under a code that means something else', LOOKUP, { code: 30014, message: 'Wind-down: service has ended' }, 'TRADING_OVER'], // prettier-ignore
    ['a code under which it may show', CANCEL, { code: 50023 }, 'TRADING_STOPPED'],
    ['an account that is frozen', CANCEL, { code: 53000 }, 'ACCOUNT_RESTRICTED'],
    ['an answer that fits nothing', CANCEL, { code: 59002 }, 'UNEXPECTED'],
  ])('%s', async (_, path, what, code) => {
    await fault(path, { fault: 'code', ...what });
    expect(told((await doctor()).found, 'trouble')).toContain(code);
  });

  test('futures that the account does not have are a note', async () => {
    await fault('/contract/private/get-open-orders', { fault: 'code', code: 40046 });
    const { code, found } = await doctor();
    expect({ code, notes: told(found, 'note') }).toEqual({ code: 0, notes: expect.arrayContaining(['FUTURES_UNAVAILABLE']) }); // prettier-ignore
  });

  test('where the refusal names the address that it saw, that address is told', async () => {
    await fault(LOOKUP, { fault: 'code', code: 30010, message: 'IP 198.51.100.23 is forbidden' });
    const { found } = await doctor();
    expect(found.find(({ code }) => code === 'ADDRESS_NOT_BOUND')?.said).toContain('saw is 198.51.100.23');
  });

  test('an answer that repeats a credential is not quoted', async () => {
    await fault(LOOKUP, { fault: 'code', code: 30010, message: 'key local-key-main with my memo #1 é main' });
    const { out, err } = await system.desk(['doctor', 'main']);
    expect(out).toContain('ADDRESS_NOT_BOUND');
    expect(out + err).not.toMatch(/local-key-main|my memo/);
  });

  test('others that use the limit of the user are seen', async () => {
    await registered('other', { uid: 'uid-main' });
    const other = { apiKey: 'local-key-other', secretKey: 'local-secret-other-8f2c', memo: 'my memo #1 é other' };
    const transport = nodeTransport();
    const examined = new AbortController();
    const canceling = (async () => {
      for (;;) {
        if (examined.signal.aborted) return;
        const body = { symbol: 'BTC_USDT', client_order_id: 'none' };
        const request = {
          method: 'POST',
          path: CANCEL,
          body,
          credentials: other,
          deadline: Date.now() + 5000,
        } as const;
        await send(transport, system.ready.bitmart.spot, request, () => Date.now());
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();
    const { code, found } = await doctor().finally(() => {
      examined.abort();
      return canceling;
    });
    expect({ code, notes: told(found, 'note') }).toEqual({ code: 0, notes: expect.arrayContaining(['LIMIT_SHARED']) });
  });
});

describe('what cannot be examined', () => {
  test.each([
    ['a name that is none', ['doctor', 'Not-A-Name'], 2, 'lower-case letters and digits'],
    ['an account that is not there', ['doctor', 'nobody'], 2, 'desk account add nobody'],
  ])('%s', async (_, args, code, words) => {
    const said = await system.desk(args);
    expect({ code: said.code, err: said.err }).toEqual({ code, err: expect.stringContaining(words) });
  });

  test('an exchange that is not there, by name or by address', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'away-'));
    try {
      const ready = join(folder, 'ready.json');
      const bitmart = { spot: 'http://127.0.0.1:9', futures: 'http://no-such-host.invalid' };
      await writeFile(ready, JSON.stringify({ ...system.ready, bitmart }));
      const said = await desk(['doctor', 'main', '--json', '--ready', ready]);
      expect(said.code).toBe(1);
      expect(told(everything(read(said)), 'trouble')).toEqual(['HOST_UNREACHABLE', 'NAME_UNRESOLVED', 'NO_ANSWER', 'SIGNATURE_UNPROVEN']); // prettier-ignore
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a deployed stack, whose functions run elsewhere', () => {
  const stack = (): DeployedStack => {
    const { spot, futures } = system.ready.bitmart;
    return { name: 'stage prod in nowhere', isLocal: false, doctor: bitmartDoctor(optionsAt(spot, futures)) };
  };
  const secret = { apiKey: 'local-key-away', secretKey: 'local-secret-away-8f2c', memo: 'my memo #1 é away' };

  test('an account that is not stored yet: what is seen is said to be seen from here', async () => {
    await registered('away');
    const found = await examine(stack(), { account: 'away', secret });
    expect(told(found, 'trouble')).toEqual([]);
    expect(told(found, 'note')).toContain('SEEN_FROM_HERE');
  });

  test('a key that is bound to the functions alone is not proven from here, and it says so', async () => {
    await registered('away', { ips: ['203.0.113.7'] });
    const found = await examine(stack(), { account: 'away', secret });
    expect(told(found, 'trouble')).toEqual(['ADDRESS_NOT_BOUND']);
    expect(found.find(({ code }) => code === 'ADDRESS_NOT_BOUND')?.next).toContain('cannot be told from here');
  });
});
