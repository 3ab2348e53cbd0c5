// Where the words of a command go: a stream, how wide it is, whether it takes colours, and progress on a terminal.
// Promises that what is not a terminal gets plain whole lines: no colours, no line that is overwritten.
import pc from 'picocolors';

export type Paint = ReturnType<typeof pc.createColors>;

/** How text is laid out: `width` in columns, and colours that do nothing where none are wanted. */
export interface Look {
  readonly width: number;
  readonly paint: Paint;
}

/** @param isColoured whether the stream is a terminal that wants colours */
export function look(width: number, isColoured: boolean): Look {
  return { width: Math.min(Math.max(width, 60), 140), paint: pc.createColors(isColoured) };
}

/** Where the words go: stdout, or stderr where stdout is for JSON. */
export interface Screen {
  readonly say: (text: string) => void;
  /** A line about something that takes a while; on a terminal it is replaced when that is over. */
  readonly during: <T>(doing: string, work: () => Promise<T>, done: (result: T) => string) => Promise<T>;
  /** A line that the next words overwrite, such as how far something is; nothing where the stream is no terminal. */
  readonly passing: (line: string) => void;
  readonly data: (line: string) => void;
  readonly look: () => Look;
}

/** @param stream what is for people goes here; data always goes to stdout */
export function screen(stream: NodeJS.WriteStream): Screen {
  const env = process.env;
  // isTTY is undefined, not false, where the stream is no terminal; and a CI variable is no wish for colours.
  const isColoured = (stream.isTTY as boolean | undefined) === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const now = (): Look => look((stream.isTTY ? stream.columns : Number(env['COLUMNS'])) || 80, isColoured);
  let isPassing = false;
  const clear = (): void => {
    if (isPassing) stream.write('\r\x1b[2K');
    isPassing = false;
  };
  const say = (text: string): void => {
    clear();
    stream.write(`${text}\n`);
  };
  return {
    say,
    look: now,
    passing: (line) => {
      if (!stream.isTTY) return;
      clear();
      if (line !== '') stream.write(now().paint.dim(line.slice(0, now().width - 1)));
      isPassing = line !== '';
    },
    data: (line) => void process.stdout.write(`${line}\n`),
    during: async (doing, work, done) => {
      if (stream.isTTY) stream.write(now().paint.dim(`${doing} ...`));
      const startedAt = Date.now();
      try {
        const result = await work();
        if (stream.isTTY) stream.write('\r\x1b[2K');
        const { paint } = now();
        say(`${paint.green('✓')} ${done(result)} ${paint.dim(`${((Date.now() - startedAt) / 1000).toFixed(1)} s`)}`);
        return result;
      } catch (error) {
        if (stream.isTTY) stream.write('\r\x1b[2K');
        throw error;
      }
    },
  };
}

/** Breaks at spaces; a word that is longer than the line stands alone and overlong. Line breaks in `text` stay. */
export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && visible(line) + 1 + visible(word) > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.join('\n');
}

/** Length without colour codes. */
function visible(text: string): number {
  return text.replace(/\x1b\[\d+m/g, '').length;
}
