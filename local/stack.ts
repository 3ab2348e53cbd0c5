// The local stack: AWS, BitMart and the Lambda runner on 127.0.0.1, made of the packaged template and zips.
// Everything that a deployed stack has, and nothing in the functions knows the difference. Close it and all is gone.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startLocalAws, type LocalAws } from './aws/server.ts';
import { startLocalBitmart, type LocalBitmart } from './bitmart/server.ts';
import { asynchronously, type Asynchronous } from './lambda/asynchronous.ts';
import { accessKeyId, functionArn } from './lambda/environment.ts';
import { startRunner, type LogLine, type Runner, type RunnerOptions } from './lambda/runner.ts';
import { packageService } from './package.ts';
import { startScheduler, type ScheduleTemplate } from './scheduler.ts';
import { readTemplate, type FunctionTemplate, type QueueTemplate } from './template.ts';

/** What `npm run local` says when it is up; also kept in .local/ready.json. */
export interface Ready {
  readonly ready: true;
  readonly aws: string;
  readonly region: string;
  readonly bitmart: { readonly spot: string; readonly futures: string };
  readonly queues: {
    readonly intents: string;
    readonly dead: string;
    readonly pending: string;
    readonly reports: string;
  };
  readonly accounts: readonly string[];
  readonly control: string;
}

export interface StackOptions {
  /** 0 = any free port (the default). */
  readonly awsPort?: number;
  readonly bitmartPort?: number;
  /** Use this AWS (LocalStack, ElasticMQ, moto, ...) instead of starting one. */
  readonly awsEndpoint?: string;
  /** 1 makes `main`; n makes `main`, `main2`, ... `mainN`. 1 to 1000. */
  readonly accounts?: number;
  /** Above 0, at most 1: shortens visibility, timestamp window and horizon together. */
  readonly timeScale?: number;
  /** n environments of each function strictly in turn, instead of Lambda's choice. */
  readonly rotateEnvironments?: number;
  /** The probe fires as the template says. Default: only when it is invoked, so that nobody asks the venue unseen. */
  readonly probes?: boolean;
  /** Overrides of the functions' variables. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly onLog?: (line: LogLine) => void;
  readonly onEvent?: RunnerOptions['onEvent'];
}

export interface Stack {
  readonly ready: Ready;
  readonly sqs: SQSClient;
  readonly secrets: SecretsManagerClient;
  readonly runner: Runner;
  /** What the scheduler invokes: trigger and probe, as Lambda does it for callers that do not wait. */
  readonly trigger: Asynchronous;
  readonly probe: Asynchronous;
  /** The schedules of the template; those that are enabled fire. */
  readonly schedules: readonly ScheduleTemplate[];
  readonly bitmart: LocalBitmart;
  /** Undefined where another AWS is used. */
  readonly aws: LocalAws | undefined;
  /** Makes an account on the exchange and its secret. `secret` overrides fields of the secret. */
  addAccount(name: string, secret?: Readonly<Record<string, unknown>>): Promise<void>;
  close(): Promise<void>;
}

const REGION = 'ap-northeast-1';
const readyFile = fileURLToPath(new URL('../.local/ready.json', import.meta.url));

/** What BitMart's clock rules come to, in ms; the stack's time scale shortens them all. */
const VENUE_TIMES = {
  BITMART_TIMESTAMP_WINDOW_MS: 60_000,
  BITMART_LOOKUP_LAG_MS: 5_000,
  BITMART_BAN_MS: 60_000,
};
/** Longest function time that still leaves visibility minus timeout above the horizon, per unit of time scale. */
const TIMEOUT_PER_SCALE_MS = 110_000;

