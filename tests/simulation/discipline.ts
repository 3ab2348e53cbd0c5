// Holds the requests of a world against the venue's limits: how close they start, and what comes after a refusal. Pure.
import { PLACE, PLACE_ALL, PLACE_FUTURES, PLACE_MARGIN } from './exchange.ts';
import type { Plan } from './plan.ts';
import { BAN_MS, type Call } from './stage.ts';
import type { World } from './world.ts';

/** How far apart two requests of an account start at least, ms, less what a whole-millisecond clock rounds away. */
// prettier-ignore
const APART: readonly (readonly [who: 'environment' | 'follower', path: string, leastMs: number])[] = [
  // 40 in 2 s, or 20 in 1 s, at 0.94 of it.
  ['environment', PLACE, 52],
  ['environment', PLACE_MARGIN, 52],
  ['environment', '/spot/v3/cancel_order', 52],
  ['environment', '/contract/private/cancel-order', 52],
  // 24 in 2 s.
  ['environment', PLACE_FUTURES, 87],
  ['environment', '/contract/private/modify-limit-order', 87],
  ['environment', '/contract/private/submit-leverage', 87],
  // 4 and 2 in 2 s, 1 in 3 s.
  ['environment', '/contract/private/cancel-all-after', 530],
  ['environment', '/contract/private/cancel-orders', 1062],
  ['environment', '/contract/private/set-position-mode', 1062],
  ['environment', '/spot/v4/cancel_all', 3190],
  // A half of 50 in 2 s, and of 6 in 2 s.
  ['environment', '/spot/v4/query/client-order', 84],
  ['environment', '/contract/private/get-open-orders', 84],
  ['environment', '/contract/private/order-history', 708],
  // Three twentieths of 50, 12 and 6 in 2 s, for each of two.
  ['follower', '/spot/v4/query/order', 282],
  ['follower', '/contract/private/order', 282],
  ['follower', '/spot/v4/query/order-trades', 1180],
  ['follower', '/contract/private/trades', 2362],
];
/** The limits themselves: so many requests of one account in one window. */
const MOST: Readonly<Record<string, number>> = {
  [PLACE]: 40,
  [PLACE_ALL]: 40,
  [PLACE_MARGIN]: 20,
  [PLACE_FUTURES]: 24,
  '/spot/v3/cancel_order': 40,
  '/contract/private/cancel-order': 40,
  '/contract/private/modify-limit-order': 24,
  '/contract/private/submit-leverage': 24,
  '/contract/private/cancel-all-after': 4,
  '/contract/private/cancel-orders': 2,
  '/contract/private/set-position-mode': 2,
  // The limit is 1 in 3 s: one that is held up on its way may arrive together with the next.
  '/spot/v4/cancel_all': 2,
  '/spot/v4/query/client-order': 50,
  '/contract/private/get-open-orders': 50,
  '/contract/private/order-history': 6,
  '/spot/v4/query/order': 50,
  '/contract/private/order': 50,
  '/spot/v4/query/order-trades': 12,
  '/contract/private/trades': 6,
};
/** What another account had under way when the ban came may still go out. */
const UNDER_WAY_MS = 8000;

/** The windows are kept over all environments. Two invocations of one delivery are no sequence. */
export function spacing(plan: Plan, { calls, windows }: World): readonly string[] {
  const broken: string[] = [];
  const lanes = Map.groupBy(calls, ({ account, path, from }) => {
    // Those that follow orders have a part of the limit each; those that execute intents come one after the other.
    // Single orders and several together share one lane.
    const of = path === PLACE_ALL ? PLACE : path;
    return `${account} ${of} ${from.startsWith('follower') ? from : from.split(' ')[0]}`;
  });
  for (const [lane, own] of lanes) {
    const [account, path, who] = lane.split(' ');
    const least = APART.find((each) => each[0] === who && each[1] === path)?.[2];
    if (least === undefined || plan.doubleInvocation) continue;
    const times = own.map(({ turnAt }) => turnAt).sort((a, b) => a - b);
    const closest = Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
    if (closest < least) broken.push(`two requests of ${account} to ${path} started ${closest} ms apart`);
  }
  for (const [path, most] of Object.entries(MOST)) {
    const came = windows[path] ?? 0;
    if (came > most && !plan.doubleInvocation) broken.push(`${came} requests to ${path} arrived in one window`);
  }
  return broken;
}

function isBan({ answer }: Call): boolean {
  if (answer === undefined) return false;
  return answer.status === 418 || answer.body.includes('"code":30017') || /^\s*</.test(answer.body);
}

function isThrottle({ answer }: Call): boolean {
  return answer?.status === 429 || answer?.body.includes('"code":30013') === true;
}

/**
 * After a 429 nothing more is asked for that account in that invocation; after a ban nothing by that environment for as long
 * as it lasts, and where all leave through one address, nothing for any account.
 */
export function bans({ calls, invocations, thawed, isEgressFixed }: World): readonly string[] {
  const broken: string[] = [];
  for (const call of calls) {
    const { account, from, answer } = call;
    // What a frozen environment knows, and when, is its own affair.
    if (answer === undefined || !from.startsWith('environment') || thawed.has(from)) continue;
    const [isBanned, isThrottled] = [isBan(call), isThrottle(call)];
    if (!isBanned && !isThrottled) continue;
    const until = invocations.find(
      (each) => each.from === from && each.at <= answer.at && answer.at <= each.until,
    )?.until;
    const after = calls.find((each) => {
      if (each.from !== from || each.at <= answer.at) return false;
      const isOwn = each.account === account;
      if (isThrottled && isOwn && each.at < (until ?? 0)) return true;
      const isEverybodys = isEgressFixed && each.at > answer.at + UNDER_WAY_MS;
      return isBanned && each.at < answer.at + BAN_MS - 1000 && (isOwn || isEverybodys);
    });
    if (after === undefined) continue;
    const what = isBanned ? 'a ban' : 'a 429';
    broken.push(
      `${from} asked ${after.path} for ${after.account} ${after.at - answer.at} ms after ${what} of ${account}`,
    );
  }
  return broken;
}
