// Following among plain records of functions and a clock of its own: every end is told once, and nothing is ever sent.
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Accounts } from '../shared/aws/accounts.ts';
import type { Delivery } from '../shared/aws/queues.ts';
import { follow, type Beyond } from '../shared/following.ts';
import { nextLookSeconds } from '../shared/order/progress.ts';
import type { Instrument } from '../shared/order/instrument.ts';
import type { DeadLetter, ExecutionReport, PendingOrder } from '../shared/order/report.ts';
import type {
  Fills,
  OrderQuery,
  Promises,
  Sighting,
  TradingAccount,
  Unseen,
  Venue,
  VenueOrder,
} from '../shared/order/venue.ts';
import { cancel, changed, limitBuy, marketBuy, type Fields } from './order/arbitraries.ts';

const START = Date.parse(limitBuy.createdAt);
const [SECOND, MINUTE, DAY] = [1000, 60_000, 86_400_000];
/** How long an order that was accepted may stay unseen, and how far apart two looks are then: twice 65 s, and 5 s. */
const [YOUNG, LAG] = [130 * SECOND, 5 * SECOND];

const open: VenueOrder = {
  venueOrderId: '7',
  symbol: 'BTC_USDT',
  side: 'buy',
  type: 'limit',
  price: '60000',
  size: '0.01',
  state: 'open',
  filledSize: '0',
};
const partly: VenueOrder = { ...open, state: 'partially-filled', filledSize: '0.004', averagePrice: '60000' };
const filled: VenueOrder = { ...open, state: 'filled', filledSize: '0.01', averagePrice: '59999.5' };
const found = (order: VenueOrder): Sighting => ({ kind: 'found', order });
const BUSY: Unseen = { kind: 'unavailable', venueCode: '1', detail: 'busy' };
const NOTHING: Sighting = { kind: 'nothing' };
const fillsOf = (size: string, fee = '0.6', feeCoin = 'USDT'): Fills => ({ size, costs: size === '0' ? [] : [{ fee, feeCoin }] }); // prettier-ignore
const refusal = { venueCode: '1', detail: 'why' };

type Reading = Awaited<ReturnType<Accounts['read']>>;
interface Call {
  readonly account: string;
  readonly query: OrderQuery;
  readonly at: number;
}
const TOGETHER: Venue['together'] = {
  spot: { most: 10, isOneSymbol: true },
  margin: { most: 1, isOneSymbol: true },
  futures: { most: 1, isOneSymbol: true },
};
const PROMISES: Promises = {
  refusesRepeatedIds: 'always',
  answersLookupsForMs: 20 * MINUTE,
  refusesTimestampsAfterMs: MINUTE,
  showsOrdersWithinMs: LAG,
  acknowledges: 'booking',
  keepsPrice: { spot: true, margin: true, futures: true },
};
let commands = 0;
/** Whatever happens: nothing is placed, changed or canceled from here. */
afterEach(() => {
  expect(commands).toBe(0);
});

/** A world that stands still until somebody sleeps. What SQS takes, it takes in order: true where `takes` says nothing else. */
function still(venue: Partial<Venue> = {}, reading?: (name: string) => Reading, more: Partial<Beyond> = {}) {
  let now = START;
  const told = {
    letters: [] as DeadLetter[],
    reports: [] as ExecutionReport[],
    copies: [] as { readonly order: PendingOrder; readonly seconds: number }[],
    /** How many copies went out in one call. */
    batches: [] as number[],
    back: new Map<string, number>(),
    logs: [] as string[],
    looks: [] as Call[],
  };
  const takes = { letter: () => true, report: () => true, copy: () => true };
  const clock = {
    now: () => now,
    sleep: (ms: number) => {
      now += Math.max(0, ms);
      return Promise.resolve();
    },
  };
  const forbidden = (): never => {
    commands += 1;
    throw new Error('nothing is sent from here');
  };
  const { find = () => Promise.resolve(found(open)), ...others } = venue;
  const its: Venue = {
    name: 'paper',
    promises: PROMISES,
    submit: forbidden,
    together: TOGETHER,
    submitAll: forbidden,
    instruct: forbidden,
    find: (account, query, deadline) => {
      told.looks.push({ account: account.name, query, at: now });
      return find(account, query, deadline);
    },
    fee: () => Promise.resolve(fillsOf('1000000')),
    time: () => Promise.resolve(now),
    instrument: () => Promise.resolve(undefined),
    book: () => Promise.resolve(undefined),
    hold: () => Promise.resolve(),
    ...others,
  };
  const beyond: Beyond = {
    clock,
    parked: new Map(),
    parkMs: MINUTE,
    isEgressFixed: false,
    log: (_, event, fields) => void told.logs.push(`${event} ${JSON.stringify(fields)}`),
    accounts: {
      read: (name) =>
        Promise.resolve(
          reading?.(name) ?? {
            kind: 'account',
            account: { name, venue: 'paper', environment: 'live', credentials: {}, mandate: { state: 'active' } },
            version: '1',
          },
        ),
      refresh: () => Promise.resolve(undefined),
    },
    queues: {
      publish: (reports) => {
        const taken = reports.map(() => takes.report());
        told.reports.push(...reports.filter((_, index) => taken[index]));
        return Promise.resolve(taken);
      },
      bury: (letters) => {
        const taken = letters.map(() => takes.letter());
        told.letters.push(...letters.filter((_, index) => taken[index]));
        return Promise.resolve(taken);
      },
      follow: (orders) => {
        const taken = orders.map(() => takes.copy());
        told.batches.push(orders.length);
        told.copies.push(...orders.filter((_, index) => taken[index]).map(({ order, delaySeconds }) => ({ order, seconds: delaySeconds }))); // prettier-ignore
        return Promise.resolve(taken);
      },
      postpone: (postponed) => {
        for (const { receiptHandle, seconds } of postponed) told.back.set(receiptHandle, seconds);
        return Promise.resolve(postponed.map(() => true));
      },
    },
    venueOf: () => its,
    ...more,
  };
  const run = (messages: readonly Delivery[], forMs = 30_000) => {
    told.back.clear();
    return follow(messages, beyond, now + forMs);
  };
  return { beyond, told, takes, run, clock };
}

