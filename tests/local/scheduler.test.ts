// The local scheduler: when an expression fires, what it hands over, and what it refuses.
import { describe, expect, test } from '@jest/globals';
import { eventOf, startScheduler, timesOf, type ScheduleTemplate } from '../../local/scheduler.ts';

const SINCE = Date.UTC(2026, 10, 22, 19, 0, 30);
const utc = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());
const timesAfter = (expression: string, after = SINCE, count = 3): readonly (string | undefined)[] => {
  const times = timesOf(expression, SINCE);
  const found: (number | undefined)[] = [times(after)];
  while (found.length < count) found.push(times(found.at(-1) ?? Number.POSITIVE_INFINITY));
  return found.map(utc);
};

describe('an expression fires', () => {
  test.each([
    ['rate(5 minutes)', '2026-11-22T19:05:30.000Z', '2026-11-22T19:10:30.000Z'],
    ['rate(1 hour)', '2026-11-22T20:00:30.000Z', '2026-11-22T21:00:30.000Z'],
    ['cron(0 12 * * ? *)', '2026-11-23T12:00:00.000Z', '2026-11-24T12:00:00.000Z'],
    ['cron(0/15 * * * ? *)', '2026-11-22T19:15:00.000Z', '2026-11-22T19:30:00.000Z'],
    ['cron(*/30 9-10 ? * 2 *)', '2026-11-23T09:00:00.000Z', '2026-11-23T09:30:00.000Z'],
    ['cron(5,10 0 1 1,7 ? *)', '2027-01-01T00:05:00.000Z', '2027-01-01T00:10:00.000Z'],
  ])('%s', (expression, first, second) => {
    expect(timesAfter(expression).slice(0, 2)).toEqual([first, second]);
  });
  test('at once, and never again', () => {
    expect(timesAfter('at(2026-11-22T19:05:00)')).toEqual(['2026-11-22T19:05:00.000Z', undefined, undefined]);
    expect(timesAfter('at(2026-11-22T19:00:00)')).toEqual([undefined, undefined, undefined]);
  });
  test.each([
    ['cron(0 12 ? * MON-FRI *)'],
    ['cron(0 12 * *)'],
    ['rate(5 weeks)'],
    ['every day'],
    ['cron(0 12 L * ? *)'],
  ])(
    'or is refused with a sentence: %s',
    (expression) => expect(() => timesOf(expression, SINCE)).toThrow(/the local scheduler does not know .*; fire the strategy with desk/), // prettier-ignore
  );
});

test('the keywords of the scheduler are replaced, and nothing else', () => {
  const input =
    '{"at":"<aws.scheduler.scheduled-time>","id":"<aws.scheduler.execution-id>","try":"<aws.scheduler.attempt-number>","arn":"<aws.scheduler.schedule-arn>","no":"<aws.scheduler.nonsense>"}';
  const event: unknown = JSON.parse(eventOf({ name: 'mine', input }, Date.UTC(2022, 2, 22, 18, 59, 43)));
  expect(event).toEqual({
    at: '2022-03-22T18:59:43Z',
    id: expect.stringMatching(/^[0-9a-f]{16}$/),
    try: '1',
    arn: expect.stringMatching(/^arn:aws:scheduler:.*\/mine$/),
    no: '<aws.scheduler.nonsense>',
  });
});

test('enabled schedules fire when they are due, disabled ones never', async () => {
  const due = new Date(Date.now() + 1100).toISOString().slice(0, 19);
  const schedule = (name: string, isEnabled: boolean): ScheduleTemplate => ({
    ...{ name, isEnabled, expression: `at(${due})`, target: 'trigger' },
    input: `{"name":"${name}","at":"<aws.scheduler.scheduled-time>"}`,
  });
  const fired: unknown[] = [];
  await new Promise<void>((resolve) => {
    const keep = setTimeout(() => undefined, 60_000);
    const stop = startScheduler([schedule('off', false), schedule('on', true)], (target, event) => {
      fired.push([target, event]);
      stop();
      clearTimeout(keep);
      resolve();
    });
  });
  expect(fired).toEqual([['trigger', { name: 'on', at: `${due}Z` }]]);
});

test('an enabled schedule that it does not know is refused at the start', () => {
  const schedule = { name: 'x', expression: 'cron(0 12 ? * MON *)', isEnabled: true, input: '{}', target: 'trigger' };
  expect(() => startScheduler([schedule], () => undefined)).toThrow(/does not know/);
  expect(() => startScheduler([{ ...schedule, isEnabled: false }], () => undefined)()).not.toThrow();
});
