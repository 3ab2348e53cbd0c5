// One JSON line per event on stdout, where CloudWatch and the local runner read it.
// Callers pass fields one by one; whole errors, requests and accounts never come here, so that no secret can.

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;
export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Fields) => void;

/** What every line carries at its end: an environment runs one invocation at a time. */
let common: Fields = {};

/** Says which function and invocation the lines are of from now on. */
export function logAs(fields: Fields): void {
  common = fields;
}

/** Writes the line at once: a frozen or killed environment has lost nothing that was logged. */
export const log: Log = (level, message, fields = {}) => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields, ...common })}\n`);
};

/** An error as far as it may be shown: its name and message, never its properties (which may hold a request). */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : 'an error that is no Error';
}