interface Resting {
  readonly ageMs?: number;
  readonly toldSize?: string;
  readonly isEnding?: boolean;
  readonly fields?: Fields;
  readonly more?: Partial<Delivery>;
}
/** The message of an order that was accepted a while before START. */
function resting(
  id: string,
  { ageMs = 10 * MINUTE, toldSize, isEnding, fields = limitBuy, more = {} }: Resting = {},
): Delivery {
  const acceptedAt = new Date(START - ageMs).toISOString();
  const order = { intent: { ...fields, id }, venueOrderId: `v${id}`, acceptedAt, ...(toldSize && { toldSize }), ...(isEnding && { isEnding }) }; // prettier-ignore
  return message(id, JSON.stringify(order), more);
}
const message = (id: string, body: string, more: Partial<Delivery> = {}): Delivery => ({
  messageId: `m-${id}`,
  receiptHandle: `r-${id}`,
  body,
  group: '',
  deduplicationId: '',
  receiveCount: 3,
  enqueuedAt: START - 10 * MINUTE,
  firstReceivedAt: START - 10 * MINUTE,
  ...more,
});
const answers = (...all: readonly Sighting[]): Pick<Venue, 'find'> => {
  let next = 0;
  return { find: () => Promise.resolve(all[Math.min(next++, all.length - 1)] ?? NOTHING) };
};

describe('an end', () => {
  const canceled: VenueOrder = { ...open, state: 'canceled', cancelSource: 'system' };
  test.each([
    ['filled', filled, { status: 'filled', filledSize: '0.01', averagePrice: '59999.5', fee: '0.6', feeCoin: 'USDT' }],
    ['canceled', canceled, { status: 'canceled', filledSize: '0', cancelSource: 'system' }],
    ['canceled after a fill', { ...canceled, filledSize: '0.004' }, { status: 'canceled', filledSize: '0.004', fee: '0.6' }],
    ['failed', { ...open, state: 'rejected' }, { status: 'rejected', reason: 'VENUE_REFUSED' }],
  ] as const)('is reported, and then the message is finished: %s', async (end, order, report) => {
    const { told, run } = still(answers(found(order)));
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toMatchObject([{ id: 'a', account: 'main', venueOrderId: 'va', ...report }]);
    expect([told.copies, told.back.size, told.letters.length]).toEqual([[], 0, end === 'failed' ? 1 : 0]);
  }); // prettier-ignore
  test('of a market buy whose money is spent is filled, though the venue calls it canceled', async () => {
    const spent = { ...canceled, type: 'market', filledSize: '0.00041', filledNotional: '25' };
    const { told, run } = still(answers(found(spent)));
    expect(await run([resting('a', { fields: marketBuy })])).toEqual([]);
    expect(told.reports).toMatchObject([{ id: 'a', status: 'filled', filledSize: '0.00041' }]);
  });
  // 0.3 of 25 is left: less than a step costs, and more than a hundredth.
  const spent: VenueOrder = { ...canceled, type: 'market', filledSize: '0.00041', filledNotional: '24.7' };
  const steps = { symbol: 'BTC_USDT', priceStep: '0.01', sizeStep: '0.00001', minSize: '0.00001', minNotional: { buy: '5', sell: '5' }, tradable: true } as unknown as Instrument; // prettier-ignore
  test('of a market buy is judged by the steps of the venue', async () => {
    const { told, run } = still({ ...answers(found(spent)), instrument: () => Promise.resolve(steps) });
    expect(await run([resting('a', { fields: marketBuy })])).toEqual([]);
    expect(told.reports).toMatchObject([{ id: 'a', status: 'filled' }]);
  });
  test.each([['cannot be had: without end', undefined], ['do not list it: in the end it is guessed', 'unknown']] as const)('of a market buy waits while the rules %s', async (_, instrument) => {
    const { told, run } = still({ ...answers(found(spent)), instrument: () => Promise.resolve(instrument) });
    expect(await run([resting('a', { fields: marketBuy, more: { receiveCount: 400 } })])).toEqual([]);
    expect([told.reports, told.copies.length, told.copies[0]?.order.isEnding]).toEqual([[], 1, true]);
    const body = JSON.stringify(told.copies[0]?.order);
    for (let receiveCount = 1; receiveCount < 10; receiveCount += 1) {
      expect(await run([message('a', body, { receiveCount })])).toEqual(['m-a']);
      expect([told.reports, told.copies.length]).toEqual([[], 1]);
    }
    const isGuessed = instrument === 'unknown';
    expect(await run([message('a', body, { receiveCount: 10 })])).toEqual(isGuessed ? [] : ['m-a']);
    expect(told.reports.map(({ status }) => status)).toEqual(isGuessed ? ['canceled'] : []);
  }); // prettier-ignore
  test('of a market buy is judged by the steps as soon as they are there', async () => {
    const rules: (Instrument | undefined)[] = [undefined, undefined, steps];
    const { told, run } = still({ ...answers(found(spent)), instrument: () => Promise.resolve(rules.shift()) });
    await run([resting('a', { fields: marketBuy })]);
    const body = JSON.stringify(told.copies[0]?.order);
    for (const receiveCount of [1, 2]) await run([message('a', body, { receiveCount })]);
    expect(told.reports).toMatchObject([{ id: 'a', status: 'filled' }]);
  });
  test('that needs no rules asks for none', async () => {
    let asked = 0;
    const instrument = () => {
      asked += 1;
      return Promise.resolve(undefined);
    };
    for (const order of [open, partly, filled, canceled, { ...canceled, filledSize: '0.004' }]) {
      await still({ ...answers(found(order)), instrument }).run([resting('a')]);
    }
    const paid = { ...spent, filledNotional: '25' };
    await still({ ...answers(found(paid)), instrument }).run([resting('a', { fields: marketBuy })]);
    expect(asked).toBe(0);
  });
  test('that came to no trade is buried before it is reported: by the message, with the intent as it was', async () => {
    const failed: VenueOrder = { ...open, state: 'rejected' };
    const { told, takes, run } = still(answers(found(failed)));
    takes.letter = () => false;
    expect(await run([resting('a')])).toEqual(['m-a']);
    expect([told.letters, told.reports, told.back.size]).toEqual([[], [], 1]);
    takes.letter = () => true;
    takes.report = () => false;
    expect(await run([resting('a')])).toEqual(['m-a']);
    expect([told.letters.length, told.reports]).toEqual([1, []]);
    takes.report = () => true;
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toMatchObject([{ id: 'a', status: 'rejected', reason: 'VENUE_REFUSED' }]);
    // Told twice, by one message: SQS keeps the first.
    expect(told.letters).toHaveLength(2);
    for (const { body, detail, ...letter } of told.letters) {
      expect(JSON.parse(body)).toEqual({ ...limitBuy, id: 'a' });
      expect(detail).toBe('the venue shows the order as failed');
      expect(letter).toEqual({ group: 'main', sourceMessageId: 'm-a', reason: 'VENUE_REFUSED', certainty: 'refused', attempts: 3, intentId: 'a', account: 'main' }); // prettier-ignore
    }
  });
  test('that is called failed and has fills is no refusal: it is canceled, and has no letter', async () => {
    const { told, run } = still(answers(found({ ...partly, state: 'rejected' })));
    expect(await run([resting('a')])).toEqual([]);
    expect([told.letters, told.reports.map(({ status, filledSize }) => [status, filledSize])]).toEqual([[], [['canceled', '0.004']]]); // prettier-ignore
  });
  test('is not finished when SQS did not take its report: it comes back soon and is reported then', async () => {
    const { told, takes, run } = still(answers(found(filled)));
    takes.report = () => false;
    expect(await run([resting('a')])).toEqual(['m-a']);
    expect([told.copies, [...told.back]]).toEqual([[], [['r-a', 8]]]);
    takes.report = () => true;
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toHaveLength(1);
  });
  test('of one order is finished though the report of another was not taken', async () => {
    const { told, takes, run } = still(answers(found(filled)));
    let next = 0;
    takes.report = () => (next += 1) !== 2;
    expect(await run(['a', 'b', 'c'].map((id) => resting(id)))).toEqual(['m-b']);
    expect(told.reports.map(({ id }) => id)).toEqual(['a', 'c']);
  });
  test('is told of the order of the message, which is asked by the venue’s own id', async () => {
    const { told, run } = still(answers(found(filled)));
    await run([resting('a', { fields: { ...limitBuy, market: 'futures', symbol: 'ETH_USDT' } })]);
    expect(told.looks.map(({ query }) => query)).toEqual([
      { id: 'a', market: 'futures', symbol: 'ETH_USDT', venueOrderId: 'va' },
    ]);
  });
});

