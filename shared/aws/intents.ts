// Puts intents on the queue as every producer has to: group = account, deduplication id = intent id, batches of ten.
// Says of each intent what became of it, and sends none of an account behind whose back an earlier one failed.
// Reads no environment and no clock, and never throws.
import {
  SendMessageBatchCommand,
  type SendMessageBatchCommandInput,
  type SendMessageBatchCommandOutput,
} from '@aws-sdk/client-sqs';
import { parse, type OrderIntent } from '../order/intent.ts';
import { sentence } from '../order/report.ts';

/**
 * What became of one intent. In any case the very same intent, its id and createdAt included, may be sent again: within
 * five minutes of the first time SQS makes no second message of it, and later it is looked up at the venue before anything
 * is sent (docs/decisions/0001-no-database.md). Never send a changed intent under the same id.
 */
export type Sending =
  /** It is on the queue, or was put there under this id within the last five minutes. */
  | { readonly id: string; readonly kind: 'sent'; readonly messageId: string }
  /** It is not on the queue. `code`: SQS's own, or the error's name, or one of `OwnCode`. */
  | { readonly id: string; readonly kind: 'failed'; readonly code: string; readonly detail: string }
  /** Nobody said: it may be on the queue. Send the same intent again, within five minutes. */
  | { readonly id: string; readonly kind: 'unknown'; readonly code: string; readonly detail: string };

/**
 * Why something was not tried. MALFORMED: no intent. ID_TWICE: another intent of the same call has its account and id.
 * NOT_TRIED: an earlier one of its account was not sent, or SQS does not answer.
 */
export type OwnCode = 'MALFORMED' | 'ID_TWICE' | 'NOT_TRIED';

/** The one call that is made: an SQSClient has it. */
export interface IntentsClient {
  send(command: SendMessageBatchCommand): Promise<Answer>;
}
type Answer = Pick<SendMessageBatchCommandOutput, 'Successful' | 'Failed'>;
type Entry = NonNullable<SendMessageBatchCommandInput['Entries']>[number];
type Refused = NonNullable<Answer['Failed']>[number];

/** SQS's limit. Ten intents of 4 KiB, the most that `parse` lets through, are far below its limit for a batch, 1 MiB. */
const BATCH = 10;
/** What SQS names as failed is asked for once more; calls without an answer are repeated by the client itself. */
const TRIES = 2;

/** Intents by their place in the call, and what became of each; undefined where that is open. */
type Places = (Sending | undefined)[];

/**
 * Sends intents in their order, one batch after the other. After one that was not sent, the later ones of its account are
 * not tried. (Within one batch SQS may take a later one and not an earlier one; the earlier one is then not asked for again,
 * since it would come behind.) After a call that failed as a whole nothing more is tried.
 * @param intents checked by `parse`: what is none is not sent
 * @returns one entry per intent, in their order
 */
export async function sendIntents(
  client: IntentsClient,
  queueUrl: string,
  intents: readonly OrderIntent[],
): Promise<readonly Sending[]> {
  const became = refusals(intents);
  for (let batch = nextBatch(intents, became); batch.length > 0; batch = nextBatch(intents, became)) {
    const failure = await sendBatch(client, queueUrl, intents, batch, became);
    if (failure !== undefined) rest(intents, became, `the call before it failed: ${failure}`);
  }
  rest(intents, became, 'an earlier intent of its account was not sent; it would have come before it');
  return became.filter((one) => one !== undefined);
}

/** What is no intent, and what would vanish without a word: SQS drops a second message of an id as a repetition. */
function refusals(intents: readonly OrderIntent[]): Places {
  const bodies = new Map<string, string>();
  return intents.map((intent) => {
    const body = JSON.stringify(intent);
    const parsed = parse(body);
    if (parsed.kind === 'malformed') return failed(intent, 'MALFORMED', parsed.problems.join('; '));
    const name = `${intent.account} ${intent.id}`;
    if ((bodies.get(name) ?? body) !== body) {
      return failed(intent, 'ID_TWICE', 'another intent of this call has the same id; give each its own');
    }
    bodies.set(name, body);
    return undefined;
  });
}

