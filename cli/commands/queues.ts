// What waits on the queues: how many intents and for how long, and the reports of what became of them.
// Intents are counted and never received: a look at one would hold up its whole account. Reports belong to other
// consumers: they are looked at and left, unless --take says otherwise.
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type Message,
} from '@aws-sdk/client-sqs';
import type { Command } from 'commander';
import type { ExecutionReport } from '../../shared/order/report.ts';
import { queueUrl, unreachable } from '../connection.ts';
import { oldestAge } from '../metrics.ts';
import { giveBack, peekReports, reportOf } from '../peek.ts';
import { onStack, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT, type ExitCode } from '../terminal.ts';
import { age, plain, reportWords } from '../words.ts';

/** Numbers of a queue, about: SQS counts its parts now and then. */
export interface Depth {
  readonly queue: string;
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** Of all queues, those included where lies what failed. @throws Refusal where SQS cannot be asked */
export async function depths({ stack }: Desk): Promise<readonly Depth[]> {
  const failed = ['pending-dead', 'trigger-dead', 'probe-dead'].map(
    async (name) => [name, await queueUrl(stack, name)] as const,
  );
  const all: readonly (readonly [string, string])[] = [...Object.entries(stack.queues), ...(await Promise.all(failed))];
  return Promise.all(all.map(([queue, url]) => depthOf(stack, queue, url)));
}

/** @param queue its name, for people @throws Refusal where SQS cannot be asked */
export async function depthOf({ sqs }: Pick<Desk['stack'], 'sqs'>, queue: string, QueueUrl: string): Promise<Depth> {
  const ask = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...COUNTS] });
  const { Attributes = {} } = await sqs.send(ask).catch((error: unknown) => {
    throw unreachable(error, `queue ${queue}`);
  });
  const [waiting = 0, inFlight = 0, delayed = 0] = COUNTS.map((name) => Number(Attributes[name] ?? 0));
  return { queue, waiting, inFlight, delayed };
}

const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

// ---- intents

async function intents(desk: Desk): Promise<void> {
  const { service, queues } = desk.stack;
  const depth = await depthOf(desk.stack, 'intents', queues.intents);
  const { waiting, inFlight, delayed } = depth;
  const isEmpty = waiting + inFlight + delayed === 0;
  const oldest = isEmpty ? undefined : await oldestAge(desk, `${service}-intents.fifo`);
  desk.result({ ...depth, ...(oldest === undefined ? {} : { oldest }) });
  const shown = oldest === undefined ? 'none' : oldest.kind === 'age' ? age(oldest.seconds * 1000) : 'unknown';
  desk.table(['waiting', 'in flight', 'delayed', 'oldest'], [[waiting, inFlight, delayed, shown]], '');
  if (oldest?.kind === 'unknown') desk.say(`The age of the oldest is not known: ${oldest.why}.`);
  if (oldest?.kind === 'age') desk.say(`The oldest had waited so long at ${oldest.at}, the newest minute that CloudWatch has. An intent expires by its own expiresAt, within ten minutes.`); // prettier-ignore
}

// ---- reports

interface ReportOptions extends GlobalOptions {
  readonly follow?: boolean;
  readonly take?: boolean;
  readonly account?: string;
  readonly id?: string;
}

const HEADS = ['at', 'account', 'id', 'action', 'symbol', 'what became of it'];
/** Between two looks of --follow everything is back on the queue, so that its consumers get their turn. */
const PAUSE_MS = 1000;

async function reports(desk: Desk, { follow = false, take = false, account, id }: ReportOptions): Promise<ExitCode> {
  if (take) await desk.confirm('Take these reports off the queue? No consumer of it will get them.');
  const isWanted = (report: ExecutionReport): boolean =>
    (account === undefined || report.account === account) && (id === undefined || report.id === id);
  const told = new Set<string>();
  const shown: ExecutionReport[] = [];
  const tell = (report: ExecutionReport): void => {
    const key = JSON.stringify([report.account, report.id, report.status, report.filledSize]);
    if (!isWanted(report) || told.has(key)) return;
    told.add(key);
    shown.push(report);
    // What is taken is shown before it is deleted, one by one.
    if (follow || take) desk.event(report);
    if ((follow || take) && !desk.isJson) desk.say(rowOf(report).filter(Boolean).join('  '));
  };
  const look = (signal: AbortSignal): Promise<boolean> =>
    take ? takeReports(desk, isWanted, tell, signal) : peekAll(desk, tell, signal);
  if (follow) {
    desk.say(`Reports of ${desk.stack.name} as they come; Ctrl-C ends it.`);
    await untilInterrupted(look);
    return EXIT.done;
  }
  const gone = new AbortController();
  process.stdout.once('error', () => gone.abort());
  const isComplete = await look(gone.signal);
  if (take) {
    desk.say(`${shown.length} taken${isComplete ? '' : '; some could not be deleted and are still on the queue'}.`);
    return isComplete ? EXIT.done : EXIT.trouble;
  }
  desk.result({ reports: shown, isComplete });
  desk.table(HEADS, shown.map(rowOf), 'There are no such reports on the queue.');
  if (!isComplete) desk.say('There are more than could be seen: others have them in hand.');
  return EXIT.done;
}

