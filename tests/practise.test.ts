// docs/practise.md: every line runs as it stands, in its order, brings about what is said there, and ends it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startDesk, type DeskSystem } from './cli/fixture.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = join(root, '.local', `practise-${process.pid}`);
const run = promisify(execFile);
let system: DeskSystem;
let page: string;
beforeAll(async () => {
  // A ban of half a second: a park ends within the test.
  system = await startDesk({ timeScale: 0.1, variables: { BITMART_BAN_MS: '500', PARK_SECONDS: '1' } });
  page = await readFile(join(root, 'docs/practise.md'), 'utf8');
  await mkdir(join(folder, '.local'), { recursive: true });
  await writeFile(join(folder, '.local', 'ready.json'), JSON.stringify(system.ready));
});
afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true, force: true });
});

const linesOf = (text: string): readonly string[] =>
  [...text.matchAll(/^```sh\n([^]*?)^```/gm)].flatMap(([, block = '']) => block.trim().split('\n'));

/** Runs a line of the page as a shell does, in a folder whose local stack is the one of this test. */
async function say(line: string): Promise<string> {
  if (line.startsWith('npx desk ')) {
    const { stdout } = await run('sh', ['-c', `set -- ${line.slice('npx desk '.length)}; printf '%s\\n' "$@"`]);
    const words = stdout.trimEnd().split('\n').filter((word) => word !== '--local'); // prettier-ignore
    const { out, err } = await system.desk(words);
    return out + err;
  }
  // Every line in a shell of its own, which knows what the first line of the page said.
  const [first = ''] = linesOf(page);
  const { stdout } = await run('sh', ['-c', `${first}\n${line === first ? 'echo $CONTROL' : line}`], { cwd: folder });
  if (line.startsWith('curl')) expect(stdout).toMatch(/^[[{]/);
  expect(stdout).not.toContain('"error"');
  return stdout;
}
const section = (head: string): readonly string[] => linesOf(page.split(`\n## ${head}\n`)[1]?.split('\n## ')[0] ?? '');

/** Runs the lines below a heading, and checks what is said of those that look. @returns the ids of what was sent */
async function practise(lines: readonly string[], seen: Readonly<Record<string, RegExp>> = {}): Promise<readonly string[]> {
  const ids: string[] = [];
  const looked = new Set<string>();
  for (const line of lines) {
    const said = await say(line);
    const [, id] = /\bId (\w{32})/.exec(said) ?? [];
    if (id !== undefined) ids.push(id);
    const [begin, expected] = Object.entries(seen).find(([each]) => line.startsWith(each)) ?? [];
    if (begin !== undefined && expected !== undefined) {
      expect(said).toMatch(expected);
      looked.add(begin);
    }
    // What was sent gets there before the next line ends the trouble.
    if (id !== undefined) await system.until('a request for it', () => system.lines.some((each) => each.includes(id)));
  }
  expect([...looked]).toEqual(Object.keys(seen));
  return ids;
} // prettier-ignore
const ordersOf = async (id: string): Promise<number> =>
  (await system.control<readonly { readonly clientOrderId: string }[]>('GET', '/orders')).filter(({ clientOrderId }) => clientOrderId === id).length; // prettier-ignore
const executed = async (id: string): Promise<void> => {
  await system.until(
    `a report of ${id}`,
    () => system.reportsOf(id).some(({ status }) => status === 'accepted'),
    60_000,
  );
  expect(await ordersOf(id)).toBe(1);
};

test('before the troubles an order passes, and the stack has nothing to complain of', async () => {
  const [id = ''] = await practise(linesOf(page.split('\n## ')[0] ?? ''), { 'npx desk status': /it trades/ });
  await executed(id);
}, 60_000);

test('a maintenance is told, and an order whose answer was lost is one order, told when look-ups pass', async () => {
  const [id = '', ...more] = await practise(section('The exchange is down'), { 'npx desk doctor': /MAINTENANCE/ });
  expect(more).toEqual([]);
  await executed(id);
}, 90_000);

test('a ban is noticed, and the order goes out after it', async () => {
  const [id = ''] = await practise(section('A ban'));
  await system.until('the ban in the log', () => system.lines.some((line) => line.includes('account banned')));
  await executed(id);
}, 90_000);

test('a key is refused, and is good again', async () => {
  await practise(section('A refused key'), { 'npx desk status': /30005/ });
  expect(await say('npx desk status --deep --local')).not.toMatch(/30005/);
}, 60_000);

test('a clock that is off by two seconds lets an order through, and no look-up', async () => {
  const [off = '', look = '', back = ''] = section('The clock is off');
  await say(off);
  const [, id = ''] = /\bId (\w{32})/.exec(await say('npx desk submit main buy BTC_USDT --notional 25 --local --yes')) ?? []; // prettier-ignore
  await system.until('the order', async () => (await ordersOf(id)) === 1);
  expect(await say(look)).toMatch(/30007/);
  await say(back);
  await executed(id);
  expect(await say(look)).not.toMatch(/30007/);
}, 60_000);

test('what the exchange has seen is shown', async () => {
  const [orders, requests, faults] = await Promise.all(section('What the exchange has seen').map(say));
  expect(orders).toContain('"clientOrderId"');
  expect(requests).toContain('/spot/v2/submit_order');
  expect(faults).toContain('"faults":[]');
});
