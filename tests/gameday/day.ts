// One game day: a whole local stack, a producer that never stops, the acts one after the other, and an evening on which all
// comes to its end. Returns the record of it; judges nothing, and leaves nothing running.
import { seeded } from '../../local/bitmart/faults.ts';
import { localKeys } from '../../local/stack.ts';
import type { ExecutionReport } from '../../shared/order/report.ts';
import { startDesk, type DeskSystem } from '../cli/fixture.ts';
import { drain, intent, type Letter } from '../system/fixture.ts';
import { acts, messagesOn } from './acts.ts';
import { watchAlarms, type AlarmWatch } from './alarms.ts';
import { showing } from './judge.ts';
import type { Drop } from './poison.ts';
import type { Act, DayRecord, Order, PathCount, Sent } from './record.ts';
import { startStream, type Stream } from './stream.ts';

export interface Size {
  readonly scale: number;
  readonly accounts: number;
  readonly everyMs: number;
  /** In which nothing is done but trading, scaled; and for which a halt lasts. */
  readonly quietMinutes: number;
  /** Of the exchange being down, scaled. */
  readonly outageMinutes: number;
  readonly kills: number;
  readonly poison: number;
  /** The part of the resting orders that the producer itself cancels. */
  readonly canceledShare: number;
}
export const LONG: Size = { scale: 0.05, accounts: 6, everyMs: 170, quietMinutes: 1, outageMinutes: 10, kills: 8, poison: 48, canceledShare: 0.6 }; // prettier-ignore
export const SHORT: Size = { scale: 0.04, accounts: 4, everyMs: 170, quietMinutes: 0.4, outageMinutes: 2, kills: 2, poison: 24, canceledShare: 0.95 }; // prettier-ignore

/** What an act works with. */
export interface Day {
  readonly system: DeskSystem;
  readonly size: Size;
  readonly scale: number;
  readonly accounts: readonly string[];
  readonly draw: () => number;
  /** In minutes before they are scaled. */
  readonly sleep: (minutes: number) => Promise<void>;
  readonly faults: (faults: readonly object[]) => Promise<void>;
  /** The lines with these words since this call. */
  readonly said: (...words: readonly string[]) => () => readonly string[];
  /** Whether an order that was sent after this call has been accepted, of the account or of any. */
  readonly trades: (account?: string) => () => boolean;
  readonly denies: (account: string, reason: string) => () => boolean;
  /** What was told since this call, in words. */
  readonly since: () => () => string;
  /** Why a message was buried first, as the log says. */
  readonly reasonOf: (messageId: string) => string | undefined;
  /** Runs the probe as its schedule would. */
  readonly probe: () => Promise<void>;
  readonly desk: (args: readonly string[], stdin?: string) => Promise<void>;
  /** These must be shown nowhere. */
  readonly hide: (secrets: readonly string[]) => void;
  readonly killed: (count: number) => void;
  readonly halted: (halt: DayRecord['halts'][number]) => void;
  readonly poisoned: (drops: readonly (Drop & { readonly messageId: string })[]) => void;
  readonly redriven: (count: number) => void;
}

/** What the acts leave for the record. */
interface Notes {
  readonly secrets: string[];
  readonly said: { readonly where: string; readonly text: string }[];
  readonly halts: DayRecord['halts'][number][];
  readonly drops: (Drop & { readonly messageId: string })[];
  kills: number;
  redriven: number;
}

export interface Watch {
  readonly begins: (act: { readonly name: string; readonly does: string }, atMs: number) => void;
  readonly ends: (act: Act) => void;
  /** Called while it lasts, with counts. */
  readonly passing: (line: string) => void;
}

