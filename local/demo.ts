// The handful of intents that `npm start` sends, that end in different ways, and what each must come to.
// Sends them one after the other through the intents queue, as any producer would, and judges every end.
// Never talks to a function, and reaches the local BitMart's control only to lose one answer and to count orders.
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { ExecutionReport, Status } from '../shared/order/report.ts';
import type { ReasonCode } from '../shared/order/reason.ts';
import type { Stack } from './stack.ts';
import type { Letter, Step } from './watch.ts';

type Body = Readonly<Record<string, unknown>> & { readonly id: string };

/** One intent of the demonstration. */
export interface Scene {
  readonly id: string;
  /** What is sent, for a person. */
  readonly title: string;
  readonly expected: {
    readonly status: Status;
    /** With a reason it must also be in the dead-letter queue. */
    readonly reason?: ReasonCode;
    /** How many orders of this id BitMart must know in the end. */
    readonly orders: 0 | 1;
    /** A verdict that must have been among the answers, so that the scene showed what it is for. */
    readonly verdict?: string;
  };
  readonly body: Body;
  /** BitMart executes the order, and its answer is lost on the way. */
  readonly losesAnswer?: true;
}

/** What a scene came to. */
export interface Ending {
  readonly scene: Scene;
  /** Undefined where nothing came in time. */
  readonly report: ExecutionReport | undefined;
  readonly letter: Letter | undefined;
  readonly verdicts: readonly string[];
  /** From sending to the report, ms. */
  readonly tookMs: number | undefined;
  /** Orders of this id that BitMart knows. */
  readonly orders: number;
  /** Empty if it ended as it should; else one sentence for each difference. */
  readonly surprises: readonly string[];
}

/** @param now the time at which the intents are made, ms */
export function scenes(now: number): readonly Scene[] {
  const at = (seconds: number): string => new Date(now + seconds * 1000).toISOString();
  const common = { account: 'main', market: 'spot', symbol: 'BTC_USDT', createdAt: at(0), expiresAt: at(90) };
  const order = { ...common, action: 'place', side: 'buy', type: 'limit', size: '0.001', price: '50000' };
  const marketBuy = { ...common, action: 'place', side: 'buy', type: 'market', notional: '25' };
  const sell = { ...order, side: 'sell', price: '70000' };
  const perpetual = { ...order, market: 'futures', size: '0.0057', leverage: '5', marginMode: 'isolated' };
  const cancel = { ...common, action: 'cancel', target: 'demoLimit' };
  return [
    scene('demoLimit', 'Limit buy that rests', order, accepted),
    scene('demoMarket', 'Market buy for 25 USDT', marketBuy, accepted),
    scene('demoFutures', 'Futures limit buy of 0.0057 BTC: 5 contracts', perpetual, accepted),
    scene('demoMaker', 'Limit-maker sell', { ...sell, type: 'limit-maker' }, accepted),
    scene(
      'demoMalformed',
      'Malformed: a number as size, an extra field',
      { ...order, size: 1e-7, leverage: 5 },
      { status: 'malformed', reason: 'MALFORMED', orders: 0 },
    ),
    scene(
      'demoTooSmall',
      'Limit buy below the minimum',
      { ...order, size: '0.00002' },
      { status: 'denied', reason: 'NOTIONAL_BELOW_MINIMUM', orders: 0 },
    ),
    scene(
      'demoExpired',
      'Limit buy that comes too late',
      { ...order, createdAt: at(-120), expiresAt: at(-60) },
      { status: 'expired', reason: 'INTENT_EXPIRED', orders: 0 },
    ),
    scene(
      'demoTooRich',
      'Limit sell beyond the balance',
      { ...sell, size: '5000' },
      { status: 'rejected', reason: 'VENUE_REFUSED', orders: 0, verdict: 'refused' },
    ),
    {
      ...scene('demoLostAnswer', 'Limit buy whose answer gets lost', { ...order, price: '49000' }, answerLost),
      losesAnswer: true,
    },
    scene('demoCancel', 'Cancel of the first order', cancel, { status: 'done', orders: 0 }),
  ];
}

const accepted: Scene['expected'] = { status: 'accepted', orders: 1 };
const answerLost: Scene['expected'] = { ...accepted, verdict: 'unknown' };

function scene(
  id: string,
  title: string,
  fields: Readonly<Record<string, unknown>>,
  expected: Scene['expected'],
): Scene {
  return { id, title, expected, body: { id, ...fields } };
}

