// Which stack a command talks to: the local one, by the file that it leaves, or a deployed one, by its stage and the
// person's own AWS credentials. Both are reached by the same clients; only where they are differs.
// Finds things by their names as serverless.yml gives them; creates nothing.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Ready } from '../local/stack.ts';
import { readSettings } from '../shared/config.ts';
import type { Doctor } from '../shared/order/finding.ts';
import type { TradingAccount } from '../shared/order/venue.ts';
import { commonSettings, wireDoctor, wireReads } from '../shared/wiring.ts';
import { EXIT, refusal } from './terminal.ts';

/** What was said of where to go. */
export interface Where {
  readonly local?: boolean;
  /** The file that the local stack leaves; another than .local/ready.json where several stacks run. */
  readonly ready?: string;
  readonly stage?: string;
  readonly region?: string;
}

export interface QueueUrls {
  readonly intents: string;
  readonly dead: string;
  readonly pending: string;
  readonly reports: string;
}

export interface Connection {
  /** For people: "the local stack", "stage prod in ap-northeast-1". Every question names it. */
  readonly name: string;
  readonly isLocal: boolean;
  /** First part of the names of queues, functions and log groups: "trading-bot-prod". */
  readonly service: string;
  readonly sqs: SQSClient;
  readonly secrets: SecretsManagerClient;
  readonly logs: CloudWatchLogsClient;
  readonly queues: QueueUrls;
  readonly secretPrefix: string;
  /** The venues and what can be read of an account there; desk has a small part of the look-up limits. */
  readonly exchange: Awaited<ReturnType<typeof wireReads>>;
  /** Examines the exchange and accounts there; one for all that is examined in one run. */
  readonly doctor: Doctor;
  /** @throws Refusal that says why the account cannot be had */
  account(name: string): Promise<TradingAccount>;
  close(): void;
}

/** Of the 0.2 of each look-up limit that is left for probe, desk and strategies (decision 2). */
const LOOKUP_SHARE = 0.1;
const SERVICE = 'trading-bot';
/** The stage that the local stack is made of. */
const LOCAL_STAGE = 'dev';
const NOT_ASKED: QueueUrls = { intents: '', dead: '', pending: '', reports: '' };

/**
 * Finds the stack.
 * @param needsQueues false leaves `queues` of a deployed stack empty: a halt must not wait for SQS, nor fail with it
 * @throws Refusal where it is not said which, where there is none, or where AWS does not let us
 */
export async function connectTo({ local, ready, stage, region }: Where, needsQueues = true): Promise<Connection> {
  const isLocal = local === true || ready !== undefined;
  if (isLocal === (stage !== undefined)) {
    throw refusal(
      'Say which stack: --local for the one of `npm start` or `npm run local`, or --stage NAME for a deployed one.',
    );
  }
  const found = isLocal ? await readReady(ready ?? '.local/ready.json') : undefined;
  if (found !== undefined) useLocal(found);
  else if (region !== undefined) process.env['AWS_REGION'] = region;
  const service = `${SERVICE}-${stage ?? LOCAL_STAGE}`;
  const clients = {
    sqs: new SQSClient(PATIENCE),
    secrets: new SecretsManagerClient(PATIENCE),
    logs: new CloudWatchLogsClient(PATIENCE),
  };
  const settings = readSettings(process.env, commonSettings);
  const exchange = await wireReads(settings, LOOKUP_SHARE);
  return {
    name: isLocal
      ? 'the local stack'
      : `stage ${stage ?? ''} in ${await clients.sqs.config.region().catch(regionMissing)}${elsewhere()}`,
    isLocal,
    service,
    ...clients,
    queues: found?.queues ?? (needsQueues ? await queuesOf(clients.sqs, service) : NOT_ASKED),
    secretPrefix: settings.secretPrefix,
    exchange,
    doctor: await wireDoctor(settings, LOOKUP_SHARE),
    account: async (name) => {
      const reading = await exchange.accounts.read(name);
      if (reading.kind === 'account') return reading.account;
      throw refusal(reading.detail, reading.kind === 'unavailable' ? EXIT.unreachable : EXIT.trouble);
    },
    close: () => {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}

/** What the exchange of an account is asked. Its secret is read only where several could be meant. */
export async function deskFor({ exchange, account }: Pick<Connection, 'exchange' | 'account'>, name: string) {
  return exchange.onlyDesk ?? exchange.deskOf(await account(name));
}

/** An endpoint that this shell has set, for a local stack say, and that everything goes to instead of AWS. */
function elsewhere(): string {
  const set = Object.entries(process.env).find(([name, value]) => name.startsWith('AWS_ENDPOINT_URL') && value);
  return set === undefined ? '' : `, NOT at AWS but at ${set[1] ?? ''} (${set[0]})`;
}

/** A person waits: three tries, and no call hangs. */
export const PATIENCE = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 3000, requestTimeout: 25_000, throwOnRequestTimeout: true },
};

async function readReady(file: string): Promise<Ready> {
  const path = resolve(file);
  const text = await readFile(path, 'utf8').catch(() => {
    throw refusal(`No local stack is up (there is no ${path}): start one with \`npm start\` or \`npm run local\` in the same folder.`, EXIT.unreachable); // prettier-ignore
  });
  return JSON.parse(text) as Ready;
}

/** The local stack by the SDK's own variables, so that everything below is as it is for a deployed one. */
function useLocal({ aws, region, bitmart }: Ready): void {
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_DEFAULT_REGION'])
    Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'LOCALDESK',
    AWS_SECRET_ACCESS_KEY: 'local',
    BITMART_SPOT_URL: bitmart.spot,
    BITMART_FUTURES_URL: bitmart.futures,
  });
}

/** @throws Refusal where there is no such queue, or SQS cannot be asked */
export async function queuesOf(sqs: SQSClient, service: string): Promise<QueueUrls> {
  const [intents, dead, pending, reports] = await Promise.all(
    ['intents.fifo', 'dead.fifo', 'pending', 'reports'].map((name) => queueUrl({ sqs, service }, name)),
  );
  return { intents, dead, pending, reports } as QueueUrls;
}

/** @param name what serverless.yml calls it behind the stage @throws Refusal where there is none, or AWS does not let us */
export async function queueUrl({ sqs, service }: Pick<Connection, 'sqs' | 'service'>, name: string): Promise<string> {
  const QueueName = `${service}-${name}`;
  try {
    return (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl ?? '';
  } catch (error) {
    throw unreachable(error, `queue ${QueueName}`);
  }
}

/** What an error of AWS comes to for the person. @param what was asked for */
export function unreachable(error: unknown, what: string): Error {
  const name = error instanceof Error ? error.name : 'unknown error';
  if (name === 'QueueDoesNotExist' || name === 'AWS.SimpleQueueService.NonExistentQueue') {
    return refusal(
      `There is no ${what} here: is the stage spelled right, the region right, and the stack deployed?`,
      EXIT.unreachable,
    );
  }
  if (name === 'CredentialsProviderError') {
    return refusal(
      'No AWS credentials: log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      EXIT.unreachable,
    );
  }
  if (/AccessDenied|UnrecognizedClient|InvalidClientTokenId|ExpiredToken|SignatureDoesNotMatch/.test(name)) {
    return refusal(`AWS does not let these credentials reach ${what} (${name}): use ones that may.`, EXIT.unreachable);
  }
  return refusal(`${what} cannot be reached (${name}): is the network up and the stack there?`, EXIT.unreachable);
}

function regionMissing(): never {
  throw refusal('No AWS region: say --region, or set AWS_REGION.');
}
