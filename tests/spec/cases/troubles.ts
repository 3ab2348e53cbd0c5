// The execution test spec, E-130 to E-137: wrong keys, limits, bans, and rules that cannot be had.
import assert from 'node:assert/strict';
import { sleep, type Case } from '../bench.ts';
import { inEach } from './common.ts';

export const troubles: readonly Case[] = [
  {
    number: 130,
    title: 'A wrong key, secret or passphrase: the intent waits, and is served once when the secret is corrected',
    run: async (bench) => {
      const { wrongSecrets, system } = bench.ground;
      await Promise.all(
        wrongSecrets.map(async ([, secret], index) => {
          const account = await bench.account(`w${index}`, { secret });
          const order = bench.limit(bench.listing('spot'), { account });
          await bench.send(order);
          const isRefused = (line: string): boolean =>
            line.includes('account refused') && line.includes(`"${account}"`);
          await bench.until('a refusal', () => system.lines.some(isRefused));
          assert.deepEqual(bench.statuses(order), []);
          await bench.absent(order);
          await bench.account(`w${index}`);
          await bench.rests(order);
        }),
      );
      assert.ok(wrongSecrets.length > 0);
    },
  },
  {
    number: 131,
    title:
      'A key without the right to trade: the intent waits until it expires, unsent, and the log says what to look at',
    run: async (bench) => {
      const account = await bench.account('r', { isReadOnly: true });
      const expiresAt = new Date(Date.now() + 8000).toISOString();
      const order = bench.limit(bench.listing('spot'), { account, expiresAt });
      await bench.send(order);
      const refusals = (): readonly string[] =>
        bench.ground.system.lines.filter((line) => line.includes('account refused') && line.includes(`"${account}"`));
      await bench.until('a refusal', () => refusals().length > 0);
      assert.deepEqual(bench.statuses(order), []);
      for (const line of refusals()) assert.match(line, /permission/);
      // The end says it too where the environment that tells it was refused itself: any other one knows nothing of it.
      await bench.endsWithout(order, 'expired', 'INTENT_EXPIRED', /^expired at /);
      assert.ok(Date.now() >= Date.parse(expiresAt), 'it ended before it expired');
      assert.equal((await bench.letter(order)).attributes['certainty'], 'not-sent');
    },
  },
  ...inEach(
    132,
    (market) => `${market}: a throttled placement is sent later, and those behind it in their order, each once`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const placements = bench.trouble('place', 'throttle');
      const orders = [bench.limit(listing), bench.limit(listing), bench.limit(listing)];
      await bench.send(...orders);
      for (const order of orders) await bench.rests(order);
      assert.deepEqual([placements.struck(), placements.seen()], [1, 4]);
      const booked = (await bench.ground.orders(bench.name)).map(({ id }) => id);
      assert.deepEqual(
        booked,
        orders.map(({ id }) => id),
      );
    },
  ),
  {
    number: 135,
    title: 'A banned account asks nothing until the ban is over, and its intents are then served once',
    run: async (bench) => {
      const listing = bench.listing('spot');
      const placements = bench.trouble('place', 'ban');
      const [first, second] = [bench.limit(listing), bench.limit(listing)];
      await bench.send(first);
      await bench.until('the ban', () => placements.struck() === 1);
      await bench.send(second);
      await sleep(1500);
      assert.equal(placements.seen(), 1, 'placements during the ban');
      await bench.rests(first);
      await bench.rests(second);
      assert.equal(placements.seen(), 3, 'placements');
    },
  },
  {
    number: 136,
    title: 'Rules of what trades that cannot be had do not stop a spot order, and its report says so',
    isWithoutRules: true,
    run: async (bench) => {
      const order = bench.limit(bench.listing('spot'));
      await bench.send(order);
      await bench.rests(order);
      assert.match(bench.reports(order)[0]?.detail ?? '', /rules/);
    },
  },
  {
    number: 137,
    title: 'A futures order that is counted in contracts waits while their size cannot be had, and is then placed once',
    needs: ['futures', 'contracts'],
    isWithoutRules: true,
    run: async (bench) => {
      const order = bench.limit(bench.listing('futures'));
      const placements = bench.trouble('place', 'throttle', 0);
      await bench.send(order);
      await sleep(3000);
      assert.deepEqual([bench.statuses(order), placements.seen()], [[], 0]);
      bench.ground.giveRules();
      await bench.rests(order);
      assert.equal(placements.seen(), 1, 'placements');
    },
  },
];