/** Packages what is stale and starts everything. @throws with a sentence when a port is taken or an option is wrong */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { accounts = 1, timeScale = 1 } = options;
  if (!(timeScale > 0 && timeScale <= 1)) throw new RangeError(`time scale ${timeScale} is not above 0 and at most 1`);
  if (!(Number.isInteger(accounts) && accounts >= 1 && accounts <= 1000)) {
    throw new RangeError(`${accounts} accounts: give a whole number from 1 to 1000 (LOCAL_ACCOUNTS)`);
  }
  await packageService({ ifStale: true });
  const template = await readTemplate();
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closers.splice(0).reverse()) await step();
  };
  try {
    const bitmart = await startLocalBitmart({ port: options.bitmartPort ?? 0, timeScale }).catch(portTaken('BITMART'));
    closers.push(() => bitmart.close());
    const aws = options.awsEndpoint === undefined ? await startAws(options.awsPort ?? 0, timeScale) : undefined;
    if (aws !== undefined) closers.push(() => aws.close());
    const endpoint = aws?.url ?? options.awsEndpoint ?? '';
    const clients = connect(endpoint, aws !== undefined);
    closers.push(() => {
      clients.close();
      return Promise.resolve();
    });
    const urls = await createQueues(clients.sqs, template.queues, timeScale);
    const names = Array.from({ length: accounts }, (_, index) => (index === 0 ? 'main' : `main${index + 1}`));
    const addAccount = (name: string, secret: Readonly<Record<string, unknown>> = {}): Promise<void> =>
      createAccount(name, secret, bitmart.controlUrl, clients.secrets);
    for (const name of names) await addAccount(name);
    const runner = await startRunner({
      region: REGION,
      awsEndpoint: endpoint,
      functions: template.functions.map((each) => definition(each, urls, bitmart, names, options)),
      onLog: keepLogs(template.functions, aws, options.onLog),
      onInvocation: countInvocations(template.functions, aws),
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
      ...(options.rotateEnvironments === undefined ? {} : { rotateEnvironments: options.rotateEnvironments }),
    });
    closers.push(() => runner.close());
    if (aws !== undefined) deployTo(aws, template, runner);
    const invoked = invokedBehind(template.functions, { runner, endpoint, aws, urls, timeScale });
    const { schedules } = template;
    const firing = schedules.filter(({ target }) => target !== 'probe' || options.probes === true);
    const stopSchedules = startScheduler(firing, (target, event) => invoked(target).invoke(event));
    closers.push(() => {
      stopSchedules();
      for (const { name, asynchronous } of template.functions) if (asynchronous !== undefined) invoked(name).close();
      return Promise.resolve();
    });
    const ready = readyOf(endpoint, bitmart, urls, names);
    const [trigger, probe] = [invoked('trigger'), invoked('probe')];
    return { ready, ...clients, runner, trigger, probe, schedules, bitmart, aws, addAccount, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Lambda's own API knows the functions by their whole names, and their mappings. */
function deployTo({ lambda }: LocalAws, { functions, queues }: Template, runner: Runner): void {
  for (const { name, logGroup, source } of functions) {
    const queue = queues.find(({ logicalName }) => logicalName === source?.queue);
    const mapping = queue && {
      queueArn: `arn:aws:sqs:${REGION}:000000000000:${queue.name}`,
      stop: () => runner.stop(name),
      start: () => runner.resume(name),
    };
    const definition = () => runner.definition(name);
    lambda.deploy({ name: basename(logGroup), definition, ...(mapping === undefined ? {} : { mapping }) });
  }
}
type Template = Awaited<ReturnType<typeof readTemplate>>;

/** The functions that are invoked asynchronously, by name: each that has an EventInvokeConfig. */
function invokedBehind(
  functions: readonly FunctionTemplate[],
  place: Parameters<typeof invokedAs>[2],
): (name: string) => Asynchronous {
  const invoked = new Map(
    functions.flatMap(({ name, asynchronous }) =>
      asynchronous === undefined ? [] : [[name, invokedAs(name, asynchronous, place)] as const],
    ),
  );
  return (name) => {
    const found = invoked.get(name);
    if (found !== undefined) return found;
    throw new Error(`${name} has no AWS::Lambda::EventInvokeConfig in the template, so nothing can invoke it unseen`);
  };
}

/** Whoever invokes here is the scheduler, as its role; what failed is told by Lambda, as the role of the function. */
function invokedAs(
  name: string,
  { onFailure, ...config }: NonNullable<FunctionTemplate['asynchronous']>,
  {
    runner,
    endpoint,
    aws,
    urls,
    timeScale,
  }: {
    readonly runner: Runner;
    readonly endpoint: string;
    readonly aws: LocalAws | undefined;
    readonly urls: ReadonlyMap<string, string>;
    readonly timeScale: number;
  },
): Asynchronous {
  const destination = sqsAs(`${accessKeyId(name)}DESTINATION`, endpoint, aws !== undefined);
  const { invoke, idle, close } = asynchronously({
    ...config,
    timeScale,
    functionArn: functionArn(REGION, name),
    run: (event) => runner.invoke(name, event),
    onFailure: async (MessageBody) => {
      await destination.send(new SendMessageCommand({ QueueUrl: urls.get(onFailure) ?? '', MessageBody }));
    },
  });
  const scheduler = { accessKeyId: `${accessKeyId(name)}SCHEDULER`, service: 'lambda', action: 'Invoke' } as const;
  return {
    invoke: (event) => {
      aws?.record({ ...scheduler, at: Date.now(), resource: name, outcome: 'ok' });
      invoke(event);
    },
    idle,
    close: () => {
      close();
      destination.destroy();
    },
  };
}

/**
 * Keeps the ready line where the operator's command finds it. The returned function takes it away, and hands the place back
 * to the stack that had it before, where that one still answers.
 * @param file another one than .local/ready.json
 */
export async function announce(ready: Ready, file = readyFile): Promise<() => Promise<void>> {
  const before = await readFile(file, 'utf8').catch(() => '');
  const other = await answering(before);
  if (other !== undefined) {
    process.stderr.write(
      `Another local stack of this folder is up at ${other}: desk --local goes to this one until it ends, and to that one again then.\n`,
    );
  }
  await mkdir(dirname(file), { recursive: true });
  const text = `${JSON.stringify(ready)}\n`;
  await writeFile(file, text);
  return async () => {
    // Another stack of the same folder may have put its own there since.
    if ((await readFile(file, 'utf8').catch(() => '')) !== text) return;
    if ((await answering(before)) === undefined) await rm(file, { force: true });
    else await writeFile(file, before);
  };
}

/** Where the stack of this ready line answers; undefined where it does not, or there is no such line. */
async function answering(ready: string): Promise<string | undefined> {
  try {
    const { aws } = JSON.parse(ready) as Ready;
    await fetch(aws, { signal: AbortSignal.timeout(500) });
    return aws;
  } catch {
    return undefined;
  }
}

async function startAws(port: number, timeScale: number): Promise<LocalAws> {
  return startLocalAws({ port, region: REGION, timeScale }).catch(portTaken('AWS'));
}

/** Every line goes to the log group of its function as well, where the local AWS is ours. */
function keepLogs(
  functions: readonly FunctionTemplate[],
  aws: LocalAws | undefined,
  onLog: StackOptions['onLog'],
): (line: LogLine) => void {
  const groups = new Map(functions.map(({ name, logGroup }) => [name, logGroup]));
  for (const group of groups.values()) aws?.logs.create(group);
  return (line) => {
    aws?.logs.write(groups.get(line.functionName) ?? line.functionName, line.text);
    onLog?.(line);
  };
}

/** What AWS publishes of each function, under the name that it is deployed with. */
function countInvocations(
  functions: readonly FunctionTemplate[],
  aws: LocalAws | undefined,
): NonNullable<RunnerOptions['onInvocation']> {
  const names = new Map(functions.map(({ name, logGroup }) => [name, logGroup.replace('/aws/lambda/', '')]));
  return (name, { durationMs, isError, isThrottled }) => {
    const dimensions = { FunctionName: names.get(name) ?? name };
    const put = (metric: string, value: number, unit = 'Count'): void =>
      aws?.metrics.put('AWS/Lambda', metric, dimensions, value, unit);
    put('Throttles', Number(isThrottled));
    if (isThrottled) return;
    put('Invocations', 1);
    put('Errors', Number(isError));
    put('Duration', durationMs, 'Milliseconds');
  };
}

function portTaken(which: 'AWS' | 'BITMART'): (error: NodeJS.ErrnoException & { readonly port?: number }) => never {
  return (error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(
      `Port ${error.port ?? ''} is taken by another program, perhaps by another local stack: set LOCAL_${which}_PORT to another one, or to 0 for any that is free`,
    );
  };
}

/** Our own local AWS wants no real credentials; any other takes the caller's. */
function credentialsOf(id: string, isOurs: boolean) {
  return isOurs ? { credentials: { accessKeyId: id, secretAccessKey: 'local' } } : {};
}

function sqsAs(id: string, endpoint: string, isOurs: boolean): SQSClient {
  return new SQSClient({ endpoint, region: REGION, ...credentialsOf(id, isOurs) });
}

function connect(endpoint: string, isOurs: boolean): Pick<Stack, 'sqs' | 'secrets'> & { close(): void } {
  const sqs = sqsAs('LOCALOPERATOR', endpoint, isOurs);
  const secrets = new SecretsManagerClient({ endpoint, region: REGION, ...credentialsOf('LOCALOPERATOR', isOurs) });
  const close = (): void => {
    sqs.destroy();
    secrets.destroy();
  };
  return { sqs, secrets, close };
}

/** Dead-letter queues first: the others name them. @returns logical name → URL */
async function createQueues(
  sqs: SQSClient,
  queues: readonly QueueTemplate[],
  timeScale: number,
): Promise<ReadonlyMap<string, string>> {
  const urls = new Map<string, string>();
  const arns = new Map<string, string>();
  for (const queue of [...queues].sort((a, b) => Number(a.redrive !== undefined) - Number(b.redrive !== undefined))) {
    const { redrive } = queue;
    const Attributes: Record<string, string> = { ...queue.attributes };
    Attributes['VisibilityTimeout'] = scaledSeconds(Attributes['VisibilityTimeout'] ?? '30', timeScale);
    if (redrive !== undefined) {
      const deadLetterTargetArn = arns.get(redrive.to);
      Attributes['RedrivePolicy'] = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: redrive.maxReceiveCount });
    }
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: queue.name, Attributes }));
    const told = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
    urls.set(queue.logicalName, QueueUrl);
    arns.set(queue.logicalName, told.Attributes?.['QueueArn'] ?? '');
  }
  return urls;
}