describe('an order whose acceptance was no booking', () => {
  const acceptance = { promises: { ...PROMISES, acknowledges: 'acceptance' } } as const;
  const why = 'EC_PostOnlyWillTakeLiquidity';

  test('and that is rejected later is told as rejected, with the venue’s word for why, in the letter as well', async () => {
    const { told, run } = still({ ...acceptance, ...answers(found({ ...open, state: 'rejected', reason: why })) });
    expect(await run([resting('a')])).toEqual([]);
    const detail = `the venue shows the order as failed: ${why}`;
    expect(told.reports).toMatchObject([{ id: 'a', status: 'rejected', reason: 'VENUE_REFUSED', filledSize: '0', detail }]);
    expect(told.letters).toMatchObject([{ intentId: 'a', reason: 'VENUE_REFUSED', certainty: 'refused', venueCode: why, detail }]);
  }); // prettier-ignore
  test.each([
    ['by whom it says', { cancelSource: 'system' }, `canceled by system: ${why}`],
    ['by nobody', {}, `canceled by somebody whom the venue does not name: ${why}`],
  ])('and that is canceled later is told as canceled, with the word for why: %s', async (_, more, detail) => {
    const { told, run } = still({ ...acceptance, ...answers(found({ ...open, state: 'canceled', reason: why, ...more })) });
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toMatchObject([{ id: 'a', status: 'canceled', filledSize: '0', detail }]);
    expect(told.letters).toEqual([]);
  }); // prettier-ignore
  test.each([
    ['booking', 'it was canceled, nobody knows by whom'],
    ['acceptance', 'it was canceled, or never booked after it was accepted'],
  ] as const)('and that is never shown is not said to have been there: %s', async (acknowledges, said) => {
    const { told, run, clock } = still({
      promises: { ...PROMISES, acknowledges },
      ...answers(NOTHING),
      fee: () => Promise.resolve(fillsOf('0')),
    });
    await clock.sleep(YOUNG);
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toMatchObject([{ id: 'a', status: 'canceled', filledSize: '0', detail: expect.stringContaining(said) }]); // prettier-ignore
  });
});

describe('a venue that says more', () => {
  test.each([
    [300, 1],
    [4200, 5],
    [600_000, 60],
  ])('its limit is free again after %i ms: the orders of the account wait for %i s', async (retryAfterMs, seconds) => {
    const { told, run } = still(answers({ kind: 'throttled', ...refusal, retryAfterMs }));
    expect(await run([resting('a'), resting('b', { more: { receiveCount: 6 } })])).toEqual(['m-a', 'm-b']);
    expect([[...told.back], told.looks.length]).toEqual([[['r-a', seconds], ['r-b', seconds]], 1]);
  }); // prettier-ignore
  test('a ban of the address is that of all accounts there, and of none elsewhere, though addresses change', async () => {
    const banned: Unseen = { kind: 'banned', ...refusal, forMs: 10 * MINUTE, of: 'address' };
    const at = (name: string, venue: string): Reading => ({
      kind: 'account',
      account: { name, venue, environment: 'live', credentials: {}, mandate: { state: 'active' } },
      version: '1',
    });
    const { told, run } = still(
      { find: ({ venue }) => Promise.resolve(venue === 'paper' ? banned : found(filled)) },
      (name) => at(name, name === 'elsewhere' ? 'glass' : 'paper'),
    );
    await run([resting('a')]);
    const others = ['other', 'elsewhere'].map((account) => resting(account, { fields: { ...limitBuy, account } }));
    expect(await run(others)).toEqual(['m-other']);
    expect(told.looks.map(({ account }) => account)).toEqual(['main', 'elsewhere']);
    expect(told.back.get('r-other')).toBe(600);
  });
  test('an account whose secret names another venue after its key was refused is not looked for there', async () => {
    const there: Partial<Venue> = {};
    const moved: Reading = { kind: 'account', account: { name: 'main', venue: 'glass', environment: 'live', credentials: { key: 'new' }, mandate: { state: 'active' } }, version: '2' }; // prettier-ignore
    const world = still(answers({ kind: 'unauthorised', ...refusal }));
    const its = world.beyond.venueOf(moved.account);
    Object.assign(world.beyond, { venueOf: ({ venue }: TradingAccount) => (venue === 'glass' ? there : its) });
    Object.assign(world.beyond.accounts, { refresh: () => Promise.resolve(moved) });
    expect(await world.run([resting('a')])).toEqual(['m-a']);
    expect(world.told.looks).toHaveLength(1);
  });
});

