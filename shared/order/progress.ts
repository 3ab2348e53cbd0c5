// What an accepted order has come to, by what the venue shows of it: still open, filled in part, or at its end. Pure.
import Big from 'big.js';
import type { Instrument } from './instrument.ts';
import type { PlaceIntent } from './intent.ts';
import { reportOf } from './outcome.ts';
import type { ExecutionReport, PendingOrder } from './report.ts';
import type { Fee, VenueOrder } from './venue.ts';

/**
 * The state that counts: a market buy that ended canceled with its money spent is filled. What is left of its money is then
 * less than one step of the size costs, which no venue can sell; without the steps, less than a hundredth.
 */
export function stateOf(intent: PlaceIntent, order: VenueOrder, rules: Instrument | undefined): VenueOrder['state'] {
  if (!('notional' in intent) || order.state !== 'canceled' || new Big(order.filledSize).eq(0)) return order.state;
  const spent = order.filledNotional ?? (order.averagePrice && new Big(order.averagePrice).times(order.filledSize));
  if (spent === undefined || spent === '') return order.state;
  const left = new Big(intent.notional).minus(spent);
  const dust =
    rules === undefined
      ? new Big(intent.notional).div(100)
      : new Big(rules.sizeStep).times(new Big(spent).div(order.filledSize)).times('1.001');
  return left.lte(dust) ? 'filled' : order.state;
}

export function isFinal(state: VenueOrder['state']): state is 'filled' | 'canceled' | 'rejected' {
  return state === 'filled' || state === 'canceled' || state === 'rejected';
}

/** The report of a state, with what was filled at which price, and what it cost. */
export function progressReport(
  { intent, venueOrderId }: PendingOrder,
  order: VenueOrder,
  state: Exclude<VenueOrder['state'], 'open'>,
  fee: Fee | undefined,
  now: number,
): ExecutionReport {
  const { filledSize, averagePrice, cancelSource } = order;
  const isFilled = new Big(filledSize).gt(0);
  const cost = fee === undefined ? {} : { fee: fee.fee, feeCoin: fee.feeCoin };
  const isUnpriced = isFilled && fee === undefined && isFinal(state);
  const details = [
    ...(state === 'canceled' ? [`canceled by ${cancelSource ?? 'somebody whom the venue does not name'}`] : []),
    ...(state === 'rejected' ? ['the venue shows the order as failed'] : []),
    ...(isUnpriced ? ['what it cost could not be had from the venue'] : []),
  ];
  return reportOf(intent, state, now, {
    venueOrderId,
    filledSize: new Big(filledSize).toFixed(),
    ...(isFilled && averagePrice !== undefined ? { averagePrice: new Big(averagePrice).toFixed() } : {}),
    ...cost,
    ...(state === 'canceled' ? { cancelSource: cancelSource ?? 'unknown' } : {}),
    ...(state === 'rejected' ? { reason: 'VENUE_REFUSED' as const } : {}),
    ...(details.length === 0 ? {} : { detail: details.join('; ') }),
  });
}

/** The end of an order that was there and is not shown any more: a venue forgets what was canceled without a fill. */
export function forgottenReport({ intent, venueOrderId, toldSize }: PendingOrder, now: number): ExecutionReport {
  return reportOf(intent, 'canceled', now, {
    venueOrderId,
    filledSize: toldSize ?? '0',
    cancelSource: 'unknown',
    detail: 'the venue does not show the order any more: it was canceled, nobody knows by whom',
  });
}
