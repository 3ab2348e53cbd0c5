// What a message is made of: body, attributes, their MD5s, their sizes and what is allowed in them.
// Promises the digests and refusals of the real service, so that the SDK's own checks pass.
// Never looks at a queue beyond the size limit it is told.
import { createHash } from 'node:crypto';
import { invalid, isRecord, record, refuse, text, type Input } from './wire.ts';

/** Longest sum of a batch, and the largest MaximumMessageSize: 1 MiB (SQS quotas). */
export const LARGEST_BYTES = 1_048_576;
const MOST_ATTRIBUTES = 10;

export type Attribute =
  | { readonly DataType: string; readonly StringValue: string }
  | { readonly DataType: string; readonly BinaryValue: string };
export type Attributes = Readonly<Record<string, Attribute>>;

/** The part of a message that never changes, whichever queue it lies in. */
export interface Content {
  readonly id: string;
  readonly body: string;
  readonly bodyMd5: string;
  readonly attributes: Attributes;
  readonly systemAttributes: Attributes;
  readonly senderId: string;
  readonly traceHeader: string | undefined;
  readonly groupId: string | undefined;
  readonly deduplicationId: string | undefined;
}

export const md5 = (value: string | Buffer): string => createHash('md5').update(value).digest('hex');

/** The id that content-based deduplication gives to a body. */
export const bodyHash = (body: string): string => createHash('sha256').update(body).digest('hex');

const bytesOf = (attribute: Attribute): Buffer =>
  'StringValue' in attribute
    ? Buffer.from(attribute.StringValue, 'utf8')
    : Buffer.from(attribute.BinaryValue, 'base64');

/**
 * MD5 over the attributes sorted by name: each of name, type and value with its length in four bytes before it, and one
 * byte (1 text, 2 binary) before the value (SQS developer guide, "Calculating the MD5 message digest").
 * Undefined for none.
 */
export const attributesMd5 = (attributes: Attributes): string | undefined => {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  const field = (bytes: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const attribute = attributes[name];
    if (attribute === undefined) continue;
    field(Buffer.from(name, 'utf8'));
    field(Buffer.from(attribute.DataType, 'utf8'));
    hash.update(Buffer.from(['StringValue' in attribute ? 1 : 2]));
    field(bytesOf(attribute));
  }
  return hash.digest('hex');
};

/** Bytes that count towards MaximumMessageSize: body, and name, type and value of each attribute. */
export const sizeOf = (body: string, attributes: Attributes): number =>
  Object.entries(attributes).reduce(
    (sum, [name, attribute]) =>
      sum + Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType) + bytesOf(attribute).length,
    Buffer.byteLength(body),
  );

const ALLOWED = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u;
const TOKEN = /^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]{1,128}$/;

/** MessageGroupId, MessageDeduplicationId and ReceiveRequestAttemptId: 1 to 128 letters, digits and punctuation. */
export const token = (input: Input, field: string): string | undefined => {
  const value = text(input, field);
  if (value !== undefined && !TOKEN.test(value))
    throw invalid(
      field,
      value,
      `${field} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
    );
  return value;
};

const wrong = (message: string): Error => refuse('InvalidParameterValue', message);

const checkName = (name: string): void => {
  const fits = /^[A-Za-z0-9_.-]{1,256}$/.test(name) && !/^\.|\.$|\.\.|^(?:aws|amazon)\./i.test(name);
  if (!fits) throw wrong(`Message (user) attribute name '${name}' is not allowed.`);
};

const readAttribute = (name: string, raw: unknown): Attribute => {
  if (!isRecord(raw)) throw refuse('SerializationException', `The message attribute ${name} must be a structure.`);
  const type = text(raw, 'DataType') ?? '';
  const kind = type.split('.', 1)[0] ?? '';
  if (type === '') throw wrong(`Message (user) attribute '${name}' must contain a non-empty attribute type.`);
  if (!['String', 'Number', 'Binary'].includes(kind) || type.length > 256 || /^\w+\.$/.test(type))
    throw wrong(
      `The type of message (user) attribute '${name}' is invalid. Use String, Number or Binary, with a label.`,
    );
  const value = text(raw, kind === 'Binary' ? 'BinaryValue' : 'StringValue') ?? '';
  if (value === '') throw wrong(`Message (user) attribute '${name}' must contain a non-empty value of type '${kind}'.`);
  if (kind === 'Binary') return { DataType: type, BinaryValue: Buffer.from(value, 'base64').toString('base64') };
  if (!ALLOWED.test(value)) throw refuse('InvalidMessageContents', `Attribute '${name}' holds a forbidden character.`);
  if (kind === 'Number' && !/^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*$/.test(value))
    throw wrong(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  return { DataType: type, StringValue: value };
};

/** The user's attributes of a message to send. At most ten, none empty. */
export const readAttributes = (input: Input): Attributes => {
  const raw = record(input, 'MessageAttributes');
  const names = Object.keys(raw);
  if (names.length > MOST_ATTRIBUTES)
    throw wrong(`Number of message attributes [${names.length}] exceeds the allowed maximum [${MOST_ATTRIBUTES}].`);
  names.forEach(checkName);
  return Object.fromEntries(names.map((name) => [name, readAttribute(name, raw[name])]));
};

/** System attributes of a message to send: AWSTraceHeader, a String, is the only one there is. */
export const readSystemAttributes = (input: Input): Attributes => {
  const raw = record(input, 'MessageSystemAttributes');
  return Object.fromEntries(
    Object.keys(raw).map((name) => {
      const attribute = readAttribute(name, raw[name]);
      if (name !== 'AWSTraceHeader') throw wrong(`Message system attribute name '${name}' is invalid.`);
      if (attribute.DataType !== 'String') throw wrong(`Message system attribute '${name}' must be of type String.`);
      return [name, attribute];
    }),
  );
};

/** The body of a message to send: not empty, only characters that XML knows. */
export const readBody = (input: Input): string => {
  const body = text(input, 'MessageBody') ?? '';
  if (body === '') throw refuse('MissingParameter', 'The request must contain the parameter MessageBody.');
  if (!ALLOWED.test(body))
    throw refuse(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.',
    );
  return body;
};

/** The attributes that a receiver asked for by `All`, `.*`, `prefix.*` (or `prefix.`) and plain names. */
export const selectAttributes = (attributes: Attributes, wanted: readonly string[]): Attributes => {
  if (wanted.length === 0) return {};
  const fits = (name: string): boolean =>
    wanted.some(
      (want) =>
        want === 'All' ||
        want === name ||
        (want.endsWith('.*') && name.startsWith(want === '.*' ? '' : want.slice(0, -1))),
    );
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => fits(name)));
};

export const textOf = (attribute: Attribute | undefined): string | undefined =>
  attribute !== undefined && 'StringValue' in attribute ? attribute.StringValue : undefined;

/** The size of a batch entry before it is validated, for the limit over the whole batch. */
export const roughSizeOf = (entry: Input): number => {
  const attributes = Object.entries(record(entry, 'MessageAttributes'));
  return attributes.reduce(
    (sum, [name, raw]) => {
      if (!isRecord(raw)) return sum;
      const value = Buffer.byteLength(text(raw, 'StringValue') ?? '');
      const binary = Buffer.from(text(raw, 'BinaryValue') ?? '', 'base64').length;
      return sum + Buffer.byteLength(name) + Buffer.byteLength(text(raw, 'DataType') ?? '') + value + binary;
    },
    Buffer.byteLength(text(entry, 'MessageBody') ?? ''),
  );
};
