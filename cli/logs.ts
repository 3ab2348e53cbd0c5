// What the functions have logged, read from CloudWatch Logs: their lines of JSON that carry given fields.
// Promises the lines in their order and says whether they are all. Asks for nothing but these fields, and writes nothing.
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { unreachable, type Connection } from './connection.ts';

/** One line. `fields` holds all of it but its time and message, and which invocation it is of. */
export interface LogLine {
  readonly functionName: string;
  /** UTC. */
  readonly at: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** `missing`: there is no log group of this name; the function may not be deployed. */
export type LogLines =
  | { readonly kind: 'lines'; readonly lines: readonly LogLine[]; readonly isComplete: boolean }
  | { readonly kind: 'missing' };

export interface Range {
  /** ms, both ends included; without an end up to now. */
  readonly from: number;
  readonly to?: number;
}

/** What is looked for: lines with all fields of one of these. Values are letters, digits, hyphens and underscores. */
export type Sought = readonly Readonly<Record<string, string>>[];

/** A page may be empty, so they are counted and not only the lines. */
const MOST_PAGES = 500;
const MOST_LINES = 5000;

/** @throws Refusal where CloudWatch Logs cannot be asked */
export async function readLogs(
  { logs, service }: Pick<Connection, 'logs' | 'service'>,
  functionName: string,
  sought: Sought,
  { from, to }: Range,
): Promise<LogLines> {
  const logGroupName = `/aws/lambda/${service}-${functionName}`;
  const common = { logGroupName, filterPattern: patternOf(sought), startTime: Math.floor(from), ...(to === undefined ? {} : { endTime: Math.ceil(to) }) }; // prettier-ignore
  const lines: LogLine[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < MOST_PAGES && lines.length < MOST_LINES; page += 1) {
    const ask = new FilterLogEventsCommand({ ...common, ...(nextToken === undefined ? {} : { nextToken }) });
    try {
      const answer = await logs.send(ask);
      for (const { message = '', timestamp = 0 } of answer.events ?? []) {
        const line = readLine(functionName, message, timestamp);
        if (line !== undefined) lines.push(line);
      }
      nextToken = answer.nextToken;
    } catch (error) {
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return { kind: 'missing' };
      throw unreachable(error, `log group ${logGroupName}`);
    }
    if (nextToken === undefined) return { kind: 'lines', lines: inOrder(lines), isComplete: true };
  }
  return { kind: 'lines', lines: inOrder(lines), isComplete: false };
}

/** Lines of several environments come side by side. */
function inOrder(lines: readonly LogLine[]): readonly LogLine[] {
  return [...lines].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function patternOf(sought: Sought): string {
  const ways = sought.map((fields) => {
    const all = Object.entries(fields).map(([name, value]) => {
      if (!/^[\w-]+$/.test(value)) throw new RangeError(`${value} cannot be looked for in logs`);
      return `($.${name} = "${value}")`;
    });
    return all.join(' && ');
  });
  return `{ ${ways.join(' || ')} }`;
}

/** Which invocation a line is of: for whoever reads the log itself. */
const OF_INVOCATION = ['service', 'stage', 'requestId', 'coldStart'];

function readLine(functionName: string, text: string, timestamp: number): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { time, message, ...all } = value as Record<string, unknown>;
    const fields = Object.fromEntries(Object.entries(all).filter(([name]) => !OF_INVOCATION.includes(name)));
    const isTimed = typeof time === 'string' && !Number.isNaN(Date.parse(time));
    const at = isTimed ? new Date(time).toISOString() : new Date(timestamp).toISOString();
    return { functionName, at, message: typeof message === 'string' ? message : '', fields };
  } catch {
    return undefined;
  }
}
