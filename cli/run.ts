// How one command of `desk` runs: its options read, its stack found and left again, and what it came to as an exit code.
// Errors that were expected are one sentence; anything else is a bug, and says where.
import type { Command } from 'commander';
import { describeError } from '../shared/log.ts';
import { connectTo, type Connection, type Where } from './connection.ts';
import { EXIT, isRefusal, terminal, type ExitCode, type Terminal } from './terminal.ts';

/** Options that every command has. */
export interface GlobalOptions extends Where {
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** What a command works with: its words, and its stack. */
export type Desk = Terminal & { readonly stack: Connection };

/** What it came to; nothing said is `done`. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type
type End = Promise<ExitCode | void>;

/** Words that say on which stack what is asked about will be done. */
export function onto(words: Terminal, stack: Connection): Desk {
  return { ...words, stack, confirm: (question) => words.confirm(`${question} (${stack.name})`) };
}

/**
 * An action of a command that needs a stack.
 * @param work gets the desk, the arguments and at last the options, its own and the global ones
 */
// Each command says what its arguments are by the types of its own.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function onStack<Given extends readonly unknown[]>(
  work: (desk: Desk, ...given: Given) => End,
): (...given: unknown[]) => Promise<void> {
  return here(async (words: Terminal, ...given: readonly unknown[]) => {
    const stack = await connectTo(given.at(-1) as GlobalOptions);
    try {
      return await work(onto(words, stack), ...(given as unknown as Given));
    } finally {
      stack.close();
    }
  });
}

/** An action of a command that needs no stack. @param work as for `onStack`, with the words alone */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function here<Given extends readonly unknown[]>(
  work: (words: Terminal, ...given: Given) => End,
): (...given: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const options: GlobalOptions = command.optsWithGlobals();
    try {
      const words = terminal({ json: options.json === true, yes: options.yes === true });
      process.exitCode = (await work(words, ...([...all.slice(0, -2), options] as unknown as Given))) ?? EXIT.done;
    } catch (error) {
      fail(error);
    }
  };
}

function fail(error: unknown): void {
  const said = isRefusal(error) ? error.message : `desk failed: ${describeError(error)}`;
  process.stderr.write(`${said}\n`);
  process.exitCode = isRefusal(error) ? error.exitCode : EXIT.trouble;
}