/** Whole seconds, as SQS takes them. */
function scaledSeconds(seconds: string, timeScale: number): string {
  return String(Math.max(1, Math.round(Number(seconds) * timeScale)));
}

function definition(
  each: FunctionTemplate,
  urls: ReadonlyMap<string, string>,
  bitmart: LocalBitmart,
  accounts: readonly string[],
  { timeScale = 1, variables = {} }: StackOptions,
): Parameters<typeof startRunner>[0]['functions'][number] {
  const queueUrl = (name: string): string => urls.get(name) ?? '';
  const given = Object.entries(each.variables).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : queueUrl(value.queue),
  ]);
  const visibility = each.variables['INTENTS_VISIBILITY_SECONDS'];
  const scaled = Object.entries(VENUE_TIMES).map(([name, ms]) => [name, String(ms * timeScale)]);
  const environment: Record<string, string> = {
    ...(Object.fromEntries(given) as Record<string, string>),
    ...(Object.fromEntries(scaled) as Record<string, string>),
    BITMART_SPOT_URL: bitmart.spotUrl,
    BITMART_FUTURES_URL: bitmart.futuresUrl,
    SECRET_CACHE_SECONDS: String(30 * timeScale),
    UNRESOLVED_AFTER_SECONDS: String(Math.max(1, 900 * timeScale)),
    // As many as it takes.
    ...('PROBE_ACCOUNTS' in each.variables ? { PROBE_ACCOUNTS: accounts.slice(0, 25).join(',') } : {}),
    ...(typeof visibility === 'string' ? { INTENTS_VISIBILITY_SECONDS: scaledSeconds(visibility, timeScale) } : {}),
    ...variables,
  };
  const { name, zipPath, handler, memoryMb, recursiveLoop, source } = each;
  const timeoutMs = Math.min(each.timeoutMs, TIMEOUT_PER_SCALE_MS * timeScale);
  return {
    ...{ name, zipPath, handler, memoryMb, timeoutMs, environment, recursiveLoop },
    ...(source === undefined
      ? {}
      : { eventSource: { ...source, queueUrl: queueUrl(source.queue), reportBatchItemFailures: true } }),
  };
}

