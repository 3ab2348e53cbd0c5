// The SQS event source mapping of one function: poll, invoke with a batch, delete what succeeded.
// Promises AWS's rules: batches side by side up to MaximumConcurrency, partial batch responses, failures left to their
// visibility timeout. Never changes a visibility and never reorders: the group lock is the queue's.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { failedIds, lineageKey, lineageOf, maxHops, sqsEvent, traceHeader } from './batch.ts';
import type { EventSource, FunctionDefinition, InvocationResult } from './definition.ts';
import { accessKeyId, functionArn } from './environment.ts';

/** SQS's longest long poll. */
const waitSeconds = 20;
/** Long polls kept open while nothing happens; every batch received opens the next. */
const idlePollers = 2;
/** Pauses before another attempt to delete; after the last one the records come back. */
const deletePausesMs = [0, 50, 200, 800] as const;
const firstReceivePauseMs = 100;
const maxReceivePauseMs = 5_000;

export interface MappingOptions {
  readonly definition: FunctionDefinition;
  readonly source: EventSource;
  readonly region: string;
  readonly awsEndpoint: string | undefined;
  /** Runs the function with an event (JSON); never rejects. */
  readonly invoke: (body: string, traceId: string) => Promise<InvocationResult>;
  readonly log: (text: string) => void;
}

export interface MappingMetrics {
  batchesDone: number;
  batchesPartlyFailed: number;
  batchesFailed: number;
  maxConcurrentBatches: number;
  undeleted: number;
  recursionStopped: number;
}

export interface Mapping {
  readonly metrics: Readonly<MappingMetrics>;
  /** No further poll; resolves when the batches in flight have ended and were deleted as far as they succeeded. */
  readonly pause: () => Promise<void>;
  readonly resume: () => void;
  /** No further poll; what was received goes on. */
  readonly stop: () => Promise<void>;
  /** As pause, for good. */
  readonly close: () => Promise<void>;
}

/** What the mapping learned of its queue at the start. */
interface Queue {
  readonly arn: string;
  readonly fifo: boolean;
  readonly deadLetterUrl?: string;
}

interface State {
  readonly options: MappingOptions;
  readonly client: SQSClient;
  readonly queue: Queue;
  readonly metrics: MappingMetrics;
  readonly running: Set<Promise<void>>;
  readonly polls: Set<Promise<void>>;
  /** Invocations in flight; a batch still being deleted is in `running` only. */
  invoking: number;
  /** Aborts the polls; undefined while paused. */
  polling: AbortController | undefined;
}

const clientFor = ({ definition, source, region, awsEndpoint }: MappingOptions): SQSClient => {
  // A delete must never wait for a socket behind the long polls.
  const agent = { keepAlive: true, maxSockets: 2 * source.maximumConcurrency + idlePollers };
  return new SQSClient({
    region,
    requestHandler: { httpAgent: agent, httpsAgent: agent },
    ...(awsEndpoint !== undefined && {
      endpoint: awsEndpoint,
      credentials: { accessKeyId: `${accessKeyId(definition.name)}MAPPING`, secretAccessKey: 'local' },
    }),
  });
};

const inBounds = (value: number, least: number, most: number, what: string): void => {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new Error(`${what} ${value} is out of AWS's bounds: choose ${least} to ${most}`);
};

/** The checks that AWS makes when a mapping is created; rejects with a sentence. */
async function inspect(client: SQSClient, { definition, source }: MappingOptions): Promise<Queue> {
  inBounds(source.batchSize, 1, 10, `${definition.name}: batchSize`);
  inBounds(source.maximumConcurrency, 2, 1000, `${definition.name}: maximumConcurrency`);
  const wanted = new GetQueueAttributesCommand({ QueueUrl: source.queueUrl, AttributeNames: ['All'] });
  const attributes: Partial<Record<string, string>> = (await client.send(wanted)).Attributes ?? {};
  const visibilityMs = Number(attributes['VisibilityTimeout']) * 1000;
  // An emulator with shortened time may answer a fraction of a second; the rule is the same.
  if (!(visibilityMs >= definition.timeoutMs))
    throw new Error(
      `Queue visibility timeout: ${visibilityMs / 1000} seconds is less than Function timeout: ` +
        `${definition.timeoutMs / 1000} seconds; raise VisibilityTimeout of ${source.queueUrl} to six times the timeout`,
    );
  const policy = JSON.parse(attributes['RedrivePolicy'] ?? '{}') as { readonly deadLetterTargetArn?: string };
  const deadLetterName = policy.deadLetterTargetArn?.split(':').at(-1);
  const arn = attributes['QueueArn'] ?? '';
  const queue = { arn, fifo: source.queueUrl.endsWith('.fifo') };
  if (deadLetterName === undefined) return queue;
  // Beside its source: Lambda asks nobody for it, and the function's role may not ask.
  return { ...queue, deadLetterUrl: source.queueUrl.replace(/[^/]+$/, deadLetterName) };
}