describe('a partial fill', () => {
  test('is reported, and a copy that remembers it takes the place of the message', async () => {
    const { told, run } = still(answers(found(partly)));
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toMatchObject([{ id: 'a', status: 'partially-filled', filledSize: '0.004', averagePrice: '60000' }]); // prettier-ignore
    const before = JSON.parse(resting('a').body) as PendingOrder;
    expect(told.copies).toEqual([{ order: { ...before, toldSize: '0.004' }, seconds: expect.any(Number) }]);
    expect(told.back.size).toBe(0);
  });
  test('is told once, and again only when more is filled', async () => {
    const { told, run } = still(answers(...['0.004', '0.0040', '0.003', '0.006'].map((filledSize) => found({ ...partly, filledSize })))); // prettier-ignore
    let body = resting('a').body;
    for (const left of [0, 1, 1, 0]) {
      expect(await run([message('a', body)])).toHaveLength(left);
      body = JSON.stringify(told.copies.at(-1)?.order);
    }
    expect(told.reports.map(({ filledSize }) => filledSize)).toEqual(['0.004', '0.006']);
    expect(told.copies.map(({ order }) => order.toldSize)).toEqual(['0.004', '0.006']);
  });
  test('whose report was not taken has no copy', async () => {
    const { told, takes, run } = still(answers(found(partly)));
    takes.report = () => false;
    expect(await run([resting('a')])).toEqual(['m-a']);
    expect([told.copies, told.back.size]).toEqual([[], 1]);
  });
  test('whose copy was not taken stays with its message, and is reported again', async () => {
    const { told, takes, run } = still(answers(found(partly)));
    takes.copy = () => false;
    expect(await run([resting('a')])).toEqual(['m-a']);
    expect(told.back.size).toBe(1);
    takes.copy = () => true;
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toHaveLength(2);
    expect(new Set(told.reports.map(({ id, status, filledSize }) => `${id} ${status} ${filledSize ?? ''}`)).size).toBe(1);
  }); // prettier-ignore
});

describe('an order that is not found', () => {
  test('waits while it is young', async () => {
    for (const ageMs of [-SECOND, 0, SECOND, YOUNG - 1]) {
      const { told, run } = still(answers(NOTHING));
      expect(await run([resting('a', { ageMs })])).toEqual(['m-a']);
      expect([told.reports, told.looks.length, [...told.back]]).toEqual([[], 1, [['r-a', LAG / SECOND]]]);
    }
  });
  const none: Pick<Venue, 'fee'> = { fee: () => Promise.resolve(fillsOf('0')) };
  test('twice, as far apart as an order may stay invisible, and without a fill, is canceled, nobody knows by whom', async () => {
    const { told, run } = still({ ...answers(NOTHING), ...none });
    expect(await run([resting('a', { ageMs: YOUNG })])).toEqual([]);
    expect(told.looks.map(({ at }) => at - START)).toEqual([0, LAG]);
    expect(told.reports).toMatchObject([{ id: 'a', status: 'canceled', cancelSource: 'unknown', filledSize: '0' }]);
  });
  test('any more keeps what was told of it, where its fills come to less', async () => {
    const { told, run } = still({ ...answers(NOTHING), ...none });
    await run([resting('a', { toldSize: '0.0040' })]);
    expect(told.reports).toMatchObject([{ status: 'canceled', filledSize: '0.004' }]);
  });
  test.each([
    ['0.01', 'filled'],
    ['0.010', 'filled'],
    ['0.004', 'canceled'],
  ])('any more is told by its fills: %s of 0.01 is %s', async (size, status) => {
    const fills = { ...fillsOf(size), averagePrice: '59999.5' };
    const steps = { sizeStep: '0.00001', minSize: '0.00001' } as unknown as Instrument;
    const { told, run } = still({ ...answers(NOTHING), fee: () => Promise.resolve(fills), instrument: () => Promise.resolve(steps) }); // prettier-ignore
    expect(await run([resting('a', { toldSize: '0.002' })])).toEqual([]);
    const numbers = { filledSize: `${Number(size)}`, averagePrice: '59999.5', fee: '0.6', feeCoin: 'USDT' };
    expect(told.reports).toMatchObject([{ status, ...numbers }]);
    expect(told.reports[0]?.detail).toContain('the venue does not show the order any more');
    expect(told.reports[0]?.cancelSource).toBe(status === 'canceled' ? 'unknown' : undefined);
  });
  test('any more waits while its fills cannot be asked for, however long', async () => {
    for (const receiveCount of [1, 10, 499]) {
      const { told, run } = still({ ...answers(NOTHING), fee: () => Promise.resolve(BUSY) });
      expect(await run([resting('a', { more: { receiveCount } })])).toEqual(['m-a']);
      expect([told.reports, told.copies, told.back.size]).toEqual([[], [], 1]);
    }
  });
  test('any more waits where only the rules tell whether it was filled', async () => {
    const { told, run } = still({ ...answers(NOTHING), fee: () => Promise.resolve(fillsOf('0.00999')) });
    expect(await run([resting('a')])).toEqual([]);
    expect([told.reports, told.copies.map(({ order }) => order.isEnding)]).toEqual([[], [true]]);
  });
  test('at the first look and found at the second goes on', async () => {
    const { told, run } = still(answers(NOTHING, found(open)));
    expect(await run([resting('a')])).toEqual(['m-a']);
    expect(told.reports).toEqual([]);
  });
  test('at the first look and without an answer at the second waits', async () => {
    const { told, run } = still(answers(NOTHING, { kind: 'unavailable', ...refusal }));
    expect(await run([resting('a')])).toEqual(['m-a']);
    expect(told.reports).toEqual([]);
  });
  test('waits where there is no time for the second look', async () => {
    const { told, run } = still(answers(NOTHING));
    expect(await run([resting('a')], 6 * SECOND)).toEqual(['m-a']);
    expect([told.reports, told.looks.length, [...told.back]]).toEqual([[], 1, [['r-a', LAG / SECOND]]]);
  });
});

describe('the next look', () => {
  const id = fc.string({ minLength: 1, maxLength: 40 });
  test('comes after 2 seconds at first and 10 minutes at last, whatever the age, and a tenth sooner at most', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 3650 * DAY, noNaN: true }), id, (ageMs, messageId) => {
        const wanted = Math.min(600, Math.max(2, ageMs / 2000));
        const seconds = nextLookSeconds(ageMs, messageId);
        expect(seconds).toBeLessThanOrEqual(wanted);
        expect(seconds).toBeGreaterThan(wanted * 0.9);
      }),
    );
  });
  test('of an older order never comes sooner', () => {
    fc.assert(
      fc.property(fc.nat(DAY), fc.nat(DAY), id, (ageMs, more, messageId) => {
        expect(nextLookSeconds(ageMs + more, messageId)).toBeGreaterThanOrEqual(nextLookSeconds(ageMs, messageId));
      }),
    );
  });
  test('of orders that were accepted together spreads', () => {
    const looks = Array.from({ length: 100 }, (_, index) => Math.round(nextLookSeconds(DAY, `${index}-message`)));
    expect(new Set(looks).size).toBeGreaterThan(20);
  });
  test('is set by visibility, in whole seconds from 1, and costs no message', async () => {
    for (const ageMs of [-MINUTE, 0, 100, 5000, MINUTE, 20 * MINUTE, 30 * DAY]) {
      const { told, run } = still();
      expect(await run([resting('a', { ageMs })])).toEqual(['m-a']);
      const [handle, seconds] = [...told.back][0] ?? ['', 0];
      expect([handle, Number.isInteger(seconds), seconds >= 1 && seconds <= 600]).toEqual(['r-a', true, true]);
      expect([told.copies, told.reports]).toEqual([[], []]);
    }
  });
});

