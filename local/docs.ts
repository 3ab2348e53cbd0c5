// `npm run docs`: the pages under docs/ that are made of the code: the intent's JSON Schema, the reasons, the venue's
// codes and endpoints, the doctor's findings, the parameters of strategies, what the backtests say, the execution test spec, licences. A test
// fails when a page is not what the code says. Writes nothing else.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import prettier from 'prettier';
import { codes } from '../shared/bitmart/codes.ts';
import { endpointsPage } from '../shared/bitmart/endpoints.ts';
import { doctorPage } from '../shared/bitmart/findings.ts';
import { intentJsonSchema } from '../shared/order/intent.ts';
import { movedBySqs, reasons } from '../shared/order/reason.ts';
import { strategies } from '../shared/strategies/all.ts';
import { licencesPage } from './licences.ts';
import { metricsPage } from './metrics.ts';
import { costTable } from './costs.ts';
import { scalePage } from './scale.ts';
import { cases, nameOf } from '../tests/spec/cases.ts';
import { grounds } from '../tests/spec/grounds.ts';

const MADE = 'Made from the code by `npm run docs`; do not edit.';

/** Every generated page: its path from the root of the repository, and its text as it should be. */
export async function pages(): Promise<Readonly<Record<string, string>>> {
  const texts = {
    'docs/intent.schema.json': JSON.stringify(intentJsonSchema()),
    'docs/reasons.md': reasonsPage(),
    'docs/codes.md': codesPage(),
    'docs/endpoints.md': endpointsPage(MADE),
    'docs/strategy-parameters.md': parametersPage(),
    'docs/doctor.md': doctorPage(MADE),
    'docs/execution-spec.md': specPage(),
    'docs/scale.md': scalePage(MADE),
    'docs/licences.md': await licencesPage(MADE),
    'docs/metrics.md': metricsPage(MADE, await alarms()),
    ...(await backtests()),
    ...(await costs()),
  };
  const formatted = Object.entries(texts).map(async ([path, text]) => {
    if (path.endsWith('.svg')) return [path, text];
    const config = await prettier.resolveConfig(fileURLToPath(new URL(`../${path}`, import.meta.url)));
    return [path, await prettier.format(text, { ...config, filepath: path })];
  });
  return Object.fromEntries(await Promise.all(formatted)) as Record<string, string>;
}

const ALARM =
  /AlarmName: \S+\$\{sls:stage\}-([\w-]+)\n +AlarmDescription: "?(.+?\.) \$\{param:runbook\}\/([\w-]+)\.md/g;

/** The alarms, as serverless.yml has them. */
async function alarms() {
  const text = await readFile(fileURLToPath(new URL('../serverless.yml', import.meta.url)), 'utf8');
  return [...text.matchAll(ALARM)].map(([, name = '', says = '', page = '']) => ({ name, says, page }));
}

