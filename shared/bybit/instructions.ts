// Instructions beside orders on Bybit: cancel, cancel-all, amend and settings. What is answered is that they were taken.
// Names what it cannot do and sends nothing then: margin, one side of cancel-all, hedge mode, a dead-man switch.
import { NAMELESS, refusedHere } from '../asking.ts';
import type { Market } from '../order/intent.ts';
import type { Verdict } from '../order/report.ts';
import type { Instruction, Times, TradingAccount } from '../order/venue.ts';
import { doneOutcome, spelled, succeeded, targetOutcome } from './answers.ts';
import { settled, type Calls, type Fields } from './calls.ts';
import { endpoints, type Category } from './endpoints.ts';
import type { Standing } from './standing.ts';
import type { Reply } from './wire.ts';

export interface InstructionsOutside {
  readonly calls: Calls;
  readonly standing: Standing;
}

export const categoryOf = (market: Market): Category => (market === 'futures' ? 'linear' : 'spot');
export const NO_MARGIN = refusedHere('MARKET_UNSUPPORTED', 'margin orders are not sent to Bybit: send them as spot or futures; nothing was sent'); // prettier-ignore

const TAKEN = 'Bybit took the request; the report of the order itself tells what came of it';

export async function instruct(
  outside: InstructionsOutside,
  account: TradingAccount,
  instruction: Instruction,
  within: Times,
): Promise<Verdict> {
  const { calls, standing } = outside;
  if (instruction.market === 'margin') return NO_MARGIN;
  const category = categoryOf(instruction.market);
  const times = { ...within, expiresAt: instruction.expiresAt };
  const write = async (
    endpoint: (typeof endpoints)[keyof typeof endpoints],
    fields: Fields,
    reading: (answer: Reply) => Verdict | undefined,
  ): Promise<Verdict> =>
    settled(
      await calls.write(account, endpoint, category, { category, ...fields }, times),
      reading,
      calls.explain,
      within,
    );
  switch (instruction.action) {
    case 'cancel': {
      const order = named(instruction.symbol, instruction.target);
      return order === undefined ? NAMELESS : write(endpoints.cancel, order, cancelOutcome);
    }
    case 'cancel-all': {
      const { symbol, side } = instruction;
      // It would cancel more than was asked.
      if (side !== undefined) return refusedHere('SIDE_UNSUPPORTED', 'Bybit cancels the orders of both sides at once; nothing was sent'); // prettier-ignore
      const which =
        symbol !== undefined ? { symbol: spelled(symbol) } : category === 'linear' ? { settleCoin: 'USDT' } : {};
      return write(endpoints.cancelAll, which, emptiedOutcome);
    }
    case 'amend': {
      const order = named(instruction.symbol, instruction.target);
      if (order === undefined) return NAMELESS;
      const against = await standing.priceObjection(account, category, within);
      if (against !== undefined) return against;
      return write(endpoints.amend, { ...order, qty: instruction.size, price: instruction.price }, amendOutcome);
    }
    case 'set-leverage': {
      const { symbol, leverage, marginMode } = instruction;
      const against = await standing.modeObjection(account, marginMode, within);
      if (against !== undefined) return against;
      standing.forget(account, symbol);
      const fields = { symbol: spelled(symbol), buyLeverage: leverage, sellLeverage: leverage };
      return write(endpoints.setLeverage, fields, doneOutcome);
    }
    case 'set-position-mode':
      if (instruction.positionMode === 'hedge') return NO_HEDGE;
      return write(endpoints.setPositionMode, { coin: 'USDT', mode: 0 }, doneOutcome);
    case 'cancel-all-after':
      return NO_SWITCH;
  }
}

const NO_HEDGE = refusedHere('HEDGE_UNSUPPORTED', 'orders go to Bybit for one-way mode, and in hedge mode it would refuse every one; nothing was sent'); // prettier-ignore
const NO_SWITCH = refusedHere('DEAD_MAN_SWITCH_UNSUPPORTED', 'Bybit has a dead-man switch for websockets of institutions alone: give orders a short expiresAt, or cancel them; nothing was sent'); // prettier-ignore

/** undefined where the target is no id. */
function named(symbol: string, target: unknown): Fields | undefined {
  if (typeof target !== 'string' || !/^[\w-]{1,36}$/.test(target)) return undefined;
  return { symbol: spelled(symbol), orderLinkId: target };
}

function cancelOutcome(answer: Reply): Verdict | undefined {
  return doneOutcome(answer, TAKEN) ?? targetOutcome(answer);
}

/** No report will tell what came of it: it is looked at. */
function amendOutcome(answer: Reply): Verdict | undefined {
  return succeeded(answer) ? { kind: 'taken' } : targetOutcome(answer);
}

/** At most 500 of perpetuals at once, chosen at random [cancel-all page]. */
const MOST_CANCELED = 500;

function emptiedOutcome(answer: Reply): Verdict | undefined {
  if (!succeeded(answer)) return targetOutcome(answer) === undefined ? undefined : { kind: 'done', detail: 'there was nothing to cancel' }; // prettier-ignore
  const { list, success } = (answer.data ?? {}) as { readonly list?: unknown; readonly success?: unknown };
  const count = Array.isArray(list) ? list.length : undefined;
  const detail = `Bybit took the request (${count ?? 'an untold number of'} orders); their own reports tell what came of them`;
  if (count === 0) return { kind: 'done', detail: 'there was nothing to cancel' };
  if (success !== undefined && success !== '1') {
    return { kind: 'unknown', venueCode: answer.code, detail: 'Bybit did not say that all orders were canceled', signedAt: answer.signedAt }; // prettier-ignore
  }
  const more = count !== undefined && count >= MOST_CANCELED ? `; it cancels ${MOST_CANCELED} at most, so there may be more: send another` : ''; // prettier-ignore
  return { kind: 'done', detail: detail + more };
}
