// The AWS JSON protocol as values: failures with their wire names, and readers for the fields of a request.
// Promises that every wrong field ends in the failure the real service would answer, never in a stack trace.
// Knows no queue and no secret.

/** A refusal in the words of the wire: `shape` goes into `__type`, `code` into the query-compatible header. */
export interface Failure extends Error {
  readonly shape: string;
  readonly code: string;
  readonly status: number;
}

export type Input = Readonly<Record<string, unknown>>;
export type Output = Readonly<Record<string, unknown>>;

/** Who calls, and how to learn that they left. */
export interface Call {
  readonly accessKeyId: string;
  /** X-Amzn-Trace-Id, as the SDK sends it from within a Lambda function. */
  readonly traceHeader: string | undefined;
  /** Calls back when the client goes away before it has its answer. */
  readonly onDisconnect: (then: () => void) => void;
}
export type Action = (input: Input, call: Call) => Output | Promise<Output>;

const SQS = 'com.amazonaws.sqs#';
const CORAL = 'com.amazon.coral.service#';

/** Codes whose header code or shape is not simply their own name (the SQS service model, trait `awsQueryError`). */
const SPECIAL: Readonly<Record<string, { readonly shape?: string; readonly code?: string; readonly status?: number }>> =
  {
    QueueDoesNotExist: { code: 'AWS.SimpleQueueService.NonExistentQueue' },
    QueueNameExists: { code: 'QueueAlreadyExists' },
    MessageNotInflight: { code: 'AWS.SimpleQueueService.MessageNotInflight' },
    UnsupportedOperation: { code: 'AWS.SimpleQueueService.UnsupportedOperation' },
    PurgeQueueInProgress: { code: 'AWS.SimpleQueueService.PurgeQueueInProgress' },
    EmptyBatchRequest: { code: 'AWS.SimpleQueueService.EmptyBatchRequest' },
    TooManyEntriesInBatchRequest: { code: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest' },
    BatchEntryIdsNotDistinct: { code: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct' },
    InvalidBatchEntryId: { code: 'AWS.SimpleQueueService.InvalidBatchEntryId' },
    BatchRequestTooLong: { code: 'AWS.SimpleQueueService.BatchRequestTooLong' },
    InvalidParameterValue: { shape: `${CORAL}InvalidParameterValueException` },
    MissingParameter: { shape: `${CORAL}MissingRequiredParameterException` },
    SerializationException: { shape: `${CORAL}SerializationException` },
    UnknownOperationException: { shape: `${CORAL}UnknownOperationException` },
    ServiceUnavailable: { shape: `${CORAL}ServiceUnavailableException`, status: 503 },
    InternalError: { shape: `${CORAL}InternalError`, status: 500 },
    InternalServiceError: { shape: 'InternalServiceError', status: 500 },
  };

/** A failure by its short name, as in `refuse('QueueDoesNotExist', …)`. Names that end in Exception have no namespace. */
export const refuse = (name: string, message: string): Failure => {
  const special = SPECIAL[name] ?? {};
  const shape = special.shape ?? (name.endsWith('Exception') ? name : `${SQS}${name}`);
  return Object.assign(new Error(message), { shape, code: special.code ?? name, status: special.status ?? 400 });
};

export const isFailure = (error: unknown): error is Failure => error instanceof Error && 'shape' in error;

/** `InvalidParameterValue` in the service's usual sentence. */
export const invalid = (field: string, value: string | number, reason: string): Failure =>
  refuse('InvalidParameterValue', `Value ${String(value)} for parameter ${field} is invalid. Reason: ${reason}`);

const mistyped = (field: string, wanted: string): Failure =>
  refuse('SerializationException', `The field ${field} must be ${wanted}.`);

export const isRecord = (value: unknown): value is Input =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const text = (input: Input, field: string): string | undefined => {
  const value = input[field] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw mistyped(field, 'a string');
};

export const needText = (input: Input, field: string): string => {
  const value = text(input, field);
  if (value === undefined || value === '')
    throw refuse('MissingParameter', `The request must contain the parameter ${field}.`);
  return value;
};

export const flag = (input: Input, field: string): boolean => {
  const value = input[field] ?? false;
  if (typeof value === 'boolean') return value;
  throw mistyped(field, 'true or false');
};

/** A whole number within bounds (both included), or undefined where it is absent. */
export const whole = (input: Input, field: string, min: number, max: number): number | undefined => {
  const value = input[field] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw mistyped(field, 'a whole number');
  if (value < min || value > max) throw invalid(field, value, `Must be between ${min} and ${max}, if provided.`);
  return value;
};

export const texts = (input: Input, field: string): readonly string[] => {
  const value: unknown = input[field] ?? [];
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) return value;
  throw mistyped(field, 'a list of strings');
};

export const records = (input: Input, field: string): readonly Input[] => {
  const value: unknown = input[field] ?? [];
  if (Array.isArray(value) && value.every(isRecord)) return value;
  throw mistyped(field, 'a list of structures');
};

export const record = (input: Input, field: string): Input => {
  const value = input[field] ?? {};
  if (isRecord(value)) return value;
  throw mistyped(field, 'a map');
};

/** A map of strings, as queue attributes and tags are. */
export const textMap = (input: Input, field: string): Readonly<Record<string, string>> => {
  const map = record(input, field);
  return Object.fromEntries(Object.keys(map).map((key) => [key, text(map, key) ?? '']));
};
