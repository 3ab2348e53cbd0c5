// The producer of a game day: orders of several accounts without a pause, some of them sent twice, some canceled again, some
// that no exchange could take. A seed decides all of them. Waits for nothing and looks at nothing.
import type { System } from '../system/fixture.ts';
import type { Size } from './stage.ts';
import type { Sent } from './record.ts';

export interface Stream {
  readonly sent: readonly Sent[];
  /** Ends it; resolves when the last of its orders is sent. */
  readonly stop: () => Promise<void>;
}

interface Wish {
  readonly system: Pick<System, 'send'>;
  readonly accounts: readonly string[];
  readonly draw: () => number;
  readonly size: Pick<Size, 'everyMs' | 'scale' | 'canceledShare'>;
  /** Begins every id. */
  readonly name: string;
}
type Fields = Readonly<Record<string, unknown>>;

const REST = { type: 'limit', side: 'buy', size: '0.001', price: '50000' };
/** What is sent, and how many of a hundred. */
const KINDS: readonly (readonly [share: number, fields: Fields])[] = [
  [42, REST],
  [26, { type: 'ioc', side: 'buy', size: '0.001', price: '61000' }],
  [12, { type: 'ioc', side: 'sell', size: '0.001', price: '59000' }],
  [10, { type: 'market', side: 'buy', notional: '25' }],
  [4, { ...REST, size: '0.00002' }],
  [3, { ...REST, symbol: 'NOPE_USDT' }],
  [3, { type: 'limit', side: 'sell', size: '9999', price: '70000' }],
];
/** Of an intent, in minutes before they are scaled. */
const LIVES = [1, 10, 30, 30];
/** So long that it outlives an outage. */
const CANCEL_LIFE = 30;
const TWICE_SHARE = 0.05;

/** Starts it. */
export function startStream({ system, size, accounts, draw, name }: Wish): Stream {
  const sent: Sent[] = [];
  const later: { readonly at: number; readonly body: Fields; readonly isKnown: boolean }[] = [];
  const sending = new Set<Promise<unknown>>();
  const troubles: unknown[] = [];
  let count = 0;
  const pick = <T>(all: readonly T[]): T => all[Math.floor(draw() * all.length)] as T;
  const made = (account: string, fields: Fields): Fields & { readonly id: string } => {
    const now = Date.now();
    const lifeMs = (fields['action'] === 'cancel' ? CANCEL_LIFE : pick(LIVES)) * 60_000 * size.scale;
    const times = { createdAt: new Date(now).toISOString(), expiresAt: new Date(now + lifeMs).toISOString() };
    count += 1;
    return { id: `${name}x${count}`, account, market: 'spot', symbol: 'BTC_USDT', ...fields, ...times };
  };
  const send = (body: Fields, isKnown = false): void => {
    const { id, account, action } = body as unknown as Sent;
    if (!isKnown) sent.push({ id, account, action, body: JSON.stringify(body) });
    const taken = system.send([body]).catch((error: unknown) => troubles.push(error));
    sending.add(taken);
    void taken.finally(() => sending.delete(taken));
  };
  const tick = (): void => {
    const now = Date.now();
    for (const each of later.filter(({ at }) => at <= now)) {
      later.splice(later.indexOf(each), 1);
      send(each.isKnown ? each.body : made(String(each.body['account']), each.body), each.isKnown);
    }
    const order = made(pick(accounts), { action: 'place', ...kindOf(draw() * 100) });
    send(order);
    if (draw() < TWICE_SHARE) later.push({ at: now + 1000 + draw() * 2000, body: order, isKnown: true });
    if (order['type'] === 'limit' && draw() < size.canceledShare) {
      const cancel = { account: order['account'], action: 'cancel', target: order.id };
      later.push({ at: now + 2000 + draw() * 4000, body: cancel, isKnown: false });
    }
  };
  const ticking = setInterval(tick, size.everyMs);
  return {
    sent,
    stop: async () => {
      clearInterval(ticking);
      await Promise.all(sending);
      if (troubles.length > 0) throw new Error(`${troubles.length} orders could not be sent: ${String(troubles[0])}`);
    },
  };
}

function kindOf(drawn: number): Fields {
  let upTo = 0;
  return KINDS.find(([share]) => drawn < (upTo += share))?.[1] ?? REST;
}