describe('a message that SQS would give up', () => {
  const gone = (): Reading => ({ kind: 'unknown', detail: 'no such secret' });
  test.each([
    ['the key is refused', answers({ kind: 'unauthorised', ...refusal }), undefined],
    ['the account is banned', answers({ kind: 'banned', ...refusal, forMs: DAY, of: 'account' }), undefined],
    ['the look-ups fail', answers({ kind: 'unknown', ...refusal, signedAt: START }), undefined],
    ['the account is missing', {}, gone],
    ['its fills cannot be had', { ...answers(NOTHING), fee: () => Promise.resolve(BUSY) }, undefined],
  ] as const)('is replaced by a copy though nothing can be learnt: %s', async (_, venue, reading) => {
    for (const more of [{ receiveCount: 500 }, { enqueuedAt: START - 7 * DAY - 1 }]) {
      const { told, run } = still(venue, reading);
      const worn = [resting('a', { toldSize: '0.004', more }), resting('b', { toldSize: '0.004', more })];
      expect(await run(worn)).toEqual([]);
      expect(told.copies.map(({ order }) => order)).toEqual(worn.map(({ body }) => JSON.parse(body) as PendingOrder));
      expect([told.reports, told.back.size]).toEqual([[], 0]);
      for (const { seconds } of told.copies) expect(seconds >= 2 && seconds <= 900).toBe(true);
    }
  });
  test('is replaced by a copy while SQS takes no report', async () => {
    const { told, takes, run } = still(answers(found(filled)));
    takes.report = () => false;
    const worn = resting('a', { more: { receiveCount: 500 } });
    expect(await run([worn])).toEqual([]);
    expect(told.copies.map(({ order }) => order)).toEqual([JSON.parse(worn.body)]);
  });
  test('is copied with the others of its account in one call', async () => {
    const { told, run } = still();
    const ids = Array.from('abcdefghij');
    expect(await run(ids.map((id) => resting(id, { more: { receiveCount: 500 } })))).toEqual([]);
    expect([told.batches, told.copies.length]).toEqual([[10], 10]);
  });
  test.each([
    ['at its 500th receive', { receiveCount: 500 }, 1],
    ['at its 499th not yet', { receiveCount: 499 }, 0],
    ['after more than 7 days', { enqueuedAt: START - 7 * DAY - 1 }, 1],
    ['after 7 days not yet', { enqueuedAt: START - 7 * DAY }, 0],
  ])('is replaced by a copy: %s', async (_, more, copies) => {
    const { told, run } = still();
    const worn = resting('a', { ageMs: 8 * DAY, toldSize: '0.004', more });
    expect(await run([worn])).toEqual(copies === 1 ? [] : ['m-a']);
    expect(told.copies.map(({ order }) => order)).toEqual(copies === 1 ? [JSON.parse(worn.body)] : []);
    expect(told.reports).toEqual([]);
    for (const { seconds } of told.copies) expect(seconds).toBeGreaterThan(530);
  });
  test('is replaced with what is new of it', async () => {
    const { told, run } = still(answers(found({ ...partly, filledSize: '0.006' })));
    await run([resting('a', { toldSize: '0.004', more: { receiveCount: 800 } })]);
    expect(told.copies.map(({ order }) => order.toldSize)).toEqual(['0.006']);
  });
  test('stays where the copy was not taken', async () => {
    const { takes, run } = still();
    takes.copy = () => false;
    expect(await run([resting('a', { more: { receiveCount: 500 } })])).toEqual(['m-a']);
  });
});

