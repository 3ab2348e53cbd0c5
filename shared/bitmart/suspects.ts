// What can be told of credentials that the exchange refused, by looking at them, and which other reading of them is worth
// one signed read each: the trial that passes is the proof. Pure; names fields and never shows a value.
import type { Code } from './findings.ts';
import type { Credentials } from './wire.ts';

/** Something odd. Nothing of it is proven. */
export interface Suspect {
  readonly code: Code;
  readonly said: string;
}

/** Credentials read in another way; `proves` is what it would prove if they pass. */
export interface Trial {
  readonly credentials: Credentials;
  readonly proves: readonly Suspect[];
}

export interface Suspicion {
  readonly suspects: readonly Suspect[];
  /** At most two. */
  readonly trials: readonly Trial[];
}

/** The key is known and the signature is refused: secretKey or memo. */
export function ofSignature(credentials: Credentials): Suspicion {
  const { apiKey, secretKey, memo } = credentials;
  const strays = strayCharacters(credentials);
  const cleaned = { ...credentials, memo: clean(memo).normalize('NFC'), secretKey: clean(secretKey) };
  const suspects = [
    ...strays,
    ...when(memo.normalize('NFC') !== memo, 'MEMO_NOT_COMPOSED', 'memo has accents as characters of their own'),
    ...when(memo === '', 'MEMO_EMPTY', 'memo is empty'),
    ...when(/^\d{5,12}$/.test(memo), 'MEMO_NUMERIC', 'memo is digits and nothing else, as a user id is'),
    ...repeated(credentials),
    ...when(!isSecretLike(clean(secretKey)), 'SECRET_SHAPE', `secretKey is ${shapeOf(secretKey, apiKey)}`),
  ];
  const isOdd = cleaned.memo !== memo || cleaned.secretKey !== secretKey;
  const stray = suspects.filter(({ code }) => /_STRAY$|_COMPOSED$/.test(code));
  const swapped = { ...credentials, secretKey: memo, memo: secretKey };
  return {
    suspects,
    trials: [
      ...(isOdd && cleaned.secretKey !== '' ? [{ credentials: cleaned, proves: stray }] : []),
      ...(memo === '' || memo === secretKey
        ? []
        : [{ credentials: swapped, proves: when(true, 'MEMO_SECRET_SWAPPED', 'with secretKey and memo exchanged the signature passes') }]), // prettier-ignore
    ],
  };
}

/**
 * The key is not known: it may stand in another field. What is tried as a key goes to the exchange in a header, where a
 * secret does not belong; so nothing is tried where apiKey has the shape of a key.
 */
export function ofKey(credentials: Credentials): Suspicion {
  const { apiKey, secretKey, memo } = credentials;
  if (isKeyLike(apiKey)) return { suspects: repeated(credentials), trials: [] };
  const shape = isSecretLike(apiKey) ? 'shaped like a secret key' : 'not 40 hex digits, as the published examples are';
  const suspects = [...repeated(credentials), ...when(true, 'KEY_SHAPE', `apiKey is ${shape}`)];
  const others = [
    { swapped: { ...credentials, apiKey: secretKey, secretKey: apiKey }, code: 'KEY_SECRET_SWAPPED', field: 'secretKey' }, // prettier-ignore
    { swapped: { ...credentials, apiKey: memo, memo: apiKey }, code: 'KEY_MEMO_SWAPPED', field: 'memo' },
  ] as const;
  const trials = others
    .filter(({ swapped }) => isTriable(swapped.apiKey) && swapped.apiKey !== apiKey)
    .map(({ swapped, code, field }) => ({
      credentials: swapped,
      proves: when(true, code, `the exchange knows what stands in ${field} as a key`),
    }));
  return { suspects, trials };
}

/** What a header can carry, and is not shaped like a secret: that never goes where the exchange and others log it. */
const isTriable = (text: string): boolean => /^[\x21-\x7e]+$/.test(text) && !isSecretLike(text);
/** The shapes of the published examples and of recorded keys; whether all keys have them is known to nobody here. */
const isKeyLike = (text: string): boolean => /^[0-9a-f]{40}$/i.test(text);
const isSecretLike = (text: string): boolean => /^[0-9a-f]{64}$/i.test(text);

function shapeOf(secretKey: string, apiKey: string): string {
  if (isKeyLike(secretKey) || secretKey === apiKey) return 'shaped like an API key';
  return 'not 64 hex digits, as the published examples are';
}

function repeated({ apiKey, secretKey, memo }: Credentials): readonly Suspect[] {
  return [
    ...when(apiKey === secretKey, 'SECRET_REPEATS', 'secretKey is the same text as apiKey'),
    ...when(memo === apiKey, 'SECRET_REPEATS', 'memo is the same text as apiKey'),
    ...when(memo === secretKey, 'SECRET_REPEATS', 'memo is the same text as secretKey'),
  ];
}

function strayCharacters({ secretKey, memo }: Credentials): readonly Suspect[] {
  const [inMemo, inSecret] = [straysIn(memo), straysIn(secretKey)];
  return [
    ...when(inMemo !== '', 'MEMO_HAS_STRAY', `memo has ${inMemo}`),
    ...when(inSecret !== '', 'SECRET_HAS_STRAY', `secretKey has ${inSecret}`),
  ];
}

/** Byte order mark, zero-width characters, soft hyphen. */
const INVISIBLE = /[\uFEFF\u200B-\u200F\u2060\u00AD]/g;
const CONTROL = /\p{Cc}/gu;
const CURLY: Readonly<Record<string, string>> = { '“': '"', '”': '"', '„': '"', '‘': "'", '’': "'" };
const QUOTED = /^(["'`])(.*)\1$/su;

/** Which of them the text holds, in words; empty where none. */
function straysIn(text: string): string {
  const found = [
    ...(text.trim() === text ? [] : ['white space at an end']),
    ...(text.trim().search(CONTROL) < 0 ? [] : ['a line break or another control character inside']),
    ...(text.search(INVISIBLE) < 0 ? [] : ['an invisible character']),
    ...(/[“”„‘’]/.test(text) ? ['typographic quotes'] : []),
    ...(QUOTED.test(text.trim()) ? ['quotes around it'] : []),
  ];
  return found.join(', ');
}

function clean(text: string): string {
  const plain = text
    .replaceAll(INVISIBLE, '')
    .replaceAll(CONTROL, '')
    .replace(/[“”„‘’]/g, (quote) => CURLY[quote] ?? quote)
    .trim();
  return QUOTED.exec(plain)?.[2] ?? plain;
}

function when(is: boolean, code: Code, said: string): readonly Suspect[] {
  return is ? [{ code, said }] : [];
}
