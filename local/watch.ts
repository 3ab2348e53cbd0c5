// What happens to intents, as it happens: function log lines, reports and dead letters told as one stream of steps.
// Promises that the steps of one intent come in their order, and that every report and letter is told.
// Takes what it shows off the reports and dead queues: only for a stack whose queues nobody else reads.
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type Message } from '@aws-sdk/client-sqs';
import { movedBySqs } from '../shared/order/reason.ts';
import type { ExecutionReport } from '../shared/order/report.ts';
import type { LogLine } from './lambda/runner.ts';
import type { Stack } from './stack.ts';

/** A dead letter as it is told: its attributes, and whose it is. */
export interface Letter {
  readonly reason: string;
  readonly certainty: string;
  readonly detail: string;
  readonly venueCode?: string;
}

/** One step of one intent. `at`: when it was seen, ms. */
export type Step = { readonly id: string; readonly at: number } & (
  | { readonly kind: 'sent'; readonly group: string }
  | { readonly kind: 'taken'; readonly functionName: string; readonly isFirst: boolean }
  | {
      readonly kind: 'verdict';
      readonly verdict: string;
      /** What the intent asked for; empty where its message was not seen. */
      readonly action: string;
      readonly detail: string | undefined;
    }
  | { readonly kind: 'put-back'; readonly seconds: number | undefined }
  /** `wasLookedUp`: the answer to the request was lost, and a look-up settled it. */
  | { readonly kind: 'report'; readonly report: ExecutionReport; readonly wasLookedUp: boolean }
  | { readonly kind: 'letter'; readonly letter: Letter }
);
/** What belongs to no single intent: an error in the log, a crash. */
export interface Alarm {
  readonly kind: 'alarm';
  readonly functionName: string;
  readonly text: string;
}

export interface Watch {
  /** Takes the functions' log lines; give it to the stack as `onLog`. */
  readonly log: (line: LogLine) => void;
  /** Takes what the functions are given; give it to the stack as `onEvent`. The log does not say what was asked for. */
  readonly event: (functionName: string, event: string) => void;
  /** Reads reports and dead letters until closed. */
  readonly follow: (stack: Stack) => void;
  readonly close: () => Promise<void>;
}

/** How long a report may wait for the log line that tells who made it, ms. */
const LOG_LAG_MS = 500;
/** Remembered intents; older ones lose no more than the order of their lines. */
const REMEMBERED = 1000;

interface Known {
  verdict?: string;
  action?: string;
  /** Told already that a function has it? What is not is kept in `early` until it is. */
  isTaken: boolean;
  readonly early: Step[];
}

/** The memory of one watch. */
interface Memory {
  readonly tell: (what: Step | Alarm) => void;
  readonly intents: Map<string, Known>;
  /** SQS message id → intent id. */
  readonly ids: Map<string, string>;
  /** Invocations by their request id. */
  readonly starts: Map<string, { readonly at: number; readonly isFirst: boolean }>;
  readonly functions: Set<string>;
}

/** @param tell called with every step and alarm, in the order in which they are to be shown */
export function watch(tell: (what: Step | Alarm) => void): Watch {
  const memory: Memory = { tell, intents: new Map(), ids: new Map(), starts: new Map(), functions: new Set() };
  const reading = new AbortController();
  const readers: Promise<void>[] = [];
  return {
    log: (line) => takeLine(line, memory),
    event: (_, event) => takeEvent(event, memory),
    follow: (stack) => {
      const { reports, dead } = stack.ready.queues;
      for (const [queue, read] of [[reports, reportStep] as const, [dead, letterStep] as const]) {
        const take = (message: Message): void => tellAfterLog(read(message, memory), memory);
        const failed = (error: unknown): void =>
          tell({ kind: 'alarm', functionName: 'npm start', text: `stopped reading ${queue}: ${String(error)}` });
        readers.push(drain(stack, queue, reading.signal, take).catch(failed));
      }
    },
    close: async () => {
      reading.abort();
      await Promise.all(readers);
    },
  };
}

