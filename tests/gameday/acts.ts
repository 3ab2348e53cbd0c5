// The acts of a game day, one trouble after the other, while the producer goes on. Each says what it does, waits until that
// has shown, mends it as the runbook says, and tells what was seen. None judges.
import { ListMessageMoveTasksCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { localKeys } from '../../local/stack.ts';
import { pour, poison } from './poison.ts';
import type { PathCount } from './record.ts';
import { messagesOn, type Day } from './stage.ts';

export interface Act {
  readonly name: string;
  readonly does: string;
  /** @returns what was seen */
  readonly play: (day: Day) => Promise<string>;
}

const PLACE = '/spot/v2/submit_order';
/** What the functions ask the exchange for on this day. */
const PATHS = [
  PLACE,
  '/spot/v3/cancel_order',
  '/spot/v4/cancel_all',
  '/spot/v4/query/order',
  '/spot/v4/query/client-order',
  '/spot/v4/query/order-trades',
  '/spot/v1/symbols/details',
];

const calm: Act = {
  name: 'A quiet morning',
  does: 'nothing but trading',
  play: async ({ sleep, since, size }) => {
    const told = since();
    await sleep(size.quietMinutes);
    return told();
  },
};

const exchangeDown: Act = {
  name: 'The exchange is down',
  does: 'answers to orders get lost and nothing can be looked up; then maintenance; then 503 and broken connections',
  play: async (day) => {
    const { system, size, sleep, since, faults } = day;
    const told = since();
    const service = (status: string): Promise<unknown> =>
      system.control('PUT', '/service', { service_type: 'spot', status });
    const unanswered = async (): Promise<number> =>
      (await system.control<Readonly<Record<string, PathCount>>>('GET', '/requests'))[PLACE]?.unanswered ?? 0;
    const before = await unanswered();
    const dead = PATHS.flatMap((path) => [
      { path, fault: 'drop-before', probability: 0.3 },
      { path, fault: 'status', code: 503 },
    ]);
    // The worst of it: these are executed, nobody hears of it, and nobody can find out.
    await faults([{ path: PLACE, fault: 'drop-after' }, ...dead]);
    await Promise.all([
      sleep(size.outageMinutes * 0.1),
      system.until('an answer that got lost', async () => (await unanswered()) > before),
    ]);
    await service('1');
    await faults(PATHS.map((path) => ({ path, fault: 'code', code: 30016 })));
    await Promise.all([day.probe(), sleep(size.outageMinutes * 0.3)]);
    await faults([
      { path: PLACE, fault: 'drop-after', probability: 0.2 },
      { path: PLACE, fault: 'hang-after', probability: 0.1 },
      ...dead,
    ]);
    await sleep(size.outageMinutes * 0.6);
    await service('2');
    await faults([]);
    const seen = told();
    const isTrading = day.trades();
    await system.until('trading after the outage', isTrading, 60_000);
    return `${size.outageMinutes} scaled minutes: ${seen}`;
  },
};

const killed: Act = {
  name: 'Environments are killed',
  does: 'SIGKILL while orders are in flight: executed, and not answered',
  play: async (day) => {
    const { system, size, draw, faults, since } = day;
    const told = since();
    await faults([{ path: PLACE, fault: 'hang-after', probability: 0.5 }]);
    // An order that is executed and not answered keeps its environment waiting: that is when it dies.
    const hanging = async (): Promise<number> => {
      const list = await system.control<{ readonly faults: readonly { readonly struck: number }[] }>('GET', '/faults');
      return list.faults[0]?.struck ?? 0;
    };
    let dead = 0;
    let hung = 0;
    await system.until(
      `${size.kills} environments killed`,
      async () => {
        const now = await hanging();
        if (now === hung) return false;
        hung = now;
        await new Promise((resolve) => setTimeout(resolve, draw() * 300));
        if (system.runner.kill('execute', 'busy')) dead += 1;
        return dead >= size.kills;
      },
      90_000,
    );
    await faults([]);
    day.killed(dead);
    await system.until('trading after the kills', day.trades(), 60_000);
    return `${dead} environments killed; ${told()}`;
  },
};

const banned: Act = {
  name: 'A ban',
  does: 'the exchange answers orders with 418',
  play: async (day) => {
    const { system, faults, said } = day;
    const told = said('account banned');
    await faults([{ path: PLACE, fault: 'status', code: 418, times: 2 }]);
    await system.until('a ban in the log', () => told().length > 0, 30_000);
    await faults([]);
    const names = new Set(told().map((line) => String((JSON.parse(line) as { account?: unknown }).account)));
    for (const name of names) await system.until(`trading of ${name} after the ban`, day.trades(name), 60_000);
    return `${[...names].join(' and ')} banned, left alone for the time of a ban, and trading again`;
  },
};

const rotated: Act = {
  name: 'A rotated key',
  does: 'the exchange takes the old key no more; then the new one is stored',
  play: async (day) => {
    const { system, said, accounts } = day;
    const account = accounts[1] ?? '';
    const refused = said('account refused', account);
    const { memo } = localKeys(account);
    const key = { apiKey: `local-key-${account}-b`, secretKey: `local-secret-${account}-b31e`, memo };
    day.hide(Object.values(key));
    await system.control('PUT', '/accounts', { account, ...key });
    await system.until('a refusal in the log', () => refused().length > 0, 30_000);
    await day.desk(['account', 'rotate', account, '--yes'], JSON.stringify(key));
    await system.until('trading with the new key', day.trades(account), 60_000);
    return `${account} was refused, got its new key by desk account rotate, and trades again`;
  },
};

const halted: Act = {
  name: 'A halted account',
  does: 'desk halt, and later desk resume with a reason',
  play: async (day) => {
    const { system, size, accounts, scale, sleep } = day;
    const account = accounts[2] ?? '';
    const isDenied = day.denies(account, 'TRADING_HALTED');
    await day.desk(['halt', account, '--reason', 'game day']);
    // Whoever read the secret before may use it for its lifetime; what is signed then may take a moment to arrive.
    const from = Date.now() + 30_000 * scale + 500;
    await system.until('a denied order', () => isDenied() && Date.now() > from, 30_000);
    await sleep(size.quietMinutes);
    const to = Date.now();
    await day.desk(['resume', account, '--reason', 'the game goes on', '--yes']);
    day.halted({ account, from, to });
    await system.until('trading after the halt', day.trades(account), 60_000);
    return `${account} placed nothing for ${((to - from) / 1000).toFixed(1)} s, and trades again`;
  },
};

const poisoned: Act = {
  name: 'A poisoned queue',
  does: 'no JSON, wrong groups and ids, endless lives, accounts of nobody',
  play: async (day) => {
    const { system, size, accounts, draw } = day;
    const drops = poison(size.poison, accounts, draw);
    const ids = await pour(system, drops);
    day.poisoned(drops.map((drop, index) => ({ ...drop, messageId: ids[index] ?? '' })));
    await system.until('each buried', () => ids.every((id) => day.reasonOf(id) !== undefined), 60_000);
    await system.until('trading with poison about', day.trades(), 60_000);
    return `${drops.length} messages, each a dead letter with its reason`;
  },
};

const redriven: Act = {
  name: 'A blind redrive',
  does: 'SQS moves every dead letter back to the intents queue',
  play: async (day) => {
    const { system } = day;
    const { dead, intents } = system.ready.queues;
    const arn = (url: string): string =>
      `arn:aws:sqs:${system.ready.region}:000000000000:${url.split('/').at(-1) ?? ''}`;
    const [SourceArn, DestinationArn] = [arn(dead), arn(intents)];
    const lay = await messagesOn(system, dead);
    await system.sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
    let moved = 0;
    await system.until('the end of the move', async () => {
      const { Results = [] } = await system.sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
      moved = Results[0]?.ApproximateNumberOfMessagesMoved ?? 0;
      return Results[0]?.Status === 'COMPLETED';
    });
    if (moved < lay) throw new Error(`SQS moved ${moved} of ${lay} dead letters`);
    day.redriven(moved);
    await system.until('each a dead letter again', async () => (await messagesOn(system, dead)) >= moved, 90_000);
    return `${moved} letters moved, each of them a dead letter again`;
  },
};

/**
 * Those in one row at the same time. The outage comes early: what was accepted in it is looked at again later and later, and
 * has been by the evening.
 */
export const acts: readonly (readonly Act[])[] = [
  [calm],
  [exchangeDown],
  [killed],
  [banned],
  [rotated, halted],
  [poisoned],
  [redriven],
];
