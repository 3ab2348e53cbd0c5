// Orders and instructions on Bybit, spot and USDT perpetuals alike: the category is a field. What is answered is that a request
// was taken, never that it was booked: the record of the order tells that.
// Margin is refused here, and so is an order that does not fit what the account is set to; nothing is sent then.
import { refusedHere } from '../asking.ts';
import { listed, type Instrument } from '../order/instrument.ts';
import type { Verdict } from '../order/report.ts';
import type { NewOrder, Times, TradingAccount, Venue } from '../order/venue.ts';
import type { Rules } from '../kept.ts';
import { partsOf, placedOutcome, spelled, succeeded, verdictOf } from './answers.ts';
import { settled, type Fields } from './calls.ts';
import { meaningOf } from './codes.ts';
import { endpoints, MOST_TOGETHER, type Category } from './endpoints.ts';
import { categoryOf, instruct, NO_MARGIN, type InstructionsOutside } from './instructions.ts';
import type { Reply } from './wire.ts';

export interface OrdersOutside extends InstructionsOutside {
  readonly rules: Readonly<Record<Category, Rules<Instrument>>>;
  readonly now: () => number;
  readonly banMs: number;
}

type Served = Exclude<NewOrder, { readonly market: 'margin' }>;

export function ordersDesk(outside: OrdersOutside): Pick<Venue, 'submit' | 'submitAll' | 'instruct'> {
  const { calls } = outside;
  const objection = objectionBy(outside);
  return {
    submit: async (account, order, within) => {
      if (order.market === 'margin') return NO_MARGIN;
      const served = order;
      const against = await objection(account, served, within);
      if (against !== undefined) return against;
      const category = categoryOf(order.market);
      const times = { ...within, expiresAt: order.expiresAt };
      const answer = await calls.write(account, endpoints.place, category, { category, ...placement(served) }, times);
      return settled(answer, (reply) => placedOutcome(reply, order.id), calls.explain, within);
    },
    submitAll: (account, orders, times) => submitAll(outside, objection, account, orders, times),
    instruct: (account, instruction, times) => instruct(outside, account, instruction, times),
  };
}

type Objection = (account: TradingAccount, order: Served, times: Times) => Promise<Verdict | undefined>;

/** Quote coins whose names end no other symbol, for the time in which the rules cannot be had. */
const QUOTES = /_(USDT|USDC|BTC|ETH|EUR)$/;

function objectionBy({ rules, standing, now }: OrdersOutside): Objection {
  return async (account, order, times) => {
    const { market, symbol } = order;
    // The engine has asked for them before: they are there, or cannot be had.
    const known = await rules[categoryOf(market)](symbol, Math.min(times.answerBy, now() + 200));
    if (known === 'unknown')
      return refusedHere('SYMBOL_UNKNOWN', `Bybit lists no ${symbol} in ${market}; nothing was sent`);
    if (listed(known) === undefined && !QUOTES.test(symbol)) {
      // BTCU_SDT would be written like BTC_USDT.
      const detail = `the rules of ${symbol} cannot be had, and without them nobody can tell what ${spelled(symbol)} means; nothing was sent`;
      return { kind: 'unavailable', venueCode: 'SYMBOL_UNPROVEN', detail };
    }
    return standing.objection(account, order, times);
  };
}

const TIMES_IN_FORCE = { limit: 'GTC', 'limit-maker': 'PostOnly', ioc: 'IOC', fok: 'FOK' } as const;
const STP = { none: 'None', 'cancel-maker': 'CancelMaker', 'cancel-taker': 'CancelTaker', 'cancel-both': 'CancelBoth' } as const; // prettier-ignore
const TRIGGERS = { last: 'LastPrice', mark: 'MarkPrice' } as const;

/** An order without its category. Its unit is always said on spot: a market buy counts in quote coin where nothing is said. */
function placement(order: Served): Fields {
  const { selfTradePrevention: stp } = order;
  return {
    symbol: spelled(order.symbol),
    side: order.side === 'buy' ? 'Buy' : 'Sell',
    ...termsOf(order),
    ...(order.market === 'futures' ? contractTerms(order) : {}),
    ...(stp === undefined ? {} : { smpType: STP[stp] }),
    orderLinkId: order.id,
  };
}

