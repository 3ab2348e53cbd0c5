// The go: `resume` of one account, of all that are halted, or of the mapping. It wants a reason, a look and a yes; the reason is
// kept before anything is resumed, and a halt that is written after the look wins, for each account by itself.
import type { Command } from 'commander';
import { changeMandate } from '../../shared/aws/secrets.ts';
import type { Mandate } from '../../shared/order/mandate.ts';
import {
  accountName,
  keepNote,
  lastNote,
  listAccounts,
  lookAt,
  orRefused,
  reasonIn,
  secretTrouble,
  sideBySide,
  storeOf,
  type Look,
} from '../accounts.ts';
import { allows } from '../mandate.ts';
import { resumeMapping } from '../mapping.ts';
import { onStack, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT, refusal, type ExitCode } from '../terminal.ts';
import { plain } from '../words.ts';
import { cacheMs } from './halts.ts';

interface ResumeOptions extends GlobalOptions {
  readonly all?: boolean;
  readonly mapping?: boolean;
  readonly reason?: string;
  readonly to?: string;
}

/** An account that was looked at, and may be resumed. */
type Readable = Look & { readonly mandate: Mandate };
type Wanted = { readonly to: 'active' | 'reducing'; readonly reason: string };

export function resumeCommands(program: Command): void {
  program
    .command('resume [account]')
    .description('lets a halted account trade again, or all of them, or with --mapping the function take intents again')
    .option('--all', 'every account that is halted; the others stay as they are')
    .option('--mapping', 'enables the event source mapping; each account stays as it is')
    .option('--reason <text>', 'why it may; kept with the secret of each account, or with the mapping')
    .option('--to <state>', 'active, or reducing: only what lowers the exposure', 'active')
    .addHelpText('after', HELP)
    .action(onStack(resumeEither));
}

const HELP = `
Shows what the mandate allows, and asks. A halt that is written between the look and the yes wins: then look again.
The reason is kept before anything is resumed: in the description of the account's secret, with your name and the time. It is no place for secrets.
With --mapping it stands in the tag desk-resumed of the mapping, where "_" takes the place of what a tag cannot hold.

--all shows each halted account with its mandate and last note, and asks once for all of them. One that was halted for another
reason shows by its note: then say no, and resume the others by their names. It exits 1 where one of them stayed halted.

  $ npx desk resume --mapping --local --reason "it was the feed"
  $ npx desk resume main --local --reason "the feed is back"
  $ npx desk resume --all --local --reason "the feed is back"
  $ npx desk resume main --to reducing --reason "sell what is left" --stage prod`;

function resumeEither(desk: Desk, name: string | undefined, options: ResumeOptions): Promise<ExitCode> {
  const { all = false, mapping = false, reason } = options;
  if ([name !== undefined, all, mapping].filter(Boolean).length !== 1) {
    throw refusal('Say which account, or --all, or --mapping; one of them: `desk resume main --reason TEXT`, `desk resume --all --reason TEXT`, `desk resume --mapping --reason TEXT`.'); // prettier-ignore
  }
  if (mapping) return resumeMapping(desk, reason);
  return name === undefined
    ? resumeAll(desk, wantedIn(options))
    : resumeOne(desk, accountName(name), wantedIn(options));
}

/** @throws Refusal naming the option */
function wantedIn({ to = '', reason: given }: ResumeOptions): Wanted {
  if (to !== 'active' && to !== 'reducing') throw refusal(`--to is active or reducing, not "${to}".`);
  const reason = reasonIn(given);
  if (reason === undefined) throw refusal('Say --reason TEXT: why it may trade again is kept with its secret.');
  return { to, reason };
}

/** @throws Refusal where it cannot be had, or its mandate cannot be read */
async function readableAt({ stack }: Desk, account: string): Promise<Readable> {
  const look = await lookAt(stack, account);
  const { mandate } = look;
  if (!('unreadable' in mandate)) return { ...look, mandate };
  throw refusal(`${account}: ${mandate.unreadable}. Nothing is traded under it; correct its secret first.`, EXIT.trouble); // prettier-ignore
}

