// What a deployed stack costs a month, all of it, for docs/stack.md: what is paid for standing there, and what for orders.
// tests/scale.test.ts holds the bytes of the logs and the seconds of the functions to what the local stack makes. Prices are
// published list prices, as in local/scale.ts; free tiers are not counted. Knows no discount, no tax and no other region.
import { METRIC_DOLLARS, metricHours } from './metrics.ts';
import { costOfMillion, idleMonth, MEMORY_GIB, PRICE } from './scale.ts';

/** US dollars, us-east-1, as published in 2026. */
const MORE = {
  alarmMonth: 0.1,
  dashboardMonth: 3,
  logGb: 0.5,
  logGbMonth: 0.03,
  firing: 1 / 1e6,
};
const GB = 1e9;
const HOURS = 730;
/** What the functions write: of an order that is alone in its event and ends at once, and of a probe of one account. */
export const LOG_BYTES = { order: 2700, probe: 2500 };
/** A probe of one account, s: the exchange's time is asked for eight times, a quarter of a second apart. */
export const PROBE_SECONDS = 2.3;
const PROBES = (HOURS * 60) / 5;
/** Of prod: logRetentionDays is 90. */
const KEPT_MONTHS = 3;

interface Month {
  readonly orders: number;
  /** Each with its name, in the order of the table. */
  readonly costs: Readonly<Record<string, number>>;
}

/** One account on prod, orders one at a time, each filled at once. @param alarms how many the template has */
function month(orders: number, alarms: number): Month {
  const million = costOfMillion();
  const share = orders / 1e6;
  const logGb = (orders * LOG_BYTES.order + PROBES * LOG_BYTES.probe) / GB;
  const probing = PROBES * (PROBE_SECONDS * MEMORY_GIB * PRICE.lambdaGibSecond + PRICE.lambdaRequest + MORE.firing + PRICE.secretCall); // prettier-ignore
  return {
    orders,
    costs: {
      SQS: idleMonth() + million.sqs * share,
      Lambda: million.lambda * share,
      secrets: PRICE.secretMonth + million.secrets * share,
      probe: probing,
      metrics: metricHours(orders, HOURS, { accounts: 1, isCalm: true }) * (METRIC_DOLLARS / HOURS),
      alarms: alarms * MORE.alarmMonth,
      logs: logGb * (MORE.logGb + MORE.logGbMonth * KEPT_MONTHS),
    },
  };
}

const dollars = (value: number): string => `$${value.toFixed(2)}`;

/** The table of docs/stack.md. */
export function costTable(alarms: number): string {
  const months = [100, 10_000, 1_000_000].map((orders) => month(orders, alarms));
  const names = Object.keys(months[0]?.costs ?? {});
  const rows = months.map(({ orders, costs }) => {
    const together = Object.values(costs).reduce((sum, cost) => sum + cost, 0);
    return [orders.toLocaleString('en-US'), ...Object.values(costs).map(dollars), `**${dollars(together)}**`];
  });
  const head = ['orders a month', ...names, 'together'];
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  return `${lines.join('\n')}\n\nA dashboard is free while the AWS account has no more than three, and else costs ${dollars(MORE.dashboardMonth)}.`;
}