describe('an account', () => {
  const other = { ...limitBuy, account: 'other' };
  test.each([
    ['refused', { kind: 'unauthorised', ...refusal }, 60],
    ['banned', { kind: 'banned', ...refusal, forMs: 5 * MINUTE, of: 'account' }, 300],
  ] as const)(
    'that is %s is left alone until its time is over, and no other with it',
    async (word, answer, seconds) => {
      const { told, run, clock } = still({
        find: ({ name }) => Promise.resolve(name === 'main' ? answer : found(open)),
      });
      const batch = [resting('a'), resting('b'), resting('c', { fields: other })];
      expect(await run(batch)).toEqual(['m-a', 'm-b', 'm-c']);
      expect(told.looks.map(({ account }) => account).sort()).toEqual(['main', 'other']);
      expect([told.back.get('r-a'), told.back.get('r-b')]).toEqual([seconds, seconds]);
      expect(told.logs.filter((line) => line.startsWith(`account ${word}`))).toHaveLength(1);
      await clock.sleep(seconds * SECOND - 1);
      await run(batch);
      expect(told.looks.filter(({ account }) => account === 'main')).toHaveLength(1);
      await clock.sleep(1);
      await run(batch);
      expect(told.looks.filter(({ account }) => account === 'main')).toHaveLength(2);
    },
  );
  test('that is refused is looked at with the key that the secret holds by then, at once', async () => {
    const keyed = (key: string): Reading => ({ kind: 'account', account: { name: 'main', venue: 'paper', environment: 'live', credentials: { key }, mandate: { state: 'active' } }, version: key }); // prettier-ignore
    let refreshed = 0;
    const accounts = {
      read: () => Promise.resolve(keyed('old')),
      refresh: () => {
        refreshed += 1;
        return Promise.resolve(keyed('new'));
      },
    };
    const find: Venue['find'] = ({ credentials }) =>
      Promise.resolve(JSON.stringify(credentials).includes('new') ? found(filled) : { kind: 'unauthorised', ...refusal }); // prettier-ignore
    const { told, run } = still({ find }, undefined, { accounts });
    expect(await run([resting('a'), resting('b')])).toEqual([]);
    expect([refreshed, told.looks.length, told.reports.length]).toEqual([1, 3, 2]);
  });
  test('that is refused with the key that the secret still holds is asked no second time', async () => {
    const { told, run } = still(answers({ kind: 'unauthorised', ...refusal }));
    expect(await run([resting('a'), resting('b')])).toEqual(['m-a', 'm-b']);
    expect(told.looks).toHaveLength(1);
  });
  test('that was refused is asked again at once when its key is another', async () => {
    let key = 'old';
    const { told, run } = still(
      { find: ({ credentials }) => Promise.resolve(JSON.stringify(credentials).includes('new') ? found(filled) : { kind: 'unauthorised', ...refusal }) }, // prettier-ignore
      (name) => ({ kind: 'account', account: { name, venue: 'paper', environment: 'live', credentials: { key }, mandate: { state: 'active' } }, version: key }), // prettier-ignore
    );
    expect(await run([resting('a')])).toEqual(['m-a']);
    key = 'new';
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toHaveLength(1);
  });
  test.each([
    ['every other', true, ['main']],
    ['no other', false, ['main', 'other']],
  ] as const)('that is banned parks %s where the egress is fixed: %s', async (_, isEgressFixed, asked) => {
    const { told, run } = still(
      { find: ({ name }) => Promise.resolve(name === 'main' ? { kind: 'banned', ...refusal, forMs: MINUTE , of: 'account'} : found(open)) }, // prettier-ignore
      undefined,
      { isEgressFixed },
    );
    await run([resting('a')]);
    expect(await run([resting('b', { fields: other })])).toEqual(['m-b']);
    expect(told.looks.map(({ account }) => account)).toEqual(asked);
    if (isEgressFixed) expect(told.back.get('r-b')).toBe(60);
  });
  test('that is banned for days is never put off for longer than SQS can', async () => {
    const { told, run } = still(answers({ kind: 'banned', ...refusal, forMs: 3 * DAY, of: 'account' }));
    await run([resting('a')]);
    expect([...told.back]).toEqual([['r-a', 43_000]]);
  });
  test.each([
    ['throttled', { kind: 'throttled', ...refusal }],
    ['unavailable', { kind: 'unavailable', ...refusal }],
    ['silent', { kind: 'unknown', ...refusal, signedAt: START }],
    ['refusing', { kind: 'refused', ...refusal, tradingOver: false }],
  ] as const)('whose venue is %s waits longer at every receive, a minute at most', async (_, answer) => {
    for (const [receiveCount, seconds] of [[1, 2], [3, 8], [6, 60], [400, 60]] as const) {
      const { told, run } = still(answers(answer));
      expect(await run([resting('a', { more: { receiveCount } })])).toEqual(['m-a']);
      expect([[...told.back], told.reports]).toEqual([[['r-a', seconds]], []]);
    }
  }); // prettier-ignore
  test.each([
    ['that is not there', { kind: 'unknown', detail: 'no such secret' }],
    ['that cannot be read', { kind: 'unreadable', detail: 'broken' }],
    ['out of reach', { kind: 'unavailable', detail: 'no answer' }],
  ] as const)('%s waits, and a person is told', async (_, reading) => {
    const { told, run } = still({}, () => reading);
    expect(await run([resting('a')])).toEqual(['m-a']);
    expect([[...told.back], told.looks, told.reports]).toEqual([[['r-a', 60]], [], []]);
    expect(told.logs.join()).toContain(`account out of reach {"account":"main","detail":"${reading.detail}"}`);
  });
  test('whose mandate alone cannot be read is followed all the same', async () => {
    const account = {
      name: 'main',
      venue: 'paper',
      environment: 'live',
      credentials: {},
      mandate: { state: 'halted' },
    } as const;
    const { told, run } = still(answers(found(filled)), () => ({ kind: 'unreadable', detail: 'broken', account }));
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toMatchObject([{ status: 'filled' }]);
  });
  test('that fails by a bug keeps its messages, and those of others go on', async () => {
    const { told, run } = still({
      find: ({ name }) => (name === 'main' ? Promise.reject(new Error('a bug')) : Promise.resolve(found(filled))),
    });
    expect(await run([resting('a'), resting('b'), resting('c', { fields: other })])).toEqual(['m-a', 'm-b']);
    expect(told.reports).toMatchObject([{ id: 'c', status: 'filled' }]);
    expect(told.logs.join()).toContain('following failed {"account":"main","error"');
  });
});

describe('what is no followed order', () => {
  const good = JSON.parse(resting('x').body) as Fields;
  const bodies: readonly string[] = [
    ...['', 'x', '{', 'null', '1', '[]', '{}', '"text"'],
    JSON.stringify(limitBuy),
    JSON.stringify(changed(good, ['intent'])),
    JSON.stringify({ ...good, venueOrderId: 7 }),
    JSON.stringify(changed(good, ['acceptedAt'])),
    JSON.stringify({ ...good, acceptedAt: 'soon' }),
    JSON.stringify({ ...good, toldSize: 'much' }),
    JSON.stringify({ ...good, toldSize: {} }),
    JSON.stringify({ ...good, intent: cancel }),
    JSON.stringify({ ...good, intent: { ...limitBuy, size: '-1' } }),
  ];
  test.each(bodies)('stays where it is and is logged, and the others go on: %s', async (body) => {
    const { told, run } = still(answers(found(filled)));
    expect(await run([message('g', body), resting('a')])).toEqual(['m-g']);
    expect(told.logs[0]).toBe('a message of the pending queue is no order {"messageId":"m-g"}');
    expect(told.reports).toHaveLength(1);
    expect(told.back.size).toBe(0);
  });
  test('is never an exception', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (body) => {
        expect(await still().run([message('g', body)])).toEqual(['m-g']);
      }),
    );
  });
});

