// The door to one of Bybit's hosts: requests leave by it, or what an account in shadow mode would have sent is told instead.
// Once the exchange refuses the address nothing leaves any more until that is over; whoever waits is told the same.
import type { Clock } from '../clock.ts';
import type { Transport } from '../http.ts';
import type { Environment } from '../order/venue.ts';
import { meaningOf } from './codes.ts';
import { compose, send, windowOf, type Reply, type Request, type Told } from './wire.ts';

export interface DoorOutside {
  readonly settings: {
    readonly liveUrl: string;
    readonly demoUrl: string;
    readonly testnetUrl: string;
    readonly banMs: number;
  };
  /** Which of the exchange's copies is asked: keys, orders and rules of each are its own. */
  readonly environment: Environment;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** Where the writes of an account in shadow mode end: paced, written and signed like any other, and never sent. */
export interface Shadow {
  readonly kind: 'shadow';
  readonly message: string;
  readonly usage: undefined;
}

export interface Door {
  readonly send: (request: Request) => Promise<Reply>;
  readonly shadow: (request: Request) => Shadow;
  /** How much longer the exchange is left alone, ms; undefined where it is not. */
  readonly closedForMs: () => number | undefined;
}

export const hostOf = ({ settings, environment }: Pick<DoorOutside, 'settings' | 'environment'>): string =>
  ({ live: settings.liveUrl, demo: settings.demoUrl, testnet: settings.testnetUrl })[environment];

export function doorOf(outside: DoorOutside): Door {
  const { settings, transport, clock } = outside;
  const url = hostOf(outside);
  let hasBeenServed = false;
  let closed: { readonly code: string; readonly until: number } | undefined;
  const closedNow = (): typeof closed => {
    const { banMs } = settings;
    // A clock that was set back keeps nobody out for longer.
    return closed !== undefined && clock.now() < closed.until && closed.until - clock.now() <= banMs
      ? closed
      : undefined;
  };
  const turnedAway = (code: string): Told => ({
    ...{ kind: 'answer', code, message: 'not asked again', data: undefined, usage: undefined, windowMs: 0 },
    signedAt: clock.now(),
  });
  return {
    send: async (request) => {
      const before = closedNow();
      if (before !== undefined) return turnedAway(before.code);
      const answer = await send(transport, url, request, () => clock.now(), hasBeenServed);
      const isRefused = answer.kind === 'answer' && meaningOf(answer.code, answer.message).means === 'banned';
      if (isRefused) closed = { code: answer.code, until: clock.now() + settings.banMs };
      else if (answer.kind === 'answer') hasBeenServed = true;
      return answer;
    },
    shadow: (request) => {
      const signedAt = clock.now();
      const { method, body = '' } = compose(url, request, signedAt);
      const window = windowOf(request, signedAt);
      const message = `shadow mode: signed and not sent: ${method} ${request.path} ${body} (to be taken within ${window} ms)`;
      return { kind: 'shadow', message, usage: undefined };
    },
    closedForMs: () => {
      const until = closedNow()?.until;
      return until === undefined ? undefined : until - clock.now();
    },
  };
}
