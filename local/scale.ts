// What one account and a fleet come to: calls, time and money by arithmetic, for docs/scale.md. tests/scale.test.ts holds the
// calls to what the local stack makes, and the looks to the simulated week. Prices and quotas are AWS's published ones and may be others in your region.
import { nextLookSeconds } from '../shared/order/progress.ts';

/** US dollars: list prices of us-east-1; Tokyo's differ by some percent. */
export const PRICE = {
  fifoCall: 0.5 / 1e6,
  standardCall: 0.4 / 1e6,
  lambdaRequest: 0.2 / 1e6,
  /** arm64. */
  lambdaGibSecond: 0.0000133334,
  secretCall: 0.05 / 10_000,
  secretMonth: 0.4,
};
export const MEMORY_GIB = 0.5;
/** Lambda's pollers of one queue ask at least so often, s, and are so many, while nothing comes. */
const POLL = { everySeconds: 20, pollers: 5 };
const DAY_SECONDS = 86_400;
/** Between two look-ups of one account by one of two environments of `reconcile`: 0.3 of 12 in 2 s is for both. */
const LOOKUP_PACE_SECONDS = 2 / (12 * 0.94 * (0.3 / 2));

/** The pace of one account: a request each 53.2 ms. */
export const REQUESTS_PER_SECOND = 20 * 0.94;

/** SQS calls of one order that is placed in an event of `together` intents and ends at once: after one look. */
export function callsOf(together: number): { readonly fifo: number; readonly standard: number } {
  const each = 1 / together;
  return {
    // Sent, received and deleted with those of its event.
    fifo: 3 * each,
    // Its pending message and its report go out with those of its event; it is received, told of and deleted alone.
    standard: 2 * each + 3,
  };
}

/** Looks at an order that rests so long: the times at which `reconcile` comes back to it. */
export function looksOf(restsSeconds: number): number {
  let looks = 1;
  for (let age = 1; ;) {
    age += nextLookSeconds(age * 1000, 'any');
    if (age > restsSeconds) return looks;
    looks += 1;
  }
}

/** How long an event keeps an environment, s: for each request a round trip, or the pace if that is longer; the calls to SQS fall into the last one's. */
function eventSeconds(requests: number, roundTripSeconds: number): number {
  const paceSeconds = 1 / REQUESTS_PER_SECOND;
  return (requests - 1) * Math.max(paceSeconds, roundTripSeconds) + Math.max(paceSeconds, roundTripSeconds + 0.02);
}

/** How long `reconcile` keeps an environment for an order that has ended, s: a look, and by the pace of look-ups its fills. */
export const FOLLOW_SECONDS = LOOKUP_PACE_SECONDS + 0.05;

interface Case {
  readonly name: string;
  readonly together: number;
  readonly requests: number;
}
const ONE_AT_A_TIME: Case = { name: 'one at a time', together: 1, requests: 1 };
const CASES: readonly Case[] = [
  ONE_AT_A_TIME,
  { name: 'in events of ten', together: 10, requests: 10 },
  { name: 'in events of ten, batching', together: 10, requests: 1 },
];
const ROUND_TRIP_SECONDS = 0.03;

/** US dollars of a million orders, each of which ends at once. */
export function costOfMillion({ together, requests }: Case = ONE_AT_A_TIME) {
  const { fifo, standard } = callsOf(together);
  const sqs = (fifo * PRICE.fifoCall + standard * PRICE.standardCall) * 1e6;
  const events = 1e6 / together;
  const busy = events * eventSeconds(requests, ROUND_TRIP_SECONDS) + 1e6 * FOLLOW_SECONDS;
  const lambda = busy * MEMORY_GIB * PRICE.lambdaGibSecond + (events + 1e6) * PRICE.lambdaRequest;
  // No environment knows the account yet: the dearest case.
  const secrets = (events + 1e6) * PRICE.secretCall;
  return { sqs, lambda, secrets, calls: fifo + standard };
}

const dollars = (value: number): string => `$${value >= 100 ? value.toFixed(0) : value.toFixed(2)}`;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

/** The SQS calls of pollers that wait for nothing, a month. */
export function idleMonth(): number {
  const callsADay = (POLL.pollers * DAY_SECONDS) / POLL.everySeconds;
  return 30 * callsADay * (PRICE.fifoCall + PRICE.standardCall);
}

function fleetRow(accounts: number, ordersADay: number, resting: number): readonly string[] {
  const orders = accounts * ordersADay * 30;
  const { sqs, lambda, secrets } = costOfMillion(ONE_AT_A_TIME);
  const looksADay = accounts * resting * looksOf(DAY_SECONDS);
  const following = looksADay * 30 * (2 * PRICE.standardCall + PRICE.secretCall + PRICE.lambdaRequest + eventSeconds(1, ROUND_TRIP_SECONDS) * MEMORY_GIB * PRICE.lambdaGibSecond); // prettier-ignore
  return [
    whole(accounts),
    whole(accounts * resting),
    whole(looksADay / DAY_SECONDS),
    dollars(accounts * PRICE.secretMonth),
    dollars(((sqs + lambda + secrets) * orders) / 1e6),
    dollars(following),
    dollars(idleMonth()),
  ];
}

