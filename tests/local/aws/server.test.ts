// The server around the services: who called what, faults on request, health, and what is not AWS JSON.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { bodies, codeOf, sleep, startStack, type Stack } from './fixture.ts';

let stack: Stack;
let url: string;
beforeAll(async () => {
  stack = await startStack({ region: 'ap-east-2' });
});
beforeEach(async () => {
  await fetch(`${stack.aws.url}/_faults`, { method: 'DELETE' });
  url = await stack.queue('faulty');
  await stack.sqs.purgeQueue({ QueueUrl: url });
});
afterAll(() => stack.close());

const entries = ['1', '2', '3'].map((Id) => ({ Id, MessageBody: Id }));
const batch = () => stack.sqs.sendMessageBatch({ QueueUrl: url, Entries: entries });

test('every call is recorded with its caller, resource and outcome', async () => {
  const before = stack.aws.calls().length;
  await stack.send(url, 'x');
  await codeOf(stack.sqs.getQueueUrl({ QueueName: 'nowhere' }));
  await stack.secrets.createSecret({ Name: 'desk/one', SecretString: 's' });
  const { ARN } = await stack.secrets.describeSecret({ SecretId: 'desk/one' });
  await stack.secrets.getSecretValue({ SecretId: ARN });
  const seen = stack.aws.calls().slice(before);
  expect(seen.map(({ service, action, resource, outcome }) => [service, action, resource, outcome])).toEqual([
    ['sqs', 'SendMessage', 'faulty', 'ok'],
    ['sqs', 'GetQueueUrl', 'nowhere', 'AWS.SimpleQueueService.NonExistentQueue'],
    ['secretsmanager', 'CreateSecret', 'desk/one', 'ok'],
    ['secretsmanager', 'DescribeSecret', 'desk/one', 'ok'],
    ['secretsmanager', 'GetSecretValue', 'desk/one', 'ok'],
  ]);
  expect(seen.every(({ accessKeyId, at }) => accessKeyId === 'AKIATESTS' && Date.now() - at < 5000)).toBe(true);
});

test('of each kind of call the first is kept, and what AWS does by itself can be added', async () => {
  const ours = () => stack.aws.kinds().filter(({ resource }) => resource === 'kinds');
  const own = await stack.queue('kinds');
  for (let time = 0; time < 3; time += 1) await stack.send(own, 'x');
  const fired = { at: 1, accessKeyId: 'SCHEDULER', service: 'lambda', action: 'Invoke', resource: 'kinds', outcome: 'ok' } as const; // prettier-ignore
  stack.aws.record(fired);
  stack.aws.record({ ...fired, at: 2 });
  expect(ours().map(({ accessKeyId, action }) => [accessKeyId, action])).toEqual([
    ['AKIATESTS', 'CreateQueue'],
    ['AKIATESTS', 'SendMessage'],
    ['SCHEDULER', 'Invoke'],
  ]);
  expect(ours().at(-1)).toEqual(fired);
});

test('an error fault answers its code as often as it is told, and only where it matches', async () => {
  await stack.faults({ service: 'sqs', action: 'SendMessage', resource: 'faulty', fault: 'error', times: 2 });
  expect(await codeOf(stack.send(await stack.queue('healthy'), 'x'))).toBe('ok');
  for (const outcome of ['InternalError', 'InternalError', 'ok'])
    expect(await codeOf(stack.send(url, 'x'))).toBe(outcome);
  await stack.faults({ service: 'secretsmanager', fault: 'error', code: 'ResourceNotFoundException' });
  const read = stack.secrets.getSecretValue({ SecretId: 'any' });
  await expect(read).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('a fault strikes with its probability, the same way for the same seed, and a field that is none is refused', async () => {
  const outcomes = async (seed: number): Promise<string> => {
    const faults = [{ service: 'sqs', action: 'GetQueueAttributes', fault: 'error', probability: 0.5 }];
    await fetch(`${stack.aws.url}/_faults`, { method: 'PUT', body: JSON.stringify({ seed, faults }) });
    let said = '';
    for (let call = 0; call < 12; call += 1) {
      said += (await codeOf(stack.sqs.getQueueAttributes({ QueueUrl: url }))) === 'ok' ? '.' : 'x';
    }
    return said;
  };
  const [first, again, other] = [await outcomes(7), await outcomes(7), await outcomes(8)];
  expect(first).toBe(again);
  expect(first).toMatch(/x.*\.|\..*x/);
  expect(other).not.toBe(first);
  const refused = await stack.faults({ fault: 'error', chance: 0.5 });
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('chance: no such field')]);
});

