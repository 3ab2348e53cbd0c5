// What one exchange does and another does not, among plain records of functions: a verdict for each order of a request, bans of
// the address, limits that say when they are over, prices that move, and accounts on several venues in one environment.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AccountReading } from '../shared/aws/accounts.ts';
import type { Delivery } from '../shared/aws/queues.ts';
import type { About } from '../shared/metrics.ts';
import type { Verdict } from '../shared/order/report.ts';
import type { NewOrder, Promises, TradingAccount, Venue } from '../shared/order/venue.ts';
import { answers, buy, delivery, found, HERE, LOST, MINUTE, NOTHING, START, still } from './still.ts';

const slow = (retryAfterMs?: number): Verdict => ({
  ...{ kind: 'throttled', venueCode: '10006', detail: 'slow down' },
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const banned = (more: object = {}): Verdict => ({
  kind: 'banned',
  venueCode: '403',
  detail: 'too many',
  forMs: 600_000,
  of: 'address',
  ...more,
});
const account = (more: Partial<TradingAccount> = {}): TradingAccount => ({
  ...{ name: 'main', ...HERE, credentials: {}, mandate: { state: 'active', batching: true } },
  ...more,
});
const reading = (of: TradingAccount): AccountReading => ({ kind: 'account', account: of, version: '1' });
const places = (count: number, more: object = {}): readonly Delivery[] =>
  Array.from({ length: count }, (_, index) => delivery(`p${index}`, { ...buy, ...more }));

/** An account whose orders go out together. `verdictOf`: what becomes of each. */
function together(verdictOf: (order: NewOrder, index: number) => Verdict, venue: Partial<Venue> = {}) {
  const batches: string[][] = [];
  const followed: string[] = [];
  const lines: string[] = [];
  const world = still(
    {
      submitAll: (_, orders) => {
        batches.push(orders.map(({ id }) => id));
        return Promise.resolve(orders.map(verdictOf));
      },
      ...venue,
    },
    undefined,
    { follow: (orders) => Promise.resolve(orders.map(({ order }) => followed.push(order.intent.id) > 0)) },
  );
  Object.assign(world.outside.accounts, { read: () => Promise.resolve(reading(account())) });
  Object.assign(world.outside, { log: (_: string, event: string) => void lines.push(event) });
  const sent = () => world.told.calls.filter((call) => call.startsWith('place'));
  const ends = () => world.told.reports.map(({ id, status }) => `${id} ${status}`);
  return { ...world, batches, followed, lines, sent, ends };
}

describe('a verdict for each order of one request', () => {
  const refused: Verdict = { kind: 'refused', venueCode: '170131', detail: 'no balance', tradingOver: false };
  const at =
    (...verdicts: readonly Verdict[]) =>
    (_: NewOrder, index: number) =>
      verdicts[index] as Verdict;
  const placed = (venueOrderId: string): Verdict => ({ kind: 'placed', venueOrderId });

  test('each has its own end, with its own id at the venue', async () => {
    const { run, told, ends, followed, sent } = together(at(placed('11'), refused, placed('13')));
    expect(await run(places(3))).toEqual([]);
    expect(ends()).toEqual(['p0 accepted', 'p1 rejected', 'p2 accepted']);
    expect(told.reports.map(({ venueOrderId }) => venueOrderId)).toEqual(['11', undefined, '13']);
    expect(told.letters).toMatchObject([{ intentId: 'p1', reason: 'VENUE_REFUSED', venueCode: '170131' }]);
    expect([followed, sent()]).toEqual([['p0', 'p2'], []]);
  });
  test('a throttled tail goes back in its order for as long as the venue says, and nothing of it is sent alone', async () => {
    const { run, told, ends, sent } = together(at(placed('1'), placed('2'), slow(2300), slow(2300)));
    expect(await run([...places(4), delivery('z', buy, 2)])).toEqual(['m-p2', 'm-p3', 'm-z']);
    expect(ends()).toEqual(['p0 accepted', 'p1 accepted']);
    expect(sent()).toEqual([]);
    expect([told.back.get('r-p2'), told.back.get('r-p3'), told.back.get('r-z')]).toEqual([3, 3, 3]);
    await run([delivery('p2', buy, 2), delivery('p3', buy, 2)]);
    expect(sent()).toEqual(['place p2', 'place p3']);
  });
  test('behind one of which nobody knows whether it arrived nothing more is sent; what was placed is told', async () => {
    const busy: Verdict = { kind: 'unavailable', venueCode: '10016', detail: 'busy' };
    const lost = { ...LOST, refusedAfterMs: 5000 };
    const { run, told, ends, sent } = together(at(placed('1'), lost, busy, placed('4'), slow()));
    expect(await run(places(5))).toEqual(['m-p1', 'm-p2', 'm-p4']);
    expect([ends(), sent()]).toEqual([['p0 accepted', 'p3 accepted'], []]);
    // All for the same time, so that the first of them is the first again.
    expect([...told.back.values()]).toEqual([13, 13, 13]);
  });
  test('one that was used already is looked for, and told as what it is', async () => {
    const duplicate: Verdict = { kind: 'duplicate', venueCode: '170141' };
    const find: Venue['find'] = (_, { id }) => Promise.resolve(found({ venueOrderId: id, side: id === 'p2' ? 'sell' : 'buy' })); // prettier-ignore
    const { run, told, ends } = together(at(placed('1'), duplicate, duplicate), { find });
    expect(await run(places(3))).toEqual([]);
    expect(ends()).toEqual(['p0 accepted', 'p1 accepted', 'p2 rejected']);
    expect(told.letters).toMatchObject([{ intentId: 'p2', reason: 'ID_REUSED' }]);
  });
  test('an answer that leaves one out says nothing of that one: it is looked for and held', async () => {
    const { run, ends, sent } = together(() => placed('1'), {
      submitAll: () => Promise.resolve([placed('1'), placed('2')]),
    });
    expect(await run(places(3))).toEqual(['m-p2']);
    expect([ends(), sent()]).toEqual([['p0 accepted', 'p1 accepted'], []]);
  });
  test('after a ban in it nobody is looked for', async () => {
    const { run, told, ends } = together(at(placed('1'), LOST, banned()));
    expect(await run(places(3))).toEqual(['m-p1', 'm-p2']);
    expect([ends(), told.calls]).toEqual([['p0 accepted'], []]);
  });
  test('where the venue takes several symbols in one request they go together, and each book is asked for once', async () => {
    const books: string[] = [];
    const world = together(() => placed('1'), {
      together: {
        ...still({}).outside.venues[0]?.together,
        spot: { most: 3, isOneSymbol: false },
      } as Venue['together'],
      book: (_, symbol) => Promise.resolve({ bid: '50000', ask: '50001', symbol: books.push(symbol) } as never),
    });
    const bounded = account({ mandate: { state: 'active', batching: true, maxOrderNotional: '100000' } });
    Object.assign(world.outside.accounts, { read: () => Promise.resolve(reading(bounded)) });
    const of = (id: string, symbol: string, market = 'spot') => delivery(id, { ...buy, side: 'sell', symbol, market });
    await world.run([of('a', 'BTC_USDT'), of('b', 'ETH_USDT'), of('c', 'BTC_USDT'), of('d', 'ETH_USDT')]);
    expect([world.batches, world.sent()]).toEqual([[['a', 'b', 'c']], ['place d']]);
    expect(books).toEqual(['BTC_USDT', 'ETH_USDT', 'ETH_USDT']);
  });

  /** What may become of an order, and whether the venue has it afterwards. */
  const FATES = ['placed', 'refused', 'throttled', 'lost', 'lost but booked', 'used by itself', 'used by another', 'busy', 'late', 'taken', 'taken and booked', 'failed', 'key refused'] as const; // prettier-ignore
  const BOOKED: readonly string[] = ['placed', 'lost but booked', 'used by itself', 'taken and booked'];
  const verdictFor = (fate: (typeof FATES)[number], id: string, now: number): Verdict => {
    const refusal = { venueCode: '1', detail: fate };
    switch (fate) {
      case 'placed':
        return { kind: 'placed', venueOrderId: id };
      case 'refused':
        return { kind: 'refused', ...refusal, tradingOver: false };
      case 'throttled':
        return { kind: 'throttled', ...refusal, retryAfterMs: 700 };
      case 'lost':
      case 'lost but booked':
        return { kind: 'unknown', ...refusal, signedAt: now, refusedAfterMs: 5000 };
      case 'used by itself':
      case 'used by another':
        return { kind: 'duplicate', venueCode: '1' };
      case 'busy':
        return { kind: 'unavailable', ...refusal };
      case 'late':
        return { kind: 'late', ...refusal };
      case 'taken':
      case 'taken and booked':
        return { kind: 'taken' };
      case 'failed':
        return { kind: 'failed', ...refusal };
      case 'key refused':
        return { kind: 'unauthorised', ...refusal };
    }
  };

  test('whatever becomes of each: one end for every order and a true one, none placed twice, none sent before one that waits', async () => {
    const fates = fc.array(fc.constantFrom(...FATES), { minLength: 2, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(fates, async (all) => {
        const book = new Map<string, number>();
        const put = (id: string) => void book.set(id, (book.get(id) ?? 0) + 1);
        const foreign = new Set(all.flatMap((fate, index) => (fate === 'used by another' ? [`p${index}`] : [])));
        const world = together(
          ({ id }, index) => {
            const fate = all[index] ?? 'placed';
            if (BOOKED.includes(fate)) put(id);
            return verdictFor(fate, id, world.now());
          },
          {
            submit: (_, { id }) => {
              put(id);
              return Promise.resolve({ kind: 'placed', venueOrderId: id });
            },
            find: (_, { id }) => {
              if (foreign.has(id)) return Promise.resolve(found({ venueOrderId: id, side: 'sell' }));
              return Promise.resolve(book.has(id) ? found({ venueOrderId: id }) : NOTHING);
            },
          },
        );
        let left: readonly string[] = all.map((_, index) => `p${index}`);
        for (let receive = 1; left.length > 0 && receive < 8; receive += 1) {
          const before = world.sent().length;
          const back = await world.run(left.map((id) => delivery(id, buy, receive)));
          left = left.filter((id) => back.includes(`m-${id}`));
          const alone = world.sent().slice(before).map((call) => Number(call.slice('place p'.length)));
          expect(alone).toEqual(alone.toSorted((a, b) => a - b));
          const firstLeft = Number(left[0]?.slice(1) ?? Infinity);
          for (const index of alone) expect(index).toBeLessThan(firstLeft);
          // What may be there never comes back before the venue takes it no more: 5 s, and 5 s until it shows, and a fifth.
          for (const id of receive === 1 ? left : []) {
            const isLost = all[Number(id.slice(1))] === 'lost';
            if (isLost) expect(world.told.back.get(`r-${id}`) ?? Infinity).toBeGreaterThanOrEqual(13);
          }
          await world.sleep(1000 * Math.max(1, ...world.told.back.values()));
        }
        const ends = new Map(world.told.reports.map(({ id, status }) => [id, status]));
        expect([left, world.told.reports.length, ends.size]).toEqual([[], all.length, all.length]);
        for (const [index, fate] of all.entries()) {
          const id = `p${index}`;
          const isRefused = ['refused', 'failed', 'used by another'].includes(fate);
          expect([fate, ends.get(id), book.get(id) ?? 0]).toEqual([fate, isRefused ? 'rejected' : 'accepted', isRefused ? 0 : 1]);
        }
        expect(world.followed.toSorted()).toEqual([...book.keys()].toSorted());
      }),
      { numRuns: 300 },
    );
  }); // prettier-ignore
});

describe('a limit that says when it is over', () => {
  test.each([
    [undefined, 2],
    [1, 1],
    [1000, 1],
    [1001, 2],
    [4200, 5],
    [600_000, 60],
  ])('%p ms: the group rests for %i s, not less than one and not more than sixty', async (retryAfterMs, seconds) => {
    const { run, told } = still({ submit: answers(slow(retryAfterMs)) });
    expect(await run([delivery('a', buy), delivery('b', buy)])).toEqual(['m-a', 'm-b']);
    expect([...told.back]).toEqual([['r-a', seconds], ['r-b', seconds]]);
  }); // prettier-ignore
});

describe('a price that the venue may move', () => {
  const moved = found({ price: '50300' });
  test.each([
    [true, 'rejected'],
    [false, 'accepted'],
  ])('where it keeps prices: %p, an order at another price under the id is %s', async (keepsPrice, status) => {
    const world = still({ submit: answers(LOST), find: answers(moved) });
    const { promises } = world.outside.venues[0] as Venue;
    Object.assign(promises, { keepsPrice: { spot: keepsPrice, margin: true, futures: true } });
    expect(await world.run([delivery('a', buy)])).toEqual([]);
    expect(world.told.reports).toMatchObject([{ id: 'a', status }]);
  });
});

describe('an order that the venue accepted and then shows as failed', () => {
  test('is told with the venue’s own word for why', async () => {
    const shown = found({ state: 'rejected', reason: 'EC_PostOnlyWillTakeLiquidity' });
    const { run, told } = still({ submit: answers(LOST), find: answers(shown) });
    expect(await run([delivery('a', buy)])).toEqual([]);
    const detail: unknown = expect.stringMatching(/as failed: EC_PostOnlyWillTakeLiquidity$/);
    expect(told.reports).toMatchObject([{ status: 'rejected', detail }]);
    expect(told.letters).toMatchObject([
      { reason: 'VENUE_REFUSED', venueCode: 'EC_PostOnlyWillTakeLiquidity', detail },
    ]);
  });
});

/** Accounts by name, each on a venue of its own that remembers what it was asked. */
function venuesBeside(venues: Readonly<Record<string, Partial<Venue>>>, where: Readonly<Record<string, string>>) {
  const base = still({});
  const asked: string[] = [];
  const lines: string[] = [];
  const values: { name: string; about: About }[] = [];
  const its = Object.entries(venues).map(([name, venue]): Venue => {
    const submit: Venue['submit'] = venue.submit ?? answers({ kind: 'placed', venueOrderId: '1' });
    const say = <T>(what: string, answer: T): T => (asked.push(`${name}: ${what}`), answer);
    return {
      ...(base.outside.venues[0] as Venue),
      name,
      submit: (...given) => say(`place ${given[1].id}`, submit(...given)),
      find: (_, { id }) => say(`find ${id}`, Promise.resolve(NOTHING)),
      instrument: () => say('rules', Promise.resolve(undefined)),
      hold: ({ name: of }) => say(`hold ${of}`, Promise.resolve()),
    };
  });
  const accounts = new Map(Object.entries(where));
  Object.assign(base.outside, {
    venues: its,
    venueOf: ({ venue }: TradingAccount) => its.find(({ name }) => name === venue),
    log: (_: string, event: string, fields?: { readonly account?: string; readonly venue?: string }) =>
      void lines.push(`${event} ${fields?.account ?? ''} ${fields?.venue ?? ''}`),
    measure: (name: string, _: number, about: About = {}) => void values.push({ name, about }),
  });
  const read = (name: string) => {
    asked.push(`read ${name}`);
    return Promise.resolve(reading(account({ name, venue: accounts.get(name) ?? '', mandate: { state: 'active' } })));
  };
  Object.assign(base.outside.accounts, { read });
  const of = (name: string, id: string, receive = 1): Delivery => ({
    ...delivery(id, { ...buy, account: name }, receive),
    group: name,
  });
  const promise = (venue: number, promises: Partial<Promises>) =>
    Object.assign(its[venue] as Venue, { promises: { ...(its[venue] as Venue).promises, ...promises } });
  return { ...base, asked, lines, values, accounts, of, promise };
}

describe('two venues in one environment', () => {
  test('each account is executed on its own, is held there, and has metrics and lines under its name', async () => {
    const { run, of, asked, told, values, lines } = venuesBeside({ here: {}, there: {} }, { one: 'here', two: 'there' });
    expect(await run([of('one', 'a'), of('two', 'b')])).toEqual([]);
    expect(told.reports.map(({ id, status }) => `${id} ${status}`)).toEqual(['a accepted', 'b accepted']);
    const said = asked.filter((each) => !each.startsWith('read')).toSorted();
    expect(said).toEqual(['here: hold one', 'here: place a', 'here: rules', 'there: hold two', 'there: place b', 'there: rules']);
    for (const [name, venue] of [['one', 'here'], ['two', 'there']]) {
      expect(values).toContainEqual({ name: 'Intents', about: { account: name, venue, outcome: 'accepted' } });
      expect(lines).toContain(`outcome ${name} ${venue}`);
    }
  }); // prettier-ignore
  test('nothing is asked before it is known where the account is; with one venue the rules are loaded meanwhile', async () => {
    const several = venuesBeside({ here: {}, there: {} }, { one: 'there' });
    await several.run([several.of('one', 'a')]);
    expect(several.asked[0]).toBe('read one');
    const single = venuesBeside({ here: {} }, { one: 'here' });
    await single.run([single.of('one', 'a')]);
    expect(single.asked.slice(0, 2)).toEqual(['here: rules', 'read one']);
  });
  test('each is waited for by what its own venue promises, and before that is known by what all do', async () => {
    const lost: Partial<Venue> = { submit: answers<Verdict>(LOST) };
    const { run, of, told, promise } = venuesBeside({ slow: lost, quick: lost }, { one: 'slow', two: 'quick' });
    promise(1, { refusesTimestampsAfterMs: 5000, showsOrdersWithinMs: 5000 });
    expect(await run([of('one', 'a'), of('two', 'b')])).toEqual(['m-a', 'm-b']);
    expect([told.back.get('r-a'), told.back.get('r-b')]).toEqual([79, 13]);
    // Handed over late: by the quick one's promises it could not come back too early, by the slow one's it could.
    const again = venuesBeside({ slow: {}, quick: {} }, { two: 'quick' });
    again.promise(1, { refusesTimestampsAfterMs: 5000, showsOrdersWithinMs: 5000 });
    await again.sleep(100_000);
    await again.run([again.of('two', 'c')]);
    expect(again.told.back.get('r-c')).toBe(180);
  });
  test.each([true, false])('a ban of the address parks all accounts of its venue and none of another (fixed egress: %p)', async (isEgressFixed) => {
    const world = venuesBeside({ here: { submit: answers<Verdict>(banned()) }, there: {} }, { one: 'here', two: 'there', three: 'here' });
    Object.assign(world.outside, { isEgressFixed });
    expect(await world.run([world.of('one', 'a')])).toEqual(['m-a']);
    expect(world.told.back.get('r-a')).toBe(600);
    world.asked.length = 0;
    expect(await world.run([world.of('two', 'b'), world.of('three', 'c')])).toEqual(['m-c']);
    expect(world.asked.filter((each) => /^here: (place|find)/.test(each))).toEqual([]);
    expect(world.told.reports.map(({ id }) => id)).toEqual(['b']);
    await world.sleep(10 * MINUTE);
    Object.assign(world.outside.venues[0] as Venue, { submit: answers<Verdict>({ kind: 'placed', venueOrderId: '9' }) });
    await world.run([{ ...world.of('three', 'd'), body: world.of('three', 'd').body.replaceAll('2026-11-22T12:10', '2026-11-22T12:15'), firstReceivedAt: START + 10 * MINUTE }]);
    expect(world.told.reports.map(({ id }) => id)).toEqual(['b', 'd']);
  }); // prettier-ignore
  test('a ban of one account where addresses change is that account’s alone', async () => {
    const world = venuesBeside({ here: { submit: answers<Verdict>(banned({ of: 'account' }), { kind: 'placed', venueOrderId: '1' }) } }, { one: 'here', three: 'here' }); // prettier-ignore
    await world.run([world.of('one', 'a')]);
    expect(await world.run([world.of('three', 'c')])).toEqual([]);
  });
  test('a country that is blocked is told as that', async () => {
    const world = venuesBeside({ here: { submit: answers(banned({ isBlocked: true })) } }, { one: 'here' });
    expect(await world.run([world.of('one', 'a')])).toEqual(['m-a']);
    expect(world.lines).toContain('country blocked: waiting will not help *here ');
    expect([world.told.letters, world.told.reports]).toEqual([[], []]);
  });
  test('an account that moves while its batch is executed is looked for where it was, and nothing goes to the other', async () => {
    const world = venuesBeside({ here: {}, there: {} }, { one: 'here' });
    const submit: Venue['submit'] = () => {
      world.accounts.set('one', 'there');
      return Promise.resolve({ kind: 'placed', venueOrderId: '1' });
    };
    Object.assign(world.outside.venues[0] as Venue, { submit });
    expect(await world.run([world.of('one', 'a'), world.of('one', 'b')])).toEqual(['m-b']);
    expect(world.told.reports).toMatchObject([{ id: 'a', status: 'accepted' }]);
    expect(world.asked.filter((each) => each.startsWith('there: place'))).toEqual([]);
  });
});

test('an account where the stage allows none is not traded, and the sentence says where it is and where it may be', async () => {
  const world = still({});
  const detail = 'account main: it is on there testnet, and this stage allows here live';
  Object.assign(world.outside.accounts, { read: () => Promise.resolve({ kind: 'unreadable', detail }) });
  expect(await world.run([delivery('a', buy)])).toEqual([]);
  expect(world.told.calls).toEqual([]);
  expect(world.told.letters).toMatchObject([{ reason: 'MANDATE_UNREADABLE', certainty: 'not-sent', detail }]);
  expect(world.told.reports).toMatchObject([{ status: 'denied', detail }]);
});
