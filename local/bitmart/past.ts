// The exchange over the past: admission, matching, fees and ledger as ever, around a book that is made of candles.
// Promises that an order which rests is filled only where a candle has traded through its price, at that price: the order of
// prices within a candle is unknown, and a price that was only touched may have been others'. No clock, no I/O.
import { admit, refusalNow, type Counter, type OrderFields } from './admission.ts';
import { isRefusal, refuse, type Refusal } from './codes.ts';
import { enqueue } from '../exchange/book.ts';
import { decimal, floorTo, ZERO, type Decimal } from '../exchange/decimals.ts';
import {
  cancelOrder,
  createFloor,
  HOUSE,
  houseOrder,
  placeOrder,
  queueOf,
  wouldCross,
  type Floor,
  type Rates,
} from './engine.ts';
import { INSTRUMENTS, MAKER_RATE, TAKER_RATE, tickOf, type Instrument } from './instruments.ts';
import type { Balance } from '../exchange/ledger.ts';
import type { Fill, LiveOrder, Now, Order, Side } from './orders.ts';
import { defaultPromises } from './promises.ts';

/** The rates that every account pays, as text. */
export const RATES = { maker: MAKER_RATE.toFixed(), taker: TAKER_RATE.toFixed() } as const;

/** A symbol's rules as text; `minValue` in quote coin. */
export interface Rules {
  readonly symbol: string;
  readonly priceStep: string;
  readonly sizeStep: string;
  readonly minSize: string;
  readonly maxSize: string;
  readonly minValue: string;
  readonly trading: boolean;
}

/** The rules of what trades here. */
export const RULES: readonly Rules[] = INSTRUMENTS.map((one) => ({
  symbol: one.symbol,
  priceStep: tickOf(one).toFixed(),
  sizeStep: one.step.toFixed(),
  minSize: one.minSize.toFixed(),
  maxSize: one.maxSize.toFixed(),
  minValue: one.minValue.toFixed(),
  trading: one.trading,
}));

/** Best prices; undefined where a side is empty. */
export interface Quote {
  readonly bid?: string;
  readonly ask?: string;
}
export interface Traded {
  /** When the candle began and ended, ms. */
  readonly openAt: number;
  readonly closeAt: number;
  readonly high: string;
  readonly low: string;
}

export interface Past {
  balance(coin: string): Balance;
  /** Books and matches an order as a client sends it, against one price a side at which everything can be had. */
  submit(fields: OrderFields, quote: Quote, at: number): Order | Refusal;
  /**
   * Fills what a candle that is over has traded through: buys above its low, sells below its high. Only orders that were there
   * when it began; it is told at its end.
   */
  pass(symbol: string, candle: Traded): void;
  fills(): readonly Fill[];
  /** Everything there is of each coin, whoever holds it: changes never. */
  totals(): ReadonlyMap<string, Decimal>;
}

const CUSTOMER = { uid: 'customer', account: 'customer' };
/** More than any order asks for; its money is part of the conserved total like everybody's. */
const HOUSE_SIZE = decimal('1000000000000');
const HOUSE_FUNDS = HOUSE_SIZE.times(HOUSE_SIZE);

/** @param rules of every symbol @param balances what the customer starts with, by coin */
export function createPast(
  rules: readonly Rules[],
  rates: Readonly<Record<keyof Rates, string>>,
  balances: Readonly<Record<string, string>>,
): Past {
  const floor = createFloor({ maker: decimal(rates.maker), taker: decimal(rates.taker) });
  const instruments = new Map(rules.map((each) => [each.symbol, instrumentOf(each)]));
  for (const { base, quote } of instruments.values()) {
    floor.ledger.endow(HOUSE, base, HOUSE_FUNDS);
    floor.ledger.endow(HOUSE, quote, HOUSE_FUNDS);
  }
  for (const [coin, amount] of Object.entries(balances)) floor.ledger.endow(CUSTOMER.uid, coin, decimal(amount));
  const counter = counterOf(floor, instruments);
  return {
    balance: (coin) => floor.ledger.balance(CUSTOMER.uid, coin),
    submit: (fields, quote, at) => {
      const now = nowAt(at);
      const standing = stand(floor, instruments.get(String(fields.symbol)), quote, now);
      const order = place(floor, counter, fields, now);
      for (const each of standing) cancelOrder(floor, each, 'system', now);
      return order;
    },
    pass: (symbol, candle) => {
      passSide(floor, symbol, 'buy', candle, ({ price }) => price.gt(candle.low));
      passSide(floor, symbol, 'sell', candle, ({ price }) => price.lt(candle.high));
    },
    fills: () => floor.fills.get(CUSTOMER.uid) ?? [],
    totals: () => floor.ledger.totals(),
  };
}

