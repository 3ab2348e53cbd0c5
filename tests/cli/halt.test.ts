// The kill switch, drilled on a stack whose orders stream in: how soon the mandate stops them, how soon the mapping does, each
// where the other fails; what is told, and that nothing goes on without a reason. By the book of the exchange, in real time.
import { LambdaClient, ListEventSourceMappingsCommand, ListTagsCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { intent } from '../system/fixture.ts';
import { startDesk, type DeskSystem, type Said } from './fixture.ts';

/** Of the local stack at its time scale: 30 s, scaled. */
const CACHE_MS = 3000;
/** A batch that was taken before: ten orders, one every 53 ms, with their answers. */
const BATCH_MS = 1500;
const ENV = { SECRET_CACHE_SECONDS: String(CACHE_MS / 1000) };
const ACCOUNTS = ['main', 'main2'];

let system: DeskSystem;
let lambda: LambdaClient;
beforeAll(async () => {
  system = await startDesk({ timeScale: 0.1, accounts: 2 });
  const credentials = { accessKeyId: 'LOCALOPERATOR', secretAccessKey: 'local' };
  lambda = new LambdaClient({ endpoint: system.ready.aws, region: system.ready.region, credentials });
}, 60_000);
afterAll(async () => {
  lambda.destroy();
  await system.close();
});

const run = (...args: readonly string[]): Promise<Said> => system.desk(args, { env: ENV });
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const faults = (...list: readonly object[]): Promise<Response> =>
  fetch(`${system.ready.aws}/_faults`, { method: 'PUT', body: JSON.stringify({ faults: list }) });
const mapping = async () => {
  const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName: 'trading-bot-dev-execute' })); // prettier-ignore
  const { State, EventSourceMappingArn = '' } = EventSourceMappings[0] ?? {};
  const { Tags = {} } = await lambda.send(new ListTagsCommand({ Resource: EventSourceMappingArn }));
  return { state: State, tags: Tags };
};
const times = async (): Promise<readonly number[]> => {
  const orders = await system.control<{ createTime: number }[]>('GET', '/orders');
  return orders.map(({ createTime }) => createTime);
};
const lastOrderAt = async (): Promise<number> => Math.max(0, ...(await times()));
const flowing = (since: number): Promise<void> =>
  system.until('orders that flow', async () => (await times()).filter((at) => at > since).length >= 5);

/** Orders of both accounts, several a second, until it is ended. */
function stream(): () => Promise<void> {
  const ended = new AbortController();
  const work = (async () => {
    while (!ended.signal.aborted) {
      await system.send(ACCOUNTS.map((account) => intent({ account })));
      await sleep(150);
    }
  })();
  return () => {
    ended.abort();
    return work;
  };
}

interface Drill {
  readonly said: Said;
  /** How long after the command ended the last order was placed; below 0: before. */
  readonly lastOrderMs: number;
}

/** The command, while orders stream in, and for longer than any function may remember afterwards. */
async function drill(...args: readonly string[]): Promise<Drill> {
  const end = stream();
  await flowing(Date.now());
  const said = await run(...args);
  const endedAt = Date.now();
  await sleep(CACHE_MS + 1000);
  await end();
  const lastOrderMs = (await lastOrderAt()) - endedAt;
  process.stdout.write(
    `desk ${args.slice(0, 3).join(' ')}: the last order came ${lastOrderMs} ms after the command ended\n`,
  );
  return { said, lastOrderMs };
}

const resumeAccounts = (): Promise<Said> => run('resume', '--all', '--reason', 'the drill is over', '--yes');
const statesOf = async (): Promise<Readonly<Record<string, string>>> => {
  const { out } = await run('account', 'list', '--json');
  const rows = JSON.parse(out) as readonly { readonly account: string; readonly state: string }[];
  return Object.fromEntries(rows.map(({ account, state }) => [account, state]));
};

describe('the mandate', () => {
  test('stops every order within the lifetime of a cached secret, with the mapping as it was', async () => {
    const { said, lastOrderMs } = await drill('halt', '--all', '--reason', 'a drill');
    expect(said).toMatchObject({ code: 0, out: expect.stringMatching(/main is halted[^]*main2 is halted/) });
    expect(lastOrderMs).toBeLessThan(CACHE_MS);
    expect((await mapping()).state).toBe('Enabled');
    // They were taken, and refused: nobody needs to guess why nothing trades.
    expect(system.reports.some(({ status, reason }) => status === 'denied' && reason === 'TRADING_HALTED')).toBe(true);
  });
  test('stops them where the mapping cannot be reached, and the command says so', async () => {
    await resumeAccounts();
    await faults({ service: 'lambda', fault: 'error', code: 'AccessDeniedException' });
    const { code, out } = await run('halt', '--all', '--mapping');
    await faults();
    expect(code).toBe(1);
    expect(out).toMatch(/main is halted[^]*main2 is halted[^]*The mapping is NOT disabled: AWS does not let these credentials/); // prettier-ignore
    await resumeAccounts();
  });
});

