// What an accepted order has come to, by what the venue shows of it: still open, filled in part, or at its end. Pure.
import Big from 'big.js';
import type { Instrument } from './instrument.ts';
import type { PlaceIntent } from './intent.ts';
import { reportOf } from './outcome.ts';
import { reasons } from './reason.ts';
import { sentence, type DeadLetter, type ExecutionReport, type PendingOrder } from './report.ts';
import type { Fills, Promises, VenueOrder } from './venue.ts';

type State = VenueOrder['state'];
/** The venue's rules; `guess` where it has none any more and somebody has to decide all the same. */
type Rules = Instrument | 'guess' | undefined;

/**
 * The state that counts, with two exceptions from what the venue says. A market buy that ended canceled with its money spent
 * is filled: what is left of it buys nothing more. An order that is called failed and has fills is canceled: it traded.
 * @returns undefined where only the rules can tell, and are not given
 */
export function stateOf(intent: PlaceIntent, order: VenueOrder, rules: Rules): State | undefined {
  const isFilled = new Big(order.filledSize).gt(0);
  if (order.state === 'rejected' && isFilled) return 'canceled';
  return order.state === 'canceled' && 'notional' in intent ? endOfBuy(intent.notional, order, rules) : order.state;
}

type End = 'filled' | 'canceled' | undefined;

/** A market buy that is over: filled where its money is spent. */
function endOfBuy(notional: string, { filledSize, filledNotional, averagePrice }: VenueOrder, rules: Rules): End {
  if (new Big(filledSize).eq(0)) return 'canceled';
  const spent = filledNotional ?? (averagePrice && new Big(averagePrice).times(filledSize));
  if (spent === undefined || spent === '') return 'canceled';
  // What was spent may be rounded.
  const price = new Big(spent).div(filledSize).times('1.001');
  return endOf(new Big(notional).minus(spent), notional, price, rules);
}

/**
 * The end of an order of which nothing but its fills is known: filled where they come to what the intent asked for. (Of an
 * order that was amended since nobody knows here what was asked for last.)
 * @returns undefined where only the rules can tell, and are not given
 */
export function endByFills(intent: PlaceIntent, order: VenueOrder, rules: Rules): End {
  if ('notional' in intent) return endOfBuy(intent.notional, order, rules);
  if (new Big(order.filledSize).eq(0)) return 'canceled';
  // The size was rounded down before it was sent.
  return endOf(new Big(intent.size).minus(order.filledSize), intent.size, new Big(1), rules);
}

/** Filled, where what is left is less than can be traded: than the coarser of step and smallest size, at this price. */
function endOf(left: Big, whole: string, price: Big, rules: Rules): End {
  if (left.lte(0)) return 'filled';
  // A whole order is one step at least, so that what is left of it is less than half.
  if (left.times(2).gt(whole)) return 'canceled';
  if (rules === undefined) return undefined;
  const isDust =
    rules === 'guess'
      ? left.times(100).lte(whole)
      : [rules.sizeStep, rules.minSize].some((step) => left.lt(price.times(step)));
  return isDust ? 'filled' : 'canceled';
}

export function isFinal(state: State): state is 'filled' | 'canceled' | 'rejected' {
  return state === 'filled' || state === 'canceled' || state === 'rejected';
}

/**
 * The report of a state, with what was filled at which price, and what it cost.
 * @param fills what the venue shows of them at the end; undefined where it gave no answer
 * @param said what is said of the end, where it is more than the state tells
 */
export function progressReport(
  { intent, venueOrderId }: PendingOrder,
  order: VenueOrder,
  state: Exclude<State, 'open'>,
  fills: Fills | undefined,
  now: number,
  said = sayingOf(order, state),
): ExecutionReport {
  const { filledSize, averagePrice, cancelSource } = order;
  const isFilled = new Big(filledSize).gt(0);
  const cost = isFilled && isFinal(state) ? costOf(filledSize, fills) : {};
  const details = [said, cost.detail].filter((each) => each !== undefined);
  return reportOf(intent, state, now, {
    ...(venueOrderId === undefined ? {} : { venueOrderId }),
    filledSize: new Big(filledSize).toFixed(),
    ...(isFilled && averagePrice !== undefined ? { averagePrice: new Big(averagePrice).toFixed() } : {}),
    ...cost,
    ...(state === 'canceled' ? { cancelSource: cancelSource ?? 'unknown' } : {}),
    ...(state === 'rejected' ? { reason: 'VENUE_REFUSED' as const } : {}),
    ...(details.length === 0 ? {} : { detail: sentence(details.join('; ')) }),
  });
}

const FAILED = 'the venue shows the order as failed';

function sayingOf({ cancelSource, reason }: VenueOrder, state: State): string | undefined {
  const why = reason === undefined ? '' : `: ${reason}`;
  if (state === 'canceled') return `canceled by ${cancelSource ?? 'somebody whom the venue does not name'}${why}`;
  return state === 'rejected' ? FAILED + why : undefined;
}

