// Examines the exchange and an account there, and shows what was found: for `desk doctor`, and for whoever stores a key.
// Asks through the venue's own doctor; decides nothing about an order, and never shows a credential.
import { wrap } from '../local/screen.ts';
import { commonFindings, findingBy, type Examination, type Finding, type Subject } from '../shared/order/finding.ts';
import { readMandate } from '../shared/order/mandate.ts';
import type { Connection } from './connection.ts';
import { reach } from './network.ts';
import type { Terminal } from './terminal.ts';

const finding = findingBy(commonFindings);

/** What is examined about the stack's exchange: `doctor`, and whether its functions run on this machine. */
export type Examined = Pick<Connection, 'doctor' | 'isLocal' | 'name'>;

/**
 * Everything: the exchange, then the account. It need not be stored: `secret` is what its secret says or will say, without
 * the mandate. At most some ten paced requests; never throws for what it finds.
 */
export async function examine(
  stack: Examined,
  subject: Subject,
  how: Pick<Examination, 'readsOnly'> = {},
): Promise<readonly Finding[]> {
  return [...(await examineExchange(stack)), ...(await examineAccount(stack, subject, how))];
}

/** The exchange alone: network, clock, service, trading. */
export async function examineExchange({ doctor, isLocal, name }: Examined): Promise<readonly Finding[]> {
  const reached = await Promise.all(doctor.hosts.map(reach));
  const here = isLocal
    ? []
    : [finding('SEEN_FROM_HERE', `seen from this machine; the functions of ${name} run elsewhere`)];
  return [...here, ...reached, ...(await doctor.exchange())];
}

/** One account alone, after the exchange. */
export function examineAccount(
  { doctor, isLocal }: Examined,
  subject: Subject,
  how: Pick<Examination, 'readsOnly'> = {},
): Promise<readonly Finding[]> {
  return doctor.account(subject, { ...how, isElsewhere: !isLocal });
}

/** What the mandate beside the key lets it do. */
export function mandateFinding(value: unknown): Finding {
  const mandate = readMandate(value);
  if ('unreadable' in mandate) return finding('MANDATE_UNREADABLE', mandate.unreadable);
  const held = [
    ...(mandate.state === 'active' ? [] : [`it is ${mandate.state}`]),
    ...(mandate.shadow === true ? ['it is in shadow mode: nothing is sent'] : []),
  ];
  if (held.length > 0) return finding('MANDATE_HOLDS_BACK', held.join('; '));
  return finding('MANDATE_GOOD', 'the account is active');
}

const MARKS = { good: '✓', note: '!', trouble: '✗' } as const;
const PAINTS = { good: 'green', note: 'yellow', trouble: 'red' } as const;
const CHECK_WIDTH = 13;
const INDENT = ' '.repeat(2 + CHECK_WIDTH);

/** Prints the findings for people; the code of each that is not good stands behind it. @returns true when none is trouble */
export function showFindings({ screen }: Pick<Terminal, 'screen'>, findings: readonly Finding[]): boolean {
  const { width, paint } = screen.look();
  const laidOut = (text: string): string => wrap(text, width - INDENT.length).replaceAll('\n', `\n${INDENT}`);
  for (const { check, level, code, said, next } of findings) {
    const isGood = level === 'good';
    const words = isGood ? said : `${said} [${code}]`;
    screen.say(`${paint[PAINTS[level]](MARKS[level])} ${check.padEnd(CHECK_WIDTH)}${laidOut(words)}`);
    if (next !== undefined && !isGood) screen.say(`${INDENT}${laidOut(`→ ${next}`)}`);
  }
  return findings.every(({ level }) => level !== 'trouble');
}
