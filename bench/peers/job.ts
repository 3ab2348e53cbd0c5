// The same Lambda job around every peer: the account's secret from Secrets Manager, then the orders of an SQS event.
// A peer brings one thing, how it places orders; it validates nothing, paces nothing and reports nothing of its own.
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SQSEvent } from 'aws-lambda';

export interface Credentials {
  readonly apiKey: string;
  readonly secretKey: string;
  readonly memo: string;
}

export interface Order {
  readonly id: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly size: string;
  readonly price: string;
}

/** How a peer places orders; what it answers to failures is its own affair, the venue counts what was accepted. */
export interface Client {
  readonly place: (order: Order) => Promise<unknown>;
  readonly placeAll?: (orders: readonly Order[]) => Promise<unknown>;
}

/** @param open makes the client; `baseUrl` is the spot host */
export function job(open: (credentials: Credentials, baseUrl: string) => Client | Promise<Client>) {
  // Between two orders: as long as the limit demands, where like is to be compared with like.
  const pauseMs = Number(process.env['BENCH_PAUSE_MS'] ?? 0);
  const secrets = new SecretsManagerClient({});
  let client: Promise<Client> | undefined;
  const connect = async (): Promise<Client> => {
    const SecretId = `bitmart/accounts/${process.env['BENCH_ACCOUNT'] ?? ''}`;
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    return open(JSON.parse(SecretString) as Credentials, process.env['BITMART_SPOT_URL'] ?? '');
  };
  return async ({ Records }: SQSEvent): Promise<{ batchItemFailures: [] }> => {
    const { place, placeAll } = await (client ??= connect());
    const orders = Records.map(({ body }) => JSON.parse(body) as Order);
    const ignore = (error: unknown): void => {
      if (process.env['BENCH_SHOWS_ERRORS'] === 'true') console.error(error, (error as Error).cause);
    };
    const batches = process.env['BENCH_BATCHES'] === 'true' ? placeAll : undefined;
    await batches?.(orders).catch(ignore);
    for (const order of batches === undefined ? orders : []) {
      await place(order).catch(ignore);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return { batchItemFailures: [] };
  };
}
