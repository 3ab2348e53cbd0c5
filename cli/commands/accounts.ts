// Accounts: which there are, what each may do, a new one, a new key for one, and whether its key works.
// Promises that a key is examined before it is stored, that nothing of it is shown, and that a new key lifts no halt.
import { CreateSecretCommand, DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { Command } from 'commander';
import { changeMandate, promote, stage } from '../../shared/aws/secrets.ts';
import type { Finding } from '../../shared/order/finding.ts';
import { readMandate, type Mandate } from '../../shared/order/mandate.ts';
import {
  accountName,
  listAccounts,
  lookAt,
  noted,
  noteOf,
  orRefused,
  secretTrouble,
  sideBySide,
  storeOf,
  type Entry,
  type Look,
} from '../accounts.ts';
import { examine, showFindings } from '../doctor.ts';
import { KEY_HELP, readKey } from '../key.ts';
import { allows, changeIn, widened, withLimits, type MandateOptions } from '../mandate.ts';
import { onStack, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT, isRefusal, refusal, type ExitCode } from '../terminal.ts';

type Options = GlobalOptions & MandateOptions & { readonly force?: boolean; readonly live?: boolean };
type Secret = Readonly<Record<string, unknown>>;

const FORCE = 'stores it although the examination found trouble';

export function accountCommands(program: Command): void {
  const account = program
    .command('account')
    .description('accounts: list, check, add, rotate a key, change a mandate')
    .addHelpText('after', '\n  $ npx desk account list --local\n  $ npx desk help account');
  account
    .command('list')
    .description('the accounts of the stack: state, limits, last change')
    .addHelpText('after', '\n  $ npx desk account list --local')
    .action(onStack(list));
  account
    .command('check <name>')
    .description('whether its secret can be read, its mandate, and whether its key works')
    .addHelpText('after', '\nExits 1 where something is wrong.\n\n  $ npx desk account check main --local')
    .action(onStack(check));
  withLimits(account.command('add <name>'))
    .description('examines a key and stores it as a new account, in shadow mode: all is done but the sending')
    .option('--live', 'without shadow mode: orders are sent for real from the first on')
    .option('--force', FORCE)
    .addHelpText(
      'after',
      `${KEY_HELP}\n\n  $ npx desk account add main2 --symbols BTC_USDT --max-order-notional 100 --local`,
    )
    .action(onStack(add));
  account
    .command('rotate <name>')
    .description('examines a new key of the same user, and puts it in the place of the old one; the mandate stays')
    .option('--force', FORCE)
    .addHelpText(
      'after',
      `${KEY_HELP}
The key must be of the same user of the exchange: orders that are under way are looked up with it. Delete the old one
there when none is left.

  $ npx desk account rotate main --local`,
    )
    .action(onStack(rotate));
  withLimits(account.command('mandate <name>'))
    .description('shows what an account may do; with options, changes it')
    .option('--shadow <on|off>', 'on: everything but the sending')
    .addHelpText(
      'after',
      `
Asks before what widens it; what narrows it is done at once. Whether it trades at all: desk halt, desk resume.

  $ npx desk account mandate main --local
  $ npx desk account mandate main --symbols BTC_USDT,ETH_USDT --max-order-notional 1000 --local`,
    )
    .action(onStack(mandate));
}

/** One account as programs get it. */
type Row = Entry & (Mandate | { readonly unreadable: string });

/** All accounts with their mandates. @throws Refusal where Secrets Manager cannot be asked */
export async function mandates(desk: Desk): Promise<readonly Row[]> {
  return sideBySide(await listAccounts(desk.stack), async (entry): Promise<Row> => {
    try {
      return { ...entry, ...(await lookAt(desk.stack, entry.account)).mandate };
    } catch (error) {
      if (!isRefusal(error) || error.exitCode === EXIT.unreachable) throw error;
      return { ...entry, unreadable: error.message };
    }
  });
}

async function list(desk: Desk): Promise<ExitCode> {
  const rows = await mandates(desk);
  desk.result(rows);
  desk.table(
    ['account', 'state', 'may trade', 'changed (UTC)', 'last note'],
    rows.map((row) => {
      const [state, may] = 'unreadable' in row ? ['unreadable', row.unreadable] : [row.state, allows(row)];
      return [row.account, state, may, row.changedAt?.slice(0, 16), row.note];
    }),
    'There are no accounts here: `desk account add NAME` makes one.',
  );
  return rows.some((row) => 'unreadable' in row) ? EXIT.trouble : EXIT.done;
}

async function check(desk: Desk, name: string): Promise<ExitCode> {
  const account = accountName(name);
  const look = await lookAt(desk.stack, account);
  const isReadable = !('unreadable' in look.mandate);
  desk.say(`Secret ${desk.stack.secretPrefix}${account} can be read.`);
  desk.say(said(account, look.mandate));
  const findings = await examine(desk.stack, { account, secret: look.secret });
  const isGood = showFindings(desk, findings);
  desk.result({ account, mandate: look.mandate, findings });
  return isReadable && isGood ? EXIT.done : EXIT.trouble;
}

function said(account: string, mandate: Mandate | { readonly unreadable: string }): string {
  if ('unreadable' in mandate) return `${account}: ${mandate.unreadable}. Nothing is placed under it.`;
  return `${account} is ${mandate.state}: ${allows(mandate)}.`;
}

async function add(desk: Desk, name: string, options: Options): Promise<ExitCode> {
  const { stack } = desk;
  const account = accountName(name);
  const isLive = options.live === true;
  const wanted = readMandate({ state: 'active', ...(isLive ? {} : { shadow: true }), ...changeIn(options) });
  if ('unreadable' in wanted) throw refusal(wanted.unreadable);
  await refuseExisting(desk, account);
  // Before the key is read: what comes on stdin cannot be asked for twice.
  if (isLive) await desk.confirm(`Let ${account} trade at once, without shadow mode (${allows(wanted)})?`);
  const key = await readKey(desk);
  const findings = await proven(desk, account, key, options.force === true);
  const SecretString = JSON.stringify({ ...key, mandate: wanted });
  const Description = noteOf(isLive ? 'added' : 'added, in shadow mode');
  const create = new CreateSecretCommand({ Name: `${stack.secretPrefix}${account}`, SecretString, Description });
  await stack.secrets.send(create).catch((error: unknown) => {
    throw isTaken(error) ? existing(account) : secretTrouble(error, stack, account);
  });
  desk.say(
    `Account ${account} is stored: ${allows(wanted)}.${
      isLive ? '' : ` When its reports say what you want: \`desk account mandate ${account} --shadow off\`.`
    }`,
  );
  desk.result({ account, isStored: true, mandate: wanted, findings });
  return EXIT.done;
}

function isTaken(error: unknown): boolean {
  // InvalidRequest: a secret of that name is marked for deletion.
  return error instanceof Error && /^(ResourceExists|InvalidRequest)Exception$/.test(error.name);
}

const existing = (account: string): Error =>
  refusal(`There is an account ${account} already, or one that is being deleted: \`desk account rotate ${account}\` gives it a new key.`); // prettier-ignore

async function refuseExisting({ stack }: Desk, account: string): Promise<void> {
  try {
    await stack.secrets.send(new DescribeSecretCommand({ SecretId: `${stack.secretPrefix}${account}` }));
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return;
    throw secretTrouble(error, stack, account);
  }
  throw existing(account);
}

/** The findings of a key that may be stored. @throws Refusal where one is trouble and that is not overruled */
async function proven(desk: Desk, account: string, secret: Secret, isForced: boolean): Promise<readonly Finding[]> {
  const findings = await examine(desk.stack, { account, secret });
  if (showFindings(desk, findings) || isForced) return findings;
  desk.result({ account, isStored: false, findings });
  throw refusal('Nothing was stored. Correct what was found, or say --force to store it all the same.', EXIT.trouble);
}

async function rotate(desk: Desk, name: string, options: Options): Promise<ExitCode> {
  const { stack } = desk;
  const account = accountName(name);
  const before = await lookAt(stack, account);
  await desk.confirm(`Give ${account} another key? It has to be of the same user of the exchange: orders of another one are not seen, and would be placed again.`); // prettier-ignore
  // What a key does not say, as the id of a broker, stays as it was.
  const secret = { ...before.secret, ...(await readKey(desk)) };
  const findings = await proven(desk, account, secret, options.force === true);
  const store = storeOf(stack, account);
  const isOurs = (staged: Secret): boolean => Object.entries(secret).every(([field, value]) => staged[field] === value);
  const trouble = (error: unknown): never => {
    throw secretTrouble(error, stack, account);
  };
  orRefused(await stage(store, secret).catch(trouble));
  const detail = 'another key was staged meanwhile; look which one is wanted';
  orRefused(await promote(store, (staged) => Promise.resolve({ isGood: isOurs(staged), detail })).catch(trouble));
  const isNoted = await noted(desk, account, 'new key');
  const { mandate: kept } = await lookAt(stack, account);
  desk.say(`${account} has the new key; the functions use it within ${CACHE}. ${said(account, kept)}`);
  desk.result({ account, isStored: true, mandate: kept, findings });
  return isNoted ? EXIT.done : EXIT.trouble;
}

const CACHE = '30 s, unless the stack has another secretCacheSeconds';

async function mandate(desk: Desk, name: string, options: Options): Promise<ExitCode> {
  const { stack } = desk;
  const account = accountName(name);
  const change = changeIn(options);
  const { mandate: before, version } = await lookAt(stack, account);
  if (Object.keys(change).length === 0) {
    desk.say(said(account, before));
    desk.result({ account, mandate: before });
    return 'unreadable' in before ? EXIT.trouble : EXIT.done;
  }
  const wider = widening(before, change);
  if (wider.length > 0) await desk.confirm(`Of ${account}: ${wider.join('; ')}. Change it?`);
  // What was said yes to is what was looked at; what narrows goes onto whatever is there.
  const seen = wider.length > 0 ? version : undefined;
  const written = await changeMandate(storeOf(stack, account), change, seen).catch((error: unknown) => {
    throw secretTrouble(error, stack, account);
  });
  orRefused(written);
  const isNoted = await noted(desk, account, `mandate: ${Object.keys(change).join(', ')} changed`);
  const { mandate: kept } = await lookAt(stack, account);
  desk.say(`${said(account, kept)} It acts within ${CACHE}.`);
  desk.result({ account, mandate: kept });
  return isNoted ? EXIT.done : EXIT.trouble;
}

/** What a change would allow that is not allowed now. State apart: that is for halt and resume. */
function widening(before: Look['mandate'], change: Secret): readonly string[] {
  if ('unreadable' in before) {
    return ['its mandate cannot be read and nothing is placed for it; whatever else stands there will count'];
  }
  const merged = Object.entries({ ...before, ...change }).filter(([, value]) => value !== undefined);
  const after = readMandate(Object.fromEntries(merged));
  return 'unreadable' in after ? [] : widened(before, after);
}
