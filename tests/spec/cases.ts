// The execution test spec: what must hold on any venue, one numbered case each, in plain words and neutral ones.
// Each runs on the local stack with the packaged functions and an account of its own, and looks at the venue's own book
// as well as at reports and dead letters. docs/execution-spec.md is made of this list. No venue has a name here.
import assert from 'node:assert/strict';
import { equal, plus, sleep, times, type Bench, type Case, type Intent, type Market } from './bench.ts';
import type { Need } from './grounds.ts';

const MARKETS = ['spot', 'margin', 'futures'] as const satisfies readonly Market[];
const needsOf = (market: Market): readonly Need[] => (market === 'spot' ? [] : [market]);

/** The same case in each market, with numbers in their order. */
const inEach = (
  first: number,
  title: (market: Market) => string,
  run: (bench: Bench, market: Market) => Promise<void>,
  markets: readonly Market[] = MARKETS,
): readonly Case[] =>
  markets.map((market, index) => ({
    number: first + index,
    title: title(market),
    needs: needsOf(market),
    run: (bench) => run(bench, market),
  }));

/** Places and waits until it rests. */
const resting = async (bench: Bench, order: Intent): Promise<Intent> => {
  await bench.send(order);
  await bench.rests(order);
  return order;
};

/** A market order, filled. */
const taken = async (bench: Bench, order: Intent): Promise<Intent> => {
  await bench.send(order);
  await bench.ends(order, 'accepted', 'filled');
  return order;
};

/** Sends an instruction and waits until it is done. */
const carryOut = async (bench: Bench, instruction: Intent) => {
  await bench.send(instruction);
  return bench.ends(instruction, 'done');
};

/** Ends as canceled, by the user where the venue says so, with nothing filled. */
const endsCanceled = async (bench: Bench, order: Intent, who = 'user'): Promise<void> => {
  const report = await bench.ends(order, 'accepted', 'canceled');
  const row = await bench.row(order);
  assert.equal(row.state, 'canceled');
  equal(row.filledSize, '0', 'filled in the book');
  equal(report.filledSize, '0', 'filledSize');
  assert.equal(report.cancelSource, bench.source(row.market, who));
};

/** Orders between bid and ask are taken out again before another case uses the place. */
const clear = async (bench: Bench, orders: readonly Intent[], which: 'main' | 'other' = 'other'): Promise<void> => {
  for (const order of orders) {
    const listing = bench.listing(order['market'] as Market, which);
    await carryOut(bench, bench.cancel(listing, order.id, { account: order['account'] }));
  }
};