/** Plays it. @throws where an act does not show what it should within its time */
export async function play(seed: number, size: Size, watch: Watch): Promise<DayRecord> {
  const startedAt = Date.now();
  const { scale } = size;
  const variables = { PARK_SECONDS: '3' };
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
    const told: Act[] = [];
    const perform = async (
      act: { readonly name: string; readonly does: string },
      work: () => Promise<string>,
    ): Promise<void> => {
      const atMs = Date.now() - startedAt;
      watch.begins(act, atMs);
      const isSeen = await work();
      const done = { name: act.name, atMs, tookMs: Date.now() - startedAt - atMs, isDone: act.does, isSeen };
      told.push(done);
      watch.ends(done);
    };
    for (const row of acts) await Promise.all(row.map((act) => perform(act, () => act.play(day))));
    const letters: Letter[] = [];
    const evening: Sent[] = [];
    await perform(EVENING, async () => {
      await stream?.stop();
      evening.push(...(await closeAll(system, accounts, name)));
      return ending(day, [...sent, ...evening], reports, letters);
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

function dayOf(
  system: DeskSystem,
  size: Size,
  draw: () => number,
  { reports, sent, notes }: { reports: readonly ExecutionReport[]; sent: readonly Sent[]; notes: Notes },
): Day {
  const { scale } = size;
  const { lines } = system;
  return {
    ...{ system, size, scale, draw, accounts: system.ready.accounts },
    sleep: (minutes) => new Promise((resolve) => setTimeout(resolve, minutes * 60_000 * scale)),
    faults: async (faults) => {
      await system.control('PUT', '/faults', { seed: Math.floor(draw() * 1e9), faults });
    },
    said: (...words) => {
      const from = lines.length;
      return () => lines.slice(from).filter((line) => words.every((word) => line.includes(word)));
    },
    trades: (account) => {
      const from = sent.length;
      return () => {
        const accepted = new Set(reports.filter(({ status }) => status === 'accepted').map(({ id }) => id));
        return sent
          .slice(from)
          .some((each) => (account === undefined || each.account === account) && accepted.has(each.id));
      };
    },
    denies: (account, reason) => {
      const from = reports.length;
      return () => reports.slice(from).some((report) => report.account === account && report.reason === reason);
    },
    since: () => {
      const [from, before] = [reports.length, sent.length];
      return () => `${sent.length - before} intents sent; ${counted(reports.slice(from).map(({ status }) => status))}`;
    },
    reasonOf: (messageId) => reasonIn(lines, messageId),
    probe: async () => {
      const from = lines.length;
      system.probe.invoke({});
      await system.until('a probe', () => lines.slice(from).some((line) => line.includes('venue probed')));
    },
    desk: async (args, stdin) => {
      const { code, out, err } = await system.desk(args, stdin === undefined ? {} : { stdin });
      notes.said.push({ where: `desk ${args[0] ?? ''}`, text: out + err });
      if (code !== 0) throw new Error(`desk ${args.join(' ')} ended with ${code ?? 'nothing'}: ${err}`);
    },
    hide: (secrets) => notes.secrets.push(...secrets),
    killed: (count) => (notes.kills += count),
    halted: (halt) => notes.halts.push(halt),
    poisoned: (drops) => notes.drops.push(...drops),
    redriven: (count) => (notes.redriven += count),
  };
}

function counted(words: readonly string[]): string {
  const groups = Object.entries(Object.groupBy(words, (word) => word));
  return groups.map(([word, all = []]) => `${all.length} ${word}`).join(', ') || 'nothing told';
}

/** Of the first line that says how a message ended. */
function reasonIn(lines: readonly string[], messageId: string): string | undefined {
  for (const line of lines) {
    if (!line.includes(messageId) || !line.includes('"bury"')) continue;
    const reason = /"reason":"(\w+)"/.exec(line)?.[1];
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** One cancel-all for each account. */
async function closeAll(system: DeskSystem, accounts: readonly string[], name: string): Promise<readonly Sent[]> {
  const bodies = accounts.map((account) =>
    intent({ id: `${name}c${account}`, account, action: 'cancel-all', ...NO_ORDER }),
  );
  await system.send(bodies);
  return bodies.map((body, index) => ({
    id: body.id,
    account: accounts[index] ?? '',
    action: 'cancel-all',
    body: JSON.stringify(body),
  }));
}
const NO_ORDER = { side: undefined, type: undefined, size: undefined, price: undefined };

/** Waits until the queues are empty, and takes the letters off theirs. */
async function ending(
  { system }: Day,
  sent: readonly Sent[],
  reports: readonly ExecutionReport[],
  letters: Letter[],
): Promise<string> {
  const { intents, pending, dead, reports: told } = system.ready.queues;
  const isEmpty = async (url: string): Promise<boolean> => (await messagesOn(system, url)) === 0;
  // What is still there when this is over is the judge's to say.
  const patience = (work: Promise<void>): Promise<void> => work.catch(() => undefined);
  await patience(system.until('no intent left', () => isEmpty(intents), 60_000));
  await patience(system.until('no order followed', () => isEmpty(pending), 90_000));
  await patience(system.until('no report left', () => isEmpty(told), 10_000));
  const reading = new AbortController();
  const reader = drain(system, dead, reading.signal, (letter) => letters.push(letter));
  await patience(system.until('no letter left', () => isEmpty(dead), 20_000));
  reading.abort();
  await reader;
  return `${sent.length} intents, ${reports.length} reports, ${letters.length} dead letters`;
}

async function recordOf(
  system: DeskSystem,
  seed: number,
  told: readonly Act[],
  { reports, letters, sent, notes }: { reports: readonly ExecutionReport[]; letters: readonly Letter[]; sent: readonly Sent[]; notes: Notes }, // prettier-ignore
): Promise<Omit<DayRecord, 'alarms'>> {
  const { intents, pending, dead } = system.ready.queues;
  const left: Record<string, number> = {};
  for (const url of [intents, pending, dead, `${pending}-dead`, pending.replace(/pending$/, 'trigger-dead')]) {
    left[url.split('/').at(-1) ?? ''] = await messagesOn(system, url);
  }
  const texts = [
    ...system.lines.map((text) => ({ where: 'a log line', text })),
    ...reports.map((report) => ({ where: `the report of ${report.id}`, text: JSON.stringify(report) })),
    ...letters.map(({ attributes }) => ({ where: 'a dead letter', text: JSON.stringify(attributes) })),
    ...notes.said,
  ];
  const poison = notes.drops.map(({ kind, raw, id, messageId, reasons, report }) => ({
    ...{ kind, body: raw, messageId, reasons },
    reason: reasonIn(system.lines, messageId),
    reportId: { own: id, message: messageId, none: undefined }[report],
  }));
  return {
    ...{ seed, acts: told, sent, poison, reports, letters, halts: notes.halts, redriven: notes.redriven, left },
    kills: notes.kills,
    orders: await system.control<readonly Order[]>('GET', '/orders'),
    requests: await system.control<Readonly<Record<string, PathCount>>>('GET', '/requests'),
    shown: showing(texts, notes.secrets),
  };
}
