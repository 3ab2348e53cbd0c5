// Strategies as a person sees them: what there is and which schedules run them; and one firing by hand, through the very
// lines that the trigger function runs, shown before anything is sent.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { templatePath } from '../../local/package.ts';
import { readTemplate } from '../../local/template.ts';
import { sendIntents } from '../../shared/aws/intents.ts';
import { check, plan, send, type Around } from '../../shared/firing.ts';
import { describeError } from '../../shared/log.ts';
import type { OrderIntent } from '../../shared/order/intent.ts';
import { strategies, strategyNamed } from '../../shared/strategies/all.ts';
import { utc, type Grid } from '../../shared/strategies/strategy.ts';
import { here, onStack, type Desk } from '../run.ts';
import { EXIT, refusal, type Cell, type ExitCode, type Terminal } from '../terminal.ts';

/** Nothing is retried behind a person's back: what a firing makes may be sent for as long as it can live at all. */
const LATE_AFTER_MS = 600_000;
/** A person waits no longer for what has to be read. */
const PATIENCE_MS = 30_000;

interface RunOptions {
  readonly account: string;
  readonly parameters: string;
  readonly at?: string;
  readonly schedule?: string;
  readonly dryRun?: boolean;
}

export function strategyCommands(program: Command): void {
  const group = program
    .command('strategies')
    .description('what trades on a schedule: what there is, and one firing by hand');
  group
    .command('list')
    .argument('[name]', 'one strategy, with its parameters')
    .description('the strategies, their parameters, and the schedules of the packaged template')
    .addHelpText('after', '\nNeeds no stack.\n\n  $ npx desk strategies list dca')
    .action(here(list));
  group
    .command('run')
    .argument('<name>', 'the strategy')
    .requiredOption('--account <name>', 'whose orders they are')
    .requiredOption('--parameters <file or json>', 'a JSON file, or JSON itself')
    .option(
      '--at <time>',
      'the scheduled time, at most lifeSeconds ago (300 without it); without it the last time of the grid, or now where there is none',
    )
    .option('--schedule <name>', 'the schedule whose firing this is: the same name and time make the same ids')
    .option('--dry-run', 'shows what would be sent, and sends nothing')
    .description('fires a strategy once: shows its intents, asks, and sends them')
    .addHelpText(
      'after',
      `
A firing that the schedule has made already is not doubled: name its schedule and its time, and the ids are the same. The name
is the one that desk strategies list shows, "schedule" in the Input; for a strategy that no schedule runs yet it is yours to choose.

It can be made up for until lifeSeconds after its time, 300 without it. A longer lifeSeconds among the parameters, up to 600, is
no other firing: it is no part of the ids.

Without --at a dry run shows what the last time of the grid would make now, however long ago that was.

  $ npx desk strategies run rebalance --local --account main --schedule weights --dry-run --parameters \\
      '{ "targets": { "BTC": "50" }, "maxOrderNotional": "1000", "start": "2026-01-01T00:00:00Z", "intervalSeconds": 300 }'`,
    )
    .action(onStack(run));
}

async function list(desk: Terminal, name: string | undefined): Promise<void> {
  const shown = name === undefined ? strategies : [known(name)];
  const schedules = await packagedSchedules();
  desk.result({
    strategies: shown.map((each) => ({
      name: each.name,
      summary: each.summary,
      parameters: Object.entries(each.fields).map(([parameter, { rule, meaning, fallback }]) => ({
        ...{ name: parameter, rule, meaning },
        ...(fallback === undefined ? {} : { default: fallback }),
      })),
    })),
    schedules,
  });
  for (const each of shown) {
    desk.say(`${each.name}: ${each.summary}`);
    if (name === undefined) continue;
    for (const [parameter, { rule, meaning, fallback }] of Object.entries(each.fields)) {
      desk.say(`\n${parameter} (${fallback === undefined ? 'must be given' : `without it: ${fallback}`})`);
      desk.say(`${meaning}: ${rule}.`);
    }
  }
  if (name === undefined) desk.say(`\nnpx desk strategies list NAME shows the parameters.\n`);
  else desk.say('');
  if (schedules === undefined)
    desk.say('Which schedules there are is known once the template is packaged: npm run package.');
  else {
    const rows = schedules.map(({ name: schedule, deployedAs, expression, enabled }): readonly Cell[] => [
      ...[schedule, deployedAs, expression, enabled ? 'enabled' : 'disabled'],
    ]);
    desk.table(['schedule', 'deployed as', 'fires at', 'state'], rows, 'The template has no schedule.');
  }
}

/** The strategy of that name. @throws Refusal that names those that there are */
export function known(name: string) {
  const strategy = strategyNamed(name);
  if (strategy !== undefined) return strategy;
  throw refusal(`There is no strategy ${name}; there are ${strategies.map((each) => each.name).join(', ')}.`);
}