const placing: readonly Case[] = [
  ...inEach(
    1,
    (market) => `A ${market} limit order is accepted, rests, and is once in the book as it was asked for`,
    async (bench, market) => {
      const orders = [bench.limit(bench.listing(market)), bench.limit(bench.listing(market), { side: 'sell' })];
      await bench.send(...orders);
      for (const order of orders) {
        const row = await bench.rests(order);
        equal(row.size, String(order['size']), 'size');
        equal(row.price, String(order['price']), 'price');
      }
    },
  ),
  ...inEach(
    4,
    (market) => `A ${market} market buy ends filled, with average price, fee and fee coin as the book has them`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = bench.atMarket(listing, 'buy');
      await bench.send(order);
      const report = await bench.ends(order, 'accepted', 'filled');
      assert.equal(await bench.costs(order, report, listing), 'filled');
    },
  ),
  ...inEach(
    7,
    (market) => `A ${market} market sell by size ends filled with that size`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = bench.atMarket(listing, 'sell');
      await bench.send(order);
      const report = await bench.ends(order, 'accepted', 'filled');
      equal(report.filledSize, listing.lot, 'filledSize');
      assert.equal(await bench.costs(order, report, listing), 'filled');
    },
  ),
  ...inEach(
    10,
    (market) =>
      `A ${market} ioc order that reaches the market is filled; one that does not is canceled and never rests`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const far = bench.limit(listing, { type: 'ioc' });
      const near = bench.limit(listing, { type: 'ioc', price: times(listing.price, '1.01') });
      await bench.send(far, near);
      const report = await bench.ends(near, 'accepted', 'filled');
      assert.equal(await bench.costs(near, report, listing), 'filled');
      await endsCanceled(bench, far, (await bench.row(far)).cancelSource);
      assert.equal((await bench.row(far)).type, 'ioc');
    },
  ),
  ...inEach(
    13,
    (market) =>
      `A ${market} maker-only order rests; one that would take never fills, whether the venue refuses or cancels it`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const rests = bench.limit(listing, { type: 'limit-maker' });
      const takes = bench.limit(listing, { type: 'limit-maker', price: times(listing.price, '1.01') });
      await bench.send(rests, takes);
      await bench.rests(rests);
      await bench.until('an end', () => ['rejected', 'canceled'].includes(bench.statuses(takes).at(-1) ?? ''));
      if (bench.statuses(takes).includes('rejected')) await bench.endsWithout(takes, 'rejected', 'VENUE_REFUSED');
      else await endsCanceled(bench, takes, (await bench.row(takes)).cancelSource);
    },
  ),
  {
    number: 16,
    title: 'A futures fill-or-kill order is filled as a whole, or canceled without a fill where the price offers less',
    needs: ['futures'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const whole = bench.limit(listing, { type: 'fok', price: times(listing.price, '1.01') });
      const best = plus(listing.price, listing.priceStep);
      const tooLarge = bench.limit(listing, { type: 'fok', price: best, size: times(listing.lot, 1000) });
      await bench.send(whole, tooLarge);
      const report = await bench.ends(whole, 'accepted', 'filled');
      equal(report.filledSize, listing.lot, 'filledSize');
      await endsCanceled(bench, tooLarge, (await bench.row(tooLarge)).cancelSource);
    },
  },
  {
    number: 17,
    title: 'A spot fill-or-kill order is filled as a whole',
    needs: ['spot-fok'],
    run: async (bench) => {
      const listing = bench.listing('spot');
      const whole = bench.limit(listing, { type: 'fok', price: times(listing.price, '1.01') });
      await bench.send(whole);
      equal((await bench.ends(whole, 'accepted', 'filled')).filledSize, listing.lot, 'filledSize');
      assert.equal(await bench.state(whole), 'filled');
    },
    refused: (bench) => bench.limit(bench.listing('spot'), { type: 'fok' }),
  },
  ...inEach(
    18,
    (market) => `${market}: price and size are rounded down to the venue's steps, never up`,
    async (bench, market) => {
      for (const which of ['main', 'other'] as const) {
        const listing = bench.listing(market, which);
        const price = times(listing.price, '0.9');
        const order = bench.limit(listing, {
          price: plus(price, times(listing.priceStep, '0.9')),
          size: plus(listing.lot, times(listing.sizeStep, '0.9')),
        });
        await bench.send(order);
        const row = await bench.rests(order);
        equal(row.price, price, 'price');
        equal(row.size, listing.lot, 'size');
      }
    },
  ),
  ...inEach(
    21,
    (market) => `${market}: a size below the minimum (futures: below one contract) is denied with the minimum`,
    async (bench, market) => {
      const listing = bench.listing(market, 'other');
      const order = bench.limit(listing, { size: times(listing.minSize, '0.5') });
      await bench.send(order);
      await bench.endsWithout(order, 'denied', 'SIZE_BELOW_MINIMUM', RegExp(listing.minSize.replace('.', '\\.')));
    },
  ),
  ...inEach(
    24,
    (market) => `${market}: an order worth less than the minimum is denied with the minimum`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = bench.limit(listing, { size: listing.minSize });
      const spent = bench.atMarket(listing, 'buy', { notional: times(listing.minNotional ?? '0', '0.5') });
      await bench.send(order, spent);
      for (const each of [order, spent]) {
        await bench.endsWithout(
          each,
          'denied',
          'NOTIONAL_BELOW_MINIMUM',
          RegExp(`minimum of ${listing.minNotional ?? ''}`),
        );
      }
    },
    ['spot', 'margin'],
  ),
  ...inEach(
    26,
    (market) => `${market}: an unknown symbol and one that does not trade now are denied by name`,
    async (bench, market) => {
      const listing = bench.listing(market, 'closed');
      const unknown = bench.limit({ ...listing, symbol: 'NOPE_USDT' });
      const closed = bench.limit(listing);
      await bench.send(unknown, closed);
      await bench.endsWithout(unknown, 'denied', 'SYMBOL_UNKNOWN', /NOPE_USDT/);
      await bench.endsWithout(closed, 'denied', 'SYMBOL_NOT_TRADING', RegExp(listing.symbol));
    },
  ),
  ...inEach(
    29,
    (market) => `${market}: what the account cannot pay is rejected with the venue's code, and not in the book`,
    async (bench, market) => {
      const account = await bench.account('poor', { isPoor: true });
      const order = bench.limit(bench.listing(market), { account });
      const placements = bench.trouble('place', 'throttle', 0, account);
      await bench.send(order);
      await bench.endsWithout(order, 'rejected', 'VENUE_REFUSED');
      assert.match((await bench.letter(order)).attributes['venueCode'] ?? '', /^\w+$/);
      assert.equal(placements.seen(), 1, 'it is sent once');
    },
  ),
];

