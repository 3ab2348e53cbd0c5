// All that can be found of one order, and whose it is: the functions' lines, its reports, its dead letters, and what the
// exchange shows of it now. Reads, and leaves everything where it is. A message that has not been taken up yet is not found:
// it is never received for a look.
import { parse, type Market } from '../shared/order/intent.ts';
import type { Fill, Reads } from '../shared/order/reads.ts';
import type { ExecutionReport } from '../shared/order/report.ts';
import type { Sighting } from '../shared/order/venue.ts';
import { isOf, ownerOf } from './letters.ts';
import { readLogs, type LogLine, type LogLines } from './logs.ts';
import { peekLetters, peekReports, type Letter } from './peek.ts';
import type { Desk } from './run.ts';
import { isRefusal, refusal } from './terminal.ts';
import { plain } from './words.ts';

/** What is said of it beforehand. `from`: how far back it is looked for, ms. */
export interface Wanted {
  readonly id: string;
  readonly from: number;
  readonly account?: string | undefined;
  readonly market?: string | undefined;
  readonly symbol?: string | undefined;
}

export interface Found {
  readonly lines: readonly LogLine[];
  readonly logs: readonly { readonly functionName: string; readonly read: LogLines }[];
  readonly reports: readonly ExecutionReport[];
  readonly letters: readonly Letter[];
  /** Could all that lies on these queues be seen? */
  readonly isComplete: { readonly reports: boolean; readonly letters: boolean };
}

/** What is known of the order itself. */
export interface Named {
  readonly account: string | undefined;
  readonly action: string | undefined;
  readonly market: string | undefined;
  readonly symbol: string | undefined;
  readonly venueOrderId: string | undefined;
}

/** What the exchange shows. `note`: why it was not asked, or what is lacking. */
export interface Shown {
  readonly sighting?: Sighting;
  readonly fills: readonly Fill[];
  readonly note?: string;
}

/** Whose lines are looked through; one that is not deployed has none. */
const FUNCTIONS = ['execute', 'reconcile', 'trigger'];
/** A person waits. */
const ASK_MS = 10_000;
const MOST_TROUBLES = 20;

/** @throws Refusal where AWS cannot be asked */
export async function findLife(desk: Desk, { id, account, from }: Wanted): Promise<Found> {
  const isOurs = (whose: unknown): boolean => account === undefined || whose === account;
  const sought = [{ id, ...(account === undefined ? {} : { account }) }];
  const lookIn = async (functionName: string) => ({
    functionName,
    read: await readLogs(desk.stack, functionName, sought, { from }),
  });
  const [logs, reports, letters] = await Promise.all([
    Promise.all(FUNCTIONS.map(lookIn)),
    peekReports(desk),
    peekLetters(desk),
  ]);
  return {
    logs,
    lines: logs.flatMap(({ read }) => (read.kind === 'lines' ? read.lines : [])),
    reports: reports.found.filter((report) => report.id === id && isOurs(report.account)),
    letters: letters.found.filter((letter) => isOf(id)(letter) && isOurs(ownerOf(letter).account)),
    isComplete: { reports: reports.isComplete, letters: letters.isComplete },
  };
}

