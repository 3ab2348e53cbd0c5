// CloudWatch Logs as far as somebody reads there: what the functions write, by log group, and FilterLogEvents over it.
// Promises pages and filter patterns as the real service has them, for the patterns that it knows; refuses any other.
// Keeps the newest events of each group, in memory. Nothing is written over the wire: the runner hands its lines in.
import { isRecord, needText, refuse, text, whole, type Action, type Input, type Output } from './wire.ts';

/** One line of a function. `atMs`: when it came, ms since the epoch. */
interface Event {
  readonly sequence: number;
  readonly atMs: number;
  readonly message: string;
}

interface Group {
  readonly events: Event[];
  next: number;
}

export interface Logs {
  readonly actions: Readonly<Record<string, Action>>;
  /** Makes the group, as a deployed function has one before its first line. */
  readonly create: (group: string) => void;
  /** Adds a line at its end; a group that is not there is made. */
  readonly write: (group: string, message: string) => void;
}

/** A group that has this many loses its oldest tenth. */
const MOST_EVENTS = 100_000;
/** One page looks at so many events, and so may be empty and have a token all the same, as in the real service. */
const SCANNED = 10_000;
const STREAM = 'local';

const wrong = (message: string): Error => refuse('InvalidParameterException', message);

// ---- filter patterns

type Test = (message: string) => boolean;

const CONDITION = String.raw`\$\.([\w.]+)\s*=\s*"([^"*\\|&]*)"`;
const OPERAND = String.raw`(?:\(\s*${CONDITION}\s*\)|${CONDITION})`;
const JSON_PATTERN = new RegExp(String.raw`^\{\s*${OPERAND}(?:\s*(?:\|\||&&)\s*${OPERAND})*\s*\}$`);
const TERMS_PATTERN = /^(?:"[^"]+"|\w+)(?:\s+(?:"[^"]+"|\w+))*$/;

const fieldOf = (message: string, path: string): unknown => {
  try {
    return path.split('.').reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), JSON.parse(message)); // prettier-ignore
  } catch {
    return undefined;
  }
};

/** `{ $.a = "x" }`, joined by && (which binds first) and ||: fields of a line that is JSON. */
const jsonTest = (pattern: string): Test => {
  const alternatives = pattern.split('||').map((part) => [...part.matchAll(new RegExp(CONDITION, 'g'))]);
  return (message) =>
    alternatives.some((conditions) => conditions.every(([, path = '', value]) => fieldOf(message, path) === value));
};

/** What a line must have. Terms must all stand in it, as they are spelled. @throws for a pattern that is not known here */
const readPattern = (given: string): Test => {
  const pattern = given.trim();
  if (pattern === '') return () => true;
  if (JSON_PATTERN.test(pattern)) return jsonTest(pattern);
  if (!TERMS_PATTERN.test(pattern))
    throw wrong(
      `Filter pattern ${pattern} is not known here; there are terms, "quoted terms" and { $.field = "text" }.`,
    );
  const terms = [...pattern.matchAll(/"([^"]+)"|(\w+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  return (message) => terms.every((term) => message.includes(term));
};

// ---- pages

const FIELDS = ['logGroupName', 'startTime', 'endTime', 'filterPattern', 'nextToken', 'limit'];

/** The sequence from which a page goes on. */
const readToken = (input: Input): number => {
  const token = text(input, 'nextToken');
  const from = token === undefined ? 0 : Number(Buffer.from(token, 'base64').toString() || 'none');
  if (Number.isInteger(from) && from >= 0) return from;
  throw wrong('The specified nextToken is invalid.');
};

const filterLogEvents = (groups: ReadonlyMap<string, Group>, input: Input): Output => {
  const unknown = Object.keys(input).filter((field) => !FIELDS.includes(field));
  if (unknown.length > 0) throw wrong(`${unknown.join(', ')} is not known here; there are ${FIELDS.join(', ')}.`);
  const group = groups.get(needText(input, 'logGroupName'));
  if (group === undefined) throw refuse('ResourceNotFoundException', 'The specified log group does not exist.');
  const fits = readPattern(text(input, 'filterPattern') ?? '');
  const from = readToken(input);
  const limit = whole(input, 'limit', 1, 10_000) ?? 10_000;
  const startMs = whole(input, 'startTime', 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const endMs = whole(input, 'endTime', 0, Number.MAX_SAFE_INTEGER) ?? Infinity;
  const first = group.events[0]?.sequence ?? group.next;
  const start = Math.max(0, from - first);
  const events: Output[] = [];
  let index = start;
  for (; index < group.events.length && index < start + SCANNED && events.length < limit; index += 1) {
    const { sequence, atMs, message } = group.events[index] as Event;
    if (atMs < startMs || atMs > endMs || !fits(message)) continue;
    const eventId = String(sequence).padStart(20, '0');
    events.push({ logStreamName: STREAM, timestamp: atMs, message, ingestionTime: atMs, eventId });
  }
  const isMore = index < group.events.length;
  const nextToken = isMore ? Buffer.from(String(first + index)).toString('base64') : undefined;
  return { events, searchedLogStreams: [], ...(isMore && { nextToken }) };
};

/** @param now the time of a line that comes in, ms */
export const localLogs = (now: () => number, mostEvents = MOST_EVENTS): Logs => {
  const groups = new Map<string, Group>();
  const groupOf = (name: string): Group => {
    const group = groups.get(name) ?? { events: [], next: 0 };
    groups.set(name, group);
    return group;
  };
  return {
    actions: { FilterLogEvents: (input) => filterLogEvents(groups, input) },
    create: groupOf,
    write: (name, message) => {
      const group = groupOf(name);
      group.events.push({ sequence: group.next, atMs: now(), message });
      group.next += 1;
      if (group.events.length > mostEvents) group.events.splice(0, Math.ceil(mostEvents / 10));
    },
  };
};
