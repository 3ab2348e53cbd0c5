// Who called what: the record that the local AWS keeps of its calls.
// Promises the last ones in their order, each kind of call ever made, and bounded memory. Holds no request and no answer.

export type Service = 'sqs' | 'secretsmanager' | 'logs' | 'monitoring' | 'lambda';

/** One finished call. `outcome` is ok, partial (a batch with failed entries), an error code, or the fault that cut it off. */
export interface AwsCall {
  /** Arrival, milliseconds since the epoch. */
  readonly at: number;
  readonly accessKeyId: string;
  /** A schedule that fires is an Invoke of lambda, which comes by no wire. */
  readonly service: Service;
  readonly action: string;
  /** Name of the queue, secret, log group or function, or a mapping's UUID; empty where the call names none. */
  readonly resource: string;
  readonly outcome: string;
}

export interface Calls {
  readonly record: (call: AwsCall) => void;
  /** Oldest first. */
  readonly calls: () => readonly AwsCall[];
  /** The first call of each kind: by the same caller, of the same action, on the same resource. */
  readonly kinds: () => readonly AwsCall[];
}

const MOST_CALLS = 50_000;

/** A record of the last 50,000 calls, and of as many kinds. */
export const callRing = (): Calls => {
  const ring: AwsCall[] = [];
  const kinds = new Map<string, AwsCall>();
  let next = 0;
  return {
    record: (call) => {
      ring[next % MOST_CALLS] = call;
      next += 1;
      const { accessKeyId, service, action, resource } = call;
      const kind = [accessKeyId, service, action, resource].join(' ');
      if (kinds.size < MOST_CALLS && !kinds.has(kind)) kinds.set(kind, call);
    },
    kinds: () => [...kinds.values()],
    calls: () =>
      next <= MOST_CALLS ? ring.slice() : [...ring.slice(next % MOST_CALLS), ...ring.slice(0, next % MOST_CALLS)],
  };
};
