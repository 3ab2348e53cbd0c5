// What `npm start` prints: steps, the table of ends, one JSON object per outcome, and how to send the next intent.
// Pure: values in, text out, never wider than asked except inside commands that are to be copied.
import Table from 'cli-table3';
import pc from 'picocolors';
import type { Ending, Scene } from './demo.ts';
import type { Ready } from './stack.ts';
import type { Alarm, Step } from './watch.ts';

export type Paint = ReturnType<typeof pc.createColors>;

/** How text is laid out: `width` in columns, and colours that do nothing where none are wanted. */
export interface Look {
  readonly width: number;
  readonly paint: Paint;
}

/** @param isColoured whether the stream is a terminal that wants colours */
export function look(width: number, isColoured: boolean): Look {
  return { width: Math.min(Math.max(width, 60), 140), paint: pc.createColors(isColoured) };
}

export const usage = `npm start [-- --once] [--json]

Packages the functions, starts a local AWS and a local BitMart on 127.0.0.1, sends nine order intents, one for each
way an intent can end, and shows what becomes of each. Then it stays up and shows what you send; Ctrl-C ends it all.

  --once   end after the nine: exit code 0 if each ended as it should, 1 if one did not or 60 s were not enough
  --json   one JSON object per outcome on stdout instead of the table; everything else goes to stderr
  --help   this text

LOCAL_AWS_PORT (4566) and LOCAL_BITMART_PORT (4567) choose the ports, 0 any free one; LOCAL_TIME_SCALE (1), above 0
and at most 1, shortens every timeout; NO_COLOR switches colours off. npm run local starts the same without sending.
`;

/** What is going to happen. */
export function welcome({ width, paint }: Look): string {
  const text =
    'This sends nine order intents through SQS and the packaged Lambda functions to BitMart, and shows what becomes ' +
    'of each. AWS and BitMart are local ones, started for this on 127.0.0.1 with play money: BitMart itself stopped ' +
    'trading on 2026-08-26. No account is needed, nothing leaves this machine.';
  return `${paint.bold('Order intents, end to end')}\n${wrap(text, width)}\n`;
}

/** The line above the steps of one scene. */
export function heading(scene: Scene, index: number, count: number, { paint }: Look): string {
  return `\n${paint.dim(`${index + 1}/${count}`)} ${paint.bold(scene.title)} ${paint.dim(describe(scene.body))}`;
}

function describe(body: Readonly<Record<string, unknown>>): string {
  const of = (name: string): string => String(body[name] ?? '');
  if (body['action'] === 'cancel') return `target ${of('target')}`;
  const price = body['price'] === undefined ? '' : ` at ${of('price')}`;
  return body['notional'] === undefined ? `${of('size')} ${of('symbol')}${price}` : of('symbol');
}

/** Width of the time and place before the words of a step. */
const MARGIN = 20;

/** One step, as one line or a few. @param since the time that counts as 0 ms */
export function stepLine(step: Step, since: number, { width, paint }: Look): string {
  const [place, text] = words(step, paint);
  const time = `${Math.max(0, step.at - since)} ms`.padStart(9);
  const body = wrap(text, width - MARGIN).replaceAll('\n', `\n${' '.repeat(MARGIN)}`);
  return `${paint.dim(time)}  ${place.padEnd(MARGIN - 11)}${body}`;
}

function words(step: Step, paint: Paint): readonly [place: string, text: string] {
  switch (step.kind) {
    case 'sent':
      return ['SQS', `sent to intents.fifo, message group ${step.group}`];
    case 'taken':
      return ['Lambda', `${step.functionName} takes it${step.isFirst ? ', after a cold start' : ''}`];
    case 'verdict':
      return ['BitMart', verdictWords(step.verdict, step.detail)];
    case 'put-back': {
      const until = step.seconds === undefined ? 'its visibility timeout is over' : `${step.seconds} s are over`;
      return ['Lambda', `puts it back: it comes again when ${until}`];
    }
    case 'report': {
      const { status, reason, detail, venueOrderId } = step.report;
      const order = venueOrderId === undefined ? '' : `, order ${venueOrderId}`;
      // The sentence of a refusal follows with its dead letter.
      const why = reason === undefined ? (detail === undefined ? '' : `: ${detail}`) : `, ${reason}`;
      const found = step.wasLookedUp ? ': found by its id, not sent again' : '';
      return ['report', `${statusColour(status, paint)(status)}${order}${why}${found}`];
    }
    case 'letter': {
      const { reason, certainty, detail } = step.letter;
      return ['dead', `${paint.yellow(reason)}, ${certainty}: ${detail}`];
    }
  }
}

function verdictWords(verdict: string, detail: string | undefined): string {
  const more = detail === undefined ? '' : `: ${detail}`;
  const known: Readonly<Record<string, string>> = {
    placed: 'takes the order',
    done: 'cancels',
    refused: 'refuses',
    unknown: 'gives no answer, so the order is looked up',
    duplicate: 'knows the id already, so the order is looked up',
    finished: 'finds nothing open to cancel, so the order is looked up',
  };
  return `${known[verdict] ?? verdict}${more}`;
}

function statusColour(status: string, paint: Paint): (text: string) => string {
  if (['accepted', 'partially-filled', 'filled', 'done', 'canceled'].includes(status)) return paint.green;
  return status === 'unresolved' ? paint.red : paint.yellow;
}

export function alarmLine({ functionName, text }: Alarm, { width, paint }: Look): string {
  return paint.red(wrap(`${functionName}: ${text}`, width));
}

