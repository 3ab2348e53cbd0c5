// Lambda's API of the local stack through the unmodified SDK: functions, and a mapping that really stops and starts.
import { LambdaClient, GetEventSourceMappingCommand, GetFunctionCommand, GetFunctionConfigurationCommand, ListEventSourceMappingsCommand, ListTagsCommand, TagResourceCommand, UpdateEventSourceMappingCommand, InvokeCommand } from '@aws-sdk/client-lambda'; // prettier-ignore
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { codeOf } from './fixture.ts';
import { intent, startSystem, type System } from '../../system/fixture.ts';

const EXECUTE = 'trading-bot-dev-execute';
let system: System;
let lambda: LambdaClient;
beforeAll(async () => {
  system = await startSystem({ timeScale: 0.1 });
  const credentials = { accessKeyId: 'AKIATESTS', secretAccessKey: 'unused' };
  lambda = new LambdaClient({ endpoint: system.ready.aws, region: system.ready.region, credentials, maxAttempts: 1 });
}, 60_000);
afterAll(async () => {
  lambda.destroy();
  await system.close();
});

const mapping = async (FunctionName = EXECUTE) => {
  const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName }));
  expect(EventSourceMappings).toHaveLength(1);
  return EventSourceMappings[0] ?? {};
};
const stateOf = async (UUID: string) => (await lambda.send(new GetEventSourceMappingCommand({ UUID }))).State;
const enable = (UUID: string, Enabled: boolean) => lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
const until = (UUID: string, state: string) => system.until(state, async () => (await stateOf(UUID)) === state);

test('a function is known by its whole name or ARN, with the hash of its code and its variables', async () => {
  const zip = readFileSync(new URL('../../../.serverless/execute.zip', import.meta.url));
  const told = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: EXECUTE }));
  expect(told).toMatchObject({
    FunctionName: EXECUTE,
    Handler: 'execute.handler',
    CodeSize: zip.length,
    CodeSha256: createHash('sha256').update(zip).digest('base64'),
    Environment: { Variables: { INTENTS_QUEUE_URL: system.ready.queues.intents } },
  });
  const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName: told.FunctionArn ?? '' }));
  expect(Configuration?.CodeSha256).toBe(told.CodeSha256);
  expect(await codeOf(lambda.send(new GetFunctionCommand({ FunctionName: 'no-such-function' })))).toBe('ResourceNotFoundException'); // prettier-ignore
});

test('each function with a queue has one mapping, and those that are invoked have none', async () => {
  expect(await mapping()).toMatchObject({
    State: 'Enabled',
    BatchSize: 10,
    EventSourceArn: 'arn:aws:sqs:ap-northeast-1:000000000000:trading-bot-dev-intents.fifo',
    FunctionArn: expect.stringMatching(/:function:trading-bot-dev-execute$/),
  });
  const { EventSourceMappings } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName: 'trading-bot-dev-trigger' })); // prettier-ignore
  expect(EventSourceMappings).toEqual([]);
  expect((await lambda.send(new ListEventSourceMappingsCommand({}))).EventSourceMappings).toHaveLength(2);
});

test('a disabled mapping takes nothing from its queue, and an enabled one what waits there; the other is let alone', async () => {
  const { UUID = '' } = await mapping();
  expect((await enable(UUID, false)).State).toBe('Disabling');
  // The answer is not the deed: another change has to wait for it.
  expect(await codeOf(enable(UUID, true))).toBe('ResourceInUseException');
  await until(UUID, 'Disabled');
  expect((await enable(UUID, false)).State).toBe('Disabled');
  const waiting = intent();
  await system.send([waiting]);
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(system.reportsOf(waiting.id)).toEqual([]);
  expect((await mapping('trading-bot-dev-reconcile')).State).toBe('Enabled');
  expect((await enable(UUID, true)).State).toBe('Enabling');
  await until(UUID, 'Enabled');
  await system.until('its report', () => system.reportsOf(waiting.id).some(({ status }) => status === 'accepted'));
});

test('a mapping keeps tags, of the characters that tags may have', async () => {
  const { EventSourceMappingArn: Resource = '' } = await mapping();
  await lambda.send(new TagResourceCommand({ Resource, Tags: { one: 'a b é 1 _.:/=+-@', two: 'x' } }));
  await lambda.send(new TagResourceCommand({ Resource, Tags: { two: 'y' } }));
  expect((await lambda.send(new ListTagsCommand({ Resource }))).Tags).toEqual({ one: 'a b é 1 _.:/=+-@', two: 'y' });
  expect(await codeOf(lambda.send(new TagResourceCommand({ Resource, Tags: { three: 'a, b!' } })))).toBe('InvalidParameterValueException'); // prettier-ignore
  expect(await codeOf(lambda.send(new ListTagsCommand({ Resource: `${Resource.slice(0, -1)}x` })))).toBe('ResourceNotFoundException'); // prettier-ignore
});

test('what it does not know is refused, and every call is on record', async () => {
  expect(await codeOf(lambda.send(new InvokeCommand({ FunctionName: EXECUTE })))).toBe('UnknownOperationException');
  const { UUID = '' } = await mapping();
  expect(await codeOf(lambda.send(new UpdateEventSourceMappingCommand({ UUID, BatchSize: 1 })))).toBe('InvalidParameterValueException'); // prettier-ignore
  const own = (system.aws?.calls() ?? []).filter(({ service, accessKeyId }) => service === 'lambda' && accessKeyId === 'AKIATESTS'); // prettier-ignore
  expect(own).toContainEqual(expect.objectContaining({ action: 'UpdateEventSourceMapping', resource: UUID, outcome: 'ok' })); // prettier-ignore
  expect(own).toContainEqual(expect.objectContaining({ action: 'ListEventSourceMappings', resource: EXECUTE }));
});
