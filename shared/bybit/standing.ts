// What an account is set to on Bybit, where an order relies on it: whether prices are refused or moved, and the leverage and
// margin mode, which are settings there and no fields of an order. Read before the first order that needs it, and
// remembered. Changes nothing: an order that does not fit the account is refused with the way out.
import Big from 'big.js';
import * as z from 'zod/mini';
import { refusedHere } from '../asking.ts';
import type { Clock } from '../clock.ts';
import type { MarginMode } from '../order/intent.ts';
import type { Verdict } from '../order/report.ts';
import type { Environment, NewOrder, Times, TradingAccount } from '../order/venue.ts';
import { spelled, succeeded } from './answers.ts';
import type { Calls } from './calls.ts';
import { endpoints, type Category, type Endpoint } from './endpoints.ts';
import type { Credentials, Reply } from './wire.ts';

/** Settings that somebody may change on the site. */
const LIFETIME_MS = 60_000;
const MOST_REMEMBERED = 1000;

export interface Standing {
  /** Why an order cannot be sent as it is meant; undefined where it can. */
  readonly objection: (account: TradingAccount, order: NewOrder, times: Times) => Promise<Verdict | undefined>;
  /** The same of a price alone. */
  readonly priceObjection: (account: TradingAccount, category: Category, times: Times) => Promise<Verdict | undefined>;
  readonly modeObjection: (account: TradingAccount, mode: MarginMode, times: Times) => Promise<Verdict | undefined>;
  /** The leverage of a symbol is being set. */
  readonly forget: (account: TradingAccount, symbol: string) => void;
}

export interface StandingOutside {
  readonly clock: Clock;
  readonly environment: Environment;
  /** Prices of perpetuals may be moved: nobody relies on them. */
  readonly mayMovePrices: boolean;
}

const behaviourSchema = z.object({ lpaSpot: z.boolean(), lpaPerp: z.boolean() });
const infoSchema = z.object({ marginMode: z.string() });
const decimal = z.string().check(z.regex(/^\d+(\.\d+)?$/));
const positionsSchema = z.object({
  list: z.array(z.object({ symbol: z.string(), positionIdx: z.number(), leverage: decimal })).check(z.minLength(1)),
});

export function standingBy({ read, explain }: Calls, outside: StandingOutside): Standing {
  const { environment, mayMovePrices } = outside;
  const { recall, forget } = memoryOf({ read, explain }, outside.clock);
  const priceObjection: Standing['priceObjection'] = async (account, category, times) => {
    if (category === 'linear' && mayMovePrices) return undefined;
    // Demo has no such question; spot refuses by default.
    if (environment === 'demo') return category === 'spot' ? undefined : refusedHere('PRICES_MAY_BE_MOVED', UNTOLD);
    const isKept = ({ lpaSpot, lpaPerp }: z.infer<typeof behaviourSchema>): boolean =>
      category === 'spot' ? !lpaSpot : lpaPerp;
    const look = { endpoint: endpoints.behaviour, query: {}, schema: behaviourSchema, isGood: isKept };
    const behaviour = await recall(account, `the price behaviour (${category})`, look, times);
    if ('kind' in behaviour) return behaviour;
    return isKept(behaviour.value) ? undefined : refusedHere('PRICES_MAY_BE_MOVED', MOVED[category]);
  };
  const modeObjection: Standing['modeObjection'] = async (account, mode, times) => {
    const look = { endpoint: endpoints.accountInfo, query: {}, schema: infoSchema };
    const info = await recall(account, 'the margin mode', look, times);
    if ('kind' in info) return info;
    const { marginMode } = info.value;
    if (marginMode === MODES[mode]) return undefined;
    const detail = `the account's margin mode is ${shown(marginMode)}, and not ${MODES[mode]} (${mode}); on Bybit it holds for the whole account: set it on the exchange, or leave marginMode out; nothing was sent`;
    return refusedHere('MARGIN_MODE_DIFFERS', detail);
  };
  return {
    ...{ priceObjection, modeObjection },
    objection: async (account, order, times) => {
      const asked: Promise<Verdict | undefined>[] = [];
      if ('price' in order) asked.push(priceObjection(account, order.market === 'futures' ? 'linear' : 'spot', times));
      if (order.market === 'futures' && !order.reduceOnly) {
        const { symbol, leverage, marginMode } = order;
        if (marginMode !== undefined) asked.push(modeObjection(account, marginMode, times));
        if (leverage !== undefined) asked.push(leverageObjection(recall, account, symbol, leverage, times));
      }
      return (await Promise.all(asked)).find((objection) => objection !== undefined);
    },
    forget: (account, symbol) => forget(account, leverageOf(symbol)),
  };
}