/** The page on the stack, with what it costs. */
async function costs(): Promise<Readonly<Record<string, string>>> {
  const path = 'docs/stack.md';
  const page = await readFile(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');
  const table = costTable((await alarms()).length);
  return { [path]: page.replace(/(?<=<!-- costs -->\n).*(?=<!-- end of costs -->)/s, () => `\n${table}\n\n`) };
}

const STRATEGIES = 'docs/strategies.md';
const BACKTEST = /^```sh\n(npx desk backtest (\w+) [^\n]*)\n```\n\n```text\n.*?^```$/gms;

/** The page on strategies, where each backtest's command is followed by what it says; and their charts. */
async function backtests(): Promise<Readonly<Record<string, string>>> {
  const page = await readFile(fileURLToPath(new URL(`../${STRATEGIES}`, import.meta.url)), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'backtests-'));
  const texts: Record<string, string> = {};
  let text = page;
  try {
    for (const [block, command = '', name = ''] of page.matchAll(BACKTEST)) {
      const file = join(folder, `${name}.svg`);
      const [, , ...args] = [...command.split(' '), '--chart', file];
      const cwd = fileURLToPath(new URL('../', import.meta.url));
      const env = { PATH: process.env['PATH'], COLUMNS: '100', NO_COLOR: '1' };
      const { stdout } = await promisify(execFile)(process.execPath, ['cli/desk.ts', ...args], { cwd, env });
      const [said = ''] = stdout.split('\n\nThe chart is in ');
      text = text.replace(block, () => ['```sh', command, '```', '', '```text', said, '```'].join('\n'));
      texts[`docs/backtest-${name}.svg`] = await readFile(file, 'utf8');
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { ...texts, [STRATEGIES]: text };
}

function reasonsPage(): string {
  const rows = Object.entries(reasons).map(
    ([code, { certainty, meaning, next }]) => `| \`${code}\` | ${certainty} | ${meaning} | ${next} |`,
  );
  return `# Why no trade came of an intent

${MADE}

A dead letter carries one of these codes in its message attribute \`reason\`, and the intent's report in \`reason\`; the
two mismatches have a letter and no report, since the id may belong to another message.
Certainty says whether an order can exist: **not-sent**, nothing left this house; **refused**, the venue said no;
**unknown**, look at the venue before anything else. A letter without a reason was moved by SQS itself after too many
receives: read it as \`${movedBySqs.reason}\`, ${movedBySqs.certainty}.

| code | certainty | what it means | what to do |
|---|---|---|---|
${rows.join('\n')}
`;
}

function codesPage(): string {
  const rows = codes.map(([code, means, because]) => `| ${code} | ${means} | ${because.replaceAll('|', '\\|')} |`);
  return `# BitMart's codes and what they prove

${MADE}

| class | what may be concluded | what happens to the intent |
|---|---|---|
| ok | success | reported as accepted, or done |
| refused | never executed, never will be | buried as \`VENUE_REFUSED\` with the code |
| unauthorised | never executed; the account must change first | the account is parked, the intent waits until it expires |
| throttled | never executed | the group waits some seconds |
| banned | never executed | the account is parked for the length of the ban |
| unavailable | never executed | the group waits some seconds |
| unknown | may have been executed | looked up until it is proven |
| duplicate | an order with this id exists | looked up and compared |
| absent | a look-up saw nothing | proof only after the horizon, seen twice |
| finished | a cancel or amend found nothing open | the order is looked up to learn why |
| failed | processed, and said to have come to no order | believed once the order is not seen: buried as \`VENUE_REFUSED\` |

Codes that are words are ours, for answers without a code. The message decides for 51008 (a pair without API trading is
refused), 40012 (known business messages are refused) and the codes under which the end of trading may be announced.
What \`desk doctor\` makes of them: [doctor.md](doctor.md).

| code | class | meaning |
|---|---|---|
${rows.join('\n')}
`;
}

function parametersPage(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const sections = strategies.map(({ name, summary, fields }) => {
    const rows = Object.entries(fields).map(
      ([parameter, { rule, fallback = 'must be given', meaning }]) =>
        `| \`${parameter}\` | ${cell(rule)} | ${fallback} | ${cell(meaning)} |`,
    );
    return `## ${name}\n\n${summary}\n\n| parameter | is | without it | meaning |\n|---|---|---|---|\n${rows.join('\n')}`;
  });
  return `# Parameters of the strategies

${MADE}

What each strategy does, and how to schedule one: [strategies.md](strategies.md). Anything else among the parameters is refused.

${sections.join('\n\n')}
`;
}

function specPage(): string {
  const rows = cases.map((each) => {
    const able = grounds.map(({ cannot, supposed }) => {
      const reasons = (each.needs ?? []).flatMap((need) => cannot[need] ?? []);
      const ifs = (each.needs ?? []).flatMap((need) => supposed[need] ?? []);
      if (reasons.length > 0) return `cannot: ${reasons.join('; ')}`;
      return ifs.length === 0 ? 'yes' : `yes, supposing ${ifs.join(' and ')}`;
    });
    return `| ${[nameOf(each), each.title, ...able].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return `# Execution test spec

${MADE}

What any venue must pass. Each case is a test (tests/spec) on the local stack with the packaged functions and accounts of
its own; each looks at the venue's own book as well as at reports and dead letters. At the end of every case the book
holds nothing that was not asked for and nothing twice, each intent was reported and nothing after its end, and each that
came to no trade has a dead letter with the same reason. Where a venue cannot do what a case needs, the case checks that
an intent which asks for it is refused with a sentence. Where a case supposes what no document says of the venue, the local
one is told to do it, and the table says what.

| number | what holds | ${grounds.map(({ name }) => name).join(' | ')} |
|---|---|${grounds.map(() => '---').join('|')}|
${rows.join('\n')}
`;
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await pages())) {
    await writeFile(fileURLToPath(new URL(`../${path}`, import.meta.url)), text);
    console.log(`wrote ${path}`);
  }
}
