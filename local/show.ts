// What `npm start` prints: steps, the table of ends, one JSON object per outcome, and how to send the next intent.
// Pure: values in, text out, never wider than asked except inside commands that are to be copied.
import Table from 'cli-table3';
import type { Ending, Scene } from './demo.ts';
import type { ExecutionReport } from '../shared/order/report.ts';
import { wrap, type Look, type Paint } from './screen.ts';
import type { Ready } from './stack.ts';
import type { Alarm, Step } from './watch.ts';

export const usage = `npm start [-- --once] [--json]

Packages the functions, starts a local AWS and a local BitMart on 127.0.0.1,
sends a handful of order intents, that end in different ways, and shows what
becomes of each. Then it stays up and shows what you send; Ctrl-C ends it all.

  --once   end when all have ended: exit code 0 if each ended as it should,
           1 if one did not or 60 s were not enough
  --json   one JSON object per outcome on stdout instead of the table;
           everything else goes to stderr
  --help   this text

  LOCAL_AWS_PORT, LOCAL_BITMART_PORT   4566 and 4567; 0 takes any free port
  LOCAL_TIME_SCALE                     1; less shortens every timeout
  NO_COLOR                             set to anything: no colours

npm run local starts the same, sends nothing and shows no outcome.
`;

/** What is going to happen. @param count how many intents are sent */
export function welcome(count: number, { width, paint }: Look): string {
  const text =
    `${count} order intents go through SQS and the packaged Lambda function to the local BitMart; here is what becomes of each. ` +
    'AWS and BitMart are local ones, started for this on 127.0.0.1 with play money: BitMart itself stopped trading ' +
    'on 2026-08-26. To show reports and dead letters, this takes them off their queues.';
  return `${paint.bold('Order intents, end to end')}\n${wrap(text, width)}\n`;
}

/** The line above the steps of one scene. */
export function heading(scene: Scene, index: number, count: number, { paint }: Look): string {
  return `\n${paint.dim(`${index + 1}/${count}`)} ${paint.bold(scene.title)} ${paint.dim(`· ${describe(scene.body)}`)}`;
}