describe('the fee', () => {
  const fills = (...sizes: readonly (string | undefined)[]) => {
    let asked = 0;
    const fee: Venue['fee'] = () => {
      const size = sizes[Math.min(asked++, sizes.length - 1)];
      return Promise.resolve(size === undefined ? BUSY : fillsOf(size, `0.${asked}`, 'BMX'));
    };
    const world = still({ ...answers(found(filled)), fee });
    return { ...world, asked: () => asked };
  };
  test.each([
    ['is there at once', ['0.0100'], 1, '0.1'],
    ['is asked again while the fills do not come to what was filled', ['0.004', '0.01'], 2, '0.2'],
    ['is asked again where it cannot be had', [undefined, undefined, '0.01'], 3, '0.3'],
    ['is given up after the third answer, and never told in part', ['0', '0.004', '0.009', '0.01'], 3, undefined],
    ['is given up after the third question, where that was answered', [undefined, '0.004', '0.009'], 3, undefined],
  ] as const)('%s', async (_, sizes, times, fee) => {
    const { told, run, asked } = fills(...sizes);
    expect(await run([resting('a')])).toEqual([]);
    expect([asked(), told.reports.map((report) => report.fee)]).toEqual([times, [fee]]);
    if (fee === undefined) expect(told.reports[0]?.detail).toBe('what it cost is not known: the venue shows fills of 0.009 of 0.01'); // prettier-ignore
  });
  test('in several coins is told as a sentence', async () => {
    const costs = [
      { fee: '0.1', feeCoin: 'BMX' },
      { fee: '0.2', feeCoin: 'USDT' },
    ];
    const { told, run } = still({ ...answers(found(filled)), fee: () => Promise.resolve({ size: '0.01', costs }) });
    expect(await run([resting('a')])).toEqual([]);
    expect(told.reports).toMatchObject([{ status: 'filled', detail: 'its cost was paid in several coins: 0.1 BMX and 0.2 USDT' }]); // prettier-ignore
    expect(told.reports[0]).not.toHaveProperty('fee');
  });
  test('is not asked for what was not filled, nor of what is still open', async () => {
    for (const order of [open, partly, { ...open, state: 'canceled' } as const]) {
      let asked = 0;
      const fee = () => {
        asked += 1;
        return Promise.resolve(BUSY);
      };
      await still({ ...answers(found(order)), fee }).run([resting('a')]);
      expect(asked).toBe(0);
    }
  });
  test.each([
    ['there is no answer', [undefined, undefined, undefined], 30 * SECOND],
    ['the last question has no answer', ['0.004', '0.004', undefined], 30 * SECOND],
    ['there is no time to ask again', ['0.004'], SECOND],
  ] as const)('that cannot be had because %s is waited for, and its end with it', async (_, sizes, forMs) => {
    const { told, run } = fills(...sizes, ...sizes, ...sizes, '0.01');
    expect(await run([resting('a', { toldSize: '0.004', more: { receiveCount: 400 } })], forMs)).toEqual([]);
    const copy = { ...(JSON.parse(resting('a', { toldSize: '0.004' }).body) as PendingOrder), isEnding: true };
    expect([told.reports, told.copies]).toEqual([[], [{ order: copy, seconds: 2 }]]);
    // The copy waits for it without another one, and is soon back.
    for (const receiveCount of [1, 2]) {
      expect(await run([message('a', JSON.stringify(copy), { receiveCount })], forMs)).toEqual(['m-a']);
      expect([told.reports, told.copies.length, [...told.back]]).toEqual([[], 1, [['r-a', 2 ** receiveCount]]]);
    }
    expect(await run([message('a', JSON.stringify(copy), { receiveCount: 3 })])).toEqual([]);
    expect(told.reports).toMatchObject([{ status: 'filled', feeCoin: 'BMX' }]);
    expect(told.reports[0]).not.toHaveProperty('detail');
  });
  test('that can never be had holds the end up for ten receives, and is then told as unknown', async () => {
    const { told, run } = fills(undefined);
    await run([resting('a')]);
    const body = JSON.stringify(told.copies[0]?.order);
    for (let receiveCount = 1; receiveCount < 10; receiveCount += 1) {
      expect(await run([message('a', body, { receiveCount })])).toEqual(['m-a']);
      expect(told.reports).toEqual([]);
    }
    expect(await run([message('a', body, { receiveCount: 10 })])).toEqual([]);
    expect(told.reports).toMatchObject([{ status: 'filled', filledSize: '0.01', detail: 'what it cost is not known: its fills could not all be had in time' }]); // prettier-ignore
  });
});

describe('a batch', () => {
  test('of many accounts runs side by side, the orders of one account one after the other', async () => {
    const accounts = Array.from({ length: 10 }, (_, index) => `account${index}`);
    const inFlight = new Map<string, number>();
    let started = 0;
    let answer = (): void => undefined;
    const allStarted = new Promise<void>((resolve) => (answer = resolve));
    const { told, run } = still({
      // Nobody is answered before all have asked.
      find: async ({ name }) => {
        inFlight.set(name, (inFlight.get(name) ?? 0) + 1);
        expect(inFlight.get(name)).toBe(1);
        if ((started += 1) === accounts.length) answer();
        await allStarted;
        inFlight.set(name, 0);
        return found(filled);
      },
    });
    const batch = accounts.flatMap((account) => ['x', 'y'].map((id) => resting(`${id}${account}`, { fields: { ...limitBuy, account } }))); // prettier-ignore
    expect(await run(batch)).toEqual([]);
    expect(told.reports).toHaveLength(20);
  });
  test('that is too long for the time leaves the rest on the queue, and ends before its deadline', async () => {
    const world = still({ find: () => world.clock.sleep(3 * SECOND).then(() => found(filled)) });
    const ids = Array.from('abcdefghij');
    const left = await world.run(ids.map((id) => resting(id)));
    expect(world.clock.now()).toBeLessThan(START + 30 * SECOND);
    const looked = world.told.looks.length;
    expect(looked).toBeGreaterThan(5);
    expect(left).toEqual(ids.slice(looked).map((id) => `m-${id}`));
    // The last of them ended too late for its fills to be asked for.
    expect([world.told.reports.length, world.told.copies.length]).toEqual([looked - 1, 1]);
    for (const id of ids.slice(looked)) expect(world.told.back.get(`r-${id}`)).toBe(2);
    expect(Math.max(...world.told.looks.map(({ at }) => at - START))).toBeLessThanOrEqual(24 * SECOND);
  });
  test('returns no sooner than the last request of each account is one interval old', async () => {
    const held: string[] = [];
    const world = still({
      hold: async ({ name }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        held.push(name);
      },
    });
    await world.run([resting('a'), resting('b', { fields: { ...limitBuy, account: 'other' } })]);
    expect(held.sort()).toEqual(['main', 'other']);
  });
  test('that goes on after its deadline tells nobody: others have its messages by then', async () => {
    const late = 31 * SECOND;
    for (const order of [filled, partly, open, { ...open, state: 'rejected' } as const]) {
      const world = still({ find: () => world.clock.sleep(late).then(() => found(order)) });
      const batch = [resting('a'), resting('b', { more: { receiveCount: 500 } })];
      expect(await world.run(batch)).toEqual(['m-a', 'm-b']);
      const { letters, reports, copies, back } = world.told;
      expect([letters, reports, copies, back.size]).toEqual([[], [], [], 0]);
    }
  });
  test('of nothing asks nobody', async () => {
    const { told, run } = still();
    expect(await run([])).toEqual([]);
    expect(told.looks).toEqual([]);
  });
});

