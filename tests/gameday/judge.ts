// The judge of a game day: which promises were broken, by the exchange's own book against what was told.
// Pure: a record in, sentences out. Knows nothing of how the day was made.
import { endpoints, readEndpoints } from '../../shared/bitmart/endpoints.ts';
import type { ExecutionReport, Status } from '../../shared/order/report.ts';
import type { Expectation } from './expectations.ts';
import type { DayRecord, Order, Sent } from './record.ts';

/** What a game day is held to, by name. */
export const PROMISES = [
  'nothing lost',
  'nothing doubled',
  'every report true',
  'poison named',
  'the limit kept',
  'a halt holds',
  'no secret shown',
  'the alarms tell',
] as const;
export type Promised = (typeof PROMISES)[number];
export interface Broken {
  readonly promise: Promised;
  readonly sentence: string;
}

/** After which nothing more is told of an intent; of an order that was accepted, that comes from its end. */
const FINAL: readonly Status[] = [
  'filled',
  'canceled',
  'denied',
  'rejected',
  'expired',
  'malformed',
  'unresolved',
  'done',
];
const TRADED: readonly Status[] = ['accepted', 'partially-filled', 'filled', 'canceled'];

/** @param expected what each alarm should have done on this day, by its slug */
export function judge(day: DayRecord, expected: Readonly<Record<string, Expectation>>): readonly Broken[] {
  const reports = Map.groupBy(day.reports, ({ id }) => id);
  const orders = Map.groupBy(day.orders, ({ clientOrderId }) => clientOrderId);
  const told = (promise: Promised, sentences: readonly string[]): readonly Broken[] =>
    sentences.map((sentence) => ({ promise, sentence }));
  return [
    ...told('nothing lost', lost(day, reports)),
    ...told('nothing doubled', doubled(day, orders)),
    ...told(
      'every report true',
      day.sent.flatMap((sent) => untrue(sent, reports.get(sent.id) ?? [], orders.get(sent.id) ?? [])),
    ),
    ...told('poison named', misnamed(day, reports)),
    ...told('the limit kept', overLimit(day)),
    ...told('a halt holds', halted(day)),
    ...told('no secret shown', day.shown),
    ...told('the alarms tell', alarmed(day, expected)),
  ];
}

type ById<T> = ReadonlyMap<string, readonly T[]>;

function lost(day: DayRecord, reports: ById<ExecutionReport>): readonly string[] {
  const bodies = new Set(day.letters.map(({ body }) => body));
  const untold = day.sent.flatMap(({ id, account, body }) => {
    const told = (reports.get(id) ?? []).filter((report) => report.account === account);
    const ends = told.filter(({ status }) => FINAL.includes(status)).map(({ status }) => status);
    if (ends.length === 0) return [`intent ${id} of ${account} has no final report, only [${told.map(({ status }) => status).join(', ')}]`]; // prettier-ignore
    const hasTraded = told.some(({ status }) => TRADED.includes(status)) || ends.includes('done');
    return hasTraded || bodies.has(body)
      ? []
      : [`intent ${id} of ${account} ended ${ends.join(', ')} and has no dead letter`];
  });
  const unburied = day.poison
    .filter(({ body }) => !bodies.has(body))
    .map(({ kind, messageId }) => `message ${messageId} (${kind}) is in no dead letter`);
  const left = Object.entries(day.left).filter(([, count]) => count > 0);
  return [...untold, ...unburied, ...left.map(([queue, count]) => `${count} messages are left on ${queue}`)];
}

function doubled({ sent }: DayRecord, orders: ById<Order>): readonly string[] {
  const asked = new Map(sent.filter(({ action }) => action === 'place').map(({ id, account }) => [id, account]));
  return [...orders].flatMap(([id, all]) => {
    if (all.length > 1) return [`intent ${id} has ${all.length} orders in the exchange's book`];
    const account = all[0]?.account ?? '';
    return asked.get(id) === account ? [] : [`the book has an order ${id} of ${account} that nobody asked for`];
  });
}

