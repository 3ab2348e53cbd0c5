// One screen that answers: is it trading? What needs attention stands first, in sentences; then accounts, queues and the
// exchange. Reads alone. Exits 1 where somebody should look.
import type { Command } from 'commander';
import type { Finding } from '../../shared/order/finding.ts';
import { sideBySide } from '../accounts.ts';
import { allows } from '../mandate.ts';
import { lastDeed, mappingOf } from '../mapping.ts';
import { isEverybodys, refusalsOf, refusalWords, type Refusals } from '../refusals.ts';
import { onStack, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT, type ExitCode } from '../terminal.ts';
import { versionRows, versionsOf, type Versions } from '../versions.ts';
import { mandates } from './accounts.ts';
import { depths, type Depth } from './queues.ts';
import { orWhyNot } from './reads.ts';

type Account = Awaited<ReturnType<typeof mandates>>[number];

/** What a person should know; `trouble` is what somebody should do something about. */
export interface Matter {
  readonly level: 'trouble' | 'note';
  readonly said: string;
}

/** The exchange as it can be seen from here. */
export interface Reach {
  /** How far the exchange's clock is ahead of this machine's, and how long an answer takes, ms; absent without an answer. */
  readonly clockOffsetMs?: number;
  readonly latencyMs?: number;
}

/** What a signed read of an account showed. */
export type Signed = { readonly account: string } & ({ readonly openOrders: number } | { readonly trouble: string });

/** The event source mapping: its state and who disabled it, or why it cannot be seen. */
export type Feed = { readonly state: string; readonly note?: string } | { readonly untold: string };

/** All that a status is made of. */
export interface Seen {
  readonly accounts: readonly Account[];
  readonly queues: readonly Depth[];
  readonly exchange: Reach;
  /** Maintenance, and whether anything is traded there at all. */
  readonly service: readonly Finding[];
  /** Whose orders were refused lately. */
  readonly refusals: Refusals;
  /** With --deep. */
  readonly signed: readonly Signed[];
  readonly versions: Versions;
  /** What feeds `execute` with intents. */
  readonly mapping: Feed;
  /** From what difference of the clocks on the exchange refuses what is signed, ms. */
  readonly mostOffsetMs: number;
}

export function statusCommand(program: Command): void {
  program
    .command('status')
    .description('is it trading, and what needs attention')
    .option('--deep', 'with a signed read of each account, which shows whether its key works')
    .addHelpText('after', HELP)
    .action(onStack(status));
}

const HELP = `
"It trades" is said of what may trade and is not seen to be hindered: mandates, the mapping, the exchange's clock and service as
this machine sees them, and the log of execute of the last ten minutes. An account that was refused or banned there, or whose
last order the exchange did not take, is told, until an order of it is placed. Where no order was sent, nothing of that shows:
--deep asks with each key. Exits 1 where something needs attention.

  $ npx desk status --deep --local`;

async function status(desk: Desk, { deep }: GlobalOptions & { readonly deep?: boolean }): Promise<ExitCode> {
  const { stack } = desk;
  const [accounts, queues, exchange, mapping, versions, refusals] = await Promise.all([mandates(desk), depths(desk), reach(desk), feed(desk), versionsOf(stack), refusalsOf(stack)]); // prettier-ignore
  const service = exchange.latencyMs === undefined ? [] : (await stack.doctor.exchange()).filter(isOfService);
  const signed = deep === true ? await sideBySide(accounts, ({ account }) => signedRead(desk, account)) : [];
  const seen = { accounts, queues, exchange, service, refusals, signed, mapping, versions, mostOffsetMs: Math.min(...stack.exchange.desks.map(({ venue }) => venue.promises.refusesTimestampsAfterMs)) }; // prettier-ignore
  const matters = mattersOf(seen);
  const trading = tradingOf(seen);
  desk.say(`${stack.name}: ${trading.said}`);
  for (const { level, said } of matters) desk.say(`${level === 'trouble' ? '!' : '-'} ${said}`);
  show(desk, seen);
  const { isTrading } = trading;
  desk.result({ stack: stack.name, isTrading, attention: matters, accounts, queues, exchange, service, refusals, signed, mapping, versions }); // prettier-ignore
  return matters.some(({ level }) => level === 'trouble') ? EXIT.trouble : EXIT.done;
}

async function feed({ stack }: Desk): Promise<Feed> {
  try {
    const found = await mappingOf(stack);
    const note = found.state === 'Enabled' ? undefined : await lastDeed(stack, found, 'halted');
    return { state: found.state, ...(note === undefined ? {} : { note }) };
  } catch (error) {
    return { untold: error instanceof Error ? error.message : 'no answer' };
  }
}

