// What each alarm of the template should do on a game day, and why. An alarm that is not here is one that nobody has thought
// through: the judge says so.

export interface Expectation {
  /** either: it depends on the hour, and says nothing against the day. */
  readonly does: 'fire' | 'rest' | 'either';
  readonly why: string;
}

const fires = (why: string): Expectation => ({ does: 'fire', why });
const rests = (why: string): Expectation => ({ does: 'rest', why });

/** Of an intent: shared/order/admit.ts. */
const LONGEST_LIFE_MINUTES = 10;

/**
 * By slug: what follows service and stage in the alarm's name.
 * @param outageMinutes for how long the exchange is down, before it is scaled
 */
export const expectations = (outageMinutes: number): Readonly<Record<string, Expectation>> => ({
  'dead-letters': fires('poison and refused orders lie in the dead-letter queue'),
  banned: fires('the exchange answers 418'),
  'key-refused': fires('the key is revoked before the new one is stored'),
  'execute-errors': fires('environments are killed while they work'),
  'intents-age':
    outageMinutes >= LONGEST_LIFE_MINUTES
      ? fires('intents wait while the exchange is down')
      : { does: 'either', why: 'the outage is shorter than an intent may live' },
  'slow-decisions': fires('orders are sent long after they were decided'),
  'venue-unavailable': fires('the exchange announces that it is down'),
  unresolved: rests('the exchange comes back before proof is given up'),
  'pending-age': rests('accepted orders are looked at again and again'),
  'pending-dead': rests('no followed order is given up'),
  'near-limit': rests('the pacer stays below the limit'),
  'reconcile-errors': rests('nothing kills reconcile'),
  'trigger-errors': rests('no strategy runs'),
  'probe-errors': rests('an exchange that is down is no error of the probe'),
  'execute-throttles': rests('Lambda refuses no invocation'),
  'reconcile-throttles': rests('Lambda refuses no invocation'),
  'trigger-throttles': rests('Lambda refuses no invocation'),
  'probe-throttles': rests('Lambda refuses no invocation'),
  'probe-silent': rests('the probe runs on'),
  'probe-dead': rests('the probe runs on'),
  'trigger-dead': rests('no strategy runs'),
  'clock-offset': rests('one clock is all there is'),
});
