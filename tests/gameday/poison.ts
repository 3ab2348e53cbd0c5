// What somebody who should not write to the intents queue might put there: no intent, somebody else's, or one too greedy.
// Each with the reasons that it may be buried for. A seed decides the order and the accounts.
import type { System } from '../system/fixture.ts';
import { intent } from '../system/fixture.ts';

/** One message, and what must come of it. */
export interface Drop {
  readonly kind: string;
  readonly raw: string;
  readonly group: string;
  readonly id: string;
  readonly reasons: readonly string[];
  /** own: its report has the intent's id; message: that of the message; none: it has no report. */
  readonly report: 'own' | 'message' | 'none';
}

type Maker = (account: string, other: string, index: number) => Omit<Drop, 'kind'>;

const minutes = (count: number): string => new Date(Date.now() + count * 60_000).toISOString();
/** A message that says what its intent says, in form at least. */
const own = (fields: Readonly<Record<string, unknown>>, reasons: readonly string[]): Omit<Drop, 'kind'> => {
  const body = intent(fields);
  return { raw: JSON.stringify(body), group: String(body['account']), id: body.id, reasons, report: 'own' };
};
const noIntent = (raw: string, group: string, index: number): Omit<Drop, 'kind'> => {
  const id = `poison${Date.now()}x${index}`;
  return { raw, group, id, reasons: ['MALFORMED'], report: 'message' };
};

const KINDS: Readonly<Record<string, Maker>> = {
  'no JSON': (account, _other, index) => noIntent(`buy everything! ${index}`, account, index),
  'a torso of JSON': (account, _other, index) =>
    noIntent(`{"id":"torso${index}","account":"${account}"`, account, index),
  'an empty list': (account, _other, index) => noIntent(`[${' '.repeat(index)}]`, account, index),
  'a number as size': (account) => own({ account, size: 1e-7 }, ['MALFORMED']),
  'a field too many': (account) => own({ account, leverage: 100 }, ['MALFORMED']),
  'as long as the queue takes': (account) => own({ account, strategy: 'x'.repeat(3500) }, ['MALFORMED']),
  'of another group': (account, other) => ({ ...own({ account }, ['GROUP_MISMATCH']), group: other, report: 'none' }),
  'of another deduplication id': (account) => {
    const made = own({ account }, ['DEDUPLICATION_MISMATCH']);
    return { ...made, id: `${made.id}again`, report: 'none' };
  },
  'a life of a year': (account) => own({ account, expiresAt: minutes(525_600) }, ['LIFETIME_TOO_LONG']),
  'from the future': (account) => own({ account, createdAt: minutes(4), expiresAt: minutes(9) }, ['CREATED_IN_FUTURE']),
  'from long ago': (account) =>
    own({ account, createdAt: minutes(-90), expiresAt: minutes(-80) }, ['INTENT_EXPIRED', 'LIFETIME_TOO_LONG']),
  'of nobody': (_account, _other, index) => own({ account: `nobody${index}` }, ['ACCOUNT_UNKNOWN']),
};

/** @returns `count` of them, each kind as often as any other */
export function poison(count: number, accounts: readonly string[], draw: () => number): readonly Drop[] {
  const pick = (): number => Math.floor(draw() * accounts.length);
  const kinds = Object.entries(KINDS);
  return Array.from({ length: count }, (_, index) => {
    const [kind, make] = kinds[index % kinds.length] as (typeof kinds)[number];
    const at = pick();
    const other = accounts[(at + 1) % accounts.length] ?? '';
    return { kind, ...make(accounts[at] ?? '', other, index) };
  });
}

/** Puts them on the intents queue. @returns their message ids */
export function pour(system: Pick<System, 'send'>, drops: readonly Drop[]): Promise<readonly string[]> {
  return system.send(drops.map(({ raw, group, id }) => ({ raw, group, id })));
}