function isOfService({ check }: Finding): boolean {
  return check === 'service' || check === 'trading';
}

/** Two questions: the first pays for the connection, and the second does not wait for its turn under the limit. */
async function reach({ stack }: Desk): Promise<Reach> {
  let seen: Reach = {};
  for (const pauseMs of [0, 250]) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const [at, started] = [Date.now(), performance.now()];
    const time = await stack.exchange.desks[0].venue.time(at + ANSWER_MS);
    const latencyMs = Math.round(performance.now() - started);
    if (time === undefined) return {};
    seen = { clockOffsetMs: Math.round(time - (at + latencyMs / 2)), latencyMs };
  }
  return seen;
}
const ANSWER_MS = 10_000;

/** Open orders are a read that the exchange answers to a good signature alone. */
async function signedRead({ stack }: Desk, account: string): Promise<Signed> {
  try {
    const trading = await stack.account(account);
    const answer = await stack.exchange.deskOf(trading).reads.openOrders(trading, 'spot', Date.now() + ANSWER_MS);
    return { account, openOrders: orWhyNot(answer, account).orders.length };
  } catch (error) {
    return { account, trouble: error instanceof Error ? error.message : 'no answer' };
  }
}

/** In one sentence: does anything trade, and for real? */
export function tradingOf({ accounts, exchange, mapping, refusals, signed }: Seen): {
  /** null: it cannot be told from here. */
  readonly isTrading: boolean | null;
  readonly said: string;
} {
  const readable = accounts.flatMap((account) => ('unreadable' in account ? [] : [account]));
  const counts = [
    [readable.filter(({ state, shadow }) => state === 'active' && shadow !== true).length, 'active'],
    [readable.filter(({ state, shadow }) => state === 'reducing' && shadow !== true).length, 'only reducing'],
    [readable.filter(({ state, shadow }) => state !== 'halted' && shadow === true).length, 'in shadow mode'],
    [readable.filter(({ state }) => state === 'halted').length, 'halted'],
    [accounts.length - readable.length, 'unreadable'],
  ] as const;
  const [[active], [reducing]] = counts;
  const isFed = 'untold' in mapping || mapping.state === 'Enabled';
  const parts = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const whose = parts.length === 0 ? 'it has no account' : `accounts: ${parts.join(', ')}`;
  if (active + reducing === 0 || !isFed) return { isTrading: false, said: `nothing is traded; ${whose}.` };
  if (exchange.latencyMs === undefined) {
    return { isTrading: null, said: `whether it trades cannot be told from here, as the exchange cannot be reached from this machine; ${whose}.` }; // prettier-ignore
  }
  const refused = new Set('untold' in refusals ? [] : refusals.refused.map(({ account }) => account));
  for (const each of signed) if ('trouble' in each) refused.add(each.account);
  const isForAll = [...refused].some(isEverybodys);
  const real = readable.filter(({ state, shadow }) => state !== 'halted' && shadow !== true);
  const hindered = real.filter(({ account }) => isForAll || refused.has(account));
  if (hindered.length === 0) return { isTrading: true, said: `it trades; ${whose}.` };
  if (hindered.length < real.length) {
    return { isTrading: true, said: `it trades, but not for ${hindered.length} of ${real.length} accounts; ${whose}.` };
  }
  return { isTrading: false, said: `it may trade, and the exchange refuses it; ${whose}.` };
}