function readyOf(
  aws: string,
  bitmart: LocalBitmart,
  urls: ReadonlyMap<string, string>,
  accounts: readonly string[],
): Ready {
  const queue = (name: string): string => urls.get(name) ?? '';
  return {
    ready: true,
    aws,
    region: REGION,
    bitmart: { spot: bitmart.spotUrl, futures: bitmart.futuresUrl },
    queues: {
      intents: queue('IntentsQueue'),
      dead: queue('DeadQueue'),
      pending: queue('PendingQueue'),
      reports: queue('ReportsQueue'),
    },
    accounts,
    control: bitmart.controlUrl,
  };
}

/** Play-money keys, made of the account's name; the memo holds what trips naive signers. */
export function localKeys(name: string): {
  readonly apiKey: string;
  readonly secretKey: string;
  readonly memo: string;
} {
  return { apiKey: `local-key-${name}`, secretKey: `local-secret-${name}-8f2c`, memo: `my memo #1 é ${name}` };
}

async function createAccount(
  name: string,
  overrides: Readonly<Record<string, unknown>>,
  control: string,
  secrets: SecretsManagerClient,
): Promise<void> {
  const keys = localKeys(name);
  const response = await fetch(`${control}/accounts`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ account: name, ...keys }),
  });
  if (!response.ok) throw new Error(`the local BitMart did not take account ${name}: ${await response.text()}`);
  const SecretString = JSON.stringify({ ...keys, mandate: { state: 'active' }, ...overrides });
  const Name = `bitmart/accounts/${name}`;
  try {
    await secrets.send(new CreateSecretCommand({ Name, SecretString }));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ResourceExistsException') throw error;
    await secrets.send(new PutSecretValueCommand({ SecretId: Name, SecretString }));
  }
}
