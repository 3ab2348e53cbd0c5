// The packaged CloudFormation template as the local stack reads it: which queues there are, which functions, which queue
// feeds which function, and which schedules fire one. The local stack is made of what would be deployed, so the two cannot
// drift apart.
// Reads a file; creates nothing.
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { settle } from './conditions.ts';
import type { EventInvokeConfig } from './lambda/asynchronous.ts';
import { templatePath } from './package.ts';
import type { ScheduleTemplate } from './scheduler.ts';

/** A queue: its logical name, and its attributes as SQS's CreateQueue takes them (text). */
export interface QueueTemplate {
  readonly logicalName: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly redrive?: { readonly to: string; readonly maxReceiveCount: number };
}

/** A function: `variables` holds text, or the logical name of the queue whose URL is meant. */
export interface FunctionTemplate {
  readonly name: string;
  readonly logGroup: string;
  readonly zipPath: string;
  readonly handler: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly variables: Readonly<Record<string, string | { readonly queue: string }>>;
  readonly source?: { readonly queue: string; readonly batchSize: number; readonly maximumConcurrency: number };
  /** Where a function is invoked asynchronously; `onFailure`: the queue that is told of failures. */
  readonly asynchronous?: EventInvokeConfig & { readonly onFailure: string };
  /** Allow: a function that feeds its own queue is not stopped. */
  readonly recursiveLoop: 'Allow' | 'Terminate';
}

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}
interface Packaged {
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, Resource & Readonly<Record<string, unknown>>>>;
}
interface Reference {
  readonly Ref?: string;
  readonly 'Fn::GetAtt'?: readonly [string, string];
}

/** @throws when the template holds something that the local stack cannot give its functions */
export async function readTemplate(): Promise<{
  readonly queues: readonly QueueTemplate[];
  readonly functions: readonly FunctionTemplate[];
  readonly schedules: readonly ScheduleTemplate[];
}> {
  const template = settle(JSON.parse(await readFile(templatePath, 'utf8')) as Packaged);
  const resources = Object.entries(template.Resources);
  const ofType = (type: string) => resources.filter(([, resource]) => resource.Type === type);
  const mappings = ofType('AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => Properties);
  const configs = ofType('AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => Properties);
  const named = (logicalName: string): string => nameOf(template.Resources[logicalName]?.Properties ?? {});
  return {
    queues: ofType('AWS::SQS::Queue').map(([logicalName, { Properties }]) => queue(logicalName, Properties)),
    functions: ofType('AWS::Lambda::Function').map(([logicalName, { Properties }]) =>
      lambda(
        Properties,
        mappings.find(({ FunctionName }) => targetOf(FunctionName) === logicalName),
        configs.find(({ FunctionName }) => targetOf(FunctionName) === logicalName),
      ),
    ),
    schedules: ofType('AWS::Scheduler::Schedule').map(([, { Properties }]) => schedule(Properties, named)),
  };
}

function queue(logicalName: string, properties: Resource['Properties']): QueueTemplate {
  const { QueueName, RedrivePolicy, ...rest } = properties;
  const attributes = Object.entries(rest)
    // FIFO is an attribute only where it is true.
    .filter(([name, value]) => typeof value !== 'object' && !(name === 'FifoQueue' && value === false))
    .map(([name, value]) => [name, String(value)]);
  const redrive = RedrivePolicy as { deadLetterTargetArn: Reference; maxReceiveCount: number } | undefined;
  return {
    logicalName,
    name: String(QueueName),
    attributes: Object.fromEntries(attributes) as Record<string, string>,
    ...(redrive === undefined
      ? {}
      : { redrive: { to: targetOf(redrive.deadLetterTargetArn), maxReceiveCount: redrive.maxReceiveCount } }),
  };
}

function nameOf({ FunctionName }: Resource['Properties']): string {
  return String(FunctionName).split('-').at(-1) ?? '';
}

function schedule(properties: Resource['Properties'], named: (logicalName: string) => string): ScheduleTemplate {
  const target = properties['Target'] as { readonly Arn: Reference; readonly Input: string };
  return {
    name: String(properties['Name']),
    expression: String(properties['ScheduleExpression']),
    isEnabled: properties['State'] !== 'DISABLED',
    input: target.Input,
    target: named(targetOf(target.Arn)),
  };
}

function asynchronousOf(config: Resource['Properties'] | undefined): Pick<FunctionTemplate, 'asynchronous'> {
  if (config === undefined) return {};
  const { OnFailure } = config['DestinationConfig'] as { readonly OnFailure: { readonly Destination: Reference } };
  return {
    asynchronous: {
      maximumRetryAttempts: Number(config['MaximumRetryAttempts']),
      maximumEventAgeSeconds: Number(config['MaximumEventAgeInSeconds']),
      onFailure: targetOf(OnFailure.Destination),
    },
  };
}

function lambda(
  properties: Resource['Properties'],
  mapping: Resource['Properties'] | undefined,
  config: Resource['Properties'] | undefined,
): FunctionTemplate {
  const { Variables } = properties['Environment'] as { Variables: Record<string, string | Reference> };
  const scaling = mapping?.['ScalingConfig'] as { MaximumConcurrency: number } | undefined;
  const code = properties['Code'] as { S3Key: string };
  const source = mapping && {
    queue: targetOf(mapping['EventSourceArn']),
    batchSize: Number(mapping['BatchSize']),
    maximumConcurrency: scaling?.MaximumConcurrency ?? 10,
  };
  return {
    name: nameOf(properties),
    logGroup: `/aws/lambda/${String(properties['FunctionName'])}`,
    zipPath: join(dirname(templatePath), basename(code.S3Key)),
    handler: String(properties['Handler']),
    timeoutMs: Number(properties['Timeout']) * 1000,
    recursiveLoop: properties['RecursiveLoop'] === 'Allow' ? 'Allow' : 'Terminate',
    memoryMb: Number(properties['MemorySize']),
    variables: Object.fromEntries(
      Object.entries(Variables).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : { queue: targetOf(value) },
      ]),
    ),
    ...(source === undefined ? {} : { source }),
    ...asynchronousOf(config),
  };
}

function targetOf(value: unknown): string {
  const reference = value as Reference;
  const target = reference.Ref ?? reference['Fn::GetAtt']?.[0];
  if (target === undefined)
    throw new Error(`the local stack cannot resolve ${JSON.stringify(value)} in ${templatePath}`);
  return target;
}