/** Deletes with a few attempts; what cannot be deleted is counted and comes back after its visibility timeout. */
async function remove(state: State, messages: readonly Message[]): Promise<void> {
  const { options, client, metrics } = state;
  let left = messages;
  let reason = '';
  for (const pauseMs of deletePausesMs) {
    if (left.length === 0) return;
    if (pauseMs > 0) await sleep(pauseMs);
    const Entries = left.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    try {
      const answer = await client.send(new DeleteMessageBatchCommand({ QueueUrl: options.source.queueUrl, Entries }));
      const failed = new Set((answer.Failed ?? []).map(({ Id }) => Number(Id)));
      reason = answer.Failed?.[0]?.Message ?? '';
      left = left.filter((_, index) => failed.has(index));
    } catch (error) {
      reason = String(error);
    }
  }
  if (left.length === 0) return;
  metrics.undeleted += left.length;
  options.log(`${left.length} records succeeded but could not be deleted and will come back: ${reason}`);
}

/** Takes a record that went round too often off the queue: to the dead-letter queue if there is one, as AWS does. */
async function stopLoop(state: State, message: Message): Promise<void> {
  const { options, client, metrics, queue } = state;
  metrics.recursionStopped += 1;
  options.log(`recursive loop: message ${message.MessageId ?? ''} reached ${options.definition.name} ${maxHops} times`);
  if (queue.deadLetterUrl !== undefined)
    await client.send(
      new SendMessageCommand({
        QueueUrl: queue.deadLetterUrl,
        MessageBody: message.Body,
        MessageAttributes: message.MessageAttributes,
        ...(queue.fifo && {
          MessageGroupId: message.Attributes?.MessageGroupId,
          MessageDeduplicationId: message.Attributes?.MessageDeduplicationId,
        }),
      }),
    );
  await remove(state, [message]);
}

