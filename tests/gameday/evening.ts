// The evening of a game day: what rests is canceled, every queue is waited for, and all that there is goes into the record.
// Waits for each queue a while, and leaves it to the judge what it means that one is not empty. Judges nothing.
import type { ExecutionReport } from '../../shared/order/report.ts';
import { drain, intent, type Letter, type System } from '../system/fixture.ts';
import { showing } from './judge.ts';
import type { Act, DayRecord, Order, PathCount, Sent } from './record.ts';
import { messagesOn, reasonIn, type Notes } from './stage.ts';

/** One cancel-all for each account. */
export async function closeAll(system: System, accounts: readonly string[], name: string): Promise<readonly Sent[]> {
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
export async function ending(
  system: System,
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

/** All of it, but for the alarms. */
export async function recordOf(
  system: System,
  seed: number,
  told: readonly Act[],
  { reports, letters, sent, notes }: { reports: readonly ExecutionReport[]; letters: readonly Letter[]; sent: readonly Sent[]; notes: Notes }, // prettier-ignore
): Promise<Omit<DayRecord, 'alarms'>> {
  const { intents, pending, dead } = system.ready.queues;
  const left: Record<string, number> = {};
  for (const url of [
    intents,
    pending,
    dead,
    `${pending}-dead`,
    ...['trigger-dead', 'probe-dead'].map((name) => pending.replace(/pending$/, name)),
  ]) {
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
