// What every venue's control interface has in common: answers, the schemas of accounts and faults, parsing. Promises that
// wrong input gets a 400 with a sentence that names the field. Never changes a venue itself.
import * as z from 'zod';
import type { Now } from './book.ts';
import type { Fault, Faults } from './faults.ts';

/** What a control request answers. */
export interface Answered {
  readonly status: number;
  readonly body: object;
}

export const ok = (body: object): Answered => ({ status: 200, body });
export const wrong = (sentence: string): Answered => ({ status: 400, body: { error: sentence } });

export const AMOUNT = z.string().regex(/^\d{1,20}(\.\d{1,18})?$/, 'must be a plain decimal text such as "1000.5"');

export const NAME = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, dashes or underscores');

export const BALANCES = z.record(z.string().regex(/^[A-Z0-9]+$/), AMOUNT);

const CLOCK = z.strictObject({ offsetMs: z.int() });

export const MARKET = z.strictObject({ symbol: z.string(), mid: AMOUNT });

/** Maintenance: 0 announced, 1 under way, 2 over. */
export const SERVICE = z.strictObject({
  service_type: z.enum(['spot', 'contract', 'account']),
  status: z.enum(['0', '1', '2']),
  title: z.string().optional(),
  start_time: z.int().optional(),
  end_time: z.int().optional(),
});

const isCode = (fault: string): boolean => fault === 'code' || fault === 'code-after';
const isStatus = (fault: string): boolean => fault === 'status' || fault === 'status-after';

/** One fault as control takes it; `whose` is the venue whose codes "code" answers with, `worded` its own faults with a message. */
export const faultSchema = <const Names extends readonly [string, ...string[]]>(
  names: Names,
  whose: string,
  worded: readonly string[] = [],
) =>
  z
    .strictObject({
      path: z.string().startsWith('/'),
      fault: z.enum(names),
      probability: z.number().min(0).max(1).default(1),
      times: z.int().min(1, 'must be at least 1; leave it out for no limit').optional(),
      ms: z.number().min(0).max(3_600_000).default(0),
      code: z.int().default(0),
      message: z.string().optional(),
    })
    .refine(({ fault, code }) => !isCode(fault) || code !== 0, `fault "code" needs the ${whose} code to answer with`)
    .refine(
      ({ fault, message }) => isCode(fault) || worded.includes(fault) || message === undefined,
      `message goes with fault "code" ${worded.length > 0 ? `and ${worded.join(', ')} ` : ''}alone`,
    )
    .refine(
      ({ fault, code }) => !isStatus(fault) || code === 0 || (code >= 200 && code <= 599),
      'fault "status" takes an HTTP status from 200 to 599 as code',
    );

/** The faults as a venue keeps them: a status that was left out is 500. */
const filled = <Name extends string>(
  faults: readonly (Omit<Fault<Name>, 'times'> & { readonly times?: number | undefined })[],
): readonly Fault<Name>[] =>
  faults.map((one) => ({ ...one, times: one.times, code: isStatus(one.fault) && one.code === 0 ? 500 : one.code }));

/** Parses JSON by a schema and hands it on; anything wrong becomes one 400 with a sentence that names every field. */
export const parsed = <Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  use: (value: z.infer<Schema>) => Answered,
): Answered => {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return wrong('the body must be one JSON object');
  }
  const result = schema.safeParse(raw);
  if (result.success) return use(result.data);
  return wrong(result.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; '));
};

/** Without what was left undefined, so that it does not cover a default. */
export const given = <Part extends object>(part: Part | undefined): Partial<Part> =>
  Object.fromEntries(Object.entries(part ?? {}).filter(([, value]) => value !== undefined)) as Partial<Part>;

/** Whether an id that was used may be used again; yes and no are short for always and never. */
export const REPEATED_IDS = z
  .union([z.enum(['always', 'whileOpen', 'never']), z.boolean()])
  .transform((value) => (typeof value === 'boolean' ? (value ? 'always' : 'never') : value));

/** What control does, by path: what is set from a text, what is shown, what is forgotten. */
export interface Controls {
  readonly puts: Readonly<Record<string, (text: string) => Answered>>;
  readonly gets: Readonly<Record<string, () => object>>;
  readonly deletes: Readonly<Record<string, () => void>>;
}

/** The part of a venue that every control sets. */
export interface Steered<Name extends string> {
  readonly faults: Faults<Name>;
  readonly settings: { clockOffsetMs: number };
  now(): Now;
}

/** What is wrong with the path of a fault; undefined where it can strike. */
const pathless = (path: string, paths: readonly string[]): string | undefined =>
  paths.includes(path)
    ? undefined
    : `no endpoint has the path ${path}, so the fault would strike nothing; a fault is for one whole path, and there are: ${[...new Set(paths)].sort().join(', ')}`;

/** Faults and the clock, which every venue has; `fault` is the schema of one of its faults, `paths` what one may be for. */
export const commonControls = <const Name extends string>(
  venue: Steered<Name>,
  fault: z.ZodType<Omit<Fault<Name>, 'times'> & { readonly times?: number | undefined }>,
  paths: readonly string[],
): Controls => {
  const clock = (): object => ({ offsetMs: venue.settings.clockOffsetMs, serverTime: venue.now().venueMs });
  return {
    puts: {
      '/faults': (text) =>
        parsed(z.strictObject({ seed: z.int().default(1), faults: z.array(fault) }), text, ({ seed, faults }) => {
          const missing = faults.flatMap(({ path }, at) => {
            const problem = pathless(path, paths);
            return problem === undefined ? [] : [`faults.${at}.path: ${problem}`];
          });
          if (missing.length > 0) return wrong(missing.join('; '));
          venue.faults.put(seed, filled(faults), venue.now().realMs);
          return ok(venue.faults.list());
        }),
      '/clock': (text) =>
        parsed(CLOCK, text, ({ offsetMs }) => {
          venue.settings.clockOffsetMs = offsetMs;
          return ok(clock());
        }),
    },
    gets: { '/faults': () => venue.faults.list(), '/clock': clock },
    deletes: { '/faults': () => venue.faults.clear() },
  };
};

/** Answers one control request; `path` is what follows /control. */
export const steer = ({ puts, gets, deletes }: Controls, method: string, path: string, text: string): Answered => {
  const forget = deletes[path];
  if (method === 'DELETE' && forget) {
    forget();
    return ok({ cleared: path.slice(1) });
  }
  const show = gets[path];
  if (method === 'GET' && show) return ok(show());
  return (
    (method === 'PUT' ? puts[path]?.(text) : undefined) ?? {
      status: 404,
      body: { error: `no control ${method} ${path || '/'}` },
    }
  );
};