describe('the mapping', () => {
  test('stops every order at once where no mandate can be written, and the command says so', async () => {
    await faults({
      service: 'secretsmanager',
      action: 'PutSecretValue',
      fault: 'error',
      code: 'AccessDeniedException',
    });
    const { said, lastOrderMs } = await drill(
      'halt',
      '--all',
      '--mapping',
      '--reason',
      'fills look wrong, stop (all)!',
    );
    await faults();
    expect(said.code).toBe(1);
    expect(said.out).toMatch(
      /main is NOT halted[^]*main2 is NOT halted[^]*mapping of trading-bot-dev-execute is disabled/,
    );
    // Well before any secret had to be read anew.
    expect(lastOrderMs).toBeLessThan(BATCH_MS);
    const { state, tags } = await mapping();
    expect(state).toBe('Disabled');
    expect(tags['desk-halted']).toMatch(/^\d{4}-\d\d-\d\dT\S+Z \S+: halted: fills look wrong_ stop _all__$/);
  });
  test('that is disabled is the first thing that a status says', async () => {
    const { code, out } = await run('status');
    expect(code).toBe(1);
    expect(out).toMatch(/nothing is traded[^]*! the event source mapping is Disabled: no intent is taken off the queue[^]*fills look wrong/); // prettier-ignore
  });
  test('stays disabled without a reason, without a yes, and where the reason cannot be kept', async () => {
    expect(await run('resume', '--mapping', '--yes')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--reason'),
    });
    expect((await run('resume', '--mapping', '--reason', 'it was the feed')).code).toBe(3);
    await faults({ service: 'lambda', action: 'TagResource', fault: 'error', code: 'AccessDeniedException' });
    expect((await run('resume', '--mapping', '--reason', 'it was the feed', '--yes')).code).toBe(4);
    await faults();
    expect((await mapping()).state).toBe('Disabled');
  });
  test('that is enabled again, for a reason that stands there afterwards, lets what has not expired pass', async () => {
    const since = Date.now();
    const { code, out } = await run('resume', '--mapping', '--reason', 'it was the feed', '--yes');
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/Last note: \S+\s\S+ halted: fills look wrong/),
    });
    const { state, tags } = await mapping();
    expect([state, tags['desk-resumed']]).toEqual(['Enabled', expect.stringMatching(/: resumed: it was the feed$/)]);
    // The note of the halt stays.
    expect(tags['desk-halted']).toContain('fills look wrong');
    await flowing(since);
    expect(await run('resume', '--mapping', '--reason', 'twice', '--yes')).toMatchObject({ code: 0, out: expect.stringContaining('already') }); // prettier-ignore
  });
});

