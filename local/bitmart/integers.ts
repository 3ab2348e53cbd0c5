// Whole numbers beyond 2^53 in JSON, in and out without loss: the venue counts in 64 bits, JavaScript in 53.
// Promises the very digits that were sent. Never rounds.

const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** A value that JSON.stringify writes as a number with exactly these digits. */
export const jsonInteger = (digits: string): unknown => rawJSON(digits);

const keepDigits = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
  const source = context?.source ?? '';
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value;
};

/** Parses JSON; an integer that a double cannot hold comes out as the text of its digits. */
export const parseJson = (text: string): unknown => JSON.parse(text, keepDigits) as unknown;
