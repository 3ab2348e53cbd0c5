// The life of execution environments and the Runtime API, seen by handlers in real child processes.
import { request } from 'node:http';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { startRuntimeApi } from '../../../local/lambda/runtime.ts';
import { type FunctionDefinition, type Runner, type RunnerOptions, startRunner } from '../../../local/lambda/runner.ts';
import { alive, functionOf, packageOf, removePackages, until } from './packages.ts';

const open: Runner[] = [];
const lines: string[] = [];
const start = async (functions: readonly FunctionDefinition[], more: Partial<RunnerOptions> = {}): Promise<Runner> => {
  const runner = await startRunner({
    functions,
    region: 'eu-west-1',
    awsEndpoint: 'http://127.0.0.1:9',
    onLog: ({ text }) => lines.push(text),
    ...more,
  });
  open.push(runner);
  return runner;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((runner) => runner.close()));
  lines.length = 0;
});
afterAll(removePackages);

const pidHandler = 'export const handler = async () => process.pid;';
const sleeper =
  'export const handler = async (ms) => { await new Promise((r) => setTimeout(r, ms)); return process.pid; };';
const numbers = (results: readonly { readonly payload?: unknown }[]): number[] =>
  results.map(({ payload }) => Number(payload));

describe('a handler', () => {
  test('sees the environment, the context and the event that Lambda would give it', async () => {
    const source = `
      export const handler = async (event, context) => ({
        event, env: process.env, cwd: process.cwd(),
        context: { ...context, remaining: context.getRemainingTimeInMillis() },
      });`;
    process.env['SECRET_OF_THE_PARENT'] = 'x';
    const runner = await start([functionOf('the-bot', source, { environment: { STAGE: 'test', AWS_REGION: 'no' } })]);
    const { payload, error } = await runner.invoke('the-bot', { a: [1, 'ü'] });
    delete process.env['SECRET_OF_THE_PARENT'];
    expect(error).toBeUndefined();
    const seen = payload as Record<string, Record<string, unknown>>;
    expect(seen['event']).toEqual({ a: [1, 'ü'] });
    expect(seen['env']).toMatchObject({
      STAGE: 'test',
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_LAMBDA_FUNCTION_NAME: 'the-bot',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/the-bot',
      _HANDLER: 'main.handler',
      LAMBDA_TASK_ROOT: seen['cwd'],
      TZ: ':UTC',
      AWS_ACCESS_KEY_ID: 'LOCALTHEBOT',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      _X_AMZN_TRACE_ID: expect.stringMatching(/^Root=1-/) as unknown,
    });
    expect(seen['env']).not.toHaveProperty('SECRET_OF_THE_PARENT');
    expect(seen['context']).toMatchObject({
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      functionName: 'the-bot',
      functionVersion: '$LATEST',
      memoryLimitInMB: '128',
      invokedFunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:the-bot',
      logGroupName: '/aws/lambda/the-bot',
      callbackWaitsForEmptyEventLoop: true,
    });
    const remaining = Number(seen['context']?.['remaining']);
    expect(remaining).toBeGreaterThan(4_000);
    expect(remaining).toBeLessThanOrEqual(5_000);
  });

  test('may be sync, may return nothing, may be a .js or a nested export', async () => {
    const nested = {
      zipPath: packageOf({ 'dist/a.js': 'exports.x = { handler: () => 7 };' }),
      handler: 'dist/a.x.handler',
    };
    const runner = await start([
      functionOf('nothing', 'export const handler = () => {};'),
      functionOf('nested', '', nested),
    ]);
    expect(await runner.invoke('nothing', 1)).toEqual({ payload: null });
    expect(await runner.invoke('nested', 1)).toEqual({ payload: 7 });
    await expect(runner.invoke('missing', 1)).rejects.toThrow('no function missing; there are nothing, nested');
  });

  test('that throws fails the invocation with type and message, and its environment lives on', async () => {
    const source = `export const handler = async (event) => {
      if (event === 'string') throw 'plain';
      if (event === 'type') throw new TypeError('wrong');
      return process.pid;
    };`;
    const runner = await start([functionOf('f', source)]);
    const [first] = numbers([await runner.invoke('f', 0)]);
    expect(await runner.invoke('f', 'type')).toMatchObject({
      error: { errorType: 'TypeError', errorMessage: 'wrong' },
    });
    expect(await runner.invoke('f', 'string')).toMatchObject({ error: { errorType: 'string', errorMessage: 'plain' } });
    expect(await runner.invoke('f', 0)).toEqual({ payload: first });
    expect(runner.metrics('f')).toMatchObject({
      invocations: 4,
      errors: 2,
      timeouts: 0,
      coldStarts: 1,
      environments: 1,
    });
  });

  test('that runs past its timeout is killed, and the next invocation gets a fresh environment', async () => {
    const runner = await start([functionOf('slow', sleeper, { timeoutMs: 400 })]);
    const [pid] = numbers([await runner.invoke('slow', 0)]);
    const { error } = await runner.invoke('slow', 60_000);
    expect(error?.errorMessage).toContain('Task timed out after 0.40 seconds');
    expect(alive(pid ?? 0)).toBe(false);
    expect(numbers([await runner.invoke('slow', 0)])).not.toEqual([pid]);
    expect(runner.metrics('slow')).toMatchObject({ errors: 1, timeouts: 1, coldStarts: 2, environments: 1 });
  });

  test('that exits, leaks an error or hangs the loop empty ends its environment with an error', async () => {
    const source = `export const handler = async (event) => {
      if (event === 'exit') process.exit(3);
      if (event === 'exit0') process.exit(0);
      if (event === 'throw') setTimeout(() => { throw new RangeError('late'); });
      if (event === 'reject') void Promise.reject(new RangeError('loose'));
      if (event !== 'ok') await new Promise((r) => event === 'empty' || setTimeout(r, 60_000));
      return 'fine';
    };`;
    const runner = await start([functionOf('f', source)]);
    const fail = async (event: string) => (await runner.invoke('f', event)).error;
    expect((await fail('exit'))?.errorMessage).toMatch(/Error: Runtime exited with error: exit status 3$/);
    expect((await fail('exit0'))?.errorMessage).toMatch(/Error: Runtime exited without providing a reason$/);
    expect(await fail('throw')).toMatchObject({ errorType: 'RangeError', errorMessage: 'late' });
    expect(await fail('reject')).toMatchObject({
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'RangeError: loose',
    });
    expect(await fail('empty')).toMatchObject({ errorType: 'Runtime.ExitError' });
    expect(await runner.invoke('f', 'ok')).toEqual({ payload: 'fine' });
  });

  test('that cannot be loaded fails every invocation with the reason', async () => {
    const runner = await start([
      functionOf('throws', 'throw new Error("no config"); export const handler = 1;'),
      functionOf('syntax', 'export const handler = ;'),
      functionOf('nofunction', 'export const other = 1;'),
      functionOf('callback', 'export const handler = (event, context, callback) => callback(null, 1);'),
      functionOf('nofile', '', { handler: 'absent.handler' }),
      functionOf('exits', 'process.exit(4); export const handler = 1;'),
    ]);
    const reason = async (name: string) => (await runner.invoke(name, {})).error;
    expect(await reason('throws')).toMatchObject({ errorType: 'Error', errorMessage: 'no config' });
    expect(await reason('throws')).toMatchObject({ errorType: 'Error', errorMessage: 'no config' });
    expect(await reason('syntax')).toMatchObject({ errorType: 'Runtime.UserCodeSyntaxError' });
    expect(await reason('nofunction')).toMatchObject({ errorType: 'Runtime.HandlerNotFound' });
    expect(await reason('callback')).toMatchObject({ errorType: 'Runtime.CallbackHandlerDeprecated' });
    expect(await reason('nofile')).toMatchObject({ errorType: 'Runtime.ImportModuleError' });
    expect(await reason('exits')).toMatchObject({ errorType: 'Runtime.ExitError' });
    await until(() => runner.metrics('exits').environments === 0);
  });

  test('answers at most 6 MB and gets at most 6 MB', async () => {
    const runner = await start([
      functionOf('f', `export const handler = async (n) => typeof n === 'number' && 'x'.repeat(n);`),
    ]);
    expect((await runner.invoke('f', 6_000_000)).error).toBeUndefined();
    expect((await runner.invoke('f', 6_400_000)).error?.errorType).toBe('Function.ResponseSizeTooLarge');
    expect((await runner.invoke('f', 'x'.repeat(6_400_000))).error?.errorType).toBe('RequestTooLargeException');
    expect(await runner.invoke('f', 2)).toEqual({ payload: 'xx' });
    expect(runner.metrics('f').coldStarts).toBe(1);
  });

  test('writes lines that reach the log between START and END, then REPORT', async () => {
    const runner = await start([
      functionOf('f', `export const handler = async () => { console.log('one\\ntwo'); console.error('three'); };`),
    ]);
    await runner.invoke('f', {});
    const [first, ...rest] = lines;
    expect(first).toMatch(/^START RequestId: [0-9a-f-]{36} Version: \$LATEST$/);
    expect(rest.slice(0, 3).sort()).toEqual(['one', 'three', 'two']);
    expect(rest[3]).toMatch(/^END RequestId: /);
    expect(rest[4]).toMatch(
      /^REPORT RequestId: .*\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB.*\tInit Duration: /,
    );
  });
});