/** The next places to send: none of an account of which an earlier intent was not sent. */
function nextBatch(intents: readonly OrderIntent[], became: Places): readonly number[] {
  const held = new Set<string>();
  const batch: number[] = [];
  for (const [place, { account }] of intents.entries()) {
    const one = became[place];
    if (one === undefined && !held.has(account)) batch.push(place);
    if (one !== undefined && one.kind !== 'sent') held.add(account);
    if (batch.length === BATCH) break;
  }
  return batch;
}

/** @returns the name of what the whole call failed with */
async function sendBatch(
  client: IntentsClient,
  QueueUrl: string,
  intents: readonly OrderIntent[],
  batch: readonly number[],
  became: Places,
): Promise<string | undefined> {
  const at = (place: number): OrderIntent => intents[place] as OrderIntent;
  let open = batch;
  for (let time = 1; open.length > 0; time += 1) {
    try {
      const command = new SendMessageBatchCommand({
        QueueUrl,
        Entries: open.map((place) => entryOf(at(place), place)),
      });
      const { Successful = [], Failed = [] } = await client.send(command);
      const refused = new Map(Failed.map((one) => [Number(one.Id), one]));
      const taken = new Map(Successful.map((one) => [Number(one.Id), one.MessageId ?? '']));
      for (const place of open) became[place] = sendingOf(at(place), taken.get(place), refused.get(place));
      open = time < TRIES ? repeatable(open, (place) => at(place).account, taken, refused) : [];
    } catch (error) {
      const { code, detail, isSure } = whyFailed(error);
      for (const place of open) became[place] = (isSure ? failed : unknown)(at(place), code, detail);
      return code;
    }
  }
  return undefined;
}

/** What SQS refused through no fault of the entry, of accounts of which it took nothing that stands behind. */
function repeatable(
  places: readonly number[],
  accountOf: (place: number) => string,
  taken: ReadonlyMap<number, string>,
  refused: ReadonlyMap<number, Refused>,
): readonly number[] {
  const held = new Set<string>();
  for (const place of places) {
    const isFirst = (other: number): boolean => other < place && accountOf(other) === accountOf(place);
    const isBehind = taken.has(place) && places.some((other) => isFirst(other) && !taken.has(other));
    if (isBehind || (!taken.has(place) && refused.get(place)?.SenderFault !== false)) held.add(accountOf(place));
  }
  return places.filter((place) => refused.has(place) && !held.has(accountOf(place)));
}

function entryOf(intent: OrderIntent, place: number): Entry {
  const MessageBody = JSON.stringify(intent);
  return { Id: String(place), MessageBody, MessageGroupId: intent.account, MessageDeduplicationId: intent.id };
}

function sendingOf(intent: OrderIntent, messageId: string | undefined, refused: Refused | undefined): Sending {
  if (messageId !== undefined) return { id: intent.id, kind: 'sent', messageId };
  if (refused === undefined) return unknown(intent, 'NotNamed', 'SQS named it neither as taken nor as refused');
  return failed(intent, refused.Code ?? 'refused', refused.Message ?? 'SQS did not take it');
}

/** What an error of the call proves. Nothing was taken where SQS refused the first and only request, or none could be signed. */
function whyFailed(error: unknown): { readonly code: string; readonly detail: string; readonly isSure: boolean } {
  if (!(error instanceof Error)) return { code: 'Unknown', detail: 'no answer came', isSure: false };
  const { code, $fault, $metadata } = error as Error & {
    readonly code?: unknown;
    readonly $fault?: unknown;
    readonly $metadata?: { readonly attempts?: number };
  };
  const isRefused = $fault === 'client' && $metadata?.attempts === 1;
  const isUnsigned = error.name === 'CredentialsProviderError' || error.message === 'Region is missing';
  return {
    code: typeof code === 'string' ? code : error.name,
    detail: error.message,
    isSure: isRefused || isUnsigned,
  };
}

function rest(intents: readonly OrderIntent[], became: Places, detail: string): void {
  for (const [place, intent] of intents.entries()) became[place] ??= failed(intent, 'NOT_TRIED', detail);
}

function failed({ id }: OrderIntent, code: string, detail: string): Sending {
  return { id, kind: 'failed', code, detail: sentence(detail) };
}

function unknown({ id }: OrderIntent, code: string, detail: string): Sending {
  const way = 'it may be on the queue; send the same intent again within five minutes, which makes no second message';
  return { id, kind: 'unknown', code, detail: sentence(`${detail}: ${way}`) };
}
