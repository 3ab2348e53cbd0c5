// Reads settings from environment variables, all at once: every missing or wrong one is named in one error.
// Knows no setting by name; each part of the system says which ones it needs. Never prints a value.

/** How one variable is read. `read` throws a RangeError whose message completes the sentence "NAME …". */
export interface Setting<T> {
  readonly variable: string;
  readonly fallback?: string;
  readonly read: (text: string) => T;
}
export type Settings<S extends Readonly<Record<string, Setting<unknown>>>> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/** A number from `least` to `most`. */
export function numeric(variable: string, fallback: string, least: number, most: number): Setting<number> {
  const read = (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most)) {
      throw new RangeError(`must be a number from ${least} to ${most}`);
    }
    return value;
  };
  return { variable, fallback, read };
}

/** An http or https URL; the trailing slash is dropped. */
export function url(variable: string, fallback?: string): Setting<string> {
  const read = (text: string): string => {
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') throw new RangeError('must be an http(s) URL');
    return text.replace(/\/$/, '');
  };
  return { variable, read, ...(fallback === undefined ? {} : { fallback }) };
}

/** true or false. */
export function flag(variable: string, fallback: 'true' | 'false'): Setting<boolean> {
  const read = (text: string): boolean => {
    if (text !== 'true' && text !== 'false') throw new RangeError('must be true or false');
    return text === 'true';
  };
  return { variable, fallback, read };
}

/** Text that is not empty. */
export function words(variable: string, fallback: string): Setting<string> {
  return { variable, fallback, read: (text) => text };
}

/** Names with commas between them, none at all by default. @param most how many @param known those that there are */
export function names<const N extends string = string>(
  variable: string,
  fallback: string,
  most: number,
  known?: readonly N[],
): Setting<readonly N[]> {
  const read = (text: string): readonly N[] => {
    const given = text.split(',').map((name) => name.trim());
    const isKnown = (name: string): name is N => known?.some((each) => each === name) ?? /^[a-z0-9]{1,32}$/.test(name);
    const what = known === undefined ? 'of 1 to 32 lower-case letters and digits' : `out of ${known.join(', ')}`;
    if (given.length > most || !given.every(isKnown)) {
      throw new RangeError(`must be at most ${most} names with commas between them, each ${what}`);
    }
    return given.filter(isKnown);
  };
  return { variable, fallback, read: (text) => (text === '' ? [] : read(text)) };
}

/**
 * Reads all settings.
 * @throws RangeError naming every variable that is missing or wrong
 */
export function readSettings<const S extends Readonly<Record<string, Setting<unknown>>>>(
  env: Readonly<Record<string, string | undefined>>,
  settings: S,
): Settings<S> {
  const problems: string[] = [];
  const entries = Object.entries(settings).map(([key, setting]) => {
    const text = env[setting.variable] ?? '';
    const given = text === '' ? setting.fallback : text;
    if (given === undefined) {
      problems.push(`${setting.variable} is missing`);
      return [key, undefined];
    }
    try {
      return [key, setting.read(given)];
    } catch (error) {
      problems.push(`${setting.variable} ${error instanceof RangeError ? error.message : 'cannot be read'}`);
      return [key, undefined];
    }
  });
  if (problems.length > 0) {
    throw new RangeError(
      `wrong settings: ${problems.join('; ')}. Set them in the function's environment (serverless.yml).`,
    );
  }
  return Object.fromEntries(entries) as Settings<S>;
}
