// The stop: `halt` of one account or of all, by their mandates and on demand by the mapping as the second line. It asks nothing,
// needs neither queues nor the exchange nor a reader, and wins over whatever is written at the same time; neither of its lines
// waits for the other or hides it.
import type { Command } from 'commander';
import { commonSettings } from '../../shared/wiring.ts';
import { readSettings } from '../../shared/config.ts';
import { changeMandate } from '../../shared/aws/secrets.ts';
import { accountName, listAccounts, noted, reasonIn, secretTrouble, sideBySide, storeOf } from '../accounts.ts';
import { cancelAll, untilTaken } from '../cancels.ts';
import { connectTo, type Connection } from '../connection.ts';
import { haltMapping, haltNote } from '../mapping.ts';
import { here, onto, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT, isRefusal, refusal, type ExitCode, type Terminal } from '../terminal.ts';

interface HaltOptions extends GlobalOptions {
  readonly all?: boolean;
  readonly reason?: string;
  readonly cancel?: boolean;
  readonly mapping?: boolean;
}

/** What became of one halt. */
interface Halted {
  readonly account: string;
  readonly isHalted: boolean;
  readonly detail?: string;
  readonly exitCode: ExitCode;
}
interface First {
  readonly accounts: readonly Pick<Halted, 'account' | 'isHalted' | 'detail'>[];
  readonly exitCode: ExitCode;
}
export function haltCommands(program: Command): void {
  program
    .command('halt [account]')
    .description('stops trading of an account, or of all: nothing is placed any more, cancels still pass')
    .option('--all', 'every account of the stack')
    .option('--reason <text>', 'kept with the secret of each account')
    .option(
      '--mapping',
      'with --all: disables the event source mapping as well, so that no intent is even taken off the queue',
    )
    .option('--cancel', 'cancels all open orders, too: at once, and once more when the halt is sure to act')
    .addHelpText('after', HALT_HELP)
    .action(
      // Not onStack: that one looks for the queues first.
      here(async (words: Terminal, account: string | undefined, options: HaltOptions) => {
        // A terminal that is closed, or a connection to it that is lost, ends no halt half-way.
        process.on('SIGHUP', () => undefined);
        const reason = reasonIn(options.reason);
        const only = whom(account, options);
        const stack = await connectTo(options, false);
        try {
          return await halt(onto(words, stack), only, reason, options);
        } finally {
          stack.close();
        }
      }),
    );
}

const HALT_HELP = `
It acts when the functions have read the secret anew: within 30 seconds, unless the stack was deployed with another
secretCacheSeconds. It does not ask, since it is the safe direction. An account that was made in the last five minutes may
be missing from the list that --all goes by: halt that one by its name. Stages of one AWS account that are deployed with
the same secretPrefix have the same accounts.

--mapping is the second line, for when the first is not enough: secrets that cannot be written, a function that may not
keep to its mandate. A batch that was taken before goes on for 30 seconds at most. Nothing passes then, no cancel either;
together with --cancel the mapping is disabled last, when the cancels have gone through. Intents wait on the queue, and what
has not expired when the mapping is enabled again is executed. A deploy that changes the mapping enables it as well.

  $ npx desk halt main --local --reason "fills look wrong"
  $ npx desk halt --all --mapping --local --reason "orders that nobody sent"
  $ npx desk halt --all --cancel --stage prod`;

/** undefined: all. */
function whom(account: string | undefined, { all, mapping }: HaltOptions): string | undefined {
  if (account !== undefined && all !== true && mapping === true) {
    throw refusal('--mapping stops every account: say `desk halt --all --mapping`, or leave it out.');
  }
  if (account !== undefined && all !== true) return accountName(account);
  if (account === undefined && all === true) return undefined;
  throw refusal('Say which account, or --all; not both: `desk halt main`, `desk halt --all`.');
}

