// What each alarm of the template should do on a game day, and why. An alarm that is not here is one that nobody has thought
// through: the judge says so.

export interface Expectation {
  readonly fires: boolean;
  readonly why: string;
}

const fires = (why: string): Expectation => ({ fires: true, why });
const silent = (why: string): Expectation => ({ fires: false, why });

/** By slug: what follows service and stage in the alarm's name. */
export const expectations: Readonly<Record<string, Expectation>> = {
  'dead-letters': fires('poison and refused orders lie in the dead-letter queue'),
  banned: fires('the exchange answers 418'),
  'key-refused': fires('the key is revoked before the new one is stored'),
  'execute-errors': fires('environments are killed while they work'),
  'intents-age': fires('intents wait while the exchange is down'),
  'slow-decisions': fires('orders are sent long after they were decided'),
  'venue-unavailable': fires('the exchange announces that it is down'),
  unresolved: silent('the exchange comes back before proof is given up'),
  'pending-age': silent('accepted orders are looked at again and again'),
  'pending-dead': silent('no followed order is given up'),
  'near-limit': silent('the pacer stays below the limit'),
  'reconcile-errors': silent('nothing kills reconcile'),
  'trigger-errors': silent('no strategy runs'),
  'probe-errors': silent('an exchange that is down is no error of the probe'),
  'execute-throttles': silent('Lambda refuses no invocation'),
  'reconcile-throttles': silent('Lambda refuses no invocation'),
  'trigger-throttles': silent('Lambda refuses no invocation'),
  'probe-throttles': silent('Lambda refuses no invocation'),
  'probe-silent': silent('the probe runs on'),
  'probe-dead': silent('the probe runs on'),
  'trigger-dead': silent('no strategy runs'),
  'clock-offset': silent('one clock is all there is'),
};
