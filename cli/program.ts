// The operator's command, for the local stack and for a deployed one. Each group of commands is one file in commands/ that
// adds its commands here. Never shows a secret.
import { Command, CommanderError } from 'commander';
import { accountCommands } from './commands/accounts.ts';
import { deadCommands } from './commands/dead.ts';
import { doctorCommand } from './commands/doctor.ts';
import { haltCommands } from './commands/halts.ts';
import { orderCommands } from './commands/orders.ts';
import { queueCommands } from './commands/queues.ts';
import { readCommands } from './commands/reads.ts';
import { resumeCommands } from './commands/resumes.ts';
import { statusCommand } from './commands/status.ts';
import { traceCommand } from './commands/trace.ts';
import { describeError } from '../shared/log.ts';
import { EXIT, outliveReaders } from './terminal.ts';

outliveReaders();
const program = new Command('desk')
  .description('Works the trading bot: sends orders, shows what became of them, and halts what must stop.')
  .option('--local', 'the local stack of `npm start` or `npm run local`')
  .option('--ready <file>', 'the local stack that left this file; without it .local/ready.json')
  .option('--stage <name>', 'a deployed stack, by your AWS credentials')
  .option('--region <name>', 'its region; without it AWS_REGION')
  .option('--json', 'JSON on stdout, words for people on stderr')
  .option('--yes', 'does not ask before money moves')
  .addHelpText(
    'after',
    `
Exit codes: ${EXIT.done} done, ${EXIT.trouble} done and not good (a check failed, an order was refused),
${EXIT.usage} wrong input, ${EXIT.declined} not confirmed, ${EXIT.unreachable} AWS or the stack cannot be reached.

  $ npx desk status --local
  $ npx desk help submit`,
  )
  .helpCommand(false)
  .showHelpAfterError('Say --help behind the command to see what it takes.')
  // An unknown option is named without its value: that may be a key, which does not belong on a command line.
  .configureOutput({ outputError: (text, write) => write(text.replace(/(option '--?[\w-]+)=[^]*'/, "$1'")) })
  .exitOverride();

for (const add of [
  statusCommand,
  orderCommands,
  queueCommands,
  deadCommands,
  traceCommand,
  readCommands,
  haltCommands,
  resumeCommands,
  accountCommands,
  doctorCommand,
]) {
  add(program);
}

await addStrategies();
program
  .command('help [command...]')
  .description('what a command takes, one of a group too: help dead replay')
  .action((path: readonly string[]) => {
    helpOf(path);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has said what is wrong, or shown the help.
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
}

/** Of the command that these words lead to; commander's own help stops at the group. */
function helpOf(path: readonly string[]): void {
  const found = path.reduce<Command | undefined>(
    (group, name) => group?.commands.find((each) => each.name() === name),
    program,
  );
  if (found === undefined) program.error(`error: unknown command '${path.join(' ')}'`);
  else found.outputHelp();
}

/** Strategies are their owner's to write: one that cannot be loaded must not keep anybody from halting. */
async function addStrategies(): Promise<void> {
  try {
    const [{ strategyCommands }, { backtestCommand }] = await Promise.all([
      import('./commands/strategies.ts'),
      import('./commands/backtest.ts'),
    ]);
    strategyCommands(program);
    backtestCommand(program);
  } catch (error) {
    process.stderr.write(`No strategies and no backtest, since a file of them cannot be loaded: ${describeError(error)}; npm run types says where.\n`); // prettier-ignore
  }
}