/** The ends of the scenes so far; `seen` takes every step that is told. */
export interface Stage {
  readonly seen: (step: Step) => void;
  /** Sends one scene and waits for its end, at most until `deadline` (ms). */
  readonly play: (stack: Stack, scene: Scene, deadline: number, signal: AbortSignal) => Promise<void>;
  /** Judges all that was played. */
  readonly judge: (stack: Stack, all: readonly Scene[]) => Promise<readonly Ending[]>;
}

/** What was told of one scene. */
export interface Seen {
  sentAt?: number;
  report?: ExecutionReport;
  reportAt?: number;
  letter?: Letter;
  readonly verdicts: string[];
}

/** @param tell called with the step of being sent, which no log line tells */
export function stage(tell: (step: Step) => void): Stage {
  const all = new Map<string, Seen>();
  const of = (id: string): Seen => {
    const found = all.get(id) ?? { verdicts: [] };
    all.set(id, found);
    return found;
  };
  return {
    seen: (step) => {
      const entry = of(step.id);
      if (step.kind === 'verdict') entry.verdicts.push(step.verdict);
      else if (step.kind === 'letter') entry.letter ??= step.letter;
      else if (step.kind === 'report' && entry.report === undefined) {
        entry.report = step.report;
        entry.reportAt = step.at;
      }
    },
    play: async (stack, scene, deadline, signal) => {
      const entry = of(scene.id);
      if (scene.losesAnswer === true) await loseOneAnswer(stack);
      const group = String(scene.body['account']);
      entry.sentAt = Date.now();
      tell({ kind: 'sent', id: scene.id, at: entry.sentAt, group });
      await stack.sqs.send(
        new SendMessageCommand({
          QueueUrl: stack.ready.queues.intents,
          MessageBody: JSON.stringify(scene.body),
          MessageGroupId: group,
          MessageDeduplicationId: scene.id,
        }),
      );
      const isOver = (): boolean =>
        entry.report !== undefined && (entry.report.reason === undefined || entry.letter !== undefined);
      while (!isOver() && Date.now() < deadline && !signal.aborted) await pause(5);
    },
    judge: async (stack, scenes) => {
      const orders = await ordersById(stack);
      return scenes.map((scene) => ending(scene, of(scene.id), orders.get(scene.id) ?? 0));
    },
  };
}

/** @param orders how many orders of the scene's id BitMart knows */
export function ending(scene: Scene, entry: Seen, orders: number): Ending {
  const { expected } = scene;
  const { report, letter, verdicts, sentAt, reportAt } = entry;
  const surprises: string[] = [];
  const compare = (what: string, is: string, wanted: string): void => {
    if (is !== wanted) surprises.push(`${what} is ${is}, expected ${wanted}`);
  };
  compare('report', report?.status ?? 'missing', expected.status);
  compare('reason', report?.reason ?? 'none', expected.reason ?? 'none');
  compare('dead letter', letter?.reason ?? 'none', expected.reason ?? 'none');
  compare('number of orders at BitMart', String(orders), String(expected.orders));
  if (expected.verdict !== undefined && !verdicts.includes(expected.verdict)) {
    compare("BitMart's answer", verdicts.join(', ') || 'none', expected.verdict);
  }
  const tookMs = sentAt === undefined || reportAt === undefined ? undefined : reportAt - sentAt;
  return { scene, report, letter, verdicts, tookMs, orders, surprises };
}

/** One outcome as one line of JSON. */
export function outcomeJson({ scene, report, letter, verdicts, tookMs, orders, surprises }: Ending): string {
  return JSON.stringify({
    id: scene.id,
    title: scene.title,
    status: report?.status ?? null,
    reason: report?.reason ?? null,
    detail: report?.detail ?? letter?.detail ?? null,
    venueOrderId: report?.venueOrderId ?? null,
    deadLetter: letter ?? null,
    verdicts,
    ordersAtVenue: orders,
    tookMs: tookMs ?? null,
    asExpected: surprises.length === 0,
    surprises,
    intent: scene.body,
  });
}

/** The next order that reaches BitMart is executed, and then the connection breaks. */
async function loseOneAnswer({ ready }: Stack): Promise<void> {
  const faults = [{ path: '/spot/v2/submit_order', fault: 'drop-after', times: 1 }];
  const response = await fetch(`${ready.control}/faults`, { method: 'PUT', body: JSON.stringify({ faults }) });
  if (!response.ok) throw new Error(`the local BitMart did not take the fault: ${await response.text()}`);
}

async function ordersById({ ready }: Stack): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${ready.control}/orders`);
  const orders = (await response.json()) as readonly { readonly clientOrderId: string }[];
  const counts = new Map<string, number>();
  for (const { clientOrderId } of orders) counts.set(clientOrderId, (counts.get(clientOrderId) ?? 0) + 1);
  return counts;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
