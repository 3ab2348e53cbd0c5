// Holds what happened in a world against the promises, by the exchange's own book. Pure.
import type { VenueOrderRow } from './exchange.ts';
import { bans, spacing } from './discipline.ts';
import type { Plan } from './plan.ts';
import { SECRET_CACHE_MS, SHADOW, type Intent, type Letter } from './stage.ts';
import type { World } from './world.ts';

/** Every broken promise as a sentence; none for a world that kept them all. */
export function judge(plan: Plan, world: World): readonly string[] {
  return [
    ...world.intents.flatMap((intent) => ends(intent, plan, world)),
    ...sends(world),
    ...spacing(plan, world),
    ...bans(world),
    ...world.bugs.map((bug) => `execution threw: ${bug}`),
    ...unfollowed(world),
    ...followed(plan, world),
    ...undone(plan, world),
    ...replayed(plan, world),
    ...others(plan, world),
  ];
}

/**
 * Where the venue breaks the promises that proofs rest on, or two environments judge one delivery by clocks of their own,
 * a verdict may be wrong; a second order must not happen still.
 */
function areVerdictsProven(plan: Plan): boolean {
  const isVenueTrue = plan.showsOrdersWithinMs <= 5000 && plan.refusesTimestamps;
  return isVenueTrue && !plan.doubleInvocation && !plan.badClocks && !isForgottenTooSoon(plan);
}

function isForgottenTooSoon({ forgetsAfterMs, saysForgetsAfterMs }: Plan): boolean {
  return forgetsAfterMs < saysForgetsAfterMs;
}

/** Was the earlier order canceled without a trade, and so long ago that nothing can be known of it any more? */
function isForgotten(earlier: VenueOrderRow, later: VenueOrderRow, plan: Plan): boolean {
  return earlier.state === 'canceled' && later.createdAt - earlier.createdAt >= plan.forgetsAfterMs;
}

/** One intent: at most one order, one end that is true, a letter where no trade came of it. */
function ends(intent: Intent, plan: Plan, world: World): readonly string[] {
  const broken: string[] = [];
  const { id, account, action } = intent;
  const own = world.orders.filter((order) => order.account === account && order.clientOrderId === id);
  const told = world.reports.filter((report) => report.account === account && report.id === id && !isProgress(report));
  const statuses = new Set(told.map(({ status }) => status));
  const letters = world.letters.filter(({ intentId, reason }) => intentId === id && !reason.endsWith('_MISMATCH'));
  // Under the id of a replay, and under a reused one, another message may come when the first order is long forgotten.
  const isOther = world.sentOtherwise.has(id);
  const remembered = own.filter((order, index) => {
    const next = own[index + 1];
    return !isOther || next === undefined || !isForgotten(order, next, plan);
  });
  if (remembered.length > 1) broken.push(`${id} has ${own.length} orders`);
  if (told.length === 0) broken.push(`${id} has no report`);
  const isBuriedOnly = told.length > 0 && !statuses.has('accepted') && !statuses.has('done');
  if (isBuriedOnly && letters.length === 0) broken.push(`${id} came to no trade and has no letter`);
  // What was never sent leaves no trace: told as done before a crash, it may be told as expired after it.
  if (account === SHADOW) return broken;
  if (!areVerdictsProven(plan)) return broken;
  if (world.sentAgain.has(id) && !isOther && action === 'place') broken.push(...denied(id, own[0], letters));
  if (world.sentAgain.has(id) || isOther || world.judgedAgain.has(id)) return broken;
  if (action === 'place') return [...broken, ...untrue(id, own.length > 0, statuses, letters)];
  return [...broken, ...untrueOfInstruction(intent, world, statuses, letters)];
}

/**
 * Two messages of one intent, one after the other: whatever is said once the order is there does not deny it. What was said
 * before was true then.
 */
function denied(id: string, order: VenueOrderRow | undefined, letters: readonly Letter[]): readonly string[] {
  if (order === undefined) return [];
  return letters
    .filter(({ certainty, at }) => certainty !== 'unknown' && at > order.createdAt)
    .map(({ reason, certainty }) => `${id} has an order, and a later letter denies it (${reason} ${certainty})`);
}

/**
 * A replay trades only where its original did not, and all that operators make of one original are one. A replay made by
 * hand, while its original may still come a second time, is its maker's own.
 */
