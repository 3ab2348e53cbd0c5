// Intents as an operator gives them: fields of a command line, or a file of them. All are checked before any is sent; what
// is wrong is a sentence that names the place in the file. Sends nothing.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { intentOf, isWrongIntent, newId } from '../producer/intents.ts';
import { barred } from '../shared/order/admit.ts';
import { parse, type OrderIntent, type PlaceIntent } from '../shared/order/intent.ts';
import { refusal } from './terminal.ts';

/** An intent that was checked. `make` makes it anew, with the same id: its life begins when it is sent, not when it is asked about. */
export interface Draft {
  readonly intent: OrderIntent;
  /** It has times of its own, which stay. */
  readonly isTimed: boolean;
  readonly make: () => OrderIntent;
}

type Fields = Readonly<Record<string, unknown>>;

/** More in one command is a mistake, or a program's work. */
const MOST_INTENTS = 1000;
const MOST_BYTES = 5_000_000;

/** @param fields of the intent; `id` and its times are given where they are missing. @throws Refusal naming all that is wrong */
export function draftOf(fields: Fields, lifeMs: number): Draft {
  const { drafts, problems } = readAll([{ place: '', text: JSON.stringify(fields), id: newId() }], lifeMs);
  const [draft] = drafts;
  if (draft === undefined || problems.length > 0) throw refusal(`Nothing was sent: ${problems.join('; ')}.`);
  return draft;
}

/**
 * Reads one intent, an array of them, or one per line.
 * @param file its path, or `-` for stdin
 * @param lifeMs of those that have no times of their own
 * @throws Refusal with every wrong field of every intent
 */
export async function draftsOf(file: string, lifeMs: number): Promise<readonly Draft[]> {
  const text = await (file === '-' ? stdin() : readFile(file, 'utf8')).catch((error: unknown) => {
    throw refusal(`${file} cannot be read (${error instanceof Error ? error.message : 'unknown error'}); nothing was sent.`);
  }); // prettier-ignore
  if (text.length > MOST_BYTES) throw refusal(`${nameOf(file)} is longer than ${MOST_BYTES} bytes; split it.`);
  const pieces = piecesOf(text);
  if (pieces.length === 0) throw refusal(`${nameOf(file)} holds no intent; give one, an array, or one per line.`);
  if (pieces.length > MOST_INTENTS) {
    throw refusal(`${nameOf(file)} holds ${pieces.length} intents; the limit is ${MOST_INTENTS}; split it.`);
  }
  const { drafts, problems } = readAll(pieces, lifeMs);
  if (problems.length > 0)
    throw refusal(`Nothing was sent, since ${nameOf(file)} is not right:\n${problems.join('\n')}`);
  return drafts;
}

/** What an intent does, for a person who is to say yes to it. */
export function describe(intent: OrderIntent): string {
  const { action, market, account } = intent;
  const where = `on ${market}, account ${account}`;
  switch (action) {
    case 'place':
      return `${order(intent)}, ${where}`;
    case 'cancel':
      return `cancel order ${intent.target} of ${intent.symbol} ${where}`;
    case 'cancel-all':
      return `cancel all ${words('side' in intent ? intent.side : undefined, 'orders', intent.symbol && `of ${intent.symbol}`)} ${where}`;
    case 'amend': {
      const price = 'price' in intent && `price ${intent.price}`;
      const changes = [price, intent.size && `size ${intent.size}`].filter(Boolean).join(' and ');
      return `change order ${intent.target} of ${intent.symbol} to ${changes} ${where}`;
    }
    case 'set-leverage':
      return `set the leverage of ${intent.symbol} to ${intent.leverage} (${intent.marginMode}) ${where}`;
    case 'set-position-mode':
      return `set the position mode to ${intent.positionMode} ${where}`;
    case 'cancel-all-after':
      return intent.timeoutSeconds === 0
        ? `turn the dead-man switch of ${intent.symbol} off ${where}`
        : `cancel all orders of ${intent.symbol} in ${intent.timeoutSeconds} s unless told again ${where}`;
  }
}