async function leverageObjection(
  recall: Memory['recall'],
  account: TradingAccount,
  symbol: string,
  leverage: string,
  times: Times,
): Promise<Verdict | undefined> {
  const query = { category: 'linear', symbol: spelled(symbol) };
  const look = { endpoint: endpoints.positions, query, schema: positionsSchema };
  const positions = await recall(account, leverageOf(symbol), look, times);
  if ('kind' in positions) return positions;
  const other = positions.value.list.find((row) => !new Big(row.leverage).eq(leverage));
  if (other === undefined) return undefined;
  const detail = `the leverage of ${symbol} is ${other.leverage}, and not ${leverage}; on Bybit it is a setting of the symbol, which its position has, too: send set-leverage first, or leave leverage out; nothing was sent`;
  return refusedHere('LEVERAGE_DIFFERS', detail);
}

interface Look<T> {
  readonly endpoint: Endpoint;
  readonly query: Readonly<Record<string, string>>;
  readonly schema: z.ZodMiniType<T>;
  /** It may be relied on for as long as the process lives. */
  readonly isGood?: (value: T) => boolean;
}

/** What was read of accounts. */
interface Memory {
  /** A record of the account, read unless it is remembered; a verdict where it cannot be had. */
  readonly recall: <T>(
    account: TradingAccount,
    what: string,
    look: Look<T>,
    times: Times,
  ) => Promise<{ readonly value: T } | Verdict>;
  readonly forget: (account: TradingAccount, what: string) => void;
}

function memoryOf({ read, explain }: Pick<Calls, 'read' | 'explain'>, clock: Clock): Memory {
  const memory = new Map<string, { readonly value: unknown; readonly until: number }>();
  const keyOf = (account: TradingAccount, what: string): string =>
    `${account.name} ${(account.credentials as Credentials).apiKey} ${what}`;
  return {
    recall: async <T>(account: TradingAccount, what: string, look: Look<T>, times: Times) => {
      const key = keyOf(account, what);
      const known = memory.get(key);
      if (known !== undefined && clock.now() < known.until) return { value: known.value as T };
      const answer = await read(account, look.endpoint, 'linear', look.query, times);
      const value = succeeded(answer) ? look.schema.safeParse(answer.data).data : undefined;
      if (value === undefined) return unread(answer, what, await explain(answer, times.answerBy));
      if (memory.size >= MOST_REMEMBERED) memory.clear();
      memory.set(key, { value, until: look.isGood?.(value) === true ? Infinity : clock.now() + LIFETIME_MS });
      return { value };
    },
    forget: (account, what) => void memory.delete(keyOf(account, what)),
  };
}

/** Whatever the answer, nothing was executed: the order itself was not sent. */
function unread({ code }: Reply, what: string, verdict: Verdict): Verdict {
  if (['unauthorised', 'throttled', 'banned', 'late'].includes(verdict.kind)) return verdict;
  const detail = `${what} of the account could not be read (Bybit ${code}), and the order relies on it; nothing was sent`;
  return { kind: 'unavailable', venueCode: code, detail };
}

const leverageOf = (symbol: string): string => `the leverage of ${symbol}`;
const shown = (text: string): string => (/^\w{1,32}$/.test(text) ? text : 'something else');
const MODES: Readonly<Record<MarginMode, string>> = { cross: 'REGULAR_MARGIN', isolated: 'ISOLATED_MARGIN' };

const WAY =
  'nothing was sent. With BYBIT_MAY_MOVE_PRICES=true perpetuals are traded all the same, and no price is relied on';
const UNTOLD = `Bybit's demo does not tell whether it refuses or moves a perpetual's price outside its band; ${WAY}`;
const MOVED: Readonly<Record<Category, string>> = {
  linear: `the account has Bybit move a perpetual's price that lies outside its band, so another order than this one might be booked; set it to refuse (set-limit-px-action: category linear, modifyEnable false, or the trading settings of the site); ${WAY}`,
  spot: 'the account has Bybit move a spot price that lies outside its band, so another order than this one might be booked; set it to refuse (set-limit-px-action: category spot, modifyEnable false, or the trading settings of the site); nothing was sent',
};
