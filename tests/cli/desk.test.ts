// What holds for every command of `desk`: what it says to input that is none, and to a stack that is not there.
import { expect, test } from '@jest/globals';
import { tmpdir } from 'node:os';
import { desk } from './fixture.ts';

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