/** Batches that SQS hands out in a second for each partition of a FIFO queue; there are more partitions under load. */
const RECEIVES_PER_SECOND = 300;

/** Seconds until each of so many accounts has had one intent: events hold ten accounts, which are worked on side by side. */
function burstSeconds(accounts: number, concurrency: number): number {
  const events = accounts / 10;
  const rounds = Math.ceil(events / concurrency);
  return Math.max(rounds * eventSeconds(1, ROUND_TRIP_SECONDS), events / RECEIVES_PER_SECOND);
}

/** Looks of one environment in a second: those of ten accounts side by side, each one request. */
const looksPerSecond = 10 / eventSeconds(1, ROUND_TRIP_SECONDS);

/** Environments that follow so many resting orders. */
function followers(orders: number): number {
  return Math.ceil((orders * looksOf(DAY_SECONDS)) / DAY_SECONDS / looksPerSecond);
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** docs/scale.md */
export function scalePage(made: string): string {
  const perMillion = CASES.map((each) => {
    const { calls, sqs, lambda, secrets } = costOfMillion(each);
    const cost = [sqs, lambda, secrets, sqs + lambda + secrets].map(dollars);
    return [each.name, calls.toFixed(1), ...cost];
  });
  const bursts = [10, 100, 1000].map((concurrency) => [
    String(concurrency),
    ...[1, 1000, 10_000].map((accounts) => `${burstSeconds(accounts, concurrency).toFixed(1)} s`),
  ]);
  const fleet = [fleetRow(1, 100, 5), fleetRow(1000, 100, 5), fleetRow(10_000, 100, 5), fleetRow(10_000, 100, 12)];
  return `# What one account reaches, and what a fleet

${made} The arithmetic is in \`local/scale.ts\`; a test holds its calls to what the local stack makes, and its looks to the simulated week. Prices are AWS's list
prices of us-east-1, quotas its published defaults; both may be others where you are. The exchange is taken to be
${ROUND_TRIP_SECONDS * 1000} ms away.

## One account

The exchange takes 40 requests in 2 s; the pacer uses 0.94 of that, one request each ${(1000 / REQUESTS_PER_SECOND).toFixed(1)} ms: ${REQUESTS_PER_SECOND.toFixed(1)} orders a second
alone, and at most ${whole(REQUESTS_PER_SECOND * 10)} with batching in full events of one symbol. Each request waits for the answer to the one before, so
that where a round trip takes longer than that, it decides. Accounts whose keys belong to one user of the exchange share one limit
(\`mandate.limitShare\`); those of different users do not. What was measured stands in [bench.md](bench.md).

## A million orders

Each ends at once, after one look. The calls are those of the service and of who sends the intents; whoever reads the reports pays
for their own. Left out are CloudWatch and a NAT gateway, which [stack.md](stack.md) reckons with, and cold starts.
Secrets: every event finds an environment that does not know the account yet.

${table(['orders come', 'SQS calls per order', 'SQS', 'Lambda', 'secrets', 'together'], perMillion)}

## A fleet, a month

100 orders a day and account, one at a time; beside them resting orders, each looked at ${whole(looksOf(DAY_SECONDS))} times in its first day (and
less later: every day is reckoned as a first one).

${table(['accounts', 'resting orders', 'looks a second', 'secrets kept', 'orders', 'following', 'idle pollers'], fleet)}

## One intent of each account at the same moment

An event holds up to ten accounts, which are worked on side by side. Until the last of them is placed, by
\`maximumConcurrency\`, every environment warm, and Lambda grown to it, with one partition of the queue:

${table(['maximumConcurrency', '1 account', '1,000 accounts', '10,000 accounts'], bursts)}

A cold environment adds its start (bench.md) and, for each account that it does not know, one GetSecretValue.

## Which quota comes first

| quota | published | 1,000 accounts | 10,000 accounts |
|---|---|---|---|
| Lambda concurrency of the AWS account | 1,000, can be raised | 10 to 100 are enough | 100 are enough |
| a FIFO queue in high-throughput mode | 300 calls a second and partition for each action; partitions are added under load, up to a regional quota of some thousand | a burst is 100 receives | a burst is 1,000 receives: 3.3 s, or more partitions |
| GetSecretValue | 10,000 a second | 1,000 in a burst | 10,000 in a burst: the whole quota for a second |
| messages in flight of a standard queue (\`pending\`) | 120,000 | 120 resting orders an account | **12 resting orders an account** |
| look-ups of one account | 0.3 of the exchange's limit, divided by \`reconcileConcurrency\` | about 4,000 resting orders of one account | the same |
| \`reconcileConcurrency\`, at most 16 | an environment does ${looksPerSecond.toFixed(0)} looks a second where the orders are of many accounts | ${followers(120_000)} for 120,000 resting orders | ${followers(120_000)} for 120,000 resting orders |

**The next bottleneck** of a fleet of 10,000 accounts is the number of orders that may rest: each is one message in flight, and
SQS allows 120,000 of a queue. The way past it is a second pending queue, chosen by account. What costs most by then is to keep
the secrets and to follow the orders: ${fleetRow(10_000, 100, 12)[3] ?? ''} and ${fleetRow(10_000, 100, 12)[5] ?? ''} a month.
`;
}
