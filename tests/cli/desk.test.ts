// What holds for every command of `desk`, run from its sources: what it says to input that is none, and to a stack that is
// not there.
import { expect, test } from '@jest/globals';
import { tmpdir } from 'node:os';
import { startLocalAws } from '../../local/aws/server.ts';
import { desk as run, type Given, type Said } from './fixture.ts';

const desk = (args: readonly string[], given: Given = {}): Promise<Said> => run(args, { ...given, fromSources: true });

test('no stack named: it says how to name one, and exits 2', async () => {
  const { code, err } = await desk(['intents']);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('--local') });
});

test('a local stack that is not up: it says how to start one, and exits 4', async () => {
  const { code, err } = await desk(['intents', '--local'], { cwd: tmpdir() });
  expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('npm start') });
});

test.each([['nonsense'], ['intents', '--nonsense']])(
  'unknown input exits 2 and points to the help: %s',
  async (...args) => {
    const { code, err } = await desk([...args, '--local']);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('--help') });
  },
);

test('help exits 0 and names every exit code', async () => {
  const { code, out } = await desk(['--help']);
  expect(code).toBe(0);
  for (const word of ['done', 'wrong input', 'not confirmed', 'cannot be reached']) expect(out).toContain(word);
});

test('help of a command is its own, in a group too, and of none is what is wrong', async () => {
  for (const path of [['dead', 'replay'], ['account', 'rotate'], ['status']]) {
    const { code, out } = await desk(['help', ...path]);
    expect({ code, out }).toEqual({ code: 0, out: (await desk([...path, '--help'])).out });
    expect(out).toMatch(new RegExp(`^Usage: desk ${path.join(' ')} `));
  }
  expect((await desk(['help'])).out).toMatch(/^Usage: desk \[options\]/);
  expect(await desk(['help', 'dead', 'rotate'])).toMatchObject({ code: 2, err: expect.stringContaining("unknown command 'dead rotate'") }); // prettier-ignore
});

test('what is typed behind an unknown option is not repeated: it may be a key', async () => {
  for (const option of ['--secret-key=TOPSECRET', '--secret-key=TOP SECRET']) {
    const { code, out, err } = await desk(['account', 'add', 'main', option, '--local']);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("'--secret-key'") });
    expect(out + err).not.toContain('SECRET');
  }
});

test('a stage that has no accounts: nothing was halted, and that is no success', async () => {
  const aws = await startLocalAws({ port: 0, region: 'ap-northeast-1' });
  const env = { AWS_ENDPOINT_URL: aws.url, AWS_REGION: 'ap-northeast-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }; // prettier-ignore
  const { code, err } = await desk(['halt', '--all', '--stage', 'prod'], { env });
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('No account was halted: stage prod') });
  // An endpoint that the shell still has is named, since everything goes there and nothing to AWS.
  expect(err).toContain(`NOT at AWS but at ${aws.url}`);
  await aws.close();
});