/** A queue whose messages come due, and a venue whose orders live: until every order is over. */
async function live(lives: readonly Life[], luck: () => number, faultRate: number) {
  const ends = new Map(lives.map((life, index) => [`o${index}`, life]));
  const world = still({
    find: (_, { id }) => {
      const life = ends.get(id);
      if (luck() < faultRate) return Promise.resolve({ kind: 'unavailable', ...refusal });
      return Promise.resolve(life === undefined ? NOTHING : showing(life, world.clock.now() - START));
    },
  });
  world.takes.report = () => luck() >= faultRate;
  let queue = [...ends.keys()].map((id, index) => {
    const account = `account${index % 3}`;
    return { delivery: resting(id, { ageMs: 0, fields: { ...limitBuy, account }, more: { receiveCount: 0, enqueuedAt: START } }), due: START + SECOND }; // prettier-ignore
  });
  let serial = 0;
  while (queue.length > 0) {
    queue.sort((a, b) => a.due - b.due);
    const batch = queue.slice(0, 10).filter(({ due }) => due <= Math.max(world.clock.now(), queue[0]?.due ?? 0));
    await world.clock.sleep((batch[0]?.due ?? 0) - world.clock.now());
    const taken = batch.map(({ delivery }) => ({ ...delivery, receiveCount: delivery.receiveCount + 1 }));
    const copied = world.told.copies.length;
    const left = new Set(await world.run(taken));
    const now = world.clock.now();
    const kept = taken.filter(({ messageId }) => left.has(messageId));
    queue = [
      ...queue.slice(batch.length),
      ...kept.map((delivery) => ({ delivery, due: now + (world.told.back.get(delivery.receiptHandle) ?? 90) * SECOND })),
      ...world.told.copies.slice(copied).map(({ order, seconds }) => ({
        delivery: message(`copy${(serial += 1)}`, JSON.stringify(order), { receiveCount: 0, enqueuedAt: now }),
        due: now + seconds * SECOND,
      })),
    ]; // prettier-ignore
  }
  return world;
}

interface Life {
  readonly endsAfterMs: number;
  /** Of ten parts, how many are filled in the end. */
  readonly parts: number;
}
/** Evenly filled until the end; what was canceled without a fill is forgotten after 20 minutes. */
function showing({ endsAfterMs, parts }: Life, ageMs: number): Sighting {
  const part = Math.min(parts, Math.floor((ageMs / endsAfterMs) * (parts + 1)));
  const filledSize = `${part / 1000}`;
  if (ageMs < endsAfterMs) {
    return found({ ...open, state: part === 0 ? 'open' : 'partially-filled', filledSize });
  }
  if (parts === 0 && ageMs > endsAfterMs + 20 * MINUTE) return NOTHING;
  return found({ ...open, state: parts === 10 ? 'filled' : 'canceled', filledSize, cancelSource: 'user' });
}

describe('orders that live for up to a fortnight', () => {
  const lives = fc.array(
    fc.record({ endsAfterMs: fc.oneof(fc.integer({ min: 1, max: 10 * MINUTE }), fc.integer({ min: 1, max: 14 * DAY })), parts: fc.nat(10) }),
    { minLength: 1, maxLength: 6 },
  ); // prettier-ignore
  const lucky = (seed: number) => {
    let state = seed >>> 0;
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
  };
  test('each end is reported exactly once, each fill before it and in order, whatever SQS and the venue refuse', async () => {
    await fc.assert(
      fc.asyncProperty(lives, fc.integer(), fc.constantFrom(0, 0.2), async (all, seed, faultRate) => {
        const { told } = await live(all, lucky(seed), faultRate);
        for (const [index, { parts }] of all.entries()) {
          const mine = told.reports.filter(({ id }) => id === `o${index}`);
          const ends = mine.filter(({ status }) => status !== 'partially-filled');
          expect(ends).toMatchObject([{ status: parts === 10 ? 'filled' : 'canceled', filledSize: `${parts / 1000}` }]);
          expect(mine.at(-1)).toBe(ends[0]);
          const sizes = mine.slice(0, -1).map(({ filledSize }) => Number(filledSize));
          expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));
        }
      }),
      { numRuns: 12 },
    );
  });
  test('an end is told within ten minutes, and within half of its age and some seconds', async () => {
    await fc.assert(
      fc.asyncProperty(lives, async (all) => {
        const { told } = await live(all, () => 1, 0);
        for (const [index, { endsAfterMs, parts }] of all.entries()) {
          const end = told.reports.find(({ id, status }) => id === `o${index}` && status !== 'partially-filled');
          const lateMs = Date.parse(end?.at ?? '') - START - endsAfterMs;
          expect(lateMs).toBeLessThanOrEqual(Math.min(600_000, Math.max(2000, endsAfterMs / 2)) + 10_000);
          // Early enough for the venue to tell who canceled it.
          if (parts === 0) expect(end?.cancelSource).toBe('user');
        }
      }),
      { numRuns: 12 },
    );
  });
});

test.each([
  ['throttled', { kind: 'throttled', ...refusal }],
  ['banned', { kind: 'banned', ...refusal, forMs: 300_000 , of: 'account'}],
] as const)('after an answer that is %s nothing more is asked for the account in this batch, of orders or of fills', async (_, hush) => {
  const orders = ['a', 'b', 'c'].map((id) => resting(id));
  const looks = still(answers(hush));
  expect(await looks.run(orders)).toEqual(['m-a', 'm-b', 'm-c']);
  expect(looks.told.looks).toHaveLength(1);
  let asked = 0;
  const fills = still({ ...answers(found(filled)), fee: () => (asked += 1, Promise.resolve(hush)) });
  await fills.run(orders);
  expect([fills.told.looks.length, asked, fills.told.reports]).toEqual([1, 1, []]);
}); // prettier-ignore

describe('an order that went out together with others', () => {
  const nameless = (id: string): Delivery => {
    const { intent, acceptedAt } = JSON.parse(resting(id).body) as PendingOrder;
    return message(id, JSON.stringify({ intent, acceptedAt }));
  };
  test('is found by its own id at first, and by the one of the venue from then on', async () => {
    const { told, run } = still(answers(found(open)));
    expect(await run([nameless('a')])).toEqual([]);
    expect(told.looks.map(({ query }) => query)).toEqual([{ id: 'a', market: 'spot', symbol: 'BTC_USDT' }]);
    expect(told.copies.map(({ order }) => order.venueOrderId)).toEqual([open.venueOrderId]);
    expect(told.reports).toEqual([]);
    await run([message('a', JSON.stringify(told.copies[0]?.order))]);
    expect(told.looks[1]?.query.venueOrderId).toBe(open.venueOrderId);
    expect(told.copies).toHaveLength(1);
  });
  test('and has ended when it is first seen is told with the id of the venue and its fee', async () => {
    const { told, run } = still(answers(found(filled)));
    expect(await run([nameless('a')])).toEqual([]);
    expect(told.reports).toMatchObject([{ status: 'filled', venueOrderId: filled.venueOrderId, fee: '0.6' }]);
  });
  test('and is never shown is unresolved: by nothing but the id of the venue can fills be asked for', async () => {
    const { told, run } = still({ ...answers(NOTHING), fee: () => Promise.reject(new Error('asked for')) });
    expect(await run([nameless('a')])).toEqual([]);
    expect(told.reports).toMatchObject([{ status: 'unresolved', reason: 'UNRESOLVED' }]);
    expect(told.reports[0]).not.toHaveProperty('filledSize');
    expect(told.letters).toMatchObject([{ reason: 'UNRESOLVED', certainty: 'unknown', intentId: 'a' }]);
  });
});