function replayed(plan: Plan, world: World): readonly string[] {
  const { intents, orders, replays, sentAgain, sentOtherwise, judgedAgain } = world;
  const isMade = new Set(replays.map(({ id }) => id));
  // As before: where verdicts are not proven, only the refusal of the same id stands against a second order.
  if (!areVerdictsProven(plan) && !isForgottenTooSoon(plan)) return [];
  const families = Map.groupBy(replays, ({ account, replayOf }) => `${account}/${replayOf}`);
  const many = [...families].flatMap(([original, family]) => {
    const ids = new Set(family.map(({ id }) => id));
    const traded = orders.filter(
      ({ account, clientOrderId }) => account === family[0]?.account && ids.has(clientOrderId),
    );
    const [earlier, later] = traded;
    const isTwice = earlier !== undefined && later !== undefined && earlier.clientOrderId !== later.clientOrderId;
    return isTwice && !isForgotten(earlier, later, plan) ? [`two replays of ${original} have an order`] : [];
  });
  const both = intents.flatMap(({ id, account, replayOf }) => {
    const of = (wanted: unknown): VenueOrderRow | undefined =>
      orders.find((order) => order.account === account && order.clientOrderId === wanted);
    const [own, original] = [of(id), of(replayOf)];
    if (own === undefined || original === undefined || isForgotten(original, own, plan)) return [];
    // With other times, or another size, it is another order under a used id: only the venue's refusal stands against it.
    if (sentOtherwise.has(original.clientOrderId)) return [];
    if (sentAgain.has(original.clientOrderId) && !isMade.has(id)) return [];
    // A replay of a replay: its letter was told and its message not deleted, and what had stopped it is forgotten too soon.
    if (judgedAgain.has(original.clientOrderId) && isForgottenTooSoon(plan)) return [];
    return [`${id} and ${original.clientOrderId}, of which it is a replay, both have an order`];
  });
  return [...many, ...both];
}

/** Whoever is told that an order was accepted finds it among those that are followed. */
function unfollowed({ accepted, followed }: World): readonly string[] {
  return accepted
    .filter(
      ({ account, id, at }) => !followed.some((each) => each.account === account && each.id === id && each.at <= at),
    )
    .map(({ id }) => `${id} is reported accepted, and nobody follows it`);
}

function untrue(
  id: string,
  isThere: boolean,
  statuses: ReadonlySet<string>,
  letters: readonly Letter[],
): readonly string[] {
  const broken: string[] = [];
  const isOpen = statuses.has('unresolved');
  const all = [...statuses].join(', ');
  if (statuses.has('accepted') && !isThere) broken.push(`${id} is reported accepted and has no order`);
  if (isThere && !statuses.has('accepted') && !isOpen) broken.push(`${id} has an order and is reported ${all}`);
  if (statuses.size > (isOpen ? 2 : 1)) broken.push(`${id} has several ends: ${all}`);
  if (statuses.has('done')) broken.push(`${id} is reported done, and no order is ever done`);
  const denials = letters.filter(({ certainty }) => certainty !== 'unknown');
  if (isThere && denials.length > 0) {
    const said = denials.map(({ reason, certainty }) => `${reason} ${certainty}`).join(', ');
    broken.push(`${id} has an order and a letter that denies it (${said})`);
  }
  return broken;
}

function untrueOfInstruction(
  intent: Intent,
  { orders, intents, sent, sentAgain, sentOtherwise }: World,
  statuses: ReadonlySet<string>,
  letters: readonly Letter[],
): readonly string[] {
  const broken: string[] = [];
  const { id, account, action, target } = intent;
  const targetId = typeof target === 'string' ? target : '';
  // A second message of its target may have come to an order after all.
  const isSettled = !sentAgain.has(targetId) && !sentOtherwise.has(targetId);
  const order = orders.find((each) => isSettled && each.account === account && each.clientOrderId === target);
  if (
    action === 'cancel' &&
    order !== undefined &&
    rests(order) &&
    (statuses.has('done') || statuses.has('rejected'))
  ) {
    broken.push(`${id} is reported ${[...statuses].join(', ')} and its target still rests`);
  }
  // What the venue has done of it, where nothing else of its kind could have been meant.
  const isAlone = intents.filter((each) => each.account === account && isAlike(each, intent)).length === 1;
  const wasDone = sent.some(
    (each) => each.isDone && each.account === account && each.action === action && each.id === targetId,
  );
  const denials = letters.filter(({ certainty }) => certainty !== 'unknown');
  if (isAlone && wasDone && denials.length > 0) {
    const said = denials.map(({ reason, certainty }) => `${reason} ${certainty}`).join(', ');
    broken.push(`${id} (${action}) was done, and a letter denies it (${said})`);
  }
  return broken;
}