/** Keeps the reason, then writes onto what was looked at. @throws Refusal where it stayed as it was */
async function write({ stack }: Desk, { account, mandate, version }: Readable, { to, reason }: Wanted): Promise<void> {
  await keepNote(stack, account, `from ${mandate.state} to ${to}: ${reason}`);
  const written = await changeMandate(storeOf(stack, account), { state: to }, version).catch((error: unknown) => {
    throw secretTrouble(error, stack, account);
  });
  orRefused(written);
}

async function resumeOne(desk: Desk, account: string, wanted: Wanted): Promise<ExitCode> {
  const { to } = wanted;
  const look = await readableAt(desk, account);
  const { mandate } = look;
  if (mandate.state === to) {
    desk.say(`${account} is ${to} already: ${allows(mandate)}.`);
    desk.result({ account, state: to, isChanged: false });
    return EXIT.done;
  }
  const note = await lastNote(desk.stack, account);
  desk.say(`${account} is ${mandate.state}. Its mandate allows: ${allows(mandate)}.${note === undefined ? '' : ` Last note: ${note}`}`); // prettier-ignore
  await desk.confirm(`Make ${account} ${to}?`);
  await write(desk, look, wanted);
  desk.say(`${account} is ${to}: it trades again once the functions have read it, within ${cacheMs() / 1000} s by default. The reason stands in the description of its secret.`); // prettier-ignore
  desk.result({ account, state: to, isChanged: true });
  return EXIT.done;
}

/** What became of one of all; those that are not halted are none of them. */
interface Resumed {
  readonly account: string;
  readonly isChanged: boolean;
  readonly detail?: string;
}

/** One that fails stops no other. */
async function resumeAll(desk: Desk, wanted: Wanted): Promise<ExitCode> {
  const { to } = wanted;
  const looks = await sideBySide(await listAccounts(desk.stack), async ({ account, note }) => {
    const look = await readableAt(desk, account).catch((error: unknown) => failed(account, error));
    return { look, note };
  });
  const unseen = looks.flatMap(({ look }) => ('detail' in look ? [look] : []));
  const halted = looks.flatMap(({ look, note }) => ('mandate' in look && look.mandate.state === 'halted' ? [{ look, note }] : [])); // prettier-ignore
  for (const { detail } of unseen) desk.say(detail);
  if (halted.length === 0) {
    desk.say(`No account of ${desk.stack.name} is halted${unseen.length > 0 ? ', as far as they can be read' : ''}.`);
    desk.result(unseen);
    return unseen.length > 0 ? EXIT.trouble : EXIT.done;
  }
  const rows = halted.map(({ look, note }) => [look.account, allows(look.mandate), note && plain(note)]);
  desk.table(['halted', 'its mandate allows', 'last note'], rows, '');
  await desk.confirm(halted.length === 1 ? `Make ${halted[0]?.look.account ?? ''} ${to}?` : `Make these ${halted.length} accounts ${to}?`); // prettier-ignore
  const done = await sideBySide(halted, ({ look }): Promise<Resumed> =>
    write(desk, look, wanted).then(
      () => ({ account: look.account, isChanged: true }),
      (error: unknown) => failed(look.account, error),
    ),
  );
  for (const { account, isChanged, detail = '' } of done) {
    desk.say(isChanged ? `${account} is ${to}.` : `${account} is NOT resumed: ${detail}`);
  }
  if (done.some(({ isChanged }) => isChanged)) {
    desk.say(`They trade again once the functions have read it, within ${cacheMs() / 1000} s by default. The reason stands in the description of each secret.`); // prettier-ignore
  }
  desk.result([...done, ...unseen]);
  return unseen.length === 0 && done.every(({ isChanged }) => isChanged) ? EXIT.done : EXIT.trouble;
}

function failed(account: string, error: unknown): Resumed & { readonly detail: string } {
  return { account, isChanged: false, detail: error instanceof Error ? error.message : 'no answer' };
}
