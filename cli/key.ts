// A key as it comes in: from questions on a terminal, or as one JSON object on stdin; never from arguments, which others
// on the machine can see and the shell remembers. Nothing that was typed is ever told, not even of input that is wrong.
import { fieldsOf } from './accounts.ts';
import { refusal, type Terminal } from './terminal.ts';

/** Fields of an account's secret that are the key's own. */
export type Key = Readonly<Record<string, string>>;

const NEEDED = ['apiKey', 'secretKey', 'memo'] as const;
/** ccxt's name of the memo. */
const MEMO_TOO = 'uid';
const KNOWN: readonly string[] = [...NEEDED, MEMO_TOO, 'brokerId'];
const MOST_BYTES = 16_384;
const EXAMPLE = '{ "apiKey": "...", "secretKey": "...", "memo": "..." }';

/** What the help of a command that takes a key says. */
export const KEY_HELP = `
Key, secret and memo are asked for, and not shown. Where stdin is no terminal it holds them as one JSON object:
${EXAMPLE}; "uid" is taken for memo, as ccxt calls it, and "brokerId" may be there.`;

/** @throws Refusal that says what is wrong with the input, and nothing of what it was */
export async function readKey(words: Terminal): Promise<Key> {
  if (process.stdin.isTTY) {
    return {
      apiKey: filled('apiKey', await words.secret('API key (apiKey)')),
      secretKey: filled('secretKey', await words.secret('Secret (secretKey)')),
      memo: await words.secret('Memo: the text typed when the key was made'),
    };
  }
  return keyIn(await stdin(), words);
}

function keyIn(text: string, words: Terminal): Key {
  const fields = fieldsOf(text);
  if (text.trim() === '') throw refusal(`Nothing came on stdin: give it ${EXAMPLE}.`);
  if (fields === undefined) throw refusal(`What came on stdin is not one JSON object: give it ${EXAMPLE}.`);
  if (Object.keys(fields).some((name) => !KNOWN.includes(name))) {
    // Not which one: where somebody mixed up names and values it could be the secret.
    throw refusal(`stdin holds a field that belongs to no key: give it ${EXAMPLE} alone.`);
  }
  const wrong = Object.keys(fields).find((name) => typeof fields[name] !== 'string');
  if (wrong !== undefined) throw refusal(`${wrong} is not text: put it in quotes.`);
  if (MEMO_TOO in fields && 'memo' in fields)
    throw refusal('memo and uid are two names of one thing: give one of them.');
  const { uid, ...rest } = fields as Key;
  if (uid !== undefined) words.say('uid was taken for the memo: ccxt calls it so.');
  const key: Key = uid === undefined ? rest : { ...rest, memo: uid };
  const missing = NEEDED.filter((name) => !(name in key));
  if (missing.length > 0) throw refusal(`${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing: give ${EXAMPLE}.`); // prettier-ignore
  for (const [name, value] of Object.entries(key)) if (name !== 'memo') filled(name, value);
  return key;
}

function filled(name: string, value: string): string {
  if (value.trim() === '') throw refusal(`${name} is empty: give it as the exchange showed it.`);
  return value;
}

async function stdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BYTES) throw refusal(`stdin holds more than ${MOST_BYTES} bytes: give it ${EXAMPLE} alone.`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
