// The examples of docs/producers.md, each run as it stands against the local stack, until the exchange has its orders.
// What a machine may lack (the AWS CLI, Python, boto3) is used where it is there; the shape of every message is checked anyway.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SendMessageCommand, type SendMessageCommandInput } from '@aws-sdk/client-sqs';
import Ajv from 'ajv';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from '../../shared/order/intent.ts';
import { startSystem, type System } from '../system/fixture.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

interface Message {
  readonly MessageBody: string;
  readonly MessageGroupId: string;
  readonly MessageDeduplicationId: string;
}
interface Intent {
  readonly id: string;
  readonly account: string;
}

let system: System;
let folder: string;
let env: Record<string, string | undefined>;
let isSchema: (value: unknown) => boolean;
beforeAll(async () => {
  system = await startSystem();
  folder = await mkdtemp(join(tmpdir(), 'examples-'));
  env = {
    PATH: process.env['PATH'],
    HOME: folder,
    AWS_ENDPOINT_URL: system.ready.aws,
    AWS_REGION: system.ready.region,
    AWS_DEFAULT_REGION: system.ready.region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    INTENTS_QUEUE_URL: system.ready.queues.intents,
  };
  // A validator that knows nothing of this project, and is older than the schema's draft: nothing newer is used in it.
  const schema = JSON.parse(await read('docs/intent.schema.json')) as Record<string, unknown>;
  const validate = new Ajv().compile({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });
  isSchema = (value) => validate(value) === true;
});
afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true, force: true });
});

/** Is there such a program here? */
const isHere = (program: string, ...args: readonly string[]): Promise<boolean> =>
  run(program, args).then(() => true, () => false); // prettier-ignore
const checked = ({ MessageBody, MessageGroupId, MessageDeduplicationId }: Message): Intent => {
  const parsed = parse(MessageBody);
  expect(parsed).toMatchObject({ kind: 'intent', intent: { account: MessageGroupId, id: MessageDeduplicationId } });
  const intent = JSON.parse(MessageBody) as Intent;
  expect([isSchema(intent), isSchema({ ...intent, extra: 1 })]).toEqual([true, false]);
  return intent;
};
const isAccepted = async (id: string): Promise<void> => {
  await system.until(`a report of ${id}`, () => system.reportsOf(id).length > 0);
  expect(system.reportsOf(id)[0]).toMatchObject({ status: 'accepted' });
};
/** The example with an id and times of now, as its reader is told to. */
const today = ({ MessageBody, ...message }: Message, id: string): Message => {
  const now = Date.now();
  const times = { createdAt: new Date(now).toISOString(), expiresAt: new Date(now + 60_000).toISOString() };
  const body = { ...(JSON.parse(MessageBody) as object), id, ...times };
  return { ...message, MessageDeduplicationId: id, MessageBody: JSON.stringify(body) };
};

describe('the input of the AWS CLI', () => {
  test('is a message by the contract, and an order when it is sent', async () => {
    const message = JSON.parse(await read('examples/aws-cli.json')) as Message;
    expect(Object.keys(message).sort()).toEqual(['MessageBody', 'MessageDeduplicationId', 'MessageGroupId']);
    checked(message);
    const fresh = today(message, 'exampleSdk');
    const input: SendMessageCommandInput = { QueueUrl: system.ready.queues.intents, ...fresh };
    await system.sqs.send(new SendMessageCommand(input));
    await isAccepted('exampleSdk');
    if (!(await isHere('aws', '--version'))) return;
    const file = join(folder, 'message.json');
    await writeFile(file, JSON.stringify(today(message, 'exampleCli')));
    const to = ['--queue-url', system.ready.queues.intents, '--endpoint-url', system.ready.aws];
    const args = ['sqs', 'send-message', ...to, '--cli-input-json', `file://${file}`];
    const { stdout } = await run('aws', args, { env });
    expect(stdout).toContain('MessageId');
    await isAccepted('exampleCli');
  }, 60_000);
});

test('the Node example sends two orders', async () => {
  const { stdout, stderr } = await run(process.execPath, [join(root, 'examples/node.mjs')], { env });
  const ids = [...stdout.matchAll(/^(\w{32}) sent/gm)].map(([, id = '']) => id);
  expect({ ids: ids.length, stderr }).toEqual({ ids: 2, stderr: '' });
  for (const id of ids) await isAccepted(id);
});
test('and says what was not sent, where nobody answers', async () => {
  const nowhere = { ...env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9', INTENTS_QUEUE_URL: 'http://127.0.0.1:9/0/q.fifo' };
  const failed = await run(process.execPath, [join(root, 'examples/node.mjs')], { env: nowhere }).catch((error: unknown) => error); // prettier-ignore
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringMatching(/unknown .*send the same intent again/) });
});

describe('the Python example', () => {
  const script = join(root, 'examples/with_boto3.py');
  test('names what every message must have', async () => {
    const text = await read('examples/with_boto3.py');
    expect(text).toContain('"MessageGroupId": intent["account"]');
    expect(text).toContain('"MessageDeduplicationId": intent["id"]');
  });
  test('makes messages by the contract, and orders of them', async () => {
    if (!(await isHere('python3', '--version'))) return;
    const shown = await run('python3', [script, '--show'], { env });
    const messages = JSON.parse(shown.stdout) as readonly Message[];
    expect(messages).toHaveLength(2);
    messages.forEach(checked);
    if (!(await isHere('python3', '-c', 'import boto3'))) return;
    const { stdout } = await run('python3', [script], { env });
    const ids = [...stdout.matchAll(/^(\w{32}) sent/gm)].map(([, id = '']) => id);
    expect(ids).toHaveLength(2);
    for (const id of ids) await isAccepted(id);
  }, 60_000);
});
