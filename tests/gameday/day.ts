// One game day: a whole local stack, a producer that never stops, the acts one after the other, and an evening on which all
// comes to its end. Returns the record of it; judges nothing, and leaves nothing running.
import { seeded } from '../../local/exchange/faults.ts';
import { localKeys } from '../../local/stack.ts';
import type { ExecutionReport } from '../../shared/order/report.ts';
import { startDesk } from '../cli/fixture.ts';
import { drain, type Letter } from '../system/fixture.ts';
import { acts } from './acts.ts';
import { watchAlarms, type AlarmWatch } from './alarms.ts';
import { closeAll, ending, recordOf } from './evening.ts';
import type { Act, DayRecord, Sent } from './record.ts';
import { dayOf, type Notes, type Size } from './stage.ts';
import { startStream, type Stream } from './stream.ts';

interface Named {
  readonly name: string;
  readonly does: string;
}

export interface Watch {
  readonly begins: (act: Named, atMs: number) => void;
  readonly ends: (act: Act) => void;
  /** Called while it lasts, with counts. */
  readonly passing: (line: string) => void;
}

/** Tells of each act, and keeps what was told. */
function programme(watch: Watch, startedAt: number) {
  const told: Act[] = [];
  const perform = async ({ name, does }: Named, work: () => Promise<string>): Promise<void> => {
    const atMs = Date.now() - startedAt;
    watch.begins({ name, does }, atMs);
    const isSeen = await work();
    const act = { name, atMs, tookMs: Date.now() - startedAt - atMs, isDone: does, isSeen };
    told.push(act);
    watch.ends(act);
  };
  return { told, perform };
}

/** Plays it. @throws where an act does not show what it should within its time */
export async function play(seed: number, size: Size, watch: Watch): Promise<DayRecord> {
  const startedAt = Date.now();
  const { scale } = size;
  // The waits between deliveries are not scaled and come to a minute each, so proof is given up two of them later.
  const variables = { PARK_SECONDS: '3', UNRESOLVED_AFTER_SECONDS: String(900 * scale + 120) };
  const system = await startDesk({ keeps: true, accounts: size.accounts, timeScale: scale, variables });
  const reports: ExecutionReport[] = [];
  const reading = new AbortController();
  const reader = drain(system, system.ready.queues.reports, reading.signal, ({ body }) =>
    reports.push(JSON.parse(body) as ExecutionReport),
  );
  let passing: NodeJS.Timeout | undefined;
  let stream: Stream | undefined;
  let alarms: AlarmWatch | undefined;
  const probing = setInterval(() => system.probe.invoke({}), 5 * 60_000 * scale);
  try {
    // Without the exchange's own lock against a second order of one id: what holds here holds by this service alone.
    await system.control('PUT', '/promises', { refusesRepeatedIds: 'never' });
    const { accounts } = system.ready;
    const notes: Notes = { secrets: accounts.flatMap((name) => Object.values(localKeys(name))), said: [], halts: [], drops: [], kills: 0, redriven: 0 }; // prettier-ignore
    const draw = seeded(seed);
    const name = `g${seed}x${startedAt.toString(36)}`;
    stream = startStream({ system, size, accounts, draw: seeded(seed + 1), name });
    const { sent } = stream;
    // Until its first probe a new stack is in alarm.
    system.probe.invoke({});
    await system.until('the first probe', () => system.lines.some((line) => line.includes('"Probes"')), 20_000);
    alarms = await watchAlarms(system, scale);
    passing = setInterval(() => watch.passing(`${sent.length} intents sent, ${reports.length} reports`), 500);
    const day = dayOf(system, size, draw, { reports, sent, notes });
    const { told, perform } = programme(watch, startedAt);
    for (const row of acts) await Promise.all(row.map((act) => perform(act, () => act.play(day))));
    const letters: Letter[] = [];
    const evening: Sent[] = [];
    await perform(EVENING, async () => {
      await stream?.stop();
      evening.push(...(await closeAll(system, accounts, name)));
      return ending(system, [...sent, ...evening], reports, letters);
    });
    const left = await recordOf(system, seed, told, { reports, letters, sent: [...sent, ...evening], notes });
    return { ...left, alarms: await alarms.stop() };
  } finally {
    clearInterval(passing);
    clearInterval(probing);
    await alarms?.stop().catch(() => undefined);
    await stream?.stop().catch(() => undefined);
    reading.abort();
    await reader;
    await system.close();
  }
}

const EVENING = { name: 'The evening', does: 'the producer stops, what rests is canceled, and all comes to its end' };
