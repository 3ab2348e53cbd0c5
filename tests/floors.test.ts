// Who imports whom: arrows only point down, there are no cycles, and nothing above a venue says its name.
// The checker reads the imports of every file; planted violations show that it would see one.
import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Source {
  /** Below the root, with slashes. */
  readonly path: string;
  readonly text: string;
}
interface Import {
  readonly from: string;
  /** A path below the root, or the name of a package. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const FOLDERS = ['functions', 'producer', 'shared', 'local', 'cli'];
const sources: readonly Source[] = FOLDERS.filter((folder) => existsSync(join(ROOT, folder))).flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => /\.[cm]?[jt]s$/.test(path) && !path.includes('node_modules'))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })),
);

/** import and export ... from, the bare import, import() and require(); over several lines too. */
const FROM = /\b(import|export)\s+(type\s)?([^'";]*?)from\s*['"]([^'"]+)['"]/g;
const BARE = /\bimport\s*\(?\s*['"]([^'"]+)['"]|\brequire\(\s*['"]([^'"]+)['"]|\bimport\(\s*[`]([^`]+)[`]/g;

const importsOf = ({ path, text }: Source): readonly Import[] => {
  const code = text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  const target = (name: string): string => (name.startsWith('.') ? normalize(join(dirname(path), name)) : name);
  return [
    ...[...code.matchAll(FROM)].map(([, , type, , name = '']) => ({ from: path, to: target(name), typeOnly: type !== undefined })), // prettier-ignore
    ...[...code.matchAll(BARE)].map(([, a, b, c]) => ({ from: path, to: target(a ?? b ?? c ?? ''), typeOnly: false })),
  ];
};

/** The docs are made of the tables of codes, endpoints, findings and strategies, and of the list of the execution test spec. */
const EXCEPTIONS = [
  'local/docs.ts imports shared/bitmart/codes.ts',
  'local/docs.ts imports shared/bitmart/endpoints.ts',
  'local/costs.ts imports shared/metrics.ts',
  'local/metrics.ts imports shared/metrics.ts',
  // A parameter of a deploy becomes a setting of a function: what is allowed is said in one place.
  'local/parameters.ts imports shared/config.ts',
  'local/parameters.ts imports shared/order/venue.ts',
  'local/parameters.ts imports shared/venues.ts',
  'local/docs.ts imports shared/strategies/all.ts',
  'local/docs.ts imports shared/bitmart/findings.ts',
  'local/docs.ts imports tests/spec/cases.ts',
  'local/docs.ts imports tests/spec/grounds.ts',
];

/** The house of a file: files of one house may import each other; between houses only the arrows below are allowed. */
const houseOf = (path: string): string => {
  if (/^shared\/(log|config|clock|http|metrics|pace|slots|kept|asking)\.ts$/.test(path)) return path;
  if (/^local\/(aws|bitmart|bybit|exchange|lambda)\//.test(path)) return 'local servers';
  return (
    /^(shared\/(order|bitmart|bybit|aws|strategies|execution|following|firing|probing|proof|parking|venues|wiring)|functions|producer|cli|local|tests|bench)\b/.exec(
      path,
    )?.[1] ?? path
  );
};
const floor0 = ['shared/log.ts', 'shared/config.ts', 'shared/clock.ts', 'shared/http.ts', 'shared/metrics.ts'];
// Keeps requests apart, and asks nobody but the clock.
const below2 = [...floor0, 'shared/pace.ts', 'shared/kept.ts', 'shared/asking.ts', 'shared/order'];
const venues = ['shared/bitmart', 'shared/bybit'];
const below3 = [...below2, ...venues, 'shared/aws', 'shared/strategies'];
const below4 = [
  ...below3,
  'shared/parking',
  'shared/proof',
  'shared/execution',
  'shared/following',
  'shared/firing',
  'shared/probing',
];
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'shared/log.ts': [],
  'shared/config.ts': [],
  'shared/clock.ts': [],
  'shared/http.ts': [],
  'shared/metrics.ts': [],
  'shared/pace.ts': ['shared/clock.ts', 'shared/slots.ts'],
  'shared/slots.ts': ['shared/clock.ts'],
  'shared/kept.ts': ['shared/clock.ts'],
  'shared/asking.ts': ['shared/clock.ts', 'shared/http.ts', 'shared/order', 'shared/pace.ts'],
  'shared/order': [],
  // A venue knows no other one.
  'shared/bitmart': below2,
  'shared/bybit': below2,
  'shared/aws': below2,
  'shared/strategies': below2,
  // Whom to leave alone is one question for all that ask a venue.
  'shared/parking': below2,
  // Proving is a part of executing, and never sends.
  'shared/proof': [...below3.filter((house) => !venues.includes(house)), 'shared/parking'],
  'shared/execution': [...below3.filter((house) => !venues.includes(house)), 'shared/parking', 'shared/proof'],
  // Following shares nothing with executing: it never sends.
  'shared/following': [...below3.filter((house) => !venues.includes(house)), 'shared/parking'],
  // Firing is a producer's work: it shares nothing with those who place.
  'shared/firing': below3.filter((house) => !venues.includes(house)),
  // Probing asks, and shares nothing with those who place.
  'shared/probing': below3.filter((house) => !venues.includes(house)),
  // Which venues there are: nothing but this imports one.
  'shared/venues': [...below2, ...venues],
  // Where venues are opened, for all functions at once.
  'shared/wiring': [...below3.filter((house) => !venues.includes(house)), 'shared/firing', 'shared/venues'],
  functions: [...below4, 'shared/wiring'],
  // A package of its own: nothing of a venue or of the execution may come with it.
  producer: ['shared/order', 'shared/aws'],
  // The operator's command can start the local stack, and sends as any producer does.
  cli: [...below4, 'shared/wiring', 'producer', 'local', 'local servers'],
  // What stands for the outside runs none of the code, so that the two can disagree; shapes it may know.
  'local servers': [],
  // What packages, shows and documents reads the pure tables.
  local: ['local servers', 'shared/order'],
};

const upward = (files: readonly Source[]): readonly string[] =>
  files.flatMap(importsOf).flatMap(({ from, to, typeOnly }) => {
    if (!/^[\w-]+\/.*\.[cm]?[jt]s$/.test(to) || !/^(functions|producer|shared|local|cli|tests|bench)\//.test(to)) {
      return to.startsWith('..') ? [`${from} imports ${to}, which lies outside`] : [];
    }
    const [here, there] = [houseOf(from), houseOf(to)];
    if (here === there && here !== 'functions') return [];
    if (here.startsWith('local') && typeOnly && there.startsWith('shared/')) return [];
    const said = `${from} imports ${to}`;
    return ALLOWED[here]?.includes(there) || EXCEPTIONS.includes(said) ? [] : [said];
  });

const cycles = (files: readonly Source[]): readonly string[] => {
  const known = new Map(files.map((file) => [file.path, importsOf(file).map(({ to }) => to)]));
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' → '));
    if (start >= 0 || done.has(path)) return;
    for (const next of known.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of known.keys()) walk(path, []);
  return found;
};

const VENUES = /bit-?mart|bybit|binance|X-BM-|okx|coinbase|kraken|kucoin|gate\.io/i;
const nameless = (path: string): boolean =>
  path.startsWith('functions/') ||
  path.startsWith('producer/') ||
  /^shared\/(order\/|aws\/|strategies\/|execution\.ts|following\.ts|firing\.ts|probing\.ts|proof\.ts|parking\.ts|log\.ts|clock\.ts|http\.ts|config\.ts|metrics\.ts|pace\.ts|slots\.ts|kept\.ts|asking\.ts)/.test(
    path,
  );
const namedVenues = (files: readonly Source[]): readonly string[] =>
  files
    .filter(({ path }) => nameless(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (VENUES.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );

/** Order is a world of its own: values in, values out. */
/** A hash is arithmetic; chance is not. */
const impure = (files: readonly Source[]): readonly string[] =>
  files
    .filter(({ path }) => /^shared\/(order|strategies)\//.test(path))
    .flatMap(({ path, text }) => {
      const outside = importsOf({ path, text }).filter(({ to }) => /^(node:(?!crypto$)|@aws-sdk|aws-lambda)/.test(to));
      const calls = text.match(/\bDate\.now\(|\bnew Date\(\)|\bprocess\.|\bMath\.random\(|\brandom(?:UUID|Bytes|Int)\(|\bfetch\(|\bsetTimeout\(|\bconsole\./g); // prettier-ignore
      return [
        ...outside.map(({ to }) => `${path} imports ${to}`),
        ...(calls ?? []).map((call) => `${path} uses ${call}`),
      ];
    });

describe('the code', () => {
  test('is where this test looks for it', () => {
    const paths = sources.map(({ path }) => path);
    for (const path of ['functions/execute.ts', 'shared/execution.ts', 'shared/order/admit.ts', 'shared/http.ts', 'shared/bitmart/wire.ts', 'shared/aws/queues.ts', 'local/aws/server.ts']) expect(paths).toContain(path); // prettier-ignore
    expect(sources.flatMap(importsOf).length).toBeGreaterThan(sources.length);
  });
  test('has no file in shared/ without a floor', () => {
    const strangers = sources.filter(({ path }) => path.startsWith('shared/') && !(houseOf(path) in ALLOWED));
    expect(strangers.map(({ path }) => path)).toEqual([]);
  });
  test('imports only downward', () => expect(upward(sources)).toEqual([]));
  test('has no cycles', () => expect(cycles(sources)).toEqual([]));
  test('names a venue only in its own folder and at the doors', () => expect(namedVenues(sources)).toEqual([]));
  test('is pure where it decides', () => expect(impure(sources)).toEqual([]));
  test('finds every file that it imports', () => {
    const paths = new Set(sources.map(({ path }) => path));
    const missing = sources.flatMap(importsOf).filter(({ to }) => /^(functions|producer|shared|local|cli)\/.*\.ts$/.test(to) && !paths.has(to)); // prettier-ignore
    expect(missing).toEqual([]);
  });
});

describe('a planted violation is seen', () => {
  const plant = (path: string, text: string): readonly Source[] => [...sources.filter((one) => one.path !== path), { path, text }]; // prettier-ignore
  const seen = (path: string, text: string): boolean => upward(plant(path, text)).length > upward(sources).length;

  test.each([
    ['shared/log.ts', "import { parse } from './order/intent.ts';"],
    ['shared/http.ts', "import { log } from './log.ts';"],
    ['shared/metrics.ts', "import { log } from './log.ts';"],
    ['shared/order/new.ts', "import { log } from '../log.ts';"],
    ['shared/order/new.ts', "import { sign } from '../bitmart/wire.ts';"],
    ['shared/order/new.ts', "import type { Delivery } from '../aws/queues.ts';"],
    ['shared/bitmart/new.ts', "import { sqsQueues } from '../aws/queues.ts';"],
    ['shared/aws/new.ts', "import { sign } from '../bitmart/wire.ts';"],
    ['shared/strategies/new.ts', "import { spotDesk } from '../bitmart/spot.ts';"],
    ['shared/bitmart/new.ts', "import { execute } from '../execution.ts';"],
    ['shared/bitmart/new.ts', "import { sign } from '../bybit/wire.ts';"],
    ['shared/bybit/new.ts', "import { sign } from '../bitmart/wire.ts';"],
    ['shared/execution.ts', "import { sign } from './bybit/wire.ts';"],
    ['shared/execution.ts', "import { sign } from './bitmart/wire.ts';"],
    ['shared/execution.ts', "import { kinds } from './venues.ts';"],
    ['shared/wiring.ts', "import { bitmart } from './bitmart/venue.ts';"],
    ['shared/bitmart/new.ts', "import type { Outside } from '../venues.ts';"],
    ['functions/new.ts', "const { kinds } = await import('../shared/venues.ts');"],
    ['shared/execution.ts', "import { handler } from '../functions/execute.ts';"],
    ['functions/new.ts', "import { handler } from './execute.ts';"],
    ['producer/new.ts', "import { execute } from '../shared/execution.ts';"],
    ['producer/new.ts', "import { bitmart } from '../shared/bitmart/venue.ts';"],
    ['shared/aws/new.ts', "import { place } from '../../producer/intents.ts';"],
    ['functions/new.ts', "import { startLocalAws } from '../local/aws/server.ts';"],
    ['functions/new.ts', "import { intent } from '../tests/system/fixture.ts';"],
    ['shared/aws/new.ts', "import type { LocalAws } from '../../local/aws/server.ts';"],
    ['local/new.ts', "import { sign } from '../shared/bitmart/wire.ts';"],
    ['local/bitmart/new.ts', "import { parse } from '../../shared/order/intent.ts';"],
    ['local/aws/new.ts', "import { startStack } from '../stack.ts';"],
    ['local/new.ts', "import { intent } from '../tests/system/fixture.ts';"],
    ['shared/order/new.ts', "export * from '../bitmart/codes.ts';"],
    ['shared/order/new.ts', "export { sign } from '../bitmart/wire.ts';"],
    ['shared/order/new.ts', "import {\n  sign,\n  send,\n} from '../bitmart/wire.ts';"],
    ['shared/order/new.ts', "import '../bitmart/wire.ts';"],
    ['shared/order/new.ts', "const wire = await import('../bitmart/wire.ts');"],
    ['shared/order/new.ts', 'import { sign } from "../bitmart/wire.ts";'],
    ['shared/order/new.ts', "import { secret } from '../../../elsewhere/secret.ts';"],
  ])('%s: %s', (path, text) => expect(seen(path, text)).toBe(true));

  test.each([
    ['shared/order/new.ts', "import { parse } from './intent.ts';"],
    ['shared/bitmart/new.ts', "import { admit } from '../order/admit.ts';\nimport { log } from '../log.ts';"],
    ['functions/new.ts', "import { execute } from '../shared/execution.ts';"],
    ['local/bitmart/new.ts', "import type { OrderIntent } from '../../shared/order/intent.ts';"],
    [
      'local/new.ts',
      "import { reasons } from '../shared/order/reason.ts';\nimport { startLocalAws } from './aws/server.ts';",
    ],
    ['shared/order/new.ts', "// import { sign } from '../bitmart/wire.ts';"],
    ['shared/order/new.ts', "import Big from 'big.js';"],
  ])('and no other is: %s: %s', (path, text) => expect(seen(path, text)).toBe(false));

  test('a cycle', () => {
    const circle = [
      { path: 'shared/order/a.ts', text: "import { b } from './b.ts';" },
      { path: 'shared/order/b.ts', text: "import type { C } from './c.ts';" },
      { path: 'shared/order/c.ts', text: "export { a } from './a.ts';" },
    ];
    expect(cycles(circle)).toEqual(['shared/order/a.ts → shared/order/b.ts → shared/order/c.ts → shared/order/a.ts']);
    expect(cycles(circle.slice(1))).toEqual([]);
  });
  test('the name of a venue, in code or comment', () => {
    for (const text of ["const venue = 'bitmart';", '// as BitMart does', "headers['X-BM-KEY']", '/** Bybit */']) {
      for (const path of [
        'shared/order/new.ts',
        'shared/execution.ts',
        'shared/proof.ts',
        'shared/following.ts',
        'shared/firing.ts',
        'shared/probing.ts',
        'shared/parking.ts',
        'shared/pace.ts',
        'shared/aws/new.ts',
        'shared/http.ts',
        'functions/new.ts',
      ]) {
        expect(namedVenues([{ path, text }])).toHaveLength(1);
      }
      expect(namedVenues([{ path: 'shared/bitmart/new.ts', text }])).toEqual([]);
    }
  });
  test('a clock, an environment or a network where decisions are made', () => {
    for (const text of ['Date.now()', 'new Date()', 'process.env', "import fs from 'node:fs';", 'Math.random()']) {
      expect(impure([{ path: 'shared/order/new.ts', text }])).toHaveLength(1);
    }
    expect(impure([{ path: 'shared/order/new.ts', text: 'new Date(now)' }])).toEqual([]);
  });
});
