// A whole world in one process and in virtual time: the SQS engine of the local AWS, the local BitMart behind a network
// that loses and delays, Lambda environments that die between any two effects, and producers that are careless.
// What runs in it is the production code: execution, proof, venue, pace, signing, accounts, queues. A seed decides all.
import { createDesk } from './desk.ts';
import { createExchange, PLACE, type VenueOrderRow } from './exchange.ts';
import { createLambda } from './lambda.ts';
import { createOperator } from './operator.ts';
import type { Plan } from './plan.ts';
import { createProducer } from './producer.ts';
import { createQueues } from './queues.ts';
import { createStage, START, type History } from './stage.ts';
import { virtualTime } from './time.ts';

/** What happened, and how the venue's own book stands at the end. */
export interface World extends Readonly<History> {
  readonly orders: readonly VenueOrderRow[];
  readonly maxInWindow: number;
}

const LIFE_MS = 240 * 60_000;
/** After the last message is gone, requests may still be on their way to the venue. */
const TAIL_MS = 120_000;

/** Runs one world to its end. */
export async function runWorld(plan: Plan): Promise<World> {
  const time = virtualTime(START);
  try {
    const stage = createStage(plan, time);
    const { intents } = stage.history;
    const expiries = new Map<string, number>();
    const queues = createQueues(stage);
    const exchange = createExchange(stage, (path, id, size) => {
      if (path === PLACE) {
        // A replay may have been sent by two operators, each with a life of its own.
        const lives = intents.flatMap((each) => (each.id === id ? Date.parse(each.expiresAt) : []));
        return expiries.get(`${id} ${size ?? ''}`) ?? Math.max(...lives);
      }
      return Math.max(...intents.flatMap((each) => (each['target'] === id ? Date.parse(each.expiresAt) : [])));
    });
    createLambda(stage, queues, exchange, createOperator(stage, exchange));
    createProducer(stage, queues, expiries);
    createDesk(stage, queues, exchange);
    await time.run(START + LIFE_MS, () => stage.busy.size === 0);
    await time.run(time.now() + TAIL_MS);
    return { ...stage.history, orders: exchange.orders(), maxInWindow: exchange.maxInWindow() };
  } finally {
    time.restore();
  }
}