async function halt(desk: Desk, only: string | undefined, reason: string | undefined, options: HaltOptions) {
  const { cancel: cancels = false, mapping: isMapping = false } = options;
  // Side by side, unless the cancels need the mapping.
  const early = isMapping && !cancels ? haltMapping(desk, reason) : undefined;
  if (isMapping && cancels) desk.say('The mapping is disabled when the cancels have gone through: Ctrl-C before that leaves it enabled.'); // prettier-ignore
  const first: First | { readonly error: unknown } = await haltMandates(desk, only, reason, cancels).catch(
    (error: unknown) => ({ error }),
  );
  if (!isMapping) {
    if ('error' in first) throw first.error;
    desk.result(first.accounts);
    return first.exitCode;
  }
  const isTaken = !cancels || 'error' in first || (await untilTaken(desk));
  const second = await (early ?? haltMapping(desk, reason));
  desk.say(second.detail);
  if (!isTaken) desk.say('The queue was not seen empty before that: cancels may still wait on it, and pass only if it is enabled again within 5 minutes. `desk orders` shows what rests.'); // prettier-ignore
  desk.result({ accounts: 'error' in first ? [] : first.accounts, mapping: second });
  if ('error' in first) throw first.error;
  return second.isDone && isTaken ? first.exitCode : EXIT.trouble;
}

/** The first line. @throws Refusal where not even a list of accounts can be had, or the one that was asked for is not halted */
async function haltMandates(desk: Desk, only: string | undefined, reason: string | undefined, cancels: boolean) {
  const { stack } = desk;
  const names = only === undefined ? (await listAccounts(stack)).map(({ account }) => account) : [only];
  const results = await sideBySide(names, (account) => haltOne(stack, account));
  const done = results.filter(({ isHalted }) => isHalted).map(({ account }) => account);
  // Under way before a word is written; the words do not wait for it.
  const noting = sideBySide(done, (account) => noted(desk, account, haltNote(reason)));
  const [one] = results;
  if (only !== undefined && one?.isHalted === false) throw refusal(one.detail ?? '', one.exitCode);
  for (const { account, isHalted, detail = '' } of results) {
    desk.say(isHalted ? `${account} is halted on ${stack.name}.` : `${account} is NOT halted: ${detail}`);
  }
  if (names.length === 0) {
    throw refusal(`No account was halted: ${stack.name} has no secret that begins with ${stack.secretPrefix}. Is it the right region and account of AWS?`, EXIT.trouble); // prettier-ignore
  }
  const waitMs = cacheMs();
  if (done.length > 0) {
    desk.say(`No order is sent any more once the functions have read it: within ${waitMs / 1000} s, unless the stack has another secretCacheSeconds. Cancels still pass.`); // prettier-ignore
  }
  const [notes, isCanceled] = await Promise.all([noting, !cancels || cancelAll(desk, done, waitMs)]);
  const accounts = results.map(({ account, isHalted, detail }) => ({ account, isHalted, ...(detail === undefined ? {} : { detail }) })); // prettier-ignore
  const isDone = done.length === names.length && notes.every(Boolean) && isCanceled;
  return { accounts, exitCode: isDone ? EXIT.done : EXIT.trouble };
}

/** Tries once more where AWS failed: of all writes this one should not be lost to an odd answer. Never throws. */
async function haltOne(stack: Connection, account: string, isLast = false): Promise<Halted> {
  try {
    const written = await changeMandate(storeOf(stack, account), { state: 'halted' });
    if (written.kind === 'written') return { account, isHalted: true, exitCode: EXIT.done };
    return { account, isHalted: false, detail: `${written.detail}.`, exitCode: EXIT.trouble };
  } catch (error) {
    const told = secretTrouble(error, stack, account);
    const exitCode = isRefusal(told) ? told.exitCode : EXIT.trouble;
    if (isLast || exitCode === EXIT.usage) return { account, isHalted: false, detail: told.message, exitCode };
    return haltOne(stack, account, true);
  }
}

/** As the functions have it by default, or as this environment says. */
export function cacheMs(): number {
  const { secretCacheSeconds } = commonSettings;
  return readSettings(process.env, { secretCacheSeconds }).secretCacheSeconds * 1000;
}
