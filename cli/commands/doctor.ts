// `desk doctor`: what is wrong with the exchange, the network, the clock or an account, each finding with the next step.
// Places nothing and changes nothing; exits with 1 where something is trouble.
import { GetSecretValueCommand, ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import type { Command } from 'commander';
import { commonFindings, findingBy, type Finding } from '../../shared/order/finding.ts';
import { salvaged } from '../../shared/order/mandate.ts';
import { unreachable, type Connection } from '../connection.ts';
import { examineAccount, examineExchange, mandateFinding, showFindings } from '../doctor.ts';
import { onStack, type Desk, type GlobalOptions } from '../run.ts';
import { EXIT, refusal } from '../terminal.ts';

const finding = findingBy(commonFindings);
const NAME = /^[a-z0-9]{1,32}$/;

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
        const names = account === undefined ? await accountNames(desk.stack) : [checked(account)];
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

function checked(account: string): string {
  if (NAME.test(account)) return account;
  throw refusal(`${JSON.stringify(account)} is no account: a name is 1 to 32 lower-case letters and digits.`);
}

/** Every account that the stack has a secret of, by name. */
async function accountNames({ secrets, secretPrefix }: Connection): Promise<readonly string[]> {
  const names: string[] = [];
  let NextToken: string | undefined;
  do {
    const ask = new ListSecretsCommand({
      Filters: [{ Key: 'name', Values: [secretPrefix] }],
      ...(NextToken === undefined ? {} : { NextToken }),
    });
    const page = await secrets.send(ask).catch((error: unknown) => {
      throw unreachable(error, 'the list of secrets');
    });
    names.push(...(page.SecretList ?? []).map(({ Name = '' }) => Name));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return names
    .filter((name) => name.startsWith(secretPrefix))
    .map((name) => name.slice(secretPrefix.length))
    .filter((name) => NAME.test(name))
    .toSorted();
}

async function secretOf({ secrets, secretPrefix }: Connection, account: string): Promise<string> {
  const SecretId = `${secretPrefix}${account}`;
  try {
    return (await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? '';
  } catch (error) {
    if (error instanceof Error && /^(ResourceNotFound|InvalidRequest)Exception$/.test(error.name)) {
      throw refusal(`There is no secret ${SecretId}: store the account with \`desk account add ${account}\`, or correct its name.`, EXIT.trouble); // prettier-ignore
    }
    throw unreachable(error, `secret ${SecretId}`);
  }
}

/** One after the other: the exchange counts all of them together. */
async function inTurn<From, To>(items: readonly From[], work: (item: From) => Promise<To>): Promise<readonly To[]> {
  const done: To[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
