// Holds what happened in a world against the promises, by the exchange's own book. Pure.
import type { Plan, World } from './world.ts';

/** Every broken promise as a sentence; none for a world that kept them all. */
export function judge(plan: Plan, world: World): readonly string[] {
  const broken: string[] = [];
  const { intents, reports, letters, orders, sent } = world;
  const isJudgedOnce = (id: string): boolean => !world.sentAgain.has(id) && !world.judgedAgain.has(id);
  // Where the venue breaks the promises that proofs rest on, or two environments judge one delivery by clocks of their own, a
  // verdict may be wrong; a second order must not happen still.
  const areVerdictsProven =
    plan.showsOrdersWithinMs <= 5000 && plan.refusesTimestamps && !plan.doubleInvocation && !plan.badClocks;
  for (const intent of intents) {
    const { id, account, action } = intent;
    const own = orders.filter((order) => order.account === account && order.clientOrderId === id);
    const told = reports.filter((report) => report.account === account && report.id === id);
    const statuses = new Set(told.map(({ status }) => status));
    if (own.length > 1) broken.push(`${id} has ${own.length} orders`);
    if (told.length === 0) broken.push(`${id} has no report`);
    if (action === 'place' && areVerdictsProven && isJudgedOnce(id)) {
      const isOpen = statuses.has('unresolved');
      if (statuses.has('accepted') && own.length === 0) broken.push(`${id} is reported accepted and has no order`);
      if (own.length > 0 && !statuses.has('accepted') && !isOpen)
        broken.push(`${id} has an order and is reported ${[...statuses].join(', ')}`);
      if (statuses.size > (isOpen ? 2 : 1)) broken.push(`${id} has several ends: ${[...statuses].join(', ')}`);
    } else if (action === 'cancel' && (statuses.has('done') || statuses.has('rejected'))) {
      const target = orders.find((order) => order.account === account && order.clientOrderId === intent['target']);
      const isOver = target === undefined || !['new', 'partially_filled'].includes(target.state);
      if (!isOver) broken.push(`${id} is reported ${[...statuses].join(', ')} and its target still rests`);
    }
    const own2 = letters.filter(({ intentId, reason }) => intentId === id && !reason.endsWith('_MISMATCH'));
    const isBuriedOnly = told.length > 0 && !statuses.has('accepted') && !statuses.has('done');
    if (isBuriedOnly && own2.length === 0) broken.push(`${id} came to no trade and has no letter`);
    if (
      action === 'place' &&
      areVerdictsProven &&
      isJudgedOnce(id) &&
      own.length > 0 &&
      own2.some(({ certainty }) => certainty !== 'unknown')
    ) {
      broken.push(
        `${id} has an order and a letter that denies it (${own2.map(({ reason, certainty }) => `${reason} ${certainty}`).join(', ')})`,
      );
    }
  }
  for (const { id, at, expiresAt, path } of sent) {
    if (at >= expiresAt) broken.push(`${id} was sent to ${path} ${at - expiresAt} ms after its expiry`);
  }
  for (const account of new Set(sent.map((each) => each.account))) {
    const times = sent.filter((each) => each.account === account).map(({ trueAt }) => trueAt);
    // 53.19 ms apart, less what a whole-millisecond clock rounds away. Two invocations of one delivery are no sequence.
    const closest = Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
    if (closest < 52 && !plan.doubleInvocation) broken.push(`two submits of ${account} started ${closest} ms apart`);
  }
  for (const { id, account, messageId } of world.reused) {
    const first = orders.find((order) => order.account === account && order.clientOrderId === id);
    const letter = letters.find(({ sourceMessageId }) => sourceMessageId === messageId);
    const isOwn = first?.size === '0.00987';
    if (first !== undefined && !isOwn && letter === undefined && areVerdictsProven) {
      broken.push(`${id} was reused for another order, and nobody said so`);
    }
  }
  if (world.maxInWindow > 40) broken.push(`${world.maxInWindow} submits arrived in one window of ${plan.seed}`);
  return broken;
}