const prevention = (number: number, market: 'spot' | 'futures', need: Need): Case => ({
  number,
  title: `${market}: self-trade prevention arrives: an account's order meets its own, and the one that was named is canceled`,
  needs: [...needsOf(market), need],
  run: async (bench) => {
    const listing = bench.listing(market, 'other');
    const inside = { price: listing.price };
    await bench.alone(listing, async () => {
      const maker = await resting(bench, bench.limit(listing, { ...inside, side: 'sell' }));
      const taker = bench.limit(listing, { ...inside, selfTradePrevention: 'cancel-taker' });
      await bench.send(taker);
      await endsCanceled(bench, taker, 'stp');
      assert.equal(await bench.state(maker), 'open');
      const second = bench.limit(listing, { ...inside, selfTradePrevention: 'cancel-maker' });
      await bench.send(second);
      await endsCanceled(bench, maker, 'stp');
      await bench.rests(second);
      await clear(bench, [second]);
    });
  },
});

const futures: readonly Case[] = [
  prevention(35, 'spot', 'self-trade-prevention'),
  prevention(36, 'futures', 'self-trade-prevention-futures'),
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
    needs: ['futures', 'margin-mode'],
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

const amending = (number: number, market: 'spot' | 'futures', need: Need): Case => ({
  number,
  title: `${market}: an amend changes price, size or both of a resting order, which keeps its id`,
  needs: [...needsOf(market), need],
  run: async (bench) => {
    const listing = bench.listing(market);
    const order = await resting(bench, bench.limit(listing));
    const before = await bench.row(order);
    const [price, size] = [times(listing.price, '0.8'), times(listing.lot, 2)];
    for (const [change, wanted] of [
      [{ price, size }, [price, size]],
      [{ price: times(listing.price, '0.85') }, [times(listing.price, '0.85'), size]],
      [{ size: listing.lot }, [times(listing.price, '0.85'), listing.lot]],
    ] as const) {
      await carryOut(bench, bench.amend(listing, order.id, change));
      const row = await bench.row(order);
      equal(row.price, wanted[0], 'price');
      equal(row.size, wanted[1], 'size');
      assert.deepEqual([row.state, row.venueOrderId], ['open', before.venueOrderId]);
    }
  },
  refused: (bench) => bench.amend(bench.listing(market), 'whatever1', { price: bench.listing(market).price }),
});

const amends: readonly Case[] = [
  amending(50, 'futures', 'futures-amend'),
  amending(51, 'spot', 'spot-amend'),
  {
    number: 52,
    title: 'An amend of a finished order is done and says so; of an unknown one it is denied as TARGET_NOT_FOUND',
    needs: ['futures', 'futures-amend'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const filled = await taken(bench, bench.atMarket(listing, 'buy'));
      const canceled = await resting(bench, bench.limit(listing));
      await carryOut(bench, bench.cancel(listing, canceled.id));
      const price = times(listing.price, '0.8');
      for (const [target, how] of [
        [filled, /already filled/],
        [canceled, /already canceled/],
      ] as const) {
        assert.match((await carryOut(bench, bench.amend(listing, target.id, { price }))).detail ?? '', how);
      }
      const lost = bench.amend(listing, 'nobodyplacedthis', { price });
      await bench.send(lost);
      await bench.endsWithout(lost, 'denied', 'TARGET_NOT_FOUND');
      equal((await bench.row(canceled)).price, String(canceled['price']), 'price');
    },
  },
  {
    number: 53,
    title: 'An amend is held to the minimums like a new order: one below them is denied, and the order stays as it was',
    needs: ['futures', 'futures-amend'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const order = await resting(bench, bench.limit(listing));
      const small = bench.amend(listing, order.id, { size: times(listing.minSize, '0.5') });
      await bench.send(small);
      await bench.endsWithout(small, 'denied', 'SIZE_BELOW_MINIMUM', RegExp(listing.minSize));
      equal((await bench.row(order)).size, listing.lot, 'size');
    },
  },
  ...(['lose-answer', 'lose-request'] as const).map((mishap, index): Case => ({
    number: 54 + index,
    title: `An amend whose ${mishap.slice(5)} is lost ends as done, and the order is as it was wanted`,
    needs: ['futures', 'futures-amend'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      const order = await resting(bench, bench.limit(listing));
      const amends = bench.trouble('amend', mishap);
      const price = times(listing.price, '0.8');
      const amend = bench.amend(listing, order.id, { price });
      await carryOut(bench, amend);
      assert.equal(amends.struck(), 1);
      assert.equal(amends.seen(), mishap === 'lose-answer' ? 1 : 2, 'amends sent');
      const row = await bench.row(order);
      equal(row.price, price, 'price');
      equal(row.size, listing.lot, 'size');
    },
  })),
];

const cancels: readonly Case[] = [
  ...inEach(
    60,
    (market) =>
      `${market}: a cancel takes the order it names and no other; it is done, and the order ends as canceled by the user`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const [order, neighbour] = [bench.limit(listing), bench.limit(listing)];
      await bench.send(order, neighbour);
      await bench.rests(order);
      await bench.rests(neighbour);
      await carryOut(bench, bench.cancel(listing, order.id));
      assert.equal(await bench.state(order), 'canceled');
      await endsCanceled(bench, order);
      assert.equal(await bench.state(neighbour), 'open');
      assert.deepEqual(bench.statuses(neighbour), ['accepted']);
    },
  ),
  ...inEach(
    63,
    (market) => `${market}: a cancel of a finished order is done and says so`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const filled = await taken(bench, bench.atMarket(listing, 'buy'));
      const canceled = await resting(bench, bench.limit(listing));
      await carryOut(bench, bench.cancel(listing, canceled.id));
      for (const [order, end] of [
        [filled, 'filled'],
        [canceled, 'canceled'],
      ] as const) {
        const report = await carryOut(bench, bench.cancel(listing, order.id));
        assert.match(report.detail ?? '', RegExp(`already (${end}|finished)`));
        assert.equal(await bench.state(order), end);
      }
    },
  ),
  ...inEach(
    66,
    (market) => `${market}: a cancel of an unknown order is rejected with the venue's code, and other orders stay`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = await resting(bench, bench.limit(listing));
      const cancel = bench.cancel(listing, 'nobodyplacedthis');
      await bench.send(cancel);
      await bench.endsWithout(cancel, 'rejected', 'VENUE_REFUSED');
      assert.match((await bench.letter(cancel)).attributes['venueCode'] ?? '', /^\w+$/);
      assert.equal(await bench.state(order), 'open');
    },
  ),
  ...inEach(
    69,
    (market) => `${market}: a cancel behind its order in one batch does not overtake it`,
    (bench, market) => neverOvertakes(bench, market, undefined),
  ),
  ...inEach(
    72,
    (market) => `${market}: a cancel behind its order does not overtake it when the order's answer is lost`,
    (bench, market) => neverOvertakes(bench, market, 'lose-answer'),
  ),
  ...inEach(
    75,
    (market) => `${market}: a cancel behind its order does not overtake it when the order's request is lost`,
    (bench, market) => neverOvertakes(bench, market, 'lose-request'),
  ),
  ...inEach(
    78,
    (market) => `${market}: a cancel whose answer is lost, or whose request is, ends as done with the order canceled`,
    async (bench, market) => {
      const listing = bench.listing(market);
      for (const mishap of ['lose-answer', 'lose-request'] as const) {
        const order = await resting(bench, bench.limit(listing));
        const lost = bench.trouble('cancel', mishap);
        await carryOut(bench, bench.cancel(listing, order.id));
        assert.equal(lost.struck(), 1);
        await endsCanceled(bench, order);
        lost.lift();
      }
    },
  ),
  {
    number: 81,
    title: 'A spot cancel-all by symbol takes every order of the symbol; orders of other symbols stay',
    run: (bench) => cancelsSymbol(bench, 'spot'),
  },
  {
    number: 82,
    title: 'A futures cancel-all by symbol takes every order of the symbol; orders of other symbols stay',
    needs: ['futures'],
    run: (bench) => cancelsSymbol(bench, 'futures'),
  },
  {
    number: 83,
    title: 'A spot cancel-all by side takes the orders of that side alone',
    needs: ['cancel-all-side'],
    run: (bench) => cancelsSide(bench, 'spot'),
    refused: (bench) => bench.intent({ action: 'cancel-all', market: 'spot', side: 'sell' }),
  },
  {
    number: 84,
    title: 'A futures cancel-all by side takes the orders of that side alone',
    needs: ['futures', 'cancel-all-side-futures'],
    run: (bench) => cancelsSide(bench, 'futures'),
    refused: (bench) => {
      const { market, symbol } = bench.listing('futures');
      return bench.intent({ action: 'cancel-all', market, symbol, side: 'sell' });
    },
  },
  {
    number: 85,
    title:
      'A spot cancel-all without symbol and side takes every spot order of the account, and none of another account',
    needs: ['cancel-all-symbols'],
    run: async (bench) => {
      const account = await bench.account('other');
      const orders = [bench.limit(bench.listing('spot')), bench.limit(bench.listing('spot', 'other'))];
      const foreign = bench.limit(bench.listing('spot'), { account });
      await bench.send(...orders, foreign);
      for (const each of [...orders, foreign]) await bench.rests(each);
      await carryOut(bench, bench.intent({ action: 'cancel-all', market: 'spot' }));
      for (const each of orders) await endsCanceled(bench, each);
      assert.equal(await bench.state(foreign), 'open');
    },
    refused: (bench) => bench.intent({ action: 'cancel-all', market: 'spot' }),
  },
  {
    number: 86,
    title:
      'The dead-man switch cancels the orders of its symbol unless it is renewed in time, and none of another symbol',
    needs: ['futures', 'dead-man'],
    run: async (bench) => {
      const [listing, other] = [bench.listing('futures'), bench.listing('futures', 'other')];
      const [order, elsewhere] = [bench.limit(listing), bench.limit(other)];
      await bench.send(order, elsewhere);
      await bench.rests(order);
      await bench.rests(elsewhere);
      await carryOut(bench, deadMan(bench, 5));
      await sleep(3000);
      await carryOut(bench, deadMan(bench, 5));
      await sleep(3500);
      assert.equal(await bench.state(order), 'open', 'renewed in time');
      await endsCanceled(bench, order, 'system');
      assert.equal(await bench.state(elsewhere), 'open');
    },
    refused: (bench) => deadMan(bench, 5),
  },
  {
    number: 87,
    title: 'A dead-man switch that is turned off cancels nothing',
    needs: ['futures', 'dead-man'],
    run: async (bench) => {
      const order = await resting(bench, bench.limit(bench.listing('futures')));
      await carryOut(bench, deadMan(bench, 5));
      await carryOut(bench, deadMan(bench, 0));
      await sleep(6500);
      assert.equal(await bench.state(order), 'open');
      assert.deepEqual(bench.statuses(order), ['accepted']);
    },
    refused: (bench) => deadMan(bench, 0),
  },
];

