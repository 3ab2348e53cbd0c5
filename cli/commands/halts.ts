// The stop and the go: `halt` of one account or of all, `resume` of one. A halt asks nothing, needs neither queues nor the
// exchange, and wins over whatever is written at the same time; a resume wants a reason, a look and a yes.
import type { Command } from 'commander';
import { commonSettings } from '../../shared/wiring.ts';
import { readSettings } from '../../shared/config.ts';
import { changeMandate } from '../../shared/aws/secrets.ts';
import {
  accountName,
  keepNote,
  lastNote,
  listAccounts,
  lookAt,
  noted,
  orRefused,
  reasonIn,
  secretTrouble,
  sideBySide,
  storeOf,
} from '../accounts.ts';
import { cancelAll } from '../cancels.ts';
import { connectTo, type Connection } from '../connection.ts';
import { allows } from '../mandate.ts';
import { here, onStack, onto, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT, isRefusal, refusal, type ExitCode, type Terminal } from '../terminal.ts';

interface HaltOptions extends GlobalOptions {
  readonly all?: boolean;
  readonly reason?: string;
  readonly cancel?: boolean;
}
interface ResumeOptions extends GlobalOptions {
  readonly reason?: string;
  readonly to?: string;
}

/** What became of one halt. */
interface Halted {
  readonly account: string;
  readonly isHalted: boolean;
  readonly detail?: string;
  readonly exitCode: ExitCode;
}

export function haltCommands(program: Command): void {
  program
    .command('halt [account]')
    .description('stops trading of an account, or of all: nothing is placed any more, cancels still pass')
    .option('--all', 'every account of the stack')
    .option('--reason <text>', 'kept with the secret of each account')
    .option('--cancel', 'cancels all open orders, too: at once, and once more when the halt is sure to act')
    .addHelpText('after', HALT_HELP)
    .action(
      // Not onStack: that one looks for the queues first.
      here(async (words: Terminal, account: string | undefined, options: HaltOptions) => {
        const reason = reasonIn(options.reason);
        const only = whom(account, options.all === true);
        const stack = await connectTo(options, false);
        try {
          return await halt(onto(words, stack), only, reason, options.cancel === true);
        } finally {
          stack.close();
        }
      }),
    );
  program
    .command('resume <account>')
    .description('lets a halted account trade again')
    .option('--reason <text>', 'why it may; kept with its secret')
    .option('--to <state>', 'active, or reducing: only what lowers the exposure', 'active')
    .addHelpText('after', RESUME_HELP)
    .action(onStack(resume));
}

const HALT_HELP = `
It acts when the functions have read the secret anew: within 30 seconds, unless the stack was deployed with another
secretCacheSeconds. It does not ask, since it is the safe direction. An account that was made in the last five minutes may
be missing from the list that --all goes by: halt that one by its name. Stages of one AWS account that are deployed with
the same secretPrefix have the same accounts.

  $ npx desk halt main --local --reason "fills look wrong"
  $ npx desk halt --all --cancel --stage prod`;

const RESUME_HELP = `
Shows what the mandate allows, and asks. A halt that is written between the look and the yes wins: then look again.
The reason is kept before anything is resumed: in the description of the account's secret, with your name and the time. It is no place for secrets.

  $ npx desk resume main --local --reason "the feed is back"
  $ npx desk resume main --to reducing --reason "sell what is left" --stage prod`;

/** undefined: all. */
function whom(account: string | undefined, isAll: boolean): string | undefined {
  if (account !== undefined && !isAll) return accountName(account);
  if (account === undefined && isAll) return undefined;
  throw refusal('Say which account, or --all; not both: `desk halt main`, `desk halt --all`.');
}

async function halt(desk: Desk, only: string | undefined, reason: string | undefined, cancels: boolean) {
  const { stack } = desk;
  const names = only === undefined ? (await listAccounts(stack)).map(({ account }) => account) : [only];
  const results = await sideBySide(names, (account) => haltOne(stack, account));
  const [one] = results;
  if (only !== undefined && one?.isHalted === false) throw refusal(one.detail ?? '', one.exitCode);
  for (const { account, isHalted, detail = '' } of results) {
    desk.say(isHalted ? `${account} is halted on ${stack.name}.` : `${account} is NOT halted: ${detail}`);
  }
  if (names.length === 0) {
    throw refusal(`Nothing was halted: ${stack.name} has no secret that begins with ${stack.secretPrefix}. Is it the right region and account of AWS?`, EXIT.trouble); // prettier-ignore
  }
  const done = results.filter(({ isHalted }) => isHalted).map(({ account }) => account);
  const waitMs = cacheMs();
  if (done.length > 0) {
    desk.say(`No order is sent any more once the functions have read it: within ${waitMs / 1000} s, unless the stack has another secretCacheSeconds. Cancels still pass.`); // prettier-ignore
  }
  const said = reason === undefined ? 'halted' : `halted: ${reason}`;
  const [notes, isCanceled] = await Promise.all([
    sideBySide(done, (account) => noted(desk, account, said)),
    !cancels || cancelAll(desk, done, waitMs),
  ]);
  desk.result(results.map(({ account, isHalted, detail }) => ({ account, isHalted, ...(detail === undefined ? {} : { detail }) }))); // prettier-ignore
  return done.length === names.length && notes.every(Boolean) && isCanceled ? EXIT.done : EXIT.trouble;
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
function cacheMs(): number {
  const { secretCacheSeconds } = commonSettings;
  return readSettings(process.env, { secretCacheSeconds }).secretCacheSeconds * 1000;
}

async function resume(desk: Desk, name: string, options: ResumeOptions): Promise<ExitCode> {
  const account = accountName(name);
  const { to = '' } = options;
  if (to !== 'active' && to !== 'reducing') throw refusal(`--to is active or reducing, not "${to}".`);
  const reason = reasonIn(options.reason);
  if (reason === undefined) throw refusal('Say --reason TEXT: why it may trade again is kept with its secret.');
  const { mandate, version } = await lookAt(desk.stack, account);
  if ('unreadable' in mandate) {
    throw refusal(`${account}: ${mandate.unreadable}. Nothing is traded under it; correct its secret first.`, EXIT.trouble); // prettier-ignore
  }
  if (mandate.state === to) {
    desk.say(`${account} is ${to} already: ${allows(mandate)}.`);
    desk.result({ account, state: to, isChanged: false });
    return EXIT.done;
  }
  const note = await lastNote(desk.stack, account);
  desk.say(`${account} is ${mandate.state}. Its mandate allows: ${allows(mandate)}.${note === undefined ? '' : ` Last note: ${note}`}`); // prettier-ignore
  await desk.confirm(`Make ${account} ${to}?`);
  await keepNote(desk.stack, account, `from ${mandate.state} to ${to}: ${reason}`);
  const written = await changeMandate(storeOf(desk.stack, account), { state: to }, version).catch((error: unknown) => {
    throw secretTrouble(error, desk.stack, account);
  });
  orRefused(written);
  desk.say(`${account} is ${to}: it trades again once the functions have read it, within ${cacheMs() / 1000} s by default. The reason stands in the description of its secret.`); // prettier-ignore
  desk.result({ account, state: to, isChanged: true });
  return EXIT.done;
}
