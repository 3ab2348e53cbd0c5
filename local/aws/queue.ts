// The queue engine: lanes of messages, what is visible, what is in flight, who waits. Standard and FIFO are one engine:
// a FIFO lane is a message group, a standard lane is a single message, and a lane with a message in flight gives nothing.
// Promises order within a lane and one delivery per visibility period; never reads a clock or the wire by itself.
import { createHmac, randomBytes } from 'node:crypto';
import type { Content } from './message.ts';

/** A message in its place in one queue. */
export interface Entry {
  readonly content: Content;
  readonly sentAtMs: number;
  readonly sequence: string | undefined;
  /** ARN of the queue it was redriven from. */
  readonly source: string | undefined;
  readonly lane: Lane;
  state: 'visible' | 'delayed' | 'in-flight' | 'gone';
  visibleAtMs: number;
  receives: number;
  firstReceivedAtMs: number | undefined;
  deliveredAtMs: number;
}

interface Lane {
  readonly key: string;
  readonly entries: Set<Entry>;
  inFlight: number;
}

interface Hidden {
  readonly atMs: number;
  readonly entry: Entry;
}

/** The moving parts of a queue. Its attributes belong to sqs.ts. */
export interface Shelf {
  readonly fifo: boolean;
  /** Tells the receipt handles of this queue from those of an earlier one of the same name. */
  readonly nonce: string;
  readonly entries: Map<string, Entry>;
  readonly lanes: Map<string, Lane>;
  readonly ready: Set<Lane>;
  readonly hidden: Hidden[];
  readonly waiters: Set<() => boolean>;
  inFlight: number;
  delayed: number;
  sweptAtMs: number;
  timer: NodeJS.Timeout | undefined;
}

export const createShelf = (fifo: boolean): Shelf => ({
  fifo,
  nonce: randomBytes(6).toString('hex'),
  entries: new Map(),
  lanes: new Map(),
  ready: new Set(),
  hidden: [],
  waiters: new Set(),
  inFlight: 0,
  delayed: 0,
  sweptAtMs: 0,
  timer: undefined,
});

// A binary heap over the moments at which something becomes visible. Outdated ones are skipped when they come up.
const pushHidden = (heap: Hidden[], item: Hidden): void => {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || parent.atMs <= item.atMs) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = item;
};

const popHidden = (heap: Hidden[]): void => {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const child = right !== undefined && left !== undefined && right.atMs < left.atMs ? 2 * at + 2 : 2 * at + 1;
    const smaller = heap[child];
    if (smaller === undefined || smaller.atMs >= last.atMs) break;
    heap[at] = smaller;
    at = child;
  }
  heap[at] = last;
};

const isOutdated = ({ atMs, entry }: Hidden): boolean =>
  entry.visibleAtMs !== atMs || (entry.state !== 'delayed' && entry.state !== 'in-flight');

const nextVisibleAtMs = (shelf: Shelf): number | undefined => {
  for (;;) {
    const top = shelf.hidden[0];
    if (top === undefined || !isOutdated(top)) return top?.atMs;
    popHidden(shelf.hidden);
  }
};

/** A lane is ready when nothing of it is in flight and its head is visible; that is the FIFO group lock. */
const refresh = (shelf: Shelf, lane: Lane): void => {
  const [head] = lane.entries;
  // An emptied lane may have a successor of the same name by now, which must stay.
  if (head === undefined && shelf.lanes.get(lane.key) === lane) shelf.lanes.delete(lane.key);
  if (head?.state === 'visible' && lane.inFlight === 0) shelf.ready.add(lane);
  else shelf.ready.delete(lane);
};

const enter = (shelf: Shelf, entry: Entry, state: Entry['state']): void => {
  const count = (of: Entry['state'], by: 1 | -1): void => {
    if (of === 'delayed') shelf.delayed += by;
    if (of !== 'in-flight') return;
    shelf.inFlight += by;
    entry.lane.inFlight += by;
  };
  count(entry.state, -1);
  count(state, 1);
  entry.state = state;
};

const hide = (shelf: Shelf, entry: Entry, state: 'delayed' | 'in-flight', untilMs: number): void => {
  enter(shelf, entry, state);
  entry.visibleAtMs = untilMs;
  pushHidden(shelf.hidden, { atMs: untilMs, entry });
};

export interface Arrival {
  readonly content: Content;
  readonly sentAtMs: number;
  readonly sequence?: string | undefined;
  readonly source?: string | undefined;
  readonly delayMs?: number;
  readonly receives?: number;
  readonly firstReceivedAtMs?: number | undefined;
}

