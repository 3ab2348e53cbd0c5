// SQS messages on one side, Lambda's SQS event and partial batch response on the other; and the lineage of a loop.
// Promises the shapes and the rules that AWS documents ("Handling errors for an SQS event source in Lambda").
// Pure: no I/O and no clock.
import { createHash } from 'node:crypto';
import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSMessageAttribute, SQSRecord, SQSRecordAttributes } from 'aws-lambda';

/** AWS stops a chain of invocations of one function after about 16. */
export const maxHops = 16;

const attribute = (value: MessageAttributeValue): SQSMessageAttribute => ({
  ...(value.StringValue !== undefined && { stringValue: value.StringValue }),
  ...(value.BinaryValue !== undefined && { binaryValue: Buffer.from(value.BinaryValue).toString('base64') }),
  stringListValues: [],
  binaryListValues: [],
  dataType: value.DataType ?? 'String',
});

const record = (message: Message, queueArn: string, awsRegion: string): SQSRecord => ({
  messageId: message.MessageId ?? '',
  receiptHandle: message.ReceiptHandle ?? '',
  body: message.Body ?? '',
  attributes: { ...message.Attributes } as unknown as SQSRecordAttributes,
  messageAttributes: Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, attribute(value)]),
  ),
  ...(message.MD5OfMessageAttributes !== undefined && { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
  md5OfBody: message.MD5OfBody ?? '',
  eventSource: 'aws:sqs',
  eventSourceARN: queueArn,
  awsRegion,
});

/** The event that Lambda passes to the handler for these messages, in their order. */
export const sqsEvent = (messages: readonly Message[], queueArn: string, awsRegion: string): SQSEvent => ({
  Records: messages.map((message) => record(message, queueArn, awsRegion)),
});

/**
 * The message ids that a handler's answer reports as failed; 'all' for an answer that AWS takes as a complete failure.
 * An absent answer, an empty one, and one without (or with an empty) `batchItemFailures` mean full success.
 */
export function failedIds(answer: unknown, messageIds: ReadonlySet<string>): ReadonlySet<string> | 'all' {
  if (answer === null || answer === undefined || answer === '') return new Set();
  if (typeof answer !== 'object' || Array.isArray(answer)) return 'all';
  const failures = (answer as { readonly batchItemFailures?: unknown }).batchItemFailures ?? [];
  if (!Array.isArray(failures)) return 'all';
  const failed = new Set<string>();
  for (const failure of failures as readonly unknown[]) {
    const id = (failure as { readonly itemIdentifier?: unknown } | null | undefined)?.itemIdentifier;
    if (typeof id !== 'string' || !messageIds.has(id)) return 'all';
    failed.add(id);
  }
  return failed;
}

/** How often each function (by `lineageKey`) took part in the chain that led to a message. */
export type Lineage = ReadonlyMap<string, number>;

/** A function's name in a lineage. */
export const lineageKey = (functionArn: string): string =>
  createHash('sha256').update(functionArn).digest('hex').slice(0, 8);

/** Reads the `Lineage=<count>:<function>:<hops>|…` part of an X-Ray trace header; nothing readable, no lineage. */
export function lineageOf(traceHeader: string | undefined): Lineage {
  const text = /(?:^|;)Lineage=([^;]*)/.exec(traceHeader ?? '')?.[1] ?? '';
  return new Map([...text.matchAll(/([0-9a-f]{8}):(\d{1,5})/g)].map(([, key, hops]) => [key ?? '', Number(hops)]));
}

/** The trace header of an invocation of `key` caused by messages of these lineages: the longest chain counts. */
export function traceHeader(root: string, parent: string, key: string, causes: readonly Lineage[]): string {
  const merged = new Map<string, number>();
  for (const cause of causes) for (const [name, hops] of cause) merged.set(name, Math.max(merged.get(name) ?? 0, hops));
  const hops = (merged.get(key) ?? 0) + 1;
  merged.delete(key);
  // Bounded, itself last: a header must not grow with every function passed.
  const entries = [...merged.set(key, hops)].slice(-8).map(([name, count]) => `${name}:${count}`);
  return `Root=${root};Parent=${parent};Sampled=0;Lineage=${entries.length}:${entries.join('|')}`;
}