test('both lines together, and cancels that go through before the mapping is disabled', async () => {
  const { code, out } = await run('halt', '--all', '--mapping', '--cancel', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({
    accounts: ACCOUNTS.map((account) => ({ account, isHalted: true })),
    mapping: expect.objectContaining({ isDisabled: true }),
  });
  const orders = await system.control<{ state: string }[]>('GET', '/orders');
  expect(orders.length).toBeGreaterThan(10);
  expect(orders.filter((order) => order.state === 'new')).toEqual([]);
  expect((await mapping()).state).toBe('Disabled');
});

test('cancels that nobody saw go through: the mapping is disabled, and it is no success', async () => {
  await run('resume', '--mapping', '--reason', 'the next test', '--yes');
  await faults({ service: 'sqs', action: 'GetQueueAttributes', fault: 'error', code: 'AccessDeniedException' });
  const { code, out } = await run('halt', '--all', '--mapping', '--cancel');
  await faults();
  expect(code).toBe(1);
  expect(out.replace(/\s+/g, ' ')).toMatch(/Ctrl-C before that leaves it enabled.*is disabled.*cancels may still wait on it/); // prettier-ignore
  expect((await mapping()).state).toBe('Disabled');
});

describe('a resume of all', () => {
  test('shows each halted account with its mandate and last note, asks once, and leaves those that are not halted', async () => {
    await run('halt', '--all', '--reason', 'fills look wrong');
    await run('resume', 'main2', '--to', 'reducing', '--reason', 'sell what is left', '--yes');
    const asked = await run('resume', '--all', '--reason', 'the feed is back');
    expect(asked).toMatchObject({ code: 3, err: expect.stringContaining('Make main active? (the local stack)') });
    expect(asked.out).toMatch(/^main +every symbol; .*halted: fills look wrong$/m);
    expect(asked.out).not.toContain('main2');
    expect(await statesOf()).toEqual({ main: 'halted', main2: 'reducing' });
    const { code, out } = await run('resume', '--all', '--reason', 'the feed is back', '--yes', '--json');
    expect({ code, done: JSON.parse(out) as unknown }).toEqual({
      code: 0,
      done: [{ account: 'main', isChanged: true }],
    });
    expect(await statesOf()).toEqual({ main: 'active', main2: 'reducing' });
    expect((await run('account', 'list')).out.replaceAll(/\s+/g, ' ')).toContain(
      'from halted to active: the feed is back',
    );
    expect(await run('resume', '--all', '--reason', 'again', '--yes')).toMatchObject({ code: 0, out: expect.stringContaining('No account of the local stack is halted') }); // prettier-ignore
  });

  test('loses, for the one account, against a halt that comes after its look; the others trade', async () => {
    await run('halt', '--all');
    const writes = (action: string): number => (system.aws?.calls() ?? []).filter((call) => call.action === action).length; // prettier-ignore
    const [notes, puts] = [writes('UpdateSecret'), writes('PutSecretValue')];
    await faults({ service: 'secretsmanager', action: 'UpdateSecret', fault: 'delay', ms: 5000, times: 1 });
    const resuming = run('resume', '--all', '--reason', 'fixed', '--yes');
    await system.until('one is resumed', () => writes('UpdateSecret') > notes && writes('PutSecretValue') > puts);
    const late = Object.entries(await statesOf()).find(([, state]) => state === 'halted')?.[0] ?? '';
    expect((await run('halt', late)).code).toBe(0);
    const { code, out } = await resuming;
    await faults();
    expect(code).toBe(1);
    expect(out.replaceAll(/\s+/g, ' ')).toMatch(new RegExp(`${late} is NOT resumed: Not written: .*look again`));
    expect(Object.entries(await statesOf()).filter(([, state]) => state === 'halted')).toEqual([[late, 'halted']]);
    expect((await resumeAccounts()).code).toBe(0);
    expect(new Set(Object.values(await statesOf()))).toEqual(new Set(['active']));
  });

  test('of which none may be listed, or whose reason cannot be kept, resumes nothing', async () => {
    await run('halt', '--all');
    await faults({ service: 'secretsmanager', action: 'UpdateSecret', fault: 'error', code: 'AccessDeniedException' });
    const { code, out } = await resumeAccounts();
    await faults({ service: 'secretsmanager', action: 'ListSecrets', fault: 'error', code: 'AccessDeniedException' });
    expect((await resumeAccounts()).code).toBe(4);
    await faults();
    expect({ code, out }).toEqual({
      code: 1,
      out: expect.stringMatching(/main is NOT resumed[^]*main2 is NOT resumed/),
    });
    expect(new Set(Object.values(await statesOf()))).toEqual(new Set(['halted']));
  });
});

test('a stack without accounts: the mapping is disabled and told, and that no account was halted is told as well', async () => {
  await run('resume', '--mapping', '--reason', 'the next test', '--yes');
  const { code, out, err } = await system.desk(['halt', '--all', '--mapping'], { env: { ...ENV, ACCOUNT_SECRET_PREFIX: 'nobody/' } }); // prettier-ignore
  expect(code).toBe(1);
  expect(out).toContain('The event source mapping of trading-bot-dev-execute is disabled');
  expect(err).toContain('No account was halted');
  expect((await mapping()).state).toBe('Disabled');
});

test('Secrets Manager out of reach: the mapping is disabled and told all the same', async () => {
  await run('resume', '--mapping', '--reason', 'the next test', '--yes');
  await faults({ service: 'secretsmanager', action: 'ListSecrets', fault: 'error', code: 'AccessDeniedException' });
  const { code, out, err } = await run('halt', '--all', '--mapping');
  await faults();
  expect(code).toBe(4);
  expect(out).toContain('is disabled');
  expect(err).toContain('the list of secrets');
  expect((await mapping()).state).toBe('Disabled');
});

test.each([
  [['halt', 'main', '--mapping'], 'desk halt --all --mapping'],
  [['halt', '--mapping'], 'Say which account, or --all'],
  [['resume'], 'Say which account, or --all, or --mapping'],
  [['resume', 'main', '--mapping', '--reason', 'both'], 'one of them'],
  [['resume', 'main', '--all', '--reason', 'both'], 'one of them'],
  [['resume', '--all'], '--reason TEXT'],
  [['resume', '--all', '--reason', 'fixed', '--to', 'halted'], '--to is'],
])('%j is refused with a sentence', async (args, sentence) => {
  expect(await run(...args)).toMatchObject({ code: 2, err: expect.stringContaining(sentence) });
});
