// A whole world in one process and in virtual time: the SQS engine of the local AWS, the local BitMart behind a network
// that loses and delays, Lambda environments that die between any two effects, and producers that are careless.
// What runs in it is the production code: execution, proof, venue, pace, signing, accounts, queues. A seed decides all.
import { createDesk } from './desk.ts';
import { createExchange, type Exchange, type Settings, type VenueOrderRow } from './exchange.ts';
import { createLambda } from './lambda.ts';
import { createOperator } from './operator.ts';
import type { Plan } from './plan.ts';
import { createProducer } from './producer.ts';
import { createQueues } from './queues.ts';
import { createStage, START, type History, type Stage } from './stage.ts';
import { virtualTime } from './time.ts';

/** What happened, and how the venue's own book stands at the end. */
export interface World extends Readonly<History> {
  /** When all intents had their verdict, and requests could be on their way no more. */
  readonly orders: readonly VenueOrderRow[];
  readonly settings: Readonly<Record<string, Settings>>;
  /** The same orders once the venue had ended what rested, and all of them were followed to there. */
  readonly ended: readonly VenueOrderRow[];
  /** Messages of orders that are followed still. */
  readonly unended: number;
  readonly windows: Readonly<Record<string, number>>;
}

const LIFE_MS = 240 * 60_000;
/** After the last message is gone, requests may still be on their way to the venue. */
const TAIL_MS = 120_000;
/** A resting order is looked at every ten minutes; looks fail, and environments die, some of them again and again. */
const FOLLOW_MS = 24 * 60 * 60_000;

/** Runs one world to its end. */
export async function runWorld(plan: Plan): Promise<World> {
  const time = virtualTime(START);
  try {
    const stage = createStage(plan, time);
    const { intents } = stage.history;
    const expiries = new Map<string, number>();
    const queues = createQueues(stage);
    const exchange = createExchange(stage, ({ account, action, id }, size) => {
      const own = intents.filter((each) => each.account === account && each.action === action);
      const about = own.filter((each) => id === '' || id === (action === 'place' ? each.id : each['target']));
      // A replay may have been sent by two operators, each with a life of its own.
      const last = Math.max(...about.map(({ expiresAt }) => Date.parse(expiresAt)));
      return (action === 'place' ? expiries.get(`${id} ${size ?? ''}`) : undefined) ?? last;
    });
    createLambda(stage, queues, exchange, createOperator(stage, exchange));
    createProducer(stage, queues, expiries);
    createDesk(stage, queues, exchange);
    createMarket(stage, exchange);
    await time.run(START + LIFE_MS, () => stage.busy.size === 0);
    await time.run(time.now() + TAIL_MS);
    const [orders, settings, windows] = [exchange.orders(), exchange.settings(), exchange.windows()];
    if (plan.isFollowed) {
      exchange.cancel('all');
      await time.run(time.now() + FOLLOW_MS, () => stage.following.size === 0);
    }
    const [ended, unended] = [exchange.orders(), stage.following.size];
    return { ...stage.history, orders, settings, windows, ended, unended };
  } finally {
    time.restore();
  }
}

/** The market and the venue have a life of their own: prices move, and now and then an order is canceled by the system. */
function createMarket({ draw, between, sleep }: Stage, exchange: Exchange): void {
  for (let moves = between(0, 4); moves > 0; moves -= 1) {
    void sleep(between(1, 900_000)).then(() => exchange.move((draw() - 0.5) * 0.2));
  }
  if (draw() < 0.3) void sleep(between(1, 900_000)).then(() => exchange.cancel('one'));
}
