// Faults that tests put into the local AWS over HTTP: refuse, half refuse, lose before, lose after, delay.
// Promises that the first matching fault acts, that `times` counts down, the same draws for the same seed, and that a field
// it does not know is refused. Without faults it changes nothing.
import { seeded } from '../exchange/faults.ts';
import { isRecord, records, refuse, text, whole, type Input, type Output } from './wire.ts';

const KINDS = ['error', 'partial', 'drop-before', 'drop-after', 'delay'] as const;

export interface Fault {
  readonly service: string | undefined;
  readonly action: string | undefined;
  readonly resource: string | undefined;
  readonly fault: (typeof KINDS)[number];
  readonly ms: number;
  readonly code: string;
  /** How often it still acts; absent in the request means always. */
  times: number;
  /** Part of the matching calls in which it acts, above 0 and at most 1; absent in the request means all. */
  readonly probability: number;
  readonly draw: () => number;
}

/** What a fault is matched against. */
export interface Target {
  readonly service: string;
  readonly action: string;
  readonly resource: string;
}

const LONGEST_DELAY_MS = 600_000;

const FIELDS = ['service', 'action', 'resource', 'fault', 'ms', 'code', 'times', 'probability'];

/** A field in silence is a fault that does something else than its author thinks. */
const refuseUnknown = (raw: Input, known: readonly string[]): void => {
  const unknown = Object.keys(raw).filter((field) => !known.includes(field));
  if (unknown.length === 0) return;
  throw refuse('InvalidParameterValue', `${unknown.join(', ')}: no such field; there are ${known.join(', ')}.`);
};

const readProbability = (raw: Input): number => {
  const value = raw['probability'] ?? 1;
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  throw refuse('InvalidParameterValue', 'probability must be a number above 0 and at most 1.');
};

const readFault = (raw: Input, seed: number): Fault => {
  refuseUnknown(raw, FIELDS);
  const fault = KINDS.find((kind) => kind === raw['fault']);
  if (fault === undefined)
    throw refuse('InvalidParameterValue', `fault must be one of ${KINDS.join(', ')}, not ${String(raw['fault'])}.`);
  return {
    fault,
    service: text(raw, 'service'),
    action: text(raw, 'action'),
    resource: text(raw, 'resource'),
    ms: whole(raw, 'ms', 0, LONGEST_DELAY_MS) ?? 0,
    code: text(raw, 'code') ?? 'InternalError',
    times: whole(raw, 'times', 0, Number.MAX_SAFE_INTEGER) ?? Infinity,
    probability: readProbability(raw),
    draw: seeded(seed),
  };
};

/** The faults of `PUT /_faults` { seed?, faults }, in their order. Throws InvalidParameterValue on an unknown kind or field. */
export const readFaults = (body: unknown): Fault[] => {
  if (!isRecord(body)) return [];
  refuseUnknown(body, ['seed', 'faults']);
  const seed = whole(body, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? 1;
  return records(body, 'faults').map((raw, index) => readFault(raw, seed + index));
};

/** The first fault that matches, counted down; undefined for none. */
export const nextFault = (faults: readonly Fault[], target: Target): Fault | undefined => {
  const found = faults.find(
    (fault) =>
      fault.times > 0 &&
      (fault.service ?? target.service) === target.service &&
      (fault.action ?? target.action) === target.action &&
      (fault.resource ?? target.resource) === target.resource &&
      (fault.probability === 1 || fault.draw() < fault.probability),
  );
  if (found !== undefined) found.times -= 1;
  return found;
};

/** Takes the first entry off a batch call: the rest is executed, the first is answered as an InternalError. */
export const splitBatch = (input: Input): { readonly rest: Input; readonly merge: (result: Output) => Output } => {
  const [first, ...rest] = records(input, 'Entries');
  const failed = { Id: first?.['Id'], Code: 'InternalError', Message: 'Injected fault.', SenderFault: false };
  return {
    rest: { ...input, Entries: rest },
    merge: (result) => ({ ...result, Failed: [failed, ...records(result, 'Failed')] }),
  };
};
