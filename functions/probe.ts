// Lambda entry point: EventBridge Scheduler → a probe of each exchange and of accounts → a line and metrics for each.
// Reads settings, wires the outside, hands over. Everything here is made once per environment; nothing is ever placed from here.
import type { Context } from 'aws-lambda';
import { names, readSettings } from '../shared/config.ts';
import { probe, type Probed } from '../shared/probing.ts';
import { commonSettings, during, wireProbe } from '../shared/wiring.ts';

const settings = readSettings(process.env, {
  ...commonSettings,
  /** Whom to ask about; one request each. */
  accounts: names('PROBE_ACCOUNTS', '', 25),
});

const around = {
  // Of the 0.2 of each look-up limit that is left for probe, desk and strategies (decision 2).
  ...(await wireProbe(settings, 0.05)),
  names: settings.accounts,
  // Two seconds under the limit of public calls.
  samples: 8,
  isEgressFixed: settings.isEgressFixed,
};

/** What the exchange answers is told, never thrown; what is thrown is a bug, and leaves a record on the dead-letter queue. */
export async function handler(_event: unknown, context: Context): Promise<Probed> {
  const deadline = Date.now() + context.getRemainingTimeInMillis();
  return during(context, settings, around.metrics, () => probe(around, deadline));
}
