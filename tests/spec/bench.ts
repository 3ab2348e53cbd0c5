// What a case of the execution test spec works with: intents in, reports and dead letters out, the venue's own book, and
// trouble on the wire, all in neutral words. `Ground` is what a venue supplies for it; no name of a venue stands here.
import assert from 'node:assert/strict';
import Big from 'big.js';
import type { ExecutionReport } from '../../shared/order/report.ts';
import { intent as anyIntent, type Letter, type System } from '../system/fixture.ts';
import type { Declared, Need } from './grounds.ts';
import type { Trouble } from './wire.ts';

export type Market = 'spot' | 'margin' | 'futures';
export type Side = 'buy' | 'sell';
export type Fields = Readonly<Record<string, unknown>>;
export type Intent = Record<string, unknown> & { readonly id: string };

/** What trades on a venue, and what is needed to choose numbers for it. All amounts are decimals as text. */
export interface Listing {
  readonly market: Market;
  readonly symbol: string;
  /** The middle of its market at the start; there is no other price between the best bid and the best ask. */
  readonly price: string;
  readonly priceStep: string;
  readonly sizeStep: string;
  readonly minSize: string;
  /** Smallest value of an order, where there is one. */
  readonly minNotional?: string;
  /** A handy size in base coin: a multiple of the step, far above the minimums, far below what the best price offers. */
  readonly lot: string;
  readonly takerRate: string;
  readonly feeCoin: string;
}

/** An order in the venue's own book. Sizes in base coin. */
export interface BookRow {
  readonly id: string;
  readonly venueOrderId: string;
  readonly account: string;
  readonly market: Market;
  readonly symbol: string;
  readonly side: Side;
  readonly type: string;
  readonly state: 'open' | 'partially-filled' | 'filled' | 'canceled';
  readonly size: string;
  readonly price: string;
  readonly filledSize: string;
  readonly filledNotional: string;
  readonly cancelSource: string;
  readonly reduceOnly?: boolean;
  readonly leverage?: string;
  readonly marginMode?: string;
  readonly takeProfit?: { readonly price: string; readonly trigger?: string };
  readonly stopLoss?: { readonly price: string; readonly trigger?: string };
  readonly selfTradePrevention?: string;
}

export interface Position {
  readonly symbol: string;
  readonly side: 'long' | 'short';
  readonly size: string;
}

/** Requests by what they are for. `look-up`: of an order; `rules`: of what trades, for which no account asks. */
export type Errand = 'place' | 'cancel' | 'cancel-all' | 'amend' | 'setting' | 'look-up' | 'rules';
/** What goes wrong with a request. All but `lose-answer` execute nothing. */
export type Mishap =
  | 'lose-request'
  | 'lose-answer'
  | 'throttle'
  | 'ban'
  | 'break-down'
  | 'show-nothing'
  /** Of a spot look-up by the venue's own id: the order is there and has failed, without a fill. */
  | 'show-failed'
  /** Of a margin placement: the loan goes through, the order does not. */
  | 'loan-only';

export interface AccountOptions {
  /** Fields of the secret that are other than they should be. */
  readonly secret?: Fields;
  readonly mandate?: Fields;
  /** Has next to no money, in any market. */
  readonly isPoor?: boolean;
  /** Its key may look and not trade. */
  readonly isReadOnly?: boolean;
}

