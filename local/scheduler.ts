// EventBridge Scheduler on localhost: fires the enabled schedules of the template at their times, with the values of the
// scheduler's own in their Input. Knows rate, at, and cron with numbers; anything else is refused with a sentence.
// Keeps nothing: what was due while it was not up is not made up for.
import { randomBytes } from 'node:crypto';

/** AWS::Scheduler::Schedule, as far as it is used. */
export interface ScheduleTemplate {
  readonly name: string;
  readonly expression: string;
  readonly isEnabled: boolean;
  /** Text that holds the scheduler's keywords. */
  readonly input: string;
  /** The function's name. */
  readonly target: string;
}

/** ms of the first firing after `after`; undefined where there is none. */
type Times = (after: number) => number | undefined;

const UNITS_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** Nothing that a schedule of minutes, hours, days and months asks for is further away. */
const FAR_MINUTES = 4 * 366 * 1440;

/**
 * When an expression fires.
 * @param since when the schedule was made, ms: a rate counts from there
 * @throws RangeError for an expression that is not known here
 */
export function timesOf(expression: string, since: number): Times {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate !== null) {
    const everyMs = Number(rate[1]) * (UNITS_MS[rate[2] ?? ''] ?? Number.NaN);
    return (after) => since + (Math.floor(Math.max(0, after - since) / everyMs) + 1) * everyMs;
  }
  const at = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/.exec(expression);
  if (at !== null) {
    const time = Date.parse(`${at[1] ?? ''}Z`);
    return (after) => (time > after ? time : undefined);
  }
  const cron = /^cron\(([^)]*)\)$/.exec(expression)?.[1]?.split(' ');
  if (cron?.length === 6) return cronTimes(cron, expression);
  throw unknownExpression(expression);
}

function unknownExpression(expression: string): RangeError {
  return new RangeError(
    `the local scheduler does not know ${expression}: it knows rate(N minutes|hours|days), at(YYYY-MM-DDTHH:MM:SS), and cron(...) with numbers, *, ?, lists, ranges and steps; fire the strategy with desk instead`,
  );
}

/** Which numbers a field of cron allows. */
function fieldOf(text: string, least: number, most: number): ((value: number) => boolean) | undefined {
  if (text === '*' || text === '?') return () => true;
  const parts = text.split(',').map((part) => /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(part));
  if (parts.some((part) => part === null)) return undefined;
  const ranges = parts.map((part) => {
    const [, from = '*', to, step] = part ?? [];
    const start = from === '*' ? least : Number(from);
    const end = to !== undefined ? Number(to) : from === '*' || step !== undefined ? most : start;
    return { start, end, step: Number(step ?? 1) };
  });
  return (value) =>
    ranges.some(({ start, end, step }) => value >= start && value <= end && (value - start) % step === 0);
}

/** Minutes, hours, day of month, month, day of week (1 is Sunday), year; UTC. */
function cronTimes(fields: readonly string[], expression: string): Times {
  const bounds = [[0, 59], [0, 23], [1, 31], [1, 12], [1, 7], [1970, 2199]] as const; // prettier-ignore
  const checks = bounds.map(([least, most], index) => fieldOf(fields[index] ?? '', least, most));
  if (checks.some((check) => check === undefined)) throw unknownExpression(expression);
  return (after) => {
    let time = Math.floor(after / 60_000) * 60_000;
    for (let tried = 0; tried < FAR_MINUTES; tried += 1) {
      time += 60_000;
      const date = new Date(time);
      const values = [
        ...[date.getUTCMinutes(), date.getUTCHours(), date.getUTCDate(), date.getUTCMonth() + 1],
        ...[date.getUTCDay() + 1, date.getUTCFullYear()],
      ];
      if (checks.every((check, index) => check?.(values[index] ?? Number.NaN))) return time;
    }
    return undefined;
  };
}

/**
 * The event of one firing: the Input with the scheduler's keywords replaced.
 * @param scheduledAt ms; told in whole seconds, as "2022-03-22T18:59:43Z"
 */
export function eventOf({ name, input }: Pick<ScheduleTemplate, 'name' | 'input'>, scheduledAt: number): string {
  const values: Readonly<Record<string, string>> = {
    'schedule-arn': `arn:aws:scheduler:ap-northeast-1:000000000000:schedule/default/${name}`,
    'scheduled-time': new Date(scheduledAt).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    'execution-id': randomBytes(8).toString('hex'),
    'attempt-number': '1',
  };
  return input.replace(/<aws\.scheduler\.([a-z-]+)>/g, (keyword, key: string) => values[key] ?? keyword);
}

/** Longest time that a timer can be set to, ms. */
const LONGEST_TIMER_MS = 2_000_000_000;

/**
 * Fires every enabled schedule at its times.
 * @param deliver gets the target and the event, parsed
 * @returns what ends it
 * @throws RangeError for an expression that is not known here
 */
export function startScheduler(
  schedules: readonly ScheduleTemplate[],
  deliver: (target: string, event: unknown) => void,
): () => void {
  const timers = new Map<ScheduleTemplate, NodeJS.Timeout>();
  const since = Date.now();
  for (const schedule of schedules.filter(({ isEnabled }) => isEnabled)) {
    const times = timesOf(schedule.expression, since);
    const wait = (after: number): void => {
      const next = times(after);
      if (next === undefined) return;
      const leftMs = next - Date.now();
      const isDue = leftMs <= LONGEST_TIMER_MS;
      const timer = setTimeout(
        () => {
          if (isDue) deliver(schedule.target, JSON.parse(eventOf(schedule, next)));
          wait(isDue ? next : after);
        },
        Math.max(0, Math.min(leftMs, LONGEST_TIMER_MS)),
      );
      timers.set(schedule, timer.unref());
    };
    wait(since);
  }
  return () => timers.forEach((timer) => clearTimeout(timer));
}