describe('environments', () => {
  test('are frozen while idle: a timer in the child does not advance', async () => {
    const source = `let ticks = 0; setInterval(() => ticks++, 2); export const handler = async () => ticks;`;
    const runner = await start([functionOf('f', source)]);
    const [before] = numbers([await runner.invoke('f', 0)]);
    await new Promise((done) => setTimeout(done, 300));
    const [after] = numbers([await runner.invoke('f', 0)]);
    expect((after ?? 0) - (before ?? 0)).toBeLessThan(25);
    const thawed = await start([functionOf('f', source)], { freeze: false });
    const [early] = numbers([await thawed.invoke('f', 0)]);
    await new Promise((done) => setTimeout(done, 300));
    expect(numbers([await thawed.invoke('f', 0)])[0]).toBeGreaterThan((early ?? 0) + 50);
  });

  test('are reused, the most recently used first, and added only when all are busy', async () => {
    const runner = await start([functionOf('f', sleeper)]);
    const both = numbers(await Promise.all([runner.invoke('f', 60), runner.invoke('f', 300)]));
    expect(new Set(both).size).toBe(2);
    for (let i = 0; i < 3; i += 1) expect(numbers([await runner.invoke('f', 0)])).toEqual([both[1]]);
    expect(runner.metrics('f')).toMatchObject({ coldStarts: 2, environments: 2, busy: 0 });
  });

  test('take turns strictly when rotation is asked for, and are started up front', async () => {
    const runner = await start([functionOf('f', pidHandler)], { rotateEnvironments: 3 });
    expect(runner.metrics('f')).toMatchObject({ coldStarts: 3, environments: 3 });
    const pids = numbers(await Promise.all(Array.from({ length: 6 }, () => runner.invoke('f', 0))));
    expect(new Set(pids).size).toBe(3);
    expect(pids.slice(3)).toEqual(pids.slice(0, 3));
    runner.kill('f');
    await until(() => runner.metrics('f').environments === 2);
    const again = numbers(await Promise.all(Array.from({ length: 3 }, () => runner.invoke('f', 0))));
    expect(again.filter((pid) => pids.includes(pid))).toHaveLength(2);
  });

  test('can be killed while busy, which fails that invocation only', async () => {
    const runner = await start([functionOf('f', sleeper)]);
    expect(runner.kill('f')).toBe(false);
    const running = runner.invoke('f', 60_000);
    await until(() => lines.some((line) => line.startsWith('START')));
    expect(runner.kill('f', 'busy')).toBe(true);
    expect((await running).error?.errorMessage).toMatch(/Runtime exited with error: signal: killed$/);
    expect(runner.kill('f', 'busy')).toBe(false);
    await runner.invoke('f', 0);
    expect(runner.kill('f', 'busy')).toBe(false);
    expect(runner.kill('f', 'any')).toBe(true);
    expect((await runner.invoke('f', 0)).error).toBeUndefined();
  });

  test('end when they have been idle for long enough', async () => {
    const runner = await start([functionOf('f', pidHandler)], { idleMs: 50 });
    const [pid] = numbers([await runner.invoke('f', 0)]);
    await until(() => runner.metrics('f').environments === 0);
    expect(alive(pid ?? 0)).toBe(false);
  });

  test('are replaced after their current invocation when the function is updated', async () => {
    const source =
      'export const handler = async (ms) => { await new Promise((r) => setTimeout(r, ms)); return process.env.V; };';
    const runner = await start([functionOf('f', source, { environment: { V: '1' } })]);
    const running = runner.invoke('f', 300);
    await until(() => lines.some((line) => line.startsWith('START')));
    await runner.update('f', { environment: { V: '2' } });
    expect(await runner.invoke('f', 0)).toEqual({ payload: '2' });
    expect(await running).toEqual({ payload: '1' });
    await until(() => runner.metrics('f').environments === 1);
  });

  test('are all gone after close, frozen and busy ones alike', async () => {
    const runner = await start([functionOf('f', `console.log('pid', process.pid); ${sleeper}`)]);
    await Promise.all([runner.invoke('f', 100), runner.invoke('f', 100)]);
    const busy = runner.invoke('f', 60_000);
    await until(() => runner.metrics('f').busy === 1);
    await runner.close();
    expect((await busy).error?.errorType).toBe('Runtime.ExitError');
    const pids = lines.flatMap((line) => (line.startsWith('pid ') ? [Number(line.slice(4))] : []));
    expect(pids).toHaveLength(2);
    expect(pids.filter(alive)).toEqual([]);
    expect((await runner.invoke('f', 0)).error?.errorType).toBe('Runtime.ExitError');
  });

  test('are not started at all when a package is missing', async () => {
    await expect(start([functionOf('f', pidHandler, { zipPath: '/nowhere.zip' })])).rejects.toThrow(
      'no package at /nowhere.zip; build it first',
    );
    const evil = packageOf({ '../outside.mjs': '' });
    await expect(start([functionOf('f', '', { zipPath: evil })])).rejects.toThrow('points out of the package');
  });
});

