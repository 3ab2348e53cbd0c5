// The package as a foreign project has it: from the tarball of `npm pack`, below node_modules, where Node strips no types.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildProducer } from '../../local/producer.ts';
import { startStack, type Stack } from '../aws/fixture.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const NAME = 'serverless-trading-bot';

let stack: Stack;
let folder: string;
let installed: string;
beforeAll(async () => {
  stack = await startStack();
  folder = await mkdtemp(join(tmpdir(), 'producer-'));
  await buildProducer(join(folder, 'built'));
  const { stdout } = await run('npm', ['pack', join(folder, 'built'), '--pack-destination', folder, '--json']);
  const [{ filename = '' } = {}] = JSON.parse(stdout) as readonly { readonly filename?: string }[];
  installed = join(folder, 'foreign/node_modules', NAME);
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components', '1']);
  // What npm would install beside it, taken from here: nothing is downloaded.
  for (const name of Object.keys((await manifest()).dependencies)) {
    const link = join(folder, 'foreign/node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, 'node_modules', name), link);
  }
  await writeFile(join(folder, 'foreign/package.json'), '{ "type": "module" }');
}, 120_000);
afterAll(async () => {
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

const manifest = async (): Promise<{ readonly version: string; readonly dependencies: Readonly<Record<string, string>> }> =>
  JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as { version: string; dependencies: Record<string, string> }; // prettier-ignore

/** This Node, and the one that the machine has by itself. */
const nodes = async (): Promise<readonly string[]> => {
  const places = (process.env['PATH'] ?? '').split(delimiter).filter((place) => !place.includes('node_modules'));
  const found = await Promise.all(
    places.map((place) => access(join(place, 'node')).then(() => [join(place, 'node')], () => [])), // prettier-ignore
  );
  return [process.execPath, ...found.flat().slice(0, 1)];
};

test('it holds JavaScript and declarations, no TypeScript, no command, and nothing of the execution or a venue', async () => {
  const names = (await readdir(installed, { recursive: true })).filter((name) => /\.\w+$/.test(name));
  expect(names.filter((name) => !/\.(js|d\.ts)$/.test(name))).toEqual(['package.json']);
  expect(names).toEqual(expect.arrayContaining(['producer/main.js', 'producer/main.d.ts']));
  for (const name of names) expect(name).not.toMatch(/execution|bitmart|functions|cli/);
  const { dependencies, version } = await manifest();
  const ours = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string; dependencies: Record<string, string> }; // prettier-ignore
  expect(Object.keys(dependencies)).toEqual(['@aws-sdk/client-sqs', 'zod']);
  expect(ours).toMatchObject({ version, dependencies });
});

test('a program in plain JavaScript makes and sends intents with it, on every Node of this machine', async () => {
  const QueueUrl = await stack.queue('intents.fifo');
  const program = `
    import { place, cancel, sendIntents, isWrongIntent } from '${NAME}/producer';
    const order = place({ account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'market', notional: '25' });
    const results = await sendIntents(process.argv[2], [
      order, cancel({ account: 'main', market: 'spot', symbol: 'BTC_USDT', target: order.id }),
    ]);
    let problems = [];
    try { place({ account: 'main' }); } catch (error) { if (isWrongIntent(error)) problems = error.problems; }
    console.log(JSON.stringify({ node: process.version, kinds: results.map(({ kind }) => kind), problems: problems.length > 3 }));`;
  await writeFile(join(folder, 'foreign/main.js'), program);
  const all = await nodes();
  for (const node of all) {
    // On stderr the SDK may say that it will want a newer Node some day.
    const { stdout } = await run(node, ['main.js', QueueUrl], {
      cwd: join(folder, 'foreign'),
      env: { ...process.env },
    });
    expect({ node, ...(JSON.parse(stdout) as object) }).toMatchObject({ kinds: ['sent', 'sent'], problems: true });
  }
  const messages = await stack.drain(QueueUrl);
  const actions = messages.map(({ Body = '' }) => (JSON.parse(Body) as { readonly action: string }).action);
  expect(actions).toEqual(all.flatMap(() => ['place', 'cancel']));
  expect(new Set(messages.map(({ Attributes }) => Attributes?.MessageGroupId))).toEqual(new Set(['main']));
}, 60_000);

test('the program of docs/producers.md sends its order', async () => {
  const [, program = ''] = /^```js\n(.*?)^```/ms.exec(await readFile(join(root, 'docs/producers.md'), 'utf8')) ?? [];
  await writeFile(join(folder, 'foreign/docs.js'), program);
  const QueueUrl = await stack.queue('docs.fifo');
  const env = { ...process.env, INTENTS_QUEUE_URL: QueueUrl };
  await run(process.execPath, ['docs.js'], { cwd: join(folder, 'foreign'), env });
  const bodies = (await stack.drain(QueueUrl)).map(({ Body = '' }) => JSON.parse(Body) as unknown);
  expect(bodies).toMatchObject([{ action: 'place', size: '0.001' }]);
});

test('a program in TypeScript has its types: what the contract does not have is an error', async () => {
  const right = "account: 'main', market: 'spot', symbol: 'BTC_USDT', side: 'buy', type: 'market'";
  const program = `
    import { place, sendIntents, type OrderIntent, type Sending } from '${NAME}/producer';
    const intent: OrderIntent = place({ ${right}, notional: '25' });
    // @ts-expect-error a market buy has no size
    place({ ${right}, size: '1' });
    // @ts-expect-error an id is text
    const id: number = intent.id;
    const results: readonly Sending[] = await sendIntents('', [intent]);
    export const codes = results.map((one) => (one.kind === 'sent' ? one.messageId : one.code));
    export { id };`;
  await writeFile(join(folder, 'foreign/main.ts'), program);
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck'];
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const args = [compiler, ...options, ...types, 'main.ts'];
  const said = await run(process.execPath, args, { cwd: join(folder, 'foreign') }).catch((error: unknown) => error);
  expect(said).toMatchObject({ stdout: '' });
}, 60_000);
