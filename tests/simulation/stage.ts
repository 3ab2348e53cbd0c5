// What every part of a world shares: its time, its dice, its story, and the record that the judge reads.
import { seeded } from '../../local/exchange/faults.ts';
import type { ExecutionReport } from '../../shared/order/report.ts';
import type { Plan } from './plan.ts';
import type { VirtualTime } from './time.ts';

export const START = Date.UTC(2026, 10, 22, 12);
/** In shadow mode: nothing of it may ever reach the venue. */
export const SHADOW = 'shadow';
export const ACCOUNTS = ['main', 'other', SHADOW] as const;
/** How long an environment uses a secret before it reads it again. */
export const SECRET_CACHE_MS = 30_000;
/** For how long a banned account is left alone. */
export const BAN_MS = 60_000;

export type Intent = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly account: string;
  readonly action: string;
  readonly createdAt: string;
  readonly expiresAt: string;
};
export interface Letter {
  readonly intentId: string;
  readonly reason: string;
  readonly certainty: string;
  readonly sourceMessageId: string;
  readonly body: string;
  readonly at: number;
}
/** A signed request of an account on its way to the venue. */
export interface Call {
  readonly account: string;
  readonly path: string;
  readonly at: number;
  /** When its turn had come: an environment may stall between that and the send. */
  readonly turnAt: number;
  /** The environment. */
  readonly from: string;
  /** What came back, and when; undefined while nothing has. */
  answer?: { readonly at: number; readonly status: number; readonly body: string };
}
/** Something that was told of an intent, or of its message. */
export interface Told {
  readonly account: string;
  readonly id: string;
  readonly at: number;
}
/** What changes something, on its way to the venue. */
export interface Sent {
  /** The order that it places or is about; empty where it is about none. */
  readonly id: string;
  readonly account: string;
  readonly path: string;
  readonly action: string;
  /** The venue has done it. */
  isDone: boolean;
  /** By the clock of the environment that sent it. */
  readonly at: number;
  readonly trueAt: number;
  /** When its turn had come, true time: an environment may stall between that and the send. */
  readonly turnAt: number;
  readonly expiresAt: number;
}

/** What happened, for the judge. */
export interface History {
  readonly intents: Intent[];
  readonly reports: ExecutionReport[];
  readonly letters: Letter[];
  readonly sent: Sent[];
  /** Ids that a careless producer sent a second time, much later and the same: two messages, and one intent. */
  readonly sentAgain: Set<string>;
  /** Ids under which two messages ask for something different: each of them has a verdict of its own. */
  readonly sentOtherwise: Set<string>;
  /** Replays that an operator made of a dead letter, with the original's id. */
  readonly replays: { readonly id: string; readonly account: string; readonly replayOf: string }[];
  /** Messages that carry the id of an earlier intent and ask for another size. */
  readonly reused: { readonly id: string; readonly account: string; readonly messageId: string }[];
  /** Messages whose body is no intent. */
  readonly malformed: { readonly messageId: string; readonly account: string }[];
  /** Ids whose end was told before a crash kept the message from being deleted: they are judged once more. */
  readonly judgedAgain: Set<string>;
  /** When accounts were halted and resumed; `stayed`: nothing had lifted the halt until then. */
  readonly halts: { readonly account: string; readonly from: number; until: number; stayed: boolean }[];
  readonly calls: Call[];
  readonly invocations: { readonly from: string; readonly at: number; until: number }[];
  /** Environments that went on with an invocation whose time was over. */
  readonly thawed: Set<string>;
  /** All environments leave through one address. */
  isEgressFixed: boolean;
  /** Intents that were handed to those who follow them, and those that were reported accepted. */
  readonly followed: Told[];
  readonly accepted: Told[];
  /** Orders that two invocations looked at side by side: what they tell may come in any order. */
  readonly followedTwice: Set<string>;
  /** Messages of the intents queue that are gone. */
  readonly deleted: Set<string>;
  /** What execution threw: it is not meant to, whatever the world does. */
  readonly bugs: string[];
  readonly story: string[];
  readonly faults: Record<string, number>;
  readonly dispositions: Record<string, number>;
}

export interface Stage {
  readonly plan: Plan;
  readonly time: VirtualTime;
  readonly history: History;
  readonly draw: () => number;
  /** True for `part` of all cases, less in a world with less trouble. */
  readonly chance: (part: number) => boolean;
  /** A whole number from `least` to `most`. */
  readonly between: (least: number, most: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
  readonly tell: (text: string) => void;
  /** Counts and tells a fault; always true. */
  readonly struck: (fault: string) => boolean;
  readonly sleep: (ms: number) => Promise<void>;
  /** What keeps the world from being over. */
  readonly busy: Set<unknown>;
  /** Messages of orders that are followed still. */
  readonly following: Set<unknown>;
  /** Who wants to know of dead letters. */
  readonly readers: ((letter: Letter) => void)[];
}

export function createStage(plan: Plan, time: VirtualTime): Stage {
  const draw = seeded(plan.seed);
  const history: History = {
    intents: [],
    reports: [],
    letters: [],
    sent: [],
    sentAgain: new Set(),
    sentOtherwise: new Set(),
    replays: [],
    reused: [],
    malformed: [],
    judgedAgain: new Set(),
    halts: [],
    calls: [],
    invocations: [],
    thawed: new Set(),
    isEgressFixed: false,
    followed: [],
    accepted: [],
    followedTwice: new Set(),
    deleted: new Set(),
    bugs: [],
    story: [],
    faults: {},
    dispositions: {},
  };
  const tell = (text: string): void =>
    void history.story.push(`${((time.now() - START) / 1000).toFixed(3).padStart(9)} s  ${text}`);
  return {
    plan,
    time,
    history,
    draw,
    tell,
    chance: (part) => draw() < part * plan.trouble,
    between: (least, most) => Math.round(least + draw() * (most - least)),
    pick: (items) => items[Math.floor(draw() * items.length)] as (typeof items)[number],
    struck: (fault) => {
      history.faults[fault] = (history.faults[fault] ?? 0) + 1;
      tell(`  fault: ${fault}`);
      return true;
    },
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    busy: new Set(),
    following: new Set(),
    readers: [],
  };
}