const deadMan = (bench: Bench, timeoutSeconds: number): Intent => {
  const { market, symbol } = bench.listing('futures');
  return bench.intent({ action: 'cancel-all-after', market, symbol, timeoutSeconds });
};

async function neverOvertakes(bench: Bench, market: Market, mishap: 'lose-answer' | 'lose-request' | undefined) {
  const listing = bench.listing(market);
  const order = bench.limit(listing);
  const cancel = bench.cancel(listing, order.id);
  const placements = bench.trouble('place', mishap ?? 'throttle', mishap === undefined ? 0 : 1);
  await bench.send(order, cancel);
  await bench.ends(cancel, 'done');
  assert.equal(await bench.state(order), 'canceled');
  await endsCanceled(bench, order);
  assert.equal(placements.seen(), mishap === 'lose-request' ? 2 : 1, 'placements');
}

async function cancelsSymbol(bench: Bench, market: 'spot' | 'futures'): Promise<void> {
  const [listing, other] = [bench.listing(market), bench.listing(market, 'other')];
  const orders = [bench.limit(listing), bench.limit(listing, { side: 'sell' }), bench.limit(listing)];
  const elsewhere = bench.limit(other);
  await bench.send(...orders, elsewhere);
  for (const each of [...orders, elsewhere]) await bench.rests(each);
  await carryOut(bench, bench.intent({ action: 'cancel-all', market, symbol: listing.symbol }));
  for (const each of orders) await endsCanceled(bench, each);
  assert.equal(await bench.state(elsewhere), 'open');
}

