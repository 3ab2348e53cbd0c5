// The order endpoints: single ones and batches. Promises a batch's two parallel lists, one verdict per order, and that its
// tail over the limit fails while its head is done. Never decides about an order itself.
import { categoryNamed } from './admission.ts';
import { invalid, isRefusal, refuse, type Refusal } from './codes.ts';
import type { Fields } from './fields.ts';
import type { Order } from './orders.ts';
import { amend, cancel, cancelAll, place } from './trading.ts';
import { signed, type Answer, type Endpoint, type PrivateCall, type Venue } from './venue.ts';

type Deed = (venue: Venue, call: PrivateCall, fields: Fields) => Order | Refusal;

const SPOT_BATCH_MAX = 10;

const single =
  (deed: Deed) =>
  (venue: Venue, call: PrivateCall): Answer => {
    const order = deed(venue, call, call.body);
    return isRefusal(order) ? order : { result: { orderId: order.orderId, orderLinkId: order.orderLinkId } };
  };

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What one row of a batch came to, in both lists. */
const verdict = (row: Fields, category: string, done: Order | Refusal, showsTime: boolean) => {
  const time = isRefusal(done) ? '' : String(done.createTime);
  const id = row['orderLinkId'];
  return {
    listed: {
      category,
      symbol: row['symbol'] ?? '',
      orderId: isRefusal(done) ? '' : done.orderId,
      orderLinkId: isRefusal(done) ? (id ?? row['orderId'] ?? '') : done.orderLinkId,
      ...(showsTime ? { createAt: time } : {}),
    },
    ext: isRefusal(done) ? { code: done.refused, msg: done.message } : { code: 0, msg: 'OK' },
  };
};

/** The lists as documented, or as a promise spoils them. */
const answered = (venue: Venue, verdicts: readonly ReturnType<typeof verdict>[]): Answer => {
  const { batch } = venue.settings.promises;
  const rows = batch === 'shuffled' ? verdicts.toReversed() : verdicts;
  if (batch === 'missing') return { result: {}, ext: {} };
  const ext = rows.map((one) => one.ext);
  return { result: { list: rows.map((one) => one.listed) }, ext: { list: batch === 'unequal' ? ext.slice(1) : ext } };
};

/** That the code of what is over the limit is 10006 is an assumption; the page only speaks of an error. */
const many =
  (deed: Deed, showsTime: boolean) =>
  (venue: Venue, call: PrivateCall): Answer => {
    const category = categoryNamed(call.body);
    if (typeof category !== 'string') return category;
    const asked: unknown = call.body['request'];
    const most = category === 'spot' ? SPOT_BATCH_MAX : venue.settings.promises.linearBatchMax;
    if (!Array.isArray(asked) || asked.length < 1 || asked.length > most) {
      return invalid(`request must hold 1 to ${most} orders`);
    }
    const rows: readonly unknown[] = asked;
    const verdicts = rows.map((row, index) => {
      if (!isRecord(row)) return verdict({}, category, invalid('request holds no object'), showsTime);
      const done = index < call.granted ? deed(venue, call, { ...row, category }) : refuse(10006);
      return verdict(row, category, done, showsTime);
    });
    return answered(venue, verdicts);
  };

const all = (venue: Venue, call: PrivateCall): Answer => {
  const category = categoryNamed(call.body);
  if (typeof category !== 'string') return category;
  const canceled = cancelAll(venue, call, category);
  if ('refused' in canceled) return canceled;
  return { result: { list: canceled.map(({ orderId, orderLinkId }) => ({ orderId, orderLinkId })), success: '1' } };
};

/** Limits from the documentation of 2026-07; an amendment's spot limit is not the account's level. */
export const orderEndpoints = (venue: Venue): readonly Endpoint[] => {
  const row = (
    name: string,
    answer: (venue: Venue, call: PrivateCall) => Answer,
    { spot = 20, batch = false }: { readonly spot?: number; readonly batch?: boolean } = {},
  ): Endpoint =>
    signed(10, {
      method: 'POST',
      path: `/v5/order/${name}`,
      permission: undefined,
      limit: { spot, linear: 10, seconds: 1 },
      atLevel: spot === 20,
      batch,
      answer: (call) => answer(venue, call),
    });
  return [
    row('create', single(place)),
    row('amend', single(amend), { spot: 10 }),
    row('cancel', single(cancel)),
    row('cancel-all', all),
    row('create-batch', many(place, true), { batch: true }),
    row('amend-batch', many(amend, false), { batch: true }),
    row('cancel-batch', many(cancel, false), { batch: true }),
  ];
};
