// The local AWS: SQS, Secrets Manager, reading logs and metrics over AWS JSON, and a little of Lambda over REST, on
// 127.0.0.1, for the unmodified SDK and CLI.
// Promises the wire of the real service, a record of who called what, and faults on request (`/_faults`).
// Keeps everything in memory, checks no signature, and never listens beyond this machine.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account.ts';
import { callRing, type AwsCall, type Calls, type Service } from './calls.ts';
import { nextFault, readFaults, splitBatch, type Fault } from './faults.ts';
import { localLambda, restCallOf, type Lambda } from './lambda.ts';
import { localLogs, type Logs } from './logs.ts';
import { metricsActions } from './metrics.ts';
import { metricPoints, type Points } from './points.ts';
import { secretsActions } from './secrets.ts';
import { sqsActions } from './sqs.ts';
import { isFailure, isRecord, refuse, text } from './wire.ts';
import type { Action, Call, Failure, Input, Output } from './wire.ts';

export type { AwsCall } from './calls.ts';

export interface LocalAws {
  readonly url: string;
  readonly port: number;
  readonly region: string;
  /** The last 50,000 finished calls, oldest first. */
  calls(): readonly AwsCall[];
  /** The first call of each kind: caller, action, resource. */
  kinds(): readonly AwsCall[];
  /** Adds what AWS does by itself, as a role, and not over this wire: a schedule that fires. */
  record(call: AwsCall): void;
  /** Where the functions' lines are put, to be read with FilterLogEvents; what is in the embedded metric format becomes metrics. */
  readonly logs: Pick<Logs, 'create' | 'write'>;
  /** Where the runner's functions are made known. */
  readonly lambda: Pick<Lambda, 'deploy'>;
  /** Where whoever runs the functions tells of it, and what CloudWatch made of their lines. */
  readonly metrics: Pick<Points, 'put' | 'refused'>;
  close(): Promise<void>;
}

/** A batch of 1 MiB, each byte of it escaped as \u00xx, and its frame. */
const MOST_BODY_BYTES = 8 * 1_048_576;
const DEDUPLICATION_MS = 300_000;
const IN_FLIGHT_LIMIT = 120_000;
/** Longer than any client keeps an idle socket, so that no request meets a socket that is just closing. */
const KEEP_ALIVE_MS = 300_000;

type Services = Readonly<Record<Service, Readonly<Record<string, Action>>>>;

