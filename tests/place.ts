// Where the accounts of these tests are. Holds no test.
import type { Place } from '../shared/aws/accounts.ts';
import { readCredentials } from '../shared/bitmart/venue.ts';

/** Of accounts that do not say where they are: what a function reads of such a secret. */
export function readPlace(secret: Readonly<Record<string, unknown>>): Place | { readonly unreadable: string } {
  const credentials = readCredentials(secret);
  if ('unreadable' in credentials) return { unreadable: credentials.unreadable };
  return { venue: 'bitmart', environment: 'live', credentials };
}