function takeLine({ functionName, requestId = '', text }: LogLine, memory: Memory): void {
  const { tell, functions, starts, ids } = memory;
  if (text.startsWith('START ')) {
    remember(starts, requestId, { at: Date.now(), isFirst: !functions.has(functionName) });
    functions.add(functionName);
    return;
  }
  if (/^(END|REPORT) /.test(text)) return;
  const line = readLine(text);
  if (line === undefined || line['level'] === 'error') {
    tell({ kind: 'alarm', functionName, text: plain(line, text) });
    return;
  }
  const { id, message, messageId } = line;
  if (typeof id !== 'string' || (message !== 'verdict' && message !== 'outcome')) return;
  if (typeof messageId === 'string') remember(ids, messageId, id);
  const intent = known(id, memory);
  if (!intent.isTaken) {
    const { at, isFirst } = starts.get(requestId) ?? { at: Date.now(), isFirst: false };
    tell({ kind: 'taken', id, at, functionName, isFirst });
  }
  const step = stepOf(line, id, intent);
  if (step?.kind === 'verdict') intent.verdict = step.verdict;
  if (step !== undefined) tell(step);
  flush(intent, tell);
  // After it was put back, the next delivery is told anew.
  if (step?.kind === 'put-back') intent.isTaken = false;
}

/** What each intent of a batch asks for. A body that is none has its own end to tell of it. */
function takeEvent(event: string, memory: Memory): void {
  const { Records = [] } = (readLine(event) ?? {}) as { Records?: readonly { readonly body: string }[] };
  for (const { body } of Records) {
    const { id, action } = readLine(body) ?? {};
    if (typeof id === 'string' && typeof action === 'string') known(id, memory).action = action;
  }
}

/** Reports and letters may overtake the log line of their own invocation: then they wait for it. */
function tellAfterLog(step: Step, memory: Memory): void {
  const intent = known(step.id, memory);
  if (intent.isTaken) {
    memory.tell(step);
    return;
  }
  intent.early.push(step);
  setTimeout(() => flush(intent, memory.tell), LOG_LAG_MS).unref();
}

function flush(intent: Known, tell: Memory['tell']): void {
  intent.isTaken = true;
  for (const step of intent.early.splice(0)) tell(step);
}

function known(id: string, { intents }: Memory): Known {
  const found = intents.get(id) ?? { isTaken: false, early: [] };
  remember(intents, id, found);
  return found;
}

function reportStep({ Body = '' }: Message, { intents }: Memory): Step {
  const report = JSON.parse(Body) as ExecutionReport;
  const { id, status } = report;
  const isLost = ['unknown', 'duplicate'].includes(intents.get(id)?.verdict ?? '');
  return { kind: 'report', id, at: Date.now(), report, wasLookedUp: isLost && status === 'accepted' };
}

function letterStep({ MessageAttributes, MessageId = '' }: Message, { ids }: Memory): Step {
  const of = (name: string): string | undefined => MessageAttributes?.[name]?.StringValue;
  const source = of('sourceMessageId') ?? MessageId;
  const venueCode = of('venueCode');
  const letter = {
    reason: of('reason') ?? movedBySqs.reason,
    certainty: of('certainty') ?? movedBySqs.certainty,
    detail: of('detail') ?? 'SQS moved the message: it was received too often without an end',
    ...(venueCode === undefined ? {} : { venueCode }),
  };
  return { kind: 'letter', id: ids.get(source) ?? of('intentId') ?? source, at: Date.now(), letter };
}

/** What a log line of the execution tells of its intent beyond having it. */
function stepOf(line: Readonly<Record<string, unknown>>, id: string, { action = '' }: Known): Step | undefined {
  const at = Date.now();
  if (line['message'] === 'verdict') {
    const detail = typeof line['detail'] === 'string' ? line['detail'] : undefined;
    return { kind: 'verdict', id, at, verdict: String(line['verdict']), action, detail };
  }
  if (line['disposition'] !== 'postpone' && line['disposition'] !== 'keep') return undefined;
  return { kind: 'put-back', id, at, seconds: typeof line['seconds'] === 'number' ? line['seconds'] : undefined };
}

function readLine(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function plain(line: Readonly<Record<string, unknown>> | undefined, text: string): string {
  if (line === undefined) return text;
  const said = ['message', 'account', 'queue', 'detail', 'error'].map((name) => line[name]);
  return said.filter((part) => typeof part === 'string' && part !== '').join(', ');
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > REMEMBERED && oldest !== undefined) map.delete(oldest);
}

async function drain(
  { sqs }: Stack,
  QueueUrl: string,
  signal: AbortSignal,
  take: (message: Message) => void,
): Promise<void> {
  const All = ['All'];
  while (!signal.aborted) {
    try {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          ...{ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20, MessageAttributeNames: All },
        }),
        { abortSignal: signal },
      );
      if (Messages.length === 0) continue;
      for (const message of Messages) take(message);
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    } catch (error) {
      if (!isAborted(signal)) throw error;
    }
  }
}

/** The compiler does not know that a signal can change while one waits. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
