// SEAM: the doctor proper replaces this file. Until then one signed read says whether a key is good.
import { signedRead } from '../shared/aws/secrets.ts';
import { readCredentials } from '../shared/bitmart/venue.ts';
import type { Finding } from '../shared/order/finding.ts';
import type { Connection } from './connection.ts';
import type { Terminal } from './terminal.ts';

/** @param subject `secret`: what the account's secret holds or would hold, without its mandate */
export async function examine(
  stack: Connection,
  subject: { readonly account: string; readonly secret: Readonly<Record<string, unknown>> },
): Promise<readonly Finding[]> {
  const read = signedRead(stack.exchange.venue, readCredentials, subject.account, () => Date.now() + 15_000);
  const { isGood, detail } = await read(subject.secret);
  if (isGood) return [{ check: 'key', level: 'good', code: 'SIGNED_READ', said: 'a signed read passed' }];
  return [{ check: 'key', level: 'trouble', code: 'KEY_REFUSED', said: detail }];
}

/** Shows them. @returns true when none is trouble */
export function showFindings(words: Terminal, findings: readonly Finding[]): boolean {
  words.table(
    ['check', 'level', 'found'],
    findings.map(({ check, level, said, next }) => [check, level, next === undefined ? said : `${said}; ${next}`]),
    'Nothing was examined.',
  );
  return findings.every(({ level }) => level !== 'trouble');
}