function order(intent: PlaceIntent): string {
  const { side, symbol, type, collar } = intent;
  const [base = '', quote = ''] = symbol.split('_');
  const what = 'notional' in intent ? `${base} for ${intent.notional} ${quote}` : `${intent.size} ${base}`;
  const parts = [
    'price' in intent ? `${side} ${what} at ${intent.price} ${quote} (${type})` : `${side} ${what} at the market`,
    'reduceOnly' in intent && intent.reduceOnly === true && 'only to reduce the position',
    'leverage' in intent && intent.leverage && words(`leverage ${intent.leverage}`, intent.marginMode),
    'takeProfit' in intent && intent.takeProfit && `take profit at ${intent.takeProfit.price}`,
    'stopLoss' in intent && intent.stopLoss && `stop loss at ${intent.stopLoss.price}`,
    collar && `only within ${collar.maxDeviationBps} bps of ${collar.referencePrice}`,
  ];
  return parts.filter(Boolean).join(', ');
}

function words(...parts: readonly (string | undefined)[]): string {
  return parts.filter(Boolean).join(' ');
}

interface Piece {
  /** Where it stands, for a person; empty where there is only one. */
  readonly place: string;
  readonly text: string;
  /** Its id where it says none. */
  readonly id: string;
}

/**
 * The id of an intent that has none: always the same for its place in the same file, so that a file which is sent again
 * after a failure doubles nothing.
 */
function idIn(whole: string, index: number): string {
  return createHash('sha256').update(`${index} ${whole}`).digest('hex').slice(0, 32);
}

function piecesOf(text: string): readonly Piece[] {
  const whole = jsonOf(text);
  if (Array.isArray(whole)) {
    return whole.map((one: unknown, index) => ({ place: `intent ${index + 1}: `, text: JSON.stringify(one), id: idIn(text, index) })); // prettier-ignore
  }
  if (whole !== undefined) return [{ place: '', text, id: idIn(text, 0) }];
  return text
    .split('\n')
    .map((line, index) => ({ place: `line ${index + 1}: `, text: line.trim(), id: idIn(text, index) }))
    .filter((piece) => piece.text !== '');
}

interface Reading {
  readonly drafts: readonly Draft[];
  readonly problems: readonly string[];
}

function readAll(pieces: readonly Piece[], lifeMs: number): Reading {
  const places = new Map<string, string>();
  const readings = pieces.map(({ place, text, id: ownId }): Reading => {
    const reading = read(text, ownId, lifeMs);
    const [draft] = reading.drafts;
    if (draft === undefined) return { drafts: [], problems: [`${place}${reading.problems.join('; ')}`] };
    const { account, id } = draft.intent;
    const earlier = places.get(`${account} ${id}`);
    places.set(`${account} ${id}`, place.replace(/: $/, ''));
    if (earlier === undefined) return reading;
    return { drafts: [], problems: [`${place}its id ${id} is that of ${earlier}; give each its own`] };
  });
  return {
    drafts: readings.flatMap(({ drafts }) => drafts),
    problems: readings.flatMap(({ problems }) => problems),
  };
}

/** @returns one draft, or what is wrong */
function read(text: string, id: string, lifeMs: number): Reading {
  const wrong = (...problems: readonly string[]): Reading => ({ drafts: [], problems });
  const fields = jsonOf(text);
  // What has times of its own is a whole intent, which is sent as it stands; `parse` also says what is no intent at all.
  if (!isRecord(fields) || 'createdAt' in fields || 'expiresAt' in fields) {
    const parsed = parse(text);
    if (parsed.kind === 'malformed') return wrong(...parsed.problems);
    const { intent } = parsed;
    const denial = barred(intent, { state: 'active' }, Date.now());
    return denial === undefined
      ? { drafts: [{ intent, isTimed: true, make: () => intent }], problems: [] }
      : wrong(`${denial.detail} (${denial.code})`);
  }
  try {
    const given = { id, ...fields, lifeMs };
    const make = (): OrderIntent => intentOf(given);
    return { drafts: [{ intent: make(), isTimed: false, make }], problems: [] };
  } catch (error) {
    if (isWrongIntent(error)) return wrong(...error.problems);
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(file: string): string {
  return file === '-' ? 'what came on stdin' : file;
}

async function stdin(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > MOST_BYTES) break;
  }
  return text;
}
