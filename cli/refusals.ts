// Whose orders the exchange refuses now, by what execute has logged: an account that is parked, since its key was refused or
// it is banned, and one whose orders were not taken. Cheap: refusals are few, and what was placed is asked for only after one.
// Of an account that nobody sent an order for nothing shows; says so where the log cannot be read.
import { EVERYBODY } from '../shared/parking.ts';
import type { Connection } from './connection.ts';
import { readLogs, type LogLine } from './logs.ts';
import { plain } from './words.ts';

/** The last refusal of an account, after which no order of it was placed. */
export interface Refused {
  /** `*`: every account. */
  readonly account: string;
  /** UTC. */
  readonly at: string;
  /** refused: its key · banned: it, or our address · not-taken: an order, and nothing of it was executed. */
  readonly kind: 'refused' | 'banned' | 'not-taken';
  readonly detail: string;
  /** For how long it is left alone each time, ms. */
  readonly forMs?: number;
}

export type Refusals = { readonly refused: readonly Refused[] } | { readonly untold: string };

/** As long as an intent may live: what is wanted and refused was tried within. */
const REACH_MS = 600_000;
const KINDS: Readonly<Record<string, Refused['kind']>> = {
  'account refused': 'refused',
  'account banned': 'banned',
  verdict: 'not-taken',
};

/** Never throws. */
export async function refusalsOf(stack: Pick<Connection, 'logs' | 'service'>): Promise<Refusals> {
  try {
    const lines = await linesOf(stack, [{ level: 'error' }, { verdict: 'unavailable' }], Date.now() - REACH_MS);
    const last = new Map(lines.flatMap((line) => refusalIn(line)).map((each) => [each.account, each]));
    if (last.size === 0) return { refused: [] };
    const from = Math.min(...[...last.values()].map(({ at }) => Date.parse(at)));
    const placed = await linesOf(stack, [{ verdict: 'placed' }, { verdict: 'taken' }], from);
    return { refused: [...last.values()].filter((refused) => !placed.some((line) => isAfter(line, refused))) };
  } catch (error) {
    return { untold: error instanceof Error ? error.message : 'no answer' };
  }
}

async function linesOf(
  stack: Pick<Connection, 'logs' | 'service'>,
  sought: Parameters<typeof readLogs>[2],
  from: number,
): Promise<readonly LogLine[]> {
  const read = await readLogs(stack, 'execute', sought, { from });
  // Before the first intent there is no log group.
  return read.kind === 'lines' ? read.lines : [];
}

function refusalIn({ at, message, fields }: LogLine): readonly Refused[] {
  const { account, detail, forMs } = fields;
  const kind = KINDS[message];
  if (kind === undefined || typeof account !== 'string') return [];
  const alone = typeof forMs === 'number' ? { forMs } : {};
  return [{ account: plain(account), at, kind, detail: plain(typeof detail === 'string' ? detail : 'without a word'), ...alone }]; // prettier-ignore
}

function isAfter({ at, fields }: LogLine, refused: Refused): boolean {
  const isOurs = refused.account === EVERYBODY || fields['account'] === refused.account;
  return isOurs && Date.parse(at) > Date.parse(refused.at);
}

/** In one sentence. */
export function refusalWords({ account, at, kind, detail, forMs }: Refused): string {
  const whose = account === EVERYBODY ? 'all accounts' : account;
  const alone = forMs === undefined ? '' : `, left alone for ${Math.ceil(forMs / 1000)} s`;
  const what = {
    refused: `parked, since its key was refused${alone}`,
    banned: `parked, since the exchange has banned it${alone}`,
    'not-taken': 'the exchange did not take its last order',
  }[kind];
  return `${whose}: ${what} (at ${at.slice(11, 19)} UTC: ${detail}); no order was placed since`;
}