async function cancelsSide(bench: Bench, market: 'spot' | 'futures'): Promise<void> {
  const listing = bench.listing(market);
  const [buy, sell] = [bench.limit(listing), bench.limit(listing, { side: 'sell' })];
  await bench.send(buy, sell);
  await bench.rests(buy);
  await bench.rests(sell);
  await carryOut(bench, bench.intent({ action: 'cancel-all', market, symbol: listing.symbol, side: 'sell' }));
  await endsCanceled(bench, sell);
  assert.equal(await bench.state(buy), 'open');
}

const losses: readonly Case[] = [
  ...inEach(
    90,
    (market) =>
      `${market}: a placement whose answer is lost is looked up and reported as accepted: one request, one order`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'lose-answer');
      const order = bench.limit(bench.listing(market));
      await bench.send(order);
      await bench.rests(order);
      assert.deepEqual([placements.struck(), placements.seen()], [1, 1]);
    },
  ),
  ...inEach(
    93,
    (market) => `${market}: a placement whose request is lost is sent again once its absence is proven: one order`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'lose-request');
      const order = bench.limit(bench.listing(market));
      const sentAt = Date.now();
      await bench.send(order);
      await bench.rests(order);
      assert.deepEqual([placements.struck(), placements.seen()], [1, 2]);
      assert.ok(Date.now() - sentAt >= bench.ground.horizonMs, 'proven before it could be');
    },
  ),
  ...inEach(
    96,
    (market) =>
      `${market}: a placement whose answer is lost, and that look-ups do not show for a while, is not sent again`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'lose-answer');
      // As many questions as are asked before the horizon.
      const hidden = bench.trouble('look-up', 'show-nothing', 6);
      const order = bench.limit(bench.listing(market));
      await bench.send(order);
      await bench.rests(order);
      assert.ok(hidden.struck() > 0, 'it was looked for');
      assert.equal(placements.seen(), 1, 'placements');
    },
  ),
  ...inEach(
    99,
    (market) =>
      `${market}: a placement whose answer is lost while look-ups fail is neither sent again nor told until one succeeds`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'lose-answer');
      const broken = bench.trouble('look-up', 'break-down', Infinity);
      const order = bench.limit(bench.listing(market));
      await bench.send(order);
      await bench.until('a look-up', () => broken.struck() > 0);
      await sleep(2000);
      assert.deepEqual(bench.statuses(order), []);
      broken.lift();
      await bench.rests(order);
      assert.equal(placements.seen(), 1, 'placements');
    },
  ),
  ...inEach(
    102,
    (market) => `${market}: an intent that is sent twice makes one order`,
    async (bench, market) => {
      const placements = bench.trouble('place', 'throttle', 0);
      const [order, behind] = [bench.limit(bench.listing(market)), bench.limit(bench.listing(market))];
      await bench.send(order);
      await bench.send(order);
      await bench.send(behind);
      await bench.rests(behind);
      await bench.rests(order);
      assert.equal(placements.seen(), 2, 'placements');
    },
  ),
  ...inEach(
    105,
    (market) =>
      `${market}: a second message with the same id, after SQS has forgotten the first, makes no second order`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = await resting(bench, bench.limit(listing));
      await sleep(bench.ground.deduplicationMs + 1000);
      const behind = bench.limit(listing);
      await bench.ground.system.send([{ ...order, createdAt: new Date().toISOString() }]);
      await bench.send(behind);
      await bench.rests(behind);
      await bench.until('a second report', () => bench.ground.system.reportsOf(order.id).length > 1);
      assert.deepEqual(bench.statuses(order), ['accepted']);
      assert.equal(await bench.state(order), 'open');
    },
    ['spot', 'futures'],
  ),
  {
    number: 108,
    title: 'An id that an order of other numbers has already is rejected as ID_REUSED, and that order stays',
    run: async (bench) => {
      const listing = bench.listing('spot');
      const order = await resting(bench, bench.limit(listing));
      await sleep(bench.ground.deduplicationMs + 1000);
      const other = { ...order, createdAt: new Date().toISOString(), size: times(listing.lot, 2) };
      await bench.ground.system.send([other]);
      assert.equal((await bench.ends(order, 'accepted', 'rejected')).reason, 'ID_REUSED');
      const row = await bench.row(order);
      equal(row.size, listing.lot, 'size');
    },
  },
  {
    number: 109,
    title: 'What is expired is never sent, in no market and of no action',
    run: async (bench) => {
      const past = { createdAt: ago(3000), expiresAt: ago(1000) };
      const markets = MARKETS.filter((market) => needsOf(market).every((need) => bench.can(need)));
      const order = await resting(bench, bench.limit(bench.listing('spot')));
      const placements = bench.trouble('place', 'throttle', 0);
      const late = [
        ...markets.map((market) => bench.limit(bench.listing(market), past)),
        bench.cancel(bench.listing('spot'), order.id, past),
      ];
      await bench.send(...late);
      for (const each of late) await bench.endsWithout(each, 'expired', 'INTENT_EXPIRED', /expired at/);
      assert.equal(placements.seen(), 0, 'placements');
      assert.equal(await bench.state(order), 'open');
    },
  },
];

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