/** What a venue supplies, with its simulator running. */
export interface Ground extends Declared {
  readonly system: System;
  /** `main` is for taking, `other` for orders between bid and ask, `closed` is listed and does not trade. */
  readonly listings: Readonly<Record<Market, Readonly<Record<'main' | 'other' | 'closed', Listing>>>>;
  /** Ways in which an account's secret can be wrong: what it is called, and the fields. */
  readonly wrongSecrets: readonly (readonly [name: string, secret: Fields])[];
  /** How long an answer may be outstanding until it is sure that it never comes, and a fifth; in ms of this stack. */
  readonly horizonMs: number;
  /** How long a mandate may be kept. */
  readonly mandateMs: number;
  /** How long SQS refuses a second message of one id. */
  readonly deduplicationMs: number;
  setAccount(name: string, options: AccountOptions): Promise<void>;
  orders(account: string): Promise<readonly BookRow[]>;
  positions(account: string): Promise<readonly Position[]>;
  /** How often the account borrowed; margin alone. */
  loans(account: string, symbol: string): Promise<number>;
  /** @param account undefined: whoever asks */
  trouble(account: string | undefined, errand: Errand, mishap: Mishap, times?: number): Trouble;
  /** A market buy with its money spent ends canceled from now on, or filled again. */
  spentEndsCanceled(isSo: boolean): Promise<void>;
  /** Of a ground that was started without them: from now on they can be had. */
  giveRules(): void;
  close(): Promise<void>;
}

export interface Case {
  /** For good: a case that goes leaves its number unused. */
  readonly number: number;
  /** What holds, in plain words. */
  readonly title: string;
  readonly needs?: readonly Need[];
  /** On a stack of its own, where no rules of what trades can be had from the start. */
  readonly isWithoutRules?: boolean;
  readonly run: (bench: Bench) => Promise<void>;
}

export type Bench = ReturnType<typeof benchOf>;

const FINAL = ['filled', 'canceled', 'denied', 'rejected', 'expired', 'malformed', 'unresolved', 'done'];
const LETTERED = ['denied', 'rejected', 'expired', 'malformed', 'unresolved'];
/** Generous: two cores run many cases at once, and some wait for horizons. */
const PATIENCE_MS = 45_000;

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const plus = (a: string, b: string): string => new Big(a).plus(b).toFixed();
export const times = (a: string, b: string | number): string => new Big(a).times(b).toFixed();
export const equal = (a: string | undefined, b: string, what: string): void => {
  assert.ok(a !== undefined && new Big(a).eq(b), `${what} is ${a ?? 'absent'}, not ${b}`);
};

/** One lock per name, for the few cases that need a part of the book for themselves. */
const locks = new Map<string, Promise<unknown>>();

