// Holds the requests of a world against the venue's limits: how close they start, and what comes after a refusal. Pure.
import { CANCEL, PLACE } from './exchange.ts';
import type { Plan } from './plan.ts';
import { ACCOUNTS, BAN_MS, type Call } from './stage.ts';
import type { World } from './world.ts';

/** How far apart two requests of an account start at least, ms, less what a whole-millisecond clock rounds away. */
const APART: Readonly<Record<string, number>> = {
  // 40 in 2 s, at 0.94 of it.
  [PLACE]: 52,
  [CANCEL]: 52,
  // 50 in 2 s, at 0.94 of a half.
  '/spot/v4/query/client-order': 84,
};
/** What another account had under way when the ban came may still go out. */
const UNDER_WAY_MS = 8000;

/** The windows are kept over all environments. Two invocations of one delivery are no sequence. */
export function spacing(plan: Plan, { calls, maxInWindow }: World): readonly string[] {
  const broken: string[] = [];
  const isPaced = ({ from }: Call): boolean => from.startsWith('environment') && !plan.doubleInvocation;
  for (const account of ACCOUNTS) {
    for (const [path, leastMs] of Object.entries(APART)) {
      const own = calls.filter((call) => call.account === account && call.path === path && isPaced(call));
      const times = own.map(({ turnAt }) => turnAt).sort((a, b) => a - b);
      const closest = Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
      if (closest < leastMs) broken.push(`two requests of ${account} to ${path} started ${closest} ms apart`);
    }
  }
  if (maxInWindow > 40) broken.push(`${maxInWindow} submits arrived in one window`);
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