function rests({ state }: VenueOrderRow): boolean {
  return state === 'new' || state === 'partially_filled';
}

function isAlike(one: Intent, other: Intent): boolean {
  return one.action === other.action && one['target'] === other['target'];
}

/**
 * What was told as done stays so: no earlier request comes late and undoes it. Where one message of its kind was sent again
 * or judged anew, nothing is said.
 */
function undone(plan: Plan, world: World): readonly string[] {
  if (!areVerdictsProven(plan)) return [];
  const { intents, orders, settings, reports, sentAgain, sentOtherwise, judgedAgain } = world;
  const isPlain = ({ id, replayOf }: Intent): boolean =>
    !sentAgain.has(id) && !sentOtherwise.has(id) && !judgedAgain.has(id) && replayOf === undefined;
  const isDone = ({ id, account }: Intent): boolean => {
    const told = reports.filter((report) => report.account === account && report.id === id);
    // What found its target at its end has changed nothing.
    return told.length > 0 && told.every(({ status, detail = '' }) => status === 'done' && !detail.includes('already'));
  };
  return intents.flatMap((intent, index): readonly string[] => {
    const { id, account, action, target, market, symbol, side } = intent;
    if (account === SHADOW || !isPlain(intent) || !isDone(intent)) return [];
    const own = intents.filter((each) => each.account === account);
    const alike = own.filter(
      (each) => each.action === action && each['target'] === target && each['symbol'] === symbol,
    );
    const isLast = alike.at(-1) === intent && alike.every(isPlain);
    const name = String(symbol).replace('_', '');
    const [terms, mode] = [settings[account]?.terms[name], settings[account]?.positionMode];
    switch (action) {
      case 'amend': {
        const order = orders.find((each) => each.account === account && each.clientOrderId === target);
        if (!isLast || order === undefined || !rests(order)) return [];
        const coins = symbol === 'SOL_USDT' ? 0.3 : 0.001;
        const size = Number(order.size) * coins;
        const isSame =
          (intent['price'] === undefined || Number(intent['price']) === Number(order.price)) &&
          (intent['size'] === undefined || Math.abs(Number(intent['size']) - size) < coins / 2);
        return isSame ? [] : [`${id} is reported done, and its target has price ${order.price} and size ${size}`];
      }
      case 'cancel-all': {
        const earlier = intents.slice(0, index).filter((each) => each.account === account && isPlain(each));
        const left = orders.filter((order) => {
          const isMeant =
            (order.market === 'futures') === (market === 'futures') &&
            (symbol === undefined || order.symbol === symbol) &&
            (side === undefined || order.side === side);
          return (
            isMeant &&
            rests(order) &&
            order.account === account &&
            earlier.some((each) => each.id === order.clientOrderId)
          );
        });
        return left.map(({ clientOrderId }) => `${id} is reported done, and ${clientOrderId} still rests`);
      }
      case 'set-leverage':
        if (!isLast || terms === `${String(intent['leverage'])} ${String(intent['marginMode'])}`) return [];
        return [`${id} is reported done, and ${name} has ${terms ?? 'no terms'}`];
      case 'set-position-mode': {
        const wanted = intent['positionMode'] === 'hedge' ? 'hedge_mode' : 'one_way_mode';
        return !isLast || mode === wanted ? [] : [`${id} is reported done, and the account is in ${mode ?? 'no mode'}`];
      }
      default:
        return [];
    }
  });
}

function isProgress({ status }: { readonly status: string }): boolean {
  return status === 'partially-filled' || status === 'filled' || status === 'canceled';
}