const mandates: readonly Case[] = [
  ...inEach(
    110,
    (market) => `${market}: a halted account places nothing, and cancels still pass`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = await resting(bench, bench.limit(listing));
      await bench.account('', { mandate: { state: 'halted' } });
      await sleep(bench.ground.mandateMs + 500);
      const [buy, sell] = [bench.limit(listing), bench.limit(listing, { side: 'sell' })];
      const cancel = bench.cancel(listing, order.id);
      await bench.send(buy, sell, cancel);
      for (const each of [buy, sell]) await bench.endsWithout(each, 'denied', 'TRADING_HALTED', /halted/);
      await bench.ends(cancel, 'done');
      await endsCanceled(bench, order);
    },
  ),
  {
    number: 113,
    title: 'spot: a reducing account sells and does not buy',
    run: async (bench) => {
      const listing = bench.listing('spot');
      await bench.account('', { mandate: { state: 'reducing' } });
      const [buy, sell] = [bench.limit(listing), bench.limit(listing, { side: 'sell' })];
      await bench.send(buy, sell);
      await bench.endsWithout(buy, 'denied', 'TRADING_REDUCING', /reducing/);
      await bench.rests(sell);
    },
  },
  {
    number: 114,
    title: 'margin: a reducing account places nothing, since a sale may borrow',
    needs: ['margin'],
    run: async (bench) => {
      const listing = bench.listing('margin');
      await bench.account('', { mandate: { state: 'reducing' } });
      const orders = [bench.limit(listing), bench.limit(listing, { side: 'sell' })];
      await bench.send(...orders);
      for (const each of orders) await bench.endsWithout(each, 'denied', 'TRADING_REDUCING', /reducing/);
    },
  },
  {
    number: 115,
    title: 'futures: a reducing account opens nothing and amends nothing; reduce-only orders and cancels pass',
    needs: ['futures', 'futures-amend'],
    run: async (bench) => {
      const listing = bench.listing('futures');
      await taken(bench, bench.atMarket(listing, 'buy'));
      const order = await resting(bench, bench.limit(listing));
      await bench.account('', { mandate: { state: 'reducing' } });
      await sleep(bench.ground.mandateMs + 500);
      const opening = [bench.limit(listing), bench.atMarket(listing, 'sell')];
      const amend = bench.amend(listing, order.id, { size: times(listing.lot, 3) });
      const closing = bench.atMarket(listing, 'sell', { reduceOnly: true });
      const cancel = bench.cancel(listing, order.id);
      await bench.send(...opening, amend, closing, cancel);
      for (const each of [...opening, amend]) await bench.endsWithout(each, 'denied', 'TRADING_REDUCING', /reducing/);
      await bench.ends(closing, 'accepted', 'filled');
      await endsCanceled(bench, order);
      equal((await bench.row(order)).size, listing.lot, 'size');
      assert.deepEqual(await bench.positions(), []);
    },
  },
  ...inEach(
    116,
    (market) =>
      `${market}: an order worth more than maxOrderNotional is denied with both numbers, priced or at the market`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const maxOrderNotional = times(times(listing.lot, listing.price), '1.5');
      await bench.account('', { mandate: { state: 'active', maxOrderNotional } });
      const twice = times(listing.lot, 2);
      const large = market === 'futures' ? { size: twice } : { notional: times(twice, listing.price) };
      const denied = [
        bench.limit(listing, { size: twice }),
        bench.limit(listing, { side: 'sell', size: twice }),
        bench.atMarket(listing, 'buy', large),
        bench.atMarket(listing, 'sell', { size: twice }),
      ];
      const small = bench.limit(listing);
      await bench.send(...denied, small);
      await bench.rests(small);
      for (const each of denied)
        await bench.endsWithout(each, 'denied', 'NOTIONAL_ABOVE_MAXIMUM', RegExp(maxOrderNotional));
    },
  ),
  ...inEach(
    119,
    (market) => `${market}: a symbol that the mandate does not list is denied by name`,
    async (bench, market) => {
      const [listing, other] = [bench.listing(market), bench.listing(market, 'other')];
      await bench.account('', { mandate: { state: 'active', symbols: [listing.symbol] } });
      const [good, bad] = [bench.limit(listing), bench.limit(other)];
      await bench.send(bad, good);
      await bench.endsWithout(bad, 'denied', 'SYMBOL_NOT_ALLOWED', RegExp(other.symbol));
      await bench.rests(good);
    },
  ),
  ...inEach(
    122,
    (market) =>
      `${market}: a collar denies what the market, or the order's own price, is too far from; else the order goes`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const collar = (reference: string) => ({
        collar: { referencePrice: times(listing.price, reference), maxDeviationBps: 100 },
      });
      const good = bench.limit(listing, collar('1'));
      const denied = [
        bench.limit(listing, collar('0.9')),
        bench.limit(listing, collar('1.1')),
        bench.limit(listing, { ...collar('1'), price: times(listing.price, '1.05') }),
        bench.atMarket(listing, 'sell', collar('1.1')),
      ];
      await bench.send(...denied, good);
      for (const each of denied) await bench.endsWithout(each, 'denied', 'PRICE_OUTSIDE_COLLAR', /bps/);
      await bench.rests(good);
    },
  ),
  ...inEach(
    125,
    (market) => `${market}: an account in shadow mode sends nothing, and reports what it would have sent`,
    async (bench, market) => {
      const listing = bench.listing(market);
      await bench.account('', { mandate: { state: 'active', shadow: true } });
      const placements = bench.trouble('place', 'throttle', 0);
      const orders = [bench.limit(listing), bench.atMarket(listing, 'buy')];
      await bench.send(...orders);
      for (const order of orders) {
        assert.match((await bench.ends(order, 'done')).detail ?? '', /shadow/);
        await bench.absent(order);
      }
      assert.equal(placements.seen(), 0, 'placements');
    },
  ),
];