/** The table of ends: what was sent, what became of it, the order or the reason with its sentence, and how long it took. */
export function table(endings: readonly Ending[], { width, paint }: Look): string {
  const [number, became, took] = [4, 13, 8];
  const sent = Math.min(32, Math.floor((width - number - became - took) * 0.42));
  const rule = { mid: '─', 'top-mid': '─', 'mid-mid': '─', 'bottom-mid': '─', top: '─', bottom: '─' };
  const none = { left: '', 'left-mid': '', right: '', 'right-mid': '', middle: '' };
  const corners = { 'top-left': '', 'top-right': '', 'bottom-left': '', 'bottom-right': '' };
  const rows = new Table({
    head: ['', 'sent', 'became', 'order, or why there is none', 'ms'].map((text) => paint.bold(text)),
    chars: { ...rule, ...none, ...corners },
    colWidths: [number, sent, became, width - number - sent - became - took, took],
    colAligns: ['right', 'left', 'left', 'left', 'right'],
    wordWrap: true,
    style: { head: [], border: paint.isColorSupported ? ['gray'] : [], 'padding-left': 1, 'padding-right': 1 },
  });
  for (const [index, ending] of endings.entries()) {
    const { scene, report, tookMs, surprises } = ending;
    const status = report?.status ?? 'no end';
    const colour = surprises.length > 0 ? paint.red : statusColour(status, paint);
    rows.push([index + 1, scene.title, colour(status), why(ending), tookMs ?? '']);
  }
  return rows.toString();
}

function why({ report, letter, surprises, verdicts, orders }: Ending): string {
  const lines: string[] = [];
  if (report?.venueOrderId !== undefined) lines.push(`order ${report.venueOrderId}`);
  if (verdicts.includes('unknown') && orders === 1) lines.push('answer lost, looked up, placed once');
  if (report?.reason !== undefined) lines.push(report.reason);
  const detail = report?.detail ?? letter?.detail;
  if (detail !== undefined) lines.push(detail);
  if (surprises.length > 0) lines.push(`UNEXPECTED: ${surprises.join('; ')}`);
  return lines.join('\n');
}

/** What it all came to, in one sentence. */
export function summary(endings: readonly Ending[], { width, paint }: Look): string {
  const surprised = endings.filter(({ surprises }) => surprises.length > 0);
  if (surprised.length > 0) {
    const list = surprised.map(({ scene, surprises }) => `${scene.title}: ${surprises.join('; ')}`);
    const head = `${surprised.length} of ${endings.length} ended otherwise than they should:`;
    return [head, ...list].map((line) => paint.red(wrap(line, width))).join('\n');
  }
  const letters = endings.filter(({ letter }) => letter !== undefined).length;
  const orders = endings.reduce((sum, ending) => sum + ending.orders, 0);
  const text = `${endings.length} intents, ${endings.length} ends as expected: ${orders} orders at BitMart, none of them twice, and ${letters} dead letters with their reasons.`;
  return paint.green(wrap(text, width));
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

/** How to send the next intent: commands to be copied, so their lines stay as they are. */
export function howTo({ aws, region, queues }: Ready, { width, paint }: Look): string {
  const order = (quote: (name: string) => string): string =>
    `"account":"main","action":"place","market":"spot","symbol":"BTC_USDT",
     "side":"buy","type":"limit","size":"0.001","price":"50000",
     "createdAt":"${quote('now')}","expiresAt":"${quote('soon')}"`;
  const cli = `id=mine$(date +%s) now=$(date -u +%FT%TZ)
soon=$(date -u -d +1min +%FT%TZ 2>/dev/null || date -u -v+1M +%FT%TZ)
AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_PAGER= \\
aws sqs send-message --region ${region} --endpoint-url ${aws} \\
  --queue-url ${queues.intents} \\
  --message-group-id main --message-deduplication-id "$id" --message-body \\
  '{ "id":"'$id'",${order((name) => `'$${name}'`)} }'`;
  const node = `node --input-type=module -e '
import { SQSClient, SendMessageCommand } from "@aws-sdk/client-sqs";
const at = (ms) => new Date(Date.now() + ms).toISOString(), id = "mine" + Date.now();
const credentials = { accessKeyId: "local", secretAccessKey: "local" };
const sqs = new SQSClient({ endpoint: "${aws}", region: "${region}", credentials });
await sqs.send(new SendMessageCommand({
  QueueUrl: "${queues.intents}",
  MessageGroupId: "main", MessageDeduplicationId: id, MessageBody: JSON.stringify({
    id, account: "main", action: "place", market: "spot", symbol: "BTC_USDT",
    side: "buy", type: "limit", size: "0.001", price: "50000",
    createdAt: at(0), expiresAt: at(60_000) }) }));'`;
  const intro =
    'Everything stays up. Send the next intent and it is shown here, report and dead letter included (this window ' +
    'takes them off their queues).';
  return [
    wrap(intro, width),
    `\n${paint.bold('With the AWS CLI')}\n`,
    cli,
    `\n${paint.bold('With Node, in this directory')}\n`,
    node,
    `\n${paint.bold('Ctrl-C')} ends everything.`,
  ].join('\n');
}

/** Breaks at spaces; a word that is longer than the line stands alone and overlong. Line breaks in `text` stay. */
export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && visible(line) + 1 + visible(word) > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.join('\n');
}

/** Length without colour codes. */
function visible(text: string): number {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\x1b\[\d+m/g, '').length;
}