const nowAt = (at: number): Now => ({ venueMs: at, realMs: at });

/** House and ladder are not used: the book is made of candles. */
const instrumentOf = ({ symbol, priceStep, sizeStep, minSize, maxSize, minValue, trading }: Rules): Instrument => {
  const [base = '', quote = ''] = symbol.split('_');
  const pricePlaces = priceStep.split('.')[1]?.length ?? 0;
  const limits = { minSize: decimal(minSize), maxSize: decimal(maxSize), minValue: decimal(minValue) };
  const house = { mid: ZERO, gap: ZERO, unit: ZERO, levels: 0 };
  return { symbol, symbolId: 0, base, quote, step: decimal(sizeStep), pricePlaces, ...limits, trading, house };
};

const counterOf = (floor: Floor, instruments: ReadonlyMap<string, Instrument>): Counter => ({
  exchange: {
    instrument: (symbol) => instruments.get(symbol),
    best: (symbol, side) => queueOf(floor, symbol, side)[0]?.price,
    ordersOf: (uid, id) => floor.ordersOf.get(id === undefined ? uid : `${uid} ${id}`) ?? [],
    wouldCross: (order) => wouldCross(floor, order),
  },
  settings: { promises: defaultPromises(1) },
});

/** As the exchange's endpoint of orders does it. */
const place = (floor: Floor, counter: Counter, fields: OrderFields, now: Now): Order | Refusal => {
  const order = admit(counter, CUSTOMER, fields);
  if (isRefusal(order)) return order;
  const refused = refusalNow(counter, order);
  if (refused) return refused;
  return placeOrder(floor, order, counter.settings.promises.marketBuyEnds, now) ?? refuse(50020);
};

/** Puts the house's two prices into the book; what rests beyond them is filled by that. */
const stand = (floor: Floor, instrument: Instrument | undefined, { bid, ask }: Quote, now: Now): LiveOrder[] => {
  if (instrument === undefined) return [];
  return (
    [
      ['buy', bid],
      ['sell', ask],
    ] as const
  ).flatMap(([side, price]) => {
    if (price === undefined) return [];
    const at = floorTo(decimal(price), tickOf(instrument));
    return placeOrder(floor, houseOrder(instrument, side, 'limit', at, HOUSE_SIZE), 'filled', now) ?? [];
  });
};

/** Those that came after the candle's begin stand aside: nobody knows what it traded at before them. */
const passSide = (
  floor: Floor,
  symbol: string,
  side: Side,
  { openAt, closeAt }: Traded,
  isThrough: (order: LiveOrder) => boolean,
): void => {
  const queue = queueOf(floor, symbol, side);
  const late = queue.filter(({ createdAtMs }) => createdAtMs > openAt);
  for (const order of late) queue.splice(queue.indexOf(order), 1);
  for (const order of queue.filter(isThrough)) take(floor, order, nowAt(closeAt));
  for (const order of late) enqueue(queue, order, order.side);
};

/** The house takes the whole of a resting order, at its price. Those of better prices go first: they are in front. */
const take = (floor: Floor, order: LiveOrder, now: Now): void => {
  const { instrument, price } = order;
  const side = order.side === 'buy' ? 'sell' : 'buy';
  const size = order.size.minus(order.filledSize);
  placeOrder(floor, houseOrder(instrument, side, 'ioc', price, size), 'filled', now);
};
