// `desk doctor`: what is wrong with the exchange, the network, the clock or an account, each finding with the next step.
// Places nothing and changes nothing; exits with 1 where something is trouble.
import type { Command } from 'commander';
import { commonFindings, findingBy, type Finding } from '../../shared/order/finding.ts';
import { salvaged } from '../../shared/order/mandate.ts';
import { accountName, fieldsOf, listAccounts, secretTrouble, storeOf } from '../accounts.ts';
import type { Connection } from '../connection.ts';
import { examineAccount, examineExchange, mandateFinding, showFindings } from '../doctor.ts';
import { onStack, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT } from '../terminal.ts';

const finding = findingBy(commonFindings);

interface DoctorOptions extends GlobalOptions {
  readonly readsOnly?: boolean;
}

export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .argument('[account]', 'examines this account as well; without it, every account of the stack')
    .description('finds what is wrong: network, clock, exchange, key, secret, memo, permissions, limits')
    .option(
      '--reads-only',
      'does not ask what a key may trade, which it does by canceling an order that does not exist',
    )
    .addHelpText(
      'after',
      `
It sends few requests, paced like any other, and stops at a 429 or a ban. Exit code 1: something is trouble.
What each finding means: docs/doctor.md; how to make a key: docs/keys.md.

  $ npx desk doctor main --local
  $ npx desk doctor --local --json`,
    )
    .action(
      onStack(async (desk: Desk, account: string | undefined, { readsOnly = false }: DoctorOptions) => {
        const names =
          account === undefined ? (await listAccounts(desk.stack)).map((each) => each.account) : [accountName(account)];
        const secrets = await inTurn(names, async (name) => [name, await secretOf(desk.stack, name)] as const);
        const exchange = await examineExchange(desk.stack);
        desk.say(desk.screen.look().paint.bold('exchange'));
        let isSound = showFindings(desk, exchange);
        const accounts = await inTurn(secrets, async ([name, secret]) => {
          const found = await accountFindings(desk.stack, name, secret, readsOnly);
          desk.say(desk.screen.look().paint.bold(`\naccount ${name}`));
          isSound = showFindings(desk, found) && isSound;
          return [name, found] as const;
        });
        if (names.length === 0) desk.say('\nThe stack has no accounts yet: `desk account add` stores the first.');
        desk.result({ exchange, accounts: Object.fromEntries(accounts) });
        return isSound ? EXIT.done : EXIT.trouble;
      }),
    );
}

async function accountFindings(
  stack: Connection,
  account: string,
  text: string,
  readsOnly: boolean,
): Promise<readonly Finding[]> {
  const whole = fieldsOf(text);
  if (whole === undefined)
    return [finding('SECRET_UNREADABLE', `the secret of account ${account} is not a JSON object`)];
  const { mandate, ...secret } = whole;
  // Nothing of an account in shadow mode is ever sent, and a cancel of nothing is sent, too.
  const isReadsOnly = readsOnly || salvaged(mandate).shadow === true;
  return [...(await examineAccount(stack, { account, secret }, { readsOnly: isReadsOnly })), mandateFinding(mandate)];
}

async function secretOf(stack: Connection, account: string): Promise<string> {
  const { text } = await storeOf(stack, account)
    .read('AWSCURRENT')
    .catch((error: unknown) => {
      throw secretTrouble(error, stack, account);
    });
  return text;
}

/** One after the other: the exchange counts all of them together. */
async function inTurn<From, To>(items: readonly From[], work: (item: From) => Promise<To>): Promise<readonly To[]> {
  const done: To[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}