function rowOf(report: ExecutionReport): readonly string[] {
  const { at, account, id, action, symbol = '' } = report;
  return [...[at, account, id, action, symbol].map(plain), reportWords(report)];
}

async function peekAll(desk: Desk, tell: (report: ExecutionReport) => void, signal: AbortSignal): Promise<boolean> {
  const until = (report: ExecutionReport): boolean => {
    tell(report);
    return false;
  };
  return (await peekReports(desk, { until, signal })).isComplete;
}

/** Looks again and again until Ctrl-C, or the end of who reads it. */
async function untilInterrupted(look: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  process.stdout.once('error', end);
  while (!stop.signal.aborted) {
    await look(stop.signal);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PAUSE_MS);
      stop.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/**
 * Tells each wanted report, then deletes it; what is not wanted is given back, and what nobody reads any more is, too. A
 * report whose delete fails comes again.
 * @returns whether all that were told are deleted @throws Refusal where SQS cannot be asked
 */
async function takeReports(
  { stack: { sqs, queues } }: Desk,
  isWanted: (report: ExecutionReport) => boolean,
  tell: (report: ExecutionReport) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const QueueUrl = queues.reports;
  const left = new Map<string, string>();
  let isAllDeleted = true;
  try {
    for (;;) {
      const ask = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 };
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(ask));
      const isNew = Messages.some(({ MessageId = '' }) => !left.has(MessageId));
      const isOver = signal.aborted;
      const taken: Message[] = [];
      for (const message of Messages) {
        const report = reportOf(message);
        if (!isOver && report !== undefined && isWanted(report)) {
          tell(report);
          taken.push(message);
        } else left.set(message.MessageId ?? '', message.ReceiptHandle ?? '');
      }
      const Entries = taken.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      if (!isNew || isOver) return isAllDeleted;
      if (Entries.length === 0) continue;
      // That the reader has gone shows a moment after the words were written.
      await new Promise(setImmediate);
      if (isAborted(signal)) {
        for (const { MessageId = '', ReceiptHandle = '' } of taken) left.set(MessageId, ReceiptHandle);
        return false;
      }
      const { Failed = [] } = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      if (Failed.length > 0) isAllDeleted = false;
    }
  } catch (error) {
    throw unreachable(error, 'queue reports');
  } finally {
    await giveBack(sqs, QueueUrl, [...left.values()]);
  }
}

/** The compiler does not know that a signal can change while one waits. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

// ---- the commands

export function queueCommands(program: Command): void {
  program
    .command('intents')
    .description('how many intents wait, how many are being worked on, and how long the oldest has waited')
    .addHelpText(
      'after',
      `
Intents are counted, never received: a look at one would hold up its account. The age is what CloudWatch says, by the
minute. What became of one intent: desk trace ID.

  $ npx desk intents --local`,
    )
    .action(onStack((desk) => intents(desk)));
  program
    .command('reports')
    .description('what became of the intents: looks at the reports and leaves them on the queue')
    .option('--follow', 'goes on until Ctrl-C, a line for each new report')
    .option('--account <name>', 'only of this account')
    .option('--id <id>', 'only of this intent')
    .option('--take', 'deletes what it shows, so that nobody else gets it; asks first')
    .addHelpText(
      'after',
      `
Reports are for your own programs. While they are looked at they are hidden from those for some seconds, and what those
have read is not here any more. A report that was delivered twice is told once.

  $ npx desk reports --local --account main
  $ npx desk reports --local --follow --json`,
    )
    .action(onStack((desk, options: ReportOptions) => reports(desk, options)));
}