/** Do the fills that are shown come to what was filled? */
export function isWhole(fills: Fills, filledSize: string): boolean {
  return new Big(fills.size).gte(filledSize);
}

/** What it cost where that is known and was paid in one coin, and else a sentence. Never the cost of a part. */
function costOf(filledSize: string, fills: Fills | undefined): Pick<ExecutionReport, 'fee' | 'feeCoin' | 'detail'> {
  if (fills === undefined) return { detail: 'what it cost is not known: its fills could not all be had in time' };
  if (!isWhole(fills, filledSize)) {
    const sizes = `${fills.size} of ${new Big(filledSize).toFixed()}`;
    return { detail: `what it cost is not known: the venue shows fills of ${sizes}` };
  }
  const [cost, ...others] = fills.costs;
  if (cost !== undefined && others.length === 0) return { fee: cost.fee, feeCoin: cost.feeCoin };
  const all = fills.costs.map(({ fee, feeCoin }) => `${fee} ${feeCoin}`).join(' and ');
  return { detail: `its cost was paid in several coins: ${all}` };
}

/** An order that was there and is not shown any more, as its fills tell of it, or what was told of it before if that is more. */
export function forgottenOrder({ intent, venueOrderId = '', toldSize }: PendingOrder, fills: Fills): VenueOrder {
  const { symbol, side, type } = intent;
  const isAll = isWhole(fills, toldSize ?? '0');
  return {
    ...{ venueOrderId, symbol, side, type, state: 'canceled' },
    filledSize: isAll ? fills.size : (toldSize ?? '0'),
    ...(isAll && fills.averagePrice !== undefined ? { averagePrice: fills.averagePrice } : {}),
  };
}

/** The end of such an order. @param state by its fills @param acknowledges what the venue's answer to it meant */
export function forgottenReport(
  pending: PendingOrder,
  order: VenueOrder,
  state: 'filled' | 'canceled',
  fills: Fills,
  now: number,
  acknowledges: Promises['acknowledges'],
): ExecutionReport {
  const isBooked = acknowledges === 'booking' || new Big(order.filledSize).gt(0);
  const gone = isBooked ? 'it was canceled, nobody knows by whom' : 'it was canceled, or never booked after it was accepted'; // prettier-ignore
  const end = state === 'filled' ? 'its fills come to what was asked for' : gone;
  return progressReport(pending, order, state, fills, now, `the venue does not show the order any more: ${end}`);
}

/** The letter of an order that was accepted and then failed. @param messageId,attempts of the message that followed it */
export function failedLetter(
  { intent }: PendingOrder,
  { reason }: VenueOrder,
  messageId: string,
  attempts: number,
): DeadLetter {
  if (reason === undefined) return letterOf(intent, 'VENUE_REFUSED', FAILED, messageId, attempts);
  const detail = sentence(`${FAILED}: ${reason}`);
  return { ...letterOf(intent, 'VENUE_REFUSED', detail, messageId, attempts), venueCode: sentence(reason) };
}

/** An order that was accepted together with others and never seen: nobody can tell what it came to. */
export function neverSeen(
  { intent, acceptedAt }: PendingOrder,
  messageId: string,
  attempts: number,
  now: number,
): { readonly kind: 'finished'; readonly report: ExecutionReport; readonly letter: DeadLetter } {
  const detail = `accepted at ${acceptedAt} together with others, not looked at for long, and not shown any more`;
  const report = reportOf(intent, 'unresolved', now, { reason: 'UNRESOLVED', detail });
  return { kind: 'finished', report, letter: letterOf(intent, 'UNRESOLVED', detail, messageId, attempts) };
}

function letterOf(
  intent: PlaceIntent,
  reason: 'VENUE_REFUSED' | 'UNRESOLVED',
  detail: string,
  messageId: string,
  attempts: number,
): DeadLetter {
  const { id: intentId, account } = intent;
  const { certainty } = reasons[reason];
  const source = { body: JSON.stringify(intent), group: account, sourceMessageId: messageId };
  return { ...source, reason, certainty, detail, attempts, intentId, account };
}

/** An order that was canceled without a fill is forgotten by the venue after about 20 minutes: it is looked at twice before. */
export const SLOWEST_SECONDS = 600;
export const FASTEST_SECONDS = 2;

/** Half of an order's age until the next look, from two seconds to ten minutes; a tenth less at most, so that they spread. */
export function nextLookSeconds(ageMs: number, messageId: string): number {
  let hash = 0;
  for (const character of messageId) hash = (hash * 31 + character.charCodeAt(0)) % 997;
  const spread = 1 - hash / 9970;
  return Math.min(SLOWEST_SECONDS, Math.max(FASTEST_SECONDS, ageMs / 2000)) * spread;
}