describe('the Runtime API', () => {
  const call = (address: string, method: string, path: string, body = ''): Promise<{ status: number; text: string }> =>
    new Promise((done, fail) => {
      const sent = request(`http://${address}/2018-06-01/runtime${path}`, { method }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () => done({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', fail);
      sent.end(body);
    });

  test('refuses unknown ids, a second answer, a second next and unknown paths', async () => {
    const answers: unknown[] = [];
    const invocation = { requestId: 'r-1', body: '{"a":1}', deadlineMs: 1, functionArn: 'arn', traceId: 'Root=1' };
    const api = await startRuntimeApi({
      onNext: () => invocation,
      onAnswer: (answer) => answers.push(answer),
      onInitError: (error) => answers.push(error),
    });
    const { address } = api;
    expect(await call(address, 'POST', '/invocation/r-1/response', '1')).toMatchObject({ status: 400 });
    expect(await call(address, 'GET', '/invocation/next')).toEqual({ status: 200, text: '{"a":1}' });
    expect(await call(address, 'GET', '/invocation/next')).toMatchObject({ status: 403 });
    const unknown = await call(address, 'POST', '/invocation/other/response', '1');
    expect(unknown).toMatchObject({ status: 400 });
    expect(unknown.text).toContain('InvalidRequestID');
    expect(answers).toEqual([]);
    expect(await call(address, 'POST', '/invocation/r-1/response', '1')).toMatchObject({ status: 202 });
    expect(await call(address, 'POST', '/invocation/r-1/error', '{}')).toMatchObject({ status: 400 });
    expect(await call(address, 'POST', '/init/error', '{"errorType":"T","errorMessage":"m"}')).toMatchObject({
      status: 202,
    });
    expect(answers).toEqual([
      { kind: 'response', body: '1' },
      { errorType: 'T', errorMessage: 'm' },
    ]);
    expect(await call(address, 'GET', '/elsewhere')).toMatchObject({ status: 404 });
    api.close();
  });
});