/** Each part from the first who says it. @throws Refusal where several accounts have the id and none was said */
export function namesOf({ lines, reports, letters }: Found, { id, account, market, symbol }: Wanted): Named {
  const intents = letters.map(({ body }): object => {
    const parsed = parse(body);
    return parsed.kind === 'intent' ? parsed.intent : {};
  });
  const owners = letters.map((letter) => ({ account: ownerOf(letter).account }));
  const fields = lines.map((line) => line.fields);
  const said = [{ account, market, symbol }, ...intents, ...owners, ...fields, ...reports];
  const all = (name: string): readonly string[] => [
    ...new Set(said.map((each) => (each as Readonly<Record<string, unknown>>)[name]).filter(isText)),
  ];
  const accounts = all('account');
  if (account === undefined && accounts.length > 1) {
    throw refusal(`${id} is an id of several accounts (${accounts.map(plain).join(', ')}): name one with --account.`);
  }
  const one = (name: string): string | undefined => all(name)[0];
  return {
    account: accounts[0],
    action: one('action'),
    market: one('market'),
    symbol: one('symbol'),
    venueOrderId: one('venueOrderId'),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Errors of the whole account while the order was under way: a refused key, a ban, a bug. The last ones. */
export async function troublesOf(
  desk: Desk,
  { lines }: Found,
  account: string | undefined,
): Promise<readonly LogLine[]> {
  const times = lines.map(({ at }) => Date.parse(at));
  if (account === undefined || times.length === 0) return [];
  const range = { from: Math.min(...times) - 1000, to: Math.max(...times) + 1000 };
  const sought = [{ account, level: 'error' }];
  const reads = await Promise.all(FUNCTIONS.map((name) => readLogs(desk.stack, name, sought, range)));
  const found = reads.flatMap((read) => (read.kind === 'lines' ? read.lines : []));
  return found.filter(({ fields }) => fields['id'] === undefined).slice(-MOST_TROUBLES);
}

/** Never throws: what the exchange does not say is no reason to hide the rest. */
export async function askExchange(
  { stack }: Desk,
  { id, from }: Wanted,
  { account: name, action, market, symbol, venueOrderId }: Named,
): Promise<Shown> {
  if (action !== undefined && action !== 'place') {
    return { fills: [], note: `A ${action} has no order of its own, so the exchange was not asked; trace its target.` };
  }
  if (name === undefined || symbol === undefined || !isMarket(market)) {
    const lacking = Object.entries({ '--account': name, '--symbol': symbol, '--market': market });
    const names = lacking.filter(([, value]) => value === undefined).map(([option]) => option);
    return { fills: [], note: `The exchange was not asked: for that say ${names.join(' and ')}.` };
  }
  try {
    const account = await stack.account(name);
    const { venue, reads } = stack.exchange.deskOf(account);
    const query = { id, market, symbol, ...(venueOrderId === undefined ? {} : { venueOrderId }) };
    const sighting = await venue.find(account, query, {
      answerBy: Date.now() + ASK_MS,
      holdBy: Date.now() + 2 * ASK_MS,
    });
    const itsId = sighting.kind === 'found' ? sighting.order.venueOrderId : venueOrderId;
    const answer = await reads.fills(account, market, Date.now() + ASK_MS, symbol, Math.floor(from));
    const note = noteOf(sighting, answer);
    const fills = answer.kind === 'read' ? answer.fills : [];
    return {
      sighting,
      fills: fills.filter((fill) => fill.clientOrderId === id || (itsId !== undefined && fill.venueOrderId === itsId)),
      ...(note === undefined ? {} : { note }),
    };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { fills: [], note: `The exchange was not asked: ${error.message}` };
  }
}

type FillsRead = Awaited<ReturnType<Reads['fills']>>;

function noteOf(sighting: Sighting, fills: FillsRead): string | undefined {
  if ('detail' in sighting) return `The exchange could not be asked: ${sighting.detail}`;
  if (fills.kind !== 'read') return `Its fills could not be had: ${fills.detail}`;
  return fills.isComplete ? undefined : 'The exchange shows only the newest fills: there may be more of this order.';
}

function isMarket(market: string | undefined): market is Market {
  return market === 'spot' || market === 'margin' || market === 'futures';
}

/** Where it was looked, for people: it is no proof of absence beyond that. */
export function lookedAt({ logs, isComplete }: Found, hours: string, { sighting }: Shown): string {
  const there = logs.filter(({ read }) => read.kind === 'lines').map(({ functionName }) => functionName);
  const cut = logs.some(({ read }) => read.kind === 'lines' && !read.isComplete) ? ', not all of them' : '';
  const more = (isAll: boolean): string => (isAll ? '' : ' (not all could be seen)');
  const lines =
    there.length === 0 ? 'no log group is there' : `the logs of ${there.join(', ')} of the last ${hours} h${cut}`;
  const queues = `the queues reports${more(isComplete.reports)} and dead${more(isComplete.letters)}`;
  return `${lines}; ${queues}${sighting === undefined ? '' : '; the exchange'}`;
}
