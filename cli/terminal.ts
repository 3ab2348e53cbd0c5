// What a person sees of `desk`, and what a program gets: tables and sentences, or one JSON value with --json; questions
// before money moves; and the exit codes. Words for people go to stdout, or to stderr where stdout is for JSON.
// Never shows a value that was typed as a secret.
import Table from 'cli-table3';
import { screen, wrap, type Screen } from '../local/screen.ts';

/** What a caller can tell from the exit code. */
export const EXIT = {
  done: 0,
  /** It was done, and what it found or what became of it is not good: a check failed, an order was refused. */
  trouble: 1,
  /** What was typed is wrong; nothing was done. */
  usage: 2,
  /** The person said no, or could not be asked and did not say --yes; nothing was done. */
  declined: 3,
  /** AWS, the local stack or the exchange cannot be reached, or does not let us. */
  unreachable: 4,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An end with a sentence for the person: what is wrong and what to do. */
export interface Refusal extends Error {
  readonly exitCode: ExitCode;
}

/** Made to be thrown: ends the command with this sentence on stderr. */
export function refusal(sentence: string, exitCode: ExitCode = EXIT.usage): Refusal {
  return Object.assign(new Error(sentence), { name: 'Refusal', exitCode });
}

export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && error.name === 'Refusal' && 'exitCode' in error;
}

/**
 * Whoever reads what is written here may go at any time (`| head`), and no work depends on it: a halt least of all. What
 * could not be written for another reason, a full disk say, shows in the exit code.
 */
export function outliveReaders(): void {
  let isLost = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code }: NodeJS.ErrnoException) => {
      isLost ||= code !== 'EPIPE' && code !== 'EIO';
    });
  }
  process.once('exit', () => {
    if (isLost) process.exitCode ||= EXIT.trouble;
  });
}

export type Cell = string | number | undefined;

export interface Terminal {
  readonly isJson: boolean;
  readonly screen: Screen;
  /** A sentence for people, wrapped at the width of the terminal. */
  say(text: string): void;
  /** Rows for people, with heads; `none` stands where there are no rows. */
  table(heads: readonly string[], rows: readonly (readonly Cell[])[], none: string): void;
  /** The result for programs: one line of JSON on stdout with --json, nothing without. */
  result(value: unknown): void;
  /** A line of JSON for each event of a command that goes on, with --json; nothing without. */
  event(value: unknown): void;
  /**
   * Asks before money moves or something is lost; returns when the answer is yes or --yes was given.
   * @throws Refusal (declined) where it is no, or where nobody can be asked
   */
  confirm(question: string): Promise<void>;
  /** Asks for text that is not shown. @throws Refusal (usage) where nobody can be asked */
  secret(question: string): Promise<string>;
}

export interface TerminalOptions {
  readonly json: boolean;
  readonly yes: boolean;
}

export function terminal({ json, yes }: TerminalOptions): Terminal {
  const shown = screen(json ? process.stderr : process.stdout);
  const data = (value: unknown): void => {
    if (json) shown.data(JSON.stringify(value));
  };
  const canAsk = process.stdin.isTTY && process.stderr.isTTY;
  return {
    isJson: json,
    screen: shown,
    say: (text) => shown.say(wrap(text, shown.look().width)),
    table: (heads, rows, none) => {
      if (json) return;
      if (rows.length === 0) shown.say(none);
      else shown.say(tableOf(heads, rows, shown.look().paint.bold));
    },
    result: data,
    event: data,
    confirm: async (question) => {
      if (yes) return;
      if (!canAsk) throw refusal(`${question} Nobody can be asked here: say --yes if that is wanted.`, EXIT.declined);
      const { default: confirm } = await import('@inquirer/confirm');
      const isYes = await confirm({ message: question, default: false }, { output: process.stderr }).catch(gaveUp);
      if (!isYes) throw refusal('Nothing was done.', EXIT.declined);
    },
    secret: async (question) => {
      if (!canAsk) throw refusal(`${question}: nobody can be asked here; give it on stdin as the help says.`);
      const { default: password } = await import('@inquirer/password');
      return password({ message: question, mask: '*', toggleMask: false }, { output: process.stderr }).catch(gaveUp);
    },
  };
}

/** Ctrl-C at a question. */
function gaveUp(): never {
  throw refusal('Nothing was done.', EXIT.declined);
}

function tableOf(heads: readonly string[], rows: readonly (readonly Cell[])[], bold: (text: string) => string): string {
  const none = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '' };
  const sides = { left: '', right: '', mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '', middle: '  ' };
  const below = { bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' };
  const table = new Table({
    head: heads.map(bold),
    chars: { ...none, ...sides, ...below },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(row.map((cell) => (cell === undefined ? '' : String(cell))));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