/** Puts a message at the end of its lane. The caller wakes the waiters. */
export const put = (shelf: Shelf, arrival: Arrival, nowMs: number): Entry => {
  const { content, sentAtMs, sequence, source, delayMs = 0, receives = 0, firstReceivedAtMs } = arrival;
  const key = shelf.fifo ? (content.groupId ?? '') : content.id;
  const lane = shelf.lanes.get(key) ?? { key, entries: new Set<Entry>(), inFlight: 0 };
  shelf.lanes.set(key, lane);
  const place = { content, sentAtMs, sequence, source, lane, receives, firstReceivedAtMs };
  const entry: Entry = { ...place, state: 'visible', visibleAtMs: nowMs, deliveredAtMs: 0 };
  lane.entries.add(entry);
  shelf.entries.set(content.id, entry);
  if (delayMs > 0) hide(shelf, entry, 'delayed', nowMs + delayMs);
  refresh(shelf, lane);
  return entry;
};

/** Takes a message out for good. */
export const remove = (shelf: Shelf, entry: Entry): void => {
  enter(shelf, entry, 'gone');
  shelf.entries.delete(entry.content.id);
  entry.lane.entries.delete(entry);
  refresh(shelf, entry.lane);
};

/** Lets everything become visible whose time has come, and drops what is older than the retention. */
export const settle = (shelf: Shelf, nowMs: number, retentionMs: number): void => {
  for (let atMs = nextVisibleAtMs(shelf); atMs !== undefined && atMs <= nowMs; atMs = nextVisibleAtMs(shelf)) {
    const entry = shelf.hidden[0]?.entry;
    popHidden(shelf.hidden);
    if (entry === undefined) continue;
    enter(shelf, entry, 'visible');
    refresh(shelf, entry.lane);
  }
  // Redriven messages keep their age, so the order of arrival is not the order of expiry: look at all, once a second.
  if (nowMs - shelf.sweptAtMs < 1000) return;
  shelf.sweptAtMs = nowMs;
  for (const entry of shelf.entries.values()) if (entry.sentAtMs + retentionMs <= nowMs) remove(shelf, entry);
};

export interface Take {
  readonly most: number;
  readonly visibilityMs: number;
  readonly nowMs: number;
  /** True when the message was moved away instead (received too often). */
  readonly bury: (entry: Entry) => boolean;
}

/** Delivers up to `most` visible messages: as many of one ready lane as there are, in order, then the next lane. */
export const take = (shelf: Shelf, { most, visibilityMs, nowMs, bury }: Take): Entry[] => {
  const taken: Entry[] = [];
  for (const lane of shelf.ready) {
    for (const entry of lane.entries) {
      if (taken.length >= most || entry.state !== 'visible') break;
      if (bury(entry)) continue;
      entry.receives += 1;
      entry.firstReceivedAtMs ??= nowMs;
      entry.deliveredAtMs = nowMs;
      entry.visibleAtMs = nowMs;
      if (visibilityMs > 0) hide(shelf, entry, 'in-flight', nowMs + visibilityMs);
      taken.push(entry);
    }
    refresh(shelf, lane);
    if (taken.length >= most) break;
  }
  return taken;
};

/** Sets when a message in flight becomes visible again; at or before `nowMs` it is visible at once, in its old place. */
export const showAt = (shelf: Shelf, entry: Entry, atMs: number, nowMs: number): void => {
  if (atMs > nowMs) hide(shelf, entry, 'in-flight', atMs);
  else {
    enter(shelf, entry, 'visible');
    entry.visibleAtMs = nowMs;
  }
  refresh(shelf, entry.lane);
};

/** Offers what is ready to those who wait, first come first served, and sets the alarm for the next visibility. */
export const wake = (shelf: Shelf, now: () => number, retentionMs: () => number): void => {
  settle(shelf, now(), retentionMs());
  for (const waiter of shelf.waiters) {
    if (shelf.ready.size === 0) break;
    if (waiter()) shelf.waiters.delete(waiter);
  }
  clearTimeout(shelf.timer);
  const atMs = shelf.waiters.size === 0 ? undefined : nextVisibleAtMs(shelf);
  if (atMs === undefined) return;
  shelf.timer = setTimeout(() => wake(shelf, now, retentionMs), Math.max(1, atMs - now()));
};

// As text: of bytes, Node 24 asks whether they are a key object, which takes four times as long as the signature.
const HANDLE_KEY = randomBytes(32).toString('hex');
const sign = (words: string): string => createHmac('sha256', HANDLE_KEY).update(words).digest('base64url').slice(0, 24);

/** Names one delivery of one message. Signed, so that an invented one is told from an outdated one. */
export const receiptHandle = (shelf: Shelf, entry: Entry): string => {
  const words = `${shelf.nonce}.${entry.content.id}.${entry.receives}`;
  return `AQEB${Buffer.from(`${words}.${sign(words)}`).toString('base64')}`;
};

/** The message and the delivery that a handle names, or undefined when this queue never gave it out. */
export const readHandle = (
  shelf: Shelf,
  handle: string,
): { readonly id: string; readonly delivery: number } | undefined => {
  const [nonce, id, delivery, mark] = Buffer.from(handle.slice(4), 'base64').toString().split('.');
  const genuine = nonce === shelf.nonce && mark === sign(`${nonce}.${id ?? ''}.${delivery ?? ''}`);
  return genuine && handle.startsWith('AQEB') && id !== undefined ? { id, delivery: Number(delivery) } : undefined;
};