/** What was told of one intent against the book. */
function untrue({ id, body }: Sent, reports: readonly ExecutionReport[], orders: readonly Order[]): readonly string[] {
  const statuses = [...new Set(reports.map(({ status }) => status))];
  const traded = statuses.filter((status) => TRADED.includes(status));
  const [order] = orders;
  if (order === undefined) return traded.map((status) => `${id} is told as ${status}, and the book has no order of it`);
  const untraded = statuses.filter((status) => !TRADED.includes(status));
  const problems = untraded.map(
    (status) => `${id} is told as ${status}, and the book has an order of it (${order.state})`,
  );
  if (!statuses.includes('accepted')) problems.push(`${id} has an order in the book, and is not told as accepted`);
  const asked = JSON.parse(body) as Partial<Order>;
  const isAsked =
    order.symbol === asked.symbol &&
    order.side === asked.side &&
    Number(asked.size ?? order.size) === Number(order.size);
  if (!isAsked) problems.push(`${id} is another order in the book than was asked for`);
  const last = reports.filter(({ status }) => status === 'filled' || status === 'canceled');
  for (const { status, filledSize = '0' } of last) {
    const isSo = status === 'filled' ? FULL.includes(order.state) : CANCELED.includes(order.state);
    if (!isSo || Number(filledSize) !== Number(order.filledSize)) {
      problems.push(
        `${id} is told as ${status} with ${filledSize} filled, the book says ${order.state} with ${order.filledSize}`,
      );
    }
  }
  const other = reports.find(({ venueOrderId }) => venueOrderId !== undefined && venueOrderId !== order.orderId);
  if (other !== undefined)
    problems.push(`${id} is told as order ${other.venueOrderId ?? ''}, the book has ${order.orderId}`);
  return problems;
}

/** A market order that spent what it was given may end as canceled in part, on the exchange. */
const FULL = ['filled', 'partially_canceled'];
const CANCELED = ['canceled', 'partially_canceled'];

function misnamed({ poison }: DayRecord, reports: ById<ExecutionReport>): readonly string[] {
  return poison.flatMap(({ kind, messageId, reason = 'nothing', reasons, reportId }) => {
    const named = `message ${messageId} (${kind})`;
    if (!reasons.includes(reason)) return [`${named} was buried for ${reason}, not for ${reasons.join(' or ')}`];
    return reportId === undefined || reports.has(reportId) ? [] : [`${named} has no report`];
  });
}

const limits = new Map(
  [...Object.values(endpoints), ...Object.values(readEndpoints)].map(({ path, limit }) => [path, limit.requests]),
);

function overLimit({ requests }: DayRecord): readonly string[] {
  return Object.entries(requests).flatMap(([path, { byStatus, maxInWindow }]) => {
    const refused = byStatus['429'] ?? 0;
    const most = limits.get(path);
    if (most === undefined) return [`${path}: nobody says how often it may be asked for`];
    return [
      ...(refused === 0 ? [] : [`${path}: the exchange refused ${refused} requests with 429`]),
      ...(maxInWindow <= most ? [] : [`${path}: ${maxInWindow} requests in one window, the limit is ${most}`]),
    ];
  });
}

function halted({ halts, orders }: DayRecord): readonly string[] {
  return halts.flatMap(({ account, from, to }) =>
    orders
      .filter((order) => order.account === account && order.createTime > from && order.createTime < to)
      .map(({ clientOrderId }) => `order ${clientOrderId} of ${account} was placed while it was halted`),
  );
}

function alarmed({ alarms }: DayRecord, expected: Readonly<Record<string, Expectation>>): readonly string[] {
  const seen = new Map(alarms.map((alarm) => [alarm.slug, alarm]));
  const missing = Object.keys(expected).filter((slug) => !seen.has(slug));
  return [
    ...missing.map((slug) => `the template has no alarm ${slug}`),
    ...alarms.flatMap(({ slug, hasFired, worst, metric, fires }) => {
      const wish = expected[slug];
      if (wish === undefined) return [`nobody says what the alarm ${slug} should do on this day`];
      const { does, why } = wish;
      const shown = `${metric} came to ${worst ?? 'nothing'}, it fires ${fires}`;
      if (does === 'fire' && worst === undefined)
        return [`the alarm ${slug} should fire (${why}), and its metric has no point`];
      if (does === 'fire' && !hasFired) return [`the alarm ${slug} should fire (${why}), and did not: ${shown}`];
      return does === 'rest' && hasFired ? [`the alarm ${slug} should not fire (${why}), and did: ${shown}`] : [];
    }),
  ];
}

/** Where a part of a key is shown: one sentence for each text, which itself stays unsaid. */
export function showing(
  texts: readonly { readonly where: string; readonly text: string }[],
  secrets: readonly string[],
): readonly string[] {
  // As they stand and as JSON writes them.
  const forms = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return texts
    .filter(({ text }) => forms.some((secret) => text.includes(secret)) || /X-BM-SIGN"\s*:/i.test(text))
    .map(({ where }) => `${where} shows a part of a key`);
}