interface Stack extends Calls {
  readonly services: Services;
  readonly faults: Fault[];
}

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES)
      throw refuse('RequestEntityTooLarge', `A request may have at most ${MOST_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  try {
    return bytes === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw refuse('SerializationException', 'The request body is not valid JSON.');
  }
};

const answer = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => {
  const bytes = Buffer.from(status === 204 ? '' : JSON.stringify(body), 'utf8');
  const own = { 'x-amzn-requestid': randomUUID(), 'content-length': String(bytes.length) };
  response.writeHead(status, { 'content-type': 'application/json', ...own, ...headers }).end(bytes);
};

interface Route {
  readonly service: Service;
  readonly action: string;
  readonly type: string;
  /** Of a REST call: what its path and query say, and the status of a good answer. */
  readonly rest?: { readonly parameters: Input; readonly status: number };
}

const routeOf = (request: IncomingMessage): Route | undefined => {
  const [prefix, action = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
  if (prefix === 'AmazonSQS') return { service: 'sqs', action, type: 'application/x-amz-json-1.0' };
  if (prefix === 'secretsmanager') return { service: 'secretsmanager', action, type: 'application/x-amz-json-1.1' };
  if (prefix === 'Logs_20140328') return { service: 'logs', action, type: 'application/x-amz-json-1.1' };
  if (prefix === 'GraniteServiceVersion20100801')
    return { service: 'monitoring', action, type: 'application/x-amz-json-1.0' };
  const rest = prefix === '' ? restCallOf(request.method ?? '', request.url ?? '') : undefined;
  if (rest !== undefined) return { service: 'lambda', action: rest.action, type: 'application/json', rest };
  return undefined;
};

const lastPart = (value: unknown, separator: string): string =>
  typeof value === 'string' ? (value.split(separator).at(-1) ?? '') : '';

const resourceOf = ({ service }: Route, input: Input): string => {
  if (service === 'sqs')
    return lastPart(input['QueueUrl'] ?? input['QueueName'], '/') || lastPart(input['SourceArn'], ':');
  if (service === 'monitoring') return text(input, 'MetricName') ?? '';
  if (service === 'logs') return text(input, 'logGroupName') ?? '';
  if (service === 'lambda') return lastPart(input['UUID'] ?? input['FunctionName'] ?? input['Resource'], ':');
  const id = input['SecretId'] ?? input['Name'];
  const name = lastPart(id, ':secret:');
  return name === id ? name : name.replace(/-[A-Za-z0-9]{6}$/, '');
};

const accessKeyOf = (request: IncomingMessage): string =>
  /Credential=([^/,\s]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';

/** Runs the call with its fault; undefined means that the connection is to be reset. */
const perform = async (
  act: Action,
  input: Input,
  call: Call,
  fault: Fault | undefined,
): Promise<Output | undefined> => {
  if (fault?.fault === 'drop-before') return undefined;
  if (fault?.fault === 'delay') await sleep(fault.ms, undefined, { ref: false });
  if (fault?.fault === 'error') throw refuse(fault.code, `Injected fault: ${fault.code}.`);
  if (fault?.fault === 'partial') {
    if (!Array.isArray(input['Entries'])) throw refuse('InternalError', 'Injected fault: not a batch, refused whole.');
    const { rest, merge } = splitBatch(input);
    return merge(input['Entries'].length > 1 ? await act(rest, call) : {});
  }
  const result = await act(input, call);
  return fault?.fault === 'drop-after' ? undefined : result;
};

const failureOf = (error: unknown): Failure =>
  isFailure(error) ? error : refuse('InternalError', error instanceof Error ? error.message : String(error));

const serveAction = async (
  stack: Stack,
  route: Route,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const at = Date.now();
  const accessKeyId = accessKeyOf(request);
  let resource = '';
  const finish = (outcome: string): void => {
    stack.record({ at, accessKeyId, service: route.service, action: route.action, resource, outcome });
  };
  try {
    const body = await readBody(request);
    if (!isRecord(body)) throw refuse('SerializationException', 'The request body must be a JSON object.');
    const input = { ...body, ...route.rest?.parameters };
    resource = resourceOf(route, input);
    const table = stack.services[route.service];
    const act = Object.hasOwn(table, route.action) ? table[route.action] : undefined;
    if (act === undefined)
      throw refuse('UnknownOperationException', `${route.service} knows no ${route.action} here; see local/aws for what it knows.`); // prettier-ignore
    const fault = nextFault(stack.faults, { ...route, resource });
    const traceHeader = request.headers['x-amzn-trace-id']?.toString();
    const onDisconnect = (then: () => void): void => void response.once('close', then);
    const result = await perform(act, input, { accessKeyId, traceHeader, onDisconnect }, fault);
    if (result === undefined) {
      finish(fault?.fault ?? '');
      request.socket.resetAndDestroy();
      return;
    }
    if (response.destroyed) {
      finish('disconnected');
      return;
    }
    finish(result['Failed'] === undefined ? 'ok' : 'partial');
    answer(response, route.rest?.status ?? 200, result, { 'content-type': route.type });
  } catch (error) {
    const { shape, code, status, message } = failureOf(error);
    finish(code);
    // Secrets Manager spells it Message, SQS message; each reader finds its own.
    const body = { __type: shape, message, ...(route.service === 'secretsmanager' && { Message: message }) };
    const sender = `${code};${status < 500 ? 'Sender' : 'Receiver'}`;
    const header = route.rest === undefined ? { 'x-amzn-query-error': sender } : { 'x-amzn-errortype': code };
    answer(response, status, body, { 'content-type': route.type, ...header });
  }
};

const control = async (faults: Fault[], request: IncomingMessage): Promise<Output> => {
  const path = request.url?.split('?')[0];
  if (path === '/_health') return { status: 'ok' };
  if (path !== '/_faults')
    throw refuse(
      'UnknownOperationException',
      'Send AWS JSON with an x-amz-target header (SDK v3 or CLI v2), or GET /_health, PUT or DELETE /_faults.',
    );
  if (request.method === 'PUT') faults.splice(0, Infinity, ...readFaults(await readBody(request)));
  if (request.method === 'DELETE') faults.length = 0;
  return { faults };
};

const serveControl = async (stack: Stack, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  try {
    answer(response, 200, await control(stack.faults, request));
  } catch (error) {
    const { shape, status, message } = failureOf(error);
    answer(response, status, { __type: shape, message });
  }
};

/**
 * Starts the local AWS on 127.0.0.1. Port 0 (the default) takes any free port; `region` names the ARNs.
 * `timeScale` shortens the clocks that belong to the service: the 5 minute deduplication interval, and nothing else.
 * Rejects when the port is taken.
 */
export const startLocalAws = async (
  options: { readonly port?: number; readonly region?: string; readonly timeScale?: number } = {},
): Promise<LocalAws> => {
  const { port: wanted = 0, region = 'ap-northeast-1', timeScale = 1 } = options;
  let url = '';
  const account: Account = {
    region,
    url: () => url,
    now: Date.now,
    deduplicationMs: DEDUPLICATION_MS * timeScale,
    inFlightLimit: IN_FLIGHT_LIMIT,
    queues: new Map(),
  };
  const logs = localLogs(Date.now);
  const lambda = localLambda(region, Date.now);
  const metrics = metricPoints(Date.now);
  const write: Logs['write'] = (name, message) => {
    logs.write(name, message);
    metrics.emf(message);
  };
  const services = {
    lambda: lambda.actions,
    sqs: sqsActions(account),
    secretsmanager: secretsActions({ region, now: Date.now }),
    logs: logs.actions,
    monitoring: metricsActions(account, metrics),
  };
  const stack: Stack = { services, faults: [], ...callRing() };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const route = routeOf(request);
    // What still fails here is a connection that broke while it was read: nobody is left to be answered.
    const served = route ? serveAction(stack, route, request, response) : serveControl(stack, request, response);
    served.catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(wanted, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : wanted;
  url = `http://127.0.0.1:${port}`;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url,
    port,
    region,
    calls: stack.calls,
    kinds: stack.kinds,
    record: stack.record,
    logs: { create: logs.create, write },
    metrics,
    lambda,
    close,
  };
};