const troubles: readonly Case[] = [
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

/** A buy of two lots between bid and ask, one of which another account sells to it. */
const partly = async (
  bench: Bench,
  market: Market,
  then: (order: Intent, sell: () => Promise<void>) => Promise<void>,
) => {
  const listing = bench.listing(market, 'other');
  const seller = await bench.account('seller');
  const { price, lot } = listing;
  const sell = async (): Promise<void> => {
    const sale = bench.limit(listing, { account: seller, side: 'sell', type: 'ioc', price });
    await bench.send(sale);
    await bench.ends(sale, 'accepted', 'filled');
  };
  await bench.alone(listing, async () => {
    const order = await resting(bench, bench.limit(listing, { price, size: times(lot, 2) }));
    await sell();
    const report = await bench.ends(order, 'accepted', 'partially-filled');
    equal(report.filledSize, lot, 'filledSize');
    assert.equal(await bench.state(order), 'partially-filled');
    await then(order, sell);
  });
};

const following: readonly Case[] = [
  ...inEach(
    140,
    (market) =>
      `${market}: an order that is filled in part is told as partially-filled, and once it is whole, as filled, once`,
    (bench, market) =>
      partly(bench, market, async (order, sell) => {
        const listing = bench.listing(market, 'other');
        await sell();
        const report = await bench.ends(order, 'accepted', 'partially-filled', 'filled');
        equal(report.filledSize, times(listing.lot, 2), 'filledSize');
        assert.equal(await bench.costs(order, report, listing, false), 'filled');
      }),
  ),
  ...inEach(
    143,
    (market) => `${market}: an order that is filled in part and then canceled ends as canceled, with what was filled`,
    (bench, market) =>
      partly(bench, market, async (order) => {
        const listing = bench.listing(market, 'other');
        await carryOut(bench, bench.cancel(listing, order.id));
        const report = await bench.ends(order, 'accepted', 'partially-filled', 'canceled');
        assert.equal(report.cancelSource, bench.source(market, 'user'));
        equal(report.filledSize, listing.lot, 'filledSize');
        assert.equal(await bench.costs(order, report, listing, false), 'canceled');
      }),
  ),
  {
    number: 146,
    title: 'A market buy whose money is spent ends filled even where the venue ends it canceled',
    needs: ['spent-ends-canceled'],
    run: async (bench) => {
      const listing = bench.listing('spot');
      await bench.ground.spentEndsCanceled(true);
      const order = bench.atMarket(listing, 'buy');
      await bench.send(order);
      const report = await bench.ends(order, 'accepted', 'filled');
      await bench.ground.spentEndsCanceled(false);
      assert.equal(await bench.costs(order, report, listing), 'canceled');
    },
  },
  ...inEach(
    147,
    (market) => `${market}: an accepted order that the venue does not show any more ends as canceled, source unknown`,
    async (bench, market) => {
      const listing = bench.listing(market);
      const order = bench.limit(listing);
      await bench.send(order);
      await bench.ends(order, 'accepted');
      bench.trouble('look-up', 'show-nothing', Infinity);
      await carryOut(bench, bench.cancel(listing, order.id));
      assert.equal(await bench.state(order), 'canceled');
      const report = await bench.ends(order, 'accepted', 'canceled');
      assert.equal(report.cancelSource, 'unknown');
      equal(report.filledSize, '0', 'filledSize');
      assert.match(report.detail ?? '', /does not show/);
    },
  ),
  {
    number: 150,
    title: 'A look-up that fails ends nothing: the order is followed on, and its end is told when it can be seen',
    run: async (bench) => {
      const listing = bench.listing('spot');
      const order = bench.limit(listing);
      await bench.send(order);
      await bench.ends(order, 'accepted');
      const broken = bench.trouble('look-up', 'break-down', Infinity);
      await carryOut(bench, bench.cancel(listing, order.id));
      await bench.until('a look-up', () => broken.struck() > 1);
      assert.deepEqual(bench.statuses(order), ['accepted']);
      broken.lift();
      await endsCanceled(bench, order);
    },
  },
];

/** Every case, by number. */
export const cases: readonly Case[] = [
  ...placing,
  ...futures,
  ...amends,
  ...cancels,
  ...losses,
  ...mandates,
  ...troubles,
  ...following,
].toSorted((a, b) => a.number - b.number);

/** E-007 */
export const nameOf = ({ number }: Pick<Case, 'number'>): string => `E-${String(number).padStart(3, '0')}`;
