// Message move tasks: from a dead-letter queue back to where the messages came from, or to another queue.
// Promises order within a group and that a moved message counts as new: new id, new deduplication id, no receives.
// Never moves a message that is in flight, and runs one task per source at a time.
import { randomUUID } from 'node:crypto';
import { durationMs, nextSequence, queueByArn, sourcesOf, type Account, type Queue } from './account.ts';
import { put, remove, type Entry } from './queue.ts';
import { settleQueue, wakeQueue } from './receive.ts';
import { invalid, isRecord, needText, refuse, text, whole, type Input, type Output } from './wire.ts';

const MOST_PER_STEP = 500;
const SHORTEST_STEP_MS = 20;
const MOST_REMEMBERED = 100;

interface Move {
  readonly handle: string;
  readonly source: Queue;
  readonly destination: Queue | undefined;
  readonly perSecond: number | undefined;
  readonly startedAtMs: number;
  readonly toMove: number;
  moved: number;
  status: 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED';
  failure: string | undefined;
}

const moveOne = (account: Account, move: Move, entry: Entry): Queue | undefined => {
  const target = move.destination ?? queueByArn(account, entry.source ?? '');
  if (target === undefined || account.queues.get(target.name) !== target) {
    move.failure = entry.source === undefined && move.destination === undefined ? 'CouldNotDetermineMessageSource' : 'AWS.SimpleQueueService.NonExistentQueue'; // prettier-ignore
    move.status = 'FAILED';
    return undefined;
  }
  const nowMs = account.now();
  const deduplicationId = target.fifo ? randomUUID() : undefined;
  const content = { ...entry.content, id: randomUUID(), deduplicationId };
  const sequence = target.fifo ? nextSequence(target) : undefined;
  remove(move.source.shelf, entry);
  put(target.shelf, { content, sentAtMs: nowMs, sequence, delayMs: durationMs(target, 'DelaySeconds') }, nowMs);
  move.moved += 1;
  return target;
};

const visibleEntries = (account: Account, queue: Queue, most: number): readonly Entry[] => {
  settleQueue(account, queue);
  const found: Entry[] = [];
  for (const lane of queue.shelf.ready)
    for (const entry of lane.entries) {
      if (found.length >= most) return found;
      if (entry.state !== 'visible') break;
      found.push(entry);
    }
  return found;
};

const step = (account: Account, move: Move, most: number): void => {
  const targets = new Set<Queue>();
  const entries = visibleEntries(account, move.source, Math.min(most, move.toMove - move.moved));
  for (const entry of entries) {
    const target = moveOne(account, move, entry);
    if (target === undefined) break;
    targets.add(target);
  }
  if (move.status === 'RUNNING' && (entries.length === 0 || move.moved >= move.toMove)) move.status = 'COMPLETED';
  targets.forEach((target) => wakeQueue(account, target));
};

const run = (account: Account, move: Move): void => {
  const { perSecond } = move;
  const stepMs = perSecond === undefined ? 0 : Math.max(SHORTEST_STEP_MS, Math.ceil(1000 / perSecond));
  const most = perSecond === undefined ? MOST_PER_STEP : Math.max(1, Math.floor((perSecond * stepMs) / 1000));
  const next = (): void => {
    if (move.status !== 'RUNNING') return;
    step(account, move, most);
    later();
  };
  // Unreferenced: a running task keeps no process alive.
  const later = (): void => {
    if (move.status === 'RUNNING') setTimeout(next, stepMs).unref();
  };
  later();
};

const readQueue = (account: Account, input: Input, field: string): Queue | undefined => {
  const arn = text(input, field);
  const queue = arn === undefined ? undefined : queueByArn(account, arn);
  if (arn !== undefined && queue === undefined)
    throw refuse('ResourceNotFoundException', `The resource that you specified for the ${field} parameter doesn't exist.`); // prettier-ignore
  return queue;
};

