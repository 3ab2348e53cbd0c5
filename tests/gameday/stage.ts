// What an act of a game day works with: the stack and its size, what has been sent and told so far, the operator's command,
// and the notes that it leaves for the record. Looks and waits; decides nothing.
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { ExecutionReport } from '../../shared/order/report.ts';
import type { DeskSystem } from '../cli/fixture.ts';
import type { Drop } from './poison.ts';
import type { DayRecord, Sent } from './record.ts';

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
export interface Notes {
  readonly secrets: string[];
  readonly said: { readonly where: string; readonly text: string }[];
  readonly halts: DayRecord['halts'][number][];
  readonly drops: (Drop & { readonly messageId: string })[];
  kills: number;
  redriven: number;
}

/** @param so reports and intents as they come in, and what is noted */
export function dayOf(
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
export function reasonIn(lines: readonly string[], messageId: string): string | undefined {
  for (const line of lines) {
    if (!line.includes(messageId) || !line.includes('"bury"')) continue;
    const reason = /"reason":"(\w+)"/.exec(line)?.[1];
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Those that are visible, in flight or delayed. */
export async function messagesOn({ sqs }: Pick<Day['system'], 'sqs'>, QueueUrl: string): Promise<number> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed'] as const; // prettier-ignore
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }));
  return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}