function describe(body: Readonly<Record<string, unknown>>): string {
  const of = (name: string): string => {
    const value = body[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  if (body['action'] === 'cancel') return of('target');
  const price = body['price'] === undefined ? '' : ` at ${of('price')}`;
  return body['notional'] === undefined ? `${of('size')} ${of('symbol')}${price}` : of('symbol');
}

/** Width of the time and place before the words of a step. */
const MARGIN = 20;

/**
 * One step, as one line or a few.
 * @param since the time that counts as 0 ms
 * @param whose the intent, where it is not the one under whose heading the line stands
 */
export function stepLine(step: Step, since: number, { width, paint }: Look, whose = ''): string {
  const [place, text] = words(step, paint);
  const time = `${Math.max(0, step.at - since)} ms`.padStart(9);
  const said = whose === '' ? text : `${paint.bold(whose)} ${text}`;
  const body = wrap(said, width - MARGIN).replaceAll('\n', `\n${' '.repeat(MARGIN)}`);
  return `${paint.dim(time)}  ${place.padEnd(MARGIN - 11)}${body}`;
}

function words(step: Step, paint: Paint): readonly [place: string, text: string] {
  switch (step.kind) {
    case 'sent':
      return ['SQS', `sent to intents.fifo, message group ${step.group}`];
    case 'taken':
      return ['Lambda', `${step.functionName} takes it${step.isFirst ? ', after a cold start' : ''}`];
    case 'verdict':
      return isShadow(step.detail)
        ? ['shadow', 'signed, not sent']
        : ['BitMart', verdictWords(step.verdict, step.action, step.detail)];
    case 'put-back': {
      const until = step.seconds === undefined ? 'its visibility timeout is over' : `${step.seconds} s are over`;
      return ['Lambda', `puts it back: it comes again when ${until}`];
    }
    case 'report':
      return ['report', reportWords(step.report, paint) + (step.wasLookedUp ? ', found by its id' : '')];
    case 'letter': {
      const { reason, certainty, detail } = step.letter;
      return ['dead', `${paint.yellow(reason)} (${certainty}): ${detail}`];
    }
  }
}

function reportWords(report: ExecutionReport, paint: Paint): string {
  const { status, reason, detail, venueOrderId, filledSize, averagePrice, fee, feeCoin } = report;
  const parts = [statusColour(status, paint)(status)];
  if (venueOrderId !== undefined) parts.push(`order ${venueOrderId}`);
  if (filledSize !== undefined) parts.push(`${filledSize} filled${averagePrice ? ` at ${averagePrice}` : ''}`);
  if (fee !== undefined) parts.push(`fee ${fee} ${feeCoin ?? ''}`);
  // With a reason, the sentence follows in the dead letter.
  const why = reason ?? detail;
  if (why !== undefined) parts.push(why);
  return parts.join(', ');
}

/** An account in shadow mode: what would have been sent stands in the report. */
function isShadow(detail: string | undefined): boolean {
  return detail?.startsWith('shadow mode: ') === true;
}

/** What BitMart does where it says yes, by what was asked for. */
const DOES: Readonly<Partial<Record<string, string>>> = {
  cancel: 'takes the cancel',
  'cancel-all': 'cancels all',
  amend: 'takes the amend',
  'set-leverage': 'sets leverage and margin mode',
  'set-position-mode': 'sets the position mode',
  'cancel-all-after': 'sets the dead-man switch',
};

function verdictWords(verdict: string, action: string, detail: string | undefined): string {
  const more = detail === undefined ? '' : `: ${detail}`;
  const isAboutOrder = ['place', 'cancel', 'amend'].includes(action);
  switch (verdict) {
    case 'placed':
      return 'takes the order';
    case 'done':
    case 'taken':
      return `${DOES[action] ?? 'takes the request'}${more}`;
    case 'refused':
      // Its sentence follows in the dead letter.
      return 'refuses';
    case 'unknown':
      return isAboutOrder
        ? `gave no answer, so the order is looked up${action === 'place' ? ', not sent again' : ''}${more}`
        : `gave no answer, so all that follows waits until the request can no longer take effect${more}`;
    case 'duplicate':
      return `knows the id already, so the order is looked up${more}`;
    case 'finished':
      return `finds nothing open to ${action || 'change'}, so the order is looked up${more}`;
    default:
      return `${verdict}${more}`;
  }
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
  const [number, became, took] = [4, 11, 6];
  const rest = width - number - became - took;
  const sent = Math.min(42, Math.round(rest * 0.4));
  const rule = { mid: '─', top: '─', bottom: '─' };
  const none = { left: '', 'left-mid': '', right: '', 'right-mid': '', middle: '' };
  const middles = { 'top-mid': '', 'mid-mid': '', 'bottom-mid': '' };
  const corners = { 'top-left': '', 'top-right': '', 'bottom-left': '', 'bottom-right': '' };
  const rows = new Table({
    head: ['', 'sent', 'became', 'order, or why there is none', 'ms'].map((text) => paint.bold(text)),
    chars: { ...rule, ...none, ...middles, ...corners },
    colWidths: [number, sent, became, rest - sent, took],
    colAligns: ['right', 'left', 'left', 'left', 'right'],
    wordWrap: true,
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1 },
  });
  for (const [index, ending] of endings.entries()) {
    const { scene, report, tookMs, surprises } = ending;
    const status = report?.status ?? 'no end';
    const colour = surprises.length > 0 ? paint.red : statusColour(status, paint);
    rows.push([index + 1, scene.title, colour(status), why(ending, paint), tookMs ?? '']);
  }
  const lines = rows.toString().split('\n');
  return lines.map((line) => (line.startsWith('─') ? paint.dim(line) : line.trimEnd())).join('\n');
}

function why({ scene, report, letter, surprises, verdicts, orders }: Ending, paint: Paint): string {
  const lines: string[] = [];
  if (report?.venueOrderId !== undefined) lines.push(`order ${report.venueOrderId}`);
  if (verdicts.includes('unknown') && orders === 1) lines.push('answer lost, found by its id, placed once');
  if (report?.status === 'done' && scene.body['action'] === 'cancel')
    lines.push(`${String(scene.body['target'])} is off the book`);
  if (report?.reason !== undefined) lines.push(report.reason);
  const detail = report?.detail ?? letter?.detail;
  if (detail !== undefined) lines.push(detail);
  if (surprises.length > 0) lines.push(paint.red(`UNEXPECTED: ${surprises.join('; ')}`));
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

/** How to send the next intent: commands to be copied, so their lines stay as they are. */
export function howTo({ aws, region, queues }: Ready, { width, paint }: Look): string {
  const cli = `id=mine$(date +%s) now=$(date -u +%FT%TZ)
soon=$(date -u -d +1min +%FT%TZ 2>/dev/null || date -u -v+1M +%FT%TZ)
AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_PAGER= \\
aws sqs send-message --region ${region} \\
  --endpoint-url ${aws} \\
  --queue-url ${queues.intents} \\
  --message-group-id main --message-deduplication-id "$id" --message-body '{
    "id":"'$id'", "account":"main", "action":"place", "market":"spot",
    "symbol":"BTC_USDT", "side":"buy", "type":"limit",
    "size":"0.001", "price":"50000",
    "createdAt":"'$now'", "expiresAt":"'$soon'" }'`;
  const node = `npx node --input-type=module -e '
import { SQSClient, SendMessageCommand } from "@aws-sdk/client-sqs";
const sqs = new SQSClient({
  endpoint: "${aws}", region: "${region}",
  credentials: { accessKeyId: "local", secretAccessKey: "local" } });
const id = "mine" + Date.now();
const at = (ms) => new Date(Date.now() + ms).toISOString();
await sqs.send(new SendMessageCommand({
  QueueUrl: "${queues.intents}",
  MessageGroupId: "main", MessageDeduplicationId: id,
  MessageBody: JSON.stringify({
    id, account: "main", action: "place", market: "spot",
    symbol: "BTC_USDT", side: "buy", type: "limit",
    size: "0.001", price: "50000",
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
