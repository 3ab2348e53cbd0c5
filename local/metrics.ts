// docs/metrics.md: every metric and alarm with what it says and what it costs, made of the table in shared/metrics.ts and of
// the alarms in serverless.yml. Reads and writes nothing.
import { metrics, NAMESPACE, type Row } from '../shared/metrics.ts';

/** A standard metric costs so much a month, for the hours in which it was written [CloudWatch's list price; up to 10,000]. */
export const METRIC_DOLLARS = 0.3;

/**
 * A metric is paid for in the hours in which it is written: those of orders at most in one for each order. With one account.
 * @param hours of the month
 */
export function metricHours(orders: number, hours: number): number {
  const all: readonly Row[] = Object.values(metrics);
  // What is written in trouble alone is left out: this is a calm month.
  const calm = all.filter(({ isTrouble }) => isTrouble !== true);
  return calm.reduce((sum, { by, and, writtenBy }) => {
    const sets = (by === 'stage' ? 1 : 2) + (and === undefined ? 0 : 1);
    return sum + sets * (writtenBy === 'probe' || writtenBy === 'all' ? hours : Math.min(hours, orders));
  }, 0);
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
      return `${each} → ${page}`;
    });
    return `| \`${name}\` | ${unit} | ${dimensions} | ${writtenBy} | ${meaning} | ${looked.join(', ')} |`;
  });
  const ofAccount = all.filter(([, { by }]) => by === 'account');
  const calm = ofAccount.filter(([, { isTrouble }]) => isTrouble !== true).length;
  const ofStage = all.length + all.filter(([, { by }]) => by === 'venue').length;
  const dollars = (count: number): string => `$${(count * METRIC_DOLLARS).toFixed(2)}`;
  const costs = [1, 20, 100].map(
    (accounts) =>
      `| ${accounts} | ${dollars(ofStage + calm * accounts)} | ${dollars(ofStage + ofAccount.length * accounts)} | ${dollars(ofStage)} |`,
  );
  return `# Metrics and alarms

${made}

Namespace \`${NAMESPACE}\`. Each metric counts under \`stage\` alone, which alarms look at; most under the account as well. A
function collects them in memory and writes them at the end of an invocation: one that is killed in the middle, or has run out of
time, has lost them, and what became of its orders is told all the same. Why so: [decision 16](decisions/0016-eyes.md).

| metric | unit | sets of dimensions | written by | what it says | alarm → page |
|---|---|---|---|---|---|
${rows.join('\n')}

## What they cost

A metric is a name with one value for each of its dimensions, and costs ${dollars(1)} a month if it is written in every hour; AWS
counts hours. So this is the most: an account that trades in one hour of four costs a quarter.

| accounts | all calm | everything written in every hour | \`accountMetrics: 'false'\` |
|---|---|---|---|
${costs.join('\n')}

Each outcome and each reason that occurs adds one. ${alarms.length} alarms cost $0.10 each; three dashboards of an AWS account are
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