/** A bench for one case: an account of its own, and whatever else it makes. */
export function benchOf(ground: Ground, number: number) {
  const { system } = ground;
  const name = `e${String(number).padStart(3, '0')}`;
  const accounts: string[] = [];
  const sent: Intent[] = [];
  const troubles: Trouble[] = [];

  const until = async (what: string, done: () => boolean | Promise<boolean>, ms = PATIENCE_MS): Promise<void> => {
    const deadline = Date.now() + ms;
    while (!(await done())) {
      if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}\n${told()}`);
      await sleep(40);
    }
  };
  /** What is known of this case, for whoever reads why it failed. */
  const told = (): string => {
    const ids = sent.map(({ id }) => id);
    const reports = system.reports.filter(({ account }) => accounts.includes(account));
    const letters = system.letters.filter(({ attributes }) => ids.includes(attributes['intentId'] ?? ''));
    const lines = system.lines.filter((line) => accounts.some((account) => line.includes(`"${account}"`)));
    return JSON.stringify({ reports, letters, log: lines.slice(-30) }, null, 1);
  };
  const account = async (suffix = '', options: AccountOptions = {}): Promise<string> => {
    const full = `${name}${suffix}`;
    if (!accounts.includes(full)) accounts.push(full);
    await ground.setAccount(full, options);
    return full;
  };

  // Intents.
  const listing = (market: Market, which: 'main' | 'other' | 'closed' = 'main') => ground.listings[market][which];
  const intent = (fields: Fields): Intent => {
    const { id, createdAt, expiresAt } = anyIntent();
    return { id, account: name, createdAt, expiresAt, ...fields };
  };
  const terms = (market: Market, fields: Fields): Fields =>
    market === 'futures' && fields['reduceOnly'] !== true && ground.cannot['margin-mode'] === undefined
      ? { leverage: '10', marginMode: 'isolated' }
      : {};
  /** A limit buy that rests, a tenth below the market; a sell rests a tenth above it. */
  const limit = ({ market, symbol, price, lot }: Listing, fields: Fields = {}): Intent => {
    const side = fields['side'] ?? 'buy';
    const resting = times(price, side === 'buy' ? '0.9' : '1.1');
    const base = { action: 'place', market, symbol, side, type: 'limit', size: lot, price: resting };
    return intent({ ...base, ...terms(market, fields), ...fields });
  };
  /** A market order of one lot; a market buy of spot and margin spends what one lot costs, and a little. */
  const atMarket = ({ market, symbol, lot, price }: Listing, side: Side, fields: Fields = {}): Intent => {
    const isSpent = market !== 'futures' && side === 'buy';
    const amount = isSpent ? { notional: times(times(lot, price), '1.01') } : { size: lot };
    const base = { action: 'place', market, symbol, side, type: 'market', ...amount };
    return intent({ ...base, ...terms(market, fields), ...fields });
  };
  const cancel = ({ market, symbol }: Listing, target: string, fields: Fields = {}): Intent =>
    intent({ action: 'cancel', market, symbol, target, ...fields });
  const amend = ({ market, symbol }: Listing, target: string, fields: Fields): Intent =>
    intent({ action: 'amend', market, symbol, target, ...fields });
  /** All of them in one batch, in this order. */
  const send = async (...intents: readonly Intent[]): Promise<void> => {
    sent.push(...intents.filter((each) => !sent.includes(each)));
    await system.send(intents);
  };

  // What comes out.
  const reports = ({ id, account: whose }: Intent): readonly ExecutionReport[] => {
    const all = system.reportsOf(id).filter((report) => report.account === whose);
    const key = ({ status, filledSize = '' }: ExecutionReport): string => `${status} ${filledSize}`;
    return all.filter((report, index) => all.findIndex((other) => key(other) === key(report)) === index);
  };
  const statuses = (of: Intent): readonly string[] => reports(of).map(({ status }) => status);
  /** Waits until exactly these were reported of it, in this order. @returns the last of them */
  const ends = async (of: Intent, ...wanted: readonly string[]): Promise<ExecutionReport> => {
    await until(`${of.id} ${wanted.join(', ')}`, () => {
      const seen = statuses(of);
      const isOnWay = seen.every((status, index) => status === wanted[index]);
      if (!isOnWay) assert.fail(`${of.id} is ${seen.join(', ')} and not ${wanted.join(', ')}\n${told()}`);
      return seen.length === wanted.length;
    });
    const last = reports(of).at(-1);
    assert.ok(last);
    return last;
  };
  const letter = async (of: Intent): Promise<Letter> => {
    await until(`a letter of ${of.id}`, () => system.letterOf(of.id) !== undefined);
    return system.letterOf(of.id) ?? assert.fail();
  };
  /** Ends without a trade: this status, this reason, a sentence, a letter that says the same, and nothing in the book. */
  const endsWithout = async (
    of: Intent,
    status: string,
    reason: string,
    sentence = /\w+ \w+/,
  ): Promise<ExecutionReport> => {
    const report = await ends(of, status);
    assert.equal(report.reason, reason, told());
    assert.match(report.detail ?? '', sentence);
    const { attributes, body } = await letter(of);
    assert.equal(attributes['reason'], reason);
    assert.deepEqual(JSON.parse(body), of);
    if (of['action'] === 'place') await absent(of);
    return report;
  };

  // The venue's own book.
  const rows = ({ id, account: whose }: Intent): Promise<readonly BookRow[]> =>
    ground.orders(String(whose)).then((all) => all.filter((row) => row.id === id));
  const absent = async (of: Intent): Promise<void> => {
    assert.deepEqual(await rows(of), [], `${of.id} is in the book`);
  };
  /** The one order of the intent. */
  const row = async (of: Intent): Promise<BookRow> => {
    const found = await rows(of);
    assert.equal(found.length, 1, `${of.id} is in the book ${found.length} times`);
    return found[0] ?? assert.fail();
  };
  const state = async (of: Intent): Promise<string> => (await row(of)).state;
  /** Accepted, and once in the book, as it was asked for. */
  const rests = async (of: Intent): Promise<BookRow> => {
    const report = await ends(of, 'accepted');
    const found = await row(of);
    assert.equal(found.state, 'open');
    for (const field of ['market', 'symbol', 'side', 'type'] as const) assert.equal(found[field], of[field], field);
    assert.equal(report.venueOrderId, found.venueOrderId);
    return found;
  };
  /** A limit buy of the main listing, resting. */
  const limitRests = async (market: Market, fields: Fields = {}): Promise<BookRow> => {
    const order = limit(listing(market), fields);
    await send(order);
    return rests(order);
  };
  const positions = (whose = name) => ground.positions(whose);
  /** The fills of an order as its report tells them are those of the book. */
  const costs = async (of: Intent, report: ExecutionReport, { takerRate, feeCoin }: Listing, isTaker = true) => {
    const { filledSize, filledNotional, state: end } = await row(of);
    equal(report.filledSize, filledSize, 'filledSize');
    const average = new Big(filledNotional).div(filledSize);
    const off = new Big(report.averagePrice ?? '0').div(average).minus(1).abs();
    assert.ok(off.lt('0.000001'), `averagePrice is ${report.averagePrice ?? 'absent'}, not ${average.toFixed()}`);
    assert.equal(report.feeCoin, feeCoin);
    if (isTaker) equal(report.fee, new Big(filledNotional).times(takerRate).round(8, 0).toFixed(), 'fee');
    return end;
  };
  /** `user` where the venue says who canceled. */
  const source = (market: Market, who: string): string =>
    market === 'futures' && ground.cannot['cancel-source-futures'] !== undefined ? 'unknown' : who;

  const trouble = (errand: Errand, mishap: Mishap, often = 1, whose: string | undefined = name): Trouble => {
    const made = ground.trouble(errand === 'rules' ? undefined : whose, errand, mishap, often);
    troubles.push(made);
    return made;
  };
  /** While this runs, no other case has orders between bid and ask of the listing. */
  const alone = async <T>({ market, symbol }: Listing, work: () => Promise<T>): Promise<T> => {
    const key = `${ground.name} ${market === 'futures' ? market : 'spot'} ${symbol}`;
    const turn = (locks.get(key) ?? Promise.resolve()).then(work);
    locks.set(
      key,
      turn.catch(() => undefined),
    );
    return turn;
  };

  /** What every case ends with: nothing in the book that was not asked for, nothing twice, every end told as it must be. */
  const close = async (): Promise<void> => {
    for (const each of troubles) each.lift();
    for (const whose of accounts) {
      const ids = (await ground.orders(whose)).map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, `an id is twice in the book of ${whose}`);
      const asked = new Set(
        sent.filter(({ account: of, action }) => of === whose && action === 'place').map(({ id }) => id),
      );
      assert.deepEqual(
        ids.filter((id) => !asked.has(id)),
        [],
        'an order that nobody asked for',
      );
    }
    for (const each of sent) {
      const seen = statuses(each);
      const ended = seen.findIndex((status) => FINAL.includes(status));
      assert.ok(seen.length > 0, `${each.id} was never reported`);
      assert.ok(ended < 0 || ended === seen.length - 1, `${each.id} went on after its end: ${seen.join(', ')}`);
      const isLettered = LETTERED.includes(seen.at(-1) ?? '');
      if (isLettered) assert.equal((await letter(each)).attributes['reason'], reports(each).at(-1)?.reason);
      else assert.equal(system.letterOf(each.id), undefined, `${each.id} has a dead letter`);
    }
  };

  return {
    ground,
    name,
    can: (need: Need): boolean => ground.cannot[need] === undefined,
    account,
    until,
    listing,
    intent,
    limit,
    atMarket,
    cancel,
    amend,
    send,
    reports,
    statuses,
    ends,
    endsWithout,
    letter,
    rows,
    row,
    state,
    rests,
    limitRests,
    absent,
    positions,
    costs,
    source,
    trouble,
    alone,
    close,
  };
}
