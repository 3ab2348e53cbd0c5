// The execution test spec, E-037 to E-048: loans of margin, contracts, positions, leverage and modes.
import assert from 'node:assert/strict';
import { equal, plus, sleep, times, type Bench, type Case } from '../bench.ts';
import { carryOut, taken } from './common.ts';

export const futures: readonly Case[] = [
  {
    number: 37,
    title: 'A margin order whose loan went through while it failed is rejected with the code, and never sent again',
    needs: ['margin', 'loans'],
    run: async (bench) => {
      const listing = bench.listing('margin');
      const placements = bench.trouble('place', 'loan-only');
      const order = bench.limit(listing);
      await bench.send(order);
      await bench.endsWithout(order, 'rejected', 'VENUE_REFUSED', /loan/);
      assert.match((await bench.letter(order)).attributes['venueCode'] ?? '', /^\w+$/);
      await sleep(bench.ground.horizonMs + 2000);
      assert.equal(placements.seen(), 1, 'placements');
      assert.equal(await bench.ground.loans(bench.name, listing.symbol), 1, 'loans');
      await bench.absent(order);
    },
  },
  {
    number: 38,
    title: 'A futures size in base coin becomes whole contracts, rounded down, and is told in base coin',
    needs: ['futures'],
    run: async (bench) => {
      const listing = bench.listing('futures', 'other');
      const size = plus(listing.lot, times(listing.sizeStep, '0.5'));
      const order = bench.limit(listing, { type: 'ioc', size, price: times(listing.price, '1.01') });
      await bench.alone(listing, async () => {
        await bench.send(order);
        const report = await bench.ends(order, 'accepted', 'filled');
        equal(report.filledSize, listing.lot, 'filledSize');
        equal((await bench.row(order)).size, listing.lot, 'size');
        assert.deepEqual(await bench.positions(), [{ symbol: listing.symbol, side: 'long', size: listing.lot }]);
      });
    },
  },
  {
    number: 39,
    title: 'A reduce-only futures order closes a position, long or short, in hedge mode',
    needs: ['futures', 'position-modes'],
    run: async (bench) => closes(bench, 'hedge'),
  },
  {
    number: 40,
    title: 'A reduce-only futures order closes a position, long or short, in one-way mode',
    needs: ['futures', 'position-modes'],
    run: async (bench) => closes(bench, 'one-way'),
  },
  {
    number: 41,
    title: 'A reduce-only futures order without a position is rejected, and opens none',
    needs: ['futures'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const orders = [
        bench.atMarket(listing, 'sell', { reduceOnly: true }),
        bench.limit(listing, { reduceOnly: true, price: times(listing.price, '1.01') }),
      ];
      await bench.send(...orders);
      for (const order of orders) {
        await bench.endsWithout(order, 'rejected', 'VENUE_REFUSED');
        assert.match((await bench.letter(order)).attributes['venueCode'] ?? '', /^\w+$/);
      }
      assert.deepEqual(await bench.positions(), []);
    },
  },
  {
    number: 42,
    title: 'A futures order has the leverage and the margin mode that it asks for',
    needs: ['futures', 'margin-mode'],
    run: async (bench) => {
      for (const [leverage, marginMode] of [
        ['5', 'isolated'],
        ['20', 'cross'],
      ] as const) {
        const row = await bench.limitRests('futures', { leverage, marginMode });
        assert.deepEqual([row.leverage, row.marginMode], [leverage, marginMode]);
      }
    },
  },
  {
    number: 43,
    title: 'set-leverage is done, and an order that names no leverage has what was set',
    needs: ['futures', 'margin-mode', 'opens-without-terms'],
    run: async (bench) => {
      const { market, symbol } = bench.listing('futures');
      const set = { action: 'set-leverage', market, symbol, leverage: '7', marginMode: 'isolated' };
      await carryOut(bench, bench.intent(set));
      const row = await bench.limitRests('futures', { leverage: undefined, marginMode: undefined });
      assert.deepEqual([row.leverage, row.marginMode], ['7', 'isolated']);
    },
  },
  {
    number: 44,
    title:
      'set-position-mode is done: hedge keeps a long and a short side by side, one-way sets them against each other',
    needs: ['futures', 'position-modes'],
    run: async (bench) => {
      const { symbol, lot } = bench.listing('futures');
      for (const [suffix, positionMode, left] of [
        ['h', 'hedge', ['long', 'short']],
        ['o', 'one-way', []],
      ] as const) {
        const account = await bench.account(suffix);
        await carryOut(bench, bench.intent({ account, action: 'set-position-mode', market: 'futures', positionMode }));
        for (const side of ['buy', 'sell'] as const) {
          await taken(bench, bench.atMarket(bench.listing('futures'), side, { account }));
        }
        const held = await bench.positions(account);
        assert.deepEqual([...held].sort((a, b) => a.side.localeCompare(b.side)), left.map((side) => ({ symbol, side, size: lot }))); // prettier-ignore
      }
    },
  },
  {
    number: 45,
    title: 'set-position-mode is rejected while a position exists, and the mode stays',
    needs: ['futures', 'position-modes'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const mode = (positionMode: string) =>
        bench.intent({ action: 'set-position-mode', market: 'futures', positionMode });
      await carryOut(bench, mode('hedge'));
      await taken(bench, bench.atMarket(listing, 'buy'));
      const refused = mode('one-way');
      await bench.send(refused);
      await bench.endsWithout(refused, 'rejected', 'VENUE_REFUSED');
      await taken(bench, bench.atMarket(listing, 'sell'));
      assert.deepEqual((await bench.positions()).map(({ side }) => side).sort(), ['long', 'short']);
    },
  },
  {
    number: 46,
    title: 'Take profit and stop loss stay with the futures order, with the price that triggers each',
    needs: ['futures', 'exits'],
    run: async (bench) => {
      const { price } = bench.listing('futures');
      const takeProfit = { price: times(price, '1.2'), trigger: 'last' };
      const stopLoss = { price: times(price, '0.8'), trigger: 'mark' };
      const row = await bench.limitRests('futures', { takeProfit, stopLoss });
      assert.deepEqual([row.takeProfit, row.stopLoss], [takeProfit, stopLoss]);
    },
  },
  {
    number: 47,
    title: 'A futures order that only reduces and names leverage or a stop loss is malformed, and never sent',
    needs: ['futures'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const odd = [{ leverage: '10' }, { stopLoss: { price: listing.price } }];
      const orders = odd.map((more) => bench.limit(listing, { reduceOnly: true, ...more }));
      await bench.send(...orders);
      for (const order of orders) await bench.endsWithout(order, 'malformed', 'MALFORMED', /leverage|stopLoss/);
    },
  },
  {
    number: 48,
    title: "The venue's own order id reaches accepted and filled reports unchanged, however many digits it has",
    needs: ['futures', 'wide-ids'],
    run: async (bench) => {
      const order = await taken(bench, bench.atMarket(bench.listing('futures'), 'buy'));
      const { venueOrderId } = await bench.row(order);
      assert.match(venueOrderId, /^\d{17,}$/);
      assert.ok(!Number.isSafeInteger(Number(venueOrderId)), 'a number that a double cannot tell from its neighbours');
      assert.deepEqual(
        bench.reports(order).map((report) => report.venueOrderId),
        [venueOrderId, venueOrderId],
      );
    },
  },
];

async function closes(bench: Bench, positionMode: 'hedge' | 'one-way'): Promise<void> {
  const listing = bench.listing('futures');
  await carryOut(bench, bench.intent({ action: 'set-position-mode', market: 'futures', positionMode }));
  for (const [opens, shuts] of [
    ['buy', 'sell'],
    ['sell', 'buy'],
  ] as const) {
    await taken(bench, bench.atMarket(listing, opens));
    const side = opens === 'buy' ? 'long' : 'short';
    assert.deepEqual(await bench.positions(), [{ symbol: listing.symbol, side, size: listing.lot }]);
    const closing = await taken(bench, bench.atMarket(listing, shuts, { reduceOnly: true }));
    assert.equal((await bench.row(closing)).reduceOnly, true);
    assert.deepEqual(await bench.positions(), []);
  }
}