function termsOf(order: Served): Fields {
  if (order.type !== 'market') {
    const { type, size, price } = order;
    return { orderType: 'Limit', qty: size, price, timeInForce: TIMES_IN_FORCE[type] };
  }
  if ('notional' in order) return { orderType: 'Market', qty: order.notional, marketUnit: 'quoteCoin' };
  const unit = order.market === 'spot' ? { marketUnit: 'baseCoin' } : {};
  return { orderType: 'Market', qty: order.size, ...unit };
}

/** One-way mode alone: index 0. */
function contractTerms({ reduceOnly, takeProfit, stopLoss }: Extract<Served, { readonly market: 'futures' }>): Fields {
  return {
    positionIdx: 0,
    ...(reduceOnly ? { reduceOnly: true } : {}),
    ...exit('takeProfit', 'tpTriggerBy', takeProfit),
    ...exit('stopLoss', 'slTriggerBy', stopLoss),
  };
}

function exit(name: string, by: string, said: Extract<Served, { readonly market: 'futures' }>['takeProfit']): Fields {
  if (said === undefined) return {};
  return { [name]: said.price, ...(said.trigger === undefined ? {} : { [by]: TRIGGERS[said.trigger] }) };
}

const UNSENT: Verdict = {
  kind: 'late',
  venueCode: 'NOT_SENT',
  detail: 'nothing was sent: what comes before it in its request has to be settled first',
};

/** How many orders of an account one request may hold: keys that share a user id share the limit, by orders. */
export function mostOf(category: Category, limitShare = 1): number {
  const { requests } = endpoints.placeAll.limits[category];
  return Math.max(1, Math.min(MOST_TOGETHER, Math.floor(requests * limitShare)));
}

async function submitAll(
  { calls, now, banMs }: OrdersOutside,
  objection: Objection,
  account: TradingAccount,
  orders: readonly NewOrder[],
  within: Times,
): Promise<readonly Verdict[]> {
  const [first] = orders;
  if (first === undefined) return [];
  const category = categoryOf(first.market);
  const most = mostOf(category, account.mandate.limitShare);
  const verdicts = new Map<NewOrder, Verdict>();
  const sent: Served[] = [];
  for (const order of orders) {
    if (sent.length >= most) break;
    const against = order.market === 'margin' ? NO_MARGIN : await objection(account, order, within);
    if (against === undefined) sent.push(order);
    else verdicts.set(order, against);
    // What cannot be told now may pass later, and what comes behind it must not overtake it.
    if (against !== undefined && against.kind !== 'refused') break;
  }
  if (sent.length > 0) {
    const expiresAt = Math.min(...sent.map((order) => order.expiresAt));
    const fields = { category, request: sent.map(placement) };
    const times = { ...within, expiresAt, cost: sent.length };
    const answer = await calls.write(account, endpoints.placeAll, category, fields, times);
    const ids = sent.map(({ id }) => id);
    const parts = answer.kind === 'shadow' ? undefined : told(answer, ids);
    const whole = parts === undefined ? await settled(answer, (reply) => wholeOutcome(reply, ids.length), calls.explain, within) : undefined; // prettier-ignore
    for (const [index, order] of sent.entries()) {
      const part = parts?.[index];
      const own = part && (placedOutcome(part, order.id) ?? verdictOf(part, { banMs, now: now() }));
      verdicts.set(order, own ?? whole ?? UNSENT);
    }
  }
  return orders.map((order) => verdicts.get(order) ?? UNSENT);
}

const told = (answer: Reply, ids: readonly string[]): readonly Reply[] | undefined =>
  succeeded(answer) ? partsOf(answer, ids) : undefined;

/** One answer for all of them. What refuses orders may speak of one alone: each is looked for then. */
function wholeOutcome(answer: Reply, count: number): Verdict | undefined {
  const { means, because } = meaningOf(answer.code, answer.message);
  const isOfOrders = ['ok', 'refused', 'duplicate', 'finished', 'absent', 'already'].includes(means);
  if (!isOfOrders) return undefined;
  const what = succeeded(answer) ? 'lists that do not fit them' : because;
  return { kind: 'taken', detail: `Bybit ${answer.code} to ${count} orders together: ${what}` };
}