const readSource = (account: Account, input: Input): Queue => {
  const arn = needText(input, 'SourceArn');
  const source = readQueue(account, input, 'SourceArn');
  if (source === undefined) throw invalid('SourceArn', arn, 'It is not the ARN of a queue.');
  return source;
};

const start = (account: Account, moves: Move[], input: Input): Output => {
  const source = readSource(account, input);
  const destination = readQueue(account, input, 'DestinationArn');
  const perSecond = whole(input, 'MaxNumberOfMessagesPerSecond', 1, 500);
  if (destination === undefined && sourcesOf(account, source).length === 0)
    throw invalid(
      'SourceArn',
      source.arn,
      'Source queue must be configured as a Dead Letter Queue, or DestinationArn given.',
    );
  if (destination === source) throw invalid('DestinationArn', source.arn, 'It must not be the source itself.');
  if (destination !== undefined && destination.fifo !== source.fifo)
    throw invalid('DestinationArn', destination.arn, 'It must be of the same type as the source.');
  if (moves.some((move) => move.source === source && move.status === 'RUNNING'))
    throw refuse(
      'UnsupportedOperation',
      `There is already a task running for ${source.arn}; wait for it or cancel it.`,
    );
  settleQueue(account, source);
  const { entries, inFlight, delayed } = source.shelf;
  const handle = Buffer.from(JSON.stringify({ taskId: randomUUID(), sourceArn: source.arn })).toString('base64');
  const toMove = entries.size - inFlight - delayed;
  const rest = { perSecond, startedAtMs: account.now(), toMove, moved: 0, failure: undefined };
  const move: Move = { handle, source, destination, ...rest, status: 'RUNNING' };
  moves.unshift(move);
  moves.length = Math.min(moves.length, MOST_REMEMBERED);
  run(account, move);
  return { TaskHandle: handle };
};

const list = (account: Account, moves: readonly Move[], input: Input): Output => {
  const source = readSource(account, input);
  const most = whole(input, 'MaxResults', 1, 10) ?? 1;
  const shown = moves.filter((move) => move.source === source).slice(0, most);
  return {
    Results: shown.map((move) => ({
      ...(move.status === 'RUNNING' && { TaskHandle: move.handle }),
      Status: move.status,
      SourceArn: move.source.arn,
      DestinationArn: move.destination?.arn,
      MaxNumberOfMessagesPerSecond: move.perSecond,
      ApproximateNumberOfMessagesMoved: move.moved,
      ApproximateNumberOfMessagesToMove: move.toMove,
      FailureReason: move.failure,
      StartedTimestamp: move.startedAtMs,
    })),
  };
};

const isTaskHandle = (handle: string): boolean => {
  try {
    const named: unknown = JSON.parse(Buffer.from(handle, 'base64').toString());
    return isRecord(named) && typeof named['taskId'] === 'string';
  } catch {
    return false;
  }
};

const cancel = (moves: readonly Move[], input: Input): Output => {
  const handle = needText(input, 'TaskHandle');
  if (!isTaskHandle(handle)) throw refuse('InvalidParameterValue', 'Value for parameter TaskHandle is invalid.');
  const move = moves.find((known) => known.handle === handle);
  if (move === undefined) throw refuse('ResourceNotFoundException', 'Task does not exist.');
  if (move.status !== 'RUNNING') throw refuse('UnsupportedOperation', `Only a running task can be cancelled; it is ${move.status}.`); // prettier-ignore
  move.status = 'CANCELLED';
  return { ApproximateNumberOfMessagesMoved: move.moved };
};

/** The three actions on move tasks, with a memory of their own. */
export const moveActions = (account: Account): Readonly<Record<string, (input: Input) => Output>> => {
  const moves: Move[] = [];
  return {
    StartMessageMoveTask: (input) => start(account, moves, input),
    ListMessageMoveTasks: (input) => list(account, moves, input),
    CancelMessageMoveTask: (input) => cancel(moves, input),
  };
};