test('a partial fault fails the first entry of a batch, and the rest works', async () => {
  await stack.faults({ action: 'SendMessageBatch', fault: 'partial', times: 1 });
  const { Successful, Failed } = await batch();
  expect(Successful?.map(({ Id }) => Id)).toEqual(['2', '3']);
  expect(Failed).toMatchObject([{ Id: '1', Code: 'InternalError', SenderFault: false }]);
  expect(bodies(await stack.receive(url))).toEqual(['2', '3']);
  expect((await batch()).Failed).toBeUndefined();
});

test('a drop before executes nothing, a drop after executes all, and neither answers', async () => {
  await stack.faults({ fault: 'drop-before', times: 1 });
  expect(await codeOf(batch())).not.toBe('ok');
  expect(await stack.counts(url)).toEqual([0, 0, 0]);
  await stack.faults({ fault: 'drop-after', times: 1 });
  expect(await codeOf(batch())).not.toBe('ok');
  expect(await stack.counts(url)).toEqual([3, 0, 0]);
  const outcomes = stack.aws.calls().map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome.startsWith('drop'))).toEqual(['drop-before', 'drop-after']);
});

test('a FIFO send repeated by the SDK after a lost answer is still one message', async () => {
  const patient = await startStack({}, 3);
  const QueueUrl = await patient.queue('lost.fifo');
  await patient.faults({ action: 'SendMessage', fault: 'drop-after', times: 1 });
  await patient.send(QueueUrl, 'x', 'g');
  expect(patient.aws.calls().filter(({ action }) => action === 'SendMessage')).toHaveLength(2);
  expect(await patient.counts(QueueUrl)).toEqual([1, 0, 0]);
  await patient.close();
});

test('a delay holds the call back, and the first matching fault wins', async () => {
  await stack.faults({ action: 'SendMessage', fault: 'delay', ms: 200, times: 1 }, { fault: 'error', times: 1 });
  const start = performance.now();
  expect(await codeOf(stack.send(url, 'x'))).toBe('ok');
  expect(performance.now() - start).toBeGreaterThan(190);
  expect(await codeOf(stack.send(url, 'x'))).toBe('InternalError');
});

test('health answers 200; an unknown fault, path or protocol is refused with the way out', async () => {
  expect((await fetch(`${stack.aws.url}/_health`)).status).toBe(200);
  const wrong = await stack.faults({ fault: 'explode' });
  expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining('drop-before')]);
  const query = await fetch(stack.aws.url, { method: 'POST', body: 'Action=ListQueues' });
  expect([query.status, await query.text()]).toEqual([400, expect.stringContaining('x-amz-target')]);
});

test('a body that is no JSON, a field of the wrong type and an unknown action are refused as the service would', async () => {
  const post = async (action: string, body: string) => {
    const headers = { 'x-amz-target': `AmazonSQS.${action}`, 'content-type': 'application/x-amz-json-1.0' };
    const response = await fetch(stack.aws.url, { method: 'POST', headers, body });
    return [response.status, response.headers.get('x-amzn-query-error')];
  };
  expect(await post('SendMessage', '{')).toEqual([400, 'SerializationException;Sender']);
  expect(await post('SendMessage', '{"QueueUrl":7}')).toEqual([400, 'SerializationException;Sender']);
  expect(await post('Fly', '{}')).toEqual([400, 'UnknownOperationException;Sender']);
  expect(await post('GetQueueUrl', '{"QueueName":"nowhere"}')).toEqual([
    400,
    'AWS.SimpleQueueService.NonExistentQueue;Sender',
  ]);
});

test('names carry the region, and a port that is taken is an error', async () => {
  const attributes = await stack.sqs.getQueueAttributes({ QueueUrl: url, AttributeNames: ['QueueArn'] });
  expect(attributes.Attributes?.QueueArn).toBe('arn:aws:sqs:ap-east-2:000000000000:faulty');
  await expect(startStack({ port: stack.aws.port })).rejects.toThrow('EADDRINUSE');
});

test('closing ends those who still wait, at once', async () => {
  const short = await startStack();
  const QueueUrl = await short.queue('closing');
  const waiting = codeOf(short.sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 20 }));
  await sleep(100);
  const start = performance.now();
  await short.close();
  expect(await waiting).not.toBe('ok');
  expect(performance.now() - start).toBeLessThan(1000);
});
