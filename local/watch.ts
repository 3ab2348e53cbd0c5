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
  | { readonly kind: 'verdict'; readonly verdict: string; readonly detail: string | undefined }
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
  /** Told already that a function has it? What is not is kept in `early` until it is. */
  isTaken: boolean;
  readonly early: Step[];
}

/** @param tell called with every step and alarm, in the order in which they are to be shown */
export function watch(tell: (what: Step | Alarm) => void): Watch {
  const intents = new Map<string, Known>();
  const ids = new Map<string, string>();
  const starts = new Map<string, { readonly at: number; readonly isFirst: boolean }>();
  const seenFunctions = new Set<string>();
  const reading = new AbortController();
  const readers: Promise<void>[] = [];
  const known = (id: string): Known => {
    const found = intents.get(id) ?? { isTaken: false, early: [] };
    remember(intents, id, found);
    return found;
  };
  const flush = (entry: Known): void => {
    entry.isTaken = true;
    for (const step of entry.early.splice(0)) tell(step);
  };
  /** Reports and letters may overtake the log line of their own invocation. */
  const tellAfterLog = (step: Step): void => {
    const entry = known(step.id);
    if (entry.isTaken) return tell(step);
    entry.early.push(step);
    setTimeout(() => flush(entry), LOG_LAG_MS).unref();
  };
  const log = ({ functionName, requestId = '', text }: LogLine): void => {
    if (text.startsWith('START ')) {
      const isFirst = !seenFunctions.has(functionName);
      seenFunctions.add(functionName);
      return remember(starts, requestId, { at: Date.now(), isFirst });
    }
    if (/^(END|REPORT) /.test(text)) return;
    const line = readLine(text);
    if (line === undefined || line['level'] === 'error')
      return tell({ kind: 'alarm', functionName, text: plain(line, text) });
    const { id, message, messageId } = line;
    if (typeof id !== 'string' || (message !== 'verdict' && message !== 'outcome')) return;
    if (typeof messageId === 'string') remember(ids, messageId, id);
    const entry = known(id);
    const start = starts.get(requestId);
    if (!entry.isTaken) {
      tell({ kind: 'taken', id, at: start?.at ?? Date.now(), functionName, isFirst: start?.isFirst === true });
    }
    const step = stepOf(line, id);
    if (step?.kind === 'verdict') entry.verdict = step.verdict;
    if (step !== undefined) tell(step);
    flush(entry);
    // After it was put back, the next delivery is told anew.
    if (step?.kind === 'put-back') entry.isTaken = false;
  };
  const report = (message: Message): void => {
    const told = JSON.parse(message.Body ?? '') as ExecutionReport;
    const lost = ['unknown', 'duplicate'].includes(intents.get(told.id)?.verdict ?? '');
    const wasLookedUp = lost && told.status === 'accepted';
    tellAfterLog({ kind: 'report', id: told.id, at: Date.now(), report: told, wasLookedUp });
  };
  const letter = (message: Message): void => {
    const of = (name: string): string | undefined => message.MessageAttributes?.[name]?.StringValue;
    const source = of('sourceMessageId') ?? '';
    const id = ids.get(source) ?? of('intentId') ?? (source === '' ? (message.MessageId ?? '') : source);
    const venueCode = of('venueCode');
    tellAfterLog({
      ...{ kind: 'letter', id, at: Date.now() },
      letter: {
        reason: of('reason') ?? movedBySqs.reason,
        certainty: of('certainty') ?? movedBySqs.certainty,
        detail: of('detail') ?? 'SQS moved the message: it was received too often without an end',
        ...(venueCode === undefined ? {} : { venueCode }),
      },
    });
  };
  return {
    log,
    follow: (stack) => {
      const { reports, dead } = stack.ready.queues;
      for (const [queue, take] of [
        [reports, report],
        [dead, letter],
      ] as const) {
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

/** What a log line of the execution tells of its intent beyond having it. */
function stepOf(line: Readonly<Record<string, unknown>>, id: string): Step | undefined {
  const at = Date.now();
  if (line['message'] === 'verdict') {
    const detail = typeof line['detail'] === 'string' ? line['detail'] : undefined;
    return { kind: 'verdict', id, at, verdict: String(line['verdict']), detail };
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
      if (!signal.aborted) throw error;
    }
  }
}