/** undefined where nothing is packaged yet. */
async function packagedSchedules() {
  if (!existsSync(templatePath)) return undefined;
  const { schedules } = await readTemplate();
  // The probe has one as well, and runs no strategy.
  const ofStrategies = schedules.filter(({ target }) => target === 'trigger');
  return ofStrategies.map(({ name, expression, isEnabled, input }) => ({
    ...{ name: nameIn(input) ?? name, deployedAs: name, expression, enabled: isEnabled, input },
  }));
}

/** The name that ids are made of; undefined where the Input has none, and so cannot be fired. */
function nameIn(input: string): string | undefined {
  try {
    const event: unknown = JSON.parse(input);
    const isNamed = typeof event === 'object' && event !== null && 'schedule' in event;
    return isNamed && typeof event.schedule === 'string' ? event.schedule : undefined;
  } catch {
    return undefined;
  }
}

async function run(desk: Desk, name: string, options: RunOptions): Promise<ExitCode> {
  const strategy = known(name);
  const { account, dryRun } = options;
  const parameters = await parametersOf(options.parameters);
  const prepared = strategy.prepare(parameters);
  const grid = prepared.kind === 'prepared' ? prepared.grid : undefined;
  const event = {
    ...{ schedule: options.schedule ?? 'desk', strategy: name, account, parameters },
    scheduledAt: options.at ?? utc(lastTime(grid, Date.now())),
  };
  try {
    check(event);
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error));
  }
  if (grid !== undefined && options.schedule === undefined) {
    throw refusal(
      `${name} fires on a grid, and the ids of a firing are made of its schedule's name: give --schedule, as npx desk strategies list shows it, or what that schedule has done already is done twice.`,
    );
  }
  await desk.stack.account(account);
  const isRehearsal = dryRun === true && options.at === undefined;
  const around = aroundOf(desk, isRehearsal ? 'never' : LATE_AFTER_MS);
  const planned = await plan(event, around, Date.now() + PATIENCE_MS).catch((error: unknown) => {
    throw refusal(describeError(error), EXIT.trouble);
  });
  if (planned.kind === 'nothing') {
    desk.result(planned);
    desk.say(`Nothing to send: ${planned.why}.`);
    return EXIT.done;
  }
  show(desk, planned.intents);
  if (dryRun === true) {
    desk.result(planned);
    desk.say('Nothing was sent.');
    return EXIT.done;
  }
  const { length } = planned.intents;
  await desk.confirm(
    `Send ${length === 1 ? 'this intent' : `these ${length} intents`} of ${account} to ${desk.stack.name}?`,
  );
  await send(planned.intents, around).catch((error: unknown) => {
    throw refusal(describeError(error), EXIT.unreachable);
  });
  desk.result({ ...planned, kind: 'sent' });
  desk.say(`Sent. What becomes of it: npx desk trace ${planned.intents[0]?.id ?? 'ID'}`);
  return EXIT.done;
}

/** The last time of a grid, ms; now in whole seconds where there is none, or none yet. */
function lastTime(grid: Grid | undefined, now: number): number {
  const { start, intervalSeconds } = grid ?? { start: 0, intervalSeconds: 1 };
  if (now < start) return now - (now % 1000);
  return now - ((now - start) % (intervalSeconds * 1000));
}

/** JSON, or the file that holds it. @throws Refusal where it is neither */
export async function parametersOf(given: string): Promise<unknown> {
  const isJson = given.trimStart().startsWith('{');
  const text = isJson
    ? given
    : await readFile(given, 'utf8').catch(() => {
        throw refusal(`There is no file ${given}: --parameters takes a JSON file, or JSON that begins with a brace.`);
      });
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refusal(`${isJson ? '--parameters' : given} is not JSON: write { "name": value, ... } with double quotes.`);
  }
}

function aroundOf(desk: Desk, lateAfterMs: Around['lateAfterMs']): Around {
  const { stack } = desk;
  return {
    ...stack.exchange,
    log: (_level, _message, fields) => {
      if (typeof fields?.['note'] === 'string') desk.say(`Note: ${fields['note']}.`);
    },
    send: (intents) => sendIntents(stack.sqs, stack.queues.intents, intents),
    lateAfterMs,
  };
}

function show(desk: Desk, intents: readonly OrderIntent[]): void {
  const rows = intents.map((intent): readonly Cell[] => {
    if (intent.action !== 'place') return [intent.id, intent.action];
    const amount = 'notional' in intent ? `for ${intent.notional}` : intent.size;
    return [intent.id, intent.side, amount, intent.symbol, intent.type, 'price' in intent ? intent.price : 'market', intent.expiresAt]; // prettier-ignore
  });
  desk.table(['id', 'side', 'how much', 'symbol', 'type', 'price', 'not sent after'], rows, 'no intents');
}