/** What to tell first: troubles, then notes. */
export function mattersOf({
  accounts,
  queues,
  exchange,
  service,
  refusals,
  signed,
  mapping,
  mostOffsetMs,
}: Seen): readonly Matter[] {
  const depth = (name: string): number => {
    const { waiting = 0, inFlight = 0, delayed = 0 } = queues.find(({ queue }) => queue === name) ?? {};
    return waiting + inFlight + delayed;
  };
  const trouble = (said: string): Matter => ({ level: 'trouble', said });
  const note = (said: string): Matter => ({ level: 'note', said });
  const { clockOffsetMs: offset = 0, latencyMs } = exchange;
  const isOff = Math.abs(offset) > 1000;
  const clock = `the exchange's clock is ${Math.abs(offset / 1000).toFixed(1)} s ${offset > 0 ? 'ahead of' : 'behind'} this machine's: set this machine's clock, or if it is right, look whether the functions are refused`; // prettier-ignore
  const dead = depth('dead');
  const matters = [
    ...('untold' in mapping
      ? [note(`whether intents are taken off the queue cannot be seen: ${mapping.untold}`)]
      : mapping.state === 'Enabled'
        ? []
        : [trouble(`the event source mapping is ${mapping.state}: no intent is taken off the queue, no cancel either${mapping.note === undefined ? '' : ` (${mapping.note})`}; \`desk resume --mapping --reason TEXT\``)]), // prettier-ignore
    ...(latencyMs === undefined ? [trouble('the exchange cannot be reached from here; `desk doctor` says more')] : []),
    ...service.flatMap(({ level, said, next = '' }) => (level === 'good' ? [] : [{ level, said: `the exchange: ${said}. ${next}` }])), // prettier-ignore
    ...(dead > 0 ? [trouble(`${dead} dead letter${dead === 1 ? '' : 's'}: \`desk dead list\` says why`)] : []),
    ...(depth('trigger-dead') > 0 ? [trouble('strategies failed, or could not be started: docs/runbook/strategy-fails.md')] : []), // prettier-ignore
    ...(depth('probe-dead') > 0 ? [trouble('the probe failed, or could not be started: docs/runbook/probe-silent.md')] : []), // prettier-ignore
    ...(depth('pending-dead') > 0 ? [trouble('orders that nobody follows any more: `desk dead list --pending`')] : []),
    ...(isOff ? [Math.abs(offset) > mostOffsetMs / 2 ? trouble(clock) : note(clock)] : []),
    ...accounts.flatMap((account) =>
      'unreadable' in account ? [trouble(`${account.account}: ${account.unreadable}; nothing is placed for it`)] : [],
    ),
    ...refusalMatters(refusals, accounts, signed),
    ...signed.flatMap((each) => ('trouble' in each ? [trouble(`${each.account}: ${each.trouble}`)] : [])),
    ...accounts.flatMap((account) =>
      'state' in account && account.state === 'halted'
        ? [note(`${account.account} is halted${account.note === undefined ? '' : ` (${account.note})`}`)]
        : [],
    ),
    ...(accounts.length === 0 ? [note('there is no account yet: `desk account add NAME` makes one')] : []),
    ...(depth('intents') > 0 ? [note(`${depth('intents') === 1 ? '1 intent is on its way' : `${depth('intents')} intents are on their way`}; look again if that stays`)] : []), // prettier-ignore
  ];
  return [...matters.filter(({ level }) => level === 'trouble'), ...matters.filter(({ level }) => level === 'note')];
}

/** Of those that may trade. A key that is good for a read now may be a new one; an order will tell. */
function refusalMatters(refusals: Refusals, accounts: Seen['accounts'], signed: Seen['signed']): readonly Matter[] {
  if ('untold' in refusals) return [{ level: 'note', said: `whether orders are refused cannot be seen: ${refusals.untold}` }]; // prettier-ignore
  return refusals.refused.flatMap((refused): readonly Matter[] => {
    const { account, kind } = refused;
    const mayTrade = accounts.some((each) => each.account === account && 'state' in each && each.state !== 'halted');
    if (!isEverybodys(account) && !mayTrade) return [];
    const isGoodNow = kind === 'refused' && signed.some((each) => each.account === account && 'openOrders' in each);
    const said = `${refusalWords(refused)}${isGoodNow ? '; its key is good for a read now' : ''}`;
    return [{ level: isGoodNow ? 'note' : 'trouble', said }];
  });
}

function show(desk: Desk, { accounts, queues, exchange, signed, versions }: Seen): void {
  const { clockOffsetMs, latencyMs } = exchange;
  if (desk.isJson) return;
  desk.say('');
  desk.table(
    ['account', 'state', 'may trade', ...(signed.length > 0 ? ['signed read'] : [])],
    accounts.map((row) => {
      const [state, may] = 'unreadable' in row ? ['unreadable', ''] : [row.state, allows(row)];
      const read = signed.find(({ account }) => account === row.account);
      const shown = read === undefined ? [] : ['trouble' in read ? 'failed' : `good, ${read.openOrders} open spot orders`]; // prettier-ignore
      return [row.account, state, may, ...shown];
    }),
    'No accounts.',
  );
  desk.say('');
  desk.table(
    ['queue', 'waiting', 'in flight', 'delayed'],
    queues.map(({ queue, waiting, inFlight, delayed }) => [queue, waiting, inFlight, delayed]),
    '',
  );
  desk.say('');
  desk.table(['function', 'code', 'runtime', 'last modified', 'built here'], versionRows(versions), '');
  desk.say(`\nThis desk is of version ${versions.desk}, on Node ${versions.node}.`);
  if (latencyMs !== undefined) desk.say(`\nThe exchange answers in ${latencyMs} ms; its clock differs by ${clockOffsetMs ?? 0} ms.`); // prettier-ignore
}
