// How `desk` sends: it shows what it is about to send, asks, sends as every producer does, and waits for what becomes of it
// where that is wanted. Nothing is sent before the answer is yes; what SQS did not take, or did not answer, is told.
import type { Sending } from '../shared/aws/intents.ts';
import { sendIntents } from '../producer/send.ts';
import { follow, isGood, type Ending } from './following.ts';
import { describe, type Draft } from './intents.ts';
import type { Desk } from './run.ts';
import { EXIT, refusal, type ExitCode } from './terminal.ts';

/** Options of every command that sends. */
export interface SendOptions {
  /** How long they live from the sending on, in seconds. */
  readonly expires: string;
  readonly dryRun?: true;
  /** true: for as long as is usual. */
  readonly wait?: string | true;
}

const WAIT_SECONDS = 30;
const MOST_WAIT_SECONDS = 3600;
/** More than these are shown as a number. */
const SHOWN = 20;

/** @throws Refusal where it is no life of an intent */
export function lifeOf({ expires }: SendOptions): number {
  return seconds('--expires', expires, 600) * 1000;
}

/**
 * Shows, asks, sends and waits.
 * @returns trouble where one was not sent, or came to no good; unreachable where of one nobody knows whether it was sent
 */
export async function send(desk: Desk, drafts: readonly Draft[], options: SendOptions): Promise<ExitCode> {
  const waitMs = options.wait === undefined ? 0 : waitOf(options.wait) * 1000;
  show(desk, drafts, options);
  if (options.dryRun === true) {
    desk.say('Nothing was sent (--dry-run).');
    desk.result({ dryRun: true, intents: drafts.map(({ intent }) => ({ intent })) });
    return EXIT.done;
  }
  const what = drafts.length === 1 ? 'it' : `these ${drafts.length} intents`;
  await desk.confirm(`Send ${what}?`);
  const intents = drafts.map(({ make }) => make());
  const sendings = await sendIntents(desk.stack.queues.intents, intents, { client: desk.stack.sqs });
  for (const sending of sendings) tell(desk, sending, drafts.length);
  const sent = intents.filter((_, index) => sendings[index]?.kind === 'sent');
  const endings = waitMs > 0 && sent.length > 0 ? await watch(desk, sent, waitMs) : [];
  desk.result({
    dryRun: false,
    intents: intents.map((intent, index) => ({
      intent,
      sending: sendings[index],
      ending: endings.find(({ id, account }) => id === intent.id && account === intent.account),
    })),
  });
  if (sendings.some(({ kind }) => kind === 'unknown')) return EXIT.unreachable;
  return sent.length === intents.length && endings.every(isGood) ? EXIT.done : EXIT.trouble;
}

function show(desk: Desk, drafts: readonly Draft[], { expires }: SendOptions): void {
  const [first] = drafts;
  if (first !== undefined && drafts.length === 1) {
    const until = first.isTimed ? `at ${first.intent.expiresAt}` : `${expires} s after it is sent`;
    desk.say(`${capital(describe(first.intent))}. Id ${first.intent.id}; it expires ${until}.`);
    return;
  }
  const rows = drafts.slice(0, SHOWN).map(({ intent }) => [intent.id, describe(intent)]);
  desk.table(['id', 'what'], rows, '');
  if (drafts.length > SHOWN) desk.say(`and ${drafts.length - SHOWN} more`);
}

function tell(desk: Desk, sending: Sending, count: number): void {
  if (sending.kind !== 'sent') desk.say(`${sending.id}: ${sending.kind} (${sending.code}), ${sending.detail}`);
  else if (count <= SHOWN) desk.say(`${sending.id}: sent`);
}

async function watch(desk: Desk, intents: Parameters<typeof follow>[1], forMs: number): Promise<readonly Ending[]> {
  const endings = await follow(desk, intents, forMs);
  for (const { id, status, reason, detail, report } of endings) {
    const filled = report?.filledSize === undefined ? '' : `, ${report.filledSize} filled`;
    const price = report?.averagePrice === undefined ? '' : ` at ${report.averagePrice}`;
    const why = [reason, detail].filter((part) => part !== undefined).join(': ');
    desk.say(`${id}: ${status}${filled}${price}${why === '' ? '' : `, ${why}`}`);
  }
  return endings;
}

function waitOf(wait: string | true): number {
  return wait === true ? WAIT_SECONDS : seconds('--wait', wait, MOST_WAIT_SECONDS);
}

/** @throws Refusal where it is no whole number from 1 to `most` */
function seconds(option: string, text: string, most: number): number {
  if (/^\d{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= most) return Number(text);
  throw refusal(`${option} takes whole seconds from 1 to ${most}, not "${text}"; nothing was sent.`);
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