/** The messages that may run; those at the end of a recursive loop are taken off the queue. */
async function admitted(state: State, messages: readonly Message[], key: string): Promise<readonly Message[]> {
  if (state.options.definition.recursiveLoop === 'Allow') return messages;
  const looped = messages.filter(({ Attributes }) => (lineageOf(Attributes?.AWSTraceHeader).get(key) ?? 0) >= maxHops);
  for (const message of looped) await stopLoop(state, message);
  return messages.filter((message) => !looped.includes(message));
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

/** One batch from receipt to deletion; rejects only when the queue cannot be reached. */
async function runBatch(state: State, received: readonly Message[]): Promise<void> {
  const { options, metrics, queue } = state;
  const key = lineageKey(functionArn(options.region, options.definition.name));
  const messages = await admitted(state, received, key);
  if (messages.length === 0) return;
  const headers = messages.map(({ Attributes }) => Attributes?.AWSTraceHeader);
  const root = /Root=([^;]+)/.exec(headers.find(Boolean) ?? '')?.[1];
  const fresh = `1-${Math.floor(Date.now() / 1000).toString(16)}-${hex(12)}`;
  const trace = traceHeader(root ?? fresh, hex(8), key, headers.map(lineageOf));
  state.invoking += 1;
  metrics.maxConcurrentBatches = Math.max(metrics.maxConcurrentBatches, state.invoking);
  const { payload, error } = await options.invoke(JSON.stringify(sqsEvent(messages, queue.arn, options.region)), trace);
  state.invoking -= 1;
  const ids = new Set(messages.map(({ MessageId }) => MessageId ?? ''));
  const failed =
    error !== undefined ? 'all' : options.source.reportBatchItemFailures ? failedIds(payload, ids) : new Set<string>();
  if (failed === 'all' || failed.size === ids.size) metrics.batchesFailed += 1;
  else if (failed.size > 0) metrics.batchesPartlyFailed += 1;
  else metrics.batchesDone += 1;
  if (failed === 'all') return;
  await remove(
    state,
    messages.filter(({ MessageId }) => !failed.has(MessageId ?? '')),
  );
}

const receive = async (state: State, abortSignal: AbortSignal): Promise<readonly Message[]> => {
  const { source } = state.options;
  const command = new ReceiveMessageCommand({
    QueueUrl: source.queueUrl,
    MaxNumberOfMessages: source.batchSize,
    WaitTimeSeconds: waitSeconds,
    MessageSystemAttributeNames: ['All'],
    MessageAttributeNames: ['All'],
  });
  return (await state.client.send(command, { abortSignal })).Messages ?? [];
};

/** Polls until messages come, then hands them to a batch; a failing queue is asked again ever more slowly. */
async function poll(state: State, abortSignal: AbortSignal): Promise<readonly Message[]> {
  let pauseMs = firstReceivePauseMs;
  const stopped = (): boolean => abortSignal.aborted;
  while (!stopped()) {
    try {
      const messages = await receive(state, abortSignal);
      if (messages.length > 0) return messages;
      pauseMs = firstReceivePauseMs;
    } catch (error) {
      if (stopped()) return [];
      state.options.log(`cannot receive from ${state.options.source.queueUrl}: ${String(error)}`);
      await sleep(pauseMs, undefined, { signal: abortSignal }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, maxReceivePauseMs);
    }
  }
  return [];
}

/** Runs a piece of work as a member of the set, and looks for more to do when it has ended. */
function enter(state: State, set: Set<Promise<void>>, work: Promise<void>): void {
  const entry = work
    .catch((error: unknown) => state.options.log(`the batch comes back after its visibility timeout: ${String(error)}`))
    .then(() => {
      set.delete(entry);
      fill(state);
    });
  set.add(entry);
}

async function pollOnce(state: State, signal: AbortSignal): Promise<void> {
  const messages = await poll(state, signal);
  // Even after a pause: these records are locked already.
  if (messages.length > 0) enter(state, state.running, runBatch(state, messages));
}

/** Keeps a few idle pollers open, never so many that their batches could exceed the maximum. */
function fill(state: State): void {
  const { polling, running, polls, options } = state;
  const room = (): number =>
    Math.min(idlePollers - polls.size, options.source.maximumConcurrency - polls.size - running.size);
  while (polling !== undefined && room() > 0) enter(state, polls, pollOnce(state, polling.signal));
}

/** Starts a mapping. Rejects, as creating it on AWS would, when the queue does not fit the function. */
export async function startMapping(options: MappingOptions): Promise<Mapping> {
  const client = clientFor(options);
  const queue = await inspect(client, options).catch((error: unknown) => {
    client.destroy();
    throw error;
  });
  const batches = { batchesDone: 0, batchesPartlyFailed: 0, batchesFailed: 0, maxConcurrentBatches: 0 };
  const metrics: MappingMetrics = { ...batches, undeleted: 0, recursionStopped: 0 };
  const sets = { running: new Set<Promise<void>>(), polls: new Set<Promise<void>>() };
  const state: State = { options, client, queue, metrics, ...sets, invoking: 0, polling: undefined };
  const stop = async (): Promise<void> => {
    state.polling?.abort();
    state.polling = undefined;
    await Promise.all(state.polls);
  };
  const pause = async (): Promise<void> => {
    await stop();
    await Promise.all(state.running);
  };
  const resume = (): void => {
    state.polling ??= new AbortController();
    fill(state);
  };
  resume();
  return {
    metrics,
    pause,
    resume,
    stop,
    close: async () => {
      await pause();
      client.destroy();
    },
  };
}