/** Every order that is followed comes to one end, told as the book has it, and to nothing else afterwards. */
function followed(plan: Plan, world: World): readonly string[] {
  const broken: string[] = [];
  if (!plan.isFollowed) return broken;
  // An environment whose clock is a minute off the venue's sees nothing; now and then a world has no other.
  const isBlind = plan.badClocks && world.unended > 0;
  if (world.unended > 0 && !isBlind) broken.push(`${world.unended} orders are followed still, long after their end`);
  const names = new Set(world.followed.map(({ account, id }) => `${account}/${id}`));
  for (const name of names) {
    const [account, id] = name.split('/');
    const orders = world.ended.filter((each) => each.account === account && each.clientOrderId === id);
    const [order] = orders;
    // Two orders of one id are told elsewhere; which of them was meant nobody knows.
    if (order === undefined || orders.length > 1) continue;
    const told = world.reports.filter((each) => each.account === account && each.id === id && isProgress(each));
    const keys = [...new Set(told.map(({ status, filledSize = '?' }) => `${status} ${filledSize}`))];
    const ends = keys.filter((key) => !key.startsWith('partially-filled'));
    const wanted = endsOf(order);
    if (told.length === 0 && (isBlind || isLostToSight(plan, world, order))) continue;
    if (ends.length !== 1 || !wanted.includes(ends[0] ?? '')) {
      broken.push(`${id} ended as ${wanted.join(' or ')} and is told as ${ends.join(', ') || 'nothing'}`);
    }
    const cost = told.find(({ fee }) => fee !== undefined)?.fee;
    if (cost !== undefined && Number(cost).toFixed(8) !== order.fee) {
      broken.push(`${id} is told to cost ${cost} and cost ${order.fee}`);
    }
    if (plan.doubleInvocation || world.followedTwice.has(String(id))) continue;
    const sizes = keys.map((key) => Number(key.split(' ')[1]));
    const isInOrder = keys.at(-1) === ends[0] && sizes.every((size, index) => size >= (sizes[index - 1] ?? 0));
    if (!isInOrder) broken.push(`${id} is told out of order: ${keys.join(', ')}`);
  }
  return broken;
}

/** It went out together with others, and was canceled and forgotten before anybody saw it: then nobody can tell its end. */
function isLostToSight(
  { forgetsAfterMs }: Plan,
  { reports }: World,
  { account, clientOrderId, state, filledSize }: VenueOrderRow,
): boolean {
  const own = reports.filter((each) => each.account === account && each.id === clientOrderId);
  const accepted = own.find(({ status, venueOrderId }) => status === 'accepted' && venueOrderId === undefined);
  const unresolved = own.find(({ status }) => status === 'unresolved');
  if (accepted === undefined || unresolved === undefined) return false;
  const isLate = Date.parse(unresolved.at) - Date.parse(accepted.at) >= forgetsAfterMs;
  return isLate && state === 'canceled' && Number(filledSize) === 0;
}

/** How an order may be told by its state in the book: a market buy that spent its money is filled, and its rest too small to buy. */
function endsOf({ state, filledSize, type, side }: VenueOrderRow): readonly string[] {
  const size = String(Number(filledSize));
  const isSpent = state === 'partially_canceled' && type === 'market' && side === 'buy';
  if (state === 'filled' || isSpent) return [`filled ${size}`];
  return [`canceled ${size}`];
}

/** Nothing is sent after its expiry, in shadow mode, or while the account is halted. */
function sends({ sent, halts }: World): readonly string[] {
  const broken = halts.flatMap(({ account, stayed }) =>
    stayed ? [] : [`the halt of ${account} was lifted by nobody`],
  );
  for (const { id, at, turnAt, expiresAt, path, account, action } of sent) {
    if (at >= expiresAt) broken.push(`${id} was sent to ${path} ${at - expiresAt} ms after its expiry`);
    if (account === SHADOW) broken.push(`${id} was sent to ${path} in shadow mode`);
    // Between admission and its turn lies one request at most, and that is given three seconds.
    const isHalted = (halt: (typeof halts)[number]): boolean =>
      halt.account === account && turnAt > halt.from + SECRET_CACHE_MS + 5000 && turnAt < halt.until;
    const isRelief = action === 'cancel' || action === 'cancel-all' || action === 'cancel-all-after';
    if (!isRelief && halts.some(isHalted)) broken.push(`${id} was sent while ${account} was halted`);
  }
  return broken;
}

/** Messages that are no intent of their own. */
function others(plan: Plan, { reused, malformed, orders, letters, reports }: World): readonly string[] {
  const broken: string[] = [];
  for (const { id, account, messageId } of reused) {
    const first = orders.find((order) => order.account === account && order.clientOrderId === id);
    const letter = letters.find(({ sourceMessageId }) => sourceMessageId === messageId);
    const isForeign = first !== undefined && first.size !== '0.0098';
    if (isForeign && letter === undefined && areVerdictsProven(plan)) {
      broken.push(`${id} was reused for another order, and nobody said so`);
    }
  }
  for (const { messageId, account } of malformed) {
    const letter = letters.find(({ sourceMessageId }) => sourceMessageId === messageId);
    const report = reports.find((each) => each.id === messageId && each.account === account);
    if (letter?.reason !== 'MALFORMED' || report?.status !== 'malformed') {
      broken.push(`message ${messageId} was no intent, and nobody said so`);
    }
  }
  return broken;
}
