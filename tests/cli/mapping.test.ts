// The kill switch where others act at the same time, against an AWS whose answers are written down here, in their order: what
// somebody else does between two calls cannot be timed on a stack that runs.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { untilTaken } from '../../cli/cancels.ts';
import { connectTo, type Connection } from '../../cli/connection.ts';
import { mappingOf, resumeMapping, setMapping } from '../../cli/mapping.ts';
import { onto, type Desk } from '../../cli/run.ts';
import { terminal } from '../../cli/terminal.ts';

const ARN = 'arn:aws:lambda:ap-northeast-1:111122223333:event-source-mapping:one';
let server: Server;
let stack: Connection;
/** What AWS says now; the last of several stays. */
let states: string[];
let halted: string | undefined;
/** How many messages the queue is said to have. */
let counts: number[];
/** The changes that were asked for. */
let asked: string[];

const next = <Value>(list: Value[]): Value | undefined => (list.length > 1 ? list.shift() : list[0]);

function answer(method: string, path: string, target: string, body: string): object | undefined {
  const mapping = (State: string | undefined) => ({ UUID: 'one', EventSourceMappingArn: ARN, EventSourceArn: 'arn:aws:sqs:ap-northeast-1:111122223333:trading-bot-prod-intents.fifo', State }); // prettier-ignore
  if (target.endsWith('GetQueueUrl'))
    return { QueueUrl: `${process.env['AWS_ENDPOINT_URL'] ?? ''}/111122223333/queue` };
  if (target.endsWith('GetQueueAttributes')) {
    const [waiting, inFlight] = [String(next(counts)), '0'];
    return { Attributes: { ApproximateNumberOfMessages: waiting, ApproximateNumberOfMessagesNotVisible: inFlight } };
  }
  if (path.startsWith('/2017-03-31/tags/')) {
    if (method === 'GET') return { Tags: halted === undefined ? {} : { 'desk-halted': halted } };
    asked.push(`tag ${body}`);
    return {};
  }
  if (method === 'PUT') asked.push(body);
  if (method === 'PUT') return mapping('Updating');
  return path.includes('/one') ? mapping(next(states)) : { EventSourceMappings: [mapping(states[0])] };
}

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const target = String(request.headers['x-amz-target']);
      const told = answer(request.method ?? '', request.url ?? '', target, body);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(told));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { AWS_ACCESS_KEY_ID: 'TESTS', AWS_SECRET_ACCESS_KEY: 'unused' };
  Object.assign(process.env, { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_REGION: 'ap-northeast-1', ...credentials }); // prettier-ignore
  stack = await connectTo({ stage: 'prod' }, false);
});
afterAll(() => {
  stack.close();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  [states, counts, asked, halted] = [['Disabled'], [0], [], undefined];
});
afterEach(() => {
  // Whatever else happened: a tag or a change of the mapping, and nothing else, was asked for.
  for (const one of asked) expect(one).toMatch(/^tag |Enabled/);
});

/** An operator who says yes, after something else has happened. */
const operator = (meanwhile: () => void = () => undefined): Desk => ({
  ...onto(terminal({ json: true, yes: true }), stack),
  say: () => undefined,
  result: () => undefined,
  confirm: () => {
    meanwhile();
    return Promise.resolve();
  },
});

describe('a resume of the mapping', () => {
  test('loses against a halt that comes between its look and the yes: nothing is enabled, and the halt is named', async () => {
    halted = '2026-11-30T10:00:00Z ann: halted: one';
    const again = operator(() => (halted = '2026-11-30T10:05:00Z bob: halted: another'));
    await expect(resumeMapping(again, 'it was the feed')).rejects.toMatchObject({
      message: expect.stringContaining('bob: halted: another'),
      exitCode: 1,
    });
    expect(asked).toEqual([]);
  });

  test('goes through where nobody halted meanwhile', async () => {
    halted = '2026-11-30T10:00:00Z ann: halted: one';
    states = ['Disabled', 'Enabling', 'Enabled'];
    expect(await resumeMapping(operator(), 'it was the feed')).toBe(0);
    expect(asked).toEqual([expect.stringMatching(/^tag .*it was the feed/), '{"Enabled":true}']);
  });
});

describe('a halt by the mapping', () => {
  test('wins against somebody who enables it meanwhile: it is asked for again, and done only when it is disabled', async () => {
    states = ['Enabled'];
    const mapping = await mappingOf(stack);
    states = ['Disabling', 'Enabled', 'Disabling', 'Disabled'];
    expect((await setMapping(stack, mapping, false)).state).toBe('Disabled');
    expect(asked).toEqual(['{"Enabled":false}', '{"Enabled":false}']);
  });

  test('a resume never asks again: a halt that came after it stays', async () => {
    const mapping = await mappingOf(stack);
    states = ['Enabling', 'Disabling', 'Disabled'];
    await expect(setMapping(stack, mapping, true, 1500)).rejects.toThrow('is Disabled and not Enabled');
    expect(asked).toEqual(['{"Enabled":true}']);
  });
});

describe('cancels before the mapping is disabled', () => {
  test('are gone when the queue was seen empty for a while: one look may be older than what was sent', async () => {
    counts = [0, 0, 1, 0];
    const startedAt = Date.now();
    expect(await untilTaken(operator())).toBe(true);
    // Two looks, one that sees it, and six more, half a second apart.
    expect(Date.now() - startedAt).toBeGreaterThan(3900);
  });

  test('that are still there at the end are no success', async () => {
    counts = [1];
    expect(await untilTaken(operator(), 700)).toBe(false);
  });
});
