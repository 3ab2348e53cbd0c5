// docs/metrics.md: every metric and alarm with what it says and what it costs, made of the table in shared/metrics.ts and of
// the alarms in serverless.yml. Reads and writes nothing.
import { metrics, NAMESPACE, type Row } from '../shared/metrics.ts';

/** A standard metric costs so much a month, for the hours in which it was written [CloudWatch's list price; up to 10,000]. */
export const METRIC_DOLLARS = 0.3;

/** How many accounts there are, and whether anything is wrong: what is written in trouble alone is not written in a calm month. */
interface Reckoned {
  readonly accounts: number;
  readonly isCalm: boolean;
}

/**
 * A metric is paid for in the hours in which it is written: those of orders at most in one for each order.
 * @param hours of the month
 */
export function metricHours(orders: number, hours: number, { accounts, isCalm }: Reckoned): number {
  const all: readonly Row[] = Object.values(metrics);
  const written = all.filter(({ isTrouble }) => !isCalm || isTrouble !== true);
  return written.reduce((sum, { by, and, writtenBy }) => {
    const sets = 1 + { stage: 0, venue: 1, account: accounts }[by] + (and === undefined ? 0 : 1);
    return sum + sets * (writtenBy === 'probe' || writtenBy === 'all' ? hours : Math.min(hours, orders));
  }, 0);
}

/** A text of a list, with lines that a terminal shows whole. */
function filled(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 112) lines.push(`  ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}

/** docs/metrics.md, without formatting. @param made the line that says where the page comes from @param alarms by name: what it says and the page */
export function metricsPage(
  made: string,
  alarms: readonly { readonly name: string; readonly says: string; readonly page: string }[],
): string {
  const all: readonly (readonly [string, Row])[] = Object.entries(metrics);
  const rows = all.map(([name, { unit, by, and, writtenBy, meaning, alarms: raised = [] }]) => {
    const sets = ['stage', ...(by === 'stage' ? [] : [by === 'account' ? 'stage, account, venue' : 'stage, venue'])];
    const dimensions = [...sets, ...(and === undefined ? [] : [`stage, ${and}`])].join(' · ');
    const looked = raised.map((each) => {
      const page = alarms.find((alarm) => alarm.name === each)?.page ?? '';
      return `\`${each}\` → [${page}](runbook/${page}.md)`;
    });
    const alarming = looked.length === 0 ? '' : ` Alarm: ${looked.join(', ')}.`;
    return `- **\`${name}\`** (${unit}; by ${dimensions}; written by ${writtenBy}).\n${filled(`${meaning}.${alarming}`)}`;
  });
  /** A month in which all is written in every hour of it. */
  const dollars = (accounts: number, isCalm: boolean): string =>
    `$${(metricHours(Number.POSITIVE_INFINITY, 1, { accounts, isCalm }) * METRIC_DOLLARS).toFixed(2)}`;
  const costs = [1, 20, 100].map(
    (accounts) =>
      `| ${accounts} | ${dollars(accounts, true)} | ${dollars(accounts, false)} | ${dollars(0, true)} to ${dollars(0, false)} |`,
  );
  return `# Metrics and alarms

${made}

Namespace \`${NAMESPACE}\`. Each metric counts under \`stage\` alone, which alarms look at; most under the account as well. A
function collects them in memory and writes them at the end of an invocation: one that is killed in the middle, or has run out of
time, has lost them, and what became of its orders is told all the same. Why so: [decision 16](decisions/0016-eyes.md).

${rows.join('\n')}

## What they cost

A metric is a name with one value for each of its dimensions, and costs $${METRIC_DOLLARS.toFixed(2)} a month if it is written in every
hour; AWS counts hours. The table is for orders in every hour of the month. In a calm month, what tells of trouble alone is not
written. With fewer orders it is less, since in an hour without any the probe alone writes: [stack.md](stack.md#what-it-costs) has
the calm month of one account by the number of its orders, and comes to the first row of this table.

| accounts | a calm month | trouble of every kind in every hour | \`accountMetrics: 'false'\` |
|---|---|---|---|
${costs.join('\n')}

One outcome and one reason are in it; each further one that occurs adds one. ${alarms.length} alarms cost $0.10 each; three dashboards of an AWS account are
free, and a further one costs $3.

## Lines

In the log groups \`/aws/lambda/trading-bot-<stage>-execute\` and \`-reconcile\`. An intent that left has one line \`outcome\` with
\`disposition\` acknowledge or bury and no \`untold\`; an accepted order that ended has one line \`followed\` with \`step\` finished. Both
carry \`id\`, \`account\`, \`venue\`, \`action\`, \`market\`, \`symbol\`, \`status\`, \`reason\`, \`certainty\`, \`detail\`,
\`receiveCount\` (how often SQS had handed it out) and \`latencyMs\` (from createdAt to the report); \`outcome\` also \`sent\` and
\`lookups\` (requests of this delivery for it, and how often it was looked for), \`decisionToSendMs\` and \`sendToAckMs\`. Every line
ends with \`service\`, \`stage\`, \`requestId\` and, in the first invocation of an environment, \`coldStart\`.

## Alarms

Each goes to the topic \`AlarmTopicArn\` of the stack's outputs, and its description names its page.

| alarm | what it says | page |
|---|---|---|
${alarms.map(({ name, says, page }) => `| \`${name}\` | ${says} | ${page} |`).join('\n')}
`;
}
